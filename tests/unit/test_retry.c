/* What becomes of a message whose attempt failed. */
#include "supervisors/retry.h"
#include "tests/support/suite.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static prng r = {3};

static const backoff_policy fixed = {BACKOFF_FIXED, BACKOFF_JITTER_NONE, 100, 1000, 1};

/* Attempts until the answer is not to wait, every one failing at once. */
static uint32_t attempts_of(const retry_policy *p, retry_verdict *end)
{
    retry_progress message = {0};
    for (;;) {
        message.attempts++;
        retry_decision d = retry_next(p, NULL, &message, 0, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, &r);
        if (d.verdict != RETRY_WAIT) {
            *end = d.verdict;
            return message.attempts;
        }
    }
}

START_TEST(RT_05_max_retries_counts_after_the_first_call)
{
    static const uint32_t retries[] = {0, 1, 3, 10}; /* RT_03, RT_06 */
    for (size_t i = 0; i < COUNT(retries); i++) {
        retry_policy p = {.max_retries = retries[i], .backoff = fixed};
        retry_verdict end;
        ck_assert_uint_eq(attempts_of(&p, &end), retries[i] + 1);
        ck_assert_int_eq(end, RETRY_EXHAUSTED);
    }
}
END_TEST

START_TEST(RT_48_an_attempt_that_killed_its_worker_counts)
{
    retry_policy p = {.max_retries = 2, .backoff = fixed};
    retry_progress message = {.attempts = 3}; /* begun, however they ended */
    ck_assert_int_eq(
        retry_next(&p, NULL, &message, 0, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, &r).verdict,
        RETRY_EXHAUSTED);
}
END_TEST

START_TEST(RT_16_waits_follow_the_formula_of_the_policy)
{
    static const actor_ms waits[] = {100, 200, 400, 800, 1000, 1000};
    retry_policy p = {.max_retries = 6,
                      .backoff = {BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 100, 1000, 2}};
    retry_progress message = {0};
    for (size_t i = 0; i < COUNT(waits); i++) {
        message.attempts++;
        retry_decision d = retry_next(&p, NULL, &message, 0, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, &r);
        ck_assert_int_eq(d.verdict, RETRY_WAIT);
        ck_assert_int_eq(d.wait, waits[i]);
    }
}
END_TEST

/* One failed attempt of a policy that waits 100 ms, at most 1000. */
static const struct {
    const char *scenario;
    actor_ms now, deadline, told;
    retry_verdict verdict;
    actor_ms wait;
} decisions[] = {
    {"no deadline", 500, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, RETRY_WAIT, 100},
    {"RT_38 the attempt begins in time", 500, 601, RETRY_NOT_TOLD, RETRY_WAIT, 100},
    {"RT_38 it would begin at the deadline", 500, 600, RETRY_NOT_TOLD, RETRY_EXPIRED, 0},
    {"RT_38 it would begin after it", 500, 550, RETRY_NOT_TOLD, RETRY_EXPIRED, 0},
    {"RT_38 the deadline is over", 500, 400, RETRY_NOT_TOLD, RETRY_EXPIRED, 0},
    {"RT_28 told replaces the computed wait", 0, RETRY_NO_DEADLINE, 250, RETRY_WAIT, 250},
    {"RT_28 told may be shorter", 0, RETRY_NO_DEADLINE, 0, RETRY_WAIT, 0},
    {"RT_28 told is bounded by max", 0, RETRY_NO_DEADLINE, 90000, RETRY_WAIT, 1000},
    {"RT_28 told and negative: computed", 0, RETRY_NO_DEADLINE, -7, RETRY_WAIT, 100},
    {"RT_28 told past the deadline", 0, 200, 250, RETRY_EXPIRED, 0},
};

START_TEST(deadlines_and_told_delays_are_obeyed)
{
    retry_policy p = {.max_retries = 3, .backoff = fixed};
    for (size_t i = 0; i < COUNT(decisions); i++) {
        retry_progress message = {.attempts = 1};
        retry_decision d = retry_next(&p, NULL, &message, decisions[i].now, decisions[i].deadline,
                                      decisions[i].told, &r);
        ck_assert_msg(d.verdict == decisions[i].verdict && d.wait == decisions[i].wait,
                      "%s: verdict %d, wait %lld", decisions[i].scenario, (int)d.verdict,
                      (long long)d.wait);
    }
}
END_TEST

START_TEST(RT_28_told_holds_for_one_attempt_only)
{
    retry_policy p = {.max_retries = 3,
                      .backoff = {BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 100, 1000, 2}};
    retry_progress message = {.attempts = 1};
    ck_assert_int_eq(retry_next(&p, NULL, &message, 0, RETRY_NO_DEADLINE, 7, &r).wait, 7);
    message.attempts++;
    ck_assert_int_eq(retry_next(&p, NULL, &message, 0, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, &r).wait,
                     200);
}
END_TEST

