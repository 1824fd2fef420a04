/* supervisor: an actor that starts, watches, restarts and stops its children, as OTP's supervisors
 * do; decisions.md says where it differs.
 *
 * It starts its children in order, one after the other, and stops them in reverse. A child that
 * ends is restarted or not by its restart type; `strategy` says which siblings are restarted with
 * it; more than `max_restarts` within `period` and the supervisor itself gives up ("trips"): it
 * stops its children and ends as one that was requested to, and its own supervisor decides.
 *
 * This is the folder's public header; the policies (budget.h, backoff.h, retry.h, breaker.h,
 * limiter.h) are pure modules beside it and can be used alone.
 *
 * Making a tree
 *   supervisor_spec_new(), supervisor_spec_add() for each child in start order (nested specs for
 *   nested supervisors), supervisor_spawn() for the root. A spec is checked as a whole while it is
 *   built: nothing starts from a bad one.
 *
 * Children and actors
 *   A child is an actor whose supervisor is this one. Restarts keep the actor: reference, name and
 *   mailbox stay. Where a child is stopped for good (by call, finished, declined, removed, or with
 *   its supervisor) its actor ends, what waits in its mailbox becomes dead letters, and a later
 *   start makes a new actor with a new reference.
 *   When a nested supervisor ends or restarts, its children end with it; the ones of its spec come
 *   back as new actors, the ones started by call don't.
 *
 * Pools
 *   A child has one instance or more. Each is an actor that is started, watched and restarted by
 *   itself; its restarts count in the supervisor's window, as any child's. Instances are peers:
 * they have one place in start order, and start and stop side by side. A crash of one leaves the
 * others alone, but in a one_for_all supervisor, where all means them, too. In a rest_for_one
 * supervisor the children behind the pool go down with it, the other instances don't. A call by the
 * child's id is to all its instances, and is answered when it is done with the last. An instance
 * that declines, or is temporary and ends, leaves its pool. Of the others the last one stays: a
 * child that isn't temporary is never without an instance.
 *
 * Calls
 *   Requests are messages: make one (supervisor_request_*), send it with actor_ask() or
 *   actor_call(), read the answer with supervisor_reply_get(). The answer comes when it has
 *   happened (the child started, the actor gone), or with the reason why not. A supervisor serves
 *   calls at any time but while it starts (they wait), is being stopped or has ended (ACTOR_EENDED,
 *   ACTOR_ENOTFOUND; from a child that stops with it, too, so nobody waits for the other).
 *   While a group is being stopped and started, calls that change children wait for it, except
 *   stops; while a group or a child waits out its backoff they don't.
 *
 * Threads: specs and requests belong to one thread at a time; the functions here may be called
 * from any. Observers run in the supervisor's handler.
 */
#ifndef SUPERVISORS_SUPERVISOR_H
#define SUPERVISORS_SUPERVISOR_H

#include "libactor/actor.h"
#include "supervisors/backoff.h"
#include "supervisors/budget.h"
#include "supervisors/errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUPERVISOR_KILL          0    /* of shutdown: kill at once */
#define SUPERVISOR_INFINITY      (-1) /* of shutdown: wait as long as it takes */
#define SUPERVISOR_UNLIMITED     BUDGET_UNLIMITED
#define SUPERVISOR_ID_MAX        255 /* bytes */
#define SUPERVISOR_INSTANCES_MAX 10000

typedef enum supervisor_strategy {
    SUPERVISOR_ONE_FOR_ONE,
    SUPERVISOR_ONE_FOR_ALL,
    SUPERVISOR_REST_FOR_ONE,
} supervisor_strategy;

typedef enum supervisor_restart {
    SUPERVISOR_PERMANENT, /* always restarted */
    SUPERVISOR_TRANSIENT, /* restarted after a crash */
    SUPERVISOR_TEMPORARY, /* never restarted; forgotten when it ends */
} supervisor_restart;

