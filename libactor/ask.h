/* An actor's open asks: which continuation runs when one is answered.
 *
 * The asker alone decides what the outcome is: reply, timeout and "the request was dropped" are
 * all messages to it, and the first that finds the ask's entry removes it; the others fall to the
 * ground. An id is the entry's index and generation, so a late one never finds another ask, nor
 * one of another incarnation. "Dropped" needs no memory: the request's own block goes back.
 */
#ifndef ACTOR_ASK_H
#define ACTOR_ASK_H

#include "libactor/msg.h"

typedef struct actor__ask {
    actor_continuation then; /* NULL: free */
    void *arg;
    actor_timer *timer;  /* or NULL */
    uint32_t generation; /* of the current or next ask here */
    uint32_t next;       /* free entry after this one, plus 1 */
} actor__ask;

typedef struct actor__asks {
    actor__ask *entries;
    uint32_t size;
    uint32_t free; /* first free entry, plus 1 */
} actor__asks;

/* The outcome `how` came for the ask with this id: its continuation is called. `reply` or NULL. */
actor_verdict actor__ask_outcome(actor *a, uint64_t id, actor_err how, actor_msg *reply);

/* The incarnation is over: no continuation will run. Timers are the caller's. */
void actor__asks_clear(actor *a);

void actor__asks_free(actor__asks *asks);

/* The request is about to be freed unanswered: its block goes back to the asker, or is freed. */
void actor__ask_dropped(actor_msg *request);

#endif
