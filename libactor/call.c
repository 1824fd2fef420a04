#include "libactor/call.h"

#include "libactor/clock.h"
#include "libactor/dead.h"
#include "libactor/futex.h"
#include "libactor/send.h"
#include "libactor/sim.h"

/* A port is a slot whose consumer is the calling thread, and being scheduled is a futex wake: its
 * `count` is 1 when somebody has cleared the empty mark. The thread keeps it for its next call,
 * but not after a timeout: then it is retired, and a late reply finds nobody. */

static actor *port_of_thread(void)
{
    actor__thread *t = &actor__me;

    if (t->port == NULL) {
        actor *a = actor__slot_get();

        if (a == NULL)
            return NULL;
        a->sys = NULL;
        a->capacity = 0;
        a->locked = false;
        a->port = true;
        a->high = false;
        a->local = false;
        (void)actor__slot_publish(a);
        t->port = a;
    }
    return t->port;
}

static void retire_port(void)
{
    actor *a = actor__me.port;

    if (a == NULL)
        return;
    actor__me.port = NULL;
    actor__slot_void(a);
    actor__slot_retire(a);
}

void actor__call_thread_ends(void)
{
    retire_port();
}

void actor__call_wake(actor *port)
{
    store_release(&port->count, 1);
    actor__futex_wake(&port->count, 1);
}

/* What can be reached now. NULL: nothing. */
static actor_msg *pop(actor *a)
{
    actor__node *n = load_acquire(&a->tail->next);

    if (n == NULL)
        return NULL;
    a->tail = n; /* the one before was the stub: each message is taken out at once */
    actor__mailbox_detach(a, n);
    return actor__node_msg(n);
}

/* False: the deadline passed, and nobody is about to wake us. */
static bool sleep_on(actor *a, int64_t deadline_ns)
{
    store_relaxed(&a->count, 0);
    if (!actor__mailbox_close(a, a->tail, ACTOR__EMPTY))
        return true; /* a message is just coming */
    while (load_acquire(&a->count) == 0) {
        if (deadline_ns != ACTOR__FOREVER && actor__clock_ns() >= deadline_ns) {
            if (actor__mailbox_wake(a))
                return false;
            deadline_ns = ACTOR__FOREVER; /* somebody was faster and is waking us */
        }
        actor__futex_wait(&a->count, 0, deadline_ns);
    }
    return true;
}

/* The message that answers call `serial`, or what came too late for earlier ones. */
static actor_err answer(actor_msg *m, uint64_t serial, actor_msg **reply, bool *done)
{
    *done = m->tag == serial && (m->kind == ACTOR__ASK_REPLY || m->kind == ACTOR__ASK_ENDED);
    if (*done && m->kind == ACTOR__ASK_REPLY) {
        ACTOR__UNPOISON(actor__payload(m), actor__msg_private(m));
        m->kind = ACTOR__USER;
        m->held = false;
        *reply = m;
        return ACTOR_OK;
    }
    actor__dead_letter(NULL, ACTOR_NONE, m, ACTOR_ENOTFOUND);
    return ACTOR_EENDED;
}

static actor_err await(actor_system *sys, actor *a, actor_ms timeout, uint64_t serial,
                       actor_msg **reply)
{
    const int64_t longest = (INT64_MAX >> 1) / ACTOR__NS_PER_MS;
    int64_t deadline_ns = ACTOR__FOREVER;
    actor_ms until = INT64_MAX;

    if (timeout >= 0 && timeout < longest) {
        deadline_ns = actor__clock_ns() + timeout * ACTOR__NS_PER_MS;
        until = sys->sim.now + timeout;
    }
    for (;;) {
        actor_msg *m = pop(a);

        if (m != NULL) {
            bool done;
            actor_err err = answer(m, serial, reply, &done);

            if (done)
                return err;
        } else if (sys->options.simulate) {
            if (!actor__sim_event(sys, until))
                return ACTOR_ETIMEOUT;
        } else if (!sleep_on(a, deadline_ns)) {
            return ACTOR_ETIMEOUT;
        }
    }
}

actor_err actor_call(actor_system *sys, actor_ref to, actor_msg **msg, actor_ms timeout,
                     actor_msg **reply)
{
    static _Thread_local uint64_t serial;
    actor_msg *m = *msg;

    if (actor__on_worker() || m->ask || m->kind == ACTOR__NOTICE)
        return ACTOR_EINVAL;
    actor__online();

    actor *a = port_of_thread();

    actor__offline();
    if (a == NULL)
        return ACTOR_ENOMEM;

    actor_ref sender = m->sender;
    uint64_t tag = m->tag;

    m->ask = true;
    m->sender = actor__ref_of(a);
    m->tag = ++serial;

    actor_err err = actor__send(to, msg);

    if (err != ACTOR_OK) {
        m->ask = false;
        m->sender = sender;
        m->tag = tag;
        return err;
    }
    err = await(sys, a, timeout, serial, reply);
    if (err == ACTOR_ETIMEOUT) {
        retire_port();
        actor__slot_reclaim(false);
    }
    return err;
}
