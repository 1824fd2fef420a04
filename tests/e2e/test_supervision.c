/* Supervision with real processes: what the catalogues say, seen from outside. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORKER(name, words, more)                                                                  \
    "    - {name: " name ", worker: [\"${SELF}\", worker" words "]" more "}\n"
#define ROOT(keys) "version: 1\nsupervisor:\n" keys "  children:\n"
#define HARDY      "  max_restarts: unlimited\n  backoff: none\n"
/* A process that writes "up NAME" and, when it is told to stop, "down NAME" into a file. */
#define TRACED(name, more)                                                                         \
    "    - name: " name "\n"                                                                       \
    "      start: ready\n"                                                                         \
    "      worker: [sh, -c, 'trap \"echo down " name " >>${DIR}/trace; exit 0\" TERM; "            \
    "echo up " name " >>${DIR}/trace; echo \"{\\\"ready\\\":true}\"; "                             \
    "while :; do sleep 1000 & wait; done']\n" more
#define LOG ", env: {WORKER_LOG: \"${DIR}/lines\"}"

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static answer info(server *s, const char *name)
{
    return rpcf(s, "actor.info", "{\"name\":\"%s\"}", name);
}

static int incarnation(server *s, const char *name)
{
    answer a = info(s, name);
    return a.result ? (int)number_at(a.result, "incarnation") : 0;
}

static bool in_state(server *s, const char *name, const char *state)
{
    return strcmp(actor_state(s, name), state) == 0;
}

static void kill_process(server *s, const char *name)
{
    ck_assert_int_eq(kill((pid_t)number_at(info(s, name).result, "pids[0]"), SIGKILL), 0);
}

static answer call(server *s, const char *method, const char *name)
{
    return rpcf(s, method, "{\"name\":\"%s\"}", name);
}

static void expect_count(server *s, const char *name, const char *expected)
{
    answer a = info(s, name);
    char *text = cJSON_PrintUnformatted(json_at(a.result, "count"));
    ck_assert_pstr_eq(server_keep(s, text), expected);
}

static void expect_trace(server *s, const char *expected)
{
    wait_until(server_read(s, "trace") && strlen(server_read(s, "trace")) >= strlen(expected));
    ck_assert_str_eq(server_read(s, "trace"), expected);
}

/* Start a, b, c under a strategy, and kill b's process. */
static server *kill_the_middle_one(const char *strategy)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml, ROOT("  strategy: %s\n" HARDY) "%s", strategy,
             TRACED("a", "") TRACED("b", "") TRACED("c", ""));
    server *s = server_start(yaml);
    expect_trace(s, "up a\nup b\nup c\n");
    kill_process(s, "b");
    wait_until(incarnation(s, "b") == 2 && in_state(s, "c", "running"));
    return s;
}

/* ---- strategies ---- */

START_TEST(one_for_one_restarts_the_one_alone)
{
    server *s = kill_the_middle_one("one_for_one");
    expect_trace(s, "up a\nup b\nup c\nup b\n");
    server_stop(s);
}
END_TEST

START_TEST(one_for_all_stops_the_others_in_reverse_and_starts_all_in_order)
{
    server *s = kill_the_middle_one("one_for_all");
    expect_trace(s, "up a\nup b\nup c\ndown c\ndown a\nup a\nup b\nup c\n");
    ck_assert_int_eq(incarnation(s, "a"), 2);
    ck_assert(stat_of(s, "restarts") == 1);
    server_stop(s);
}
END_TEST

START_TEST(rest_for_one_restarts_what_came_after)
{
    server *s = kill_the_middle_one("rest_for_one");
    expect_trace(s, "up a\nup b\nup c\ndown c\nup b\nup c\n");
    ck_assert_int_eq(incarnation(s, "a"), 1);
    ck_assert_int_eq(incarnation(s, "c"), 2);
    server_stop(s);
}
END_TEST

