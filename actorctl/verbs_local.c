/* raw and version. */
#include "actorctl/handlers.h"

#include <string.h>
#include <unistd.h>

/* The status of one answer: 0, or that of its error. */
static ctl_exit status_of(jslice one)
{
    jslice error = jsontext_member(one, "error");
    if (!error.at)
        return EXIT_OK;
    cJSON *tree = cJSON_ParseWithLength(error.at, error.len);
    const char *name = tree_text(tree_member(tree, "data"), "code", NULL);
    ctl_exit status = error_meaning_of(name, (int)tree_number(tree, "code", 0))->status;
    cJSON_Delete(tree);
    return status;
}

/* The answer is data whatever it says; the status is that of the first error in it. */
static ctl_exit put_answer(ctl *c, const buf *reply)
{
    json_fault fault;
    if (reply->len == 0)
        return EXIT_OK; /* notifications have no answer */
    jslice whole = {reply->at, reply->len}, one;
    ctl_put_json(c, whole);
    if (!jsontext_valid(reply->at, reply->len, &fault))
        return ctl_fail(c, EXIT_FAILED, NULL, "the answer is not JSON");
    ctl_exit status = status_of(whole);
    for (size_t at = 0; status == EXIT_OK && jsontext_next(whole, &at, &one);)
        status = status_of(one);
    return status;
}

ctl_exit run_raw(ctl *c)
{
    const char *word = c->arg_count ? c->args[0] : "-";
    if (!c->arg_count && isatty(STDIN_FILENO))
        return ctl_fail(c, EXIT_USAGE, "actorctl help raw", "raw what? Give the request, or -");
    buf request = {0}, reply = {0};
    ctl_exit status = EXIT_OK;
    if (strcmp(word, "-") == 0)
        status = ctl_read(c, "-", &request);
    else
        buf_puts(&request, word);
    if (status == EXIT_OK && !buf_ok(&request))
        status = ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
    if (status == EXIT_OK)
        status = ctl_exchange(c, request.len ? request.at : "", request.len, c->timeout_ms, &reply);
    if (status == EXIT_OK)
        status = put_answer(c, &reply);
    buf_free(&request);
    buf_free(&reply);
    return status;
}

ctl_exit run_version(ctl *c)
{
    if (ctl_has(c, OPT_JSON))
        buf_puts(&c->out, "{\"name\":\"actorctl\",\"version\":\"" ACTORD_VERSION "\"}\n");
    else
        buf_puts(&c->out, "actorctl " ACTORD_VERSION "\n");
    return EXIT_OK;
}
