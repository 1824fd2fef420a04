#include "daemon/spawn_env.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Told to the daemon alone: a child that took them would speak in its name. */
static const char *const withheld[] = {"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_"};

static bool is_withheld(const char *entry)
{
    for (size_t i = 0; i < sizeof(withheld) / sizeof(withheld[0]); i++)
        if (strncmp(entry, withheld[i], strlen(withheld[i])) == 0)
            return true;
    return false;
}

static int append(spawn_env *e, const char *entry)
{
    if (e->count + 1 >= e->room) {
        size_t room = e->room == 0 ? 64 : e->room * 2;
        char **entries = realloc(e->entries, room * sizeof(*entries));
        if (entries == NULL)
            return ENOMEM;
        e->entries = entries;
        e->room = room;
    }
    e->entries[e->count++] = (char *)entry; /* execve's type; nobody writes to it */
    e->entries[e->count] = NULL;
    return 0;
}

int spawn_env_inherit(spawn_env *e)
{
    int err = 0;
    for (char **at = environ; err == 0 && at != NULL && *at != NULL; at++)
        if (!is_withheld(*at))
            err = append(e, *at);
    return err;
}

int spawn_env_put(spawn_env *e, const char *entry)
{
    size_t key = strcspn(entry, "=") + 1;
    for (size_t i = 0; i < e->count; i++) {
        if (strncmp(e->entries[i], entry, key) == 0) {
            e->entries[i] = (char *)entry;
            return 0;
        }
    }
    return append(e, entry);
}

void spawn_env_clear(spawn_env *e)
{
    free(e->entries);
    *e = (spawn_env){0};
}
