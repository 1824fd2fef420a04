#include "supervisors/tree.h"

#include <stdlib.h>
#include <string.h>

/* ---- Looking ----------------------------------------------------------------------------------
 */

bool slot_is_down(const slot *c)
{
    return c->state == SLOT_CRASHED || c->state == SLOT_BACKOFF || c->state == SLOT_WAITING;
}

bool slot_temporary(const slot *c)
{
    return c->pool->spec->child.restart == SUPERVISOR_TEMPORARY;
}

bool slot_wants_restart(const slot *c)
{
    supervisor_restart type = c->pool->spec->child.restart;

    if (c->failed_start)
        return !c->call && type != SUPERVISOR_TEMPORARY;
    switch (c->exit) {
    case ACTOR_EXIT_NORMAL:
    case ACTOR_EXIT_REQUESTED:
        return type == SUPERVISOR_PERMANENT;
    case ACTOR_EXIT_STOP:
        return false;
    case ACTOR_EXIT_CRASH:
    case ACTOR_EXIT_KILLED:
    case ACTOR_EXIT_ESCALATE:
        break;
    }
    return type != SUPERVISOR_TEMPORARY;
}

supervisor_child_state slot_public_state(const sup *s, const slot *c)
{
    switch (c->state) {
    case SLOT_STARTING:
        return SUPERVISOR_CHILD_STARTING;
    case SLOT_RUNNING:
        return SUPERVISOR_CHILD_RUNNING;
    case SLOT_HALTING:
    case SLOT_ENDING:
        return SUPERVISOR_CHILD_STOPPING;
    case SLOT_CRASHED:
        if (slot_wants_restart(c) && s->mode < SUP_CLOSING)
            return SUPERVISOR_CHILD_RESTARTING;
        return SUPERVISOR_CHILD_STOPPING;
    case SLOT_BACKOFF:
        return SUPERVISOR_CHILD_BACKOFF;
    case SLOT_WAITING:
        if (s->mode >= SUP_CLOSING)
            return SUPERVISOR_CHILD_STOPPING;
        return c == s->pivot ? SUPERVISOR_CHILD_RESTARTING : SUPERVISOR_CHILD_WAITING;
    case SLOT_STOPPED:
    case SLOT_STATES:
        break;
    }
    return SUPERVISOR_CHILD_STOPPED;
}

/* SUP-81. A kill is expected of `shutdown: kill`, and not when the time to stop ran out. */
static bool expected(const slot *c)
{
    const supervisor_child *child = &c->pool->spec->child;
    bool asked = c->state == SLOT_HALTING || c->state == SLOT_ENDING;
    bool killing = child->shutdown == SUPERVISOR_KILL || (c->call && c->call->verb == VERB_KILL);

    switch (c->exit) {
    case ACTOR_EXIT_NORMAL:
        return child->restart != SUPERVISOR_PERMANENT;
    case ACTOR_EXIT_REQUESTED:
        return asked || child->restart != SUPERVISOR_PERMANENT;
    case ACTOR_EXIT_KILLED:
        return asked && killing;
    case ACTOR_EXIT_STOP:
    case ACTOR_EXIT_CRASH:
    case ACTOR_EXIT_ESCALATE:
        break;
    }
    return false;
}

/* Nothing of its child is left after it. When a supervisor closes, the slots of what doesn't come
 * back with it stay, stopped. */
static bool is_last(const sup *s, const slot *c)
{
    const slot *peer = c->pool->first;

    if (c->pool->count == 1 || s->mode != SUP_CLOSING || c->pool->kept)
        return c->pool->count == 1;
    while (peer && (peer == c || peer->state == SLOT_STOPPED))
        peer = slot_peer(peer);
    return !peer;
}

/* `last`: of GONE, nothing of its child is left. */
static void publish_as(const sup *s, const slot *c, supervisor_child_state state, bool ended,
                       bool last)
{
    const supervisor_observer *o = &s->spec->observer;
    if (!o->child)
        return;
    supervisor_child_event event = {
        .supervisor = actor_self(s->self),
        .id = c->pool->spec->id,
        .tag = c->pool->spec->child.tag,
        .instance = c->number,
        .last = last,
        .surplus = state == SUPERVISOR_CHILD_STOPPING && c->surplus,
        .ref = c->ref,
        .state = state,
        .up = c->incarnated,
        .closing = s->mode >= SUP_CLOSING,
        .incarnation = c->incarnation,
        .restarts = c->restarts,
        .ended = ended,
        .exit = c->exit,
        .expected = ended && expected(c),
        .reason = ended && c->reason ? c->reason : "",
        .next_start = c->next_start,
    };
    o->child(o->user, &event);
}

void slot_publish(const sup *s, const slot *c, bool ended)
{
    publish_as(s, c, slot_public_state(s, c), ended, false);
}

