/* Supervisors on real threads: nothing here waits for a time, only for answers. For TSan, and for
 * the cost of many children. */
#include "supervisors/supervisor.h"
#include "tests/support/latch.h"
#include "tests/support/suite.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { CRASH = 1 }; /* a message type */

static atomic_uint running;     /* incarnations */
static latch over = LATCH_INIT; /* supervisors that have stopped */
static actor_system *sys;

static actor_verdict kid_start(actor *self, void *state, void *arg)
{
    actor_timer *timer;
    (void)state;
    atomic_fetch_add(&running, 1);
    if (!arg)
        return ACTOR_CONTINUE;
    return actor_after(self, 1, ACTOR_MSG_TIMER, 0, &timer) == ACTOR_OK ? ACTOR_PENDING
                                                                        : ACTOR_FAIL_RESTART;
}

static actor_verdict kid_handle(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    if (actor_msg_type(msg) == CRASH)
        return actor_fail(self, ACTOR_FAIL_RESTART, "told to");
    actor_started(self);
    return ACTOR_CONTINUE;
}

static actor_verdict kid_stop(actor *self, void *state, actor_how how)
{
    (void)self;
    (void)state;
    (void)how;
    atomic_fetch_sub(&running, 1);
    return ACTOR_CONTINUE;
}

static const actor_behaviour kid = {
    .name = "kid", .start = kid_start, .handle = kid_handle, .stop = kid_stop};

static void setup(void)
{
    actor_system_options options = {.workers = 4};
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    atomic_store(&running, 0);
}

static void teardown(void)
{
    actor_system_free(sys, 10000);
}

static void on_supervisor(void *user, const supervisor_event *e)
{
    if (e->kind == SUPERVISOR_STOPPED)
        latch_add(user, 1);
}

static supervisor_spec *spec_of(supervisor_strategy strategy, const char *prefix, int count)
{
    supervisor_flags flags = {
        .strategy = strategy, .max_restarts = SUPERVISOR_UNLIMITED, .backoff = {.none = true}};
    supervisor_observer observer = {.supervisor = on_supervisor, .user = &over};
    supervisor_spec *spec;
    ck_assert_int_eq(supervisor_spec_new(&flags, &observer, 1, NULL, 0, &spec), SUPERVISOR_OK);
    for (int i = 0; i < count; i++) {
        char id[32];
        snprintf(id, sizeof id, "%s%d", prefix, i);
        supervisor_child c = {.id = id,
                              .behaviour = &kid,
                              .arg = i % 3 == 1 && count < 100 ? &running : NULL,
                              .shutdown = 5000};
        ck_assert_int_eq(supervisor_spec_add(spec, &c, NULL, 0), SUPERVISOR_OK);
    }
    return spec;
}

/* Ask and copy the answer; children are not kept. */
static supervisor_reply call(actor_ref to, actor_msg *request)
{
    actor_msg *reply;
    ck_assert_ptr_nonnull(request);
    ck_assert_int_eq(actor_call(sys, to, &request, 30000, &reply), ACTOR_OK);
    const supervisor_reply *r = supervisor_reply_get(reply);
    ck_assert_ptr_nonnull(r);
    supervisor_reply copy = *r;
    copy.children = NULL;
    copy.reason = "";
    actor_msg_free(reply);
    return copy;
}

static actor_ref child_of(actor_ref supervisor, const char *id)
{
    actor_msg *reply, *request = supervisor_request_which(id);
    ck_assert_ptr_nonnull(request);
    ck_assert_int_eq(actor_call(sys, supervisor, &request, 30000, &reply), ACTOR_OK);
    actor_ref ref = supervisor_reply_get(reply)->children[0].ref;
    actor_msg_free(reply);
    return ref;
}

static void crash(actor_ref ref)
{
    actor_msg *msg = actor_msg_new(CRASH, 0);
    ck_assert_ptr_nonnull(msg);
    if (actor_send(ref, &msg) != ACTOR_OK)
        actor_msg_free(msg);
}

