#include "config/config.h"
#include "tests/support/suite.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct {
    const char *text;
    units_err err;
    int64_t us;
} durations[] = {
    {"500us", UNITS_OK, 500},
    {"250ms", UNITS_OK, 250000},
    {"10s", UNITS_OK, 10000000},
    {"5m", UNITS_OK, 300000000},
    {"2h", UNITS_OK, INT64_C(7200000000)},
    {"1d", UNITS_OK, INT64_C(86400000000)},
    {"1m30s", UNITS_OK, 90000000},
    {"1d2h3m4s5ms6us", UNITS_OK, INT64_C(93784005006)},
    {"1.5s", UNITS_OK, 1500000},
    {"0s", UNITS_OK, 0},
    {"007s", UNITS_OK, 7000000},
    {"", UNITS_EFORMAT, 0},
    {"s", UNITS_EFORMAT, 0},
    {"10", UNITS_ENOUNIT, 0},
    {"0", UNITS_ENOUNIT, 0},
    {"1m30", UNITS_ENOUNIT, 0},
    {"10sec", UNITS_EUNIT, 0},
    {"10S", UNITS_EUNIT, 0},
    {"10w", UNITS_EUNIT, 0},
    {"-1s", UNITS_EFORMAT, 0},
    {"+1s", UNITS_EFORMAT, 0},
    {" 1s", UNITS_EFORMAT, 0},
    {"1s ", UNITS_EFORMAT, 0},
    {"1 s", UNITS_EFORMAT, 0},
    {"1m 30s", UNITS_EFORMAT, 0},
    {"1s1m", UNITS_EORDER, 0},
    {"1s1s", UNITS_EORDER, 0},
    {"1e3s", UNITS_EUNIT, 0},
    {"1.s", UNITS_EFORMAT, 0},
    {".5s", UNITS_EFORMAT, 0},
    {"0x10s", UNITS_EUNIT, 0},
    {"0.5us", UNITS_ERANGE, 0},
    {"9223372036854775807us", UNITS_OK, INT64_MAX},
    {"9223372036854775808us", UNITS_ERANGE, 0},
    {"9223372036854775807s", UNITS_ERANGE, 0},
    {"106751991d9223372036854775807us", UNITS_ERANGE, 0},
};

START_TEST(durations_need_a_unit_and_nothing_else)
{
    for (size_t i = 0; i < COUNT(durations); i++) {
        int64_t us = -7;
        units_err err = config_parse_duration(durations[i].text, &us);
        ck_assert_msg(err == durations[i].err, "%s: %d", durations[i].text, (int)err);
        ck_assert_msg(us == (err ? -7 : durations[i].us), "%s: %" PRId64, durations[i].text, us);
    }
}
END_TEST

static const struct {
    const char *text;
    units_err err;
    int64_t bytes;
} sizes[] = {
    {"512B", UNITS_OK, 512},
    {"64KiB", UNITS_OK, 65536},
    {"10MiB", UNITS_OK, 10485760},
    {"1GiB", UNITS_OK, 1073741824},
    {"2TiB", UNITS_OK, INT64_C(2199023255552)},
    {"64kB", UNITS_OK, 64000},
    {"10MB", UNITS_OK, 10000000},
    {"1GB", UNITS_OK, 1000000000},
    {"1.5KiB", UNITS_OK, 1536},
    {"0B", UNITS_OK, 0},
    {"10M", UNITS_EUNIT, 0},
    {"10K", UNITS_EUNIT, 0},
    {"10KB", UNITS_EUNIT, 0},
    {"10kib", UNITS_EUNIT, 0},
    {"10", UNITS_ENOUNIT, 0},
    {"1MiB1KiB", UNITS_EFORMAT, 0},
    {"-1B", UNITS_EFORMAT, 0},
    {"0.5B", UNITS_ERANGE, 0},
    {"8388608TiB", UNITS_ERANGE, 0},
};

START_TEST(sizes_need_a_unit_and_a_bare_letter_is_none)
{
    for (size_t i = 0; i < COUNT(sizes); i++) {
        int64_t bytes = -7;
        units_err err = config_parse_size(sizes[i].text, &bytes);
        ck_assert_msg(err == sizes[i].err, "%s: %d", sizes[i].text, (int)err);
        ck_assert_msg(bytes == (err ? -7 : sizes[i].bytes), "%s", sizes[i].text);
    }
}
END_TEST

