/* Answers to bytes: what the socket takes goes out at once, the rest is queued in chunks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/front_sp.h"

static bool would_block(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

enum { BATCH = 64 };

static size_t gather(sp_conn *conn, struct iovec parts[BATCH]) LOCK_REQUIRES(conn->lock)
{
    size_t count = 0;

    for (sp_chunk *chunk = conn->first; chunk != NULL && count < BATCH; chunk = chunk->next) {
        parts[count++] = (struct iovec){chunk->bytes + chunk->sent, chunk->len - chunk->sent};
        /* Its place is free before the client can see the answer. */
        if (!chunk->refusal)
            front__count_out(&conn->base);
    }
    return count;
}

/* Of the first `count` chunks `sent` bytes are gone. */
static void advance(sp_conn *conn, size_t count, size_t sent) LOCK_REQUIRES(conn->lock)
{
    sp_chunk *chunk = conn->first;

    for (; count > 0 && sent >= chunk->len - chunk->sent; count--) {
        sp_chunk *next = chunk->next;

        sent -= chunk->len - chunk->sent;
        if (chunk->refusal)
            conn->refusals--;
        else
            front__sent(&conn->base);
        free(chunk);
        chunk = next;
    }
    conn->first = chunk;
    if (chunk == NULL)
        conn->last = NULL;
    if (count > 0)
        chunk->sent += sent;
    for (; count > 0; count--, chunk = chunk->next) {
        if (!chunk->refusal)
            front__count_in(&conn->base);
    }
}

bool sp__flush(sp_conn *conn)
{
    while (conn->first != NULL) {
        struct iovec parts[BATCH];
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = gather(conn, parts)};
        ssize_t n = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        bool blocked = would_block(n);

        advance(conn, message.msg_iovlen, n > 0 ? (size_t)n : 0);
        if (n < 0)
            return blocked;
    }
    return true;
}

/* Keep the bytes of `parts` behind the first `sent`. */
static sp_chunk *chunk_of(const struct iovec *parts, size_t count, size_t sent)
{
    size_t len = 0;
    size_t at = 0;
    sp_chunk *chunk;

    for (size_t i = 0; i < count; i++)
        len += parts[i].iov_len;
    chunk = malloc(sizeof *chunk + len - sent);
    if (chunk == NULL)
        return NULL;
    *chunk = (sp_chunk){.len = len - sent};
    for (size_t i = 0; i < count; i++) {
        size_t skip = sp__least(sent, parts[i].iov_len);

        sent -= skip;
        if (parts[i].iov_len > skip)
            memcpy(chunk->bytes + at, (const char *)parts[i].iov_base + skip,
                   parts[i].iov_len - skip);
        at += parts[i].iov_len - skip;
    }
    return chunk;
}

/* Send now what the socket takes. Returns how much; broken connections take everything. */
static size_t send_now(sp_conn *conn, struct iovec *parts, size_t count, size_t len)
    LOCK_REQUIRES(conn->lock)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t n;

    if (conn->fd < 0)
        return len;
    if (conn->first != NULL)
        return 0;
    n = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0)
        return (size_t)n;
    if (would_block(n))
        return 0;
    shutdown(conn->fd, SHUT_RDWR);
    return len;
}

static bool queue(sp_conn *conn, sp_chunk *chunk, bool refusal) LOCK_REQUIRES(conn->lock)
{
    if (chunk == NULL) {
        shutdown(conn->fd, SHUT_RDWR);
        return false;
    }
    chunk->refusal = refusal;
    if (conn->last != NULL)
        conn->last->next = chunk;
    else
        conn->first = chunk;
    conn->last = chunk;
    if (refusal)
        conn->refusals++;
    else
        front__count_in(&conn->base);
    sp__watch(conn);
    return true;
}

static void put_head(unsigned char head[SP_HEAD], uint64_t len)
{
    head[0] = 1;
    for (int i = SP_HEAD - 1; i > 0; i--, len >>= 8)
        head[i] = (unsigned char)len;
}

void sp__answer(front_request *answered, const struct iovec *parts, size_t count, bool refusal)
{
    sp_request *request = (sp_request *)answered;
    sp_conn *conn = (sp_conn *)answered->client;
    unsigned char head[SP_HEAD];
    size_t head_size = conn->door->head_size;
    struct iovec all[FRONT_PARTS_MAX + 2] = {{head + SP_HEAD - head_size, head_size},
                                             {request->data, request->trace}};
    size_t body = request->trace;
    bool queued = false;
    size_t sent;

    for (size_t i = 0; i < count; i++) {
        all[i + 2] = parts[i];
        body += parts[i].iov_len;
    }
    put_head(head, body);
    actor_lock_take(&conn->lock);
    sent = send_now(conn, all, count + 2, head_size + body);
    if (sent < head_size + body)
        queued = queue(conn, chunk_of(all, count + 2, sent), refusal);
    actor_lock_give(&conn->lock);
    if (!queued && !refusal)
        front__sent(&conn->base);
}

void sp__answer_all(const front_reply *replies, size_t count)
{
    enum { PARTS = 3 }; /* head, backtrace, body */
    sp_conn *conn = (sp_conn *)replies[0].request->client;
    size_t head_size = conn->door->head_size;
    unsigned char heads[FRONT_REPLIES_MAX][SP_HEAD];
    struct iovec all[FRONT_REPLIES_MAX * PARTS];
    size_t sizes[FRONT_REPLIES_MAX];
    size_t total = 0;
    size_t sent;
    size_t queued = 0;

    for (size_t i = 0; i < count; i++) {
        sp_request *request = (sp_request *)replies[i].request;

        put_head(heads[i], request->trace + replies[i].len);
        all[PARTS * i] = (struct iovec){heads[i] + SP_HEAD - head_size, head_size};
        all[PARTS * i + 1] = (struct iovec){request->data, request->trace};
        all[PARTS * i + 2] = (struct iovec){(void *)(uintptr_t)replies[i].bytes, replies[i].len};
        sizes[i] = head_size + request->trace + replies[i].len;
        total += sizes[i];
    }
    actor_lock_take(&conn->lock);
    sent = send_now(conn, all, PARTS * count, total);
    for (size_t i = 0; i < count; i++) {
        size_t part = sp__least(sent, sizes[i]);

        sent -= part;
        if (part < sizes[i] && queue(conn, chunk_of(all + PARTS * i, PARTS, part), false))
            queued++;
    }
    actor_lock_give(&conn->lock);
    for (size_t i = queued; i < count; i++)
        front__sent(&conn->base);
}

void sp__drop(sp_conn *conn, sp_chunk *chunk)
{
    while (chunk != NULL) {
        sp_chunk *next = chunk->next;

        if (!chunk->refusal) {
            front__count_out(&conn->base);
            front__sent(&conn->base);
        }
        free(chunk);
        chunk = next;
    }
}
