/* Two systems with threads of their own talk, and one of them ends meanwhile: a worker that wakes
 * an actor of the other one holds up its end. Sized for ThreadSanitizer. */
#include "tests/support/latch.h"
#include "tests/support/suite.h"

#include "libactor/actor.h"

#include <stdatomic.h>

enum { PAIRS = 8, ROUNDS = 60, TALK = 200 };

static actor_system *stays, *ends;
static actor_ref callers[PAIRS];
static _Atomic uint64_t echoes[PAIRS]; /* of the system that is there now */
static atomic_ullong accepted, handled, dead;
static atomic_bool over;
static latch answers = LATCH_INIT;

static void note_dead(void *user, actor_ref to, actor_msg **msg, actor_err why)
{
    (void)user;
    (void)to;
    (void)msg;
    (void)why;
    atomic_fetch_add(&dead, 1);
}

static bool tell(actor *self, actor_ref to)
{
    actor_msg *m = actor_msg_new(1, 0);
    ck_assert_ptr_nonnull(m);
    actor_err err = actor_tell(self, to, &m);
    if (err == ACTOR_OK)
        atomic_fetch_add(&accepted, 1);
    else
        actor_msg_free(m);
    return err == ACTOR_OK;
}

static actor_verdict echo(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    atomic_fetch_add(&handled, 1);
    if (!tell(self, actor_msg_sender(msg)))
        ck_abort_msg("who asked has gone");
    return ACTOR_CONTINUE;
}

/* Calls its echo once for each answer, or itself while there is no echo. */
static actor_verdict call(actor *self, void *state, actor_msg *msg)
{
    const _Atomic uint64_t *to = actor_self_arg(self);
    actor_ref other = {atomic_load(to)};
    (void)state;
    atomic_fetch_add(&handled, 1);
    if (!actor_ref_eq(actor_msg_sender(msg), actor_self(self)))
        latch_add(&answers, 1);
    if (!atomic_load(&over) && !tell(self, other))
        (void)tell(self, actor_self(self));
    return ACTOR_CONTINUE;
}

static actor_ref spawn(actor_system *sys, const actor_behaviour *behaviour, void *arg)
{
    actor_spec spec = {.behaviour = behaviour, .arg = arg};
    actor_ref ref;
    ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    return ref;
}

static void kick(actor_ref to)
{
    actor_msg *m = actor_msg_new(1, 0);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(actor_send(to, &m), ACTOR_OK);
    atomic_fetch_add(&accepted, 1);
}

START_TEST(workers_wake_actors_of_a_system_that_ends)
{
    static const actor_behaviour caller = {.name = "caller", .handle = call};
    static const actor_behaviour echoing = {.name = "echo", .handle = echo};
    actor_system_options options = {.workers = 2, .dead_letter = note_dead};
    ck_assert_int_eq(actor_system_new(&options, &stays), ACTOR_OK);
    for (int i = 0; i < PAIRS; i++)
        callers[i] = spawn(stays, &caller, (void *)&echoes[i]);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t before = latch_count(&answers);
        ck_assert_int_eq(actor_system_new(&options, &ends), ACTOR_OK);
        for (int i = 0; i < PAIRS; i++)
            atomic_store(&echoes[i], spawn(ends, &echoing, NULL).bits);
        for (int i = 0; i < PAIRS; i++)
            kick(callers[i]);
        ck_assert(latch_wait(&answers, before + TALK));
        actor_system_free(ends, 1000);
    }
    atomic_store(&over, true);
    actor_system_free(stays, 1000);
    ck_assert_uint_eq(atomic_load(&accepted), atomic_load(&handled) + atomic_load(&dead));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        workers_wake_actors_of_a_system_that_ends,
        NULL,
    };
    return suite_run("actor_systems", tests, NULL, NULL);
}