START_TEST(tree_is_stopped_in_reverse_order)
{
    server *s = server_start(ROOT(HARDY) TRACED("a", "") TRACED("b", "") TRACED("c", ""));
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    expect_trace(s, "up a\nup b\nup c\ndown c\ndown b\ndown a\n");
    server_free(s);
}
END_TEST

START_TEST(SUP_81_a_child_that_is_killed_as_its_shutdown_says_is_no_news)
{
    server *s =
        server_start(ROOT(HARDY) WORKER("a", ", stubborn", ", shutdown: kill") WORKER("b", "", ""));
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    ck_assert_ptr_null(strstr(server_stderr(s), "warn"));
    server_free(s);
    s = server_start(ROOT(HARDY)
                         WORKER("a", ", stubborn, ready", ", start: ready, shutdown: 50ms"));
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    ck_assert_ptr_nonnull(strstr(server_stderr(s), "warn  supervisor: stopping after killed"));
    server_free(s);
}
END_TEST

START_TEST(group_restart_keeps_mailboxes_and_charges_no_sibling)
{
    server *s = server_start(ROOT("  strategy: one_for_all\n" HARDY) WORKER("a", "", "")
                                 WORKER("w", "", LOG));
    char msg[1024];
    snprintf(msg, sizeof msg, "{\"wait\":\"%s/go\",\"say\":\"{\\\"id\\\":@,\\\"reply\\\":0}\"}",
             server_directory(s));
    for (int i = 0; i < 4; i++)
        send_message(s, "w", msg);
    wait_until(server_read(s, "lines") && strstr(server_read(s, "lines"), "\"m-1\""));
    kill_process(s, "a");
    wait_until(incarnation(s, "w") == 2);
    server_write(s, "go", "");
    ck_assert_str_eq(text_at(wait_message(s, "m-4").result, "state"), "done");
    answer a = wait_message(s, "m-1");
    ck_assert_str_eq(text_at(a.result, "state"), "done");
    ck_assert(number_at(a.result, "attempts") == 1);
    ck_assert_int_eq(incarnation(s, "w"), 2);
    ck_assert(stat_of(s, "dead") == 0);
    const char *lines = server_read(s, "lines"); /* first again, then the others in order */
    const char *second = strstr(strstr(lines, "\"m-1\"") + 1, "\"m-1\"");
    ck_assert(second && strstr(second, "\"m-2\"") && strstr(strstr(second, "\"m-2\""), "\"m-3\""));
    expect_balanced(s);
    server_stop(s);
}
END_TEST

/* ---- backoff and budget ---- */

START_TEST(backoff_grows_with_every_crash_and_says_when_the_next_start_is)
{
    server *s = server_start(
        ROOT("  max_restarts: unlimited\n"
             "  backoff: {initial: 100ms, max: 400ms, factor: 2, jitter: none, reset_after: 1m}\n")
            WORKER("w", "", ""));
    static const double expected[] = {100, 200, 400, 400};
    for (int i = 0; i < 4; i++) {
        double begin = now_ms();
        kill_process(s, "w");
        wait_until(in_state(s, "w", "backoff"));
        wait_until(incarnation(s, "w") == i + 2);
        ck_assert(now_ms() - begin >= expected[i]);
        wait_until(in_state(s, "w", "running"));
    }
    server_stop(s);
}
END_TEST

START_TEST(backoff_starts_anew_after_a_quiet_time)
{
    server *s = server_start(
        ROOT("  max_restarts: unlimited\n"
             "  backoff: {initial: 100ms, max: 1h, factor: 1000, jitter: none, reset_after: 1ms}\n")
            WORKER("w", "", ""));
    for (int i = 0; i < 3; i++) { /* without the reset the second would take 100 s */
        kill_process(s, "w");
        wait_until(incarnation(s, "w") == i + 2 && in_state(s, "w", "running"));
        wait_until(number_at(info(s, "w").result, "state_ms") > 20);
    }
    server_stop(s);
}
END_TEST

