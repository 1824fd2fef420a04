/* Incarnations: how they begin and end. The essay is in lifecycle.c. */
#ifndef ACTOR_LIFECYCLE_H
#define ACTOR_LIFECYCLE_H

#include "libactor/run.h"

/* actor.signals */
enum {
    ACTOR__URGENT = 1u << 0, /* the mailbox holds something of another priority, or `locked` does */
    ACTOR__START = 1u << 1,
    ACTOR__HALT = 1u << 2,
    ACTOR__HALT_KILL = 1u << 3,
    ACTOR__STOP = 1u << 4,
    ACTOR__KILL = 1u << 5,
    ACTOR__PILL = 1u << 6, /* for ever: the pill is in the mailbox, or was */
    ACTOR__PAUSE = 1u << 7,
    ACTOR__RESUME = 1u << 8,
    ACTOR__PURGE = 1u << 9,
    ACTOR__AGAIN = 1u << 10, /* nothing new, but what had to wait may go on */

    /* The ones that ask for something to be done. */
    ACTOR__ORDERS = ~(ACTOR__URGENT | ACTOR__PILL),
};

/* Set and clear signals, and see to it that the actor looks at them. Any thread that is online. */
void actor__signal(actor *a, uint32_t set, uint32_t clear);

/* Consumer: do what the signals say. ACTOR__GONE; ACTOR__GAP: some have to wait. */
actor__after actor__lifecycle_signals(actor__worker *w, actor *a);

/* Consumer: a callback of the actor returned this. True: the actor is gone. */
bool actor__lifecycle_verdict(actor__worker *w, actor *a, actor_verdict verdict);

/* Consumer: the poison pill was reached. True: the actor is gone. */
bool actor__lifecycle_drained(actor__worker *w, actor *a);

/* End it without asking it: its system is freed and nobody runs it any more. */
void actor__lifecycle_abandon(actor *a);

#endif
