/* Backpressure under a seed: producers that hold back while their targets are full, targets that
 * are paused, purged, restarted and ended at random, memory that fails. Whatever happens,
 *
 * - each request of an incarnation is told at most once, and of one that lives on exactly once;
 * - every item that was accepted is handled or a dead letter, once;
 * - the item handled is the oldest of the highest priority that waits; the one that a full mailbox
 *   drops is the new one, or the oldest of the lowest;
 * - an ask has one outcome, and none that was not given; in an incarnation that ends, at most one;
 * - in the end nobody waits: a producer has sent all, or its target has ended;
 * - a mailbox counts what waits in it, never more than its capacity, and everything is freed.
 *
 * SEEDS and SEED choose: tests/support/seeds.h.
 */
#include "libactor/actor.h"
#include "tests/support/seeds.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCERS = 12, TARGETS = 3, ITEMS = 60, ROUNDS = 150, SEEDS = 200 };
enum { ITEM = 1, NUDGE }; /* NUDGE: try again, without a promise */

/* An item is in one of these states; RETURNED is waiting, but in no mailbox's count. */
typedef enum where { NEW, SENDING, WAITING, RETURNED, ENDED } where;

typedef struct item {
    where where;
    uint32_t producer, target;
    uint32_t priority;
    uint64_t serial; /* of all */
    bool answered, continued;
} item;

typedef struct producer {
    actor_ref ref;
    uint32_t target;
    uint32_t sent; /* of ITEMS, in all incarnations */
    /* of this incarnation */
    uint32_t wanted, told;
    uint32_t asked, continued;
    bool gone;
} producer;

static struct {
    actor_system *sys;
    actor_ref boss;
    producer producers[PRODUCERS];
    actor_ref targets[TARGETS];
    item items[PRODUCERS][ITEMS];
    uint64_t serials;
    uint32_t capacity[TARGETS], freed;
    actor_on_full on_full[TARGETS];
    bool ended[TARGETS], calm;
} w;

static uint32_t dice(uint32_t sides)
{
    return (uint32_t)(actor_sim_random(w.sys) % sides);
}

static item *item_of(actor_msg *msg)
{
    item *it;
    memcpy(&it, actor_msg_data(msg), sizeof it);
    return it;
}

static bool waits(const item *it, uint32_t target)
{
    return it->target == target && (it->where == WAITING || it->where == RETURNED);
}

static uint32_t count_of(uint32_t target)
{
    uint32_t n = 0;
    for (size_t i = 0; i < PRODUCERS; i++)
        for (uint32_t k = 0; k < w.producers[i].sent; k++)
            n += w.items[i][k].target == target && w.items[i][k].where == WAITING;
    return n;
}

/* Nothing waits with it that is older in its priority, or is of a priority `above` its own; or, to
 * drop it, below. */
static void must_be_next(const item *it, bool above)
{
    for (size_t i = 0; i < PRODUCERS; i++)
        for (uint32_t k = 0; k < w.producers[i].sent; k++) {
            const item *other = &w.items[i][k];
            if (!waits(other, it->target) || (!above && other->where == RETURNED))
                continue;
            must(other->priority != it->priority || other->serial >= it->serial);
            must(above ? other->priority <= it->priority : other->priority >= it->priority);
        }
}

static void item_ends(item *it)
{
    must(it->where == SENDING || it->where == WAITING || it->where == RETURNED);
    it->where = ENDED;
}

static void item_dropped(item *it)
{
    must(w.on_full[it->target] != ACTOR_REJECT);
    if (w.on_full[it->target] == ACTOR_DROP_NEWEST)
        must(it->where == SENDING);
    else
        must_be_next(it, false);
    must(it->where != RETURNED);
}

static void note_dead(void *user, actor_ref to, actor_msg **msg, actor_err why)
{
    (void)user;
    (void)to;
    if (actor_msg_type(*msg) != ITEM || why == ACTOR_EFAILED) /* its handler saw that one */
        return;
    if (why == ACTOR_EFULL)
        item_dropped(item_of(*msg));
    item_ends(item_of(*msg));
}

static void note_freed(void *arg)
{
    w.freed++;
    if ((bool *)arg >= w.ended && (bool *)arg < w.ended + TARGETS)
        *(bool *)arg = true;
    else
        ((producer *)arg)->gone = true;
}

/* ---- Targets ---- */

static void answer(actor *self, item *it)
{
    actor_msg *msg = actor_take(self);
    it->answered = true;
    actor_reply(msg, &msg);
    actor_msg_free(msg); /* of an asker that has ended */
}

