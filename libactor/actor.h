/* libactor: an actor runtime.
 *
 * An actor is a mailbox, a behaviour and private state. Its handler runs on one worker thread at a
 * time, one message after the other, to completion; it must not block. Actors are named by
 * references that never lead to a wrong actor, and they talk by messages that have one owner.
 *
 * An actor lives through incarnations. A crash ends the incarnation: its state, timers and
 * continuations are gone, its mailbox and its reference stay. Its supervisor (an actor too) is told
 * and decides: actor_start() begins the next incarnation, actor_stop() ends the actor for good. An
 * actor without a supervisor ends with its first incarnation.
 *
 * Every function says from which threads it may be called: "any", or "handler" for the ones that
 * take `actor *self`, which is valid only inside a callback of that actor.
 */
#ifndef ACTOR_H
#define ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ACTOR_API          __attribute__((visibility("default")))
#define ACTOR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define ACTOR_API
#define ACTOR_PRINTF(f, a)
#endif

/* ---- Errors -----------------------------------------------------------------------------------
 */

typedef enum actor_err {
    ACTOR_OK = 0,
    ACTOR_ENOTFOUND,  /* no such actor or name, or it ended */
    ACTOR_EFULL,      /* the mailbox or stash is bounded and full */
    ACTOR_ENOMEM,     /* out of memory; nothing changed */
    ACTOR_EINVAL,     /* an argument or the actor's state does not allow it */
    ACTOR_EEXIST,     /* the name is taken */
    ACTOR_ETIMEOUT,   /* the deadline passed */
    ACTOR_EENDED,     /* the target ended, or dropped the request, before it replied */
    ACTOR_ELIMIT,     /* the system holds max_actors already */
    ACTOR_ESTOPPED,   /* the system is stopping */
    ACTOR_ECANCELLED, /* purged by actor_purge() */
    ACTOR_EFAILED,    /* its handler failed: ACTOR_FAIL_MESSAGE, or a crash */
    ACTOR_ESYSTEM,    /* the operating system refused; errno says why */
} actor_err;

ACTOR_API const char *actor_strerror(actor_err err);

/* ---- Basic types ------------------------------------------------------------------------------
 */

typedef struct actor_system actor_system;
typedef struct actor actor;         /* an actor seen from inside its own callbacks */
typedef struct actor_msg actor_msg; /* a message; whoever holds the pointer owns it */
typedef struct actor_timer actor_timer;
typedef int64_t actor_ms; /* milliseconds: a duration, or an instant of actor_now() */

/* Names one actor for ever: a generation-tagged handle, not a pointer. A stale one is
 * ACTOR_ENOTFOUND. All zero names no actor. */
typedef struct actor_ref {
    uint64_t bits;
} actor_ref;

#define ACTOR_NONE ((actor_ref){0})

static inline bool actor_ref_eq(actor_ref a, actor_ref b)
{
    return a.bits == b.bits;
}

static inline bool actor_ref_none(actor_ref a)
{
    return a.bits == 0;
}

/* ---- Messages ---------------------------------------------------------------------------------
 */

/* Order in which waiting messages of one actor are handled; FIFO within a priority and a sender.
 * ACTOR_SYSTEM is for the machinery of the actor itself (process events and the like): it bypasses
 * the capacity and is handled also while the intake is closed, the actor paused, starting or
 * stopping. Timers, continuations and notices travel there as well. */
typedef enum actor_priority {
    ACTOR_LOW,
    ACTOR_NORMAL,
    ACTOR_HIGH,
    ACTOR_CRITICAL,
    ACTOR_SYSTEM,
} actor_priority;

/* Message types below this one are the user's. */
#define ACTOR_TYPE_RESERVED 0xff00u
enum {
    ACTOR_MSG_TIMER = 0xff00, /* default type of actor_after(); see actor_msg_tag() */
    ACTOR_MSG_DOWN,           /* a watched actor ended, or restarted: payload actor_down */
    ACTOR_MSG_NOTICE,         /* to a supervisor about its child: payload actor_notice */
    ACTOR_MSG_ROOM,           /* a mailbox has room again, or its actor ended: actor_room */
};

/* A new message with `size` payload bytes, not initialised, of priority ACTOR_NORMAL.
 * Returns  NULL when out of memory.
 * Threads  any. */
ACTOR_API actor_msg *actor_msg_new(uint16_t type, size_t size);

