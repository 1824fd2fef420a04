#include "supervisors/retry.h"

#define BUCKET_WIDTH (RETRY_BUDGET_WINDOW / RETRY_BUDGET_BUCKETS)

/* Drop what is older than the window; at most all buckets, however long nobody came. */
static uint32_t slide(retry_budget *b, actor_ms now)
{
    int64_t newest = now / BUCKET_WIDTH;
    int64_t from = b->newest + 1;

    if (newest - from >= RETRY_BUDGET_BUCKETS)
        from = newest - RETRY_BUDGET_BUCKETS + 1;
    for (int64_t i = from; i <= newest; i++) {
        uint32_t at = (uint32_t)(i % RETRY_BUDGET_BUCKETS);
        b->calls_in_window -= b->calls[at];
        b->retries_in_window -= b->retries[at];
        b->calls[at] = 0;
        b->retries[at] = 0;
    }
    if (newest > b->newest)
        b->newest = newest;
    return (uint32_t)(b->newest % RETRY_BUDGET_BUCKETS);
}

void retry_budget_call(retry_budget *b, actor_ms now)
{
    b->calls[slide(b, now)]++;
    b->calls_in_window++;
}

bool retry_budget_take(retry_budget *b, double share, actor_ms now)
{
    uint32_t at = slide(b, now);
    double allowed = share * (double)b->calls_in_window + RETRY_BUDGET_FLOOR;

    if ((double)(b->retries_in_window + 1) > allowed) {
        b->refused++;
        return false;
    }
    b->retries[at]++;
    b->retries_in_window++;
    return true;
}

static actor_ms next_wait(const retry_policy *policy, const retry_progress *progress, actor_ms told,
                          prng *random)
{
    if (told >= 0)
        return told < policy->backoff.max ? told : policy->backoff.max;
    uint32_t n = progress->attempts > 0 ? progress->attempts - 1 : 0;
    return backoff_wait(&policy->backoff, n, progress->previous, random);
}

retry_decision retry_next(const retry_policy *policy, retry_budget *budget,
                          retry_progress *progress, actor_ms now, actor_ms deadline, actor_ms told,
                          prng *random)
{
    if (progress->attempts > policy->max_retries)
        return (retry_decision){.verdict = RETRY_EXHAUSTED};
    actor_ms wait = next_wait(policy, progress, told, random);
    if (deadline != RETRY_NO_DEADLINE && wait >= deadline - now)
        return (retry_decision){.verdict = RETRY_EXPIRED};
    if (policy->budget > 0 && budget && !retry_budget_take(budget, policy->budget, now))
        return (retry_decision){.verdict = RETRY_OVER_BUDGET};
    /* A told delay is no step of the decorrelated sequence. */
    if (told < 0)
        progress->previous = wait;
    return (retry_decision){.verdict = RETRY_WAIT, .wait = wait};
}
