/* The configuration: what is wrong with it, and its reload. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <signal.h>
#include <unistd.h>

#define ECHO CHILDREN "    - {name: echo, echo: {}}\n"

static server *s;

static int occurrences(const char *text, const char *part)
{
    int n = 0;
    for (; text && (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

/* A daemon that must end with `status` before it is ready; what it said. */
static const char *refused(const char *yaml, int status)
{
    s = server_refused(&(server_options){.yaml = yaml}, status);
    return server_stderr(s);
}

static void incarnation_is(const char *name, int n)
{
    answer a = rpcf(s, "actor.info", "{\"name\":\"%s\"}", name);
    expect_ok(a);
    ck_assert_int_eq((int)number_at(a.result, "incarnation"), n);
}

static answer reload(const char *yaml)
{
    server_configure(s, yaml);
    return rpc(s, "config.reload", NULL);
}

/* A worker that writes its name into the file `bye` at its end. */
#define SAYS_BYE(name)                                                                             \
    "    - {name: " name ", start: ready, worker: [sh, -c, 'trap \"\" TERM; "                      \
    "echo \"{\\\"ready\\\":true}\"; cat >/dev/null; echo " name " >>${DIR}/bye']}\n"

/* ---- the file ---- */

static const char five_mistakes[] = "version: 1\n"
                                    "log: {levle: info}\n"
                                    "retries:\n"
                                    "  patient: {max_retries: 3, backof: fixed}\n"
                                    "supervisor:\n"
                                    "  strategy: one_for_al\n"
                                    "  children:\n"
                                    "    - {name: a, ehco: {}}\n"
                                    "    - {name: b, echo: {}, retry: patent}\n";

static void expect_five(const char *said)
{
    static const struct {
        const char *place, *suggestion;
    } rows[] = {
        {"actord.yaml:2:7: error: ", "did you mean 'level'?"},
        {"actord.yaml:4:29: error: ", "did you mean 'backoff'?"},
        {"actord.yaml:6:13: error: ", "did you mean 'one_for_all'?"},
        {"actord.yaml:8:17: error: ", "did you mean 'echo'?"},
        {"actord.yaml:9:34: error: ", "did you mean 'patient'?"},
    };
    for (size_t i = 0; i < 5; i++) {
        const char *line = strstr(said, rows[i].place);
        ck_assert_msg(line != NULL, "no '%s' in: %s", rows[i].place, said);
        const char *suggestion = strstr(line, rows[i].suggestion);
        ck_assert_msg(suggestion && suggestion < strchr(line, '\n'), "no '%s' in: %s",
                      rows[i].suggestion, line);
    }
    ck_assert_int_eq(occurrences(said, ": error: "), 5);
    ck_assert_int_eq(occurrences(said, "^"), 5);
}

START_TEST(five_mistakes_are_five_errors)
{
    expect_five(refused(five_mistakes, 8));
    ck_assert_ptr_null(server_read(s, "sock"));
    server_free(s);
}
END_TEST

START_TEST(check_finds_the_same_five)
{
    static const char *const args[] = {"--check", NULL};
    s = server_refused(&(server_options){.yaml = five_mistakes, .args = args}, 8);
    expect_five(server_stderr(s));
    server_free(s);
}
END_TEST

START_TEST(check_of_a_good_file_says_so_and_starts_nothing)
{
    static const char *const args[] = {"--check", NULL};
    s = server_refused(&(server_options){.yaml = ECHO, .args = args}, 0);
    expect_in(server_stdout(s), "actord.yaml: ok\n");
    ck_assert_str_eq(server_stderr(s), "");
    ck_assert_int_ne(access(server_path(s, "sock"), F_OK), 0);
    server_free(s);
}
END_TEST

START_TEST(check_looks_at_the_programs)
{
    static const char *const args[] = {"--check", NULL};
    s = server_refused(
        &(server_options){.yaml = CHILDREN "    - {name: a, exec: [/no/such/program]}\n",
                          .args = args},
        8);
    expect_in(server_stderr(s), "actord.yaml:4:24: error: ");
    expect_in(server_stderr(s), "/no/such/program");
    server_free(s);
}
END_TEST

START_TEST(file_that_is_not_there_is_bad_configuration)
{
    static const char *const args[] = {"--config", "/no/such/file.yaml", NULL};
    s = server_refused(&(server_options){.args = args}, 8);
    expect_in(server_stderr(s), "/no/such/file.yaml");
    server_free(s);
}
END_TEST

START_TEST(actord_config_names_the_file_and_the_option_wins)
{
    static const char *const other[] = {"ACTORD_CONFIG=/no/such/file.yaml", NULL};
    s = server_refused(&(server_options){.env = other}, 8);
    expect_in(server_stderr(s), "/no/such/file.yaml");
    server_free(s);
    s = server_start_with(&(server_options){.yaml = ECHO, .env = other});
    server_stop(s);
}
END_TEST

