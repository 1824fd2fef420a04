/* front_wire.h - what is between the front and the ways of listening (wires). Private to front*.c.
 *
 * A wire has listeners (doors), clients and requests whose structs begin with those below. It calls
 * front__*; the front calls it through its front_wire. References: a request holds its client, a
 * client its door, a door the front. A door's first reference is the front's own, kept until
 * close() has returned, so that no callback of a wire ever releases the last one.
 */
#ifndef DAEMON_FRONT_WIRE_H
#define DAEMON_FRONT_WIRE_H

#include <stdatomic.h>

#include "daemon/front.h"

typedef struct front_door front_door;

typedef struct front_wire {
    const char *scheme; /* with "://" */

    /* See front_listen(). The door is ready to be freed with its last reference. */
    front_err (*open)(front *f, const front_listener *listener, front_door **out, char *text);

    /* No more clients, no more requests. */
    void (*quiet)(front_door *door);

    /* Hang up on everybody. When it returns no callback runs, and none will. */
    void (*close)(front_door *door);

    void (*door_free)(front_door *door);
    void (*client_free)(front_client *client);
    void (*request_free)(front_request *request);

    void (*hang_up)(front_client *client);

    /* Carry an answer, and call front__sent() once it has left or never will, unless it is a
     * refusal. */
    void (*answer)(front_request *request, const struct iovec *parts, size_t count, bool refusal);

    /* The same for several answers to one client; NULL: one after the other. */
    void (*answer_all)(const front_reply *replies, size_t count);
} front_wire;

extern const front_wire front__ipc; /* front_sp.c: ours */
extern const front_wire front__tcp;
extern const front_wire front__nng_tcp; /* front_nng.c: NNG's own */
extern const front_wire front__nng_ipc;

struct front_door {
    front *front;
    const front_wire *wire;
    char *url;
    void *tag;
    uid_t *users; /* NULL: anybody */
    size_t users_count;
    atomic_uint refs;
};

struct front_client {
    front_door *door;
    uint64_t id;
    void *user;
    atomic_uint refs;
    atomic_uint in_flight; /* requests without an answer */
};

struct front_request {
    front_client *client;
    const char *bytes;
    size_t len;
    atomic_uint refs;
    atomic_bool answered;
};

enum {
    FRONT_HOPS_MAX = 8,      /* words of a request's backtrace, as NNG's own default */
    FRONT_REFUSALS_MAX = 64, /* refusals a client may leave unread before it is slowed */
};

/* Fill in a door; false: no memory. On success it owns a reference to the front. */
bool front__door_init(front_door *door, front *f, const front_wire *wire,
                      const front_listener *listener);
void front__door_release(front_door *door);

/* Free what front__door_init() allocated and drop the front: the last step of door_free(). */
void front__door_fini(front_door *door);

/* Introduce a client. False: refused, the wire frees it by itself. */
bool front__client_new(front_client *client, front_door *door, const front_peer *peer);

/* The connection is over: client_gone, and the wire's reference is released. */
void front__client_gone(front_client *client);

/* A request has been read; the front takes it, whatever becomes of it. */
void front__request(front_request *request, front_client *client, const char *bytes, size_t len);

/* Refuse a request that was too large to be read. `request` is as above, without bytes. */
void front__too_large(front_request *request, front_client *client);

size_t front__message_limit(front *f);
unsigned front__in_flight_limit(front *f);

/* An answer counts in the client's in_flight until it is given to the wire. A wire that can't send
 * at once counts it in again, and out again before it sends: the client must never see an answer
 * whose place isn't free yet. */
void front__count_in(front_client *client);
void front__count_out(front_client *client);

/* An answer has left, or its client has. */
void front__sent(front_client *client);

void front__overrun(front *f);

/* A sentence for front_listen(); returns `err`. */
front_err front__fail(char *text, front_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- front_path.c: a socket's place in the file system ---- */

typedef struct front_path {
    char *path;
    char *lock_path;
    int lock;   /* -1: not held */
    bool bound; /* the socket at `path` is ours: set by the one who bound it */
} front_path;

/* Take the lock of `path` and remove a stale socket there. On failure nothing is held. */
front_err front__path_take(front_path *p, const char *path, char *text);

/* Set group and mode of the socket that was bound there. */
front_err front__path_permit(const front_path *p, mode_t mode, const char *group, char *text);

/* Remove the socket, where it is ours, and the lock. Calling it again does nothing. */
void front__path_release(front_path *p);

/* ---- front_tcp.c ---- */

/* Listen on tcp://HOST:PORT. On success *bound is the URL with the port that was taken, malloc'd.
 */
front_err front__tcp_listen(const char *url, int *fd, char **bound, char *text);

#endif
