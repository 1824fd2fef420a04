/* Scenarios of the retry catalogue: attempts against a script of outcomes, the numbers of the
 * formulae, and the statistics of jitter. In virtual time, with fixed seeds. */
#include "supervisors/retry.h"
#include "tests/support/suite.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- Attempts ---- */

static const backoff_policy fixed = {BACKOFF_FIXED, BACKOFF_JITTER_NONE, 1000, 60000, 1};

typedef struct run {
    uint32_t attempts;
    actor_ms begun[16]; /* when each attempt began */
    actor_ms over;
    bool done;
    retry_verdict end;   /* unless done */
    uint32_t last_cause; /* the attempt whose failure is final */
} run;

/* One message: each letter is an attempt, S or F, that takes `takes` ms. */
static run play(const retry_policy *p, const char *outcomes, actor_ms takes, actor_ms deadline)
{
    prng random = {1};
    retry_progress message = {0};
    run r = {0};
    actor_ms now = 0;

    for (;;) {
        ck_assert_uint_lt(r.attempts, strlen(outcomes));
        r.begun[r.attempts] = now;
        bool good = outcomes[r.attempts] == 'S';
        message.attempts = ++r.attempts;
        now += takes;
        r.over = now;
        r.done = good;
        if (good)
            return r;
        r.last_cause = r.attempts;
        retry_decision d = retry_next(p, NULL, &message, now, deadline, RETRY_NOT_TOLD, &random);
        r.end = d.verdict;
        if (d.verdict != RETRY_WAIT)
            return r;
        now += d.wait;
    }
}

static retry_policy retries(uint32_t max)
{
    return (retry_policy){.max_retries = max, .backoff = fixed};
}

START_TEST(RT_01_success_at_once_is_one_attempt)
{
    retry_policy p = retries(3);
    run r = play(&p, "S", 10, RETRY_NO_DEADLINE);
    ck_assert_uint_eq(r.attempts, 1);
    ck_assert_int_eq(r.over, 10);
}
END_TEST

START_TEST(RT_02_success_after_two_failures_is_a_success)
{
    retry_policy p = retries(2);
    run r = play(&p, "FFS", 10, RETRY_NO_DEADLINE);
    ck_assert(r.done);
    ck_assert_uint_eq(r.attempts, 3);
    ck_assert_int_eq(r.begun[1], 1010);
    ck_assert_int_eq(r.begun[2], 2020);
}
END_TEST

START_TEST(RT_03_exhausted_is_the_last_failure)
{
    retry_policy p = retries(2);
    run r = play(&p, "FFFS", 10, RETRY_NO_DEADLINE);
    ck_assert(!r.done);
    ck_assert_uint_eq(r.attempts, 3);
    ck_assert_int_eq(r.end, RETRY_EXHAUSTED);
    ck_assert_uint_eq(r.last_cause, 3);
}
END_TEST

START_TEST(RT_06_no_retries_is_a_single_attempt)
{
    retry_policy p = retries(0);
    run r = play(&p, "FS", 10, RETRY_NO_DEADLINE);
    ck_assert_uint_eq(r.attempts, 1);
    ck_assert_int_eq(r.end, RETRY_EXHAUSTED);
    ck_assert_int_eq(r.over, 10);
}
END_TEST

START_TEST(RT_38_no_attempt_begins_at_or_after_the_deadline)
{
    retry_policy p = retries(10);
    run r = play(&p, "FFFFFFFFFFF", 1000, 3000);
    ck_assert_uint_eq(r.attempts, 2); /* at 0 and at 2000; the third could begin at 4000 */
    ck_assert_int_eq(r.end, RETRY_EXPIRED);
    ck_assert_int_eq(r.over, 3000); /* it isn't waited for */
    r = play(&p, "FFFFFFFFFFF", 500, 2000);
    ck_assert_uint_eq(r.attempts, 2);
    ck_assert_int_eq(r.over, 2000);
    r = play(&p, "FFFFFFFFFFF", 500, 3000);
    ck_assert_uint_eq(r.attempts, 2); /* the third would begin at 3000: at the deadline */
    r = play(&p, "FFFFFFFFFFF", 500, 3001);
    ck_assert_uint_eq(r.attempts, 3); /* the third begins at 3000, in time by 1 ms */
}
END_TEST

/* ---- Nested retries ---- */

enum { LAYERS = 3 };

typedef struct layer {
    retry_policy policy;
    retry_budget budget;
    int calls; /* attempts at this layer, retries among them */
} layer;

