#include "daemon/unit.h"

#include "daemon/daemon.h"
#include "daemon/kind.h"
#include "daemon/log.h"
#include "daemon/policy.h"
#include "daemon/runner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void alarm_fired(clock_alarm *a);

static unit *unit_alloc(const config_child *child, const unit *parent)
{
    size_t name = strlen(child->name) + 1;
    size_t path = (parent ? strlen(parent->path) : 0) + 1 + name;
    unit *u = calloc(1, sizeof *u + name + path);
    if (!u)
        return NULL;
    memcpy(u->text, child->name, name);
    char *at = u->text + name;
    u->name = u->text;
    u->path = at;
    if (parent)
        at = stpcpy(at, parent->path);
    *at++ = '/';
    memcpy(at, child->name, name);
    return u;
}

unit *unit_new(struct actord *d, loaded *s, const config_child *child, unit *parent)
{
    unit *u = unit_alloc(child, parent);
    if (!u)
        return NULL;
    atomic_init(&u->refs, 1);
    u->daemon = d;
    actor_lock_init(&u->lock);
    for (int i = 0; i < UNIT_PRIORITIES; i++)
        TAILQ_INIT(&u->mailbox[i]);
    TAILQ_INIT(&u->in_hand);
    TAILQ_INIT(&u->free);
    TAILQ_INIT(&u->later);
    TAILQ_INIT(&u->hedges);
    u->place_period = 1;
    u->state = UNIT_STOPPED;
    u->armed = INT64_MAX;
    u->breaker_use.unit = u;
    u->limiter_use.unit = u;
    u->state_since = clock_now();
    u->parent = parent ? unit_hold(parent) : NULL;
    u->supervises = child->kind == CONFIG_KIND_SUPERVISOR;
    if (!alarm_init(&u->alarm, d->alarms, alarm_fired)) {
        u->alarm.clock = NULL;
        unit_release(u);
        return NULL;
    }
    if (!unit_reserve(u, 1) || !unit_configure(u, s, child)) {
        unit_release(u);
        return NULL;
    }
    return u;
}

unit *unit_hold(unit *u)
{
    atomic_fetch_add_explicit(&u->refs, 1, memory_order_relaxed);
    return u;
}

