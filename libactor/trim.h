/* When memory goes back to the system: TRIM_MS after there was first more of it free than is worth
 * keeping, by workers that have nothing to do, in small steps between which they look for work.
 *
 * Nothing ticks. Who frees much leaves a note (actor__trim_want(), a load when it is there
 * already); a worker that goes to sleep and finds the note sets the time, and wakes up then. What
 * was in use meanwhile is kept, so that a load that comes and goes does not pay for it each time; a
 * process that came to rest gives back the last of it after the next TRIM_MS. Workers that never
 * sleep give nothing back, nor do other threads; actor_system_free() gives back what it can.
 */
#ifndef ACTOR_TRIM_H
#define ACTOR_TRIM_H

#include "libactor/base.h"

/* 0: nothing is wanted; 1: wanted, no time is set; else when, by actor__clock_ns(). */
extern _Atomic int64_t actor__trim_at;

static inline void actor__trim_want(void)
{
    if (load_relaxed(&actor__trim_at) == 0)
        store_relaxed(&actor__trim_at, 1);
}

/* A thread without work: do one of the steps that are due. Returns whether to call it again. */
bool actor__trim_step(void);

/* When the thread must wake up for it, at the latest; ACTOR__FOREVER: nothing is wanted. */
int64_t actor__trim_due(void);

/* Give back all that is free, now. */
void actor__trim_all(void);

#endif
