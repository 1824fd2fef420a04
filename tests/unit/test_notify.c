#include "daemon/notify.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <check.h>

static loop *l;
static int manager = -1; /* the service manager's socket */
static char path[64];

static void setup(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_int_eq(loop_block_signals(), 0);
    ck_assert_int_eq(loop_create(&l), 0);
    snprintf(path, sizeof(path), "/tmp/actord-notify-%ld", (long)getpid());
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(manager, 0);
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", path, 1);
}

static void teardown(void)
{
    loop_destroy(l);
    close(manager);
    unlink(path);
}

/* What the manager was told next; "" when nothing. */
static const char *told(void)
{
    static char buf[1024];
    ssize_t n = recv(manager, buf, sizeof(buf) - 1, MSG_DONTWAIT);
    buf[n > 0 ? n : 0] = '\0';
    return buf;
}

START_TEST(states_are_told)
{
    notify_ready();
    ck_assert_str_eq(told(), "READY=1");
    notify_stopping();
    ck_assert_str_eq(told(), "STOPPING=1");
    notify_status("%d actors", 3);
    ck_assert_str_eq(told(), "STATUS=3 actors");
    ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(reload_says_when_it_began)
{
    notify_reloading();
    const char *state = told();
    ck_assert_int_eq(strncmp(state, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    ck_assert_uint_gt(strtoull(state + 27, NULL, 10), 0);
}
END_TEST

START_TEST(status_stays_one_line_of_bounded_length)
{
    char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    notify_status("a\nREADY=1");
    ck_assert_str_eq(told(), "STATUS=a READY=1");
    notify_status("%s", text);
    ck_assert_uint_le(strlen(told()), strlen("STATUS=") + 256);
}
END_TEST

START_TEST(without_a_manager_nothing_happens)
{
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    notify_status("fine");
    ck_assert_str_eq(told(), "");
}
END_TEST

START_TEST(manager_that_is_gone_is_survived)
{
    setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
    notify_ready();
}
END_TEST

/* ---- watchdog ---- */

enum { ASKED_BEFORE_END = 8, STALLS_AT = 5 };

static uint64_t asked;

static uint64_t moves_until_it_stalls(void *arg)
{
    (void)arg;
    asked++;
    if (asked == ASKED_BEFORE_END)
        loop_break(l);
    return asked < STALLS_AT ? asked : STALLS_AT;
}

static void watchdog_for(const char *usec)
{
    char pid[32];
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    setenv("WATCHDOG_USEC", usec, 1);
    setenv("WATCHDOG_PID", pid, 1);
}

START_TEST(watchdog_is_fed_only_while_there_is_progress)
{
    notify_watchdog *w = NULL;
    watchdog_for("10000");
    ck_assert_int_eq(notify_watchdog_start(l, moves_until_it_stalls, NULL, &w), 0);
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(loop_run(l), 0);
    /* The first value is what the others are compared with. */
    for (int i = 1; i < STALLS_AT; i++)
        ck_assert_str_eq(told(), "WATCHDOG=1");
    ck_assert_str_eq(told(), "");
    notify_watchdog_free(w);
}
END_TEST

START_TEST(watchdog_is_not_there_unless_wanted)
{
    notify_watchdog *w = (notify_watchdog *)&asked;
    unsetenv("WATCHDOG_USEC");
    ck_assert_int_eq(notify_watchdog_start(l, moves_until_it_stalls, NULL, &w), 0);
    ck_assert_ptr_null(w);
    notify_watchdog_free(w);
}
END_TEST

START_TEST(watchdog_of_another_process_is_not_ours)
{
    notify_watchdog *w = (notify_watchdog *)&asked;
    watchdog_for("10000");
    setenv("WATCHDOG_PID", "1", 1);
    ck_assert_int_eq(notify_watchdog_start(l, moves_until_it_stalls, NULL, &w), 0);
    ck_assert_ptr_null(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("notify");
    TCase *c = tcase_create("notify");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, states_are_told);
    tcase_add_test(c, reload_says_when_it_began);
    tcase_add_test(c, status_stays_one_line_of_bounded_length);
    tcase_add_test(c, without_a_manager_nothing_happens);
    tcase_add_test(c, manager_that_is_gone_is_survived);
    tcase_add_test(c, watchdog_is_fed_only_while_there_is_progress);
    tcase_add_test(c, watchdog_is_not_there_unless_wanted);
    tcase_add_test(c, watchdog_of_another_process_is_not_ours);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0 ? 1 : 0;
}
