/* rules: what the keys of one mapping demand of each other, and defaults that depend on them. */
#include "schema.h"

#include "tree.h"

#include <string.h>

static bool written(const config_node *n, const char *key)
{
    return n && config_node_get(n, key) != NULL;
}

/* A default gives way to what was written; two written ones must agree. */
static void order_waits(reader *r, const config_node *n, int64_t *initial, int64_t *max)
{
    if (*max >= *initial)
        return;
    if (!written(n, "max")) {
        *max = *initial;
    } else if (!written(n, "initial")) {
        *initial = *max;
    } else {
        char a[UNITS_TEXT], b[UNITS_TEXT];
        read_error(
            r, read_blame(n, "max", NULL),
            tree_print(r->tree, "valid values: %s or more", config_format_duration(*initial, b)),
            "max: %s is less than initial (%s)", config_format_duration(*max, a),
            config_format_duration(*initial, b));
    }
}

void rules_retry(reader *r, const config_node *n, void *base)
{
    config_retry *p = base;
    order_waits(r, n, &p->initial_us, &p->max_us);
}

void rules_backoff(reader *r, const config_node *n, void *base)
{
    config_backoff *b = base;
    order_waits(r, n, &b->initial_us, &b->max_us);
}

void rules_breaker(reader *r, const config_node *n, void *base)
{
    config_breaker *b = base;
    const int64_t ten_minutes = INT64_C(600000000);
    bool rates = b->failure_rate > 0 || b->slow_rate > 0;
    bool window = b->window_calls || b->window_us;
    if (!rates && !b->consecutive_failures)
        read_error(r, n, "add 'consecutive_failures: 5', for example",
                   "a breaker needs one of consecutive_failures, failure_rate and slow_rate");
    if (rates && !window)
        read_error(r, read_blame(n, "failure_rate", "slow_rate"),
                   "add 'window: 20 calls' or 'window: 60s'", "a rate needs a window");
    if (b->slow_rate > 0 && !b->slow_call_us)
        read_error(r, read_blame(n, "slow_rate", NULL), "add 'slow_call: 2s', for example",
                   "slow_rate needs slow_call");
    if (!window)
        b->min_calls = 0;
    else if (!b->min_calls)
        b->min_calls = b->window_calls ? b->window_calls : 10;
    if (b->window_calls && b->min_calls > b->window_calls)
        b->min_calls = b->window_calls;
    if (!b->open_max_us)
        b->open_max_us = b->open_for_us > ten_minutes ? b->open_for_us : ten_minutes;
    if (b->open_max_us < b->open_for_us && !written(n, "open_for"))
        b->open_for_us = b->open_max_us;
    if (b->open_max_us < b->open_for_us) {
        char a[UNITS_TEXT], c[UNITS_TEXT];
        read_error(r, read_blame(n, "open_max", NULL),
                   tree_print(r->tree, "valid values: %s or more",
                              config_format_duration(b->open_for_us, c)),
                   "open_max: %s is less than open_for (%s)",
                   config_format_duration(b->open_max_us, a),
                   config_format_duration(b->open_for_us, c));
    }
}

void rules_limiter(reader *r, const config_node *n, void *base)
{
    config_limiter *l = base;
    if (!l->rate_count && !l->concurrency)
        read_error(r, n, "add 'rate: 50/s' or 'concurrency: 4', for example",
                   "a limiter needs a rate or a concurrency");
    else if (l->burst && !l->rate_count)
        read_error(r, read_blame(n, "burst", NULL), "add 'rate: 50/s', for example",
                   "burst needs a rate");
    if (!l->burst)
        l->burst = 1;
    if (!written(n, "wait"))
        l->wait = CONFIG_INFINITY;
}

void rules_hedge(reader *r, const config_node *n, void *base)
{
    (void)r;
    config_child *child = base;
    if (n && !written(n, "max"))
        child->hedge.max = 1;
}

void rules_exits(reader *r, const config_node *n, void *base)
{
    const config_child *child = base;
    const config_statuses *retry = &child->exits_retry, *reject = &child->exits_reject;
    for (size_t i = 0; i < retry->count; i++)
        for (size_t j = 0; j < reject->count; j++)
            if (retry->items[i] == reject->items[j])
                read_error(r, n, "list it once", "exits: %d means both retry and reject",
                           retry->items[i]);
}

void rules_listener(reader *r, const config_node *n, void *base)
{
    static const char *const ipc_only[] = {"mode", "group", "users", "via"};
    config_listener *l = base;
    if (!written(n, "mode"))
        l->mode = -1;
    if (l->scheme == CONFIG_SCHEME_IPC)
        return;
    for (const config_pair *p = n->first; p; p = p->next)
        for (size_t i = 0; i < sizeof ipc_only / sizeof ipc_only[0]; i++)
            if (strcmp(p->key->text, ipc_only[i]) == 0)
                read_error(r, p->key, NULL, "'%s' is for ipc:// only", ipc_only[i]);
}

void rules_rlimits(reader *r, const config_node *n, void *base)
{
    const config_child *child = base;
    if (child->limits.cpu_us % 1000000 != 0)
        read_error(r, read_blame(n, "cpu", NULL), "valid: whole seconds such as 60s",
                   "cpu: is counted in whole seconds");
}

/* A child's own rules have been looked at by then, so that one mistake is one error. */
void rules_supervisor(reader *r, const config_node *n, void *base)
{
    (void)n;
    const config_supervisor *s = base;
    for (size_t i = 0; i < s->child_count && s->auto_shutdown == CONFIG_NEVER; i++) {
        const config_child *child = s->children[i];
        if (child->significant)
            read_error(r, read_blame(child->node, "significant", NULL),
                       "add 'auto_shutdown: any_significant' or 'all_significant' to its "
                       "supervisor",
                       "significant: not while the supervisor's auto_shutdown is never");
    }
}

void rules_child(reader *r, const config_node *n, void *base)
{
    config_child *child = base;
    if (child->significant && child->restart == CONFIG_PERMANENT)
        read_error(r, read_blame(n, "significant", NULL), "add 'restart: transient' or 'temporary'",
                   "significant: a permanent child can't be, since it always comes back");
    if (child->kind == CONFIG_KIND_SUPERVISOR)
        child->instances = 1;
    if (child->significant && child->instances > 1)
        read_error(r, read_blame(n, "significant", NULL), "remove one of the two",
                   "significant: a child with several instances can't be");
    if (child->kind == CONFIG_KIND_COUNTER && child->instances > 1)
        read_error(r, read_blame(n, "instances", NULL), "valid: 1",
                   "instances: a counter keeps one total, which several can't share");
    if (child->kind == CONFIG_KIND_SUPERVISOR && !written(n, "shutdown"))
        child->shutdown_us = CONFIG_INFINITY;
    if (child->fallback && child->on_failure == CONFIG_CRASH)
        read_error(r, read_blame(n, "on_failure", NULL), "valid with a fallback: dead_letter, drop",
                   "on_failure: crash doesn't go together with a fallback");
}
