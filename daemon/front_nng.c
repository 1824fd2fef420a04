/* NNG's own listeners behind the front, where they are asked for (`via: nng`). */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/front_nng.h"

enum {
    CLOSE_SECONDS = 5,
    DEFAULT_MODE = 0600,
    /* NNG closes the pipe of a message over this much more than the limit; up to it the client is
     * told what is wrong. */
    RECEIVE_MARGIN = 16 << 20,
};

/* A slot that waits already is left alone, for cancelling it could hit its answer instead: the
 * request it may still take is refused. */
static void nng_quiet(front_door *base)
{
    nng_door *door = (nng_door *)base;

    actor_lock_take(&door->lock);
    door->quiet = true;
    actor_lock_give(&door->lock);
}

static void *close_socket(void *arg)
{
    nng_door *door = arg;

    nng_close(door->socket);
    nng__slots_stop(door);
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

    nng__slots_free(door);
    pthread_rwlock_destroy(&door->sending);
    actor_lock_destroy(&door->lock);
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
        (rv = nng_pipe_notify(door->socket, NNG_PIPE_EV_ADD_PRE, nng__pipe_added, door)) == 0 &&
        (rv = nng_pipe_notify(door->socket, NNG_PIPE_EV_REM_POST, nng__pipe_removed, door)) == 0 &&
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
    actor_lock_init(&door->lock);
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
    nng__arm(door);
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
    .client_free = nng__client_free,
    .request_free = nng__request_free,
    .hang_up = nng__hang_up,
    .answer = nng__answer,
};

const front_wire front__nng_ipc = {
    .scheme = "ipc://",
    .open = open_ipc,
    .quiet = nng_quiet,
    .close = nng_close_door,
    .door_free = nng_door_free,
    .client_free = nng__client_free,
    .request_free = nng__request_free,
    .hang_up = nng__hang_up,
    .answer = nng__answer,
};
