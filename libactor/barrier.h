/* A lopsided barrier: nothing but the compiler's on the side that is often there, and one on all
 * cores that run this process, by membarrier(2), on the side that is there seldom. */
#ifndef ACTOR_BARRIER_H
#define ACTOR_BARRIER_H

#include <stdbool.h>

/* The kernel has it: a compiler barrier is enough on the frequent side. Constant once
 * actor__barrier_init() has returned to somebody. */
extern bool actor__barrier_cheap;

void actor__barrier_init(void);

/* The seldom side; a sequentially consistent access before and after it is still needed where
 * actor__barrier_cheap is false. */
void actor__barrier_heavy(void);

#endif
