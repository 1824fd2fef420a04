#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>
#include <cjson/cJSON.h>

enum { PATIENCE_MS = 20000 };

/* stderr becomes a pipe whose other end the test reads. */
static int log_fd = -1;
static char got[1 << 16];

static void setup(void)
{
    int ends[2];
    ck_assert_ptr_ne(signal(SIGPIPE, SIG_IGN), SIG_ERR);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    log_fd = ends[0];
    ck_assert_int_eq(fcntl(log_fd, F_SETFL, O_NONBLOCK), 0);
}

static void teardown(void)
{
    log_stop(0);
    if (log_fd >= 0)
        close(log_fd);
}

/* All that has been written by now, as a string. */
static char *written(void)
{
    size_t len = 0;
    ssize_t n;
    while ((n = read(log_fd, got + len, sizeof(got) - 1 - len)) > 0)
        len += (size_t)n;
    got[len] = '\0';
    return got;
}

/* The line after its time, whose form is checked. */
static const char *after_time(const char *line)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ ";
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (form[i] == 'd')
            ck_assert(line[i] >= '0' && line[i] <= '9');
        else
            ck_assert_int_eq(line[i], form[i]);
    }
    return line + strlen(form);
}

/* ---- formats ---- */

START_TEST(text_line_has_level_area_text_and_fields)
{
    log_write(LOG_LEVEL_WARN, "exec",
              LOG_FIELDS({"actor", "web hook"}, {"message", "m-1"}, {"none", NULL}), "exit %d", 3);
    ck_assert_str_eq(after_time(written()), "warn  exec: exit 3 actor=\"web hook\" message=m-1\n");
}
END_TEST

START_TEST(json_line_is_one_object)
{
    log_set_format(LOG_FORMAT_JSON);
    log_write(LOG_LEVEL_ERROR, "exec", LOG_FIELDS({"actor", "a\"b\\c"}), "line\none\ttwo \x01");
    char *line = written();
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    cJSON *o = cJSON_Parse(line);
    ck_assert_ptr_nonnull(o);
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(o, "level")->valuestring, "error");
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(o, "area")->valuestring, "exec");
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(o, "text")->valuestring,
                     "line\none\ttwo \x01");
    ck_assert_str_eq(cJSON_GetObjectItemCaseSensitive(o, "actor")->valuestring, "a\"b\\c");
    ck_assert_ptr_nonnull(cJSON_GetObjectItemCaseSensitive(o, "time"));
    cJSON_Delete(o);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
    const char *text, *json;
} escapes[] = {
#define ROW(bytes, text, json)                                                                     \
    {                                                                                              \
        bytes, sizeof(bytes) - 1, text, json                                                       \
    }
    ROW("a\nb\rc\td", "a\\nb\\rc\\td", "a\\nb\\rc\\td"),
    ROW("\x1b[2J", "\\x1b[2J", "\\u001b[2J"),
    ROW("nul\0nul", "nul\\x00nul", "nul\\u0000nul"),
    ROW("\x7f", "\\x7f", "\\u007f"),
    ROW("\xc2\x9b"
        "31m",
        "\\x9b31m", "\\u009b31m"),
    ROW("bad\xff", "bad\\xff", "bad\xef\xbf\xbd"),
    ROW("grün €", "grün €", "grün €"),
    ROW("\"q\" \\", "\"q\" \\", "\\\"q\\\" \\\\"),
#undef ROW
};

START_TEST(bytes_of_a_child_stay_one_harmless_line)
{
    char expected[256];
    log_bytes(LOG_LEVEL_INFO, "a", LOG_NO_FIELDS, escapes[_i].bytes, escapes[_i].len);
    snprintf(expected, sizeof(expected), "info  a: %s\n", escapes[_i].text);
    ck_assert_str_eq(after_time(written()), expected);

    log_set_format(LOG_FORMAT_JSON);
    log_bytes(LOG_LEVEL_INFO, "a", LOG_NO_FIELDS, escapes[_i].bytes, escapes[_i].len);
    snprintf(expected, sizeof(expected), "\"text\":\"%s\"}\n", escapes[_i].json);
    ck_assert_str_eq(strstr(written(), "\"text\""), expected);
}
END_TEST

