#include "actorctl/view.h"

#include "actorctl/human.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_WIDTH 10

paint view_state_paint(const char *state)
{
    static const struct {
        const char *state;
        paint paint;
    } rows[] = {
        {"running", PAINT_GOOD},  {"closed", PAINT_GOOD},     {"done", PAINT_GOOD},
        {"starting", PAINT_WARN}, {"restarting", PAINT_WARN}, {"backoff", PAINT_WARN},
        {"paused", PAINT_WARN},   {"half_open", PAINT_WARN},  {"retrying", PAINT_WARN},
        {"stopped", PAINT_BAD},   {"open", PAINT_BAD},        {"forced_open", PAINT_BAD},
        {"dead", PAINT_BAD},      {"expired", PAINT_BAD},     {"dropped", PAINT_BAD},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].state, state) == 0)
            return rows[i].paint;
    }
    return PAINT_PLAIN;
}

void view_pair(ctl *c, const char *label, const char *text)
{
    if (!text)
        return;
    buf_printf(&c->out, "%-*s", LABEL_WIDTH, label);
    out_text(&c->out, &c->look, PAINT_PLAIN, text);
    buf_puts(&c->out, "\n");
}

void view_pairf(ctl *c, const char *label, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text;
    if (vasprintf(&text, format, args) < 0) {
        c->out.failed = true;
    } else {
        view_pair(c, label, text);
        free(text);
    }
    va_end(args);
}

void view_title(ctl *c, const char *title)
{
    buf_puts(&c->out, "\n");
    out_text(&c->out, &c->look, PAINT_BOLD, title);
    buf_puts(&c->out, "\n");
}

char *view_last_exit(const cJSON *last_exit)
{
    char *text = NULL;
    int len = -1;
    if (cJSON_IsString(last_exit)) {
        len = asprintf(&text, "%s", last_exit->valuestring);
    } else if (cJSON_IsObject(last_exit)) {
        const char *reason = tree_text(last_exit, "reason", "ended");
        const char *at = tree_text(last_exit, "at", NULL);
        char age[HUMAN_TEXT];
        len = asprintf(&text, "%s%s%s", reason, at ? ", " : "",
                       at ? human_age(at, time(NULL), age) : "");
    }
    return len < 0 ? NULL : text;
}

/* "next start in 1.2 s" where the daemon says when. */
static void next_start(const cJSON *info, char *out, size_t size)
{
    double ms = tree_number(info, "next_start_ms", -1);
    char text[HUMAN_TEXT];
    out[0] = '\0';
    if (ms >= 0)
        snprintf(out, size, "; next start in %s", human_ms(ms, text));
}

char *view_why(const cJSON *info)
{
    const char *state = tree_text(info, "state", "running");
    if (strcmp(state, "running") == 0)
        return NULL;
    const char *said = tree_text(info, "reason", NULL);
    const char *name = tree_text(info, "name", "NAME");
    char *last = view_last_exit(tree_member(info, "last_exit"));
    const char *cause = said ? said : last;
    double restarts = tree_number(info, "restarts", 0);
    char next[64], *text = NULL;
    next_start(info, next, sizeof next);
    int len;
    if (strcmp(state, "paused") == 0)
        len = asprintf(&text, "paused by hand: what is sent waits; actorctl resume %s", name);
    else if (strcmp(state, "backoff") == 0)
        len = asprintf(&text, "in backoff: it ended%s%s; restarted %.0f time%s so far%s",
                       cause ? " with " : "", cause ? cause : "", restarts,
                       restarts == 1 ? "" : "s", next);
    else if (strcmp(state, "stopped") == 0)
        len = asprintf(&text, "%s%s; actorctl restart %s",
                       cause ? "stopped, it ended with " : "stopped by hand or never started",
                       cause ? cause : "", name);
    else
        len = asprintf(&text, "%s%s%s", state, cause ? ", it ended with " : "", cause ? cause : "");
    free(last);
    return len < 0 ? NULL : text;
}

/* A stopped actor is somebody's wish unless its last exit says otherwise: it crashed, or it is a
 * supervisor that gave up because of a child. */
static bool gave_up(const cJSON *info)
{
    char *last = view_last_exit(tree_member(info, "last_exit"));
    bool trouble = last && (strncmp(last, "crash", 5) == 0 || strncmp(last, "escalate", 8) == 0 ||
                            strstr(last, "child '"));
    free(last);
    return trouble;
}

bool view_actor_in_trouble(const cJSON *info)
{
    const char *state = tree_text(info, "state", "running");
    if (strcmp(state, "stopped") == 0)
        return gave_up(info);
    return strcmp(state, "running") != 0 && strcmp(state, "paused") != 0;
}

static void cell_count(table *t, const cJSON *object, const char *name)
{
    char text[HUMAN_TEXT];
    const cJSON *n = tree_member(object, name);
    table_cell(t, PAINT_PLAIN, "%s", cJSON_IsNumber(n) ? human_count(n->valuedouble, text) : "-");
}

