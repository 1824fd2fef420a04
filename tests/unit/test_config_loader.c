/* What a valid configuration means: every key, every default, expansion and includes. */
#include "config/config.h"
#include "config/schema.h"
#include "tests/support/configs.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define SECOND       INT64_C(1000000)

/* A folder for files that include each other. */
static char folder[64];

static void setup(void)
{
    strcpy(folder, "/tmp/actord-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
    for (const char *const *name =
             (const char *const[]){"main.yaml", "conf.d/b.yaml", "conf.d/B.yaml", "conf.d/a.yaml",
                                   "program", "secret", "conf.d", NULL};
         *name; name++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, *name);
        remove(path);
    }
    remove(folder);
}

static const char *put(const char *name, const char *text)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/conf.d", folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

/* Load main.yaml of the folder. The text of its errors, for free(), or NULL. */
static char *load_main(config **c)
{
    char path[128];
    config_errors *errs = config_errors_new();
    snprintf(path, sizeof path, "%s/main.yaml", folder);
    config_err err = config_load(path, &configs_options, c, errs);
    char *text = err == CONFIG_OK ? NULL : config_errors_text(errs, NULL);
    config_errors_free(errs);
    return text;
}

/* Compare errors with `expected`, in which @ stands for the folder. */
static void expect_main_errors(const char *expected)
{
    config *c = NULL;
    char *text = load_main(&c), all[2048] = "";
    ck_assert_ptr_nonnull(text);
    for (const char *p = text; *p;) {
        size_t used = strlen(all);
        ck_assert_uint_lt(used, sizeof all - 2);
        if (strncmp(p, folder, strlen(folder)) == 0) {
            all[used] = '@';
            p += strlen(folder);
        } else {
            all[used] = *p++;
        }
    }
    ck_assert_str_eq(all, expected);
    free(text);
}

START_TEST(the_least_configuration_has_every_default)
{
    config *c = configs_load("version: 1\n");
    ck_assert_str_eq(c->file, "test.yaml");
    ck_assert_int_gt((int)strlen(c->system.name), 0);
    ck_assert_int_eq(c->system.workers, 0);
    ck_assert_int_eq(c->system.shutdown_timeout_us, 30 * SECOND);
    ck_assert_uint_eq(c->listener_count, 0);
    ck_assert_int_eq(c->limits.message_bytes, 1 << 20);
    ck_assert_int_eq(c->limits.in_flight_per_client, 64);
    ck_assert_int_eq(c->limits.clients, 1024);
    ck_assert_int_eq(c->limits.actors, 1000000);
    ck_assert_int_eq(c->log.level, CONFIG_LOG_INFO);
    ck_assert_int_eq(c->log.format, CONFIG_LOG_AUTO);
    ck_assert_str_eq(c->store.url, "memory:");
    ck_assert_int_eq(c->store.keep_done_us, 86400 * SECOND);
    ck_assert_int_eq(c->store.max_size_bytes, 1 << 30);
    ck_assert_ptr_nonnull(c->root);
    ck_assert_str_eq(c->root->name, "root");
    ck_assert_str_eq(c->root->path, "root");
    ck_assert_ptr_null(c->root->parent);
    ck_assert_int_eq(c->root->kind, CONFIG_KIND_SUPERVISOR);
    const config_supervisor *s = c->root->supervisor;
    ck_assert_int_eq(s->strategy, CONFIG_ONE_FOR_ONE);
    ck_assert_int_eq(s->max_restarts, 10);
    ck_assert_int_eq(s->within_us, 60 * SECOND);
    ck_assert(!s->backoff.none);
    ck_assert_int_eq(s->backoff.initial_us, SECOND / 10);
    ck_assert_int_eq(s->backoff.max_us, 30 * SECOND);
    ck_assert_double_eq_tol(s->backoff.factor, 2, 1e-9);
    ck_assert_int_eq(s->backoff.jitter, CONFIG_JITTER_FULL);
    ck_assert_int_eq(s->backoff.reset_after_us, 60 * SECOND);
    ck_assert_uint_eq(s->child_count, 0);
    config_free(c);
    config_free(NULL);
}
END_TEST

START_TEST(a_child_has_every_default)
{
    config *c = configs_load("version: 1\nsupervisor: {children: [{name: a, exec: [cat]}, "
                             "{name: b, worker: [cat]}, {name: s, supervisor: {}}]}\n");
    const config_child *a = config_find_child(c, "a"), *b = config_find_child(c, "b");
    const config_child *s = config_find_child(c, "s");
    ck_assert_int_eq(a->restart, CONFIG_PERMANENT);
    ck_assert_int_eq(a->shutdown_us, 5 * SECOND);
    ck_assert_int_eq(a->mailbox.capacity, 10000);
    ck_assert_int_eq(a->mailbox.on_full, CONFIG_FULL_REJECT);
    ck_assert_int_eq(a->timeout_us, 0);
    ck_assert_int_eq(a->ttl_us, 0);
    ck_assert_int_eq(a->priority, CONFIG_PRIORITY_NORMAL);
    ck_assert_ptr_null(a->retry);
    ck_assert_ptr_null(a->breaker);
    ck_assert_ptr_null(a->limit);
    ck_assert_int_eq(a->on_failure, CONFIG_DEAD_LETTER);
    ck_assert_uint_eq(a->env_count, 0);
    ck_assert_ptr_null(a->directory);
    ck_assert_ptr_null(a->user);
    ck_assert_int_eq(a->limits.memory_bytes, 0);
    ck_assert_uint_eq(a->exits_retry.count, 1);
    ck_assert_int_eq(a->exits_retry.items[0], 75);
    ck_assert_uint_eq(a->exits_reject.count, 1);
    ck_assert_int_eq(a->exits_reject.items[0], 65);
    ck_assert_int_eq(b->start, CONFIG_START_SPAWNED);
    ck_assert_int_eq(b->start_timeout_us, 10 * SECOND);
    ck_assert_int_eq(b->credits, 1);
    ck_assert_int_eq(s->shutdown_us, CONFIG_INFINITY);
    config_free(c);
}
END_TEST

