/* status: is it well, and if not, what isn't and what to type next. */
#include "actorctl/handlers.h"
#include "actorctl/human.h"
#include "actorctl/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_REASONS 16 /* different reasons of dead letters; there are fewer */

/* Everything that is looked at, fetched one after the other. */
typedef struct health {
    cJSON *info;
    cJSON *stats;
    cJSON *actors;      /* items, all pages */
    cJSON *breakers;    /* likewise */
    cJSON *deadletters; /* likewise */
    cJSON *not_running; /* those of `actors`, borrowed */
    cJSON *not_closed;  /* those of `breakers`, borrowed */
    bool draining;
    int troubles; /* actors in trouble */
} health;

static void health_free(health *h)
{
    cJSON_Delete(h->not_running);
    cJSON_Delete(h->not_closed);
    cJSON_Delete(h->info);
    cJSON_Delete(h->stats);
    cJSON_Delete(h->actors);
    cJSON_Delete(h->breakers);
    cJSON_Delete(h->deadletters);
}

static ctl_exit fetch_list(ctl *c, const char *method, cJSON **list)
{
    buf params = {0}, all = {0};
    params_open(&params);
    ctl_exit status = ctl_list(c, method, &params, &all);
    if (status == EXIT_OK && buf_ok(&all))
        *list = cJSON_ParseWithLength(all.at, all.len);
    if (status == EXIT_OK && !*list)
        status = ctl_fail(c, EXIT_FAILED, NULL, "cannot read the answer to %s", method);
    buf_free(&params);
    buf_free(&all);
    return status;
}

static ctl_exit health_fetch(ctl *c, health *h)
{
    ctl_exit status = ctl_fetch(c, "system.info", NULL, &h->info);
    if (status == EXIT_OK)
        status = ctl_fetch(c, "system.stats", NULL, &h->stats);
    if (status == EXIT_OK)
        status = fetch_list(c, "actor.list", &h->actors);
    if (status == EXIT_OK)
        status = fetch_list(c, "breaker.list", &h->breakers);
    if (status == EXIT_OK)
        status = fetch_list(c, "deadletter.list", &h->deadletters);
    return status;
}

/* The items of `list` whose state isn't `good`, in an array that borrows them. */
static cJSON *others(const cJSON *list, const char *good)
{
    cJSON *array = cJSON_CreateArray();
    cJSON *item;
    cJSON_ArrayForEach(item, tree_member(list, "items"))
    {
        if (strcmp(tree_text(item, "state", good), good) != 0)
            cJSON_AddItemReferenceToArray(array, item);
    }
    return array;
}

static bool health_judge(health *h)
{
    h->draining = cJSON_IsTrue(tree_member(h->info, "draining"));
    h->not_running = others(h->actors, "running");
    h->not_closed = others(h->breakers, "closed");
    const cJSON *actor;
    cJSON_ArrayForEach(actor, h->not_running)
    {
        h->troubles += view_actor_in_trouble(actor);
    }
    return !h->draining && h->troubles == 0 && cJSON_GetArraySize(h->not_closed) == 0;
}

static void show_daemon(ctl *c, const health *h, bool healthy)
{
    char up[HUMAN_TEXT], age[HUMAN_TEXT];
    out_text(&c->out, &c->look, healthy ? PAINT_GOOD : PAINT_BAD,
             healthy ? "healthy" : "not healthy");
    buf_printf(&c->out, "   actord %s '%s', pid %.0f, up %s, %.0f workers%s\n",
               tree_text(h->info, "version", "?"), tree_text(h->info, "name", "?"),
               tree_number(h->info, "pid", 0), human_ms(tree_number(h->info, "uptime_ms", 0), up),
               tree_number(h->info, "workers", 0), h->draining ? ", DRAINING" : "");
    const char *file = tree_text(h->info, "config", NULL);
    const char *loaded = tree_text(h->info, "config_loaded_at", NULL);
    if (file)
        view_pairf(c, "config", "%s%s%s", file, loaded ? ", loaded " : "",
                   loaded ? human_age(loaded, time(NULL), age) : "");
}

/* One line that adds up, and says so when it doesn't. */
static void show_messages(ctl *c, const health *h)
{
    static const char *const parts[] = {"done",    "dead",    "cancelled", "expired",
                                        "dropped", "waiting", "running",   "retrying"};
    double accepted = tree_number(h->stats, "accepted", 0), sum = 0;
    char text[HUMAN_TEXT];
    buf line = {0};
    buf_printf(&line, "%s accepted", human_count(accepted, text));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        double n = tree_number(h->stats, parts[i], 0);
        sum += n;
        if (n > 0)
            buf_printf(&line, " %s %s %s", strchr(line.at, '=') ? "+" : "=", human_count(n, text),
                       parts[i]);
    }
    if (sum != accepted)
        buf_printf(&line, " (these don't add up: %.0f of %.0f)", sum, accepted);
    buf_printf(&line, "; %.1f/s", tree_number(h->stats, "per_second", 0));
    view_pair(c, "messages", line.at);
    buf_free(&line);
}

