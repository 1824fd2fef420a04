#include "supervisors/tree.h"

#include <string.h>

/* What a verb does to a child in a state. Each takes the request: it is answered, or becomes the
 * slot's call, or waits. */
typedef void (*call_fn)(sup *s, slot *c, request *r);

static void answer(request *r, supervisor_err err)
{
    sup_request_answer(r, err, ACTOR_NONE, NULL);
}

static void wait_here(sup *s, slot *c, request *r)
{
    (void)s;
    sup_request_push(&c->waiters, r);
}

static void done(sup *s, slot *c, request *r)
{
    (void)s;
    (void)c;
    answer(r, SUPERVISOR_OK);
}

static void started(sup *s, slot *c, request *r)
{
    (void)s;
    sup_request_answer(r, SUPERVISOR_ESTARTED, c->ref, NULL);
}

static void present(sup *s, slot *c, request *r)
{
    (void)s;
    (void)c;
    answer(r, SUPERVISOR_EPRESENT);
}

static void running(sup *s, slot *c, request *r)
{
    (void)s;
    (void)c;
    answer(r, SUPERVISOR_ERUNNING);
}

static void restarting(sup *s, slot *c, request *r)
{
    (void)s;
    (void)c;
    answer(r, SUPERVISOR_ERESTARTING);
}

/* A child that starts by call is waited for; one that is being restarted may take for ever. */
static void wait_or_restarting(sup *s, slot *c, request *r)
{
    (c->call ? wait_here : restarting)(s, c, r);
}

static void wait_or_present(sup *s, slot *c, request *r)
{
    (c->call ? wait_here : present)(s, c, r);
}

static void end_for(sup *s, slot *c, request *r, slot_after after)
{
    if (c->call && c->call->verb == VERB_KILL)
        sup_request_push(&c->waiters, c->call); /* will be done by the end, too */
    else
        slot_answer(c, SUPERVISOR_ESTOPPED, NULL);
    c->call = r;
    slot_end(s, c, after);
}

static void stop(sup *s, slot *c, request *r)
{
    end_for(s, c, r, slot_temporary(c) ? AFTER_GONE : AFTER_STOPPED);
}

void sup_call_drop(sup *s, slot *c, request *r)
{
    end_for(s, c, r, AFTER_GONE);
}

static void drop_too(sup *s, slot *c, request *r)
{
    c->after = AFTER_GONE;
    wait_here(s, c, r);
}

static void start_again(sup *s, slot *c, request *r)
{
    c->call = r;
    slot_start(s, c);
}

static void bounce(sup *s, slot *c, request *r)
{
    if (c->call) {
        wait_here(s, c, r);
        return;
    }
    c->call = r;
    slot_halt(s, c, AFTER_START);
}

static void kill_it(sup *s, slot *c, request *r)
{
    if (c->call)
        wait_here(s, c, r);
    else
        c->call = r;
    slot_will_halt(c);
    (void)actor_halt(c->ref, ACTOR_HOW_KILL);
}

static void kill_halting(sup *s, slot *c, request *r)
{
    wait_here(s, c, r);
    (void)actor_halt(c->ref, ACTOR_HOW_KILL);
}

static void kill_ending(sup *s, slot *c, request *r)
{
    wait_here(s, c, r);
    (void)actor_kill(c->ref);
}

