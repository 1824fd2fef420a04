/* Messages that nobody will handle. */
#ifndef ACTOR_DEAD_H
#define ACTOR_DEAD_H

#include "libactor/slot.h"

/* A user message goes to the system's hook and is freed unless the hook took it; one of the
 * runtime's is answered or dropped. `m` is in no queue. */
void actor__dead_letter(actor_system *sys, actor_ref to, actor_msg *m, actor_err why);

/* The same for one that waited in the actor's own mailbox: gives its place back. */
void actor__dead_waiting(actor *a, actor_msg *m, actor_err why);

/* After the grace period: late messages of an ended actor are dead letters, and what producers
 * could still have looked at is freed. */
void actor__dead_bury(actor *a);

#endif
