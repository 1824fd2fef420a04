/* A system: its workers, what they share, and its counters. */
#ifndef ACTOR_SYSTEM_H
#define ACTOR_SYSTEM_H

#include "libactor/names.h"
#include "libactor/worker.h"

/* system.idle counts workers: those that sleep, those that sleep and are reluctant to steal, and
 * those that search; at most 1024 in all. */
#define ACTOR__SLEEPING  1u
#define ACTOR__RELUCTANT (1u << 11)
#define ACTOR__SEARCHING (1u << 22)

static inline unsigned actor__idle_sleeping(uint32_t idle)
{
    return idle % ACTOR__RELUCTANT +
           idle / ACTOR__RELUCTANT % (ACTOR__SEARCHING / ACTOR__RELUCTANT);
}

/* What the watcher saw of a worker. */
typedef struct actor__seen {
    uint64_t tick;
    actor__runq_look queue;
} actor__seen;

struct actor_system {
    actor_system_options options; /* with the defaults filled in */
    actor__worker *workers;
    actor__seen *seen; /* per worker; the watcher's */

    alignas(ACTOR__LINE) _Atomic uint32_t idle;
    _Atomic bool watched;  /* somebody sleeps with one eye open; see worker.c */
    _Atomic bool stopping; /* no more spawns */
    _Atomic bool quit;     /* workers return */

    alignas(ACTOR__LINE) actor_lock sleep_lock;
    actor__worker *sleepers LOCK_GUARDED_BY(sleep_lock);

    alignas(ACTOR__LINE) actor_lock inject_lock;
    actor *inject_first LOCK_GUARDED_BY(inject_lock);
    actor *inject_last LOCK_GUARDED_BY(inject_lock);
    _Atomic uint32_t injected; /* length of that list */

    alignas(ACTOR__LINE) _Atomic uint32_t alive;
    _Atomic uint32_t ended;    /* futex: bumped when the last one ends while stopping */
    _Atomic uint32_t unburied; /* ended, their slots not reused yet */
    _Atomic uint64_t spawned;
    _Atomic uint64_t dead_letters;
    _Atomic uint64_t unhandled;
    _Atomic uint64_t wakes;

    actor__names names;

    struct {
        actor__rng rng;
        actor_ms now;
        actor *first, *last; /* ready, in order of becoming so */
        uint32_t count;
    } sim; /* its thread's */
};

/* One actor fewer. */
void actor__system_ended(actor_system *sys);

#endif
