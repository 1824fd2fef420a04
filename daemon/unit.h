/* A unit: one named actor of the tree as the daemon sees it, through all of its incarnations.
 *
 * It holds what outlives a crash and what people look at: the mailbox, the counters, the policies,
 * the place in the tree, the state that the supervisor published last. The libactor actors behind
 * it (runner.h, delivery.c), one for each instance, begin attempts and nothing else; they come and
 * go.
 *
 * The mailbox is the daemon's own, not libactor's: a waiting message has to be found by its id, its
 * age and its deadline (cancel, ttl, purge, drop_oldest, asks that fail at once), which a
 * multi-producer queue can't do. libactor's carries the wake-ups.
 *
 * Threads  any. Lock order: ledger keys > unit > policy > alarm, ledger, dead letters.
 */
#ifndef DAEMON_UNIT_H
#define DAEMON_UNIT_H

#include "config/config.h"
#include "daemon/alarm.h"
#include "daemon/loaded.h"
#include "daemon/message.h"
#include "daemon/policy.h"
#include "daemon/quiet.h"
#include "daemon/table.h"
#include "libactor/actor.h"
#include "libactor/lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct unit unit;
typedef struct runner runner;
struct actord;
struct kind;

/* A unit with several instances is in the state of the one that is best off: the first here. */
typedef enum unit_state {
    UNIT_RUNNING,
    UNIT_STARTING,
    UNIT_RESTARTING,
    UNIT_BACKOFF,
    UNIT_STOPPING,
    UNIT_STOPPED,
} unit_state;

/* Latencies of finished messages, acceptance to end, in four steps per power of two. */
enum { UNIT_LATENCY_STEPS = 4 * 36 };

/* Each message is counted as accepted, and in exactly one of the others. */
typedef struct unit_counters {
    uint64_t accepted;
    uint64_t final[MESSAGE_STATES];      /* from MESSAGE_DONE on */
    uint64_t waiting, running, retrying; /* now */
    uint64_t failed_attempts, retries, hedges;
    uint64_t restarts;
} unit_counters;

enum { UNIT_RATE_SECONDS = 10 };

typedef struct unit_rate {
    int64_t second; /* of the newest slot */
    uint32_t slots[UNIT_RATE_SECONDS];
} unit_rate;

/* What the file says about delivery, in the form in which it is needed. */
typedef struct unit_settings {
    uint32_t capacity;
    config_on_full on_full;
    clock_ms timeout, ttl; /* 0: none */
    clock_ms shutdown;     /* negative: without end */
    config_priority priority;
    config_on_failure on_failure;
    uint32_t credits; /* attempts at a time, of each instance */
    hedge_policy hedge;
} unit_settings;

TAILQ_HEAD(message_queue, message);
#define UNIT_PRIORITIES 4

enum { UNIT_REASON_MAX = 200 };

struct unit {
    atomic_uint refs;
    struct actord *daemon;
    table_node named;
    const char *name;  /* of `text` */
    const char *path;  /* "/root/a/b" */
    unit *parent;      /* referenced; NULL for the root */
    bool supervises;   /* it is a supervisor, and takes no messages */
    clock_alarm alarm; /* the earliest of `due` and `quiet` */

    actor_lock lock;
    const struct kind *kind LOCK_GUARDED_BY(lock); /* NULL: a supervisor */
    loaded *loaded LOCK_GUARDED_BY(lock);          /* referenced */
    const config_child *child LOCK_GUARDED_BY(lock);
    unit_settings settings LOCK_GUARDED_BY(lock);
    policy_retry *retry LOCK_GUARDED_BY(lock);     /* referenced, or NULL */
    policy_breaker *breaker LOCK_GUARDED_BY(lock); /* referenced, or NULL */
    policy_limiter *limiter LOCK_GUARDED_BY(lock); /* referenced, or NULL */
    policy_use breaker_use, limiter_use;           /* the policies' */

    /* its instances, and the same for all of them: what the supervisor's observer published */
    runner **runners LOCK_GUARDED_BY(lock); /* by number, from 1; those that are not there, too */
    uint32_t runner_count LOCK_GUARDED_BY(lock);     /* at least 1 */
    TAILQ_HEAD(, runner) free LOCK_GUARDED_BY(lock); /* who could take a message, see runner.h */
    unit_state state LOCK_GUARDED_BY(lock);
    uint32_t incarnation LOCK_GUARDED_BY(lock); /* the highest */
    clock_ms next_start LOCK_GUARDED_BY(lock);  /* in backoff: the first; monotonic */
    clock_ms state_since LOCK_GUARDED_BY(lock);
    const runner *last_ended LOCK_GUARDED_BY(lock); /* whose last_exit is the newest; or NULL */
    uint32_t order LOCK_GUARDED_BY(lock);           /* among its parent's children */
    bool paused LOCK_GUARDED_BY(lock);
    bool gone LOCK_GUARDED_BY(lock); /* unit_retire() was called */
    /* of a supervisor */
    bool up LOCK_GUARDED_BY(lock); /* it has started its children, and isn't giving up */
    uint32_t restarts_used LOCK_GUARDED_BY(lock);

