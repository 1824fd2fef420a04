/* Requests as texts: params, --set, payload, answers, exit statuses. */
#include "actorctl/protocol.h"
#include "actorctl/setting.h"

#include "tests/support/suite.h"

#include <stdlib.h>
#include <string.h>

START_TEST(request_holds_payload_byte_for_byte)
{
    static const char payload[] = "{\"a\":1.50, \"a\":123456789012345678901234567890}";
    buf params = {0}, request = {0};
    params_open(&params);
    params_string(&params, "to", "w");
    params_number(&params, "limit", 7);
    params_true(&params, "dry_run");
    params_raw(&params, "msg", (jslice){payload, sizeof payload - 1});
    params_close(&params);
    protocol_request(&request, "send", &params, "t\"k");
    ck_assert_str_eq(request.at,
                     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"send\",\"params\":{\"to\":\"w\","
                     "\"limit\":7,\"dry_run\":true,\"msg\":{\"a\":1.50, "
                     "\"a\":123456789012345678901234567890}},\"auth\":\"t\\\"k\"}");
    buf_free(&params);
    buf_free(&request);
}
END_TEST

START_TEST(request_without_params_has_empty_ones)
{
    buf request = {0};
    protocol_request(&request, "ping", NULL, NULL);
    ck_assert_str_eq(request.at,
                     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{}}");
    buf_free(&request);
}
END_TEST

/* The JSON that settings make; NULL and the reason in `why` when one is refused. For free(). */
static char *built(const char *const *settings, char why[SETTING_WHY])
{
    cJSON *object = cJSON_CreateObject();
    bool good = true;
    for (size_t i = 0; good && settings[i]; i++)
        good = setting_put(object, settings[i], why);
    char *json = good ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    return json;
}

START_TEST(settings_nest_at_their_dots_and_keep_their_types)
{
    static const char *const settings[] = {"mailbox.capacity=10",
                                           "mailbox.durable=true",
                                           "timeout=5s",
                                           "env.A=\"8\"",
                                           "x=[1, {\"y\":1.50}]",
                                           "empty=",
                                           "eq=a=b",
                                           "a.b.c=null",
                                           "big=123456789012345678901234567890",
                                           NULL};
    char why[SETTING_WHY] = "";
    char *json = built(settings, why);
    ck_assert_msg(json != NULL, "%s", why);
    ck_assert_str_eq(json,
                     "{\"mailbox\":{\"capacity\":10,\"durable\":true},\"timeout\":\"5s\","
                     "\"env\":{\"A\":\"8\"},\"x\":[1, {\"y\":1.50}],\"empty\":\"\",\"eq\":\"a=b\","
                     "\"a\":{\"b\":{\"c\":null}},\"big\":123456789012345678901234567890}");
    free(json);
}
END_TEST

static const char *const bad_settings[][3] = {
    {"novalue"}, {"=1"},         {".a=1"},         {"a.=1"},
    {"a..b=1"},  {"a=1", "a=2"}, {"a=1", "a.b=2"}, {"a.b=1", "a=2"},
};

START_TEST(settings_that_contradict_are_refused)
{
    for (size_t i = 0; i < sizeof bad_settings / sizeof *bad_settings; i++) {
        char why[SETTING_WHY] = "";
        ck_assert_msg(built(bad_settings[i], why) == NULL, "%s", bad_settings[i][0]);
        ck_assert_msg(strncmp(why, "--set '", 7) == 0, "%s", why);
    }
}
END_TEST

static bool split(const char *text, answer *a)
{
    *a = (answer){0};
    buf_puts(&a->text, text);
    return answer_split(a);
}

START_TEST(answer_is_either_a_result_or_an_error)
{
    answer a;
    ck_assert(split("{\"jsonrpc\":\"2.0\",\"result\": [1.0] ,\"id\":1}", &a));
    ck_assert_uint_eq(a.result.len, 5);
    ck_assert_ptr_null(a.error.at);
    answer_free(&a);
    ck_assert(split("{\"error\":{}}", &a));
    ck_assert_ptr_nonnull(a.error.at);
    answer_free(&a);
    ck_assert(!split("{\"result\":1,\"error\":{}}", &a));
    answer_free(&a);
    ck_assert(!split("{}", &a));
    answer_free(&a);
    ck_assert(!split("{\"result\":", &a));
    answer_free(&a);
    ck_assert(!split("", &a));
    answer_free(&a);
}
END_TEST

START_TEST(error_is_known_by_its_name_before_its_number)
{
    ck_assert_int_eq(error_meaning_of("mailbox_full", 0)->status, EXIT_REFUSED);
    ck_assert_int_eq(error_meaning_of("denied", -32001)->status, EXIT_DENIED);
    ck_assert_int_eq(error_meaning_of(NULL, -32001)->status, EXIT_NOT_FOUND);
    ck_assert_int_eq(error_meaning_of("new_one", -32005)->status, EXIT_TIMED_OUT);
    ck_assert_int_eq(error_meaning_of("new_one", -1)->status, EXIT_FAILED);
    ck_assert_int_eq(error_meaning_of(NULL, 0)->status, EXIT_FAILED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        request_holds_payload_byte_for_byte,
        request_without_params_has_empty_ones,
        settings_nest_at_their_dots_and_keep_their_types,
        settings_that_contradict_are_refused,
        answer_is_either_a_result_or_an_error,
        error_is_known_by_its_name_before_its_number,
        NULL,
    };
    return suite_run("actorctl_protocol", tests, NULL, NULL);
}
