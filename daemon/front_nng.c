/* NNG's own listeners behind the front, where they are asked for (`via: nng`).
 *
 * Each request has an NNG context of its own, a slot, which keeps its backtrace and later carries
 * its answer. Slots are pooled. Exactly one waits for a request at any time, armed at the end of
 * the callback that took the last one, so that requests come one at a time and in order. Against a
 * raw REP socket this has one great advantage: a send that is complete has been taken by the
 * client's pipe, where the raw socket reports success and then drops what exceeds its queue of 64.
 * What a client leaves unread is therefore counted; beyond a bound its answers are dropped.
 */
#include <arpa/inet.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/front_wire.h"

enum {
    BUCKETS = 256,
    CLOSE_SECONDS = 5,
    DEFAULT_MODE = 0600,
    /* NNG closes the pipe of a message over this much more than the limit; up to it the client is
     * told what is wrong. */
    RECEIVE_MARGIN = 16 << 20,
};

typedef struct nng_door nng_door;

typedef struct nng_client {
    front_client base;
    uint32_t pipe;
    atomic_uint unread; /* sends that aren't complete */
    char address[64];
    /* Guarded by the door's lock. */
    struct nng_client *next; /* in its bucket */
    bool calling;            /* request() runs for it */
    bool gone;               /* its connection ended meanwhile */
} nng_client;

/* A context and what it is doing: idle, receiving, holding a request, or sending. */
typedef struct slot {
    nng_door *door;
    nng_ctx context;
    nng_aio *aio;
    nng_client *sending; /* whose answer; NULL: receiving */
    bool refusal;
    struct slot *next_idle; /* guarded by the door's lock */
    struct slot *next;      /* all of the door's, guarded by its lock */
} slot;

typedef struct nng_request {
    front_request base;
    nng_msg *message;
    slot *slot; /* NULL once it is answered */
} nng_request;

struct nng_door {
    front_door base;
    front_path path; /* ipc only */
    nng_socket socket;
    nng_listener listener;

    pthread_mutex_t lock;
    bool quiet; /* no slot is armed any more */
    bool armed; /* a slot waits for a request, or its callback runs */
    slot *slots;
    slot *idle;
    nng_client *clients[BUCKETS];

    /* Held for reading while a send begins: after nng_aio_stop() one would never complete. */
    pthread_rwlock_t sending;
    bool closed; /* guarded by `sending` */
};

/* ---- clients ---- */

static nng_client **bucket(nng_door *door, uint32_t pipe)
{
    return &door->clients[pipe % BUCKETS];
}

static nng_client *find_locked(nng_door *door, uint32_t pipe)
{
    nng_client *client = *bucket(door, pipe);

    while (client != NULL && client->pipe != pipe)
        client = client->next;
    return client;
}

static void read_peer(nng_pipe pipe, nng_client *client, front_peer *peer)
{
    nng_sockaddr remote;
    uint64_t uid;
    uint64_t gid;
    uint64_t pid;

    *peer = (front_peer){.address = client->address};
    snprintf(client->address, sizeof client->address, "ipc");
    if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) == 0) {
        peer->local = true;
        peer->uid = (uid_t)uid;
        if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_GID, &gid) == 0)
            peer->gid = (gid_t)gid;
        if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_PID, &pid) == 0)
            peer->pid = (pid_t)pid;
    } else if (nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &remote) == 0 &&
               remote.s_family == NNG_AF_INET) {
        const unsigned char *b = (const unsigned char *)&remote.s_in.sa_addr;

        snprintf(client->address, sizeof client->address, "%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3],
                 (unsigned)ntohs(remote.s_in.sa_port));
    } else {
        snprintf(client->address, sizeof client->address, "tcp");
    }
}

static void pipe_added(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    nng_door *door = arg;
    nng_client *client = calloc(1, sizeof *client);
    nng_client **at;
    front_peer peer;

    (void)event;
    if (client == NULL) {
        nng_pipe_close(pipe);
        return;
    }
    client->pipe = (uint32_t)nng_pipe_id(pipe);
    read_peer(pipe, client, &peer);
    if (!front__client_new(&client->base, &door->base, &peer)) {
        free(client);
        nng_pipe_close(pipe);
        return;
    }
    pthread_mutex_lock(&door->lock);
    at = bucket(door, client->pipe);
    client->next = *at;
    *at = client;
    pthread_mutex_unlock(&door->lock);
}

