/* Dead letters: ls, show, replay, drop. */
#include "actorctl/handlers.h"
#include "actorctl/human.h"
#include "actorctl/view.h"

#include <stdio.h>
#include <string.h>

static void put_filters(const ctl *c, buf *params)
{
    static const option_id ids[] = {OPT_ACTOR, OPT_REASON, OPT_SINCE};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (ctl_has(c, ids[i]))
            params_string(params, option_specs[ids[i]].name, c->opt.value[ids[i]]);
    }
}

ctl_exit run_deadletters_ls(ctl *c)
{
    buf params = {0}, all = {0};
    params_open(&params);
    put_filters(c, &params);
    bool done = false;
    ctl_exit status = ctl_list(c, "deadletter.list", &params, &all);
    if (status == EXIT_OK)
        status = ctl_put_list(c, &all, "id", &done);
    if (status == EXIT_OK && !done) {
        cJSON *list = cJSON_ParseWithLength(all.at, all.len);
        const cJSON *items = tree_member(list, "items");
        if (cJSON_GetArraySize(items) == 0)
            ctl_say(c, "no dead letters");
        view_deadletters(c, items, 0, SIZE_MAX);
        cJSON_Delete(list);
    }
    buf_free(&params);
    buf_free(&all);
    return status;
}

/* Every attempt's failure. */
static void show_attempts(ctl *c, const cJSON *letter)
{
    static const table_column columns[] = {
        {.title = "ATTEMPT", .right = true}, {.title = "AT"}, {.title = "ERROR", .flexible = true}};
    table *t = table_new(columns, 3);
    const cJSON *failures = tree_member(letter, "failures"), *one;
    cJSON_ArrayForEach(one, failures)
    {
        table_cell(t, PAINT_PLAIN, "%.0f", tree_number(one, "attempt", 0));
        table_cell(t, PAINT_PLAIN, "%s", tree_text(one, "at", "-"));
        table_cell(t, PAINT_PLAIN, "%s", tree_text(one, "error", "-"));
    }
    if (cJSON_GetArraySize(failures) > 0) {
        view_title(c, "Attempts");
        table_print(t, &c->look, 2, &c->out);
    }
    table_free(t);
}

static void show_tail(ctl *c, const cJSON *letter)
{
    const char *tail = tree_text(letter, "stderr", NULL);
    if (!tail || !*tail)
        return;
    view_title(c, "Standard error, its end");
    while (*tail) {
        size_t len = strcspn(tail, "\n");
        char line[512]; /* a longer line goes on in the next one */
        size_t part = len < sizeof line ? len : sizeof line - 1;
        memcpy(line, tail, part);
        line[part] = '\0';
        buf_puts(&c->out, "  ");
        out_text(&c->out, &c->look, PAINT_PLAIN, line);
        buf_puts(&c->out, "\n");
        tail += part + (tail[part] == '\n');
    }
}

static void show(ctl *c, jslice result)
{
    cJSON *letter = cJSON_ParseWithLength(result.at, result.len);
    char size[HUMAN_TEXT];
    view_pair(c, "id", tree_text(letter, "id", NULL));
    view_pair(c, "message", tree_text(letter, "message", NULL));
    view_pair(c, "actor", tree_text(letter, "actor", NULL));
    view_pair(c, "reason", tree_text(letter, "reason", NULL));
    view_pairf(c, "attempts", "%.0f", tree_number(letter, "attempts", 0));
    const char *error = tree_text(letter, "error", ""), *end = tree_text(letter, "summary", error);
    view_pair(c, "error", error);
    if (strcmp(end, error) != 0)
        view_pair(c, "finally", end);
    view_pair(c, "accepted", tree_text(letter, "accepted_at", NULL));
    view_pair(c, "died", tree_text(letter, "at", NULL));
    view_pair(c, "size", human_bytes(tree_number(letter, "bytes", 0), size));
    jslice payload = jsontext_member(result, "msg");
    if (payload.at) {
        buf_printf(&c->out, "%-10s", "msg");
        ctl_put_json(c, payload);
    }
    show_attempts(c, letter);
    show_tail(c, letter);
    ctl_say(c, "next: actorctl deadletters replay %s", tree_text(letter, "id", "ID"));
    cJSON_Delete(letter);
}

ctl_exit run_deadletters_show(ctl *c)
{
    buf params = {0};
    params_open(&params);
    params_string(&params, "id", c->args[0]);
    params_close(&params);
    answer a;
    ctl_exit status = ctl_call(c, "deadletter.show", &params, c->timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    if (ctl_has(c, OPT_JSON))
        ctl_put_json(c, a.result);
    else
        show(c, a.result);
    answer_free(&a);
    return EXIT_OK;
}

/* What the daemon did: the ids of the new messages, or in a dry run the letters, on stdout; how
 * many on stderr. */
static void tell(ctl *c, jslice result, const char *said)
{
    cJSON *tree = cJSON_ParseWithLength(result.at, result.len);
    const cJSON *items = tree_member(tree, "items"), *item;
    double count = tree_number(tree, said, 0);
    if (ctl_has(c, OPT_DRY_RUN))
        view_deadletters(c, items, 0, SIZE_MAX);
    cJSON_ArrayForEach(item, items)
    {
        const char *message = tree_text(item, "replayed_as", NULL);
        if (message)
            buf_printf(&c->out, "%s\n", message);
    }
    ctl_say(c, "%s%s %.0f dead letter%s", ctl_has(c, OPT_DRY_RUN) ? "would have " : "", said, count,
            count == 1 ? "" : "s");
    cJSON_Delete(tree);
}

/* One call, for one id or (NULL) for what the filters select. `said` is also the member of the
 * result that counts them. */
static ctl_exit act(ctl *c, const char *method, const char *id, const char *said)
{
    buf params = {0};
    params_open(&params);
    if (id)
        params_string(&params, "id", id);
    put_filters(c, &params);
    if (ctl_has(c, OPT_DRY_RUN))
        params_true(&params, "dry_run");
    params_close(&params);
    answer a;
    ctl_exit status = ctl_call(c, method, &params, c->timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    if (ctl_has(c, OPT_JSON))
        ctl_put_json(c, a.result);
    else
        tell(c, a.result, said);
    answer_free(&a);
    return EXIT_OK;
}

/* Each id by itself: one that is missing doesn't hold up the others. */
static ctl_exit act_on_each(ctl *c, const char *method, const char *said)
{
    if (c->arg_count == 0)
        return act(c, method, NULL, said);
    ctl_exit first = EXIT_OK;
    for (size_t i = 0; i < c->arg_count; i++) {
        ctl_exit status = act(c, method, c->args[i], said);
        if (first == EXIT_OK)
            first = status;
    }
    return first;
}

ctl_exit run_deadletters_replay(ctl *c)
{
    return act_on_each(c, "deadletter.replay", "replayed");
}

ctl_exit run_deadletters_drop(ctl *c)
{
    bool all = c->arg_count == 0 && !ctl_has(c, OPT_ACTOR) && !ctl_has(c, OPT_REASON) &&
               !ctl_has(c, OPT_SINCE);
    ctl_exit status = ctl_has(c, OPT_DRY_RUN) ? EXIT_OK
                                              : ctl_confirm(c, "drop %s dead letters for good",
                                                            all            ? "all"
                                                            : c->arg_count ? "these"
                                                                           : "the selected");
    return status == EXIT_OK ? act_on_each(c, "deadletter.drop", "dropped") : status;
}
