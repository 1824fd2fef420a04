/* The command protocol, by the bytes. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <fcntl.h>
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
    for (int depth = 126; depth <= 127; depth++) { /* envelope and params are two more */
        char payload[512], request[1024];
        memset(payload, '[', (size_t)depth);
        memset(payload + depth, ']', (size_t)depth);
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
    FILE *list = popen("ls tests/data/JSONTestSuite/test_parsing/[ny]_*.json", "r");
    char path[512];
    int seen = 0;
    while (fgets(path, sizeof path, list)) {
        path[strcspn(path, "\n")] = '\0';
        bool valid = strncmp(strrchr(path, '/') + 1, "y_", 2) == 0;
        FILE *f = fopen(path, "re");
        static char bytes[1 << 18];
        size_t len = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        answer a = rpc_bytes(s, bytes, len);
        bool refused = !cJSON_IsArray(a.json) && a.error && number_at(a.error, "code") == -32700;
        ck_assert_msg(refused == !valid, "%s: %s", path, a.bytes);
        seen++;
    }
    ck_assert_int_eq(pclose(list), 0);
    ck_assert_int_gt(seen, 280);
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

START_TEST(methods_of_later_are_unknown)
{
    static const char *const methods[] = {"group", "queue.reserve", "config.show", "event.since"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        expect_error(rpc(s, methods[i], "{}"), -32601, "method_not_found");
}
END_TEST

/* ---- clients ---- */

START_TEST(nngcat_is_a_client)
{
    char command[512], out[512] = "";
    snprintf(
        command, sizeof command,
        "nngcat --req --raw --dial %s --data '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\","
        "\"params\":{\"to\":\"echo\",\"msg\":{\"n\":123456789012345678901234567890,\"a\":1,"
        "\"a\":2}}}'",
        server_url(s));
    FILE *cat = popen(command, "r");
    ck_assert_ptr_nonnull(cat);
    size_t len = fread(out, 1, sizeof out - 1, cat);
    out[len] = '\0';
    ck_assert_int_eq(pclose(cat), 0);
    ck_assert_str_eq(out, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":"
                          "{\"n\":123456789012345678901234567890,\"a\":1,\"a\":2}}");
}
END_TEST

START_TEST(client_that_connects_and_closes_harms_nobody)
{
    for (int i = 0; i < 20; i++)
        client_close(server_connect(s));
    expect_result(rpc(s, "ping", NULL), "{\"pong\":true}");
    wait_until(stat_of(s, "clients") == 1);
}
END_TEST

START_TEST(client_that_speaks_garbage_is_hung_up_on)
{
    client *c = server_connect(s);
    client_raw(c, "\x02 this is no frame at all, whatever it may be", 40);
    client_wait_closed(c);
    client_close(c);
    expect_result(rpc(s, "ping", NULL), "{\"pong\":true}");
}
END_TEST

START_TEST(answers_come_when_they_are_ready)
{
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"sleep\",\"sleep\":{}}"));
    uint32_t slow =
        rpc_send(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":60000},\"timeout\":\"1m\"}");
    expect_result(rpc(s, "ping", NULL), "{\"pong\":true}");
    ck_assert(!rpc_answered(s, slow));
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"sleep\"}"));
    expect_error(rpc_receive(s, slow), -32006, "failed");
}
END_TEST

START_TEST(order_of_one_client_is_kept)
{
    uint32_t numbers[50];
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"counter\",\"counter\":{}}"));
    for (int i = 0; i < 50; i++)
        numbers[i] = rpc_send(s, "ask", "{\"to\":\"counter\",\"msg\":{\"add\":1}}");
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq((int)cJSON_GetNumberValue(rpc_receive(s, numbers[i]).result), i + 1);
}
END_TEST

START_TEST(client_that_goes_away_leaves_its_messages)
{
    expect_ok(rpc(s, "actor.pause", "{\"name\":\"echo\"}"));
    client *c = server_connect(s);
    static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":"
                              "\"echo\",\"msg\":1,\"timeout\":\"1m\"}}";
    client_send(c, ask, sizeof ask - 1);
    wait_until(stat_of(s, "waiting") == 1);
    client_close(c);
    wait_until(stat_of(s, "clients") == 1);
    expect_ok(rpc(s, "actor.resume", "{\"name\":\"echo\"}"));
    wait_until(stat_of(s, "done") == 1);
}
END_TEST

/* ---- limits ---- */

