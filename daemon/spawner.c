#include "daemon/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/account.h"
#include "daemon/child/report.h"
#include "daemon/log.h"
#include "daemon/spawn_env.h"

struct spawner {
    pthread_t thread;
    int helper_fd;         /* O_PATH, so that an upgrade can't change the helper under us */
    char helper_path[32];  /* the same as a path */
    rlim_t open_files;     /* the soft limit that children get back */
    posix_spawnattr_t how; /* session, signals */

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    spawn_request *first, *last;
    bool ending;
};

struct spawn_request {
    spawn_request *next;
    spawn_done_fn done;
    void *arg;
    atomic_bool cancelled;
    const char *program;          /* argv[0] */
    const char *directory, *user; /* NULL: none */
    process_limits limits;
    char **argv, **env; /* NULL-terminated; they and their texts lie in `block` */
    char *block;
};

/* ---- requests ---- */

static size_t list_count(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

static size_t list_bytes(const char *const *list)
{
    size_t bytes = 0;
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        bytes += strlen(list[i]) + 1;
    return bytes;
}

static char *copy_text(char **at, const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = *at;
    size_t n = strlen(text) + 1;
    memcpy(copy, text, n);
    *at += n;
    return copy;
}

static void copy_list(char **to, char **at, const char *const *list)
{
    size_t n = list_count(list);
    for (size_t i = 0; i < n; i++)
        to[i] = copy_text(at, list[i]);
    to[n] = NULL;
}

static bool spec_is_valid(const process_spec *spec)
{
    if (spec->argv == NULL || spec->argv[0] == NULL || spec->argv[0][0] == '\0')
        return false;
    for (size_t i = 0; spec->env != NULL && spec->env[i] != NULL; i++)
        if (spec->env[i][0] == '=' || strchr(spec->env[i], '=') == NULL)
            return false;
    return true;
}

int spawn_request_create(const process_spec *spec, spawn_done_fn done, void *arg,
                         spawn_request **out)
{
    if (!spec_is_valid(spec))
        return EINVAL;
    size_t argc = list_count(spec->argv), envc = list_count(spec->env);
    size_t pointers = (argc + envc + 2) * sizeof(char *);
    size_t texts = list_bytes(spec->argv) + list_bytes(spec->env) +
                   (spec->directory != NULL ? strlen(spec->directory) + 1 : 0) +
                   (spec->user != NULL ? strlen(spec->user) + 1 : 0);
    spawn_request *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return ENOMEM;
    r->block = malloc(pointers + texts);
    if (r->block == NULL) {
        free(r);
        return ENOMEM;
    }
    char *at = r->block + pointers;
    r->argv = (char **)(void *)r->block;
    r->env = r->argv + argc + 1;
    copy_list(r->argv, &at, spec->argv);
    copy_list(r->env, &at, spec->env);
    r->program = r->argv[0];
    r->directory = copy_text(&at, spec->directory);
    r->user = copy_text(&at, spec->user);
    r->limits = spec->limits;
    r->done = done;
    r->arg = arg;
    *out = r;
    return 0;
}

void spawn_request_free(spawn_request *r)
{
    if (r == NULL)
        return;
    free(r->block);
    free(r);
}

void spawn_request_cancel(spawn_request *r)
{
    atomic_store(&r->cancelled, true);
}

/* ---- what the helper is told ---- */

typedef struct command {
    char **argv;
    char *settings; /* the helper's own arguments, one after the other */
} command;

/* One setting as the next of argv; an argument of the helper is its own line. */
static __attribute__((format(printf, 3, 4))) void add(FILE *f, size_t *count, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(f, fmt, args);
    va_end(args);
    fputc('\0', f);
    (*count)++;
}

static int write_settings(const spawner *s, const spawn_request *r, const account *who, char **text,
                          size_t *count)
{
    size_t size;
    FILE *f = open_memstream(text, &size);
    if (f == NULL)
        return ENOMEM;
    add(f, count, "actord-child");
    add(f, count, "parent=%ld", (long)getpid());
    if (who != NULL) {
        add(f, count, "uid=%lu", (unsigned long)who->uid);
        add(f, count, "gid=%lu", (unsigned long)who->gid);
        fputs("groups=", f);
        for (int i = 0; i < who->ngroups; i++)
            fprintf(f, "%s%lu", i > 0 ? "," : "", (unsigned long)who->groups[i]);
        add(f, count, "%s", "");
    }
    if (r->directory != NULL)
        add(f, count, "directory=%s", r->directory);
    add(f, count, "open_files=%" PRIu64, r->limits.open_files);
    if (s->open_files != RLIM_INFINITY)
        add(f, count, "open_files_soft=%" PRIu64, (uint64_t)s->open_files);
    add(f, count, "memory=%" PRIu64, r->limits.memory_bytes);
    add(f, count, "cpu=%" PRIu64, r->limits.cpu_seconds);
    add(f, count, "--");
    bool bad = ferror(f) != 0;
    return fclose(f) != 0 || bad ? ENOMEM : 0;
}

static int command_build(command *c, const spawner *s, const spawn_request *r, const account *who)
{
    size_t count = 0;
    int err = write_settings(s, r, who, &c->settings, &count);
    if (err != 0)
        return err;
    size_t argc = list_count((const char *const *)r->argv);
    c->argv = calloc(count + argc + 1, sizeof(*c->argv));
    if (c->argv == NULL)
        return ENOMEM;
    char *at = c->settings;
    for (size_t i = 0; i < count; i++) {
        c->argv[i] = at;
        at += strlen(at) + 1;
    }
    memcpy(c->argv + count, r->argv, argc * sizeof(*c->argv));
    return 0;
}

static void command_clear(command *c)
{
    free(c->argv);
    free(c->settings);
    *c = (command){0};
}

/* ---- spawning ---- */

/* The pipes of a child, by the descriptor the child has them as. */
enum { PIPES = CHILD_REPORT_FD + 1 };
typedef struct pipes {
    int ours[PIPES], theirs[PIPES];
} pipes;

static void close_all(int fds[PIPES])
{
    for (int i = 0; i < PIPES; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
}

static int pipes_open(pipes *p)
{
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0)
            return errno;
        int our_end = i == STDIN_FILENO ? 1 : 0;
        p->ours[i] = ends[our_end];
        p->theirs[i] = ends[1 - our_end];
        if (fcntl(p->ours[i], F_SETFL, O_NONBLOCK) != 0)
            return errno;
    }
    return 0;
}

