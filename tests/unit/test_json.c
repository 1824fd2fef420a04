#include "daemon/json.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SUITE_DIR[] = "tests/data/JSONTestSuite/test_parsing";

/* The text lies in memory of exactly its size, so that a sanitizer sees a byte read too many. */
static json_err parse_exactly(const char *text, size_t len, json_value *root, size_t *where)
{
    char *copy = malloc(len > 0 ? len : 1);
    json_err err;

    ck_assert_ptr_nonnull(copy);
    if (len > 0)
        memcpy(copy, text, len);
    err = json_parse(copy, len, root, where);
    free(copy);
    return err;
}

static json_err judge(const char *text)
{
    json_value root;

    return parse_exactly(text, strlen(text), &root, NULL);
}

/* The value of a constant, whose bytes stay. */
static json_value parsed(const char *text)
{
    json_value root;
    size_t where;

    ck_assert_msg(json_parse(text, strlen(text), &root, &where) == JSON_OK, "%s", text);
    return root;
}

static bool value_is(json_value value, const char *text)
{
    return value.len == strlen(text) && memcmp(value.start, text, value.len) == 0;
}

static char *load(const char *name, size_t *len)
{
    char path[512];
    char *text;
    FILE *file;
    long size;

    snprintf(path, sizeof path, "%s/%s", SUITE_DIR, name);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s can't be opened", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    ck_assert_int_ge(size, 0);
    rewind(file);
    text = malloc((size_t)size + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    *len = (size_t)size;
    return text;
}

static json_err judge_file(const char *name)
{
    size_t len;
    char *text = load(name, &len);
    json_value root;
    json_err err = parse_exactly(text, len, &root, NULL);

    free(text);
    return err;
}

/* Judge every file of a class; returns how many there were. */
static int judge_class(char class, bool accepted)
{
    DIR *dir = opendir(SUITE_DIR);
    struct dirent *entry;
    int files = 0;

    ck_assert_msg(dir != NULL, "%s is not here: run from the root of the tree", SUITE_DIR);
    while ((entry = readdir(dir)) != NULL) {
        json_err err;

        if (entry->d_name[0] != class || entry->d_name[1] != '_')
            continue;
        err = judge_file(entry->d_name);
        ck_assert_msg((err == JSON_OK) == accepted, "%s: %s", entry->d_name, json_strerror(err));
        files++;
    }
    closedir(dir);
    return files;
}

START_TEST(every_y_file_of_the_suite_is_accepted)
{
    ck_assert_int_eq(judge_class('y', true), 95);
}
END_TEST

START_TEST(every_n_file_of_the_suite_is_refused)
{
    ck_assert_int_eq(judge_class('n', false), 188);
}
END_TEST

/* docs/protocol.md says the same. */
static const struct {
    const char *name;
    json_err err;
} decisions[] = {
    {"i_number_double_huge_neg_exp.json", JSON_OK},
    {"i_number_huge_exp.json", JSON_OK},
    {"i_number_neg_int_huge_exp.json", JSON_OK},
    {"i_number_pos_double_huge_exp.json", JSON_OK},
    {"i_number_real_neg_overflow.json", JSON_OK},
    {"i_number_real_pos_overflow.json", JSON_OK},
    {"i_number_real_underflow.json", JSON_OK},
    {"i_number_too_big_neg_int.json", JSON_OK},
    {"i_number_too_big_pos_int.json", JSON_OK},
    {"i_number_very_big_negative_int.json", JSON_OK},
    {"i_object_key_lone_2nd_surrogate.json", JSON_OK},
    {"i_string_1st_surrogate_but_2nd_missing.json", JSON_OK},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", JSON_OK},
    {"i_string_UTF-16LE_with_BOM.json", JSON_EUTF8},
    {"i_string_UTF-8_invalid_sequence.json", JSON_EUTF8},
    {"i_string_UTF8_surrogate_U+D800.json", JSON_EUTF8},
    {"i_string_incomplete_surrogate_and_escape_valid.json", JSON_OK},
    {"i_string_incomplete_surrogate_pair.json", JSON_OK},
    {"i_string_incomplete_surrogates_escape_valid.json", JSON_OK},
    {"i_string_invalid_lonely_surrogate.json", JSON_OK},
    {"i_string_invalid_surrogate.json", JSON_OK},
    {"i_string_invalid_utf-8.json", JSON_EUTF8},
    {"i_string_inverted_surrogates_U+1D11E.json", JSON_OK},
    {"i_string_iso_latin_1.json", JSON_EUTF8},
    {"i_string_lone_second_surrogate.json", JSON_OK},
    {"i_string_lone_utf8_continuation_byte.json", JSON_EUTF8},
    {"i_string_not_in_unicode_range.json", JSON_EUTF8},
    {"i_string_overlong_sequence_2_bytes.json", JSON_EUTF8},
    {"i_string_overlong_sequence_6_bytes.json", JSON_EUTF8},
    {"i_string_overlong_sequence_6_bytes_null.json", JSON_EUTF8},
    {"i_string_truncated-utf-8.json", JSON_EUTF8},
    {"i_string_utf16BE_no_BOM.json", JSON_ESYNTAX},
    {"i_string_utf16LE_no_BOM.json", JSON_ESYNTAX},
    {"i_structure_500_nested_arrays.json", JSON_EDEPTH},
    {"i_structure_UTF-8_BOM_empty_object.json", JSON_ESYNTAX},
};

START_TEST(each_i_file_of_the_suite_is_decided)
{
    json_err err = judge_file(decisions[_i].name);

    ck_assert_msg(err == decisions[_i].err, "%s: %s", decisions[_i].name, json_strerror(err));
}
END_TEST

static json_err judge_nested(size_t depth, const char *open, const char *close)
{
    char text[8 * (JSON_DEPTH_MAX + 1)];
    char *end = text;

    for (size_t i = 0; i < depth; i++)
        end = stpcpy(end, open);
    *end++ = '1';
    *end = '\0';
    for (size_t i = 0; i < depth; i++)
        end = stpcpy(end, close);
    return judge(text);
}

START_TEST(depth_128_is_accepted_and_129_refused)
{
    ck_assert_int_eq(judge_nested(128, "[", "]"), JSON_OK);
    ck_assert_int_eq(judge_nested(129, "[", "]"), JSON_EDEPTH);
    ck_assert_int_eq(judge_nested(128, "{\"\":", "}"), JSON_OK);
    ck_assert_int_eq(judge_nested(129, "{\"\":", "}"), JSON_EDEPTH);
}
END_TEST

START_TEST(a_million_open_brackets_are_refused_without_recursion)
{
    size_t len = 1000000;
    char *text = malloc(len);
    json_value root;

    ck_assert_ptr_nonnull(text);
    memset(text, '[', len);
    ck_assert_int_eq(json_parse(text, len, &root, NULL), JSON_EDEPTH);
    free(text);
}
END_TEST

static const struct {
    const char *text;
    json_err err;
    size_t where;
} mistakes[] = {
    {"", JSON_ETRUNCATED, 0},
    {"  ", JSON_ETRUNCATED, 2},
    {"{\"a\"", JSON_ETRUNCATED, 4},
    {"\"abc", JSON_ETRUNCATED, 4},
    {"\"\\u12", JSON_ETRUNCATED, 5},
    {"tru", JSON_ETRUNCATED, 3},
    {"-", JSON_ETRUNCATED, 1},
    {"1 2", JSON_ESYNTAX, 2},
    {"{} x", JSON_ESYNTAX, 3},
    {"[1,]", JSON_ESYNTAX, 3},
    {"[1}", JSON_ESYNTAX, 2},
    {"{\"a\":1,}", JSON_ESYNTAX, 7},
    {"{a:1}", JSON_ESYNTAX, 1},
    {"01", JSON_ESYNTAX, 1},
    {"0x10", JSON_ESYNTAX, 1},
    {"NaN", JSON_ESYNTAX, 0},
    {"\"\\x\"", JSON_ESYNTAX, 2},
    {"\"a\tb\"", JSON_ESYNTAX, 2},
    {"\"\xc0\x80\"", JSON_EUTF8, 1},
    {"\"\xed\xa0\x80\"", JSON_EUTF8, 1},
    {"\"\xf4\x90\x80\x80\"", JSON_EUTF8, 1},
    {"\"\xe2\x82", JSON_EUTF8, 1},
    {"\xff", JSON_EUTF8, 0},
};

START_TEST(a_mistake_is_named_with_its_place)
{
    json_value root;
    size_t where = SIZE_MAX;
    json_err err = parse_exactly(mistakes[_i].text, strlen(mistakes[_i].text), &root, &where);

    ck_assert_msg(err == mistakes[_i].err, "%s: %s", mistakes[_i].text, json_strerror(err));
    ck_assert_uint_eq(where, mistakes[_i].where);
}
END_TEST

START_TEST(a_nul_byte_ends_nothing)
{
    json_value root;

    ck_assert_int_eq(parse_exactly("1\0", 2, &root, NULL), JSON_ESYNTAX);
    ck_assert_int_eq(parse_exactly("\"a\0b\"", 5, &root, NULL), JSON_ESYNTAX);
    ck_assert_int_eq(parse_exactly("\"\\\0\"", 4, &root, NULL), JSON_ESYNTAX);
}
END_TEST

START_TEST(values_are_exact_ranges)
{
    json_value root = parsed(" { \"n\" : 123456789012345678901234567890 ,"
                             "\"a\":[ 1 , \"]\\\"\" ,{} ],\"a\":1.50e0 } ");
    json_iter iter = json_each(root);
    json_member member;
    json_value element;
    json_iter inner;

    ck_assert_int_eq(root.type, JSON_OBJECT);
    ck_assert_uint_eq(json_count(root), 3);
    ck_assert(json_next_member(&iter, &member));
    ck_assert(value_is(member.key, "\"n\""));
    ck_assert(value_is(member.value, "123456789012345678901234567890"));
    ck_assert(json_next_member(&iter, &member));
    ck_assert(value_is(member.value, "[ 1 , \"]\\\"\" ,{} ]"));
    ck_assert_uint_eq(json_count(member.value), 3);
    inner = json_each(member.value);
    ck_assert(json_next_element(&inner, &element) && value_is(element, "1"));
    ck_assert(json_next_element(&inner, &element) && value_is(element, "\"]\\\"\""));
    ck_assert(json_next_element(&inner, &element) && value_is(element, "{}"));
    ck_assert(!json_next_element(&inner, &element));
    ck_assert(json_next_member(&iter, &member));
    ck_assert(value_is(member.key, "\"a\"") && value_is(member.value, "1.50e0"));
    ck_assert(!json_next_member(&iter, &member));
    ck_assert(!json_next_member(&iter, &member));
}
END_TEST

START_TEST(empty_containers_and_scalars_have_nothing_to_walk)
{
    static const char *const texts[] = {"{}", "[ ]", "{\n}", "1", "\"[1]\"", "null"};
    json_member member;
    json_value element;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_iter members = json_each(parsed(texts[i]));
        json_iter elements = members;

        ck_assert(!json_next_member(&members, &member));
        ck_assert(!json_next_element(&elements, &element));
        ck_assert_uint_eq(json_count(parsed(texts[i])), 0);
    }
}
END_TEST

