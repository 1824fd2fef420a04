/* Supervisors under supervisors: start, trips, escalation, ends. */
#include "tests/support/family.h"
#include "tests/support/suite.h"

#include <string.h>

#define ONE SUPERVISOR_ONE_FOR_ONE
#define ALL SUPERVISOR_ONE_FOR_ALL

static actor_ref root;

static void setup(void)
{
    family_setup(1);
}

static supervisor_flags limit(int32_t max)
{
    return family_flags(ONE, max, 60000);
}

static void quiet(void)
{
    family_log.text[0] = family_events.text[0] = family_states.text[0] = '\0';
}

/* root: a, in (b, c), d */
static void running(supervisor_restart inner, int32_t outer_limit, int32_t inner_limit)
{
    supervisor_spec *spec = family_spec("root", limit(outer_limit), "a");
    supervisor_child d = family_child(kid_of("d"));
    family_nest(spec, "in", family_spec("in", limit(inner_limit), "b c"), inner);
    ck_assert_int_eq(supervisor_spec_add(spec, &d, NULL, 0), SUPERVISOR_OK);
    root = family_spawn(spec);
    ck_assert_str_eq(family_log.text, "+a +b +c +d");
    ck_assert_str_eq(family_events.text, "up in up root");
    quiet();
}

static void order(const char *name, kid_order what)
{
    kid_do(name, what);
    family_settle();
}

static void list_is(actor_ref supervisor, const char *expected)
{
    family_answers(supervisor, supervisor_request_which(NULL), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, expected);
}

START_TEST(SUP_07_the_cause_chain_names_every_level)
{
    kid_of("leaf")->failing_starts = 1;
    supervisor_spec *top = family_spec("root", limit(5), "a");
    family_nest(top, "mid", family_spec("mid", limit(5), "b leaf"), SUPERVISOR_PERMANENT);
    (void)family_spawn(top);
    trace_is(&family_log, "+a +b !leaf -b -a");
    trace_is(&family_events, "failed mid down mid failed root down root");
    ck_assert_str_eq(family_reason,
                     "child 'mid' failed to start: child 'leaf' failed to start: leaf will not");
}
END_TEST

START_TEST(SUP_63_a_trip_of_a_permanent_supervisor_is_one_restart)
{
    running(SUPERVISOR_PERMANENT, 1, 0);
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -c +b +c");
    trace_is(&family_events, "tripped in(b) down in up in");
    ck_assert_uint_eq(kid_of("in")->seen.restarts, 1);
    ck_assert_int_eq(kid_of("in")->seen.exit, ACTOR_EXIT_REQUESTED);
    ck_assert_str_eq(kid_of("in")->why, "child 'b' reached the restart limit: boom");
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -c -d -a");
    trace_is(&family_events, "tripped in(b) down in tripped root(in) down root");
    ck_assert_str_eq(family_reason, "child 'in' reached the restart limit: child 'b' reached the "
                                    "restart limit: boom");
}
END_TEST

START_TEST(SUP_64_a_trip_of_a_transient_supervisor_is_its_end)
{
    running(SUPERVISOR_TRANSIENT, 5, 0);
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -c");
    list_is(root, "a:running in:stopped d:running");
    ck_assert(actor_ref_none(family_ref("in")));
    ck_assert_int_eq(kid_of("b")->seen.state, SUPERVISOR_CHILD_STOPPED); /* may come back */
    family_answers(root, supervisor_request_restart("in"), SUPERVISOR_OK);
    trace_is(&family_log, "+b +c");
}
END_TEST

START_TEST(SUP_65_a_trip_of_a_temporary_supervisor_removes_it)
{
    running(SUPERVISOR_TEMPORARY, 5, 0);
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -c");
    list_is(root, "a:running d:running");
}
END_TEST

START_TEST(SUP_58_a_restarted_supervisor_has_an_empty_window)
{
    running(SUPERVISOR_PERMANENT, 5, 1);
    order("b", KID_CRASH);
    order("b", KID_CRASH);
    trace_is(&family_events, "tripped in(b) down in up in");
    order("b", KID_CRASH);
    trace_is(&family_events, "");
}
END_TEST

START_TEST(SUP_67_the_top_trips_with_its_reason)
{
    running(SUPERVISOR_PERMANENT, 0, 5);
    order("a", KID_CRASH);
    trace_is(&family_log, "*a -d -c -b");
    trace_is(&family_events, "tripped root(a) down in down root");
    ck_assert_str_eq(family_reason, "child 'a' reached the restart limit: boom");
}
END_TEST

