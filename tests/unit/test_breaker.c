/* The circuit breaker, in virtual time: the caller says what time it is. */
#include "supervisors/breaker.h"
#include "supervisors/prng.h"
#include "tests/support/suite.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static breaker b;
static breaker_event event;
static actor_ms now;

/* Two thirds of the tests want these. */
static const breaker_policy consecutive = {.consecutive_failures = 3,
                                           .open_for = 1000,
                                           .open_factor = 1,
                                           .open_max = 1000,
                                           .probes = 1,
                                           .probe_timeout = 5000};
static const breaker_policy counting = {.window_calls = 10,
                                        .min_calls = 5,
                                        .failure_rate = 0.5,
                                        .open_for = 1000,
                                        .open_factor = 1,
                                        .open_max = 1000,
                                        .probes = 4,
                                        .probe_timeout = 5000};
static const breaker_policy timed = {.window_time = 5000,
                                     .min_calls = 3,
                                     .failure_rate = 0.5,
                                     .open_for = 1000,
                                     .open_factor = 1,
                                     .open_max = 1000,
                                     .probes = 1};

static void ready(breaker_policy p)
{
    now = 0;
    ck_assert_int_eq(breaker_init(&b, &p, now), SUPERVISOR_OK);
}

static void teardown(void)
{
    breaker_fini(&b);
}

static breaker_permit enter(void)
{
    breaker_permit permit;
    ck_assert(breaker_acquire(&b, now, &permit, &event));
    return permit;
}

static void refused(void)
{
    breaker_permit permit;
    ck_assert(!breaker_acquire(&b, now, &permit, &event));
}

static bool report(breaker_permit *permit, breaker_result result)
{
    return breaker_report(&b, permit, result, now, &event);
}

