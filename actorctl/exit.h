/* exit: what actorctl's exit status tells a script. The numbers are a contract. */
#ifndef ACTORCTL_EXIT_H
#define ACTORCTL_EXIT_H

typedef enum ctl_exit {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_UNHEALTHY = 3, /* `status --check`; `wait`: the message didn't end as done */
    EXIT_NOT_FOUND = 4,
    EXIT_REFUSED = 5,    /* mailbox full, breaker open, draining, invalid state... */
    EXIT_TIMED_OUT = 6,  /* the outcome is unknown */
    EXIT_NO_CONNECT = 7, /* nothing was sent */
    EXIT_BAD_CONFIG = 8,
    EXIT_DENIED = 9
} ctl_exit;

#endif