void unit_release(unit *u)
{
    if (!u || atomic_fetch_sub_explicit(&u->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (u->alarm.clock)
        alarm_end(&u->alarm);
    if (!u->gone)
        unit_retire(u);
    loaded_release(u->loaded);
    unit_free_runners(u);
    heap_free(&u->due);
    free(u->latency);
    free(u->shown);
    actor_lock_destroy(&u->lock);
    unit *parent = u->parent;
    free(u);
    unit_release(parent);
}

static unit_settings settings_of(const config_child *c)
{
    return (unit_settings){
        .capacity = (uint32_t)c->mailbox.capacity,
        .on_full = c->mailbox.on_full,
        .timeout = clock_from_us(c->timeout_us),
        .ttl = clock_from_us(c->ttl_us),
        .shutdown = clock_from_us(c->shutdown_us),
        .priority = c->priority,
        .on_failure = c->on_failure,
        .credits = c->kind == CONFIG_KIND_WORKER ? (uint32_t)c->credits : 1,
        .hedge = {.after = clock_from_us(c->hedge.after_us), .max = (uint32_t)c->hedge.max},
    };
}

typedef struct policy_set {
    policy_retry *retry;
    policy_breaker *breaker;
    policy_limiter *limiter;
} policy_set;

static void release_policies(policy_set set)
{
    policy_retry_release(set.retry);
    policy_breaker_release(set.breaker);
    policy_limiter_release(set.limiter);
}

/* What is in hand is of no concern any more to a breaker that goes. */
static void ignore_attempts(unit *u) LOCK_REQUIRES(u->lock)
{
    message *m;
    TAILQ_FOREACH(m, &u->in_hand, link)
    attempt_ignore(u, m);
}

/* Exchange the policies; takes the references. The last time, the unit is gone with it. */
static void use_policies(unit *u, policy_set set, bool last)
{
    policies *all = u->daemon->policies;
    policy_set before = set; /* of one that is gone nothing changes */
    policies_lock(all);
    actor_lock_take(&u->lock);
    if (!u->gone) {
        before = (policy_set){u->retry, u->breaker, u->limiter};
        if (before.limiter && before.limiter != set.limiter) {
            policy_limiter_cancel(before.limiter, &u->limiter_use);
            unit_leave_all(u);
        }
        if (before.breaker && before.breaker != set.breaker)
            ignore_attempts(u);
        u->retry = set.retry;
        u->breaker = set.breaker;
        u->limiter = set.limiter;
        policy_use_breaker(&u->breaker_use, set.breaker);
        policy_use_limiter(&u->limiter_use, set.limiter);
        u->gone = last;
    }
    actor_lock_give(&u->lock);
    policies_unlock(all);
    release_policies(before);
}

void unit_place(unit *u, uint32_t order)
{
    actor_lock_take(&u->lock);
    u->order = order;
    actor_lock_give(&u->lock);
}

bool unit_configure(unit *u, loaded *s, const config_child *child)
{
    policies *all = u->daemon->policies;
    policy_set set = {NULL, NULL, NULL};
    if ((child->retry && !(set.retry = policy_retry_get(all, u, child->retry))) ||
        (child->breaker && !(set.breaker = policy_breaker_get(all, u, child->breaker))) ||
        (child->limit && !(set.limiter = policy_limiter_get(all, u, child->limit)))) {
        release_policies(set);
        return false;
    }
    loaded_hold(s);
    actor_lock_take(&u->lock);
    loaded *old = u->loaded;
    u->loaded = s;
    u->child = child;
    u->kind = kind_find(child->kind);
    u->settings = settings_of(child);
    actor_lock_give(&u->lock);
    use_policies(u, set, false);
    loaded_release(old);
    return true;
}

void unit_retire(unit *u)
{
    use_policies(u, (policy_set){NULL, NULL, NULL}, true);
}

bool unit_come_back(unit *u, loaded *s, const config_child *child)
{
    actor_lock_take(&u->lock);
    u->gone = false;
    u->counters = (unit_counters){0};
    actor_lock_give(&u->lock);
    bool ok = unit_configure(u, s, child);
    if (!ok)
        unit_retire(u);
    return ok;
}

const config_child *unit_child(unit *u, loaded **s)
{
    actor_lock_take(&u->lock);
    *s = loaded_hold(u->loaded);
    const config_child *child = u->child;
    actor_lock_give(&u->lock);
    return child;
}

const char *unit_state_name(unit_state state)
{
    static const char *const names[] = {
        [UNIT_STARTING] = "starting",     [UNIT_RUNNING] = "running",
        [UNIT_RESTARTING] = "restarting", [UNIT_BACKOFF] = "backoff",
        [UNIT_STOPPING] = "stopping",     [UNIT_STOPPED] = "stopped",
    };
    return names[state];
}

const char *unit_state_word(const unit *u)
{
    return u->paused && u->state == UNIT_RUNNING ? "paused" : unit_state_name(u->state);
}

/* Time has changed something: a message is due, expired, or its attempt timed out. */
static void alarm_fired(clock_alarm *a)
{
    unit *u = CONTAINER(a, unit, alarm);
    unit_tick(u);
    unit_release(u); /* the reference that the set alarm held */
}

const char *unit_last_exit(const unit *u)
{
    return u->last_ended && u->last_ended->last_exit[0] ? u->last_ended->last_exit : NULL;
}

actor_ref unit_supervisor_ref(unit *u)
{
    actor_lock_take(&u->lock);
    actor_ref ref = u->runners[0]->ref;
    actor_lock_give(&u->lock);
    return ref;
}

/* ---- figures ---- */

/* Step n covers [2^(n/4), 2^((n+1)/4)) milliseconds / 1024. */
static size_t latency_step(double ms)
{
    double steps = ms * 1024 < 1 ? 0 : 4 * log2(ms * 1024);
    return steps >= UNIT_LATENCY_STEPS ? UNIT_LATENCY_STEPS - 1 : (size_t)steps;
}

void unit_count_end(unit *u, const message *m, int64_t ns)
{
    int64_t second = ns / 1000000000;
    for (int64_t s = u->rate.second + 1; s <= second && s <= u->rate.second + UNIT_RATE_SECONDS;
         s++)
        u->rate.slots[s % UNIT_RATE_SECONDS] = 0;
    if (second > u->rate.second)
        u->rate.second = second;
    u->rate.slots[second % UNIT_RATE_SECONDS]++;
    if (m->state != MESSAGE_DONE)
        return;
    if (!u->latency)
        u->latency = calloc(UNIT_LATENCY_STEPS, sizeof *u->latency);
    if (u->latency)
        u->latency[latency_step((double)(ns - m->accepted_ns) / 1e6)]++;
}

double unit_latency(const unit *u, double share)
{
    uint64_t all = 0, seen = 0;
    for (size_t i = 0; u->latency && i < UNIT_LATENCY_STEPS; i++)
        all += u->latency[i];
    for (size_t i = 0; all && i < UNIT_LATENCY_STEPS; i++) {
        seen += u->latency[i];
        if ((double)seen >= share * (double)all)
            return exp2((double)(i + 1) / 4) / 1024;
    }
    return -1;
}

double unit_per_second(const unit *u, clock_ms now)
{
    /* the seconds that are over; the running one would make the figure jump */
    uint64_t sum = 0;
    int64_t second = now / 1000;
    for (int64_t s = second - UNIT_RATE_SECONDS + 1; s < second; s++)
        if (s >= 0 && s <= u->rate.second && s > u->rate.second - UNIT_RATE_SECONDS)
            sum += u->rate.slots[s % UNIT_RATE_SECONDS];
    return (double)sum / (UNIT_RATE_SECONDS - 1);
}

clock_ms unit_oldest(const unit *u, clock_ms now)
{
    clock_ms oldest = now;
    for (int i = 0; i < UNIT_PRIORITIES; i++) {
        const message *m = TAILQ_FIRST(&u->mailbox[i]);
        if (m && m->accepted < oldest)
            oldest = m->accepted;
    }
    return now - oldest;
}
