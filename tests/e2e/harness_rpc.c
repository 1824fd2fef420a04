#include "tests/e2e/harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- requests ---- */

/* Take over the bytes of an answer. */
static answer answer_of(server *s, char *bytes, size_t len)
{
    answer a = {.bytes = server_keep(s, bytes), .len = len};
    if (len == 0)
        return a;
    cJSON *json = cJSON_ParseWithOpts(bytes, NULL, 1);
    ck_assert_msg(json != NULL, "the answer is no JSON: %s", bytes);
    a.json = server_keep_json(s, json);
    a.result = cJSON_GetObjectItemCaseSensitive(json, "result");
    a.error = cJSON_GetObjectItemCaseSensitive(json, "error");
    if (cJSON_IsObject(json)) {
        ck_assert_msg(!a.result != !a.error, "neither result nor error, or both: %s", bytes);
        ck_assert_msg(json_at(json, "id") != NULL, "no id: %s", bytes);
        ck_assert_str_eq(text_at(json, "jsonrpc"), "2.0");
    }
    return a;
}

static answer client_bytes(server *s, client *c, const void *bytes, size_t len)
{
    size_t got;
    char *back = client_receive(c, client_send(c, bytes, len), &got);
    return answer_of(s, back, got);
}

answer rpc_bytes(server *s, const void *bytes, size_t len)
{
    return client_bytes(s, server_client(s), bytes, len);
}

answer rpc_text(server *s, const char *text)
{
    return rpc_bytes(s, text, strlen(text));
}

answer client_text(server *s, client *c, const char *text)
{
    return client_bytes(s, c, text, strlen(text));
}

uint32_t rpc_send(server *s, const char *method, const char *params)
{
    char *request;
    int len = asprintf(&request, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s%s}", method,
                       params ? ",\"params\":" : "", params ? params : "");
    ck_assert_int_ge(len, 0);
    uint32_t number = client_send(server_client(s), request, (size_t)len);
    free(request);
    return number;
}

answer rpc_receive(server *s, uint32_t number)
{
    size_t len;
    char *bytes = client_receive(server_client(s), number, &len);
    return answer_of(s, bytes, len);
}

bool rpc_answered(server *s, uint32_t number)
{
    return client_answered(server_client(s), number);
}

answer rpc(server *s, const char *method, const char *params)
{
    return rpc_receive(s, rpc_send(s, method, params));
}

answer rpcf(server *s, const char *method, const char *params, ...)
{
    va_list args;
    char *text;
    va_start(args, params);
    ck_assert_int_ge(vasprintf(&text, params, args), 0);
    va_end(args);
    server_keep(s, text);
    return rpc(s, method, text);
}

const char *send_message(server *s, const char *to, const char *msg)
{
    answer a = rpcf(s, "send", "{\"to\":\"%s\",\"msg\":%s}", to, msg);
    expect_ok(a);
    ck_assert(!bool_at(a.result, "duplicate"));
    return text_at(a.result, "message");
}

answer wait_message(server *s, const char *id)
{
    answer a = rpcf(s, "message.wait", "{\"message\":\"%s\"}", id);
    expect_ok(a);
    return a;
}

/* ---- looking at JSON ---- */

/* One step of a path: a member's name or "[n]"; *path moves behind it. */
static const cJSON *step(const cJSON *json, const char **path)
{
    if (**path == '[') {
        char *end;
        long index = strtol(*path + 1, &end, 10);
        ck_assert_msg(*end == ']', "a bad path: %s", *path);
        *path = end + 1;
        return cJSON_IsArray(json) ? cJSON_GetArrayItem(json, (int)index) : NULL;
    }
    *path += **path == '.';
    char name[64];
    size_t len = strcspn(*path, ".[");
    ck_assert(len > 0 && len < sizeof name);
    memcpy(name, *path, len);
    name[len] = '\0';
    *path += len;
    return cJSON_GetObjectItemCaseSensitive(json, name);
}

const cJSON *json_at(const cJSON *json, const char *path)
{
    while (json && *path)
        json = step(json, &path);
    return json;
}

static const cJSON *typed_at(const cJSON *json, const char *path, int type)
{
    const cJSON *found = json_at(json, path);
    if (!found || (found->type & type) == 0) {
        char *text = cJSON_PrintUnformatted(json);
        ck_abort_msg("'%s' is missing or of another type in: %s", path, text ? text : "nothing");
    }
    return found;
}

double number_at(const cJSON *json, const char *path)
{
    return typed_at(json, path, cJSON_Number)->valuedouble;
}

const char *text_at(const cJSON *json, const char *path)
{
    return typed_at(json, path, cJSON_String)->valuestring;
}

bool bool_at(const cJSON *json, const char *path)
{
    return cJSON_IsTrue(typed_at(json, path, cJSON_True | cJSON_False));
}

int count_at(const cJSON *json, const char *path)
{
    return cJSON_GetArraySize(typed_at(json, path, cJSON_Array));
}

const char *maybe_at(const cJSON *json, const char *path)
{
    const cJSON *found = json_at(json, path);
    return cJSON_IsString(found) ? found->valuestring : "";
}

const char *actor_state(server *s, const char *name)
{
    return maybe_at(rpcf(s, "actor.info", "{\"name\":\"%s\"}", name).result, "state");
}

const char *message_state(server *s, const char *id)
{
    return maybe_at(rpcf(s, "message.get", "{\"message\":\"%s\"}", id).result, "state");
}

double stat_of(server *s, const char *counter)
{
    return number_at(rpc(s, "system.stats", NULL).result, counter);
}

void expect_balanced(server *s)
{
    static const char *const parts[] = {"done",    "dead",    "cancelled", "expired",
                                        "dropped", "waiting", "running",   "retrying"};
    answer a = rpc(s, "system.stats", NULL);
    double sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sum += number_at(a.result, parts[i]);
    ck_assert_msg(sum == number_at(a.result, "accepted"), "it doesn't add up: %s", a.bytes);
}

void expect_result_at(answer a, const char *text, const char *file, int line)
{
    static const char head[] = "\"result\":";
    const char *at = a.bytes ? strstr(a.bytes, head) : NULL;
    size_t len = strlen(text);
    ck_assert_msg(a.result && at, "%s:%d: no result but: %s", file, line, a.bytes);
    at += sizeof head - 1;
    ck_assert_msg(a.bytes + a.len - at > (ptrdiff_t)len && memcmp(at, text, len) == 0 &&
                      (at[len] == '}' || at[len] == ','),
                  "%s:%d: the result should be %s in: %s", file, line, text, a.bytes);
}

void expect_error_at(answer a, int code, const char *name, const char *file, int line)
{
    ck_assert_msg(a.error != NULL, "%s:%d: no error but: %s", file, line, a.bytes);
    ck_assert_msg(number_at(a.error, "code") == code &&
                      strcmp(text_at(a.error, "data.code"), name) == 0,
                  "%s:%d: not %d %s but: %s", file, line, code, name, a.bytes);
    bool_at(a.error, "data.retry_safe");
    ck_assert_msg(strlen(text_at(a.error, "message")) > 0, "%s:%d: no message: %s", file, line,
                  a.bytes);
}
