/* The front's clients, also bad ones. Every test runs in a process of its own, where NNG is opened
 * for the first time. */
#include "daemon/front.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/peer.h"
#include "tests/support/service.h"

/* Send without ever reading. True if the front didn't take everything. */
static bool flood(int fd, bool tcp)
{
    enum { BODY = 32768, TIMES = 1000, PATIENCE_MS = 300 };
    char *body = peer_pattern(BODY);
    char *message = malloc(BODY + 16);
    bool stopped = false;
    size_t len;

    ck_assert_ptr_nonnull(message);
    len = peer_frame(message, tcp, 7, body, BODY);
    for (int i = 0; i < TIMES && !stopped; i++) {
        for (size_t sent = 0; sent < len && !stopped;) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            ssize_t n = 0;

            stopped = poll(&p, 1, PATIENCE_MS) != 1;
            if (!stopped)
                n = send(fd, message + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && errno != EAGAIN)
                stopped = true;
            sent += n > 0 ? (size_t)n : 0;
        }
    }
    free(message);
    free(body);
    return stopped;
}

/* Ours stop reading from such a client; NNG's read on and drop the answers. */
START_TEST(a_client_that_never_reads_stalls_nobody)
{
    const char *url = service_open(_i, &service_roomy);
    int fd = peer_greet(url);
    front_stats stats;
    nng_socket s;
    bool stopped = flood(fd, service_over_tcp(_i));

    s = peer_dial(url, false);
    for (int i = 0; i < 100; i++)
        peer_call_echo(s, 1000);
    front_get_stats(service.front, &stats);

    if (_i == WIRE_IPC || _i == WIRE_TCP) {
        ck_assert(stopped && stats.overrun == 0);
        ck_assert_uint_le(stats.in_flight, 64 + 1);
    } else {
        ck_assert(stopped || stats.overrun > 0);
        ck_assert_uint_le(stats.in_flight, 64 + 64 + 1);
    }
    close(fd);
    ck_assert(latch_wait(&service.gone, 1));
    nng_close(s);
}
END_TEST

START_TEST(bytes_and_client_outlive_the_connection)
{
    nng_socket s = peer_dial(service_open(_i, &service_roomy), true);
    front_request *request;
    front_client *client;
    const char *bytes;
    size_t len;

    service.echoing = false;
    peer_send_raw(s, 1, "payload");
    ck_assert(latch_wait(&service.requests, 1));
    nng_close(s);
    ck_assert(latch_wait(&service.gone, 1));
    request = service_take(0);
    client = front_client_hold(front_request_client(request));
    bytes = front_request_bytes(request, &len);
    ck_assert_uint_eq(len, 7);
    ck_assert_mem_eq(bytes, "payload", 7);
    front_answer(request, "late", 4);
    front_client_close(client);
    ck_assert_mem_eq(bytes, "payload", 7);
    front_request_release(request);
    ck_assert_uint_eq(latch_count(&service.freed), 0);
    front_client_release(client);
    ck_assert(latch_wait(&service.freed, 1));
}
END_TEST

START_TEST(a_request_may_be_answered_and_kept)
{
    nng_socket s = peer_dial(service_open(_i, &service_roomy), true);
    front_request *request;
    char body[64];
    size_t len;

    service.echoing = false;
    peer_send_raw(s, 1, "payload");
    ck_assert(latch_wait(&service.requests, 1));
    request = front_request_hold(service_take(0));
    service_echo(request);
    peer_receive_raw(s, body, sizeof body);
    front_free(service.front);
    service.front = NULL;
    ck_assert_mem_eq(front_request_bytes(request, &len), "payload", 7);
    front_request_release(request);
    ck_assert_uint_eq(latch_count(&service.freed), 1);
    nng_close(s);
}
END_TEST