/* ---- Specs ------------------------------------------------------------------------------------
 */

/* Which ends of significant children end their supervisor too, as one that was requested to. Only
 * an end by itself and for good counts: of a temporary child every end, of a transient one an exit
 * that isn't followed by a restart. Being stopped, bounced, removed or declined, by call or with
 * the group, never does, nor does a change of these settings. */
typedef enum supervisor_auto_shutdown {
    SUPERVISOR_NEVER, /* then no child may be significant */
    SUPERVISOR_ANY_SIGNIFICANT,
    SUPERVISOR_ALL_SIGNIFICANT, /* the last one of them that was up */
} supervisor_auto_shutdown;

typedef struct supervisor_flags {
    supervisor_strategy strategy;
    supervisor_auto_shutdown auto_shutdown;
    int32_t max_restarts; /* 0: the first crash trips; SUPERVISOR_UNLIMITED */
    actor_ms period;      /* above 0 unless unlimited */
    backoff_restart backoff;
} supervisor_flags;

/* one_for_one, never, 10 in 1 m, backoff 100 ms to 30 s, factor 2, full jitter, reset after 1 m. */
extern const supervisor_flags supervisor_default_flags;

/* What is told to whoever watches the tree: the daemon's directory of actors, its log, its
 * counters. Called in the handler of the supervisor, in the order in which things happen, so it
 * must not block; the event and its strings live for the call. A NULL function is not called.
 *
 * The life of a child, as it is told (`*` carries `ended`, with exit and reason):
 *   made             STOPPED, where it is in the spec; STARTING, RUNNING
 *   crashes          RESTARTING*, [BACKOFF,] STARTING, RUNNING
 *   its start fails  RESTARTING*, [BACKOFF,] STARTING ...
 *   goes with its    STOPPING, STOPPING*, WAITING, STARTING, RUNNING. The one that crashed:
 *   group            RESTARTING*, RESTARTING, [BACKOFF, RESTARTING,] STARTING, RUNNING
 *   finishes         STOPPING*, STOPPING, STOPPED or (temporary) GONE
 *   is stopped       STOPPING, STOPPING* (if it ran), STOPPED or GONE
 *   restart by call  STOPPING, STOPPING*, STARTING, RUNNING
 * A reply to a call is sent after the event it waits for. */
typedef enum supervisor_child_state {
    SUPERVISOR_CHILD_STARTING, /* an incarnation begins */
    SUPERVISOR_CHILD_RUNNING,
    SUPERVISOR_CHILD_STOPPING,   /* to be stopped, or to be restarted by call or with its group */
    SUPERVISOR_CHILD_RESTARTING, /* down; its own restart is next, as soon as siblings allow */
    SUPERVISOR_CHILD_BACKOFF,    /* down; its restart waits until next_start */
    SUPERVISOR_CHILD_WAITING,    /* down with its group; comes back after another child. OTP shows
                                    it as stopped (SUP-41); unlike one that is, it has its actor */
    SUPERVISOR_CHILD_STOPPED,    /* no actor: not started yet, finished, declined, or stopped: by
                                    call, or with its supervisor */
    SUPERVISOR_CHILD_GONE,       /* forgotten: the last event of this instance. What is below it
                                    goes with it, without events of its own */
} supervisor_child_state;

/* "starting" "running" "stopping" "restarting" "backoff" "stopped" "stopped" "gone". */
const char *supervisor_child_state_name(supervisor_child_state state);

