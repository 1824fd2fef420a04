/* Supervisors: start, stop, restart types, strategies, limit, backoff. In simulation: what is
 * written is virtual time. */
#include "tests/support/family.h"
#include "tests/support/suite.h"

#include <string.h>

#define ONE  SUPERVISOR_ONE_FOR_ONE
#define ALL  SUPERVISOR_ONE_FOR_ALL
#define REST SUPERVISOR_REST_FOR_ONE

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static actor_ref root;

static void setup(void)
{
    family_setup(1);
}

/* Of a table: each begins with a system of its own. */
static void next_row(void)
{
    family_teardown();
    family_setup(1);
}

static supervisor_flags flags(supervisor_strategy strategy)
{
    return family_flags(strategy, 10, 60000);
}

/* A running tree whose start is out of the log. */
static void running(supervisor_spec *spec)
{
    root = family_spawn(spec);
    ck_assert_str_eq(family_events.text, "up root");
    family_log.text[0] = family_events.text[0] = family_states.text[0] = '\0';
}

static void order(const char *name, kid_order what)
{
    kid_do(name, what);
    family_settle();
}

static supervisor_child_state state_of(const char *name)
{
    return kid_of(name)->seen.state;
}

/* ---- Start ---- */

START_TEST(SUP_01_children_start_one_after_the_other)
{
    kid_of("b")->start_time = 1000;
    root = family_spawn(family_spec("root", flags(ONE), "a b c"));
    trace_is(&family_log, "+a (b");
    trace_is(&family_events, "");
    family_run(999);
    trace_is(&family_log, "");
    family_run(1);
    trace_is(&family_log, "+b +c");
    trace_is(&family_events, "up root");
}
END_TEST

START_TEST(SUP_03_a_supervisor_without_children)
{
    running(family_spec("root", flags(ALL), ""));
    family_answers(root, supervisor_request_count(), SUPERVISOR_OK);
    ck_assert_uint_eq(family_last.counts.specs, 0);
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    trace_is(&family_events, "down root");
}
END_TEST

START_TEST(a_root_that_is_stopped_before_it_begins_says_so)
{
    ck_assert_int_eq(supervisor_spawn(family, family_spec("root", flags(ONE), "a b"), &root),
                     SUPERVISOR_OK);
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    trace_is(&family_log, "");
    trace_is(&family_events, "down root");
    ck_assert_str_eq(family_reason, "it was stopped before it began");
}
END_TEST

START_TEST(SUP_05_a_start_that_fails_rolls_back)
{
    kid_of("c")->failing_starts = 1;
    (void)family_spawn(family_spec("root", flags(ONE), "a b c d"));
    trace_is(&family_log, "+a +b !c -b -a");
    trace_is(&family_events, "failed root down root");
    ck_assert_str_eq(family_reason, "child 'c' failed to start: c will not");
}
END_TEST

START_TEST(SUP_05_roll_back_honours_the_stop_policy)
{
    kid_of("b")->failing_starts = 1;
    kid_of("a")->stop_time = -1;
    kid_of("a")->shutdown = 300;
    (void)family_spawn(family_spec("root", flags(ONE), "a b"));
    trace_is(&family_log, "+a !b <a");
    family_run(299);
    trace_is(&family_events, "failed root");
    family_run(1);
    trace_is(&family_log, "xa");
    trace_is(&family_events, "down root");
}
END_TEST

START_TEST(SUP_06_no_retry_at_the_first_start)
{
    kid_of("a")->failing_starts = 1;
    (void)family_spawn(family_spec("root", flags(ONE), "a"));
    family_run(100000);
    trace_is(&family_log, "!a");
    trace_is(&family_events, "failed root down root");
}
END_TEST

START_TEST(SUP_09_a_child_that_declines_stays_stopped)
{
    kid_of("a")->declines = true;
    running(family_spec("root", flags(ONE), "a b"));
    trace_is(&family_log, "");
    family_answers(root, supervisor_request_which(NULL), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, "a:stopped b:running");
    family_answers(root, supervisor_request_count(), SUPERVISOR_OK);
    ck_assert_uint_eq(family_last.counts.specs, 2);
    ck_assert_uint_eq(family_last.counts.active, 1);
    ck_assert_uint_eq(family_last.counts.workers, 2);
    family_answers(root, supervisor_request_restart("a"), SUPERVISOR_OK);
    trace_is(&family_log, "+a");
}
END_TEST

START_TEST(SUP_10_a_temporary_child_that_declines_is_forgotten)
{
    kid_of("a")->declines = true;
    kid_of("a")->restart = SUPERVISOR_TEMPORARY;
    running(family_spec("root", flags(ONE), "a b"));
    family_answers(root, supervisor_request_which(NULL), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, "b:running");
}
END_TEST

