/* inspect: everything about one actor, and why it is as it is. */
#include "actorctl/handlers.h"
#include "actorctl/human.h"
#include "actorctl/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECENT 5 /* dead letters that are shown */

/* The supervisor whose child is `name`, or NULL. */
static const cJSON *parent_of(const cJSON *node, const char *name)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, tree_member(node, "children"))
    {
        if (strcmp(tree_text(child, "name", ""), name) == 0)
            return node;
        const cJSON *deeper = parent_of(child, name);
        if (deeper)
            return deeper;
    }
    return NULL;
}

/* "restarted 3 times in the last 1m00s (10 are allowed)", of its supervisor's window. */
static void show_supervisor(ctl *c, const char *name)
{
    cJSON *root;
    if (ctl_fetch(c, "tree", NULL, &root) != EXIT_OK)
        return; /* said already; the rest is worth showing */
    const cJSON *parent = parent_of(root, name);
    const cJSON *most = tree_member(parent, "max_restarts");
    char within[HUMAN_TEXT];
    if (parent && cJSON_IsNumber(most))
        view_pairf(c, "under", "%s (%s): %.0f of %.0f restarts used in the last %s",
                   tree_text(parent, "name", "?"), tree_text(parent, "strategy", "?"),
                   tree_number(parent, "restarts_used", 0), most->valuedouble,
                   human_ms(tree_number(parent, "within_ms", 0), within));
    else if (parent)
        view_pairf(c, "under", "%s (%s): %.0f restarts, unlimited", tree_text(parent, "name", "?"),
                   tree_text(parent, "strategy", "?"), tree_number(parent, "restarts_used", 0));
    cJSON_Delete(root);
}

static void show_state(ctl *c, const cJSON *info)
{
    const char *state = tree_text(info, "state", "unknown");
    const cJSON *since = tree_member(info, "state_ms");
    char *why = view_why(info);
    char text[HUMAN_TEXT];
    buf_printf(&c->out, "%-10s", "state");
    out_text(&c->out, &c->look, view_state_paint(state), state);
    if (cJSON_IsNumber(since))
        buf_printf(&c->out, " for %s", human_ms(since->valuedouble, text));
    buf_puts(&c->out, "\n");
    view_pair(c, "why", why);
    free(why);
}

static void show_processes(ctl *c, const cJSON *info)
{
    buf pids = {0};
    const cJSON *pid;
    cJSON_ArrayForEach(pid, tree_member(info, "pids"))
    {
        buf_printf(&pids, "%s%.0f", pids.len ? ", " : "", cJSON_GetNumberValue(pid));
    }
    view_pair(c, "pids", pids.at);
    buf_free(&pids);
    char *last = view_last_exit(tree_member(info, "last_exit"));
    view_pairf(c, "restarts", "%.0f%s%s%s%s", tree_number(info, "restarts", 0),
               tree_member(info, "restart") ? ", " : "", tree_text(info, "restart", ""),
               last ? "; last exit: " : "", last ? last : "");
    free(last);
}

/* Of a supervisor: as OTP counts them. */
static void show_count(ctl *c, const cJSON *info)
{
    const cJSON *count = tree_member(info, "count");
    if (count)
        view_pairf(c, "children", "%.0f specs, %.0f active, %.0f supervisors, %.0f workers",
                   tree_number(count, "specs", 0), tree_number(count, "active", 0),
                   tree_number(count, "supervisors", 0), tree_number(count, "workers", 0));
}

/* Of a pool: each instance, and why it is as it is. */
static void show_instances(ctl *c, const cJSON *info)
{
    const cJSON *list = tree_member(info, "instances"), *one;
    if (cJSON_GetArraySize(list) < 2)
        return;
    cJSON_ArrayForEach(one, list)
    {
        const cJSON *pid = tree_member(one, "pid");
        char *last = view_last_exit(tree_member(one, "last_exit"));
        char process[32] = "";
        if (cJSON_IsNumber(pid))
            snprintf(process, sizeof process, ", pid %.0f", pid->valuedouble);
        view_pairf(c, "instance", "%.0f: %s%s, %.0f restarts%s%s", tree_number(one, "instance", 0),
                   tree_text(one, "state", "-"), process, tree_number(one, "restarts", 0),
                   last ? "; last exit: " : "", last ? last : "");
        free(last);
    }
}

static void show_mailbox(ctl *c, const cJSON *info)
{
    const cJSON *mailbox = tree_member(info, "mailbox");
    if (tree_number(mailbox, "capacity", 0) <= 0)
        return; /* a supervisor has none */
    char age[HUMAN_TEXT], waiting[HUMAN_TEXT], capacity[HUMAN_TEXT];
    double oldest = tree_number(mailbox, "oldest_ms", 0);
    double room = tree_number(mailbox, "capacity", 0), used = tree_number(mailbox, "waiting", 0);
    view_pairf(c, "mailbox", "%s of %s waiting%s%s%s", human_count(used, waiting),
               human_count(room, capacity), used > 0 ? ", the oldest for " : "",
               used > 0 ? human_ms(oldest, age) : "", room > 0 && used >= room ? "; FULL" : "");
}

static void show_limiter(ctl *c, const cJSON *info)
{
    const char *name = tree_text(info, "limit", NULL);
    if (name)
        view_pairf(c, "limiter", "%s%s", name,
                   cJSON_IsTrue(tree_member(info, "in_line"))
                       ? "; what waits is in line for a place of it"
                       : "");
}

