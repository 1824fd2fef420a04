/* The life cycle of actors.
 *
 * Who wants an actor to start, stop, pause and so on sets a bit in its `signals`: that needs no
 * memory, is idempotent, and can't be overtaken by messages. The actor looks at the word before
 * each message. Should it be idle, the signaller clears its empty mark and schedules it:
 *
 *     signaller                          consumer, leaving
 *     signals |= bit      (seq_cst)      head = stub | EMPTY   (seq_cst)
 *     if head has EMPTY:  (seq_cst)      if signals:           (seq_cst)
 *         clear it, schedule                 clear it, go on
 *
 * Of the two stores one comes first, so at least one side sees the other's; the mark is cleared by
 * one compare-and-swap, so only one goes on. A later signal that contradicts an earlier one clears
 * its bit (pause and resume; a halt calls off the start before it).
 *
 *              start                  halt, crash                 the callback is over
 *     DOWN -----------> STARTING -------------------> STOPPING -------------------> DOWN
 *                         |  actor_started()             ^                            |
 *                         +----------------> RUNNING ----+       ending, or nobody to |
 *                                                                  start it again:  gone
 *
 * A supervised actor has three blocks for notices, the most that one incarnation and the end need
 * (STARTED, EXITED, ENDED). A notice that the supervisor has handled goes back to its child, so
 * they last for ever. A start or halt that finds too few takes new ones; should there be no memory
 * either, it waits until some come back.
 */
#include "libactor/lifecycle.h"

#include <string.h>

#include "libactor/dead.h"
#include "libactor/ext.h"
#include "libactor/mailbox.h"
#include "libactor/notice.h"
#include "libactor/pool.h"
#include "libactor/probe.h"
#include "libactor/self.h"
#include "libactor/send.h"
#include "libactor/system.h"
#include "libactor/timer.h"

/* ---- Signals ------------------------------------------------------------------------------- */

void actor__signal(actor *a, uint32_t set, uint32_t clear)
{
    uint32_t old = load_relaxed(&a->signals);

    while (!atomic_compare_exchange_weak(&a->signals, &old, (old & ~clear) | set))
        ;
    if (actor__mailbox_wake(a))
        actor__schedule(a);
}

static actor_err signal_ref(actor_ref ref, uint32_t set, uint32_t clear)
{
    actor_err err = ACTOR_OK;

    actor__online();

    actor *a = actor__resolve(ref);

    if (a == NULL)
        err = ACTOR_ENOTFOUND;
    else if (a->port)
        err = ACTOR_EINVAL;
    else
        actor__signal(a, set, clear);
    actor__offline();
    return err;
}

actor_err actor_start(actor_ref ref)
{
    return signal_ref(ref, ACTOR__START, 0);
}

actor_err actor_halt(actor_ref ref, actor_how how)
{
    switch (how) {
    case ACTOR_HOW_STOP:
        return signal_ref(ref, ACTOR__HALT, ACTOR__START);
    case ACTOR_HOW_KILL:
        return signal_ref(ref, ACTOR__HALT_KILL, ACTOR__START);
    case ACTOR_HOW_CRASH:
        break;
    }
    return ACTOR_EINVAL;
}

actor_err actor_stop(actor_ref ref)
{
    return signal_ref(ref, ACTOR__STOP, 0);
}

actor_err actor_kill(actor_ref ref)
{
    return signal_ref(ref, ACTOR__KILL, 0);
}

actor_err actor_drain(actor_ref ref)
{
    actor_err err = ACTOR_OK;

    actor__online();

    actor *a = actor__resolve(ref);

    if (a == NULL) {
        err = ACTOR_ENOTFOUND;
    } else if (a->port) {
        err = ACTOR_EINVAL;
    } else if ((atomic_fetch_or(&a->signals, ACTOR__PILL) & ACTOR__PILL) == 0) {
        if (a->locked)
            actor__locked_close(a);
        if ((actor__mailbox_push(a, &a->pill) & ACTOR__EMPTY) != 0)
            actor__schedule(a);
    }
    actor__offline();
    return err;
}

actor_err actor_pause(actor_ref ref)
{
    return signal_ref(ref, ACTOR__PAUSE, ACTOR__RESUME);
}