/* One call a letter: S good, F failed, I ignored; lower case the same, and slow (`slow` ms). */
static void calls(const char *results, actor_ms slow)
{
    for (; *results; results++) {
        breaker_permit permit = enter();
        bool is_slow = *results >= 'a';
        char kind = (char)(is_slow ? *results - 'a' + 'A' : *results);
        if (is_slow)
            now += slow;
        ck_assert(report(&permit, kind == 'S'   ? BREAKER_SUCCESS
                                  : kind == 'F' ? BREAKER_FAILURE
                                                : BREAKER_IGNORED));
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

static void at(actor_ms instant)
{
    now = instant;
    breaker_tick(&b, now, &event);
}

static void half_open(breaker_policy p, const char *trip)
{
    ready(p);
    calls(trip, 0);
    state_is(BREAKER_OPEN);
    at(now + p.open_for);
    state_is(BREAKER_HALF_OPEN);
}

/* ---- Rules, as conversations: the results, and where they lead ---- */

static const struct {
    const char *scenario;
    breaker_policy policy;
    const char *results; /* all but the last leave it CLOSED */
    breaker_state end;
    breaker_cause cause;
} rules[] = {
#define RULE .open_for = 1, .open_factor = 1, .open_max = 1, .probes = 1
    {"CB_01 the n-th in a row",
     {RULE, .consecutive_failures = 3},
     "FFF",
     BREAKER_OPEN,
     BREAKER_BY_CONSECUTIVE},
    {"CB_02 any success resets", {RULE, .consecutive_failures = 3}, "FFSFF", BREAKER_CLOSED, 0},
    {"CB_03 n is at least n", {RULE, .consecutive_failures = 5}, "FFFF", BREAKER_CLOSED, 0},
    {"CB_07 below the minimum",
     {RULE, .window_calls = 20, .min_calls = 5, .failure_rate = .5},
     "FFFF",
     BREAKER_CLOSED,
     0},
    {"CB_07 at the minimum",
     {RULE, .window_calls = 20, .min_calls = 5, .failure_rate = .5},
     "FFFFF",
     BREAKER_OPEN,
     BREAKER_BY_FAILURE_RATE},
    {"CB_08 inclusive",
     {RULE, .window_calls = 10, .min_calls = 10, .failure_rate = .5},
     "FFFFFSSSSS",
     BREAKER_OPEN,
     BREAKER_BY_FAILURE_RATE},
    {"CB_08 just under",
     {RULE, .window_calls = 10, .min_calls = 10, .failure_rate = .5},
     "FFFFSSSSSS",
     BREAKER_CLOSED,
     0},
    {"CB_09 a success trips",
     {RULE, .window_calls = 10, .min_calls = 5, .failure_rate = .5},
     "FFFSS",
     BREAKER_OPEN,
     BREAKER_BY_FAILURE_RATE},
    {"CB_11 the minimum is cut to the window",
     {RULE, .window_calls = 3, .min_calls = 100, .failure_rate = .5},
     "FFF",
     BREAKER_OPEN,
     BREAKER_BY_FAILURE_RATE},
    {"the oldest result leaves",
     {RULE, .window_calls = 4, .min_calls = 4, .failure_rate = .5},
     "FSSSFSSSFSSSFF",
     BREAKER_OPEN,
     BREAKER_BY_FAILURE_RATE},
    {"CB_20 slow trips without a failure",
     {RULE, .window_calls = 4, .min_calls = 4, .slow_rate = .5, .slow_call = 100},
     "SSss",
     BREAKER_OPEN,
     BREAKER_BY_SLOW_RATE},
    {"CB_21 slow and failed counts in the failure rate",
     {RULE, .window_calls = 4, .min_calls = 2, .failure_rate = .9, .slow_rate = .9,
      .slow_call = 100},
     "ff",
     BREAKER_OPEN,
     BREAKER_BY_FAILURE_RATE},
    {"CB_21 slow and failed counts in the slow rate",
     {RULE, .window_calls = 4, .min_calls = 2, .slow_rate = .9, .slow_call = 100},
     "ff",
     BREAKER_OPEN,
     BREAKER_BY_SLOW_RATE},
    {"a rule that is off does nothing",
     {RULE, .window_calls = 4, .min_calls = 2, .slow_rate = .5, .slow_call = 100},
     "FFFFFF",
     BREAKER_CLOSED,
     0},
    {"CB_25 ignored is in no count",
     {RULE, .consecutive_failures = 2},
     "FIIIII",
     BREAKER_CLOSED,
     0},
    {"CB_25 ignored resets no run",
     {RULE, .consecutive_failures = 2},
     "FIF",
     BREAKER_OPEN,
     BREAKER_BY_CONSECUTIVE},
    {"a rate that was computed",
     {RULE, .window_calls = 10, .min_calls = 10, .failure_rate = .1 + .2},
     "FFFSSSSSSS",
     BREAKER_OPEN,
     BREAKER_BY_FAILURE_RATE},
#undef RULE
};

START_TEST(rules_open_where_they_should)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        ready(rules[i].policy);
        size_t length = strlen(rules[i].results);
        for (size_t n = 0; n < length; n++) {
            char one[2] = {rules[i].results[n], 0};
            ck_assert_msg(b.state == BREAKER_CLOSED, "%s: opened before call %zu",
                          rules[i].scenario, n);
            calls(one, 101);
        }
        ck_assert_msg(b.state == rules[i].end, "%s: ends %s", rules[i].scenario,
                      breaker_state_name(b.state));
        if (rules[i].end == BREAKER_OPEN)
            ck_assert_msg(event.cause == rules[i].cause, "%s: because of %s", rules[i].scenario,
                          breaker_cause_name(event.cause));
        breaker_fini(&b);
    }
}
END_TEST

START_TEST(CB_20_exactly_slow_call_is_not_slow)
{
    breaker_policy p = counting;
    p.failure_rate = 0;
    p.slow_rate = 0.5;
    p.slow_call = 100;
    ready(p);
    calls("sssss", 100);
    state_is(BREAKER_CLOSED);
    ck_assert_double_eq(look().slow_rate, 0);
}
END_TEST

