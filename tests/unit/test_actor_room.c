/* Backpressure: being told when a full mailbox has room again. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static actor_system *sys;
static trace dead;
static probe boss;
static probe full; /* the target */
static probe producers[40];

static void setup(void)
{
    sys = probe_system(1, &dead);
    boss = (probe){.name = "boss"};
    probe_spawn(sys, &boss, NULL);
    full = (probe){.name = "full"};
    for (size_t i = 0; i < sizeof producers / sizeof *producers; i++)
        producers[i] = (probe){.name = "p"};
}

static void teardown(void)
{
    actor_system_free(sys, 0);
}

/* The target, paused, with `waiting` messages. */
static void fill(uint32_t capacity, actor_on_full on_full, uint64_t waiting)
{
    actor_spec spec = probe_spec(&full, &boss);
    spec.capacity = capacity;
    spec.on_full = on_full;
    probe_create(sys, &full, &spec);
    ck_assert_int_eq(actor_start(full.ref), ACTOR_OK);
    ck_assert_int_eq(actor_pause(full.ref), ACTOR_OK);
    for (uint64_t i = 1; i <= waiting; i++)
        probe_send(&full, i);
    probe_settle(sys);
    trace_is(&full.log, "+1");
}

/* A running producer; under the boss if it is to be restarted. */
static probe *producer(const probe *supervisor)
{
    static size_t next;
    probe *p = &producers[next++];
    probe_spawn(sys, p, supervisor);
    trace_is(&p->log, "+1");
    return p;
}

static void want(const probe *p)
{
    probe_now(sys, p, probe_want_room, &full);
}

static void now(actor_err (*command)(actor_ref), const probe *p)
{
    ck_assert_int_eq(command(p->ref), ACTOR_OK);
    probe_settle(sys);
}

static uint32_t waiting(void)
{
    actor_info info;
    ck_assert_int_eq(actor_inspect(full.ref, &info), ACTOR_OK);
    return info.waiting;
}

/* ---- When ---- */

START_TEST(producer_is_told_once_when_the_mailbox_has_drained)
{
    fill(4, ACTOR_REJECT, 4);
    probe *p = producer(NULL);
    want(p);
    trace_is(&p->log, "");
    now(actor_resume, &full);
    trace_is(&full.log, "1 2 3 4");
    trace_is(&p->log, "full!room");
    probe_send(&full, 5);
    probe_settle(sys);
    trace_is(&p->log, "");
}
END_TEST

static uint32_t seen_waiting;

static actor_verdict look_at_target(actor *self, probe *p, actor_ref target)
{
    (void)self;
    (void)p;
    (void)target;
    seen_waiting = waiting();
    return ACTOR_CONTINUE;
}

static actor_verdict yield_after_each(actor *self, probe *p, uint64_t value)
{
    (void)p;
    (void)value;
    actor_pause(actor_self(self));
    return ACTOR_CONTINUE;
}

START_TEST(producer_is_told_at_half_the_capacity_not_before)
{
    fill(8, ACTOR_REJECT, 8);
    full.on_value = yield_after_each; /* one message at a time */
    probe *p = producer(NULL);
    p->on_room = look_at_target;
    want(p);
    for (uint32_t left = 7; left > 4; left--) {
        now(actor_resume, &full);
        ck_assert_uint_eq(waiting(), left);
        trace_is(&p->log, "");
    }
    now(actor_resume, &full);
    trace_is(&p->log, "full!room");
    ck_assert_uint_eq(seen_waiting, 4);
}
END_TEST

START_TEST(mailbox_of_one_has_room_when_it_is_empty)
{
    fill(1, ACTOR_REJECT, 1);
    probe *p = producer(NULL);
    want(p);
    trace_is(&p->log, "");
    now(actor_resume, &full);
    trace_is(&p->log, "full!room");
}
END_TEST

