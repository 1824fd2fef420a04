/* A listener and its loop. */
#include "daemon/front_sp.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    ORDER_QUIET = 1,
    ORDER_CLOSE = 2,
    BACKLOG = 128,
    EVENTS = 64,
    ACCEPT_REST_MS = 100,
    STRANGERS_MAX = 1024, /* connections without a greeting yet */
    STRANGERS_SHARE = 8,  /* they get at most this part of the descriptors */
    DEFAULT_MODE = 0600,
};

/* ---- the loop ---- */

static void watch_listener(sp_door *door, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = door};

    epoll_ctl(door->epoll, EPOLL_CTL_MOD, door->listener, &event);
}

/* Without a free descriptor the listener stays readable: let it rest, or this loop would spin. */
static void rest(sp_door *door)
{
    door->accept_at = sp__now() + ACCEPT_REST_MS;
    watch_listener(door, false);
}

static void accept_clients(sp_door *door)
{
    for (int i = 0; i < EVENTS && !door->quiet; i++) {
        /* cppcheck-suppress nullPointer; accept takes NULL for an address nobody asks for */
        int fd = accept4(door->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                rest(door);
            return;
        }
        if (door->strangers >= door->strangers_max || sp__conn_new(door, fd) == NULL)
            close(fd);
    }
}

/* Close those that haven't greeted in time. Returns how long to wait for the next one, -1: for
 * ever. */
static int sweep(sp_door *door)
{
    int64_t now = sp__now();
    int64_t next = INT64_MAX;
    sp_conn *following;

    for (sp_conn *conn = door->strangers > 0 ? door->conns : NULL; conn != NULL; conn = following) {
        following = conn->next;
        if (conn->greeted)
            continue;
        if (conn->greet_until <= now)
            sp__conn_close(conn);
        else if (conn->greet_until < next)
            next = conn->greet_until;
    }
    if (door->accept_at != 0 && door->accept_at <= now) {
        door->accept_at = 0;
        watch_listener(door, !door->quiet);
    } else if (door->accept_at != 0 && door->accept_at < next) {
        next = door->accept_at;
    }
    return next == INT64_MAX ? -1 : (int)(next - now);
}

/* Returns false for the order to close. */
static bool obey(sp_door *door)
{
    unsigned orders;
    uint64_t count;

    /* In this order: an order that comes in between wakes us again. */
    if (read(door->wake, &count, sizeof count) < 0 && errno != EAGAIN)
        return false;
    orders = atomic_load(&door->orders);
    if ((orders & ORDER_QUIET) != 0 && !door->quiet) {
        door->quiet = true;
        watch_listener(door, false);
        for (sp_conn *conn = door->conns; conn != NULL; conn = conn->next)
            sp__conn_quiet(conn);
    }
    return (orders & ORDER_CLOSE) == 0;
}

static void *loop(void *arg)
{
    sp_door *door = arg;
    struct epoll_event events[EVENTS];
    bool open = true;

    while (open) {
        int n = epoll_wait(door->epoll, events, EVENTS, sweep(door));

        for (int i = 0; i < n; i++) {
            void *what = events[i].data.ptr;

            if (what == &door->wake)
                open = obey(door) && open;
            else if (what == door)
                accept_clients(door);
            else if (!sp__conn_ready(what, events[i].events))
                sp__conn_close(what);
        }
    }
    while (door->conns != NULL)
        sp__conn_close(door->conns);
    return NULL;
}

/* ---- the wire ---- */

