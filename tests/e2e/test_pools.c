/* Actors with several instances on one mailbox. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT(keys)    "version: 1\nsupervisor:\n" keys "  children:\n"
#define HARDY         "  max_restarts: unlimited\n  backoff: none\n"
#define SLOW          "  max_restarts: unlimited\n  backoff: {initial: 1m, max: 1m, jitter: none}\n"
#define POOL(n, more) "    - {name: w, instances: " n ", worker: [\"${SELF}\", worker" more "]}\n"

static server *s;

static answer info(void)
{
    return rpc(s, "actor.info", "{\"name\":\"w\"}");
}

static double of_instance(int index, const char *member)
{
    char path[64];
    snprintf(path, sizeof path, "instances[%d].%s", index, member);
    return number_at(info().result, path);
}

static int running(void)
{
    return (int)number_at(info().result, "pool.running");
}

static int in_hand(void)
{
    return count_at(info().result, "in_hand");
}

/* A message that is in hand until there is a file "go". */
static const char *send_long(void)
{
    char msg[512];
    snprintf(msg, sizeof msg, "{\"wait\":\"%s\",\"line\":true}", server_path(s, "go"));
    return send_message(s, "w", msg);
}

static answer scale(int n)
{
    return rpcf(s, "actor.scale", "{\"name\":\"w\",\"instances\":%d}", n);
}

static void expect_scaled(int n)
{
    answer a = scale(n);
    expect_ok(a);
    ck_assert_int_eq((int)number_at(a.result, "instances"), n);
    ck_assert_int_eq(running(), n);
}

static bool is_gone(double pid)
{
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* ---- instances ---- */

START_TEST(instances_work_at_the_same_time)
{
    s = server_start(ROOT(HARDY) POOL("4", ""));
    ck_assert_int_eq(count_at(info().result, "pids"), 4);
    ck_assert_int_eq(count_at(info().result, "instances"), 4);
    for (int i = 0; i < 4; i++) {
        ck_assert(of_instance(i, "instance") == i + 1);
        ck_assert(of_instance(i, "incarnation") == 1);
    }
    const char *ids[6];
    for (int i = 0; i < 6; i++)
        ids[i] = send_long();
    wait_until(in_hand() == 4);
    ck_assert(number_at(info().result, "mailbox.waiting") == 2);
    server_write(s, "go", "");
    for (int i = 0; i < 6; i++)
        ck_assert_str_eq(text_at(wait_message(s, ids[i]).result, "state"), "done");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(exec_runs_so_many_processes_at_a_time)
{
    s = server_start(ROOT(HARDY) "    - {name: w, instances: 3, exec: [sh, -c, "
                                 "'while [ ! -e ${DIR}/go ]; do sleep 0.02; done; "
                                 "echo $ACTORD_INSTANCE']}\n");
    const char *ids[4];
    double sum = 0;
    for (int i = 0; i < 4; i++)
        ids[i] = send_message(s, "w", "1");
    wait_until(count_at(info().result, "pids") == 3);
    ck_assert_int_eq(in_hand(), 3);
    server_write(s, "go", "");
    for (int i = 0; i < 4; i++)
        sum += number_at(wait_message(s, ids[i]).result, "reply");
    ck_assert(sum >= 1 + 2 + 3 + 1 && sum <= 1 + 2 + 3 + 3);
    server_stop(s);
}
END_TEST

START_TEST(echo_and_sleep_may_have_instances_and_a_counter_may_not)
{
    s = server_start(ROOT(HARDY) "    - {name: e, instances: 3, echo: {}}\n"
                                 "    - {name: w, instances: 2, sleep: {}}\n"
                                 "    - {name: c, counter: {}}\n");
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(rpcf(s, "ask", "{\"to\":\"e\",\"msg\":%d}", i).result->valueint, i);
    send_message(s, "w", "{\"ms\":600000}");
    expect_ok(rpc(s, "ask", "{\"to\":\"w\",\"msg\":{\"ms\":1}}"));
    server_configure(s, ROOT(HARDY) "    - {name: c, instances: 2, counter: {}}\n");
    answer a = rpc(s, "config.reload", NULL);
    ck_assert_msg(a.error && strstr(text_at(a.error, "message"), "a counter keeps one total"), "%s",
                  a.bytes);
    server_signal(s, SIGTERM);
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    server_free(s);
}
END_TEST

START_TEST(a_resumed_pool_takes_all_it_can)
{
    s = server_start(ROOT(HARDY) "    - {name: w, instances: 4, sleep: {}}\n");
    expect_ok(rpc(s, "actor.pause", "{\"name\":\"w\"}"));
    for (int i = 0; i < 5; i++)
        send_message(s, "w", "{\"ms\":600000}");
    ck_assert_int_eq(in_hand(), 0);
    expect_ok(rpc(s, "actor.resume", "{\"name\":\"w\"}"));
    wait_until(in_hand() == 4);
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-2\"}"));
    wait_until(in_hand() == 4 && number_at(info().result, "mailbox.waiting") == 0);
    server_signal(s, SIGTERM);
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    server_free(s);
}
END_TEST

