/* Methods about messages: send, ask, message.*. */
#include "daemon/directory.h"
#include "daemon/ledger.h"
#include "daemon/methods.h"
#include "daemon/unit.h"

#include <stdio.h>
#include <string.h>

enum { ASK_TIMEOUT_MS = 5000 };

/* ---- send, ask ---- */

enum { P_TO, P_MSG, P_KEY, P_DELAY, P_AT, P_TTL, P_PRIORITY, P_TIMEOUT };

static const rpc_param submit_params[] = {
    [P_TO] = {.name = "to", .type = RPC_STRING, .required = true, .min = 1, .max = CONFIG_NAME_MAX},
    [P_MSG] = {.name = "msg", .type = RPC_RAW, .required = true},
    [P_KEY] = {.name = "key", .type = RPC_STRING, .min = 1, .max = 256},
    [P_DELAY] = {.name = "delay", .type = RPC_DURATION},
    [P_AT] = {.name = "at", .type = RPC_TIME},
    [P_TTL] = {.name = "ttl", .type = RPC_DURATION},
    [P_PRIORITY] = {.name = "priority", .type = RPC_STRING},
    [P_TIMEOUT] = {.name = "timeout", .type = RPC_DURATION},
};
enum { SEND_PARAMS = P_TIMEOUT, ASK_PARAMS = P_TIMEOUT + 1 };

/* The common params. False: the call is answered. */
static bool read_submission(call *c, rpc_value *v, unit_submission *s)
{
    *s = (unit_submission){
        .payload = v[P_MSG].raw.start,
        .len = v[P_MSG].raw.len,
        .key = v[P_KEY].present ? v[P_KEY].text : NULL,
        .priority = -1,
    };
    if (v[P_DELAY].present && v[P_AT].present) {
        call_error(c, RPC_INVALID_PARAMS, "give either 'delay' or 'at', not both", NULL);
        return false;
    }
    if (v[P_DELAY].present)
        s->delay = v[P_DELAY].number;
    if (v[P_AT].present && v[P_AT].number > clock_wall())
        s->delay = v[P_AT].number - clock_wall();
    if (v[P_TTL].present) {
        if (v[P_TTL].number <= 0) {
            call_error(c, RPC_INVALID_PARAMS, "'ttl' must be longer than 0", NULL);
            return false;
        }
        s->ttl = v[P_TTL].number;
    }
    config_priority priority;
    if (v[P_PRIORITY].present) {
        if (!config_priority_parse(v[P_PRIORITY].text, &priority)) {
            call_error(c, RPC_INVALID_PARAMS, "'priority' must be low, normal, high or critical",
                       NULL);
            return false;
        }
        s->priority = (int)priority;
    }
    return true;
}

/* Find the actor and submit. False: the call is answered. */
static bool submit(call *c, const char *to, const unit_submission *s, bool *duplicate)
{
    rpc_failure f;
    json_out data = {0};
    unit *u = directory_find(c->daemon->directory, to, &f);
    if (!u) {
        call_failure(c, &f, NULL);
        return false;
    }
    rpc_code code = unit_submit(u, s, &c->message, duplicate, &f, &data);
    unit_release(u);
    if (code != RPC_OK) {
        call_failure(c, &f, &data);
        return false;
    }
    json_out_free(&data);
    return true;
}

static void run_send(call *c, rpc_value *v)
{
    unit_submission s;
    bool duplicate;
    if (!read_submission(c, v, &s) || !submit(c, v[P_TO].text, &s, &duplicate))
        return;
    json_out out = {0};
    json_out_object(&out);
    json_out_key(&out, "message");
    json_out_text(&out, c->message->id);
    json_out_key(&out, "duplicate");
    json_out_bool(&out, duplicate);
    json_out_object_end(&out);
    call_result_out(c, &out);
}

/* The reply itself, or why there is none. The message is final. */
static void answer_with_outcome(call *c)
{
    message *m = c->message;
    char text[RPC_MESSAGE_MAX + 1];
    json_out data = {0};
    actor_lock_take(&m->unit->lock);
    rpc_code code = m->state == MESSAGE_DONE ? RPC_OK : message_error(m, text, &data);
    actor_lock_give(&m->unit->lock);
    if (code == RPC_OK) /* a reply never changes any more */
        call_result(c, m->reply, m->reply_len);
    else
        call_error(c, code, text, &data);
}

/* The ask's own timeout. */
static void answer_timed_out(call *c)
{
    json_out data = {0};
    char text[RPC_MESSAGE_MAX + 1];
    unit_ask_timed_out(c->message, text, &data);
    call_error(c, c->keyed ? RPC_TIMEOUT_KEYED : RPC_TIMEOUT, text, &data);
}

