#include "actorctl/jsontext.h"

#include "tests/support/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char SUITE_DIR[] = "tests/data/JSONTestSuite/test_parsing";

static jslice slice(const char *text)
{
    return (jslice){text, strlen(text)};
}

#define expect_slice(s, text)                                                                      \
    ck_assert_msg((s).at && (s).len == strlen(text) && memcmp((s).at, (text), (s).len) == 0,       \
                  "'%.*s' is not '%s'", (int)(s).len, (s).at ? (s).at : "", (text))

/* The text lies in memory of exactly its size, so that a sanitizer sees a byte read too many. */
static bool judge_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", SUITE_DIR, name);
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    size_t len = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(len ? len : 1);
    ck_assert_uint_eq(fread(text, 1, len, f), len);
    fclose(f);
    json_fault fault;
    bool valid = jsontext_valid(text, len, &fault);
    free(text);
    return valid;
}

static int judge_class(char class, bool accepted)
{
    DIR *dir = opendir(SUITE_DIR);
    ck_assert_msg(dir != NULL, "%s is not here: run from the root of the tree", SUITE_DIR);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != class || entry->d_name[1] != '_')
            continue;
        ck_assert_msg(judge_file(entry->d_name) == accepted, "%s", entry->d_name);
        files++;
    }
    closedir(dir);
    return files;
}

START_TEST(what_the_suite_accepts_is_valid)
{
    ck_assert_int_eq(judge_class('y', true), 95);
}
END_TEST

START_TEST(what_the_suite_refuses_is_not_valid)
{
    ck_assert_int_eq(judge_class('n', false), 188);
}
END_TEST

START_TEST(fault_is_located_where_the_reader_looks)
{
    static const struct {
        const char *text;
        size_t line, column;
    } rows[] = {
        {"", 1, 1},          {"tru", 1, 1},   {"{\"a\":1,}", 1, 8}, {"[1\n 2]", 2, 2},
        {"{\"a\" 1}", 1, 6}, {"[1] x", 1, 5}, {"[\"a", 1, 2},       {"{\n\"a\":[1,\n2", 2, 5},
        {"\"\\q\"", 1, 2},   {"01", 1, 2},    {"-", 1, 2},          {"\"\xff\"", 1, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_fault fault = {0};
        ck_assert(!jsontext_valid(rows[i].text, strlen(rows[i].text), &fault));
        ck_assert_msg(fault.line == rows[i].line && fault.column == rows[i].column && fault.what,
                      "%s: %zu:%zu %s", rows[i].text, fault.line, fault.column, fault.what);
    }
}
END_TEST

START_TEST(nesting_is_bounded_as_in_the_daemon)
{
    char text[2 * (JSONTEXT_DEPTH + 1)];
    json_fault fault;
    memset(text, '[', JSONTEXT_DEPTH + 1);
    memset(text + JSONTEXT_DEPTH + 1, ']', JSONTEXT_DEPTH + 1);
    ck_assert(!jsontext_valid(text, sizeof text, &fault));
    ck_assert(jsontext_valid(text + 1, sizeof text - 2, &fault));
}
END_TEST

START_TEST(member_is_found_by_its_exact_bytes)
{
    jslice object = slice(" { \"a\" : [1, {\"b\":2}] ,\"b\": 1.00 ,\"ab\":\"x\\\"y\"} ");
    expect_slice(jsontext_member(object, "a"), "[1, {\"b\":2}]");
    expect_slice(jsontext_member(object, "b"), "1.00");
    expect_slice(jsontext_member(object, "ab"), "\"x\\\"y\"");
    ck_assert_ptr_null(jsontext_member(object, "x").at);
    ck_assert_ptr_null(jsontext_member(slice("[1]"), "a").at);
    ck_assert_ptr_null(jsontext_member(slice("{}"), "a").at);
    ck_assert_ptr_null(jsontext_member((jslice){NULL, 0}, "a").at);
}
END_TEST

START_TEST(elements_are_walked_in_order)
{
    jslice array = slice("[ 1 ,\"a,]\" , [2,3],{} ]"), item;
    static const char *const expected[] = {"1", "\"a,]\"", "[2,3]", "{}"};
    size_t count = 0;
    for (size_t at = 0; jsontext_next(array, &at, &item); count++) {
        ck_assert_uint_lt(count, 4);
        expect_slice(item, expected[count]);
    }
    ck_assert_uint_eq(count, 4);
    size_t at = 0;
    ck_assert(!jsontext_next(slice("[]"), &at, &item));
    ck_assert(!jsontext_next(slice("{}"), &at, &item));
}
END_TEST

START_TEST(blanks_around_a_value_are_not_its_own)
{
    expect_slice(jsontext_trim(" \t\r\n[1 ]\n", 9), "[1 ]");
    ck_assert_uint_eq(jsontext_trim(" \n", 2).len, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_the_suite_accepts_is_valid,         what_the_suite_refuses_is_not_valid,
        fault_is_located_where_the_reader_looks, nesting_is_bounded_as_in_the_daemon,
        member_is_found_by_its_exact_bytes,      elements_are_walked_in_order,
        blanks_around_a_value_are_not_its_own,   NULL,
    };
    return suite_run("actorctl_jsontext", tests, NULL, NULL);
}
