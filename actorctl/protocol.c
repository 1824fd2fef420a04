#include "actorctl/protocol.h"

#include <string.h>

void params_open(buf *b)
{
    buf_puts(b, "{");
}

static void params_name(buf *b, const char *name)
{
    if (b->len && b->at[b->len - 1] != '{')
        buf_puts(b, ",");
    buf_json_string(b, name);
    buf_puts(b, ":");
}

void params_string(buf *b, const char *name, const char *value)
{
    params_name(b, name);
    buf_json_string(b, value);
}

void params_number(buf *b, const char *name, long long value)
{
    params_name(b, name);
    buf_printf(b, "%lld", value);
}

void params_true(buf *b, const char *name)
{
    params_name(b, name);
    buf_puts(b, "true");
}

void params_raw(buf *b, const char *name, jslice value)
{
    params_name(b, name);
    buf_add(b, value.at, value.len);
}

void params_close(buf *b)
{
    buf_puts(b, "}");
}

void protocol_request(buf *b, const char *method, const buf *params, const char *token)
{
    buf_puts(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":");
    buf_json_string(b, method);
    buf_puts(b, ",\"params\":");
    if (params)
        buf_add(b, params->at, params->len);
    else
        buf_puts(b, "{}");
    if (token) {
        buf_puts(b, ",\"auth\":");
        buf_json_string(b, token);
    }
    buf_puts(b, "}");
    if (params && !buf_ok(params))
        b->failed = true;
}

bool answer_split(answer *a)
{
    json_fault fault;
    if (!jsontext_valid(a->text.at, a->text.len, &fault))
        return false;
    jslice whole = {a->text.at, a->text.len};
    a->result = jsontext_member(whole, "result");
    a->error = jsontext_member(whole, "error");
    return (a->result.at == NULL) != (a->error.at == NULL);
}

void answer_free(answer *a)
{
    buf_free(&a->text);
    *a = (answer){0};
}

static const error_meaning meanings[] = {
    {"not_found", -32001, EXIT_NOT_FOUND, "actorctl ls"},
    {"already_exists", -32002, EXIT_REFUSED, "actorctl ls"},
    {"mailbox_full", -32003, EXIT_REFUSED, "actorctl status"},
    {"breaker_open", -32004, EXIT_REFUSED, "actorctl breaker ls"},
    {"timeout", -32005, EXIT_TIMED_OUT, "actorctl status"},
    {"failed", -32006, EXIT_FAILED, "actorctl deadletters ls"},
    {"rejected", -32007, EXIT_FAILED, "actorctl deadletters ls"},
    {"cancelled", -32008, EXIT_FAILED, NULL},
    {"expired", -32008, EXIT_FAILED, NULL},
    {"draining", -32009, EXIT_REFUSED, "actorctl status"},
    {"denied", -32010, EXIT_DENIED, NULL},
    {"too_large", -32011, EXIT_REFUSED, NULL},
    {"busy", -32011, EXIT_REFUSED, "actorctl status"},
    {"invalid_state", -32012, EXIT_REFUSED, "actorctl tree"},
    {"stopped", -32013, EXIT_REFUSED, "actorctl tree"},
    {"unavailable", -32014, EXIT_REFUSED, "actorctl status"},
    {"bad_config", 0, EXIT_BAD_CONFIG, NULL},
    {"parse_error", -32700, EXIT_USAGE, NULL},
    {"invalid_request", -32600, EXIT_USAGE, NULL},
    {"method_not_found", -32601, EXIT_FAILED, NULL},
    {"invalid_params", -32602, EXIT_USAGE, NULL},
    {"internal_error", -32603, EXIT_FAILED, "journalctl -u actord"},
};

const error_meaning *error_meaning_of(const char *name, int number)
{
    static const error_meaning other = {"error", 0, EXIT_FAILED, NULL};
    const size_t count = sizeof meanings / sizeof *meanings;
    for (size_t i = 0; name && i < count; i++) {
        if (strcmp(meanings[i].name, name) == 0)
            return &meanings[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (number && meanings[i].number == number)
            return &meanings[i];
    }
    return &other;
}
