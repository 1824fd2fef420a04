/* Scenarios of the supervision catalogue that the other suites have only as rows, or not at all:
 * supervisors and their children, in virtual time. */
#include "tests/support/family.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE  SUPERVISOR_ONE_FOR_ONE
#define ALL  SUPERVISOR_ONE_FOR_ALL
#define REST SUPERVISOR_REST_FOR_ONE

static actor_ref root;

static void setup(void)
{
    family_setup(1);
}

static void quiet(void)
{
    family_log.text[0] = family_events.text[0] = family_states.text[0] = '\0';
}

static void running(supervisor_flags flags, const char *children)
{
    root = family_spawn(family_spec("root", flags, children));
    ck_assert_str_eq(family_events.text, "up root");
    quiet();
}

static supervisor_flags plain(supervisor_strategy strategy)
{
    return family_flags(strategy, 10, 60000);
}

/* Restarts after 100, 200, 400, 800, 1000 ms; anew after 5 s. */
static supervisor_flags waiting(int32_t max)
{
    supervisor_flags f = family_flags(ONE, max, 60000);
    f.backoff = (backoff_restart){
        .policy = {BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 100, 1000, 2}, .reset_after = 5000};
    return f;
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

/* ---- Start ---- */

/* A child that wants the name "office", which somebody else has. */
static actor_verdict wants_office(actor *self, void *state, void *arg)
{
    (void)state;
    (void)arg;
    actor_err err = actor_register(actor_self_system(self), "office", actor_self(self));
    return err == ACTOR_OK ? ACTOR_CONTINUE
                           : actor_fail(self, ACTOR_FAIL_RESTART, "%s", actor_strerror(err));
}

static actor_verdict idle(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return ACTOR_CONTINUE;
}

START_TEST(SUP_20_a_name_that_is_taken_outside_fails_the_start_and_harms_nobody)
{
    static const actor_behaviour clerk = {.name = "clerk", .start = wants_office, .handle = idle};
    static const actor_behaviour stranger = {.name = "stranger", .handle = idle};
    actor_spec spec = {.behaviour = &stranger};
    actor_ref holder, found;
    running(plain(ONE), "a");
    ck_assert_int_eq(actor_spawn(family, &spec, &holder), ACTOR_OK);
    ck_assert_int_eq(actor_register(family, "office", holder), ACTOR_OK);
    supervisor_child child = {.id = "clerk", .behaviour = &clerk, .shutdown = 100};
    family_answers(root, supervisor_request_start(&child, true, SUPERVISOR_LAST),
                   SUPERVISOR_EFAILED);
    ck_assert_str_eq(family_last.reason, actor_strerror(ACTOR_EEXIST));
    list_is("a:running");
    ck_assert_int_eq(actor_lookup(family, "office", &found), ACTOR_OK);
    ck_assert(actor_ref_eq(found, holder));
}
END_TEST

static int large_arguments;

static void free_large(void *arg)
{
    free(arg);
    large_arguments--;
}

static actor_verdict leave(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return ACTOR_EXIT;
}

static actor_ref start_large(int number)
{
    static const actor_behaviour brief = {.name = "brief", .handle = leave};
    char id[16];
    snprintf(id, sizeof id, "t%d", number);
    supervisor_child child = {.id = id,
                              .behaviour = &brief,
                              .arg = malloc(100000),
                              .free_arg = free_large,
                              .restart = SUPERVISOR_TEMPORARY};
    ck_assert_ptr_nonnull(child.arg);
    large_arguments++;
    family_answers(root, supervisor_request_start(&child, false, SUPERVISOR_LAST), SUPERVISOR_OK);
    return family_last.ref;
}

static void end_large(actor_ref ref)
{
    actor_msg *msg = actor_msg_new(1, 0);
    ck_assert_int_eq(actor_send(ref, &msg), ACTOR_OK);
    family_settle();
}

START_TEST(SUP_28_arguments_of_temporary_children_go_with_them)
{
    enum { CHILDREN = 20 };
    actor_ref refs[CHILDREN];
    large_arguments = 0;
    running(plain(ONE), "");
    for (int i = 0; i < CHILDREN; i++)
        refs[i] = start_large(i);
    ck_assert_int_eq(large_arguments, CHILDREN);
    for (int i = 0; i < CHILDREN; i++) {
        end_large(refs[i]);
        ck_assert_int_eq(large_arguments, CHILDREN - 1 - i);
    }
    for (int i = 0; i < CHILDREN; i++) {
        end_large(start_large(i));
        ck_assert_int_eq(large_arguments, 0);
    }
    list_is("");
}
END_TEST

/* ---- Strategies ---- */

START_TEST(SUP_29_one_for_one_restarts_the_one_alone)
{
    running(plain(ONE), "a b c");
    order("a", KID_COUNT);
    order("b", KID_CRASH);
    trace_is(&family_log, "*b +b");
    order("a", KID_COUNT);
    ck_assert_uint_eq(kid_of("a")->private, 2); /* its state is kept */
    ck_assert_uint_eq(kid_of("a")->seen.incarnation, 1);
    ck_assert_uint_eq(kid_of("b")->seen.incarnation, 2);
    ck_assert_uint_eq(kid_of("c")->seen.incarnation, 1);
}
END_TEST

START_TEST(SUP_31_rest_for_one_restarts_it_and_what_came_after)
{
    running(plain(REST), "a b c d e");
    order("c", KID_CRASH);
    trace_is(&family_log, "*c -e -d +c +d +e");
    ck_assert_uint_eq(kid_of("a")->seen.incarnation, 1);
    ck_assert_uint_eq(kid_of("b")->seen.incarnation, 1);
    ck_assert_uint_eq(kid_of("e")->seen.incarnation, 2);
}
END_TEST

/* ---- The limit ---- */

START_TEST(SUP_49_old_restarts_expire)
{
    running(family_flags(ONE, 1, 1000), "a");
    for (int i = 0; i < 4; i++) {
        order("a", KID_CRASH);
        family_run(2100);
    }
    trace_is(&family_events, "");
    ck_assert_uint_eq(kid_of("a")->starts, 5);
}
END_TEST

START_TEST(SUP_50_the_edge_of_the_window_is_exact)
{
    running(family_flags(ONE, 1, 1000), "a");
    order("a", KID_CRASH);
    family_run(1000);
    order("a", KID_CRASH); /* the first is exactly a period old: it counts no more */
    trace_is(&family_events, "");
    family_run(999);
    order("a", KID_CRASH);
    trace_is(&family_events, "tripped root(a) down root");
}
END_TEST

START_TEST(SUP_142_a_start_that_always_fails_is_tried_as_often_as_the_limit_says)
{
    running(family_flags(ONE, 3, 60000), "a");
    kid_of("a")->failing_starts = 1000;
    order("a", KID_CRASH);
    trace_is(&family_log, "*a !a !a !a");
    trace_is(&family_events, "tripped root(a) down root");
}
END_TEST

/* ---- Calls and changes ---- */

START_TEST(SUP_87_counts_while_restarting)
{
    running(waiting(10), "a b c");
    kid_of("b")->failing_starts = 1;
    kid_of("c")->failing_starts = 2;
    order("b", KID_CRASH);
    order("c", KID_CRASH);
    family_answers(root, supervisor_request_count(), SUPERVISOR_OK);
    ck_assert_uint_eq(family_last.counts.active, 1);
    ck_assert_uint_eq(family_last.counts.workers, 3);
    ck_assert_uint_eq(family_last.counts.specs, 3);
    family_run(10000);
    family_answers(root, supervisor_request_count(), SUPERVISOR_OK);
    ck_assert_uint_eq(family_last.counts.active, 3);
    ck_assert_uint_eq(family_last.counts.workers, 3);
}
END_TEST

START_TEST(SUP_117_a_missing_child_is_stopped_and_forgotten)
{
    running(plain(ALL), "a b c");
    family_answers(root, supervisor_request_drop("b"), SUPERVISOR_OK);
    trace_is(&family_log, "-b");
    list_is("a:running c:running");
    order("a", KID_CRASH);
    trace_is(&family_log, "*a -c +a +c");
}
END_TEST

/* ---- Nested ---- */

START_TEST(SUP_139_children_are_gone_before_the_new_incarnation_starts)
{
    family_call waits;
    supervisor_spec *spec = family_spec("root", plain(ONE), "");
    family_nest(spec, "in", family_spec("in", plain(ONE), "a b c"), SUPERVISOR_PERMANENT);
    root = family_spawn(spec);
    quiet();
    kid_of("a")->stop_time = 300;
    supervisor_child extra = family_child(kid_of("x"));
    family_answers(family_ref("in"), supervisor_request_start(&extra, false, SUPERVISOR_LAST),
                   SUPERVISOR_OK);
    order("b", KID_ESCALATE);
    trace_is(&family_log, "+x *b -x -c <a");
    kid_of("b")->start_time = 100; /* of the new incarnation */
    family_run(299);
    trace_is(&family_log, "");
    family_run(1);
    trace_is(&family_log, "-a +a (b");
    family_ask(&waits, family_ref("in"), supervisor_request_which(NULL));
    ck_assert(!waits.done); /* it waits until the start is over */
    family_run(100);
    trace_is(&family_log, "+b +c");
    ck_assert(waits.done);
    ck_assert_str_eq(waits.list, "a:running b:running c:running"); /* x is gone */
}
END_TEST

/* ---- Backoff ---- */

START_TEST(SUP_161_the_limit_holds_with_backoff_and_failed_starts_count)
{
    running(waiting(2), "a");
    order("a", KID_CRASH);
    kid_of("a")->failing_starts = 1;
    family_run(100);
    trace_is(&family_log, "*a !a");
    family_run(200);
    trace_is(&family_log, "+a");
    order("a", KID_CRASH);
    trace_is(&family_events, "tripped root(a) down root");
}
END_TEST

START_TEST(SUP_162_a_clean_exit_waits_or_is_final_by_restart_type)
{
    kid_of("b")->restart = SUPERVISOR_TRANSIENT;
    running(waiting(10), "a b");
    order("a", KID_EXIT);
    order("b", KID_EXIT);
    list_is("a:backoff b:stopped");
    family_run(100);
    trace_is(&family_log, "*a *b +a");
}
END_TEST

START_TEST(SUP_162_a_stop_is_final_also_while_nothing_runs)
{
    running(waiting(10), "a b");
    order("a", KID_CRASH);
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
    family_run(100000);
    trace_is(&family_log, "*a");
    list_is("a:stopped b:running");
}
END_TEST

START_TEST(SUP_165_there_is_exactly_one_child_after_any_number_of_cycles)
{
    running(waiting(SUPERVISOR_UNLIMITED), "a");
    for (unsigned i = 1; i <= 20; i++) {
        order("a", KID_CRASH);
        kid_do("a", KID_COUNT);
        family_run(1000);
        ck_assert_uint_eq(kid_of("a")->handled, i);
        ck_assert_uint_eq(kid_of("a")->private, 1);
    }
    list_is("a:running");
}
END_TEST

static const struct {
    const char *scenario;
    supervisor_restart type;
    actor_ms shutdown, stop_time;
    bool by_itself; /* it ends while its supervisor waits for a sibling */
    kid_order how;
    bool expected;
} stops[] = {
    {"told to and did", SUPERVISOR_PERMANENT, 1000, 0, false, KID_COUNT, true},
    {"shutdown: kill", SUPERVISOR_PERMANENT, SUPERVISOR_KILL, 0, false, KID_COUNT, true},
    {"its time ran out", SUPERVISOR_TRANSIENT, 1000, -1, false, KID_COUNT, false},
    {"transient, clean", SUPERVISOR_TRANSIENT, 1000, 0, true, KID_EXIT, true},
    {"temporary, clean", SUPERVISOR_TEMPORARY, 1000, 0, true, KID_EXIT, true},
    {"permanent, clean", SUPERVISOR_PERMANENT, 1000, 0, true, KID_EXIT, false},
    {"temporary, crash", SUPERVISOR_TEMPORARY, 1000, 0, true, KID_CRASH, false},
};

START_TEST(SUP_81_only_unexpected_ends_are_news)
{
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        kid *k = kid_of("a");
        k->restart = stops[i].type;
        k->shutdown = stops[i].shutdown;
        k->stop_time = stops[i].stop_time;
        kid_of("z")->stop_time = 500;
        running(plain(ONE), "a z");
        actor_stop(root);
        family_settle();
        if (stops[i].by_itself)
            order("a", stops[i].how);
        family_run(2000);
        trace_is(&family_events, "down root");
        ck_assert_msg(k->expected == stops[i].expected, "%s", stops[i].scenario);
        family_teardown();
        family_setup(1);
        quiet();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        SUP_20_a_name_that_is_taken_outside_fails_the_start_and_harms_nobody,
        SUP_28_arguments_of_temporary_children_go_with_them,
        SUP_29_one_for_one_restarts_the_one_alone,
        SUP_31_rest_for_one_restarts_it_and_what_came_after,
        SUP_49_old_restarts_expire,
        SUP_50_the_edge_of_the_window_is_exact,
        SUP_142_a_start_that_always_fails_is_tried_as_often_as_the_limit_says,
        SUP_81_only_unexpected_ends_are_news,
        SUP_87_counts_while_restarting,
        SUP_117_a_missing_child_is_stopped_and_forgotten,
        SUP_139_children_are_gone_before_the_new_incarnation_starts,
        SUP_161_the_limit_holds_with_backoff_and_failed_starts_count,
        SUP_162_a_clean_exit_waits_or_is_final_by_restart_type,
        SUP_162_a_stop_is_final_also_while_nothing_runs,
        SUP_165_there_is_exactly_one_child_after_any_number_of_cycles,
        NULL};
    return suite_run("scenarios_supervision", tests, setup, family_teardown);
}
