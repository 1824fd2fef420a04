#include "daemon/message.h"

#include "daemon/daemon.h"
#include "daemon/fallback.h"
#include "daemon/ledger.h"
#include "daemon/policy.h"
#include "daemon/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *message_state_name(message_state state)
{
    static const char *const names[MESSAGE_STATES] = {
        [MESSAGE_WAITING] = "waiting",   [MESSAGE_RUNNING] = "running",
        [MESSAGE_RETRYING] = "retrying", [MESSAGE_DONE] = "done",
        [MESSAGE_DEAD] = "dead",         [MESSAGE_CANCELLED] = "cancelled",
        [MESSAGE_EXPIRED] = "expired",   [MESSAGE_DROPPED] = "dropped",
    };
    return names[state];
}

message *message_new(unit *u, const char *payload, size_t len)
{
    message *m = calloc(1, sizeof *m);
    char *copy = malloc(len + 1);
    if (!m || !copy) {
        free(m);
        free(copy);
        return NULL;
    }
    memcpy(copy, payload, len);
    copy[len] = '\0';
    atomic_init(&m->refs, 1);
    m->unit = unit_hold(u);
    m->payload = copy;
    m->payload_len = len;
    m->progress = -1;
    m->retry_after = -1;
    m->accepted_ns = clock_ns();
    m->accepted = m->accepted_ns / 1000000;
    m->accepted_at = clock_wall();
    snprintf(m->id, sizeof m->id, "m-%" PRIu64, ledger_next_id(u->daemon->ledger));
    TAILQ_INIT(&m->waiters);
    TAILQ_INIT(&m->attempts);
    return m;
}

message *message_hold(message *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void message_release(message *m)
{
    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < m->failure_count; i++)
        free(m->failures[i].error);
    free(m->failures);
    free(m->stderr_tail);
    free(m->payload);
    free(m->reply);
    free(m->error);
    free(m->note);
    free(m->key);
    fallback_free(m->fallback);
    unit_release(m->unit);
    free(m);
}

void message_add_failure(message *m, unsigned attempt, const char *error)
{
    char *copy = strdup(error);
    if (!copy)
        return; /* the count of attempts still tells of it */
    if (m->failure_count == MESSAGE_FAILURES_KEPT) {
        free(m->failures[0].error);
        memmove(m->failures, m->failures + 1, (MESSAGE_FAILURES_KEPT - 1) * sizeof *m->failures);
        m->failure_count--;
    } else if ((m->failure_count & (m->failure_count + 1)) == 0) { /* 0, 1, 3, 7 …: grow */
        size_t room = 2 * m->failure_count + 1;
        message_failure *more = realloc(m->failures, room * sizeof *more);
        if (!more) {
            free(copy);
            return;
        }
        m->failures = more;
    }
    m->failures[m->failure_count++] =
        (message_failure){.attempt = attempt, .at = clock_wall(), .wait = -1, .error = copy};
}

void message_add_wait(message *m, clock_ms wait)
{
    if (m->failure_count)
        m->failures[m->failure_count - 1].wait = wait;
}

const char *message_failure_of(const message *m, unsigned attempt)
{
    for (size_t i = m->failure_count; i-- > 0;)
        if (m->failures[i].attempt == attempt)
            return m->failures[i].error;
    return NULL;
}

const char *message_last_error(const message *m)
{
    const char *first = m->outcome == RPC_FAILED ? message_failure_of(m, m->first) : NULL;
    if (first || m->failure_count == 0)
        return first;
    return m->failures[m->failure_count - 1].error;
}

void message_drop_payload(message *m)
{
    free(m->payload);
    m->payload = NULL;
}

size_t message_bytes(const message *m)
{
    size_t n = sizeof *m + (m->payload ? m->payload_len : 0) + m->reply_len + m->stderr_len;
    n += m->key ? strlen(m->key) : 0;
    n += m->error ? strlen(m->error) : 0;
    for (size_t i = 0; i < m->failure_count; i++)
        n += sizeof m->failures[i] + strlen(m->failures[i].error);
    return n;
}

rpc_code message_error(message *m, char text[RPC_MESSAGE_MAX + 1], json_out *members)
{
    rpc_failure f;
    rpc_fail(&f, m->outcome, "%s", m->error ? m->error : message_state_name(m->state));
    memcpy(text, f.message, RPC_MESSAGE_MAX + 1);
    json_out_key(members, "message");
    json_out_text(members, m->id);
    json_out_key(members, "state");
    json_out_text(members, message_state_name(m->state));
    json_out_key(members, "attempts");
    json_out_uint(members, message_attempt_count(m));
    const char *last = message_last_error(m);
    if (last) {
        json_out_key(members, "last_error");
        json_out_text(members, last);
    }
    if (m->outcome == RPC_BREAKER_OPEN && m->unit->breaker) {
        json_out_key(members, "breaker");
        json_out_text(members, policy_breaker_name(m->unit->breaker));
    }
    fallback_put(members, m);
    if (m->retry_after >= 0) {
        json_out_key(members, "retry_after_ms");
        json_out_int(members, m->retry_after);
    }
    return m->outcome;
}

static void put_error(json_out *out, message *m)
{
    char text[RPC_MESSAGE_MAX + 1];
    json_out members = {0};
    rpc_code code = message_error(m, text, &members);
    json_out_key(out, "error");
    rpc_put_error_object(out, code, text, &members);
    json_out_free(&members);
}

void message_put_failures(json_out *out, const message *m)
{
    json_out_key(out, "failures");
    json_out_array(out);
    for (size_t i = 0; i < m->failure_count; i++) {
        char at[CLOCK_TEXT];
        json_out_object(out);
        json_out_key(out, "attempt");
        json_out_uint(out, m->failures[i].attempt);
        json_out_key(out, "at");
        json_out_text(out, clock_format(m->failures[i].at, at));
        json_out_key(out, "error");
        json_out_text(out, m->failures[i].error);
        if (m->failures[i].wait >= 0) {
            json_out_key(out, "wait_ms");
            json_out_int(out, m->failures[i].wait);
        }
        json_out_object_end(out);
    }
    json_out_array_end(out);
}

void message_put(json_out *out, message *m)
{
    char at[CLOCK_TEXT];
    actor_lock_take(&m->unit->lock);
    json_out_object(out);
    json_out_key(out, "message");
    json_out_text(out, m->id);
    json_out_key(out, "to");
    json_out_text(out, m->unit->name);
    json_out_key(out, "state");
    json_out_text(out, message_state_name(m->state));
    json_out_key(out, "attempts");
    json_out_uint(out, message_attempt_count(m));
    json_out_key(out, "accepted_at");
    json_out_text(out, clock_format(m->accepted_at, at));
    fallback_put(out, m);
    if ((m->state == MESSAGE_RETRYING && !m->fallback) ||
        (m->state == MESSAGE_WAITING && !m->queued)) {
        clock_ms left = m->due - clock_now();
        json_out_key(out, "next_ms");
        json_out_int(out, left > 0 ? left : 0);
    }
    if (m->progress >= 0) {
        json_out_key(out, "progress");
        json_out_double(out, m->progress);
    }
    if (m->note) {
        json_out_key(out, "note");
        json_out_text(out, m->note);
    }
    if (m->reply) {
        json_out_key(out, "reply");
        json_out_raw(out, m->reply, m->reply_len);
    }
    if (m->failure_count)
        message_put_failures(out, m);
    if (message_state_final(m->state) && m->state != MESSAGE_DONE)
        put_error(out, m);
    json_out_object_end(out);
    actor_lock_give(&m->unit->lock);
}
