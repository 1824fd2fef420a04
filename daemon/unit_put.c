#include "daemon/unit_put.h"

#include "daemon/daemon.h"
#include "daemon/directory.h"
#include "daemon/kind.h"
#include "daemon/policy.h"
#include "daemon/runner.h"

static void put_uint(json_out *out, const char *key, uint64_t value)
{
    json_out_key(out, key);
    json_out_uint(out, value);
}

void unit_put_counters(json_out *out, const unit_counters *n)
{
    put_uint(out, "accepted", n->accepted);
    for (message_state s = MESSAGE_DONE; s < MESSAGE_STATES; s++)
        put_uint(out, message_state_name(s), n->final[s]);
    put_uint(out, "waiting", n->waiting);
    put_uint(out, "running", n->running);
    put_uint(out, "retrying", n->retrying);
    put_uint(out, "retries", n->retries);
    put_uint(out, "hedges", n->hedges);
    put_uint(out, "failed_attempts", n->failed_attempts);
}

void unit_add_counters(unit_counters *sum, const unit_counters *n)
{
    sum->accepted += n->accepted;
    for (message_state s = MESSAGE_DONE; s < MESSAGE_STATES; s++)
        sum->final[s] += n->final[s];
    sum->waiting += n->waiting;
    sum->running += n->running;
    sum->retrying += n->retrying;
    sum->retries += n->retries;
    sum->hedges += n->hedges;
    sum->failed_attempts += n->failed_attempts;
    sum->restarts += n->restarts;
}

static void put_latency(json_out *out, const char *key, double ms)
{
    json_out_key(out, key);
    if (ms < 0)
        json_out_null(out);
    else
        json_out_double(out, (double)(int64_t)(ms * 1000 + 0.5) / 1000);
}

static void put_delivery(json_out *out, unit *u, clock_ms now) LOCK_REQUIRES(u->lock)
{
    json_out_key(out, "mailbox");
    json_out_object(out);
    put_uint(out, "waiting", u->counters.waiting);
    put_uint(out, "capacity", u->settings.capacity);
    json_out_key(out, "oldest_ms");
    json_out_int(out, unit_oldest(u, now));
    json_out_object_end(out);
    json_out_key(out, "counters");
    json_out_object(out);
    unit_put_counters(out, &u->counters);
    json_out_object_end(out);
    json_out_key(out, "per_second");
    json_out_double(out, unit_per_second(u, now));
    json_out_key(out, "latency_ms");
    json_out_object(out);
    put_latency(out, "p50", unit_latency(u, 0.5));
    put_latency(out, "p99", unit_latency(u, 0.99));
    json_out_object_end(out);
}

static void put_in_hand(json_out *out, unit *u, clock_ms now) LOCK_REQUIRES(u->lock)
{
    message *m;
    json_out_key(out, "in_hand");
    json_out_array(out);
    TAILQ_FOREACH(m, &u->in_hand, link)
    {
        json_out_object(out);
        json_out_key(out, "message");
        json_out_text(out, m->id);
        put_uint(out, "attempt", message_attempt_count(m));
        json_out_key(out, "running_ms");
        json_out_int(out, now - m->began);
        if (m->progress >= 0) {
            json_out_key(out, "progress");
            json_out_double(out, m->progress);
        }
        if (m->note) {
            json_out_key(out, "note");
            json_out_text(out, m->note);
        }
        json_out_object_end(out);
    }
    json_out_array_end(out);
}

static void put_pids(json_out *out, const unit *u) LOCK_REQUIRES(u->lock)
{
    json_out_key(out, "pids");
    json_out_array(out);
    for (uint32_t i = 0; i < u->runner_count; i++)
        if (u->runners[i]->pid)
            json_out_int(out, u->runners[i]->pid);
    json_out_array_end(out);
}

static void put_next_start(json_out *out, unit_state state, clock_ms next_start, clock_ms now)
{
    if (state != UNIT_BACKOFF)
        return;
    json_out_key(out, "next_start_ms");
    json_out_int(out, next_start > now ? next_start - now : 0);
}

static void put_instance(json_out *out, const runner *r, clock_ms now)
{
    json_out_object(out);
    put_uint(out, "instance", r->number);
    json_out_key(out, "state");
    json_out_text(out, unit_state_name(r->state));
    json_out_key(out, "pid");
    if (r->pid)
        json_out_int(out, r->pid);
    else
        json_out_null(out);
    put_uint(out, "incarnation", r->incarnation);
    put_uint(out, "restarts", r->restarts);
    json_out_key(out, "last_exit");
    json_out_text(out, r->last_exit[0] ? r->last_exit : NULL);
    json_out_key(out, "state_ms");
    json_out_int(out, now - r->state_since);
    put_next_start(out, r->state, r->next_start, now);
    json_out_object_end(out);
}

static void put_instances(json_out *out, const unit *u, clock_ms now) LOCK_REQUIRES(u->lock)
{
    json_out_key(out, "instances");
    json_out_array(out);
    for (uint32_t i = 0; i < u->runner_count; i++)
        if (u->runners[i]->there)
            put_instance(out, u->runners[i], now);
    json_out_array_end(out);
}

static void put_pool(json_out *out, const unit *u) LOCK_REQUIRES(u->lock)
{
    runner_counts n = unit_count_runners(u);
    json_out_key(out, "pool");
    json_out_object(out);
    put_uint(out, "instances", n.there);
    put_uint(out, "running", n.running);
    json_out_object_end(out);
}

