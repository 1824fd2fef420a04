/* The actions that many tests tell their probes. */
#include "tests/support/probe.h"

#include <string.h>

actor_verdict probe_return(actor *self, probe *p, void *verdict)
{
    (void)self;
    (void)p;
    return *(const actor_verdict *)verdict;
}

actor_verdict probe_crash(actor *self, probe *p, void *reason)
{
    (void)p;
    return reason ? actor_fail(self, ACTOR_FAIL_RESTART, "%s", (const char *)reason)
                  : ACTOR_FAIL_RESTART;
}

actor_verdict probe_answer(actor *self, probe *p, void *value)
{
    (void)self;
    actor_msg *reply = probe_value(*(const uint64_t *)value);
    ck_assert_int_eq(actor_reply(p->msg, &reply), ACTOR_OK);
    ck_assert_ptr_null(reply);
    return ACTOR_CONTINUE;
}

actor_verdict probe_take(actor *self, probe *p, void *unused)
{
    (void)unused;
    p->held = actor_take(self);
    ck_assert_ptr_nonnull(p->held);
    return ACTOR_CONTINUE;
}

actor_verdict probe_close(actor *self, probe *p, void *unused)
{
    (void)p;
    (void)unused;
    actor_intake(self, false);
    return ACTOR_CONTINUE;
}

actor_verdict probe_open(actor *self, probe *p, void *unused)
{
    (void)p;
    (void)unused;
    actor_intake(self, true);
    return ACTOR_CONTINUE;
}

actor_verdict probe_unstash(actor *self, probe *p, void *unused)
{
    (void)p;
    (void)unused;
    actor_unstash(self);
    return ACTOR_CONTINUE;
}

actor_verdict probe_started(actor *self, probe *p, void *unused)
{
    (void)p;
    (void)unused;
    actor_started(self);
    return ACTOR_CONTINUE;
}

actor_verdict probe_stopped(actor *self, probe *p, void *unused)
{
    (void)p;
    (void)unused;
    actor_stopped(self);
    return ACTOR_CONTINUE;
}

actor_verdict probe_watch(actor *self, probe *p, void *target)
{
    (void)p;
    ck_assert_int_eq(actor_watch(self, ((probe *)target)->ref, false), ACTOR_OK);
    return ACTOR_CONTINUE;
}

actor_verdict probe_watch_restarts(actor *self, probe *p, void *target)
{
    (void)p;
    ck_assert_int_eq(actor_watch(self, ((probe *)target)->ref, true), ACTOR_OK);
    return ACTOR_CONTINUE;
}

actor_verdict probe_unwatch(actor *self, probe *p, void *target)
{
    (void)p;
    actor_unwatch(self, ((probe *)target)->ref);
    return ACTOR_CONTINUE;
}

actor_verdict probe_want_room(actor *self, probe *p, void *target)
{
    (void)p;
    ck_assert_int_eq(actor_want_room(self, ((probe *)target)->ref), ACTOR_OK);
    return ACTOR_CONTINUE;
}