    /* delivery */
    struct message_queue mailbox[UNIT_PRIORITIES] LOCK_GUARDED_BY(lock);
    heap due LOCK_GUARDED_BY(lock);
    clock_ms armed LOCK_GUARDED_BY(lock); /* when the alarm goes off for `due`; INT64_MAX: never */
    bool nudge_missed LOCK_GUARDED_BY(lock);            /* the alarm is to do it */
    size_t live LOCK_GUARDED_BY(lock);                  /* messages without a final state */
    struct message_queue in_hand LOCK_GUARDED_BY(lock); /* running, oldest first */
    struct message_queue later LOCK_GUARDED_BY(lock);   /* delayed or retrying */
    struct message_queue hedges LOCK_GUARDED_BY(lock); /* in hand, and one more attempt is wanted */
    uint32_t places LOCK_GUARDED_BY(lock);             /* held in the limiter */
    uint32_t place_period LOCK_GUARDED_BY(lock);       /* since the limiter was exchanged; from 1 */
    unit_counters counters LOCK_GUARDED_BY(lock);
    unit_rate rate LOCK_GUARDED_BY(lock);
    quiet quiet LOCK_GUARDED_BY(lock);       /* of its dead letters */
    uint32_t *latency LOCK_GUARDED_BY(lock); /* NULL until the first */
    char *shown LOCK_GUARDED_BY(lock);       /* the state that a worker shows: JSON, or NULL */

    char text[]; /* name and path */
};

/* Types of the messages that a unit's actor gets. The kind's own have priority ACTOR_SYSTEM, since
 * they also matter while it starts and stops. */
enum {
    UNIT_MSG_NUDGE = 1, /* look at the mailbox, and at the attempts whose message is final */
    UNIT_MSG_KIND,      /* for the kind: payload as it likes */
    UNIT_MSG_TIMER,     /* for the kind: actor_msg_tag() as it likes */
};

/* A new unit for a child of the file (or of actor.spawn) below `parent` (NULL: the root), with one
 * reference and state UNIT_STOPPED. Takes references to `s` and `parent`.
 * Returns NULL when out of memory. */
unit *unit_new(struct actord *d, loaded *s, const config_child *child, unit *parent);

unit *unit_hold(unit *u);
void unit_release(unit *u); /* NULL is fine */

/* Take over what a new configuration says about delivery; the messages stay.
 * False: out of memory, nothing changed. */
bool unit_configure(unit *u, loaded *s, const config_child *child);

/* Its place among its siblings has changed. */
void unit_place(unit *u, uint32_t order);

/* It is no longer in the tree: it takes in nothing more, and uses no policy. What may be its last
 * reference can be dropped under any lock from now on. */
void unit_retire(unit *u);

/* It is in the tree again, with counters at 0, by this description.
 * False: out of memory, it stays retired. */
bool unit_come_back(unit *u, loaded *s, const config_child *child);

/* The child's description, referenced by *s until loaded_release(*s). */
const config_child *unit_child(unit *u, loaded **s);

const char *unit_state_name(unit_state state);
/* "running", "paused" ...: what the contract calls it. */
const char *unit_state_word(const unit *u) LOCK_REQUIRES(u->lock);

/* Wake an instance that could take a message, if there is one, so that it looks at the mailbox.
 * Without the unit's lock. */
void unit_nudge(unit *u);
/* Wake them all, also for what they have in hand, or because of new settings. Likewise. */
void unit_nudge_all(unit *u);

/* ---- messages: the life cycle ---- */

typedef struct unit_submission {
    const char *payload;
    size_t len;
    const char *key; /* or NULL */
    clock_ms delay;  /* 0: at once */
    clock_ms ttl;    /* 0: as the unit's */
    int priority;    /* config_priority, or negative: as the unit's */
    bool ask;
    uint8_t hops;           /* not 0: it answers for another message (fallback.h) */
    message_waiter *waiter; /* or NULL: told of the end */
} unit_submission;

/* Accept a message, or find the one accepted before under the same key (*duplicate).
 *
 * On RPC_OK *out is referenced for the caller, and the waiter is on it (waiter->attached), unless
 * it was final already.
 * Otherwise `failure` says why, and `members` has more for the error's data; nothing was accepted.
 */
rpc_code unit_submit(unit *u, const unit_submission *s, message **out, bool *duplicate,
                     rpc_failure *failure, json_out *members);

/* Add or take off a waiter. unit_wait(): false, it is final already. unit_unwait(): false, it has
 * been told. */
bool unit_wait(message *m, message_waiter *w);
bool unit_unwait(message *m, message_waiter *w);

/* Cancel. A waiting message is gone at once, a running one is final at once and its attempt is
 * told to stop. Returns the state it had: final ones stay what they are. */
