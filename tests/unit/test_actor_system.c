/* Systems: options, ending with actors that are busy or slow, statistics, idling. */
#include "tests/support/latch.h"
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include "libactor/system.h"

#include <poll.h>
#include <sys/resource.h>
#include <time.h>

static trace dead;

static actor_system *threaded(unsigned workers)
{
    actor_system *sys = NULL;
    actor_system_options options = {.workers = workers};
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    return sys;
}

/* ---- Options ---- */

START_TEST(free_accepts_null)
{
    actor_system_free(NULL, 0);
}
END_TEST

START_TEST(system_can_be_made_and_freed_again_and_again)
{
    for (int i = 0; i < 20; i++)
        actor_system_free(threaded((unsigned)i % 4), 0);
}
END_TEST

START_TEST(stats_say_how_many_workers_there_are)
{
    actor_system_stats stats;
    actor_system *sys = threaded(3);
    actor_system_stats_get(sys, &stats);
    ck_assert_uint_eq(stats.workers, 3);
    actor_system_free(sys, 0);
    sys = threaded(0);
    actor_system_stats_get(sys, &stats);
    ck_assert_uint_ge(stats.workers, 1);
    actor_system_free(sys, 0);
}
END_TEST

START_TEST(limit_of_actors_is_exact_and_room_comes_back)
{
    enum { MAX = 5 };
    static probe many[MAX], extra;
    actor_system_options options = {.simulate = true, .max_actors = MAX};
    actor_system *sys;
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    for (int i = 0; i < MAX; i++) {
        actor_spec spec = probe_spec(&many[i], NULL);
        ck_assert_int_eq(actor_spawn(sys, &spec, &many[i].ref), ACTOR_OK);
    }
    actor_spec spec = probe_spec(&extra, NULL);
    actor_ref untouched = {7};
    ck_assert_int_eq(actor_spawn(sys, &spec, &untouched), ACTOR_ELIMIT);
    ck_assert_uint_eq(untouched.bits, 7);
    ck_assert_uint_eq(extra.freed, 0); /* its argument stays the caller's */
    ck_assert_int_eq(actor_stop(many[2].ref), ACTOR_OK);
    probe_settle(sys);
    ck_assert_int_eq(actor_spawn(sys, &spec, &extra.ref), ACTOR_OK);
    actor_system_free(sys, 0);
    ck_assert_uint_eq(extra.freed, 1);
}
END_TEST

/* Else another who tries at the same time would take that leaving for room. */
START_TEST(who_is_refused_has_neither_come_nor_left)
{
    static probe a, b;
    actor_system_options options = {.simulate = true, .max_actors = 1};
    actor_system *sys;
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    actor_spec spec = probe_spec(&a, NULL), more = probe_spec(&b, NULL);
    ck_assert_int_eq(actor_spawn(sys, &spec, &a.ref), ACTOR_OK);
    ck_assert_int_eq(actor_spawn(sys, &more, &b.ref), ACTOR_ELIMIT);
    ck_assert_uint_eq(sys->came, 1);
    ck_assert_uint_eq(sys->left, 0);
    actor_system_free(sys, 0);
}
END_TEST

START_TEST(two_systems_do_not_mix)
{
    static probe a = {.name = "a"}, b = {.name = "b"};
    static trace other_dead;
    actor_system *one = probe_system(1, &dead), *two = probe_system(2, &other_dead);
    probe_spawn(one, &a, NULL);
    probe_spawn(two, &b, NULL);
    ck_assert(!actor_ref_eq(a.ref, b.ref));
    probe_send(&a, 1);
    probe_send(&b, 2);
    probe_settle(one);
    trace_is(&a.log, "+1 1");
    trace_is(&b.log, "+1");
    probe_settle(two);
    trace_is(&b.log, "2");
    actor_system_free(one, 0);
    actor_msg *msg = probe_value(3);
    ck_assert_int_eq(actor_send(a.ref, &msg), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_send(b.ref, &msg), ACTOR_OK);
    probe_settle(two);
    trace_is(&b.log, "3");
    actor_system_free(two, 0);
}
END_TEST

static actor_verdict tell_other(actor *self, probe *p, void *to)
{
    (void)p;
    actor_msg *msg = probe_value(5);
    ck_assert_int_eq(actor_tell(self, ((probe *)to)->ref, &msg), ACTOR_OK);
    return ACTOR_CONTINUE;
}

