/* How messages come in and wait: acceptance, keys, time, order, full mailboxes. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ECHO  CHILDREN "    - {name: echo, echo: {}}\n"
#define SLEEP CHILDREN "    - {name: sleep, sleep: {}}\n"

/* Appends what it gets to the file `order`. */
#define RECORDER "exec: [sh, -c, 'cat >>${DIR}/order; echo >>${DIR}/order']"

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

/* ---- acceptance, looking up, waiting, cancelling ---- */

START_TEST(send_answers_with_the_id)
{
    server *s = server_start(ECHO);
    ck_assert_str_eq(rpc(s, "send", "{\"to\":\"echo\",\"msg\":1}").bytes,
                     "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"message\":\"m-1\","
                     "\"duplicate\":false}}");
    server_stop(s);
}
END_TEST

START_TEST(message_that_is_done_has_its_reply_by_the_byte)
{
    server *s = server_start(ECHO);
    answer a = wait_message(s, send_message(s, "echo", "{\"a\" : 1.0, \"a\":2}"));
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"message\":\"m-1\","
                               "\"to\":\"echo\",\"state\":\"done\",\"attempts\":1,"
                               "\"accepted_at\":\"";
    static const char tail[] = "Z\",\"reply\":{\"a\" : 1.0, \"a\":2}}}";
    ck_assert_mem_eq(a.bytes, head, sizeof head - 1);
    ck_assert_str_eq(a.bytes + sizeof head - 1 + strlen("2026-01-01T00:00:00.000"), tail);
    ck_assert_str_eq(rpc(s, "message.get", "{\"message\":\"m-1\"}").bytes, a.bytes);
    server_stop(s);
}
END_TEST

START_TEST(wait_answers_when_the_message_ends)
{
    server *s = server_start(ECHO);
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    send_message(s, "echo", "7");
    uint32_t waiting = rpc_send(s, "message.wait", "{\"message\":\"m-1\"}");
    ck_assert_str_eq(message_state(s, "m-1"), "waiting");
    ck_assert(!rpc_answered(s, waiting));
    must(s, "actor.resume", "{\"name\":\"echo\"}");
    answer a = rpc_receive(s, waiting);
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert_int_eq((int)number_at(a.result, "reply"), 7);
    server_stop(s);
}
END_TEST

START_TEST(wait_that_times_out_says_what_the_message_is)
{
    server *s = server_start(ECHO);
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    send_message(s, "echo", "7");
    answer a = rpc(s, "message.wait", "{\"message\":\"m-1\",\"timeout\":\"5ms\"}");
    expect_error(a, -32005, "timeout");
    ck_assert_str_eq(text_at(a.error, "data.state"), "waiting");
    ck_assert_str_eq(message_state(s, "m-1"), "waiting");
    server_stop(s);
}
END_TEST

START_TEST(message_that_never_was_is_not_found)
{
    server *s = server_start(ECHO);
    expect_error(rpc(s, "message.get", "{\"message\":\"m-1\"}"), -32001, "not_found");
    expect_error(rpc(s, "message.wait", "{\"message\":\"x\"}"), -32001, "not_found");
    expect_error(rpc(s, "message.cancel", "{\"message\":\"m-99\"}"), -32001, "not_found");
    server_stop(s);
}
END_TEST