/* A new message whose payload stays where it is. `release(arg)` runs once, on any thread, when the
 * message is freed; on failure it does not run and the caller keeps the payload.
 * Returns  NULL when out of memory.
 * Threads  any. */
ACTOR_API actor_msg *actor_msg_borrow(uint16_t type, void *data, size_t size,
                                      void (*release)(void *arg), void *arg);

/* Free a message. An ask that was not answered ends with ACTOR_EENDED at the asker. NULL is
 * allowed. Threads  any. */
ACTOR_API void actor_msg_free(actor_msg *msg);

ACTOR_API uint16_t actor_msg_type(const actor_msg *msg);
ACTOR_API size_t actor_msg_size(const actor_msg *msg);
ACTOR_API void *actor_msg_data(actor_msg *msg); /* aligned for any type unless borrowed */
ACTOR_API actor_ref actor_msg_sender(const actor_msg *msg);
ACTOR_API uint64_t actor_msg_tag(const actor_msg *msg); /* of a timer message */
ACTOR_API bool actor_msg_is_ask(const actor_msg *msg);  /* somebody waits for a reply */
ACTOR_API void actor_msg_set_priority(actor_msg *msg, actor_priority priority);

/* Queue *msg for `to`.
 *
 * Ownership  taken on ACTOR_OK, and *msg becomes NULL; otherwise unchanged.
 * Returns    ACTOR_OK; ACTOR_ENOTFOUND no such actor, or it ended;
 *            ACTOR_EFULL its mailbox is bounded, full and its policy is ACTOR_REJECT.
 * Threads    any; never blocks.
 *
 * In a handler *msg may also be the message being handled: this forwards it. An ask that is not
 * answered keeps its sender however often it is sent on, so the reply goes to who asked.
 */
ACTOR_API actor_err actor_send(actor_ref to, actor_msg **msg);

/* actor_send() from a handler, with the handler's actor as the sender. */
ACTOR_API actor_err actor_tell(actor *self, actor_ref to, actor_msg **msg);

/* Answer `request`, once: a continuation or actor_call() of the asker gets *reply. The request
 * stays the caller's (the one being handled, or one taken by actor_take()), unless it is sent back
 * itself: *reply may be `request`.
 *
 * Ownership  of *reply as actor_send().
 * Returns    ACTOR_OK; ACTOR_EINVAL it was not an ask, or is answered already;
 *            ACTOR_ENOTFOUND the asker is gone (the reply stays the caller's).
 * Threads    any that owns the request.
 */
ACTOR_API actor_err actor_reply(actor_msg *request, actor_msg **reply);

/* Send *msg and wait for the reply, from a thread that is not a worker.
 *
 * timeout    in ms; negative waits without limit.
 * Ownership  of *msg as actor_send(); *reply is the caller's on ACTOR_OK.
 * Returns    as actor_send(); ACTOR_ETIMEOUT; ACTOR_EENDED; ACTOR_EINVAL on a worker thread.
 * Threads    any but workers; blocks.
 */
ACTOR_API actor_err actor_call(actor_system *sys, actor_ref to, actor_msg **msg, actor_ms timeout,
                               actor_msg **reply);

/* ---- Behaviours -------------------------------------------------------------------------------
 */

/* What a callback wants to happen next. */
typedef enum actor_verdict {
    ACTOR_CONTINUE = 0,
    ACTOR_PENDING,       /* start, stop: not finished; actor_started() or actor_stopped() follows */
    ACTOR_DECLINE,       /* start: nothing to run now (OTP's ignore) */
    ACTOR_EXIT,          /* end this incarnation: clean */
    ACTOR_FAIL_MESSAGE,  /* this message failed, the state is kept; it becomes a dead letter */
    ACTOR_FAIL_RESTART,  /* this incarnation crashed */
    ACTOR_FAIL_STOP,     /* it crashed and shall not be restarted */
    ACTOR_FAIL_ESCALATE, /* it crashed, and its supervisor shall fail with it */
} actor_verdict;

/* Why an incarnation ended. */
typedef enum actor_exit {
    ACTOR_EXIT_NORMAL,    /* clean, by itself */
    ACTOR_EXIT_REQUESTED, /* asked to: actor_halt(), actor_stop(), actor_drain() */
    ACTOR_EXIT_CRASH,
    ACTOR_EXIT_KILLED, /* actor_kill(), or halted with ACTOR_HOW_KILL */
    ACTOR_EXIT_STOP,   /* crash with ACTOR_FAIL_STOP */
    ACTOR_EXIT_ESCALATE,
} actor_exit;

