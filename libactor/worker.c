/* The scheduler.
 *
 * Each worker has a run queue (runq.h), and all share the injector, a list under a lock, for what
 * comes from other threads and what a long queue spills. An actor is in at most one of these, and
 * only while its mailbox is not marked as empty.
 *
 * Order. The queue's slot, then those just spawned, then its list; but the list's turn comes at the
 * latest every 17th time. An actor whose batch is used up, or that lingers (run.c), goes to the
 * list's end, or to the injector's while that is longer: with more busy actors than the lists hold,
 * all take turns in one order. The injector is looked at every INJECT_EVERY batches, while it is
 * the longer one every other batch; what does not come to a short list is run at once, and so not
 * spilled unrun. So nobody starves.
 *
 * Actors of high priority are in none of the queues, but in a list of their own beside the
 * injector's: so whichever worker ends its batch first runs one, wherever it was woken. A worker
 * that ran ACTOR__HIGH_RUN of them in a row has one turn of the above.
 *
 * Sleeping. A worker that finds nothing becomes a searcher (at most half of them are), steals, and
 * else sleeps on its futex, until the next deadline of its own wheel at most. `idle` counts both
 * kinds. Who adds work wakes a sleeper only if nobody searches, since a searcher will find it; a
 * searcher that finds something, and was the last one, wakes the next if there is more. No wake-up
 * is lost:
 *
 *     adds to the injector                goes to sleep
 *     injected += 1      (seq_cst)        idle: one searcher less, one sleeper more   (seq_cst)
 *     looks at idle      (seq_cst)        looks at injected and the queues            (seq_cst)
 *
 * One of them sees the other. Work in a queue can't be lost but only found late, since its owner is
 * awake: there a plain load of `idle` does.
 *
 * Stealing must pay. A wake-up and a steal cost some microseconds at both ends, and tear actors
 * from those they talk to. So a thief that was through with its loot in less than LOOT_NS becomes
 * reluctant: the owner would have come to it soon. It goes to sleep, is woken for the injector but
 * not for what somebody adds to his queue, and steals again only what it sees waiting in two looks
 * (see below).
 *
 * The watcher. While some workers run, one of the sleeping ones sleeps with one eye open (1 ms,
 * growing to 8). It takes from another's queue what was there at its last look already; when
 * another's tick has not moved since, because a handler takes long, also what is in the slot, which
 * nobody else does, and fires its timers. When it has work itself the watch passes on: the last
 * searcher to find work wakes another if nobody watches those that run beside it. Who lies down as
 * the last one has nobody to watch, so an idle system does not wake at all; the first use of a
 * queue after that finds `watched` false and wakes a watcher. How often a watcher has looked in
 * vain must not count here: an owner who gets up at the last look may not have been seen
 * (tests/model/sleep.pml).
 */
#include "libactor/worker.h"

#include <sched.h>

#include "libactor/call.h"
#include "libactor/clock.h"
#include "libactor/epoch.h"
#include "libactor/futex.h"
#include "libactor/probe.h"
#include "libactor/run.h"
#include "libactor/sim.h"
#include "libactor/system.h"
#include "libactor/timer.h"
#include "libactor/trim.h"

#define INJECT_EVERY  16u
#define INJECT_BATCH  32u
#define QUEUE_MAX     256u /* a longer one spills half of that to the injector */
#define LOOT_NS       50000
#define CLOCK_EVERY   4u  /* batches between two looks at the clock while timers are armed */
#define RECLAIM_EVERY 64u /* ended actors before their slots are looked after */
#define RECLAIM_MS    2   /* how soon a sleeper looks again for a grace period's end */
#define WATCH_LONGEST 3u  /* as a power of two, in ms */
#define LONG_DELAY_MS 1000

/* ---- Waking -------------------------------------------------------------------------------- */

/* The reluctant ones too? */
typedef enum whom { EAGER, ANY } whom;

/* Somebody sleeps, nobody searches. */
static bool worth_waking(uint32_t idle, whom who)
{
    return idle < ACTOR__SEARCHING && (who == EAGER ? idle % ACTOR__RELUCTANT : idle) != 0;
}

static uint32_t kind_of_sleeper(const actor__worker *w)
{
    return w->reluctant ? ACTOR__RELUCTANT : ACTOR__SLEEPING;
}

