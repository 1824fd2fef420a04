/* Clients of the daemon: what they may send, how much of it, and who they must be. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>

static server *s;

static void start_echo(void)
{
    s = server_start(CHILDREN "    - {name: echo, echo: {}}\n");
}

static void stop_echo(void)
{
    server_stop(s);
}

/* ---- clients ---- */

START_TEST(nngcat_is_a_client)
{
    static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":"
                              "\"echo\",\"msg\":{\"n\":123456789012345678901234567890,\"a\":1,"
                              "\"a\":2}}}";
    const char *const argv[] = {"nngcat",      "--req",  "--raw", "--dial",
                                server_url(s), "--data", ask,     NULL};
    ck_assert_str_eq(server_run(s, argv), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":"
                                          "{\"n\":123456789012345678901234567890,\"a\":1,"
                                          "\"a\":2}}");
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
    wait_until(stat_of(s, "running") == 1);
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
    return suite_run("clients", tests, start_echo, stop_echo);
}