actor_err actor_resume(actor_ref ref)
{
    return signal_ref(ref, ACTOR__RESUME, ACTOR__PAUSE);
}

actor_err actor_purge(actor_ref ref)
{
    return signal_ref(ref, ACTOR__PURGE, 0);
}

/* ---- The end ------------------------------------------------------------------------------- */

static actor_phase phase_of(const actor *a)
{
    return (actor_phase)load_relaxed(&a->phase);
}

static void set_phase(actor *a, actor_phase phase)
{
    store_relaxed(&a->phase, (uint8_t)phase);
}

static void touch_state(actor *a, bool usable)
{
    size_t size = a->behaviour->state_size;

    if (size == 0)
        return;
    if (usable) {
        ACTOR__UNPOISON(a->state, size);
        memset(a->state, 0, size);
    } else {
        ACTOR__POISON(a->state, size);
    }
}

static void purge_all(actor *a)
{
    actor_msg *m;

    actor__lanes_purge(a, ACTOR_EENDED);
    while ((m = actor__lanes_pop(a, ACTOR_SYSTEM)) != NULL)
        actor__dead_waiting(a, m, ACTOR_EENDED);
}

/* The actor is gone for good. */
static void end_actor(actor *a)
{
    actor_system *sys = a->sys;
    actor_ref was = actor__ref_of(a);

    a->ending = true;
    a->draining = false;
    actor__mailbox_drain(a);
    purge_all(a);
    ACTOR__PROBE_STOP(was, a->exit);
    actor__slot_void(a);
    /* Strong, after the strong store: either we see the name, or who gives it sees us gone. */
    if (load_strong(&a->named))
        actor__names_forget(&sys->names, was);
    actor__watch_ended(a, was);
    actor__room_ended(a, was);
    actor__notice_send(a, was, ACTOR_NOTICE_ENDED);
    if (a->ext != NULL && a->ext->free_arg != NULL)
        a->ext->free_arg(a->arg);
    ACTOR__UNPOISON(a->state, a->behaviour->state_size);
    actor__pool_plain_free(a->state, a->behaviour->state_size);
    actor__slot_retire(a);
    actor__system_left(sys);
}

static bool supervised(const actor *a)
{
    if (actor_ref_none(a->supervisor))
        return false;
    actor__online();

    bool alive = actor__resolve(a->supervisor) != NULL;

    actor__offline();
    return alive;
}

/* What belongs to the incarnation is gone. */
static void clean_up(actor *a)
{
    actor__asks_clear(a);
    actor__timer_cancel_all(a);
    actor__watch_clear(a);
    actor__unstash(a);
    set_phase(a, ACTOR_PHASE_DOWN);
    a->handle = a->behaviour->handle;
    a->slow = true;
    touch_state(a, false);
}

/* The incarnation is over. True: the actor is gone too. */
static bool over(actor *a, actor_notice_kind kind)
{
    clean_up(a);
    a->flags &= ACTOR__F_START_WANTED;
    actor__notice_send(a, actor__ref_of(a), kind);
    if (!a->ending && supervised(a))
        return false;
    end_actor(a);
    return true;
}

/* ---- Stopping ------------------------------------------------------------------------------ */

static bool stop_incarnation(actor__worker *w, actor *a, actor_how how)
{
    actor_verdict verdict = ACTOR_CONTINUE;

    set_phase(a, ACTOR_PHASE_STOPPING);
    a->slow = true;
    a->flags &= (uint8_t)~ACTOR__F_STOPPED;
    if (how == ACTOR_HOW_KILL)
        a->flags |= ACTOR__F_KILLED;
    w->msg = NULL;
    if (a->behaviour->stop != NULL)
        verdict = a->behaviour->stop(a, a->state, how);
    if (verdict == ACTOR_PENDING && (a->flags & ACTOR__F_STOPPED) == 0)
        return false;
    return over(a, (a->flags & ACTOR__F_START_FAILED) != 0 ? ACTOR_NOTICE_START_FAILED
                                                           : ACTOR_NOTICE_EXITED);
}

