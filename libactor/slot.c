#include "libactor/slot.h"

#include <stdlib.h>
#include <string.h>

#include "libactor/dead.h"
#include "libactor/memory.h"
#include "libactor/system.h"
#include "libactor/table.h"

#define LOOK_EVERY  1024u /* slots a busy thread retires before it looks for threads at rest */
#define LOCAL_MAX   128u  /* free slots a thread keeps to itself */
#define LOCAL_BATCH 64u   /* slots that change hands at a time */

static actor_lock lock = ACTOR_LOCK_INIT;
/* Retired slots in batches, oldest first. A batch is a list by `next`; its first slot, nobody's
 * now, carries its stamp and the link to the next batch. */
static actor *first_batch LOCK_GUARDED_BY(lock);
static actor *last_batch LOCK_GUARDED_BY(lock);
static _Atomic uint32_t waiting;

static uint64_t *batch_stamp(actor *first)
{
    return &first->supervisor.bits;
}

static void **batch_next(actor *first)
{
    return &first->arg;
}

static bool refill(actor__thread *t)
{
    t->free_slots = actor__table_take(LOCAL_BATCH, &t->free_count);
    return t->free_slots != NULL;
}

actor *actor__slot_get(void)
{
    actor__thread *t = &actor__me;

    if (actor__alloc_fails() || (t->free_slots == NULL && !refill(t)))
        return NULL;

    actor *a = t->free_slots;

    t->free_slots = a->next;
    t->free_count--;
    /* All but index and generation; atomics too: nobody else is here. */
    store_relaxed(&a->count, 0);
    store_relaxed(&a->named, false);
    a->next = NULL;
    a->ext = NULL;
    memset(&a->tail, 0, sizeof(*a) - offsetof(actor, tail));
    a->tail = &a->stub;
    store_relaxed(&a->head, (uintptr_t)&a->stub);
    return a;
}

actor_ref actor__slot_publish(actor *a)
{
    uint32_t generation = load_relaxed(&a->generation) + 1;

    store_release(&a->generation, generation);
    return actor__ref(a->index, generation);
}

void actor__slot_put(actor *a)
{
    actor__thread *t = &actor__me;

    a->next = t->free_slots;
    t->free_slots = a;
    if (++t->free_count <= LOCAL_MAX)
        return;

    actor *keep = t->free_slots;

    for (uint32_t i = 1; i < LOCAL_BATCH; i++)
        keep = keep->next;
    actor__table_give(keep->next, false);
    keep->next = NULL;
    t->free_count = LOCAL_BATCH;
}

void actor__slot_retire(actor *a)
{
    actor__thread *t = &actor__me;

    a->next = NULL;
    if (t->limbo == NULL)
        t->limbo = a;
    else
        t->limbo_last->next = a;
    t->limbo_last = a;
    t->limbo_count++;
}

/* Count the list's slots as waiting (1) or not any more (-1), here and at their systems: with one
 * read-modify-write for many, as the slots of a batch are mostly of one system. */
static void account(const actor *list, int sign)
{
    while (list != NULL) {
        actor_system *sys = list->sys;
        uint32_t n = 0;

        for (; list != NULL && list->sys == sys; list = list->next)
            n += (uint32_t)sign;
        if (sys != NULL)
            atomic_fetch_add(&sys->unburied, n);
        atomic_fetch_add_explicit(&waiting, n, memory_order_relaxed);
    }
}

static void stamp_limbo(void)
{
    actor__thread *t = &actor__me;
    actor *first = t->limbo;

    if (first == NULL)
        return;
    t->limbo = NULL;
    t->limbo_total += t->limbo_count;
    t->limbo_count = 0;
    account(first, 1);
    actor_lock_take(&lock);
    /* Under the lock, so that the batches' stamps are in order. */
    *batch_stamp(first) = actor__epoch_stamp();
    *batch_next(first) = NULL;
    if (first_batch == NULL)
        first_batch = first;
    else
        *batch_next(last_batch) = first;
    last_batch = first;
    actor_lock_give(&lock);
}

/* The oldest batch, if its time has come. */
static actor *passed_batch(uint64_t safe)
{
    actor_lock_take(&lock);

    actor *first = first_batch;

    if (first != NULL && *batch_stamp(first) > safe)
        first = NULL;
    if (first != NULL)
        first_batch = *batch_next(first);
    actor_lock_give(&lock);
    return first;
}

/* Bury and free what is in a batch. */
static void reuse(actor *first)
{
    for (actor *a = first; a != NULL; a = a->next)
        actor__dead_bury(a);
    account(first, -1); /* the last look at their systems */
    while (first != NULL) {
        actor *next = first->next;

        /* A generation that wrapped would name another actor: the slot has served. */
        if (load_relaxed(&first->generation) != 0)
            actor__slot_put(first);
        first = next;
    }
}

static bool reclaim(bool thorough)
{
    if (load_relaxed(&waiting) == 0)
        return false;

    uint64_t safe = actor__epoch_safe(thorough);
    actor *first;

    while ((first = passed_batch(safe)) != NULL)
        reuse(first);
    return load_relaxed(&waiting) != 0;
}

bool actor__slot_reclaim(bool idle)
{
    actor__thread *t = &actor__me;

    stamp_limbo();
    if (!reclaim(false))
        return false;
    if (!idle && t->limbo_total < LOOK_EVERY)
        return true;
    t->limbo_total = 0;
    return reclaim(true);
}

uint32_t actor__slot_waiting(void)
{
    return load_relaxed(&waiting);
}

static int by_serial(const void *a, const void *b)
{
    uint32_t x = (*(actor *const *)a)->serial;
    uint32_t y = (*(actor *const *)b)->serial;

    return (x > y) - (x < y);
}

/* The next live slot of `sys` at *index or after. */
static actor *next_of(const actor_system *sys, uint32_t *index)
{
    for (; *index < ACTOR__CHUNK * ACTOR__CHUNKS; ++*index) {
        actor *chunk = load_acquire(&actor__chunks[*index >> ACTOR__CHUNK_BITS]);

        if (chunk == NULL)
            return NULL;

        actor *a = &chunk[*index % ACTOR__CHUNK];

        if ((load_acquire(&a->generation) & 1u) != 0 && a->sys == sys)
            return a;
    }
    return NULL;
}

void actor__slot_each(actor_system *sys, void (*visit)(actor *a))
{
    size_t count = 0;
    actor *a;

    actor__online();
    for (uint32_t i = 0; next_of(sys, &i) != NULL; i++)
        count++;

    actor **all = count == 0 ? NULL : calloc(count, sizeof(actor *));
    size_t found = 0;

    for (uint32_t i = 0; (a = next_of(sys, &i)) != NULL; i++) {
        if (found < count && all != NULL)
            all[found++] = a;
        else
            visit(a); /* no memory for the order, or spawned just now */
    }
    if (all != NULL)
        qsort(all, found, sizeof(actor *), by_serial);
    for (size_t i = 0; i < found; i++)
        visit(all[i]);
    free(all);
    actor__offline();
}

void actor__slot_give_free(void)
{
    actor__table_give(actor__me.free_slots, true);
    actor__me.free_slots = NULL;
    actor__me.free_count = 0;
}

void actor__slot_thread_ends(void)
{
    stamp_limbo();
    actor__slot_give_free();
}