START_TEST(CB_22_a_running_call_is_in_no_statistic)
{
    ready(counting);
    for (int i = 0; i < 100; i++)
        (void)enter();
    ck_assert_uint_eq(look().calls, 0);
    state_is(BREAKER_CLOSED);
}
END_TEST

START_TEST(CB_07_and_12_rates_are_undefined_below_the_minimum)
{
    ready(counting);
    calls("FFSF", 0);
    ck_assert_double_eq(look().failure_rate, BREAKER_UNDEFINED);
    calls("S", 0);
    breaker_snapshot s = look();
    ck_assert_double_eq(s.failure_rate, 0.6);
    ck_assert_double_eq(s.slow_rate, BREAKER_UNDEFINED); /* nothing is slow */
    ck_assert_uint_eq(s.calls, 5);
}
END_TEST

/* ---- The time window ---- */

START_TEST(CB_13_old_buckets_leave_also_when_only_looked_at)
{
    breaker_policy p = timed;
    p.min_calls = 10;
    ready(p);
    calls("FFF", 0);
    for (now = 1000; now < 5000; now += 1000)
        ck_assert_uint_eq(look().calls, 3);
    now = 5000;
    ck_assert_uint_eq(look().calls, 0);
}
END_TEST

START_TEST(CB_14_a_long_silence_is_one_step)
{
    breaker_policy p = timed;
    p.min_calls = 1000;
    ready(p);
    for (now = 0; now < 5000; now += 100)
        calls("FS", 0);
    now = INT64_MAX / 2;
    ck_assert_uint_eq(look().calls, 0);
    calls("F", 0);
    ck_assert_uint_eq(look().calls, 1);
}
END_TEST

START_TEST(CB_16_the_minimum_counts_what_is_in_the_window)
{
    breaker_policy p = timed;
    p.min_calls = 10;
    ready(p);
    calls("FFFFFFFFF", 0);
    now = 5000;
    calls("FFFFFFFFF", 0);
    state_is(BREAKER_CLOSED);
    calls("F", 0);
    state_is(BREAKER_OPEN);
}
END_TEST

START_TEST(CB_06_a_sliding_window_misjudges_no_edge)
{
    breaker_policy p = timed;
    p.min_calls = 100;
    p.window_time = 10000;
    ready(p);
    for (now = 0; now < 9100; now++)
        calls("S", 0);
    for (; now < 10000; now++)
        calls("F", 0);
    state_is(BREAKER_CLOSED); /* 9 % */
}
END_TEST

START_TEST(windows_shorter_than_their_buckets_work)
{
    static const actor_ms windows[] = {1, 7, 19, 20, 59};
    for (size_t i = 0; i < COUNT(windows); i++) {
        breaker_policy p = timed;
        p.window_time = windows[i];
        ready(p);
        calls("FF", 0);
        now = windows[i];
        ck_assert_uint_eq(look().calls, 0);
        calls("FFF", 0);
        state_is(BREAKER_OPEN);
        breaker_fini(&b);
    }
}
END_TEST

/* ---- OPEN ---- */

START_TEST(CB_33_open_refuses_and_counts_it)
{
    ready(consecutive);
    calls("FFF", 0);
    refused();
    refused();
    ck_assert_uint_eq(look().not_permitted, 2);
}
END_TEST

START_TEST(CB_34_a_refusal_says_how_long)
{
    ready(consecutive);
    ck_assert_int_eq(breaker_retry_after(&b, now), 0);
    calls("FFF", 0);
    ck_assert_int_eq(breaker_retry_after(&b, 300), 700);
    ck_assert_int_eq(breaker_retry_after(&b, 1500), 0);
    breaker_force_open(&b, 300, &event);
    ck_assert_int_eq(breaker_retry_after(&b, 300), -1);
}
END_TEST

