/* Breakers and limiters as clients meet them. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <time.h>

#define HEAD     "version: 1\nbreakers:\n"
#define CHILD_OF "supervisor:\n  children:\n"

/* Fails until the file `well` is there; notes every attempt in `attempts`. */
#define FLAKY                                                                                      \
    "exec: [sh, -c, 'echo $$ACTORD_ATTEMPT >>${DIR}/attempts; test -e ${DIR}/well && echo 1']"

static server *s;

static answer ask(const char *to, const char *msg)
{
    return rpcf(s, "ask", "{\"to\":\"%s\",\"msg\":%s}", to, msg);
}

static const cJSON *breaker(const char *name)
{
    answer a = rpcf(s, "breaker.list", "{\"name\":\"%s\"}", name);
    expect_ok(a);
    return json_at(a.result, "items[0]");
}

static const char *state_of(const char *name)
{
    return text_at(breaker(name), "state");
}

static void operate(const char *what, const char *name)
{
    char method[32];
    snprintf(method, sizeof method, "breaker.%s", what);
    expect_ok(rpcf(s, method, "{\"name\":\"%s\"}", name));
}

static int lines_of(const char *file)
{
    const char *text = server_read(s, file);
    int n = 0;
    for (; text && *text; text++)
        n += *text == '\n';
    return n;
}

/* ---- opening ---- */

START_TEST(closed_breaker_is_listed_with_its_members)
{
    s = server_start(HEAD "  b: {consecutive_failures: 2, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, " FLAKY "}\n");
    static const char head[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"items\":[{\"name\":\"b\","
        "\"state\":\"closed\",\"failure_rate\":null,\"slow_rate\":null,"
        "\"calls\":0,";
    answer a = rpc(s, "breaker.list", NULL);
    ck_assert_mem_eq(a.bytes, head, sizeof head - 1);
    ck_assert_int_eq((int)number_at(a.result, "items[0].not_permitted"), 0);
    ck_assert(number_at(a.result, "items[0].since_ms") >= 0);
    ck_assert(cJSON_IsNull(json_at(a.result, "items[0].next_ms")));
    ck_assert_int_eq(count_at(a.result, "items[0].used_by"), 1);
    ck_assert_str_eq(text_at(a.result, "items[0].used_by[0]"), "f");
    ck_assert(cJSON_IsNull(json_at(a.result, "next")));
    ck_assert_str_eq(text_at(rpc(s, "actor.info", "{\"name\":\"f\"}").result, "breaker"), "b");
    server_stop(s);
}
END_TEST

START_TEST(consecutive_failures_open_on_the_nth)
{
    s = server_start(HEAD "  b: {consecutive_failures: 2, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, " FLAKY "}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    ck_assert_str_eq(state_of("b"), "closed");
    expect_error(ask("f", "1"), -32006, "failed");
    ck_assert_str_eq(state_of("b"), "open");
    answer a = ask("f", "1");
    expect_error(a, -32004, "breaker_open");
    ck_assert(bool_at(a.error, "data.retry_safe"));
    ck_assert_str_eq(text_at(a.error, "data.breaker"), "b");
    double after = number_at(a.error, "data.retry_after_ms");
    ck_assert(3500e3 < after && after <= 3600e3);
    ck_assert_int_eq(lines_of("attempts"), 2); /* no attempt was spent */
    ck_assert_int_eq((int)stat_of(s, "accepted"), 2);
    ck_assert_int_eq((int)number_at(breaker("b"), "not_permitted"), 1);
    double next = number_at(breaker("b"), "next_ms");
    ck_assert(3500e3 < next && next <= after);
    server_stop(s);
}
END_TEST

START_TEST(success_between_failures_counts_from_the_start)
{
    s = server_start(HEAD "  b: {consecutive_failures: 2, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, exec: ['false']}\n"
                          "    - {name: e, breaker: b, echo: {}}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    expect_result(ask("e", "1"), "1");
    expect_error(ask("f", "1"), -32006, "failed");
    ck_assert_str_eq(state_of("b"), "closed");
    server_stop(s);
}
END_TEST

START_TEST(failure_rate_opens_once_there_are_enough_calls)
{
    s = server_start(HEAD "  b: {window: 4 calls, failure_rate: 50%, open_for: 1h}\n" CHILD_OF
                          "    - {name: f, breaker: b, exec: ['false']}\n"
                          "    - {name: e, breaker: b, echo: {}}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    expect_result(ask("e", "1"), "1");
    expect_error(ask("f", "1"), -32006, "failed");
    ck_assert_str_eq(state_of("b"), "closed");
    ck_assert(cJSON_IsNull(json_at(breaker("b"), "failure_rate"))); /* undefined below min_calls */
    expect_result(ask("e", "1"), "1"); /* evaluated after a success as well */
    ck_assert_str_eq(state_of("b"), "open");
    expect_error(ask("e", "1"), -32004, "breaker_open");
    server_stop(s);
}
END_TEST

START_TEST(slow_calls_open_it)
{
    s = server_start(
        HEAD "  b: {window: 2 calls, slow_call: 10ms, slow_rate: 100%, open_for: 1h}\n" CHILD_OF
             "    - {name: sleep, breaker: b, sleep: {}}\n");
    expect_ok(ask("sleep", "{\"ms\":15}"));
    expect_ok(ask("sleep", "{\"ms\":15}"));
    ck_assert_str_eq(state_of("b"), "open");
    server_stop(s);
}
END_TEST

START_TEST(rejected_and_cancelled_messages_do_not_count)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: sleep, breaker: b, sleep: {}}\n");
    expect_error(ask("sleep", "1"), -32007, "rejected");
    send_message(s, "sleep", "{\"ms\":60000}");
    wait_until(stat_of(s, "running") == 1);
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-2\"}"));
    expect_ok(ask("sleep", "{\"ms\":0}"));
    ck_assert_str_eq(state_of("b"), "closed");
    ck_assert_int_eq((int)number_at(breaker("b"), "calls"), 1);
    server_stop(s);
}
END_TEST

