/* What operators and reloads ask of a supervisor. */
#include "tests/support/family.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

#define ONE  SUPERVISOR_ONE_FOR_ONE
#define ALL  SUPERVISOR_ONE_FOR_ALL
#define REST SUPERVISOR_REST_FOR_ONE

static actor_ref root;
static family_call second; /* for two calls at a time */

static void setup(void)
{
    family_setup(1);
}

static supervisor_flags flags(supervisor_strategy strategy)
{
    return family_flags(strategy, 10, 60000);
}

static supervisor_flags waiting(supervisor_strategy strategy, actor_ms delay)
{
    supervisor_flags f = flags(strategy);
    f.backoff = (backoff_restart){.policy = {BACKOFF_FIXED, BACKOFF_JITTER_NONE, delay, delay, 1},
                                  .reset_after = 60000};
    return f;
}

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

static void list_is(const char *expected)
{
    family_answers(root, supervisor_request_which(NULL), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, expected);
}

static actor_msg *start_of(const char *name, bool keep, size_t index)
{
    supervisor_child c = family_child(kid_of(name));
    return supervisor_request_start(&c, keep, index);
}

/* ---- Looking ---- */

START_TEST(SUP_85_lists_are_in_start_order)
{
    running(family_spec("root", flags(ONE), "a b c"));
    list_is("a:running b:running c:running");
}
END_TEST

START_TEST(SUP_86_counts)
{
    supervisor_spec *spec = family_spec("root", flags(ONE), "a b");
    family_nest(spec, "in", family_spec("in", flags(ONE), "c"), SUPERVISOR_PERMANENT);
    root = family_spawn(spec);
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
    family_answers(root, supervisor_request_count(), SUPERVISOR_OK);
    ck_assert_uint_eq(family_last.counts.specs, 3);
    ck_assert_uint_eq(family_last.counts.active, 2);
    ck_assert_uint_eq(family_last.counts.supervisors, 1);
    ck_assert_uint_eq(family_last.counts.workers, 2);
}
END_TEST

START_TEST(SUP_98_one_child_with_its_settings)
{
    kid_of("a")->restart = SUPERVISOR_TRANSIENT;
    running(family_spec("root", flags(ONE), "a b"));
    family_answers(root, supervisor_request_which("a"), SUPERVISOR_OK);
    ck_assert_int_eq(family_last.first.restart, SUPERVISOR_TRANSIENT);
    ck_assert_int_eq(family_last.first.shutdown, 5000);
    ck_assert(family_last.first.kept);
    ck_assert_str_eq(family_last.list, "a:running");
    family_answers(root, supervisor_request_which("x"), SUPERVISOR_ENOTFOUND);
}
END_TEST

/* ---- Start ---- */

START_TEST(a_child_is_started_by_call_at_the_end)
{
    running(family_spec("root", flags(ONE), "a"));
    family_answers(root, start_of("b", false, SUPERVISOR_LAST), SUPERVISOR_OK);
    ck_assert(actor_ref_eq(family_last.ref, kid_of("b")->ref));
    list_is("a:running b:running");
}
END_TEST

START_TEST(the_answer_comes_when_the_child_has_started)
{
    kid_of("b")->start_time = 500;
    running(family_spec("root", flags(ONE), "a"));
    family_ask(&family_last, root, start_of("b", false, SUPERVISOR_LAST));
    family_run(499);
    ck_assert(!family_last.done);
    family_run(1);
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_OK);
}
END_TEST

START_TEST(SUP_89_a_child_that_exists_is_left_alone)
{
    running(family_spec("root", waiting(ONE, 1000), "a b c"));
    family_answers(root, start_of("a", false, SUPERVISOR_LAST), SUPERVISOR_ESTARTED);
    ck_assert(actor_ref_eq(family_last.ref, kid_of("a")->ref));
    family_answers(root, supervisor_request_stop("b"), SUPERVISOR_OK);
    family_answers(root, start_of("b", false, SUPERVISOR_LAST), SUPERVISOR_EPRESENT);
    order("c", KID_CRASH);
    family_answers(root, start_of("c", false, SUPERVISOR_LAST), SUPERVISOR_EPRESENT);
    ck_assert_uint_eq(kid_of("a")->starts, 1);
}
END_TEST