START_TEST(more_clients_than_the_limit_are_refused)
{
    front_limits two = {.clients = 2};
    const char *url = service_open(_i, &two);
    nng_socket first = peer_dial(url, false);
    nng_socket second = peer_dial(url, false);
    front_stats stats;
    int fd;

    peer_call_echo(first, 1);
    peer_call_echo(second, 1);
    fd = peer_connect(url);
    peer_put(fd, PEER_GREETING, 8);
    ck_assert(peer_hung_up(fd));
    close(fd);
    front_get_stats(service.front, &stats);
    ck_assert_uint_eq(stats.clients, 2);
    ck_assert_uint_eq(stats.refused, 1);
    nng_close(first);
    ck_assert(latch_wait(&service.gone, 1));
    first = peer_dial(url, false);
    peer_call_echo(first, 1);
    nng_close(first);
    nng_close(second);
}
END_TEST

START_TEST(the_daemon_may_refuse_a_client)
{
    int fd;

    service.refusing = true;
    fd = peer_connect(service_open(_i, &service_roomy));
    peer_put(fd, PEER_GREETING, 8);
    ck_assert(peer_hung_up(fd));
    ck_assert_uint_eq(latch_count(&service.gone), 0);
    ck_assert_uint_eq(latch_count(&service.freed), 0);
    close(fd);
}
END_TEST

START_TEST(only_the_users_of_the_listener_get_in)
{
    uid_t others[] = {getuid() + 1};
    uid_t us[] = {getuid() + 1, getuid()};
    front_listener listener = {.users = others, .users_count = 1, .via_nng = _i == WIRE_NNG_IPC};
    char url[128];
    nng_socket s;
    int fd;

    snprintf(url, sizeof url, "ipc://%s", service.path);
    listener.url = url;
    ck_assert_int_eq(front_new(&service_roomy, &service_ops, NULL, &service.front), FRONT_OK);
    ck_assert_int_eq(front_listen(service.front, &listener, service.text), FRONT_OK);
    fd = peer_connect(url);
    peer_put(fd, PEER_GREETING, 8);
    ck_assert(peer_hung_up(fd));
    close(fd);
    front_free(service.front);
    listener.users = us;
    listener.users_count = 2;
    ck_assert_int_eq(front_new(&service_roomy, &service_ops, NULL, &service.front), FRONT_OK);
    ck_assert_int_eq(front_listen(service.front, &listener, service.text), FRONT_OK);
    s = peer_dial(url, false);
    peer_call_echo(s, 1);
    ck_assert(service.last_peer.local);
    ck_assert_uint_eq(service.last_peer.uid, getuid());
    ck_assert_int_eq(service.last_peer.pid, getpid());
    nng_close(s);
}
END_TEST

/* Not on NNG_IPC: NNG 1.5.2 accepts nobody any more after the first of these. */
START_TEST(clients_that_connect_and_close_stop_nobody)
{
    const char *url = service_open(_i == 0 ? WIRE_IPC : WIRE_TCP, &service_roomy);
    nng_socket s;

    for (int i = 0; i < 100; i++)
        close(peer_connect(url));
    for (int i = 0; i < 20; i++) {
        int fd = peer_connect(url);

        peer_put(fd, PEER_GREETING, (size_t)i % 9);
        close(fd);
    }
    s = peer_dial(url, false);
    peer_call_echo(s, 100);
    nng_close(s);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
} garbage[] = {
    {"GET / HTTP/1.1\r\n\r\n", 18},
    {"\0SP\0\0\x31\0", 8},                                           /* a REP, not a REQ */
    {PEER_GREETING "\0\x02\0\0\0\0\0\0\0\x04\x80\0\0\1", 8 + 13},    /* no kind of message */
    {PEER_GREETING "\0\x01\xff\xff\xff\xff\xff\xff\xff\xff", 8 + 9}, /* of 16 EiB */
    {PEER_GREETING "\0\x01\0\0\0\0\0\0\0\0", 8 + 9},                 /* without a backtrace */
    {PEER_GREETING "\0\x01\0\0\0\0\0\0\0\x04\0\0\0\1", 8 + 13},      /* that doesn't end */
};

START_TEST(garbage_is_hung_up_on)
{
    const char *url = service_open(WIRE_IPC, &service_roomy);
    int fd = peer_connect(url);
    nng_socket s = peer_dial(url, false);

    peer_put(fd, garbage[_i].bytes, garbage[_i].len);
    ck_assert(peer_hung_up(fd));
    close(fd);
    peer_call_echo(s, 10);
    nng_close(s);
}
END_TEST

