/* actor_call(): asking from threads that are no workers. */
#include "tests/support/latch.h"
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* What a server does with a value is its argument. */
typedef enum manner { ECHO, IGNORE, KEEP, STOP, CRASH } manner;

static actor_system *sys;
static latch kept = LATCH_INIT; /* times a server took a request */
static latch done = LATCH_INIT;
static actor_msg *request; /* the one taken; written before `kept` is raised */

static actor_msg *answer_to(actor_msg *msg)
{
    actor_msg *reply = actor_msg_new(PROBE_VALUE, sizeof(uint64_t));
    if (reply)
        memcpy(actor_msg_data(reply), actor_msg_data(msg), sizeof(uint64_t));
    return reply;
}

static actor_verdict serve(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    switch (*(const manner *)actor_self_arg(self)) {
    case ECHO: {
        actor_msg *reply = answer_to(msg);
        if (actor_reply(msg, &reply) != ACTOR_OK)
            actor_msg_free(reply); /* the caller's time was over */
        break;
    }
    case IGNORE:
        break;
    case KEEP:
        request = actor_take(self);
        latch_add(&kept, 1);
        break;
    case STOP:
        actor_stop(actor_self(self));
        break;
    case CRASH:
        return ACTOR_FAIL_RESTART;
    }
    return ACTOR_CONTINUE;
}

static const actor_behaviour server = {.name = "server", .handle = serve};

/* The counts are those of one test, also where Check does not fork (CK_FORK=no). */
static void setup(void)
{
    kept.count = 0;
    done.count = 0;
    request = NULL;
    actor_system_options options = {.workers = 2};
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
}

static void teardown(void)
{
    actor_system_free(sys, 1000);
}

static actor_ref spawn(const manner *how)
{
    actor_ref ref;
    actor_spec spec = {.behaviour = &server, .arg = (void *)how};
    ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    return ref;
}

/* Call with a value; the message is freed if it was not taken. */
static actor_err call(actor_ref to, uint64_t value, actor_ms timeout, uint64_t *out)
{
    actor_msg *msg = probe_value(value), *reply = NULL;
    actor_err err = actor_call(sys, to, &msg, timeout, &reply);
    if (err == ACTOR_OK) {
        memcpy(out, actor_msg_data(reply), sizeof *out);
        actor_msg_free(reply);
    }
    actor_msg_free(msg);
    return err;
}

START_TEST(call_gets_the_reply)
{
    static const manner how = ECHO;
    actor_ref ref = spawn(&how);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t value = 0;
        ck_assert_int_eq(call(ref, i, i % 2 ? -1 : 30000, &value), ACTOR_OK);
        ck_assert_uint_eq(value, i);
    }
}
END_TEST

START_TEST(call_of_nobody_leaves_message_with_caller)
{
    actor_msg *msg = probe_value(1), *same = msg, *reply = NULL;
    ck_assert_int_eq(actor_call(sys, ACTOR_NONE, &msg, -1, &reply), ACTOR_ENOTFOUND);
    ck_assert_ptr_eq(msg, same);
    ck_assert_ptr_null(reply);
    actor_msg_free(msg);
}
END_TEST

START_TEST(refused_call_leaves_the_message_as_it_was)
{
    static const manner how = ECHO;
    actor_ref ref = spawn(&how);
    actor_msg *msg = probe_value(1), *reply = NULL, *none = NULL;
    ck_assert_int_eq(actor_call(sys, ref, &msg, -1, &reply), ACTOR_OK);
    uint64_t tag = actor_msg_tag(reply);
    ck_assert_int_eq(actor_call(sys, ACTOR_NONE, &reply, -1, &none), ACTOR_ENOTFOUND);
    ck_assert(!actor_msg_is_ask(reply));
    ck_assert(actor_ref_eq(actor_msg_sender(reply), ref));
    ck_assert_uint_eq(actor_msg_tag(reply), tag);
    actor_msg_free(reply);
}
END_TEST

START_TEST(call_that_is_not_answered_ends)
{
    static const manner hows[] = {IGNORE, CRASH};
    uint64_t value;
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(call(spawn(&hows[i]), 1, -1, &value), ACTOR_EENDED);
}
END_TEST

static void *call_queued(void *ref)
{
    uint64_t value;
    actor_err err = call(*(actor_ref *)ref, 2, -1, &value);
    latch_add(&done, err == ACTOR_EENDED || err == ACTOR_ENOTFOUND ? 1 : 1000);
    return NULL;
}

START_TEST(call_ends_when_its_target_is_stopped)
{
    static const manner how = ECHO;
    actor_ref ref = spawn(&how);
    pthread_t threads[4];
    ck_assert_int_eq(actor_pause(ref), ACTOR_OK);
    uint64_t value;
    ck_assert_int_eq(call(ref, 1, 1, &value), ACTOR_ETIMEOUT); /* it is paused */
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_queued, &ref), 0);
    ck_assert_int_eq(actor_stop(ref), ACTOR_OK);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(latch_count(&done), 4);
}
END_TEST

