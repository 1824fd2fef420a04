/* Methods about breakers. */
#include "daemon/methods.h"
#include "daemon/policy.h"

#include <stdio.h>
#include <stdlib.h>

enum { P_NAME, P_LIMIT, P_AFTER };
static const rpc_param list_params[] = {
    [P_NAME] = {.name = "name", .type = RPC_STRING, .min = 1, .max = CONFIG_NAME_MAX},
    LIST_PARAMS,
};
static const rpc_param name_params[] = {
    [P_NAME] =
        {.name = "name", .type = RPC_STRING, .required = true, .min = 1, .max = CONFIG_NAME_MAX},
};

/* The breaker of the param `name`, referenced. NULL: the call is answered. */
static policy_breaker *find(call *c, const rpc_value *v)
{
    char *nearest = NULL, text[RPC_MESSAGE_MAX + 1];
    policy_breaker *b = policy_breaker_find(c->daemon->policies, v[P_NAME].text, &nearest);
    if (b)
        return b;
    if (nearest)
        snprintf(text, sizeof text, "no breaker is called '%s'; did you mean '%s'?", v[P_NAME].text,
                 nearest);
    else
        snprintf(text, sizeof text, "no breaker is called '%s'; see: actorctl breaker ls",
                 v[P_NAME].text);
    free(nearest);
    call_error(c, RPC_NOT_FOUND, text, NULL);
    return NULL;
}

typedef struct rows {
    json_out out;
    char last[CONFIG_NAME_MAX + 1];
} rows;

static void put_row(policy_breaker *b, void *arg)
{
    rows *r = arg;
    policy_breaker_put(&r->out, b);
    snprintf(r->last, sizeof r->last, "%s", policy_breaker_name(b));
}

static void run_list(call *c, rpc_value *v)
{
    rows r = {0};
    bool more = false;
    list_begin(&r.out);
    if (v[P_NAME].present) {
        policy_breaker *b = find(c, v);
        if (!b) {
            json_out_free(&r.out);
            return;
        }
        put_row(b, &r);
        policy_breaker_release(b);
    } else if (!policy_breaker_each(c->daemon->policies,
                                    v[P_AFTER].present ? v[P_AFTER].text : NULL,
                                    v[P_LIMIT].present ? (size_t)v[P_LIMIT].number : LIST_LIMIT,
                                    put_row, &r, &more)) {
        r.out.err = JSON_ENOMEM;
    }
    list_end(&r.out, more ? r.last : NULL);
    call_result_out(c, &r.out);
}

static void operate(call *c, rpc_value *v, policy_action action)
{
    policy_breaker *b = find(c, v);
    if (!b)
        return;
    json_out out = {0};
    policy_breaker_operate(b, action);
    policy_breaker_put(&out, b);
    policy_breaker_release(b);
    call_result_out(c, &out);
}

static void run_open(call *c, rpc_value *v)
{
    operate(c, v, POLICY_OPEN);
}

static void run_close(call *c, rpc_value *v)
{
    operate(c, v, POLICY_CLOSE);
}

static void run_reset(call *c, rpc_value *v)
{
    operate(c, v, POLICY_RESET);
}

const method methods_breaker[] = {
    {"breaker.list", CONFIG_ROLE_OBSERVE, list_params, 3, run_list},
    {"breaker.open", CONFIG_ROLE_ADMIN, name_params, 1, run_open},
    {"breaker.close", CONFIG_ROLE_ADMIN, name_params, 1, run_close},
    {"breaker.reset", CONFIG_ROLE_ADMIN, name_params, 1, run_reset},
    {0},
};
