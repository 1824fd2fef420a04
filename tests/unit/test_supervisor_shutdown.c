/* Significant children: when their end is the end of their supervisor. */
#include "tests/support/family.h"
#include "tests/support/suite.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define NEVER SUPERVISOR_NEVER
#define ANY   SUPERVISOR_ANY_SIGNIFICANT
#define EVERY SUPERVISOR_ALL_SIGNIFICANT

static actor_ref root;

static void setup(void)
{
    family_setup(1);
}

static void next_row(void)
{
    family_teardown();
    family_setup(1);
}

static supervisor_flags flags(supervisor_auto_shutdown mode)
{
    supervisor_flags f = family_flags(SUPERVISOR_ONE_FOR_ONE, 10, 60000);
    f.auto_shutdown = mode;
    return f;
}

static void significant(const char *name, supervisor_restart restart)
{
    kid_of(name)->significant = true;
    kid_of(name)->restart = restart;
}

static void running(supervisor_flags f, const char *children)
{
    root = family_spawn(family_spec("root", f, children));
    ck_assert_str_eq(family_events.text, "up root");
    family_log.text[0] = family_events.text[0] = family_states.text[0] = '\0';
}

static void order(const char *name, kid_order what)
{
    kid_do(name, what);
    family_settle();
}

static void lives(void)
{
    trace_is(&family_events, "");
}

static void set_mode(supervisor_auto_shutdown mode)
{
    supervisor_flags f = flags(mode);
    family_answers(root, supervisor_request_flags(&f), SUPERVISOR_OK);
}

static void set_significant(const char *name, bool on, supervisor_err expected)
{
    kid_of(name)->significant = on;
    supervisor_child c = family_child(kid_of(name));
    family_answers(root, supervisor_request_update(&c), expected);
}

/* ---- What is refused ---- */

START_TEST(SUP_101_never_has_no_significant_children)
{
    char why[160];
    significant("b", SUPERVISOR_TRANSIENT);
    supervisor_spec *spec = family_spec("root", flags(NEVER), "a");
    supervisor_child c = family_child(kid_of("b"));
    ck_assert_int_eq(supervisor_spec_add(spec, &c, why, sizeof why), SUPERVISOR_EINVAL);
    ck_assert_str_eq(why, "'b': significant: not while auto_shutdown is never");
    root = family_spawn(spec);
    family_answers(root, supervisor_request_start(&c, true, SUPERVISOR_LAST), SUPERVISOR_EINVAL);
    ck_assert_str_eq(family_last.reason, why);
    trace_is(&family_log, "+a");
}
END_TEST

START_TEST(SUP_102_no_permanent_child_is_significant)
{
    static const supervisor_auto_shutdown modes[] = {NEVER, ANY, EVERY};
    char why[160];
    significant("a", SUPERVISOR_PERMANENT);
    supervisor_child c = family_child(kid_of("a"));
    for (size_t i = 0; i < COUNT(modes); i++) {
        ck_assert_int_eq(supervisor_child_check(&c, modes[i], why, sizeof why), SUPERVISOR_EINVAL);
        ck_assert_str_eq(why, "'a': significant: a permanent child can't be");
    }
}
END_TEST

START_TEST(SUP_21_a_check_depends_on_the_mode_and_has_no_effect)
{
    significant("b", SUPERVISOR_TEMPORARY);
    running(flags(NEVER), "a");
    supervisor_child c = family_child(kid_of("b"));
    ck_assert_int_eq(supervisor_child_check(&c, ANY, NULL, 0), SUPERVISOR_OK);
    ck_assert_int_eq(supervisor_child_check(&c, EVERY, NULL, 0), SUPERVISOR_OK);
    ck_assert_int_eq(supervisor_child_check(&c, NEVER, NULL, 0), SUPERVISOR_EINVAL);
    family_answers(root, supervisor_request_which(NULL), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, "a:running");
}
END_TEST

START_TEST(SUP_15_an_unknown_mode_is_refused_by_name)
{
    char why[160];
    supervisor_flags f = flags((supervisor_auto_shutdown)7);
    ck_assert_int_eq(supervisor_flags_check(&f, why, sizeof why), SUPERVISOR_EINVAL);
    ck_assert_str_eq(why, "auto_shutdown: 7 is none");
}
END_TEST

