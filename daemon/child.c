#include "daemon/child.h"

#include "daemon/daemon.h"
#include "daemon/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MS = 50, LINE_MAX_BYTES = LOG_TEXT_MAX, READ_AT_ONCE = 64 * 1024 };

struct child {
    atomic_uint refs; /* the actor's, and the alarm's while it is set */
    process *process;
    actor_ref owner;
    uint64_t serial;
    unit *unit; /* referenced */
    runner *runner;
    clock_alarm again; /* out of memory for the message: try later */
    atomic_uint events;
    atomic_bool waking; /* a message is on its way */
    atomic_bool over;   /* child_free() was called */

    /* written on the control thread before the event's bit, read by the actor after it */
    process_exit exit;
    char *error;
    pid_t pid;

    /* the actor's */
    bool counted; /* its pid is shown */
    char line[LINE_MAX_BYTES];
    size_t line_len;
    char tail[MESSAGE_STDERR_KEPT];
    size_t tail_len;
};

static atomic_uint_fast64_t last_serial;

static void child_release(child *c)
{
    if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    alarm_end(&c->again);
    unit_release(c->unit);
    free(c->error);
    free(c);
}

/* Tell the actor to look, once until it does. */
static void wake(child *c)
{
    if (atomic_exchange(&c->waking, true))
        return;
    actor_msg *msg = actor_msg_new(UNIT_MSG_KIND, sizeof c->serial);
    if (!msg) {
        atomic_store(&c->waking, false);
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
        if (!alarm_set(&c->again, clock_now() + RETRY_MS))
            atomic_fetch_sub_explicit(&c->refs, 1, memory_order_relaxed);
        return;
    }
    memcpy(actor_msg_data(msg), &c->serial, sizeof c->serial);
    actor_msg_set_priority(msg, ACTOR_SYSTEM);
    if (actor_send(c->owner, &msg) != ACTOR_OK)
        actor_msg_free(msg); /* the actor has ended, and takes the child with it */
}

static void raise_events(child *c, unsigned events)
{
    atomic_fetch_or(&c->events, events);
    wake(c);
}

static void wake_later(clock_alarm *a)
{
    child *c = CONTAINER(a, child, again);
    if (!atomic_load(&c->over))
        wake(c);
    child_release(c);
}

static void on_started(process *p, pid_t pid, void *user)
{
    (void)p;
    child *c = user;
    c->pid = pid;
    raise_events(c, CHILD_STARTED);
}

static void on_failed(process *p, int error, const char *text, void *user)
{
    (void)p, (void)error;
    child *c = user;
    c->error = strdup(text);
    raise_events(c, CHILD_FAILED);
}

static void on_readable(process *p, process_stream which, void *user)
{
    (void)p;
    raise_events(user, which == PROCESS_STDOUT ? CHILD_STDOUT : CHILD_STDERR);
}

static void on_writable(process *p, void *user)
{
    (void)p;
    raise_events(user, CHILD_STDIN);
}

static void on_exited(process *p, const process_exit *how, void *user)
{
    (void)p;
    child *c = user;
    c->exit = *how;
    raise_events(c, CHILD_EXITED);
}

static const process_events events_of_child = {
    .started = on_started,
    .start_failed = on_failed,
    .readable = on_readable,
    .writable = on_writable,
    .exited = on_exited,
};

/* The environment of the file and of the caller, as "KEY=value". NULL when out of memory. */
static char **environment(const config_child *spec, const char *const *more)
{
    size_t n = 0, extra = 0;
    while (more && more[extra])
        extra++;
    char **env = calloc(spec->env_count + extra + 1, sizeof *env);
    for (size_t i = 0; env && i < spec->env_count; i++)
        if (asprintf(&env[n], "%s=%s", spec->env[i].name, spec->env[i].value) < 0)
            goto failed;
        else
            n++;
    for (size_t i = 0; env && i < extra; i++)
        if (!(env[n++] = strdup(more[i])))
            goto failed;
    return env;
failed:
    while (n-- > 0)
        free(env[n]);
    free(env);
    return NULL;
}

