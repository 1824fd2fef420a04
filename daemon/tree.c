#include "daemon/tree.h"

#include "daemon/directory.h"
#include "daemon/kind.h"
#include "daemon/log.h"
#include "daemon/reload.h"
#include "daemon/runner.h"
#include "daemon/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what supervisors tell ---- */

static unit_state state_of(supervisor_child_state state)
{
    static const unit_state states[] = {
        [SUPERVISOR_CHILD_STARTING] = UNIT_STARTING,
        [SUPERVISOR_CHILD_RUNNING] = UNIT_RUNNING,
        [SUPERVISOR_CHILD_STOPPING] = UNIT_STOPPING,
        [SUPERVISOR_CHILD_RESTARTING] = UNIT_RESTARTING,
        [SUPERVISOR_CHILD_BACKOFF] = UNIT_BACKOFF,
        [SUPERVISOR_CHILD_WAITING] = UNIT_RESTARTING,
        [SUPERVISOR_CHILD_STOPPED] = UNIT_STOPPED,
        [SUPERVISOR_CHILD_GONE] = UNIT_STOPPED,
    };
    return states[state];
}

static void publish(unit *u, const supervisor_child_event *e, bool comes_back)
    LOCK_REQUIRES(u->lock)
{
    runner *r = u->runners[e->instance - 1];
    unit_state state = state_of(e->state);
    if (state == UNIT_STOPPED && comes_back && r->there && r->state != UNIT_STOPPED)
        state = UNIT_RESTARTING;
    if (state == UNIT_STARTING && e->incarnation > 1)
        state = UNIT_RESTARTING;
    if (state != r->state)
        r->state_since = clock_now();
    r->state = state;
    r->up = e->up;
    r->there = e->state != SUPERVISOR_CHILD_GONE;
    r->leaves = e->surplus;
    r->ref = e->ref;
    r->incarnation = e->incarnation;
    if (e->restarts > r->restarts) {
        atomic_fetch_add(&u->daemon->restarts, e->restarts - r->restarts);
        u->counters.restarts += e->restarts - r->restarts;
    }
    r->restarts = e->restarts;
    r->next_start = e->next_start;
    if (e->ended) {
        snprintf(r->last_exit, sizeof r->last_exit, "%s%s%s", actor_exit_name(e->exit),
                 e->reason[0] ? ": " : "", e->reason);
        u->last_ended = r;
    }
    if (r->leaves)
        runner_looked(u, r, false);
    unit_sum_up(u);
}

static void tell(const unit *u, const supervisor_child_event *e)
{
    log_level level = e->ended && !e->expected ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG;
    char next[64] = "", instance[32] = "";
    if (e->state == SUPERVISOR_CHILD_BACKOFF)
        snprintf(next, sizeof next, "; next start in %" PRId64 " ms", e->next_start - clock_now());
    if (e->instance > 1)
        snprintf(instance, sizeof instance, "instance %" PRIu32 ": ", e->instance);
    log_write(level, "supervisor", LOG_FIELDS({"actor", u->name}), "%s%s%s%s%s%s%s", instance,
              supervisor_child_state_name(e->state), e->ended ? " after " : "",
              e->ended ? actor_exit_name(e->exit) : "", e->ended && e->reason[0] ? ": " : "",
              e->ended ? e->reason : "", next);
}

/* u is no longer in the tree. */
static void forget(actord *d, unit *u)
{
    unit_retire(u);
    unit_stopped(u);
    directory_remove(d->directory, u);
}

/* Nor is anything below it: its children aren't told of one by one. */
static void forget_below(actord *d, unit *u)
{
    unit **below = u->supervises ? directory_list(d->directory, u, false) : NULL;
    for (unit **at = below; at && *at; at++)
        forget_below(d, *at);
    directory_list_free(below);
    forget(d, u);
}

/* u is stopped, and with it what went down with its supervisor and could have come back with it. */
static void stop_below(actord *d, unit *u)
{
    unit **below = u->supervises ? directory_list(d->directory, u, false) : NULL;
    for (unit **at = below; at && *at; at++)
        stop_below(d, *at);
    directory_list_free(below);
    actor_lock_take(&u->lock);
    for (uint32_t i = 0; i < u->runner_count; i++) {
        u->runners[i]->state = UNIT_STOPPED;
        u->runners[i]->up = false;
    }
    unit_sum_up(u);
    actor_lock_give(&u->lock);
    unit_stopped(u);
}

