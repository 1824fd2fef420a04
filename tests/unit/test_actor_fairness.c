/* Nobody starves. What is bounded is counted in messages handled meanwhile, not in time; where
 * there is one worker it is exact. */
#include "tests/support/latch.h"
#include "tests/support/suite.h"

#include "libactor/actor.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 10 };
enum { GO = 1, MORE, MARK };

static actor_system *sys;
static latch done = LATCH_INIT;
static atomic_bool over;    /* those that are busy for ever stop */
static atomic_ulong worked; /* messages of those */

static void open_with(const actor_system_options *options)
{
    atomic_store(&over, false);
    atomic_store(&worked, 0);
    ck_assert_int_eq(actor_system_new(options, &sys), ACTOR_OK);
}

static void open_system(unsigned workers)
{
    open_with(&(actor_system_options){.workers = workers, .batch = BATCH});
}

static void close_system(void)
{
    atomic_store(&over, true);
    actor_system_free(sys, 20000);
}

static actor_ref spawn_as(const actor_behaviour *behaviour, void *arg, bool high)
{
    actor_spec spec = {.behaviour = behaviour, .arg = arg, .high_priority = high};
    actor_ref ref;
    ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    return ref;
}

static actor_ref spawn(const actor_behaviour *behaviour, void *arg)
{
    return spawn_as(behaviour, arg, false);
}

static void send(actor_ref to, uint16_t type)
{
    actor_msg *msg = actor_msg_new(type, 0);
    ck_assert_ptr_nonnull(msg);
    ck_assert_int_eq(actor_send(to, &msg), ACTOR_OK);
}

/* From a handler. */
static void tell(actor *self, actor_ref to, uint16_t type, actor_priority priority)
{
    actor_msg *msg = actor_msg_new(type, 0);
    if (!msg)
        abort();
    actor_msg_set_priority(msg, priority);
    if (actor_tell(self, to, &msg) != ACTOR_OK)
        actor_msg_free(msg);
}

static void again(actor *self)
{
    atomic_fetch_add(&worked, 1);
    if (!atomic_load(&over))
        tell(self, actor_self(self), MORE, ACTOR_NORMAL);
}

/* ---- Waiting for a turn ---- */

/* Marks how much was worked when it gets its turn. */
typedef struct waiter {
    unsigned long since, waited;
} waiter;

static actor_verdict have_turn(actor *self, void *state, actor_msg *msg)
{
    waiter *w = actor_self_arg(self);
    (void)state;
    (void)msg;
    w->waited = atomic_load(&worked) - w->since;
    latch_add(&done, 1);
    return ACTOR_CONTINUE;
}

static const actor_behaviour waiting = {.name = "waiter", .handle = have_turn};

static actor_ref to_wait;
static waiter the_waiter;

/* Let the waiter be ready from now on. */
static void begin_waiting(actor *self)
{
    the_waiter.since = atomic_load(&worked);
    tell(self, to_wait, MARK, ACTOR_NORMAL);
}

static actor_verdict never_idle(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    if (actor_msg_type(msg) == GO) {
        tell(self, actor_self(self), MORE, ACTOR_NORMAL);
        tell(self, actor_self(self), MORE, ACTOR_NORMAL);
        begin_waiting(self);
    } else {
        again(self);
    }
    return ACTOR_CONTINUE;
}

static const actor_behaviour busy = {.name = "busy", .handle = never_idle};

/* How much others work before the waiter has its turn, with one worker. `go` begins it. */
static unsigned long wait_for_turn(const actor_behaviour *go)
{
    open_system(1);
    to_wait = spawn(&waiting, &the_waiter);
    send(spawn(go, NULL), GO);
    ck_assert(latch_wait(&done, 1));
    unsigned long waited = the_waiter.waited;
    close_system();
    return waited;
}

START_TEST(actor_with_a_never_empty_mailbox_lets_others_in_after_a_batch)
{
    ck_assert_uint_le(wait_for_turn(&busy), BATCH);
}
END_TEST

static actor_ref pair[2];

static actor_verdict play(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    (void)msg;
    atomic_fetch_add(&worked, 1);
    if (!atomic_load(&over))
        tell(self, pair[actor_ref_eq(pair[0], actor_self(self))], MORE, ACTOR_NORMAL);
    return ACTOR_CONTINUE;
}

