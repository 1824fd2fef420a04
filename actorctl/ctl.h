/* ctl: one run of actorctl: what was asked, the connection, and where things are printed.
 *
 * stdout is data, stderr is talk. A handler collects its data in `out`; main() writes it once the
 * handler is done, so that a frame of --watch appears at once. Used by one thread.
 */
#ifndef ACTORCTL_CTL_H
#define ACTORCTL_CTL_H

#include "actorctl/buf.h"
#include "actorctl/client.h"
#include "actorctl/exit.h"
#include "actorctl/options.h"
#include "actorctl/out.h"
#include "actorctl/protocol.h"
#include "actorctl/verb.h"

#include <cjson/cJSON.h>

#define CTL_DEFAULT_TIMEOUT "30s"
#define CTL_FOREVER         (-1)

typedef struct ctl {
    options opt;
    const verb *verb;
    const char *const *args; /* the words after the verb */
    size_t arg_count;
    client *client; /* NULL until the first call */
    char *url;
    char *token;    /* NULL without one */
    int timeout_ms; /* --timeout; CTL_FOREVER is never the user's */
    bool timeout_given;
    buf out;
    look look; /* of stdout */
} ctl;

/* Report an error on stderr: a sentence, and the next command to type (NULL: none). With --json it
 * is an error object like the daemon's, whose data.code is derived from `status`. Returns `status`,
 * so that it can end a function. */
ctl_exit ctl_fail(const ctl *c, ctl_exit status, const char *next, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for an error object of the daemon. */
ctl_exit ctl_fail_error(const ctl *c, jslice error);

/* Something for the reader, on stderr; silent with --json. */
void ctl_say(const ctl *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool ctl_has(const ctl *c, option_id id);

/* Connect, if not connected yet, and call. On EXIT_OK *a is for answer_free and holds a result; on
 * anything else the error is reported and *a is empty. `params` may be NULL. */
ctl_exit ctl_call(ctl *c, const char *method, const buf *params, int timeout_ms, answer *a);

/* The same without reading the answer: the daemon's bytes, whatever they are. */
ctl_exit ctl_exchange(ctl *c, const char *request, size_t len, int timeout_ms, buf *reply);

/* Like ctl_call with the default deadline, for answers that are shown: the result as a tree, which
 * is the caller's to delete. Numbers above 2^53 lose digits in it; --json prints bytes instead. */
ctl_exit ctl_fetch(ctl *c, const char *method, const buf *params, cJSON **result);

/* Append the result's bytes and a line feed to the output. */
void ctl_put_json(ctl *c, jslice value);

/* Every page of a list, as one array of the items' bytes: {"items":[...],"next":null}. `params` is
 * open, as after params_open(). */
ctl_exit ctl_list(ctl *c, const char *method, const buf *params, buf *all);

/* -o jsonl and -o name, and --json, of a list made by ctl_list; *done is false where none of them
 * was asked for. `name` is the member that -o name prints. */
ctl_exit ctl_put_list(ctl *c, const buf *all, const char *name, bool *done);

/* Before something that can't be undone: nothing with --yes, a question on a terminal, an error
 * elsewhere. EXIT_OK: go on. `format` is the question without its question mark. */
ctl_exit ctl_confirm(const ctl *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A file, or standard input for "-", appended to *b. */
ctl_exit ctl_read(const ctl *c, const char *path, buf *b);

/* Members of a tree, with a default where they are missing or of another type. */
const char *tree_text(const cJSON *object, const char *name, const char *missing);
double tree_number(const cJSON *object, const char *name, double missing);
const cJSON *tree_member(const cJSON *object, const char *name);

#endif
