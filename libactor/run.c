/* Running an actor: which message is next, and what its kind wants.
 *
 * There are two ways. The fast one takes the mailbox in order, a load a message: an actor that
 * runs, whose intake is open, with nothing in its lanes. Everything else is slow: signals of the
 * life cycle first (lifecycle.c), then the mailbox is moved into the lanes, and the highest lane
 * that may be served is. `slow` is set by whatever makes the fast way wrong, and cleared here only.
 *
 * A message in hand is either still the mailbox's tail (fast), and then is freed when the next one
 * is reached; or by itself (slow, or taken out by actor_take()), and is freed right away.
 */
#include "libactor/run.h"

#include "libactor/ask.h"
#include "libactor/dead.h"
#include "libactor/lanes.h"
#include "libactor/lifecycle.h"
#include "libactor/mailbox.h"
#include "libactor/pool.h"
#include "libactor/probe.h"
#include "libactor/room.h"
#include "libactor/timer.h"
#include "libactor/watch.h"

static HOT void release(actor_msg *m)
{
    if (LIKELY(!ACTOR__ASAN && actor__msg_plain(m, true)))
        actor__pool_push(m, m->block);
    else
        actor__msg_release(m);
}

/* ---- What the kinds want ------------------------------------------------------------------- */

static actor_verdict call_handler(actor__worker *w, actor *a, actor_msg *m)
{
    m->kind = ACTOR__USER;
    w->msg = m;
    return a->handle(a, a->state, m);
}

static actor_verdict on_timer(actor__worker *w, actor *a, actor_msg *m)
{
    return actor__timer_handled(a, m) ? call_handler(w, a, m) : ACTOR_CONTINUE;
}

static actor_verdict on_ask_timeout(actor__worker *w, actor *a, actor_msg *m)
{
    (void)w;
    return actor__timer_handled(a, m) ? actor__ask_outcome(a, m->tag, ACTOR_ETIMEOUT, NULL)
                                      : ACTOR_CONTINUE;
}

static actor_verdict on_ask_reply(actor__worker *w, actor *a, actor_msg *m)
{
    ACTOR__UNPOISON(actor__payload(m), actor__msg_private(m));
    m->kind = ACTOR__USER;
    w->msg = m;
    return actor__ask_outcome(a, m->tag, ACTOR_OK, m);
}

static actor_verdict on_ask_ended(actor__worker *w, actor *a, actor_msg *m)
{
    (void)w;
    return actor__ask_outcome(a, m->tag, ACTOR_EENDED, NULL);
}

static actor_verdict on_notice(actor__worker *w, actor *a, actor_msg *m)
{
    w->msg = m; /* stays a notice: it owns its reason */
    return a->handle(a, a->state, m);
}

static actor_verdict on_down(actor__worker *w, actor *a, actor_msg *m)
{
    return actor__watch_wanted(a, m) ? call_handler(w, a, m) : ACTOR_CONTINUE;
}

static actor_verdict on_room(actor__worker *w, actor *a, actor_msg *m)
{
    return actor__room_current(a, m) ? call_handler(w, a, m) : ACTOR_CONTINUE;
}

/* What lanes_accept() deals with, met on the fast way. No message in hand: it is kept or freed. */
static actor_verdict on_accept(actor__worker *w, actor *a, actor_msg *m)
{
    if (&m->node == a->tail)
        actor__mailbox_detach(a, &m->node);
    actor__lanes_accept(a, m);
    w->taken = true;
    return ACTOR_CONTINUE;
}

static actor_verdict (*const on_kind[ACTOR__KINDS])(actor__worker *, actor *, actor_msg *) = {
    [ACTOR__USER] = call_handler,          [ACTOR__TIMER] = on_timer,
    [ACTOR__ASK_TIMEOUT] = on_ask_timeout, [ACTOR__ASK_REPLY] = on_ask_reply,
    [ACTOR__ASK_ENDED] = on_ask_ended,     [ACTOR__NOTICE] = on_notice,
    [ACTOR__NOTICE_BACK] = on_accept,      [ACTOR__WATCH] = on_accept,
    [ACTOR__UNWATCH] = on_accept,          [ACTOR__DOWN] = on_down,
    [ACTOR__WANT_ROOM] = on_accept,        [ACTOR__ROOM] = on_room,
};

