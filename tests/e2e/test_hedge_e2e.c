/* Hedged asks with real processes: who answers, who is told to stop, and what is counted. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"
#include "tests/support/suite.h"

#include <stdio.h>

#define HEAD     "version: 1\n"
#define CHILD_OF "supervisor:\n  children:\n"

/* The first attempt hangs until it is told to stop, which it notes; the others answer. */
#define SLOW_FIRST                                                                                 \
    "exec: [sh, -c, 'if [ $$ACTORD_ATTEMPT = 1 ]; then trap \"echo told >>${DIR}/told; exit 1\" "  \
    "TERM; sleep 600 & echo hangs >>${DIR}/hangs; wait; fi; echo $$ACTORD_ATTEMPT']"

static server *s;

static answer ask(const char *to, const char *msg)
{
    return rpcf(s, "ask", "{\"to\":\"%s\",\"msg\":%s,\"timeout\":\"20s\"}", to, msg);
}

static double counter(const char *name, const char *which)
{
    char path[64];
    snprintf(path, sizeof path, "counters.%s", which);
    return number_at(rpcf(s, "actor.info", "{\"name\":\"%s\"}", name).result, path);
}

START_TEST(RT_79_the_second_process_answers_and_the_first_is_told_to_stop)
{
    s = server_start(CHILDREN "    - {name: f, hedge: {after: 100ms}, " SLOW_FIRST "}\n");
    expect_result(ask("f", "1"), "2");
    wait_until(server_read(s, "told"));
    answer a = rpc(s, "message.get", "{\"message\":\"m-1\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert_int_eq((int)number_at(a.result, "attempts"), 2);
    ck_assert_int_eq((int)counter("f", "hedges"), 1);
    ck_assert_int_eq((int)counter("f", "failed_attempts"), 0); /* a loser has not failed */
    ck_assert_int_eq((int)stat_of(s, "done"), 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(send_is_never_hedged)
{
    s = server_start(CHILDREN "    - {name: f, hedge: {after: 1ms}, sleep: {}}\n");
    wait_message(s, send_message(s, "f", "{\"ms\":50}"));
    ck_assert_int_eq((int)counter("f", "hedges"), 0);
    expect_ok(ask("f", "{\"ms\":50}"));
    ck_assert_int_eq((int)counter("f", "hedges"), 1);
    server_stop(s);
}
END_TEST

START_TEST(RT_80_and_82_a_failure_begins_the_next_and_the_first_one_s_counts)
{
    s = server_start(CHILDREN
                     "    - {name: f, hedge: {after: 1h, max: 2}, exec: [sh, -c, 'echo "
                     "$$ACTORD_ATTEMPT >>${DIR}/attempts; exit 1$$ACTORD_ATTEMPT']}\n"
                     "    - {name: g, hedge: {after: 1h}, exec: [sh, -c, 'test $$ACTORD_ATTEMPT = "
                     "2 && echo 5']}\n");
    answer a = ask("f", "1");
    expect_error(a, -32006, "failed");
    expect_in(text_at(a.error, "message"), "failed after 3 attempts: exit status 11");
    ck_assert_int_eq((int)number_at(a.error, "data.attempts"), 3);
    ck_assert_str_eq(server_read(s, "attempts"), "1\n2\n3\n");
    expect_result(ask("g", "1"), "5");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(RT_84_a_rejection_ends_it_at_once)
{
    s = server_start(CHILDREN "    - {name: f, hedge: {after: 1ms, max: 3}, exec: [sh, -c, 'test "
                              "$$ACTORD_ATTEMPT = 2 && exit 65; sleep 600']}\n");
    expect_error(ask("f", "1"), -32007, "rejected");
    wait_until(count_at(rpc(s, "actor.info", "{\"name\":\"f\"}").result, "pids") == 0);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(retry_comes_after_a_hedged_call_has_failed)
{
    s = server_start(CHILDREN
                     "    - {name: f, hedge: {after: 1h}, retry: {max_retries: 1, backoff: fixed, "
                     "jitter: none, initial: 10ms}, exec: [sh, -c, 'exit 1$$ACTORD_ATTEMPT']}\n");
    answer a = ask("f", "1");
    expect_error(a, -32006, "failed");
    /* two calls of two attempts; the failure is the second call's first attempt's */
    expect_in(text_at(a.error, "message"), "failed after 4 attempts: exit status 13");
    ck_assert_str_eq(text_at(a.error, "data.last_error"), "exit status 13");
    a = rpc(s, "deadletter.list", NULL);
    ck_assert_str_eq(text_at(a.result, "items[0].error"), "exit status 13");
    a = rpc(s, "message.get", "{\"message\":\"m-1\"}");
    ck_assert_int_eq((int)number_at(a.result, "failures[1].wait_ms"), 10);
    ck_assert_ptr_null(json_at(a.result, "failures[0].wait_ms"));
    ck_assert_int_eq((int)counter("f", "retries"), 1);
    ck_assert_int_eq((int)counter("f", "hedges"), 2);
    server_stop(s);
}
END_TEST

START_TEST(each_attempt_has_its_own_timeout)
{
    s = server_start(CHILDREN "    - {name: f, hedge: {after: 30ms}, timeout: 60ms, exec: [sh, -c, "
                              "'test $$ACTORD_ATTEMPT = 1 && sleep 600; sleep 0.04; echo 2']}\n");
    answer a = ask("f", "1"); /* at 60 ms the first is cut, the second goes on */
    if (a.error)              /* on a busy machine both are too late */
        expect_error(a, -32006, "failed");
    else
        expect_result(a, "2");
    ck_assert_int_eq(
        (int)number_at(rpc(s, "message.get", "{\"message\":\"m-1\"}").result, "attempts"), 2);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(RT_83_hedge_needs_its_own_permit_of_the_breaker)
{
    s = server_start(HEAD "breakers: {b: {consecutive_failures: 1, open_for: 1ms, open_max: 1h, "
                          "probe_timeout: 1h}}\n" CHILD_OF
                          "    - {name: bad, breaker: b, exec: ['false']}\n"
                          "    - {name: f, breaker: b, hedge: {after: 1ms}, sleep: {}}\n");
    expect_error(ask("bad", "1"), -32006, "failed");
    wait_until(
        strcmp(text_at(rpc(s, "breaker.list", NULL).result, "items[0].state"), "half_open") == 0);
    expect_ok(ask("f", "{\"ms\":40}")); /* the only probe; no second one beside it */
    ck_assert_int_eq((int)counter("f", "hedges"), 0);
    ck_assert_str_eq(text_at(rpc(s, "breaker.list", NULL).result, "items[0].state"), "closed");
    expect_ok(ask("f", "{\"ms\":40}"));
    ck_assert_int_eq((int)counter("f", "hedges"), 1);
    ck_assert_int_eq(
        (int)number_at(rpc(s, "breaker.list", NULL).result, "items[0].consecutive_failures"), 0);
    server_stop(s);
}
END_TEST

START_TEST(hedged_message_has_one_place_in_the_limiter)
{
    s = server_start(HEAD "limiters: {l: {concurrency: 1, rate: 1/m, burst: 2, wait: 0}}\n" CHILD_OF
                          "    - {name: f, limit: l, hedge: {after: 1ms}, sleep: {}}\n");
    expect_ok(ask("f", "{\"ms\":40}"));
    ck_assert_int_eq((int)counter("f", "hedges"), 1);
    expect_ok(ask("f", "{\"ms\":0}")); /* the second token, and the place is back */
    expect_error(ask("f", "{\"ms\":0}"), -32003, "mailbox_full");
    server_stop(s);
}
END_TEST

START_TEST(next_message_is_not_held_up_by_a_hedge)
{
    s = server_start(CHILDREN "    - {name: f, hedge: {after: 1ms}, sleep: {}}\n");
    uint32_t slow = rpc_send(s, "ask", "{\"to\":\"f\",\"msg\":{\"ms\":60000},\"timeout\":\"1m\"}");
    wait_until(counter("f", "hedges") == 1);
    uint32_t next = rpc_send(s, "ask", "{\"to\":\"f\",\"msg\":{\"ms\":0}}");
    wait_until(stat_of(s, "waiting") == 1); /* nor does it get the hedge's slot */
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-1\"}"));
    expect_error(rpc_receive(s, slow), -32008, "cancelled");
    expect_ok(rpc_receive(s, next));
    expect_balanced(s);
    server_stop(s);
}
END_TEST

/* ---- workers ---- */

START_TEST(worker_gets_a_hedge_under_an_id_of_its_own)
{
    s = server_start(CHILDREN "    - {name: w, worker: [\"${SELF}\", worker], credits: 2, hedge: "
                              "{after: 20ms}, env: {WORKER_LOG: \"${DIR}/log\"}}\n");
    uint32_t n = rpc_send(s, "ask", "{\"to\":\"w\",\"msg\":{\"hold\":true},\"timeout\":\"20s\"}");
    wait_until(strstr(server_read(s, "log") ? server_read(s, "log") : "", "m-1.2"));
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-1\"}"));
    expect_error(rpc_receive(s, n), -32008, "cancelled");
    wait_until(strstr(server_read(s, "log"), "{\"cancel\":\"m-1\"}") &&
               strstr(server_read(s, "log"), "{\"cancel\":\"m-1.2\"}"));
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(loser_s_late_answer_completes_nothing_twice)
{
    s = server_start(CHILDREN "    - {name: w, worker: [\"${SELF}\", worker], credits: 3, "
                              "hedge: {after: 20ms}}\n");
    uint32_t n = rpc_send(s, "ask", "{\"to\":\"w\",\"msg\":{\"hold\":true},\"timeout\":\"20s\"}");
    wait_until(counter("w", "hedges") == 1);
    send_message(s, "w",
                 "{\"hold\":true,\"release\":true}"); /* answers all, the first attempt last */
    expect_result(rpc_receive(s, n), "3");
    ck_assert_str_eq(text_at(wait_message(s, "m-2").result, "state"), "done");
    expect_result(ask("w", "7"), "7"); /* the late one was no breach of the protocol */
    ck_assert_int_eq((int)stat_of(s, "restarts"), 0);
    ck_assert_int_eq((int)stat_of(s, "done"), 3);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(crash_of_the_worker_fails_both_attempts_once)
{
    s = server_start(
        HEAD CHILD_OF
        "    - {name: w, worker: [\"${SELF}\", worker], credits: 2, hedge: {after: 20ms}}"
        "\n");
    uint32_t n = rpc_send(s, "ask", "{\"to\":\"w\",\"msg\":{\"hold\":true},\"timeout\":\"20s\"}");
    wait_until(counter("w", "hedges") == 1);
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"w\"}"));
    answer a = rpc_receive(s, n);
    expect_error(a, -32006, "failed");
    ck_assert_int_eq((int)number_at(a.error, "data.attempts"), 2);
    ck_assert_int_eq((int)counter("w", "failed_attempts"), 2);
    ck_assert_int_eq((int)stat_of(s, "dead"), 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        RT_79_the_second_process_answers_and_the_first_is_told_to_stop,
        send_is_never_hedged,
        RT_80_and_82_a_failure_begins_the_next_and_the_first_one_s_counts,
        RT_84_a_rejection_ends_it_at_once,
        retry_comes_after_a_hedged_call_has_failed,
        each_attempt_has_its_own_timeout,
        RT_83_hedge_needs_its_own_permit_of_the_breaker,
        hedged_message_has_one_place_in_the_limiter,
        next_message_is_not_held_up_by_a_hedge,
        worker_gets_a_hedge_under_an_id_of_its_own,
        loser_s_late_answer_completes_nothing_twice,
        crash_of_the_worker_fails_both_attempts_once,
        NULL,
    };
    return worker_or_tests(argc, argv, "hedge_e2e", tests);
}