START_TEST(long_text_is_cut_between_characters_with_an_ellipsis)
{
    static char text[3 * LOG_TEXT_MAX];
    for (size_t i = 0; i + 3 < sizeof(text); i += 3)
        memcpy(text + i, "€", 4);
    log_info("a", "%s", text);
    log_bytes(LOG_LEVEL_INFO, "a", LOG_NO_FIELDS, text, strlen(text));
    char *first = written(), *second = strchr(first, '\n') + 1;
    ck_assert_uint_le(strlen(second), LOG_TEXT_MAX + 64);
    ck_assert_ptr_nonnull(strstr(second, "€…\n"));
    ck_assert_ptr_null(strstr(first, "\\x"));
    ck_assert_int_eq(strncmp(after_time(first), after_time(second), strlen(after_time(second))), 0);
}
END_TEST

START_TEST(worst_line_fits)
{
    static char text[2 * LOG_TEXT_MAX];
    static log_field fields[LOG_FIELDS_MAX + 2];
    memset(text, 1, sizeof(text) - 1);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        fields[i] = (log_field){"key", text};
    log_set_format(LOG_FORMAT_JSON);
    log_write(LOG_LEVEL_INFO, "a", fields, sizeof(fields) / sizeof(fields[0]), "%s", text);
    const char *line = written();
    ck_assert_str_eq(line + strlen(line) - 8, "u0001\"}\n");
}
END_TEST

START_TEST(journal_is_chosen_when_stderr_is_one)
{
    struct stat st;
    char stream[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_set_format(LOG_FORMAT_AUTO);
    log_info("a", "to stderr");
    ck_assert_str_eq(after_time(written()), "info  a: to stderr\n");
    setenv("JOURNAL_STREAM", stream, 1);
    log_set_format(LOG_FORMAT_AUTO);
    log_write(LOG_LEVEL_INFO, "a", LOG_FIELDS({"actor", "x"}), "to the journal");
    ck_assert_str_eq(written(), "");
}
END_TEST

/* ---- levels and words ---- */

START_TEST(lines_below_the_level_are_not_written)
{
    log_debug("a", "no");
    ck_assert_str_eq(written(), "");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("a", "no");
    ck_assert(!log_enabled(LOG_LEVEL_WARN));
    ck_assert_str_eq(written(), "");
    log_error("a", "yes");
    ck_assert_str_eq(after_time(written()), "error a: yes\n");
}
END_TEST

START_TEST(words_of_the_configuration_are_known)
{
    log_level level;
    log_format format;
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++) {
        ck_assert(log_level_parse(log_level_name((log_level)i), &level));
        ck_assert_int_eq(level, i);
    }
    ck_assert(log_format_parse("journal", &format));
    ck_assert_int_eq(format, LOG_FORMAT_JOURNAL);
    ck_assert(!log_level_parse("loud", &level));
    ck_assert(!log_format_parse("", &format));
}
END_TEST

START_TEST(errno_is_kept)
{
    close(STDERR_FILENO);
    errno = ENOTDIR;
    log_info("a", "text");
    ck_assert_int_eq(errno, ENOTDIR);
}
END_TEST

/* ---- the thread ---- */

START_TEST(lines_are_written_in_order_before_during_and_after_the_thread)
{
    log_info("a", "one");
    ck_assert_int_eq(log_start(), 0);
    ck_assert_int_eq(log_start(), EALREADY);
    log_info("a", "two");
    log_info("a", "three");
    ck_assert_int_eq(log_flush(PATIENCE_MS), 0);
    log_info("a", "four");
    log_stop(PATIENCE_MS);
    log_info("a", "five");
    char *at = written();
    static const char *const words[] = {"one\n", "two\n", "three\n", "four\n", "five\n"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        at = strstr(at, words[i]);
        ck_assert_ptr_nonnull(at);
    }
    ck_assert_uint_eq(log_dropped(), 0);
}
END_TEST

START_TEST(log_can_start_again)
{
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(log_start(), 0);
        log_info("a", "round %d", i);
        log_stop(PATIENCE_MS);
        char expected[32];
        snprintf(expected, sizeof(expected), "info  a: round %d\n", i);
        ck_assert_str_eq(after_time(written()), expected);
    }
}
END_TEST

