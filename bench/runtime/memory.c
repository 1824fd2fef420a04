/* What is left of the memory after much was used. */
#include "bench/runtime/bench.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { GO = 1, DONE };
enum { LIMIT_MS = 10000, LOOK_MS = 20 };

typedef struct burst_run {
    bench_gate done;
    actor_ref sink;
    long n;
    long peak_kb;
} burst_run;

/* Seconds until the resident memory is within a tenth of `before_kb`; 10: it is not by then. */
static double wait_for_memory(long before_kb)
{
    double t = bench_seconds();

    for (int ms = 0; ms < LIMIT_MS; ms += LOOK_MS) {
        if (bench_status("VmRSS") <= before_kb + before_kb / 10)
            return bench_seconds() - t;
        poll(NULL, 0, LOOK_MS);
    }
    return LIMIT_MS / 1000.0;
}

static actor_verdict send_all(actor *self, void *state, actor_msg *msg)
{
    burst_run *r = actor_self_arg(self);

    (void)state;
    (void)msg;
    for (long i = 0; i < r->n; i++)
        bench_tell(self, r->sink, GO);
    r->peak_kb = bench_status("VmRSS");
    bench_tell(self, r->sink, DONE);
    return ACTOR_CONTINUE;
}

static actor_verdict sink(actor *self, void *state, actor_msg *msg)
{
    burst_run *r = actor_self_arg(self);

    (void)state;
    if (actor_msg_type(msg) == DONE)
        bench_gate_pass(&r->done);
    return ACTOR_CONTINUE;
}

static void send_burst(burst_run *r, actor_ref source, long n)
{
    r->n = n;
    bench_gate_init(&r->done, 1);
    bench_send(source, GO);
    bench_gate_wait(&r->done);
}

/* A queue of `n` messages, then nothing: how long until their memory is the system's again. */
static double burst(unsigned workers, long n)
{
    static const actor_behaviour sinks = {"sink", 0, NULL, sink, NULL};
    static const actor_behaviour sources = {"source", 0, NULL, send_all, NULL};
    actor_system *sys = bench_open(workers);
    burst_run r = {0};

    r.sink = bench_spawn(sys, &sinks, &r);

    actor_ref source = bench_spawn(sys, &sources, &r);

    send_burst(&r, source, 1000); /* all code and the first blocks are there */

    long before_kb = bench_status("VmRSS");

    send_burst(&r, source, n);

    double seconds = wait_for_memory(before_kb);

    printf("before %ld kB, at its peak %ld kB, after %ld kB\n", before_kb, r.peak_kb,
           bench_status("VmRSS"));
    bench_close(sys);
    return seconds;
}

/* ---- A crowd that leaves ------------------------------------------------------------------- */

typedef struct crowd_run {
    bench_gate done;
    actor_ref *members;
    long n;
    bool leaving;
} crowd_run;

static actor_verdict member(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return ACTOR_EXIT;
}

/* One time all come, the next all go. */
static actor_verdict host(actor *self, void *state, actor_msg *msg)
{
    static const actor_behaviour child = {"member", 0, NULL, member, NULL};
    crowd_run *r = actor_self_arg(self);

    (void)state;
    (void)msg;
    for (long i = 0; i < r->n; i++) {
        if (r->leaving)
            bench_tell(self, r->members[i], GO);
        else
            r->members[i] = bench_spawn(actor_self_system(self), &child, r);
    }
    r->leaving = !r->leaving;
    bench_gate_pass(&r->done);
    return ACTOR_CONTINUE;
}

static void run_stage(crowd_run *r, actor_ref at)
{
    bench_gate_init(&r->done, 1);
    bench_send(at, GO);
    bench_gate_wait(&r->done);
}

/* `n` actors wait, then all end: how long until their memory is the system's again. */
static double crowd(unsigned workers, long n)
{
    static const actor_behaviour hosts = {"host", 0, NULL, host, NULL};
    actor_system *sys = bench_open(workers);
    crowd_run r = {.n = 1000};
    actor_ref at = bench_spawn(sys, &hosts, &r);

    r.members = malloc((size_t)(n > r.n ? n : r.n) * sizeof(actor_ref));
    bench_check(r.members != NULL, "out of memory");
    run_stage(&r, at);
    run_stage(&r, at);

    long before_kb = bench_status("VmRSS");

    r.n = n;
    run_stage(&r, at);

    long peak_kb = bench_status("VmRSS");

    run_stage(&r, at);
    free(r.members);

    double seconds = wait_for_memory(before_kb);

    printf("before %ld kB, at its peak %ld kB, after %ld kB\n", before_kb, peak_kb,
           bench_status("VmRSS"));
    bench_close(sys);
    return seconds;
}

/* ---- Churn: actors that come and go -------------------------------------------------------- */

enum { TOGETHER = 100 };

typedef struct churn_run {
    bench_gate done;
    actor_ref maker;
    long n;
    long made, ended;
    long before_kb;
} churn_run;

static actor_verdict short_lived(actor *self, void *state, actor_msg *msg)
{
    churn_run *r = actor_self_arg(self);

    (void)state;
    (void)msg;
    bench_tell(self, r->maker, DONE);
    return ACTOR_EXIT;
}

/* As many again when all have ended. */
static actor_verdict make_some(actor *self, void *state, actor_msg *msg)
{
    static const actor_behaviour child = {"child", 0, NULL, short_lived, NULL};
    churn_run *r = actor_self_arg(self);

    (void)state;
    if (actor_msg_type(msg) == DONE && ++r->ended < r->made)
        return ACTOR_CONTINUE;
    if (r->made >= r->n / 10 && r->before_kb == 0)
        r->before_kb = bench_status("VmRSS");
    if (r->made >= r->n) {
        bench_gate_pass(&r->done);
        return ACTOR_CONTINUE;
    }
    for (int i = 0; i < TOGETHER; i++)
        bench_tell(self, bench_spawn(actor_self_system(self), &child, r), GO);
    r->made += TOGETHER;
    return ACTOR_CONTINUE;
}

/* Resident memory that the last nine tenths of them added. */
static double churn(unsigned workers, long n)
{
    static const actor_behaviour maker = {"maker", 0, NULL, make_some, NULL};
    actor_system *sys = bench_open(workers);
    churn_run r = {.n = n};

    bench_gate_init(&r.done, 1);
    r.maker = bench_spawn(sys, &maker, &r);

    double t = bench_seconds();

    bench_send(r.maker, GO);
    bench_gate_wait(&r.done);

    long grown = bench_status("VmRSS") - r.before_kb;

    printf("%.2f million actors a second, resident %ld kB\n", bench_rate((double)n, t),
           bench_status("VmRSS"));
    bench_check(r.ended == r.made, "churn: lost an actor");
    bench_close(sys);
    return grown > 0 ? (double)grown : 0;
}

const bench_program bench_memory[] = {
    {"burst", "s", 10000000, 10000, burst},
    {"crowd", "s", 1000000, 5000, crowd},
    {"churn", "kB", 10000000, 10000, churn},
    {0},
};
