/* The daemon's two clocks, in milliseconds. Everything that waits uses the monotonic one. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <stdint.h>
#include <time.h>

typedef int64_t clock_ms;

static inline clock_ms clock_read(clockid_t which)
{
    struct timespec t = {0};
    clock_gettime(which, &t); /* can't fail for these two clocks */
    return (clock_ms)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Virtual time, for tests: what the monotonic clock shows, in ms; NULL: the system's. Not to be
 * changed while other threads run. */
extern const clock_ms *clock_virtual;

static inline clock_ms clock_now(void)
{
    return clock_virtual ? *clock_virtual : clock_read(CLOCK_MONOTONIC);
}

/* The monotonic clock in nanoseconds, for measuring. */
static inline int64_t clock_ns(void)
{
    struct timespec t = {0};
    if (clock_virtual)
        return *clock_virtual * 1000000;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Since 1970 UTC; for people only. */
static inline clock_ms clock_wall(void)
{
    return clock_read(CLOCK_REALTIME);
}

/* Microseconds of a configuration as milliseconds, rounded up so that nothing ends early. */
static inline clock_ms clock_from_us(int64_t us)
{
    return us <= 0 ? us : (us - 1) / 1000 + 1;
}

#define CLOCK_TEXT 32 /* "2026-01-01T00:00:00.000Z" */

/* RFC 3339 in UTC, to the millisecond. Returns `out`. */
const char *clock_format(clock_ms wall, char out[CLOCK_TEXT]);

#endif
