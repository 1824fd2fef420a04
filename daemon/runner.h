/* A runner: one instance of a unit, through all of its incarnations.
 *
 * A unit has one mailbox and one runner or more that take messages out of it as they become free.
 * What is one for all of them (messages, policies, counters) is the unit's; here is what each has
 * for itself. The actor behind it is delivery.c's.
 *
 * Who is woken: a message needs one runner with room, so free runners stand in line, and a nudge
 * takes the first. A runner is in that line from the moment it has looked at the mailbox and left
 * with room, under the unit's lock, until it is woken or has no more room. One that leaves messages
 * behind for lack of room wakes the next, so no wake-up is lost and few are wasted.
 *
 * Threads  any; the fields are guarded by the unit's lock. A runner lives as long as its unit.
 */
#ifndef DAEMON_RUNNER_H
#define DAEMON_RUNNER_H

#include "daemon/unit.h"

struct runner {
    unit *unit;
    uint32_t number;        /* from 1 */
    atomic_bool nudged;     /* a wake-up is on its way */
    atomic_bool kill_asked; /* actor.kill: what is in hand is charged with a failed attempt */

    bool there;  /* the supervisor has it, or will have when it starts */
    bool free;   /* it is in unit.free */
    bool leaves; /* it is one too many: it takes no more, and ends when it has nothing in hand */
    TAILQ_ENTRY(runner) line;
    pid_t pid; /* of its process; 0: none */

    /* published by the supervisor's observer */
    unit_state state;
    bool up; /* an incarnation has started, and not ended yet */
    actor_ref ref;
    uint32_t incarnation;
    uint32_t restarts;               /* by the supervisor; a new one begins at 0 */
    char last_exit[UNIT_REASON_MAX]; /* "": none yet */
    clock_ms next_start;             /* in backoff; monotonic */
    clock_ms state_since;
};

/* Have the runners 1 to `count`. False: out of memory; those there stay. */
bool unit_reserve(unit *u, uint32_t count);
/* So many of them are there, stopped, until their supervisor tells of them. */
void unit_expect_runners(unit *u, uint32_t count);
void unit_free_runners(unit *u);
/* One that unit_reserve() has made. */
runner *unit_runner(unit *u, uint32_t number);
/* The state of the unit from those of its runners: of the one that is best off. */
void unit_sum_up(unit *u) LOCK_REQUIRES(u->lock);

/* How many there are, and how many of them run. */
typedef struct runner_counts {
    uint32_t there, running;
} runner_counts;
runner_counts unit_count_runners(const unit *u) LOCK_REQUIRES(u->lock);

/* It has looked at the mailbox, and may take another message or not. */
void runner_looked(unit *u, runner *r, bool room) LOCK_REQUIRES(u->lock);
/* Wake this one, so that it looks at the mailbox and at what it has in hand. Without the unit's
 * lock. */
void runner_nudge(runner *r);

void runner_set_pid(runner *r, pid_t pid);

#endif
