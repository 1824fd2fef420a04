#include "schema.h"

#include "text.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LATER(name, what)                                                                          \
    {                                                                                              \
        .key = (name), .type = &type_none, .flags = ROW_LATER, .doc = (what)                       \
    }

#define FOR(kind) (1U << CONFIG_KIND_##kind)
#define PROCESSES (FOR(EXEC) | FOR(WORKER))
#define ACTORS    (PROCESSES | FOR(ECHO) | FOR(COUNTER) | FOR(SLEEP))

#define DAYS(n) ((n)*INT64_C(86400000000))
#define TIME    .min = 1, .max = DAYS(3650)

static const config_word backoffs[] = {{"fixed", CONFIG_BACKOFF_FIXED},
                                       {"linear", CONFIG_BACKOFF_LINEAR},
                                       {"exponential", CONFIG_BACKOFF_EXPONENTIAL},
                                       {"decorrelated", CONFIG_BACKOFF_DECORRELATED},
                                       {NULL, 0}};
static const config_word jitters[] = {{"none", CONFIG_JITTER_NONE},
                                      {"full", CONFIG_JITTER_FULL},
                                      {"equal", CONFIG_JITTER_EQUAL},
                                      {NULL, 0}};
static const config_word roles[] = {{"admin", CONFIG_ROLE_ADMIN},
                                    {"submit", CONFIG_ROLE_SUBMIT},
                                    {"observe", CONFIG_ROLE_OBSERVE},
                                    {NULL, 0}};
static const config_word vias[] = {{"auto", CONFIG_VIA_AUTO}, {"nng", CONFIG_VIA_NNG}, {NULL, 0}};
const config_word schema_log_levels[] = {{"error", CONFIG_LOG_ERROR},  {"warn", CONFIG_LOG_WARN},
                                         {"info", CONFIG_LOG_INFO},    {"debug", CONFIG_LOG_DEBUG},
                                         {"warning", CONFIG_LOG_WARN}, {NULL, 0}};
static const config_word log_formats[] = {{"auto", CONFIG_LOG_AUTO},
                                          {"text", CONFIG_LOG_TEXT},
                                          {"json", CONFIG_LOG_JSON},
                                          {"journal", CONFIG_LOG_JOURNAL},
                                          {NULL, 0}};
static const config_word strategies[] = {{"one_for_one", CONFIG_ONE_FOR_ONE},
                                         {"one_for_all", CONFIG_ONE_FOR_ALL},
                                         {"rest_for_one", CONFIG_REST_FOR_ONE},
                                         {NULL, 0}};
static const config_word shutdowns[] = {{"never", CONFIG_NEVER},
                                        {"any_significant", CONFIG_ANY_SIGNIFICANT},
                                        {"all_significant", CONFIG_ALL_SIGNIFICANT},
                                        {NULL, 0}};
static const config_word restarts[] = {{"permanent", CONFIG_PERMANENT},
                                       {"transient", CONFIG_TRANSIENT},
                                       {"temporary", CONFIG_TEMPORARY},
                                       {NULL, 0}};
static const config_word starts[] = {
    {"spawned", CONFIG_START_SPAWNED}, {"ready", CONFIG_START_READY}, {NULL, 0}};
static const config_word on_fulls[] = {{"reject", CONFIG_FULL_REJECT},
                                       {"drop_oldest", CONFIG_FULL_DROP_OLDEST},
                                       {"drop_newest", CONFIG_FULL_DROP_NEWEST},
                                       {NULL, 0}};
const config_word schema_priorities[] = {{"low", CONFIG_PRIORITY_LOW},
                                         {"normal", CONFIG_PRIORITY_NORMAL},
                                         {"high", CONFIG_PRIORITY_HIGH},
                                         {"critical", CONFIG_PRIORITY_CRITICAL},
                                         {NULL, 0}};
static const config_word on_failures[] = {
    {"dead_letter", CONFIG_DEAD_LETTER}, {"drop", CONFIG_DROP}, {"crash", CONFIG_CRASH}, {NULL, 0}};

