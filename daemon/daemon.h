/* The daemon: what its parts share, and its life from start to exit status.
 *
 * Threads: see design.md. "control" is the thread of the loop.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "config/config.h"
#include "daemon/alarm.h"
#include "daemon/clock.h"
#include "daemon/front.h"
#include "daemon/loaded.h"
#include "daemon/loop.h"
#include "daemon/process.h"
#include "libactor/actor.h"
#include "libactor/lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct deadletters;
struct directory;
struct ledger;
struct policies;
struct sessions;
struct unit;

/* Exit statuses (cli.md). */
enum {
    EXIT_OK = 0,
    EXIT_INTERNAL = 1, /* also: the tree couldn't start */
    EXIT_USAGE = 2,
    EXIT_CONFIG = 8,
    EXIT_GAVE_UP = 70, /* the root supervisor */
    EXIT_LISTENER = 71,
    EXIT_STORE = 74,
};

typedef struct daemon_options {
    const char *config_path; /* NULL with config_text */
    const char *config_text; /* of the demo */
    const char *socket;      /* instead of the configuration's listeners; NULL: not given */
    const char *log_level;   /* instead of the configuration's; NULL: not given */
    void (*on_ready)(void);  /* NULL: nothing */
} daemon_options;

typedef struct actord {
    daemon_options options;
    loop *loop;
    process_table *processes;
    alarm_clock *alarms;
    actor_system *system;
    struct policies *policies;
    struct ledger *ledger;
    struct deadletters *deadletters;
    struct directory *directory;
    struct sessions *sessions;
    front *front;
    struct session_access *access; /* of each listener */
    size_t access_count;
    struct unit *root;
    uint64_t *progress_marks; /* control's, for the watchdog */

    clock_ms started_at; /* wall clock */
    clock_ms started;    /* monotonic */

    atomic_bool tree_started;          /* once, for the exit status */
    atomic_bool draining;              /* nothing more is taken in */
    atomic_uint_fast64_t live;         /* accepted messages without a final state */
    atomic_int_fast64_t message_limit; /* limits.message, in bytes */
    atomic_uint_fast64_t restarts;     /* of all actors, since the start */

    actor_lock lock;
    loaded *loaded LOCK_GUARDED_BY(lock);     /* what is running */
    clock_ms loaded_at LOCK_GUARDED_BY(lock); /* wall clock */
    bool reloading LOCK_GUARDED_BY(lock);
    actor_ref reload_waits LOCK_GUARDED_BY(lock); /* for news of a supervisor; or none */

    /* control's */
    struct stopping *stopping;
} actord;

/* Run a daemon with the configuration `s`, whose reference it takes, to its end. Returns the exit
 * status. Threads: main, signals blocked. */
int daemon_run(const daemon_options *options, loaded *s);

/* The current configuration, referenced. Threads: any. */
loaded *daemon_spec(actord *d);

/* For generators of random numbers: unlike that of any other process. Threads: any. */
uint64_t daemon_seed(void);

/* A message got its final state: a drain may be over. Threads: any. */
void daemon_message_ended(actord *d);

/* Begin to stop: drain, then stop the tree, then end with `status`. A second call doesn't wait for
 * the drain any more. Threads: control. */
void daemon_stop(actord *d, int status);

/* From the tree's observer, any thread: the root has started, failed to, or ended. */
void daemon_root_started(actord *d);
void daemon_root_stopped(actord *d, int status, const char *reason);

#endif
