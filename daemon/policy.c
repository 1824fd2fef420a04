#include "daemon/policy_base.h"

#include "daemon/unit.h"

#include <stdio.h>
#include <stdlib.h>

struct policy_retry {
    policy_base base; /* first */
    retry_policy policy LOCK_GUARDED_BY(base.lock);
    retry_budget budget LOCK_GUARDED_BY(base.lock);
    prng random LOCK_GUARDED_BY(base.lock);
    atomic_bool budgeted; /* policy.budget is not 0 */
};

policies *policies_new(alarm_clock *alarms, uint64_t seed)
{
    policies *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    actor_lock_init(&p->lock);
    p->alarms = alarms;
    p->random.state = seed;
    if (!table_init(&p->retries) || !table_init(&p->breakers) || !table_init(&p->limiters)) {
        policies_free(p);
        return NULL;
    }
    return p;
}

void policies_free(policies *p)
{
    if (!p)
        return;
    table_fini(&p->retries);
    table_fini(&p->breakers);
    table_fini(&p->limiters);
    actor_lock_destroy(&p->lock);
    free(p);
}

const char *policy_base_name(const policy_base *b)
{
    return b->key + 1;
}

char *policy_key(const unit *u, const char *name, bool shared)
{
    char *key;
    return asprintf(&key, "%c%s", shared ? '=' : '~', shared ? name : u->name) < 0 ? NULL : key;
}

policy_base *policy_base_find(policies *p, table *t, const char *key)
{
    (void)p;
    table_node *n = table_find(t, key);
    policy_base *b = n ? CONTAINER(n, policy_base, node) : NULL;
    if (b)
        atomic_fetch_add(&b->refs, 1);
    return b;
}

void policy_base_enter(policies *p, table *t, policy_base *b, char *key)
{
    b->all = p;
    atomic_init(&b->refs, 1);
    b->key = key;
    actor_lock_init(&b->lock);
    table_add(t, &b->node, key);
}

bool policy_base_leave(policy_base *b, table *t, clock_alarm *alarm)
{
    policies *p = b->all;
    actor_lock_take(&p->lock);
    if (atomic_load(&b->refs) == 2 && alarm && alarm_cancel(alarm))
        atomic_fetch_sub(&b->refs, 1);
    bool last = atomic_fetch_sub(&b->refs, 1) == 1;
    if (last)
        table_remove(t, &b->node);
    actor_lock_give(&p->lock);
    return last;
}

void policy_base_end(policy_base *b)
{
    actor_lock_destroy(&b->lock);
    free(b->key);
    free(b);
}

void policy_wake(policies *p, struct policy_uses *uses)
{
    policy_use *use;
    actor_lock_take(&p->lock);
    TAILQ_FOREACH(use, uses, link)
    unit_nudge_all(use->unit);
    actor_lock_give(&p->lock);
}

void policy_base_use(policy_use *u, struct policy_uses *list)
{
    if (u->list)
        TAILQ_REMOVE(u->list, u, link);
    u->list = list;
    if (list)
        TAILQ_INSERT_TAIL(list, u, link);
}

void policies_lock(policies *p) LOCK_ACQUIRE(p->lock)
{
    actor_lock_take(&p->lock);
}

void policies_unlock(policies *p) LOCK_RELEASE(p->lock)
{
    actor_lock_give(&p->lock);
}

/* ---- retry ---- */

static backoff_kind backoff_of(config_backoff_kind kind)
{
    static const backoff_kind kinds[] = {
        [CONFIG_BACKOFF_FIXED] = BACKOFF_FIXED,
        [CONFIG_BACKOFF_LINEAR] = BACKOFF_LINEAR,
        [CONFIG_BACKOFF_EXPONENTIAL] = BACKOFF_EXPONENTIAL,
        [CONFIG_BACKOFF_DECORRELATED] = BACKOFF_DECORRELATED,
    };
    return kinds[kind];
}

backoff_jitter policy_jitter(config_jitter jitter)
{
    static const backoff_jitter jitters[] = {
        [CONFIG_JITTER_NONE] = BACKOFF_JITTER_NONE,
        [CONFIG_JITTER_FULL] = BACKOFF_JITTER_FULL,
        [CONFIG_JITTER_EQUAL] = BACKOFF_JITTER_EQUAL,
    };
    return jitters[jitter];
}

policy_retry *policy_retry_get(policies *p, const unit *u, const config_retry *c)
{
    retry_policy policy = {
        .max_retries = (uint32_t)c->max_retries,
        .backoff = {.kind = backoff_of(c->backoff),
                    .jitter = policy_jitter(c->jitter),
                    .initial = clock_from_us(c->initial_us),
                    .max = clock_from_us(c->max_us),
                    .factor = c->factor},
        .budget = c->budget,
    };
    char *key = policy_key(u, c->name, c->shared);
    if (!key)
        return NULL;
    actor_lock_take(&p->lock);
    policy_retry *r = (policy_retry *)policy_base_find(p, &p->retries, key);
    if (r) {
        free(key);
    } else if ((r = calloc(1, sizeof *r))) {
        r->random.state = prng_next(&p->random);
        policy_base_enter(p, &p->retries, &r->base, key);
    } else {
        free(key);
    }
    if (r) {
        actor_lock_take(&r->base.lock);
        r->policy = policy;
        atomic_store(&r->budgeted, policy.budget > 0);
        actor_lock_give(&r->base.lock);
    }
    actor_lock_give(&p->lock);
    return r;
}

void policy_retry_release(policy_retry *r)
{
    if (r && policy_base_leave(&r->base, &r->base.all->retries, NULL))
        policy_base_end(&r->base);
}

void policy_retry_first(policy_retry *r, clock_ms now)
{
    if (!atomic_load_explicit(&r->budgeted, memory_order_relaxed))
        return;
    actor_lock_take(&r->base.lock);
    retry_budget_call(&r->budget, now);
    actor_lock_give(&r->base.lock);
}

retry_decision policy_retry_next(policy_retry *r, retry_progress *progress, clock_ms now,
                                 clock_ms deadline, clock_ms told)
{
    actor_lock_take(&r->base.lock);
    retry_decision d = retry_next(&r->policy, &r->budget, progress, now,
                                  deadline ? deadline : RETRY_NO_DEADLINE, told, &r->random);
    actor_lock_give(&r->base.lock);
    return d;
}

bool policy_retry_hedge(policy_retry *r, clock_ms now)
{
    actor_lock_take(&r->base.lock);
    bool allowed = r->policy.budget <= 0 || retry_budget_take(&r->budget, r->policy.budget, now);
    actor_lock_give(&r->base.lock);
    return allowed;
}
