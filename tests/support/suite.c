#include "tests/support/suite.h"

/* Ends a test that hangs; generous, since sanitizers and a busy machine are slow. */
#define SUITE_TIMEOUT 60 /* seconds */

int suite_run(const char *name, const TTest *const *tests, void (*setup)(void),
              void (*teardown)(void))
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, SUITE_TIMEOUT);
    tcase_add_checked_fixture(tcase, setup, teardown);
    for (; *tests; tests++)
        tcase_add_test(tcase, *tests);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
