#include "daemon/policy.h"

#include "daemon/log.h"
#include "daemon/unit.h"
#include "libactor/lock.h"
#include "supervisors/limiter.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TAILQ_HEAD(uses, policy_use);

/* What every policy begins with. */
typedef struct base {
    policies *all;
    table_node node;
    char *key;        /* "=NAME" when shared by name, "~UNIT" when inline */
    atomic_uint refs; /* the last one is dropped under policies.lock */
    actor_lock lock;
} base;

struct policies {
    actor_lock lock;
    alarm_clock *alarms;
    prng random LOCK_GUARDED_BY(lock);
    table retries LOCK_GUARDED_BY(lock);
    table breakers LOCK_GUARDED_BY(lock);
    table limiters LOCK_GUARDED_BY(lock);
};

struct policy_retry {
    base base; /* first */
    retry_policy policy LOCK_GUARDED_BY(base.lock);
    retry_budget budget LOCK_GUARDED_BY(base.lock);
    prng random LOCK_GUARDED_BY(base.lock);
};

struct policy_breaker {
    base base; /* first */
    breaker breaker LOCK_GUARDED_BY(base.lock);
    clock_alarm alarm;
    struct uses uses; /* guarded by policies.lock */
};

struct policy_limiter {
    base base; /* first */
    limiter limiter LOCK_GUARDED_BY(base.lock);
    int32_t wait LOCK_GUARDED_BY(base.lock); /* how many messages may wait; negative: any */
    struct uses line LOCK_GUARDED_BY(base.lock);
    clock_alarm alarm;
    struct uses uses; /* guarded by policies.lock */
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
    table_free(&p->retries);
    table_free(&p->breakers);
    table_free(&p->limiters);
    actor_lock_destroy(&p->lock);
    free(p);
}

/* ---- all policies ---- */

static const char *name_of(const base *b)
{
    return b->key + 1;
}

static char *key_of(const unit *u, const char *name, bool shared)
{
    char *key;
    return asprintf(&key, "%c%s", shared ? '=' : '~', shared ? name : u->name) < 0 ? NULL : key;
}

/* The policy of this key with one more reference, or NULL. */
static base *find(policies *p, table *t, const char *key) LOCK_REQUIRES(p->lock)
{
    (void)p;
    table_node *n = table_find(t, key);
    base *b = n ? CONTAINER(n, base, node) : NULL;
    if (b)
        atomic_fetch_add(&b->refs, 1);
    return b;
}

static void enter(policies *p, table *t, base *b, char *key) LOCK_REQUIRES(p->lock)
{
    b->all = p;
    atomic_init(&b->refs, 1);
    b->key = key;
    actor_lock_init(&b->lock);
    table_add(t, &b->node, key);
}

/* Drop a reference; true: it was the last, and the policy is out of its table. */
static bool leave(base *b, table *t)
{
    policies *p = b->all;
    actor_lock_take(&p->lock);
    bool last = atomic_fetch_sub(&b->refs, 1) == 1;
    if (last)
        table_remove(t, &b->node);
    actor_lock_give(&p->lock);
    return last;
}

static void end(base *b)
{
    actor_lock_destroy(&b->lock);
    free(b->key);
    free(b);
}

/* Wake everybody who may be waiting for this policy. A unit leaves the list before it is freed. */
static void wake(policies *p, struct uses *uses)
{
    policy_use *use;
    actor_lock_take(&p->lock);
    TAILQ_FOREACH(use, uses, link)
    unit_nudge(use->unit);
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
    char *key = key_of(u, c->name, c->shared);
    if (!key)
        return NULL;
    actor_lock_take(&p->lock);
    policy_retry *r = (policy_retry *)find(p, &p->retries, key);
    if (r) {
        free(key);
    } else if ((r = calloc(1, sizeof *r))) {
        r->random.state = prng_next(&p->random);
        enter(p, &p->retries, &r->base, key);
    } else {
        free(key);
    }
    if (r) {
        actor_lock_take(&r->base.lock);
        r->policy = policy;
        actor_lock_give(&r->base.lock);
    }
    actor_lock_give(&p->lock);
    return r;
}

void policy_retry_release(policy_retry *r)
{
    if (r && leave(&r->base, &r->base.all->retries))
        end(&r->base);
}

void policy_retry_first(policy_retry *r, clock_ms now)
{
    actor_lock_take(&r->base.lock);
    retry_budget_call(&r->budget, now);
    actor_lock_give(&r->base.lock);
}

