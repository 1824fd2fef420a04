#include "daemon/rpc.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/rfc3339.h"

/* A service as small as can be: `ping` answers true, `add` takes {"a","b"}. */
static void call(const rpc_request *request, json_out *out)
{
    static const rpc_param operands[] = {
        {.name = "a", .type = RPC_INT, .required = true},
        {.name = "b", .type = RPC_INT, .required = true},
    };
    rpc_value values[2];
    rpc_failure failure = request->failure;

    if (failure.code == RPC_OK && strcmp(request->method, "ping") == 0) {
        if (rpc_params_read(request->params, NULL, 0, NULL, &failure) == RPC_OK)
            rpc_put_result(out, request->id, "true", 4);
    } else if (failure.code == RPC_OK && strcmp(request->method, "add") == 0) {
        if (rpc_params_read(request->params, operands, 2, values, &failure) == RPC_OK) {
            rpc_begin_result(out, request->id);
            json_out_int(out, values[0].number + values[1].number);
            rpc_end_result(out);
        }
        rpc_params_free(values, 2);
    } else if (failure.code == RPC_OK) {
        rpc_fail(&failure, RPC_METHOD_NOT_FOUND, "Method not found");
    }
    if (failure.code != RPC_OK)
        rpc_put_error(out, request->id, failure.code, "E", NULL);
}

static char *serve(const char *frame_text)
{
    json_out out = {.data = NULL};
    rpc_frame frame;
    rpc_request request;
    size_t answers = 0;

    rpc_open(&frame, frame_text, strlen(frame_text));
    while (rpc_next(&frame, &request)) {
        json_out nowhere = {.data = NULL};

        if (frame.batch && answers == 0 && !request.notification)
            json_out_array(&out);
        answers += !request.notification;
        call(&request, request.notification ? &nowhere : &out);
        json_out_free(&nowhere);
    }
    if (frame.batch && answers > 0)
        json_out_array_end(&out);
    ck_assert_int_eq(out.err, JSON_OK);
    return json_out_take(&out, NULL);
}

#define RESULT(id, value) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" value "}"
#define ERROR(id, number, name)                                                                    \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" number                               \
    ",\"message\":\"E\",\"data\":{\"code\":\"" name "\",\"retry_safe\":false}}}"
#define PARSE_ERROR        ERROR("null", "-32700", "parse_error")
#define INVALID(id)        ERROR(id, "-32600", "invalid_request")
#define NO_METHOD(id)      ERROR(id, "-32601", "method_not_found")
#define INVALID_PARAMS(id) ERROR(id, "-32602", "invalid_params")

