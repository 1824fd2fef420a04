/* Bounded mailboxes: who is refused, and what is dropped. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

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

START_TEST(full_mailbox_leaves_message_with_sender)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 2, ACTOR_REJECT);
    probe_send(&a, 1);
    probe_send(&a, 2);
    actor_msg *msg = probe_value(3), *same = msg;
    ck_assert_int_eq(actor_send(a.ref, &msg), ACTOR_EFULL);
    ck_assert_ptr_eq(msg, same);
    uint64_t value;
    memcpy(&value, actor_msg_data(msg), sizeof value);
    ck_assert_uint_eq(value, 3);
    start(&a);
    trace_is(&a.log, "+1 1 2");
    trace_is(&dead, "");
    ck_assert_int_eq(actor_send(a.ref, &msg), ACTOR_OK); /* there is room again */
    probe_settle(sys);
    trace_is(&a.log, "3");
}
END_TEST

static actor_verdict pass_on(actor *self, probe *p, void *to)
{
    actor_ref sender = actor_msg_sender(p->msg);
    ck_assert(!actor_ref_eq(sender, actor_self(self)));
    ck_assert_int_eq(actor_tell(self, ((probe *)to)->ref, &p->msg), ACTOR_EFULL);
    ck_assert(actor_ref_eq(actor_msg_sender(p->msg), sender));
    p->msg = NULL; /* so that LeakSanitizer sees whether it is freed */
    return ACTOR_CONTINUE;
}

static actor_verdict tell_to_pass_on(actor *self, probe *p, void *pair)
{
    probe **between = pair;
    actor_msg *msg = probe_do(pass_on, between[1]);
    (void)p;
    ck_assert_int_eq(actor_tell(self, between[0]->ref, &msg), ACTOR_OK);
    return ACTOR_CONTINUE;
}

START_TEST(full_mailbox_leaves_message_as_it_was)
{
    static probe a = {.name = "a"}, b = {.name = "b"}, c = {.name = "c"};
    probe *pair[] = {&b, &c};
    probe_spawn(sys, &a, NULL);
    probe_spawn(sys, &b, NULL);
    spawn_down(&c, 1, ACTOR_REJECT);
    probe_send(&c, 1);
    probe_now(sys, &a, tell_to_pass_on, pair);
    trace_is(&dead, "");
}
END_TEST

START_TEST(every_handled_message_makes_room_for_one)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 3, ACTOR_REJECT);
    start(&a);
    for (uint64_t round = 0; round < 50; round++) {
        for (uint64_t i = 0; i < 3; i++)
            probe_send(&a, i);
        actor_msg *msg = probe_value(9);
        ck_assert_int_eq(actor_send(a.ref, &msg), ACTOR_EFULL);
        actor_msg_free(msg);
        probe_settle(sys);
    }
}
END_TEST

START_TEST(system_messages_bypass_the_capacity)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 1, ACTOR_REJECT);
    probe_send(&a, 1);
    for (uint64_t i = 2; i < 5; i++)
        probe_send_as(&a, i, ACTOR_SYSTEM);
    start(&a);
    trace_is(&a.log, "+1 2 3 4 1");
    probe_send(&a, 5); /* they took no room for ever */
    probe_settle(sys);
    trace_is(&a.log, "5");
}
END_TEST

START_TEST(critical_messages_do_not_bypass_the_capacity)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 1, ACTOR_REJECT);
    probe_send(&a, 1);
    actor_msg *msg = probe_value(2);
    actor_msg_set_priority(msg, ACTOR_CRITICAL);
    ck_assert_int_eq(actor_send(a.ref, &msg), ACTOR_EFULL);
    actor_msg_free(msg);
}
END_TEST

START_TEST(drop_newest_keeps_what_waits)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 2, ACTOR_DROP_NEWEST);
    for (uint64_t i = 1; i <= 4; i++)
        probe_send(&a, i);
    trace_is(&dead, "3=full 4=full");
    start(&a);
    trace_is(&a.log, "+1 1 2");
}
END_TEST

START_TEST(drop_oldest_keeps_what_came_last)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 2, ACTOR_DROP_OLDEST);
    for (uint64_t i = 1; i <= 4; i++)
        probe_send(&a, i);
    trace_is(&dead, "1=full 2=full");
    start(&a);
    trace_is(&a.log, "+1 3 4");
    probe_send(&a, 5);
    probe_send(&a, 6);
    probe_settle(sys);
    trace_is(&a.log, "5 6");
    trace_is(&dead, "");
}
END_TEST

START_TEST(drop_oldest_never_drops_a_system_message)
{
    static probe a = {.name = "a"};
    spawn_down(&a, 1, ACTOR_DROP_OLDEST);
    probe_send_as(&a, 1, ACTOR_SYSTEM);
    probe_send(&a, 2);
    probe_send(&a, 3);
    trace_is(&dead, "2=full");
    start(&a);
    trace_is(&a.log, "+1 1 3");
}
END_TEST

