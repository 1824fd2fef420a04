/* Signals come through a signalfd instead of handlers, so they can stay
 * blocked in every thread. Tasks wait in a list under a lock; only the post
 * that finds it empty writes the eventfd, so a burst costs one wake-up. */
#include "daemon/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/thread.h>

#include "daemon/log.h"
#include "libactor/lock.h"

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
enum { HANDLED_SIGNALS = sizeof(handled_signals) / sizeof(handled_signals[0]) };

struct loop {
    struct event_base *base;

    int wake_fd; /* eventfd: tasks wait, or the loop shall break */
    struct event *wake_event;
    actor_lock lock;
    loop_task *first LOCK_GUARDED_BY(lock), *last LOCK_GUARDED_BY(lock); /* both or none */
    size_t waiting LOCK_GUARDED_BY(lock);                                /* tasks in the list */
    atomic_bool breaking;

    int signal_fd;
    struct event *signal_event;
    struct {
        loop_signal_fn fn;
        void *arg;
    } on_signal[HANDLED_SIGNALS];

    _Atomic pthread_t thread; /* inside loop_run(); 0: none */
};

struct loop_timer {
    loop *loop;
    struct event *event;
    loop_fn fn;
    void *arg;
    loop_ms period; /* 0: once */
};

struct loop_watch {
    struct event *event;
    loop_watch_fn fn;
    void *arg;
};

static void handled_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < HANDLED_SIGNALS; i++)
        sigaddset(set, handled_signals[i]);
}

int loop_block_signals(void)
{
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGCHLD, SIG_DFL) == SIG_ERR)
        return errno;
    sigset_t set;
    handled_set(&set);
    return pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* ---- signals ---- */

static void signal_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    loop *l = arg;
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        for (size_t i = 0; i < HANDLED_SIGNALS; i++)
            if (handled_signals[i] == (int)info.ssi_signo && l->on_signal[i].fn != NULL)
                l->on_signal[i].fn((int)info.ssi_signo, l->on_signal[i].arg);
    }
}

int loop_on_signal(loop *l, int signo, loop_signal_fn fn, void *arg)
{
    for (size_t i = 0; i < HANDLED_SIGNALS; i++) {
        if (handled_signals[i] == signo) {
            l->on_signal[i].fn = fn;
            l->on_signal[i].arg = arg;
            return 0;
        }
    }
    return EINVAL;
}

/* ---- tasks ---- */

void loop_task_init(loop_task *t, loop_fn fn, void *arg)
{
    *t = (loop_task){.fn = fn, .arg = arg};
}

