#include "units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct unit {
    const char *name;
    int64_t factor;
} unit;

/* From large to small. */
static const unit durations[] = {
    {"d", INT64_C(86400000000)},
    {"h", INT64_C(3600000000)},
    {"m", 60000000},
    {"s", 1000000},
    {"ms", 1000},
    {"us", 1},
};

static const unit sizes[] = {
    {"TiB", INT64_C(1) << 40},
    {"GiB", 1 << 30},
    {"MiB", 1 << 20},
    {"KiB", 1 << 10},
    {"TB", INT64_C(1000000000000)},
    {"GB", 1000000000},
    {"MB", 1000000},
    {"kB", 1000},
    {"B", 1},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const forms[] = {
    [UNITS_INTEGER] = "a whole number",
    [UNITS_NUMBER] = "a number such as 2 or 1.5",
    [UNITS_DURATION] = "a duration such as 500us, 250ms, 10s, 5m, 2h, 1d or 1m30s",
    [UNITS_SIZE] = "a size such as 512B, 64KiB, 10MiB, 1GiB, 64kB, 10MB or 1GB",
    [UNITS_RATE] = "a rate such as 50/s or 100/m",
    [UNITS_PERCENT] = "a percentage such as 50%",
    [UNITS_COUNT_IN] = "a count in a time such as 5 in 30s",
    [UNITS_RANGE] = "a range of durations such as 200ms..30s",
};

const char *units_form_text(units_form form)
{
    return forms[form];
}

const char *units_strerror(units_form form, units_err err)
{
    switch (err) {
    case UNITS_OK:
        return "ok";
    case UNITS_EFORMAT:
        switch (form) {
        case UNITS_INTEGER:
            return "is not a whole number";
        case UNITS_NUMBER:
            return "is not a number";
        case UNITS_DURATION:
            return "is not a duration";
        case UNITS_SIZE:
            return "is not a size";
        case UNITS_RATE:
            return "is not a rate";
        case UNITS_PERCENT:
            return "is not a percentage";
        case UNITS_COUNT_IN:
            return "is not a count in a time";
        case UNITS_RANGE:
            return "is not a range";
        }
        break;
    case UNITS_ENOUNIT:
        return "needs a unit";
    case UNITS_EUNIT:
        return "has an unknown unit";
    case UNITS_EORDER:
        return "has its parts out of order";
    case UNITS_ERANGE:
        return form == UNITS_RANGE ? "ends before it begins" : "is out of range";
    }
    return "is not valid";
}

/* Digits at *p, and a fraction where one is allowed; *p moves behind them. The value is whole plus
 * fraction / scale. */
typedef struct number {
    int64_t whole;
    int64_t fraction;
    int64_t scale;
} number;

static units_err read_number(const char **p, number *out)
{
    const char *s = *p;
    number n = {0, 0, 1};
    if (!isdigit((unsigned char)*s))
        return UNITS_EFORMAT;
    for (; isdigit((unsigned char)*s); s++)
        if (__builtin_mul_overflow(n.whole, 10, &n.whole) ||
            __builtin_add_overflow(n.whole, *s - '0', &n.whole))
            return UNITS_ERANGE;
    if (s[0] == '.' && isdigit((unsigned char)s[1])) {
        for (s++; isdigit((unsigned char)*s); s++) {
            if (n.scale >= INT64_C(1000000000000))
                return UNITS_ERANGE;
            n.fraction = n.fraction * 10 + (*s - '0');
            n.scale *= 10;
        }
    }
    *out = n;
    *p = s;
    return UNITS_OK;
}

/* The unit at *p: the longest run of letters, which must be one of them. */
static units_err read_unit(const char **p, const unit *units, size_t count, size_t *index)
{
    size_t length = 0;
    while (isalpha((unsigned char)(*p)[length]))
        length++;
    if (length == 0)
        return (*p)[0] == '\0' ? UNITS_ENOUNIT : UNITS_EFORMAT;
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].name) == length && strncmp(units[i].name, *p, length) == 0) {
            *index = i;
            *p += length;
            return UNITS_OK;
        }
    }
    return UNITS_EUNIT;
}

/* n times `factor`, exactly. */
static units_err scale(const number *n, int64_t factor, int64_t *out)
{
    int64_t whole, part;
    if (__builtin_mul_overflow(n->whole, factor, &whole))
        return UNITS_ERANGE;
    /* fraction < 10^12 and factor < 2^41: the product may need more than 64 bits */
    __extension__ typedef __int128 wide;
    wide product = (wide)n->fraction * factor;
    if (product % n->scale != 0)
        return UNITS_ERANGE;
    part = (int64_t)(product / n->scale);
    return __builtin_add_overflow(whole, part, out) ? UNITS_ERANGE : UNITS_OK;
}

units_err config_parse_duration(const char *text, int64_t *us)
{
    int64_t total = 0;
    const char *p = text;
    size_t allowed = 0; /* units from here on may follow */
    do {
        number n;
        size_t index = 0;
        int64_t part = 0;
        units_err err = read_number(&p, &n);
        if (!err)
            err = read_unit(&p, durations, COUNT(durations), &index);
        if (!err && index < allowed)
            err = UNITS_EORDER;
        if (!err)
            err = scale(&n, durations[index].factor, &part);
        if (err)
            return err;
        if (__builtin_add_overflow(total, part, &total))
            return UNITS_ERANGE;
        allowed = index + 1;
    } while (*p);
    *us = total;
    return UNITS_OK;
}

