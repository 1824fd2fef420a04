/* What is killed comes back, and nothing is lost or done twice. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKER(name, words, more)                                                                  \
    "    - {name: " name ", worker: [\"${SELF}\", worker" words "]" more "}\n"
#define LOG        ", env: {WORKER_LOG: \"${DIR}/lines\"}"
#define BACKOFF_MS 200
#define TREE                                                                                       \
    "version: 1\n"                                                                                 \
    "supervisor:\n"                                                                                \
    "  max_restarts: unlimited\n"                                                                  \
    "  backoff: {initial: 200ms, max: 200ms, factor: 1, jitter: none, reset_after: 1m}\n"          \
    "  children:\n"

/* How much later than its backoff a worker may be back (acceptance: 50 ms); a checker takes more
 * for the start of a program than all of it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { BACK_MS = 2000 };
#else
enum { BACK_MS = 50 };
#endif

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double number_of(server *s, const char *path)
{
    return number_at(rpc(s, "actor.info", "{\"name\":\"w\"}").result, path);
}

static pid_t pid_of(server *s)
{
    answer a = rpc(s, "actor.info", "{\"name\":\"w\"}");
    return count_at(a.result, "pids") == 1 ? (pid_t)number_at(a.result, "pids[0]") : 0;
}

START_TEST(killed_worker_answers_again_soon_after_its_backoff)
{
    server *s = server_start(TREE WORKER("w", "", ""));
    expect_result(rpc(s, "ask", "{\"to\":\"w\",\"msg\":0}"), "0");
    double best = 1e9;
    for (int i = 0; i < 3; i++) { /* a busy machine may be late once */
        pid_t pid = pid_of(s);
        double killed = now_ms();
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        wait_until(number_of(s, "incarnation") == i + 2);
        expect_result(rpc(s, "ask", "{\"to\":\"w\",\"msg\":1,\"timeout\":\"15s\"}"), "1");
        double took = now_ms() - killed;
        ck_assert_msg(took >= BACKOFF_MS, "back after %.1f ms, before its backoff", took);
        best = took < best ? took : best;
    }
    ck_assert_msg(best < BACKOFF_MS + BACK_MS, "back after %.1f ms", best);
    server_stop(s);
}
END_TEST

enum { QUEUED = 200 };

/* A worker is killed in the midst of its queue: every message but the one in its hand is done once,
 * in the order in which they were sent. */
START_TEST(queue_of_a_killed_worker_is_done_in_order_none_lost_none_twice)
{
    server *s = server_start(TREE WORKER("w", "", LOG));
    send_message(s, "w", "{\"pause\":true}"); /* in its hand when it is killed */
    wait_until(server_read(s, "lines") && strstr(server_read(s, "lines"), "}}\n"));
    for (int i = 0; i < QUEUED; i++) {
        char msg[16];
        snprintf(msg, sizeof msg, "%d", i);
        send_message(s, "w", msg);
    }
    ck_assert_int_eq(kill(pid_of(s), SIGKILL), 0);
    send_message(s, "w", "\"after\""); /* to one that is down */
    ck_assert_str_eq(text_at(wait_message(s, "m-202").result, "state"), "done");
    ck_assert_str_eq(message_state(s, "m-1"), "dead");
    ck_assert(stat_of(s, "done") == QUEUED + 1);
    ck_assert(stat_of(s, "dead") == 1);
    expect_balanced(s);

    const char *at = server_read(s, "lines");
    for (int i = -1; i < QUEUED; i++) { /* m-1 is the one that was lost with its worker */
        char line[128];
        if (i < 0)
            snprintf(line, sizeof line,
                     "w {\"id\":\"m-1\",\"attempt\":1,\"msg\":{\"pause\":true}}\n");
        else
            snprintf(line, sizeof line, "w {\"id\":\"m-%d\",\"attempt\":1,\"msg\":%d}\n", i + 2, i);
        ck_assert_msg(strncmp(at, line, strlen(line)) == 0, "not %sbut: %.100s", line, at);
        at += strlen(line);
    }
    ck_assert_str_eq(at, "w {\"id\":\"m-202\",\"attempt\":1,\"msg\":\"after\"}\n");
    server_stop(s);
}
END_TEST

