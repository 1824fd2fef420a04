/* Methods about actors: actor.*, tree. */
#include "daemon/directory.h"
#include "daemon/kind.h"
#include "daemon/methods.h"
#include "daemon/node_json.h"
#include "daemon/runner.h"
#include "daemon/tree.h"
#include "daemon/unit_put.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { P_NAME, P_INSTANCE, P_INSTANCES = P_INSTANCE };
static const rpc_param name_params[] = {
    [P_NAME] =
        {.name = "name", .type = RPC_STRING, .required = true, .min = 1, .max = CONFIG_NAME_MAX},
};

/* The actor of the param `name`, into c->unit. False: the call is answered. */
static bool find_unit(call *c, const rpc_value *v)
{
    rpc_failure f;
    c->unit = directory_find(c->daemon->directory, v[P_NAME].text, &f);
    if (!c->unit)
        call_failure(c, &f, NULL);
    return c->unit != NULL;
}

/* ---- looking ---- */

enum { P_LIST_NAME, P_LIST_LIMIT, P_LIST_AFTER };
static const rpc_param list_params[] = {
    [P_LIST_NAME] = {.name = "name", .type = RPC_STRING, .max = CONFIG_NAME_MAX},
    LIST_PARAMS,
};

static void run_list(call *c, rpc_value *v)
{
    int64_t limit = v[P_LIST_LIMIT].present ? v[P_LIST_LIMIT].number : LIST_LIMIT;
    const char *after = v[P_LIST_AFTER].present ? v[P_LIST_AFTER].text : "";
    unit **all = directory_list(c->daemon->directory, NULL, false);
    if (!all) {
        call_error(c, RPC_INTERNAL_ERROR, "out of memory", NULL);
        return;
    }
    json_out out = {0};
    const char *last = NULL, *next = NULL;
    list_begin(&out);
    for (unit **at = all; *at; at++) {
        if (strcmp((*at)->name, after) <= 0)
            continue;
        if (v[P_LIST_NAME].present && strcmp((*at)->name, v[P_LIST_NAME].text) != 0)
            continue;
        if (limit-- == 0) {
            next = last;
            break;
        }
        unit_put_info(&out, *at);
        last = (*at)->name;
    }
    list_end(&out, next);
    directory_list_free(all);
    call_result_out(c, &out);
}

static void run_info(call *c, rpc_value *v)
{
    if (!find_unit(c, v))
        return;
    json_out out = {0};
    unit_put_info(&out, c->unit);
    call_result_out(c, &out);
}

static void run_state(call *c, rpc_value *v)
{
    if (!find_unit(c, v))
        return;
    json_out out = {0};
    json_out_object(&out);
    json_out_key(&out, "name");
    json_out_text(&out, c->unit->name);
    json_out_key(&out, "state");
    actor_lock_take(&c->unit->lock);
    if (c->unit->shown)
        json_out_raw(&out, c->unit->shown, strlen(c->unit->shown));
    else
        json_out_null(&out);
    actor_lock_give(&c->unit->lock);
    json_out_object_end(&out);
    call_result_out(c, &out);
}

static const rpc_param tree_params[] = {
    {.name = "under", .type = RPC_STRING, .min = 1, .max = CONFIG_NAME_MAX},
};

static void run_tree(call *c, rpc_value *v)
{
    rpc_failure f;
    c->unit = directory_find(c->daemon->directory, v[0].present ? v[0].text : CONFIG_ROOT_NAME, &f);
    if (!c->unit) {
        call_failure(c, &f, NULL);
        return;
    }
    json_out out = {0};
    unit_put_tree(&out, c->unit);
    call_result_out(c, &out);
}

/* ---- steering: what the supervisor does ---- */

