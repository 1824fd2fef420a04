/* Sleeping and waking: libactor/worker.c (wake_one, inject, offer, next, take_injected, steal,
 * search_begin, search_end, lie_down, get_up, park, find_work, watch_begin, watch_look).
 *
 * WORKERS workers, and a thread that injects INJECTED actors. An actor that runs may spawn into the
 * worker's list ("ring" below), or wake into its slot, PUSHES times in all; and STUCK of them stay in
 * their handlers for ever. Then the other workers have to find all there is, also what hides in the
 * slot. A worker may wake once by itself, for a timer (TIMER). Stealing may fail while the owner is
 * about, and a worker may be reluctant after any batch.
 *
 * With three workers the states are too many. With HIDDEN the first one is in such a handler from
 * the beginning, with something in its slot; so one of the others has to watch it at any time.
 *
 * An owner's store of its queue is plain and may arrive after the load of `idle` behind it:
 * add_to_ring() does the two in either order.
 *
 * Checked: when nothing moves any more, no work is left. A watcher's looks at a system that has no
 * work left are bounded, since they would go on for ever beside a handler that does.
 *
 * Runs:
 *   holds INJECTED=1 PUSHES=1 TIMER=0
 *   holds INJECTED=2 PUSHES=0 TIMER=0
 *   fails BROKEN_RECHECK INJECTED=1 PUSHES=0    who lies down does not look for work again
 *   fails BROKEN_INJECT INJECTED=1 PUSHES=0     the sender's store arrives after its look at idle
 *   fails BROKEN_NOTIFIED INJECTED=1 PUSHES=0   the futex is cleared after that look
 *   fails BROKEN_RELUCTANT INJECTED=2 PUSHES=0 TIMER=0  who lies down as the last one may be reluctant
 *   fails BROKEN_WATCHED INJECTED=2 PUSHES=0 TIMER=0    the watcher gets up before it says so
 *   fails BROKEN_LAST INJECTED=2 PUSHES=0 TIMER=0       the last searcher does not look for more
 *   fails BROKEN_LOOKS INJECTED=1 PUSHES=1      a watcher gives up after some looks in vain
 *   holds HIDDEN WORKERS=3 STUCK=2 INJECTED=1 PUSHES=0 TIMER=0
 *   fails BROKEN_HANDOVER HIDDEN WORKERS=3 STUCK=2 INJECTED=1 PUSHES=0 TIMER=0   who watched and finds
 *                                               work leaves the others unwatched
 */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef INJECTED
#define INJECTED 2
#endif
#ifndef PUSHES
#define PUSHES 1
#endif
#ifndef TIMER
#define TIMER 1
#endif
#ifndef STUCK
#define STUCK 1 /* handlers that never return */
#endif
#define LOOKS 2 /* idle looks of a watcher, all told */

/* The word `idle`, the list of sleepers. */
byte searching, sleeping;
bool asleep[WORKERS];
bool notified[WORKERS];
bool watched;
bool watches[WORKERS];
bool reluctant[WORKERS];

byte injected;
byte ring[WORKERS];
bool slot[WORKERS];
byte pending; /* all of these, for the checks only */

bool moved[WORKERS]; /* its tick, since the last look */
byte pushes = PUSHES;
byte idle_looks = LOOKS;
byte stuck;

bool timer = TIMER;

#define NOBODY 255

#define ANY    true
#define EAGER  false

#ifdef BROKEN_HANDOVER
#define UNWATCHED false
#else
#define UNWATCHED (!watched)
#endif

#ifdef BROKEN_LOOKS
#define WATCHES       (looks < 2)
#define LOOKED_ENOUGH (looks >= 2)
#elif defined(BROKEN_RELUCTANT)
#define WATCHES       (!last)
#define LOOKED_ENOUGH false
#else
#define WATCHES       (!last)
#define LOOKED_ENOUGH last
#endif