static const config_row system_rows[] = {
    {"name", &type_name, offsetof(config, system.name),
     .doc = "what this daemon is called; default: the host name"},
    {"workers", &type_workers, offsetof(config, system.workers), "auto", 1, 1024,
     .flags = ROW_AT_START, .doc = "scheduler threads; auto: one for each CPU online"},
    LATER("blocking_threads", "upper bound of the pool for blocking calls"),
    {"shutdown_timeout", &type_duration, offsetof(config, system.shutdown_timeout_us), "30s", TIME,
     .doc = "how long the end may take, drain included; what still runs then is killed"},
};

static const config_row listener_rows[] = {
    {"url", &type_url, 0, .flags = ROW_REQUIRED,
     .doc = "ipc:///path or tcp://host:port (loopback only)"},
    {"mode", &type_mode, offsetof(config_listener, mode),
     .doc = "permission bits of an ipc socket, in octal"},
    {"group", &type_string, offsetof(config_listener, group), .doc = "group of an ipc socket"},
    {"users", &type_strings, offsetof(config_listener, users),
     .doc = "peers allowed on an ipc socket; default: whoever can open it"},
    {"role", &type_word, offsetof(config_listener, role), "admin", .words = roles,
     .doc = "what a peer may do here"},
    {"token", &type_string, offsetof(config_listener, token), .flags = ROW_SECRET,
     .doc = "every request must carry it"},
    {"via", &type_word, offsetof(config_listener, via), "auto", .words = vias,
     .doc = "which listener serves an ipc socket"},
    LATER("tls", "certificates of a tls+tcp listener"),
};

static const config_row limits_rows[] = {
    {"message", &type_size, offsetof(config, limits.message_bytes), "1MiB", 64, 1 << 30,
     .flags = ROW_AT_START, .doc = "largest request, payload or reply"},
    {"in_flight_per_client", &type_int, offsetof(config, limits.in_flight_per_client), "64", 1,
     65536, .doc = "unanswered requests of one client; more are busy"},
    {"clients", &type_int, offsetof(config, limits.clients), "1024", 1, 1000000,
     .doc = "clients at a time"},
    {"actors", &type_int, offsetof(config, limits.actors), "1000000", 1, 60000000,
     .doc = "actors of the tree at a time"},
};

static const config_row log_rows[] = {
    {"level", &type_word, offsetof(config, log.level), "info", .words = schema_log_levels,
     .doc = "the least important lines that are written"},
    {"format", &type_word, offsetof(config, log.format), "auto", .words = log_formats,
     .flags = ROW_AT_START, .doc = "auto: journal under systemd, else text"},
};

static const config_row store_rows[] = {
    {"url", &type_store_url, offsetof(config, store.url), "memory:", .flags = ROW_AT_START,
     .doc = "where messages are kept; memory: only for now"},
    {"keep_done", &type_duration, offsetof(config, store.keep_done_us), "24h", .min = 0,
     .max = DAYS(3650), .doc = "how long results of finished messages are kept"},
    {"max_size", &type_size, offsetof(config, store.max_size_bytes), "1GiB", 1 << 20,
     INT64_C(1) << 50, .doc = "the store's share of memory or disk"},
};

static const config_row retry_rows[] = {
    {"max_retries", &type_int, offsetof(config_retry, max_retries), "3", 0, 1000000,
     .doc = "retries after the first call"},
    {"backoff", &type_word, offsetof(config_retry, backoff), "exponential", .words = backoffs,
     .doc = "how the wait grows"},
    {"initial", &type_duration, offsetof(config_retry, initial_us), "500ms", 0, DAYS(3650),
     .doc = "the first wait"},
    {"max", &type_duration, offsetof(config_retry, max_us), "1m", 0, DAYS(3650),
     .doc = "the longest wait, jitter included"},
    {"factor", &type_number, offsetof(config_retry, factor), "2", 1, 1000,
     .doc = "growth of an exponential wait"},
    {"jitter", &type_word, offsetof(config_retry, jitter), "full", .words = jitters,
     .doc = "how much of the wait is left to chance"},
    {"budget", &type_percent, offsetof(config_retry, budget),
     .doc = "retries may be at most this share of first calls over the last 10 s, plus 10/s; "
            "default: no budget"},
};