/* Is this supervisor on its way down? Then its children come back with it, and keep their
 * mailboxes, unless it turns out to be stopped for good. */
static bool goes_down(unit *supervisor, const supervisor_child_event *e)
{
    actor_lock_take(&supervisor->lock);
    bool down = !supervisor->up || supervisor->state == UNIT_STOPPING;
    actor_lock_give(&supervisor->lock);
    return down || (e->closing && supervisor->parent); /* the root never comes back */
}

/* u had ended for good, and was forgotten, but it is of the file (a temporary child): now it comes
 * back with its supervisor, as the file says today. */
static void come_back(actord *d, unit *u, const supervisor_child_event *e)
{
    loaded *s = daemon_spec(d);
    const config_child *c = config_find_child(loaded_config(s), u->name);
    if (!c || !c->parent || strcmp(c->parent->name, u->parent->name) != 0 ||
        u->supervises != (c->supervisor != NULL)) {
        loaded_release(s);
        c = unit_child(u, &s);
    }
    const char *why = NULL;
    if (!directory_add(d->directory, u)) {
        why = "an actor is called so already";
    } else if (!unit_come_back(u, s, c)) {
        why = "out of memory";
        directory_remove(d->directory, u);
    }
    if (why && e->state == SUPERVISOR_CHILD_STARTING)
        log_write(LOG_LEVEL_ERROR, "supervisor", LOG_FIELDS({"actor", u->name}),
                  "can't come back with its supervisor: %s", why);
    loaded_release(s);
}

static void on_child(void *user, const supervisor_child_event *e)
{
    actord *d = user;
    unit *u = e->tag;
    bool comes_back = e->state == SUPERVISOR_CHILD_STOPPED && goes_down(u->parent, e);
    actor_lock_take(&u->lock);
    bool forgotten = u->gone && e->state != SUPERVISOR_CHILD_GONE;
    actor_lock_give(&u->lock);
    if (forgotten)
        come_back(d, u, e);
    actor_lock_take(&u->lock);
    publish(u, e, comes_back);
    bool stopped = u->state == UNIT_STOPPED;
    actor_lock_give(&u->lock);
    tell(u, e);
    bool gone = e->state == SUPERVISOR_CHILD_GONE;
    if (gone && e->last)
        forget_below(d, u);
    else if ((gone || e->state == SUPERVISOR_CHILD_STOPPED) && stopped)
        stop_below(d, u);
    if (u->supervises)
        reload_look(d);
}

/* The root has no supervisor that would publish its state. */
static void publish_root(unit *u, unit_state state, const supervisor_event *e)
{
    runner *r = unit_runner(u, 1);
    actor_lock_take(&u->lock);
    r->there = true;
    r->state = state;
    r->ref = e->supervisor;
    r->incarnation = 1;
    unit_sum_up(u);
    actor_lock_give(&u->lock);
}

static void root_over(actord *d, const supervisor_event *e)
{
    bool started = atomic_load(&d->tree_started);
    int status = !e->tripped && !e->failed ? EXIT_OK : started ? EXIT_GAVE_UP : EXIT_INTERNAL;
    char text[512];
    snprintf(text, sizeof text, "%s%s%s%s", e->reason, e->child ? " (" : "",
             e->child ? e->child : "", e->child ? ")" : "");
    daemon_root_stopped(d, status, text);
}

static void on_supervisor(void *user, const supervisor_event *e)
{
    actord *d = user;
    unit *u = e->tag;
    bool root = !u->parent;
    actor_lock_take(&u->lock);
    u->restarts_used = e->restarts_used;
    if (e->kind == SUPERVISOR_STARTED)
        u->up = true;
    if (e->kind == SUPERVISOR_STOPPED || e->tripped || e->failed)
        u->up = false;
    actor_lock_give(&u->lock);
    const log_field *fields = &(const log_field){"actor", u->name};
    switch (e->kind) {
    case SUPERVISOR_STARTED:
        if (root) {
            publish_root(u, UNIT_RUNNING, e);
            atomic_store(&d->tree_started, true);
            daemon_root_started(d);
        }
        break;
    case SUPERVISOR_START_FAILED:
        log_write(LOG_LEVEL_ERROR, "supervisor", fields, 1, "could not start: %s", e->reason);
        break;
    case SUPERVISOR_TRIPPED:
        log_write(LOG_LEVEL_ERROR, "supervisor", fields, 1,
                  "gives up: restart limit reached, the last was '%s': %s",
                  e->child ? e->child : "?", e->reason);
        break;
    case SUPERVISOR_ESCALATED:
        log_write(LOG_LEVEL_ERROR, "supervisor", fields, 1, "fails with '%s': %s",
                  e->child ? e->child : "?", e->reason);
        break;
    case SUPERVISOR_STRAY:
        log_write(LOG_LEVEL_WARN, "supervisor", fields, 1, "dropped a message it doesn't know");
        break;
    case SUPERVISOR_STOPPED:
        if (e->auto_shutdown)
            log_write(LOG_LEVEL_INFO, "supervisor", fields, 1, "ends by auto_shutdown: %s",
                      e->reason);
        if (root) {
            publish_root(u, UNIT_STOPPED, e);
            stop_below(d, u);
            reload_look(d);
            root_over(d, e);
        }
        break;
    case SUPERVISOR_BUDGET:
    case SUPERVISOR_FLAGS:
        break;
    }
}

