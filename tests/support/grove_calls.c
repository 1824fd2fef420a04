/* Calls, one client's, and what the books make of the answers; a reload is many in a row. */
#include "tests/support/grove.h"

#include <stdlib.h>
#include <string.h>

enum { GO = 1 };

typedef struct call {
    grove_verb verb;
    ruler *to;
    node *of; /* or NULL */
    supervisor_child child;
    node_list *named; /* of GROVE_REORDER */
    bool reloads;     /* a step of a reload */
} call;

/* What a reload still has to do. */
typedef struct step {
    grove_verb verb;
    ruler *to;
    node *of;
} step;

static call calls[GROVE_CALLS];
static size_t call_count;
static step steps[2 * GROVE_NODES];
static size_t step_count, step_at;
static bool reloading;

/* ---- Before -----------------------------------------------------------------------------------
 */

static bool may_stop(grove_verb v)
{
    return v <= GROVE_UPDATE;
}

static bool changes_spec(grove_verb v)
{
    return v == GROVE_START || v == GROVE_REMOVE || v == GROVE_DROP;
}

static bool changes_child(grove_verb v)
{
    return v == GROVE_SCALE || v == GROVE_UPDATE;
}

static node_list *shuffled(const node_list *of)
{
    node_list *l = malloc(sizeof *l);
    must(l);
    l->count = 0;
    for (size_t i = 0; i < of->count; i++)
        if (!grove_one_in(8)) /* the others come last, as they are */
            node_list_insert(l, (size_t)grove_pick(0, (int64_t)l->count), of->at[i]);
    return l;
}

static actor_msg *order_of(call *c)
{
    const char *ids[GROVE_NODES];
    c->named = shuffled(grove_one_in(2) ? &c->to->order : &c->to->spec);
    for (size_t i = 0; i < c->named->count; i++)
        ids[i] = c->named->at[i]->id;
    return supervisor_request_order(ids, c->named->count);
}

static actor_msg *start_of(call *c)
{
    node *n = c->of;
    n->kept = grove_one_in(2) || reloading;
    n->index = grove_one_in(2) ? SUPERVISOR_LAST : (size_t)grove_pick(0, 5);
    actor_msg *msg = supervisor_request_start(&n->child, n->kept, n->index);
    if (!msg)
        supervisor_spec_free(n->child.nested);
    return msg;
}

static actor_msg *update_of(call *c)
{
    if (c->of->rules) { /* how it is supervised; what it is itself stays */
        c->child = c->of->child;
        c->child.nested = NULL;
        c->child.shutdown = grove_one_in(4) ? 300 : SUPERVISOR_INFINITY;
        c->child.restart = (supervisor_restart)grove_pick(0, 2);
        c->child.instances = 0;
    } else {
        c->child = grove_kid(c->of);
        if (grove_one_in(2))
            c->child.instances = 0;
    }
    return supervisor_request_update(&c->child);
}

static actor_msg *narrowed(actor_msg *msg)
{
    if (msg && !reloading && grove_one_in(4))
        supervisor_request_of(msg, (uint32_t)grove_pick(1, GROVE_SEATS));
    return msg;
}

static actor_msg *flags_of(const call *c)
{
    supervisor_flags f = grove_flags();
    if (f.max_restarts >= 0)
        f.max_restarts += c->to->node->parent ? 4 : 20;
    return supervisor_request_flags(&f);
}

static actor_msg *about_child(call *c)
{
    const char *id = c->of->id;
    switch (c->verb) {
    case GROVE_START:
        return start_of(c);
    case GROVE_CALL_STOP:
        return narrowed(supervisor_request_stop(id));
    case GROVE_RESTART:
        return narrowed(supervisor_request_restart(id));
    case GROVE_KILL:
        return narrowed(supervisor_request_kill(id));
    case GROVE_REMOVE:
        return supervisor_request_remove(id);
    case GROVE_DROP:
        return supervisor_request_drop(id);
    case GROVE_SCALE:
        c->child.instances = (uint32_t)grove_pick(1, c->of->rules ? 2 : GROVE_SEATS);
        return supervisor_request_scale(id, c->child.instances);
    default:
        return update_of(c);
    }
}