START_TEST(SUP_68_children_added_at_run_time_are_lost)
{
    running(SUPERVISOR_PERMANENT, 5, 0);
    supervisor_child x = family_child(kid_of("x")), y = family_child(kid_of("y"));
    actor_ref in = family_ref("in");
    family_answers(in, supervisor_request_start(&x, false, SUPERVISOR_LAST), SUPERVISOR_OK);
    family_answers(in, supervisor_request_start(&y, true, 0), SUPERVISOR_OK);
    trace_is(&family_log, "+x +y");
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -x -c -y +y +b +c");
    ck_assert_int_eq(kid_of("x")->seen.state, SUPERVISOR_CHILD_GONE);
    list_is(in, "y:running b:running c:running");
}
END_TEST

START_TEST(SUP_68_so_are_those_that_had_been_stopped)
{
    running(SUPERVISOR_PERMANENT, 5, 0);
    supervisor_child x = family_child(kid_of("x"));
    actor_ref in = family_ref("in");
    family_answers(in, supervisor_request_start(&x, false, 0), SUPERVISOR_OK);
    family_answers(in, supervisor_request_stop("x"), SUPERVISOR_OK);
    ck_assert_int_eq(kid_of("x")->seen.state, SUPERVISOR_CHILD_STOPPED);
    order("b", KID_CRASH);
    ck_assert_int_eq(kid_of("x")->seen.state, SUPERVISOR_CHILD_GONE);
    ck_assert(kid_of("x")->seen.last && kid_of("x")->seen.closing);
    list_is(in, "b:running c:running");
}
END_TEST

START_TEST(SUP_68_of_a_pool_with_a_stopped_instance_the_last_to_go_is_told_as_the_last)
{
    running(SUPERVISOR_PERMANENT, 5, 0);
    kid_of("x")->instances = 3;
    supervisor_child x = family_child(kid_of("x"));
    actor_ref in = family_ref("in");
    family_answers(in, supervisor_request_start(&x, false, SUPERVISOR_LAST), SUPERVISOR_OK);
    actor_msg *stop = supervisor_request_stop("x");
    supervisor_request_of(stop, 2);
    family_answers(in, stop, SUPERVISOR_OK);
    quiet();
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -x3 -x1 -c +b +c");
    const char *gone = family_states.text;
    int count = 0;
    for (; (gone = strstr(gone, ":gone")); gone++)
        count++;
    ck_assert_int_eq(count, 3);
    ck_assert(!kid_of("x2")->seen.last && !kid_of("x3")->seen.last && kid_of("x1")->seen.last);
}
END_TEST

/* ---- A supervisor that is stopped ---- */

static actor_msg *within(actor_msg *request, const char *first, const char *second)
{
    const char *path[] = {first, second};
    ck_assert(supervisor_request_within(request, path, second ? 2 : 1));
    return request;
}

/* in (b, c) is stopped. */
static void stopped(void)
{
    running(SUPERVISOR_PERMANENT, 5, 5);
    family_answers(root, supervisor_request_stop("in"), SUPERVISOR_OK);
    trace_is(&family_log, "-c -b");
}

static void start_in(const char *log)
{
    family_answers(root, supervisor_request_restart("in"), SUPERVISOR_OK);
    trace_is(&family_log, log);
}

START_TEST(a_stopped_supervisor_starts_what_came_and_not_what_went_meanwhile)
{
    static const char *const order_of_children[] = {"x", "c", "y"};
    stopped();
    supervisor_child x = family_child(kid_of("x")), y = family_child(kid_of("y"));
    family_answers(root, within(supervisor_request_start(&x, true, 0), "in", NULL), SUPERVISOR_OK);
    family_answers(root, within(supervisor_request_start(&y, true, 1), "in", NULL), SUPERVISOR_OK);
    family_answers(root, within(supervisor_request_drop("b"), "in", NULL), SUPERVISOR_OK);
    family_answers(root, within(supervisor_request_order(order_of_children, 3), "in", NULL),
                   SUPERVISOR_OK);
    trace_is(&family_log, ""); /* nothing starts */
    start_in("+x +c +y");
}
END_TEST

START_TEST(a_stopped_supervisor_follows_its_new_flags_and_its_children_their_new_settings)
{
    stopped();
    supervisor_flags strict = limit(0);
    kid_of("b")->restart = SUPERVISOR_TEMPORARY;
    supervisor_child b = family_child(kid_of("b"));
    b.behaviour = NULL;
    b.arg = NULL;
    b.free_arg = NULL;
    family_answers(root, within(supervisor_request_update(&b), "in", NULL), SUPERVISOR_OK);
    family_answers(root, within(supervisor_request_flags(&strict), "in", NULL), SUPERVISOR_OK);
    start_in("+b +c");
    order("b", KID_CRASH);
    list_is(family_ref("in"), "c:running");
    order("c", KID_CRASH);
    ck_assert_ptr_nonnull(strstr(family_events.text, "tripped in(c)"));
}
END_TEST