START_TEST(who_asks_after_the_mailbox_drained_is_told_at_once)
{
    fill(4, ACTOR_REJECT, 4);
    probe *p = producer(NULL);
    actor_msg *msg = probe_value(5);
    ck_assert_int_eq(actor_send(full.ref, &msg), ACTOR_EFULL);
    actor_msg_free(msg);
    now(actor_resume, &full);
    trace_is(&full.log, "1 2 3 4");
    want(p);
    trace_is(&p->log, "full!room");
}
END_TEST

START_TEST(unbounded_mailbox_has_room_at_once)
{
    fill(0, ACTOR_REJECT, 100);
    probe *p = producer(NULL);
    want(p);
    trace_is(&p->log, "full!room");
}
END_TEST

START_TEST(mailboxes_that_drop_tell_of_room_too)
{
    static const actor_on_full policies[] = {ACTOR_DROP_NEWEST, ACTOR_DROP_OLDEST};
    for (size_t i = 0; i < 2; i++) {
        full = (probe){.name = "full"};
        fill(4, policies[i], 4);
        probe *p = producer(NULL);
        want(p);
        trace_is(&p->log, "");
        now(actor_resume, &full);
        trace_is(&full.log, "1 2 3 4");
        trace_is(&p->log, "full!room");
        now(actor_kill, &full);
    }
}
END_TEST

START_TEST(purge_makes_room)
{
    static const actor_on_full policies[] = {ACTOR_REJECT, ACTOR_DROP_NEWEST, ACTOR_DROP_OLDEST};
    for (size_t i = 0; i < 3; i++) {
        full = (probe){.name = "full"};
        fill(2, policies[i], 2);
        probe *p = producer(NULL);
        want(p);
        now(actor_purge, &full); /* and it is paused still */
        trace_is(&p->log, "full!room");
        now(actor_kill, &full);
    }
}
END_TEST

START_TEST(asking_oneself_works)
{
    static probe p = {.name = "p"};
    actor_spec spec = probe_spec(&p, NULL);
    spec.capacity = 1;
    probe_create(sys, &p, &spec);
    probe_settle(sys);
    probe_now(sys, &p, probe_want_room, &p);
    trace_is(&p.log, "+1 p!room");
}
END_TEST

/* ---- How often ---- */

START_TEST(each_request_is_told_once)
{
    fill(4, ACTOR_REJECT, 4);
    probe *p = producer(NULL);
    want(p);
    want(p);
    now(actor_resume, &full);
    trace_is(&p->log, "full!room full!room");
}
END_TEST

static actor_verdict send_again(actor *self, probe *p, actor_ref target)
{
    actor_msg *msg = probe_value(7);
    actor_err err = actor_tell(self, target, &msg);
    actor_msg_free(msg);
    trace_add(&p->log, err == ACTOR_OK ? "sent" : "refused");
    if (err == ACTOR_EFULL)
        ck_assert_int_eq(actor_want_room(self, target), ACTOR_OK);
    return ACTOR_CONTINUE;
}

START_TEST(waiting_producers_are_told_in_order_as_room_allows)
{
    fill(2, ACTOR_REJECT, 2);
    full.on_value = yield_after_each;
    probe *waiters[5];
    for (size_t i = 0; i < 5; i++) {
        waiters[i] = producer(NULL);
        waiters[i]->on_room = send_again;
        want(waiters[i]);
    }
    for (size_t i = 0; i < 5; i++) { /* one message handled, one place, one producer */
        now(actor_resume, &full);
        trace_is(&waiters[i]->log, "full!room sent");
        for (size_t k = i + 1; k < 5; k++)
            trace_is(&waiters[k]->log, "");
        ck_assert_uint_eq(waiting(), 2);
    }
}
END_TEST

START_TEST(those_told_first_need_not_send_for_the_others_to_be_told)
{
    fill(2, ACTOR_REJECT, 2);
    probe *waiters[15];
    for (size_t i = 0; i < 15; i++) {
        waiters[i] = producer(NULL);
        want(waiters[i]);
    }
    now(actor_resume, &full);
    for (size_t i = 0; i < 15; i++)
        trace_is(&waiters[i]->log, "full!room");
}
END_TEST

