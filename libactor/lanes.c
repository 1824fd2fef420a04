#include "libactor/lanes.h"

#include "libactor/dead.h"
#include "libactor/ext.h"
#include "libactor/notice.h"
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
    else if (m->kind == ACTOR__NOTICE_BACK)
        actor__notice_accept(a, m);
    else if (m->kind == ACTOR__WANT_ROOM)
        actor__room_accept(a, m);
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

    if (m == NULL && a->locked && priority != ACTOR_SYSTEM)
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
    return !a->locked || locked_empty(a->ext->locked);
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

/* Make place for one of `priority` among the lower and equal ones, lowest first. NULL: there was
 * none. */
static actor_msg *locked_drop(actor__locked *box, unsigned priority) LOCK_REQUIRES(box->lock)
{
    for (unsigned p = 0; p <= priority; p++) {
        actor_msg *m = actor__list_pop(&box->lanes[p]);

        if (m != NULL) {
            box->count--;
            return m;
        }
    }
    return NULL;
}

actor_err actor__locked_push(actor *a, actor_msg *m, actor_msg **dropped)
{
    actor__locked *box = a->ext->locked;
    bool fits;

    actor_lock_take(&box->lock);

    actor_err why = box->closed ? ACTOR_EENDED : ACTOR_EFULL;

    *dropped = NULL;
    if (!box->closed && box->count >= a->capacity)
        *dropped = locked_drop(box, m->priority);
    fits = !box->closed && box->count < a->capacity;
    if (fits) {
        actor__list_push(&box->lanes[m->priority], m);
        store_relaxed(&a->count, ++box->count);
    } else {
        *dropped = m;
    }
    actor_lock_give(&box->lock);
    return why;
}

void actor__locked_close(actor *a)
{
    actor__locked *box = a->ext->locked;

    actor_lock_take(&box->lock);
    box->closed = true;
    actor_lock_give(&box->lock);
}