START_TEST(what_a_stopped_supervisor_cannot_do_is_refused)
{
    stopped();
    supervisor_child b = family_child(kid_of("b")), x = family_child(kid_of("x"));
    family_answers(root, within(supervisor_request_start(&b, true, 0), "in", NULL),
                   SUPERVISOR_EPRESENT);
    kid_of("x")->significant = true;
    x.significant = true;
    x.restart = SUPERVISOR_TRANSIENT;
    family_answers(root, within(supervisor_request_start(&x, true, 0), "in", NULL),
                   SUPERVISOR_EINVAL);
    family_answers(root, within(supervisor_request_drop("x"), "in", NULL), SUPERVISOR_ENOTFOUND);
    family_answers(root, within(supervisor_request_drop("b"), "nobody", NULL),
                   SUPERVISOR_ENOTFOUND);
    family_answers(root, within(supervisor_request_drop("b"), "a", NULL), SUPERVISOR_ENOTFOUND);
    family_answers(root, within(supervisor_request_drop("b"), "in", "b"), SUPERVISOR_ENOTFOUND);
    family_answers(root, within(supervisor_request_kill("b"), "in", NULL), SUPERVISOR_EINVAL);
    start_in("+b +c");
    family_answers(root, within(supervisor_request_drop("b"), "in", NULL), SUPERVISOR_ERUNNING);
    list_is(family_ref("in"), "b:running c:running");
}
END_TEST

START_TEST(below_a_stopped_supervisor_the_path_goes_on)
{
    supervisor_spec *spec = family_spec("root", limit(5), "a");
    supervisor_spec *in = family_spec("in", limit(5), "b");
    family_nest(in, "deep", family_spec("deep", limit(5), "c"), SUPERVISOR_PERMANENT);
    family_nest(spec, "in", in, SUPERVISOR_PERMANENT);
    root = family_spawn(spec);
    family_answers(root, supervisor_request_stop("in"), SUPERVISOR_OK);
    supervisor_child x = family_child(kid_of("x"));
    family_answers(root, within(supervisor_request_start(&x, true, 0), "in", "deep"),
                   SUPERVISOR_OK);
    quiet();
    start_in("+b +x +c");
}
END_TEST

START_TEST(F8_a_dropped_child_does_not_come_back)
{
    running(SUPERVISOR_PERMANENT, 5, 0);
    family_answers(family_ref("in"), supervisor_request_drop("b"), SUPERVISOR_OK);
    order("c", KID_CRASH);
    trace_is(&family_log, "-b *c +c");
}
END_TEST

START_TEST(what_an_operator_stopped_comes_back_with_its_supervisor)
{
    running(SUPERVISOR_PERMANENT, 5, 0);
    family_answers(family_ref("in"), supervisor_request_stop("b"), SUPERVISOR_OK);
    order("c", KID_CRASH);
    trace_is(&family_log, "-b *c +b +c");
}
END_TEST

START_TEST(changed_flags_outlive_a_restart)
{
    running(SUPERVISOR_PERMANENT, 5, 0);
    supervisor_flags f = family_flags(ALL, 1, 60000);
    family_answers(family_ref("in"), supervisor_request_flags(&f), SUPERVISOR_OK);
    family_answers(root, supervisor_request_restart("in"), SUPERVISOR_OK);
    trace_is(&family_log, "-c -b +b +c");
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -c +b +c");
    trace_is(&family_events, "down in up in");
}
END_TEST

START_TEST(SUP_69_a_killed_supervisor_leaves_no_orphans)
{
    kid_of("c")->stop_time = -1;
    kid_of("c")->shutdown = SUPERVISOR_INFINITY;
    running(SUPERVISOR_PERMANENT, 5, 5);
    family_answers(root, supervisor_request_kill("in"), SUPERVISOR_OK);
    family_settle();
    ck_assert_ptr_nonnull(strstr(family_log.text, "xb"));
    ck_assert_ptr_nonnull(strstr(family_log.text, "xc"));
    ck_assert(kid_of("b")->alive && kid_of("c")->alive);
    ck_assert_uint_eq(kid_of("b")->starts, 2);
}
END_TEST

START_TEST(SUP_69_a_supervisor_killed_while_it_stops_a_child)
{
    kid_of("c")->stop_time = -1;
    kid_of("c")->shutdown = SUPERVISOR_INFINITY;
    running(SUPERVISOR_PERMANENT, 5, 5);
    family_call stop;
    family_ask(&stop, family_ref("in"), supervisor_request_stop("c"));
    trace_is(&family_log, "<c");
    family_answers(root, supervisor_request_kill("in"), SUPERVISOR_OK);
    ck_assert(stop.done);
    ck_assert_ptr_nonnull(strstr(family_log.text, "xc"));
    ck_assert_uint_eq(kid_of("c")->starts, 2);
}
END_TEST

