#include "daemon/heap.h"

#include <assert.h>
#include <stdlib.h>

bool heap_reserve(heap *h, size_t count)
{
    if (count <= h->reserved)
        return true;
    size_t wanted = h->reserved ? h->reserved : 8;
    while (wanted < count)
        wanted *= 2;
    heap_node **nodes = realloc(h->nodes, wanted * sizeof *nodes);
    if (!nodes)
        return false;
    h->nodes = nodes;
    h->reserved = wanted;
    return true;
}

void heap_free(heap *h)
{
    free(h->nodes);
    *h = (heap){0};
}

static void place(heap *h, heap_node *node, size_t at)
{
    h->nodes[at] = node;
    node->place = at + 1;
}

/* Move the node at `at` to where it belongs; everything else is in order. */
static void sift(heap *h, size_t at)
{
    heap_node *node = h->nodes[at];
    while (at > 0 && h->nodes[(at - 1) / 2]->key > node->key) {
        place(h, h->nodes[(at - 1) / 2], at);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= h->count)
            break;
        if (child + 1 < h->count && h->nodes[child + 1]->key < h->nodes[child]->key)
            child++;
        if (h->nodes[child]->key >= node->key)
            break;
        place(h, h->nodes[child], at);
        at = child;
    }
    place(h, node, at);
}

void heap_put(heap *h, heap_node *node, int64_t key)
{
    node->key = key;
    if (!node->place) {
        assert(h->count < h->reserved);
        place(h, node, h->count++);
    }
    sift(h, node->place - 1);
}

void heap_remove(heap *h, heap_node *node)
{
    if (!node->place)
        return;
    size_t at = node->place - 1;
    heap_node *last = h->nodes[--h->count];
    node->place = 0;
    if (last != node) {
        place(h, last, at);
        sift(h, at);
    }
}
