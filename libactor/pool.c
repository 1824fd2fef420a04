#include "libactor/pool.h"

#include <stdlib.h>
#include <sys/mman.h>

#define CHUNK   ((size_t)256 << 10) /* bytes, and the alignment of a chunk */
#define REGION  ((size_t)2 << 20)   /* likewise; a huge page */
#define SINGLES 16u                 /* chunks before the first region */

const uint32_t actor__pool_batch[ACTOR__CLASSES] = {64, 64, 64, 64, 32, 32, 16, 8, 4};

/* At the start of each chunk. */
typedef struct chunk {
    struct chunk *next; /* of its class */
    unsigned block;
} chunk;
static_assert(sizeof(chunk) <= ACTOR__LINE, "blocks begin at the second line");

typedef struct depot {
    alignas(ACTOR__LINE) actor_lock lock;
    actor_msg *batches LOCK_GUARDED_BY(lock); /* first messages of full batches */
    chunk *chunks LOCK_GUARDED_BY(lock);
    char *fresh LOCK_GUARDED_BY(lock); /* never used part of the newest chunk */
    char *end LOCK_GUARDED_BY(lock);
} depot;

static depot depots[ACTOR__CLASSES] = {
    {.lock = ACTOR_LOCK_INIT}, {.lock = ACTOR_LOCK_INIT}, {.lock = ACTOR_LOCK_INIT},
    {.lock = ACTOR_LOCK_INIT}, {.lock = ACTOR_LOCK_INIT}, {.lock = ACTOR_LOCK_INIT},
    {.lock = ACTOR_LOCK_INIT}, {.lock = ACTOR_LOCK_INIT}, {.lock = ACTOR_LOCK_INIT},
};

/* In a depot a batch's first message leads to the next batch by its tag, and says its length in
 * its size. */
static void give_batch(unsigned block, actor_msg *first, uint32_t count)
{
    depot *d = &depots[block];

    first->size = count;
    actor_lock_take(&d->lock);
    first->tag = (uintptr_t)d->batches;
    d->batches = first;
    actor_lock_give(&d->lock);
}

/* Where the next chunks come from, of all classes. */
static actor_lock chunk_lock = ACTOR_LOCK_INIT;
static uint32_t singles LOCK_GUARDED_BY(chunk_lock);     /* made so far */
static char *region LOCK_GUARDED_BY(chunk_lock);         /* rest of the newest region */
static uint32_t region_left LOCK_GUARDED_BY(chunk_lock); /* its chunks */

/* Memory aligned to its size, a power of two. */
static char *map_aligned(size_t size)
{
    /* Twice the size, to cut an aligned one out of it. */
    char *raw = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (raw == MAP_FAILED)
        return NULL;
    char *at = (char *)(((uintptr_t)raw + size - 1) & ~(uintptr_t)(size - 1));
    size_t before = (size_t)(at - raw);

    if (before != 0)
        munmap(raw, before);
    munmap(at + size, size - before);
    return at;
}

static bool add_region(void) LOCK_REQUIRES(chunk_lock)
{
    char *at = map_aligned(REGION);

    if (at == NULL)
        return false;
    (void)madvise(at, REGION, MADV_HUGEPAGE); /* no matter if it can't */
    region = at;
    region_left = REGION / CHUNK;
    return true;
}

static char *new_chunk(void)
{
    char *at = NULL;

    actor_lock_take(&chunk_lock);
    if (singles < SINGLES) {
        at = map_aligned(CHUNK);
        singles += at != NULL;
    } else if (region_left != 0 || add_region()) {
        at = region;
        region += CHUNK;
        region_left--;
    }
    actor_lock_give(&chunk_lock);
    return at;
}

static bool add_chunk(depot *d, unsigned block) LOCK_REQUIRES(d->lock)
{
    char *at = new_chunk();

    if (at == NULL)
        return false;

    chunk *c = (chunk *)at;

    c->next = d->chunks;
    c->block = block;
    d->chunks = c;
    d->fresh = at + ACTOR__LINE;
    d->end = at + CHUNK;
    return true;
}

/* Up to `want` new blocks as a list. */
static actor_msg *carve(depot *d, unsigned block, uint32_t want, uint32_t *got)
    LOCK_REQUIRES(d->lock)
{
    const size_t bytes = (size_t)ACTOR__SMALLEST << block;
    actor_msg *first = NULL;
    actor_msg *last = NULL;

    *got = 0;
    if ((size_t)(d->end - d->fresh) < bytes && !add_chunk(d, block))
        return NULL;
    /* By rising address, as processors like to fetch ahead. */
    while (*got < want && (size_t)(d->end - d->fresh) >= bytes) {
        actor_msg *m = (actor_msg *)d->fresh;

        d->fresh += bytes;
        m->block = (uint8_t)(block & 15u);
        if (last == NULL)
            first = m;
        else
            actor__set_next(last, m);
        actor__set_next(m, NULL);
        last = m;
        ++*got;
    }
    return first;
}

actor_msg *actor__pool_refill(unsigned block)
{
    actor__cache *c = &actor__me.cache[block];
    depot *d = &depots[block];

    actor__thread_register(); /* if it can't, the cache is lost with the thread, no more */
    if (c->spare != NULL) {
        c->cur = c->spare;
        c->count = actor__pool_batch[block];
        c->spare = NULL;
    } else {
        actor_lock_take(&d->lock);
        if (d->batches != NULL) {
            c->cur = d->batches;
            c->count = c->cur->size;
            d->batches = (actor_msg *)(uintptr_t)c->cur->tag;
        } else {
            c->cur = carve(d, block, actor__pool_batch[block], &c->count);
        }
        actor_lock_give(&d->lock);
    }

    actor_msg *m = c->cur;

    if (m != NULL) {
        c->cur = actor__next(m);
        c->count--;
    }
    return m;
}

void actor__pool_flush(actor_msg *m)
{
    unsigned block = m->block;
    actor__cache *c = &actor__me.cache[block];

    actor__thread_register();
    if (c->spare != NULL)
        give_batch(block, c->spare, actor__pool_batch[block]);
    c->spare = c->cur;
    actor__set_next(m, NULL);
    c->cur = m;
    c->count = 1;
}

void actor__pool_thread_ends(void)
{
    for (unsigned block = 0; block < ACTOR__CLASSES; block++) {
        actor__cache *c = &actor__me.cache[block];

        if (c->spare != NULL)
            give_batch(block, c->spare, actor__pool_batch[block]);
        if (c->cur != NULL)
            give_batch(block, c->cur, c->count);
        *c = (actor__cache){0};
    }
}

actor_msg *actor__pool_heap(size_t size)
{
    actor_msg *m = size > UINT32_MAX ? NULL : malloc(sizeof(*m) + size);

    if (m != NULL)
        m->block = ACTOR__BLOCK_HEAP;
    return m;
}

void actor__pool_heap_free(actor_msg *m)
{
    free(m);
}