/* ---- One message --------------------------------------------------------------------------- */

/* The callback wants more than to continue. True: the actor is gone. */
static COLD bool settle(actor__worker *w, actor *a, actor_msg *m, bool taken, actor_verdict verdict)
{
    w->msg = NULL;
    if (!taken) {
        if (&m->node == a->tail)
            actor__mailbox_detach(a, &m->node);
        if (verdict >= ACTOR_FAIL_MESSAGE)
            actor__dead_letter(a->sys, actor__ref_of(a), m, ACTOR_EFAILED);
        else
            actor__msg_release(m);
    }
    return actor__lifecycle_verdict(w, a, verdict);
}

/* One that is not plain, or comes on the slow way. */
static actor_verdict handle_special(actor__worker *w, actor *a, actor_msg *m)
{
    if (m->kind != ACTOR__USER)
        return on_kind[m->kind](w, a, m);
    if (m->counted) {
        m->counted = false;
        atomic_fetch_sub_explicit(&a->count, 1, memory_order_relaxed);
    }
    ACTOR__UNPOISON(actor__payload(m), actor__msg_private(m));
    bump(&a->handled, 1);
    return call_handler(w, a, m);
}

/* True: the actor is gone. */
static COLD bool handle(actor__worker *w, actor *a, actor_msg *m)
{
    w->msg = NULL;
    w->taken = false;

    actor_verdict verdict = handle_special(w, a, m);

    if (verdict != ACTOR_CONTINUE || (a->flags & ACTOR__F_STOPPED) != 0)
        return settle(w, a, m, w->taken, verdict);
    w->msg = NULL;
    if (!w->taken && &m->node != a->tail)
        release(m);
    return false;
}

/* What the handler took out of the mailbox, and perhaps gave back because it could not be sent. */
static COLD void let_go(actor__worker *w, actor_msg *m)
{
    if (w->msg == m)
        release(m);
}

/* The same of a plain message that is the mailbox's tail, in an actor that runs. Leaves w->msg. */
static HOT bool handle_plain(actor__worker *w, actor *a, actor_msg *m)
{
    ACTOR__UNPOISON(actor__payload(m), actor__msg_private(m));
    bump(&a->handled, 1);
    w->msg = m;

    actor_verdict verdict = a->handle(a, a->state, m);

    if (UNLIKELY(verdict != ACTOR_CONTINUE))
        return settle(w, a, m, w->msg == NULL, verdict);
    if (UNLIKELY(&m->node != a->tail))
        let_go(w, m);
    return false;
}

/* ---- The next message ---------------------------------------------------------------------- */

typedef enum step {
    STEP_ON,   /* something was done, or there may be something to do */
    STEP_DONE, /* nothing can be done with what is there */
    STEP_GAP,
    STEP_GONE,
    STEP_SLOW, /* the fast way is wrong */
} step;

static bool user_open(const actor *a)
{
    return load_relaxed(&a->phase) == ACTOR_PHASE_RUNNING && a->intake &&
           !load_relaxed(&a->paused) && !a->ending;
}

static actor_msg *pick(actor *a, bool open)
{
    actor_msg *m =
        load_relaxed(&a->phase) == ACTOR_PHASE_DOWN ? NULL : actor__lanes_pop(a, ACTOR_SYSTEM);

    for (unsigned p = ACTOR_SYSTEM; open && m == NULL && p-- > 0;)
        m = actor__lanes_pop(a, p);
    return m;
}

