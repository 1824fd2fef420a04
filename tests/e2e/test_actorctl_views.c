/* actorctl against a daemon that answers as told: what it makes of lists, health, dead
 * letters and configurations. */
#include "tests/e2e/harness_ctl.h"
#include "tests/e2e/harness_fake.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOTHING_THERE "ipc:///tmp/actorctl-test.nothing/sock"

static ctl_run run(const char *line)
{
    return ctl(fake_url(), NULL, line);
}

static ctl_run run_with(const char *input, const char *line)
{
    return ctl(fake_url(), input, line);
}

/* --- lists --- */

#define NO_ITEMS "{\"items\":[],\"next\":null}"

#define ACTOR(name, state, more)                                                                   \
    "{\"name\":\"" name "\",\"kind\":\"worker\",\"path\":\"/root/" name "\",\"state\":\"" state    \
    "\",\"incarnation\":1,\"pids\":[42],\"mailbox\":{\"waiting\":2,\"capacity\":100,"              \
    "\"oldest_ms\":1500},\"counters\":{\"accepted\":12345,\"done\":12342,\"dead\":1,"              \
    "\"running\":0},\"latency_ms\":{\"p50\":0.1,\"p99\":1.2},\"restarts\":3" more "}"

START_TEST(ls_shows_a_table)
{
    fake_answers("actor.list", "{\"items\":[" ACTOR("w", "running", "") "],\"next\":null}");
    ctl_run r = run("ls");
    expect_status(r, 0);
    ck_assert_str_eq(
        r.out, "NAME  KIND    STATE    WAITING  RUNNING   DONE  DEAD  RESTARTS     P50     P99\n"
               "w     worker  running        2        0  12.3k     1         3  100 us  1.2 ms\n");
}
END_TEST

START_TEST(ls_prints_names_or_lines_for_pipes)
{
    fake_answers("actor.list",
                 "{\"items\":[{\"name\":\"a\", \"x\":1.0},{\"name\":\"b\"}],\"next\":null}");
    ck_assert_str_eq(run("ls -o name").out, "a\nb\n");
    ck_assert_str_eq(run("ls -o jsonl").out, "{\"name\":\"a\", \"x\":1.0}\n{\"name\":\"b\"}\n");
    expect_status(run("ls -o xml"), 2);
}
END_TEST

START_TEST(list_of_several_pages_is_one_document)
{
    fake_answers("actor.list", "{\"items\":[{\"name\":\"a\"}],\"next\":\"c1\"}");
    fake_answers("actor.list", "{\"items\":[{\"name\":\"b\"}],\"next\":null}");
    ck_assert_str_eq(run("ls --json").out,
                     "{\"items\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"next\":null}\n");
    expect_in(fake_request(1), "\"after\":\"c1\"");
}
END_TEST

START_TEST(table_is_coloured_and_cut_on_a_terminal_only)
{
    fake_answers("actor.list",
                 "{\"items\":[" ACTOR("a_name_that_is_long", "running", "") "],\"next\":null}");
    ctl_run r = ctl_on_terminal(fake_url(), 75, "", "ls");
    expect_in(r.out, "\033[32mrunning\033[0m");
    expect_in(r.out, "…");
    r = run("ls");
    expect_not_in(r.out, "\033");
    expect_in(r.out, "a_name_that_is_long");
}
END_TEST

START_TEST(watch_repeats_until_interrupted_and_is_then_ok)
{
    fake_answers("actor.list", "{\"items\":[{\"name\":\"a\"}],\"next\":null}");
    ctl_start(fake_url(), NULL, "ls -o name --watch=10ms");
    fake_wait(3); /* so that two frames are written */
    ctl_run r = ctl_finish(SIGINT);
    expect_status(r, 0);
    ck_assert_int_eq(strncmp(r.out, "a\na\n", 4), 0);
    ck_assert_str_eq(r.err, "");
}
END_TEST

