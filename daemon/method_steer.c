/* Methods that steer actors: actor.stop, .restart, .kill, .delete, .scale, .pause, .resume and
 * .purge. */
#include "daemon/method_actor.h"

#include "daemon/directory.h"
#include "daemon/kind.h"
#include "daemon/runner.h"
#include "supervisors/supervisor.h"

#include <stdio.h>

enum { P_INSTANCE = P_ACTOR_NAME + 1, P_INSTANCES = P_INSTANCE };
static const rpc_param name_params[] = {ACTOR_NAME_PARAM};

/* ---- what the supervisor does ---- */

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

bool call_supervisor_did(call *c, actor_err how, actor_msg *msg)
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
    if (call_supervisor_did(c, how, reply))
        answer_state(c);
}

static const rpc_param instance_params[] = {
    ACTOR_NAME_PARAM,
    [P_INSTANCE] = {.name = "instance", .type = RPC_INT, .min = 1, .max = SUPERVISOR_INSTANCES_MAX},
};

/* As call_find_actor(), of one that has a supervisor. */
static bool find_child(call *c, const rpc_value *v)
{
    if (!call_find_actor(c, v))
        return false;
    if (!c->unit->parent)
        call_error(c, RPC_INVALID_STATE,
                   "'root' holds the whole tree; end the daemon itself instead (SIGTERM)", NULL);
    return c->unit->parent != NULL;
}

/* It is stopped, and so is its supervisor, which can't be asked. */
static bool is_down(unit *u)
{
    actor_lock_take(&u->lock);
    bool stopped = u->state == UNIT_STOPPED;
    actor_lock_give(&u->lock);
    return stopped && actor_ref_none(unit_supervisor_ref(u->parent));
}

/* To all of its instances, or (0: not) to one. */
static void steer(call *c, rpc_value *v, actor_msg *(*request)(const char *id), uint32_t instance)
{
    bool to_end = request == supervisor_request_stop || request == supervisor_request_kill;
    if (!find_child(c, v))
        return;
    if (to_end && is_down(c->unit)) { /* it is so already */
        answer_state(c);
        return;
    }
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
    unit *u = directory_find(c->daemon->directory, v[P_ACTOR_NAME].text, NULL);
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
    ACTOR_NAME_PARAM,
    [P_INSTANCES] = {.name = "instances",
                     .type = RPC_INT,
                     .required = true,
                     .min = 1,
                     .max = SUPERVISOR_INSTANCES_MAX},
};

static void on_scaled(call *c, actor_err how, actor_msg *reply)
{
    if (!call_supervisor_did(c, how, reply))
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

/* ---- what the unit does by itself ---- */

static void set_paused(call *c, rpc_value *v, bool paused)
{
    if (!call_find_actor(c, v))
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
    if (!call_find_actor(c, v))
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

const method methods_steer[] = {
    {"actor.scale", CONFIG_ROLE_ADMIN, scale_params, 2, run_scale},
    {"actor.stop", CONFIG_ROLE_ADMIN, instance_params, 2, run_stop},
    {"actor.restart", CONFIG_ROLE_ADMIN, instance_params, 2, run_restart},
    {"actor.kill", CONFIG_ROLE_ADMIN, instance_params, 2, run_kill},
    {"actor.delete", CONFIG_ROLE_ADMIN, name_params, 1, run_delete},
    {"actor.pause", CONFIG_ROLE_ADMIN, name_params, 1, run_pause},
    {"actor.resume", CONFIG_ROLE_ADMIN, name_params, 1, run_resume},
    {"actor.purge", CONFIG_ROLE_ADMIN, name_params, 1, run_purge},
    {0},
};
