/* front.h - where clients come in: listeners, clients, requests, answers.
 *
 * A front takes in requests on any number of listeners and carries the answers back. What is in the
 * bytes is not its business, with two exceptions that never reach the daemon: a request over
 * limits.message is answered `too_large`, one over limits.in_flight_per_client `busy`.
 *
 * Threads. The callbacks of front_ops run on the front's own threads, several at a time for
 * different clients. They must not block, parse, or log in a blocking way, and they must not call
 * front_stop() or front_free(). For one client they come in this order: client_new, requests in the
 * order in which they arrived, one at a time, client_gone, and, when nothing refers to the client
 * any more, client_free. One listener makes one request() at a time. Everything else says its
 * threads itself.
 *
 * Ownership. A request is counted: it is born with one reference, which the daemon holds. Its bytes
 * (and the client it came from) live until the last reference is released, also long after the
 * answer and after the client is gone, so that a payload can lie in a mailbox without being copied.
 */
#ifndef DAEMON_FRONT_H
#define DAEMON_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef struct front front;
typedef struct front_client front_client;
typedef struct front_request front_request;

typedef enum front_err {
    FRONT_OK = 0,
    FRONT_EINVAL,  /* an option that can't be: no URL, no port, a path too long */
    FRONT_ESCHEME, /* a URL of a kind nobody here listens on */
    FRONT_EPATH,   /* the socket's directory is missing, or the path is taken by something else */
    FRONT_EINUSE,  /* another process listens there */
    FRONT_EDENIED, /* the system doesn't let us */
    FRONT_EGROUP,  /* no such group */
    FRONT_ENOMEM,
    FRONT_ESYSTEM, /* any other failure of the system or of NNG */
} front_err;

const char *front_strerror(front_err err);

enum { FRONT_TEXT_MAX = 511 };

typedef struct front_limits {
    size_t message;                /* bytes of a request; 0 means 1 MiB */
    unsigned in_flight_per_client; /* requests without an answer; 0 means 64 */
    unsigned clients;              /* connections, over all listeners; 0 means 1024 */
} front_limits;

/* Who is at the other end. */
typedef struct front_peer {
    const char *address; /* "ipc" or "127.0.0.1:4711"; valid during the call */
    bool local;          /* uid, gid and pid are the kernel's word */
    uid_t uid;
    gid_t gid;
    pid_t pid;
} front_peer;

/* One listener: one row of the configuration's `listen`. */
typedef struct front_listener {
    const char *url;    /* ipc:///path, tcp://host:port; port 0 takes a free one */
    mode_t mode;        /* ipc: of the socket; 0 means 0600 */
    const char *group;  /* ipc: of the socket; NULL leaves the process's own */
    const uid_t *users; /* ipc: who may connect; NULL leaves it to the file's mode */
    size_t users_count;
    bool via_nng; /* NNG's own listener in place of ours, see docs/protocol.md */
    void *tag;    /* the daemon's: role, token…; see front_client_tag() */
} front_listener;

typedef struct front_ops {
    /* A client has connected. *user is the daemon's for this client. False refuses it: the
     * connection is closed and nothing else is called for it. */
    bool (*client_new)(void *context, front_client *client, const front_peer *peer, void **user);

    /* A request has come. The callee owns its first reference. */
    void (*request)(void *context, front_client *client, void *user, front_request *request);

    /* The connection is over; answers to its requests go nowhere, and are still due. */
    void (*client_gone)(void *context, front_client *client, void *user);

    /* Nothing refers to the client any more. May run on any thread that releases a reference. */
    void (*client_free)(void *context, void *user);
} front_ops;

