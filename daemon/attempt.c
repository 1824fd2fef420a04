/* Attempts: how they begin, and what their outcomes do to their message: the answer, another try at
 * once (a hedge), one after a wait (a retry), or the end. */
#include "daemon/daemon.h"
#include "daemon/kind.h"
#include "daemon/log.h"
#include "daemon/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 400 };

void attempt_begin(delivery *d, attempt *a, message *m, bool hedge, clock_ms now)
    LOCK_REQUIRES(d->unit->lock)
{
    a->message = message_hold(m);
    a->number = message_attempt_count(m);
    a->hedge = hedge;
    a->deadline = unit_attempt_deadline(d->unit, now);
    a->retry_after = RETRY_NOT_TOLD;
    m->hands++;
    TAILQ_INSERT_TAIL(&m->attempts, a, sibling);
    TAILQ_INSERT_TAIL(&d->attempts, a, link);
    d->attempt_count++;
    d->hedge_count += hedge;
}

/* The attempt has nothing more to do with its message. */
static void detach(attempt *a)
{
    message *m = a->message;
    unit *u = m->unit;
    a->message = NULL;
    actor_lock_take(&u->lock);
    TAILQ_REMOVE(&m->attempts, a, sibling);
    bool others = !TAILQ_EMPTY(&m->attempts) && message_settled(m);
    unit_let_go(m);
    actor_lock_give(&u->lock);
    if (others)
        unit_nudge_all(u); /* the losers are to be told, wherever they are in hand */
    message_release(m);
}

/* Tell the breaker, if it hasn't been told. */
static void report(unit *u, attempt *a, breaker_result result, clock_ms now) LOCK_REQUIRES(u->lock)
{
    if (a->permit.generation)
        policy_breaker_report(u->breaker, &a->permit, result, now);
}

void attempt_ignore(unit *u, message *m) LOCK_REQUIRES(u->lock)
{
    attempt *a;
    TAILQ_FOREACH(a, &m->attempts, sibling)
    if (a->permit.generation)
        report(u, a, BREAKER_IGNORED, clock_now());
}

void attempt_done(delivery *d, attempt *a, char *reply, size_t len)
{
    unit *u = d->unit;
    if (!a->message) {
        free(reply);
        return;
    }
    int64_t ns = clock_ns();
    actor_lock_take(&u->lock);
    message *m = a->message;
    report(u, a, BREAKER_SUCCESS, ns / 1000000);
    if (message_settled(m)) {
        free(reply);
    } else {
        m->reply = reply;
        m->reply_len = len;
        unit_finish_at(u, m, MESSAGE_DONE, RPC_OK, NULL, ns);
    }
    actor_lock_give(&u->lock);
    detach(a);
}

/* ---- failures ---- */

static void end_failed(delivery *d, unit *u, message *m, rpc_code code, const char *error)
    LOCK_REQUIRES(u->lock)
{
    char text[TEXT_MAX + 200];
    unsigned attempts = message_attempt_count(m);
    if (code == RPC_REJECTED)
        snprintf(text, sizeof text, "'%s' rejected the message: %s", u->name, error);
    else
        snprintf(text, sizeof text, "'%s' failed after %u attempt%s: %s", u->name, attempts,
                 attempts == 1 ? "" : "s", error);
    if (u->settings.on_failure == CONFIG_DROP) {
        unit_finish(u, m, MESSAGE_DROPPED, code, text);
        return;
    }
    if (u->settings.on_failure == CONFIG_CRASH && code == RPC_FAILED)
        d->crash = true;
    unit_finish(u, m, MESSAGE_DEAD, code, text);
}

/* Before the wait; the last failure is told as a dead letter, a level higher (RT-15). */
static void log_retry(const unit *u, const message *m, clock_ms wait, const char *error)
{
    char text[UNITS_TEXT];
    log_write(LOG_LEVEL_INFO, "delivery", LOG_FIELDS({"actor", u->name}, {"message", m->id}),
              "attempt %u failed, the next follows in %s: %s", message_attempt_count(m),
              config_format_duration(wait * 1000, text), error);
}

static void retry_or_end(delivery *d, unit *u, message *m, clock_ms told, const char *error)
    LOCK_REQUIRES(u->lock)
{
    retry_decision next = {.verdict = RETRY_EXHAUSTED};
    if (u->retry)
        next = policy_retry_next(u->retry, &m->retry, clock_now(), m->deadline, told);
    switch (next.verdict) {
    case RETRY_WAIT:
        message_add_wait(m, next.wait);
        log_retry(u, m, next.wait, error);
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

/* Of a call that has failed, the first attempt's failure counts. It is copied, since the message
 * may end, and forget it. */
static void call_failed(delivery *d, unit *u, message *m, clock_ms told, const char *error)
    LOCK_REQUIRES(u->lock)
{
    char text[TEXT_MAX];
    const char *first = message_failure_of(m, m->first);
    snprintf(text, sizeof text, "%s", first ? first : error);
    retry_or_end(d, u, m, told, text);
}

void attempt_call_failed(delivery *d, unit *u, message *m) LOCK_REQUIRES(u->lock)
{
    call_failed(d, u, m, RETRY_NOT_TOLD, "it was not answered");
}

/* When the next of the attempts left times out. */
static clock_ms next_deadline(const message *m, const attempt *without)
{
    clock_ms next = 0;
    const attempt *a;
    TAILQ_FOREACH(a, &m->attempts, sibling)
    if (a != without && a->deadline && (!next || a->deadline < next))
        next = a->deadline;
    return next;
}

/* The attempt has failed, and its message is still in hand. */
static void failed(delivery *d, unit *u, attempt *a, const char *error) LOCK_REQUIRES(u->lock)
{
    message *m = a->message;
    if (hedge_failed(&m->call)) {
        call_failed(d, u, m, a->retry_after, error);
        return;
    }
    m->attempt_deadline = next_deadline(m, a);
    unit_want_hedge(u, m);
    unit_reschedule(u, m);
}

static void fail(delivery *d, attempt *a, rpc_code code, const char *error)
{
    unit *u = d->unit;
    if (!a->message)
        return;
    actor_lock_take(&u->lock);
    message *m = a->message;
    report(u, a, code == RPC_FAILED ? BREAKER_FAILURE : BREAKER_IGNORED, clock_now());
    if (!message_settled(m)) {
        u->counters.failed_attempts++;
        message_add_failure(m, a->number, error);
        if (code == RPC_FAILED)
            failed(d, u, a, error);
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

/* ---- without an outcome ---- */

static void give_back(unit *u, attempt *a) LOCK_REQUIRES(u->lock)
{
    message *m = a->message;
    if (a->hedge)
        m->hedges--;
    else
        m->retry.attempts--;
    if (hedge_returned(&m->call)) {
        unit_return(u, m);
    } else {
        m->attempt_deadline = next_deadline(m, a);
        unit_reschedule(u, m);
    }
}

void attempt_return(delivery *d, attempt *a)
{
    unit *u = d->unit;
    if (!a->message)
        return;
    actor_lock_take(&u->lock);
    report(u, a, BREAKER_IGNORED, clock_now());
    if (!message_settled(a->message))
        give_back(u, a);
    actor_lock_give(&u->lock);
    detach(a);
    unit_nudge(u); /* it may be for another instance now */
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
    if (a->message) /* it ended without an outcome: cancelled, expired */
        detach(a);
    TAILQ_REMOVE(&d->attempts, a, link);
    d->attempt_count--;
    d->hedge_count -= a->hedge;
    free(a);
}
