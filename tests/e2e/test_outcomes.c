/* What becomes of messages: pauses, stops, failures, timeouts, and figures that add up. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ECHO  CHILDREN "    - {name: echo, echo: {}}\n"
#define SLEEP CHILDREN "    - {name: sleep, sleep: {}}\n"

/* Notes its attempts in the file `attempts` and fails, until the file `well` is there. */
#define FLAKY                                                                                      \
    "exec: [sh, -c, 'echo $$ACTORD_ATTEMPT >>${DIR}/attempts; test -e ${DIR}/well && echo 1']"

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void must(server *s, const char *method, const char *params)
{
    expect_ok(rpc(s, method, params));
}

static void expect_message(server *s, const char *id, const char *state)
{
    ck_assert_str_eq(text_at(wait_message(s, id).result, "state"), state);
}

/* ---- pause, purge, stop ---- */

START_TEST(paused_actor_keeps_what_it_is_sent)
{
    server *s = server_start(ECHO);
    answer a = rpc(s, "actor.pause", "{\"name\":\"echo\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "paused");
    ck_assert_str_eq(actor_state(s, "echo"), "paused");
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"echo\",\"msg\":5,\"timeout\":\"1m\"}");
    wait_until(stat_of(s, "waiting") == 1);
    answer info = rpc(s, "actor.info", "{\"name\":\"echo\"}");
    ck_assert_int_eq((int)number_at(info.result, "mailbox.waiting"), 1);
    a = rpc(s, "actor.resume", "{\"name\":\"echo\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "running");
    expect_result(rpc_receive(s, ask), "5");
    must(s, "actor.resume", "{\"name\":\"echo\"}"); /* so it is already */
    server_stop(s);
}
END_TEST

START_TEST(pause_lets_what_runs_finish)
{
    server *s = server_start(SLEEP);
    send_message(s, "sleep", "{\"ms\":20}");
    wait_until(strcmp(message_state(s, "m-1"), "waiting") != 0);
    must(s, "actor.pause", "{\"name\":\"sleep\"}");
    send_message(s, "sleep", "{\"ms\":0}");
    expect_message(s, "m-1", "done");
    ck_assert_str_eq(message_state(s, "m-2"), "waiting");
    must(s, "actor.resume", "{\"name\":\"sleep\"}");
    expect_message(s, "m-2", "done");
    server_stop(s);
}
END_TEST

START_TEST(purge_cancels_all_that_waits_and_nothing_else)
{
    server *s = server_start(SLEEP);
    send_message(s, "sleep", "{\"ms\":30}");
    wait_until(strcmp(message_state(s, "m-1"), "waiting") != 0);
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":0}}");
    expect_ok(rpc(s, "send", "{\"to\":\"sleep\",\"msg\":1,\"delay\":\"1h\"}"));
    wait_until(stat_of(s, "waiting") == 2);
    answer a = rpc(s, "actor.purge", "{\"name\":\"sleep\"}");
    ck_assert_int_eq((int)number_at(a.result, "purged"), 2);
    expect_error(rpc_receive(s, ask), -32008, "cancelled");
    expect_message(s, "m-1", "done");
    ck_assert_int_eq((int)stat_of(s, "cancelled"), 2);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(stopped_actor_refuses_and_its_messages_are_dead_letters)
{
    server *s = server_start(ECHO);
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    send_message(s, "echo", "1");
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"echo\",\"msg\":2,\"timeout\":\"1m\"}");
    wait_until(stat_of(s, "waiting") == 2);
    answer a = rpc(s, "actor.stop", "{\"name\":\"echo\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "stopped");
    expect_error(rpc_receive(s, ask), -32013, "stopped");
    expect_error(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":3}"), -32013, "stopped");
    expect_error(rpc(s, "send", "{\"to\":\"echo\",\"msg\":3}"), -32013, "stopped");
    ck_assert_str_eq(message_state(s, "m-1"), "dead");
    a = rpc(s, "deadletter.list", "{\"reason\":\"stopped\"}");
    ck_assert_int_eq(count_at(a.result, "items"), 2);
    expect_balanced(s);
    must(s, "actor.restart", "{\"name\":\"echo\"}");
    must(s, "actor.resume", "{\"name\":\"echo\"}");
    expect_result(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":4}"), "4");
    server_stop(s);
}
END_TEST

