#include "libactor/trim.h"

#include "libactor/clock.h"
#include "libactor/futex.h"
#include "libactor/pool.h"

#define TRIM_MS 1000
#define WANTED  1

_Atomic int64_t actor__trim_at;

/* Set the time if nobody has. */
static int64_t arm(void)
{
    int64_t at = load_relaxed(&actor__trim_at);

    if (at == WANTED) {
        int64_t then = actor__clock_ns() + TRIM_MS * (int64_t)ACTOR__NS_PER_MS;

        if (atomic_compare_exchange_strong(&actor__trim_at, &at, then)) {
            actor__pool_trim_mark();
            at = then;
        }
    }
    return at;
}

/* This thread did all that there was to do at `at`. */
static void done(int64_t at)
{
    if (!atomic_compare_exchange_strong(&actor__trim_at, &at, 0))
        return; /* another was faster */
    /* Who freed something meanwhile may have seen the old time; now the depots' locks order us. */
    if (actor__pool_swollen())
        actor__trim_want();
}

bool actor__trim_step(void)
{
    int64_t *at = &actor__me.trim_at;

    if (LIKELY(*at == 0 && load_relaxed(&actor__trim_at) == 0))
        return false;
    if (*at == 0)
        *at = arm();
    if (actor__clock_ns() < *at)
        return false;
    actor__pool_empty_magazines();
    if (actor__pool_trim_step())
        return true;
    done(*at);
    *at = arm();
    return false;
}

int64_t actor__trim_due(void)
{
    int64_t at = actor__me.trim_at;

    return at == 0 ? ACTOR__FOREVER : at;
}

void actor__trim_all(void)
{
    actor__pool_trim_mark();
    actor__pool_empty_magazines();
    while (actor__pool_trim_step())
        ;
}
