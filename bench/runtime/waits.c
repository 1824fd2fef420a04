/* Timers, asks, the way from a thread to an actor and back, and doing nothing. */
#include "bench/runtime/bench.h"

#include <linux/futex.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GO = 1, TICK };
enum { LONG_MS = 60000, WINDOW = 1000 };

typedef struct wait_run {
    bench_gate done;
    actor_ref other;
    long n;
    long left;
    double since;
    double value;
} wait_run;

static void run_actor(actor_system *sys, const actor_behaviour *behaviour, wait_run *r)
{
    bench_gate_init(&r->done, 1);

    actor_ref at = bench_spawn(sys, behaviour, r);

    bench_send(at, GO);
    bench_gate_wait(&r->done);
}

/* ---- Timers -------------------------------------------------------------------------------- */

static actor_verdict arm_and_cancel(actor *self, void *state, actor_msg *msg)
{
    wait_run *r = actor_self_arg(self);
    double t = bench_seconds();

    (void)state;
    (void)msg;
    for (long i = 0; i < r->n; i++) {
        actor_timer *timer;

        bench_must(actor_after(self, LONG_MS + i % WINDOW, TICK, 0, &timer), "timer");
        actor_timer_cancel(self, &timer);
    }
    r->value = (bench_seconds() - t) / (double)r->n * 1e9;
    bench_gate_pass(&r->done);
    return ACTOR_CONTINUE;
}

static double timer(unsigned workers, long n)
{
    static const actor_behaviour b = {"timer", 0, NULL, arm_and_cancel, NULL};
    actor_system *sys = bench_open(workers);
    wait_run r = {.n = n};

    run_actor(sys, &b, &r);
    bench_close(sys);
    return r.value;
}

static actor_verdict arm_all(actor *self, void *state, actor_msg *msg)
{
    wait_run *r = actor_self_arg(self);
    long before = bench_status("VmRSS");

    (void)state;
    (void)msg;
    for (long i = 0; i < r->n; i++)
        bench_must(actor_after(self, LONG_MS + i, TICK, 0, NULL), "timer");
    r->value = (double)(bench_status("VmRSS") - before) * 1024 / (double)r->n;
    bench_gate_pass(&r->done);
    return ACTOR_CONTINUE;
}

static double pending(unsigned workers, long n)
{
    static const actor_behaviour b = {"timers", 0, NULL, arm_all, NULL};
    actor_system *sys = bench_open(workers);
    wait_run r = {.n = n};

    run_actor(sys, &b, &r);
    bench_close(sys);
    return r.value;
}

/* ---- Ask ----------------------------------------------------------------------------------- */

static actor_verdict answer(actor *self, void *state, actor_msg *msg)
{
    actor_msg *reply = actor_msg_new(GO, 0);

    (void)self;
    (void)state;
    if (reply == NULL)
        bench_fail("out of memory");
    bench_must(actor_reply(msg, &reply), "reply");
    return ACTOR_CONTINUE;
}

static actor_verdict answered(actor *self, void *state, actor_err how, actor_msg *reply, void *arg);

static void ask(actor *self, wait_run *r)
{
    actor_msg *m = actor_msg_new(GO, 0);

    if (m == NULL)
        bench_fail("out of memory");
    bench_must(actor_ask(self, r->other, &m, LONG_MS, answered, r, NULL), "ask");
}

static actor_verdict answered(actor *self, void *state, actor_err how, actor_msg *reply, void *arg)
{
    wait_run *r = arg;

    (void)state;
    (void)reply;
    bench_must(how, "answer");
    if (--r->left > 0) {
        ask(self, r);
        return ACTOR_CONTINUE;
    }
    r->value = (bench_seconds() - r->since) / (double)r->n * 1e9;
    bench_gate_pass(&r->done);
    return ACTOR_CONTINUE;
}

static actor_verdict begin_asking(actor *self, void *state, actor_msg *msg)
{
    wait_run *r = actor_self_arg(self);

    (void)state;
    (void)msg;
    r->since = bench_seconds();
    ask(self, r);
    return ACTOR_CONTINUE;
}

