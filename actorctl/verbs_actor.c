/* Actors: spawn, stop, restart, kill, delete, pause, resume, purge, scale, state. */
#include "actorctl/handlers.h"
#include "actorctl/setting.h"
#include "config/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The params that the options of spawn stand for; NULL when out of memory. */
static cJSON *spawn_params(const ctl *c)
{
    cJSON *params = cJSON_CreateObject();
    bool good = params && cJSON_AddStringToObject(params, "name", c->args[0]);
    if (good && ctl_has(c, OPT_UNDER))
        good = cJSON_AddStringToObject(params, "under", c->opt.value[OPT_UNDER]);
    if (good && ctl_has(c, OPT_RESTART))
        good = cJSON_AddStringToObject(params, "restart", c->opt.value[OPT_RESTART]);
    if (good && ctl_has(c, OPT_INSTANCES))
        good = cJSON_AddRawToObject(params, "instances", c->opt.value[OPT_INSTANCES]);
    if (good && c->opt.command_count) {
        cJSON *argv = cJSON_AddArrayToObject(params, ctl_has(c, OPT_EXEC) ? "exec" : "worker");
        good = argv != NULL;
        for (size_t i = 0; good && i < c->opt.command_count; i++)
            good = cJSON_AddItemToArray(argv, cJSON_CreateString(c->opt.command[i]));
    }
    if (good)
        return params;
    cJSON_Delete(params);
    return NULL;
}

static ctl_exit check_spawn(const ctl *c)
{
    const char *instances = c->opt.value[OPT_INSTANCES];
    int64_t n;
    if (instances && (config_parse_integer(instances, &n) != UNITS_OK || n < 1))
        return ctl_fail(c, EXIT_USAGE, "actorctl help spawn",
                        "--instances '%s' is not a number above zero", instances);
    if (c->opt.command_count == 0 && (c->opt.set_count == 0 || ctl_has(c, OPT_EXEC)))
        return ctl_fail(c, EXIT_USAGE, "actorctl help spawn",
                        "which program? actorctl spawn %s -- COMMAND...", c->args[0]);
    return EXIT_OK;
}

static ctl_exit spawn(ctl *c, cJSON *params)
{
    char why[SETTING_WHY];
    for (size_t i = 0; i < c->opt.set_count; i++) {
        if (!setting_put(params, c->opt.sets[i], why))
            return ctl_fail(c, EXIT_USAGE, "actorctl help spawn", "%s", why);
    }
    char *text = cJSON_PrintUnformatted(params);
    buf b = {0};
    if (text)
        buf_puts(&b, text);
    b.failed = b.failed || !text;
    answer a;
    ctl_exit status = ctl_call(c, "actor.spawn", &b, c->timeout_ms, &a);
    buf_free(&b);
    free(text);
    if (status != EXIT_OK)
        return status;
    if (ctl_has(c, OPT_JSON)) {
        ctl_put_json(c, a.result);
    } else {
        cJSON *result = cJSON_ParseWithLength(a.result.at, a.result.len);
        buf_printf(&c->out, "%s\n", tree_text(result, "path", c->args[0]));
        cJSON_Delete(result);
    }
    answer_free(&a);
    return EXIT_OK;
}

ctl_exit run_spawn(ctl *c)
{
    ctl_exit status = check_spawn(c);
    if (status != EXIT_OK)
        return status;
    cJSON *params = spawn_params(c);
    status = params ? spawn(c, params) : ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
    cJSON_Delete(params);
    return status;
}

static void put_name(const ctl *c, buf *params)
{
    params_open(params);
    params_string(params, "name", c->args[0]);
    params_close(params);
}

