/* Watching: whom an actor watches, and by whom it is watched.
 *
 * The WATCH message is kept by its target as the record of the watcher, and goes home as the DOWN
 * message when the target ends: so the end of an actor needs no memory. The watcher knows what it
 * watches by a set; a DOWN whose id is not there any more (unwatched, or of an earlier incarnation)
 * falls to the ground.
 */
#ifndef ACTOR_WATCH_H
#define ACTOR_WATCH_H

#include "libactor/msg.h"

typedef struct actor__watch {
    struct actor__watch *chain;       /* in its bucket */
    struct actor__watch *next, *prev; /* in order of watching */
    actor_ref target;
    uint64_t id;
    actor_msg *record; /* the WATCH message; only its address counts: it is the target's */
    bool restarts;
} actor__watch;

typedef struct actor__watches {
    actor__watch **buckets;
    uint32_t size; /* of buckets: 0 or a power of two */
    uint32_t count;
    actor__watch *first, *last;
    uint64_t ids; /* given so far, in all incarnations */
} actor__watches;

/* A WATCH or UNWATCH message reached its target. */
void actor__watch_accept(actor *a, actor_msg *m);

/* A DOWN message reached the watcher. True: to be handled; false: nobody wants it any more. */
bool actor__watch_wanted(actor *a, actor_msg *m);

/* The record `m` goes home: `target` has ended. */
void actor__watch_answer(actor_msg *m, actor_ref target, actor_exit why);

/* The actor began another incarnation: tell those who asked for it. */
void actor__watch_restarted(actor *a);
/* The actor has ended: tell everybody. `was` is its reference. */
void actor__watch_ended(actor *a, actor_ref was);
/* The incarnation is over: it watches nobody. */
void actor__watch_clear(actor *a);

void actor__watches_free(actor__watches *watches);

#endif
