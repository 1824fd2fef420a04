/* What an actor does with its mailbox: drain, pause, intake, take, return, stash. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <string.h>

static actor_system *sys;
static trace dead;
static probe boss;
static probe child;

static void setup(void)
{
    sys = probe_system(1, &dead);
    boss = (probe){.name = "boss"};
    child = (probe){.name = "c"};
    probe_spawn(sys, &boss, NULL);
    trace_is(&boss.log, "+1");
}

static void teardown(void)
{
    actor_system_free(sys, 0);
}

/* The child, down. */
static void create(void)
{
    actor_spec spec = probe_spec(&child, &boss);
    probe_create(sys, &child, &spec);
}

/* The child, running. */
static void begin(void)
{
    probe_spawn(sys, &child, &boss);
    trace_is(&child.log, "+1");
    trace_is(&boss.log, "c:started1");
}

static void now(actor_err (*command)(actor_ref))
{
    ck_assert_int_eq(command(child.ref), ACTOR_OK);
    probe_settle(sys);
}

static void halt(actor_how how)
{
    ck_assert_int_eq(actor_halt(child.ref, how), ACTOR_OK);
    probe_settle(sys);
}

/* ---- Drain ---- */

START_TEST(drain_handles_what_is_queued_and_nothing_after)
{
    begin();
    for (uint64_t i = 1; i <= 3; i++)
        probe_send(&child, i);
    probe_send_as(&child, 4, ACTOR_LOW);
    ck_assert_int_eq(actor_drain(child.ref), ACTOR_OK);
    actor_msg *late = probe_value(5);
    actor_err err = actor_send(child.ref, &late);
    probe_settle(sys);
    trace_is(&child.log, "1 2 3 4 -stop ~");
    trace_is(&boss.log, "c:exited1=requested c:ended");
    if (err == ACTOR_OK)
        trace_is(&dead, "5=ended");
    else
        actor_msg_free(late);
}
END_TEST

START_TEST(drain_of_an_idle_actor_is_a_stop)
{
    begin();
    now(actor_drain);
    trace_is(&child.log, "-stop ~");
}
END_TEST

START_TEST(stop_overtakes_a_drain)
{
    begin();
    probe_send(&child, 1);
    ck_assert_int_eq(actor_drain(child.ref), ACTOR_OK);
    now(actor_stop);
    trace_is(&child.log, "-stop ~");
    trace_is(&dead, "1=ended");
}
END_TEST