/* Take one off the list of sleepers, as a searcher. NULL: there is none. */
static actor__worker *pick_sleeper(actor_system *sys, whom who) LOCK_REQUIRES(sys->sleep_lock)
{
    actor__worker **at = &sys->sleepers;

    while (*at != NULL && who == EAGER && (*at)->reluctant)
        at = &(*at)->next_sleeper;

    actor__worker *w = *at;

    if (w == NULL)
        return NULL;
    *at = w->next_sleeper;
    store_relaxed(&w->asleep, false);
    atomic_fetch_add(&sys->idle, ACTOR__SEARCHING - kind_of_sleeper(w));
    return w;
}

/* Wake one sleeper, as a searcher, if there is one and nobody searches. */
static COLD void wake_one(actor_system *sys, whom who)
{
    actor__worker *w = NULL;

    if (!worth_waking(load_strong(&sys->idle), who))
        return;
    actor_lock_take(&sys->sleep_lock);
    if (load_strong(&sys->idle) < ACTOR__SEARCHING)
        w = pick_sleeper(sys, who);
    actor_lock_give(&sys->sleep_lock);
    if (w == NULL)
        return;
    ACTOR__PROBE_WAKE(w, actor__me.worker);
    store_release(&w->notified, 1);
    actor__futex_wake(&w->notified, 1);
    atomic_fetch_add_explicit(&sys->wakes, 1, memory_order_relaxed);
}

void actor__worker_wake_all(actor_system *sys)
{
    for (unsigned i = 0; i < sys->options.workers; i++) {
        store_strong(&sys->workers[i].notified, 1);
        actor__futex_wake(&sys->workers[i].notified, 1);
    }
}

/* ---- Adding work --------------------------------------------------------------------------- */

/* `first` to `last`, `count` actors by `next`, all high or none. */
static void inject(actor_system *sys, actor *first, actor *last, uint32_t count)
{
    bool high = first->high;

    actor_lock_take(&sys->inject_lock);
    actor__queue_push(&sys->injector[high], first, last, count);
    if (high)
        store_relaxed(&sys->injected_high, sys->injector[true].count);
    store_strong(&sys->injected, load_relaxed(&sys->injected) + count);
    actor_lock_give(&sys->inject_lock);
    wake_one(sys, ANY);
}

/* Work that is easier for others to take than by stealing. */
static COLD void spill(actor__worker *w)
{
    actor *first;
    actor *last;

    actor__runq_cut(&w->runq, QUEUE_MAX / 2, &first, &last);
    inject(w->sys, first, last, QUEUE_MAX / 2);
}

static bool injector_longer(actor__worker *w)
{
    return load_relaxed(&w->sys->injected) > load_relaxed(&w->runq.count);
}

void actor__worker_offer(actor__worker *w)
{
    actor_system *sys = w->sys;

    if (UNLIKELY(load_relaxed(&w->runq.count) > QUEUE_MAX)) {
        spill(w); /* which wakes one */
        return;
    }
    if (w->current == NULL)
        return; /* next() does it, when it has chosen */

    whom who = load_relaxed(&sys->watched) ? EAGER : ANY;

    if (worth_waking(load_relaxed(&sys->idle), who) &&
        (who == ANY || actor__runq_tempting(&w->runq)))
        wake_one(sys, who);
}

void actor__schedule_elsewhere(actor *a)
{
    actor_system *sys = a->sys;

    if (sys == NULL)
        actor__call_wake(a);
    else if (load_acquire(&sys->quit))
        return; /* nobody runs any more, and its slot may be on its way to others */
    else if (sys->options.simulate)
        actor__sim_schedule(sys, a);
    else
        inject(sys, a, a, 1);
}

void actor__schedule(actor *a)
{
    actor__worker *w = actor__worker_for(a);

    if (w != NULL)
        actor__schedule_local(w, a);
    else
        actor__schedule_elsewhere(a);
}

void actor__schedule_new(actor *a)
{
    actor__worker *w = actor__worker_for(a);

    if (w == NULL) {
        actor__schedule_elsewhere(a);
        return;
    }
    actor__runq_spawned(&w->runq, a);
    if (!w->alone)
        actor__worker_offer(w);
}

/* ---- Time ---------------------------------------------------------------------------------- */

actor_ms actor__worker_now(actor__worker *w)
{
    if (w->sys->options.simulate)
        return w->sys->sim.now;
    if (!w->now_known) {
        w->now = actor__clock_ns() / ACTOR__NS_PER_MS;
        w->now_known = true;
    }
    return w->now;
}