START_TEST(SUP_13_a_child_that_declines_its_restart_stays_stopped)
{
    running(family_spec("root", flags(ONE), "a"));
    kid_of("a")->declines = true;
    order("a", KID_CRASH);
    family_run(100000);
    trace_is(&family_log, "*a ?a");
    ck_assert_int_eq(state_of("a"), SUPERVISOR_CHILD_STOPPED);
}
END_TEST

START_TEST(a_start_that_takes_too_long_is_killed_and_has_failed)
{
    kid_of("a")->start_time = -1;
    kid_of("a")->start_timeout = 200;
    (void)family_spawn(family_spec("root", flags(ONE), "a"));
    family_run(199);
    trace_is(&family_events, "");
    family_run(1);
    trace_is(&family_events, "failed root down root");
    ck_assert_str_eq(family_reason, "child 'a' failed to start: did not start within 200 ms");
}
END_TEST

START_TEST(SUP_16_bad_specs_are_refused_by_name)
{
    char why[160];
    supervisor_child c = family_child(kid_of("a"));
    c.shutdown = -7;
    ck_assert_int_eq(supervisor_child_check(&c, SUPERVISOR_NEVER, why, sizeof why),
                     SUPERVISOR_EINVAL);
    ck_assert_str_eq(why, "'a': shutdown: -7 ms is negative");
    c = family_child(kid_of("a"));
    c.id = "";
    ck_assert_int_eq(supervisor_child_check(&c, SUPERVISOR_NEVER, why, sizeof why),
                     SUPERVISOR_EINVAL);
    ck_assert_str_eq(why, "id: is missing");
    c = family_child(kid_of("a"));
    c.behaviour = NULL;
    ck_assert_int_eq(supervisor_child_check(&c, SUPERVISOR_NEVER, NULL, 0), SUPERVISOR_EINVAL);
    c = family_child(kid_of("a"));
    c.restart = (supervisor_restart)9;
    ck_assert_int_eq(supervisor_child_check(&c, SUPERVISOR_NEVER, NULL, 0), SUPERVISOR_EINVAL);
}
END_TEST

START_TEST(SUP_15_bad_flags_are_refused_by_name)
{
    char why[160];
    supervisor_flags f = family_flags(ONE, -2, 1000);
    ck_assert_int_eq(supervisor_flags_check(&f, why, sizeof why), SUPERVISOR_EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "max_restarts"));
    f = family_flags(ONE, 1, 0);
    ck_assert_int_eq(supervisor_flags_check(&f, why, sizeof why), SUPERVISOR_EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "period"));
    f = family_flags((supervisor_strategy)7, 1, 1000);
    ck_assert_int_eq(supervisor_flags_check(&f, why, sizeof why), SUPERVISOR_EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "strategy"));
    f = family_flags(ONE, 0, 1000);
    ck_assert_int_eq(supervisor_flags_check(&f, why, sizeof why), SUPERVISOR_OK);
}
END_TEST

START_TEST(SUP_17_duplicate_ids_are_refused)
{
    char why[160];
    supervisor_spec *spec = family_spec("root", flags(ONE), "a");
    supervisor_child c = family_child(kid_of("a"));
    ck_assert_int_eq(supervisor_spec_add(spec, &c, why, sizeof why), SUPERVISOR_EPRESENT);
    ck_assert_ptr_nonnull(strstr(why, "'a'"));
    supervisor_spec_free(spec);
}
END_TEST

/* ---- Restart types ---- */

static const struct {
    const char *scenario;
    supervisor_restart type;
    kid_order how;
    const char *log;
    const char *list;
} types[] = {
    {"SUP_22 permanent, clean", SUPERVISOR_PERMANENT, KID_EXIT, "*a +a", "a:running"},
    {"SUP_22 permanent, crash", SUPERVISOR_PERMANENT, KID_CRASH, "*a +a", "a:running"},
    {"SUP_23 transient, clean", SUPERVISOR_TRANSIENT, KID_EXIT, "*a", "a:stopped"},
    {"SUP_23 transient, crash", SUPERVISOR_TRANSIENT, KID_CRASH, "*a +a", "a:running"},
    {"SUP_24 temporary, clean", SUPERVISOR_TEMPORARY, KID_EXIT, "*a", ""},
    {"SUP_24 temporary, crash", SUPERVISOR_TEMPORARY, KID_CRASH, "*a", ""},
    {"directive: stop, permanent", SUPERVISOR_PERMANENT, KID_FAIL_STOP, "*a", "a:stopped"},
    {"directive: stop, transient", SUPERVISOR_TRANSIENT, KID_FAIL_STOP, "*a", "a:stopped"},
    {"SUP_129 resume", SUPERVISOR_PERMANENT, KID_FAIL_MESSAGE, "", "a:running"},
};