static const char full[] =
    "version: 1\n"
    "x-note: {anything: [goes, here]}\n"
    "system: {name: demo, workers: 4, shutdown_timeout: 1m30s}\n"
    "listen:\n"
    "  - url: ipc:///run/demo.sock\n"
    "    mode: \"0660\"\n"
    "    group: staff\n"
    "    role: submit\n"
    "    via: nng\n"
    "    users: [root, deploy]\n"
    "  - url: tcp://127.0.0.1:7000\n"
    "    role: observe\n"
    "    token: abc\n"
    "  - url: tcp://[::1]:0\n"
    "limits: {message: 64KiB, in_flight_per_client: 2, clients: 3, actors: 4}\n"
    "log: {level: debug, format: json}\n"
    "store: {url: \"memory:\", keep_done: 1h, max_size: 10MiB}\n"
    "retries:\n"
    "  patient: {max_retries: 8, backoff: linear, initial: 250ms, max: 5m, factor: 1.5, jitter: "
    "equal, budget: 20%}\n"
    "  x-template: {nonsense: true}\n"
    "breakers:\n"
    "  partner: {window: 20 calls, min_calls: 10, failure_rate: 50%, slow_call: 2s, slow_rate: "
    "80%,\n"
    "            open_for: 30s, open_factor: 1.5, open_max: 10m, probes: 3, probe_timeout: 60s}\n"
    "  burst:   {consecutive_failures: 5, open_for: 10s, probes: 1}\n"
    "  timed:   {window: 60s, failure_rate: 25%, open_for: 1h}\n"
    "limiters:\n"
    "  gentle: {rate: 100/m, burst: 10, concurrency: 4, wait: 0}\n"
    "  narrow: {concurrency: 1}\n"
    "supervisor:\n"
    "  strategy: one_for_all\n"
    "  max_restarts: unlimited\n"
    "  backoff: none\n"
    "  auto_shutdown: never\n"
    "  children:\n"
    "    - name: outbound\n"
    "      shutdown: 7s\n"
    "      supervisor:\n"
    "        strategy: rest_for_one\n"
    "        max_restarts: 0 in 10s\n"
    "        backoff: {max: 50ms}\n"
    "        children:\n"
    "          - name: webhook\n"
    "            exec: [curl, -fsS, \"@-\", \"${HOME_URL}\", 5, true]\n"
    "            restart: transient\n"
    "            shutdown: kill\n"
    "            significant: false\n"
    "            instances: 1\n"
    "            exits: {retry: [1, 2], reject: []}\n"
    "            mailbox: {capacity: 10, on_full: drop_oldest, durable: false}\n"
    "            timeout: 10s\n"
    "            ttl: 15m\n"
    "            priority: critical\n"
    "            retry: patient\n"
    "            breaker: partner\n"
    "            limit: gentle\n"
    "            on_failure: crash\n"
    "            env: {KEY: value, EMPTY: \"\", NUMBER: 5, x-ignored: 1}\n"
    "            directory: /srv\n"
    "            user: nobody\n"
    "            limits: {memory: 256MiB, open_files: 256, cpu: 60s}\n"
    "          - name: other\n"
    "            worker: [python3, w.py]\n"
    "            x-comment: nothing\n"
    "            restart: temporary\n"
    "            shutdown: infinity\n"
    "            start: ready\n"
    "            start_timeout: 2s\n"
    "            credits: 5\n"
    "            breaker: partner\n"
    "            retry: {max_retries: 0, backoff: decorrelated, jitter: none}\n"
    "            limit: {rate: 5/s}\n"
    "    - {name: e, echo: {}, on_failure: drop}\n"
    "    - {name: c, counter: {}, priority: low}\n"
    "    - {name: s, sleep: {}, mailbox: {on_full: drop_newest}}\n";

