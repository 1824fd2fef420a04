#include "libactor/watch.h"

#include <stdlib.h>

#include "libactor/ext.h"
#include "libactor/memory.h"
#include "libactor/pool.h"
#include "libactor/self.h"
#include "libactor/send.h"

#define FIRST_SIZE 8u

/* Payload of WATCH, and of the record that it becomes. */
typedef struct record {
    actor_msg *next, *prev; /* of the target's watchers; prev of the first: the last */
    actor_msg *spare;       /* for the next restart, if there is one; only if restarts are told */
    bool restarts;
} record;

/* Payload of UNWATCH. The record's address is good: it came to this actor before. */
typedef struct unwatch {
    actor_msg *record;
} unwatch;

static size_t record_size(void)
{
    return sizeof(record) > sizeof(actor_down) ? sizeof(record) : sizeof(actor_down);
}

static record *record_of(actor_msg *m)
{
    return actor__payload(m);
}

/* ---- The target's side --------------------------------------------------------------------- */

static void record_free(actor_msg *m)
{
    if (record_of(m)->spare != NULL)
        actor__pool_put(record_of(m)->spare);
    actor__pool_put(m);
}

static void record_unlink(actor *a, actor_msg *m)
{
    record *r = record_of(m);

    if (r->next != NULL)
        record_of(r->next)->prev = r->prev;
    else
        record_of(a->watched)->prev = r->prev;
    if (a->watched == m)
        a->watched = r->next;
    else
        record_of(r->prev)->next = r->next;
}

void actor__watch_accept(actor *a, actor_msg *m)
{
    if (m->kind == ACTOR__UNWATCH) {
        actor_msg *old = ((unwatch *)actor__payload(m))->record;

        record_unlink(a, old);
        record_free(old);
        actor__pool_put(m);
        return;
    }

    record *r = record_of(m);

    r->next = NULL;
    if (a->watched == NULL) {
        r->prev = m;
        a->watched = m;
    } else {
        r->prev = record_of(a->watched)->prev;
        record_of(r->prev)->next = m;
        record_of(a->watched)->prev = m;
    }
}

static void send_down(actor_msg *m, actor_ref target, actor_exit why, bool restarted)
{
    m->kind = ACTOR__DOWN;
    m->type = ACTOR_MSG_DOWN;
    m->size = sizeof(actor_down);
    *(actor_down *)actor__payload(m) =
        (actor_down){.ref = target, .exit = why, .restarted = restarted};
    actor__online();

    actor *watcher = actor__resolve(m->sender);

    if (watcher != NULL)
        actor__post(watcher, m);
    else
        actor__pool_put(m);
    actor__offline();
}

void actor__watch_answer(actor_msg *m, actor_ref target, actor_exit why)
{
    if (record_of(m)->spare != NULL)
        actor__pool_put(record_of(m)->spare);
    send_down(m, target, why, false);
}

void actor__watch_restarted(actor *a)
{
    for (actor_msg *m = a->watched; m != NULL; m = record_of(m)->next) {
        record *r = record_of(m);

        if (!r->restarts)
            continue;
        if (r->spare == NULL) /* there was no memory for it at the restart before */
            r->spare = actor__msg_new(ACTOR__DOWN, sizeof(actor_down));
        if (r->spare != NULL) {
            r->spare->sender = m->sender;
            r->spare->tag = m->tag;
            send_down(r->spare, actor__ref_of(a), (actor_exit)a->exit, true);
        }
        r->spare = actor__msg_new(ACTOR__DOWN, sizeof(actor_down));
    }
}

void actor__watch_ended(actor *a, actor_ref was)
{
    for (actor_msg *m = a->watched, *next; m != NULL; m = next) {
        next = record_of(m)->next;
        actor__watch_answer(m, was, (actor_exit)a->exit);
    }
    a->watched = NULL;
}

/* ---- The watcher's set --------------------------------------------------------------------- */

static actor__watch **bucket(actor__watches *set, actor_ref target)
{
    uint64_t hash = target.bits * 0x9e3779b97f4a7c15u;

    return &set->buckets[(hash >> 32) & (set->size - 1)];
}

static actor__watch *find(actor__watches *set, actor_ref target)
{
    if (set->count == 0)
        return NULL;

    actor__watch *e = *bucket(set, target);

    while (e != NULL && !actor_ref_eq(e->target, target))
        e = e->chain;
    return e;
}

