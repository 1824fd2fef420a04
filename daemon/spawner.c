#include "daemon/spawner.h"

#include <errno.h>
#include <fcntl.h>
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

#include "daemon/child/report.h"
#include "daemon/log.h"
#include "daemon/spawn_env.h"
#include "daemon/spawn_request.h"
#include "libactor/lock.h"

struct spawner {
    pthread_t thread;
    int helper_fd;         /* O_PATH, so that an upgrade can't change the helper under us */
    char helper_path[32];  /* the same as a path */
    uint64_t open_files;   /* the soft limit that children get back; 0: it was not raised */
    posix_spawnattr_t how; /* session, signals */

    actor_lock lock;
    pthread_cond_t changed; /* of the following */
    spawn_request *first LOCK_GUARDED_BY(lock), *last LOCK_GUARDED_BY(lock);
    bool ending LOCK_GUARDED_BY(lock);
};

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
    spawn_command c = {0};
    spawn_env env = {0};
    int err = r->user != NULL ? account_find(&who, r->user) : 0;
    if (err == ESRCH) {
        fail(out, err, "no such user '%.128s'", r->user);
    } else if (err != 0) {
        fail(out, err, "cannot look up user '%.128s': %s", r->user, strerror(err));
    } else {
        /* One who isn't root may still name itself. */
        bool same = r->user == NULL || (geteuid() != 0 && who.uid == geteuid());
        err = spawn_command_build(&c, r, same ? NULL : &who, s->open_files);
        if (err == 0)
            err = build_env(&env, r, r->user != NULL ? &who : NULL);
        if (err == 0)
            start(s, c.argv, env.entries, out);
        else
            fail(out, err, "cannot start a process: %s", strerror(err));
    }
    spawn_env_clear(&env);
    spawn_command_clear(&c);
    account_clear(&who);
}

/* ---- the thread ---- */

static void *spawner_main(void *arg)
{
    spawner *s = arg;
    actor_lock_take(&s->lock);
    for (;;) {
        while (s->first == NULL && !s->ending)
            pthread_cond_wait(&s->changed, &s->lock.mutex);
        spawn_request *r = s->first;
        if (r == NULL)
            break;
        s->first = r->next;
        actor_lock_give(&s->lock);

        spawn_result result = {
            .pid_fd = -1, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .report_fd = -1};
        if (atomic_load(&r->cancelled))
            fail(&result, ECANCELED, "%s", strerror(ECANCELED));
        else
            spawn(s, r, &result);
        r->done(r->arg, &result); /* the request is gone from here on */
        actor_lock_take(&s->lock);
    }
    actor_lock_give(&s->lock);
    return NULL;
}

void spawner_submit(spawner *s, spawn_request *r)
{
    r->next = NULL;
    actor_lock_take(&s->lock);
    if (s->first == NULL)
        s->first = r;
    else
        s->last->next = r;
    s->last = r;
    pthread_cond_signal(&s->changed);
    actor_lock_give(&s->lock);
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
    if (files.rlim_cur == files.rlim_max)
        return 0;
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
        char *name = strrchr(beside, '/') + 1; /* there is one: the path is absolute */
        snprintf(name, sizeof(beside) - (size_t)(name - beside), "actord-child");
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
    actor_lock_init(&s->lock);
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
    actor_lock_destroy(&s->lock);
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
    actor_lock_take(&s->lock);
    s->ending = true;
    pthread_cond_signal(&s->changed);
    actor_lock_give(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->changed);
    actor_lock_destroy(&s->lock);
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
