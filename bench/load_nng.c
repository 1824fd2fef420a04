/* Clients by NNG: window 1 with the blocking calls, as most programs do it, more with contexts. */
#include "bench/load.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ANSWER_MS = 10000 };

static bool failed(const char *what, int rv)
{
    fprintf(stderr, "bench: %s: %s\n", what, nng_strerror(rv));
    return false;
}

static bool connect_to(const char *url, nng_socket *socket)
{
    int rv = nng_req0_open(socket);
    if (rv)
        return failed("socket", rv);
    if ((rv = nng_socket_set_ms(*socket, NNG_OPT_RECVTIMEO, ANSWER_MS)) ||
        (rv = nng_dial(*socket, url, NULL, 0))) {
        nng_close(*socket);
        return failed(url, rv);
    }
    return true;
}

static bool is_answer(const load *l, nng_msg *msg)
{
    return nng_msg_len(msg) == l->answer_len &&
           memcmp(nng_msg_body(msg), l->answer, l->answer_len) == 0;
}

static bool wrong_answer(nng_msg *msg)
{
    fprintf(stderr, "bench: wrong answer: %.*s\n", (int)nng_msg_len(msg),
            (const char *)nng_msg_body(msg));
    return false;
}

static int request_of(const load *l, nng_msg **out)
{
    int rv = nng_msg_alloc(out, l->request_len);
    if (rv == 0)
        memcpy(nng_msg_body(*out), l->request, l->request_len);
    return rv;
}

/* ---- one by one ---- */

static bool ask(const load *l, nng_socket socket)
{
    nng_msg *msg;
    int rv = request_of(l, &msg);
    if (rv)
        return failed("request", rv);
    if ((rv = nng_sendmsg(socket, msg, 0))) {
        nng_msg_free(msg);
        return failed("send", rv);
    }
    if ((rv = nng_recvmsg(socket, &msg, 0)))
        return failed("receive", rv);
    bool right = is_answer(l, msg) || wrong_answer(msg);
    nng_msg_free(msg);
    return right;
}

static bool one_by_one(const load *l, load_result *r)
{
    nng_socket socket;
    if (!connect_to(l->url, &socket))
        return false;
    bool ok = ask(l, socket); /* the first one also connects */
    int64_t begin = bench_now(), end = begin + (int64_t)(l->seconds * 1e9), at = begin;
    while (ok && at < end) {
        ok = ask(l, socket);
        int64_t now = bench_now();
        ok = ok && series_add(&r->times, (double)(now - at) / 1000);
        at = now;
    }
    r->jobs = (double)r->times.count;
    r->seconds = (double)(at - begin) / 1e9;
    nng_close(socket);
    return ok;
}

/* ---- many at a time ---- */

typedef struct crowd {
    const load *load;
    atomic_bool stop, wrong;
    pthread_mutex_t lock;
    pthread_cond_t settled;
    unsigned running; /* lanes; under the lock */
} crowd;

/* A context and the one request it has under way. */
typedef struct lane {
    crowd *crowd;
    nng_ctx context;
    nng_aio *aio;
    bool receiving, open;
    size_t jobs; /* of its callback until it has ended */
} lane;

static void lane_ends(lane *a, bool wrong)
{
    crowd *c = a->crowd;
    if (wrong) {
        atomic_store(&c->wrong, true);
        atomic_store(&c->stop, true);
    }
    pthread_mutex_lock(&c->lock);
    if (--c->running == 0)
        pthread_cond_signal(&c->settled);
    pthread_mutex_unlock(&c->lock);
}

static void lane_send(lane *a)
{
    nng_msg *msg;
    if (request_of(a->crowd->load, &msg)) {
        lane_ends(a, true);
        return;
    }
    a->receiving = false;
    nng_aio_set_msg(a->aio, msg);
    nng_ctx_send(a->context, a->aio);
}

static void lane_step(void *arg)
{
    lane *a = arg;
    int rv = nng_aio_result(a->aio);
    if (rv) {
        if (!a->receiving)
            nng_msg_free(nng_aio_get_msg(a->aio));
        failed(a->receiving ? "receive" : "send", rv);
        lane_ends(a, true);
        return;
    }
    if (!a->receiving) {
        a->receiving = true;
        nng_ctx_recv(a->context, a->aio);
        return;
    }
    nng_msg *msg = nng_aio_get_msg(a->aio);
    bool right = is_answer(a->crowd->load, msg) || wrong_answer(msg);
    nng_msg_free(msg);
    a->jobs++;
    if (!right || atomic_load(&a->crowd->stop))
        lane_ends(a, !right);
    else
        lane_send(a);
}

static bool lane_open(lane *a, crowd *c, nng_socket socket)
{
    int rv = nng_ctx_open(&a->context, socket);
    if (rv)
        return failed("context", rv);
    if ((rv = nng_aio_alloc(&a->aio, lane_step, a))) {
        nng_ctx_close(a->context);
        return failed("context", rv);
    }
    nng_aio_set_timeout(a->aio, ANSWER_MS);
    a->crowd = c;
    a->open = true;
    return true;
}

/* Let them run for the time, then until the last answer. */
static void run_crowd(crowd *c, lane *lanes, load_result *r)
{
    struct timespec time = {.tv_sec = (time_t)c->load->seconds};
    time.tv_nsec = (long)((c->load->seconds - (double)time.tv_sec) * 1e9);
    unsigned count = c->running;
    int64_t begin = bench_now();
    for (unsigned i = 0; i < count; i++)
        lane_send(&lanes[i]);
    nanosleep(&time, NULL); /* the length of the measurement */
    atomic_store(&c->stop, true);
    pthread_mutex_lock(&c->lock);
    while (c->running > 0)
        pthread_cond_wait(&c->settled, &c->lock);
    pthread_mutex_unlock(&c->lock);
    r->seconds = (double)(bench_now() - begin) / 1e9;
    for (unsigned i = 0; i < count; i++)
        r->jobs += (double)lanes[i].jobs;
}

static bool many(const load *l, load_result *r)
{
    crowd c = {.load = l, .running = l->clients * l->window};
    nng_socket *sockets = calloc(l->clients, sizeof *sockets);
    lane *lanes = calloc(c.running, sizeof *lanes);
    unsigned count = c.running, connected = 0;
    bool ok = sockets && lanes;
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.settled, NULL);
    for (; ok && connected < l->clients; connected += ok)
        ok = connect_to(l->url, &sockets[connected]);
    for (unsigned i = 0; ok && i < count; i++)
        ok = lane_open(&lanes[i], &c, sockets[i / l->window]);
    if (ok)
        run_crowd(&c, lanes, r);
    for (unsigned i = 0; i < connected; i++)
        nng_close(sockets[i]);
    for (unsigned i = 0; lanes && i < count && lanes[i].open; i++)
        nng_aio_free(lanes[i].aio);
    pthread_cond_destroy(&c.settled);
    pthread_mutex_destroy(&c.lock);
    free(lanes);
    free(sockets);
    return ok && !atomic_load(&c.wrong);
}

bool load_nng(const load *l, load_result *r)
{
    *r = (load_result){0};
    return l->clients == 1 && l->window == 1 ? one_by_one(l, r) : many(l, r);
}
