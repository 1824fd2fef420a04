/* Methods about the configuration. */
#include "daemon/methods.h"
#include "daemon/node_json.h"
#include "daemon/plan_json.h"
#include "daemon/reload.h"

#include <string.h>

/* ---- config.check ---- */

static const rpc_param check_params[] = {
    {.name = "text", .type = RPC_STRING, .required = true},
};

static void put_plan(json_out *out, call *c, const config *next)
{
    config_plan *plan = NULL;
    loaded *s = daemon_spec(c->daemon);
    if (reload_plan(c->daemon, s, next, &plan) == CONFIG_OK)
        plan_json_put(out, plan);
    else
        out->err = JSON_ENOMEM;
    config_plan_free(plan);
    loaded_release(s);
}

static void run_check(call *c, rpc_value *v)
{
    config *next = NULL;
    config_errors *errs = config_errors_new();
    loaded *s = daemon_spec(c->daemon);
    config_err e = CONFIG_ENOMEM;
    if (errs) /* named as the running file, so that `include` means the same */
        e = config_load_text(loaded_config(s)->file, v[0].text, v[0].text_len, NULL, &next, errs);
    loaded_release(s);
    json_out out = {0};
    json_out_object(&out);
    json_out_key(&out, "valid");
    json_out_bool(&out, e == CONFIG_OK);
    if (e == CONFIG_OK)
        put_plan(&out, c, next);
    else if (e == CONFIG_EINVALID)
        node_json_put_errors(&out, errs, config_errors_count(errs));
    else
        out.err = JSON_ENOMEM;
    json_out_object_end(&out);
    config_free(next);
    config_errors_free(errs);
    call_result_out(c, &out);
}

/* ---- config.diff and config.reload ---- */

static const rpc_param none[1] = {{0}};

static void on_reloaded(call *c, actor_err how, actor_msg *msg)
{
    if (how != ACTOR_OK) {
        call_error(c, RPC_UNAVAILABLE, "the reload was broken off; see the daemon's log", NULL);
        return;
    }
    const reload_result *r = actor_msg_data(msg);
    if (r->ok) {
        call_result(c, r->text, strlen(r->text));
        return;
    }
    json_out members = {0};
    if (r->members[0])
        json_out_members(&members, r->members, strlen(r->members));
    call_error(c, RPC_INVALID_PARAMS, r->text, &members);
}

static void begin(call *c, reload_mode mode)
{
    actor_ref reloader;
    actor_err e = reload_begin(c->daemon, mode, &reloader);
    if (e == ACTOR_EEXIST)
        call_error(c, RPC_INVALID_STATE, "a reload is going on already; try again when it is over",
                   NULL);
    else if (e != ACTOR_OK)
        call_error(c, RPC_UNAVAILABLE, actor_strerror(e), NULL);
    else
        call_ask(c, reloader, actor_msg_new(RELOAD_MSG_ASK, 0), on_reloaded);
}

static void run_reload(call *c, rpc_value *v)
{
    (void)v;
    begin(c, RELOAD_ASKED);
}

static void run_diff(call *c, rpc_value *v)
{
    (void)v;
    begin(c, RELOAD_DIFF);
}

const method methods_config[] = {
    {"config.check", CONFIG_ROLE_ADMIN, check_params, 1, run_check},
    {"config.diff", CONFIG_ROLE_ADMIN, none, 0, run_diff},
    {"config.reload", CONFIG_ROLE_ADMIN, none, 0, run_reload},
    {0},
};
