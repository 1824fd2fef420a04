/* What happens to a unit's messages between acceptance and end.
 *
 * A message without a final state is in exactly one place: in the mailbox (queued), in hand
 * (running), or only in the heap of those that time will move (delayed, retrying). The heap holds
 * every message that has a deadline as well, wherever else it is.
 */
#include "daemon/daemon.h"
#include "daemon/deadletter.h"
#include "daemon/ledger.h"
#include "daemon/log.h"
#include "daemon/policy.h"
#include "daemon/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- time ---- */

/* The next instant at which time alone changes something for m; INT64_MAX: never. */
static clock_ms next_change(const message *m)
{
    clock_ms at = m->deadline ? m->deadline : INT64_MAX;
    if (m->state == MESSAGE_RUNNING) {
        if (m->attempt_deadline && m->attempt_deadline < at)
            at = m->attempt_deadline;
    } else if (!m->queued && m->due < at) {
        at = m->due;
    }
    return at;
}

static void arm(unit *u) LOCK_REQUIRES(u->lock)
{
    heap_node *first = heap_first(&u->due);
    if (!first || first->key >= u->armed)
        return; /* going off too early is harmless, and cheaper than setting it again */
    u->armed = first->key;
    if (alarm_set(&u->alarm, first->key))
        unit_hold(u);
}

static void reschedule(unit *u, message *m) LOCK_REQUIRES(u->lock)
{
    clock_ms at = next_change(m);
    if (at == INT64_MAX)
        heap_remove(&u->due, &m->due_node);
    else
        heap_put(&u->due, &m->due_node, at);
    arm(u);
}

/* ---- places ---- */

static uint64_t *now_counter(unit *u, message_state state) LOCK_REQUIRES(u->lock)
{
    switch (state) {
    case MESSAGE_RUNNING:
        return &u->counters.running;
    case MESSAGE_RETRYING:
        return &u->counters.retrying;
    default:
        return &u->counters.waiting;
    }
}

/* Move m to `state`, out of wherever it is; `queued` puts it into the mailbox. */
static void move(unit *u, message *m, message_state state, bool queued, bool first)
    LOCK_REQUIRES(u->lock)
{
    struct message_queue *mailbox = &u->mailbox[m->priority];
    if (m->queued)
        TAILQ_REMOVE(mailbox, m, link);
    else if (m->state == MESSAGE_RUNNING)
        TAILQ_REMOVE(&u->in_hand, m, link);
    --*now_counter(u, m->state);
    m->state = state;
    m->queued = queued;
    if (message_state_final(state)) {
        u->counters.final[state]++;
        return;
    }
    ++*now_counter(u, state);
    if (queued && first)
        TAILQ_INSERT_HEAD(mailbox, m, link);
    else if (queued)
        TAILQ_INSERT_TAIL(mailbox, m, link);
    else if (state == MESSAGE_RUNNING)
        TAILQ_INSERT_TAIL(&u->in_hand, m, link);
}

/* ---- acceptance ---- */

static message *oldest_queued(unit *u) LOCK_REQUIRES(u->lock)
{
    for (int i = 0; i < UNIT_PRIORITIES; i++) /* what matters least goes first */
        if (!TAILQ_EMPTY(&u->mailbox[i]))
            return TAILQ_FIRST(&u->mailbox[i]);
    return NULL;
}

static void put_hint(unit *u, json_out *members) LOCK_REQUIRES(u->lock)
{
    double typical = unit_latency(u, 0.5);
    json_out_key(members, "actor");
    json_out_text(members, u->name);
    json_out_key(members, "retry_after_ms");
    json_out_int(members, typical < 100 ? 100 : (int64_t)typical);
}

static rpc_code refuse_line(unit *u, rpc_failure *failure, json_out *members) LOCK_REQUIRES(u->lock)
{
    put_hint(u, members);
    return rpc_fail(
        failure, RPC_MAILBOX_FULL,
        "as many messages wait for '%s' as its limiter '%s' lets wait; send again later", u->name,
        policy_limiter_name(u->limiter));
}

static rpc_code refuse_full(unit *u, rpc_failure *failure, json_out *members) LOCK_REQUIRES(u->lock)
{
    put_hint(u, members);
    return rpc_fail(failure, RPC_MAILBOX_FULL,
                    "the mailbox of '%s' is full (%" PRIu32
                    " messages wait); send again later, or see: actorctl inspect %s",
                    u->name, u->settings.capacity, u->name);
}

