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

static void forget_spec(sup *s, slot *c)
{
    child_spec *kept = sup_spec_find(s->spec, c->spec->id);
    if (kept)
        sup_spec_unlink(s->spec, kept);
    c->kept = false;
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

static void drop(sup *s, slot *c, request *r)
{
    forget_spec(s, c);
    end_for(s, c, r, AFTER_GONE);
}

static void drop_too(sup *s, slot *c, request *r)
{
    forget_spec(s, c);
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
    [VERB_REMOVE] = {[SLOT_STOPPED] = drop,
                     [SLOT_STARTING] = wait_or_restarting,
                     [SLOT_RUNNING] = running,
                     [SLOT_HALTING] = wait_here,
                     [SLOT_ENDING] = wait_here,
                     [SLOT_CRASHED] = restarting,
                     [SLOT_BACKOFF] = restarting,
                     [SLOT_WAITING] = restarting},
    [VERB_DROP] = {[SLOT_STOPPED] = drop,
                   [SLOT_STARTING] = drop,
                   [SLOT_RUNNING] = drop,
                   [SLOT_HALTING] = drop,
                   [SLOT_ENDING] = drop_too,
                   [SLOT_CRASHED] = drop,
                   [SLOT_BACKOFF] = drop,
                   [SLOT_WAITING] = drop},
};

/* ---- Start ------------------------------------------------------------------------------------
 */

/* Where a child of the spec belongs among the others of the spec. */
static child_spec *next_kept(const slot *c)
{
    for (c = c->next; c; c = c->next)
        if (c->kept)
            return c->spec;
    return NULL;
}

static void start_new(sup *s, request *r)
{
    slot *c = slot_new(s, r->child, r->index);
    if (!c) {
        answer(r, SUPERVISOR_ENOMEM);
        return;
    }
    if (r->keep) {
        forget_spec(s, c); /* of a temporary one that has finished */
        sup_spec_insert(s->spec, c->spec, next_kept(c));
        c->kept = true;
    }
    c->call = r;
    slot_start(s, c);
}

/* ---- Update -----------------------------------------------------------------------------------
 */

/* A nested supervisor that lives changes its own spec by its own requests; here only how it is
 * supervised changes. */
static void update_nested(child_spec *old, const supervisor_child *child)
{
    supervisor_child changed = *child;

    changed.id = old->child.id;
    changed.behaviour = old->child.behaviour;
    changed.arg = old->child.arg;
    changed.free_arg = old->child.free_arg;
    changed.nested = old->child.nested;
    old->child = changed;
}

static void replace_spec(sup *s, slot *c, child_spec *old, child_spec *fresh)
{
    if (old) {
        sup_spec_insert(s->spec, fresh, old);
        sup_spec_unlink(s->spec, old);
    }
    if (c) {
        child_spec_unref(c->spec);
        c->spec = child_spec_ref(fresh);
    }
}

static void move(sup *s, slot *c, size_t index)
{
    slot_move(s, c, index);
    if (!c->kept)
        return;
    child_spec_ref(c->spec);
    sup_spec_unlink(s->spec, c->spec);
    sup_spec_insert(s->spec, c->spec, next_kept(c));
    child_spec_unref(c->spec);
}

static void update(sup *s, request *r)
{
    slot *c = slot_find(s, r->id);
    child_spec *kept = sup_spec_find(s->spec, r->id);

    if (c && !c->kept)
        kept = NULL;
    if (!c && !kept) {
        answer(r, SUPERVISOR_ENOTFOUND);
        return;
    }
    if (c && c->live && c->spec->is_supervisor && r->child->is_supervisor)
        update_nested(c->spec, &r->child->child);
    else
        replace_spec(s, c, kept, r->child);
    if (c) {
        slot_weigh(s, c);
        if (r->index != SUPERVISOR_SAME)
            move(s, c, r->index);
        slot_publish(s, c, false);
    }
    answer(r, SUPERVISOR_OK);
}

static void change_flags(sup *s, request *r)
{
    supervisor_err err = budget_set(&s->budget, r->flags.max_restarts, r->flags.period, sup_now(s));

    if (err == SUPERVISOR_OK) {
        s->spec->flags = r->flags;
        sup_publish(s, SUPERVISOR_FLAGS, NULL);
        sup_budget_changed(s);
    }
    answer(r, err);
}

/* ---- Looking ----------------------------------------------------------------------------------
 */

static supervisor_child_info info_of(const sup *s, const slot *c, reply_block *b)
{
    return (supervisor_child_info){
        .id = sup_reply_text(b, c->spec->id),
        .tag = c->spec->child.tag,
        .ref = c->ref,
        .state = slot_public_state(s, c),
        .incarnation = c->incarnation,
        .restarts = c->restarts,
        .is_supervisor = c->spec->is_supervisor,
        .kept = c->kept,
        .restart = c->spec->child.restart,
        .significant = c->spec->child.significant,
        .shutdown = c->spec->child.shutdown,
        .start_timeout = c->spec->child.start_timeout,
        .next_start = c->next_start,
    };
}

static void which(sup *s, request *r)
{
    const slot *only = r->id ? slot_find(s, r->id) : NULL;
    size_t count = only ? 1 : s->ids.count;
    size_t text = 0;

    if (r->id && !only) {
        answer(r, SUPERVISOR_ENOTFOUND);
        return;
    }
    for (const slot *c = only ? only : s->first; c; c = only ? NULL : c->next)
        text += strlen(c->spec->id) + 1;
    reply_block *b = sup_reply_new(count, text);
    size_t i = 0;
    for (const slot *c = only ? only : s->first; b && c; c = only ? NULL : c->next)
        b->children[i++] = info_of(s, c, b);
    sup_request_answer_block(r, b);
}

static void count(sup *s, request *r)
{
    supervisor_counts n = {0};

    for (const slot *c = s->first; c; c = c->next) {
        n.specs++;
        n.active += c->incarnated;
        n.supervisors += c->spec->is_supervisor;
        n.workers += !c->spec->is_supervisor;
    }
    sup_request_answer_counts(r, &n);
}

/* ---- All --------------------------------------------------------------------------------------
 */

static bool waits_for_march(verb v)
{
    return v == VERB_START || v == VERB_RESTART || v == VERB_REMOVE || v == VERB_UPDATE ||
           v == VERB_FLAGS;
}

/* What a request brings must fit the mode of now, not of when it was made. */
static bool fits_mode(const sup *s, request *r)
{
    return !r->child || child_check_mode(&r->child->child, s->spec->flags.auto_shutdown, r->why,
                                         sizeof r->why) == SUPERVISOR_OK;
}

static void run_on_child(sup *s, request *r)
{
    slot *c = slot_find(s, r->id);

    if (c) {
        table[r->verb][c->state](s, c, r);
    } else if (r->verb == VERB_START) {
        start_new(s, r);
    } else if (r->verb == VERB_DROP && sup_spec_find(s->spec, r->id)) {
        sup_spec_unlink(s->spec, sup_spec_find(s->spec, r->id));
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
        which(s, r);
    } else if (r->verb == VERB_COUNT) {
        count(s, r);
    } else if (s->mode >= SUP_CLOSING) {
        answer(r, SUPERVISOR_ESTOPPED);
    } else if (march_goes(s) && waits_for_march(r->verb)) {
        sup_request_push(&s->deferred, r);
    } else if (!fits_mode(s, r)) {
        sup_request_answer(r, SUPERVISOR_EINVAL, ACTOR_NONE, r->why);
    } else if (r->verb == VERB_FLAGS) {
        change_flags(s, r);
    } else if (r->verb == VERB_UPDATE) {
        update(s, r);
    } else {
        run_on_child(s, r);
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
    refuse_list(&s->deferred);
    refuse_list(&s->again);
}