START_TEST(variable_that_is_not_set_is_bad_configuration)
{
    expect_in(refused(CHILDREN "    - {name: a, exec: ['${ACTORD_TEST_NONE}']}\n", 8),
              "ACTORD_TEST_NONE");
    server_free(s);
}
END_TEST

START_TEST(feature_that_is_not_built_is_refused)
{
    expect_in(refused(CHILDREN "    - {name: a, topic: {}}\n", 8), "not supported yet");
    server_free(s);
}
END_TEST

/* ---- reload ---- */

START_TEST(reload_of_the_same_file_changes_nothing)
{
    s = server_start(ECHO);
    answer a = rpc(s, "config.reload", NULL);
    ck_assert_int_eq(count_at(a.result, "plan"), 0);
    ck_assert_int_eq(count_at(a.result, "failed"), 0);
    incarnation_is("echo", 1);
    server_stop(s);
}
END_TEST

START_TEST(reload_sends_supervisors_nothing_they_do_not_know)
{
    s = server_start(ECHO);
    expect_ok(rpc(s, "config.reload", NULL));
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"after\",\"echo\":{}}")); /* root has read it all */
    expect_ok(rpc(s, "config.reload", NULL));
    wait_until(occurrences(server_stderr(s), "reloaded ") == 2);
    ck_assert_ptr_null(strstr(server_stderr(s), "it doesn't know"));
    server_stop(s);
}
END_TEST

START_TEST(invalid_reload_is_refused_as_a_whole)
{
    s = server_start(ECHO);
    answer a = reload(five_mistakes);
    expect_error(a, -32602, "invalid_params");
    expect_in(text_at(a.error, "message"), "Nothing changed; still running");
    ck_assert_int_eq(count_at(a.error, "data.errors"), 5);
    ck_assert_int_eq((int)number_at(a.error, "data.errors[0].line"), 2);
    ck_assert_int_eq((int)number_at(a.error, "data.errors[0].column"), 7);
    expect_in(text_at(a.error, "data.errors[0].suggestion"), "'level'");
    ck_assert_int_eq(unlink(server_path(s, "actord.yaml")), 0);
    expect_error(rpc(s, "config.reload", NULL), -32602, "invalid_params");
    expect_ok(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1}"));
    incarnation_is("echo", 1);
    server_stop(s);
}
END_TEST

