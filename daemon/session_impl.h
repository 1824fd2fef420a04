/* What session.c and call.c share. */
#ifndef DAEMON_SESSION_IMPL_H
#define DAEMON_SESSION_IMPL_H

#include "daemon/session.h"

/* Messages of a session's actor. */
enum { SESSION_REQUEST = 1, SESSION_GONE, SESSION_OVER, SESSION_TIMER };

TAILQ_HEAD(calls, call);

struct frame {
    session *session;
    front_request *request; /* referenced */
    bool batch;
    size_t unanswered; /* calls, and one while the frame is read */
    size_t count;
    call calls[];
};

struct session {
    actord *daemon;
    const session_access *access;
    struct calls waiting;
    bool gone; /* the client */
};

/* One call less to answer; with the last one the answer goes out, and the frame is freed. */
void frame__answered(frame *f);

/* The timeout of a call that waits for a message. */
void call__timer(call *c);

#endif
