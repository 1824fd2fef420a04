/* The books, and the rules:
 *
 *   - children start in the order of the list, each when all before it are up; so does a group
 *   - they are told to stop in the reverse order, each when all behind it are down
 *   - who is told to stop was named by a call, or goes with its supervisor or its group, and the
 *     group is the one that the strategy says
 *   - a restart is counted, no other is; inside a period there are never more than the limit, and
 *     nobody gives up before
 *   - what comes back with a supervisor is what its file and the calls said, in their order
 *   - no kid lives twice, nor under a supervisor that doesn't run
 *
 * Where a call that changes the order is under way, nobody can say which of both holds: there the
 * order is not checked. */
#include "tests/support/grove.h"

#include <stdio.h>
#include <string.h>

struct grove grove;

int64_t grove_pick(int64_t low, int64_t high)
{
    return prng_between(&grove.chance, low, high);
}

bool grove_one_in(int64_t n)
{
    return grove_pick(1, n) == 1;
}

/* ---- Lists ------------------------------------------------------------------------------------
 */

size_t node_list_find(const node_list *l, const node *n)
{
    size_t at = 0;
    while (at < l->count && l->at[at] != n)
        at++;
    return at;
}

void node_list_insert(node_list *l, size_t at, node *n)
{
    memmove(&l->at[at + 1], &l->at[at], (l->count - at) * sizeof l->at[0]);
    l->at[at] = n;
    l->count++;
}

void node_list_remove(node_list *l, const node *n)
{
    size_t at = node_list_find(l, n);
    if (at == l->count)
        return;
    l->count--;
    memmove(&l->at[at], &l->at[at + 1], (l->count - at) * sizeof l->at[0]);
}

static bool has(const node_list *l, const node *n)
{
    return node_list_find(l, n) < l->count;
}

/* ---- What comes back --------------------------------------------------------------------------
 */

bool grove_rules(const ruler *r)
{
    return r->starting || r->node->seats[0].alive;
}

void grove_begin(ruler *r)
{
    r->starting = true;
    r->announced = r->killed = r->uncounted = r->group_all = false;
    r->group_from = NULL;
    r->stamp_count = 0;
    r->order.count = 0;
    for (node *n = grove.nodes; n < grove.nodes + grove.node_count; n++)
        for (int k = 0; n->parent == r && k < GROVE_SEATS; k++)
            n->seats[k] = (seat){.node = n};
}

static uint32_t seats_there(const node *n)
{
    uint32_t count = 0;
    for (int i = 0; i < GROVE_SEATS; i++)
        count += n->seats[i].there;
    return count;
}

/* The supervisor has said which children it has, before it starts the first. */
static void check_announced(ruler *r)
{
    size_t at = 0;
    if (r->announced)
        return;
    for (size_t i = 0; i < r->order.count; i++) {
        node *n = r->order.at[i];
        must(n->kept || n->unsure || n->changes > 0);
        must(n->unsure_child || seats_there(n) == n->child.instances);
        n->child.instances = seats_there(n);
        n->kept = true;
    }
    for (size_t i = 0; i < r->spec.count; i++) {
        node *n = r->spec.at[i];
        if (!has(&r->order, n)) {
            must(n->unsure || n->changes > 0);
            n->kept = false;
        } else if (!r->lost && r->orders == 0) {
            while (!has(&r->spec, r->order.at[at]))
                at++;
            must(r->order.at[at] == n);
            at++;
        }
    }
    for (size_t i = 0; i < grove.node_count; i++)
        if (grove.nodes[i].parent == r && grove.nodes[i].changes == 0)
            grove.nodes[i].unsure = false;
    r->spec = r->order;
    r->announced = true;
    r->lost = r->orders > 0;
}

/* ---- Order ------------------------------------------------------------------------------------
 */

static bool order_known(const ruler *r)
{
    return !r->lost && r->orders == 0;
}

/* One seat after the other of all children there, in start order; *at begins with 0. */
static seat *next_seat(const ruler *r, size_t *at)
{
    while (*at < r->order.count * GROVE_SEATS) {
        seat *s = &r->order.at[*at / GROVE_SEATS]->seats[*at % GROVE_SEATS];
        ++*at;
        if (s->there)
            return s;
    }
    return NULL;
}

static bool before(const ruler *r, const node *a, const node *b)
{
    return node_list_find(&r->order, a) < node_list_find(&r->order, b);
}

static void first_start_in_order(const seat *s)
{
    const ruler *r = s->node->parent;
    bool behind = false;
    size_t at = 0;
    for (const seat *t; (t = next_seat(r, &at));) {
        if (t->node == s->node)
            behind = true;
        else
            must(behind ? !t->begun : t->settled);
    }
}

static void group_start_in_order(const seat *s)
{
    const ruler *r = s->node->parent;
    bool reached = !order_known(r);
    size_t at = 0;
    for (const seat *t; (t = next_seat(r, &at));) {
        reached |= t->node == s->node;
        must(reached || !t->awaited);
    }
}