START_TEST(restart_types_decide)
{
    for (size_t i = 0; i < COUNT(types); i++) {
        kid_of("a")->restart = types[i].type;
        running(family_spec("root", flags(ONE), "a"));
        order("a", types[i].how);
        ck_assert_msg(strcmp(family_log.text, types[i].log) == 0, "%s: %s", types[i].scenario,
                      family_log.text);
        family_answers(root, supervisor_request_which(NULL), SUPERVISOR_OK);
        ck_assert_msg(strcmp(family_last.list, types[i].list) == 0, "%s: %s", types[i].scenario,
                      family_last.list);
        next_row();
    }
}
END_TEST

static void kill_by_call(const char *name)
{
    family_answers(root, supervisor_request_kill(name), SUPERVISOR_OK);
}

START_TEST(SUP_22_23_24_killed_is_a_crash)
{
    kid_of("b")->restart = SUPERVISOR_TRANSIENT;
    kid_of("c")->restart = SUPERVISOR_TEMPORARY;
    running(family_spec("root", flags(ONE), "a b c"));
    kill_by_call("a");
    trace_is(&family_log, "xa +a");
    kill_by_call("b");
    trace_is(&family_log, "xb +b");
    kill_by_call("c");
    trace_is(&family_log, "xc");
    ck_assert_int_eq(kid_of("c")->seen.state, SUPERVISOR_CHILD_GONE);
}
END_TEST

START_TEST(SUP_27_a_restart_has_a_fresh_state_and_the_same_reference)
{
    running(family_spec("root", flags(ONE), "a"));
    actor_ref before = kid_of("a")->ref;
    order("a", KID_COUNT);
    order("a", KID_COUNT);
    ck_assert_uint_eq(kid_of("a")->private, 2);
    order("a", KID_CRASH);
    order("a", KID_COUNT);
    ck_assert_uint_eq(kid_of("a")->private, 1);
    ck_assert(actor_ref_eq(before, kid_of("a")->ref));
    ck_assert_uint_eq(kid_of("a")->seen.incarnation, 2);
    ck_assert_uint_eq(kid_of("a")->seen.restarts, 1);
}
END_TEST

START_TEST(SUP_146_the_mailbox_survives_the_restart_in_order)
{
    running(family_spec("root", flags(ONE), "a"));
    kid_do("a", KID_CRASH);
    for (unsigned i = 0; i < 100; i++)
        kid_do("a", (kid_order)(KID_VALUE + i));
    kid_do("a", KID_COUNT);
    family_settle();
    ck_assert_uint_eq(kid_of("a")->value, 99);
    ck_assert_uint_eq(kid_of("a")->private, 1);
    ck_assert_uint_eq(kid_of("a")->starts, 2);
}
END_TEST

START_TEST(SUP_147_a_message_that_crashes_its_reader_is_not_delivered_again)
{
    running(family_spec("root", flags(ONE), "a"));
    order("a", KID_CRASH);
    family_run(1000);
    trace_is(&family_log, "*a +a");
    ck_assert_uint_eq(family_dead_letters, 1);
}
END_TEST

START_TEST(what_waits_for_a_child_that_finished_is_a_dead_letter)
{
    kid_of("a")->restart = SUPERVISOR_TRANSIENT;
    running(family_spec("root", flags(ONE), "a"));
    kid_do("a", KID_EXIT);
    kid_do("a", KID_COUNT);
    kid_do("a", KID_COUNT);
    family_settle();
    ck_assert_uint_eq(family_dead_letters, 2);
    ck_assert(actor_ref_none(kid_of("a")->seen.ref));
}
END_TEST

/* ---- Strategies ---- */

static const struct {
    const char *scenario;
    supervisor_strategy strategy;
    const char *crashes;
    const char *log;
} strategies[] = {
    {"SUP_29 one_for_one", ONE, "b", "*b +b"},
    {"SUP_30 one_for_all", ALL, "b", "*b -d -c -a +a +b +c +d"},
    {"SUP_30 the last one", ALL, "d", "*d -c -b -a +a +b +c +d"},
    {"SUP_31 rest_for_one", REST, "b", "*b -d -c +b +c +d"},
    {"SUP_31 the first one", REST, "a", "*a -d -c -b +a +b +c +d"},
    {"SUP_31 the last one", REST, "d", "*d +d"},
};

