/* Random actors doing random things for a seed, and what must be true whatever they do:
 *
 * - every accepted message is handled or a dead letter, once; per sender and priority in order;
 * - an ask has at most one outcome, and one exactly where the incarnation that asked lives on;
 * - a timer fires at most once, never early, never for a later incarnation;
 * - a watcher is told once of every end, and never after it stopped watching;
 * - callbacks come in the order start, handle, stop, and none after the end;
 * - a supervisor's notices tell what really happened;
 * - everything is freed, and the same seed does the same again.
 *
 * SEEDS and SEED choose: tests/support/seeds.h.
 */
#include "libactor/actor.h"
#include "tests/support/seeds.h"
#include "tests/support/suite.h"
#include "tests/support/traffic.h"
#include "tests/support/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 400, /* things that happen from outside */
    SEEDS_DEFAULT = 300,
};

/* ---- The supervisor ---- */

static actor_verdict supervise(actor *self, void *st, actor_msg *msg)
{
    actor_notice n;
    (void)self;
    (void)st;
    must(actor_msg_type(msg) == ACTOR_MSG_NOTICE);
    memcpy(&n, actor_msg_data(msg), sizeof n);
    life *child = world_life_of(n.child);
    world_note(8, (uint64_t)n.kind << 8 | n.exit);
    must(!child->known_ended);
    must(n.reason != NULL);
    must(n.kind != ACTOR_NOTICE_STARTED || !child->known_running);
    child->known_running = n.kind == ACTOR_NOTICE_STARTED;
    if (n.kind == ACTOR_NOTICE_STARTED)
        return ACTOR_CONTINUE;
    if (n.kind == ACTOR_NOTICE_ENDED) {
        child->known_ended = true;
        return ACTOR_CONTINUE;
    }
    must(n.incarnation <= child->incarnation);
    if (w.calm || world_dice(5))
        actor_start(n.child);
    else if (world_dice(2))
        actor_stop(n.child);
    return ACTOR_CONTINUE;
}

static const actor_behaviour supervisor = {.name = "supervisor", .handle = supervise};

/* ---- From outside ---- */

static void bear(uint32_t place)
{
    static const uint32_t capacities[] = {0, 0, 3, 20};
    if (w.births == BIRTHS)
        return;
    life *child = &w.lives[w.births];
    *child = (life){.place = place, .supervised = world_dice(4) != 0};
    actor_spec spec = {
        .behaviour = &world_node,
        .arg = child,
        .free_arg = world_free_life,
        .supervisor = child->supervised ? w.supervisor : ACTOR_NONE,
        .capacity = capacities[world_dice(4)],
        .on_full = (actor_on_full)world_dice(3),
        .stash_capacity = world_dice(3),
    };
    actor_err err = actor_spawn(w.sys, &spec, &child->ref);
    must(err == ACTOR_OK || err == ACTOR_ENOMEM);
    if (err != ACTOR_OK)
        return;
    w.places[place] = w.births++;
    if (child->supervised)
        must(actor_start(child->ref) == ACTOR_OK);
}

static void command_someone(void)
{
    actor_ref ref = w.lives[world_dice(w.births)].ref;
    switch (world_dice(16)) {
    case 0:
        actor_stop(ref);
        break;
    case 1:
        actor_kill(ref);
        break;
    case 2:
        actor_drain(ref);
        break;
    case 3:
    case 4:
        actor_halt(ref, world_dice(2) ? ACTOR_HOW_STOP : ACTOR_HOW_KILL);
        break;
    case 5:
        actor_purge(ref);
        break;
    case 6:
    case 7:
        actor_pause(ref);
        break;
    default:
        actor_resume(ref);
        break;
    }
}

static void happen(void)
{
    for (uint32_t i = 0; i < NODES; i++)
        if (w.places[i] == BIRTHS && world_dice(3) == 0)
            bear(i);
    switch (w.births ? world_dice(6) : 5) {
    case 0:
        command_someone();
        break;
    case 1:
    case 2:
        for (uint32_t i = world_dice(6); i > 0; i--)
            world_send(NULL, NULL);
        break;
    case 3:
        actor_sim_run(w.sys, actor_now(w.sys) + world_dice(200));
        break;
    default:
        for (uint32_t i = world_dice(10); i > 0 && actor_sim_step(w.sys); i--)
            ;
        break;
    }
}

