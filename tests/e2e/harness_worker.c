#include "tests/e2e/harness_worker.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { TIMEOUT_S = 60, HELD_MAX = 16, ID_MAX = 64 };

static char held[HELD_MAX][ID_MAX];
static int held_count;
static bool confirms, silent;

/* ---- what it says ---- */

static void put(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR)
            _exit(99); /* the daemon is gone, or wants no more */
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
}

static void say(const char *id, const char *text, const char *end)
{
    char *line = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&line, &len);
    if (!out)
        _exit(98);
    for (; *text; text++)
        if (*text == '@')
            fprintf(out, "\"%s\"", id);
        else
            fputc(*text, out);
    fputs(end, out);
    fclose(out);
    put(STDOUT_FILENO, line, len);
    free(line);
}

static void reply(const char *id, const char *json)
{
    char *line;
    if (asprintf(&line, "{\"id\":\"%s\",\"reply\":%s}\n", id, json) < 0)
        _exit(98);
    put(STDOUT_FILENO, line, strlen(line));
    free(line);
}

static void reply_text(const char *id, const char *text)
{
    cJSON *string = cJSON_CreateString(text);
    char *json = cJSON_PrintUnformatted(string);
    reply(id, json);
    free(json);
    cJSON_Delete(string);
}

static void flood(int fd, size_t bytes)
{
    char block[1000];
    memset(block, 'x', sizeof block);
    if (fd == STDERR_FILENO)
        block[sizeof block - 1] = '\n';
    while (bytes > 0) {
        size_t n = bytes < sizeof block ? bytes : sizeof block;
        put(fd, block, n);
        bytes -= n;
    }
}

static void hold(const char *id)
{
    if (held_count < HELD_MAX)
        snprintf(held[held_count++], ID_MAX, "%s", id);
}

static void release(void)
{
    int count = held_count;
    char text[16];
    snprintf(text, sizeof text, "%d", count);
    while (held_count > 0)
        reply(held[--held_count], text);
}

static void wait_for_file(const char *path)
{
    char directory[PATH_MAX], events[4096];
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    int fd = inotify_init1(IN_CLOEXEC);
    if (fd < 0 || inotify_add_watch(fd, directory, IN_CREATE | IN_MOVED_TO) < 0)
        _exit(97);
    while (access(path, F_OK) != 0)
        if (read(fd, events, sizeof events) < 0 && errno != EINTR)
            _exit(97);
    close(fd);
}

/* Until a signal ends it. */
static _Noreturn void stay(void)
{
    for (;;)
        pause();
}

/* ---- what it is told ---- */

static void obey(const char *id, const char *line, const cJSON *step)
{
    const char *text = cJSON_GetStringValue(step);
    const char *what = step->string;
    double number = step->valuedouble;
    if (strcmp(what, "say") == 0)
        say(id, text, "\n");
    else if (strcmp(what, "mutter") == 0)
        say(id, text, "");
    else if (strcmp(what, "stderr") == 0)
        put(STDERR_FILENO, text, strlen(text));
    else if (strcmp(what, "flood") == 0)
        flood(STDOUT_FILENO, (size_t)number);
    else if (strcmp(what, "flood_stderr") == 0)
        flood(STDERR_FILENO, (size_t)number);
    else if (strcmp(what, "line") == 0)
        reply_text(id, line);
    else if (strcmp(what, "hold") == 0)
        hold(id);
    else if (strcmp(what, "release") == 0)
        release();
    else if (strcmp(what, "close") == 0)
        close(STDIN_FILENO);
    else if (strcmp(what, "exit") == 0)
        _exit((int)number);
    else if (strcmp(what, "signal") == 0)
        raise((int)number);
    else if (strcmp(what, "pause") == 0)
        stay();
    else if (strcmp(what, "wait") == 0)
        wait_for_file(text);
    else
        _exit(96);
}

static void take_message(const char *id, const char *line, const cJSON *msg)
{
    if (silent)
        return;
    if (!cJSON_IsObject(msg)) {
        char *json = cJSON_PrintUnformatted(msg);
        reply(id, json);
        free(json);
        return;
    }
    for (const cJSON *step = msg->child; step; step = step->next)
        obey(id, line, step);
}

static void take_line(const char *line)
{
    cJSON *json = cJSON_ParseWithOpts(line, NULL, true);
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(json, "id");
    const cJSON *cancel = cJSON_GetObjectItemCaseSensitive(json, "cancel");
    if (!json)
        _exit(95); /* the daemon must never write such a line */
    if (id)
        take_message(id->valuestring, line, cJSON_GetObjectItemCaseSensitive(json, "msg"));
    else if (cancel && confirms)
        say(cancel->valuestring, "{\"id\":@,\"error\":\"cancelled\"}", "\n");
    else if (cJSON_GetObjectItemCaseSensitive(json, "ref") && held_count > 0)
        reply(held[--held_count], line);
    cJSON_Delete(json);
}

static void note(const char *line)
{
    const char *path = getenv("WORKER_LOG");
    if (!path)
        return;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dprintf(fd, "%s %s\n", getenv("ACTORD_ACTOR"), line);
    close(fd);
}

static int worker(int argc, char **argv)
{
    bool stubborn = false;
    for (int i = 2; i < argc; i++) {
        stubborn |= strcmp(argv[i], "stubborn") == 0;
        confirms |= strcmp(argv[i], "confirm") == 0;
        silent |= strcmp(argv[i], "mute") == 0;
        if (stubborn || strcmp(argv[i], "patient") == 0)
            signal(SIGTERM, SIG_IGN);
        if (strcmp(argv[i], "ready") == 0)
            say("", "{\"ready\":true}", "\n");
        if (strcmp(argv[i], "deaf") == 0)
            stay();
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    while ((n = getline(&line, &room, stdin)) > 0) {
        if (line[n - 1] == '\n')
            line[n - 1] = '\0';
        note(line);
        take_line(line);
    }
    free(line);
    if (stubborn)
        stay();
    return 0;
}

/* ---- the test program ---- */

int worker_or_tests(int argc, char **argv, const char *name, const TTest *const *tests)
{
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        return worker(argc, argv);
    char self[PATH_MAX] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0 || setenv("SELF", self, 1) != 0)
        return 1;
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);
    tcase_set_timeout(cases, TIMEOUT_S);
    for (; *tests; tests++)
        tcase_add_test(cases, *tests);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
