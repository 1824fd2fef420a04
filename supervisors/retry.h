/* retry: what happens to a message whose attempt failed.
 *
 * Pure: the caller says what was tried and what time it is, and carries out the answer. Rejected
 * payloads are not asked about: they end at once, whatever the policy.
 * Threads  none of its own: one user of a budget or a generator at a time.
 */
#ifndef SUPERVISORS_RETRY_H
#define SUPERVISORS_RETRY_H

#include "libactor/actor.h"
#include "supervisors/backoff.h"

#include <stdbool.h>
#include <stdint.h>

#define RETRY_NO_DEADLINE INT64_MAX
#define RETRY_NOT_TOLD    (-1) /* the other side named no delay */

typedef struct retry_policy {
    uint32_t max_retries; /* after the first call: 3 means at most four attempts */
    backoff_policy backoff;
    double budget; /* retries as a share of first calls, 0.2 for 20%; 0: no budget */
} retry_policy;

/* ---- The budget of a policy -------------------------------------------------------------------
 */

/* Retries of the last 10 s may be at most `share` of the first calls of the last 10 s, plus 10/s
 * (100 in all). Shared by every message of the policy. All zero is a new one. */
#define RETRY_BUDGET_WINDOW  ((actor_ms)10000)
#define RETRY_BUDGET_BUCKETS 100
#define RETRY_BUDGET_FLOOR   100 /* retries in a window that are always allowed: 10/s */

typedef struct retry_budget {
    uint32_t calls[RETRY_BUDGET_BUCKETS];
    uint32_t retries[RETRY_BUDGET_BUCKETS];
    uint64_t calls_in_window;
    uint64_t retries_in_window;
    int64_t newest;   /* bucket number, now / bucket width */
    uint64_t refused; /* retries that were not allowed, in all */
} retry_budget;

/* A first call begins. */
void retry_budget_call(retry_budget *b, actor_ms now);

/* Is a retry allowed? True: it is booked. False: `refused` grows. */
bool retry_budget_take(retry_budget *b, double share, actor_ms now);

/* ---- The decision -----------------------------------------------------------------------------
 */

/* What a message carries along; all zero is a new one. The caller counts an attempt when it
 * begins, so that a message which kills its worker is counted too. */
typedef struct retry_progress {
    uint32_t attempts; /* begun */
    actor_ms previous; /* the last wait */
} retry_progress;

typedef enum retry_verdict {
    RETRY_WAIT,        /* begin the next attempt in `wait` ms */
    RETRY_EXHAUSTED,   /* no retries left: the last failure is final */
    RETRY_EXPIRED,     /* the next attempt could not begin before the deadline */
    RETRY_OVER_BUDGET, /* the policy's budget is spent: the last failure is final */
} retry_verdict;

typedef struct retry_decision {
    retry_verdict verdict;
    actor_ms wait; /* of RETRY_WAIT: exactly what will be waited */
} retry_decision;

/* Decide after a failed attempt, in this order: retries left, deadline, budget.
 *
 * deadline  an instant, or RETRY_NO_DEADLINE. An attempt at or after it can't begin.
 * told      the delay the other side asked for (Retry-After): replaces the computed wait, this time
 *           only, and is cut at the policy's max; negative (RETRY_NOT_TOLD): none.
 * budget    of the policy; may be NULL when policy->budget is 0.
 */
retry_decision retry_next(const retry_policy *policy, retry_budget *budget,
                          retry_progress *progress, actor_ms now, actor_ms deadline, actor_ms told,
                          prng *random);

#endif