/* ---- Which ends count: b is significant, a and c are not ---- */

static const struct {
    const char *scenario;
    supervisor_auto_shutdown mode;
    supervisor_restart type;
    kid_order how;
    bool over;
} ends[] = {
    {"SUP_103 temporary, clean", ANY, SUPERVISOR_TEMPORARY, KID_EXIT, true},
    {"SUP_103 temporary, crash", ANY, SUPERVISOR_TEMPORARY, KID_CRASH, true},
    {"SUP_103 temporary, for good", ANY, SUPERVISOR_TEMPORARY, KID_FAIL_STOP, true},
    {"SUP_104 transient, clean", ANY, SUPERVISOR_TRANSIENT, KID_EXIT, true},
    {"SUP_104 transient, crash", ANY, SUPERVISOR_TRANSIENT, KID_CRASH, false},
    {"SUP_104 transient, for good", ANY, SUPERVISOR_TRANSIENT, KID_FAIL_STOP, true},
    {"SUP_105 the only one", EVERY, SUPERVISOR_TRANSIENT, KID_EXIT, true},
    {"SUP_105 restarted", EVERY, SUPERVISOR_TRANSIENT, KID_CRASH, false},
};

START_TEST(ends_of_significant_children_decide)
{
    for (size_t i = 0; i < COUNT(ends); i++) {
        significant("b", ends[i].type);
        running(flags(ends[i].mode), "a b c");
        order("b", ends[i].how);
        const char *log = ends[i].over ? "*b -c -a" : "*b +b";
        ck_assert_msg(strcmp(family_log.text, log) == 0, "%s: %s", ends[i].scenario,
                      family_log.text);
        ck_assert_str_eq(family_events.text, ends[i].over ? "done root(b)" : "");
        next_row();
    }
}
END_TEST

START_TEST(SUP_103_a_killed_temporary_child_ends_its_supervisor)
{
    significant("b", SUPERVISOR_TEMPORARY);
    running(flags(ANY), "a b c");
    family_answers(root, supervisor_request_kill("b"), SUPERVISOR_OK);
    trace_is(&family_log, "xb -c -a");
    trace_is(&family_events, "done root(b)");
    ck_assert_str_eq(family_reason, "child 'b' is significant and has ended: killed");
}
END_TEST

START_TEST(SUP_104_a_killed_transient_child_is_restarted)
{
    significant("b", SUPERVISOR_TRANSIENT);
    running(flags(ANY), "a b");
    family_answers(root, supervisor_request_kill("b"), SUPERVISOR_OK);
    trace_is(&family_log, "xb +b");
    lives();
}
END_TEST

START_TEST(SUP_104_a_requested_exit_ends_the_supervisor)
{
    significant("b", SUPERVISOR_TRANSIENT);
    running(flags(ANY), "a b");
    ck_assert_int_eq(actor_stop(kid_of("b")->ref), ACTOR_OK); /* by somebody, not by call */
    family_settle();
    trace_is(&family_log, "-b -a");
    trace_is(&family_events, "done root(b)");
}
END_TEST

START_TEST(SUP_103_the_others_stop_in_reverse_by_their_policies)
{
    significant("b", SUPERVISOR_TRANSIENT);
    kid_of("c")->stop_time = -1;
    kid_of("c")->shutdown = 400;
    running(flags(ANY), "a b c d");
    order("b", KID_EXIT);
    trace_is(&family_log, "*b -d <c");
    lives();
    order("a", KID_CRASH); /* no restart any more */
    family_run(400);
    trace_is(&family_log, "*a xc");
    trace_is(&family_events, "done root(b)");
}
END_TEST

START_TEST(SUP_105_the_last_of_the_significant_ones_ends_it)
{
    significant("a", SUPERVISOR_TRANSIENT);
    significant("c", SUPERVISOR_TEMPORARY);
    running(flags(EVERY), "a b c");
    order("a", KID_EXIT);
    trace_is(&family_log, "*a");
    lives();
    order("c", KID_CRASH);
    trace_is(&family_log, "*c -b");
    trace_is(&family_events, "done root(c)");
}
END_TEST

