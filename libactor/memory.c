#include "libactor/memory.h"

#include <stdlib.h>
#include <string.h>

bool actor__memory_denied(void)
{
    return actor__rng_below(actor__me.deny.rng, 1000000) < actor__me.deny.ppm;
}

void *actor__alloc(size_t size)
{
    return actor__alloc_fails() ? NULL : calloc(1, size);
}

void *actor__realloc(void *old, size_t size)
{
    return actor__alloc_fails() ? NULL : realloc(old, size);
}

char *actor__strdup(const char *text)
{
    return actor__alloc_fails() ? NULL : strdup(text);
}