START_TEST(SUP_90_a_start_by_call_that_fails_leaves_nothing)
{
    kid_of("b")->failing_starts = 1;
    running(family_spec("root", family_flags(ONE, 0, 1000), "a"));
    family_answers(root, start_of("b", true, SUPERVISOR_LAST), SUPERVISOR_EFAILED);
    ck_assert_str_eq(family_last.reason, "b will not");
    list_is("a:running");
    family_answers(root, start_of("b", true, SUPERVISOR_LAST), SUPERVISOR_OK);
    trace_is(&family_events, "");
}
END_TEST

START_TEST(SUP_09_a_child_started_by_call_may_decline)
{
    kid_of("b")->declines = true;
    running(family_spec("root", flags(ONE), "a"));
    family_answers(root, start_of("b", false, SUPERVISOR_LAST), SUPERVISOR_OK);
    ck_assert(actor_ref_none(family_last.ref));
    list_is("a:running b:stopped");
}
END_TEST

START_TEST(SUP_16_a_bad_spec_is_refused_with_its_reason)
{
    running(family_spec("root", flags(ONE), "a"));
    supervisor_child c = family_child(kid_of("b"));
    c.shutdown = -9;
    family_answers(root, supervisor_request_start(&c, false, SUPERVISOR_LAST), SUPERVISOR_EINVAL);
    ck_assert_str_eq(family_last.reason, "'b': shutdown: -9 ms is negative");
    list_is("a:running");
}
END_TEST

START_TEST(SUP_24_the_id_of_a_temporary_child_is_free_at_once)
{
    kid_of("a")->restart = SUPERVISOR_TEMPORARY;
    running(family_spec("root", flags(ONE), "a"));
    order("a", KID_EXIT);
    family_answers(root, start_of("a", false, SUPERVISOR_LAST), SUPERVISOR_OK);
    list_is("a:running");
}
END_TEST

/* ---- Stop, restart, kill, remove ---- */

START_TEST(SUP_92_stop_by_call)
{
    kid_of("b")->restart = SUPERVISOR_TEMPORARY;
    running(family_spec("root", flags(ONE), "a b"));
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
    family_run(100000);
    list_is("a:stopped b:running");
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
    family_answers(root, supervisor_request_stop("b"), SUPERVISOR_OK);
    list_is("a:stopped");
    family_answers(root, supervisor_request_stop("x"), SUPERVISOR_ENOTFOUND);
    trace_is(&family_log, "-a -b");
}
END_TEST

START_TEST(the_answer_comes_when_the_actor_is_gone)
{
    kid_of("a")->stop_time = -1;
    kid_of("a")->shutdown = 700;
    running(family_spec("root", flags(ONE), "a"));
    family_ask(&family_last, root, supervisor_request_stop("a"));
    family_ask(&second, root, supervisor_request_stop("a"));
    family_run(699);
    ck_assert(!family_last.done && !second.done);
    family_run(1);
    ck_assert(family_last.done && second.done);
    ck_assert_int_eq(second.err, SUPERVISOR_OK);
    trace_is(&family_log, "<a xa");
}
END_TEST

START_TEST(what_waits_for_a_stopped_child_is_a_dead_letter)
{
    kid_of("a")->stop_time = 100;
    running(family_spec("root", flags(ONE), "a"));
    family_ask(&family_last, root, supervisor_request_stop("a"));
    order("a", KID_COUNT);
    family_run(100);
    ck_assert_uint_eq(family_dead_letters, 1);
    ck_assert(actor_ref_none(kid_of("a")->seen.ref));
}
END_TEST

START_TEST(SUP_94_restart_by_call)
{
    running(family_spec("root", waiting(ONE, 1000), "a b"));
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
    family_answers(root, supervisor_request_restart("a"), SUPERVISOR_OK);
    ck_assert(actor_ref_eq(family_last.ref, kid_of("a")->ref));
    order("b", KID_CRASH);
    family_answers(root, supervisor_request_restart("b"), SUPERVISOR_ERESTARTING);
    family_answers(root, supervisor_request_restart("x"), SUPERVISOR_ENOTFOUND);
    trace_is(&family_log, "-a +a *b");
}
END_TEST

