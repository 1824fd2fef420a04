/* Blocks for messages, from per-thread caches.
 *
 * Each thread has two magazines a size class (thread.h): it gets from and puts to `cur`, and only
 * when both are empty or full exchanges a whole batch with the class's depot, under a short lock.
 * So a message freed by another thread than its maker's costs a fraction of a lock, and a pair of
 * threads that hand messages one way stays in balance. (Bonwick and Adams, Magazines and Vmem,
 * 2001.)
 *
 * Depots get their blocks from chunks (blocks.h). After a burst they hold as much as was ever in
 * use at a time; what they did not need for a while is sorted back into its chunks, and free chunks
 * go back to the system. A worker without work does that, see trim.h. The magazines of threads that
 * are no workers stay as they are: 128 blocks of a class, at most 1.4 MB in all.
 *
 * Under AddressSanitizer each message is a heap block of its own, so that it watches over them.
 */
#ifndef ACTOR_POOL_H
#define ACTOR_POOL_H

#include "libactor/memory.h"
#include "libactor/msg.h"
#include "libactor/thread.h"

#define ACTOR__SMALLEST 32

/* Blocks a magazine holds, by class. */
extern const uint32_t actor__pool_batch[ACTOR__CLASSES];

/* The class for `bytes` (header included), ACTOR__CLASSES or more: none. */
static inline unsigned actor__pool_class(size_t bytes)
{
    return 59u - (unsigned)__builtin_clzll((bytes - 1) | (ACTOR__SMALLEST - 1));
}
static_assert(ACTOR__SMALLEST == 1 << 5, "see actor__pool_class()");

/* Refill the empty magazine and take one. NULL when out of memory. */
actor_msg *actor__pool_refill(unsigned block);
/* Put one to a full magazine. */
void actor__pool_flush(actor_msg *m);
/* Give the thread's magazines to the depots: it ends, or has nothing to do. */
void actor__pool_empty_magazines(void);

/* Giving back, see trim.h. Remember what is free: */
void actor__pool_trim_mark(void);
/* Move some of what was free ever since on its way to the system. False: there is no more. */
bool actor__pool_trim_step(void);
/* Whether so much is free that it is worth giving back, or anything at all. */
bool actor__pool_swollen(bool at_all);
/* Chunks that are mapped, of all classes. */
uint32_t actor__pool_mapped(void);

/* A block for a header and `size` bytes outside of the classes; freed as any other. */
actor_msg *actor__pool_heap(size_t size);

/* Only `block` of the header is set. */
static inline actor_msg *actor__pool_get(size_t size)
{
    unsigned block = actor__pool_class(size + sizeof(actor_msg));

    if (actor__alloc_fails())
        return NULL;
    if (UNLIKELY(ACTOR__ASAN || block >= ACTOR__CLASSES))
        return actor__pool_heap(size);

    actor__cache *c = &actor__me.cache[block];
    actor_msg *m = c->cur;

    if (UNLIKELY(m == NULL))
        return actor__pool_refill(block);
    c->cur = actor__next(m);
    c->count--;
    return m;
}

void actor__pool_heap_free(actor_msg *m);

/* Memory for something else than a message, not initialised. NULL when out of memory. */
void *actor__pool_plain(size_t size);
/* `size` as above; NULL is nothing. */
void actor__pool_plain_free(void *at, size_t size);

static inline void actor__pool_put(actor_msg *m)
{
    if (UNLIKELY(ACTOR__ASAN || m->block == ACTOR__BLOCK_HEAP)) {
        actor__pool_heap_free(m);
        return;
    }

    actor__cache *c = &actor__me.cache[m->block];

    if (UNLIKELY(c->count >= actor__pool_batch[m->block])) {
        actor__pool_flush(m);
        return;
    }
    actor__set_next(m, c->cur);
    c->cur = m;
    c->count++;
}

#endif
