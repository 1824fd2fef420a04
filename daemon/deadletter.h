/* The dead letters: messages that ended in failure, kept whole until somebody looks at them,
 * replays or drops them. Bounded: the oldest go first, and are counted.
 *
 * Threads  any. Its lock is taken under a unit's.
 */
#ifndef DAEMON_DEADLETTER_H
#define DAEMON_DEADLETTER_H

#include "daemon/message.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct deadletters deadletters;

/* The dead letters may use 1/4 of store.max_size. */
enum { DEADLETTER_SHARE = 4 };

/* A dead letter as it is looked at; `message` is referenced, deadletter_done() gives it back. */
typedef struct deadletter {
    uint64_t number; /* d-NUMBER */
    message *message;
    clock_ms at; /* wall clock */
} deadletter;

/* NULL when out of memory. */
deadletters *deadletters_new(int64_t max_bytes);
void deadletters_free(deadletters *d); /* NULL is fine */
void deadletters_configure(deadletters *d, int64_t max_bytes);

/* Add a message that has just become DEAD. Under its unit's lock. Returns its number, or 0 when out
 * of memory: then it is counted as lost. */
uint64_t deadletters_add(deadletters *d, message *m);

/* What to look for; zeroed finds all. */
typedef struct deadletter_filter {
    uint64_t number;    /* 0: any */
    const char *actor;  /* NULL: any */
    const char *reason; /* NULL: any */
    clock_ms since;     /* wall clock; 0: always */
    uint64_t after;     /* numbers above this one */
    uint64_t until;     /* numbers up to this one; 0: no end */
} deadletter_filter;

/* The next that matches, in order of number, after `filter->after`; true and *out, or false.
 * With `remove` it is taken out. */
bool deadletters_next(deadletters *d, const deadletter_filter *filter, bool remove,
                      deadletter *out);
void deadletter_done(deadletter *l);

/* Put back what was taken out with `remove`, in its old place. */
void deadletters_restore(deadletters *d, const deadletter *l);

/* failed, rejected, stopped …; of a dead message. */
const char *deadletter_reason(const message *m);

/* The highest number given so far. */
uint64_t deadletters_last(deadletters *d);
size_t deadletters_count(deadletters *d);
/* Pushed out by newer ones, or lost for lack of memory, since the start. */
uint64_t deadletters_lost(deadletters *d);

#endif