START_TEST(SUP_94_a_running_child_bounces_uncounted_on_its_mailbox)
{
    kid_of("a")->stop_time = 100;
    running(family_spec("root", family_flags(ONE, 0, 1000), "a"));
    actor_ref before = kid_of("a")->ref;
    family_ask(&family_last, root, supervisor_request_restart("a"));
    order("a", KID_COUNT);
    family_run(100);
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_OK);
    ck_assert_uint_eq(kid_of("a")->private, 1);
    ck_assert(actor_ref_eq(before, kid_of("a")->ref));
    ck_assert_uint_eq(kid_of("a")->seen.restarts, 0);
    trace_is(&family_log, "<a -a +a");
}
END_TEST

START_TEST(SUP_95_a_restart_by_call_that_fails)
{
    running(family_spec("root", family_flags(ONE, 0, 1000), "a"));
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
    kid_of("a")->failing_starts = 5;
    family_answers(root, supervisor_request_restart("a"), SUPERVISOR_EFAILED);
    ck_assert_str_eq(family_last.reason, "a will not");
    family_run(10000);
    trace_is(&family_log, "-a !a");
    list_is("a:stopped");
}
END_TEST

START_TEST(a_stop_ends_a_start_by_call_that_hangs)
{
    kid_of("b")->start_time = -1;
    running(family_spec("root", flags(ONE), "a"));
    family_ask(&second, root, start_of("b", false, SUPERVISOR_LAST));
    family_answers(root, supervisor_request_stop("b"), SUPERVISOR_OK);
    ck_assert(second.done);
    ck_assert_int_eq(second.err, SUPERVISOR_ESTOPPED);
}
END_TEST

START_TEST(a_stop_during_a_bounce_wins)
{
    kid_of("a")->stop_time = 100;
    running(family_spec("root", flags(ONE), "a"));
    family_ask(&second, root, supervisor_request_restart("a"));
    family_ask(&family_last, root, supervisor_request_stop("a"));
    family_run(100);
    ck_assert_int_eq(second.err, SUPERVISOR_ESTOPPED);
    ck_assert(family_last.done);
    trace_is(&family_log, "<a -a");
    list_is("a:stopped");
}
END_TEST

START_TEST(kill_is_followed_by_what_follows_a_crash)
{
    kid_of("a")->stop_time = -1;
    running(family_spec("root", family_flags(ONE, 1, 60000), "a"));
    family_answers(root, supervisor_request_kill("a"), SUPERVISOR_OK);
    trace_is(&family_log, "xa +a");
    ck_assert_uint_eq(kid_of("a")->seen.restarts, 1);
    family_answers(root, supervisor_request_kill("a"), SUPERVISOR_OK);
    trace_is(&family_events, "tripped root(a) down root");
}
END_TEST

START_TEST(kill_cuts_a_stop_short)
{
    kid_of("a")->stop_time = -1;
    kid_of("a")->shutdown = SUPERVISOR_INFINITY;
    running(family_spec("root", flags(ONE), "a"));
    family_ask(&second, root, supervisor_request_stop("a"));
    ck_assert(!second.done);
    family_answers(root, supervisor_request_kill("a"), SUPERVISOR_OK);
    ck_assert(second.done);
    trace_is(&family_log, "<a xa");
    list_is("a:stopped");
    family_answers(root, supervisor_request_kill("a"), SUPERVISOR_OK);
}
END_TEST

START_TEST(SUP_96_remove)
{
    running(family_spec("root", waiting(ONE, 1000), "a b"));
    family_answers(root, supervisor_request_remove("a"), SUPERVISOR_ERUNNING);
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
    family_answers(root, supervisor_request_remove("a"), SUPERVISOR_OK);
    family_answers(root, supervisor_request_remove("a"), SUPERVISOR_ENOTFOUND);
    order("b", KID_CRASH);
    family_answers(root, supervisor_request_remove("b"), SUPERVISOR_ERESTARTING);
    list_is("b:backoff");
    family_answers(root, start_of("a", false, SUPERVISOR_LAST), SUPERVISOR_OK);
}
END_TEST

