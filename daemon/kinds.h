/* The rows of kind.c's table. */
#ifndef DAEMON_KINDS_H
#define DAEMON_KINDS_H

#include "daemon/kind.h"

extern const kind kind_exec;   /* kind_exec.c */
extern const kind kind_worker; /* kind_worker.c */
extern const kind kind_echo;   /* kind_trial.c, also the two below */
extern const kind kind_counter;
extern const kind kind_sleep;

#endif
