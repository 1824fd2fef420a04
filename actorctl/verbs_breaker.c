/* Circuit breakers: ls, open, close, reset. */
#include "actorctl/handlers.h"
#include "actorctl/view.h"

#include <string.h>

static void put_name(const ctl *c, buf *params)
{
    params_open(params);
    if (c->arg_count)
        params_string(params, "name", c->args[0]);
}

ctl_exit run_breaker_ls(ctl *c)
{
    buf params = {0}, all = {0};
    put_name(c, &params);
    bool done = false;
    ctl_exit status = ctl_list(c, "breaker.list", &params, &all);
    if (status == EXIT_OK)
        status = ctl_put_list(c, &all, "name", &done);
    if (status == EXIT_OK && !done) {
        cJSON *list = cJSON_ParseWithLength(all.at, all.len);
        const cJSON *items = tree_member(list, "items");
        if (cJSON_GetArraySize(items) == 0)
            ctl_say(c, "no breakers");
        view_breakers(c, items, 0);
        cJSON_Delete(list);
    }
    buf_free(&params);
    buf_free(&all);
    return status;
}

static ctl_exit act(ctl *c, const char *method, const char *said)
{
    buf params = {0};
    put_name(c, &params);
    params_close(&params);
    answer a;
    ctl_exit status = ctl_call(c, method, &params, c->timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    if (ctl_has(c, OPT_JSON))
        ctl_put_json(c, a.result);
    else
        ctl_say(c, "%s breaker %s", said, c->args[0]);
    answer_free(&a);
    return EXIT_OK;
}

/* What opening would cut off: the breaker's row of the list. */
static ctl_exit rehearse_open(ctl *c)
{
    buf params = {0};
    put_name(c, &params);
    params_close(&params);
    cJSON *list;
    ctl_exit status = ctl_fetch(c, "breaker.list", &params, &list);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    const cJSON *breaker = cJSON_GetArrayItem(tree_member(list, "items"), 0);
    if (!breaker) {
        status =
            ctl_fail(c, EXIT_NOT_FOUND, "actorctl breaker ls", "no breaker named '%s'", c->args[0]);
    } else if (ctl_has(c, OPT_JSON)) {
        buf_puts(&c->out, "{\"dry_run\":true,\"would\":\"breaker open\",\"name\":");
        buf_json_string(&c->out, c->args[0]);
        buf_puts(&c->out, "}\n");
    } else {
        buf_printf(&c->out, "would open breaker %s (%s, used by %d actors)\n", c->args[0],
                   tree_text(breaker, "state", "unknown"),
                   cJSON_GetArraySize(tree_member(breaker, "used_by")));
    }
    cJSON_Delete(list);
    return status;
}

ctl_exit run_breaker_open(ctl *c)
{
    if (ctl_has(c, OPT_DRY_RUN))
        return rehearse_open(c);
    ctl_exit status =
        ctl_confirm(c, "open breaker %s (every call is refused until it is closed)", c->args[0]);
    return status == EXIT_OK ? act(c, "breaker.open", "opened") : status;
}

ctl_exit run_breaker_close(ctl *c)
{
    return act(c, "breaker.close", "closed");
}

ctl_exit run_breaker_reset(ctl *c)
{
    return act(c, "breaker.reset", "reset");
}