actor_ms actor__worker_now_late(actor__worker *w, actor_ms delay)
{
    if (w->sys->options.simulate)
        return w->sys->sim.now;
    if (delay >= LONG_DELAY_MS)
        return actor__clock_coarse_late_ns() / ACTOR__NS_PER_MS + 1;
    return (actor__clock_ns() + ACTOR__NS_PER_MS - 1) / ACTOR__NS_PER_MS;
}

static COLD unsigned fire_timers(actor__worker *w)
{
    if (load_relaxed(&w->wheel.count) == 0)
        return 0;
    return actor__timer_fire(w, actor__clock_ns() / ACTOR__NS_PER_MS);
}

/* ---- Finding work -------------------------------------------------------------------------- */

static actor *pop_injected(actor_system *sys, bool high) LOCK_REQUIRES(sys->inject_lock)
{
    actor__queue *q = &sys->injector[high];
    actor *a = q->first;

    if (a == NULL)
        return NULL;
    q->first = a->next;
    q->count--;
    if (high)
        store_relaxed(&sys->injected_high, q->count);
    store_relaxed(&sys->injected, load_relaxed(&sys->injected) - 1);
    return a;
}

static COLD actor *take_high(actor__worker *w)
{
    actor_system *sys = w->sys;

    if (load_relaxed(&sys->injected_high) == 0)
        return NULL;
    actor_lock_take(&sys->inject_lock);

    actor *a = pop_injected(sys, true);

    actor_lock_give(&sys->inject_lock);
    return a;
}

/* The same, unless it is the others' turn. */
static actor *high_in_turn(actor__worker *w, uint64_t tick)
{
    if (tick != w->high_tick + 1)
        w->high_run = 0;
    if (w->high_run == ACTOR__HIGH_RUN)
        return NULL;

    actor *a = take_high(w);

    if (a != NULL) {
        w->high_run++;
        w->high_tick = tick;
    }
    return a;
}

/* One from the injector, and some more into the list; a high one only if there is no other. */
static COLD actor *take_injected(actor__worker *w)
{
    actor_system *sys = w->sys;

    if (load_strong(&sys->injected) == 0)
        return NULL;
    actor_lock_take(&sys->inject_lock);

    uint32_t left = sys->injector[false].count;
    uint32_t take = left / sys->options.workers + 1;

    if (take > INJECT_BATCH)
        take = INJECT_BATCH;
    if (load_relaxed(&w->runq.count) >= INJECT_BATCH)
        take = 1;

    actor *a = pop_injected(sys, false);
    actor *b;

    if (a == NULL)
        a = pop_injected(sys, true);
    for (uint32_t i = 1; i < take && (b = pop_injected(sys, false)) != NULL; i++)
        actor__runq_add(&w->runq, b);
    actor_lock_give(&sys->inject_lock);
    return a;
}

static actor *loot(actor__worker *w, actor__worker *victim, uint32_t n)
{
    ACTOR__PROBE_STEAL(w, victim, n);
    bump(&w->steals, n);
    w->loot_ns = actor__clock_ns();
    return actor__runq_take(&w->runq);
}

/* The worker has nothing more to do. Was it worth the trouble to steal? */
static void judge_loot(actor__worker *w)
{
    if (w->loot_ns == 0)
        return;
    w->reluctant = actor__clock_ns() - w->loot_ns < LOOT_NS;
    w->loot_ns = 0;
}

static actor *steal(actor__worker *w)
{
    actor_system *sys = w->sys;
    unsigned count = sys->options.workers;
    unsigned start = actor__rng_below(&w->rng, count);

    for (unsigned i = 0; i < count; i++) {
        actor__worker *victim = &sys->workers[(start + i) % count];
        uint32_t n = victim == w ? 0 : actor__runq_steal(&w->runq, &victim->runq);

        if (n > 0)
            return loot(w, victim, n);
    }
    return NULL;
}

/* Something that others could take, and would. */
static bool work_in_sight(actor_system *sys, bool reluctant)
{
    if (load_strong(&sys->injected) != 0)
        return true;
    for (unsigned i = 0; i < sys->options.workers && !reluctant; i++)
        if (actor__runq_tempting(&sys->workers[i].runq))
            return true;
    return false;
}

/* ---- Sleeping ------------------------------------------------------------------------------ */

static bool search_begin(actor_system *sys)
{
    if (2 * (load_relaxed(&sys->idle) / ACTOR__SEARCHING) >= sys->options.workers)
        return false;
    atomic_fetch_add(&sys->idle, ACTOR__SEARCHING);
    return true;
}

/* Found something. The last one to search hands on what else there is to do: more of the same, and
 * to watch those who run beside it. */