static const config_row breaker_rows[] = {
    {"window", &type_window, 0, .min = 1, .max = 1000000,
     .doc = "what the rates look at: 20 calls, or a duration"},
    {"min_calls", &type_int, offsetof(config_breaker, min_calls), NULL, 1, 1000000,
     .doc = "no rate below so many calls; default: the window's calls, or 10"},
    {"failure_rate", &type_percent, offsetof(config_breaker, failure_rate),
     .doc = "opens at this share of failures"},
    {"slow_call", &type_duration, offsetof(config_breaker, slow_call_us), NULL, TIME,
     .doc = "a call that takes longer is slow"},
    {"slow_rate", &type_percent, offsetof(config_breaker, slow_rate),
     .doc = "opens at this share of slow calls"},
    {"consecutive_failures", &type_int, offsetof(config_breaker, consecutive_failures), NULL, 1,
     1000000, .doc = "opens on the n-th failure in a row"},
    {"open_for", &type_duration, offsetof(config_breaker, open_for_us), "30s", TIME,
     .doc = "how long it stays open"},
    {"open_factor", &type_number, offsetof(config_breaker, open_factor), "1", 1, 1000,
     .doc = "open_for grows by this each time it opens again"},
    {"open_max", &type_duration, offsetof(config_breaker, open_max_us), NULL, TIME,
     .doc = "up to this; default: 10m, or open_for when that is longer"},
    {"probes", &type_int, offsetof(config_breaker, probes), "1", 1, 10000,
     .doc = "calls let through when half open"},
    {"probe_timeout", &type_duration, offsetof(config_breaker, probe_timeout_us), "60s", TIME,
     .doc = "bounds the wait for their results"},
};

static const config_row limiter_rows[] = {
    {"rate", &type_rate, 0, .min = 1, .max = 1000000000, .doc = "calls begun in a time"},
    {"burst", &type_int, offsetof(config_limiter, burst), NULL, 1, 1000000000,
     .doc = "so many at once after a pause; default: 1"},
    {"concurrency", &type_int, offsetof(config_limiter, concurrency), NULL, 1, 1000000,
     .doc = "calls at a time"},
    {"wait", &type_int, offsetof(config_limiter, wait), NULL, 0, 100000000,
     .doc = "how many may wait in line; default: as many as the mailbox takes"},
};

static const config_row backoff_rows[] = {
    {"initial", &type_duration, offsetof(config_backoff, initial_us), "100ms", 0, DAYS(3650),
     .doc = "the first wait"},
    {"max", &type_duration, offsetof(config_backoff, max_us), "30s", 0, DAYS(3650),
     .doc = "the longest wait, jitter included"},
    {"factor", &type_number, offsetof(config_backoff, factor), "2", 1, 1000,
     .doc = "growth from one wait to the next"},
    {"jitter", &type_word, offsetof(config_backoff, jitter), "full", .words = jitters,
     .doc = "how much of the wait is left to chance"},
    {"reset_after", &type_duration, offsetof(config_backoff, reset_after_us), "1m", TIME,
     .doc = "back to the first wait after so long without a crash"},
};

static const config_row supervisor_rows[] = {
    {"strategy", &type_word, offsetof(config_supervisor, strategy), "one_for_one",
     .words = strategies, .doc = "who is restarted together with a child"},
    {"max_restarts", &type_max_restarts, 0, "10 in 1m", 0, 1000000,
     .doc = "one restart more inside the time and the supervisor gives up; or unlimited"},
    {"backoff", &type_backoff, offsetof(config_supervisor, backoff), .table = &schema_backoff,
     .doc = "how long to wait before a restart; or none"},
    {"auto_shutdown", &type_word, offsetof(config_supervisor, auto_shutdown), "never",
     .words = shutdowns, .doc = "which ends of significant children end their supervisor too"},
    {"children", &type_children, 0, .table = &schema_child,
     .doc = "in start order; stopped in reverse"},
};

static const config_row mailbox_rows[] = {
    {"capacity", &type_int, offsetof(config_child, mailbox.capacity), "10000", 1, 100000000,
     .doc = "messages that may wait"},
    {"on_full", &type_word, offsetof(config_child, mailbox.on_full), "reject", .words = on_fulls,
     .doc = "what happens to one more"},
    {"durable", &type_false, 0, .doc = "false"},
};

