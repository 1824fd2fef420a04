/* actorctl against a daemon that answers as told: what it asks, prints and exits with. */
#include "tests/e2e/harness_ctl.h"
#include "tests/e2e/harness_fake.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTHING_THERE "ipc:///tmp/actorctl-test.nothing/sock"

static ctl_run run(const char *line)
{
    return ctl(fake_url(), NULL, line);
}

static ctl_run run_with(const char *input, const char *line)
{
    return ctl(fake_url(), input, line);
}

/* --- errors --- */

static const struct {
    int code;
    const char *name;
    int status;
} error_rows[] = {
    {-32001, "not_found", 4},
    {-32002, "already_exists", 5},
    {-32003, "mailbox_full", 5},
    {-32004, "breaker_open", 5},
    {-32005, "timeout", 6},
    {-32006, "failed", 1},
    {-32007, "rejected", 1},
    {-32008, "cancelled", 1},
    {-32008, "expired", 1},
    {-32009, "draining", 5},
    {-32010, "denied", 9},
    {-32011, "too_large", 5},
    {-32011, "busy", 5},
    {-32012, "invalid_state", 5},
    {-32013, "stopped", 5},
    {-32014, "unavailable", 5},
    {-32602, "invalid_params", 2},
    {-32603, "internal_error", 1},
    {-32601, "method_not_found", 1},
};

START_TEST(each_error_has_its_exit_status)
{
    fake_fails("ask", error_rows[_i].code, error_rows[_i].name, "it went wrong", "");
    ctl_run r = run("ask w {}");
    expect_status(r, error_rows[_i].status);
    ck_assert_str_eq(r.out, "");
    expect_in(r.err, "actorctl: it went wrong\n");
}
END_TEST

START_TEST(error_names_the_next_command_unless_the_daemon_did)
{
    fake_fails("ask", -32004, "breaker_open", "breaker 'b' is open", "");
    fake_fails("ask", -32004, "breaker_open", "open; see actorctl breaker ls b", "");
    expect_in(run("ask w {}").err, "next: actorctl breaker ls\n");
    expect_not_in(run("ask w {}").err, "next:");
}
END_TEST

START_TEST(json_error_is_the_daemons_object_on_stderr)
{
    fake_fails("ask", -32003, "mailbox_full", "full", ",\"retry_after_ms\":12");
    ctl_run r = run("--json ask w {}");
    expect_status(r, 5);
    ck_assert_str_eq(r.out, "");
    ck_assert_str_eq(r.err, "{\"code\":-32003,\"message\":\"full\",\"data\":{\"code\":"
                            "\"mailbox_full\",\"retry_safe\":false,\"retry_after_ms\":12}}\n");
}
END_TEST

START_TEST(local_json_error_has_the_same_shape)
{
    ctl_run r = ctl(NOTHING_THERE, NULL, "ls --json");
    expect_status(r, 7);
    expect_in(r.err, "{\"message\":\"cannot connect");
    expect_in(r.err, "\"data\":{\"code\":\"no_connect\"}}\n");
}
END_TEST

/* --- messages --- */

START_TEST(payload_and_reply_pass_byte_for_byte)
{
    fake_answers("ask", "{\"n\":123456789012345678901234567890, \"a\":1.50,\"a\":2}");
    ctl_run r =
        run("ask echo '{\"n\":123456789012345678901234567890,  \"a\":1e400,\"a\":\"\\u00e9\"}'");
    expect_status(r, 0);
    expect_in(fake_request(0),
              "\"msg\":{\"n\":123456789012345678901234567890,  \"a\":1e400,\"a\":\"\\u00e9\"}");
    ck_assert_str_eq(r.out, "{\"n\":123456789012345678901234567890, \"a\":1.50,\"a\":2}\n");
}
END_TEST

