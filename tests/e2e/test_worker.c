/* worker actors, as docs/worker.md has them: long-lived processes that speak NDJSON. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A worker: "w", with words on its command line and more keys. */
#define WORKER(name, words, more)                                                                  \
    "    - {name: " name ", worker: [\"${SELF}\", worker" words "]" more "}\n"
#define ECHO  "    - {name: echo, echo: {}}\n"
#define SLEEP "    - {name: sleeper, sleep: {}}\n"
/* No test here is about the budget, and none wants to wait. */
#define HARDY                                                                                      \
    "version: 1\n"                                                                                 \
    "supervisor:\n"                                                                                \
    "  max_restarts: unlimited\n"                                                                  \
    "  backoff: none\n"                                                                            \
    "  children:\n"
#define LOG ", env: {WORKER_LOG: \"${DIR}/lines\"}"

static answer ask(server *s, const char *msg)
{
    return rpcf(s, "ask", "{\"to\":\"w\",\"msg\":%s,\"timeout\":\"15s\"}", msg);
}

static answer info(server *s)
{
    return rpc(s, "actor.info", "{\"name\":\"w\"}");
}

static double number_of(server *s, const char *path)
{
    return number_at(info(s).result, path);
}

static const char *last_exit(server *s)
{
    return maybe_at(info(s).result, "last_exit");
}

static void expect_failed(answer a, const char *text)
{
    expect_error(a, -32006, "failed");
    expect_in(text_at(a.error, "data.last_error"), text);
}

/* Whether the worker was given a line with this in it. */
static bool was_told(server *s, const char *part)
{
    const char *lines = server_read(s, "lines");
    return lines && strstr(lines, part);
}

static const char *state_after(server *s, const char *id)
{
    return text_at(wait_message(s, id).result, "state");
}

static void touch(server *s, const char *name)
{
    server_write(s, name, "");
}

/* {"wait": DIR/name}, in a JSON text that goes on. */
static char *waits(server *s, const char *name, const char *rest)
{
    static char text[1024];
    snprintf(text, sizeof text, "{\"wait\":\"%s/%s\"%s}", server_directory(s), name, rest);
    return text;
}

/* ---- messages ---- */

START_TEST(message_is_one_line_with_the_payload_as_sent)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    answer a = ask(s, "{\"line\":true,\r\n \"n\": 123456789012345678901234567890,\t\"n\":1.50}");
    expect_result(a,
                  "\"{\\\"id\\\":\\\"m-1\\\",\\\"attempt\\\":1,\\\"msg\\\":{\\\"line\\\":true,   "
                  "\\\"n\\\": 123456789012345678901234567890,\\t\\\"n\\\":1.50}}\"");
    server_stop(s);
}
END_TEST

START_TEST(reply_comes_back_byte_for_byte)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    expect_result(
        ask(s, "{\"say\":\"{\\\"id\\\":@,\\\"reply\\\": {\\\"a\\\" : 1.0e2,\\\"a\\\":null} }\"}"),
        "{\"a\" : 1.0e2,\"a\":null}");
    expect_result(ask(s, "{\"say\":\"{\\\"id\\\":@,\\\"reply\\\":null}\"}"), "null");
    server_stop(s);
}
END_TEST

START_TEST(large_payload_and_reply_pass)
{
    enum { SIZE = 900000 };
    char *msg = malloc(SIZE + 3);
    memset(msg, 'a', SIZE + 2);
    msg[0] = msg[SIZE + 1] = '"';
    msg[SIZE + 2] = '\0';
    server *s = server_start(HARDY WORKER("w", "", ""));
    expect_result(ask(s, msg), msg);
    server_stop(s);
    free(msg);
}
END_TEST

START_TEST(line_may_come_in_pieces_and_with_carriage_return)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    expect_result(
        ask(s, "{\"mutter\":\"{\\\"id\\\":\",\"mutter\":\"@,\\\"rep\",\"say\":\"ly\\\":7}\\r\"}"),
        "7");
    ck_assert(number_of(s, "restarts") == 0);
    server_stop(s);
}
END_TEST

