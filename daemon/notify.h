/* What the service manager is told (sd_notify). Without a manager, that is
 * without $NOTIFY_SOCKET, everything here does nothing and succeeds.
 *
 * A manager that can't be reached is no reason to stop: failures are logged.
 * Threads  control, unless said otherwise.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

#include "daemon/loop.h"

typedef struct notify_watchdog notify_watchdog;

/* The tree runs and the listeners are up; also the end of a reload. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

/* One line for `systemctl status`, cut at 256 bytes. Threads: any. */
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A counter that moves while the scheduler does. It is asked twice per
 * watchdog interval, on the control thread, and must not block. An idle
 * scheduler has to move it too: the function may send a probe whose arrival
 * counts by the next time. */
typedef uint64_t (*notify_progress_fn)(void *arg);

/* When the manager wants a watchdog ($WATCHDOG_USEC, meant for this pid), send
 * WATCHDOG=1 at half its interval, each time that `progress` has moved since
 * the last. Nothing is sent while it stands still, so that the manager acts.
 * Otherwise *out is NULL: there is nothing to do.
 * Returns  0; ENOMEM. */
int notify_watchdog_start(loop *l, notify_progress_fn progress, void *arg, notify_watchdog **out);
void notify_watchdog_free(notify_watchdog *w); /* NULL is fine */

#endif
