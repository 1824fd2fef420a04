#include "tests/e2e/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE                                                                                   \
    40000               /* ms for anything the daemon does; sanitizers on a busy machine are slow  \
                         */
#define DYING      2000 /* ms for a process that was sent SIGKILL */
#define MOST_WORDS 16

typedef struct kept {
    struct kept *next;
    void *block;
    void (*release)(void *block);
} kept;

struct server {
    char directory[64];
    char url[96];
    pid_t pid; /* 0: it has ended */
    int pidfd;
    int watcher; /* see watch_over() */
    int notify;  /* where sd_notify's datagrams come in */
    client *client;
    kept *kept;
    struct server *next; /* of those not freed yet */
};

static server *servers;

static void keep(server *s, void *block, void (*release)(void *))
{
    kept *k = malloc(sizeof *k);
    ck_assert(k && block);
    *k = (kept){.next = s->kept, .block = block, .release = release};
    s->kept = k;
}

void *server_keep(server *s, void *block)
{
    keep(s, block, free);
    return block;
}

static void release_json(void *json)
{
    cJSON_Delete(json);
}

const cJSON *server_keep_json(server *s, cJSON *json)
{
    keep(s, json, release_json);
    return json;
}

/* ---- files ---- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
    (void)st;
    (void)flag;
    (void)where;
    remove(path);
    return 0;
}

const char *server_path(server *s, const char *name)
{
    char *path;
    ck_assert_int_ge(asprintf(&path, "%s/%s", s->directory, name), 0);
    return server_keep(s, path);
}

void server_write(server *s, const char *name, const char *text)
{
    const char *fresh = server_path(s, ".fresh");
    FILE *f = fopen(fresh, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(fresh, server_path(s, name)), 0);
}

/* NULL: there is no such file. The caller frees it. */
static char *slurp(const char *directory, const char *name)
{
    char path[PATH_MAX], block[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    char *text = NULL;
    size_t size = 0, got;
    FILE *memory = open_memstream(&text, &size);
    while ((got = fread(block, 1, sizeof block, f)) > 0)
        fwrite(block, 1, got, memory);
    fclose(memory);
    fclose(f);
    return text;
}

char *server_read(server *s, const char *name)
{
    char *text = slurp(s->directory, name);
    return text ? server_keep(s, text) : NULL;
}

const char *server_stderr(server *s)
{
    return server_read(s, "stderr");
}

const char *server_stdout(server *s)
{
    return server_read(s, "stdout");
}

void server_configure(server *s, const char *yaml)
{
    server_write(s, "actord.yaml", yaml);
}

/* ---- the process ---- */

/* When the test ends without server_free(), so has failed: what the daemon said. */
static void mourn(const char *directory)
{
    char *text = slurp(directory, "stderr");
    fprintf(stderr, "--- the daemon's stderr ---\n%s---\n", text ? text : "");
    free(text);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Check ends a failed test by _exit() or SIGKILL, so this takes a process of its own, which is no
 * child of ours. It waits for a byte or for our end. Returns where to write that byte. */
static int watch_over(const char *directory)
{
    int ends[2];
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        char byte;
        close(ends[1]);
        setpgid(0, 0);
        if (fork() == 0 && read(ends[0], &byte, 1) == 0)
            mourn(directory);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(ends[0]);
    /* What the daemon leaves behind becomes ours, and can be counted. */
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    return ends[1];
}

static int open_notify(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", directory);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static server *create(void)
{
    server *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    snprintf(s->directory, sizeof s->directory, "/tmp/actord-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(s->directory));
    snprintf(s->url, sizeof s->url, "ipc://%s/sock", s->directory);
    s->notify = open_notify(s->directory);
    s->watcher = watch_over(s->directory);
    s->next = servers;
    servers = s;
    return s;
}

/* The environment with more in front of it, so that its names win. */
static char **environment(server *s, const char *const *more)
{
    size_t inherited = 0, used = 0, wanted = 0;
    while (environ[inherited])
        inherited++;
    while (more && more[wanted])
        wanted++;
    char **all = server_keep(s, calloc(inherited + wanted + 3, sizeof *all));
    for (size_t i = 0; i < wanted; i++)
        all[used++] = (char *)more[i];
    ck_assert_int_ge(asprintf(&all[used], "DIR=%s", s->directory), 0);
    server_keep(s, all[used++]);
    ck_assert_int_ge(asprintf(&all[used], "NOTIFY_SOCKET=%s/notify", s->directory), 0);
    server_keep(s, all[used++]);
    for (size_t i = 0; i < inherited; i++) {
        if (strncmp(environ[i], "ACTORD_CONFIG=", 14) != 0 &&
            strncmp(environ[i], "NOTIFY_SOCKET=", 14) != 0)
            all[used++] = environ[i];
    }
    return all;
}

static char **arguments(server *s, const server_options *options)
{
    char **argv = server_keep(s, calloc(MOST_WORDS, sizeof *argv));
    size_t used = 0;
    argv[used++] = getenv("ACTORD") ? getenv("ACTORD") : "build/actord";
    if (options->yaml) {
        argv[used++] = "--config";
        argv[used++] = (char *)server_path(s, "actord.yaml");
    }
    if (!options->own_listeners) {
        argv[used++] = "--socket";
        argv[used++] = s->url;
    }
    for (size_t i = 0; options->args && options->args[i]; i++) {
        ck_assert_uint_lt(used, MOST_WORDS - 1);
        argv[used++] = (char *)options->args[i];
    }
    return argv;
}

/* In the child: never returns. */
static void become(char **argv, char **env, const char *out, const char *err)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int in = open("/dev/null", O_RDONLY);
    int to_out = open(out, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int to_err = open(err, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (dup2(in, 0) == 0 && dup2(to_out, 1) == 1 && dup2(to_err, 2) == 2 &&
        close_range(3, ~0u, 0) == 0)
        execve(argv[0], argv, env);
    _exit(127);
}

static int pidfd_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

server *server_launch(const server_options *options)
{
    server *s = create();
    if (options->yaml)
        server_configure(s, options->yaml);
    char **argv = arguments(s, options), **env = environment(s, options->env);
    const char *out = server_path(s, "stdout"), *err = server_path(s, "stderr");
    s->pid = fork();
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0)
        become(argv, env, out, err);
    s->pidfd = pidfd_of(s->pid);
    ck_assert_int_ge(s->pidfd, 0);
    fcntl(s->pidfd, F_SETFD, FD_CLOEXEC);
    return s;
}

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *p = text; p; p = strchr(p, '\n')) {
        p += *p == '\n';
        if (strncmp(p, line, len) == 0 && (p[len] == '\n' || p[len] == '\0'))
            return true;
    }
    return false;
}

void server_wait_notify(server *s, const char *line)
{
    char datagram[4096];
    do {
        struct pollfd p[2] = {{.fd = s->notify, .events = POLLIN},
                              {.fd = s->pidfd, .events = POLLIN}};
        ck_assert_msg(poll(p, 2, PATIENCE) > 0, "the daemon doesn't notify %s", line);
        ck_assert_msg(p[0].revents, "the daemon ended without notifying %s", line);
        ssize_t got = recv(s->notify, datagram, sizeof datagram - 1, 0);
        ck_assert_int_ge(got, 0);
        datagram[got] = '\0';
    } while (!has_line(datagram, line));
}

void server_wait_ready(server *s)
{
    server_wait_notify(s, "READY=1");
}

server *server_start_with(const server_options *options)
{
    server *s = server_launch(options);
    server_wait_ready(s);
    return s;
}

server *server_start(const char *yaml)
{
    return server_start_with(&(server_options){.yaml = yaml});
}

static bool is_daemon(pid_t pid)
{
    for (server *s = servers; s; s = s->next)
        if (s->pid == pid)
            return true;
    return false;
}

/* A process that became ours by the daemon's end, alive or not; 0: none. */
static pid_t next_orphan(void)
{
    char path[64], line[4096];
    pid_t pid = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    if (!fgets(line, sizeof line, f))
        line[0] = '\0';
    fclose(f);
    for (char *at = line, *end; pid == 0; at = end) {
        pid = (pid_t)strtol(at, &end, 10);
        if (end == at)
            return 0;
        if (is_daemon(pid))
            pid = 0;
    }
    return pid;
}

/* Nobody may be alive. Who was killed a moment ago may still be dying. */
static void expect_nobody_left(void)
{
    pid_t pid;
    while ((pid = next_orphan()) != 0) {
        struct pollfd p = {.fd = pidfd_of(pid), .events = POLLIN};
        ck_assert_msg(poll(&p, 1, DYING) == 1, "the daemon left process %d behind", (int)pid);
        close(p.fd);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    }
}

void server_expect_exit(server *s, int status)
{
    struct pollfd p = {.fd = s->pidfd, .events = POLLIN};
    ck_assert_msg(poll(&p, 1, PATIENCE) == 1, "the daemon doesn't end");
    int got;
    ck_assert_int_eq(waitpid(s->pid, &got, 0), s->pid);
    s->pid = 0;
    got = WIFSIGNALED(got) ? 128 + WTERMSIG(got) : WEXITSTATUS(got);
    ck_assert_msg(got == status, "the daemon's exit status is %d, not %d", got, status);
    const char *said = server_stderr(s);
    ck_assert_msg(!strstr(said, "Sanitizer") && !strstr(said, "runtime error:"),
                  "a report of a sanitizer");
    expect_nobody_left();
}

void server_stop(server *s)
{
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    server_free(s);
}

void server_free(server *s)
{
    if (!s)
        return;
    ck_assert_msg(s->pid == 0, "the daemon is still running");
    for (server **p = &servers; *p; p = &(*p)->next) {
        if (*p == s) {
            *p = s->next;
            break;
        }
    }
    ck_assert_int_eq(write(s->watcher, "", 1), 1);
    close(s->watcher);
    client_close(s->client);
    close(s->pidfd);
    close(s->notify);
    nftw(s->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    while (s->kept) {
        kept *k = s->kept;
        s->kept = k->next;
        k->release(k->block);
        free(k);
    }
    free(s);
}

server *server_refused(const server_options *options, int status)
{
    server *s = server_launch(options);
    server_expect_exit(s, status);
    return s;
}

pid_t server_pid(const server *s)
{
    return s->pid;
}

const char *server_directory(const server *s)
{
    return s->directory;
}

const char *server_url(const server *s)
{
    return s->url;
}

void server_signal(server *s, int number)
{
    ck_assert_int_gt(s->pid, 0);
    ck_assert_int_eq(kill(s->pid, number), 0);
}

const char *server_run(server *s, const char *const *argv)
{
    int ends[2], status;
    char block[4096], *text = NULL;
    size_t size = 0;
    ssize_t got;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(ends[1]);
    FILE *memory = open_memstream(&text, &size);
    while ((got = read(ends[0], block, sizeof block)) > 0)
        fwrite(block, 1, (size_t)got, memory);
    fclose(memory);
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "%s failed: %s", argv[0], text);
    return server_keep(s, text);
}

client *server_connect(server *s)
{
    return client_open(s->url);
}

client *server_client(server *s)
{
    if (!s->client)
        s->client = server_connect(s);
    return s->client;
}

void server_look_again(int round, const char *file, int line, const char *condition)
{
    struct timespec pause = {.tv_nsec = 2000000};
    ck_assert_msg(round < PATIENCE / 2, "%s:%d: never came true: %s", file, line, condition);
    ppoll(NULL, 0, &pause, NULL);
}
