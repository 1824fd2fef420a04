/* hedge: further attempts beside one that takes long, for calls that may be made twice.
 *
 * A call is a first attempt and up to `max` hedges. One more is wanted when `after` has passed
 * since the last one began, or at once when one has failed, whichever comes first; each is wanted
 * once, and begins when it can. The first success is the call's answer, and the others are given
 * up. The call has failed when no attempt is left and none is wanted; the failure that counts is
 * then the first attempt's (Polly's hedging; retry.md RT-78 to RT-84).
 *
 * Pure: the caller begins and ends the attempts and says what time it is.
 * Threads  none of its own: one user at a time.
 */
#ifndef SUPERVISORS_HEDGE_H
#define SUPERVISORS_HEDGE_H

#include "libactor/actor.h"

#include <stdbool.h>
#include <stdint.h>

#define HEDGE_NEVER INT64_MAX

typedef struct hedge_policy {
    actor_ms after; /* 0: all at once */
    uint32_t max;   /* hedges of one call; 0: off */
} hedge_policy;

typedef struct hedge_call {
    uint32_t out;  /* attempts begun and not over */
    uint32_t left; /* hedges that may still be wanted */
    bool wanted;   /* one is to begin */
    actor_ms next; /* when the next will be wanted; HEDGE_NEVER */
} hedge_call;

/* A call's first attempt begins. */
void hedge_first(hedge_call *c, const hedge_policy *p, actor_ms now);

/* Time has passed. True: a hedge is wanted that was not before. */
bool hedge_tick(hedge_call *c, actor_ms now);

/* The hedge that is wanted begins. */
void hedge_begun(hedge_call *c, const hedge_policy *p, actor_ms now);

/* It can't begin (no budget, no permit), and no other will be wanted.
 * True: nothing is left, the call has failed. */
bool hedge_refused(hedge_call *c);

/* An attempt has failed, and another is wanted if one is left.
 * True: nothing is left, the call has failed. */
bool hedge_failed(hedge_call *c);

/* An attempt counts as never begun.
 * True: no other is in hand: so does the call. */
bool hedge_returned(hedge_call *c);

#endif
