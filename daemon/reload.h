/* Reload: from one configuration to the next while everything runs.
 *
 * The file is read on the control thread. An invalid one changes nothing. A valid one is compared
 * with what runs, and the changes are applied one after the other by an actor, since each waits for
 * the supervisor that carries it out. One that fails is noted with the configuration, and tried
 * again by the next reload.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/daemon.h"

/* The type of the message to ask a reloader with; its payload is empty. The reply's payload is a
 * reload_result. */
enum { RELOAD_MSG_ASK = 100 };

typedef struct reload_result {
    bool ok;
    const char *text;    /* ok: {"plan":[…],…}; else what is wrong, as a sentence */
    const char *members; /* not ok: members of the error's data, or "" */
} reload_result;

typedef enum reload_mode {
    RELOAD_UNASKED, /* by a signal: the outcome is in the log only */
    RELOAD_ASKED,   /* the actor waits for one RELOAD_MSG_ASK, too */
    RELOAD_DIFF,    /* asked what a reload would do: nothing is changed, nor logged */
} reload_mode;

/* Begin a reload.
 * Returns  ACTOR_OK; ACTOR_EEXIST one is running; ACTOR_ENOMEM …
 * Threads  any. */
actor_err reload_begin(actord *d, reload_mode mode, actor_ref *out);

/* A supervisor's state was published: for a reload that waits for what becomes of one. Threads:
 * any, without locks. */
void reload_look(actord *d);

/* What a reload would do that finds `to`, where `from` is what runs: what differs, and what the
 * last one could not do. As config_plan_new(). Threads: any. */
config_err reload_plan(actord *d, loaded *from, const config *to, config_plan **out);

#endif
