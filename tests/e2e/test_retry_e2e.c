/* Retries end to end: what is told of each attempt, delays a worker asks for, attempts that run out
 * of time, and retries below retries. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY(n, initial, max)                                                                     \
    ", retry: {max_retries: " #n ", backoff: fixed, initial: " initial ", max: " max ", "          \
    "jitter: none}"
#define FAIL(name, more)                                                                           \
    "    - {name: " name ", exec: [sh, -c, 'exit 1$$ACTORD_ATTEMPT']" more "}\n"
#define WORKER(name, more) "    - {name: " name ", worker: [\"${SELF}\", worker]" more "}\n"

static server *s;

/* Its record after its end. */
static answer fail_message(const char *to, const char *msg)
{
    answer a = wait_message(s, send_message(s, to, msg));
    ck_assert_str_eq(text_at(a.result, "state"), "dead");
    return a;
}

/* The line of the log with this in it, once it is there. */
static const char *log_line(const char *part)
{
    const char *text, *line;
    wait_until((line = strstr(text = server_stderr(s), part)) != NULL);
    while (line > text && line[-1] != '\n')
        line--;
    char *copy = server_keep(s, strndup(line, strcspn(line, "\n")));
    ck_assert_ptr_nonnull(copy);
    return copy;
}

/* ---- what is told ---- */

START_TEST(RT_15_a_retry_is_told_with_its_number_wait_and_cause_before_the_wait)
{
    s = server_start(CHILDREN FAIL("f", RETRY(1, "1h", "1h")));
    const char *id = send_message(s, "f", "1");
    const char *line = log_line("attempt 1 failed, the next follows in 1h: exit status 11");
    expect_in(line, "info");
    expect_in(line, id);
    ck_assert_str_eq(message_state(s, id), "retrying"); /* it still waits */
    answer a = rpcf(s, "message.get", "{\"message\":\"%s\"}", id);
    ck_assert_int_eq((int)number_at(a.result, "failures[0].attempt"), 1);
    ck_assert_int_eq((int)number_at(a.result, "failures[0].wait_ms"), 3600000);
    ck_assert_str_eq(text_at(a.result, "failures[0].error"), "exit status 11");
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    server_stop(s);
}
END_TEST

START_TEST(RT_15_the_last_failure_has_no_wait_and_is_more_severe)
{
    s = server_start(CHILDREN FAIL("f", RETRY(1, "10ms", "10ms")));
    answer a = fail_message("f", "1");
    ck_assert_int_eq((int)number_at(a.result, "failures[0].wait_ms"), 10);
    ck_assert_int_eq((int)number_at(a.result, "failures[1].attempt"), 2);
    ck_assert_ptr_null(json_at(a.result, "failures[1].wait_ms"));
    expect_in(log_line("attempt 1 failed"), "info");
    expect_in(log_line("failed after 2 attempts: exit status 12"), "warn");
    expect_not_in(server_stderr(s), "attempt 2 failed, the next");
    server_stop(s);
}
END_TEST

/* ---- what a worker asks for ---- */

/* The wait after the first failure of `to`, whose worker asked for `delay`. */
static int wait_after(const char *to, const char *delay)
{
    char msg[200];
    snprintf(
        msg, sizeof msg,
        "{\"say\":\"{\\\"id\\\":@,\\\"error\\\":\\\"busy\\\",\\\"retry_after\\\":\\\"%s\\\"}\"}",
        delay);
    answer a = fail_message(to, msg);
    ck_assert_int_eq(count_at(a.result, "failures"), 2);
    return (int)number_at(a.result, "failures[0].wait_ms");
}

START_TEST(RT_28_a_worker_names_the_delay_within_the_policys_max)
{
    s = server_start(CHILDREN WORKER("slow", RETRY(1, "1h", "1h"))
                         WORKER("fast", RETRY(1, "20ms", "50ms")));
    ck_assert_int_eq(wait_after("slow", "30ms"), 30); /* not the hour */
    ck_assert_int_eq(wait_after("fast", "1h"), 50);
    ck_assert_int_eq(wait_after("fast", "soon"), 20);
    ck_assert_int_eq(wait_after("fast", "-5s"), 20);
    server_stop(s);
}
END_TEST

/* ---- attempts that run out of time ---- */

/* The first attempt hangs: `:1,` is its number. */
START_TEST(RT_45_a_job_that_runs_out_of_time_goes_to_another_instance)
{
    s = server_start(
        CHILDREN "    - {name: w, instances: 2, timeout: 500ms, shutdown: 1m, worker: [sh, -c, "
                 "'while read -r line; do case $$line in *:1,*) echo $$ACTORD_INSTANCE "
                 ">${DIR}/first; exec sleep 600;; esac; "
                 "echo \"{\\\"id\\\":\\\"m-1\\\",\\\"reply\\\":$$ACTORD_INSTANCE}\"; done']" RETRY(
                     1, "1ms", "1ms") "}\n");
    answer a = wait_message(s, send_message(s, "w", "0"));
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert_int_eq((int)number_at(a.result, "attempts"), 2);
    ck_assert_int_eq(count_at(a.result, "failures"), 1);
    expect_in(text_at(a.result, "failures[0].error"), "timed out after 500ms");
    int first = (int)strtol(server_read(s, "first"), NULL, 10);
    ck_assert(first == 1 || first == 2);
    ck_assert_int_eq((int)number_at(a.result, "reply"), 3 - first);
    server_stop(s);
}
END_TEST

/* ---- retries below retries ---- */

#define ASKS(name, whom)                                                                           \
    "    - {name: " name ", exec: [sh, -c, '$$ACTORCTL ask --timeout 50s " whom                    \
    " 1 || exit 1'], env: {ACTORCTL_URL: \"ipc://${DIR}/sock\"}" RETRY(2, "1ms", "1ms") "}\n"

static int dead_of(const char *actor)
{
    return count_at(rpcf(s, "deadletter.list", "{\"actor\":\"%s\"}", actor).result, "items");
}

START_TEST(RT_36_a_storm_of_nested_retries_is_visible_at_each_layer)
{
    s = server_start(CHILDREN FAIL("bottom", RETRY(2, "1ms", "1ms")) ASKS("middle", "bottom")
                         ASKS("top", "middle"));
    fail_message("top", "1");
    ck_assert_int_eq(dead_of("top"), 1);
    ck_assert_int_eq(dead_of("middle"), 3);
    ck_assert_int_eq(dead_of("bottom"), 9);
    answer a = rpc(s, "actor.info", "{\"name\":\"bottom\"}");
    ck_assert_int_eq((int)number_at(a.result, "counters.failed_attempts"), 27);
    ck_assert_int_eq((int)number_at(a.result, "counters.retries"), 18);
    server_stop(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        RT_15_a_retry_is_told_with_its_number_wait_and_cause_before_the_wait,
        RT_15_the_last_failure_has_no_wait_and_is_more_severe,
        RT_28_a_worker_names_the_delay_within_the_policys_max,
        RT_45_a_job_that_runs_out_of_time_goes_to_another_instance,
        RT_36_a_storm_of_nested_retries_is_visible_at_each_layer,
        NULL,
    };
    return worker_or_tests(argc, argv, "retry_e2e", tests);
}
