/* A message's place in the limiter of its unit: one for the whole series of its attempts, from the
 * first one's beginning to the final state, also while it waits for a retry (RT-58).
 *
 * A unit that gets another limiter gives all its places in the old one back at once: the places of
 * the messages are then of an earlier period, and mean nothing any more.
 */
#include "daemon/policy.h"
#include "daemon/unit.h"

bool unit_placed(const unit *u, const message *m)
{
    return m->place != 0 && m->place == u->place_period;
}

bool unit_enter(unit *u, message *m, clock_ms now)
{
    if (!u->limiter || unit_placed(u, m))
        return true;
    if (!policy_limiter_enter(u->limiter, &u->limiter_use, now))
        return false;
    m->place = u->place_period;
    u->places++;
    return true;
}

void unit_leave(unit *u, message *m)
{
    if (unit_placed(u, m)) {
        u->places--;
        policy_limiter_leave(u->limiter, 1);
    }
    m->place = 0;
}

void unit_leave_all(unit *u)
{
    if (u->places > 0)
        policy_limiter_leave(u->limiter, u->places);
    u->places = 0;
    u->place_period++;
}

/* Retries are put to the front of their priority, so it is found at once; only right after a
 * reload others may stand before it. */
message *unit_next_placed(unit *u, clock_ms now)
{
    message *m;
    if (u->places <= u->counters.running + u->counters.retrying)
        return NULL; /* none of them is in the mailbox */
    for (int i = UNIT_PRIORITIES; i-- > 0;)
        TAILQ_FOREACH(m, &u->mailbox[i], link)
    if (unit_placed(u, m) && (!m->deadline || m->deadline > now))
        return m;
    return NULL;
}
