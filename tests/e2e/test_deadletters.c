/* Dead letters: what is kept, found, replayed and dropped. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <signal.h>
#include <stdio.h>

/* Fails until the file `well` is there, with something on stderr. */
#define FLAKY                                                                                      \
    "exec: [sh, -c, 'cat >/dev/null; echo broken pipe dream >&2; test -e ${DIR}/well && echo 1']"

static const char two[] = CHILDREN "    - {name: f, retry: {max_retries: 1, backoff: fixed, "
                                   "initial: 1ms}, " FLAKY "}\n"
                                   "    - {name: c, counter: {}}\n";

static server *s;

static answer list(const char *params)
{
    answer a = rpc(s, "deadletter.list", params);
    expect_ok(a);
    return a;
}

static int count(const char *params)
{
    return count_at(list(params).result, "items");
}

/* A message that fails; its end is waited for. */
static void send_bad(const char *to, const char *msg)
{
    ck_assert_str_eq(text_at(wait_message(s, send_message(s, to, msg)).result, "state"), "dead");
}

START_TEST(failed_message_is_listed_with_its_members)
{
    s = server_start(two);
    ck_assert_str_eq(list(NULL).bytes,
                     "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"items\":[],\"next\":null}}");
    send_bad("f", "{\"a\" : 1}");
    answer a = list(NULL);
    static const char head[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"items\":[{\"id\":\"d-1\",\"message\":\"m-1\","
        "\"actor\":\"f\",\"reason\":\"failed\",\"attempts\":2,\"error\":\"exit status "
        "1\",\"at\":\"";
    ck_assert_mem_eq(a.bytes, head, sizeof head - 1);
    ck_assert_int_eq((int)number_at(a.result, "items[0].bytes"), (int)strlen("{\"a\" : 1}"));
    ck_assert(cJSON_IsNull(json_at(a.result, "next")));
    ck_assert_int_eq((int)stat_of(s, "dead"), 1);
    ck_assert_int_eq((int)stat_of(s, "dead_letters"), 1);
    server_stop(s);
}
END_TEST

START_TEST(dead_letter_is_shown_with_payload_attempts_and_stderr)
{
    s = server_start(two);
    send_bad("f", "{\"a\" : 1.0, \"a\":2}");
    answer a = rpc(s, "deadletter.show", "{\"id\":\"d-1\"}");
    expect_ok(a);
    expect_in(a.bytes, "\"msg\":{\"a\" : 1.0, \"a\":2}");
    ck_assert_int_eq(count_at(a.result, "failures"), 2);
    ck_assert_int_eq((int)number_at(a.result, "failures[1].attempt"), 2);
    ck_assert_str_eq(text_at(a.result, "failures[1].error"), "exit status 1");
    ck_assert_uint_eq(strlen(text_at(a.result, "failures[1].at")), 24);
    ck_assert_str_eq(text_at(a.result, "stderr"), "broken pipe dream\n");
    server_stop(s);
}
END_TEST

START_TEST(unknown_dead_letter_is_not_found)
{
    s = server_start(two);
    static const char *const ids[] = {"d-1", "d-", "d-1x", "m-1", "d-99999999999999999999999"};
    static const char *const methods[] = {"deadletter.show", "deadletter.replay",
                                          "deadletter.drop"};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 3; k++)
            expect_error(rpcf(s, methods[k], "{\"id\":\"%s\"}", ids[i]), -32001, "not_found");
    expect_error(rpc(s, "deadletter.show", "{}"), -32602, "invalid_params");
    server_stop(s);
}
END_TEST

