/* Scenarios of the breaker's catalogue that test_breaker.c has only as rows, or not at all. In
 * virtual time: the caller says what time it is. */
#include "supervisors/breaker.h"
#include "tests/support/suite.h"

static breaker b;
static breaker_event event;
static actor_ms now;

#define COMMON                                                                                     \
    .open_for = 1000, .open_factor = 1, .open_max = 1000, .probes = 1, .probe_timeout = 5000

static const breaker_policy three_in_a_row = {COMMON, .consecutive_failures = 3};
static const breaker_policy half_of_ten = {COMMON, .window_calls = 10, .min_calls = 5,
                                           .failure_rate = 0.5};
static const breaker_policy half_of_ten_seconds = {COMMON, .window_time = 10000, .min_calls = 5,
                                                   .failure_rate = 0.5};

static void teardown(void)
{
    breaker_fini(&b);
}

static void ready(breaker_policy p)
{
    breaker_fini(&b);
    now = 0;
    ck_assert_int_eq(breaker_init(&b, &p, now), SUPERVISOR_OK);
}

static breaker_permit enter(void)
{
    breaker_permit permit;
    ck_assert(breaker_acquire(&b, now, &permit, &event));
    return permit;
}

static bool refused(void)
{
    breaker_permit permit;
    return !breaker_acquire(&b, now, &permit, &event);
}

/* One call a letter: S good, F failed, I ignored, f failed after 101 ms, s good after 101 ms. */
static void calls(const char *results)
{
    for (; *results; results++) {
        breaker_permit permit = enter();
        if (*results == 'f' || *results == 's')
            now += 101;
        breaker_result how = *results == 'I'                      ? BREAKER_IGNORED
                             : *results == 'S' || *results == 's' ? BREAKER_SUCCESS
                                                                  : BREAKER_FAILURE;
        ck_assert(breaker_report(&b, &permit, how, now, &event));
    }
}

static breaker_snapshot look(void)
{
    breaker_snapshot s;
    breaker_look(&b, now, &s);
    return s;
}

static void state_is(breaker_state state)
{
    ck_assert_str_eq(breaker_state_name(b.state), breaker_state_name(state));
}

static void half_open(void)
{
    now = b.until;
    breaker_tick(&b, now, &event);
    state_is(BREAKER_HALF_OPEN);
}

/* ---- Rules ---- */

START_TEST(CB_01_opens_on_the_nth_failure_in_a_row)
{
    ready(three_in_a_row);
    calls("FF");
    state_is(BREAKER_CLOSED);
    breaker_permit third = enter(); /* is still made, and its failure is the caller's */
    ck_assert(breaker_report(&b, &third, BREAKER_FAILURE, now, &event));
    state_is(BREAKER_OPEN);
    ck_assert_int_eq(event.cause, BREAKER_BY_CONSECUTIVE);
}
END_TEST

START_TEST(CB_02_any_success_resets_the_run)
{
    ready(three_in_a_row);
    calls("FFSFF");
    state_is(BREAKER_CLOSED);
    ck_assert_uint_eq(look().consecutive_failures, 2);
}
END_TEST

START_TEST(CB_03_n_means_at_least_n)
{
    breaker_policy p = three_in_a_row;
    p.consecutive_failures = 5;
    ready(p);
    calls("FFFF");
    state_is(BREAKER_CLOSED);
    calls("F");
    state_is(BREAKER_OPEN);
}
END_TEST

START_TEST(CB_08_the_threshold_is_inclusive)
{
    breaker_policy p = half_of_ten;
    p.min_calls = 10;
    ready(p);
    calls("SSSSSFFFF");
    state_is(BREAKER_CLOSED);
    calls("F");
    state_is(BREAKER_OPEN);
    ck_assert_double_eq_tol(event.rate, 0.5, 1e-9);
}
END_TEST

START_TEST(CB_09_a_success_that_completes_the_minimum_can_open_it)
{
    ready(half_of_ten);
    calls("FFFS");
    state_is(BREAKER_CLOSED);
    calls("S");
    state_is(BREAKER_OPEN);
    ck_assert_double_eq_tol(event.rate, 0.6, 1e-9);
}
END_TEST

START_TEST(CB_11_a_minimum_above_the_window_of_calls_is_cut_to_it)
{
    breaker_policy p = half_of_ten;
    p.min_calls = 100;
    ready(p);
    calls("FFFFFFFFF");
    state_is(BREAKER_CLOSED);
    calls("F");
    state_is(BREAKER_OPEN);
}
END_TEST

