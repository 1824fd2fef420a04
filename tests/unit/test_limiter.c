/* Tokens, permits and the line of those who wait. */
#include "supervisors/limiter.h"
#include "tests/support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static limiter l;

static void ready(limiter_policy p)
{
    ck_assert_int_eq(limiter_init(&l, &p, 0), SUPERVISOR_OK);
}

#define answers(answer, what, when)                                                                \
    do {                                                                                           \
        limiter_answer got = (answer);                                                             \
        ck_assert_int_eq(got.verdict, (what));                                                     \
        if (got.verdict == LIMITER_WAIT_UNTIL)                                                     \
            ck_assert_int_eq(got.until, (when));                                                   \
    } while (0)

START_TEST(RT_61_concurrency_is_a_bound)
{
    ready((limiter_policy){.concurrency = 2});
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_REFUSED, 0);
    limiter_leave(&l);
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    ck_assert_uint_eq(l.refused, 1);
}
END_TEST

START_TEST(RT_65_limit_and_queue_then_the_next_is_refused)
{
    ready((limiter_policy){.concurrency = 1, .wait = 2});
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_WAIT_RELEASE, 0);
    answers(limiter_enter(&l, 0), LIMITER_WAIT_RELEASE, 0);
    answers(limiter_enter(&l, 0), LIMITER_REFUSED, 0);
    ck_assert_uint_eq(l.waiting, 2);
}
END_TEST

START_TEST(RT_63_first_come_first_served)
{
    ready((limiter_policy){.concurrency = 1, .wait = LIMITER_UNBOUNDED});
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_WAIT_RELEASE, 0);
    limiter_leave(&l);
    /* Somebody new does not overtake the one in line, though a permit is free. */
    answers(limiter_enter(&l, 5), LIMITER_WAIT_UNTIL, 5);
    answers(limiter_retry(&l, 5), LIMITER_GRANTED, 0);
    answers(limiter_retry(&l, 5), LIMITER_WAIT_RELEASE, 0);
    ck_assert_uint_eq(l.waiting, 1);
}
END_TEST

START_TEST(RT_62_who_gives_up_leaves_the_line)
{
    ready((limiter_policy){.concurrency = 1, .wait = 1});
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_WAIT_RELEASE, 0);
    limiter_cancel(&l);
    answers(limiter_enter(&l, 0), LIMITER_WAIT_RELEASE, 0);
}
END_TEST

START_TEST(RT_67_burst_then_the_rate)
{
    ready((limiter_policy){.rate = 50, .per = 1000, .burst = 3, .wait = 10});
    for (int i = 0; i < 3; i++)
        answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_WAIT_UNTIL, 20);
    answers(limiter_retry(&l, 19), LIMITER_WAIT_UNTIL, 20);
    answers(limiter_retry(&l, 20), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 20), LIMITER_WAIT_UNTIL, 40);
}
END_TEST

START_TEST(RT_67_unused_tokens_do_not_pile_up)
{
    ready((limiter_policy){.rate = 5, .per = 1000, .burst = 5});
    for (int i = 0; i < 5; i++)
        answers(limiter_enter(&l, 3600000), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 3600000), LIMITER_REFUSED, 0);
}
END_TEST

START_TEST(RT_68_no_double_burst_at_an_edge)
{
    ready((limiter_policy){.rate = 5, .per = 1000, .burst = 5});
    int granted = 0;
    for (int i = 0; i < 5; i++)
        granted += limiter_enter(&l, 990).verdict == LIMITER_GRANTED;
    for (int i = 0; i < 5; i++)
        granted += limiter_enter(&l, 1010).verdict == LIMITER_GRANTED;
    ck_assert_int_eq(granted, 5);
}
END_TEST

/* Over a long time the rate is met to the token, whatever it is. */
START_TEST(rates_are_exact)
{
    static const struct {
        int64_t rate;
        actor_ms per;
    } rates[] = {{3, 1000}, {7, 60000}, {1000, 1000}, {999, 1000}, {1, 7}, {100, 60000}};
    for (size_t i = 0; i < COUNT(rates); i++) {
        ready((limiter_policy){.rate = rates[i].rate, .per = rates[i].per, .burst = 1, .wait = 1});
        answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
        limiter_answer a = limiter_enter(&l, 0);
        int64_t granted = 0;
        while (a.until <= 10 * rates[i].per) {
            actor_ms now = a.until;
            a = limiter_retry(&l, now);
            ck_assert_int_eq(a.verdict, LIMITER_GRANTED);
            granted++;
            a = limiter_enter(&l, now);
            ck_assert_int_eq(a.verdict, LIMITER_WAIT_UNTIL);
        }
        ck_assert_int_ge(granted, 10 * rates[i].rate - 1);
        ck_assert_int_le(granted, 10 * rates[i].rate);
    }
}
END_TEST

