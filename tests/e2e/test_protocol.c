/* The command protocol, by the bytes. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#define ECHO CHILDREN "    - {name: echo, echo: {}}\n"

static server *s;

static void start_echo(void)
{
    s = server_start(ECHO);
}

static void stop_echo(void)
{
    server_stop(s);
}

/* The whole answer to a whole request. */
static void says(const char *request, const char *expected)
{
    ck_assert_str_eq(rpc_text(s, request).bytes, expected);
}

/* ---- the examples of the specification's last section, with our methods ---- */

START_TEST(positional_params_are_refused)
{
    answer a = rpc_text(s, "{\"jsonrpc\": \"2.0\", \"method\": \"ask\", \"params\": [42, 23], "
                           "\"id\": 1}");
    expect_error(a, -32602, "invalid_params");
    ck_assert_int_eq((int)number_at(a.json, "id"), 1);
}
END_TEST

START_TEST(named_params_in_any_order)
{
    says("{\"jsonrpc\": \"2.0\", \"method\": \"ask\", \"params\": {\"to\": \"echo\", \"msg\": 19}, "
         "\"id\": 3}",
         "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":19}");
    says("{\"jsonrpc\": \"2.0\", \"method\": \"ask\", \"params\": {\"msg\": 19, \"to\": \"echo\"}, "
         "\"id\": 4}",
         "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":19}");
}
END_TEST

START_TEST(notification_has_an_empty_answer_and_is_carried_out)
{
    says("{\"jsonrpc\": \"2.0\", \"method\": \"send\", \"params\": {\"to\":\"echo\",\"msg\":1}}",
         "");
    says("{\"jsonrpc\": \"2.0\", \"method\": \"foobar\"}", "");
    ck_assert_int_eq((int)stat_of(s, "accepted"), 1);
}
END_TEST

START_TEST(call_of_non_existent_method)
{
    answer a = rpc_text(s, "{\"jsonrpc\": \"2.0\", \"method\": \"foobar\", \"id\": \"1\"}");
    expect_error(a, -32601, "method_not_found");
    ck_assert_str_eq(text_at(a.json, "id"), "1");
}
END_TEST

START_TEST(call_with_invalid_json)
{
    answer a =
        rpc_text(s, "{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]");
    expect_error(a, -32700, "parse_error");
    ck_assert(cJSON_IsNull(json_at(a.json, "id")));
}
END_TEST

START_TEST(call_with_invalid_request_object)
{
    answer a = rpc_text(s, "{\"jsonrpc\": \"2.0\", \"method\": 1, \"params\": \"bar\"}");
    expect_error(a, -32600, "invalid_request");
    ck_assert(cJSON_IsNull(json_at(a.json, "id")));
}
END_TEST

START_TEST(batch_with_invalid_json_is_one_error)
{
    answer a = rpc_text(s, "[{\"jsonrpc\": \"2.0\", \"method\": \"ping\", \"id\": \"1\"},"
                           "{\"jsonrpc\": \"2.0\", \"method\"]");
    expect_error(a, -32700, "parse_error");
    ck_assert(cJSON_IsNull(json_at(a.json, "id")));
}
END_TEST

START_TEST(empty_array_is_one_error)
{
    answer a = rpc_text(s, "[]");
    expect_error(a, -32600, "invalid_request");
    ck_assert(cJSON_IsNull(json_at(a.json, "id")));
}
END_TEST

START_TEST(batch_that_is_invalid_but_not_empty_is_an_array_of_errors)
{
    static const struct {
        const char *request;
        int count;
    } rows[] = {{"[1]", 1}, {"[1,2,3]", 3}};
    for (size_t i = 0; i < 2; i++) {
        answer a = rpc_text(s, rows[i].request);
        ck_assert_int_eq(count_at(a.json, ""), rows[i].count);
        const cJSON *one;
        cJSON_ArrayForEach(one, a.json)
        {
            ck_assert_int_eq((int)number_at(one, "error.code"), -32600);
            ck_assert(cJSON_IsNull(json_at(one, "id")));
        }
    }
}
END_TEST