static void order(sp_door *door, unsigned what)
{
    uint64_t one = 1;

    atomic_fetch_or(&door->orders, what);
    while (write(door->wake, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

static void sp_quiet(front_door *base)
{
    order((sp_door *)base, ORDER_QUIET);
}

static void sp_close(front_door *base)
{
    sp_door *door = (sp_door *)base;

    order(door, ORDER_CLOSE);
    pthread_join(door->thread, NULL);
    close(door->listener);
    door->listener = -1;
    front__path_release(&door->path);
}

static void close_all(sp_door *door)
{
    const int fds[] = {door->listener, door->epoll, door->wake};

    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

static void sp_door_free(front_door *base)
{
    sp_door *door = (sp_door *)base;

    close_all(door);
    front__door_fini(base);
    free(door);
}

static front_err failed(const sp_door *door, const char *what, char *text)
{
    front_err err = errno == EACCES || errno == EPERM ? FRONT_EDENIED : FRONT_ESYSTEM;

    return front__fail(text, err, "cannot listen on %s: %s: %s", door->base.url, what,
                       strerror(errno));
}

/* Bind with a mode that lets nobody else in, whatever the umask; open up before listening. */
static front_err bind_path(sp_door *door, const front_listener *listener, char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    front_err err = front__path_take(&door->path, door->base.url + strlen(front__ipc.scheme), text);

    if (err != FRONT_OK)
        return err;
    door->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (door->listener < 0)
        return failed(door, "socket", text);
    memcpy(address.sun_path, door->path.path, strlen(door->path.path) + 1);
    if (fchmod(door->listener, S_IRUSR | S_IWUSR) != 0 ||
        bind(door->listener, (struct sockaddr *)&address, sizeof address) != 0)
        return failed(door, "bind", text);
    door->path.bound = true;
    err = front__path_permit(&door->path, listener->mode != 0 ? listener->mode : DEFAULT_MODE,
                             listener->group, text);
    if (err != FRONT_OK)
        return err;
    if (listen(door->listener, BACKLOG) != 0)
        return failed(door, "listen", text);
    return FRONT_OK;
}

static front_err bind_port(sp_door *door, char *text)
{
    char *bound;
    front_err err = front__tcp_listen(door->base.url, &door->listener, &bound, text);

    if (err == FRONT_OK) {
        free(door->base.url);
        door->base.url = bound;
    }
    return err;
}

static front_err start_loop(sp_door *door, char *text)
{
    struct epoll_event accepting = {.events = EPOLLIN, .data.ptr = door};
    struct epoll_event waking = {.events = EPOLLIN, .data.ptr = &door->wake};
    sigset_t all;
    sigset_t before;
    int rc;

    door->epoll = epoll_create1(EPOLL_CLOEXEC);
    door->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (door->epoll < 0 || door->wake < 0 ||
        epoll_ctl(door->epoll, EPOLL_CTL_ADD, door->listener, &accepting) != 0 ||
        epoll_ctl(door->epoll, EPOLL_CTL_ADD, door->wake, &waking) != 0)
        return failed(door, "epoll", text);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&door->thread, NULL, loop, door);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        errno = rc;
        return failed(door, "thread", text);
    }
    pthread_setname_np(door->thread, "front-sp");
    return FRONT_OK;
}

static unsigned strangers_max(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur / STRANGERS_SHARE > STRANGERS_MAX)
        return STRANGERS_MAX;
    return (unsigned)(files.rlim_cur / STRANGERS_SHARE);
}

static front_err open_door(front *f, const front_wire *wire, const front_listener *listener,
                           front_door **out, char *text)
{
    sp_door *door = calloc(1, sizeof *door);
    bool ipc = wire == &front__ipc;
    front_err err;

    if (door == NULL || !front__door_init(&door->base, f, wire, listener)) {
        free(door);
        return front__fail(text, FRONT_ENOMEM, "cannot listen on %s: out of memory", listener->url);
    }
    door->listener = door->epoll = door->wake = -1;
    door->path.lock = -1;
    door->strangers_max = strangers_max();
    door->head_size = ipc ? SP_HEAD : SP_HEAD - 1;
    err = ipc ? bind_path(door, listener, text) : bind_port(door, text);
    if (err == FRONT_OK)
        err = start_loop(door, text);
    if (err != FRONT_OK) {
        front__path_release(&door->path);
        sp_door_free(&door->base);
        return err;
    }
    *out = &door->base;
    return FRONT_OK;
}

static front_err open_ipc(front *f, const front_listener *listener, front_door **out, char *text)
{
    return open_door(f, &front__ipc, listener, out, text);
}

static front_err open_tcp(front *f, const front_listener *listener, front_door **out, char *text)
{
    return open_door(f, &front__tcp, listener, out, text);
}

const front_wire front__ipc = {
    .scheme = "ipc://",
    .open = open_ipc,
    .quiet = sp_quiet,
    .close = sp_close,
    .door_free = sp_door_free,
    .client_free = sp__client_free,
    .request_free = sp__request_free,
    .hang_up = sp__hang_up,
    .answer = sp__answer,
    .answer_all = sp__answer_all,
};

const front_wire front__tcp = {
    .scheme = "tcp://",
    .open = open_tcp,
    .quiet = sp_quiet,
    .close = sp_close,
    .door_free = sp_door_free,
    .client_free = sp__client_free,
    .request_free = sp__request_free,
    .hang_up = sp__hang_up,
    .answer = sp__answer,
    .answer_all = sp__answer_all,
};
