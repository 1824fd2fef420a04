/* The mailbox: an intrusive multi-producer single-consumer queue with an empty mark.
 *
 * `head` is the newest node, `tail` the one handled last; what hangs on tail->next waits. A push is
 * one exchange of head and then a link from the node before; in between there is a gap: the new
 * node is in the queue but can't be reached yet. The consumer then has nothing to do and is run
 * again later; the producer, who found the queue not empty, has not scheduled it.
 *
 * The low bit of head is the empty mark: all is handled, and nobody has scheduled the actor. The
 * consumer sets it as its last act. Who clears it, by an exchange (a push) or by a compare-and-swap
 * (a wake-up without a message), must schedule the actor; so it is run by one worker at a time.
 *
 * The node handled last stays in the queue as the one that the next push links to, and is freed
 * when the next one is reached. Each slot has a stub that takes this place when the queue is marked
 * empty, or when a handler takes the last message out.
 */
#ifndef ACTOR_MAILBOX_H
#define ACTOR_MAILBOX_H

#include "libactor/slot.h"

#define ACTOR__EMPTY ((uintptr_t)1)

/* Any thread that is online. Returns the newest node before, with the mark: if it was marked empty,
 * the caller must schedule the actor. */
static inline uintptr_t actor__mailbox_push(actor *a, actor__node *n)
{
    store_relaxed(&n->next, NULL);

    /* Release for the message, acquire for the consumer's line when the mark was there. */
    uintptr_t before = atomic_exchange_explicit(&a->head, (uintptr_t)n, memory_order_acq_rel);
    actor__node *last = (actor__node *)(before & ~ACTOR__EMPTY);

    store_release(&last->next, n);
    return before;
}

/* Clear the mark without a message. True: the caller must schedule the actor. */
static inline bool actor__mailbox_wake(actor *a)
{
    uintptr_t head = load_strong(&a->head);

    return (head & ACTOR__EMPTY) != 0 &&
           atomic_compare_exchange_strong(&a->head, &head, head & ~ACTOR__EMPTY);
}

/* Consumer: try to put the stub behind `last`, which has no successor yet, so that `last` is out.
 * With `mark` also mark as empty: then the consumer is none any more and may not touch the actor.
 * False: a producer came, and nothing changed. */
static inline bool actor__mailbox_close(actor *a, actor__node *last, uintptr_t mark)
{
    uintptr_t expected = (uintptr_t)last;

    if (last != &a->stub)
        store_relaxed(&a->stub.next, NULL);
    a->tail = &a->stub;
    /* Strong: pairs with the signaller, see lifecycle.c. */
    if (atomic_compare_exchange_strong(&a->head, &expected, (uintptr_t)&a->stub | mark))
        return true;
    a->tail = last;
    return false;
}

/* Consumer: the node handled last is `n`, the tail; take it out of the queue for good. Waits for a
 * producer that is just between its two steps; if that one lost its processor, gives it ours. */
void actor__mailbox_detach(actor *a, actor__node *n);

/* Consumer: move what can be reached into the lanes. False: there is a gap. */
bool actor__mailbox_drain(actor *a);

#endif
