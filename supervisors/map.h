/* map: an intrusive hash table. The links are inside the things, so adding can't fail; a table that
 * can't grow gets slower instead. Whose hash it is, and which of several things with the same hash
 * is meant, the caller knows. One user at a time. */
#ifndef SUPERVISORS_MAP_H
#define SUPERVISORS_MAP_H

#include "libactor/actor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct map_link {
    struct map_link *next;
    uint64_t hash;
} map_link;

typedef struct map {
    map_link **buckets;
    size_t size; /* a power of two */
    size_t count;
} map;

/* The thing of `type` around a link. */
#define MAP_ENTRY(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

bool sup_map_init(map *m, size_t expected); /* false: out of memory */
void sup_map_fini(map *m);                  /* what is in it stays as it is */

void sup_map_add(map *m, map_link *link, uint64_t hash);
void sup_map_remove(map *m, map_link *link); /* which is in it */

/* The first, and the next, link with this hash, or NULL. */
map_link *sup_map_first(const map *m, uint64_t hash);
map_link *sup_map_next(const map_link *link);

uint64_t sup_map_hash_text(const char *text);
uint64_t sup_map_hash_ref(actor_ref ref);

#endif