START_TEST(call_times_out_and_not_before)
{
    static const manner how = KEEP;
    struct timespec from, to;
    uint64_t value;
    actor_ref ref = spawn(&how);
    clock_gettime(CLOCK_MONOTONIC, &from);
    ck_assert_int_eq(call(ref, 1, 40, &value), ACTOR_ETIMEOUT);
    clock_gettime(CLOCK_MONOTONIC, &to);
    int64_t us = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
    ck_assert_int_ge(us, 40000);
    ck_assert(latch_wait(&kept, 1));
    actor_msg *late = probe_value(3); /* nobody gets it, nothing leaks */
    if (actor_reply(request, &late) != ACTOR_OK)
        actor_msg_free(late);
    actor_msg_free(request);
}
END_TEST

START_TEST(call_without_time_does_not_wait)
{
    static const manner how = KEEP;
    uint64_t value;
    actor_ref ref = spawn(&how);
    ck_assert_int_eq(call(ref, 1, 0, &value), ACTOR_ETIMEOUT);
    ck_assert(latch_wait(&kept, 1));
    actor_msg_free(request);
}
END_TEST

START_TEST(reply_may_come_from_a_foreign_thread)
{
    static const manner how = KEEP;
    actor_ref ref = spawn(&how);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, call_queued, &ref), 0);
    ck_assert(latch_wait(&kept, 1));
    actor_msg *reply = probe_value(3);
    ck_assert_int_eq(actor_reply(request, &reply), ACTOR_OK);
    ck_assert_ptr_null(reply);
    actor_msg_free(request);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(latch_count(&done), 1000); /* answered, not ended */
}
END_TEST

START_TEST(request_freed_on_a_foreign_thread_ends_the_call)
{
    static const manner how = KEEP;
    actor_ref ref = spawn(&how);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, call_queued, &ref), 0);
    ck_assert(latch_wait(&kept, 1));
    actor_msg_free(request);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(latch_count(&done), 1);
}
END_TEST

static atomic_int worker_err = -1;

static actor_verdict call_from_handler(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    (void)msg;
    actor_msg *own = actor_msg_new(PROBE_VALUE, sizeof(uint64_t)), *reply = NULL;
    atomic_store(&worker_err,
                 actor_call(actor_self_system(self), actor_self(self), &own, 1000, &reply));
    actor_msg_free(own);
    latch_add(&done, 1);
    return ACTOR_CONTINUE;
}

START_TEST(call_on_a_worker_is_refused)
{
    static const actor_behaviour caller = {.name = "caller", .handle = call_from_handler};
    actor_ref ref;
    ck_assert_int_eq(actor_spawn(sys, &(actor_spec){.behaviour = &caller}, &ref), ACTOR_OK);
    actor_msg *msg = probe_value(1);
    ck_assert_int_eq(actor_send(ref, &msg), ACTOR_OK);
    ck_assert(latch_wait(&done, 1));
    ck_assert_int_eq(atomic_load(&worker_err), ACTOR_EINVAL);
}
END_TEST

enum { CALLERS = 6, CALLS = 200 };
static atomic_uint outcomes[ACTOR_ESYSTEM + 1];
static atomic_uint wrong;

static void *call_often(void *ref)
{
    for (uint64_t i = 0; i < CALLS; i++) {
        uint64_t value = UINT64_MAX;
        actor_err err = call(*(actor_ref *)ref, i, i % 5 == 4 ? 0 : 30000, &value);
        atomic_fetch_add(&outcomes[err], 1);
        if (err == ACTOR_OK && value != i)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

START_TEST(every_call_of_many_threads_has_its_own_outcome)
{
    static const manner how = ECHO;
    actor_ref ref = spawn(&how);
    pthread_t threads[CALLERS];
    for (int i = 0; i < CALLERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, &ref), 0);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    ck_assert_uint_eq(atomic_load(&outcomes[ACTOR_OK]) + atomic_load(&outcomes[ACTOR_ETIMEOUT]),
                      (uint64_t)CALLERS * CALLS);
    ck_assert_uint_ge(atomic_load(&outcomes[ACTOR_OK]), (uint64_t)CALLERS * CALLS / 5 * 4);
}
END_TEST

START_TEST(calls_end_when_the_target_stops_itself)
{
    static const manner how = STOP;
    pthread_t threads[CALLERS];
    actor_ref ref = spawn(&how);
    for (int i = 0; i < CALLERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_queued, &ref), 0);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(latch_count(&done), CALLERS);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        call_gets_the_reply,
        call_of_nobody_leaves_message_with_caller,
        refused_call_leaves_the_message_as_it_was,
        call_that_is_not_answered_ends,
        call_ends_when_its_target_is_stopped,
        call_times_out_and_not_before,
        call_without_time_does_not_wait,
        reply_may_come_from_a_foreign_thread,
        request_freed_on_a_foreign_thread_ends_the_call,
        call_on_a_worker_is_refused,
        every_call_of_many_threads_has_its_own_outcome,
        calls_end_when_the_target_stops_itself,
        NULL,
    };
    return suite_run("actor_call", tests, setup, teardown);
}