START_TEST(list_is_filtered)
{
    s = server_start(two);
    send_bad("f", "1");
    send_bad("c", "[]");
    send_bad("c", "[]");
    ck_assert_int_eq(count(NULL), 3);
    ck_assert_int_eq(count("{\"actor\":\"c\"}"), 2);
    ck_assert_int_eq(count("{\"reason\":\"rejected\"}"), 2);
    ck_assert_int_eq(count("{\"reason\":\"failed\"}"), 1);
    ck_assert_int_eq(count("{\"reason\":\"failed\",\"actor\":\"c\"}"), 0);
    ck_assert_int_eq(count("{\"id\":\"d-2\"}"), 1);
    ck_assert_int_eq(count("{\"since\":\"1h\"}"), 3);
    ck_assert_int_eq(count("{\"since\":\"2001-01-01T00:00:00Z\"}"), 3);
    ck_assert_int_eq(count("{\"since\":\"2101-01-01T00:00:00Z\"}"), 0);
    ck_assert_int_eq(count("{\"actor\":\"nobody\"}"), 0);
    expect_error(rpc(s, "deadletter.list", "{\"since\":\"yesterday\"}"), -32602, "invalid_params");
    expect_error(rpc(s, "deadletter.list", "{\"acter\":\"c\"}"), -32602, "invalid_params");
    server_stop(s);
}
END_TEST

START_TEST(list_goes_by_pages)
{
    s = server_start(two);
    for (int i = 0; i < 5; i++)
        send_bad("c", "[]");
    answer a = list("{\"limit\":2}");
    ck_assert_int_eq(count_at(a.result, "items"), 2);
    int seen = 2;
    while (!cJSON_IsNull(json_at(a.result, "next"))) {
        a = rpcf(s, "deadletter.list", "{\"limit\":2,\"after\":\"%s\"}", text_at(a.result, "next"));
        seen += count_at(a.result, "items");
    }
    ck_assert_int_eq(seen, 5);
    expect_error(rpc(s, "deadletter.list", "{\"after\":\"x\"}"), -32602, "invalid_params");
    server_stop(s);
}
END_TEST