/* A reason that memory is missing for is lost: it is only for people. */
void slot_remember(slot *c, actor_exit exit, const char *reason)
{
    c->exit = exit;
    free(c->reason);
    c->reason = reason && *reason ? strdup(reason) : NULL;
}

/* ---- Steps ------------------------------------------------------------------------------------
 */

static bool slot_timer(sup *s, slot *c, actor_ms delay)
{
    actor_timer_cancel(s->self, &c->timer);
    return actor_after(s->self, delay, ACTOR_MSG_TIMER, (uint64_t)(uintptr_t)c, &c->timer) ==
           ACTOR_OK;
}

static void leave_queue(sup *s, slot *c)
{
    if (!c->crash_prev && s->crashed_first != c)
        return;
    *(c->crash_prev ? &c->crash_prev->crash_next : &s->crashed_first) = c->crash_next;
    *(c->crash_next ? &c->crash_next->crash_prev : &s->crashed_last) = c->crash_prev;
    c->crash_prev = c->crash_next = NULL;
}

slot *slot_next_crashed(sup *s)
{
    slot *c = s->crashed_first;
    if (c)
        leave_queue(s, c);
    return c;
}

void slot_weigh(sup *s, slot *c)
{
    bool weighs =
        c->pool->spec->child.significant && c->state != SLOT_STOPPED && c->state != SLOT_ENDING;

    s->significant_up += weighs;
    s->significant_up -= c->weighs;
    c->weighs = weighs;
}

static void set_state(sup *s, slot *c, slot_state state)
{
    c->state = state;
    slot_weigh(s, c);
}

/* Leave the state: its timer and its queue go with it. */
static void enter(sup *s, slot *c, slot_state state)
{
    actor_timer_cancel(s->self, &c->timer);
    leave_queue(s, c);
    set_state(s, c, state);
}

static actor_err spawn(sup *s, slot *c)
{
    const supervisor_child *child = &c->pool->spec->child;
    actor_spec spec = {
        .behaviour = child->behaviour,
        .arg = child->instance_arg ? child->instance_arg(child->arg, c->number) : child->arg,
        .supervisor = actor_self(s->self),
        .capacity = child->capacity,
        .on_full = child->on_full,
        .stash_capacity = child->stash_capacity,
    };
    actor_err err = actor_spawn(actor_self_system(s->self), &spec, &c->ref);
    if (err != ACTOR_OK)
        return err;
    c->live = child_spec_ref(c->pool->spec);
    sup_map_add(&s->refs, &c->by_ref, sup_map_hash_ref(c->ref));
    return ACTOR_OK;
}

void slot_actor_gone(sup *s, slot *c)
{
    if (actor_ref_none(c->ref))
        return;
    sup_map_remove(&s->refs, &c->by_ref);
    c->ref = ACTOR_NONE;
    c->over = 0;
    child_spec_unref(c->live);
    c->live = NULL;
}

void slot_start(sup *s, slot *c)
{
    enter(s, c, SLOT_STARTING);
    c->due = false;
    c->timed_out = false;
    c->called_off = false;
    c->refused = false;
    c->incarnation++;
    for (;;) {
        actor_err err = actor_ref_none(c->ref) ? spawn(s, c) : ACTOR_OK;
        if (err != ACTOR_OK) {
            c->refused = true;
            slot_remember(c, ACTOR_EXIT_CRASH, actor_strerror(err));
            slot_crash(s, c, true);
            return;
        }
        slot_publish(s, c, false);
        if (actor_start(c->ref) == ACTOR_OK)
            break;
        slot_actor_gone(s, c); /* somebody else has ended it: begin with a new one */
    }
    if (c->pool->spec->child.start_timeout > 0)
        (void)slot_timer(s, c, c->pool->spec->child.start_timeout); /* without memory: no bound */
}

/* Ask for the end of what runs, and give it its time. */
static void ask_to_stop(sup *s, slot *c, actor_err (*gently)(actor_ref), bool end)
{
    actor_ms shutdown = c->pool->spec->child.shutdown;
    bool patient = shutdown == SUPERVISOR_INFINITY;

    if (shutdown > 0)
        patient = slot_timer(s, c, shutdown); /* without memory: no mercy */
    if (patient)
        (void)gently(c->ref);
    else if (end)
        (void)actor_kill(c->ref);
    else
        (void)actor_halt(c->ref, ACTOR_HOW_KILL);
}

static actor_err halt_gently(actor_ref ref)
{
    return actor_halt(ref, ACTOR_HOW_STOP);
}

void slot_will_halt(slot *c)
{
    actor_info info;

    if (c->state == SLOT_STARTING && actor_inspect(c->ref, &info) == ACTOR_OK)
        c->called_off = info.incarnation == c->over;
}