/* ---- crashes ---- */

START_TEST(SUP_42_a_killed_instance_takes_only_its_own_message_down)
{
    s = server_start(ROOT(SLOW) POOL("4", ""));
    const char *ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = send_long();
    wait_until(in_hand() == 4);
    ck_assert_int_eq(kill((pid_t)of_instance(1, "pid"), SIGKILL), 0);
    wait_until(running() == 3);
    ck_assert_str_eq(actor_state(s, "w"), "running");
    ck_assert_str_eq(text_at(info().result, "instances[1].state"), "backoff");
    ck_assert(of_instance(1, "restarts") == 1);
    ck_assert(of_instance(0, "incarnation") == 1);
    /* the others go on with what comes */
    const char *more = send_message(s, "w", "1");
    server_write(s, "go", "");
    ck_assert_str_eq(text_at(wait_message(s, more).result, "state"), "done");
    int dead = 0;
    for (int i = 0; i < 4; i++)
        dead += strcmp(text_at(wait_message(s, ids[i]).result, "state"), "dead") == 0;
    ck_assert_int_eq(dead, 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(nothing_is_lost_when_instances_are_killed_under_load)
{
    s = server_start(
        "version: 1\n"
        "supervisor:\n" HARDY "  children:\n"
        "    - name: w\n"
        "      instances: 4\n"
        "      worker: [\"${SELF}\", worker]\n"
        "      retry: {max_retries: 100, backoff: fixed, initial: 1ms, jitter: none}\n");
    enum { MESSAGES = 400 };
    const char *last = NULL;
    for (int i = 0; i < MESSAGES; i++) {
        last = send_message(s, "w", "1");
        if (i % 50 == 25 && maybe_at(info().result, "instances[2].state")[0] == 'r') {
            const cJSON *pid = json_at(info().result, "instances[2].pid");
            if (cJSON_IsNumber(pid))
                kill((pid_t)pid->valuedouble, SIGKILL);
        }
    }
    wait_message(s, last);
    wait_until(stat_of(s, "done") == MESSAGES);
    ck_assert(stat_of(s, "dead") == 0);
    ck_assert(of_instance(0, "incarnation") == 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(one_instance_is_stopped_killed_and_restarted_by_its_number)
{
    s = server_start(ROOT(HARDY) POOL("3", ""));
    double first = of_instance(0, "pid"), second = of_instance(1, "pid");
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"w\",\"instance\":2}"));
    ck_assert(of_instance(0, "pid") == first);
    ck_assert(of_instance(1, "pid") != second);
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"w\",\"instance\":2}"));
    wait_until(of_instance(1, "incarnation") == 3 && running() == 3);
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"w\",\"instance\":2}"));
    ck_assert_str_eq(text_at(info().result, "instances[1].state"), "stopped");
    ck_assert_str_eq(actor_state(s, "w"), "running");
    expect_error(rpc(s, "actor.stop", "{\"name\":\"w\",\"instance\":4}"), -32001, "not_found");
    expect_error(rpc(s, "actor.delete", "{\"name\":\"w\"}"), -32012, "invalid_state");
    ck_assert(of_instance(0, "pid") == first);
    server_stop(s);
}
END_TEST

/* ---- stop ---- */

START_TEST(SUP_78_a_stopped_pool_leaves_no_process)
{
    s = server_start(ROOT(HARDY) "    - {name: w, instances: 5, shutdown: kill, start: ready, "
                                 "worker: [\"${SELF}\", worker, ready, stubborn]}\n");
    double pids[5];
    for (int i = 0; i < 5; i++)
        pids[i] = of_instance(i, "pid");
    const char *waiting = send_message(s, "w", "{\"pause\":true}");
    for (int i = 0; i < 6; i++)
        waiting = send_message(s, "w", "{\"pause\":true}");
    wait_until(in_hand() == 5);
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"w\"}"));
    for (int i = 0; i < 5; i++)
        ck_assert(is_gone(pids[i]));
    ck_assert_str_eq(actor_state(s, "w"), "stopped");
    ck_assert_str_eq(text_at(wait_message(s, waiting).result, "state"), "dead");
    expect_balanced(s);
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"w\"}"));
    ck_assert_int_eq(running(), 5);
    server_stop(s);
}
END_TEST

/* ---- scale ---- */

