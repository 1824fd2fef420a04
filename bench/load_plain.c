/* Clients on bare sockets: what remains of the time when the client costs next to nothing.
 *
 * The wire: a greeting of eight bytes each way, then messages: 1, the length in eight bytes, four
 * bytes of request id with the highest bit set, the body. All requests here have the same id.
 */
#include "bench/load.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { GREETING = 8, HEAD = 9, TRACE = 4, ANSWER_MS = 10000, READ_ROOM = 1 << 16 };

typedef struct wire {
    int fd;
    unsigned owed; /* requests without an answer */
    size_t have;   /* bytes in `in` */
    char in[READ_ROOM];
} wire;

typedef struct frames {
    const load *load;
    size_t request_size, answer_size;
    char *requests; /* `window` of them, one after the other */
    char *answer;   /* one, as it comes */
} frames;

static bool failed(const char *what)
{
    fprintf(stderr, "bench: plain socket: %s: %s\n", what, strerror(errno));
    return false;
}

static size_t put_frame(char *to, const char *body, size_t len)
{
    static const char trace[TRACE] = {(char)0x80, 0, 0, 1};
    uint64_t left = len + TRACE;
    to[0] = 1;
    for (int i = HEAD - 1; i > 0; i--, left >>= 8)
        to[i] = (char)(left & 0xff);
    memcpy(to + HEAD, trace, TRACE);
    memcpy(to + HEAD + TRACE, body, len);
    return HEAD + TRACE + len;
}

static bool frames_make(frames *f, const load *l)
{
    f->load = l;
    f->request_size = HEAD + TRACE + l->request_len;
    f->answer_size = HEAD + TRACE + l->answer_len;
    f->requests = malloc(l->window * f->request_size);
    f->answer = malloc(f->answer_size);
    if (!f->requests || !f->answer)
        return failed("requests");
    for (unsigned i = 0; i < l->window; i++)
        put_frame(f->requests + i * f->request_size, l->request, l->request_len);
    put_frame(f->answer, l->answer, l->answer_len);
    return true;
}

static bool greet(int fd)
{
    static const char ours[GREETING] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};
    static const char theirs[GREETING] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
    char got[GREETING];
    return send(fd, ours, sizeof ours, MSG_NOSIGNAL) == (ssize_t)sizeof ours &&
           recv(fd, got, sizeof got, MSG_WAITALL) == (ssize_t)sizeof got &&
           memcmp(got, theirs, sizeof got) == 0;
}

static bool wire_open(wire *w, const char *url)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", url + strlen("ipc://"));
    w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        !greet(w->fd))
        return failed("connect");
    return true;
}

static bool wire_send(wire *w, const frames *f, unsigned count)
{
    const char *at = f->requests;
    size_t left = count * f->request_size;
    w->owed += count;
    while (left > 0) {
        ssize_t n = send(w->fd, at, left, MSG_NOSIGNAL);
        if (n < 0)
            return failed("send");
        at += n;
        left -= (size_t)n;
    }
    return true;
}

/* Take what has come. Returns the number of answers, -1 for a wrong one or an end. */
static int wire_receive(wire *w, const frames *f)
{
    ssize_t n = recv(w->fd, w->in + w->have, sizeof w->in - w->have, 0);
    int answers = 0;
    if (n <= 0) {
        failed("receive");
        return -1;
    }
    w->have += (size_t)n;
    const char *at = w->in;
    for (; w->have >= f->answer_size; at += f->answer_size, w->have -= f->answer_size) {
        if (memcmp(at, f->answer, f->answer_size) != 0) {
            fprintf(stderr, "bench: wrong answer: %.*s\n", (int)f->answer_size, at);
            return -1;
        }
        answers++;
    }
    memmove(w->in, at, w->have);
    w->owed -= (unsigned)answers;
    return answers;
}

/* Answers come; each makes room for one more request, until the time is over. */
static bool exchange(wire *wires, struct pollfd *polls, const frames *f, load_result *r)
{
    const load *l = f->load;
    int64_t begin = bench_now(), end = begin + (int64_t)(l->seconds * 1e9), now = begin;
    bool ok = true;
    unsigned owing = l->clients;
    for (unsigned i = 0; ok && i < l->clients; i++)
        ok = wire_send(&wires[i], f, l->window);
    while (ok && owing > 0) {
        int64_t before = now;
        if (l->clients > 1 && poll(polls, l->clients, ANSWER_MS) <= 0)
            return failed("no answer");
        for (unsigned i = 0; ok && i < l->clients; i++) {
            if (l->clients > 1 && polls[i].revents == 0)
                continue;
            int answers = wire_receive(&wires[i], f);
            ok = answers >= 0;
            r->jobs += ok ? answers : 0;
            now = bench_now();
            if (ok && now < end)
                ok = wire_send(&wires[i], f, (unsigned)answers);
            else if (ok && wires[i].owed == 0)
                owing--;
        }
        if (ok && l->clients * l->window == 1)
            ok = series_add(&r->times, (double)(now - before) / 1000);
    }
    r->seconds = (double)(now - begin) / 1e9;
    return ok;
}

bool load_plain(const load *l, load_result *r)
{
    frames f = {0};
    wire *wires = calloc(l->clients, sizeof *wires);
    struct pollfd *polls = calloc(l->clients, sizeof *polls);
    unsigned opened = 0;
    *r = (load_result){0};
    bool ok = wires && polls && frames_make(&f, l);
    for (; ok && opened < l->clients; opened++) {
        ok = wire_open(&wires[opened], l->url);
        polls[opened] = (struct pollfd){.fd = wires[opened].fd, .events = POLLIN};
    }
    if (ok)
        ok = exchange(wires, polls, &f, r);
    for (unsigned i = 0; i < opened; i++)
        if (wires[i].fd >= 0)
            close(wires[i].fd);
    free(f.requests);
    free(f.answer);
    free(polls);
    free(wires);
    return ok;
}
