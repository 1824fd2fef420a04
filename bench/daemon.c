/* The daemon against NNG itself: `ask echo` and a raw echo in one run, memory and idling.
 *
 *     daemon ACTORD      measure that program; exit status 1 if a goal is missed, 2 if it can't
 *
 * Repetitions are interleaved, A B A B, so that what else the machine does hits all alike; compared
 * is only what stands side by side. Each figure is also printed as a line for programs:
 *
 *     RESULT target measure min median max unit
 *     GOAL name value limit ok|missed
 */
#include "bench/load.h"
#include "bench/server.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPETITIONS = 5, PAYLOAD = 100, MANY_ACTORS = 1000, IDLE_SECONDS = 10, REQUEST_ROOM = 300 };
static const double SECONDS = 0.7; /* of one measurement */

typedef enum measure { W1_P50, W1_P99, W64, W64_CPU, EIGHT, MEASURES } measure;
static const struct {
    const char *name, *unit, *text;
} measures[MEASURES] = {
    [W1_P50] = {"w1_p50", "us", "one at a time, p50, µs"},
    [W1_P99] = {"w1_p99", "us", "one at a time, p99, µs"},
    [W64] = {"w64", "1/s", "64 at a time, /s"},
    [W64_CPU] = {"w64_cpu", "us", "  CPU of the server a job, µs"},
    [EIGHT] = {"8x1", "1/s", "8 clients, one each, /s"},
};

typedef enum target { RAW, OWN, VIA_NNG, PLAIN, TARGETS } target;
static const struct {
    const char *name, *text, *socket;
    bool (*run)(const load *l, load_result *r);
} targets[TARGETS] = {
    [RAW] = {"raw", "NNG, raw REP", "raw", load_nng},
    [OWN] = {"own", "actord", "own", load_nng},
    [VIA_NNG] = {"nng", "actord, via: nng", "nng", load_nng},
    [PLAIN] = {"plain", "actord, client on a bare socket", "own", load_plain},
};

typedef struct bench {
    char *actord, *self;
    char directory[32];
    char payload[PAYLOAD + 1], request[REQUEST_ROOM], answer[REQUEST_ROOM];
    server raw, daemon, many;
    series results[TARGETS][MEASURES], ratios[TARGETS][MEASURES]; /* to RAW, of one repetition */
    long rss_kib, idle_ticks, idle_switches;
    double idle_percent;
} bench;

/* ---- servers ---- */

static char *path_in(const bench *b, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", b->directory, name);
    return path;
}

static bool write_config(const bench *b, const char *path, unsigned actors)
{
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        return false;
    }
    fprintf(f,
            "version: 1\nlog: {level: error}\nlisten:\n"
            "  - url: ipc://%s/%s\n  - url: ipc://%s/%s\n    via: nng\n"
            "supervisor:\n  children:\n    - {name: echo, echo: {}}\n",
            b->directory, actors > 1 ? "own-many" : "own", b->directory,
            actors > 1 ? "nng-many" : "nng");
    for (unsigned i = 1; i < actors; i++)
        fprintf(f, "    - {name: echo-%u, echo: {}}\n", i);
    return fclose(f) == 0;
}

static bool start_daemon(bench *b, server *s, const char *config, unsigned actors)
{
    char path[PATH_MAX];
    char *argv[] = {b->actord, "--config", path_in(b, config, path), NULL};
    bool ok = write_config(b, path, actors) && server_start(s, argv, b->directory);
    unlink(path);
    return ok;
}

static bool start_raw(bench *b)
{
    char path[PATH_MAX], url[PATH_MAX + 8];
    snprintf(url, sizeof url, "ipc://%s", path_in(b, targets[RAW].socket, path));
    char *argv[] = {b->self, "--raw-echo", url, NULL};
    return server_start(&b->raw, argv, b->directory);
}

static void make_texts(bench *b)
{
    int n = snprintf(b->payload, sizeof b->payload, "{\"n\":12345678901234567890,\"text\":\"");
    memset(b->payload + n, 'x', (size_t)(PAYLOAD - n));
    memcpy(b->payload + PAYLOAD - 2, "\"}", 3);
    snprintf(b->request, sizeof b->request,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":\"echo\","
             "\"msg\":%s}}",
             b->payload);
    snprintf(b->answer, sizeof b->answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}",
             b->payload);
}

