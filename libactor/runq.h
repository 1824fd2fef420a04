/* A worker's run queue: what is ready on it, in three parts.
 *
 *   slot   an actor that was woken while the list was empty: the receiver of a fresh message runs
 *          on the core that has it in its cache, and a pair that plays ping-pong stays together.
 *          While others wait, fair turns are also faster: messages gather, and a batch has more
 *   fresh  a stack of actors just spawned: a tree of them grows depth first, in little memory
 *   list   all others, oldest first, linked by `next`; of any length
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

#define ACTOR__FRESH 64u

typedef struct actor__runq {
    /* The owner's, but while another has claimed them. */
    alignas(ACTOR__LINE) _Atomic uint32_t inside;
    _Atomic uint32_t count; /* of the list; these four are also looked at without the lock */
    _Atomic uint32_t taken; /* from the list, ever */
    _Atomic uint32_t fresh_count;
    _Atomic uint32_t fresh_first; /* the oldest */
    unsigned preferred;           /* times in a row that slot or stack went before the list */
    actor *slot;
    actor *first;
    actor *last;

    alignas(ACTOR__LINE) _Atomic uint32_t claimed;
    actor_lock lock; /* of who claims */

    alignas(ACTOR__LINE) actor *fresh[ACTOR__FRESH];
} actor__runq;

void actor__runq_init(actor__runq *q);
void actor__runq_destroy(actor__runq *q);

/* Owner. */
void actor__runq_woken(actor__runq *q, actor *a);   /* to the slot, or to the list */
void actor__runq_spawned(actor__runq *q, actor *a); /* to the stack */
void actor__runq_add(actor__runq *q, actor *a);     /* to the list's end */

/* Owner: what to run next. NULL: it is empty. */
actor *actor__runq_take(actor__runq *q);

/* Owner: the oldest `n`, as a list by `next`; there are more. */
void actor__runq_cut(actor__runq *q, uint32_t n, actor **first, actor **last);

/* The owner of `to`, which is empty, moves half of another's list there, or of its stack; of one,
 * all. Returns how many. */
uint32_t actor__runq_steal(actor__runq *to, actor__runq *from);

/* Another worker: what is in the slot. NULL: nothing. */
actor *actor__runq_steal_slot(actor__runq *from);

/* Whether others might find something to steal. Any thread. */
static inline bool actor__runq_tempting(actor__runq *q)
{
    return load_acquire(&q->count) != 0 || load_acquire(&q->fresh_count) != 0;
}

/* What somebody saw of a queue: to tell later whether its owner gets on with it. */
typedef struct actor__runq_look {
    uint32_t end;    /* what had to be taken to reach the list's end */
    uint32_t oldest; /* of the stack */
    bool fresh;      /* something was in it */
} actor__runq_look;

/* Look again. True: something that waited at the last look still waits. Any thread. */
bool actor__runq_stale(actor__runq *q, actor__runq_look *look);

#endif