static const struct {
    const char *frame;
    const char *answer;
} conversations[] = {
    /* The examples of the specification's last section, in its order. Params by position don't
     * exist here, so those examples end in -32602. */
    {"{\"jsonrpc\": \"2.0\", \"method\": \"add\", \"params\": [42, 23], \"id\": 1}",
     INVALID_PARAMS("1")},
    {"{\"jsonrpc\": \"2.0\", \"method\": \"add\", \"params\": {\"b\": 23, \"a\": 42}, \"id\": 3}",
     RESULT("3", "65")},
    {"{\"jsonrpc\": \"2.0\", \"method\": \"add\", \"params\": {\"a\": 42, \"b\": 23}, \"id\": 4}",
     RESULT("4", "65")},
    {"{\"jsonrpc\": \"2.0\", \"method\": \"update\", \"params\": [1,2,3,4,5]}", ""},
    {"{\"jsonrpc\": \"2.0\", \"method\": \"foobar\"}", ""},
    {"{\"jsonrpc\": \"2.0\", \"method\": \"foobar\", \"id\": \"1\"}", NO_METHOD("\"1\"")},
    {"{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]", PARSE_ERROR},
    {"{\"jsonrpc\": \"2.0\", \"method\": 1, \"params\": \"bar\"}", INVALID("null")},
    {"[{\"jsonrpc\": \"2.0\", \"method\": \"add\", \"params\": [1,2,4], \"id\": \"1\"},"
     "{\"jsonrpc\": \"2.0\", \"method\"]",
     PARSE_ERROR},
    {"[]", INVALID("null")},
    {"[1]", "[" INVALID("null") "]"},
    {"[1,2,3]", "[" INVALID("null") "," INVALID("null") "," INVALID("null") "]"},
    {"[{\"jsonrpc\": \"2.0\", \"method\": \"add\", \"params\": {\"a\":3,\"b\":4}, \"id\": \"1\"},"
     "{\"jsonrpc\": \"2.0\", \"method\": \"notify_hello\", \"params\": [7]},"
     "{\"jsonrpc\": \"2.0\", \"method\": \"add\", \"params\": {\"a\":42,\"b\":-23}, \"id\": \"2\"},"
     "{\"foo\": \"boo\"},"
     "{\"jsonrpc\": \"2.0\", \"method\": \"foo.get\", \"params\": {\"name\": \"myself\"}, "
     "\"id\": \"5\"},"
     "{\"jsonrpc\": \"2.0\", \"method\": \"ping\", \"id\": \"9\"}]",
     "[" RESULT("\"1\"", "7") "," RESULT("\"2\"", "19") "," INVALID("null") "," NO_METHOD(
         "\"5\"") "," RESULT("\"9\"", "true") "]"},
    {"[{\"jsonrpc\": \"2.0\", \"method\": \"notify_sum\", \"params\": [1,2,4]},"
     "{\"jsonrpc\": \"2.0\", \"method\": \"notify_hello\", \"params\": [7]}]",
     ""},

    /* Ids come back in the bytes they came in. */
    {"{\"jsonrpc\":\"2.0\",\"id\":1.50,\"method\":\"ping\"}", RESULT("1.50", "true")},
    {"{\"jsonrpc\":\"2.0\",\"id\":123456789012345678901234567890,\"method\":\"ping\"}",
     RESULT("123456789012345678901234567890", "true")},
    {"{\"jsonrpc\":\"2.0\",\"id\":\"\\u0041\\u0000\",\"method\":\"ping\"}",
     RESULT("\"\\u0041\\u0000\"", "true")},
    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", RESULT("null", "true")},
    {"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":1}", INVALID("7")},
    {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"ping\"}", INVALID("null")},
    {"{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"ping\"}", INVALID("null")},
    {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", INVALID("null")},

    /* Envelopes. */
    {"1", INVALID("null")},
    {"\"ping\"", INVALID("null")},
    {"{}", INVALID("null")},
    {"{\"id\":1,\"method\":\"ping\"}", INVALID("1")},
    {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", INVALID("1")},
    {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"ping\"}", INVALID("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1}", INVALID("1")},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"params\":1}", INVALID("null")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":null}", INVALID("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"auth\":1}", INVALID("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"auth\":\"t\"}", RESULT("1", "true")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"trace\":[]}", RESULT("1", "true")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"m\\u0065thod\":\"p\\u0069ng\"}", RESULT("1", "true")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\\u0000\"}", NO_METHOD("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\\ud800\"}", NO_METHOD("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}", NO_METHOD("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nope\",\"params\":[]}", NO_METHOD("1")},

    /* Duplicates. */
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"method\":\"ping\"}", INVALID("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"m\\u0065thod\":\"ping\"}", INVALID("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}", INVALID("null")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":1,\"id\":1,\"method\":\"ping\"}", INVALID("null")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":1,\"x\":1}", INVALID("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"add\",\"params\":{\"a\":1,\"b\":2,\"a\":1}}",
     INVALID_PARAMS("1")},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"a\":1}}",
     INVALID_PARAMS("1")},
};

START_TEST(a_frame_is_answered_as_the_specification_says)
{
    char *answer = serve(conversations[_i].frame);

    ck_assert_msg(strcmp(answer, conversations[_i].answer) == 0, "%s\n got %s\nnot %s",
                  conversations[_i].frame, answer, conversations[_i].answer);
    free(answer);
}
END_TEST

static size_t repeat(char *text, const char *first, const char *item, size_t count,
                     const char *last)
{
    char *at = stpcpy(text, first);

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *at++ = ',';
        at = stpcpy(at, item);
    }
    return (size_t)(stpcpy(at, last) - text);
}

START_TEST(a_batch_has_a_largest_size)
{
    static char text[2 * (RPC_BATCH_MAX + 2) + 2];
    rpc_request request;
    rpc_frame frame;

    rpc_open(&frame, text, repeat(text, "[", "1", RPC_BATCH_MAX, "]"));
    ck_assert(frame.batch);
    ck_assert_uint_eq(frame.requests, RPC_BATCH_MAX);
    rpc_open(&frame, text, repeat(text, "[", "1", RPC_BATCH_MAX + 1, "]"));
    ck_assert(!frame.batch);
    ck_assert(rpc_next(&frame, &request));
    ck_assert_int_eq(request.failure.code, RPC_INVALID_REQUEST);
    ck_assert(!rpc_next(&frame, &request));
}
END_TEST

START_TEST(an_envelope_has_a_largest_size)
{
    char text[8 * (RPC_ENVELOPE_MAX + 8)];
    rpc_request request;
    rpc_frame frame;

    rpc_open(&frame, text, repeat(text, "{", "\"\":0", RPC_ENVELOPE_MAX + 1, "}"));
    ck_assert(rpc_next(&frame, &request));
    ck_assert_int_eq(request.failure.code, RPC_INVALID_REQUEST);
}
END_TEST

START_TEST(a_payload_is_its_exact_bytes)
{
    static const char text[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":"
        "{\"msg\": {\"n\":123456789012345678901234567890, \"a\":1,\"a\":2} }}";
    static const rpc_param table[] = {{.name = "msg", .type = RPC_RAW, .required = true}};
    rpc_request request;
    rpc_failure failure;
    rpc_value value;
    rpc_frame frame;

    rpc_open(&frame, text, strlen(text));
    ck_assert(rpc_next(&frame, &request));
    ck_assert_int_eq(rpc_params_read(request.params, table, 1, &value, &failure), RPC_OK);
    ck_assert_mem_eq(value.raw.start, "{\"n\":123456789012345678901234567890, \"a\":1,\"a\":2}",
                     value.raw.len);
    ck_assert_uint_eq(value.raw.len, 49);
}
END_TEST

START_TEST(an_id_is_found_without_carrying_out)
{
    static const struct {
        const char *text;
        const char *id;
    } rows[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}", "\"a\""},
        {"{\"id\":1}", "1"},
        {"[{\"id\":1}]", "null"},
        {"garbage", "null"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_value id = rpc_peek_id(rows[i].text, strlen(rows[i].text));

        ck_assert_uint_eq(id.len, strlen(rows[i].id));
        ck_assert_mem_eq(id.start, rows[i].id, id.len);
    }
}
END_TEST

/* ---- errors ---- */

static const struct {
    rpc_code code;
    int number;
    const char *name;
    bool retry_safe;
} contract[] = {
    {RPC_NOT_FOUND, -32001, "not_found", false},
    {RPC_ALREADY_EXISTS, -32002, "already_exists", false},
    {RPC_MAILBOX_FULL, -32003, "mailbox_full", true},
    {RPC_BREAKER_OPEN, -32004, "breaker_open", true},
    {RPC_TIMEOUT, -32005, "timeout", false},
    {RPC_TIMEOUT_KEYED, -32005, "timeout", true},
    {RPC_FAILED, -32006, "failed", false},
    {RPC_REJECTED, -32007, "rejected", false},
    {RPC_CANCELLED, -32008, "cancelled", false},
    {RPC_EXPIRED, -32008, "expired", false},
    {RPC_DRAINING, -32009, "draining", true},
    {RPC_DENIED, -32010, "denied", false},
    {RPC_TOO_LARGE, -32011, "too_large", false},
    {RPC_BUSY, -32011, "busy", true},
    {RPC_INVALID_STATE, -32012, "invalid_state", false},
    {RPC_STOPPED, -32013, "stopped", false},
    {RPC_UNAVAILABLE, -32014, "unavailable", true},
};

START_TEST(an_error_is_as_in_the_contract)
{
    ck_assert_int_eq(rpc_number(contract[_i].code), contract[_i].number);
    ck_assert_str_eq(rpc_name(contract[_i].code), contract[_i].name);
    ck_assert(rpc_retry_safe(contract[_i].code) == contract[_i].retry_safe);
    ck_assert_int_eq(rpc_number(rpc_code_by_name(contract[_i].name)), contract[_i].number);
}
END_TEST

START_TEST(an_error_carries_more_members)
{
    json_out members = {.data = NULL};
    json_out out = {.data = NULL};

    json_out_key(&members, "retry_after_ms");
    json_out_int(&members, 18000);
    json_out_key(&members, "breaker");
    json_out_text(&members, "b");
    rpc_put_error(&out, (json_value){"1", 1, JSON_NUMBER}, RPC_BREAKER_OPEN, "\"b\" is open",
                  &members);
    ck_assert_str_eq(out.data,
                     "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32004,\"message\":"
                     "\"\\\"b\\\" is open\",\"data\":{\"code\":\"breaker_open\",\"retry_safe\":"
                     "true,\"retry_after_ms\":18000,\"breaker\":\"b\"}}}");
    json_out_free(&out);
    json_out_free(&members);
}
END_TEST

START_TEST(a_long_message_is_cut_between_characters)
{
    rpc_failure failure;
    char text[2 * RPC_MESSAGE_MAX + 1];

    for (size_t i = 0; i < RPC_MESSAGE_MAX; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 3);
    for (int shift = 0; shift < 2; shift++) {
        ck_assert_int_eq(rpc_fail(&failure, RPC_FAILED, "%.*s%s", shift, "x", text), RPC_FAILED);
        ck_assert_uint_le(strlen(failure.message), RPC_MESSAGE_MAX);
        ck_assert_uint_ge(strlen(failure.message), RPC_MESSAGE_MAX - 3);
        ck_assert_str_eq(failure.message + strlen(failure.message) - 5, "\xc3\xa9…");
    }
}
END_TEST

/* ---- params ---- */

enum { TO, COUNT, SURE, WAIT, AT, MSG, MAP, LIST, PARAMS };

static const rpc_param table[PARAMS] = {
    [TO] = {.name = "to", .type = RPC_STRING, .min = 1, .max = 200},
    [COUNT] = {.name = "count", .type = RPC_INT, .min = 1, .max = 1000},
    [SURE] = {.name = "sure", .type = RPC_BOOL},
    [WAIT] = {.name = "timeout", .type = RPC_DURATION},
    [AT] = {.name = "at", .type = RPC_TIME},
    [MSG] = {.name = "msg", .type = RPC_RAW},
    [MAP] = {.name = "map", .type = RPC_ANY_OBJECT},
    [LIST] = {.name = "list", .type = RPC_ANY_ARRAY},
};

static rpc_value values[PARAMS];
static rpc_failure why;

static rpc_code read_params(const char *text)
{
    json_value root;

    ck_assert_int_eq(json_parse(text, strlen(text), &root, NULL), JSON_OK);
    return rpc_params_read(root, table, PARAMS, values, &why);
}

static void teardown(void)
{
    rpc_params_free(values, PARAMS);
}

START_TEST(params_are_read_by_their_types)
{
    ck_assert_int_eq(read_params("{\"to\":\"a\\u0062\",\"count\":1e3,\"sure\":true,\"timeout\":"
                                 "\"1s500us\",\"at\":\"1970-01-01T00:00:01.5Z\",\"msg\":null,"
                                 "\"map\":{},\"list\":[]}"),
                     RPC_OK);
    ck_assert_str_eq(values[TO].text, "ab");
    ck_assert_uint_eq(values[TO].text_len, 2);
    ck_assert_int_eq(values[COUNT].number, 1000);
    ck_assert(values[SURE].flag);
    ck_assert_int_eq(values[WAIT].number, 1001);
    ck_assert_int_eq(values[AT].number, 1500);
    ck_assert(values[MSG].present && values[MSG].raw.type == JSON_NULL);
    ck_assert(values[MAP].present && values[LIST].present);
}
END_TEST

START_TEST(params_left_out_are_not_present)
{
    ck_assert_int_eq(read_params("{}"), RPC_OK);
    for (int i = 0; i < PARAMS; i++)
        ck_assert(!values[i].present);
}
END_TEST

START_TEST(long_text_has_memory_of_its_own)
{
    char text[256];

    snprintf(text, sizeof text, "{\"to\":\"%0200d\"}", 0);
    ck_assert_int_eq(read_params(text), RPC_OK);
    ck_assert_uint_eq(values[TO].text_len, 200);
    ck_assert_uint_eq(strlen(values[TO].text), 200);
}
END_TEST

static const struct {
    const char *params;
    const char *named; /* must be in the message */
} refusals[] = {
    {"[]", "not an array"},
    {"{\"tp\":\"a\"}", "'to'"},
    {"{\"tiemout\":\"5s\"}", "'timeout'"},
    {"{\"zzz\":1}", "'zzz'"},
    {"{\"to\\u0000\":\"a\"}", "no param of that name"},
    {"{\"to\":\"a\",\"t\\u006f\":\"a\"}", "'to' is given twice"},
    {"{\"to\":1}", "'to' is a string, not 1"},
    {"{\"to\":[1]}", "'to' is a string, not an array"},
    {"{\"to\":\"\"}", "'to' is too short"},
    {"{\"to\":\"a\\u0000b\"}", "'to'"},
    {"{\"to\":\"\\ud800\"}", "'to'"},
    {"{\"count\":1.5}", "'count' is a whole number from 1 to 1000, not 1.5"},
    {"{\"count\":0}", "'count'"},
    {"{\"count\":1001}", "'count'"},
    {"{\"count\":\"1\"}", "'count'"},
    {"{\"sure\":1}", "'sure' is true or false"},
    {"{\"timeout\":5}", "'timeout' is a duration"},
    {"{\"timeout\":\"5\"}", "'timeout' is a duration such as \"250ms\", not \"5\""},
    {"{\"timeout\":\"-1s\"}", "'timeout' is a duration such as \"250ms\", not \"-1s\""},
    {"{\"at\":\"tomorrow\"}", "'at' is a time"},
    {"{\"at\":1}", "'at' is a time"},
    {"{\"map\":[]}", "'map' is an object"},
    {"{\"list\":{}}", "'list' is an array"},
};

START_TEST(wrong_params_are_refused_by_name)
{
    ck_assert_int_eq(read_params(refusals[_i].params), RPC_INVALID_PARAMS);
    ck_assert_int_eq(why.code, RPC_INVALID_PARAMS);
    ck_assert_msg(strstr(why.message, refusals[_i].named) != NULL, "%s: %s", refusals[_i].params,
                  why.message);
}
END_TEST

START_TEST(a_missing_param_is_named)
{
    static const rpc_param one[] = {{.name = "name", .type = RPC_STRING, .required = true}};
    json_value empty = {"{}", 2, JSON_OBJECT};

    ck_assert_int_eq(rpc_params_read(empty, one, 1, values, &why), RPC_INVALID_PARAMS);
    ck_assert_ptr_nonnull(strstr(why.message, "'name' is missing"));
}
END_TEST

/* ---- times ---- */

static const struct {
    const char *text;
    bool valid;
    int64_t ms;
} times[] = {
    {"1970-01-01T00:00:00Z", true, 0},
    {"1969-12-31T23:59:59.999Z", true, -1},
    {"2026-01-01T00:00:00.000Z", true, INT64_C(1767225600000)},
    {"2026-01-01t02:30:00+02:30", true, INT64_C(1767225600000)},
    {"2024-02-29 12:00:00.123456789-01:00", true, INT64_C(1709211600123)},
    {"2016-12-31T23:59:60Z", true, INT64_C(1483228800000)},
    {"0000-01-01T00:00:00Z", true, INT64_C(-62167219200000)},
    {"9999-12-31T23:59:59.999Z", true, INT64_C(253402300799999)},
    {"2023-02-29T00:00:00Z", false, 0},
    {"2026-13-01T00:00:00Z", false, 0},
    {"2026-01-01T24:00:00Z", false, 0},
    {"2026-01-01T00:00:00", false, 0},
    {"2026-01-01T00:00:00.Z", false, 0},
    {"2026-01-01T00:00:00Zx", false, 0},
    {"2026-01-01", false, 0},
    {"26-01-01T00:00:00Z", false, 0},
    {"", false, 0},
};

START_TEST(a_time_is_read_as_rfc_3339)
{
    int64_t ms = 0;

    ck_assert(rfc3339_parse(times[_i].text, &ms) == times[_i].valid);
    ck_assert_int_eq(ms, times[_i].ms);
}
END_TEST

START_TEST(a_time_is_written_as_it_is_read)
{
    char text[RFC3339_TEXT];
    int64_t ms;

    ck_assert_str_eq(rfc3339_format(0, text), "1970-01-01T00:00:00.000Z");
    ck_assert_str_eq(rfc3339_format(-1, text), "1969-12-31T23:59:59.999Z");
    ck_assert_str_eq(rfc3339_format(INT64_C(1709211600123), text), "2024-02-29T13:00:00.123Z");
    ck_assert_str_eq(rfc3339_format(INT64_MIN, text), "0000-01-01T00:00:00.000Z");
    ck_assert_str_eq(rfc3339_format(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
    for (int64_t at = INT64_C(-62167219200000); at < INT64_C(253402300799999);
         at += INT64_C(86399999) * 97) {
        ck_assert(rfc3339_parse(rfc3339_format(at, text), &ms));
        ck_assert_int_eq(ms, at);
    }
}
END_TEST

#define ROWS(rows) ((int)(sizeof(rows) / sizeof *(rows)))

int main(void)
{
    Suite *suite = suite_create("rpc");
    TCase *envelopes = tcase_create("envelopes");
    TCase *failures = tcase_create("errors");
    TCase *params = tcase_create("params");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(envelopes, a_frame_is_answered_as_the_specification_says, 0,
                        ROWS(conversations));
    tcase_add_test(envelopes, a_batch_has_a_largest_size);
    tcase_add_test(envelopes, an_envelope_has_a_largest_size);
    tcase_add_test(envelopes, a_payload_is_its_exact_bytes);
    tcase_add_test(envelopes, an_id_is_found_without_carrying_out);
    tcase_add_loop_test(failures, an_error_is_as_in_the_contract, 0, ROWS(contract));
    tcase_add_test(failures, an_error_carries_more_members);
    tcase_add_test(failures, a_long_message_is_cut_between_characters);
    tcase_add_checked_fixture(params, NULL, teardown);
    tcase_add_test(params, params_are_read_by_their_types);
    tcase_add_test(params, params_left_out_are_not_present);
    tcase_add_test(params, long_text_has_memory_of_its_own);
    tcase_add_loop_test(params, wrong_params_are_refused_by_name, 0, ROWS(refusals));
    tcase_add_test(params, a_missing_param_is_named);
    tcase_add_loop_test(params, a_time_is_read_as_rfc_3339, 0, ROWS(times));
    tcase_add_test(params, a_time_is_written_as_it_is_read);
    suite_add_tcase(suite, envelopes);
    suite_add_tcase(suite, failures);
    suite_add_tcase(suite, params);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
