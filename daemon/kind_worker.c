/* worker: a long-lived process that speaks NDJSON on stdin and stdout (worker.md).
 *
 * The process is the incarnation: it starts with it, and when it ends by itself, so does the
 * incarnation. Attempts are lines; `credits` of them may be unanswered. An attempt whose message
 * ended otherwise (cancelled, timed out) keeps its credit until the worker answers or is killed.
 */
#include "daemon/child.h"
#include "daemon/daemon.h"
#include "daemon/json.h"
#include "daemon/kinds.h"
#include "daemon/log.h"
#include "daemon/worker_line.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_SIZE = 64 * 1024, READS_A_TURN = 4, ENVELOPE_BYTES = 1024, LATE_KEPT = 16 };

/* So many answers of the greatest size may a worker leave unread, beside its messages. */
enum { UNREAD_MAX = 16 };

/* An attempt's id on the wire: the message's, or of a hedge "m-7.2", to be told from the others. */
enum { WORKER_ID_MAX = MESSAGE_ID_MAX + 12 };

typedef struct worker {
    child *child;
    json_out lines; /* to be written, from `written` on */
    size_t written;
    uint64_t sent; /* bytes, in all */
    char *in;      /* an unfinished line of its */
    size_t in_len, in_room;
    bool more; /* stdout was not read to its end in this turn */
    bool exited;
    int ending;       /* the signal that it still has to be sent; 0: none */
    worker_asks asks; /* its own questions to others */
    /* The ids it was told to cancel and has answered: the answer and the cancel may have crossed,
     * so that it answers the cancel as well. */
    char late[LATE_KEPT][WORKER_ID_MAX];
    unsigned late_next;
} worker;

typedef struct worker_attempt {
    attempt base;
    char id[WORKER_ID_MAX];
    uint64_t begin;       /* of its line, in all that is sent */
    actor_timer *overdue; /* after a cancel: when the worker is killed for it */
} worker_attempt;

static size_t message_limit(const delivery *d)
{
    return (size_t)atomic_load(&d->unit->daemon->message_limit);
}

/* ---- towards the worker ---- */

static void flush(worker *w)
{
    int e = 0;
    while (w->written < w->lines.len && !e) {
        size_t put = 0;
        e = process_write(child_process(w->child), w->lines.data + w->written,
                          w->lines.len - w->written, &put);
        w->written += e ? 0 : put;
        w->sent += e ? 0 : put;
    }
    if (e == EAGAIN && w->written < READ_SIZE)
        return;
    size_t left = e == EAGAIN ? w->lines.len - w->written : 0; /* else: nobody will read it */
    if (left)
        memmove(w->lines.data, w->lines.data + w->written, left);
    w->lines.len = left;
    w->written = 0;
}

/* A line that lacked memory is taken back, so that the worker sees whole ones only. False: it was.
 */
static bool whole_line(json_out *out, size_t before)
{
    if (!out->err)
        return true;
    out->err = JSON_OK;
    out->comma = false;
    out->len = before;
    return false;
}

/* A value on one line: line ends between its tokens become spaces. */
static void put_on_one_line(json_out *out, const char *json, size_t len)
{
    size_t at = out->len;
    json_out_raw(out, json, len);
    for (; !out->err && at < out->len; at++)
        if (out->data[at] == '\n' || out->data[at] == '\r')
            out->data[at] = ' ';
}

static void end_line(json_out *out)
{
    json_out_object_end(out);
    json_out_end_line(out);
}

static void worker_begin(actor *self, delivery *d, attempt *a)
{
    (void)self;
    worker *w = d->state;
    worker_attempt *x = (worker_attempt *)a;
    json_out *out = &w->lines;
    if (a->hedge)
        snprintf(x->id, sizeof x->id, "%s.%u", a->message->id, a->number);
    else
        snprintf(x->id, sizeof x->id, "%s", a->message->id);
    x->begin = w->sent + (out->len - w->written);
    size_t before = out->len;
    json_out_object(out);
    json_out_key(out, "id");
    json_out_text(out, x->id);
    json_out_key(out, "attempt");
    json_out_uint(out, a->number);
    json_out_key(out, "msg");
    put_on_one_line(out, a->message->payload, a->message->payload_len);
    end_line(out);
    if (!whole_line(out, before)) {
        attempt_failed(d, a, "out of memory");
        attempt_release(d, a);
        return;
    }
    flush(w);
}

