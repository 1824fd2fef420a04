/* What process.c (the life of a child) and process_io.c (its pipes) share.
 *
 * The object is created by its owner, filled in by the spawning thread, and
 * from then on belongs to the control thread, which alone watches descriptors,
 * reaps and frees. Every field says who may touch it.
 *
 * The gate makes release final: events are called with it held, so who has
 * set `released` under it knows that no event runs or will run. It is
 * recursive because an event may release.
 */
#ifndef DAEMON_PROCESS_IMPL_H
#define DAEMON_PROCESS_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/process.h"
#include "daemon/spawner.h"
#include "libactor/lock.h"

enum { PROCESS_STREAMS = 2 };

typedef enum process_state {
    PROCESS_SPAWNING, /* with the spawning thread */
    PROCESS_STARTING, /* the helper runs */
    PROCESS_RUNNING,
    PROCESS_ENDED,  /* exited, not reaped: holds its number for process_signal_group() */
    PROCESS_FAILED, /* didn't start; what there is of it ends by itself or was killed */
    PROCESS_REAPED, /* or there never was any */
} process_state;

typedef struct process_output {
    process *process;
    process_stream which;
    loop_watch *watch; /* control */
    /* The owner knows that there is something to read; an edge that comes
     * meanwhile needs no event. Set by control, cleared by the owner. */
    atomic_bool told;
} process_output;

struct process {
    process_table *table;
    process *previous, *next; /* of the table, under its lock */
    spawn_request *request;   /* until freed */
    const process_events *events;
    void *user;

    pthread_mutex_t gate; /* recursive */
    bool released;        /* under gate */

    _Atomic pid_t pid; /* 0 before `started`; stays after the exit */
    process_output outputs[PROCESS_STREAMS];

    /* Owner. */
    bool stdin_watched; /* an EAGAIN has been met: the descriptor is control's to close */
    bool stdin_closed;
    atomic_bool stdin_closing; /* set by the owner for control */

    /* Written by the spawning thread before it posts `spawned`; control's
     * after. The owner uses the pipes from `started` until release, and closes
     * stdin_fd unless it is watched. A closed descriptor is -1. */
    spawn_result child;

    /* Set by control after `state`, before `exited` is told. The owner that finds it set at release
     * reaps, so that the number is free when it goes on; `state` is its own then until it posts. */
    atomic_bool ended;

    /* Control. */
    process_state state;
    bool given_up; /* the owner's last word has arrived: nobody posts any more */
    loop_watch *report_watch, *pid_watch, *stdin_watch;

    loop_task spawned, given_up_task, stdin_task;
};

struct process_table {
    loop *loop;
    spawner *spawner;
    actor_lock lock;
    process *first LOCK_GUARDED_BY(lock);
    atomic_size_t live;
};

/* Fill in the parts that belong to the pipes. Threads: the owner. */
void process_io_init(process *p);

/* Begin to tell of stdout and stderr. Returns 0 or an errno value.
 * Threads: control. */
int process_io_watch(process *p);

/* Close our ends of the pipes, and what watches them, report included.
 * Threads: control, when nobody else uses the process. */
void process_io_close(process *p);

/* Free the watch, or close the descriptor, of a field, and mark it gone. */
void process_free_watch(loop_watch **w);
void process_close_fd(int *fd);

#endif
