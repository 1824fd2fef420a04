/* rpc.h - JSON-RPC 2.0 envelopes: requests out of a frame, answers into a text.
 *
 * A frame is one message of a client: a request or a batch. rpc_open() judges it once,
 * rpc_next() then yields its requests in order, and whatever is wrong with one is in the request
 * itself, so that the caller's loop has a single shape:
 *
 *     rpc_frame frame;
 *     rpc_request request;
 *     rpc_open(&frame, bytes, len);
 *     while (rpc_next(&frame, &request)) {
 *         if (request.failure.code != RPC_OK)
 *             answer the failure, unless the request is a notification
 *         else
 *             call request.method
 *     }
 *
 * A text that is no JSON and an empty batch yield one request with a failure, and `frame.batch` is
 * false, as the specification wants. An answer to a batch is a json_out array of the answers of
 * those requests that aren't notifications; if there is none, the answer is an empty body.
 *
 * Nothing here allocates but a json_out, and rpc_params_read() for long strings. Threads: no shared
 * state. Every json_value is a range of the frame's bytes, or of a constant.
 */
#ifndef DAEMON_RPC_H
#define DAEMON_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/json.h"

enum {
    RPC_METHOD_MAX = 63, /* bytes of a method's name; a longer one can't exist */
    RPC_MESSAGE_MAX = 511,
    RPC_BATCH_MAX = 4096,  /* requests of one batch */
    RPC_ENVELOPE_MAX = 32, /* members of one request */
};

/* What can go wrong, one row each in rpc.c's table. */
typedef enum rpc_code {
    RPC_OK = 0,
    RPC_PARSE_ERROR,      /* -32700 */
    RPC_INVALID_REQUEST,  /* -32600 */
    RPC_METHOD_NOT_FOUND, /* -32601 */
    RPC_INVALID_PARAMS,   /* -32602 */
    RPC_INTERNAL_ERROR,   /* -32603 */
    RPC_NOT_FOUND,        /* -32001 */
    RPC_ALREADY_EXISTS,   /* -32002 */
    RPC_MAILBOX_FULL,     /* -32003 */
    RPC_BREAKER_OPEN,     /* -32004 */
    RPC_TIMEOUT,          /* -32005, retry_safe false */
    RPC_TIMEOUT_KEYED,    /* -32005, retry_safe true: the request had a `key` */
    RPC_FAILED,           /* -32006 */
    RPC_REJECTED,         /* -32007 */
    RPC_CANCELLED,        /* -32008 `cancelled` */
    RPC_EXPIRED,          /* -32008 `expired` */
    RPC_DRAINING,         /* -32009 */
    RPC_DENIED,           /* -32010 */
    RPC_TOO_LARGE,        /* -32011 `too_large` */
    RPC_BUSY,             /* -32011 `busy` */
    RPC_INVALID_STATE,    /* -32012 */
    RPC_STOPPED,          /* -32013 */
    RPC_UNAVAILABLE,      /* -32014 */
    RPC_CODES
} rpc_code;

/* The number in `code`, the text in `data.code`, what is in `data.retry_safe`. */
int rpc_number(rpc_code code);
const char *rpc_name(rpc_code code);
bool rpc_retry_safe(rpc_code code);

/* The code called `name`; RPC_OK where there is none. */
rpc_code rpc_code_by_name(const char *name);

/* A failure with its sentence. */
typedef struct rpc_failure {
    rpc_code code;
    char message[RPC_MESSAGE_MAX + 1];
} rpc_failure;

/* Fill *failure; the message is cut at RPC_MESSAGE_MAX, on a character's boundary, and marked
 * with "…". Returns `code`, so that it can end a function. */