START_TEST(stop_ends_a_backoff)
{
    server *s = server_start(
        ROOT("  backoff: {initial: 1h, max: 1h, factor: 1, jitter: none, reset_after: 1h}\n")
            WORKER("w", "", ""));
    kill_process(s, "w");
    wait_until(in_state(s, "w", "backoff"));
    send_message(s, "w", "1");
    expect_ok(call(s, "actor.stop", "w"));
    ck_assert_str_eq(actor_state(s, "w"), "stopped");
    ck_assert_str_eq(message_state(s, "m-1"), "dead");
    expect_error(rpc(s, "ask", "{\"to\":\"w\",\"msg\":1}"), -32013, "stopped");
    expect_ok(call(s, "actor.restart", "w"));
    expect_result(rpc(s, "ask", "{\"to\":\"w\",\"msg\":1}"), "1");
    server_stop(s);
}
END_TEST

START_TEST(message_to_one_in_backoff_waits)
{
    server *s = server_start(
        ROOT("  backoff: {initial: 300ms, max: 1h, factor: 1, jitter: none, reset_after: 1h}\n")
            WORKER("w", "", ""));
    kill_process(s, "w");
    wait_until(in_state(s, "w", "backoff"));
    expect_result(rpc(s, "ask", "{\"to\":\"w\",\"msg\":1,\"timeout\":\"20s\"}"), "1");
    server_stop(s);
}
END_TEST

START_TEST(daemon_ends_with_70_and_the_reason_when_the_root_gives_up)
{
    server *s = server_start(ROOT("  max_restarts: 2 in 1h\n  backoff: none\n") TRACED("a", "")
                                 WORKER("w", "", ""));
    for (int i = 0; i < 2; i++) {
        kill_process(s, "w");
        wait_until(incarnation(s, "w") == i + 2 && in_state(s, "w", "running"));
    }
    ck_assert(number_at(rpc(s, "tree", NULL).result, "restarts_used") == 2);
    kill_process(s, "w");
    server_expect_exit(s, 70);
    expect_in(server_stderr(s), "'w' reached the restart limit: killed by SIGKILL");
    ck_assert_str_eq(server_read(s, "trace"), "up a\ndown a\n");
    server_free(s);
}
END_TEST

#define NESTED(keys, children)                                                                     \
    "    - name: g\n      supervisor:\n" keys "        children:\n" children
#define INNER(name, more) "          - {name: " name ", worker: [\"${SELF}\", worker]" more "}\n"

START_TEST(nested_supervisor_that_gives_up_counts_at_its_parent)
{
    server *s = server_start(ROOT("  max_restarts: 1 in 1h\n  backoff: none\n") WORKER("x", "", "")
                                 NESTED("        max_restarts: 0 in 1h\n", INNER("w", "")));
    kill_process(s, "w");
    wait_until(incarnation(s, "g") == 2 && in_state(s, "w", "running"));
    ck_assert(number_at(rpc(s, "tree", NULL).result, "restarts_used") == 1);
    ck_assert_int_eq(incarnation(s, "x"), 1);
    kill_process(s, "w");
    server_expect_exit(s, 70);
    expect_in(server_stderr(s), "'g'");
    expect_in(server_stderr(s), "'w'");
    server_free(s);
}
END_TEST

START_TEST(transient_nested_supervisor_that_gives_up_stays_down)
{
    server *s = server_start(ROOT(
        "  max_restarts: 1 in 1h\n  backoff: none\n") "    - name: g\n      restart: transient\n"
                                                      "      supervisor:\n        max_restarts: 0 "
                                                      "in 1h\n        children:\n" INNER("w", ""));
    kill_process(s, "w");
    wait_until(in_state(s, "g", "stopped"));
    ck_assert(number_at(rpc(s, "tree", NULL).result, "restarts_used") == 0);
    server_stop(s);
}
END_TEST

