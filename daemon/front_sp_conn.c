/* One connection: its beginning, bytes to requests, its end. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/front_sp.h"

/* A reply is 0x31, a request 0x30, in the scalability protocols' numbers. */
static const unsigned char our_greeting[SP_GREETING] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
static const unsigned char their_greeting[SP_GREETING] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};

/* No message is that long; a head that says so is garbage. */
enum { LENGTH_SIZE = 8 };
static const uint64_t LENGTH_MAX = UINT64_C(1) << 40;

int64_t sp__now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void look_at_peer(sp_conn *conn)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof address;
    struct ucred peer;
    char host[48];
    char port[8];
    int on = 1;

    conn->peer = (front_peer){.address = "ipc"};
    if (getpeername(conn->fd, (struct sockaddr *)&address, &size) == 0 &&
        address.ss_family != AF_UNIX) {
        conn->peer.address = "tcp";
        if (getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                        NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
            snprintf(conn->address, sizeof conn->address, "%s:%s", host, port);
            conn->peer.address = conn->address;
        }
        /* Both are wishes: without them it is slower, or notices a lost machine late. */
        (void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(conn->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        return;
    }
    size = sizeof peer;
    if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
        conn->peer.local = true;
        conn->peer.uid = peer.uid;
        conn->peer.gid = peer.gid;
        conn->peer.pid = peer.pid;
    }
}

sp_conn *sp__conn_new(sp_door *door, int fd)
{
    sp_conn *conn = calloc(1, sizeof *conn);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

    if (conn == NULL)
        return NULL;
    conn->door = door;
    conn->fd = fd;
    conn->events = EPOLLIN;
    conn->greet_until = sp__now() + SP_GREETING_MS;
    look_at_peer(conn);
    /* A fresh socket takes eight bytes, unless its other end is gone already. */
    if (send(fd, our_greeting, sizeof our_greeting, MSG_NOSIGNAL | MSG_DONTWAIT) !=
            (ssize_t)sizeof our_greeting ||
        epoll_ctl(door->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        free(conn);
        return NULL;
    }
    actor_lock_init(&conn->lock);
    conn->next = door->conns;
    if (conn->next != NULL)
        conn->next->previous = conn;
    door->conns = conn;
    door->strangers++;
    return conn;
}

void sp__watch(sp_conn *conn)
{
    struct epoll_event event = {.data.ptr = conn};

    if (conn->fd < 0)
        return;
    if (!conn->quiet && conn->refusals < FRONT_REFUSALS_MAX)
        event.events |= EPOLLIN;
    if (conn->first != NULL)
        event.events |= EPOLLOUT;
    if (event.events == conn->events)
        return;
    if (epoll_ctl(conn->door->epoll, EPOLL_CTL_MOD, conn->fd, &event) == 0)
        conn->events = event.events;
    else
        shutdown(conn->fd, SHUT_RDWR); /* the loop sees the end and closes */
}

void sp__conn_quiet(sp_conn *conn)
{
    actor_lock_take(&conn->lock);
    conn->quiet = true;
    sp__watch(conn);
    actor_lock_give(&conn->lock);
}

/* ---- in ---- */

/* Bytes of the longest backtrace. */
static const size_t TRACE_MAX = (size_t)4 * FRONT_HOPS_MAX;

/* The backtrace ends with the first word whose highest bit is set. 0: there is none. */
static size_t trace_length(const char *bytes, size_t len)
{
    for (size_t at = 0; at + 4 <= len && at < TRACE_MAX; at += 4) {
        if (((unsigned char)bytes[at] & 0x80) != 0)
            return at + 4;
    }
    return 0;
}

/* Make room for the message whose head is complete. Of one that is too large only the backtrace is
 * kept, to answer it; its length costs no memory. */
static bool begin_message(sp_conn *conn)
{
    uint64_t len = 0;

    for (size_t i = conn->door->head_size - LENGTH_SIZE; i < conn->door->head_size; i++)
        len = len << 8 | conn->head[i];
    if ((conn->door->head_size == SP_HEAD && conn->head[0] != 1) || len > LENGTH_MAX)
        return false;
    conn->want = len;
    conn->got = 0;
    conn->room = TRACE_MAX;
    if (len <= front__message_limit(conn->door->base.front) + TRACE_MAX)
        conn->room = (size_t)len;
    conn->incoming = malloc(sizeof *conn->incoming + conn->room);
    return conn->incoming != NULL;
}

static bool end_message(sp_conn *conn)
{
    sp_request *request = conn->incoming;

    conn->incoming = NULL;
    conn->head_len = 0;
    request->trace = trace_length(request->data, conn->room);
    if (request->trace == 0) {
        free(request);
        return false;
    }
    if (conn->room < conn->want)
        front__too_large(&request->base, &conn->base);
    else
        front__request(&request->base, &conn->base, request->data + request->trace,
                       conn->room - request->trace);
    return true;
}

static bool greet(sp_conn *conn)
{
    if (memcmp(conn->head, their_greeting, SP_GREETING) != 0 ||
        !front__client_new(&conn->base, &conn->door->base, &conn->peer))
        return false;
    conn->greeted = true;
    conn->door->strangers--;
    conn->head_len = 0;
    return true;
}

/* Bytes of the greeting or of a head; *used of them were needed. */
static bool take_head(sp_conn *conn, const char *bytes, size_t len, size_t *used)
{
    size_t whole = conn->greeted ? conn->door->head_size : SP_GREETING;

    *used = sp__least(whole - conn->head_len, len);
    memcpy(conn->head + conn->head_len, bytes, *used);
    conn->head_len += *used;
    if (conn->head_len < whole)
        return true;
    if (!conn->greeted)
        return greet(conn);
    return begin_message(conn) && (conn->want > 0 || end_message(conn));
}

static bool take_body(sp_conn *conn, const char *bytes, size_t len, size_t *used)
{
    *used = sp__least(conn->want - conn->got, len);
    if (conn->got < conn->room)
        memcpy(conn->incoming->data + conn->got, bytes, sp__least(conn->room - conn->got, *used));
    conn->got += *used;
    return conn->got < conn->want || end_message(conn);
}

static bool take(sp_conn *conn, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t used = 0;

        if (!(conn->incoming == NULL ? take_head : take_body)(conn, bytes, len, &used))
            return false;
        bytes += used;
        len -= used;
    }
    return true;
}