typedef struct supervisor_child_event {
    actor_ref supervisor;
    const char *id;
    void *tag;         /* of the child's spec */
    uint32_t instance; /* which, from 1 */
    bool last;         /* of GONE: the child is gone with it */
    bool surplus;      /* of STOPPING: by a scale; what it has in hand it may finish */
    actor_ref ref; /* ACTOR_NONE while there is no actor. Set from the first STARTING on, and that
                      event comes before the child's start callback can run */
    supervisor_child_state state;
    bool up;              /* an incarnation has started, and not ended yet */
    bool closing;         /* the supervisor ends, and the child with it */
    uint32_t incarnation; /* how many this instance has begun; 0: none */
    uint32_t restarts;    /* counted ones, of this instance */
    bool ended;           /* an incarnation, or an attempt to start one, has just ended ... */
    actor_exit exit;      /* ... like this; ACTOR_EXIT_CRASH for a failed start */
    bool expected;        /* ... and that is no news: it was told to and did as told, or it is no
                             permanent child and ended cleanly */
    const char *reason;   /* why, or "" */
    actor_ms next_start;  /* of BACKOFF: the instant */
} supervisor_child_event;

typedef enum supervisor_event_kind {
    SUPERVISOR_STARTED,      /* all its children are */
    SUPERVISOR_START_FAILED, /* is rolled back now; `child` and `reason`, with the chain of causes
                              */
    SUPERVISOR_BUDGET,       /* `restarts_used` changed: a restart was counted, or aged out */
    SUPERVISOR_FLAGS,        /* `flags` changed */
    SUPERVISOR_TRIPPED,      /* too many restarts: `child` was the last; it stops now */
    SUPERVISOR_ESCALATED,    /* `child` failed with ACTOR_FAIL_ESCALATE; it fails with it */
    SUPERVISOR_STRAY,        /* it got a message it knows nothing about, and dropped it */
    SUPERVISOR_STOPPED,      /* over; all children are gone. The last event of an incarnation. The
                                root's: `tripped`, `failed` and `reason` say what the daemon exits
                                with */
} supervisor_event_kind;

typedef struct supervisor_event {
    actor_ref supervisor; /* none: it ended before it began */
    void *tag;            /* of the observer */
    supervisor_event_kind kind;
    const supervisor_flags *flags;
    uint32_t restarts_used;
    const char *child;  /* or NULL */
    const char *reason; /* or "" */
    bool tripped;       /* it ends, or ended, by its restart limit */
    bool failed;        /* it ends, or ended, by a failed start or an escalation */
    bool auto_shutdown; /* it ends, or ended, with its significant children; `child` was the last
                           of them */
} supervisor_event;

typedef struct supervisor_observer {
    void (*child)(void *user, const supervisor_child_event *event);
    void (*supervisor)(void *user, const supervisor_event *event);
    void *user;
    void *tag;
    void (*free_tag)(void *tag); /* when the spec is freed; or NULL */
} supervisor_observer;

typedef struct supervisor_spec supervisor_spec;

typedef struct supervisor_child {
    const char *id; /* unique under its supervisor, 1 to SUPERVISOR_ID_MAX bytes */
    const actor_behaviour *behaviour;                    /* what it runs, or ... */
    void *arg;                                           /* handed to every start of it */
    void *(*instance_arg)(void *arg, uint32_t instance); /* what an instance is started with, a
                                    part of arg; NULL: arg. Called before each makes its actor */
    void (*free_arg)(void *arg); /* when neither an actor nor a spec needs it any more; or NULL.
                                    Runs in the supervisor's handler or in the freeing thread */
    supervisor_spec *nested;     /* ... a nested supervisor; behaviour is NULL then */
    supervisor_restart restart;
    bool significant;   /* see supervisor_auto_shutdown; never of a permanent child, nor a pool */
    uint32_t instances; /* up to SUPERVISOR_INSTANCES_MAX, 1 for a nested one; 0: 1, or in an update
                           as many as there are */
    actor_ms shutdown;  /* ms, SUPERVISOR_KILL or SUPERVISOR_INFINITY */
    actor_ms start_timeout; /* of every start; 0: none. Past it the start failed, and is killed */
    uint32_t capacity;      /* of the mailbox, as in actor_spec */
    actor_on_full on_full;
    uint32_t stash_capacity;
    void *tag; /* the caller's, for the observer; not owned */
} supervisor_child;