/* ---- Waking -------------------------------------------------------------------------------- */
/* What is one step here has one access to what others write, or is under a lock, or stands beside
 * steps that commute with it: so the first look of wake_one() and its second, under the lock. */

inline wake_one(any)
{
    atomic {
        if
        :: searching == 0 ->
            i = 0;
            do
            :: i < WORKERS && !(asleep[i] && (any || !reluctant[i])) -> i++
            :: else -> break
            od;
            if
            :: i < WORKERS ->
                p = i;
                asleep[p] = false;
                sleeping--;
                searching++
            :: else
            fi
        :: else
        fi;
        i = 0
    };
    if
    :: atomic { p != NOBODY -> notified[p] = true; p = NOBODY }
    :: else
    fi
}

proctype sender()
{
    byte i, p = NOBODY, left = INJECTED;

    do
    :: left > 0 ->
#ifdef BROKEN_INJECT
        if
        :: sleeping == 0 || searching != 0 -> atomic { injected++; pending++; left-- }
        :: else -> atomic { injected++; pending++; left-- }; wake_one(ANY)
        fi
#else
        atomic { injected++; pending++; left-- };
        wake_one(ANY)
#endif
    :: else -> break
    od
}

/* ---- Running ------------------------------------------------------------------------------- */

/* Tell others of what was added to the own queue. */
inline offer()
{
    if
    :: !watched -> wake_one(ANY)
    :: watched && ring[me] != 0 -> wake_one(EAGER)
    :: else
    fi
}

/* Spawned: into the ring. The second way is that the store arrives late. */
inline add_to_ring()
{
    if
    :: atomic { pushes > 0 -> pushes--; ring[me]++; pending++ };
        offer()
    :: atomic { pushes > 0 && (sleeping == 0 || searching != 0) -> pushes-- };
        atomic { ring[me]++; pending++ }
    fi
}

/* Woken: into the slot, or behind others. */
inline add_to_slot()
{
    atomic {
        pushes > 0 ->
        pushes--;
        pending++;
        if
        :: slot[me] || ring[me] != 0 -> ring[me]++
        :: else -> slot[me] = true
        fi
    };
    offer()
}

inline handler()
{
    do
    :: break
    :: add_to_ring()
    :: add_to_slot()
    :: atomic { stuck < STUCK -> stuck++ };
end_stuck:
        false
    od
}

/* ---- Finding work -------------------------------------------------------------------------- */

/* got: something to run; from the own queue or from the injector. */
inline take()
{
    atomic {
        if
        :: slot[me] -> slot[me] = false; got = true
        :: !slot[me] && ring[me] != 0 -> ring[me]--; got = true
        :: !slot[me] && ring[me] == 0 && injected != 0 ->
            injected--;
            got = true;
            if
            :: injected != 0 -> injected--; ring[me]++ /* its share of the rest */
            :: true
            fi
        :: else
        fi;
        if
        :: got -> pending--; moved[me] = true
        :: else
        fi
    }
}

inline steal()
{
    atomic {
        i = 0;
        do
        :: i < WORKERS && !got ->
            if
            :: i != me && ring[i] != 0 -> ring[i]--; pending--; got = true
            :: i != me && ring[i] != 0 && stuck == 0 /* its owner is inside */
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    }
}

inline look_for_work(queues)
{
    sight = (injected != 0);
    atomic {
        do
        :: queues && i < WORKERS && !sight -> sight = (ring[i] != 0); i++
        :: else -> break
        od;
        i = 0
    }
}

inline search_end()
{
    atomic {
        last = (searching == 1 && sleeping != 0);
        others = (sleeping + 1 < WORKERS);
        searching--;
        search = false
    };
    if
    :: last ->
#ifndef BROKEN_LAST
        look_for_work(false);
        if
        :: sight || (others && UNWATCHED) -> wake_one(ANY)
        :: else ->
            look_for_work(true);
            if
            :: sight -> wake_one(EAGER)
            :: else
            fi
        fi;
#endif
        atomic { sight = false; last = false; others = false }
    :: else
    fi
}

