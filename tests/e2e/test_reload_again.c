/* What a reload can't do is tried again: by the next one, or when the supervisor that was asked has
 * ended. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <signal.h>

/* Runs what is in the file NAME, and can't be started without it. */
#define SCRIPT(name, file, more)                                                                   \
    "{name: " name ", start: ready, worker: [sh, '${DIR}/" file "']" more "}\n"
#define CHILD(name, file, more) "    - " SCRIPT(name, file, more)
#define PART(name, file, more)  "          - " SCRIPT(name, file, more)
#define INNER                   "    - name: in\n      supervisor:\n        children:\n"
#define ECHO                    CHILDREN "    - {name: e, echo: {}}\n"
#define ECHO_IN                 "          - {name: f, echo: {}}\n"

static server *s;

static void mend(const char *file)
{
    server_write(s, file, "echo '{\"ready\":true}'\nwhile read -r _; do :; done\n");
}

/* Reload: `failed` changes don't succeed. */
static answer reload(const char *yaml, int failed)
{
    server_configure(s, yaml);
    answer a = rpc(s, "config.reload", NULL);
    expect_ok(a);
    ck_assert_msg(count_at(a.result, "failed") == failed, "%s", a.bytes);
    return a;
}

/* `actorctl diff` and then the reload say so, and nothing fails. */
static answer reload_as_told(const char *yaml, const char *plan)
{
    server_configure(s, yaml);
    ck_assert_str_eq(text_at(rpc(s, "config.diff", NULL).result, "text"), plan);
    answer a = reload(yaml, 0);
    ck_assert_str_eq(text_at(a.result, "text"), plan);
    return a;
}

static void expect_running(const char *name)
{
    ck_assert_str_eq(actor_state(s, name), "running");
}

static answer info(const char *name)
{
    return rpcf(s, "actor.info", "{\"name\":\"%s\"}", name);
}

START_TEST(child_that_could_not_be_started_is_started_by_the_next_reload_of_the_same_file)
{
    static const char file[] = ECHO CHILD("w", "prog", "");
    s = server_start(ECHO);
    reload(file, 1);
    reload(file, 1);
    mend("prog");
    answer a = reload_as_told(file, "start root/w (worker), tried again\n");
    ck_assert(bool_at(a.result, "plan[0].again"));
    expect_running("w");
    ck_assert_str_eq(text_at(rpc(s, "config.diff", NULL).result, "text"), "nothing to change\n");
    server_stop(s);
}
END_TEST

START_TEST(what_changes_below_a_supervisor_that_could_not_be_started_is_no_failure)
{
    s = server_start(ECHO);
    reload(ECHO INNER PART("w", "prog", "") ECHO_IN, 1);
    ck_assert_ptr_null(info("in").result);
    reload_as_told(ECHO INNER ECHO_IN "          - {name: g, echo: {}}\n",
                   "start root/in (supervisor), tried again\n");
    expect_running("f");
    expect_running("g");
    server_stop(s);
}
END_TEST

START_TEST(child_that_could_not_be_started_may_leave_the_file_or_move)
{
    s = server_start(ECHO INNER ECHO_IN);
    reload(ECHO CHILD("w", "prog", "") CHILD("v", "prog", "") INNER ECHO_IN, 2);
    mend("prog");
    reload_as_told(ECHO INNER ECHO_IN PART("w", "prog", ""),
                   "start root/in/w (worker), tried again\n");
    expect_running("w");
    server_stop(s);
}
END_TEST

START_TEST(child_that_could_not_be_restarted_is_restarted_by_the_next_reload)
{
    static const char file[] = CHILDREN CHILD("w", "new", "") "    - {name: e, echo: {}}\n";
    s = server_start(ECHO);
    mend("old");
    reload(ECHO CHILD("w", "old", ""), 0);
    reload(ECHO CHILD("w", "new", ""), 1);
    ck_assert_str_eq(actor_state(s, "w"), "stopped");
    mend("new");
    reload_as_told(file, "restart root/w, tried again\nreorder root: children: e, w -> w, e\n");
    expect_running("w");
    server_stop(s);
}
END_TEST

START_TEST(another_command_for_what_could_not_be_restarted_starts_it)
{
    s = server_start(ECHO);
    mend("old");
    reload(ECHO CHILD("w", "old", ""), 0);
    reload(ECHO CHILD("w", "new", ""), 1);
    answer a = reload(ECHO CHILD("w", "old", ""), 0);
    expect_in(text_at(a.result, "text"), "restart root/w, tried again: worker: ");
    expect_running("w");
    server_stop(s);
}
END_TEST

