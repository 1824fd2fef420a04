/* Benchmarks of libactor, written on its public API as a user would write them.
 *
 * Each program measures one thing and checks its own result. bench/peers/ has the first ten for
 * other runtimes, in the same sizes.
 */
#ifndef BENCH_RUNTIME_BENCH_H
#define BENCH_RUNTIME_BENCH_H

#include "libactor/actor.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct bench_program {
    const char *name;
    const char *unit;
    long size;  /* what is measured */
    long small; /* enough to see that it works, also under a sanitizer */
    /* Returns the value, in `unit`. */
    double (*run)(unsigned workers, long size);
} bench_program;

extern const bench_program bench_messages[]; /* each list ends with a row without a name */
extern const bench_program bench_crowds[];
extern const bench_program bench_actors[];
extern const bench_program bench_waits[];
extern const bench_program bench_memory[];
extern const bench_program bench_shares[];

/* By name, from all lists. NULL: there is none. */
const bench_program *bench_find(const char *name);
/* The lists one after the other. NULL: `index` is past the last. */
const bench_program *bench_at(size_t index);

/* Nothing here can go on after an error: says what failed on stderr and ends the process. */
_Noreturn void bench_fail(const char *what);
void bench_must(actor_err err, const char *what);
void bench_check(bool fact, const char *what);

/* A wait of the main thread for the actors: `left` goes down to 0. */
typedef struct bench_gate {
    pthread_mutex_t lock;
    pthread_cond_t open;
    long left; /* guarded by lock */
} bench_gate;

void bench_gate_init(bench_gate *g, long left);
void bench_gate_pass(bench_gate *g); /* one less; any thread */
void bench_gate_wait(bench_gate *g);

actor_system *bench_open(unsigned workers);
void bench_close(actor_system *sys);

/* An actor without a supervisor. */
actor_ref bench_spawn(actor_system *sys, const actor_behaviour *behaviour, void *arg);
/* A message without a payload, from outside and from an actor. */
void bench_send(actor_ref to, uint16_t type);
void bench_tell(actor *self, actor_ref to, uint16_t type);

double bench_seconds(void);
/* Millions a second. */
double bench_rate(double count, double since);

/* Of this process, in kB: a line of /proc/self/status, "VmRSS" or "VmHWM". */
long bench_status(const char *key);

#endif