START_TEST(ask_tells_the_daemon_its_timeout)
{
    fake_answers("ask", "null");
    expect_status(run("ask w {} --timeout 2s"), 0);
    expect_in(fake_request(0), "\"timeout\":\"2s\"");
    expect_status(run("ask w {}"), 0);
    expect_in(fake_request(1), "\"timeout\":\"30s\"");
}
END_TEST

START_TEST(send_prints_the_id_and_passes_its_options)
{
    fake_answers("send", "{\"message\":\"m-7\",\"duplicate\":false}");
    ctl_run r = run("send w [1] --delay 1m --ttl=5m --priority high --key k1 --at "
                    "2026-01-01T00:00:00Z");
    expect_status(r, 0);
    ck_assert_str_eq(r.out, "m-7\n");
    ck_assert_str_eq(r.err, "");
    expect_params(0,
                  "{\"to\":\"w\",\"key\":\"k1\",\"delay\":\"1m\",\"at\":\"2026-01-01T00:00:00Z\","
                  "\"ttl\":\"5m\",\"priority\":\"high\",\"msg\":[1]}");
}
END_TEST

START_TEST(send_in_json_prints_the_result)
{
    fake_answers("send", "{\"message\":\"m-7\",\"duplicate\":true}");
    ck_assert_str_eq(run("send w {} --json").out, "{\"message\":\"m-7\",\"duplicate\":true}\n");
}
END_TEST

START_TEST(payload_comes_from_stdin_with_a_dash_or_without_an_argument)
{
    fake_answers("send", "{\"message\":\"m-1\",\"duplicate\":false}");
    expect_status(run_with(" {\"a\":1}\n", "send w -"), 0);
    expect_status(run_with("\"x\"\n", "send w"), 0);
    expect_in(fake_request(0), "\"msg\":{\"a\":1}}");
    expect_in(fake_request(1), "\"msg\":\"x\"}");
}
END_TEST

START_TEST(negative_number_is_a_payload)
{
    fake_answers("send", "{\"message\":\"m-1\",\"duplicate\":false}");
    expect_status(run("send w -5"), 0);
    expect_in(fake_request(0), "\"msg\":-5}");
}
END_TEST

START_TEST(invalid_json_is_refused_with_its_place_before_anything_is_sent)
{
    ctl_run r = run_with("{\n  \"a\": tru\n}", "send w -");
    expect_status(r, 2);
    expect_in(r.err, "line 2, column 8");
    ck_assert_uint_eq(fake_request_count(), 0);
}
END_TEST

START_TEST(jsonl_sends_each_line_in_order_and_names_the_one_that_failed)
{
    fake_answers("send", "{\"message\":\"m-1\",\"duplicate\":false}");
    fake_fails("send", -32003, "mailbox_full", "full", "");
    fake_answers("send", "{\"message\":\"m-3\",\"duplicate\":false}");
    ctl_run r = run_with("1\n\n2\nnot json\n3\n", "send w --jsonl");
    expect_status(r, 5);
    ck_assert_str_eq(r.out, "m-1\nm-3\n");
    expect_in(r.err, "in line 3");
    expect_in(r.err, "line 4, column 1");
    expect_in(r.err, "2 accepted, 2 failed");
    ck_assert_uint_eq(fake_request_count(), 3);
    expect_in(fake_request(2), "\"msg\":3}");
}
END_TEST

START_TEST(result_shows_a_message_and_the_replys_bytes)
{
    fake_answers(
        "message.get",
        "{\"message\":\"m-1\",\"to\":\"w\",\"state\":\"done\",\"attempts\":2,"
        "\"accepted_at\":\"2026-01-01T00:00:00.000Z\",\"reply\":{\"x\":10000000000000000001}}");
    ctl_run r = run("result m-1");
    expect_status(r, 0);
    expect_params(0, "{\"message\":\"m-1\"}");
    expect_in(r.out, "state     done\n");
    expect_in(r.out, "attempts  2\n");
    expect_in(r.out, "reply     {\"x\":10000000000000000001}\n");
}
END_TEST