/* Can't fail: the counter would have to overflow, and a full one is readable. */
static void wake(loop *l)
{
    const uint64_t one = 1;
    ssize_t n;
    do
        n = write(l->wake_fd, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
}

void loop_post_task(loop *l, loop_task *t)
{
    actor_lock_take(&l->lock);
    bool was_empty = l->first == NULL;
    if (!t->waiting) {
        t->waiting = true;
        t->next = NULL;
        if (was_empty)
            l->first = t;
        else
            l->last->next = t;
        l->last = t;
        l->waiting++;
    }
    actor_lock_give(&l->lock);
    if (was_empty)
        wake(l);
}

bool loop_cancel_task(loop *l, loop_task *t)
{
    actor_lock_take(&l->lock);
    bool waited = t->waiting;
    if (waited) {
        loop_task *before = NULL;
        for (loop_task *i = l->first; i != t; i = i->next)
            before = i;
        if (before != NULL)
            before->next = t->next;
        else
            l->first = t->next;
        if (l->last == t)
            l->last = before;
        l->waiting--;
        t->waiting = false;
    }
    actor_lock_give(&l->lock);
    return waited;
}

typedef struct posted_call {
    loop_task task;
    loop_fn fn;
    void *arg;
} posted_call;

static void posted_call_run(void *arg)
{
    posted_call call = *(posted_call *)arg;
    free(arg);
    call.fn(call.arg);
}

int loop_post(loop *l, loop_fn fn, void *arg)
{
    posted_call *call = malloc(sizeof(*call));
    if (call == NULL)
        return ENOMEM;
    call->fn = fn;
    call->arg = arg;
    loop_task_init(&call->task, posted_call_run, call);
    loop_post_task(l, &call->task);
    return 0;
}

static loop_task *take_task(loop *l)
{
    actor_lock_take(&l->lock);
    loop_task *t = l->first;
    if (t != NULL) {
        l->first = t->next;
        if (l->first == NULL)
            l->last = NULL;
        l->waiting--;
        t->waiting = false;
    }
    actor_lock_give(&l->lock);
    return t;
}

/* Runs what waited at the wake-up, and not what these tasks post in turn, or a
 * task that posts itself would keep the descriptors from being looked at. */
static void woken(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    loop *l = arg;
    uint64_t count;
    ssize_t n = read(fd, &count, sizeof(count));
    (void)n; /* EAGAIN at worst */
    /* Before looking at the list, so that it holds all that was posted before
     * the break; a break that comes later wakes again. */
    bool breaking = atomic_load(&l->breaking);

    actor_lock_take(&l->lock);
    size_t todo = l->waiting;
    actor_lock_give(&l->lock);
    for (; todo > 0; todo--) {
        loop_task *t = take_task(l);
        if (t == NULL)
            break;     /* some were cancelled */
        t->fn(t->arg); /* which may free it or post it again */
    }

    actor_lock_take(&l->lock);
    bool more = l->first != NULL;
    actor_lock_give(&l->lock);
    if (more)
        wake(l);
    if (breaking)
        event_base_loopbreak(l->base);
}

/* ---- the loop ---- */

static void libevent_says(int severity, const char *text)
{
    static const log_level levels[] = {
        [EVENT_LOG_DEBUG] = LOG_LEVEL_DEBUG,
        [EVENT_LOG_MSG] = LOG_LEVEL_INFO,
        [EVENT_LOG_WARN] = LOG_LEVEL_WARN,
        [EVENT_LOG_ERR] = LOG_LEVEL_ERROR,
    };
    log_write(levels[severity], "libevent", LOG_NO_FIELDS, "%s", text);
}

static int make_base(loop *l)
{
    event_set_log_callback(libevent_says);
    if (evthread_use_pthreads() != 0)
        return ENOMEM;
    struct event_config *config = event_config_new();
    if (config == NULL)
        return ENOMEM;
    int err = 0;
    /* The coarse clock would make timers late by up to 4 ms, the cached time
     * makes one early that is started in a long callback. */
    const int flags =
        EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NO_CACHE_TIME | EVENT_BASE_FLAG_IGNORE_ENV;
    if (event_config_require_features(config, EV_FEATURE_ET) != 0 ||
        event_config_set_flag(config, flags) != 0)
        err = ENOSYS;
    if (err == 0) {
        errno = 0;
        l->base = event_base_new_with_config(config);
        if (l->base == NULL)
            err = errno != 0 ? errno : ENOMEM;
    }
    event_config_free(config);
    return err;
}

static int add_reader(loop *l, int fd, event_callback_fn fn, struct event **out)
{
    *out = event_new(l->base, fd, EV_READ | EV_PERSIST, fn, l);
    return *out != NULL && event_add(*out, NULL) == 0 ? 0 : ENOMEM;
}

static int open_descriptors(loop *l)
{
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->wake_fd < 0)
        return errno;
    sigset_t set;
    handled_set(&set);
    l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (l->signal_fd < 0)
        return errno;
    int err = add_reader(l, l->wake_fd, woken, &l->wake_event);
    return err != 0 ? err : add_reader(l, l->signal_fd, signal_readable, &l->signal_event);
}

int loop_create(loop **out)
{
    loop *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return ENOMEM;
    l->wake_fd = l->signal_fd = -1;
    actor_lock_init(&l->lock);
    int err = make_base(l);
    if (err == 0)
        err = open_descriptors(l);
    if (err != 0) {
        loop_destroy(l);
        return err;
    }
    *out = l;
    return 0;
}

