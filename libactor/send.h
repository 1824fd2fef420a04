/* The way of a message to an actor. */
#ifndef ACTOR_SEND_H
#define ACTOR_SEND_H

#include "libactor/lifecycle.h"
#include "libactor/mailbox.h"
#include "libactor/probe.h"

/* Queue `m`, whatever the capacity; takes it. The thread is online. */
static inline void actor__post(actor *a, actor_msg *m)
{
    bool low = m->priority < ACTOR_NORMAL;
    bool urgent = m->priority != ACTOR_NORMAL;

    m->held = true;
    ACTOR__POISON(actor__payload(m), actor__msg_private(m));
    ACTOR__PROBE_SEND(a, m);
    if ((actor__mailbox_push(a, &m->node) & ACTOR__EMPTY) != 0) {
        urgent = low; /* it is the first: only a low one must let others pass */
        actor__schedule(a);
    }
    /* After the push: who sees the flag finds the message. Release: pairs with run.c's. */
    if (UNLIKELY(urgent) && (load_relaxed(&a->signals) & ACTOR__URGENT) == 0)
        atomic_fetch_or_explicit(&a->signals, ACTOR__URGENT, memory_order_release);
}

/* As actor_send(); the sender is set already. */
actor_err actor__send(actor_ref to, actor_msg **msg);

#endif