/* Asked to stop, from outside. True: the actor is gone. */
static bool request_stop(actor__worker *w, actor *a, actor_how how)
{
    uint8_t why = how == ACTOR_HOW_KILL ? ACTOR_EXIT_KILLED : ACTOR_EXIT_REQUESTED;

    switch (phase_of(a)) {
    case ACTOR_PHASE_DOWN:
        if (!a->ending) {
            a->exit = why;
            a->flags |= ACTOR__F_HALT_WANTED;
            return false;
        }
        if (load_relaxed(&a->incarnation) == 0)
            a->exit = why;
        end_actor(a);
        return true;
    case ACTOR_PHASE_STARTING:
    case ACTOR_PHASE_RUNNING:
        a->exit = why;
        return stop_incarnation(w, a, how);
    case ACTOR_PHASE_STOPPING:
        break;
    }
    if (how != ACTOR_HOW_KILL || (a->flags & ACTOR__F_KILLED) != 0)
        return false;
    if (a->exit == ACTOR_EXIT_REQUESTED)
        a->exit = ACTOR_EXIT_KILLED;
    return stop_incarnation(w, a, how);
}

static bool end_requested(actor__worker *w, actor *a, actor_how how)
{
    a->flags &= (uint8_t)~ACTOR__F_START_WANTED;
    a->ending = true;
    a->slow = true;
    if (a->locked)
        actor__locked_close(a);
    actor__lanes_purge(a, ACTOR_EENDED);
    return request_stop(w, a, how);
}

bool actor__lifecycle_drained(actor__worker *w, actor *a)
{
    return end_requested(w, a, ACTOR_HOW_STOP);
}

/* ---- Starting ------------------------------------------------------------------------------ */

void actor__lifecycle_started(actor *a)
{
    if (phase_of(a) != ACTOR_PHASE_STARTING)
        return;
    set_phase(a, ACTOR_PHASE_RUNNING);
    actor__notice_send(a, actor__ref_of(a), ACTOR_NOTICE_STARTED);
    if (load_relaxed(&a->incarnation) > 1)
        actor__watch_restarted(a);
}

/* True: the actor is gone. */
static bool begin(actor__worker *w, actor *a)
{
    actor_verdict verdict = ACTOR_CONTINUE;

    bump(&a->incarnation, 1);
    set_phase(a, ACTOR_PHASE_STARTING);
    a->intake = true;
    a->slow = true;
    a->flags = 0;
    touch_state(a, true);
    w->msg = NULL;
    if (a->behaviour->start != NULL)
        verdict = a->behaviour->start(a, a->state, a->arg);
    switch (verdict) {
    case ACTOR_CONTINUE:
        actor__lifecycle_started(a);
        return false;
    case ACTOR_PENDING:
        return false;
    case ACTOR_DECLINE:
        a->exit = ACTOR_EXIT_NORMAL;
        return over(a, ACTOR_NOTICE_DECLINED);
    case ACTOR_EXIT:
        a->exit = ACTOR_EXIT_NORMAL;
        return stop_incarnation(w, a, ACTOR_HOW_CRASH);
    case ACTOR_FAIL_MESSAGE:
    case ACTOR_FAIL_RESTART:
    case ACTOR_FAIL_STOP:
    case ACTOR_FAIL_ESCALATE:
        break;
    }
    a->exit = ACTOR_EXIT_CRASH;
    return over(a, ACTOR_NOTICE_START_FAILED);
}

/* ---- What the consumer calls --------------------------------------------------------------- */

/* What waits for the actor to be down, or for blocks for its notices to come back. True: the actor
 * is gone. */
static bool wanted(actor__worker *w, actor *a)
{
    if (phase_of(a) != ACTOR_PHASE_DOWN)
        return false;
    if ((a->flags & ACTOR__F_HALT_WANTED) != 0 && actor__notice_reserve(a, ACTOR__NOTICES_HALT)) {
        a->flags &= (uint8_t)~ACTOR__F_HALT_WANTED;
        actor__notice_send(a, actor__ref_of(a), ACTOR_NOTICE_EXITED);
    }
    if ((a->flags & ACTOR__F_HALT_WANTED) == 0 && (a->flags & ACTOR__F_START_WANTED) != 0 &&
        actor__notice_reserve(a, ACTOR__NOTICES_START))
        return begin(w, a);
    return false;
}