START_TEST(watch_redraws_a_terminal)
{
    fake_answers("actor.list", "{\"items\":[{\"name\":\"a\"}],\"next\":null}");
    fake_fails("actor.list", -32010, "denied", "not any more", "");
    ctl_run r = ctl_on_terminal(fake_url(), 80, "", "ls -o name --watch=10ms");
    expect_status(r, 9);
    expect_in(r.out, "\033[Ha\033[K\r\n\033[J");
}
END_TEST

START_TEST(reader_that_went_away_is_no_error)
{
    fake_answers("actor.list", NO_ITEMS);
    signal(SIGPIPE, SIG_IGN); /* inherited: the write fails, no signal comes */
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ctl_run r = ctl_into(ends[1], fake_url(), "ls --json");
    close(ends[1]);
    expect_status(r, 0);
    ck_assert_str_eq(r.err, "");
}
END_TEST

START_TEST(text_of_programs_cannot_steer_the_terminal)
{
    fake_answers("deadletter.list",
                 "{\"items\":[{\"id\":\"d-1\",\"message\":\"m-1\",\"actor\":\"w\",\"reason\":"
                 "\"failed\",\"attempts\":3,\"error\":\"\\u001b[2Jboom\\nline\",\"at\":"
                 "\"2026-01-01T00:00:00Z\",\"bytes\":61}],\"next\":null}");
    ctl_run r = run("deadletters ls --actor w --reason failed --since 1h");
    expect_status(r, 0);
    expect_params(0, "{\"actor\":\"w\",\"reason\":\"failed\",\"since\":\"1h\",");
    expect_in(r.out, "?[2Jboom line\n");
}
END_TEST

START_TEST(tree_draws_one_line_a_node)
{
    fake_answers(
        "tree", "{\"name\":\"root\",\"kind\":\"supervisor\",\"strategy\":\"one_for_one\",\"state\":"
                "\"running\",\"restarts_used\":1,\"max_restarts\":10,\"within_ms\":60000,"
                "\"children\":[{\"name\":\"s\",\"kind\":\"supervisor\",\"strategy\":"
                "\"rest_for_one\",\"state\":\"running\",\"restarts_used\":0,\"max_restarts\":3,"
                "\"within_ms\":60000,\"children\":[{\"name\":\"a\",\"kind\":\"exec\",\"state\":"
                "\"backoff\"}]},{\"name\":\"e\",\"kind\":\"echo\",\"state\":\"running\","
                "\"waiting\":12345}]}");
    ctl_run r = run("tree");
    expect_status(r, 0);
    ck_assert_str_eq(r.out, "NAME     STATE    KIND        STRATEGY      RESTARTS    WAITING\n"
                            "root     running  supervisor  one_for_one   1/10 in 1m\n"
                            "├─ s     running  supervisor  rest_for_one  0/3 in 1m\n"
                            "│  └─ a  backoff  exec\n"
                            "└─ e     running  echo                                    12.3k\n");
}
END_TEST

/* --- health --- */

static void answer_health(const char *actors, const char *breakers)
{
    fake_answers("system.info", "{\"name\":\"demo\",\"version\":\"0.1.0\",\"pid\":42,\"uptime_ms\":"
                                "192000,\"workers\":2,\"draining\":false,\"config\":\"/etc/"
                                "a.yaml\",\"config_loaded_at\":\"2026-01-01T00:00:00Z\"}");
    fake_answers(
        "system.stats",
        "{\"accepted\":9,\"done\":5,\"dead\":1,\"cancelled\":0,\"expired\":0,\"dropped\":0,"
        "\"waiting\":2,\"running\":1,\"retrying\":0,\"restarts\":0,\"actors\":1,"
        "\"per_second\":1.5}");
    fake_answers("actor.list", actors);
    fake_answers("breaker.list", breakers);
    fake_answers("deadletter.list",
                 "{\"items\":[{\"id\":\"d-1\",\"reason\":\"failed\"},{\"id\":\"d-2\",\"reason\":"
                 "\"expired\"},{\"id\":\"d-3\",\"reason\":\"failed\"}],\"next\":null}");
}