/* ---- measuring ---- */

static bool note(bench *b, target t, measure m, double value)
{
    return series_add(&b->results[t][m], value);
}

/* One load on one target; the times of its requests are in r. */
static bool run(const bench *b, target t, unsigned clients, unsigned window, load_result *r)
{
    char path[PATH_MAX], url[PATH_MAX + 8];
    snprintf(url, sizeof url, "ipc://%s", path_in(b, targets[t].socket, path));
    load l = {.url = url,
              .request = t == RAW ? b->payload : b->request,
              .answer = t == RAW ? b->payload : b->answer,
              .clients = clients,
              .window = window,
              .seconds = SECONDS};
    l.request_len = strlen(l.request);
    l.answer_len = strlen(l.answer);
    return targets[t].run(&l, r);
}

static bool measure_w1(bench *b, target t)
{
    load_result r;
    bool ok = run(b, t, 1, 1, &r) && note(b, t, W1_P50, series_at(&r.times, 0.5)) &&
              note(b, t, W1_P99, series_at(&r.times, 0.99));
    series_free(&r.times);
    return ok;
}

static bool measure_w64(bench *b, target t)
{
    const server *s = t == RAW ? &b->raw : &b->daemon;
    load_result r;
    double before = server_cpu_us(s);
    return run(b, t, 1, 64, &r) && note(b, t, W64, r.jobs / r.seconds) &&
           note(b, t, W64_CPU, (server_cpu_us(s) - before) / r.jobs);
}

static bool measure_eight(bench *b, target t)
{
    load_result r;
    return run(b, t, 8, 1, &r) && note(b, t, EIGHT, r.jobs / r.seconds);
}

/* All targets side by side, who begins changes. */
static bool repeat(bench *b, int repetition)
{
    static bool (*const all[])(bench *, target) = {measure_w1, measure_w64, measure_eight};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (int t = 0; t < TARGETS; t++)
            if (!all[i](b, (target)((t + repetition) % TARGETS)))
                return false;
    for (int t = 0; t < TARGETS; t++)
        for (int m = 0; m < MEASURES; m++) {
            double raw = b->results[RAW][m].values[repetition];
            if (!series_add(&b->ratios[t][m], b->results[t][m].values[repetition] / raw))
                return false;
        }
    return true;
}

/* A daemon with many actors and nothing to do; the first second is left for it to settle. */
static bool measure_idle(bench *b)
{
    if (!start_daemon(b, &b->many, "many.yaml", MANY_ACTORS))
        return false;
    sleep(1);
    long ticks = server_cpu_ticks(&b->many), switches = server_switches(&b->many);
    double cpu = server_cpu_us(&b->many);
    sleep(IDLE_SECONDS);
    b->idle_ticks = server_cpu_ticks(&b->many) - ticks;
    b->idle_switches = server_switches(&b->many) - switches;
    b->idle_percent = (server_cpu_us(&b->many) - cpu) / (IDLE_SECONDS * 1e4);
    server_stop(&b->many);
    return ticks >= 0;
}

static bool measure_all(bench *b)
{
    if (!start_daemon(b, &b->daemon, "one.yaml", 1))
        return false;
    b->rss_kib = server_rss_kib(&b->daemon);
    if (!measure_idle(b) || !start_raw(b))
        return false;
    for (int i = 0; i < REPETITIONS; i++)
        if (!repeat(b, i))
            return false;
    return true;
}

/* ---- telling ---- */

static void put_series(series *s)
{
    printf("  %9.4g %9.4g %9.4g", series_at(s, 0), series_at(s, 0.5), series_at(s, 1));
}

