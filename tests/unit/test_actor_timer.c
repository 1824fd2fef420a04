/* Timers in virtual time: never early, in order, gone when cancelled or restarted. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <malloc.h>
#include <stdio.h>

static actor_system *sys;
static trace dead;
static probe boss, a;

static void setup(void)
{
    sys = probe_system(1, &dead);
    boss = (probe){.name = "boss", .restarts = true};
    a = (probe){.name = "a"};
    probe_spawn(sys, &boss, NULL);
    probe_spawn(sys, &a, &boss);
    trace_is(&a.log, "+1");
}

static void teardown(void)
{
    actor_system_free(sys, 0);
}

/* Arm a timer whose tag is its delay. */
static actor_verdict arm(actor *self, probe *p, void *delay)
{
    actor_ms ms = *(actor_ms *)delay;
    ck_assert_int_eq(actor_after(self, ms, ACTOR_MSG_TIMER, (uint64_t)ms, &p->timer), ACTOR_OK);
    ck_assert_ptr_nonnull(p->timer);
    return ACTOR_CONTINUE;
}

static actor_verdict cancel(actor *self, probe *p, void *unused)
{
    (void)unused;
    actor_timer_cancel(self, &p->timer);
    ck_assert_ptr_null(p->timer);
    return ACTOR_CONTINUE;
}

START_TEST(timer_fires_at_its_time_and_not_before)
{
    static actor_ms delays[] = {1, 2, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097, 65536, 1000003};
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        char expected[32];
        actor_ms begun = actor_now(sys);
        probe_now(sys, &a, arm, &delays[i]);
        actor_sim_run(sys, begun + delays[i] - 1);
        trace_is(&a.log, "");
        actor_sim_run(sys, begun + delays[i] + 1);
        snprintf(expected, sizeof expected, "@%lld", (long long)delays[i]);
        trace_is(&a.log, expected);
        actor_sim_run(sys, begun + 3 * delays[i]);
        trace_is(&a.log, ""); /* once */
    }
}
END_TEST

START_TEST(timer_of_a_year_fires)
{
    static actor_ms year = 365LL * 86400000;
    actor_ms begun = actor_now(sys);
    probe_now(sys, &a, arm, &year);
    actor_sim_run(sys, begun + year - 1);
    trace_is(&a.log, "");
    actor_sim_run(sys, begun + year + 1);
    trace_is(&a.log, "@31536000000");
}
END_TEST

START_TEST(timer_without_delay_fires_at_once)
{
    static actor_ms none = 0;
    probe_now(sys, &a, arm, &none);
    actor_sim_run(sys, actor_now(sys) + 1);
    trace_is(&a.log, "@0");
}
END_TEST

START_TEST(virtual_clock_stands_still_without_being_driven)
{
    static actor_ms ms = 10;
    actor_ms begun = actor_now(sys);
    probe_now(sys, &a, arm, &ms);
    while (actor_sim_step(sys))
        ;
    ck_assert_int_eq(actor_now(sys), begun);
    trace_is(&a.log, "");
}
END_TEST

START_TEST(timers_fire_in_the_order_of_their_times)
{
    static actor_ms delays[] = {500, 3, 70, 5000, 4, 300};
    actor_ms begun = actor_now(sys);
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++)
        probe_now(sys, &a, arm, &delays[i]);
    actor_sim_run(sys, begun + 10000);
    trace_is(&a.log, "@3 @4 @70 @300 @500 @5000");
}
END_TEST

static actor_verdict note_type(actor *self, void *state, actor_msg *msg)
{
    probe *p = *(probe **)state;
    (void)self;
    trace_add(&p->log, "type%u", actor_msg_type(msg));
    return ACTOR_CONTINUE;
}

static actor_verdict arm_own_type(actor *self, probe *p, void *unused)
{
    (void)unused;
    actor_become(self, note_type);
    ck_assert_int_eq(actor_after(self, 5, 77, 1, &p->timer), ACTOR_OK);
    return ACTOR_CONTINUE;
}

