/* Fallbacks: an actor that answers when every attempt of another has failed. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <stdio.h>

#define HEAD     "version: 1\n"
#define CHILD_OF "supervisor:\n  children:\n"
#define CHEAP    "    - {name: cheap, echo: {}}\n"

/* Fails, and notes its attempts in the file `attempts`. */
#define FAILS "exec: [sh, -c, 'echo $$ACTORD_ATTEMPT >>${DIR}/attempts; exit 3']"

static server *s;

static answer ask(const char *to, const char *msg)
{
    return rpcf(s, "ask", "{\"to\":\"%s\",\"msg\":%s}", to, msg);
}

static answer get(const char *id)
{
    answer a = rpcf(s, "message.get", "{\"message\":\"%s\"}", id);
    expect_ok(a);
    return a;
}

START_TEST(RT_56_all_attempts_come_before_the_one_fallback)
{
    s = server_start(CHILDREN CHEAP "    - {name: f, fallback: cheap, " FAILS
                                    ", retry: {max_retries: 2, "
                                    "backoff: fixed, jitter: none, initial: 1ms}}\n");
    expect_result(ask("f", "{\"a\" : 1.0}"), "{\"a\" : 1.0}");
    ck_assert_str_eq(server_read(s, "attempts"), "1\n2\n3\n");
    answer a = get("m-1");
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert_int_eq((int)number_at(a.result, "attempts"), 3);
    ck_assert_int_eq(count_at(a.result, "failures"), 3);
    ck_assert_str_eq(text_at(a.result, "fallback.actor"), "cheap");
    ck_assert_str_eq(text_at(a.result, "fallback.message"), "m-2");
    a = get("m-2");
    ck_assert_str_eq(text_at(a.result, "to"), "cheap");
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert_int_eq((int)stat_of(s, "done"), 2);
    ck_assert_int_eq((int)stat_of(s, "dead_letters"), 0);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(RT_73_only_failures_that_are_handled_are_answered)
{
    s = server_start(CHILDREN CHEAP
                     "    - {name: f, fallback: cheap, sleep: {}}\n"
                     "    - {name: late, fallback: cheap, timeout: 5ms, sleep: {}}\n");
    expect_error(ask("f", "\"rejected\""), -32007, "rejected");
    uint32_t n = rpc_send(s, "ask", "{\"to\":\"f\",\"msg\":{\"ms\":60000}}");
    wait_until(stat_of(s, "running") == 1);
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-2\"}"));
    expect_error(rpc_receive(s, n), -32008, "cancelled");
    ck_assert_ptr_null(json_at(get("m-2").result, "fallback"));
    /* a timeout is a failure; the time to live is inside of the fallback */
    expect_result(ask("late", "{\"ms\":60000}"), "{\"ms\":60000}");
    expect_result(rpc(s, "ask", "{\"to\":\"f\",\"msg\":{\"ms\":60001},\"ttl\":\"5ms\"}"),
                  "{\"ms\":60001}");
    expect_balanced(s);
    expect_ok(ask("f", "{\"ms\":0}")); /* what had expired in hand was given up */
    server_stop(s);
}
END_TEST

