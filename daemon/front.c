/* What all wires have in common: counting clients, requests and references, and refusing. */
#include "daemon/front.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/front_wire.h"
#include "daemon/rpc.h"

enum {
    DEFAULT_MESSAGE = 1 << 20,
    DEFAULT_IN_FLIGHT = 64,
    DEFAULT_CLIENTS = 1024,
    PEEK_MAX = 4096, /* the id of a larger request isn't worth the time of the front's thread */
};

struct front {
    front_ops ops;
    void *context;
    atomic_size_t message_limit;
    atomic_uint in_flight_limit;
    atomic_uint clients_limit;

    front_door **doors; /* of the thread that owns the front */
    size_t door_count;
    bool stopped;
    atomic_bool quiet;

    atomic_uint refs; /* the owner's and one per door */
    atomic_ullong next_client;
    atomic_uint clients;
    atomic_uint due; /* answers that haven't left */
    atomic_ullong connected, refused, requests, answered, too_large, busy, overrun;

    pthread_mutex_t lock;
    pthread_cond_t settled; /* with `lock`: `due` may have become 0 */
};

const char *front_strerror(front_err err)
{
    static const char *const texts[] = {
        [FRONT_OK] = "no error",
        [FRONT_EINVAL] = "the URL or an option can't be right",
        [FRONT_ESCHEME] = "no listener for this kind of URL",
        [FRONT_EPATH] = "the socket's path can't be used",
        [FRONT_EINUSE] = "another process listens there",
        [FRONT_EDENIED] = "permission denied",
        [FRONT_EGROUP] = "no such group",
        [FRONT_ENOMEM] = "out of memory",
        [FRONT_ESYSTEM] = "the system refused",
    };

    if ((size_t)err >= sizeof texts / sizeof *texts)
        return "unknown error";
    return texts[err];
}

front_err front__fail(char *text, front_err err, const char *format, ...)
{
    va_list args;

    if (text != NULL) {
        va_start(args, format);
        vsnprintf(text, FRONT_TEXT_MAX + 1, format, args);
        va_end(args);
    }
    return err;
}

static _Noreturn void panic(const char *what)
{
    fprintf(stderr, "front: %s\n", what);
    abort();
}

/* ---- the front ---- */

void front_set_limits(front *f, const front_limits *limits)
{
    atomic_store(&f->message_limit, limits->message ? limits->message : DEFAULT_MESSAGE);
    atomic_store(&f->in_flight_limit,
                 limits->in_flight_per_client ? limits->in_flight_per_client : DEFAULT_IN_FLIGHT);
    atomic_store(&f->clients_limit, limits->clients ? limits->clients : DEFAULT_CLIENTS);
}

front_err front_new(const front_limits *limits, const front_ops *ops, void *context, front **out)
{
    front *f = calloc(1, sizeof *f);
    pthread_condattr_t attributes;

    if (f == NULL)
        return FRONT_ENOMEM;
    f->ops = *ops;
    f->context = context;
    front_set_limits(f, limits);
    atomic_store(&f->refs, 1);
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&f->settled, &attributes);
    pthread_condattr_destroy(&attributes);
    *out = f;
    return FRONT_OK;
}

static void release(front *f)
{
    if (atomic_fetch_sub(&f->refs, 1) != 1)
        return;
    pthread_cond_destroy(&f->settled);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static const front_wire *wire_of(const front_listener *listener)
{
    static const struct {
        const front_wire *wire;
        bool nng;
    } rows[] = {
        {&front__ipc, false},
        {&front__tcp, false},
        {&front__nng_ipc, true},
        {&front__nng_tcp, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *scheme = rows[i].wire->scheme;

        if (rows[i].nng == listener->via_nng && strncmp(listener->url, scheme, strlen(scheme)) == 0)
            return rows[i].wire;
    }
    return NULL;
}

front_err front_listen(front *f, const front_listener *listener, char *text)
{
    const front_wire *wire = listener->url != NULL ? wire_of(listener) : NULL;
    front_door **doors;
    front_err err;

    if (f->stopped)
        return front__fail(text, FRONT_EINVAL, "the front has been stopped");
    if (wire == NULL)
        return front__fail(text, FRONT_ESCHEME, "cannot listen on '%s': use ipc:// or tcp://",
                           listener->url != NULL ? listener->url : "");
    doors = realloc(f->doors, (f->door_count + 1) * sizeof *doors);
    if (doors == NULL)
        return front__fail(text, FRONT_ENOMEM, "cannot listen on '%s': out of memory",
                           listener->url);
    f->doors = doors;
    err = wire->open(f, listener, &doors[f->door_count], text);
    if (err == FRONT_OK)
        f->door_count++;
    return err;
}

size_t front_listeners(const front *f)
{
    return f->door_count;
}

const char *front_url(const front *f, size_t index)
{
    return index < f->door_count ? f->doors[index]->url : NULL;
}

void front_get_stats(front *f, front_stats *stats)
{
    stats->connected = atomic_load(&f->connected);
    stats->refused = atomic_load(&f->refused);
    stats->requests = atomic_load(&f->requests);
    stats->answered = atomic_load(&f->answered);
    stats->too_large = atomic_load(&f->too_large);
    stats->busy = atomic_load(&f->busy);
    stats->overrun = atomic_load(&f->overrun);
    stats->clients = atomic_load(&f->clients);
    stats->in_flight = atomic_load(&f->due);
}

/* Wait until no answer is due. */
static bool settle(front *f, unsigned wait_ms)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&f->lock);
    while (atomic_load(&f->due) > 0 && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&f->settled, &f->lock, &until);
    pthread_mutex_unlock(&f->lock);
    return atomic_load(&f->due) == 0;
}