static void put_restarts(json_out *out, const unit *u, clock_ms now) LOCK_REQUIRES(u->lock)
{
    put_uint(out, "restarts", u->counters.restarts);
    json_out_key(out, "last_exit");
    json_out_text(out, unit_last_exit(u));
    json_out_key(out, "state_ms");
    json_out_int(out, now - u->state_since);
    put_next_start(out, u->state, u->next_start, now);
}

static void put_names(json_out *out, const unit *u) LOCK_REQUIRES(u->lock)
{
    json_out_key(out, "name");
    json_out_text(out, u->name);
    json_out_key(out, "kind");
    json_out_text(out, config_kind_name(u->kind ? u->kind->kind : CONFIG_KIND_SUPERVISOR));
}

/* ---- what is below a supervisor ---- */

/* As OTP's count_children: of what is right below. */
typedef struct child_counts {
    uint64_t specs, active, supervisors, workers;
} child_counts;

static void count_child(child_counts *n, unit *u)
{
    actor_lock_take(&u->lock);
    n->specs++;
    for (uint32_t i = 0; i < u->runner_count; i++) {
        const runner *r = u->runners[i];
        n->active += r->there && r->up;
        n->supervisors += r->there && u->supervises;
        n->workers += r->there && !u->supervises;
    }
    actor_lock_give(&u->lock);
}

static void put_count(json_out *out, const child_counts *n)
{
    json_out_key(out, "count");
    json_out_object(out);
    put_uint(out, "specs", n->specs);
    put_uint(out, "active", n->active);
    put_uint(out, "supervisors", n->supervisors);
    put_uint(out, "workers", n->workers);
    json_out_object_end(out);
}

static void count_children(json_out *out, unit *u)
{
    child_counts n = {0};
    unit **children = directory_list(u->daemon->directory, u, false);
    for (unit **at = children; at && *at; at++)
        count_child(&n, *at);
    if (!children)
        out->err = JSON_ENOMEM;
    directory_list_free(children);
    put_count(out, &n);
}

static void put_info(json_out *out, unit *u)
{
    clock_ms now = clock_now();
    actor_lock_take(&u->lock);
    put_names(out, u);
    json_out_key(out, "path");
    json_out_text(out, u->path);
    json_out_key(out, "state");
    json_out_text(out, unit_state_word(u));
    put_uint(out, "incarnation", u->incarnation);
    put_pids(out, u);
    put_delivery(out, u, now);
    put_in_hand(out, u, now);
    put_restarts(out, u, now);
    json_out_key(out, "restart");
    json_out_text(out, config_restart_name(u->child->restart));
    json_out_key(out, "significant");
    json_out_bool(out, u->child->significant);
    json_out_key(out, "breaker");
    json_out_text(out, u->breaker ? policy_breaker_name(u->breaker) : NULL);
    json_out_key(out, "limit");
    json_out_text(out, u->limiter ? policy_limiter_name(u->limiter) : NULL);
    json_out_key(out, "in_line");
    json_out_bool(out, u->limiter && policy_limiter_waits(u->limiter, &u->limiter_use));
    json_out_key(out, "fallback");
    json_out_text(out, u->child->fallback);
    if (!u->supervises) {
        put_pool(out, u);
        put_instances(out, u, now);
    }
    actor_lock_give(&u->lock);
}

void unit_put_info(json_out *out, unit *u)
{
    json_out_object(out);
    put_info(out, u);
    json_out_object_end(out);
}

void unit_put_full_info(json_out *out, unit *u)
{
    json_out_object(out);
    put_info(out, u);
    if (u->supervises)
        count_children(out, u);
    json_out_object_end(out);
}

static void put_supervisor(json_out *out, const unit *u) LOCK_REQUIRES(u->lock)
{
    const config_supervisor *s = u->child->supervisor;
    json_out_key(out, "strategy");
    json_out_text(out, config_strategy_name(s->strategy));
    put_uint(out, "restarts_used", u->restarts_used);
    json_out_key(out, "max_restarts");
    if (s->max_restarts == CONFIG_INFINITY)
        json_out_null(out);
    else
        json_out_int(out, s->max_restarts);
    json_out_key(out, "within_ms");
    json_out_int(out, clock_from_us(s->within_us));
    json_out_key(out, "auto_shutdown");
    json_out_text(out, config_auto_shutdown_name(s->auto_shutdown));
}

static void put_children(json_out *out, unit *u)
{
    child_counts n = {0};
    unit **children = directory_list(u->daemon->directory, u, true);
    json_out_key(out, "children");
    json_out_array(out);
    for (unit **at = children; at && *at; at++) {
        count_child(&n, *at);
        unit_put_tree(out, *at);
    }
    json_out_array_end(out);
    if (!children)
        out->err = JSON_ENOMEM;
    directory_list_free(children);
    put_count(out, &n);
}

/* As deep as the tree, which the configuration bounds. */
void unit_put_tree(json_out *out, unit *u)
{
    clock_ms now = clock_now();
    actor_lock_take(&u->lock);
    json_out_object(out);
    put_names(out, u);
    if (u->supervises)
        put_supervisor(out, u);
    json_out_key(out, "state");
    json_out_text(out, unit_state_word(u));
    put_uint(out, "incarnation", u->incarnation);
    put_restarts(out, u, now);
    json_out_key(out, "significant");
    json_out_bool(out, u->child->significant);
    if (!u->supervises) {
        put_pids(out, u);
        put_uint(out, "waiting", u->counters.waiting);
        put_uint(out, "running", u->counters.running);
        put_pool(out, u);
    }
    actor_lock_give(&u->lock);
    if (u->supervises)
        put_children(out, u);
    json_out_object_end(out);
}