START_TEST(drop_stops_and_removes)
{
    kid_of("a")->stop_time = 100;
    running(family_spec("root", flags(ONE), "a b"));
    family_ask(&family_last, root, supervisor_request_drop("a"));
    family_ask(&second, root, supervisor_request_drop("a"));
    family_run(100);
    ck_assert(family_last.done && second.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_OK);
    ck_assert_int_eq(second.err, SUPERVISOR_OK);
    list_is("b:running");
    family_answers(root, supervisor_request_drop("a"), SUPERVISOR_ENOTFOUND);
}
END_TEST

START_TEST(SUP_99_a_supervisor_that_is_gone_answers_at_once)
{
    running(family_spec("root", flags(ONE), "a"));
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    family_ask(&family_last, root, supervisor_request_count());
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.how, ACTOR_ENOTFOUND);
}
END_TEST

START_TEST(calls_that_wait_when_the_supervisor_ends_are_answered)
{
    kid_of("a")->stop_time = 1000;
    kid_of("b")->start_time = -1;
    running(family_spec("root", flags(ONE), "a"));
    family_ask(&family_last, root, start_of("b", false, SUPERVISOR_LAST));
    family_ask(&second, root, supervisor_request_restart("a"));
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    ck_assert(family_last.done && second.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_ESTOPPED);
    ck_assert_int_eq(second.err, SUPERVISOR_ESTOPPED);
}
END_TEST

/* ---- In the middle of things ---- */

START_TEST(SUP_55_a_restart_loop_does_not_keep_calls_waiting)
{
    running(family_spec("root", waiting(ONE, 100), "a b"));
    kid_of("a")->failing_starts = 100;
    order("a", KID_CRASH);
    family_run(350);
    list_is("a:backoff b:running");
    family_answers(root, supervisor_request_stop("b"), SUPERVISOR_OK);
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
    family_run(10000);
    trace_is(&family_log, "*a !a !a !a -b");
    list_is("a:stopped b:stopped");
}
END_TEST

START_TEST(SUP_55_a_slow_failing_start_does_not_keep_calls_waiting)
{
    running(family_spec("root", flags(ONE), "a b"));
    kid_of("a")->start_time = -1;
    order("a", KID_CRASH);
    trace_is(&family_log, "*a (a");
    list_is("a:starting b:running");
    family_answers(root, supervisor_request_restart("b"), SUPERVISOR_OK);
    family_answers(root, supervisor_request_restart("a"), SUPERVISOR_ERESTARTING);
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
}
END_TEST

START_TEST(calls_that_start_wait_for_a_group_that_stops)
{
    kid_of("b")->stop_time = 100;
    running(family_spec("root", flags(ALL), "a b"));
    order("a", KID_CRASH);
    family_ask(&family_last, root, start_of("c", false, SUPERVISOR_LAST));
    ck_assert(!family_last.done);
    list_is("a:restarting b:stopping");
    family_run(100);
    ck_assert_str_eq(family_log.text, "*a <b -b +a +b +c");
}
END_TEST

START_TEST(a_restart_by_call_comes_up_with_the_group)
{
    kid_of("a")->stop_time = 100;
    kid_of("b")->stop_time = 200;
    running(family_spec("root", flags(ALL), "a b c"));
    family_ask(&family_last, root, supervisor_request_restart("a"));
    order("c", KID_CRASH);
    family_run(100);
    trace_is(&family_log, "<a *c <b -a");
    ck_assert(!family_last.done);
    family_run(100);
    trace_is(&family_log, "-b +a +b +c");
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_OK);
    list_is("a:running b:running c:running");
}
END_TEST

START_TEST(a_backoff_that_ends_while_a_group_stops_waits_for_it)
{
    supervisor_flags all = flags(ALL);
    kid_of("b")->stop_time = 200;
    running(family_spec("root", waiting(ONE, 100), "a b c"));
    order("a", KID_CRASH);
    family_answers(root, supervisor_request_flags(&all), SUPERVISOR_OK);
    order("c", KID_CRASH);
    family_run(100);
    trace_is(&family_log, "*a *c <b");
    family_run(100);
    trace_is(&family_log, "-b +a +b +c");
    list_is("a:running b:running c:running");
}
END_TEST

