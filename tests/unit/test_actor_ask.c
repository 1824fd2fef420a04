/* Asking: exactly one outcome, whatever happens to the two sides. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <string.h>

static actor_system *sys;
static trace dead;
static probe boss, a, b; /* a asks, b answers */

static void setup(void)
{
    sys = probe_system(1, &dead);
    boss = (probe){.name = "boss", .restarts = true};
    a = (probe){.name = "a"};
    b = (probe){.name = "b"};
    probe_spawn(sys, &boss, NULL);
    probe_spawn(sys, &a, &boss);
    probe_spawn(sys, &b, &boss);
    trace_is(&a.log, "+1");
    trace_is(&b.log, "+1");
    boss.log.text[0] = '\0';
}

static void teardown(void)
{
    actor_system_free(sys, 0);
}

static actor_verdict ask(actor *self, probe *p, void *timeout)
{
    actor_ms ms = timeout ? *(actor_ms *)timeout : -1;
    probe_ask(self, p, &b, probe_value(1), ms);
    return ACTOR_CONTINUE;
}

static actor_verdict echo(actor *self, probe *p, uint64_t value)
{
    value += 10;
    return probe_answer(self, p, &value);
}

static actor_verdict take(actor *self, probe *p, uint64_t value)
{
    (void)value;
    ck_assert(actor_msg_is_ask(p->msg));
    return probe_take(self, p, NULL);
}

/* Reply to what b holds. */
static actor_err reply(uint64_t value)
{
    actor_msg *answer = probe_value(value);
    actor_err err = actor_reply(b.held, &answer);
    ck_assert((err == ACTOR_OK) == (answer == NULL));
    actor_msg_free(answer);
    return err;
}

static void drop_held(void)
{
    actor_msg_free(b.held);
    b.held = NULL;
    probe_settle(sys);
}

START_TEST(reply_continues_the_asker)
{
    b.on_value = echo;
    probe_now(sys, &a, ask, NULL);
    trace_is(&a.log, "?ok=11");
    trace_is(&b.log, "1");
}
END_TEST

START_TEST(reply_may_come_later_from_whoever_owns_the_request)
{
    b.on_value = take;
    probe_now(sys, &a, ask, NULL);
    trace_is(&a.log, "");
    ck_assert_int_eq(reply(3), ACTOR_OK);
    drop_held();
    trace_is(&a.log, "?ok=3");
}
END_TEST

START_TEST(second_reply_is_refused)
{
    b.on_value = take;
    probe_now(sys, &a, ask, NULL);
    ck_assert_int_eq(reply(3), ACTOR_OK);
    ck_assert_int_eq(reply(4), ACTOR_EINVAL);
    drop_held();
    trace_is(&a.log, "?ok=3");
}
END_TEST

static actor_verdict reply_to_tell(actor *self, probe *p, uint64_t value)
{
    (void)self;
    actor_msg *answer = probe_value(value);
    ck_assert(!actor_msg_is_ask(p->msg));
    ck_assert_int_eq(actor_reply(p->msg, &answer), ACTOR_EINVAL);
    ck_assert_ptr_nonnull(answer);
    actor_msg_free(answer);
    return ACTOR_CONTINUE;
}

START_TEST(reply_to_what_is_no_ask_is_refused)
{
    b.on_value = reply_to_tell;
    probe_send(&b, 1);
    probe_settle(sys);
    trace_is(&b.log, "1");
}
END_TEST

START_TEST(handler_that_does_not_answer_ends_the_ask)
{
    probe_now(sys, &a, ask, NULL);
    trace_is(&a.log, "?ended");
    trace_is(&dead, "");
}
END_TEST

START_TEST(reply_is_handled_while_the_askers_mailbox_is_paused)
{
    b.on_value = echo;
    ck_assert_int_eq(actor_pause(a.ref), ACTOR_OK);
    probe_now(sys, &a, ask, NULL);
    trace_is(&a.log, "?ok=11");
}
END_TEST

START_TEST(asks_are_answered_in_order)
{
    b.on_value = echo;
    for (int i = 0; i < 3; i++)
        probe_run(&a, ask, NULL);
    probe_settle(sys);
    trace_is(&a.log, "?ok=11 ?ok=11 ?ok=11");
}
END_TEST

START_TEST(asking_oneself_works)
{
    b.on_value = echo;
    probe_now(sys, &b, ask, NULL);
    trace_is(&b.log, "1 ?ok=11");
}
END_TEST