bool front_stop(front *f, unsigned wait_ms)
{
    bool complete;

    if (f->stopped)
        return true;
    f->stopped = true;
    atomic_store(&f->quiet, true);
    for (size_t i = 0; i < f->door_count; i++)
        f->doors[i]->wire->quiet(f->doors[i]);
    complete = settle(f, wait_ms);
    for (size_t i = 0; i < f->door_count; i++)
        f->doors[i]->wire->close(f->doors[i]);
    return complete;
}

void front_free(front *f)
{
    if (f == NULL)
        return;
    front_stop(f, 0);
    for (size_t i = 0; i < f->door_count; i++)
        front__door_release(f->doors[i]);
    free(f->doors);
    f->doors = NULL;
    release(f);
}

/* ---- doors ---- */

bool front__door_init(front_door *door, front *f, const front_wire *wire,
                      const front_listener *listener)
{
    size_t size = listener->users_count * sizeof *listener->users;

    door->front = f;
    door->wire = wire;
    door->tag = listener->tag;
    door->url = strdup(listener->url);
    door->users = NULL;
    door->users_count = listener->users_count;
    if (listener->users != NULL) {
        door->users = malloc(size > 0 ? size : 1);
        if (door->users != NULL && size > 0)
            memcpy(door->users, listener->users, size);
    }
    if (door->url == NULL || (listener->users != NULL && door->users == NULL)) {
        free(door->url);
        free(door->users);
        return false;
    }
    atomic_store(&door->refs, 1);
    atomic_fetch_add(&f->refs, 1);
    return true;
}

void front__door_fini(front_door *door)
{
    free(door->url);
    free(door->users);
    release(door->front);
}

void front__door_release(front_door *door)
{
    if (atomic_fetch_sub(&door->refs, 1) == 1)
        door->wire->door_free(door);
}

/* ---- clients ---- */

static bool may_enter(const front_door *door, const front_peer *peer)
{
    if (door->users == NULL)
        return true;
    for (size_t i = 0; peer->local && i < door->users_count; i++) {
        if (door->users[i] == peer->uid)
            return true;
    }
    return false;
}

bool front__client_new(front_client *client, front_door *door, const front_peer *peer)
{
    front *f = door->front;
    bool room = atomic_fetch_add(&f->clients, 1) < atomic_load(&f->clients_limit);

    client->door = door;
    client->user = NULL;
    client->id = atomic_fetch_add(&f->next_client, 1) + 1;
    atomic_store(&client->in_flight, 0);
    atomic_store(&client->refs, 1);
    if (!room || atomic_load(&f->quiet) || !may_enter(door, peer) ||
        (f->ops.client_new != NULL &&
         !f->ops.client_new(f->context, client, peer, &client->user))) {
        atomic_fetch_sub(&f->clients, 1);
        atomic_fetch_add(&f->refused, 1);
        return false;
    }
    atomic_fetch_add(&door->refs, 1);
    atomic_fetch_add(&f->connected, 1);
    return true;
}

void front__client_gone(front_client *client)
{
    front *f = client->door->front;

    atomic_fetch_sub(&f->clients, 1);
    if (f->ops.client_gone != NULL)
        f->ops.client_gone(f->context, client, client->user);
    front_client_release(client);
}

void *front_client_user(const front_client *client)
{
    return client->user;
}

void *front_client_tag(const front_client *client)
{
    return client->door->tag;
}

uint64_t front_client_id(const front_client *client)
{
    return client->id;
}

front_client *front_client_hold(front_client *client)
{
    atomic_fetch_add(&client->refs, 1);
    return client;
}

void front_client_release(front_client *client)
{
    front_door *door;
    front *f;

    if (client == NULL || atomic_fetch_sub(&client->refs, 1) != 1)
        return;
    door = client->door;
    f = door->front;
    if (f->ops.client_free != NULL)
        f->ops.client_free(f->context, client->user);
    door->wire->client_free(client);
    front__door_release(door);
}