/* A supervisor without children. `observer` is copied; NULL: nobody watches. `seed` decides the
 * jitter of its backoff.
 * Returns  SUPERVISOR_OK; SUPERVISOR_EINVAL, and `why` (of `size` bytes, or NULL) names the setting
 *          and its value; SUPERVISOR_ENOMEM. */
supervisor_err supervisor_spec_new(const supervisor_flags *flags,
                                   const supervisor_observer *observer, uint64_t seed, char *why,
                                   size_t size, supervisor_spec **out);

/* Add a child, after the ones there.
 * Ownership  of arg and nested is taken on SUPERVISOR_OK; id is copied.
 * Returns    as supervisor_spec_new(); SUPERVISOR_EPRESENT the id is taken. */
supervisor_err supervisor_spec_add(supervisor_spec *spec, const supervisor_child *child, char *why,
                                   size_t size);

/* NULL is allowed. Not after it was spawned or added. */
void supervisor_spec_free(supervisor_spec *spec);

/* Is this child acceptable under a supervisor with this `mode`? As supervisor_spec_add(), without
 * an effect. */
supervisor_err supervisor_child_check(const supervisor_child *child, supervisor_auto_shutdown mode,
                                      char *why, size_t size);
supervisor_err supervisor_flags_check(const supervisor_flags *flags, char *why, size_t size);

/* Start a tree: spawn the supervisor, which then starts its children. The observer is told of
 * SUPERVISOR_STARTED or SUPERVISOR_START_FAILED, and of SUPERVISOR_STOPPED in the end; the actor
 * ends then, which can be watched as any actor's end. End it with actor_stop() or actor_kill().
 *
 * Ownership  of spec is taken on SUPERVISOR_OK.
 * Returns    SUPERVISOR_OK; SUPERVISOR_ENOMEM; SUPERVISOR_ESYSTEM.
 * Threads    any.
 */
supervisor_err supervisor_spawn(actor_system *sys, supervisor_spec *spec, actor_ref *out);

/* ---- Requests ---------------------------------------------------------------------------------
 */

#define SUPERVISOR_LAST SIZE_MAX /* of index: after all others */

/* Each returns a message to be asked, or NULL when out of memory. Answers beside SUPERVISOR_OK:
 *
 * start    a new child. `child` and its ownership as supervisor_spec_add(), but also taken when the
 *          request or the start fails (not when NULL is returned). `keep`: it becomes part of the
 *          supervisor's spec, and comes back when the supervisor is restarted, as if it were from
 *          the file. `index`: its place in start order.
 *          SUPERVISOR_OK with the reference (of a pool: of one), ACTOR_NONE if it declined (then it
 *          is there, stopped, unless temporary); ESTARTED with the reference of the one there;
 *          EPRESENT; EFAILED with the reason, and it isn't kept: what of a pool had started is
 *          stopped; EINVAL with the reason.
 * stop     by the child's shutdown policy. It stays, stopped; a temporary one is forgotten.
 *          OK also when it is stopped already; ENOTFOUND.
 * restart  a stopped child starts, a running one is stopped and started on its mailbox. Neither is
 *          counted. A child that can't be started stays, stopped: EFAILED with the reason.
 *          ERESTARTING while it is being restarted, of a pool: all of it; ENOTFOUND.
 * kill     end the running incarnation by force; what follows is what follows a crash (restart
 *          type, limit). OK when it is gone; OK also when it doesn't run. ENOTFOUND.
 * remove   forget a stopped child (OTP's delete). ERUNNING, ERESTARTING, ENOTFOUND.
 * drop     stop and remove in one: what a reload does with a child that is no longer in the file.
 *          ENOTFOUND.
 * scale    so many instances from now on, by the calls above also when the supervisor is restarted.
 *          More: they are started, unless all others are stopped. OK when they have; EFAILED with
 *          the reason of the first that could not be, and the others stay. Fewer: the last ones end
 *          by the shutdown policy, told as `surplus`. A scale waits for the one before. ENOTFOUND,
 *          EINVAL.
 * update   new settings for the child of the same id; what runs is not touched, its next stop or
 *          restart follows them. behaviour, arg and nested hold for the next actor that is made: a
 *          running one, and its restarts, keep what they were made with (so put what a reload may
 *          change behind `arg`). With neither behaviour nor nested they stay as they are. The
 *          nested spec of a supervisor that has its actor is dropped: its own requests change it.
 *          A number of instances that isn't 0 is a scale as well. ENOTFOUND, EINVAL.
 * order    these children first, in this order, each named once; the others after them, in the
 *          order they have. Nothing starts or stops; ids that are not there are passed over.
 * flags    new strategy, auto_shutdown, limits and backoff in place; the history of restarts is
 *          kept, and nothing ends by the change. After a change to SUPERVISOR_NEVER the significant
 *          children there stay and end nothing. EINVAL.
 * which    the instances of the children in start order. `id`: only this one's, or ENOTFOUND; NULL:
 *          all.
 * count    how many.
 */