/* ---- Errors of the ask itself ---- */

static actor_verdict never(actor *self, void *state, actor_err how, actor_msg *answer, void *arg)
{
    (void)self;
    (void)state;
    (void)how;
    (void)answer;
    (void)arg;
    ck_abort_msg("continued though the ask was refused");
    return ACTOR_CONTINUE;
}

static actor_verdict ask_nobody(actor *self, probe *p, void *unused)
{
    (void)unused;
    actor_msg *msg = probe_value(1), *same = msg;
    actor_ask_id id;
    ck_assert_int_eq(actor_ask(self, ACTOR_NONE, &msg, 5, never, p, &id), ACTOR_ENOTFOUND);
    ck_assert_ptr_eq(msg, same);
    actor_msg_free(msg);
    return ACTOR_CONTINUE;
}

START_TEST(ask_of_nobody_leaves_message_with_asker)
{
    probe_now(sys, &a, ask_nobody, NULL);
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "");
}
END_TEST

/* ---- Timeouts ---- */

START_TEST(timeout_comes_at_its_time_and_not_before)
{
    static actor_ms ms = 250;
    actor_ms begun = actor_now(sys);
    b.on_value = take;
    probe_now(sys, &a, ask, &ms);
    actor_sim_run(sys, begun + 249);
    trace_is(&a.log, "");
    actor_sim_run(sys, begun + 250 + 1);
    trace_is(&a.log, "?timeout");
    drop_held();
    trace_is(&a.log, "");
}
END_TEST

START_TEST(timeout_of_nothing_is_now)
{
    static actor_ms ms = 0;
    b.on_value = take;
    probe_now(sys, &a, ask, &ms);
    actor_sim_run(sys, actor_now(sys) + 1);
    trace_is(&a.log, "?timeout");
    drop_held();
}
END_TEST

START_TEST(reply_after_the_timeout_goes_nowhere)
{
    static actor_ms ms = 10;
    b.on_value = take;
    probe_now(sys, &a, ask, &ms);
    actor_sim_run(sys, actor_now(sys) + 20);
    trace_is(&a.log, "?timeout");
    (void)reply(3);
    drop_held();
    trace_is(&a.log, "");
}
END_TEST

START_TEST(timeout_after_the_reply_says_nothing)
{
    static actor_ms ms = 10;
    b.on_value = echo;
    probe_now(sys, &a, ask, &ms);
    trace_is(&a.log, "?ok=11");
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "");
}
END_TEST

/* Some of the askers have given up. */
static actor_verdict echo_if_awaited(actor *self, probe *p, uint64_t value)
{
    (void)self;
    actor_msg *answer = probe_value(value + 10);
    if (actor_reply(p->msg, &answer) != ACTOR_OK)
        actor_msg_free(answer);
    return ACTOR_CONTINUE;
}

START_TEST(timeouts_of_many_asks_are_each_their_own)
{
    static actor_ms ms[] = {30, 10, 20};
    actor_ms begun = actor_now(sys);
    ck_assert_int_eq(actor_pause(b.ref), ACTOR_OK);
    for (int i = 0; i < 3; i++)
        probe_run(&a, ask, &ms[i]);
    probe_settle(sys);
    actor_sim_run(sys, begun + 21);
    trace_is(&a.log, "?timeout ?timeout");
    b.on_value = echo_if_awaited;
    ck_assert_int_eq(actor_resume(b.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "?ok=11");
}
END_TEST

/* ---- Cancel ---- */

static actor_verdict cancel(actor *self, probe *p, void *result)
{
    *(bool *)result = actor_ask_cancel(self, p->ask);
    return ACTOR_CONTINUE;
}

START_TEST(cancelled_ask_never_continues)
{
    static actor_ms ms = 10;
    bool cancelled = false;
    b.on_value = take;
    probe_now(sys, &a, ask, &ms);
    probe_now(sys, &a, cancel, &cancelled);
    ck_assert(cancelled);
    (void)reply(3);
    drop_held();
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "");
}
END_TEST

START_TEST(cancel_after_the_outcome_is_false)
{
    bool cancelled = true;
    b.on_value = echo;
    probe_now(sys, &a, ask, NULL);
    trace_is(&a.log, "?ok=11");
    probe_now(sys, &a, cancel, &cancelled);
    ck_assert(!cancelled);
}
END_TEST