START_TEST(error_is_a_failed_attempt_and_retry_false_a_rejection)
{
    server *s = server_start(HARDY WORKER(
        "w", "", ", retry: {max_retries: 2, backoff: fixed, initial: 1ms, jitter: none}"));
    answer a =
        ask(s, "{\"say\":\"{\\\"id\\\":@,\\\"error\\\":\\\"no luck\\\",\\\"retry\\\":true}\"}");
    expect_failed(a, "no luck");
    ck_assert(number_at(a.error, "data.attempts") == 3);
    a = ask(s, "{\"say\":\"{\\\"id\\\":@,\\\"error\\\":\\\"no luck\\\"}\"}");
    ck_assert(number_at(a.error, "data.attempts") == 3);
    a = ask(s, "{\"say\":\"{\\\"id\\\":@,\\\"error\\\":\\\"nonsense\\\",\\\"retry\\\":false}\"}");
    expect_error(a, -32007, "rejected");
    ck_assert(number_at(a.error, "data.attempts") == 1);
    expect_in(text_at(a.error, "message"), "nonsense");
    ck_assert(number_of(s, "restarts") == 0);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(progress_is_seen_while_it_works)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    const char *id = send_message(
        s, "w", waits(s, "go", ",\"say\":\"{\\\"id\\\":@,\\\"reply\\\":1}\"") /* after */
    );
    (void)id;
    touch(s, "go");
    ck_assert_str_eq(state_after(s, "m-1"), "done");
    char text[1400];
    snprintf(text, sizeof text,
             "{\"say\":\"{\\\"id\\\":@,\\\"progress\\\":0.4,\\\"note\\\":\\\"half "
             "way\\\"}\",\"hold\":true}");
    id = send_message(s, "w", text);
    wait_until(json_at(rpcf(s, "message.get", "{\"message\":\"%s\"}", id).result, "progress"));
    answer a = rpcf(s, "message.get", "{\"message\":\"%s\"}", id);
    expect_in(a.bytes, "0.4");
    expect_in(a.bytes, "half way");
    ck_assert_str_eq(text_at(a.result, "state"), "running");
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"w\"}"));
    server_stop(s);
}
END_TEST

START_TEST(credits_bound_what_is_unanswered)
{
    server *s = server_start(HARDY WORKER("w", "", ", credits: 4") WORKER("one", "", ""));
    for (int i = 0; i < 6; i++)
        send_message(s, "w", "{\"hold\":true}");
    send_message(s, "one", "{\"hold\":true}");
    send_message(s, "one", "{\"hold\":true}");
    wait_until(number_of(s, "counters.running") == 4);
    ck_assert(number_of(s, "mailbox.waiting") == 2);
    answer a = rpc(s, "actor.info", "{\"name\":\"one\"}");
    ck_assert(number_at(a.result, "counters.running") == 1);
    ck_assert(number_at(a.result, "mailbox.waiting") == 1);
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"w\"}"));
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"one\"}"));
    expect_ok(rpc(s, "actor.purge", "{\"name\":\"w\"}"));
    expect_ok(rpc(s, "actor.purge", "{\"name\":\"one\"}"));
    server_signal(s, SIGTERM);
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    server_free(s);
}
END_TEST

START_TEST(answers_may_come_in_any_order)
{
    server *s = server_start(HARDY WORKER("w", "", ", credits: 4"));
    const char *ids[3];
    for (int i = 0; i < 3; i++)
        ids[i] = strdup(send_message(s, "w", "{\"hold\":true}"));
    send_message(s, "w", "{\"release\":true,\"say\":\"{\\\"id\\\":@,\\\"reply\\\":0}\"}");
    for (int i = 0; i < 3; i++) {
        answer a = wait_message(s, ids[i]);
        ck_assert_str_eq(text_at(a.result, "state"), "done");
        ck_assert(number_at(a.result, "reply") == 3);
        free((char *)ids[i]);
    }
    server_stop(s);
}
END_TEST