START_TEST(SUP_105_one_that_waits_for_its_restart_is_not_over)
{
    supervisor_flags f = flags(EVERY);
    f.backoff = (backoff_restart){.policy = {BACKOFF_FIXED, BACKOFF_JITTER_NONE, 100, 100, 1}};
    significant("a", SUPERVISOR_TRANSIENT);
    significant("b", SUPERVISOR_TRANSIENT);
    running(f, "a b");
    order("a", KID_CRASH);
    order("b", KID_EXIT);
    lives();
    family_run(100);
    order("a", KID_EXIT);
    trace_is(&family_events, "done root(a)");
}
END_TEST

START_TEST(SUP_105_both_at_the_same_instant)
{
    significant("a", SUPERVISOR_TRANSIENT);
    significant("b", SUPERVISOR_TRANSIENT);
    running(flags(EVERY), "a b c");
    kid_do("a", KID_EXIT);
    kid_do("b", KID_EXIT);
    family_settle();
    ck_assert_ptr_nonnull(strstr(family_events.text, "done root("));
    ck_assert(!kid_of("c")->alive);
}
END_TEST

START_TEST(SUP_107_insignificant_children_never_end_it)
{
    static const supervisor_auto_shutdown modes[] = {NEVER, ANY, EVERY};
    static const kid_order hows[] = {KID_EXIT, KID_CRASH, KID_FAIL_STOP};
    for (size_t i = 0; i < COUNT(modes) * COUNT(hows); i++) {
        kid_of("a")->restart = SUPERVISOR_TEMPORARY;
        kid_of("b")->restart = SUPERVISOR_TRANSIENT;
        running(flags(modes[i / COUNT(hows)]), "a b c");
        order("a", hows[i % COUNT(hows)]);
        order("b", hows[i % COUNT(hows)]);
        order("c", hows[i % COUNT(hows)]);
        lives();
        next_row();
    }
}
END_TEST

/* ---- What operators do never counts ---- */

START_TEST(SUP_108_a_stop_by_call_never_ends_it)
{
    static const supervisor_auto_shutdown modes[] = {ANY, EVERY};
    for (size_t i = 0; i < COUNT(modes); i++) {
        significant("a", SUPERVISOR_TRANSIENT);
        significant("b", SUPERVISOR_TEMPORARY);
        running(flags(modes[i]), "a b c");
        family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
        family_answers(root, supervisor_request_stop("b"), SUPERVISOR_OK);
        trace_is(&family_log, "-a -b");
        lives();
        family_answers(root, supervisor_request_which(NULL), SUPERVISOR_OK);
        ck_assert_str_eq(family_last.list, "a:stopped c:running");
        next_row();
    }
}
END_TEST

START_TEST(SUP_108_nor_a_removal_or_a_restart_by_call_even_a_failing_one)
{
    significant("a", SUPERVISOR_TRANSIENT);
    significant("b", SUPERVISOR_TRANSIENT);
    running(flags(ANY), "a b c");
    family_answers(root, supervisor_request_drop("a"), SUPERVISOR_OK);
    family_answers(root, supervisor_request_restart("b"), SUPERVISOR_OK);
    trace_is(&family_log, "-a -b +b");
    kid_of("b")->failing_starts = 1;
    family_answers(root, supervisor_request_restart("b"), SUPERVISOR_EFAILED);
    trace_is(&family_log, "-b !b");
    lives();
}
END_TEST

START_TEST(SUP_108_the_end_of_the_last_counts_where_an_operator_stopped_the_others)
{
    significant("a", SUPERVISOR_TRANSIENT);
    significant("b", SUPERVISOR_TRANSIENT);
    running(flags(EVERY), "a b c");
    family_answers(root, supervisor_request_stop("a"), SUPERVISOR_OK);
    order("b", KID_EXIT);
    trace_is(&family_events, "done root(b)");
}
END_TEST

