/* One reload: reload.c is its life, reload_change.c what a single change asks of whom. */
#ifndef DAEMON_RELOAD_IMPL_H
#define DAEMON_RELOAD_IMPL_H

#include "config/plan.h"
#include "daemon/json.h"
#include "daemon/loaded.h"
#include "daemon/reload.h"
#include "supervisors/supervisor.h"

enum { RELOAD_PATH_MAX = 32 }; /* the file nests no deeper */

/* Whom a step is asked of: a supervisor, or the one above all that are stopped. */
typedef struct reload_address {
    actor_ref ref;
    uint32_t incarnation;
    size_t depth; /* of those that are stopped; 0: it is asked itself */
} reload_address;

typedef enum reload_outcome {
    RELOAD_DONE,  /* or it has failed, which is noted */
    RELOAD_AGAIN, /* nothing was done: ask again, of somebody else */
    RELOAD_LATER, /* likewise, but not yet */
} reload_outcome;

/* The arg of its actor. */
typedef struct reload {
    actord *daemon;
    actor_ref self;
    reload_mode mode;
    actor_msg *question; /* taken; NULL: nobody has asked (yet) */
    bool over;           /* the result is there */
    loaded *from, *to;
    config_errors *errors;
    config_plan *plan;
    size_t at;     /* the change in hand */
    unsigned step; /* of the change in hand: so many are done */
    reload_address asked;
    const char *path[RELOAD_PATH_MAX]; /* from there: see supervisor_request_within() */
    bool waits;                        /* for what becomes of whom was asked */
    json_out failed;        /* sentences of the changes that didn't work, as array elements */
    json_out text, members; /* the answer, being written */
    char *said, *said_more; /* the same, complete */
    bool ok;
} reload;

/* What to ask whom in this step of the change; NULL: there is nothing (more) to ask for it. */
actor_msg *reload_request(reload *r, const config_change *c, actor_ref *to);
/* The root has ended, and doesn't come back. */
bool reload_is_pointless(const reload *r);
/* Whom to ask now has changed since it was asked; or nobody will ever answer. */
bool reload_has_moved(reload *r, const config_change *c);
/* The answer has come; NULL: the supervisor has ended without one. */
reload_outcome reload_answered(reload *r, const config_change *c, const supervisor_reply *reply);
void reload_failed(reload *r, const config_change *c, const char *why);

#endif
