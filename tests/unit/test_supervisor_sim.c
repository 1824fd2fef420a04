/* Whole trees at random: what is built, what happens to it and in which order is the seed's choice.
 *
 * SEEDS and SEED choose: tests/support/seeds.h. With TALK=1 it prints the events. Up to 200
 * children, five deep; crashes, calls and whole reloads. What must hold of each event:
 * tests/support/grove.c. Besides,
 *
 *   - every call is answered, once
 *   - left alone, every child comes to rest, in every other tree; the supervisors then say what the
 *     books say, also after all was restarted, and nobody else is alive
 *   - all this also where memory is short, in every fourth tree
 *   - a tree that was told to stop is gone in the end, and so is every kid
 */
#include "tests/support/grove.h"
#include "tests/support/suite.h"

#include <stdlib.h>

enum { STEPS = 150, LONG = 1000000 };

static actor_ref root;

/* ---- What happens -----------------------------------------------------------------------------
 */

static void tell(const node *n)
{
    const seat *s = &n->seats[grove_pick(0, GROVE_SEATS - 1)];
    actor_msg *msg = actor_msg_new(GROVE_ORDER, sizeof(grove_order));
    if (!msg)
        return;
    *(grove_order *)actor_msg_data(msg) =
        grove_one_in(8) ? (grove_order)grove_pick(GROVE_EXIT, GROVE_ESCALATE) : GROVE_CRASH;
    if (actor_send(s->there ? s->ref : n->seats[0].ref, &msg) != ACTOR_OK)
        actor_msg_free(msg);
}

static void call_about(node *n)
{
    static const grove_verb verbs[] = {GROVE_CALL_STOP, GROVE_RESTART, GROVE_RESTART, GROVE_RESTART,
                                       GROVE_KILL,      GROVE_REMOVE,  GROVE_DROP,    GROVE_SCALE,
                                       GROVE_SCALE,     GROVE_UPDATE,  GROVE_REORDER, GROVE_FLAGS,
                                       GROVE_START,     GROVE_START,   GROVE_WHICH,   GROVE_COUNT};
    grove_verb verb = verbs[grove_pick(0, sizeof verbs / sizeof verbs[0] - 1)];
    ruler *to = n->parent;
    if (verb == GROVE_START) {
        n = grove_node(to, false);
        if (n)
            n->child = grove_kid(n);
    }
    if (verb == GROVE_DROP && !grove_one_in(3))
        return;
    if (n)
        grove_ask(verb, to, verb <= GROVE_UPDATE ? n : NULL);
}

static void happen(void)
{
    node *n = &grove.nodes[grove_pick(0, (int64_t)grove.node_count - 1)];

    if (grove_one_in(100))
        grove_reload();
    if (!n->rules && grove_one_in(2))
        tell(n);
    else if (n->parent && n->parent->node->seats[0].ref.bits)
        call_about(n);
}

/* ---- Rest -------------------------------------------------------------------------------------
 */

static void pass(actor_ms ms)
{
    (void)actor_sim_run(grove.sys, actor_now(grove.sys) + ms);
}

static void check_seat(const seat *s, unsigned *actors)
{
    if (!s->there)
        return;
    *actors += !actor_ref_none(s->ref);
    must(!s->node->parent->node->seats[0].alive || s->state == SUPERVISOR_CHILD_RUNNING ||
         s->state == SUPERVISOR_CHILD_STOPPED);
    must(s->alive == (s->state == SUPERVISOR_CHILD_RUNNING));
}

static void all_is_at_rest(void)
{
    actor_system_stats stats;
    actor_info info;
    pass(LONG);
    unsigned actors = 1u + (actor_inspect(root, &info) == ACTOR_OK); /* the client */
    must(grove.asked == grove.answered && !grove_reloading());
    for (size_t i = 1; i < grove.node_count; i++)
        for (int k = 0; k < GROVE_SEATS; k++)
            check_seat(&grove.nodes[i].seats[k], &actors);
    actor_system_stats_get(grove.sys, &stats);
    must(stats.actors == actors); /* no orphans */
    for (size_t i = 0; i < grove.ruler_count; i++)
        if (grove.rulers[i].node->seats[0].alive)
            grove_ask(GROVE_COMPARE, &grove.rulers[i], NULL);
    pass(LONG);
    must(grove.asked == grove.answered);
}

/* What calls and reloads have made of the supervisors comes back with them. */
static void restart_supervisors(void)
{
    for (size_t i = 1; i < grove.ruler_count; i++)
        if (grove.rulers[i].node->seats[0].alive)
            grove_ask(GROVE_RESTART, grove.rulers[i].node->parent, grove.rulers[i].node);
    all_is_at_rest();
}

/* ---- One tree ---------------------------------------------------------------------------------
 */

static void plant(void)
{
    static const int64_t sizes[] = {4, 12, 30, 80, GROVE_CHILDREN};
    static const int64_t luck[] = {12, 100, 1000};
    int64_t room = grove_pick(1, sizes[grove_pick(0, 4)]);
    grove.fails = room < 15 ? luck[grove_pick(0, 2)] : luck[grove_pick(1, 2)] * 2;
    node *n = grove_tree(NULL, (int)grove_pick(1, GROVE_DEPTH), &room);
    must(supervisor_spawn(grove.sys, n->child.nested, &root) == SUPERVISOR_OK);
    n->seats[0].ref = root;
    grove_begin(n->rules);
}

static void end(void)
{
    (void)(grove_one_in(4) ? actor_kill(root) : actor_stop(root));
    pass(LONG);
    must(actor_stop(root) == ACTOR_ENOTFOUND);
    for (size_t i = 0; i < grove.node_count; i++)
        for (int k = 0; k < GROVE_SEATS; k++)
            must(!grove.nodes[i].seats[k].alive);
    must(grove.asked == grove.answered);
    actor_system_stats stats;
    actor_system_stats_get(grove.sys, &stats);
    must(stats.actors == 1); /* the client */
    actor_system_free(grove.sys, 0);
}

static void run(uint64_t seed)
{
    actor_system_options options = {.simulate = true, .seed = seed};

    grove.seed = grove.chance.state = seed;
    grove.node_count = grove.ruler_count = 0;
    grove.asked = grove.answered = 0;
    grove.event = 0;
    grove.talks = getenv("TALK") != NULL;
    must(actor_system_new(&options, &grove.sys) == ACTOR_OK);
    grove_client();
    plant();
    if (seed % 4 == 0)
        actor_sim_fail_allocations(grove.sys, 5000);
    for (int i = 0; i < STEPS; i++) {
        happen();
        for (int64_t steps = grove_pick(0, 20); steps > 0 && actor_sim_step(grove.sys); steps--)
            ;
        if (grove_one_in(3))
            pass(grove_pick(0, 200));
    }
    actor_sim_fail_allocations(grove.sys, 0);
    if (seed % 2 == 0) {
        all_is_at_rest();
        restart_supervisors();
    }
    end();
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