START_TEST(CB_35_half_open_exactly_when_the_wait_is_over)
{
    ready(consecutive);
    calls("FFF", 0);
    ck_assert_int_eq(breaker_next_event(&b), 1000);
    at(999);
    state_is(BREAKER_OPEN);
    ck_assert(!event.changed);
    at(1000);
    state_is(BREAKER_HALF_OPEN);
    ck_assert(event.changed);
    ck_assert_int_eq(event.cause, BREAKER_BY_WAIT);
}
END_TEST

START_TEST(CB_37_a_late_timer_does_no_harm)
{
    half_open(consecutive, "FFF");
    at(now);
    at(now + 1);
    state_is(BREAKER_HALF_OPEN);
    ck_assert(!event.changed);
    ck_assert_int_eq(breaker_next_event(&b), BREAKER_NEVER);
}
END_TEST

START_TEST(a_call_catches_up_with_a_timer_that_is_late)
{
    ready(consecutive);
    calls("FFF", 0);
    now = 1000;
    breaker_permit probe = enter();
    ck_assert(event.changed);
    state_is(BREAKER_HALF_OPEN);
    ck_assert(report(&probe, BREAKER_SUCCESS));
    state_is(BREAKER_CLOSED);
}
END_TEST

START_TEST(CB_38_late_failures_do_not_extend_the_wait)
{
    ready(consecutive);
    breaker_permit slow = enter();
    calls("FFF", 0);
    now = 500;
    ck_assert(!report(&slow, BREAKER_FAILURE));
    ck_assert(!event.changed);
    ck_assert_int_eq(breaker_next_event(&b), 1000);
    ck_assert_uint_eq(look().late, 1);
}
END_TEST

START_TEST(CB_41_the_open_time_grows_up_to_its_maximum_and_starts_anew_after_closed)
{
    breaker_policy p = consecutive;
    p.open_factor = 1.5;
    p.open_for = 5000;
    p.open_max = 12000;
    static const actor_ms waits[] = {5000, 7500, 11250, 12000, 12000};
    ready(p);
    calls("FFF", 0);
    for (size_t i = 0; i < COUNT(waits); i++) {
        ck_assert_int_eq(breaker_next_event(&b) - now, waits[i]);
        at(now + waits[i] - 1);
        state_is(BREAKER_OPEN);
        at(now + 1);
        calls("F", 0);
        state_is(BREAKER_OPEN);
    }
    at(breaker_next_event(&b));
    calls("SFFF", 0);
    ck_assert_int_eq(breaker_next_event(&b) - now, 5000);
}
END_TEST

START_TEST(what_opened_it_can_be_looked_at_while_it_is_open)
{
    breaker_policy p = timed;
    p.open_for = p.open_max = 60000;
    ready(p);
    calls("SFF", 0);
    ck_assert_double_eq_tol(event.rate, 2.0 / 3, 1e-9);
    now = 59999;
    breaker_snapshot s = look();
    ck_assert_double_eq_tol(s.failure_rate, 2.0 / 3, 1e-9);
    ck_assert_uint_eq(s.calls, 3);
    ck_assert_int_eq(s.since, 59999);
    ck_assert_int_eq(s.next, 1);
}
END_TEST

/* ---- HALF_OPEN ---- */

/* Each with 4 probes at 50 %; all but the last result leave it HALF_OPEN. */
static const struct {
    const char *scenario;
    const char *results;
    breaker_state end;
} probes[] = {
    {"CB_46 all good", "SSS", BREAKER_CLOSED}, /* the fourth can't change it any more */
    {"CB_46 one bad", "FSSS", BREAKER_CLOSED},
    {"D5 two bad are half, whatever comes", "FF", BREAKER_OPEN},
    {"D5 likewise", "SFSF", BREAKER_OPEN},
    {"CB_51 ignored ones are no probes", "IIIIISIFIF", BREAKER_OPEN},
};

