#include "libactor/pool.h"

#include <stdlib.h>

#include "libactor/blocks.h"
#include "libactor/trim.h"

#define SURPLUS (128u << 10) /* bytes in a depot that are worth a wake-up to give them back */
#define SORT    16u          /* batches sorted in one step of giving back */

/* Blocks a magazine holds, by class. */
static const uint32_t batch[ACTOR__CLASSES] = {64, 64, 64, 64, 32, 32, 16, 8, 4};

typedef struct depot {
    alignas(ACTOR__LINE) actor_lock lock;
    actor_msg *batches LOCK_GUARDED_BY(lock); /* first messages of batches */
    uint32_t free LOCK_GUARDED_BY(lock);      /* blocks in these */
    uint32_t unused LOCK_GUARDED_BY(lock);    /* of them, not needed since the last mark */
    uint32_t unseen LOCK_GUARDED_BY(lock);    /* chunks that were not looked at since */
    actor__blocks blocks LOCK_GUARDED_BY(lock);
} depot;

#define DEPOT(block_)                                                                              \
    {                                                                                              \
        .lock = ACTOR_LOCK_INIT, .blocks = {.bytes = ACTOR__SMALLEST << (block_) }                 \
    }

static depot depots[ACTOR__CLASSES] = {
    DEPOT(0), DEPOT(1), DEPOT(2), DEPOT(3), DEPOT(4), DEPOT(5), DEPOT(6), DEPOT(7), DEPOT(8),
};

static bool swollen(const depot *d) LOCK_REQUIRES(d->lock)
{
    return (size_t)d->free * d->blocks.bytes > SURPLUS;
}

/* ---- Batches ------------------------------------------------------------------------------- */

/* In a depot a batch's first message leads to the next batch by its tag, and says its length in
 * its size. */
static void push_batch(depot *d, actor_msg *first, uint32_t count) LOCK_REQUIRES(d->lock)
{
    first->size = count;
    first->tag = (uintptr_t)d->batches;
    d->batches = first;
    d->free += count;
}

static actor_msg *pop_batch(depot *d, uint32_t *count) LOCK_REQUIRES(d->lock)
{
    actor_msg *first = d->batches;

    if (first == NULL)
        return NULL;
    *count = first->size;
    d->batches = (actor_msg *)(uintptr_t)first->tag;
    d->free -= *count;
    if (d->unused > d->free)
        d->unused = d->free;
    return first;
}

static void give_batch(unsigned block, actor_msg *first, uint32_t count, bool unused)
{
    depot *d = &depots[block];

    actor_lock_take(&d->lock);
    push_batch(d, first, count);
    if (unused)
        d->unused += count;
    if (swollen(d))
        actor__trim_want();
    actor_lock_give(&d->lock);
}

static void give_current(unsigned block, bool unused)
{
    actor__cache *c = &actor__me.cache[block];

    if (c->cur != NULL)
        give_batch(block, c->cur, batch[block] - c->room, unused);
    c->cur = NULL;
    c->room = 0;
}

/* New blocks from what the thread has for that. */
static actor_msg *carve(unsigned block, uint32_t *count)
{
    uint32_t bytes = ACTOR__SMALLEST << block;
    actor_msg *first = NULL;
    actor_msg *last = NULL;
    actor_msg *m;

    for (*count = 0; *count < batch[block]; ++*count) {
        if ((m = actor__extent_next(&actor__me.extents[block], bytes)) == NULL)
            break;
        m->block = (uint8_t)(block & 15u);
        actor__set_next(m, NULL);
        if (last == NULL)
            first = m;
        else
            actor__set_next(last, m);
        last = m;
    }
    return first;
}

/* Free blocks of the depot; if it has none, at least something to carve. */
static actor_msg *from_depot(unsigned block, uint32_t *count)
{
    depot *d = &depots[block];
    actor__extent *e = &actor__me.extents[block];

    actor_lock_take(&d->lock);

    actor_msg *m = pop_batch(d, count);

    if (m == NULL)
        m = actor__blocks_take(&d->blocks, batch[block], count);
    if (m == NULL && e->at == e->end)
        (void)actor__blocks_extent(&d->blocks, e);
    actor_lock_give(&d->lock);
    return m;
}

/* Get a batch for an empty magazine. */
static void fill(unsigned block)
{
    actor__cache *c = &actor__me.cache[block];
    uint32_t count = batch[block];

    if ((c->cur = c->spare) != NULL)
        c->spare = NULL;
    else if ((c->cur = from_depot(block, &count)) == NULL)
        c->cur = carve(block, &count);
    if (c->cur != NULL)
        c->room = batch[block] - count;
}

static void give_extent(unsigned block)
{
    depot *d = &depots[block];

    actor_lock_take(&d->lock);
    actor__blocks_extent_back(&d->blocks, &actor__me.extents[block]);
    actor_lock_give(&d->lock);
}

