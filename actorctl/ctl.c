#include "actorctl/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_MS 2000 /* a daemon on this machine accepts at once or not at all */
#define PAGE       1000 /* the most items that a list gives at a time */

bool ctl_has(const ctl *c, option_id id)
{
    return c->opt.value[id] != NULL;
}

/* The name of a local error in a JSON error object. */
static const char *status_name(ctl_exit status)
{
    static const char *const names[] = {
        [EXIT_FAILED] = "failed",         [EXIT_USAGE] = "usage",
        [EXIT_UNHEALTHY] = "unhealthy",   [EXIT_NOT_FOUND] = "not_found",
        [EXIT_REFUSED] = "refused",       [EXIT_TIMED_OUT] = "timeout",
        [EXIT_NO_CONNECT] = "no_connect", [EXIT_BAD_CONFIG] = "bad_config",
        [EXIT_DENIED] = "denied",
    };
    return (size_t)status < sizeof names / sizeof *names && names[status] ? names[status] : "error";
}

static void put_stderr(const buf *b)
{
    if (b->len)
        fwrite(b->at, 1, b->len, stderr);
}

static void report(const ctl *c, const char *code, const char *message, const char *next)
{
    buf b = {0};
    look l = look_at(STDERR_FILENO);
    if (ctl_has(c, OPT_JSON)) {
        buf_puts(&b, "{\"message\":");
        buf_json_string(&b, message);
        buf_puts(&b, ",\"data\":{\"code\":");
        buf_json_string(&b, code);
        buf_puts(&b, "}}\n");
    } else {
        out_text(&b, &l, PAINT_BAD, "actorctl:");
        buf_puts(&b, " ");
        for (const char *line = message; *line;) { /* a message may have lines of its own */
            size_t len = strcspn(line, "\n");
            char *text = strndup(line, len);
            out_text(&b, &l, PAINT_PLAIN, text ? text : "");
            free(text);
            buf_puts(&b, "\n");
            line += len + (line[len] == '\n');
        }
        if (next)
            buf_printf(&b, "  next: %s\n", next);
    }
    put_stderr(&b);
    buf_free(&b);
}

ctl_exit ctl_fail(const ctl *c, ctl_exit status, const char *next, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *message;
    if (vasprintf(&message, format, args) < 0)
        message = NULL;
    va_end(args);
    report(c, status_name(status), message ? message : "out of memory", next);
    free(message);
    return status;
}

/* The message, and below it those of `data.errors` when there is more than one. */
static void put_message(const cJSON *error, buf *text)
{
    const cJSON *all = tree_member(tree_member(error, "data"), "errors"), *one;
    buf_puts(text, tree_text(error, "message", "the daemon gave an error without a text"));
    if (cJSON_GetArraySize(all) < 2)
        return;
    cJSON_ArrayForEach(one, all)
    {
        const char *suggestion = tree_text(one, "suggestion", NULL);
        buf_printf(text, "\n  %s%s%s", tree_text(one, "message", ""), suggestion ? "; " : "",
                   suggestion ? suggestion : "");
    }
}

ctl_exit ctl_fail_error(const ctl *c, jslice error)
{
    cJSON *tree = cJSON_ParseWithLength(error.at, error.len);
    const char *name = tree_text(tree_member(tree, "data"), "code", NULL);
    const error_meaning *meaning = error_meaning_of(name, (int)tree_number(tree, "code", 0));
    if (ctl_has(c, OPT_JSON)) {
        fwrite(error.at, 1, error.len, stderr);
        fputc('\n', stderr);
    } else {
        buf message = {0};
        put_message(tree, &message);
        const char *text = buf_ok(&message) ? message.at : "out of memory";
        /* The daemon's own advice is better than ours. */
        report(c, meaning->name, text, strstr(text, "actorctl ") ? NULL : meaning->next);
        buf_free(&message);
    }
    cJSON_Delete(tree);
    return meaning->status;
}

void ctl_say(const ctl *c, const char *format, ...)
{
    if (ctl_has(c, OPT_JSON))
        return;
    va_list args;
    va_start(args, format);
    char *message;
    if (vasprintf(&message, format, args) >= 0) {
        buf b = {0};
        look plain = {0};
        out_text(&b, &plain, PAINT_PLAIN, message);
        buf_puts(&b, "\n");
        put_stderr(&b);
        buf_free(&b);
        free(message);
    }
    va_end(args);
}

