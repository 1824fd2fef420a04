/* What people look at: numbers, widths, tables. */
#include "actorctl/human.h"
#include "actorctl/out.h"

#include "tests/support/suite.h"

#include <locale.h>
#include <string.h>

static const look plain = {0};
static char text[HUMAN_TEXT];

static void utf8(void)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

START_TEST(counts_are_exact_while_short)
{
    ck_assert_str_eq(human_count(0, text), "0");
    ck_assert_str_eq(human_count(9999, text), "9999");
    ck_assert_str_eq(human_count(10000, text), "10.0k");
    ck_assert_str_eq(human_count(999949, text), "999.9k");
    ck_assert_str_eq(human_count(999999, text), "1.0M");
    ck_assert_str_eq(human_count(1e18, text), "1000.0P");
}
END_TEST

START_TEST(times_have_the_unit_that_fits)
{
    static const struct {
        double ms;
        const char *text;
    } rows[] = {
        {0, "0 ms"},      {0.085, "85 us"},  {12.34, "12.3 ms"},  {250, "250 ms"},
        {999.6, "1.0 s"}, {18000, "18 s"},   {1200, "1.2 s"},     {59949, "59.9 s"},
        {59999, "1m"},    {192000, "3m12s"}, {18180000, "5h03m"}, {187200000, "2d4h"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(human_ms(rows[i].ms, text), rows[i].text);
}
END_TEST

START_TEST(ages_are_told_from_rfc_3339)
{
    ck_assert_str_eq(human_age("1970-01-01T00:01:00.250Z", 60, text), "just now");
    ck_assert_str_eq(human_age("1970-01-01T00:00:00Z", 192, text), "3m12s ago");
    ck_assert_str_eq(human_age("yesterday", 0, text), "yesterday");
}
END_TEST

START_TEST(sizes_are_binary)
{
    ck_assert_str_eq(human_bytes(61, text), "61 B");
    ck_assert_str_eq(human_bytes(2048, text), "2.0 KiB");
    ck_assert_str_eq(human_bytes(3.0 * 1024 * 1024, text), "3.0 MiB");
}
END_TEST

START_TEST(width_is_what_the_terminal_shows)
{
    ck_assert_uint_eq(human_width("abc"), 3);
    ck_assert_uint_eq(human_width("äöü"), 3);
    ck_assert_uint_eq(human_width("日本"), 4);
    ck_assert_uint_eq(human_width("e\xcc\x81"), 1); /* a combining accent */
    ck_assert_uint_eq(human_width("\xff\xfe"), 2);  /* not UTF-8 */
    ck_assert_uint_eq(human_clip("日本", 3), 3);
    ck_assert_uint_eq(human_clip("abc", 9), 3);
}
END_TEST

static const table_column columns[] = {
    {.title = "NAME", .flexible = true}, {.title = "N", .right = true}, {.title = "LAST"}};

/* Two rows: a name as wide as it is given, and one with two-column characters. */
static char *print(const look *l, const char *name)
{
    static buf b;
    buf_clear(&b);
    table *t = table_new(columns, 3);
    table_cell(t, PAINT_PLAIN, "%s", name);
    table_cell(t, PAINT_PLAIN, "%d", 7);
    table_cell(t, PAINT_GOOD, "x");
    table_cell(t, PAINT_PLAIN, "日本");
    table_cell(t, PAINT_PLAIN, "%d", 1234);
    table_cell(t, PAINT_PLAIN, "%s", "");
    table_print(t, l, 1, &b);
    table_free(t);
    ck_assert(buf_ok(&b));
    return b.at;
}

START_TEST(columns_are_aligned_by_what_is_shown)
{
    ck_assert_str_eq(print(&plain, "äbc"), " NAME     N  LAST\n"
                                           " äbc      7  x\n"
                                           " 日本  1234\n");
}
END_TEST

START_TEST(nothing_is_cut_without_a_terminal)
{
    ck_assert_ptr_nonnull(strstr(print(&plain, "a_name_of_some_length"), "a_name_of_some_length"));
}
END_TEST

START_TEST(flexible_column_gives_way_on_a_terminal)
{
    const look narrow = {.width = 24};
    const char *shown = print(&narrow, "a_name_of_some_length");
    ck_assert_ptr_nonnull(strstr(shown, "…"));
    ck_assert_ptr_nonnull(strstr(shown, "  x\n"));
    for (const char *line = shown; *line;) {
        char one[128];
        size_t len = strcspn(line, "\n");
        memcpy(one, line, len);
        one[len] = '\0';
        ck_assert_uint_le(human_width(one), narrow.width);
        line += len + 1;
    }
}
END_TEST

START_TEST(colour_goes_around_the_text_only)
{
    const look coloured = {.colour = true};
    ck_assert_ptr_nonnull(strstr(print(&coloured, "a"), "7  \033[32mx\033[0m\n"));
    ck_assert_ptr_null(strchr(print(&plain, "a"), '\033'));
}
END_TEST

START_TEST(control_characters_are_not_passed_on)
{
    buf b = {0};
    out_text(&b, &plain, PAINT_GOOD,
             "a\033[2J\n\t\177\xc2\x9b"
             "b");
    ck_assert_str_eq(b.at, "a?[2J  ??b");
    buf_free(&b);
}
END_TEST

START_TEST(table_without_rows_prints_nothing)
{
    buf b = {0};
    table *t = table_new(columns, 3);
    table_print(t, &plain, 0, &b);
    ck_assert_uint_eq(b.len, 0);
    table_free(t);
}
END_TEST

START_TEST(buffer_quotes_what_json_needs_quoted)
{
    buf b = {0};
    buf_json_string(&b, "a\"b\\c\n\x01ü");
    ck_assert_str_eq(b.at, "\"a\\\"b\\\\c\\u000a\\u0001ü\"");
    buf_free(&b);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        counts_are_exact_while_short,
        times_have_the_unit_that_fits,
        ages_are_told_from_rfc_3339,
        sizes_are_binary,
        width_is_what_the_terminal_shows,
        columns_are_aligned_by_what_is_shown,
        nothing_is_cut_without_a_terminal,
        flexible_column_gives_way_on_a_terminal,
        colour_goes_around_the_text_only,
        control_characters_are_not_passed_on,
        table_without_rows_prints_nothing,
        buffer_quotes_what_json_needs_quoted,
        NULL,
    };
    return suite_run("actorctl_out", tests, utf8, NULL);
}