START_TEST(timer_message_has_the_type_it_was_given)
{
    probe_now(sys, &a, arm_own_type, NULL);
    actor_sim_run(sys, actor_now(sys) + 10);
    trace_is(&a.log, "type77");
}
END_TEST

START_TEST(cancelled_timer_does_not_fire)
{
    static actor_ms ms = 10;
    probe_now(sys, &a, arm, &ms);
    probe_now(sys, &a, cancel, NULL);
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "");
    probe_now(sys, &a, cancel, NULL); /* NULL is allowed */
}
END_TEST

/* Both are due at the same time; whichever is handled first cancels the other. */
static actor_timer *pair[2];

static actor_verdict cancel_other(actor *self, void *state, actor_msg *msg)
{
    probe *p = *(probe **)state;
    trace_add(&p->log, "fired");
    actor_timer_cancel(self, &pair[1 - actor_msg_tag(msg)]);
    return ACTOR_CONTINUE;
}

static actor_verdict arm_pair(actor *self, probe *p, void *unused)
{
    (void)p;
    (void)unused;
    actor_become(self, cancel_other);
    for (uint64_t i = 0; i < 2; i++)
        ck_assert_int_eq(actor_after(self, 10, ACTOR_MSG_TIMER, i, &pair[i]), ACTOR_OK);
    return ACTOR_CONTINUE;
}

START_TEST(timer_whose_message_is_queued_can_be_cancelled)
{
    probe_now(sys, &a, arm_pair, NULL);
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "fired");
}
END_TEST

START_TEST(restart_drops_timers)
{
    static actor_ms ms = 10;
    probe_now(sys, &a, arm, &ms);
    probe_now(sys, &a, probe_crash, NULL);
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "-crash +2");
    probe_now(sys, &a, arm, &ms);
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "@10");
}
END_TEST

static actor_verdict arm_and_halt(actor *self, probe *p, void *delay)
{
    arm(self, p, delay);
    ck_assert_int_eq(actor_halt(actor_self(self), ACTOR_HOW_STOP), ACTOR_OK);
    return ACTOR_CONTINUE;
}

START_TEST(timer_of_a_halted_incarnation_stays_silent_in_the_next)
{
    static actor_ms ms = 0;
    probe_now(sys, &a, arm_and_halt, &ms);
    ck_assert_int_eq(actor_start(a.ref), ACTOR_OK);
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "-stop +2");
}
END_TEST

START_TEST(timer_fires_while_paused_and_with_the_intake_closed)
{
    static actor_ms ms = 10;
    ck_assert_int_eq(actor_pause(a.ref), ACTOR_OK);
    probe_now(sys, &a, probe_close, NULL);
    probe_now(sys, &a, arm, &ms);
    actor_sim_run(sys, actor_now(sys) + 20);
    trace_is(&a.log, "@10");
}
END_TEST

static actor_verdict slow_stop(actor *self, probe *p, actor_how how)
{
    (void)how;
    ck_assert_int_eq(actor_after(self, 10, ACTOR_MSG_TIMER, 1, &p->timer), ACTOR_OK);
    return ACTOR_PENDING;
}

START_TEST(timer_armed_by_stop_fires_while_stopping)
{
    a.in_stop = slow_stop;
    ck_assert_int_eq(actor_stop(a.ref), ACTOR_OK);
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "-stop @1");
    probe_now(sys, &a, probe_stopped, NULL);
    trace_is(&a.log, "~");
}
END_TEST

START_TEST(stopped_actor_leaves_no_timer_behind)
{
    static actor_ms ms = 10;
    probe_now(sys, &a, arm, &ms);
    ck_assert_int_eq(actor_stop(a.ref), ACTOR_OK);
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "-stop ~");
    trace_is(&dead, "");
}
END_TEST

/* ---- Many ---- */