static void search_end(actor_system *sys)
{
    uint32_t before = atomic_fetch_sub(&sys->idle, ACTOR__SEARCHING);
    unsigned sleeping = actor__idle_sleeping(before);

    if (before / ACTOR__SEARCHING != 1 || sleeping == 0)
        return;

    bool others = sleeping + 1 < sys->options.workers;

    if (load_strong(&sys->injected) != 0 || (others && !load_relaxed(&sys->watched)))
        wake_one(sys, ANY);
    else if (work_in_sight(sys, false))
        wake_one(sys, EAGER);
}

/* True: the last one; the others sleep already. */
static bool lie_down(actor__worker *w, bool searching)
{
    actor_system *sys = w->sys;

    store_relaxed(&w->notified, 0);
    actor_lock_take(&sys->sleep_lock);

    bool last = actor__idle_sleeping(load_relaxed(&sys->idle)) + 1 == sys->options.workers;

    if (last)
        w->reluctant = false; /* nobody has anything, and nobody will watch */
    w->next_sleeper = sys->sleepers;
    sys->sleepers = w;
    store_relaxed(&w->asleep, true);
    atomic_fetch_add(&sys->idle, kind_of_sleeper(w) - (searching ? ACTOR__SEARCHING : 0));
    actor_lock_give(&sys->sleep_lock);
    return last;
}

/* Up again, as a searcher; who woke us has counted us as one already. */
static void get_up(actor__worker *w)
{
    actor_system *sys = w->sys;

    actor_lock_take(&sys->sleep_lock);
    if (load_relaxed(&w->asleep)) {
        actor__worker **at = &sys->sleepers;

        while (*at != w)
            at = &(*at)->next_sleeper;
        *at = w->next_sleeper;
        store_relaxed(&w->asleep, false);
        atomic_fetch_add(&sys->idle, ACTOR__SEARCHING - kind_of_sleeper(w));
    }
    actor_lock_give(&sys->sleep_lock);
}

/* Whether to keep an eye on the others, and for how long to close it. */
static actor_ms watch_begin(actor__worker *w)
{
    actor_system *sys = w->sys;
    bool no = false;

    if (!atomic_compare_exchange_strong(&sys->watched, &no, true))
        return ACTOR__NEVER;

    return (actor_ms)1 << (w->looks < WATCH_LONGEST ? w->looks : WATCH_LONGEST);
}

/* The eye opens. NULL: `other` gets on with its work. */
static actor *watch_one(actor__worker *w, actor__worker *other, actor__seen *seen)
{
    uint64_t tick = load_relaxed(&other->tick);
    bool stuck = tick == seen->tick;
    bool stale = actor__runq_stale(&other->runq, &seen->queue);
    actor *found = NULL;
    uint32_t n = 0;

    seen->tick = tick;
    if (stuck) {
        found = actor__runq_steal_slot(&other->runq);
        if (load_relaxed(&other->wheel.count) != 0)
            actor__timer_fire(other, actor__clock_ns() / ACTOR__NS_PER_MS);
    }
    if (found == NULL && (stuck || stale))
        n = actor__runq_steal(&w->runq, &other->runq);
    return n != 0 ? loot(w, other, n) : found;
}

static actor *watch_look(actor__worker *w)
{
    actor_system *sys = w->sys;
    actor *found = NULL;

    for (unsigned i = 0; i < sys->options.workers && found == NULL; i++) {
        actor__worker *other = &sys->workers[i];

        if (other == w || load_relaxed(&other->asleep))
            continue;
        found = watch_one(w, other, &sys->seen[i]);
    }
    w->looks++;
    return found;
}

/* The earliest of what may wake a sleeper without anybody's doing. */
static int64_t sleep_until(actor__worker *w, actor_ms watch)
{
    actor_ms at = actor__wheel_next(&w->wheel);
    actor_ms pause = actor__slot_waiting() != 0 ? RECLAIM_MS : ACTOR__NEVER;

    if (watch < pause)
        pause = watch;
    if (pause != ACTOR__NEVER) {
        actor_ms then = actor__clock_ns() / ACTOR__NS_PER_MS + pause;

        if (then < at)
            at = then;
    }

    int64_t until = at > ACTOR__FOREVER / ACTOR__NS_PER_MS ? ACTOR__FOREVER : at * ACTOR__NS_PER_MS;
    int64_t trim = actor__trim_due();

    return trim < until ? trim : until;
}

