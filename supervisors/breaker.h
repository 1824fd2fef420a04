/* breaker: stops calling what keeps failing (decisions.md, "Breaker").
 *
 *   CLOSED ----- a rule is met ------> OPEN ----- open_for is over -----> HALF_OPEN
 *      ^                                ^                                   |   |
 *      |                                '--- bad probes, probe_timeout -----'   |
 *      '--------------------------- good probes --------------------------------'
 *   any state -- breaker_force_open() --> FORCED_OPEN -- breaker_close(), _reset() --> CLOSED
 *
 * A caller asks for a permit, makes the call, and reports how it went with the permit. A permit
 * belongs to the period (generation) it was given in: a report from an older one is dropped and
 * counted as late.
 *
 * Rules, each off when 0, looked at after every recorded result, also a success:
 *   consecutive_failures  that many in a row
 *   failure_rate          failed / recorded >= rate, once min_calls are in the window
 *   slow_rate             slow / recorded >= rate, likewise; slow took strictly longer than
 *                         slow_call, failed or not
 * In HALF_OPEN the rates are those of the probes, over all `probes` of them; the verdict comes as
 * soon as the missing ones can't change it. Where failure_rate is off and consecutive_failures is
 * on, one failed probe re-opens. probe_timeout runs from the first probe on, and not while none
 * has been let through: without traffic a breaker stays HALF_OPEN.
 *
 * Time: the owner arms a timer for breaker_next_event() after each call that may have changed it
 * and calls breaker_tick() then. Every function also catches up by itself, at most one transition
 * a call; it is handed out as a value.
 * Threads  none of its own: one user at a time. No allocation but in init and update.
 */
#ifndef SUPERVISORS_BREAKER_H
#define SUPERVISORS_BREAKER_H

#include "libactor/actor.h"
#include "supervisors/errors.h"

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_NEVER      INT64_MAX
#define BREAKER_UNDEFINED  (-1.0)
#define BREAKER_WINDOW_MAX 1000000 /* the largest window_calls */
#define BREAKER_BUCKETS    20      /* of a time window, at most */

typedef struct breaker_policy {
    uint32_t consecutive_failures;
    uint32_t window_calls; /* a window of calls, or ... */
    actor_ms window_time;  /* ... of time; not both; a rate needs one */
    uint32_t min_calls;    /* at least 1 with a window */
    double failure_rate;   /* 0.5 for 50% */
    double slow_rate;
    actor_ms slow_call; /* 0: nothing is slow */
    actor_ms open_for;
    double open_factor; /* the n-th opening in a row waits open_for * open_factor^n; at least 1 */
    actor_ms open_max;
    uint32_t probes;        /* at least 1 */
    actor_ms probe_timeout; /* 0: none */
} breaker_policy;

typedef enum breaker_state {
    BREAKER_CLOSED,
    BREAKER_OPEN,
    BREAKER_HALF_OPEN,
    BREAKER_FORCED_OPEN,
} breaker_state;

/* "closed", "open", "half_open", "forced_open". */
const char *breaker_state_name(breaker_state state);

typedef enum breaker_cause {
    BREAKER_BY_NOTHING,
    BREAKER_BY_CONSECUTIVE,  /* -> OPEN */
    BREAKER_BY_FAILURE_RATE, /* -> OPEN */
    BREAKER_BY_SLOW_RATE,    /* -> OPEN */
    BREAKER_BY_PROBE,        /* -> OPEN: one failed where none may */
    BREAKER_BY_TIMEOUT,      /* -> OPEN: probe_timeout */
    BREAKER_BY_WAIT,         /* -> HALF_OPEN: open_for is over */
    BREAKER_BY_PROBES,       /* -> CLOSED */
    BREAKER_BY_OPERATOR,
} breaker_cause;

const char *breaker_cause_name(breaker_cause cause); /* "failure rate" ... for people */

/* What a call brought about. */
typedef struct breaker_event {
    bool changed; /* there was a transition; `from`, `to`, `cause` and `rate` mean something */
    bool manual;  /* by the operator, also when nothing changed (a close of a closed breaker) */
    breaker_state from;
    breaker_state to;
    breaker_cause cause;
    double rate; /* the rate that opened it, else BREAKER_UNDEFINED */
} breaker_event;

