#include "libactor/slot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libactor/dead.h"
#include "libactor/memory.h"
#include "libactor/system.h"

#define LOOK_EVERY  1024u /* slots a busy thread retires before it looks for threads at rest */
#define LOCAL_MAX   128u  /* free slots a thread keeps to itself */
#define LOCAL_BATCH 64u   /* slots that change hands at a time */
#define HUGE_PAGE   ((size_t)2 << 20)

static_assert(sizeof(actor) * ACTOR__CHUNK % HUGE_PAGE == 0, "chunks are made of huge pages");

actor *_Atomic actor__chunks[ACTOR__CHUNKS];

static actor_lock lock = ACTOR_LOCK_INIT;
static actor *free_slots LOCK_GUARDED_BY(lock);
static uint32_t fresh LOCK_GUARDED_BY(lock); /* index of the first slot never used */
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

static actor *new_chunk(void)
{
    const size_t bytes = sizeof(actor) * ACTOR__CHUNK;
    bool first = load_relaxed(&actor__chunks[0]) == NULL;
    char *chunk = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (chunk == MAP_FAILED)
        return NULL;

    /* Cut a whole number of huge pages out of it. */
    size_t before = -(uintptr_t)chunk & (HUGE_PAGE - 1);

    char *kept = chunk + before;

    munmap(kept + bytes, HUGE_PAGE - before);
    if (!first)
        (void)madvise(kept, bytes, MADV_HUGEPAGE); /* no matter if it can't */
    ACTOR__LEAK_ROOT(kept, bytes);
    if (before != 0)
        munmap(chunk, before);
    return (actor *)kept;
}

/* Up to `want` slots that were never used, as a list. */
static actor *carve(uint32_t want, uint32_t *got) LOCK_REQUIRES(lock)
{
    actor *list = NULL;
    actor *_Atomic *chunk = &actor__chunks[(fresh >> ACTOR__CHUNK_BITS) % ACTOR__CHUNKS];

    *got = 0;
    if (fresh == ACTOR__CHUNK * ACTOR__CHUNKS)
        return NULL;
    if (load_relaxed(chunk) == NULL) {
        actor *memory = new_chunk();

        if (memory == NULL)
            return NULL;
        store_release(chunk, memory);
    }
    /* In one chunk; handed out lowest index first. */
    uint32_t n = ACTOR__CHUNK - fresh % ACTOR__CHUNK;

    if (n > want)
        n = want;
    for (uint32_t i = n; i-- > 0;) {
        actor *a = &load_relaxed(chunk)[(fresh + i) % ACTOR__CHUNK];

        a->index = fresh + i;
        a->next = list;
        list = a;
    }
    fresh += n;
    *got = n;
    return list;
}

static bool refill(actor__thread *t)
{
    actor_lock_take(&lock);
    for (uint32_t i = 0; i < LOCAL_BATCH && free_slots != NULL; i++) {
        actor *a = free_slots;

        free_slots = a->next;
        a->next = t->free_slots;
        t->free_slots = a;
        t->free_count++;
    }
    if (t->free_slots == NULL)
        t->free_slots = carve(LOCAL_BATCH, &t->free_count);
    actor_lock_give(&lock);
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

/* Give the whole list to everybody. */
static void put_global(actor *list)
{
    if (list == NULL)
        return;

    actor *last = list;

    while (last->next != NULL)
        last = last->next;
    actor_lock_take(&lock);
    last->next = free_slots;
    free_slots = list;
    actor_lock_give(&lock);
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
    put_global(keep->next);
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

void actor__slot_thread_ends(void)
{
    stamp_limbo();
    put_global(actor__me.free_slots);
    actor__me.free_slots = NULL;
    actor__me.free_count = 0;
}
