/* budget: how many restarts a supervisor tolerates in a period (decisions F1 to F3, SUP-44 to 62).
 *
 * A sliding window, exact to a millisecond: a restart counts while `now - then < period`, and the
 * one beyond `limit` inside the period trips. Memory is `limit` stamps, fixed when the limit is
 * set. `now` never goes back.
 * Threads  none of its own: one user at a time.
 */
#ifndef SUPERVISORS_BUDGET_H
#define SUPERVISORS_BUDGET_H

#include "libactor/actor.h"
#include "supervisors/errors.h"

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_UNLIMITED (-1)
#define BUDGET_MAX       1000000 /* the highest limit */
#define BUDGET_NEVER     INT64_MAX

typedef struct budget {
    int32_t limit;    /* 0: the first crash trips; BUDGET_UNLIMITED: never */
    actor_ms period;  /* above 0; unused when unlimited */
    actor_ms *stamps; /* a ring of `room` restarts, oldest at `first` */
    uint32_t room;
    uint32_t first;
    uint32_t count;
} budget;

/* Ready an all-zero or uninitialised budget.
 * Returns  SUPERVISOR_OK; SUPERVISOR_EINVAL; SUPERVISOR_ENOMEM (then it needs no budget_fini). */
supervisor_err budget_init(budget *b, int32_t limit, actor_ms period);
void budget_fini(budget *b);

/* Change limit and period in place. The history is kept: a lowered limit can trip at the next
 * restart (SUP-114), and so can one that is raised again.
 * Returns  as budget_init(); unchanged on failure. */
supervisor_err budget_set(budget *b, int32_t limit, actor_ms period, actor_ms now);

/* Count one restart. False: this one is beyond the limit, it is not counted, the supervisor trips.
 */
bool budget_restart(budget *b, actor_ms now);

/* Restarts inside the window; 0 when unlimited. */
uint32_t budget_used(budget *b, actor_ms now);

/* When budget_used() will next become smaller; BUDGET_NEVER. */
actor_ms budget_next_expiry(const budget *b);

#endif