message_state unit_cancel(message *m);
/* Cancel an ask that timed out, only if no attempt has begun and nobody else waits for the message
 * (who sent the same key). True: withdrawn. */
bool unit_withdraw(message *m);
/* The same, and say what became of the message: for people, and as members of an error's data. */
void unit_ask_timed_out(message *m, char text[RPC_MESSAGE_MAX + 1], json_out *members);

/* Cancel all that waits, also for a retry or for its time. Returns how many. */
size_t unit_purge(unit *u);

/* The actor is stopped for good: what is not final becomes a dead letter, reason `stopped`. */
void unit_stopped(unit *u);

/* Deal with what time alone has changed: expired, due and timed-out messages. */
void unit_tick(unit *u);

/* ---- for delivery.c: all from the unit's own actor ---- */

/* The next message that may begin now, still in the mailbox; expired ones are dealt with. */
message *unit_next(unit *u, clock_ms now) LOCK_REQUIRES(u->lock);
/* It begins: an attempt is counted. */
void unit_begin(unit *u, message *m, clock_ms now) LOCK_REQUIRES(u->lock);
/* When an attempt that begins now times out; 0: never. */
clock_ms unit_attempt_deadline(const unit *u, clock_ms now) LOCK_REQUIRES(u->lock);
/* The hedge that it waits for begins. */
void unit_begin_hedge(unit *u, message *m, clock_ms now) LOCK_REQUIRES(u->lock);
/* One more attempt of it is wanted (m->call.wanted), or not any more. */
void unit_want_hedge(unit *u, message *m) LOCK_REQUIRES(u->lock);
/* It did not really begin (a sibling's crash): back to the front. */
void unit_return(unit *u, message *m) LOCK_REQUIRES(u->lock);
/* It waits `delay` ms for its next attempt. */
void unit_retry(unit *u, message *m, clock_ms delay) LOCK_REQUIRES(u->lock);
/* It ends, unless its fallback is to answer it. `error` is copied; on MESSAGE_DONE m->reply is set
 * already. */
void unit_finish(unit *u, message *m, message_state state, rpc_code outcome, const char *error)
    LOCK_REQUIRES(u->lock);
/* The same at `ns` of clock_ns(), for who has looked at the clock already. */
void unit_finish_at(unit *u, message *m, message_state state, rpc_code outcome, const char *error,
                    int64_t ns) LOCK_REQUIRES(u->lock);
/* Its fallback is asked: nothing but that moves it now. */
void unit_hand_over(unit *u, message *m) LOCK_REQUIRES(u->lock);
/* Who read its payload has let go of it. Under its unit's lock. */
void unit_let_go(message *m);
/* Its deadline, place or state has changed: so does what time will do to it. */
void unit_reschedule(unit *u, message *m) LOCK_REQUIRES(u->lock);
/* Asks can't wait for a breaker: those in the mailbox fail with `outcome` now, with `retrying` also
 * those that wait for a retry. */
void unit_fail_asks(unit *u, bool retrying, rpc_code outcome, const char *error,
                    clock_ms retry_after) LOCK_REQUIRES(u->lock);

/* ---- a message's place in the limiter (unit_place.c) ---- */

/* Does m hold a place? */
bool unit_placed(const unit *u, const message *m) LOCK_REQUIRES(u->lock);
/* Take a place for m, unless it holds one or there is no limiter. False: the unit is in line. */
bool unit_enter(unit *u, message *m, clock_ms now) LOCK_REQUIRES(u->lock);
/* Give m's place back, if it holds one. */
void unit_leave(unit *u, message *m) LOCK_REQUIRES(u->lock);
/* Give all places back: the limiter is about to be exchanged. */
void unit_leave_all(unit *u) LOCK_REQUIRES(u->lock);
/* The next queued message that holds a place, or NULL: it may begin while others wait for one,
 * whatever their priority, or nobody would ever leave. */
message *unit_next_placed(unit *u, clock_ms now) LOCK_REQUIRES(u->lock);

/* ---- looking ---- */

/* Latency in ms below which `share` of the finished messages were. Negative: none yet. */
double unit_latency(const unit *u, double share) LOCK_REQUIRES(u->lock);
double unit_per_second(const unit *u, clock_ms now) LOCK_REQUIRES(u->lock);
/* A message got its final state at `ns` of clock_ns(): for the rate and the latencies. */
void unit_count_end(unit *u, const message *m, int64_t ns) LOCK_REQUIRES(u->lock);
/* Age of the oldest waiting message in ms. */
clock_ms unit_oldest(const unit *u, clock_ms now) LOCK_REQUIRES(u->lock);

/* How it last ended, or NULL. */
const char *unit_last_exit(const unit *u) LOCK_REQUIRES(u->lock);
/* Of a supervisor: its actor, or ACTOR_NONE. Takes the lock. */
actor_ref unit_supervisor_ref(unit *u);

#endif