START_TEST(batch_is_answered_in_order_without_its_notifications)
{
    answer a = rpc_text(
        s, "[{\"jsonrpc\": \"2.0\", \"method\": \"ask\", \"params\": {\"to\":\"echo\",\"msg\":7}, "
           "\"id\": \"1\"},"
           "{\"jsonrpc\": \"2.0\", \"method\": \"send\", \"params\": {\"to\":\"echo\",\"msg\":7}},"
           "{\"jsonrpc\": \"2.0\", \"method\": \"ask\", \"params\": {\"to\":\"echo\",\"msg\":19}, "
           "\"id\": \"2\"},"
           "{\"foo\": \"boo\"},"
           "{\"jsonrpc\": \"2.0\", \"method\": \"foo.get\", \"params\": {\"name\": \"myself\"}, "
           "\"id\": \"5\"},"
           "{\"jsonrpc\": \"2.0\", \"method\": \"ping\", \"id\": \"9\"}]");
    ck_assert_int_eq(count_at(a.json, ""), 5);
    ck_assert_str_eq(text_at(a.json, "[0].id"), "1");
    ck_assert_int_eq((int)number_at(a.json, "[0].result"), 7);
    ck_assert_str_eq(text_at(a.json, "[1].id"), "2");
    ck_assert_int_eq((int)number_at(a.json, "[1].result"), 19);
    ck_assert_int_eq((int)number_at(a.json, "[2].error.code"), -32600);
    ck_assert(cJSON_IsNull(json_at(a.json, "[2].id")));
    ck_assert_int_eq((int)number_at(a.json, "[3].error.code"), -32601);
    ck_assert_str_eq(text_at(a.json, "[3].id"), "5");
    ck_assert(bool_at(a.json, "[4].result.pong"));
    ck_assert_str_eq(text_at(a.json, "[4].id"), "9");
}
END_TEST

START_TEST(batch_waits_for_its_slowest_and_keeps_the_order)
{
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"sleep\",\"sleep\":{}}"));
    answer a = rpc_text(
        s,
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":\"sleep\",\"msg\":{"
        "\"ms\":15}}},{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}]");
    ck_assert_int_eq((int)number_at(a.json, "[0].id"), 1);
    ck_assert_int_eq((int)number_at(a.json, "[0].result.slept_ms"), 15);
    ck_assert_int_eq((int)number_at(a.json, "[1].id"), 2);
}
END_TEST

START_TEST(batch_of_notifications_has_an_empty_answer)
{
    says("[{\"jsonrpc\": \"2.0\", \"method\": \"send\", \"params\": {\"to\":\"echo\",\"msg\":1}},"
         "{\"jsonrpc\": \"2.0\", \"method\": \"send\", \"params\": {\"to\":\"echo\",\"msg\":2}}]",
         "");
    ck_assert_int_eq((int)stat_of(s, "accepted"), 2);
}
END_TEST

/* ---- bytes ---- */

START_TEST(ask_brings_a_payload_back_by_the_byte)
{
    static const char *const payloads[] = {
        "{\"n\":123456789012345678901234567890,\"a\":1,\"a\":2}",
        "{ \"b\" : 1.0e+2 ,\t\"a\":[ ] }",
        "\"\\u0041\\/\\ud83d\\ude00 \xc3\xa9\"",
        "-0",
        "null",
        "\"\"",
    };
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
        expect_result(rpcf(s, "ask", "{\"to\":\"echo\",\"msg\":%s}", payloads[i]), payloads[i]);
}
END_TEST

START_TEST(half_surrogates_pass_in_payloads_only)
{
    static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":"
                              "\"echo\",\"msg\":\"\\ud800\"}}";
    client *c = server_client(s);
    size_t len; /* it is no text that cJSON would read */
    char *bytes = client_receive(c, client_send(c, ask, sizeof ask - 1), &len);
    ck_assert_str_eq(bytes, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"\\ud800\"}");
    free(bytes);
    expect_error(rpc(s, "actor.info", "{\"name\":\"\\ud800\"}"), -32602, "invalid_params");
    expect_error(rpc(s, "actor.info", "{\"name\":\"a\\u0000\"}"), -32602, "invalid_params");
}
END_TEST

START_TEST(id_comes_back_in_the_bytes_it_came_in)
{
    static const char *const ids[] = {
        "1",     "-1",          "1.0",          "1e3",  "123456789012345678901234567890",
        "\"x\"", "\"\\u0041\"", "\"\xc3\xa9\"", "null", "\"\"",
    };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char request[128], expected[128];
        snprintf(request, sizeof request, "{\"jsonrpc\":\"2.0\",\"id\": %s ,\"method\":\"ping\"}",
                 ids[i]);
        snprintf(expected, sizeof expected,
                 "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"pong\":true}}", ids[i]);
        says(request, expected);
    }
}
END_TEST

