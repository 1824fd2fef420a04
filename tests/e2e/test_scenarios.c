/* Scenarios of the catalogues that need the daemon: what attempts, retries and breakers do to real
 * processes. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <stdio.h>

#define CHILD_OF "supervisor:\n  children:\n"

/* An actor f whose program is this shell script, after it has noted its attempt in `attempts`. No '
 * in it, and $$ for $. */
#define F(script, more)                                                                            \
    "    - {name: f, exec: [sh, -c, 'echo $$ACTORD_ATTEMPT >>${DIR}/attempts; " script "']" more   \
    "}\n"
#define RETRY(n, wait)                                                                             \
    ", retry: {max_retries: " #n ", backoff: fixed, initial: " wait ", max: " wait ", "            \
    "jitter: none}"

static server *s;

static answer ask(const char *msg)
{
    return rpcf(s, "ask", "{\"to\":\"f\",\"msg\":%s,\"timeout\":\"20s\"}", msg);
}

static const char *attempts(void)
{
    const char *text = server_read(s, "attempts");
    return text ? text : "";
}

static const char *breaker_state(void)
{
    return text_at(rpc(s, "breaker.list", "{\"name\":\"b\"}").result, "items[0].state");
}

START_TEST(RT_08_a_failure_then_a_rejection_ends_with_the_rejection)
{
    s = server_start(CHILDREN F("test $$ACTORD_ATTEMPT = 1 && exit 1; exit 65", RETRY(5, "1ms")));
    expect_error(ask("1"), -32007, "rejected");
    ck_assert_str_eq(attempts(), "1\n2\n");
    server_stop(s);
}
END_TEST

START_TEST(RT_12_a_cancel_during_the_wait_ends_it_at_once)
{
    s = server_start(CHILDREN F("exit 1", RETRY(5, "1h")));
    const char *id = send_message(s, "f", "1");
    wait_until(strcmp(message_state(s, id), "retrying") == 0);
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    ck_assert_str_eq(text_at(wait_message(s, id).result, "state"), "cancelled");
    ck_assert_str_eq(attempts(), "1\n");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(RT_18_a_message_that_waits_for_its_retry_holds_nobody_up)
{
    s = server_start(CHILDREN F("read x; test $$x = 1 && exit 1; echo $$x", RETRY(5, "1h")));
    const char *id = send_message(s, "f", "1");
    expect_result(ask("2"), "2");
    expect_result(ask("3"), "3");
    ck_assert_str_eq(message_state(s, id), "retrying");
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id)); /* or the stop waits */
    server_stop(s);
}
END_TEST

START_TEST(RT_37_each_attempt_has_a_timeout_of_its_own)
{
    s = server_start(CHILDREN F("test $$ACTORD_ATTEMPT = 2 || exec sleep 60; echo 7",
                                ", timeout: 1s" RETRY(1, "1ms")));
    expect_result(ask("1"), "7");
    ck_assert_str_eq(attempts(), "1\n2\n");
    server_stop(s);
}
END_TEST

START_TEST(RT_40_timeout_is_of_each_attempt_and_ttl_of_all)
{
    s = server_start(CHILDREN F("exec sleep 600", ", timeout: 400ms" RETRY(2, "1ms")));
    answer a = ask("1");
    expect_error(a, -32006, "failed");
    ck_assert_int_eq((int)number_at(a.error, "data.attempts"), 3);
    server_stop(s);
    s = server_start(CHILDREN F("exec sleep 600", ", ttl: 400ms" RETRY(2, "1ms")));
    a = ask("1");
    expect_error(a, -32008, "expired");
    ck_assert_int_eq((int)number_at(a.error, "data.attempts"), 1);
    server_stop(s);
}
END_TEST

START_TEST(RT_41_a_timeout_is_not_a_cancel)
{
    s = server_start(CHILDREN F("exec sleep 60", ", timeout: 100ms"));
    answer a = ask("1");
    expect_error(a, -32006, "failed");
    ck_assert_ptr_nonnull(strstr(text_at(a.error, "data.last_error"), "timed out after 100ms"));
    server_configure(s, CHILDREN F("exec sleep 60", ", timeout: 1h"));
    expect_ok(rpc(s, "config.reload", NULL));
    uint32_t waits = rpc_send(s, "ask", "{\"to\":\"f\",\"msg\":1,\"timeout\":\"20s\"}");
    wait_until(stat_of(s, "running") == 1);
    expect_ok(rpc(s, "message.cancel", "{\"message\":\"m-2\"}"));
    expect_error(rpc_receive(s, waits), -32008, "cancelled");
    server_stop(s);
}
END_TEST

START_TEST(RT_53_every_attempt_counts_in_the_breaker_inside_of_the_retries)
{
    s = server_start("version: 1\nbreakers:\n"
                     "  b: {consecutive_failures: 5, open_for: 1h, probes: 1}\n" CHILD_OF F(
                         "exit 1", ", breaker: b" RETRY(2, "1ms")));
    expect_error(ask("1"), -32006, "failed");
    ck_assert_str_eq(breaker_state(), "closed");
    ck_assert_ptr_nonnull(ask("2").error); /* opens at its second attempt, and has no third */
    ck_assert_str_eq(breaker_state(), "open");
    ck_assert_str_eq(attempts(), "1\n2\n3\n1\n2\n");
    server_stop(s);
}
END_TEST

START_TEST(CB_31_what_the_limiter_refuses_never_reaches_the_breaker)
{
    s = server_start("version: 1\nlimiters: {l: {concurrency: 1, wait: 0}}\nbreakers:\n"
                     "  b: {consecutive_failures: 1, open_for: 1h, probes: 1}\n" CHILD_OF F(
                         "exec sleep 600", ", breaker: b, limit: l"));
    const char *id = send_message(s, "f", "1");
    wait_until(message_state(s, id)[0] == 'r'); /* running */
    for (int i = 0; i < 3; i++)
        expect_error(ask("2"), -32003, "mailbox_full");
    ck_assert_str_eq(breaker_state(), "closed");
    ck_assert_int_eq((int)number_at(rpc(s, "breaker.list", NULL).result, "items[0].not_permitted"),
                     0);
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    server_stop(s);
}
END_TEST

START_TEST(CB_32_a_program_that_crashes_counts_and_gives_its_permit_back)
{
    s = server_start("version: 1\nbreakers:\n"
                     "  b: {consecutive_failures: 1, open_for: 50ms, probes: 1}\n" CHILD_OF F(
                         "kill -9 $$$$", ", breaker: b"));
    for (int i = 0; i < 3; i++) {
        expect_error(ask("1"), -32006, "failed"); /* the second and third are probes */
        wait_until(strcmp(breaker_state(), "half_open") == 0);
    }
    ck_assert_str_eq(attempts(), "1\n1\n1\n");
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        RT_08_a_failure_then_a_rejection_ends_with_the_rejection,
        RT_12_a_cancel_during_the_wait_ends_it_at_once,
        RT_18_a_message_that_waits_for_its_retry_holds_nobody_up,
        RT_37_each_attempt_has_a_timeout_of_its_own,
        RT_40_timeout_is_of_each_attempt_and_ttl_of_all,
        RT_41_a_timeout_is_not_a_cancel,
        RT_53_every_attempt_counts_in_the_breaker_inside_of_the_retries,
        CB_31_what_the_limiter_refuses_never_reaches_the_breaker,
        CB_32_a_program_that_crashes_counts_and_gives_its_permit_back,
        NULL,
    };
    return suite_run("scenarios", tests, NULL, NULL);
}
