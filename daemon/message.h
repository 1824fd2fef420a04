/* One message of a client (or of an actor): from its acceptance to its one final state.
 *
 *                 ┌────────────── retry, return ───────────────┐
 *     accepted ─> WAITING ─> RUNNING ─> RETRYING ─> (WAITING) ─┘
 *                    │          │          │
 *                    └──────────┴──────────┴─> DONE DEAD CANCELLED EXPIRED DROPPED
 *
 * A message is counted. It belongs to a unit (the actor it was sent to), and all of its changing
 * fields are guarded by that unit's lock; what is set at the acceptance never changes.
 */
#ifndef DAEMON_MESSAGE_H
#define DAEMON_MESSAGE_H

#include "config/config.h"
#include "daemon/clock.h"
#include "daemon/heap.h"
#include "daemon/rpc.h"
#include "daemon/table.h"
#include "supervisors/hedge.h"
#include "supervisors/retry.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct message message;
typedef struct fallback fallback;
struct unit;

typedef enum message_state {
    MESSAGE_WAITING,
    MESSAGE_RUNNING,
    MESSAGE_RETRYING,
    MESSAGE_DONE,
    MESSAGE_DEAD,
    MESSAGE_CANCELLED,
    MESSAGE_EXPIRED,
    MESSAGE_DROPPED,
    MESSAGE_STATES
} message_state;

const char *message_state_name(message_state state);

static inline bool message_state_final(message_state state)
{
    return state >= MESSAGE_DONE;
}

/* Somebody to be told, once, when a message gets its final state. */
typedef struct message_waiter {
    TAILQ_ENTRY(message_waiter) link;
    bool waiting;  /* guarded by the unit's lock */
    bool attached; /* it was put on a message, so `finished` has been or will be called */
    /* Called under the unit's lock: must be short, and must not come back to the unit. */
    void (*finished)(struct message_waiter *w, message *m);
} message_waiter;

/* In which of the ledger's lists it is. */
typedef enum message_kept { KEPT_NOT, KEPT_FINISHED, KEPT_ANSWERED } message_kept;

struct attempt;
TAILQ_HEAD(message_attempts, attempt);

/* One failed attempt. */
typedef struct message_failure {
    unsigned attempt;
    clock_ms at;   /* wall clock */
    clock_ms wait; /* for the next attempt, in ms; negative: none followed */
    char *error;
} message_failure;

enum { MESSAGE_FAILURES_KEPT = 32, MESSAGE_STDERR_KEPT = 4096, MESSAGE_ID_MAX = 24 };

struct message {
    atomic_uint refs;

    /* set at the acceptance */
    char id[MESSAGE_ID_MAX]; /* "m-42" */
    char *key;               /* "ACTOR\nKEY", or NULL */
    struct unit *unit;       /* referenced */
    config_priority priority;
    bool ask;
    uint8_t hops; /* it answers for a message that answers for … (fallback.h); 0: for none */
    clock_ms accepted_at; /* wall clock */
    clock_ms accepted;    /* monotonic */
    int64_t accepted_ns;  /* the same, finer: for latencies */
    clock_ms deadline;    /* monotonic; 0: none */

    /* guarded by the unit's lock */
    message_state state;
    char *payload; /* freed when it is done for good, kept for dead letters */
    size_t payload_len;
    unsigned hands;       /* attempts and others that read the payload */
    retry_progress retry; /* counts the calls begun: attempts without the hedges */
    unsigned hedges;      /* begun */
    unsigned first;       /* number of the first attempt of the call in hand */
    hedge_call call;      /* the one in hand */
    bool hedge_waits;     /* it is among the unit's `hedges`, linked by `hedge` */
    TAILQ_ENTRY(message) hedge;
    struct message_attempts attempts; /* in hand and not settled */
    clock_ms due;                     /* delayed or retrying: when it may begin */
    clock_ms attempt_deadline;        /* running: when the next attempt times out; 0: never */
    uint32_t place;                   /* in the limiter, see unit_placed(); 0: none */
    clock_ms began;                   /* running: since when; monotonic */
    bool queued;                      /* it is in the mailbox, linked by `link` */
    TAILQ_ENTRY(message) link;
    heap_node due_node; /* the next instant at which time alone changes something */
    TAILQ_HEAD(, message_waiter) waiters;
    double progress; /* 0 to 1 as told by a worker; negative: never told */
    char *note;
    fallback *fallback; /* it is asked, or has been; owned; or NULL */

    /* the end; guarded by the unit's lock until final, then never changed */
    rpc_code outcome; /* RPC_OK when done */
    char *reply;      /* one JSON text, or NULL */
    size_t reply_len;
    char *error;          /* a sentence, or NULL */
    clock_ms retry_after; /* of outcome RPC_BREAKER_OPEN, in ms; negative: unknown */
    message_failure *failures;
    size_t failure_count; /* kept; the oldest go first */
    char *stderr_tail;    /* of the last failed attempt, or NULL */
    size_t stderr_len;
    clock_ms finished; /* monotonic */

    /* the ledger's */
    table_node by_id, by_key;
    message_kept kept_as;
    bool in_keys;
    size_t bytes;
    TAILQ_ENTRY(message) kept;
};

/* Has its attempts' outcome ceased to matter? Under the unit's lock. */
static inline bool message_settled(const message *m)
{
    return message_state_final(m->state) || m->fallback;
}

/* A new message with one reference and a copy of the payload, not accepted by anybody yet. Takes a
 * reference to `unit`. NULL when out of memory. */
message *message_new(struct unit *unit, const char *payload, size_t len);

message *message_hold(message *m);
void message_release(message *m); /* NULL is fine */

/* The attempts begun, hedges included. Under the unit's lock. */
static inline unsigned message_attempt_count(const message *m)
{
    return m->retry.attempts + m->hedges;
}

/* Note a failed attempt's error, keeping the newest. Under the unit's lock. */
void message_add_failure(message *m, unsigned attempt, const char *error);
/* Of the newest failure: so long is waited for the next attempt. Under the unit's lock. */
void message_add_wait(message *m, clock_ms wait);
/* What is known of an attempt's failure, or NULL. Under the unit's lock. */
const char *message_failure_of(const message *m, unsigned attempt);
/* The failure that counts, or NULL: the newest, but the first attempt's when all attempts of its
 * last call have failed. Under the unit's lock. */
const char *message_last_error(const message *m);

/* It is final and nobody will read the payload again. Under the unit's lock. */
void message_drop_payload(message *m);

/* Bytes of memory it keeps, roughly. Under the unit's lock, or final. */
size_t message_bytes(const message *m);

/* {"message":…,"to":…,"state":…,…}: the result of message.get. Takes the unit's lock. */
void message_put(json_out *out, message *m);

/* "failures":[…]: the failed attempts that are kept, as a member. Under the unit's lock, or final.
 */
void message_put_failures(json_out *out, const message *m);

/* The error object's code, sentence and extra members of a final message that isn't done. Under the
 * unit's lock. */
rpc_code message_error(message *m, char text[RPC_MESSAGE_MAX + 1], json_out *members);

#endif