START_TEST(settings_are_typed)
{
    config *c = configs_load(full);
    ck_assert_str_eq(c->system.name, "demo");
    ck_assert_int_eq(c->system.workers, 4);
    ck_assert_int_eq(c->system.shutdown_timeout_us, 90 * SECOND);
    ck_assert_uint_eq(c->listener_count, 3);
    const config_listener *l = c->listeners;
    ck_assert_str_eq(l[0].url, "ipc:///run/demo.sock");
    ck_assert_int_eq(l[0].scheme, CONFIG_SCHEME_IPC);
    ck_assert_str_eq(l[0].path, "/run/demo.sock");
    ck_assert_int_eq(l[0].mode, 0660);
    ck_assert_str_eq(l[0].group, "staff");
    ck_assert_int_eq(l[0].role, CONFIG_ROLE_SUBMIT);
    ck_assert_int_eq(l[0].via, CONFIG_VIA_NNG);
    ck_assert_uint_eq(l[0].users.count, 2);
    ck_assert_str_eq(l[0].users.items[1], "deploy");
    ck_assert_ptr_null(l[0].users.items[2]);
    ck_assert_ptr_null(l[0].token);
    ck_assert_int_eq(l[1].scheme, CONFIG_SCHEME_TCP);
    ck_assert_ptr_null(l[1].path);
    ck_assert_int_eq(l[1].mode, -1);
    ck_assert_str_eq(l[1].token, "abc");
    ck_assert_int_eq(l[1].role, CONFIG_ROLE_OBSERVE);
    ck_assert_int_eq(l[2].role, CONFIG_ROLE_ADMIN);
    ck_assert_int_eq(c->limits.message_bytes, 65536);
    ck_assert_int_eq(c->limits.in_flight_per_client, 2);
    ck_assert_int_eq(c->limits.clients, 3);
    ck_assert_int_eq(c->limits.actors, 4);
    ck_assert_int_eq(c->log.level, CONFIG_LOG_DEBUG);
    ck_assert_int_eq(c->log.format, CONFIG_LOG_JSON);
    ck_assert_int_eq(c->store.keep_done_us, 3600 * SECOND);
    ck_assert_int_eq(c->store.max_size_bytes, 10 << 20);
    config_free(c);
}
END_TEST

START_TEST(policies_are_typed)
{
    config *c = configs_load(full);
    ck_assert_uint_eq(c->retry_count, 1);
    ck_assert_uint_eq(c->breaker_count, 3);
    ck_assert_uint_eq(c->limiter_count, 2);
    const config_retry *r = config_find_retry(c, "patient");
    ck_assert(r->shared);
    ck_assert_int_eq(r->max_retries, 8);
    ck_assert_int_eq(r->backoff, CONFIG_BACKOFF_LINEAR);
    ck_assert_int_eq(r->initial_us, SECOND / 4);
    ck_assert_int_eq(r->max_us, 300 * SECOND);
    ck_assert_double_eq_tol(r->factor, 1.5, 1e-9);
    ck_assert_int_eq(r->jitter, CONFIG_JITTER_EQUAL);
    ck_assert_double_eq_tol(r->budget, 0.2, 1e-9);
    const config_breaker *b = config_find_breaker(c, "partner");
    ck_assert_int_eq(b->window_calls, 20);
    ck_assert_int_eq(b->window_us, 0);
    ck_assert_int_eq(b->min_calls, 10);
    ck_assert_double_eq_tol(b->failure_rate, 0.5, 1e-9);
    ck_assert_int_eq(b->slow_call_us, 2 * SECOND);
    ck_assert_double_eq_tol(b->slow_rate, 0.8, 1e-9);
    ck_assert_int_eq(b->consecutive_failures, 0);
    ck_assert_int_eq(b->open_for_us, 30 * SECOND);
    ck_assert_double_eq_tol(b->open_factor, 1.5, 1e-9);
    ck_assert_int_eq(b->open_max_us, 600 * SECOND);
    ck_assert_int_eq(b->probes, 3);
    ck_assert_int_eq(b->probe_timeout_us, 60 * SECOND);
    const config_limiter *l = config_find_limiter(c, "gentle");
    ck_assert_int_eq(l->rate_count, 100);
    ck_assert_int_eq(l->rate_per_us, 60 * SECOND);
    ck_assert_int_eq(l->burst, 10);
    ck_assert_int_eq(l->concurrency, 4);
    ck_assert_int_eq(l->wait, 0);
    ck_assert_int_eq(config_find_limiter(c, "narrow")->wait, CONFIG_INFINITY);
    ck_assert_ptr_null(config_find_limiter(c, "x-template"));
    ck_assert_ptr_null(config_find_retry(c, "x-template"));
    config_free(c);
}
END_TEST

START_TEST(what_a_breaker_leaves_out_follows_from_what_it_has)
{
    config *c = configs_load("version: 1\nbreakers:\n"
                             "  calls: {window: 20 calls, failure_rate: 50%}\n"
                             "  few: {window: 5 calls, min_calls: 10, failure_rate: 50%}\n"
                             "  time: {window: 1m, failure_rate: 50%}\n"
                             "  row: {consecutive_failures: 3, open_for: 1h}\n");
    ck_assert_int_eq(config_find_breaker(c, "calls")->min_calls, 20);
    ck_assert_int_eq(config_find_breaker(c, "few")->min_calls, 5);
    ck_assert_int_eq(config_find_breaker(c, "time")->min_calls, 10);
    ck_assert_int_eq(config_find_breaker(c, "time")->window_us, 60 * SECOND);
    ck_assert_int_eq(config_find_breaker(c, "row")->min_calls, 0);
    ck_assert_int_eq(config_find_breaker(c, "row")->open_max_us, 3600 * SECOND);
    ck_assert_int_eq(config_find_breaker(c, "calls")->open_max_us, 600 * SECOND);
    config_free(c);
}
END_TEST

