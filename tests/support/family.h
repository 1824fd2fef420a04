/* A supervision tree of scripted children in a simulated system.
 *
 * A kid does what its script says, and what it is told by kid_do(), and writes into `log` what
 * happens to it:
 *
 *   (a +a     its start begins, and is over; a quick one only says +a
 *   !a ?a     its start failed; it declined
 *   <a -a     it was asked to stop, and has; a quick one only says -a
 *   xa        it was killed
 *   *a        it crashed, or exited by itself
 *
 * Supervisors write into `events`: up NAME, failed NAME, tripped NAME(CHILD), escalated
 * NAME(CHILD), down NAME (or done NAME(CHILD), by auto_shutdown); the name of the root is `root`.
 * `reason` keeps the last reason. `states` gets every change of a child's state, as a:running, of a
 * pool's instance as a2:running.
 *
 * One system at a time; one thread.
 */
#ifndef TESTS_FAMILY_H
#define TESTS_FAMILY_H

#include "libactor/actor.h"
#include "supervisors/supervisor.h"
#include "tests/support/trace.h"

typedef struct kid {
    char name[16];
    /* its spec */
    supervisor_restart restart;
    bool significant;
    uint32_t instances; /* above 0: it is a pool, and its instances are the kids a1, a2 ... */
    actor_ms shutdown;  /* 5000 */
    actor_ms start_timeout;
    /* its script */
    int failing_starts;  /* so many of the next starts fail */
    bool declines;       /* the next start */
    actor_ms start_time; /* negative: for ever */
    actor_ms stop_time;  /* negative: for ever */
    /* what it has become */
    actor_ref ref;
    unsigned starts;  /* that succeeded */
    unsigned handled; /* counted, over all lives */
    unsigned private; /* counted in this life */
    unsigned value;   /* of the last KID_VALUE + n */
    actor_ms started_at, ended_at;
    bool alive;
    /* what the observer was told last */
    supervisor_child_event seen;
    bool expected; /* the last end was */
    char why[128];
} kid;

typedef enum kid_order {
    KID_COUNT, /* count */
    KID_EXIT,  /* clean */
    KID_CRASH,
    KID_FAIL_MESSAGE,
    KID_FAIL_STOP,
    KID_ESCALATE,
    KID_VALUE, /* and above: remember how much above */
} kid_order;

extern actor_system *family;
extern trace family_log, family_events, family_states;
extern char family_reason[512];
extern unsigned family_dead_letters;
extern uint32_t family_used; /* of the restart budget, as the last supervisor said */

void family_setup(uint64_t seed); /* a system without actors */
void family_teardown(void);

/* The kid of this name, which is made at the first time. */
kid *kid_of(const char *name);
void kid_do(const char *name, kid_order order);

/* Flags without backoff. */
supervisor_flags family_flags(supervisor_strategy strategy, int32_t max, actor_ms period);
/* A spec with these kids, "a b c". `name` is the supervisor's. */
supervisor_spec *family_spec(const char *name, supervisor_flags flags, const char *children);
supervisor_child family_child(const kid *k);
void family_nest(supervisor_spec *spec, const char *name, supervisor_spec *nested,
                 supervisor_restart restart);

/* Spawn the root and run what is ready. */
actor_ref family_spawn(supervisor_spec *spec);
void family_settle(void);        /* run what is ready; the clock stands */
void family_run(actor_ms delay); /* let time pass */
actor_ms family_now(void);

/* ---- Calls ---- */

typedef struct family_call {
    bool done;
    actor_err how;
    supervisor_err err;
    actor_ref ref;
    supervisor_counts counts;
    char reason[256];
    char list[512]; /* of which: a:running b2:stopped */
    supervisor_child_info first;
    actor_ms at; /* when it was answered */
    actor_msg *request;
    actor_ref to;
} family_call;

/* Ask, and run what is ready. */
void family_ask(family_call *c, actor_ref supervisor, actor_msg *request);
/* Ask; it must be answered at once, with `err`. */
#define family_answers(to, request, expected)                                                      \
    do {                                                                                           \
        family_ask(&family_last, (to), (request));                                                 \
        ck_assert_msg(family_last.done, "no answer yet");                                          \
        ck_assert_int_eq(family_last.how, ACTOR_OK);                                               \
        ck_assert_str_eq(supervisor_strerror(family_last.err), supervisor_strerror(expected));     \
    } while (0)
extern family_call family_last;

/* The reference of a nested supervisor, as the observer was told. */
actor_ref family_ref(const char *name);

#endif