static const call_fn table[VERB_DROP + 1][SLOT_STATES] = {
    [VERB_START] = {[SLOT_STOPPED] = present,
                    [SLOT_STARTING] = wait_or_present,
                    [SLOT_RUNNING] = started,
                    [SLOT_HALTING] = wait_here,
                    [SLOT_ENDING] = wait_here,
                    [SLOT_CRASHED] = present,
                    [SLOT_BACKOFF] = present,
                    [SLOT_WAITING] = present},
    [VERB_STOP] = {[SLOT_STOPPED] = done,
                   [SLOT_STARTING] = stop,
                   [SLOT_RUNNING] = stop,
                   [SLOT_HALTING] = stop,
                   [SLOT_ENDING] = wait_here,
                   [SLOT_CRASHED] = stop,
                   [SLOT_BACKOFF] = stop,
                   [SLOT_WAITING] = stop},
    [VERB_RESTART] = {[SLOT_STOPPED] = start_again,
                      [SLOT_STARTING] = wait_or_restarting,
                      [SLOT_RUNNING] = bounce,
                      [SLOT_HALTING] = wait_here,
                      [SLOT_ENDING] = wait_here,
                      [SLOT_CRASHED] = restarting,
                      [SLOT_BACKOFF] = restarting,
                      [SLOT_WAITING] = restarting},
    [VERB_KILL] = {[SLOT_STOPPED] = done,
                   [SLOT_STARTING] = kill_it,
                   [SLOT_RUNNING] = kill_it,
                   [SLOT_HALTING] = kill_halting,
                   [SLOT_ENDING] = kill_ending,
                   [SLOT_CRASHED] = done,
                   [SLOT_BACKOFF] = done,
                   [SLOT_WAITING] = done},
    [VERB_REMOVE] = {[SLOT_STOPPED] = sup_call_drop,
                     [SLOT_STARTING] = wait_or_restarting,
                     [SLOT_RUNNING] = running,
                     [SLOT_HALTING] = wait_here,
                     [SLOT_ENDING] = wait_here,
                     [SLOT_CRASHED] = restarting,
                     [SLOT_BACKOFF] = restarting,
                     [SLOT_WAITING] = restarting},
    [VERB_DROP] = {[SLOT_STOPPED] = sup_call_drop,
                   [SLOT_STARTING] = sup_call_drop,
                   [SLOT_RUNNING] = sup_call_drop,
                   [SLOT_HALTING] = sup_call_drop,
                   [SLOT_ENDING] = drop_too,
                   [SLOT_CRASHED] = sup_call_drop,
                   [SLOT_BACKOFF] = sup_call_drop,
                   [SLOT_WAITING] = sup_call_drop},
};

/* The supervisor ends. One that has failed has been carried out, but for what undoes it. */
static void refuse(request *r)
{
    r->untouched = r->failed == SUPERVISOR_OK;
    answer(r, SUPERVISOR_ESTOPPED);
}

/* ---- All --------------------------------------------------------------------------------------
 */

static bool waits_for_march(verb v)
{
    return v == VERB_START || v == VERB_RESTART || v == VERB_REMOVE || v == VERB_SCALE ||
           v == VERB_UPDATE || v == VERB_ORDER || v == VERB_FLAGS;
}

/* What a request brings must fit the mode of now, not of when it was made. Where the child is in
 * already there is only a rest to do: it is undone, or scaled. */
static bool fits_mode(const sup *s, request *r)
{
    return !r->child || r->verb == VERB_DROP || r->verb == VERB_SCALE ||
           child_check_mode(&r->child->child, s->spec->flags.auto_shutdown, r->why,
                            sizeof r->why) == SUPERVISOR_OK;
}

/* A part, or a call narrowed to one instance. */
static void run_on_slot(sup *s, request *r)
{
    pool *p = pool_find(s, r->id);
    slot *c = p ? pool_slot(p, r->instance) : NULL;

    if (c)
        table[r->verb][c->state](s, c, r);
    else /* of a pool's peers one may leave meanwhile */
        answer(r, r->whole ? SUPERVISOR_OK : SUPERVISOR_ENOTFOUND);
}

static void run_on_all(sup *s, pool *p, request *r)
{
    if (p->count == 1 && !r->parts) {
        table[r->verb][p->first->state](s, p->first, r);
        return;
    }
    if (!sup_request_split(r, p->count)) {
        answer(r, SUPERVISOR_ENOMEM);
        return;
    }
    for (slot *c = p->first, *next; c; c = next) {
        next = slot_peer(c); /* c may go, and p with the last */
        table[r->verb][c->state](s, c, sup_request_part(r, r->verb, c->number));
    }
    sup_request_sent(r);
}