ACTOR_API const char *actor_exit_name(actor_exit why);

typedef enum actor_how {
    ACTOR_HOW_STOP,  /* finish what is in hand, then end */
    ACTOR_HOW_KILL,  /* end at once; may come again after ACTOR_HOW_STOP, never the other way round
                      */
    ACTOR_HOW_CRASH, /* the incarnation crashed or exited: clean up; ACTOR_PENDING is allowed */
} actor_how;

/* One table of functions for all actors of a kind. All but `handle` may be NULL.
 *
 * start   begins an incarnation; `state` is zeroed. ACTOR_CONTINUE: running. ACTOR_PENDING: only
 *         system messages are handled until actor_started(). ACTOR_DECLINE: down again. A failure:
 *         the start failed, actor_fail() says why; `stop` is not called.
 * handle  gets one message. It is freed when the handler returns, unless actor_take() took it.
 * stop    ends an incarnation. ACTOR_PENDING: only system messages are handled until
 *         actor_stopped(); `stop` may be called again meanwhile, with ACTOR_HOW_KILL. Any other
 *         verdict: it is over. Frees what the state owns, also continuations' and timers' args.
 */
typedef struct actor_behaviour {
    const char *name;
    size_t state_size; /* bytes; 0: there is none, and `state` is NULL */
    actor_verdict (*start)(actor *self, void *state, void *arg);
    actor_verdict (*handle)(actor *self, void *state, actor_msg *msg);
    actor_verdict (*stop)(actor *self, void *state, actor_how how);
} actor_behaviour;

/* Dropping the oldest spares the more important: the lowest priority goes first, perhaps the new
 * message itself. */
typedef enum actor_on_full { ACTOR_REJECT, ACTOR_DROP_NEWEST, ACTOR_DROP_OLDEST } actor_on_full;

typedef struct actor_spec {
    const actor_behaviour *behaviour; /* must outlive the actor */
    void *arg;                        /* handed to every incarnation's start */
    void (*free_arg)(void *arg);      /* runs once, when the actor has ended; may be NULL */
    actor_ref supervisor;             /* is told of every exit and decides; ACTOR_NONE: nobody */
    uint32_t capacity;                /* of the mailbox, in messages; 0: unbounded */
    actor_on_full on_full;            /* dropped messages go to the dead-letter hook */
    uint32_t stash_capacity;          /* 0: unbounded */
    bool high_priority;               /* runs before others, see below */
} actor_spec;

/* Actors of high priority. Whenever one has something to do, the first worker that ends its batch
 * (options.batch messages of one actor) runs it next, or one that sleeps at once. Several take
 * turns among themselves, each with a batch. They can't starve the others: after 8 such batches in
 * a row a worker runs one of another actor. It is for few actors that do little, as those that
 * watch over others: all of them share one queue, so that waking one costs more than waking another
 * actor, and it is not kept on the worker of who sent it a message. The order of messages within an
 * actor is their own priority's matter.
 */

/* Create an actor. With a supervisor it is down until actor_start(); without one its start callback
 * runs at once on a worker, before its first message.
 *
 * Ownership  of spec->arg is taken on ACTOR_OK.
 * Returns    ACTOR_OK; ACTOR_EINVAL; ACTOR_ENOMEM; ACTOR_ELIMIT; ACTOR_ESTOPPED.
 * Threads    any.
 */
ACTOR_API actor_err actor_spawn(actor_system *sys, const actor_spec *spec, actor_ref *out);

/* ---- From inside a handler --------------------------------------------------------------------
 */

ACTOR_API actor_ref actor_self(const actor *self);
ACTOR_API actor_system *actor_self_system(const actor *self);
ACTOR_API void *actor_self_arg(const actor *self);
ACTOR_API uint32_t actor_self_incarnation(const actor *self); /* from 1 */

/* The message being handled means nothing to this actor: it is dropped, and counted
 * (actor_system_stats.unhandled). No failure: a notice that nobody handles harms nobody. */
ACTOR_API void actor_unhandled(actor *self);

/* Take ownership of the message being handled; it stays where it is.
 * Returns  the message; NULL when it was taken already. */
ACTOR_API actor_msg *actor_take(actor *self);