static const actor_behaviour player = {.name = "player", .handle = play};

static actor_verdict begin_to_play(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    (void)msg;
    for (int i = 0; i < 2; i++) {
        actor_spec spec = {.behaviour = &player};
        if (actor_spawn(actor_self_system(self), &spec, &pair[i]) != ACTOR_OK)
            abort();
    }
    begin_waiting(self);
    tell(self, pair[0], MORE, ACTOR_NORMAL);
    return ACTOR_CONTINUE;
}

START_TEST(pair_that_wakes_each_other_for_ever_lets_others_in)
{
    static const actor_behaviour starter = {.name = "starter", .handle = begin_to_play};
    ck_assert_uint_le(wait_for_turn(&starter), 20UL * BATCH);
}
END_TEST

static actor_verdict beget(actor *self, void *state, void *arg);
static actor_verdict ignore(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return ACTOR_CONTINUE;
}

static const actor_behaviour chain = {.name = "chain", .start = beget, .handle = ignore};

/* Each spawns the next one and ends. */
static actor_verdict beget(actor *self, void *state, void *arg)
{
    actor_spec spec = {.behaviour = &chain};
    actor_ref next;
    (void)state;
    (void)arg;
    atomic_fetch_add(&worked, 1);
    if (!atomic_load(&over))
        (void)actor_spawn(actor_self_system(self), &spec, &next);
    return ACTOR_EXIT;
}

static actor_verdict begin_to_beget(actor *self, void *state, actor_msg *msg)
{
    (void)msg;
    begin_waiting(self);
    (void)beget(self, state, NULL);
    return ACTOR_CONTINUE;
}

START_TEST(chain_of_spawns_for_ever_lets_others_in)
{
    static const actor_behaviour starter = {.name = "starter", .handle = begin_to_beget};
    ck_assert_uint_le(wait_for_turn(&starter), 20UL * BATCH);
}
END_TEST

/* ---- Priorities ---- */

static unsigned long at_high, when_high;

static actor_verdict note_high(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    if (actor_msg_type(msg) == GO) {
        for (int i = 0; i < 100 * BATCH; i++)
            tell(self, actor_self(self), MORE, ACTOR_NORMAL);
    } else if (actor_msg_type(msg) == MARK) {
        when_high = atomic_load(&worked);
        latch_add(&done, 1);
    } else if (atomic_fetch_add(&worked, 1) == 33) {
        at_high = 34;
        tell(self, actor_self(self), MARK, ACTOR_HIGH);
    }
    return ACTOR_CONTINUE;
}

/* ---- Actors of high priority ---- */

enum { QUEUE = 50, TIMES = 100, SEEDS = 200 };

/* Messages that each worker's busy actors handled. */
static _Thread_local unsigned mine; /* 0: none yet */
static atomic_uint threads;
static atomic_ulong by_thread[16];

static unsigned my_number(void)
{
    if (mine == 0)
        mine = atomic_fetch_add(&threads, 1) % 15 + 1;
    return mine;
}

enum { WAKE = 10 };

static actor_ref important;
static unsigned long at_wake[16]; /* by_thread, just after the important one was woken */
static unsigned long at_turn;     /* the same of the worker that ran it, then */
static unsigned turn_of;

static void wake_important(void)
{
    send(important, MARK);
    for (int i = 0; i < 16; i++)
        at_wake[i] = atomic_load(&by_thread[i]);
    latch_add(&done, 1);
}

static actor_verdict keep_busy(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    atomic_fetch_add(&by_thread[my_number()], 1);
    if (actor_msg_type(msg) == WAKE)
        wake_important();
    else
        again(self);
    return ACTOR_CONTINUE;
}

static actor_verdict note_turn(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    turn_of = my_number();
    at_turn = atomic_load(&by_thread[turn_of]);
    latch_add(&done, 1);
    return ACTOR_CONTINUE;
}

static const actor_behaviour drudge = {.name = "drudge", .handle = keep_busy};
static const actor_behaviour vip = {.name = "vip", .handle = note_turn};

