/* A child has ended, or could not start: what follows. It is restarted, forgotten, or the
 * supervisor goes with it. */
#include "supervisors/tree.h"

#include <stdio.h>

/* After a refusal of the actor system, before the next try: not at once, whatever the backoff. */
#define REFUSED_WAIT ((actor_ms)10)

/* ---- Giving up --------------------------------------------------------------------------------
 */

static void blame(sup *s, const slot *c, const char *what)
{
    const char *reason = c->reason ? c->reason : actor_exit_name(c->exit);

    snprintf(s->culprit, sizeof s->culprit, "%s", c->pool->spec->id);
    snprintf(s->reason, sizeof s->reason, "child '%s' %s: %s", c->pool->spec->id, what, reason);
}

/* As one that was asked to, which only its own halt can say. */
static void end_as_requested(sup *s)
{
    (void)actor_fail(s->self, ACTOR_CONTINUE, "%s", s->reason);
    march_close(s);
    (void)actor_halt(actor_self(s->self), ACTOR_HOW_STOP);
}

static void trip(sup *s, slot *c)
{
    s->tripped = true;
    blame(s, c, "reached the restart limit");
    sup_publish(s, SUPERVISOR_TRIPPED, s->culprit);
    end_as_requested(s);
}

static void escalate(sup *s, slot *c)
{
    s->failed = true;
    blame(s, c, "escalated");
    sup_publish(s, SUPERVISOR_ESCALATED, s->culprit);
    march_close(s);
    s->verdict = actor_fail(s->self, ACTOR_FAIL_RESTART, "%s", s->reason);
}

/* The end of its significant children is the end of its work. */
static void shut_down(sup *s)
{
    s->auto_shutdown = true;
    end_as_requested(s);
}

void sup_start_failed(sup *s, slot *c)
{
    s->failed = true;
    blame(s, c, "failed to start");
    sup_publish(s, SUPERVISOR_START_FAILED, s->culprit);
    march_close(s);
}

/* ---- Restart or not ---------------------------------------------------------------------------
 */

static void restart(sup *s, slot *c)
{
    actor_ms now = sup_now(s);

    if (!budget_restart(&s->budget, now)) {
        trip(s, c);
        return;
    }
    c->restarts++;
    sup_budget_changed(s);
    actor_ms delay = backoff_failed(&c->track, &s->spec->flags.backoff, now, &s->random);
    if (c->refused && delay < REFUSED_WAIT)
        delay = REFUSED_WAIT;
    if (s->spec->flags.strategy != SUPERVISOR_ONE_FOR_ONE)
        march_group(s, c, delay);
    else if (delay > 0)
        slot_backoff(s, c, now + delay);
    else
        slot_start(s, c);
}

static bool ends_supervisor(const sup *s, const slot *c)
{
    if (!c->pool->spec->child.significant)
        return false;
    switch (s->spec->flags.auto_shutdown) {
    case SUPERVISOR_NEVER:
        break;
    case SUPERVISOR_ANY_SIGNIFICANT:
        return true;
    case SUPERVISOR_ALL_SIGNIFICANT:
        return s->significant_up == c->weighs; /* nobody but itself */
    }
    return false;
}

void sup_finished(sup *s, slot *c)
{
    bool last = ends_supervisor(s, c);

    if (last)
        blame(s, c, "is significant and has ended");
    slot_finish(s, c);
    if (last)
        shut_down(s);
}

static void start_by_call_failed(sup *s, slot *c)
{
    request *r = c->call;
    bool added = r->verb == VERB_ADD;
    bool fresh = r->verb == VERB_START || added;

    if (added) {
        c->pool->spec->child.instances--;
    } else if (fresh && !r->whole && c->pool->kept) {
        sup_spec_unlink(s->spec, c->pool->spec);
        c->pool->kept = false;
    }
    sup_request_fail(r, SUPERVISOR_EFAILED, c->reason ? c->reason : actor_exit_name(c->exit));
    slot_end(s, c, fresh || slot_temporary(c) ? AFTER_GONE : AFTER_STOPPED);
}

void sup_decide(sup *s, slot *c)
{
    if (c->failed_start && c->call)
        start_by_call_failed(s, c);
    else if (!c->failed_start && c->exit == ACTOR_EXIT_ESCALATE)
        escalate(s, c);
    else if (slot_wants_restart(c))
        restart(s, c);
    else
        sup_finished(s, c);
}
