/* Few actors, many messages: ping-pong, a ring, one to one, many to one. */
#include "bench/runtime/bench.h"

enum { GO = 1, PING, PONG, INC, GET, RESULT };
enum { RING = 100, PRODUCERS = 20 };

typedef struct pair {
    bench_gate done;
    actor_ref a, b;
    long n;
} pair;

/* ---- Ping-pong ----------------------------------------------------------------------------- */

static actor_verdict ponger(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    bench_tell(self, actor_msg_sender(msg), PONG);
    return ACTOR_CONTINUE;
}

static actor_verdict pinger(actor *self, void *state, actor_msg *msg)
{
    long *pongs = state;
    pair *p = actor_self_arg(self);

    if (actor_msg_type(msg) == PONG && ++*pongs == p->n)
        bench_gate_pass(&p->done);
    else
        bench_tell(self, p->b, PING);
    return ACTOR_CONTINUE;
}

static double pingpong(unsigned workers, long n)
{
    static const actor_behaviour ping = {"pinger", sizeof(long), NULL, pinger, NULL};
    static const actor_behaviour pong = {"ponger", 0, NULL, ponger, NULL};
    actor_system *sys = bench_open(workers);
    pair p = {.n = n};

    bench_gate_init(&p.done, 1);
    p.a = bench_spawn(sys, &ping, &p);
    p.b = bench_spawn(sys, &pong, &p);

    double t = bench_seconds();

    bench_send(p.a, GO);
    bench_gate_wait(&p.done);
    t = bench_seconds() - t;
    bench_close(sys);
    return t / (2.0 * (double)n) * 1e6;
}

/* ---- Ring ---------------------------------------------------------------------------------- */

typedef struct ring {
    bench_gate done;
    actor_ref at[RING];
} ring;

typedef struct ring_place {
    ring *ring;
    unsigned next;
} ring_place;

static void hop_to(actor *self, actor_ref to, long left)
{
    actor_msg *m = actor_msg_new(INC, sizeof(left));

    if (m == NULL)
        bench_fail("out of memory");
    *(long *)actor_msg_data(m) = left;
    bench_must(self != NULL ? actor_tell(self, to, &m) : actor_send(to, &m), "send");
}

static actor_verdict hop(actor *self, void *state, actor_msg *msg)
{
    const ring_place *place = actor_self_arg(self);
    long left = *(long *)actor_msg_data(msg);

    (void)state;
    if (left == 0)
        bench_gate_pass(&place->ring->done);
    else
        hop_to(self, place->ring->at[place->next], left - 1);
    return ACTOR_CONTINUE;
}

static double run_ring(unsigned workers, long n)
{
    static const actor_behaviour node = {"ring", 0, NULL, hop, NULL};
    actor_system *sys = bench_open(workers);
    ring r;
    ring_place places[RING];

    bench_gate_init(&r.done, 1);
    for (unsigned i = 0; i < RING; i++) {
        places[i] = (ring_place){&r, (i + 1) % RING};
        r.at[i] = bench_spawn(sys, &node, &places[i]);
    }

    double t = bench_seconds();

    hop_to(NULL, r.at[0], n);
    bench_gate_wait(&r.done);

    double rate = bench_rate((double)n, t);

    bench_close(sys);
    return rate;
}

/* ---- Counting ------------------------------------------------------------------------------ */

static actor_verdict count(actor *self, void *state, actor_msg *msg)
{
    long *counted = state;
    pair *p = actor_self_arg(self);

    if (actor_msg_type(msg) == INC) {
        ++*counted;
        return ACTOR_CONTINUE;
    }
    bench_check(*counted == p->n, "counting: messages are missing");
    bench_tell(self, actor_msg_sender(msg), RESULT);
    return ACTOR_CONTINUE;
}

static actor_verdict produce(actor *self, void *state, actor_msg *msg)
{
    pair *p = actor_self_arg(self);

    (void)state;
    if (actor_msg_type(msg) == RESULT) {
        bench_gate_pass(&p->done);
        return ACTOR_CONTINUE;
    }
    for (long i = 0; i < p->n; i++)
        bench_tell(self, p->a, INC);
    bench_tell(self, p->a, GET);
    return ACTOR_CONTINUE;
}

static double counting(unsigned workers, long n)
{
    static const actor_behaviour counter = {"counter", sizeof(long), NULL, count, NULL};
    static const actor_behaviour producer = {"producer", 0, NULL, produce, NULL};
    actor_system *sys = bench_open(workers);
    pair p = {.n = n};

    bench_gate_init(&p.done, 1);
    p.a = bench_spawn(sys, &counter, &p);
    p.b = bench_spawn(sys, &producer, &p);

    double t = bench_seconds();

    bench_send(p.b, GO);
    bench_gate_wait(&p.done);

    double rate = bench_rate((double)n, t);

    bench_close(sys);
    return rate;
}

/* ---- Many to one --------------------------------------------------------------------------- */

static actor_verdict sink(actor *self, void *state, actor_msg *msg)
{
    long *counted = state;
    pair *p = actor_self_arg(self);

    (void)msg;
    if (++*counted == p->n * PRODUCERS)
        bench_gate_pass(&p->done);
    return ACTOR_CONTINUE;
}

static actor_verdict pour(actor *self, void *state, actor_msg *msg)
{
    pair *p = actor_self_arg(self);

    (void)state;
    (void)msg;
    for (long i = 0; i < p->n; i++)
        bench_tell(self, p->a, INC);
    return ACTOR_CONTINUE;
}

static double n1(unsigned workers, long n)
{
    static const actor_behaviour consumer = {"sink", sizeof(long), NULL, sink, NULL};
    static const actor_behaviour producer = {"producer", 0, NULL, pour, NULL};
    actor_system *sys = bench_open(workers);
    actor_ref producers[PRODUCERS];
    pair p = {.n = n};

    bench_gate_init(&p.done, 1);
    p.a = bench_spawn(sys, &consumer, &p);
    for (unsigned i = 0; i < PRODUCERS; i++)
        producers[i] = bench_spawn(sys, &producer, &p);

    double t = bench_seconds();

    for (unsigned i = 0; i < PRODUCERS; i++)
        bench_send(producers[i], GO);
    bench_gate_wait(&p.done);

    double rate = bench_rate((double)n * PRODUCERS, t);

    bench_close(sys);
    return rate;
}

const bench_program bench_messages[] = {
    {"pingpong", "us/msg", 3000000, 5000, pingpong},
    {"ring", "Mmsg/s", 10000000, 10000, run_ring},
    {"counting", "Mmsg/s", 5000000, 20000, counting},
    {"n1", "Mmsg/s", 500000, 1000, n1},
    {0},
};
