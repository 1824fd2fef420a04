/* What becomes of requests, with real sockets, on each of the front's wires. Every test runs in a
 * process of its own, where NNG is opened for the first time. */
#include "daemon/front.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/peer.h"
#include "tests/support/service.h"

START_TEST(an_answer_has_the_bytes_of_the_request)
{
    static const size_t sizes[] = {0, 1, 100, 4096, 16383, 16384, 65537, SERVICE_LIMIT};
    nng_socket s = peer_dial(service_open(_i, &service_roomy), false);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        peer_call_echo(s, sizes[i]);
    nng_close(s);
}
END_TEST

START_TEST(a_request_over_the_limit_is_answered_too_large)
{
    nng_socket s = peer_dial(service_open(_i, &service_roomy), false);
    char *bytes = peer_pattern(SERVICE_LIMIT + 100000);
    front_stats stats;
    size_t len;

    for (size_t size = SERVICE_LIMIT + 1; size <= SERVICE_LIMIT + 100000; size += 99999) {
        char *answer = peer_call(s, bytes, size, &len);

        ck_assert_ptr_nonnull(strstr(answer, "\"id\":null,\"error\":{\"code\":-32011,"));
        ck_assert_ptr_nonnull(strstr(answer, "\"too_large\""));
        free(answer);
    }
    peer_call_echo(s, SERVICE_LIMIT);
    front_get_stats(service.front, &stats);
    ck_assert_uint_eq(stats.too_large, 2);
    ck_assert_uint_eq(stats.requests, 1);
    free(bytes);
    nng_close(s);
}
END_TEST

START_TEST(requests_beyond_the_window_are_answered_busy)
{
    front_limits narrow = {.in_flight_per_client = 4};
    nng_socket s = peer_dial(service_open(_i, &narrow), true);
    nng_socket other;
    char body[512];

    service.echoing = false;
    for (uint32_t id = 1; id <= 6; id++)
        peer_send_raw(s, id, "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":\"ping\"}");
    for (uint32_t id = 5; id <= 6; id++) {
        ck_assert_uint_eq(peer_receive_raw(s, body, sizeof body), id);
        ck_assert_ptr_nonnull(strstr(body, "\"id\":\"mine\",\"error\":{\"code\":-32011,"));
        ck_assert_ptr_nonnull(strstr(body, "\"data\":{\"code\":\"busy\",\"retry_safe\":true}"));
    }
    ck_assert(latch_wait(&service.requests, 4));
    for (uint32_t id = 4; id >= 1; id--) {
        service_echo(service_take(id - 1));
        ck_assert_uint_eq(peer_receive_raw(s, body, sizeof body), id);
    }
    service.echoing = true;
    peer_send_raw(s, 7, "x");
    ck_assert_uint_eq(peer_receive_raw(s, body, sizeof body), 7);
    ck_assert_str_eq(body, "x");
    other = peer_dial(front_url(service.front, 0), false);
    peer_call_echo(other, 10);
    nng_close(other);
    nng_close(s);
}
END_TEST

START_TEST(a_place_in_the_window_is_free_before_the_answer_is_seen)
{
    front_limits one = {.in_flight_per_client = 1};
    nng_socket s = peer_dial(service_open(_i, &one), false);

    for (int i = 0; i < 2000; i++)
        peer_call_echo(s, 16);
    nng_close(s);
}
END_TEST

static void *answer_all(void *arg)
{
    size_t count = *(size_t *)arg;

    for (size_t i = count; i > 0; i--)
        service_echo(service_take(i - 1));
    return NULL;
}

START_TEST(answers_may_come_from_other_threads_in_any_order)
{
    size_t count = 40;
    nng_socket s = peer_dial(service_open(_i, &service_roomy), true);
    bool seen[64] = {false};
    pthread_t thread;
    char body[64];

    service.echoing = false;
    for (uint32_t id = 0; id < count; id++) {
        snprintf(body, sizeof body, "body %u", id);
        peer_send_raw(s, id, body);
    }
    ck_assert(latch_wait(&service.requests, count));
    ck_assert_int_eq(pthread_create(&thread, NULL, answer_all, &count), 0);
    for (size_t i = 0; i < count; i++) {
        char expected[64];
        uint32_t id = peer_receive_raw(s, body, sizeof body);

        snprintf(expected, sizeof expected, "body %u", id);
        ck_assert_str_eq(body, expected);
        ck_assert(!seen[id]);
        seen[id] = true;
    }
    pthread_join(thread, NULL);
    nng_close(s);
}
END_TEST

START_TEST(requests_of_one_client_keep_their_order)
{
    nng_socket s = peer_dial(service_open(_i, &service_roomy), true);
    char body[64];

    service.echoing = false;
    for (uint32_t id = 0; id < 50; id++) {
        snprintf(body, sizeof body, "%u", id);
        peer_send_raw(s, id, body);
    }
    ck_assert(latch_wait(&service.requests, 50));
    for (size_t i = 0; i < 50; i++) {
        front_request *request = service_take(i);
        size_t len;
        const char *bytes = front_request_bytes(request, &len);

        snprintf(body, sizeof body, "%zu", i);
        ck_assert_uint_eq(len, strlen(body));
        ck_assert_mem_eq(bytes, body, len);
        service_echo(request);
        peer_receive_raw(s, body, sizeof body);
    }
    nng_close(s);
}
END_TEST