retry_decision policy_retry_next(policy_retry *r, retry_progress *progress, clock_ms now,
                                 clock_ms deadline)
{
    actor_lock_take(&r->base.lock);
    retry_decision d =
        retry_next(&r->policy, &r->budget, progress, now, deadline ? deadline : RETRY_NO_DEADLINE,
                   RETRY_NOT_TOLD, &r->random);
    actor_lock_give(&r->base.lock);
    return d;
}

/* ---- breaker ---- */

static breaker_policy breaker_policy_of(const config_breaker *c)
{
    return (breaker_policy){
        .consecutive_failures = (uint32_t)c->consecutive_failures,
        .window_calls = (uint32_t)c->window_calls,
        .window_time = clock_from_us(c->window_us),
        .min_calls = (uint32_t)c->min_calls,
        .failure_rate = c->failure_rate,
        .slow_rate = c->slow_rate,
        .slow_call = clock_from_us(c->slow_call_us),
        .open_for = clock_from_us(c->open_for_us),
        .open_factor = c->open_factor,
        .open_max = clock_from_us(c->open_max_us),
        .probes = (uint32_t)c->probes,
        .probe_timeout = clock_from_us(c->probe_timeout_us),
    };
}

static void tell(const policy_breaker *b, const breaker_event *e)
{
    if (!e->changed)
        return;
    char rate[UNITS_TEXT] = "";
    if (e->rate >= 0)
        config_format_percent(e->rate, rate);
    log_write(e->to == BREAKER_CLOSED ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "breaker",
              LOG_FIELDS({"breaker", name_of(&b->base)}), "%s -> %s: %s%s%s",
              breaker_state_name(e->from), breaker_state_name(e->to), breaker_cause_name(e->cause),
              rate[0] ? " " : "", rate);
}

/* Let the alarm go off at `at`, which holds a reference until then. */
static void arm_breaker(policy_breaker *b, clock_ms at)
{
    if (at != BREAKER_NEVER && alarm_set(&b->alarm, at))
        policy_breaker_hold(b);
}

/* After anything that may have changed b: log it, and see to it that what comes next happens in
 * time. A transition wakes the users, from the control thread, where no lock is held. */
static void follow_up(policy_breaker *b, const breaker_event *e) LOCK_REQUIRES(b->base.lock)
{
    tell(b, e);
    arm_breaker(b, e->changed ? clock_now() : breaker_next_event(&b->breaker));
}

static void breaker_alarm(clock_alarm *a)
{
    policy_breaker *b = CONTAINER(a, policy_breaker, alarm);
    breaker_event e = {0};
    actor_lock_take(&b->base.lock);
    breaker_tick(&b->breaker, clock_now(), &e);
    tell(b, &e);
    arm_breaker(b, breaker_next_event(&b->breaker));
    actor_lock_give(&b->base.lock);
    wake(b->base.all, &b->uses);
    policy_breaker_release(b);
}

static policy_breaker *breaker_new(policies *p, char *key, const breaker_policy *policy)
    LOCK_REQUIRES(p->lock)
{
    policy_breaker *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    if (!alarm_init(&b->alarm, p->alarms, breaker_alarm)) {
        free(b);
        return NULL;
    }
    if (breaker_init(&b->breaker, policy, clock_now()) != SUPERVISOR_OK) {
        alarm_end(&b->alarm);
        free(b);
        return NULL;
    }
    TAILQ_INIT(&b->uses);
    enter(p, &p->breakers, &b->base, key);
    return b;
}

policy_breaker *policy_breaker_get(policies *p, const unit *u, const config_breaker *c)
{
    breaker_policy policy = breaker_policy_of(c);
    char *key = key_of(u, c->name, c->shared);
    if (!key)
        return NULL;
    bool failed = false;
    actor_lock_take(&p->lock);
    policy_breaker *b = (policy_breaker *)find(p, &p->breakers, key);
    if (b) {
        breaker_event e = {0};
        free(key);
        actor_lock_take(&b->base.lock);
        failed = breaker_update(&b->breaker, &policy, clock_now(), &e) != SUPERVISOR_OK;
        follow_up(b, &e);
        actor_lock_give(&b->base.lock);
    } else if (!(b = breaker_new(p, key, &policy))) {
        free(key);
    }
    actor_lock_give(&p->lock);
    if (failed) {
        policy_breaker_release(b);
        return NULL;
    }
    return b;
}

policy_breaker *policy_breaker_hold(policy_breaker *b)
{
    atomic_fetch_add(&b->base.refs, 1);
    return b;
}

void policy_breaker_release(policy_breaker *b)
{
    if (!b || !leave(&b->base, &b->base.all->breakers))
        return;
    breaker_fini(&b->breaker);
    alarm_end(&b->alarm);
    end(&b->base);
}