static void worker_cancel(actor *self, delivery *d, attempt *a)
{
    worker *w = d->state;
    worker_attempt *x = (worker_attempt *)a;
    json_out *out = &w->lines;
    size_t before = out->len;
    json_out_object(out);
    json_out_key(out, "cancel");
    json_out_text(out, x->id);
    end_line(out);
    if (whole_line(out, before)) /* else: it is killed all the same if it takes too long */
        flush(w);
    actor_lock_take(&d->unit->lock);
    clock_ms grace = d->unit->settings.shutdown;
    actor_lock_give(&d->unit->lock);
    if (grace >= 0 &&
        actor_after(self, grace, UNIT_MSG_TIMER, child_serial(w->child), &x->overdue) != ACTOR_OK)
        log_warn("worker", "out of memory: '%s' has no limit for a cancelled message",
                 d->unit->name);
}

/* ---- from the worker ---- */

static worker_attempt *by_id(delivery *d, json_value id)
{
    attempt *a, *found = NULL;
    TAILQ_FOREACH(a, &d->attempts, link)
    if (json_text_is(id, ((worker_attempt *)a)->id) && (!found || a->message))
        found = a; /* of one that timed out and came again, the attempt that is still wanted */
    return (worker_attempt *)found;
}

static void on_progress(delivery *d, worker_attempt *x, const worker_line *line)
{
    message *m = x->base.message;
    if (!m)
        return;
    double progress = 0;
    json_double(line->progress, &progress);
    size_t len;
    char *note = line->note.len ? worker_text(line->note, &len) : NULL;
    actor_lock_take(&d->unit->lock);
    m->progress = progress < 0 ? 0 : progress > 1 ? 1 : progress;
    free(m->note);
    m->note = note;
    actor_lock_give(&d->unit->lock);
}

static void remember_late(worker *w, const worker_attempt *x)
{
    memcpy(w->late[w->late_next++ % LATE_KEPT], x->id, sizeof x->id);
}

static bool is_late(const worker *w, json_value id)
{
    for (size_t i = 0; i < LATE_KEPT; i++)
        if (w->late[i][0] && json_text_is(id, w->late[i]))
            return true;
    return false;
}

static void on_answer(actor *self, delivery *d, worker_attempt *x, const worker_line *line)
{
    attempt *a = &x->base;
    if (line->reply.len) {
        char *reply = malloc(line->reply.len);
        if (reply)
            attempt_done(d, a, memcpy(reply, line->reply.start, line->reply.len), line->reply.len);
        else
            attempt_failed(d, a, "out of memory for its reply");
    } else {
        size_t len;
        char *text = worker_text(line->error, &len);
        const char *error = text ? text : "out of memory for its error";
        a->retry_after = line->retry_after;
        if (line->no_retry)
            attempt_rejected(d, a, "%s", error);
        else
            attempt_failed(d, a, "%s", error);
        free(text);
    }
    actor_timer_cancel(self, &x->overdue);
    if (a->told)
        remember_late(d->state, x);
    attempt_release(d, a);
}

/* Carry out one line. The verdict is not ACTOR_CONTINUE when it breaks the protocol. */
static actor_verdict on_line(actor *self, delivery *d, const char *bytes, size_t len)
{
    worker *w = d->state;
    worker_line line;
    char why[160];
    size_t before = w->lines.len;
    worker_line_kind what = worker_line_read(bytes, len, &line, why, sizeof why);
    worker_attempt *x = NULL;
    if (what == WORKER_ANSWER || what == WORKER_PROGRESS) {
        x = by_id(d, line.id);
        if (!x && is_late(w, line.id))
            return ACTOR_CONTINUE;
        if (!x) {
            snprintf(why, sizeof why, "it answered a message that it doesn't have: id %.*s",
                     (int)(line.id.len < 64 ? line.id.len : 64), line.id.start);
            what = WORKER_BROKEN;
        }
    }
    switch (what) {
    case WORKER_READY:
        if (!d->ready && !d->stopping)
            delivery_started(self, d);
        break;
    case WORKER_ANSWER:
        on_answer(self, d, x, &line);
        break;
    case WORKER_PROGRESS:
        on_progress(d, x, &line);
        break;
    case WORKER_SEND:
        worker_send(d->unit, &line);
        break;
    case WORKER_ASK:
        worker_ask_begin(self, &w->asks, d->unit, &line, &w->lines);
        if (!whole_line(&w->lines, before))
            log_warn("worker", "out of memory: an answer to '%s' was lost", d->unit->name);
        flush(w);
        if (w->lines.len - w->written > (UNREAD_MAX + d->attempt_count) * message_limit(d)) {
            snprintf(d->ended, sizeof d->ended, "the worker broke the protocol");
            return actor_fail(self, ACTOR_FAIL_RESTART,
                              "protocol error: it asks and asks, and reads no answer");
        }
        break;
    case WORKER_STATE:
        worker_state(d->unit, &line);
        break;
    case WORKER_LOG:
        worker_log(d->unit, &line);
        break;
    case WORKER_BROKEN:
        snprintf(d->ended, sizeof d->ended, "the worker broke the protocol");
        return actor_fail(self, ACTOR_FAIL_RESTART, "protocol error: %s", why);
    }
    return ACTOR_CONTINUE;
}