START_TEST(names_are_found_whatever_their_spelling)
{
    json_value root = parsed("{\"\\u006dsg\":1,\"m\":2,\"msg\\u0000\":3}");
    json_value value;

    ck_assert(json_find(root, "msg", &value) && value_is(value, "1"));
    ck_assert(json_find(root, "m", &value) && value_is(value, "2"));
    ck_assert(!json_find(root, "ms", &value));
    ck_assert(!json_find(root, "", &value));
    ck_assert(!json_find(parsed("[\"m\",1]"), "m", &value));
}
END_TEST

static const struct {
    const char *text;
    const char *second; /* NULL: none */
} twins[] = {
    {"{}", NULL},
    {"{\"a\":1}", NULL},
    {"{\"a\":1,\"A\":2}", NULL},
    {"{\"a\":{\"a\":1}}", NULL},
    {"{\"a\":1,\"b\":2,\"a\":3}", "3"},
    {"{\"a\":1,\"\\u0061\":3}", "3"},
    {"{\"\\n\":1,\"\\u000A\":3}", "3"},
    {"{\"\\ud834\\udd1e\":1,\"\xf0\x9d\x84\x9e\":3}", "3"},
    {"{\"\\ud834\":1,\"\\ud834\":3}", "3"},
    {"{\"a\\u0000b\":1,\"a\\u0000c\":3}", NULL},
    {"{\"\":1,\"\":3}", "3"},
};

