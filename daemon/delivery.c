/* Delivery: the actor behind an instance of a unit.
 *
 * It takes messages out of the unit's mailbox while its kind has a free slot and the policies let
 * it, outermost first: ttl, limiter, retry, breaker, timeout, the kind itself. A message that waits
 * for any of them stays in the mailbox (or among the unit's later ones) and holds no worker; its
 * place in the limiter it holds through all of its attempts.
 *
 * Every wake-up, whatever its reason, ends in pump(): end the attempts whose message is over, then
 * begin what may begin. So a lost or doubled wake-up can't do harm.
 */
#include "daemon/daemon.h"
#include "daemon/kind.h"
#include "daemon/log.h"
#include "daemon/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PUMP_BATCH = 64, STARVED_MS = 100, TEXT_MAX = 400 };

static void pump(actor *self, delivery *d);

/* ---- beginning ---- */

/* The breaker lets nothing through: a send waits, an ask can't. */
static void fail_asks(unit *u, clock_ms wait) LOCK_REQUIRES(u->lock)
{
    char text[TEXT_MAX];
    snprintf(text, sizeof text,
             "the breaker '%s' of '%s' lets no call through; see: actorctl breaker ls",
             policy_breaker_name(u->breaker), u->name);
    unit_fail_asks(u, policy_breaker_is_open(u->breaker), RPC_BREAKER_OPEN, text, wait);
}

/* Looking before anything is taken saves the limiter's tokens. */
static bool breaker_refuses(unit *u, clock_ms now) LOCK_REQUIRES(u->lock)
{
    clock_ms wait = -1;
    bool refuses = u->breaker && policy_breaker_refuses(u->breaker, now, false, &wait);
    if (refuses)
        fail_asks(u, wait);
    return refuses;
}

/* Whether the breaker lets m begin now; its permit goes to *a. */
static bool pass(unit *u, message *m, attempt *a, clock_ms now) LOCK_REQUIRES(u->lock)
{
    clock_ms wait = -1;
    if (!u->breaker)
        return true;
    if (!policy_breaker_acquire(u->breaker, now, &a->permit, &wait)) {
        if (m->retry.attempts == 0)
            unit_leave(u, m); /* it has not begun */
        fail_asks(u, wait);
        return false;
    }
    return true;
}

/* Who has nothing to begin, or can't, lets the others of the limiter's line go first. */
static void leave_line(unit *u) LOCK_REQUIRES(u->lock)
{
    if (u->limiter && u->limiter_use.in_line)
        policy_limiter_cancel(u->limiter, &u->limiter_use);
}

/* Is there a slot for a hedge? Kinds that can, give it one of its own, so that what is to help a
 * slow attempt doesn't wait for it. */
static bool hedge_room(const delivery *d, const unit *u) LOCK_REQUIRES(u->lock)
{
    size_t more = d->kind->strict ? 0 : u->settings.hedge.max;
    return !u->paused && !d->runner->leaves && d->attempt_count < u->settings.credits + more;
}

static bool room(const delivery *d, const unit *u) LOCK_REQUIRES(u->lock)
{
    size_t taken = d->kind->strict ? d->attempt_count : d->attempt_count - d->hedge_count;
    return !d->runner->leaves && taken < u->settings.credits;
}

/* Begin a further attempt of what is in hand; fills *a. False: none is wanted, or none can. */
static bool begin_hedge(delivery *d, unit *u, attempt *a, clock_ms now) LOCK_REQUIRES(u->lock)
{
    message *m;
    clock_ms wait;
    while ((m = TAILQ_FIRST(&u->hedges)) && hedge_room(d, u)) {
        bool allowed =
            (!m->deadline || now < m->deadline) && (!u->retry || policy_retry_hedge(u->retry, now));
        if (allowed && u->breaker)
            allowed = policy_breaker_acquire(u->breaker, now, &a->permit, &wait);
        if (allowed) {
            unit_begin_hedge(u, m, now);
            attempt_begin(d, a, m, true, now);
            return true;
        }
        bool over = hedge_refused(&m->call);
        unit_want_hedge(u, m);
        if (over)
            attempt_call_failed(d, u, m);
    }
    return false;
}

