/* The tree: the configuration's children as units and supervised actors.
 *
 * Threads: tree_build() and tree_forget() any, one at a time for the same child; the observer runs
 * in the supervisors' handlers.
 */
#ifndef DAEMON_TREE_H
#define DAEMON_TREE_H

#include "daemon/daemon.h"
#include "daemon/rpc.h"
#include "supervisors/supervisor.h"

/* Spawn the root with all of its tree. The outcome comes by daemon_root_started() and
 * daemon_root_stopped(). On failure `why` says why.
 * Threads  control. */
bool tree_start(actord *d, char *why, size_t size);

/* Where a child stands. */
typedef struct tree_place {
    struct unit *parent;
    uint32_t order; /* among its siblings */
} tree_place;

/* Make the units of `child` and all below it, enter them into the directory, and describe the child
 * for a supervisor. RPC_OK; RPC_ALREADY_EXISTS; RPC_INVALID_PARAMS; RPC_UNAVAILABLE. On a failure
 * nothing is left. The description's arg and nested spec are the caller's to give away (or free
 * with tree_discard()). */
rpc_code tree_build(actord *d, loaded *s, const config_child *child, const tree_place *at,
                    supervisor_child *out, rpc_failure *failure);

/* What tree_build() made is not wanted, or was refused: out of the directory. */
void tree_forget(actord *d, const config_child *child);
void tree_discard(supervisor_child *child);
/* A child is gone, with all below it, and no supervisor tells of it. */
void tree_remove(actord *d, struct unit *u);

/* A child's settings for its supervisor, without what it runs and how many: for an update. */
void tree_describe(const config_child *child, supervisor_child *out);
/* ... and what it runs. */
void tree_attach(struct unit *u, supervisor_child *out);
supervisor_flags tree_flags(const config_supervisor *s);

#endif