/* Append to the unfinished line. */
static bool keep(worker *w, const char *bytes, size_t n)
{
    if (w->in_len + n >= w->in_room) { /* an empty line too needs a buffer to point to */
        size_t room = w->in_room ? w->in_room : READ_SIZE;
        while (room <= w->in_len + n)
            room *= 2;
        char *more = realloc(w->in, room);
        if (!more)
            return false;
        w->in = more;
        w->in_room = room;
    }
    memcpy(w->in + w->in_len, bytes, n);
    w->in_len += n;
    return true;
}

static actor_verdict on_bytes(actor *self, delivery *d, const char *bytes, size_t n)
{
    worker *w = d->state;
    size_t limit = message_limit(d) + ENVELOPE_BYTES;
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t part = end ? (size_t)(end - bytes) : n;
        if (w->in_len + part > limit) {
            snprintf(d->ended, sizeof d->ended, "the worker broke the protocol");
            return actor_fail(self, ACTOR_FAIL_RESTART,
                              "protocol error: a line over limits.message (%zu bytes)", limit);
        }
        if (!keep(w, bytes, part))
            return actor_fail(self, ACTOR_FAIL_RESTART, "out of memory for a line of the worker");
        if (!end)
            break;
        bytes += part + 1;
        n -= part + 1;
        size_t len = w->in_len;
        w->in_len = 0;
        actor_verdict v = on_line(self, d, w->in, len);
        if (v != ACTOR_CONTINUE)
            return v;
    }
    return ACTOR_CONTINUE;
}

static actor_verdict collect(actor *self, delivery *d)
{
    worker *w = d->state;
    char *buffer = malloc(READ_SIZE);
    actor_verdict v = ACTOR_CONTINUE;
    w->more = buffer == NULL;
    for (int n = 0; buffer && v == ACTOR_CONTINUE; n++) {
        size_t got = 0;
        if (n == READS_A_TURN) {
            w->more = true;
            break;
        }
        if (process_read(child_process(w->child), PROCESS_STDOUT, buffer, READ_SIZE, &got) || !got)
            break;
        v = on_bytes(self, d, buffer, got);
    }
    free(buffer);
    if (w->more && v == ACTOR_CONTINUE)
        child_again(w->child, w->exited ? CHILD_EXITED : CHILD_STDOUT);
    return v;
}

/* ---- its life ---- */

static actor_verdict worker_start(actor *self, delivery *d)
{
    worker *w = d->state;
    char name[64 + CONFIG_NAME_MAX], instance[64];
    snprintf(name, sizeof name, "ACTORD_ACTOR=%s", d->unit->name);
    snprintf(instance, sizeof instance, "ACTORD_INSTANCE=%" PRIu32, d->runner->number);
    const char *env[] = {name, instance, NULL};
    worker_asks_init(&w->asks);
    int e = child_start(self, d->runner, env, &w->child);
    if (e)
        return actor_fail(self, ACTOR_FAIL_RESTART, "cannot start the worker: %s", strerror(e));
    return ACTOR_PENDING; /* until it runs, or says that it is ready */
}

static void on_started(actor *self, delivery *d)
{
    loaded *s;
    bool at_once = unit_child(d->unit, &s)->start == CONFIG_START_SPAWNED;
    loaded_release(s);
    if (at_once && !d->ready && !d->stopping)
        delivery_started(self, d);
    flush(d->state);
}