START_TEST(duplicates_are_found_whatever_their_spelling)
{
    json_member second;
    bool found = twins[_i].second == NULL;

    ck_assert_int_eq(json_find_duplicate(parsed(twins[_i].text), &found, &second), JSON_OK);
    ck_assert(found == (twins[_i].second != NULL));
    ck_assert(!found || value_is(second.value, twins[_i].second));
}
END_TEST

START_TEST(duplicates_are_found_among_many)
{
    enum { MANY = 50000, TWIN = 49152 };
    char *text = malloc(MANY * 16 + 2);
    char *at = text;
    json_value root;
    json_member second;
    bool found;

    ck_assert_ptr_nonnull(text);
    *at++ = '{';
    for (int i = 0; i < MANY; i++)
        at += sprintf(at, "%s\"k%d\":%d", i > 0 ? "," : "", i == TWIN ? 7 : i, i);
    *at++ = '}';
    ck_assert_int_eq(json_parse(text, (size_t)(at - text), &root, NULL), JSON_OK);
    ck_assert_int_eq(json_find_duplicate(root, &found, &second), JSON_OK);
    ck_assert(found && value_is(second.value, "49152"));
    free(text);
}
END_TEST

static const struct {
    const char *text;
    json_err err;
    int64_t value;
} integers[] = {
    {"0", JSON_OK, 0},
    {"-0", JSON_OK, 0},
    {"0.000", JSON_OK, 0},
    {"0e999999999999999999999", JSON_OK, 0},
    {"42", JSON_OK, 42},
    {"-42", JSON_OK, -42},
    {"9223372036854775807", JSON_OK, INT64_MAX},
    {"-9223372036854775808", JSON_OK, INT64_MIN},
    {"9223372036854775808", JSON_ERANGE, 0},
    {"-9223372036854775809", JSON_ERANGE, 0},
    {"18446744073709551616", JSON_ERANGE, 0},
    {"123456789012345678901234567890", JSON_ERANGE, 0},
    {"1e400", JSON_ERANGE, 0},
    {"1e99999999999999999999", JSON_ERANGE, 0},
    {"1.0", JSON_OK, 1},
    {"1.50", JSON_EINEXACT, 0},
    {"10e-1", JSON_OK, 1},
    {"1e2", JSON_OK, 100},
    {"1.23E+2", JSON_OK, 123},
    {"1.234e2", JSON_EINEXACT, 0},
    {"1200e-2", JSON_OK, 12},
    {"1205e-2", JSON_EINEXACT, 0},
    {"0.05e2", JSON_OK, 5},
    {"100.100e1", JSON_OK, 1001},
    {"1e-400", JSON_EINEXACT, 0},
    {"9.223372036854775807e18", JSON_OK, INT64_MAX},
    {"\"1\"", JSON_ETYPE, 0},
};