static void use(policies *p, policy_use *u, base *b, struct uses *list, struct uses *before)
{
    actor_lock_take(&p->lock);
    if (u->policy)
        TAILQ_REMOVE(before, u, link);
    u->policy = b;
    if (b)
        TAILQ_INSERT_TAIL(list, u, link);
    actor_lock_give(&p->lock);
}

void policy_use_breaker(policies *p, policy_use *u, policy_breaker *b)
{
    policy_breaker *before = u->policy;
    use(p, u, b ? &b->base : NULL, b ? &b->uses : NULL, before ? &before->uses : NULL);
}

const char *policy_breaker_name(const policy_breaker *b)
{
    return name_of(&b->base);
}

bool policy_breaker_refuses(policy_breaker *b, clock_ms now, bool count, clock_ms *wait)
{
    breaker_event e = {0};
    actor_lock_take(&b->base.lock);
    breaker_tick(&b->breaker, now, &e);
    const breaker *at = &b->breaker;
    bool refuses = at->state == BREAKER_OPEN || at->state == BREAKER_FORCED_OPEN ||
                   (at->state == BREAKER_HALF_OPEN && at->permits >= at->policy.probes);
    if (refuses) {
        b->breaker.not_permitted += count;
        *wait = breaker_retry_after(at, now);
    }
    follow_up(b, &e);
    actor_lock_give(&b->base.lock);
    return refuses;
}

bool policy_breaker_acquire(policy_breaker *b, clock_ms now, breaker_permit *permit, clock_ms *wait)
{
    breaker_event e = {0};
    actor_lock_take(&b->base.lock);
    bool granted = breaker_acquire(&b->breaker, now, permit, &e);
    if (!granted)
        *wait = breaker_retry_after(&b->breaker, now);
    follow_up(b, &e);
    actor_lock_give(&b->base.lock);
    return granted;
}

void policy_breaker_report(policy_breaker *b, breaker_permit *permit, breaker_result result)
{
    breaker_event e = {0};
    actor_lock_take(&b->base.lock);
    breaker_report(&b->breaker, permit, result, clock_now(), &e);
    /* a permit of a half-open breaker that comes back lets the next probe through */
    if (!e.changed && b->breaker.state == BREAKER_HALF_OPEN && result == BREAKER_IGNORED)
        arm_breaker(b, clock_now());
    follow_up(b, &e);
    actor_lock_give(&b->base.lock);
}

void policy_breaker_operate(policy_breaker *b, policy_action action)
{
    static void (*const actions[])(breaker *, actor_ms, breaker_event *) = {
        [POLICY_OPEN] = breaker_force_open,
        [POLICY_CLOSE] = breaker_close,
        [POLICY_RESET] = breaker_reset,
    };
    breaker_event e = {0};
    actor_lock_take(&b->base.lock);
    actions[action](&b->breaker, clock_now(), &e);
    follow_up(b, &e);
    actor_lock_give(&b->base.lock);
}

policy_breaker *policy_breaker_find(policies *p, const char *name, char **nearest)
{
    suggest s;
    suggest_start(&s, name);
    policy_breaker *found = NULL;
    actor_lock_take(&p->lock);
    for (table_node *n = table_next(&p->breakers, NULL); n; n = table_next(&p->breakers, n)) {
        policy_breaker *b = (policy_breaker *)CONTAINER(n, base, node);
        suggest_offer(&s, policy_breaker_name(b));
        /* a shared one is meant before an inline one of the same name */
        if (strcmp(policy_breaker_name(b), name) == 0 && (!found || b->base.key[0] == '='))
            found = b;
    }
    if (found)
        atomic_fetch_add(&found->base.refs, 1);
    else if (nearest)
        *nearest = s.best ? strdup(s.best) : NULL;
    actor_lock_give(&p->lock);
    return found;
}

static void put_rate(json_out *out, const char *key, double rate)
{
    json_out_key(out, key);
    if (rate < 0)
        json_out_null(out);
    else
        json_out_double(out, rate);
}