/* Begin the next message; fills *a. *others: it is for another runner, who has room. */
static bool begin_message(delivery *d, unit *u, attempt *a, clock_ms now, bool *others)
    LOCK_REQUIRES(u->lock)
{
    message *m = unit_next(u, now);
    /* The breaker also concerns asks that wait for a retry, which are in no mailbox. */
    bool refused = (m || !TAILQ_EMPTY(&u->later)) && breaker_refuses(u, now);
    bool may = m && !refused && !u->paused;
    *others = may && !room(d, u) && !TAILQ_EMPTY(&u->free);
    if (*others)
        return false;
    if (!may || !room(d, u)) {
        leave_line(u);
        return false;
    }
    if (!unit_enter(u, m, now))
        m = unit_next_placed(u, now);
    if (!m || !pass(u, m, a, now))
        return false;
    unit_begin(u, m, now);
    if (u->retry && m->retry.attempts == 1)
        policy_retry_first(u->retry, now);
    attempt_begin(d, a, m, false, now);
    return true;
}

/* Begin one attempt. False: there is none that may. */
static bool begin_next(actor *self, delivery *d)
{
    unit *u = d->unit;
    attempt *a = calloc(1, d->kind->attempt_size);
    if (!a) {
        if (!d->starved)
            d->starved = actor_after(self, STARVED_MS, UNIT_MSG_TIMER, 0, NULL) == ACTOR_OK;
        return false;
    }
    actor_lock_take(&u->lock);
    clock_ms now = clock_now();
    bool others = false;
    runner_looked(u, d->runner, room(d, u));
    bool begun = begin_hedge(d, u, a, now) || begin_message(d, u, a, now, &others);
    runner_looked(u, d->runner, room(d, u));
    actor_lock_give(&u->lock);
    if (others)
        unit_nudge(u);
    if (begun)
        d->kind->begin(self, d, a);
    else
        free(a);
    return begun;
}

/* The next attempt whose message is over, or that ran out of time, and which doesn't know yet. */
static attempt *next_overdue(delivery *d, bool *timed_out)
{
    unit *u = d->unit;
    attempt *a;
    if (TAILQ_EMPTY(&d->attempts))
        return NULL;
    clock_ms now = clock_now();
    actor_lock_take(&u->lock);
    TAILQ_FOREACH(a, &d->attempts, link)
    {
        if (a->told || !a->message)
            continue;
        bool settled = message_settled(a->message);
        *timed_out = !settled && a->deadline && a->deadline <= now;
        if (*timed_out || settled)
            break;
    }
    actor_lock_give(&u->lock);
    return a;
}

static void end_overdue(actor *self, delivery *d)
{
    unit *u = d->unit;
    attempt *a;
    bool timed_out;
    while ((a = next_overdue(d, &timed_out))) {
        a->told = true;
        if (timed_out) {
            actor_lock_take(&u->lock);
            clock_ms limit = u->settings.timeout;
            actor_lock_give(&u->lock);
            char text[UNITS_TEXT];
            attempt_failed(d, a, "timed out after %s", config_format_duration(limit * 1000, text));
        }
        if (d->kind->cancel)
            d->kind->cancel(self, d, a);
    }
}

static void pump(actor *self, delivery *d)
{
    end_overdue(self, d);
    for (int n = 0; d->ready && begin_next(self, d); n++) {
        if (n == PUMP_BATCH) {
            runner_nudge(d->runner); /* others want to run as well */
            return;
        }
    }
}

/* ---- the actor ---- */

static void free_state(delivery *d)
{
    const kind *k = d->kind;
    if (d->state && k->free_state)
        k->free_state(d->state);
    free(d->state);
    d->state = NULL;
}

static void stop_kind(actor *self, delivery *d, actor_how how)
{
    d->finishing = false;
    if (d->kind->stop)
        d->kind->stop(self, d, how);
}