static double run_ask(unsigned workers, long n)
{
    static const actor_behaviour asker = {"asker", 0, NULL, begin_asking, NULL};
    static const actor_behaviour answerer = {"answerer", 0, NULL, answer, NULL};
    actor_system *sys = bench_open(workers);
    wait_run r = {.n = n, .left = n};

    r.other = bench_spawn(sys, &answerer, NULL);
    run_actor(sys, &asker, &r);
    bench_close(sys);
    return r.value;
}

/* ---- A thread asks an actor, and the bare futexes that this needs -------------------------- */

static double external(unsigned workers, long n)
{
    static const actor_behaviour answerer = {"answerer", 0, NULL, answer, NULL};
    actor_system *sys = bench_open(workers);
    actor_ref at = bench_spawn(sys, &answerer, NULL);
    double t = bench_seconds();

    for (long i = 0; i < n; i++) {
        actor_msg *m = actor_msg_new(GO, 0);
        actor_msg *reply;

        if (m == NULL)
            bench_fail("out of memory");
        bench_must(actor_call(sys, at, &m, LONG_MS, &reply), "call");
        actor_msg_free(reply);
    }
    t = bench_seconds() - t;
    bench_close(sys);
    return t / (double)n * 1e6;
}

typedef struct futex_pair {
    _Atomic uint32_t there, back;
    long n;
} futex_pair;

static void set(_Atomic uint32_t *word, uint32_t value)
{
    atomic_store(word, value);
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

static void await(_Atomic uint32_t *word, uint32_t value)
{
    uint32_t seen;

    while ((seen = atomic_load(word)) != value)
        syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, seen, NULL, NULL, 0);
}

static void *futex_answer(void *arg)
{
    futex_pair *p = arg;

    for (uint32_t i = 1; i <= (uint32_t)p->n; i++) {
        await(&p->there, i);
        set(&p->back, i);
    }
    return NULL;
}

static double futex(unsigned workers, long n)
{
    futex_pair p = {.n = n};
    pthread_t thread;

    (void)workers;
    bench_check(pthread_create(&thread, NULL, futex_answer, &p) == 0, "no thread");

    double t = bench_seconds();

    for (uint32_t i = 1; i <= (uint32_t)n; i++) {
        set(&p.there, i);
        await(&p.back, i);
    }
    t = bench_seconds() - t;
    pthread_join(thread, NULL);
    return t / (double)n * 1e6;
}

/* ---- Nothing to do ------------------------------------------------------------------------- */

static long switches(void)
{
    struct rusage use;

    bench_check(getrusage(RUSAGE_SELF, &use) == 0, "getrusage");
    return use.ru_nvcsw + use.ru_nivcsw;
}

/* The times that any thread was woken in `ms`, after a second to come to rest; our own once. */
static double sleeping(unsigned workers, long ms)
{
    static const actor_behaviour answerer = {"answerer", 0, NULL, answer, NULL};
    actor_system *sys = bench_open(workers);
    actor_ref at = bench_spawn(sys, &answerer, NULL);
    actor_msg *m = actor_msg_new(GO, 0);
    actor_msg *reply;

    if (m == NULL)
        bench_fail("out of memory");
    bench_must(actor_call(sys, at, &m, LONG_MS, &reply), "call");
    actor_msg_free(reply);
    poll(NULL, 0, ms < 1000 ? (int)ms : 1000);

    long before = switches();

    poll(NULL, 0, (int)ms);

    long woken = switches() - before - 1;

    bench_close(sys);
    return woken > 0 ? (double)woken : 0;
}

const bench_program bench_waits[] = {
    {"timer", "ns", 5000000, 5000, timer},
    {"pending", "B/timer", 1000000, 5000, pending},
    {"ask", "ns", 3000000, 5000, run_ask},
    {"external", "us", 50000, 500, external},
    {"futex", "us", 50000, 500, futex},
    {"sleeping", "wakes", 10000, 100, sleeping},
    {0},
};