START_TEST(children_are_typed_and_know_their_place)
{
    config *c = configs_load(full);
    const config_child *outbound = config_find_child(c, "outbound");
    const config_child *w = config_find_child(c, "webhook"), *o = config_find_child(c, "other");
    ck_assert_int_eq(c->root->supervisor->max_restarts, CONFIG_INFINITY);
    ck_assert(c->root->supervisor->backoff.none);
    ck_assert_int_eq(outbound->supervisor->strategy, CONFIG_REST_FOR_ONE);
    ck_assert_int_eq(outbound->supervisor->max_restarts, 0);
    ck_assert_int_eq(outbound->supervisor->within_us, 10 * SECOND);
    /* The default of 100ms gives way to a written maximum. */
    ck_assert_int_eq(outbound->supervisor->backoff.max_us, 50000);
    ck_assert_int_eq(outbound->supervisor->backoff.initial_us, 50000);
    ck_assert_int_eq(outbound->shutdown_us, 7 * SECOND);
    ck_assert_ptr_eq(w->parent, outbound);
    ck_assert_ptr_eq(outbound->parent, c->root);
    ck_assert_str_eq(w->path, "root/outbound/webhook");
    ck_assert_uint_eq(o->index, 1);
    ck_assert_int_eq(w->kind, CONFIG_KIND_EXEC);
    static const char *const argv[] = {"curl", "-fsS", "@-", "http://example.org/hook",
                                       "5",    "true"};
    ck_assert_uint_eq(w->argv.count, COUNT(argv));
    for (size_t i = 0; i < COUNT(argv); i++)
        ck_assert_str_eq(w->argv.items[i], argv[i]);
    ck_assert_ptr_null(w->argv.items[COUNT(argv)]);
    ck_assert_int_eq(w->restart, CONFIG_TRANSIENT);
    ck_assert_int_eq(w->shutdown_us, 0);
    ck_assert_uint_eq(w->exits_retry.count, 2);
    ck_assert_uint_eq(w->exits_reject.count, 0);
    ck_assert_int_eq(w->mailbox.capacity, 10);
    ck_assert_int_eq(w->mailbox.on_full, CONFIG_FULL_DROP_OLDEST);
    ck_assert_int_eq(w->timeout_us, 10 * SECOND);
    ck_assert_int_eq(w->ttl_us, 900 * SECOND);
    ck_assert_int_eq(w->priority, CONFIG_PRIORITY_CRITICAL);
    ck_assert_int_eq(w->on_failure, CONFIG_CRASH);
    ck_assert_uint_eq(w->env_count, 3);
    ck_assert_str_eq(w->env[0].name, "KEY");
    ck_assert_str_eq(w->env[0].value, "value");
    ck_assert_str_eq(w->env[1].value, "");
    ck_assert_str_eq(w->env[2].value, "5");
    ck_assert_str_eq(w->directory, "/srv");
    ck_assert_str_eq(w->user, "nobody");
    ck_assert_int_eq(w->limits.memory_bytes, 256 << 20);
    ck_assert_int_eq(w->limits.open_files, 256);
    ck_assert_int_eq(w->limits.cpu_us, 60 * SECOND);
    ck_assert_int_eq(o->start, CONFIG_START_READY);
    ck_assert_int_eq(o->start_timeout_us, 2 * SECOND);
    ck_assert_int_eq(o->credits, 5);
    ck_assert_int_eq(o->shutdown_us, CONFIG_INFINITY);
    ck_assert_int_eq(config_find_child(c, "c")->kind, CONFIG_KIND_COUNTER);
    ck_assert_int_eq(config_find_child(c, "s")->mailbox.on_full, CONFIG_FULL_DROP_NEWEST);
    config_free(c);
}
END_TEST

START_TEST(the_same_name_is_the_same_policy)
{
    config *c = configs_load(full);
    const config_child *w = config_find_child(c, "webhook"), *o = config_find_child(c, "other");
    ck_assert_ptr_eq(w->breaker, config_find_breaker(c, "partner"));
    ck_assert_ptr_eq(w->breaker, o->breaker);
    ck_assert_ptr_eq(w->retry, config_find_retry(c, "patient"));
    ck_assert(!o->retry->shared);
    ck_assert_str_eq(o->retry->name, "other");
    ck_assert_int_eq(o->retry->max_retries, 0);
    ck_assert_int_eq(o->retry->backoff, CONFIG_BACKOFF_DECORRELATED);
    ck_assert_int_eq(o->limit->rate_count, 5);
    ck_assert_int_eq(o->limit->burst, 1);
    config_free(c);
}
END_TEST

