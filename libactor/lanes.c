#include "libactor/lanes.h"

#include "libactor/dead.h"
#include "libactor/ext.h"
#include "libactor/watch.h"

void actor__list_push_front(actor_msg **last, actor_msg *m)
{
    if (*last == NULL) {
        actor__set_next(m, m);
        *last = m;
    } else {
        actor__set_next(m, actor__next(*last));
        actor__set_next(*last, m);
    }
}

void actor__list_push(actor_msg **last, actor_msg *m)
{
    actor__list_push_front(last, m);
    *last = m;
}

actor_msg *actor__list_pop(actor_msg **last)
{
    if (*last == NULL)
        return NULL;

    actor_msg *first = actor__next(*last);

    if (first == *last)
        *last = NULL;
    else
        actor__set_next(*last, actor__next(first));
    return first;
}

void actor__lanes_accept(actor *a, actor_msg *m)
{
    if (m->kind == ACTOR__WATCH || m->kind == ACTOR__UNWATCH)
        actor__watch_accept(a, m);
    else if ((a->ending || a->draining) && m->priority != ACTOR_SYSTEM)
        actor__dead_waiting(a, m, ACTOR_EENDED);
    else
        actor__list_push(&a->lanes[m->priority], m);
}

void actor__lanes_return(actor *a, actor_msg *m)
{
    actor_msg **last = &a->lanes[m->priority];
    actor__ext *ext = a->ext;

    m->returned = true;
    if (*last == NULL || !actor__next(*last)->returned) {
        actor__list_push_front(last, m);
    } else {
        /* Behind the last one put back: remembered, or looked for. */
        actor_msg *at = ext != NULL ? ext->returned_last : NULL;

        if (at == NULL || at->priority != m->priority) {
            at = actor__next(*last);
            while (at != *last && actor__next(at)->returned)
                at = actor__next(at);
        }
        actor__set_next(m, actor__next(at));
        actor__set_next(at, m);
        if (at == *last)
            *last = m;
    }
    if (ext != NULL)
        ext->returned_last = m;
}

static actor_msg *locked_pop(actor *a, unsigned priority)
{
    actor__locked *box = a->ext->locked;

    actor_lock_take(&box->lock);

    actor_msg *m = actor__list_pop(&box->lanes[priority]);

    if (m != NULL)
        store_relaxed(&a->count, --box->count);
    actor_lock_give(&box->lock);
    return m;
}

actor_msg *actor__lanes_pop(actor *a, unsigned priority)
{
    actor_msg *m = actor__list_pop(&a->lanes[priority]);

    /* Behind the poison pill nothing is handled. */
    if (m == NULL && a->locked && !a->draining && priority != ACTOR_SYSTEM)
        m = locked_pop(a, priority);
    if (m == NULL)
        return NULL;
    if (a->ext != NULL && a->ext->returned_last == m)
        a->ext->returned_last = NULL;
    m->returned = false;
    return m;
}

static bool locked_empty(actor__locked *box)
{
    actor_lock_take(&box->lock);

    bool empty = box->count == 0;

    actor_lock_give(&box->lock);
    return empty;
}

bool actor__lanes_no_user(const actor *a)
{
    for (unsigned p = 0; p < ACTOR_SYSTEM; p++)
        if (a->lanes[p] != NULL)
            return false;
    return !a->locked || a->draining || locked_empty(a->ext->locked);
}

bool actor__lanes_empty(const actor *a)
{
    return a->lanes[ACTOR_SYSTEM] == NULL && actor__lanes_no_user(a);
}

void actor__lanes_purge(actor *a, actor_err why)
{
    for (unsigned p = ACTOR_SYSTEM; p-- > 0;) {
        actor_msg *m;

        while ((m = actor__lanes_pop(a, p)) != NULL)
            actor__dead_waiting(a, m, why);
    }
}

void actor__lanes_unlock(actor *a)
{
    actor_msg *m;

    for (unsigned p = 0; a->locked && !a->draining && p < ACTOR_SYSTEM; p++)
        while ((m = locked_pop(a, p)) != NULL)
            actor__list_push(&a->lanes[p], m);
}

bool actor__locked_push(actor *a, actor_msg *m, actor_msg **dropped)
{
    actor__locked *box = a->ext->locked;

    *dropped = NULL;
    actor_lock_take(&box->lock);
    for (unsigned p = 0; box->count >= a->capacity && *dropped == NULL; p++) {
        if (p == m->priority && box->lanes[p] == NULL) {
            *dropped = m; /* all that waits is more important */
        } else if ((*dropped = actor__list_pop(&box->lanes[p])) != NULL) {
            box->count--;
        }
    }
    if (*dropped != m) {
        actor__list_push(&box->lanes[m->priority], m);
        box->count++;
    }
    store_relaxed(&a->count, box->count);
    actor_lock_give(&box->lock);
    return *dropped != NULL;
}