START_TEST(replay_is_a_new_message_with_a_new_count)
{
    s = server_start(two);
    send_bad("f", "1");
    server_write(s, "well", "");
    answer a = rpc(s, "deadletter.replay", "{\"id\":\"d-1\"}");
    ck_assert_int_eq((int)number_at(a.result, "replayed"), 1);
    const char *fresh = text_at(a.result, "items[0].replayed_as");
    ck_assert_str_ne(fresh, "m-1");
    answer m = wait_message(s, fresh);
    ck_assert_str_eq(text_at(m.result, "state"), "done");
    ck_assert_int_eq((int)number_at(m.result, "attempts"), 1);
    ck_assert_int_eq(count(NULL), 0);
    ck_assert_str_eq(message_state(s, "m-1"), "dead");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(replay_that_fails_is_a_dead_letter_again)
{
    s = server_start(two);
    send_bad("f", "1");
    for (int i = 2; i < 5; i++) {
        answer a = rpc(s, "deadletter.replay", "{}");
        ck_assert_int_eq((int)number_at(a.result, "replayed"), 1);
        answer m = wait_message(s, text_at(a.result, "items[0].replayed_as"));
        ck_assert_str_eq(text_at(m.result, "state"), "dead");
        ck_assert_int_eq((int)number_at(m.result, "attempts"), 2);
        answer l = list(NULL);
        ck_assert_int_eq(count_at(l.result, "items"), 1);
        char id[16];
        snprintf(id, sizeof id, "d-%d", i);
        ck_assert_str_eq(text_at(l.result, "items[0].id"), id);
    }
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(dry_run_changes_nothing)
{
    s = server_start(two);
    send_bad("c", "[]");
    send_bad("f", "1");
    answer a = rpc(s, "deadletter.replay", "{\"dry_run\":true}");
    ck_assert_int_eq(count_at(a.result, "items"), 2);
    ck_assert(bool_at(a.result, "dry_run"));
    a = rpc(s, "deadletter.drop", "{\"dry_run\":true,\"actor\":\"f\"}");
    ck_assert_int_eq(count_at(a.result, "items"), 1);
    ck_assert_int_eq(count(NULL), 2);
    ck_assert_int_eq((int)stat_of(s, "accepted"), 2);
    server_stop(s);
}
END_TEST

START_TEST(replay_and_drop_take_what_the_filter_finds)
{
    s = server_start(two);
    send_bad("c", "[]");
    send_bad("f", "1");
    send_bad("c", "{\"add\":true}");
    server_write(s, "well", "");
    answer a = rpc(s, "deadletter.drop", "{\"actor\":\"c\",\"limit\":1}");
    ck_assert_int_eq((int)number_at(a.result, "dropped"), 1);
    ck_assert_str_eq(text_at(a.result, "items[0].id"), "d-1");
    a = rpc(s, "deadletter.replay", "{\"actor\":\"f\"}");
    ck_assert_int_eq((int)number_at(a.result, "replayed"), 1);
    ck_assert_int_eq(count(NULL), 1);
    a = rpc(s, "deadletter.drop", "{}");
    ck_assert_int_eq((int)number_at(a.result, "dropped"), 1);
    ck_assert_int_eq(count(NULL), 0);
    a = rpc(s, "deadletter.drop", "{}"); /* nothing is no failure */
    ck_assert_int_eq((int)number_at(a.result, "dropped"), 0);
    server_stop(s);
}
END_TEST

START_TEST(stopped_actor_leaves_its_messages_to_be_replayed)
{
    s = server_start(two);
    expect_ok(rpc(s, "actor.pause", "{\"name\":\"c\"}"));
    send_message(s, "c", "{\"add\":1}");
    send_message(s, "c", "{\"add\":2}");
    expect_ok(rpc(s, "send", "{\"to\":\"c\",\"msg\":{\"add\":4},\"delay\":\"1h\"}"));
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"c\"}"));
    ck_assert_int_eq(count("{\"reason\":\"stopped\"}"), 3);
    expect_error(rpc(s, "deadletter.replay", "{}"), -32013, "stopped");
    ck_assert_int_eq(count(NULL), 3); /* they are still there */
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"c\"}"));
    answer a = rpc(s, "deadletter.replay", "{}");
    ck_assert_int_eq((int)number_at(a.result, "replayed"), 3);
    expect_ok(rpc(s, "actor.resume", "{\"name\":\"c\"}"));
    expect_result(rpc(s, "ask", "{\"to\":\"c\",\"msg\":{\"add\":0}}"), "7");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(replay_goes_to_the_actor_that_has_the_name_now)
{
    s = server_start(two);
    send_bad("c", "[1]");
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"c\"}"));
    expect_ok(rpc(s, "actor.delete", "{\"name\":\"c\"}"));
    expect_error(rpc(s, "deadletter.replay", "{}"), -32001, "not_found");
    ck_assert_int_eq(count(NULL), 1);
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"c\",\"echo\":{}}"));
    answer a = rpc(s, "deadletter.replay", "{}");
    answer m = wait_message(s, text_at(a.result, "items[0].replayed_as"));
    ck_assert_str_eq(text_at(m.result, "state"), "done");
    server_stop(s);
}
END_TEST

START_TEST(replay_that_is_refused_does_not_keep_back_the_others)
{
    s = server_start(two);
    send_bad("f", "1");
    send_bad("c", "[]");
    send_bad("f", "2");
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"f\"}"));
    answer a = rpc(s, "deadletter.replay", "{}");
    ck_assert_int_eq((int)number_at(a.result, "replayed"), 1);
    ck_assert_int_eq((int)number_at(a.result, "refused"), 2);
    expect_in(text_at(a.result, "refusal"), "'f' is stopped");
    wait_until(stat_of(s, "dead") == 4);
    a = list(NULL);
    ck_assert_str_eq(text_at(a.result, "items[0].id"), "d-1");
    ck_assert_str_eq(text_at(a.result, "items[1].id"), "d-3");
    ck_assert_str_eq(text_at(a.result, "items[2].id"), "d-4");
    server_stop(s);
}
END_TEST

START_TEST(failed_ask_is_a_dead_letter_too)
{
    s = server_start(two);
    expect_error(rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}"), -32006, "failed");
    ck_assert_int_eq(count("{\"reason\":\"failed\"}"), 1);
    server_stop(s);
}
END_TEST

