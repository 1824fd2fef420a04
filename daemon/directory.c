#include "daemon/directory.h"

#include "daemon/unit_put.h"

#include <stdlib.h>
#include <string.h>

struct directory {
    actor_lock lock;
    table units LOCK_GUARDED_BY(lock);
    unit_counters retired LOCK_GUARDED_BY(lock);
};

directory *directory_new(void)
{
    directory *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    actor_lock_init(&d->lock);
    if (!table_init(&d->units)) {
        directory_free(d);
        return NULL;
    }
    return d;
}

void directory_free(directory *d)
{
    if (!d)
        return;
    if (d->units.buckets)
        directory_clear(d);
    table_fini(&d->units);
    actor_lock_destroy(&d->lock);
    free(d);
}

bool directory_add(directory *d, unit *u)
{
    actor_lock_take(&d->lock);
    bool fresh = !table_find(&d->units, u->name);
    if (fresh)
        table_add(&d->units, &unit_hold(u)->named, u->name);
    actor_lock_give(&d->lock);
    return fresh;
}

void directory_remove(directory *d, unit *u)
{
    actor_lock_take(&u->lock);
    unit_counters last = u->counters;
    actor_lock_give(&u->lock);
    actor_lock_take(&d->lock);
    bool there = table_find(&d->units, u->name) == &u->named;
    if (there) {
        table_remove(&d->units, &u->named);
        unit_add_counters(&d->retired, &last);
    }
    actor_lock_give(&d->lock);
    if (there)
        unit_release(u);
}

void directory_clear(directory *d)
{
    for (;;) {
        actor_lock_take(&d->lock);
        table_node *n = table_next(&d->units, NULL);
        if (n)
            table_remove(&d->units, n);
        actor_lock_give(&d->lock);
        if (!n)
            return;
        unit_release(CONTAINER(n, unit, named));
    }
}

unit *directory_find(directory *d, const char *name, rpc_failure *failure)
{
    char nearest[CONFIG_NAME_MAX + 1] = "";
    actor_lock_take(&d->lock);
    table_node *n = table_find(&d->units, name);
    unit *u = n ? unit_hold(CONTAINER(n, unit, named)) : NULL;
    if (!u && failure) {
        suggest s;
        suggest_start(&s, name);
        for (n = NULL; (n = table_next(&d->units, n));)
            suggest_offer(&s, n->key);
        if (s.best)
            memcpy(nearest, s.best, strlen(s.best) + 1);
    }
    actor_lock_give(&d->lock);
    if (!u && failure && nearest[0])
        rpc_fail(failure, RPC_NOT_FOUND, "no actor is called '%s'; did you mean '%s'?", name,
                 nearest);
    else if (!u && failure)
        rpc_fail(failure, RPC_NOT_FOUND, "no actor is called '%s'; see: actorctl ls", name);
    return u;
}

size_t directory_count(directory *d)
{
    actor_lock_take(&d->lock);
    size_t n = d->units.count;
    actor_lock_give(&d->lock);
    return n;
}

static int by_name(const void *a, const void *b)
{
    unit *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static uint32_t order_of(unit *u)
{
    actor_lock_take(&u->lock);
    uint32_t order = u->order;
    actor_lock_give(&u->lock);
    return order;
}

static int by_start(const void *a, const void *b)
{
    unit *const *x = a, *const *y = b;
    uint32_t i = order_of(*x), j = order_of(*y);
    return i != j ? (i > j) - (i < j) : by_name(a, b);
}

static unit **collect(directory *d, const unit *parent, size_t *count) LOCK_REQUIRES(d->lock)
{
    size_t n = 0;
    unit **list = calloc(d->units.count + 1, sizeof(unit *));
    for (table_node *at = NULL; list && (at = table_next(&d->units, at));) {
        unit *u = CONTAINER(at, unit, named);
        if (!parent || u->parent == parent)
            list[n++] = unit_hold(u);
    }
    *count = n;
    return list;
}

unit **directory_list(directory *d, const unit *parent, bool by_order)
{
    size_t n;
    actor_lock_take(&d->lock);
    unit **list = collect(d, parent, &n);
    actor_lock_give(&d->lock);
    if (list)
        qsort(list, n, sizeof(unit *), by_order ? by_start : by_name);
    return list;
}

unit **directory_all(directory *d, unit_counters *retired)
{
    size_t n;
    actor_lock_take(&d->lock);
    unit **list = collect(d, NULL, &n);
    *retired = d->retired;
    actor_lock_give(&d->lock);
    return list;
}

void directory_list_free(unit **list)
{
    for (unit **at = list; at && *at; at++)
        unit_release(*at);
    free(list);
}
