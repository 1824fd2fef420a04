/* Out of memory: what then fails changes nothing, and what can't fail does not. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <string.h>

static actor_system *sys;
static trace dead;
static probe boss, a;

static void memory(bool there)
{
    actor_sim_fail_allocations(sys, there ? 0 : 1000000);
}

static void setup(void)
{
    sys = probe_system(1, &dead);
    boss = (probe){.name = "boss"};
    a = (probe){.name = "a"};
    probe_spawn(sys, &boss, NULL);
    probe_spawn(sys, &a, &boss);
    trace_is(&a.log, "+1");
    trace_is(&boss.log, "+1 a:started1");
}

static void teardown(void)
{
    memory(true);
    actor_system_free(sys, 0);
}

START_TEST(no_message_without_memory)
{
    uint64_t value = 1;
    memory(false);
    ck_assert_ptr_null(actor_msg_new(1, 8));
    ck_assert_ptr_null(actor_msg_new(1, 100000));
    ck_assert_ptr_null(actor_msg_borrow(1, &value, sizeof value, NULL, NULL));
}
END_TEST

START_TEST(what_is_freed_while_there_is_no_memory_is_not_had_again)
{
    actor_msg *msg = probe_value(1);
    memory(false);
    actor_msg_free(msg);
    ck_assert_ptr_null(actor_msg_new(1, 8));
}
END_TEST

START_TEST(each_message_may_be_the_one_for_which_there_is_no_memory)
{
    enum { TRIES = 200 };
    unsigned failed = 0;
    actor_sim_fail_allocations(sys, 500000);
    for (int i = 0; i < TRIES; i++) {
        actor_msg *msg = actor_msg_new(1, 8);
        failed += msg == NULL;
        actor_msg_free(msg);
    }
    ck_assert_uint_ge(failed, TRIES / 3);
    ck_assert_uint_le(failed, 2 * TRIES / 3);
}
END_TEST

static void must_not_run(void *unused)
{
    (void)unused;
    ck_abort_msg("released though the message was never made");
}

START_TEST(payload_that_could_not_be_borrowed_stays_the_callers)
{
    uint64_t value = 1;
    memory(false);
    ck_assert_ptr_null(actor_msg_borrow(1, &value, sizeof value, must_not_run, &value));
}
END_TEST

START_TEST(spawn_without_memory_leaves_the_argument_with_the_caller)
{
    static probe b = {.name = "b"};
    actor_spec spec = probe_spec(&b, &boss);
    actor_system_stats stats;
    memory(false);
    actor_ref untouched = {7};
    ck_assert_int_eq(actor_spawn(sys, &spec, &untouched), ACTOR_ENOMEM);
    ck_assert_uint_eq(untouched.bits, 7);
    ck_assert_uint_eq(b.freed, 0);
    memory(true);
    actor_system_stats_get(sys, &stats);
    ck_assert_uint_eq(stats.actors, 2);
    ck_assert_int_eq(actor_spawn(sys, &spec, &b.ref), ACTOR_OK);
}
END_TEST

START_TEST(message_that_was_made_is_sent_without_memory)
{
    actor_msg *msg = probe_value(1);
    memory(false);
    ck_assert_int_eq(actor_send(a.ref, &msg), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "1");
}
END_TEST

static actor_verdict note(actor *self, void *state, actor_err how, actor_msg *reply, void *arg)
{
    (void)self;
    (void)state;
    (void)how;
    (void)reply;
    (void)arg;
    ck_abort_msg("continued though the ask failed");
    return ACTOR_CONTINUE;
}

static actor_verdict ask_in_vain(actor *self, probe *p, void *msg)
{
    actor_msg **request = msg, *same = *request;
    ck_assert_int_eq(actor_ask(self, boss.ref, request, 10, note, p, &p->ask), ACTOR_ENOMEM);
    ck_assert_ptr_eq(*request, same);
    ck_assert(!actor_msg_is_ask(same));
    return ACTOR_CONTINUE;
}

START_TEST(ask_without_memory_leaves_message_with_asker)
{
    actor_msg *request = probe_value(1);
    probe_run(&a, ask_in_vain, &request);
    memory(false);
    probe_settle(sys);
    actor_sim_run(sys, actor_now(sys) + 100);
    memory(true);
    trace_is(&boss.log, "");
    actor_msg_free(request);
}
END_TEST

static actor_verdict arm_and_watch_in_vain(actor *self, probe *p, void *unused)
{
    (void)unused;
    ck_assert_int_eq(actor_after(self, 1, ACTOR_MSG_TIMER, 1, &p->timer), ACTOR_ENOMEM);
    ck_assert_ptr_null(p->timer);
    ck_assert_int_eq(actor_watch(self, boss.ref, false), ACTOR_ENOMEM);
    return ACTOR_CONTINUE;
}

START_TEST(timer_and_watch_need_memory)
{
    probe_run(&a, arm_and_watch_in_vain, NULL);
    memory(false);
    probe_settle(sys);
    actor_sim_run(sys, actor_now(sys) + 100);
    trace_is(&a.log, "");
}
END_TEST

START_TEST(name_needs_memory)
{
    actor_ref found;
    memory(false);
    ck_assert_int_eq(actor_register(sys, "a", a.ref), ACTOR_ENOMEM);
    ck_assert_int_eq(actor_lookup(sys, "a", &found), ACTOR_ENOTFOUND);
}
END_TEST

START_TEST(life_cycle_needs_no_memory)
{
    probe_run(&a, probe_crash, NULL);
    memory(false);
    probe_settle(sys);
    ck_assert_int_eq(actor_start(a.ref), ACTOR_OK);
    probe_settle(sys);
    ck_assert_int_eq(actor_pause(a.ref), ACTOR_OK);
    ck_assert_int_eq(actor_purge(a.ref), ACTOR_OK);
    ck_assert_int_eq(actor_resume(a.ref), ACTOR_OK);
    ck_assert_int_eq(actor_halt(a.ref, ACTOR_HOW_STOP), ACTOR_OK);
    probe_settle(sys);
    ck_assert_int_eq(actor_start(a.ref), ACTOR_OK);
    probe_settle(sys);
    ck_assert_int_eq(actor_kill(a.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&a.log, "-crash +2 -stop +3 -kill ~");
    trace_is(&boss.log, "a:exited1=crash a:started2 a:exited2=requested a:started3 "
                        "a:exited3=killed a:ended");
}
END_TEST

static actor_verdict watch_and_ask(actor *self, probe *p, void *to)
{
    probe_watch(self, p, to);
    probe_ask(self, p, to, probe_value(1), -1);
    return ACTOR_CONTINUE;
}

START_TEST(what_was_promised_with_memory_comes_without)
{
    static probe b = {.name = "b"};
    probe_spawn(sys, &b, NULL);
    ck_assert_int_eq(actor_pause(a.ref), ACTOR_OK);
    probe_now(sys, &b, watch_and_ask, &a);
    trace_is(&b.log, "+1");
    memory(false);
    ck_assert_int_eq(actor_kill(a.ref), ACTOR_OK);
    probe_settle(sys);
    ck_assert_ptr_nonnull(strstr(b.log.text, "?ended"));
    ck_assert_ptr_nonnull(strstr(b.log.text, "a>killed"));
    trace_is(&dead, "1=ended");
}
END_TEST

START_TEST(reason_is_lost_before_a_notice_is)
{
    probe_run(&a, probe_crash, "because");
    memory(false);
    probe_settle(sys);
    ck_assert_int_eq(strncmp(boss.log.text, "a:exited1=crash", 15), 0);
}
END_TEST

static void restart(void)
{
    ck_assert_int_eq(actor_halt(a.ref, ACTOR_HOW_STOP), ACTOR_OK);
    ck_assert_int_eq(actor_start(a.ref), ACTOR_OK);
    probe_settle(sys);
}

START_TEST(a_watcher_is_told_of_a_restart_although_there_was_no_memory_at_the_one_before)
{
    static probe b;
    b = (probe){.name = "b"};
    probe_spawn(sys, &b, NULL);
    probe_now(sys, &b, probe_watch_restarts, &a);
    trace_is(&b.log, "+1");
    memory(false);
    restart();
    trace_is(&b.log, "a>again");
    memory(true);
    restart();
    trace_is(&b.log, "a>again");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        no_message_without_memory,
        what_is_freed_while_there_is_no_memory_is_not_had_again,
        each_message_may_be_the_one_for_which_there_is_no_memory,
        payload_that_could_not_be_borrowed_stays_the_callers,
        spawn_without_memory_leaves_the_argument_with_the_caller,
        message_that_was_made_is_sent_without_memory,
        ask_without_memory_leaves_message_with_asker,
        timer_and_watch_need_memory,
        name_needs_memory,
        life_cycle_needs_no_memory,
        what_was_promised_with_memory_comes_without,
        reason_is_lost_before_a_notice_is,
        a_watcher_is_told_of_a_restart_although_there_was_no_memory_at_the_one_before,
        NULL,
    };
    return suite_run("actor_memory", tests, setup, teardown);
}