/* ---- start ---- */

START_TEST(failed_start_takes_back_what_had_started_and_says_why)
{
    server *s = server_refused(
        &(server_options){
            .yaml = ROOT(HARDY) TRACED("a", "") TRACED("b", "") NESTED(
                "", INNER("ok", "") "          - {name: bad, worker: [/no/such/program]}\n")},
        1);
    expect_in(server_stderr(s),
              "the tree could not start: child 'g' failed to start: child 'bad' failed to start: "
              "cannot run '/no/such/program': No such file or directory");
    ck_assert_str_eq(server_read(s, "trace"), "up a\nup b\ndown b\ndown a\n");
    server_free(s);
}
END_TEST

/* ---- calls ---- */

START_TEST(stop_restart_and_delete_answer_as_otp_does)
{
    server *s = server_start(ROOT(HARDY) WORKER("w", "", "") "    - {name: e, echo: {}}\n");
    expect_error(call(s, "actor.delete", "w"), -32012, "invalid_state"); /* it is running */
    expect_ok(call(s, "actor.stop", "w"));
    ck_assert_str_eq(actor_state(s, "w"), "stopped");
    expect_ok(call(s, "actor.stop", "w")); /* it is so already */
    expect_error(rpc(s, "send", "{\"to\":\"w\",\"msg\":1}"), -32013, "stopped");
    expect_ok(call(s, "actor.restart", "w"));
    expect_result(rpc(s, "ask", "{\"to\":\"w\",\"msg\":1}"), "1");
    expect_ok(call(s, "actor.stop", "w"));
    expect_ok(call(s, "actor.delete", "w"));
    expect_error(call(s, "actor.info", "w"), -32001, "not_found");
    expect_error(call(s, "actor.stop", "w"), -32001, "not_found");
    expect_error(call(s, "actor.restart", "w"), -32001, "not_found");
    expect_error(call(s, "actor.delete", "w"), -32001, "not_found");
    expect_error(call(s, "actor.kill", "w"), -32001, "not_found");
    server_stop(s);
}
END_TEST

START_TEST(kill_is_a_crash)
{
    server *s = server_start(ROOT(HARDY) WORKER("w", ", stubborn", ""));
    expect_ok(call(s, "actor.kill", "w"));
    wait_until(incarnation(s, "w") == 2 && in_state(s, "w", "running"));
    ck_assert(number_at(info(s, "w").result, "restarts") == 1);
    server_stop(s);
}
END_TEST

START_TEST(actor_spawned_at_run_time_works_and_its_name_is_taken)
{
    server *s = server_start(ROOT(HARDY) "    - {name: e, echo: {}}\n");
    expect_result(rpc(s, "actor.spawn", "{\"name\":\"n\",\"echo\":{}}"),
                  "{\"name\":\"n\",\"path\":\"/root/n\"}");
    expect_result(rpc(s, "ask", "{\"to\":\"n\",\"msg\":[1]}"), "[1]");
    expect_error(rpc(s, "actor.spawn", "{\"name\":\"n\",\"echo\":{}}"), -32002, "already_exists");
    expect_error(rpc(s, "actor.spawn", "{\"name\":\"m\",\"under\":\"nowhere\",\"echo\":{}}"),
                 -32001, "not_found");
    expect_error(rpc(s, "actor.spawn", "{\"name\":\"m\",\"under\":\"e\",\"echo\":{}}"), -32602,
                 "invalid_params");
    expect_error(rpc(s, "actor.spawn", "{\"name\":\"a b\",\"echo\":{}}"), -32602, "invalid_params");
    expect_error(rpc(s, "actor.spawn", "{\"name\":\"m\",\"echo\":{},\"colour\":1}"), -32602,
                 "invalid_params");
    expect_error(rpc(s, "actor.spawn", "{\"name\":\"m\"}"), -32602, "invalid_params");
    ck_assert(stat_of(s, "actors") == 3);
    server_stop(s);
}
END_TEST