static actor_verdict swallow(actor *self, void *state, actor_msg *msg)
{
    item *it = item_of(msg);
    (void)state;
    must(waits(it, it->target));
    must_be_next(it, true);
    if (!w.calm && dice(40) == 0)
        actor_pause(actor_self(self));
    if (!w.calm && dice(40) == 0) {
        it->where = RETURNED;
        actor_return(self, &msg);
    } else {
        item_ends(it);
        if (actor_msg_is_ask(msg) && dice(2))
            answer(self, it);
    }
    return !w.calm && dice(100) == 0 ? ACTOR_FAIL_RESTART : ACTOR_CONTINUE;
}

static const actor_behaviour target_behaviour = {.name = "target", .handle = swallow};

/* ---- Producers ---- */

static void try_later(actor *self)
{
    actor_timer *timer;
    (void)actor_after(self, 1 + dice(5), NUDGE, 0, &timer); /* without memory: calm() nudges */
}

static actor_verdict ask_continues(actor *self, void *state, actor_err how, actor_msg *reply,
                                   void *arg)
{
    item *it = arg;
    producer *p = &w.producers[it->producer];
    (void)state;
    must(actor_ref_eq(p->ref, actor_self(self)));
    must(!it->continued && p->continued < p->asked);
    must((how == ACTOR_OK) == (reply != NULL));
    must(how != ACTOR_OK || it->answered);
    it->continued = true;
    p->continued++;
    return ACTOR_CONTINUE;
}

static actor_err send_item(actor *self, producer *p, actor_msg **msg)
{
    item *it = &w.items[p - w.producers][p->sent];
    bool ask = dice(3) == 0;
    *it = (item){.where = SENDING,
                 .producer = (uint32_t)(p - w.producers),
                 .target = p->target,
                 .priority = dice(ACTOR_SYSTEM),
                 .serial = w.serials++};
    memcpy(actor_msg_data(*msg), &it, sizeof it);
    actor_msg_set_priority(*msg, (actor_priority)it->priority);
    actor_err err = ask ? actor_ask(self, w.targets[p->target], msg,
                                    dice(2) ? -1 : (actor_ms)dice(30), ask_continues, it, NULL)
                        : actor_tell(self, w.targets[p->target], msg);
    must(err == ACTOR_OK || it->where == SENDING);
    if (err != ACTOR_OK) {
        it->where = NEW;
        return err;
    }
    if (it->where == SENDING)
        it->where = WAITING;
    p->sent++;
    p->asked += ask;
    return ACTOR_OK;
}

static void send_some(actor *self, producer *p)
{
    uint32_t burst = w.calm ? ITEMS : 1 + dice(10);
    for (; p->sent < ITEMS && burst > 0; burst--) {
        actor_msg *msg = actor_msg_new(ITEM, sizeof(item *));
        actor_err err = msg ? send_item(self, p, &msg) : ACTOR_ENOMEM;
        actor_msg_free(msg);
        if (err == ACTOR_OK)
            continue;
        if (err == ACTOR_ENOMEM) {
            try_later(self);
            return;
        }
        must(err == ACTOR_EFULL || err == ACTOR_ENOTFOUND);
        must(err != ACTOR_EFULL || w.on_full[p->target] == ACTOR_REJECT);
        if (err == ACTOR_ENOTFOUND)
            must(w.ended[p->target] || !w.calm);
        else if (actor_want_room(self, w.targets[p->target]) == ACTOR_OK)
            p->wanted++;
        else
            try_later(self);
        return;
    }
    if (p->sent < ITEMS)
        try_later(self);
}

static actor_verdict produce_start(actor *self, void *state, void *arg)
{
    producer *p = arg;
    (void)state;
    p->wanted = p->told = p->asked = p->continued = 0;
    send_some(self, p);
    return ACTOR_CONTINUE;
}

static actor_verdict produce(actor *self, void *state, actor_msg *msg)
{
    producer *p = actor_self_arg(self);
    (void)state;
    if (actor_msg_type(msg) == ACTOR_MSG_ROOM) {
        actor_room room;
        memcpy(&room, actor_msg_data(msg), sizeof room);
        must(actor_ref_eq(room.ref, w.targets[p->target]));
        must(p->told < p->wanted);
        p->told++;
    }
    send_some(self, p);
    return !w.calm && dice(50) == 0 ? ACTOR_FAIL_RESTART : ACTOR_CONTINUE;
}

static const actor_behaviour producer_behaviour = {
    .name = "producer", .start = produce_start, .handle = produce};

/* ---- The world ---- */

static actor_verdict restart(actor *self, void *state, actor_msg *msg)
{
    actor_notice n;
    (void)self;
    (void)state;
    memcpy(&n, actor_msg_data(msg), sizeof n);
    if (n.kind == ACTOR_NOTICE_EXITED)
        actor_start(n.child);
    return ACTOR_CONTINUE;
}

static const actor_behaviour boss_behaviour = {.name = "boss", .handle = restart};