/* One message through `layer` and all below it: the lowest one always fails, and the others fail
 * with it. All at the same instant, the worst case for a budget. */
static void storm(layer *layers, int at)
{
    prng random = {1};
    retry_progress message = {0};
    retry_decision d;

    if (at == LAYERS)
        return;
    retry_budget_call(&layers[at].budget, 0);
    do {
        layers[at].calls++;
        message.attempts++;
        storm(layers, at + 1);
        d = retry_next(&layers[at].policy, &layers[at].budget, &message, 0, RETRY_NO_DEADLINE,
                       RETRY_NOT_TOLD, &random);
    } while (d.verdict == RETRY_WAIT);
}

/* Calls at the bottom for so many messages at the top. */
static int storms(double budget, int messages)
{
    layer layers[LAYERS] = {0};
    for (int i = 0; i < LAYERS; i++) {
        layers[i].policy = retries(2);
        layers[i].policy.budget = budget;
    }
    for (int i = 0; i < messages; i++)
        storm(layers, 0);
    return layers[LAYERS - 1].calls;
}

START_TEST(RT_36_three_layers_of_three_attempts_are_27_calls_and_a_budget_bounds_them)
{
    ck_assert_int_eq(storms(0, 1), 27);
    ck_assert_int_eq(storms(0, 1000), 27000);
    /* A layer makes a fifth more calls than it gets, and 100: 1300, 1660, 2092. */
    ck_assert_int_eq(storms(0.2, 1000), 2092);
}
END_TEST

/* ---- Numbers ---- */

static void waits_are(backoff_policy p, const actor_ms *expected, size_t count)
{
    prng random = {1};
    for (uint32_t n = 0; n < count; n++)
        ck_assert_int_eq(backoff_wait(&p, n, 0, &random), expected[n]);
}

START_TEST(RT_19_sequences_without_jitter)
{
    static const actor_ms constant[] = {1000, 1000, 1000, 1000};
    static const actor_ms line[] = {1000, 2000, 3000, 4000};
    static const actor_ms doubled[] = {1000, 2000, 4000, 8000, 16000};
    backoff_policy p = fixed;
    waits_are(p, constant, COUNT(constant));
    p.kind = BACKOFF_LINEAR;
    waits_are(p, line, COUNT(line));
    p.kind = BACKOFF_EXPONENTIAL;
    p.factor = 2;
    waits_are(p, doubled, COUNT(doubled));
}
END_TEST

START_TEST(RT_21_a_zero_base_never_waits)
{
    prng random = {1};
    for (int kind = BACKOFF_FIXED; kind <= BACKOFF_DECORRELATED; kind++)
        for (int jitter = BACKOFF_JITTER_NONE; jitter <= BACKOFF_JITTER_EQUAL; jitter++) {
            backoff_policy p = {(backoff_kind)kind, (backoff_jitter)jitter, 0, 60000, 2};
            ck_assert(backoff_policy_valid(&p));
            for (uint32_t n = 0; n < 40; n++)
                ck_assert_int_eq(backoff_wait(&p, n, 5000, &random), 0);
        }
}
END_TEST

START_TEST(SUP_167_linear_and_exponential_are_what_their_names_say)
{
    prng random = {1};
    backoff_policy line = {BACKOFF_LINEAR, BACKOFF_JITTER_NONE, 100, 1000000, 2};
    backoff_policy power = {BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 100, 1000000, 2};
    for (uint32_t n = 0; n < 13; n++) {
        ck_assert_int_eq(
            backoff_wait(&line, n + 1, 0, &random) - backoff_wait(&line, n, 0, &random), 100);
        ck_assert_int_eq(backoff_wait(&power, n + 1, 0, &random),
                         2 * backoff_wait(&power, n, 0, &random));
    }
}
END_TEST

/* ---- Statistics ---- */

enum { DRAWS = 10000, PARTS = 20 };

typedef struct sample {
    actor_ms min, max;
    double mean;
    int at_cap;
    int parts[PARTS]; /* of low .. high, equally wide */
} sample;

/* `previous` stays the same, so that the draws are independent. */
static sample draw(backoff_policy p, uint32_t n, actor_ms previous, actor_ms low, actor_ms high)
{
    sample s = {.min = INT64_MAX};
    prng random = {20240229};

    for (int i = 0; i < DRAWS; i++) {
        actor_ms wait = backoff_wait(&p, n, previous, &random);
        ck_assert_int_ge(wait, low);
        ck_assert_int_le(wait, high);
        s.min = wait < s.min ? wait : s.min;
        s.max = wait > s.max ? wait : s.max;
        s.mean += (double)wait / DRAWS;
        s.at_cap += wait == p.max;
        s.parts[(wait - low) * PARTS / (high - low + 1)]++;
    }
    return s;
}