static int start_process(child *c, const char *const *more)
{
    loaded *s;
    const config_child *spec = unit_child(c->unit, &s);
    int e = ENOMEM;
    char **env = environment(spec, more);
    if (env) {
        process_spec ps = {
            .argv = spec->argv.items,
            .env = (const char *const *)env,
            .directory = spec->directory,
            .user = spec->user,
            .limits = {.memory_bytes = (uint64_t)spec->limits.memory_bytes,
                       .open_files = (uint64_t)spec->limits.open_files,
                       .cpu_seconds = (uint64_t)(spec->limits.cpu_us / 1000000)},
        };
        e = process_start(c->unit->daemon->processes, &ps, &events_of_child, c, &c->process);
        for (char **at = env; *at; at++)
            free(*at);
        free(env);
    }
    loaded_release(s);
    return e;
}

int child_start(actor *self, runner *r, const char *const *env, child **out)
{
    unit *u = r->unit;
    child *c = calloc(1, sizeof *c);
    if (!c)
        return ENOMEM;
    if (!alarm_init(&c->again, u->daemon->alarms, wake_later)) {
        free(c);
        return ENOMEM;
    }
    atomic_init(&c->refs, 1);
    c->owner = actor_self(self);
    c->serial = atomic_fetch_add(&last_serial, 1) + 1;
    c->unit = unit_hold(u);
    c->runner = r;
    int e = start_process(c, env);
    if (e) {
        child_release(c);
        return e;
    }
    *out = c;
    return 0;
}

void child_free(child *c)
{
    if (!c)
        return;
    atomic_store(&c->over, true);
    process_release(c->process);
    if (c->counted)
        runner_set_pid(c->runner, 0);
    if (alarm_cancel(&c->again))
        child_release(c);
    child_release(c);
}

uint64_t child_serial(const child *c)
{
    return c->serial;
}

uint64_t child_serial_of(actor_msg *msg)
{
    uint64_t serial;
    memcpy(&serial, actor_msg_data(msg), sizeof serial);
    return serial;
}

unsigned child_events(child *c)
{
    atomic_store(&c->waking, false);
    unsigned events = atomic_exchange(&c->events, 0);
    if ((events & CHILD_STARTED) && !c->counted) {
        c->counted = true;
        runner_set_pid(c->runner, c->pid);
    }
    return events;
}

void child_again(child *c, unsigned events)
{
    raise_events(c, events);
}

process *child_process(child *c)
{
    return c->process;
}

const process_exit *child_exit(const child *c)
{
    return &c->exit;
}

const char *child_error(const child *c)
{
    return c->error ? c->error : "out of memory";
}

/* ---- stderr ---- */

static void keep_tail(child *c, const char *bytes, size_t n)
{
    if (n >= sizeof c->tail) {
        memcpy(c->tail, bytes + n - sizeof c->tail, sizeof c->tail);
        c->tail_len = sizeof c->tail;
        return;
    }
    size_t keep = sizeof c->tail - n;
    if (c->tail_len > keep) {
        memmove(c->tail, c->tail + c->tail_len - keep, keep);
        c->tail_len = keep;
    }
    memcpy(c->tail + c->tail_len, bytes, n);
    c->tail_len += n;
}

static void flush_line(child *c, const char *id)
{
    if (c->line_len)
        log_bytes(LOG_LEVEL_INFO, "stderr", LOG_FIELDS({"actor", c->unit->name}, {"message", id}),
                  c->line, c->line_len);
    c->line_len = 0;
}

static void take_bytes(child *c, const char *id, const char *bytes, size_t n)
{
    keep_tail(c, bytes, n);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            flush_line(c, id);
            continue;
        }
        if (c->line_len == sizeof c->line)
            flush_line(c, id);
        c->line[c->line_len++] = bytes[i];
    }
}

void child_log_stderr(child *c, const char *id)
{
    char buffer[4096];
    size_t got = 0, all = 0;
    int e;
    while (!(e = process_read(c->process, PROCESS_STDERR, buffer, sizeof buffer, &got)) && got) {
        take_bytes(c, id, buffer, got);
        if ((all += got) >= READ_AT_ONCE) {
            child_again(c, CHILD_STDERR);
            return;
        }
    }
    if (e != EAGAIN)
        flush_line(c, id); /* the end: also a line that was never finished */
}

const char *child_stderr_tail(const child *c, size_t *len)
{
    *len = c->tail_len;
    return c->tail;
}
