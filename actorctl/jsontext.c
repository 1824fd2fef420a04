#include "actorctl/jsontext.h"

#include <string.h>

typedef struct scan {
    const unsigned char *start;
    const unsigned char *at;
    const unsigned char *end;
    const char *what; /* the fault, once there is one */
    int depth;
} scan;

static bool scan_value(scan *s);

static bool scan_fail(scan *s, const char *what)
{
    s->what = what;
    return false;
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(unsigned char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static void scan_blanks(scan *s)
{
    while (s->at < s->end && is_blank(*s->at))
        s->at++;
}

static bool scan_is(const scan *s, unsigned char c)
{
    return s->at < s->end && *s->at == c;
}

/* One character of several bytes: no overlong form, no surrogate, nothing above U+10FFFF. */
static bool scan_utf8(scan *s)
{
    /* The second byte's range is what rules out the forbidden characters. */
    static const struct {
        unsigned char first, last, low, high, more;
    } forms[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 1}, {0xE0, 0xE0, 0xA0, 0xBF, 2}, {0xE1, 0xEC, 0x80, 0xBF, 2},
        {0xED, 0xED, 0x80, 0x9F, 2}, {0xEE, 0xEF, 0x80, 0xBF, 2}, {0xF0, 0xF0, 0x90, 0xBF, 3},
        {0xF1, 0xF3, 0x80, 0xBF, 3}, {0xF4, 0xF4, 0x80, 0x8F, 3},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (*s->at < forms[i].first || *s->at > forms[i].last)
            continue;
        if (s->end - s->at <= forms[i].more || s->at[1] < forms[i].low || s->at[1] > forms[i].high)
            break;
        for (int k = 2; k <= forms[i].more; k++) {
            if ((s->at[k] & 0xC0) != 0x80)
                return scan_fail(s, "not UTF-8");
        }
        s->at += 1 + forms[i].more;
        return true;
    }
    return scan_fail(s, "not UTF-8");
}

static bool scan_escape(scan *s)
{
    const unsigned char *backslash = s->at++;
    if (s->at < s->end && *s->at && strchr("\"\\/bfnrt", *s->at)) {
        s->at++;
        return true;
    }
    if (scan_is(s, 'u') && s->end - s->at > 4 && is_hex(s->at[1]) && is_hex(s->at[2]) &&
        is_hex(s->at[3]) && is_hex(s->at[4])) {
        s->at += 5;
        return true;
    }
    s->at = backslash;
    return scan_fail(s, "no such escape in a string");
}

static bool scan_string(scan *s)
{
    const unsigned char *quote = s->at++;
    while (s->at < s->end) {
        if (*s->at == '"') {
            s->at++;
            return true;
        }
        if (*s->at == '\\') {
            if (!scan_escape(s))
                return false;
        } else if (*s->at < 0x20) {
            return scan_fail(s, "a control character in a string must be escaped");
        } else if (*s->at < 0x80) {
            s->at++;
        } else if (!scan_utf8(s)) {
            return false;
        }
    }
    s->at = quote;
    return scan_fail(s, "this string has no end");
}

static bool scan_digits(scan *s)
{
    if (s->at == s->end || !is_digit(*s->at))
        return scan_fail(s, "a digit is missing in this number");
    while (s->at < s->end && is_digit(*s->at))
        s->at++;
    return true;
}

static bool scan_number(scan *s)
{
    if (scan_is(s, '-'))
        s->at++;
    if (scan_is(s, '0')) {
        s->at++;
        if (s->at < s->end && is_digit(*s->at))
            return scan_fail(s, "a number can't begin with 0");
    } else if (!scan_digits(s)) {
        return false;
    }
    if (scan_is(s, '.')) {
        s->at++;
        if (!scan_digits(s))
            return false;
    }
    if (scan_is(s, 'e') || scan_is(s, 'E')) {
        s->at++;
        if (scan_is(s, '+') || scan_is(s, '-'))
            s->at++;
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(s->end - s->at) >= len && memcmp(s->at, words[i], len) == 0) {
            s->at += len;
            return true;
        }
    }
    return scan_fail(s, "no JSON value begins like this");
}

