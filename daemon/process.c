/* The object is created by its owner, filled in by the spawning thread, and
 * from then on belongs to the control thread, which alone watches descriptors,
 * reaps and frees. What the owner may touch is listed in struct process.
 *
 * The gate makes release final: events are called with it held, so who has
 * set `released` under it knows that no event runs or will run. It is
 * recursive because an event may release.
 */
#include "daemon/process.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/spawner.h"

enum { STREAMS = 2, DESTROY_WAIT_MS = 1000 };

typedef enum process_state {
    PROCESS_SPAWNING, /* with the spawning thread */
    PROCESS_STARTING, /* the helper runs */
    PROCESS_RUNNING,
    PROCESS_ENDED,  /* exited, not reaped: holds its number for process_signal_group() */
    PROCESS_FAILED, /* didn't start; what there is of it ends by itself or was killed */
    PROCESS_REAPED, /* or there never was any */
} process_state;

typedef struct output {
    process *process;
    process_stream which;
    loop_watch *watch; /* control */
    /* The owner knows that there is something to read; an edge that comes
     * meanwhile needs no event. Set by control, cleared by the owner. */
    atomic_bool told;
} output;

struct process {
    process_table *table;
    process *previous, *next; /* of the table, under its lock */
    spawn_request *request;   /* until freed */
    const process_events *events;
    void *user;

    pthread_mutex_t gate; /* recursive */
    bool released;        /* under gate */

    _Atomic pid_t pid; /* 0 before `started`; stays after the exit */
    output outputs[STREAMS];

    /* Owner. */
    bool stdin_watched; /* an EAGAIN has been met: the descriptor is control's to close */
    bool stdin_closed;
    atomic_bool stdin_closing; /* set by the owner for control */

    /* Written by the spawning thread before it posts `spawned`; control's
     * after. The owner uses the pipes from `started` until release, and closes
     * stdin_fd unless it is watched. A closed descriptor is -1. */
    spawn_result child;

    /* Control. */
    process_state state;
    bool given_up; /* the owner's last word has arrived: nobody posts any more */
    loop_watch *report_watch, *pid_watch, *stdin_watch;

    loop_task spawned, given_up_task, stdin_task;
};

struct process_table {
    loop *loop;
    spawner *spawner;
    pthread_mutex_t lock; /* of the list */
    process *first;
    atomic_size_t live;
};

/* ---- the table ---- */

static void table_add(process_table *t, process *p)
{
    pthread_mutex_lock(&t->lock);
    p->next = t->first;
    if (p->next != NULL)
        p->next->previous = p;
    t->first = p;
    pthread_mutex_unlock(&t->lock);
    atomic_fetch_add(&t->live, 1);
}

static void table_remove(process_table *t, process *p)
{
    pthread_mutex_lock(&t->lock);
    if (p->next != NULL)
        p->next->previous = p->previous;
    if (p->previous != NULL)
        p->previous->next = p->next;
    else
        t->first = p->next;
    pthread_mutex_unlock(&t->lock);
    atomic_fetch_sub(&t->live, 1);
}

size_t process_table_live(const process_table *t)
{
    return atomic_load(&t->live);
}

/* ---- the end ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void free_watch(loop_watch **w)
{
    loop_watch_free(*w);
    *w = NULL;
}

/* Everything but the process itself: watches before what they watch. */
static void close_pipes(process *p)
{
    for (int i = 0; i < STREAMS; i++)
        free_watch(&p->outputs[i].watch);
    free_watch(&p->stdin_watch);
    free_watch(&p->report_watch);
    close_fd(&p->child.stdin_fd);
    close_fd(&p->child.stdout_fd);
    close_fd(&p->child.stderr_fd);
    close_fd(&p->child.report_fd);
}

static void process_free(process *p)
{
    close_pipes(p);
    free_watch(&p->pid_watch);
    close_fd(&p->child.pid_fd);
    spawn_request_free(p->request);
    pthread_mutex_destroy(&p->gate);
    free(p);
}

/* Takes the exit status, leaving the zombie if `flags` has WNOWAIT.
 * Returns whether the process has ended. */
static bool take_exit(process *p, int flags, process_exit *how)
{
    siginfo_t info = {0};
    int result;
    do
        result = waitid(P_PIDFD, (id_t)p->child.pid_fd, &info, WEXITED | flags);
    while (result != 0 && errno == EINTR);
    *how = (process_exit){.status = -1};
    if (result != 0)
        return true; /* ECHILD: somebody else reaped it */
    if (info.si_pid == 0)
        return false;
    if (info.si_code == CLD_EXITED) {
        how->status = info.si_status;
    } else {
        how->signal = info.si_status;
        how->core = info.si_code == CLD_DUMPED;
    }
    return true;
}