/* ---- building ---- */

supervisor_flags tree_flags(const config_supervisor *s)
{
    static const supervisor_strategy strategies[] = {
        [CONFIG_ONE_FOR_ONE] = SUPERVISOR_ONE_FOR_ONE,
        [CONFIG_ONE_FOR_ALL] = SUPERVISOR_ONE_FOR_ALL,
        [CONFIG_REST_FOR_ONE] = SUPERVISOR_REST_FOR_ONE,
    };
    static const supervisor_auto_shutdown modes[] = {
        [CONFIG_NEVER] = SUPERVISOR_NEVER,
        [CONFIG_ANY_SIGNIFICANT] = SUPERVISOR_ANY_SIGNIFICANT,
        [CONFIG_ALL_SIGNIFICANT] = SUPERVISOR_ALL_SIGNIFICANT,
    };
    return (supervisor_flags){
        .strategy = strategies[s->strategy],
        .auto_shutdown = modes[s->auto_shutdown],
        .max_restarts = s->max_restarts == CONFIG_INFINITY ? SUPERVISOR_UNLIMITED : s->max_restarts,
        .period = clock_from_us(s->within_us),
        .backoff = {.none = s->backoff.none,
                    .policy = {.kind = BACKOFF_EXPONENTIAL,
                               .jitter = policy_jitter(s->backoff.jitter),
                               .initial = clock_from_us(s->backoff.initial_us),
                               .max = clock_from_us(s->backoff.max_us),
                               .factor = s->backoff.factor},
                    .reset_after = clock_from_us(s->backoff.reset_after_us)},
    };
}

void tree_describe(const config_child *child, supervisor_child *out)
{
    static const supervisor_restart restarts[] = {
        [CONFIG_PERMANENT] = SUPERVISOR_PERMANENT,
        [CONFIG_TRANSIENT] = SUPERVISOR_TRANSIENT,
        [CONFIG_TEMPORARY] = SUPERVISOR_TEMPORARY,
    };
    *out = (supervisor_child){
        .id = child->name,
        .restart = restarts[child->restart],
        .significant = child->significant,
        .shutdown = child->shutdown_us == CONFIG_INFINITY ? SUPERVISOR_INFINITY
                                                          : clock_from_us(child->shutdown_us),
        .start_timeout =
            child->kind == CONFIG_KIND_WORKER ? clock_from_us(child->start_timeout_us) : 0,
    };
}

static void release_unit(void *arg)
{
    unit_release(arg);
}

static void *runner_of(void *arg, uint32_t instance)
{
    return unit_runner(arg, instance);
}

void tree_attach(unit *u, supervisor_child *out)
{
    out->tag = u;
    out->behaviour = &delivery_behaviour;
    out->arg = unit_hold(u);
    out->instance_arg = runner_of;
    out->free_arg = release_unit;
}

static rpc_code nested_spec(actord *d, loaded *s, const config_child *child, unit *u,
                            supervisor_spec **out, rpc_failure *failure)
{
    char why[256];
    supervisor_flags flags = tree_flags(child->supervisor);
    supervisor_observer observer = {.child = on_child,
                                    .supervisor = on_supervisor,
                                    .user = d,
                                    .tag = unit_hold(u),
                                    .free_tag = release_unit};
    supervisor_spec *spec_of = NULL;
    if (supervisor_spec_new(&flags, &observer, daemon_seed(), why, sizeof why, &spec_of)) {
        unit_release(u);
        return rpc_fail(failure, RPC_INVALID_PARAMS, "'%s': %s", child->name, why);
    }
    rpc_code code = RPC_OK;
    for (size_t i = 0; i < child->supervisor->child_count && code == RPC_OK; i++) {
        supervisor_child c;
        const tree_place at = {.parent = u, .order = (uint32_t)i};
        code = tree_build(d, s, child->supervisor->children[i], &at, &c, failure);
        if (code != RPC_OK)
            break;
        if (supervisor_spec_add(spec_of, &c, why, sizeof why)) {
            code = rpc_fail(failure, RPC_INVALID_PARAMS, "'%s': %s", c.id, why);
            tree_discard(&c);
        }
    }
    if (code != RPC_OK)
        supervisor_spec_free(spec_of);
    else
        *out = spec_of;
    return code;
}

