#include "libactor/timer.h"

#include "libactor/ext.h"
#include "libactor/pool.h"
#include "libactor/self.h"
#include "libactor/send.h"
#include "libactor/sim.h"

#define CLOCK_LATE_MS 20 /* by which actor__worker_now_late() may be ahead */

static actor__wheel *wheel_of(const actor *a, const actor_timer *t)
{
    return &a->sys->workers[t->when & 0xffff].wheel;
}

static void own_link(actor__ext *ext, actor_timer *t)
{
    t->own_prev = NULL;
    t->own_next = ext->timers;
    if (ext->timers != NULL)
        ext->timers->own_prev = t;
    ext->timers = t;
}

static void own_unlink(actor__ext *ext, actor_timer *t)
{
    if (t->own_next != NULL)
        t->own_next->own_prev = t->own_prev;
    if (t->own_prev != NULL)
        t->own_prev->own_next = t->own_next;
    else
        ext->timers = t->own_next;
}

actor_err actor__timer_arm(actor *a, actor_ms delay, actor__kind kind, uint16_t type, uint64_t tag,
                           actor_timer **out)
{
    actor__worker *w = actor__me.worker;
    actor__ext *ext = actor__ext_of(a);

    if (ext == NULL)
        return ACTOR_ENOMEM;

    actor_timer *t = (actor_timer *)actor__msg_new(kind, sizeof(*t) - sizeof(t->msg));

    if (t == NULL)
        return ACTOR_ENOMEM;
    t->msg.type = type;
    t->msg.tag = tag;
    t->msg.sender = actor__ref_of(a);
    t->when = w->index;
    own_link(ext, t);
    if (delay <= 0) {
        t->msg.size = ACTOR__TIMER_FIRED;
        actor__post(a, &t->msg);
    } else {
        actor_ms now = actor__worker_now_late(w, delay);
        actor_ms deadline = delay < ACTOR__WHEEL_HORIZON - now ? now + delay : ACTOR__WHEEL_HORIZON;

        t->when |= (uint64_t)deadline << 16;
        actor__wheel_add(&w->wheel, t, now - CLOCK_LATE_MS);
    }
    if (out != NULL)
        *out = t;
    return ACTOR_OK;
}

bool actor__timer_handled(actor *a, actor_msg *m)
{
    actor_timer *t = (actor_timer *)m;
    bool cancelled = t->own_next == t;

    if (!cancelled)
        own_unlink(a->ext, t);
    m->size = 0;
    m->sender = ACTOR_NONE;
    return !cancelled;
}

void actor__timer_cancel(actor *a, actor_timer *t)
{
    own_unlink(a->ext, t);
    if (actor__wheel_remove(wheel_of(a, t), t))
        actor__pool_put(&t->msg);
    else
        t->own_next = t; /* it is on its way here */
}

void actor__timer_cancel_all(actor *a)
{
    while (a->ext != NULL && a->ext->timers != NULL)
        actor__timer_cancel(a, a->ext->timers);
}

unsigned actor__timer_fire(actor__worker *w, actor_ms now)
{
    actor_timer *due = actor__wheel_advance(&w->wheel, now);
    unsigned fired = 0;

    if (w->sys->options.simulate)
        due = actor__sim_shuffle(w->sys, due);
    while (due != NULL) {
        actor_timer *t = due;
        actor *a = actor__resolve(t->msg.sender);

        due = t->prev;
        fired++;
        if (a != NULL)
            actor__post(a, &t->msg);
        else
            actor__pool_put(&t->msg); /* its actor cancelled it at its end */
    }
    return fired;
}

actor_err actor_after(actor *self, actor_ms delay, uint16_t type, uint64_t tag, actor_timer **out)
{
    ACTOR__CHECK_SELF(self);
    return actor__timer_arm(self, delay, ACTOR__TIMER, type, tag, out);
}

void actor_timer_cancel(actor *self, actor_timer **timer)
{
    ACTOR__CHECK_SELF(self);
    if (*timer == NULL)
        return;
    actor__timer_cancel(self, *timer);
    *timer = NULL;
}