START_TEST(rates_are_a_count_in_a_period)
{
    static const struct {
        const char *text;
        units_err err;
        int64_t count, per_us;
    } rows[] = {
        {"50/s", UNITS_OK, 50, 1000000},
        {"100/m", UNITS_OK, 100, 60000000},
        {"3/h", UNITS_OK, 3, INT64_C(3600000000)},
        {"1/d", UNITS_OK, 1, INT64_C(86400000000)},
        {"50", UNITS_ENOUNIT, 0, 0},
        {"50/", UNITS_ENOUNIT, 0, 0},
        {"50/ms", UNITS_EUNIT, 0, 0},
        {"50/sec", UNITS_EUNIT, 0, 0},
        {"50 / s", UNITS_EFORMAT, 0, 0},
        {"50/s ", UNITS_EFORMAT, 0, 0},
        {"1.5/s", UNITS_EFORMAT, 0, 0},
        {"/s", UNITS_EFORMAT, 0, 0},
        {"99999999999999999999/s", UNITS_ERANGE, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t count = 0, per_us = 0;
        units_err err = config_parse_rate(rows[i].text, &count, &per_us);
        ck_assert_msg(err == rows[i].err && count == rows[i].count && per_us == rows[i].per_us,
                      "%s: %d", rows[i].text, (int)err);
    }
}
END_TEST

START_TEST(percentages_carry_their_sign)
{
    static const struct {
        const char *text;
        units_err err;
        double ratio;
    } rows[] = {
        {"50%", UNITS_OK, 0.5},      {"12.5%", UNITS_OK, 0.125}, {"0%", UNITS_OK, 0},
        {"150%", UNITS_OK, 1.5},     {"50", UNITS_ENOUNIT, -1},  {"50 %", UNITS_EFORMAT, -1},
        {"50%%", UNITS_EFORMAT, -1}, {"%", UNITS_EFORMAT, -1},   {"-5%", UNITS_EFORMAT, -1},
        {"0.5x", UNITS_EFORMAT, -1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double ratio = -1;
        units_err err = config_parse_percent(rows[i].text, &ratio);
        ck_assert_msg(err == rows[i].err, "%s: %d", rows[i].text, (int)err);
        ck_assert_double_eq_tol(ratio, rows[i].ratio, 1e-12);
    }
}
END_TEST

START_TEST(counts_in_a_time_are_exact)
{
    static const struct {
        const char *text;
        units_err err;
        int64_t count, us;
    } rows[] = {
        {"5 in 30s", UNITS_OK, 5, 30000000},     {"0 in 1m", UNITS_OK, 0, 60000000},
        {"10 in 1m30s", UNITS_OK, 10, 90000000}, {"5", UNITS_EFORMAT, 0, 0},
        {"5 in", UNITS_EFORMAT, 0, 0},           {"5 in ", UNITS_EFORMAT, 0, 0},
        {"5 in 30", UNITS_ENOUNIT, 0, 0},        {"5 in 0s", UNITS_ERANGE, 0, 0},
        {"5  in 30s", UNITS_EFORMAT, 0, 0},      {"-5 in 30s", UNITS_EFORMAT, 0, 0},
        {"x in 30s", UNITS_EFORMAT, 0, 0},       {"5.5 in 30s", UNITS_EFORMAT, 0, 0},
        {"5 per 30s", UNITS_EFORMAT, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t count = 0, us = 0;
        units_err err = config_parse_count_in(rows[i].text, &count, &us);
        ck_assert_msg(err == rows[i].err && count == rows[i].count && us == rows[i].us, "%s: %d",
                      rows[i].text, (int)err);
    }
}
END_TEST

START_TEST(ranges_go_upwards)
{
    int64_t from = 0, to = 0;
    ck_assert_int_eq(config_parse_range("200ms..30s", &from, &to), UNITS_OK);
    ck_assert_int_eq(from, 200000);
    ck_assert_int_eq(to, 30000000);
    ck_assert_int_eq(config_parse_range("1s..1s", &from, &to), UNITS_OK);
    ck_assert_int_eq(config_parse_range("30s..200ms", &from, &to), UNITS_ERANGE);
    ck_assert_int_eq(config_parse_range("200..30s", &from, &to), UNITS_ENOUNIT);
    ck_assert_int_eq(config_parse_range("200ms", &from, &to), UNITS_EFORMAT);
    ck_assert_int_eq(config_parse_range("1s..2s..3s", &from, &to), UNITS_EFORMAT);
}
END_TEST

START_TEST(integers_end_where_the_text_ends)
{
    static const struct {
        const char *text;
        units_err err;
        int64_t value;
    } rows[] = {
        {"20", UNITS_OK, 20},
        {"-1", UNITS_OK, -1},
        {"0", UNITS_OK, 0},
        {"", UNITS_EFORMAT, 9},
        {"-", UNITS_EFORMAT, 9},
        {"1x", UNITS_EFORMAT, 9},
        {"0x10", UNITS_EFORMAT, 9},
        {"1.0", UNITS_EFORMAT, 9},
        {"1e3", UNITS_EFORMAT, 9},
        {"1_000", UNITS_EFORMAT, 9},
        {" 1", UNITS_EFORMAT, 9},
        {"--1", UNITS_EFORMAT, 9},
        {"9223372036854775807", UNITS_OK, INT64_MAX},
        {"9223372036854775808", UNITS_ERANGE, 9},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t value = 9;
        units_err err = config_parse_integer(rows[i].text, &value);
        ck_assert_msg(err == rows[i].err && value == rows[i].value, "%s: %d", rows[i].text,
                      (int)err);
    }
}
END_TEST

START_TEST(numbers_have_no_exponent)
{
    double value = 0;
    ck_assert_int_eq(config_parse_number("1.5", &value), UNITS_OK);
    ck_assert_double_eq_tol(value, 1.5, 1e-12);
    ck_assert_int_eq(config_parse_number("2", &value), UNITS_OK);
    ck_assert_double_eq_tol(value, 2, 1e-12);
    ck_assert_int_eq(config_parse_number("-0.5", &value), UNITS_OK);
    ck_assert_double_eq_tol(value, -0.5, 1e-12);
    ck_assert_int_eq(config_parse_number("1e3", &value), UNITS_EFORMAT);
    ck_assert_int_eq(config_parse_number("inf", &value), UNITS_EFORMAT);
    ck_assert_int_eq(config_parse_number("nan", &value), UNITS_EFORMAT);
    ck_assert_int_eq(config_parse_number("1,5", &value), UNITS_EFORMAT);
}
END_TEST

START_TEST(formatted_durations_read_back)
{
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {
        {90000000, "1m30s"}, {250000, "250ms"},  {1500000, "1s500ms"},
        {0, "0s"},           {1, "1us"},         {INT64_C(86400000000), "1d"},
        {-1, "infinity"},    {3600000000, "1h"}, {INT64_MAX, "106751991d4h54s775ms807us"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[UNITS_TEXT];
        int64_t us = 0;
        ck_assert_str_eq(config_format_duration(rows[i].us, text), rows[i].text);
        if (rows[i].us >= 0) {
            ck_assert_int_eq(config_parse_duration(text, &us), UNITS_OK);
            ck_assert_int_eq(us, rows[i].us);
        }
    }
}
END_TEST

START_TEST(formatted_sizes_rates_and_percentages_read_back)
{
    char text[UNITS_TEXT];
    ck_assert_str_eq(config_format_size(1048576, text), "1MiB");
    ck_assert_str_eq(config_format_size(1536, text), "1536B");
    ck_assert_str_eq(config_format_size(10000000, text), "10MB");
    ck_assert_str_eq(config_format_size(0, text), "0B");
    ck_assert_str_eq(config_format_rate(100, 60000000, text), "100/m");
    ck_assert_str_eq(config_format_percent(0.125, text), "12.5%");
    ck_assert_str_eq(config_format_percent(0.2, text), "20%");
    ck_assert_str_eq(config_format_number(1.5, text), "1.5");
}
END_TEST

START_TEST(distance_counts_a_swap_once)
{
    ck_assert_uint_eq(suggest_distance("", ""), 0);
    ck_assert_uint_eq(suggest_distance("", "abc"), 3);
    ck_assert_uint_eq(suggest_distance("kitten", "sitting"), 3);
    ck_assert_uint_eq(suggest_distance("exce", "exec"), 1);
    ck_assert_uint_eq(suggest_distance("Retry", "retry"), 0);
    char longer[200];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    ck_assert_uint_eq(suggest_distance(longer, "a"), SUGGEST_MAX + 1);
    longer[SUGGEST_MAX] = '\0';
    ck_assert_uint_eq(suggest_distance(longer, ""), SUGGEST_MAX);
    ck_assert_uint_eq(suggest_distance(longer, longer), 0);
}
END_TEST

START_TEST(only_a_near_name_is_suggested)
{
    static const char *const names[] = {"max_retries", "backoff", "initial", "max", "echo"};
    static const struct {
        const char *word, *best;
    } rows[] = {
        {"max_retires", "max_retries"},
        {"maxretries", "max_retries"},
        {"mx", "max"},
        {"mxa", "max"},
        {"mob", NULL},
        {"inital", "initial"},
        {"ehco", "echo"},
        {"colour", NULL},
        {"", NULL},
        {"q", NULL},
        {"back_off", "backoff"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *best = suggest_nearest(rows[i].word, names, COUNT(names));
        ck_assert_msg(best == rows[i].best || (best && rows[i].best && !strcmp(best, rows[i].best)),
                      "%s: %s", rows[i].word, best ? best : "nothing");
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {durations_need_a_unit_and_nothing_else,
                                  sizes_need_a_unit_and_a_bare_letter_is_none,
                                  rates_are_a_count_in_a_period,
                                  percentages_carry_their_sign,
                                  counts_in_a_time_are_exact,
                                  ranges_go_upwards,
                                  integers_end_where_the_text_ends,
                                  numbers_have_no_exponent,
                                  formatted_durations_read_back,
                                  formatted_sizes_rates_and_percentages_read_back,
                                  distance_counts_a_swap_once,
                                  only_a_near_name_is_suggested,
                                  NULL};
    return suite_run("config_units", tests, NULL, NULL);
}