START_TEST(reload_starts_what_is_new_and_stops_what_is_missing)
{
    s = server_start(CHILDREN "    - {name: a, echo: {}}\n"
                              "    - {name: b, echo: {}}\n"
                              "    - {name: c, echo: {}}\n");
    expect_ok(rpc(s, "actor.pause", "{\"name\":\"b\"}"));
    send_message(s, "b", "1");
    answer a = reload(CHILDREN "    - {name: a, echo: {}}\n"
                               "    - {name: n, counter: {}}\n"
                               "    - {name: c, echo: {}}\n");
    ck_assert_int_eq(count_at(a.result, "plan"), 2);
    ck_assert_int_eq(count_at(a.result, "failed"), 0);
    expect_in(text_at(a.result, "text"), "b");
    expect_error(rpc(s, "actor.info", "{\"name\":\"b\"}"), -32001, "not_found");
    ck_assert_int_eq(
        count_at(rpc(s, "deadletter.list", "{\"reason\":\"stopped\"}").result, "items"), 1);
    expect_result(rpc(s, "ask", "{\"to\":\"n\",\"msg\":{\"add\":2}}"), "2");
    const cJSON *t = rpc(s, "tree", NULL).result;
    ck_assert_int_eq(count_at(t, "children"), 3);
    ck_assert_str_eq(text_at(t, "children[0].name"), "a");
    ck_assert_str_eq(text_at(t, "children[1].name"), "n");
    ck_assert_str_eq(text_at(t, "children[2].name"), "c");
    incarnation_is("a", 1);
    incarnation_is("c", 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(missing_children_are_stopped_in_reverse)
{
    s = server_start(CHILDREN SAYS_BYE("a") SAYS_BYE("b") SAYS_BYE("c"));
    expect_ok(reload(CHILDREN SAYS_BYE("b")));
    ck_assert_str_eq(server_read(s, "bye"), "c\na\n");
    incarnation_is("b", 1);
    server_stop(s);
}
END_TEST

START_TEST(changed_command_restarts_only_that_child_and_keeps_its_mailbox)
{
    s = server_start(CHILDREN "    - {name: x, exec: [echo, '1']}\n"
                              "    - {name: y, exec: [echo, '1']}\n");
    expect_ok(rpc(s, "actor.pause", "{\"name\":\"x\"}"));
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"x\",\"msg\":0,\"timeout\":\"1m\"}");
    wait_until(stat_of(s, "waiting") == 1);
    answer a = reload(CHILDREN "    - {name: x, exec: [echo, '2']}\n"
                               "    - {name: y, exec: [echo, '1']}\n");
    ck_assert_int_eq(count_at(a.result, "plan"), 1);
    ck_assert_str_eq(text_at(a.result, "plan[0].change"), "restart");
    ck_assert_str_eq(text_at(a.result, "plan[0].name"), "x");
    incarnation_is("x", 2);
    incarnation_is("y", 1);
    ck_assert_int_eq((int)stat_of(s, "waiting"), 1);
    ck_assert_int_eq((int)number_at(rpc(s, "tree", NULL).result, "restarts_used"), 0);
    expect_ok(rpc(s, "actor.resume", "{\"name\":\"x\"}"));
    expect_result(rpc_receive(s, ask), "2");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(changed_kind_restarts_only_that_child_and_keeps_its_mailbox)
{
    s = server_start(CHILDREN "    - {name: x, exec: ['false']}\n    - {name: y, echo: {}}\n");
    expect_ok(rpc(s, "actor.pause", "{\"name\":\"x\"}"));
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"x\",\"msg\":7,\"timeout\":\"1m\"}");
    wait_until(stat_of(s, "waiting") == 1);
    expect_ok(reload(CHILDREN "    - {name: x, echo: {}}\n    - {name: y, echo: {}}\n"));
    expect_ok(rpc(s, "actor.resume", "{\"name\":\"x\"}"));
    expect_result(rpc_receive(s, ask), "7");
    ck_assert_str_eq(text_at(rpc(s, "actor.info", "{\"name\":\"x\"}").result, "kind"), "echo");
    incarnation_is("y", 1);
    server_stop(s);
}
END_TEST

START_TEST(policies_change_in_place)
{
    s = server_start(
        "version: 1\nbreakers: {b: {consecutive_failures: 1, open_for: 1h, probes: 1}}\n"
        "supervisor:\n  children:\n"
        "    - {name: f, breaker: b, exec: ['false']}\n"
        "    - {name: e, echo: {}, mailbox: {capacity: 1}}\n");
    expect_error(rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}"), -32006, "failed");
    expect_ok(rpc(s, "actor.pause", "{\"name\":\"e\"}"));
    send_message(s, "e", "1");
    answer a = reload(
        "version: 1\nbreakers: {b: {consecutive_failures: 3, open_for: 2h, probes: 1}}\n"
        "supervisor:\n  max_restarts: 7 in 3s\n  children:\n"
        "    - {name: f, breaker: b, exec: ['false'], retry: {max_retries: 2, initial: 1ms}}\n"
        "    - {name: e, echo: {}, mailbox: {capacity: 2}}\n");
    expect_ok(a);
    ck_assert_int_eq(count_at(a.result, "failed"), 0);
    incarnation_is("f", 1);
    incarnation_is("e", 1);
    a = rpc(s, "breaker.list", NULL);
    ck_assert_str_eq(text_at(a.result, "items[0].state"), "open"); /* its state is kept */
    expect_ok(rpc(s, "send", "{\"to\":\"e\",\"msg\":2}"));
    expect_error(rpc(s, "send", "{\"to\":\"e\",\"msg\":3}"), -32003, "mailbox_full");
    const cJSON *t = rpc(s, "tree", NULL).result;
    ck_assert_int_eq((int)number_at(t, "max_restarts"), 7);
    ck_assert_int_eq((int)number_at(t, "within_ms"), 3000);
    expect_ok(rpc(s, "breaker.close", "{\"name\":\"b\"}"));
    a = rpc(s, "ask", "{\"to\":\"f\",\"msg\":1}");
    expect_error(a, -32006, "failed");
    ck_assert_int_eq((int)number_at(a.error, "data.attempts"), 3);
    expect_ok(rpc(s, "actor.purge", "{\"name\":\"e\"}"));
    server_stop(s);
}
END_TEST

START_TEST(reload_leaves_alone_what_was_spawned)
{
    s = server_start(ECHO);
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"guest\",\"counter\":{}}"));
    expect_result(rpc(s, "ask", "{\"to\":\"guest\",\"msg\":{\"add\":5}}"), "5");
    expect_ok(reload(ECHO "    - {name: more, echo: {}}\n"));
    expect_result(rpc(s, "ask", "{\"to\":\"guest\",\"msg\":{\"add\":1}}"), "6");
    server_stop(s);
}
END_TEST