static const config_row hedge_rows[] = {
    {"after", &type_duration, offsetof(config_child, hedge.after_us), .min = 0, .max = DAYS(3650),
     .flags = ROW_REQUIRED, .doc = "how long an attempt may take before the next begins beside it"},
    {"max", &type_int, offsetof(config_child, hedge.max), NULL, 1, 100,
     .doc = "so many beside the first; default: 1"},
};

static const config_row exits_rows[] = {
    {"retry", &type_statuses, offsetof(config_child, exits_retry), "75", 1, 255,
     .doc = "failed; retry by policy"},
    {"reject", &type_statuses, offsetof(config_child, exits_reject), "65", 1, 255,
     .doc = "rejected: a dead letter at once"},
};

static const config_row rlimits_rows[] = {
    {"memory", &type_size, offsetof(config_child, limits.memory_bytes), NULL, 65536,
     INT64_C(1) << 50, .doc = "address space"},
    {"open_files", &type_int, offsetof(config_child, limits.open_files), NULL, 3, 1048576,
     .doc = "file descriptors"},
    {"cpu", &type_duration, offsetof(config_child, limits.cpu_us), NULL, 1000000, DAYS(3650),
     .doc = "CPU time, in whole seconds"},
};

static const config_row child_rows[] = {
    {"name", &type_name, offsetof(config_child, name), .flags = ROW_REQUIRED,
     .doc = "[A-Za-z0-9_.-]{1,128}, unique in the whole daemon"},
    {"restart", &type_word, offsetof(config_child, restart), "permanent", .words = restarts,
     .doc = "when an end is followed by a restart"},
    {"shutdown", &type_shutdown, offsetof(config_child, shutdown_us), "5s", .max = DAYS(3650),
     .doc = "a duration, kill or infinity (a supervisor's default)"},
    {"significant", &type_bool, offsetof(config_child, significant), "false",
     .doc = "its end may be its supervisor's, see auto_shutdown"},
    {"instances", &type_int, offsetof(config_child, instances), "1", 1, 10000, .kinds = ACTORS,
     .doc = "how many take messages from its one mailbox"},
    {"start", &type_word, offsetof(config_child, start), "spawned", .words = starts,
     .kinds = FOR(WORKER),
     .doc = "when it counts as started: spawned, or ready when it says so itself"},
    {"start_timeout", &type_duration, offsetof(config_child, start_timeout_us), "10s", TIME,
     .kinds = FOR(WORKER), .doc = "how long that may take"},
    {"credits", &type_int, offsetof(config_child, credits), "1", 1, 100000, .kinds = FOR(WORKER),
     .doc = "unanswered messages at a time"},
    {"exits", &type_map, 0, .table = &schema_exits, .kinds = FOR(EXEC),
     .doc = "what exit statuses mean"},
    {"hedge", &type_map, 0, .table = &schema_hedge, .kinds = ACTORS,
     .doc = "further attempts beside a slow one, of asks to actors that may be asked twice"},
    {"mailbox", &type_map, 0, .table = &schema_mailbox, .kinds = ACTORS,
     .doc = "where messages wait"},
    {"timeout", &type_duration, offsetof(config_child, timeout_us), NULL, TIME, .kinds = ACTORS,
     .doc = "for one attempt; default: none"},
    {"ttl", &type_duration, offsetof(config_child, ttl_us), NULL, TIME, .kinds = ACTORS,
     .doc = "from acceptance to the end; then the message is expired; default: none"},
    {"priority", &type_word, offsetof(config_child, priority), "normal", .words = schema_priorities,
     .kinds = ACTORS, .doc = "the default of its messages"},
    {"retry", &type_policy, offsetof(config_child, retry), .table = &schema_retry, .kinds = ACTORS,
     .doc = "a name, or the mapping itself"},
    {"breaker", &type_policy, offsetof(config_child, breaker), .table = &schema_breaker,
     .kinds = ACTORS, .doc = "a name (the same breaker, shared), or the mapping itself"},
    {"limit", &type_policy, offsetof(config_child, limit), .table = &schema_limiter,
     .kinds = ACTORS, .doc = "a name, or the mapping itself"},
    {"fallback", &type_name, offsetof(config_child, fallback), .kinds = ACTORS,
     .doc = "an actor that answers when every attempt failed"},
    {"on_failure", &type_word, offsetof(config_child, on_failure), "dead_letter",
     .words = on_failures, .kinds = ACTORS,
     .doc = "what becomes of a message that failed for good"},
    LATER("idle_stop", "stop an idle worker"),
    {"env", &type_env, 0, .kinds = PROCESSES, .flags = ROW_RESTARTS,
     .doc = "added to the environment"},
    {"directory", &type_string, offsetof(config_child, directory), .kinds = PROCESSES,
     .flags = ROW_RESTARTS, .doc = "where it runs"},
    {"user", &type_string, offsetof(config_child, user), .kinds = PROCESSES, .flags = ROW_RESTARTS,
     .doc = "who it runs as; needs privileges"},
    {"limits", &type_map, 0, .table = &schema_rlimits, .kinds = PROCESSES, .flags = ROW_RESTARTS,
     .doc = "resource limits of a process"},
    /* The kind comes last: by then everything else about the child is known to its children. */
    {"supervisor", &type_supervisor, 0, .table = &schema_supervisor, .flags = ROW_KIND,
     .kind = CONFIG_KIND_SUPERVISOR, .doc = "a nested supervisor"},
    {"exec", &type_argv, 0, .flags = ROW_KIND | ROW_RESTARTS, .kind = CONFIG_KIND_EXEC,
     .doc = "one process per message: [program, argument, ...]"},
    {"worker", &type_argv, 0, .flags = ROW_KIND | ROW_RESTARTS, .kind = CONFIG_KIND_WORKER,
     .doc = "a long-lived process: [program, argument, ...]"},
    {"echo", &type_nothing, 0, .flags = ROW_KIND, .kind = CONFIG_KIND_ECHO,
     .doc = "answers the payload"},
    {"counter", &type_nothing, 0, .flags = ROW_KIND, .kind = CONFIG_KIND_COUNTER, .doc = "counts"},
    {"sleep", &type_nothing, 0, .flags = ROW_KIND, .kind = CONFIG_KIND_SLEEP, .doc = "waits"},
    {.key = "native",
     .type = &type_none,
     .flags = ROW_KIND | ROW_LATER,
     .doc = "an actor type from a plugin"},
    {.key = "http",
     .type = &type_none,
     .flags = ROW_KIND | ROW_LATER,
     .doc = "the payload as the body of a request"},
    {.key = "route", .type = &type_none, .flags = ROW_KIND | ROW_LATER, .doc = "fan-out"},
    {.key = "pipeline",
     .type = &type_none,
     .flags = ROW_KIND | ROW_LATER,
     .doc = "stages in order"},
    {.key = "queue",
     .type = &type_none,
     .flags = ROW_KIND | ROW_LATER,
     .doc = "messages wait for outside processes"},
    {.key = "topic",
     .type = &type_none,
     .flags = ROW_KIND | ROW_LATER,
     .doc = "every message goes to all subscribers"},
};

