/* All memory of the runtime but messages: so that a simulation can refuse it. */
#ifndef ACTOR_MEMORY_H
#define ACTOR_MEMORY_H

#include "libactor/base.h"
#include "libactor/thread.h"

/* Decides for actor__thread.deny whether this allocation fails. */
bool actor__memory_denied(void);

/* Zeroed. NULL when out of memory. */
void *actor__alloc(size_t size);
/* Larger or smaller; the added part is not initialised. NULL: the old block is as it was. */
void *actor__realloc(void *old, size_t size);
/* A copy of the text. */
char *actor__strdup(const char *text);

static inline bool actor__alloc_fails(void)
{
    return UNLIKELY(actor__me.deny.ppm != 0) && actor__memory_denied();
}

#endif
