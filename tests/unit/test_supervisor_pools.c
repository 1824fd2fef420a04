/* Children with more than one instance. The pool is p, its instances are p1, p2 ... Peers do things
 * side by side, so the order among them is the simulation's. */
#include "tests/support/family.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
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

static void quiet(void)
{
    family_log.text[0] = family_events.text[0] = family_states.text[0] = '\0';
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

/* A root with these children, p being a pool of so many. */
static void running(supervisor_flags f, uint32_t instances, const char *children)
{
    kid_of("p")->instances = instances;
    root = family_spawn(family_spec("root", f, children));
    ck_assert_str_eq(family_events.text, "up root");
    quiet();
}

static bool is_peer(const char *word)
{
    return word && word[1] == 'p' && word[2] >= '1' && word[2] <= '9';
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

/* What is said of peers one after the other, sorted. */
static void sort_peers(const char *text, trace *out)
{
    char copy[sizeof out->text], *rest = copy, *words[200];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", text);
    while (count < 199 && (words[count] = strtok_r(rest, " ", &rest)))
        count++;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && is_peer(words[i]) && is_peer(words[end]);)
            end++;
        qsort(words + i, end - i, sizeof *words, by_text);
    }
    out->text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        trace_add(out, "%s", words[i]);
}

static void log_is(const char *expected)
{
    trace sorted, wanted;
    sort_peers(family_log.text, &sorted);
    sort_peers(expected, &wanted);
    ck_assert_str_eq(sorted.text, wanted.text);
    family_log.text[0] = '\0';
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

static actor_msg *start_of(const char *name, bool keep)
{
    supervisor_child c = family_child(kid_of(name));
    return supervisor_request_start(&c, keep, SUPERVISOR_LAST);
}

static actor_msg *stop_of(uint32_t instance)
{
    actor_msg *msg = supervisor_request_stop("p");
    supervisor_request_of(msg, instance);
    return msg;
}

/* ---- Start ---- */

START_TEST(instances_start_side_by_side)
{
    kid_of("p1")->start_time = kid_of("p2")->start_time = kid_of("p3")->start_time = 100;
    kid_of("p")->instances = 3;
    root = family_spawn(family_spec("root", flags(ONE), "a p b"));
    family_run(99);
    log_is("+a (p1 (p2 (p3");
    family_run(1);
    log_is("+p1 +p2 +p3 +b");
    trace_is(&family_events, "up root");
}
END_TEST

START_TEST(an_instance_that_fails_fails_the_first_start)
{
    kid_of("p")->instances = 3;
    kid_of("p2")->failing_starts = 1;
    root = family_spawn(family_spec("root", flags(ONE), "a p b"));
    trace_is(&family_events, "failed root down root");
    ck_assert(!kid_of("a")->alive && !kid_of("p1")->alive && !kid_of("p3")->alive);
    ck_assert_str_eq(family_reason, "child 'p' failed to start: p2 will not");
}
END_TEST

START_TEST(a_pool_is_started_by_call)
{
    running(flags(ONE), 3, "a");
    family_answers(root, start_of("p", false), SUPERVISOR_OK);
    ck_assert(!actor_ref_none(family_last.ref));
    list_is("a:running p1:running p2:running p3:running");
    family_answers(root, start_of("p", false), SUPERVISOR_ESTARTED);
}
END_TEST

START_TEST(a_pool_that_cannot_start_by_call_leaves_nothing)
{
    kid_of("p2")->failing_starts = 1;
    kid_of("p3")->start_time = 100;
    kid_of("p1")->stop_time = 50;
    running(flags(ONE), 3, "a");
    family_ask(&family_last, root, start_of("p", true));
    family_run(149);
    ck_assert(!family_last.done);
    log_is("+p1 !p2 (p3 +p3 <p1 -p3");
    family_run(1);
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_EFAILED);
    ck_assert_str_eq(family_last.reason, "instance 2: p2 will not");
    list_is("a:running");
    ck_assert(!kid_of("p1")->alive && !kid_of("p3")->alive);
    family_ask(&family_last, root, start_of("p", true));
    family_run(100);
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_OK);
}
END_TEST

