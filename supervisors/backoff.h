/* backoff: how long to wait before the next try.
 *
 * With n counted from 0, base = initial:
 *   fixed         base
 *   linear        base * (n + 1)
 *   exponential   base * factor^n
 *   decorrelated  uniform in base .. 3 * the previous wait (at first: base); knows no jitter
 * The result is cut at `max` first; then jitter takes away, never adds:
 *   none          all of it
 *   full          uniform in 0 .. all
 *   equal         at least half, the other half uniform
 * So no wait is above `max`, and none overflows, however large n is.
 * Threads  none of its own: one user of a track or a generator at a time.
 */
#ifndef SUPERVISORS_BACKOFF_H
#define SUPERVISORS_BACKOFF_H

#include "libactor/actor.h"
#include "supervisors/prng.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum backoff_kind {
    BACKOFF_FIXED,
    BACKOFF_LINEAR,
    BACKOFF_EXPONENTIAL,
    BACKOFF_DECORRELATED,
} backoff_kind;

typedef enum backoff_jitter {
    BACKOFF_JITTER_NONE,
    BACKOFF_JITTER_FULL,
    BACKOFF_JITTER_EQUAL,
} backoff_jitter;

typedef struct backoff_policy {
    backoff_kind kind;
    backoff_jitter jitter;
    actor_ms initial; /* 0: never wait */
    actor_ms max;
    double factor; /* of exponential; at least 1 */
} backoff_policy;

/* True when no member is out of range. */
bool backoff_policy_valid(const backoff_policy *p);

/* The wait before try number n (from 0), in ms. `previous` is the wait before it; only
 * decorrelated looks at it, and 0 means there was none. */
actor_ms backoff_wait(const backoff_policy *p, uint32_t n, actor_ms previous, prng *random);

/* ---- A supervisor's backoff, one track a child ------------------------------------------------
 */

/* `none` (OTP's behaviour): no wait at all, the rest is unused. The count goes back to the start
 * when the child has been up for `reset_after` before it fails again; a start that fails is no
 * time up. */
typedef struct backoff_restart {
    bool none;
    backoff_policy policy;
    actor_ms reset_after;
} backoff_restart;

typedef struct backoff_track {
    uint32_t failures; /* in a row */
    actor_ms previous; /* the last wait */
    actor_ms up_since; /* valid while `up` */
    bool up;
} backoff_track;

/* The child has started. */
void backoff_up(backoff_track *t, actor_ms now);

/* The child failed, or its start did: how long to wait before the next start. */
actor_ms backoff_failed(backoff_track *t, const backoff_restart *b, actor_ms now, prng *random);

#endif
