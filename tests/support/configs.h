/* Loading configurations from text. Texts are cited as "test.yaml" unless a name is given. */
#ifndef TESTS_CONFIGS_H
#define TESTS_CONFIGS_H

#include "config/config.h"

/* The configuration of a text that must be valid; the test fails with its errors otherwise. */
config *configs_load(const char *text);

/* All errors of a text as for people, for free(); the test fails when there are none. */
char *configs_errors(const char *text);

/* The text must have exactly one error, whose first line (without "test.yaml:") is `expected`. */
void configs_expect_error(const char *text, const char *expected);

/* The errors must be exactly the text `expected`. */
void configs_expect_errors(const char *text, const char *expected);

/* Variables that the texts see; everything else is not set. */
extern const config_options configs_options;

#endif
