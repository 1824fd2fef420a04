/* Where the front listens: paths, modes, ports. Every test runs in a process of its own, where NNG
 * is opened for the first time. */
#include "daemon/front.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/peer.h"
#include "tests/support/service.h"

START_TEST(anything_but_a_socket_is_refused_and_kept)
{
    struct stat before;
    struct stat after;

    if (_i < 2)
        close(open(service.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    else
        ck_assert_int_eq(symlink("/nowhere", service.path), 0);
    ck_assert_int_eq(lstat(service.path, &before), 0);
    ck_assert_int_eq(service_listen_here(_i == 1), FRONT_EPATH);
    ck_assert_ptr_nonnull(strstr(service.text, service.path));
    ck_assert_int_eq(lstat(service.path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_uint_eq(before.st_mode, after.st_mode);
}
END_TEST

START_TEST(a_missing_directory_is_named)
{
    char url[128];

    snprintf(url, sizeof url, "ipc://%s/no/sock", service.dir);
    ck_assert_int_eq(service_listen(url, _i == WIRE_NNG_IPC, 0, NULL), FRONT_EPATH);
    ck_assert_ptr_nonnull(strstr(service.text, "/no does not exist"));
}
END_TEST

START_TEST(a_second_listener_on_the_path_is_told_who_holds_it)
{
    char pid[32];
    nng_socket s = peer_dial(service_open(_i, &service_roomy), false);

    snprintf(pid, sizeof pid, "process %ld ", (long)getpid());
    ck_assert_int_eq(service_listen_here(false), FRONT_EINUSE);
    ck_assert_ptr_nonnull(strstr(service.text, pid));
    ck_assert_int_eq(service_listen_here(true), FRONT_EINUSE);
    ck_assert_ptr_nonnull(strstr(service.text, pid));
    peer_call_echo(s, 1);
    nng_close(s);
}
END_TEST

static int bind_by_hand(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", service.path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

START_TEST(a_stale_socket_is_replaced)
{
    char url[128];
    nng_socket s;

    close(bind_by_hand());
    ck_assert_msg(service_listen_here(_i == WIRE_NNG_IPC) == FRONT_OK, "%s", service.text);
    snprintf(url, sizeof url, "ipc://%s", service.path);
    s = peer_dial(url, false);
    peer_call_echo(s, 1);
    nng_close(s);
}
END_TEST

START_TEST(a_socket_somebody_listens_on_is_refused_and_kept)
{
    int fd = bind_by_hand();
    struct stat info;

    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(service_listen_here(_i == WIRE_NNG_IPC), FRONT_EINUSE);
    ck_assert_int_eq(lstat(service.path, &info), 0);
    close(fd);
}
END_TEST

START_TEST(the_socket_has_its_mode_whatever_the_umask)
{
    char url[128];
    struct stat info;

    umask(0);
    snprintf(url, sizeof url, "ipc://%s", service.path);
    ck_assert_int_eq(service_listen(url, _i == WIRE_NNG_IPC, 0660, "root"), FRONT_OK);
    ck_assert_int_eq(lstat(service.path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0660);
    ck_assert_uint_eq(info.st_gid, 0);
    front_free(service.front);
    service.front = NULL;
    umask(0777);
    ck_assert_int_eq(service_listen_here(_i == WIRE_NNG_IPC), FRONT_OK);
    ck_assert_int_eq(lstat(service.path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
}
END_TEST

START_TEST(an_unknown_group_is_named_and_leaves_nothing)
{
    char url[128];
    struct stat info;

    snprintf(url, sizeof url, "ipc://%s", service.path);
    ck_assert_int_eq(service_listen(url, _i == WIRE_NNG_IPC, 0, "no-such-group"), FRONT_EGROUP);
    ck_assert_ptr_nonnull(strstr(service.text, "'no-such-group'"));
    ck_assert_int_ne(lstat(service.path, &info), 0);
    ck_assert_int_eq(service_listen_here(_i == WIRE_NNG_IPC), FRONT_OK);
}
END_TEST

START_TEST(socket_and_lock_are_removed_at_the_end)
{
    char lock_path[128];
    struct stat info;

    service_open(_i, &service_roomy);
    snprintf(lock_path, sizeof lock_path, "%s.lock", service.path);
    ck_assert_int_eq(lstat(service.path, &info), 0);
    ck_assert_int_eq(lstat(lock_path, &info), 0);
    front_stop(service.front, 0);
    ck_assert_int_ne(lstat(service.path, &info), 0);
    ck_assert_int_ne(lstat(lock_path, &info), 0);
}
END_TEST

static const struct {
    const char *url;
    front_err err;
} wrong_urls[] = {
    {"", FRONT_ESCHEME},
    {"http://localhost:1", FRONT_ESCHEME},
    {"tls+tcp://127.0.0.1:1", FRONT_ESCHEME},
    {"ipc://", FRONT_EINVAL},
    {"tcp://127.0.0.1", FRONT_EINVAL},
    {"tcp://127.0.0.1:", FRONT_EINVAL},
    {"tcp://127.0.0.1:99999", FRONT_EINVAL},
    {"tcp://127.0.0.1:80x", FRONT_EINVAL},
    {"ipc:///tmp/0123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789",
     FRONT_EINVAL},
};

START_TEST(a_wrong_url_is_refused)
{
    ck_assert_int_eq(service_listen(wrong_urls[_i].url, false, 0, NULL), wrong_urls[_i].err);
    ck_assert_msg(service.text[0] != '\0', "no text");
    ck_assert_uint_eq(front_listeners(service.front), 0);
}
END_TEST

START_TEST(a_port_in_use_is_refused_and_port_0_is_named)
{
    const char *url = service_open(WIRE_TCP, &service_roomy);

    ck_assert_str_ne(url, "tcp://127.0.0.1:0");
    ck_assert_int_eq(service_listen(url, false, 0, NULL), FRONT_EINUSE);
    ck_assert_ptr_nonnull(strstr(service.text, url));
}
END_TEST

START_TEST(several_listeners_serve_side_by_side)
{
    nng_socket here;
    nng_socket there;

    service_open(WIRE_IPC, &service_roomy);
    ck_assert_int_eq(service_listen("tcp://127.0.0.1:0", false, 0, NULL), FRONT_OK);
    ck_assert_uint_eq(front_listeners(service.front), 2);
    ck_assert_ptr_null(front_url(service.front, 2));
    here = peer_dial(front_url(service.front, 0), false);
    there = peer_dial(front_url(service.front, 1), false);
    peer_call_echo(here, 10);
    peer_call_echo(there, 10);
    nng_close(here);
    nng_close(there);
}
END_TEST

#define ROWS(rows) ((int)(sizeof(rows) / sizeof *(rows)))

int main(void)
{
    const TTest *const on_each_path[] = {
        a_missing_directory_is_named,
        a_second_listener_on_the_path_is_told_who_holds_it,
        a_stale_socket_is_replaced,
        a_socket_somebody_listens_on_is_refused_and_kept,
        the_socket_has_its_mode_whatever_the_umask,
        an_unknown_group_is_named_and_leaves_nothing,
        socket_and_lock_are_removed_at_the_end,
    };
    Suite *suite = suite_create("front_paths");
    TCase *tests = tcase_create("front_paths");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, service_setup, service_teardown);
    for (int i = 0; i < ROWS(on_each_path); i++)
        tcase_add_loop_test(tests, on_each_path[i], 0, WIRE_TCP);
    tcase_add_loop_test(tests, anything_but_a_socket_is_refused_and_kept, 0, 3);
    tcase_add_loop_test(tests, a_wrong_url_is_refused, 0, ROWS(wrong_urls));
    tcase_add_test(tests, a_port_in_use_is_refused_and_port_0_is_named);
    tcase_add_test(tests, several_listeners_serve_side_by_side);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