rpc_code rpc_fail(rpc_failure *failure, rpc_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- requests ---- */

typedef struct rpc_request {
    json_value id;                   /* the bytes to answer with; `null` where there is none */
    bool notification;               /* no answer, whatever happens */
    char method[RPC_METHOD_MAX + 1]; /* decoded; "" where it isn't known */
    json_value params;               /* an object, `{}` where there are none; or an array, which
                                      * rpc_params_read() refuses once the method is known */
    json_value auth;                 /* a string as written; len 0 where there is none */
    rpc_failure failure;             /* RPC_OK: to be carried out */
} rpc_request;

typedef struct rpc_frame {
    bool batch;      /* the answer is an array */
    size_t requests; /* how many rpc_next() yields */
    /* private */
    json_iter rest;
    json_value single;
    rpc_failure failure;
    size_t yielded;
} rpc_frame;

/* Judge one frame. Its bytes must stay as long as the frame and its requests are used. */
void rpc_open(rpc_frame *frame, const char *bytes, size_t len);

/* The next request; false at the end. */
bool rpc_next(rpc_frame *frame, rpc_request *request);

/* The id to answer a frame with that isn't going to be carried out: that of a single request,
 * `null` for anything else. */
json_value rpc_peek_id(const char *bytes, size_t len);

/* ---- answers ---- */

/* {"jsonrpc":"2.0","id":ID,"result":RESULT}, verbatim. */
void rpc_put_result(json_out *out, json_value id, const char *result, size_t len);

/* The same in two halves, with any one json_out value written between them. */
void rpc_begin_result(json_out *out, json_value id);
void rpc_end_result(json_out *out);

/* {"jsonrpc":"2.0","id":ID,"error":{"code":…,"message":…,"data":{"code":…,"retry_safe":…,…}}}
 *
 * `members` (NULL: none) holds more members of `data`, written with json_out_key() and the like
 * into a json_out of its own, no object around them. Its error becomes `out`'s.
 */
void rpc_put_error(json_out *out, json_value id, rpc_code code, const char *message,
                   const json_out *members);

/* The error object alone: results of `group`, a message's `error`. */
void rpc_put_error_object(json_out *out, rpc_code code, const char *message,
                          const json_out *members);

/* ---- params ---- */

typedef enum rpc_type {
    RPC_STRING,   /* text: no \u0000, no half surrogate pairs; at least `min` bytes */
    RPC_INT,      /* number: whole, within min..max */
    RPC_BOOL,     /* flag */
    RPC_DURATION, /* number: milliseconds, rounded up; written as in the file, "250ms" */
    RPC_TIME,     /* number: milliseconds since 1970 UTC; written as in RFC 3339 */
    RPC_RAW,      /* any value */
    RPC_ANY_OBJECT,
    RPC_ANY_ARRAY,
} rpc_type;

typedef struct rpc_param {
    const char *name;
    rpc_type type;
    bool required;
    int64_t min; /* RPC_INT: both 0 means unbounded; RPC_STRING: the shortest and the longest */
    int64_t max; /* length in bytes, 0 means unbounded */
} rpc_param;

enum { RPC_SMALL_TEXT = 135 }; /* a name of 128 bytes fits */

typedef struct rpc_value {
    bool present;   /* else nothing below is set */
    json_value raw; /* always, for every type: the bytes as written */
    int64_t number;
    bool flag;
    const char *text; /* NUL-terminated; points at `small` or `owned`: don't copy the struct */
    size_t text_len;
    char *owned;
    char small[RPC_SMALL_TEXT + 1];
} rpc_value;

/* Read `params` by a table: values[i] belongs to table[i].
 *
 * Refused with RPC_INVALID_PARAMS and a message that names the param: one that isn't in the table
 * (with the nearest that is), one given twice, a wrong type or value, a required one missing.
 *
 * Returns  RPC_OK, RPC_INVALID_PARAMS or RPC_INTERNAL_ERROR (no memory), the latter two also in
 *          *failure.
 * Memory   rpc_params_free(values, count) afterwards, whatever was returned.
 */
rpc_code rpc_params_read(json_value params, const rpc_param *table, size_t count, rpc_value *values,
                         rpc_failure *failure);

void rpc_params_free(rpc_value *values, size_t count);

#endif
