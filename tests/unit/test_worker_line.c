/* What a worker's lines mean (worker.md). */
#include "daemon/worker_line.h"
#include "tests/support/suite.h"

#include <string.h>

static worker_line line;
static char why[160];

static worker_line_kind read_text(const char *text)
{
    return worker_line_read(text, strlen(text), &line, why, sizeof why);
}

static bool is(json_value v, const char *text)
{
    return v.len == strlen(text) && memcmp(v.start, text, v.len) == 0;
}

START_TEST(each_line_of_the_protocol_is_known)
{
    static const struct {
        const char *text;
        worker_line_kind kind;
    } rows[] = {
        {"{\"ready\":true}", WORKER_READY},
        {"{\"id\":\"m-7\",\"reply\":null}", WORKER_ANSWER},
        {"{\"id\":\"m-7\",\"error\":\"no\"}", WORKER_ANSWER},
        {"{\"id\":\"m-7\",\"error\":\"no\",\"retry\":false}", WORKER_ANSWER},
        {"{\"id\":\"m-7\",\"progress\":0.4,\"note\":\"half\"}", WORKER_PROGRESS},
        {"{\"send\":\"other\",\"msg\":1}", WORKER_SEND},
        {"{\"ask\":\"other\",\"msg\":1,\"ref\":\"r1\",\"timeout\":\"5s\"}", WORKER_ASK},
        {"{\"state\":{\"n\":1}}", WORKER_STATE},
        {"{\"log\":\"info\",\"text\":\"hello\"}", WORKER_LOG},
        {" {\"ready\" : true} ", WORKER_READY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(read_text(rows[i].text) == rows[i].kind, "%s: %s", rows[i].text, why);
}
END_TEST

START_TEST(what_breaks_the_protocol_says_why)
{
    static const char *const rows[] = {
        "",
        "garbage",
        "[1]",
        "null",
        "{}",
        "{\"id\":\"m-1\"}",
        "{\"id\":7,\"reply\":1}",
        "{\"id\":\"m-1\",\"reply\":1,\"error\":\"both\"}",
        "{\"id\":\"m-1\",\"error\":5}",
        "{\"id\":\"m-1\",\"progress\":\"half\"}",
        "{\"ready\":false}",
        "{\"send\":\"other\"}",
        "{\"ask\":\"other\",\"msg\":1}",
        "{\"send\":5,\"msg\":1}",
        "{\"unknown\":1}",
        "{\"ready\":true} trailing",
        "{\"ready\":true",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        why[0] = '\0';
        ck_assert_msg(read_text(rows[i]) == WORKER_BROKEN, "%s", rows[i]);
        ck_assert_msg(why[0] != '\0', "%s", rows[i]);
    }
}
END_TEST

START_TEST(a_reply_keeps_its_bytes)
{
    ck_assert_int_eq(
        read_text("{\"id\":\"m-1\",\"reply\": {\"a\":1, \"a\":123456789012345678901} }"),
        WORKER_ANSWER);
    ck_assert(is(line.reply, "{\"a\":1, \"a\":123456789012345678901}"));
    ck_assert(is(line.id, "\"m-1\""));
}
END_TEST

START_TEST(only_retry_false_rejects)
{
    read_text("{\"id\":\"m-1\",\"error\":\"x\",\"retry\":false}");
    ck_assert(line.no_retry);
    read_text("{\"id\":\"m-1\",\"error\":\"x\",\"retry\":true}");
    ck_assert(!line.no_retry);
    read_text("{\"id\":\"m-1\",\"error\":\"x\"}");
    ck_assert(!line.no_retry);
}
END_TEST

START_TEST(members_of_a_later_version_are_no_mistake)
{
    ck_assert_int_eq(read_text("{\"id\":\"m-1\",\"reply\":1,\"cost\":{\"cpu\":2}}"), WORKER_ANSWER);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_line_of_the_protocol_is_known,
                                  what_breaks_the_protocol_says_why,
                                  a_reply_keeps_its_bytes,
                                  only_retry_false_rejects,
                                  members_of_a_later_version_are_no_mistake,
                                  NULL};
    return suite_run("worker_line", tests, NULL, NULL);
}
