/* The layers around an attempt, outermost first: limiter, retry, breaker; and what each of them
 * holds while a message waits. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <stdio.h>

#define CHILD_OF "supervisor:\n  children:\n"

/* Fails until the file `well` is there. */
#define FLAKY "exec: [sh, -c, 'test -e ${DIR}/well && echo 1']"

/* Three sleepers that share the limiter `l`, of two places and no line. */
#define TWO_PLACES                                                                                 \
    "version: 1\nlimiters: {l: {concurrency: 2, wait: 0}}\n" CHILD_OF                              \
    "    - {name: a, sleep: {}, limit: l}\n"                                                       \
    "    - {name: b, sleep: {}, limit: l}\n"                                                       \
    "    - {name: c, sleep: {}, limit: l}\n"

static server *s;

static void must(const char *method, const char *params)
{
    expect_ok(rpc(s, method, params));
}

static void cancel(const char *id)
{
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
}

/* A sleeper gets a place, and keeps it. */
static const char *take_place(const char *sleeper)
{
    double before = stat_of(s, "running");
    const char *id = send_message(s, sleeper, "{\"ms\":600000}");
    wait_until(stat_of(s, "running") == before + 1);
    return id;
}

/* All places are free, and there are exactly two. */
static void expect_two_places(void)
{
    const char *first = take_place("a"), *second = take_place("b");
    expect_error(rpc(s, "send", "{\"to\":\"c\",\"msg\":{\"ms\":0}}"), -32003, "mailbox_full");
    cancel(first);
    cancel(second);
    expect_balanced(s);
}

START_TEST(inspect_tells_who_waits_for_the_limiter)
{
    s = server_start("version: 1\nlimiters: {l: {concurrency: 1}}\n" CHILD_OF
                     "    - {name: a, sleep: {}, limit: l}\n"
                     "    - {name: b, sleep: {}, limit: l}\n");
    const char *first = take_place("a"), *second = send_message(s, "b", "{\"ms\":0}");
    wait_until(bool_at(rpc(s, "actor.info", "{\"name\":\"b\"}").result, "in_line"));
    expect_in(ctl(server_url(s), NULL, "inspect a").out, "\nlimiter   l\n");
    expect_in(ctl(server_url(s), NULL, "inspect b").out, "\nlimiter   l; what waits is in line");
    cancel(first);
    ck_assert_str_eq(text_at(wait_message(s, second).result, "state"), "done");
    ck_assert(!bool_at(rpc(s, "actor.info", "{\"name\":\"b\"}").result, "in_line"));
    server_stop(s);
}
END_TEST

/* ---- the limiter is outside of the retries ---- */

START_TEST(RT_58_a_message_keeps_its_place_while_it_waits_for_its_retry)
{
    s = server_start("version: 1\nlimiters: {l: {concurrency: 1, wait: 0}}\n" CHILD_OF
                     "    - {name: f, limit: l, exec: ['false'], retry: {max_retries: 1, "
                     "backoff: fixed, jitter: none, initial: 1h, max: 1h}}\n"
                     "    - {name: e, limit: l, echo: {}}\n");
    const char *id = send_message(s, "f", "1");
    wait_until(strcmp(message_state(s, id), "retrying") == 0);
    expect_error(rpc(s, "send", "{\"to\":\"e\",\"msg\":1}"), -32003, "mailbox_full");
    cancel(id);
    expect_result(rpc(s, "ask", "{\"to\":\"e\",\"msg\":2}"), "2");
    server_stop(s);
}
END_TEST

START_TEST(RT_58_one_token_is_enough_for_all_attempts)
{
    s = server_start("version: 1\nlimiters: {l: {rate: 1/m, burst: 2}}\n" CHILD_OF
                     "    - {name: f, limit: l, exec: ['false'], retry: {max_retries: 2, "
                     "backoff: fixed, jitter: none, initial: 1ms}}\n");
    for (int i = 0; i < 2; i++) {
        answer a = wait_message(s, send_message(s, "f", "1"));
        ck_assert_str_eq(text_at(a.result, "state"), "dead");
        ck_assert_int_eq((int)number_at(a.result, "attempts"), 3);
    }
    const char *third = send_message(s, "f", "1");
    ck_assert_str_eq(message_state(s, third), "waiting");
    server_stop(s);
}
END_TEST

START_TEST(retry_that_holds_a_place_passes_a_higher_priority_that_waits_for_one)
{
    s = server_start("version: 1\nlimiters: {l: {concurrency: 1}}\n" CHILD_OF
                     "    - {name: f, limit: l, " FLAKY ", retry: {max_retries: 1000, "
                     "backoff: fixed, jitter: none, initial: 20ms}}\n");
    expect_ok(rpc(s, "send", "{\"to\":\"f\",\"msg\":1,\"priority\":\"low\"}"));
    wait_until(strcmp(message_state(s, "m-1"), "retrying") == 0);
    expect_ok(rpc(s, "send", "{\"to\":\"f\",\"msg\":2,\"priority\":\"critical\"}"));
    server_write(s, "well", "");
    ck_assert_str_eq(text_at(wait_message(s, "m-1").result, "state"), "done");
    ck_assert_str_eq(text_at(wait_message(s, "m-2").result, "state"), "done");
    server_stop(s);
}
END_TEST