START_TEST(spawn_that_fails_to_start_leaves_nothing)
{
    server *s = server_start(ROOT(HARDY) "    - {name: e, echo: {}}\n");
    answer a = rpc(s, "actor.spawn", "{\"name\":\"n\",\"worker\":[\"/no/such/program\"]}");
    expect_error(a, -32006, "failed");
    expect_in(text_at(a.error, "message"), "/no/such/program");
    expect_error(call(s, "actor.info", "n"), -32001, "not_found");
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"n\",\"echo\":{}}"));
    server_stop(s);
}
END_TEST

START_TEST(what_was_spawned_under_a_supervisor_ends_with_it)
{
    server *s = server_start(ROOT(HARDY) NESTED("        max_restarts: 0 in 1h\n", INNER("w", "")));
    expect_result(rpc(s, "actor.spawn", "{\"name\":\"n\",\"under\":\"g\",\"echo\":{}}"),
                  "{\"name\":\"n\",\"path\":\"/root/g/n\"}");
    kill_process(s, "w");
    wait_until(incarnation(s, "g") == 2 && in_state(s, "w", "running"));
    expect_error(call(s, "actor.info", "n"), -32001, "not_found");
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"n\",\"under\":\"g\",\"echo\":{}}"));
    server_stop(s);
}
END_TEST

START_TEST(what_was_spawned_and_then_stopped_ends_with_its_supervisor_too)
{
    server *s = server_start(ROOT("") NESTED("", INNER("w", "")));
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"n\",\"under\":\"g\",\"echo\":{}}"));
    expect_ok(call(s, "actor.stop", "n"));
    ck_assert_str_eq(actor_state(s, "n"), "stopped");
    expect_ok(call(s, "actor.restart", "g"));
    expect_error(call(s, "actor.info", "n"), -32001, "not_found");
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"n\",\"under\":\"g\",\"echo\":{}}"));
    server_stop(s);
}
END_TEST

static server *with_a_temporary_child_that_has_ended(void)
{
    server *s = server_start(ROOT("") NESTED("", INNER("t", ", restart: temporary")));
    expect_result(rpc(s, "ask", "{\"to\":\"t\",\"msg\":1}"), "1");
    kill_process(s, "t");
    wait_until(!info(s, "t").result);
    return s;
}

START_TEST(F10_a_temporary_child_of_the_file_comes_back_with_its_supervisor)
{
    server *s = with_a_temporary_child_that_has_ended();
    expect_ok(call(s, "actor.restart", "g"));
    ck_assert_str_eq(actor_state(s, "t"), "running");
    expect_result(rpc(s, "ask", "{\"to\":\"t\",\"msg\":2}"), "2");
    ck_assert(number_at(info(s, "t").result, "counters.accepted") == 1);
    answer a = rpc(s, "system.stats", NULL);
    ck_assert(number_at(a.result, "accepted") == 2 && number_at(a.result, "done") == 2);
    server_stop(s);
}
END_TEST

START_TEST(a_temporary_child_whose_name_is_taken_does_not_come_back)
{
    server *s = with_a_temporary_child_that_has_ended();
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"t\",\"echo\":{}}"));
    expect_ok(call(s, "actor.restart", "g"));
    ck_assert_str_eq(text_at(info(s, "t").result, "path"), "/root/t");
    expect_count(s, "g", "{\"specs\":0,\"active\":0,\"supervisors\":0,\"workers\":0}");
    expect_in(server_stderr(s), "can't come back with its supervisor");
    server_stop(s);
}
END_TEST

START_TEST(a_temporary_supervisor_that_was_stopped_comes_back_with_its_own)
{
    server *s = server_start(
        ROOT("") NESTED("", "          - {name: h, restart: temporary, supervisor: {}}\n"));
    expect_ok(call(s, "actor.stop", "h"));
    expect_error(call(s, "actor.info", "h"), -32001, "not_found");
    expect_ok(call(s, "actor.restart", "g"));
    ck_assert_str_eq(actor_state(s, "h"), "running");
    server_stop(s);
}
END_TEST

