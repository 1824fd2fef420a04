/* Names of actors: a hash table in shards, each with its lock. */
#ifndef ACTOR_NAMES_H
#define ACTOR_NAMES_H

#include "libactor/slot.h"

#define ACTOR__NAME_SHARDS 16

struct actor__name;

typedef struct actor__name_shard {
    alignas(ACTOR__LINE) actor_lock lock;
    struct actor__name **buckets LOCK_GUARDED_BY(lock);
    uint32_t size LOCK_GUARDED_BY(lock); /* of buckets: 0 or a power of two */
    uint32_t count LOCK_GUARDED_BY(lock);
} actor__name_shard;

typedef struct actor__names {
    actor__name_shard shards[ACTOR__NAME_SHARDS];
} actor__names;

void actor__names_init(actor__names *names);
void actor__names_free(actor__names *names);

/* The actor has ended: its names are free. */
void actor__names_forget(actor__names *names, actor_ref ref);

#endif