START_TEST(verdicts_come_when_the_missing_probes_cannot_change_them)
{
    for (size_t i = 0; i < COUNT(probes); i++) {
        half_open(counting, "FFFFF");
        for (const char *one = probes[i].results; *one; one++) {
            ck_assert_msg(b.state == BREAKER_HALF_OPEN, "%s: a verdict before %s",
                          probes[i].scenario, one);
            calls((char[]){*one, 0}, 0);
        }
        ck_assert_msg(b.state == probes[i].end, "%s: ends %s", probes[i].scenario,
                      breaker_state_name(b.state));
        breaker_fini(&b);
    }
}
END_TEST

START_TEST(CB_43_and_44_probes_are_limited_and_fresh_each_time)
{
    breaker_permit permits[4];
    half_open(counting, "FFFFF");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT(permits); i++)
            permits[i] = enter();
        refused();
        refused();
        (void)report(&permits[0], BREAKER_FAILURE);
        (void)report(&permits[1], BREAKER_FAILURE);
        state_is(BREAKER_OPEN);
        at(now + 1000);
    }
    ck_assert_uint_eq(look().not_permitted, 4);
}
END_TEST

START_TEST(CB_48_slow_probes_re_open)
{
    breaker_policy p = counting;
    p.slow_rate = 0.5;
    p.slow_call = 100;
    half_open(p, "FFFFF");
    calls("sSs", 101);
    state_is(BREAKER_OPEN);
    ck_assert_int_eq(event.cause, BREAKER_BY_SLOW_RATE);
}
END_TEST

START_TEST(CB_49_with_failures_in_a_row_all_probes_must_be_good)
{
    breaker_policy p = consecutive;
    p.probes = 3;
    half_open(p, "FFF");
    calls("SS", 0);
    state_is(BREAKER_HALF_OPEN);
    calls("S", 0);
    state_is(BREAKER_CLOSED);
    breaker_fini(&b);
    half_open(p, "FFF");
    calls("SF", 0);
    state_is(BREAKER_OPEN);
}
END_TEST

START_TEST(CB_51_an_ignored_probe_gives_its_permit_back)
{
    half_open(consecutive, "FFF");
    breaker_permit probe = enter();
    refused();
    ck_assert(report(&probe, BREAKER_IGNORED));
    ck_assert(!report(&probe, BREAKER_IGNORED)); /* once */
    state_is(BREAKER_HALF_OPEN);
    ck_assert_int_eq(breaker_next_event(&b), BREAKER_NEVER);
    calls("S", 0);
    state_is(BREAKER_CLOSED);
}
END_TEST

START_TEST(CB_54_a_hung_probe_re_opens_after_probe_timeout)
{
    half_open(consecutive, "FFF");
    now = 2000;
    breaker_permit hung = enter();
    ck_assert_int_eq(breaker_next_event(&b), 7000);
    ck_assert_int_eq(breaker_retry_after(&b, 2500), 4500);
    at(6999);
    state_is(BREAKER_HALF_OPEN);
    at(7000);
    state_is(BREAKER_OPEN);
    ck_assert_int_eq(event.cause, BREAKER_BY_TIMEOUT);
    ck_assert(!report(&hung, BREAKER_SUCCESS));
    state_is(BREAKER_OPEN);
}
END_TEST

START_TEST(CB_54_zero_is_no_bound)
{
    half_open(timed, "FFF");
    (void)enter();
    ck_assert_int_eq(breaker_next_event(&b), BREAKER_NEVER);
    at(INT64_MAX / 2);
    state_is(BREAKER_HALF_OPEN);
}
END_TEST

START_TEST(CB_55_too_little_traffic_is_bounded_by_the_same_time)
{
    half_open(counting, "FFFFF");
    calls("S", 0);
    at(now + 5000);
    state_is(BREAKER_OPEN);
}
END_TEST

