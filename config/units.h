/* units: durations, sizes, rates, percentages and counts in time, as people write them.
 *
 * Every parser takes the whole NUL-terminated text or refuses it: no blanks around it, nothing
 * behind it, no silent overflow. The result is untouched on failure. Pure; any thread.
 */
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum units_err {
    UNITS_OK = 0,
    UNITS_EFORMAT, /* not of the form at all */
    UNITS_ENOUNIT, /* a number without a unit */
    UNITS_EUNIT,   /* a unit that doesn't exist */
    UNITS_EORDER,  /* a duration whose parts don't go from large to small ("1s1m") */
    UNITS_ERANGE   /* too large, or finer than the smallest unit */
} units_err;

typedef enum units_form {
    UNITS_INTEGER,
    UNITS_NUMBER,
    UNITS_DURATION,
    UNITS_SIZE,
    UNITS_RATE,
    UNITS_PERCENT,
    UNITS_COUNT_IN,
    UNITS_RANGE
} units_form;

/* "needs a unit", "is not a duration": completes "'10' ...". */
const char *units_strerror(units_form form, units_err err);

/* "a duration such as 500us, 250ms, 10s, 5m, 2h, 1d or 1m30s". */
const char *units_form_text(units_form form);

/* "1m30s", "250ms", "1.5s" -> microseconds. Units: us ms s m h d. "0" alone has no unit and is
 * refused as well; "0s" is fine. */
units_err config_parse_duration(const char *text, int64_t *us);

/* "200ms..30s" -> both ends, first not above second (UNITS_ERANGE). */
units_err config_parse_range(const char *text, int64_t *from_us, int64_t *to_us);

/* "512B" "64KiB" "10MiB" "1GiB" "2TiB" or "kB" "MB" "GB" "TB" -> bytes. */
units_err config_parse_size(const char *text, int64_t *bytes);

/* "50/s" "100/m" "3/h" -> count in a period. Periods: s, m, h, d. */
units_err config_parse_rate(const char *text, int64_t *count, int64_t *per_us);

/* "50%" or "12.5%" -> 0.5, 0.125. Not bounded to 100%. */
units_err config_parse_percent(const char *text, double *ratio);

/* "5 in 30s" -> 5 and 30 s; the time is above zero. */
units_err config_parse_count_in(const char *text, int64_t *count, int64_t *within_us);

/* "20" and "-1" -> a whole number in decimal. */
units_err config_parse_integer(const char *text, int64_t *value);

/* "1.5", "2" -> a finite number, without exponent. */
units_err config_parse_number(const char *text, double *value);

/* Enough for every formatter below. */
#define UNITS_TEXT 48

/* Each writes the shortest exact text that its parser reads back, and returns `out`. */
const char *config_format_duration(int64_t us, char out[UNITS_TEXT]);
const char *config_format_size(int64_t bytes, char out[UNITS_TEXT]);
const char *config_format_rate(int64_t count, int64_t per_us, char out[UNITS_TEXT]);
const char *config_format_percent(double ratio, char out[UNITS_TEXT]);
const char *config_format_number(double value, char out[UNITS_TEXT]);

#endif
