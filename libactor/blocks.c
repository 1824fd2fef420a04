#include "libactor/blocks.h"

#include <sys/mman.h>

#define CHUNK ((size_t)2 << 20) /* bytes, and the alignment of a chunk; a huge page */
#define UNIT  ((size_t)32 << 10)
#define UNITS 64u
static_assert(CHUNK == UNIT * UNITS, "a chunk is made of units");

typedef struct unit {
    actor_msg *free; /* blocks that came back */
    uint32_t count;  /* of these */
    uint32_t carved; /* blocks, free or not, and all that an extent may have; 0: it is bare */
} unit;

/* At the start of each chunk. */
struct actor__chunk {
    actor__chunk *next, *prev; /* in a circle */
    actor__chunk_list list;
    uint64_t bare; /* units, by bit */
    uint64_t part; /* units carved in part, whose rest nobody has */
    uint64_t some; /* units with free blocks */
    unit units[UNITS];
};

#define HEADER ((sizeof(actor__chunk) + ACTOR__LINE - 1) / ACTOR__LINE * ACTOR__LINE)

static actor__chunk *chunk_of(const void *at)
{
    return (actor__chunk *)((uintptr_t)at & ~(uintptr_t)(CHUNK - 1));
}

static unsigned unit_index(const void *at)
{
    return (unsigned)((uintptr_t)at / UNIT % UNITS);
}

static uint64_t bit(unsigned index)
{
    return (uint64_t)1 << index;
}

/* ---- Lists --------------------------------------------------------------------------------- */

static void unlist(actor__blocks *b, actor__chunk *c)
{
    actor__chunk **first = &b->lists[c->list];

    if (c->next == c)
        *first = NULL;
    else if (*first == c)
        *first = c->next;
    c->prev->next = c->next;
    c->next->prev = c->prev;
    b->lengths[c->list]--;
    c->list = ACTOR__CHUNK_LISTS;
}

/* To the end. */
static void enlist(actor__blocks *b, actor__chunk *c, actor__chunk_list list)
{
    actor__chunk *first = b->lists[list];

    if (first == NULL) {
        c->next = c->prev = c;
        b->lists[list] = c;
    } else {
        c->next = first;
        c->prev = first->prev;
        c->prev->next = c;
        first->prev = c;
    }
    b->lengths[list]++;
    c->list = list;
}

/* Its bits may have changed. */
static void relist(actor__blocks *b, actor__chunk *c)
{
    actor__chunk_list list = c->some != 0               ? ACTOR__CHUNKS_SORTED
                             : (c->bare | c->part) != 0 ? ACTOR__CHUNKS_BARE
                                                        : ACTOR__CHUNK_LISTS;

    if (list == c->list)
        return;
    if (c->list != ACTOR__CHUNK_LISTS)
        unlist(b, c);
    if (list != ACTOR__CHUNK_LISTS)
        enlist(b, c, list);
}

/* ---- Taking -------------------------------------------------------------------------------- */

static bool map_chunk(actor__blocks *b)
{
    /* Twice the size, to cut an aligned one out of it. */
    char *raw = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (raw == MAP_FAILED)
        return false;

    char *at = (char *)(((uintptr_t)raw + CHUNK - 1) & ~(uintptr_t)(CHUNK - 1));
    size_t before = (size_t)(at - raw);

    if (before != 0)
        munmap(raw, before);
    munmap(at + CHUNK, CHUNK - before);
    /* Who sends little shall not use much. No matter if it can't. */
    (void)madvise(at, CHUNK, b->mapped == 0 ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);

    actor__chunk *c = (actor__chunk *)at;

    c->list = ACTOR__CHUNK_LISTS;
    c->bare = UINT64_MAX;
    b->mapped++;
    relist(b, c);
    return true;
}

static char *unit_start(actor__chunk *c, unsigned index)
{
    return (char *)c + index * UNIT + (index == 0 ? HEADER : 0);
}