START_TEST(strategies_stop_in_reverse_and_start_in_order)
{
    for (size_t i = 0; i < COUNT(strategies); i++) {
        running(family_spec("root", flags(strategies[i].strategy), "a b c d"));
        order(strategies[i].crashes, KID_CRASH);
        ck_assert_msg(strcmp(family_log.text, strategies[i].log) == 0, "%s: %s",
                      strategies[i].scenario, family_log.text);
        next_row();
    }
}
END_TEST

START_TEST(SUP_30_no_start_begins_before_the_last_stop_is_over)
{
    kid_of("a")->stop_time = 700;
    kid_of("c")->stop_time = 300;
    running(family_spec("root", flags(ALL), "a b c"));
    order("b", KID_CRASH);
    trace_is(&family_log, "*b <c");
    family_run(300);
    trace_is(&family_log, "-c <a");
    family_run(699);
    trace_is(&family_log, "");
    family_run(1);
    trace_is(&family_log, "-a +a +b +c");
}
END_TEST

START_TEST(SUP_33_one_group_restart_is_one_restart)
{
    running(family_spec("root", family_flags(ALL, 1, 60000), "a b c d e"));
    order("c", KID_CRASH);
    trace_is(&family_events, "");
    ck_assert(kid_of("a")->alive);
    order("c", KID_CRASH);
    trace_is(&family_events, "tripped root(c) down root");
}
END_TEST

START_TEST(SUP_34_crashes_at_the_same_instant_one_for_one)
{
    running(family_spec("root", family_flags(ONE, 1, 60000), "a b"));
    kid_do("a", KID_CRASH);
    kid_do("b", KID_CRASH);
    family_settle();
    ck_assert_ptr_nonnull(strstr(family_events.text, "tripped root"));
}
END_TEST

START_TEST(SUP_34_a_crash_while_its_group_stops_is_absorbed)
{
    kid_of("c")->stop_time = 100;
    running(family_spec("root", family_flags(ALL, 1, 60000), "a b c"));
    order("a", KID_CRASH);
    trace_is(&family_log, "*a <c");
    order("b", KID_CRASH);
    family_run(100);
    trace_is(&family_log, "*b -c +a +b +c");
    trace_is(&family_events, "");
}
END_TEST

START_TEST(SUP_35_a_temporary_bystander_is_removed)
{
    kid_of("b")->restart = SUPERVISOR_TEMPORARY;
    running(family_spec("root", flags(ALL), "a b c"));
    order("a", KID_CRASH);
    trace_is(&family_log, "*a -c -b +a +c");
    family_answers(root, supervisor_request_which(NULL), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, "a:running c:running");
}
END_TEST

START_TEST(SUP_36_a_finished_sibling_is_revived_by_its_group)
{
    kid_of("b")->restart = SUPERVISOR_TRANSIENT;
    running(family_spec("root", flags(ALL), "a b"));
    order("b", KID_EXIT);
    trace_is(&family_log, "*b");
    order("a", KID_CRASH);
    trace_is(&family_log, "*a +a +b");
}
END_TEST

START_TEST(SUP_36_rest_for_one_revives_only_what_comes_after)
{
    kid_of("a")->restart = SUPERVISOR_TRANSIENT;
    kid_of("c")->restart = SUPERVISOR_TRANSIENT;
    running(family_spec("root", flags(REST), "a b c"));
    order("a", KID_EXIT);
    order("c", KID_EXIT);
    trace_is(&family_log, "*a *c");
    order("b", KID_CRASH);
    trace_is(&family_log, "*b +b +c");
}
END_TEST

START_TEST(SUP_37_a_stopped_sibling_is_revived_by_its_group)
{
    running(family_spec("root", flags(ALL), "a b"));
    family_answers(root, supervisor_request_stop("b"), SUPERVISOR_OK);
    trace_is(&family_log, "-b");
    order("a", KID_CRASH);
    trace_is(&family_log, "*a +a +b");
}
END_TEST

START_TEST(SUP_38_a_group_restart_honours_the_stop_policy)
{
    kid_of("b")->shutdown = 1000;
    kid_of("b")->stop_time = -1;
    running(family_spec("root", flags(ALL), "a b"));
    order("a", KID_CRASH);
    family_run(999);
    trace_is(&family_log, "*a <b");
    family_run(1);
    trace_is(&family_log, "xb +a +b");
}
END_TEST

