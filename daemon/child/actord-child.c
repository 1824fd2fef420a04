/* actord-child: becomes the program of an actor. It does in the child what
 * posix_spawn can't: death signal, user, directory and limits. Static, since
 * it is started for every process (the dynamic loader would be most of its time).
 *
 *     actord-child KEY=VALUE... -- PROGRAM [ARGUMENT...]
 *
 * The daemon has prepared the rest: descriptors 0, 1, 2 and the report on 3, a
 * session of its own, default signals, and the environment. Names are numbers
 * by now, so that no name service is needed here.
 */
#include "daemon/child/report.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { GROUPS_MAX = 65536 }; /* the kernel's own bound */

typedef struct settings {
    uint64_t parent; /* the daemon's pid */
    bool set_user;
    uint64_t uid, gid;
    const char *groups;    /* numbers between commas */
    const char *directory; /* NULL: stay */
    /* 0: as inherited */
    uint64_t memory, open_files, open_files_soft, cpu;
} settings;

static _Noreturn void fail(child_stage stage, int error)
{
    const child_report report = {.stage = (uint32_t)stage, .error = error};
    /* When the daemon is gone there is nobody to tell. */
    ssize_t n = write(CHILD_REPORT_FD, &report, sizeof(report));
    _exit(n == (ssize_t)sizeof(report) ? 127 : 126);
}

/* The number at the beginning of text, up to `end`; returns what follows. */
static const char *number(const char *text, char end, uint64_t *out)
{
    char *rest;
    errno = 0;
    unsigned long long value = strtoull(text, &rest, 10);
    if (errno != 0 || *text < '0' || *text > '9' || (*rest != '\0' && *rest != end))
        fail(CHILD_ARGUMENTS, EINVAL);
    *out = value;
    return *rest == '\0' ? rest : rest + 1;
}

static void parse_one(settings *s, const char *arg)
{
    const struct {
        const char *key;
        uint64_t *value;
    } numbers[] = {
        {"parent=", &s->parent},
        {"uid=", &s->uid},
        {"gid=", &s->gid},
        {"memory=", &s->memory},
        {"open_files=", &s->open_files},
        {"open_files_soft=", &s->open_files_soft},
        {"cpu=", &s->cpu},
    };
    const struct {
        const char *key;
        const char **value;
    } texts[] = {{"groups=", &s->groups}, {"directory=", &s->directory}};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        size_t n = strlen(numbers[i].key);
        if (strncmp(arg, numbers[i].key, n) == 0) {
            number(arg + n, '\0', numbers[i].value);
            return;
        }
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t n = strlen(texts[i].key);
        if (strncmp(arg, texts[i].key, n) == 0) {
            *texts[i].value = arg + n;
            return;
        }
    }
    fail(CHILD_ARGUMENTS, EINVAL);
}

/* Returns the program and its arguments. */
static char **parse(settings *s, char **argv)
{
    for (argv++; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
        parse_one(s, *argv);
    if (argv[0] == NULL || argv[1] == NULL || s->parent == 0)
        fail(CHILD_ARGUMENTS, EINVAL);
    s->set_user = s->groups != NULL;
    return argv + 1;
}

/* A daemon that has died before the signal was set will never send it. */
static void die_with(uint64_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        fail(CHILD_DEATH_SIGNAL, errno);
    if ((uint64_t)getppid() != parent)
        _exit(126);
}

static void become_user(const settings *s)
{
    static gid_t groups[GROUPS_MAX];
    size_t n = 0;
    for (const char *at = s->groups; *at != '\0'; n++) {
        uint64_t group;
        if (n == GROUPS_MAX)
            fail(CHILD_USER, EINVAL);
        at = number(at, ',', &group);
        groups[n] = (gid_t)group;
    }
    gid_t gid = (gid_t)s->gid;
    uid_t uid = (uid_t)s->uid;
    if (setgroups(n, groups) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
        fail(CHILD_USER, errno);
}

static void limit(child_stage stage, int resource, uint64_t soft, uint64_t hard)
{
    const struct rlimit value = {.rlim_cur = (rlim_t)soft, .rlim_max = (rlim_t)hard};
    if (setrlimit(resource, &value) != 0)
        fail(stage, errno);
}

static void set_limits(const settings *s)
{
    struct rlimit now;
    if (s->open_files != 0) {
        limit(CHILD_OPEN_FILES, RLIMIT_NOFILE, s->open_files, s->open_files);
    } else if (s->open_files_soft != 0) {
        if (getrlimit(RLIMIT_NOFILE, &now) != 0)
            fail(CHILD_OPEN_FILES, errno);
        limit(CHILD_OPEN_FILES, RLIMIT_NOFILE, s->open_files_soft, now.rlim_max);
    }
    if (s->cpu != 0) {
        /* A second between SIGXCPU and SIGKILL, where the old bound leaves it. */
        if (getrlimit(RLIMIT_CPU, &now) != 0)
            fail(CHILD_CPU, errno);
        uint64_t hard = now.rlim_max == s->cpu ? s->cpu : s->cpu + 1;
        limit(CHILD_CPU, RLIMIT_CPU, s->cpu, hard);
    }
    if (s->memory != 0)
        limit(CHILD_MEMORY, RLIMIT_AS, s->memory, s->memory);
}

int main(int argc, char **argv)
{
    (void)argc;
    settings s = {0};
    if (fcntl(CHILD_REPORT_FD, F_SETFD, FD_CLOEXEC) != 0)
        return 126; /* not started by the daemon */
    char **program = parse(&s, argv);
    /* All are O_CLOEXEC in the daemon; this is for what libraries may have forgotten. */
    if (close_range(CHILD_REPORT_FD + 1, ~0u, 0) != 0)
        fail(CHILD_DESCRIPTORS, errno);
    die_with(s.parent);
    if (s.set_user) {
        become_user(&s);
        die_with(s.parent); /* a change of user takes the death signal away */
    }
    if (s.directory != NULL && chdir(s.directory) != 0)
        fail(CHILD_DIRECTORY, errno);
    set_limits(&s);
    execvp(program[0], program);
    int error = errno;
    bool there = strchr(program[0], '/') != NULL && access(program[0], F_OK) == 0;
    fail(error == ENOENT && there ? CHILD_INTERPRETER : CHILD_EXEC, error);
}