bool actor__blocks_extent(actor__blocks *b, actor__extent *out)
{
    if (b->lists[ACTOR__CHUNKS_BARE] == NULL && !map_chunk(b))
        return false;

    actor__chunk *c = b->lists[ACTOR__CHUNKS_BARE];
    unsigned index = (unsigned)__builtin_ctzll(c->part != 0 ? c->part : c->bare);
    unit *u = &c->units[index];
    char *start = unit_start(c, index);

    out->at = start + (size_t)u->carved * b->bytes;
    u->carved = (uint32_t)((size_t)((char *)c + (index + 1) * UNIT - start) / b->bytes);
    out->end = start + (size_t)u->carved * b->bytes;
    c->bare &= ~bit(index);
    c->part &= ~bit(index);
    relist(b, c);
    return true;
}

void actor__blocks_extent_back(actor__blocks *b, actor__extent *e)
{
    uint32_t rest = (uint32_t)((size_t)(e->end - e->at) / b->bytes);

    if (rest != 0) {
        actor__chunk *c = chunk_of(e->at);
        unsigned index = unit_index(e->at);
        unit *u = &c->units[index];

        u->carved -= rest;
        if (u->carved != 0)
            c->part |= bit(index);
        else
            c->bare |= bit(index);
        relist(b, c);
    }
    *e = (actor__extent){0};
}

static actor_msg *take_sorted(actor__blocks *b)
{
    actor__chunk *c = b->lists[ACTOR__CHUNKS_SORTED];

    if (c == NULL)
        return NULL;

    unsigned index = (unsigned)__builtin_ctzll(c->some);
    unit *u = &c->units[index];
    actor_msg *m = u->free;

    u->free = actor__next(m);
    if (--u->count == 0) {
        c->some &= ~bit(index);
        relist(b, c);
    }
    return m;
}

actor_msg *actor__blocks_take(actor__blocks *b, uint32_t want, uint32_t *got)
{
    actor_msg *first = NULL;
    actor_msg *last = NULL;

    for (*got = 0; *got < want; ++*got) {
        actor_msg *m = take_sorted(b);

        if (m == NULL)
            break;
        if (last == NULL)
            first = m;
        else
            actor__set_next(last, m);
        actor__set_next(m, NULL);
        last = m;
    }
    return first;
}

/* ---- Giving back --------------------------------------------------------------------------- */

void actor__blocks_put(actor__blocks *b, actor_msg *m)
{
    actor__chunk *c = chunk_of(m);
    unsigned index = unit_index(m);
    unit *u = &c->units[index];

    actor__set_next(m, u->free);
    u->free = m;
    if (u->count++ == 0) {
        c->some |= bit(index);
        relist(b, c);
    }
}

/* The units that are carved and all free. */
static uint64_t whole_units(const actor__chunk *c)
{
    uint64_t whole = 0;

    for (unsigned i = 0; i < UNITS; i++)
        if (c->units[i].carved != 0 && c->units[i].count == c->units[i].carved)
            whole |= bit(i);
    return whole;
}

/* Memory of the units `which` goes; they are bare then. Those that are may have memory all the
 * same, where others brought in a huge page. */
static void strip(actor__chunk *c, uint64_t which)
{
    if (which == 0)
        return;
    which |= c->bare;
    for (unsigned i = 0; i < UNITS; i++) {
        unsigned first = i;

        for (; i < UNITS && (which & bit(i)) != 0; i++)
            c->units[i] = (unit){0};
        if (i > first)
            (void)madvise((char *)c + first * UNIT, (i - first) * UNIT, MADV_DONTNEED);
    }
    c->some &= ~which;
    c->part &= ~which;
    c->bare |= which;
}

void actor__blocks_give_back(actor__blocks *b)
{
    actor__chunk *c = b->lists[ACTOR__CHUNKS_SORTED];

    if (c == NULL)
        return;

    uint64_t whole = whole_units(c);

    b->lists[ACTOR__CHUNKS_SORTED] = c->next;
    if ((whole | c->bare) == UINT64_MAX) {
        unlist(b, c);
        b->mapped--;
        munmap(c, CHUNK);
        return;
    }
    strip(c, whole & ~bit(0)); /* the header is in the first */
    relist(b, c);
}
