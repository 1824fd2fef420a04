/* Waits between tries: formulae, bounds, and the reset of a supervisor's backoff. */
#include "supervisors/backoff.h"
#include "tests/support/suite.h"

#include <limits.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static prng r = {1};

/* SUP_157 and RT_19: the waits before tries n, without jitter. */
static const struct {
    const char *scenario;
    backoff_policy policy;
    uint32_t n;
    actor_ms wait;
} numbers[] = {
    {"RT_19 fixed", {.kind = BACKOFF_FIXED, .initial = 1000, .max = 60000, .factor = 1}, 0, 1000},
    {"RT_19 fixed", {.kind = BACKOFF_FIXED, .initial = 1000, .max = 60000, .factor = 1}, 9, 1000},
    {"RT_19 linear", {.kind = BACKOFF_LINEAR, .initial = 1000, .max = 60000, .factor = 1}, 0, 1000},
    {"RT_19 linear", {.kind = BACKOFF_LINEAR, .initial = 1000, .max = 60000, .factor = 1}, 1, 2000},
    {"RT_19 linear", {.kind = BACKOFF_LINEAR, .initial = 1000, .max = 60000, .factor = 1}, 3, 4000},
    {"RT_19 exponential",
     {.kind = BACKOFF_EXPONENTIAL, .initial = 1000, .max = 60000, .factor = 2},
     0,
     1000},
    {"RT_19 exponential",
     {.kind = BACKOFF_EXPONENTIAL, .initial = 1000, .max = 60000, .factor = 2},
     4,
     16000},
    {"exponential 1.5",
     {.kind = BACKOFF_EXPONENTIAL, .initial = 500, .max = 60000, .factor = 1.5},
     2,
     1125},
    {"SUP_157 200, 400, 800, 1600",
     {.kind = BACKOFF_EXPONENTIAL, .initial = 200, .max = 10000, .factor = 2},
     3,
     1600},
    {"SUP_157 the cap",
     {.kind = BACKOFF_EXPONENTIAL, .initial = 200, .max = 10000, .factor = 2},
     6,
     10000},
    {"SUP_157 n = 29",
     {.kind = BACKOFF_EXPONENTIAL, .initial = 5000, .max = 604800000, .factor = 2},
     29,
     604800000},
    {"SUP_157 n = INT_MAX",
     {.kind = BACKOFF_EXPONENTIAL, .initial = 1, .max = INT64_MAX, .factor = 2},
     INT_MAX,
     INT64_MAX},
    {"n = UINT32_MAX",
     {.kind = BACKOFF_EXPONENTIAL, .initial = 1, .max = 1000, .factor = 1.0000001},
     UINT32_MAX,
     1000},
    {"factor 1 stays",
     {.kind = BACKOFF_EXPONENTIAL, .initial = 70, .max = 1000, .factor = 1},
     INT_MAX,
     70},
    {"linear n = UINT32_MAX",
     {.kind = BACKOFF_LINEAR, .initial = INT64_MAX / 2, .max = INT64_MAX, .factor = 1},
     UINT32_MAX,
     INT64_MAX},
    {"RT_21 zero base", {.kind = BACKOFF_EXPONENTIAL, .initial = 0, .max = 0, .factor = 2}, 7, 0},
    {"RT_21 zero base", {.kind = BACKOFF_DECORRELATED, .initial = 0, .max = 10, .factor = 2}, 7, 0},
};

START_TEST(formulae_give_their_numbers)
{
    for (size_t i = 0; i < COUNT(numbers); i++) {
        actor_ms wait = backoff_wait(&numbers[i].policy, numbers[i].n, 0, &r);
        ck_assert_msg(wait == numbers[i].wait, "%s: n = %u waits %lld, expected %lld",
                      numbers[i].scenario, numbers[i].n, (long long)wait,
                      (long long)numbers[i].wait);
    }
}
END_TEST

typedef struct sample {
    actor_ms min, max;
    double mean;
    int at_max; /* how many were exactly the upper bound */
} sample;

enum { DRAWS = 10000 };

static sample draw(backoff_policy p, uint32_t n, actor_ms upper)
{
    sample s = {.min = INT64_MAX};
    for (int i = 0; i < DRAWS; i++) {
        actor_ms wait = backoff_wait(&p, n, 0, &r);
        s.min = wait < s.min ? wait : s.min;
        s.max = wait > s.max ? wait : s.max;
        s.mean += (double)wait / DRAWS;
        s.at_max += wait == upper;
    }
    return s;
}