START_TEST(wait_exits_3_unless_the_message_is_done)
{
    fake_answers("message.wait",
                 "{\"message\":\"m-1\",\"to\":\"w\",\"state\":\"done\",\"attempts\":1}");
    fake_answers("message.wait",
                 "{\"message\":\"m-1\",\"to\":\"w\",\"state\":\"dead\",\"attempts\":1,"
                 "\"error\":{\"code\":-32006,\"message\":\"exit 1\"}}");
    expect_status(run("wait m-1"), 0);
    ctl_run r = run("wait m-1 --timeout 5s");
    expect_params(0, "{\"message\":\"m-1\"}");
    expect_params(1, "{\"message\":\"m-1\",\"timeout\":\"5s\"}");
    expect_status(r, 3);
    expect_in(r.out, "error     exit 1\n");
}
END_TEST

START_TEST(cancel_shows_what_became_of_the_message)
{
    fake_answers("message.cancel",
                 "{\"message\":\"m-1\",\"to\":\"w\",\"state\":\"cancelled\",\"attempts\":0}");
    expect_in(run("cancel m-1").out, "cancelled");
}
END_TEST

/* --- actors --- */

START_TEST(spawn_makes_a_worker_with_its_settings)
{
    fake_answers("actor.spawn", "{\"name\":\"w\",\"path\":\"/root/a/w\"}");
    ctl_run r = run("spawn w --under a --restart transient --instances 4 --set mailbox.capacity=10 "
                    "--set mailbox.durable=true --set timeout=5s -- python3 -u w.py");
    expect_status(r, 0);
    ck_assert_str_eq(r.out, "/root/a/w\n");
    expect_params(0, "{\"name\":\"w\",\"under\":\"a\",\"restart\":\"transient\",\"instances\":4,"
                     "\"worker\":[\"python3\",\"-u\",\"w.py\"],\"mailbox\":{\"capacity\":10,"
                     "\"durable\":true},\"timeout\":\"5s\"}");
}
END_TEST

START_TEST(spawn_with_exec_makes_an_exec_actor)
{
    fake_answers("actor.spawn", "{\"name\":\"w\",\"path\":\"/root/w\"}");
    expect_status(run("spawn w --exec -- true"), 0);
    expect_params(0, "{\"name\":\"w\",\"exec\":[\"true\"]}");
}
END_TEST

START_TEST(spawn_prints_every_mistake_in_its_settings)
{
    fake_fails("actor.spawn", -32602, "invalid_params", "unknown key 'x'",
               ",\"errors\":[{\"message\":\"unknown key 'x'\",\"suggestion\":null},"
               "{\"message\":\"unknown key 'y'\",\"suggestion\":\"did you mean 'z'?\"}]");
    ctl_run r = run("spawn w --set x=1 --set y=2 -- true");
    expect_status(r, 2);
    expect_in(r.err, "  unknown key 'x'\n  unknown key 'y'; did you mean 'z'?\n");
}
END_TEST

START_TEST(spawn_without_a_command_is_a_usage_error)
{
    ctl_run r = run("spawn w");
    expect_status(r, 2);
    expect_in(r.err, "actorctl help spawn");
    ck_assert_uint_eq(fake_request_count(), 0);
}
END_TEST

static const struct {
    const char *line;
    const char *method;
} act_rows[] = {
    {"stop w --yes", "actor.stop"},       {"restart w", "actor.restart"},
    {"kill w --yes", "actor.kill"},       {"delete w -y", "actor.delete"},
    {"pause w", "actor.pause"},           {"resume w", "actor.resume"},
    {"purge w --yes", "actor.purge"},     {"breaker open w --yes", "breaker.open"},
    {"breaker close w", "breaker.close"}, {"breaker reset w", "breaker.reset"},
};

