#include "daemon/json.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_out out;

static void setup(void)
{
    out = (json_out){.data = NULL};
}

static void teardown(void)
{
    json_out_free(&out);
}

static void expect(const char *text)
{
    json_value root;

    ck_assert_int_eq(out.err, JSON_OK);
    ck_assert_str_eq(out.data, text);
    ck_assert_uint_eq(out.len, strlen(text));
    ck_assert_int_eq(json_parse(out.data, out.len, &root, NULL), JSON_OK);
}

START_TEST(commas_are_put_where_they_belong)
{
    json_out_object(&out);
    json_out_key(&out, "a");
    json_out_array(&out);
    json_out_int(&out, 1);
    json_out_object(&out);
    json_out_object_end(&out);
    json_out_array(&out);
    json_out_array_end(&out);
    json_out_null(&out);
    json_out_array_end(&out);
    json_out_key(&out, "b");
    json_out_bool(&out, true);
    json_out_key(&out, "c");
    json_out_text(&out, NULL);
    json_out_object_end(&out);
    expect("{\"a\":[1,{},[],null],\"b\":true,\"c\":null}");
}
END_TEST

START_TEST(text_is_escaped)
{
    json_out_text(&out, "\"\\/\b\t\n\v\f\r\x01\x7f\xe2\x82\xac");
    expect("\"\\\"\\\\/\\b\\t\\n\\u000b\\f\\r\\u0001\x7f\xe2\x82\xac\"");
}
END_TEST

START_TEST(a_nul_inside_text_is_escaped)
{
    json_out_text_n(&out, "a\0b", 3);
    expect("\"a\\u0000b\"");
}
END_TEST

START_TEST(each_invalid_byte_becomes_a_replacement_character)
{
    json_out_text(&out, "a\xff\xc0\x80z\xe2\x82");
    expect("\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\"");
}
END_TEST

START_TEST(integers_are_complete)
{
    json_out_array(&out);
    json_out_int(&out, INT64_MIN);
    json_out_int(&out, INT64_MAX);
    json_out_uint(&out, UINT64_MAX);
    json_out_array_end(&out);
    expect("[-9223372036854775808,9223372036854775807,18446744073709551615]");
}
END_TEST

static const struct {
    double value;
    const char *text;
} doubles[] = {
    {0.0, "0"},        {-0.0, "-0"},       {100.0, "100"},
    {0.1, "0.1"},      {-1.5, "-1.5"},     {1.0 / 3, "0.3333333333333333"},
    {1e300, "1e+300"}, {5e-324, "5e-324"}, {123456789.125, "123456789.125"},
    {NAN, "null"},     {INFINITY, "null"}, {-INFINITY, "null"},
};

START_TEST(doubles_are_the_shortest_text_that_reads_back)
{
    double value = 0;

    json_out_double(&out, doubles[_i].value);
    expect(doubles[_i].text);
    if (isfinite(doubles[_i].value)) {
        ck_assert(json_double((json_value){out.data, out.len, JSON_NUMBER}, &value) != JSON_ERANGE);
        ck_assert(value == doubles[_i].value);
    }
}
END_TEST

START_TEST(raw_bytes_stay_as_they_are)
{
    static const char payload[] = "{\"a\":1, \"a\":123456789012345678901234567890}";

    json_out_array(&out);
    json_out_raw(&out, payload, strlen(payload));
    json_out_value(&out, (json_value){"1.0", 3, JSON_NUMBER});
    json_out_array_end(&out);
    expect("[{\"a\":1, \"a\":123456789012345678901234567890},1.0]");
}
END_TEST

START_TEST(members_travel_between_texts)
{
    json_out members = {.data = NULL};

    json_out_key(&members, "breaker");
    json_out_text(&members, "b");
    json_out_key(&members, "retry_after_ms");
    json_out_int(&members, 7);
    json_out_object(&out);
    json_out_key(&out, "code");
    json_out_int(&out, 1);
    json_out_members(&out, members.data, members.len);
    json_out_members(&out, NULL, 0);
    json_out_key(&out, "z");
    json_out_null(&out);
    json_out_object_end(&out);
    expect("{\"code\":1,\"breaker\":\"b\",\"retry_after_ms\":7,\"z\":null}");
    json_out_free(&members);
}
END_TEST

START_TEST(formatted_text_is_never_cut)
{
    json_out_textf(&out, "%0500d", 7);
    ck_assert_uint_eq(out.len, 502);
    json_out_clear(&out);
    json_out_textf(&out, "%s is \"%d\"", "x", 7);
    expect("\"x is \\\"7\\\"\"");
}
END_TEST

START_TEST(a_failure_sticks_until_it_is_cleared)
{
    json_out_int(&out, 1);
    json_out_raw(&out, "", SIZE_MAX / 2);
    ck_assert_int_eq(out.err, JSON_ENOMEM);
    json_out_int(&out, 2);
    ck_assert_int_eq(out.err, JSON_ENOMEM);
    json_out_clear(&out);
    json_out_int(&out, 3);
    expect("3");
    json_out_raw(&out, "", SIZE_MAX / 2);
    ck_assert_ptr_null(json_out_take(&out, NULL));
    json_out_int(&out, 4);
    expect("4");
}
END_TEST

START_TEST(the_text_can_be_taken_away)
{
    size_t len;
    char *text;

    json_out_bool(&out, false);
    text = json_out_take(&out, &len);
    ck_assert_str_eq(text, "false");
    ck_assert_uint_eq(len, 5);
    ck_assert_uint_eq(out.len, 0);
    free(text);
    text = json_out_take(&out, &len);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(long_texts_grow)
{
    for (int i = 0; i < 10000; i++)
        json_out_text(&out, "0123456789");
    ck_assert_int_eq(out.err, JSON_OK);
    ck_assert_uint_eq(out.len, 10000 * 13 - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_out");
    TCase *tests = tcase_create("put");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, commas_are_put_where_they_belong);
    tcase_add_test(tests, text_is_escaped);
    tcase_add_test(tests, a_nul_inside_text_is_escaped);
    tcase_add_test(tests, each_invalid_byte_becomes_a_replacement_character);
    tcase_add_test(tests, integers_are_complete);
    tcase_add_loop_test(tests, doubles_are_the_shortest_text_that_reads_back, 0,
                        (int)(sizeof doubles / sizeof *doubles));
    tcase_add_test(tests, raw_bytes_stay_as_they_are);
    tcase_add_test(tests, members_travel_between_texts);
    tcase_add_test(tests, formatted_text_is_never_cut);
    tcase_add_test(tests, a_failure_sticks_until_it_is_cleared);
    tcase_add_test(tests, the_text_can_be_taken_away);
    tcase_add_test(tests, long_texts_grow);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