static struct {
    uint64_t fired, late, early, disordered;
    actor_ms last;
} many;

static actor_verdict count_timer(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    actor_ms now = actor_now(actor_self_system(self));
    many.fired++;
    many.early += now < (actor_ms)actor_msg_tag(msg);
    many.late += now > (actor_ms)actor_msg_tag(msg) + 1;
    many.disordered += now < many.last;
    many.last = now;
    return ACTOR_CONTINUE;
}

static actor_verdict arm_many(actor *self, probe *p, void *count)
{
    actor_timer *timer;
    actor_ms now = actor_now(actor_self_system(self));
    (void)p;
    actor_become(self, count_timer);
    for (uint64_t i = 0; i < *(uint64_t *)count; i++) {
        actor_ms delay = (actor_ms)(i * 7919 % 3600000);
        uint64_t due = (uint64_t)(now + delay);
        if (actor_after(self, delay, ACTOR_MSG_TIMER, due, &timer) != ACTOR_OK)
            ck_abort_msg("no timer");
    }
    return ACTOR_CONTINUE;
}

START_TEST(many_timers_fire_each_at_its_time)
{
    static uint64_t count = 50000;
    probe_now(sys, &a, arm_many, &count);
    actor_sim_run(sys, actor_now(sys) + 3600001);
    ck_assert_uint_eq(many.fired, count);
    ck_assert_uint_eq(many.early, 0);
    ck_assert_uint_eq(many.late, 0);
    ck_assert_uint_eq(many.disordered, 0);
}
END_TEST

START_TEST(million_timers_can_be_pending_and_are_freed)
{
    static uint64_t count = 1000000;
    probe_now(sys, &a, arm_many, &count);
    actor_kill(a.ref);
    probe_settle(sys);
    ck_assert_uint_le(many.fired, count / 1000); /* only those due at once */
}
END_TEST

static actor_verdict rearm(actor *self, probe *p, void *count)
{
    for (uint64_t i = 0; i < *(uint64_t *)count; i++) {
        actor_timer_cancel(self, &p->timer);
        if (actor_after(self, 60000, ACTOR_MSG_TIMER, 1, &p->timer) != ACTOR_OK)
            ck_abort_msg("no timer");
    }
    return ACTOR_CONTINUE;
}

static size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2(); /* zeros under AddressSanitizer */
    return info.uordblks + info.hblkhd;
}

START_TEST(timers_armed_and_cancelled_do_not_pile_up)
{
    static uint64_t count = 10000;
    probe_now(sys, &a, rearm, &count);
    size_t before = bytes_in_use();
    for (int i = 0; i < 30; i++) {
        probe_now(sys, &a, rearm, &count);
        actor_sim_run(sys, actor_now(sys) + 1);
    }
    size_t after = bytes_in_use();
    ck_assert_uint_lt(after, before + (2u << 20)); /* 300000 of them would take 14 MB and more */
    trace_is(&a.log, "");
    actor_sim_run(sys, actor_now(sys) + 60001);
    trace_is(&a.log, "@1");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        timer_fires_at_its_time_and_not_before,
        timer_of_a_year_fires,
        timer_without_delay_fires_at_once,
        virtual_clock_stands_still_without_being_driven,
        timers_fire_in_the_order_of_their_times,
        timer_message_has_the_type_it_was_given,
        cancelled_timer_does_not_fire,
        timer_whose_message_is_queued_can_be_cancelled,
        restart_drops_timers,
        timer_of_a_halted_incarnation_stays_silent_in_the_next,
        timer_fires_while_paused_and_with_the_intake_closed,
        timer_armed_by_stop_fires_while_stopping,
        stopped_actor_leaves_no_timer_behind,
        many_timers_fire_each_at_its_time,
        million_timers_can_be_pending_and_are_freed,
        timers_armed_and_cancelled_do_not_pile_up,
        NULL,
    };
    return suite_run("actor_timer", tests, setup, teardown);
}