/* ---- The end of the one or the other ---- */

START_TEST(waiting_producer_is_told_that_the_target_ended)
{
    static actor_err (*const ways[])(actor_ref) = {actor_stop, actor_kill, actor_drain};
    for (size_t i = 0; i < 3; i++) {
        full = (probe){.name = "full"};
        fill(1, ACTOR_REJECT, 1);
        probe *p = producer(NULL);
        want(p);
        now(ways[i], &full);
        if (ways[i] == actor_drain) {
            trace_is(&p->log, ""); /* it is paused */
            now(actor_resume, &full);
        }
        trace_is(&p->log, "full!ended");
    }
}
END_TEST

START_TEST(target_that_is_gone_has_ended)
{
    fill(1, ACTOR_REJECT, 0);
    probe *p = producer(NULL);
    now(actor_kill, &full);
    want(p);
    trace_is(&p->log, "full!ended");
}
END_TEST

START_TEST(restart_of_the_target_keeps_the_producers_waiting)
{
    fill(2, ACTOR_REJECT, 2);
    probe *p = producer(NULL);
    want(p);
    ck_assert_int_eq(actor_halt(full.ref, ACTOR_HOW_STOP), ACTOR_OK);
    probe_settle(sys);
    now(actor_resume, &full);
    trace_is(&p->log, "");
    now(actor_start, &full);
    trace_is(&p->log, "full!room");
}
END_TEST

START_TEST(restarted_producer_is_not_told_what_its_predecessor_asked)
{
    boss.restarts = true;
    fill(2, ACTOR_REJECT, 2);
    probe *p = producer(&boss);
    want(p);
    probe_now(sys, p, probe_crash, NULL);
    trace_is(&p->log, "-crash +2");
    now(actor_resume, &full);
    trace_is(&p->log, "");
}
END_TEST

START_TEST(notice_on_its_way_is_void_after_a_restart)
{
    boss.restarts = true;
    fill(2, ACTOR_REJECT, 0);
    probe *p = producer(&boss);
    now(actor_pause, p);
    probe_run_system(p, probe_want_room, &full);
    probe_run_system(p, probe_crash, NULL);
    probe_settle(sys);
    ck_assert_ptr_nonnull(strstr(p->log.text, "-crash +2"));
    ck_assert_ptr_null(strstr(p->log.text, "+2 full!room"));
}
END_TEST

START_TEST(producers_that_ended_do_not_use_up_the_room)
{
    fill(2, ACTOR_REJECT, 2);
    full.on_value = yield_after_each;
    for (size_t i = 0; i < 5; i++) {
        probe *p = producer(NULL);
        want(p);
        now(actor_kill, p);
    }
    probe *last = producer(NULL);
    want(last);
    now(actor_resume, &full);
    trace_is(&last->log, "full!room");
}
END_TEST

START_TEST(producers_told_are_those_that_live_after_many_came_and_went)
{
    fill(2, ACTOR_REJECT, 2);
    probe *first = producer(NULL);
    want(first);
    for (size_t i = 0; i < 500; i++) { /* the list is swept on the way */
        probe p = {.name = "p"};
        actor_spec spec = probe_spec(&p, NULL);
        ck_assert_int_eq(actor_spawn(sys, &spec, &p.ref), ACTOR_OK);
        want(&p);
        now(actor_kill, &p);
        ck_assert_uint_eq(p.freed, 1);
    }
    probe *last = producer(NULL);
    want(last);
    now(actor_resume, &full);
    trace_is(&first->log, "full!room");
    trace_is(&last->log, "full!room");
}
END_TEST

START_TEST(system_may_end_while_producers_wait)
{
    fill(2, ACTOR_REJECT, 2);
    for (size_t i = 0; i < 5; i++)
        want(producer(NULL));
}
END_TEST

