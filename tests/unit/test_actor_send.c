/* Sending: order, priorities, references that went stale, dead letters. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static actor_system *sys;
static trace dead;
static probe boss; /* a supervisor, so that children can be down and their mailboxes wait */

static void setup(void)
{
    sys = probe_system(1, &dead);
    boss = (probe){.name = "boss"};
    probe_spawn(sys, &boss, NULL);
}

static void teardown(void)
{
    actor_system_free(sys, 0);
}

static void spawn_down(probe *p, uint32_t capacity, actor_on_full on_full)
{
    actor_spec spec = probe_spec(p, &boss);
    spec.capacity = capacity;
    spec.on_full = on_full;
    probe_create(sys, p, &spec);
}

static void start(const probe *p)
{
    ck_assert_int_eq(actor_start(p->ref), ACTOR_OK);
    probe_settle(sys);
}

/* ---- Order ---- */

START_TEST(messages_of_one_sender_arrive_in_order)
{
    static probe a = {.name = "a"};
    probe_spawn(sys, &a, NULL);
    for (uint64_t i = 1; i <= 300; i++)
        probe_send(&a, i);
    a.log.text[0] = '\0';
    probe_settle(sys);
    trace expected = {""};
    for (unsigned i = 1; i <= 300; i++)
        trace_add(&expected, "%u", i);
    ck_assert_str_eq(a.log.text, expected.text);
}
END_TEST

static actor_verdict tell_three(actor *self, probe *p, void *to)
{
    static uint64_t next = 100;
    for (int i = 0; i < 3; i++) {
        actor_msg *msg = probe_value(next++);
        ck_assert_int_eq(actor_tell(self, ((probe *)to)->ref, &msg), ACTOR_OK);
    }
    (void)p;
    return ACTOR_CONTINUE;
}

START_TEST(messages_told_by_an_actor_arrive_in_order_over_several_turns)
{
    static probe a = {.name = "a"}, b = {.name = "b"};
    probe_spawn(sys, &a, NULL);
    probe_spawn(sys, &b, NULL);
    for (int i = 0; i < 3; i++)
        probe_run(&a, tell_three, &b);
    probe_settle(sys);
    trace_is(&b.log, "+1 100 101 102 103 104 105 106 107 108");
}
END_TEST

START_TEST(higher_priorities_are_handled_first_and_fifo_within)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 0, ACTOR_REJECT);
    for (uint64_t round = 0; round < 2; round++)
        for (int p = ACTOR_LOW; p <= ACTOR_SYSTEM; p++)
            probe_send_as(&a, (uint64_t)p * 10 + round, (actor_priority)p);
    start(&a);
    trace_is(&a.log, "+1 40 41 30 31 20 21 10 11 0 1");
}
END_TEST

START_TEST(message_to_oneself_is_handled_after_the_one_in_hand)
{
    static probe a = {.name = "a"};
    probe_spawn(sys, &a, NULL);
    probe_run(&a, tell_three, &a);
    probe_send(&a, 1);
    probe_settle(sys);
    trace_is(&a.log, "+1 1 100 101 102");
}
END_TEST

/* ---- References ---- */

START_TEST(no_reference_is_not_found)
{
    actor_msg *msg = probe_value(1);
    ck_assert_int_eq(actor_send(ACTOR_NONE, &msg), ACTOR_ENOTFOUND);
    ck_assert_ptr_nonnull(msg);
    static const uint64_t wild[] = {1, 0xffffffffu, UINT64_MAX, 0x8000000000000000u, 1u << 24};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++)
        if (wild[i] != boss.ref.bits)
            ck_assert_int_eq(actor_send((actor_ref){wild[i]}, &msg), ACTOR_ENOTFOUND);
    actor_msg_free(msg);
}
END_TEST

START_TEST(stale_reference_is_not_found_by_any_function)
{
    static probe a = {.name = "a"};
    actor_info info;
    probe_spawn(sys, &a, NULL);
    ck_assert_int_eq(actor_stop(a.ref), ACTOR_OK);
    probe_settle(sys);
    actor_msg *msg = probe_value(1), *same = msg;
    ck_assert_int_eq(actor_send(a.ref, &msg), ACTOR_ENOTFOUND);
    ck_assert_ptr_eq(msg, same);
    actor_msg_free(msg);
    ck_assert_int_eq(actor_start(a.ref), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_halt(a.ref, ACTOR_HOW_STOP), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_stop(a.ref), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_kill(a.ref), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_drain(a.ref), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_pause(a.ref), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_resume(a.ref), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_purge(a.ref), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_inspect(a.ref, &info), ACTOR_ENOTFOUND);
    ck_assert_int_eq(actor_register(sys, "a", a.ref), ACTOR_ENOTFOUND);
    trace_is(&dead, "");
}
END_TEST

START_TEST(reference_never_leads_to_a_later_actor)
{
    enum { GENERATIONS = 2000 };
    static actor_ref old[GENERATIONS];
    actor_msg *msg = probe_value(1);
    for (size_t i = 0; i < GENERATIONS; i++) {
        probe a = {.name = "a"};
        actor_spec spec = probe_spec(&a, NULL);
        ck_assert_int_eq(actor_spawn(sys, &spec, &old[i]), ACTOR_OK);
        ck_assert(!actor_ref_none(old[i]));
        probe_settle(sys);
        for (size_t k = i > 20 ? i - 20 : 0; k < i; k++) {
            ck_assert(!actor_ref_eq(old[k], old[i]));
            ck_assert_int_eq(actor_send(old[k], &msg), ACTOR_ENOTFOUND);
        }
        ck_assert_int_eq(actor_kill(old[i]), ACTOR_OK);
        probe_settle(sys);
        trace_is(&a.log, "+1 -kill ~");
    }
    for (size_t i = 0; i < GENERATIONS; i++)
        ck_assert_int_eq(actor_send(old[i], &msg), ACTOR_ENOTFOUND);
    actor_msg_free(msg);
    actor_system_stats stats;
    actor_system_stats_get(sys, &stats);
    ck_assert_uint_eq(stats.actors, 1); /* the boss */
}
END_TEST

