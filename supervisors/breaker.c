#include "supervisors/breaker.h"

#include <stdlib.h>
#include <string.h>

/* A result in the ring of the call window. */
enum { FAILED = 1, SLOW = 2 };

static const breaker_event no_event = {.rate = BREAKER_UNDEFINED};

const char *breaker_state_name(breaker_state state)
{
    static const char *const names[] = {"closed", "open", "half_open", "forced_open"};
    return names[state];
}

const char *breaker_cause_name(breaker_cause cause)
{
    static const char *const names[] = {
        [BREAKER_BY_NOTHING] = "nothing",
        [BREAKER_BY_CONSECUTIVE] = "consecutive failures",
        [BREAKER_BY_FAILURE_RATE] = "failure rate",
        [BREAKER_BY_SLOW_RATE] = "slow rate",
        [BREAKER_BY_PROBE] = "a probe failed",
        [BREAKER_BY_TIMEOUT] = "no verdict within probe_timeout",
        [BREAKER_BY_WAIT] = "open_for is over",
        [BREAKER_BY_PROBES] = "probes succeeded",
        [BREAKER_BY_OPERATOR] = "operator",
    };
    return names[cause];
}

/* ---- The window -------------------------------------------------------------------------------
 */

static void add(breaker_tally *t, unsigned result)
{
    t->calls++;
    t->failed += (result & FAILED) != 0;
    t->slow += (result & SLOW) != 0;
}

static void subtract(breaker_tally *from, const breaker_tally *t)
{
    from->calls -= t->calls;
    from->failed -= t->failed;
    from->slow -= t->slow;
}

static void window_clear(breaker *b)
{
    memset(b->buckets, 0, sizeof b->buckets);
    b->sum = (breaker_tally){0};
    b->run = 0;
    b->next = 0;
}

/* Buckets that have left the window go, all of them at most, however long nothing happened. A
 * bucket goes when its first instant is a window old, so nothing older is ever counted. */
static void window_slide(breaker *b, actor_ms now)
{
    if (b->bucket_count == 0)
        return;
    int64_t newest = now / b->width;
    int64_t from = b->newest + 1;
    if (newest - from >= b->bucket_count)
        from = newest - b->bucket_count + 1;
    for (int64_t i = from; i <= newest; i++) {
        breaker_tally *gone = &b->buckets[i % b->bucket_count];
        subtract(&b->sum, gone);
        *gone = (breaker_tally){0};
    }
    if (newest > b->newest)
        b->newest = newest;
}

static void window_add(breaker *b, unsigned result, actor_ms now)
{
    if (b->ring) {
        if (b->sum.calls == b->policy.window_calls) {
            breaker_tally oldest = {0};
            add(&oldest, b->ring[b->next]);
            subtract(&b->sum, &oldest);
        }
        b->ring[b->next] = (uint8_t)result;
        b->next = (b->next + 1) % b->policy.window_calls;
    } else if (b->bucket_count > 0) {
        window_slide(b, now);
        add(&b->buckets[b->newest % b->bucket_count], result);
    } else if (b->sum.calls == UINT32_MAX) {
        return; /* no window: the sum only tells how many there were */
    }
    add(&b->sum, result);
}

static void window_shape(breaker *b, actor_ms now)
{
    b->width = 0;
    b->bucket_count = 0;
    if (b->policy.window_time == 0)
        return;
    b->width = (b->policy.window_time + BREAKER_BUCKETS - 1) / BREAKER_BUCKETS;
    b->bucket_count = (uint32_t)(b->policy.window_time / b->width);
    b->newest = now / b->width;
}

/* ---- Transitions ------------------------------------------------------------------------------
 */

static actor_ms open_wait(const breaker *b)
{
    double wait = (double)b->policy.open_for;
    double most = (double)b->policy.open_max;

    for (uint32_t i = 0; i < b->openings && wait < most && b->policy.open_factor > 1.0; i++)
        wait *= b->policy.open_factor;
    return wait < most ? (actor_ms)wait : b->policy.open_max;
}