/* Every descriptor of ours is above 2 (see own_standard_fds) and the report
 * comes last, so that no dup2 covers one that is still to be used. */
static int run_helper(spawner *s, const pipes *p, char **argv, char **env, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int err = posix_spawn_file_actions_init(&actions);
    if (err != 0)
        return err;
    for (int i = 0; err == 0 && i < PIPES; i++)
        err = posix_spawn_file_actions_adddup2(&actions, p->theirs[i], i);
    if (err == 0)
        err = posix_spawn(pid, s->helper_path, &actions, &s->how, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    return err;
}

static __attribute__((format(printf, 3, 4))) void fail(spawn_result *out, int error,
                                                       const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(out->text, sizeof(out->text), fmt, args);
    va_end(args);
    out->error = error;
}

/* With everything looked up: pipes, process, pidfd. */
static void start(spawner *s, char **argv, char **env, spawn_result *out)
{
    pipes p;
    for (int i = 0; i < PIPES; i++)
        p.ours[i] = p.theirs[i] = -1;
    pid_t pid;
    int err = pipes_open(&p);
    if (err != 0) {
        fail(out, err, "cannot make pipes: %s", strerror(err));
    } else if ((err = run_helper(s, &p, argv, env, &pid)) != 0) {
        fail(out, err, "cannot start a process: %s", strerror(err));
    } else if ((out->pid_fd = pidfd_open(pid, 0)) < 0) {
        fail(out, errno, "cannot watch the new process: %s", strerror(errno));
        kill(-pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    } else {
        out->pid = pid;
        out->stdin_fd = p.ours[STDIN_FILENO];
        out->stdout_fd = p.ours[STDOUT_FILENO];
        out->stderr_fd = p.ours[STDERR_FILENO];
        out->report_fd = p.ours[CHILD_REPORT_FD];
    }
    close_all(p.theirs);
    if (out->error != 0)
        close_all(p.ours);
}

static int build_env(spawn_env *env, const spawn_request *r, const account *who)
{
    int err = spawn_env_inherit(env);
    if (err == 0 && who != NULL) {
        const char *entries[] = {who->home, who->name, who->logname};
        for (size_t i = 0; err == 0 && i < sizeof(entries) / sizeof(entries[0]); i++)
            err = spawn_env_put(env, entries[i]);
    }
    for (char **at = r->env; err == 0 && *at != NULL; at++)
        err = spawn_env_put(env, *at);
    return err;
}

static void spawn(spawner *s, spawn_request *r, spawn_result *out)
{
    account who = {0};
    command c = {0};
    spawn_env env = {0};
    int err = r->user != NULL ? account_find(&who, r->user) : 0;
    if (err == ESRCH) {
        fail(out, err, "no such user '%.128s'", r->user);
    } else if (err != 0) {
        fail(out, err, "cannot look up user '%.128s': %s", r->user, strerror(err));
    } else {
        /* One who isn't root may still name itself. */
        bool same = r->user == NULL || (geteuid() != 0 && who.uid == geteuid());
        err = command_build(&c, s, r, same ? NULL : &who);
        if (err == 0)
            err = build_env(&env, r, r->user != NULL ? &who : NULL);
        if (err == 0)
            start(s, c.argv, env.entries, out);
        else
            fail(out, err, "cannot start a process: %s", strerror(err));
    }
    spawn_env_clear(&env);
    command_clear(&c);
    account_clear(&who);
}

/* ---- the thread ---- */

static void *spawner_main(void *arg)
{
    spawner *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (s->first == NULL && !s->ending)
            pthread_cond_wait(&s->changed, &s->lock);
        spawn_request *r = s->first;
        if (r == NULL)
            break;
        s->first = r->next;
        pthread_mutex_unlock(&s->lock);

        spawn_result result = {
            .pid_fd = -1, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .report_fd = -1};
        if (atomic_load(&r->cancelled))
            fail(&result, ECANCELED, "%s", strerror(ECANCELED));
        else
            spawn(s, r, &result);
        r->done(r->arg, &result); /* the request is gone from here on */
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

void spawner_submit(spawner *s, spawn_request *r)
{
    r->next = NULL;
    pthread_mutex_lock(&s->lock);
    if (s->first == NULL)
        s->first = r;
    else
        s->last->next = r;
    s->last = r;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* A pipe that got number 0, 1 or 2 would be covered by the child's own. */
static int own_standard_fds(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR); /* not O_CLOEXEC: it stands for a standard stream */
        if (fd < 0)
            return errno;
    } while (fd <= STDERR_FILENO);
    close(fd);
    return 0;
}

static int raise_open_files(spawner *s)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return errno;
    s->open_files = files.rlim_cur;
    files.rlim_cur = files.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &files) != 0 ? errno : 0;
}

