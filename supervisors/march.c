#include "supervisors/tree.h"

bool march_goes(const sup *s)
{
    return s->mode == SUP_STARTING || s->mode == SUP_GROUP_DOWN || s->mode == SUP_GROUP_UP;
}

bool march_will_start(const sup *s, const slot *c)
{
    return s->mode == SUP_GROUP_DOWN && c->due;
}

void march_forget(sup *s, const slot *c)
{
    bool last_of_march = c == s->group_first && s->mode == SUP_GROUP_DOWN;

    if (s->cursor == c) {
        if (s->mode == SUP_STARTING || s->mode == SUP_GROUP_UP)
            s->cursor = c->next;
        else
            s->cursor = last_of_march ? NULL : c->prev;
    }
    if (s->group_first == c)
        s->group_first = c->next;
    if (s->pivot == c)
        s->pivot = NULL;
}

void march_reordered(sup *s)
{
    if (s->mode != SUP_GROUP_WAIT)
        return;
    s->group_first = s->first;
    while (s->group_first && !s->group_first->due)
        s->group_first = s->group_first->next;
}

/* ---- Up ---------------------------------------------------------------------------------------
 */

void march_start_all(sup *s)
{
    for (slot *c = s->first; c; c = c->next) {
        slot_publish(s, c, false);
        c->due = true;
    }
    s->mode = SUP_STARTING;
    s->cursor = s->first;
}

/* A child's instances start side by side; the march then waits for each. */
static void start_due(sup *s, slot *c)
{
    for (; c; c = slot_peer(c)) {
        if (!c->due || !(slot_is_down(c) || c->state == SLOT_STOPPED))
            continue;
        c->due = false;
        slot_start(s, c);
    }
}

void march_group_up(sup *s)
{
    if (s->pivot && s->pivot->state == SLOT_BACKOFF)
        slot_wait(s, s->pivot);
    s->mode = SUP_GROUP_UP;
    s->cursor = s->group_first;
    if (!s->group_first)
        return;
    /* The rest also waits for peers that are none of the group and still start. */
    start_due(s, s->group_first);
    s->cursor = s->group_first->pool->first;
}

static void top_reached(sup *s)
{
    bool first = s->mode == SUP_STARTING;

    s->mode = SUP_RUNNING;
    s->group_first = NULL;
    s->pivot = NULL;
    if (first)
        sup_started(s);
}

/* One step; false when there is something to wait for. */
static bool step_up(sup *s)
{
    slot *c = s->cursor;

    if (!c) {
        top_reached(s);
    } else if (c->due) {
        if (c->state == SLOT_HALTING || c->state == SLOT_ENDING)
            return false;
        start_due(s, c);
        c->due = false;
    } else if (c->state == SLOT_STARTING) {
        return false;
    } else if (c->state == SLOT_CRASHED && c->failed_start && !c->call) {
        if (s->mode == SUP_STARTING)
            sup_start_failed(s, c);
        else
            sup_decide(s, c);
    } else {
        s->cursor = c->next;
    }
    return true;
}

/* ---- Down -------------------------------------------------------------------------------------
 */

void march_group(sup *s, slot *pivot, actor_ms delay)
{
    actor_ms due = sup_now(s) + delay;
    slot *from = s->first;

    if (s->spec->flags.strategy != SUPERVISOR_ONE_FOR_ALL) {
        slot_to_back(s, pivot); /* its peers aren't the rest */
        from = pivot;
    }

    /* A crash before a group that waits makes the group longer, and its wait. */
    if (s->mode == SUP_GROUP_WAIT) {
        if (s->group_first && s->group_first->rank < from->rank)
            from = s->group_first;
        if (s->group_due > due)
            due = s->group_due;
        if (s->pivot && s->pivot->state == SLOT_BACKOFF && s->pivot != pivot) {
            slot *other = s->pivot;
            s->pivot = NULL;
            slot_wait(s, other);
        }
    }
    s->pivot = pivot;
    s->group_first = from;
    s->group_due = due;
    for (slot *c = from; c; c = c->next)
        c->due = !slot_temporary(c) && !(c->state == SLOT_ENDING && c->after == AFTER_GONE);
    slot_wait(s, pivot);
    s->mode = SUP_GROUP_DOWN;
    s->cursor = s->last;
}

