/* protocol: requests as texts, answers taken apart, and what an error means for the exit status.
 *
 * Payloads are spliced in as bytes and replies cut out as bytes; nothing of theirs is parsed or
 * printed again. Pure; any thread.
 */
#ifndef ACTORCTL_PROTOCOL_H
#define ACTORCTL_PROTOCOL_H

#include "actorctl/buf.h"
#include "actorctl/exit.h"
#include "actorctl/jsontext.h"

/* Params are an object under construction: open, members, close. */
void params_open(buf *b);
void params_string(buf *b, const char *name, const char *value);
void params_number(buf *b, const char *name, long long value);
void params_true(buf *b, const char *name);
/* `value` must be valid JSON; its bytes go in as they are. */
void params_raw(buf *b, const char *name, jslice value);
void params_close(buf *b);

/* {"jsonrpc":"2.0","id":1,"method":METHOD,"params":PARAMS[,"auth":TOKEN]} appended to *b.
 * `params` and `token` may be NULL. */
void protocol_request(buf *b, const char *method, const buf *params, const char *token);

/* An answer owns its text; the slices borrow from it. One of them is none. */
typedef struct answer {
    buf text;
    jslice result;
    jslice error;
} answer;

/* Find result or error in a->text; false where it is no JSON-RPC answer. */
bool answer_split(answer *a);
void answer_free(answer *a);

/* One row for every error that a daemon can answer with. */
typedef struct error_meaning {
    const char *name; /* data.code */
    int number;       /* code, for errors that come without data */
    ctl_exit status;
    const char *next; /* the next command to type; NULL: the message has said it all */
} error_meaning;

/* The row of an error by its data.code, or else by its number; a row for status 1 for others. */
const error_meaning *error_meaning_of(const char *name, int number);

#endif
