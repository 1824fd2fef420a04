/* What the methods about actors have in common: method_actor.c looks, method_steer.c steers,
 * method_spawn.c brings new ones. */
#ifndef DAEMON_METHOD_ACTOR_H
#define DAEMON_METHOD_ACTOR_H

#include "config/config.h"
#include "daemon/methods.h"

/* The first param of each. */
#define ACTOR_NAME_PARAM                                                                           \
    {                                                                                              \
        .name = "name", .type = RPC_STRING, .required = true, .min = 1, .max = CONFIG_NAME_MAX     \
    }
enum { P_ACTOR_NAME };

/* The actor of that param, into c->unit. False: the call is answered. */
bool call_find_actor(call *c, const rpc_value *v);

/* The supervisor of c->unit has answered, or is gone. False: the call is answered with why it did
 * not do it. */
bool call_supervisor_did(call *c, actor_err how, actor_msg *msg);

#endif
