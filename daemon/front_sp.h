/* front_sp.h - our own listener for ipc:// and tcp://, which speaks the scalability protocols' wire
 * format as NNG does. Private to front_sp*.c. NNG's own would do, were it not for 1.5.2: its ipc
 * listener accepts nobody any more after one client that connects and closes at once, and closing a
 * connection while a message is partly sent or received can block its reaper, and with it every
 * later close, for ever.
 *
 * One thread per listener (the loop) accepts, reads and hands requests over; it alone closes
 * connections. Answers are written by the thread that gives them, as far as the socket takes them;
 * the rest is queued and written by the loop.
 */
#ifndef DAEMON_FRONT_SP_H
#define DAEMON_FRONT_SP_H

#include <pthread.h>
#include <stdint.h>

#include "daemon/front_wire.h"
#include "libactor/lock.h"

enum {
    SP_GREETING = 8,        /* bytes each side sends first */
    SP_HEAD = 9,            /* bytes before each message at most: on ipc a 1, and its length */
    SP_GREETING_MS = 10000, /* how long a client may take for its greeting */
    SP_SCRATCH = 16384,
};

typedef struct sp_conn sp_conn;

typedef struct sp_door {
    front_door base;
    front_path path; /* ipc only */
    size_t head_size;
    int listener;
    int epoll;
    int wake; /* eventfd: look at `orders` */
    pthread_t thread;
    atomic_uint orders;

    /* The loop's own. */
    sp_conn *conns;
    unsigned strangers; /* those of them that haven't greeted */
    unsigned strangers_max;
    bool quiet;
    int64_t accept_at; /* accepting rests until then, for want of descriptors; 0: it doesn't */
    char scratch[SP_SCRATCH];
} sp_door;

typedef struct sp_request {
    front_request base;
    size_t trace; /* bytes of the backtrace, which data begins with */
    char data[];
} sp_request;

/* Bytes the socket didn't take yet. */
typedef struct sp_chunk {
    struct sp_chunk *next;
    bool refusal;
    size_t sent;
    size_t len;
    char bytes[];
} sp_chunk;

struct sp_conn {
    front_client base;

    /* The loop's own. */
    sp_door *door;
    sp_conn *previous;
    sp_conn *next;
    front_peer peer;
    char address[64]; /* of the peer */
    bool greeted;
    int64_t greet_until;
    unsigned char head[SP_HEAD]; /* of the greeting or the message at hand */
    size_t head_len;
    sp_request *incoming; /* the message at hand */
    uint64_t want;        /* its length */
    uint64_t got;
    size_t room; /* how much of it is kept: its beginning where it is too large */

    actor_lock lock;
    int fd LOCK_GUARDED_BY(lock);          /* -1: closed; only the loop closes it */
    bool quiet LOCK_GUARDED_BY(lock);      /* nothing more is read */
    uint32_t events LOCK_GUARDED_BY(lock); /* what epoll watches for */
    sp_chunk *first LOCK_GUARDED_BY(lock);
    sp_chunk *last LOCK_GUARDED_BY(lock);
    unsigned refusals LOCK_GUARDED_BY(lock); /* among the chunks */
};

/* Milliseconds of the monotonic clock. */
int64_t sp__now(void);

/* Take over an accepted socket. NULL: no memory, the socket is still the caller's. */
sp_conn *sp__conn_new(sp_door *door, int fd);

/* Read and write what can be. False: the connection is over and must be closed. */
bool sp__conn_ready(sp_conn *conn, uint32_t events);

/* Read nothing more. */
void sp__conn_quiet(sp_conn *conn);

/* Close the socket, drop what is queued, tell the front. The loop's last act on it. */
void sp__conn_close(sp_conn *conn);

/* Watch for what there is to do. */
void sp__watch(sp_conn *conn) LOCK_REQUIRES(conn->lock);

/* Send what is queued. False: the connection is broken. */
bool sp__flush(sp_conn *conn) LOCK_REQUIRES(conn->lock);

/* The chunks, taken off their connection, will never be sent. */
void sp__drop(sp_conn *conn, sp_chunk *chunk);

static inline size_t sp__least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* For the wire. */
void sp__answer(front_request *answered, const struct iovec *parts, size_t count, bool refusal);
void sp__answer_all(const front_reply *replies, size_t count);
void sp__hang_up(front_client *client);
void sp__client_free(front_client *client);
void sp__request_free(front_request *request);

#endif
