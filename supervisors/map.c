#include "supervisors/map.h"

#include <stdlib.h>

enum { FIRST_SIZE = 8, BLOCK = 8 };

bool sup_map_init(map *m, size_t expected)
{
    size_t size = FIRST_SIZE;
    while (size < expected)
        size *= 2;
    *m = (map){.buckets = calloc(size, sizeof(map_link *)), .size = size};
    return m->buckets != NULL;
}

void sup_map_fini(map *m)
{
    free(m->buckets);
    *m = (map){0};
}

static map_link **bucket_of(const map *m, uint64_t hash)
{
    return &m->buckets[hash & (m->size - 1)];
}

static void grow(map *m)
{
    map bigger = {.size = m->size * 2, .count = m->count};

    bigger.buckets = calloc(bigger.size, sizeof(map_link *));
    if (!bigger.buckets)
        return;
    for (size_t i = 0; i < m->size; i++) {
        map_link *next;
        for (map_link *link = m->buckets[i]; link; link = next) {
            map_link **bucket = bucket_of(&bigger, link->hash);
            next = link->next;
            link->next = *bucket;
            *bucket = link;
        }
    }
    free(m->buckets);
    *m = bigger;
}

void sup_map_add(map *m, map_link *link, uint64_t hash)
{
    if (m->count >= m->size)
        grow(m);
    map_link **bucket = bucket_of(m, hash);
    link->hash = hash;
    link->next = *bucket;
    *bucket = link;
    m->count++;
}

void sup_map_remove(map *m, map_link *link)
{
    if (!m->buckets)
        return;
    map_link **at = bucket_of(m, link->hash);

    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    m->count--;
}

static map_link *with_hash(map_link *link, uint64_t hash)
{
    while (link && link->hash != hash)
        link = link->next;
    return link;
}

map_link *sup_map_first(const map *m, uint64_t hash)
{
    return with_hash(*bucket_of(m, hash), hash);
}

map_link *sup_map_next(const map_link *link)
{
    return with_hash(link->next, link->hash);
}

/* Multiply and fold, twice: the low bits choose the bucket, so all others have to reach them.
 * Neighbours stay together in one cache line of buckets, for what one of them does the next one
 * often does, too; `within` says which they are. Each line has an order of its own, so that others
 * at regular distances don't meet in the same place. */
static uint64_t hash_near(uint64_t neighbours, uint64_t within)
{
    uint64_t hash = neighbours * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
    return hash * BLOCK + (within ^ hash >> 56) % BLOCK;
}

/* Actors that are spawned one after the other have places, the low half, that count up. */
uint64_t sup_map_hash_ref(actor_ref ref)
{
    return hash_near((uint32_t)ref.bits / BLOCK, ref.bits);
}

/* Names count up in their last letter. */
uint64_t sup_map_hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

    for (; text[0] && text[1]; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash_near(hash, (unsigned char)*text);
}
