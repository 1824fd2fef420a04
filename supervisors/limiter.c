#include "supervisors/limiter.h"

#include <stdbool.h>

/* level = tokens * per, so that a millisecond adds exactly `rate` and a token costs exactly `per`.
 */

static bool valid(const limiter_policy *p)
{
    if (p->rate < 0 || p->concurrency < 0 || p->wait < LIMITER_UNBOUNDED)
        return false;
    if (p->rate == 0)
        return true;
    return p->per > 0 && p->burst >= 1 && p->rate <= INT64_MAX / 4 &&
           p->per <= INT64_MAX / 4 / p->burst;
}

/* What overflows is lost. Who waits for a token comes back on a whole millisecond, so a little less
 * than a millisecond's worth is kept above the burst, or that rounding would slow the rate down. */
static int64_t brim(const limiter_policy *p)
{
    return p->rate > 0 ? p->burst * p->per + p->rate - 1 : 0;
}

static void refill(limiter *l, actor_ms now)
{
    if (l->policy.rate == 0 || now <= l->filled_at)
        return;
    int64_t missing = brim(&l->policy) - l->level;
    if (now - l->filled_at > missing / l->policy.rate)
        l->level = brim(&l->policy);
    else
        l->level += (now - l->filled_at) * l->policy.rate;
    l->filled_at = now;
}

/* What one more call would have to wait for. */
static limiter_answer ask(limiter *l, actor_ms now)
{
    const limiter_policy *p = &l->policy;

    if (p->concurrency > 0 && l->running >= (uint32_t)p->concurrency)
        return (limiter_answer){.verdict = LIMITER_WAIT_RELEASE};
    refill(l, now);
    if (p->rate > 0 && l->level < p->per) {
        int64_t missing = p->per - l->level;
        actor_ms wait = missing / p->rate + (missing % p->rate != 0);
        return (limiter_answer){.verdict = LIMITER_WAIT_UNTIL, .until = now + wait};
    }
    return (limiter_answer){.verdict = LIMITER_GRANTED, .until = now};
}

static void grant(limiter *l)
{
    if (l->policy.rate > 0)
        l->level -= l->policy.per;
    l->running++;
    l->granted++;
}

supervisor_err limiter_init(limiter *l, const limiter_policy *policy, actor_ms now)
{
    if (!valid(policy))
        return SUPERVISOR_EINVAL;
    *l = (limiter){.policy = *policy, .level = brim(policy), .filled_at = now};
    return SUPERVISOR_OK;
}

supervisor_err limiter_update(limiter *l, const limiter_policy *policy, actor_ms now)
{
    if (!valid(policy))
        return SUPERVISOR_EINVAL;
    refill(l, now);
    if (policy->rate > 0 && l->policy.rate > 0) {
        double tokens = (double)l->level / (double)l->policy.per;
        l->level = (int64_t)(tokens * (double)policy->per);
        if (l->level > brim(policy))
            l->level = brim(policy);
    } else {
        l->level = brim(policy);
    }
    l->filled_at = now;
    l->policy = *policy;
    return SUPERVISOR_OK;
}

limiter_answer limiter_enter(limiter *l, actor_ms now)
{
    limiter_answer answer = ask(l, now);

    if (answer.verdict == LIMITER_GRANTED && l->waiting == 0) {
        grant(l);
        return answer;
    }
    if (l->policy.wait != LIMITER_UNBOUNDED && l->waiting >= (uint32_t)l->policy.wait) {
        l->refused++;
        answer.verdict = LIMITER_REFUSED;
        return answer;
    }
    /* Behind others there is nothing to wait for but them: the head asks first. */
    if (answer.verdict == LIMITER_GRANTED)
        answer.verdict = LIMITER_WAIT_UNTIL;
    l->waiting++;
    return answer;
}

limiter_answer limiter_retry(limiter *l, actor_ms now)
{
    limiter_answer answer = ask(l, now);

    if (answer.verdict == LIMITER_GRANTED) {
        grant(l);
        l->waiting--;
    }
    return answer;
}

void limiter_cancel(limiter *l)
{
    l->waiting--;
}

void limiter_leave(limiter *l)
{
    l->running--;
}
