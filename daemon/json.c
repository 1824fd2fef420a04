/* The scanner and the walk over what it accepted. */
#include "daemon/json.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/utf8.h"

const char *json_strerror(json_err err)
{
    static const char *const texts[] = {
        [JSON_OK] = "no error",
        [JSON_ESYNTAX] = "not JSON",
        [JSON_ETRUNCATED] = "the text ends too early",
        [JSON_EUTF8] = "not UTF-8",
        [JSON_EDEPTH] = "nested deeper than 128",
        [JSON_ETYPE] = "a value of another type",
        [JSON_ERANGE] = "the number is out of range",
        [JSON_EINEXACT] = "the number can't be held exactly",
        [JSON_ENUL] = "a text with \\u0000 in it",
        [JSON_ESURROGATE] = "a text with half a surrogate pair",
        [JSON_ENOSPACE] = "the text is too long",
        [JSON_ENOMEM] = "out of memory",
    };
    _Static_assert(JSON_DEPTH_MAX == 128, "the text of JSON_EDEPTH names the depth");

    if ((size_t)err >= sizeof texts / sizeof *texts)
        return "unknown error";
    return texts[err];
}

const char *json_type_name(json_type type)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",       [JSON_BOOL] = "a boolean", [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    };

    if ((size_t)type >= sizeof names / sizeof *names)
        return "an unknown type";
    return names[type];
}

/* ---- the scanner ---- */

typedef struct scanner {
    const char *at;
    const char *end;
    json_err err;
} scanner;

static bool stop(scanner *s, json_err err)
{
    s->err = err;
    return false;
}

/* The byte at hand is not what must be here. */
static bool unexpected(scanner *s)
{
    if (s->at == s->end)
        return stop(s, JSON_ETRUNCATED);
    if ((unsigned char)*s->at >= 0x80 && utf8_length(s->at, (size_t)(s->end - s->at)) == 0)
        return stop(s, JSON_EUTF8);
    return stop(s, JSON_ESYNTAX);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(scanner *s)
{
    while (s->at < s->end && is_space(*s->at))
        s->at++;
}

static bool scan_literal(scanner *s, const char *word)
{
    for (; *word != '\0'; word++, s->at++) {
        if (s->at == s->end || *s->at != *word)
            return unexpected(s);
    }
    return true;
}

static bool scan_digits(scanner *s)
{
    if (s->at == s->end || !is_digit(*s->at))
        return unexpected(s);
    while (s->at < s->end && is_digit(*s->at))
        s->at++;
    return true;
}

static bool scan_number(scanner *s)
{
    if (*s->at == '-')
        s->at++;
    if (s->at < s->end && *s->at == '0')
        s->at++;
    else if (!scan_digits(s))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!scan_digits(s))
            return false;
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        return scan_digits(s);
    }
    return true;
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool scan_escape(scanner *s)
{
    s->at++;
    if (s->at == s->end || *s->at == '\0' || strchr("\"\\/bfnrtu", *s->at) == NULL)
        return unexpected(s);
    if (*s->at++ != 'u')
        return true;
    for (int i = 0; i < 4; i++, s->at++) {
        if (s->at == s->end || !is_hex(*s->at))
            return unexpected(s);
    }
    return true;
}

static bool scan_string(scanner *s)
{
    s->at++;
    for (;;) {
        unsigned char c;

        if (s->at == s->end)
            return stop(s, JSON_ETRUNCATED);
        c = (unsigned char)*s->at;
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c == '\\') {
            if (!scan_escape(s))
                return false;
        } else if (c < 0x20) {
            return stop(s, JSON_ESYNTAX);
        } else if (c < 0x80) {
            s->at++;
        } else {
            size_t n = utf8_length(s->at, (size_t)(s->end - s->at));

            if (n == 0)
                return stop(s, JSON_EUTF8);
            s->at += n;
        }
    }
}

