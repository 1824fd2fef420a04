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
 */
#ifndef ACTOR_EPOCH_H
#define ACTOR_EPOCH_H

#include "libactor/thread.h"

extern _Atomic uint64_t actor__epoch;

void actor__epoch_join(actor__thread *t);
void actor__epoch_leave(actor__thread *t);

/* A new stamp for what was voided before. */
uint64_t actor__epoch_stamp(void);
/* Whether all that was voided before the stamp was taken can be reused. */
bool actor__epoch_passed(uint64_t stamp);

void actor__online_slow(void);
void actor__offline_slow(void);

/* Begin and end a section that may hold pointers into the table; they nest. */
static inline void actor__online(void)
{
    if (actor__me.online++ == 0)
        actor__online_slow();
}

static inline void actor__offline(void)
{
    if (--actor__me.online == 0)
        actor__offline_slow();
}

/* Between two batches: no pointer is held. */
static inline void actor__quiescent(void)
{
    uint64_t e = load_acquire(&actor__epoch);

    if (e != load_relaxed(&actor__me.epoch))
        store_release(&actor__me.epoch, e);
}

#endif