void front_client_close(front_client *client)
{
    client->door->wire->hang_up(client);
}

/* ---- requests ---- */

size_t front__message_limit(front *f)
{
    return atomic_load(&f->message_limit);
}

unsigned front__in_flight_limit(front *f)
{
    return atomic_load(&f->in_flight_limit);
}

void front__count_in(front_client *client)
{
    atomic_fetch_add(&client->in_flight, 1);
}

void front__count_out(front_client *client)
{
    atomic_fetch_sub(&client->in_flight, 1);
}

void front__sent(front_client *client)
{
    front *f = client->door->front;

    if (atomic_fetch_sub(&f->due, 1) != 1 || !atomic_load(&f->quiet))
        return;
    pthread_mutex_lock(&f->lock);
    pthread_cond_broadcast(&f->settled);
    pthread_mutex_unlock(&f->lock);
}

void front__overrun(front *f)
{
    atomic_fetch_add(&f->overrun, 1);
}

static void born(front_request *request, front_client *client, const char *bytes, size_t len)
{
    request->client = front_client_hold(client);
    request->bytes = bytes;
    request->len = len;
    atomic_store(&request->refs, 1);
    atomic_store(&request->answered, false);
}

static void refuse(front_request *request, rpc_code code, const char *message)
{
    json_out out = {.data = NULL};
    json_value id = {"null", 4, JSON_NULL};
    front_client *client = request->client;
    struct iovec part;

    if (request->len > 0 && request->len <= PEEK_MAX)
        id = rpc_peek_id(request->bytes, request->len);
    rpc_put_error(&out, id, code, message, NULL);
    atomic_store(&request->answered, true);
    if (out.err == JSON_OK) {
        part = (struct iovec){out.data, out.len};
        client->door->wire->answer(request, &part, 1, true);
    } else {
        client->door->wire->hang_up(client);
    }
    json_out_free(&out);
    front_request_release(request);
}

void front__too_large(front_request *request, front_client *client)
{
    front *f = client->door->front;
    char message[128];

    born(request, client, "", 0);
    atomic_fetch_add(&f->too_large, 1);
    snprintf(message, sizeof message,
             "Request too large: at most %zu bytes are taken, see limits.message",
             atomic_load(&f->message_limit));
    refuse(request, RPC_TOO_LARGE, message);
}

static void refuse_busy(front_request *request)
{
    front *f = request->client->door->front;
    char message[128];

    atomic_fetch_add(&f->busy, 1);
    snprintf(message, sizeof message,
             "Busy: %u requests of this client wait for their answers, see "
             "limits.in_flight_per_client",
             atomic_load(&f->in_flight_limit));
    refuse(request, RPC_BUSY, message);
}

void front__request(front_request *request, front_client *client, const char *bytes, size_t len)
{
    front *f = client->door->front;

    if (len > atomic_load(&f->message_limit)) {
        front__too_large(request, client);
        return;
    }
    born(request, client, bytes, len);
    if (atomic_load(&f->quiet)) {
        refuse(request, RPC_DRAINING, "The daemon is stopping");
        return;
    }
    if (atomic_fetch_add(&client->in_flight, 1) >= atomic_load(&f->in_flight_limit)) {
        atomic_fetch_sub(&client->in_flight, 1);
        refuse_busy(request);
        return;
    }
    atomic_fetch_add(&f->due, 1);
    atomic_fetch_add(&f->requests, 1);
    f->ops.request(f->context, client, client->user, request);
}

const char *front_request_bytes(const front_request *request, size_t *len)
{
    *len = request->len;
    return request->bytes;
}

front_client *front_request_client(const front_request *request)
{
    return request->client;
}

front_request *front_request_hold(front_request *request)
{
    atomic_fetch_add(&request->refs, 1);
    return request;
}

void front_request_release(front_request *request)
{
    front_client *client;

    if (request == NULL || atomic_fetch_sub(&request->refs, 1) != 1)
        return;
    client = request->client;
    if (!atomic_load(&request->answered)) {
        if (!atomic_load(&client->door->front->quiet))
            panic("a request was released without an answer");
        front_answer(request, NULL, 0);
    }
    client->door->wire->request_free(request);
    front_client_release(client);
}

void front_answer(front_request *request, const char *bytes, size_t len)
{
    struct iovec part = {(void *)(uintptr_t)bytes, len};

    front_answer_parts(request, &part, 1);
}

void front_answer_parts(front_request *request, const struct iovec *parts, size_t count)
{
    front_client *client = request->client;

    if (count > FRONT_PARTS_MAX)
        panic("an answer has too many pieces");
    if (atomic_exchange(&request->answered, true))
        panic("a request was answered twice");
    atomic_fetch_add(&client->door->front->answered, 1);
    front__count_out(client);
    client->door->wire->answer(request, parts, count, false);
}