static rpc_code code_of(supervisor_err e)
{
    switch (e) {
    case SUPERVISOR_ENOTFOUND:
        return RPC_NOT_FOUND;
    case SUPERVISOR_ESTARTED:
    case SUPERVISOR_EPRESENT:
        return RPC_ALREADY_EXISTS;
    case SUPERVISOR_ERUNNING:
    case SUPERVISOR_ERESTARTING:
        return RPC_INVALID_STATE;
    case SUPERVISOR_EFAILED:
        return RPC_FAILED;
    case SUPERVISOR_ESTOPPED:
        return RPC_STOPPED;
    case SUPERVISOR_EINVAL:
        return RPC_INVALID_PARAMS;
    default:
        return RPC_UNAVAILABLE;
    }
}

/* What to type next, by error. */
static const char *advice(supervisor_err e)
{
    switch (e) {
    case SUPERVISOR_ERUNNING:
        return "; stop it first, with: actorctl stop";
    case SUPERVISOR_ERESTARTING:
        return "; wait, or stop it with: actorctl stop";
    case SUPERVISOR_EFAILED:
        return "; see: actorctl inspect";
    default:
        return NULL;
    }
}

/* The supervisor has answered, or is gone. False: the call is answered with the failure. */
static bool succeeded(call *c, actor_err how, actor_msg *msg)
{
    const supervisor_reply *reply = msg ? supervisor_reply_get(msg) : NULL;
    const char *name = c->unit->name;
    char text[RPC_MESSAGE_MAX + 1];
    if (how != ACTOR_OK || !reply) {
        snprintf(text, sizeof text, "the supervisor of '%s' ended meanwhile; see: actorctl tree",
                 name);
        call_error(c, RPC_STOPPED, text, NULL);
        return false;
    }
    if (reply->err == SUPERVISOR_OK)
        return true;
    const char *next = advice(reply->err);
    snprintf(text, sizeof text, "'%s': %s%s%s%s%s%s", name, supervisor_strerror(reply->err),
             reply->reason[0] ? ": " : "", reply->reason, next ? next : "", next ? " " : "",
             next ? name : "");
    call_error(c, code_of(reply->err), text, NULL);
    return false;
}

/* {"name":…,"state":…} */
static void answer_state(call *c)
{
    json_out out = {0};
    json_out_object(&out);
    json_out_key(&out, "name");
    json_out_text(&out, c->unit->name);
    json_out_key(&out, "state");
    actor_lock_take(&c->unit->lock);
    json_out_text(&out, unit_state_word(c->unit));
    actor_lock_give(&c->unit->lock);
    json_out_object_end(&out);
    call_result_out(c, &out);
}

static void on_steered(call *c, actor_err how, actor_msg *reply)
{
    if (succeeded(c, how, reply))
        answer_state(c);
}

static const rpc_param instance_params[] = {
    [P_NAME] =
        {.name = "name", .type = RPC_STRING, .required = true, .min = 1, .max = CONFIG_NAME_MAX},
    [P_INSTANCE] = {.name = "instance", .type = RPC_INT, .min = 1, .max = SUPERVISOR_INSTANCES_MAX},
};

/* As find_unit(), of one that has a supervisor. */
static bool find_child(call *c, const rpc_value *v)
{
    if (!find_unit(c, v))
        return false;
    if (!c->unit->parent)
        call_error(c, RPC_INVALID_STATE,
                   "'root' holds the whole tree; end the daemon itself instead (SIGTERM)", NULL);
    return c->unit->parent != NULL;
}

/* To all of its instances, or (0: not) to one. */
static void steer(call *c, rpc_value *v, actor_msg *(*request)(const char *id), uint32_t instance)
{
    if (!find_child(c, v))
        return;
    actor_msg *msg = request(c->unit->name);
    if (msg && instance)
        supervisor_request_of(msg, instance);
    call_ask(c, unit_supervisor_ref(c->unit->parent), msg, on_steered);
}

static uint32_t instance_of(const rpc_value *v)
{
    return v[P_INSTANCE].present ? (uint32_t)v[P_INSTANCE].number : 0;
}

