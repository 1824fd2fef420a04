/* Child processes with pipes on 0, 1 and 2.
 *
 * A process_table holds the daemon's children and the thread that spawns
 * them; a process is one child. Its owner is whoever started it. The owner
 * reads and writes the pipes itself; the control thread only tells when.
 *
 *     process_start ──> started ──> readable*, writable* ──> exited ──┐
 *            └────────> start_failed ─────────────────────────────────┴─> process_release
 *
 * The child runs in a session and process group of its own, with default
 * signal dispositions, no signal blocked, and no descriptor but 0, 1 and 2.
 * The kernel kills it when the daemon dies, unless it is a set-user-ID program:
 * the kernel forgets the wish there.
 *
 * After `exited` all that the child itself has written can be read: read until
 * EAGAIN or end of file, then release. Don't wait for end of file without
 * bound, since a grandchild may hold the pipe. The exited leader stays
 * unreaped until process_release(), so that its number can't become somebody
 * else's while the owner may still signal the group.
 *
 * Errors   0 or an errno value.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/loop.h"

typedef struct process_table process_table;
typedef struct process process;

typedef enum process_stream {
    PROCESS_STDOUT,
    PROCESS_STDERR,
} process_stream;

/* What a child may use; 0 is the daemon's own limit. */
typedef struct process_limits {
    uint64_t memory_bytes; /* RLIMIT_AS */
    uint64_t open_files;   /* RLIMIT_NOFILE */
    uint64_t cpu_seconds;  /* RLIMIT_CPU: SIGXCPU there, SIGKILL a second later */
} process_limits;

/* All of it is copied by process_start(). */
typedef struct process_spec {
    const char *const *argv; /* NULL-terminated, at least one; found by the child's PATH */
    const char *const *env;  /* "KEY=value" on top of the daemon's own, the later one wins;
                                NULL-terminated or NULL */
    const char *directory;   /* NULL: the daemon's */
    const char *user;        /* name or number; NULL: the daemon's. Sets HOME, USER and
                                LOGNAME too, below `env` */
    process_limits limits;
} process_spec;

/* How a process ended: by itself (signal 0, status 0..255) or by a signal
 * (status -1). Both 0 and -1: nobody knows. */
typedef struct process_exit {
    int status;
    int signal;
    bool core;
} process_exit;

/* Called on the control thread, one at a time per process, never after
 * process_release() has returned. They must be short (hand it to the owner),
 * and must not wait for a lock under which the owner calls process_release().
 * The first may come before process_start() has returned. NULL: not wanted.
 */
typedef struct process_events {
    /* The program runs. */
    void (*started)(process *p, pid_t pid, void *user);
    /* It doesn't and won't: the only event of such a process. `text` names
     * what is wrong ("no such user 'bob'"), valid during the call. Any lack
     * (EMFILE, ENOMEM, EAGAIN) comes this way too and is worth another try. */
    void (*start_failed)(process *p, int error, const char *text, void *user);
    /* There is something to read, or the end. Not told again before a
     * process_read() of that stream has returned EAGAIN: an owner that stops
     * reading earlier, to be fair to others, comes back by itself. */
    void (*readable)(process *p, process_stream which, void *user);
    /* stdin has room again (or nobody reads it), after a process_write()
     * that returned EAGAIN; once each. */
    void (*writable)(process *p, void *user);
    /* The leader has ended; once. Streams may still hold data, see above. */
    void (*exited)(process *p, const process_exit *how, void *user);
} process_events;

/* Start the spawning thread on behalf of `l`, which must outlive the table.
 * Opens /dev/null on those of 0, 1, 2 that are closed. Raises the soft limit
 * of open files to the hard one; children get the old one back.
 * Returns  0; ENOMEM, EAGAIN, EMFILE; ENOENT the helper program is nowhere.
 * Threads  control. */
int process_table_create(loop *l, process_table **out);

/* Kills and reaps what is left (waiting for the kernel at most a second), and
 * ends the spawning thread. Processes that weren't released become invalid.
 * NULL is fine.
 * Threads  control, with the loop not running, and no other thread using any
 *          process. */
void process_table_destroy(process_table *t);

/* The number of processes that exist: not released, or not reaped yet.
 * Threads  any. */
size_t process_table_live(const process_table *t);

/* Begin to start a child; the outcome comes as an event. The owner's to
 * release on success. `events` must stay valid until then.
 * Returns  0; ENOMEM; EINVAL no argv[0], or an env entry without '='; ENOENT
 *          never (that is start_failed). No event comes after a failure.
 * Threads  any; doesn't block. */
int process_start(process_table *t, const process_spec *spec, const process_events *events,
                  void *user, process **out);

/* Give the process up: no event comes from now on, and p is invalid. What is
 * left of its group is sent SIGKILL, be the leader alive or not. After
 * `exited` the leader is reaped at once, else in the background. Waits for an
 * event of this process that is just being called on the control thread. May
 * be called from an event.
 * NULL is fine.
 * Threads  the owner's, one at a time. */
void process_release(process *p);

/* Read at most n bytes. Between `started` and release.
 * Returns  0 and *got > 0; 0 and *got == 0 at end of file; EAGAIN nothing now,
 *          `readable` will tell; or another errno value.
 * Threads  the owner's, one at a time per stream; never blocks. */
int process_read(process *p, process_stream which, void *buf, size_t n, size_t *got);

/* Write some of n bytes to stdin. Between `started` and release.
 * Returns  0 and *put > 0; EAGAIN no room, `writable` will tell; EPIPE nobody
 *          reads it, or it has been closed here.
 * Threads  the owner's, one at a time; never blocks. */
int process_write(process *p, const void *buf, size_t n, size_t *put);

/* End of file for the child's stdin. Closing twice is fine.
 * Threads  as process_write(). */
void process_close_stdin(process *p);

/* Send sig to the process group, also after the leader has ended: never to
 * anybody else, since the leader isn't reaped before release.
 * Before `started` nothing is sent nor remembered: release what isn't wanted.
 * Returns  0; ESRCH not started, or nothing of the group is left; EPERM (all
 *          of the group belong to another user); EINVAL no such signal.
 * Threads  the owner's, between process_start() and process_release(). */
int process_signal_group(process *p, int sig);

/* The process id, or 0 before `started`. Threads: as process_signal_group(). */
pid_t process_pid(const process *p);

/* "exit status 3", "killed by SIGKILL", cut to size; returns buf. */
const char *process_exit_text(const process_exit *how, char *buf, size_t size);

#endif