actor__after actor__lifecycle_signals(actor__worker *w, actor *a)
{
    uint32_t s = atomic_fetch_and(&a->signals, ~(uint32_t)ACTOR__ORDERS) & (uint32_t)ACTOR__ORDERS;

    if ((s & (ACTOR__PAUSE | ACTOR__RESUME)) != 0)
        store_relaxed(&a->paused, (s & ACTOR__PAUSE) != 0);
    /* It is about all that was sent before: it waits until that can be reached. */
    bool purge = (s & ACTOR__PURGE) != 0;
    bool gap = purge && !actor__mailbox_drain(a);

    if (purge)
        actor__lanes_purge(a, ACTOR_ECANCELLED);
    if (gap)
        atomic_fetch_or(&a->signals, ACTOR__PURGE);
    if ((s & (ACTOR__STOP | ACTOR__KILL)) != 0) {
        /* A halt that kills is not made gentle by the stop that comes with it. */
        bool kill = (s & (ACTOR__KILL | ACTOR__HALT_KILL)) != 0;
        actor_how how = kill ? ACTOR_HOW_KILL : ACTOR_HOW_STOP;

        return end_requested(w, a, how) ? ACTOR__GONE : ACTOR__MORE;
    }
    if ((s & (ACTOR__HALT | ACTOR__HALT_KILL)) != 0) {
        a->flags &= (uint8_t) ~(ACTOR__F_START_WANTED | ACTOR__F_HALT_WANTED);
        if (request_stop(w, a, (s & ACTOR__HALT_KILL) != 0 ? ACTOR_HOW_KILL : ACTOR_HOW_STOP))
            return ACTOR__GONE;
    }
    if ((s & ACTOR__START) != 0 && !a->ending &&
        (phase_of(a) == ACTOR_PHASE_DOWN || phase_of(a) == ACTOR_PHASE_STOPPING))
        a->flags |= ACTOR__F_START_WANTED;
    if (wanted(w, a))
        return ACTOR__GONE;
    return gap ? ACTOR__GAP : ACTOR__MORE;
}

bool actor__lifecycle_verdict(actor__worker *w, actor *a, actor_verdict verdict)
{
    static const uint8_t exits[] = {
        [ACTOR_EXIT] = ACTOR_EXIT_NORMAL,
        [ACTOR_FAIL_RESTART] = ACTOR_EXIT_CRASH,
        [ACTOR_FAIL_STOP] = ACTOR_EXIT_STOP,
        [ACTOR_FAIL_ESCALATE] = ACTOR_EXIT_ESCALATE,
    };
    actor_phase phase = phase_of(a);
    bool stopped = (a->flags & ACTOR__F_STOPPED) != 0;

    if ((unsigned)verdict >= COUNTOF(exits)) /* from a cast or an uninitialised variable */
        verdict = ACTOR_FAIL_RESTART;
    a->flags &= (uint8_t)~ACTOR__F_STOPPED;
    if (stopped && phase == ACTOR_PHASE_STOPPING)
        return over(a, (a->flags & ACTOR__F_START_FAILED) != 0 ? ACTOR_NOTICE_START_FAILED
                                                               : ACTOR_NOTICE_EXITED);
    if (verdict == ACTOR_FAIL_MESSAGE)
        actor__notice_reason(a, NULL);
    if (verdict < ACTOR_EXIT || verdict == ACTOR_FAIL_MESSAGE)
        return false;
    if (phase == ACTOR_PHASE_STOPPING) {
        /* It fails while it cleans up: no more patience. */
        if (verdict == ACTOR_EXIT || (a->flags & ACTOR__F_KILLED) != 0)
            return false;
        return stop_incarnation(w, a, ACTOR_HOW_KILL);
    }
    a->exit = exits[verdict];
    if (phase == ACTOR_PHASE_STARTING && verdict != ACTOR_EXIT) {
        a->flags |= ACTOR__F_START_FAILED;
        a->exit = ACTOR_EXIT_CRASH;
    }
    return stop_incarnation(w, a, ACTOR_HOW_CRASH);
}

void actor__lifecycle_abandon(actor *a)
{
    a->ending = true;
    a->exit = ACTOR_EXIT_KILLED;
    if (phase_of(a) != ACTOR_PHASE_DOWN)
        clean_up(a);
    end_actor(a);
}
