/* The mailbox: libactor/mailbox.h, mailbox.c (detach, drain), run.c (fast_steps, slow_step, leave),
 * lifecycle.c (actor__signal), send.h (actor__post).
 *
 * Producers push messages, a signaller sets a bit and wakes; two workers run the actor whenever it
 * is in the run queue. A push is an exchange and a link; the link waits in a store buffer, so the
 * gap may last. A handler may take the last message out of the mailbox (detach). A batch ends after
 * one to BATCH messages, as `left` is drawn.
 *
 * Checked: each message handled once, in its producer's order; the actor never twice in the queue
 * or in hands; nobody links to a freed message; and when nothing moves any more, all is handled,
 * the signal was seen, and the mark is there.
 *
 * Runs:
 *   holds EACH=1                        with the signaller
 *   holds SIGNALS=0                     without, but two messages each
 *   holds PRODUCERS=3 EACH=1 SIGNALS=0
 *   fails BROKEN_MARK EACH=1            the consumer looks at head, then stores the mark
 *   fails BROKEN_GAP SIGNALS=0          a gap is taken for emptiness
 *   fails BROKEN_FREE SIGNALS=0         a message is freed when handled, though still the tail
 *   fails BROKEN_SCHEDULE EACH=1        a producer schedules whether or not it found the mark
 *   fails BROKEN_WAKE EACH=1            a wake-up clears the mark with a load and a store
 *   fails BROKEN_RECHECK EACH=1         the consumer does not look at the signals after the mark
 *   fails BROKEN_SIGNAL EACH=1          the signal is a plain store, in a buffer for a while
 *   fails BROKEN_DETACH SIGNALS=0       detach does not wait for the link
 *   fails BROKEN_DRAIN EACH=1           drain takes the last it can reach for the last there is
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef EACH
#define EACH 2 /* messages of one producer */
#endif
#ifndef BATCH
#define BATCH 2
#endif
#ifndef SIGNALS
#define SIGNALS 1 /* a signaller */
#endif
#define WORKERS  2
#define MESSAGES (PRODUCERS * EACH)

/* Nodes: 1 is the stub, 2.. are the messages, 0 is NULL. */
#define STUB     1
#define NODE(p, k) (2 + (p) * EACH + (k))
#define MARK     64 /* the low bit of head */
#define NODES    (2 + MESSAGES)

byte head = STUB + MARK;
byte next[NODES];
bool freed[NODES];
byte tail = STUB;
bool signal;      /* the one bit of `signals` */
bool slow;        /* the consumer's */

byte queued;      /* times the actor is in the run queue */
byte running;     /* workers that have it in hand */

byte handled;     /* messages */
byte seen[PRODUCERS];
bool signal_seen;

byte link_from[PRODUCERS], link_to[PRODUCERS]; /* the store buffer of each producer */
bool signal_waits;                             /* and the signaller's */

inline schedule()
{
    atomic {
        queued++;
        assert(queued + running <= 1)
    }
}

/* ---- Producers ----------------------------------------------------------------------------- */

proctype producer(byte p)
{
    byte k, before, n;

    do
    :: k < EACH ->
        n = NODE(p, k);
        /* The exchange; on x86 it waits until the buffer is empty, elsewhere it is a release. */
        atomic {
            link_to[p] == 0;
            before = head;
            head = n
        }
        atomic {
            link_from[p] = before % MARK;
            link_to[p] = n
        }
        if
#ifdef BROKEN_SCHEDULE
        :: true -> schedule()
#else
        :: before >= MARK -> schedule()
        :: else
#endif
        fi;
        k++
    :: else -> break
    od
}

/* The buffered link arrives. */
proctype link(byte p)
{
end:
    do
    :: atomic {
        link_to[p] != 0;
        assert(!freed[link_from[p]]);
        next[link_from[p]] = link_to[p];
        link_to[p] = 0
    }
    od
}

inline wake(h, won)
{
    won = false;
    h = head;
    if
    :: h >= MARK ->
#ifdef BROKEN_WAKE
        head = h - MARK;
        won = true
#else
        atomic {
            if
            :: head == h -> head = h - MARK; won = true
            :: else
            fi
        }
#endif
    :: else
    fi
}

#if SIGNALS
proctype signaller()
{
    byte h;
    bool won;

#ifdef BROKEN_SIGNAL
    signal_waits = true;
#else
    signal = true;
#endif
    wake(h, won);
    if
    :: won -> schedule()
    :: else
    fi
}

#ifdef BROKEN_SIGNAL
proctype late_signal()
{
    atomic { signal_waits; signal = true; signal_waits = false }
}
#endif
#endif

/* ---- The consumer -------------------------------------------------------------------------- */
/* Each atomic block has one access to what others write, and what follows of the consumer's own. */

/* close(), to be used inside of atomic. */
inline close(last, mark, ok)
{
    ok = (head == last);
    if
    :: ok ->
        next[STUB] = 0;
        tail = STUB;
        head = STUB + mark
    :: else
    fi
}

inline release(n)
{
    assert(!freed[n]);
    freed[n] = true
}

inline handle(n)
{
    assert(!freed[n]);
    assert(seen[(n - 2) / EACH] == (n - 2) % EACH);
    seen[(n - 2) / EACH]++;
    handled++
}