/* One call with a name. What it says afterwards is `said` and the name. */
static ctl_exit act(ctl *c, const char *method, const char *said)
{
    buf params = {0};
    put_name(c, &params);
    answer a;
    ctl_exit status = ctl_call(c, method, &params, c->timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    jslice purged = jsontext_member(a.result, "purged");
    if (ctl_has(c, OPT_JSON))
        ctl_put_json(c, a.result);
    else if (purged.at)
        ctl_say(c, "%s %.*s messages of %s", said, (int)purged.len, purged.at, c->args[0]);
    else
        ctl_say(c, "%s %s", said, c->args[0]);
    answer_free(&a);
    return EXIT_OK;
}

/* "would stop w (worker, running, 3 waiting)"; nothing is changed. */
static ctl_exit rehearse(ctl *c)
{
    buf params = {0};
    put_name(c, &params);
    cJSON *info;
    ctl_exit status = ctl_fetch(c, "actor.info", &params, &info);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    double waiting = tree_number(tree_member(info, "mailbox"), "waiting", 0);
    if (ctl_has(c, OPT_JSON)) {
        buf_printf(&c->out, "{\"dry_run\":true,\"would\":\"%s\",\"name\":", c->verb->name);
        buf_json_string(&c->out, c->args[0]);
        buf_printf(&c->out, ",\"waiting\":%.0f}\n", waiting);
    } else {
        buf_printf(&c->out, "would %s %s (%s, %s, %.0f waiting)\n", c->verb->name, c->args[0],
                   tree_text(info, "kind", "actor"), tree_text(info, "state", "unknown"), waiting);
    }
    cJSON_Delete(info);
    return EXIT_OK;
}

/* The same for verbs that can't be taken back; `what` is what they cost. */
static ctl_exit act_with_care(ctl *c, const char *method, const char *said, const char *what)
{
    if (ctl_has(c, OPT_DRY_RUN))
        return rehearse(c);
    ctl_exit status = ctl_confirm(c, "%s %s (%s)", c->verb->name, c->args[0], what);
    return status == EXIT_OK ? act(c, method, said) : status;
}

ctl_exit run_stop(ctl *c)
{
    return act_with_care(c, "actor.stop", "stopped", "what waits becomes dead letters");
}

ctl_exit run_restart(ctl *c)
{
    return act(c, "actor.restart", "restarted");
}

ctl_exit run_kill(ctl *c)
{
    return act_with_care(c, "actor.kill", "killed", "what runs is cut off");
}

ctl_exit run_delete(ctl *c)
{
    return act_with_care(c, "actor.delete", "deleted", "a reload does not bring it back");
}

ctl_exit run_pause(ctl *c)
{
    return act(c, "actor.pause", "paused");
}

ctl_exit run_resume(ctl *c)
{
    return act(c, "actor.resume", "resumed");
}

ctl_exit run_purge(ctl *c)
{
    return act_with_care(c, "actor.purge", "purged", "what waits is lost");
}

ctl_exit run_scale(ctl *c)
{
    const char *name = c->args[0], *count = c->args[1];
    int64_t n;
    if (config_parse_integer(count, &n) != UNITS_OK || n < 1)
        return ctl_fail(c, EXIT_USAGE, "actorctl help scale", "'%s' is not a number above zero",
                        count);
    buf params = {0};
    params_open(&params);
    params_string(&params, "name", name);
    params_number(&params, "instances", n);
    params_close(&params);
    answer a;
    ctl_exit status = ctl_call(c, "actor.scale", &params, c->timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    jslice running = jsontext_member(a.result, "running");
    if (ctl_has(c, OPT_JSON))
        ctl_put_json(c, a.result);
    else
        ctl_say(c, "scaled %s to %s (%.*s running)", name, count, (int)running.len, running.at);
    answer_free(&a);
    return EXIT_OK;
}

ctl_exit run_state(ctl *c)
{
    buf params = {0};
    put_name(c, &params);
    answer a;
    ctl_exit status = ctl_call(c, "actor.state", &params, c->timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    ctl_put_json(c, ctl_has(c, OPT_JSON) ? a.result : jsontext_member(a.result, "state"));
    answer_free(&a);
    return EXIT_OK;
}