START_TEST(verbs_on_a_name_call_their_method_and_talk_on_stderr)
{
    fake_answers(act_rows[_i].method, "{\"name\":\"w\"}");
    ctl_run r = run(act_rows[_i].line);
    expect_status(r, 0);
    expect_in(fake_request(0), act_rows[_i].method);
    expect_params(0, "{\"name\":\"w\"}");
    ck_assert_str_eq(r.out, "");
    expect_in(r.err, "w\n");
}
END_TEST

static const char *const careful_rows[] = {"stop w",  "kill w",         "delete w",
                                           "purge w", "breaker open w", "deadletters drop"};

START_TEST(destructive_verbs_need_yes_where_nobody_can_be_asked)
{
    ctl_run r = run(careful_rows[_i]);
    expect_status(r, 2);
    expect_in(r.err, "--yes");
    ck_assert_uint_eq(fake_request_count(), 0);
}
END_TEST

START_TEST(terminal_is_asked_and_no_is_taken_for_no)
{
    fake_answers("actor.stop", "{\"name\":\"w\"}");
    ctl_run r = ctl_on_terminal(fake_url(), 80, "n\n", "stop w");
    expect_status(r, 1);
    expect_in(r.out, "[y/N]");
    ck_assert_uint_eq(fake_request_count(), 0);
    r = ctl_on_terminal(fake_url(), 80, "y\n", "stop w");
    expect_status(r, 0);
    ck_assert_uint_eq(fake_request_count(), 1);
}
END_TEST

START_TEST(dry_run_looks_and_changes_nothing)
{
    fake_answers("actor.info", "{\"name\":\"w\",\"kind\":\"worker\",\"state\":\"running\","
                               "\"mailbox\":{\"waiting\":3}}");
    ctl_run r = run("stop w --dry-run");
    expect_status(r, 0);
    ck_assert_str_eq(r.out, "would stop w (worker, running, 3 waiting)\n");
    ck_assert_uint_eq(fake_request_count(), 1);
    expect_in(fake_request(0), "actor.info");
}
END_TEST

START_TEST(dry_run_of_something_missing_is_4)
{
    fake_fails("actor.info", -32001, "not_found", "no actor 'x'; did you mean 'w'?", "");
    ctl_run r = run("stop x --dry-run");
    expect_status(r, 4);
    expect_in(r.err, "did you mean 'w'?");
}
END_TEST

/* --- usage --- */

static const struct {
    const char *line;
    const char *said;
} usage_rows[] = {
    {"", "A verb is missing"},
    {"sned w {}", "did you mean 'send'?"},
    {"breaker opn b", "did you mean 'breaker open'?"},
    {"breaker", "what shall be done with breaker?"},
    {"ls --jsno", "did you mean --json?"},
    {"ls --delay 5s", "'ls' takes no --delay"},
    {"ls --json=yes", "takes no value"},
    {"ls --timeout", "needs a value"},
    {"ls --timeout 5", "--timeout '5' needs a unit"},
    {"ls --timeout 0s", "--timeout '0s' is out of range"},
    {"ls --watch=soon", "--watch 'soon' is not a duration"},
    {"stop", "something is missing"},
    {"stop a b", "'b' is too much"},
    {"group x", "not supported yet"},
    {"config show", "not supported yet"},
    {"help nothing", "no verb 'nothing'"},
};

START_TEST(wrong_usage_is_2_and_says_what_is_right)
{
    ctl_run r = run(usage_rows[_i].line);
    expect_status(r, 2);
    ck_assert_str_eq(r.out, "");
    expect_in(r.err, usage_rows[_i].said);
    ck_assert_uint_eq(fake_request_count(), 0);
}
END_TEST

START_TEST(help_and_completion_need_no_daemon)
{
    expect_in(ctl(NOTHING_THERE, NULL, "help").out, "deadletters replay");
    expect_in(ctl(NOTHING_THERE, NULL, "spawn --help").out, "--instances N");
    expect_in(ctl(NOTHING_THERE, NULL, "version").out, "actorctl ");
    expect_in(ctl(NOTHING_THERE, NULL, "--version").out, "actorctl ");
    expect_in(ctl(NOTHING_THERE, NULL, "completion bash").out, "complete -F _actorctl actorctl\n");
    expect_in(ctl(NOTHING_THERE, NULL, "completion fish").out, "complete -c actorctl");
    expect_status(ctl(NOTHING_THERE, NULL, "completion tcsh"), 2);
}
END_TEST