static void build(void)
{
    static const actor_on_full policies[] = {ACTOR_REJECT, ACTOR_REJECT, ACTOR_DROP_NEWEST,
                                             ACTOR_DROP_OLDEST};
    must(actor_spawn(w.sys, &(actor_spec){.behaviour = &boss_behaviour}, &w.boss) == ACTOR_OK);
    for (size_t i = 0; i < TARGETS; i++) {
        actor_spec spec = {.behaviour = &target_behaviour,
                           .supervisor = w.boss,
                           .arg = &w.ended[i],
                           .free_arg = note_freed,
                           .capacity = w.capacity[i] = 1 + dice(dice(2) ? 3 : 20),
                           .on_full = w.on_full[i] = policies[dice(4)]};
        must(actor_spawn(w.sys, &spec, &w.targets[i]) == ACTOR_OK);
        must(actor_start(w.targets[i]) == ACTOR_OK);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        producer *p = &w.producers[i];
        actor_spec spec = {.behaviour = &producer_behaviour,
                           .supervisor = w.boss,
                           .arg = p,
                           .free_arg = note_freed};
        p->target = dice(TARGETS);
        must(actor_spawn(w.sys, &spec, &p->ref) == ACTOR_OK);
        must(actor_start(p->ref) == ACTOR_OK);
    }
}

static void happen(void)
{
    actor_ref target = w.targets[dice(TARGETS)];
    actor_ref someone = dice(2) ? target : w.producers[dice(PRODUCERS)].ref;
    actor_info info;
    switch (dice(24)) {
    case 0:
        actor_pause(target);
        break;
    case 1:
        actor_purge(target);
        break;
    case 2:
        actor_halt(someone, dice(2) ? ACTOR_HOW_STOP : ACTOR_HOW_KILL);
        break;
    case 3:
        if (dice(10) == 0) {
            static actor_err (*const ways[])(actor_ref) = {actor_stop, actor_kill, actor_drain};
            ways[dice(3)](someone);
        }
        break;
    case 4:
    case 5:
    case 6:
        actor_resume(target);
        break;
    case 7:
    case 8:
        actor_sim_run(w.sys, actor_now(w.sys) + dice(10));
        break;
    default:
        for (uint32_t i = dice(20); i > 0 && actor_sim_step(w.sys); i--)
            ;
        break;
    }
    for (size_t i = 0; i < TARGETS; i++)
        if (actor_inspect(w.targets[i], &info) == ACTOR_OK)
            must(info.waiting <= w.capacity[i] && info.waiting == count_of((uint32_t)i));
}

/* All go on; whom memory failed is nudged, who waits for room is not. */
static void calm(void)
{
    w.calm = true;
    actor_sim_fail_allocations(w.sys, 0);
    for (size_t i = 0; i < TARGETS; i++) {
        actor_resume(w.targets[i]);
        actor_start(w.targets[i]);
    }
    for (size_t i = 0; i < PRODUCERS; i++)
        actor_start(w.producers[i].ref);
    actor_sim_run(w.sys, actor_now(w.sys) + 1000);
    for (size_t i = 0; i < PRODUCERS; i++) {
        const producer *p = &w.producers[i];
        actor_msg *msg = actor_msg_new(NUDGE, 0);
        must(msg != NULL);
        must(p->gone || (p->told == p->wanted && p->continued == p->asked));
        if (actor_send(p->ref, &msg) != ACTOR_OK)
            actor_msg_free(msg);
    }
    actor_sim_run(w.sys, actor_now(w.sys) + 1000);
}

static void run_seed(uint64_t seed)
{
    static const uint32_t failing[] = {0, 0, 10000, 200000};
    memset(&w, 0, sizeof w);
    actor_system_options options = {
        .simulate = true, .seed = seed, .batch = (uint32_t)(seed % 5), .dead_letter = note_dead};
    must(actor_system_new(&options, &w.sys) == ACTOR_OK);
    build();
    actor_sim_fail_allocations(w.sys, failing[dice(4)]);
    for (uint32_t i = 0; i < ROUNDS; i++)
        happen();
    calm();
    for (size_t i = 0; i < PRODUCERS; i++) {
        const producer *p = &w.producers[i];
        must(p->gone || (p->told == p->wanted && p->continued == p->asked));
        must(p->gone || p->sent == ITEMS || w.ended[p->target]);
    }
    actor_system_free(w.sys, 100);
    must(w.freed == PRODUCERS + TARGETS);
    for (size_t i = 0; i < PRODUCERS; i++)
        for (uint32_t k = 0; k < ITEMS; k++)
            must(w.items[i][k].where == (k < w.producers[i].sent ? ENDED : NEW));
}

START_TEST(every_seed_tells_each_request_once_and_leaves_nobody_waiting)
{
    seeds_run(SEEDS, run_seed);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_seed_tells_each_request_once_and_leaves_nobody_waiting,
                                  NULL};
    return suite_run("actor_room_sim", tests, NULL, NULL);
}