START_TEST(actors_of_two_systems_can_talk)
{
    static probe a = {.name = "a"}, b = {.name = "b"};
    static trace other_dead;
    actor_system *one = probe_system(1, &dead), *two = probe_system(2, &other_dead);
    probe_spawn(one, &a, NULL);
    probe_spawn(two, &b, NULL);
    probe_now(one, &a, tell_other, &b);
    probe_settle(two);
    trace_is(&b.log, "+1 5");
    actor_system_free(one, 0);
    actor_system_free(two, 0);
}
END_TEST

/* ---- Freeing ---- */

START_TEST(free_stops_every_actor)
{
    static probe boss = {.name = "boss"}, a = {.name = "a"}, b = {.name = "b"};
    actor_system *sys = probe_system(1, &dead);
    probe_spawn(sys, &boss, NULL);
    probe_spawn(sys, &a, &boss);
    actor_spec spec = probe_spec(&b, &boss); /* down */
    probe_create(sys, &b, &spec);
    probe_send(&b, 1);
    actor_system_free(sys, 1000);
    trace_is(&a.log, "+1 -stop ~");
    trace_is(&b.log, "~");
    trace_is(&dead, "1=ended");
    ck_assert_uint_eq(boss.freed, 1);
}
END_TEST

START_TEST(free_of_a_system_that_never_ran_frees_all)
{
    static probe a = {.name = "a"};
    actor_system *sys = probe_system(1, &dead);
    actor_spec spec = probe_spec(&a, NULL);
    probe_create(sys, &a, &spec);
    probe_send(&a, 1);
    actor_system_free(sys, 1000);
    ck_assert_uint_eq(a.freed, 1);
    trace_is(&dead, "1=ended");
}
END_TEST

START_TEST(actor_that_does_not_stop_is_killed_then_given_up)
{
    static probe a = {.name = "a", .on_stop = ACTOR_PENDING};
    actor_system *sys = probe_system(1, &dead);
    probe_spawn(sys, &a, NULL);
    probe_send(&a, 1);
    actor_system_free(sys, 1000); /* of virtual time */
    trace_is(&a.log, "+1 -stop -kill ~");
    trace_is(&dead, "1=ended");
}
END_TEST

static actor_verdict stop_until_killed(actor *self, probe *p, actor_how how)
{
    (void)self;
    (void)p;
    return how == ACTOR_HOW_KILL ? ACTOR_CONTINUE : ACTOR_PENDING;
}

START_TEST(actor_that_stops_when_killed_is_waited_for)
{
    static probe a = {.name = "a", .in_stop = stop_until_killed};
    actor_system *sys = probe_system(1, &dead);
    probe_spawn(sys, &a, NULL);
    actor_system_free(sys, 10);
    trace_is(&a.log, "+1 -stop -kill ~");
}
END_TEST

static actor_verdict stop_in_a_while(actor *self, probe *p, actor_how how)
{
    (void)how;
    ck_assert_int_eq(actor_after(self, 50, ACTOR_MSG_TIMER, 1, &p->timer), ACTOR_OK);
    return ACTOR_PENDING;
}

static actor_verdict stop_at_the_timer(actor *self, void *state, actor_msg *msg)
{
    probe *p = *(probe **)state;
    if (actor_msg_type(msg) == ACTOR_MSG_TIMER) {
        trace_add(&p->log, "done");
        actor_stopped(self);
    }
    return ACTOR_CONTINUE;
}

static actor_verdict become_slow(actor *self, probe *p)
{
    (void)p;
    actor_become(self, stop_at_the_timer);
    return ACTOR_CONTINUE;
}

START_TEST(slow_stop_within_the_grace_is_left_in_peace)
{
    static probe a = {.name = "a", .in_start = become_slow, .in_stop = stop_in_a_while};
    actor_system *sys = probe_system(1, &dead);
    probe_spawn(sys, &a, NULL);
    actor_system_free(sys, 1000);
    trace_is(&a.log, "+1 -stop done ~");
}
END_TEST

START_TEST(free_of_a_system_whose_actors_watch_each_other_frees_all)
{
    static probe boss = {.name = "boss"}, a = {.name = "a"}, b = {.name = "b"};
    actor_system *sys = probe_system(1, &dead);
    probe_spawn(sys, &boss, NULL);
    probe_spawn(sys, &a, NULL);
    actor_spec spec = probe_spec(&b, &boss);
    probe_create(sys, &b, &spec);
    probe_now(sys, &a, probe_watch, &b);
    probe_now(sys, &boss, probe_watch, &a);
    actor_system_free(sys, 0);
    ck_assert_uint_eq(a.freed + b.freed + boss.freed, 3);
}
END_TEST

