/* What is to be spawned, as a copy of a process_spec, and what the helper is
 * told about it. Internal to spawner.c, which gives the life of a request. */
#ifndef DAEMON_SPAWN_REQUEST_H
#define DAEMON_SPAWN_REQUEST_H

#include <stdatomic.h>

#include "daemon/account.h"
#include "daemon/spawner.h"

struct spawn_request {
    spawn_request *next;
    spawn_done_fn done;
    void *arg;
    atomic_bool cancelled;
    const char *program;          /* argv[0] */
    const char *directory, *user; /* NULL: none */
    process_limits limits;
    char **argv, **env; /* NULL-terminated; they and their texts lie in `block` */
    char *block;
};

/* The arguments of actord-child. */
typedef struct spawn_command {
    char **argv;    /* NULL-terminated; the program's own are borrowed from the request */
    char *settings; /* the helper's, each with its NUL */
} spawn_command;

/* Fill a zeroed *c, to be cleared whatever the result. `who` NULL keeps the
 * user; open_files is the soft limit for a child without one of its own, 0:
 * as it is.
 * Returns 0; ENOMEM. */
int spawn_command_build(spawn_command *c, const spawn_request *r, const account *who,
                        uint64_t open_files);

void spawn_command_clear(spawn_command *c);

#endif
