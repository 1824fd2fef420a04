/* The one place where time comes from. Virtual time is kept by the simulation, not here. */
#ifndef ACTOR_CLOCK_H
#define ACTOR_CLOCK_H

#include <stdint.h>

#define ACTOR__NS_PER_MS 1000000

/* CLOCK_MONOTONIC in ns. */
int64_t actor__clock_ns(void);
/* At a quarter of the cost a time that is not before it, and not 20 ms after it. */
int64_t actor__clock_coarse_late_ns(void);

#endif
