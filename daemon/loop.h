/* The control thread's event loop: signals, timers, descriptors and tasks
 * posted from other threads.
 *
 * Errors   functions that can fail return 0 or an errno value (this is the
 *          operating system's side; its text is strerror()). Out-parameters
 *          are untouched on failure.
 * Threads  "control" is the thread that calls loop_run(), or the only user of
 *          the loop while it doesn't run. Everything here is for the control
 *          thread, except the tasks, loop_break() and loop_is_current().
 *          Callbacks run on the control thread, must not block, and may call
 *          anything here, freeing their own timer or watch included.
 * Order    main() calls loop_block_signals() first, before any thread exists,
 *          then loop_create(), loop_on_signal(), loop_run(), loop_destroy().
 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct loop loop;
typedef struct loop_timer loop_timer;
typedef struct loop_watch loop_watch;
typedef uint64_t loop_ms; /* a duration in milliseconds, monotonic clock */

typedef void (*loop_fn)(void *arg);
typedef void (*loop_signal_fn)(int signo, void *arg);
typedef void (*loop_watch_fn)(int fd, unsigned what, void *arg); /* what: LOOP_READ | LOOP_WRITE */

enum {
    LOOP_READ = 1u << 0, /* readable, end of file or error */
    LOOP_WRITE = 1u << 1,
    LOOP_EDGE = 1u << 2, /* tell of changes only; otherwise of the state, again and again */
};

/* Block SIGTERM, SIGINT, SIGHUP and SIGUSR1 in this thread and in all it will
 * start, ignore SIGPIPE, and give SIGCHLD its default back (an inherited
 * SIG_IGN would let the kernel reap our children). The signals stay blocked:
 * the loop reads them from a signalfd, no handler ever runs.
 * Threads  main, before any other thread.
 */
int loop_block_signals(void);

/* Returns  0; ENOMEM; EMFILE, ENFILE out of descriptors. */
int loop_create(loop **out);

/* Frees the loop; NULL is fine. Timers and watches are freed before it by
 * their owners. Tasks still waiting are dropped without being called. */
void loop_destroy(loop *l);

/* Runs until loop_break(), also when there is nothing to wait for. May be run
 * again after. Returns 0, or EIO when waiting itself failed. */
int loop_run(loop *l);

/* Makes loop_run() return after the callbacks in hand and the tasks posted
 * before. Remembered when the loop doesn't run yet.
 * Threads  any; never blocks. */
void loop_break(loop *l);

/* True on the thread that is inside loop_run(l). Threads: any. */
bool loop_is_current(const loop *l);

/* Call fn for each arrival of signo, one that loop_block_signals() blocks.
 * A second call for the same signal replaces the first; fn NULL drops it
 * (the signal is then swallowed).
 * Returns  0; EINVAL another signal. */
int loop_on_signal(loop *l, int signo, loop_signal_fn fn, void *arg);

/* ---- tasks ---- */

/* A task the caller embeds, so that posting can't fail. Set up with
 * loop_task_init(); must stay valid until it has begun to run. Private fields. */
typedef struct loop_task {
    loop_fn fn;
    void *arg;
    struct loop_task *next;
    bool waiting; /* guarded by the loop's lock */
} loop_task;

void loop_task_init(loop_task *t, loop_fn fn, void *arg);

/* Run the task on the control thread, once, in the order of posting. One that
 * waits already is left where it is (a coalesced wake-up); from the moment it
 * begins to run it may be posted again. What the poster wrote before is
 * visible to the task.
 * Threads  any; never blocks, never fails. */
void loop_post_task(loop *l, loop_task *t);

/* Take back a task that waits. Returns true when it did and now won't run;
 * false when it runs, has run or was never posted.
 * Threads  any; only on control does false mean that it isn't running. */
bool loop_cancel_task(loop *l, loop_task *t);

/* The same as loop_post_task() for those with nothing to embed the task in.
 * Returns  0; ENOMEM, and fn won't be called.
 * Threads  any; never blocks. */
int loop_post(loop *l, loop_fn fn, void *arg);

/* ---- timers ---- */

/* A stopped timer. Returns 0; ENOMEM. */
int loop_timer_create(loop *l, loop_fn fn, void *arg, loop_timer **out);

/* Call the timer's fn once after `delay`, and then, with a period other than
 * 0, every `period`. Replaces an earlier start. Never early.
 * Returns  0; ENOMEM. */
int loop_timer_start(loop_timer *t, loop_ms delay, loop_ms period);

/* No call will come after this; stopping a stopped timer is fine. */
void loop_timer_stop(loop_timer *t);
void loop_timer_free(loop_timer *t); /* stops; NULL is fine */

/* ---- descriptors ---- */

/* Watch fd for `what` (LOOP_READ and/or LOOP_WRITE, with LOOP_EDGE or not)
 * from now on. The descriptor stays the caller's, who frees the watch before
 * closing it.
 * Returns  0; ENOMEM; or what epoll says of fd (EPERM: a regular file). */
int loop_watch_create(loop *l, int fd, unsigned what, loop_watch_fn fn, void *arg,
                      loop_watch **out);

/* No call will come after this; NULL is fine. */
void loop_watch_free(loop_watch *w);

#endif
