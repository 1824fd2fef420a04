/* Whole trees at random: what is built, what happens to it and in which order is the seed's choice.
 *
 * SEEDS and SEED choose: tests/support/seeds.h.
 *
 * Whatever happens:
 *   - no kid lives twice, none under a supervisor that does not run
 *   - no more restarts inside a period than the limit says
 *   - no supervisor ends with its significant children unless its mode says so
 *   - every call is answered, once
 *   - left alone, every child comes to rest, in every other tree
 *   - all this also where memory is short, in every fourth tree
 *   - a tree that was told to stop is gone in the end, and so is every kid
 */
#include "supervisors/prng.h"
#include "supervisors/supervisor.h"
#include "tests/support/seeds.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

enum { NODES = 256, STAMPS = 64, STEPS = 150 };

enum { ORDER = 1, GO = 2 };

typedef enum order { EXIT, CRASH, STOP, ESCALATE, ORDERS } order;

/* A child, as the test knows it: a kid, or a supervisor. */
typedef struct node {
    char id[16];
    int parent; /* -1: the root */
    bool is_supervisor;
    bool alive;    /* a kid: its incarnation is up; a supervisor: between STARTED and STOPPED */
    bool starting; /* a supervisor: its children start */
    supervisor_flags flags;
    actor_ref ref;
    supervisor_child_state state;
    actor_ms restarts[STAMPS]; /* of a supervisor: counted ones */
    size_t restart_count;
    uint32_t used;
} node;

static actor_system *sys;
static prng chance;
static uint64_t seed;
static node nodes[NODES];
static int node_count;
static actor_ref client;
static unsigned asked, answered;

static int64_t pick(int64_t low, int64_t high)
{
    return prng_between(&chance, low, high);
}

static bool one_in(int64_t n)
{
    return pick(1, n) == 1;
}

/* ---- Kids -------------------------------------------------------------------------------------
 */

static bool rules(int supervisor)
{
    return nodes[supervisor].alive || nodes[supervisor].starting;
}

static void kid_up(actor *self, node *n)
{
    must(!n->alive);
    must(rules(n->parent));
    n->alive = true;
    n->ref = actor_self(self);
}

static actor_verdict kid_start(actor *self, void *state, void *arg)
{
    node *n = arg;
    actor_timer *timer;
    (void)state;

    n->ref = actor_self(self);
    if (one_in(12))
        return actor_fail(self, ACTOR_FAIL_RESTART, "no luck");
    if (one_in(40))
        return ACTOR_DECLINE;
    if (one_in(4))
        return actor_after(self, pick(0, 300), ACTOR_MSG_TIMER, 1, &timer) == ACTOR_OK
                   ? ACTOR_PENDING
                   : ACTOR_FAIL_RESTART;
    kid_up(self, n);
    return ACTOR_CONTINUE;
}

static actor_verdict kid_handle(actor *self, void *state, actor_msg *msg)
{
    static const actor_verdict verdicts[] = {ACTOR_EXIT, ACTOR_FAIL_RESTART, ACTOR_FAIL_STOP,
                                             ACTOR_FAIL_ESCALATE};
    node *n = actor_self_arg(self);
    (void)state;

    if (actor_msg_type(msg) == ORDER)
        return actor_fail(self, verdicts[*(order *)actor_msg_data(msg)], "told to");
    if (actor_msg_tag(msg) == 1) {
        kid_up(self, n);
        actor_started(self);
    } else {
        actor_stopped(self);
        n->alive = false;
    }
    return ACTOR_CONTINUE;
}

static actor_verdict kid_stop(actor *self, void *state, actor_how how)
{
    node *n = actor_self_arg(self);
    actor_timer *timer;
    (void)state;

    /* Some take their time, some for ever. */
    if (how == ACTOR_HOW_STOP && one_in(4)) {
        if (one_in(3) || actor_after(self, pick(0, 300), ACTOR_MSG_TIMER, 2, &timer) == ACTOR_OK)
            return ACTOR_PENDING;
    }
    n->alive = false;
    return ACTOR_CONTINUE;
}

static const actor_behaviour kid = {
    .name = "kid", .start = kid_start, .handle = kid_handle, .stop = kid_stop};

/* ---- Supervisors ------------------------------------------------------------------------------
 */

static node *node_of(const char *id)
{
    for (int i = 0; i < node_count; i++)
        if (strcmp(nodes[i].id, id) == 0)
            return &nodes[i];
    ck_abort_msg("nobody is called %s", id);
    return NULL;
}

static void on_child(void *user, const supervisor_child_event *e)
{
    node *n = node_of(e->id);
    (void)user;

    if (e->state == SUPERVISOR_CHILD_STARTING) {
        must(rules(n->parent));
        n->starting = n->is_supervisor;
    }
    if (e->state == SUPERVISOR_CHILD_STOPPED || e->state == SUPERVISOR_CHILD_GONE)
        must(!n->alive && actor_ref_none(e->ref));
    n->state = e->state;
    n->ref = e->ref;
}

