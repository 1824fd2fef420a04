/* A reload of the tree: what changes in place, in which order, and what is kept. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT(keys)         "version: 1\nsupervisor:\n" keys "  children:\n"
#define REST               "  strategy: rest_for_one\n  max_restarts: unlimited\n  backoff: none\n"
#define WORKER(name, more) "    - {name: " name ", worker: [\"${SELF}\", worker]" more "}\n"
#define INNER(keys, more)  "    - name: in\n" more "      supervisor:\n" keys "        children:\n"
#define PART(name)         "          - {name: " name ", worker: [\"${SELF}\", worker]}\n"
/* Writes "NAME" into a file when it is told to stop. */
#define SAYS_BYE(name)                                                                             \
    "    - {name: " name ", start: ready, worker: [sh, -c, 'trap \"echo " name                     \
    " >>${DIR}/bye; exit 0\" TERM; echo \"{\\\"ready\\\":true}\"; "                                \
    "while :; do sleep 1000 & wait; done']}\n"

static server *s;

/* Reload; nothing may have failed. */
static answer reload(const char *yaml)
{
    server_configure(s, yaml);
    answer a = rpc(s, "config.reload", NULL);
    expect_ok(a);
    ck_assert_msg(count_at(a.result, "failed") == 0, "failed: %s", a.bytes);
    return a;
}

/* What `actorctl diff` prints, and then the reload. */
static void reload_as_told(const char *yaml, const char *plan)
{
    server_configure(s, yaml);
    ck_assert_str_eq(text_at(rpc(s, "config.diff", NULL).result, "text"), plan);
    ck_assert_str_eq(text_at(reload(yaml).result, "text"), plan);
}

static answer info(const char *name)
{
    return rpcf(s, "actor.info", "{\"name\":\"%s\"}", name);
}

static int incarnation(const char *name)
{
    answer a = info(name);
    return a.result ? (int)number_at(a.result, "incarnation") : 0;
}

static void crash(const char *name)
{
    int before = incarnation(name);
    ck_assert_int_eq(kill((pid_t)number_at(info(name).result, "pids[0]"), SIGKILL), 0);
    wait_until(incarnation(name) > before && strcmp(actor_state(s, name), "running") == 0);
}

static void expect_children(const char *under, const char *names)
{
    char text[256] = "";
    size_t used = 0;
    answer a = rpcf(s, "tree", "{\"under\":\"%s\"}", under);
    for (int i = 0; i < count_at(a.result, "children"); i++) {
        char path[32];
        snprintf(path, sizeof path, "children[%d].name", i);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "",
                                 text_at(a.result, path));
        ck_assert_uint_lt(used, sizeof text);
    }
    ck_assert_str_eq(text, names);
}

/* ---- order ---- */

START_TEST(children_that_stay_take_over_the_order_of_the_file)
{
    s = server_start(ROOT(REST) WORKER("a", "") WORKER("b", "") WORKER("c", ""));
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"guest\",\"echo\":{}}"));
    reload_as_told(ROOT(REST) WORKER("c", "") WORKER("new", "") WORKER("a", "") WORKER("b", ""),
                   "start root/new (worker)\nreorder root: children: a, b, c -> c, a, b\n");
    expect_children("root", "c new a b guest");
    ck_assert_int_eq(incarnation("a"), 1);
    crash("a");
    wait_until(incarnation("b") == 2 && incarnation("guest") == 2);
    ck_assert_int_eq(incarnation("c"), 1);
    ck_assert_int_eq(incarnation("new"), 1);
    server_stop(s);
}
END_TEST

START_TEST(the_new_order_is_also_that_of_the_stop)
{
    s = server_start(ROOT(REST) SAYS_BYE("a") SAYS_BYE("b") SAYS_BYE("c"));
    reload(ROOT(REST) SAYS_BYE("b") SAYS_BYE("c") SAYS_BYE("a"));
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    ck_assert_str_eq(server_read(s, "bye"), "a\nc\nb\n");
    server_free(s);
}
END_TEST

