#include "bench/policies.h"

#include "tests/support/rig.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { BATCH = 64 };

#define POLICIES                                                                                   \
    "breakers: {b: {window: 100 calls, failure_rate: 50%, slow_call: 1s, slow_rate: 50%}}\n"       \
    "limiters: {l: {rate: 1000000000/s, burst: 1000000, concurrency: 100000}}\n"                   \
    "retries: {r: {max_retries: 3, budget: 20%}}\n"

#define CHILDREN                                                                                   \
    "    - {name: plain, echo: {}}\n"                                                              \
    "    - {name: full, echo: {}, retry: r, breaker: b, limit: l, timeout: 10s}\n"

/* ns a message. */
static double send_all(rig *r, const char *to, long messages)
{
    unit *u = rig_unit(r, to);
    uint64_t before = u->counters.final[MESSAGE_DONE];
    int64_t since = bench_now();
    for (long left = messages; left > 0;) {
        long now = left < BATCH ? left : BATCH;
        for (long i = 0; i < now; i++)
            rig_send(r, to, "{\"n\":1}");
        rig_settle(r);
        left -= now;
    }
    double took = (double)(bench_now() - since) / (double)messages;
    return u->counters.final[MESSAGE_DONE] - before == (uint64_t)messages ? took : -1;
}

static double blocks(long n)
{
    int64_t since = bench_now();
    for (long i = 0; i < n; i++) {
        char *volatile block = malloc(64);
        free(block);
    }
    return (double)(bench_now() - since) / (double)n;
}

static double exchanges(long n)
{
    static atomic_long word;
    int64_t since = bench_now();
    for (long i = 0; i < n; i++)
        atomic_exchange(&word, i);
    return (double)(bench_now() - since) / (double)n;
}

bool policies_measure(policies_cost *c, long messages, int repetitions)
{
    rig *r = rig_new_real(POLICIES, CHILDREN);
    bool ok = send_all(r, "plain", messages) >= 0 && send_all(r, "full", messages) >= 0;
    for (int i = 0; i < repetitions && ok; i++) {
        double plain = send_all(r, "plain", messages), full = send_all(r, "full", messages);
        ok = plain >= 0 && full >= 0 && series_add(&c->plain, plain) &&
             series_add(&c->full, full) && series_add(&c->added, full - plain) &&
             series_add(&c->block, blocks(messages)) &&
             series_add(&c->exchange, exchanges(messages));
    }
    rig_free(r);
    return ok;
}

void policies_cost_free(policies_cost *c)
{
    series_free(&c->plain);
    series_free(&c->full);
    series_free(&c->added);
    series_free(&c->block);
    series_free(&c->exchange);
}
