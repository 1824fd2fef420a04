/* The policies of the configuration at work: breakers and limiters shared by name among units,
 * retries with their budgets. supervisors/ has the rules; here are locks, clocks and wake-ups.
 *
 * A policy written by name is shared by all units that name it; an inline one belongs to its unit
 * and is called after it. Both survive restarts and reloads: getting one again with other settings
 * changes it in place.
 *
 * Threads  any. `policies` has a lock of its own, never taken under another, since units are woken
 * under it; a single policy's lock may be taken under a unit's.
 */
#ifndef DAEMON_POLICY_H
#define DAEMON_POLICY_H

#include "config/config.h"
#include "daemon/alarm.h"
#include "daemon/json.h"
#include "supervisors/breaker.h"
#include "supervisors/retry.h"

#include <stdbool.h>
#include <sys/queue.h>

typedef struct policies policies;
typedef struct policy_retry policy_retry;
typedef struct policy_breaker policy_breaker;
typedef struct policy_limiter policy_limiter;
struct unit;

/* A unit in the list of those who use a policy. */
typedef struct policy_use {
    TAILQ_ENTRY(policy_use) link;
    struct unit *unit;
    struct policy_uses *list; /* NULL: in none; guarded by policies.lock */
    bool in_line;             /* of a limiter; changed under its lock and the unit's */
    TAILQ_ENTRY(policy_use) line;
} policy_use;

/* NULL when out of memory. */
policies *policies_new(alarm_clock *alarms, uint64_t seed);
void policies_free(policies *p); /* NULL is fine; nobody uses one any more */

/* Get the policy for `u`, new or changed in place, referenced. NULL when out of memory. */
policy_retry *policy_retry_get(policies *p, const struct unit *u, const config_retry *c);
policy_breaker *policy_breaker_get(policies *p, const struct unit *u, const config_breaker *c);
policy_limiter *policy_limiter_get(policies *p, const struct unit *u, const config_limiter *c);

policy_breaker *policy_breaker_hold(policy_breaker *b);

/* Release a reference; NULL is fine. Without any lock. */
void policy_retry_release(policy_retry *r);
void policy_breaker_release(policy_breaker *b);
void policy_limiter_release(policy_limiter *l);

/* A unit exchanges its policies, and its place among those who are woken when one of them lets
 * calls through again, in one step: between these two, with its own lock taken inside. */
void policies_lock(policies *p);
void policies_unlock(policies *p);
/* NULL takes the use off; it must stand in no limiter's line then. */
void policy_use_breaker(policy_use *use, policy_breaker *b);
void policy_use_limiter(policy_use *use, policy_limiter *l);

backoff_jitter policy_jitter(config_jitter jitter);

/* ---- retry ---- */

/* A message's first attempt begins: for the budget. */
void policy_retry_first(policy_retry *r, clock_ms now);
/* After a failed attempt. deadline 0: none; told: ms, or RETRY_NOT_TOLD. */
retry_decision policy_retry_next(policy_retry *r, retry_progress *progress, clock_ms now,
                                 clock_ms deadline, clock_ms told);
/* Does the budget allow one more attempt beside another? True: it is booked. */
bool policy_retry_hedge(policy_retry *r, clock_ms now);

/* ---- breaker ---- */

const char *policy_breaker_name(const policy_breaker *b);
/* Would a call be refused now? *wait: ms until it may not be, or -1. `count` it as not permitted.
 */
bool policy_breaker_refuses(policy_breaker *b, clock_ms now, bool count, clock_ms *wait);
/* Is it open, by itself or by force? */
bool policy_breaker_is_open(policy_breaker *b);
/* Ask for a permit. False: the unit is woken when it is worth asking again; *wait as above. */
bool policy_breaker_acquire(policy_breaker *b, clock_ms now, breaker_permit *permit,
                            clock_ms *wait);
void policy_breaker_report(policy_breaker *b, breaker_permit *permit, breaker_result result,
                           clock_ms now);

typedef enum policy_action { POLICY_OPEN, POLICY_CLOSE, POLICY_RESET } policy_action;

/* The breaker called `name`, referenced; NULL when there is none. *nearest (may be NULL): a name
 * that looks like it, for free(), or NULL. */
policy_breaker *policy_breaker_find(policies *p, const char *name, char **nearest);
void policy_breaker_operate(policy_breaker *b, policy_action action);
/* Its row of breaker.list. */
void policy_breaker_put(json_out *out, policy_breaker *b);
/* Call `row` for each breaker, in order of name, beginning after `after` (NULL: the first), at most
 * `limit` of them. *more: there are others. False: out of memory. */
bool policy_breaker_each(policies *p, const char *after, size_t limit,
                         void (*row)(policy_breaker *b, void *arg), void *arg, bool *more);

/* ---- limiter ---- */

/* True when `waiting` messages fill the line of an exhausted limiter: no more may come. */
bool policy_limiter_full(policy_limiter *l, size_t waiting, clock_ms now);
const char *policy_limiter_name(const policy_limiter *l);
/* Ask for a place. False: the unit is in line, and woken when its turn may have come. */
bool policy_limiter_enter(policy_limiter *l, policy_use *use, clock_ms now);
/* Is the unit in line for a place? */
bool policy_limiter_waits(policy_limiter *l, const policy_use *use);
/* It has nothing to run any more, or can't: out of the line. One that isn't in it is fine. */
void policy_limiter_cancel(policy_limiter *l, policy_use *use);
/* So many places are given back. */
void policy_limiter_leave(policy_limiter *l, uint32_t places);

#endif
