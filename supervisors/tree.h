/* tree: a running supervisor and its slots. Inside this folder only.
 *
 * A slot is the supervisor's record of one instance of a child; a pool is the child: its slots,
 * which stand side by side. What happens to them is decided in these places, each a file:
 *   pool.c        which slots there are, in which order
 *   slot.c        one slot: start, halt (its actor stays), end (it goes), tell the observer
 *   march.c       many, in order: first start, stop and start of a group, the end of all
 *   calls.c       what operators ask for: a table of verb x state
 *   change.c      calls that change the tree itself
 *   look.c        calls that only look
 *   within.c      calls to one that is stopped
 *   decide.c      an end: restart, forget, or the supervisor goes too
 *   supervisor.c  the actor: notices and timers, a table of state x event
 *
 * Only one march goes at a time, and it waits at one slot: `cursor`. While it goes, crashes and
 * calls that would begin another change wait in `crashed` and `deferred`; sup_settle() works them
 * off when it is over. It runs last in every callback.
 *
 * Everything here is touched in the supervisor's callbacks only.
 */
#ifndef SUPERVISORS_TREE_H
#define SUPERVISORS_TREE_H

#include "supervisors/map.h"
#include "supervisors/request.h"
#include "supervisors/spec.h"
#include "supervisors/supervisor.h"

typedef enum slot_state {
    SLOT_STOPPED,  /* no actor, nothing pending */
    SLOT_STARTING, /* actor_start() was called */
    SLOT_RUNNING,
    SLOT_HALTING, /* its incarnation is being ended, the actor stays */
    SLOT_ENDING,  /* its actor is being ended */
    SLOT_CRASHED, /* down; to be decided about */
    SLOT_BACKOFF, /* down; starts when the timer fires */
    SLOT_WAITING, /* down; a march will start it */
    SLOT_STATES,
} slot_state;

/* What follows when HALTING or ENDING is over. */
typedef enum slot_after {
    AFTER_STOPPED, /* ENDING: the slot stays */
    AFTER_GONE,    /* ENDING: it goes too */
    AFTER_START,   /* HALTING: restart by call */
    AFTER_WAITING, /* HALTING: a march will start it */
} slot_after;

typedef struct slot slot;

typedef struct pool {
    map_link by_id;
    child_spec *spec;   /* of the next actors */
    slot *first, *last; /* in start order */
    uint32_t count;     /* of slots; never 0 */
    uint32_t numbers;   /* no slot has a higher number */
    bool kept;          /* of the supervisor's spec: comes back with it */
} pool;

struct slot {
    pool *pool;
    uint32_t number;   /* in its pool, from 1; unique there, but in no order */
    slot *prev, *next; /* start order */
    uint64_t rank;     /* grows along the order */
    map_link by_ref;
    child_spec *live; /* that the actor was made with; NULL without one */
    actor_ref ref;
    slot_state state;
    slot_after after;   /* while HALTING, ENDING */
    actor_timer *timer; /* STARTING: start_timeout; HALTING, ENDING: shutdown; BACKOFF */
    actor_ms next_start;
    backoff_track track;
    uint32_t incarnation;
    uint32_t restarts;
    uint32_t over;     /* the actor's last incarnation that is known to have ended */
    bool called_off;   /* STARTING, HALTING: the start may never have begun, see slot_will_halt() */
    bool due;          /* the march up still has to start it */
    bool incarnated;   /* an incarnation is up: its end is still to come */
    bool failed_start; /* CRASHED: it never came up */
    bool refused;      /* CRASHED: not even an actor could be made */
    bool timed_out;    /* STARTING: killed for being slow */
    bool surplus;      /* ENDING: by a scale */
    bool weighs;       /* in sup.significant_up */
    actor_exit exit;   /* CRASHED: how */
    char *reason;      /* of the last failure, or NULL */
    slot *crash_prev, *crash_next; /* in sup.crashed, while CRASHED */
    request *call;                 /* is answered by what is going on now */
    request_list waiters;          /* come again when that is over */
};

typedef enum sup_mode {
    SUP_STARTING,   /* march up through all */
    SUP_RUNNING,    /* no march */
    SUP_GROUP_DOWN, /* march down to group_first */
    SUP_GROUP_WAIT, /* its members are down; the pivot waits out its backoff. No march */
    SUP_GROUP_UP,   /* march up from group_first through all that are due */
    SUP_CLOSING,    /* march down through all, for good */
    SUP_CLOSED,     /* no slot has an actor */
} sup_mode;

typedef struct sup {
    actor *self; /* valid in every callback */
    supervisor_spec *spec;
    slot *first, *last; /* in start order */
    map ids, refs;
    sup_mode mode;
    slot *cursor; /* where the march is; NULL: at its end */
    slot *group_first;
    slot *pivot; /* whose crash brought the group down; NULL when it was stopped meanwhile */
    actor_ms group_due;
    slot *crashed_first, *crashed_last;
    request_list deferred; /* until the march is over */
    request_list again;    /* to be looked at once more */
    budget budget;
    actor_timer *budget_timer;
    prng random;
    bool in_callback; /* start or stop, which answer by their verdict */
    bool stop_called; /* by the runtime: actor_stopped() is owed */
    bool tripped;
    bool failed; /* its start failed, or a child escalated */
    bool auto_shutdown;
    uint32_t significant_up; /* significant children that may still end by themselves */
    char reason[512];
    char culprit[SUPERVISOR_ID_MAX + 1];
    actor_verdict verdict; /* of the current callback */
} sup;

/* ---- pool.c -----------------------------------------------------------------------------------
 */

/* A pool with a reference of its own to `spec`, at the place `index`, with stopped slots.
 * Returns  NULL when out of memory. */