static actor_verdict spawn_late(actor *self, probe *p, actor_how how)
{
    (void)how;
    static probe late;
    actor_spec spec = probe_spec(&late, NULL);
    actor_err err = actor_spawn(actor_self_system(self), &spec, &late.ref);
    trace_add(&p->log, err == ACTOR_ESTOPPED ? "refused" : "spawned");
    return ACTOR_CONTINUE;
}

START_TEST(no_actor_is_born_while_the_system_stops)
{
    static probe a = {.name = "a", .in_stop = spawn_late};
    actor_system *sys = probe_system(1, &dead);
    probe_spawn(sys, &a, NULL);
    actor_system_free(sys, 100);
    trace_is(&a.log, "+1 -stop refused ~");
}
END_TEST

/* ---- Threads ---- */

static latch entered = LATCH_INIT;
static latch leave = LATCH_INIT;
static latch ended = LATCH_INIT;

static actor_verdict block_once(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    latch_add(&entered, 1);
    latch_wait(&leave, 1); /* what a handler must not do, for the watchdog to see */
    return ACTOR_CONTINUE;
}

static void count_end(void *arg)
{
    (void)arg;
    latch_add(&ended, 1);
}

static const actor_behaviour blocking = {.name = "blocking", .handle = block_once};

START_TEST(progress_tells_a_stuck_worker)
{
    enum { WORKERS = 2 };
    uint64_t marks[WORKERS] = {0};
    actor_system *sys = threaded(WORKERS);
    actor_ref ref;
    actor_spec spec = {.behaviour = &blocking, .free_arg = count_end};
    ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    actor_msg *msg = probe_value(1);
    ck_assert_int_eq(actor_send(ref, &msg), ACTOR_OK);
    ck_assert(latch_wait(&entered, 1));
    (void)actor_system_progress(sys, marks);
    ck_assert(!actor_system_progress(sys, marks));
    ck_assert(!actor_system_progress(sys, marks));
    latch_add(&leave, 1);
    ck_assert_int_eq(actor_stop(ref), ACTOR_OK);
    ck_assert(latch_wait(&ended, 1));
    bool moved = false;
    for (int i = 0; i < 3000 && !moved; i++) {
        moved = actor_system_progress(sys, marks);
        if (!moved)
            poll(NULL, 0, 1);
    }
    ck_assert(moved);
    actor_system_free(sys, 1000);
}
END_TEST

START_TEST(free_waits_for_a_busy_handler)
{
    actor_system *sys = threaded(2);
    actor_ref ref;
    actor_spec spec = {.behaviour = &blocking, .free_arg = count_end};
    ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    actor_msg *msg = probe_value(1);
    ck_assert_int_eq(actor_send(ref, &msg), ACTOR_OK);
    ck_assert(latch_wait(&entered, 1));
    latch_add(&leave, 1);
    actor_system_free(sys, 10000);
    ck_assert_uint_eq(latch_count(&ended), 1);
}
END_TEST

static actor_verdict pend(actor *self, void *state, actor_how how)
{
    (void)self;
    (void)state;
    (void)how;
    latch_add(&entered, 1);
    return ACTOR_PENDING;
}

START_TEST(threaded_actor_that_never_stops_is_given_up_at_twice_the_grace)
{
    static const actor_behaviour stubborn = {
        .name = "stubborn", .handle = block_once, .stop = pend};
    actor_system *sys = threaded(2);
    actor_ref ref;
    actor_spec spec = {.behaviour = &stubborn, .free_arg = count_end};
    ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    actor_system_free(sys, 20);
    ck_assert_uint_eq(latch_count(&entered), 2); /* stop, kill */
    ck_assert_uint_eq(latch_count(&ended), 1);
}
END_TEST