/* The leader has ended or never was: take what is left of its group with it,
 * and its number is free. */
static void reap(process *p)
{
    process_exit how;
    if (p->child.pid > 0) {
        kill(-p->child.pid, SIGKILL);
        take_exit(p, WNOHANG, &how);
    }
    p->state = PROCESS_REAPED;
}

/* One of the two conditions has come true; with both the object goes. */
static void free_if_done(process *p)
{
    if (!p->given_up || p->state != PROCESS_REAPED)
        return;
    table_remove(p->table, p);
    process_free(p);
}

/* ---- events ---- */

static void tell_started(process *p)
{
    atomic_store(&p->pid, p->child.pid);
    pthread_mutex_lock(&p->gate);
    if (!p->released && p->events->started != NULL)
        p->events->started(p, p->child.pid, p->user);
    pthread_mutex_unlock(&p->gate);
}

static void tell_start_failed(process *p)
{
    pthread_mutex_lock(&p->gate);
    if (!p->released && p->events->start_failed != NULL)
        p->events->start_failed(p, p->child.error, p->child.text, p->user);
    pthread_mutex_unlock(&p->gate);
}

static void tell_readable(output *o)
{
    process *p = o->process;
    pthread_mutex_lock(&p->gate);
    if (!p->released && p->events->readable != NULL)
        p->events->readable(p, o->which, p->user);
    pthread_mutex_unlock(&p->gate);
}

static void tell_writable(process *p)
{
    pthread_mutex_lock(&p->gate);
    if (!p->released && p->events->writable != NULL)
        p->events->writable(p, p->user);
    pthread_mutex_unlock(&p->gate);
}

static void tell_exited(process *p, const process_exit *how)
{
    pthread_mutex_lock(&p->gate);
    if (!p->released && p->events->exited != NULL)
        p->events->exited(p, how, p->user);
    pthread_mutex_unlock(&p->gate);
}

/* ---- the life of a child, on the control thread ---- */

static void output_ready(int fd, unsigned what, void *arg)
{
    (void)fd;
    (void)what;
    output *o = arg;
    if (!atomic_exchange(&o->told, true))
        tell_readable(o);
}

static int watch_outputs(process *p)
{
    const int fds[STREAMS] = {
        [PROCESS_STDOUT] = p->child.stdout_fd, [PROCESS_STDERR] = p->child.stderr_fd};
    int err = 0;
    for (int i = 0; err == 0 && i < STREAMS; i++)
        err = loop_watch_create(p->table->loop, fds[i], LOOP_READ | LOOP_EDGE, output_ready,
                                &p->outputs[i], &p->outputs[i].watch);
    return err;
}

/* After the child exists: it ends, and then nothing is told of it. */
static void abandon(process *p, int error, const char *doing)
{
    p->child.error = error;
    snprintf(p->child.text, sizeof(p->child.text), "cannot %s the new process: %s", doing,
             strerror(error));
    kill(-p->child.pid, SIGKILL);
    p->state = PROCESS_FAILED;
    tell_start_failed(p);
}

static void report_decided(process *p, int error)
{
    free_watch(&p->report_watch);
    close_fd(&p->child.report_fd);
    if (error != 0) {
        p->child.error = error;
        p->state = PROCESS_FAILED;
        tell_start_failed(p);
        return;
    }
    int err = watch_outputs(p);
    if (err != 0) {
        abandon(p, err, "watch the output of");
        return;
    }
    p->state = PROCESS_RUNNING;
    tell_started(p);
}

static void report_ready(int fd, unsigned what, void *arg)
{
    (void)what;
    process *p = arg;
    int error;
    if (spawner_read_report(p->request, fd, &error, p->child.text))
        report_decided(p, error);
}

static void leader_ended(int fd, unsigned what, void *arg)
{
    (void)fd;
    (void)what;
    process *p = arg;
    process_exit how;
    if (!take_exit(p, WNOHANG | WNOWAIT, &how))
        return;
    /* A short program can be faster than its own report. */
    if (p->state == PROCESS_STARTING && p->report_watch != NULL)
        report_ready(p->child.report_fd, LOOP_READ, p);
    free_watch(&p->pid_watch);
    if (p->state == PROCESS_RUNNING) {
        p->state = PROCESS_ENDED;
        tell_exited(p, &how);
        return; /* given_up() reaps */
    }
    reap(p);
    free_if_done(p);
}

