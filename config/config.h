/* config: the configuration of a daemon, read, checked and typed.
 *
 * This is the folder's public header; it brings the others with it:
 *   errors.h   the list of errors, with positions and suggestions
 *   node.h     the neutral tree (to build a child from JSON parameters)
 *   units.h    parsers and formatters of durations, sizes, rates ...
 *   suggest.h  the nearest name
 *   plan.h     what a reload has to do
 *
 * Conventions of the result
 *   - Everything reachable from a `config` belongs to it, never changes after the load, may be
 *     read from any thread, and goes with config_free().
 *   - Durations are int64_t microseconds with the unit in the name. What 0 and -1 mean is said at
 *     each field; where nothing is said, the value is above zero.
 *   - Strings are never NULL unless their comment says so.
 *   - Defaults are filled in: nobody outside needs to know them.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "errors.h"
#include "node.h"
#include "suggest.h"
#include "units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_NAME_MAX  128
#define CONFIG_ROOT_NAME "root" /* the root supervisor's name; no child may have it */
#define CONFIG_INFINITY  (-1)   /* of shutdown_us, max_restarts and wait: without end */

typedef enum config_role { CONFIG_ROLE_ADMIN, CONFIG_ROLE_SUBMIT, CONFIG_ROLE_OBSERVE } config_role;

typedef enum config_via { CONFIG_VIA_AUTO, CONFIG_VIA_NNG } config_via;

typedef enum config_scheme { CONFIG_SCHEME_IPC, CONFIG_SCHEME_TCP } config_scheme;

typedef enum config_log_level {
    CONFIG_LOG_ERROR,
    CONFIG_LOG_WARN,
    CONFIG_LOG_INFO,
    CONFIG_LOG_DEBUG
} config_log_level;

typedef enum config_log_format {
    CONFIG_LOG_AUTO,
    CONFIG_LOG_TEXT,
    CONFIG_LOG_JSON,
    CONFIG_LOG_JOURNAL
} config_log_format;

typedef enum config_backoff_kind {
    CONFIG_BACKOFF_FIXED,
    CONFIG_BACKOFF_LINEAR,
    CONFIG_BACKOFF_EXPONENTIAL,
    CONFIG_BACKOFF_DECORRELATED
} config_backoff_kind;

typedef enum config_jitter {
    CONFIG_JITTER_NONE,
    CONFIG_JITTER_FULL,
    CONFIG_JITTER_EQUAL
} config_jitter;

typedef enum config_strategy {
    CONFIG_ONE_FOR_ONE,
    CONFIG_ONE_FOR_ALL,
    CONFIG_REST_FOR_ONE
} config_strategy;

/* The kinds that can run. config_kind_name() gives the word of the file. */
typedef enum config_kind {
    CONFIG_KIND_SUPERVISOR,
    CONFIG_KIND_EXEC,
    CONFIG_KIND_WORKER,
    CONFIG_KIND_ECHO,
    CONFIG_KIND_COUNTER,
    CONFIG_KIND_SLEEP,
    CONFIG_KIND_COUNT
} config_kind;

typedef enum config_restart { CONFIG_PERMANENT, CONFIG_TRANSIENT, CONFIG_TEMPORARY } config_restart;

typedef enum config_auto_shutdown {
    CONFIG_NEVER,
    CONFIG_ANY_SIGNIFICANT,
    CONFIG_ALL_SIGNIFICANT
} config_auto_shutdown;

typedef enum config_start { CONFIG_START_SPAWNED, CONFIG_START_READY } config_start;

typedef enum config_on_full {
    CONFIG_FULL_REJECT,
    CONFIG_FULL_DROP_OLDEST,
    CONFIG_FULL_DROP_NEWEST
} config_on_full;

typedef enum config_priority {
    CONFIG_PRIORITY_LOW,
    CONFIG_PRIORITY_NORMAL,
    CONFIG_PRIORITY_HIGH,
    CONFIG_PRIORITY_CRITICAL
} config_priority;

typedef enum config_on_failure { CONFIG_DEAD_LETTER, CONFIG_DROP, CONFIG_CRASH } config_on_failure;

typedef struct config_strings {
    const char *const *items; /* items[count] is NULL, so it is an argv as it stands */
    size_t count;
} config_strings;

