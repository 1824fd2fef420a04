/* The pipes of a child. The owner reads and writes; the control thread watches,
 * and tells. stdin is watched only while a write waits for room, so most
 * children never have theirs in epoll, and the owner can close it itself. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/process_impl.h"

void process_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void process_free_watch(loop_watch **w)
{
    loop_watch_free(*w);
    *w = NULL;
}

/* Everything but the process itself: watches before what they watch. */
void process_io_close(process *p)
{
    for (int i = 0; i < PROCESS_STREAMS; i++)
        process_free_watch(&p->outputs[i].watch);
    process_free_watch(&p->stdin_watch);
    process_free_watch(&p->report_watch);
    process_close_fd(&p->child.stdin_fd);
    process_close_fd(&p->child.stdout_fd);
    process_close_fd(&p->child.stderr_fd);
    process_close_fd(&p->child.report_fd);
}

/* ---- output ---- */

static void tell_readable(process_output *o)
{
    process *p = o->process;
    pthread_mutex_lock(&p->gate);
    if (!p->released && p->events->readable != NULL)
        p->events->readable(p, o->which, p->user);
    pthread_mutex_unlock(&p->gate);
}

static void output_ready(int fd, unsigned what, void *arg)
{
    (void)fd;
    (void)what;
    process_output *o = arg;
    if (!atomic_exchange(&o->told, true))
        tell_readable(o);
}

int process_io_watch(process *p)
{
    const int fds[PROCESS_STREAMS] = {
        [PROCESS_STDOUT] = p->child.stdout_fd, [PROCESS_STDERR] = p->child.stderr_fd};
    int err = 0;
    for (int i = 0; err == 0 && i < PROCESS_STREAMS; i++)
        err = loop_watch_create(p->table->loop, fds[i], LOOP_READ | LOOP_EDGE, output_ready,
                                &p->outputs[i], &p->outputs[i].watch);
    return err;
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

/* ---- input ---- */

static void tell_writable(process *p)
{
    pthread_mutex_lock(&p->gate);
    if (!p->released && p->events->writable != NULL)
        p->events->writable(p, p->user);
    pthread_mutex_unlock(&p->gate);
}

static void stdin_ready(int fd, unsigned what, void *arg)
{
    (void)fd;
    (void)what;
    process *p = arg;
    process_free_watch(&p->stdin_watch);
    tell_writable(p);
}

static void stdin_wanted(void *arg)
{
    process *p = arg;
    if (atomic_load(&p->stdin_closing)) {
        process_free_watch(&p->stdin_watch);
        process_close_fd(&p->child.stdin_fd);
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
        process_close_fd(&p->child.stdin_fd);
    }
}

void process_io_init(process *p)
{
    for (int i = 0; i < PROCESS_STREAMS; i++) {
        p->outputs[i].process = p;
        p->outputs[i].which = (process_stream)i;
    }
    loop_task_init(&p->stdin_task, stdin_wanted, p);
}
