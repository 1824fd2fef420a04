/* The daemon's life: daemon_run() reads as the start order, daemon_end() as its reverse. */
#include "daemon/daemon.h"

#include "daemon/deadletter.h"
#include "daemon/directory.h"
#include "daemon/ledger.h"
#include "daemon/listen.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/policy.h"
#include "daemon/reload.h"
#include "daemon/session.h"
#include "daemon/tree.h"
#include "daemon/unit.h"
#include "daemon/unit_put.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { ANSWERS_MS = 1000, ACTORS_GRACE_MS = 1000, LOG_STOP_MS = 1000 };

/* How the daemon comes to its end; control's. */
struct stopping {
    loop_task started, over, drained;
    loop_timer *limit; /* of the drain and the end of the tree */
    bool serving;      /* clients get answers */
    bool asked;        /* daemon_stop() was called */
    bool tree_told;    /* the root was told to stop */
    int status;

    actor_lock lock; /* the root's own words */
    int root_status LOCK_GUARDED_BY(lock);
    char reason[512] LOCK_GUARDED_BY(lock);
};

loaded *daemon_spec(actord *d)
{
    actor_lock_take(&d->lock);
    loaded *s = loaded_hold(d->loaded);
    actor_lock_give(&d->lock);
    return s;
}

/* ---- stopping ---- */

static void stop_tree(actord *d, bool force)
{
    struct stopping *s = d->stopping;
    if (s->tree_told && !force)
        return;
    s->tree_told = true;
    actor_err e =
        force ? actor_kill(unit_supervisor_ref(d->root)) : actor_stop(unit_supervisor_ref(d->root));
    if (e != ACTOR_OK)
        loop_break(d->loop); /* it has ended already */
}

static size_t still_running(actord *d)
{
    size_t count = 0;
    unit **all = directory_list(d->directory, NULL, false);
    for (unit **at = all; at && *at; at++) {
        actor_lock_take(&(*at)->lock);
        count += !(*at)->supervises && (*at)->state != UNIT_STOPPED;
        actor_lock_give(&(*at)->lock);
    }
    directory_list_free(all);
    return count;
}

static void limit_is_reached(void *arg)
{
    actord *d = arg;
    log_warn("daemon",
             "after system.shutdown_timeout %" PRIuFAST64 " messages are left and %zu actors still "
             "run: killing them",
             atomic_load(&d->live), still_running(d));
    stop_tree(d, true);
}

static void drained(void *arg)
{
    actord *d = arg;
    if (d->stopping->asked && atomic_load(&d->live) == 0)
        stop_tree(d, false);
}

void daemon_stop(actord *d, int status)
{
    struct stopping *s = d->stopping;
    if (s->asked) {
        log_warn("daemon", "asked again: stopping now");
        stop_tree(d, true);
        return;
    }
    s->asked = true;
    s->status = status;
    atomic_store(&d->draining, true);
    notify_stopping();
    notify_status("draining: %" PRIuFAST64 " messages left", atomic_load(&d->live));
    log_info("daemon", "stopping: %" PRIuFAST64 " messages to finish", atomic_load(&d->live));
    loaded *c = daemon_spec(d);
    clock_ms limit = clock_from_us(loaded_config(c)->system.shutdown_timeout_us);
    loaded_release(c);
    if (loop_timer_start(s->limit, (loop_ms)limit, 0))
        stop_tree(d, false);
    drained(d);
}

void daemon_message_ended(actord *d)
{
    if (atomic_fetch_sub(&d->live, 1) == 1 && atomic_load(&d->draining))
        loop_post_task(d->loop, &d->stopping->drained);
}

/* ---- the root's news ---- */

static void on_started(void *arg)
{
    actord *d = arg;
    sessions_open(d->sessions);
    d->stopping->serving = true;
    notify_ready();
    notify_status("%zu actors", directory_count(d->directory));
    log_info("daemon", "ready: %zu actors", directory_count(d->directory));
    if (d->options.on_ready)
        d->options.on_ready();
}