static bool is_final(message *m)
{
    actor_lock_take(&m->unit->lock);
    bool final = message_state_final(m->state);
    actor_lock_give(&m->unit->lock);
    return final;
}

static void ask_over(call *c)
{
    if (is_final(c->message))
        answer_with_outcome(c);
    else
        answer_timed_out(c);
}

static void run_ask(call *c, rpc_value *v)
{
    unit_submission s;
    bool duplicate;
    if (!read_submission(c, v, &s))
        return;
    if (!call_prepare_waiter(c)) {
        call_error(c, RPC_UNAVAILABLE, "out of memory; nothing was accepted", NULL);
        return;
    }
    s.ask = true;
    s.waiter = &c->waiter;
    c->keyed = s.key != NULL;
    if (!submit(c, v[P_TO].text, &s, &duplicate))
        return;
    if (c->waiter.attached)
        call_wait_message(c, v[P_TIMEOUT].present ? v[P_TIMEOUT].number : ASK_TIMEOUT_MS, ask_over);
    else
        answer_with_outcome(c);
}

/* ---- message.* ---- */

enum { P_MESSAGE, P_WAIT_TIMEOUT };
static const rpc_param message_params[] = {
    [P_MESSAGE] = {.name = "message", .type = RPC_STRING, .required = true, .min = 1, .max = 64},
    [P_WAIT_TIMEOUT] = {.name = "timeout", .type = RPC_DURATION},
};

/* The message, into c->message. False: the call is answered. */
static bool find_message(call *c, const rpc_value *v)
{
    c->message = ledger_find(c->daemon->ledger, v[P_MESSAGE].text);
    if (c->message)
        return true;
    char text[RPC_MESSAGE_MAX + 1];
    snprintf(text, sizeof text,
             "there is no message '%.64s': it never was, or it finished longer than "
             "store.keep_done ago",
             v[P_MESSAGE].text);
    call_error(c, RPC_NOT_FOUND, text, NULL);
    return false;
}

static void answer_message(call *c)
{
    json_out out = {0};
    message_put(&out, c->message);
    call_result_out(c, &out);
}

static void run_get(call *c, rpc_value *v)
{
    if (find_message(c, v))
        answer_message(c);
}

static void wait_over(call *c)
{
    message *m = c->message;
    if (is_final(m)) {
        answer_message(c);
        return;
    }
    json_out data = {0};
    char text[RPC_MESSAGE_MAX + 1];
    actor_lock_take(&m->unit->lock);
    const char *state = message_state_name(m->state);
    actor_lock_give(&m->unit->lock);
    json_out_key(&data, "message");
    json_out_text(&data, m->id);
    json_out_key(&data, "state");
    json_out_text(&data, state);
    snprintf(text, sizeof text, "message %s to '%s' is still %s", m->id, m->unit->name, state);
    call_error(c, RPC_TIMEOUT, text, &data);
}

static void run_wait(call *c, rpc_value *v)
{
    if (!find_message(c, v))
        return;
    if (!call_prepare_waiter(c))
        call_error(c, RPC_UNAVAILABLE, "out of memory", NULL);
    else if (unit_wait(c->message, &c->waiter))
        call_wait_message(c, v[P_WAIT_TIMEOUT].present ? v[P_WAIT_TIMEOUT].number : -1, wait_over);
    else
        answer_message(c);
}

static void run_cancel(call *c, rpc_value *v)
{
    if (!find_message(c, v))
        return;
    message_state before = unit_cancel(c->message);
    if (!message_state_final(before) || before == MESSAGE_CANCELLED) {
        answer_message(c);
        return;
    }
    json_out data = {0};
    char text[RPC_MESSAGE_MAX + 1];
    json_out_key(&data, "state");
    json_out_text(&data, message_state_name(before));
    snprintf(text, sizeof text, "message %s is %s already: there is nothing to cancel",
             c->message->id, message_state_name(before));
    call_error(c, RPC_INVALID_STATE, text, &data);
}

const method methods_message[] = {
    {"send", CONFIG_ROLE_SUBMIT, submit_params, SEND_PARAMS, run_send},
    {"ask", CONFIG_ROLE_SUBMIT, submit_params, ASK_PARAMS, run_ask},
    {"message.get", CONFIG_ROLE_SUBMIT, message_params, 1, run_get},
    {"message.wait", CONFIG_ROLE_SUBMIT, message_params, 2, run_wait},
    {"message.cancel", CONFIG_ROLE_SUBMIT, message_params, 1, run_cancel},
    {0},
};