static actor_msg *get_filled(unsigned block)
{
    actor__thread_register(); /* if it can't, the cache is lost with the thread, no more */
    fill(block);

    actor_msg *m = actor__pool_pop(block);

    if (UNLIKELY(actor__me.deny.ppm != 0))
        give_current(block, false);
    return m;
}

static actor_msg *get_heap(size_t size)
{
    actor_msg *m = size > UINT32_MAX ? NULL : malloc(sizeof(*m) + size);

    if (m != NULL)
        m->block = ACTOR__BLOCK_HEAP;
    return m;
}

actor_msg *actor__pool_get_slow(size_t size)
{
    unsigned block = actor__pool_class(size + sizeof(actor_msg));

    if (actor__alloc_fails())
        return NULL;
    return ACTOR__ASAN || block >= ACTOR__CLASSES ? get_heap(size) : get_filled(block);
}

void actor__pool_put_slow(actor_msg *m)
{
    unsigned block = m->block;

    if (ACTOR__ASAN || block == ACTOR__BLOCK_HEAP) {
        free(m);
        return;
    }

    actor__cache *c = &actor__me.cache[block];

    actor__thread_register();
    if (c->cur != NULL && c->spare != NULL)
        give_batch(block, c->spare, batch[block], false);
    if (c->cur != NULL)
        c->spare = c->cur;
    actor__set_next(m, NULL);
    c->cur = m;
    c->room = batch[block] - 1;
    if (UNLIKELY(actor__me.deny.ppm != 0))
        give_current(block, false);
}

/* The thread has nothing to do: so what it has at hand is not needed either. */
void actor__pool_empty_magazines(void)
{
    for (unsigned block = 0; block < ACTOR__CLASSES; block++) {
        actor__cache *c = &actor__me.cache[block];

        if (c->spare != NULL)
            give_batch(block, c->spare, batch[block], true);
        c->spare = NULL;
        give_current(block, true);
        give_extent(block);
    }
}

/* ---- Giving back --------------------------------------------------------------------------- */

void actor__pool_trim_mark(void)
{
    for (unsigned block = 0; block < ACTOR__CLASSES; block++) {
        depot *d = &depots[block];

        actor_lock_take(&d->lock);
        d->unused = d->free;
        actor_lock_give(&d->lock);
    }
}

/* Some batches to where they came from. */
static bool sort_some(depot *d) LOCK_REQUIRES(d->lock)
{
    if (d->unused == 0)
        return false;
    for (uint32_t i = 0; i < SORT && d->unused != 0; i++) {
        uint32_t left = d->unused;
        uint32_t count = 0;
        actor_msg *m = pop_batch(d, &count);

        while (m != NULL) {
            actor_msg *next = actor__next(m);

            actor__blocks_put(&d->blocks, m);
            m = next;
        }
        left -= count < left ? count : left;
        if (d->unused > left)
            d->unused = left;
    }
    d->unseen = actor__blocks_candidates(&d->blocks);
    return true;
}

static bool trim_depot(depot *d) LOCK_REQUIRES(d->lock)
{
    if (sort_some(d))
        return true;
    if (d->unseen == 0)
        return false;
    actor__blocks_give_back(&d->blocks);
    d->unseen--;
    return true;
}

bool actor__pool_trim_step(void)
{
    bool more = false;

    for (unsigned block = 0; block < ACTOR__CLASSES && !more; block++) {
        depot *d = &depots[block];

        actor_lock_take(&d->lock);
        more = trim_depot(d);
        actor_lock_give(&d->lock);
    }
    return more;
}

bool actor__pool_swollen(bool at_all)
{
    bool any = false;

    for (unsigned block = 0; block < ACTOR__CLASSES && !any; block++) {
        depot *d = &depots[block];

        actor_lock_take(&d->lock);
        any = at_all ? d->free != 0 : swollen(d);
        actor_lock_give(&d->lock);
    }
    return any;
}

uint32_t actor__pool_mapped(void)
{
    uint32_t mapped = 0;

    for (unsigned block = 0; block < ACTOR__CLASSES; block++) {
        depot *d = &depots[block];

        actor_lock_take(&d->lock);
        mapped += d->blocks.mapped;
        actor_lock_give(&d->lock);
    }
    return mapped;
}

/* ---- Not messages -------------------------------------------------------------------------- */

#define PLAIN_MAX 1024 /* up to this halving is waste enough */

void *actor__pool_plain(size_t size)
{
    if (ACTOR__ASAN || size > PLAIN_MAX)
        return actor__alloc_fails() ? NULL : malloc(size);
    return actor__pool_get(size > sizeof(actor_msg) ? size - sizeof(actor_msg) : 0);
}

void actor__pool_plain_free(void *at, size_t size)
{
    actor_msg *m = at;

    if (m == NULL)
        return;
    if (ACTOR__ASAN || size > PLAIN_MAX) {
        free(m);
        return;
    }
    m->block = (uint8_t)(actor__pool_class(size > sizeof(*m) ? size : sizeof(*m)) & 15u);
    actor__pool_put(m);
}