START_TEST(without_traffic_it_stays_half_open)
{
    half_open(consecutive, "FFF");
    at(now + 100000000);
    state_is(BREAKER_HALF_OPEN);
}
END_TEST

/* ---- Generations ---- */

START_TEST(CB_59_and_60_results_of_an_older_period_change_nothing)
{
    ready(consecutive);
    breaker_permit good = enter(), bad = enter();
    calls("FFF", 0);
    at(1000);
    ck_assert(!report(&good, BREAKER_SUCCESS));
    ck_assert(!report(&bad, BREAKER_FAILURE));
    state_is(BREAKER_HALF_OPEN);
    ck_assert_uint_eq(look().calls, 0);
    ck_assert_uint_eq(look().late, 2);
}
END_TEST

START_TEST(probes_left_over_from_an_early_verdict_are_late)
{
    half_open(counting, "FFFFF");
    breaker_permit left = enter();
    calls("SSS", 0);
    state_is(BREAKER_CLOSED);
    ck_assert(!report(&left, BREAKER_FAILURE));
    ck_assert_uint_eq(look().calls, 0);
}
END_TEST

START_TEST(a_late_ignored_result_frees_no_probe)
{
    ready(consecutive);
    breaker_permit old = enter();
    calls("FFF", 0);
    at(1000);
    (void)enter();
    ck_assert(!report(&old, BREAKER_IGNORED));
    refused();
    ck_assert_uint_eq(look().late, 0);
}
END_TEST

/* ---- The operator ---- */

START_TEST(CB_64_forced_open_stays_for_ever)
{
    ready(consecutive);
    breaker_permit old = enter();
    breaker_force_open(&b, now, &event);
    ck_assert(event.changed && event.manual);
    ck_assert_int_eq(breaker_next_event(&b), BREAKER_NEVER);
    at(INT64_MAX / 2);
    refused();
    ck_assert(!report(&old, BREAKER_SUCCESS));
    state_is(BREAKER_FORCED_OPEN);
    breaker_close(&b, now, &event);
    state_is(BREAKER_CLOSED);
    calls("S", 0);
}
END_TEST

START_TEST(close_begins_with_an_empty_window_and_the_first_open_time)
{
    breaker_policy p = consecutive;
    p.open_factor = 2;
    p.open_max = 100000;
    half_open(p, "FFF");
    calls("F", 0);
    breaker_close(&b, now, &event);
    ck_assert(event.manual);
    ck_assert_int_eq(event.from, BREAKER_OPEN);
    calls("FF", 0);
    state_is(BREAKER_CLOSED);
    calls("F", 0);
    ck_assert_int_eq(breaker_next_event(&b) - now, 1000);
}
END_TEST

START_TEST(CB_71_same_state_moves_are_no_transition)
{
    ready(consecutive);
    calls("FF", 0);
    breaker_close(&b, now, &event);
    ck_assert(event.manual && !event.changed);
    calls("FF", 0);
    state_is(BREAKER_CLOSED);
    breaker_force_open(&b, now, &event);
    breaker_force_open(&b, now, &event);
    ck_assert(event.manual && !event.changed);
}
END_TEST

START_TEST(reset_also_clears_the_counters)
{
    ready(consecutive);
    calls("FFF", 0);
    refused();
    breaker_reset(&b, now, &event);
    breaker_snapshot s = look();
    ck_assert_int_eq(s.state, BREAKER_CLOSED);
    ck_assert_uint_eq(s.not_permitted, 0);
    ck_assert_uint_eq(s.opened, 0);
}
END_TEST

START_TEST(CB_73_one_event_for_each_transition)
{
    ready(consecutive);
    int transitions = 0;
    static const char results[] = "FFFFFF";
    for (const char *one = results; *one; one++) {
        breaker_permit permit;
        if (breaker_acquire(&b, now, &permit, &event))
            (void)report(&permit, BREAKER_FAILURE);
        transitions += event.changed;
    }
    ck_assert_int_eq(transitions, 1);
    ck_assert_uint_eq(look().opened, 1);
}
END_TEST