static void put_results(bench *b)
{
    printf("Payloads of %d bytes over ipc://, %d interleaved repetitions of %.1f s\n\n%35s%26s%s\n",
           PAYLOAD, REPETITIONS, SECONDS, "", "min    median       max", "   x raw REP");
    for (int m = 0; m < MEASURES; m++) {
        printf("%s\n", measures[m].text);
        for (int t = 0; t < TARGETS; t++) {
            printf("    %-31s", targets[t].text);
            put_series(&b->results[t][m]);
            printf("  %10.2f\n", series_at(&b->ratios[t][m], 0.5));
        }
    }
    printf("\nMemory at start %.1f MiB; idle with %d actors for %d s: %.4f %% CPU, %ld ticks, "
           "%ld wake-ups\n\n",
           (double)b->rss_kib / 1024, MANY_ACTORS, IDLE_SECONDS, b->idle_percent, b->idle_ticks,
           b->idle_switches);
    for (int t = 0; t < TARGETS; t++)
        for (int m = 0; m < MEASURES; m++)
            printf("RESULT %s %s %.6g %.6g %.6g %s\n", targets[t].name, measures[m].name,
                   series_at(&b->results[t][m], 0), series_at(&b->results[t][m], 0.5),
                   series_at(&b->results[t][m], 1), measures[m].unit);
}

typedef struct goal {
    const char *name, *text;
    double value, limit;
    bool at_least;
} goal;

static const char *verdict(const goal *g, bool *missed)
{
    bool ok = g->at_least ? g->value >= g->limit : g->value <= g->limit;
    *missed = *missed || !ok;
    return ok ? "ok" : "missed";
}

/* The goals of the default listener, and the latency of NNG's; what its w64 lacks is in
 * docs/bench.md. False if one is missed. */
static bool put_goals(bench *b)
{
    const goal goals[] = {
        {"own_w1", "one at a time, x raw", series_at(&b->ratios[OWN][W1_P50], 0.5), 1.3, false},
        {"own_w64", "64 at a time, x raw", series_at(&b->ratios[OWN][W64], 0.5), 0.8, true},
        {"nng_w1", "via: nng, one at a time", series_at(&b->ratios[VIA_NNG][W1_P50], 0.5), 1.3,
         false},
        {"rss", "memory at start, MiB", (double)b->rss_kib / 1024, 12, false},
        {"idle_cpu", "idle, ticks of CPU", (double)b->idle_ticks, 0, false},
        {"idle_wakeups", "idle, wake-ups", (double)b->idle_switches, 0, false},
    };
    bool missed = false;
    printf("\n%-28s%10s%12s\n", "Goal", "is", "should be");
    for (const goal *g = goals; g < goals + sizeof goals / sizeof *goals; g++)
        printf("%-28s%10.3g   %s %-6.3g  %s\n", g->text, g->value,
               g->at_least ? ">=" : "<=", g->limit, verdict(g, &missed));
    for (const goal *g = goals; g < goals + sizeof goals / sizeof *goals; g++)
        printf("GOAL %s %.6g %.6g %s\n", g->name, g->value, g->limit, verdict(g, &missed));
    return !missed;
}

static void clean_up(bench *b)
{
    char path[PATH_MAX];
    server_stop(&b->raw);
    server_stop(&b->daemon);
    server_stop(&b->many);
    for (int t = 0; t < TARGETS; t++) {
        unlink(path_in(b, targets[t].socket, path));
        for (int m = 0; m < MEASURES; m++) {
            series_free(&b->results[t][m]);
            series_free(&b->ratios[t][m]);
        }
    }
    if (rmdir(b->directory) != 0)
        perror(b->directory);
}

int main(int argc, char **argv)
{
    static bench b = {.directory = "/tmp/actord-bench-XXXXXX"};
    if (argc == 3 && strcmp(argv[1], "--raw-echo") == 0)
        return server_raw_echo(argv[2]);
    if (argc != 2) {
        fprintf(stderr, "usage: %s ACTORD\n", argv[0]);
        return 2;
    }
    b.self = argv[0];
    b.actord = argv[1];
    if (!mkdtemp(b.directory)) {
        perror(b.directory);
        return 2;
    }
    make_texts(&b);
    bool measured = measure_all(&b), reached = false;
    if (measured) {
        put_results(&b);
        reached = put_goals(&b);
    }
    clean_up(&b);
    return !measured ? 2 : reached ? 0 : 1;
}