/* ---- its start ---- */

START_TEST(no_message_comes_before_the_worker_is_ready)
{
    /* The shell says it is ready after a file is there, and counts what waits for it. */
    server *s = server_launch(&(server_options){
        .yaml = HARDY
        "    - name: w\n      start: ready\n      start_timeout: 20s\n      worker: [sh, -c, "
        "'until [ -e ${DIR}/go ]; do sleep 0.02; done; exec \"${SELF}\" worker ready']\n"});
    touch(s, "go");
    server_wait_ready(s);
    expect_result(ask(s, "5"), "5");
    server_stop(s);
}
END_TEST

START_TEST(message_waits_while_a_restarted_worker_is_not_ready)
{
    server *s = server_start(
        HARDY
        "    - name: w\n      start: ready\n      start_timeout: 20s\n      worker: [sh, -c, "
        "'until [ ! -e ${DIR}/stop ]; do sleep 0.02; done; exec \"${SELF}\" worker ready']\n");
    touch(s, "stop");
    expect_failed(ask(s, "{\"exit\":1}"), "exit status 1");
    uint32_t number = rpc_send(s, "ask", "{\"to\":\"w\",\"msg\":6,\"timeout\":\"15s\"}");
    wait_until(number_of(s, "mailbox.waiting") == 1);
    ck_assert_str_eq(actor_state(s, "w"), "restarting");
    ck_assert_int_eq(unlink(server_path(s, "stop")), 0);
    expect_result(rpc_receive(s, number), "6");
    server_stop(s);
}
END_TEST

START_TEST(worker_that_never_gets_ready_fails_the_start)
{
    server *s = server_refused(
        &(server_options){.yaml =
                              HARDY WORKER("w", ", deaf", ", start: ready, start_timeout: 200ms")},
        1);
    expect_in(server_stderr(s), "'w'");
    expect_in(server_stderr(s), "200 ms");
    server_free(s);
}
END_TEST

START_TEST(worker_that_ends_before_it_is_ready_fails_the_start)
{
    server *s = server_refused(
        &(server_options){.yaml = HARDY "    - {name: w, worker: [\"true\"], start: ready}\n"}, 1);
    expect_in(server_stderr(s), "exit status 0 before it was ready");
    server_free(s);
}
END_TEST

START_TEST(worker_without_its_program_fails_the_start)
{
    server *s = server_refused(
        &(server_options){.yaml = HARDY "    - {name: w, worker: [/no/such/program]}\n"}, 1);
    expect_in(server_stderr(s), "'/no/such/program'");
    server_free(s);
}
END_TEST

/* ---- its own words ---- */

START_TEST(worker_sends_to_others)
{
    server *s = server_start(HARDY WORKER("w", "", "") WORKER("x", "", LOG));
    expect_result(ask(s, "{\"say\":\"{\\\"send\\\":\\\"x\\\",\\\"msg\\\":[1, [2]]}\","
                         "\"say\":\"{\\\"send\\\":\\\"nobody\\\",\\\"msg\\\":1}\",\"say\":\"{"
                         "\\\"id\\\":@,\\\"reply\\\":1}\"}"),
                  "1");
    wait_until(was_told(s, "\"msg\":[1, [2]]"));
    wait_until(strstr(server_stderr(s), "'nobody'"));
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"x\"}"));
    server_stop(s);
}
END_TEST