/* "AAA<separator>BBB" as two strings; false when there is no separator or the first is long. */
static bool split(const char *text, const char *separator, char first[UNITS_TEXT],
                  const char **second)
{
    const char *at = strstr(text, separator);
    if (!at || (size_t)(at - text) >= UNITS_TEXT)
        return false;
    memcpy(first, text, (size_t)(at - text));
    first[at - text] = '\0';
    *second = at + strlen(separator);
    return true;
}

units_err config_parse_range(const char *text, int64_t *from_us, int64_t *to_us)
{
    char first[UNITS_TEXT];
    const char *second;
    int64_t from = 0, to = 0;
    if (!split(text, "..", first, &second))
        return UNITS_EFORMAT;
    units_err err = config_parse_duration(first, &from);
    if (!err)
        err = config_parse_duration(second, &to);
    if (!err && from > to)
        err = UNITS_ERANGE;
    if (err)
        return err;
    *from_us = from;
    *to_us = to;
    return UNITS_OK;
}

units_err config_parse_size(const char *text, int64_t *bytes)
{
    const char *p = text;
    number n;
    size_t index = 0;
    int64_t value = 0;
    units_err err = read_number(&p, &n);
    if (!err)
        err = read_unit(&p, sizes, COUNT(sizes), &index);
    if (!err && *p)
        err = UNITS_EFORMAT;
    if (!err)
        err = scale(&n, sizes[index].factor, &value);
    if (!err)
        *bytes = value;
    return err;
}

units_err config_parse_rate(const char *text, int64_t *count, int64_t *per_us)
{
    const char *p = text;
    number n;
    size_t index = 0;
    units_err err = read_number(&p, &n);
    if (err)
        return err;
    if (n.scale != 1)
        return UNITS_EFORMAT;
    if (*p == '\0')
        return UNITS_ENOUNIT;
    if (*p++ != '/')
        return UNITS_EFORMAT;
    /* s, m, h and d only */
    err = read_unit(&p, durations, 4, &index);
    if (!err && *p)
        err = UNITS_EFORMAT;
    if (err)
        return err;
    *count = n.whole;
    *per_us = durations[index].factor;
    return UNITS_OK;
}

units_err config_parse_percent(const char *text, double *ratio)
{
    const char *p = text;
    number n;
    units_err err = read_number(&p, &n);
    if (err)
        return err;
    if (*p == '\0')
        return UNITS_ENOUNIT;
    if (p[0] != '%' || p[1] != '\0')
        return UNITS_EFORMAT;
    *ratio = ((double)n.whole + (double)n.fraction / (double)n.scale) / 100;
    return UNITS_OK;
}

units_err config_parse_count_in(const char *text, int64_t *count, int64_t *within_us)
{
    char first[UNITS_TEXT];
    const char *second;
    int64_t number_of = 0, within = 0;
    if (!split(text, " in ", first, &second))
        return UNITS_EFORMAT;
    if (!isdigit((unsigned char)first[0]))
        return UNITS_EFORMAT;
    units_err err = config_parse_integer(first, &number_of);
    if (!err)
        err = config_parse_duration(second, &within);
    if (!err && within == 0)
        err = UNITS_ERANGE;
    if (err)
        return err;
    *count = number_of;
    *within_us = within;
    return UNITS_OK;
}

units_err config_parse_integer(const char *text, int64_t *value)
{
    const char *p = text;
    bool negative = *p == '-';
    number n;
    units_err err = read_number(negative ? (p++, &p) : &p, &n);
    if (!err && (*p || n.scale != 1))
        err = UNITS_EFORMAT;
    if (!err)
        *value = negative ? -n.whole : n.whole;
    return err;
}

units_err config_parse_number(const char *text, double *value)
{
    const char *p = text;
    bool negative = *p == '-';
    number n;
    if (negative)
        p++;
    units_err err = read_number(&p, &n);
    if (!err && *p)
        err = UNITS_EFORMAT;
    if (!err) {
        double d = (double)n.whole + (double)n.fraction / (double)n.scale;
        *value = negative ? -d : d;
    }
    return err;
}

const char *config_format_duration(int64_t us, char out[UNITS_TEXT])
{
    if (us <= 0) {
        snprintf(out, UNITS_TEXT, us < 0 ? "infinity" : "0s");
        return out;
    }
    size_t used = 0;
    for (size_t i = 0; i < COUNT(durations); i++) {
        int64_t n = us / durations[i].factor;
        if (n == 0)
            continue;
        us %= durations[i].factor;
        used +=
            (size_t)snprintf(out + used, UNITS_TEXT - used, "%" PRId64 "%s", n, durations[i].name);
    }
    return out;
}

const char *config_format_size(int64_t bytes, char out[UNITS_TEXT])
{
    for (size_t i = 0; i < COUNT(sizes); i++) {
        if (bytes != 0 && bytes % sizes[i].factor == 0) {
            snprintf(out, UNITS_TEXT, "%" PRId64 "%s", bytes / sizes[i].factor, sizes[i].name);
            return out;
        }
    }
    snprintf(out, UNITS_TEXT, "%" PRId64 "B", bytes);
    return out;
}

const char *config_format_rate(int64_t count, int64_t per_us, char out[UNITS_TEXT])
{
    const char *name = "s";
    for (size_t i = 0; i < COUNT(durations); i++)
        if (durations[i].factor == per_us)
            name = durations[i].name;
    snprintf(out, UNITS_TEXT, "%" PRId64 "/%s", count, name);
    return out;
}

const char *config_format_number(double value, char out[UNITS_TEXT])
{
    snprintf(out, UNITS_TEXT, "%.12g", value);
    return out;
}

const char *config_format_percent(double ratio, char out[UNITS_TEXT])
{
    snprintf(out, UNITS_TEXT, "%.12g%%", ratio * 100);
    return out;
}
