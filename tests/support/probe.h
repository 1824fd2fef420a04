/* An actor that does what a test tells it and writes down what happens to it.
 *
 * The words in its trace (INC is the incarnation):
 *
 *   +INC              its start callback ran
 *   -stop -kill -crash  its stop callback ran
 *   7                 it handled the value 7
 *   @7                it handled the timer message with tag 7
 *   a:started1        a notice about its child `a`; also declined1, failed1, exited1=WHY, ended;
 *                     followed by (REASON) if there is one
 *   a>WHY             watched `a` ended; `a>again`: it restarted
 *   a!room a!ended    it was told of room in the mailbox of `a`, or that `a` ended
 *   ?ok=7 ?timeout ?ended   outcome of an ask made with probe_ask()
 *   ~                 its argument was freed: it has ended
 *
 * A probe must outlive its system. One thread: for simulated systems only.
 */
#ifndef TESTS_PROBE_H
#define TESTS_PROBE_H

#include "libactor/actor.h"
#include "tests/support/trace.h"

enum {
    PROBE_VALUE = 1, /* payload uint64_t */
    PROBE_DO,        /* payload probe_action: run it in the handler */
};

typedef struct probe {
    const char *name;
    actor_verdict on_start;                                  /* what start returns */
    actor_verdict (*in_start)(actor *self, struct probe *p); /* instead, if not NULL */
    actor_verdict on_stop;                                   /* what stop returns */
    actor_verdict (*in_stop)(actor *self, struct probe *p, actor_how how);
    actor_verdict (*on_value)(actor *self, struct probe *p, uint64_t value);  /* may be NULL */
    actor_verdict (*on_room)(actor *self, struct probe *p, actor_ref target); /* may be NULL */
    bool restarts; /* as a supervisor: starts a child again that crashed */
    actor_ref ref;
    trace log;
    actor_msg *msg;  /* in hand, while an action or on_value runs */
    actor_msg *held; /* for tests that take a message */
    actor_timer *timer;
    actor_ask_id ask;
    unsigned freed; /* times its argument was freed: 1 once it has ended */
} probe;

/* Runs in the handler of a probe. */
typedef actor_verdict (*probe_act)(actor *self, probe *p, void *arg);
typedef struct probe_action {
    probe_act act;
    void *arg;
} probe_action;

/* A simulated system whose dead letters are written to `dead`, as VALUE=WHY. WHY is one of gone,
 * full, ended, purged, failed. Words for the rest of messages: `do`, `other`. */
actor_system *probe_system(uint64_t seed, trace *dead);

/* Run all that is ready, without advancing the clock. */
void probe_settle(actor_system *sys);

/* The specification of a probe's actor. */
actor_spec probe_spec(probe *p, const probe *supervisor);

/* Spawn the actor of a probe; under a supervisor it stays down. */
void probe_create(actor_system *sys, probe *p, const actor_spec *spec);

/* Create it, start it where it has a supervisor, and settle. */
void probe_spawn(actor_system *sys, probe *p, const probe *supervisor);

actor_msg *probe_value(uint64_t value);
actor_msg *probe_do(probe_act act, void *arg);

/* Send a value or an action; it must be accepted. */
void probe_send(const probe *to, uint64_t value);
void probe_send_as(const probe *to, uint64_t value, actor_priority priority);
void probe_run(const probe *to, probe_act act, void *arg);

/* As a system message, which is handled also while starting, stopping or paused. */
void probe_run_system(const probe *to, probe_act act, void *arg);

/* The same, and settle. */
void probe_now(actor_system *sys, const probe *p, probe_act act, void *arg);

/* From an action: ask `to` for something; the outcome is written to the asker's trace. */
void probe_ask(actor *self, probe *p, const probe *to, actor_msg *msg, actor_ms timeout);

const char *probe_why(actor_exit why);

/* ---- Actions ---- */

actor_verdict probe_return(actor *self, probe *p, void *verdict); /* an actor_verdict * */
actor_verdict probe_crash(actor *self, probe *p, void *reason);   /* a text, or NULL */
actor_verdict probe_answer(actor *self, probe *p, void *value);   /* a uint64_t * */
actor_verdict probe_take(actor *self, probe *p, void *unused);    /* the message, into p->held */
actor_verdict probe_close(actor *self, probe *p, void *unused);   /* the intake */
actor_verdict probe_open(actor *self, probe *p, void *unused);
actor_verdict probe_unstash(actor *self, probe *p, void *unused);
actor_verdict probe_started(actor *self, probe *p, void *unused);
actor_verdict probe_stopped(actor *self, probe *p, void *unused);
actor_verdict probe_watch(actor *self, probe *p, void *target); /* a probe * */
actor_verdict probe_watch_restarts(actor *self, probe *p, void *target);
actor_verdict probe_unwatch(actor *self, probe *p, void *target);
actor_verdict probe_want_room(actor *self, probe *p, void *target);

#endif