START_TEST(a_stop_while_a_pool_starts_by_call_ends_the_start)
{
    kid_of("p1")->start_time = kid_of("p2")->start_time = 100;
    running(flags(ONE), 2, "a");
    family_ask(&second, root, start_of("p", false));
    family_answers(root, supervisor_request_stop("p"), SUPERVISOR_OK);
    ck_assert(second.done);
    ck_assert_int_eq(second.err, SUPERVISOR_ESTOPPED);
    list_is("a:running p1:stopped p2:stopped");
}
END_TEST

START_TEST(a_pool_that_cannot_start_by_call_does_not_come_back)
{
    kid_of("p")->instances = 2;
    kid_of("p1")->failing_starts = kid_of("p2")->failing_starts = 1;
    supervisor_spec *spec = family_spec("root", flags(ONE), "");
    family_nest(spec, "in", family_spec("in", flags(ONE), "c"), SUPERVISOR_PERMANENT);
    root = family_spawn(spec);
    family_answers(family_ref("in"), start_of("p", true), SUPERVISOR_EFAILED);
    quiet();
    order("c", KID_ESCALATE);
    log_is("*c +c");
}
END_TEST

START_TEST(of_instances_that_decline_at_once_the_last_one_stays)
{
    for (uint64_t seed = 1; seed < 20; seed++) {
        family_teardown();
        family_setup(seed);
        kid_of("p1")->declines = kid_of("p2")->declines = true;
        running(flags(ONE), 2, "p");
        family_answers(root, supervisor_request_count(), SUPERVISOR_OK);
        ck_assert_uint_eq(family_last.counts.specs, 1);
        ck_assert_uint_eq(family_last.counts.workers, 1);
    }
}
END_TEST

START_TEST(SUP_11_an_instance_that_declines_leaves_no_trace)
{
    static const char *const pools[] = {"p", "q", "r"};
    static const char *const declining[] = {"p2", "q2", "r2"};
    for (int i = 0; i < 3; i++) {
        kid_of(pools[i])->instances = 1;
        kid_of(pools[i])->restart = SUPERVISOR_PERMANENT + i;
        kid_of(declining[i])->declines = true;
    }
    running(flags(ONE), 1, "p q r");
    for (int i = 0; i < 3; i++)
        family_answers(root, supervisor_request_scale(pools[i], 2), SUPERVISOR_OK);
    log_is("?p2 ?q2 ?r2");
    list_is("p1:running q1:running r1:running");
    actor_stop(root);
    family_settle();
    trace_is(&family_events, "down root");
}
END_TEST

START_TEST(SUP_12_an_instance_that_declines_its_restart_is_dropped)
{
    running(flags(ONE), 2, "p");
    kid_of("p2")->declines = true;
    order("p2", KID_CRASH);
    list_is("p1:running");
    kid_of("p1")->declines = true;
    order("p1", KID_CRASH);
    list_is("p1:stopped"); /* the child itself stays */
    actor_stop(root);
    family_settle();
    trace_is(&family_events, "down root");
}
END_TEST

/* ---- Restarts ---- */

START_TEST(SUP_42_a_crash_of_one_instance_is_its_own)
{
    running(family_flags(ONE, 3, 60000), 3, "a p b");
    order("p2", KID_CRASH);
    log_is("*p2 +p2");
    order("p3", KID_CRASH);
    order("p1", KID_CRASH);
    ck_assert_uint_eq(family_used, 3);
    ck_assert_uint_eq(kid_of("p2")->seen.restarts, 1);
    ck_assert_uint_eq(kid_of("p2")->seen.incarnation, 2);
    quiet();
    order("p2", KID_CRASH); /* all share one counter */
    trace_is(&family_events, "tripped root(p) down root");
}
END_TEST

START_TEST(SUP_87_counts_while_instances_are_restarting)
{
    running(waiting(ONE, 100), 3, "p");
    order("p1", KID_CRASH);
    order("p2", KID_CRASH);
    family_answers(root, supervisor_request_count(), SUPERVISOR_OK);
    ck_assert_uint_eq(family_last.counts.specs, 1);
    ck_assert_uint_eq(family_last.counts.active, 1);
    ck_assert_uint_eq(family_last.counts.workers, 3);
    family_run(100);
    family_answers(root, supervisor_request_count(), SUPERVISOR_OK);
    ck_assert_uint_eq(family_last.counts.active, 3);
    ck_assert_uint_eq(family_last.counts.workers, 3);
}
END_TEST

