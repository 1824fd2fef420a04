/* A worker's run queue: a ring that its owner fills and that everybody empties, oldest first.
 *
 * Only the owner writes `tail`; `head` is advanced by compare-and-swap, by the owner for one, by a
 * thief for half. A thief copies first and swaps after: an entry may be overwritten only when head
 * has passed it, and then the thief's swap fails. Release of tail pairs with the thief's acquire,
 * so it sees the actors as the owner left them.
 */
#ifndef ACTOR_RUNQ_H
#define ACTOR_RUNQ_H

#include "libactor/base.h"

#define ACTOR__RING 256u

typedef struct actor__ring {
    alignas(ACTOR__LINE) _Atomic uint32_t head;
    alignas(ACTOR__LINE) _Atomic uint32_t tail;
    actor *_Atomic at[ACTOR__RING];
} actor__ring;

static inline bool actor__ring_empty(actor__ring *r)
{
    return load_acquire(&r->head) == load_acquire(&r->tail);
}

/* Owner. False: full. */
static inline bool actor__ring_push(actor__ring *r, actor *a)
{
    uint32_t tail = load_relaxed(&r->tail);

    if (tail - load_acquire(&r->head) == ACTOR__RING)
        return false;
    store_relaxed(&r->at[tail % ACTOR__RING], a);
    store_release(&r->tail, tail + 1);
    return true;
}

/* Owner. NULL: empty. */
static inline actor *actor__ring_pop(actor__ring *r)
{
    uint32_t head = load_acquire(&r->head);

    while (head != load_relaxed(&r->tail)) {
        actor *a = load_relaxed(&r->at[head % ACTOR__RING]);

        if (atomic_compare_exchange_weak_explicit(&r->head, &head, head + 1, memory_order_acq_rel,
                                                  memory_order_acquire))
            return a;
    }
    return NULL;
}

/* The owner of `to`, which is empty, moves half of `from` there; of one, all. Returns how many. */
static inline uint32_t actor__ring_steal(actor__ring *to, actor__ring *from)
{
    uint32_t head = load_acquire(&from->head);
    uint32_t at = load_relaxed(&to->tail);

    for (;;) {
        uint32_t n = load_acquire(&from->tail) - head;

        n -= n / 2;
        if (n == 0)
            return 0;
        if (n <= ACTOR__RING / 2) { /* else head was old when tail was read */
            for (uint32_t i = 0; i < n; i++)
                store_relaxed(&to->at[(at + i) % ACTOR__RING],
                              load_relaxed(&from->at[(head + i) % ACTOR__RING]));
            if (atomic_compare_exchange_strong_explicit(
                    &from->head, &head, head + n, memory_order_acq_rel, memory_order_acquire)) {
                store_release(&to->tail, at + n);
                return n;
            }
        } else {
            head = load_acquire(&from->head);
        }
    }
}

#endif