START_TEST(an_answer_may_be_empty_or_in_pieces)
{
    nng_socket s = peer_dial(service_open(_i, &service_roomy), true);
    struct iovec parts[] = {{"{\"a\":", 5}, {NULL, 0}, {"1", 1}, {"}", 1}};
    char body[64];

    service.echoing = false;
    peer_send_raw(s, 1, "x");
    peer_send_raw(s, 2, "y");
    ck_assert(latch_wait(&service.requests, 2));
    front_answer(service.held[0], NULL, 0);
    front_answer_parts(service.held[1], parts, 4);
    ck_assert_uint_eq(peer_receive_raw(s, body, sizeof body), 1);
    ck_assert_str_eq(body, "");
    ck_assert_uint_eq(peer_receive_raw(s, body, sizeof body), 2);
    ck_assert_str_eq(body, "{\"a\":1}");
    front_request_release(service.held[0]);
    front_request_release(service.held[1]);
    nng_close(s);
}
END_TEST

START_TEST(answers_given_together_arrive_in_order)
{
    enum { BIG = 300000 }; /* more than a socket takes at once */
    nng_socket s = peer_dial(service_open(_i, &service_roomy), true);
    char *big = malloc(BIG);
    char *body = malloc(BIG + 1);

    memset(big, 'b', BIG);
    service.echoing = false;
    for (unsigned i = 1; i <= 3; i++)
        peer_send_raw(s, i, "x");
    ck_assert(latch_wait(&service.requests, 3));
    front_answer_all((front_reply[]){{service.held[0], "1", 1},
                                     {service.held[1], big, BIG},
                                     {service.held[2], NULL, 0}},
                     3);
    ck_assert_uint_eq(peer_receive_raw(s, body, BIG + 1), 1);
    ck_assert_str_eq(body, "1");
    ck_assert_uint_eq(peer_receive_raw(s, body, BIG + 1), 2);
    ck_assert_mem_eq(body, big, BIG);
    ck_assert_uint_eq(peer_receive_raw(s, body, BIG + 1), 3);
    ck_assert_str_eq(body, "");
    for (size_t i = 0; i < 3; i++)
        front_request_release(service.held[i]);
    free(big);
    free(body);
    nng_close(s);
}
END_TEST

/* ---- the end ---- */

static void *stop_slowly(void *arg)
{
    *(bool *)arg = front_stop(service.front, PEER_DEADLINE_MS);
    return NULL;
}

START_TEST(answers_in_flight_go_out_before_the_end)
{
    nng_socket s = peer_dial(service_open(_i, &service_roomy), true);
    bool complete = false;
    pthread_t thread;
    char body[64];

    service.echoing = false;
    peer_send_raw(s, 1, "last words");
    ck_assert(latch_wait(&service.requests, 1));
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_slowly, &complete), 0);
    service_echo(service_take(0));
    ck_assert_uint_eq(peer_receive_raw(s, body, sizeof body), 1);
    ck_assert_str_eq(body, "last words");
    pthread_join(thread, NULL);
    ck_assert(complete);
    ck_assert_uint_eq(latch_count(&service.gone), 1);
    ck_assert_uint_eq(latch_count(&service.freed), 1);
    nng_close(s);
}
END_TEST

START_TEST(stopping_waits_no_longer_than_it_is_told)
{
    nng_socket s = peer_dial(service_open(_i, &service_roomy), true);

    service.echoing = false;
    peer_send_raw(s, 1, "never answered in time");
    ck_assert(latch_wait(&service.requests, 1));
    ck_assert(!front_stop(service.front, 10));
    ck_assert_uint_eq(latch_count(&service.gone), 1);
    front_request_release(service_take(0));
    ck_assert_uint_eq(latch_count(&service.freed), 1);
    nng_close(s);
}
END_TEST

START_TEST(releasing_an_unanswered_request_is_a_bug)
{
    nng_socket s = peer_dial(service_open(WIRE_IPC, &service_roomy), true);

    service.echoing = false;
    peer_send_raw(s, 1, "x");
    ck_assert(latch_wait(&service.requests, 1));
    front_request_release(service_take(0));
}
END_TEST

START_TEST(answering_twice_is_a_bug)
{
    nng_socket s = peer_dial(service_open(WIRE_IPC, &service_roomy), true);

    service.echoing = false;
    peer_send_raw(s, 1, "x");
    ck_assert(latch_wait(&service.requests, 1));
    front_answer(service.held[0], "1", 1);
    front_answer(service.held[0], "2", 1);
}
END_TEST

#define ROWS(rows) ((int)(sizeof(rows) / sizeof *(rows)))

int main(void)
{
    const TTest *const on_each_wire[] = {
        an_answer_has_the_bytes_of_the_request,
        a_request_over_the_limit_is_answered_too_large,
        requests_beyond_the_window_are_answered_busy,
        a_place_in_the_window_is_free_before_the_answer_is_seen,
        answers_may_come_from_other_threads_in_any_order,
        requests_of_one_client_keep_their_order,
        an_answer_may_be_empty_or_in_pieces,
        answers_given_together_arrive_in_order,
        answers_in_flight_go_out_before_the_end,
        stopping_waits_no_longer_than_it_is_told,
    };
    Suite *suite = suite_create("front");
    TCase *tests = tcase_create("front");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, service_setup, service_teardown);
    for (int i = 0; i < ROWS(on_each_wire); i++)
        tcase_add_loop_test(tests, on_each_wire[i], 0, WIRES);
    tcase_add_test_raise_signal(tests, releasing_an_unanswered_request_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(tests, answering_twice_is_a_bug, SIGABRT);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
