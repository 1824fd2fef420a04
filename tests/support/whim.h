/* whim: a kind of actor that takes its time, fails, hangs and crashes as chance says, for
 * simulations under many seeds; and what must hold of each attempt that begins.
 *
 *   - none after its message's deadline, while the actor doesn't run or is paused, or beyond the
 *     retries, the credits and the hedges
 *   - an open breaker lets nothing begin, a half-open one never has more than its probes out
 *   - no more messages are between their first attempt and their end than the limiter allows
 *
 * The program says how many: WHIM_... are the settings its file has to have. One thread.
 */
#ifndef TESTS_WHIM_H
#define TESTS_WHIM_H

#include "daemon/daemon.h"
#include "daemon/kind.h"
#include "supervisors/prng.h"

enum {
    WHIM_PROBES = 2,
    WHIM_CONCURRENCY = 2, /* of every limiter together */
    WHIM_MOST_RETRIES = 3,
    WHIM_HEDGES = 1,
    WHIM_CREDITS = 3,
};

extern struct whim {
    prng chance;
    bool calm; /* nothing fails any more */
    actord *d;
} whim;

extern const kind whim_kind;

int64_t whim_pick(int64_t low, int64_t high);
bool whim_one_in(int64_t n);

void whim_anew(uint64_t seed); /* anew, without a daemon */
bool whim_idle(void);          /* no attempt is in any hand */

#endif
