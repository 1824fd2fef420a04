/* The actor. Every callback notes what has happened in the slots, then sup_settle() does what
 * follows from it. */
#include "supervisors/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

actor_ms sup_now(const sup *s)
{
    return actor_now(actor_self_system(s->self));
}

/* ---- The observer -----------------------------------------------------------------------------
 */

const char *supervisor_child_state_name(supervisor_child_state state)
{
    static const char *const names[] = {
        [SUPERVISOR_CHILD_STARTING] = "starting", [SUPERVISOR_CHILD_RUNNING] = "running",
        [SUPERVISOR_CHILD_STOPPING] = "stopping", [SUPERVISOR_CHILD_RESTARTING] = "restarting",
        [SUPERVISOR_CHILD_BACKOFF] = "backoff",   [SUPERVISOR_CHILD_WAITING] = "stopped",
        [SUPERVISOR_CHILD_STOPPED] = "stopped",   [SUPERVISOR_CHILD_GONE] = "gone",
    };
    return names[state];
}

void sup_publish(const sup *s, supervisor_event_kind kind, const char *child)
{
    const supervisor_observer *o = &s->spec->observer;
    if (!o->supervisor)
        return;
    supervisor_event event = {
        .supervisor = actor_self(s->self),
        .tag = o->tag,
        .kind = kind,
        .flags = &s->spec->flags,
        .restarts_used = s->budget.limit == BUDGET_UNLIMITED ? 0 : s->budget.count,
        .child = child,
        .reason = s->reason,
        .tripped = s->tripped,
        .failed = s->failed,
        .auto_shutdown = s->auto_shutdown,
    };
    o->supervisor(o->user, &event);
}

void sup_budget_changed(sup *s)
{
    actor_ms now = sup_now(s);

    (void)budget_used(&s->budget, now);
    sup_publish(s, SUPERVISOR_BUDGET, NULL);
    actor_timer_cancel(s->self, &s->budget_timer);
    actor_ms next = budget_next_expiry(&s->budget);
    /* Without memory for the timer only what is shown is late. */
    if (next != BUDGET_NEVER)
        (void)actor_after(s->self, next - now, ACTOR_MSG_TIMER, 0, &s->budget_timer);
}

/* ---- As a whole -----------------------------------------------------------------------------
 */

void sup_started(sup *s)
{
    sup_publish(s, SUPERVISOR_STARTED, NULL);
    if (!s->in_callback)
        actor_started(s->self);
}

static void free_all(sup *s)
{
    actor_timer_cancel(s->self, &s->budget_timer);
    sup_map_fini(&s->ids);
    sup_map_fini(&s->refs);
    while (s->first)
        slot_free(s, s->first);
    budget_fini(&s->budget);
}

void sup_closed(sup *s)
{
    s->mode = SUP_CLOSED;
    sup_publish(s, SUPERVISOR_STOPPED, s->culprit[0] ? s->culprit : NULL);
    free_all(s);
    if (s->stop_called) {
        if (!s->in_callback)
            actor_stopped(s->self);
    } else if (s->failed && s->verdict == ACTOR_CONTINUE) {
        s->verdict = actor_fail(s->self, ACTOR_FAIL_RESTART, "%s", s->reason);
    }
}

/* Do all that can be done now: the march first, then crashes, then calls, each of which may begin
 * another march. */
static void sup_settle(sup *s)
{
    for (;;) {
        march_step(s);
        if (s->mode >= SUP_CLOSING)
            return;
        slot *crashed = march_goes(s) ? NULL : slot_next_crashed(s);
        if (crashed) {
            sup_decide(s, crashed);
            continue;
        }
        request *r = sup_request_pop(&s->again);
        if (!r && !march_goes(s))
            r = sup_request_pop(&s->deferred);
        if (!r)
            return;
        sup_call_run(s, r);
    }
}

/* ---- Notices and timers -----------------------------------------------------------------------
 */

typedef enum event {
    EVENT_STARTED,
    EVENT_DECLINED,
    EVENT_START_FAILED,
    EVENT_EXITED,
    EVENT_ENDED,
    EVENT_TIMER,
    EVENTS,
} event;

typedef void (*event_fn)(sup *s, slot *c, const actor_notice *n);

static void ignore(sup *s, slot *c, const actor_notice *n)
{
    (void)s;
    (void)c;
    (void)n;
}

static void started(sup *s, slot *c, const actor_notice *n)
{
    (void)n;
    actor_timer_cancel(s->self, &c->timer);
    c->state = SLOT_RUNNING;
    c->incarnated = true;
    backoff_up(&c->track, sup_now(s));
    slot_publish(s, c, false);
    slot_answer(c, SUPERVISOR_OK, NULL);
    slot_settled(s, c);
}

/* It is the last of its pool, but for those that are leaving it. */
static bool is_last(const slot *c)
{
    const slot *p = c->pool->first;
    while (p && (p == c || (p->state == SLOT_ENDING && p->after == AFTER_GONE)))
        p = slot_peer(p);
    return !p;
}