START_TEST(a_start_that_is_declined_never_ends_it)
{
    significant("a", SUPERVISOR_TRANSIENT);
    kid_of("a")->declines = true;
    running(flags(ANY), "a b");
    family_answers(root, supervisor_request_restart("a"), SUPERVISOR_OK);
    kid_of("a")->declines = true;
    order("a", KID_CRASH);
    trace_is(&family_log, "+a *a ?a");
    lives();
}
END_TEST

START_TEST(a_group_restart_never_ends_it)
{
    supervisor_flags f = flags(EVERY);
    f.strategy = SUPERVISOR_ONE_FOR_ALL;
    significant("a", SUPERVISOR_TEMPORARY);
    significant("c", SUPERVISOR_TRANSIENT);
    running(f, "a b c");
    order("b", KID_CRASH);
    trace_is(&family_log, "*b -c -a +b +c");
    lives();
    order("c", KID_EXIT);
    trace_is(&family_events, "done root(c)");
}
END_TEST

START_TEST(an_end_for_good_while_the_group_stops_still_counts)
{
    supervisor_flags f = flags(ANY);
    f.strategy = SUPERVISOR_ONE_FOR_ALL;
    significant("a", SUPERVISOR_TRANSIENT);
    kid_of("c")->stop_time = 100;
    running(f, "a b c");
    order("b", KID_CRASH);
    order("a", KID_FAIL_STOP);
    family_run(100);
    trace_is(&family_log, "*b <c *a -c");
    trace_is(&family_events, "done root(a)");
}
END_TEST

/* ---- Above ---- */

/* root: in (a significant), z */
static void nested(supervisor_restart inner, bool inner_significant, supervisor_flags outer)
{
    significant("a", SUPERVISOR_TRANSIENT);
    supervisor_spec *spec = family_spec("root", outer, "");
    supervisor_child in = {.id = "in",
                           .nested = family_spec("in", flags(ANY), "a b"),
                           .restart = inner,
                           .significant = inner_significant,
                           .shutdown = SUPERVISOR_INFINITY};
    supervisor_child z = family_child(kid_of("z"));
    ck_assert_int_eq(supervisor_spec_add(spec, &in, NULL, 0), SUPERVISOR_OK);
    ck_assert_int_eq(supervisor_spec_add(spec, &z, NULL, 0), SUPERVISOR_OK);
    root = family_spawn(spec);
    family_log.text[0] = family_events.text[0] = '\0';
}

START_TEST(SUP_111_a_permanent_supervisor_comes_back_until_its_parent_trips)
{
    nested(SUPERVISOR_PERMANENT, false, family_flags(SUPERVISOR_ONE_FOR_ONE, 1, 60000));
    order("a", KID_EXIT);
    trace_is(&family_log, "*a -b +a +b");
    trace_is(&family_events, "done in(a) up in");
    ck_assert_int_eq(kid_of("in")->seen.exit, ACTOR_EXIT_REQUESTED);
    ck_assert_str_eq(kid_of("in")->why, "child 'a' is significant and has ended: normal");
    order("a", KID_EXIT);
    trace_is(&family_log, "*a -b -z");
    trace_is(&family_events, "done in(a) tripped root(in) down root");
}
END_TEST

START_TEST(a_transient_supervisor_stays_down_after_its_own_shutdown)
{
    nested(SUPERVISOR_TRANSIENT, false, family_flags(SUPERVISOR_ONE_FOR_ONE, 1, 60000));
    order("a", KID_EXIT);
    trace_is(&family_events, "done in(a)");
    family_answers(root, supervisor_request_which(NULL), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, "in:stopped z:running");
}
END_TEST

START_TEST(a_significant_supervisor_takes_its_parent_along)
{
    nested(SUPERVISOR_TRANSIENT, true, flags(ANY));
    order("a", KID_EXIT);
    trace_is(&family_log, "*a -b -z");
    trace_is(&family_events, "done in(a) done root(in)");
}
END_TEST

/* ---- SUP_113: changes at run time ---- */

START_TEST(SUP_113_from_never_significant_children_become_startable)
{
    running(flags(NEVER), "a");
    set_mode(ANY);
    significant("b", SUPERVISOR_TRANSIENT);
    supervisor_child c = family_child(kid_of("b"));
    family_answers(root, supervisor_request_start(&c, false, SUPERVISOR_LAST), SUPERVISOR_OK);
    order("b", KID_EXIT);
    trace_is(&family_events, "done root(b)");
}
END_TEST

