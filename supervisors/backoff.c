#include "supervisors/backoff.h"

bool backoff_policy_valid(const backoff_policy *p)
{
    return p->initial >= 0 && p->max >= p->initial && p->factor >= 1.0 &&
           p->kind >= BACKOFF_FIXED && p->kind <= BACKOFF_DECORRELATED &&
           p->jitter >= BACKOFF_JITTER_NONE && p->jitter <= BACKOFF_JITTER_EQUAL;
}

static actor_ms linear(const backoff_policy *p, uint32_t n)
{
    int64_t tries = (int64_t)n + 1;
    return p->initial > p->max / tries ? p->max : p->initial * tries;
}

/* factor^n by squaring, given up as soon as it is past the cap: 32 steps at most. */
static actor_ms exponential(const backoff_policy *p, uint32_t n)
{
    double power = 1.0;
    double square = p->factor;
    double enough = (double)p->max / (double)p->initial;

    for (; n > 0; n >>= 1) {
        if (n & 1)
            power *= square;
        if (power >= enough)
            return p->max;
        square *= square;
    }
    actor_ms wait = (actor_ms)((double)p->initial * power);
    return wait < p->max ? wait : p->max;
}

static actor_ms decorrelated(const backoff_policy *p, actor_ms previous, prng *random)
{
    if (previous < p->initial)
        previous = p->initial;
    actor_ms high = previous > INT64_MAX / 3 ? INT64_MAX : 3 * previous;
    actor_ms wait = prng_between(random, p->initial, high);
    return wait < p->max ? wait : p->max;
}

static actor_ms jittered(actor_ms wait, backoff_jitter jitter, prng *random)
{
    switch (jitter) {
    case BACKOFF_JITTER_FULL:
        return prng_between(random, 0, wait);
    case BACKOFF_JITTER_EQUAL:
        return wait - wait / 2 + prng_between(random, 0, wait / 2);
    case BACKOFF_JITTER_NONE:
        break;
    }
    return wait;
}

actor_ms backoff_wait(const backoff_policy *p, uint32_t n, actor_ms previous, prng *random)
{
    actor_ms wait = p->initial < p->max ? p->initial : p->max;

    if (wait == 0)
        return 0;
    switch (p->kind) {
    case BACKOFF_FIXED:
        break;
    case BACKOFF_LINEAR:
        wait = linear(p, n);
        break;
    case BACKOFF_EXPONENTIAL:
        wait = exponential(p, n);
        break;
    case BACKOFF_DECORRELATED:
        return decorrelated(p, previous, random);
    }
    return jittered(wait, p->jitter, random);
}

void backoff_up(backoff_track *t, actor_ms now)
{
    t->up = true;
    t->up_since = now;
}

actor_ms backoff_failed(backoff_track *t, const backoff_restart *b, actor_ms now, prng *random)
{
    if (b->none)
        return 0;
    if (t->up && now - t->up_since >= b->reset_after) {
        t->failures = 0;
        t->previous = 0;
    }
    t->up = false;
    t->previous = backoff_wait(&b->policy, t->failures, t->previous, random);
    if (t->failures < UINT32_MAX)
        t->failures++;
    return t->previous;
}
