#include "daemon/worker_line.h"

#include "daemon/daemon.h"
#include "daemon/directory.h"
#include "daemon/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

/* The members that a line may have, and the type each must have. */
static const struct member {
    const char *name;
    size_t offset; /* of a json_value in worker_line */
    int type;      /* json_type, or -1 for any */
} members[] = {
    {"id", offsetof(worker_line, id), JSON_STRING},
    {"reply", offsetof(worker_line, reply), -1},
    {"error", offsetof(worker_line, error), JSON_STRING},
    {"progress", offsetof(worker_line, progress), JSON_NUMBER},
    {"note", offsetof(worker_line, note), JSON_STRING},
    {"msg", offsetof(worker_line, msg), -1},
    {"ref", offsetof(worker_line, ref), -1},
    {"timeout", offsetof(worker_line, timeout), JSON_STRING},
    {"state", offsetof(worker_line, state), -1},
    {"log", offsetof(worker_line, log), JSON_STRING},
    {"text", offsetof(worker_line, text), JSON_STRING},
    {"send", offsetof(worker_line, to), JSON_STRING},
    {"ask", offsetof(worker_line, to), JSON_STRING},
};

/* Take one member into the line. False: it has the wrong type. */
static bool take(worker_line *line, const json_member *m, const char **wrong)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!json_text_is(m->key, members[i].name))
            continue;
        *wrong = members[i].name;
        if (members[i].type >= 0 && (int)m->value.type != members[i].type)
            return false;
        *(json_value *)((char *)line + members[i].offset) = m->value;
        return true;
    }
    return true; /* more members may come with a later version */
}

static worker_line_kind classify(json_value root, const worker_line *line)
{
    json_value v;
    if (line->id.len) {
        if ((line->reply.len != 0) + (line->error.len != 0) == 1)
            return WORKER_ANSWER;
        return line->progress.len && !line->reply.len ? WORKER_PROGRESS : WORKER_BROKEN;
    }
    if (json_find(root, "ready", &v))
        return json_is_true(v) ? WORKER_READY : WORKER_BROKEN;
    if (json_find(root, "send", &v))
        return line->msg.len ? WORKER_SEND : WORKER_BROKEN;
    if (json_find(root, "ask", &v))
        return line->msg.len && line->ref.len ? WORKER_ASK : WORKER_BROKEN;
    if (line->state.len)
        return WORKER_STATE;
    return line->log.len ? WORKER_LOG : WORKER_BROKEN;
}

/* What is no duration counts as not said (RT-28). */
static clock_ms retry_after(json_value root)
{
    json_value v;
    char text[UNITS_TEXT];
    int64_t us;
    if (!json_find(root, "retry_after", &v) || v.type != JSON_STRING ||
        json_text(v, text, sizeof text, NULL) || config_parse_duration(text, &us))
        return RETRY_NOT_TOLD;
    return clock_from_us(us);
}

worker_line_kind worker_line_read(const char *bytes, size_t len, worker_line *line, char *why,
                                  size_t size)
{
    json_value root, retry;
    size_t where;
    *line = (worker_line){.retry_after = RETRY_NOT_TOLD};
    json_err e = json_parse(bytes, len, &root, &where);
    if (e || root.type != JSON_OBJECT) {
        snprintf(why, size, "a line is no JSON object: %s at byte %zu",
                 e ? json_strerror(e) : json_type_name(root.type), e ? where : 0);
        return WORKER_BROKEN;
    }
    json_iter iter = json_each(root);
    json_member m;
    const char *wrong = NULL;
    while (json_next_member(&iter, &m)) {
        if (!take(line, &m, &wrong)) {
            snprintf(why, size, "\"%s\" is %s", wrong, json_type_name(m.value.type));
            return WORKER_BROKEN;
        }
    }
    line->no_retry =
        json_find(root, "retry", &retry) && retry.type == JSON_BOOL && !json_is_true(retry);
    line->retry_after = retry_after(root);
    worker_line_kind kind = classify(root, line);
    if (kind == WORKER_BROKEN)
        snprintf(why, size, "a line says nothing known: %.*s", (int)(len < 80 ? len : 80), bytes);
    return kind;
}

char *worker_text(json_value value, size_t *len)
{
    char *text = NULL;
    json_err e = json_text_dup(value, &text, len);
    if (e == JSON_OK || e == JSON_ENOMEM)
        return text;
    *len = value.len;
    return strndup(value.start, value.len);
}

