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

#include "libactor/barrier.h"
#include "libactor/slot.h"

#define ACTOR__FRESH      64u
#define ACTOR__PREFER_MAX 16u /* slot or stack before a waiting list */

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

/* Owner: to the stack. */
void actor__runq_spawned(actor__runq *q, actor *a);

/* Owner: the oldest `n`, as a list by `next`; there are more. */
void actor__runq_cut(actor__runq *q, uint32_t n, actor **first, actor **last);

/* The owner of `to` moves half of another's list there, or of its stack; of one, all. Returns how
 * many. */
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

/* ---- The owner's, inline: each message may need them ---------------------------------------- */

/* Somebody has claimed the queue: until he is through. */
void actor__runq_wait_for_claimer(actor__runq *q);

static HOT void actor__runq_enter(actor__runq *q)
{
    if (LIKELY(actor__barrier_cheap)) {
        store_relaxed(&q->inside, 1);
        atomic_signal_fence(memory_order_seq_cst);
    } else {
        store_strong(&q->inside, 1);
    }
    if (UNLIKELY(load_strong(&q->claimed) != 0))
        actor__runq_wait_for_claimer(q);
}

static HOT void actor__runq_leave(actor__runq *q)
{
    store_release(&q->inside, 0);
}

static HOT void actor__runq_list_push(actor__runq *q, actor *a)
{
    uint32_t count = load_relaxed(&q->count);

    a->next = NULL;
    if (count == 0)
        q->first = a;
    else
        q->last->next = a;
    q->last = a;
    store_release(&q->count, count + 1);
}

static HOT actor *actor__runq_list_pop(actor__runq *q)
{
    uint32_t count = load_relaxed(&q->count);
    actor *a = q->first;

    if (count == 0)
        return NULL;
    q->first = a->next;
    store_relaxed(&q->count, count - 1);
    bump(&q->taken, 1);
    return a;
}

static HOT actor *actor__runq_fresh_pop(actor__runq *q)
{
    uint32_t count = load_relaxed(&q->fresh_count);

    if (count == 0)
        return NULL;
    store_relaxed(&q->fresh_count, count - 1);
    return q->fresh[(load_relaxed(&q->fresh_first) + count - 1) % ACTOR__FRESH];
}

static HOT actor *actor__runq_slot_pop(actor__runq *q)
{
    actor *a = q->slot;

    q->slot = NULL;
    return a;
}

/* To the slot, or to the list. */
static HOT void actor__runq_woken(actor__runq *q, actor *a)
{
    actor__runq_enter(q);
    if (load_relaxed(&q->count) == 0) {
        actor *before = q->slot;

        q->slot = a;
        a = before;
    }
    if (a != NULL)
        actor__runq_list_push(q, a);
    actor__runq_leave(q);
}

/* To the list's end. */
static HOT void actor__runq_add(actor__runq *q, actor *a)
{
    actor__runq_enter(q);
    actor__runq_list_push(q, a);
    actor__runq_leave(q);
}

/* What to run next. NULL: it is empty. */
static HOT actor *actor__runq_take(actor__runq *q)
{
    actor *a = NULL;

    actor__runq_enter(q);
    if (q->preferred < ACTOR__PREFER_MAX) {
        q->preferred++;
        if ((a = actor__runq_slot_pop(q)) == NULL)
            a = actor__runq_fresh_pop(q);
    }
    if (a == NULL) {
        q->preferred = 0;
        if ((a = actor__runq_list_pop(q)) == NULL && (a = actor__runq_slot_pop(q)) == NULL)
            a = actor__runq_fresh_pop(q);
    }
    actor__runq_leave(q);
    return a;
}

#endif
