#include "libactor/send.h"

#include "libactor/dead.h"
#include "libactor/lanes.h"
#include "libactor/self.h"

/* A mailbox that drops its oldest. */
static void send_locked(actor *a, actor_ref to, actor_msg *m)
{
    actor_msg *dropped = NULL;

    m->held = true;
    ACTOR__POISON(actor__payload(m), actor__msg_private(m));
    ACTOR__PROBE_SEND(a, m);

    actor_err why = actor__locked_push(a, m, &dropped);

    if (dropped != m)
        actor__signal(a, ACTOR__URGENT, 0);
    if (dropped != NULL)
        actor__dead_letter(a->sys, to, dropped, why);
}

static bool count_in(actor *a)
{
    uint32_t count = load_relaxed(&a->count);

    /* Not an addition that is taken back: room.c wants the count exact. */
    do {
        if (count >= a->capacity)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&a->count, &count, count + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static actor_err send_bounded(actor *a, actor_ref to, actor_msg *m)
{
    if (a->locked) {
        send_locked(a, to, m);
        return ACTOR_OK;
    }
    if (!count_in(a)) {
        if (a->on_full == ACTOR_REJECT)
            return ACTOR_EFULL;
        actor__dead_letter(a->sys, to, m, ACTOR_EFULL);
        return ACTOR_OK;
    }
    m->counted = true;
    actor__post(a, m);
    return ACTOR_OK;
}

static actor_err deliver(actor_ref to, actor_msg *m)
{
    actor *a = actor__resolve(to);

    if (UNLIKELY(a == NULL))
        return ACTOR_ENOTFOUND;
    if (UNLIKELY(a->capacity != 0 && m->priority != ACTOR_SYSTEM))
        return send_bounded(a, to, m);
    actor__post(a, m);
    return ACTOR_OK;
}

/* The message in hand: out of the mailbox first, and back in hand if it can't be sent. */
static actor_err forward(actor_ref to, actor_msg **msg)
{
    actor_msg *m = *msg;

    actor__take_in_hand(m);

    actor__worker *w = actor__me.worker;
    actor_err err = deliver(to, m);

    if (err == ACTOR_OK) {
        *msg = NULL;
    } else {
        m->held = true;
        w->msg = m;
        w->taken = false;
    }
    return err;
}

actor_err actor__send(actor_ref to, actor_msg **msg)
{
    actor_err err;

    actor__online();
    if (UNLIKELY((*msg)->held))
        err = forward(to, msg);
    else if ((err = deliver(to, *msg)) == ACTOR_OK)
        *msg = NULL;
    actor__offline();
    return err;
}

/* An unanswered ask keeps its sender: the reply goes to who asked, however often it is sent on.
 * A notice does too, since its block goes back to the child. */
static void set_sender(actor_msg *m, actor_ref sender)
{
    if (!m->ask && m->kind != ACTOR__NOTICE)
        m->sender = sender;
}

/* Two threads that pour messages into one mailbox take the line of its head from each other for
 * each of them, which takes many times what a push does. So they take turns: who had his and sees
 * that others push too lets them, for about as long. */
#define TURN 64u /* messages, and pauses of who waits */

static COLD void give_way(actor__thread *t)
{
    for (unsigned i = 0; i < TURN; i++)
        actor__relax();
    t->stream.length = 0;
}

/* A message was pushed behind `before`. */
static HOT void stream(const actor *a, const actor__node *n, uintptr_t before)
{
    actor__thread *t = &actor__me;

    if (t->stream.to != a) {
        t->stream.to = a;
        t->stream.length = 0;
    } else if (UNLIKELY(++t->stream.length >= TURN) && before != (uintptr_t)t->stream.newest) {
        give_way(t);
    }
    t->stream.newest = n;
}

/* The end of send_plain(). */
static HOT void wake(actor *a, uint32_t depth)
{
    actor__worker *w = actor__worker_for(a);

    if (LIKELY(w != NULL)) {
        actor__online_back(depth);
        actor__schedule_local(w, a);
    } else {
        actor__schedule_elsewhere(a);
        actor__online_back(depth);
    }
}

/* What most messages are, from a thread that is online. False: nothing was done, and the long way
 * is to be taken. */
static HOT bool send_plain(actor_ref to, actor_msg **msg, actor_ref sender)
{
    actor_msg *m = *msg;

    if (UNLIKELY(!actor__msg_plain(m, false)))
        return false;

    uint32_t depth = actor__online_deeper();
    actor *a = actor__resolve(to);

    if (UNLIKELY(a == NULL || a->capacity != 0)) {
        actor__online_back(depth);
        return false;
    }
    m->sender = sender;
    m->held = true;
    *msg = NULL;
    ACTOR__POISON(actor__payload(m), actor__msg_private(m));
    ACTOR__PROBE_SEND(a, m);

    uintptr_t before = actor__mailbox_push(a, &m->node);

    if ((before & ACTOR__EMPTY) != 0) {
        actor__me.stream.to = NULL;
        wake(a, depth);
    } else {
        actor__online_back(depth);
        stream(a, &m->node, before);
    }
    return true;
}

static COLD actor_err send_special(actor_ref to, actor_msg **msg, actor_ref sender)
{
    actor_msg *m = *msg;
    actor_ref before = m->sender;

    set_sender(m, sender);

    actor_err err = actor__send(to, msg);

    if (err != ACTOR_OK)
        m->sender = before; /* it may go back to where it came from: actor_return() */
    return err;
}

ENTRY actor_err actor_send(actor_ref to, actor_msg **msg)
{
    if (LIKELY(actor__me.online != 0) && LIKELY(send_plain(to, msg, ACTOR_NONE)))
        return ACTOR_OK;
    return send_special(to, msg, ACTOR_NONE);
}

/* A handler's thread is online. */
ENTRY actor_err actor_tell(actor *self, actor_ref to, actor_msg **msg)
{
    actor_ref sender = actor__ref_of(self);

    ACTOR__CHECK_SELF(self);
    return LIKELY(send_plain(to, msg, sender)) ? ACTOR_OK : send_special(to, msg, sender);
}