static ctl_exit fail_open(const ctl *c, client_err err, const char *why)
{
    bool local = strncmp(c->url, "ipc://", 6) == 0;
    switch (err) {
    case CLIENT_EURL:
        return ctl_fail(c, EXIT_USAGE, NULL,
                        "'%s' is not a URL to connect to (%s): use ipc://PATH, tcp://HOST:PORT or "
                        "tls+tcp://HOST:PORT",
                        c->url, why);
    case CLIENT_EDENIED:
        return ctl_fail(c, EXIT_DENIED, "id", "you may not use %s: %s", c->url,
                        client_strerror(err));
    case CLIENT_ECLOSED:
        return ctl_fail(c, EXIT_DENIED, "journalctl -u actord",
                        "%s closed the connection at once: this user may not be among the "
                        "listener's `users`, or `limits.clients` is reached",
                        c->url);
    case CLIENT_ESILENT:
        return ctl_fail(c, EXIT_NO_CONNECT, "systemctl status actord",
                        "cannot connect to %s: nobody spoke within %d s; the daemon may still be "
                        "starting. Nothing was sent",
                        c->url, CONNECT_MS / 1000);
    case CLIENT_ENOMEM:
        return ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
    default:
        if (local && access(c->url + 6, F_OK) != 0)
            why = "there is no such socket";
        return ctl_fail(c, EXIT_NO_CONNECT, "systemctl status actord",
                        "cannot connect to %s: %s; is actord running?", c->url, why);
    }
}

static ctl_exit fail_call(const ctl *c, client_err err, int timeout_ms)
{
    switch (err) {
    case CLIENT_ETIMEOUT:
        return ctl_fail(c, EXIT_TIMED_OUT, "actorctl status",
                        "no answer from %s within %g s; what was asked for may still happen",
                        c->url, timeout_ms / 1000.0);
    case CLIENT_ELOST:
        return ctl_fail(c, EXIT_TIMED_OUT, "actorctl status",
                        "%s closed the connection before it answered; whether the request was "
                        "carried out is unknown",
                        c->url);
    default:
        return ctl_fail(c, EXIT_FAILED, NULL, "%s: %s", c->url, client_strerror(err));
    }
}

ctl_exit ctl_exchange(ctl *c, const char *request, size_t len, int timeout_ms, buf *reply)
{
    if (!c->client) {
        const char *why;
        client_err err = client_open(c->url, CONNECT_MS, &c->client, &why);
        if (err != CLIENT_OK)
            return fail_open(c, err, why);
    }
    client_err err = client_call(c->client, request, len, timeout_ms, reply);
    return err == CLIENT_OK ? EXIT_OK : fail_call(c, err, timeout_ms);
}

ctl_exit ctl_call(ctl *c, const char *method, const buf *params, int timeout_ms, answer *a)
{
    *a = (answer){0};
    buf request = {0};
    protocol_request(&request, method, params, c->token);
    ctl_exit status = buf_ok(&request)
                          ? ctl_exchange(c, request.at, request.len, timeout_ms, &a->text)
                          : ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
    buf_free(&request);
    if (status == EXIT_OK && !answer_split(a))
        status = ctl_fail(c, EXIT_FAILED, NULL,
                          "%s answered, but not in JSON-RPC 2.0: is it an actord?", c->url);
    if (status == EXIT_OK && a->error.at)
        status = ctl_fail_error(c, a->error);
    if (status != EXIT_OK)
        answer_free(a);
    return status;
}

ctl_exit ctl_fetch(ctl *c, const char *method, const buf *params, cJSON **result)
{
    *result = NULL;
    answer a;
    ctl_exit status = ctl_call(c, method, params, c->timeout_ms, &a);
    if (status != EXIT_OK)
        return status;
    *result = cJSON_ParseWithLength(a.result.at, a.result.len);
    answer_free(&a);
    if (!*result)
        return ctl_fail(c, EXIT_FAILED, NULL, "cannot read the answer to %s", method);
    return EXIT_OK;
}

void ctl_put_json(ctl *c, jslice value)
{
    buf_add(&c->out, value.at, value.len);
    buf_puts(&c->out, "\n");
}

/* One page behind `cursor` (none at first); its items are appended to *all, and *next is the
 * cursor of the next page, into a->text. */
