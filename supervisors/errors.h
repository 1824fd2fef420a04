/* errors: what the functions of this folder answer. */
#ifndef SUPERVISORS_ERRORS_H
#define SUPERVISORS_ERRORS_H

typedef enum supervisor_err {
    SUPERVISOR_OK = 0,
    SUPERVISOR_EINVAL,      /* a setting is out of range; nothing changed */
    SUPERVISOR_ENOMEM,      /* out of memory; nothing changed */
    SUPERVISOR_ENOTFOUND,   /* no such child */
    SUPERVISOR_ESTARTED,    /* a child with this id runs already */
    SUPERVISOR_EPRESENT,    /* a child with this id is there, but doesn't run */
    SUPERVISOR_ERUNNING,    /* not while the child runs */
    SUPERVISOR_ERESTARTING, /* not while the child is being restarted, or waits for it */
    SUPERVISOR_EFAILED,     /* the child could not be started; the reason comes with it */
    SUPERVISOR_ESTOPPED,    /* the child was stopped, or its supervisor ends, before it was done */
    SUPERVISOR_ESYSTEM,     /* the actor system refused: its limit, or it is stopping */
} supervisor_err;

/* A sentence without a full stop; never NULL. Any thread. */
const char *supervisor_strerror(supervisor_err err);

#endif
