/* A count that other threads raise and a test waits for, with a deadline instead of a sleep. */
#ifndef TESTS_LATCH_H
#define TESTS_LATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct latch {
    pthread_mutex_t lock;
    pthread_cond_t raised;
    uint64_t count; /* guarded by lock */
} latch;

#define LATCH_INIT                                                                                 \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                                     \
    }

void latch_add(latch *l, uint64_t n);
uint64_t latch_count(latch *l);

/* Wait until the count is at least `n`. False: it was not within half a minute. */
bool latch_wait(latch *l, uint64_t n);

/* Wait until the count is at least `n`, at most `ms`. */
bool latch_wait_ms(latch *l, uint64_t n, unsigned ms);

#endif
