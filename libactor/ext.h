/* The part of an actor that most actors don't need, allocated when they do. The consumer's, but
 * for `locked`. Freed when the slot is buried, since late producers may look at `locked`. */
#ifndef ACTOR_EXT_H
#define ACTOR_EXT_H

#include "libactor/ask.h"
#include "libactor/lanes.h"
#include "libactor/room.h"
#include "libactor/watch.h"

typedef struct actor__ext {
    void (*free_arg)(void *arg);
    actor_msg *stash; /* a list by its last */
    uint32_t stash_count;
    uint32_t stash_capacity;  /* 0: unbounded */
    actor_msg *returned_last; /* the message put back last that still waits, if known */
    actor__asks asks;
    actor_timer *timers;    /* of this incarnation */
    actor__watches watches; /* whom it watches */
    actor_msg *notices;     /* reserved blocks for the supervisor, by `next` */
    uint32_t notice_count;
    char *reason;          /* text of actor_fail(), or NULL */
    actor__locked *locked; /* if actor.locked */
    actor__crowd crowd;    /* who waits for room; of bounded mailboxes */
} actor__ext;

/* NULL when out of memory. */
actor__ext *actor__ext_of(actor *a);

void actor__ext_free(actor *a);

#endif