START_TEST(a_child_made_temporary_in_a_waiting_group_goes)
{
    running(family_spec("root", waiting(ALL, 100), "a b"));
    kid_of("a")->failing_starts = 1;
    order("a", KID_CRASH);
    kid_of("b")->restart = SUPERVISOR_TEMPORARY;
    supervisor_child b = family_child(kid_of("b"));
    family_answers(root, supervisor_request_update(&b), SUPERVISOR_OK);
    family_run(200);
    trace_is(&family_log, "*a -b !a +a");
    list_is("a:running");
}
END_TEST

START_TEST(a_stop_takes_a_child_out_of_a_group_that_waits)
{
    running(family_spec("root", waiting(ALL, 100), "a b c"));
    order("a", KID_CRASH);
    family_answers(root, supervisor_request_stop("b"), SUPERVISOR_OK);
    family_run(100);
    trace_is(&family_log, "*a -c -b +a +c");
    list_is("a:running b:stopped c:running");
}
END_TEST

START_TEST(a_stop_of_the_pivot_lets_its_group_go_on)
{
    running(family_spec("root", waiting(REST, 100), "a b c"));
    order("b", KID_CRASH);
    family_answers(root, supervisor_request_stop("b"), SUPERVISOR_OK);
    trace_is(&family_log, "*b -c +c");
    family_run(1000);
    list_is("a:running b:stopped c:running");
}
END_TEST

START_TEST(a_drop_during_a_group_restart_is_carried_out)
{
    kid_of("b")->stop_time = 100;
    running(family_spec("root", flags(ALL), "a b c"));
    order("c", KID_CRASH);
    family_ask(&family_last, root, supervisor_request_drop("b"));
    family_run(100);
    ck_assert(family_last.done);
    trace_is(&family_log, "*c <b -b -a +a +c");
    list_is("a:running c:running");
}
END_TEST

START_TEST(a_restart_by_call_joins_a_group_restart)
{
    kid_of("b")->stop_time = 100;
    running(family_spec("root", flags(ALL), "a b"));
    family_ask(&family_last, root, supervisor_request_restart("b"));
    order("a", KID_CRASH);
    family_run(100);
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_OK);
    trace_is(&family_log, "<b *a -b +a +b");
}
END_TEST

/* ---- Reload ---- */

START_TEST(SUP_114_flags_change_in_place_and_history_is_kept)
{
    running(family_spec("root", family_flags(ONE, 5, 60000), "a b"));
    for (int i = 0; i < 3; i++)
        order("a", KID_CRASH);
    supervisor_flags f = family_flags(ALL, 4, 60000);
    family_answers(root, supervisor_request_flags(&f), SUPERVISOR_OK);
    trace_is(&family_log, "*a +a *a +a *a +a");
    order("a", KID_CRASH);
    trace_is(&family_log, "*a -b +a +b");
    f.max_restarts = 2;
    family_answers(root, supervisor_request_flags(&f), SUPERVISOR_OK);
    order("a", KID_CRASH);
    trace_is(&family_events, "tripped root(a) down root");
}
END_TEST

START_TEST(SUP_118_bad_flags_change_nothing)
{
    running(family_spec("root", family_flags(ONE, 1, 60000), "a"));
    supervisor_flags f = family_flags(ONE, 1, -4);
    family_answers(root, supervisor_request_flags(&f), SUPERVISOR_EINVAL);
    ck_assert_str_eq(family_last.reason, "period: -4 ms is not above 0");
    order("a", KID_CRASH);
    order("a", KID_CRASH);
    ck_assert_ptr_nonnull(strstr(family_events.text, "tripped"));
}
END_TEST

START_TEST(SUP_115_a_changed_spec_holds_for_the_next_stop)
{
    kid_of("a")->stop_time = -1;
    kid_of("a")->shutdown = 2000;
    running(family_spec("root", flags(ONE), "a b"));
    kid_of("a")->shutdown = 1000;
    supervisor_child c = family_child(kid_of("a"));
    family_answers(root, supervisor_request_update(&c), SUPERVISOR_OK);
    trace_is(&family_log, "");
    family_answers(root, supervisor_request_which("a"), SUPERVISOR_OK);
    ck_assert_int_eq(family_last.first.shutdown, 1000);
    family_ask(&family_last, root, supervisor_request_stop("a"));
    family_run(999);
    ck_assert(!family_last.done);
    family_run(1);
    ck_assert(family_last.done);
}
END_TEST