static void enter(breaker *b, breaker_state to, breaker_cause cause, double rate, actor_ms now,
                  breaker_event *event)
{
    *event = (breaker_event){
        .changed = b->state != to,
        .manual = cause == BREAKER_BY_OPERATOR,
        .from = b->state,
        .to = to,
        .cause = cause,
        .rate = rate,
    };
    b->state = to;
    b->since = now;
    b->generation++;
    b->permits = 0;

    switch (to) {
    case BREAKER_CLOSED:
        b->openings = 0;
        window_clear(b);
        window_shape(b, now);
        break;
    case BREAKER_OPEN: /* the window stays as it is, to be looked at */
        b->until = now + open_wait(b);
        b->openings++;
        b->opened++;
        break;
    case BREAKER_HALF_OPEN:
        window_clear(b);
        break;
    case BREAKER_FORCED_OPEN:
        b->opened++;
        break;
    }
}

/* ---- Verdicts ---------------------------------------------------------------------------------
 */

static double share(uint32_t part, uint32_t whole)
{
    return (double)part / (double)whole;
}

/* Inclusive. The hair forgives how the rate was computed: 7% may have come as 0.07000000000000001.
 */
static bool reaches(uint32_t part, uint32_t whole, double rate)
{
    return rate > 0 && whole > 0 && share(part, whole) + 1e-9 >= rate;
}

/* The rule that a tally and a run of failures break, if any. */
static breaker_cause broken_rule(const breaker_policy *p, const breaker_tally *t, uint32_t whole,
                                 uint32_t run)
{
    if (p->consecutive_failures > 0 && run >= p->consecutive_failures)
        return BREAKER_BY_CONSECUTIVE;
    if (reaches(t->failed, whole, p->failure_rate))
        return BREAKER_BY_FAILURE_RATE;
    if (reaches(t->slow, whole, p->slow_rate))
        return BREAKER_BY_SLOW_RATE;
    return BREAKER_BY_NOTHING;
}

static double rate_of(breaker_cause cause, const breaker_tally *t, uint32_t whole)
{
    if (cause == BREAKER_BY_FAILURE_RATE)
        return share(t->failed, whole);
    return cause == BREAKER_BY_SLOW_RATE ? share(t->slow, whole) : BREAKER_UNDEFINED;
}

static void judge_closed(breaker *b, actor_ms now, breaker_event *event)
{
    bool defined = b->policy.min_calls > 0 && b->sum.calls >= b->policy.min_calls;
    uint32_t whole = defined ? b->sum.calls : 0;
    breaker_cause cause = broken_rule(&b->policy, &b->sum, whole, b->run);

    if (cause != BREAKER_BY_NOTHING)
        enter(b, BREAKER_OPEN, cause, rate_of(cause, &b->sum, whole), now, event);
}

/* What a probe may break: where only failures in a row are counted, one is enough. */
static breaker_cause broken_by_probes(const breaker *b, const breaker_tally *t, uint32_t run)
{
    const breaker_policy *p = &b->policy;

    if (p->consecutive_failures > 0 && p->failure_rate == 0 && t->failed > 0)
        return BREAKER_BY_PROBE;
    return broken_rule(p, t, p->probes, run);
}

static void judge_probes(breaker *b, actor_ms now, breaker_event *event)
{
    breaker_cause cause = broken_by_probes(b, &b->sum, b->run);

    if (cause != BREAKER_BY_NOTHING) {
        enter(b, BREAKER_OPEN, cause, rate_of(cause, &b->sum, b->policy.probes), now, event);
        return;
    }
    /* Let all that is missing be as bad as can be. */
    uint32_t missing = b->policy.probes > b->sum.calls ? b->policy.probes - b->sum.calls : 0;
    breaker_tally worst = {
        .calls = b->sum.calls + missing,
        .failed = b->sum.failed + missing,
        .slow = b->sum.slow + missing,
    };
    if (missing == 0 || broken_by_probes(b, &worst, b->run + missing) == BREAKER_BY_NOTHING)
        enter(b, BREAKER_CLOSED, BREAKER_BY_PROBES, BREAKER_UNDEFINED, now, event);
}

/* ---- Life -------------------------------------------------------------------------------------
 */

static bool valid_rate(double rate)
{
    return rate >= 0 && rate <= 1;
}