/* ---- Sleeping ------------------------------------------------------------------------------ */

inline lie_down()
{
    atomic { /* notified is the worker's own until it is in the list, then sleep_lock */
#ifndef BROKEN_NOTIFIED
        notified[me] = false;
#endif
        last = (sleeping + 1 == WORKERS);
        if
        :: LOOKED_ENOUGH -> reluctant[me] = false
        :: else
        fi;
        moved[me] = true;
        asleep[me] = true;
        sleeping++;
        if
        :: search -> searching--
        :: else
        fi
    }
}

inline get_up()
{
    atomic { /* under sleep_lock */
        if
        :: asleep[me] ->
            asleep[me] = false;
            sleeping--;
            searching++
        :: else -> looks = 0
        fi;
        search = true;
        last = false;
        moved[me] = true
    }
}

inline watch_begin()
{
    atomic {
        if
        :: !watched && WATCHES -> watched = true; watches[me] = true
        :: else
        fi
    }
}

inline watch_look()
{
    atomic {
        i = 0;
        any = false;
        do
        :: i < WORKERS && !got ->
            if
            :: i != me && !asleep[i] && moved[i] -> moved[i] = false; any = true
            :: i != me && !asleep[i] && !moved[i] ->
                any = true;
                if
                :: slot[i] -> slot[i] = false; pending--; got = true
                :: !slot[i] && ring[i] != 0 -> ring[i]--; pending--; got = true
                :: else
                fi
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        if
        :: any -> looks = (looks >= 1 -> 1 : looks + 1)
        :: else -> looks++
        fi;
        any = false
    }
}

inline park()
{
    lie_down();
#ifndef BROKEN_RECHECK
    look_for_work(!reluctant[me]);
#endif
#ifdef BROKEN_NOTIFIED
    notified[me] = false;
#endif
    if
    :: !sight ->
        watch_begin();
end_asleep:
        if
        :: notified[me]
        :: atomic { watches[me] && (pending != 0 || idle_looks > 0) ->
            if
            :: pending == 0 -> idle_looks--
            :: else
            fi
        }
        :: atomic { timer -> timer = false }
        fi;
        if
        :: watches[me] && !notified[me] -> watch_look()
        :: else
        fi
    :: else -> sight = false
    fi;
#ifdef BROKEN_WATCHED
    get_up();
#endif
    if
    :: atomic { watches[me] -> watches[me] = false; watched = false }
    :: else
    fi;
#ifndef BROKEN_WATCHED
    get_up()
#endif
}

inline find_work()
{
    atomic {
        if
        :: 2 * searching >= WORKERS
        :: else -> searching++; search = true
        fi;
        if /* whether the last loot was worth it */
        :: reluctant[me] = true
        :: reluctant[me] = false
        fi
    };
    do
    :: take();
        if
        :: !got && search && !reluctant[me] -> steal()
        :: else
        fi;
        if
        :: !got -> park()
        :: else
        fi;
        if
        :: got ->
            if
            :: search -> search_end()
            :: else
            fi;
            break
        :: else
        fi
    od
}

proctype worker(byte me)
{
    byte i, p = NOBODY, looks;
    bool got, search, sight, last, others, any;

    do
    :: take();
        if
        :: !got -> find_work()
        :: else ->
            if
            :: ring[me] != 0 -> wake_one(EAGER)
            :: else
            fi
        fi;
        got = false;
        handler()
    od
}

proctype at_rest()
{
    timeout ->
    assert(pending == 0)
}

init {
    byte i;

    atomic {
#ifdef HIDDEN
        slot[0] = true;
        pending = 1;
        moved[0] = true;
        stuck = 1;
        i = 1;
#endif
        do
        :: i < WORKERS -> run worker(i); i++
        :: else -> break
        od;
        run sender();
        run at_rest()
    }
}
