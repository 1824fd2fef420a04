/* worker: a program for `worker` actors that does what its messages say. It is the test program
 * itself, started with arguments, so that it starts fast; configurations name it "${SELF}".
 *
 * A message that is no object is answered with itself. An object's members are carried out in their
 * order; nothing is answered that they don't say:
 *
 *     "say": TEXT       a line; @ in it is the message's id, quoted
 *     "mutter": TEXT    the same without the line's end
 *     "stderr": TEXT    as it is
 *     "flood": N        N bytes of x on stdout; "flood_stderr": N: lines of them on stderr
 *     "line": true      answer with the line as it came, as a string
 *     "hold": true      answer later: at "release", or with the answer to a question ("ref")
 *     "release": true   answer all that is held, newest first, with their count
 *     "close": true     its input, so that nothing more can reach it
 *     "exit": N         end with this status
 *     "signal": N       send it to itself
 *     "pause": true     until a signal ends it
 *     "wait": PATH      until there is such a file
 *
 * Words after "worker" on its command line: `ready` it says so first · `deaf` it never reads ·
 * `mute` it reads and says nothing · `confirm` it answers each cancel with an error · `stubborn` it
 * ignores SIGTERM and the end of its input · `patient` it ignores SIGTERM, and ends with its input.
 *
 * Every line that it reads is appended to the file $WORKER_LOG, if that is set: "NAME LINE".
 */
#ifndef TESTS_E2E_HARNESS_WORKER_H
#define TESTS_E2E_HARNESS_WORKER_H

#include <check.h>

/* The main() of a test program: be the worker if it is started as one, else run the tests, a
 * NULL-ended list. Sets $SELF. */
int worker_or_tests(int argc, char **argv, const char *name, const TTest *const *tests);

#endif