/* Also called for pipes that were refused. */
static void pipe_removed(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    nng_door *door = arg;
    nng_client **at = bucket(door, (uint32_t)nng_pipe_id(pipe));
    nng_client *client;
    bool tell = false;

    (void)event;
    pthread_mutex_lock(&door->lock);
    while (*at != NULL && (*at)->pipe != (uint32_t)nng_pipe_id(pipe))
        at = &(*at)->next;
    client = *at;
    if (client != NULL) {
        *at = client->next;
        client->gone = true;
        tell = !client->calling; /* else the one who calls does it afterwards */
    }
    pthread_mutex_unlock(&door->lock);
    if (tell)
        front__client_gone(&client->base);
}

static void nng_hang_up(front_client *client)
{
    nng_pipe pipe = {.id = ((nng_client *)client)->pipe};

    nng_pipe_close(pipe);
}

static void nng_client_free(front_client *client)
{
    free(client);
}

/* ---- slots ---- */

static void slot_done(void *arg);

static slot *slot_new(nng_door *door)
{
    slot *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->door = door;
    if (nng_ctx_open(&s->context, door->socket) != 0) {
        free(s);
        return NULL;
    }
    if (nng_aio_alloc(&s->aio, slot_done, s) != 0) {
        nng_ctx_close(s->context);
        free(s);
        return NULL;
    }
    return s;
}

static void put_back_locked(slot *s)
{
    s->next_idle = s->door->idle;
    s->door->idle = s;
}

/* Wait for the next request, if nobody does. Without memory for a slot the next one that comes back
 * is armed. */
static void arm(nng_door *door)
{
    slot *s;

    pthread_mutex_lock(&door->lock);
    if (door->armed || door->quiet) {
        pthread_mutex_unlock(&door->lock);
        return;
    }
    s = door->idle;
    if (s != NULL) {
        door->idle = s->next_idle;
    } else {
        s = slot_new(door);
        if (s != NULL) {
            s->next = door->slots;
            door->slots = s;
        }
    }
    door->armed = s != NULL;
    pthread_mutex_unlock(&door->lock);
    if (s != NULL)
        nng_ctx_recv(s->context, s->aio);
}

static void put_back(slot *s)
{
    nng_door *door = s->door;

    pthread_mutex_lock(&door->lock);
    put_back_locked(s);
    pthread_mutex_unlock(&door->lock);
    arm(door);
}

static void sent(slot *s)
{
    nng_client *client = s->sending;
    nng_msg *message = nng_aio_result(s->aio) != 0 ? nng_aio_get_msg(s->aio) : NULL;

    s->sending = NULL;
    if (message != NULL) {
        nng_aio_set_msg(s->aio, NULL);
        nng_msg_free(message);
    }
    atomic_fetch_sub(&client->unread, 1);
    if (!s->refusal)
        front__sent(&client->base);
    front_client_release(&client->base);
    put_back(s);
}

/* The sender of a message, held; NULL where it is gone. */
static nng_client *begin_call(nng_door *door, nng_msg *message)
{
    nng_client *client;

    pthread_mutex_lock(&door->lock);
    client = find_locked(door, (uint32_t)nng_pipe_id(nng_msg_get_pipe(message)));
    if (client != NULL) {
        client->calling = true;
        front_client_hold(&client->base);
    }
    pthread_mutex_unlock(&door->lock);
    return client;
}

static void end_call(nng_door *door, nng_client *client)
{
    bool tell;

    pthread_mutex_lock(&door->lock);
    client->calling = false;
    tell = client->gone;
    pthread_mutex_unlock(&door->lock);
    if (tell)
        front__client_gone(&client->base);
    front_client_release(&client->base);
}

static void received(slot *s, nng_msg *message)
{
    nng_door *door = s->door;
    nng_client *client = begin_call(door, message);
    nng_request *request = client != NULL ? malloc(sizeof *request) : NULL;

    if (request == NULL) {
        if (client != NULL)
            nng_hang_up(&client->base);
        nng_msg_free(message);
        pthread_mutex_lock(&door->lock);
        put_back_locked(s);
        pthread_mutex_unlock(&door->lock);
    } else {
        request->message = message;
        request->slot = s;
        front__request(&request->base, &client->base, nng_msg_body(message), nng_msg_len(message));
    }
    if (client != NULL)
        end_call(door, client);
    pthread_mutex_lock(&door->lock);
    door->armed = false;
    pthread_mutex_unlock(&door->lock);
    arm(door);
}

static void slot_done(void *arg)
{
    slot *s = arg;
    nng_msg *message;

    if (s->sending != NULL) {
        sent(s);
    } else if (nng_aio_result(s->aio) != 0) {
        /* The socket is being closed; nothing else ends a receive. */
        pthread_mutex_lock(&s->door->lock);
        put_back_locked(s);
        pthread_mutex_unlock(&s->door->lock);
    } else {
        message = nng_aio_get_msg(s->aio);
        nng_aio_set_msg(s->aio, NULL);
        received(s, message);
    }
}

