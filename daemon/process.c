/* The life of a child: see process_impl.h for who owns what when. */
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
#include "daemon/process_impl.h"

enum { DESTROY_WAIT_MS = 1000 };

/* ---- the table ---- */

static void table_add(process_table *t, process *p)
{
    actor_lock_take(&t->lock);
    p->next = t->first;
    if (p->next != NULL)
        p->next->previous = p;
    t->first = p;
    actor_lock_give(&t->lock);
    atomic_fetch_add(&t->live, 1);
}

static void table_remove(process_table *t, process *p)
{
    actor_lock_take(&t->lock);
    if (p->next != NULL)
        p->next->previous = p->previous;
    if (p->previous != NULL)
        p->previous->next = p->next;
    else
        t->first = p->next;
    actor_lock_give(&t->lock);
    atomic_fetch_sub(&t->live, 1);
}

size_t process_table_live(const process_table *t)
{
    return atomic_load(&t->live);
}

/* ---- the end ---- */

static void process_free(process *p)
{
    process_io_close(p);
    process_free_watch(&p->pid_watch);
    process_close_fd(&p->child.pid_fd);
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

static void tell_exited(process *p, const process_exit *how)
{
    pthread_mutex_lock(&p->gate);
    if (!p->released && p->events->exited != NULL)
        p->events->exited(p, how, p->user);
    pthread_mutex_unlock(&p->gate);
}

/* ---- the life of a child, on the control thread ---- */

/* After the child exists: it ends, and then nothing is told of it. */
static void abandon(process *p, int error, const char *doing)
{
    p->child.error = error;
    snprintf(p->child.text, sizeof(p->child.text), "cannot %s the new process: %s", doing,
             strerror(error));
    kill(-p->child.pid, SIGKILL);
    process_io_close(p);
    p->state = PROCESS_FAILED;
    tell_start_failed(p);
}

static void report_decided(process *p, int error)
{
    process_free_watch(&p->report_watch);
    process_close_fd(&p->child.report_fd);
    if (error != 0) {
        p->child.error = error;
        p->state = PROCESS_FAILED;
        tell_start_failed(p);
        return;
    }
    int err = process_io_watch(p);
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
    process_free_watch(&p->pid_watch);
    if (p->state == PROCESS_RUNNING) {
        p->state = PROCESS_ENDED;
        atomic_store(&p->ended, true);
        tell_exited(p, &how);
        return; /* its release reaps */
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
        process_io_close(p);
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
    process_io_close(p);
    free_if_done(p);
}

/* On the spawning thread. */
static void spawn_done(void *arg, const spawn_result *result)
{
    process *p = arg;
    p->child = *result;
    loop_post_task(p->table->loop, &p->spawned);
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
    process_io_init(p);
    loop_task_init(&p->spawned, spawned, p);
    loop_task_init(&p->given_up_task, given_up, p);
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
    if (atomic_load(&p->ended))
        reap(p);
    loop_post_task(l, &p->given_up_task);
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
    actor_lock_init(&t->lock);
    t->loop = l;
    int err = spawner_create(&t->spawner);
    if (err != 0) {
        actor_lock_destroy(&t->lock);
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
    actor_lock_destroy(&t->lock);
    free(t);
}
