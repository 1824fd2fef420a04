/* One Check program: a suite of one case, each test in a process of its own. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>

/* Run the tests of a NULL-terminated list, each between `setup` and `teardown` (may be NULL).
 * Returns the exit status for main(). */
int suite_run(const char *name, const TTest *const *tests, void (*setup)(void),
              void (*teardown)(void));

#endif
