/* Messages: send, ask, result, wait, cancel. */
#include "actorctl/handlers.h"
#include "actorctl/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GRACE_MS 1000 /* for the daemon's own word on what timed out */

/* A text that should be JSON is not: where, and what stands there. `line` counts from the start of
 * the input, 0 for "take the fault's own". */
static ctl_exit fail_payload(const ctl *c, const char *text, size_t len, const json_fault *fault,
                             size_t line)
{
    if (jsontext_trim(text, len).len == 0)
        return ctl_fail(c, EXIT_USAGE, NULL, "the message is empty: give JSON, for example '{}'");
    size_t end = fault->offset;
    while (end < len && text[end] != '\n' && end - fault->offset < 24)
        end++;
    while (end > fault->offset && end < len && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--; /* no half characters */
    int shown = (int)(end - fault->offset);
    return ctl_fail(c, EXIT_USAGE, NULL,
                    "the message is not JSON: line %zu, column %zu: %s%s%.*s%s",
                    line ? line : fault->line, fault->column, fault->what, shown ? ", at: " : "",
                    shown, text + fault->offset, end < len && text[end] != '\n' ? "..." : "");
}

/* The message from the command line or standard input, in *text; *payload is the JSON in it. */
static ctl_exit read_payload(ctl *c, buf *text, jslice *payload)
{
    const char *word = c->arg_count > 1 ? c->args[1] : NULL;
    ctl_exit status = EXIT_OK;
    if (word && strcmp(word, "-") != 0) {
        buf_puts(text, word);
    } else if (!word && isatty(STDIN_FILENO)) {
        return ctl_fail(c, EXIT_USAGE, NULL,
                        "%s what? Give the JSON after the name, or - to type it", c->verb->name);
    } else {
        status = ctl_read(c, "-", text);
    }
    if (status != EXIT_OK)
        return status;
    if (!buf_ok(text))
        return ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
    json_fault fault;
    if (!jsontext_valid(text->at, text->len, &fault))
        return fail_payload(c, text->len ? text->at : "", text->len, &fault, 0);
    *payload = jsontext_trim(text->at, text->len);
    return EXIT_OK;
}

/* The params of a message: where to, its options, and the payload's bytes. */
static void put_message(const ctl *c, jslice payload, buf *params)
{
    static const option_id ids[] = {OPT_KEY, OPT_DELAY, OPT_AT, OPT_TTL, OPT_PRIORITY};
    params_open(params);
    params_string(params, "to", c->args[0]);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (ctl_has(c, ids[i]))
            params_string(params, option_specs[ids[i]].name, c->opt.value[ids[i]]);
    }
    params_raw(params, "msg", payload);
}

