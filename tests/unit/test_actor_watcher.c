/* The worker that sleeps with one eye open, when it gets something to do itself. */
#include "tests/support/latch.h"
#include "tests/support/suite.h"

#include "libactor/actor.h"

#include <stdatomic.h>

enum { WORKERS = 3, ROUNDS = 20, BUSY = 2, ENOUGH_MS = 10000 };

static actor_system *sys;
static actor_ref busy, urgent, hidden;
static latch found = LATCH_INIT;    /* times that `hidden` ran */
static latch returned = LATCH_INIT; /* handlers of the others */
static atomic_bool late;
static uint64_t round_now;

static void setup(void)
{
    actor_system_options options = {.workers = WORKERS};
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
}

static void teardown(void)
{
    actor_system_free(sys, 1000);
}

static void wake(actor_ref ref)
{
    actor_msg *msg = actor_msg_new(1, 0);
    ck_assert_int_eq(actor_send(ref, &msg), ACTOR_OK);
}

/* Takes until `hidden` has run. */
static void take_long(void)
{
    if (!latch_wait_ms(&found, round_now, ENOUGH_MS))
        atomic_store(&late, true);
    latch_add(&returned, 1);
}

static actor_verdict be_busy(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    wake(hidden); /* on this worker, whose handler does not return */
    wake(urgent); /* on any other */
    take_long();
    return ACTOR_CONTINUE;
}

static actor_verdict be_urgent(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    take_long();
    return ACTOR_CONTINUE;
}

static actor_verdict be_found(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    latch_add(&found, 1);
    return ACTOR_CONTINUE;
}

static actor_ref spawn(const actor_behaviour *behaviour, bool high)
{
    actor_ref ref;
    actor_spec spec = {.behaviour = behaviour, .high_priority = high};
    ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    return ref;
}

/* Two of three workers take long, and behind one of them is something: the third one, who sleeps,
 * has to find it, though it was another who watched until it got work itself. */
START_TEST(work_behind_a_long_handler_is_found_when_the_watcher_got_work_too)
{
    static const actor_behaviour busy_behaviour = {.name = "busy", .handle = be_busy};
    static const actor_behaviour urgent_behaviour = {.name = "urgent", .handle = be_urgent};
    static const actor_behaviour hidden_behaviour = {.name = "hidden", .handle = be_found};
    busy = spawn(&busy_behaviour, false);
    urgent = spawn(&urgent_behaviour, true);
    hidden = spawn(&hidden_behaviour, false);
    for (round_now = 1; round_now <= ROUNDS; round_now++) {
        wake(busy);
        ck_assert(latch_wait(&returned, BUSY * round_now));
        ck_assert_msg(!atomic_load(&late), "round %d", (int)round_now);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        work_behind_a_long_handler_is_found_when_the_watcher_got_work_too,
        NULL,
    };
    return suite_run("actor_watcher", tests, setup, teardown);
}
