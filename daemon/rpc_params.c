/* Params, read by a table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/suggest.h"
#include "config/units.h"
#include "daemon/rfc3339.h"
#include "daemon/rpc.h"

static bool refuse(rpc_failure *failure, const rpc_param *param, json_value raw, const char *wanted)
{
    enum { SHOWN = 64 };

    if (raw.type == JSON_OBJECT || raw.type == JSON_ARRAY || raw.len > SHOWN)
        rpc_fail(failure, RPC_INVALID_PARAMS, "Invalid params: '%s' is %s, not %s", param->name,
                 wanted, json_type_name(raw.type));
    else
        rpc_fail(failure, RPC_INVALID_PARAMS, "Invalid params: '%s' is %s, not %.*s", param->name,
                 wanted, (int)raw.len, raw.start);
    return false;
}

/* Decode into the value's own room, or memory of its own where that is too small. */
static json_err read_text(json_value raw, rpc_value *value)
{
    json_err err = json_text(raw, value->small, sizeof value->small, &value->text_len);

    value->text = value->small;
    if (err != JSON_ENOSPACE)
        return err;
    err = json_text_dup(raw, &value->owned, &value->text_len);
    value->text = value->owned;
    return err;
}

static bool read_string(const rpc_param *param, rpc_value *value, rpc_failure *failure)
{
    json_err err = read_text(value->raw, value);

    switch (err) {
    case JSON_OK:
        break;
    case JSON_ENUL:
    case JSON_ESURROGATE:
        rpc_fail(failure, RPC_INVALID_PARAMS, "Invalid params: '%s' is %s", param->name,
                 json_strerror(err));
        return false;
    case JSON_ENOMEM:
        rpc_fail(failure, RPC_INTERNAL_ERROR, "Out of memory for '%s'", param->name);
        return false;
    default:
        return refuse(failure, param, value->raw, "a string");
    }
    if (value->text_len < (uint64_t)param->min) {
        rpc_fail(failure, RPC_INVALID_PARAMS, "Invalid params: '%s' is too short", param->name);
        return false;
    }
    if (param->max > 0 && value->text_len > (uint64_t)param->max) {
        rpc_fail(failure, RPC_INVALID_PARAMS,
                 "Invalid params: '%s' is too long, at most %" PRId64 " bytes are allowed",
                 param->name, param->max);
        return false;
    }
    return true;
}

static bool read_int(const rpc_param *param, rpc_value *value, rpc_failure *failure)
{
    bool bounded = param->min != 0 || param->max != 0;
    char wanted[96];

    if (json_int64(value->raw, &value->number) == JSON_OK &&
        (!bounded || (value->number >= param->min && value->number <= param->max)))
        return true;
    snprintf(wanted, sizeof wanted, "a whole number");
    if (bounded)
        snprintf(wanted, sizeof wanted, "a whole number from %" PRId64 " to %" PRId64, param->min,
                 param->max);
    return refuse(failure, param, value->raw, wanted);
}

static bool read_bool(const rpc_param *param, rpc_value *value, rpc_failure *failure)
{
    if (value->raw.type != JSON_BOOL)
        return refuse(failure, param, value->raw, "true or false");
    value->flag = json_is_true(value->raw);
    return true;
}

static bool read_duration(const rpc_param *param, rpc_value *value, rpc_failure *failure)
{
    int64_t us;

    if (read_text(value->raw, value) != JSON_OK ||
        config_parse_duration(value->text, &us) != UNITS_OK)
        return refuse(failure, param, value->raw, "a duration such as \"250ms\"");
    value->number = us / 1000 + (us % 1000 != 0);
    return true;
}

static bool read_time(const rpc_param *param, rpc_value *value, rpc_failure *failure)
{
    if (read_text(value->raw, value) != JSON_OK || !rfc3339_parse(value->text, &value->number))
        return refuse(failure, param, value->raw, "a time such as \"2026-01-01T00:00:00Z\"");
    return true;
}

static bool read_raw(const rpc_param *param, rpc_value *value, rpc_failure *failure)
{
    (void)param;
    (void)value;
    (void)failure;
    return true;
}

static bool read_object(const rpc_param *param, rpc_value *value, rpc_failure *failure)
{
    return value->raw.type == JSON_OBJECT || refuse(failure, param, value->raw, "an object");
}

static bool read_array(const rpc_param *param, rpc_value *value, rpc_failure *failure)
{
    return value->raw.type == JSON_ARRAY || refuse(failure, param, value->raw, "an array");
}

typedef bool (*reader)(const rpc_param *, rpc_value *, rpc_failure *);

static const reader readers[] = {
    [RPC_STRING] = read_string,     [RPC_INT] = read_int,         [RPC_BOOL] = read_bool,
    [RPC_DURATION] = read_duration, [RPC_TIME] = read_time,       [RPC_RAW] = read_raw,
    [RPC_ANY_OBJECT] = read_object, [RPC_ANY_ARRAY] = read_array,
};

static bool refuse_unknown(json_value key, const rpc_param *table, size_t count,
                           rpc_failure *failure)
{
    char name[SUGGEST_MAX + 1];
    suggest nearest;

    if (json_text(key, name, sizeof name, NULL) != JSON_OK) {
        rpc_fail(failure, RPC_INVALID_PARAMS, "Invalid params: there is no param of that name");
        return false;
    }
    suggest_start(&nearest, name);
    for (size_t i = 0; i < count; i++)
        suggest_offer(&nearest, table[i].name);
    if (nearest.best != NULL)
        rpc_fail(failure, RPC_INVALID_PARAMS,
                 "Invalid params: there is no '%s', did you mean '%s'?", name, nearest.best);
    else
        rpc_fail(failure, RPC_INVALID_PARAMS, "Invalid params: there is no '%s' here", name);
    return false;
}

static bool read_member(json_member member, const rpc_param *table, size_t count, rpc_value *values,
                        rpc_failure *failure)
{
    for (size_t i = 0; i < count; i++) {
        if (!json_text_is(member.key, table[i].name))
            continue;
        if (values[i].present) {
            rpc_fail(failure, RPC_INVALID_PARAMS, "Invalid params: '%s' is given twice",
                     table[i].name);
            return false;
        }
        values[i].present = true;
        values[i].raw = member.value;
        return readers[table[i].type](&table[i], &values[i], failure);
    }
    return refuse_unknown(member.key, table, count, failure);
}

rpc_code rpc_params_read(json_value params, const rpc_param *table, size_t count, rpc_value *values,
                         rpc_failure *failure)
{
    json_iter iter = json_each(params);
    json_member member;

    failure->code = RPC_OK;
    for (size_t i = 0; i < count; i++) {
        values[i].present = false;
        values[i].owned = NULL;
    }
    if (params.type != JSON_OBJECT)
        return rpc_fail(failure, RPC_INVALID_PARAMS,
                        "Invalid params: an object with names is wanted, not %s",
                        json_type_name(params.type));
    while (json_next_member(&iter, &member)) {
        if (!read_member(member, table, count, values, failure))
            return failure->code;
    }
    for (size_t i = 0; i < count; i++) {
        if (table[i].required && !values[i].present)
            return rpc_fail(failure, RPC_INVALID_PARAMS, "Invalid params: '%s' is missing",
                            table[i].name);
    }
    return RPC_OK;
}

void rpc_params_free(rpc_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(values[i].owned);
        values[i].owned = NULL;
    }
}