START_TEST(a_temporary_instance_leaves_its_pool_and_the_last_one_takes_it_along)
{
    kid_of("p")->restart = SUPERVISOR_TEMPORARY;
    running(flags(ONE), 2, "p");
    order("p1", KID_CRASH);
    ck_assert(!kid_of("p1")->seen.last);
    list_is("p2:running");
    order("p2", KID_EXIT);
    ck_assert(kid_of("p2")->seen.last);
    list_is("");
    family_answers(root, start_of("p", false), SUPERVISOR_OK);
}
END_TEST

START_TEST(all_of_one_for_all_are_the_peers_too)
{
    running(flags(ALL), 2, "a p b");
    kid_of("p1")->stop_time = kid_of("p2")->stop_time = 50;
    order("a", KID_CRASH);
    log_is("*a -b <p2 <p1");
    family_run(50);
    log_is("-p2 -p1 +a +p1 +p2 +b");
    order("p1", KID_CRASH);
    family_run(50);
    log_is("*p1 -b <p2 -p2 -a +a +p1 +p2 +b");
    ck_assert_uint_eq(family_used, 2);
}
END_TEST

START_TEST(peers_are_not_the_rest_of_rest_for_one)
{
    running(flags(REST), 3, "a p b");
    order("p1", KID_CRASH);
    log_is("*p1 -b +p1 +b");
    order("p2", KID_CRASH);
    log_is("*p2 -b +p2 +b");
    order("b", KID_CRASH);
    log_is("*b +b");
    order("a", KID_CRASH);
    log_is("*a -b -p2 -p1 -p3 +a +p3 +p1 +p2 +b");
}
END_TEST

START_TEST(the_rest_starts_when_all_peers_are_up_also_after_one_of_them_failed)
{
    running(flags(REST), 2, "a p b");
    kid_of("p1")->failing_starts = 1;
    kid_of("p2")->start_time = 100;
    order("a", KID_CRASH);
    list_is("a:running p2:starting p1:running b:stopped");
    family_run(100);
    list_is("a:running p2:running p1:running b:running");
}
END_TEST

START_TEST(a_second_instance_joins_a_group_that_waits)
{
    running(waiting(REST, 100), 3, "a p b");
    order("p1", KID_CRASH);
    family_run(50);
    order("p3", KID_CRASH);
    log_is("*p1 -b *p3");
    family_run(49);
    log_is("");
    family_run(51);
    log_is("+p1 +p3 +b");
    list_is("a:running p2:running p1:running p3:running b:running");
}
END_TEST

START_TEST(a_new_instance_is_none_of_the_group_that_waits_for_its_peer)
{
    running(waiting(REST, 100), 2, "a p b");
    order("p2", KID_CRASH);
    family_answers(root, supervisor_request_scale("p", 3), SUPERVISOR_OK);
    kid_of("c")->restart = SUPERVISOR_PERMANENT;
    supervisor_child c = family_child(kid_of("c"));
    family_answers(root, supervisor_request_start(&c, true, SUPERVISOR_LAST), SUPERVISOR_OK);
    log_is("*p2 -b +p3 +c");
    order("c", KID_CRASH);
    log_is("*c");
    family_run(100);
    log_is("+p2 +b +c");
}
END_TEST

/* ---- Stop ---- */

START_TEST(instances_stop_side_by_side)
{
    running(flags(ONE), 3, "a p b");
    kid_of("p1")->stop_time = kid_of("p2")->stop_time = kid_of("p3")->stop_time = 1000;
    actor_stop(root);
    family_settle();
    log_is("-b <p3 <p2 <p1");
    family_run(1000);
    log_is("-p3 -p2 -p1 -a");
    trace_is(&family_events, "down root");
}
END_TEST