static void show_actors(ctl *c, const health *h)
{
    int all = cJSON_GetArraySize(tree_member(h->actors, "items"));
    int not_running = cJSON_GetArraySize(h->not_running);
    view_pairf(c, "actors", "%d: %d running, %d not; %.0f restarts", all, all - not_running,
               not_running, tree_number(h->stats, "restarts", 0));
    if (not_running == 0)
        return;
    static const table_column columns[] = {
        {.title = "NAME"}, {.title = "STATE"}, {.title = "WHY", .flexible = true}};
    view_title(c, "Not running");
    table *t = table_new(columns, 3);
    const cJSON *actor;
    cJSON_ArrayForEach(actor, h->not_running)
    {
        const char *state = tree_text(actor, "state", "-");
        char *why = view_why(actor);
        table_cell(t, PAINT_PLAIN, "%s", tree_text(actor, "name", "-"));
        table_cell(t, view_state_paint(state), "%s", state);
        table_cell(t, PAINT_PLAIN, "%s", why ? why : "-");
        free(why);
    }
    table_print(t, &c->look, 2, &c->out);
    table_free(t);
}

static void show_breakers(ctl *c, const health *h)
{
    if (cJSON_GetArraySize(h->not_closed) == 0)
        return;
    view_title(c, "Breakers not closed");
    view_breakers(c, h->not_closed, 2);
}

/* "7: 5 failed, 2 expired", the most frequent reason being no more important than another. */
static void show_deadletters(ctl *c, const health *h)
{
    const char *reasons[MOST_REASONS];
    int counts[MOST_REASONS], total = 0;
    size_t known = 0;
    const cJSON *letter;
    cJSON_ArrayForEach(letter, tree_member(h->deadletters, "items"))
    {
        const char *reason = tree_text(letter, "reason", "unknown");
        size_t i = 0;
        while (i < known && strcmp(reasons[i], reason) != 0)
            i++;
        total++;
        if (i == MOST_REASONS)
            continue;
        if (i == known) {
            reasons[known] = reason;
            counts[known++] = 0;
        }
        counts[i]++;
    }
    buf line = {0};
    buf_printf(&line, "%d", total);
    for (size_t i = 0; i < known; i++)
        buf_printf(&line, "%s %d %s", i ? "," : ":", counts[i], reasons[i]);
    double lost = tree_number(h->stats, "dead_letters_lost", 0);
    if (lost > 0)
        buf_printf(&line, "; %.0f older ones were pushed out", lost);
    view_pair(c, "dead", line.at);
    buf_free(&line);
}

/* The first actor in trouble; one that was stopped or paused on purpose isn't the first to see. */
static const char *first_trouble(const health *h)
{
    const cJSON *actor;
    cJSON_ArrayForEach(actor, h->not_running)
    {
        if (view_actor_in_trouble(actor))
            return tree_text(actor, "name", NULL);
    }
    return NULL;
}

static void show_next(ctl *c, const health *h)
{
    const char *trouble = first_trouble(h);
    const cJSON *breaker = cJSON_GetArrayItem(h->not_closed, 0);
    const cJSON *user = cJSON_GetArrayItem(tree_member(breaker, "used_by"), 0);
    buf_puts(&c->out, "\n");
    if (trouble)
        view_pairf(c, "next", "actorctl inspect %s", trouble);
    else if (cJSON_IsString(user))
        view_pairf(c, "next", "actorctl inspect %s", user->valuestring);
    else if (breaker)
        view_pair(c, "next", "actorctl breaker ls");
    else if (cJSON_GetArraySize(tree_member(h->deadletters, "items")) > 0)
        view_pair(c, "next", "actorctl deadletters ls");
    else
        view_pair(c, "next", "actorctl ls --watch");
}

/* {"healthy":…,"info":…,"stats":…,"not_running":[…],"breakers_not_closed":[…],"deadletters":n} */
static void put_json(ctl *c, const health *h, bool healthy)
{
    cJSON *all = cJSON_CreateObject();
    cJSON_AddBoolToObject(all, "healthy", healthy);
    cJSON_AddItemReferenceToObject(all, "info", h->info);
    cJSON_AddItemReferenceToObject(all, "stats", h->stats);
    cJSON_AddItemReferenceToObject(all, "not_running", h->not_running);
    cJSON_AddItemReferenceToObject(all, "breakers_not_closed", h->not_closed);
    cJSON_AddNumberToObject(all, "deadletters",
                            cJSON_GetArraySize(tree_member(h->deadletters, "items")));
    char *text = cJSON_PrintUnformatted(all);
    if (text) {
        buf_puts(&c->out, text);
        buf_puts(&c->out, "\n");
    }
    c->out.failed = c->out.failed || !text;
    free(text);
    cJSON_Delete(all);
}

ctl_exit run_status(ctl *c)
{
    health h = {0};
    ctl_exit status = health_fetch(c, &h);
    if (status == EXIT_OK) {
        bool healthy = health_judge(&h);
        if (ctl_has(c, OPT_JSON)) {
            put_json(c, &h, healthy);
        } else {
            show_daemon(c, &h, healthy);
            show_messages(c, &h);
            show_deadletters(c, &h);
            show_actors(c, &h);
            show_breakers(c, &h);
            show_next(c, &h);
        }
        if (!healthy && ctl_has(c, OPT_CHECK))
            status = EXIT_UNHEALTHY;
    }
    health_free(&h);
    return status;
}