START_TEST(id_of_another_kind_is_an_invalid_request)
{
    static const char *const ids[] = {"true", "{}", "[1]"};
    for (size_t i = 0; i < 3; i++) {
        char request[128];
        snprintf(request, sizeof request, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}",
                 ids[i]);
        answer a = rpc_text(s, request);
        expect_error(a, -32600, "invalid_request");
        ck_assert(cJSON_IsNull(json_at(a.json, "id")));
    }
}
END_TEST

START_TEST(envelope_that_is_wrong_is_an_invalid_request)
{
    static const char *const requests[] = {
        "{\"id\":1,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
        "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":null}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":7}",
        "\"ping\"",
        "1",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        expect_error(rpc_text(s, requests[i]), -32600, "invalid_request");
}
END_TEST

START_TEST(duplicate_members_of_envelope_and_params_are_refused)
{
    expect_error(rpc_text(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"\\u0069d\":2,\"method\":\"ping\"}"),
                 -32600, "invalid_request");
    expect_error(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1,\"msg\":2}"), -32602, "invalid_params");
    expect_error(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1,\"\\u0074o\":\"echo\"}"), -32602,
                 "invalid_params");
    expect_error(rpc(s, "actor.spawn", "{\"name\":\"a\",\"name\":\"b\",\"echo\":{}}"), -32602,
                 "invalid_params");
    ck_assert_int_eq((int)stat_of(s, "accepted"), 0);
}
END_TEST

START_TEST(garbage_is_a_parse_error_and_the_connection_stays)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"", 0},
        {"   ", 3},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} x", 42},
        {"{\"jsonrpc\":\"2.0\",\"id\":01,\"method\":\"ping\"}", 41},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",}", 41},
        {"{'jsonrpc':'2.0'}", 17},
        {"\xef\xbb\xbf{}", 5},
        {"\"\xff\"", 3},
        {"\0\0\0\0", 4},
        {"nul", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answer a = rpc_bytes(s, rows[i].bytes, rows[i].len);
        expect_error(a, -32700, "parse_error");
        ck_assert(cJSON_IsNull(json_at(a.json, "id")));
    }
    expect_result(rpc(s, "ping", NULL), "{\"pong\":true}");
}
END_TEST

START_TEST(nesting_up_to_128_is_taken_and_129_refused)
{
    for (size_t depth = 126; depth <= 127; depth++) { /* envelope and params are two more */
        char payload[512], request[1024];
        memset(payload, '[', depth);
        memset(payload + depth, ']', depth);
        payload[2 * depth] = '\0';
        snprintf(request, sizeof request,
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":\"echo\","
                 "\"msg\":%s}}",
                 payload);
        answer a = rpc_text(s, request);
        if (depth == 126)
            expect_result(a, payload);
        else
            expect_error(a, -32700, "parse_error");
    }
}
END_TEST

/* Every file of the JSON test suite as a request of its own: refused or not. */
START_TEST(json_test_suite_decides_what_is_json)
{
    glob_t files;
    static char bytes[1 << 18];
    ck_assert_int_eq(glob("tests/data/JSONTestSuite/test_parsing/[ny]_*.json", 0, NULL, &files), 0);
    ck_assert_uint_gt(files.gl_pathc, 280);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *path = files.gl_pathv[i];
        bool valid = strncmp(strrchr(path, '/') + 1, "y_", 2) == 0;
        FILE *f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        size_t len = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        answer a = rpc_bytes(s, bytes, len);
        bool refused = !cJSON_IsArray(a.json) && a.error && number_at(a.error, "code") == -32700;
        ck_assert_msg(refused == !valid, "%s: %s", path, a.bytes);
    }
    globfree(&files);
}
END_TEST

/* ---- names ---- */

