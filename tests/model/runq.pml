/* The run queue's biased lock: libactor/runq.c (enter, leave, claim, unclaim, wait_for_claimer,
 * ring_push, ring_pop, actor__runq_steal) and barrier.c.
 *
 * One owner adds ACTORS actors and takes some, without any read-modify-write; two thieves try to
 * steal half. All shared words live in memory with store buffers. What one does inside of the lock
 * is one step, since the lock keeps others out: if it did not, the assertion on who is in fails.
 *
 * Checked: owner and thief are never both in; each actor is taken once; none is lost.
 *
 * Runs:
 *   holds MEMBARRIER=1
 *   holds MEMBARRIER=0                  without membarrier(2): the owner's store is a strong one
 *   fails BROKEN_BARRIER MEMBARRIER=1   the thief claims without the barrier on all cores
 *   fails BROKEN_STORE MEMBARRIER=0     there is no membarrier, and the owner's store is plain
 *   fails BROKEN_CHECK MEMBARRIER=1     the owner does not look whether somebody claims
 *   fails BROKEN_CLAIM MEMBARRIER=1     the thief looks before it claims
 *   fails BROKEN_WAIT MEMBARRIER=1      after waiting, the owner says it is in after the unlock
 *   fails BROKEN_LEAVE MEMBARRIER=1     the owner says it is out before its stores
 */
#define ACTORS 3
#define RING   4
#define STEALS 2 /* attempts of a thief */

#define OWNER   0
#define THREADS 3

#define INSIDE  0
#define CLAIMED 1
#define LOCK    2
#define FIRST   3
#define COUNT   4
#define SLOTS   5
#define CELLS   (SLOTS + RING)
#define DEPTH   5

#include "tso.inc"

bool taken[ACTORS + 1];
byte taken_count;
bool owner_in, thief_in;
byte running = THREADS;

inline took(a)
{
    assert(a != 0 && !taken[a]);
    taken[a] = true;
    taken_count++
}

inline lock(t)
{
    atomic { fenced(t) && mem[LOCK] == 0 -> mem[LOCK] = 1 }
}

inline unlock(t)
{
    put(t, LOCK, 0)
}

/* ---- The owner ----------------------------------------------------------------------------- */

inline enter()
{
    put(OWNER, INSIDE, 1);
#if MEMBARRIER == 0 && !defined(BROKEN_STORE)
    fenced(OWNER);
#endif
#ifndef BROKEN_CHECK
    get(OWNER, CLAIMED, x);
    if
    :: x != 0 ->
        put(OWNER, INSIDE, 0);
        lock(OWNER);
#ifdef BROKEN_WAIT
        unlock(OWNER);
        put(OWNER, INSIDE, 1);
#else
        put(OWNER, INSIDE, 1);
        unlock(OWNER);
#endif
    :: else
    fi;
#endif
    atomic { x = 0; owner_in = true; assert(!thief_in) }
}

inline leave()
{
    atomic { owner_in = false; put(OWNER, INSIDE, 0) }
}

inline push(a)
{
    enter();
    atomic {
        get(OWNER, COUNT, count);
        get(OWNER, FIRST, first);
#ifdef BROKEN_LEAVE
        put(OWNER, INSIDE, 0);
#endif
        put(OWNER, SLOTS + (first + count) % RING, a);
        put(OWNER, COUNT, count + 1);
        count = 0;
        first = 0
    };
    leave()
}

inline pop()
{
    enter();
    atomic {
        get(OWNER, COUNT, count);
        get(OWNER, FIRST, first);
        if
        :: count != 0 ->
            get(OWNER, SLOTS + first, x);
            took(x);
#ifdef BROKEN_LEAVE
            put(OWNER, INSIDE, 0);
#endif
            put(OWNER, FIRST, (first + 1) % RING);
            put(OWNER, COUNT, count - 1)
        :: else
        fi;
        count = 0;
        first = 0;
        x = 0
    };
    leave()
}

proctype owner()
{
    byte a = 1, x, count, first;

    do
    :: a <= ACTORS -> push(a); a++
    :: a > 1 -> pop();
        if
        :: true
        :: a > ACTORS -> break
        fi
    od;
    running--
}

/* ---- Thieves ------------------------------------------------------------------------------- */

inline claim(t)
{
    lock(t);
#ifdef BROKEN_CLAIM
    get(t, INSIDE, x);
#endif
    put(t, CLAIMED, 1);
    fenced(t);
#if MEMBARRIER && !defined(BROKEN_BARRIER)
    fenced(OWNER); /* the barrier falls into the owner's instructions */
#endif
#ifndef BROKEN_CLAIM
    get(t, INSIDE, x)
#endif
}

inline unclaim(t)
{
    put(t, CLAIMED, 0);
    unlock(t)
}

inline loot(t)
{
    atomic {
        get(t, COUNT, count);
        get(t, FIRST, first);
        n = count - count / 2;
        put(t, COUNT, count - n);
        put(t, FIRST, (first + n) % RING);
        do
        :: n > 0 ->
            n--;
            get(t, SLOTS + (first + n) % RING, x);
            took(x)
        :: else -> break
        od;
        x = 0;
        count = 0;
        first = 0
    }
}

proctype thief(byte t)
{
    byte left = STEALS, x, n, count, first;

    do
    :: left > 0 ->
        left--;
        claim(t);
        if
        :: x == 0 ->
            atomic { thief_in = true; assert(!owner_in) };
            loot(t);
            thief_in = false
        :: else -> x = 0
        fi;
        unclaim(t)
    :: else -> break
    od;
    running--
}

proctype at_rest()
{
    timeout ->
    assert(running == 0);
    assert(taken_count + mem[COUNT] == ACTORS)
}

init {
    atomic {
        run owner();
        run thief(1);
        run thief(2);
        run arrivals(0);
        run arrivals(1);
        run arrivals(2);
        run at_rest()
    }
}