actor_msg *supervisor_request_start(const supervisor_child *child, bool keep, size_t index);
actor_msg *supervisor_request_stop(const char *id);
actor_msg *supervisor_request_restart(const char *id);
actor_msg *supervisor_request_kill(const char *id);
actor_msg *supervisor_request_remove(const char *id);
actor_msg *supervisor_request_drop(const char *id);
actor_msg *supervisor_request_scale(const char *id, uint32_t instances);
actor_msg *supervisor_request_update(const supervisor_child *child);
actor_msg *supervisor_request_order(const char *const *ids, size_t count);
actor_msg *supervisor_request_flags(const supervisor_flags *flags);
actor_msg *supervisor_request_which(const char *id);
actor_msg *supervisor_request_count(void);

/* Narrow a stop, restart or kill to one instance, from 1: its peers don't notice. One that isn't
 * there is ENOTFOUND. */
void supervisor_request_of(actor_msg *msg, uint32_t instance);

/* Have a start with `keep`, drop, update, order or flags carried out in the spec of a supervisor
 * that is stopped, and so can't be asked: what it starts one day, follows it. `path` names it,
 * beginning with a child of the one that is asked. Nothing starts or ends, no observer is told.
 * Answers beside the usual: ERUNNING the first of the path isn't stopped (any more); ENOTFOUND
 * there is no such supervisor. False: out of memory, the message can't be used. */
bool supervisor_request_within(actor_msg *msg, const char *const *path, size_t count);

typedef struct supervisor_child_info {
    const char *id;
    uint32_t instance;
    void *tag;
    actor_ref ref; /* or ACTOR_NONE */
    supervisor_child_state state;
    uint32_t incarnation;
    uint32_t restarts;
    bool is_supervisor;
    bool kept; /* of the supervisor's spec; false: started by call, gone with a restart */
    supervisor_restart restart; /* the settings, with what was filled in */
    bool significant;
    actor_ms shutdown;
    actor_ms start_timeout;
    actor_ms next_start; /* of BACKOFF */
} supervisor_child_info;

typedef struct supervisor_counts {
    uint32_t specs;  /* children */
    uint32_t active; /* instances that are alive now */
    uint32_t supervisors;
    uint32_t workers; /* instances */
} supervisor_counts;

typedef struct supervisor_reply {
    supervisor_err err;
    bool untouched;     /* of ESTOPPED: the supervisor ends, and had not begun to carry it out */
    const char *reason; /* of EFAILED and EINVAL, else "" */
    actor_ref ref;      /* of start and restart */
    supervisor_counts counts;
    const supervisor_child_info *children; /* of which */
    size_t child_count;
} supervisor_reply;

/* The answer inside a reply message; lives as long as the message.
 * Returns  NULL when this is no answer of a supervisor. */
const supervisor_reply *supervisor_reply_get(actor_msg *reply);

#endif
