/* The thread that starts programs for everybody. It lives as long as the
 * daemon, because the kernel kills a child when the *thread* that spawned it
 * ends (PR_SET_PDEATHSIG).
 *
 * A program is started by way of a tiny static helper, actord-child, that does
 * in the child what posix_spawn can't. Names are looked up here, and the
 * environment is made here, before the child exists.
 *
 * Only process.c uses this. Errors: 0 or an errno value.
 */
#ifndef DAEMON_SPAWNER_H
#define DAEMON_SPAWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/process.h"

typedef struct spawner spawner;
typedef struct spawn_request spawn_request;

enum { SPAWN_TEXT_MAX = 256 };

/* What became of a request. The descriptors are the receiver's: our
 * (non-blocking) ends of the child's pipes, and the helper's report. */
typedef struct spawn_result {
    int error;                 /* 0; otherwise no process is left, nor a descriptor (all -1) */
    char text[SPAWN_TEXT_MAX]; /* says the error */
    pid_t pid;                 /* leads a session and a group of its own; 0 on error */
    int pid_fd;
    int stdin_fd, stdout_fd, stderr_fd;
    int report_fd;
} spawn_result;

/* Called on the spawning thread; must not block. */
typedef void (*spawn_done_fn)(void *arg, const spawn_result *result);

/* See process_table_create(), which has all of this done. Threads: control. */
int spawner_create(spawner **out);

/* Works the queue empty, then ends the thread, and the children with it. NULL
 * is fine. Threads: control. */
void spawner_destroy(spawner *s);

/* A request, with copies of all of spec.
 * Returns  0; ENOMEM; EINVAL. Threads: any. */
int spawn_request_create(const process_spec *spec, spawn_done_fn done, void *arg,
                         spawn_request **out);
void spawn_request_free(spawn_request *r); /* NULL is fine */

/* Have it spawned; `done` is called exactly once, and until then the request
 * is borrowed. Threads: any; never blocks. */
void spawner_submit(spawner *s, spawn_request *r);

/* Spare the spawning if it hasn't begun: `done` gets ECANCELED then.
 * Threads: any, while the request exists. */
void spawn_request_cancel(spawn_request *r);

/* Once report_fd is readable: how the helper fared.
 * Returns  true  decided: *error is 0, the program runs; or an errno value
 *                that `text` says.
 *          false nothing yet, wait on. */
bool spawner_read_report(const spawn_request *r, int report_fd, int *error,
                         char text[SPAWN_TEXT_MAX]);

#endif