START_TEST(integers_are_exact_or_refused)
{
    int64_t value = 0;
    json_err err = json_int64(parsed(integers[_i].text), &value);

    ck_assert_msg(err == integers[_i].err, "%s: %s", integers[_i].text, json_strerror(err));
    ck_assert_msg(value == integers[_i].value, "%s: %lld", integers[_i].text, (long long)value);
}
END_TEST

static const struct {
    const char *text;
    json_err err;
    double value;
} doubles[] = {
    {"0", JSON_OK, 0.0},
    {"0.5", JSON_OK, 0.5},
    {"-1.25e1", JSON_OK, -12.5},
    {"0.1", JSON_EINEXACT, 0.1},
    {"1e22", JSON_OK, 1e22},
    {"1e23", JSON_EINEXACT, 1e23},
    {"9007199254740993", JSON_EINEXACT, 9007199254740992.0},
    {"9007199254740992", JSON_OK, 9007199254740992.0},
    {"123456789012345678901234567890", JSON_EINEXACT, 123456789012345678901234567890.0},
    {"1e-400", JSON_EINEXACT, 0.0},
    {"0e-400", JSON_OK, 0.0},
    {"1e400", JSON_ERANGE, 7.0},
    {"0.10000000000000000555111512312578270211815834045410156250", JSON_OK, 0.1},
    {"0.100000000000000005551115123125782702118158340454101562500000000000000000001", JSON_EINEXACT,
     0.1},
    {"true", JSON_ETYPE, 7.0},
};

