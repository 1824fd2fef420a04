#include "tests/e2e/harness_ctl.h"

#include <check.h>
#include <errno.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_WORDS 64

static char *last_out, *last_err; /* of the run before */

static struct {
    pid_t pid;
    FILE *out;
    FILE *err;
} running; /* between ctl_start() and ctl_finish() */

static char *program(void)
{
    char *path = getenv("ACTORCTL");
    return path ? path : "build/actorctl";
}

/* Split `line` in place into argv, after the program. */
static void split(char *line, char **argv)
{
    size_t count = 0;
    argv[count++] = program();
    for (char *p = line; *p;) {
        while (*p == ' ')
            *p++ = '\0';
        if (!*p)
            break;
        ck_assert_uint_lt(count, MOST_WORDS - 1);
        char end = *p == '\'' ? '\'' : ' ';
        argv[count++] = end == '\'' ? ++p : p;
        while (*p && *p != end)
            p++;
        if (*p)
            *p++ = '\0';
    }
    argv[count] = NULL;
}

/* The environment with our URL, and without what would change the answers. Until the next call. */
static char **environment(const char *url)
{
    static char *variables[256];
    static char address[160];
    size_t count = 0;
    for (char **p = environ; *p && count < 250; p++) {
        if (strncmp(*p, "ACTORCTL_URL=", 13) != 0 && strncmp(*p, "NO_COLOR=", 9) != 0 &&
            strncmp(*p, "TERM=", 5) != 0)
            variables[count++] = *p;
    }
    snprintf(address, sizeof address, "ACTORCTL_URL=%s", url);
    variables[count++] = address;
    variables[count++] = "TERM=xterm";
    variables[count] = NULL;
    return variables;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static char *read_all(FILE *f)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    char block[4096];
    size_t got;
    rewind(f);
    while ((got = fread(block, 1, sizeof block, f)) > 0)
        fwrite(block, 1, got, memory);
    fclose(memory);
    return text;
}

static ctl_run result(int status, char *out, char *err)
{
    free(last_out);
    free(last_err);
    last_out = out;
    last_err = err;
    return (ctl_run){status, out, err};
}

/* `out` is its standard output; -1: kept for ctl_finish(). */
static void start(int out, const char *url, const char *input, const char *line)
{
    char words[4096], *argv[MOST_WORDS];
    snprintf(words, sizeof words, "%s", line);
    split(words, argv);
    FILE *in = input ? tmpfile() : fopen("/dev/null", "r");
    running.out = tmpfile();
    running.err = tmpfile();
    ck_assert(in && running.out && running.err);
    if (input) {
        fwrite(input, 1, strlen(input), in);
        rewind(in);
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out >= 0 ? out : fileno(running.out), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(running.err), STDERR_FILENO);
    int failed = posix_spawn(&running.pid, argv[0], &actions, NULL, argv, environment(url));
    ck_assert_msg(failed == 0, "%s: %s", argv[0], strerror(failed));
    posix_spawn_file_actions_destroy(&actions);
    fclose(in);
}

void ctl_start(const char *url, const char *input, const char *line)
{
    start(-1, url, input, line);
}

ctl_run ctl_into(int out, const char *url, const char *line)
{
    start(out, url, NULL, line);
    return ctl_finish(0);
}

ctl_run ctl_finish(int signal_number)
{
    if (signal_number)
        ck_assert_int_eq(kill(running.pid, signal_number), 0);
    int status = wait_for(running.pid);
    char *out = read_all(running.out), *err = read_all(running.err);
    fclose(running.out);
    fclose(running.err);
    return result(status, out, err);
}

ctl_run ctl(const char *url, const char *input, const char *line)
{
    ctl_start(url, input, line);
    return ctl_finish(0);
}

ctl_run ctl_on_terminal(const char *url, unsigned short columns, const char *typed,
                        const char *line)
{
    char words[4096], *argv[MOST_WORDS];
    snprintf(words, sizeof words, "%s", line);
    split(words, argv);
    char **variables = environment(url);
    struct winsize size = {.ws_row = 50, .ws_col = columns};
    int terminal;
    pid_t pid = forkpty(&terminal, NULL, NULL, &size);
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        execve(argv[0], argv, variables);
        _exit(127);
    }
    ck_assert_int_eq(write(terminal, typed, strlen(typed)), (ssize_t)strlen(typed));
    char *text = NULL;
    size_t used = 0;
    FILE *memory = open_memstream(&text, &used);
    char block[4096];
    ssize_t got; /* EIO once the other side is closed */
    while ((got = read(terminal, block, sizeof block)) > 0)
        fwrite(block, 1, (size_t)got, memory);
    fclose(memory);
    close(terminal);
    return result(wait_for(pid), text, strdup(""));
}