/* Whatever ends a message, its place comes back once. */
START_TEST(places_come_back_exactly_once)
{
    s = server_start(TWO_PLACES "    - {name: f, limit: l, exec: ['false'], ttl: 50ms}\n"
                                "    - {name: r, limit: l, exec: ['false'], retry: "
                                "{max_retries: 9, backoff: fixed, jitter: none, initial: 1h, "
                                "max: 1h}}\n");
    expect_two_places();
    wait_message(s, send_message(s, "f", "1")); /* failed */
    expect_two_places();
    expect_ok(rpc(s, "ask", "{\"to\":\"c\",\"msg\":{\"ms\":0}}")); /* done */
    expect_error(rpc(s, "ask", "{\"to\":\"c\",\"msg\":0}"), -32007, "rejected");
    expect_two_places();
    expect_ok(rpc(s, "send", "{\"to\":\"c\",\"msg\":{\"ms\":60000},\"ttl\":\"20ms\"}"));
    wait_until(stat_of(s, "expired") == 1);
    expect_two_places();
    for (int i = 0; i < 2; i++) { /* purged while it waits for a retry; cancelled likewise */
        const char *id = send_message(s, "r", "1");
        wait_until(stat_of(s, "retrying") == 1);
        if (i == 0)
            must("actor.purge", "{\"name\":\"r\"}");
        else
            cancel(id);
        expect_two_places();
    }
    take_place("c");
    must("actor.kill", "{\"name\":\"c\"}");
    wait_until(stat_of(s, "running") == 0);
    expect_two_places();
    send_message(s, "r", "1");
    wait_until(stat_of(s, "retrying") == 1);
    must("actor.restart", "{\"name\":\"r\"}");
    must("actor.stop", "{\"name\":\"r\"}");
    expect_two_places();
    server_stop(s);
}
END_TEST

START_TEST(places_in_a_limiter_that_is_exchanged_come_back_at_once)
{
    s = server_start(TWO_PLACES "    - {name: d, sleep: {}, limit: l}\n");
    const char *id = take_place("d");
    server_configure(s, TWO_PLACES "    - {name: d, sleep: {}}\n");
    must("config.reload", NULL);
    expect_two_places();
    cancel(id); /* and not again at its end */
    expect_two_places();
    server_configure(s, TWO_PLACES "    - {name: d, sleep: {}, limit: l}\n");
    must("config.reload", NULL);
    cancel(take_place("d"));
    expect_two_places();
    server_stop(s);
}
END_TEST

/* ---- the breaker and asks that wait for a retry ---- */

START_TEST(ask_that_waits_for_its_retry_fails_when_the_breaker_opens)
{
    s = server_start("version: 1\nbreakers: {b: {consecutive_failures: 2, open_for: 1h}}\n" CHILD_OF
                     "    - {name: f, breaker: b, exec: ['false'], retry: {max_retries: 9, "
                     "backoff: fixed, jitter: none, initial: 1h, max: 1h}}\n"
                     "    - {name: g, breaker: b, exec: ['false']}\n");
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"f\",\"msg\":1,\"timeout\":\"1m\"}");
    wait_until(stat_of(s, "retrying") == 1);
    const char *sent = send_message(s, "f", "2"); /* the breaker's second failure; it may wait */
    answer a = rpc_receive(s, ask);
    expect_error(a, -32004, "breaker_open");
    ck_assert_int_eq((int)number_at(a.error, "data.attempts"), 1);
    expect_in(text_at(a.error, "data.last_error"), "status 1");
    ck_assert_str_eq(message_state(s, sent), "retrying");
    server_stop(s);
}
END_TEST

START_TEST(breaker_that_reopens_says_that_a_probe_failed)
{
    s = server_start("version: 1\nbreakers: {b: {consecutive_failures: 3, open_for: 1ms, "
                     "open_factor: 1000, open_max: 1h}}\n" CHILD_OF
                     "    - {name: f, breaker: b, exec: ['false']}\n");
    for (int i = 0; i < 3; i++)
        expect_error(rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}"), -32006, "failed");
    wait_until(
        strcmp(text_at(rpc(s, "breaker.list", NULL).result, "items[0].state"), "half_open") == 0);
    expect_error(rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}"), -32006, "failed");
    wait_until(strstr(server_stderr(s), "half_open -> open: a probe failed"));
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        inspect_tells_who_waits_for_the_limiter,
        RT_58_a_message_keeps_its_place_while_it_waits_for_its_retry,
        RT_58_one_token_is_enough_for_all_attempts,
        retry_that_holds_a_place_passes_a_higher_priority_that_waits_for_one,
        places_come_back_exactly_once,
        places_in_a_limiter_that_is_exchanged_come_back_at_once,
        ask_that_waits_for_its_retry_fails_when_the_breaker_opens,
        breaker_that_reopens_says_that_a_probe_failed,
        NULL,
    };
    return suite_run("layers", tests, NULL, NULL);
}
