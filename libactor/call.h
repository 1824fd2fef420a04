/* actor_call(): a thread that is no worker waits for a reply. */
#ifndef ACTOR_CALL_H
#define ACTOR_CALL_H

#include "libactor/slot.h"

/* A message came to an empty port: wake its thread. */
void actor__call_wake(actor *port);

/* The thread ends: its port too. */
void actor__call_thread_ends(void);

#endif