static void on_over(void *arg)
{
    actord *d = arg;
    struct stopping *s = d->stopping;
    actor_lock_take(&s->lock);
    bool gave_up = s->root_status == EXIT_GAVE_UP;
    if (!s->asked || gave_up) { /* a start that was broken off is none that failed */
        s->status = s->root_status;
        if (s->root_status != EXIT_OK)
            log_error("daemon", "the tree %s: %s", gave_up ? "gave up" : "could not start",
                      s->reason);
        else if (!s->asked)
            log_info("daemon", "the tree has ended: %s", s->reason);
    }
    actor_lock_give(&s->lock);
    loop_break(d->loop);
}

void daemon_root_started(actord *d)
{
    loop_post_task(d->loop, &d->stopping->started);
}

void daemon_root_stopped(actord *d, int status, const char *reason)
{
    struct stopping *s = d->stopping;
    actor_lock_take(&s->lock);
    s->root_status = status;
    snprintf(s->reason, sizeof s->reason, "%s", reason);
    actor_lock_give(&s->lock);
    loop_post_task(d->loop, &s->over);
}

/* ---- signals ---- */

static void on_terminate(int signo, void *arg)
{
    log_info("daemon", "%s", signo == SIGTERM ? "SIGTERM" : "SIGINT");
    daemon_stop(arg, EXIT_OK);
}

static void on_hangup(int signo, void *arg)
{
    (void)signo;
    actor_ref ref;
    actor_err e = reload_begin(arg, RELOAD_UNASKED, &ref);
    if (e != ACTOR_OK)
        log_error("config", "cannot reload: %s",
                  e == ACTOR_EEXIST ? "a reload is going on already" : actor_strerror(e));
}

static void dump_unit(unit *u)
{
    actor_lock_take(&u->lock);
    const char *last = unit_last_exit(u);
    log_info("dump",
             "%s: %s, incarnation %" PRIu32 ", waiting %" PRIu64 ", running %" PRIu64
             ", retrying %" PRIu64 ", done %" PRIu64 ", dead %" PRIu64 ", restarts %" PRIu64 "%s%s",
             u->path, unit_state_word(u), u->incarnation, u->counters.waiting, u->counters.running,
             u->counters.retrying, u->counters.final[MESSAGE_DONE], u->counters.final[MESSAGE_DEAD],
             u->counters.restarts, last ? ", last exit " : "", last ? last : "");
    actor_lock_give(&u->lock);
}

static void on_dump(int signo, void *arg)
{
    (void)signo;
    actord *d = arg;
    actor_system_stats stats;
    actor_system_stats_get(d->system, &stats);
    log_info("dump", "%u workers, %u parked, %" PRIuFAST64 " live messages, %zu processes",
             stats.workers, stats.parked, atomic_load(&d->live), process_table_live(d->processes));
    unit **all = directory_list(d->directory, NULL, false);
    for (unit **at = all; at && *at; at++)
        dump_unit(*at);
    directory_list_free(all);
}

static int watch_signals(actord *d)
{
    static const struct {
        int signo;
        loop_signal_fn fn;
    } rows[] = {
        {SIGTERM, on_terminate}, {SIGINT, on_terminate}, {SIGHUP, on_hangup}, {SIGUSR1, on_dump}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int e = loop_on_signal(d->loop, rows[i].signo, rows[i].fn, d);
        if (e)
            return e;
    }
    return 0;
}

/* ---- start ---- */

/* For the watchdog: grows while every worker makes progress or sleeps. */
static uint64_t progress(void *arg)
{
    actord *d = arg;
    static uint64_t count; /* control's */
    if (actor_system_progress(d->system, d->progress_marks))
        count++;
    return count;
}

static int failed(int status, const char *what, const char *why)
{
    log_error("daemon", "%s: %s", what, why);
    return status;
}

uint64_t daemon_seed(void)
{
    uint64_t s;
    if (getrandom(&s, sizeof s, 0) != (ssize_t)sizeof s) /* so early in a boot that there is none */
        s = (uint64_t)clock_ns() ^ (uint64_t)getpid() << 32;
    return s;
}

/* The parts that hold nothing but memory. */
static bool make_parts(actord *d, const config *c)
{
    struct stopping *s = d->stopping;
    loop_task_init(&s->started, on_started, d);
    loop_task_init(&s->over, on_over, d);
    loop_task_init(&s->drained, drained, d);
    d->policies = policies_new(d->alarms, daemon_seed());
    d->ledger =
        ledger_new(d->alarms, clock_from_us(c->store.keep_done_us), c->store.max_size_bytes);
    d->deadletters = deadletters_new(c->store.max_size_bytes / DEADLETTER_SHARE);
    d->directory = directory_new();
    d->sessions = sessions_new(d);
    return d->policies && d->ledger && d->deadletters && d->directory && d->sessions &&
           loop_timer_create(d->loop, limit_is_reached, d, &s->limit) == 0;
}

