/* What happens to a unit's messages between acceptance and end.
 *
 * A message without a final state is in exactly one place: in the mailbox (queued), in hand
 * (running), or among those that are for later (delayed, retrying), which time will move. The heap
 * of what time will change holds every message that has a deadline as well, wherever it is.
 */
#include "daemon/daemon.h"
#include "daemon/deadletter.h"
#include "daemon/fallback.h"
#include "daemon/kind.h"
#include "daemon/ledger.h"
#include "daemon/log.h"
#include "daemon/policy.h"
#include "daemon/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- time ---- */

/* The next instant at which time alone changes something for m; INT64_MAX: never. */
static clock_ms next_change(const message *m)
{
    if (m->fallback)
        return INT64_MAX;
    clock_ms at = m->deadline ? m->deadline : INT64_MAX;
    if (m->state == MESSAGE_RUNNING) {
        if (m->attempt_deadline && m->attempt_deadline < at)
            at = m->attempt_deadline;
        if (m->call.next < at)
            at = m->call.next;
    } else if (!m->queued && m->due < at) {
        at = m->due;
    }
    return at;
}

static void arm(unit *u) LOCK_REQUIRES(u->lock)
{
    heap_node *first = heap_first(&u->due);
    clock_ms next = quiet_due(&u->quiet);
    if (first && first->key < next)
        next = first->key;
    if (next >= u->armed)
        return; /* going off too early is harmless, and cheaper than setting it again */
    u->armed = next;
    if (alarm_set(&u->alarm, next))
        unit_hold(u);
}

void unit_reschedule(unit *u, message *m)
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
    else
        TAILQ_REMOVE(m->state == MESSAGE_RUNNING ? &u->in_hand : &u->later, m, link);
    if (m->hedge_waits)
        TAILQ_REMOVE(&u->hedges, m, hedge);
    m->hedge_waits = false;
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
    else
        TAILQ_INSERT_TAIL(state == MESSAGE_RUNNING ? &u->in_hand : &u->later, m, link);
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

static void log_dead(unit *u, const message *m, uint64_t number) LOCK_REQUIRES(u->lock)
{
    if (!quiet_admit(&u->quiet, m->finished)) {
        arm(u);
        return;
    }
    log_write(LOG_LEVEL_WARN, "delivery", LOG_FIELDS({"actor", u->name}, {"message", m->id}),
              "dead letter d-%" PRIu64 " (%s): %s", number, deadletter_reason(m),
              m->error ? m->error : "out of memory for the reason");
}

void unit_finish_at(unit *u, message *m, message_state state, rpc_code outcome, const char *error,
                    int64_t ns)
{
    if (fallback_begin(u, m, state, outcome, error))
        return;
    if (state == MESSAGE_DEAD && m->hops)
        state = MESSAGE_DROPPED; /* the letter is the one of the message it answers for */
    heap_remove(&u->due, &m->due_node);
    attempt_ignore(u, m);
    move(u, m, state, false, false);
    unit_leave(u, m);
    u->live--;
    m->outcome = outcome;
    m->error = error ? strdup(error) : NULL;
    m->finished = ns / 1000000;
    if (state == MESSAGE_DEAD) {
        log_dead(u, m, deadletters_add(u->daemon->deadletters, m));
    } else if (m->hands == 0) {
        message_drop_payload(m);
    }
    fallback_end(m);
    unit_count_end(u, m, ns);
    bool answered = m->ask && state == MESSAGE_DONE && !TAILQ_EMPTY(&m->waiters);
    ledger_finished(u->daemon->ledger, m, answered);
    for (message_waiter *w; (w = TAILQ_FIRST(&m->waiters));) {
        TAILQ_REMOVE(&m->waiters, w, link);
        w->waiting = false;
        w->finished(w, m);
    }
    daemon_message_ended(u->daemon);
    message_release(m); /* the unit's reference; the ledger still has one */
}

void unit_finish(unit *u, message *m, message_state state, rpc_code outcome, const char *error)
{
    unit_finish_at(u, m, state, outcome, error, clock_ns());
}

void unit_let_go(message *m)
{
    if (--m->hands == 0 && message_state_final(m->state) && m->state != MESSAGE_DEAD)
        message_drop_payload(m);
}