/* May a message come in at all? */
static rpc_code admit(unit *u, const unit_submission *s, rpc_failure *failure, json_out *members)
    LOCK_REQUIRES(u->lock)
{
    if (atomic_load(&u->daemon->draining))
        return rpc_fail(failure, RPC_DRAINING, "the daemon is draining and takes in nothing more");
    if (u->supervises)
        return rpc_fail(failure, RPC_INVALID_PARAMS,
                        "'%s' is a supervisor, which takes no messages; see: actorctl tree",
                        u->name);
    /* One that is STOPPING may only be on its way to a restart: what comes now waits for it, or is
     * a dead letter when it turns out to stop. */
    if (u->gone || u->state == UNIT_STOPPED)
        return rpc_fail(failure, RPC_STOPPED,
                        "'%s' is stopped; start it again with: actorctl restart %s", u->name,
                        u->name);
    clock_ms wait;
    if (s->ask && u->breaker && policy_breaker_refuses(u->breaker, clock_now(), true, &wait)) {
        json_out_key(members, "breaker");
        json_out_text(members, policy_breaker_name(u->breaker));
        if (wait >= 0) {
            json_out_key(members, "retry_after_ms");
            json_out_int(members, wait);
        }
        return rpc_fail(failure, RPC_BREAKER_OPEN,
                        "the breaker '%s' of '%s' lets no call through; see: actorctl breaker ls",
                        policy_breaker_name(u->breaker), u->name);
    }
    return RPC_OK;
}

static bool full(unit *u) LOCK_REQUIRES(u->lock)
{
    return u->counters.waiting + u->counters.retrying >= u->settings.capacity;
}

/* Is the line of an exhausted limiter full (its `wait`)? */
static bool line_full(unit *u) LOCK_REQUIRES(u->lock)
{
    return u->limiter && policy_limiter_full(u->limiter, u->counters.waiting, clock_now());
}

static void enter(unit *u, message *m, const unit_submission *s) LOCK_REQUIRES(u->lock)
{
    clock_ms ttl = s->ttl ? s->ttl : u->settings.ttl;
    m->priority = s->priority < 0 ? u->settings.priority : (config_priority)s->priority;
    m->ask = s->ask;
    m->deadline = ttl ? m->accepted + ttl : 0;
    m->due = m->accepted + s->delay;
    m->state = MESSAGE_WAITING;
    m->queued = s->delay <= 0;
    if (m->queued)
        TAILQ_INSERT_TAIL(&u->mailbox[m->priority], m, link);
    if (s->waiter) {
        s->waiter->waiting = s->waiter->attached = true;
        TAILQ_INSERT_TAIL(&m->waiters, s->waiter, link);
    }
    message_hold(m);
    u->live++;
    u->counters.accepted++;
    u->counters.waiting++;
    ledger_enter(u->daemon->ledger, m);
    reschedule(u, m);
}

static rpc_code accept_locked(unit *u, message *m, const unit_submission *s, rpc_failure *failure,
                              json_out *members) LOCK_REQUIRES(u->lock)
{
    rpc_code code = admit(u, s, failure, members);
    if (code != RPC_OK)
        return code;
    if (line_full(u))
        return refuse_line(u, failure, members);
    bool over = full(u);
    if (over && u->settings.on_full == CONFIG_FULL_REJECT)
        return refuse_full(u, failure, members);
    if (!heap_reserve(&u->due, u->live + 1))
        return rpc_fail(failure, RPC_UNAVAILABLE, "out of memory; nothing was accepted");
    enter(u, m, s);
    if (!over)
        return RPC_OK;
    message *victim = NULL; /* perhaps the new one, if it matters less than all others */
    if (u->settings.on_full == CONFIG_FULL_DROP_OLDEST)
        victim = oldest_queued(u);
    unit_finish(u, victim ? victim : m, MESSAGE_DROPPED, RPC_MAILBOX_FULL,
                "dropped: the mailbox was full");
    return RPC_OK;
}

static rpc_code refuse_store(rpc_failure *failure)
{
    return rpc_fail(failure, RPC_UNAVAILABLE,
                    "the store is full (store.max_size): nothing was accepted; send again "
                    "when messages have been worked off");
}

static rpc_code submit_new(unit *u, const unit_submission *s, char *key, message **out,
                           rpc_failure *failure, json_out *members)
{
    message *m = message_new(u, s->payload, s->len);
    if (!m) {
        free(key);
        return rpc_fail(failure, RPC_UNAVAILABLE, "out of memory; nothing was accepted");
    }
    m->key = key;
    /* Counted before it looks whether the daemon drains: so either it sees the drain, or the drain
     * sees it. */
    atomic_fetch_add(&u->daemon->live, 1);
    actor_lock_take(&u->lock);
    rpc_code code = accept_locked(u, m, s, failure, members);
    actor_lock_give(&u->lock);
    if (code != RPC_OK) {
        daemon_message_ended(u->daemon);
        message_release(m);
        return code;
    }
    *out = m;
    return RPC_OK;
}