START_TEST(the_new_order_holds_when_the_supervisor_is_restarted)
{
    s = server_start(ROOT(REST) INNER("", "") PART("a") PART("b"));
    reload_as_told(ROOT(REST) INNER("        strategy: rest_for_one\n        backoff: none\n", "")
                       PART("b") PART("a"),
                   "update root/in: strategy: one_for_one -> rest_for_one, backoff: on -> none\n"
                   "reorder root/in: children: a, b -> b, a\n");
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"in\"}"));
    expect_children("in", "b a");
    crash("b");
    wait_until(incarnation("a") == 2);
    server_stop(s);
}
END_TEST

/* ---- in place ---- */

START_TEST(SUP_114_limits_change_in_place_and_the_history_is_kept)
{
    s = server_start(ROOT("  max_restarts: 5 in 1h\n  backoff: none\n") WORKER("a", "")
                         WORKER("b", ""));
    crash("a");
    crash("a");
    reload_as_told(ROOT("  max_restarts: 2 in 1h\n  backoff: none\n") WORKER("a", "")
                       WORKER("b", ""),
                   "update root: max_restarts: 5 in 1h -> 2 in 1h\n");
    answer a = rpc(s, "tree", NULL);
    ck_assert(number_at(a.result, "restarts_used") == 2);
    ck_assert(number_at(a.result, "max_restarts") == 2);
    ck_assert_int_eq(incarnation("b"), 1);
    kill((pid_t)number_at(info("b").result, "pids[0]"), SIGKILL);
    server_expect_exit(s, 70);
    server_free(s);
}
END_TEST

START_TEST(SUP_115_a_nested_supervisors_own_restart_type_changes_in_place)
{
    s = server_start(ROOT("  backoff: none\n") INNER("        max_restarts: 0 in 1h\n",
                                                     "      restart: transient\n") PART("a"));
    reload_as_told(ROOT("  backoff: none\n") INNER("        max_restarts: 0 in 1h\n",
                                                   "      restart: permanent\n") PART("a"),
                   "update root/in: restart: transient -> permanent\n");
    ck_assert_int_eq(incarnation("a"), 1);
    ck_assert_str_eq(text_at(info("in").result, "restart"), "permanent");
    kill((pid_t)number_at(info("a").result, "pids[0]"), SIGKILL); /* a transient one would stop */
    wait_until(incarnation("in") == 2 && strcmp(actor_state(s, "a"), "running") == 0);
    server_stop(s);
}
END_TEST

START_TEST(SUP_115_a_nested_supervisors_own_shutdown_changes_in_place)
{
    static const char stubborn[] =
        "          - {name: a, worker: [\"${SELF}\", worker, stubborn], shutdown: 1h}\n";
    char before[1024], after[1024];
    snprintf(before, sizeof before, "%s%s", ROOT("") INNER("", ""), stubborn);
    snprintf(after, sizeof after, "%s%s", ROOT("") INNER("", "      shutdown: kill\n"), stubborn);
    s = server_start(before);
    reload_as_told(after, "update root/in: shutdown: infinity -> kill\n");
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"in\"}"));
    ck_assert_str_eq(actor_state(s, "a"), "stopped");
    server_stop(s);
}
END_TEST

START_TEST(limit_of_actors_can_be_raised_and_lowered)
{
#define LIMIT(n) "limits: {actors: " n "}\n" ROOT("") WORKER("a", "")
    s = server_start(LIMIT("2"));
    answer a = rpc(s, "actor.spawn", "{\"name\":\"b\",\"echo\":{}}");
    expect_error(a, -32014, "unavailable");
    reload_as_told(LIMIT("3"), "set: limits.actors: 2 -> 3\n");
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"b\",\"echo\":{}}"));
    expect_error(rpc(s, "actor.spawn", "{\"name\":\"c\",\"echo\":{}}"), -32014, "unavailable");
    reload(LIMIT("1"));
    expect_result(rpc(s, "ask", "{\"to\":\"b\",\"msg\":1}"), "1");
    server_stop(s);
}
END_TEST