START_TEST(the_walk_goes_through_the_tree_in_start_order)
{
    static const char *const order[] = {"root", "outbound", "webhook", "other", "e", "c", "s"};
    config *c = configs_load(full);
    size_t i = 0;
    for (const config_child *x = c->root; x; x = config_next_child(c->root, x), i++)
        ck_assert_str_eq(x->name, order[i]);
    ck_assert_uint_eq(i, COUNT(order));
    const config_child *outbound = config_find_child(c, "outbound"), *x = outbound;
    for (i = 0; x; x = config_next_child(outbound, x))
        i++;
    ck_assert_uint_eq(i, 3);
    ck_assert_ptr_null(config_find_child(c, "nobody"));
    config_free(c);
}
END_TEST

START_TEST(words_are_those_of_the_file)
{
    config_priority p = CONFIG_PRIORITY_LOW;
    config_log_level level = CONFIG_LOG_ERROR;
    ck_assert_str_eq(config_kind_name(CONFIG_KIND_WORKER), "worker");
    ck_assert_str_eq(config_kind_name(CONFIG_KIND_SUPERVISOR), "supervisor");
    ck_assert_str_eq(config_strategy_name(CONFIG_REST_FOR_ONE), "rest_for_one");
    ck_assert_str_eq(config_restart_name(CONFIG_TRANSIENT), "transient");
    ck_assert_str_eq(config_role_name(CONFIG_ROLE_OBSERVE), "observe");
    ck_assert_str_eq(config_priority_name(CONFIG_PRIORITY_CRITICAL), "critical");
    ck_assert(config_priority_parse("high", &p));
    ck_assert_int_eq(p, CONFIG_PRIORITY_HIGH);
    ck_assert(!config_priority_parse("urgent", &p));
    ck_assert(config_log_level_parse("warning", &level));
    ck_assert_int_eq(level, CONFIG_LOG_WARN);
    ck_assert(!config_log_level_parse("loud", &level));
}
END_TEST

START_TEST(variables_expand_inside_scalars)
{
    static const struct {
        const char *written, *means;
    } rows[] = {
        {"${NUMBER}", "7"},
        {"a${NUMBER}b${NUMBER}", "a7b7"},
        {"${NOPE:-fallback}", "fallback"},
        {"${EMPTY:-fallback}", "fallback"},
        {"${NUMBER:-fallback}", "7"},
        {"${NOPE:-}", ""},
        {"${EMPTY}", ""},
        {"${NOPE:-a ${NUMBER} b}", "a 7 b"},
        {"${NUMBER:?must be set}", "7"},
        {"$$", "$"},
        {"$${NUMBER}", "${NUMBER}"},
        {"$$$${NUMBER}", "$${NUMBER}"},
        {"$NUMBER", "$NUMBER"},
        {"100$", "100$"},
        {"${DOLLAR}", "$HOME_URL ${NUMBER}"},
        {"${YAML}", "a: [b, *c]"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "version: 1\nsupervisor: {children: [{name: a, exec: [\"p\", \"%s\"]}]}\n",
                 rows[i].written);
        config *c = configs_load(text);
        ck_assert_str_eq(config_find_child(c, "a")->argv.items[1], rows[i].means);
        config_free(c);
    }
}
END_TEST

START_TEST(variables_serve_every_type_and_not_what_is_ignored)
{
    config *c = configs_load("version: 1\n"
                             "x-ignored: ${NOPE}\n"
                             "limits: {clients: \"${NUMBER}\"}\n"
                             "supervisor:\n"
                             "  children:\n"
                             "    - name: w${NUMBER}\n"
                             "      echo: {}\n"
                             "      significant: ${BOOL}\n"
                             "      timeout: ${NOPE:-3s}\n");
    ck_assert_int_eq(c->limits.clients, 7);
    ck_assert_int_eq(config_find_child(c, "w7")->timeout_us, 3 * SECOND);
    config_free(c);
}
END_TEST

START_TEST(a_secret_is_read_from_a_file_without_its_last_newline)
{
    char text[512];
    snprintf(text, sizeof text,
             "version: 1\nlisten: [{url: \"tcp://127.0.0.1:1\", token: \"${file:%s}\"}]\n"
             "supervisor: {children: [{name: a, exec: [p], env: {A: \"x ${file:%s}\", B: c}}]}\n",
             put("secret", "hunter2\n"), put("secret", "hunter2\n"));
    config *c = configs_load(text);
    ck_assert_str_eq(c->listeners[0].token, "hunter2");
    const config_child *a = config_find_child(c, "a");
    ck_assert_str_eq(a->env[0].value, "x hunter2");
    ck_assert(a->env[0].secret);
    ck_assert(!a->env[1].secret);
    config_free(c);
}
END_TEST

