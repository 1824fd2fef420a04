/* Methods that look at actors: actor.list, actor.info, actor.state, tree. */
#include "daemon/method_actor.h"

#include "daemon/directory.h"
#include "daemon/unit_put.h"

#include <string.h>

static const rpc_param name_params[] = {ACTOR_NAME_PARAM};

bool call_find_actor(call *c, const rpc_value *v)
{
    rpc_failure f;
    c->unit = directory_find(c->daemon->directory, v[P_ACTOR_NAME].text, &f);
    if (!c->unit)
        call_failure(c, &f, NULL);
    return c->unit != NULL;
}

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
    if (!call_find_actor(c, v))
        return;
    json_out out = {0};
    unit_put_full_info(&out, c->unit);
    call_result_out(c, &out);
}

static void run_state(call *c, rpc_value *v)
{
    if (!call_find_actor(c, v))
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

const method methods_actor[] = {
    {"actor.list", CONFIG_ROLE_OBSERVE, list_params, 3, run_list},
    {"actor.info", CONFIG_ROLE_OBSERVE, name_params, 1, run_info},
    {"actor.state", CONFIG_ROLE_OBSERVE, name_params, 1, run_state},
    {"tree", CONFIG_ROLE_OBSERVE, tree_params, 1, run_tree},
    {0},
};
