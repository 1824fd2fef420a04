/* Probes for tracers (USDT): places where perf, bpftrace and the like can look on.
 *
 * A probe that nobody looks at is one nop; what it tells is described in a note of the ELF file, as
 * registers and places in memory. So an argument should be in one of them anyway: of a handle,
 * which would have to be put together from its halves, the slot keeps a whole picture.
 * docs/tracing.md is the users' page.
 *
 * There are none where <sys/sdt.h> is missing, with `make PROBES=0`, and under ThreadSanitizer,
 * which takes the description of an argument for an access.
 */
#ifndef ACTOR_PROBE_H
#define ACTOR_PROBE_H

#ifndef ACTOR_PROBES
#if defined(__SANITIZE_THREAD__)
#define ACTOR_PROBES 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ACTOR_PROBES 0
#endif
#endif
#endif
#if !defined(ACTOR_PROBES) && defined(__has_include)
#if __has_include(<sys/sdt.h>)
#define ACTOR_PROBES 1
#endif
#endif
#ifndef ACTOR_PROBES
#define ACTOR_PROBES 0
#endif

#if ACTOR_PROBES
#if defined(__clang__) /* it would copy the arguments to the stack */
#define STAP_SDT_ARG_CONSTRAINT nr
#endif
#include <sys/sdt.h>
#define ACTOR__PROBE2(name, a, b)    STAP_PROBE2(actor, name, a, b)
#define ACTOR__PROBE3(name, a, b, c) STAP_PROBE3(actor, name, a, b, c)
#else
#define ACTOR__PROBE2(name, a, b)    ((void)(a), (void)(b))
#define ACTOR__PROBE3(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

/* `m` goes to the actor in slot `a`: to, from, type. Before it is pushed. */
#define ACTOR__PROBE_SEND(a, m) ACTOR__PROBE3(send, (a)->bits, (m)->sender.bits, (m)->type)

/* A worker begins a batch of an actor: actor, worker. */
#define ACTOR__PROBE_RUN(a, w) ACTOR__PROBE2(run, (a)->bits, (w)->index)

/* The batch is over: worker, steps taken, and how it ended (actor__after). */
#define ACTOR__PROBE_RAN(w, steps, after) ACTOR__PROBE3(ran, (w)->index, steps, after)

/* A worker took actors from another's run queue: thief, victim, how many. */
#define ACTOR__PROBE_STEAL(w, victim, n) ACTOR__PROBE3(steal, (w)->index, (victim)->index, n)

/* A worker goes to sleep: worker, until when (ns, CLOCK_MONOTONIC). */
#define ACTOR__PROBE_SLEEP(w, until) ACTOR__PROBE2(sleep, (w)->index, until)

/* Somebody wakes a worker: worker, and which one does it; -1: another thread. */
#define ACTOR__PROBE_WAKE(w, waker)                                                                \
    ACTOR__PROBE2(wake, (w)->index, (waker) != NULL ? (int)(waker)->index : -1)

/* A new actor: actor, its supervisor, the name of its behaviour. */
#define ACTOR__PROBE_SPAWN(ref, spec)                                                              \
    ACTOR__PROBE3(spawn, (ref).bits, (spec)->supervisor.bits, (spec)->behaviour->name)

/* An actor ended for good: actor, how (actor_exit). */
#define ACTOR__PROBE_STOP(ref, exit) ACTOR__PROBE2(stop, (ref).bits, exit)

#endif