START_TEST(SUP_39_a_sibling_that_cannot_start_restarts_the_group_again)
{
    running(family_spec("root", family_flags(ALL, 3, 60000), "a b"));
    kid_of("b")->failing_starts = 2;
    order("a", KID_CRASH);
    trace_is(&family_log, "*a -b +a !b -a +a !b -a +a +b");
    trace_is(&family_events, "");
    order("a", KID_CRASH); /* three are counted: a, b, b */
    ck_assert_ptr_nonnull(strstr(family_events.text, "tripped root(a)"));
}
END_TEST

START_TEST(SUP_41_what_is_shown_while_a_pivot_fails)
{
    supervisor_flags f = flags(REST);
    f.backoff = (backoff_restart){.policy = {BACKOFF_FIXED, BACKOFF_JITTER_NONE, 100, 100, 1},
                                  .reset_after = 1000};
    running(family_spec("root", f, "a b c"));
    kid_of("b")->failing_starts = 3;
    order("b", KID_CRASH);
    family_run(150);
    family_answers(root, supervisor_request_which(NULL), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, "a:running b:backoff c:stopped");
    family_answers(root, supervisor_request_count(), SUPERVISOR_OK);
    ck_assert_uint_eq(family_last.counts.active, 1);
    trace_is(&family_log, "*b -c !b");
    family_run(1000);
    trace_is(&family_log, "!b !b +b +c");
}
END_TEST

START_TEST(rest_for_one_goes_on_from_the_sibling_that_cannot_start)
{
    running(family_spec("root", flags(REST), "a b c d"));
    kid_of("c")->failing_starts = 1;
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -d -c +b !c +c +d");
}
END_TEST

START_TEST(a_crash_before_a_group_that_waits_makes_it_longer)
{
    supervisor_flags f = flags(REST);
    f.backoff = (backoff_restart){.policy = {BACKOFF_FIXED, BACKOFF_JITTER_NONE, 100, 100, 1},
                                  .reset_after = 1000};
    running(family_spec("root", f, "a b c"));
    order("c", KID_CRASH);
    family_run(50);
    order("a", KID_CRASH);
    trace_is(&family_log, "*c *a -b");
    family_run(99);
    trace_is(&family_log, "");
    family_run(1);
    trace_is(&family_log, "+a +b +c");
}
END_TEST

START_TEST(a_crash_while_the_first_start_goes_on_waits_for_its_end)
{
    kid_of("b")->start_time = 100;
    root = family_spawn(family_spec("root", flags(ONE), "a b c"));
    order("a", KID_CRASH);
    trace_is(&family_log, "+a (b *a");
    family_run(100);
    trace_is(&family_log, "+b +c +a");
}
END_TEST

/* ---- The limit ---- */

START_TEST(SUP_44_the_limit_is_inclusive)
{
    running(family_spec("root", family_flags(ONE, 2, 10000), "a"));
    order("a", KID_CRASH);
    order("a", KID_CRASH);
    ck_assert(kid_of("a")->alive);
    order("a", KID_CRASH);
    trace_is(&family_events, "tripped root(a) down root");
    ck_assert_str_eq(family_reason, "child 'a' reached the restart limit: boom");
}
END_TEST

START_TEST(SUP_45_zero_trips_at_the_first_crash)
{
    running(family_spec("root", family_flags(ONE, 0, 10000), "a"));
    order("a", KID_CRASH);
    trace_is(&family_log, "*a");
    trace_is(&family_events, "tripped root(a) down root");
}
END_TEST

START_TEST(SUP_46_a_trip_stops_the_others_in_reverse_by_their_policies)
{
    kid_of("c")->stop_time = -1;
    kid_of("c")->shutdown = 500;
    running(family_spec("root", family_flags(ONE, 0, 10000), "a b c"));
    order("b", KID_CRASH);
    trace_is(&family_log, "*b <c");
    trace_is(&family_events, "tripped root(b)");
    family_run(500);
    trace_is(&family_log, "xc -a");
    trace_is(&family_events, "down root");
}
END_TEST

START_TEST(SUP_47_the_window_slides)
{
    static const actor_ms crashes[] = {0, 9000, 11000, 12000};
    running(family_spec("root", family_flags(ONE, 2, 10000), "a"));
    for (size_t i = 0; i < 4; i++) {
        trace_is(&family_events, "");
        family_run(crashes[i] - family_now());
        order("a", KID_CRASH);
    }
    trace_is(&family_events, "tripped root(a) down root");
}
END_TEST

START_TEST(SUP_51_the_limit_is_shared)
{
    running(family_spec("root", family_flags(ONE, 2, 10000), "a b c"));
    order("a", KID_CRASH);
    order("b", KID_CRASH);
    order("c", KID_CRASH);
    ck_assert_ptr_nonnull(strstr(family_events.text, "tripped root(c)"));
}
END_TEST

