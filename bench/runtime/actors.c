/* Many actors: their making and end, their size, a tree of them. */
#include "bench/runtime/bench.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { GO = 1 };
enum { BRANCHES = 10 };

typedef struct making {
    bench_gate done;
    const actor_behaviour *child;
    long n;
    bool greet; /* a message to each child */
    atomic_long count;
} making;

static actor_verdict make(actor *self, void *state, actor_msg *msg)
{
    making *m = actor_self_arg(self);
    actor_system *sys = actor_self_system(self);

    (void)state;
    (void)msg;
    for (long i = 0; i < m->n; i++) {
        actor_ref child = bench_spawn(sys, m->child, m);

        if (m->greet)
            bench_tell(self, child, GO);
    }
    return ACTOR_CONTINUE;
}

static void count_one(making *m)
{
    if (atomic_fetch_add(&m->count, 1) + 1 == m->n)
        bench_gate_pass(&m->done);
}

static actor_verdict greeted(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    (void)msg;
    count_one(actor_self_arg(self));
    return ACTOR_EXIT;
}

static actor_verdict started(actor *self, void *state, void *arg)
{
    (void)self;
    (void)state;
    count_one(arg);
    return ACTOR_CONTINUE;
}

/* ---- Create: each gets one message and ends ------------------------------------------------ */

static double create(unsigned workers, long n)
{
    static const actor_behaviour child = {"child", 0, NULL, greeted, NULL};
    static const actor_behaviour maker = {"maker", 0, NULL, make, NULL};
    actor_system *sys = bench_open(workers);
    making m = {.child = &child, .n = n, .greet = true};

    bench_gate_init(&m.done, 1);

    actor_ref at = bench_spawn(sys, &maker, &m);
    double t = bench_seconds();

    bench_send(at, GO);
    bench_gate_wait(&m.done);

    double rate = bench_rate((double)n, t);

    bench_close(sys);
    return rate;
}

/* ---- Idle: what an actor costs that only waits --------------------------------------------- */

static double idle(unsigned workers, long n)
{
    static const actor_behaviour child = {"child", 0, started, greeted, NULL};
    static const actor_behaviour maker = {"maker", 0, NULL, make, NULL};
    actor_system *sys = bench_open(workers);
    making m = {.child = &child, .n = n};

    bench_gate_init(&m.done, 1);

    actor_ref at = bench_spawn(sys, &maker, &m);
    long before = bench_status("VmRSS");

    bench_send(at, GO);
    bench_gate_wait(&m.done);

    double bytes = (double)(bench_status("VmRSS") - before) * 1024 / (double)n;

    bench_close(sys);
    return bytes;
}

/* ---- Tree: a million leaves report their numbers, every parent a sum ------------------------ */

typedef struct job {
    actor_ref parent;
    int64_t first, count; /* of leaves */
} job;

typedef struct branch {
    job job;
    job *children; /* of BRANCHES */
    int64_t sum;
    int answers;
} branch;

static void report(actor *self, actor_ref to, int64_t sum)
{
    actor_msg *m = actor_msg_new(GO, sizeof(sum));

    if (m == NULL)
        bench_fail("out of memory");
    *(int64_t *)actor_msg_data(m) = sum;
    bench_must(actor_tell(self, to, &m), "send");
}

static actor_verdict tree_start(actor *self, void *state, void *arg);
static actor_verdict tree_handle(actor *self, void *state, actor_msg *msg);

static const actor_behaviour tree_node = {"tree", sizeof(branch), tree_start, tree_handle, NULL};

static actor_verdict tree_start(actor *self, void *state, void *arg)
{
    branch *b = state;

    b->job = *(job *)arg;
    if (b->job.count == 1) {
        report(self, b->job.parent, b->job.first);
        return ACTOR_EXIT;
    }
    b->children = malloc(BRANCHES * sizeof(job));
    if (b->children == NULL)
        bench_fail("out of memory");

    int64_t part = b->job.count / BRANCHES;

    for (int64_t i = 0; i < BRANCHES; i++) {
        b->children[i] = (job){actor_self(self), b->job.first + i * part, part};
        bench_spawn(actor_self_system(self), &tree_node, &b->children[i]);
    }
    return ACTOR_CONTINUE;
}

static actor_verdict tree_handle(actor *self, void *state, actor_msg *msg)
{
    branch *b = state;

    b->sum += *(int64_t *)actor_msg_data(msg);
    if (++b->answers < BRANCHES)
        return ACTOR_CONTINUE;
    free(b->children);
    report(self, b->job.parent, b->sum);
    return ACTOR_EXIT;
}

typedef struct trunk {
    bench_gate done;
    job job;
    int64_t sum;
} trunk;

static actor_verdict trunk_handle(actor *self, void *state, actor_msg *msg)
{
    trunk *t = actor_self_arg(self);

    (void)state;
    if (actor_msg_size(msg) == 0) {
        t->job.parent = actor_self(self);
        bench_spawn(actor_self_system(self), &tree_node, &t->job);
        return ACTOR_CONTINUE;
    }
    t->sum = *(int64_t *)actor_msg_data(msg);
    bench_gate_pass(&t->done);
    return ACTOR_CONTINUE;
}

static double skynet(unsigned workers, long n)
{
    static const actor_behaviour root = {"trunk", 0, NULL, trunk_handle, NULL};
    actor_system *sys = bench_open(workers);
    trunk t = {.job = {.count = n}};

    bench_gate_init(&t.done, 1);

    actor_ref at = bench_spawn(sys, &root, &t);
    double start = bench_seconds();

    bench_send(at, GO);
    bench_gate_wait(&t.done);

    double ms = (bench_seconds() - start) * 1e3;

    bench_check(t.sum == (int64_t)n * (n - 1) / 2, "skynet: wrong sum");
    bench_close(sys);
    return ms;
}

const bench_program bench_actors[] = {
    {"create", "Mactor/s", 1000000, 5000, create},
    {"idle", "B/actor", 1000000, 5000, idle},
    {"skynet", "ms", 1000000, 1000, skynet},
    {0},
};
