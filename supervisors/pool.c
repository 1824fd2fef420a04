/* Children and their instances: names, numbers and order. */
#include "supervisors/tree.h"

#include <stdlib.h>
#include <string.h>

/* ---- Order ------------------------------------------------------------------------------------
 */

/* The first slot of the child at this place. */
static slot *place(const sup *s, size_t index)
{
    if (index >= s->ids.count)
        return NULL;
    slot *c = s->first;
    while (c && index-- > 0)
        c = c->pool->last->next;
    return c;
}

static void order_link(sup *s, slot *c, slot *before)
{
    c->next = before;
    c->prev = before ? before->prev : s->last;
    *(c->prev ? &c->prev->next : &s->first) = c;
    *(c->next ? &c->next->prev : &s->last) = c;
}

static void order_insert(sup *s, slot *c, slot *before)
{
    order_link(s, c, before);
    uint64_t rank = c->prev ? c->prev->rank : 0;
    for (slot *at = c; at && at->rank <= rank; at = at->next)
        at->rank = ++rank;
}

static void order_remove(sup *s, slot *c)
{
    *(c->prev ? &c->prev->next : &s->first) = c->next;
    *(c->next ? &c->next->prev : &s->last) = c->prev;
    c->prev = c->next = NULL;
    c->rank = 0;
}

slot *slot_peer(const slot *c)
{
    return c == c->pool->last ? NULL : c->next;
}

slot *slot_peer_before(const slot *c)
{
    return c == c->pool->first ? NULL : c->prev;
}

/* The last of its pool, at the place before `before`. */
static void join(sup *s, pool *p, slot *c, slot *before)
{
    order_insert(s, c, before);
    if (!p->first)
        p->first = c;
    p->last = c;
    p->count++;
}

static void leave(sup *s, pool *p, slot *c)
{
    slot *after = slot_peer(c), *before = slot_peer_before(c);

    if (p->first == c)
        p->first = after;
    if (p->last == c)
        p->last = before;
    p->count--;
    order_remove(s, c);
}

void slot_to_back(sup *s, slot *c)
{
    pool *p = c->pool;

    if (c == p->last)
        return;
    if (s->group_first == c)
        s->group_first = c->next;
    slot *behind = p->last->next;
    leave(s, p, c);
    join(s, p, c, behind);
}

/* ---- Slots and pools --------------------------------------------------------------------------
 */

static uint32_t free_number(const pool *p)
{
    if (p->count == p->numbers)
        return p->numbers + 1;
    uint32_t number = 1;
    while (pool_slot(p, number))
        number++;
    return number;
}

static slot *add(sup *s, pool *p, slot *before)
{
    slot *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->pool = p;
    c->number = free_number(p);
    if (c->number > p->numbers)
        p->numbers = c->number;
    join(s, p, c, before);
    return c;
}

slot *pool_add(sup *s, pool *p)
{
    slot *c = add(s, p, p->last->next);

    /* It is none of the group that waits for a peer of it, and so stands before it. */
    if (c && s->group_first && s->group_first->pool == p) {
        while (s->group_first != c)
            slot_to_back(s, s->group_first);
        s->group_first = c->next;
    }
    return c;
}

static void pool_free(sup *s, pool *p)
{
    sup_map_remove(&s->ids, &p->by_id);
    child_spec_unref(p->spec);
    free(p);
}

void slot_free(sup *s, slot *c)
{
    pool *p = c->pool;

    march_forget(s, c);
    leave(s, p, c);
    p->numbers -= c->number == p->numbers;
    free(c->reason);
    free(c);
    if (p->count == 0)
        pool_free(s, p);
}

pool *pool_new(sup *s, child_spec *spec, size_t index)
{
    slot *before = place(s, index);
    pool *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->spec = child_spec_ref(spec);
    sup_map_add(&s->ids, &p->by_id, sup_map_hash_text(spec->id));
    while (p->count < spec->child.instances)
        if (!add(s, p, before))
            break;
    if (p->count == spec->child.instances)
        return p;
    if (p->count == 0)
        pool_free(s, p);
    else
        for (slot *c = p->first, *next; c; c = next) {
            next = slot_peer(c);
            slot_free(s, c);
        }
    return NULL;
}

static void to_front(sup *s, pool *p)
{
    slot *c = p->last, *before;

    for (uint32_t n = p->count; n > 0; n--, c = before) {
        before = c->prev;
        order_remove(s, c);
        order_link(s, c, s->first);
    }
}

void pool_order(sup *s, char *const *ids, size_t count)
{
    uint64_t rank = 0;

    while (count-- > 0) {
        pool *p = pool_find(s, ids[count]);
        if (p)
            to_front(s, p);
    }
    for (slot *c = s->first; c; c = c->next)
        c->rank = ++rank;
    march_reordered(s);
}

/* ---- Finding ----------------------------------------------------------------------------------
 */

pool *pool_find(const sup *s, const char *id)
{
    for (map_link *l = sup_map_first(&s->ids, sup_map_hash_text(id)); l; l = sup_map_next(l)) {
        pool *p = MAP_ENTRY(l, pool, by_id);
        if (strcmp(p->spec->id, id) == 0)
            return p;
    }
    return NULL;
}

pool *pool_next(const pool *p)
{
    return p->last->next ? p->last->next->pool : NULL;
}

slot *pool_slot(const pool *p, uint32_t number)
{
    slot *c = p->first;
    while (c && c->number != number)
        c = slot_peer(c);
    return c;
}

slot *slot_of_ref(const sup *s, actor_ref ref)
{
    for (map_link *l = sup_map_first(&s->refs, sup_map_hash_ref(ref)); l; l = sup_map_next(l)) {
        slot *c = MAP_ENTRY(l, slot, by_ref);
        if (actor_ref_eq(c->ref, ref))
            return c;
    }
    return NULL;
}
