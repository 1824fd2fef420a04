/* Reclamation: libactor/epoch.h and epoch.c, slot.h (actor__resolve, actor__slot_void), slot.c
 * (stamp_limbo, passed_batch, reuse, actor__slot_reclaim), dead.c (actor__dead_bury).
 *
 * SLOTS slots, each with a reclaimer: a worker that ends the slot's actor, which is to drain the
 * mailbox and to void the slot. It stamps the slot as a batch behind those of others, looks what
 * stamp is safe, and buries the batches that this lets pass, whosever they are: drains them a second
 * time and reuses their slots. With BATCH one reclaimer ends all slots and stamps them as one batch.
 * Where there is only one, somebody else advances the epoch.
 *
 * Meanwhile two threads try to send. A worker has RUNS turns; in each it sends in a batch, where its
 * depth says when it is at rest, or after it, and then announces, and sleeps at times. A foreign
 * thread joins, goes online and offline around each of its SENDS, and leaves. Both have store
 * buffers; the reclaimers' stores that matter are all strong, and as they hold no pointer, their own
 * announcements are left out. A look that is thorough begins with a barrier on all cores, which is
 * for each a moment in which its buffer is empty.
 *
 * Checked: nobody pushes into a slot that is buried or reused; at the burial there are no gaps; each
 * message that was accepted is found by one of the two drains.
 *
 * Runs:
 *   holds SLOTS=1 RUNS=2 SENDS=0
 *   holds SLOTS=1 RUNS=1 SENDS=1
 *   holds SLOTS=1 RUNS=0 SENDS=2
 *   holds SLOTS=2 RUNS=1 SENDS=0
 *   holds SLOTS=2 RUNS=0 SENDS=1
 *   holds SLOTS=2 BATCH RUNS=1 SENDS=0
 *   fails BROKEN_GRACE SLOTS=1 RUNS=1 SENDS=1     the slot is reused at once
 *   fails BROKEN_STAMP SLOTS=1 RUNS=1 SENDS=1     the stamp is taken before the slot is void
 *   fails BROKEN_ONLINE SLOTS=1 RUNS=0 SENDS=1    going online is a plain store
 *   fails BROKEN_JOIN SLOTS=1 RUNS=0 SENDS=1      the foreign thread joins the list after it sent
 *   fails BROKEN_HOLD SLOTS=1 RUNS=1 SENDS=0      the worker announces while it holds a pointer
 *   fails BROKEN_OFFLINE SLOTS=1 RUNS=0 SENDS=1   the foreign thread is offline before its link
 *   fails BROKEN_DRAIN SLOTS=1 RUNS=1 SENDS=0     the second drain is left out
 *   fails BROKEN_DEPTH SLOTS=1 RUNS=1 SENDS=0     a call in a batch does not raise the depth
 *   fails BROKEN_REST SLOTS=1 RUNS=1 SENDS=0      the worker is at rest again before its link
 *   fails BROKEN_BARRIER SLOTS=1 RUNS=1 SENDS=0   a thorough look has no barrier
 *   fails BROKEN_LATE SLOTS=1 RUNS=1 SENDS=0      or one after it looked
 *   fails BROKEN_BATCH SLOTS=2 BATCH RUNS=0 SENDS=1   the batch's stamp is of its first slot
 *   fails BROKEN_NOW SLOTS=2 RUNS=0 SENDS=1       what is safe is not bounded by the epoch before
 */
#ifndef SLOTS
#define SLOTS 1
#endif
#ifdef BATCH
#define RECLAIMERS 1
#else
#define RECLAIMERS SLOTS
#endif

#define WORKER  0
#define FOREIGN 1
#define THREADS 2

#define EPOCH        0
#define DEPTH_OF     1 /* the worker's, IN_CALL or AT_REST */
#define ANNOUNCED    2 /* two */
#define GENERATION   4 /* one a slot */
#define LINKED(t, s) (4 + SLOTS + (t)*SLOTS + (s)) /* messages of each that can be reached */
#define CELLS        (4 + 3 * SLOTS)
#define DEPTH        4

#define AT_REST 1 /* in a batch, and in no call */
#define IN_CALL 2

#include "tso.inc"

#define PUSHED(t, s) pushed[(t)*SLOTS + (s)]
byte pushed[THREADS * SLOTS]; /* exchanges of head */
byte found[SLOTS];            /* messages, by the drains */
byte accepted[SLOTS];
bool buried[SLOTS];
byte queue[SLOTS + 1]; /* of batches, oldest first: their slots + 1 */
byte stamp_of[SLOTS];
byte queued;
byte waiting = SLOTS;
bool registered[THREADS];
bool list_lock;
byte running = THREADS + RECLAIMERS;

#define ANY_SLOT                                                                                   \
    if                                                                                             \
    :: s = 0                                                                                       \
    :: SLOTS > 1 -> s = SLOTS - 1                                                                  \
    fi

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
    ANY_SLOT;
    get(t, GENERATION + s, x);
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
            assert(!buried[s]);
            PUSHED(t, s)++;
            accepted[s]++
        };
#ifdef BROKEN_OFFLINE
        if
        :: t == FOREIGN -> offline(t)
        :: else
        fi;
