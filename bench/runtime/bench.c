#include "bench/runtime/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const bench_program *bench_at(size_t index)
{
    const bench_program *const lists[] = {bench_messages, bench_crowds, bench_actors,
                                          bench_waits,    bench_memory, bench_shares};

    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        for (const bench_program *p = lists[i]; p->name != NULL; p++)
            if (index-- == 0)
                return p;
    return NULL;
}

const bench_program *bench_find(const char *name)
{
    const bench_program *p;

    for (size_t i = 0; (p = bench_at(i)) != NULL; i++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

void bench_fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

void bench_must(actor_err err, const char *what)
{
    if (err != ACTOR_OK) {
        fprintf(stderr, "bench: %s: %s\n", what, actor_strerror(err));
        exit(1);
    }
}

void bench_check(bool fact, const char *what)
{
    if (!fact)
        bench_fail(what);
}

void bench_gate_init(bench_gate *g, long left)
{
    bench_check(pthread_mutex_init(&g->lock, NULL) == 0 && pthread_cond_init(&g->open, NULL) == 0,
                "no gate");
    g->left = left;
}

void bench_gate_pass(bench_gate *g)
{
    pthread_mutex_lock(&g->lock);
    if (--g->left == 0)
        pthread_cond_signal(&g->open);
    pthread_mutex_unlock(&g->lock);
}

void bench_gate_wait(bench_gate *g)
{
    pthread_mutex_lock(&g->lock);
    while (g->left > 0)
        pthread_cond_wait(&g->open, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

actor_system *bench_open(unsigned workers)
{
    actor_system_options options = {.workers = workers};
    actor_system *sys;

    bench_must(actor_system_new(&options, &sys), "system");
    return sys;
}

void bench_close(actor_system *sys)
{
    actor_system_free(sys, 60000);
}

actor_ref bench_spawn(actor_system *sys, const actor_behaviour *behaviour, void *arg)
{
    actor_spec spec = {.behaviour = behaviour, .arg = arg};
    actor_ref ref;

    bench_must(actor_spawn(sys, &spec, &ref), "spawn");
    return ref;
}

static actor_msg *new_msg(uint16_t type)
{
    actor_msg *m = actor_msg_new(type, 0);

    if (m == NULL)
        bench_fail("out of memory");
    return m;
}

void bench_send(actor_ref to, uint16_t type)
{
    actor_msg *m = new_msg(type);

    bench_must(actor_send(to, &m), "send");
}

void bench_tell(actor *self, actor_ref to, uint16_t type)
{
    actor_msg *m = new_msg(type);

    bench_must(actor_tell(self, to, &m), "send");
}

double bench_seconds(void)
{
    struct timespec t;

    bench_check(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "no clock");
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double bench_rate(double count, double since)
{
    return count / (bench_seconds() - since) / 1e6;
}

long bench_status(const char *key)
{
    FILE *f = fopen("/proc/self/status", "re");
    size_t len = strlen(key);
    char line[256];
    long kb = -1;

    bench_check(f != NULL, "/proc/self/status");
    while (kb < 0 && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, key, len) == 0 && line[len] == ':')
            kb = strtol(line + len + 1, NULL, 10);
    fclose(f);
    return kb;
}