/* Policies come before the tree that names them. */
static const config_row top_rows[] = {
    {"version", &type_version, 0, .flags = ROW_REQUIRED, .doc = "1"},
    {"system", &type_map, 0, .table = &schema_system, .doc = "the daemon itself"},
    {"listen", &type_listen, 0, .table = &schema_listener, .flags = ROW_AT_START,
     .doc = "command sockets; default: one ipc:// socket"},
    LATER("events", "a socket that publishes what happens"),
    LATER("http", "metrics and status over HTTP"),
    {"limits", &type_map, 0, .table = &schema_limits, .doc = "bounds of the whole daemon"},
    {"log", &type_map, 0, .table = &schema_log, .doc = "what is logged, and how"},
    {"store", &type_map, 0, .table = &schema_store, .doc = "where messages are kept"},
    {"retries", &type_policies, 0, .table = &schema_retry, .doc = "named retry policies"},
    {"breakers", &type_policies, 0, .table = &schema_breaker, .doc = "named breakers"},
    {"limiters", &type_policies, 0, .table = &schema_limiter, .doc = "named limiters"},
    LATER("plugins", "native actor types"),
    {"supervisor", &type_root, 0, .table = &schema_supervisor, .doc = "the root of the tree"},
    LATER("schedules", "messages at times"),
    {"include", &type_none, 0, .doc = "more files: paths or patterns, relative to this one"},
};