START_TEST(SUP_78_a_pool_with_shutdown_kill_is_killed)
{
    kid_of("p")->shutdown = SUPERVISOR_KILL;
    running(flags(ONE), 10, "p");
    actor_stop(root);
    family_settle();
    log_is("xp10 xp9 xp8 xp7 xp6 xp5 xp4 xp3 xp2 xp1");
    trace_is(&family_events, "down root");
    ck_assert_int_eq(kid_of("p4")->seen.exit, ACTOR_EXIT_KILLED);
    ck_assert_str_eq(family_reason, "");
}
END_TEST

START_TEST(a_stop_by_call_is_answered_with_the_last_instance)
{
    running(flags(ONE), 3, "p");
    kid_of("p1")->stop_time = 100;
    kid_of("p2")->stop_time = 300;
    family_ask(&family_last, root, supervisor_request_stop("p"));
    family_run(299);
    ck_assert(!family_last.done);
    log_is("<p1 <p2 -p3 -p1");
    family_run(1);
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_OK);
    list_is("p1:stopped p2:stopped p3:stopped");
    family_answers(root, supervisor_request_stop("p"), SUPERVISOR_OK);
}
END_TEST

START_TEST(SUP_93_one_instance_is_stopped_by_its_number)
{
    running(waiting(ONE, 1000), 3, "a p");
    family_answers(root, stop_of(2), SUPERVISOR_OK);
    list_is("a:running p1:running p2:stopped p3:running");
    family_answers(root, stop_of(2), SUPERVISOR_OK);
    order("p3", KID_CRASH);
    family_answers(root, stop_of(3), SUPERVISOR_OK); /* dead already */
    family_answers(root, stop_of(4), SUPERVISOR_ENOTFOUND);
    ck_assert(kid_of("p1")->alive && kid_of("a")->alive);
    actor_msg *msg = supervisor_request_stop("a");
    supervisor_request_of(msg, 2);
    family_answers(root, msg, SUPERVISOR_ENOTFOUND);
    ck_assert(kid_of("a")->alive);
    quiet();
    msg = supervisor_request_restart("p");
    supervisor_request_of(msg, 2);
    family_answers(root, msg, SUPERVISOR_OK);
    log_is("+p2");
    ck_assert_uint_eq(family_used, 1);
}
END_TEST

/* ---- Other calls ---- */

START_TEST(a_restart_by_call_bounces_what_runs_and_starts_what_is_stopped)
{
    running(waiting(ONE, 1000), 3, "p");
    family_answers(root, stop_of(1), SUPERVISOR_OK);
    order("p2", KID_CRASH);
    quiet();
    family_answers(root, supervisor_request_restart("p"), SUPERVISOR_OK);
    log_is("+p1 -p3 +p3");
    order("p1", KID_CRASH);
    order("p3", KID_CRASH);
    family_answers(root, supervisor_request_restart("p"), SUPERVISOR_ERESTARTING);
    ck_assert_uint_eq(family_used, 3);
}
END_TEST

START_TEST(a_restart_by_call_says_which_instance_fails)
{
    running(flags(ONE), 3, "p");
    kid_of("p2")->failing_starts = 1;
    family_answers(root, supervisor_request_restart("p"), SUPERVISOR_EFAILED);
    ck_assert_str_eq(family_last.reason, "instance 2: p2 will not");
    list_is("p1:running p2:stopped p3:running");
    ck_assert_uint_eq(family_used, 0);
}
END_TEST

START_TEST(a_kill_takes_all_instances_and_their_restarts_count)
{
    running(flags(ONE), 2, "a p");
    family_answers(root, supervisor_request_kill("p"), SUPERVISOR_OK);
    family_settle();
    log_is("xp1 xp2 +p1 +p2");
    ck_assert_uint_eq(family_used, 2);
}
END_TEST

START_TEST(a_pool_is_removed_when_all_of_it_is_stopped)
{
    running(waiting(ONE, 1000), 2, "a p");
    family_answers(root, stop_of(1), SUPERVISOR_OK);
    family_answers(root, supervisor_request_remove("p"), SUPERVISOR_ERUNNING);
    order("p2", KID_CRASH);
    family_answers(root, supervisor_request_remove("p"), SUPERVISOR_ERESTARTING);
    list_is("a:running p1:stopped p2:backoff");
    family_answers(root, stop_of(2), SUPERVISOR_OK);
    quiet();
    family_answers(root, supervisor_request_remove("p"), SUPERVISOR_OK);
    trace_is(&family_states, "p1:gone p2:gone");
    list_is("a:running");
    family_answers(root, start_of("p", false), SUPERVISOR_OK);
    family_answers(root, supervisor_request_drop("p"), SUPERVISOR_OK);
    list_is("a:running");
}
END_TEST