#endif
#ifdef BROKEN_REST
        if
        :: t == WORKER -> put(t, DEPTH_OF, AT_REST)
        :: else
        fi;
#endif
        put(t, LINKED(t, s), PUSHED(t, s))
    :: else -> x = 0
    fi;
    s = 0
}

inline batch()
{
    put(WORKER, DEPTH_OF, AT_REST);
#ifndef BROKEN_DEPTH
    put(WORKER, DEPTH_OF, IN_CALL);
#endif
    send(WORKER);
    put(WORKER, DEPTH_OF, AT_REST);
    put(WORKER, DEPTH_OF, IN_CALL) /* the end */
}

proctype worker()
{
    byte e, x, s, left = RUNS;

    do
    :: left > 0 ->
        left--;
        if
        :: batch()
#ifndef BROKEN_REST
        :: send(WORKER)
#endif
        fi;
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
    byte e, x, s, left = SENDS;

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
inline drain(s)
{
    found[s] = mem[LINKED(WORKER, s)] + mem[LINKED(FOREIGN, s)]
}

inline take_stamp()
{
    atomic { mem[EPOCH]++; stamp = mem[EPOCH] }
}

/* Behind the other batches. */
inline enqueue(first)
{
    d_step {
        queue[queued] = first + 1;
        stamp_of[first] = stamp;
        queued++
    }
}

inline end_actor(s)
{
    d_step { drain(s) };
    mem[GENERATION + s] = 2
}

/* The last stamp that all let pass. */
inline find_safe()
{
    atomic {
#ifdef BROKEN_NOW
        safe = 255;
#else
        safe = mem[EPOCH];
#endif
        if
        :: thorough = false
        :: thorough = true
        fi
    };
#if !defined(BROKEN_BARRIER) && !defined(BROKEN_LATE)
    if
    :: thorough -> fenced(WORKER); fenced(FOREIGN)
    :: else
    fi;
#endif
    atomic { !list_lock -> list_lock = true; t = 0 };
    do
    :: t < THREADS ->
        atomic {
            e = (registered[t] -> mem[ANNOUNCED + t] : 0);
            if
            :: e != 0 && e < safe && thorough && t == WORKER
            :: else ->
                if
                :: e != 0 && e < safe -> safe = e
                :: else
                fi;
                e = 0;
                t++
            fi
        };
        if
        :: e != 0 -> /* perhaps it is at rest */
            atomic {
                if
                :: mem[DEPTH_OF] != AT_REST -> safe = e
                :: else
                fi;
                e = 0;
                t++
            }
        :: else
        fi
    :: else -> break
    od;
#ifdef BROKEN_LATE
    if
    :: thorough -> fenced(WORKER); fenced(FOREIGN)
    :: else
    fi;
#endif
    atomic { list_lock = false; t = 0; thorough = false }
}

inline bury(s)
{
    buried[s] = true;
    assert(PUSHED(WORKER, s) == mem[LINKED(WORKER, s)]);
    assert(PUSHED(FOREIGN, s) == mem[LINKED(FOREIGN, s)]);
#ifndef BROKEN_DRAIN
    drain(s);
#endif
    mem[GENERATION + s] = 3;
    waiting--
}

/* The oldest batch, if its time has come. */
inline bury_passed()
{
    d_step {
        if
        :: queued != 0 && stamp_of[queue[0] - 1] <= safe ->
            s = queue[0] - 1;
            queued--;
            queue[0] = queue[1];
            queue[1] = 0;
            bury(s);
#ifdef BATCH
            s = SLOTS - 1;
            bury(s);
#endif
            s = 0
        :: else
        fi
    }
}

proctype reclaimer(byte mine)
{
    byte t, e, s, stamp, safe;
    bool thorough;

#ifdef BROKEN_STAMP
    take_stamp();
#endif
    end_actor(mine);
#ifdef BROKEN_BATCH
    take_stamp();
#endif
#ifdef BATCH
    end_actor(SLOTS - 1);
#endif
    atomic {
#if !defined(BROKEN_STAMP) && !defined(BROKEN_BATCH)
        take_stamp();
#endif
        enqueue(mine);
        stamp = 0
    };
    do
    :: waiting != 0 ->
#ifdef BROKEN_GRACE
        safe = 255;
#else
        find_safe();
#endif
        bury_passed();
        safe = 0
    :: waiting == 0 -> break
    od;
    running--
}

#if RECLAIMERS == 1
proctype other_reclaimer()
{
    mem[EPOCH]++
}
#endif

proctype at_rest()
{
    byte s;

    timeout ->
    assert(running == 0);
    do
    :: s < SLOTS -> assert(found[s] == accepted[s]); s++
    :: else -> break
    od
}

init {
    atomic {
        mem[EPOCH] = 1;
        mem[DEPTH_OF] = IN_CALL;
        mem[GENERATION] = 1;
        mem[GENERATION + SLOTS - 1] = 1;
        mem[ANNOUNCED + WORKER] = 1;
        registered[WORKER] = true;
        run worker();
        run foreign();
        run reclaimer(0);
#if RECLAIMERS == 1
        run other_reclaimer();
#else
        run reclaimer(1);
#endif
        run arrivals(0);
        run arrivals(1);
        run at_rest()
    }
}
