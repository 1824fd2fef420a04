/* watch: run a verb again and again. On a terminal each frame replaces the one before; elsewhere
 * the frames follow each other. SIGINT and SIGTERM end it with status 0. */
#ifndef ACTORCTL_WATCH_H
#define ACTORCTL_WATCH_H

#include "actorctl/ctl.h"

/* `flush` writes and empties c->out. Returns when a frame failed. */
ctl_exit watch_run(ctl *c, ctl_exit (*flush)(ctl *c, ctl_exit status));

#endif