START_TEST(restart_by_the_operator_keeps_the_mailbox)
{
    server *s = server_start(ECHO);
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"echo\",\"msg\":2,\"timeout\":\"1m\"}");
    wait_until(stat_of(s, "waiting") == 1);
    must(s, "actor.restart", "{\"name\":\"echo\"}");
    answer info = rpc(s, "actor.info", "{\"name\":\"echo\"}");
    ck_assert_int_eq((int)number_at(info.result, "incarnation"), 2);
    ck_assert_int_eq((int)number_at(info.result, "mailbox.waiting"), 1);
    must(s, "actor.resume", "{\"name\":\"echo\"}");
    expect_result(rpc_receive(s, ask), "2");
    server_stop(s);
}
END_TEST

START_TEST(actor_in_backoff_keeps_what_it_is_sent)
{
    server *s = server_start("version: 1\nsupervisor:\n"
                             "  backoff: {initial: 200ms, jitter: none}\n"
                             "  children:\n"
                             "    - {name: f, on_failure: crash, " FLAKY "}\n");
    expect_error(rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}"), -32006, "failed");
    wait_until(strcmp(actor_state(s, "f"), "backoff") == 0);
    server_write(s, "well", "");
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"f\",\"msg\":2,\"timeout\":\"1m\"}");
    wait_until(stat_of(s, "waiting") == 1);
    expect_error(rpc(s, "actor.restart", "{\"name\":\"f\"}"), -32012, "invalid_state");
    expect_result(rpc_receive(s, ask), "1");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

/* ---- failure ---- */

