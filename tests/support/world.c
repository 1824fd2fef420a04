#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>

world w;

uint32_t world_dice(uint32_t sides)
{
    return (uint32_t)(actor_sim_random(w.sys) % sides);
}

void world_note(uint32_t what, uint64_t who)
{
    traffic_hash(&w.traffic, (uint64_t)what << 32 | who);
    traffic_hash(&w.traffic, (uint64_t)actor_now(w.sys));
}

life *world_life_of(actor_ref ref)
{
    for (uint32_t i = 0; i < w.births; i++)
        if (actor_ref_eq(w.lives[i].ref, ref))
            return &w.lives[i];
    must(!"a stranger");
    return NULL;
}

/* ---- Messages ---- */

static void release(void *data)
{
    w.released++;
    free(data);
}

static actor_msg *new_item(uint32_t id)
{
    item it = {id};
    actor_msg *msg = NULL;
    if (world_dice(4) == 0) {
        item *own = malloc(sizeof *own);
        if (own && (msg = actor_msg_borrow(ITEM, own, sizeof *own, release, own)))
            w.borrowed++;
        else
            free(own);
    } else {
        msg = actor_msg_new(ITEM, sizeof it);
    }
    if (msg)
        memcpy(actor_msg_data(msg), &it, sizeof it);
    return msg;
}

static uint32_t item_id(actor_msg *msg)
{
    item it;
    must(actor_msg_type(msg) == ITEM && actor_msg_size(msg) == sizeof it);
    memcpy(&it, actor_msg_data(msg), sizeof it);
    must(it.id < w.traffic.count);
    return it.id;
}

static actor_verdict note_outcome(actor *self, void *st, actor_err how, actor_msg *reply,
                                  void *arg);

static void start_ask(actor *self, life *me, actor_ref to, actor_msg **msg, actor_err *err)
{
    static const actor_ms timeouts[] = {-1, 0, 5, 100, 5000};
    ask *a = &w.asks[w.ask_count];
    *a = (ask){.life = (uint32_t)(me - w.lives), .incarnation = me->incarnation};
    *err = actor_ask(self, to, msg, timeouts[world_dice(5)], note_outcome, a, &a->id);
    if (*err == ACTOR_OK)
        w.ask_count++;
}

void world_send(actor *self, life *me)
{
    uint32_t to = world_dice(w.births), id, priority = world_dice(ACTOR_SYSTEM);
    if (!traffic_new(&w.traffic, self ? (uint32_t)(me - w.lives) : OUTSIDE, to, priority, &id))
        return;
    actor_msg *msg = new_item(id);
    if (!msg)
        return;
    actor_msg_set_priority(msg, (actor_priority)priority);
    actor_ref ref = w.lives[to].ref;
    bool ended = w.lives[to].ended;
    actor_err err;
    if (self && world_dice(3) == 0 && w.ask_count < ASKS)
        start_ask(self, me, ref, &msg, &err);
    else
        err = self ? actor_tell(self, ref, &msg) : actor_send(ref, &msg);
    must(err == ACTOR_OK || err == ACTOR_ENOTFOUND || err == ACTOR_EFULL || err == ACTOR_ENOMEM);
    must((err == ACTOR_OK) == (msg == NULL));
    must(!ended || err == ACTOR_ENOTFOUND || err == ACTOR_ENOMEM);
    world_note(1, err);
    if (err == ACTOR_OK)
        traffic_accepted(&w.traffic, id);
    else
        must(!w.traffic.entries[id].accepted);
    actor_msg_free(msg);
}

void world_dead_letter(void *user, actor_ref to, actor_msg **msg, actor_err why)
{
    (void)user;
    (void)to;
    world_note(2, why);
    if (actor_msg_type(*msg) == ITEM) {
        uint32_t id = item_id(*msg);
        traffic_accepted(&w.traffic, id); /* a full mailbox drops within the send */
        traffic_end(&w.traffic, id);
    }
}

static void answer(actor_msg *request)
{
    actor_msg *reply = actor_msg_new(REPLY, 0);
    if (!reply)
        return;
    actor_err err = actor_reply(request, &reply);
    must((err == ACTOR_OK) == (reply == NULL));
    world_note(3, err);
    actor_msg_free(reply);
}

static void let_go(state *s, uint32_t i)
{
    if (s->held[i] && world_dice(2))
        answer(s->held[i]);
    actor_msg_free(s->held[i]);
    s->held[i] = NULL;
}

/* ---- What an actor does ---- */

static life *self_life(actor *self)
{
    life *me = actor_self_arg(self);
    must(!me->ended);
    must(actor_ref_eq(actor_self(self), me->ref) || actor_ref_none(me->ref));
    return me;
}

static actor_verdict any_failure(actor *self, actor_verdict otherwise)
{
    static const actor_verdict failures[] = {ACTOR_EXIT, ACTOR_FAIL_MESSAGE, ACTOR_FAIL_RESTART,
                                             ACTOR_FAIL_STOP, ACTOR_FAIL_ESCALATE};
    if (w.calm || world_dice(25) != 0)
        return otherwise;
    actor_verdict verdict = failures[world_dice(5)];
    return world_dice(2) ? actor_fail(self, verdict, "seed %llu", (unsigned long long)w.seed)
                         : verdict;
}

