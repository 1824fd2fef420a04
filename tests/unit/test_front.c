/* The front with real sockets, on each of its wires. Every test runs in a process of its own, where
 * NNG is opened for the first time. */
#include "daemon/front.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/latch.h"

enum { DEADLINE_MS = 30000, LIMIT = 200000, HELD_MAX = 256 };

static char dir[64];
static char path[96];
static front *f;
static char text[FRONT_TEXT_MAX + 1];

/* ---- the service behind the front ---- */

static bool echoing;
static bool refusing;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static front_request *held[HELD_MAX];
static size_t held_count;
static latch requests = LATCH_INIT;
static latch came = LATCH_INIT;
static latch gone = LATCH_INIT;
static latch freed = LATCH_INIT;
static front_peer last_peer;

static void echo(front_request *request)
{
    size_t len;
    const char *bytes = front_request_bytes(request, &len);

    front_answer(request, bytes, len);
    front_request_release(request);
}

static bool on_client(void *context, front_client *client, const front_peer *peer, void **user)
{
    (void)context;
    (void)client;
    pthread_mutex_lock(&lock);
    last_peer = *peer;
    pthread_mutex_unlock(&lock);
    *user = &came;
    latch_add(&came, 1);
    return !refusing;
}

static void on_request(void *context, front_client *client, void *user, front_request *request)
{
    (void)context;
    if (user != &came || front_client_user(client) != user)
        abort();
    if (echoing) {
        echo(request);
    } else {
        pthread_mutex_lock(&lock);
        held[held_count++ % HELD_MAX] = request;
        pthread_mutex_unlock(&lock);
    }
    latch_add(&requests, 1);
}

static void on_gone(void *context, front_client *client, void *user)
{
    (void)context;
    (void)client;
    (void)user;
    latch_add(&gone, 1);
}

static void on_free(void *context, void *user)
{
    (void)context;
    (void)user;
    latch_add(&freed, 1);
}

static const front_ops ops = {on_client, on_request, on_gone, on_free};

static front_request *take_held(size_t index)
{
    front_request *request;

    pthread_mutex_lock(&lock);
    request = held[index];
    held[index] = NULL;
    pthread_mutex_unlock(&lock);
    return request;
}

/* ---- wires ---- */

enum { IPC, NNG_IPC, TCP, NNG_TCP, WIRES };

static bool over_tcp(int wire)
{
    return wire >= TCP;
}

static const char *open_wire(int wire, const front_limits *limits)
{
    front_listener listener = {.via_nng = wire == NNG_IPC || wire == NNG_TCP};
    char url[128];

    ck_assert_int_eq(front_new(limits, &ops, NULL, &f), FRONT_OK);
    snprintf(url, sizeof url, "ipc://%s", path);
    listener.url = over_tcp(wire) ? "tcp://127.0.0.1:0" : url;
    ck_assert_msg(front_listen(f, &listener, text) == FRONT_OK, "%s", text);
    ck_assert_uint_eq(front_listeners(f), 1);
    return front_url(f, 0);
}

static const front_limits roomy = {.message = LIMIT};

static void setup(void)
{
    strcpy(dir, "/tmp/test_front.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/sock", dir);
    echoing = true;
}

static void teardown(void)
{
    char lock_path[128];

    front_free(f);
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    unlink(path);
    unlink(lock_path);
    ck_assert_msg(rmdir(dir) == 0, "%s: %s", dir, strerror(errno));
}

/* ---- clients ---- */

static nng_socket dial(const char *url, bool raw)
{
    nng_socket s;

    ck_assert_int_eq(raw ? nng_req0_open_raw(&s) : nng_req0_open(&s), 0);
    ck_assert_int_eq(nng_socket_set_ms(s, NNG_OPT_RECVTIMEO, DEADLINE_MS), 0);
    ck_assert_int_eq(nng_socket_set_ms(s, NNG_OPT_SENDTIMEO, DEADLINE_MS), 0);
    ck_assert_int_eq(nng_dial(s, url, NULL, 0), 0);
    return s;
}

static char *pattern(size_t len)
{
    char *bytes = malloc(len + 1);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return bytes;
}

