/* Calls that change which children there are, how many instances they have, and their settings. */
#include "supervisors/tree.h"

static void answer(request *r, supervisor_err err)
{
    sup_request_answer(r, err, ACTOR_NONE, NULL);
}

void sup_forget_spec(sup *s, pool *p)
{
    (void)sup_spec_drop(s->spec, p->spec->id);
    p->kept = false;
}

/* ---- Start ------------------------------------------------------------------------------------
 */

/* Where a child of the spec belongs among the others of the spec. */
static child_spec *next_kept(const pool *p)
{
    for (p = pool_next(p); p; p = pool_next(p))
        if (p->kept)
            return p->spec;
    return NULL;
}

void sup_call_start_new(sup *s, request *r)
{
    uint32_t instances = r->child->child.instances;
    bool parts = instances > 1;
    pool *p = NULL;

    if (!parts || sup_request_split(r, instances))
        p = pool_new(s, r->child, r->index);
    if (!p) {
        answer(r, SUPERVISOR_ENOMEM);
        return;
    }
    if (r->keep) {
        sup_forget_spec(s, p); /* of a temporary one that has finished */
        sup_spec_insert(s->spec, p->spec, next_kept(p));
        p->kept = true;
    }
    r->again = &s->again;
    for (slot *c = p->first; c; c = slot_peer(c)) {
        c->call = parts ? sup_request_part(r, VERB_START, c->number) : r;
        slot_start(s, c);
    }
    if (parts)
        sup_request_sent(r);
}

/* ---- Scale ------------------------------------------------------------------------------------
 */

/* One whose start or end somebody waits for: the next change comes after it. */
static slot *changing(const pool *p)
{
    slot *c = p->first;
    while (c && c->state != SLOT_ENDING &&
           !(c->call && (c->call->verb == VERB_START || c->call->verb == VERB_ADD)))
        c = slot_peer(c);
    return c;
}

static bool all_stopped(const pool *p)
{
    const slot *c = p->first;
    while (c && c->state == SLOT_STOPPED)
        c = slot_peer(c);
    return !c;
}

static void add(sup *s, pool *p, request *r)
{
    bool stopped = all_stopped(p);

    for (uint32_t more = r->instances - p->count; more > 0; more--) {
        slot *c = pool_add(s, p);
        request *part = sup_request_part(r, VERB_ADD, c ? c->number : 0);
        if (!c) {
            p->spec->child.instances--;
            answer(part, SUPERVISOR_ENOMEM);
        } else if (stopped) {
            slot_publish(s, c, false);
            answer(part, SUPERVISOR_OK);
        } else {
            c->call = part;
            slot_start(s, c);
        }
    }
}

static void take_away(sup *s, pool *p, request *r)
{
    slot *c = p->last, *before;

    for (uint32_t less = p->count - r->instances; less > 0; less--, c = before) {
        before = slot_peer_before(c);
        c->surplus = true;
        sup_call_drop(s, c, sup_request_part(r, VERB_DROP, c->number));
    }
}

/* The child has ended and is only in the spec: its number is for when it comes back. */
static void scale_spec(sup *s, request *r)
{
    child_spec *kept = sup_spec_find(s->spec, r->id);
    if (kept)
        kept->child.instances = r->instances;
    answer(r, SUPERVISOR_OK);
}

static void scale_pool(sup *s, pool *p, request *r)
{
    const supervisor_child *child = &p->spec->child;
    slot *busy = changing(p);
    uint32_t parts = r->instances > p->count ? r->instances - p->count : p->count - r->instances;

    if (r->instances > 1 && (p->spec->is_supervisor || child->significant)) {
        sup_request_answer(r, SUPERVISOR_EINVAL, ACTOR_NONE,
                           child->significant ? "instances: a significant child has one"
                                              : "instances: a supervisor has one");
    } else if (busy) {
        sup_request_push(&busy->waiters, r);
    } else if (parts == 0) {
        p->spec->child.instances = r->instances;
        answer(r, SUPERVISOR_OK);
    } else if (!sup_request_split(r, parts)) {
        answer(r, SUPERVISOR_ENOMEM);
    } else {
        p->spec->child.instances = r->instances;
        (r->instances > p->count ? add : take_away)(s, p, r);
        sup_request_sent(r);
    }
}

void sup_call_scale(sup *s, pool *p, request *r)
{
    if (p)
        scale_pool(s, p, r);
    else
        scale_spec(s, r);
}

/* ---- Update -----------------------------------------------------------------------------------
 */

/* `kept` is in the spec, or NULL. */
static void replace_spec(sup *s, pool *p, child_spec *kept, child_spec *fresh)
{
    if (kept)
        sup_spec_replace(s->spec, kept, fresh);
    if (p) {
        fresh->child.instances = p->spec->child.instances;
        child_spec_unref(p->spec);
        p->spec = child_spec_ref(fresh);
    }
}

static void update_pool(sup *s, pool *p)
{
    for (slot *c = p->first; c; c = slot_peer(c)) {
        slot_weigh(s, c);
        slot_publish(s, c, false);
    }
}

void sup_call_update(sup *s, request *r)
{
    pool *p = pool_find(s, r->id);
    child_spec *kept = sup_spec_find(s->spec, r->id);
    child_spec *fresh = r->child;

    if (p && !p->kept)
        kept = NULL;
    if (!p && !kept) {
        answer(r, SUPERVISOR_ENOTFOUND);
        return;
    }
    /* A nested supervisor that lives changes its own spec by its own requests. */
    if (!fresh->child.behaviour ||
        (p && p->first->live && p->spec->is_supervisor && fresh->is_supervisor))
        child_spec_change(p ? p->spec : kept, &fresh->child);
    else
        replace_spec(s, p, kept, fresh);
    if (p)
        update_pool(s, p);
    if (r->instances > 0) {
        r->verb = VERB_SCALE;
        sup_call_scale(s, p, r);
        return;
    }
    answer(r, SUPERVISOR_OK);
}

void sup_call_order(sup *s, request *r)
{
    pool_order(s, r->ids, r->count);
    sup_spec_order(s->spec, r->ids, r->count);
    answer(r, SUPERVISOR_OK);
}

void sup_call_flags(sup *s, request *r)
{
    supervisor_err err = budget_set(&s->budget, r->flags.max_restarts, r->flags.period, sup_now(s));

    if (err == SUPERVISOR_OK) {
        s->spec->flags = r->flags;
        sup_publish(s, SUPERVISOR_FLAGS, NULL);
        sup_budget_changed(s);
    }
    answer(r, err);
}