START_TEST(attempts_that_time_out_count)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: sleep, breaker: b, sleep: {}, timeout: 5ms}\n");
    expect_error(ask("sleep", "{\"ms\":60000}"), -32006, "failed");
    ck_assert_str_eq(state_of("b"), "open");
    server_stop(s);
}
END_TEST

/* ---- open ---- */

START_TEST(send_is_held_and_delivered_after_half_open)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 150ms, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, " FLAKY "}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    send_message(s, "f", "2");
    answer a = rpc(s, "message.get", "{\"message\":\"m-2\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "waiting");
    ck_assert_int_eq((int)number_at(a.result, "attempts"), 0);
    expect_balanced(s);
    server_write(s, "well", "");
    a = wait_message(s, "m-2");
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert_int_eq((int)number_at(a.result, "attempts"), 1);
    ck_assert_str_eq(state_of("b"), "closed");
    server_stop(s);
}
END_TEST

START_TEST(open_breaker_becomes_half_open_by_itself)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 20ms, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, exec: ['false']}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    wait_until(strcmp(state_of("b"), "half_open") == 0);
    server_stop(s);
}
END_TEST

START_TEST(bad_probe_opens_it_for_longer)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 20ms, open_factor: 1000, "
                          "open_max: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, exec: ['false']}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    wait_until(strcmp(state_of("b"), "half_open") == 0);
    expect_error(ask("f", "1"), -32006, "failed");
    ck_assert_str_eq(state_of("b"), "open");
    ck_assert(number_at(breaker("b"), "next_ms") > 15e3);
    server_stop(s);
}
END_TEST

START_TEST(half_open_with_all_probes_out_refuses_like_open)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 20ms, open_factor: 1000, "
                          "open_max: 1h, probes: 1, probe_timeout: 1h}\n" CHILD_OF
                          "    - {name: f, breaker: b, exec: ['false']}\n"
                          "    - {name: sleep, breaker: b, sleep: {}}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    send_message(s, "sleep", "{\"ms\":60000}"); /* m-2: becomes the probe */
    wait_until(stat_of(s, "running") == 1);
    expect_error(ask("f", "1"), -32004, "breaker_open");
    const char *held = send_message(s, "f", "1");
    ck_assert_str_eq(message_state(s, held), "waiting");
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-2\"}")); /* gives the permit back */
    ck_assert_str_eq(text_at(wait_message(s, held).result, "state"), "dead");
    ck_assert_str_eq(state_of("b"), "open");
    server_stop(s);
}
END_TEST