START_TEST(CB_11_a_window_of_time_has_no_number_to_cut_it_to)
{
    breaker_policy p = half_of_ten_seconds;
    p.min_calls = 100;
    ready(p);
    for (int i = 0; i < 99; i++)
        calls("F");
    state_is(BREAKER_CLOSED);
    calls("F");
    state_is(BREAKER_OPEN);
}
END_TEST

START_TEST(CB_15_a_slice_goes_as_a_whole_when_its_beginning_is_a_window_old)
{
    breaker_policy p = half_of_ten_seconds; /* 20 slices of 500 ms */
    p.min_calls = 100;
    ready(p);
    now = 250;
    calls("F");
    now = 499;
    calls("F");
    now = 500;
    calls("F");
    now = 9999;
    ck_assert_uint_eq(look().calls, 3);
    now = 10000;
    ck_assert_uint_eq(look().calls, 1);
    now = 10500;
    ck_assert_uint_eq(look().calls, 0);
}
END_TEST

START_TEST(CB_17_low_volume_never_opens_it)
{
    ready(half_of_ten_seconds);
    for (int i = 0; i < 10; i++, now += 10000)
        calls("FFFF");
    state_is(BREAKER_CLOSED);
}
END_TEST

START_TEST(CB_18_the_verdict_is_not_delayed)
{
    ready(half_of_ten_seconds);
    calls("FFFFF");
    ck_assert(refused());
}
END_TEST

START_TEST(CB_21_slow_and_failed_counts_in_both_rates)
{
    breaker_policy p = half_of_ten;
    p.slow_rate = 0.9;
    p.slow_call = 100;
    ready(p);
    calls("SSSff");
    state_is(BREAKER_CLOSED);
    ck_assert_double_eq_tol(look().failure_rate, 0.4, 1e-9);
    ck_assert_double_eq_tol(look().slow_rate, 0.4, 1e-9);
}
END_TEST

START_TEST(CB_23_a_timeout_counts_at_its_moment_and_a_later_success_not_at_all)
{
    breaker_policy p = three_in_a_row;
    p.consecutive_failures = 1;
    ready(p);
    breaker_permit permit = enter();
    now = 100; /* the caller's timeout; the operation goes on */
    ck_assert(breaker_report(&b, &permit, BREAKER_FAILURE, now, &event));
    state_is(BREAKER_OPEN);
    ck_assert_int_eq(b.until, 1100);
    now = 1000;
    ck_assert(!breaker_report(&b, &permit, BREAKER_SUCCESS, now, &event));
    state_is(BREAKER_OPEN);
    ck_assert_uint_eq(look().late, 0); /* it was reported already */
}
END_TEST

/* ---- What counts ---- */

START_TEST(CB_25_ignored_results_are_in_no_count)
{
    ready(half_of_ten);
    calls("FIFIFIF");
    ck_assert_uint_eq(look().calls, 4);
    state_is(BREAKER_CLOSED);
    ready(three_in_a_row);
    calls("FFI");
    ck_assert_uint_eq(look().consecutive_failures, 2); /* no success either */
}
END_TEST

START_TEST(CB_29_own_refusals_are_no_failures)
{
    ready(half_of_ten);
    calls("FFFFF");
    for (int i = 0; i < 100; i++)
        ck_assert(refused());
    ck_assert_uint_eq(look().calls, 5);
    ck_assert_uint_eq(look().not_permitted, 100);
    half_open();
    calls("S");
    state_is(BREAKER_CLOSED);
    ck_assert_uint_eq(look().calls, 0);
}
END_TEST

START_TEST(CB_30_a_cancelled_call_is_no_failure)
{
    ready(three_in_a_row);
    calls("FF");
    for (int i = 0; i < 10; i++) {
        breaker_permit cancelled = enter();
        ck_assert(breaker_report(&b, &cancelled, BREAKER_IGNORED, now, &event));
    }
    state_is(BREAKER_CLOSED);
}
END_TEST

/* ---- HALF_OPEN ---- */

START_TEST(CB_46_no_verdict_before_the_missing_probes_could_not_change_it)
{
    breaker_policy p = half_of_ten;
    p.probes = 4;
    ready(p);
    calls("FFFFF");
    half_open();
    calls("FSS");
    state_is(BREAKER_HALF_OPEN); /* another failure would be half */
    calls("S");
    state_is(BREAKER_CLOSED);
    calls("FFFFF");
    half_open();
    calls("FSS");
    calls("F");
    state_is(BREAKER_OPEN);
}
END_TEST

