/* Watching: one notice an end, also for those who come late, none after unwatch. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <string.h>

static actor_system *sys;
static trace dead;
static probe boss, a, b, c; /* a and b watch c */

static void setup(void)
{
    sys = probe_system(1, &dead);
    boss = (probe){.name = "boss", .restarts = true};
    a = (probe){.name = "a"};
    b = (probe){.name = "b"};
    c = (probe){.name = "c"};
    probe_spawn(sys, &boss, NULL);
    probe_spawn(sys, &a, NULL);
    probe_spawn(sys, &b, NULL);
    probe_spawn(sys, &c, &boss);
    trace_is(&a.log, "+1");
    trace_is(&b.log, "+1");
}

static void teardown(void)
{
    actor_system_free(sys, 0);
}

static void stop(const probe *p)
{
    ck_assert_int_eq(actor_stop(p->ref), ACTOR_OK);
    probe_settle(sys);
}

START_TEST(watcher_is_told_of_the_end_and_its_reason)
{
    probe_now(sys, &a, probe_watch, &c);
    trace_is(&a.log, "");
    stop(&c);
    trace_is(&a.log, "c>requested");
}
END_TEST

START_TEST(every_reason_is_told)
{
    static actor_verdict verdicts[] = {ACTOR_EXIT, ACTOR_FAIL_RESTART, ACTOR_FAIL_STOP,
                                       ACTOR_FAIL_ESCALATE};
    static const char *const told[] = {"d>normal", "d>crash", "d>stop", "d>escalate"};
    for (size_t i = 0; i < 4; i++) {
        static probe d; /* without a supervisor: its first exit ends it */
        d = (probe){.name = "d"};
        probe_spawn(sys, &d, NULL);
        probe_now(sys, &a, probe_watch, &d);
        probe_now(sys, &d, probe_return, &verdicts[i]);
        trace_is(&a.log, told[i]);
    }
    static probe d = {.name = "d"};
    probe_spawn(sys, &d, NULL);
    probe_now(sys, &a, probe_watch, &d);
    ck_assert_int_eq(actor_kill(d.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "d>killed");
}
END_TEST

START_TEST(watching_one_that_has_ended_is_answered_at_once)
{
    stop(&c);
    probe_now(sys, &a, probe_watch, &c);
    ck_assert_int_eq(strncmp(a.log.text, "c>", 2), 0); /* the reason may be forgotten */
    ck_assert_ptr_null(strchr(a.log.text, ' '));
}
END_TEST

START_TEST(watching_twice_is_watching_once)
{
    probe_now(sys, &a, probe_watch, &c);
    probe_now(sys, &a, probe_watch, &c);
    stop(&c);
    trace_is(&a.log, "c>requested");
}
END_TEST

START_TEST(every_watcher_is_told)
{
    probe_now(sys, &a, probe_watch, &c);
    probe_now(sys, &b, probe_watch, &c);
    stop(&c);
    trace_is(&a.log, "c>requested");
    trace_is(&b.log, "c>requested");
}
END_TEST

START_TEST(unwatch_stops_one_watcher_only)
{
    probe_now(sys, &a, probe_watch, &c);
    probe_now(sys, &b, probe_watch, &c);
    probe_now(sys, &a, probe_unwatch, &c);
    stop(&c);
    trace_is(&a.log, "");
    trace_is(&b.log, "c>requested");
}
END_TEST

START_TEST(unwatch_once_undoes_watching_twice)
{
    probe_now(sys, &a, probe_watch, &c);
    probe_now(sys, &a, probe_watch, &c);
    probe_now(sys, &a, probe_unwatch, &c);
    stop(&c);
    trace_is(&a.log, "");
}
END_TEST

START_TEST(unwatch_of_one_never_watched_does_nothing)
{
    probe_now(sys, &a, probe_unwatch, &c);
    probe_now(sys, &a, probe_watch, &c);
    stop(&c);
    trace_is(&a.log, "c>requested");
    probe_now(sys, &a, probe_unwatch, &c);
    trace_is(&a.log, "");
}
END_TEST

START_TEST(watching_again_after_unwatch_works)
{
    probe_now(sys, &a, probe_watch, &c);
    probe_now(sys, &a, probe_unwatch, &c);
    probe_now(sys, &a, probe_watch, &c);
    stop(&c);
    trace_is(&a.log, "c>requested");
}
END_TEST

static actor_verdict watch_then_unwatch(actor *self, probe *p, void *target)
{
    probe_watch(self, p, target); /* it has ended: the notice is queued */
    return probe_unwatch(self, p, target);
}

START_TEST(unwatch_also_takes_back_a_notice_that_is_queued)
{
    stop(&c);
    probe_now(sys, &a, watch_then_unwatch, &c);
    trace_is(&a.log, "");
}
END_TEST

START_TEST(restart_in_place_is_told_only_to_those_who_ask)
{
    probe_now(sys, &a, probe_watch, &c);
    probe_now(sys, &b, probe_watch_restarts, &c);
    probe_now(sys, &c, probe_crash, NULL);
    probe_now(sys, &c, probe_crash, NULL);
    trace_is(&a.log, "");
    trace_is(&b.log, "c>again c>again");
    stop(&c);
    trace_is(&a.log, "c>requested");
    trace_is(&b.log, "c>requested");
}
END_TEST

START_TEST(first_start_is_no_restart)
{
    static probe d = {.name = "d"};
    actor_spec spec = probe_spec(&d, &boss);
    probe_create(sys, &d, &spec);
    probe_now(sys, &a, probe_watch_restarts, &d);
    ck_assert_int_eq(actor_start(d.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "");
    ck_assert_int_eq(actor_halt(d.ref, ACTOR_HOW_STOP), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, ""); /* down is not the end */
    ck_assert_int_eq(actor_start(d.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "d>again");
}
END_TEST

START_TEST(watchers_that_ended_are_no_trouble)
{
    probe_now(sys, &a, probe_watch, &c);
    probe_now(sys, &b, probe_watch, &c);
    stop(&a);
    stop(&c);
    trace_is(&b.log, "c>requested");
    trace_is(&dead, "");
}
END_TEST

START_TEST(two_may_watch_each_other)
{
    probe_now(sys, &a, probe_watch, &b);
    probe_now(sys, &b, probe_watch, &a);
    stop(&a);
    trace_is(&a.log, "-stop ~");
    trace_is(&b.log, "a>requested");
}
END_TEST

START_TEST(notice_is_handled_while_paused)
{
    probe_now(sys, &a, probe_watch, &c);
    ck_assert_int_eq(actor_pause(a.ref), ACTOR_OK);
    stop(&c);
    trace_is(&a.log, "c>requested");
}
END_TEST

START_TEST(one_may_watch_many)
{
    enum { N = 40 };
    static probe many[N];
    for (int i = 0; i < N; i++) {
        many[i] = (probe){.name = "m"};
        probe_spawn(sys, &many[i], NULL);
        probe_now(sys, &a, probe_watch, &many[i]);
    }
    for (int i = 0; i < N; i += 2)
        probe_now(sys, &a, probe_unwatch, &many[i]);
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(actor_stop(many[i].ref), ACTOR_OK);
        probe_settle(sys);
        trace_is(&a.log, i % 2 ? "m>requested" : "");
    }
}
END_TEST

START_TEST(system_ends_while_actors_watch)
{
    probe_now(sys, &a, probe_watch, &b);
    probe_now(sys, &b, probe_watch_restarts, &a);
    probe_now(sys, &a, probe_watch, &c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        watcher_is_told_of_the_end_and_its_reason,
        every_reason_is_told,
        watching_one_that_has_ended_is_answered_at_once,
        watching_twice_is_watching_once,
        every_watcher_is_told,
        unwatch_stops_one_watcher_only,
        unwatch_once_undoes_watching_twice,
        unwatch_of_one_never_watched_does_nothing,
        watching_again_after_unwatch_works,
        unwatch_also_takes_back_a_notice_that_is_queued,
        restart_in_place_is_told_only_to_those_who_ask,
        first_start_is_no_restart,
        watchers_that_ended_are_no_trouble,
        two_may_watch_each_other,
        notice_is_handled_while_paused,
        one_may_watch_many,
        system_ends_while_actors_watch,
        NULL,
    };
    return suite_run("actor_watch", tests, setup, teardown);
}