/* ---- answers ---- */

static nng_msg *message_of(const struct iovec *parts, size_t count)
{
    nng_msg *message;
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += parts[i].iov_len;
    if (nng_msg_alloc(&message, len) != 0)
        return NULL;
    len = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len > 0)
            memcpy((char *)nng_msg_body(message) + len, parts[i].iov_base, parts[i].iov_len);
        len += parts[i].iov_len;
    }
    return message;
}

/* Begin to send; `sent` follows. False: the door is closed, nothing follows. */
static bool begin_send(slot *s, nng_client *client, nng_msg *message)
{
    nng_door *door = s->door;
    bool open;

    pthread_rwlock_rdlock(&door->sending);
    open = !door->closed;
    if (open) {
        front_client_hold(&client->base);
        s->sending = client;
        nng_aio_set_msg(s->aio, message);
        nng_ctx_send(s->context, s->aio);
    }
    pthread_rwlock_unlock(&door->sending);
    return open;
}

static void nng_answer(front_request *base, const struct iovec *parts, size_t count, bool refusal)
{
    nng_request *request = (nng_request *)base;
    nng_client *client = (nng_client *)base->client;
    front *f = client->base.door->front;
    unsigned most = front__in_flight_limit(f) + FRONT_REFUSALS_MAX;
    slot *s = request->slot;
    nng_msg *message = message_of(parts, count);

    request->slot = NULL;
    if (message == NULL) {
        nng_hang_up(&client->base);
    } else if (atomic_fetch_add(&client->unread, 1) >= most) {
        /* Dropped, not hung up on: closing a pipe in the middle of a message can block NNG 1.5.2.
         */
        atomic_fetch_sub(&client->unread, 1);
        front__overrun(f);
        nng_msg_free(message);
        message = NULL;
    }
    s->refusal = refusal;
    if (message != NULL && begin_send(s, client, message))
        return;
    nng_msg_free(message);
    if (!refusal)
        front__sent(&client->base);
    put_back(s);
}

static void nng_request_free(front_request *base)
{
    nng_request *request = (nng_request *)base;

    nng_msg_free(request->message);
    free(request);
}

/* ---- the wire ---- */

/* A slot that waits already is left alone, for cancelling it could hit its answer instead: the
 * request it may still take is refused. */
static void nng_quiet(front_door *base)
{
    nng_door *door = (nng_door *)base;

    pthread_mutex_lock(&door->lock);
    door->quiet = true;
    pthread_mutex_unlock(&door->lock);
}

static void *close_socket(void *arg)
{
    nng_door *door = arg;

    nng_close(door->socket);
    for (slot *s = door->slots; s != NULL; s = s->next)
        nng_aio_stop(s->aio);
    return NULL;
}

/* NNG 1.5.2 may never return from nng_close(), see front_sp.h: it is given a bound. */
static void nng_close_door(front_door *base)
{
    nng_door *door = (nng_door *)base;
    struct timespec until;
    pthread_t closer;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_SECONDS;
    nng_quiet(base);
    pthread_rwlock_wrlock(&door->sending);
    door->closed = true;
    pthread_rwlock_unlock(&door->sending);
    if (pthread_create(&closer, NULL, close_socket, door) != 0) {
        close_socket(door);
    } else if (pthread_timedjoin_np(closer, NULL, &until) != 0) {
        pthread_detach(closer);
        atomic_fetch_add(&base->refs, 1); /* its threads may still use it: it is never freed */
    }
    front__path_release(&door->path);
}

static void nng_door_free(front_door *base)
{
    nng_door *door = (nng_door *)base;

    while (door->slots != NULL) {
        slot *s = door->slots;

        door->slots = s->next;
        nng_aio_free(s->aio);
        free(s);
    }
    pthread_rwlock_destroy(&door->sending);
    pthread_mutex_destroy(&door->lock);
    front__door_fini(base);
    free(door);
}

static front_err failed(const nng_door *door, int rv, char *text)
{
    front_err err = FRONT_ESYSTEM;

    if (rv == NNG_EADDRINUSE)
        err = FRONT_EINUSE;
    else if (rv == NNG_EPERM)
        err = FRONT_EDENIED;
    else if (rv == NNG_EADDRINVAL || rv == NNG_EINVAL)
        err = FRONT_EINVAL;
    else if (rv == NNG_ENOMEM)
        err = FRONT_ENOMEM;
    return front__fail(text, err, "cannot listen on %s: %s", door->base.url, nng_strerror(rv));
}