START_TEST(RT_76_fallback_has_limits_of_its_own)
{
    s = server_start(HEAD "limiters: {one: {concurrency: 1, wait: 0}}\n" CHILD_OF
                          "    - {name: slow, limit: one, sleep: {}}\n"
                          "    - {name: f, fallback: slow, exec: ['false']}\n");
    send_message(s, "slow", "{\"ms\":60000}");
    wait_until(stat_of(s, "running") == 1);
    answer a = ask("f", "{\"ms\":0}");
    expect_error(a, -32006, "failed");
    expect_in(text_at(a.error, "message"), "status 1");
    expect_in(text_at(a.error, "message"), "its fallback 'slow' refused");
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-1\"}"));
    expect_result(ask("f", "{\"ms\":0}"), "{\"slept_ms\":0}");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(RT_77_fallback_does_not_repair_the_breaker)
{
    s = server_start(HEAD "breakers: {b: {consecutive_failures: 2, open_for: 1h}}\n" CHILD_OF CHEAP
                          "    - {name: f, fallback: cheap, breaker: b, " FAILS "}\n");
    expect_result(ask("f", "1"), "1");
    expect_result(ask("f", "2"), "2");
    answer a = rpc(s, "breaker.list", NULL);
    ck_assert_str_eq(text_at(a.result, "items[0].state"), "open");
    expect_result(ask("f", "3"), "3"); /* an ask that the breaker refuses is answered too */
    ck_assert_str_eq(server_read(s, "attempts"), "1\n1\n");
    a = rpc(s, "breaker.list", NULL);
    ck_assert_int_eq((int)number_at(a.result, "items[0].not_permitted"), 1);
    a = get("m-5");
    ck_assert_int_eq((int)number_at(a.result, "attempts"), 0);
    ck_assert_str_eq(text_at(a.result, "fallback.actor"), "cheap");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(dead_letter_of_a_failed_fallback_has_both_errors)
{
    s = server_start(CHILDREN "    - {name: f, fallback: g, exec: [sh, -c, 'exit 3']}\n"
                              "    - {name: g, exec: [sh, -c, 'exit 4']}\n"
                              "    - {name: h, fallback: g, on_failure: drop, "
                              "exec: [sh, -c, 'exit 5']}\n");
    answer a = ask("f", "1");
    expect_error(a, -32006, "failed");
    ck_assert_str_eq(text_at(a.error, "data.fallback.message"), "m-2");
    a = rpc(s, "deadletter.list", NULL);
    ck_assert_int_eq(count_at(a.result, "items"), 1);
    ck_assert_str_eq(text_at(a.result, "items[0].message"), "m-1");
    a = rpc(s, "deadletter.show", "{\"id\":\"d-1\"}");
    expect_in(text_at(a.result, "summary"), "status 3; its fallback: 'g' failed after 1 attempt");
    expect_in(text_at(a.result, "summary"), "status 4");
    ck_assert_str_eq(text_at(get("m-2").result, "state"), "dropped");
    expect_error(ask("h", "1"), -32006, "failed"); /* nothing is kept of either */
    ck_assert_str_eq(text_at(get("m-3").result, "state"), "dropped");
    ck_assert_int_eq((int)stat_of(s, "dead_letters"), 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(fallback_may_have_a_fallback)
{
    s = server_start(CHILDREN CHEAP "    - {name: f, fallback: g, exec: ['false']}\n"
                                    "    - {name: g, fallback: cheap, exec: ['false']}\n");
    expect_result(ask("f", "1"), "1");
    ck_assert_str_eq(text_at(get("m-1").result, "fallback.message"), "m-2");
    ck_assert_str_eq(text_at(get("m-2").result, "fallback.message"), "m-3");
    ck_assert_str_eq(text_at(wait_message(s, send_message(s, "f", "\"x\"")).result, "reply"), "x");
    server_stop(s);
}
END_TEST

START_TEST(cancelled_message_takes_its_answer_along)
{
    s = server_start(CHILDREN "    - {name: slow, sleep: {}}\n"
                              "    - {name: f, fallback: slow, exec: ['false']}\n");
    const char *id = send_message(s, "f", "{\"ms\":60000}");
    wait_until(stat_of(s, "running") == 1 && stat_of(s, "retrying") == 1);
    ck_assert_str_eq(message_state(s, id), "retrying");
    ck_assert_ptr_null(json_at(get(id).result, "next_ms"));
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    ck_assert_str_eq(text_at(wait_message(s, "m-2").result, "state"), "cancelled");
    ck_assert_str_eq(message_state(s, id), "cancelled");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(stop_of_either_actor_ends_the_message)
{
    s = server_start(CHILDREN "    - {name: slow, sleep: {}, shutdown: kill}\n"
                              "    - {name: f, fallback: slow, exec: ['false']}\n");
    send_message(s, "f", "{\"ms\":60000}");
    wait_until(stat_of(s, "running") == 1 && stat_of(s, "retrying") == 1);
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"f\"}"));
    answer a = wait_message(s, "m-1");
    ck_assert_str_eq(text_at(a.result, "error.data.code"), "stopped");
    ck_assert_str_eq(text_at(wait_message(s, "m-2").result, "state"), "cancelled");
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"f\"}"));
    send_message(s, "f", "{\"ms\":60000}");
    wait_until(stat_of(s, "running") == 1 && stat_of(s, "retrying") == 1);
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"slow\"}"));
    a = wait_message(s, "m-3");
    ck_assert_str_eq(text_at(a.result, "state"), "dead");
    expect_in(text_at(a.result, "error.message"), "its fallback: the actor was stopped");
    a = ask("f", "1");
    expect_error(a, -32006, "failed");
    expect_in(text_at(a.error, "message"), "its fallback 'slow' refused: 'slow' is stopped");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(drain_waits_for_the_fallback)
{
    s = server_start(CHILDREN
                     "    - {name: slow, exec: [sh, -c, 'sleep 0.1; touch ${DIR}/answered']}"
                     "\n    - {name: f, fallback: slow, exec: ['false']}\n");
    send_message(s, "f", "1");
    wait_until(stat_of(s, "accepted") == 2);
    server_signal(s, 15);
    server_expect_exit(s, 0);
    ck_assert_ptr_nonnull(server_read(s, "answered"));
    server_free(s);
}
END_TEST