static actor_ref crowd_and_important(void)
{
    actor_ref one = ACTOR_NONE;
    for (int i = 0; i < QUEUE; i++)
        send(one = spawn(&drudge, NULL), MORE);
    important = spawn_as(&vip, NULL, true);
    return one;
}

/* The important one has left the hands of the worker that ran it. Before that a message to it does
 * not wake it: it comes to its turn when that worker says so, while the other's count goes on. */
static void wait_until_let_go(void)
{
    while (atomic_load(&by_thread[turn_of]) == at_turn)
        sched_yield();
}

/* How many messages the worker that ran it had handled since it was woken; the most of many. */
static long most_before_its_turn(unsigned workers, bool by_actor)
{
    long most = 0;
    open_system(workers);
    actor_ref one = crowd_and_important();
    for (int i = 0; i < TIMES; i++) {
        uint64_t before = latch_count(&done);
        if (by_actor)
            send(one, WAKE);
        else
            wake_important();
        ck_assert(latch_wait(&done, before + 2));
        wait_until_let_go();
        long n = (long)at_turn - (long)at_wake[turn_of];
        most = n > most ? n : most;
    }
    close_system();
    return most;
}

START_TEST(high_actor_woken_by_another_has_its_turn_after_the_batch_in_hand)
{
    ck_assert_int_le(most_before_its_turn(1, true), BATCH);
}
END_TEST

START_TEST(high_actor_woken_by_one_of_two_workers_has_its_turn_after_a_batch)
{
    ck_assert_int_le(most_before_its_turn(2, true), BATCH);
}
END_TEST

START_TEST(high_actor_woken_by_a_thread_has_its_turn_after_a_batch)
{
    ck_assert_int_le(most_before_its_turn(1, false), BATCH);
    ck_assert_int_le(most_before_its_turn(2, false), BATCH);
}
END_TEST

static void simulate(uint64_t seed)
{
    open_with(&(actor_system_options){.simulate = true, .seed = seed, .batch = BATCH});
}

START_TEST(high_actor_in_the_simulation_is_the_next_one)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        simulate(seed);
        (void)crowd_and_important();
        for (int i = 0; i < TIMES; i++)
            actor_sim_step(sys);
        uint64_t before = latch_count(&done);
        wake_important();
        actor_sim_step(sys);
        ck_assert_uint_eq(latch_count(&done), before + 2);
        close_system();
    }
}
END_TEST

static actor_verdict begin_high_game(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    (void)msg;
    for (int i = 0; i < 2; i++)
        pair[i] = spawn_as(&player, NULL, true);
    begin_waiting(self);
    tell(self, pair[0], MORE, ACTOR_NORMAL);
    tell(self, pair[1], MORE, ACTOR_NORMAL);
    return ACTOR_CONTINUE;
}

static const actor_behaviour high_game = {.name = "starter", .handle = begin_high_game};

/* Of each worker's batches one in nine. */
START_TEST(high_actors_that_wake_each_other_for_ever_let_others_in)
{
    ck_assert_uint_le(wait_for_turn(&high_game), 9UL * BATCH);
}
END_TEST

START_TEST(high_actors_for_ever_let_in_whom_a_thread_wakes)
{
    open_system(1);
    to_wait = spawn(&waiting, &the_waiter);
    send(spawn(&high_game, NULL), GO);
    ck_assert(latch_wait(&done, 1));
    send(spawn(&drudge, NULL), MORE); /* one that fills the turns of the run queue */
    for (uint64_t i = 0; i < TIMES; i++) {
        send(to_wait, MARK);
        ck_assert(latch_wait(&done, 2 + i));
    }
    close_system();
}
END_TEST

/* Of the others the starter may get the first turn, to find that it has nothing more to do. */
START_TEST(high_actors_in_the_simulation_let_others_in)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        simulate(seed);
        to_wait = spawn(&waiting, &the_waiter);
        send(spawn(&high_game, NULL), GO);
        uint64_t before = latch_count(&done);
        for (int i = 0; i < 1 + 2 * 9; i++)
            actor_sim_step(sys);
        ck_assert_uint_eq(latch_count(&done), before + 1);
        close_system();
    }
}
END_TEST

/* ---- Messages of high priority ---- */

