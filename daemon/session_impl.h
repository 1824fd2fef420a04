/* What session.c and call.c share. */
#ifndef DAEMON_SESSION_IMPL_H
#define DAEMON_SESSION_IMPL_H

#include "daemon/session.h"

/* Messages of a session's actor. */
enum { SESSION_REQUEST = 1, SESSION_GONE, SESSION_OVER, SESSION_TIMER };

TAILQ_HEAD(calls, call);

struct frame {
    STAILQ_ENTRY(frame) link; /* answered, in the session's list */
    session *session;
    front_request *request; /* referenced */
    bool batch;
    size_t unanswered; /* calls, and one while the frame is read */
    size_t count;
    json_out joined; /* the answer to a batch */
    call calls[];
};

struct session {
    actord *daemon;
    const session_access *access;
    struct calls waiting;
    bool gone; /* the client */

    /* Answers go out together: when the actor has nothing more to do, or enough of them are here.
     * `coming` counts what is on its way to the actor and may bring the next one. */
    STAILQ_HEAD(, frame) answered;
    size_t answered_count;
    atomic_uint *coming;
};

/* Send what is answered, if nothing more is coming. */
void session__settle(session *s);
/* Send it in any case. */
void session__send(session *s);

/* One call less to answer; with the last one the frame is answered, and may be gone. */
void frame__answered(frame *f);

/* The timeout of a call that waits for a message. */
void call__timer(call *c);

#endif