pool *pool_new(sup *s, child_spec *spec, size_t index);
/* One more slot, with the lowest free number; NULL when out of memory. */
slot *pool_add(sup *s, pool *p);
/* As supervisor_request_order(); while no march goes. */
void pool_order(sup *s, char *const *ids, size_t count);
pool *pool_find(const sup *s, const char *id);
pool *pool_next(const pool *p); /* in start order, or NULL */
slot *pool_slot(const pool *p, uint32_t number);

/* The peer after, or before, c in its pool, or NULL. */
slot *slot_peer(const slot *c);
slot *slot_peer_before(const slot *c);
void slot_to_back(sup *s, slot *c); /* of its pool */
/* Without an actor. The last one takes its pool with it. */
void slot_free(sup *s, slot *c);
slot *slot_of_ref(const sup *s, actor_ref ref);

/* ---- slot.c -----------------------------------------------------------------------------------
 */

bool slot_is_down(const slot *c); /* between two incarnations */
bool slot_temporary(const slot *c);
bool slot_wants_restart(const slot *c); /* CRASHED: by its restart type */
supervisor_child_state slot_public_state(const sup *s, const slot *c);

/* Tell the observer. `ended`: an incarnation, or the attempt, has just ended by c->exit. */
void slot_publish(const sup *s, const slot *c, bool ended);
void slot_remember(slot *c, actor_exit exit, const char *reason);

/* Begin an incarnation, of a new actor where there is none. A refusal is a failed start, in
 * `crashed` at once. */
void slot_start(sup *s, slot *c);
/* End the incarnation by the shutdown policy. RUNNING or STARTING. */
void slot_halt(sup *s, slot *c, slot_after after);
/* End the actor, by the shutdown policy where it runs. Any state but ENDING. Without an actor it is
 * over at once, and c may be gone. */
void slot_end(sup *s, slot *c, slot_after after);
/* End it for good, by its type: it has finished, or declined. c may be gone. */
void slot_finish(sup *s, slot *c);
void slot_kill(sup *s, slot *c);  /* the actor, now */
void slot_weigh(sup *s, slot *c); /* its state, or its being significant, has changed */
/* Before an actor_halt(). One that overtakes the start calls it off, and the notice then speaks of
 * the incarnation before: usually such a notice is an echo (a halt of an actor that was down by
 * itself already) and means nothing. */
void slot_will_halt(slot *c);
bool slot_is_echo(const slot *c, const actor_notice *n);
void slot_actor_gone(sup *s, slot *c);
/* ENDING is over: what was to follow. c may be gone. */
void slot_ended(sup *s, slot *c);
/* STOPPED, and it goes, too. */
void slot_forget(sup *s, slot *c);
void slot_wait(sup *s, slot *c); /* down -> WAITING */
/* -> CRASHED, in the queue, by c->exit, which is published. */
void slot_crash(sup *s, slot *c, bool failed_start);
slot *slot_next_crashed(sup *s); /* out of the queue; still CRASHED */
void slot_backoff(sup *s, slot *c, actor_ms until);
void slot_backoff_over(sup *s, slot *c);

/* Answer what is going on in c, if somebody asked for it. */
void slot_answer(slot *c, supervisor_err err, const char *reason);
void slot_killed(slot *c); /* likewise, if it was a kill */
/* Nothing goes on in c any more: calls that waited for that come again. */
void slot_settled(sup *s, slot *c);

/* ---- march.c ----------------------------------------------------------------------------------
 */

void march_start_all(sup *s);
/* Bring the pivot's group down and up again, `delay` ms after now at the earliest. */
void march_group(sup *s, slot *pivot, actor_ms delay);
void march_group_up(sup *s); /* the wait is over */
void march_close(sup *s);    /* end all, in reverse */
void march_kill(sup *s);     /* likewise, at once */
void march_step(sup *s);     /* go on as far as possible */
bool march_goes(const sup *s);
/* The group goes down, and c, which is down already, comes up with it: no start of its own. */
bool march_will_start(const sup *s, const slot *c);
void march_forget(sup *s, const slot *c); /* c leaves the order */
void march_reordered(sup *s);             /* while no march goes */

/* ---- calls.c ----------------------------------------------------------------------------------
 */

void sup_call_take(sup *s, actor_msg *msg);
void sup_call_run(sup *s, request *r);
void sup_call_refuse_all(sup *s); /* the supervisor ends */
/* End the instance for good, whatever it does. */
void sup_call_drop(sup *s, slot *c, request *r);

/* ---- change.c, look.c, within.c
 * -------------------------------------------------------------------------
 */

void sup_call_start_new(sup *s, request *r);
void sup_call_scale(sup *s, pool *p, request *r); /* NULL: the child has ended */
void sup_call_update(sup *s, request *r);
void sup_call_order(sup *s, request *r);
void sup_call_flags(sup *s, request *r);
void sup_forget_spec(sup *s, pool *p); /* it no longer comes back with the supervisor */

void sup_call_which(sup *s, request *r);
void sup_call_within(sup *s, request *r);
void sup_call_count(sup *s, request *r);

/* ---- decide.c ---------------------------------------------------------------------------------
 */

void sup_decide(sup *s, slot *c); /* CRASHED, out of the queue */
/* It has ended by itself and for good, which may end the supervisor. c may be gone. */
void sup_finished(sup *s, slot *c);
void sup_start_failed(sup *s, slot *c); /* at the first start of all */

/* ---- supervisor.c -----------------------------------------------------------------------------
 */

void sup_publish(const sup *s, supervisor_event_kind kind, const char *child);
void sup_started(sup *s);
void sup_closed(sup *s);
actor_ms sup_now(const sup *s);
void sup_budget_changed(sup *s); /* tell, and wait for the next to age out */

#endif
