#include "libactor/thread.h"

#include "libactor/call.h"
#include "libactor/epoch.h"
#include "libactor/pool.h"
#include "libactor/slot.h"

_Thread_local actor__thread actor__me;

static pthread_key_t key;
static bool have_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Runs again if another destructor after this one uses the runtime. */
static void thread_ends(void *arg)
{
    actor__thread *t = arg;

    actor__call_thread_ends();
    actor__slot_thread_ends();
    actor__pool_empty_magazines();
    actor__epoch_leave(t);
    t->registered = false;
}

static void make_key(void)
{
    have_key = pthread_key_create(&key, thread_ends) == 0;
}

bool actor__thread_register(void)
{
    actor__thread *t = &actor__me;

    if (t->registered)
        return true;
    pthread_once(&once, make_key);
    if (!have_key || pthread_setspecific(key, t) != 0)
        return false;
    actor__epoch_join(t);
    t->registered = true;
    return true;
}
