/* Breakers: shared, timed, and waking the units that wait for them. */
#include "daemon/log.h"
#include "daemon/policy_base.h"
#include "daemon/unit.h"

#include <stdlib.h>
#include <string.h>

struct policy_breaker {
    policy_base base; /* first */
    breaker breaker LOCK_GUARDED_BY(base.lock);
    atomic_bool closed; /* nobody is refused; for a look without the lock */
    clock_alarm alarm;
    struct policy_uses uses; /* guarded by policies.lock */
};

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

/* After a transition. */
static void tell(policy_breaker *b, const breaker_event *e)
{
    if (!e->changed)
        return;
    atomic_store(&b->closed, e->to == BREAKER_CLOSED);
    char rate[UNITS_TEXT] = "";
    if (e->rate >= 0)
        config_format_percent(e->rate, rate);
    log_write(e->to == BREAKER_CLOSED ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "breaker",
              LOG_FIELDS({"breaker", policy_base_name(&b->base)}), "%s -> %s: %s%s%s%s",
              breaker_state_name(e->from), breaker_state_name(e->to), breaker_cause_name(e->cause),
              rate[0] ? " " : "", rate,
              rate[0] && e->from == BREAKER_HALF_OPEN ? " of the probes" : "");
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
    if (e->changed || b->breaker.state != BREAKER_CLOSED) {
        tell(b, e);
        arm_breaker(b, e->changed ? clock_now() : breaker_next_event(&b->breaker));
    }
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
    policy_wake(b->base.all, &b->uses);
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
    atomic_init(&b->closed, true);
    TAILQ_INIT(&b->uses);
    policy_base_enter(p, &p->breakers, &b->base, key);
    return b;
}

policy_breaker *policy_breaker_get(policies *p, const unit *u, const config_breaker *c)
{
    breaker_policy policy = breaker_policy_of(c);
    char *key = policy_key(u, c->name, c->shared);
    if (!key)
        return NULL;
    bool failed = false;
    actor_lock_take(&p->lock);
    policy_breaker *b = (policy_breaker *)policy_base_find(p, &p->breakers, key);
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
    if (!b || !policy_base_leave(&b->base, &b->base.all->breakers, &b->alarm))
        return;
    breaker_fini(&b->breaker);
    alarm_end(&b->alarm);
    policy_base_end(&b->base);
}

void policy_use_breaker(policy_use *u, policy_breaker *b)
{
    policy_base_use(u, b ? &b->uses : NULL);
}

const char *policy_breaker_name(const policy_breaker *b)
{
    return policy_base_name(&b->base);
}

bool policy_breaker_refuses(policy_breaker *b, clock_ms now, bool count, clock_ms *wait)
{
    if (atomic_load_explicit(&b->closed, memory_order_relaxed))
        return false;
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

bool policy_breaker_is_open(policy_breaker *b)
{
    actor_lock_take(&b->base.lock);
    bool is = b->breaker.state == BREAKER_OPEN || b->breaker.state == BREAKER_FORCED_OPEN;
    actor_lock_give(&b->base.lock);
    return is;
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

void policy_breaker_report(policy_breaker *b, breaker_permit *permit, breaker_result result,
                           clock_ms now)
{
    breaker_event e = {0};
    actor_lock_take(&b->base.lock);
    breaker_report(&b->breaker, permit, result, now, &e);
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
        policy_breaker *b = (policy_breaker *)CONTAINER(n, policy_base, node);
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
        policy_breaker *b = (policy_breaker *)CONTAINER(n, policy_base, node);
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
