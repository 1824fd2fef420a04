/* Simulations under many seeds.
 *
 *   SEEDS=n   run so many of them      SEED=n   only this one, in this process, for a debugger
 *
 * A seed that breaks a promise, crashes or hangs is printed with the command that repeats it, and
 * the ones after it run all the same.
 */
#ifndef TESTS_SEEDS_H
#define TESTS_SEEDS_H

#include <stdint.h>

/* Run `one` for the seeds from 1 on, `standard` of them unless the environment says otherwise.
 * Fails the test when one of them has failed. */
void seeds_run(uint64_t standard, void (*one)(uint64_t seed));

/* A promise that must hold under every seed. Costs nothing when kept. */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            seeds_broken(__FILE__, __LINE__, #condition);                                          \
    } while (0)

void seeds_broken(const char *file, int line, const char *promise) __attribute__((noreturn));

#endif