START_TEST(mailbox_and_breaker_are_kept)
{
#define GUARDED(more)                                                                              \
    "version: 1\n"                                                                                 \
    "breakers: {b: {consecutive_failures: 1, open_for: 1h}}\n"                                     \
    "supervisor:\n  backoff: none\n  children:\n"                                                  \
    "    - {name: f, exec: ['false'], breaker: b" more "}\n"
    s = server_start(GUARDED(""));
    send_message(s, "f", "1");
    wait_message(s, "m-1");
    send_message(s, "f", "2");
    reload(GUARDED(", timeout: 5s, shutdown: 1s"));
    answer a = rpc(s, "breaker.list", NULL);
    ck_assert_str_eq(text_at(a.result, "items[0].state"), "open");
    ck_assert_str_eq(message_state(s, "m-2"), "waiting");
    ck_assert_int_eq(incarnation("f"), 1);
    server_stop(s);
}
END_TEST

/* ---- below a supervisor that is stopped ---- */

#define ONE(name, more) "          - {name: " name ", worker: [\"${SELF}\", worker]" more "}\n"

static void stop_in(const char *yaml)
{
    s = server_start(yaml);
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"in\"}"));
}

static void start_in(void)
{
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"in\"}"));
}

START_TEST(a_stopped_supervisor_has_the_children_of_the_new_file_and_starts_them)
{
    stop_in(ROOT("") INNER("", "") PART("a") PART("b") PART("c"));
    reload_as_told(ROOT("") INNER("", "") PART("new") PART("c") ONE("a", ", env: {X: y}"),
                   "stop root/in/b\nrestart root/in/a: env: {} -> {X: y}\n"
                   "start root/in/new (worker)\nreorder root/in: children: a, c -> c, a\n");
    expect_children("in", "new c a");
    ck_assert_str_eq(actor_state(s, "new"), "stopped");
    ck_assert_ptr_null(info("b").result);
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"b\",\"echo\":{}}"));
    start_in();
    expect_children("in", "new c a");
    expect_result(rpc(s, "ask", "{\"to\":\"new\",\"msg\":1}"), "1");
    ck_assert_int_eq(incarnation("a"), 1);
    server_stop(s);
}
END_TEST

START_TEST(a_stopped_supervisor_follows_its_new_settings_when_it_starts)
{
    stop_in(ROOT("  backoff: none\n")
                INNER("        max_restarts: 9 in 1h\n", "      restart: transient\n") PART("a"));
    reload_as_told(
        ROOT("  backoff: none\n") INNER("        max_restarts: 0 in 1h\n",
                                        "      restart: permanent\n") ONE("a", ", instances: 3"),
        "update root/in: restart: transient -> permanent, max_restarts: 9 in 1h -> 0 in 1h\n"
        "update root/in/a: instances: 1 -> 3\n");
    ck_assert(number_at(info("a").result, "pool.instances") == 3);
    start_in();
    ck_assert(number_at(info("a").result, "pool.running") == 3);
    kill((pid_t)number_at(info("a").result, "pids[0]"), SIGKILL); /* once is too often */
    wait_until(incarnation("in") == 3 && strcmp(actor_state(s, "a"), "running") == 0);
    server_stop(s);
}
END_TEST

START_TEST(children_move_between_a_supervisor_that_runs_and_one_that_is_stopped)
{
    stop_in(ROOT("") WORKER("a", "") INNER("", "") PART("b") PART("c"));
    reload(ROOT("") WORKER("b", "") INNER("", "") PART("a") PART("c"));
    expect_children("root", "b in");
    expect_children("in", "a c");
    ck_assert_str_eq(actor_state(s, "a"), "stopped");
    expect_result(rpc(s, "ask", "{\"to\":\"b\",\"msg\":1}"), "1");
    start_in();
    expect_result(rpc(s, "ask", "{\"to\":\"a\",\"msg\":2}"), "2");
    server_stop(s);
}
END_TEST

