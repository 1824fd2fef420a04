#include "libactor/epoch.h"

#include "libactor/barrier.h"

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

/* The last stamp that this announcement lets pass, `now` at the most. */
static uint64_t passed(_Atomic uint64_t *epoch, uint64_t now)
{
    uint64_t e = load_strong(epoch);

    return e == 0 || e > now ? now : e;
}

static bool at_rest(actor__thread *t)
{
    return load_acquire(&t->online) == ACTOR__IN_BATCH + 1;
}

uint64_t actor__epoch_safe(bool thorough)
{
    uint64_t now = load_strong(&actor__epoch);
    uint64_t safe = passed(&stand_in, now);

    thorough = thorough && actor__barrier_cheap;
    if (thorough)
        actor__barrier_heavy();
    actor_lock_take(&lock);
    for (actor__thread *t = threads; t != NULL; t = t->next) {
        uint64_t e = passed(&t->epoch, now);

        if (e < safe && !(thorough && at_rest(t)))
            safe = e;
    }
    actor_lock_give(&lock);
    return safe;
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
