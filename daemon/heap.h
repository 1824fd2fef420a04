/* A binary heap of embedded nodes, the smallest key first; among equals the order is open.
 *
 * Memory is reserved beforehand, so that adding can't fail at a moment when nobody could handle it:
 * heap_reserve() when an object is made, heap_put() whenever its time changes. Not thread-safe.
 */
#ifndef DAEMON_HEAP_H
#define DAEMON_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: not in a heap. */
typedef struct heap_node {
    int64_t key;
    size_t place; /* from 1; 0: not in the heap */
} heap_node;

/* Zeroed: empty. */
typedef struct heap {
    heap_node **nodes;
    size_t count;
    size_t reserved;
} heap;

/* Make room for `count` nodes in all. False: out of memory, nothing changed. */
bool heap_reserve(heap *h, size_t count);
void heap_free(heap *h);

/* Put a node in, or move it to a new key. There must be room. O(log n). */
void heap_put(heap *h, heap_node *node, int64_t key);

/* Take a node out; one that isn't in is fine. O(log n). */
void heap_remove(heap *h, heap_node *node);

/* The node with the smallest key, or NULL. */
static inline heap_node *heap_first(const heap *h)
{
    return h->count ? h->nodes[0] : NULL;
}

#endif