START_TEST(status_of_a_healthy_daemon)
{
    answer_health("{\"items\":[" ACTOR("w", "running", "") "],\"next\":null}", NO_ITEMS);
    ctl_run r = run("status --check");
    expect_status(r, 0);
    expect_in(r.out, "healthy   actord 0.1.0 'demo', pid 42, up 3m12s, 2 workers\n");
    expect_in(r.out, "config    /etc/a.yaml, loaded ");
    expect_in(r.out, "9 accepted = 5 done + 1 dead + 2 waiting + 1 running; 1.5/s\n");
    expect_in(r.out, "dead      3: 2 failed, 1 expired\n");
    expect_in(r.out, "next      actorctl deadletters ls\n");
}
END_TEST

START_TEST(status_names_what_is_not_well_and_exits_3_with_check)
{
    answer_health(
        "{\"items\":[" ACTOR("w", "backoff",
                             ",\"next_start_ms\":1200,\"last_exit\":\"exit 1\"") "],\"next\":null}",
        "{\"items\":[{\"name\":\"b\",\"state\":\"open\",\"failure_rate\":0.6,"
        "\"slow_rate\":null,\"calls\":20,\"not_permitted\":3,\"since_ms\":12,"
        "\"next_ms\":18000,\"used_by\":[\"w\"]}],\"next\":null}");
    ctl_run r = run("status --check");
    expect_status(r, 3);
    expect_in(r.out, "not healthy");
    expect_in(r.out, "exit 1");
    expect_in(r.out, "next start in 1.2 s");
    expect_in(r.out, "60 %");
    expect_in(r.out, "next      actorctl inspect w\n");
    expect_status(run("status"), 0);
}
END_TEST

static const struct {
    const char *actor;
    int status;
} stopped_rows[] = {
    {ACTOR("w", "stopped", ",\"last_exit\":null"), 0},
    {ACTOR("w", "stopped", ",\"last_exit\":\"normal\""), 0},
    {ACTOR("w", "stopped", ",\"last_exit\":\"requested\""), 0},
    {ACTOR("w", "paused", ""), 0},
    {ACTOR("w", "stopped", ",\"last_exit\":\"crash: exit 1\""), 3},
    {ACTOR("s", "stopped", ",\"last_exit\":\"requested: child 'w' ended: exit 1\""), 3},
    {ACTOR("w", "starting", ""), 3},
};

START_TEST(stopped_is_healthy_when_somebody_wished_it)
{
    char items[1024];
    snprintf(items, sizeof items, "{\"items\":[%s],\"next\":null}", stopped_rows[_i].actor);
    answer_health(items, NO_ITEMS);
    expect_status(run("status --check"), stopped_rows[_i].status);
}
END_TEST

START_TEST(status_says_when_the_counts_do_not_add_up)
{
    fake_answers("system.info", "{\"name\":\"demo\"}");
    fake_answers("system.stats", "{\"accepted\":9,\"done\":5}");
    fake_answers("actor.list", NO_ITEMS);
    fake_answers("breaker.list", NO_ITEMS);
    fake_answers("deadletter.list", NO_ITEMS);
    expect_in(run("status").out, "don't add up: 5 of 9");
}
END_TEST

START_TEST(inspect_says_why)
{
    fake_answers("actor.info", ACTOR("w", "backoff",
                                     ",\"next_start_ms\":1200,\"last_exit\":\"signal 9\","
                                     "\"breaker\":\"b\""));
    fake_answers("tree",
                 "{\"name\":\"root\",\"strategy\":\"one_for_one\",\"restarts_used\":3,"
                 "\"max_restarts\":10,\"within_ms\":60000,\"children\":[{\"name\":\"w\"}]}");
    fake_answers("breaker.list",
                 "{\"items\":[{\"name\":\"b\",\"state\":\"closed\"}],\"next\":null}");
    fake_answers("deadletter.list",
                 "{\"items\":[{\"id\":\"d-9\",\"reason\":\"failed\"}],\"next\":null}");
    ctl_run r = run("inspect w");
    expect_status(r, 0);
    expect_in(r.out, "signal 9");
    expect_in(r.out, "next start in 1.2 s");
    expect_in(r.out, "3 of 10 restarts used in the last 1m");
    expect_in(r.out, "mailbox   2 of 100 waiting, the oldest for 1.5 s\n");
    expect_in(r.out, "d-9");
}
END_TEST