static int open_helper_at(spawner *s, const char *path)
{
    struct stat st;
    if (access(path, X_OK) != 0 || stat(path, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EACCES;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno;
    /* Above the numbers that the child gets its own descriptors at. */
    s->helper_fd = fcntl(fd, F_DUPFD_CLOEXEC, PIPES);
    int err = s->helper_fd < 0 ? errno : 0;
    close(fd);
    snprintf(s->helper_path, sizeof(s->helper_path), "/proc/self/fd/%d", s->helper_fd);
    return err;
}

/* $ACTORD_CHILD, or beside this program (a build tree), or where it was installed. */
static int open_helper(spawner *s)
{
    const char *given = secure_getenv("ACTORD_CHILD");
    if (given != NULL) {
        int err = open_helper_at(s, given);
        if (err != 0)
            log_error("process", "ACTORD_CHILD=%s: %s", given, strerror(err));
        return err;
    }
    char beside[PATH_MAX + sizeof("actord-child")];
    ssize_t n = readlink("/proc/self/exe", beside, PATH_MAX);
    if (n > 0 && n < PATH_MAX) {
        beside[n] = '\0';
        strcpy(strrchr(beside, '/') + 1, "actord-child");
        if (open_helper_at(s, beside) == 0)
            return 0;
    }
    const char *installed = ACTORD_LIBEXECDIR "/actord-child";
    int err = open_helper_at(s, installed);
    if (err != 0)
        log_error("process", "the helper program %s: %s", installed, strerror(err));
    return err;
}

static int init_how(posix_spawnattr_t *how)
{
    int err = posix_spawnattr_init(how);
    if (err != 0)
        return err;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    err = posix_spawnattr_setflags(how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                            POSIX_SPAWN_SETSIGMASK);
    if (err == 0)
        err = posix_spawnattr_setsigdefault(how, &all);
    if (err == 0)
        err = posix_spawnattr_setsigmask(how, &none);
    if (err != 0)
        posix_spawnattr_destroy(how);
    return err;
}

int spawner_create(spawner **out)
{
    spawner *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return ENOMEM;
    s->helper_fd = -1;
    int err = own_standard_fds();
    if (err != 0)
        goto free_spawner;
    err = open_helper(s);
    if (err != 0)
        goto free_spawner;
    err = raise_open_files(s);
    if (err != 0)
        goto close_helper;
    err = init_how(&s->how);
    if (err != 0)
        goto close_helper;
    err = pthread_mutex_init(&s->lock, NULL);
    if (err != 0)
        goto destroy_how;
    err = pthread_cond_init(&s->changed, NULL);
    if (err != 0)
        goto destroy_lock;
    err = pthread_create(&s->thread, NULL, spawner_main, s);
    if (err != 0)
        goto destroy_cond;
    pthread_setname_np(s->thread, "spawner");
    *out = s;
    return 0;

destroy_cond:
    pthread_cond_destroy(&s->changed);
destroy_lock:
    pthread_mutex_destroy(&s->lock);
destroy_how:
    posix_spawnattr_destroy(&s->how);
close_helper:
    close(s->helper_fd);
free_spawner:
    free(s);
    return err;
}

void spawner_destroy(spawner *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->ending = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    posix_spawnattr_destroy(&s->how);
    close(s->helper_fd);
    free(s);
}

/* ---- the helper's report ---- */

static const struct {
    const char *what;
    size_t subject; /* where spawn_request has its name; 0: none */
} stages[CHILD_STAGES] = {
    [CHILD_ARGUMENTS] = {"the helper refuses its arguments", 0},
    [CHILD_DESCRIPTORS] = {"cannot close the daemon's descriptors", 0},
    [CHILD_DEATH_SIGNAL] = {"cannot tie the process to the daemon", 0},
    [CHILD_USER] = {"cannot become user", offsetof(spawn_request, user)},
    [CHILD_DIRECTORY] = {"cannot enter directory", offsetof(spawn_request, directory)},
    [CHILD_MEMORY] = {"cannot limit memory", 0},
    [CHILD_OPEN_FILES] = {"cannot limit open files", 0},
    [CHILD_CPU] = {"cannot limit cpu time", 0},
    [CHILD_EXEC] = {"cannot run", offsetof(spawn_request, program)},
    [CHILD_INTERPRETER] = {"cannot find the interpreter of", offsetof(spawn_request, program)},
};

bool spawner_read_report(const spawn_request *r, int report_fd, int *error,
                         char text[SPAWN_TEXT_MAX])
{
    child_report report;
    ssize_t n;
    do
        n = read(report_fd, &report, sizeof(report));
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n == 0) {
        *error = 0;
        return true;
    }
    if (n != (ssize_t)sizeof(report) || report.stage >= CHILD_STAGES || report.error == 0) {
        *error = n < 0 ? errno : EPROTO;
        snprintf(text, SPAWN_TEXT_MAX, "no sense in the helper's report: %s", strerror(*error));
        return true;
    }
    *error = report.error;
    const char *what = stages[report.stage].what;
    if (stages[report.stage].subject == 0) {
        snprintf(text, SPAWN_TEXT_MAX, "%s: %s", what, strerror(*error));
        return true;
    }
    const char *subject;
    memcpy(&subject, (const char *)r + stages[report.stage].subject, sizeof(subject));
    snprintf(text, SPAWN_TEXT_MAX, "%s '%.128s': %s", what, subject, strerror(*error));
    return true;
}