/* Returns an actor that the watcher found, or NULL. Afterwards the worker is a searcher. */
static actor *park(actor__worker *w, bool searching)
{
    actor_system *sys = w->sys;
    actor *found = NULL;

    actor_ms watch = ACTOR__NEVER;

    bump(&w->tick, 1);

    bool last = lie_down(w, searching);

    if (!work_in_sight(sys, w->reluctant) && !load_strong(&sys->quit)) {
        /* Whoever gets up after that sees in `idle` that we sleep. */
        if (!last)
            watch = watch_begin(w);

        int64_t until = sleep_until(w, watch);

        ACTOR__PROBE_SLEEP(w, until);
        actor__offline();
        actor__futex_wait(&w->notified, 0, until);
        actor__online();
        if (watch != ACTOR__NEVER && load_relaxed(&w->notified) == 0)
            found = watch_look(w);
    }
    /* Before: who lies down and finds us up must find the watch free. */
    if (watch != ACTOR__NEVER)
        store_release(&sys->watched, false);
    get_up(w);
    bump(&w->tick, 1);
    return found;
}

/* ---- The thread ---------------------------------------------------------------------------- */

/* Nothing is here. Returns what to run, or NULL when the system quits. */
static COLD actor *find_work(actor__worker *w)
{
    actor_system *sys = w->sys;
    bool searching = search_begin(sys);

    judge_loot(w);
    while (!load_strong(&sys->quit)) {
        actor *a;

        fire_timers(w);
        actor__quiescent();
        actor__slot_reclaim(true);
        a = take_high(w);
        if (a == NULL)
            a = actor__runq_take(&w->runq);
        if (a == NULL)
            a = take_injected(w);
        if (a == NULL && searching && !w->reluctant)
            a = steal(w);
        if (a == NULL && actor__trim_step())
            continue;
        if (a == NULL) {
            a = park(w, searching);
            searching = true;
        }
        if (a != NULL) {
            if (searching)
                search_end(sys);
            w->looks = 0;
            return a;
        }
    }
    return NULL;
}

/* What is in the injector and goes before the queue. */
static COLD actor *injectors_turn(actor__worker *w, uint64_t tick)
{
    actor *a = high_in_turn(w, tick);

    if (a == NULL && tick % (injector_longer(w) ? 2 : INJECT_EVERY) == 0)
        a = take_injected(w);
    return a;
}

static HOT actor *next(actor__worker *w, uint64_t tick)
{
    actor_system *sys = w->sys;
    actor *a = NULL;

    actor__quiescent();
    if (UNLIKELY(actor__me.limbo_count >= RECLAIM_EVERY))
        actor__slot_reclaim(false);
    if (tick % CLOCK_EVERY == 0 && load_relaxed(&w->wheel.count) != 0)
        fire_timers(w);
    if (UNLIKELY(load_relaxed(&sys->injected) != 0))
        a = injectors_turn(w, tick);
    if (a == NULL)
        a = actor__runq_take(&w->runq);
    if (a == NULL)
        a = take_injected(w);
    if (a == NULL)
        return find_work(w);
    /* While it runs, somebody else may take what else is here. */
    if (worth_waking(load_relaxed(&sys->idle), EAGER) && actor__runq_tempting(&w->runq))
        wake_one(sys, EAGER);
    return a;
}

/* It is to run again. */
static inline void put_back(actor__worker *w, actor *a, actor__after after)
{
    if (UNLIKELY(a->high) || (after == ACTOR__MORE && UNLIKELY(injector_longer(w)))) {
        inject(w->sys, a, a, 1);
    } else {
        actor__runq_add(&w->runq, a);
        if (UNLIKELY(load_relaxed(&w->runq.count) > QUEUE_MAX) && !w->alone)
            spill(w);
    }
}

ENTRY void *actor__worker_main(void *arg)
{
    actor__worker *w = arg;
    actor_system *sys = w->sys;
    actor *a;
    actor *stuck = NULL; /* had a gap in its last batch */

    actor__me.worker = w;
    actor__online();
    while (!load_relaxed(&sys->quit) && (a = next(w, load_relaxed(&w->tick))) != NULL) {
        actor__batch_begin();

        actor__after after = actor__run(w, a, sys->options.batch);

        actor__batch_end();

        bump(&w->tick, 1);
        if (after == ACTOR__MORE || after == ACTOR__GAP)
            put_back(w, a, after);
        if (after == ACTOR__GAP && stuck == a)
            sched_yield(); /* let the producer in the gap go on */
        stuck = after == ACTOR__GAP ? a : NULL;
    }
    actor__offline();
    actor__me.worker = NULL;
    return NULL;
}
