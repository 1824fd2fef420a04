/* A hundred actors that talk to each other: fork-join, big, chameneos. */
#include "bench/runtime/bench.h"

enum { GO = 1, PING, PONG, MEET, CHANGE, DONE, RESULT };
enum { JOINERS = 60, BIG = 120, CREATURES = 100, COLOURS = 3 };

typedef struct crowd {
    bench_gate done;
    actor_ref at[BIG];
    actor_ref middle;
    long n;
} crowd;

typedef struct member {
    crowd *crowd;
    uint32_t id;
} member;

static actor_msg *new_msg(uint16_t type, size_t size)
{
    actor_msg *m = actor_msg_new(type, size);

    if (m == NULL)
        bench_fail("out of memory");
    return m;
}

/* Members of the crowd, each with its number. */
static void fill(crowd *c, member *members, uint32_t count, actor_system *sys,
                 const actor_behaviour *behaviour)
{
    for (uint32_t i = 0; i < count; i++) {
        members[i] = (member){c, i};
        c->at[i] = bench_spawn(sys, behaviour, &members[i]);
    }
}

/* ---- Fork-join throughput ------------------------------------------------------------------ */

static actor_verdict join(actor *self, void *state, actor_msg *msg)
{
    long *got = state;
    const member *me = actor_self_arg(self);

    (void)msg;
    if (++*got == me->crowd->n)
        bench_gate_pass(&me->crowd->done);
    return ACTOR_CONTINUE;
}

static actor_verdict deal(actor *self, void *state, actor_msg *msg)
{
    crowd *c = actor_self_arg(self);

    (void)state;
    (void)msg;
    for (long i = 0; i < c->n; i++)
        for (unsigned j = 0; j < JOINERS; j++)
            bench_tell(self, c->at[j], PING);
    return ACTOR_CONTINUE;
}

static double fjthr(unsigned workers, long n)
{
    static const actor_behaviour joiner = {"joiner", sizeof(long), NULL, join, NULL};
    static const actor_behaviour dealer = {"dealer", 0, NULL, deal, NULL};
    actor_system *sys = bench_open(workers);
    member members[JOINERS];
    crowd c = {.n = n};

    bench_gate_init(&c.done, JOINERS);
    fill(&c, members, JOINERS, sys, &joiner);
    c.middle = bench_spawn(sys, &dealer, &c);

    double t = bench_seconds();

    bench_send(c.middle, GO);
    bench_gate_wait(&c.done);

    double rate = bench_rate((double)n * JOINERS, t);

    bench_close(sys);
    return rate;
}

/* ---- Big: everybody pings a random other --------------------------------------------------- */

typedef struct pinging {
    long left;
    uint32_t random;
} pinging;

