/* What retry, breaker, limiter and timeout add to a message that needs none of them.
 *
 * One actor has all four, one has none; both get the same messages in turns, through the daemon's
 * own code from submission to end, on one thread. Besides, in the same run, what a malloc() with
 * its free() and an atomic exchange cost here, to compare machines by.
 */
#ifndef BENCH_POLICIES_H
#define BENCH_POLICIES_H

#include "bench/series.h"

typedef struct policies_cost {
    series plain, full; /* a message, ns */
    series added;       /* of each repetition, ns */
    series block;       /* malloc() and free() of 64 bytes, ns */
    series exchange;    /* an atomic exchange, ns */
} policies_cost;

/* So many messages to each actor, so many times. False: out of memory. */
bool policies_measure(policies_cost *c, long messages, int repetitions);
void policies_cost_free(policies_cost *c);

#endif
