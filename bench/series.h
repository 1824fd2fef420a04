/* Numbers of one kind: the repetitions of a measurement, or the times of single requests. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct series {
    double *values;
    size_t count, room;
} series; /* all zero: empty */

/* False: out of memory, nothing was added. */
bool series_add(series *s, double value);
void series_clear(series *s); /* keeps the memory */
void series_free(series *s);

/* The value below which `share` (0 to 1) of the values lie, by the nearest rank; sorts them.
 * 0 of an empty series. */
double series_at(series *s, double share);

/* Monotonic clock, nanoseconds. */
int64_t bench_now(void);

#endif