typedef enum breaker_result {
    BREAKER_SUCCESS,
    BREAKER_FAILURE, /* failed or timed out */
    BREAKER_IGNORED, /* rejected payload, cancelled, not begun: gives the permit back */
} breaker_result;

typedef struct breaker_permit {
    uint64_t generation; /* 0: none, or used up */
    actor_ms begun;
} breaker_permit;

typedef struct breaker_tally {
    uint32_t calls;
    uint32_t failed;
    uint32_t slow;
} breaker_tally;

typedef struct breaker {
    breaker_policy policy;
    breaker_state state;
    uint64_t generation;  /* of the period; from 1 */
    actor_ms since;       /* when the state began */
    actor_ms until;       /* OPEN: when it becomes HALF_OPEN */
    uint32_t openings;    /* in a row, without CLOSED between */
    uint32_t run;         /* failures in a row */
    breaker_tally sum;    /* of the window; in HALF_OPEN of the probes */
    uint32_t permits;     /* HALF_OPEN: probes let through and not given back */
    actor_ms first_probe; /* HALF_OPEN: since when a verdict is waited for, while permits > 0 */
    uint64_t not_permitted;
    uint64_t late;
    uint64_t opened;                        /* how often */
    uint8_t *ring;                          /* window of calls: the last results */
    uint32_t next;                          /* where the next one goes */
    breaker_tally buckets[BREAKER_BUCKETS]; /* window of time */
    actor_ms width;                         /* of a bucket */
    uint32_t bucket_count;
    int64_t newest; /* bucket number, now / width */
} breaker;

/* A closed breaker.
 * Returns  SUPERVISOR_OK; SUPERVISOR_EINVAL; SUPERVISOR_ENOMEM (then it needs no breaker_fini). */
supervisor_err breaker_init(breaker *b, const breaker_policy *policy, actor_ms now);
void breaker_fini(breaker *b);

/* Change the policy in place. State, generation, the end of a wait that runs, permits and counters
 * are kept. A window of calls keeps the newest results that fit; a window of time whose length
 * changed, and one whose kind changed, begins empty.
 * A HALF_OPEN breaker may reach its verdict by it.
 * Returns  as breaker_init(); unchanged on failure. */
supervisor_err breaker_update(breaker *b, const breaker_policy *policy, actor_ms now,
                              breaker_event *event);

/* May a call begin? True: *permit must be handed to breaker_report() once. False: not_permitted
 * grows; breaker_retry_after() says how long there is no sense in asking. */
bool breaker_acquire(breaker *b, actor_ms now, breaker_permit *permit, breaker_event *event);

/* The call is over. *permit is used up.
 * Returns  false when the permit was used up already, or the result came late. */
bool breaker_report(breaker *b, breaker_permit *permit, breaker_result result, actor_ms now,
                    breaker_event *event);

/* Do what is due. */
void breaker_tick(breaker *b, actor_ms now, breaker_event *event);

/* When breaker_tick() has something to do; BREAKER_NEVER. */
actor_ms breaker_next_event(const breaker *b);

/* ms until a call may be let through, as far as known: OPEN: the rest of the wait; HALF_OPEN: the
 * rest of probe_timeout while no probe is free, 0 while one is; CLOSED: 0; -1: unknown, or forced
 * open. */
actor_ms breaker_retry_after(const breaker *b, actor_ms now);

/* The operator's. Idempotent. Forced open stays until close or reset. Close begins an empty window;
 * reset also clears the counters. */
void breaker_force_open(breaker *b, actor_ms now, breaker_event *event);
void breaker_close(breaker *b, actor_ms now, breaker_event *event);
void breaker_reset(breaker *b, actor_ms now, breaker_event *event);

/* For `breaker.list`. */
typedef struct breaker_snapshot {
    breaker_state state;
    double failure_rate; /* BREAKER_UNDEFINED below min_calls and without a window */
    double slow_rate;    /* likewise, and when nothing is slow */
    uint32_t calls;      /* in the window; OPEN: in the one that opened it; HALF_OPEN: probes */
    uint32_t consecutive_failures;
    uint64_t not_permitted; /* since the start or the last reset, as the two below */
    uint64_t late;
    uint64_t opened;
    actor_ms since; /* for so long in this state, ms */
    actor_ms next;  /* in so many ms the next timed transition, or -1 */
} breaker_snapshot;

void breaker_look(breaker *b, actor_ms now, breaker_snapshot *out);

#endif
