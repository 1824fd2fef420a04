/* What happened, as words separated by blanks, to be compared with what should have. */
#ifndef TESTS_TRACE_H
#define TESTS_TRACE_H

#include <check.h>

typedef struct trace {
    char text[4096];
} trace;

/* Append a word. A trace that is full fails the test. One thread. */
void trace_add(trace *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fail unless the trace is `expected`; then empty it. */
#define trace_is(t, expected)                                                                      \
    do {                                                                                           \
        ck_assert_str_eq((t)->text, (expected));                                                   \
        (t)->text[0] = '\0';                                                                       \
    } while (0)

#endif