static bool valid(const breaker_policy *p)
{
    bool window = p->window_calls > 0 || p->window_time > 0;
    bool rates = p->failure_rate > 0 || p->slow_rate > 0;

    if (!valid_rate(p->failure_rate) || !valid_rate(p->slow_rate) || p->window_time < 0)
        return false;
    if ((p->window_calls > 0 && p->window_time > 0) || p->window_calls > BREAKER_WINDOW_MAX)
        return false;
    if ((rates && !window) || (window && p->min_calls == 0))
        return false;
    if (p->slow_rate > 0 && p->slow_call <= 0)
        return false;
    if (!rates && p->consecutive_failures == 0)
        return false;
    return p->slow_call >= 0 && p->open_for > 0 && p->open_factor >= 1.0 &&
           p->open_max >= p->open_for && p->probes > 0 && p->probe_timeout >= 0;
}

/* More than fits into the window could never be reached (CB-11). */
static breaker_policy normal(const breaker_policy *policy)
{
    breaker_policy p = *policy;
    if (p.window_calls > 0 && p.min_calls > p.window_calls)
        p.min_calls = p.window_calls;
    return p;
}

static supervisor_err new_ring(const breaker_policy *policy, uint8_t **out)
{
    *out = NULL;
    if (policy->window_calls == 0)
        return SUPERVISOR_OK;
    *out = calloc(policy->window_calls, 1);
    return *out ? SUPERVISOR_OK : SUPERVISOR_ENOMEM;
}

supervisor_err breaker_init(breaker *b, const breaker_policy *policy, actor_ms now)
{
    if (!valid(policy))
        return SUPERVISOR_EINVAL;
    uint8_t *ring;
    supervisor_err err = new_ring(policy, &ring);
    if (err != SUPERVISOR_OK)
        return err;
    *b = (breaker){.policy = normal(policy),
                   .state = BREAKER_CLOSED,
                   .generation = 1,
                   .since = now,
                   .ring = ring};
    window_shape(b, now);
    return SUPERVISOR_OK;
}

void breaker_fini(breaker *b)
{
    if (!b)
        return;
    free(b->ring);
    b->ring = NULL;
}

/* The newest results of a window of calls move to a window of another size. */
static void ring_move(breaker *b, uint8_t *ring, uint32_t size)
{
    uint32_t kept = b->sum.calls < size ? b->sum.calls : size;
    breaker_tally sum = {0};

    for (uint32_t i = 0; i < kept; i++) {
        uint32_t at = (b->next + b->policy.window_calls - kept + i) % b->policy.window_calls;
        ring[i] = b->ring[at];
        add(&sum, ring[i]);
    }
    free(b->ring);
    b->ring = ring;
    b->next = kept % size;
    b->sum = sum;
}

/* The sum is the window's, but for HALF_OPEN: there it is the probes', which are kept. */
static void window_change(breaker *b, const breaker_policy *p, uint8_t *ring, actor_ms now)
{
    bool probing = b->state == BREAKER_HALF_OPEN;

    if (!probing && b->ring && p->window_calls > 0) {
        ring_move(b, ring, p->window_calls);
        b->policy = *p;
        return;
    }
    breaker_tally probes = b->sum;
    uint32_t run = b->run;
    free(b->ring);
    b->ring = ring;
    b->policy = *p;
    window_clear(b);
    window_shape(b, now);
    b->run = run;
    if (probing)
        b->sum = probes;
}

