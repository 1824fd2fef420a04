#include "libactor/futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "libactor/base.h"
#include "libactor/clock.h"

void actor__futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline_ns)
{
    const int64_t second = 1000 * (int64_t)ACTOR__NS_PER_MS;
    struct timespec at = {.tv_sec = deadline_ns / second, .tv_nsec = deadline_ns % second};
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
                      deadline_ns == ACTOR__FOREVER ? NULL : &at, NULL, FUTEX_BITSET_MATCH_ANY);

    if (rc != 0 && errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
        actor__panic("futex wait");
}

void actor__futex_wake(_Atomic uint32_t *word, int count)
{
    if (syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0) < 0)
        actor__panic("futex wake");
}
