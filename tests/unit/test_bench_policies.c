/* The benchmark of the policies in a small size: every message is answered on both ways. What they
 * cost is not judged here, where others use the machine. */
#include "bench/policies.h"
#include "tests/support/suite.h"

START_TEST(messages_with_and_without_policies_are_all_answered)
{
    policies_cost c = {{0}, {0}, {0}, {0}, {0}};
    ck_assert(policies_measure(&c, 1000, 3));
    ck_assert_uint_eq(c.added.count, 3);
    policies_cost_free(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {messages_with_and_without_policies_are_all_answered, NULL};
    return suite_run("bench_policies", tests, NULL, NULL);
}