typedef struct config_listener {
    const char *url;
    config_scheme scheme;
    const char *path;     /* ipc: the socket's path; tcp: NULL */
    int mode;             /* ipc: permission bits; -1: the daemon's default */
    const char *group;    /* ipc: the socket's group, or NULL */
    config_strings users; /* ipc: peers allowed; empty: whoever can open the socket */
    config_role role;
    const char *token; /* a secret, or NULL */
    config_via via;
    const config_node *node; /* where it was written */
} config_listener;

/* False for a tcp:// address that other machines might reach: it would need a token and TLS. */
bool config_url_is_local(const char *url);

/* How long to wait before the next try. Attempt n waits at most max_us, jitter included. */
typedef struct config_backoff {
    bool none; /* a supervisor's `backoff: none`: no wait at all, the rest is unused */
    int64_t initial_us;
    int64_t max_us;
    double factor; /* >= 1 */
    config_jitter jitter;
    int64_t reset_after_us;
} config_backoff;

/* The three policies share these rules.
 *
 * `shared`: written by name. Within one config the same name is the same pointer. An inline
 * mapping is a policy of its own, named after its child. A child made by config_child_from_node()
 * holds its own copy of a shared policy: there, and across reloads, the name tells which it is. */
typedef struct config_retry {
    const char *name;
    bool shared;
    const config_node *node; /* where it was written */
    int max_retries;         /* after the first call; 0: none */
    config_backoff_kind backoff;
    int64_t initial_us;
    int64_t max_us;
    double factor;
    config_jitter jitter;
    double budget; /* share of first calls, 0.2 for 20%; 0: no budget */
} config_retry;

typedef struct config_breaker {
    const char *name;
    bool shared;
    const config_node *node;  /* where it was written */
    int window_calls;         /* a window of calls; 0: not that */
    int64_t window_us;        /* a window of time; 0: not that. Both 0: no rates */
    int min_calls;            /* never above window_calls; 0 without a window */
    double failure_rate;      /* 0.5 for 50%; 0: rule off */
    int64_t slow_call_us;     /* strictly longer is slow; 0: nothing is slow */
    double slow_rate;         /* 0: rule off */
    int consecutive_failures; /* 0: rule off */
    int64_t open_for_us;
    double open_factor; /* >= 1 */
    int64_t open_max_us;
    int probes;
    int64_t probe_timeout_us;
} config_breaker;

typedef struct config_limiter {
    const char *name;
    bool shared;
    const config_node *node; /* where it was written */
    int64_t rate_count;      /* so many calls ...; 0: no rate */
    int64_t rate_per_us;     /* ... in this time */
    int burst;
    int concurrency; /* 0: no limit */
    int wait;        /* how many may wait in line; CONFIG_INFINITY: the mailbox's capacity only */
} config_limiter;

typedef struct config_child config_child;

typedef struct config_supervisor {
    config_strategy strategy;
    int max_restarts;  /* 0: the first crash trips; CONFIG_INFINITY: unlimited */
    int64_t within_us; /* 0 when unlimited */
    config_backoff backoff;
    config_auto_shutdown auto_shutdown;
    config_child *const *children; /* in start order */
    size_t child_count;
} config_supervisor;

typedef struct config_env {
    const char *name;
    const char *value;
    bool secret; /* came from ${file:...} */
} config_env;

typedef struct config_statuses {
    const int *items; /* exit statuses, 1 to 255 */
    size_t count;
} config_statuses;

struct config_child {
    const char *name;
    const char *path; /* "root/outbound/webhook" */
    config_kind kind;
    const config_child *parent; /* NULL: the root, or not in a tree yet (config_child_from_node) */
    size_t index;               /* its place among the parent's children */
    config_restart restart;
    int64_t shutdown_us; /* 0: kill at once; CONFIG_INFINITY: wait for ever */
    bool significant;    /* never of a permanent child, nor under auto_shutdown: never */

    const config_supervisor *supervisor; /* supervisor only, else NULL */

    int instances; /* how many share its mailbox; 1 for a supervisor */

    config_strings argv;                       /* exec and worker, else empty */
    config_statuses exits_retry, exits_reject; /* exec */
    config_start start;                        /* worker */
    int64_t start_timeout_us;                  /* worker */
    int credits;                               /* worker */
    const config_env *env;                     /* exec and worker, in the order written */
    size_t env_count;
    const char *directory; /* or NULL: the daemon's */
    const char *user;      /* or NULL: the daemon's */
    struct {
        int64_t memory_bytes; /* each 0: not limited */
        int open_files;
        int64_t cpu_us; /* whole seconds */
    } limits;