START_TEST(CB_52_a_failed_probe_leaves_a_way_out)
{
    ready(three_in_a_row);
    calls("FFF");
    for (int i = 0; i < 5; i++) {
        half_open();
        calls("F");
        state_is(BREAKER_OPEN);
    }
    half_open();
    calls("S");
    state_is(BREAKER_CLOSED);
}
END_TEST

START_TEST(CB_53_a_cancelled_probe_makes_room_for_another)
{
    ready(three_in_a_row);
    calls("FFF");
    half_open();
    breaker_permit probe = enter();
    ck_assert(refused());
    ck_assert(breaker_report(&b, &probe, BREAKER_IGNORED, now, &event));
    state_is(BREAKER_HALF_OPEN);
    calls("S");
    state_is(BREAKER_CLOSED);
}
END_TEST

/* ---- The rest ---- */

START_TEST(CB_70_a_new_breaker_is_closed)
{
    ready(half_of_ten);
    state_is(BREAKER_CLOSED);
    ck_assert_int_eq(look().next, -1);
}
END_TEST

START_TEST(CB_72_transitions_are_told_and_the_rest_is_counted)
{
    ready(half_of_ten);
    breaker_permit old = enter();
    calls("SSFF");
    ck_assert(!event.changed);
    calls("F"); /* 3 of 5 */
    ck_assert(event.changed && !event.manual);
    ck_assert_int_eq(event.from, BREAKER_CLOSED);
    ck_assert_int_eq(event.to, BREAKER_OPEN);
    ck_assert_str_eq(breaker_cause_name(event.cause), "failure rate");
    ck_assert_double_eq_tol(event.rate, 0.6, 1e-9);
    ck_assert(refused());
    ck_assert(!event.changed);
    ck_assert(!breaker_report(&b, &old, BREAKER_FAILURE, now, &event));
    ck_assert(!event.changed);
    breaker_snapshot s = look();
    ck_assert_uint_eq(s.not_permitted, 1);
    ck_assert_uint_eq(s.late, 1);
    ck_assert_uint_eq(s.opened, 1);
}
END_TEST

START_TEST(CB_74_forced_open_tells_only_what_the_operator_does)
{
    ready(three_in_a_row);
    breaker_permit old = enter();
    breaker_force_open(&b, now, &event);
    ck_assert(event.changed && event.manual);
    for (now = 1; now < 100000; now += 1000) {
        ck_assert(refused());
        ck_assert(!event.changed);
    }
    ck_assert(!breaker_report(&b, &old, BREAKER_FAILURE, now, &event));
    ck_assert(!event.changed);
    breaker_reset(&b, now, &event);
    ck_assert(event.changed && event.manual);
    state_is(BREAKER_CLOSED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        CB_01_opens_on_the_nth_failure_in_a_row,
        CB_02_any_success_resets_the_run,
        CB_03_n_means_at_least_n,
        CB_08_the_threshold_is_inclusive,
        CB_09_a_success_that_completes_the_minimum_can_open_it,
        CB_11_a_minimum_above_the_window_of_calls_is_cut_to_it,
        CB_11_a_window_of_time_has_no_number_to_cut_it_to,
        CB_15_a_slice_goes_as_a_whole_when_its_beginning_is_a_window_old,
        CB_17_low_volume_never_opens_it,
        CB_18_the_verdict_is_not_delayed,
        CB_21_slow_and_failed_counts_in_both_rates,
        CB_23_a_timeout_counts_at_its_moment_and_a_later_success_not_at_all,
        CB_25_ignored_results_are_in_no_count,
        CB_29_own_refusals_are_no_failures,
        CB_30_a_cancelled_call_is_no_failure,
        CB_46_no_verdict_before_the_missing_probes_could_not_change_it,
        CB_52_a_failed_probe_leaves_a_way_out,
        CB_53_a_cancelled_probe_makes_room_for_another,
        CB_70_a_new_breaker_is_closed,
        CB_72_transitions_are_told_and_the_rest_is_counted,
        CB_74_forced_open_tells_only_what_the_operator_does,
        NULL};
    return suite_run("scenarios_breaker", tests, NULL, teardown);
}
