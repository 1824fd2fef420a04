#include "daemon/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "daemon/log.h"

enum { STATUS_MAX = 256 };

struct notify_watchdog {
    loop_timer *timer;
    notify_progress_fn progress;
    void *arg;
    uint64_t last;
    bool stalled; /* said so in the log */
};

/* The socket's variable stays: the manager is told until the end. */
static void say(const char *state)
{
    int result = sd_notify(0, state);
    if (result < 0)
        log_warn("notify", "cannot tell the service manager: %s", strerror(-result));
}

void notify_ready(void)
{
    say("READY=1");
}

/* The time pairs with the READY=1 that ends the reload, for Type=notify-reload. */
void notify_reloading(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    char state[64];
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    say(state);
}

void notify_stopping(void)
{
    say("STOPPING=1");
}

void notify_status(const char *fmt, ...)
{
    char state[sizeof("STATUS=") + STATUS_MAX] = "STATUS=";
    size_t head = strlen(state);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(state + head, sizeof(state) - head, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    /* What follows a line feed would be another assignment. */
    for (char *c = state + head; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
    say(state);
}

static void watchdog_due(void *arg)
{
    notify_watchdog *w = arg;
    uint64_t now = w->progress(w->arg);
    bool moved = now != w->last;
    w->last = now;
    if (moved)
        say("WATCHDOG=1");
    if (moved == w->stalled)
        log_write(moved ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "notify", LOG_NO_FIELDS, "%s",
                  moved ? "the scheduler makes progress again"
                        : "the scheduler makes no progress: the watchdog is left to bite");
    w->stalled = !moved;
}

int notify_watchdog_start(loop *l, notify_progress_fn progress, void *arg, notify_watchdog **out)
{
    uint64_t interval_us;
    if (sd_watchdog_enabled(0, &interval_us) <= 0) {
        *out = NULL;
        return 0;
    }
    notify_watchdog *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return ENOMEM;
    w->progress = progress;
    w->arg = arg;
    w->last = progress(arg);
    loop_ms half = interval_us / 2000 > 0 ? interval_us / 2000 : 1;
    int err = loop_timer_create(l, watchdog_due, w, &w->timer);
    if (err == 0)
        err = loop_timer_start(w->timer, half, half);
    if (err != 0) {
        notify_watchdog_free(w);
        return err;
    }
    *out = w;
    return 0;
}

void notify_watchdog_free(notify_watchdog *w)
{
    if (w == NULL)
        return;
    loop_timer_free(w->timer);
    free(w);
}