static const struct {
    const char *shell;
    const char *file;
} completion_rows[] = {
    {"bash", "actorctl/completions/actorctl.bash"},
    {"zsh", "actorctl/completions/_actorctl"},
    {"fish", "actorctl/completions/actorctl.fish"},
};

START_TEST(completion_files_are_what_actorctl_prints)
{
    char line[64];
    snprintf(line, sizeof line, "completion %s", completion_rows[_i].shell);
    ctl_run r = ctl(NOTHING_THERE, NULL, line);
    FILE *f = fopen(completion_rows[_i].file, "r");
    ck_assert_msg(f != NULL, "run from the root of the tree");
    char *shipped = NULL;
    size_t room = 0;
    ck_assert_int_gt(getdelim(&shipped, &room, '\0', f), 0);
    fclose(f);
    ck_assert_msg(strcmp(shipped, r.out) == 0, "print it again: actorctl %s >%s", line,
                  completion_rows[_i].file);
    free(shipped);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("actorctl_fake");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, fake_start, fake_stop);

    tcase_add_loop_test(t, each_error_has_its_exit_status, 0,
                        sizeof error_rows / sizeof *error_rows);
    tcase_add_test(t, error_names_the_next_command_unless_the_daemon_did);
    tcase_add_test(t, json_error_is_the_daemons_object_on_stderr);
    tcase_add_test(t, local_json_error_has_the_same_shape);

    tcase_add_test(t, payload_and_reply_pass_byte_for_byte);
    tcase_add_test(t, ask_tells_the_daemon_its_timeout);
    tcase_add_test(t, send_prints_the_id_and_passes_its_options);
    tcase_add_test(t, send_in_json_prints_the_result);
    tcase_add_test(t, payload_comes_from_stdin_with_a_dash_or_without_an_argument);
    tcase_add_test(t, negative_number_is_a_payload);
    tcase_add_test(t, invalid_json_is_refused_with_its_place_before_anything_is_sent);
    tcase_add_test(t, jsonl_sends_each_line_in_order_and_names_the_one_that_failed);
    tcase_add_test(t, result_shows_a_message_and_the_replys_bytes);
    tcase_add_test(t, wait_exits_3_unless_the_message_is_done);
    tcase_add_test(t, cancel_shows_what_became_of_the_message);

    tcase_add_test(t, spawn_makes_a_worker_with_its_settings);
    tcase_add_test(t, spawn_with_exec_makes_an_exec_actor);
    tcase_add_test(t, spawn_prints_every_mistake_in_its_settings);
    tcase_add_test(t, spawn_without_a_command_is_a_usage_error);
    tcase_add_loop_test(t, verbs_on_a_name_call_their_method_and_talk_on_stderr, 0,
                        sizeof act_rows / sizeof *act_rows);
    tcase_add_loop_test(t, destructive_verbs_need_yes_where_nobody_can_be_asked, 0,
                        sizeof careful_rows / sizeof *careful_rows);
    tcase_add_test(t, terminal_is_asked_and_no_is_taken_for_no);
    tcase_add_test(t, dry_run_looks_and_changes_nothing);
    tcase_add_test(t, dry_run_of_something_missing_is_4);

    tcase_add_loop_test(t, wrong_usage_is_2_and_says_what_is_right, 0,
                        sizeof usage_rows / sizeof *usage_rows);
    tcase_add_test(t, help_and_completion_need_no_daemon);
    tcase_add_loop_test(t, completion_files_are_what_actorctl_prints, 0,
                        sizeof completion_rows / sizeof *completion_rows);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
