/* Kids that fail, decline, are slow, obey or don't; and trees of them. */
#include "tests/support/grove.h"

#include <stdio.h>

enum { TIMER_UP = 1, TIMER_DOWN };

/* ---- Kids -------------------------------------------------------------------------------------
 */

static void kid_up(seat *s)
{
    must(!s->alive && grove_rules(s->node->parent));
    grove_up(s);
}

static actor_verdict kid_start(actor *self, void *state, void *arg)
{
    seat *s = arg;
    actor_timer *timer;
    (void)state;

    must(!s->alive && grove_rules(s->node->parent));
    if (grove_one_in(grove.fails))
        return actor_fail(self, ACTOR_FAIL_RESTART, "no luck");
    if (grove_one_in(3 * grove.fails)) {
        s->held = s->awaited = false; /* whoever waits for it waits no longer */
        s->settled = true;
        return ACTOR_DECLINE;
    }
    if (grove_one_in(4)) {
        actor_ms delay = grove_pick(0, grove_one_in(grove.fails) ? 300 : 90);
        return actor_after(self, delay, ACTOR_MSG_TIMER, TIMER_UP, &timer) == ACTOR_OK
                   ? ACTOR_PENDING
                   : ACTOR_FAIL_RESTART;
    }
    kid_up(s);
    return ACTOR_CONTINUE;
}

static actor_verdict kid_handle(actor *self, void *state, actor_msg *msg)
{
    static const actor_verdict verdicts[] = {ACTOR_EXIT, ACTOR_FAIL_RESTART, ACTOR_FAIL_STOP,
                                             ACTOR_FAIL_ESCALATE};
    seat *s = actor_self_arg(self);
    (void)state;

    must(grove_rules(s->node->parent));
    if (actor_msg_type(msg) == GROVE_ORDER)
        return actor_fail(self, verdicts[*(grove_order *)actor_msg_data(msg)], "told to");
    if (actor_msg_tag(msg) == TIMER_UP) {
        kid_up(s);
        actor_started(self);
    } else {
        actor_stopped(self);
        s->alive = false;
    }
    return ACTOR_CONTINUE;
}

static actor_verdict kid_stop(actor *self, void *state, actor_how how)
{
    seat *s = actor_self_arg(self);
    actor_timer *timer;
    (void)state;

    must(how != ACTOR_HOW_STOP || !s->forced);
    /* Some take their time, some for ever. */
    if (how == ACTOR_HOW_STOP && grove_one_in(4)) {
        if (grove_one_in(3) ||
            actor_after(self, grove_pick(0, 300), ACTOR_MSG_TIMER, TIMER_DOWN, &timer) == ACTOR_OK)
            return ACTOR_PENDING;
    }
    s->alive = false;
    return ACTOR_CONTINUE;
}

static const actor_behaviour kid = {
    .name = "kid", .start = kid_start, .handle = kid_handle, .stop = kid_stop};

/* ---- Specs ------------------------------------------------------------------------------------
 */

supervisor_flags grove_flags(void)
{
    supervisor_flags f = {
        .strategy = (supervisor_strategy)grove_pick(0, 2),
        .auto_shutdown = (supervisor_auto_shutdown)grove_pick(0, 2),
        .max_restarts = grove_one_in(10) ? SUPERVISOR_UNLIMITED : (int32_t)grove_pick(0, 8),
        .period = grove_pick(100, 5000),
        .backoff = {.none = grove_one_in(3),
                    .policy = {(backoff_kind)grove_pick(0, 3), (backoff_jitter)grove_pick(0, 2), 10,
                               400, 2},
                    .reset_after = 1000},
    };
    return f;
}

node *grove_node(ruler *parent, bool is_supervisor)
{
    node *n = &grove.nodes[grove.node_count];
    if (grove.node_count == GROVE_NODES || (is_supervisor && grove.ruler_count == GROVE_RULERS))
        return NULL;
    *n = (node){.parent = parent, .kept = true};
    for (int i = 0; i < GROVE_SEATS; i++)
        n->seats[i].node = n;
    if (is_supervisor) {
        n->rules = &grove.rulers[grove.ruler_count++];
        *n->rules = (ruler){.node = n};
    }
    snprintf(n->id, sizeof n->id, "%c%zu", is_supervisor ? 's' : 'k', grove.node_count++);
    return n;
}

static void *seat_of(void *arg, uint32_t instance)
{
    node *n = arg;
    must(instance >= 1 && instance <= GROVE_SEATS);
    return &n->seats[instance - 1];
}

static const actor_ms shutdowns[] = {SUPERVISOR_KILL, 50, 200, 1000};

supervisor_child grove_kid(const node *n)
{
    node *arg = &grove.nodes[n - grove.nodes];
    supervisor_child c = {
        .id = n->id,
        .tag = arg,
        .behaviour = &kid,
        .arg = arg,
        .instance_arg = seat_of,
        .restart = (supervisor_restart)grove_pick(0, 2),
        .instances = grove_one_in(5) ? (uint32_t)grove_pick(2, GROVE_SEATS) : 1,
        .shutdown = shutdowns[grove_pick(0, 3)],
        .start_timeout = grove_one_in(3) ? 100 : 0,
    };
    c.significant = c.restart != SUPERVISOR_PERMANENT && c.instances == 1 &&
                    n->parent->flags.auto_shutdown != SUPERVISOR_NEVER && grove_one_in(8);
    return c;
}

static supervisor_child nested(node *n, supervisor_spec *spec)
{
    return (supervisor_child){.id = n->id,
                              .tag = n,
                              .nested = spec,
                              .restart = (supervisor_restart)grove_pick(0, 2),
                              .instances = 1,
                              .shutdown = grove_one_in(4) ? 300 : SUPERVISOR_INFINITY};
}

static void grow(node *n, supervisor_spec *spec, int64_t children, int depth, int64_t *room)
{
    for (; children > 0 && *room > 0; children--) {
        bool deeper = depth > 1 && grove_one_in(3);
        node *c = deeper ? grove_tree(n->rules, depth - 1, room) : grove_node(n->rules, false);
        if (!c)
            return;
        if (!deeper) {
            --*room;
            c->child = grove_kid(c);
        }
        must(supervisor_spec_add(spec, &c->child, NULL, 0) == SUPERVISOR_OK);
        node_list_insert(&n->rules->spec, n->rules->spec.count, c);
    }
}

/* A root has all the children there is room for, and lives longer. */
node *grove_tree(ruler *parent, int depth, int64_t *room)
{
    node *n = grove_node(parent, true);
    supervisor_observer observer = grove_observer;
    supervisor_spec *spec;
    if (!n)
        return NULL;
    --*room;
    observer.tag = n->rules;
    n->rules->flags = grove_flags();
    if (!parent && n->rules->flags.max_restarts >= 0 && !grove_one_in(5))
        n->rules->flags.max_restarts += 20;
    must(supervisor_spec_new(&n->rules->flags, &observer, grove.seed, NULL, 0, &spec) ==
         SUPERVISOR_OK);
    grow(n, spec, parent ? grove_pick(0, 8) : GROVE_NODES, depth, room);
    n->child = nested(n, spec);
    return n;
}