START_TEST(SUP_100_a_pool_is_scaled_while_it_works)
{
    s = server_start(ROOT(HARDY) POOL("1", ""));
    const char *ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = send_long();
    wait_until(in_hand() == 1);
    expect_scaled(4);
    wait_until(in_hand() == 4);
    double last = of_instance(3, "pid");
    /* a scale-down waits for what is in hand */
    uint32_t call = rpc_send(s, "actor.scale", "{\"name\":\"w\",\"instances\":2}");
    wait_until(running() == 2);
    ck_assert(!rpc_answered(s, call));
    ck_assert(!is_gone(last));
    server_write(s, "go", "");
    expect_ok(rpc_receive(s, call));
    ck_assert(is_gone(last));
    ck_assert_int_eq(count_at(info().result, "instances"), 2);
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(text_at(wait_message(s, ids[i]).result, "state"), "done");
    ck_assert(stat_of(s, "restarts") == 0);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(a_scale_down_does_not_wait_longer_than_shutdown)
{
    s = server_start(ROOT(HARDY) "    - {name: w, instances: 2, shutdown: 100ms, start: ready, "
                                 "worker: [\"${SELF}\", worker, ready, stubborn]}\n");
    const char *a = send_long();
    const char *b = send_long();
    wait_until(in_hand() == 2);
    expect_scaled(1);
    server_write(s, "go", "");
    ck_assert_str_eq(text_at(wait_message(s, a).result, "state"), "done");
    ck_assert_str_eq(text_at(wait_message(s, b).result, "state"), "done"); /* by the other */
    server_stop(s);
}
END_TEST

START_TEST(process_that_ends_while_its_instance_leaves_costs_an_attempt)
{
    s = server_start(ROOT(HARDY) POOL("2", ""));
    const char *ids[2];
    for (int i = 0; i < 2; i++)
        ids[i] = send_long();
    wait_until(in_hand() == 2);
    double last = of_instance(1, "pid");
    uint32_t call = rpc_send(s, "actor.scale", "{\"name\":\"w\",\"instances\":1}");
    wait_until(running() == 1);
    ck_assert_int_eq(kill((pid_t)last, SIGKILL), 0);
    expect_ok(rpc_receive(s, call));
    server_write(s, "go", "");
    for (int i = 0; i < 2; i++)
        (void)wait_message(s, ids[i]);
    ck_assert(stat_of(s, "done") == 1 && stat_of(s, "dead") == 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

/* Both have `shutdown`: the cancelled message, and then the instance that leaves with it. */
START_TEST(instance_that_leaves_with_a_cancelled_message_is_ended_once)
{
    s = server_start(ROOT(HARDY) "    - {name: echo, echo: {}}\n"
                                 "    - {name: w, instances: 2, shutdown: 200ms, worker: "
                                 "[\"${SELF}\", worker]}\n");
    const char *ids[2];
    for (int i = 0; i < 2; i++)
        ids[i] = send_long();
    wait_until(in_hand() == 2);
    for (int i = 0; i < 2; i++)
        expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", ids[i]));
    expect_ok(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1,\"delay\":\"60ms\"}"));
    expect_ok(scale(1)); /* the message's time is over first, then the instance's */
    expect_ok(rpc(s, "ping", NULL));
    server_stop(s);
}
END_TEST

START_TEST(a_scale_that_fails_says_why_and_what_stays)
{
    s = server_start(ROOT(HARDY) "    - {name: w, start: ready, worker: [sh, -c, "
                                 "'if [ $ACTORD_INSTANCE = 2 ]; then exit 3; fi; "
                                 "echo \"{\\\"ready\\\":true}\"; while read l; do :; done']}\n");
    answer a = scale(3);
    expect_error(a, -32006, "failed");
    ck_assert_msg(strstr(text_at(a.error, "message"), "instance 2: exit status 3") != NULL, "%s",
                  text_at(a.error, "message"));
    ck_assert_int_eq(running(), 2);
    ck_assert(of_instance(1, "instance") == 3);
    server_stop(s);
}
END_TEST

START_TEST(bad_scales_are_refused_by_name)
{
    s = server_start(ROOT(HARDY) "    - {name: w, counter: {}}\n"
                                 "    - {name: in, supervisor: {children: []}}\n");
    expect_error(scale(0), -32602, "invalid_params");
    expect_error(scale(10001), -32602, "invalid_params");
    answer a = scale(2);
    expect_error(a, -32602, "invalid_params");
    ck_assert_str_eq(text_at(a.error, "message"),
                     "'w' is a counter, whose one total several instances can't share");
    expect_ok(scale(1));
    expect_error(rpc(s, "actor.scale", "{\"name\":\"in\",\"instances\":2}"), -32602,
                 "invalid_params");
    expect_error(rpc(s, "actor.scale", "{\"name\":\"x\",\"instances\":2}"), -32001, "not_found");
    server_stop(s);
}
END_TEST

START_TEST(a_pool_is_spawned_whole_or_not_at_all)
{
    s = server_start(ROOT(HARDY) "    - {name: e, echo: {}}\n");
    expect_error(
        rpc(s, "actor.spawn",
            "{\"name\":\"w\",\"instances\":3,\"start\":\"ready\",\"worker\":[\"sh\",\"-c\","
            "\"if [ $ACTORD_INSTANCE = 2 ]; then exit 3; fi; echo '{\\\"ready\\\":true}'; "
            "while read l; do :; done\"]}"),
        -32006, "failed");
    expect_error(info(), -32001, "not_found");
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"w\",\"instances\":3,\"sleep\":{}}"));
    ck_assert_int_eq(running(), 3);
    ck_assert(number_at(rpc(s, "tree", NULL).result, "children[1].pool.instances") == 3);
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"w\"}"));
    expect_ok(rpc(s, "actor.delete", "{\"name\":\"w\"}"));
    expect_error(info(), -32001, "not_found");
    server_stop(s);
}
END_TEST

