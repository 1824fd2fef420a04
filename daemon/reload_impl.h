/* One reload: reload.c is its life, reload_change.c what a single change asks of whom. */
#ifndef DAEMON_RELOAD_IMPL_H
#define DAEMON_RELOAD_IMPL_H

#include "config/plan.h"
#include "daemon/json.h"
#include "daemon/loaded.h"
#include "daemon/reload.h"
#include "supervisors/supervisor.h"

enum { RELOAD_PATH_MAX = 32 }; /* the file nests no deeper */

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
    /* to the supervisor of this step, where it is stopped: see supervisor_request_within() */
    const char *path[RELOAD_PATH_MAX];
    size_t depth;           /* 0: it isn't, and is asked itself */
    json_out failed;        /* sentences of the changes that didn't work, as array elements */
    json_out text, members; /* the answer, being written */
    char *said, *said_more; /* the same, complete */
    bool ok;
} reload;

/* What to ask whom in this step of the change; NULL: there is nothing (more) to ask for it. */
actor_msg *reload_request(reload *r, const config_change *c, actor_ref *to);
/* The answer has come; NULL: the supervisor has ended without one. False: the step is to be asked
 * for again, of somebody else. */
bool reload_answered(reload *r, const config_change *c, const supervisor_reply *reply);
void reload_failed(reload *r, const config_change *c, const char *why);

#endif
