/* Ending incarnations and actors: halt, stop, kill, and what goes before what. */
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

static actor_phase phase(void)
{
    actor_info info;
    ck_assert_int_eq(actor_inspect(child.ref, &info), ACTOR_OK);
    return info.phase;
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

START_TEST(halt_keeps_the_mailbox_and_the_reference)
{
    begin();
    probe_send(&child, 1);
    halt(ACTOR_HOW_STOP);
    trace_is(&child.log, "-stop"); /* begins no further message */
    trace_is(&boss.log, "c:exited1=requested");
    now(actor_start);
    trace_is(&child.log, "+2 1");
    trace_is(&boss.log, "c:started2");
    trace_is(&dead, "");
}
END_TEST

START_TEST(halt_with_kill_says_so)
{
    begin();
    halt(ACTOR_HOW_KILL);
    trace_is(&child.log, "-kill");
    trace_is(&boss.log, "c:exited1=killed");
}
END_TEST

START_TEST(halt_of_an_actor_that_is_down_is_answered)
{
    begin();
    halt(ACTOR_HOW_STOP);
    trace_is(&boss.log, "c:exited1=requested");
    halt(ACTOR_HOW_STOP);
    trace_is(&child.log, "-stop");
    ck_assert_msg(strncmp(boss.log.text, "c:exited1", 9) == 0, "%s", boss.log.text);
}
END_TEST

START_TEST(halt_twice_at_once_is_one)
{
    begin();
    ck_assert_int_eq(actor_halt(child.ref, ACTOR_HOW_STOP), ACTOR_OK);
    ck_assert_int_eq(actor_halt(child.ref, ACTOR_HOW_STOP), ACTOR_OK);
    probe_settle(sys);
    trace_is(&child.log, "-stop");
    trace_is(&boss.log, "c:exited1=requested");
}
END_TEST

START_TEST(kill_goes_before_stop)
{
    begin();
    ck_assert_int_eq(actor_stop(child.ref), ACTOR_OK);
    ck_assert_int_eq(actor_kill(child.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&child.log, "-kill ~");
    trace_is(&boss.log, "c:exited1=killed c:ended");
}
END_TEST

START_TEST(stop_after_kill_does_not_soften_it)
{
    begin();
    ck_assert_int_eq(actor_kill(child.ref), ACTOR_OK);
    ck_assert_int_eq(actor_stop(child.ref), ACTOR_OK);
    ck_assert_int_eq(actor_halt(child.ref, ACTOR_HOW_STOP), ACTOR_OK);
    probe_settle(sys);
    trace_is(&child.log, "-kill ~");
    trace_is(&boss.log, "c:exited1=killed c:ended");
}
END_TEST

START_TEST(stop_after_a_halt_that_kills_does_not_soften_it)
{
    begin();
    ck_assert_int_eq(actor_halt(child.ref, ACTOR_HOW_KILL), ACTOR_OK);
    ck_assert_int_eq(actor_stop(child.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&child.log, "-kill ~");
    trace_is(&boss.log, "c:exited1=killed c:ended");
}
END_TEST

START_TEST(stop_goes_before_user_and_system_messages)
{
    begin();
    probe_send(&child, 1);
    probe_send_as(&child, 2, ACTOR_CRITICAL);
    now(actor_stop);
    trace_is(&child.log, "-stop ~");
    trace_is(&boss.log, "c:exited1=requested c:ended");
    ck_assert_uint_eq(child.freed, 1);
}
END_TEST

START_TEST(supervision_goes_before_user_messages)
{
    static probe middle = {.name = "m"};
    probe_spawn(sys, &middle, &boss);
    probe_spawn(sys, &child, &middle);
    trace_is(&middle.log, "+1 c:started1");
    ck_assert_int_eq(actor_halt(middle.ref, ACTOR_HOW_STOP), ACTOR_OK);
    probe_settle(sys);
    probe_send_as(&middle, 1, ACTOR_CRITICAL);
    halt(ACTOR_HOW_STOP); /* its notice is queued after the message */
    ck_assert_int_eq(actor_start(middle.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&middle.log, "-stop +2 c:exited1=requested 1");
}
END_TEST

START_TEST(pending_stop_handles_system_messages_until_it_has_stopped)
{
    child.on_stop = ACTOR_PENDING;
    begin();
    halt(ACTOR_HOW_STOP);
    ck_assert_int_eq(phase(), ACTOR_PHASE_STOPPING);
    probe_send(&child, 1);
    probe_send_as(&child, 2, ACTOR_SYSTEM);
    probe_settle(sys);
    trace_is(&child.log, "-stop 2");
    trace_is(&boss.log, "");
    probe_now(sys, &child, probe_stopped, NULL);
    trace_is(&boss.log, "c:exited1=requested");
    ck_assert_int_eq(phase(), ACTOR_PHASE_DOWN);
    now(actor_start);
    trace_is(&child.log, "+2 1");
}
END_TEST

START_TEST(kill_during_a_pending_stop_calls_stop_again)
{
    child.on_stop = ACTOR_PENDING;
    begin();
    now(actor_stop);
    trace_is(&child.log, "-stop");
    now(actor_stop);
    trace_is(&child.log, ""); /* once is enough */
    child.on_stop = ACTOR_CONTINUE;
    now(actor_kill);
    trace_is(&child.log, "-kill ~");
    trace_is(&boss.log, "c:exited1=killed c:ended");
}
END_TEST

START_TEST(stop_during_a_pending_kill_is_not_called_again)
{
    child.on_stop = ACTOR_PENDING;
    begin();
    now(actor_kill);
    trace_is(&child.log, "-kill");
    now(actor_stop);
    halt(ACTOR_HOW_STOP);
    now(actor_kill);
    trace_is(&child.log, "");
    probe_now(sys, &child, probe_stopped, NULL);
    trace_is(&child.log, "~");
    trace_is(&boss.log, "c:exited1=killed c:ended");
}
END_TEST

START_TEST(stop_during_a_pending_halt_ends_the_actor)
{
    child.on_stop = ACTOR_PENDING;
    begin();
    halt(ACTOR_HOW_STOP);
    now(actor_stop);
    trace_is(&child.log, "-stop");
    probe_now(sys, &child, probe_stopped, NULL);
    trace_is(&child.log, "~");
    trace_is(&boss.log, "c:exited1=requested c:ended");
}
END_TEST

START_TEST(crash_may_clean_up_slowly)
{
    child.on_stop = ACTOR_PENDING;
    begin();
    probe_run(&child, probe_crash, "why");
    probe_settle(sys);
    trace_is(&child.log, "-crash");
    trace_is(&boss.log, "");
    ck_assert_int_eq(phase(), ACTOR_PHASE_STOPPING);
    probe_now(sys, &child, probe_stopped, NULL);
    trace_is(&boss.log, "c:exited1=crash(why)");
}
END_TEST

START_TEST(halt_while_starting_ends_the_incarnation)
{
    child.on_start = ACTOR_PENDING;
    probe_spawn(sys, &child, &boss);
    halt(ACTOR_HOW_STOP);
    trace_is(&child.log, "+1 -stop");
    trace_is(&boss.log, "c:exited1=requested");
    ck_assert_int_eq(phase(), ACTOR_PHASE_DOWN);
}
END_TEST

START_TEST(halt_at_once_after_start_leaves_the_actor_down)
{
    create();
    ck_assert_int_eq(actor_start(child.ref), ACTOR_OK);
    halt(ACTOR_HOW_STOP);
    ck_assert_int_eq(phase(), ACTOR_PHASE_DOWN);
    bool began = strstr(child.log.text, "+1") != NULL;
    bool stopped = strstr(child.log.text, "-stop") != NULL;
    ck_assert(began == stopped);
    ck_assert_ptr_nonnull(strstr(boss.log.text, ":exited"));
}
END_TEST

START_TEST(stop_of_an_actor_that_never_ran_ends_it)
{
    create();
    now(actor_stop);
    trace_is(&child.log, "~");
    trace_is(&boss.log, "c:ended");
    ck_assert_int_eq(actor_start(child.ref), ACTOR_ENOTFOUND);
}
END_TEST

START_TEST(stop_of_an_actor_that_is_down_ends_it)
{
    begin();
    halt(ACTOR_HOW_STOP);
    trace_is(&boss.log, "c:exited1=requested");
    now(actor_stop);
    trace_is(&child.log, "-stop ~");
    const char *last = strrchr(boss.log.text, ' ');
    ck_assert_str_eq(last ? last + 1 : boss.log.text, "c:ended");
}
END_TEST

static actor_verdict stop_itself(actor *self, probe *p, void *unused)
{
    (void)unused;
    ck_assert_int_eq(actor_stop(actor_self(self)), ACTOR_OK);
    trace_add(&p->log, "asked");
    return ACTOR_CONTINUE;
}

START_TEST(actor_may_stop_itself)
{
    begin();
    probe_run(&child, stop_itself, NULL);
    probe_send(&child, 1);
    probe_settle(sys);
    trace_is(&child.log, "asked -stop ~");
    trace_is(&dead, "1=ended");
    trace_is(&boss.log, "c:exited1=requested c:ended");
}
END_TEST

START_TEST(child_outlives_a_supervisor_that_ended)
{
    begin();
    ck_assert_int_eq(actor_kill(boss.ref), ACTOR_OK);
    probe_settle(sys);
    probe_send(&child, 1);
    probe_settle(sys);
    trace_is(&child.log, "1"); /* what happens to children is the supervisor's decision */
    now(actor_stop);
    trace_is(&child.log, "-stop ~");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        halt_keeps_the_mailbox_and_the_reference,
        halt_with_kill_says_so,
        halt_of_an_actor_that_is_down_is_answered,
        halt_twice_at_once_is_one,
        kill_goes_before_stop,
        stop_after_kill_does_not_soften_it,
        stop_after_a_halt_that_kills_does_not_soften_it,
        stop_goes_before_user_and_system_messages,
        supervision_goes_before_user_messages,
        pending_stop_handles_system_messages_until_it_has_stopped,
        kill_during_a_pending_stop_calls_stop_again,
        stop_during_a_pending_kill_is_not_called_again,
        stop_during_a_pending_halt_ends_the_actor,
        crash_may_clean_up_slowly,
        halt_while_starting_ends_the_incarnation,
        halt_at_once_after_start_leaves_the_actor_down,
        stop_of_an_actor_that_never_ran_ends_it,
        stop_of_an_actor_that_is_down_ends_it,
        actor_may_stop_itself,
        child_outlives_a_supervisor_that_ended,
        NULL,
    };
    return suite_run("actor_halt", tests, setup, teardown);
}