START_TEST(unknown_names_come_with_the_nearest)
{
    answer a = rpc(s, "system.stat", NULL);
    expect_error(a, -32601, "method_not_found");
    expect_in(text_at(a.error, "message"), "system.stats");
    a = rpc(s, "ask", "{\"to\":\"echo\",\"mgs\":1}");
    expect_error(a, -32602, "invalid_params");
    expect_in(text_at(a.error, "message"), "'msg'");
    a = rpc(s, "ask", "{\"to\":\"ehco\",\"msg\":1}");
    expect_error(a, -32001, "not_found");
    expect_in(text_at(a.error, "message"), "'echo'");
    a = rpc(s, "actor.info", "{\"name\":\"ehco\"}");
    expect_error(a, -32001, "not_found");
    expect_in(text_at(a.error, "message"), "'echo'");
    a = rpc(s, "actor.spawn", "{\"name\":\"x\",\"ehco\":{}}");
    expect_error(a, -32602, "invalid_params");
    expect_in(text_at(a.error, "message"), "ehco");
    expect_in(a.bytes, "echo");
}
END_TEST

START_TEST(params_are_checked)
{
    static const struct {
        const char *method, *params, *named;
    } rows[] = {
        {"ask", "{\"to\":\"echo\"}", "msg"},
        {"ask", "{\"msg\":1}", "to"},
        {"ask", "{\"to\":7,\"msg\":1}", "to"},
        {"ask", "{\"to\":\"\",\"msg\":1}", "to"},
        {"ask", "{\"to\":\"echo\",\"msg\":1,\"timeout\":5}", "timeout"},
        {"ask", "{\"to\":\"echo\",\"msg\":1,\"timeout\":\"5\"}", "timeout"},
        {"send", "{\"to\":\"echo\",\"msg\":1,\"timeout\":\"5s\"}", "timeout"},
        {"send", "{\"to\":\"echo\",\"msg\":1,\"priority\":\"urgent\"}", "priority"},
        {"send", "{\"to\":\"echo\",\"msg\":1,\"at\":\"tomorrow\"}", "at"},
        {"send", "{\"to\":\"echo\",\"msg\":1,\"delay\":\"1s\",\"at\":\"2030-01-01T00:00:00Z\"}",
         "at"},
        {"send", "{\"to\":\"echo\",\"msg\":1,\"ttl\":\"0s\"}", "ttl"},
        {"send", "{\"to\":\"echo\",\"msg\":1,\"key\":\"\"}", "key"},
        {"message.get", "{}", "message"},
        {"actor.list", "{\"limit\":0}", "limit"},
        {"actor.list", "{\"limit\":1001}", "limit"},
        {"actor.list", "{\"limit\":\"10\"}", "limit"},
        {"deadletter.replay", "{\"dry_run\":1}", "dry_run"},
        {"ping", "{\"x\":1}", "x"},
        {"ask", "{\"to\":\"root\",\"msg\":1}", "root"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        answer a = rpc(s, rows[i].method, rows[i].params);
        expect_error(a, -32602, "invalid_params");
        expect_in(text_at(a.error, "message"), rows[i].named);
    }
    ck_assert_int_eq((int)stat_of(s, "accepted"), 0);
}
END_TEST

START_TEST(methods_of_later_say_so)
{
    static const char *const methods[] = {"group", "queue.reserve", "config.show", "event.since"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        answer a = rpc(s, methods[i], "{}");
        expect_error(a, -32601, "method_not_found");
        expect_in(text_at(a.error, "message"), "not supported yet");
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        positional_params_are_refused,
        named_params_in_any_order,
        notification_has_an_empty_answer_and_is_carried_out,
        call_of_non_existent_method,
        call_with_invalid_json,
        call_with_invalid_request_object,
        batch_with_invalid_json_is_one_error,
        empty_array_is_one_error,
        batch_that_is_invalid_but_not_empty_is_an_array_of_errors,
        batch_is_answered_in_order_without_its_notifications,
        batch_waits_for_its_slowest_and_keeps_the_order,
        batch_of_notifications_has_an_empty_answer,
        ask_brings_a_payload_back_by_the_byte,
        half_surrogates_pass_in_payloads_only,
        id_comes_back_in_the_bytes_it_came_in,
        id_of_another_kind_is_an_invalid_request,
        envelope_that_is_wrong_is_an_invalid_request,
        duplicate_members_of_envelope_and_params_are_refused,
        garbage_is_a_parse_error_and_the_connection_stays,
        nesting_up_to_128_is_taken_and_129_refused,
        json_test_suite_decides_what_is_json,
        unknown_names_come_with_the_nearest,
        params_are_checked,
        methods_of_later_say_so,
        NULL,
    };
    return suite_run("protocol", tests, start_echo, stop_echo);
}
