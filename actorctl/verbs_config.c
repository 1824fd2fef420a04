/* The configuration: check, diff, reload. */
#include "actorctl/handlers.h"
#include "actorctl/view.h"

#include <stdio.h>
#include <string.h>

/* The line, and a caret below its character number `caret`, from 0. */
static void put_source(const char *source, int caret, buf *out)
{
    buf_printf(out, "    %s\n    ", source);
    for (const char *p = source; *p && caret > 0; p++) {
        if (((unsigned char)*p & 0xC0) == 0x80) /* within a character */
            continue;
        buf_puts(out, *p == '\t' ? "\t" : " ");
        caret--;
    }
    buf_puts(out, "^\n");
}

/* One error of the daemon's list, as `actord --check` prints it:
 * FILE:LINE:COLUMN: error: text; suggestion, the source line, a caret. */
static void print_error(const cJSON *error, const char *file, buf *out)
{
    if (cJSON_IsString(error)) {
        buf_printf(out, "%s\n", error->valuestring);
        return;
    }
    const char *suggestion = tree_text(error, "suggestion", NULL);
    const char *source = tree_text(error, "source", NULL);
    int line = (int)tree_number(error, "line", 0), column = (int)tree_number(error, "column", 0);
    buf_printf(out, "%s:", file ? file : tree_text(error, "file", "configuration"));
    if (line > 0)
        buf_printf(out, "%d:%d:", line, column);
    buf_printf(out, " error: %s%s%s\n", tree_text(error, "message", "invalid"),
               suggestion ? "; " : "", suggestion ? suggestion : "");
    if (source)
        put_source(source, (int)tree_number(error, "caret", column - 1), out);
}

/* The list of errors in a result, or in an error's data. NULL where there is none. */
static const cJSON *errors_of(const cJSON *answer_tree)
{
    const cJSON *errors = tree_member(answer_tree, "errors");
    if (!errors)
        errors = tree_member(tree_member(answer_tree, "data"), "errors");
    return cJSON_GetArraySize(errors) > 0 ? errors : NULL;
}

/* All errors on stderr, with how many there are; EXIT_BAD_CONFIG. `file` names the text that was
 * sent; NULL: the daemon's own names. `consequence` (or NULL) is the last line. */
static ctl_exit report_errors(const ctl *c, jslice whole, const cJSON *errors, const char *file,
                              const char *consequence)
{
    buf text = {0};
    if (ctl_has(c, OPT_JSON)) {
        buf_add(&text, whole.at, whole.len);
        buf_puts(&text, "\n");
    } else {
        const cJSON *error;
        cJSON_ArrayForEach(error, errors)
        {
            print_error(error, file, &text);
        }
        int count = cJSON_GetArraySize(errors);
        buf_printf(&text, "%d error%s\n", count, count == 1 ? "" : "s");
        if (consequence)
            buf_printf(&text, "%s\n", consequence);
    }
    if (buf_ok(&text))
        fwrite(text.at, 1, text.len, stderr);
    buf_free(&text);
    return EXIT_BAD_CONFIG;
}

/* Call a method that answers with errors or a plan. On EXIT_OK *a is the caller's. An answer with
 * errors, be it a result or an error, is reported here. */
static ctl_exit call_config(ctl *c, const char *method, const buf *params, const char *file,
                            answer *a)
{
    *a = (answer){0};
    buf request = {0};
    protocol_request(&request, method, params, c->token);
    ctl_exit status = buf_ok(&request)
                          ? ctl_exchange(c, request.at, request.len, c->timeout_ms, &a->text)
                          : ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
    buf_free(&request);
    if (status == EXIT_OK && !answer_split(a))
        status = ctl_fail(c, EXIT_FAILED, NULL, "%s answered, but not in JSON-RPC 2.0", c->url);
    if (status == EXIT_OK) {
        jslice whole = a->error.at ? a->error : a->result;
        cJSON *tree = cJSON_ParseWithLength(whole.at, whole.len);
        const cJSON *errors = errors_of(tree);
        if (errors)
            status = report_errors(c, whole, errors, file, tree_text(tree, "message", NULL));
        else if (a->error.at)
            status = ctl_fail_error(c, a->error);
        cJSON_Delete(tree);
    }
    if (status != EXIT_OK)
        answer_free(a);
    return status;
}

/* What would change or has changed, in the daemon's words. */
static void show_plan(ctl *c, const cJSON *result)
{
    const char *text = tree_text(result, "text", "");
    buf_puts(&c->out, text);
    if (*text && text[strlen(text) - 1] != '\n')
        buf_puts(&c->out, "\n");
}

/* The changes that didn't succeed; EXIT_FAILED when there are some. */
static ctl_exit report_failed(const ctl *c, const cJSON *result)
{
    const cJSON *failed = tree_member(result, "failed"), *one;
    cJSON_ArrayForEach(one, failed)
    {
        const char *text = cJSON_GetStringValue(one);
        ctl_fail(c, EXIT_FAILED, "actorctl tree", "%s", text ? text : "a change failed");
    }
    return cJSON_GetArraySize(failed) > 0 ? EXIT_FAILED : EXIT_OK;
}

static ctl_exit show_result(ctl *c, jslice result)
{
    cJSON *tree = cJSON_ParseWithLength(result.at, result.len);
    if (ctl_has(c, OPT_JSON))
        ctl_put_json(c, result);
    else
        show_plan(c, tree);
    ctl_exit status = report_failed(c, tree);
    cJSON_Delete(tree);
    return status;
}

ctl_exit run_check(ctl *c)
{
    const char *file = c->args[0];
    buf text = {0}, params = {0};
    ctl_exit status = ctl_read(c, file, &text);
    if (status == EXIT_OK && text.len && memchr(text.at, '\0', text.len))
        status = ctl_fail(c, EXIT_BAD_CONFIG, NULL, "%s is not a text: there are zero bytes in it",
                          file);
    answer a = {0};
    if (status == EXIT_OK) {
        params_open(&params);
        params_string(&params, "text", text.len ? text.at : "");
        params_close(&params);
        status =
            call_config(c, "config.check", &params, strcmp(file, "-") == 0 ? "stdin" : file, &a);
    }
    if (status == EXIT_OK)
        status = show_result(c, a.result);
    answer_free(&a);
    buf_free(&params);
    buf_free(&text);
    return status;
}

static ctl_exit run_plain(ctl *c, const char *method)
{
    answer a;
    ctl_exit status = call_config(c, method, NULL, NULL, &a);
    if (status != EXIT_OK)
        return status;
    status = show_result(c, a.result);
    answer_free(&a);
    return status;
}

ctl_exit run_diff(ctl *c)
{
    return run_plain(c, "config.diff");
}

ctl_exit run_reload(ctl *c)
{
    return run_plain(c, "config.reload");
}