/* One unit, entered into the directory, which holds the only reference. */
static rpc_code enter(actord *d, loaded *s, const config_child *child, const tree_place *at,
                      unit **out, rpc_failure *failure)
{
    actor_lock_take(&d->lock);
    int limit = loaded_config(d->loaded)->limits.actors;
    actor_lock_give(&d->lock);
    if (directory_count(d->directory) >= (size_t)limit)
        return rpc_fail(failure, RPC_UNAVAILABLE,
                        "the daemon holds limits.actors (%d) actors already", limit);
    unit *u = unit_new(d, s, child, at->parent);
    if (!u)
        return rpc_fail(failure, RPC_UNAVAILABLE, "out of memory for '%s'", child->name);
    u->order = at->order;
    if (!unit_reserve(u, (uint32_t)child->instances)) {
        unit_release(u);
        return rpc_fail(failure, RPC_UNAVAILABLE, "out of memory for '%s'", child->name);
    }
    unit_expect_runners(u, (uint32_t)child->instances);
    bool fresh = directory_add(d->directory, u);
    unit_release(u);
    if (!fresh)
        return rpc_fail(failure, RPC_ALREADY_EXISTS, "an actor is called '%s' already",
                        child->name);
    *out = u;
    return RPC_OK;
}

rpc_code tree_build(actord *d, loaded *s, const config_child *child, const tree_place *at,
                    supervisor_child *out, rpc_failure *failure)
{
    unit *u = NULL;
    rpc_code code = enter(d, s, child, at, &u, failure);
    if (code != RPC_OK)
        return code;
    tree_describe(child, out);
    out->tag = u;
    out->instances = (uint32_t)child->instances;
    if (child->kind == CONFIG_KIND_SUPERVISOR) {
        code = nested_spec(d, s, child, u, &out->nested, failure);
        if (code != RPC_OK)
            tree_forget(d, child);
        return code;
    }
    tree_attach(u, out);
    return RPC_OK;
}

void tree_discard(supervisor_child *child)
{
    if (child->nested)
        supervisor_spec_free(child->nested);
    else if (child->arg)
        child->free_arg(child->arg);
    child->nested = NULL;
    child->arg = NULL;
}

void tree_forget(actord *d, const config_child *child)
{
    for (const config_child *c = child; c; c = config_next_child(child, c)) {
        unit *u = directory_find(d->directory, c->name, NULL);
        if (!u)
            continue;
        actor_lock_take(&u->lock);
        bool ours = u->child == c;
        actor_lock_give(&u->lock);
        if (ours)
            forget(d, u);
        unit_release(u);
    }
}

void tree_remove(actord *d, unit *u)
{
    forget_below(d, u);
}

bool tree_start(actord *d, char *why, size_t size)
{
    rpc_failure failure;
    loaded *s = daemon_spec(d);
    const config_child *child = loaded_config(s)->root;
    const tree_place top = {.parent = NULL};
    supervisor_child root;
    actor_ref ref;
    bool ok = tree_build(d, s, child, &top, &root, &failure) == RPC_OK;
    if (ok) {
        d->root = unit_hold(root.tag);
        supervisor_err e = supervisor_spawn(d->system, root.nested, &ref);
        ok = e == SUPERVISOR_OK;
        if (!ok) {
            supervisor_spec_free(root.nested);
            rpc_fail(&failure, RPC_INTERNAL_ERROR, "%s", supervisor_strerror(e));
        } else {
            actor_lock_take(&d->root->lock);
            runner *r = d->root->runners[0];
            if (actor_ref_none(r->ref)) { /* else it runs already */
                r->ref = ref;
                r->state = UNIT_STARTING;
                unit_sum_up(d->root);
            }
            actor_lock_give(&d->root->lock);
        }
    }
    if (!ok)
        snprintf(why, size, "%s", failure.message);
    loaded_release(s);
    return ok;
}