static uint32_t xorshift(uint32_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

static void ping_another(actor *self, const member *me, pinging *p)
{
    uint32_t to;

    do
        to = xorshift(&p->random) % BIG;
    while (to == me->id);
    bench_tell(self, me->crowd->at[to], PING);
}

static actor_verdict big_handle(actor *self, void *state, actor_msg *msg)
{
    pinging *p = state;
    const member *me = actor_self_arg(self);

    switch (actor_msg_type(msg)) {
    case PING:
        bench_tell(self, actor_msg_sender(msg), PONG);
        break;
    case GO:
        *p = (pinging){me->crowd->n, me->id * 7919 + 12345};
        ping_another(self, me, p);
        break;
    case PONG:
        if (--p->left == 0)
            bench_gate_pass(&me->crowd->done);
        else
            ping_another(self, me, p);
        break;
    default:
        bench_fail("big: what is this?");
    }
    return ACTOR_CONTINUE;
}

static double big(unsigned workers, long n)
{
    static const actor_behaviour pinger = {"big", sizeof(pinging), NULL, big_handle, NULL};
    actor_system *sys = bench_open(workers);
    member members[BIG];
    crowd c = {.n = n};

    bench_gate_init(&c.done, BIG);
    fill(&c, members, BIG, sys, &pinger);

    double t = bench_seconds();

    for (unsigned i = 0; i < BIG; i++)
        bench_send(c.at[i], GO);
    bench_gate_wait(&c.done);

    double rate = bench_rate(2.0 * (double)n * BIG, t);

    bench_close(sys);
    return rate;
}

/* ---- Chameneos: two meet at the mall and take the third colour ----------------------------- */

typedef struct meeting {
    actor_ref other;
    uint32_t colour;
} meeting;

typedef struct creature {
    uint32_t colour;
    long met;
} creature;

typedef struct mall {
    actor_ref waiting; /* ACTOR_NONE: nobody */
    long held;         /* meetings */
    long counted, total;
} mall;

static void send_meeting(actor *self, actor_ref to, uint16_t type, actor_ref other, uint32_t colour)
{
    actor_msg *m = new_msg(type, sizeof(meeting));

    *(meeting *)actor_msg_data(m) = (meeting){other, colour};
    bench_must(actor_tell(self, to, &m), "send");
}

static uint32_t complement(uint32_t a, uint32_t b)
{
    return a == b ? a : COLOURS - a - b;
}

static actor_verdict creature_handle(actor *self, void *state, actor_msg *msg)
{
    creature *me = state;
    const member *place = actor_self_arg(self);
    const meeting *m = actor_msg_data(msg);
    actor_ref at = place->crowd->middle;

    switch (actor_msg_type(msg)) {
    case GO:
        me->colour = place->id % COLOURS;
        break;
    case MEET:
        me->colour = complement(me->colour, m->colour);
        me->met++;
        send_meeting(self, m->other, CHANGE, ACTOR_NONE, me->colour);
        break;
    case CHANGE:
        me->colour = m->colour;
        me->met++;
        break;
    default: {
        actor_msg *result = new_msg(RESULT, sizeof(me->met));

        *(long *)actor_msg_data(result) = me->met;
        bench_must(actor_tell(self, at, &result), "send");
        return ACTOR_EXIT;
    }
    }
    send_meeting(self, at, MEET, actor_self(self), me->colour);
    return ACTOR_CONTINUE;
}

static void arrive(actor *self, mall *at, long meetings, const meeting *m)
{
    if (at->held == meetings) {
        bench_tell(self, m->other, DONE);
    } else if (actor_ref_none(at->waiting)) {
        at->waiting = m->other;
    } else {
        at->held++;
        send_meeting(self, at->waiting, MEET, m->other, m->colour);
        at->waiting = ACTOR_NONE;
    }
}

static actor_verdict mall_handle(actor *self, void *state, actor_msg *msg)
{
    mall *at = state;
    crowd *c = actor_self_arg(self);

    if (actor_msg_type(msg) == MEET) {
        arrive(self, at, c->n, actor_msg_data(msg));
        return ACTOR_CONTINUE;
    }
    at->total += *(long *)actor_msg_data(msg);
    if (++at->counted == CREATURES) {
        bench_check(at->total == 2 * c->n, "chameneos: meetings are missing");
        bench_gate_pass(&c->done);
    }
    return ACTOR_CONTINUE;
}

static double chameneos(unsigned workers, long n)
{
    static const actor_behaviour one = {"creature", sizeof(creature), NULL, creature_handle, NULL};
    static const actor_behaviour all = {"mall", sizeof(mall), NULL, mall_handle, NULL};
    actor_system *sys = bench_open(workers);
    member members[CREATURES];
    crowd c = {.n = n};

    bench_gate_init(&c.done, 1);
    c.middle = bench_spawn(sys, &all, &c);
    fill(&c, members, CREATURES, sys, &one);

    double t = bench_seconds();

    for (unsigned i = 0; i < CREATURES; i++)
        bench_send(c.at[i], GO);
    bench_gate_wait(&c.done);

    double rate = bench_rate((double)n, t);

    bench_close(sys);
    return rate;
}

const bench_program bench_crowds[] = {
    {"fjthr", "Mmsg/s", 100000, 300, fjthr},
    {"big", "Mmsg/s", 60000, 100, big},
    {"chameneos", "Mmeet/s", 3000000, 5000, chameneos},
    {0},
};
