#include "bench/series.h"

#include <stdlib.h>
#include <time.h>

enum { ROOM_FIRST = 64 };

bool series_add(series *s, double value)
{
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : ROOM_FIRST;
        double *more = realloc(s->values, room * sizeof *more);
        if (!more)
            return false;
        s->values = more;
        s->room = room;
    }
    s->values[s->count++] = value;
    return true;
}

void series_clear(series *s)
{
    s->count = 0;
}

void series_free(series *s)
{
    free(s->values);
    *s = (series){0};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double series_at(series *s, double share)
{
    if (s->count == 0)
        return 0;
    qsort(s->values, s->count, sizeof *s->values, compare);
    return s->values[(size_t)(share * (double)(s->count - 1) + 0.5)];
}

int64_t bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
