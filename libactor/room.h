/* Telling producers when a bounded mailbox has room again. The essay is in room.c. */
#ifndef ACTOR_ROOM_H
#define ACTOR_ROOM_H

#include "libactor/msg.h"

/* Who waits for room in a mailbox. The consumer's. */
typedef struct actor__crowd {
    actor_msg *last; /* requests, a list by its last */
    uint32_t count;  /* of them */
    uint32_t living; /* so many were left by the last sweep */
    uint64_t turn;   /* those told last have had their turn when so many are handled */
} actor__crowd;

/* A request reached its target. */
void actor__room_accept(actor *a, actor_msg *m);

/* Tell those whose turn it is. `idle`: nothing can be handled now. True: the mailbox is empty, and
 * the next ones are told when others have run. */
bool actor__room_look(actor *a, bool idle);

/* Whether somebody waits. */
bool actor__room_wanted(const actor *a);

/* The request `m` goes home: `target` has ended. */
void actor__room_refuse(actor_msg *m, actor_ref target);

/* The actor has ended: tell everybody. `was` is its reference. */
void actor__room_ended(actor *a, actor_ref was);

/* A notice reached the producer. Whether it is of the incarnation that asked. */
bool actor__room_current(const actor *a, const actor_msg *m);

/* What is left when the slot is buried. */
void actor__crowd_free(actor__crowd *crowd);

#endif
