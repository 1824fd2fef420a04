#include "tests/support/seeds.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_FAILURES = 20, SECONDS = 20 }; /* a seed that takes longer hangs */

void seeds_broken(const char *file, int line, const char *promise)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, promise);
    abort();
}

static uint64_t number(const char *variable, uint64_t standard)
{
    const char *text = getenv(variable);
    char *end;
    if (!text || !*text)
        return standard;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    ck_assert_msg(errno == 0 && !*end, "%s=%s is no number", variable, text);
    return value;
}

/* The seeds from *at on, in a process of their own; *at is the one in hand. False: it failed. */
static bool run_on(volatile uint64_t *at, uint64_t last, void (*one)(uint64_t seed))
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        for (; *at <= last; ++*at) {
            alarm(SECONDS);
            one(*at);
        }
        exit(0); /* past the checkers of memory */
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static unsigned run_all(uint64_t last, void (*one)(uint64_t seed))
{
    unsigned failures = 0;
    volatile uint64_t *at =
        mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne((void *)at, MAP_FAILED);
    for (*at = 1; failures < MOST_FAILURES && !run_on(at, last, one); ++*at) {
        failures++;
        if (*at <= last)
            fprintf(stderr, "a seed failed; repeat it: SEED=%llu %s\n", (unsigned long long)*at,
                    program_invocation_name);
    }
    munmap((void *)at, sizeof *at);
    return failures;
}

void seeds_run(uint64_t standard, void (*one)(uint64_t seed))
{
    uint64_t only = number("SEED", 0);
    if (only > 0)
        one(only);
    else
        ck_assert_uint_eq(run_all(number("SEEDS", standard), one), 0);
}