/* Put a message back to the front of the own mailbox, not counted against the capacity. Several put
 * back one after the other are handled in the order they were put back. Takes *msg. */
ACTOR_API void actor_return(actor *self, actor_msg **msg);

/* Set the message being handled aside until actor_unstash(). A restart unstashes.
 * Returns  ACTOR_OK; ACTOR_EFULL; ACTOR_EINVAL stashed or taken already; ACTOR_ENOMEM. */
ACTOR_API actor_err actor_stash(actor *self);

/* Put all that is stashed back to the front of the mailbox, in the order it was stashed. */
ACTOR_API void actor_unstash(actor *self);

/* Open or close the intake: while closed, user messages wait and only system ones are handled. An
 * incarnation begins with an open intake. */
ACTOR_API void actor_intake(actor *self, bool open);

/* Handle further messages with `handle`, until this incarnation ends. */
ACTOR_API void actor_become(actor *self, actor_verdict (*handle)(actor *, void *, actor_msg *));

/* After ACTOR_PENDING from start: the incarnation runs. */
ACTOR_API void actor_started(actor *self);

/* After ACTOR_PENDING from stop: the incarnation is over. The state is gone when this callback
 * returns. */
ACTOR_API void actor_stopped(actor *self);

/* Record why the incarnation fails, for the notice to the supervisor, and pass `verdict` through:
 * `return actor_fail(self, ACTOR_FAIL_RESTART, "exit status %d", n);` */
ACTOR_API actor_verdict actor_fail(actor *self, actor_verdict verdict, const char *format, ...)
    ACTOR_PRINTF(3, 4);

/* Send the message being handled, or any other owned one, and continue with `then` when it is
 * answered, the timeout passed or the target ended: exactly one of these, as a system message of
 * this incarnation. A restart drops the continuation; `arg` stays the state's.
 *
 * then       may be NULL: the outcome is not of interest.
 * timeout    in ms; negative: none.
 * Ownership  of *msg as actor_send(). In `then`, `reply` is handled like a message: freed when it
 *            returns unless actor_take() took it; NULL unless `how` is ACTOR_OK.
 * Returns    as actor_send(), plus ACTOR_ENOMEM, and ACTOR_EINVAL for a message that is an ask
 *            already and not answered; on an error `then` never runs.
 */
typedef actor_verdict (*actor_continuation)(actor *self, void *state, actor_err how,
                                            actor_msg *reply, void *arg);
typedef uint64_t actor_ask_id; /* never 0 */
ACTOR_API actor_err actor_ask(actor *self, actor_ref to, actor_msg **msg, actor_ms timeout,
                              actor_continuation then, void *arg, actor_ask_id *id);

/* Forget an ask: its continuation will not run. False: it has run already. */
ACTOR_API bool actor_ask_cancel(actor *self, actor_ask_id id);

/* Send a message of `type` with actor_msg_tag() == tag to this actor in `delay` ms (never early).
 * *out is valid until the timer's message is handled, it is cancelled, or the incarnation ends.
 * Returns  ACTOR_OK; ACTOR_ENOMEM. O(1). */
ACTOR_API actor_err actor_after(actor *self, actor_ms delay, uint16_t type, uint64_t tag,
                                actor_timer **out);

/* Cancel a timer, also one whose message is queued already, and set *timer to NULL. NULL is
 * allowed. O(1). */
ACTOR_API void actor_timer_cancel(actor *self, actor_timer **timer);

/* Be told once, by ACTOR_MSG_DOWN, when `target` ends for good; at once if it has. With `restarts`
 * also each time it begins another incarnation after its first; one such notice is lost when there
 * is no memory at that restart nor at the one before. Watching twice is watching once. It lasts
 * until this incarnation ends.
 * Returns  ACTOR_OK; ACTOR_ENOMEM. */
ACTOR_API actor_err actor_watch(actor *self, actor_ref target, bool restarts);

/* Stop watching; also a notice that is queued already is not handled any more. */
ACTOR_API void actor_unwatch(actor *self, actor_ref target);

typedef struct actor_down {
    actor_ref ref;
    actor_exit exit;
    bool restarted; /* it lives on, in a new incarnation */
} actor_down;