START_TEST(waiting_message_is_cancelled)
{
    server *s = server_start(ECHO);
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    send_message(s, "echo", "1");
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"echo\",\"msg\":2}");
    wait_until(stat_of(s, "waiting") == 2);
    answer a = rpc(s, "message.cancel", "{\"message\":\"m-1\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "cancelled");
    must(s, "message.cancel", "{\"message\":\"m-2\"}");
    expect_error(rpc_receive(s, ask), -32008, "cancelled");
    must(s, "message.cancel", "{\"message\":\"m-1\"}"); /* so it is already */
    ck_assert_int_eq((int)stat_of(s, "cancelled"), 2);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(running_message_is_cancelled_and_makes_room)
{
    server *s = server_start(SLEEP);
    send_message(s, "sleep", "{\"ms\":60000}");
    wait_until(stat_of(s, "running") == 1);
    must(s, "message.cancel", "{\"message\":\"m-1\"}");
    ck_assert_str_eq(message_state(s, "m-1"), "cancelled");
    expect_result(rpc(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":1}}"), "{\"slept_ms\":1}");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(finished_message_is_not_cancelled)
{
    server *s = server_start(ECHO);
    wait_message(s, send_message(s, "echo", "1"));
    answer a = rpc(s, "message.cancel", "{\"message\":\"m-1\"}");
    expect_error(a, -32012, "invalid_state");
    ck_assert_str_eq(text_at(a.error, "data.state"), "done");
    server_stop(s);
}
END_TEST

/* ---- keys ---- */

START_TEST(key_is_accepted_once_per_actor)
{
    server *s = server_start(CHILDREN "    - {name: a, counter: {}}\n"
                                      "    - {name: b, counter: {}}\n");
    expect_result(rpc(s, "send", "{\"to\":\"a\",\"msg\":{\"add\":1},\"key\":\"k\"}"),
                  "{\"message\":\"m-1\",\"duplicate\":false}");
    expect_result(rpc(s, "send", "{\"to\":\"a\",\"msg\":{\"add\":5},\"key\":\"k\"}"),
                  "{\"message\":\"m-1\",\"duplicate\":true}");
    expect_result(rpc(s, "ask", "{\"to\":\"a\",\"msg\":{\"add\":5},\"key\":\"k\"}"), "1");
    expect_result(rpc(s, "ask", "{\"to\":\"b\",\"msg\":{\"add\":3},\"key\":\"k\"}"), "3");
    expect_result(rpc(s, "ask", "{\"to\":\"a\",\"msg\":{\"add\":1},\"key\":\"k2\"}"), "2");
    ck_assert_int_eq((int)stat_of(s, "accepted"), 3);
    server_stop(s);
}
END_TEST

START_TEST(asks_with_one_key_at_once_share_the_outcome)
{
    server *s = server_start(CHILDREN "    - {name: c, counter: {}}\n");
    enum { CLIENTS = 8 };
    static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":"
                              "\"c\",\"msg\":{\"add\":1},\"key\":\"k\"}}";
    client *clients[CLIENTS];
    uint32_t numbers[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = server_connect(s);
    for (int i = 0; i < CLIENTS; i++)
        numbers[i] = client_send(clients[i], ask, sizeof ask - 1);
    for (int i = 0; i < CLIENTS; i++) {
        size_t len;
        char *bytes = client_receive(clients[i], numbers[i], &len);
        ck_assert_str_eq(bytes, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
        free(bytes);
        client_close(clients[i]);
    }
    ck_assert_int_eq((int)stat_of(s, "accepted"), 1);
    server_stop(s);
}
END_TEST

START_TEST(key_of_a_failed_message_answers_with_the_failure)
{
    server *s = server_start(CHILDREN "    - {name: bad, " FLAKY "}\n");
    expect_error(rpc(s, "ask", "{\"to\":\"bad\",\"msg\":1,\"key\":\"k\"}"), -32006, "failed");
    server_write(s, "well", "");
    expect_error(rpc(s, "ask", "{\"to\":\"bad\",\"msg\":1,\"key\":\"k\"}"), -32006, "failed");
    ck_assert_str_eq(server_read(s, "attempts"), "1\n");
    server_stop(s);
}
END_TEST

START_TEST(key_and_record_are_forgotten_after_keep_done)
{
    server *s = server_start("version: 1\nstore: {keep_done: 30ms}\n"
                             "supervisor: {children: [{name: c, counter: {}}]}\n");
    expect_result(rpc(s, "ask", "{\"to\":\"c\",\"msg\":{\"add\":1},\"key\":\"k\"}"), "1");
    wait_until(rpc(s, "message.get", "{\"message\":\"m-1\"}").error != NULL);
    expect_error(rpc(s, "message.get", "{\"message\":\"m-1\"}"), -32001, "not_found");
    expect_result(rpc(s, "ask", "{\"to\":\"c\",\"msg\":{\"add\":1},\"key\":\"k\"}"), "2");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(many_asks_do_not_push_out_what_somebody_may_come_for)
{
    server *s = server_start(ECHO);
    must(s, "send", "{\"to\":\"echo\",\"msg\":1}");
    must(s, "ask", "{\"to\":\"echo\",\"msg\":1,\"key\":\"k\"}");
    for (int i = 0; i < 1001; i++)
        expect_result(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1}"), "1");
    expect_error(rpc(s, "message.get", "{\"message\":\"m-3\"}"), -32001, "not_found");
    expect_ok(rpc(s, "message.get", "{\"message\":\"m-1\"}"));
    expect_ok(rpc(s, "message.get", "{\"message\":\"m-2\"}"));
    expect_ok(rpc(s, "message.get", "{\"message\":\"m-4\"}"));
    expect_ok(rpc(s, "message.get", "{\"message\":\"m-1003\"}"));
    expect_balanced(s);
    server_stop(s);
}
END_TEST

/* ---- time ---- */

START_TEST(delayed_message_waits_for_its_time)
{
    server *s = server_start(ECHO);
    double began = milliseconds();
    expect_ok(rpc(s, "send", "{\"to\":\"echo\",\"msg\":1,\"delay\":\"40ms\"}"));
    expect_result(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":2}"), "2"); /* overtakes it */
    answer a = rpc(s, "message.get", "{\"message\":\"m-1\"}");
    ck_assert_str_eq(text_at(a.result, "state"), "waiting");
    ck_assert(number_at(a.result, "next_ms") <= 40);
    ck_assert_int_eq((int)stat_of(s, "waiting"), 1);
    expect_message(s, "m-1", "done");
    ck_assert(milliseconds() - began >= 39);
    server_stop(s);
}
END_TEST

START_TEST(at_is_a_point_in_time_and_the_past_is_now)
{
    server *s = server_start(ECHO);
    expect_result(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1,\"at\":\"2001-01-01T00:00:00Z\"}"),
                  "1");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time_t later = now.tv_sec + 3600;
    char at[64];
    struct tm there;
    ck_assert_ptr_nonnull(gmtime_r(&(time_t){later + 3600}, &there));
    strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S+01:00", &there);
    expect_ok(rpcf(s, "send", "{\"to\":\"echo\",\"msg\":1,\"at\":\"%s\"}", at));
    double next = number_at(rpc(s, "message.get", "{\"message\":\"m-2\"}").result, "next_ms");
    ck_assert(next > 3590e3 && next <= 3600e3);
    must(s, "message.cancel", "{\"message\":\"m-2\"}");
    server_stop(s);
}
END_TEST

START_TEST(message_expires_while_it_waits)
{
    server *s = server_start(ECHO);
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    expect_error(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1,\"ttl\":\"10ms\"}"), -32008, "expired");
    ck_assert_str_eq(message_state(s, "m-1"), "expired");
    expect_ok(rpc(s, "send", "{\"to\":\"echo\",\"msg\":1,\"ttl\":\"10ms\",\"delay\":\"1h\"}"));
    expect_message(s, "m-2", "expired");
    ck_assert_int_eq((int)stat_of(s, "expired"), 2);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(message_expires_while_it_runs_and_makes_room)
{
    server *s = server_start(CHILDREN "    - {name: sleep, sleep: {}, ttl: 20ms}\n");
    expect_error(rpc(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":60000}}"), -32008, "expired");
    expect_result(rpc(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":1},\"ttl\":\"1m\"}"),
                  "{\"slept_ms\":1}");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

/* ---- order ---- */

START_TEST(priorities_go_first_and_keep_their_order)
{
    static const char *const priorities[] = {"low", "critical", "normal", "high",
                                             "low", "critical", "normal", "high"};
    server *s = server_start(CHILDREN "    - {name: r, " RECORDER "}\n");
    must(s, "actor.pause", "{\"name\":\"r\"}");
    for (int i = 0; i < 8; i++)
        expect_ok(
            rpcf(s, "send", "{\"to\":\"r\",\"msg\":%d,\"priority\":\"%s\"}", i, priorities[i]));
    must(s, "actor.resume", "{\"name\":\"r\"}");
    expect_message(s, "m-5", "done"); /* the second of low */
    ck_assert_str_eq(server_read(s, "order"), "1\n5\n3\n7\n2\n6\n0\n4\n");
    server_stop(s);
}
END_TEST

START_TEST(priority_of_an_actor_is_the_default_of_its_messages)
{
    server *s = server_start(CHILDREN "    - {name: r, priority: low, " RECORDER "}\n");
    must(s, "actor.pause", "{\"name\":\"r\"}");
    send_message(s, "r", "0");
    expect_ok(rpc(s, "send", "{\"to\":\"r\",\"msg\":1,\"priority\":\"normal\"}"));
    must(s, "actor.resume", "{\"name\":\"r\"}");
    expect_message(s, "m-1", "done");
    ck_assert_str_eq(server_read(s, "order"), "1\n0\n");
    server_stop(s);
}
END_TEST

/* ---- full mailboxes ---- */

START_TEST(full_mailbox_refuses)
{
    server *s = server_start(CHILDREN "    - {name: echo, echo: {}, mailbox: {capacity: 2}}\n");
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    send_message(s, "echo", "1");
    expect_ok(rpc(s, "send", "{\"to\":\"echo\",\"msg\":2,\"delay\":\"1h\"}"));
    answer a = rpc(s, "send", "{\"to\":\"echo\",\"msg\":3}");
    expect_error(a, -32003, "mailbox_full");
    ck_assert(bool_at(a.error, "data.retry_safe"));
    ck_assert(number_at(a.error, "data.retry_after_ms") > 0);
    expect_in(text_at(a.error, "message"), "'echo'");
    ck_assert_int_eq((int)stat_of(s, "accepted"), 2);
    must(s, "message.cancel", "{\"message\":\"m-2\"}");
    must(s, "actor.resume", "{\"name\":\"echo\"}");
    expect_message(s, "m-1", "done");
    expect_result(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":4}"), "4");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(drop_oldest_makes_room_for_the_new_one)
{
    server *s = server_start(
        CHILDREN "    - {name: r, mailbox: {capacity: 2, on_full: drop_oldest}, " RECORDER "}\n");
    must(s, "actor.pause", "{\"name\":\"r\"}");
    expect_ok(rpc(s, "send", "{\"to\":\"r\",\"msg\":1,\"priority\":\"high\"}"));
    send_message(s, "r", "2");
    send_message(s, "r", "3");
    ck_assert_str_eq(message_state(s, "m-2"), "dropped"); /* what matters least goes first */
    send_message(s, "r", "4");
    ck_assert_str_eq(message_state(s, "m-3"), "dropped");
    ck_assert_int_eq((int)stat_of(s, "dropped"), 2);
    expect_balanced(s);
    must(s, "actor.resume", "{\"name\":\"r\"}");
    answer a = wait_message(s, "m-4");
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert_str_eq(server_read(s, "order"), "1\n4\n");
    server_stop(s);
}
END_TEST

START_TEST(drop_newest_drops_what_comes)
{
    server *s = server_start(
        CHILDREN "    - {name: echo, echo: {}, mailbox: {capacity: 1, on_full: drop_newest}}\n");
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    send_message(s, "echo", "1");
    send_message(s, "echo", "2");
    ck_assert_str_eq(message_state(s, "m-2"), "dropped");
    expect_error(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":3}"), -32003, "mailbox_full");
    expect_balanced(s);
    must(s, "actor.resume", "{\"name\":\"echo\"}");
    expect_message(s, "m-1", "done");
    server_stop(s);
}
END_TEST

START_TEST(full_store_accepts_nothing_more)
{
    server *s = server_start("version: 1\nstore: {max_size: 1MiB}\n"
                             "supervisor: {children: [{name: echo, echo: {}}]}\n");
    static char payload[200001];
    memset(payload, 'x', sizeof payload - 1);
    payload[0] = payload[sizeof payload - 2] = '"';
    must(s, "actor.pause", "{\"name\":\"echo\"}");
    answer a = {0};
    int sent = 0;
    for (; !a.error && sent < 10; sent++)
        a = rpcf(s, "send", "{\"to\":\"echo\",\"msg\":%s}", payload);
    expect_error(a, -32014, "unavailable");
    ck_assert_int_ge(sent, 3);
    must(s, "actor.purge", "{\"name\":\"echo\"}");
    expect_ok(rpcf(s, "send", "{\"to\":\"echo\",\"msg\":%s}", payload));
    expect_balanced(s);
    must(s, "actor.purge", "{\"name\":\"echo\"}");
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        send_answers_with_the_id,
        message_that_is_done_has_its_reply_by_the_byte,
        wait_answers_when_the_message_ends,
        wait_that_times_out_says_what_the_message_is,
        message_that_never_was_is_not_found,
        waiting_message_is_cancelled,
        running_message_is_cancelled_and_makes_room,
        finished_message_is_not_cancelled,
        key_is_accepted_once_per_actor,
        asks_with_one_key_at_once_share_the_outcome,
        key_of_a_failed_message_answers_with_the_failure,
        key_and_record_are_forgotten_after_keep_done,
        many_asks_do_not_push_out_what_somebody_may_come_for,
        delayed_message_waits_for_its_time,
        at_is_a_point_in_time_and_the_past_is_now,
        message_expires_while_it_waits,
        message_expires_while_it_runs_and_makes_room,
        priorities_go_first_and_keep_their_order,
        priority_of_an_actor_is_the_default_of_its_messages,
        full_mailbox_refuses,
        drop_oldest_makes_room_for_the_new_one,
        drop_newest_drops_what_comes,
        full_store_accepts_nothing_more,
        NULL,
    };
    return suite_run("delivery", tests, NULL, NULL);
}