START_TEST(SUP_113_to_never_they_end_nothing_and_new_ones_are_refused)
{
    significant("a", SUPERVISOR_TRANSIENT);
    running(flags(ANY), "a b");
    set_mode(NEVER);
    order("a", KID_EXIT);
    trace_is(&family_log, "*a");
    lives();
    significant("c", SUPERVISOR_TRANSIENT);
    supervisor_child c = family_child(kid_of("c"));
    family_answers(root, supervisor_request_start(&c, false, SUPERVISOR_LAST), SUPERVISOR_EINVAL);
    kid_of("b")->restart = SUPERVISOR_TRANSIENT;
    set_significant("b", true, SUPERVISOR_EINVAL);
}
END_TEST

START_TEST(SUP_113_the_rule_switches_at_once)
{
    significant("a", SUPERVISOR_TRANSIENT);
    significant("b", SUPERVISOR_TRANSIENT);
    significant("c", SUPERVISOR_TRANSIENT);
    running(flags(ANY), "a b c d");
    set_mode(EVERY);
    order("a", KID_EXIT);
    lives();
    set_mode(ANY); /* a is over already: the change itself ends nothing */
    lives();
    order("b", KID_EXIT);
    trace_is(&family_events, "done root(b)");
}
END_TEST

START_TEST(SUP_113_a_child_can_become_significant_and_insignificant)
{
    significant("a", SUPERVISOR_TRANSIENT);
    kid_of("b")->restart = SUPERVISOR_TRANSIENT;
    running(flags(EVERY), "a b c");
    set_significant("b", true, SUPERVISOR_OK);
    order("a", KID_EXIT);
    lives(); /* b is one too now */
    set_significant("a", false, SUPERVISOR_OK);
    set_significant("b", false, SUPERVISOR_OK); /* none is left, which ends nothing */
    order("b", KID_EXIT);
    lives();
    family_answers(root, supervisor_request_restart("b"), SUPERVISOR_OK);
    set_significant("b", true, SUPERVISOR_OK);
    family_answers(root, supervisor_request_which("b"), SUPERVISOR_OK);
    ck_assert(family_last.first.significant);
    order("b", KID_EXIT);
    trace_is(&family_events, "done root(b)");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        SUP_101_never_has_no_significant_children,
        SUP_102_no_permanent_child_is_significant,
        SUP_21_a_check_depends_on_the_mode_and_has_no_effect,
        SUP_15_an_unknown_mode_is_refused_by_name,
        ends_of_significant_children_decide,
        SUP_103_a_killed_temporary_child_ends_its_supervisor,
        SUP_104_a_killed_transient_child_is_restarted,
        SUP_104_a_requested_exit_ends_the_supervisor,
        SUP_103_the_others_stop_in_reverse_by_their_policies,
        SUP_105_the_last_of_the_significant_ones_ends_it,
        SUP_105_one_that_waits_for_its_restart_is_not_over,
        SUP_105_both_at_the_same_instant,
        SUP_107_insignificant_children_never_end_it,
        SUP_108_a_stop_by_call_never_ends_it,
        SUP_108_nor_a_removal_or_a_restart_by_call_even_a_failing_one,
        SUP_108_the_end_of_the_last_counts_where_an_operator_stopped_the_others,
        a_start_that_is_declined_never_ends_it,
        a_group_restart_never_ends_it,
        an_end_for_good_while_the_group_stops_still_counts,
        SUP_111_a_permanent_supervisor_comes_back_until_its_parent_trips,
        a_transient_supervisor_stays_down_after_its_own_shutdown,
        a_significant_supervisor_takes_its_parent_along,
        SUP_113_from_never_significant_children_become_startable,
        SUP_113_to_never_they_end_nothing_and_new_ones_are_refused,
        SUP_113_the_rule_switches_at_once,
        SUP_113_a_child_can_become_significant_and_insignificant,
        NULL};
    return suite_run("supervisor_shutdown", tests, setup, family_teardown);
}