START_TEST(attempt_that_times_out_has_failed)
{
    server *s = server_start(CHILDREN "    - {name: sleep, sleep: {}, timeout: 15ms, retry: "
                                      "{max_retries: 1, backoff: fixed, initial: 1ms}}\n");
    answer a = rpc(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":60000}}");
    expect_error(a, -32006, "failed");
    ck_assert_int_eq((int)number_at(a.error, "data.attempts"), 2);
    ck_assert_str_eq(text_at(a.error, "data.last_error"), "timed out after 15ms");
    expect_result(rpc(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":1}}"), "{\"slept_ms\":1}");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(max_retries_counts_what_comes_after_the_first_call)
{
    server *s = server_start(CHILDREN "    - {name: f, retry: {max_retries: 3, backoff: fixed, "
                                      "initial: 1ms}, " FLAKY "}\n");
    answer a = rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}");
    expect_error(a, -32006, "failed");
    ck_assert_int_eq((int)number_at(a.error, "data.attempts"), 4);
    ck_assert_str_eq(text_at(a.error, "data.last_error"), "exit status 1");
    ck_assert_str_eq(server_read(s, "attempts"), "1\n2\n3\n4\n");
    a = rpc(s, "message.get", "{\"message\":\"m-1\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "dead");
    ck_assert_int_eq((int)number_at(a.result, "attempts"), 4);
    ck_assert_int_eq((int)number_at(a.result, "error.code"), -32006);
    a = rpc(s, "deadletter.list", NULL);
    ck_assert_int_eq(count_at(a.result, "items"), 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(retry_that_succeeds_is_done)
{
    server *s = server_start(CHILDREN "    - {name: f, retry: {max_retries: 1000, backoff: fixed, "
                                      "initial: 5ms}, " FLAKY "}\n");
    send_message(s, "f", "1");
    wait_until(server_read(s, "attempts") && strlen(server_read(s, "attempts")) >= 4);
    server_write(s, "well", "");
    answer a = wait_message(s, "m-1");
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert(number_at(a.result, "attempts") >= 3);
    ck_assert_int_eq((int)stat_of(s, "dead_letters"), 0);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(message_that_waits_for_its_retry_holds_no_worker)
{
    server *s = server_start(
        CHILDREN
        "    - {name: x, retry: {max_retries: 1, backoff: fixed, initial: 1h, jitter: none}, "
        "exec: [sh, -c, 'read x; test $$x = 1']}\n");
    send_message(s, "x", "0");
    wait_until(strcmp(message_state(s, "m-1"), "retrying") == 0);
    answer a = rpc(s, "message.get", "{\"message\":\"m-1\"}");
    ck_assert(number_at(a.result, "next_ms") > 3590e3);
    ck_assert_int_eq((int)number_at(a.result, "attempts"), 1);
    ck_assert_int_eq((int)stat_of(s, "retrying"), 1);
    expect_balanced(s);
    send_message(s, "x", "1");
    expect_message(s, "m-2", "done");
    must(s, "message.cancel", "{\"message\":\"m-1\"}");
    ck_assert_int_eq((int)stat_of(s, "cancelled"), 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(retry_that_would_begin_too_late_is_not_waited_for)
{
    server *s = server_start(CHILDREN "    - {name: f, ttl: 10m, retry: {max_retries: 1, "
                                      "backoff: fixed, initial: 1h, jitter: none}, " FLAKY "}\n");
    answer a = rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}");
    expect_error(a, -32008, "expired");
    expect_in(text_at(a.error, "message"), "exit status 1");
    ck_assert_str_eq(message_state(s, "m-1"), "expired");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(rejected_message_is_not_retried)
{
    server *s = server_start(CHILDREN "    - {name: c, counter: {}, retry: {max_retries: 9}}\n"
                                      "    - {name: sleep, sleep: {}}\n");
    answer a = rpc(s, "ask", "{\"to\":\"c\",\"msg\":{\"add\":\"x\"}}");
    expect_error(a, -32007, "rejected");
    ck_assert(!bool_at(a.error, "data.retry_safe"));
    expect_error(rpc(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":-1}}"), -32007, "rejected");
    expect_error(rpc(s, "ask", "{\"to\":\"c\",\"msg\":[]}"), -32007, "rejected");
    ck_assert_int_eq((int)stat_of(s, "dead"), 3);
    a = rpc(s, "deadletter.list", "{\"reason\":\"rejected\"}");
    ck_assert_int_eq(count_at(a.result, "items"), 3);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

/* ---- asks that time out ---- */

START_TEST(ask_that_did_not_begin_is_withdrawn)
{
    server *s = server_start(ECHO);
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    answer a = rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1,\"timeout\":\"10ms\"}");
    expect_error(a, -32005, "timeout");
    ck_assert_str_eq(text_at(a.error, "data.state"), "cancelled");
    ck_assert(!bool_at(a.error, "data.retry_safe"));
    ck_assert_str_eq(message_state(s, text_at(a.error, "data.message")), "cancelled");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(ask_that_runs_goes_on_after_its_timeout)
{
    server *s = server_start(SLEEP);
    answer a = rpc(s, "ask",
                   "{\"to\":\"sleep\",\"msg\":{\"ms\":60},\"timeout\":\"10ms\","
                   "\"key\":\"k\"}");
    expect_error(a, -32005, "timeout");
    ck_assert_str_eq(text_at(a.error, "data.state"), "running");
    ck_assert(bool_at(a.error, "data.retry_safe"));
    expect_message(s, text_at(a.error, "data.message"), "done");
    expect_result(rpc(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":60},\"key\":\"k\"}"),
                  "{\"slept_ms\":60}");
    ck_assert_int_eq((int)stat_of(s, "accepted"), 1);
    server_stop(s);
}
END_TEST

START_TEST(ask_that_waits_for_its_retry_goes_on_after_its_timeout)
{
    server *s = server_start(CHILDREN "    - {name: f, retry: {max_retries: 1, backoff: fixed, "
                                      "initial: 1h, jitter: none}, " FLAKY "}\n");
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"f\",\"msg\":1,\"timeout\":\"300ms\"}");
    answer a = rpc_receive(s, ask);
    expect_error(a, -32005, "timeout");
    ck_assert_str_eq(text_at(a.error, "data.state"), "retrying");
    ck_assert_str_eq(message_state(s, "m-1"), "retrying");
    must(s, "actor.purge", "{\"name\":\"f\"}");
    server_stop(s);
}
END_TEST

/* ---- figures ---- */

START_TEST(actor_info_has_its_members)
{
    server *s = server_start(CHILDREN "    - {name: echo, echo: {}, mailbox: {capacity: 7}}\n");
    answer a = rpc(s, "actor.info", "{\"name\":\"echo\"}");
    ck_assert(cJSON_IsNull(json_at(a.result, "latency_ms.p50")));
    for (int i = 0; i < 10; i++)
        expect_ok(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1}"));
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    double before = milliseconds();
    send_message(s, "echo", "1");
    a = rpc(s, "actor.info", "{\"name\":\"echo\"}");
    static const char head[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"name\":\"echo\",\"kind\":"
        "\"echo\",\"path\":\"/root/echo\",\"state\":\"paused\","
        "\"incarnation\":1,\"pids\":[],\"mailbox\":{\"waiting\":1,"
        "\"capacity\":7,\"oldest_ms\":";
    ck_assert_mem_eq(a.bytes, head, sizeof head - 1);
    ck_assert(number_at(a.result, "mailbox.oldest_ms") <= milliseconds() - before + 1);
    ck_assert_int_eq((int)number_at(a.result, "counters.accepted"), 11);
    ck_assert_int_eq((int)number_at(a.result, "counters.done"), 10);
    ck_assert_int_eq((int)number_at(a.result, "counters.waiting"), 1);
    double p50 = number_at(a.result, "latency_ms.p50"), p99 = number_at(a.result, "latency_ms.p99");
    ck_assert(0 < p50 && p50 <= p99);
    ck_assert_int_eq((int)number_at(a.result, "restarts"), 0);
    ck_assert(cJSON_IsNull(json_at(a.result, "last_exit")));
    ck_assert(cJSON_IsNull(json_at(a.result, "breaker")));
    must(s, "actor.purge", "{\"name\":\"echo\"}");
    server_stop(s);
}
END_TEST

START_TEST(latency_is_about_as_long_as_it_took)
{
    server *s = server_start(SLEEP);
    expect_ok(rpc(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":50}}"));
    answer a = rpc(s, "actor.info", "{\"name\":\"sleep\"}");
    ck_assert(number_at(a.result, "latency_ms.p50") >= 50);
    server_stop(s);
}
END_TEST

START_TEST(actor_state_is_what_a_worker_shows)
{
    server *s = server_start(ECHO);
    expect_result(rpc(s, "actor.state", "{\"name\":\"echo\"}"),
                  "{\"name\":\"echo\",\"state\":null}");
    server_stop(s);
}
END_TEST

START_TEST(tree_shows_the_supervisors_and_their_children)
{
    server *s = server_start("version: 1\nsupervisor:\n"
                             "  max_restarts: 3 in 5s\n"
                             "  children:\n"
                             "    - {name: b, echo: {}}\n"
                             "    - name: sup\n"
                             "      supervisor: {strategy: rest_for_one, max_restarts: unlimited, "
                             "children: [{name: a, counter: {}}]}\n");
    const cJSON *t = rpc(s, "tree", NULL).result;
    ck_assert_str_eq(text_at(t, "name"), "root");
    ck_assert_str_eq(text_at(t, "kind"), "supervisor");
    ck_assert_str_eq(text_at(t, "strategy"), "one_for_one");
    ck_assert_str_eq(text_at(t, "state"), "running");
    ck_assert_int_eq((int)number_at(t, "restarts_used"), 0);
    ck_assert_int_eq((int)number_at(t, "max_restarts"), 3);
    ck_assert_int_eq((int)number_at(t, "within_ms"), 5000);
    ck_assert_str_eq(text_at(t, "children[0].name"), "b");
    ck_assert_str_eq(text_at(t, "children[0].kind"), "echo");
    ck_assert_str_eq(text_at(t, "children[0].state"), "running");
    ck_assert_str_eq(text_at(t, "children[1].strategy"), "rest_for_one");
    ck_assert(cJSON_IsNull(json_at(t, "children[1].max_restarts")));
    ck_assert_str_eq(text_at(t, "children[1].children[0].name"), "a");
    t = rpc(s, "tree", "{\"under\":\"sup\"}").result;
    ck_assert_str_eq(text_at(t, "name"), "sup");
    ck_assert_str_eq(text_at(rpc(s, "actor.info", "{\"name\":\"a\"}").result, "path"),
                     "/root/sup/a");
    server_stop(s);
}
END_TEST

START_TEST(counter_keeps_its_total_when_it_rejects_a_message)
{
    server *s = server_start(CHILDREN "    - {name: counter, counter: {}}\n");
    expect_result(rpc(s, "ask", "{\"to\":\"counter\",\"msg\":{\"add\":5}}"), "5");
    expect_error(rpc(s, "ask", "{\"to\":\"counter\",\"msg\":{\"add\":9223372036854775807}}"),
                 -32007, "rejected");
    expect_result(rpc(s, "ask", "{\"to\":\"counter\",\"msg\":{\"add\":-6}}"), "-1");
    server_stop(s);
}
END_TEST

START_TEST(counters_add_up_at_every_step)
{
    server *s = server_start(
        CHILDREN
        "    - {name: echo, echo: {}}\n"
        "    - {name: sleep, sleep: {}}\n"
        "    - {name: bad, exec: ['false'], on_failure: drop}\n"
        "    - {name: f, retry: {max_retries: 1, backoff: fixed, initial: 1h, jitter: none},"
        " exec: ['false']}\n");
    static const struct {
        const char *method, *params;
    } steps[] = {
        {"ask", "{\"to\":\"echo\",\"msg\":1}"},
        {"ask", "{\"to\":\"bad\",\"msg\":1}"},
        {"send", "{\"to\":\"sleep\",\"msg\":{\"ms\":3}}"},
        {"send", "{\"to\":\"sleep\",\"msg\":{\"ms\":60000}}"},
        {"send", "{\"to\":\"sleep\",\"msg\":{\"ms\":0},\"ttl\":\"1ms\"}"},
        {"send", "{\"to\":\"f\",\"msg\":1}"},
        {"ask", "{\"to\":\"sleep\",\"msg\":1,\"timeout\":\"5ms\"}"},
        {"actor.pause", "{\"name\":\"echo\"}"},
        {"send", "{\"to\":\"echo\",\"msg\":2,\"delay\":\"1h\"}"},
        {"actor.stop", "{\"name\":\"echo\"}"},
        {"actor.kill", "{\"name\":\"sleep\"}"},
        {"actor.delete", "{\"name\":\"echo\"}"}, /* its counts stay in the sum */
        {"actor.purge", "{\"name\":\"f\"}"},
        {"deadletter.drop", "{}"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        rpc(s, steps[i].method, steps[i].params);
        expect_balanced(s);
    }
    ck_assert_int_eq((int)stat_of(s, "accepted"), 8);
    ck_assert_int_eq((int)stat_of(s, "dropped"), 1);
    server_stop(s);
}
END_TEST

START_TEST(nothing_is_lost_or_done_twice_under_load)
{
    server *s = server_start("version: 1\nlimits: {in_flight_per_client: 1000}\n"
                             "supervisor: {children: [{name: c, counter: {}}]}\n");
    enum { CLIENTS = 4, EACH = 250 };
    static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":"
                              "\"c\",\"msg\":{\"add\":1},\"timeout\":\"1m\"}}";
    client *clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = server_connect(s);
    for (int n = 0; n < EACH; n++)
        for (int i = 0; i < CLIENTS; i++)
            client_send(clients[i], ask, sizeof ask - 1);
    for (int i = 0; i < CLIENTS; i++) {
        for (uint32_t n = 1; n <= EACH; n++) {
            size_t len;
            char *bytes = client_receive(clients[i], n, &len);
            expect_in(bytes, "\"result\":");
            free(bytes);
        }
        client_close(clients[i]);
    }
    expect_result(rpc(s, "ask", "{\"to\":\"c\",\"msg\":{\"add\":0}}"), "1000");
    ck_assert_int_eq((int)stat_of(s, "done"), 1001);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        paused_actor_keeps_what_it_is_sent,
        pause_lets_what_runs_finish,
        purge_cancels_all_that_waits_and_nothing_else,
        stopped_actor_refuses_and_its_messages_are_dead_letters,
        restart_by_the_operator_keeps_the_mailbox,
        actor_in_backoff_keeps_what_it_is_sent,
        attempt_that_times_out_has_failed,
        max_retries_counts_what_comes_after_the_first_call,
        retry_that_succeeds_is_done,
        message_that_waits_for_its_retry_holds_no_worker,
        retry_that_would_begin_too_late_is_not_waited_for,
        rejected_message_is_not_retried,
        ask_that_did_not_begin_is_withdrawn,
        ask_that_runs_goes_on_after_its_timeout,
        ask_that_waits_for_its_retry_goes_on_after_its_timeout,
        actor_info_has_its_members,
        latency_is_about_as_long_as_it_took,
        actor_state_is_what_a_worker_shows,
        tree_shows_the_supervisors_and_their_children,
        counter_keeps_its_total_when_it_rejects_a_message,
        counters_add_up_at_every_step,
        nothing_is_lost_or_done_twice_under_load,
        NULL,
    };
    return suite_run("outcomes", tests, NULL, NULL);
}