void loop_destroy(loop *l)
{
    if (l == NULL)
        return;
    for (loop_task *t = take_task(l); t != NULL; t = take_task(l))
        if (t->fn == posted_call_run)
            free(t->arg);
    if (l->wake_event != NULL)
        event_free(l->wake_event);
    if (l->signal_event != NULL)
        event_free(l->signal_event);
    if (l->base != NULL)
        event_base_free(l->base);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    if (l->signal_fd >= 0)
        close(l->signal_fd);
    actor_lock_destroy(&l->lock);
    free(l);
}

int loop_run(loop *l)
{
    atomic_store(&l->thread, pthread_self());
    int result = event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
    atomic_store(&l->thread, 0);
    atomic_store(&l->breaking, false);
    return result < 0 ? EIO : 0;
}

void loop_break(loop *l)
{
    atomic_store(&l->breaking, true);
    wake(l);
}

bool loop_is_current(const loop *l)
{
    return pthread_equal(atomic_load(&l->thread), pthread_self());
}

/* ---- timers ---- */

static struct timeval to_timeval(loop_ms ms)
{
    return (struct timeval){.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

static void timer_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    loop_timer *t = arg;
    /* Armed before the call, since fn may stop or free the timer. That can
     * only fail for a timer that libevent doesn't hold yet; it holds this one. */
    if (t->period != 0) {
        struct timeval tv = to_timeval(t->period);
        (void)event_add(t->event, &tv);
    }
    t->fn(t->arg);
}

int loop_timer_create(loop *l, loop_fn fn, void *arg, loop_timer **out)
{
    loop_timer *t = malloc(sizeof(*t));
    if (t == NULL)
        return ENOMEM;
    *t = (loop_timer){.loop = l, .fn = fn, .arg = arg};
    t->event = evtimer_new(l->base, timer_due, t);
    if (t->event == NULL) {
        free(t);
        return ENOMEM;
    }
    *out = t;
    return 0;
}

int loop_timer_start(loop_timer *t, loop_ms delay, loop_ms period)
{
    struct timeval tv = to_timeval(delay);
    t->period = period;
    return event_add(t->event, &tv) == 0 ? 0 : ENOMEM;
}

void loop_timer_stop(loop_timer *t)
{
    t->period = 0;
    event_del(t->event);
}

void loop_timer_free(loop_timer *t)
{
    if (t == NULL)
        return;
    event_free(t->event);
    free(t);
}

/* ---- descriptors ---- */

static void watch_ready(evutil_socket_t fd, short what, void *arg)
{
    const loop_watch *w = arg;
    w->fn((int)fd, ((what & EV_READ) ? LOOP_READ : 0u) | ((what & EV_WRITE) ? LOOP_WRITE : 0u),
          w->arg);
}

int loop_watch_create(loop *l, int fd, unsigned what, loop_watch_fn fn, void *arg, loop_watch **out)
{
    loop_watch *w = malloc(sizeof(*w));
    if (w == NULL)
        return ENOMEM;
    *w = (loop_watch){.fn = fn, .arg = arg};
    short events = (short)(EV_PERSIST | ((what & LOOP_READ) ? EV_READ : 0) |
                           ((what & LOOP_WRITE) ? EV_WRITE : 0) | ((what & LOOP_EDGE) ? EV_ET : 0));
    w->event = event_new(l->base, fd, events, watch_ready, w);
    errno = 0;
    if (w->event == NULL || event_add(w->event, NULL) != 0) {
        int err = errno != 0 ? errno : ENOMEM;
        if (w->event != NULL)
            event_free(w->event);
        free(w);
        return err;
    }
    *out = w;
    return 0;
}

void loop_watch_free(loop_watch *w)
{
    if (w == NULL)
        return;
    event_free(w->event);
    free(w);
}
