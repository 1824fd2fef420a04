/* The actor's slot and the table of all slots.
 *
 * The table is global to the process and type-stable: a slot is never unmapped, so that a late
 * sender may touch it. Its generation is odd while an actor lives in it; a reference is index and
 * generation. Ending an actor advances the generation, which voids all references at once; the
 * slot is reused after a grace period (epoch.h), when nobody who passed the check before can still
 * be at work, and after a second look into its mailbox: late messages become dead letters.
 *
 * Fields are grouped by who writes them, a cache line each:
 *   producers  any thread that sends or signals; what it only reads stands beside
 *   consumer   whoever runs the actor: between schedule() and the next mark as empty exactly one
 *   rare       the consumer's too, but seldom needed: a batch touches two lines and the state
 */
#ifndef ACTOR_SLOT_H
#define ACTOR_SLOT_H

#include "libactor/epoch.h"
#include "libactor/msg.h"

#define ACTOR__LANES 5 /* one for each actor_priority */

typedef actor_verdict (*actor__handler)(actor *self, void *state, actor_msg *msg);

struct actor__ext;

struct actor {
    /* Producers. `head` is the newest node; its low bit says "empty and not scheduled", and who
     * clears it schedules the actor. Pairs: a producer's exchange (release) with the consumer's
     * acquire of `next`; the consumer's mark (release) with the exchange that finds it (acquire),
     * so that the next worker sees all of the consumer's line. */
    alignas(ACTOR__LINE) _Atomic uintptr_t head;
    union {
        struct {
            uint32_t index;
            _Atomic uint32_t generation; /* odd: alive */
        };
        uint64_t bits; /* both, as in a reference; for probes only */
    };
    uint32_t serial;        /* how many came before it, see system.h */
    _Atomic uint32_t count; /* waiting user messages of a bounded mailbox; a port's futex */
    uint32_t capacity;      /* 0: unbounded */
    uint8_t on_full;        /* actor_on_full */
    bool locked;            /* bounded with ACTOR_DROP_OLDEST: user messages are in ext->locked */
    bool port : 1;          /* no actor but the mailbox of a thread in actor_call() */
    bool high : 1;          /* of high priority */
    bool local : 1;         /* who wakes it may queue it: no port, not high, not simulated */
    _Atomic bool named;     /* names.c has an entry for it, perhaps */
    actor_system *sys;      /* NULL: a port's */
    actor *next;            /* in a list of ready, free or ended slots */
    struct actor__ext *ext; /* NULL until needed; set at spawn if bounded */
    actor__node pill;       /* actor_drain(): what came before it is handled, then it ends */

    /* Consumer: all that a batch in order needs. */
    alignas(ACTOR__LINE) actor__node *tail; /* handled already; what follows it waits */
    actor__node stub;
    actor__handler handle;
    void *state; /* a plain block of the pool's, or NULL */
    void *arg;
    _Atomic uint64_t handled; /* user messages */
    /* lifecycle.h: what the consumer must look at first. Written by any thread, but seldom, and
     * read before each message: so not on the producers' line. */
    _Atomic uint32_t signals;
    _Atomic uint32_t incarnation;
    _Atomic uint8_t phase; /* actor_phase; read by actor_inspect() */
    _Atomic bool paused;   /* as phase */
    bool intake;           /* the actor's own: user messages are handled */
    bool slow;             /* not simply the mailbox in order; see run.c */
    bool ending;           /* actor_stop() or actor_kill() came */
    bool draining;         /* the pill was reached: ends when the lanes are empty */
    uint8_t exit;          /* actor_exit of the current or last incarnation */
    uint8_t flags;         /* ACTOR__F_... */

    /* Rare: the consumer's, on the slow way and at the turn of an incarnation. */
    alignas(ACTOR__LINE) actor_msg *lanes[ACTOR__LANES]; /* lanes.h: taken from the mailbox */
    const actor_behaviour *behaviour;
    actor_ref supervisor;
    actor_msg *watched; /* records of its watchers, see watch.c */
};
static_assert(offsetof(actor, lanes) == 128, "a batch in order touches two lines");
static_assert(sizeof(actor) == 192, "with 64 bytes of state an idle actor takes 256");

enum {
    ACTOR__F_STOPPED = 1,      /* actor_stopped() was called */
    ACTOR__F_START_WANTED = 2, /* actor_start() came while stopping */
    ACTOR__F_START_FAILED = 4, /* it stops because it failed while starting */
    ACTOR__F_KILLED = 8,       /* stop was called with ACTOR_HOW_KILL */
    ACTOR__F_HALT_WANTED = 16, /* a halt while down waits for a block for its notice */
    ACTOR__F_LINGERS = 32,     /* was left in the queue though empty, see run.c */
};

static inline actor_ref actor__ref(uint32_t index, uint32_t generation)
{
    return (actor_ref){(uint64_t)generation << 32 | index};
}

/* Of an actor that lives, seen from its own execution. */
static inline actor_ref actor__ref_of(const actor *a)
{
    return actor__ref(a->index, load_relaxed(&a->generation));
}

static inline uint32_t actor__ref_generation(actor_ref ref)
{
    return (uint32_t)(ref.bits >> 32);
}

#define ACTOR__CHUNK_BITS 15
#define ACTOR__CHUNK      (1u << ACTOR__CHUNK_BITS) /* slots */
#define ACTOR__CHUNKS     2048u

extern actor *_Atomic actor__chunks[ACTOR__CHUNKS];

/* The slot's address if the reference's actor lives. The thread is online (epoch.h), and the
 * pointer is good until it is not. */
static inline actor *actor__resolve(actor_ref ref)
{
    uint32_t index = (uint32_t)ref.bits;
    uint32_t generation = actor__ref_generation(ref);

    ACTOR__CHECK(actor__may_hold(), "a slot is looked up by a thread that is not online");
    if (UNLIKELY((generation & 1u) == 0 || index >= ACTOR__CHUNK * ACTOR__CHUNKS))
        return NULL;

    actor *chunk = load_acquire(&actor__chunks[index >> ACTOR__CHUNK_BITS]);

    if (UNLIKELY(chunk == NULL))
        return NULL;

    actor *a = &chunk[index & (ACTOR__CHUNK - 1)];

    return LIKELY(load_strong(&a->generation) == generation) ? a : NULL;
}

/* A free slot, its mailbox empty and not marked, everything else zero.
 * NULL when out of memory or the table is full. */
actor *actor__slot_get(void);

/* Give one back that was never published. */
void actor__slot_put(actor *a);

/* Let the slot's actor live: from now on it can be found. */
actor_ref actor__slot_publish(actor *a);

/* End the slot's actor: nobody finds it any more. */
static inline void actor__slot_void(actor *a)
{
    store_strong(&a->generation, load_relaxed(&a->generation) + 1);
}

/* Hand a void slot over for reuse after a grace period. The thread is online. */
void actor__slot_retire(actor *a);

/* Stamp what this thread retired, and reuse all whose time has come. Late messages become dead
 * letters meanwhile. Not from within a callback. `idle`: there is time to look closer, see
 * actor__epoch_safe(). Returns whether something still waits. */
bool actor__slot_reclaim(bool idle);

/* Slots that wait for their grace period, of all systems; other threads' newest ones not yet. */
uint32_t actor__slot_waiting(void);

/* Call `visit` for each live slot of `sys`, in the order of their spawning. */
void actor__slot_each(actor_system *sys, void (*visit)(actor *a));

/* Give the free slots that the thread has at hand to the table: it has nothing to do. */
void actor__slot_give_free(void);
void actor__slot_thread_ends(void);

#endif
