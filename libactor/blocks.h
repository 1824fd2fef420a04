/* Memory for message blocks of one size, sorted by where they are, so that it can be given back.
 *
 * A chunk is 2 MB, aligned to that, and made of 64 units of 32 kB; blocks do not cross units. A
 * unit is bare (no memory of the system behind it, or none yet) or carved into blocks. Free blocks
 * that came back are kept in their units, found by masking their address: so it is known when all
 * of a unit are back and it can become bare again, or all of a chunk and it can be unmapped.
 *
 * Who finds no free block gets an extent, the rest of a unit, and carves it alone, without the
 * lock: a queue of millions that nobody reads yet is bound by the first touch of its memory.
 * Carving goes by rising address, and a unit is touched only as far as blocks are wanted. All
 * chunks but the first may be backed by huge pages.
 */
#ifndef ACTOR_BLOCKS_H
#define ACTOR_BLOCKS_H

#include "libactor/msg.h"
#include "libactor/thread.h"

typedef struct actor__chunk actor__chunk;

typedef enum actor__chunk_list {
    ACTOR__CHUNKS_SORTED, /* with free blocks in hand */
    ACTOR__CHUNKS_BARE,   /* others with units that are not all carved */
    ACTOR__CHUNK_LISTS,   /* in none: all is in use elsewhere */
} actor__chunk_list;

/* Guarded by a lock of the caller's. Zero, but for `bytes`: there is no memory yet. */
typedef struct actor__blocks {
    uint32_t bytes;  /* of a block; a multiple of 8 */
    uint32_t mapped; /* chunks */
    actor__chunk *lists[ACTOR__CHUNK_LISTS];
    uint32_t lengths[ACTOR__CHUNK_LISTS];
} actor__blocks;

/* The next block of an extent, not initialised. NULL: it is used up. Needs no lock. */
static inline actor_msg *actor__extent_next(actor__extent *e, uint32_t bytes)
{
    char *at = e->at;

    if (at == e->end)
        return NULL;
    e->at += bytes;
    return (actor_msg *)at;
}

/* A new extent. False when out of memory. */
bool actor__blocks_extent(actor__blocks *b, actor__extent *out);

/* Its rest comes back. */
void actor__blocks_extent_back(actor__blocks *b, actor__extent *e);

/* Up to `want` blocks that came back, as a list. NULL: there are none. */
actor_msg *actor__blocks_take(actor__blocks *b, uint32_t want, uint32_t *got);

/* One block comes back to its unit. */
void actor__blocks_put(actor__blocks *b, actor_msg *m);

/* Chunks that actor__blocks_give_back() may find something in. */
static inline uint32_t actor__blocks_candidates(const actor__blocks *b)
{
    return b->lengths[ACTOR__CHUNKS_SORTED];
}

/* Look at one of them, each time at the next; what of it is free as a whole goes to the system. */
void actor__blocks_give_back(actor__blocks *b);

#endif
