/* actorctl and its connection: what it says and exits with when nobody is there, speaks or lets it
 * in. */
#include "tests/e2e/harness_ctl.h"
#include "tests/e2e/harness_fake.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NOTHING_THERE "ipc:///tmp/actorctl-test.nothing/sock"

static ctl_run run(const char *line)
{
    return ctl(fake_url(), NULL, line);
}

START_TEST(no_daemon_is_7_and_names_the_socket_and_the_next_command)
{
    ctl_run r = ctl(NOTHING_THERE, NULL, "ls");
    expect_status(r, 7);
    ck_assert_str_eq(r.out, "");
    expect_in(r.err, NOTHING_THERE);
    expect_in(r.err, "systemctl status actord");
}
END_TEST

START_TEST(url_option_beats_the_environment_and_may_follow_the_verb)
{
    fake_answers("actor.list", "{\"items\":[],\"next\":null}");
    char line[256];
    snprintf(line, sizeof line, "ls --url %s", fake_url());
    expect_status(ctl(NOTHING_THERE, NULL, line), 0);
}
END_TEST

/* Accept one connection, and close it. */
static void *turn_away(void *arg)
{
    int one = accept(*(int *)arg, NULL, NULL);
    if (one >= 0)
        close(one);
    return NULL;
}

START_TEST(peer_that_is_turned_away_is_denied)
{
    char path[] = "/tmp/actorctl-away.XXXXXX";
    close(mkstemp(path));
    unlink(path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, turn_away, &listener), 0);
    char url[64];
    snprintf(url, sizeof url, "ipc://%s", path);
    ctl_run r = ctl(url, NULL, "ls");
    pthread_join(thread, NULL);
    close(listener);
    unlink(path);
    expect_status(r, 9);
    expect_in(r.err, "closed the connection at once");
}
END_TEST

START_TEST(not_a_url_is_a_usage_error)
{
    expect_status(ctl("nonsense", NULL, "ls"), 2);
}
END_TEST

START_TEST(silent_daemon_is_6_after_the_timeout)
{
    fake_ignores("actor.list");
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    ctl_run r = run("ls --timeout 200ms");
    clock_gettime(CLOCK_MONOTONIC, &after);
    expect_status(r, 6);
    expect_in(r.err, "no answer");
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 5);
}
END_TEST

START_TEST(answer_that_is_no_json_rpc_is_1)
{
    fake_says("actor.list", "hello");
    expect_status(run("ls"), 1);
}
END_TEST

START_TEST(token_is_sent_beside_the_method_without_its_line_feed)
{
    fake_answers("actor.list", "{\"items\":[],\"next\":null}");
    char path[] = "/tmp/actorctl-token.XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "se\"cret\n", 8), 8);
    close(fd);
    char line[128];
    snprintf(line, sizeof line, "--token-file %s ls", path);
    expect_status(run(line), 0);
    unlink(path);
    expect_in(fake_request(0), "\"auth\":\"se\\\"cret\"}");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("actorctl_connect");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, fake_start, fake_stop);

    tcase_add_test(t, no_daemon_is_7_and_names_the_socket_and_the_next_command);
    tcase_add_test(t, url_option_beats_the_environment_and_may_follow_the_verb);
    tcase_add_test(t, peer_that_is_turned_away_is_denied);
    tcase_add_test(t, not_a_url_is_a_usage_error);
    tcase_add_test(t, silent_daemon_is_6_after_the_timeout);
    tcase_add_test(t, answer_that_is_no_json_rpc_is_1);
    tcase_add_test(t, token_is_sent_beside_the_method_without_its_line_feed);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
