/* The listeners of a configuration. */
#ifndef DAEMON_LISTEN_H
#define DAEMON_LISTEN_H

#include "daemon/daemon.h"

/* Where a daemon without `listen` and --socket listens: cli.md's default. False: there is no place
 * for it, and `out` says what to do. */
bool listen_default_url(char *out, size_t size);

/* Make the front and open every listener. EXIT_OK; EXIT_LISTENER or EXIT_INTERNAL, and `why`.
 * Threads  control. */
int listen_open(actord *d, const config *c, char *why, size_t size);

/* Close them, once the actors have ended. */
void listen_close(actord *d);

#endif
