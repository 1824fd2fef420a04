/* Sessions: one actor per client, which carries out its requests in order.
 *
 * A frame (one message of the client) holds calls; each call is answered once, at once or later,
 * and the frame's answer goes out when its last call is answered. All of a session's calls are
 * touched in its actor only, so nothing here needs a lock.
 *
 *     front ──> SESSION_REQUEST ──> frame, calls ──> method ──> call_result / call_error
 *                                                       └─ waits for a message, an actor … ─┘
 */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include "config/config.h"
#include "daemon/daemon.h"
#include "daemon/front.h"
#include "daemon/json.h"
#include "daemon/message.h"
#include "daemon/rpc.h"
#include "libactor/actor.h"

#include <stdbool.h>

typedef struct session session;
typedef struct sessions sessions;
typedef struct call call;
typedef struct frame frame;

/* What a listener lets its clients do; the tag of a front_listener. */
typedef struct session_access {
    config_role role;
    char *token; /* NULL: none is asked for */
} session_access;

/* A method: what it is called, who may call it, what it takes. */
typedef struct method {
    const char *name;
    config_role role; /* the least that is needed */
    const rpc_param *params;
    size_t param_count; /* with params NULL: it reads call->params itself */
    void (*run)(call *c, rpc_value *values);
} method;

/* The method called `name`; NULL: *nearest (may be NULL itself) is one that looks like it. */
const method *method_find(const char *name, const char **nearest);

/* One of the protocol's methods that this version doesn't have. */
bool method_is_planned(const char *name);

struct call {
    TAILQ_ENTRY(call) link; /* in the session's list while it waits */
    frame *frame;
    session *session;
    actord *daemon;
    actor *self; /* the session's actor; valid while a handler runs */
    json_value id;
    json_value params;
    bool notification;
    bool answered;
    bool waiting;
    json_out answer; /* the whole answer object */

    /* a call that waits for a message */
    message *message;
    message_waiter waiter;
    actor_msg *notice; /* made beforehand: the end can then be told without memory */
    actor_timer *timer;
    void (*finish)(call *c);
    bool keyed;

    /* a call that waits for an actor of the daemon */
    struct unit *unit;
    void (*replied)(call *c, actor_err how, actor_msg *reply);
    void *data; /* the method's; freed with free() */
};

/* Answer. `result` is one JSON text. */
void call_result(call *c, const char *result, size_t len);
/* The same from a json_out, which is freed; its error becomes an internal error. */
void call_result_out(call *c, json_out *out);
/* `members` (or NULL) goes into the error's data, and is freed. */
void call_error(call *c, rpc_code code, const char *text, json_out *members);
void call_failure(call *c, const rpc_failure *f, json_out *members);

/* Wait for c->message to end, at most `timeout` ms (negative: without limit), then call c->finish.
 * The call's waiter must be on the message already. */
void call_wait_message(call *c, clock_ms timeout, void (*finish)(call *c));
/* Prepare c->waiter, so that it can be put on a message. False: out of memory. */
bool call_prepare_waiter(call *c);

/* Ask an actor of the daemon (a supervisor, the reloader), and call `replied` with its answer;
 * reply is NULL unless `how` is ACTOR_OK. Takes `request` (NULL: there was no memory for it).
 * False: it can't be asked, and the call is answered with that. */
bool call_ask(call *c, actor_ref to, actor_msg *request,
              void (*replied)(call *c, actor_err how, actor_msg *reply));

/* ---- for daemon.c ---- */

sessions *sessions_new(actord *d); /* NULL when out of memory */
void sessions_free(sessions *all); /* NULL is fine; the front is gone */
/* Carry out what came before the tree had started, and from now on everything at once. */
void sessions_open(sessions *all);
extern const front_ops session_front_ops; /* context: sessions */

#endif
