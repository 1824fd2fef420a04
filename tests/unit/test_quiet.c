/* How many dead letters are logged, in virtual time. */
#include "daemon/quiet.h"
#include "tests/support/suite.h"

static quiet q;

static void setup(void)
{
    q = (quiet){0};
}

static unsigned admitted(unsigned events, clock_ms now)
{
    unsigned n = 0;
    while (events-- > 0)
        n += quiet_admit(&q, now);
    return n;
}

START_TEST(SUP_151_the_first_lines_then_silence_then_one_that_counts)
{
    ck_assert_uint_eq(admitted(QUIET_LINES, 5), QUIET_LINES);
    ck_assert(quiet_due(&q) == INT64_MAX);
    ck_assert_uint_eq(admitted(7, 6), 0);
    ck_assert(quiet_due(&q) == 5 + QUIET_MS);
    ck_assert_uint_eq(quiet_over(&q, 4 + QUIET_MS), 0);
    ck_assert_uint_eq(quiet_over(&q, 5 + QUIET_MS), 7);
    ck_assert(quiet_due(&q) == INT64_MAX);
    ck_assert_uint_eq(admitted(QUIET_LINES + 2, 5 + QUIET_MS), QUIET_LINES);
    ck_assert_uint_eq(quiet_over(&q, 5 + 2 * QUIET_MS), 2);
}
END_TEST

START_TEST(SUP_151_rare_ones_are_all_logged)
{
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(admitted(1, i * (clock_ms)QUIET_MS), 1);
    ck_assert_uint_eq(quiet_over(&q, INT64_MAX), 0);
}
END_TEST

START_TEST(what_was_left_out_is_told_before_anything_more_is_said)
{
    admitted(QUIET_LINES + 1, 0);
    ck_assert_uint_eq(admitted(1, QUIET_MS + 1), 0); /* its alarm is late */
    ck_assert_uint_eq(quiet_over(&q, QUIET_MS + 1), 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {SUP_151_the_first_lines_then_silence_then_one_that_counts,
                                  SUP_151_rare_ones_are_all_logged,
                                  what_was_left_out_is_told_before_anything_more_is_said, NULL};
    return suite_run("quiet", tests, setup, NULL);
}
