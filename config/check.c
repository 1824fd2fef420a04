/* check: what a configuration names outside itself: programs, folders, users, groups. */
#include "config.h"

#include "text.h"
#include "tree.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *find_env(const config_child *child, const char *name)
{
    for (size_t i = 0; i < child->env_count; i++)
        if (strcmp(child->env[i].name, name) == 0)
            return child->env[i].value;
    return getenv(name);
}

/* 0 when `path` is a file that may be executed, else an errno. */
static int executable(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode))
        return EACCES;
    /* root passes access() where nobody may execute */
    if (!(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
        return EACCES;
    return access(path, X_OK) == 0 ? 0 : errno;
}

/* `length` bytes of folder, or of the child's directory where that is relative, and a program. */
static char *join(const char *directory, const char *folder, size_t length, const char *program)
{
    textbuf t = {0};
    if ((length ? folder[0] : program[0]) != '/' && directory)
        text_addf(&t, "%s/", directory);
    text_add_bytes(&t, folder, length);
    if (length)
        text_add(&t, "/");
    text_add(&t, program);
    return text_take(&t);
}

/* 0 when the child would find its program, else an errno; the best reason of all folders. */
static int find_program(const config_child *child)
{
    const char *program = child->argv.items[0];
    const char *path = strchr(program, '/') ? "" : find_env(child, "PATH");
    int reason = ENOENT;
    if (!path)
        path = "/bin:/usr/bin";
    for (;;) {
        size_t length = strcspn(path, ":");
        char *full = join(child->directory, path, length, program);
        if (!full)
            return ENOMEM;
        int err = executable(full);
        free(full);
        if (err == 0)
            return 0;
        if (err != ENOENT && err != ENOTDIR)
            reason = err;
        if (!path[length])
            return reason;
        path += length + 1;
    }
}

static void check_program(const config_child *child, config_errors *errs)
{
    int reason = find_program(child);
    const config_node *n = config_node_get(child->node, config_kind_name(child->kind));
    if (reason == ENOMEM)
        config_errors_set_oom(errs);
    if (reason == 0 || reason == ENOMEM || !n)
        return;
    const config_node *program = n->head->value;
    const char *why = reason == ENOENT ? "not found" : strerror(reason);
    config_node_error(program, errs,
                      strchr(program->text, '/') || reason != ENOENT
                          ? NULL
                          : "it must be in a folder of PATH, or be written with its path",
                      "%s: the program '%s' can't be run: %s", config_kind_name(child->kind),
                      node_show(program), why);
}

/* False when there is none, and so no sense in looking further. */
static bool check_directory(const config_child *child, config_errors *errs)
{
    if (!child->directory)
        return true;
    struct stat st;
    int reason = stat(child->directory, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    const config_node *n = config_node_get(child->node, "directory");
    if (reason && n)
        config_node_error(n, errs, NULL, "directory: '%s': %s", node_show(n), strerror(reason));
    return reason == 0;
}

enum { ENTRY_MAX = 16 << 10 };

/* What a look-up says: not found only if it could look; an entry too large for us is one. */
static bool there(int err, const void *found)
{
    return found || (err != 0 && err != ENOENT && err != ESRCH);
}

static bool group_exists(const char *name)
{
    char buffer[ENTRY_MAX];
    struct group entry, *found = NULL;
    int err = getgrnam_r(name, &entry, buffer, sizeof buffer, &found);
    return there(err, found);
}

/* By name, or by number where no name is like it. */
static bool user_exists(const char *user)
{
    char buffer[ENTRY_MAX];
    struct passwd entry, *found = NULL;
    int err = getpwnam_r(user, &entry, buffer, sizeof buffer, &found);
    if (there(err, found))
        return true;
    char *end;
    errno = 0;
    unsigned long uid = strtoul(user, &end, 10);
    if (errno != 0 || !isdigit((unsigned char)user[0]) || *end || uid >= UINT_MAX)
        return false;
    err = getpwuid_r((uid_t)uid, &entry, buffer, sizeof buffer, &found);
    return there(err, found);
}

static void check_users(const config_listener *l, config_errors *errs)
{
    const config_node *users = config_node_get(l->node, "users");
    const config_item *at = users ? users->head : NULL;
    for (size_t i = 0; at && i < l->users.count; i++, at = at->next)
        if (!user_exists(l->users.items[i]))
            config_node_error(at->value, errs, NULL, "users: there is no user '%s'",
                              node_show(at->value));
    const config_node *group = config_node_get(l->node, "group");
    if (group && l->group && !group_exists(l->group))
        config_node_error(group, errs, NULL, "group: there is no group '%s'", node_show(group));
}

static void check_user(const config_child *child, config_errors *errs)
{
    const config_node *user = config_node_get(child->node, "user");
    if (user && child->user && !user_exists(child->user))
        config_node_error(user, errs, NULL, "user: there is no user '%s'", node_show(user));
}

config_err config_check_files(const config *c, config_errors *errs)
{
    size_t before = config_errors_count(errs);
    for (size_t i = 0; i < c->listener_count; i++)
        check_users(&c->listeners[i], errs);
    for (const config_child *child = c->root; child; child = config_next_child(c->root, child)) {
        if (!child->argv.count)
            continue;
        check_user(child, errs);
        if (check_directory(child, errs))
            check_program(child, errs);
    }
    if (config_errors_oom(errs))
        return CONFIG_ENOMEM;
    return config_errors_count(errs) > before ? CONFIG_EINVALID : CONFIG_OK;
}