START_TEST(fallback_comes_and_goes_with_a_reload)
{
    s = server_start(CHILDREN CHEAP "    - {name: f, exec: ['false']}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    server_configure(s, CHILDREN CHEAP "    - {name: f, fallback: cheap, exec: ['false']}\n");
    expect_ok(rpc(s, "config.reload", NULL));
    expect_result(ask("f", "1"), "1");
    ck_assert_str_eq(text_at(rpc(s, "actor.info", "{\"name\":\"f\"}").result, "fallback"), "cheap");
    server_configure(s, CHILDREN "    - {name: f, fallback: cheap, exec: ['false']}\n");
    answer a = rpc(s, "config.reload", NULL);
    expect_error(a, -32602, "invalid_params");
    expect_in(text_at(a.error, "message"), "there is no actor 'cheap'");
    server_stop(s);
}
END_TEST

START_TEST(spawned_actor_may_have_a_fallback_that_exists)
{
    s = server_start(CHILDREN CHEAP "    - {name: sup, supervisor: {}}\n");
    static const struct {
        const char *to, *says;
    } wrong[] = {{"chep", "'cheap'"}, {"sup", "supervisor"}, {"f", "its own fallback"}};
    for (size_t i = 0; i < 3; i++) {
        answer a = rpcf(s, "actor.spawn",
                        "{\"name\":\"f\",\"exec\":[\"false\"],\"fallback\":\"%s\"}", wrong[i].to);
        expect_error(a, -32602, "invalid_params");
        expect_in(text_at(a.error, "message"), wrong[i].says);
    }
    expect_ok(
        rpc(s, "actor.spawn", "{\"name\":\"f\",\"exec\":[\"false\"],\"fallback\":\"cheap\"}"));
    expect_result(ask("f", "1"), "1");
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        RT_56_all_attempts_come_before_the_one_fallback,
        RT_73_only_failures_that_are_handled_are_answered,
        RT_76_fallback_has_limits_of_its_own,
        RT_77_fallback_does_not_repair_the_breaker,
        dead_letter_of_a_failed_fallback_has_both_errors,
        fallback_may_have_a_fallback,
        cancelled_message_takes_its_answer_along,
        stop_of_either_actor_ends_the_message,
        drain_waits_for_the_fallback,
        fallback_comes_and_goes_with_a_reload,
        spawned_actor_may_have_a_fallback_that_exists,
        NULL,
    };
    return suite_run("fallback", tests, NULL, NULL);
}
