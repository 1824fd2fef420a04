/* fake: a daemon that answers what a test tells it to, on a socket of its own. It remembers what it
 * was asked. To be used inside a test, never before Check's fork: NNG doesn't survive one.
 */
#ifndef TESTS_E2E_HARNESS_FAKE_H
#define TESTS_E2E_HARNESS_FAKE_H

#include <stddef.h>

/* Listen on a socket in a new directory, with no answers yet: every method is unknown. Any failure
 * fails the test. */
void fake_start(void);
void fake_stop(void);
const char *fake_url(void);

/* From now on `method` is answered with `result`, a JSON text. A second one for the same method is
 * the answer to the second call, and so on; the last one stays. */
void fake_answers(const char *method, const char *result);

/* Likewise with an error, and `more` (may be "") as further members of its data: ",\"x\":1". */
void fake_fails(const char *method, int code, const char *name, const char *message,
                const char *more);

/* Bytes as they are, whatever they are. */
void fake_says(const char *method, const char *bytes);

/* Take the request, say nothing. */
void fake_ignores(const char *method);

/* Wait until `count` requests came. */
void fake_wait(size_t count);

/* How many requests came, and the n-th of them (from 0), valid until fake_stop(). */
size_t fake_request_count(void);
const char *fake_request(size_t n);

/* What the n-th request had as its params, from their start on. */
#define expect_params(n, text) expect_in(fake_request(n), "\"params\":" text)

#endif