START_TEST(state_is_printed_byte_for_byte)
{
    fake_answers("actor.state", "{\"name\":\"w\",\"state\":{\"b\": 1.0, \"a\":[]}}");
    fake_answers("actor.state", "{\"name\":\"w\",\"state\":null}");
    ctl_run r = run("state w");
    expect_status(r, 0);
    ck_assert_str_eq(r.out, "{\"b\": 1.0, \"a\":[]}\n");
    ck_assert_str_eq(run("state w --json").out, "{\"name\":\"w\",\"state\":null}\n");
    expect_status(run("state"), 2);
}
END_TEST

/* --- dead letters and configuration --- */

START_TEST(deadletters_replay_takes_ids_or_filters)
{
    fake_answers("deadletter.replay", "{\"items\":[{\"id\":\"d-1\",\"replayed_as\":\"m-9\"}],"
                                      "\"replayed\":1,\"dry_run\":false}");
    fake_answers("deadletter.replay", "{\"items\":[],\"replayed\":2}");
    ctl_run both = run("deadletters replay d-1 d-2");
    expect_status(both, 0);
    ck_assert_str_eq(both.out, "m-9\n");
    expect_params(0, "{\"id\":\"d-1\"}");
    expect_params(1, "{\"id\":\"d-2\"}");
    ctl_run r = run("deadletters replay --actor w --dry-run");
    expect_params(2, "{\"actor\":\"w\",\"dry_run\":true}");
    expect_in(r.err, "would have replayed 2 dead letters");
}
END_TEST

START_TEST(deadletters_drop_of_one_missing_goes_on_and_is_4)
{
    fake_fails("deadletter.drop", -32001, "not_found", "no dead letter d-1", "");
    fake_answers("deadletter.drop", "{\"dropped\":1}");
    ctl_run r = run("deadletters drop d-1 d-2 --yes");
    expect_status(r, 4);
    ck_assert_uint_eq(fake_request_count(), 2);
}
END_TEST

START_TEST(deadletters_show_prints_the_payloads_bytes)
{
    fake_answers("deadletter.show",
                 "{\"id\":\"d-1\",\"message\":\"m-1\",\"actor\":\"w\",\"reason\":"
                 "\"failed\",\"attempts\":3,\"error\":\"exit 1\",\"msg\":{\"b\":1.0},"
                 "\"failures\":[{\"attempt\":2,\"at\":\"then\",\"error\":\"timeout\"}],\"stderr\":"
                 "\"one\\ntwo\\n\"}");
    ctl_run r = run("deadletters show d-1");
    expect_in(r.out, "msg       {\"b\":1.0}\n");
    expect_in(r.out, "then  timeout\n");
    expect_in(r.out, "  one\n  two\n");
}
END_TEST

START_TEST(check_prints_every_error_and_exits_8)
{
    fake_answers(
        "config.check",
        "{\"ok\":false,\"errors\":[{\"file\":\"<text>\",\"line\":1,\"column\":3,\"message\":"
        "\"unknown key 'b'\",\"suggestion\":\"did you mean 'a'?\",\"source\":\"  b: 1\"},"
        "{\"line\":2,\"column\":1,\"message\":\"two\"}]}");
    ctl_run r = run_with("  b: 1\n\"x\"\n", "check -");
    expect_status(r, 8);
    expect_params(0, "{\"text\":\"  b: 1\\u000a\\\"x\\\"\\u000a\"}");
    expect_in(r.err, "stdin:1:3: error: unknown key 'b'; did you mean 'a'?\n      b: 1\n      ^\n");
    expect_in(r.err, "stdin:2:1: error: two\n");
    expect_in(r.err, "2 errors\n");
}
END_TEST

