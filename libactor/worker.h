/* A scheduler thread: which actor it runs next, and how it sleeps. The essay is in worker.c. */
#ifndef ACTOR_WORKER_H
#define ACTOR_WORKER_H

#include <pthread.h>

#include "libactor/runq.h"
#include "libactor/slot.h"
#include "libactor/wheel.h"

typedef struct actor__worker {
    /* The worker's own. */
    actor_system *sys;
    unsigned index;
    bool alone;     /* the system's only one */
    actor *current; /* whose callback or batch runs */
    actor_msg *msg; /* in hand, and may be taken; or NULL */
    bool taken;     /* it was; run.c's fast way needs but `msg` */
    bool now_known;
    actor_ms now;       /* of the current batch, if known */
    unsigned looks;     /* as a watcher, since it ran something */
    unsigned high_run;  /* batches of high actors, without another in between */
    uint64_t high_tick; /* of the last of them */
    int64_t loot_ns;    /* when it stole last; 0: what it runs now is its own */
    bool reluctant;     /* to steal; others read it while it sleeps, under sys->sleep_lock */
    actor__rng rng;
    pthread_t thread;

    /* Written by the worker, read by others. */
    alignas(ACTOR__LINE) _Atomic uint64_t tick; /* batches run, and times it slept */
    _Atomic uint64_t handled;                   /* messages */
    _Atomic uint64_t steals;

    /* Written by who wakes it. */
    alignas(ACTOR__LINE) _Atomic uint32_t notified; /* the futex */
    _Atomic bool asleep;                            /* in sys->sleepers */
    struct actor__worker *next_sleeper;             /* guarded by sys->sleep_lock */

    actor__runq runq;
    actor__wheel wheel;
} actor__worker;

/* Something was added to the queue of a worker that is not alone. */
void actor__worker_offer(actor__worker *w);

/* This thread, if it is a worker that may have the actor in its queue; or NULL. */
static HOT actor__worker *actor__worker_for(const actor *a)
{
    actor__worker *w = actor__me.worker;

    return LIKELY(a->local && w != NULL && w->sys == a->sys) ? w : NULL;
}

/* Somebody cleared the actor's mark: let it be run. By such a worker; nobody else can end the actor
 * meanwhile, so it need not be online. */
static HOT void actor__schedule_local(actor__worker *w, actor *a)
{
    actor__runq_woken(&w->runq, a);
    if (!w->alone)
        actor__worker_offer(w);
}

/* By anybody else that is online. */
void actor__schedule_elsewhere(actor *a);
/* By any thread that is online. */
void actor__schedule(actor *a);
/* The same of an actor just spawned, which has something to do. */
void actor__schedule_new(actor *a);

/* The time of the current batch. */
actor_ms actor__worker_now(actor__worker *w);
/* The time right now, in ms, rounded up: from here `delay` is never cut short. For long delays a
 * cheaper clock does, some ms late. */
actor_ms actor__worker_now_late(actor__worker *w, actor_ms delay);

/* The thread's body; `arg` is its worker. */
void *actor__worker_main(void *arg);

/* Wake all workers, so that they see that the system quits. */
void actor__worker_wake_all(actor_system *sys);

/* Whether this thread runs actors, of any system. */
static inline bool actor__on_worker(void)
{
    return actor__me.worker != NULL;
}

#endif