static ctl_exit send_one(ctl *c, jslice payload)
{
    buf params = {0};
    put_message(c, payload, &params);
    params_close(&params);
    answer a;
    ctl_exit status = ctl_call(c, "send", &params, c->timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    if (ctl_has(c, OPT_JSON)) {
        ctl_put_json(c, a.result);
    } else {
        cJSON *result = cJSON_ParseWithLength(a.result.at, a.result.len);
        buf_printf(&c->out, "%s\n", tree_text(result, "message", ""));
        if (cJSON_IsTrue(tree_member(result, "duplicate")))
            ctl_say(c, "sent before with this key: nothing new was queued");
        cJSON_Delete(result);
    }
    answer_free(&a);
    return EXIT_OK;
}

/* Without a connection, or with an unknown outcome, going on would break the order. */
static bool ends_stream(ctl_exit status)
{
    return status == EXIT_TIMED_OUT || status == EXIT_NO_CONNECT || status == EXIT_DENIED;
}

/* One line of --jsonl; its ids are written at once, since the input may never end. */
static ctl_exit send_line(ctl *c, const char *line, size_t len, size_t number)
{
    json_fault fault;
    if (!jsontext_valid(line, len, &fault))
        return fail_payload(c, line, len, &fault, number);
    ctl_exit status = send_one(c, jsontext_trim(line, len));
    if (status != EXIT_OK) {
        ctl_say(c, "  in line %zu of the input", number);
    } else if (c->out.len) {
        fwrite(c->out.at, 1, c->out.len, stdout);
        fflush(stdout);
        buf_clear(&c->out);
    }
    return status;
}

static ctl_exit send_lines(ctl *c)
{
    char *line = NULL;
    size_t room = 0, number = 0, sent = 0, failed = 0;
    ctl_exit first = EXIT_OK, status = EXIT_OK;
    ssize_t len;
    while (!ends_stream(status) && !ferror(stdout) && (len = getline(&line, &room, stdin)) >= 0) {
        number++;
        if (jsontext_trim(line, (size_t)len).len == 0)
            continue;
        status = send_line(c, line, (size_t)len, number);
        sent += status == EXIT_OK;
        failed += status != EXIT_OK;
        if (first == EXIT_OK)
            first = status;
    }
    free(line);
    if (failed)
        ctl_say(c, "%zu accepted, %zu failed%s", sent, failed,
                ends_stream(status) ? "; stopped there, later lines were not sent" : "");
    return first;
}

ctl_exit run_send(ctl *c)
{
    if (ctl_has(c, OPT_JSONL)) {
        if (ctl_has(c, OPT_KEY))
            return ctl_fail(c, EXIT_USAGE, "actorctl help send",
                            "--key names one message, --jsonl sends many");
        if (c->arg_count > 1 && strcmp(c->args[1], "-") != 0)
            return ctl_fail(c, EXIT_USAGE, "actorctl help send",
                            "--jsonl takes the messages from standard input, not from the command "
                            "line");
        return send_lines(c);
    }
    buf text = {0};
    jslice payload;
    ctl_exit status = read_payload(c, &text, &payload);
    if (status == EXIT_OK)
        status = send_one(c, payload);
    buf_free(&text);
    return status;
}

ctl_exit run_ask(ctl *c)
{
    buf text = {0}, params = {0};
    jslice payload;
    ctl_exit status = read_payload(c, &text, &payload);
    if (status == EXIT_OK) {
        const char *timeout = c->opt.value[OPT_TIMEOUT];
        put_message(c, payload, &params);
        params_string(&params, "timeout", timeout ? timeout : CTL_DEFAULT_TIMEOUT);
        params_close(&params);
        answer a;
        status = ctl_call(c, "ask", &params, c->timeout_ms + GRACE_MS, &a);
        if (status == EXIT_OK)
            ctl_put_json(c, a.result);
        answer_free(&a);
    }
    buf_free(&params);
    buf_free(&text);
    return status;
}

static void show_message(ctl *c, const answer *a)
{
    cJSON *m = cJSON_ParseWithLength(a->result.at, a->result.len);
    const char *state = tree_text(m, "state", "unknown");
    view_pair(c, "message", tree_text(m, "message", NULL));
    view_pair(c, "to", tree_text(m, "to", NULL));
    buf_printf(&c->out, "%-10s", "state");
    out_text(&c->out, &c->look, view_state_paint(state), state);
    buf_puts(&c->out, "\n");
    if (tree_member(m, "attempts"))
        view_pairf(c, "attempts", "%.0f", tree_number(m, "attempts", 0));
    view_pair(c, "accepted", tree_text(m, "accepted_at", NULL));
    const cJSON *progress = tree_member(m, "progress");
    if (cJSON_IsNumber(progress))
        view_pairf(c, "progress", "%.0f %%", progress->valuedouble * 100);
    const cJSON *error = tree_member(m, "error");
    view_pair(c, "error",
              cJSON_IsString(error) ? error->valuestring : tree_text(error, "message", NULL));
    jslice reply = jsontext_member(a->result, "reply");
    if (reply.at) {
        buf_printf(&c->out, "%-10s", "reply");
        ctl_put_json(c, reply);
    }
    cJSON_Delete(m);
}

/* Call with the message's id, and show what became of it; *state is for free(), or NULL. `timeout`
 * (or NULL) is for the daemon. */
static ctl_exit look_up(ctl *c, const char *method, const char *timeout, int timeout_ms,
                        char **state)
{
    *state = NULL;
    buf params = {0};
    params_open(&params);
    params_string(&params, "message", c->args[0]);
    if (timeout)
        params_string(&params, "timeout", timeout);
    params_close(&params);
    answer a;
    ctl_exit status = ctl_call(c, method, &params, timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    jslice word = jsontext_member(a.result, "state");
    if (word.len >= 2)
        *state = strndup(word.at + 1, word.len - 2);
    if (ctl_has(c, OPT_JSON))
        ctl_put_json(c, a.result);
    else
        show_message(c, &a);
    answer_free(&a);
    return EXIT_OK;
}

ctl_exit run_result(ctl *c)
{
    char *state;
    ctl_exit status = look_up(c, "message.get", NULL, c->timeout_ms, &state);
    free(state);
    return status;
}

ctl_exit run_wait(ctl *c)
{
    char *state;
    const char *timeout = c->opt.value[OPT_TIMEOUT];
    ctl_exit status = look_up(c, "message.wait", timeout,
                              timeout ? c->timeout_ms + GRACE_MS : CTL_FOREVER, &state);
    if (status == EXIT_OK && (!state || strcmp(state, "done") != 0))
        status = EXIT_UNHEALTHY;
    free(state);
    return status;
}

ctl_exit run_cancel(ctl *c)
{
    char *state;
    ctl_exit status = look_up(c, "message.cancel", NULL, c->timeout_ms, &state);
    free(state);
    return status;
}
