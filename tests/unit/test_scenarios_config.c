/* Scenarios of the catalogues that a configuration decides. */
#include "tests/support/configs.h"
#include "tests/support/suite.h"

#include <stdlib.h>

#define SECOND INT64_C(1000000)

#define CHILD(keys) "version: 1\nsupervisor: {children: [{name: a, exec: [cat], " keys "}]}\n"

START_TEST(SUP_04_what_is_not_written_has_its_default)
{
    config *c = configs_load("version: 1\nsupervisor: {children: [{name: a, exec: [cat]}, "
                             "{name: s, supervisor: {}}]}\n");
    const config_supervisor *s = c->root->supervisor;
    ck_assert_int_eq(s->strategy, CONFIG_ONE_FOR_ONE);
    ck_assert_int_eq(s->max_restarts, 10);
    ck_assert_int_eq(s->within_us, 60 * SECOND);
    const config_child *a = config_find_child(c, "a");
    ck_assert_int_eq(a->restart, CONFIG_PERMANENT);
    ck_assert_int_eq(a->shutdown_us, 5 * SECOND);
    ck_assert_int_eq(config_find_child(c, "s")->shutdown_us, CONFIG_INFINITY);
    config_free(c);
}
END_TEST

START_TEST(SUP_19_unknown_keys_are_refused_of_supervisors_and_children)
{
    configs_expect_error(CHILD("restrt: permanent"),
                         "2:48: error: unknown key 'restrt' in a child; did you mean "
                         "'restart'?");
    configs_expect_error(
        "version: 1\nsupervisor: {stratgy: one_for_all}\n",
        "2:14: error: unknown key 'stratgy' in a supervisor; did you mean 'strategy'?");
}
END_TEST

/* No timeout is the key left out, so that a zero can't mean two things. */
START_TEST(CB_24_an_attempt_timeout_of_zero_is_refused)
{
    configs_expect_error(CHILD("timeout: 0s"),
                         "2:57: error: timeout: 0s is out of range; valid values: 1us to 3650d");
}
END_TEST

START_TEST(RT_44_no_limit_of_time_is_zero_or_negative)
{
    configs_expect_error(CHILD("ttl: 0s"),
                         "2:53: error: ttl: 0s is out of range; valid values: 1us to 3650d");
    char *negative = configs_errors(CHILD("ttl: -1s"));
    ck_assert_ptr_nonnull(negative);
    free(negative);
}
END_TEST

START_TEST(RT_09_a_status_that_means_both_retry_and_reject_is_refused)
{
    configs_expect_error(CHILD("exits: {retry: [75, 65], reject: [65]}"),
                         "2:55: error: exits: 65 means both retry and reject; list it once");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {SUP_04_what_is_not_written_has_its_default,
                                  SUP_19_unknown_keys_are_refused_of_supervisors_and_children,
                                  CB_24_an_attempt_timeout_of_zero_is_refused,
                                  RT_44_no_limit_of_time_is_zero_or_negative,
                                  RT_09_a_status_that_means_both_retry_and_reject_is_refused,
                                  NULL};
    return suite_run("scenarios_config", tests, NULL, NULL);
}
