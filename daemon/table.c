#include "daemon/table.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_SMALLEST = 64 };

/* FNV-1a. Keys are names and ids that the daemon has checked, at most a few hundred bytes. */
static uint32_t hash_of(const char *key)
{
    uint32_t h = 2166136261u;
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 16777619u;
    return h;
}

bool table_init(table *t)
{
    *t = (table){.size = TABLE_SMALLEST};
    t->buckets = calloc(t->size, sizeof(table_node *));
    return t->buckets != NULL;
}

void table_fini(table *t)
{
    free(t->buckets);
    *t = (table){0};
}

static table_node **bucket(const table *t, uint32_t hash)
{
    return &t->buckets[hash & (t->size - 1)];
}

table_node *table_find(const table *t, const char *key)
{
    uint32_t hash = hash_of(key);
    for (table_node *n = *bucket(t, hash); n; n = n->next)
        if (n->hash == hash && strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

static void grow(table *t)
{
    table bigger = {.size = t->size * 2, .count = t->count};
    bigger.buckets = calloc(bigger.size, sizeof(table_node *));
    if (!bigger.buckets)
        return;
    for (size_t i = 0; i < t->size; i++) {
        for (table_node *n = t->buckets[i], *next; n; n = next) {
            next = n->next;
            table_node **into = bucket(&bigger, n->hash);
            n->next = *into;
            *into = n;
        }
    }
    free(t->buckets);
    *t = bigger;
}

void table_add(table *t, table_node *node, const char *key)
{
    if (t->count >= t->size)
        grow(t);
    node->key = key;
    node->hash = hash_of(key);
    table_node **into = bucket(t, node->hash);
    node->next = *into;
    *into = node;
    t->count++;
}

void table_remove(table *t, table_node *node)
{
    for (table_node **at = bucket(t, node->hash); *at; at = &(*at)->next) {
        if (*at == node) {
            *at = node->next;
            node->next = NULL;
            t->count--;
            return;
        }
    }
}

table_node *table_next(const table *t, const table_node *after)
{
    if (after && after->next)
        return after->next;
    for (size_t i = after ? (after->hash & (t->size - 1)) + 1 : 0; i < t->size; i++)
        if (t->buckets[i])
            return t->buckets[i];
    return NULL;
}