void delivery_settled(actor *self, delivery *d)
{
    if (d->finishing && d->attempt_count == 0)
        stop_kind(self, d, ACTOR_HOW_STOP);
    if (d->stopping && !d->busy && d->attempt_count == 0) {
        d->stopping = false;
        free_state(d);
        actor_stopped(self);
    }
}

void delivery_started(actor *self, delivery *d)
{
    d->ready = true;
    actor_started(self);
    pump(self, d);
}

static actor_verdict start(actor *self, void *state, void *arg)
{
    delivery *d = state;
    runner *r = arg;
    unit *u = r->unit;
    d->unit = u;
    d->runner = r;
    actor_lock_take(&u->lock);
    d->kind = u->kind;
    bool gone = u->gone;
    actor_lock_give(&u->lock);
    if (gone) /* nobody could find it: see come_back() in tree.c */
        return ACTOR_DECLINE;
    TAILQ_INIT(&d->attempts);
    if (actor_self_incarnation(self) == 1)
        atomic_store(&r->nudged, false); /* a wake-up of the actor before went with it */
    atomic_store(&r->kill_asked, false);
    const kind *k = d->kind;
    if (k->state_size && !(d->state = calloc(1, k->state_size)))
        return actor_fail(self, ACTOR_FAIL_RESTART, "out of memory");
    actor_verdict v = k->start ? k->start(self, d) : ACTOR_CONTINUE;
    if (v == ACTOR_CONTINUE) {
        d->ready = true;
        runner_nudge(r);
    } else if (v != ACTOR_PENDING) {
        free_state(d);
    }
    return v;
}

static actor_verdict handle(actor *self, void *state, actor_msg *msg)
{
    delivery *d = state;
    actor_verdict v = ACTOR_CONTINUE;
    switch (actor_msg_type(msg)) {
    case UNIT_MSG_NUDGE:
        atomic_store(&d->runner->nudged, false);
        break;
    case UNIT_MSG_TIMER:
        if (actor_msg_tag(msg) == 0) {
            d->starved = false;
            break;
        } /* fall through */
    default:
        if (d->kind->event)
            v = d->kind->event(self, d, msg);
        break;
    }
    if (v != ACTOR_CONTINUE)
        return v;
    pump(self, d);
    delivery_settled(self, d);
    if (d->crash)
        return actor_fail(self, ACTOR_FAIL_RESTART, "a message failed (on_failure: crash)");
    return ACTOR_CONTINUE;
}

void delivery_drop(delivery *d, bool crashed)
{
    attempt *a;
    bool charged = crashed || atomic_load(&d->runner->kill_asked);
    while ((a = TAILQ_LAST(&d->attempts, attempts))) { /* so that the oldest gets to the front */
        if (charged)
            attempt_failed(d, a, "%s", d->ended[0] ? d->ended : "the actor was killed");
        else
            attempt_return(d, a);
        attempt_release(d, a);
    }
}

/* Others have to do what it would have done. True: it ends because it is one too many. */
static bool step_aside(delivery *d)
{
    unit *u = d->unit;
    d->ready = false;
    actor_lock_take(&u->lock);
    bool leaves = d->runner->leaves;
    runner_looked(u, d->runner, false);
    if (TAILQ_EMPTY(&u->free))
        leave_line(u);
    actor_lock_give(&u->lock);
    unit_nudge(u);
    return leaves;
}

static actor_verdict stop(actor *self, void *state, actor_how how)
{
    delivery *d = state;
    bool leaves = step_aside(d);
    if (leaves && how == ACTOR_HOW_STOP && d->attempt_count > 0)
        d->finishing = true;
    else
        stop_kind(self, d, how);
    if (how == ACTOR_HOW_CRASH || (how == ACTOR_HOW_KILL && !d->busy))
        delivery_drop(d, how == ACTOR_HOW_CRASH);
    if (how != ACTOR_HOW_CRASH && (d->busy || d->attempt_count > 0)) {
        d->stopping = true;
        return ACTOR_PENDING;
    }
    free_state(d);
    return ACTOR_CONTINUE;
}

const actor_behaviour delivery_behaviour = {
    .name = "unit",
    .state_size = sizeof(delivery),
    .start = start,
    .handle = handle,
    .stop = stop,
};
