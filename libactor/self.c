#include "libactor/self.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "libactor/ext.h"
#include "libactor/lanes.h"
#include "libactor/mailbox.h"
#include "libactor/memory.h"
#include "libactor/notice.h"
#include "libactor/system.h"

actor_ref actor_self(const actor *self)
{
    ACTOR__CHECK_SELF(self);
    return actor__ref_of(self);
}

actor_system *actor_self_system(const actor *self)
{
    return self->sys;
}

void *actor_self_arg(const actor *self)
{
    ACTOR__CHECK_SELF(self);
    return self->arg;
}

void actor_unhandled(actor *self)
{
    ACTOR__CHECK_SELF(self);
    atomic_fetch_add_explicit(&self->sys->unhandled, 1, memory_order_relaxed);
}

uint32_t actor_self_incarnation(const actor *self)
{
    ACTOR__CHECK_SELF(self);
    return load_relaxed(&self->incarnation);
}

actor_msg *actor_take(actor *self)
{
    actor__worker *w = actor__me.worker;
    actor_msg *m = w->msg;

    ACTOR__CHECK_SELF(self);
    if (m == NULL)
        return NULL;
    if (&m->node == self->tail)
        actor__mailbox_detach(self, &m->node);
    m->held = false;
    w->msg = NULL;
    w->taken = true;
    return m;
}

void actor__take_in_hand(const actor_msg *m)
{
    actor__worker *w = actor__me.worker;

    if (w != NULL && w->msg == m)
        (void)actor_take(w->current);
    else
        actor__panic("a message is given away by somebody who does not own it");
}

void actor_return(actor *self, actor_msg **msg)
{
    actor_msg *m = *msg;

    ACTOR__CHECK_SELF(self);
    if (m->held)
        actor__take_in_hand(m);
    m->held = true;
    ACTOR__POISON(actor__payload(m), actor__msg_private(m));
    actor__lanes_return(self, m);
    self->slow = true;
    *msg = NULL;
}

actor_err actor_stash(actor *self)
{
    ACTOR__CHECK_SELF(self);
    if (actor__me.worker->msg == NULL)
        return ACTOR_EINVAL;

    actor__ext *ext = actor__ext_of(self);

    if (ext == NULL)
        return ACTOR_ENOMEM;
    if (ext->stash_capacity != 0 && ext->stash_count == ext->stash_capacity)
        return ACTOR_EFULL;

    actor_msg *m = actor_take(self);

    m->held = true;
    actor__list_push(&ext->stash, m);
    ext->stash_count++;
    return ACTOR_OK;
}

void actor__unstash(actor *a)
{
    actor__ext *ext = a->ext;
    actor_msg *newest = NULL; /* a stack by `next` */
    actor_msg *m;

    if (ext == NULL || ext->stash == NULL)
        return;
    while ((m = actor__list_pop(&ext->stash)) != NULL) {
        actor__set_next(m, newest);
        newest = m;
    }
    ext->stash_count = 0;
    while ((m = newest) != NULL) {
        newest = actor__next(m);
        actor__list_push_front(&a->lanes[m->priority], m);
    }
    a->slow = true;
}

void actor_unstash(actor *self)
{
    ACTOR__CHECK_SELF(self);
    actor__unstash(self);
}

void actor_intake(actor *self, bool open)
{
    ACTOR__CHECK_SELF(self);
    self->intake = open;
    self->slow = true;
}

void actor_become(actor *self, actor_verdict (*handle)(actor *, void *, actor_msg *))
{
    ACTOR__CHECK_SELF(self);
    self->handle = handle;
}

void actor_started(actor *self)
{
    ACTOR__CHECK_SELF(self);
    actor__lifecycle_started(self);
}

void actor_stopped(actor *self)
{
    ACTOR__CHECK_SELF(self);
    if (load_relaxed(&self->phase) == ACTOR_PHASE_STOPPING)
        self->flags |= ACTOR__F_STOPPED; /* looked at on the slow way, which it is on */
}

actor_verdict actor_fail(actor *self, actor_verdict verdict, const char *format, ...)
{
    va_list args;
    char *text = NULL;

    ACTOR__CHECK_SELF(self);
    if (!actor__alloc_fails()) {
        va_start(args, format);
        if (vasprintf(&text, format, args) < 0)
            text = NULL; /* out of memory: no reason is better than the one before */
        va_end(args);
    }
    actor__notice_reason(self, text);
    return verdict;
}
