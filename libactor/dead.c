#include "libactor/dead.h"

#include "libactor/ext.h"
#include "libactor/lanes.h"
#include "libactor/mailbox.h"
#include "libactor/pool.h"
#include "libactor/system.h"

void actor__dead_letter(actor_system *sys, actor_ref to, actor_msg *m, actor_err why)
{
    m->held = false;
    m->counted = false;
    m->returned = false;
    switch ((actor__kind)m->kind) {
    case ACTOR__USER:
        break;
    case ACTOR__WATCH:
        actor__watch_answer(m, to, ACTOR_EXIT_NORMAL);
        return;
    case ACTOR__WANT_ROOM:
        actor__room_refuse(m, to);
        return;
    default:
        actor__msg_release(m);
        return;
    }
    ACTOR__UNPOISON(actor__payload(m), actor__msg_private(m));
    if (sys != NULL) {
        atomic_fetch_add_explicit(&sys->dead_letters, 1, memory_order_relaxed);
        if (sys->options.dead_letter != NULL)
            sys->options.dead_letter(sys->options.user, to, &m, why);
    }
    if (m != NULL)
        actor__msg_release(m);
}

void actor__dead_waiting(actor *a, actor_msg *m, actor_err why)
{
    if (m->counted)
        atomic_fetch_sub_explicit(&a->count, 1, memory_order_relaxed);
    actor__dead_letter(a->sys, actor__ref_of(a), m, why);
}

void actor__dead_bury(actor *a)
{
    /* The generation is past the actor's. */
    actor_ref was = actor__ref(a->index, load_relaxed(&a->generation) - 1);
    actor__node *t = a->tail;

    /* All producers are done: there are no gaps. */
    while (t != NULL) {
        actor__node *next = load_acquire(&t->next);

        if (t == &a->stub || t == &a->pill)
            ; /* the slot's own */
        else if (t == a->tail)
            actor__msg_release(actor__node_msg(t)); /* handled before the end */
        else
            actor__dead_letter(a->sys, was, actor__node_msg(t), ACTOR_ENOTFOUND);
        t = next;
    }
    if (a->locked) {
        actor_msg *m;

        for (unsigned p = ACTOR_SYSTEM; p-- > 0;)
            while ((m = actor__lanes_pop(a, p)) != NULL)
                actor__dead_letter(a->sys, was, m, ACTOR_ENOTFOUND);
    }
    actor__ext_free(a);
}
