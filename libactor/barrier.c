#include "libactor/barrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libactor/base.h"

bool actor__barrier_cheap;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void ask_for_it(void)
{
    actor__barrier_cheap =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void actor__barrier_init(void)
{
    pthread_once(&once, ask_for_it);
}

void actor__barrier_heavy(void)
{
    if (actor__barrier_cheap &&
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
        actor__panic("membarrier");
}