bool slot_is_echo(const slot *c, const actor_notice *n)
{
    actor_info info;
    bool old = n->kind != ACTOR_NOTICE_ENDED && n->incarnation <= c->over;

    if (!old || !c->called_off)
        return old;
    /* Called off, or an echo while the start goes on? */
    return actor_inspect(c->ref, &info) == ACTOR_OK && info.incarnation != c->over;
}

void slot_halt(sup *s, slot *c, slot_after after)
{
    slot_will_halt(c);
    enter(s, c, SLOT_HALTING);
    c->after = after;
    slot_publish(s, c, false);
    ask_to_stop(s, c, halt_gently, false);
}

void slot_end(sup *s, slot *c, slot_after after)
{
    slot_state before = c->state;

    c->after = after;
    c->due = false;
    if (c == s->pivot)
        s->pivot = NULL;
    if (before == SLOT_HALTING) { /* its timer goes on */
        set_state(s, c, SLOT_ENDING);
        (void)actor_stop(c->ref);
        return;
    }
    enter(s, c, SLOT_ENDING);
    if (actor_ref_none(c->ref)) {
        slot_ended(s, c);
        return;
    }
    slot_publish(s, c, false);
    if (before == SLOT_RUNNING || before == SLOT_STARTING)
        ask_to_stop(s, c, actor_stop, true);
    else
        (void)actor_stop(c->ref);
}

void slot_finish(sup *s, slot *c)
{
    slot_end(s, c, slot_temporary(c) ? AFTER_GONE : AFTER_STOPPED);
}

void slot_kill(sup *s, slot *c)
{
    if (actor_ref_none(c->ref))
        return;
    if (c->state != SLOT_ENDING) {
        enter(s, c, SLOT_ENDING);
        c->after = AFTER_STOPPED;
        slot_publish(s, c, false);
    }
    (void)actor_kill(c->ref);
}

void slot_ended(sup *s, slot *c)
{
    bool gone = c->after == AFTER_GONE;
    bool forgotten = gone || (s->mode == SUP_CLOSING && !c->pool->kept);

    enter(s, c, SLOT_STOPPED);
    publish_as(s, c, forgotten ? SUPERVISOR_CHILD_GONE : SUPERVISOR_CHILD_STOPPED, false,
               forgotten && is_last(s, c));
    slot_answer(c, SUPERVISOR_OK, NULL);
    slot_settled(s, c);
    if (gone)
        slot_free(s, c);
}

void slot_forget(sup *s, slot *c)
{
    publish_as(s, c, SUPERVISOR_CHILD_GONE, false, c->pool->count == 1);
    slot_free(s, c);
}

void slot_wait(sup *s, slot *c)
{
    enter(s, c, SLOT_WAITING);
    slot_publish(s, c, false);
    slot_settled(s, c);
}

void slot_crash(sup *s, slot *c, bool failed_start)
{
    enter(s, c, SLOT_CRASHED);
    c->failed_start = failed_start;
    c->crash_prev = s->crashed_last;
    *(s->crashed_last ? &s->crashed_last->crash_next : &s->crashed_first) = c;
    s->crashed_last = c;
    slot_killed(c);
    slot_publish(s, c, true);
    slot_settled(s, c);
}

void slot_backoff(sup *s, slot *c, actor_ms until)
{
    enter(s, c, SLOT_BACKOFF);
    c->next_start = until;
    slot_publish(s, c, false);
    actor_ms delay = until - sup_now(s);
    if (!slot_timer(s, c, delay > 0 ? delay : 0))
        slot_backoff_over(s, c); /* no memory to wait with */
}

void slot_backoff_over(sup *s, slot *c)
{
    if (c == s->pivot && s->mode == SUP_GROUP_WAIT)
        march_group_up(s);
    else if (march_will_start(s, c))
        slot_wait(s, c);
    else
        slot_start(s, c);
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

void slot_answer(slot *c, supervisor_err err, const char *reason)
{
    request *r = c->call;

    c->call = NULL;
    if (r)
        sup_request_answer(r, err, c->ref, reason);
}

void slot_killed(slot *c)
{
    if (c->call && c->call->verb == VERB_KILL)
        slot_answer(c, SUPERVISOR_OK, NULL);
}

void slot_settled(sup *s, slot *c)
{
    bool gone = c->state == SLOT_STOPPED && c->after == AFTER_GONE;

    for (request *r; (r = sup_request_pop(&c->waiters));) {
        bool done =
            r->verb == VERB_KILL || (gone && (r->verb == VERB_STOP || r->verb == VERB_DROP));
        if (done)
            sup_request_answer(r, SUPERVISOR_OK, ACTOR_NONE, NULL);
        else
            sup_request_push(&s->again, r);
    }
}