static void cell_ms(table *t, const cJSON *object, const char *name)
{
    char text[HUMAN_TEXT];
    const cJSON *n = tree_member(object, name);
    table_cell(t, PAINT_PLAIN, "%s", cJSON_IsNumber(n) ? human_ms(n->valuedouble, text) : "-");
}

static void cell_rate(table *t, const cJSON *object, const char *name)
{
    const cJSON *n = tree_member(object, name);
    if (cJSON_IsNumber(n))
        table_cell(t, PAINT_PLAIN, "%.0f %%", n->valuedouble * 100);
    else
        table_cell(t, PAINT_PLAIN, "-");
}

void view_actors(ctl *c, const cJSON *items, size_t indent)
{
    static const table_column columns[] = {
        {.title = "NAME", .flexible = true},
        {.title = "KIND"},
        {.title = "STATE"},
        {.title = "WAITING", .right = true},
        {.title = "RUNNING", .right = true},
        {.title = "DONE", .right = true},
        {.title = "DEAD", .right = true},
        {.title = "RESTARTS", .right = true},
        {.title = "P50", .right = true},
        {.title = "P99", .right = true},
    };
    table *t = table_new(columns, sizeof columns / sizeof *columns);
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        const char *state = tree_text(item, "state", "-");
        const cJSON *counters = tree_member(item, "counters");
        const cJSON *latency = tree_member(item, "latency_ms");
        table_cell(t, PAINT_PLAIN, "%s", tree_text(item, "name", "-"));
        table_cell(t, PAINT_PLAIN, "%s", tree_text(item, "kind", "-"));
        table_cell(t, view_state_paint(state), "%s", state);
        cell_count(t, tree_member(item, "mailbox"), "waiting");
        cell_count(t, counters, "running");
        cell_count(t, counters, "done");
        cell_count(t, counters, "dead");
        cell_count(t, item, "restarts");
        cell_ms(t, latency, "p50");
        cell_ms(t, latency, "p99");
    }
    table_print(t, &c->look, indent, &c->out);
    table_free(t);
}

static void cell_users(table *t, const cJSON *users)
{
    buf names = {0};
    const cJSON *user;
    cJSON_ArrayForEach(user, users)
    {
        const char *name = cJSON_GetStringValue(user);
        buf_printf(&names, "%s%s", names.len ? ", " : "", name ? name : "");
    }
    table_cell(t, PAINT_PLAIN, "%s", names.len ? names.at : "-");
    buf_free(&names);
}

void view_breakers(ctl *c, const cJSON *items, size_t indent)
{
    static const table_column columns[] = {
        {.title = "NAME", .flexible = true},    {.title = "STATE"},
        {.title = "FAILED", .right = true},     {.title = "SLOW", .right = true},
        {.title = "CALLS", .right = true},      {.title = "REFUSED", .right = true},
        {.title = "SINCE", .right = true},      {.title = "NEXT TRY", .right = true},
        {.title = "USED BY", .flexible = true},
    };
    table *t = table_new(columns, sizeof columns / sizeof *columns);
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        const char *state = tree_text(item, "state", "-");
        table_cell(t, PAINT_PLAIN, "%s", tree_text(item, "name", "-"));
        table_cell(t, view_state_paint(state), "%s", state);
        cell_rate(t, item, "failure_rate");
        cell_rate(t, item, "slow_rate");
        cell_count(t, item, "calls");
        cell_count(t, item, "not_permitted");
        cell_ms(t, item, "since_ms");
        if (strcmp(state, "open") == 0)
            cell_ms(t, item, "next_ms");
        else
            table_cell(t, PAINT_PLAIN, "-");
        cell_users(t, tree_member(item, "used_by"));
    }
    table_print(t, &c->look, indent, &c->out);
    table_free(t);
}

void view_deadletters(ctl *c, const cJSON *items, size_t indent, size_t most)
{
    static const table_column columns[] = {
        {.title = "ID"},
        {.title = "ACTOR", .flexible = true},
        {.title = "REASON"},
        {.title = "ATTEMPTS", .right = true},
        {.title = "SIZE", .right = true},
        {.title = "WHEN", .right = true},
        {.title = "ERROR", .flexible = true},
    };
    table *t = table_new(columns, sizeof columns / sizeof *columns);
    time_t now = time(NULL);
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        if (most-- == 0)
            break;
        char age[HUMAN_TEXT], size[HUMAN_TEXT];
        const char *at = tree_text(item, "at", NULL);
        table_cell(t, PAINT_PLAIN, "%s", tree_text(item, "id", "-"));
        table_cell(t, PAINT_PLAIN, "%s", tree_text(item, "actor", "-"));
        table_cell(t, PAINT_WARN, "%s", tree_text(item, "reason", "-"));
        cell_count(t, item, "attempts");
        table_cell(t, PAINT_PLAIN, "%s", human_bytes(tree_number(item, "bytes", 0), size));
        table_cell(t, PAINT_PLAIN, "%s", at ? human_age(at, now, age) : "-");
        table_cell(t, PAINT_PLAIN, "%s", tree_text(item, "error", "-"));
    }
    table_print(t, &c->look, indent, &c->out);
    table_free(t);
}