/* Chi-square with 19 degrees of freedom: above 43.8 in one of 1000 samples that are uniform. */
static void is_uniform(const sample *s)
{
    double expected = (double)DRAWS / PARTS, chi = 0;
    for (size_t i = 0; i < PARTS; i++)
        chi += (s->parts[i] - expected) * (s->parts[i] - expected) / expected;
    ck_assert_double_lt(chi, 43.8);
}

/* The mean of uniform draws strays by less than four of its standard deviations. */
static void mean_is(const sample *s, double low, double high)
{
    double deviation = (high - low) / sqrt(12.0 * DRAWS);
    ck_assert_double_eq_tol(s->mean, (low + high) / 2, 4 * deviation);
}

/* Every formula with jitter and the wait it jitters. */
static const struct {
    backoff_policy policy;
    uint32_t n;
    actor_ms wait;
} formulae[] = {
    {{BACKOFF_FIXED, BACKOFF_JITTER_NONE, 4000, 60000, 1}, 3, 4000},
    {{BACKOFF_LINEAR, BACKOFF_JITTER_NONE, 1000, 60000, 1}, 6, 7000},
    {{BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 1000, 60000, 2}, 3, 8000},
    {{BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 1000, 60000, 1.5}, 2, 2250},
    {{BACKOFF_EXPONENTIAL, BACKOFF_JITTER_NONE, 1000, 10000, 2}, 30, 10000}, /* at the cap */
};

START_TEST(RT_23_full_jitter_is_uniform_from_nothing_to_all)
{
    for (size_t i = 0; i < COUNT(formulae); i++) {
        backoff_policy p = formulae[i].policy;
        p.jitter = BACKOFF_JITTER_FULL;
        sample s = draw(p, formulae[i].n, 0, 0, formulae[i].wait);
        mean_is(&s, 0, (double)formulae[i].wait);
        is_uniform(&s);
    }
}
END_TEST

START_TEST(RT_23_equal_jitter_is_uniform_in_the_upper_half)
{
    for (size_t i = 0; i < COUNT(formulae); i++) {
        backoff_policy p = formulae[i].policy;
        p.jitter = BACKOFF_JITTER_EQUAL;
        actor_ms half = formulae[i].wait / 2;
        sample s = draw(p, formulae[i].n, 0, half, formulae[i].wait);
        mean_is(&s, (double)half, (double)formulae[i].wait);
        is_uniform(&s);
    }
}
END_TEST

START_TEST(RT_23_decorrelated_is_uniform_up_to_three_times_the_last_wait)
{
    static const actor_ms last[] = {0, 100, 700, 3000};
    backoff_policy p = {BACKOFF_DECORRELATED, BACKOFF_JITTER_NONE, 100, 60000, 2};
    for (size_t i = 0; i < COUNT(last); i++) {
        actor_ms high = 3 * (last[i] > 100 ? last[i] : 100);
        sample s = draw(p, 9, last[i], 100, high);
        mean_is(&s, 100, (double)high);
        is_uniform(&s);
    }
}
END_TEST

/* Jitter after the cap, and downwards: a draw is the cap as rarely as it is any other number. */
START_TEST(RT_24_jitter_after_the_cap_does_not_clump_on_it)
{
    static const backoff_jitter kinds[] = {BACKOFF_JITTER_FULL, BACKOFF_JITTER_EQUAL};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        backoff_policy p = {BACKOFF_EXPONENTIAL, kinds[i], 1000, 10000, 2};
        sample s = draw(p, 30, 0, 0, 10000);
        ck_assert_int_le(s.at_cap, 10); /* 1 or 2 of 10000 are expected */
    }
}
END_TEST

/* Decorrelated cuts afterwards, as its formula says: what overshoots is the cap. */
START_TEST(RT_24_decorrelated_clumps_on_the_cap_as_its_formula_implies)
{
    static const actor_ms last[] = {1000, 1500, 2000};
    backoff_policy p = {BACKOFF_DECORRELATED, BACKOFF_JITTER_NONE, 100, 2000, 2};
    for (size_t i = 0; i < COUNT(last); i++) {
        sample s = draw(p, 9, last[i], 100, 2000);
        double share = (double)(3 * last[i] - 2000 + 1) / (double)(3 * last[i] - 100 + 1);
        double deviation = sqrt(share * (1 - share) / DRAWS);
        ck_assert_double_eq_tol((double)s.at_cap / DRAWS, share, 4 * deviation);
    }
}
END_TEST

