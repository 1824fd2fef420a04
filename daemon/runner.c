#include "daemon/runner.h"

#include "daemon/kind.h"
#include "daemon/log.h"

#include <stdlib.h>

enum { WAKE_AGAIN_MS = 50 };

/* ---- which there are ---- */

static runner *runner_new(unit *u, uint32_t number)
{
    runner *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->unit = u;
    r->number = number;
    atomic_init(&r->nudged, false);
    atomic_init(&r->kill_asked, false);
    r->state = UNIT_STOPPED;
    r->state_since = clock_now();
    return r;
}

bool unit_reserve(unit *u, uint32_t count)
{
    bool ok = true;
    actor_lock_take(&u->lock);
    if (count > u->runner_count) {
        runner **more = realloc(u->runners, count * sizeof *more);
        if (more)
            u->runners = more;
        while (more && u->runner_count < count &&
               (u->runners[u->runner_count] = runner_new(u, u->runner_count + 1)))
            u->runner_count++;
        ok = u->runner_count >= count;
    }
    actor_lock_give(&u->lock);
    return ok;
}

void unit_expect_runners(unit *u, uint32_t count)
{
    actor_lock_take(&u->lock);
    for (uint32_t i = 0; i < u->runner_count; i++)
        u->runners[i]->there = i < count;
    actor_lock_give(&u->lock);
}

void unit_free_runners(unit *u)
{
    for (uint32_t i = 0; i < u->runner_count; i++)
        free(u->runners[i]);
    free(u->runners);
}

runner *unit_runner(unit *u, uint32_t number)
{
    actor_lock_take(&u->lock);
    runner *r = u->runners[number - 1];
    actor_lock_give(&u->lock);
    return r;
}

void unit_sum_up(unit *u)
{
    const runner *best = u->runners[0];
    uint32_t incarnation = 0;
    for (uint32_t i = 0; i < u->runner_count; i++) {
        const runner *r = u->runners[i];
        if (!r->there)
            continue;
        if (!best->there || r->state < best->state ||
            (r->state == UNIT_BACKOFF && best->state == r->state &&
             r->next_start < best->next_start))
            best = r;
        if (r->incarnation > incarnation)
            incarnation = r->incarnation;
    }
    unit_state state = best->there ? best->state : UNIT_STOPPED;
    if (state != u->state)
        u->state_since = clock_now();
    u->state = state;
    u->next_start = best->next_start;
    u->incarnation = incarnation;
}

runner_counts unit_count_runners(const unit *u)
{
    runner_counts n = {0};
    for (uint32_t i = 0; i < u->runner_count; i++) {
        n.there += u->runners[i]->there;
        n.running += u->runners[i]->there && u->runners[i]->state == UNIT_RUNNING;
    }
    return n;
}

void runner_set_pid(runner *r, pid_t pid)
{
    actor_lock_take(&r->unit->lock);
    r->pid = pid;
    actor_lock_give(&r->unit->lock);
}

/* ---- who is woken ---- */

void runner_looked(unit *u, runner *r, bool room)
{
    if (room == r->free)
        return;
    r->free = room;
    if (room)
        TAILQ_INSERT_TAIL(&u->free, r, line);
    else
        TAILQ_REMOVE(&u->free, r, line);
}

/* Out of memory for the wake-up: let the alarm try again. */
static void wake_later(runner *r)
{
    unit *u = r->unit;
    log_warn("delivery", "out of memory: '%s' is woken later", u->name);
    actor_lock_take(&u->lock);
    runner_looked(u, r, true);
    u->nudge_missed = true;
    if (alarm_set(&u->alarm, clock_now() + WAKE_AGAIN_MS))
        unit_hold(u);
    actor_lock_give(&u->lock);
}

/* False: its actor is gone; a new one looks by itself. */
static bool wake(runner *r, actor_ref ref)
{
    if (atomic_exchange(&r->nudged, true))
        return true;
    actor_msg *msg = actor_msg_new(UNIT_MSG_NUDGE, 0);
    if (msg && actor_send(ref, &msg) == ACTOR_OK)
        return true;
    atomic_store(&r->nudged, false);
    if (!msg)
        wake_later(r);
    bool gone = msg != NULL;
    actor_msg_free(msg);
    return !gone;
}

void runner_nudge(runner *r)
{
    actor_lock_take(&r->unit->lock);
    actor_ref ref = r->ref;
    actor_lock_give(&r->unit->lock);
    wake(r, ref);
}

void unit_nudge(unit *u)
{
    for (bool again = true; again;) {
        actor_lock_take(&u->lock);
        runner *r = TAILQ_FIRST(&u->free);
        actor_ref ref = r ? r->ref : ACTOR_NONE;
        if (r)
            runner_looked(u, r, false);
        actor_lock_give(&u->lock);
        again = r && !wake(r, ref);
    }
}

void unit_nudge_all(unit *u)
{
    runner *r;
    for (uint32_t i = 0; !u->supervises; i++) {
        actor_lock_take(&u->lock);
        r = i < u->runner_count ? u->runners[i] : NULL;
        actor_ref ref = r && r->there ? r->ref : ACTOR_NONE;
        actor_lock_give(&u->lock);
        if (!r)
            return;
        if (!actor_ref_none(ref))
            wake(r, ref);
    }
}