static actor_verdict note_outcome(actor *self, void *st, actor_err how, actor_msg *reply, void *arg)
{
    ask *a = arg;
    life *me = self_life(self);
    must(((state *)st)->marker == me->incarnation);
    must(&w.lives[a->life] == me && a->incarnation == me->incarnation);
    must(!a->cancelled && a->outcomes == 0);
    must(how == ACTOR_OK || how == ACTOR_ETIMEOUT || how == ACTOR_EENDED);
    must((how == ACTOR_OK) == (reply != NULL));
    a->outcomes++;
    world_note(4, how);
    actor_verdict verdict = any_failure(self, ACTOR_CONTINUE);
    return verdict == ACTOR_FAIL_MESSAGE ? ACTOR_CONTINUE : verdict;
}

static void cancel_some_ask(actor *self, life *me)
{
    for (uint32_t i = w.ask_count; i-- > 0 && i + 20 > w.ask_count;) {
        ask *a = &w.asks[i];
        if (&w.lives[a->life] != me || a->incarnation != me->incarnation || a->cancelled)
            continue;
        bool cancelled = actor_ask_cancel(self, a->id);
        must(cancelled == (a->outcomes == 0));
        a->cancelled = cancelled;
        return;
    }
}

static void arm_some_timer(actor *self, life *me)
{
    if (w.timer_count == TIMERS)
        return;
    actor_ms delay = world_dice(3) ? world_dice(20) : world_dice(3000);
    timer *t = &w.timers[w.timer_count];
    *t = (timer){
        (uint32_t)(me - w.lives), me->incarnation, 0, actor_now(w.sys) + delay, NULL, false};
    if (actor_after(self, delay, ACTOR_MSG_TIMER, TAG_FIRST + w.timer_count, &t->handle) ==
        ACTOR_OK)
        w.timer_count++;
}

static void cancel_some_timer(actor *self, life *me)
{
    for (uint32_t i = w.timer_count; i-- > 0 && i + 20 > w.timer_count;) {
        timer *t = &w.timers[i];
        if (&w.lives[t->life] != me || t->incarnation != me->incarnation || t->fired ||
            t->cancelled)
            continue;
        actor_timer_cancel(self, &t->handle);
        must(t->handle == NULL);
        t->cancelled = true;
        return;
    }
}

/* The watch that is not over yet, or NULL. */
static watch *find_watch(const life *me, uint32_t target)
{
    for (uint32_t i = w.watch_count; i-- > 0;)
        if (&w.lives[w.watches[i].life] == me && w.watches[i].target == target &&
            !w.watches[i].over)
            return &w.watches[i];
    return NULL;
}

static void watch_someone(actor *self, life *me)
{
    uint32_t target = world_dice(w.births);
    bool restarts = world_dice(2);
    watch *known = find_watch(me, target);
    if (w.watch_count == WATCHES)
        return;
    actor_err err = actor_watch(self, w.lives[target].ref, restarts);
    must(err == ACTOR_OK || err == ACTOR_ENOMEM);
    if (err != ACTOR_OK)
        return;
    if (!known) {
        known = &w.watches[w.watch_count++];
        *known = (watch){.life = (uint32_t)(me - w.lives), .target = target};
    }
    known->incarnation = me->incarnation;
    known->restarts |= restarts;
}

static void unwatch_someone(actor *self, life *me)
{
    uint32_t target = world_dice(w.births);
    watch *known = find_watch(me, target);
    actor_unwatch(self, w.lives[target].ref);
    if (known)
        known->over = true;
}

static void handle_down(life *me, actor_msg *msg)
{
    actor_down down;
    must(actor_msg_type(msg) == ACTOR_MSG_DOWN && actor_msg_size(msg) == sizeof down);
    memcpy(&down, actor_msg_data(msg), sizeof down);
    watch *known = find_watch(me, (uint32_t)(world_life_of(down.ref) - w.lives));
    must(known != NULL);
    must(!down.restarted || known->restarts);
    if (!down.restarted)
        known->over = true;
}

static void do_something(actor *self, life *me, state *s)
{
    if (w.calm)
        return;
    switch (world_dice(12)) {
    case 0:
        arm_some_timer(self, me);
        break;
    case 1:
        cancel_some_timer(self, me);
        break;
    case 2:
        cancel_some_ask(self, me);
        break;
    case 3:
        watch_someone(self, me);
        break;
    case 4:
        unwatch_someone(self, me);
        break;
    case 5:
        actor_unstash(self);
        break;
    case 6:
        let_go(s, world_dice(HELD));
        break;
    case 7:
        actor_intake(self, world_dice(4) != 0);
        break;
    default:
        world_send(self, me);
        break;
    }
}