/* A message with a key: the first outcome counts, however often it is sent. */
static rpc_code submit_keyed(unit *u, const unit_submission *s, bool room, message **out,
                             bool *duplicate, rpc_failure *failure, json_out *members)
{
    ledger *l = u->daemon->ledger;
    char *key = ledger_key(u->name, s->key);
    if (!key)
        return rpc_fail(failure, RPC_UNAVAILABLE, "out of memory; nothing was accepted");
    ledger_lock_keys(l);
    message *m = ledger_find_key(l, key);
    *duplicate = m != NULL;
    rpc_code code = RPC_OK;
    if (m) {
        free(key);
        if (s->waiter)
            unit_wait(m, s->waiter);
        *out = m;
    } else {
        code = room ? submit_new(u, s, key, out, failure, members) : refuse_store(failure);
        if (code == RPC_OK)
            ledger_enter_key(l, *out);
        if (!room)
            free(key);
    }
    ledger_unlock_keys(l);
    return code;
}

rpc_code unit_submit(unit *u, const unit_submission *s, message **out, bool *duplicate,
                     rpc_failure *failure, json_out *members)
{
    *duplicate = false;
    if (s->waiter)
        s->waiter->waiting = s->waiter->attached = false;
    /* Forgetting old messages takes the lock of the keys, so it comes before that. */
    size_t bytes = sizeof(message) + s->len + (s->key ? strlen(s->key) : 0);
    bool room = ledger_make_room(u->daemon->ledger, bytes);
    rpc_code code;
    if (s->key)
        code = submit_keyed(u, s, room, out, duplicate, failure, members);
    else
        code = room ? submit_new(u, s, NULL, out, failure, members) : refuse_store(failure);
    if (code == RPC_OK && !*duplicate)
        unit_nudge(u);
    return code;
}

/* ---- waiters ---- */

bool unit_wait(message *m, message_waiter *w)
{
    actor_lock_take(&m->unit->lock);
    w->waiting = w->attached = !message_state_final(m->state);
    if (w->waiting)
        TAILQ_INSERT_TAIL(&m->waiters, w, link);
    bool waits = w->waiting;
    actor_lock_give(&m->unit->lock);
    return waits;
}

bool unit_unwait(message *m, message_waiter *w)
{
    actor_lock_take(&m->unit->lock);
    bool waited = w->waiting;
    if (waited)
        TAILQ_REMOVE(&m->waiters, w, link);
    w->waiting = false;
    actor_lock_give(&m->unit->lock);
    return waited;
}

/* ---- ends ---- */

static void log_dead(const unit *u, const message *m, uint64_t number)
{
    log_write(LOG_LEVEL_WARN, "delivery", LOG_FIELDS({"actor", u->name}, {"message", m->id}),
              "dead letter d-%" PRIu64 " (%s): %s", number, deadletter_reason(m),
              m->error ? m->error : "out of memory for the reason");
}

void unit_finish(unit *u, message *m, message_state state, rpc_code outcome, const char *error)
{
    bool in_hand = m->state == MESSAGE_RUNNING;
    heap_remove(&u->due, &m->due_node);
    move(u, m, state, false, false);
    u->live--;
    m->outcome = outcome;
    m->error = error ? strdup(error) : NULL;
    m->finished = clock_now();
    if (state == MESSAGE_DEAD) {
        log_dead(u, m, deadletters_add(u->daemon->deadletters, m));
    } else if (!in_hand) {
        message_drop_payload(m); /* of one in hand the attempt may still be writing it */
    }
    unit_count_end(u, m, m->finished);
    ledger_finished(u->daemon->ledger, m);
    for (message_waiter *w; (w = TAILQ_FIRST(&m->waiters));) {
        TAILQ_REMOVE(&m->waiters, w, link);
        w->waiting = false;
        w->finished(w, m);
    }
    daemon_message_ended(u->daemon);
    message_release(m); /* the unit's reference; the ledger still has one */
}

message_state unit_cancel(message *m)
{
    unit *u = m->unit;
    actor_lock_take(&u->lock);
    message_state before = m->state;
    if (!message_state_final(before))
        unit_finish(u, m, MESSAGE_CANCELLED, RPC_CANCELLED, "cancelled by request");
    actor_lock_give(&u->lock);
    if (before == MESSAGE_RUNNING)
        unit_nudge(u);
    return before;
}

bool unit_withdraw(message *m)
{
    unit *u = m->unit;
    actor_lock_take(&u->lock);
    bool waits =
        m->ask && m->state == MESSAGE_WAITING && m->retry.attempts == 0 && TAILQ_EMPTY(&m->waiters);
    if (waits)
        unit_finish(u, m, MESSAGE_CANCELLED, RPC_CANCELLED,
                    "withdrawn: the ask timed out before it began");
    actor_lock_give(&u->lock);
    return waits;
}

