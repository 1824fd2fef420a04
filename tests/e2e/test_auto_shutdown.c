/* auto_shutdown: a supervisor whose work is over ends with its significant children. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <stdio.h>

#define ROOT(keys) "version: 1\nsupervisor:\n  backoff: none\n" keys "  children:\n"
#define OUTSIDE    "    - {name: outside, echo: {}}\n"
#define JOB(mode, how)                                                                             \
    "    - name: job\n"                                                                            \
    "      restart: " how "\n"                                                                     \
    "      supervisor:\n"                                                                          \
    "        auto_shutdown: " mode "\n"                                                            \
    "        backoff: none\n"                                                                      \
    "        children:\n"
#define PART(name, more)                                                                           \
    "          - {name: " name ", worker: [\"${SELF}\", worker], restart: transient" more "}\n"
#define SIGNIFICANT ", significant: true"

static server *s;

static void finish(const char *name)
{
    send_message(s, name, "{\"exit\":0}");
}

static void expect_state(const char *name, const char *state)
{
    wait_until(strcmp(actor_state(s, name), state) == 0);
}

static answer reload(const char *yaml)
{
    server_configure(s, yaml);
    answer a = rpc(s, "config.reload", NULL);
    expect_ok(a);
    ck_assert_msg(count_at(a.result, "failed") == 0, "failed: %s", a.bytes);
    return a;
}

START_TEST(SUP_103_104_the_end_of_a_significant_child_ends_its_supervisor)
{
    s = server_start(ROOT("") JOB("any_significant", "transient") PART("first", "")
                         PART("main", SIGNIFICANT) OUTSIDE);
    answer a = rpc(s, "tree", "{\"under\":\"job\"}");
    ck_assert_str_eq(text_at(a.result, "auto_shutdown"), "any_significant");
    ck_assert(!bool_at(a.result, "children[0].significant"));
    ck_assert(bool_at(a.result, "children[1].significant"));
    ck_assert(bool_at(rpc(s, "actor.info", "{\"name\":\"main\"}").result, "significant"));
    finish("first");
    expect_state("first", "stopped");
    ck_assert_str_eq(actor_state(s, "job"), "running");
    finish("main");
    expect_state("job", "stopped");
    expect_state("main", "stopped");
    ck_assert_str_eq(actor_state(s, "outside"), "running");
    ck_assert(strstr(server_stderr(s), "ends by auto_shutdown: child 'main' is significant and has "
                                       "ended"));
    ck_assert(strncmp(text_at(rpc(s, "actor.info", "{\"name\":\"job\"}").result, "last_exit"),
                      "requested", 9) == 0);
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"job\"}"));
    expect_result(rpc(s, "ask", "{\"to\":\"main\",\"msg\":1}"), "1");
    expect_result(rpc(s, "ask", "{\"to\":\"first\",\"msg\":1}"), "1");
    server_stop(s);
}
END_TEST

START_TEST(SUP_105_all_significant_waits_for_the_last)
{
    s = server_start(ROOT("") JOB("all_significant", "transient") PART("one", SIGNIFICANT)
                         PART("two", SIGNIFICANT) PART("other", "") OUTSIDE);
    finish("one");
    expect_state("one", "stopped");
    expect_result(rpc(s, "ask", "{\"to\":\"two\",\"msg\":1}"), "1");
    finish("two");
    expect_state("job", "stopped");
    expect_state("other", "stopped");
    server_stop(s);
}
END_TEST

START_TEST(SUP_104_a_crash_of_a_transient_one_is_restarted)
{
    s = server_start(ROOT("") JOB("any_significant", "transient") PART("main", SIGNIFICANT));
    send_message(s, "main", "{\"exit\":1}");
    wait_until(number_at(rpc(s, "actor.info", "{\"name\":\"main\"}").result, "incarnation") == 2);
    expect_result(rpc(s, "ask", "{\"to\":\"main\",\"msg\":1}"), "1");
    ck_assert_str_eq(actor_state(s, "job"), "running");
    server_stop(s);
}
END_TEST

START_TEST(SUP_108_a_stop_by_call_ends_nothing_else)
{
    s = server_start(ROOT("") JOB("any_significant", "permanent") PART("main", SIGNIFICANT));
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"main\"}"));
    ck_assert_str_eq(actor_state(s, "job"), "running");
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"main\"}"));
    server_stop(s);
}
END_TEST

START_TEST(SUP_111_a_permanent_supervisor_comes_back_each_time_and_is_counted)
{
    s = server_start(ROOT("  max_restarts: 1 in 1h\n") JOB("any_significant", "permanent")
                         PART("main", SIGNIFICANT));
    finish("main");
    wait_until(number_at(rpc(s, "actor.info", "{\"name\":\"job\"}").result, "incarnation") == 2);
    expect_result(rpc(s, "ask", "{\"to\":\"main\",\"msg\":1}"), "1");
    ck_assert(number_at(rpc(s, "tree", NULL).result, "restarts_used") == 1);
    finish("main");
    server_expect_exit(s, 70);
    server_free(s);
}
END_TEST

START_TEST(daemon_ends_with_0_when_the_work_of_the_root_is_over)
{
    s = server_start("version: 1\nsupervisor:\n  auto_shutdown: all_significant\n  children:\n"
                     "    - {name: helper, echo: {}}\n"
                     "    - {name: main, worker: [\"${SELF}\", worker], restart: temporary, "
                     "significant: true}\n");
    finish("main");
    server_expect_exit(s, 0);
    ck_assert(strstr(server_stderr(s), "the tree has ended: child 'main' is significant and has "
                                       "ended"));
    server_free(s);
}
END_TEST

START_TEST(SUP_101_102_what_is_spawned_follows_the_same_rules)
{
    s = server_start(ROOT("") JOB("any_significant", "transient") PART("first", "") OUTSIDE);
    answer a = rpc(s, "actor.spawn",
                   "{\"name\":\"x\",\"worker\":[\"cat\"],\"restart\":\"transient\","
                   "\"significant\":true}");
    expect_error(a, -32602, "invalid_params");
    ck_assert(strstr(text_at(a.error, "message"), "significant: not while auto_shutdown is never"));
    a = rpc(s, "actor.spawn",
            "{\"name\":\"x\",\"under\":\"job\",\"worker\":[\"cat\"],\"significant\":true}");
    expect_error(a, -32602, "invalid_params");
    ck_assert(strstr(text_at(a.error, "message"), "a permanent child can't be"));
    expect_error(rpc(s, "actor.info", "{\"name\":\"x\"}"), -32001, "not_found");
    expect_ok(rpc(s, "actor.spawn",
                  "{\"name\":\"x\",\"under\":\"job\",\"worker\":[\"true\"],"
                  "\"restart\":\"temporary\",\"significant\":true}"));
    expect_state("job", "stopped");
    server_stop(s);
}
END_TEST

START_TEST(SUP_113_a_reload_changes_the_mode_before_what_needs_it)
{
    s = server_start(ROOT("") JOB("never", "transient") PART("main", "") OUTSIDE);
    reload(ROOT("") JOB("any_significant", "transient") PART("main", SIGNIFICANT)
               PART("new", SIGNIFICANT) OUTSIDE);
    ck_assert(number_at(rpc(s, "actor.info", "{\"name\":\"main\"}").result, "incarnation") == 1);
    reload(ROOT("") JOB("never", "transient") PART("main", "") PART("new", "") OUTSIDE);
    finish("new");
    expect_state("new", "stopped");
    ck_assert_str_eq(actor_state(s, "job"), "running");
    reload(ROOT("") JOB("all_significant", "transient") PART("main", SIGNIFICANT) OUTSIDE);
    ck_assert_str_eq(actor_state(s, "job"), "running");
    finish("main");
    expect_state("job", "stopped");
    server_stop(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        SUP_103_104_the_end_of_a_significant_child_ends_its_supervisor,
        SUP_105_all_significant_waits_for_the_last,
        SUP_104_a_crash_of_a_transient_one_is_restarted,
        SUP_108_a_stop_by_call_ends_nothing_else,
        SUP_111_a_permanent_supervisor_comes_back_each_time_and_is_counted,
        daemon_ends_with_0_when_the_work_of_the_root_is_over,
        SUP_101_102_what_is_spawned_follows_the_same_rules,
        SUP_113_a_reload_changes_the_mode_before_what_needs_it,
        NULL,
    };
    return worker_or_tests(argc, argv, "auto_shutdown", tests);
}