START_TEST(over_limits_message_is_too_large_and_the_connection_stays)
{
    server *small = server_start("version: 1\nlimits: {message: 1KiB}\n"
                                 "supervisor: {children: [{name: echo, echo: {}}]}\n");
    char payload[2000];
    memset(payload, 'x', sizeof payload - 1);
    payload[0] = payload[sizeof payload - 2] = '"';
    payload[sizeof payload - 1] = '\0';
    answer a = rpcf(small, "ask", "{\"to\":\"echo\",\"msg\":%s}", payload);
    expect_error(a, -32011, "too_large");
    ck_assert(cJSON_IsNull(json_at(a.json, "id")));
    expect_result(rpc(small, "ping", NULL), "{\"pong\":true}");
    server_stop(small);
}
END_TEST

START_TEST(more_than_limits_in_flight_is_busy)
{
    server *small = server_start("version: 1\nlimits: {in_flight_per_client: 4}\n"
                                 "supervisor: {children: [{name: echo, echo: {}}]}\n");
    expect_ok(rpc(small, "actor.pause", "{\"name\":\"echo\"}"));
    uint32_t numbers[5];
    for (int i = 0; i < 5; i++)
        numbers[i] = rpc_send(small, "ask", "{\"to\":\"echo\",\"msg\":1,\"timeout\":\"1m\"}");
    answer a = rpc_receive(small, numbers[4]);
    expect_error(a, -32011, "busy");
    ck_assert(bool_at(a.error, "data.retry_safe"));
    client *other = server_connect(small);
    expect_ok(client_text(small, other,
                          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"actor.resume\","
                          "\"params\":{\"name\":\"echo\"}}"));
    for (int i = 0; i < 4; i++)
        expect_result(rpc_receive(small, numbers[i]), "1");
    client_close(other);
    server_stop(small);
}
END_TEST

START_TEST(client_over_limits_clients_is_hung_up_on)
{
    server *small = server_start("version: 1\nlimits: {clients: 2}\n"
                                 "supervisor: {children: [{name: echo, echo: {}}]}\n");
    expect_ok(rpc(small, "ping", NULL));
    client *second = server_connect(small);
    client_refused(server_url(small));
    client_close(second);
    wait_until(stat_of(small, "clients") == 1);
    client_close(server_connect(small));
    server_stop(small);
}
END_TEST

/* ---- who may do what ---- */

START_TEST(role_of_a_listener_decides)
{
    static const struct {
        const char *socket, *request;
        bool allowed;
    } rows[] = {
        {"observe", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.stats\"}", true},
        {"observe", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tree\"}", true},
        {"observe", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\"}", false},
        {"observe", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"message.get\"}", false},
        {"observe", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"actor.stop\"}", false},
        {"submit", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"breaker.list\"}", true},
        {"submit",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":\"echo\","
         "\"msg\":1}}",
         true},
        {"submit",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"actor.spawn\",\"params\":{\"name\":"
         "\"a\",\"echo\":{}}}",
         false},
        {"submit", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"config.check\"}", false},
        {"submit", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"deadletter.drop\"}", false},
        {"sock", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"deadletter.drop\"}", true},
        {"default",
         "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"actor.stop\",\"params\":{\"name\":"
         "\"echo\"}}",
         true},
    };
    server *many = server_start_with(
        &(server_options){.yaml = "version: 1\nlisten:\n"
                                  "  - {url: 'ipc://${DIR}/sock', role: admin}\n"
                                  "  - {url: 'ipc://${DIR}/default'}\n"
                                  "  - {url: 'ipc://${DIR}/submit', role: submit}\n"
                                  "  - {url: 'ipc://${DIR}/observe', role: observe, via: nng}\n"
                                  "supervisor: {children: [{name: echo, echo: {}}]}\n",
                          .own_listeners = true});
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char url[128];
        snprintf(url, sizeof url, "ipc://%s/%s", server_directory(many), rows[i].socket);
        client *c = client_open(url);
        answer a = client_text(many, c, rows[i].request);
        if (rows[i].allowed)
            expect_ok(a);
        else
            expect_error(a, -32010, "denied");
        client_close(c);
    }
    server_stop(many);
}
END_TEST

