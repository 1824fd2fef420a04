/* A worker's run queue: what is ready on it, in three parts.
 *
 *   slot   an actor that was woken while the ring was empty: the receiver of a fresh message runs
 *          on the core that has it in its cache, and a pair that plays ping-pong stays together.
 *          While others wait, fair turns are also faster: messages gather, and a batch has more
 *   fresh  a stack of actors just spawned: a tree of them grows depth first, in little memory
 *   ring   all others, oldest first
 *
 * The owner uses it all the time, others seldom: so it has a lock that is biased to the owner, who
 * takes it without any atomic read-modify-write.
 *
 *     owner                              another worker, holding `lock`
 *     inside = 1                         claimed = 1
 *     compiler barrier                   a barrier on all cores (membarrier(2))
 *     if claimed: step back, wait        if inside: give up
 *     ...                                ...
 *     inside = 0      (release)          claimed = 0     (release)
 *
 * The other's barrier falls somewhere into the owner's instructions. Is it after the owner's store,
 * the other sees `inside`; is it before, the owner's load comes later still and sees `claimed`. So
 * never both are in. Where the system has no such barrier the owner pays for a real one.
 */
#ifndef ACTOR_RUNQ_H
#define ACTOR_RUNQ_H

#include "libactor/base.h"
#include "libactor/slot.h"

#define ACTOR__RING  256u
#define ACTOR__FRESH 64u

typedef struct actor__runq {
    /* The owner's, but while another has claimed them. */
    alignas(ACTOR__LINE) _Atomic uint32_t inside;
    _Atomic uint32_t ring_count; /* these two are also looked at without the lock */
    _Atomic uint32_t fresh_count;
    uint32_t ring_first;
    uint32_t fresh_first; /* the oldest */
    unsigned preferred;   /* times in a row that slot or stack went before the ring */
    actor *slot;

    alignas(ACTOR__LINE) _Atomic uint32_t claimed;
    actor_lock lock; /* of who claims */

    alignas(ACTOR__LINE) actor *ring[ACTOR__RING];
    actor *fresh[ACTOR__FRESH];
} actor__runq;

void actor__runq_init(actor__runq *q);
void actor__runq_destroy(actor__runq *q);

/* Owner. Each returns an actor that finds no place any more, or NULL. */
actor *actor__runq_woken(actor__runq *q, actor *a);   /* to the slot, or to the ring */
actor *actor__runq_spawned(actor__runq *q, actor *a); /* to the stack */
actor *actor__runq_add(actor__runq *q, actor *a);     /* to the ring's end */

/* Owner: what to run next. NULL: it is empty. */
actor *actor__runq_take(actor__runq *q);

/* Owner: half of the ring, as a list by `next`. Returns how many. */
uint32_t actor__runq_cut(actor__runq *q, actor **first, actor **last);

/* The owner of `to` moves half of another's ring there, or of its stack; of one, all.
 * Returns how many. */
uint32_t actor__runq_steal(actor__runq *to, actor__runq *from);

/* Another worker: what is in the slot. NULL: nothing. */
actor *actor__runq_steal_slot(actor__runq *from);

/* Whether others might find something to steal. Any thread. */
static inline bool actor__runq_tempting(actor__runq *q)
{
    return load_acquire(&q->ring_count) != 0 || load_acquire(&q->fresh_count) != 0;
}

#endif