static void show_counters(ctl *c, const cJSON *info)
{
    const cJSON *counter;
    buf line = {0};
    cJSON_ArrayForEach(counter, tree_member(info, "counters"))
    {
        char text[HUMAN_TEXT];
        /* What never happened isn't worth the reader's time. */
        if (cJSON_IsNumber(counter) &&
            (counter->valuedouble > 0 || strcmp(counter->string, "accepted") == 0))
            buf_printf(&line, "%s%s %s", line.len ? ", " : "",
                       human_count(counter->valuedouble, text), counter->string);
    }
    view_pair(c, "messages", line.at);
    buf_free(&line);
    const cJSON *latency = tree_member(info, "latency_ms");
    if (cJSON_IsNumber(tree_member(latency, "p50"))) {
        char p50[HUMAN_TEXT], p99[HUMAN_TEXT];
        view_pairf(c, "latency", "half within %s, 99 %% within %s",
                   human_ms(tree_number(latency, "p50", 0), p50),
                   human_ms(tree_number(latency, "p99", 0), p99));
    }
}

/* The messages that are being worked on. */
static void show_in_hand(ctl *c, const cJSON *info)
{
    static const table_column columns[] = {
        {.title = "MESSAGE"},
        {.title = "ATTEMPT", .right = true},
        {.title = "RUNNING FOR", .right = true},
        {.title = "PROGRESS", .right = true},
        {.title = "NOTE", .flexible = true},
    };
    const cJSON *messages = tree_member(info, "in_hand"), *one;
    if (cJSON_GetArraySize(messages) == 0)
        return;
    table *t = table_new(columns, sizeof columns / sizeof *columns);
    cJSON_ArrayForEach(one, messages)
    {
        char text[HUMAN_TEXT];
        const cJSON *progress = tree_member(one, "progress");
        table_cell(t, PAINT_PLAIN, "%s", tree_text(one, "message", "-"));
        table_cell(t, PAINT_PLAIN, "%.0f", tree_number(one, "attempt", 0));
        table_cell(t, PAINT_PLAIN, "%s", human_ms(tree_number(one, "running_ms", 0), text));
        if (cJSON_IsNumber(progress))
            table_cell(t, PAINT_PLAIN, "%.0f %%", progress->valuedouble * 100);
        else
            table_cell(t, PAINT_PLAIN, "-");
        table_cell(t, PAINT_PLAIN, "%s", tree_text(one, "note", ""));
    }
    view_title(c, "In hand");
    table_print(t, &c->look, 2, &c->out);
    table_free(t);
}

/* `breaker` is a name, or an object with one. */
static void show_breaker(ctl *c, const cJSON *info)
{
    const cJSON *breaker = tree_member(info, "breaker");
    const char *name =
        cJSON_IsString(breaker) ? breaker->valuestring : tree_text(breaker, "name", NULL);
    if (!name)
        return;
    buf params = {0};
    params_open(&params);
    params_string(&params, "name", name);
    params_close(&params);
    cJSON *list;
    if (ctl_fetch(c, "breaker.list", &params, &list) == EXIT_OK) {
        view_title(c, "Breaker");
        view_breakers(c, tree_member(list, "items"), 2);
    }
    buf_free(&params);
    cJSON_Delete(list);
}

static void show_deadletters(ctl *c, const char *name)
{
    buf params = {0}, all = {0};
    params_open(&params);
    params_string(&params, "actor", name);
    if (ctl_list(c, "deadletter.list", &params, &all) == EXIT_OK) {
        cJSON *list = cJSON_ParseWithLength(all.at, all.len);
        cJSON *items = cJSON_GetObjectItemCaseSensitive(list, "items");
        int count = cJSON_GetArraySize(items);
        for (int i = count; i > RECENT; i--)
            cJSON_DeleteItemFromArray(items, 0); /* the oldest come first */
        if (count) {
            buf_printf(&c->out, "\nDead letters, %s%d of %d\n", count > RECENT ? "the last " : "",
                       count > RECENT ? RECENT : count, count);
            view_deadletters(c, items, 2, RECENT);
        }
        cJSON_Delete(list);
    }
    buf_free(&params);
    buf_free(&all);
}

static void show(ctl *c, const cJSON *info)
{
    const char *name = tree_text(info, "name", c->args[0]);
    out_text(&c->out, &c->look, PAINT_BOLD, name);
    buf_printf(&c->out, "  %s  %s  incarnation %.0f\n", tree_text(info, "kind", "?"),
               tree_text(info, "path", ""), tree_number(info, "incarnation", 0));
    show_state(c, info);
    show_supervisor(c, name);
    show_processes(c, info);
    show_count(c, info);
    show_instances(c, info);
    show_mailbox(c, info);
    show_limiter(c, info);
    show_counters(c, info);
    show_in_hand(c, info);
    show_breaker(c, info);
    show_deadletters(c, name);
}

ctl_exit run_inspect(ctl *c)
{
    buf params = {0};
    params_open(&params);
    params_string(&params, "name", c->args[0]);
    params_close(&params);
    answer a;
    ctl_exit status = ctl_call(c, "actor.info", &params, c->timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    if (ctl_has(c, OPT_JSON)) {
        ctl_put_json(c, a.result);
    } else {
        cJSON *info = cJSON_ParseWithLength(a.result.at, a.result.len);
        show(c, info);
        cJSON_Delete(info);
    }
    answer_free(&a);
    return EXIT_OK;
}