START_TEST(SUP_53_failed_attempts_count)
{
    running(family_spec("root", family_flags(ONE, 4, 10000), "a"));
    kid_of("a")->failing_starts = 100;
    order("a", KID_CRASH);
    trace_is(&family_log, "*a !a !a !a !a");
    trace_is(&family_events, "tripped root(a) down root");
    ck_assert_str_eq(family_reason, "child 'a' reached the restart limit: a will not");
}
END_TEST

START_TEST(F6_a_clean_exit_of_a_permanent_child_counts)
{
    running(family_spec("root", family_flags(ONE, 1, 10000), "a"));
    order("a", KID_EXIT);
    order("a", KID_EXIT);
    ck_assert_ptr_nonnull(strstr(family_events.text, "tripped root(a)"));
}
END_TEST

START_TEST(SUP_60_unlimited_never_trips)
{
    running(family_spec("root", family_flags(ONE, SUPERVISOR_UNLIMITED, 0), "a"));
    for (int i = 0; i < 200; i++)
        order("a", KID_CRASH);
    ck_assert_uint_eq(kid_of("a")->starts, 201);
}
END_TEST

/* ---- Backoff ---- */

static supervisor_flags waiting(supervisor_strategy strategy)
{
    supervisor_flags f = flags(strategy);
    f.backoff = (backoff_restart){
        .policy = {BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 100, 1000, 2}, .reset_after = 5000};
    return f;
}

START_TEST(SUP_157_restarts_wait_longer_each_time)
{
    static const actor_ms gaps[] = {100, 200, 400, 800, 1000, 1000};
    running(family_spec("root", waiting(ONE), "a"));
    for (size_t i = 0; i < 6; i++) {
        order("a", KID_CRASH);
        ck_assert_int_eq(state_of("a"), SUPERVISOR_CHILD_BACKOFF);
        ck_assert_int_eq(kid_of("a")->seen.next_start, family_now() + gaps[i]);
        family_run(gaps[i] - 1);
        ck_assert(!kid_of("a")->alive);
        family_run(1);
        ck_assert(kid_of("a")->alive);
    }
}
END_TEST

START_TEST(SUP_159_a_quiet_time_resets_the_delay)
{
    running(family_spec("root", waiting(ONE), "a"));
    order("a", KID_CRASH);
    family_run(100);
    order("a", KID_CRASH);
    family_run(200);
    family_run(4999);
    order("a", KID_CRASH);
    ck_assert_int_eq(kid_of("a")->seen.next_start - family_now(), 400);
    family_run(400);
    family_run(5000);
    order("a", KID_CRASH);
    ck_assert_int_eq(kid_of("a")->seen.next_start - family_now(), 100);
}
END_TEST

START_TEST(SUP_163_messages_wait_while_the_child_is_down)
{
    running(family_spec("root", waiting(ONE), "a"));
    order("a", KID_CRASH);
    order("a", KID_COUNT);
    order("a", KID_COUNT);
    ck_assert_uint_eq(kid_of("a")->handled, 0);
    family_run(100);
    ck_assert_uint_eq(kid_of("a")->private, 2);
}
END_TEST

START_TEST(SUP_166_the_delay_begins_when_the_group_is_down)
{
    kid_of("b")->stop_time = 50;
    running(family_spec("root", waiting(ALL), "a b"));
    order("a", KID_CRASH);
    family_run(50);
    trace_is(&family_log, "*a <b -b");
    ck_assert_int_eq(state_of("a"), SUPERVISOR_CHILD_BACKOFF);
    family_run(50);
    trace_is(&family_log, "+a +b");
}
END_TEST

START_TEST(SUP_168_a_stop_during_the_delay_is_immediate)
{
    running(family_spec("root", waiting(ONE), "a b"));
    order("a", KID_CRASH);
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    trace_is(&family_events, "down root");
    family_run(100000);
    trace_is(&family_log, "*a -b");
}
END_TEST

START_TEST(the_used_part_of_the_budget_is_told_up_and_down)
{
    running(family_spec("root", family_flags(ONE, 5, 1000), "a"));
    order("a", KID_CRASH);
    family_run(400);
    order("a", KID_CRASH);
    ck_assert_uint_eq(family_used, 2);
    family_run(600);
    ck_assert_uint_eq(family_used, 1);
    family_run(400);
    ck_assert_uint_eq(family_used, 0);
}
END_TEST

/* ---- Stop ---- */