START_TEST(cancel_of_an_unknown_ask_is_false)
{
    bool cancelled = true;
    a.ask = 987654321;
    probe_now(sys, &a, cancel, &cancelled);
    ck_assert(!cancelled);
    a.ask = 0;
    probe_now(sys, &a, cancel, &cancelled);
    ck_assert(!cancelled);
}
END_TEST

static actor_verdict cancel_in_hand(actor *self, probe *p, void *result)
{
    ck_assert_int_eq(reply(3), ACTOR_OK); /* the outcome is queued now */
    return cancel(self, p, result);
}

START_TEST(cancel_goes_before_a_reply_that_is_queued)
{
    bool cancelled = false;
    b.on_value = take;
    probe_now(sys, &a, ask, NULL);
    probe_now(sys, &a, cancel_in_hand, &cancelled);
    ck_assert(cancelled);
    trace_is(&a.log, "");
    drop_held();
}
END_TEST

/* ---- The target ends ---- */

START_TEST(target_that_is_stopped_ends_queued_asks)
{
    ck_assert_int_eq(actor_pause(b.ref), ACTOR_OK);
    probe_now(sys, &a, ask, NULL);
    probe_now(sys, &a, ask, NULL);
    trace_is(&a.log, "");
    ck_assert_int_eq(actor_stop(b.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "?ended ?ended");
    trace_is(&dead, "1=ended 1=ended");
}
END_TEST

static actor_verdict crash(actor *self, probe *p, uint64_t value)
{
    (void)value;
    return probe_crash(self, p, NULL);
}

START_TEST(target_that_crashes_ends_the_ask_in_hand)
{
    b.on_value = crash;
    probe_now(sys, &a, ask, NULL);
    trace_is(&a.log, "?ended");
    trace_is(&dead, "1=failed");
    trace_is(&b.log, "1 -crash +2");
}
END_TEST

START_TEST(queued_ask_survives_a_restart_of_the_target)
{
    b.on_value = echo;
    ck_assert_int_eq(actor_pause(b.ref), ACTOR_OK);
    probe_now(sys, &a, ask, NULL);
    probe_now(sys, &b, probe_crash, NULL);
    trace_is(&b.log, "-crash +2");
    trace_is(&a.log, "");
    ck_assert_int_eq(actor_resume(b.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "?ok=11");
}
END_TEST

START_TEST(taken_ask_ends_when_its_owner_frees_it_after_the_target_ended)
{
    b.on_value = take;
    probe_now(sys, &a, ask, NULL);
    ck_assert_int_eq(actor_kill(b.ref), ACTOR_OK);
    probe_settle(sys);
    drop_held();
    trace_is(&a.log, "?ended");
}
END_TEST

START_TEST(purged_ask_ends)
{
    ck_assert_int_eq(actor_pause(b.ref), ACTOR_OK);
    probe_now(sys, &a, ask, NULL);
    ck_assert_int_eq(actor_purge(b.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "?ended");
    trace_is(&dead, "1=purged");
}
END_TEST

static actor_verdict stash(actor *self, probe *p, uint64_t value)
{
    (void)p;
    (void)value;
    ck_assert_int_eq(actor_stash(self), ACTOR_OK);
    return ACTOR_CONTINUE;
}

START_TEST(stashed_ask_can_be_answered_and_ends_with_its_target)
{
    b.on_value = stash;
    probe_now(sys, &a, ask, NULL);
    trace_is(&a.log, "");
    b.on_value = echo;
    probe_now(sys, &b, probe_unstash, NULL);
    trace_is(&a.log, "?ok=11");
    b.on_value = stash;
    probe_now(sys, &a, ask, NULL);
    ck_assert_int_eq(actor_stop(b.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "?ended");
}
END_TEST

/* ---- The asker ends ---- */

START_TEST(restart_of_the_asker_drops_the_continuation)
{
    static actor_ms ms = 10;
    b.on_value = take;
    probe_now(sys, &a, ask, &ms);
    probe_now(sys, &a, probe_crash, NULL);
    trace_is(&a.log, "-crash +2");
    (void)reply(3);
    drop_held();
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "");
}
END_TEST

START_TEST(outcome_that_is_queued_at_a_restart_is_dropped)
{
    b.on_value = take;
    probe_now(sys, &a, ask, NULL);
    ck_assert_int_eq(reply(3), ACTOR_OK);
    ck_assert_int_eq(actor_halt(a.ref, ACTOR_HOW_STOP), ACTOR_OK); /* overtakes the reply */
    probe_settle(sys);
    ck_assert_int_eq(actor_start(a.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "-stop +2");
    drop_held();
    trace_is(&a.log, "");
}
END_TEST

START_TEST(reply_to_an_asker_that_ended_stays_with_the_replier)
{
    b.on_value = take;
    probe_now(sys, &a, ask, NULL);
    ck_assert_int_eq(actor_kill(a.ref), ACTOR_OK);
    probe_settle(sys);
    ck_assert_int_eq(reply(3), ACTOR_ENOTFOUND);
    drop_held();
}
END_TEST

static actor_verdict take_reply(actor *self, void *state, actor_err how, actor_msg *answer,
                                void *arg)
{
    (void)state;
    ck_assert_int_eq(how, ACTOR_OK);
    actor_msg *taken = actor_take(self);
    ck_assert_ptr_eq(taken, answer);
    *(actor_msg **)arg = taken;
    return ACTOR_CONTINUE;
}

static actor_verdict ask_taking(actor *self, probe *p, void *to)
{
    actor_msg *msg = probe_value(1);
    actor_ask_id id;
    (void)p;
    ck_assert_int_eq(actor_ask(self, b.ref, &msg, -1, take_reply, to, &id), ACTOR_OK);
    return ACTOR_CONTINUE;
}

START_TEST(reply_can_be_taken)
{
    actor_msg *taken = NULL;
    b.on_value = echo;
    probe_now(sys, &a, ask_taking, &taken);
    ck_assert_ptr_nonnull(taken);
    uint64_t value;
    memcpy(&value, actor_msg_data(taken), sizeof value);
    ck_assert_uint_eq(value, 11);
    actor_msg_free(taken);
}
END_TEST

static actor_verdict crash_then(actor *self, void *state, actor_err how, actor_msg *answer,
                                void *arg)
{
    (void)state;
    (void)how;
    (void)answer;
    (void)arg;
    return actor_fail(self, ACTOR_FAIL_RESTART, "in-then");
}

static actor_verdict ask_crashing(actor *self, probe *p, void *unused)
{
    actor_msg *msg = probe_value(1);
    actor_ask_id id;
    (void)p;
    (void)unused;
    ck_assert_int_eq(actor_ask(self, b.ref, &msg, -1, crash_then, NULL, &id), ACTOR_OK);
    return ACTOR_CONTINUE;
}

START_TEST(verdict_of_a_continuation_counts)
{
    b.on_value = echo;
    probe_now(sys, &a, ask_crashing, NULL);
    trace_is(&a.log, "-crash +2");
    trace_is(&boss.log, "a:exited1=crash(in-then) a:started2");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reply_continues_the_asker,
        reply_may_come_later_from_whoever_owns_the_request,
        second_reply_is_refused,
        reply_to_what_is_no_ask_is_refused,
        handler_that_does_not_answer_ends_the_ask,
        reply_is_handled_while_the_askers_mailbox_is_paused,
        asks_are_answered_in_order,
        asking_oneself_works,
        ask_of_nobody_leaves_message_with_asker,
        timeout_comes_at_its_time_and_not_before,
        timeout_of_nothing_is_now,
        reply_after_the_timeout_goes_nowhere,
        timeout_after_the_reply_says_nothing,
        timeouts_of_many_asks_are_each_their_own,
        cancelled_ask_never_continues,
        cancel_after_the_outcome_is_false,
        cancel_of_an_unknown_ask_is_false,
        cancel_goes_before_a_reply_that_is_queued,
        target_that_is_stopped_ends_queued_asks,
        target_that_crashes_ends_the_ask_in_hand,
        queued_ask_survives_a_restart_of_the_target,
        taken_ask_ends_when_its_owner_frees_it_after_the_target_ended,
        purged_ask_ends,
        stashed_ask_can_be_answered_and_ends_with_its_target,
        restart_of_the_asker_drops_the_continuation,
        outcome_that_is_queued_at_a_restart_is_dropped,
        reply_to_an_asker_that_ended_stays_with_the_replier,
        reply_can_be_taken,
        verdict_of_a_continuation_counts,
        NULL,
    };
    return suite_run("actor_ask", tests, setup, teardown);
}