START_TEST(worker_asks_others)
{
    server *s = server_start(HARDY WORKER("w", "", "") ECHO SLEEP);
    expect_result(ask(s, "{\"hold\":true,\"say\":\"{\\\"ask\\\":\\\"echo\\\",\\\"msg\\\":[1],"
                         "\\\"ref\\\":\\\"r1\\\"}\"}"),
                  "{\"ref\":\"r1\",\"reply\":[1]}");
    answer a = ask(
        s, "{\"hold\":true,\"say\":\"{\\\"ask\\\":\\\"nobody\\\",\\\"msg\\\":1,\\\"ref\\\":7}\"}");
    ck_assert(number_at(a.result, "error.code") == -32001);
    ck_assert_str_eq(text_at(a.result, "error.data.code"), "not_found");
    ck_assert(number_at(a.result, "ref") == 7);
    a = ask(s,
            "{\"hold\":true,\"say\":\"{\\\"ask\\\":\\\"sleeper\\\",\\\"msg\\\":{\\\"ms\\\":60000},"
            "\\\"ref\\\":\\\"r2\\\",\\\"timeout\\\":\\\"20ms\\\"}\"}");
    ck_assert(number_at(a.result, "error.code") == -32005);
    const char *id = text_at(a.result, "error.data.message");
    ck_assert_str_eq(text_at(a.result, "error.data.state"), "running");
    ck_assert_str_eq(message_state(s, id), "running");
    a = ask(
        s,
        "{\"hold\":true,\"say\":\"{\\\"ask\\\":\\\"echo\\\",\\\"msg\\\":1,\\\"ref\\\":\\\"r3\\\","
        "\\\"timeout\\\":\\\"soon\\\"}\"}");
    ck_assert(number_at(a.result, "error.code") == -32602);
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"sleeper\"}"));
    server_stop(s);
}
END_TEST

START_TEST(worker_may_not_wait_for_itself_for_ever)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    answer a = ask(s, "{\"hold\":true,\"say\":\"{\\\"ask\\\":\\\"w\\\",\\\"msg\\\":1,\\\"ref\\\":1,"
                      "\\\"timeout\\\":\\\"50ms\\\"}\"}");
    ck_assert(number_at(a.result, "error.code") == -32005);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(state_and_log_lines_are_shown)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    expect_result(rpc(s, "actor.state", "{\"name\":\"w\"}"), "{\"name\":\"w\",\"state\":null}");
    expect_result(ask(s,
                      "{\"say\":\"{\\\"state\\\":{\\\"n\\\": "
                      "1}}\",\"say\":\"{\\\"log\\\":\\\"warn\\\",\\\"text\\\":\\\"look here\\\"}\","
                      "\"stderr\":\"and there\\n\",\"say\":\"{\\\"id\\\":@,\\\"reply\\\":1}\"}"),
                  "1");
    expect_result(rpc(s, "actor.state", "{\"name\":\"w\"}"),
                  "{\"name\":\"w\",\"state\":{\"n\": 1}}");
    wait_until(strstr(server_stderr(s), "look here") && strstr(server_stderr(s), "and there"));
    server_stop(s);
}
END_TEST

START_TEST(texts_that_cannot_be_decoded_are_shown_as_written)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    expect_failed(ask(s,
                      "{\"say\":\"{\\\"log\\\":\\\"warn\\\",\\\"text\\\":\\\"log \\\\u0000\\\"}\","
                      "\"say\":\"{\\\"id\\\":@,\\\"error\\\":\\\"oh \\\\ud800\\\"}\"}"),
                  "\"oh \\ud800\"");
    wait_until(strstr(server_stderr(s), "\"log \\u0000\""));
    server_stop(s);
}
END_TEST

/* ---- protocol errors ---- */

static const char *const broken[] = {
    "garbage",
    "",
    "[1]",
    "\\\"text\\\"",
    "{\\\"id\\\":@,\\\"reply\\\":}",
    "{\\\"id\\\":\\\"m-999\\\",\\\"reply\\\":1}",
    "{\\\"id\\\":\\\"m-999\\\",\\\"progress\\\":1}",
    "{\\\"id\\\":@}",
    "{\\\"id\\\":@,\\\"error\\\":5}",
    "{\\\"id\\\":5,\\\"reply\\\":1}",
    "{\\\"id\\\":@,\\\"reply\\\":1,\\\"error\\\":\\\"x\\\"}",
    "{}",
    "{\\\"send\\\":\\\"echo\\\"}",
    "{\\\"ask\\\":\\\"echo\\\",\\\"msg\\\":1}",
    "{\\\"ready\\\":1}",
    "{\\\"id\\\":@,\\\"reply\\\":1}{}",
};

