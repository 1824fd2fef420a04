/* Calls that look: which children there are, and how many. */
#include "supervisors/tree.h"

#include <string.h>

static supervisor_child_info info_of(const sup *s, const slot *c, reply_block *b)
{
    const child_spec *spec = c->pool->spec;
    return (supervisor_child_info){
        .id = sup_reply_text(b, spec->id),
        .instance = c->number,
        .tag = spec->child.tag,
        .ref = c->ref,
        .state = slot_public_state(s, c),
        .incarnation = c->incarnation,
        .restarts = c->restarts,
        .is_supervisor = spec->is_supervisor,
        .kept = c->pool->kept,
        .restart = spec->child.restart,
        .significant = spec->child.significant,
        .shutdown = spec->child.shutdown,
        .start_timeout = spec->child.start_timeout,
        .next_start = c->next_start,
    };
}

void sup_call_which(sup *s, request *r)
{
    const pool *only = r->id ? pool_find(s, r->id) : NULL;
    size_t count = 0, text = 0, i = 0;

    if (r->id && !only) {
        sup_request_answer(r, SUPERVISOR_ENOTFOUND, ACTOR_NONE, NULL);
        return;
    }
    const slot *first = only ? only->first : s->first;
    const slot *end = only ? only->last->next : NULL;
    for (const slot *c = first; c != end; c = c->next) {
        text += strlen(c->pool->spec->id) + 1;
        count++;
    }
    reply_block *b = sup_reply_new(count, text);
    for (const slot *c = first; b && c != end; c = c->next)
        b->children[i++] = info_of(s, c, b);
    sup_request_answer_block(r, b);
}

void sup_call_count(sup *s, request *r)
{
    supervisor_counts n = {.specs = (uint32_t)s->ids.count};

    for (const slot *c = s->first; c; c = c->next) {
        bool is_supervisor = c->pool->spec->is_supervisor;
        n.active += c->incarnated;
        n.supervisors += is_supervisor;
        n.workers += !is_supervisor;
    }
    sup_request_answer_counts(r, &n);
}