START_TEST(SUP_70_a_stop_goes_down_the_tree_in_reverse)
{
    running(SUPERVISOR_PERMANENT, 5, 5);
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_settle();
    trace_is(&family_log, "-d -c -b -a");
    trace_is(&family_events, "down in down root");
    ck_assert_int_eq(kid_of("in")->seen.exit, ACTOR_EXIT_REQUESTED);
}
END_TEST

START_TEST(SUP_71_a_supervisor_out_of_time_takes_its_children_along)
{
    supervisor_spec *spec = family_spec("root", limit(5), "a");
    kid_of("b")->stop_time = -1;
    kid_of("b")->shutdown = SUPERVISOR_INFINITY;
    supervisor_child in = {.id = "in", .nested = family_spec("in", limit(5), "b"), .shutdown = 300};
    ck_assert_int_eq(supervisor_spec_add(spec, &in, NULL, 0), SUPERVISOR_OK);
    root = family_spawn(spec);
    quiet();
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    family_run(299);
    trace_is(&family_log, "<b");
    family_run(1);
    trace_is(&family_log, "xb -a");
    trace_is(&family_events, "down in down root");
}
END_TEST

START_TEST(SUP_132_escalation_is_a_crash_of_the_supervisor)
{
    running(SUPERVISOR_TRANSIENT, 5, 5);
    order("b", KID_ESCALATE);
    trace_is(&family_log, "*b -c +b +c");
    trace_is(&family_events, "escalated in(b) down in up in");
    ck_assert_int_eq(kid_of("in")->seen.exit, ACTOR_EXIT_CRASH);
    ck_assert_str_eq(kid_of("in")->why, "child 'b' escalated: worse");
}
END_TEST

START_TEST(a_nested_start_that_fails_on_restart_is_tried_again)
{
    running(SUPERVISOR_PERMANENT, 3, 0);
    kid_of("c")->failing_starts = 2;
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -c +b !c -b +b !c -b +b +c");
    ck_assert_uint_eq(kid_of("in")->seen.restarts, 3);
    ck_assert_ptr_null(strstr(family_events.text, "root"));
}
END_TEST

START_TEST(F10_a_group_restart_brings_the_whole_branch_back)
{
    supervisor_spec *spec = family_spec("root", family_flags(ALL, 5, 60000), "a");
    family_nest(spec, "in", family_spec("in", limit(5), "b c"), SUPERVISOR_PERMANENT);
    root = family_spawn(spec);
    quiet();
    order("a", KID_CRASH);
    trace_is(&family_log, "*a -c -b +a +b +c");
    trace_is(&family_events, "down in up in");
}
END_TEST

START_TEST(the_root_can_be_watched_from_outside)
{
    running(SUPERVISOR_PERMANENT, 0, 5);
    actor_info info;
    ck_assert_int_eq(actor_inspect(root, &info), ACTOR_OK);
    order("a", KID_CRASH);
    ck_assert_int_eq(actor_inspect(root, &info), ACTOR_ENOTFOUND);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        SUP_07_the_cause_chain_names_every_level,
        SUP_63_a_trip_of_a_permanent_supervisor_is_one_restart,
        SUP_64_a_trip_of_a_transient_supervisor_is_its_end,
        SUP_65_a_trip_of_a_temporary_supervisor_removes_it,
        SUP_58_a_restarted_supervisor_has_an_empty_window,
        SUP_67_the_top_trips_with_its_reason,
        SUP_68_children_added_at_run_time_are_lost,
        SUP_68_so_are_those_that_had_been_stopped,
        SUP_68_of_a_pool_with_a_stopped_instance_the_last_to_go_is_told_as_the_last,
        a_stopped_supervisor_starts_what_came_and_not_what_went_meanwhile,
        a_stopped_supervisor_follows_its_new_flags_and_its_children_their_new_settings,
        what_a_stopped_supervisor_cannot_do_is_refused,
        below_a_stopped_supervisor_the_path_goes_on,
        F8_a_dropped_child_does_not_come_back,
        what_an_operator_stopped_comes_back_with_its_supervisor,
        changed_flags_outlive_a_restart,
        SUP_69_a_killed_supervisor_leaves_no_orphans,
        SUP_69_a_supervisor_killed_while_it_stops_a_child,
        SUP_70_a_stop_goes_down_the_tree_in_reverse,
        SUP_71_a_supervisor_out_of_time_takes_its_children_along,
        SUP_132_escalation_is_a_crash_of_the_supervisor,
        a_nested_start_that_fails_on_restart_is_tried_again,
        F10_a_group_restart_brings_the_whole_branch_back,
        the_root_can_be_watched_from_outside,
        NULL};
    return suite_run("supervisor_nested", tests, setup, family_teardown);
}
