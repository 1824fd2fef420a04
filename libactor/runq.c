#include "libactor/runq.h"

#define LOOT_MAX 128u /* a thief goes through this many lines while the owner may wait */

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

void actor__runq_wait_for_claimer(actor__runq *q)
{
    store_release(&q->inside, 0);
    actor_lock_take(&q->lock);
    /* Before the unlock, so that the next one who claims sees it. */
    store_relaxed(&q->inside, 1);
    actor_lock_give(&q->lock);
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

/* The oldest `n` of more, or of as many. */
static void list_cut(actor__runq *q, uint32_t n, actor **first, actor **last)
{
    actor *a = q->first;

    *first = a;
    for (uint32_t i = 1; i < n; i++)
        a = a->next;
    *last = a;
    q->first = a->next;
    bump(&q->count, -n);
    bump(&q->taken, n);
}

static void list_append(actor__runq *q, uint32_t n, actor *first, actor *last)
{
    uint32_t count = load_relaxed(&q->count);

    last->next = NULL;
    if (count == 0)
        q->first = first;
    else
        q->last->next = first;
    q->last = last;
    store_release(&q->count, count + n);
}

static actor *fresh_pop_oldest(actor__runq *q)
{
    uint32_t count = load_relaxed(&q->fresh_count);

    if (count == 0)
        return NULL;
    store_relaxed(&q->fresh_count, count - 1);

    actor *a = q->fresh[load_relaxed(&q->fresh_first) % ACTOR__FRESH];

    bump(&q->fresh_first, 1);
    return a;
}

/* More than ACTOR__FRESH are no longer fresh. */
static void fresh_push(actor__runq *q, actor *a)
{
    if (load_relaxed(&q->fresh_count) == ACTOR__FRESH)
        actor__runq_list_push(q, fresh_pop_oldest(q));

    uint32_t count = load_relaxed(&q->fresh_count);

    q->fresh[(load_relaxed(&q->fresh_first) + count) % ACTOR__FRESH] = a;
    store_release(&q->fresh_count, count + 1);
}

/* ---- Owner --------------------------------------------------------------------------------- */

void actor__runq_spawned(actor__runq *q, actor *a)
{
    actor__runq_enter(q);
    fresh_push(q, a);
    actor__runq_leave(q);
}

void actor__runq_cut(actor__runq *q, uint32_t n, actor **first, actor **last)
{
    actor__runq_enter(q);
    list_cut(q, n, first, last);
    actor__runq_leave(q);
}

/* ---- Others -------------------------------------------------------------------------------- */

uint32_t actor__runq_steal(actor__runq *to, actor__runq *from)
{
    actor *fresh[ACTOR__FRESH];
    actor *first = NULL;
    actor *last = NULL;
    uint32_t n = 0;

    if (!actor__runq_tempting(from) || !claim(from))
        return 0;

    uint32_t count = load_relaxed(&from->count);
    uint32_t spawned = load_relaxed(&from->fresh_count);

    if (count != 0) {
        n = count - count / 2 < LOOT_MAX ? count - count / 2 : LOOT_MAX;
        list_cut(from, n, &first, &last);
    } else {
        for (uint32_t want = spawned - spawned / 2; n < want; n++)
            fresh[n] = fresh_pop_oldest(from);
    }
    unclaim(from);
    if (n == 0)
        return 0;
    actor__runq_enter(to);
    if (count != 0) {
        list_append(to, n, first, last);
    } else {
        for (uint32_t i = 0; i < n; i++)
            fresh_push(to, fresh[i]);
    }
    actor__runq_leave(to);
    return n;
}

actor *actor__runq_steal_slot(actor__runq *from)
{
    if (!claim(from))
        return NULL;

    actor *a = actor__runq_slot_pop(from);

    unclaim(from);
    return a;
}

bool actor__runq_stale(actor__runq *q, actor__runq_look *look)
{
    uint32_t taken = load_relaxed(&q->taken);
    uint32_t oldest = load_relaxed(&q->fresh_first);
    bool fresh = load_relaxed(&q->fresh_count) != 0;
    bool stale =
        (int32_t)(look->end - taken) > 0 || (fresh && look->fresh && oldest == look->oldest);

    *look = (actor__runq_look){taken + load_relaxed(&q->count), oldest, fresh};
    return stale;
}