static void run_stop(call *c, rpc_value *v)
{
    steer(c, v, supervisor_request_stop, instance_of(v));
}

static void run_restart(call *c, rpc_value *v)
{
    steer(c, v, supervisor_request_restart, instance_of(v));
}

static void ask_kill(unit *u, uint32_t instance)
{
    actor_lock_take(&u->lock);
    for (uint32_t i = 0; i < u->runner_count; i++)
        if (!instance || instance == i + 1)
            atomic_store(&u->runners[i]->kill_asked, true);
    actor_lock_give(&u->lock);
}

static void run_kill(call *c, rpc_value *v)
{
    unit *u = directory_find(c->daemon->directory, v[P_NAME].text, NULL);
    if (u)
        ask_kill(u, instance_of(v));
    unit_release(u);
    steer(c, v, supervisor_request_kill, instance_of(v));
}

static void run_delete(call *c, rpc_value *v)
{
    steer(c, v, supervisor_request_remove, 0);
}

/* ---- actor.scale ---- */

static const rpc_param scale_params[] = {
    [P_NAME] =
        {.name = "name", .type = RPC_STRING, .required = true, .min = 1, .max = CONFIG_NAME_MAX},
    [P_INSTANCES] = {.name = "instances",
                     .type = RPC_INT,
                     .required = true,
                     .min = 1,
                     .max = SUPERVISOR_INSTANCES_MAX},
};

static void on_scaled(call *c, actor_err how, actor_msg *reply)
{
    if (!succeeded(c, how, reply))
        return;
    json_out out = {0};
    json_out_object(&out);
    json_out_key(&out, "name");
    json_out_text(&out, c->unit->name);
    json_out_key(&out, "state");
    actor_lock_take(&c->unit->lock);
    runner_counts n = unit_count_runners(c->unit);
    json_out_text(&out, unit_state_word(c->unit));
    actor_lock_give(&c->unit->lock);
    json_out_key(&out, "instances");
    json_out_uint(&out, n.there);
    json_out_key(&out, "running");
    json_out_uint(&out, n.running);
    json_out_object_end(&out);
    call_result_out(c, &out);
}

/* Why it can have only one instance, or NULL. */
static const char *single(unit *u)
{
    actor_lock_take(&u->lock);
    bool counts = u->kind && u->kind->kind == CONFIG_KIND_COUNTER;
    bool significant = u->child->significant;
    actor_lock_give(&u->lock);
    if (u->supervises)
        return "is a supervisor; scale its children, see: actorctl tree";
    if (counts)
        return "is a counter, whose one total several instances can't share";
    if (significant)
        return "is significant, so it has one instance";
    return NULL;
}

static void run_scale(call *c, rpc_value *v)
{
    uint32_t n = (uint32_t)v[P_INSTANCES].number;
    if (!find_child(c, v))
        return;
    const char *why = single(c->unit);
    if (why && (n > 1 || c->unit->supervises)) {
        char text[RPC_MESSAGE_MAX + 1];
        snprintf(text, sizeof text, "'%s' %s", c->unit->name, why);
        call_error(c, RPC_INVALID_PARAMS, text, NULL);
        return;
    }
    actor_msg *msg = unit_reserve(c->unit, n) ? supervisor_request_scale(c->unit->name, n) : NULL;
    call_ask(c, unit_supervisor_ref(c->unit->parent), msg, on_scaled);
}

/* ---- steering: what the unit does by itself ---- */

static void set_paused(call *c, rpc_value *v, bool paused)
{
    if (!find_unit(c, v))
        return;
    if (c->unit->supervises) {
        call_error(c, RPC_INVALID_STATE, "a supervisor takes no messages, so it can't be paused",
                   NULL);
        return;
    }
    actor_lock_take(&c->unit->lock);
    c->unit->paused = paused;
    actor_lock_give(&c->unit->lock);
    if (!paused)
        unit_nudge(c->unit);
    answer_state(c);
}