static uint64_t cpu_us(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

START_TEST(idle_workers_are_parked_and_use_no_processor)
{
    enum { WORKERS = 3 };
    actor_system *sys = threaded(WORKERS);
    actor_system_stats stats;
    for (int i = 0; i < 100; i++) {
        actor_ref ref;
        actor_spec spec = {.behaviour = &blocking};
        ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    }
    int tries = 0;
    do {
        ck_assert_int_lt(tries++, 5000);
        poll(NULL, 0, 1);
        actor_system_stats_get(sys, &stats);
    } while (stats.parked < WORKERS);
    uint64_t before = cpu_us();
    poll(NULL, 0, 200);
    ck_assert_uint_lt(cpu_us() - before, 10000); /* 5 % of it, with all that sanitizers add */
    actor_system_free(sys, 1000);
}
END_TEST

/* ---- Time ---- */

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t armed, fired;

static actor_verdict arm_or_note(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    actor_timer *timer;
    if (actor_msg_type(msg) == ACTOR_MSG_TIMER) {
        fired = monotonic_ms();
        latch_add(&entered, 1);
        return ACTOR_CONTINUE;
    }
    armed = monotonic_ms();
    return actor_after(self, 30, ACTOR_MSG_TIMER, 0, &timer) == ACTOR_OK ? ACTOR_CONTINUE
                                                                         : ACTOR_FAIL_STOP;
}

START_TEST(timer_in_real_time_is_not_early)
{
    static const actor_behaviour alarm = {.name = "alarm", .handle = arm_or_note};
    actor_system *sys = threaded(2);
    actor_ref ref;
    ck_assert_int_eq(actor_spawn(sys, &(actor_spec){.behaviour = &alarm}, &ref), ACTOR_OK);
    for (uint64_t i = 1; i <= 3; i++) {
        actor_msg *msg = probe_value(1);
        ck_assert_int_eq(actor_send(ref, &msg), ACTOR_OK);
        ck_assert(latch_wait(&entered, i));
        ck_assert_int_ge(fired - armed, 30);
        ck_assert_int_lt(fired - armed, 5000);
    }
    actor_system_free(sys, 1000);
}
END_TEST

/* ---- Statistics ---- */

static actor_verdict fail_odd(actor *self, probe *p, uint64_t value)
{
    (void)self;
    (void)p;
    return value % 2 ? ACTOR_FAIL_MESSAGE : ACTOR_CONTINUE;
}

START_TEST(statistics_add_up)
{
    static probe a = {.name = "a", .on_value = fail_odd}, b = {.name = "b"};
    actor_system *sys = probe_system(1, &dead);
    actor_system_stats stats, before;
    actor_info info;
    actor_system_stats_get(sys, &before);
    ck_assert_uint_eq(before.actors, 0);
    probe_spawn(sys, &a, NULL);
    probe_spawn(sys, &b, NULL);
    for (uint64_t i = 0; i < 10; i++)
        probe_send(&a, i);
    probe_settle(sys);
    actor_system_stats_get(sys, &stats);
    ck_assert_uint_eq(stats.actors, 2);
    ck_assert_uint_eq(stats.spawned, 2);
    ck_assert_uint_ge(stats.handled, 10);
    ck_assert_uint_eq(stats.dead_letters, 5);
    ck_assert_int_eq(actor_inspect(a.ref, &info), ACTOR_OK);
    ck_assert_uint_eq(info.handled, 10);
    ck_assert_int_eq(actor_stop(b.ref), ACTOR_OK);
    probe_settle(sys);
    actor_system_stats_get(sys, &stats);
    ck_assert_uint_eq(stats.actors, 1);
    ck_assert_uint_eq(stats.spawned, 2);
    actor_system_free(sys, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        free_accepts_null,
        system_can_be_made_and_freed_again_and_again,
        stats_say_how_many_workers_there_are,
        limit_of_actors_is_exact_and_room_comes_back,
        who_is_refused_has_neither_come_nor_left,
        two_systems_do_not_mix,
        actors_of_two_systems_can_talk,
        free_stops_every_actor,
        free_of_a_system_that_never_ran_frees_all,
        actor_that_does_not_stop_is_killed_then_given_up,
        actor_that_stops_when_killed_is_waited_for,
        slow_stop_within_the_grace_is_left_in_peace,
        free_of_a_system_whose_actors_watch_each_other_frees_all,
        no_actor_is_born_while_the_system_stops,
        progress_tells_a_stuck_worker,
        free_waits_for_a_busy_handler,
        threaded_actor_that_never_stops_is_given_up_at_twice_the_grace,
        idle_workers_are_parked_and_use_no_processor,
        timer_in_real_time_is_not_early,
        statistics_add_up,
        NULL,
    };
    return suite_run("actor_system", tests, NULL, NULL);
}