START_TEST(supervisors_can_be_stopped_and_started_by_name)
{
    server *s = server_start(ROOT(HARDY) NESTED("", INNER("v", "") INNER("w", "")));
    double pid = number_at(info(s, "w").result, "pids[0]");
    expect_ok(call(s, "actor.stop", "g"));
    ck_assert_int_eq(kill((pid_t)pid, 0), -1);
    ck_assert_str_eq(actor_state(s, "w"), "stopped");
    expect_error(rpc(s, "send", "{\"to\":\"w\",\"msg\":1}"), -32013, "stopped");
    expect_ok(call(s, "actor.restart", "g"));
    expect_result(rpc(s, "ask", "{\"to\":\"w\",\"msg\":1}"), "1");
    expect_result(rpc(s, "ask", "{\"to\":\"v\",\"msg\":1}"), "1");
    expect_error(rpc(s, "send", "{\"to\":\"g\",\"msg\":1}"), -32602, "invalid_params");
    server_stop(s);
}
END_TEST

START_TEST(below_a_stopped_supervisor_ends_are_done_and_starts_name_it)
{
    server *s = server_start(ROOT("") NESTED("", INNER("w", "")));
    expect_ok(call(s, "actor.stop", "g"));
    expect_result(call(s, "actor.stop", "w"), "{\"name\":\"w\",\"state\":\"stopped\"}");
    expect_result(call(s, "actor.kill", "w"), "{\"name\":\"w\",\"state\":\"stopped\"}");
    answer a = call(s, "actor.restart", "w");
    expect_error(a, -32013, "stopped");
    ck_assert_str_eq(text_at(a.error, "message"),
                     "the supervisor 'g' of 'w' is stopped; start that first, with: "
                     "actorctl restart g");
    a = rpc(s, "actor.spawn", "{\"name\":\"n\",\"under\":\"g\",\"echo\":{}}");
    expect_error(a, -32013, "stopped");
    expect_in(text_at(a.error, "message"), "actorctl restart g");
    expect_error(call(s, "actor.info", "n"), -32001, "not_found");
    server_stop(s);
}
END_TEST

START_TEST(tree_shows_states_and_the_budget)
{
    server *s = server_start(ROOT("  max_restarts: 5 in 30s\n  backoff: none\n") WORKER("w", "", "")
                                 NESTED("        strategy: rest_for_one\n", INNER("v", "")));
    kill_process(s, "w");
    wait_until(incarnation(s, "w") == 2 && in_state(s, "w", "running"));
    answer a = rpc(s, "tree", NULL);
    ck_assert_str_eq(text_at(a.result, "name"), "root");
    ck_assert_str_eq(text_at(a.result, "strategy"), "one_for_one");
    ck_assert(number_at(a.result, "restarts_used") == 1);
    ck_assert(number_at(a.result, "max_restarts") == 5);
    ck_assert(number_at(a.result, "within_ms") == 30000);
    ck_assert_str_eq(text_at(a.result, "children[0].name"), "w");
    ck_assert_str_eq(text_at(a.result, "children[0].state"), "running");
    ck_assert_str_eq(text_at(a.result, "children[1].strategy"), "rest_for_one");
    ck_assert_str_eq(text_at(a.result, "children[1].children[0].name"), "v");
    a = rpc(s, "tree", "{\"under\":\"g\"}");
    ck_assert_str_eq(text_at(a.result, "name"), "g");
    server_stop(s);
}
END_TEST

/* g (v, w), a pool of three, t */
static server *counted(void)
{
    return server_start(ROOT("  backoff: {initial: 1h, max: 1h}\n") NESTED(
        "", INNER("v", "") INNER("w", "")) WORKER("p", "", ", instances: 3") WORKER("t", "", ""));
}