START_TEST(RT_23_full_jitter_is_between_nothing_and_all)
{
    backoff_policy p = {BACKOFF_EXPONENTIAL, BACKOFF_JITTER_FULL, 1000, 60000, 2};
    sample s = draw(p, 2, 4000);
    ck_assert_int_ge(s.min, 0);
    ck_assert_int_lt(s.min, 100);
    ck_assert_int_le(s.max, 4000);
    ck_assert_int_gt(s.max, 3900);
    ck_assert_double_eq_tol(s.mean, 2000, 60);
}
END_TEST

START_TEST(RT_23_equal_jitter_is_never_below_half)
{
    backoff_policy p = {BACKOFF_EXPONENTIAL, BACKOFF_JITTER_EQUAL, 1000, 60000, 2};
    sample s = draw(p, 2, 4000);
    ck_assert_int_ge(s.min, 2000);
    ck_assert_int_lt(s.min, 2100);
    ck_assert_int_le(s.max, 4000);
    ck_assert_double_eq_tol(s.mean, 3000, 30);
}
END_TEST

START_TEST(RT_23_equal_jitter_of_an_odd_wait_is_not_below_half_either)
{
    backoff_policy p = {BACKOFF_FIXED, BACKOFF_JITTER_EQUAL, 3, 3, 1};
    sample s = draw(p, 0, 3);
    ck_assert_int_eq(s.min, 2);
    ck_assert_int_eq(s.max, 3);
}
END_TEST

START_TEST(RT_24_jitter_neither_passes_the_cap_nor_clumps_on_it)
{
    static const backoff_jitter kinds[] = {BACKOFF_JITTER_FULL, BACKOFF_JITTER_EQUAL};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        backoff_policy p = {BACKOFF_EXPONENTIAL, kinds[i], 1000, 10000, 2};
        sample s = draw(p, 20, 10000);
        ck_assert_int_le(s.max, 10000);
        ck_assert_int_lt(s.at_max, DRAWS / 100);
    }
}
END_TEST

START_TEST(RT_25_the_spread_grows_with_the_wait)
{
    backoff_policy p = {BACKOFF_FIXED, BACKOFF_JITTER_EQUAL, 5000, 5000, 1};
    sample s = draw(p, 0, 5000);
    ck_assert_int_gt(s.max - s.min, 2400);
}
END_TEST

START_TEST(RT_23_decorrelated_depends_on_the_last_wait_only)
{
    backoff_policy p = {BACKOFF_DECORRELATED, BACKOFF_JITTER_FULL, 100, 2000, 2};
    actor_ms previous = 0;
    for (int i = 0; i < DRAWS; i++) {
        actor_ms most = 3 * (previous > 100 ? previous : 100);
        actor_ms wait = backoff_wait(&p, (uint32_t)i, previous, &r);
        ck_assert_int_ge(wait, 100);
        ck_assert_int_le(wait, most < 2000 ? most : 2000);
        previous = wait;
    }
    ck_assert_int_le(backoff_wait(&p, 0, INT64_MAX, &r), 2000);
}
END_TEST

START_TEST(RT_26_seeds_differ_and_repeat)
{
    backoff_policy p = {BACKOFF_FIXED, BACKOFF_JITTER_FULL, 1000000, 1000000, 1};
    prng a = {7}, same = {7}, other = {8};
    int equal = 0;
    for (int i = 0; i < 100; i++) {
        actor_ms wait = backoff_wait(&p, 0, 0, &a);
        ck_assert_int_eq(wait, backoff_wait(&p, 0, 0, &same));
        equal += wait == backoff_wait(&p, 0, 0, &other);
    }
    ck_assert_int_lt(equal, 3);
}
END_TEST