static void spawned(void *arg)
{
    process *p = arg;
    loop *l = p->table->loop;
    if (p->child.error != 0) {
        p->state = PROCESS_REAPED;
        tell_start_failed(p);
        free_if_done(p);
        return;
    }
    p->state = PROCESS_STARTING;
    int err = loop_watch_create(l, p->child.pid_fd, LOOP_READ, leader_ended, p, &p->pid_watch);
    if (err != 0) {
        /* Without the watch nobody would tell of its end; a SIGKILL takes no time. */
        process_exit how;
        abandon(p, err, "watch");
        take_exit(p, 0, &how);
        p->state = PROCESS_REAPED;
        free_if_done(p);
        return;
    }
    if (p->given_up) {
        kill(-p->child.pid, SIGKILL);
        close_pipes(p);
        p->state = PROCESS_FAILED;
        return;
    }
    err = loop_watch_create(l, p->child.report_fd, LOOP_READ, report_ready, p, &p->report_watch);
    if (err != 0)
        abandon(p, err, "watch");
}

static void given_up(void *arg)
{
    process *p = arg;
    p->given_up = true;
    switch (p->state) {
    case PROCESS_SPAWNING:
        return; /* spawned() will see it */
    case PROCESS_STARTING:
    case PROCESS_RUNNING:
        kill(-p->child.pid, SIGKILL);
        p->state = PROCESS_FAILED;
        break;
    case PROCESS_ENDED:
        reap(p);
        break;
    case PROCESS_FAILED:
    case PROCESS_REAPED:
        break;
    }
    close_pipes(p);
    free_if_done(p);
}

/* On the spawning thread. */
static void spawn_done(void *arg, const spawn_result *result)
{
    process *p = arg;
    p->child = *result;
    loop_post_task(p->table->loop, &p->spawned);
}

/* ---- stdin, on the control thread ---- */

static void stdin_ready(int fd, unsigned what, void *arg)
{
    (void)fd;
    (void)what;
    process *p = arg;
    free_watch(&p->stdin_watch);
    tell_writable(p);
}

static void stdin_wanted(void *arg)
{
    process *p = arg;
    if (atomic_load(&p->stdin_closing)) {
        free_watch(&p->stdin_watch);
        close_fd(&p->child.stdin_fd);
        return;
    }
    if (p->stdin_watch != NULL || p->child.stdin_fd < 0)
        return;
    /* Level-triggered, so it doesn't matter whether the room came before this. */
    int err = loop_watch_create(p->table->loop, p->child.stdin_fd, LOOP_WRITE, stdin_ready, p,
                                &p->stdin_watch);
    if (err != 0) {
        /* The owner would wait for ever, or try for ever. */
        log_error("process", "killed %ld: cannot watch its input: %s", (long)p->child.pid,
                  strerror(err));
        kill(-p->child.pid, SIGKILL);
    }
}

/* ---- what the owner calls ---- */

static int gate_init(pthread_mutex_t *gate)
{
    pthread_mutexattr_t recursive;
    int err = pthread_mutexattr_init(&recursive);
    if (err != 0)
        return err;
    err = pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    if (err == 0)
        err = pthread_mutex_init(gate, &recursive);
    pthread_mutexattr_destroy(&recursive);
    return err;
}

int process_start(process_table *t, const process_spec *spec, const process_events *events,
                  void *user, process **out)
{
    process *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return ENOMEM;
    int err = spawn_request_create(spec, spawn_done, p, &p->request);
    if (err == 0)
        err = gate_init(&p->gate);
    if (err != 0) {
        spawn_request_free(p->request);
        free(p);
        return err;
    }
    p->table = t;
    p->events = events;
    p->user = user;
    p->state = PROCESS_SPAWNING;
    for (int i = 0; i < STREAMS; i++) {
        p->outputs[i].process = p;
        p->outputs[i].which = (process_stream)i;
    }
    loop_task_init(&p->spawned, spawned, p);
    loop_task_init(&p->given_up_task, given_up, p);
    loop_task_init(&p->stdin_task, stdin_wanted, p);
    table_add(t, p);
    *out = p;
    spawner_submit(t->spawner, p->request);
    return 0;
}

void process_release(process *p)
{
    if (p == NULL)
        return;
    loop *l = p->table->loop;
    spawn_request_cancel(p->request);
    pthread_mutex_lock(&p->gate);
    p->released = true;
    pthread_mutex_unlock(&p->gate);
    loop_post_task(l, &p->given_up_task);
}