void unit_hand_over(unit *u, message *m)
{
    heap_remove(&u->due, &m->due_node);
    attempt_ignore(u, m);
    unit_leave(u, m);
    move(u, m, MESSAGE_RETRYING, false, false);
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
        unit_nudge_all(u);
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

void unit_ask_timed_out(message *m, char text[RPC_MESSAGE_MAX + 1], json_out *members)
{
    bool withdrawn = unit_withdraw(m);
    actor_lock_take(&m->unit->lock);
    message_state state = m->state;
    actor_lock_give(&m->unit->lock);
    json_out_key(members, "message");
    json_out_text(members, m->id);
    json_out_key(members, "state");
    json_out_text(members, message_state_name(state));
    if (withdrawn)
        snprintf(text, RPC_MESSAGE_MAX + 1,
                 "'%s' didn't get to message %s in time; it was withdrawn before it began",
                 m->unit->name, m->id);
    else
        snprintf(text, RPC_MESSAGE_MAX + 1,
                 "'%s' didn't answer in time; message %s is %s, look it up with: "
                 "actorctl result %s",
                 m->unit->name, m->id, message_state_name(state), m->id);
}

/* End everything that waits, in the mailbox or for its time. */
static size_t finish_waiting(unit *u, message_state state, rpc_code outcome, const char *error)
    LOCK_REQUIRES(u->lock)
{
    size_t n = 0;
    for (int i = UNIT_PRIORITIES; i-- > 0;)
        for (message *m; (m = TAILQ_FIRST(&u->mailbox[i])); n++)
            unit_finish(u, m, state, outcome, error);
    for (message *m; (m = TAILQ_FIRST(&u->later)); n++)
        unit_finish(u, m, state, outcome, error);
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
        if (m->attempt_deadline && m->attempt_deadline <= now)
            m->attempt_deadline = 0; /* the actor has to end the attempt */
        if (hedge_tick(&m->call, now))
            unit_want_hedge(u, m);
    } else {
        move(u, m, MESSAGE_WAITING, true, m->state == MESSAGE_RETRYING);
    }
    unit_reschedule(u, m);
    return true;
}

void unit_tick(unit *u)
{
    actor_lock_take(&u->lock);
    bool look = u->nudge_missed, in_hand = false;
    clock_ms now = clock_now();
    u->nudge_missed = false;
    u->armed = INT64_MAX;
    uint32_t left_out = quiet_over(&u->quiet, now);
    if (left_out)
        log_write(LOG_LEVEL_WARN, "delivery", LOG_FIELDS({"actor", u->name}),
                  "%" PRIu32 " more dead letters were not logged; see: actorctl deadletters ls "
                  "--actor %s",
                  left_out, u->name);
    for (heap_node *n; (n = heap_first(&u->due)) && n->key <= now;) {
        message *m = CONTAINER(n, message, due_node);
        in_hand |= m->state == MESSAGE_RUNNING;
        look |= time_passed(u, m, now);
    }
    arm(u);
    actor_lock_give(&u->lock);
    if (in_hand)
        unit_nudge_all(u);
    else if (look)
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

/* A millisecond more, since `now` may be almost the next one: an attempt has all of its time, and
 * what is there at the last instant is in time (RT-42). */
clock_ms unit_attempt_deadline(const unit *u, clock_ms now)
{
    return u->settings.timeout ? now + u->settings.timeout + 1 : 0;
}

void unit_begin(unit *u, message *m, clock_ms now)
{
    static const hedge_policy none = {0};
    m->retry.attempts++;
    m->first = message_attempt_count(m);
    m->began = now;
    m->attempt_deadline = unit_attempt_deadline(u, now);
    hedge_first(&m->call, m->ask ? &u->settings.hedge : &none, now);
    move(u, m, MESSAGE_RUNNING, false, false);
    unit_reschedule(u, m);
}

void unit_want_hedge(unit *u, message *m)
{
    if (m->hedge_waits == m->call.wanted)
        return;
    m->hedge_waits = m->call.wanted;
    if (m->hedge_waits)
        TAILQ_INSERT_TAIL(&u->hedges, m, hedge);
    else
        TAILQ_REMOVE(&u->hedges, m, hedge);
}

void unit_begin_hedge(unit *u, message *m, clock_ms now)
{
    m->hedges++;
    u->counters.hedges++;
    if (!m->attempt_deadline)
        m->attempt_deadline = unit_attempt_deadline(u, now);
    hedge_begun(&m->call, &u->settings.hedge, now);
    unit_want_hedge(u, m);
    unit_reschedule(u, m);
}

void unit_return(unit *u, message *m)
{
    move(u, m, MESSAGE_WAITING, true, true);
    unit_reschedule(u, m);
}

void unit_retry(unit *u, message *m, clock_ms delay)
{
    m->due = clock_now() + delay;
    u->counters.retries++;
    move(u, m, MESSAGE_RETRYING, false, false);
    unit_reschedule(u, m);
}

static void fail_asks_of(unit *u, struct message_queue *queue, rpc_code outcome, const char *error,
                         clock_ms retry_after) LOCK_REQUIRES(u->lock)
{
    for (message *m = TAILQ_FIRST(queue), *next; m; m = next) {
        next = TAILQ_NEXT(m, link);
        if (!m->ask || m->fallback || (!m->queued && m->state != MESSAGE_RETRYING))
            continue; /* one that is sent for later meets the breaker then */
        m->retry_after = retry_after;
        unit_finish(u, m, MESSAGE_DEAD, outcome, error);
    }
}

void unit_fail_asks(unit *u, bool retrying, rpc_code outcome, const char *error,
                    clock_ms retry_after)
{
    for (int i = UNIT_PRIORITIES; i-- > 0;)
        fail_asks_of(u, &u->mailbox[i], outcome, error, retry_after);
    if (retrying)
        fail_asks_of(u, &u->later, outcome, error, retry_after);
}