static void keep_newest(node *n, size_t count)
{
    if (n->restart_count <= count)
        return;
    memmove(n->restarts, n->restarts + n->restart_count - count, count * sizeof n->restarts[0]);
    n->restart_count = count;
}

/* One more restart was counted: by the definition, are there too many? */
static void on_restart(node *n)
{
    actor_ms now = actor_now(sys);
    uint32_t inside = 0;

    keep_newest(n, STAMPS - 1);
    n->restarts[n->restart_count++] = now;
    for (size_t i = 0; i < n->restart_count; i++)
        inside += now - n->restarts[i] < n->flags.period;
    must(inside <= (uint32_t)n->flags.max_restarts);
}

static void on_supervisor(void *user, const supervisor_event *e)
{
    node *n = node_of(e->tag);
    (void)user;

    switch (e->kind) {
    case SUPERVISOR_STARTED:
        n->alive = true;
        n->starting = false;
        break;
    case SUPERVISOR_BUDGET:
        if (e->restarts_used > n->used)
            on_restart(n);
        n->used = e->restarts_used;
        break;
    case SUPERVISOR_FLAGS: /* the history is what was still in the window */
        n->flags = *e->flags;
        n->used = e->restarts_used;
        keep_newest(n, n->used);
        break;
    case SUPERVISOR_STOPPED:
        must(!e->auto_shutdown || n->flags.auto_shutdown != SUPERVISOR_NEVER);
        for (int i = 0; i < node_count; i++)
            must(nodes[i].parent != n - nodes || !nodes[i].alive);
        n->alive = n->starting = false;
        n->used = 0;
        n->restart_count = 0;
        break;
    case SUPERVISOR_START_FAILED:
    case SUPERVISOR_TRIPPED:
    case SUPERVISOR_ESCALATED:
    case SUPERVISOR_STRAY:
        break;
    }
}

static supervisor_flags random_flags(void)
{
    supervisor_flags f = {
        .strategy = (supervisor_strategy)pick(0, 2),
        .auto_shutdown = (supervisor_auto_shutdown)pick(0, 2),
        .max_restarts = (int32_t)pick(0, 8),
        .period = pick(100, 5000),
        .backoff = {.none = one_in(3),
                    .policy = {(backoff_kind)pick(0, 3), (backoff_jitter)pick(0, 2), 10, 400, 2},
                    .reset_after = 1000},
    };
    return f;
}

static supervisor_child random_child(node *n)
{
    static const actor_ms shutdowns[] = {SUPERVISOR_KILL, 50, 200, 1000};
    supervisor_child c = {
        .id = n->id,
        .behaviour = &kid,
        .arg = n,
        .restart = (supervisor_restart)pick(0, 2),
        .shutdown = shutdowns[pick(0, 3)],
        .start_timeout = one_in(3) ? 100 : 0,
    };
    c.significant = c.restart != SUPERVISOR_PERMANENT &&
                    nodes[n->parent].flags.auto_shutdown != SUPERVISOR_NEVER && one_in(8);
    return c;
}

static node *new_node(int parent, bool is_supervisor)
{
    node *n = &nodes[node_count];
    *n = (node){.parent = parent, .is_supervisor = is_supervisor, .state = SUPERVISOR_CHILD_GONE};
    snprintf(n->id, sizeof n->id, "%c%d", is_supervisor ? 's' : 'k', node_count++);
    return n;
}

static supervisor_spec *random_spec(int parent, int depth)
{
    node *n = new_node(parent, true);
    int self = (int)(n - nodes);
    supervisor_observer observer = {on_child, on_supervisor, NULL, n->id};
    supervisor_spec *spec;

    n->flags = random_flags();
    must(supervisor_spec_new(&n->flags, &observer, seed, NULL, 0, &spec) == SUPERVISOR_OK);
    for (int64_t children = pick(0, 6); children > 0 && node_count < NODES / 2; children--) {
        supervisor_child c;
        if (depth > 0 && one_in(3)) {
            supervisor_spec *nested = NULL;
            int at = node_count;
            nested = random_spec(self, depth - 1);
            c = (supervisor_child){.id = nodes[at].id,
                                   .nested = nested,
                                   .restart = (supervisor_restart)pick(0, 2),
                                   .shutdown = one_in(4) ? 300 : SUPERVISOR_INFINITY};
        } else {
            c = random_child(new_node(self, false));
        }
        must(supervisor_spec_add(spec, &c, NULL, 0) == SUPERVISOR_OK);
    }
    return spec;
}

/* ---- What happens -----------------------------------------------------------------------------
 */

static actor_verdict on_answer(actor *self, void *state, actor_err how, actor_msg *reply, void *arg)
{
    (void)self;
    (void)state;
    (void)arg;
    answered++;
    must(how == ACTOR_EENDED || (how == ACTOR_OK && supervisor_reply_get(reply)));
    return ACTOR_CONTINUE;
}

typedef struct question {
    actor_msg *request;
    actor_ref to;
} question;

static actor_verdict client_handle(actor *self, void *state, actor_msg *msg)
{
    question *q = actor_msg_data(msg);
    actor_ask_id id;
    (void)state;

    if (actor_ask(self, q->to, &q->request, -1, on_answer, NULL, &id) == ACTOR_OK)
        asked++;
    else
        actor_msg_free(q->request);
    return ACTOR_CONTINUE;
}

