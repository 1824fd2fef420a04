#include "tests/support/configs.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "test.yaml"

static const char *lookup(void *arg, const char *name)
{
    static const char *const variables[][2] = {
        {"HOME_URL", "http://example.org/hook"},
        {"EMPTY", ""},
        {"NUMBER", "7"},
        {"YAML", "a: [b, *c]"},
        {"BOOL", "false"},
        {"DOLLAR", "$HOME_URL ${NUMBER}"},
    };
    (void)arg;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (strcmp(variables[i][0], name) == 0)
            return variables[i][1];
    return NULL;
}

const config_options configs_options = {lookup, NULL};

config *configs_load(const char *text)
{
    config_errors *errs = config_errors_new();
    config *c = NULL;
    ck_assert_ptr_nonnull(errs);
    config_err err = config_load_text(FILE_NAME, text, strlen(text), &configs_options, &c, errs);
    if (err != CONFIG_OK) {
        char *all = config_errors_text(errs, NULL);
        ck_abort_msg("%s:\n%s", config_strerror(err), all);
    }
    config_errors_free(errs);
    return c;
}

char *configs_errors(const char *text)
{
    config_errors *errs = config_errors_new();
    config *c = NULL;
    ck_assert_ptr_nonnull(errs);
    config_err err = config_load_text(FILE_NAME, text, strlen(text), &configs_options, &c, errs);
    ck_assert_msg(err == CONFIG_EINVALID, "no error in:\n%s", text);
    ck_assert_ptr_null(c);
    char *all = config_errors_text(errs, NULL);
    ck_assert_ptr_nonnull(all);
    config_errors_free(errs);
    return all;
}

void configs_expect_error(const char *text, const char *expected)
{
    char *all = configs_errors(text);
    char *line = strchr(all, ':'), *end = strchr(all, '\n');
    ck_assert_ptr_nonnull(line);
    *end = '\0';
    ck_assert_msg(strcmp(line + 1, expected) == 0, "expected: %s\ngot:      %s\nin:\n%s", expected,
                  line + 1, text);
    ck_assert_msg(!strstr(end + 1, FILE_NAME ":"), "more than one error:\n%s\n%s", all, end + 1);
    free(all);
}

void configs_expect_errors(const char *text, const char *expected)
{
    char *all = configs_errors(text);
    ck_assert_str_eq(all, expected);
    free(all);
}