static actor_verdict ask_one(actor *self, probe *p, void *to)
{
    probe_ask(self, p, to, probe_value(1), -1);
    return ACTOR_CONTINUE;
}

START_TEST(dropped_ask_ends_at_the_asker)
{
    static const actor_on_full policies[] = {ACTOR_DROP_NEWEST, ACTOR_DROP_OLDEST};
    for (size_t i = 0; i < 2; i++) {
        probe a = {.name = "a"}, b = {.name = "b"};
        probe_spawn(sys, &a, NULL);
        spawn_down(&b, 1, policies[i]);
        if (policies[i] == ACTOR_DROP_NEWEST)
            probe_send(&b, 2);
        probe_now(sys, &a, ask_one, &b);
        if (policies[i] == ACTOR_DROP_OLDEST)
            probe_send(&b, 2);
        probe_settle(sys);
        trace_is(&a.log, "+1 ?ended");
        trace_is(&dead, "1=full");
        actor_kill(a.ref);
        actor_kill(b.ref);
        probe_settle(sys);
        dead.text[0] = '\0';
    }
}
END_TEST

/* While it still stops. */
START_TEST(message_to_an_actor_that_stops_is_a_dead_letter_at_once)
{
    static const actor_on_full policies[] = {ACTOR_REJECT, ACTOR_DROP_NEWEST, ACTOR_DROP_OLDEST};
    static probe a = {.name = "a"}, stopping[3];
    probe_spawn(sys, &a, NULL);
    trace_is(&a.log, "+1");
    for (size_t i = 0; i < 3; i++) {
        probe *b = &stopping[i];
        *b = (probe){.name = "b", .on_stop = ACTOR_PENDING};
        spawn_down(b, 1, policies[i]);
        start(b);
        ck_assert_int_eq(actor_stop(b->ref), ACTOR_OK);
        probe_settle(sys);
        trace_is(&b->log, "+1 -stop");
        probe_now(sys, &a, ask_one, b);
        trace_is(&a.log, "?ended");
        trace_is(&dead, "1=ended");
        probe_run_system(b, probe_stopped, NULL);
        probe_settle(sys);
        trace_is(&b->log, "~");
    }
}
END_TEST

static actor_verdict never(actor *self, void *state, actor_err how, actor_msg *reply, void *arg)
{
    (void)self;
    (void)state;
    (void)how;
    (void)reply;
    (void)arg;
    ck_abort_msg("continued though the ask was refused");
    return ACTOR_CONTINUE;
}

static actor_verdict ask_full(actor *self, probe *p, void *to)
{
    actor_msg *msg = probe_value(1), *same = msg;
    ck_assert_int_eq(actor_ask(self, ((probe *)to)->ref, &msg, -1, never, p, &p->ask), ACTOR_EFULL);
    ck_assert_ptr_eq(msg, same);
    ck_assert(!actor_msg_is_ask(msg));
    actor_msg_free(msg);
    return ACTOR_CONTINUE;
}

START_TEST(refused_ask_leaves_message_with_asker)
{
    static probe a = {.name = "a"}, b = {.name = "b"};
    probe_spawn(sys, &a, NULL);
    spawn_down(&b, 1, ACTOR_REJECT);
    probe_send(&b, 2);
    probe_now(sys, &a, ask_full, &b);
    trace_is(&a.log, "+1");
}
END_TEST

START_TEST(inspect_counts_what_waits_in_a_bounded_mailbox)
{
    static probe a = {.name = "a"};
    actor_info info;
    spawn_down(&a, 5, ACTOR_REJECT);
    for (uint64_t i = 0; i < 3; i++)
        probe_send(&a, i);
    ck_assert_int_eq(actor_inspect(a.ref, &info), ACTOR_OK);
    ck_assert_uint_eq(info.waiting, 3);
    ck_assert_uint_eq(info.capacity, 5);
    ck_assert_uint_eq(info.handled, 0);
    ck_assert_uint_eq(info.incarnation, 0);
    ck_assert_int_eq(info.phase, ACTOR_PHASE_DOWN);
    start(&a);
    ck_assert_int_eq(actor_inspect(a.ref, &info), ACTOR_OK);
    ck_assert_uint_eq(info.waiting, 0);
    ck_assert_uint_eq(info.handled, 3);
    ck_assert_uint_eq(info.incarnation, 1);
    ck_assert_int_eq(info.phase, ACTOR_PHASE_RUNNING);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        full_mailbox_leaves_message_with_sender,
        full_mailbox_leaves_message_as_it_was,
        every_handled_message_makes_room_for_one,
        system_messages_bypass_the_capacity,
        critical_messages_do_not_bypass_the_capacity,
        drop_newest_keeps_what_waits,
        drop_oldest_keeps_what_came_last,
        drop_oldest_never_drops_a_system_message,
        dropped_ask_ends_at_the_asker,
        message_to_an_actor_that_stops_is_a_dead_letter_at_once,
        refused_ask_leaves_message_with_asker,
        inspect_counts_what_waits_in_a_bounded_mailbox,
        NULL,
    };
    return suite_run("actor_full", tests, setup, teardown);
}