static actor_verdict on_end(actor *self, delivery *d)
{
    worker *w = d->state;
    const process_exit *how = child_exit(w->child);
    char text[64];
    process_exit_text(how, text, sizeof text);
    snprintf(d->ended, sizeof d->ended, "the worker ended (%s) while it had the message", text);
    if (d->busy || d->finishing) { /* it was asked to, or had time for what was in hand */
        delivery_drop(d, d->finishing);
        d->busy = d->finishing = false;
        return ACTOR_CONTINUE;
    }
    bool clean = how->signal == 0 && how->status == 0;
    return actor_fail(self, clean && d->ready ? ACTOR_EXIT : ACTOR_FAIL_RESTART, "%s%s", text,
                      d->ready ? "" : " before it was ready");
}

/* One that doesn't run yet is told when it does. */
static void end_process(worker *w)
{
    process *p = child_process(w->child);
    if (w->ending == 0 || process_pid(p) == 0)
        return;
    if (w->ending == SIGTERM)
        process_close_stdin(p);
    process_signal_group(p, w->ending);
    w->ending = 0;
}

static actor_verdict on_events(actor *self, delivery *d)
{
    worker *w = d->state;
    unsigned events = child_events(w->child);
    actor_verdict v = ACTOR_CONTINUE;
    if (events & CHILD_FAILED) {
        if (!d->busy)
            return actor_fail(self, ACTOR_FAIL_RESTART, "%s", child_error(w->child));
        d->busy = false;
        return ACTOR_CONTINUE;
    }
    w->exited |= (events & CHILD_EXITED) != 0;
    if (events & CHILD_STARTED) {
        if (d->busy)
            end_process(w);
        else
            on_started(self, d);
    }
    if (events & CHILD_STDIN)
        flush(w);
    if (events & (CHILD_STDERR | CHILD_EXITED))
        child_log_stderr(w->child, NULL);
    if (events & (CHILD_STDOUT | CHILD_EXITED))
        v = collect(self, d);
    if (v == ACTOR_CONTINUE && w->exited && !w->more)
        v = on_end(self, d);
    return v;
}

static actor_verdict worker_event(actor *self, delivery *d, actor_msg *msg)
{
    worker *w = d->state;
    size_t before = w->lines.len;
    if (worker_ask_event(self, &w->asks, msg, &w->lines)) {
        if (!whole_line(&w->lines, before))
            log_warn("worker", "out of memory: an answer to '%s' was lost", d->unit->name);
        flush(w);
        return ACTOR_CONTINUE;
    }
    bool timer = actor_msg_type(msg) == UNIT_MSG_TIMER;
    uint64_t serial = timer ? actor_msg_tag(msg) : child_serial_of(msg);
    if (serial != child_serial(w->child))
        return ACTOR_CONTINUE; /* of an earlier incarnation's process */
    if (!timer)
        return on_events(self, d);
    attempt *a;
    TAILQ_FOREACH(a, &d->attempts, link)
    ((worker_attempt *)a)->overdue = NULL; /* whichever it was: they all go with the process */
    if (d->stopping)
        return ACTOR_CONTINUE; /* its supervisor has its own clock for that */
    snprintf(d->ended, sizeof d->ended, "the worker was killed: it went on with another message");
    return actor_fail(self, ACTOR_FAIL_RESTART,
                      "it still worked on a cancelled message after `shutdown`");
}

static void worker_stop(actor *self, delivery *d, actor_how how)
{
    worker *w = d->state;
    attempt *a;
    TAILQ_FOREACH_REVERSE(a, &d->attempts, attempts, link) /* the oldest gets to the front */
    {
        worker_attempt *x = (worker_attempt *)a;
        actor_timer_cancel(self, &x->overdue);
        if (how == ACTOR_HOW_CRASH && x->begin >= w->sent)
            attempt_return(d, a); /* no byte of it has reached the process */
    }
    if (how == ACTOR_HOW_CRASH)
        return; /* the process goes with the state */
    if (how == ACTOR_HOW_KILL)
        w->ending = SIGKILL;
    else if (!d->busy)
        w->ending = SIGTERM;
    end_process(w);
    d->busy = true; /* until it is gone */
}

static void worker_free_state(void *state)
{
    worker *w = state;
    child_free(w->child);
    worker_asks_free(&w->asks);
    json_out_free(&w->lines);
    free(w->in);
}

const kind kind_worker = {
    .kind = CONFIG_KIND_WORKER,
    .attempt_size = sizeof(worker_attempt),
    .state_size = sizeof(worker),
    .strict = true,
    .start = worker_start,
    .begin = worker_begin,
    .cancel = worker_cancel,
    .event = worker_event,
    .stop = worker_stop,
    .free_state = worker_free_state,
};