START_TEST(check_of_a_valid_text_prints_the_plan)
{
    fake_answers("config.check",
                 "{\"valid\":true,\"plan\":[],\"text\":\"start   w\\nstop    v\\n\"}");
    ctl_run r = run_with("version: 1\n", "check -");
    expect_status(r, 0);
    ck_assert_str_eq(r.out, "start   w\nstop    v\n");
}
END_TEST

START_TEST(check_of_a_missing_file_is_1)
{
    ctl_run r = run("check /nonexistent/actord.yaml");
    expect_status(r, 1);
    expect_in(r.err, "/nonexistent/actord.yaml");
}
END_TEST

START_TEST(reload_refused_is_8)
{
    fake_fails(
        "config.reload", -32602, "invalid_params", "the configuration is invalid",
        ",\"errors\":[{\"file\":\"/etc/a.yaml\",\"line\":3,\"column\":1,\"message\":\"bad\"}]");
    ctl_run r = run("reload");
    expect_status(r, 8);
    expect_in(r.err, "/etc/a.yaml:3:1: error: bad\n1 error\nthe configuration is invalid\n");
}
END_TEST

START_TEST(reload_that_half_succeeded_is_1)
{
    fake_answers("config.reload",
                 "{\"plan\":[],\"text\":\"start w\\n\",\"failed\":[\"start w: no such file\"]}");
    ctl_run r = run("reload");
    expect_status(r, 1);
    ck_assert_str_eq(r.out, "start w\n");
    expect_in(r.err, "start w: no such file");
}
END_TEST

START_TEST(raw_prints_the_answer_and_maps_its_error)
{
    fake_fails("x", -32001, "not_found", "no", "");
    ctl_run r = run("raw '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}'");
    expect_status(r, 4);
    ck_assert_str_eq(fake_request(0), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}");
    expect_in(r.out, "\"message\":\"no\"");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("actorctl_views");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, fake_start, fake_stop);

    tcase_add_test(t, ls_shows_a_table);
    tcase_add_test(t, ls_prints_names_or_lines_for_pipes);
    tcase_add_test(t, list_of_several_pages_is_one_document);
    tcase_add_test(t, table_is_coloured_and_cut_on_a_terminal_only);
    tcase_add_test(t, watch_repeats_until_interrupted_and_is_then_ok);
    tcase_add_test(t, watch_redraws_a_terminal);
    tcase_add_test(t, reader_that_went_away_is_no_error);
    tcase_add_test(t, text_of_programs_cannot_steer_the_terminal);
    tcase_add_test(t, tree_draws_one_line_a_node);
    tcase_add_test(t, status_of_a_healthy_daemon);
    tcase_add_test(t, status_names_what_is_not_well_and_exits_3_with_check);
    tcase_add_loop_test(t, stopped_is_healthy_when_somebody_wished_it, 0,
                        sizeof stopped_rows / sizeof *stopped_rows);
    tcase_add_test(t, status_says_when_the_counts_do_not_add_up);
    tcase_add_test(t, inspect_says_why);
    tcase_add_test(t, state_is_printed_byte_for_byte);

    tcase_add_test(t, deadletters_replay_takes_ids_or_filters);
    tcase_add_test(t, deadletters_drop_of_one_missing_goes_on_and_is_4);
    tcase_add_test(t, deadletters_show_prints_the_payloads_bytes);
    tcase_add_test(t, check_prints_every_error_and_exits_8);
    tcase_add_test(t, check_of_a_valid_text_prints_the_plan);
    tcase_add_test(t, check_of_a_missing_file_is_1);
    tcase_add_test(t, reload_refused_is_8);
    tcase_add_test(t, reload_that_half_succeeded_is_1);
    tcase_add_test(t, raw_prints_the_answer_and_maps_its_error);
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