/* Let everything that was begun come to its end. */
static void calm_down(void)
{
    w.calm = true;
    actor_sim_fail_allocations(w.sys, 0);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < w.births; i++) {
            actor_msg *msg = actor_msg_new(CALM, 0);
            must(msg != NULL);
            actor_msg_set_priority(msg, ACTOR_SYSTEM);
            actor_resume(w.lives[i].ref);
            actor_start(w.lives[i].ref);
            if (actor_send(w.lives[i].ref, &msg) != ACTOR_OK)
                actor_msg_free(msg);
        }
        actor_sim_run(w.sys, actor_now(w.sys) + 10000);
    }
}

static bool lives_on(uint32_t index, uint32_t incarnation)
{
    const life *l = &w.lives[index];
    return !l->ended && l->live && l->incarnation == incarnation;
}

static void check_all(void)
{
    must(traffic_check(&w.traffic) == w.traffic.count);
    for (uint32_t i = 0; i < w.ask_count; i++) {
        const ask *a = &w.asks[i];
        if (lives_on(a->life, a->incarnation))
            must(a->outcomes + a->cancelled == 1);
    }
    for (uint32_t i = 0; i < w.timer_count; i++) {
        const timer *t = &w.timers[i];
        if (lives_on(t->life, t->incarnation))
            must(t->fired + t->cancelled == 1);
    }
    for (uint32_t i = 0; i < w.watch_count; i++) {
        const watch *k = &w.watches[i];
        if (lives_on(k->life, k->incarnation) && w.lives[k->target].ended)
            must(k->over);
    }
    for (uint32_t i = 0; i < w.births; i++) {
        const life *l = &w.lives[i];
        actor_info info;
        actor_err err = actor_inspect(l->ref, &info);
        must((err == ACTOR_ENOTFOUND) == l->ended);
        must(l->ended || info.incarnation == l->incarnation);
        must(l->ended || info.phase == ACTOR_PHASE_RUNNING);
        must(!l->supervised || l->known_ended == l->ended);
        must(!l->supervised || l->known_running == !l->ended);
    }
}

static uint64_t run_seed(uint64_t seed)
{
    static const uint32_t failing[] = {0, 0, 1000, 50000, 300000};
    memset(&w, 0, sizeof w);
    traffic_clear(&w.traffic);
    w.seed = seed;
    actor_system_options options = {.simulate = true,
                                    .seed = seed,
                                    .workers = 1 + (unsigned)(seed / 4 % 4),
                                    .batch = (uint32_t)(seed % 4),
                                    .dead_letter = world_dead_letter};
    must(actor_system_new(&options, &w.sys) == ACTOR_OK);
    must(actor_spawn(w.sys, &(actor_spec){.behaviour = &supervisor}, &w.supervisor) == ACTOR_OK);
    for (uint32_t i = 0; i < NODES; i++)
        w.places[i] = BIRTHS;
    actor_sim_fail_allocations(w.sys, failing[world_dice(5)]);
    for (uint32_t i = 0; i < ROUNDS; i++)
        happen();
    calm_down();
    check_all();
    if (seed % 2)
        w.calm = false; /* half of the systems end in disorder */
    actor_system_free(w.sys, 100);
    must(traffic_check(&w.traffic) == w.traffic.count);
    must(w.freed == w.births);
    must(w.released == w.borrowed);
    return w.traffic.hash;
}

/* ---- Tests ---- */

static void one(uint64_t seed)
{
    run_seed(seed);
}

START_TEST(every_seed_keeps_the_promises)
{
    seeds_run(SEEDS_DEFAULT, one);
}
END_TEST

START_TEST(same_seed_does_the_same_again)
{
    for (uint64_t seed = 1000; seed < 1010; seed++)
        must(run_seed(seed) == run_seed(seed));
}
END_TEST

START_TEST(another_seed_does_something_else)
{
    uint64_t first = run_seed(1);
    must(run_seed(2) != first);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_seed_keeps_the_promises, same_seed_does_the_same_again,
                                  another_seed_does_something_else, NULL};
    return suite_run("actor_sim", tests, NULL, NULL);
}