/* The message in hand leaves the mailbox. */
inline detach(n)
{
    atomic { x = next[n]; ok = false };
    if
    :: atomic { x == 0 -> close(n, 0, ok) }
    :: else
    fi;
    if
    :: ok
    :: else ->
#ifdef BROKEN_DETACH
        atomic { x = next[n]; next[STUB] = x; tail = STUB }
#else
        atomic { next[n] != 0; next[STUB] = next[n]; tail = STUB }
#endif
    fi;
    atomic { release(n); x = 0; n = 0; ok = false }
}

#define ON   1
#define DONE 2
#define GAP  3

/* Into the lanes, which are the consumer's: here a message counts as handled. */
inline drain()
{
    atomic { t = tail; n = next[t]; s = ON };
    if
    :: atomic { t != STUB && n == 0 ->
        close(t, 0, ok);
        if
        :: ok -> release(t)
        :: else -> s = GAP
        fi
    }
    :: atomic { t != STUB && n != 0 -> next[STUB] = n; tail = STUB; release(t) }
    :: atomic { t == STUB }
    fi;
    do
    :: s == ON && n != 0 ->
        x = next[n];
        if
        :: atomic { x == 0 ->
#ifdef BROKEN_DRAIN
            ok = true;
            next[STUB] = 0;
            tail = STUB;
#else
            close(n, 0, ok);
#endif
            if
            :: ok -> handle(n); release(n); n = 0
            :: else -> next[STUB] = n; tail = STUB; s = GAP
            fi
        }
        :: atomic { x != 0 -> next[STUB] = x; handle(n); release(n); n = x; x = 0 }
        fi
    :: else -> break
    od;
    if
    :: atomic { s == ON && head != STUB -> s = GAP }
    :: else
    fi;
    atomic { t = 0; n = 0; x = 0; ok = false }
}

inline slow_step()
{
    if
    :: atomic { signal -> signal = false; signal_seen = true; slow = true }
    :: else -> slow = true
    fi;
    drain();
    if
    :: atomic { s != GAP -> slow = false; s = DONE }
    :: else
    fi
}

inline fast_steps()
{
    s = ON;
    do
    :: left > 0 ->
        atomic { t = tail; n = next[t] };
        if
        :: slow || signal -> break
        :: else
        fi;
        if
        :: n == 0 -> s = DONE; break
        :: else
        fi;
        atomic {
            tail = n;
#ifdef BROKEN_FREE
            handle(n);
            release(n);
#else
            if
            :: t != STUB -> release(t)
            :: else
            fi;
            handle(n);
#endif
            t = 0;
            left--
        };
#ifndef BROKEN_FREE
        if
        :: n = 0
        :: detach(n)
        fi
#endif
    :: else -> break
    od
}

/* Mark as empty, or say why not. */
inline leave()
{
    atomic { t = tail; n = next[t]; s = ON };
    if
    :: n == 0 ->
#ifdef BROKEN_MARK
        ok = (head == t);
        if
        :: atomic { ok -> next[STUB] = 0; tail = STUB; head = STUB + MARK; running-- }
        :: else
        fi;
#else
        /* From the mark on, this worker is no consumer any more. */
        atomic {
            close(t, MARK, ok);
            if
            :: ok -> running--
            :: else
            fi
        };
#endif
        if
        :: ok ->
#ifndef BROKEN_FREE
            if
            :: t != STUB -> release(t)
            :: else
            fi;
#endif
            s = DONE;
#ifndef BROKEN_RECHECK
            if
            :: signal ->
                wake(t, ok);
                if
                :: atomic { ok -> s = ON; running++; assert(queued + running <= 1) }
                :: else
                fi
            :: else
            fi
#endif
        :: else ->
#ifdef BROKEN_GAP
            atomic { s = DONE; running-- }
#else
            if
            :: next[t] == 0 -> s = GAP
            :: else
            fi
#endif
        fi
    :: else
    fi;
    atomic { t = 0; n = 0; x = 0; ok = false }
}

bool busy[WORKERS];

/* Workers differ in nothing: the second one comes only while the first is busy. */
proctype worker(byte me)
{
    byte t, n, x, s, left;
    bool ok;

end:
    do
    :: atomic {
        queued > 0 && (me == 0 || busy[0]) ->
        busy[me] = true;
        queued--;
        running++;
        assert(queued + running <= 1);
        if
        :: left = 1
        :: left = BATCH
        fi;
        s = ON
    };
        do
        :: s == ON && left > 0 ->
            if
            :: slow || signal -> slow_step(); left--
            :: else -> fast_steps()
            fi;
            if
            :: s == DONE -> leave()
            :: else
            fi
        :: else -> break
        od;
        if
        :: atomic { s != DONE -> running--; schedule() }
        :: else
        fi;
        atomic { t = 0; n = 0; x = 0; s = 0; left = 0; ok = false; busy[me] = false }
    od
}

proctype at_rest()
{
    timeout ->
    assert(handled == MESSAGES);
    assert(signal_seen == SIGNALS && !signal);
    assert(head == STUB + MARK && tail == STUB);
    assert(queued == 0 && running == 0)
}

init {
    byte i;

    atomic {
        i = 0;
        do
        :: i < PRODUCERS -> run producer(i); run link(i); i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < WORKERS -> run worker(i); i++
        :: else -> break
        od;
#if SIGNALS
        run signaller();
#endif
#ifdef BROKEN_SIGNAL
        run late_signal();
#endif
        run at_rest()
    }
}
