/* The writer. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/json.h"
#include "daemon/utf8.h"

enum { FIRST_CAPACITY = 256 };

/* Make room for `len` bytes and a NUL. Memory doubles, so that n bytes cost O(n). */
static bool reserve(json_out *out, size_t len)
{
    size_t capacity = out->capacity != 0 ? out->capacity : FIRST_CAPACITY;
    char *data;

    if (out->err != JSON_OK)
        return false;
    if (len < out->capacity - out->len && out->capacity != 0)
        return true;
    if (len > SIZE_MAX / 4 || out->len > SIZE_MAX / 4)
        capacity = 0;
    while (capacity != 0 && capacity - out->len <= len)
        capacity *= 2;
    data = capacity != 0 ? realloc(out->data, capacity) : NULL;
    if (data == NULL) {
        out->err = JSON_ENOMEM;
        return false;
    }
    out->data = data;
    out->capacity = capacity;
    return true;
}

static void put(json_out *out, const char *bytes, size_t len)
{
    if (!reserve(out, len))
        return;
    if (len > 0)
        memcpy(out->data + out->len, bytes, len);
    out->len += len;
    out->data[out->len] = '\0';
}

static void put_char(json_out *out, char c)
{
    put(out, &c, 1);
}

/* Before every key and every value that has no key. */
static void separate(json_out *out)
{
    if (out->comma)
        put_char(out, ',');
    out->comma = true;
}

void json_out_clear(json_out *out)
{
    out->len = 0;
    out->err = JSON_OK;
    out->comma = false;
    if (out->data != NULL)
        out->data[0] = '\0';
}

void json_out_free(json_out *out)
{
    if (out == NULL)
        return;
    free(out->data);
    *out = (json_out){.data = NULL};
}

char *json_out_take(json_out *out, size_t *len)
{
    char *data = NULL;

    if (reserve(out, 0)) {
        data = out->data;
        data[out->len] = '\0';
        if (len != NULL)
            *len = out->len;
        out->data = NULL;
    }
    json_out_free(out);
    return data;
}

static void begin(json_out *out, char bracket)
{
    separate(out);
    put_char(out, bracket);
    out->comma = false;
}

static void end(json_out *out, char bracket)
{
    put_char(out, bracket);
    out->comma = true;
}

void json_out_object(json_out *out)
{
    begin(out, '{');
}

void json_out_object_end(json_out *out)
{
    end(out, '}');
}

void json_out_array(json_out *out)
{
    begin(out, '[');
}

void json_out_array_end(json_out *out)
{
    end(out, ']');
}

/* What stands for a byte in a string: itself where `escape` is empty. */
static size_t escape_of(unsigned char c, char escape[7])
{
    static const char letters[] = "btnvfr"; /* of 8 to 13; \v doesn't exist in JSON */

    if (c == '"' || c == '\\') {
        escape[0] = '\\';
        escape[1] = (char)c;
        return 2;
    }
    if (c >= 0x20)
        return 0;
    if (c >= 8 && c <= 13 && c != 11) {
        escape[0] = '\\';
        escape[1] = letters[c - 8];
        return 2;
    }
    return (size_t)snprintf(escape, 7, "\\u%04x", c);
}

static void put_text(json_out *out, const char *text, size_t len)
{
    size_t plain = 0; /* where the bytes begin that are still to be copied as they are */
    size_t at = 0;

    put_char(out, '"');
    while (at < len) {
        char escape[7];
        size_t step = utf8_length(text + at, len - at);
        const char *replacement = step == 0 ? "\xef\xbf\xbd" : escape;
        size_t size = step == 0 ? 3 : escape_of((unsigned char)text[at], escape);

        if (size > 0) {
            step = 1;
            put(out, text + plain, at - plain);
            put(out, replacement, size);
            plain = at + 1;
        }
        at += step;
    }
    put(out, text + plain, at - plain);
    put_char(out, '"');
}

void json_out_key(json_out *out, const char *name)
{
    separate(out);
    put_text(out, name, strlen(name));
    put_char(out, ':');
    out->comma = false;
}

void json_out_text(json_out *out, const char *text)
{
    if (text == NULL)
        json_out_null(out);
    else
        json_out_text_n(out, text, strlen(text));
}

void json_out_text_n(json_out *out, const char *text, size_t len)
{
    separate(out);
    put_text(out, text, len);
}

void json_out_textf(json_out *out, const char *format, ...)
{
    char small[256];
    char *text = small;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (len >= (int)sizeof small) {
        va_start(args, format);
        len = vasprintf(&text, format, args);
        va_end(args);
    }
    if (len < 0) {
        out->err = JSON_ENOMEM;
        return;
    }
    json_out_text_n(out, text, (size_t)len);
    if (text != small)
        free(text);
}

void json_out_int(json_out *out, int64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)number);

    json_out_raw(out, text, (size_t)len);
}

void json_out_uint(json_out *out, uint64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)number);

    json_out_raw(out, text, (size_t)len);
}

void json_out_double(json_out *out, double number)
{
    char text[40];
    int len = 0;

    if (!isfinite(number)) {
        json_out_null(out);
        return;
    }
    if (number == trunc(number) && fabs(number) < 1e15) {
        len = snprintf(text, sizeof text, "%.0f", number);
    } else {
        for (int precision = 1; precision <= 17; precision++) {
            len = snprintf(text, sizeof text, "%.*g", precision, number);
            if (strtod(text, NULL) == number)
                break;
        }
    }
    json_out_raw(out, text, (size_t)len);
}

void json_out_bool(json_out *out, bool value)
{
    json_out_raw(out, value ? "true" : "false", value ? 4 : 5);
}

void json_out_null(json_out *out)
{
    json_out_raw(out, "null", 4);
}

void json_out_raw(json_out *out, const char *bytes, size_t len)
{
    separate(out);
    put(out, bytes, len);
}

void json_out_value(json_out *out, json_value value)
{
    json_out_raw(out, value.start, value.len);
}

void json_out_members(json_out *out, const char *bytes, size_t len)
{
    if (len > 0)
        json_out_raw(out, bytes, len);
}

void json_out_end_line(json_out *out)
{
    put_char(out, '\n');
    out->comma = false;
}
