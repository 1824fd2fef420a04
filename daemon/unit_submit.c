/* How a unit takes a message in, or why not. */
#include "daemon/daemon.h"
#include "daemon/ledger.h"
#include "daemon/policy.h"
#include "daemon/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Who makes place for the new one: what matters least, and no more than the new one, which may
 * itself not be in the mailbox. */
static message *to_drop(unit *u, message *new) LOCK_REQUIRES(u->lock)
{
    if (u->settings.on_full == CONFIG_FULL_DROP_OLDEST)
        for (config_priority i = 0; i <= new->priority; i++)
            if (!TAILQ_EMPTY(&u->mailbox[i]))
                return TAILQ_FIRST(&u->mailbox[i]);
    return new;
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
static rpc_code admit(unit *u, const unit_submission *s, rpc_failure *failure)
    LOCK_REQUIRES(u->lock)
{
    if (atomic_load(&u->daemon->draining) && !s->hops)
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
    return RPC_OK;
}

/* An ask can't wait for its breaker. */
static rpc_code meet_breaker(unit *u, const unit_submission *s, rpc_failure *failure,
                             json_out *members) LOCK_REQUIRES(u->lock)
{
    clock_ms wait;
    if (!s->ask || !u->breaker || !policy_breaker_refuses(u->breaker, clock_now(), true, &wait))
        return RPC_OK;
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
    m->hops = s->hops;
    m->deadline = ttl ? m->accepted + ttl : 0;
    m->due = m->accepted + s->delay;
    m->state = MESSAGE_WAITING;
    m->queued = s->delay <= 0;
    if (m->queued)
        TAILQ_INSERT_TAIL(&u->mailbox[m->priority], m, link);
    else
        TAILQ_INSERT_TAIL(&u->later, m, link);
    if (s->waiter) {
        s->waiter->waiting = s->waiter->attached = true;
        TAILQ_INSERT_TAIL(&m->waiters, s->waiter, link);
    }
    message_hold(m);
    u->live++;
    u->counters.accepted++;
    u->counters.waiting++;
    ledger_enter(u->daemon->ledger, m);
    unit_reschedule(u, m);
}

static rpc_code accept_locked(unit *u, message *m, const unit_submission *s, rpc_failure *failure,
                              json_out *members) LOCK_REQUIRES(u->lock)
{
    rpc_code code = admit(u, s, failure);
    if (code != RPC_OK)
        return code;
    rpc_code refused = meet_breaker(u, s, failure, members);
    if (refused != RPC_OK && !u->child->fallback)
        return refused;
    if (line_full(u))
        return refuse_line(u, failure, members);
    bool over = full(u);
    if (over && u->settings.on_full == CONFIG_FULL_REJECT)
        return refuse_full(u, failure, members);
    if (!heap_reserve(&u->due, u->live + 1))
        return rpc_fail(failure, RPC_UNAVAILABLE, "out of memory; nothing was accepted");
    enter(u, m, s);
    if (over)
        unit_finish(u, to_drop(u, m), MESSAGE_DROPPED, RPC_MAILBOX_FULL,
                    "dropped: the mailbox was full");
    if (refused != RPC_OK && !message_state_final(m->state))
        unit_finish(u, m, MESSAGE_DEAD, refused, failure->message); /* by its fallback */
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
