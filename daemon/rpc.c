/* Frames, envelopes, errors and answers. */
#include "daemon/rpc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/utf8.h"

/* ---- errors ---- */

typedef struct error_row {
    int number;
    const char *name;
    bool retry_safe;
} error_row;

static const error_row errors[] = {
    [RPC_OK] = {0, "ok", false},
    [RPC_PARSE_ERROR] = {-32700, "parse_error", false},
    [RPC_INVALID_REQUEST] = {-32600, "invalid_request", false},
    [RPC_METHOD_NOT_FOUND] = {-32601, "method_not_found", false},
    [RPC_INVALID_PARAMS] = {-32602, "invalid_params", false},
    [RPC_INTERNAL_ERROR] = {-32603, "internal_error", false},
    [RPC_NOT_FOUND] = {-32001, "not_found", false},
    [RPC_ALREADY_EXISTS] = {-32002, "already_exists", false},
    [RPC_MAILBOX_FULL] = {-32003, "mailbox_full", true},
    [RPC_BREAKER_OPEN] = {-32004, "breaker_open", true},
    [RPC_TIMEOUT] = {-32005, "timeout", false},
    [RPC_TIMEOUT_KEYED] = {-32005, "timeout", true},
    [RPC_FAILED] = {-32006, "failed", false},
    [RPC_REJECTED] = {-32007, "rejected", false},
    [RPC_CANCELLED] = {-32008, "cancelled", false},
    [RPC_EXPIRED] = {-32008, "expired", false},
    [RPC_DRAINING] = {-32009, "draining", true},
    [RPC_DENIED] = {-32010, "denied", false},
    [RPC_TOO_LARGE] = {-32011, "too_large", false},
    [RPC_BUSY] = {-32011, "busy", true},
    [RPC_INVALID_STATE] = {-32012, "invalid_state", false},
    [RPC_STOPPED] = {-32013, "stopped", false},
    [RPC_UNAVAILABLE] = {-32014, "unavailable", true},
};
_Static_assert(sizeof errors / sizeof *errors == RPC_CODES, "one row per code");

static const error_row *row_of(rpc_code code)
{
    return &errors[(size_t)code < RPC_CODES ? code : RPC_INTERNAL_ERROR];
}

int rpc_number(rpc_code code)
{
    return row_of(code)->number;
}

const char *rpc_name(rpc_code code)
{
    return row_of(code)->name;
}

bool rpc_retry_safe(rpc_code code)
{
    return row_of(code)->retry_safe;
}

rpc_code rpc_code_by_name(const char *name)
{
    for (int code = RPC_OK + 1; code < RPC_CODES; code++) {
        if (strcmp(errors[code].name, name) == 0)
            return (rpc_code)code;
    }
    return RPC_OK;
}

rpc_code rpc_fail(rpc_failure *failure, rpc_code code, const char *format, ...)
{
    static const char mark[] = "…";
    va_list args;
    int len;

    failure->code = code;
    va_start(args, format);
    len = vsnprintf(failure->message, sizeof failure->message, format, args);
    va_end(args);
    if (len >= (int)sizeof failure->message) {
        size_t cut = sizeof failure->message - sizeof mark;

        while (cut > 0 && ((unsigned char)failure->message[cut] & 0xc0) == 0x80)
            cut--;
        memcpy(failure->message + cut, mark, sizeof mark);
    }
    return code;
}

/* ---- frames ---- */

static const json_value NO_ID = {"null", 4, JSON_NULL};
static const json_value NO_PARAMS = {"{}", 2, JSON_OBJECT};

void rpc_open(rpc_frame *frame, const char *bytes, size_t len)
{
    json_value root;
    size_t where;
    json_err err = json_parse(bytes, len, &root, &where);

    *frame = (rpc_frame){.requests = 1, .failure = {.code = RPC_OK}};
    if (err != JSON_OK) {
        rpc_fail(&frame->failure, RPC_PARSE_ERROR, "Parse error: %s, at byte %zu of %zu",
                 json_strerror(err), where, len);
        return;
    }
    frame->single = root;
    if (root.type != JSON_ARRAY)
        return;
    frame->requests = json_count(root);
    if (frame->requests == 0 || frame->requests > RPC_BATCH_MAX) {
        rpc_fail(&frame->failure, RPC_INVALID_REQUEST,
                 "Invalid request: a batch holds 1 to %d requests, not %zu", RPC_BATCH_MAX,
                 frame->requests);
        frame->requests = 1;
        return;
    }
    frame->batch = true;
    frame->rest = json_each(root);
}

/* ---- envelopes ---- */

typedef enum field { JSONRPC, ID, METHOD, PARAMS, AUTH, FIELDS } field;

static const char *const field_names[FIELDS] = {"jsonrpc", "id", "method", "params", "auth"};

static bool invalid(rpc_failure *failure, const char *text)
{
    rpc_fail(failure, RPC_INVALID_REQUEST, "Invalid request: %s", text);
    return false;
}

/* Find the members of one request, each at most once; fields[i].len is 0 for those not there.
 * Members with other names are allowed: clients add their own. */