START_TEST(message_in_hand_is_tried_again_where_a_policy_says_so)
{
    server *s = server_start(TREE WORKER(
        "w", "", ", retry: {max_retries: 1, backoff: fixed, initial: 1ms, jitter: none}" LOG));
    send_message(s, "w", "{\"pause\":true}");
    wait_until(server_read(s, "lines") && strstr(server_read(s, "lines"), "}}\n"));
    ck_assert_int_eq(kill(pid_of(s), SIGKILL), 0);
    wait_until(server_read(s, "lines") &&
               strstr(server_read(s, "lines"), "w {\"id\":\"m-1\",\"attempt\":2"));
    ck_assert_int_eq(kill(pid_of(s), SIGKILL), 0);
    answer a = wait_message(s, "m-1");
    ck_assert_str_eq(text_at(a.result, "state"), "dead");
    ck_assert(number_at(a.result, "attempts") == 2);
    server_stop(s);
}
END_TEST

START_TEST(many_workers_killed_at_once_all_come_back)
{
    enum { WORKERS = 20 };
    char yaml[4096] = TREE;
    for (int i = 0; i < WORKERS; i++) {
        size_t len = strlen(yaml);
        snprintf(yaml + len, sizeof yaml - len,
                 "    - {name: w%d, worker: [\"${SELF}\", worker]}\n", i);
    }
    server *s = server_start(yaml);
    for (int i = 0; i < WORKERS; i++) {
        answer a = rpcf(s, "actor.info", "{\"name\":\"w%d\"}", i);
        ck_assert_int_eq(kill((pid_t)number_at(a.result, "pids[0]"), SIGKILL), 0);
    }
    wait_until(stat_of(s, "restarts") == WORKERS);
    for (int i = 0; i < WORKERS; i++)
        expect_ok(rpcf(s, "ask", "{\"to\":\"w%d\",\"msg\":1,\"timeout\":\"20s\"}", i));
    server_stop(s);
}
END_TEST

/* It is found dead when the message is to be written, or just after. */
START_TEST(message_that_a_dead_worker_never_had_costs_no_attempt)
{
    server *s = server_start(TREE WORKER("w", "", ""));
    expect_result(rpc(s, "ask",
                      "{\"to\":\"w\",\"msg\":{\"close\":true,"
                      "\"say\":\"{\\\"id\\\":@,\\\"reply\\\":1}\",\"pause\":true}}"),
                  "1");
    send_message(s, "w", "5"); /* nobody reads it */
    wait_until(number_of(s, "counters.running") == 1);
    ck_assert_int_eq(kill(pid_of(s), SIGKILL), 0);
    answer a = wait_message(s, "m-2");
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert(number_at(a.result, "attempts") == 1);
    server_stop(s);
}
END_TEST

START_TEST(killed_daemon_takes_its_processes_along)
{
    server *s = server_start(TREE WORKER("w", ", stubborn, ready", ", start: ready") WORKER(
        "v", ", deaf", "") "    - {name: x, exec: [sleep, \"1000\"]}\n");
    send_message(s, "x", "1");
    wait_until(count_at(rpc(s, "actor.info", "{\"name\":\"x\"}").result, "pids") == 1);
    server_signal(s, SIGKILL);
    server_expect_exit(s, 128 + SIGKILL); /* and looks for what it left behind */
    server_free(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        killed_worker_answers_again_soon_after_its_backoff,
        queue_of_a_killed_worker_is_done_in_order_none_lost_none_twice,
        message_in_hand_is_tried_again_where_a_policy_says_so,
        many_workers_killed_at_once_all_come_back,
        message_that_a_dead_worker_never_had_costs_no_attempt,
        killed_daemon_takes_its_processes_along,
        NULL,
    };
    return worker_or_tests(argc, argv, "kill", tests);
}
