/* Limiters: a place for a call, or a place in line for one. */
#include "daemon/policy_base.h"
#include "daemon/unit.h"
#include "supervisors/limiter.h"

#include <stdlib.h>

struct policy_limiter {
    policy_base base; /* first */
    limiter limiter LOCK_GUARDED_BY(base.lock);
    atomic_int wait; /* how many messages may wait; negative: any */
    struct policy_uses line LOCK_GUARDED_BY(base.lock);
    clock_alarm alarm;
    struct policy_uses uses; /* guarded by policies.lock */
};

/* Wake the head of the line: at `at`, on the control thread. */
static void arm_limiter(policy_limiter *l, clock_ms at)
{
    if (alarm_set(&l->alarm, at))
        atomic_fetch_add(&l->base.refs, 1);
}

static void limiter_alarm(clock_alarm *a)
{
    policy_limiter *l = CONTAINER(a, policy_limiter, alarm);
    policies *p = l->base.all;
    actor_lock_take(&p->lock); /* a unit leaves the list of users before it is freed */
    actor_lock_take(&l->base.lock);
    policy_use *head = TAILQ_FIRST(&l->line);
    actor_lock_give(&l->base.lock);
    if (head)
        unit_nudge(head->unit);
    actor_lock_give(&p->lock);
    policy_limiter_release(l);
}

static policy_limiter *limiter_new(policies *p, char *key, const limiter_policy *policy)
    LOCK_REQUIRES(p->lock)
{
    policy_limiter *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    if (limiter_init(&l->limiter, policy, clock_now()) != SUPERVISOR_OK ||
        !alarm_init(&l->alarm, p->alarms, limiter_alarm)) {
        free(l);
        return NULL;
    }
    TAILQ_INIT(&l->uses);
    TAILQ_INIT(&l->line);
    policy_base_enter(p, &p->limiters, &l->base, key);
    return l;
}

policy_limiter *policy_limiter_get(policies *p, const unit *u, const config_limiter *c)
{
    /* The line that is counted here is one of units; messages wait in mailboxes, see _full(). */
    limiter_policy policy = {.rate = c->rate_count,
                             .per = clock_from_us(c->rate_per_us),
                             .burst = c->burst,
                             .concurrency = c->concurrency,
                             .wait = LIMITER_UNBOUNDED};
    char *key = policy_key(u, c->name, c->shared);
    if (!key)
        return NULL;
    actor_lock_take(&p->lock);
    policy_limiter *l = (policy_limiter *)policy_base_find(p, &p->limiters, key);
    if (l)
        free(key);
    else if (!(l = limiter_new(p, key, &policy)))
        free(key);
    bool bad = false;
    if (l) {
        actor_lock_take(&l->base.lock);
        bad = limiter_update(&l->limiter, &policy, clock_now()) != SUPERVISOR_OK;
        atomic_store(&l->wait, c->wait);
        arm_limiter(l, clock_now());
        actor_lock_give(&l->base.lock);
    }
    actor_lock_give(&p->lock);
    if (bad) {
        policy_limiter_release(l);
        return NULL;
    }
    return l;
}

void policy_limiter_release(policy_limiter *l)
{
    if (!l || !policy_base_leave(&l->base, &l->base.all->limiters, &l->alarm))
        return;
    alarm_end(&l->alarm);
    policy_base_end(&l->base);
}

void policy_use_limiter(policy_use *u, policy_limiter *l)
{
    policy_base_use(u, l ? &l->uses : NULL);
}

const char *policy_limiter_name(const policy_limiter *l)
{
    return policy_base_name(&l->base);
}

/* Could a call begin now, if it were the first in line? Nothing is taken. */
static bool exhausted(const limiter *l, clock_ms now)
{
    limiter look = *l;
    return look.waiting > 0 || limiter_enter(&look, now).verdict != LIMITER_GRANTED;
}

bool policy_limiter_full(policy_limiter *l, size_t waiting, clock_ms now)
{
    int wait = atomic_load_explicit(&l->wait, memory_order_relaxed);
    if (wait < 0 || waiting < (size_t)wait)
        return false;
    actor_lock_take(&l->base.lock);
    bool is = exhausted(&l->limiter, now);
    actor_lock_give(&l->base.lock);
    return is;
}

bool policy_limiter_enter(policy_limiter *l, policy_use *u, clock_ms now)
{
    limiter_answer answer = {.verdict = LIMITER_WAIT_RELEASE};
    actor_lock_take(&l->base.lock);
    if (!u->in_line) {
        answer = limiter_enter(&l->limiter, now);
        if (answer.verdict != LIMITER_GRANTED) {
            u->in_line = true;
            TAILQ_INSERT_TAIL(&l->line, u, line);
        }
    } else if (TAILQ_FIRST(&l->line) == u) {
        answer = limiter_retry(&l->limiter, now);
        if (answer.verdict == LIMITER_GRANTED) {
            u->in_line = false;
            TAILQ_REMOVE(&l->line, u, line);
            if (!TAILQ_EMPTY(&l->line))
                arm_limiter(l, now); /* there is a new head */
        }
    }
    if (answer.verdict == LIMITER_WAIT_UNTIL)
        arm_limiter(l, answer.until);
    actor_lock_give(&l->base.lock);
    return answer.verdict == LIMITER_GRANTED;
}

bool policy_limiter_waits(policy_limiter *l, const policy_use *u)
{
    actor_lock_take(&l->base.lock);
    bool waits = u->in_line;
    actor_lock_give(&l->base.lock);
    return waits;
}

void policy_limiter_cancel(policy_limiter *l, policy_use *u)
{
    actor_lock_take(&l->base.lock);
    if (u->in_line) {
        u->in_line = false;
        TAILQ_REMOVE(&l->line, u, line);
        limiter_cancel(&l->limiter);
        if (!TAILQ_EMPTY(&l->line))
            arm_limiter(l, clock_now());
    }
    actor_lock_give(&l->base.lock);
}

void policy_limiter_leave(policy_limiter *l, uint32_t places)
{
    actor_lock_take(&l->base.lock);
    while (places-- > 0)
        limiter_leave(&l->limiter);
    if (!TAILQ_EMPTY(&l->line))
        arm_limiter(l, clock_now());
    actor_lock_give(&l->base.lock);
}
