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

/* Ready actors by `next`, in the order of becoming so. */
typedef struct actor__queue {
    actor *first, *last;
    uint32_t count;
} actor__queue;

/* `count` of them to the end. */
static inline void actor__queue_push(actor__queue *q, actor *first, actor *last, uint32_t count)
{
    last->next = NULL;
    if (q->first == NULL)
        q->first = first;
    else
        q->last->next = first;
    q->last = last;
    q->count += count;
}

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
    actor__queue injector[2] LOCK_GUARDED_BY(inject_lock); /* by actor.high */
    _Atomic uint32_t injected;                             /* actors in both */
    _Atomic uint32_t injected_high;                        /* in the second */

    /* How many live is the difference of two counters, so that who spawns and who ends actors need
     * not take a line from each other each time. */
    alignas(ACTOR__LINE) _Atomic uint64_t came; /* spawned, or without memory */
    _Atomic uint64_t left_seen; /* an old value of `left`: no more live than that says */
    _Atomic uint64_t failed;    /* without memory */

    alignas(ACTOR__LINE) _Atomic uint64_t left; /* of those that came */

    alignas(
        ACTOR__LINE) _Atomic uint32_t gone; /* futex: bumped when the last one left, if stopping */
    _Atomic uint32_t unburied;              /* ended, their slots not reused yet */
    _Atomic uint64_t dead_letters;
    _Atomic uint64_t unhandled;
    _Atomic uint64_t wakes;

    actor__names names;

    struct {
        actor__rng rng;
        actor_ms now;
        actor__queue ready[2]; /* by actor.high */
        unsigned high_run;     /* batches of high actors since the last of another */
    } sim;                     /* its thread's */
};

/* High actors' batches in a row, while others wait: the next one is theirs. With the odd one it is
 * no power of two, so the turns of the injector and those of the run queue both come to others. */
#define ACTOR__HIGH_RUN 8u

/* One actor more; *serial is how many came before it. False: there are as many as may be. */
bool actor__system_came(actor_system *sys, uint32_t *serial);
/* One actor fewer. */
void actor__system_left(actor_system *sys);

#endif