static actor_msg *request_of(call *c)
{
    if (c->of)
        return about_child(c);
    switch (c->verb) {
    case GROVE_REORDER:
        return order_of(c);
    case GROVE_FLAGS:
        return flags_of(c);
    case GROVE_COUNT:
        return supervisor_request_count();
    default:
        return supervisor_request_which(NULL);
    }
}

static void enter(call *c)
{
    node *n = c->of;
    c->to->orders += c->verb == GROVE_REORDER;
    if (!n)
        return;
    n->calls += may_stop(c->verb);
    n->changes += changes_spec(c->verb);
    if (changes_child(c->verb)) {
        n->overtaken |= n->unsure_child;
        n->unsure_child = true;
    }
}

/* ---- After ------------------------------------------------------------------------------------
 */

static bool never_ran(supervisor_err err)
{
    return err != SUPERVISOR_OK && err != SUPERVISOR_ESTOPPED && err != SUPERVISOR_EFAILED;
}

/* It is neither there nor comes back. */
static void forget(node *n)
{
    n->kept = false;
    node_list_remove(&n->parent->spec, n);
}

static void to_front(node_list *l, const node_list *named)
{
    for (size_t i = named->count; i-- > 0;) {
        node *n = named->at[i];
        size_t had = l->count;
        node_list_remove(l, n);
        if (l->count < had)
            node_list_insert(l, 0, n);
    }
}

static void reordered(const call *c, supervisor_err err)
{
    c->to->orders--;
    if (err != SUPERVISOR_OK || c->to->orders > 0 || c->to->lost) {
        c->to->lost |= !never_ran(err);
        return;
    }
    to_front(&c->to->order, c->named);
    to_front(&c->to->spec, c->named);
    c->to->changed = grove.event;
    c->to->group_all = true; /* a group that waits has another first one now */
}

static void changed_spec(const call *c, supervisor_err err)
{
    node *n = c->of;
    bool start = c->verb == GROVE_START;
    n->changes--;
    if (start ? err == SUPERVISOR_EFAILED || never_ran(err) : err == SUPERVISOR_OK)
        forget(n);
    else if (err == SUPERVISOR_ESTOPPED) /* it may have been carried out before */
        n->unsure = true;
}

static void changed_child(const call *c, supervisor_err err)
{
    node *n = c->of;
    if (n->overtaken)
        return; /* of two at a time nobody knows the order */
    n->unsure_child = err != SUPERVISOR_OK && !never_ran(err);
    if (err != SUPERVISOR_OK)
        return;
    if (c->verb == GROVE_UPDATE) {
        n->temporary |= n->child.restart == SUPERVISOR_TEMPORARY;
        uint32_t instances = c->child.instances ? c->child.instances : n->child.instances;
        n->child = c->child;
        n->child.instances = instances;
    } else {
        n->child.instances = c->child.instances;
    }
}

/* At rest: what the supervisor says of itself is what the books say. */
static void compare(ruler *r, const supervisor_reply *reply)
{
    size_t at = 0;
    for (size_t i = 0; i < reply->child_count; i++) {
        const supervisor_child_info *info = &reply->children[i];
        node *n = info->tag;
        const seat *s = &n->seats[info->instance - 1];
        bool first = i == 0 || info[-1].tag != n;
        must(s->there && actor_ref_eq(s->ref, info->ref) && s->state == info->state);
        if (first && !r->lost && r->orders == 0)
            must(r->order.at[at] == n);
        at += first;
        must(info->kept == n->kept || n->unsure || n->changes > 0);
        must(n->unsure_child ||
             (info->restart == n->child.restart && info->significant == n->child.significant &&
              info->shutdown == n->child.shutdown &&
              info->start_timeout == n->child.start_timeout));
    }
    must(at == r->order.count);
}

static void settle(call *c, supervisor_err err, const supervisor_reply *reply)
{
    node *n = c->of;
    if (c->verb == GROVE_REORDER)
        reordered(c, err);
    if (c->verb == GROVE_COMPARE && err == SUPERVISOR_OK)
        compare(c->to, reply);
    free(c->named);
    if (!n)
        return;
    n->calls -= may_stop(c->verb);
    if (changes_spec(c->verb))
        changed_spec(c, err);
    if (changes_child(c->verb))
        changed_child(c, err);
}

/* ---- The client -------------------------------------------------------------------------------
 */

static bool next_step(actor *self);

