/* A hierarchical timer wheel (Varghese and Lauck, 1987), one per worker, with ticks of 1 ms.
 *
 * Level L has 64 slots of 64^L ticks. A timer sits at the level of the highest group of 6 bits in
 * which its deadline differs from the wheel's time; so all timers of a level are in its future
 * slots, the lowest occupied level holds the earliest, and its lowest occupied slot is the next
 * event: an expiry at level 0, a distribution to the levels below otherwise. Adding and removing
 * is O(1), finding the next event too.
 *
 * A timer is armed on the wheel of the worker that runs its actor, but may be removed by another,
 * after the actor moved: hence the lock. The wheel's worker fires its timers; another may when that
 * one is stuck in a handler.
 */
#ifndef ACTOR_WHEEL_H
#define ACTOR_WHEEL_H

#include "libactor/msg.h"

#define ACTOR__WHEEL_LEVELS 8 /* 2^48 ms: more than anybody waits */
#define ACTOR__NEVER        INT64_MAX

/* The block is the message that it becomes. */
struct actor_timer {
    actor_msg msg;     /* node: next in its slot; size: place, see below; sender: the actor */
    actor_timer *prev; /* in its slot; of the first: the last */
    uint64_t when;     /* deadline << 16 | index of its worker */
    actor_timer *own_next, *own_prev; /* the actor's timers; own_next is itself: cancelled */
};
static_assert(sizeof(actor_timer) == 64, "a pending timer is one cache line");

/* msg.size while it is a timer: level << 8 | slot, or that it has left the wheel. Written under
 * the wheel's lock. */
#define ACTOR__TIMER_FIRED UINT32_MAX

#define ACTOR__WHEEL_HORIZON ((int64_t)1 << 47) /* deadlines are clamped to this */

typedef struct actor__wheel {
    actor_lock lock;
    bool alone;
    actor_ms now LOCK_GUARDED_BY(lock); /* all up to it has fired */
    uint64_t occupied[ACTOR__WHEEL_LEVELS] LOCK_GUARDED_BY(lock);
    actor_timer *slots[ACTOR__WHEEL_LEVELS][64] LOCK_GUARDED_BY(lock);
    _Atomic uint32_t count; /* armed; written under the lock */
} actor__wheel;

/* alone: only one thread will ever use it, and there is no need for the lock. */
void actor__wheel_init(actor__wheel *w, bool alone);
void actor__wheel_destroy(actor__wheel *w); /* empty */

/* Arm; `now` may be a little old. */
void actor__wheel_add(actor__wheel *w, actor_timer *t, actor_ms now);

/* Take an armed timer out. False: it fired already, and is a message on its way. */
bool actor__wheel_remove(actor__wheel *w, actor_timer *t);

/* Move time on, up to and including `now`. Returns what expired, a list by `prev` in order
 * of their deadlines. */
actor_timer *actor__wheel_advance(actor__wheel *w, actor_ms now);

/* When there is something to do: never after the next deadline, perhaps before it.
 * ACTOR__NEVER: nothing is armed. */
actor_ms actor__wheel_next(actor__wheel *w);

/* The next deadline itself. May look at all timers of one slot. */
actor_ms actor__wheel_deadline(actor__wheel *w);

static inline actor_ms actor__timer_deadline(const actor_timer *t)
{
    return (actor_ms)(t->when >> 16);
}

#endif
