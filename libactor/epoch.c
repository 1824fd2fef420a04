#include "libactor/epoch.h"

_Atomic uint64_t actor__epoch = 1;

static actor_lock lock = ACTOR_LOCK_INIT;
static actor__thread *threads LOCK_GUARDED_BY(lock);

/* For threads that could not register: one at a time they are this one. */
static actor_lock stand_in_lock = ACTOR_LOCK_INIT;
static _Atomic uint64_t stand_in;

void actor__epoch_join(actor__thread *t)
{
    actor_lock_take(&lock);
    t->prev = NULL;
    t->next = threads;
    if (threads != NULL)
        threads->prev = t;
    threads = t;
    actor_lock_give(&lock);
}

void actor__epoch_leave(actor__thread *t)
{
    actor_lock_take(&lock);
    if (t->next != NULL)
        t->next->prev = t->prev;
    if (t->prev != NULL)
        t->prev->next = t->next;
    else
        threads = t->next;
    actor_lock_give(&lock);
}

uint64_t actor__epoch_stamp(void)
{
    return atomic_fetch_add(&actor__epoch, 1) + 1;
}

static bool announced(_Atomic uint64_t *epoch, uint64_t stamp)
{
    uint64_t e = load_strong(epoch);

    return e == 0 || e >= stamp;
}

bool actor__epoch_passed(uint64_t stamp)
{
    bool passed = announced(&stand_in, stamp);

    actor_lock_take(&lock);
    for (actor__thread *t = threads; passed && t != NULL; t = t->next)
        passed = announced(&t->epoch, stamp);
    actor_lock_give(&lock);
    return passed;
}

static void go_online(_Atomic uint64_t *epoch)
{
    store_strong(epoch, load_relaxed(&actor__epoch));
    (void)load_strong(&actor__epoch);
}

void actor__online_slow(void) LOCK_UNCHECKED
{
    if (LIKELY(actor__me.registered) || actor__thread_register()) {
        go_online(&actor__me.epoch);
    } else {
        actor_lock_take(&stand_in_lock);
        actor__me.stands_in = true;
        go_online(&stand_in);
    }
}

void actor__offline_slow(void) LOCK_UNCHECKED
{
    if (LIKELY(!actor__me.stands_in)) {
        store_release(&actor__me.epoch, 0);
    } else {
        actor__me.stands_in = false;
        store_release(&stand_in, 0);
        actor_lock_give(&stand_in_lock);
    }
}