START_TEST(reload_moves_into_a_nested_supervisor)
{
    s = server_start(CHILDREN "    - name: in\n"
                              "      supervisor: {children: [{name: a, echo: {}}]}\n");
    answer a =
        reload(CHILDREN "    - name: in\n"
                        "      supervisor: {strategy: one_for_all, children: [{name: a, echo: "
                        "{}}, {name: b, echo: {}}]}\n"
                        "    - name: new\n"
                        "      supervisor: {children: [{name: c, echo: {}}]}\n");
    expect_ok(a);
    ck_assert_int_eq(count_at(a.result, "failed"), 0);
    incarnation_is("a", 1);
    expect_result(rpc(s, "ask", "{\"to\":\"b\",\"msg\":1}"), "1");
    expect_result(rpc(s, "ask", "{\"to\":\"c\",\"msg\":1}"), "1");
    ck_assert_str_eq(text_at(rpc(s, "tree", "{\"under\":\"in\"}").result, "strategy"),
                     "one_for_all");
    a = reload(ECHO);
    ck_assert_int_eq(count_at(a.result, "failed"), 0);
    expect_error(rpc(s, "actor.info", "{\"name\":\"c\"}"), -32001, "not_found");
    expect_error(rpc(s, "actor.info", "{\"name\":\"in\"}"), -32001, "not_found");
    ck_assert_int_eq(count_at(rpc(s, "tree", NULL).result, "children"), 1);
    server_stop(s);
}
END_TEST

START_TEST(new_child_that_does_not_start_is_told)
{
    s = server_start(ECHO);
    answer a = reload(ECHO "    - {name: w1, start: ready, worker: ['false']}\n"
                           "    - {name: w2, start: ready, worker: ['false']}\n"
                           "    - {name: fine, echo: {}}\n");
    expect_ok(a);
    ck_assert_int_eq(count_at(a.result, "failed"), 2);
    expect_in(text_at(a.result, "failed[0]"), "w1");
    expect_in(text_at(a.result, "failed[1]"), "w2");
    expect_result(rpc(s, "ask", "{\"to\":\"fine\",\"msg\":1}"), "1");
    incarnation_is("echo", 1);
    server_stop(s);
}
END_TEST

START_TEST(change_that_needs_a_start_is_told)
{
    s = server_start(ECHO);
    answer a = reload("version: 1\nsystem: {workers: 1}\nsupervisor:\n  children:\n"
                      "    - {name: echo, echo: {}}\n");
    ck_assert(bool_at(a.result, "needs_start"));
    server_stop(s);
}
END_TEST

START_TEST(sighup_reloads)
{
    s = server_start(ECHO);
    server_configure(s, ECHO "    - {name: more, echo: {}}\n");
    server_signal(s, SIGHUP);
    server_wait_notify(s, "RELOADING=1");
    server_wait_notify(s, "READY=1");
    expect_result(rpc(s, "ask", "{\"to\":\"more\",\"msg\":1}"), "1");
    wait_until(strstr(server_stderr(s), "reloaded "));
    server_stop(s);
}
END_TEST

START_TEST(config_check_takes_a_text_and_never_a_path)
{
    s = server_start(ECHO);
    answer a =
        rpc(s, "config.check",
            "{\"text\":\"version: 1\\nsupervisor: {children: [{name: echo, counter: {}}]}\\n\"}");
    ck_assert(bool_at(a.result, "valid"));
    ck_assert_int_eq(count_at(a.result, "plan"), 1);
    a = rpc(s, "config.check", "{\"text\":\"version: 2\\n\"}");
    ck_assert(!bool_at(a.result, "valid"));
    ck_assert_int_eq((int)number_at(a.result, "errors[0].line"), 1);
    ck_assert_int_eq((int)number_at(a.result, "errors[0].column"), 10);
    expect_error(rpc(s, "config.check", "{\"path\":\"/etc/passwd\"}"), -32602, "invalid_params");
    incarnation_is("echo", 1);
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        five_mistakes_are_five_errors,
        check_finds_the_same_five,
        check_of_a_good_file_says_so_and_starts_nothing,
        check_looks_at_the_programs,
        file_that_is_not_there_is_bad_configuration,
        actord_config_names_the_file_and_the_option_wins,
        variable_that_is_not_set_is_bad_configuration,
        feature_that_is_not_built_is_refused,
        reload_of_the_same_file_changes_nothing,
        reload_sends_supervisors_nothing_they_do_not_know,
        invalid_reload_is_refused_as_a_whole,
        reload_starts_what_is_new_and_stops_what_is_missing,
        missing_children_are_stopped_in_reverse,
        changed_command_restarts_only_that_child_and_keeps_its_mailbox,
        changed_kind_restarts_only_that_child_and_keeps_its_mailbox,
        policies_change_in_place,
        reload_leaves_alone_what_was_spawned,
        reload_moves_into_a_nested_supervisor,
        new_child_that_does_not_start_is_told,
        change_that_needs_a_start_is_told,
        sighup_reloads,
        config_check_takes_a_text_and_never_a_path,
        NULL,
    };
    return suite_run("config", tests, NULL, NULL);
}
