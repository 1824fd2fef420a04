/* A child process of a unit's actor: process.h's events turned into messages to the actor.
 *
 * Events are bits that accumulate, so none is lost and none needs memory of its own; one message
 * (UNIT_MSG_KIND with the child's serial as payload) wakes the actor, which takes them all.
 *
 * Threads: all functions are the actor's.
 */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include "daemon/process.h"
#include "daemon/runner.h"
#include "daemon/unit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct child child;

enum {
    CHILD_STARTED = 1u << 0,
    CHILD_FAILED = 1u << 1, /* it could not be started: child_error() says why */
    CHILD_STDOUT = 1u << 2, /* read it until EAGAIN, or call child_again() */
    CHILD_STDERR = 1u << 3, /* call child_log_stderr() */
    CHILD_STDIN = 1u << 4,  /* there is room again */
    CHILD_EXITED = 1u << 5,
};

/* Start the program of the runner's unit. `env` (NULL-terminated, "KEY=value") goes on top of the
 * unit's own.
 * Returns  0; ENOMEM. Anything else that goes wrong comes as CHILD_FAILED. */
int child_start(actor *self, runner *r, const char *const *env, child **out);

/* Kill what is left of it, and forget it. Its serial never comes again. NULL is fine. */
void child_free(child *c);

/* Unique in the daemon; 0 is nobody's. */
uint64_t child_serial(const child *c);
/* The serial in a UNIT_MSG_KIND message. */
uint64_t child_serial_of(actor_msg *msg);

/* Take the events that have come since the last call. */
unsigned child_events(child *c);
/* Look at these again, after other actors had their turn. */
void child_again(child *c, unsigned events);

process *child_process(child *c);
const process_exit *child_exit(const child *c); /* after CHILD_EXITED */
const char *child_error(const child *c);        /* after CHILD_FAILED */

/* Move what stderr holds into the log, a line a line; `id` (or NULL) is the message it is about. */
void child_log_stderr(child *c, const char *id);
/* The end of what it wrote to stderr, at most MESSAGE_STDERR_KEPT bytes. */
const char *child_stderr_tail(const child *c, size_t *len);

#endif
