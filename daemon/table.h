/* A hash table of embedded nodes, keyed by text. It grows by itself; when it can't, it only gets
 * slower, so adding never fails. The text belongs to the object that embeds the node. Not
 * thread-safe.
 */
#ifndef DAEMON_TABLE_H
#define DAEMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct table_node {
    struct table_node *next;
    const char *key;
    uint32_t hash;
} table_node;

typedef struct table {
    table_node **buckets;
    size_t size; /* a power of two */
    size_t count;
} table;

/* False: out of memory. */
bool table_init(table *t);
void table_fini(table *t); /* the nodes are their owners' */

/* The node with this key, or NULL. */
table_node *table_find(const table *t, const char *key);

/* Add a node whose key isn't in the table. */
void table_add(table *t, table_node *node, const char *key);
void table_remove(table *t, table_node *node);

/* Walk: NULL begins; NULL ends. The node in hand may be removed before the next call only if its
 * `next` was kept. Order is open. */
table_node *table_next(const table *t, const table_node *after);

/* The object of type `type` that embeds `node` as `member`. */
#define CONTAINER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

#endif