START_TEST(SUP_115_a_changed_restart_type_holds_for_the_next_exit)
{
    running(family_spec("root", flags(ONE), "a"));
    kid_of("a")->restart = SUPERVISOR_TRANSIENT;
    supervisor_child c = family_child(kid_of("a"));
    family_answers(root, supervisor_request_update(&c), SUPERVISOR_OK);
    order("a", KID_EXIT);
    list_is("a:stopped");
    c = family_child(kid_of("x"));
    family_answers(root, supervisor_request_update(&c), SUPERVISOR_ENOTFOUND);
}
END_TEST

START_TEST(SUP_116_F7_new_children_start_in_their_place)
{
    running(family_spec("root", flags(ONE), "a c"));
    family_answers(root, start_of("b", true, 1), SUPERVISOR_OK);
    family_answers(root, start_of("_", true, 0), SUPERVISOR_OK);
    list_is("_:running a:running b:running c:running");
}
END_TEST

static void new_order(const char *names)
{
    char text[64], *rest = text;
    const char *ids[8];
    size_t count = 0;
    snprintf(text, sizeof text, "%s", names);
    for (char *id; (id = strsep(&rest, " "));)
        ids[count++] = id;
    family_answers(root, supervisor_request_order(ids, count), SUPERVISOR_OK);
}

START_TEST(an_update_without_a_behaviour_keeps_what_runs)
{
    kid_of("a")->stop_time = -1;
    running(family_spec("root", flags(ONE), "a b"));
    supervisor_child c = {.id = "a", .shutdown = 10};
    family_answers(root, supervisor_request_update(&c), SUPERVISOR_OK);
    c = (supervisor_child){.id = "a", .shutdown = -4};
    family_answers(root, supervisor_request_update(&c), SUPERVISOR_EINVAL);
    family_ask(&family_last, root, supervisor_request_stop("a"));
    family_run(10);
    ck_assert(family_last.done);
    family_answers(root, supervisor_request_restart("a"), SUPERVISOR_OK);
    list_is("a:running b:running");
}
END_TEST

START_TEST(children_can_move)
{
    running(family_spec("root", flags(REST), "a b c d"));
    new_order("d");
    list_is("d:running a:running b:running c:running");
    new_order("b x a"); /* x is none */
    list_is("b:running a:running d:running c:running");
    order("a", KID_CRASH);
    trace_is(&family_log, "*a -c -d +a +d +c");
    new_order("c b a d");
    order("a", KID_CRASH);
    trace_is(&family_log, "*a -d +a +d");
}
END_TEST

START_TEST(children_that_moved_come_back_in_their_new_order)
{
    supervisor_spec *outer = family_spec("root", flags(ONE), "");
    family_nest(outer, "in", family_spec("in", flags(ONE), "a b c"), SUPERVISOR_PERMANENT);
    actor_ref top = family_spawn(outer);
    trace_is(&family_log, "+a +b +c");
    root = family_ref("in");
    new_order("c a");
    family_answers(top, supervisor_request_restart("in"), SUPERVISOR_OK);
    trace_is(&family_log, "-b -a -c +c +a +b");
}
END_TEST

START_TEST(a_move_while_a_group_waits_loses_nobody)
{
    running(family_spec("root", waiting(REST, 100), "a b c"));
    order("b", KID_CRASH);
    new_order("c");
    trace_is(&family_log, "*b -c");
    family_run(100);
    trace_is(&family_log, "+c +b");
    list_is("c:running a:running b:running");
}
END_TEST

/* An argument is freed when neither an actor nor a spec needs it. */
static unsigned freed;

static void count_free(void *arg)
{
    (void)arg;
    freed++;
}

static supervisor_child counted(const char *name)
{
    supervisor_child c = family_child(kid_of(name));
    c.free_arg = count_free;
    return c;
}

