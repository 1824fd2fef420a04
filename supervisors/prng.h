/* prng: a small seeded generator of random numbers, for jitter.
 *
 * The state is the caller's, so the same seed gives the same waits. Not for secrets.
 * Threads  none of its own: one user of a state at a time.
 */
#ifndef SUPERVISORS_PRNG_H
#define SUPERVISORS_PRNG_H

#include <stdint.h>

typedef struct prng {
    uint64_t state; /* any value is a good seed */
} prng;

uint64_t prng_next(prng *r);

/* Uniform in low .. high, both included. `low` when low >= high. */
int64_t prng_between(prng *r, int64_t low, int64_t high);

#endif
