/* A system: its workers, what they share, and its counters. */
#ifndef ACTOR_SYSTEM_H
#define ACTOR_SYSTEM_H

#include "libactor/names.h"
#include "libactor/worker.h"

/* system.idle: searching workers << 16 | sleeping ones. */
#define ACTOR__SEARCHING (1u << 16)
#define ACTOR__SLEEPING  1u

struct actor_system {
    actor_system_options options; /* with the defaults filled in */
    actor__worker *workers;
    uint64_t *seen; /* per worker: its tick when the watcher looked; the watcher's */

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