/* It comes up again after its crash: all that had to go with it were down meanwhile. */
static void group_was_down(seat *s)
{
    const ruler *r = s->node->parent;
    uint64_t decided = s->decided;
    bool all = r->flags.strategy == SUPERVISOR_ONE_FOR_ALL;
    size_t at = 0;
    s->decided = 0;
    if (decided == 0 || r->changed > decided || !order_known(r))
        return;
    for (const seat *t; (t = next_seat(r, &at));)
        must(t == s || !t->held || t->since > decided || !(all || before(r, s->node, t->node)));
}

/* A supervisor that is killed tells all its children at once, and none of them gently. */
static void told_by_closing(seat *s)
{
    ruler *r = s->node->parent;
    size_t at = 0;
    if (order_known(r))
        for (const seat *t; (t = next_seat(r, &at));)
            if (t->state != SUPERVISOR_CHILD_STOPPED && before(r, s->node, t->node))
                r->killed = true;
    s->forced = r->killed;
}

static void told_by_group(const seat *s)
{
    const ruler *r = s->node->parent;
    size_t at = 0;
    must(r->flags.strategy != SUPERVISOR_ONE_FOR_ONE && (r->group_all || r->group_from));
    if (!order_known(r))
        return;
    must(r->group_all || before(r, r->group_from, s->node) || !has(&r->order, r->group_from));
    for (const seat *t; (t = next_seat(r, &at));)
        must(!before(r, s->node, t->node) || (!t->held && !t->alive));
}

static void told_to_stop(seat *s, bool closing)
{
    if (closing)
        told_by_closing(s);
    else if (s->node->calls == 0)
        told_by_group(s);
}

/* ---- Restarts ---------------------------------------------------------------------------------
 */

static bool limited(const ruler *r)
{
    return r->flags.max_restarts != SUPERVISOR_UNLIMITED;
}

/* The definition: how many are not older than the period. */
static uint32_t inside(const ruler *r)
{
    uint32_t count = 0;
    for (size_t i = 0; i < r->stamp_count; i++)
        count += actor_now(grove.sys) - r->stamps[i] < r->flags.period;
    return count;
}

static void forget_old(ruler *r)
{
    size_t old = r->stamp_count - inside(r);
    r->stamp_count -= old;
    memmove(r->stamps, r->stamps + old, r->stamp_count * sizeof r->stamps[0]);
}

static void budget_told(ruler *r, uint32_t used)
{
    if (!limited(r))
        return;
    must(!r->uncounted);
    forget_old(r);
    if (used == r->stamp_count)
        return;
    must(used == r->stamp_count + 1 && used <= (uint32_t)r->flags.max_restarts);
    must(r->stamp_count < GROVE_STAMPS);
    r->stamps[r->stamp_count++] = actor_now(grove.sys);
    r->uncounted = true;
}

static void open_group(seat *s)
{
    ruler *r = s->node->parent;
    bool waits = false;
    size_t at = 0;
    for (const seat *t; (t = next_seat(r, &at));)
        waits |= t->awaited && t != s;
    if (!waits)
        r->group_from = NULL;
    r->group_all = r->flags.strategy == SUPERVISOR_ONE_FOR_ALL || (waits && r->group_all);
    if (!r->group_from || before(r, s->node, r->group_from))
        r->group_from = s->node;
    s->awaited = true;
    s->decided = grove.event;
}

/* The first word after its crash tells what was decided. */
static void decided(seat *s, supervisor_child_state state)
{
    ruler *r = s->node->parent;
    s->crashed = false;
    if (state != SUPERVISOR_CHILD_RESTARTING && state != SUPERVISOR_CHILD_BACKOFF &&
        state != SUPERVISOR_CHILD_STARTING)
        return; /* it went with another's group, or for good */
    must(r->uncounted || !limited(r));
    r->uncounted = false;
    if (r->flags.strategy == SUPERVISOR_ONE_FOR_ONE)
        s->awaited = false; /* of a group before the strategy was changed */
    else
        open_group(s);
}

/* ---- Children ---------------------------------------------------------------------------------
 */

void grove_up(seat *s)
{
    s->alive = s->settled = true;
    s->awaited = false;
}

/* The first that is heard of a seat, or of its node. */
static void arrives(seat *s)
{
    node *n = s->node, *next = NULL;
    ruler *r = n->parent;
    s->there = true;
    if (has(&r->order, n))
        return;
    if (r->starting && !r->announced) {
        node_list_insert(&r->order, r->order.count, n);
        return;
    }
    must(n->calls > 0);
    size_t at = n->index < r->order.count ? n->index : r->order.count;
    node_list_insert(&r->order, at, n);
    if (r->orders > 0)
        r->lost = true;
    if (!n->kept)
        return;
    while (++at < r->order.count && !next)
        next = r->order.at[at]->kept ? r->order.at[at] : NULL;
    node_list_insert(&r->spec, next ? node_list_find(&r->spec, next) : r->spec.count, n);
}