START_TEST(SUP_86_a_supervisor_counts_its_children_as_otp_does)
{
    server *s = counted();
    expect_count(s, "root", "{\"specs\":3,\"active\":5,\"supervisors\":1,\"workers\":4}");
    expect_count(s, "g", "{\"specs\":2,\"active\":2,\"supervisors\":0,\"workers\":2}");
    expect_ok(call(s, "actor.stop", "t"));
    expect_count(s, "root", "{\"specs\":3,\"active\":4,\"supervisors\":1,\"workers\":4}");
    expect_ok(call(s, "actor.delete", "t"));
    expect_count(s, "root", "{\"specs\":2,\"active\":4,\"supervisors\":1,\"workers\":3}");
    expect_ok(call(s, "actor.stop", "g"));
    expect_count(s, "root", "{\"specs\":2,\"active\":3,\"supervisors\":1,\"workers\":3}");
    expect_count(s, "g", "{\"specs\":2,\"active\":0,\"supervisors\":0,\"workers\":2}");
    expect_ok(rpc(s, "actor.scale", "{\"name\":\"p\",\"instances\":1}"));
    expect_count(s, "root", "{\"specs\":2,\"active\":1,\"supervisors\":1,\"workers\":1}");
    ck_assert(number_at(rpc(s, "tree", NULL).result, "count.active") == 1);
    ck_assert_ptr_null(json_at(info(s, "p").result, "count"));
    server_stop(s);
}
END_TEST

START_TEST(SUP_87_children_that_wait_for_their_restart_are_not_active)
{
    server *s = counted();
    kill_process(s, "t");
    wait_until(in_state(s, "t", "backoff"));
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"p\",\"instance\":2}"));
    expect_count(s, "root", "{\"specs\":3,\"active\":3,\"supervisors\":1,\"workers\":4}");
    ctl_run r = ctl(server_url(s), NULL, "inspect root");
    expect_in(r.out, "children  3 specs, 3 active, 1 supervisors, 4 workers\n");
    server_stop(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        one_for_one_restarts_the_one_alone,
        one_for_all_stops_the_others_in_reverse_and_starts_all_in_order,
        rest_for_one_restarts_what_came_after,
        tree_is_stopped_in_reverse_order,
        SUP_81_a_child_that_is_killed_as_its_shutdown_says_is_no_news,
        group_restart_keeps_mailboxes_and_charges_no_sibling,
        backoff_grows_with_every_crash_and_says_when_the_next_start_is,
        backoff_starts_anew_after_a_quiet_time,
        stop_ends_a_backoff,
        message_to_one_in_backoff_waits,
        daemon_ends_with_70_and_the_reason_when_the_root_gives_up,
        nested_supervisor_that_gives_up_counts_at_its_parent,
        transient_nested_supervisor_that_gives_up_stays_down,
        failed_start_takes_back_what_had_started_and_says_why,
        stop_restart_and_delete_answer_as_otp_does,
        kill_is_a_crash,
        actor_spawned_at_run_time_works_and_its_name_is_taken,
        spawn_that_fails_to_start_leaves_nothing,
        what_was_spawned_under_a_supervisor_ends_with_it,
        what_was_spawned_and_then_stopped_ends_with_its_supervisor_too,
        F10_a_temporary_child_of_the_file_comes_back_with_its_supervisor,
        a_temporary_child_whose_name_is_taken_does_not_come_back,
        a_temporary_supervisor_that_was_stopped_comes_back_with_its_own,
        supervisors_can_be_stopped_and_started_by_name,
        below_a_stopped_supervisor_ends_are_done_and_starts_name_it,
        tree_shows_states_and_the_budget,
        SUP_86_a_supervisor_counts_its_children_as_otp_does,
        SUP_87_children_that_wait_for_their_restart_are_not_active,
        NULL,
    };
    return worker_or_tests(argc, argv, "supervision", tests);
}