static void declined(sup *s, slot *c, const actor_notice *n)
{
    (void)n;
    if (c->call) {
        request *r = c->call;
        c->call = NULL;
        sup_request_answer(r, SUPERVISOR_OK, ACTOR_NONE, NULL);
    }
    if (is_last(c))
        slot_finish(s, c);
    else
        slot_end(s, c, AFTER_GONE);
}

static void start_failed(sup *s, slot *c, const actor_notice *n)
{
    char slow[64];
    const char *reason = n->reason;

    if (c->timed_out) {
        snprintf(slow, sizeof slow, "did not start within %lld ms",
                 (long long)c->pool->spec->child.start_timeout);
        reason = slow;
    }
    slot_remember(c, n->kind == ACTOR_NOTICE_EXITED ? n->exit : ACTOR_EXIT_CRASH, reason);
    slot_crash(s, c, true);
}

static void start_is_slow(sup *s, slot *c, const actor_notice *n)
{
    (void)s;
    (void)n;
    c->timed_out = true;
    slot_will_halt(c);
    (void)actor_halt(c->ref, ACTOR_HOW_KILL);
}

static void exited(sup *s, slot *c, const actor_notice *n)
{
    c->incarnated = false;
    slot_remember(c, n->exit, n->reason);
    slot_crash(s, c, false);
}

static void halted(sup *s, slot *c, const actor_notice *n)
{
    c->incarnated = false;
    slot_remember(c, n->exit, n->reason);
    slot_killed(c);
    slot_publish(s, c, true);
    if (c->after == AFTER_START && s->mode < SUP_CLOSING && !march_will_start(s, c))
        slot_start(s, c);
    else
        slot_wait(s, c);
}

static void halt_is_slow(sup *s, slot *c, const actor_notice *n)
{
    (void)s;
    (void)n;
    (void)actor_halt(c->ref, ACTOR_HOW_KILL);
}

/* Its actor goes next. */
static void exited_ending(sup *s, slot *c, const actor_notice *n)
{
    c->incarnated = false;
    slot_remember(c, n->exit, n->reason);
    slot_publish(s, c, true);
}

static void ended(sup *s, slot *c, const actor_notice *n)
{
    (void)n;
    c->incarnated = false;
    slot_actor_gone(s, c);
    slot_ended(s, c);
}

static void end_is_slow(sup *s, slot *c, const actor_notice *n)
{
    (void)s;
    (void)n;
    (void)actor_kill(c->ref);
}

static void backoff_over(sup *s, slot *c, const actor_notice *n)
{
    (void)n;
    if (s->mode < SUP_CLOSING)
        slot_backoff_over(s, c);
}

/* Somebody else has ended the actor: the next start makes a new one. */
static void lost_down(sup *s, slot *c, const actor_notice *n)
{
    (void)n;
    slot_actor_gone(s, c);
}

/* A start that was thought to be called off went on after all: it is not wanted any more. */
static void put_down(sup *s, slot *c, const actor_notice *n)
{
    (void)s;
    (void)n;
    (void)actor_halt(c->ref, ACTOR_HOW_KILL);
}

static void lost_starting(sup *s, slot *c, const actor_notice *n)
{
    slot_actor_gone(s, c);
    start_failed(s, c, n);
}

static void lost_running(sup *s, slot *c, const actor_notice *n)
{
    slot_actor_gone(s, c);
    exited(s, c, n);
}

static void lost_halting(sup *s, slot *c, const actor_notice *n)
{
    slot_actor_gone(s, c);
    halted(s, c, n);
}

static const event_fn table[SLOT_STATES][EVENTS] = {
    /*                  STARTED  DECLINED  START_FAILED  EXITED         ENDED          TIMER */
    [SLOT_STOPPED] = {ignore, ignore, ignore, ignore, ignore, ignore},
    [SLOT_STARTING] = {started, declined, start_failed, start_failed, lost_starting, start_is_slow},
    [SLOT_RUNNING] = {ignore, ignore, ignore, exited, lost_running, ignore},
    [SLOT_HALTING] = {ignore, halted, halted, halted, lost_halting, halt_is_slow},
    [SLOT_ENDING] = {ignore, ignore, ignore, exited_ending, ended, end_is_slow},
    [SLOT_CRASHED] = {put_down, ignore, ignore, ignore, lost_down, ignore},
    [SLOT_BACKOFF] = {put_down, ignore, ignore, ignore, lost_down, backoff_over},
    [SLOT_WAITING] = {put_down, ignore, ignore, ignore, lost_down, ignore},
};

