/* Numbers of a text that json_parse() accepted: exact, or reported as not. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/json.h"

/* A number as digits × 10^scale, without zeros at either end of the digits. Digits are read from
 * the text, whose point is stepped over. */
typedef struct decimal {
    const char *first; /* the first digit that isn't zero; NULL for zero */
    const char *last;
    int64_t count; /* digits from first to last */
    int64_t scale;
    bool negative;
} decimal;

/* No text is long enough to make up for an exponent this large. */
static const int64_t EXPONENT_MAX = INT64_C(1000000000000000);

static int64_t read_exponent(const char *at, const char *end)
{
    bool negative = *at == '-';
    int64_t value = 0;

    if (*at == '-' || *at == '+')
        at++;
    for (; at < end; at++) {
        if (value < EXPONENT_MAX)
            value = value * 10 + (*at - '0');
    }
    return negative ? -value : value;
}

static decimal read_decimal(json_value number)
{
    const char *at = number.start;
    const char *end = number.start + number.len;
    const char *exponent;
    decimal d = {.first = NULL};
    bool fraction = false;
    int64_t digits = 0;  /* from `first` to the place at hand */
    int64_t behind = 0;  /* digits behind the point up to the place at hand */
    int64_t last_at = 0; /* `behind` at `last` */

    if (*at == '-') {
        d.negative = true;
        at++;
    }
    for (exponent = at; exponent < end && (*exponent | 0x20) != 'e'; exponent++) {
        if (*exponent == '.') {
            fraction = true;
            continue;
        }
        behind += fraction;
        digits += d.first != NULL;
        if (*exponent == '0')
            continue;
        if (d.first == NULL) {
            d.first = exponent;
            digits = 1;
        }
        d.last = exponent;
        d.count = digits;
        last_at = fraction ? behind : 0;
    }
    d.scale = -last_at;
    if (d.first != NULL && last_at == 0) {
        /* Zeros between the last digit and the point. */
        for (const char *zero = d.last + 1; zero < exponent && *zero == '0'; zero++)
            d.scale++;
    }
    if (exponent < end)
        d.scale += read_exponent(exponent + 1, end);
    return d;
}

enum { INT64_DIGITS = 19 };

json_err json_int64(json_value number, int64_t *out)
{
    uint64_t magnitude = 0;
    uint64_t limit;
    decimal d;

    if (number.type != JSON_NUMBER)
        return JSON_ETYPE;
    d = read_decimal(number);
    if (d.first == NULL) {
        *out = 0;
        return JSON_OK;
    }
    if (d.scale < 0)
        return JSON_EINEXACT;
    if (d.count > INT64_DIGITS || d.scale > INT64_DIGITS || d.count + d.scale > INT64_DIGITS)
        return JSON_ERANGE;
    for (const char *at = d.first; at <= d.last; at++) {
        if (*at != '.')
            magnitude = magnitude * 10 + (uint64_t)(*at - '0');
    }
    for (int64_t i = 0; i < d.scale; i++)
        magnitude *= 10;
    limit = (uint64_t)INT64_MAX + d.negative;
    if (magnitude > limit)
        return JSON_ERANGE;
    if (d.negative)
        *out = magnitude == limit ? INT64_MIN : -(int64_t)magnitude;
    else
        *out = (int64_t)magnitude;
    return JSON_OK;
}

/* No double has more digits than this between its first and its last one. */
enum { DOUBLE_DIGITS = 767 };

/* Compare the number as written with the double's own, complete decimal form. */
static bool is_exact(json_value number, double value)
{
    char text[DOUBLE_DIGITS + 16];
    decimal written = read_decimal(number);
    decimal held;
    const char *a = written.first;
    const char *b;

    if (a == NULL || written.count > DOUBLE_DIGITS)
        return a == NULL;
    snprintf(text, sizeof text, "%.*e", DOUBLE_DIGITS - 1, value);
    held = read_decimal((json_value){text, strlen(text), JSON_NUMBER});
    if (held.first == NULL || held.count != written.count || held.scale != written.scale)
        return false;
    for (b = held.first; a <= written.last; a++, b++) {
        if (*a == '.')
            a++;
        if (*b == '.')
            b++;
        if (*a != *b)
            return false;
    }
    return true;
}

json_err json_double(json_value number, double *out)
{
    char small[64];
    char *copy = small;
    double value;

    if (number.type != JSON_NUMBER)
        return JSON_ETYPE;
    if (number.len >= sizeof small) {
        copy = malloc(number.len + 1);
        if (copy == NULL)
            return JSON_ENOMEM;
    }
    memcpy(copy, number.start, number.len);
    copy[number.len] = '\0';
    value = strtod(copy, NULL); /* the grammar is judged, underflow is rounding */
    if (copy != small)
        free(copy);
    if (isinf(value))
        return JSON_ERANGE;
    *out = value;
    return is_exact(number, value) ? JSON_OK : JSON_EINEXACT;
}