#define TABLE(array) .rows = (array), .count = COUNT(array)
const config_table schema_top = {"the configuration", TABLE(top_rows), .size = sizeof(config)};
const config_table schema_system = {.title = "'system'", TABLE(system_rows)};
const config_table schema_listener = {"a listener", TABLE(listener_rows),
                                      .size = sizeof(config_listener), .check = rules_listener};
const config_table schema_limits = {.title = "'limits'", TABLE(limits_rows)};
const config_table schema_log = {.title = "'log'", TABLE(log_rows)};
const config_table schema_store = {.title = "'store'", TABLE(store_rows)};
const config_table schema_retry = {"a retry policy", TABLE(retry_rows),
                                   .size = sizeof(config_retry), .policy = CONFIG_POLICY_RETRY,
                                   .check = rules_retry};
const config_table schema_breaker = {"a breaker", TABLE(breaker_rows),
                                     .size = sizeof(config_breaker),
                                     .policy = CONFIG_POLICY_BREAKER, .check = rules_breaker};
const config_table schema_limiter = {"a limiter", TABLE(limiter_rows),
                                     .size = sizeof(config_limiter),
                                     .policy = CONFIG_POLICY_LIMITER, .check = rules_limiter};
const config_table schema_backoff = {"'backoff'", TABLE(backoff_rows), .check = rules_backoff};
const config_table schema_supervisor = {"a supervisor", TABLE(supervisor_rows),
                                        .size = sizeof(config_supervisor),
                                        .check = rules_supervisor};
const config_table schema_mailbox = {.title = "'mailbox'", TABLE(mailbox_rows)};
const config_table schema_hedge = {"'hedge'", TABLE(hedge_rows), .check = rules_hedge};
const config_table schema_exits = {"'exits'", TABLE(exits_rows), .check = rules_exits};
const config_table schema_rlimits = {"'limits'", TABLE(rlimits_rows), .check = rules_rlimits};
const config_table schema_child = {"a child", TABLE(child_rows), .size = sizeof(config_child),
                                   .check = rules_child};
const config_table schema_nothing = {.title = "a kind without settings"};

static_assert(COUNT(child_rows) <= TABLE_ROWS_MAX, "read_table() has room for every row");
/* Policies of all three kinds are handled alike. */
#define SAME_HEAD(type)                                                                            \
    static_assert(offsetof(type, name) == offsetof(config_retry, name) &&                          \
                      offsetof(type, shared) == offsetof(config_retry, shared) &&                  \
                      offsetof(type, node) == offsetof(config_retry, node),                        \
                  "policies begin alike")
SAME_HEAD(config_breaker);
SAME_HEAD(config_limiter);

static void each_row(const config_table *table, const char *prefix,
                     void (*each)(void *arg, const char *path, const config_row *row), void *arg)
{
    for (size_t i = 0; i < table->count; i++) {
        const config_row *row = &table->rows[i];
        textbuf path = {0};
        text_addf(&path, "%s%s%s", prefix, *prefix ? "." : "", row->key);
        bool list = row->type == &type_listen || row->type == &type_children;
        bool named = row->type == &type_policies;
        textbuf below = {0};
        text_addf(&below, "%s%s%s%s", prefix, *prefix ? "." : "", row->key,
                  list    ? "[]"
                  : named ? ".NAME"
                          : "");
        char *p = text_take(&path), *b = text_take(&below);
        if (p && b) {
            each(arg, p, row);
            /* A child's supervisor and policies are the ones that were walked already. */
            if (row->table && row->type != &type_supervisor && row->type != &type_policy)
                each_row(row->table, b, each, arg);
        }
        free(p);
        free(b);
    }
}

void schema_each(void (*each)(void *arg, const char *path, const config_row *row), void *arg)
{
    each_row(&schema_top, "", each, arg);
}
