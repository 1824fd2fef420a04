/* Kinds of actor: what happens with a message once it may begin.
 *
 * A kind is a row of functions (kind.c lists them). Everything about waiting, retrying, limits and
 * counting is delivery.c's business, once for all kinds. A kind only carries out attempts:
 *
 *     begin ──> attempt_done | attempt_failed | attempt_rejected ──> attempt_release
 *                  (the message's outcome, at most once)               (the slot is free)
 *
 * All functions run in the unit's actor, one at a time. `cancel` asks to give up an attempt whose
 * message has ended otherwise (cancelled, expired, timed out): the outcome is settled already, only
 * attempt_release() is still due, now or when the work has really ended.
 */
#ifndef DAEMON_KIND_H
#define DAEMON_KIND_H

#include "daemon/message.h"
#include "daemon/runner.h"
#include "daemon/unit.h"
#include "libactor/actor.h"
#include "supervisors/breaker.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct delivery delivery;
typedef struct kind kind;

/* One attempt in hand; kinds put it first in a struct of their own. */
typedef struct attempt {
    TAILQ_ENTRY(attempt) link;
    message *message;             /* referenced; NULL once the outcome is settled */
    TAILQ_ENTRY(attempt) sibling; /* of the message's; until then */
    unsigned number;              /* from 1 */
    bool hedge;                   /* it is a further one beside another */
    bool told;                    /* `cancel` was called */
    clock_ms deadline;            /* when it times out; 0: never */
    clock_ms retry_after;  /* the delay that the other side asked for, in ms; or RETRY_NOT_TOLD */
    breaker_permit permit; /* of the unit's breaker, while the message is in hand */
} attempt;

TAILQ_HEAD(attempts, attempt);

/* The state of one incarnation of a runner's actor. */
struct delivery {
    unit *unit;
    runner *runner;
    const kind *kind; /* of this incarnation: a reload may change the unit's */
    void *state;      /* the kind's, state_size bytes, zeroed */
    struct attempts attempts;
    size_t attempt_count;
    size_t hedge_count; /* of them */
    bool ready;         /* attempts may begin */
    bool stopping;      /* actor_stopped() is due when nothing is left */
    bool finishing;     /* then: the kind's stop is due when nothing is in hand */
    bool busy;          /* the kind has something to wait for before it is stopped */
    bool crash;         /* a failed message takes the actor down (on_failure: crash) */
    bool starved;       /* out of memory: a timer looks again */
    char ended[128];    /* how a process ended, for the messages it had; "": it didn't */
};

struct kind {
    config_kind kind;
    size_t attempt_size; /* at least sizeof(attempt) */
    size_t state_size;
    bool strict; /* a hedge needs a credit like any attempt; else it has a slot of its own */
    /* Begin an incarnation; NULL: nothing to do. ACTOR_PENDING: delivery_started() follows. */
    actor_verdict (*start)(actor *self, delivery *d);
    void (*begin)(actor *self, delivery *d, attempt *a);
    void (*cancel)(actor *self, delivery *d, attempt *a);
    /* A UNIT_MSG_KIND or UNIT_MSG_TIMER message, and UNIT_MSG_TIMER's tag. NULL: there are none. */
    actor_verdict (*event)(actor *self, delivery *d, actor_msg *msg);
    /* End the incarnation; may come twice (see actor_behaviour). Sets d->busy while it waits for
     * something besides the attempts in hand. With ACTOR_HOW_CRASH everything has to go at once.
     * Attempts it doesn't release stay. NULL: nothing to do. */
    void (*stop)(actor *self, delivery *d, actor_how how);
    void (*free_state)(void *state); /* NULL: nothing in it */
};

/* The kind of a child; NULL for a supervisor. */
const kind *kind_find(config_kind which);

/* The behaviour of every runner's actor; its arg is the runner. */
extern const actor_behaviour delivery_behaviour;

/* ---- for kinds ---- */

void delivery_started(actor *self, delivery *d);
/* d->busy may have become false. */
void delivery_settled(actor *self, delivery *d);

/* The incarnation is over: what it still has in hand is charged to a crash (or to a kill that was
 * meant for this actor), and goes back uncharged when it only falls with its siblings. */
void delivery_drop(delivery *d, bool crashed);

/* The reply is one JSON text, malloc'd, and taken; NULL is answered as null. */
void attempt_done(delivery *d, attempt *a, char *reply, size_t len);
/* Failed: the retry policy decides. */
void attempt_failed(delivery *d, attempt *a, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Refused for good: a dead letter at once. */
void attempt_rejected(delivery *d, attempt *a, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As if it had never begun: back to the front of the mailbox. */
void attempt_return(delivery *d, attempt *a);
/* What the program wrote to stderr last; before the outcome. */
void attempt_stderr(delivery *d, attempt *a, const char *bytes, size_t len);
/* The slot is free. `a` is gone. */
void attempt_release(delivery *d, attempt *a);

/* ---- for delivery.c ---- */

/* It begins: with its message, which has begun, and its permit. Under the unit's lock. */
void attempt_begin(delivery *d, attempt *a, message *m, bool hedge, clock_ms now);
/* The hedge that m waits for can't begin, and that was all: the call has failed. Under the unit's
 * lock. */
void attempt_call_failed(delivery *d, struct unit *u, message *m);
/* The permits of m's attempts go back to the breaker: it has ended otherwise, or the unit is about
 * to get another breaker. Under the unit's lock. */
void attempt_ignore(struct unit *u, message *m);

#endif
