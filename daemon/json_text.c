/* Strings of a text that json_parse() accepted: decoding, comparing, duplicates. */
#include <stdlib.h>
#include <string.h>

#include "daemon/json.h"
#include "daemon/utf8.h"

/* What is left of a string, quotes off. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor;

static cursor contents(json_value string)
{
    return (cursor){string.start + 1, string.start + string.len - 1};
}

static uint32_t hex4(const char *at)
{
    uint32_t code = 0;

    for (int i = 0; i < 4; i++) {
        char c = at[i];

        code <<= 4;
        if (c >= '0' && c <= '9')
            code |= (uint32_t)(c - '0');
        else
            code |= (uint32_t)((c | 0x20) - 'a' + 10);
    }
    return code;
}

static char escaped(char letter)
{
    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return letter;
    }
}

/* Decode one byte or one escape: 1 to 4 bytes. *odd tells what a C string can't carry; half a
 * surrogate pair still has its own three bytes, so that names with it can be compared. */
static size_t decode(cursor *c, char out[4], json_err *odd)
{
    uint32_t code;

    if (*c->at != '\\') {
        out[0] = *c->at++;
        return 1;
    }
    if (c->at[1] != 'u') {
        out[0] = escaped(c->at[1]);
        c->at += 2;
        return 1;
    }
    code = hex4(c->at + 2);
    c->at += 6;
    if (code >= 0xd800 && code <= 0xdbff && c->end - c->at >= 6 && c->at[0] == '\\' &&
        c->at[1] == 'u') {
        uint32_t low = hex4(c->at + 2);

        if (low >= 0xdc00 && low <= 0xdfff) {
            c->at += 6;
            return utf8_put(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), out);
        }
    }
    if (code >= 0xd800 && code <= 0xdfff)
        *odd = JSON_ESURROGATE;
    else if (code == 0)
        *odd = JSON_ENUL;
    return utf8_put(code, out);
}

static bool has_escapes(json_value string)
{
    return memchr(string.start, '\\', string.len) != NULL;
}

/* The decoded bytes of a cursor, one at a time. */
typedef struct byte_stream {
    cursor c;
    char bytes[4];
    size_t used;
    size_t count;
} byte_stream;

static int next_byte(byte_stream *s)
{
    if (s->used == s->count) {
        json_err odd = JSON_OK;

        if (s->c.at == s->c.end)
            return -1;
        s->count = decode(&s->c, s->bytes, &odd);
        s->used = 0;
    }
    return (unsigned char)s->bytes[s->used++];
}

static int compare(json_value a, json_value b)
{
    byte_stream left = {.c = contents(a)};
    byte_stream right = {.c = contents(b)};

    for (;;) {
        int x = next_byte(&left);
        int y = next_byte(&right);

        if (x != y)
            return x < y ? -1 : 1;
        if (x < 0)
            return 0;
    }
}

bool json_text_same(json_value a, json_value b)
{
    if (a.type != JSON_STRING || b.type != JSON_STRING)
        return false;
    if (!has_escapes(a) && !has_escapes(b))
        return a.len == b.len && memcmp(a.start, b.start, a.len) == 0;
    return compare(a, b) == 0;
}

bool json_text_is(json_value string, const char *literal)
{
    byte_stream s = {.c = {NULL, NULL}};
    int byte;

    if (string.type != JSON_STRING)
        return false;
    if (!has_escapes(string)) {
        size_t len = strlen(literal);

        return string.len == len + 2 && memcmp(string.start + 1, literal, len) == 0;
    }
    s.c = contents(string);
    while ((byte = next_byte(&s)) >= 0) {
        if (byte == 0 || byte != (unsigned char)*literal)
            return false;
        literal++;
    }
    return *literal == '\0';
}

json_err json_text(json_value string, char *buffer, size_t size, size_t *len)
{
    size_t used = 0;
    cursor c;

    if (string.type != JSON_STRING)
        return JSON_ETYPE;
    c = contents(string);
    while (c.at < c.end) {
        char bytes[4];
        json_err odd = JSON_OK;
        size_t n = decode(&c, bytes, &odd);

        if (odd != JSON_OK)
            return odd;
        if (used + n >= size)
            return JSON_ENOSPACE;
        memcpy(buffer + used, bytes, n);
        used += n;
    }
    if (used >= size)
        return JSON_ENOSPACE;
    buffer[used] = '\0';
    if (len != NULL)
        *len = used;
    return JSON_OK;
}

json_err json_text_dup(json_value string, char **out, size_t *len)
{
    char *copy;
    json_err err;

    if (string.type != JSON_STRING)
        return JSON_ETYPE;
    /* Decoded text is never longer than it was written, and the quotes leave room for the NUL. */
    copy = malloc(string.len);
    if (copy == NULL)
        return JSON_ENOMEM;
    err = json_text(string, copy, string.len, len);
    if (err != JSON_OK) {
        free(copy);
        return err;
    }
    *out = copy;
    return JSON_OK;
}

/* ---- duplicates ---- */

enum { FEW_MEMBERS = 32 };

static bool duplicate_of_few(json_value object, json_member *second)
{
    json_member seen[FEW_MEMBERS];
    json_iter iter = json_each(object);
    size_t count = 0;

    while (json_next_member(&iter, &seen[count])) {
        for (size_t i = 0; i < count; i++) {
            if (json_text_same(seen[i].key, seen[count].key)) {
                *second = seen[count];
                return true;
            }
        }
        count++;
        if (count == FEW_MEMBERS)
            break;
    }
    return false;
}

/* By name; equal names in the order in which they were written. */
static int by_name(const void *left, const void *right)
{
    const json_member *a = left;
    const json_member *b = right;
    int order = compare(a->key, b->key);

    if (order != 0)
        return order;
    return a->key.start < b->key.start ? -1 : 1;
}

json_err json_find_duplicate(json_value object, bool *found, json_member *second)
{
    json_iter iter = json_each(object);
    json_member *all;
    size_t count;
    size_t used = 0;

    if (object.type != JSON_OBJECT)
        return JSON_ETYPE;
    count = json_count(object);
    if (count <= FEW_MEMBERS) {
        *found = duplicate_of_few(object, second);
        return JSON_OK;
    }
    all = malloc(count * sizeof *all);
    if (all == NULL)
        return JSON_ENOMEM;
    while (json_next_member(&iter, &all[used]) && ++used < count)
        continue;
    qsort(all, used, sizeof *all, by_name);
    *found = false;
    for (size_t i = 1; i < used && !*found; i++) {
        if (compare(all[i - 1].key, all[i].key) == 0) {
            *found = true;
            *second = all[i];
        }
    }
    free(all);
    return JSON_OK;
}