    struct {
        int capacity;
        config_on_full on_full;
    } mailbox;
    int64_t timeout_us; /* per attempt; 0: none */
    int64_t ttl_us;     /* 0: none */
    config_priority priority;
    const config_retry *retry;     /* or NULL */
    const config_breaker *breaker; /* or NULL */
    const config_limiter *limit;   /* or NULL */
    struct {
        int64_t after_us;
        int max; /* 0: no hedging */
    } hedge;
    const char *fallback; /* the name of another child that takes messages, or NULL */
    config_on_failure on_failure;

    const config_node *node; /* where it was written; NULL for a root that isn't written */
};

typedef struct config {
    const char *file; /* as it was given */

    struct {
        const char *name;
        int workers; /* 0: auto, one for each CPU online */
        int64_t shutdown_timeout_us;
    } system;

    const config_listener *listeners; /* none written: the daemon's default socket */
    size_t listener_count;

    struct {
        int64_t message_bytes;
        int in_flight_per_client;
        int clients;
        int actors;
    } limits;

    struct {
        config_log_level level;
        config_log_format format;
    } log;

    struct {
        const char *url; /* "memory:" */
        int64_t keep_done_us;
        int64_t max_size_bytes;
    } store;

    const config_retry *const *retries; /* the named ones, in the order written */
    size_t retry_count;
    const config_breaker *const *breakers;
    size_t breaker_count;
    const config_limiter *const *limiters;
    size_t limiter_count;

    const config_child
        *root;         /* a supervisor called "root"; without children when none is written */
    config_tree *tree; /* owns all of this */
} config;

/* Where ${VAR} is looked up. */
typedef const char *(*config_getenv)(void *arg, const char *name);

typedef struct config_options {
    config_getenv getenv; /* NULL: the process's environment */
    void *getenv_arg;
} config_options;

/* Read the file at `path` and everything it includes.
 *
 * Returns    CONFIG_OK and a configuration to be freed in *out; CONFIG_EINVALID with every error
 *            in `errs`, also when the file can't be read; CONFIG_ENOMEM. *out is untouched
 *            on failure. `options` may be NULL.
 * Threads    any, as long as nobody changes the environment meanwhile.
 */
config_err config_load(const char *path, const config_options *options, config **out,
                       config_errors *errs);

/* The same from memory. `name` is cited in errors; `include` is relative to its folder. */
config_err config_load_text(const char *name, const char *text, size_t length,
                            const config_options *options, config **out, config_errors *errs);

void config_free(config *c);

/* Type one child from a node with the keys of a child in the file; `node` is a map made with
 * node.h, without what isn't a key of a child (`under`). Policies are looked up by name in `base`,
 * and copied. Names are unique inside the new subtree; whether one is in use in the daemon is the
 * daemon's to know.
 * ${...} is not expanded: parameters come over the network.
 *
 * Ownership  *out and all below it belong to the node's tree; config_tree_free() ends both.
 * Returns    as config_load().
 */
config_err config_child_from_node(const config *base, config_node *node, config_child **out,
                                  config_errors *errs);

/* Check what lies outside the file, for `actord --check`: every program of an exec or worker
 * exists and can be executed (found as the child would find it: its `env`'s PATH, or ours;
 * relative to its `directory`), and every `directory`, user and group exists. Errors are added to
 * `errs`.
 * A start does without: there a missing program is a failed attempt with the same words. */
config_err config_check_files(const config *c, config_errors *errs);

/* Named things; NULL when there is none. */
const config_retry *config_find_retry(const config *c, const char *name);
const config_breaker *config_find_breaker(const config *c, const char *name);
const config_limiter *config_find_limiter(const config *c, const char *name);
/* The child, or the root, called `name`. */
const config_child *config_find_child(const config *c, const char *name);

/* The next child of the tree below (and after) `at` in start order, parents first; the walk begins
 * with `top` itself. NULL after the last. */
const config_child *config_next_child(const config_child *top, const config_child *at);

/* True for [A-Za-z0-9_.-]{1,128}. */
bool config_name_valid(const char *name);

/* The words of the file for each value. */
const char *config_kind_name(config_kind kind);
const char *config_strategy_name(config_strategy strategy);
const char *config_auto_shutdown_name(config_auto_shutdown mode);
const char *config_restart_name(config_restart restart);
const char *config_role_name(config_role role);
const char *config_priority_name(config_priority priority);
/* False when `word` is no priority; *out is untouched. */
bool config_priority_parse(const char *word, config_priority *out);
bool config_log_level_parse(const char *word, config_log_level *out);

#include "plan.h"

#endif