static actor_verdict on_answer(actor *self, void *state, actor_err how, actor_msg *msg, void *arg)
{
    const supervisor_reply *reply = how == ACTOR_OK ? supervisor_reply_get(msg) : NULL;
    call *c = arg;
    (void)state;
    must(how == ACTOR_EENDED || reply);
    grove.answered++;
    settle(c, reply ? reply->err : SUPERVISOR_ESTOPPED, reply);
    while (c->reloads && next_step(self))
        ;
    return ACTOR_CONTINUE;
}

/* False: nobody is there to ask. */
static bool ask_now(actor *self, call *c)
{
    actor_msg *msg = request_of(c);
    enter(c);
    if (msg &&
        actor_ask(self, c->to->node->seats[0].ref, &msg, -1, on_answer, c, NULL) == ACTOR_OK) {
        grove.asked++;
        return true;
    }
    actor_msg_free(msg);
    settle(c, SUPERVISOR_ENOTFOUND, NULL);
    return false;
}

static call *new_call(grove_verb verb, ruler *to, node *of)
{
    must(call_count < GROVE_CALLS);
    call *c = &calls[call_count++];
    *c = (call){.verb = verb, .to = to, .of = of};
    return c;
}

static actor_verdict client_handle(actor *self, void *state, actor_msg *msg)
{
    call *c = *(call **)actor_msg_data(msg);
    (void)state;
    if (c)
        (void)ask_now(self, c);
    else
        while (next_step(self))
            ;
    return ACTOR_CONTINUE;
}

static const actor_behaviour client_behaviour = {.name = "client", .handle = client_handle};

void grove_client(void)
{
    actor_spec spec = {.behaviour = &client_behaviour};
    call_count = step_count = step_at = 0;
    reloading = false;
    must(actor_spawn(grove.sys, &spec, &grove.client) == ACTOR_OK);
}

static bool send(call *c)
{
    actor_msg *msg = actor_msg_new(GO, sizeof(call *));
    if (!msg)
        return false;
    *(call **)actor_msg_data(msg) = c;
    must(actor_send(grove.client, &msg) == ACTOR_OK);
    return true;
}

void grove_ask(grove_verb verb, ruler *to, node *of)
{
    if (call_count < GROVE_CALLS)
        (void)send(new_call(verb, to, of));
}

/* ---- Reload -----------------------------------------------------------------------------------
 */

static void plan(grove_verb verb, ruler *to, node *of)
{
    if (step_count < sizeof steps / sizeof steps[0])
        steps[step_count++] = (step){verb, to, of};
}

/* Of each child, by chance; in the order of config_plan. */
static void plan_each(grove_verb verb, ruler *r, int64_t one_of)
{
    for (size_t i = 0; i < r->spec.count; i++)
        if (grove_one_in(one_of))
            plan(verb, r, r->spec.at[i]);
}

static void plan_ruler(ruler *r)
{
    plan_each(GROVE_DROP, r, 8);
    if (grove_one_in(2))
        plan(GROVE_FLAGS, r, NULL);
    plan_each(GROVE_UPDATE, r, 4);
    for (int64_t more = grove_pick(0, 3); more > 0; more--)
        plan(GROVE_START, r, NULL);
    plan_each(GROVE_RESTART, r, 10);
    if (grove_one_in(2))
        plan(GROVE_REORDER, r, NULL);
}

static node *newcomer(ruler *parent)
{
    int64_t room = grove_pick(1, 6);
    if (grove_one_in(4))
        return grove_tree(parent, 2, &room);
    node *n = grove_node(parent, false);
    if (n)
        n->child = grove_kid(n);
    return n;
}

/* True: there may be more to do at once. */
static bool next_step(actor *self)
{
    if (step_at == step_count || call_count == GROVE_CALLS) {
        reloading = false;
        return false;
    }
    step *s = &steps[step_at++];
    if (s->verb == GROVE_START && !(s->of = newcomer(s->to)))
        return true;
    call *c = new_call(s->verb, s->to, s->of);
    c->reloads = true;
    return !ask_now(self, c);
}

void grove_reload(void)
{
    if (reloading)
        return;
    step_count = step_at = 0;
    for (size_t i = 0; i < grove.ruler_count; i++)
        if (grove.rulers[i].node->seats[0].alive)
            plan_ruler(&grove.rulers[i]);
    reloading = send(NULL);
}

bool grove_reloading(void)
{
    return reloading;
}