/* Send and receive; the answer is the caller's. */
static char *call(nng_socket s, const char *bytes, size_t len, size_t *answer_len)
{
    nng_msg *message;
    char *answer;
    int rv;

    ck_assert_int_eq(nng_msg_alloc(&message, 0), 0);
    ck_assert_int_eq(nng_msg_append(message, bytes, len), 0);
    ck_assert_int_eq(nng_sendmsg(s, message, 0), 0);
    rv = nng_recvmsg(s, &message, 0);
    ck_assert_msg(rv == 0, "no answer: %s", nng_strerror(rv));
    *answer_len = nng_msg_len(message);
    answer = malloc(*answer_len + 1);
    ck_assert_ptr_nonnull(answer);
    memcpy(answer, nng_msg_body(message), *answer_len);
    answer[*answer_len] = '\0';
    nng_msg_free(message);
    return answer;
}

static void call_echo(nng_socket s, size_t len)
{
    char *bytes = pattern(len);
    size_t answer_len;
    char *answer = call(s, bytes, len, &answer_len);

    ck_assert_uint_eq(answer_len, len);
    ck_assert(memcmp(answer, bytes, len) == 0);
    free(answer);
    free(bytes);
}

static void send_raw(nng_socket s, uint32_t id, const char *body)
{
    nng_msg *message;

    ck_assert_int_eq(nng_msg_alloc(&message, 0), 0);
    ck_assert_int_eq(nng_msg_header_append_u32(message, 0x80000000u | id), 0);
    ck_assert_int_eq(nng_msg_append(message, body, strlen(body)), 0);
    ck_assert_int_eq(nng_sendmsg(s, message, 0), 0);
}

/* Returns the id of the request that was answered. */
static uint32_t receive_raw(nng_socket s, char *body, size_t size)
{
    nng_msg *message;
    uint32_t id;

    ck_assert_int_eq(nng_recvmsg(s, &message, 0), 0);
    ck_assert_int_eq(nng_msg_header_trim_u32(message, &id), 0);
    ck_assert_uint_lt(nng_msg_len(message), size);
    memcpy(body, nng_msg_body(message), nng_msg_len(message));
    body[nng_msg_len(message)] = '\0';
    nng_msg_free(message);
    return id & 0x7fffffffu;
}

/* A client by hand, below NNG. */
static int connect_by_hand(const char *url)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in remote = {.sin_family = AF_INET};
    bool tcp = strncmp(url, "tcp://", 6) == 0;
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    if (tcp) {
        remote.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        remote.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&remote, sizeof remote), 0);
    } else {
        strcpy(local.sun_path, path);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&local, sizeof local), 0);
    }
    return fd;
}

static void put(int fd, const void *bytes, size_t len)
{
    ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, DEADLINE_MS) == 1;
}

static void get(int fd, void *bytes, size_t len)
{
    ck_assert(readable(fd));
    ck_assert_int_eq(recv(fd, bytes, len, MSG_WAITALL), (ssize_t)len);
}

/* True when the other end hangs up; what it sent before is thrown away. */
static bool hung_up(int fd)
{
    char bytes[4096];
    ssize_t n;

    do {
        if (!readable(fd))
            return false;
        n = recv(fd, bytes, sizeof bytes, 0);
    } while (n > 0);
    return n == 0 || errno == ECONNRESET;
}

#define GREETING "\0SP\0\0\x30\0"

static int greet_by_hand(const char *url)
{
    unsigned char greeting[8];
    int fd = connect_by_hand(url);

    put(fd, GREETING, 8);
    get(fd, greeting, 8);
    ck_assert_mem_eq(greeting, "\0SP\0\0\x31\0", 8);
    return fd;
}

/* One message of NNG's wire protocol with a backtrace of one word. Returns its length. */
static size_t frame(char *out, bool tcp, uint32_t id, const char *body, size_t len)
{
    char *at = out;
    uint64_t whole = len + 4;

    if (!tcp)
        *at++ = 1;
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (char)(whole >> shift);
    *at++ = (char)(0x80 | id >> 24);
    *at++ = (char)(id >> 16);
    *at++ = (char)(id >> 8);
    *at++ = (char)id;
    memcpy(at, body, len);
    return (size_t)(at - out) + len;
}

