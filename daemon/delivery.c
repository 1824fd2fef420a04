/* Delivery: the actor behind a unit.
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

/* ---- outcomes ---- */

/* The attempt has nothing more to do with its message. */
static void detach(attempt *a)
{
    message *m = a->message;
    a->message = NULL;
    actor_lock_take(&m->unit->lock);
    unit_let_go(m);
    actor_lock_give(&m->unit->lock);
    message_release(m);
}

/* Has its message ended otherwise? Then the outcome is nobody's, also not the breaker's. */
static bool is_over(attempt *a)
{
    actor_lock_take(&a->message->unit->lock);
    bool over = message_settled(a->message);
    actor_lock_give(&a->message->unit->lock);
    return over;
}

/* Tell the breaker. Without the unit's lock, since it may be the last reference. */
static void report(attempt *a, breaker_result result)
{
    policy_breaker *b = a->breaker;
    a->breaker = NULL;
    if (!b)
        return;
    policy_breaker_report(b, &a->permit, result);
    policy_breaker_release(b);
}

void attempt_done(delivery *d, attempt *a, char *reply, size_t len)
{
    unit *u = d->unit;
    if (!a->message) {
        free(reply);
        return;
    }
    report(a, is_over(a) ? BREAKER_IGNORED : BREAKER_SUCCESS);
    actor_lock_take(&u->lock);
    message *m = a->message;
    if (message_settled(m)) {
        free(reply);
    } else {
        m->reply = reply;
        m->reply_len = len;
        unit_finish(u, m, MESSAGE_DONE, RPC_OK, NULL);
    }
    actor_lock_give(&u->lock);
    detach(a);
}

static void end_failed(delivery *d, unit *u, message *m, rpc_code code, const char *error)
    LOCK_REQUIRES(u->lock)
{
    char text[TEXT_MAX + 200];
    if (code == RPC_REJECTED)
        snprintf(text, sizeof text, "'%s' rejected the message: %s", u->name, error);
    else
        snprintf(text, sizeof text, "'%s' failed after %u attempt%s: %s", u->name,
                 m->retry.attempts, m->retry.attempts == 1 ? "" : "s", error);
    if (u->settings.on_failure == CONFIG_DROP) {
        unit_finish(u, m, MESSAGE_DROPPED, code, text);
        return;
    }
    if (u->settings.on_failure == CONFIG_CRASH && code == RPC_FAILED)
        d->crash = true;
    unit_finish(u, m, MESSAGE_DEAD, code, text);
}

static void retry_or_end(delivery *d, unit *u, message *m, const char *error) LOCK_REQUIRES(u->lock)
{
    retry_decision next = {.verdict = RETRY_EXHAUSTED};
    if (u->retry)
        next = policy_retry_next(u->retry, &m->retry, clock_now(), m->deadline);
    switch (next.verdict) {
    case RETRY_WAIT:
        unit_retry(u, m, next.wait);
        break;
    case RETRY_EXPIRED: {
        char text[TEXT_MAX + 100];
        snprintf(text, sizeof text,
                 "its time to live ends before the next attempt could begin; last failure: %s",
                 error);
        unit_finish(u, m, MESSAGE_EXPIRED, RPC_EXPIRED, text);
        break;
    }
    default:
        end_failed(d, u, m, RPC_FAILED, error);
        break;
    }
}

static void fail(delivery *d, attempt *a, rpc_code code, const char *error)
{
    unit *u = d->unit;
    if (!a->message)
        return;
    report(a, code == RPC_FAILED && !is_over(a) ? BREAKER_FAILURE : BREAKER_IGNORED);
    actor_lock_take(&u->lock);
    message *m = a->message;
    if (!message_settled(m)) {
        u->counters.failed_attempts++;
        message_add_failure(m, error);
        if (code == RPC_FAILED)
            retry_or_end(d, u, m, error);
        else
            end_failed(d, u, m, code, error);
    }
    actor_lock_give(&u->lock);
    detach(a);
}

void attempt_failed(delivery *d, attempt *a, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    fail(d, a, RPC_FAILED, text);
}

void attempt_rejected(delivery *d, attempt *a, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    fail(d, a, RPC_REJECTED, text);
}

void attempt_return(delivery *d, attempt *a)
{
    unit *u = d->unit;
    if (!a->message)
        return;
    report(a, BREAKER_IGNORED);
    actor_lock_take(&u->lock);
    if (!message_settled(a->message))
        unit_return(u, a->message);
    actor_lock_give(&u->lock);
    detach(a);
}

void attempt_stderr(delivery *d, attempt *a, const char *bytes, size_t len)
{
    if (!a->message || len == 0)
        return;
    char *copy = malloc(len);
    if (!copy)
        return; /* it is in the log as well */
    memcpy(copy, bytes, len);
    message *m = a->message;
    actor_lock_take(&d->unit->lock);
    if (!message_settled(m)) {
        char *before = m->stderr_tail;
        m->stderr_tail = copy;
        m->stderr_len = len;
        copy = before;
    }
    actor_lock_give(&d->unit->lock);
    free(copy);
}

