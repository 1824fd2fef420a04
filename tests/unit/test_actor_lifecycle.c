/* The life of an actor under a supervisor: every verdict, its notice and its reason; restarts. */
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

/* ---- Verdicts ---- */

START_TEST(every_verdict_of_start)
{
    static const struct {
        actor_verdict verdict;
        const char *notice;
        actor_phase phase;
    } rows[] = {
        {ACTOR_CONTINUE, "c:started1", ACTOR_PHASE_RUNNING},
        {ACTOR_PENDING, "", ACTOR_PHASE_STARTING},
        {ACTOR_DECLINE, "c:declined1", ACTOR_PHASE_DOWN},
        {ACTOR_FAIL_MESSAGE, "c:failed1=crash", ACTOR_PHASE_DOWN},
        {ACTOR_FAIL_RESTART, "c:failed1=crash", ACTOR_PHASE_DOWN},
        {ACTOR_FAIL_STOP, "c:failed1=crash", ACTOR_PHASE_DOWN},
        {ACTOR_FAIL_ESCALATE, "c:failed1=crash", ACTOR_PHASE_DOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        teardown();
        setup();
        child.on_start = rows[i].verdict;
        probe_spawn(sys, &child, &boss);
        trace_is(&child.log, "+1"); /* stop is never called */
        trace_is(&boss.log, rows[i].notice);
        ck_assert_int_eq(phase(), rows[i].phase);
    }
}
END_TEST

START_TEST(every_verdict_of_handle)
{
    static actor_verdict verdicts[] = {ACTOR_CONTINUE,     ACTOR_EXIT,      ACTOR_FAIL_MESSAGE,
                                       ACTOR_FAIL_RESTART, ACTOR_FAIL_STOP, ACTOR_FAIL_ESCALATE};
    static const struct {
        const char *trace, *notice, *dead;
        actor_phase phase;
    } rows[] = {
        {"7", "", "", ACTOR_PHASE_RUNNING},
        {"-crash", "c:exited1=normal", "", ACTOR_PHASE_DOWN},
        {"7", "", "do=failed", ACTOR_PHASE_RUNNING},
        {"-crash", "c:exited1=crash", "do=failed", ACTOR_PHASE_DOWN},
        {"-crash", "c:exited1=stop", "do=failed", ACTOR_PHASE_DOWN},
        {"-crash", "c:exited1=escalate", "do=failed", ACTOR_PHASE_DOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        teardown();
        setup();
        begin();
        probe_run(&child, probe_return, &verdicts[i]);
        probe_send(&child, 7);
        probe_settle(sys);
        trace_is(&child.log, rows[i].trace);
        trace_is(&boss.log, rows[i].notice);
        trace_is(&dead, rows[i].dead);
        ck_assert_int_eq(phase(), rows[i].phase);
    }
}
END_TEST

START_TEST(every_verdict_of_stop_but_pending_ends_the_incarnation)
{
    static const actor_verdict verdicts[] = {
        ACTOR_CONTINUE,     ACTOR_EXIT,      ACTOR_DECLINE,      ACTOR_FAIL_MESSAGE,
        ACTOR_FAIL_RESTART, ACTOR_FAIL_STOP, ACTOR_FAIL_ESCALATE};
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        teardown();
        setup();
        child.on_stop = verdicts[i];
        begin();
        halt(ACTOR_HOW_STOP);
        trace_is(&child.log, "-stop");
        ck_assert_msg(strncmp(boss.log.text, "c:exited1=", 10) == 0, "%s", boss.log.text);
        if (verdicts[i] == ACTOR_CONTINUE)
            trace_is(&boss.log, "c:exited1=requested");
        ck_assert_int_eq(phase(), ACTOR_PHASE_DOWN);
    }
}
END_TEST

START_TEST(verdict_of_a_system_message_counts_as_of_any)
{
    static actor_verdict verdicts[] = {ACTOR_CONTINUE, ACTOR_EXIT, ACTOR_FAIL_RESTART};
    static const char *const traces[] = {"", "-crash", "-crash"};
    static const char *const notices[] = {"", "c:exited1=normal", "c:exited1=crash"};
    for (size_t i = 0; i < 3; i++) {
        teardown();
        setup();
        begin();
        probe_now(sys, &child, probe_return, &verdicts[i]);
        trace_is(&child.log, traces[i]);
        trace_is(&boss.log, notices[i]);
    }
}
END_TEST

START_TEST(verdicts_that_make_no_sense_leave_an_actor_that_can_be_ended)
{
    static actor_verdict odd[] = {ACTOR_PENDING, ACTOR_DECLINE, (actor_verdict)99};
    for (size_t i = 0; i < 3; i++) {
        teardown();
        setup();
        begin();
        probe_run(&child, probe_return, &odd[i]);
        probe_settle(sys);
        ck_assert_uint_eq(child.freed, 0);
        now(actor_kill);
        ck_assert_uint_eq(child.freed, 1);
    }
}
END_TEST

START_TEST(exit_from_start_leaves_the_actor_down)
{
    child.on_start = ACTOR_EXIT;
    probe_spawn(sys, &child, &boss);
    ck_assert_int_eq(phase(), ACTOR_PHASE_DOWN);
    ck_assert_str_ne(boss.log.text, "");
}
END_TEST

START_TEST(behaviour_needs_a_handler)
{
    static const actor_behaviour none = {.name = "none"};
    actor_ref ref;
    ck_assert_int_eq(actor_spawn(sys, &(actor_spec){.behaviour = NULL}, &ref), ACTOR_EINVAL);
    ck_assert_int_eq(actor_spawn(sys, &(actor_spec){.behaviour = &none}, &ref), ACTOR_EINVAL);
}
END_TEST

/* ---- Reasons ---- */

static actor_verdict fail_start(actor *self, probe *p)
{
    (void)p;
    return actor_fail(self, ACTOR_FAIL_RESTART, "port-%d-is-taken", 80);
}

START_TEST(reason_of_a_failed_start_is_in_the_notice)
{
    child.in_start = fail_start;
    probe_spawn(sys, &child, &boss);
    trace_is(&boss.log, "c:failed1=crash(port-80-is-taken)");
}
END_TEST

START_TEST(reason_of_a_crash_is_in_the_notice_and_not_in_the_next)
{
    static actor_verdict crash = ACTOR_FAIL_RESTART;
    boss.restarts = true;
    begin();
    probe_run(&child, probe_crash, "first");
    probe_run(&child, probe_return, &crash);
    probe_settle(sys);
    trace_is(&boss.log, "c:exited1=crash(first) c:started2 c:exited2=crash c:started3");
}
END_TEST

static actor_verdict fail_message(actor *self, probe *p, void *unused)
{
    (void)p;
    (void)unused;
    return actor_fail(self, ACTOR_FAIL_MESSAGE, "bad");
}

START_TEST(reason_of_a_failed_message_is_not_in_a_later_notice)
{
    begin();
    probe_now(sys, &child, fail_message, NULL);
    halt(ACTOR_HOW_STOP);
    trace_is(&boss.log, "c:exited1=requested");
}
END_TEST

static actor_verdict fail_long(actor *self, probe *p, void *unused)
{
    (void)p;
    (void)unused;
    return actor_fail(self, ACTOR_FAIL_STOP, "%01000d", 0);
}

START_TEST(long_reason_arrives)
{
    begin();
    probe_now(sys, &child, fail_long, NULL);
    ck_assert_ptr_eq(strstr(boss.log.text, "c:exited1=stop(000000"), boss.log.text);
}
END_TEST

/* ---- Supervised start ---- */

START_TEST(child_is_down_until_it_is_started)
{
    create();
    probe_send(&child, 1);
    probe_settle(sys);
    trace_is(&child.log, "");
    ck_assert_int_eq(phase(), ACTOR_PHASE_DOWN);
    now(actor_start);
    trace_is(&child.log, "+1 1");
}
END_TEST

START_TEST(actor_without_supervisor_starts_before_its_first_message)
{
    actor_spec spec = probe_spec(&child, NULL);
    ck_assert_int_eq(actor_spawn(sys, &spec, &child.ref), ACTOR_OK);
    probe_send_as(&child, 1, ACTOR_SYSTEM);
    probe_settle(sys);
    trace_is(&child.log, "+1 1");
}
END_TEST

START_TEST(actor_without_supervisor_ends_with_its_first_incarnation)
{
    static actor_verdict ways[] = {ACTOR_EXIT, ACTOR_FAIL_RESTART, ACTOR_FAIL_STOP};
    for (size_t i = 0; i < 3; i++) {
        static probe lone;
        lone = (probe){.name = "lone"};
        probe_spawn(sys, &lone, NULL);
        probe_run(&lone, probe_return, &ways[i]);
        probe_send(&lone, 7);
        probe_settle(sys);
        trace_is(&lone.log, "+1 -crash ~");
    }
    static const actor_verdict starts[] = {ACTOR_DECLINE, ACTOR_FAIL_RESTART};
    for (size_t i = 0; i < 2; i++) {
        static probe lone;
        lone = (probe){.name = "lone", .on_start = starts[i]};
        probe_spawn(sys, &lone, NULL);
        trace_is(&lone.log, "+1 ~");
    }
    trace_is(&dead, "7=ended do=failed 7=ended do=failed 7=ended");
}
END_TEST

START_TEST(pending_start_handles_system_messages_until_it_has_started)
{
    child.on_start = ACTOR_PENDING;
    probe_spawn(sys, &child, &boss);
    probe_send(&child, 1);
    probe_send_as(&child, 2, ACTOR_SYSTEM);
    probe_settle(sys);
    trace_is(&child.log, "+1 2");
    trace_is(&boss.log, "");
    probe_now(sys, &child, probe_started, NULL);
    trace_is(&child.log, "1");
    trace_is(&boss.log, "c:started1");
    ck_assert_int_eq(phase(), ACTOR_PHASE_RUNNING);
}
END_TEST

START_TEST(crash_during_a_pending_start_is_a_failed_start)
{
    child.on_start = ACTOR_PENDING;
    probe_spawn(sys, &child, &boss);
    probe_now(sys, &child, probe_crash, "no");
    ck_assert_int_eq(phase(), ACTOR_PHASE_DOWN);
    trace_is(&child.log, "+1 -crash"); /* there is a state to clean up */
    trace_is(&boss.log, "c:failed1=crash(no)");
}
END_TEST

START_TEST(start_of_a_running_actor_changes_nothing)
{
    begin();
    now(actor_start);
    now(actor_start);
    probe_send(&child, 1);
    probe_settle(sys);
    trace_is(&child.log, "1");
    trace_is(&boss.log, "");
}
END_TEST

START_TEST(two_starts_at_once_are_one)
{
    create();
    ck_assert_int_eq(actor_start(child.ref), ACTOR_OK);
    ck_assert_int_eq(actor_start(child.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&child.log, "+1");
}
END_TEST

/* ---- Restart ---- */

START_TEST(restart_keeps_the_mailbox_in_order)
{
    boss.restarts = true;
    begin();
    probe_send(&child, 1);
    probe_run(&child, probe_crash, NULL);
    probe_send(&child, 2);
    probe_send(&child, 3);
    probe_run(&child, probe_crash, NULL);
    probe_send(&child, 4);
    probe_settle(sys);
    trace_is(&child.log, "1 -crash +2 2 3 -crash +3 4");
    trace_is(&dead, "do=failed do=failed");
}
END_TEST

START_TEST(messages_sent_while_down_wait_for_the_next_incarnation)
{
    begin();
    probe_run(&child, probe_crash, NULL);
    probe_settle(sys);
    probe_send(&child, 1);
    probe_send_as(&child, 2, ACTOR_HIGH);
    probe_settle(sys);
    trace_is(&child.log, "-crash");
    now(actor_start);
    trace_is(&child.log, "+2 2 1");
    trace_is(&dead, "do=failed");
}
END_TEST

START_TEST(start_can_fail_again_and_again_and_then_succeed)
{
    child.on_start = ACTOR_FAIL_RESTART;
    probe_spawn(sys, &child, &boss);
    probe_send(&child, 1);
    now(actor_start);
    child.on_start = ACTOR_CONTINUE;
    now(actor_start);
    trace_is(&child.log, "+1 +2 +3 1");
    trace_is(&boss.log, "c:failed1=crash c:failed2=crash c:started3");
}
END_TEST

static actor_verdict other_handle(actor *self, void *state, actor_msg *msg)
{
    probe *p = *(probe **)state;
    (void)self;
    trace_add(&p->log, "other");
    if (actor_msg_type(msg) == PROBE_DO)
        return ACTOR_FAIL_RESTART;
    return ACTOR_CONTINUE;
}

static actor_verdict become_other(actor *self, probe *p, void *unused)
{
    (void)p;
    (void)unused;
    actor_become(self, other_handle);
    return ACTOR_CONTINUE;
}

START_TEST(become_lasts_until_the_incarnation_ends)
{
    boss.restarts = true;
    begin();
    probe_send(&child, 1);
    probe_run(&child, become_other, NULL);
    probe_send(&child, 2);
    probe_run(&child, probe_open, NULL);
    probe_send(&child, 3);
    probe_settle(sys);
    trace_is(&child.log, "1 other other -crash +2 3");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_verdict_of_start,
        every_verdict_of_handle,
        every_verdict_of_stop_but_pending_ends_the_incarnation,
        verdict_of_a_system_message_counts_as_of_any,
        verdicts_that_make_no_sense_leave_an_actor_that_can_be_ended,
        exit_from_start_leaves_the_actor_down,
        behaviour_needs_a_handler,
        reason_of_a_failed_start_is_in_the_notice,
        reason_of_a_crash_is_in_the_notice_and_not_in_the_next,
        reason_of_a_failed_message_is_not_in_a_later_notice,
        long_reason_arrives,
        child_is_down_until_it_is_started,
        actor_without_supervisor_starts_before_its_first_message,
        actor_without_supervisor_ends_with_its_first_incarnation,
        pending_start_handles_system_messages_until_it_has_started,
        crash_during_a_pending_start_is_a_failed_start,
        start_of_a_running_actor_changes_nothing,
        two_starts_at_once_are_one,
        restart_keeps_the_mailbox_in_order,
        messages_sent_while_down_wait_for_the_next_incarnation,
        start_can_fail_again_and_again_and_then_succeed,
        become_lasts_until_the_incarnation_ends,
        NULL,
    };
    return suite_run("actor_lifecycle", tests, setup, teardown);
}
