#include "libactor/runq.h"

#include "libactor/barrier.h"

#define PREFER_MAX 16u /* slot or stack before a waiting ring */

void actor__runq_init(actor__runq *q)
{
    actor_lock_init(&q->lock);
    actor__barrier_init();
}

void actor__runq_destroy(actor__runq *q)
{
    actor_lock_destroy(&q->lock);
}

/* ---- The biased lock ----------------------------------------------------------------------- */

static void wait_for_claimer(actor__runq *q)
{
    store_release(&q->inside, 0);
    actor_lock_take(&q->lock);
    /* Before the unlock, so that the next one who claims sees it. */
    store_relaxed(&q->inside, 1);
    actor_lock_give(&q->lock);
}

static inline void enter(actor__runq *q)
{
    if (LIKELY(actor__barrier_cheap)) {
        store_relaxed(&q->inside, 1);
        atomic_signal_fence(memory_order_seq_cst);
    } else {
        store_strong(&q->inside, 1);
    }
    if (UNLIKELY(load_strong(&q->claimed) != 0))
        wait_for_claimer(q);
}

static inline void leave(actor__runq *q)
{
    store_release(&q->inside, 0);
}

static void unclaim(actor__runq *q) LOCK_UNCHECKED
{
    store_release(&q->claimed, 0);
    actor_lock_give(&q->lock);
}

/* False: the owner is inside just now. */
static bool claim(actor__runq *q) LOCK_UNCHECKED
{
    actor_lock_take(&q->lock);
    store_strong(&q->claimed, 1);
    actor__barrier_heavy();
    if (load_strong(&q->inside) == 0)
        return true;
    unclaim(q);
    return false;
}

/* ---- The parts, by who is in --------------------------------------------------------------- */

static actor *ring_push(actor__runq *q, actor *a)
{
    uint32_t count = load_relaxed(&q->ring_count);

    if (count == ACTOR__RING)
        return a;
    q->ring[(q->ring_first + count) % ACTOR__RING] = a;
    store_release(&q->ring_count, count + 1);
    return NULL;
}

static actor *ring_pop(actor__runq *q)
{
    uint32_t count = load_relaxed(&q->ring_count);

    if (count == 0)
        return NULL;
    store_relaxed(&q->ring_count, count - 1);
    return q->ring[q->ring_first++ % ACTOR__RING];
}

static actor *fresh_pop_oldest(actor__runq *q)
{
    uint32_t count = load_relaxed(&q->fresh_count);

    if (count == 0)
        return NULL;
    store_relaxed(&q->fresh_count, count - 1);
    return q->fresh[q->fresh_first++ % ACTOR__FRESH];
}

static actor *fresh_pop(actor__runq *q)
{
    uint32_t count = load_relaxed(&q->fresh_count);

    if (count == 0)
        return NULL;
    store_relaxed(&q->fresh_count, count - 1);
    return q->fresh[(q->fresh_first + count - 1) % ACTOR__FRESH];
}

static actor *slot_pop(actor__runq *q)
{
    actor *a = q->slot;

    q->slot = NULL;
    return a;
}

/* ---- Owner --------------------------------------------------------------------------------- */

actor *actor__runq_woken(actor__runq *q, actor *a)
{
    enter(q);
    if (load_relaxed(&q->ring_count) != 0) {
        a = ring_push(q, a);
    } else {
        actor *before = q->slot;

        q->slot = a;
        a = before == NULL ? NULL : ring_push(q, before);
    }
    leave(q);
    return a;
}

actor *actor__runq_spawned(actor__runq *q, actor *a)
{
    actor *oldest = NULL;

    enter(q);

    uint32_t count = load_relaxed(&q->fresh_count);

    if (count == ACTOR__FRESH) {
        oldest = ring_push(q, fresh_pop_oldest(q));
        count--;
    }
    q->fresh[(q->fresh_first + count) % ACTOR__FRESH] = a;
    store_release(&q->fresh_count, count + 1);
    leave(q);
    return oldest;
}

actor *actor__runq_add(actor__runq *q, actor *a)
{
    enter(q);
    a = ring_push(q, a);
    leave(q);
    return a;
}

actor *actor__runq_take(actor__runq *q)
{
    actor *a = NULL;

    enter(q);
    if (q->preferred < PREFER_MAX) {
        q->preferred++;
        if ((a = slot_pop(q)) == NULL)
            a = fresh_pop(q);
    }
    if (a == NULL) {
        q->preferred = 0;
        if ((a = ring_pop(q)) == NULL && (a = slot_pop(q)) == NULL)
            a = fresh_pop(q);
    }
    leave(q);
    return a;
}

uint32_t actor__runq_cut(actor__runq *q, actor **first, actor **last)
{
    uint32_t n = 0;

    *first = NULL;
    enter(q);
    for (uint32_t half = load_relaxed(&q->ring_count) / 2; n < half; n++) {
        actor *a = ring_pop(q);

        if (*first == NULL)
            *first = a;
        else
            (*last)->next = a;
        *last = a;
    }
    leave(q);
    return n;
}

/* ---- Others -------------------------------------------------------------------------------- */

uint32_t actor__runq_steal(actor__runq *to, actor__runq *from)
{
    actor *loot[ACTOR__RING / 2];
    uint32_t n = 0;

    if (!actor__runq_tempting(from) || !claim(from))
        return 0;

    uint32_t ring = load_relaxed(&from->ring_count);
    uint32_t fresh = load_relaxed(&from->fresh_count);

    for (uint32_t want = ring - ring / 2; n < want; n++)
        loot[n] = ring_pop(from);
    if (ring == 0)
        for (uint32_t want = fresh - fresh / 2; n < want; n++)
            loot[n] = fresh_pop_oldest(from);
    unclaim(from);
    /* There is place: it is empty, and nobody else adds. */
    enter(to);
    for (uint32_t i = 0; i < n; i++)
        (void)ring_push(to, loot[i]);
    leave(to);
    return n;
}

actor *actor__runq_steal_slot(actor__runq *from)
{
    if (!claim(from))
        return NULL;

    actor *a = slot_pop(from);

    unclaim(from);
    return a;
}
