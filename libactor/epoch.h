/* Reclamation by quiescent states, on C11 atomics only (so that ThreadSanitizer understands it).
 *
 * There is one global epoch, never 0. Each thread announces the epoch it saw when it last held no
 * pointer into the table of slots; 0 says it is offline and holds none. Workers announce between
 * batches, and are offline while they sleep; other threads go online and offline around each call.
 *
 * Who voids slots then takes a stamp: it advances the epoch, and may reuse the slots when all
 * announcements are 0 or at least the stamp. Why this is right:
 *   - A thread that announced >= stamp loaded the epoch after the stamp was taken (acquire of that
 *     read-modify-write), so it sees the slots voided; its earlier uses happen before its
 *     announcement (release), which the reclaimer loaded (acquire).
 *   - A thread that was seen offline: its later going online is a store of its announcement and
 *     then a load of the epoch, both seq_cst, as are the stamp and the reclaimer's load of the
 *     announcement. As that load came before the store, the thread's load comes after the stamp,
 *     and it sees the slots voided. Without the second load this would not hold.
 *
 * A handler may run for long, and its worker announces nothing meanwhile. But between its calls
 * into the runtime it holds no pointer either: then its depth is 1, with the mark that it is in a
 * batch. So a reclaimer that is kept waiting puts a barrier on all cores (barrier.h) and looks:
 *   - The thread's entry to a call is a plain store of its depth and then loads from the table.
 *     Was the store before the barrier, the reclaimer sees it and waits on; was it after, the
 *     loads come later still, and see the slots voided, as that was before the barrier.
 *   - Its way out is a release, which the reclaimer's look acquires.
 * What runs inside a call, such as a dead letter callback, still holds up reuse.
 */
#ifndef ACTOR_EPOCH_H
#define ACTOR_EPOCH_H

#include "libactor/thread.h"

extern _Atomic uint64_t actor__epoch;

void actor__epoch_join(actor__thread *t);
void actor__epoch_leave(actor__thread *t);

/* A new stamp for what was voided before. */
uint64_t actor__epoch_stamp(void);
/* All that was voided before this stamp was taken can be reused. `thorough`: also look for threads
 * at rest within a batch; costs some us on all cores. */
uint64_t actor__epoch_safe(bool thorough);

void actor__online_slow(void);
void actor__offline_slow(void);

/* One deeper; returns how deep it was. */
static HOT uint32_t actor__online_step(void)
{
    uint32_t depth = load_relaxed(&actor__me.online);

    store_relaxed(&actor__me.online, depth + 1);
    atomic_signal_fence(memory_order_seq_cst); /* first this, then looks at the table */
    return depth;
}

/* Begin and end a section that may hold pointers into the table; they nest. */
static inline void actor__online(void)
{
    if (actor__online_step() == 0)
        actor__online_slow();
}

static inline void actor__offline(void)
{
    uint32_t depth = load_relaxed(&actor__me.online) - 1;

    store_release(&actor__me.online, depth);
    if (depth == 0)
        actor__offline_slow();
}

/* The same on a thread that is online already: the first returns what the second wants. */
static HOT uint32_t actor__online_deeper(void)
{
    uint32_t depth = actor__online_step();

    ACTOR__CHECK(depth != 0, "a thread that is not online goes deeper");
    return depth;
}

static HOT void actor__online_back(uint32_t depth)
{
    store_release(&actor__me.online, depth);
}

#define ACTOR__IN_BATCH (1u << 16)

/* Whether this thread may hold pointers. */
static inline bool actor__may_hold(void)
{
    uint32_t depth = load_relaxed(&actor__me.online);

    return depth != 0 && depth != ACTOR__IN_BATCH + 1;
}

/* A worker begins and ends a batch, in which it holds no pointer but of the actor that it runs. */
static inline void actor__batch_begin(void)
{
    ACTOR__CHECK(load_relaxed(&actor__me.online) == 1, "a batch inside of a call");
    store_release(&actor__me.online, ACTOR__IN_BATCH + 1);
}

static inline void actor__batch_end(void)
{
    store_relaxed(&actor__me.online, 1);
    atomic_signal_fence(memory_order_seq_cst);
}

/* Between two batches: no pointer is held. */
static inline void actor__quiescent(void)
{
    uint64_t e = load_acquire(&actor__epoch);

    if (e != load_relaxed(&actor__me.epoch))
        store_release(&actor__me.epoch, e);
}

#endif