/* ---- Memory ---- */

static actor_verdict want_without_memory(actor *self, probe *p, void *target)
{
    (void)p;
    actor_sim_fail_allocations(sys, 1000000);
    actor_err err = actor_want_room(self, ((probe *)target)->ref);
    actor_sim_fail_allocations(sys, 0);
    ck_assert_int_eq(err, ACTOR_ENOMEM);
    return ACTOR_CONTINUE;
}

START_TEST(request_without_memory_is_refused_and_forgotten)
{
    fill(2, ACTOR_REJECT, 2);
    probe *p = producer(NULL);
    probe_now(sys, p, want_without_memory, &full);
    now(actor_resume, &full);
    trace_is(&p->log, "");
}
END_TEST

START_TEST(telling_needs_no_memory)
{
    fill(2, ACTOR_REJECT, 2);
    probe *p = producer(NULL), *q = producer(NULL);
    want(p);
    actor_sim_fail_allocations(sys, 1000000);
    now(actor_resume, &full);
    trace_is(&p->log, "full!room");
    actor_sim_fail_allocations(sys, 0);
    now(actor_pause, &full);
    probe_send(&full, 3);
    probe_send(&full, 4);
    want(q);
    actor_sim_fail_allocations(sys, 1000000);
    now(actor_stop, &full);
    actor_sim_fail_allocations(sys, 0);
    trace_is(&q->log, "full!ended");
}
END_TEST

/* ---- The pattern of actor.h: hold back, and go on ---- */

static actor_verdict pass_on(actor *self, probe *p, uint64_t value)
{
    (void)value;
    actor_err err = actor_tell(self, full.ref, &p->msg);
    if (err == ACTOR_EFULL) {
        actor_return(self, &p->msg);
        actor_intake(self, false);
        ck_assert_int_eq(actor_want_room(self, full.ref), ACTOR_OK);
    }
    return ACTOR_CONTINUE;
}

static actor_verdict go_on(actor *self, probe *p, actor_ref target)
{
    (void)p;
    (void)target;
    actor_intake(self, true);
    return ACTOR_CONTINUE;
}

START_TEST(actor_that_passes_on_holds_back_while_the_next_one_is_full)
{
    fill(3, ACTOR_REJECT, 0);
    probe *p = producer(NULL);
    p->on_value = pass_on;
    p->on_room = go_on;
    for (uint64_t i = 1; i <= 20; i++)
        probe_send(p, i);
    probe_settle(sys);
    trace_is(&p->log, "1 2 3 4");
    now(actor_resume, &full);
    trace_is(&full.log, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
    trace_is(&dead, "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        producer_is_told_once_when_the_mailbox_has_drained,
        producer_is_told_at_half_the_capacity_not_before,
        mailbox_of_one_has_room_when_it_is_empty,
        who_asks_after_the_mailbox_drained_is_told_at_once,
        unbounded_mailbox_has_room_at_once,
        mailboxes_that_drop_tell_of_room_too,
        purge_makes_room,
        asking_oneself_works,
        each_request_is_told_once,
        waiting_producers_are_told_in_order_as_room_allows,
        those_told_first_need_not_send_for_the_others_to_be_told,
        waiting_producer_is_told_that_the_target_ended,
        target_that_is_gone_has_ended,
        restart_of_the_target_keeps_the_producers_waiting,
        restarted_producer_is_not_told_what_its_predecessor_asked,
        notice_on_its_way_is_void_after_a_restart,
        producers_that_ended_do_not_use_up_the_room,
        producers_told_are_those_that_live_after_many_came_and_went,
        system_may_end_while_producers_wait,
        request_without_memory_is_refused_and_forgotten,
        telling_needs_no_memory,
        actor_that_passes_on_holds_back_while_the_next_one_is_full,
        NULL,
    };
    return suite_run("actor_room", tests, setup, teardown);
}