START_TEST(what_is_below_a_stopped_supervisor_may_become_a_supervisor)
{
    stop_in(ROOT("") INNER("", "") PART("a") PART("b"));
    reload(ROOT("") INNER("", "") PART("a") "          - name: b\n"
                                            "            supervisor:\n"
                                            "              children: [{name: deep, echo: {}}]\n");
    expect_children("in", "a b");
    expect_children("b", "deep");
    reload(ROOT("") INNER("", "") PART("a") "          - name: b\n"
                                            "            supervisor:\n"
                                            "              children: [{name: e, echo: {}}]\n");
    expect_children("b", "e");
    start_in();
    expect_result(rpc(s, "ask", "{\"to\":\"e\",\"msg\":1}"), "1");
    ck_assert_ptr_null(info("deep").result);
    server_stop(s);
}
END_TEST

START_TEST(what_the_operator_has_deleted_is_no_failure_of_a_reload)
{
    s = server_start(ROOT("") WORKER("a", "") WORKER("b", "") WORKER("c", ""));
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"a\"}"));
    expect_ok(rpc(s, "actor.delete", "{\"name\":\"a\"}"));
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"b\"}"));
    expect_ok(rpc(s, "actor.delete", "{\"name\":\"b\"}"));
    reload(ROOT("") WORKER("b", ", env: {X: y}, shutdown: 1s") WORKER("c", ""));
    expect_children("root", "c");
    server_stop(s);
}
END_TEST

START_TEST(a_reload_does_not_bring_back_what_was_deleted_and_actorctl_says_so_before)
{
    s = server_start(ROOT("") WORKER("a", "") WORKER("c", ""));
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"a\"}"));
    ctl_run r = ctl(server_url(s), NULL, "delete a");
    expect_status(r, 2);
    expect_in(r.err, "a reload does not bring it back");
    expect_status(ctl(server_url(s), NULL, "delete a --yes"), 0);
    reload_as_told(ROOT("") WORKER("a", "") WORKER("c", ""), "nothing to change\n");
    expect_children("root", "c");
    server_stop(s);
}
END_TEST

START_TEST(a_temporary_child_that_has_ended_comes_back_by_the_new_file)
{
    s = server_start(ROOT("") INNER("", "") ONE("t", ", restart: temporary") PART("a"));
    kill((pid_t)number_at(info("t").result, "pids[0]"), SIGKILL);
    wait_until(!info("t").result);
    reload(ROOT("") INNER("", "") ONE("t", ", restart: transient, ttl: 1h") PART("a"));
    ck_assert_ptr_null(info("t").result);
    start_in();
    ck_assert_str_eq(text_at(info("t").result, "restart"), "transient");
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"t\"}"));
    wait_until(incarnation("t") == 2);
    server_stop(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        children_that_stay_take_over_the_order_of_the_file,
        the_new_order_is_also_that_of_the_stop,
        the_new_order_holds_when_the_supervisor_is_restarted,
        SUP_114_limits_change_in_place_and_the_history_is_kept,
        SUP_115_a_nested_supervisors_own_restart_type_changes_in_place,
        SUP_115_a_nested_supervisors_own_shutdown_changes_in_place,
        limit_of_actors_can_be_raised_and_lowered,
        mailbox_and_breaker_are_kept,
        a_stopped_supervisor_has_the_children_of_the_new_file_and_starts_them,
        a_stopped_supervisor_follows_its_new_settings_when_it_starts,
        children_move_between_a_supervisor_that_runs_and_one_that_is_stopped,
        what_is_below_a_stopped_supervisor_may_become_a_supervisor,
        what_the_operator_has_deleted_is_no_failure_of_a_reload,
        a_reload_does_not_bring_back_what_was_deleted_and_actorctl_says_so_before,
        a_temporary_child_that_has_ended_comes_back_by_the_new_file,
        NULL,
    };
    return worker_or_tests(argc, argv, "reload_tree", tests);
}
