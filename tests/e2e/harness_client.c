#include "tests/e2e/harness_client.h"

#include <check.h>
#include <endian.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE    20000 /* ms for an answer */
#define GREETING    8
#define LAST_HOP    0x80000000u
#define MOST_ANSWER (64u << 20)

typedef struct answer_frame {
    struct answer_frame *next;
    uint32_t number;
    size_t len;
    char *bytes;
} answer_frame;

struct client {
    int fd;
    bool ipc; /* a message begins with a byte 01 */
    uint32_t last_number;
    answer_frame *kept; /* came before they were asked for */
};

static int connect_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_msg(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "%s: %s", path,
                  strerror(errno));
    return fd;
}

static int connect_host(const char *where)
{
    char host[128];
    const char *port = strrchr(where, ':');
    ck_assert_ptr_nonnull(port);
    snprintf(host, sizeof host, "%.*s", (int)(port - where), where);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    ck_assert_int_eq(getaddrinfo(host, port + 1, &hints, &found), 0);
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_msg(connect(fd, found->ai_addr, found->ai_addrlen) == 0, "%s: %s", where,
                  strerror(errno));
    freeaddrinfo(found);
    return fd;
}

/* Up to `len` bytes; 0 at the end of the connection. */
static size_t take_some(client *c, void *into, size_t len)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    ck_assert_msg(poll(&p, 1, PATIENCE) == 1, "no answer from the daemon after %d ms", PATIENCE);
    ssize_t got = recv(c->fd, into, len, 0);
    if (got < 0 && errno == ECONNRESET)
        return 0;
    ck_assert_msg(got >= 0, "recv: %s", strerror(errno));
    return (size_t)got;
}

/* False: the connection ended first. */
static bool take(client *c, void *into, size_t len)
{
    for (size_t got = 0; got < len;) {
        size_t more = take_some(c, (char *)into + got, len - got);
        if (more == 0)
            return false;
        got += more;
    }
    return true;
}

void client_raw(client *c, const void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t sent = send(c->fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);
        ck_assert_msg(sent > 0, "send: %s", strerror(errno));
        done += (size_t)sent;
    }
}

client *client_open(const char *url)
{
    static const char ours[GREETING] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    static const char theirs[GREETING] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
    client *c = calloc(1, sizeof *c);
    ck_assert_ptr_nonnull(c);
    c->ipc = strncmp(url, "ipc://", 6) == 0;
    c->fd = c->ipc ? connect_path(url + 6) : connect_host(url + strlen("tcp://"));
    client_raw(c, ours, sizeof ours);
    char greeting[GREETING];
    ck_assert_msg(take(c, greeting, sizeof greeting), "%s: the daemon hung up", url);
    ck_assert_mem_eq(greeting, theirs, sizeof theirs);
    return c;
}

void client_refused(const char *url)
{
    client *c = client_open(url);
    client_wait_closed(c);
    client_close(c);
}

void client_close(client *c)
{
    if (!c)
        return;
    close(c->fd);
    while (c->kept) {
        answer_frame *f = c->kept;
        c->kept = f->next;
        free(f->bytes);
        free(f);
    }
    free(c);
}

uint32_t client_send(client *c, const void *bytes, size_t len)
{
    uint32_t number = ++c->last_number;
    uint32_t hop = htobe32(number | LAST_HOP);
    uint64_t size = htobe64(len + sizeof hop);
    char head[1 + sizeof size + sizeof hop];
    size_t used = 0;
    if (c->ipc)
        head[used++] = 1;
    memcpy(head + used, &size, sizeof size);
    used += sizeof size;
    memcpy(head + used, &hop, sizeof hop);
    used += sizeof hop;
    client_raw(c, head, used);
    client_raw(c, bytes, len);
    return number;
}

static answer_frame *take_frame(client *c)
{
    char mark = 1;
    uint64_t size;
    uint32_t hop;
    if (c->ipc)
        ck_assert_msg(take(c, &mark, 1), "the daemon hung up instead of answering");
    ck_assert_int_eq(mark, 1);
    ck_assert_msg(take(c, &size, sizeof size), "the daemon hung up instead of answering");
    size = be64toh(size);
    ck_assert_uint_ge(size, sizeof hop);
    ck_assert_uint_le(size, MOST_ANSWER);
    ck_assert(take(c, &hop, sizeof hop));
    answer_frame *f = calloc(1, sizeof *f);
    ck_assert_ptr_nonnull(f);
    f->number = be32toh(hop) & ~LAST_HOP;
    f->len = (size_t)size - sizeof hop;
    f->bytes = malloc(f->len + 1);
    ck_assert_ptr_nonnull(f->bytes);
    ck_assert(take(c, f->bytes, f->len));
    f->bytes[f->len] = '\0';
    return f;
}

static answer_frame *unkeep(client *c, uint32_t number)
{
    for (answer_frame **p = &c->kept; *p; p = &(*p)->next) {
        answer_frame *f = *p;
        if (f->number == number) {
            *p = f->next;
            return f;
        }
    }
    return NULL;
}

static void keep(client *c, answer_frame *f)
{
    f->next = c->kept;
    c->kept = f;
}

char *client_receive(client *c, uint32_t number, size_t *len)
{
    answer_frame *f = unkeep(c, number);
    while (!f) {
        f = take_frame(c);
        if (f->number != number) {
            keep(c, f);
            f = NULL;
        }
    }
    char *bytes = f->bytes;
    *len = f->len;
    free(f);
    return bytes;
}

bool client_answered(client *c, uint32_t number)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    while (poll(&p, 1, 0) == 1)
        keep(c, take_frame(c));
    for (answer_frame *f = c->kept; f; f = f->next) {
        if (f->number == number)
            return true;
    }
    return false;
}

void client_wait_closed(client *c)
{
    char block[4096];
    while (take_some(c, block, sizeof block) > 0)
        continue;
}
