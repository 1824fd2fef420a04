#include "tests/support/peer.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <nng/protocol/reqrep0/req.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

nng_socket peer_dial(const char *url, bool raw)
{
    nng_socket s;

    ck_assert_int_eq(raw ? nng_req0_open_raw(&s) : nng_req0_open(&s), 0);
    ck_assert_int_eq(nng_socket_set_ms(s, NNG_OPT_RECVTIMEO, PEER_DEADLINE_MS), 0);
    ck_assert_int_eq(nng_socket_set_ms(s, NNG_OPT_SENDTIMEO, PEER_DEADLINE_MS), 0);
    ck_assert_int_eq(nng_dial(s, url, NULL, 0), 0);
    return s;
}

char *peer_pattern(size_t len)
{
    char *bytes = malloc(len + 1);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return bytes;
}

char *peer_call(nng_socket s, const char *bytes, size_t len, size_t *answer_len)
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

void peer_call_echo(nng_socket s, size_t len)
{
    char *bytes = peer_pattern(len);
    size_t answer_len;
    char *answer = peer_call(s, bytes, len, &answer_len);

    ck_assert_uint_eq(answer_len, len);
    ck_assert(memcmp(answer, bytes, len) == 0);
    free(answer);
    free(bytes);
}

void peer_send_raw(nng_socket s, uint32_t id, const char *body)
{
    nng_msg *message;

    ck_assert_int_eq(nng_msg_alloc(&message, 0), 0);
    ck_assert_int_eq(nng_msg_header_append_u32(message, 0x80000000u | id), 0);
    ck_assert_int_eq(nng_msg_append(message, body, strlen(body)), 0);
    ck_assert_int_eq(nng_sendmsg(s, message, 0), 0);
}

uint32_t peer_receive_raw(nng_socket s, char *body, size_t size)
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

static uint16_t port_of(const char *url)
{
    const char *port = strrchr(url, ':') + 1;
    char *end;
    long number = strtol(port, &end, 10);

    ck_assert(end != port && *end == '\0' && number > 0 && number <= UINT16_MAX);
    return (uint16_t)number;
}

int peer_connect(const char *url)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in remote = {.sin_family = AF_INET};
    bool tcp = strncmp(url, "tcp://", 6) == 0;
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    if (tcp) {
        remote.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        remote.sin_port = htons(port_of(url));
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&remote, sizeof remote), 0);
    } else {
        ck_assert_uint_lt(strlen(url), sizeof local.sun_path);
        snprintf(local.sun_path, sizeof local.sun_path, "%s", url + strlen("ipc://"));
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&local, sizeof local), 0);
    }
    return fd;
}

void peer_put(int fd, const void *bytes, size_t len)
{
    ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, PEER_DEADLINE_MS) == 1;
}

void peer_get(int fd, void *bytes, size_t len)
{
    ck_assert(readable(fd));
    ck_assert_int_eq(recv(fd, bytes, len, MSG_WAITALL), (ssize_t)len);
}

bool peer_hung_up(int fd)
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

int peer_greet(const char *url)
{
    unsigned char greeting[8];
    int fd = peer_connect(url);

    peer_put(fd, PEER_GREETING, 8);
    peer_get(fd, greeting, 8);
    ck_assert_mem_eq(greeting, "\0SP\0\0\x31\0", 8);
    return fd;
}

size_t peer_frame(char *out, bool tcp, uint32_t id, const char *body, size_t len)
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