static const actor_behaviour client_behaviour = {.name = "client", .handle = client_handle};

static void ask(actor_ref to, actor_msg *request)
{
    actor_msg *msg = request ? actor_msg_new(GO, sizeof(question)) : NULL;
    if (!msg) {
        actor_msg_free(request);
        return;
    }
    *(question *)actor_msg_data(msg) = (question){request, to};
    must(actor_send(client, &msg) == ACTOR_OK);
}

static void tell(node *n)
{
    actor_msg *msg = actor_msg_new(ORDER, sizeof(order));
    if (!msg)
        return;
    *(order *)actor_msg_data(msg) = one_in(8) ? (order)pick(0, ORDERS - 1) : CRASH;
    if (actor_send(n->ref, &msg) != ACTOR_OK)
        actor_msg_free(msg);
}

/* Some of a supervisor's children, from the last to the first. */
static actor_msg *random_order(int parent)
{
    const char *ids[NODES];
    size_t count = 0;
    for (int i = node_count; i-- > 0;)
        if (nodes[i].parent == parent && one_in(2))
            ids[count++] = nodes[i].id;
    return supervisor_request_order(ids, count);
}

static actor_msg *random_request(node *n, int parent)
{
    supervisor_child c;
    supervisor_flags f;

    switch (pick(0, 11)) {
    case 0:
        return supervisor_request_stop(n->id);
    case 1:
    case 2:
    case 3:
        return supervisor_request_restart(n->id);
    case 4:
        return supervisor_request_kill(n->id);
    case 5:
        return supervisor_request_remove(n->id);
    case 6:
        return one_in(4) ? supervisor_request_drop(n->id) : supervisor_request_count();
    case 7:
        if (n->is_supervisor)
            return supervisor_request_which(n->id);
        c = random_child(n);
        return one_in(2) ? supervisor_request_update(&c) : random_order(parent);
    case 8:
        f = random_flags();
        f.max_restarts += 4;
        return supervisor_request_flags(&f);
    case 9:
    case 10:
        if (node_count == NODES)
            return supervisor_request_count();
        c = random_child(new_node(parent, false));
        return supervisor_request_start(&c, one_in(2), one_in(2) ? SUPERVISOR_LAST : 1);
    default:
        return supervisor_request_which(NULL);
    }
}

static void happen(void)
{
    node *n = &nodes[pick(0, node_count - 1)];

    if (!n->is_supervisor && one_in(2)) {
        tell(n);
    } else if (n->parent >= 0) {
        actor_ref to = nodes[n->parent].ref;
        if (!actor_ref_none(to))
            ask(to, random_request(n, n->parent));
    }
}

static void all_is_at_rest(void)
{
    must(asked == answered);
    for (int i = 1; i < node_count; i++) {
        const node *n = &nodes[i];
        must(!nodes[n->parent].alive || n->state == SUPERVISOR_CHILD_RUNNING ||
             n->state == SUPERVISOR_CHILD_STOPPED || n->state == SUPERVISOR_CHILD_GONE);
    }
}

static void tree(void)
{
    actor_system_options options = {.simulate = true, .seed = seed};
    actor_spec spec = {.behaviour = &client_behaviour};

    chance.state = seed;
    node_count = 0;
    asked = answered = 0;
    must(actor_system_new(&options, &sys) == ACTOR_OK);
    must(actor_spawn(sys, &spec, &client) == ACTOR_OK);
    actor_ref root;
    must(supervisor_spawn(sys, random_spec(-1, 4), &root) == SUPERVISOR_OK);
    nodes[0].ref = root;
    nodes[0].starting = true;
    if (seed % 4 == 0)
        actor_sim_fail_allocations(sys, 5000);
    for (int i = 0; i < STEPS; i++) {
        happen();
        for (int64_t steps = pick(0, 20); steps > 0 && actor_sim_step(sys); steps--)
            ;
        if (one_in(3))
            (void)actor_sim_run(sys, actor_now(sys) + pick(0, 200));
    }
    actor_sim_fail_allocations(sys, 0);
    if (seed % 2 == 0) {
        (void)actor_sim_run(sys, actor_now(sys) + 1000000);
        all_is_at_rest();
    }
    (void)(one_in(4) ? actor_kill(root) : actor_stop(root));
    (void)actor_sim_run(sys, actor_now(sys) + 1000000);
    must(actor_stop(root) == ACTOR_ENOTFOUND);
    for (int i = 0; i < node_count; i++)
        must(!nodes[i].alive);
    must(asked == answered);
    actor_system_stats stats;
    actor_system_stats_get(sys, &stats);
    must(stats.actors == 1); /* the client */
    actor_system_free(sys, 0);
}

static void run(uint64_t with)
{
    seed = with;
    tree();
}

START_TEST(random_trees_keep_the_invariants)
{
    seeds_run(100, run);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {random_trees_keep_the_invariants, NULL};
    return suite_run("supervisor_sim", tests, NULL, NULL);
}