static void group_is_down(sup *s)
{
    s->mode = SUP_GROUP_WAIT;
    if (s->pivot && sup_now(s) < s->group_due)
        slot_backoff(s, s->pivot, s->group_due);
    else
        march_group_up(s);
}

static void take_down(sup *s, slot *c)
{
    if (slot_temporary(c)) {
        slot_end(s, c, AFTER_GONE);
    } else if (c->state == SLOT_RUNNING || c->state == SLOT_STARTING) {
        slot_halt(s, c, AFTER_WAITING);
    } else if (c->state == SLOT_CRASHED && !c->failed_start && c->exit == ACTOR_EXIT_STOP) {
        sup_finished(s, c);
    } else {
        slot_wait(s, c);
    }
}

/* Its peers, as far as they belong to the group, stop side by side with c. */
static void take_down_peers(sup *s, slot *c)
{
    for (slot *p = c; p != s->group_first && (p = slot_peer_before(p));)
        if (p->state == SLOT_RUNNING || p->state == SLOT_STARTING)
            take_down(s, p);
}

static bool step_down(sup *s)
{
    slot *c = s->cursor;

    if (!c) {
        group_is_down(s);
        return true;
    }
    switch (c->state) {
    case SLOT_HALTING:
        if (!slot_temporary(c)) {
            c->after = AFTER_WAITING;
            return false;
        }
        slot_answer(c, SUPERVISOR_ESTOPPED, NULL);
        slot_end(s, c, AFTER_GONE);
        return false;
    case SLOT_ENDING:
        return false;
    case SLOT_RUNNING:
    case SLOT_STARTING:
    case SLOT_CRASHED:
    case SLOT_BACKOFF:
        take_down_peers(s, c);
        take_down(s, c);
        return true;
    case SLOT_WAITING:
        if (!slot_temporary(c)) /* it has become one while it waited */
            break;
        take_down(s, c);
        return true;
    case SLOT_STOPPED:
    case SLOT_STATES:
        break;
    }
    s->cursor = c == s->group_first ? NULL : c->prev;
    return true;
}

/* ---- For good ---------------------------------------------------------------------------------
 */

/* They don't come back with the supervisor. The others of the kind are told of when they end. */
static void forget_stopped(sup *s)
{
    for (slot *c = s->first, *next; c; c = next) {
        next = c->next;
        if (c->state == SLOT_STOPPED && !c->pool->kept)
            slot_forget(s, c);
    }
}

void march_close(sup *s)
{
    if (s->mode >= SUP_CLOSING)
        return;
    s->mode = SUP_CLOSING;
    s->group_first = NULL;
    s->pivot = NULL;
    forget_stopped(s);
    s->cursor = s->last;
    sup_call_refuse_all(s);
}

void march_kill(sup *s)
{
    march_close(s);
    for (slot *c = s->last; c; c = c->prev)
        slot_kill(s, c);
}

static void end_with_peers(sup *s, slot *c)
{
    for (; c; c = slot_peer_before(c))
        if (c->state != SLOT_ENDING && c->state != SLOT_STOPPED)
            slot_end(s, c, AFTER_STOPPED);
}

static bool step_closing(sup *s)
{
    slot *c = s->cursor;

    if (!c)
        sup_closed(s);
    else if (c->state == SLOT_ENDING)
        return false;
    else if (c->state == SLOT_STOPPED)
        s->cursor = c->prev;
    else
        end_with_peers(s, c);
    return true;
}

void march_step(sup *s)
{
    for (bool moved = true; moved;) {
        switch (s->mode) {
        case SUP_STARTING:
        case SUP_GROUP_UP:
            moved = step_up(s);
            break;
        case SUP_GROUP_DOWN:
            moved = step_down(s);
            break;
        case SUP_CLOSING:
            moved = step_closing(s);
            break;
        case SUP_GROUP_WAIT:
            moved = s->pivot == NULL;
            if (moved)
                march_group_up(s);
            break;
        case SUP_RUNNING:
        case SUP_CLOSED:
            return;
        }
    }
}