/* ---- requests and answers ---- */

START_TEST(an_answer_has_the_bytes_of_the_request)
{
    static const size_t sizes[] = {0, 1, 100, 4096, 16383, 16384, 65537, LIMIT};
    nng_socket s = dial(open_wire(_i, &roomy), false);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        call_echo(s, sizes[i]);
    nng_close(s);
}
END_TEST

START_TEST(a_request_over_the_limit_is_answered_too_large)
{
    nng_socket s = dial(open_wire(_i, &roomy), false);
    char *bytes = pattern(LIMIT + 100000);
    front_stats stats;
    size_t len;

    for (size_t size = LIMIT + 1; size <= LIMIT + 100000; size += 99999) {
        char *answer = call(s, bytes, size, &len);

        ck_assert_ptr_nonnull(strstr(answer, "\"id\":null,\"error\":{\"code\":-32011,"));
        ck_assert_ptr_nonnull(strstr(answer, "\"too_large\""));
        free(answer);
    }
    call_echo(s, LIMIT);
    front_get_stats(f, &stats);
    ck_assert_uint_eq(stats.too_large, 2);
    ck_assert_uint_eq(stats.requests, 1);
    free(bytes);
    nng_close(s);
}
END_TEST

START_TEST(requests_beyond_the_window_are_answered_busy)
{
    front_limits narrow = {.in_flight_per_client = 4};
    nng_socket s = dial(open_wire(_i, &narrow), true);
    nng_socket other;
    char body[512];

    echoing = false;
    for (uint32_t id = 1; id <= 6; id++)
        send_raw(s, id, "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":\"ping\"}");
    for (uint32_t id = 5; id <= 6; id++) {
        ck_assert_uint_eq(receive_raw(s, body, sizeof body), id);
        ck_assert_ptr_nonnull(strstr(body, "\"id\":\"mine\",\"error\":{\"code\":-32011,"));
        ck_assert_ptr_nonnull(strstr(body, "\"data\":{\"code\":\"busy\",\"retry_safe\":true}"));
    }
    ck_assert(latch_wait(&requests, 4));
    for (uint32_t id = 4; id >= 1; id--) {
        echo(take_held(id - 1));
        ck_assert_uint_eq(receive_raw(s, body, sizeof body), id);
    }
    echoing = true;
    send_raw(s, 7, "x");
    ck_assert_uint_eq(receive_raw(s, body, sizeof body), 7);
    ck_assert_str_eq(body, "x");
    other = dial(front_url(f, 0), false);
    call_echo(other, 10);
    nng_close(other);
    nng_close(s);
}
END_TEST

START_TEST(a_place_in_the_window_is_free_before_the_answer_is_seen)
{
    front_limits one = {.in_flight_per_client = 1};
    nng_socket s = dial(open_wire(_i, &one), false);

    for (int i = 0; i < 2000; i++)
        call_echo(s, 16);
    nng_close(s);
}
END_TEST

static void *answer_all(void *arg)
{
    size_t count = *(size_t *)arg;

    for (size_t i = count; i > 0; i--)
        echo(take_held(i - 1));
    return NULL;
}

