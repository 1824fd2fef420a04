/* The restart limit: a sliding window, exact to a millisecond. */
#include "supervisors/budget.h"
#include "supervisors/prng.h"
#include "tests/support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static budget b;

static void ready(int32_t limit, actor_ms period)
{
    ck_assert_int_eq(budget_init(&b, limit, period), SUPERVISOR_OK);
}

static void teardown(void)
{
    budget_fini(&b);
}

/* Timelines: crashes at these instants; the one numbered `trips` (from 1) trips, 0: none does. */
static const struct {
    const char *scenario;
    int32_t limit;
    actor_ms period;
    actor_ms at[12];
    size_t crashes;
    size_t trips;
} timelines[] = {
    {"SUP_44 inclusive limit", 2, 10000, {0, 1, 2}, 3, 3},
    {"SUP_44 limit is not reached", 2, 10000, {0, 1}, 2, 0},
    {"SUP_45 zero: the first crash trips", 0, 10000, {0}, 1, 1},
    {"SUP_47 sliding, not tumbling", 2, 10000, {0, 9000, 11000, 12000}, 4, 4},
    {"SUP_49 old restarts expire", 1, 1000, {0, 2100, 4200, 6300}, 4, 0},
    {"SUP_50 one ms inside the period", 1, 1000, {0, 999}, 2, 2},
    {"SUP_50 exactly the period", 1, 1000, {0, 1000}, 2, 0},
    {"SUP_50 one ms beyond", 1, 1000, {0, 1001}, 2, 0},
    {"SUP_50 all in one ms", 3, 1, {5, 5, 5, 5}, 4, 4},
    {"SUP_51 shared by siblings", 2, 5000, {0, 100, 200}, 3, 3},
    {"SUP_53 the attempts are what is counted", 4, 5000, {0, 0, 0, 0, 0}, 5, 5},
    {"SUP_60 unlimited", BUDGET_UNLIMITED, 0, {0, 0, 0, 0, 0, 0, 0, 0}, 8, 0},
    {"regular, always just under", 3, 1000, {0, 333, 666, 1000, 1333, 1666, 2000}, 7, 0},
    {"regular, just over", 3, 1000, {0, 333, 666, 999}, 4, 4},
};

START_TEST(timelines_trip_where_they_should)
{
    for (size_t i = 0; i < COUNT(timelines); i++) {
        size_t tripped = 0;
        ready(timelines[i].limit, timelines[i].period);
        for (size_t n = 0; n < timelines[i].crashes && !tripped; n++)
            if (!budget_restart(&b, timelines[i].at[n]))
                tripped = n + 1;
        ck_assert_msg(tripped == timelines[i].trips, "%s: tripped at %zu, expected %zu",
                      timelines[i].scenario, tripped, timelines[i].trips);
        budget_fini(&b);
    }
}
END_TEST

/* The definition, carried out literally. */
START_TEST(any_timeline_agrees_with_the_definition)
{
    prng random = {42};
    for (int round = 0; round < 200; round++) {
        actor_ms counted[200] = {0};
        size_t n = 0;
        actor_ms now = 0;
        int32_t limit = (int32_t)prng_between(&random, 0, 5);
        actor_ms period = prng_between(&random, 1, 50);
        ready(limit, period);
        for (int i = 0; i < 200; i++) {
            now += prng_between(&random, 0, 20);
            int32_t inside = 0;
            for (size_t k = 0; k < n; k++)
                inside += now - counted[k] < period;
            ck_assert_int_eq(budget_used(&b, now), inside);
            ck_assert_int_eq(budget_restart(&b, now), inside < limit);
            if (inside < limit)
                counted[n++] = now;
        }
        budget_fini(&b);
    }
}
END_TEST

START_TEST(SUP_62_memory_does_not_grow)
{
    ready(3, 1000);
    actor_ms *stamps = b.stamps;
    for (actor_ms now = 0; now < 10000000; now += 400)
        ck_assert(budget_restart(&b, now));
    ck_assert_ptr_eq(b.stamps, stamps);
    ck_assert_uint_eq(b.room, 3);
}
END_TEST