/* ---- Policies ---- */

START_TEST(CB_79_a_change_keeps_the_state_and_the_wait)
{
    breaker_policy p = consecutive;
    ready(p);
    calls("FFF", 0);
    p.open_for = p.open_max = 50;
    p.consecutive_failures = 7;
    ck_assert_int_eq(breaker_update(&b, &p, now, &event), SUPERVISOR_OK);
    ck_assert(!event.changed);
    ck_assert_int_eq(breaker_next_event(&b), 1000);
}
END_TEST

START_TEST(CB_79_a_window_of_calls_keeps_its_newest_results)
{
    breaker_policy p = counting;
    ready(p);
    calls("SSSSSSFFSS", 0);
    p.window_calls = 6;
    ck_assert_int_eq(breaker_update(&b, &p, now, &event), SUPERVISOR_OK);
    ck_assert_uint_eq(look().calls, 6);
    ck_assert_double_eq_tol(look().failure_rate, 2.0 / 6, 1e-9);
    p.window_calls = 100;
    ck_assert_int_eq(breaker_update(&b, &p, now, &event), SUPERVISOR_OK);
    ck_assert_uint_eq(look().calls, 6);
    calls("FF", 0);
    state_is(BREAKER_OPEN); /* 4 of 8 */
}
END_TEST

START_TEST(CB_79_a_window_of_another_kind_begins_empty)
{
    ready(counting);
    calls("FFFF", 0);
    ck_assert_int_eq(breaker_update(&b, &timed, now, &event), SUPERVISOR_OK);
    ck_assert_uint_eq(look().calls, 0);
    calls("FFF", 0);
    state_is(BREAKER_OPEN);
}
END_TEST

START_TEST(fewer_probes_can_bring_the_verdict)
{
    breaker_policy p = counting;
    half_open(p, "FFFFF");
    calls("SS", 0);
    state_is(BREAKER_HALF_OPEN);
    p.probes = 2;
    ck_assert_int_eq(breaker_update(&b, &p, now, &event), SUPERVISOR_OK);
    ck_assert(event.changed);
    state_is(BREAKER_CLOSED);
}
END_TEST

START_TEST(CB_77_bad_policies_are_refused)
{
    breaker_policy bad[16];
    size_t n = 0;
#define BAD(change) (bad[n] = counting, bad[n].change, n++)
    BAD(failure_rate = 1.1);
    BAD(failure_rate = -0.1);
    BAD(slow_rate = 0.5); /* nothing is slow */
    BAD(window_calls = 0);
    BAD(window_calls = BREAKER_WINDOW_MAX + 1);
    BAD(window_time = 1000); /* both */
    BAD(min_calls = 0);
    BAD(failure_rate = 0); /* no rule at all */
    BAD(open_for = 0);
    BAD(open_factor = 0.9);
    BAD(open_max = 999);
    BAD(probes = 0);
    BAD(probe_timeout = -1);
    BAD(slow_call = -1);
#undef BAD
    ready(counting);
    for (size_t i = 0; i < n; i++) {
        breaker other;
        ck_assert_msg(breaker_init(&other, &bad[i], 0) == SUPERVISOR_EINVAL, "policy %zu", i);
        ck_assert_int_eq(breaker_update(&b, &bad[i], 0, &event), SUPERVISOR_EINVAL);
    }
    ck_assert_uint_eq(b.policy.window_calls, counting.window_calls);
}
END_TEST

/* Whatever happens: permits stay within their number, counts fit the window, and every state is
 * left in the end. */
