#include "tests/support/latch.h"

#include <time.h>

#define LATCH_DEADLINE 30000 /* ms */

void latch_add(latch *l, uint64_t n)
{
    pthread_mutex_lock(&l->lock);
    l->count += n;
    pthread_cond_broadcast(&l->raised);
    pthread_mutex_unlock(&l->lock);
}

uint64_t latch_count(latch *l)
{
    pthread_mutex_lock(&l->lock);
    uint64_t n = l->count;
    pthread_mutex_unlock(&l->lock);
    return n;
}

bool latch_wait_ms(latch *l, uint64_t n, unsigned ms)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&l->lock);
    int err = 0;
    while (l->count < n && err == 0)
        err = pthread_cond_timedwait(&l->raised, &l->lock, &end);
    bool done = l->count >= n;
    pthread_mutex_unlock(&l->lock);
    return done;
}

bool latch_wait(latch *l, uint64_t n)
{
    return latch_wait_ms(l, n, LATCH_DEADLINE);
}