START_TEST(references_of_living_actors_differ)
{
    enum { N = 300 };
    static probe many[N];
    for (size_t i = 0; i < N; i++) {
        many[i] = (probe){.name = "many"};
        actor_spec spec = probe_spec(&many[i], NULL);
        ck_assert_int_eq(actor_spawn(sys, &spec, &many[i].ref), ACTOR_OK);
        for (size_t k = 0; k < i; k++)
            ck_assert(!actor_ref_eq(many[i].ref, many[k].ref));
    }
    for (size_t i = 0; i < N; i++)
        probe_send(&many[i], i);
    probe_settle(sys);
    for (size_t i = 0; i < N; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "+1 %zu", i);
        trace_is(&many[i].log, expected);
    }
}
END_TEST

/* ---- Dead letters ---- */

START_TEST(messages_left_at_a_stop_are_dead_letters_in_order)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 0, ACTOR_REJECT);
    for (uint64_t i = 1; i <= 3; i++)
        probe_send(&a, i);
    ck_assert_int_eq(actor_stop(a.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&dead, "1=ended 2=ended 3=ended");
    trace_is(&a.log, "~");
}
END_TEST

START_TEST(purged_messages_are_dead_letters_and_later_ones_are_not)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 3, ACTOR_REJECT);
    for (uint64_t i = 1; i <= 3; i++)
        probe_send(&a, i);
    probe_send_as(&a, 4, ACTOR_SYSTEM);
    ck_assert_int_eq(actor_purge(a.ref), ACTOR_OK);
    probe_settle(sys);
    trace_is(&dead, "1=purged 2=purged 3=purged");
    probe_send(&a, 5);
    start(&a);
    trace_is(&a.log, "+1 4 5");
    trace_is(&dead, "");
}
END_TEST

static actor_verdict fail_seven(actor *self, probe *p, uint64_t value)
{
    (void)p;
    return value == 7 ? actor_fail(self, ACTOR_FAIL_MESSAGE, "seven") : ACTOR_CONTINUE;
}

START_TEST(failed_message_is_a_dead_letter_and_the_state_is_kept)
{
    static probe a = {.name = "a", .on_value = fail_seven};
    probe_spawn(sys, &a, NULL);
    for (uint64_t i = 6; i <= 8; i++)
        probe_send(&a, i);
    probe_settle(sys);
    trace_is(&a.log, "+1 6 7 8");
    trace_is(&dead, "7=failed");
}
END_TEST

static actor_msg *rescued;

static void rescue(void *user, actor_ref to, actor_msg **msg, actor_err why)
{
    (void)user;
    (void)to;
    ck_assert_int_eq(why, ACTOR_EFAILED);
    rescued = *msg;
    *msg = NULL;
}

START_TEST(dead_letter_hook_may_keep_the_message)
{
    actor_system_options options = {.simulate = true, .dead_letter = rescue};
    actor_system *own;
    static probe a = {.name = "a", .on_value = fail_seven};
    ck_assert_int_eq(actor_system_new(&options, &own), ACTOR_OK);
    probe_spawn(own, &a, NULL);
    probe_send(&a, 7);
    probe_settle(own);
    ck_assert_ptr_nonnull(rescued);
    ck_assert_int_eq(actor_send(a.ref, &rescued), ACTOR_OK); /* once more */
    ck_assert_ptr_null(rescued);
    probe_settle(own);
    trace_is(&a.log, "+1 7 7");
    actor_system_free(own, 0);
    actor_msg_free(rescued);
}
END_TEST

START_TEST(dead_letters_are_counted_without_a_hook)
{
    actor_system_options options = {.simulate = true};
    actor_system *own;
    actor_system_stats stats;
    static probe a = {.name = "a", .on_value = fail_seven};
    ck_assert_int_eq(actor_system_new(&options, &own), ACTOR_OK);
    probe_spawn(own, &a, NULL);
    probe_send(&a, 7);
    probe_send(&a, 7);
    probe_settle(own);
    actor_system_stats_get(own, &stats);
    ck_assert_uint_eq(stats.dead_letters, 2);
    actor_system_free(own, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        messages_of_one_sender_arrive_in_order,
        messages_told_by_an_actor_arrive_in_order_over_several_turns,
        higher_priorities_are_handled_first_and_fifo_within,
        message_to_oneself_is_handled_after_the_one_in_hand,
        no_reference_is_not_found,
        stale_reference_is_not_found_by_any_function,
        reference_never_leads_to_a_later_actor,
        references_of_living_actors_differ,
        messages_left_at_a_stop_are_dead_letters_in_order,
        purged_messages_are_dead_letters_and_later_ones_are_not,
        failed_message_is_a_dead_letter_and_the_state_is_kept,
        dead_letter_hook_may_keep_the_message,
        dead_letters_are_counted_without_a_hook,
        NULL,
    };
    return suite_run("actor_send", tests, setup, teardown);
}
