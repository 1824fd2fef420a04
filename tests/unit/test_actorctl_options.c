#include "actorctl/options.h"
#include "actorctl/verb.h"

#include "tests/support/suite.h"

#include <string.h>

static char why[OPTIONS_WHY];

/* Parse words up to NULL; the result stays valid, since literals do. */
static bool parse(options *o, const char *const *words)
{
    char *argv[32] = {"actorctl"};
    static char *kept[32];
    int argc = 1;
    while (words[argc - 1]) {
        argv[argc] = (char *)words[argc - 1];
        argc++;
    }
    memcpy(kept, argv, sizeof kept);
    return options_parse(argc, kept, o, why);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(options_stand_before_and_after_the_verb)
{
    options o;
    ck_assert(parse(&o, WORDS("--json", "send", "--ttl", "5s", "w", "--key=a=b", "{}")));
    ck_assert_uint_eq(o.word_count, 3);
    ck_assert_str_eq(o.words[0], "send");
    ck_assert_str_eq(o.words[2], "{}");
    ck_assert_str_eq(o.value[OPT_JSON], "");
    ck_assert_str_eq(o.value[OPT_TTL], "5s");
    ck_assert_str_eq(o.value[OPT_KEY], "a=b");
    ck_assert_ptr_null(o.value[OPT_DELAY]);
    options_free(&o);
}
END_TEST

START_TEST(optional_value_needs_an_equals_sign)
{
    options o;
    ck_assert(parse(&o, WORDS("ls", "--watch", "2s")));
    ck_assert_str_eq(o.value[OPT_WATCH], "");
    ck_assert_uint_eq(o.word_count, 2);
    options_free(&o);
    ck_assert(parse(&o, WORDS("ls", "--watch=2s")));
    ck_assert_str_eq(o.value[OPT_WATCH], "2s");
    options_free(&o);
}
END_TEST

START_TEST(short_options_take_their_value_in_either_way)
{
    options o;
    ck_assert(parse(&o, WORDS("ls", "-o", "name", "-y")));
    ck_assert_str_eq(o.value[OPT_OUTPUT], "name");
    ck_assert_str_eq(o.value[OPT_YES], "");
    options_free(&o);
    ck_assert(parse(&o, WORDS("ls", "-ojsonl")));
    ck_assert_str_eq(o.value[OPT_OUTPUT], "jsonl");
    options_free(&o);
}
END_TEST

START_TEST(dash_and_negative_numbers_are_words)
{
    options o;
    ck_assert(parse(&o, WORDS("send", "w", "-")));
    ck_assert_str_eq(o.words[2], "-");
    options_free(&o);
    ck_assert(parse(&o, WORDS("send", "w", "-1.5")));
    ck_assert_str_eq(o.words[2], "-1.5");
    options_free(&o);
}
END_TEST

START_TEST(command_after_two_dashes_is_left_alone)
{
    options o;
    ck_assert(parse(&o, WORDS("spawn", "w", "--", "prog", "--json", "--")));
    ck_assert_uint_eq(o.command_count, 3);
    ck_assert_str_eq(o.command[1], "--json");
    ck_assert_ptr_null(o.value[OPT_JSON]);
    options_free(&o);
}
END_TEST

START_TEST(set_is_collected_in_order)
{
    options o;
    ck_assert(parse(&o, WORDS("spawn", "w", "--set", "a=1", "--set=b=2")));
    ck_assert_uint_eq(o.set_count, 2);
    ck_assert_str_eq(o.sets[0], "a=1");
    ck_assert_str_eq(o.sets[1], "b=2");
    options_free(&o);
}
END_TEST

START_TEST(mistakes_are_explained)
{
    options o;
    ck_assert(!parse(&o, WORDS("ls", "--jsonn")));
    ck_assert_str_eq(why, "unknown option --jsonn; did you mean --json?");
    ck_assert(!parse(&o, WORDS("ls", "-z")));
    ck_assert_str_eq(why, "unknown option -z");
    ck_assert(!parse(&o, WORDS("ls", "--url")));
    ck_assert_str_eq(why, "--url needs a value: --url URL");
    ck_assert(!parse(&o, WORDS("ls", "--yes=1")));
    ck_assert_str_eq(why, "--yes takes no value");
}
END_TEST

START_TEST(verbs_are_found_by_one_word_or_two)
{
    size_t used;
    const char *near;
    ck_assert_str_eq(verb_find(WORDS("ls"), 1, &used, &near)->name, "ls");
    ck_assert_uint_eq(used, 1);
    ck_assert_str_eq(verb_find(WORDS("breaker", "ls", "b"), 3, &used, &near)->name, "breaker ls");
    ck_assert_uint_eq(used, 2);
    ck_assert_ptr_null(verb_find(WORDS("breaker"), 1, &used, &near));
    ck_assert_ptr_null(verb_find(WORDS("restrat"), 1, &used, &near));
    ck_assert_str_eq(near, "restart");
    ck_assert_ptr_null(verb_find(WORDS("deadletters", "sho"), 2, &used, &near));
    ck_assert_str_eq(near, "show");
    ck_assert_ptr_null(verb_find(WORDS("breakr"), 1, &used, &near));
    ck_assert_str_eq(near, "breaker");
}
END_TEST

START_TEST(every_verb_that_works_is_complete)
{
    for (size_t i = 0; i < verb_count; i++) {
        const verb *v = &verbs[i];
        ck_assert_msg(!v->summary == !v->run, "%s", v->name);
        ck_assert_msg(!v->run || v->args, "%s", v->name);
        ck_assert_msg(v->max_args >= v->min_args, "%s", v->name);
    }
}
END_TEST

START_TEST(every_option_is_described)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        const option_spec *spec = &option_specs[i];
        ck_assert(spec->name && spec->help);
        ck_assert_msg((spec->argument == ARGUMENT_NONE) == (spec->metavar == NULL), "%s",
                      spec->name);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        options_stand_before_and_after_the_verb,
        optional_value_needs_an_equals_sign,
        short_options_take_their_value_in_either_way,
        dash_and_negative_numbers_are_words,
        command_after_two_dashes_is_left_alone,
        set_is_collected_in_order,
        mistakes_are_explained,
        verbs_are_found_by_one_word_or_two,
        every_verb_that_works_is_complete,
        every_option_is_described,
        NULL,
    };
    return suite_run("actorctl_options", tests, NULL, NULL);
}
