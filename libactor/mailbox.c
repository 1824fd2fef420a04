#include "libactor/mailbox.h"

#include <sched.h>

#include "libactor/lanes.h"

#define PAUSES 64 /* a push takes a few ns between its two steps */

static actor__node *await_link(actor__node *n)
{
    actor__node *next;

    for (unsigned i = 0; (next = load_acquire(&n->next)) == NULL; i++) {
        if (i < PAUSES)
            actor__relax();
        else
            sched_yield();
    }
    return next;
}

void actor__mailbox_detach(actor *a, actor__node *n)
{
    actor__node *next = load_acquire(&n->next);

    if (next == NULL) {
        if (actor__mailbox_close(a, n, 0))
            return;
        next = await_link(n);
    }
    store_relaxed(&a->stub.next, next);
    a->tail = &a->stub;
}

bool actor__mailbox_drain(actor *a)
{
    actor__node *t = a->tail;
    actor__node *n = load_acquire(&t->next);

    if (t != &a->stub) {
        /* The message handled last: out first, so that the rest begins at the stub. */
        if (n == NULL && !actor__mailbox_close(a, t, 0))
            return false;
        if (n != NULL) {
            store_relaxed(&a->stub.next, n);
            a->tail = &a->stub;
        }
        actor__msg_release(actor__node_msg(t));
    }
    while (n != NULL) {
        actor__node *next = load_acquire(&n->next);

        if (next == NULL && !actor__mailbox_close(a, n, 0)) {
            /* It stays, still to be handled. */
            store_relaxed(&a->stub.next, n);
            a->tail = &a->stub;
            return false;
        }
        if (next != NULL)
            store_relaxed(&a->stub.next, next);
        if (n == &a->pill)
            a->draining = true;
        else
            actor__lanes_accept(a, actor__node_msg(n));
        n = next;
    }
    return load_relaxed(&a->head) == (uintptr_t)&a->stub;
}