/* ---- Scale ---- */

START_TEST(SUP_100_a_pool_grows_and_shrinks)
{
    running(flags(ONE), 2, "a p b");
    family_answers(root, supervisor_request_scale("p", 4), SUPERVISOR_OK);
    log_is("+p3 +p4");
    list_is("a:running p1:running p2:running p3:running p4:running b:running");
    family_answers(root, supervisor_request_scale("p", 4), SUPERVISOR_OK);
    family_answers(root, supervisor_request_scale("p", 1), SUPERVISOR_OK);
    log_is("-p4 -p3 -p2");
    list_is("a:running p1:running b:running");
    family_answers(root, supervisor_request_scale("p", 2), SUPERVISOR_OK);
    list_is("a:running p1:running p2:running b:running");
    ck_assert_uint_eq(family_used, 0);
}
END_TEST

START_TEST(a_scale_waits_for_the_one_before)
{
    running(flags(ONE), 3, "p");
    kid_of("p2")->stop_time = kid_of("p3")->stop_time = 100;
    family_ask(&family_last, root, supervisor_request_scale("p", 1));
    ck_assert(kid_of("p3")->seen.surplus);
    family_ask(&second, root, supervisor_request_scale("p", 3));
    family_run(99);
    ck_assert(!family_last.done && !second.done);
    family_run(1);
    ck_assert(family_last.done && second.done);
    ck_assert_int_eq(second.err, SUPERVISOR_OK);
    log_is("<p3 <p2 -p3 -p2 +p2 +p3");
    list_is("p1:running p2:running p3:running");
}
END_TEST

START_TEST(a_scale_keeps_what_could_be_started_and_says_what_could_not)
{
    kid_of("p3")->failing_starts = 1;
    running(flags(ONE), 1, "p");
    family_answers(root, supervisor_request_scale("p", 4), SUPERVISOR_EFAILED);
    ck_assert_str_eq(family_last.reason, "instance 3: p3 will not");
    list_is("p1:running p2:running p4:running");
    ck_assert_uint_eq(family_used, 0);
    family_answers(root, supervisor_request_scale("p", 4), SUPERVISOR_OK);
    list_is("p1:running p2:running p4:running p3:running");
}
END_TEST

START_TEST(a_stopped_pool_changes_its_number_and_stays_stopped)
{
    running(flags(ONE), 2, "p");
    family_answers(root, supervisor_request_stop("p"), SUPERVISOR_OK);
    family_answers(root, supervisor_request_scale("p", 3), SUPERVISOR_OK);
    list_is("p1:stopped p2:stopped p3:stopped");
    family_answers(root, supervisor_request_scale("p", 1), SUPERVISOR_OK);
    list_is("p1:stopped");
    family_answers(root, supervisor_request_restart("p"), SUPERVISOR_OK);
    list_is("p1:running");
}
END_TEST

START_TEST(bad_scales_are_refused)
{
    supervisor_spec *spec = family_spec("root", flags(ONE), "p");
    family_nest(spec, "in", family_spec("in", flags(ONE), "c"), SUPERVISOR_PERMANENT);
    root = family_spawn(spec);
    family_answers(root, supervisor_request_scale("p", 0), SUPERVISOR_EINVAL);
    ck_assert_str_eq(family_last.reason, "instances: 0 is not in 1 to 10000");
    family_answers(root, supervisor_request_scale("p", 10001), SUPERVISOR_EINVAL);
    family_answers(root, supervisor_request_scale("x", 2), SUPERVISOR_ENOTFOUND);
    family_answers(root, supervisor_request_scale("in", 2), SUPERVISOR_EINVAL);
    ck_assert_str_eq(family_last.reason, "instances: a supervisor has one");
}
END_TEST