/* An item in hand ends here, unless it is put back, set aside or fails. */
static actor_verdict handle_item(actor *self, life *me, state *s, actor_msg *msg)
{
    uint32_t id = item_id(msg), kept = world_dice(HELD);
    traffic_entry *e = &w.traffic.entries[id];
    must(!me->stopping);
    must(traffic_seen(&w.traffic, id));
    do_something(self, me, s);
    uint32_t what = w.calm || e->visits >= 2 ? 9 : world_dice(10);
    if (what == 0 && actor_stash(self) == ACTOR_OK) {
        e->unordered = true;
        e->visits++;
        return ACTOR_CONTINUE;
    }
    if (what == 1) {
        actor_msg *taken = actor_take(self);
        if (taken) {
            e->visits++;
            actor_return(self, &taken);
            must(taken == NULL);
            return any_failure(self, ACTOR_CONTINUE);
        }
    }
    if (what == 2 && !s->held[kept] && (s->held[kept] = actor_take(self)) != NULL) {
        traffic_end(&w.traffic, id);
        return any_failure(self, ACTOR_CONTINUE);
    }
    if (actor_msg_is_ask(msg) && (w.calm || world_dice(4)))
        answer(msg);
    actor_verdict verdict = any_failure(self, ACTOR_CONTINUE);
    if (verdict == ACTOR_CONTINUE || verdict == ACTOR_EXIT)
        traffic_end(&w.traffic, id);
    return verdict;
}

static actor_verdict handle_timer(actor *self, life *me, state *s, uint64_t tag)
{
    if (tag == TAG_STARTED) {
        if (!me->stopping)
            actor_started(self);
        return ACTOR_CONTINUE;
    }
    if (tag == TAG_STOPPED) {
        actor_stopped(self);
        me->live = me->stopping = false;
        return ACTOR_CONTINUE;
    }
    must(tag - TAG_FIRST < w.timer_count);
    timer *t = &w.timers[tag - TAG_FIRST];
    must(&w.lives[t->life] == me && t->incarnation == me->incarnation);
    must(!t->fired && !t->cancelled);
    must(actor_now(w.sys) >= t->due);
    t->fired++;
    do_something(self, me, s);
    return ACTOR_CONTINUE;
}

static actor_verdict node_handle(actor *self, void *st, actor_msg *msg)
{
    life *me = self_life(self);
    state *s = st;
    must(me->live && s->marker == me->incarnation);
    world_note(5, actor_msg_type(msg));
    switch (actor_msg_type(msg)) {
    case ITEM:
        return handle_item(self, me, s, msg);
    case ACTOR_MSG_TIMER:
        return handle_timer(self, me, s, actor_msg_tag(msg));
    case CALM:
        for (uint32_t i = 0; i < HELD; i++)
            let_go(s, i);
        actor_unstash(self);
        actor_intake(self, true);
        return ACTOR_CONTINUE;
    default:
        handle_down(me, msg);
        do_something(self, me, s);
        return ACTOR_CONTINUE;
    }
}

static actor_verdict node_start(actor *self, void *st, void *arg)
{
    life *me = arg;
    state *s = st;
    actor_timer *t;
    must(self_life(self) == me && !me->live && s->marker == 0);
    must(actor_self_incarnation(self) == me->incarnation + 1);
    me->incarnation++;
    world_note(6, me->incarnation);
    uint32_t what = w.calm ? 99 : world_dice(20);
    if (what == 0)
        return ACTOR_DECLINE;
    if (what == 1)
        return actor_fail(self, ACTOR_FAIL_RESTART, "no start");
    me->live = true;
    s->marker = me->incarnation;
    do_something(self, me, s);
    if (what <= 4 &&
        actor_after(self, world_dice(50), ACTOR_MSG_TIMER, TAG_STARTED, &t) == ACTOR_OK)
        return ACTOR_PENDING;
    return ACTOR_CONTINUE;
}

static actor_verdict node_stop(actor *self, void *st, actor_how how)
{
    life *me = self_life(self);
    state *s = st;
    actor_timer *t;
    must(me->live && s->marker == me->incarnation);
    must(!me->stopping || how == ACTOR_HOW_KILL);
    world_note(7, how);
    for (uint32_t i = 0; i < HELD; i++)
        let_go(s, i);
    if (!w.calm && how != ACTOR_HOW_KILL && world_dice(4) == 0 &&
        actor_after(self, world_dice(50), ACTOR_MSG_TIMER, TAG_STOPPED, &t) == ACTOR_OK) {
        me->stopping = true;
        return ACTOR_PENDING;
    }
    me->live = me->stopping = false;
    return ACTOR_CONTINUE;
}

void world_free_life(void *arg)
{
    life *me = arg;
    must(!me->ended && !me->live);
    me->ended = true;
    w.freed++;
    if (w.places[me->place] == (uint32_t)(me - w.lives))
        w.places[me->place] = BIRTHS;
}

const actor_behaviour world_node = {.name = "node",
                                    .state_size = sizeof(state),
                                    .start = node_start,
                                    .handle = node_handle,
                                    .stop = node_stop};
