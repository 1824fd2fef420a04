#include "supervisors/budget.h"

#include <stdlib.h>

static bool valid(int32_t limit, actor_ms period)
{
    if (limit == BUDGET_UNLIMITED)
        return true;
    return limit >= 0 && limit <= BUDGET_MAX && period > 0;
}

/* Room for `limit` stamps; one at least, so that there is always a ring. */
static uint32_t room_for(int32_t limit)
{
    return limit > 0 ? (uint32_t)limit : 1;
}

static void forget_old(budget *b, actor_ms now)
{
    while (b->count > 0 && now - b->stamps[b->first] >= b->period) {
        b->first = (b->first + 1) % b->room;
        b->count--;
    }
}

supervisor_err budget_init(budget *b, int32_t limit, actor_ms period)
{
    if (!valid(limit, period))
        return SUPERVISOR_EINVAL;
    actor_ms *stamps = malloc(room_for(limit) * sizeof *stamps);
    if (!stamps)
        return SUPERVISOR_ENOMEM;
    *b = (budget){.limit = limit, .period = period, .stamps = stamps, .room = room_for(limit)};
    return SUPERVISOR_OK;
}

void budget_fini(budget *b)
{
    if (!b)
        return;
    free(b->stamps);
    *b = (budget){0};
}

supervisor_err budget_set(budget *b, int32_t limit, actor_ms period, actor_ms now)
{
    if (!valid(limit, period))
        return SUPERVISOR_EINVAL;
    forget_old(b, now);
    /* Also those beyond a lower limit: it may be raised again. */
    uint32_t room = room_for(limit) > b->count ? room_for(limit) : b->count;
    actor_ms *stamps = malloc(room * sizeof *stamps);
    if (!stamps)
        return SUPERVISOR_ENOMEM;
    for (uint32_t i = 0; i < b->count; i++)
        stamps[i] = b->stamps[(b->first + i) % b->room];
    free(b->stamps);
    *b = (budget){limit, period, stamps, room, 0, b->count};
    return SUPERVISOR_OK;
}

bool budget_restart(budget *b, actor_ms now)
{
    if (b->limit == BUDGET_UNLIMITED)
        return true;
    forget_old(b, now);
    if (b->count >= (uint32_t)b->limit)
        return false;
    b->stamps[(b->first + b->count) % b->room] = now;
    b->count++;
    return true;
}

uint32_t budget_used(budget *b, actor_ms now)
{
    if (b->limit == BUDGET_UNLIMITED)
        return 0;
    forget_old(b, now);
    return b->count;
}

actor_ms budget_next_expiry(const budget *b)
{
    if (b->limit == BUDGET_UNLIMITED || b->count == 0)
        return BUDGET_NEVER;
    return b->stamps[b->first] + b->period;
}