START_TEST(random_calls_keep_the_invariants)
{
    prng r = {11};
    for (int round = 0; round < 300; round++) {
        breaker_policy p = round % 3 == 0 ? consecutive : round % 3 == 1 ? counting : timed;
        breaker_permit held[16] = {{0}};
        p.probes = (uint32_t)prng_between(&r, 1, 5);
        p.probe_timeout = 300;
        p.slow_rate = round % 3 && round % 2 ? 0.7 : 0;
        p.slow_call = 20;
        ready(p);
        for (int i = 0; i < 500; i++) {
            breaker_permit *permit = &held[prng_between(&r, 0, 15)];
            now += prng_between(&r, 0, 30);
            if (permit->generation == 0)
                (void)breaker_acquire(&b, now, permit, &event);
            else
                (void)report(permit, (breaker_result)prng_between(&r, 0, 2));
            ck_assert_uint_le(b.sum.failed, b.sum.calls);
            ck_assert_uint_le(b.sum.slow, b.sum.calls);
            if (b.state == BREAKER_HALF_OPEN) {
                ck_assert_uint_le(b.permits, p.probes);
                ck_assert_uint_lt(b.sum.calls, p.probes);
            }
            if (p.window_calls && b.state == BREAKER_CLOSED)
                ck_assert_uint_le(b.sum.calls, p.window_calls);
        }
        for (int i = 0; i < 40 && b.state != BREAKER_CLOSED; i++) {
            breaker_permit permit;
            if (breaker_acquire(&b, now, &permit, &event))
                (void)report(&permit, BREAKER_SUCCESS);
            else
                at(breaker_next_event(&b));
        }
        state_is(BREAKER_CLOSED);
        breaker_fini(&b);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        rules_open_where_they_should,
        CB_20_exactly_slow_call_is_not_slow,
        CB_22_a_running_call_is_in_no_statistic,
        CB_07_and_12_rates_are_undefined_below_the_minimum,
        CB_13_old_buckets_leave_also_when_only_looked_at,
        CB_14_a_long_silence_is_one_step,
        CB_16_the_minimum_counts_what_is_in_the_window,
        CB_06_a_sliding_window_misjudges_no_edge,
        windows_shorter_than_their_buckets_work,
        CB_33_open_refuses_and_counts_it,
        CB_34_a_refusal_says_how_long,
        CB_35_half_open_exactly_when_the_wait_is_over,
        CB_37_a_late_timer_does_no_harm,
        a_call_catches_up_with_a_timer_that_is_late,
        CB_38_late_failures_do_not_extend_the_wait,
        CB_41_the_open_time_grows_up_to_its_maximum_and_starts_anew_after_closed,
        what_opened_it_can_be_looked_at_while_it_is_open,
        verdicts_come_when_the_missing_probes_cannot_change_them,
        CB_43_and_44_probes_are_limited_and_fresh_each_time,
        CB_48_slow_probes_re_open,
        CB_49_with_failures_in_a_row_all_probes_must_be_good,
        CB_51_an_ignored_probe_gives_its_permit_back,
        CB_54_a_hung_probe_re_opens_after_probe_timeout,
        CB_54_zero_is_no_bound,
        CB_55_too_little_traffic_is_bounded_by_the_same_time,
        without_traffic_it_stays_half_open,
        CB_59_and_60_results_of_an_older_period_change_nothing,
        probes_left_over_from_an_early_verdict_are_late,
        a_late_ignored_result_frees_no_probe,
        CB_64_forced_open_stays_for_ever,
        close_begins_with_an_empty_window_and_the_first_open_time,
        CB_71_same_state_moves_are_no_transition,
        reset_also_clears_the_counters,
        CB_73_one_event_for_each_transition,
        CB_79_a_change_keeps_the_state_and_the_wait,
        CB_79_a_window_of_calls_keeps_its_newest_results,
        CB_79_a_window_of_another_kind_begins_empty,
        fewer_probes_can_bring_the_verdict,
        CB_77_bad_policies_are_refused,
        random_calls_keep_the_invariants,
        NULL};
    return suite_run("breaker", tests, NULL, teardown);
}
