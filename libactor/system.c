#include "libactor/system.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "libactor/clock.h"
#include "libactor/epoch.h"
#include "libactor/futex.h"
#include "libactor/lifecycle.h"
#include "libactor/memory.h"
#include "libactor/sim.h"
#include "libactor/trim.h"

#define DEFAULT_ACTORS 16000000u
#define DEFAULT_BATCH  100u
#define MAX_WORKERS    1024u

/* ---- Making -------------------------------------------------------------------------------- */

static actor_system_options with_defaults(const actor_system_options *given)
{
    actor_system_options o = given != NULL ? *given : (actor_system_options){0};

    if (o.simulate) {
        o.workers = o.workers == 0 ? 1 : o.workers;
    } else if (o.workers == 0) {
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);

        o.workers = cpus > 0 && cpus < (long)MAX_WORKERS ? (unsigned)cpus : 1;
    }
    if (o.max_actors == 0)
        o.max_actors = DEFAULT_ACTORS;
    if (o.batch == 0)
        o.batch = DEFAULT_BATCH;
    return o;
}

static void init_workers(actor_system *sys)
{
    for (unsigned i = 0; i < sys->options.workers; i++) {
        actor__worker *w = &sys->workers[i];

        w->sys = sys;
        w->index = i;
        w->alone = sys->options.workers == 1;
        w->rng.state = sys->options.seed + i;
        actor__runq_init(&w->runq);
        actor__wheel_init(&w->wheel, sys->options.workers == 1);
    }
}

static void dispose(actor_system *sys)
{
    for (unsigned i = 0; sys->workers != NULL && i < sys->options.workers; i++) {
        actor__wheel_destroy(&sys->workers[i].wheel);
        actor__runq_destroy(&sys->workers[i].runq);
    }
    actor__names_free(&sys->names);
    actor_lock_destroy(&sys->sleep_lock);
    actor_lock_destroy(&sys->inject_lock);
    free(sys->workers);
    free(sys->seen);
    free(sys);
}

static void *alloc_lines(size_t size)
{
    size_t rounded = (size + ACTOR__LINE - 1) & ~(size_t)(ACTOR__LINE - 1);
    char *p = actor__alloc_fails() ? NULL : aligned_alloc(ACTOR__LINE, rounded);

    for (size_t i = 0; p != NULL && i < rounded; i++)
        p[i] = 0;
    return p;
}

static void join(actor_system *sys, unsigned started)
{
    store_strong(&sys->quit, true);
    actor__worker_wake_all(sys);
    for (unsigned i = 0; i < started; i++)
        if (pthread_join(sys->workers[i].thread, NULL) != 0)
            actor__panic("a worker can't be joined");
}

static actor_err start_workers(actor_system *sys)
{
    for (unsigned i = 0; i < sys->options.workers; i++) {
        actor__worker *w = &sys->workers[i];
        int rc = pthread_create(&w->thread, NULL, actor__worker_main, w);

        if (rc != 0) {
            join(sys, i);
            errno = rc;
            return ACTOR_ESYSTEM;
        }
    }
    return ACTOR_OK;
}

actor_err actor_system_new(const actor_system_options *options, actor_system **out)
{
    actor_system_options o = with_defaults(options);

    if (o.workers > MAX_WORKERS)
        return ACTOR_EINVAL;

    actor_system *sys = alloc_lines(sizeof(*sys));

    if (sys == NULL)
        return ACTOR_ENOMEM;
    sys->options = o;
    sys->sim.rng.state = o.seed;
    actor_lock_init(&sys->sleep_lock);
    actor_lock_init(&sys->inject_lock);
    actor__names_init(&sys->names);
    sys->workers = alloc_lines(o.workers * sizeof(*sys->workers));
    sys->seen = actor__alloc(o.workers * sizeof(*sys->seen));
    if (sys->workers == NULL || sys->seen == NULL) {
        if (sys->workers != NULL)
            init_workers(sys);
        dispose(sys);
        return ACTOR_ENOMEM;
    }
    init_workers(sys);

    actor_err err = o.simulate ? ACTOR_OK : start_workers(sys);

    if (err != ACTOR_OK) {
        int saved = errno;

        dispose(sys);
        errno = saved;
        return err;
    }
    *out = sys;
    return ACTOR_OK;
}

/* ---- Freeing ------------------------------------------------------------------------------- */

static void stop_it(actor *a)
{
    actor__signal(a, ACTOR__STOP, 0);
}

static void kill_it(actor *a)
{
    actor__signal(a, ACTOR__KILL, 0);
}

/* By how many left when that was looked at: before `before` was, so this never says no wrongly. */
static bool full(const actor_system *sys, uint64_t before, uint64_t left)
{
    return before - left >= sys->options.max_actors;
}

/* The same by a new look. If nobody left meanwhile, there was a moment when it was full. */
static COLD bool full_indeed(actor_system *sys, uint64_t *before, uint64_t *left)
{
    for (;;) {
        *left = load_strong(&sys->left);
        *before = load_strong(&sys->came);
        store_release(&sys->left_seen, *left);
        if (!full(sys, *before, *left))
            return false;
        if (load_strong(&sys->left) == *left)
            return true;
    }
}