START_TEST(line_that_breaks_the_protocol_restarts_the_worker_and_costs_an_attempt)
{
    server *s = server_start(HARDY WORKER("w", "", "") ECHO);
    const int count = sizeof broken / sizeof *broken;
    for (int i = 0; i < count; i++) {
        char msg[256];
        snprintf(msg, sizeof msg, "{\"say\":\"%s\",\"pause\":true}", broken[i]);
        answer a = ask(s, msg);
        ck_assert_msg(a.error, "'%s' passed: %s", broken[i], a.bytes);
        expect_failed(a, "broke the protocol");
        ck_assert(number_at(a.error, "data.attempts") == 1);
    }
    expect_result(ask(s, "1"), "1");
    ck_assert(number_of(s, "restarts") == count);
    wait_until(strstr(last_exit(s), "protocol error"));
    expect_in(server_stderr(s),
              "protocol error: it answered a message that it doesn't have: id \"m-999\"");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(second_answer_to_a_message_is_a_protocol_error)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    expect_result(ask(s, "{\"say\":\"{\\\"id\\\":@,\\\"reply\\\":1}\",\"say\":\"{\\\"id\\\":@,"
                         "\\\"reply\\\":2}\"}"),
                  "1");
    wait_until(number_of(s, "restarts") == 1);
    server_stop(s);
}
END_TEST

START_TEST(line_over_the_limit_restarts_the_worker)
{
    server *s = server_start("limits: {message: 10KiB}\n" HARDY WORKER("w", "", ""));
    expect_failed(ask(s, "{\"flood\":20000,\"say\":\"\",\"pause\":true}"), "broke the protocol");
    wait_until(strstr(last_exit(s), "limits.message"));
    expect_failed(ask(s, "{\"flood\":1e9}"), "broke the protocol");
    expect_result(ask(s, "1"), "1");
    server_stop(s);
}
END_TEST

START_TEST(lines_of_a_later_protocol_are_understood_as_far_as_they_are_known)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    expect_result(ask(s, "{\"say\":\"{\\\"id\\\":@,\\\"reply\\\":1,\\\"colour\\\":\\\"red\\\"}\"}"),
                  "1");
    ck_assert(number_of(s, "restarts") == 0);
    server_stop(s);
}
END_TEST

/* ---- floods and silence ---- */

START_TEST(flood_of_stderr_delays_nobody)
{
    server *s = server_start(HARDY WORKER("w", "", "") ECHO);
    uint32_t flood = rpc_send(s, "ask",
                              "{\"to\":\"w\",\"msg\":{\"flood_stderr\":2e7,\"say\":\"{\\\"id\\\":@,"
                              "\\\"reply\\\":1}\"},\"timeout\":\"40s\"}");
    expect_result(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":2}"), "2");
    expect_result(rpc_receive(s, flood), "1");
    ck_assert(number_of(s, "restarts") == 0);
    server_stop(s);
}
END_TEST

START_TEST(worker_that_never_reads_holds_up_only_itself)
{
    enum { SIZE = 200000 };
    char *msg = malloc(SIZE + 3);
    memset(msg, 'a', SIZE + 2);
    msg[0] = msg[SIZE + 1] = '"';
    msg[SIZE + 2] = '\0';
    server *s = server_start(HARDY WORKER("w", ", deaf", ", credits: 4") ECHO);
    for (int i = 0; i < 6; i++)
        send_message(s, "w", msg);
    wait_until(number_of(s, "counters.running") == 4);
    expect_result(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":2}"), "2");
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"w\"}"));
    ck_assert_str_eq(actor_state(s, "w"), "stopped");
    expect_balanced(s);
    server_stop(s);
    free(msg);
}
END_TEST