START_TEST(probe_that_takes_too_long_opens_it_again)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 20ms, open_factor: 1000, "
                          "open_max: 1h, probes: 1, probe_timeout: 30ms}\n" CHILD_OF
                          "    - {name: f, breaker: b, exec: ['false']}\n"
                          "    - {name: sleep, breaker: b, sleep: {}}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    send_message(s, "sleep", "{\"ms\":60000}");
    wait_until(number_at(breaker("b"), "opened") == 2);
    ck_assert_str_eq(state_of("b"), "open");
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-2\"}"));
    server_stop(s);
}
END_TEST

START_TEST(ask_that_waits_fails_at_once_when_the_breaker_opens)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: sleep, breaker: b, sleep: {}, timeout: 50ms}\n");
    uint32_t first = rpc_send(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":60000}}");
    uint32_t second = rpc_send(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":1}}");
    expect_error(rpc_receive(s, first), -32006, "failed");
    answer a = rpc_receive(s, second);
    expect_error(a, -32004, "breaker_open");
    ck_assert_str_eq(text_at(a.error, "data.breaker"), "b");
    ck_assert(number_at(a.error, "data.retry_after_ms") > 3500e3);
    ck_assert_int_eq((int)stat_of(s, "dead"), 2);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(retries_wait_for_the_breaker_and_spend_no_attempt)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 50ms, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, retry: {max_retries: 2, backoff: fixed, "
                          "initial: 1ms}, " FLAKY "}\n");
    answer a = wait_message(s, send_message(s, "f", "1"));
    ck_assert_str_eq(text_at(a.result, "state"), "dead");
    ck_assert_int_eq((int)number_at(a.result, "attempts"), 3);
    ck_assert_str_eq(server_read(s, "attempts"), "1\n2\n3\n");
    server_stop(s);
}
END_TEST

/* ---- shared, named, operated ---- */

START_TEST(breaker_is_shared_by_its_name)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, exec: ['false']}\n"
                          "    - {name: e, breaker: b, echo: {}}\n"
                          "    - {name: free, echo: {}}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    expect_error(ask("e", "1"), -32004, "breaker_open");
    expect_result(ask("free", "1"), "1");
    ck_assert_int_eq(count_at(breaker("b"), "used_by"), 2);
    server_stop(s);
}
END_TEST

START_TEST(breaker_without_a_name_belongs_to_its_actor)
{
    s = server_start(CHILDREN "    - {name: f, exec: ['false'], breaker: "
                              "{consecutive_failures: 1, open_for: 1h, probes: 1}}\n"
                              "    - {name: e, echo: {}, breaker: "
                              "{consecutive_failures: 1, open_for: 1h, probes: 1}}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    expect_error(ask("f", "1"), -32004, "breaker_open");
    expect_result(ask("e", "1"), "1");
    ck_assert_int_eq(count_at(rpc(s, "breaker.list", NULL).result, "items"), 2);
    server_stop(s);
}
END_TEST

START_TEST(operator_opens_and_closes)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 1ms, probes: 1}\n" CHILD_OF
                          "    - {name: e, breaker: b, echo: {}}\n");
    answer a = rpc(s, "breaker.open", "{\"name\":\"b\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "forced_open");
    ck_assert(cJSON_IsNull(json_at(a.result, "next_ms")));
    a = ask("e", "1");
    expect_error(a, -32004, "breaker_open");
    ck_assert_ptr_null(json_at(a.error, "data.retry_after_ms")); /* nobody knows */
    const char *held = send_message(s, "e", "2");
    operate("open", "b"); /* so it is already */
    ck_assert_str_eq(message_state(s, held), "waiting");
    a = rpc(s, "breaker.close", "{\"name\":\"b\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "closed");
    ck_assert_str_eq(text_at(wait_message(s, held).result, "state"), "done");
    operate("open", "b");
    operate("reset", "b");
    expect_result(ask("e", "3"), "3");
    server_stop(s);
}
END_TEST

START_TEST(operator_closes_what_failures_opened)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, " FLAKY "}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    send_message(s, "f", "1");
    server_write(s, "well", "");
    operate("close", "b");
    ck_assert_str_eq(text_at(wait_message(s, "m-2").result, "state"), "done");
    ck_assert_str_eq(state_of("b"), "closed");
    server_stop(s);
}
END_TEST

