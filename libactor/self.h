/* What actors do to themselves, as far as other files need it. */
#ifndef ACTOR_SELF_H
#define ACTOR_SELF_H

#include "libactor/worker.h"

/* Only callbacks of the actor may touch it. */
#define ACTOR__CHECK_SELF(self)                                                                    \
    ACTOR__CHECK(actor__me.worker != NULL && actor__me.worker->current == (self),                  \
                 "an actor is touched by somebody else")

/* A message that somebody gives away though it is the runtime's: it may only be the one in hand of
 * the actor that runs on this thread, which takes it now. */
void actor__take_in_hand(const actor_msg *m);

void actor__unstash(actor *a);

/* As actor_started(), for lifecycle.c's own use too. */
void actor__lifecycle_started(actor *a);

#endif