START_TEST(worker_that_never_reads_is_killed_for_a_timed_out_message)
{
    server *s = server_start(HARDY WORKER("w", ", deaf", ", timeout: 50ms, shutdown: 100ms"));
    expect_failed(ask(s, "1"), "timed out after 50ms");
    wait_until(number_of(s, "restarts") == 1);
    wait_until(strstr(last_exit(s), "crash"));
    server_stop(s);
}
END_TEST

/* ---- cancel and timeout ---- */

START_TEST(timed_out_message_is_cancelled_and_a_late_answer_dropped)
{
    server *s = server_start(HARDY WORKER("w", "", ", timeout: 100ms, credits: 2" LOG));
    expect_failed(ask(s, "{\"hold\":true}"), "timed out after 100ms");
    wait_until(was_told(s, "w {\"cancel\":\"m-1\"}"));
    expect_result(ask(s, "{\"release\":true,\"say\":\"{\\\"id\\\":@,\\\"reply\\\":2}\"}"), "2");
    expect_result(ask(s, "3"), "3");
    ck_assert_str_eq(message_state(s, "m-1"), "dead");
    ck_assert(number_of(s, "restarts") == 0);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(cancelled_message_is_told_to_the_worker)
{
    server *s = server_start(HARDY WORKER("w", ", confirm", LOG));
    const char *id = send_message(s, "w", "{\"hold\":true}");
    wait_until(was_told(s, "hold"));
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    wait_until(was_told(s, "w {\"cancel\":\"m-1\"}"));
    ck_assert_str_eq(message_state(s, "m-1"), "cancelled");
    expect_result(ask(s, "3"), "3");
    ck_assert(number_of(s, "restarts") == 0);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(answer_that_crosses_its_cancel_may_be_confirmed_as_well)
{
    server *s = server_start(HARDY WORKER("w", ", confirm", ""));
    const char *id =
        send_message(s, "w", waits(s, "go", ",\"say\":\"{\\\"id\\\":@,\\\"reply\\\":1}\""));
    wait_until(number_of(s, "counters.running") == 1);
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    uint32_t number = rpc_send(s, "ask", "{\"to\":\"w\",\"msg\":3,\"timeout\":\"15s\"}");
    touch(s, "go"); /* it answers the message, reads the cancel and answers that */
    expect_result(rpc_receive(s, number), "3");
    ck_assert(number_of(s, "restarts") == 0);
    server_stop(s);
}
END_TEST

START_TEST(expired_message_is_cancelled_at_the_worker)
{
    server *s = server_start(HARDY WORKER("w", ", confirm", ", ttl: 200ms" LOG));
    ck_assert_str_eq(state_after(s, send_message(s, "w", "{\"hold\":true}")), "expired");
    wait_until(was_told(s, "w {\"cancel\":\"m-1\"}"));
    expect_result(ask(s, "3"), "3");
    server_stop(s);
}
END_TEST

START_TEST(worker_stuck_in_a_cancelled_message_is_killed_after_shutdown)
{
    server *s =
        server_start(HARDY WORKER("w", ", stubborn, ready", ", start: ready, shutdown: 200ms"));
    const char *id = send_message(s, "w", "{\"pause\":true}");
    wait_until(number_of(s, "counters.running") == 1);
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    expect_result(ask(s, "3"), "3"); /* of the next incarnation */
    ck_assert(number_of(s, "incarnation") == 2);
    wait_until(strstr(last_exit(s), "cancelled message"));
    ck_assert_str_eq(message_state(s, "m-1"), "cancelled");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(cancelled_message_that_waits_never_reaches_the_worker)
{
    server *s = server_start(HARDY WORKER("w", "", LOG));
    send_message(s, "w", waits(s, "go", ",\"say\":\"{\\\"id\\\":@,\\\"reply\\\":1}\""));
    const char *id = send_message(s, "w", "\"never\"");
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    touch(s, "go");
    expect_result(ask(s, "3"), "3");
    ck_assert(!was_told(s, "never"));
    server_stop(s);
}
END_TEST

/* ---- its end ---- */

START_TEST(crash_costs_the_message_in_flight_an_attempt_and_no_other)
{
    server *s = server_start(HARDY WORKER("w", "", ", credits: 2"));
    const char *held = strdup(send_message(s, "w", "{\"hold\":true}"));
    send_message(s, "w", waits(s, "go", ",\"signal\":9"));
    const char *next = strdup(send_message(s, "w", "3"));
    touch(s, "go");
    ck_assert(number_at(wait_message(s, held).result, "attempts") == 1);
    ck_assert_str_eq(message_state(s, held), "dead");
    ck_assert_str_eq(message_state(s, "m-2"), "dead");
    ck_assert_str_eq(state_after(s, next), "done");
    wait_until(strstr(last_exit(s), "killed by SIGKILL"));
    expect_balanced(s);
    server_stop(s);
    free((char *)held);
    free((char *)next);
}
END_TEST

START_TEST(poison_message_takes_the_worker_down_once_an_attempt)
{
    server *s = server_start(HARDY WORKER(
        "w", "", ", retry: {max_retries: 2, backoff: fixed, initial: 1ms, jitter: none}"));
    answer a = ask(s, "{\"exit\":3}");
    expect_failed(a, "exit status 3");
    ck_assert(number_at(a.error, "data.attempts") == 3);
    expect_result(ask(s, "1"), "1");
    ck_assert(number_of(s, "restarts") == 3);
    server_stop(s);
}
END_TEST

START_TEST(restart_type_decides_over_clean_exit_and_crash)
{
    server *s = server_start(HARDY WORKER("p", "", "") WORKER("t", "", ", restart: transient")
                                 WORKER("c", "", ", restart: transient")
                                     WORKER("e", "", ", restart: temporary"));
    send_message(s, "p", "{\"exit\":0}");
    send_message(s, "t", "{\"exit\":0}");
    send_message(s, "c", "{\"exit\":1}");
    send_message(s, "e", "{\"exit\":1}");
    wait_until(number_at(rpc(s, "actor.info", "{\"name\":\"p\"}").result, "incarnation") == 2);
    wait_until(strcmp(actor_state(s, "t"), "stopped") == 0);
    wait_until(number_at(rpc(s, "actor.info", "{\"name\":\"c\"}").result, "incarnation") == 2);
    wait_until(strcmp(actor_state(s, "e"), "") == 0);
    answer a = rpc(s, "send", "{\"to\":\"t\",\"msg\":1}");
    expect_error(a, -32013, "stopped");
    expect_error(rpc(s, "send", "{\"to\":\"e\",\"msg\":1}"), -32001, "not_found");
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"t\"}"));
    expect_result(rpc(s, "ask", "{\"to\":\"t\",\"msg\":1}"), "1");
    server_stop(s);
}
END_TEST

START_TEST(idle_worker_that_ends_is_restarted_too)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    kill((pid_t)number_of(s, "pids[0]"), SIGSEGV);
    wait_until(number_of(s, "incarnation") == 2);
    expect_result(ask(s, "1"), "1");
    server_stop(s);
}
END_TEST