START_TEST(SUP_72_reverse_and_one_at_a_time)
{
    kid_of("b")->stop_time = 1000;
    running(family_spec("root", flags(ONE), "a b c"));
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    trace_is(&family_log, "-c <b");
    family_run(999);
    trace_is(&family_log, "");
    family_run(1);
    trace_is(&family_log, "-b -a");
    trace_is(&family_events, "down root");
}
END_TEST

START_TEST(SUP_73_a_stop_in_time_is_not_prolonged)
{
    kid_of("a")->stop_time = 100;
    running(family_spec("root", flags(ONE), "a"));
    actor_ms begun = family_now();
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_run(10000);
    ck_assert_int_eq(kid_of("a")->ended_at - begun, 100);
    trace_is(&family_log, "<a -a");
}
END_TEST

START_TEST(SUP_74_past_its_time_it_is_killed)
{
    kid_of("b")->stop_time = -1;
    kid_of("b")->shutdown = 1000;
    running(family_spec("root", flags(ONE), "a b c"));
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_run(999);
    trace_is(&family_log, "-c <b");
    family_run(1);
    trace_is(&family_log, "xb -a");
    ck_assert_int_eq(kid_of("b")->seen.exit, ACTOR_EXIT_KILLED);
    ck_assert_int_eq(kid_of("a")->seen.exit, ACTOR_EXIT_REQUESTED);
}
END_TEST

START_TEST(SUP_75_kill_kills_at_once)
{
    kid_of("a")->stop_time = 100;
    kid_of("a")->shutdown = SUPERVISOR_KILL;
    running(family_spec("root", flags(ONE), "a"));
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    trace_is(&family_log, "xa");
    trace_is(&family_events, "down root");
}
END_TEST

START_TEST(SUP_76_infinity_waits)
{
    kid_of("a")->stop_time = 10000000;
    kid_of("a")->shutdown = SUPERVISOR_INFINITY;
    running(family_spec("root", flags(ONE), "a"));
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_run(9999999);
    trace_is(&family_events, "");
    family_run(1);
    trace_is(&family_log, "<a -a");
}
END_TEST

START_TEST(SUP_80_a_child_that_ends_by_itself_during_the_stop_is_no_obstacle)
{
    kid_of("c")->stop_time = 500;
    running(family_spec("root", flags(ONE), "a b c"));
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    order("a", KID_EXIT);
    order("b", KID_CRASH);
    family_run(500);
    trace_is(&family_log, "<c *a *b -c");
    trace_is(&family_events, "down root");
    ck_assert_int_eq(kid_of("a")->seen.exit, ACTOR_EXIT_NORMAL);
    ck_assert_int_eq(kid_of("b")->seen.exit, ACTOR_EXIT_CRASH);
}
END_TEST

START_TEST(SUP_82_nothing_is_restarted_once_stopping)
{
    kid_of("b")->stop_time = 500;
    running(family_spec("root", family_flags(ONE, 0, 1000), "a b"));
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    order("a", KID_CRASH);
    family_run(100000);
    trace_is(&family_log, "<b *a -b");
    trace_is(&family_events, "down root");
}
END_TEST

START_TEST(a_stop_during_the_first_start_is_a_stop)
{
    kid_of("b")->start_time = -1;
    root = family_spawn(family_spec("root", flags(ONE), "a b c"));
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_run(10000);
    ck_assert_ptr_nonnull(strstr(family_events.text, "down root"));
    ck_assert(!kid_of("a")->alive);
    ck_assert_uint_eq(kid_of("c")->starts, 0);
}
END_TEST

START_TEST(a_stop_during_a_group_restart_is_a_stop)
{
    kid_of("c")->stop_time = 100;
    running(family_spec("root", flags(ALL), "a b c"));
    order("b", KID_CRASH);
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_run(100000);
    trace_is(&family_log, "*b <c -c -a");
    trace_is(&family_events, "down root");
}
END_TEST

START_TEST(SUP_84_stray_messages_are_dropped)
{
    running(family_spec("root", flags(ONE), "a"));
    actor_msg *msg = actor_msg_new(77, 3);
    ck_assert_int_eq(actor_send(root, &msg), ACTOR_OK);
    msg = actor_msg_new(0xfe00, 1);
    ck_assert_int_eq(actor_send(root, &msg), ACTOR_OK);
    family_settle();
    order("a", KID_CRASH);
    trace_is(&family_log, "*a +a");
}
END_TEST

START_TEST(SUP_69_a_child_that_somebody_else_ended_gets_a_new_actor)
{
    running(family_spec("root", flags(ONE), "a"));
    actor_ref before = kid_of("a")->ref;
    ck_assert_int_eq(actor_stop(before), ACTOR_OK);
    family_run(100);
    trace_is(&family_log, "-a +a");
    ck_assert(!actor_ref_eq(before, kid_of("a")->ref));
    order("a", KID_COUNT);
    ck_assert_uint_eq(kid_of("a")->private, 1);
}
END_TEST

