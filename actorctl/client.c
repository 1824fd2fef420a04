#include "actorctl/client.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct client {
    nng_socket socket;
};

/* A dial blocks, and NNG has no deadline for it: it runs in a thread of its own, and closing the
 * socket ends it. */
typedef struct dial {
    nng_socket socket;
    const char *url;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished; /* lock */
    int result;    /* lock */
} dial;

const char *client_strerror(client_err err)
{
    static const char *const texts[] = {
        [CLIENT_OK] = "ok",
        [CLIENT_EURL] = "not a URL that can be dialled",
        [CLIENT_ECONNECT] = "nobody listens there",
        [CLIENT_EDENIED] = "the socket's permissions refuse this user",
        [CLIENT_ECLOSED] = "the connection was closed at once",
        [CLIENT_ESILENT] = "the connection was accepted, but nobody speaks",
        [CLIENT_ETIMEOUT] = "no answer in time",
        [CLIENT_ELOST] = "the connection ended before the answer",
        [CLIENT_ENOMEM] = "out of memory",
        [CLIENT_EOTHER] = "the connection failed",
    };
    return (size_t)err < sizeof texts / sizeof *texts ? texts[err] : "unknown error";
}

static client_err client_error(int nng)
{
    switch (nng) {
    case 0:
        return CLIENT_OK;
    case NNG_EINVAL:
    case NNG_ENOTSUP:
        return CLIENT_EURL;
    case NNG_EPERM:
        return CLIENT_EDENIED;
    case NNG_ECONNSHUT:
    case NNG_ECONNRESET:
    case NNG_ECLOSED:
        return CLIENT_ECLOSED;
    case NNG_ETIMEDOUT:
        return CLIENT_ESILENT;
    case NNG_ENOMEM:
        return CLIENT_ENOMEM;
    default:
        return CLIENT_ECONNECT;
    }
}

static void *dial_run(void *arg)
{
    dial *d = arg;
    int result = nng_dial(d->socket, d->url, NULL, 0);
    pthread_mutex_lock(&d->lock);
    d->result = result;
    d->finished = true;
    pthread_cond_signal(&d->done);
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

static struct timespec deadline_in(int timeout_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += timeout_ms / 1000;
    t.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Wait for the thread, or end its dial by closing the socket. True when it finished by itself. */
static bool dial_wait(dial *d, int timeout_ms)
{
    struct timespec until = deadline_in(timeout_ms);
    pthread_mutex_lock(&d->lock);
    while (!d->finished) {
        if (pthread_cond_timedwait(&d->done, &d->lock, &until) == ETIMEDOUT)
            break;
    }
    bool finished = d->finished;
    pthread_mutex_unlock(&d->lock);
    if (!finished)
        nng_close(d->socket);
    return finished;
}

/* NNG's error, or NNG_ETIMEDOUT with the socket closed. */
static int dial_within(nng_socket socket, const char *url, int timeout_ms)
{
    dial d = {.socket = socket, .url = url};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&d.lock, NULL);
    pthread_cond_init(&d.done, &monotonic);
    pthread_condattr_destroy(&monotonic);

    pthread_t thread;
    int result = NNG_ENOMEM;
    if (pthread_create(&thread, NULL, dial_run, &d) == 0) {
        bool finished = dial_wait(&d, timeout_ms);
        pthread_join(thread, NULL);
        result = finished ? d.result : NNG_ETIMEDOUT;
    }
    pthread_cond_destroy(&d.done);
    pthread_mutex_destroy(&d.lock);
    return result;
}

client_err client_open(const char *url, int timeout_ms, client **out, const char **why)
{
    *why = client_strerror(CLIENT_ENOMEM);
    client *c = calloc(1, sizeof *c);
    if (!c)
        return CLIENT_ENOMEM;
    int err = nng_req0_open(&c->socket);
    if (err == 0) {
        err = nng_socket_set_ms(c->socket, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
        /* A list may be longer than what the daemon takes in one message. */
        if (err == 0)
            err = nng_socket_set_size(c->socket, NNG_OPT_RECVMAXSZ, 0);
        if (err == 0)
            err = dial_within(c->socket, url, timeout_ms);
        if (err != 0)
            nng_close(c->socket); /* a second close is harmless */
    }
    if (err != 0) {
        *why = nng_strerror(err);
        free(c);
        return client_error(err);
    }
    *out = c;
    return CLIENT_OK;
}

static client_err call_error(int nng)
{
    switch (nng) {
    case NNG_ETIMEDOUT:
        return CLIENT_ETIMEOUT;
    case NNG_ECONNRESET:
    case NNG_ECLOSED:
    case NNG_ECONNABORTED:
        return CLIENT_ELOST;
    case NNG_ENOMEM:
        return CLIENT_ENOMEM;
    default:
        return CLIENT_EOTHER;
    }
}

client_err client_call(client *c, const char *request, size_t len, int timeout_ms, buf *answer)
{
    nng_duration wait = timeout_ms < 0 ? NNG_DURATION_INFINITE : timeout_ms;
    int err = nng_socket_set_ms(c->socket, NNG_OPT_SENDTIMEO, wait);
    if (err == 0)
        err = nng_socket_set_ms(c->socket, NNG_OPT_RECVTIMEO, wait);
    if (err != 0)
        return call_error(err);

    nng_msg *msg;
    if (nng_msg_alloc(&msg, 0) != 0)
        return CLIENT_ENOMEM;
    err = nng_msg_append(msg, request, len);
    if (err == 0)
        err = nng_sendmsg(c->socket, msg, 0);
    if (err != 0) {
        nng_msg_free(msg);
        return call_error(err);
    }
    err = nng_recvmsg(c->socket, &msg, 0);
    if (err != 0)
        return call_error(err);
    buf_add(answer, nng_msg_body(msg), nng_msg_len(msg));
    nng_msg_free(msg);
    return buf_ok(answer) ? CLIENT_OK : CLIENT_ENOMEM;
}

void client_close(client *c)
{
    if (!c)
        return;
    nng_close(c->socket);
    free(c);
}