START_TEST(on_failure_drop_leaves_no_dead_letter)
{
    s = server_start(CHILDREN "    - {name: f, on_failure: drop, exec: ['false']}\n");
    expect_error(rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}"), -32006, "failed");
    ck_assert_str_eq(message_state(s, "m-1"), "dropped");
    ck_assert_int_eq(count(NULL), 0);
    ck_assert_int_eq((int)stat_of(s, "dropped"), 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(on_failure_crash_restarts_the_actor_and_keeps_the_letter)
{
    s = server_start("version: 1\nsupervisor:\n  backoff: none\n  children:\n"
                     "    - {name: f, on_failure: crash, exec: ['false']}\n");
    expect_error(rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}"), -32006, "failed");
    wait_until(number_at(rpc(s, "actor.info", "{\"name\":\"f\"}").result, "restarts") == 1);
    wait_until(strcmp(actor_state(s, "f"), "running") == 0);
    ck_assert_int_eq(count("{\"reason\":\"failed\"}"), 1);
    ck_assert_int_eq((int)stat_of(s, "restarts"), 1);
    ck_assert_int_eq((int)number_at(rpc(s, "tree", NULL).result, "restarts_used"), 1);
    answer info = rpc(s, "actor.info", "{\"name\":\"f\"}");
    ck_assert_uint_gt(strlen(text_at(info.result, "last_exit")), 0);
    server_stop(s);
}
END_TEST

START_TEST(on_failure_crash_spares_the_actor_of_a_rejected_message)
{
    s = server_start(CHILDREN "    - {name: f, on_failure: crash, exec: [sh, -c, 'exit 65']}\n");
    expect_error(rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}"), -32007, "rejected");
    expect_error(rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}"), -32007, "rejected");
    ck_assert_int_eq((int)stat_of(s, "restarts"), 0);
    server_stop(s);
}
END_TEST

START_TEST(oldest_go_first_when_their_share_is_full)
{
    s = server_start("version: 1\nstore: {max_size: 1MiB}\n"
                     "supervisor: {children: [{name: c, counter: {}}]}\n");
    static char payload[60001];
    memset(payload, 'x', sizeof payload - 1);
    payload[0] = payload[sizeof payload - 2] = '"';
    for (int i = 0; i < 8; i++) {
        answer a = rpcf(s, "ask", "{\"to\":\"c\",\"msg\":%s}", payload);
        expect_error(a, -32007, "rejected");
    }
    answer a = list(NULL);
    int kept = count_at(a.result, "items");
    ck_assert(0 < kept && kept < 8);
    ck_assert_int_eq((int)stat_of(s, "dead_letters_lost"), 8 - kept);
    char path[32];
    snprintf(path, sizeof path, "items[%d].id", kept - 1);
    ck_assert_str_eq(text_at(a.result, path), "d-8");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(SUP_151_a_flood_of_them_is_counted_but_not_all_logged)
{
    s = server_start(CHILDREN "    - {name: f, exec: ['false']}\n");
    for (int i = 0; i < 12; i++)
        send_bad("f", "1");
    ck_assert_int_eq(count(NULL), 12);
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    ck_assert_ptr_nonnull(strstr(server_stderr(s), "dead letter d-10 "));
    ck_assert_ptr_null(strstr(server_stderr(s), "dead letter d-11 "));
    server_free(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        failed_message_is_listed_with_its_members,
        dead_letter_is_shown_with_payload_attempts_and_stderr,
        unknown_dead_letter_is_not_found,
        list_is_filtered,
        list_goes_by_pages,
        replay_is_a_new_message_with_a_new_count,
        replay_that_fails_is_a_dead_letter_again,
        dry_run_changes_nothing,
        replay_and_drop_take_what_the_filter_finds,
        stopped_actor_leaves_its_messages_to_be_replayed,
        replay_goes_to_the_actor_that_has_the_name_now,
        replay_that_is_refused_does_not_keep_back_the_others,
        failed_ask_is_a_dead_letter_too,
        on_failure_drop_leaves_no_dead_letter,
        on_failure_crash_restarts_the_actor_and_keeps_the_letter,
        on_failure_crash_spares_the_actor_of_a_rejected_message,
        oldest_go_first_when_their_share_is_full,
        SUP_151_a_flood_of_them_is_counted_but_not_all_logged,
        NULL,
    };
    return suite_run("deadletters", tests, NULL, NULL);
}
