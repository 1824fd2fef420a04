#include "libactor/trim.h"

#include "libactor/clock.h"
#include "libactor/futex.h"
#include "libactor/pool.h"
#include "libactor/table.h"

#define TRIM_MS 1000
#define WANTED  1

_Atomic int64_t actor__trim_at;

static _Atomic bool worked; /* something was to be given back, this time */

static void mark(void)
{
    actor__pool_trim_mark();
    actor__table_trim_mark();
}

static void empty_hands(void)
{
    actor__pool_empty_magazines();
    actor__slot_give_free();
}

static bool step(void)
{
    return actor__pool_trim_step() || actor__table_trim_step();
}

/* Set the time if nobody has. */
static int64_t arm(void)
{
    int64_t at = load_relaxed(&actor__trim_at);

    if (at == WANTED) {
        int64_t then = actor__clock_ns() + TRIM_MS * (int64_t)ACTOR__NS_PER_MS;

        if (atomic_compare_exchange_strong(&actor__trim_at, &at, then)) {
            mark();
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
    /* What was in use a moment ago may keep whole units from going: it goes the next time. And who
     * freed something meanwhile may have seen the old time; now the locks order us. */
    bool rest = atomic_exchange(&worked, false);

    if (actor__pool_swollen(rest) || actor__table_swollen(rest))
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
    empty_hands();
    if (step()) {
        store_relaxed(&worked, true);
        return true;
    }
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
    mark();
    empty_hands();
    while (step())
        ;
}