START_TEST(SUP_112_a_pool_cannot_be_significant)
{
    char why[160];
    supervisor_child c = family_child(kid_of("p"));
    c.significant = true;
    c.restart = SUPERVISOR_TRANSIENT;
    c.instances = 2;
    ck_assert_int_eq(supervisor_child_check(&c, SUPERVISOR_ANY_SIGNIFICANT, why, sizeof why),
                     SUPERVISOR_EINVAL);
    ck_assert_str_eq(why, "'p': significant: a pool can't be");
    kid_of("a")->significant = true;
    kid_of("a")->restart = SUPERVISOR_TRANSIENT;
    supervisor_flags f = flags(ONE);
    f.auto_shutdown = SUPERVISOR_ANY_SIGNIFICANT;
    running(f, 1, "a");
    family_answers(root, supervisor_request_scale("a", 2), SUPERVISOR_EINVAL);
    list_is("a:running");
}
END_TEST

START_TEST(the_number_of_a_scale_outlives_a_restart_of_the_supervisor)
{
    kid_of("p")->instances = 1;
    supervisor_spec *spec = family_spec("root", flags(ONE), "");
    family_nest(spec, "in", family_spec("in", flags(ONE), "p c"), SUPERVISOR_PERMANENT);
    root = family_spawn(spec);
    family_answers(family_ref("in"), supervisor_request_scale("p", 3), SUPERVISOR_OK);
    quiet();
    order("c", KID_ESCALATE);
    log_is("*c -p3 -p2 -p1 +p1 +p2 +p3 +c");
}
END_TEST

START_TEST(SUP_120_the_settings_of_a_pool_change_for_all_instances)
{
    running(flags(ONE), 2, "p");
    kid_of("p")->restart = SUPERVISOR_TEMPORARY;
    supervisor_child c = family_child(kid_of("p"));
    c.instances = 0; /* as many as there are */
    family_answers(root, supervisor_request_update(&c), SUPERVISOR_OK);
    log_is("");
    list_is("p1:running p2:running");
    c = family_child(kid_of("p"));
    c.instances = 3;
    family_answers(root, supervisor_request_update(&c), SUPERVISOR_OK);
    log_is("+p3");
    order("p1", KID_CRASH);
    order("p3", KID_CRASH);
    list_is("p2:running");
}
END_TEST

START_TEST(the_number_in_an_update_of_one_that_has_ended_holds_for_its_return)
{
    kid_of("p")->instances = 1;
    kid_of("p")->restart = SUPERVISOR_TEMPORARY;
    supervisor_spec *spec = family_spec("root", flags(ONE), "");
    family_nest(spec, "in", family_spec("in", flags(ONE), "p c"), SUPERVISOR_PERMANENT);
    root = family_spawn(spec);
    order("p1", KID_EXIT);
    supervisor_child c = family_child(kid_of("p"));
    c.instances = 3;
    family_answers(family_ref("in"), supervisor_request_update(&c), SUPERVISOR_OK);
    quiet();
    order("c", KID_ESCALATE);
    log_is("*c +p1 +p2 +p3 +c");
}
END_TEST

START_TEST(an_update_that_waits_for_the_end_of_its_child_holds_for_its_return)
{
    kid_of("p")->instances = 1;
    kid_of("p")->restart = SUPERVISOR_TEMPORARY;
    kid_of("p1")->stop_time = 100;
    supervisor_spec *spec = family_spec("root", flags(ONE), "");
    family_nest(spec, "in", family_spec("in", flags(ONE), "p c"), SUPERVISOR_PERMANENT);
    root = family_spawn(spec);
    family_ask(&second, family_ref("in"), supervisor_request_stop("p"));
    kid_of("p")->instances = 2;
    supervisor_child c = family_child(kid_of("p"));
    family_ask(&family_last, family_ref("in"), supervisor_request_update(&c));
    family_run(100);
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_OK);
    quiet();
    order("c", KID_ESCALATE);
    log_is("*c +p1 +p2 +c");
}
END_TEST