START_TEST(stop_closes_the_input_and_lets_the_message_in_hand_finish)
{
    server *s =
        server_start(HARDY WORKER("w", ", patient, ready", ", start: ready, shutdown: 20s"));
    const char *first =
        strdup(send_message(s, "w", waits(s, "go", ",\"say\":\"{\\\"id\\\":@,\\\"reply\\\":1}\"")));
    const char *second = strdup(send_message(s, "w", "2"));
    wait_until(number_of(s, "counters.running") == 1);
    uint32_t stop = rpc_send(s, "actor.stop", "{\"name\":\"w\"}");
    client *other = server_connect(s);
    touch(s, "go");
    expect_ok(rpc_receive(s, stop));
    ck_assert_str_eq(message_state(s, first), "done");
    ck_assert_str_eq(message_state(s, second), "dead");
    expect_balanced(s);
    client_close(other);
    server_stop(s);
    free((char *)first);
    free((char *)second);
}
END_TEST

START_TEST(who_does_not_stop_is_killed_after_shutdown)
{
    server *s =
        server_start(HARDY WORKER("w", ", stubborn, ready", ", start: ready, shutdown: 200ms"));
    double pid = number_of(s, "pids[0]");
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"w\"}"));
    ck_assert_int_eq(kill((pid_t)pid, 0), -1);
    server_stop(s);
}
END_TEST