/* From here on a reader that waits. */
static FILE *reader(void)
{
    ck_assert_int_eq(fcntl(log_fd, F_SETFL, 0), 0);
    FILE *f = fdopen(log_fd, "r");
    ck_assert_ptr_nonnull(f);
    log_fd = -1;
    return f;
}

START_TEST(full_ring_drops_counts_and_says_so)
{
    enum { LINES = 40000 };
    char said[64], line[4096];
    ck_assert_int_eq(log_start(), 0);
    for (int i = 0; i < LINES; i++) /* nobody reads, and this returns all the same */
        log_info("a", "line %d", i);
    uint64_t dropped = log_dropped(), lines = 0;
    ck_assert_uint_gt(dropped, 0);
    ck_assert_int_eq(log_flush(0), ETIMEDOUT);
    snprintf(said, sizeof(said), "warn  log: %llu log lines dropped\n",
             (unsigned long long)dropped);

    FILE *f = reader();
    while (fgets(line, sizeof(line), f) != NULL && strcmp(after_time(line), said) != 0)
        lines++;
    ck_assert_uint_eq(lines + dropped, LINES);
    log_info("a", "after");
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
    ck_assert_str_eq(after_time(line), "info  a: after\n");
    fclose(f);
}
END_TEST

enum { WRITERS = 4, LINES_EACH = 1000 };

static void *writer(void *arg)
{
    for (int i = 0; i < LINES_EACH; i++)
        log_write(LOG_LEVEL_INFO, "a", LOG_FIELDS({"actor", arg}), "%d", i);
    return NULL;
}

START_TEST(lines_of_many_threads_stay_whole)
{
    static char names[WRITERS][2] = {"0", "1", "2", "3"};
    pthread_t threads[WRITERS];
    int next[WRITERS] = {0};
    char line[4096];
    ck_assert_int_eq(log_start(), 0);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, writer, names[i]), 0);
    FILE *f = reader();
    for (int i = 0; i < WRITERS * LINES_EACH; i++) {
        char expected[64];
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
        int actor = strchr(line, '=')[1] - '0';
        ck_assert(actor >= 0 && actor < WRITERS);
        snprintf(expected, sizeof(expected), "info  a: %d actor=%d\n", next[actor]++, actor);
        ck_assert_str_eq(after_time(line), expected);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(log_dropped(), 0);
    fclose(f);
}
END_TEST

START_TEST(stop_gives_up_on_a_reader_that_never_reads)
{
    ck_assert_int_eq(log_start(), 0);
    for (int i = 0; i < 20000; i++)
        log_info("a", "line %d", i);
    log_stop(1); /* returns, or the test runs out of time */
}
END_TEST

START_TEST(reader_that_is_gone_costs_the_lines_and_nothing_else)
{
    close(log_fd);
    log_fd = -1;
    log_info("a", "straight");
    ck_assert_int_eq(log_start(), 0);
    for (int i = 0; i < 100; i++)
        log_info("a", "line %d", i);
    ck_assert_int_eq(log_flush(PATIENCE_MS), 0);
    close(STDERR_FILENO);
    log_info("a", "line");
    ck_assert_int_eq(log_flush(PATIENCE_MS), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *c = tcase_create("log");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, text_line_has_level_area_text_and_fields);
    tcase_add_test(c, json_line_is_one_object);
    tcase_add_loop_test(c, bytes_of_a_child_stay_one_harmless_line, 0,
                        (int)(sizeof(escapes) / sizeof(escapes[0])));
    tcase_add_test(c, long_text_is_cut_between_characters_with_an_ellipsis);
    tcase_add_test(c, worst_line_fits);
    tcase_add_test(c, journal_is_chosen_when_stderr_is_one);
    tcase_add_test(c, lines_below_the_level_are_not_written);
    tcase_add_test(c, words_of_the_configuration_are_known);
    tcase_add_test(c, errno_is_kept);
    tcase_add_test(c, lines_are_written_in_order_before_during_and_after_the_thread);
    tcase_add_test(c, log_can_start_again);
    tcase_add_test(c, full_ring_drops_counts_and_says_so);
    tcase_add_test(c, lines_of_many_threads_stay_whole);
    tcase_add_test(c, stop_gives_up_on_a_reader_that_never_reads);
    tcase_add_test(c, reader_that_is_gone_costs_the_lines_and_nothing_else);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0 ? 1 : 0;
}