static void starts(seat *s, const supervisor_child_event *e)
{
    ruler *r = s->node->parent;
    if (s->state == SUPERVISOR_CHILD_STARTING && s->incarnation == e->incarnation)
        return; /* said again */
    must(grove_rules(r) && !e->closing && !actor_ref_none(e->ref));
    must(!s->held && !s->alive);
    check_announced(r);
    if (r->starting)
        first_start_in_order(s);
    else if (s->awaited)
        group_start_in_order(s);
    group_was_down(s);
    s->held = s->begun = true;
    s->since = grove.event;
    if (s->node->rules)
        grove_begin(s->node->rules);
}

static void is_over(seat *s, const supervisor_child_event *e)
{
    node *n = s->node;
    must(!s->alive && actor_ref_none(e->ref));
    s->held = s->awaited = false;
    s->settled = s->begun; /* not yet, where it is only announced */
    s->decided = 0;
    if (e->state != SUPERVISOR_CHILD_GONE)
        return;
    must(e->closing || n->calls > 0 || n->temporary || n->child.restart == SUPERVISOR_TEMPORARY ||
         n->unsure_child || !e->last);
    s->there = false;
    if (e->last)
        node_list_remove(&n->parent->order, n);
}

/* For people. */
static void say(const node *n, const supervisor_child_event *e)
{
    if (grove.talks)
        printf("%6lld ms %s/%s.%u %s%s%s %u\n", (long long)actor_now(grove.sys),
               n->parent->node->id, n->id, e->instance,
               e->state == SUPERVISOR_CHILD_WAITING ? "waiting"
                                                    : supervisor_child_state_name(e->state),
               e->ended ? "*" : "", e->closing ? " closing" : "", e->incarnation);
}

static void on_child(void *user, const supervisor_child_event *e)
{
    node *n = e->tag;
    (void)user;
    must(strcmp(n->id, e->id) == 0 && e->instance >= 1 && e->instance <= GROVE_SEATS);
    seat *s = &n->seats[e->instance - 1];
    grove.event++;
    say(n, e);
    if (!s->there)
        arrives(s);
    if (s->crashed)
        decided(s, e->state);
    if (e->ended) {
        must(!s->alive);
        s->held = false;
        s->crashed = e->state == SUPERVISOR_CHILD_RESTARTING;
    }
    switch (e->state) {
    case SUPERVISOR_CHILD_STARTING:
        starts(s, e);
        break;
    case SUPERVISOR_CHILD_STOPPING:
        s->awaited = false; /* nobody waits for one that is stopped by a call */
        if (s->held && s->state != SUPERVISOR_CHILD_STOPPING)
            told_to_stop(s, e->closing);
        break;
    case SUPERVISOR_CHILD_WAITING:
        must(!s->alive && !s->held);
        s->awaited = true;
        break;
    case SUPERVISOR_CHILD_STOPPED:
    case SUPERVISOR_CHILD_GONE:
        is_over(s, e);
        break;
    case SUPERVISOR_CHILD_RUNNING:
    case SUPERVISOR_CHILD_RESTARTING:
    case SUPERVISOR_CHILD_BACKOFF:
        break;
    }
    s->state = e->state;
    s->ref = e->ref;
    s->incarnation = e->incarnation;
}

/* ---- Supervisors ------------------------------------------------------------------------------
 */

size_t at = 0;
static void has_started(ruler *r)
{
    check_announced(r);
    for (const seat *t; (t = next_seat(r, &at));)
        must(t->settled);
    r->starting = false;
    grove_up(&r->node->seats[0]);
}

static void has_stopped(ruler *r, bool auto_shutdown)
{
    must(!auto_shutdown || r->flags.auto_shutdown != SUPERVISOR_NEVER);
    for (size_t i = 0; i < grove.node_count; i++)
        for (int k = 0; grove.nodes[i].parent == r && k < GROVE_SEATS; k++)
            must(!grove.nodes[i].seats[k].alive && !grove.nodes[i].seats[k].held);
    r->starting = r->node->seats[0].alive = false;
}

static void on_supervisor(void *user, const supervisor_event *e)
{
    ruler *r = e->tag;
    (void)user;
    grove.event++;
    switch (e->kind) {
    case SUPERVISOR_STARTED:
        has_started(r);
        break;
    case SUPERVISOR_BUDGET:
        budget_told(r, e->restarts_used);
        break;
    case SUPERVISOR_FLAGS:
        forget_old(r);
        r->flags = *e->flags;
        r->changed = grove.event;
        break;
    case SUPERVISOR_TRIPPED:
        must(limited(r) && inside(r) >= (uint32_t)r->flags.max_restarts);
        break;
    case SUPERVISOR_STOPPED:
        has_stopped(r, e->auto_shutdown);
        break;
    case SUPERVISOR_START_FAILED:
    case SUPERVISOR_ESCALATED:
    case SUPERVISOR_STRAY:
        break;
    }
}

const supervisor_observer grove_observer = {.child = on_child, .supervisor = on_supervisor};
