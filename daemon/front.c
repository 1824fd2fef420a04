/* The front and its doors: what all wires have in common. */
#include "daemon/front.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/front_core.h"

enum {
    DEFAULT_MESSAGE = 1 << 20,
    DEFAULT_IN_FLIGHT = 64,
    DEFAULT_CLIENTS = 1024,
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

/* ---- the front ---- */

void front_set_limits(front *f, const front_limits *limits)
{
    atomic_store(&f->message_limit, limits->message ? limits->message : DEFAULT_MESSAGE);
    atomic_store(&f->in_flight_limit,
                 limits->in_flight_per_client ? limits->in_flight_per_client : DEFAULT_IN_FLIGHT);
    atomic_store(&f->clients_limit, limits->clients ? limits->clients : DEFAULT_CLIENTS);
}

size_t front__message_limit(front *f)
{
    return atomic_load(&f->message_limit);
}

unsigned front__in_flight_limit(front *f)
{
    return atomic_load(&f->in_flight_limit);
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
    actor_lock_init(&f->lock);
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
    actor_lock_destroy(&f->lock);
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

void front__overrun(front *f)
{
    atomic_fetch_add(&f->overrun, 1);
}

void front__sent(front_client *client)
{
    front *f = client->door->front;

    if (atomic_fetch_sub(&f->due, 1) != 1 || !atomic_load(&f->quiet))
        return;
    actor_lock_take(&f->lock);
    pthread_cond_broadcast(&f->settled);
    actor_lock_give(&f->lock);
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
    actor_lock_take(&f->lock);
    while (atomic_load(&f->due) > 0 && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&f->settled, &f->lock.mutex, &until);
    actor_lock_give(&f->lock);
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