START_TEST(unknown_breaker_is_not_found_with_the_nearest)
{
    s = server_start(HEAD "  partner: {consecutive_failures: 1, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: e, breaker: partner, echo: {}}\n");
    static const char *const methods[] = {"breaker.list", "breaker.open", "breaker.close",
                                          "breaker.reset"};
    for (size_t i = 0; i < 4; i++) {
        answer a = rpc(s, methods[i], "{\"name\":\"partnr\"}");
        expect_error(a, -32001, "not_found");
        expect_in(text_at(a.error, "message"), "'partner'");
    }
    server_stop(s);
}
END_TEST

START_TEST(breaker_survives_the_restart_of_its_actor)
{
    s = server_start(HEAD "  b: {consecutive_failures: 1, open_for: 1h, probes: 1}\n" CHILD_OF
                          "    - {name: f, breaker: b, exec: ['false']}\n");
    expect_error(ask("f", "1"), -32006, "failed");
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"f\"}"));
    ck_assert_str_eq(state_of("b"), "open");
    expect_error(ask("f", "1"), -32004, "breaker_open");
    server_stop(s);
}
END_TEST

/* ---- limiters ---- */

START_TEST(concurrency_is_shared_by_name)
{
    s = server_start("version: 1\nlimiters: {l: {concurrency: 1}}\n" CHILD_OF
                     "    - {name: a, sleep: {}, limit: l}\n"
                     "    - {name: b, sleep: {}, limit: l}\n");
    send_message(s, "a", "{\"ms\":60000}");
    wait_until(stat_of(s, "running") == 1);
    uint32_t waits = rpc_send(s, "ask", "{\"to\":\"b\",\"msg\":{\"ms\":0},\"timeout\":\"1m\"}");
    wait_until(stat_of(s, "waiting") == 1);
    ck_assert_int_eq((int)stat_of(s, "running"), 1);
    ck_assert(!rpc_answered(s, waits));
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-1\"}"));
    expect_result(rpc_receive(s, waits), "{\"slept_ms\":0}");
    server_stop(s);
}
END_TEST

START_TEST(rate_lets_a_burst_through_and_then_its_pace)
{
    s = server_start("version: 1\nlimiters: {l: {rate: 50/s, burst: 2}}\n" CHILD_OF
                     "    - {name: e, echo: {}, limit: l}\n");
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < 5; i++)
        expect_result(ask("e", "1"), "1");
    clock_gettime(CLOCK_MONOTONIC, &b);
    double took = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
    ck_assert_msg(took >= 55, "3 of 5 wait 20 ms each, not %.1f ms in all", took);
    server_stop(s);
}
END_TEST

START_TEST(longer_line_than_wait_is_refused)
{
    s = server_start("version: 1\nlimiters: {l: {concurrency: 1, wait: 1}}\n" CHILD_OF
                     "    - {name: a, sleep: {}, limit: l}\n");
    send_message(s, "a", "{\"ms\":60000}");
    wait_until(stat_of(s, "running") == 1);
    send_message(s, "a", "{\"ms\":0}");
    answer a = rpc(s, "send", "{\"to\":\"a\",\"msg\":{\"ms\":0}}");
    expect_error(a, -32003, "mailbox_full");
    ck_assert(number_at(a.error, "data.retry_after_ms") > 0);
    expect_in(text_at(a.error, "message"), "'l'");
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-1\"}"));
    ck_assert_str_eq(text_at(wait_message(s, "m-2").result, "state"), "done");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        closed_breaker_is_listed_with_its_members,
        consecutive_failures_open_on_the_nth,
        success_between_failures_counts_from_the_start,
        failure_rate_opens_once_there_are_enough_calls,
        slow_calls_open_it,
        rejected_and_cancelled_messages_do_not_count,
        attempts_that_time_out_count,
        send_is_held_and_delivered_after_half_open,
        open_breaker_becomes_half_open_by_itself,
        bad_probe_opens_it_for_longer,
        half_open_with_all_probes_out_refuses_like_open,
        probe_that_takes_too_long_opens_it_again,
        ask_that_waits_fails_at_once_when_the_breaker_opens,
        retries_wait_for_the_breaker_and_spend_no_attempt,
        breaker_is_shared_by_its_name,
        breaker_without_a_name_belongs_to_its_actor,
        operator_opens_and_closes,
        operator_closes_what_failures_opened,
        unknown_breaker_is_not_found_with_the_nearest,
        breaker_survives_the_restart_of_its_actor,
        concurrency_is_shared_by_name,
        rate_lets_a_burst_through_and_then_its_pace,
        longer_line_than_wait_is_refused,
        NULL,
    };
    return suite_run("breaker", tests, NULL, NULL);
}