/* What happened since the start; counters only grow. */
typedef struct front_stats {
    uint64_t connected; /* clients accepted */
    uint64_t refused;   /* clients refused: limit, users, client_new */
    uint64_t requests;  /* handed to the daemon */
    uint64_t answered;  /* answers given to the transport */
    uint64_t too_large;
    uint64_t busy;
    uint64_t overrun;   /* answers dropped because the client didn't read (NNG's listeners only) */
    unsigned clients;   /* connected now */
    unsigned in_flight; /* requests without an answer now */
} front_stats;

/* Make a front without listeners. `ops` and everything in it must outlive the front; `limits` is
 * copied. NULL members of ops: client_new accepts, client_gone and client_free do nothing.
 *
 * The caller has blocked the signals it doesn't want on the front's threads (NNG's).
 * Returns  FRONT_OK, FRONT_ENOMEM.
 */
front_err front_new(const front_limits *limits, const front_ops *ops, void *context, front **out);

/* Open one more listener; clients are served when it returns.
 *
 * For ipc:// nothing is ever deleted but a socket nobody listens on: anything else at the path is
 * FRONT_EPATH. The path is held by a lock on PATH.lock; FRONT_EINUSE names the holder's pid.
 *
 * On failure `text` (FRONT_TEXT_MAX + 1 bytes; NULL is allowed) has a sentence that names the URL
 * and what to do. Threads: the one that calls front_new, front_stop and front_free.
 */
front_err front_listen(front *f, const front_listener *listener, char *text);

size_t front_listeners(const front *f);

/* The URL of a listener, in the order of front_listen(), with the port that was taken. NULL past
 * the end. */
const char *front_url(const front *f, size_t index);

void front_get_stats(front *f, front_stats *stats);

/* New limits for what comes from now on (a reload). Threads: as front_listen(). */
void front_set_limits(front *f, const front_limits *limits);

/* Take in no more clients and requests; the answers still due can be given. At most wait_ms go by
 * until the requests in flight are answered and the answers sent. Then everything is closed,
 * client_gone has been called for everybody, and the sockets and locks are removed. Later answers
 * are dropped. Calling it again does nothing. Returns false if answers were still due.
 */
bool front_stop(front *f, unsigned wait_ms);

/* Stops it first if nobody has (waiting 0 ms). Requests that are still referred to stay valid and
 * must still be released; the front's memory goes with the last of them. NULL is allowed. */
void front_free(front *f);

/* ---- clients; any thread ---- */

void *front_client_user(const front_client *client);

/* The `tag` of the listener it came through. */
void *front_client_tag(const front_client *client);

/* Unique during the life of the front, never 0. */
uint64_t front_client_id(const front_client *client);

front_client *front_client_hold(front_client *client);
void front_client_release(front_client *client);

/* Hang up. client_gone follows. Doesn't block. */
void front_client_close(front_client *client);

/* ---- requests; any thread ---- */

const char *front_request_bytes(const front_request *request, size_t *len);

front_client *front_request_client(const front_request *request);

front_request *front_request_hold(front_request *request);

/* Releasing the last reference to a request that was not answered is a bug, and panics, unless the
 * front has been stopped. NULL is allowed. */
void front_request_release(front_request *request);

/* Answer a request, once, at any time and in any order; the bytes are copied, and may be the
 * request's own. Never blocks. The reference stays the caller's. An empty answer is one of length
 * 0. With no memory for the answer the connection is closed: a client can't wait for ever.
 */
void front_answer(front_request *request, const char *bytes, size_t len);

/* The same with the answer in several pieces, at most FRONT_PARTS_MAX. */
enum { FRONT_PARTS_MAX = 16 };
void front_answer_parts(front_request *request, const struct iovec *parts, size_t count);

/* Answer several requests of one client, in this order: front_answer() for each, but the transport
 * may carry them together, and so wake the client once. At least one, at most FRONT_REPLIES_MAX. */
enum { FRONT_REPLIES_MAX = 32 };
typedef struct front_reply {
    front_request *request;
    const char *bytes;
    size_t len;
} front_reply;
void front_answer_all(const front_reply *replies, size_t count);

#endif