/* Everything that must be set before the first client. */
static int start(nng_door *door, mode_t mode)
{
    size_t most = front__message_limit(door->base.front) + RECEIVE_MARGIN;
    int rv = nng_rep0_open(&door->socket);

    if (rv != 0)
        return rv;
    if ((rv = nng_socket_set_size(door->socket, NNG_OPT_RECVMAXSZ, most)) == 0 &&
        (rv = nng_pipe_notify(door->socket, NNG_PIPE_EV_ADD_PRE, pipe_added, door)) == 0 &&
        (rv = nng_pipe_notify(door->socket, NNG_PIPE_EV_REM_POST, pipe_removed, door)) == 0 &&
        (rv = nng_listener_create(&door->listener, door->socket, door->base.url)) == 0) {
        if (door->path.path != NULL)
            rv = nng_listener_set_int(door->listener, NNG_OPT_IPC_PERMISSIONS, (int)mode);
        if (rv == 0)
            rv = nng_listener_start(door->listener, 0);
    }
    if (rv != 0)
        nng_close(door->socket);
    return rv;
}

/* Put the port that was taken into the URL. */
static bool name_port(nng_door *door)
{
    const char *colon = strrchr(door->base.url, ':');
    char *url;
    int port;

    if (nng_listener_get_int(door->listener, NNG_OPT_TCP_BOUND_PORT, &port) != 0 ||
        asprintf(&url, "%.*s:%d", (int)(colon - door->base.url), door->base.url, port) < 0)
        return false;
    free(door->base.url);
    door->base.url = url;
    return true;
}

static front_err check_address(const char *url, char *text)
{
    const char *colon = strrchr(url, ':');
    char *end = NULL;
    long port = -1;

    if (colon != NULL && colon[1] >= '0' && colon[1] <= '9')
        port = strtol(colon + 1, &end, 10);
    if (port < 0 || port > 65535 || *end != '\0' || strncmp(colon, "://", 3) == 0)
        return front__fail(text, FRONT_EINVAL, "cannot listen on %s: write tcp://host:port", url);
    return FRONT_OK;
}

static front_err open_door(front *f, const front_wire *wire, const front_listener *listener,
                           front_door **out, char *text)
{
    mode_t mode = listener->mode != 0 ? listener->mode : DEFAULT_MODE;
    bool ipc = wire == &front__nng_ipc;
    nng_door *door = calloc(1, sizeof *door);
    front_err err;
    int rv;

    if (door == NULL || !front__door_init(&door->base, f, wire, listener)) {
        free(door);
        return front__fail(text, FRONT_ENOMEM, "cannot listen on %s: out of memory", listener->url);
    }
    pthread_mutex_init(&door->lock, NULL);
    pthread_rwlock_init(&door->sending, NULL);
    door->path.lock = -1;
    err = ipc ? front__path_take(&door->path, listener->url + strlen(wire->scheme), text)
              : check_address(listener->url, text);
    if (err == FRONT_OK && (rv = start(door, mode)) != 0)
        err = failed(door, rv, text);
    if (err != FRONT_OK) {
        front__path_release(&door->path);
        nng_door_free(&door->base);
        return err;
    }
    door->path.bound = ipc;
    if (ipc)
        err = front__path_permit(&door->path, mode, listener->group, text);
    else if (!name_port(door))
        err = failed(door, NNG_ENOMEM, text);
    if (err != FRONT_OK) {
        nng_close_door(&door->base);
        nng_door_free(&door->base);
        return err;
    }
    arm(door);
    *out = &door->base;
    return FRONT_OK;
}

static front_err open_tcp(front *f, const front_listener *listener, front_door **out, char *text)
{
    return open_door(f, &front__nng_tcp, listener, out, text);
}

static front_err open_ipc(front *f, const front_listener *listener, front_door **out, char *text)
{
    return open_door(f, &front__nng_ipc, listener, out, text);
}

const front_wire front__nng_tcp = {
    .scheme = "tcp://",
    .open = open_tcp,
    .quiet = nng_quiet,
    .close = nng_close_door,
    .door_free = nng_door_free,
    .client_free = nng_client_free,
    .request_free = nng_request_free,
    .hang_up = nng_hang_up,
    .answer = nng_answer,
};

const front_wire front__nng_ipc = {
    .scheme = "ipc://",
    .open = open_ipc,
    .quiet = nng_quiet,
    .close = nng_close_door,
    .door_free = nng_door_free,
    .client_free = nng_client_free,
    .request_free = nng_request_free,
    .hang_up = nng_hang_up,
    .answer = nng_answer,
};
