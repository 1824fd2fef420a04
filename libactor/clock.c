#include "libactor/clock.h"

#include <time.h>

#include "libactor/base.h"

int64_t actor__clock_ns(void)
{
    struct timespec t;

    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
        actor__panic("no monotonic clock");
    return (int64_t)t.tv_sec * 1000 * ACTOR__NS_PER_MS + t.tv_nsec;
}
