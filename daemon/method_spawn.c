/* actor.spawn: a child, or a tree of them, by a call. */
#include "daemon/directory.h"
#include "daemon/method_actor.h"
#include "daemon/node_json.h"
#include "daemon/tree.h"
#include "supervisors/supervisor.h"

#include <stdio.h>
#include <string.h>

static void on_spawned(call *c, actor_err how, actor_msg *msg)
{
    const supervisor_reply *reply = msg ? supervisor_reply_get(msg) : NULL;
    if (how != ACTOR_OK || !reply || reply->err != SUPERVISOR_OK) {
        actor_lock_take(&c->unit->lock);
        const config_child *child = c->unit->child;
        actor_lock_give(&c->unit->lock);
        tree_forget(c->daemon, child);
    }
    if (!call_supervisor_did(c, how, msg))
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

const method methods_spawn[] = {
    {"actor.spawn", CONFIG_ROLE_ADMIN, NULL, 0, run_spawn},
    {0},
};