START_TEST(doubles_say_whether_they_are_exact)
{
    double value = 7.0;
    json_err err = json_double(parsed(doubles[_i].text), &value);

    ck_assert_msg(err == doubles[_i].err, "%s: %s", doubles[_i].text, json_strerror(err));
    ck_assert_msg(value == doubles[_i].value, "%s: %.17g", doubles[_i].text, value);
}
END_TEST

static const struct {
    const char *text;
    json_err err;
    const char *decoded;
} strings[] = {
    {"\"\"", JSON_OK, ""},
    {"\"plain\"", JSON_OK, "plain"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", JSON_OK, "\"\\/\b\f\n\r\t"},
    {"\"\\u00e9\\u20AC\\ud834\\uDD1E\"", JSON_OK, "\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e"},
    {"\"\xe2\x82\xac\"", JSON_OK, "\xe2\x82\xac"},
    {"\"a\\u0000b\"", JSON_ENUL, NULL},
    {"\"\\ud834\"", JSON_ESURROGATE, NULL},
    {"\"\\ud834\\u0041\"", JSON_ESURROGATE, NULL},
    {"\"\\udd1e\\ud834\"", JSON_ESURROGATE, NULL},
    {"1", JSON_ETYPE, NULL},
};

START_TEST(strings_are_decoded_or_refused_never_cut)
{
    char buffer[64];
    char *copy = NULL;
    size_t len = 0;
    json_value value = parsed(strings[_i].text);

    ck_assert_int_eq(json_text(value, buffer, sizeof buffer, &len), strings[_i].err);
    ck_assert_int_eq(json_text_dup(value, &copy, &len), strings[_i].err);
    if (strings[_i].decoded != NULL) {
        ck_assert_str_eq(buffer, strings[_i].decoded);
        ck_assert_str_eq(copy, strings[_i].decoded);
        ck_assert_uint_eq(len, strlen(strings[_i].decoded));
        ck_assert(json_text_is(value, strings[_i].decoded));
        free(copy);
    } else {
        ck_assert_ptr_null(copy);
    }
}
END_TEST

START_TEST(a_buffer_too_small_is_refused)
{
    char buffer[4];

    ck_assert_int_eq(json_text(parsed("\"abc\""), buffer, sizeof buffer, NULL), JSON_OK);
    ck_assert_int_eq(json_text(parsed("\"abcd\""), buffer, sizeof buffer, NULL), JSON_ENOSPACE);
    ck_assert_int_eq(json_text(parsed("\"ab\\u20ac\""), buffer, sizeof buffer, NULL),
                     JSON_ENOSPACE);
    ck_assert_int_eq(json_text(parsed("\"\""), buffer, 0, NULL), JSON_ENOSPACE);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *scan = tcase_create("scan");
    TCase *walk = tcase_create("walk");
    SRunner *runner;
    int failed;

    tcase_add_test(scan, every_y_file_of_the_suite_is_accepted);
    tcase_add_test(scan, every_n_file_of_the_suite_is_refused);
    tcase_add_loop_test(scan, each_i_file_of_the_suite_is_decided, 0, ROWS(decisions));
    tcase_add_test(scan, depth_128_is_accepted_and_129_refused);
    tcase_add_test(scan, a_million_open_brackets_are_refused_without_recursion);
    tcase_add_loop_test(scan, a_mistake_is_named_with_its_place, 0, ROWS(mistakes));
    tcase_add_test(scan, a_nul_byte_ends_nothing);
    tcase_add_test(walk, values_are_exact_ranges);
    tcase_add_test(walk, empty_containers_and_scalars_have_nothing_to_walk);
    tcase_add_test(walk, names_are_found_whatever_their_spelling);
    tcase_add_loop_test(walk, duplicates_are_found_whatever_their_spelling, 0, ROWS(twins));
    tcase_add_test(walk, duplicates_are_found_among_many);
    tcase_add_loop_test(walk, integers_are_exact_or_refused, 0, ROWS(integers));
    tcase_add_loop_test(walk, doubles_say_whether_they_are_exact, 0, ROWS(doubles));
    tcase_add_loop_test(walk, strings_are_decoded_or_refused_never_cut, 0, ROWS(strings));
    tcase_add_test(walk, a_buffer_too_small_is_refused);
    suite_add_tcase(suite, scan);
    suite_add_tcase(suite, walk);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