START_TEST(shutdown_kill_does_not_ask)
{
    server *s =
        server_start(HARDY WORKER("w", ", stubborn, ready", ", start: ready, shutdown: kill"));
    double pid = number_of(s, "pids[0]");
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"w\"}"));
    ck_assert_int_eq(kill((pid_t)pid, 0), -1);
    server_stop(s);
}
END_TEST

START_TEST(restart_by_call_keeps_the_mailbox_and_charges_nothing)
{
    server *s = server_start(HARDY WORKER("w", "", ""));
    const char *first =
        send_message(s, "w", waits(s, "go", ",\"say\":\"{\\\"id\\\":@,\\\"reply\\\":1}\""));
    send_message(s, "w", "2");
    wait_until(number_of(s, "counters.running") == 1);
    (void)first;
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"w\"}"));
    touch(s, "go");
    answer a = wait_message(s, "m-1");
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert(number_at(a.result, "attempts") == 1);
    ck_assert_str_eq(state_after(s, "m-2"), "done");
    ck_assert(number_of(s, "restarts") == 0);
    ck_assert(number_of(s, "incarnation") == 2);
    server_stop(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        message_is_one_line_with_the_payload_as_sent,
        reply_comes_back_byte_for_byte,
        large_payload_and_reply_pass,
        line_may_come_in_pieces_and_with_carriage_return,
        error_is_a_failed_attempt_and_retry_false_a_rejection,
        progress_is_seen_while_it_works,
        credits_bound_what_is_unanswered,
        answers_may_come_in_any_order,
        no_message_comes_before_the_worker_is_ready,
        message_waits_while_a_restarted_worker_is_not_ready,
        worker_that_never_gets_ready_fails_the_start,
        worker_that_ends_before_it_is_ready_fails_the_start,
        worker_without_its_program_fails_the_start,
        worker_sends_to_others,
        worker_asks_others,
        worker_may_not_wait_for_itself_for_ever,
        state_and_log_lines_are_shown,
        texts_that_cannot_be_decoded_are_shown_as_written,
        line_that_breaks_the_protocol_restarts_the_worker_and_costs_an_attempt,
        second_answer_to_a_message_is_a_protocol_error,
        line_over_the_limit_restarts_the_worker,
        lines_of_a_later_protocol_are_understood_as_far_as_they_are_known,
        flood_of_stderr_delays_nobody,
        worker_that_never_reads_holds_up_only_itself,
        worker_that_never_reads_is_killed_for_a_timed_out_message,
        timed_out_message_is_cancelled_and_a_late_answer_dropped,
        cancelled_message_is_told_to_the_worker,
        answer_that_crosses_its_cancel_may_be_confirmed_as_well,
        expired_message_is_cancelled_at_the_worker,
        worker_stuck_in_a_cancelled_message_is_killed_after_shutdown,
        cancelled_message_that_waits_never_reaches_the_worker,
        crash_costs_the_message_in_flight_an_attempt_and_no_other,
        poison_message_takes_the_worker_down_once_an_attempt,
        restart_type_decides_over_clean_exit_and_crash,
        idle_worker_that_ends_is_restarted_too,
        stop_closes_the_input_and_lets_the_message_in_hand_finish,
        who_does_not_stop_is_killed_after_shutdown,
        shutdown_kill_does_not_ask,
        restart_by_call_keeps_the_mailbox_and_charges_nothing,
        NULL,
    };
    return worker_or_tests(argc, argv, "worker", tests);
}