START_TEST(drain_twice_is_once)
{
    begin();
    probe_send(&child, 1);
    ck_assert_int_eq(actor_drain(child.ref), ACTOR_OK);
    ck_assert_int_eq(actor_drain(child.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&child.log, "1 -stop ~");
    trace_is(&boss.log, "c:exited1=requested c:ended");
}
END_TEST

/* ---- Pause, intake ---- */

START_TEST(paused_actor_handles_only_system_messages)
{
    begin();
    now(actor_pause);
    now(actor_pause);
    probe_send(&child, 1);
    probe_send_as(&child, 2, ACTOR_CRITICAL);
    probe_send_as(&child, 3, ACTOR_SYSTEM);
    probe_settle(sys);
    trace_is(&child.log, "3");
    actor_info info;
    ck_assert_int_eq(actor_inspect(child.ref, &info), ACTOR_OK);
    ck_assert(info.paused);
    now(actor_resume);
    trace_is(&child.log, "2 1");
    ck_assert_int_eq(actor_inspect(child.ref, &info), ACTOR_OK);
    ck_assert(!info.paused);
}
END_TEST

START_TEST(pause_survives_a_restart)
{
    boss.restarts = true;
    begin();
    now(actor_pause);
    probe_send(&child, 1);
    probe_run_system(&child, probe_crash, NULL);
    probe_settle(sys);
    trace_is(&child.log, "-crash +2");
    now(actor_resume);
    trace_is(&child.log, "1");
}
END_TEST

START_TEST(pause_before_the_first_start_holds)
{
    create();
    ck_assert_int_eq(actor_pause(child.ref), ACTOR_OK);
    probe_send(&child, 1);
    now(actor_start);
    trace_is(&child.log, "+1");
    now(actor_resume);
    trace_is(&child.log, "1");
}
END_TEST

START_TEST(paused_actor_can_be_purged_and_stopped)
{
    begin();
    now(actor_pause);
    probe_send(&child, 1);
    now(actor_purge);
    trace_is(&dead, "1=purged");
    probe_send(&child, 2);
    now(actor_stop);
    trace_is(&child.log, "-stop ~");
    trace_is(&dead, "2=ended");
}
END_TEST

START_TEST(closed_intake_holds_user_messages)
{
    begin();
    probe_run(&child, probe_close, NULL);
    probe_send(&child, 1);
    probe_send_as(&child, 2, ACTOR_SYSTEM);
    probe_settle(sys);
    trace_is(&child.log, "2");
    probe_now(sys, &child, probe_open, NULL);
    trace_is(&child.log, "1");
}
END_TEST

START_TEST(incarnation_begins_with_an_open_intake)
{
    boss.restarts = true;
    begin();
    probe_now(sys, &child, probe_close, NULL);
    probe_send(&child, 1);
    probe_settle(sys);
    trace_is(&child.log, "");
    probe_now(sys, &child, probe_crash, NULL);
    trace_is(&child.log, "-crash +2 1");
}
END_TEST

START_TEST(pause_and_intake_are_independent)
{
    begin();
    probe_run(&child, probe_close, NULL);
    probe_settle(sys);
    now(actor_pause);
    probe_send(&child, 1);
    now(actor_resume);
    trace_is(&child.log, ""); /* the intake is closed still */
    now(actor_pause);
    probe_now(sys, &child, probe_open, NULL);
    trace_is(&child.log, ""); /* and now it is paused */
    now(actor_resume);
    trace_is(&child.log, "1");
}
END_TEST

/* ---- Take, return ---- */

static actor_verdict hold(actor *self, probe *p, uint64_t value)
{
    static actor_msg *held[3];
    static size_t count;
    (void)p;
    if (value <= 3) {
        held[count] = actor_take(self);
        ck_assert_ptr_nonnull(held[count++]);
    } else if (value == 4) {
        for (size_t i = 0; i < count; i++) {
            actor_return(self, &held[i]);
            ck_assert_ptr_null(held[i]);
        }
        p->on_value = NULL;
    }
    return ACTOR_CONTINUE;
}

START_TEST(returned_messages_go_to_the_front_in_the_order_they_were_put_back)
{
    child.on_value = hold;
    begin();
    for (uint64_t i = 1; i <= 6; i++)
        probe_send(&child, i);
    probe_settle(sys);
    trace_is(&child.log, "1 2 3 4 1 2 3 5 6");
}
END_TEST

static actor_verdict return_and_crash(actor *self, probe *p, uint64_t value)
{
    if (value != 1 || actor_self_incarnation(self) != 1)
        return ACTOR_CONTINUE;
    actor_msg *msg = actor_take(self);
    ck_assert_ptr_eq(msg, p->msg);
    actor_return(self, &msg);
    return ACTOR_FAIL_RESTART;
}

START_TEST(returned_message_is_the_first_of_the_next_incarnation)
{
    boss.restarts = true;
    child.on_value = return_and_crash;
    begin();
    probe_send(&child, 1);
    probe_send(&child, 2);
    probe_settle(sys);
    trace_is(&child.log, "1 -crash +2 1 2");
    trace_is(&dead, "");
}
END_TEST

static actor_verdict return_first(actor *self, probe *p, uint64_t value)
{
    if (value != 1 || p->held)
        return ACTOR_CONTINUE;
    actor_msg *msg = actor_take(self);
    p->held = msg; /* marks that it was here once */
    actor_msg *more = probe_value(2);
    ck_assert_int_eq(actor_send(actor_self(self), &more), ACTOR_OK);
    actor_return(self, &msg);
    return ACTOR_CONTINUE;
}

START_TEST(returned_message_is_not_counted_against_the_capacity)
{
    actor_spec spec = probe_spec(&child, &boss);
    spec.capacity = 1;
    child.on_value = return_first;
    probe_create(sys, &child, &spec);
    now(actor_start);
    probe_send(&child, 1);
    probe_settle(sys);
    trace_is(&child.log, "+1 1 1 2");
    for (uint64_t i = 3; i < 6; i++) { /* and the count is right afterwards */
        probe_send(&child, i);
        actor_msg *over = probe_value(9);
        ck_assert_int_eq(actor_send(child.ref, &over), ACTOR_EFULL);
        actor_msg_free(over);
        probe_settle(sys);
    }
    trace_is(&child.log, "3 4 5");
}
END_TEST

/* ---- Stash ---- */

static actor_err stashed;

static actor_verdict stash_small(actor *self, probe *p, uint64_t value)
{
    (void)p;
    if (value < 10)
        stashed = actor_stash(self);
    return ACTOR_CONTINUE;
}

START_TEST(unstashed_messages_go_to_the_front_in_the_order_they_were_stashed)
{
    child.on_value = stash_small;
    begin();
    for (uint64_t i = 1; i <= 3; i++)
        probe_send(&child, i);
    probe_send(&child, 10);
    probe_settle(sys);
    ck_assert_int_eq(stashed, ACTOR_OK);
    trace_is(&child.log, "1 2 3 10");
    probe_send(&child, 11);
    child.on_value = NULL;
    probe_now(sys, &child, probe_unstash, NULL);
    trace_is(&child.log, "1 2 3 11");
    trace_is(&dead, "");
}
END_TEST

START_TEST(unstash_during_unstash_does_not_loop)
{
    child.on_value = stash_small;
    begin();
    for (uint64_t i = 1; i <= 2; i++)
        probe_send(&child, i);
    probe_settle(sys);
    probe_now(sys, &child, probe_unstash, NULL); /* they are stashed again */
    trace_is(&child.log, "1 2 1 2");
    probe_now(sys, &child, probe_unstash, NULL);
    trace_is(&child.log, "1 2");
}
END_TEST

START_TEST(unstash_of_nothing_does_nothing)
{
    begin();
    probe_now(sys, &child, probe_unstash, NULL);
    probe_send(&child, 1);
    probe_settle(sys);
    trace_is(&child.log, "1");
}
END_TEST

START_TEST(restart_unstashes)
{
    boss.restarts = true;
    child.on_value = stash_small;
    begin();
    probe_send(&child, 1);
    probe_send(&child, 2);
    probe_settle(sys);
    trace_is(&child.log, "1 2");
    child.on_value = NULL;
    probe_run(&child, probe_crash, NULL);
    probe_send(&child, 3);
    probe_settle(sys);
    trace_is(&child.log, "-crash +2 1 2 3");
}
END_TEST

START_TEST(full_stash_keeps_the_message_in_hand)
{
    actor_spec spec = probe_spec(&child, &boss);
    spec.stash_capacity = 2;
    child.on_value = stash_small;
    probe_create(sys, &child, &spec);
    now(actor_start);
    probe_send(&child, 1);
    probe_send(&child, 2);
    probe_settle(sys);
    ck_assert_int_eq(stashed, ACTOR_OK);
    probe_send(&child, 3);
    probe_settle(sys);
    ck_assert_int_eq(stashed, ACTOR_EFULL);
    child.on_value = NULL;
    probe_now(sys, &child, probe_unstash, NULL);
    trace_is(&child.log, "+1 1 2 3 1 2"); /* 3 was handled, as the handler returned */
    child.on_value = stash_small;
    probe_send(&child, 4);
    probe_settle(sys);
    ck_assert_int_eq(stashed, ACTOR_OK); /* there is room again */
}
END_TEST

static actor_verdict stash_badly(actor *self, probe *p, uint64_t value)
{
    if (value == 1) {
        ck_assert_int_eq(actor_stash(self), ACTOR_OK);
        ck_assert_int_eq(actor_stash(self), ACTOR_EINVAL);
        ck_assert_ptr_null(actor_take(self));
    } else if (value == 2) {
        p->held = actor_take(self);
        ck_assert_int_eq(actor_stash(self), ACTOR_EINVAL);
    }
    return ACTOR_CONTINUE;
}

START_TEST(message_is_stashed_or_taken_once)
{
    child.on_value = stash_badly;
    begin();
    probe_send(&child, 1);
    probe_send(&child, 2);
    probe_settle(sys);
    actor_msg_free(child.held);
    child.on_value = NULL;
    probe_now(sys, &child, probe_unstash, NULL);
    trace_is(&child.log, "1 2 1");
}
END_TEST

START_TEST(stashed_messages_are_dead_letters_at_the_end)
{
    child.on_value = stash_small;
    begin();
    probe_send(&child, 1);
    probe_settle(sys);
    now(actor_stop);
    trace_is(&dead, "1=ended");
}
END_TEST

START_TEST(stashed_messages_wait_while_the_actor_is_down)
{
    child.on_value = stash_small;
    begin();
    probe_send(&child, 1);
    probe_settle(sys);
    halt(ACTOR_HOW_STOP);
    trace_is(&child.log, "1 -stop");
    trace_is(&dead, "");
    child.on_value = NULL;
    now(actor_start);
    trace_is(&child.log, "+2 1");
}
END_TEST

static actor_verdict stash_then_fail(actor *self, probe *p, uint64_t value)
{
    (void)value;
    ck_assert_int_eq(actor_stash(self), ACTOR_OK);
    p->on_value = NULL;
    return ACTOR_FAIL_RESTART;
}

START_TEST(message_stashed_before_a_crash_is_handled_again)
{
    boss.restarts = true;
    child.on_value = stash_then_fail;
    begin();
    probe_send(&child, 1);
    probe_send(&child, 2);
    probe_settle(sys);
    trace_is(&child.log, "1 -crash +2 1 2");
    trace_is(&dead, "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        drain_handles_what_is_queued_and_nothing_after,
        drain_of_an_idle_actor_is_a_stop,
        stop_overtakes_a_drain,
        drain_twice_is_once,
        paused_actor_handles_only_system_messages,
        pause_survives_a_restart,
        pause_before_the_first_start_holds,
        paused_actor_can_be_purged_and_stopped,
        closed_intake_holds_user_messages,
        incarnation_begins_with_an_open_intake,
        pause_and_intake_are_independent,
        returned_messages_go_to_the_front_in_the_order_they_were_put_back,
        returned_message_is_the_first_of_the_next_incarnation,
        returned_message_is_not_counted_against_the_capacity,
        unstashed_messages_go_to_the_front_in_the_order_they_were_stashed,
        unstash_during_unstash_does_not_loop,
        unstash_of_nothing_does_nothing,
        restart_unstashes,
        full_stash_keeps_the_message_in_hand,
        message_is_stashed_or_taken_once,
        stashed_messages_are_dead_letters_at_the_end,
        stashed_messages_wait_while_the_actor_is_down,
        message_stashed_before_a_crash_is_handled_again,
        NULL,
    };
    return suite_run("actor_mailbox", tests, setup, teardown);
}
