/* The timers of an actor's incarnation. Handler context, all but the firing. */
#ifndef ACTOR_TIMER_H
#define ACTOR_TIMER_H

#include "libactor/slot.h"
#include "libactor/wheel.h"

struct actor__worker;

/* Arm a timer that becomes a message of `kind`. */
actor_err actor__timer_arm(actor *a, actor_ms delay, actor__kind kind, uint16_t type, uint64_t tag,
                           actor_timer **out);

/* Its turn came: no timer any more but a message without payload.
 * False: it was cancelled; the message is to be freed. */
bool actor__timer_handled(actor *a, actor_msg *m);

void actor__timer_cancel(actor *a, actor_timer *t);

/* The incarnation is over. */
void actor__timer_cancel_all(actor *a);

/* Send what is due on that worker's wheel. Returns how many. */
unsigned actor__timer_fire(struct actor__worker *w, actor_ms now);

#endif
