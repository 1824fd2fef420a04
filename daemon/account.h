/* A user of the system, as one needs it to become that user.
 * Threads  any; may block in a name service. */
#ifndef DAEMON_ACCOUNT_H
#define DAEMON_ACCOUNT_H

#include <sys/types.h>

typedef struct account {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* gid included */
    int ngroups;
    char *home, *name, *logname; /* "HOME=...", "USER=...", "LOGNAME=..." */
} account;

/* Fill a zeroed account by name, or by number where no name is like it. To be
 * cleared whatever the result.
 * Returns  0; ENOMEM; ESRCH no such user; or what the name service says. */
int account_find(account *a, const char *user);

void account_clear(account *a);

#endif
