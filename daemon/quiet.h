/* quiet: the first lines of a flood are logged, then there is silence, then one line says how many
 * were left out, and counting starts anew (SUP-151).
 *
 * Pure: takes `now`. All zero is the beginning. Threads: one user at a time.
 */
#ifndef DAEMON_QUIET_H
#define DAEMON_QUIET_H

#include "daemon/clock.h"

#include <stdbool.h>

enum { QUIET_LINES = 10, QUIET_MS = 60000 };

typedef struct quiet {
    uint32_t said;
    uint32_t left_out;
    clock_ms until; /* of the silence; valid once QUIET_LINES are said */
} quiet;

/* Is this one to be logged? The last that is begins the silence. */
bool quiet_admit(quiet *q, clock_ms now);

/* When to say how many were left out; INT64_MAX: none were. */
clock_ms quiet_due(const quiet *q);

/* How many were left out, once the silence is over; else 0. */
uint32_t quiet_over(quiet *q, clock_ms now);

#endif
