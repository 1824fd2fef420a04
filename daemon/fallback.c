#include "daemon/fallback.h"

#include "daemon/daemon.h"
#include "daemon/directory.h"
#include "daemon/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERROR_MAX = 1000 };

struct fallback {
    clock_alarm alarm; /* the next step */
    message *message;  /* whose it is; referenced until `over` */
    bool over;         /* guarded by the unit's lock */
    char *to;          /* the name of the actor that answers */
    message *answer;   /* the message to it; set under the unit's lock, by the control thread */
    message_waiter waiter;
    /* what the message would have ended with */
    message_state state;
    rpc_code outcome;
    char *error;
};

/* ---- the beginning ---- */

static bool is_for(rpc_code outcome)
{
    return outcome == RPC_FAILED || outcome == RPC_EXPIRED || outcome == RPC_BREAKER_OPEN;
}

static void step(clock_alarm *a);

static fallback *make(unit *u, message *m, const char *error) LOCK_REQUIRES(u->lock)
{
    fallback *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->to = strdup(u->child->fallback);
    f->error = strdup(error ? error : "it failed");
    if (!f->to || !f->error || !alarm_init(&f->alarm, u->daemon->alarms, step)) {
        f->alarm.clock = NULL;
        fallback_free(f);
        return NULL;
    }
    f->message = m;
    return f;
}

bool fallback_begin(unit *u, message *m, message_state state, rpc_code outcome, const char *error)
    LOCK_REQUIRES(u->lock)
{
    if (m->fallback || !is_for(outcome) || u->gone || !u->child->fallback)
        return false;
    fallback *f = make(u, m, error);
    if (!f)
        return false;
    f->state = state;
    f->outcome = outcome;
    m->fallback = f;
    message_hold(m);
    unit_hand_over(u, m);
    alarm_set(&f->alarm, clock_now());
    return true;
}

void fallback_end(message *m)
{
    if (m->fallback && !m->fallback->over)
        alarm_set(&m->fallback->alarm, clock_now());
}

void fallback_free(fallback *f)
{
    if (!f)
        return;
    if (f->alarm.clock)
        alarm_end(&f->alarm);
    message_release(f->answer);
    free(f->to);
    free(f->error);
    free(f);
}

void fallback_put(json_out *out, const message *m)
{
    const fallback *f = m->fallback;
    if (!f)
        return;
    json_out_key(out, "fallback");
    json_out_object(out);
    json_out_key(out, "actor");
    json_out_text(out, f->to);
    json_out_key(out, "message");
    json_out_text(out, f->answer ? f->answer->id : NULL);
    json_out_object_end(out);
}

/* ---- its end: on the control thread ---- */

/* Nothing more is to be done; perhaps f goes with its message. */
static void leave(fallback *f)
{
    message *m = f->message;
    actor_lock_take(&m->unit->lock);
    f->over = true;
    actor_lock_give(&m->unit->lock);
    alarm_cancel(&f->alarm); /* the message or the answer may have ended at this moment */
    message_release(m);
}

/* End the message, unless somebody else has; takes the reply. */
static void finish(fallback *f, message_state state, rpc_code outcome, const char *error,
                   char *reply, size_t len)
{
    message *m = f->message;
    actor_lock_take(&m->unit->lock);
    f->over = true;
    if (!message_state_final(m->state)) {
        m->reply = reply;
        m->reply_len = len;
        reply = NULL;
        unit_finish(m->unit, m, state, outcome, error);
    }
    actor_lock_give(&m->unit->lock);
    free(reply);
    leave(f);
}

/* The fallback took nothing in: the message ends as it would have without one. */
static void refuse(fallback *f, const char *why)
{
    char text[ERROR_MAX];
    snprintf(text, sizeof text, "%s; its fallback '%s' refused: %s", f->error, f->to, why);
    finish(f, f->state, f->outcome, text, NULL, 0);
}

static void fail(fallback *f, const char *why)
{
    char text[ERROR_MAX];
    snprintf(text, sizeof text, "%s; its fallback: %s", f->error, why);
    finish(f, f->state == MESSAGE_DROPPED ? MESSAGE_DROPPED : MESSAGE_DEAD, RPC_FAILED, text, NULL,
           0);
}

/* The answer is final, so nothing of it changes any more. */
static void pass_on(fallback *f)
{
    const message *answer = f->answer;
    if (answer->state != MESSAGE_DONE) {
        fail(f, answer->error ? answer->error : "out of memory for the reason");
        return;
    }
    char *reply = malloc(answer->reply_len + 1);
    if (reply)
        finish(f, MESSAGE_DONE, RPC_OK, NULL, memcpy(reply, answer->reply, answer->reply_len),
               answer->reply_len);
    else
        fail(f, "out of memory for its reply");
}

/* The message has ended otherwise: so does what was to answer it. */
static void give_up(fallback *f)
{
    if (f->answer) {
        unit_unwait(f->answer, &f->waiter);
        unit_cancel(f->answer);
    }
    leave(f);
}

/* ---- in between: on the control thread ---- */

static void answered(message_waiter *w, message *answer)
{
    (void)answer;
    fallback *f = CONTAINER(w, fallback, waiter);
    alarm_set(&f->alarm, clock_now());
}

static rpc_code submit_to(fallback *f, message **answer, rpc_failure *failure)
{
    const message *m = f->message;
    if (m->hops >= FALLBACK_HOPS_MAX)
        return rpc_fail(failure, RPC_FAILED, "the fallbacks answer for each other in a circle");
    unit *to = directory_find(m->unit->daemon->directory, f->to, failure);
    if (!to)
        return failure->code;
    bool duplicate;
    json_out members = {0};
    unit_submission s = {.payload = m->payload,
                         .len = m->payload_len,
                         .priority = (int)m->priority,
                         .ask = m->ask,
                         .hops = (uint8_t)(m->hops + 1),
                         .waiter = &f->waiter};
    rpc_code code = unit_submit(to, &s, answer, &duplicate, failure, &members);
    json_out_free(&members);
    unit_release(to);
    return code;
}

static void submit(fallback *f)
{
    message *m = f->message, *answer = NULL;
    rpc_failure failure;
    f->waiter.finished = answered;
    rpc_code code = submit_to(f, &answer, &failure);
    actor_lock_take(&m->unit->lock);
    f->answer = answer;
    unit_let_go(m);
    actor_lock_give(&m->unit->lock);
    if (code != RPC_OK)
        refuse(f, failure.message);
}

/* Look what is to be done next. */
static void step(clock_alarm *a)
{
    fallback *f = CONTAINER(a, fallback, alarm);
    message *m = f->message;
    actor_lock_take(&m->unit->lock);
    bool ended = message_state_final(m->state);
    if (!ended && !f->answer)
        m->hands++; /* its payload is being read */
    actor_lock_give(&m->unit->lock);
    if (ended)
        give_up(f);
    else if (!f->answer)
        submit(f);
    else
        pass_on(f);
}