static void run_pause(call *c, rpc_value *v)
{
    set_paused(c, v, true);
}

static void run_resume(call *c, rpc_value *v)
{
    set_paused(c, v, false);
}

static void run_purge(call *c, rpc_value *v)
{
    if (!find_unit(c, v))
        return;
    json_out out = {0};
    json_out_object(&out);
    json_out_key(&out, "name");
    json_out_text(&out, c->unit->name);
    json_out_key(&out, "purged");
    json_out_uint(&out, unit_purge(c->unit));
    json_out_object_end(&out);
    call_result_out(c, &out);
}

/* ---- actor.spawn ---- */

static void on_spawned(call *c, actor_err how, actor_msg *msg)
{
    const supervisor_reply *reply = msg ? supervisor_reply_get(msg) : NULL;
    if (how != ACTOR_OK || !reply || reply->err != SUPERVISOR_OK) {
        actor_lock_take(&c->unit->lock);
        const config_child *child = c->unit->child;
        actor_lock_give(&c->unit->lock);
        tree_forget(c->daemon, child);
    }
    if (!succeeded(c, how, msg))
        return;
    json_out out = {0};
    json_out_object(&out);
    json_out_key(&out, "name");
    json_out_text(&out, c->unit->name);
    json_out_key(&out, "path");
    json_out_text(&out, c->unit->path);
    json_out_object_end(&out);
    call_result_out(c, &out);
}

static void refuse_child(call *c, config_errors *errs)
{
    char text[RPC_MESSAGE_MAX + 1] = "out of memory";
    size_t n = config_errors_count(errs);
    const config_error *e = config_errors_get(errs, 0);
    json_out data = {0};
    if (e)
        snprintf(text, sizeof text, "%s%s%s", e->message, e->suggestion ? "; " : "",
                 e->suggestion ? e->suggestion : "");
    node_json_put_errors(&data, errs, n);
    call_error(c, e ? RPC_INVALID_PARAMS : RPC_UNAVAILABLE, text, &data);
}

static loaded *typed_child(call *c, const config_child **child)
{
    config_errors *errs = config_errors_new();
    config_tree *tree = config_tree_new("params");
    loaded *base = daemon_spec(c->daemon), *s = NULL;
    config_child *made = NULL;
    config_node *node = node_json_read(tree, c->params, "under");
    if (errs && node && !config_tree_oom(tree) &&
        config_child_from_node(loaded_config(base), node, &made, errs) == CONFIG_OK)
        s = loaded_new(NULL, tree);
    if (!s) {
        if (errs)
            refuse_child(c, errs);
        else
            call_error(c, RPC_UNAVAILABLE, "out of memory", NULL);
        config_tree_free(tree);
    }
    *child = made;
    config_errors_free(errs);
    loaded_release(base);
    return s;
}

/* The supervisor to spawn under, referenced; NULL: the call is answered. */
static unit *spawn_parent(call *c)
{
    char name[CONFIG_NAME_MAX + 1] = CONFIG_ROOT_NAME;
    json_value under;
    rpc_failure f;
    if (json_find(c->params, "under", &under) &&
        (under.type != JSON_STRING || json_text(under, name, sizeof name, NULL))) {
        call_error(c, RPC_INVALID_PARAMS, "'under' must be the name of a supervisor", NULL);
        return NULL;
    }
    unit *parent = directory_find(c->daemon->directory, name, &f);
    if (!parent) {
        call_failure(c, &f, NULL);
    } else if (!parent->supervises) {
        char text[RPC_MESSAGE_MAX + 1];
        snprintf(text, sizeof text, "'%s' is no supervisor; see: actorctl tree", name);
        call_error(c, RPC_INVALID_PARAMS, text, NULL);
        unit_release(parent);
        parent = NULL;
    }
    return parent;
}