/* Read once: what is small through the loop's scratch, what is large to where it belongs. The loop
 * comes back while there is more, so that no client keeps it from the others. */
static bool read_some(sp_conn *conn)
{
    bool direct =
        conn->incoming != NULL && conn->room == conn->want && conn->want - conn->got > SP_SCRATCH;
    char *to = direct ? conn->incoming->data + conn->got : conn->door->scratch;
    size_t size = direct ? (size_t)(conn->want - conn->got) : SP_SCRATCH;
    ssize_t n = recv(conn->fd, to, size, MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (n == 0)
        return false;
    if (!direct)
        return take(conn, to, (size_t)n);
    conn->got += (size_t)n;
    return conn->got < conn->want || end_message(conn);
}

bool sp__conn_ready(sp_conn *conn, uint32_t events)
{
    bool alive = true;

    if ((events & EPOLLOUT) != 0) {
        actor_lock_take(&conn->lock);
        alive = sp__flush(conn);
        sp__watch(conn);
        actor_lock_give(&conn->lock);
    }
    if (alive && (events & EPOLLIN) != 0)
        alive = read_some(conn);
    if (alive && (events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0)
        alive = false;
    return alive;
}

/* ---- the end ---- */

void sp__hang_up(front_client *client)
{
    sp_conn *conn = (sp_conn *)client;

    actor_lock_take(&conn->lock);
    if (conn->fd >= 0)
        shutdown(conn->fd, SHUT_RDWR); /* the loop sees the end and closes */
    actor_lock_give(&conn->lock);
}

void sp__conn_close(sp_conn *conn)
{
    sp_chunk *chunks;

    actor_lock_take(&conn->lock);
    /* Closing alone does not end the watch while a process between fork and exec has a copy of the
     * descriptor: epoll would go on to report a connection that is freed. */
    epoll_ctl(conn->door->epoll, EPOLL_CTL_DEL, conn->fd, NULL);
    close(conn->fd);
    conn->fd = -1;
    chunks = conn->first;
    conn->first = NULL;
    conn->last = NULL;
    actor_lock_give(&conn->lock);
    sp__drop(conn, chunks);
    free(conn->incoming);
    conn->incoming = NULL;
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        conn->door->conns = conn->next;
    if (conn->greeted) {
        front__client_gone(&conn->base);
    } else {
        conn->door->strangers--;
        sp__client_free(&conn->base);
    }
}

void sp__client_free(front_client *client)
{
    sp_conn *conn = (sp_conn *)client;

    actor_lock_destroy(&conn->lock);
    free(conn);
}

void sp__request_free(front_request *request)
{
    free(request);
}
