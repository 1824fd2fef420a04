/* The wall clock may jump: nothing looks at it. The C library's clocks are replaced by ones that
 * jump by a year at every look, but for the monotonic one, which is the kernel's. With real
 * threads and in real time, for only there is a clock. */
#include "supervisors/breaker.h"
#include "supervisors/limiter.h"
#include "supervisors/retry.h"
#include "supervisors/supervisor.h"
#include "tests/support/suite.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* ---- The clocks ---- */

static atomic_int looks; /* at the wall clock */

static time_t jumping(void)
{
    static const time_t year = 31536000;
    int look = atomic_fetch_add(&looks, 1) + 1;
    return (look % 2 ? look : -look / 2) * year; /* forwards and backwards */
}

/* The C library's own names for these are reserved.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
int clock_gettime(clockid_t clock, struct timespec *out)
{
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        *out = (struct timespec){.tv_sec = jumping()};
        return 0;
    }
    return (int)syscall(SYS_clock_gettime, clock, out);
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    (void)zone;
    *out = (struct timeval){.tv_sec = jumping()};
    return 0;
}

time_t time(time_t *out)
{
    time_t now = jumping();
    if (out)
        *out = now;
    return now;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* ---- A child that crashes when it is told to, and answers otherwise ---- */

enum { HELLO = 1, CRASH };

static actor_verdict handle(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    if (actor_msg_type(msg) == CRASH)
        return ACTOR_FAIL_RESTART;
    actor_msg *reply = actor_take(self);
    ck_assert_int_eq(actor_reply(reply, &reply), ACTOR_OK);
    return ACTOR_CONTINUE;
}

static const actor_behaviour fragile = {.name = "fragile", .handle = handle};

static actor_system *sys;
static actor_ref root, kid;

static actor_err call(actor_ref to, actor_msg *msg, actor_msg **reply)
{
    ck_assert_ptr_nonnull(msg);
    actor_err err = actor_call(sys, to, &msg, 20000, reply);
    if (err != ACTOR_OK)
        actor_msg_free(msg);
    return err;
}

static void setup(void)
{
    actor_system_options options = {.workers = 2};
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    atomic_store(&looks, 0);
}

static void teardown(void)
{
    actor_system_free(sys, 1000);
}

/* Restarts wait 20 ms. */
static void running(int32_t limit, actor_ms period)
{
    supervisor_flags flags = {
        .max_restarts = limit,
        .period = period,
        .backoff = {.policy = {BACKOFF_FIXED, BACKOFF_JITTER_NONE, 20, 20, 1}, .reset_after = 1},
    };
    supervisor_child child = {.id = "a", .behaviour = &fragile};
    supervisor_spec *spec;
    actor_msg *answer;
    ck_assert_int_eq(supervisor_spec_new(&flags, NULL, 1, NULL, 0, &spec), SUPERVISOR_OK);
    ck_assert_int_eq(supervisor_spec_add(spec, &child, NULL, 0), SUPERVISOR_OK);
    ck_assert_int_eq(supervisor_spawn(sys, spec, &root), SUPERVISOR_OK);
    ck_assert_int_eq(call(root, supervisor_request_which("a"), &answer), ACTOR_OK);
    kid = supervisor_reply_get(answer)->children[0].ref;
    actor_msg_free(answer);
}

/* Crash it, then ask: the question waits for the restart. */
static actor_err crash(void)
{
    actor_msg *msg = actor_msg_new(CRASH, 0), *reply;
    ck_assert_int_eq(actor_send(kid, &msg), ACTOR_OK);
    actor_err err = call(kid, actor_msg_new(HELLO, 0), &reply);
    if (err == ACTOR_OK)
        actor_msg_free(reply);
    return err;
}

START_TEST(SUP_56_a_jumping_wall_clock_forgives_nothing)
{
    running(2, 3600000);
    ck_assert_int_eq(crash(), ACTOR_OK);
    (void)time(NULL); /* it does jump */
    ck_assert_int_eq(crash(), ACTOR_OK);
    (void)time(NULL);
    ck_assert_int_ne(crash(), ACTOR_OK); /* the third inside an hour */
    ck_assert_int_eq(atomic_load(&looks), 2);
}
END_TEST

START_TEST(SUP_56_a_jumping_wall_clock_trips_nothing)
{
    running(1, 10); /* each restart comes 20 ms after its crash */
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(crash(), ACTOR_OK);
        (void)time(NULL);
    }
    ck_assert_int_eq(atomic_load(&looks), 5);
}
END_TEST

/* The policies have no clock at all: they are told the time. */
START_TEST(CB_81_a_breaker_never_looks_at_a_clock)
{
    breaker_policy policy = {.window_time = 1000,
                             .min_calls = 1,
                             .failure_rate = 0.5,
                             .open_for = 1000,
                             .open_factor = 1,
                             .open_max = 1000,
                             .probes = 1};
    breaker b;
    breaker_event event;
    breaker_permit permit;
    ck_assert_int_eq(breaker_init(&b, &policy, 0), SUPERVISOR_OK);
    ck_assert(breaker_acquire(&b, 0, &permit, &event));
    ck_assert(breaker_report(&b, &permit, BREAKER_FAILURE, 0, &event));
    (void)time(NULL);
    breaker_tick(&b, 999, &event);
    ck_assert_int_eq(b.state, BREAKER_OPEN);
    breaker_tick(&b, 1000, &event);
    ck_assert_int_eq(b.state, BREAKER_HALF_OPEN);
    breaker_fini(&b);
    ck_assert_int_eq(atomic_load(&looks), 1);
}
END_TEST

START_TEST(RT_30_a_suspended_host_brings_no_burst)
{
    static const actor_ms day = 86400000;
    retry_policy policy = {.max_retries = 10,
                           .backoff = {BACKOFF_FIXED, BACKOFF_JITTER_NONE, 1000, 1000, 1}};
    limiter_policy slow = {.rate = 1, .per = 1000, .burst = 1, .wait = 10};
    retry_progress message = {.attempts = 1};
    prng random = {1};
    limiter l;
    /* A failure that is only seen a day later waits as long as any other. */
    retry_decision d =
        retry_next(&policy, NULL, &message, day, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, &random);
    ck_assert_int_eq(d.verdict, RETRY_WAIT);
    ck_assert_int_eq(d.wait, 1000);
    /* Of a day's tokens there are as many as the burst. */
    ck_assert_int_eq(limiter_init(&l, &slow, 0), SUPERVISOR_OK);
    ck_assert_int_eq(limiter_enter(&l, day).verdict, LIMITER_GRANTED);
    ck_assert_int_eq(limiter_enter(&l, day).verdict, LIMITER_WAIT_UNTIL);
    ck_assert_int_eq(atomic_load(&looks), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        SUP_56_a_jumping_wall_clock_forgives_nothing, SUP_56_a_jumping_wall_clock_trips_nothing,
        CB_81_a_breaker_never_looks_at_a_clock, RT_30_a_suspended_host_brings_no_burst, NULL};
    return suite_run("scenarios_clock", tests, setup, teardown);
}
