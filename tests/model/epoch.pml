/* Reclamation: libactor/epoch.h and epoch.c, slot.h (actor__resolve, actor__slot_void), slot.c
 * (stamp_limbo, passed_batch, actor__slot_reclaim), dead.c (actor__dead_bury).
 *
 * One slot. The reclaimer, a worker, ends its actor: drains the mailbox, voids the slot, takes a
 * stamp, waits for the grace period, drains a second time and reuses the slot. Meanwhile a worker
 * that announces between its batches and sleeps at times, and a foreign thread that joins, goes
 * online and offline around each send, and leaves, try to send to the actor. Somebody else advances
 * the epoch too. Both senders have store buffers; the reclaimer's stores that matter are all strong,
 * and as it holds no pointer, its own announcement is left out.
 *
 * Checked: nobody pushes into a slot that is buried or reused; at the burial there are no gaps; each
 * message that was accepted is found by one of the two drains.
 *
 * Runs:
 *   holds BATCHES=2 SENDS=1
 *   holds BATCHES=1 SENDS=2
 *   fails BROKEN_GRACE BATCHES=1 SENDS=1     the slot is reused at once
 *   fails BROKEN_STAMP BATCHES=1 SENDS=1     the stamp is taken before the slot is void
 *   fails BROKEN_ONLINE BATCHES=0 SENDS=1    going online is a plain store
 *   fails BROKEN_JOIN BATCHES=0 SENDS=1      the foreign thread joins the list after it sent
 *   fails BROKEN_HOLD BATCHES=1 SENDS=0      the worker announces while it holds a pointer
 *   fails BROKEN_OFFLINE BATCHES=0 SENDS=1   the foreign thread is offline before its link
 *   fails BROKEN_DRAIN BATCHES=1 SENDS=0     the second drain is left out
 */
#define WORKER  0
#define FOREIGN 1
#define THREADS 2

#define EPOCH      0
#define GENERATION 1
#define ANNOUNCED  2 /* two */
#define LINKED     4 /* two: messages of each that can be reached */
#define CELLS      6
#define DEPTH      4

#include "tso.inc"

byte pushed[THREADS]; /* exchanges of head */
byte found;           /* messages, by the drains */
byte accepted;
bool buried;
bool registered[THREADS];
bool list_lock;
byte running = THREADS + 1;

inline announce(t, e)
{
    put(t, ANNOUNCED + t, e)
}

inline online(t)
{
    get(t, EPOCH, e);
    announce(t, e);
#ifndef BROKEN_ONLINE
    fenced(t);
#endif
    get(t, EPOCH, e);
    e = 0
}

inline offline(t)
{
    announce(t, 0)
}

inline quiescent(t)
{
    atomic {
        get(t, EPOCH, e);
        get(t, ANNOUNCED + t, x)
    };
    if
    :: e != x -> announce(t, e)
    :: else
    fi;
    atomic { e = 0; x = 0 }
}

/* Resolve the reference, exchange, link. */
inline send(t)
{
    get(t, GENERATION, x);
    if
    :: x == 1 ->
        x = 0;
#ifdef BROKEN_HOLD
        if
        :: t == WORKER -> quiescent(t)
        :: else
        fi;
#endif
        atomic {
            fenced(t) ->
            assert(!buried);
            pushed[t]++;
            accepted++
        };
#ifdef BROKEN_OFFLINE
        if
        :: t == FOREIGN -> offline(t)
        :: else
        fi;
#endif
        put(t, LINKED + t, pushed[t])
    :: else -> x = 0
    fi
}

proctype worker()
{
    byte e, x, left = BATCHES;

    do
    :: left > 0 ->
        left--;
        send(WORKER);
        quiescent(WORKER);
        if
        :: true
        :: offline(WORKER); online(WORKER)
        fi
    :: else -> break
    od;
    offline(WORKER);
    running--
}

inline join(t)
{
    atomic { !list_lock -> registered[t] = true }
}

proctype foreign()
{
    byte e, x, left = SENDS;

#ifndef BROKEN_JOIN
    join(FOREIGN);
#endif
    do
    :: left > 0 ->
        left--;
        online(FOREIGN);
        send(FOREIGN);
#ifdef BROKEN_JOIN
        join(FOREIGN);
#endif
        offline(FOREIGN)
    :: else -> break
    od;
    atomic { fenced(FOREIGN) && !list_lock -> registered[FOREIGN] = false };
    running--
}

/* What can be reached. */
inline drain()
{
    d_step {
        found = mem[LINKED + WORKER] + mem[LINKED + FOREIGN]
    }
}

inline stamp()
{
    atomic { mem[EPOCH]++; stamped = mem[EPOCH] }
}

inline void()
{
    mem[GENERATION] = 2
}

inline passed()
{
    atomic { !list_lock -> list_lock = true };
    ok = true;
    t = 0;
    do
    :: t < THREADS ->
        atomic {
            if
            :: registered[t] && mem[ANNOUNCED + t] != 0 && mem[ANNOUNCED + t] < stamped ->
                ok = false
            :: else
            fi;
            t++
        }
    :: else -> break
    od;
    atomic { list_lock = false; t = 0 }
}

proctype reclaimer()
{
    byte t, stamped;
    bool ok;

    drain();
#ifdef BROKEN_STAMP
    stamp();
    void();
#else
    void();
    stamp();
#endif
#ifndef BROKEN_GRACE
    do
    :: passed();
        if
        :: ok -> break
        :: else
        fi
    od;
#endif
    atomic {
        buried = true;
        assert(pushed[WORKER] == mem[LINKED + WORKER]);
        assert(pushed[FOREIGN] == mem[LINKED + FOREIGN]);
#ifndef BROKEN_DRAIN
        drain()
#endif
    };
    atomic { mem[GENERATION] = 3; running-- }
}

proctype other_reclaimer()
{
    mem[EPOCH]++
}

proctype at_rest()
{
    timeout ->
    assert(running == 0);
    assert(found == accepted)
}

init {
    atomic {
        mem[EPOCH] = 1;
        mem[GENERATION] = 1;
        mem[ANNOUNCED + WORKER] = 1;
        registered[WORKER] = true;
        run worker();
        run foreign();
        run reclaimer();
        run other_reclaimer();
        run arrivals(0);
        run arrivals(1);
        run at_rest()
    }
}
