#include "actorctl/watch.h"

#include "config/units.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_INTERVAL "1s"

/* Every frame is written as a whole, so there is nothing to clean up. */
static void end(int signal_number)
{
    (void)signal_number;
    _exit(EXIT_OK);
}

static ctl_exit read_interval(const ctl *c, struct timespec *every)
{
    const char *text = c->opt.value[OPT_WATCH];
    int64_t us;
    units_err err = config_parse_duration(*text ? text : DEFAULT_INTERVAL, &us);
    if (err != UNITS_OK || us < 1000)
        return ctl_fail(c, EXIT_USAGE, NULL, "--watch '%s' %s", text,
                        err != UNITS_OK ? units_strerror(UNITS_DURATION, err) : "is too short");
    every->tv_sec = (time_t)(us / 1000000);
    every->tv_nsec = (long)(us % 1000000) * 1000;
    return EXIT_OK;
}

/* The frame at the screen's top, each line cleared behind its text, and everything below it. */
static void place_on_screen(buf *frame)
{
    buf placed = {0};
    buf_puts(&placed, "\033[H");
    for (size_t at = 0; at < frame->len;) {
        const char *line = frame->at + at;
        const char *feed = memchr(line, '\n', frame->len - at);
        size_t len = feed ? (size_t)(feed - line) : frame->len - at;
        buf_add(&placed, line, len);
        buf_puts(&placed, "\033[K\n");
        at += len + 1;
    }
    buf_puts(&placed, "\033[J");
    buf_free(frame);
    *frame = placed;
}

static void add_seconds(struct timespec *t, const struct timespec *more)
{
    t->tv_sec += more->tv_sec;
    t->tv_nsec += more->tv_nsec;
    if (t->tv_nsec >= 1000000000) {
        t->tv_sec++;
        t->tv_nsec -= 1000000000;
    }
}

ctl_exit watch_run(ctl *c, ctl_exit (*flush)(ctl *c, ctl_exit status))
{
    struct timespec every = {0};
    ctl_exit status = read_interval(c, &every);
    if (status != EXIT_OK)
        return status;
    struct sigaction action = {.sa_handler = end};
    if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
        return ctl_fail(c, EXIT_FAILED, NULL, "cannot catch signals: %s", strerror(errno));
    bool terminal = isatty(STDOUT_FILENO);
    bool first = true;
    for (;;) {
        struct timespec next;
        clock_gettime(CLOCK_MONOTONIC, &next);
        add_seconds(&next, &every);
        c->look = look_at(STDOUT_FILENO); /* the window may have changed */
        status = c->verb->run(c);
        bool gone = status == EXIT_TIMED_OUT || status == EXIT_NO_CONNECT;
        if (status != EXIT_OK && status != EXIT_UNHEALTHY && !(gone && !first))
            return status; /* a daemon that was there may come back */
        if (terminal) {
            place_on_screen(&c->out);
        } else if (!first && !ctl_has(c, OPT_JSON) && !ctl_has(c, OPT_OUTPUT)) {
            buf block = {0};
            buf_puts(&block, "\n");
            buf_add(&block, c->out.at, c->out.len);
            buf_free(&c->out);
            c->out = block;
        }
        first = false;
        status = flush(c, status);
        if (ferror(stdout)) /* nobody takes it any more, or it can't be written */
            return status;
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
            ;
    }
}
