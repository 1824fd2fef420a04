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
 * are no workers stay as they are, and what they have to carve: at most 651 kB in all.
 *
 * A get from an empty and a put to a full magazine are the only ways to anything else, and a thread
 * whose allocations may fail in a simulation keeps its magazines empty, so that each of its gets
 * comes to where that is decided. Under AddressSanitizer each message is a heap block of its own,
 * so that it watches over them.
 */
#ifndef ACTOR_POOL_H
#define ACTOR_POOL_H

#include "libactor/memory.h"
#include "libactor/msg.h"
#include "libactor/thread.h"

#define ACTOR__SMALLEST 32u

/* The class for `bytes` (header included), ACTOR__CLASSES or more: none. */
static inline unsigned actor__pool_class(size_t bytes)
{
    return 59u - (unsigned)__builtin_clzll((bytes - 1) | (ACTOR__SMALLEST - 1));
}
static_assert(ACTOR__SMALLEST == 1 << 5, "see actor__pool_class()");

/* A block for a header and `size` bytes: the long way of actor__pool_get(). */
actor_msg *actor__pool_get_slow(size_t size);
/* The long way of actor__pool_put(). */
void actor__pool_put_slow(actor_msg *m);
/* Give the thread's magazines to the depots, and what it has to carve: it ends, has nothing to do,
 * or its allocations may fail. */
void actor__pool_empty_magazines(void);

/* Giving back, see trim.h. Remember what is free: */
void actor__pool_trim_mark(void);
/* Move some of what was free ever since on its way to the system. False: there is no more. */
bool actor__pool_trim_step(void);
/* Whether so much is free that it is worth giving back, or anything at all. */
bool actor__pool_swollen(bool at_all);
/* Chunks that are mapped, of all classes. */
uint32_t actor__pool_mapped(void);

static HOT actor__cache *actor__pool_cache(unsigned block)
{
    actor__cache *c = &actor__me.cache[block];

    __asm__("" : "+r"(c)); /* gcc would compute the address again for each field */
    return c;
}

/* One from the magazine of a class. NULL: it is empty. Only `block` of its header is set. */
static HOT actor_msg *actor__pool_pop(unsigned block)
{
    actor__cache *c = actor__pool_cache(block);
    actor_msg *m = c->cur;

    if (UNLIKELY(m == NULL))
        return NULL;
    c->cur = actor__next(m);
    c->room++;
    return m;
}

/* Only `block` of the header is set. NULL when out of memory. */
static inline actor_msg *actor__pool_get(size_t size)
{
    unsigned block = actor__pool_class(size + sizeof(actor_msg));
    actor_msg *m = !ACTOR__ASAN && block < ACTOR__CLASSES ? actor__pool_pop(block) : NULL;

    return LIKELY(m != NULL) ? m : actor__pool_get_slow(size);
}

/* Put one of a class, which is its `block`, to its magazine. */
static HOT void actor__pool_push(actor_msg *m, unsigned block)
{
    actor__cache *c = actor__pool_cache(block);

    if (UNLIKELY(c->room == 0)) {
        actor__pool_put_slow(m);
        return;
    }
    c->room--;
    actor__set_next(m, c->cur);
    c->cur = m;
}

static inline void actor__pool_put(actor_msg *m)
{
    if (UNLIKELY(ACTOR__ASAN || m->block == ACTOR__BLOCK_HEAP))
        actor__pool_put_slow(m);
    else
        actor__pool_push(m, m->block);
}

/* Memory for something else than a message, not initialised. NULL when out of memory. */
void *actor__pool_plain(size_t size);
/* `size` as above; NULL is nothing. */
void actor__pool_plain_free(void *at, size_t size);

#endif