START_TEST(both_limits_are_needed)
{
    ready((limiter_policy){.rate = 1, .per = 1000, .burst = 2, .concurrency = 1, .wait = 9});
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_WAIT_RELEASE, 0);
    limiter_leave(&l);
    answers(limiter_retry(&l, 0), LIMITER_GRANTED, 0);
    limiter_leave(&l);
    answers(limiter_enter(&l, 10), LIMITER_WAIT_UNTIL, 1000);
}
END_TEST

START_TEST(waiting_for_a_permit_spends_no_token)
{
    ready((limiter_policy){.rate = 1, .per = 1000, .burst = 2, .concurrency = 1, .wait = 9});
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    for (int i = 0; i < 5; i++)
        answers(limiter_enter(&l, 0), LIMITER_WAIT_RELEASE, 0);
    limiter_leave(&l);
    answers(limiter_retry(&l, 0), LIMITER_GRANTED, 0);
}
END_TEST

START_TEST(nothing_configured_lets_everything_through)
{
    ready((limiter_policy){0});
    for (int i = 0; i < 1000; i++)
        answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
}
END_TEST

START_TEST(RT_71_a_change_keeps_who_runs_and_waits)
{
    ready((limiter_policy){.concurrency = 3, .wait = 5});
    for (int i = 0; i < 3; i++)
        answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_WAIT_RELEASE, 0);
    limiter_policy less = {.concurrency = 1, .wait = 5};
    ck_assert_int_eq(limiter_update(&l, &less, 10), SUPERVISOR_OK);
    limiter_leave(&l);
    limiter_leave(&l);
    answers(limiter_retry(&l, 10), LIMITER_WAIT_RELEASE, 0);
    limiter_leave(&l);
    answers(limiter_retry(&l, 10), LIMITER_GRANTED, 0);
    ck_assert_uint_eq(l.waiting, 0);
}
END_TEST

START_TEST(RT_71_tokens_are_kept_up_to_the_new_burst)
{
    ready((limiter_policy){.rate = 10, .per = 1000, .burst = 10});
    for (int i = 0; i < 4; i++)
        answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    limiter_policy other = {.rate = 1, .per = 60000, .burst = 2, .wait = 1};
    ck_assert_int_eq(limiter_update(&l, &other, 0), SUPERVISOR_OK);
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_GRANTED, 0);
    answers(limiter_enter(&l, 0), LIMITER_WAIT_UNTIL, 60000);
}
END_TEST

START_TEST(bad_policies_are_refused_and_change_nothing)
{
    static const limiter_policy bad[] = {
        {.rate = -1, .per = 1000, .burst = 1}, {.rate = 1, .per = 0, .burst = 1},
        {.rate = 1, .per = 1000, .burst = 0},  {.concurrency = -1},
        {.concurrency = 1, .wait = -2},        {.rate = 1, .per = INT64_MAX / 4, .burst = 2},
    };
    ready((limiter_policy){.concurrency = 1});
    for (size_t i = 0; i < COUNT(bad); i++) {
        limiter other;
        ck_assert_int_eq(limiter_init(&other, &bad[i], 0), SUPERVISOR_EINVAL);
        ck_assert_int_eq(limiter_update(&l, &bad[i], 0), SUPERVISOR_EINVAL);
    }
    ck_assert_int_eq(l.policy.concurrency, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {RT_61_concurrency_is_a_bound,
                                  RT_65_limit_and_queue_then_the_next_is_refused,
                                  RT_63_first_come_first_served,
                                  RT_62_who_gives_up_leaves_the_line,
                                  RT_67_burst_then_the_rate,
                                  RT_67_unused_tokens_do_not_pile_up,
                                  RT_68_no_double_burst_at_an_edge,
                                  rates_are_exact,
                                  both_limits_are_needed,
                                  waiting_for_a_permit_spends_no_token,
                                  nothing_configured_lets_everything_through,
                                  RT_71_a_change_keeps_who_runs_and_waits,
                                  RT_71_tokens_are_kept_up_to_the_new_burst,
                                  bad_policies_are_refused_and_change_nothing,
                                  NULL};
    return suite_run("limiter", tests, NULL, NULL);
}