static const event event_of_notice[] = {
    [ACTOR_NOTICE_STARTED] = EVENT_STARTED,
    [ACTOR_NOTICE_DECLINED] = EVENT_DECLINED,
    [ACTOR_NOTICE_START_FAILED] = EVENT_START_FAILED,
    [ACTOR_NOTICE_EXITED] = EVENT_EXITED,
    [ACTOR_NOTICE_ENDED] = EVENT_ENDED,
};

static void on_notice(sup *s, const actor_notice *n)
{
    slot *c = slot_of_ref(s, n->child);

    if (!c || slot_is_echo(c, n))
        return;
    if (n->kind != ACTOR_NOTICE_STARTED)
        c->over = n->incarnation;
    table[c->state][event_of_notice[n->kind]](s, c, n);
}

static void on_timer(sup *s, uint64_t tag)
{
    slot *c = (slot *)(uintptr_t)tag;

    if (!c) {
        s->budget_timer = NULL;
        sup_budget_changed(s);
        return;
    }
    c->timer = NULL;
    table[c->state][EVENT_TIMER](s, c, NULL);
}

/* ---- Callbacks --------------------------------------------------------------------------------
 */

static bool init(sup *s, actor *self, supervisor_spec *spec)
{
    s->self = self;
    s->spec = spec;
    s->random.state = spec->seed + actor_self_incarnation(self);
    if (!sup_map_init(&s->ids, spec->ids.count) || !sup_map_init(&s->refs, spec->ids.count) ||
        budget_init(&s->budget, spec->flags.max_restarts, spec->flags.period) != SUPERVISOR_OK)
        return false;
    for (child_spec *child = spec->first; child; child = child->next) {
        pool *p = pool_new(s, child, SUPERVISOR_LAST);
        if (!p)
            return false;
        p->kept = true;
    }
    return true;
}

static actor_verdict start(actor *self, void *state, void *arg)
{
    sup *s = state;

    ((supervisor_spec *)arg)->begun = true;
    if (!init(s, self, arg)) {
        free_all(s);
        return actor_fail(self, ACTOR_FAIL_RESTART, "out of memory");
    }
    s->in_callback = true;
    march_start_all(s);
    sup_settle(s);
    s->in_callback = false;
    if (s->mode == SUP_CLOSED)
        return s->verdict;
    return s->mode == SUP_STARTING || s->mode == SUP_CLOSING ? ACTOR_PENDING : ACTOR_CONTINUE;
}

static actor_verdict handle(actor *self, void *state, actor_msg *msg)
{
    sup *s = state;

    s->self = self;
    s->verdict = ACTOR_CONTINUE;
    if (s->mode == SUP_CLOSED)
        return ACTOR_CONTINUE;
    switch (actor_msg_type(msg)) {
    case ACTOR_MSG_NOTICE:
        on_notice(s, actor_msg_data(msg));
        break;
    case ACTOR_MSG_TIMER:
        on_timer(s, actor_msg_tag(msg));
        break;
    case REQUEST_MSG_TYPE:
        sup_call_take(s, msg);
        break;
    default:
        actor_unhandled(s->self);
        sup_publish(s, SUPERVISOR_STRAY, NULL);
        break;
    }
    sup_settle(s);
    return s->verdict;
}

static actor_verdict stop(actor *self, void *state, actor_how how)
{
    sup *s = state;

    s->self = self;
    s->verdict = ACTOR_CONTINUE;
    s->stop_called = true;
    if (s->mode == SUP_CLOSED)
        return ACTOR_CONTINUE;
    s->in_callback = true;
    if (how == ACTOR_HOW_KILL)
        march_kill(s);
    else
        march_close(s);
    sup_settle(s);
    s->in_callback = false;
    return s->mode == SUP_CLOSED ? ACTOR_CONTINUE : ACTOR_PENDING;
}

const actor_behaviour sup_behaviour = {
    .name = "supervisor",
    .state_size = sizeof(sup),
    .start = start,
    .handle = handle,
    .stop = stop,
};

/* ---- The root ---------------------------------------------------------------------------------
 */

/* The actor has ended. One that was told to before it could begin has not said so. */
static void free_spec(void *arg)
{
    supervisor_spec *spec = arg;
    const supervisor_observer *o = &spec->observer;

    if (!spec->begun && o->supervisor)
        o->supervisor(o->user, &(supervisor_event){.tag = o->tag,
                                                   .kind = SUPERVISOR_STOPPED,
                                                   .flags = &spec->flags,
                                                   .reason = "it was stopped before it began"});
    supervisor_spec_free(spec);
}

supervisor_err supervisor_spawn(actor_system *sys, supervisor_spec *spec, actor_ref *out)
{
    actor_spec root = {.behaviour = &sup_behaviour, .arg = spec, .free_arg = free_spec};

    switch (actor_spawn(sys, &root, out)) {
    case ACTOR_OK:
        return SUPERVISOR_OK;
    case ACTOR_ENOMEM:
        return SUPERVISOR_ENOMEM;
    default:
        return SUPERVISOR_ESYSTEM;
    }
}