supervisor_err breaker_update(breaker *b, const breaker_policy *policy, actor_ms now,
                              breaker_event *event)
{
    *event = no_event;
    if (!valid(policy))
        return SUPERVISOR_EINVAL;
    breaker_policy p = normal(policy);
    if (p.window_calls == b->policy.window_calls && p.window_time == b->policy.window_time) {
        b->policy = p;
    } else {
        uint8_t *ring;
        supervisor_err err = new_ring(&p, &ring);
        if (err != SUPERVISOR_OK)
            return err;
        window_change(b, &p, ring, now);
    }
    if (b->state == BREAKER_HALF_OPEN && b->sum.calls > 0)
        judge_probes(b, now, event);
    return SUPERVISOR_OK;
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

void breaker_tick(breaker *b, actor_ms now, breaker_event *event)
{
    *event = no_event;
    if (now < breaker_next_event(b))
        return;
    if (b->state == BREAKER_OPEN)
        enter(b, BREAKER_HALF_OPEN, BREAKER_BY_WAIT, BREAKER_UNDEFINED, now, event);
    else
        enter(b, BREAKER_OPEN, BREAKER_BY_TIMEOUT, BREAKER_UNDEFINED, now, event);
}

bool breaker_acquire(breaker *b, actor_ms now, breaker_permit *permit, breaker_event *event)
{
    breaker_tick(b, now, event);
    bool allowed = b->state == BREAKER_CLOSED ||
                   (b->state == BREAKER_HALF_OPEN && b->permits < b->policy.probes);
    if (!allowed) {
        *permit = (breaker_permit){0};
        b->not_permitted++;
        return false;
    }
    if (b->state == BREAKER_HALF_OPEN && b->permits++ == 0)
        b->first_probe = now;
    *permit = (breaker_permit){.generation = b->generation, .begun = now};
    return true;
}

bool breaker_report(breaker *b, breaker_permit *permit, breaker_result result, actor_ms now,
                    breaker_event *event)
{
    uint64_t generation = permit->generation;

    breaker_tick(b, now, event);
    permit->generation = 0;
    if (generation == 0)
        return false;
    if (generation != b->generation) {
        b->late += result != BREAKER_IGNORED;
        return false;
    }
    if (result == BREAKER_IGNORED) {
        if (b->state == BREAKER_HALF_OPEN)
            b->permits--;
        return true;
    }
    bool slow = b->policy.slow_call > 0 && now - permit->begun > b->policy.slow_call;
    unsigned what = (result == BREAKER_FAILURE ? FAILED : 0u) | (slow ? SLOW : 0u);
    b->run = result == BREAKER_FAILURE ? b->run + 1 : 0;
    if (b->state == BREAKER_HALF_OPEN) {
        add(&b->sum, what);
        judge_probes(b, now, event);
    } else {
        window_add(b, what, now);
        judge_closed(b, now, event);
    }
    return true;
}

actor_ms breaker_next_event(const breaker *b)
{
    if (b->state == BREAKER_OPEN)
        return b->until;
    if (b->state == BREAKER_HALF_OPEN && b->permits > 0 && b->policy.probe_timeout > 0)
        return b->first_probe + b->policy.probe_timeout;
    return BREAKER_NEVER;
}

actor_ms breaker_retry_after(const breaker *b, actor_ms now)
{
    actor_ms next = breaker_next_event(b);

    if (b->state == BREAKER_CLOSED)
        return 0;
    if (b->state == BREAKER_HALF_OPEN && b->permits < b->policy.probes)
        return 0;
    if (next == BREAKER_NEVER)
        return -1;
    return next > now ? next - now : 0;
}

/* ---- The operator -----------------------------------------------------------------------------
 */

void breaker_force_open(breaker *b, actor_ms now, breaker_event *event)
{
    *event = no_event;
    event->manual = true;
    if (b->state != BREAKER_FORCED_OPEN)
        enter(b, BREAKER_FORCED_OPEN, BREAKER_BY_OPERATOR, BREAKER_UNDEFINED, now, event);
}

void breaker_close(breaker *b, actor_ms now, breaker_event *event)
{
    enter(b, BREAKER_CLOSED, BREAKER_BY_OPERATOR, BREAKER_UNDEFINED, now, event);
}

void breaker_reset(breaker *b, actor_ms now, breaker_event *event)
{
    breaker_close(b, now, event);
    b->not_permitted = 0;
    b->late = 0;
    b->opened = 0;
}

/* ---- Looking ----------------------------------------------------------------------------------
 */

void breaker_look(breaker *b, actor_ms now, breaker_snapshot *out)
{
    const breaker_policy *p = &b->policy;
    bool probing = b->state == BREAKER_HALF_OPEN;

    if (b->state == BREAKER_CLOSED)
        window_slide(b, now);
    uint32_t enough = probing && p->min_calls > p->probes ? p->probes : p->min_calls;
    bool defined = p->min_calls > 0 && b->sum.calls >= enough;
    actor_ms next = breaker_next_event(b);
    *out = (breaker_snapshot){
        .state = b->state,
        .failure_rate = defined ? share(b->sum.failed, b->sum.calls) : BREAKER_UNDEFINED,
        .slow_rate =
            defined && p->slow_call > 0 ? share(b->sum.slow, b->sum.calls) : BREAKER_UNDEFINED,
        .calls = b->sum.calls,
        .consecutive_failures = b->run,
        .not_permitted = b->not_permitted,
        .late = b->late,
        .opened = b->opened,
        .since = now - b->since,
        .next = next == BREAKER_NEVER ? -1
                : next > now          ? next - now
                                      : 0,
    };
}