/* End everything that waits, in the mailbox or for its time. */
static size_t finish_waiting(unit *u, message_state state, rpc_code outcome, const char *error)
    LOCK_REQUIRES(u->lock)
{
    size_t n = 0;
    for (int i = UNIT_PRIORITIES; i-- > 0;)
        for (message *m; (m = TAILQ_FIRST(&u->mailbox[i])); n++)
            unit_finish(u, m, state, outcome, error);
    for (size_t i = 0; i < u->due.count;) {
        message *m = CONTAINER(u->due.nodes[i], message, due_node);
        if (m->state == MESSAGE_RUNNING) {
            i++;
            continue;
        }
        unit_finish(u, m, state, outcome, error);
        n++;
        i = 0; /* the heap has changed its order */
    }
    return n;
}

size_t unit_purge(unit *u)
{
    actor_lock_take(&u->lock);
    size_t n = finish_waiting(u, MESSAGE_CANCELLED, RPC_CANCELLED, "purged by the operator");
    actor_lock_give(&u->lock);
    return n;
}

void unit_stopped(unit *u)
{
    actor_lock_take(&u->lock);
    finish_waiting(u, MESSAGE_DEAD, RPC_STOPPED, "the actor was stopped");
    for (message *m; (m = TAILQ_FIRST(&u->in_hand));)
        unit_finish(u, m, MESSAGE_DEAD, RPC_STOPPED, "the actor was stopped");
    actor_lock_give(&u->lock);
}

/* Time has passed for one message. True: the actor has to look. */
static bool time_passed(unit *u, message *m, clock_ms now) LOCK_REQUIRES(u->lock)
{
    if (m->deadline && m->deadline <= now) {
        bool running = m->state == MESSAGE_RUNNING;
        char text[160];
        const char *last = m->failure_count ? m->failures[m->failure_count - 1].error : NULL;
        snprintf(text, sizeof text, "its time to live ended%s%.100s",
                 last ? "; last failure: " : "", last ? last : "");
        unit_finish(u, m, MESSAGE_EXPIRED, RPC_EXPIRED, text);
        return running;
    }
    if (m->state == MESSAGE_RUNNING) {
        m->attempt_deadline = 0;
        m->timed_out = true;
    } else {
        move(u, m, MESSAGE_WAITING, true, m->state == MESSAGE_RETRYING);
    }
    reschedule(u, m);
    return true;
}

void unit_tick(unit *u)
{
    actor_lock_take(&u->lock);
    bool look = u->nudge_missed;
    clock_ms now = clock_now();
    u->nudge_missed = false;
    u->armed = INT64_MAX;
    for (heap_node *n; (n = heap_first(&u->due)) && n->key <= now;)
        look |= time_passed(u, CONTAINER(n, message, due_node), now);
    arm(u);
    actor_lock_give(&u->lock);
    if (look)
        unit_nudge(u);
}

/* ---- the actor's side ---- */

message *unit_next(unit *u, clock_ms now)
{
    for (int i = UNIT_PRIORITIES; i-- > 0;) {
        for (message *m; (m = TAILQ_FIRST(&u->mailbox[i]));) {
            if (!m->deadline || m->deadline > now)
                return m;
            time_passed(u, m, now);
        }
    }
    return NULL;
}

void unit_begin(unit *u, message *m, clock_ms now)
{
    m->retry.attempts++;
    m->began = now;
    m->timed_out = false;
    m->attempt_deadline = u->settings.timeout ? now + u->settings.timeout : 0;
    move(u, m, MESSAGE_RUNNING, false, false);
    reschedule(u, m);
}

void unit_return(unit *u, message *m)
{
    m->retry.attempts--;
    move(u, m, MESSAGE_WAITING, true, true);
    reschedule(u, m);
}

void unit_retry(unit *u, message *m, clock_ms delay)
{
    m->due = clock_now() + delay;
    u->counters.retries++;
    move(u, m, MESSAGE_RETRYING, false, false);
    reschedule(u, m);
}

void unit_fail_asks(unit *u, rpc_code outcome, const char *error, clock_ms retry_after)
{
    for (int i = UNIT_PRIORITIES; i-- > 0;) {
        for (message *m = TAILQ_FIRST(&u->mailbox[i]), *next; m; m = next) {
            next = TAILQ_NEXT(m, link);
            if (!m->ask)
                continue;
            m->retry_after = retry_after;
            unit_finish(u, m, MESSAGE_DEAD, outcome, error);
        }
    }
}