START_TEST(an_update_that_waits_with_its_number_has_been_done)
{
    supervisor_flags any = flags(ONE);
    any.auto_shutdown = SUPERVISOR_ANY_SIGNIFICANT;
    supervisor_flags never = flags(ONE);
    running(any, 1, "a");
    kid_of("p")->restart = SUPERVISOR_TRANSIENT;
    kid_of("p1")->start_time = 100;
    family_ask(&second, root, start_of("p", true));
    kid_of("p")->significant = true;
    supervisor_child c = family_child(kid_of("p"));
    family_ask(&family_last, root, supervisor_request_update(&c));
    ck_assert(!family_last.done); /* the number waits for the start */
    family_call changed = {0};
    family_ask(&changed, root, supervisor_request_flags(&never));
    ck_assert_int_eq(changed.err, SUPERVISOR_OK);
    family_run(100);
    ck_assert(family_last.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_OK);
}
END_TEST

START_TEST(a_pool_moves_as_one)
{
    running(flags(ONE), 2, "a p b");
    static const char *const first[] = {"p"}, *const all[] = {"b", "a", "p"};
    family_answers(root, supervisor_request_order(first, 1), SUPERVISOR_OK);
    list_is("p1:running p2:running a:running b:running");
    family_answers(root, supervisor_request_order(all, 3), SUPERVISOR_OK);
    list_is("b:running a:running p1:running p2:running");
}
END_TEST

START_TEST(calls_that_wait_fail_when_the_supervisor_ends)
{
    running(flags(ONE), 2, "p");
    kid_of("p1")->stop_time = kid_of("p2")->stop_time = 1000;
    family_ask(&family_last, root, supervisor_request_restart("p"));
    family_ask(&second, root, supervisor_request_scale("p", 1));
    actor_stop(root);
    family_settle();
    ck_assert(family_last.done && second.done);
    ck_assert_int_eq(family_last.err, SUPERVISOR_ESTOPPED);
    ck_assert(second.err == SUPERVISOR_ESTOPPED || second.err == SUPERVISOR_OK);
    family_run(1000);
    trace_is(&family_events, "down root");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        instances_start_side_by_side,
        an_instance_that_fails_fails_the_first_start,
        a_pool_is_started_by_call,
        a_pool_that_cannot_start_by_call_leaves_nothing,
        a_stop_while_a_pool_starts_by_call_ends_the_start,
        a_pool_that_cannot_start_by_call_does_not_come_back,
        of_instances_that_decline_at_once_the_last_one_stays,
        SUP_11_an_instance_that_declines_leaves_no_trace,
        SUP_12_an_instance_that_declines_its_restart_is_dropped,
        SUP_42_a_crash_of_one_instance_is_its_own,
        SUP_87_counts_while_instances_are_restarting,
        a_temporary_instance_leaves_its_pool_and_the_last_one_takes_it_along,
        all_of_one_for_all_are_the_peers_too,
        peers_are_not_the_rest_of_rest_for_one,
        the_rest_starts_when_all_peers_are_up_also_after_one_of_them_failed,
        a_second_instance_joins_a_group_that_waits,
        a_new_instance_is_none_of_the_group_that_waits_for_its_peer,
        instances_stop_side_by_side,
        SUP_78_a_pool_with_shutdown_kill_is_killed,
        a_stop_by_call_is_answered_with_the_last_instance,
        SUP_93_one_instance_is_stopped_by_its_number,
        a_restart_by_call_bounces_what_runs_and_starts_what_is_stopped,
        a_restart_by_call_says_which_instance_fails,
        a_kill_takes_all_instances_and_their_restarts_count,
        a_pool_is_removed_when_all_of_it_is_stopped,
        SUP_100_a_pool_grows_and_shrinks,
        a_scale_waits_for_the_one_before,
        a_scale_keeps_what_could_be_started_and_says_what_could_not,
        a_stopped_pool_changes_its_number_and_stays_stopped,
        bad_scales_are_refused,
        SUP_112_a_pool_cannot_be_significant,
        the_number_of_a_scale_outlives_a_restart_of_the_supervisor,
        SUP_120_the_settings_of_a_pool_change_for_all_instances,
        the_number_in_an_update_of_one_that_has_ended_holds_for_its_return,
        an_update_that_waits_for_the_end_of_its_child_holds_for_its_return,
        an_update_that_waits_with_its_number_has_been_done,
        a_pool_moves_as_one,
        calls_that_wait_fail_when_the_supervisor_ends,
        NULL};
    return suite_run("supervisor_pools", tests, setup, family_teardown);
}