START_TEST(what_the_operator_has_started_meanwhile_is_left_alone)
{
    static const char file[] = ECHO CHILD("w", "new", "");
    s = server_start(ECHO);
    mend("old");
    reload(ECHO CHILD("w", "old", ""), 0);
    reload(file, 1);
    mend("new");
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"w\"}"));
    reload_as_told(file, "nothing to change\n");
    server_stop(s);
}
END_TEST

START_TEST(what_could_not_be_restarted_comes_up_with_its_supervisor)
{
    static const char file[] = ECHO INNER PART("w", "new", "");
    s = server_start(ECHO);
    mend("old");
    reload(ECHO INNER PART("w", "old", ""), 0);
    reload(file, 1);
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"in\"}"));
    mend("new");
    reload_as_told(file, "restart root/in/w, tried again\n");
    ck_assert_str_eq(actor_state(s, "w"), "stopped");
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"in\"}"));
    expect_running("w");
    server_stop(s);
}
END_TEST

START_TEST(instances_that_could_not_be_started_are_tried_again)
{
    static const char file[] = ECHO CHILD("w", "prog", ", instances: 3");
    s = server_start(ECHO);
    mend("prog");
    reload(ECHO CHILD("w", "prog", ""), 0);
    server_write(s, "prog", "exit 1\n");
    reload(file, 1);
    mend("prog");
    reload_as_told(file, "update root/w, tried again\n");
    ck_assert(number_at(info("w").result, "pool.running") == 3);
    server_stop(s);
}
END_TEST

START_TEST(name_that_was_taken_is_tried_again)
{
    static const char file[] = ECHO "    - {name: guest, echo: {}}\n";
    s = server_start(ECHO);
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"guest\",\"counter\":{}}"));
    reload(file, 1);
    ck_assert_str_eq(text_at(info("guest").result, "kind"), "counter");
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"guest\"}"));
    expect_ok(rpc(s, "actor.delete", "{\"name\":\"guest\"}"));
    reload_as_told(file, "start root/guest (echo), tried again\n");
    server_stop(s);
}
END_TEST

/* ---- a supervisor that ends in the middle of a reload ---- */

#define STUBBORN                                                                                   \
    "          - {name: b, worker: [\"${SELF}\", worker, stubborn, ready], start: ready, "         \
    "shutdown: 1h}\n"

/* A reload that takes f, b and g away is told to stop b, which takes its time; then `in` is told to
 * end, and b lets it. */
static void reload_while_in_ends(const char *method)
{
    s = server_start(ECHO INNER ECHO_IN STUBBORN "          - {name: g, echo: {}}\n");
    pid_t stubborn = (pid_t)number_at(info("b").result, "pids[0]");
    server_configure(s, ECHO INNER "          - {name: h, echo: {}}\n");
    uint32_t reloading = rpc_send(s, "config.reload", NULL);
    wait_until(strcmp(actor_state(s, "b"), "stopping") == 0);
    uint32_t ending = rpc_send(s, method, "{\"name\":\"in\"}");
    wait_until(strcmp(actor_state(s, "in"), "stopping") == 0);
    ck_assert_int_eq(kill(stubborn, SIGKILL), 0);
    expect_ok(rpc_receive(s, ending));
    answer a = rpc_receive(s, reloading);
    expect_ok(a);
    ck_assert_msg(count_at(a.result, "failed") == 0, "%s", a.bytes);
}

static void expect_only_h(void)
{
    expect_running("h");
    answer a = rpc(s, "tree", "{\"under\":\"in\"}");
    ck_assert_int_eq(count_at(a.result, "children"), 1);
    server_stop(s);
}

START_TEST(reload_goes_on_when_the_supervisor_is_stopped_in_the_middle)
{
    reload_while_in_ends("actor.stop");
    ck_assert_str_eq(actor_state(s, "h"), "stopped");
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"in\"}"));
    expect_only_h();
}
END_TEST

START_TEST(reload_goes_on_when_the_supervisor_is_restarted_in_the_middle)
{
    reload_while_in_ends("actor.restart");
    expect_only_h();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        child_that_could_not_be_started_is_started_by_the_next_reload_of_the_same_file,
        what_changes_below_a_supervisor_that_could_not_be_started_is_no_failure,
        child_that_could_not_be_started_may_leave_the_file_or_move,
        child_that_could_not_be_restarted_is_restarted_by_the_next_reload,
        another_command_for_what_could_not_be_restarted_starts_it,
        what_the_operator_has_started_meanwhile_is_left_alone,
        what_could_not_be_restarted_comes_up_with_its_supervisor,
        instances_that_could_not_be_started_are_tried_again,
        name_that_was_taken_is_tried_again,
        reload_goes_on_when_the_supervisor_is_stopped_in_the_middle,
        reload_goes_on_when_the_supervisor_is_restarted_in_the_middle,
        NULL,
    };
    return worker_or_tests(argc, argv, "reload_again", tests);
}