START_TEST(answers_may_come_from_other_threads_in_any_order)
{
    size_t count = 40;
    nng_socket s = dial(open_wire(_i, &roomy), true);
    bool seen[64] = {false};
    pthread_t thread;
    char body[64];

    echoing = false;
    for (uint32_t id = 0; id < count; id++) {
        snprintf(body, sizeof body, "body %u", id);
        send_raw(s, id, body);
    }
    ck_assert(latch_wait(&requests, count));
    ck_assert_int_eq(pthread_create(&thread, NULL, answer_all, &count), 0);
    for (size_t i = 0; i < count; i++) {
        char expected[64];
        uint32_t id = receive_raw(s, body, sizeof body);

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
    nng_socket s = dial(open_wire(_i, &roomy), true);
    char body[64];

    echoing = false;
    for (uint32_t id = 0; id < 50; id++) {
        snprintf(body, sizeof body, "%u", id);
        send_raw(s, id, body);
    }
    ck_assert(latch_wait(&requests, 50));
    for (size_t i = 0; i < 50; i++) {
        front_request *request = take_held(i);
        size_t len;
        const char *bytes = front_request_bytes(request, &len);

        snprintf(body, sizeof body, "%zu", i);
        ck_assert_uint_eq(len, strlen(body));
        ck_assert_mem_eq(bytes, body, len);
        echo(request);
        receive_raw(s, body, sizeof body);
    }
    nng_close(s);
}
END_TEST

START_TEST(an_answer_may_be_empty_or_in_pieces)
{
    nng_socket s = dial(open_wire(_i, &roomy), true);
    struct iovec parts[] = {{"{\"a\":", 5}, {NULL, 0}, {"1", 1}, {"}", 1}};
    char body[64];

    echoing = false;
    send_raw(s, 1, "x");
    send_raw(s, 2, "y");
    ck_assert(latch_wait(&requests, 2));
    front_answer(held[0], NULL, 0);
    front_answer_parts(held[1], parts, 4);
    ck_assert_uint_eq(receive_raw(s, body, sizeof body), 1);
    ck_assert_str_eq(body, "");
    ck_assert_uint_eq(receive_raw(s, body, sizeof body), 2);
    ck_assert_str_eq(body, "{\"a\":1}");
    front_request_release(held[0]);
    front_request_release(held[1]);
    nng_close(s);
}
END_TEST

/* ---- clients ---- */

/* Send without ever reading. True if the front didn't take everything. */
static bool flood(int fd, bool tcp)
{
    enum { BODY = 32768, TIMES = 1000, PATIENCE_MS = 300 };
    char *body = pattern(BODY);
    char *message = malloc(BODY + 16);
    bool stopped = false;
    size_t len;

    ck_assert_ptr_nonnull(message);
    len = frame(message, tcp, 7, body, BODY);
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
    const char *url = open_wire(_i, &roomy);
    int fd = greet_by_hand(url);
    front_stats stats;
    nng_socket s;
    bool stopped = flood(fd, over_tcp(_i));

    s = dial(url, false);
    for (int i = 0; i < 100; i++)
        call_echo(s, 1000);
    front_get_stats(f, &stats);

    if (_i == IPC || _i == TCP) {
        ck_assert(stopped && stats.overrun == 0);
        ck_assert_uint_le(stats.in_flight, 64 + 1);
    } else {
        ck_assert(stopped || stats.overrun > 0);
        ck_assert_uint_le(stats.in_flight, 64 + 64 + 1);
    }
    close(fd);
    ck_assert(latch_wait(&gone, 1));
    nng_close(s);
}
END_TEST

START_TEST(bytes_and_client_outlive_the_connection)
{
    nng_socket s = dial(open_wire(_i, &roomy), true);
    front_request *request;
    front_client *client;
    const char *bytes;
    size_t len;

    echoing = false;
    send_raw(s, 1, "payload");
    ck_assert(latch_wait(&requests, 1));
    nng_close(s);
    ck_assert(latch_wait(&gone, 1));
    request = take_held(0);
    client = front_client_hold(front_request_client(request));
    bytes = front_request_bytes(request, &len);
    ck_assert_uint_eq(len, 7);
    ck_assert_mem_eq(bytes, "payload", 7);
    front_answer(request, "late", 4);
    front_client_close(client);
    ck_assert_mem_eq(bytes, "payload", 7);
    front_request_release(request);
    ck_assert_uint_eq(latch_count(&freed), 0);
    front_client_release(client);
    ck_assert(latch_wait(&freed, 1));
}
END_TEST

START_TEST(a_request_may_be_answered_and_kept)
{
    nng_socket s = dial(open_wire(_i, &roomy), true);
    front_request *request;
    char body[64];
    size_t len;

    echoing = false;
    send_raw(s, 1, "payload");
    ck_assert(latch_wait(&requests, 1));
    request = front_request_hold(take_held(0));
    echo(request);
    receive_raw(s, body, sizeof body);
    front_free(f);
    f = NULL;
    ck_assert_mem_eq(front_request_bytes(request, &len), "payload", 7);
    front_request_release(request);
    ck_assert_uint_eq(latch_count(&freed), 1);
    nng_close(s);
}
END_TEST

START_TEST(more_clients_than_the_limit_are_refused)
{
    front_limits two = {.clients = 2};
    const char *url = open_wire(_i, &two);
    nng_socket first = dial(url, false);
    nng_socket second = dial(url, false);
    front_stats stats;
    int fd;

    call_echo(first, 1);
    call_echo(second, 1);
    fd = connect_by_hand(url);
    put(fd, GREETING, 8);
    ck_assert(hung_up(fd));
    close(fd);
    front_get_stats(f, &stats);
    ck_assert_uint_eq(stats.clients, 2);
    ck_assert_uint_eq(stats.refused, 1);
    nng_close(first);
    ck_assert(latch_wait(&gone, 1));
    first = dial(url, false);
    call_echo(first, 1);
    nng_close(first);
    nng_close(second);
}
END_TEST

START_TEST(the_daemon_may_refuse_a_client)
{
    int fd;

    refusing = true;
    fd = connect_by_hand(open_wire(_i, &roomy));
    put(fd, GREETING, 8);
    ck_assert(hung_up(fd));
    ck_assert_uint_eq(latch_count(&gone), 0);
    ck_assert_uint_eq(latch_count(&freed), 0);
    close(fd);
}
END_TEST

START_TEST(only_the_users_of_the_listener_get_in)
{
    uid_t others[] = {getuid() + 1};
    uid_t us[] = {getuid() + 1, getuid()};
    front_listener listener = {.users = others, .users_count = 1, .via_nng = _i == NNG_IPC};
    char url[128];
    nng_socket s;
    int fd;

    snprintf(url, sizeof url, "ipc://%s", path);
    listener.url = url;
    ck_assert_int_eq(front_new(&roomy, &ops, NULL, &f), FRONT_OK);
    ck_assert_int_eq(front_listen(f, &listener, text), FRONT_OK);
    fd = connect_by_hand(url);
    put(fd, GREETING, 8);
    ck_assert(hung_up(fd));
    close(fd);
    front_free(f);
    listener.users = us;
    listener.users_count = 2;
    ck_assert_int_eq(front_new(&roomy, &ops, NULL, &f), FRONT_OK);
    ck_assert_int_eq(front_listen(f, &listener, text), FRONT_OK);
    s = dial(url, false);
    call_echo(s, 1);
    ck_assert(last_peer.local);
    ck_assert_uint_eq(last_peer.uid, getuid());
    ck_assert_int_eq(last_peer.pid, getpid());
    nng_close(s);
}
END_TEST

/* Not on NNG_IPC: NNG 1.5.2 accepts nobody any more after the first of these. */
START_TEST(clients_that_connect_and_close_stop_nobody)
{
    const char *url = open_wire(_i == 0 ? IPC : TCP, &roomy);
    nng_socket s;

    for (int i = 0; i < 100; i++)
        close(connect_by_hand(url));
    for (int i = 0; i < 20; i++) {
        int fd = connect_by_hand(url);

        put(fd, GREETING, (size_t)i % 9);
        close(fd);
    }
    s = dial(url, false);
    call_echo(s, 100);
    nng_close(s);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
} garbage[] = {
    {"GET / HTTP/1.1\r\n\r\n", 18},
    {"\0SP\0\0\x31\0", 8},                                      /* a REP, not a REQ */
    {GREETING "\0\x02\0\0\0\0\0\0\0\x04\x80\0\0\1", 8 + 13},    /* no kind of message */
    {GREETING "\0\x01\xff\xff\xff\xff\xff\xff\xff\xff", 8 + 9}, /* of 16 EiB */
    {GREETING "\0\x01\0\0\0\0\0\0\0\0", 8 + 9},                 /* without a backtrace */
    {GREETING "\0\x01\0\0\0\0\0\0\0\x04\0\0\0\1", 8 + 13},      /* that doesn't end */
};

START_TEST(garbage_is_hung_up_on)
{
    const char *url = open_wire(IPC, &roomy);
    int fd = connect_by_hand(url);
    nng_socket s = dial(url, false);

    put(fd, garbage[_i].bytes, garbage[_i].len);
    ck_assert(hung_up(fd));
    close(fd);
    call_echo(s, 10);
    nng_close(s);
}
END_TEST

START_TEST(requests_may_come_byte_by_byte_or_many_at_once)
{
    int fd = greet_by_hand(open_wire(IPC, &roomy));
    char message[64];
    char all[64 * 40];
    char answer[64];
    size_t len = frame(message, false, 9, "0123456789", 10);

    for (size_t i = 0; i < len; i++)
        put(fd, message + i, 1);
    get(fd, answer, len);
    ck_assert_mem_eq(answer, message, len);
    for (size_t i = 0; i < 40; i++)
        memcpy(all + i * len, message, len);
    put(fd, all, 40 * len);
    for (size_t i = 0; i < 40; i++) {
        get(fd, answer, len);
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
    int fd = greet_by_hand(open_wire(IPC, &roomy));
    char answer[sizeof message - 1];

    put(fd, message, sizeof message - 1);
    get(fd, answer, sizeof answer);
    ck_assert_mem_eq(answer, message, sizeof answer);
    close(fd);
}
END_TEST

START_TEST(half_a_request_is_forgotten_with_its_client)
{
    int fd = greet_by_hand(open_wire(IPC, &roomy));
    char message[64];
    size_t len = frame(message, false, 9, "0123456789", 10);

    put(fd, message, len - 1);
    close(fd);
    ck_assert(latch_wait(&freed, 1));
    ck_assert_uint_eq(latch_count(&requests), 0);
}
END_TEST

/* As between fork and exec of a program that the daemon starts. */
START_TEST(a_copy_of_a_connection_in_a_child_outlives_it_harmlessly)
{
    const char *url = open_wire(_i == 0 ? IPC : TCP, &roomy);
    int fd = greet_by_hand(url);
    nng_socket s = dial(url, false);
    pid_t child;

    call_echo(s, 100); /* a round on the loop after the greeting: it has accepted both */
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        close(fd); /* ours, not the front's */
        pause();
        _exit(0);
    }
    close(fd);
    ck_assert(latch_wait(&freed, 1));
    call_echo(s, 100);
    nng_close(s);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

/* ---- paths ---- */

static front_err listen_on(const char *url, bool via_nng, mode_t mode, const char *group)
{
    front_listener listener = {.url = url, .via_nng = via_nng, .mode = mode, .group = group};

    if (f == NULL)
        ck_assert_int_eq(front_new(&roomy, &ops, NULL, &f), FRONT_OK);
    text[0] = '\0';
    return front_listen(f, &listener, text);
}

static front_err listen_here(bool via_nng)
{
    char url[128];

    snprintf(url, sizeof url, "ipc://%s", path);
    return listen_on(url, via_nng, 0, NULL);
}

START_TEST(anything_but_a_socket_is_refused_and_kept)
{
    struct stat before;
    struct stat after;

    if (_i < 2)
        close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    else
        ck_assert_int_eq(symlink("/nowhere", path), 0);
    ck_assert_int_eq(lstat(path, &before), 0);
    ck_assert_int_eq(listen_here(_i == 1), FRONT_EPATH);
    ck_assert_ptr_nonnull(strstr(text, path));
    ck_assert_int_eq(lstat(path, &after), 0);
    ck_assert_uint_eq(before.st_ino, after.st_ino);
    ck_assert_uint_eq(before.st_mode, after.st_mode);
}
END_TEST

START_TEST(a_missing_directory_is_named)
{
    char url[128];

    snprintf(url, sizeof url, "ipc://%s/no/sock", dir);
    ck_assert_int_eq(listen_on(url, _i == NNG_IPC, 0, NULL), FRONT_EPATH);
    ck_assert_ptr_nonnull(strstr(text, "/no does not exist"));
}
END_TEST

START_TEST(a_second_listener_on_the_path_is_told_who_holds_it)
{
    char pid[32];
    nng_socket s = dial(open_wire(_i, &roomy), false);

    snprintf(pid, sizeof pid, "process %ld ", (long)getpid());
    ck_assert_int_eq(listen_here(false), FRONT_EINUSE);
    ck_assert_ptr_nonnull(strstr(text, pid));
    ck_assert_int_eq(listen_here(true), FRONT_EINUSE);
    ck_assert_ptr_nonnull(strstr(text, pid));
    call_echo(s, 1);
    nng_close(s);
}
END_TEST

static int bind_by_hand(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

START_TEST(a_stale_socket_is_replaced)
{
    char url[128];
    nng_socket s;

    close(bind_by_hand());
    ck_assert_msg(listen_here(_i == NNG_IPC) == FRONT_OK, "%s", text);
    snprintf(url, sizeof url, "ipc://%s", path);
    s = dial(url, false);
    call_echo(s, 1);
    nng_close(s);
}
END_TEST

START_TEST(a_socket_somebody_listens_on_is_refused_and_kept)
{
    int fd = bind_by_hand();
    struct stat info;

    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(listen_here(_i == NNG_IPC), FRONT_EINUSE);
    ck_assert_int_eq(lstat(path, &info), 0);
    close(fd);
}
END_TEST

START_TEST(the_socket_has_its_mode_whatever_the_umask)
{
    char url[128];
    struct stat info;

    umask(0);
    snprintf(url, sizeof url, "ipc://%s", path);
    ck_assert_int_eq(listen_on(url, _i == NNG_IPC, 0660, "root"), FRONT_OK);
    ck_assert_int_eq(lstat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0660);
    ck_assert_uint_eq(info.st_gid, 0);
    front_free(f);
    f = NULL;
    umask(0777);
    ck_assert_int_eq(listen_here(_i == NNG_IPC), FRONT_OK);
    ck_assert_int_eq(lstat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
}
END_TEST

START_TEST(an_unknown_group_is_named_and_leaves_nothing)
{
    char url[128];
    struct stat info;

    snprintf(url, sizeof url, "ipc://%s", path);
    ck_assert_int_eq(listen_on(url, _i == NNG_IPC, 0, "no-such-group"), FRONT_EGROUP);
    ck_assert_ptr_nonnull(strstr(text, "'no-such-group'"));
    ck_assert_int_ne(lstat(path, &info), 0);
    ck_assert_int_eq(listen_here(_i == NNG_IPC), FRONT_OK);
}
END_TEST

START_TEST(socket_and_lock_are_removed_at_the_end)
{
    char lock_path[128];
    struct stat info;

    open_wire(_i, &roomy);
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    ck_assert_int_eq(lstat(path, &info), 0);
    ck_assert_int_eq(lstat(lock_path, &info), 0);
    front_stop(f, 0);
    ck_assert_int_ne(lstat(path, &info), 0);
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
    ck_assert_int_eq(listen_on(wrong_urls[_i].url, false, 0, NULL), wrong_urls[_i].err);
    ck_assert_msg(text[0] != '\0', "no text");
    ck_assert_uint_eq(front_listeners(f), 0);
}
END_TEST

START_TEST(a_port_in_use_is_refused_and_port_0_is_named)
{
    const char *url = open_wire(TCP, &roomy);

    ck_assert_str_ne(url, "tcp://127.0.0.1:0");
    ck_assert_int_eq(listen_on(url, false, 0, NULL), FRONT_EINUSE);
    ck_assert_ptr_nonnull(strstr(text, url));
}
END_TEST

START_TEST(several_listeners_serve_side_by_side)
{
    nng_socket here;
    nng_socket there;

    open_wire(IPC, &roomy);
    ck_assert_int_eq(listen_on("tcp://127.0.0.1:0", false, 0, NULL), FRONT_OK);
    ck_assert_uint_eq(front_listeners(f), 2);
    ck_assert_ptr_null(front_url(f, 2));
    here = dial(front_url(f, 0), false);
    there = dial(front_url(f, 1), false);
    call_echo(here, 10);
    call_echo(there, 10);
    nng_close(here);
    nng_close(there);
}
END_TEST

/* ---- the end ---- */

static void *stop_slowly(void *arg)
{
    *(bool *)arg = front_stop(f, DEADLINE_MS);
    return NULL;
}

START_TEST(answers_in_flight_go_out_before_the_end)
{
    nng_socket s = dial(open_wire(_i, &roomy), true);
    bool complete = false;
    pthread_t thread;
    char body[64];

    echoing = false;
    send_raw(s, 1, "last words");
    ck_assert(latch_wait(&requests, 1));
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_slowly, &complete), 0);
    echo(take_held(0));
    ck_assert_uint_eq(receive_raw(s, body, sizeof body), 1);
    ck_assert_str_eq(body, "last words");
    pthread_join(thread, NULL);
    ck_assert(complete);
    ck_assert_uint_eq(latch_count(&gone), 1);
    ck_assert_uint_eq(latch_count(&freed), 1);
    nng_close(s);
}
END_TEST

START_TEST(stopping_waits_no_longer_than_it_is_told)
{
    nng_socket s = dial(open_wire(_i, &roomy), true);

    echoing = false;
    send_raw(s, 1, "never answered in time");
    ck_assert(latch_wait(&requests, 1));
    ck_assert(!front_stop(f, 10));
    ck_assert_uint_eq(latch_count(&gone), 1);
    front_request_release(take_held(0));
    ck_assert_uint_eq(latch_count(&freed), 1);
    nng_close(s);
}
END_TEST

START_TEST(releasing_an_unanswered_request_is_a_bug)
{
    nng_socket s = dial(open_wire(IPC, &roomy), true);

    echoing = false;
    send_raw(s, 1, "x");
    ck_assert(latch_wait(&requests, 1));
    front_request_release(take_held(0));
}
END_TEST

START_TEST(answering_twice_is_a_bug)
{
    nng_socket s = dial(open_wire(IPC, &roomy), true);

    echoing = false;
    send_raw(s, 1, "x");
    ck_assert(latch_wait(&requests, 1));
    front_answer(held[0], "1", 1);
    front_answer(held[0], "2", 1);
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
        a_client_that_never_reads_stalls_nobody,
        bytes_and_client_outlive_the_connection,
        a_request_may_be_answered_and_kept,
        more_clients_than_the_limit_are_refused,
        the_daemon_may_refuse_a_client,
        answers_in_flight_go_out_before_the_end,
        stopping_waits_no_longer_than_it_is_told,
    };
    const TTest *const on_each_path[] = {
        only_the_users_of_the_listener_get_in,
        a_missing_directory_is_named,
        a_second_listener_on_the_path_is_told_who_holds_it,
        a_stale_socket_is_replaced,
        a_socket_somebody_listens_on_is_refused_and_kept,
        the_socket_has_its_mode_whatever_the_umask,
        an_unknown_group_is_named_and_leaves_nothing,
        socket_and_lock_are_removed_at_the_end,
    };
    Suite *suite = suite_create("front");
    TCase *tests = tcase_create("front");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    for (int i = 0; i < ROWS(on_each_wire); i++)
        tcase_add_loop_test(tests, on_each_wire[i], 0, WIRES);
    for (int i = 0; i < ROWS(on_each_path); i++)
        tcase_add_loop_test(tests, on_each_path[i], 0, TCP);
    tcase_add_loop_test(tests, anything_but_a_socket_is_refused_and_kept, 0, 3);
    tcase_add_loop_test(tests, clients_that_connect_and_close_stop_nobody, 0, 2);
    tcase_add_loop_test(tests, garbage_is_hung_up_on, 0, ROWS(garbage));
    tcase_add_test(tests, requests_may_come_byte_by_byte_or_many_at_once);
    tcase_add_test(tests, a_backtrace_of_several_hops_comes_back);
    tcase_add_test(tests, half_a_request_is_forgotten_with_its_client);
    tcase_add_loop_test(tests, a_copy_of_a_connection_in_a_child_outlives_it_harmlessly, 0, 2);
    tcase_add_loop_test(tests, a_wrong_url_is_refused, 0, ROWS(wrong_urls));
    tcase_add_test(tests, a_port_in_use_is_refused_and_port_0_is_named);
    tcase_add_test(tests, several_listeners_serve_side_by_side);
    tcase_add_test_raise_signal(tests, releasing_an_unanswered_request_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(tests, answering_twice_is_a_bug, SIGABRT);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