static bool collect(json_value entry, json_value fields[FIELDS], rpc_failure *failure)
{
    json_member seen[RPC_ENVELOPE_MAX + 1];
    json_iter iter = json_each(entry);
    size_t count = 0;
    bool unique = true;

    if (entry.type != JSON_OBJECT)
        return invalid(failure, "a request is an object");
    while (json_next_member(&iter, &seen[count])) {
        json_member *member = &seen[count];

        if (count == RPC_ENVELOPE_MAX)
            return invalid(failure, "it has too many members");
        for (size_t i = 0; i < count; i++) {
            if (json_text_same(seen[i].key, member->key))
                unique = false;
        }
        for (int f = 0; f < FIELDS; f++) {
            if (!json_text_is(member->key, field_names[f]))
                continue;
            /* Of two ids neither is the request's. */
            if (f == ID && fields[f].len > 0)
                *member = (json_member){member->key, NO_ID};
            fields[f] = member->value;
        }
        count++;
    }
    return unique || invalid(failure, "it has two members of the same name");
}

static bool read_id(json_value id, rpc_request *request)
{
    if (id.len == 0) {
        request->notification = true;
        return true;
    }
    if (id.type != JSON_STRING && id.type != JSON_NUMBER && id.type != JSON_NULL)
        return invalid(&request->failure, "'id' is a string, a number or null");
    request->id = id;
    return true;
}

static bool read_method(json_value method, rpc_request *request)
{
    if (method.len == 0)
        return invalid(&request->failure, "'method' is missing");
    if (method.type != JSON_STRING)
        return invalid(&request->failure, "'method' is a string");
    if (json_text(method, request->method, sizeof request->method, NULL) == JSON_OK)
        return true;
    request->method[0] = '\0';
    rpc_fail(&request->failure, RPC_METHOD_NOT_FOUND, "Method not found: %.*s",
             (int)(method.len < 128 ? method.len : 128), method.start);
    return true;
}

static bool read_rest(const json_value fields[FIELDS], rpc_request *request)
{
    const json_value *params = &fields[PARAMS];

    if (fields[JSONRPC].len == 0 || !json_text_is(fields[JSONRPC], "2.0"))
        return invalid(&request->failure, "'jsonrpc' is \"2.0\"");
    if (params->len > 0) {
        if (params->type != JSON_OBJECT && params->type != JSON_ARRAY)
            return invalid(&request->failure, "'params' is an object");
        request->params = *params;
    }
    if (fields[AUTH].len > 0 && fields[AUTH].type != JSON_STRING)
        return invalid(&request->failure, "'auth' is a string");
    request->auth = fields[AUTH];
    return read_method(fields[METHOD], request);
}

static void read_request(json_value entry, rpc_request *request)
{
    json_value fields[FIELDS] = {{.len = 0}};
    bool collected = collect(entry, fields, &request->failure);

    if (!read_id(fields[ID], request) || !collected || !read_rest(fields, request)) {
        /* Whether an answer is wanted can't be told from a request that is none. */
        request->notification = false;
    }
}

bool rpc_next(rpc_frame *frame, rpc_request *request)
{
    json_value entry;

    if (frame->yielded == frame->requests)
        return false;
    frame->yielded++;
    *request = (rpc_request){.id = NO_ID, .params = NO_PARAMS};
    if (frame->failure.code != RPC_OK) {
        request->failure = frame->failure;
    } else if (!frame->batch) {
        read_request(frame->single, request);
    } else {
        json_next_element(&frame->rest, &entry); /* there are as many as were counted */
        read_request(entry, request);
    }
    return true;
}

json_value rpc_peek_id(const char *bytes, size_t len)
{
    rpc_frame frame;
    rpc_request request;

    rpc_open(&frame, bytes, len);
    if (frame.batch || !rpc_next(&frame, &request))
        return NO_ID;
    return request.id;
}

/* ---- answers ---- */

static void begin_answer(json_out *out, json_value id)
{
    json_out_object(out);
    json_out_key(out, "jsonrpc");
    json_out_text(out, "2.0");
    json_out_key(out, "id");
    json_out_value(out, id);
}

void rpc_begin_result(json_out *out, json_value id)
{
    begin_answer(out, id);
    json_out_key(out, "result");
}

void rpc_end_result(json_out *out)
{
    json_out_object_end(out);
}

void rpc_put_result(json_out *out, json_value id, const char *result, size_t len)
{
    rpc_begin_result(out, id);
    json_out_raw(out, result, len);
    rpc_end_result(out);
}

void rpc_put_error_object(json_out *out, rpc_code code, const char *message,
                          const json_out *members)
{
    const error_row *row = row_of(code);

    json_out_object(out);
    json_out_key(out, "code");
    json_out_int(out, row->number);
    json_out_key(out, "message");
    json_out_text(out, message);
    json_out_key(out, "data");
    json_out_object(out);
    json_out_key(out, "code");
    json_out_text(out, row->name);
    json_out_key(out, "retry_safe");
    json_out_bool(out, row->retry_safe);
    if (members != NULL) {
        json_out_members(out, members->data, members->len);
        if (members->err != JSON_OK)
            out->err = members->err;
    }
    json_out_object_end(out);
    json_out_object_end(out);
}

void rpc_put_error(json_out *out, json_value id, rpc_code code, const char *message,
                   const json_out *members)
{
    begin_answer(out, id);
    json_out_key(out, "error");
    rpc_put_error_object(out, code, message, members);
    json_out_object_end(out);
}