START_TEST(used_counts_down_when_restarts_age_out)
{
    ready(3, 1000);
    ck_assert_int_eq(budget_next_expiry(&b), BUDGET_NEVER);
    ck_assert(budget_restart(&b, 100));
    ck_assert(budget_restart(&b, 300));
    ck_assert_uint_eq(budget_used(&b, 300), 2);
    ck_assert_int_eq(budget_next_expiry(&b), 1100);
    ck_assert_uint_eq(budget_used(&b, 1099), 2);
    ck_assert_uint_eq(budget_used(&b, 1100), 1);
    ck_assert_int_eq(budget_next_expiry(&b), 1300);
}
END_TEST

START_TEST(a_refused_restart_is_not_counted)
{
    ready(1, 1000);
    ck_assert(budget_restart(&b, 0));
    ck_assert(!budget_restart(&b, 500));
    ck_assert(budget_restart(&b, 1000));
}
END_TEST

START_TEST(SUP_114_a_lowered_limit_keeps_the_history_and_trips)
{
    ready(5, 10000);
    for (actor_ms now = 0; now < 4; now++)
        ck_assert(budget_restart(&b, now));
    ck_assert_int_eq(budget_set(&b, 2, 10000, 4), SUPERVISOR_OK);
    ck_assert(!budget_restart(&b, 5));
    /* The newest ones were kept: 2 and 3. */
    ck_assert_uint_eq(budget_used(&b, 10001), 2);
    ck_assert(budget_restart(&b, 10002));
}
END_TEST

START_TEST(SUP_114_a_raised_limit_keeps_the_history)
{
    ready(2, 1000);
    ck_assert(budget_restart(&b, 0));
    ck_assert(budget_restart(&b, 1));
    ck_assert_int_eq(budget_set(&b, 3, 1000, 2), SUPERVISOR_OK);
    ck_assert(budget_restart(&b, 3));
    ck_assert(!budget_restart(&b, 4));
}
END_TEST

START_TEST(SUP_114_a_limit_that_is_lowered_and_raised_again_has_the_whole_history)
{
    ready(3, 1000);
    for (actor_ms now = 0; now < 3; now++)
        ck_assert(budget_restart(&b, now));
    ck_assert_int_eq(budget_set(&b, 1, 1000, 3), SUPERVISOR_OK);
    ck_assert_int_eq(budget_set(&b, BUDGET_UNLIMITED, 1000, 4), SUPERVISOR_OK);
    ck_assert_int_eq(budget_set(&b, 4, 1000, 5), SUPERVISOR_OK);
    ck_assert_uint_eq(budget_used(&b, 5), 3);
    ck_assert(budget_restart(&b, 6));
    ck_assert(!budget_restart(&b, 7));
}
END_TEST

START_TEST(SUP_15_bad_settings_are_refused_and_change_nothing)
{
    static const struct {
        int32_t limit;
        actor_ms period;
    } bad[] = {{-2, 1000}, {1, 0}, {1, -5}, {BUDGET_MAX + 1, 1000}, {INT32_MIN, 1000}};
    ready(1, 1000);
    ck_assert(budget_restart(&b, 0));
    for (size_t i = 0; i < COUNT(bad); i++) {
        budget other;
        ck_assert_int_eq(budget_init(&other, bad[i].limit, bad[i].period), SUPERVISOR_EINVAL);
        ck_assert_int_eq(budget_set(&b, bad[i].limit, bad[i].period, 0), SUPERVISOR_EINVAL);
    }
    ck_assert(!budget_restart(&b, 1));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        timelines_trip_where_they_should,
        any_timeline_agrees_with_the_definition,
        SUP_62_memory_does_not_grow,
        used_counts_down_when_restarts_age_out,
        a_refused_restart_is_not_counted,
        SUP_114_a_lowered_limit_keeps_the_history_and_trips,
        SUP_114_a_raised_limit_keeps_the_history,
        SUP_114_a_limit_that_is_lowered_and_raised_again_has_the_whole_history,
        SUP_15_bad_settings_are_refused_and_change_nothing,
        NULL};
    return suite_run("budget", tests, NULL, teardown);
}
