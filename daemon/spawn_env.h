/* The environment of a child: the daemon's, less what the service manager
 * meant for the daemon alone, with entries on top. Only the array is ours;
 * the strings are borrowed from where they came.
 * Threads  one at a time, while nobody changes the daemon's environment. */
#ifndef DAEMON_SPAWN_ENV_H
#define DAEMON_SPAWN_ENV_H

#include <stddef.h>

typedef struct spawn_env {
    char **entries; /* NULL-terminated once begun */
    size_t count, room;
} spawn_env;

/* Begin with the daemon's environment, in a zeroed *e. Returns 0; ENOMEM. */
int spawn_env_inherit(spawn_env *e);

/* Put "KEY=value" in, in the place of an earlier one of the same key.
 * Returns 0; ENOMEM. */
int spawn_env_put(spawn_env *e, const char *entry);

void spawn_env_clear(spawn_env *e); /* a zeroed or half-built one is fine */

#endif