/* ---- what doesn't wait for an answer ---- */

static void complain(const unit *from, const char *what, const char *text)
{
    log_write(LOG_LEVEL_WARN, "worker", LOG_FIELDS({"actor", from->name}), "%s failed: %s", what,
              text);
}

/* Submit what a line says; as unit_submit(). */
static rpc_code submit(unit *from, const worker_line *line, unit_submission *s, message **m,
                       rpc_failure *failure, json_out *data)
{
    char name[CONFIG_NAME_MAX + 1];
    bool duplicate;
    if (json_text(line->to, name, sizeof name, NULL))
        return rpc_fail(failure, RPC_NOT_FOUND, "that is no name of an actor");
    unit *to = directory_find(from->daemon->directory, name, failure);
    if (!to)
        return failure->code;
    s->payload = line->msg.start;
    s->len = line->msg.len;
    s->priority = -1;
    rpc_code code = unit_submit(to, s, m, &duplicate, failure, data);
    unit_release(to);
    return code;
}

void worker_send(unit *from, const worker_line *line)
{
    message *m = NULL;
    rpc_failure failure;
    json_out data = {0};
    unit_submission s = {0};
    if (submit(from, line, &s, &m, &failure, &data) != RPC_OK)
        complain(from, "a send", failure.message);
    json_out_free(&data);
    message_release(m);
}

void worker_state(unit *u, const worker_line *line)
{
    char *text = strndup(line->state.start, line->state.len);
    if (!text)
        return; /* the next one may find memory; it is only shown */
    actor_lock_take(&u->lock);
    char *before = u->shown;
    u->shown = text;
    actor_lock_give(&u->lock);
    free(before);
}

void worker_log(unit *u, const worker_line *line)
{
    log_level level = LOG_LEVEL_INFO;
    char word[16];
    if (!json_text(line->log, word, sizeof word, NULL))
        log_level_parse(word, &level);
    size_t len = 0;
    char *text = line->text.len ? worker_text(line->text, &len) : NULL;
    if (text)
        log_bytes(level, "worker", LOG_FIELDS({"actor", u->name}), text, len);
    free(text);
}

/* ---- asks ---- */

struct worker_ask {
    TAILQ_ENTRY(worker_ask) link;
    uint64_t number;
    char *ref; /* as it was written */
    message *message;
    message_waiter waiter;
    actor_ref owner;
    actor_msg *notice; /* made beforehand, so that the end can be told without memory */
    actor_timer *timer;
};

enum { ASK_TIMEOUT_MS = 5000 };
#define ASK_TAG (UINT64_C(1) << 63) /* of timers; a child's serial never has it */

/* Payload of the notice. */
typedef struct ask_over {
    uint64_t nobody; /* 0: no child's serial */
    uint64_t number;
} ask_over;

void worker_asks_init(worker_asks *asks)
{
    TAILQ_INIT(&asks->list);
}

static void ask_free(worker_asks *asks, worker_ask *a)
{
    if (a->message)
        unit_unwait(a->message, &a->waiter);
    message_release(a->message);
    actor_msg_free(a->notice);
    TAILQ_REMOVE(&asks->list, a, link);
    free(a->ref);
    free(a);
}

void worker_asks_free(worker_asks *asks)
{
    for (worker_ask *a = TAILQ_FIRST(&asks->list), *next; a; a = next) {
        next = TAILQ_NEXT(a, link);
        ask_free(asks, a); /* timers end with the incarnation */
    }
}

static void finished(message_waiter *w, message *m)
{
    (void)m;
    worker_ask *a = CONTAINER(w, worker_ask, waiter);
    actor_send(a->owner, &a->notice); /* refused: the worker is gone, ask_free() has the rest */
}

static worker_ask *ask_new(actor *self, worker_asks *asks, const worker_line *line)
{
    worker_ask *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    TAILQ_INSERT_TAIL(&asks->list, a, link);
    a->number = ++asks->last;
    a->owner = actor_self(self);
    a->waiter.finished = finished;
    a->ref = strndup(line->ref.start, line->ref.len);
    a->notice = actor_msg_new(UNIT_MSG_KIND, sizeof(ask_over));
    if (!a->ref || !a->notice) {
        ask_free(asks, a);
        return NULL;
    }
    *(ask_over *)actor_msg_data(a->notice) = (ask_over){.number = a->number};
    actor_msg_set_priority(a->notice, ACTOR_SYSTEM);
    return a;
}