static COLD step slow_step(actor__worker *w, actor *a)
{
    a->slow = true;
    if ((load_relaxed(&a->signals) & (uint32_t)ACTOR__ORDERS) != 0 ||
        (a->flags & (ACTOR__F_START_WANTED | ACTOR__F_HALT_WANTED)) != 0) {
        switch (actor__lifecycle_signals(w, a)) {
        case ACTOR__GONE:
            return STEP_GONE;
        case ACTOR__GAP:
            return STEP_GAP;
        default:
            break;
        }
    }
    /* Acquire: what was pushed before the flag was set is seen by the drain. */
    if ((load_relaxed(&a->signals) & ACTOR__URGENT) != 0)
        atomic_fetch_and_explicit(&a->signals, ~ACTOR__URGENT, memory_order_acquire);

    bool whole = actor__mailbox_drain(a);
    bool open = user_open(a);
    actor_msg *m = pick(a, open);
    bool crowded = actor__room_look(a, m == NULL && whole);

    if (m != NULL)
        return handle(w, a, m) ? STEP_GONE : STEP_ON;
    if (!whole || crowded)
        return STEP_GAP;
    if (a->draining && !a->ending && actor__lanes_no_user(a))
        return actor__lifecycle_drained(w, a) ? STEP_GONE : STEP_ON;
    if (open && !a->locked && (load_relaxed(&a->signals) & ACTOR__PILL) == 0 &&
        !actor__room_wanted(a))
        a->slow = false;
    return STEP_DONE;
}

/* Mark as empty and leave, or say why not. */
static inline step leave(actor *a)
{
    actor__node *t = a->tail;
    /* A locked mailbox says by this flag that it has something. */
    uint32_t mask = (uint32_t)ACTOR__ORDERS | (a->locked ? ACTOR__URGENT : 0);

    if (UNLIKELY(!actor__mailbox_close(a, t, ACTOR__EMPTY)))
        return load_acquire(&t->next) != NULL ? STEP_ON : STEP_GAP;
    if (t != &a->stub)
        release(actor__node_msg(t));
    /* Strong, after the strong mark: either we see a signal, or its sender sees the mark. */
    if ((load_strong(&a->signals) & mask) != 0 && actor__mailbox_wake(a))
        return STEP_ON;
    return STEP_DONE;
}

/* Empty, but who got two messages at a time while others waited will have more at its next turn:
 * then it is cheaper to stay in the queue than to mark the mailbox as empty and be scheduled again.
 * Once: if nothing came, it leaves. */
static HOT bool linger(const actor__worker *w, actor *a, unsigned handled)
{
    if (handled + (a->flags / ACTOR__F_LINGERS & 1u) >= 2 && load_relaxed(&w->runq.count) != 0) {
        a->flags |= ACTOR__F_LINGERS;
        return true;
    }
    a->flags &= (uint8_t)~ACTOR__F_LINGERS;
    return false;
}

static HOT step fast_steps(actor__worker *w, actor *a, unsigned *left)
{
    for (; *left > 0; --*left) {
        actor__node *t = a->tail;
        actor__node *n = load_acquire(&t->next);

        /* Signals after the link: the pill is pushed after its signal, so it is never `n` below. */
        if (UNLIKELY(a->slow || load_relaxed(&a->signals) != 0))
            return STEP_SLOW;
        if (n == NULL)
            return STEP_DONE;
        a->tail = n;
        if (t != &a->stub)
            release(actor__node_msg(t));

        actor_msg *m = actor__node_msg(n);

        if (LIKELY(actor__msg_plain(m, true)) ? handle_plain(w, a, m) : handle(w, a, m))
            return STEP_GONE;
    }
    return STEP_ON;
}

static HOT actor__after run(actor__worker *w, actor *a, unsigned *left)
{
    unsigned batch = *left;

    while (*left > 0) {
        step s = fast_steps(w, a, left);

        w->msg = NULL;
        if (s == STEP_DONE && linger(w, a, batch - *left))
            return ACTOR__MORE;
        if (s == STEP_SLOW) {
            s = slow_step(w, a);
            --*left;
        }
        if (s == STEP_DONE && (s = leave(a)) == STEP_DONE)
            return ACTOR__IDLE;
        if (s == STEP_GAP)
            return ACTOR__GAP;
        if (s == STEP_GONE)
            return ACTOR__GONE;
    }
    return ACTOR__MORE;
}

ENTRY actor__after actor__run(actor__worker *w, actor *a, unsigned batch)
{
    unsigned left = batch;

    w->current = a;
    w->now_known = false;
    ACTOR__PROBE_RUN(a, w);

    actor__after after = run(w, a, &left);

    ACTOR__PROBE_RAN(w, batch - left, after);
    w->current = NULL;
    bump(&w->handled, batch - left);
    return after;
}
