/* Messages that left the mailbox but wait: the consumer's private lists, one a priority.
 *
 * The mailbox is one queue in order of arrival. When something of another priority is in it, or the
 * actor does not handle user messages now, the consumer moves all of it here, and serves the lanes
 * from the highest down until they are empty again. A lane is circular: the slot keeps the last
 * message, whose `next` is the first.
 *
 * Mailboxes that drop their oldest message can't be an intrusive queue, since producers don't pop:
 * their user messages wait in a `struct actor__locked` and are counted there; the mailbox itself
 * carries only what is the system's.
 */
#ifndef ACTOR_LANES_H
#define ACTOR_LANES_H

#include "libactor/slot.h"

typedef struct actor__locked {
    actor_lock lock;
    actor_msg *lanes[ACTOR_SYSTEM] LOCK_GUARDED_BY(lock);
    uint32_t count LOCK_GUARDED_BY(lock);
    bool closed LOCK_GUARDED_BY(lock);
} actor__locked;

/* On a list by its last message. */
void actor__list_push(actor_msg **last, actor_msg *m);
void actor__list_push_front(actor_msg **last, actor_msg *m);
actor_msg *actor__list_pop(actor_msg **last); /* NULL: empty */

/* A message that came out of the mailbox: to its lane, or to where it must go now. */
void actor__lanes_accept(actor *a, actor_msg *m);

/* Put back: behind those that were put back before, before all others of its lane. */
void actor__lanes_return(actor *a, actor_msg *m);

/* The first of a lane, or of the locked lane of the same priority. NULL: none. */
actor_msg *actor__lanes_pop(actor *a, unsigned priority);

/* Whether nothing waits but in the mailbox itself. */
bool actor__lanes_empty(const actor *a);

/* No user message waits in the lanes (the system's may). */
bool actor__lanes_no_user(const actor *a);

/* All waiting user messages become dead letters. */
void actor__lanes_purge(actor *a, actor_err why);

/* Queue in a locked mailbox. What had to make place, perhaps `m` itself, is *dropped, and why. */
actor_err actor__locked_push(actor *a, actor_msg *m, actor_msg **dropped);

/* Nothing more comes in: what is sent now is behind the poison pill, or the stop. */
void actor__locked_close(actor *a);

#endif