/* What the file's reader checks for the file: each fallback is an actor, here or running. */
static rpc_code check_fallback(call *c, const config_child *top, const config_child *child,
                               rpc_failure *f)
{
    bool supervises = false;
    const config_child *other = NULL;
    while ((other = config_next_child(top, other)) && strcmp(other->name, child->fallback) != 0)
        ;
    if (other == child)
        return rpc_fail(f, RPC_INVALID_PARAMS, "'%s' can't be its own fallback", child->name);
    if (other) {
        supervises = other->supervisor != NULL;
    } else {
        unit *u = directory_find(c->daemon->directory, child->fallback, f);
        if (!u)
            return f->code = RPC_INVALID_PARAMS;
        supervises = u->supervises;
        unit_release(u);
    }
    return supervises ? rpc_fail(f, RPC_INVALID_PARAMS,
                                 "fallback: '%s' is a supervisor, which takes no messages",
                                 child->fallback)
                      : RPC_OK;
}

static rpc_code check_fallbacks(call *c, const config_child *top, rpc_failure *f)
{
    rpc_code code = RPC_OK;
    for (const config_child *x = top; x && code == RPC_OK; x = config_next_child(top, x))
        if (x->fallback)
            code = check_fallback(c, top, x, f);
    return code;
}

static void run_spawn(call *c, rpc_value *v)
{
    (void)v;
    static atomic_uint order;
    rpc_failure f;
    bool duplicate = false;
    json_member second;
    const config_child *child;
    supervisor_child out;
    if (json_find_duplicate(c->params, &duplicate, &second) || duplicate) {
        call_error(c, RPC_INVALID_PARAMS, "a param is given twice", NULL);
        return;
    }
    unit *parent = spawn_parent(c);
    if (!parent)
        return;
    loaded *s = typed_child(c, &child);
    if (!s) {
        unit_release(parent);
        return;
    }
    /* after those of the file */
    const tree_place at = {.parent = parent, .order = UINT32_MAX / 2 + atomic_fetch_add(&order, 1)};
    rpc_code code = check_fallbacks(c, child, &f);
    if (code == RPC_OK)
        code = tree_build(c->daemon, s, child, &at, &out, &f);
    if (code != RPC_OK) {
        call_failure(c, &f, NULL);
    } else {
        c->unit = unit_hold(out.tag);
        actord *d = c->daemon;
        actor_msg *request = supervisor_request_start(&out, false, SUPERVISOR_LAST);
        if (!request)
            tree_discard(&out);
        if (!call_ask(c, unit_supervisor_ref(c->unit->parent), request, on_spawned))
            tree_forget(d, child);
    }
    unit_release(parent);
    loaded_release(s);
}

const method methods_actor[] = {
    {"actor.list", CONFIG_ROLE_OBSERVE, list_params, 3, run_list},
    {"actor.info", CONFIG_ROLE_OBSERVE, name_params, 1, run_info},
    {"actor.state", CONFIG_ROLE_OBSERVE, name_params, 1, run_state},
    {"actor.spawn", CONFIG_ROLE_ADMIN, NULL, 0, run_spawn},
    {"actor.scale", CONFIG_ROLE_ADMIN, scale_params, 2, run_scale},
    {"actor.stop", CONFIG_ROLE_ADMIN, instance_params, 2, run_stop},
    {"actor.restart", CONFIG_ROLE_ADMIN, instance_params, 2, run_restart},
    {"actor.kill", CONFIG_ROLE_ADMIN, instance_params, 2, run_kill},
    {"actor.delete", CONFIG_ROLE_ADMIN, name_params, 1, run_delete},
    {"actor.pause", CONFIG_ROLE_ADMIN, name_params, 1, run_pause},
    {"actor.resume", CONFIG_ROLE_ADMIN, name_params, 1, run_resume},
    {"actor.purge", CONFIG_ROLE_ADMIN, name_params, 1, run_purge},
    {"tree", CONFIG_ROLE_OBSERVE, tree_params, 1, run_tree},
    {0},
};
