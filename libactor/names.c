#include "libactor/names.h"

#include <stdlib.h>
#include <string.h>

#include "libactor/memory.h"
#include "libactor/system.h"

#define FIRST_SIZE 16u

/* In two tables of its shard: by name in the first half of the buckets, by actor in the second. */
typedef struct actor__name {
    struct actor__name *by_name;
    struct actor__name *by_ref;
    actor_ref ref;
    uint32_t hash;
    char text[];
} name;

static uint32_t hash_text(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return (uint32_t)(h ^ (h >> 32));
}

static uint32_t hash_ref(actor_ref ref)
{
    return (uint32_t)((ref.bits * 0x9e3779b97f4a7c15u) >> 32);
}

static actor__name_shard *shard_of(actor__names *names, uint32_t hash)
{
    return &names->shards[hash % ACTOR__NAME_SHARDS];
}

static name **name_bucket(actor__name_shard *s, uint32_t hash) LOCK_REQUIRES(s->lock)
{
    return &s->buckets[(hash / ACTOR__NAME_SHARDS) & (s->size - 1)];
}

static name **ref_bucket(actor__name_shard *s, actor_ref ref) LOCK_REQUIRES(s->lock)
{
    return &s->buckets[s->size + (hash_ref(ref) & (s->size - 1))];
}

static void link_in(actor__name_shard *s, name *n) LOCK_REQUIRES(s->lock)
{
    name **b = name_bucket(s, n->hash);

    n->by_name = *b;
    *b = n;
    b = ref_bucket(s, n->ref);
    n->by_ref = *b;
    *b = n;
}

static bool grow(actor__name_shard *s) LOCK_REQUIRES(s->lock)
{
    uint32_t old_size = s->size;
    name **old = s->buckets;
    uint32_t size = old_size == 0 ? FIRST_SIZE : 2 * old_size;
    name **buckets = actor__alloc(2 * (size_t)size * sizeof(name *));

    if (buckets == NULL)
        return false;
    s->buckets = buckets;
    s->size = size;
    for (uint32_t i = 0; i < old_size; i++) {
        for (name *n = old[i], *next; n != NULL; n = next) {
            next = n->by_name;
            link_in(s, n);
        }
    }
    free(old);
    return true;
}

static name *find(actor__name_shard *s, uint32_t hash, const char *text) LOCK_REQUIRES(s->lock)
{
    if (s->size == 0)
        return NULL;

    name *n = *name_bucket(s, hash);

    while (n != NULL && (n->hash != hash || strcmp(n->text, text) != 0))
        n = n->by_name;
    return n;
}

static void erase(actor__name_shard *s, name *n) LOCK_REQUIRES(s->lock)
{
    name **at = name_bucket(s, n->hash);

    while (*at != n)
        at = &(*at)->by_name;
    *at = n->by_name;
    at = ref_bucket(s, n->ref);
    while (*at != n)
        at = &(*at)->by_ref;
    *at = n->by_ref;
    s->count--;
    free(n);
}

static actor_err insert(actor__name_shard *s, uint32_t hash, const char *text, actor_ref ref)
    LOCK_REQUIRES(s->lock)
{
    name *old = find(s, hash, text);

    if (old != NULL) {
        if (actor__resolve(old->ref) != NULL)
            return ACTOR_EEXIST;
        erase(s, old); /* its actor has just ended */
    }
    if (s->count == s->size && !grow(s))
        return ACTOR_ENOMEM;

    size_t length = strlen(text) + 1;
    name *n = actor__alloc(sizeof(*n) + length);

    if (n == NULL)
        return ACTOR_ENOMEM;
    n->ref = ref;
    n->hash = hash;
    memcpy(n->text, text, length);
    link_in(s, n);
    s->count++;
    return ACTOR_OK;
}

actor_err actor_register(actor_system *sys, const char *text, actor_ref ref)
{
    uint32_t hash = hash_text(text);
    actor__name_shard *s = shard_of(&sys->names, hash);
    actor_err err = ACTOR_ENOTFOUND;

    actor__online();

    actor *a = actor__resolve(ref);

    if (a != NULL) {
        actor_lock_take(&s->lock);
        err = insert(s, hash, text, ref);
        actor_lock_give(&s->lock);
    }
    if (err == ACTOR_OK) {
        /* Strong both: the actor ending now sees the name, or we see that it ended. */
        store_strong(&a->named, true);
        if (load_strong(&a->generation) != actor__ref_generation(ref)) {
            actor__names_forget(&sys->names, ref);
            err = ACTOR_ENOTFOUND;
        }
    }
    actor__offline();
    return err;
}

actor_err actor_lookup(actor_system *sys, const char *text, actor_ref *out)
{
    uint32_t hash = hash_text(text);
    actor__name_shard *s = shard_of(&sys->names, hash);
    actor_err err = ACTOR_ENOTFOUND;

    actor__online();
    actor_lock_take(&s->lock);

    const name *n = find(s, hash, text);

    if (n != NULL && actor__resolve(n->ref) != NULL) {
        *out = n->ref;
        err = ACTOR_OK;
    }
    actor_lock_give(&s->lock);
    actor__offline();
    return err;
}

void actor__names_forget(actor__names *names, actor_ref ref)
{
    for (unsigned i = 0; i < ACTOR__NAME_SHARDS; i++) {
        actor__name_shard *s = &names->shards[i];

        actor_lock_take(&s->lock);
        for (name *n = s->size == 0 ? NULL : *ref_bucket(s, ref), *next; n != NULL; n = next) {
            next = n->by_ref;
            if (actor_ref_eq(n->ref, ref))
                erase(s, n);
        }
        actor_lock_give(&s->lock);
    }
}

void actor__names_init(actor__names *names)
{
    for (unsigned i = 0; i < ACTOR__NAME_SHARDS; i++)
        actor_lock_init(&names->shards[i].lock);
}

void actor__names_free(actor__names *names)
{
    for (unsigned i = 0; i < ACTOR__NAME_SHARDS; i++) {
        actor__name_shard *s = &names->shards[i];

        actor_lock_take(&s->lock);
        for (uint32_t b = 0; b < s->size; b++) {
            for (name *n = s->buckets[b], *next; n != NULL; n = next) {
                next = n->by_name;
                free(n);
            }
        }
        free(s->buckets);
        actor_lock_give(&s->lock);
        actor_lock_destroy(&s->lock);
    }
}
