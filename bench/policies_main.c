/* Prints what bench/policies.h measures, and whether the goal is met: exit status 1 if not. */
#include "bench/policies.h"

#include <stdio.h>

enum { MESSAGES = 20000, REPETITIONS = 41 };
static const double goal_ns = 120;

static void row(const char *what, series *s, double unit)
{
    double median = series_at(s, 0.5);
    printf("%-34s %8.1f %8.1f %8.1f %9.1f\n", what, series_at(s, 0), median, series_at(s, 1),
           median / unit);
}

int main(void)
{
    policies_cost c = {{0}, {0}, {0}, {0}, {0}};
    if (!policies_measure(&c, MESSAGES, REPETITIONS)) {
        fprintf(stderr, "policies: out of memory, or a message was not answered\n");
        return 1;
    }
    double block = series_at(&c.block, 0.5), added = series_at(&c.added, 0.5);
    printf("%-34s %8s %8s %8s %9s\n", "ns", "min", "median", "max", "x malloc");
    row("a message", &c.plain, block);
    row("with retry, breaker, limiter, timeout", &c.full, block);
    row("they add", &c.added, block);
    row("malloc and free", &c.block, block);
    row("atomic exchange", &c.exchange, block);
    printf("GOAL added %.1f ns <= %.0f %s\n", added, goal_ns, added <= goal_ns ? "ok" : "MISSED");
    policies_cost_free(&c);
    return added <= goal_ns ? 0 : 1;
}
