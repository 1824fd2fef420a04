/* Calls: how they are answered, and how they wait. */
#include "daemon/session_impl.h"

#include "daemon/log.h"
#include "daemon/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

/* The answers of a batch as one array; nothing at all when there are none. */
static void join_batch(const frame *f, json_out *out)
{
    bool any = false;
    for (size_t i = 0; i < f->count; i++) {
        const call *c = &f->calls[i];
        if (c->notification)
            continue;
        if (!any)
            json_out_array(out);
        any = true;
        json_out_raw(out, c->answer.data, c->answer.len);
    }
    if (any)
        json_out_array_end(out);
}

static front_reply reply_of(frame *f)
{
    const call *c = &f->calls[0];
    if (!f->batch)
        return (front_reply){f->request, c->answer.data, c->notification ? 0 : c->answer.len};
    join_batch(f, &f->joined);
    if (f->joined.err) {
        log_error("session", "out of memory for an answer: the client is disconnected");
        front_client_close(front_request_client(f->request));
    }
    return (front_reply){f->request, f->joined.data, f->joined.err ? 0 : f->joined.len};
}

static void call_clear(call *c)
{
    json_out_free(&c->answer);
    actor_msg_free(c->notice);
    message_release(c->message);
    unit_release(c->unit);
    free(c->data);
}

static void frame_free(frame *f)
{
    for (size_t i = 0; i < f->count; i++)
        call_clear(&f->calls[i]);
    json_out_free(&f->joined);
    front_request_release(f->request);
    free(f);
}

void frame__answered(frame *f)
{
    session *s = f->session;
    if (--f->unanswered > 0)
        return;
    STAILQ_INSERT_TAIL(&s->answered, f, link);
    if (++s->answered_count == FRONT_REPLIES_MAX)
        session__send(s);
}

void session__send(session *s)
{
    front_reply replies[FRONT_REPLIES_MAX];
    frame *f;
    size_t n = 0;
    if (s->answered_count == 0)
        return;
    STAILQ_FOREACH(f, &s->answered, link)
    replies[n++] = reply_of(f);
    front_answer_all(replies, n);
    while ((f = STAILQ_FIRST(&s->answered))) {
        STAILQ_REMOVE_HEAD(&s->answered, link);
        frame_free(f);
    }
    s->answered_count = 0;
}

void session__settle(session *s)
{
    if (atomic_load(s->coming) == 0)
        session__send(s);
}

/* The call's answer is complete. Nothing may touch the call after this. */
static void call_done(call *c)
{
    if (c->waiting)
        TAILQ_REMOVE(&c->session->waiting, c, link);
    c->waiting = false;
    c->answered = true;
    if (c->timer && c->self)
        actor_timer_cancel(c->self, &c->timer);
    if (c->answer.err) { /* say so with what little memory there is */
        json_out_free(&c->answer);
        rpc_put_error(&c->answer, c->id, RPC_INTERNAL_ERROR, "out of memory for the answer", NULL);
    }
    frame__answered(c->frame);
}

static void call_wait(call *c)
{
    c->waiting = true;
    TAILQ_INSERT_TAIL(&c->session->waiting, c, link);
}

void call_result(call *c, const char *result, size_t len)
{
    rpc_put_result(&c->answer, c->id, result, len);
    call_done(c);
}

void call_result_out(call *c, json_out *out)
{
    if (out->err)
        rpc_put_error(&c->answer, c->id, RPC_INTERNAL_ERROR, "out of memory for the answer", NULL);
    else
        rpc_put_result(&c->answer, c->id, out->data, out->len);
    json_out_free(out);
    call_done(c);
}

void call_error(call *c, rpc_code code, const char *text, json_out *members)
{
    rpc_put_error(&c->answer, c->id, code, text, members);
    if (members)
        json_out_free(members);
    call_done(c);
}

void call_failure(call *c, const rpc_failure *f, json_out *members)
{
    call_error(c, f->code, f->message, members);
}

/* ---- waiting for a message ---- */

/* Under the unit's lock: hand it to the session's actor. */
static void waiter_finished(message_waiter *w, message *m)
{
    (void)m;
    call *c = CONTAINER(w, call, waiter);
    actor_ref to;
    memcpy(&to, c->data, sizeof to);
    atomic_fetch_add(c->session->coming, 1);
    /* Refused only when the session has ended, and it takes its waiters off before that. */
    actor_send(to, &c->notice);
}

bool call_prepare_waiter(call *c)
{
    actor_ref *to = malloc(sizeof *to);
    c->notice = actor_msg_new(SESSION_OVER, sizeof(call *));
    if (!to || !c->notice) {
        free(to);
        return false;
    }
    *to = actor_self(c->self);
    c->data = to;
    memcpy(actor_msg_data(c->notice), &c, sizeof c);
    c->waiter.finished = waiter_finished;
    return true;
}

void call_wait_message(call *c, clock_ms timeout, void (*finish)(call *c))
{
    c->finish = finish;
    call_wait(c);
    if (timeout >= 0 && actor_after(c->self, timeout, SESSION_TIMER, (uintptr_t)c, &c->timer))
        log_warn("session", "out of memory: a call waits without its timeout");
}

void call__timer(call *c)
{
    c->timer = NULL;
    if (unit_unwait(c->message, &c->waiter))
        c->finish(c); /* not over: the method says what that means */
    /* else the notice is on its way, and is the answer */
}

/* ---- waiting for an actor of the daemon ---- */

static actor_verdict on_reply(actor *self, void *state, actor_err how, actor_msg *msg, void *arg)
{
    (void)state;
    call *c = arg;
    session *s = c->session;
    c->self = self;
    c->replied(c, how, msg);
    session__settle(s);
    return ACTOR_CONTINUE;
}

bool call_ask(call *c, actor_ref to, actor_msg *request,
              void (*replied)(call *c, actor_err how, actor_msg *reply))
{
    actor_err e = ACTOR_ENOMEM;
    c->replied = replied;
    if (request)
        e = actor_ask(c->self, to, &request, -1, on_reply, c, NULL);
    if (e == ACTOR_OK) {
        call_wait(c);
        return true;
    }
    actor_msg_free(request);
    const unit *u = c->unit;
    char text[RPC_MESSAGE_MAX + 1] = "the daemon is stopping";
    if (u && u->parent)
        snprintf(text, sizeof text,
                 "the supervisor '%s' of '%s' is stopped; start that first, with: actorctl restart "
                 "%s",
                 u->parent->name, u->name, u->parent->name);
    if (e == ACTOR_ENOMEM)
        call_error(c, RPC_UNAVAILABLE, "out of memory", NULL);
    else
        call_error(c, RPC_STOPPED, text, NULL);
    return false;
}