START_TEST(decorrelated_goes_on_from_the_message_s_own_last_wait)
{
    retry_policy p = {.max_retries = 1000,
                      .backoff = {BACKOFF_DECORRELATED, BACKOFF_JITTER_NONE, 100, 100000, 1}};
    retry_progress message = {0};
    actor_ms previous = 100;
    for (int i = 0; i < 1000; i++) {
        message.attempts++;
        retry_decision d = retry_next(&p, NULL, &message, 0, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, &r);
        ck_assert_int_ge(d.wait, 100);
        ck_assert_int_le(d.wait, 3 * previous);
        ck_assert_int_eq(message.previous, d.wait);
        previous = d.wait;
    }
}
END_TEST

START_TEST(RT_33_budget_is_a_share_plus_ten_a_second)
{
    retry_budget b = {0};
    int retried = 0;
    /* 1000 calls spread over 10 s, each of which wants three retries at once. */
    for (actor_ms now = 100000; now < 110000; now += 10) {
        retry_budget_call(&b, now);
        for (int i = 0; i < 3; i++)
            retried += retry_budget_take(&b, 0.2, now);
    }
    ck_assert_int_eq(retried, 300);
    ck_assert_uint_eq(b.refused, 2700);
}
END_TEST

START_TEST(RT_33_credits_expire_after_ten_seconds)
{
    retry_budget b = {0};
    for (int i = 0; i < 1000; i++)
        retry_budget_call(&b, 5000);
    int retried = 0;
    while (retry_budget_take(&b, 0.2, 14999))
        retried++;
    ck_assert_int_eq(retried, 300);
    /* At 15 s the calls are gone, the retries of 14.999 are not. */
    ck_assert(!retry_budget_take(&b, 0.2, 15000));
    retried = 0;
    while (retry_budget_take(&b, 0.2, 25000))
        retried++;
    ck_assert_int_eq(retried, RETRY_BUDGET_FLOOR);
}
END_TEST

START_TEST(RT_33_a_long_silence_is_one_step)
{
    retry_budget b = {0};
    retry_budget_call(&b, 0);
    ck_assert(retry_budget_take(&b, 0.2, 0));
    retry_budget_call(&b, INT64_MAX / 2);
    ck_assert_uint_eq(b.calls_in_window, 1);
    ck_assert_uint_eq(b.retries_in_window, 0);
}
END_TEST

START_TEST(RT_34_an_exhausted_budget_ends_the_message_with_its_real_failure)
{
    retry_budget b = {0};
    retry_policy p = {.max_retries = 3, .backoff = fixed, .budget = 0.2};
    for (int i = 0; i < RETRY_BUDGET_FLOOR; i++) {
        retry_progress message = {.attempts = 1};
        ck_assert_int_eq(
            retry_next(&p, &b, &message, 0, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, &r).verdict,
            RETRY_WAIT);
    }
    retry_progress message = {.attempts = 1};
    ck_assert_int_eq(retry_next(&p, &b, &message, 0, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, &r).verdict,
                     RETRY_OVER_BUDGET);
    ck_assert_uint_eq(b.refused, 1);
}
END_TEST

START_TEST(RT_35_budgets_of_two_policies_are_independent)
{
    retry_budget a = {0}, b = {0};
    while (retry_budget_take(&a, 0.2, 0))
        ;
    ck_assert(retry_budget_take(&b, 0.2, 0));
}
END_TEST

START_TEST(retries_that_cannot_be_made_cost_no_budget)
{
    retry_budget b = {0};
    retry_policy p = {.max_retries = 1, .backoff = fixed, .budget = 0.2};
    retry_progress exhausted = {.attempts = 2}, late = {.attempts = 1};
    (void)retry_next(&p, &b, &exhausted, 0, RETRY_NO_DEADLINE, RETRY_NOT_TOLD, &r);
    (void)retry_next(&p, &b, &late, 0, 50, RETRY_NOT_TOLD, &r);
    ck_assert_uint_eq(b.retries_in_window, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {RT_05_max_retries_counts_after_the_first_call,
                                  RT_48_an_attempt_that_killed_its_worker_counts,
                                  RT_16_waits_follow_the_formula_of_the_policy,
                                  deadlines_and_told_delays_are_obeyed,
                                  RT_28_told_holds_for_one_attempt_only,
                                  decorrelated_goes_on_from_the_message_s_own_last_wait,
                                  RT_33_budget_is_a_share_plus_ten_a_second,
                                  RT_33_credits_expire_after_ten_seconds,
                                  RT_33_a_long_silence_is_one_step,
                                  RT_34_an_exhausted_budget_ends_the_message_with_its_real_failure,
                                  RT_35_budgets_of_two_policies_are_independent,
                                  retries_that_cannot_be_made_cost_no_budget,
                                  NULL};
    return suite_run("retry", tests, NULL, NULL);
}