void attempt_release(delivery *d, attempt *a)
{
    report(a, BREAKER_IGNORED); /* it ended without an outcome: cancelled, expired */
    if (a->message)
        detach(a);
    TAILQ_REMOVE(&d->attempts, a, link);
    d->attempt_count--;
    free(a);
}

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
    a->breaker = policy_breaker_hold(u->breaker);
    return true;
}

/* Who has nothing to begin, or can't, lets the others of the limiter's line go first. */
static void leave_line(unit *u) LOCK_REQUIRES(u->lock)
{
    if (u->limiter)
        policy_limiter_cancel(u->limiter, &u->limiter_use);
}

/* Begin m; returns its attempt. */
static attempt *begin(delivery *d, unit *u, message *m, attempt *a, clock_ms now)
    LOCK_REQUIRES(u->lock)
{
    unit_begin(u, m, now);
    if (u->retry && m->retry.attempts == 1)
        policy_retry_first(u->retry, now);
    a->message = message_hold(m);
    m->hands++;
    a->number = m->retry.attempts;
    TAILQ_INSERT_TAIL(&d->attempts, a, link);
    d->attempt_count++;
    return a;
}

/* Begin one message. False: there is none that may. */
static bool begin_next(actor *self, delivery *d)
{
    unit *u = d->unit;
    attempt *fresh = calloc(1, d->kind->attempt_size), *begun = NULL;
    if (!fresh) {
        if (!d->starved)
            d->starved = actor_after(self, STARVED_MS, UNIT_MSG_TIMER, 0, NULL) == ACTOR_OK;
        return false;
    }
    actor_lock_take(&u->lock);
    clock_ms now = clock_now();
    bool room = !u->paused && d->attempt_count < u->settings.credits;
    message *m = unit_next(u, now);
    /* The breaker also concerns asks that wait for a retry, which are in no mailbox. */
    bool refused = (m || !TAILQ_EMPTY(&u->later)) && breaker_refuses(u, now);
    if (!m || refused || !room)
        leave_line(u);
    else if (!unit_enter(u, m, now))
        m = unit_next_placed(u, now);
    if (m && !refused && room && pass(u, m, fresh, now))
        begun = begin(d, u, m, fresh, now);
    actor_lock_give(&u->lock);
    if (!begun) {
        free(fresh);
        return false;
    }
    d->kind->begin(self, d, begun);
    return true;
}

/* The next attempt whose message is over, or ran out of time, and which doesn't know yet. */
static attempt *next_overdue(delivery *d, bool *timed_out)
{
    unit *u = d->unit;
    attempt *a;
    actor_lock_take(&u->lock);
    TAILQ_FOREACH(a, &d->attempts, link)
    {
        if (a->told || !a->message)
            continue;
        *timed_out = a->message->timed_out && !message_settled(a->message);
        if (*timed_out || message_settled(a->message))
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
            unit_nudge(d->unit); /* others want to run as well */
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

void delivery_settled(actor *self, delivery *d)
{
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
    unit *u = arg;
    d->unit = u;
    actor_lock_take(&u->lock);
    d->kind = u->kind;
    actor_lock_give(&u->lock);
    TAILQ_INIT(&d->attempts);
    if (actor_self_incarnation(self) == 1)
        atomic_store(&u->nudged, false); /* a wake-up of the actor before went with it */
    atomic_store(&u->kill_asked, false);
    const kind *k = d->kind;
    if (k->state_size && !(d->state = calloc(1, k->state_size)))
        return actor_fail(self, ACTOR_FAIL_RESTART, "out of memory");
    actor_verdict v = k->start ? k->start(self, d) : ACTOR_CONTINUE;
    if (v == ACTOR_CONTINUE) {
        d->ready = true;
        unit_nudge(u);
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
        atomic_store(&d->unit->nudged, false);
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
    bool charged = crashed || atomic_load(&d->unit->kill_asked);
    while ((a = TAILQ_LAST(&d->attempts, attempts))) { /* so that the oldest gets to the front */
        if (charged)
            attempt_failed(d, a, "%s", d->ended[0] ? d->ended : "the actor was killed");
        else
            attempt_return(d, a);
        attempt_release(d, a);
    }
}

static actor_verdict stop(actor *self, void *state, actor_how how)
{
    delivery *d = state;
    unit *u = d->unit;
    const kind *k = d->kind;
    d->ready = false;
    actor_lock_take(&u->lock);
    leave_line(u);
    actor_lock_give(&u->lock);
    if (k->stop)
        k->stop(self, d, how);
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