static int start_system(actord *d, const config *c)
{
    actor_system_options options = {
        .workers = (unsigned)c->system.workers,
        /* tree_build() keeps to limits.actors, which a reload may change */
        .max_actors = UINT32_MAX,
    };
    actor_err e = actor_system_new(&options, &d->system);
    if (e != ACTOR_OK)
        return failed(EXIT_INTERNAL, "cannot start the scheduler", actor_strerror(e));
    actor_system_stats stats;
    actor_system_stats_get(d->system, &stats);
    d->progress_marks = calloc(stats.workers, sizeof *d->progress_marks);
    if (!d->progress_marks)
        return failed(EXIT_INTERNAL, "cannot start the scheduler", "out of memory");
    return EXIT_OK;
}

static int daemon_start(actord *d, const config *c)
{
    char why[FRONT_TEXT_MAX + 1];
    int e = loop_create(&d->loop);
    if (!e)
        e = alarm_clock_create(d->loop, &d->alarms);
    if (!e)
        e = watch_signals(d);
    if (!e)
        e = process_table_create(d->loop, &d->processes);
    if (e)
        return failed(EXIT_INTERNAL, "cannot start", strerror(e));
    if (!make_parts(d, c))
        return failed(EXIT_INTERNAL, "cannot start", "out of memory");
    int status = start_system(d, c);
    if (status != EXIT_OK)
        return status;
    status = listen_open(d, c, why, sizeof why);
    if (status != EXIT_OK)
        return failed(status, "cannot listen", why);
    if (!tree_start(d, why, sizeof why))
        return failed(EXIT_INTERNAL, "cannot start the tree", why);
    return EXIT_OK;
}

/* Everything in reverse; what was not made is NULL. */
static void daemon_end(actord *d)
{
    struct stopping *s = d->stopping;
    if (d->front)
        front_stop(d->front, s->serving ? ANSWERS_MS : 0);
    actor_system_free(d->system, ACTORS_GRACE_MS);
    listen_close(d);
    sessions_free(d->sessions);
    process_table_destroy(d->processes);
    if (d->alarms)
        alarm_clock_stop(d->alarms);
    deadletters_free(d->deadletters);
    ledger_free(d->ledger);
    directory_free(d->directory);
    unit_release(d->root);
    policies_free(d->policies);
    loop_timer_free(s->limit);
    alarm_clock_destroy(d->alarms);
    loop_destroy(d->loop);
    loaded_release(d->loaded);
    free(d->progress_marks);
    actor_lock_destroy(&d->lock);
    actor_lock_destroy(&s->lock);
}

static int run(actord *d)
{
    notify_watchdog *watchdog = NULL;
    int e = notify_watchdog_start(d->loop, progress, d, &watchdog);
    if (!e)
        e = loop_run(d->loop);
    notify_watchdog_free(watchdog);
    if (e)
        return failed(EXIT_INTERNAL, "the control loop failed", strerror(e));
    return d->stopping->status;
}

int daemon_run(const daemon_options *options, loaded *s)
{
    struct stopping stopping = {.status = EXIT_OK};
    actord d = {
        .options = *options,
        .stopping = &stopping,
        .loaded = s,
        .started_at = clock_wall(),
        .started = clock_now(),
        .loaded_at = clock_wall(),
    };
    const config *c = loaded_config(s);
    actor_lock_init(&d.lock);
    actor_lock_init(&stopping.lock);
    atomic_init(&d.message_limit, c->limits.message_bytes);
    if (log_start())
        log_warn("daemon", "no thread for the log: writing it directly");
    log_info("daemon", "actord %s, %s", ACTORD_VERSION, c->file);
    loaded_hold(s); /* the reload may replace it */
    int status = daemon_start(&d, c);
    loaded_release(s);
    if (status == EXIT_OK)
        status = run(&d);
    notify_stopping();
    daemon_end(&d);
    log_info("daemon", "ended with status %d", status);
    log_stop(LOG_STOP_MS);
    return status;
}