START_TEST(SUP_132_escalate_fails_the_supervisor_with_its_child)
{
    running(family_spec("root", flags(ONE), "a b c"));
    order("b", KID_ESCALATE);
    trace_is(&family_log, "*b -c -a");
    trace_is(&family_events, "escalated root(b) down root");
    ck_assert_str_eq(family_reason, "child 'b' escalated: worse");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {SUP_01_children_start_one_after_the_other,
                                  SUP_03_a_supervisor_without_children,
                                  a_root_that_is_stopped_before_it_begins_says_so,
                                  SUP_05_a_start_that_fails_rolls_back,
                                  SUP_05_roll_back_honours_the_stop_policy,
                                  SUP_06_no_retry_at_the_first_start,
                                  SUP_09_a_child_that_declines_stays_stopped,
                                  SUP_10_a_temporary_child_that_declines_is_forgotten,
                                  SUP_13_a_child_that_declines_its_restart_stays_stopped,
                                  a_start_that_takes_too_long_is_killed_and_has_failed,
                                  SUP_16_bad_specs_are_refused_by_name,
                                  SUP_15_bad_flags_are_refused_by_name,
                                  SUP_17_duplicate_ids_are_refused,
                                  restart_types_decide,
                                  SUP_22_23_24_killed_is_a_crash,
                                  SUP_27_a_restart_has_a_fresh_state_and_the_same_reference,
                                  SUP_146_the_mailbox_survives_the_restart_in_order,
                                  SUP_147_a_message_that_crashes_its_reader_is_not_delivered_again,
                                  what_waits_for_a_child_that_finished_is_a_dead_letter,
                                  strategies_stop_in_reverse_and_start_in_order,
                                  SUP_30_no_start_begins_before_the_last_stop_is_over,
                                  SUP_33_one_group_restart_is_one_restart,
                                  SUP_34_crashes_at_the_same_instant_one_for_one,
                                  SUP_34_a_crash_while_its_group_stops_is_absorbed,
                                  SUP_35_a_temporary_bystander_is_removed,
                                  SUP_36_a_finished_sibling_is_revived_by_its_group,
                                  SUP_36_rest_for_one_revives_only_what_comes_after,
                                  SUP_37_a_stopped_sibling_is_revived_by_its_group,
                                  SUP_38_a_group_restart_honours_the_stop_policy,
                                  SUP_39_a_sibling_that_cannot_start_restarts_the_group_again,
                                  SUP_41_what_is_shown_while_a_pivot_fails,
                                  rest_for_one_goes_on_from_the_sibling_that_cannot_start,
                                  a_crash_before_a_group_that_waits_makes_it_longer,
                                  a_crash_while_the_first_start_goes_on_waits_for_its_end,
                                  SUP_44_the_limit_is_inclusive,
                                  SUP_45_zero_trips_at_the_first_crash,
                                  SUP_46_a_trip_stops_the_others_in_reverse_by_their_policies,
                                  SUP_47_the_window_slides,
                                  SUP_51_the_limit_is_shared,
                                  SUP_53_failed_attempts_count,
                                  F6_a_clean_exit_of_a_permanent_child_counts,
                                  SUP_60_unlimited_never_trips,
                                  SUP_157_restarts_wait_longer_each_time,
                                  SUP_159_a_quiet_time_resets_the_delay,
                                  SUP_163_messages_wait_while_the_child_is_down,
                                  SUP_166_the_delay_begins_when_the_group_is_down,
                                  SUP_168_a_stop_during_the_delay_is_immediate,
                                  the_used_part_of_the_budget_is_told_up_and_down,
                                  SUP_72_reverse_and_one_at_a_time,
                                  SUP_73_a_stop_in_time_is_not_prolonged,
                                  SUP_74_past_its_time_it_is_killed,
                                  SUP_75_kill_kills_at_once,
                                  SUP_76_infinity_waits,
                                  SUP_80_a_child_that_ends_by_itself_during_the_stop_is_no_obstacle,
                                  SUP_82_nothing_is_restarted_once_stopping,
                                  a_stop_during_the_first_start_is_a_stop,
                                  a_stop_during_a_group_restart_is_a_stop,
                                  SUP_84_stray_messages_are_dropped,
                                  SUP_69_a_child_that_somebody_else_ended_gets_a_new_actor,
                                  SUP_132_escalate_fails_the_supervisor_with_its_child,
                                  NULL};
    return suite_run("supervisor", tests, setup, family_teardown);
}