/* The one in the state that says most about the pool: of several a running one. */
static slot *speaker(const pool *p)
{
    slot *c = p->first;
    while (c && c->state != SLOT_RUNNING)
        c = slot_peer(c);
    return c ? c : p->first;
}

static void remove_stopped(sup *s, pool *p, request *r)
{
    slot *c = p->first;
    while (c && c->state == SLOT_STOPPED)
        c = slot_peer(c);
    if (c) {
        table[VERB_REMOVE][c->state](s, c, r);
        return;
    }
    sup_forget_spec(s, p);
    run_on_all(s, p, r);
}

static void run_on_child(sup *s, request *r)
{
    pool *p = pool_find(s, r->id);

    switch (r->verb) {
    case VERB_START:
        table[VERB_START][speaker(p)->state](s, speaker(p), r);
        break;
    case VERB_REMOVE:
        remove_stopped(s, p, r);
        break;
    case VERB_SCALE:
        sup_call_scale(s, p, r);
        break;
    case VERB_DROP:
        sup_forget_spec(s, p);
        /* fall through */
    default:
        run_on_all(s, p, r);
        break;
    }
}

static void run_without_child(sup *s, request *r)
{
    if (r->verb == VERB_START) {
        sup_call_start_new(s, r);
    } else if (r->verb == VERB_SCALE && r->child) { /* the rest of an update */
        sup_call_scale(s, NULL, r);
    } else if (r->failed != SUPERVISOR_OK) { /* a start that was undone already */
        if (r->keep)
            (void)sup_spec_drop(s->spec, r->id);
        sup_request_answer(r, r->failed, ACTOR_NONE, r->why);
    } else if (r->verb == VERB_DROP && sup_spec_drop(s->spec, r->id)) {
        answer(r, SUPERVISOR_OK);
    } else {
        answer(r, SUPERVISOR_ENOTFOUND);
    }
}

void sup_call_run(sup *s, request *r)
{
    if (r->bad != SUPERVISOR_OK) {
        sup_request_answer(r, r->bad, ACTOR_NONE, r->why);
    } else if (r->verb == VERB_WHICH) {
        sup_call_which(s, r);
    } else if (r->verb == VERB_COUNT) {
        sup_call_count(s, r);
    } else if (s->mode >= SUP_CLOSING) {
        refuse(r);
    } else if (r->depth > 0) {
        sup_call_within(s, r);
    } else if (march_goes(s) && waits_for_march(r->verb)) {
        sup_request_push(&s->deferred, r);
    } else if (!fits_mode(s, r)) {
        sup_request_answer(r, SUPERVISOR_EINVAL, ACTOR_NONE, r->why);
    } else if (r->verb == VERB_FLAGS) {
        sup_call_flags(s, r);
    } else if (r->verb == VERB_UPDATE) {
        sup_call_update(s, r);
    } else if (r->verb == VERB_ORDER) {
        sup_call_order(s, r);
    } else if (r->instance > 0) {
        run_on_slot(s, r);
    } else if (pool_find(s, r->id)) {
        run_on_child(s, r);
    } else {
        run_without_child(s, r);
    }
}

void sup_call_take(sup *s, actor_msg *msg)
{
    if (actor_msg_size(msg) != sizeof(request))
        return; /* none of ours */
    request *r = actor_msg_data(msg);
    r->msg = actor_take(s->self);
    if (r->msg)
        sup_call_run(s, r);
    /* Out of memory: it stays the runtime's, which frees it, and the asker gets ACTOR_EENDED. */
}

static void refuse_list(request_list *list)
{
    for (request *r; (r = sup_request_pop(list));)
        answer(r, SUPERVISOR_ESTOPPED);
}

void sup_call_refuse_all(sup *s)
{
    for (slot *c = s->first; c; c = c->next) {
        slot_answer(c, SUPERVISOR_ESTOPPED, NULL);
        refuse_list(&c->waiters);
    }
    for (request *r; (r = sup_request_pop(&s->deferred));)
        refuse(r);
    refuse_list(&s->again);
}