void policy_breaker_put(json_out *out, policy_breaker *b)
{
    breaker_snapshot s;
    policies *p = b->base.all;
    actor_lock_take(&b->base.lock);
    breaker_look(&b->breaker, clock_now(), &s);
    actor_lock_give(&b->base.lock);
    json_out_object(out);
    json_out_key(out, "name");
    json_out_text(out, policy_breaker_name(b));
    json_out_key(out, "state");
    json_out_text(out, breaker_state_name(s.state));
    put_rate(out, "failure_rate", s.failure_rate);
    put_rate(out, "slow_rate", s.slow_rate);
    json_out_key(out, "calls");
    json_out_uint(out, s.calls);
    json_out_key(out, "consecutive_failures");
    json_out_uint(out, s.consecutive_failures);
    json_out_key(out, "not_permitted");
    json_out_uint(out, s.not_permitted);
    json_out_key(out, "late");
    json_out_uint(out, s.late);
    json_out_key(out, "opened");
    json_out_uint(out, s.opened);
    json_out_key(out, "since_ms");
    json_out_int(out, s.since);
    json_out_key(out, "next_ms");
    if (s.next < 0)
        json_out_null(out);
    else
        json_out_int(out, s.next);
    json_out_key(out, "used_by");
    json_out_array(out);
    policy_use *u;
    actor_lock_take(&p->lock);
    TAILQ_FOREACH(u, &b->uses, link)
    json_out_text(out, u->unit->name);
    actor_lock_give(&p->lock);
    json_out_array_end(out);
    json_out_object_end(out);
}

static int by_name(const void *a, const void *b)
{
    policy_breaker *const *x = a, *const *y = b;
    int order = strcmp(policy_breaker_name(*x), policy_breaker_name(*y));
    return order ? order : strcmp((*x)->base.key, (*y)->base.key);
}

bool policy_breaker_each(policies *p, const char *after, size_t limit,
                         void (*row)(policy_breaker *b, void *arg), void *arg, bool *more)
{
    actor_lock_take(&p->lock);
    size_t count = 0;
    policy_breaker **all = calloc(p->breakers.count + 1, sizeof *all);
    for (table_node *n = NULL; all && (n = table_next(&p->breakers, n));) {
        policy_breaker *b = (policy_breaker *)CONTAINER(n, base, node);
        if (after && strcmp(policy_breaker_name(b), after) <= 0)
            continue;
        atomic_fetch_add(&b->base.refs, 1);
        all[count++] = b;
    }
    actor_lock_give(&p->lock);
    if (!all)
        return false;
    qsort(all, count, sizeof *all, by_name);
    *more = count > limit;
    for (size_t i = 0; i < count; i++) {
        if (i < limit)
            row(all[i], arg);
        policy_breaker_release(all[i]);
    }
    free(all);
    return true;
}

/* ---- limiter ---- */

/* Wake the head of the line: at `at`, on the control thread. */
static void arm_limiter(policy_limiter *l, clock_ms at)
{
    if (alarm_set(&l->alarm, at))
        policy_limiter_hold(l);
}

static void limiter_alarm(clock_alarm *a)
{
    policy_limiter *l = CONTAINER(a, policy_limiter, alarm);
    wake(l->base.all, &l->uses);
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
    enter(p, &p->limiters, &l->base, key);
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
    char *key = key_of(u, c->name, c->shared);
    if (!key)
        return NULL;
    actor_lock_take(&p->lock);
    policy_limiter *l = (policy_limiter *)find(p, &p->limiters, key);
    if (l)
        free(key);
    else if (!(l = limiter_new(p, key, &policy)))
        free(key);
    bool bad = false;
    if (l) {
        actor_lock_take(&l->base.lock);
        bad = limiter_update(&l->limiter, &policy, clock_now()) != SUPERVISOR_OK;
        l->wait = c->wait;
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

policy_limiter *policy_limiter_hold(policy_limiter *l)
{
    atomic_fetch_add(&l->base.refs, 1);
    return l;
}

void policy_limiter_release(policy_limiter *l)
{
    if (!l || !leave(&l->base, &l->base.all->limiters))
        return;
    alarm_end(&l->alarm);
    end(&l->base);
}

void policy_use_limiter(policies *p, policy_use *u, policy_limiter *l)
{
    policy_limiter *before = u->policy;
    if (before && before != l)
        policy_limiter_cancel(before, u);
    use(p, u, l ? &l->base : NULL, l ? &l->uses : NULL, before ? &before->uses : NULL);
}

const char *policy_limiter_name(const policy_limiter *l)
{
    return name_of(&l->base);
}

/* Could a call begin now, if it were the first in line? Nothing is taken. */
static bool exhausted(const limiter *l, clock_ms now)
{
    limiter look = *l;
    return look.waiting > 0 || limiter_enter(&look, now).verdict != LIMITER_GRANTED;
}

bool policy_limiter_full(policy_limiter *l, size_t waiting, clock_ms now)
{
    actor_lock_take(&l->base.lock);
    bool is = l->wait >= 0 && waiting >= (size_t)l->wait && exhausted(&l->limiter, now);
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

void policy_limiter_leave(policy_limiter *l)
{
    actor_lock_take(&l->base.lock);
    limiter_leave(&l->limiter);
    if (!TAILQ_EMPTY(&l->line))
        arm_limiter(l, clock_now());
    actor_lock_give(&l->base.lock);
}