static json_type type_of(char first)
{
    switch (first) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

static bool scan_scalar(scanner *s)
{
    if (s->at == s->end)
        return unexpected(s);
    switch (*s->at) {
    case '"':
        return scan_string(s);
    case 't':
        return scan_literal(s, "true");
    case 'f':
        return scan_literal(s, "false");
    case 'n':
        return scan_literal(s, "null");
    default:
        return *s->at == '-' || is_digit(*s->at) ? scan_number(s) : unexpected(s);
    }
}

static bool scan_key(scanner *s)
{
    skip_space(s);
    if (s->at == s->end || *s->at != '"')
        return unexpected(s);
    if (!scan_string(s))
        return false;
    skip_space(s);
    if (s->at == s->end || *s->at != ':')
        return unexpected(s);
    s->at++;
    return true;
}

/* One value of any depth. `open` remembers what closes each container around the place at hand, so
 * that no input decides how deep the stack of this thread is. */
static bool scan_value(scanner *s)
{
    char open[JSON_DEPTH_MAX];
    size_t depth = 0;

    for (;;) {
        char first;

        skip_space(s);
        first = s->at < s->end ? *s->at : '\0';
        if (first == '{' || first == '[') {
            if (depth == JSON_DEPTH_MAX)
                return stop(s, JSON_EDEPTH);
            open[depth++] = first == '{' ? '}' : ']';
            s->at++;
            skip_space(s);
            if (s->at == s->end || *s->at != open[depth - 1]) {
                if (first == '{' && !scan_key(s))
                    return false;
                continue;
            }
        } else if (!scan_scalar(s)) {
            return false;
        }
        /* A value, or an empty container about to be closed, lies behind us. */
        for (;;) {
            if (depth == 0)
                return true;
            skip_space(s);
            if (s->at == s->end)
                return unexpected(s);
            if (*s->at == ',')
                break;
            if (*s->at != open[depth - 1])
                return unexpected(s);
            s->at++;
            depth--;
        }
        s->at++;
        if (open[depth - 1] == '}' && !scan_key(s))
            return false;
    }
}

json_err json_parse(const char *text, size_t len, json_value *root, size_t *where)
{
    scanner s = {.at = text, .end = text + len, .err = JSON_OK};
    const char *start;

    skip_space(&s);
    start = s.at;
    if (scan_value(&s)) {
        const char *end = s.at;

        skip_space(&s);
        if (s.at == s.end) {
            *root = (json_value){start, (size_t)(end - start), type_of(*start)};
            return JSON_OK;
        }
        unexpected(&s);
    }
    if (where != NULL)
        *where = (size_t)(s.at - text);
    return s.err;
}

/* ---- the walk ---- */

/* The end of the string that begins at `at`. */
static const char *past_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
    }
    return at + 1;
}

/* The end of the value that begins at `at`; `end` is that of the container around it, whose last
 * byte is a bracket, so that every scalar ends before it. */
static const char *past_value(const char *at, const char *end)
{
    size_t depth = 0;

    if (*at == '"')
        return past_string(at);
    if (*at != '{' && *at != '[') {
        while (at < end && *at != ',' && *at != ']' && *at != '}' && !is_space(*at))
            at++;
        return at;
    }
    do {
        switch (*at) {
        case '"':
            at = past_string(at);
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        default:
            break;
        }
        at++;
    } while (depth > 0);
    return at;
}

json_iter json_each(json_value container)
{
    json_iter iter = {NULL, NULL};

    if ((container.type == JSON_OBJECT || container.type == JSON_ARRAY) && container.len >= 2) {
        iter.at = container.start + 1;
        iter.end = container.start + container.len;
    }
    return iter;
}

static const char *past_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

bool json_next_element(json_iter *iter, json_value *element)
{
    const char *at = past_space(iter->at, iter->end);
    const char *end;

    if (at == iter->end || *at == ']' || *at == '}')
        return false;
    end = past_value(at, iter->end);
    *element = (json_value){at, (size_t)(end - at), type_of(*at)};
    end = past_space(end, iter->end);
    iter->at = *end == ',' || *end == ':' ? end + 1 : end;
    return true;
}

/* A name is read as an element that ends with a colon. */
bool json_next_member(json_iter *iter, json_member *member)
{
    json_value key;

    if (!json_next_element(iter, &key))
        return false;
    member->key = key;
    return json_next_element(iter, &member->value);
}

size_t json_count(json_value container)
{
    json_iter iter = json_each(container);
    json_value element;
    size_t count = 0;

    while (json_next_element(&iter, &element))
        count++;
    return container.type == JSON_OBJECT ? count / 2 : count;
}

bool json_find(json_value object, const char *name, json_value *value)
{
    json_iter iter = json_each(object);
    json_member member;

    if (object.type != JSON_OBJECT)
        return false;
    while (json_next_member(&iter, &member)) {
        if (json_text_is(member.key, name)) {
            *value = member.value;
            return true;
        }
    }
    return false;
}

bool json_is_true(json_value value)
{
    return value.type == JSON_BOOL && *value.start == 't';
}