START_TEST(expanded_values_are_bounded)
{
    enum { FILE_SIZE = 65536, TIMES = 66 };
    char *big = malloc(FILE_SIZE + 1), text[TIMES * 96], path[64];
    ck_assert_ptr_nonnull(big);
    memset(big, 'x', FILE_SIZE);
    big[FILE_SIZE] = '\0';
    snprintf(path, sizeof path, "%s", put("big", big));
    free(big);
    static const char *const between[] = {"", "\", \""}; /* in one value, or in many */
    for (size_t k = 0; k < COUNT(between); k++) {
        size_t at = (size_t)snprintf(text, sizeof text,
                                     "version: 1\nsupervisor: {children: [{name: a, exec: [\"p");
        for (int i = 0; i < TIMES; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s${file:%s}", between[k], path);
        snprintf(text + at, sizeof text - at, "\"]}]}\n");
        config_errors *errs = config_errors_new();
        config *c = NULL;
        ck_assert_int_eq(config_load_text("t", text, strlen(text), NULL, &c, errs),
                         CONFIG_EINVALID);
        ck_assert_str_eq(config_errors_get(errs, 0)->message,
                         "the expanded values are larger than 4 MiB in all");
        config_errors_free(errs);
    }
}
END_TEST

START_TEST(a_byte_order_mark_and_crlf_are_fine)
{
    config *c = configs_load("\xEF\xBB\xBFversion: 1\r\nlog: {level: debug}\r\n");
    ck_assert_int_eq(c->log.level, CONFIG_LOG_DEBUG);
    config_free(c);
    configs_expect_errors("\xEF\xBB\xBFversoin: 1\r\n",
                          "test.yaml:1:1: error: unknown key 'versoin' in the configuration; did "
                          "you mean 'version'?\n"
                          "    versoin: 1\n"
                          "    ^\n");
}
END_TEST

START_TEST(included_files_are_merged_in_byte_order)
{
    put("main.yaml", "version: 1\n"
                     "retries: {a: {}}\n"
                     "supervisor: {strategy: one_for_all, children: [{name: first, echo: {}}]}\n"
                     "include: [conf.d/*.yaml]\n");
    put("conf.d/a.yaml", "retries: {ra: {max_retries: 1}}\n"
                         "supervisor: {children: [{name: from-a, echo: {}, retry: rb}]}\n");
    put("conf.d/b.yaml", "version: 1\nretries: {rb: {max_retries: 2}}\nx-any: 1\n"
                         "log: {level: error}\n");
    put("conf.d/B.yaml", "supervisor: {children: [{name: from-B, echo: {}}]}\n");
    config *c = NULL;
    char *errors = load_main(&c);
    ck_assert_msg(!errors, "%s", errors);
    ck_assert_uint_eq(c->retry_count, 3);
    ck_assert_int_eq(c->root->supervisor->strategy, CONFIG_ONE_FOR_ALL);
    config_child *const *children = c->root->supervisor->children;
    ck_assert_uint_eq(c->root->supervisor->child_count, 3);
    ck_assert_str_eq(children[0]->name, "first");
    ck_assert_str_eq(children[1]->name, "from-B");
    ck_assert_str_eq(children[2]->name, "from-a");
    ck_assert_int_eq(children[2]->retry->max_retries, 2);
    ck_assert_int_eq(c->log.level, CONFIG_LOG_ERROR);
    config_free(c);
}
END_TEST

START_TEST(a_name_defined_in_two_files_cites_both)
{
    put("main.yaml", "version: 1\nretries: {p: {}}\nlog: {level: info}\n"
                     "supervisor: {children: [{name: a, echo: {}}]}\ninclude: [conf.d/a.yaml]\n");
    put("conf.d/a.yaml", "retries: {p: {}}\nlog: {level: debug}\n"
                         "supervisor: {children: [{name: a, echo: {}}]}\n");
    expect_main_errors("@/conf.d/a.yaml:1:11: error: 'p' is defined twice; first at "
                       "@/main.yaml:2:11\n"
                       "    retries: {p: {}}\n"
                       "              ^\n"
                       "@/conf.d/a.yaml:2:7: error: 'level' is defined twice; first at "
                       "@/main.yaml:3:7\n"
                       "    log: {level: debug}\n"
                       "          ^\n"
                       "@/conf.d/a.yaml:3:32: error: the name 'a' is used twice; first at "
                       "@/main.yaml:4:32\n"
                       "    supervisor: {children: [{name: a, echo: {}}]}\n"
                       "                                   ^\n");
}
END_TEST

START_TEST(an_include_cycle_is_an_error_and_ends)
{
    put("main.yaml", "version: 1\ninclude: [conf.d/a.yaml]\n");
    put("conf.d/a.yaml", "include: [../main.yaml]\n");
    expect_main_errors("@/conf.d/a.yaml:1:11: error: '@/conf.d/../main.yaml' includes itself\n"
                       "    include: [../main.yaml]\n"
                       "              ^\n");
}
END_TEST

START_TEST(a_file_included_twice_is_an_error)
{
    put("main.yaml", "version: 1\ninclude: [conf.d/a.yaml, conf.d/*.yaml]\n");
    put("conf.d/a.yaml", "x-nothing: 1\n");
    expect_main_errors("@/main.yaml:2:26: error: '@/conf.d/a.yaml' is included twice; first at "
                       "@/main.yaml:2:11\n"
                       "    include: [conf.d/a.yaml, conf.d/*.yaml]\n"
                       "                             ^\n");
}
END_TEST

START_TEST(errors_of_an_included_file_cite_it)
{
    put("main.yaml", "version: 1\nlgo: {}\ninclude: [conf.d/*.yaml]\n");
    put("conf.d/a.yaml", "version: 3\nretries: {a: {max: 5}}\n");
    expect_main_errors("@/main.yaml:2:1: error: unknown key 'lgo' in the configuration; did you "
                       "mean 'log'?\n"
                       "    lgo: {}\n"
                       "    ^\n"
                       "@/conf.d/a.yaml:1:10: error: version: '3' is not known to this actord; "
                       "did you mean '1'?\n"
                       "    version: 3\n"
                       "             ^\n"
                       "@/conf.d/a.yaml:2:20: error: max: '5' needs a unit; did you mean '5s'?\n"
                       "    retries: {a: {max: 5}}\n"
                       "                       ^\n");
}
END_TEST

START_TEST(a_pattern_may_match_nothing)
{
    put("main.yaml", "version: 1\ninclude: [conf.d/*.yaml]\n");
    config *c = NULL;
    char *errors = load_main(&c);
    ck_assert_msg(!errors, "%s", errors);
    config_free(c);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_error_without_a_place)
{
    expect_main_errors("@/main.yaml: error: can't read the file: No such file or directory\n");
}
END_TEST

START_TEST(programs_folders_and_users_are_checked_on_demand)
{
    char text[1024], path[128];
    snprintf(path, sizeof path, "%s", put("program", "#!/bin/sh\n"));
    ck_assert_int_eq(chmod(path, 0700), 0);
    put("conf.d/b.yaml", "");
    snprintf(text, sizeof text,
             "version: 1\n"
             "listen: [{url: ipc:///s, users: [root, no-such-user, 0], group: no-such-group}]\n"
             "supervisor:\n"
             "  children:\n"
             "    - {name: a, exec: [sh], user: no-such-user}\n"
             "    - {name: b, exec: [%s], user: root}\n"
             "    - {name: c, exec: [./program], directory: %s}\n"
             "    - {name: d, exec: [program], env: {PATH: \"/nowhere:%s\"}}\n"
             "    - {name: e, exec: [no-such-program]}\n"
             "    - {name: f, worker: [./program], directory: /}\n"
             "    - {name: g, worker: [sh], directory: /nonexistent}\n"
             "    - {name: h, worker: [./b.yaml], directory: %s/conf.d}\n"
             "    - {name: i, exec: [sh], env: {PATH: /nowhere}}\n",
             path, folder, folder, folder);
    config *c = configs_load(text);
    config_errors *errs = config_errors_new();
    ck_assert_int_eq(config_check_files(c, errs), CONFIG_EINVALID);
    static const char *const expected[] = {
        "users: there is no user 'no-such-user'",
        "group: there is no group 'no-such-group'",
        "user: there is no user 'no-such-user'",
        "exec: the program 'no-such-program' can't be run: not found",
        "worker: the program './program' can't be run: not found",
        "directory: '/nonexistent': No such file or directory",
        "worker: the program './b.yaml' can't be run: Permission denied",
        "exec: the program 'sh' can't be run: not found",
    };
    ck_assert_uint_eq(config_errors_count(errs), COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        ck_assert_str_eq(config_errors_get(errs, i)->message, expected[i]);
    ck_assert_int_eq(config_errors_get(errs, 3)->at.line, 9);
    ck_assert_int_eq(config_errors_get(errs, 3)->at.column, 24);
    config_errors_free(errs);
    config_free(c);
}
END_TEST

/* {"name": NAME, "exec": ["cat"], "retry": RETRY} as the daemon builds it from JSON. */
static config_node *child_node(const char *name, const char *retry)
{
    config_tree *tree = config_tree_new("params");
    config_node *map = config_node_map(tree), *argv = config_node_list(tree);
    config_node_set(map, "name", config_node_scalar(tree, name, strlen(name), true));
    config_node_append(argv, config_node_scalar(tree, "cat", 3, true));
    config_node_append(argv, config_node_scalar(tree, "${NUMBER}", 9, true));
    config_node_set(map, "exec", argv);
    config_node_set(map, "retry", config_node_scalar(tree, retry, strlen(retry), true));
    ck_assert(!config_tree_oom(tree));
    return map;
}

START_TEST(a_child_from_parameters_copies_the_named_policy)
{
    config *base = configs_load(full);
    config_errors *errs = config_errors_new();
    config_node *n = child_node("new", "patient");
    config_child *child = NULL;
    ck_assert_int_eq(config_child_from_node(base, n, &child, errs), CONFIG_OK);
    config_free(base);
    ck_assert_str_eq(child->name, "new");
    ck_assert_int_eq(child->kind, CONFIG_KIND_EXEC);
    ck_assert_ptr_null(child->parent);
    ck_assert_int_eq(child->shutdown_us, 5 * SECOND);
    ck_assert_str_eq(child->retry->name, "patient");
    ck_assert(child->retry->shared);
    ck_assert_int_eq(child->retry->max_retries, 8);
    /* Parameters come over the network: nothing is expanded. */
    ck_assert_str_eq(child->argv.items[1], "${NUMBER}");
    config_tree_free(n->tree);
    config_errors_free(errs);
}
END_TEST

START_TEST(errors_of_parameters_have_no_place_but_the_same_words)
{
    config *base = configs_load(full);
    config_errors *errs = config_errors_new();
    config_node *n = child_node("bad name", "patent");
    config_node_set(n, "tiemout", config_node_scalar(n->tree, "5", 1, false));
    config_child *child = NULL;
    ck_assert_int_eq(config_child_from_node(base, n, &child, errs), CONFIG_EINVALID);
    ck_assert_ptr_null(child);
    char *text = config_errors_text(errs, NULL);
    ck_assert_str_eq(
        text,
        "params: error: unknown key 'tiemout' in a child; did you mean 'timeout'?\n"
        "params: error: name: 'bad name' is not a name; valid: 1 to 128 of A-Z a-z 0-9 _ . -\n"
        "params: error: timeout: '5' needs a unit; did you mean '5s'?\n"
        "params: error: there is no retry policy 'patent'; did you mean 'patient'?\n");
    free(text);
    config_tree_free(n->tree);
    config_errors_free(errs);
    config_free(base);
}
END_TEST

START_TEST(parameters_may_be_a_subtree_without_duplicates)
{
    config *base = configs_load(full);
    config_errors *errs = config_errors_new();
    config_tree *tree = config_tree_new("params");
    config_node *n = config_node_map(tree), *s = config_node_map(tree),
                *list = config_node_list(tree);
    config_node_set(n, "name", config_node_scalar(tree, "sub", 3, true));
    config_node *inner = config_node_map(tree);
    config_node_set(inner, "name", config_node_scalar(tree, "in", 2, true));
    config_node_set(inner, "echo", config_node_map(tree));
    config_node_append(list, inner);
    config_node_set(s, "children", list);
    config_node_set(n, "supervisor", s);
    config_child *child = NULL;
    ck_assert_int_eq(config_child_from_node(base, n, &child, errs), CONFIG_OK);
    ck_assert_ptr_eq(child->supervisor->children[0]->parent, child);
    ck_assert_str_eq(child->supervisor->children[0]->path, "root/sub/in");
    config_node_set(inner, "name", config_node_scalar(tree, "in", 2, true));
    ck_assert_int_eq(config_child_from_node(base, n, &child, errs), CONFIG_EINVALID);
    ck_assert_str_eq(config_errors_get(errs, 0)->message, "'name' is written twice");
    config_tree_free(tree);
    config_tree_free(NULL);
    config_errors_free(errs);
    config_free(base);
}
END_TEST

/* The key has a line, and its default is in it. */
static void find_in_docs(void *arg, const char *path, const config_row *row)
{
    char key[160], line[1024], standard[80];
    snprintf(key, sizeof key, "| `%s` |", path);
    const char *found = strstr(arg, key);
    ck_assert_msg(found, "docs/config.md says nothing about %s", path);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(found, "\n"), found);
    if (row->flags & ROW_LATER)
        ck_assert_msg(strstr(line, "Not supported yet"), "%s", line);
    snprintf(standard, sizeof standard, "| `%s` |", row->standard ? row->standard : "");
    ck_assert_msg(!row->standard || strstr(line, standard), "another default: %s", line);
}

START_TEST(every_key_is_in_the_reference)
{
    static char text[1 << 17];
    FILE *f = fopen("docs/config.md", "r");
    ck_assert_msg(f, "run the tests from the root of the tree");
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    schema_each(find_in_docs, text);
}
END_TEST

START_TEST(the_shipped_configuration_is_valid)
{
    config_errors *errs = config_errors_new();
    config *c = NULL;
    ck_assert_int_eq(config_load("config/actord.yaml", NULL, &c, errs), CONFIG_OK);
    ck_assert_int_eq(config_check_files(c, errs), CONFIG_OK);
    ck_assert_ptr_nonnull(config_find_child(c, "echo"));
    ck_assert_ptr_nonnull(config_find_child(c, "counter"));
    config_free(c);
    config_errors_free(errs);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_least_configuration_has_every_default,
                                  a_child_has_every_default,
                                  settings_are_typed,
                                  policies_are_typed,
                                  what_a_breaker_leaves_out_follows_from_what_it_has,
                                  children_are_typed_and_know_their_place,
                                  the_same_name_is_the_same_policy,
                                  the_walk_goes_through_the_tree_in_start_order,
                                  words_are_those_of_the_file,
                                  variables_expand_inside_scalars,
                                  expanded_values_are_bounded,
                                  variables_serve_every_type_and_not_what_is_ignored,
                                  a_secret_is_read_from_a_file_without_its_last_newline,
                                  a_byte_order_mark_and_crlf_are_fine,
                                  included_files_are_merged_in_byte_order,
                                  a_name_defined_in_two_files_cites_both,
                                  an_include_cycle_is_an_error_and_ends,
                                  a_file_included_twice_is_an_error,
                                  errors_of_an_included_file_cite_it,
                                  a_pattern_may_match_nothing,
                                  a_file_that_cannot_be_read_is_an_error_without_a_place,
                                  programs_folders_and_users_are_checked_on_demand,
                                  a_child_from_parameters_copies_the_named_policy,
                                  errors_of_parameters_have_no_place_but_the_same_words,
                                  parameters_may_be_a_subtree_without_duplicates,
                                  every_key_is_in_the_reference,
                                  the_shipped_configuration_is_valid,
                                  NULL};
    return suite_run("config_loader", tests, setup, teardown);
}