static bool grow(actor__watches *set)
{
    uint32_t size = set->size == 0 ? FIRST_SIZE : 2 * set->size;
    actor__watch **buckets = actor__alloc(size * sizeof(actor__watch *));

    if (buckets == NULL)
        return false;
    free(set->buckets);
    set->buckets = buckets;
    set->size = size;
    for (actor__watch *e = set->first; e != NULL; e = e->next) {
        actor__watch **b = bucket(set, e->target);

        e->chain = *b;
        *b = e;
    }
    return true;
}

static actor__watch *insert(actor__watches *set, actor_ref target)
{
    if (set->count == set->size && !grow(set))
        return NULL;

    actor__watch *e = actor__alloc(sizeof(*e));

    if (e == NULL)
        return NULL;

    actor__watch **b = bucket(set, target);

    e->target = target;
    e->id = ++set->ids;
    e->chain = *b;
    *b = e;
    e->prev = set->last;
    if (set->last != NULL)
        set->last->next = e;
    else
        set->first = e;
    set->last = e;
    set->count++;
    return e;
}

static void erase(actor__watches *set, actor__watch *e)
{
    actor__watch **at = bucket(set, e->target);

    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    if (e->next != NULL)
        e->next->prev = e->prev;
    else
        set->last = e->prev;
    if (e->prev != NULL)
        e->prev->next = e->next;
    else
        set->first = e->next;
    set->count--;
    free(e);
}

/* ---- The watcher's side -------------------------------------------------------------------- */

/* A WATCH message for an entry. */
static actor_msg *watch_msg(const actor *a, const actor__watch *e)
{
    actor_msg *m = actor__msg_new(ACTOR__WATCH, record_size());

    if (m == NULL)
        return NULL;

    actor_msg *spare = e->restarts ? actor__msg_new(ACTOR__DOWN, sizeof(actor_down)) : NULL;

    if (e->restarts && spare == NULL) {
        actor__pool_put(m);
        return NULL;
    }
    *record_of(m) = (record){.spare = spare, .restarts = e->restarts};
    m->sender = actor__ref_of(a);
    m->tag = e->id;
    return m;
}

actor_err actor_watch(actor *self, actor_ref target, bool restarts)
{
    ACTOR__CHECK_SELF(self);

    actor__ext *ext = actor__ext_of(self);

    if (ext == NULL)
        return ACTOR_ENOMEM;

    actor__watch *old = find(&ext->watches, target);

    if (old != NULL && (old->restarts || !restarts))
        return ACTOR_OK;

    actor__watch *e = insert(&ext->watches, target);

    if (e == NULL)
        return ACTOR_ENOMEM;
    e->restarts = restarts;
    e->record = watch_msg(self, e);
    if (e->record == NULL) {
        erase(&ext->watches, e);
        return ACTOR_ENOMEM;
    }
    if (old != NULL) /* wants more than before */
        erase(&ext->watches, old);
    actor__online();

    actor *a = actor__resolve(target);

    if (a != NULL)
        actor__post(a, e->record);
    else
        actor__watch_answer(e->record, target, ACTOR_EXIT_NORMAL);
    actor__offline();
    return ACTOR_OK;
}

/* Without memory the record stays, and its DOWN finds nobody who wants it. */
static void unwatch_target(const actor__watch *e)
{
    actor__online();

    actor *a = actor__resolve(e->target);
    actor_msg *m = a == NULL ? NULL : actor__msg_new(ACTOR__UNWATCH, sizeof(unwatch));

    if (m != NULL) {
        ((unwatch *)actor__payload(m))->record = e->record;
        actor__post(a, m);
    }
    actor__offline();
}

void actor_unwatch(actor *self, actor_ref target)
{
    ACTOR__CHECK_SELF(self);

    actor__watch *e = self->ext == NULL ? NULL : find(&self->ext->watches, target);

    if (e == NULL)
        return;
    unwatch_target(e);
    erase(&self->ext->watches, e);
}

bool actor__watch_wanted(actor *a, actor_msg *m)
{
    const actor_down *down = actor__payload(m);
    actor__watch *e = a->ext == NULL ? NULL : find(&a->ext->watches, down->ref);

    if (e == NULL || e->id != m->tag)
        return false;
    if (!down->restarted)
        erase(&a->ext->watches, e);
    return true;
}

void actor__watch_clear(actor *a)
{
    if (a->ext == NULL)
        return;
    for (actor__watch *e = a->ext->watches.first, *next; e != NULL; e = next) {
        next = e->next;
        unwatch_target(e);
        erase(&a->ext->watches, e);
    }
}

void actor__watches_free(actor__watches *watches)
{
    for (actor__watch *e = watches->first, *next; e != NULL; e = next) {
        next = e->next;
        free(e);
    }
    free(watches->buckets);
}