/* Be told once, by ACTOR_MSG_ROOM, when the mailbox of `target` has room: for who was refused with
 * ACTOR_EFULL and does not want to try again and again. A system message, so it is handled also
 * while the own intake is closed: to hold back what would have to be passed on,
 *
 *     if ((err = actor_tell(self, to, &msg)) == ACTOR_EFULL) {
 *         actor_return(self, &msg);      // to the front of the own mailbox, if it came from there
 *         actor_intake(self, false);
 *         err = actor_want_room(self, to);
 *     }
 *
 * and on ACTOR_MSG_ROOM actor_intake(self, true).
 *
 * When      half the capacity or less waits there (rounded down); at once if that is so already, or
 *           the mailbox is unbounded. Producers are told in the order they asked, at first one for
 *           each free place, the next as messages are handled. It is a hint: no place is kept, and
 *           a send may be refused again. Or when `target` ends; at once if it has.
 * Requests  each is told exactly once, also of several for the same target. They are void when this
 *           incarnation ends, and outlast the target's. A target that is down or paused keeps its
 *           producers waiting as it keeps its messages.
 * Returns   ACTOR_OK; ACTOR_ENOMEM nothing was asked: try again later, by actor_after() perhaps.
 *           Telling needs no memory.
 *
 * Threads that are no workers can't ask: actor_call() waits until it is the message's turn.
 */
ACTOR_API actor_err actor_want_room(actor *self, actor_ref target);

typedef struct actor_room {
    actor_ref ref; /* the target */
    bool ended;    /* there will never be room */
} actor_room;

/* ---- Life cycle, from outside -----------------------------------------------------------------
 */

/* Precedence: kill, stop, supervision, then user messages by priority (decisions.md, SUP-152 to
 * 155). All are asynchronous, idempotent, and ACTOR_ENOTFOUND for an actor that has ended.
 * They can't fail for lack of memory. Threads: any. */

/* Begin the next incarnation of an actor that is down. Notice: STARTED, DECLINED or START_FAILED.
 */
ACTOR_API actor_err actor_start(actor_ref ref);
/* End the incarnation, keep the mailbox. Notice: EXITED (also when it was down already). */
ACTOR_API actor_err actor_halt(actor_ref ref, actor_how how);
/* End the actor: the incarnation as actor_halt(), then what waits goes to the dead letters and the
 * reference is void. Notice: EXITED if it had an incarnation, then ENDED. */
ACTOR_API actor_err actor_stop(actor_ref ref);
ACTOR_API actor_err actor_kill(actor_ref ref); /* the same with ACTOR_HOW_KILL */
/* Handle all that is queued now, then stop: the poison pill. */
ACTOR_API actor_err actor_drain(actor_ref ref);
/* User messages wait until resumed. Independent of the actor's own intake; survives restarts. */
ACTOR_API actor_err actor_pause(actor_ref ref);
ACTOR_API actor_err actor_resume(actor_ref ref);
/* Send all waiting user messages to the dead-letter hook, as ACTOR_ECANCELLED. */
ACTOR_API actor_err actor_purge(actor_ref ref);

typedef enum actor_notice_kind {
    ACTOR_NOTICE_STARTED,
    ACTOR_NOTICE_DECLINED,
    ACTOR_NOTICE_START_FAILED,
    ACTOR_NOTICE_EXITED, /* the incarnation is over; the actor is down and its mailbox waits */
    ACTOR_NOTICE_ENDED,  /* the actor is gone */
} actor_notice_kind;

/* Payload of ACTOR_MSG_NOTICE. In order, none lost; reserved at spawn, so never short of memory
 * (only `reason` may then be ""). */
typedef struct actor_notice {
    actor_ref child;
    uint32_t incarnation;
    actor_notice_kind kind;
    actor_exit exit;    /* of EXITED and START_FAILED (ACTOR_EXIT_CRASH) */
    const char *reason; /* text of actor_fail(), or ""; lives as long as the message */
} actor_notice;

/* ---- Looking at actors ------------------------------------------------------------------------
 */

typedef enum actor_phase {
    ACTOR_PHASE_DOWN,     /* between two incarnations */
    ACTOR_PHASE_STARTING, /* start returned ACTOR_PENDING, or is about to be called */
    ACTOR_PHASE_RUNNING,
    ACTOR_PHASE_STOPPING,
} actor_phase;

typedef struct actor_info {
    actor_phase phase;
    uint32_t incarnation; /* 0: never started */
    bool paused;
    uint32_t waiting;  /* user messages queued; only bounded mailboxes count */
    uint32_t capacity; /* 0: unbounded */
    uint64_t handled;  /* user messages */
} actor_info;