START_TEST(crashes_and_calls_from_everywhere)
{
    enum { KIDS = 12, ROUNDS = 40 };
    static const supervisor_strategy strategies[] = {SUPERVISOR_ONE_FOR_ONE, SUPERVISOR_ONE_FOR_ALL,
                                                     SUPERVISOR_REST_FOR_ONE};
    static const char *const names[] = {"one", "all", "rest"};
    supervisor_spec *top = spec_of(SUPERVISOR_ONE_FOR_ONE, "t", 3);
    actor_ref root, refs[3][KIDS];
    char id[32];

    for (int i = 0; i < 3; i++) {
        supervisor_child c = {.id = names[i],
                              .nested = spec_of(strategies[i], names[i], KIDS),
                              .shutdown = SUPERVISOR_INFINITY};
        ck_assert_int_eq(supervisor_spec_add(top, &c, NULL, 0), SUPERVISOR_OK);
    }
    ck_assert_int_eq(supervisor_spawn(sys, top, &root), SUPERVISOR_OK);
    ck_assert_uint_eq(call(root, supervisor_request_count()).counts.active, 6);
    for (int round = 0; round < ROUNDS; round++) {
        actor_ref nested[3];
        for (int i = 0; i < 3; i++) {
            nested[i] = child_of(root, names[i]);
            for (int k = 0; k < KIDS; k++) {
                snprintf(id, sizeof id, "%s%d", names[i], k);
                refs[i][k] = child_of(nested[i], id);
            }
        }
        for (int k = 0; k < KIDS; k++)
            for (int i = 0; i < 3; i++)
                crash(refs[i][(k * 5 + round) % KIDS]);
        snprintf(id, sizeof id, "%s%d", names[round % 3], round % KIDS);
        ck_assert_int_eq(call(nested[round % 3], supervisor_request_stop(id)).err, SUPERVISOR_OK);
        (void)call(nested[round % 3], supervisor_request_restart(id));
        if (round % 10 == 9)
            ck_assert_int_eq(call(root, supervisor_request_restart(names[round % 3])).err,
                             SUPERVISOR_OK);
    }
    ck_assert_int_eq(call(root, supervisor_request_drop("one")).err, SUPERVISOR_OK);
    ck_assert_int_eq(call(root, supervisor_request_drop("all")).err, SUPERVISOR_OK);
    ck_assert_int_eq(call(root, supervisor_request_drop("rest")).err, SUPERVISOR_OK);
    ck_assert_uint_eq(atomic_load(&running), 3);
}
END_TEST

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Start, crash each, stop: seconds for `count` children. */
static double life_of(int count)
{
    actor_ref root;
    double begun = seconds();

    uint64_t stopped = latch_count(&over);
    ck_assert_int_eq(supervisor_spawn(sys, spec_of(SUPERVISOR_ONE_FOR_ONE, "k", count), &root),
                     SUPERVISOR_OK);
    ck_assert_uint_eq(call(root, supervisor_request_count()).counts.active, (unsigned)count);
    for (int i = 0; i < count; i += 10) {
        char id[32];
        snprintf(id, sizeof id, "k%d", i);
        crash(child_of(root, id));
    }
    ck_assert_int_eq(actor_stop(root), ACTOR_OK);
    ck_assert(latch_wait(&over, stopped + 1));
    ck_assert_uint_eq(atomic_load(&running), 0);
    return seconds() - begun;
}

START_TEST(SUP_100_ten_times_the_children_take_about_ten_times_as_long)
{
    enum { FEW = 2000 };
    double few = life_of(FEW);
    double many = life_of(10 * FEW);
    /* Quadratic would be a hundred times; the machine may be busy. */
    ck_assert_msg(many < 40 * few, "%d take %.3f s, %d take %.3f s", FEW, few, 10 * FEW, many);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {crashes_and_calls_from_everywhere,
                                  SUP_100_ten_times_the_children_take_about_ten_times_as_long,
                                  NULL};
    return suite_run("supervisor_threads", tests, setup, teardown);
}