static ctl_exit list_page(ctl *c, const char *method, const buf *params, jslice cursor, buf *all,
                          answer *a, jslice *next)
{
    buf page = {0};
    buf_add(&page, params->at, params->len);
    params_number(&page, "limit", PAGE);
    if (cursor.at)
        params_raw(&page, "after", cursor);
    params_close(&page);
    ctl_exit status = ctl_call(c, method, &page, c->timeout_ms, a);
    buf_free(&page);
    if (status != EXIT_OK)
        return status;
    jslice items = jsontext_member(a->result, "items"), item;
    if (!items.at)
        return ctl_fail(c, EXIT_FAILED, NULL, "the answer to %s is not a list", method);
    for (size_t at = 0; jsontext_next(items, &at, &item);) {
        if (all->at[all->len - 1] != '[')
            buf_puts(all, ",");
        buf_add(all, item.at, item.len);
    }
    *next = jsontext_member(a->result, "next");
    if (next->at && strncmp(next->at, "null", 4) == 0)
        *next = (jslice){0};
    return EXIT_OK;
}

ctl_exit ctl_list(ctl *c, const char *method, const buf *params, buf *all)
{
    buf_puts(all, "{\"items\":[");
    answer a = {0};
    jslice cursor = {0};
    ctl_exit status;
    do {
        answer page = {0};
        jslice next = {0};
        status = buf_ok(all) ? list_page(c, method, params, cursor, all, &page, &next)
                             : ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
        answer_free(&a);
        a = page; /* the cursor lives in it */
        cursor = next;
    } while (status == EXIT_OK && cursor.at);
    answer_free(&a);
    buf_puts(all, "],\"next\":null}");
    return status;
}

ctl_exit ctl_put_list(ctl *c, const buf *all, const char *name, bool *done)
{
    const char *form = c->opt.value[OPT_OUTPUT];
    jslice whole = {all->at, all->len};
    *done = form || ctl_has(c, OPT_JSON);
    if (!form) {
        if (*done)
            ctl_put_json(c, whole);
        return EXIT_OK;
    }
    bool lines = strcmp(form, "jsonl") == 0;
    jslice items = jsontext_member(whole, "items"), item;
    for (size_t at = 0; jsontext_next(items, &at, &item);) {
        jslice what = lines ? item : jsontext_member(item, name);
        if (!lines && what.len >= 2) { /* names and ids have no escapes in them */
            what.at++;
            what.len -= 2;
        }
        ctl_put_json(c, what);
    }
    return EXIT_OK;
}

ctl_exit ctl_confirm(const ctl *c, const char *format, ...)
{
    if (ctl_has(c, OPT_YES))
        return EXIT_OK;
    va_list args;
    va_start(args, format);
    char *question;
    int len = vasprintf(&question, format, args);
    va_end(args);
    if (len < 0)
        return ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
    ctl_exit status;
    if (!isatty(STDIN_FILENO)) {
        status = ctl_fail(c, EXIT_USAGE, NULL,
                          "%s? Nobody can be asked here: add --yes, or --dry-run to see what "
                          "would be done",
                          question);
    } else {
        char line[16] = "";
        fprintf(stderr, "%s? [y/N] ", question);
        fflush(stderr);
        bool yes = fgets(line, sizeof line, stdin) && (*line == 'y' || *line == 'Y');
        status = yes ? EXIT_OK : ctl_fail(c, EXIT_FAILED, NULL, "nothing was done");
    }
    free(question);
    return status;
}

ctl_exit ctl_read(const ctl *c, const char *path, buf *b)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdin : fopen(path, "re");
    if (!f)
        return ctl_fail(c, EXIT_FAILED, NULL, "cannot open %s: %s", path, strerror(errno));
    char block[16384];
    size_t got;
    while ((got = fread(block, 1, sizeof block, f)) > 0)
        buf_add(b, block, got);
    int err = ferror(f) ? errno : 0;
    if (!standard)
        fclose(f);
    if (err)
        return ctl_fail(c, EXIT_FAILED, NULL, "cannot read %s: %s",
                        standard ? "standard input" : path, strerror(err));
    return buf_ok(b) ? EXIT_OK : ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
}

const cJSON *tree_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *tree_text(const cJSON *object, const char *name, const char *missing)
{
    const char *text = cJSON_GetStringValue(tree_member(object, name));
    return text ? text : missing;
}

double tree_number(const cJSON *object, const char *name, double missing)
{
    const cJSON *item = tree_member(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : missing;
}