START_TEST(tcp_needs_the_token)
{
    server *tcp = server_start_with(
        &(server_options){.yaml = "version: 1\nlisten:\n"
                                  "  - {url: 'ipc://${DIR}/sock'}\n"
                                  "  - {url: 'tcp://127.0.0.1:0', token: sesame, role: submit}\n"
                                  "supervisor: {children: [{name: echo, echo: {}}]}\n",
                          .own_listeners = true});
    answer info = rpc(tcp, "system.info", NULL);
    client *c = client_open(text_at(info.result, "listeners[1]"));
    static const char *const wrong[] = {"", ",\"auth\":\"\"", ",\"auth\":\"sesam\"",
                                        ",\"auth\":\"sesamesesame\"", ",\"auth\":7"};
    char request[256];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(request, sizeof request, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"%s}",
                 wrong[i]);
        answer a = client_text(tcp, c, request);
        ck_assert_ptr_nonnull(a.error);
        if (i < 4)
            expect_error(a, -32010, "denied");
        expect_not_in(a.bytes, "sesame\"");
    }
    expect_ok(client_text(tcp, c,
                          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"auth\":"
                          "\"sesame\"}"));
    expect_error(client_text(tcp, c,
                             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"actor.stop\",\"params\":"
                             "{\"name\":\"echo\"},\"auth\":\"sesame\"}"),
                 -32010, "denied");
    expect_not_in(server_stderr(tcp), "sesame");
    client_close(c);
    server_stop(tcp);
}
END_TEST

START_TEST(users_of_a_listener_are_the_only_ones)
{
    server *s2 = server_start_with(&(server_options){
        .yaml = "version: 1\nlisten:\n"
                "  - {url: 'ipc://${DIR}/sock'}\n"
                "  - {url: 'ipc://${DIR}/theirs', users: [nobody], mode: \"0666\"}\n"
                "supervisor: {children: [{name: echo, echo: {}}]}\n",
        .own_listeners = true});
    char url[128];
    snprintf(url, sizeof url, "ipc://%s/theirs", server_directory(s2));
    client_refused(url);
    expect_ok(rpc(s2, "ping", NULL));
    server_stop(s2);
}
END_TEST

/* ---- introspection ---- */

START_TEST(system_info_and_stats_have_their_members)
{
    const cJSON *info = rpc(s, "system.info", NULL).result;
    text_at(info, "name");
    text_at(info, "version");
    ck_assert_int_eq((int)number_at(info, "pid"), server_pid(s));
    ck_assert_uint_eq(strlen(text_at(info, "started_at")), strlen("2026-01-01T00:00:00.000Z"));
    number_at(info, "uptime_ms");
    ck_assert(number_at(info, "workers") >= 1);
    ck_assert_str_eq(text_at(info, "config"), server_path(s, "actord.yaml"));
    ck_assert(!bool_at(info, "draining"));
    const cJSON *stats = rpc(s, "system.stats", NULL).result;
    ck_assert_int_eq((int)number_at(stats, "accepted"), 0);
    number_at(stats, "restarts");
    number_at(stats, "actors");
    number_at(stats, "per_second");
    expect_balanced(s);
}
END_TEST

START_TEST(actor_list_goes_by_pages)
{
    for (int i = 0; i < 5; i++)
        expect_ok(rpcf(s, "actor.spawn", "{\"name\":\"a%d\",\"echo\":{}}", i));
    answer a = rpc(s, "actor.list", "{\"limit\":4}");
    int seen = count_at(a.result, "items");
    ck_assert_int_eq(seen, 4);
    while (!cJSON_IsNull(json_at(a.result, "next"))) {
        a = rpcf(s, "actor.list", "{\"limit\":4,\"after\":\"%s\"}", text_at(a.result, "next"));
        seen += count_at(a.result, "items");
    }
    answer whole = rpc(s, "actor.list", NULL);
    ck_assert_int_eq(seen, count_at(whole.result, "items"));
    ck_assert(cJSON_IsNull(json_at(whole.result, "next")));
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
        batch_of_notifications_has_an_empty_answer,
        ask_brings_a_payload_back_by_the_byte,
        id_comes_back_in_the_bytes_it_came_in,
        id_of_another_kind_is_an_invalid_request,
        envelope_that_is_wrong_is_an_invalid_request,
        duplicate_members_of_envelope_and_params_are_refused,
        garbage_is_a_parse_error_and_the_connection_stays,
        nesting_up_to_128_is_taken_and_129_refused,
        json_test_suite_decides_what_is_json,
        unknown_names_come_with_the_nearest,
        params_are_checked,
        methods_of_later_are_unknown,
        nngcat_is_a_client,
        client_that_connects_and_closes_harms_nobody,
        client_that_speaks_garbage_is_hung_up_on,
        answers_come_when_they_are_ready,
        order_of_one_client_is_kept,
        client_that_goes_away_leaves_its_messages,
        over_limits_message_is_too_large_and_the_connection_stays,
        more_than_limits_in_flight_is_busy,
        client_over_limits_clients_is_hung_up_on,
        role_of_a_listener_decides,
        tcp_needs_the_token,
        users_of_a_listener_are_the_only_ones,
        system_info_and_stats_have_their_members,
        actor_list_goes_by_pages,
        NULL,
    };
    return suite_run("protocol", tests, start_echo, stop_echo);
}
