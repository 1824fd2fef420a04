/* limiter: how many calls at a time, and how many in a time.
 *
 * A bucket of tokens (`burst` of them, refilled at `rate`) and `concurrency` permits. A call needs
 * one of each that is configured. Who doesn't get them may wait in line, first come first served:
 * the line itself is the caller's, its length is counted here and bounded by `wait`.
 *
 *   new call      limiter_enter()   granted: runs, later limiter_leave()
 *                                   waiting: it is in line now
 *                                   refused: the line is full
 *   head of line  limiter_retry()   at the instant, or after the release, that it waits for
 *   gives up      limiter_cancel()  one that is in line goes (cancelled, expired)
 *
 * Exact: tokens are whole numbers in units of 1/rate_per, no rounding adds up.
 * Threads  none of its own: one user at a time.
 */
#ifndef SUPERVISORS_LIMITER_H
#define SUPERVISORS_LIMITER_H

#include "libactor/actor.h"
#include "supervisors/errors.h"

#include <stdint.h>

#define LIMITER_UNBOUNDED (-1)

typedef struct limiter_policy {
    int64_t rate;        /* so many calls ...; 0: no rate limit */
    actor_ms per;        /* ... in this time */
    int32_t burst;       /* at once after a quiet time; at least 1 */
    int32_t concurrency; /* 0: no limit */
    int32_t wait;        /* how many may wait in line; LIMITER_UNBOUNDED */
} limiter_policy;

typedef struct limiter {
    limiter_policy policy;
    int64_t level; /* tokens * policy.per */
    actor_ms filled_at;
    uint32_t running;
    uint32_t waiting;
    uint64_t granted; /* in all */
    uint64_t refused; /* in all: the line was full */
} limiter;

typedef enum limiter_verdict {
    LIMITER_GRANTED,
    LIMITER_WAIT_UNTIL,   /* in line; there is a token at `until` */
    LIMITER_WAIT_RELEASE, /* in line; a running call has to leave first */
    LIMITER_REFUSED,      /* not in line: it is full. `until` as a hint, 0 when unknown */
} limiter_verdict;

typedef struct limiter_answer {
    limiter_verdict verdict;
    actor_ms until;
} limiter_answer;

/* Begins full. Needs no clean-up.
 * Returns  SUPERVISOR_OK; SUPERVISOR_EINVAL. */
supervisor_err limiter_init(limiter *l, const limiter_policy *policy, actor_ms now);

/* Change the policy in place: what runs and waits goes on, tokens are kept up to the new burst.
 * After a change the head of the line should retry.
 * Returns  as limiter_init(); unchanged on failure. */
supervisor_err limiter_update(limiter *l, const limiter_policy *policy, actor_ms now);

/* A new call. Never overtakes the line. */
limiter_answer limiter_enter(limiter *l, actor_ms now);

/* The first in line asks again: LIMITER_GRANTED (and it is out of the line) or a wait. */
limiter_answer limiter_retry(limiter *l, actor_ms now);

/* One in line gives up. */
void limiter_cancel(limiter *l);

/* A granted call is over. The head of the line should retry. */
void limiter_leave(limiter *l);

#endif
