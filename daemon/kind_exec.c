/* exec: one process per message. The payload on stdin, the reply on stdout, the exit status is the
 * verdict (worker.md).
 *
 * An attempt holds its slot until its process is gone, also when its message has ended before (a
 * timeout, a cancel): then the group gets SIGTERM, and SIGKILL after `shutdown`.
 */
#include "daemon/child.h"
#include "daemon/daemon.h"
#include "daemon/json.h"
#include "daemon/kinds.h"
#include "daemon/log.h"
#include "daemon/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_SIZE = 64 * 1024, READS_A_TURN = 4, FIRST_ROOM = 4096 };

typedef struct exec_attempt {
    attempt base;
    child *child;
    size_t written; /* bytes of the payload */
    char *out;      /* what came on stdout */
    size_t out_len, out_room;
    bool exited;
    bool more; /* stdout was not read to its end in this turn */
    bool too_large;
    bool ending;        /* it was told to end */
    actor_timer *timer; /* then: when it is killed */
} exec_attempt;

static void end_attempt(actor *self, delivery *d, exec_attempt *x)
{
    actor_timer_cancel(self, &x->timer);
    child_free(x->child);
    free(x->out);
    attempt_release(d, &x->base);
}

/* ---- beginning ---- */

enum { VARIABLES = 6, VARIABLE_MAX = 192 };

static void variables(const runner *r, const attempt *a, char text[VARIABLES][VARIABLE_MAX],
                      const char *env[VARIABLES])
{
    int n = 0;
    snprintf(text[n++], VARIABLE_MAX, "ACTORD_ACTOR=%s", r->unit->name);
    snprintf(text[n++], VARIABLE_MAX, "ACTORD_INSTANCE=%" PRIu32, r->number);
    snprintf(text[n++], VARIABLE_MAX, "ACTORD_MESSAGE_ID=%s", a->message->id);
    snprintf(text[n++], VARIABLE_MAX, "ACTORD_ATTEMPT=%u", a->number);
    clock_ms end = a->message->deadline;
    if (a->deadline && (!end || a->deadline - 1 < end))
        end = a->deadline - 1;
    if (end)
        snprintf(text[n++], VARIABLE_MAX, "ACTORD_DEADLINE_MS=%" PRId64, end - clock_now());
    for (int i = 0; i < n; i++)
        env[i] = text[i];
    env[n] = NULL;
}

static void exec_begin(actor *self, delivery *d, attempt *a)
{
    exec_attempt *x = (exec_attempt *)a;
    char text[VARIABLES][VARIABLE_MAX];
    const char *env[VARIABLES];
    actor_lock_take(&d->unit->lock);
    variables(d->runner, a, text, env);
    actor_lock_give(&d->unit->lock);
    int e = child_start(self, d->runner, env, &x->child);
    if (e) {
        attempt_failed(d, a, "cannot start the process: %s", strerror(e));
        attempt_release(d, a);
    }
}

/* ---- its input and output ---- */

static void feed(exec_attempt *x)
{
    process *p = child_process(x->child);
    const message *m = x->base.message;
    int e = 0;
    while (m && x->written < m->payload_len && !e) {
        size_t put = 0;
        e = process_write(p, m->payload + x->written, m->payload_len - x->written, &put);
        x->written += e ? 0 : put;
    }
    if (e != EAGAIN) /* all is written, or nobody reads it: a program may ignore its input */
        process_close_stdin(p);
}

static bool make_room(exec_attempt *x, size_t limit)
{
    if (x->out_len < x->out_room)
        return true;
    size_t room = x->out_room ? 2 * x->out_room : FIRST_ROOM;
    if (room > limit + 1) /* one byte more tells "just right" from "too large" */
        room = limit + 1;
    char *more = realloc(x->out, room);
    if (!more)
        return false;
    x->out = more;
    x->out_room = room;
    return true;
}

/* Read what stdout holds. False: it is too much, or there is no memory for it. */
static bool collect(delivery *d, exec_attempt *x)
{
    size_t limit = (size_t)atomic_load(&d->unit->daemon->message_limit);
    x->more = false;
    for (int n = 0; n < READS_A_TURN;) {
        if (!make_room(x, limit))
            return false;
        size_t got = 0, want = x->out_room - x->out_len;
        int e =
            process_read(child_process(x->child), PROCESS_STDOUT, x->out + x->out_len, want, &got);
        if (e || got == 0)
            return true;
        x->out_len += got;
        if (x->out_len > limit) {
            x->too_large = true;
            return false;
        }
        n += got >= READ_SIZE;
    }
    child_again(x->child, x->exited ? CHILD_EXITED : CHILD_STDOUT);
    x->more = true;
    return true;
}

/* ---- its end ---- */

static bool listed(const config_statuses *list, int status)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == status)
            return true;
    return false;
}

/* stdout as the reply: its one JSON text, or else its bytes as a JSON string. */
static void reply(delivery *d, exec_attempt *x)
{
    json_value root;
    json_out out = {0};
    size_t where, len;
    const char *bytes = x->out ? x->out : "";
    json_err e = json_parse(bytes, x->out_len, &root, &where);
    if (e && !utf8_valid(bytes, x->out_len)) {
        attempt_failed(d, &x->base, "its output is neither JSON nor UTF-8");
        return;
    }
    if (e)
        json_out_text_n(&out, bytes, x->out_len);
    else
        json_out_value(&out, root);
    char *text = json_out_take(&out, &len);
    if (text)
        attempt_done(d, &x->base, text, len);
    else
        attempt_failed(d, &x->base, "out of memory for its output");
}