static void answer_begin(json_out *out, const char *ref, size_t len)
{
    json_out_object(out);
    json_out_key(out, "ref");
    json_out_raw(out, ref, len);
}

static void answer_end(json_out *out)
{
    json_out_object_end(out);
    json_out_end_line(out);
}

static void answer_error(json_out *out, const char *ref, size_t len, rpc_code code,
                         const char *text, const json_out *data)
{
    answer_begin(out, ref, len);
    json_out_key(out, "error");
    rpc_put_error_object(out, code, text, data);
    answer_end(out);
}

void worker_ask_begin(actor *self, worker_asks *asks, unit *from, const worker_line *line,
                      json_out *out)
{
    rpc_failure failure;
    json_out data = {0};
    int64_t timeout_us = ASK_TIMEOUT_MS * INT64_C(1000);
    char text[UNITS_TEXT];
    worker_ask *a = NULL;
    rpc_code code = RPC_OK;
    if (line->timeout.len && (json_text(line->timeout, text, sizeof text, NULL) ||
                              config_parse_duration(text, &timeout_us)))
        code = rpc_fail(&failure, RPC_INVALID_PARAMS, "the timeout is no duration");
    else if (!(a = ask_new(self, asks, line)))
        code = rpc_fail(&failure, RPC_UNAVAILABLE, "out of memory");
    if (a) {
        unit_submission s = {.ask = true, .waiter = &a->waiter};
        code = submit(from, line, &s, &a->message, &failure, &data);
    }
    if (code == RPC_OK && a &&
        actor_after(self, clock_from_us(timeout_us), UNIT_MSG_TIMER, a->number | ASK_TAG,
                    &a->timer) == ACTOR_OK)
        goto out;
    if (code == RPC_OK)
        code = rpc_fail(&failure, RPC_UNAVAILABLE, "out of memory");
    answer_error(out, line->ref.start, line->ref.len, code, failure.message, &data);
    if (a)
        ask_free(asks, a);
out:
    json_out_free(&data);
}

/* The answer to a question whose message is final. */
static void put_outcome(json_out *out, worker_ask *a)
{
    message *m = a->message;
    actor_lock_take(&m->unit->lock);
    if (m->state == MESSAGE_DONE) {
        answer_begin(out, a->ref, strlen(a->ref));
        json_out_key(out, "reply");
        json_out_raw(out, m->reply, m->reply_len);
        answer_end(out);
    } else {
        char text[RPC_MESSAGE_MAX + 1];
        json_out data = {0};
        rpc_code code = message_error(m, text, &data);
        answer_error(out, a->ref, strlen(a->ref), code, text, &data);
        json_out_free(&data);
    }
    actor_lock_give(&m->unit->lock);
}

static void put_timeout(json_out *out, worker_ask *a)
{
    if (!unit_unwait(a->message, &a->waiter)) {
        put_outcome(out, a); /* it was over at the same moment */
        return;
    }
    char text[RPC_MESSAGE_MAX + 1];
    json_out data = {0};
    unit_ask_timed_out(a->message, text, &data);
    answer_error(out, a->ref, strlen(a->ref), RPC_TIMEOUT, text, &data);
    json_out_free(&data);
}

bool worker_ask_event(actor *self, worker_asks *asks, actor_msg *msg, json_out *out)
{
    uint64_t number = 0;
    bool timer = actor_msg_type(msg) == UNIT_MSG_TIMER;
    if (timer && (actor_msg_tag(msg) & ASK_TAG))
        number = actor_msg_tag(msg) & ~ASK_TAG;
    else if (!timer && actor_msg_size(msg) == sizeof(ask_over))
        number = ((ask_over *)actor_msg_data(msg))->number;
    else
        return false;
    worker_ask *a;
    TAILQ_FOREACH(a, &asks->list, link)
    if (a->number == number)
        break;
    if (!a)
        return true; /* answered already, or of an earlier incarnation */
    if (timer) {
        a->timer = NULL;
        put_timeout(out, a);
    } else {
        actor_timer_cancel(self, &a->timer);
        put_outcome(out, a);
    }
    ask_free(asks, a);
    return true;
}