START_TEST(RT_24_a_whole_sequence_never_passes_the_cap)
{
    prng random = {5};
    for (int kind = BACKOFF_FIXED; kind <= BACKOFF_DECORRELATED; kind++)
        for (int jitter = BACKOFF_JITTER_NONE; jitter <= BACKOFF_JITTER_EQUAL; jitter++) {
            backoff_policy p = {(backoff_kind)kind, (backoff_jitter)jitter, 300, 5000, 3};
            actor_ms previous = 0;
            for (uint32_t n = 0; n < DRAWS; n++) {
                previous = backoff_wait(&p, n, previous, &random);
                ck_assert_int_ge(previous, 0);
                ck_assert_int_le(previous, 5000);
            }
        }
}
END_TEST

START_TEST(RT_25_the_spread_is_in_proportion_to_the_wait)
{
    static const actor_ms waits[] = {50, 5000, 300000};
    for (size_t i = 0; i < COUNT(waits); i++) {
        backoff_policy p = {BACKOFF_FIXED, BACKOFF_JITTER_FULL, waits[i], waits[i], 1};
        sample s = draw(p, 0, 0, 0, waits[i]);
        ck_assert_double_gt((double)(s.max - s.min), 0.99 * (double)waits[i]);
        p.jitter = BACKOFF_JITTER_EQUAL;
        s = draw(p, 0, 0, waits[i] / 2, waits[i]);
        ck_assert_double_gt((double)(s.max - s.min), 0.49 * (double)waits[i]);
    }
}
END_TEST

/* Neighbouring seeds, as processes started together may have: no pair of their sequences agrees
 * more often than chance. */
START_TEST(RT_26_sequences_of_neighbouring_seeds_have_nothing_in_common)
{
    enum { SEEDS = 50, LENGTH = 200 };
    backoff_policy p = {BACKOFF_FIXED, BACKOFF_JITTER_FULL, 999, 999, 1};
    actor_ms waits[SEEDS][LENGTH];
    double product = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        prng random = {seed};
        for (size_t i = 0; i < LENGTH; i++)
            waits[seed][i] = backoff_wait(&p, 0, 0, &random);
    }
    for (size_t a = 0; a + 1 < SEEDS; a++) {
        int equal = 0;
        for (size_t i = 0; i < LENGTH; i++) {
            equal += waits[a][i] == waits[a + 1][i];
            product += (double)(waits[a][i] - 499) * (double)(waits[a + 1][i] - 499);
        }
        ck_assert_int_le(equal, 5); /* 0.2 are expected */
    }
    /* Correlation of all pairs: 0, give or take 1 / sqrt(n). */
    double n = (SEEDS - 1) * LENGTH, variance = 999.0 * 999.0 / 12;
    ck_assert_double_eq_tol(product / n / variance, 0, 4 / sqrt(n));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        RT_01_success_at_once_is_one_attempt,
        RT_02_success_after_two_failures_is_a_success,
        RT_03_exhausted_is_the_last_failure,
        RT_06_no_retries_is_a_single_attempt,
        RT_38_no_attempt_begins_at_or_after_the_deadline,
        RT_36_three_layers_of_three_attempts_are_27_calls_and_a_budget_bounds_them,
        RT_19_sequences_without_jitter,
        RT_21_a_zero_base_never_waits,
        SUP_167_linear_and_exponential_are_what_their_names_say,
        RT_23_full_jitter_is_uniform_from_nothing_to_all,
        RT_23_equal_jitter_is_uniform_in_the_upper_half,
        RT_23_decorrelated_is_uniform_up_to_three_times_the_last_wait,
        RT_24_jitter_after_the_cap_does_not_clump_on_it,
        RT_24_decorrelated_clumps_on_the_cap_as_its_formula_implies,
        RT_24_a_whole_sequence_never_passes_the_cap,
        RT_25_the_spread_is_in_proportion_to_the_wait,
        RT_26_sequences_of_neighbouring_seeds_have_nothing_in_common,
        NULL};
    return suite_run("scenarios_retry", tests, NULL, NULL);
}