static void judge(delivery *d, exec_attempt *x)
{
    const process_exit *how = child_exit(x->child);
    attempt *a = &x->base;
    size_t len;
    const char *tail = child_stderr_tail(x->child, &len);
    char text[64];
    process_exit_text(how, text, sizeof text);
    loaded *s;
    const config_child *spec = unit_child(d->unit, &s);
    bool success = how->signal == 0 && how->status == 0;
    attempt_stderr(d, a, tail, len);
    if (x->too_large)
        attempt_failed(d, a, "its output is over limits.message (%zu bytes)",
                       (size_t)atomic_load(&d->unit->daemon->message_limit));
    else if (success)
        reply(d, x);
    else if (x->ending && a->message && !atomic_load(&d->runner->kill_asked))
        attempt_return(d, a); /* it fell with its actor */
    else if (how->signal == 0 && listed(&spec->exits_reject, how->status))
        attempt_rejected(d, a, "%s", text);
    else
        attempt_failed(d, a, "%s", text);
    loaded_release(s);
}

/* Tell the group to end, and see to it that it does. */
static void terminate(actor *self, delivery *d, exec_attempt *x, bool now)
{
    actor_lock_take(&d->unit->lock);
    clock_ms grace = now ? 0 : d->unit->settings.shutdown;
    actor_lock_give(&d->unit->lock);
    bool first = !x->ending;
    x->ending = true;
    process *p = child_process(x->child);
    if (grace == 0) {
        process_signal_group(p, SIGKILL);
    } else if (first) {
        process_signal_group(p, SIGTERM);
        if (grace > 0 &&
            actor_after(self, grace, UNIT_MSG_TIMER, child_serial(x->child), &x->timer))
            process_signal_group(p, SIGKILL); /* no memory for the timer: rather now than never */
    }
}

static void exec_cancel(actor *self, delivery *d, attempt *a)
{
    terminate(self, d, (exec_attempt *)a, false);
}

/* ---- events ---- */

static exec_attempt *by_serial(delivery *d, uint64_t serial)
{
    attempt *a;
    TAILQ_FOREACH(a, &d->attempts, link)
    if (child_serial(((exec_attempt *)a)->child) == serial)
        return (exec_attempt *)a;
    return NULL;
}

static void on_events(actor *self, delivery *d, exec_attempt *x)
{
    unsigned events = child_events(x->child);
    if (events & CHILD_FAILED) {
        attempt_failed(d, &x->base, "%s", child_error(x->child));
        end_attempt(self, d, x);
        return;
    }
    x->exited |= (events & CHILD_EXITED) != 0;
    if ((events & CHILD_STARTED) && x->ending)
        terminate(self, d, x, true); /* it was told before it had begun */
    if (events & (CHILD_STARTED | CHILD_STDIN))
        feed(x);
    if (events & (CHILD_STDERR | CHILD_EXITED))
        child_log_stderr(x->child, x->base.message ? x->base.message->id : NULL);
    if ((events & (CHILD_STDOUT | CHILD_EXITED)) && !x->too_large && !collect(d, x)) {
        if (!x->too_large)
            attempt_failed(d, &x->base, "out of memory for its output");
        x->too_large = true;
        process_signal_group(child_process(x->child), SIGKILL);
    }
    if (x->exited && !x->more) {
        judge(d, x);
        end_attempt(self, d, x);
    }
}

static actor_verdict exec_event(actor *self, delivery *d, actor_msg *msg)
{
    bool timer = actor_msg_type(msg) == UNIT_MSG_TIMER;
    exec_attempt *x = by_serial(d, timer ? actor_msg_tag(msg) : child_serial_of(msg));
    if (!x)
        return ACTOR_CONTINUE; /* of a process that is gone */
    if (timer) {
        x->timer = NULL;
        log_write(LOG_LEVEL_WARN, "exec", LOG_FIELDS({"actor", d->unit->name}),
                  "the process did not end within `shutdown`: killed");
        terminate(self, d, x, true);
    } else {
        on_events(self, d, x);
    }
    if (d->attempt_count == 0)
        d->busy = false;
    return ACTOR_CONTINUE;
}

static void exec_stop(actor *self, delivery *d, actor_how how)
{
    attempt *a, *next;
    for (a = TAILQ_FIRST(&d->attempts); a; a = next) {
        next = TAILQ_NEXT(a, link);
        exec_attempt *x = (exec_attempt *)a;
        if (how == ACTOR_HOW_CRASH) { /* another message took the actor down */
            attempt_return(d, a);
            end_attempt(self, d, x);
        } else {
            terminate(self, d, x, how == ACTOR_HOW_KILL);
            d->busy = true; /* until its process is gone */
        }
    }
}

const kind kind_exec = {
    .kind = CONFIG_KIND_EXEC,
    .attempt_size = sizeof(exec_attempt),
    .begin = exec_begin,
    .cancel = exec_cancel,
    .event = exec_event,
    .stop = exec_stop,
};