bool actor__system_came(actor_system *sys, uint32_t *serial)
{
    /* This order: who left came before. And counted only if there is room: one who is told that
     * there is none must not be among those that left, another would take that for room. */
    uint64_t left = load_acquire(&sys->left_seen);
    uint64_t before = load_relaxed(&sys->came);

    do {
        if (UNLIKELY(full(sys, before, left)) && full_indeed(sys, &before, &left))
            return false;
    } while (!atomic_compare_exchange_weak(&sys->came, &before, before + 1));
    *serial = (uint32_t)before;
    return true;
}

void actor__system_left(actor_system *sys)
{
    uint64_t left = atomic_fetch_add(&sys->left, 1) + 1;

    /* All strong: either the waiter reads as many, or we see that it waits. */
    if (load_strong(&sys->stopping) && left == load_strong(&sys->came)) {
        atomic_fetch_add(&sys->gone, 1);
        actor__futex_wake(&sys->gone, 1);
    }
}

/* These orders: else it could be fewer than none. */
static uint64_t spawned(const actor_system *sys)
{
    uint64_t failed = load_strong(&sys->failed);

    return load_strong(&sys->came) - failed;
}

static uint64_t alive(const actor_system *sys)
{
    uint64_t left = load_strong(&sys->left);

    return load_strong(&sys->came) - left;
}

/* Until nobody is alive or `grace` has passed. True: nobody is. */
static bool wait_for_end(actor_system *sys, actor_ms grace)
{
    const int64_t longest = INT64_MAX / 4 / ACTOR__NS_PER_MS;

    if (grace > longest)
        grace = longest;
    if (sys->options.simulate) {
        actor_ms until = sys->sim.now + grace;

        while (alive(sys) != 0 && actor__sim_event(sys, until))
            ;
        return alive(sys) == 0;
    }

    int64_t deadline = actor__clock_ns() + grace * ACTOR__NS_PER_MS;

    for (;;) {
        uint32_t gone = load_strong(&sys->gone);

        if (alive(sys) == 0)
            return true;
        if (actor__clock_ns() >= deadline)
            return false;
        actor__futex_wait(&sys->gone, gone, deadline);
    }
}

/* All slots of the system are free for others. Waits for threads of other systems that may still
 * look at one: not longer than one of their batches. */
static void wait_for_burials(actor_system *sys)
{
    while (actor__slot_reclaim(true), load_strong(&sys->unburied) != 0)
        actor__futex_wait(&sys->gone, load_relaxed(&sys->gone),
                          actor__clock_ns() + ACTOR__NS_PER_MS);
}

static void abandon_all(actor_system *sys)
{
    actor__worker *was = actor__me.worker;

    actor__me.worker = NULL;
    actor__slot_each(sys, actor__lifecycle_abandon);
    actor__me.worker = was;
}

void actor_system_free(actor_system *sys, actor_ms grace)
{
    if (sys == NULL)
        return;
    if (actor__on_worker())
        actor__panic("a system is freed on a worker");
    store_strong(&sys->stopping, true);
    actor__slot_each(sys, stop_it);
    if (!wait_for_end(sys, grace)) {
        actor__slot_each(sys, kill_it);
        wait_for_end(sys, grace);
    }
    if (sys->options.simulate)
        store_strong(&sys->quit, true);
    else
        join(sys, sys->options.workers);
    abandon_all(sys);
    wait_for_burials(sys);
    if (actor__me.deny.rng == &sys->sim.rng) {
        actor__me.deny.ppm = 0;
        actor__me.deny.rng = NULL;
    }
    if (!sys->options.simulate)
        actor__trim_all();
    dispose(sys);
}

/* ---- Looking ------------------------------------------------------------------------------- */

actor_ms actor_now(const actor_system *sys)
{
    actor__worker *w = actor__me.worker;

    if (w != NULL && w->sys == sys)
        return actor__worker_now(w);
    return sys->options.simulate ? sys->sim.now : actor__clock_ns() / ACTOR__NS_PER_MS;
}

void actor_system_stats_get(const actor_system *sys, actor_system_stats *out)
{
    *out = (actor_system_stats){
        .actors = alive(sys),
        .spawned = spawned(sys),
        .dead_letters = load_relaxed(&sys->dead_letters),
        .unhandled = load_relaxed(&sys->unhandled),
        .wakes = load_relaxed(&sys->wakes),
        .workers = sys->options.workers,
        .parked = actor__idle_sleeping(load_relaxed(&sys->idle)),
    };
    for (unsigned i = 0; i < sys->options.workers; i++) {
        out->handled += load_relaxed(&sys->workers[i].handled);
        out->steals += load_relaxed(&sys->workers[i].steals);
    }
}

bool actor_system_progress(const actor_system *sys, uint64_t *marks)
{
    bool all = true;

    for (unsigned i = 0; i < sys->options.workers; i++) {
        const actor__worker *w = &sys->workers[i];
        uint64_t tick = load_relaxed(&w->tick);

        if (tick == marks[i] && !load_relaxed(&w->asleep))
            all = false;
        marks[i] = tick;
    }
    return all;
}