/* ---- reload ---- */

static void reload(const char *yaml, const char *plan)
{
    server_configure(s, yaml);
    answer a = rpc(s, "config.reload", NULL);
    expect_ok(a);
    ck_assert_str_eq(text_at(a.result, "text"), plan);
    ck_assert(count_at(a.result, "failed") == 0);
}

START_TEST(SUP_120_a_reload_scales_in_place)
{
    s = server_start(ROOT(HARDY) POOL("2", ""));
    double first = of_instance(0, "pid");
    reload(ROOT(HARDY) POOL("3", ""), "update root/w: instances: 2 -> 3\n");
    ck_assert_int_eq(running(), 3);
    ck_assert(of_instance(0, "pid") == first);
    reload(ROOT(HARDY) POOL("1", ""), "update root/w: instances: 3 -> 1\n");
    ck_assert_int_eq(running(), 1);
    ck_assert(of_instance(0, "pid") == first);
    ck_assert(of_instance(0, "incarnation") == 1);
    server_stop(s);
}
END_TEST

START_TEST(a_reload_leaves_the_operators_number_alone_until_the_file_changes_its_own)
{
    s = server_start(ROOT(HARDY) POOL("2", ""));
    expect_scaled(4);
    reload(ROOT(HARDY) POOL("2", "") "    - {name: e, echo: {}}\n", "start root/e (echo)\n");
    ck_assert_int_eq(running(), 4);
    reload(ROOT(HARDY) POOL("3", "") "    - {name: e, echo: {}}\n",
           "update root/w: instances: 2 -> 3\n");
    ck_assert_int_eq(running(), 3);
    server_stop(s);
}
END_TEST

START_TEST(SUP_43_a_pool_runs_exactly_one_program)
{
    static const char *const bad[] = {
        "    - {name: w, instances: 2}\n",
        "    - {name: w, instances: 2, echo: {}, sleep: {}}\n",
    };
    server_options options = {.yaml = ROOT(HARDY) "    - {name: w, instances: 2}\n"};
    server_free(server_refused(&options, 8));
    s = server_start(ROOT(HARDY) POOL("2", ""));
    double first = of_instance(0, "pid");
    for (int i = 0; i < 2; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, "%s%s", ROOT(HARDY), bad[i]);
        server_configure(s, yaml);
        ck_assert_ptr_nonnull(rpc(s, "config.reload", NULL).error);
    }
    ck_assert_int_eq(running(), 2);
    ck_assert(of_instance(0, "pid") == first);
    server_stop(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        instances_work_at_the_same_time,
        exec_runs_so_many_processes_at_a_time,
        echo_and_sleep_may_have_instances_and_a_counter_may_not,
        a_resumed_pool_takes_all_it_can,
        SUP_42_a_killed_instance_takes_only_its_own_message_down,
        nothing_is_lost_when_instances_are_killed_under_load,
        one_instance_is_stopped_killed_and_restarted_by_its_number,
        SUP_78_a_stopped_pool_leaves_no_process,
        SUP_100_a_pool_is_scaled_while_it_works,
        a_scale_down_does_not_wait_longer_than_shutdown,
        process_that_ends_while_its_instance_leaves_costs_an_attempt,
        instance_that_leaves_with_a_cancelled_message_is_ended_once,
        a_scale_that_fails_says_why_and_what_stays,
        bad_scales_are_refused_by_name,
        a_pool_is_spawned_whole_or_not_at_all,
        SUP_120_a_reload_scales_in_place,
        a_reload_leaves_the_operators_number_alone_until_the_file_changes_its_own,
        SUP_43_a_pool_runs_exactly_one_program,
        NULL};
    return worker_or_tests(argc, argv, "pools", tests);
}