START_TEST(arguments_live_as_long_as_they_are_needed)
{
    freed = 0;
    kid_of("a")->stop_time = 100;
    running(family_spec("root", flags(ONE), ""));
    supervisor_child c = counted("a");
    family_answers(root, supervisor_request_start(&c, false, SUPERVISOR_LAST), SUPERVISOR_OK);
    /* A new argument: the actor keeps the old one as long as it lives. */
    family_answers(root, supervisor_request_update(&c), SUPERVISOR_OK);
    order("a", KID_CRASH);
    ck_assert_uint_eq(freed, 0);
    family_ask(&family_last, root, supervisor_request_stop("a"));
    ck_assert_uint_eq(freed, 0);
    family_run(100);
    ck_assert_uint_eq(freed, 1);
    family_answers(root, supervisor_request_restart("a"), SUPERVISOR_OK);
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_run(100);
    ck_assert_uint_eq(freed, 2);
    /* Refused requests free theirs too. */
    c.shutdown = -2;
    actor_msg *msg = supervisor_request_start(&c, false, SUPERVISOR_LAST);
    ck_assert_uint_eq(freed, 3);
    actor_msg_free(msg);
    c = counted("b");
    actor_msg_free(supervisor_request_start(&c, false, SUPERVISOR_LAST));
    ck_assert_uint_eq(freed, 4);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {SUP_85_lists_are_in_start_order,
                                  SUP_86_counts,
                                  SUP_98_one_child_with_its_settings,
                                  a_child_is_started_by_call_at_the_end,
                                  the_answer_comes_when_the_child_has_started,
                                  SUP_89_a_child_that_exists_is_left_alone,
                                  SUP_90_a_start_by_call_that_fails_leaves_nothing,
                                  SUP_09_a_child_started_by_call_may_decline,
                                  SUP_16_a_bad_spec_is_refused_with_its_reason,
                                  SUP_24_the_id_of_a_temporary_child_is_free_at_once,
                                  SUP_92_stop_by_call,
                                  the_answer_comes_when_the_actor_is_gone,
                                  what_waits_for_a_stopped_child_is_a_dead_letter,
                                  SUP_94_restart_by_call,
                                  SUP_94_a_running_child_bounces_uncounted_on_its_mailbox,
                                  SUP_95_a_restart_by_call_that_fails,
                                  a_stop_ends_a_start_by_call_that_hangs,
                                  a_stop_during_a_bounce_wins,
                                  kill_is_followed_by_what_follows_a_crash,
                                  kill_cuts_a_stop_short,
                                  SUP_96_remove,
                                  drop_stops_and_removes,
                                  SUP_99_a_supervisor_that_is_gone_answers_at_once,
                                  calls_that_wait_when_the_supervisor_ends_are_answered,
                                  SUP_55_a_restart_loop_does_not_keep_calls_waiting,
                                  SUP_55_a_slow_failing_start_does_not_keep_calls_waiting,
                                  calls_that_start_wait_for_a_group_that_stops,
                                  a_restart_by_call_comes_up_with_the_group,
                                  a_backoff_that_ends_while_a_group_stops_waits_for_it,
                                  a_child_made_temporary_in_a_waiting_group_goes,
                                  a_stop_takes_a_child_out_of_a_group_that_waits,
                                  a_stop_of_the_pivot_lets_its_group_go_on,
                                  a_drop_during_a_group_restart_is_carried_out,
                                  a_restart_by_call_joins_a_group_restart,
                                  SUP_114_flags_change_in_place_and_history_is_kept,
                                  SUP_118_bad_flags_change_nothing,
                                  SUP_115_a_changed_spec_holds_for_the_next_stop,
                                  SUP_115_a_changed_restart_type_holds_for_the_next_exit,
                                  SUP_116_F7_new_children_start_in_their_place,
                                  an_update_without_a_behaviour_keeps_what_runs,
                                  children_can_move,
                                  children_that_moved_come_back_in_their_new_order,
                                  a_move_while_a_group_waits_loses_nobody,
                                  arguments_live_as_long_as_they_are_needed,
                                  NULL};
    return suite_run("supervisor_calls", tests, setup, family_teardown);
}
