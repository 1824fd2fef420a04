#include "libactor/clock.h"

#include <time.h>

#include "libactor/base.h"

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t) != 0)
        actor__panic("no monotonic clock");
    return (int64_t)t.tv_sec * 1000 * ACTOR__NS_PER_MS + t.tv_nsec;
}

int64_t actor__clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t actor__clock_coarse_late_ns(void)
{
    /* It is behind by up to a tick of the kernel: 10 ms where that is slowest. */
    return read_clock(CLOCK_MONOTONIC_COARSE) + 10 * (int64_t)ACTOR__NS_PER_MS;
}
