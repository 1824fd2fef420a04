/* Shares: what the slowest of ten thousand busy actors gets, as a part of the median. */
#include "bench/runtime/bench.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { MEMBERS = 10000, EVERY = 16 }; /* messages between two looks at what all did */

typedef struct member {
    struct crowd *crowd;
    unsigned *share;
} member;

typedef struct crowd {
    bench_gate done;
    atomic_long left; /* messages */
    member members[MEMBERS];
    unsigned shares[MEMBERS]; /* each its own actor's; read when the system is closed */
} crowd;

/* Sends to itself for ever; stops counting when all have done enough. */
static actor_verdict work(actor *self, void *state, actor_msg *msg)
{
    const member *me = actor_self_arg(self);
    bool *over = state;

    (void)msg;
    if (*over)
        return ACTOR_CONTINUE;
    if (++*me->share % EVERY == 0) {
        long left = atomic_fetch_sub(&me->crowd->left, EVERY);

        *over = left <= 0;
        if (left > 0 && left <= EVERY)
            bench_gate_pass(&me->crowd->done);
    }
    bench_tell(self, actor_self(self), 1);
    return ACTOR_CONTINUE;
}

static const actor_behaviour worker = {"worker", sizeof(bool), NULL, work, NULL};

static actor_verdict gather(actor *self, void *state, actor_msg *msg)
{
    member *members = actor_self_arg(self);

    (void)state;
    (void)msg;
    for (unsigned i = 0; i < MEMBERS; i++)
        bench_tell(self, bench_spawn(actor_self_system(self), &worker, &members[i]), 1);
    return ACTOR_CONTINUE;
}

static int by_value(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a;
    unsigned y = *(const unsigned *)b;

    return (x > y) - (x < y);
}

/* `n`: messages of one actor, in the mean. */
static double fair(unsigned workers, long n)
{
    static const actor_behaviour gatherer = {"gatherer", 0, NULL, gather, NULL};
    crowd c = {.left = MEMBERS * n};

    bench_gate_init(&c.done, 1);
    for (unsigned i = 0; i < MEMBERS; i++)
        c.members[i] = (member){&c, &c.shares[i]};

    actor_system *sys = bench_open(workers);

    bench_send(bench_spawn(sys, &gatherer, c.members), 1);
    bench_gate_wait(&c.done);
    bench_close(sys);
    qsort(c.shares, MEMBERS, sizeof(*c.shares), by_value);

    unsigned median = c.shares[MEMBERS / 2];
    double least = (double)c.shares[0] / median;

    bench_check(median > 0, "nobody worked");
    return least;
}

const bench_program bench_shares[] = {
    {"fair", "min/median", 2000, 64, fair},
    {0},
};