static ssize_t read_some(int fd, void *buf, size_t n)
{
    ssize_t got;
    do
        got = read(fd, buf, n);
    while (got < 0 && errno == EINTR);
    return got;
}

int process_read(process *p, process_stream which, void *buf, size_t n, size_t *got)
{
    int fd = which == PROCESS_STDOUT ? p->child.stdout_fd : p->child.stderr_fd;
    atomic_bool *told = &p->outputs[which].told;
    ssize_t result = read_some(fd, buf, n);
    if (result < 0 && errno == EAGAIN) {
        /* What came between the read and the clearing had its edge swallowed;
         * this second look finds it. What comes later has an edge of its own. */
        atomic_store(told, false);
        result = read_some(fd, buf, n);
        if (result >= 0)
            atomic_store(told, true);
    }
    if (result < 0)
        return errno;
    *got = (size_t)result;
    return 0;
}

int process_write(process *p, const void *buf, size_t n, size_t *put)
{
    if (p->stdin_closed)
        return EPIPE;
    ssize_t result;
    do
        result = write(p->child.stdin_fd, buf, n);
    while (result < 0 && errno == EINTR);
    if (result >= 0) {
        *put = (size_t)result;
        return 0;
    }
    int err = errno;
    if (err == EAGAIN) {
        p->stdin_watched = true;
        loop_post_task(p->table->loop, &p->stdin_task);
    }
    return err;
}

void process_close_stdin(process *p)
{
    if (p->stdin_closed)
        return;
    p->stdin_closed = true;
    if (p->stdin_watched) {
        atomic_store(&p->stdin_closing, true);
        loop_post_task(p->table->loop, &p->stdin_task);
    } else {
        close_fd(&p->child.stdin_fd);
    }
}

int process_signal_group(process *p, int sig)
{
    pid_t pid = atomic_load(&p->pid);
    if (pid == 0)
        return ESRCH;
    return kill(-pid, sig) != 0 ? errno : 0;
}

pid_t process_pid(const process *p)
{
    return atomic_load(&p->pid);
}

const char *process_exit_text(const process_exit *how, char *buf, size_t size)
{
    if (how->signal != 0) {
        const char *name = sigabbrev_np(how->signal);
        const char *dumped = how->core ? " (core dumped)" : "";
        if (name != NULL)
            snprintf(buf, size, "killed by SIG%s%s", name, dumped);
        else
            snprintf(buf, size, "killed by signal %d%s", how->signal, dumped);
    } else if (how->status >= 0) {
        snprintf(buf, size, "exit status %d", how->status);
    } else {
        snprintf(buf, size, "exit status unknown");
    }
    return buf;
}

/* ---- the table's beginning and end ---- */

int process_table_create(loop *l, process_table **out)
{
    process_table *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return ENOMEM;
    int err = pthread_mutex_init(&t->lock, NULL);
    if (err != 0) {
        free(t);
        return err;
    }
    t->loop = l;
    err = spawner_create(&t->spawner);
    if (err != 0) {
        pthread_mutex_destroy(&t->lock);
        free(t);
        return err;
    }
    *out = t;
    return 0;
}

static void wait_for_end(process *p, clock_ms deadline)
{
    struct pollfd pfd = {.fd = p->child.pid_fd, .events = POLLIN};
    clock_ms left;
    int ready;
    do {
        left = deadline - clock_now();
        ready = poll(&pfd, 1, left > 0 ? (int)left : 0);
    } while (ready < 0 && errno == EINTR);
    process_exit how;
    take_exit(p, WNOHANG, &how);
}

void process_table_destroy(process_table *t)
{
    if (t == NULL)
        return;
    /* From here on every request is done, and no thread posts for a process. */
    spawner_destroy(t->spawner);
    for (process *p = t->first; p != NULL; p = p->next)
        if (p->child.pid > 0 && p->state != PROCESS_REAPED)
            kill(-p->child.pid, SIGKILL);
    clock_ms deadline = clock_now() + DESTROY_WAIT_MS;
    while (t->first != NULL) {
        process *p = t->first;
        loop_cancel_task(t->loop, &p->spawned);
        loop_cancel_task(t->loop, &p->given_up_task);
        loop_cancel_task(t->loop, &p->stdin_task);
        if (p->child.pid > 0 && p->state != PROCESS_REAPED)
            wait_for_end(p, deadline);
        table_remove(t, p);
        process_free(p);
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}