START_TEST(requests_may_come_byte_by_byte_or_many_at_once)
{
    int fd = peer_greet(service_open(WIRE_IPC, &service_roomy));
    char message[64];
    char all[64 * 40];
    char answer[64];
    size_t len = peer_frame(message, false, 9, "0123456789", 10);

    for (size_t i = 0; i < len; i++)
        peer_put(fd, message + i, 1);
    peer_get(fd, answer, len);
    ck_assert_mem_eq(answer, message, len);
    for (size_t i = 0; i < 40; i++)
        memcpy(all + i * len, message, len);
    peer_put(fd, all, 40 * len);
    for (size_t i = 0; i < 40; i++) {
        peer_get(fd, answer, len);
        ck_assert_mem_eq(answer, message, len);
    }
    close(fd);
}
END_TEST

START_TEST(a_backtrace_of_several_hops_comes_back)
{
    static const char message[] = "\x01\0\0\0\0\0\0\0\x0e"
                                  "\0\0\0\x05"
                                  "\x01\2\3\4"
                                  "\x80\0\0\x07"
                                  "hi";
    int fd = peer_greet(service_open(WIRE_IPC, &service_roomy));
    char answer[sizeof message - 1];

    peer_put(fd, message, sizeof message - 1);
    peer_get(fd, answer, sizeof answer);
    ck_assert_mem_eq(answer, message, sizeof answer);
    close(fd);
}
END_TEST

START_TEST(half_a_request_is_forgotten_with_its_client)
{
    int fd = peer_greet(service_open(WIRE_IPC, &service_roomy));
    char message[64];
    size_t len = peer_frame(message, false, 9, "0123456789", 10);

    peer_put(fd, message, len - 1);
    close(fd);
    ck_assert(latch_wait(&service.freed, 1));
    ck_assert_uint_eq(latch_count(&service.requests), 0);
}
END_TEST

/* As between fork and exec of a program that the daemon starts. */
START_TEST(a_copy_of_a_connection_in_a_child_outlives_it_harmlessly)
{
    const char *url = service_open(_i == 0 ? WIRE_IPC : WIRE_TCP, &service_roomy);
    int fd = peer_greet(url);
    nng_socket s = peer_dial(url, false);
    pid_t child;

    peer_call_echo(s, 100); /* a round on the loop after the greeting: it has accepted both */
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(fd); /* ours, not the front's */
        pause();
        _exit(0);
    }
    close(fd);
    ck_assert(latch_wait(&service.freed, 1));
    peer_call_echo(s, 100);
    nng_close(s);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

#define ROWS(rows) ((int)(sizeof(rows) / sizeof *(rows)))

int main(void)
{
    const TTest *const on_each_wire[] = {
        a_client_that_never_reads_stalls_nobody, bytes_and_client_outlive_the_connection,
        a_request_may_be_answered_and_kept,      more_clients_than_the_limit_are_refused,
        the_daemon_may_refuse_a_client,
    };
    const TTest *const on_each_path[] = {
        only_the_users_of_the_listener_get_in,
    };
    Suite *suite = suite_create("front_clients");
    TCase *tests = tcase_create("front_clients");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, service_setup, service_teardown);
    for (int i = 0; i < ROWS(on_each_wire); i++)
        tcase_add_loop_test(tests, on_each_wire[i], 0, WIRES);
    for (int i = 0; i < ROWS(on_each_path); i++)
        tcase_add_loop_test(tests, on_each_path[i], 0, WIRE_TCP);
    tcase_add_loop_test(tests, clients_that_connect_and_close_stop_nobody, 0, 2);
    tcase_add_loop_test(tests, garbage_is_hung_up_on, 0, ROWS(garbage));
    tcase_add_test(tests, requests_may_come_byte_by_byte_or_many_at_once);
    tcase_add_test(tests, a_backtrace_of_several_hops_comes_back);
    tcase_add_test(tests, half_a_request_is_forgotten_with_its_client);
    tcase_add_loop_test(tests, a_copy_of_a_connection_in_a_child_outlives_it_harmlessly, 0, 2);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
