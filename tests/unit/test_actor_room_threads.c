/* Backpressure on real threads: no wake-up is lost however sending, refusing, asking and draining
 * interleave. A lost one shows as a latch that is never raised. Sized for ThreadSanitizer. */
#include "tests/support/latch.h"
#include "tests/support/suite.h"

#include "libactor/actor.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { WORKERS = 3, PRODUCERS = 12, ITEMS = 400, THREADS = 3, KNOCKS = 3000 };
enum { ITEM = 1, KNOCK };

static actor_system *sys;
static actor_ref target;
static latch finished = LATCH_INIT; /* producers that sent all, or were told of the end */
static latch freed = LATCH_INIT;
static atomic_uint handled, knocked, dead, wrong;

static void note_dead(void *user, actor_ref to, actor_msg **msg, actor_err why)
{
    (void)user;
    (void)to;
    (void)why;
    if (actor_msg_type(*msg) == ITEM)
        atomic_fetch_add(&dead, 1);
}

static void note_freed(void *arg)
{
    (void)arg;
    latch_add(&freed, 1);
}

static void setup(void)
{
    actor_system_options options = {.workers = WORKERS, .batch = 5, .dead_letter = note_dead};
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
}

/* ---- The target ---- */

static actor_verdict swallow(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    atomic_fetch_add(actor_msg_type(msg) == ITEM ? &handled : &knocked, 1);
    return ACTOR_CONTINUE;
}

static const actor_behaviour target_behaviour = {.name = "target", .handle = swallow};

static void spawn_target(uint32_t capacity)
{
    actor_spec spec = {
        .behaviour = &target_behaviour,
        .free_arg = note_freed,
        .capacity = capacity,
    };
    ck_assert_int_eq(actor_spawn(sys, &spec, &target), ACTOR_OK);
}

/* ---- Producers ---- */

typedef struct producer {
    unsigned sent;
    bool waits, over;
} producer;

static void finish(producer *p)
{
    p->over = true;
    latch_add(&finished, 1);
}

static void send_on(actor *self, producer *p)
{
    actor_err err = ACTOR_OK;
    while (p->sent < ITEMS && err == ACTOR_OK) {
        actor_msg *msg = actor_msg_new(ITEM, 0);
        err = actor_tell(self, target, &msg);
        actor_msg_free(msg);
        p->sent += err == ACTOR_OK;
    }
    p->waits = err != ACTOR_OK; /* of an ended target the notice says so */
    if (p->waits && actor_want_room(self, target) != ACTOR_OK)
        atomic_fetch_add(&wrong, 1);
    if (!p->waits)
        finish(p);
}

static actor_verdict produce_start(actor *self, void *state, void *arg)
{
    (void)arg;
    send_on(self, state);
    return ACTOR_CONTINUE;
}

static actor_verdict produce(actor *self, void *state, actor_msg *msg)
{
    producer *p = state;
    actor_room room;
    if (actor_msg_type(msg) != ACTOR_MSG_ROOM || !p->waits || p->over) {
        atomic_fetch_add(&wrong, 1);
        return ACTOR_CONTINUE;
    }
    memcpy(&room, actor_msg_data(msg), sizeof room);
    p->waits = false;
    if (room.ended)
        finish(p);
    else
        send_on(self, p);
    return ACTOR_CONTINUE;
}

static const actor_behaviour producer_behaviour = {
    .name = "producer", .state_size = sizeof(producer), .start = produce_start, .handle = produce};

static void spawn_producers(void)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        actor_spec spec = {.behaviour = &producer_behaviour, .free_arg = note_freed};
        actor_ref ref;
        ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    }
}

/* Sends that are mostly refused, at the same mailbox: none may be seen in its count. */
static void *knock(void *arg)
{
    for (unsigned i = 0; i < KNOCKS; i++) {
        actor_msg *msg = actor_msg_new(KNOCK, 0);
        if (msg && actor_send(target, &msg) == ACTOR_EFULL && i % 16 == 0)
            sched_yield();
        actor_msg_free(msg);
    }
    return arg;
}

static void run(uint32_t capacity, bool kill)
{
    pthread_t threads[THREADS];
    spawn_target(capacity);
    spawn_producers();
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, knock, NULL), 0);
    if (kill)
        ck_assert_int_eq(actor_kill(target), ACTOR_OK);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(latch_wait(&finished, PRODUCERS));
    actor_system_free(sys, 20000);
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    ck_assert_uint_eq(latch_count(&freed), PRODUCERS + 1);
}

START_TEST(every_producer_comes_to_its_end_through_a_mailbox_of_one)
{
    run(1, false);
    ck_assert_uint_eq(atomic_load(&handled), (uint64_t)PRODUCERS * ITEMS);
    ck_assert_uint_eq(atomic_load(&dead), 0);
}
END_TEST

START_TEST(every_producer_comes_to_its_end_through_a_mailbox_of_eight)
{
    run(8, false);
    ck_assert_uint_eq(atomic_load(&handled), (uint64_t)PRODUCERS * ITEMS);
    ck_assert_uint_eq(atomic_load(&dead), 0);
}
END_TEST

START_TEST(every_producer_is_told_of_the_end_of_its_target)
{
    run(2, true);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_producer_comes_to_its_end_through_a_mailbox_of_one,
        every_producer_comes_to_its_end_through_a_mailbox_of_eight,
        every_producer_is_told_of_the_end_of_its_target,
        NULL,
    };
    return suite_run("actor_room_threads", tests, setup, NULL);
}