/* A snapshot, read without stopping the actor.
 * Returns  ACTOR_OK; ACTOR_ENOTFOUND. Threads: any. */
ACTOR_API actor_err actor_inspect(actor_ref ref, actor_info *out);

/* ---- Names ------------------------------------------------------------------------------------
 */

/* Give `ref` a name, until it ends. Copies `name`.
 * Returns  ACTOR_OK; ACTOR_EEXIST; ACTOR_ENOTFOUND; ACTOR_ENOMEM. Threads: any. */
ACTOR_API actor_err actor_register(actor_system *sys, const char *name, actor_ref ref);
ACTOR_API actor_err actor_lookup(actor_system *sys, const char *name, actor_ref *out);

/* ---- Systems ----------------------------------------------------------------------------------
 */

typedef struct actor_system_options {
    unsigned workers;    /* scheduler threads; 0: CPUs online. Simulated ones: 0 is 1 */
    uint32_t max_actors; /* 0: 16 million */
    uint32_t batch;      /* messages of one actor before others run; 0: a default */
    bool simulate;       /* no threads: the caller drives by actor_sim_run(), in virtual time */
    uint64_t seed;       /* simulation: decides every choice */
    /* Gets messages nobody will handle: sent to an actor that ended meanwhile, dropped by a full
     * mailbox, left at a stop, purged, failed (why: ACTOR_ENOTFOUND, ACTOR_EFULL, ACTOR_EENDED,
     * ACTOR_ECANCELLED, ACTOR_EFAILED). May take *msg by setting it to NULL. Called on any thread,
     * must not block. NULL: they are freed. They are counted in any case. */
    void (*dead_letter)(void *user, actor_ref to, actor_msg **msg, actor_err why);
    void *user;
} actor_system_options;

/* Returns  ACTOR_OK; ACTOR_EINVAL; ACTOR_ENOMEM; ACTOR_ESYSTEM (no thread). Threads: any. */
ACTOR_API actor_err actor_system_new(const actor_system_options *options, actor_system **out);

/* End every actor (actor_stop; ACTOR_HOW_KILL after `grace` ms) and wait for it, then stop the
 * workers and free all. An actor whose stop stays ACTOR_PENDING is given up at twice the grace.
 * NULL is allowed. Threads: any but workers; not concurrently with calls on this system. */
ACTOR_API void actor_system_free(actor_system *sys, actor_ms grace);

/* Milliseconds on the system's monotonic (or virtual) clock, as of this worker's current batch. */
ACTOR_API actor_ms actor_now(const actor_system *sys);

typedef struct actor_system_stats {
    uint64_t actors;       /* alive */
    uint64_t spawned;      /* in all */
    uint64_t handled;      /* messages */
    uint64_t dead_letters; /* in all */
    uint64_t unhandled;    /* in all; see actor_unhandled() */
    uint64_t steals;
    uint64_t wakes; /* futex wake-ups sent */
    unsigned workers;
    unsigned parked; /* workers asleep: nothing to do */
} actor_system_stats;

ACTOR_API void actor_system_stats_get(const actor_system *sys, actor_system_stats *out);

/* True if every worker has finished a batch, or slept, since the last call with the same
 * `*marks` (`workers` entries, zeroed at first). For watchdogs. Threads: one caller at a time. */
ACTOR_API bool actor_system_progress(const actor_system *sys, uint64_t *marks);

/* ---- Simulation -------------------------------------------------------------------------------
 */

/* Run ready actors in an order that the seed decides, and advance the virtual clock to the next
 * timer while nothing is ready, up to and including `until`. Afterwards the clock shows `until`
 * (INT64_MAX: the last timer's time).
 * Returns  the number of batches run. Threads: the one that created the system. */
ACTOR_API uint64_t actor_sim_run(actor_system *sys, actor_ms until);
/* One batch, without advancing the clock. False: nothing is ready. */
ACTOR_API bool actor_sim_step(actor_system *sys);
/* Let each allocation of the runtime on this thread fail with this probability (parts per
 * million), as the seed decides. 0: never. */
ACTOR_API void actor_sim_fail_allocations(actor_system *sys, uint32_t ppm);
/* The simulation's random numbers, for tests that want one seed for everything. */
ACTOR_API uint64_t actor_sim_random(actor_system *sys);

#endif
