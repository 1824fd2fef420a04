/* Simulation: all workers are played by the thread that made the system, in virtual time.
 *
 * Everything that threads and clocks would decide is drawn from one generator: which worker steps
 * next, which of the ready actors it has or steals, how many messages the batch has, whose timers
 * of the same millisecond come first and in which order, which allocation fails. There is one list
 * of those ready: what real queues allow is a part of what can be drawn from it. No address takes
 * part in a decision, so a seed is a run.
 */
#include "libactor/sim.h"

#include "libactor/mailbox.h"
#include "libactor/pool.h"
#include "libactor/run.h"
#include "libactor/timer.h"

/* Choose among this many: the oldest ready ones. Bounds the walk, and the unfairness. */
#define CHOICES 32u

#if ACTOR_DEBUG
static bool ready(const actor_system *sys, const actor *a)
{
    const actor *b = sys->sim.ready[a->high].first;

    while (b != NULL && b != a)
        b = b->next;
    return b != NULL;
}
#endif

void actor__sim_schedule(actor_system *sys, actor *a)
{
    ACTOR__CHECK(!ready(sys, a), "an actor is ready twice");
    actor__queue_push(&sys->sim.ready[a->high], a, a, 1);
}

/* High actors go first, but others have their turn. */
static actor__queue *whose_turn(actor_system *sys)
{
    actor__queue *others = &sys->sim.ready[false];
    actor__queue *high = &sys->sim.ready[true];

    if (high->count != 0 && (others->count == 0 || sys->sim.high_run < ACTOR__HIGH_RUN)) {
        sys->sim.high_run++;
        return high;
    }
    sys->sim.high_run = 0;
    return others;
}

static actor *choose(actor_system *sys)
{
    actor__queue *q = whose_turn(sys);
    uint32_t count = q->count < CHOICES ? q->count : CHOICES;
    uint32_t skip = actor__rng_below(&sys->sim.rng, count);
    actor **at = &q->first;
    actor *before = NULL;

    for (; skip > 0; skip--) {
        before = *at;
        at = &before->next;
    }

    actor *a = *at;

    *at = a->next;
    if (q->last == a)
        q->last = before;
    q->count--;
    return a;
}

/* Short batches are likelier: they interleave more. */
static unsigned batch_length(actor_system *sys)
{
    uint32_t most = actor__rng_below(&sys->sim.rng, sys->options.batch) + 1;

    return actor__rng_below(&sys->sim.rng, most) + 1;
}

typedef struct turn {
    struct actor__worker *was;
} turn;

/* Between these two the thread is that worker of the system. */
static turn turn_begin(actor__worker *w)
{
    turn t = {actor__me.worker};

    actor__online();
    actor__me.worker = w;
    return t;
}

static void turn_end(turn t)
{
    actor__me.worker = t.was;
    actor__offline();
    if (actor__me.limbo != NULL && load_relaxed(&actor__me.online) == 0)
        actor__slot_reclaim(false);
}

static actor__worker *choose_worker(actor_system *sys)
{
    unsigned count = sys->options.workers;

    return &sys->workers[count == 1 ? 0 : actor__rng_below(&sys->sim.rng, count)];
}

static bool run_one(actor_system *sys)
{
    if (sys->sim.ready[false].count + sys->sim.ready[true].count == 0)
        return false;

    actor__worker *w = choose_worker(sys);
    turn t = turn_begin(w);
    actor *a = choose(sys);
    actor__after after = actor__run(w, a, batch_length(sys));

    if (after == ACTOR__MORE || after == ACTOR__GAP)
        actor__sim_schedule(sys, a);
    bump(&w->tick, 1);
    turn_end(t);
    return true;
}

/* The worker with the earliest deadline; among equals, any. */
static actor__worker *earliest(actor_system *sys, actor_ms *at)
{
    unsigned start = (unsigned)(choose_worker(sys) - sys->workers);
    actor__worker *first = NULL;

    *at = ACTOR__NEVER;
    for (unsigned i = 0; i < sys->options.workers; i++) {
        actor__worker *w = &sys->workers[(start + i) % sys->options.workers];
        actor_ms deadline = actor__wheel_deadline(&w->wheel);

        if (deadline < *at) {
            *at = deadline;
            first = w;
        }
    }
    return first;
}

static bool next_timers(actor_system *sys, actor_ms until)
{
    actor_ms at;
    actor__worker *w = earliest(sys, &at);

    if (w == NULL || at > until)
        return false;

    turn t = turn_begin(w);

    if (sys->sim.now < at)
        sys->sim.now = at;
    actor__timer_fire(w, sys->sim.now);
    turn_end(t);
    return true;
}

bool actor__sim_event(actor_system *sys, actor_ms until)
{
    return run_one(sys) || next_timers(sys, until);
}

/* How many at the start of the list have the same deadline, but not more than can be chosen from.
 */
static uint32_t equals(const actor_timer *due)
{
    actor_ms deadline = actor__timer_deadline(due);
    uint32_t n = 0;

    for (; due != NULL && n < CHOICES && actor__timer_deadline(due) == deadline; due = due->prev)
        n++;
    return n;
}

actor_timer *actor__sim_shuffle(actor_system *sys, actor_timer *due)
{
    actor_timer *first = NULL;
    actor_timer **last = &first;

    while (due != NULL) {
        uint32_t skip = actor__rng_below(&sys->sim.rng, equals(due));
        actor_timer **at = &due;

        for (; skip > 0 && (*at)->prev != NULL; skip--)
            at = &(*at)->prev;

        actor_timer *t = *at;

        *at = t->prev;
        *last = t;
        last = &t->prev;
    }
    *last = NULL;
    return first;
}

uint64_t actor_sim_run(actor_system *sys, actor_ms until)
{
    uint64_t batches = 0;

    do {
        while (run_one(sys))
            batches++;
    } while (next_timers(sys, until));
    if (until != ACTOR__NEVER && sys->sim.now < until)
        sys->sim.now = until;
    return batches;
}

bool actor_sim_step(actor_system *sys)
{
    return run_one(sys);
}

void actor_sim_fail_allocations(actor_system *sys, uint32_t ppm)
{
    actor__pool_empty_magazines(); /* see pool.h */
    actor__me.deny.ppm = ppm;
    actor__me.deny.rng = &sys->sim.rng;
}

uint64_t actor_sim_random(actor_system *sys)
{
    return actor__rng_next(&sys->sim.rng);
}