/* The name of a member and its colon. */
static bool scan_name(scan *s)
{
    if (!scan_is(s, '"'))
        return scan_fail(s, "a member's name in double quotes is expected here");
    if (!scan_string(s))
        return false;
    scan_blanks(s);
    if (!scan_is(s, ':'))
        return scan_fail(s, "':' is expected here");
    s->at++;
    return true;
}

static bool scan_container(scan *s, bool object)
{
    unsigned char close = object ? '}' : ']';
    const unsigned char *open = s->at++;
    if (++s->depth > JSONTEXT_DEPTH) {
        s->at = open;
        return scan_fail(s, "nested more than 128 deep");
    }
    scan_blanks(s);
    if (scan_is(s, close)) {
        s->at++;
        s->depth--;
        return true;
    }
    for (;;) {
        scan_blanks(s);
        if (object && s->at < s->end && !scan_name(s))
            return false;
        if (s->at < s->end && !scan_value(s))
            return false;
        scan_blanks(s);
        if (scan_is(s, close)) {
            s->at++;
            s->depth--;
            return true;
        }
        if (s->at == s->end) {
            s->at = open;
            return scan_fail(s, object ? "this object has no end" : "this array has no end");
        }
        if (*s->at != ',')
            return scan_fail(s, object ? "',' or '}' is expected here"
                                       : "',' or ']' is expected here");
        s->at++;
    }
}

static bool scan_value(scan *s)
{
    scan_blanks(s);
    if (s->at == s->end)
        return scan_fail(s, "a value is expected here");
    switch (*s->at) {
    case '{':
        return scan_container(s, true);
    case '[':
        return scan_container(s, false);
    case '"':
        return scan_string(s);
    default:
        return *s->at == '-' || is_digit(*s->at) ? scan_number(s) : scan_word(s);
    }
}

static scan scan_begin(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text;
    return (scan){.start = at, .at = at, .end = at + len};
}

static void locate(const scan *s, json_fault *fault)
{
    *fault = (json_fault){.offset = (size_t)(s->at - s->start), .line = 1, .column = 1};
    for (const unsigned char *p = s->start; p < s->at; p++) {
        fault->column++;
        if (*p == '\n') {
            fault->line++;
            fault->column = 1;
        }
    }
    fault->what = s->what;
}

bool jsontext_valid(const char *text, size_t len, json_fault *fault)
{
    scan s = scan_begin(text ? text : "", text ? len : 0);
    bool good = scan_value(&s);
    if (good) {
        scan_blanks(&s);
        if (s.at != s.end)
            good = scan_fail(&s, "one value ended before this, nothing may follow");
    }
    if (!good)
        locate(&s, fault);
    return good;
}

jslice jsontext_trim(const char *text, size_t len)
{
    while (len && is_blank((unsigned char)*text)) {
        text++;
        len--;
    }
    while (len && is_blank((unsigned char)text[len - 1]))
        len--;
    return (jslice){text, len};
}

/* The value at the scanner, without the blanks before it. */
static bool scan_slice(scan *s, jslice *value)
{
    scan_blanks(s);
    const unsigned char *from = s->at;
    if (!scan_value(s))
        return false;
    *value = (jslice){(const char *)from, (size_t)(s->at - from)};
    return true;
}

jslice jsontext_member(jslice object, const char *name)
{
    const jslice none = {NULL, 0};
    if (!object.at)
        return none;
    scan s = scan_begin(object.at, object.len);
    scan_blanks(&s);
    if (!scan_is(&s, '{'))
        return none;
    size_t name_len = strlen(name);
    do {
        s.at++; /* the brace, then each comma */
        scan_blanks(&s);
        const char *key = (const char *)s.at + 1;
        if (!scan_name(&s))
            return none;
        bool found = strncmp(key, name, name_len) == 0 && key[name_len] == '"';
        jslice value;
        if (!scan_slice(&s, &value))
            return none;
        if (found)
            return value;
        scan_blanks(&s);
    } while (scan_is(&s, ','));
    return none;
}

bool jsontext_next(jslice array, size_t *position, jslice *item)
{
    if (!array.at)
        return false;
    scan s = scan_begin(array.at, array.len);
    s.at += *position;
    scan_blanks(&s);
    if (!scan_is(&s, *position ? ',' : '['))
        return false;
    s.at++;
    scan_blanks(&s);
    if (scan_is(&s, ']') || !scan_slice(&s, item))
        return false;
    *position = (size_t)(s.at - s.start);
    return true;
}