START_TEST(RT_29_parameters_out_of_range_are_not_valid)
{
    static const backoff_policy bad[] = {
        {BACKOFF_FIXED, BACKOFF_JITTER_NONE, -1, 10, 1},
        {BACKOFF_FIXED, BACKOFF_JITTER_NONE, 20, 10, 1},
        {BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 10, 20, 0.5},
        {(backoff_kind)9, BACKOFF_JITTER_NONE, 10, 20, 1},
        {BACKOFF_FIXED, (backoff_jitter)9, 10, 20, 1},
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert(!backoff_policy_valid(&bad[i]));
    ck_assert(backoff_policy_valid(
        &(backoff_policy){BACKOFF_EXPONENTIAL, BACKOFF_JITTER_FULL, 100, 30000, 2}));
}
END_TEST

/* ---- A supervisor's ---- */

static const backoff_restart plain = {
    .policy = {BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 100, 1000, 2}, .reset_after = 5000};

START_TEST(SUP_157_restarts_wait_longer_each_time)
{
    static const actor_ms waits[] = {100, 200, 400, 800, 1000, 1000};
    backoff_track t = {0};
    for (size_t i = 0; i < COUNT(waits); i++)
        ck_assert_int_eq(backoff_failed(&t, &plain, 0, &r), waits[i]);
}
END_TEST

START_TEST(SUP_158_never_above_the_maximum)
{
    backoff_restart jittered = plain;
    jittered.policy.jitter = BACKOFF_JITTER_FULL;
    backoff_track t = {0};
    for (int i = 0; i < DRAWS; i++)
        ck_assert_int_le(backoff_failed(&t, &jittered, 0, &r), 1000);
}
END_TEST

START_TEST(SUP_159_back_to_the_start_after_a_quiet_time)
{
    backoff_track t = {0};
    ck_assert_int_eq(backoff_failed(&t, &plain, 0, &r), 100);
    ck_assert_int_eq(backoff_failed(&t, &plain, 0, &r), 200);
    backoff_up(&t, 1000);
    ck_assert_int_eq(backoff_failed(&t, &plain, 5999, &r), 400); /* 1 ms short */
    backoff_up(&t, 7000);
    ck_assert_int_eq(backoff_failed(&t, &plain, 12000, &r), 100);
    ck_assert_int_eq(backoff_failed(&t, &plain, 12000, &r), 200);
}
END_TEST

START_TEST(SUP_159_an_earlier_quiet_time_does_not_reset_a_newer_count)
{
    backoff_track t = {0};
    backoff_up(&t, 0);
    ck_assert_int_eq(backoff_failed(&t, &plain, 10000, &r), 100);
    /* Failed starts only: the time since the last start that succeeded is no time up. */
    ck_assert_int_eq(backoff_failed(&t, &plain, 20000, &r), 200);
    ck_assert_int_eq(backoff_failed(&t, &plain, 30000, &r), 400);
}
END_TEST

START_TEST(SUP_54_none_never_waits)
{
    backoff_restart none = {.none = true};
    backoff_track t = {0};
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(backoff_failed(&t, &none, i, &r), 0);
}
END_TEST

START_TEST(random_numbers_reach_both_ends_evenly)
{
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[prng_between(&r, -3, 3) + 3]++;
    for (size_t i = 0; i < COUNT(seen); i++) {
        ck_assert_int_gt(seen[i], 9500);
        ck_assert_int_lt(seen[i], 10500);
    }
    ck_assert_int_eq(prng_between(&r, 5, 5), 5);
    (void)prng_between(&r, INT64_MIN, INT64_MAX);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {formulae_give_their_numbers,
                                  RT_23_full_jitter_is_between_nothing_and_all,
                                  RT_23_equal_jitter_is_never_below_half,
                                  RT_23_equal_jitter_of_an_odd_wait_is_not_below_half_either,
                                  RT_24_jitter_neither_passes_the_cap_nor_clumps_on_it,
                                  RT_25_the_spread_grows_with_the_wait,
                                  RT_23_decorrelated_depends_on_the_last_wait_only,
                                  RT_26_seeds_differ_and_repeat,
                                  RT_29_parameters_out_of_range_are_not_valid,
                                  SUP_157_restarts_wait_longer_each_time,
                                  SUP_158_never_above_the_maximum,
                                  SUP_159_back_to_the_start_after_a_quiet_time,
                                  SUP_159_an_earlier_quiet_time_does_not_reset_a_newer_count,
                                  SUP_54_none_never_waits,
                                  random_numbers_reach_both_ends_evenly,
                                  NULL};
    return suite_run("backoff", tests, NULL, NULL);
}