START_TEST(message_of_high_priority_is_the_next_one_handled)
{
    static const actor_behaviour b = {.name = "queue", .handle = note_high};
    open_system(1);
    send(spawn(&b, NULL), GO);
    ck_assert(latch_wait(&done, 1));
    close_system();
    ck_assert_uint_eq(when_high, at_high);
}
END_TEST

/* ---- Shares ---- */

enum { CROWD = 10000, ROUNDS = 30 };

static atomic_uint shares[CROWD]; /* each its own actor's; read at the end */

static actor_verdict take_share(actor *self, void *state, actor_msg *msg)
{
    atomic_uint *share = actor_self_arg(self);
    (void)state;
    (void)msg;
    if (atomic_load(&over))
        return ACTOR_CONTINUE;
    atomic_fetch_add_explicit(share, 1, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&worked, 1, memory_order_relaxed) + 1 >=
        (unsigned long)CROWD * BATCH * ROUNDS) {
        atomic_store(&over, true);
        latch_add(&done, 1);
    }
    tell(self, actor_self(self), MORE, ACTOR_NORMAL);
    return ACTOR_CONTINUE;
}

static actor_verdict begin_crowd(actor *self, void *state, actor_msg *msg)
{
    static const actor_behaviour member = {.name = "member", .handle = take_share};
    (void)state;
    (void)msg;
    for (size_t i = 0; i < CROWD; i++) {
        actor_spec spec = {.behaviour = &member, .arg = &shares[i]};
        actor_ref ref;
        if (actor_spawn(actor_self_system(self), &spec, &ref) != ACTOR_OK)
            abort();
        tell(self, ref, MORE, ACTOR_NORMAL);
    }
    return ACTOR_CONTINUE;
}

static int by_value(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

/* The least share as a part of the median, in percent. */
static unsigned least_share(unsigned workers)
{
    static const actor_behaviour starter = {.name = "starter", .handle = begin_crowd};
    static unsigned sorted[CROWD];
    for (size_t i = 0; i < CROWD; i++)
        atomic_store(&shares[i], 0);
    uint64_t rounds = latch_count(&done);
    open_system(workers);
    send(spawn(&starter, NULL), GO);
    ck_assert(latch_wait(&done, rounds + 1));
    close_system();
    for (size_t i = 0; i < CROWD; i++)
        sorted[i] = atomic_load(&shares[i]);
    qsort(sorted, CROWD, sizeof *sorted, by_value);
    ck_assert_uint_gt(sorted[CROWD / 2], 0);
    return 100 * sorted[0] / sorted[CROWD / 2];
}

START_TEST(slowest_of_ten_thousand_busy_actors_gets_half_of_the_median)
{
    ck_assert_uint_ge(least_share(1), 50);
}
END_TEST

/* The system gives each worker its processor as it pleases, and a busy machine not for long at a
 * time: so the best of a few runs is what the scheduler itself can do. */
START_TEST(slowest_of_ten_thousand_on_two_workers_gets_half_of_the_median)
{
    unsigned best = 0;
    for (int i = 0; i < 5 && best < 50; i++) {
        unsigned least = least_share(2);
        best = least > best ? least : best;
    }
    ck_assert_uint_ge(best, 50);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        actor_with_a_never_empty_mailbox_lets_others_in_after_a_batch,
        pair_that_wakes_each_other_for_ever_lets_others_in,
        chain_of_spawns_for_ever_lets_others_in,
        high_actor_woken_by_another_has_its_turn_after_the_batch_in_hand,
        high_actor_woken_by_one_of_two_workers_has_its_turn_after_a_batch,
        high_actor_woken_by_a_thread_has_its_turn_after_a_batch,
        high_actor_in_the_simulation_is_the_next_one,
        high_actors_that_wake_each_other_for_ever_let_others_in,
        high_actors_for_ever_let_in_whom_a_thread_wakes,
        high_actors_in_the_simulation_let_others_in,
        message_of_high_priority_is_the_next_one_handled,
        slowest_of_ten_thousand_busy_actors_gets_half_of_the_median,
        slowest_of_ten_thousand_on_two_workers_gets_half_of_the_median,
        NULL,
    };
    return suite_run("actor_fairness", tests, NULL, NULL);
}
