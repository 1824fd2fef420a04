/* Calls to a supervisor that is stopped: its spec waits at the one above it, and is changed there.
 */
#include "supervisors/tree.h"

static supervisor_spec *nested(const child_spec *c)
{
    return c && c->is_supervisor ? c->child.arg : NULL;
}

/* The spec at the end of the path. */
static supervisor_err find(const sup *s, const request *r, supervisor_spec **out)
{
    const pool *p = pool_find(s, r->path[0]);
    const child_spec *c = p ? p->spec : sup_spec_find(s->spec, r->path[0]);

    if (nested(c) && p && p->first->live)
        return SUPERVISOR_ERUNNING;
    for (size_t i = 1; i < r->depth && nested(c); i++)
        c = sup_spec_find(nested(c), r->path[i]);
    *out = nested(c);
    return *out ? SUPERVISOR_OK : SUPERVISOR_ENOTFOUND;
}

static void add(supervisor_spec *spec, const request *r)
{
    child_spec *before = spec->first;

    for (size_t i = 0; before && i < r->index; i++)
        before = before->next;
    sup_spec_insert(spec, r->child, before);
}

static void update(supervisor_spec *spec, child_spec *c, const request *r)
{
    if (!r->child->child.behaviour) {
        child_spec_change(c, &r->child->child);
    } else {
        sup_spec_replace(spec, c, r->child);
        c = r->child;
    }
    if (r->instances > 0)
        c->child.instances = r->instances;
}

static supervisor_err change(supervisor_spec *spec, request *r)
{
    child_spec *c = r->id ? sup_spec_find(spec, r->id) : NULL;

    if ((r->verb == VERB_START || r->verb == VERB_UPDATE) &&
        child_check_mode(&r->child->child, spec->flags.auto_shutdown, r->why, sizeof r->why) !=
            SUPERVISOR_OK)
        return SUPERVISOR_EINVAL;
    switch (r->verb) {
    case VERB_START:
        if (c)
            return SUPERVISOR_EPRESENT;
        add(spec, r);
        break;
    case VERB_DROP:
        if (!c)
            return SUPERVISOR_ENOTFOUND;
        sup_spec_unlink(spec, c);
        break;
    case VERB_UPDATE:
        if (!c)
            return SUPERVISOR_ENOTFOUND;
        update(spec, c, r);
        break;
    case VERB_ORDER:
        sup_spec_order(spec, r->ids, r->count);
        break;
    case VERB_FLAGS:
        spec->flags = r->flags;
        break;
    default:
        return SUPERVISOR_EINVAL; /* there is nobody to do it */
    }
    return SUPERVISOR_OK;
}

void sup_call_within(sup *s, request *r)
{
    supervisor_spec *spec = NULL;
    supervisor_err err = find(s, r, &spec);

    if (err == SUPERVISOR_OK)
        err = change(spec, r);
    sup_request_answer(r, err, ACTOR_NONE, r->why);
}
