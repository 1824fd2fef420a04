/* One batch of one actor. */
#ifndef ACTOR_RUN_H
#define ACTOR_RUN_H

#include "libactor/worker.h"

typedef enum actor__after {
    ACTOR__IDLE, /* its mailbox is marked as empty: not to be touched any more */
    ACTOR__MORE, /* the batch is used up */
    ACTOR__GAP,  /* it can't go on before another thread has: to be run again later */
    ACTOR__GONE, /* it ended */
} actor__after;

actor__after actor__run(actor__worker *w, actor *a, unsigned batch);

#endif
