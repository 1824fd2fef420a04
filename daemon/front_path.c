/* A socket's place in the file system: nothing of somebody else's is ever removed, and two daemons
 * never share a path. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/front_wire.h"

static front_err system_error(char *text, const char *path, const char *what)
{
    front_err err =
        errno == EACCES || errno == EPERM || errno == EROFS ? FRONT_EDENIED : FRONT_ESYSTEM;

    return front__fail(text, err, "cannot listen on ipc://%s: %s: %s", path, what, strerror(errno));
}

static front_err check_directory(const char *path, char *text)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    char directory[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    struct stat info;

    memcpy(directory, slash == NULL ? "." : path, len);
    directory[len] = '\0';
    if (stat(directory, &info) != 0 && errno != ENOENT && errno != ENOTDIR)
        return system_error(text, path, directory);
    if (stat(directory, &info) != 0 || !S_ISDIR(info.st_mode))
        return front__fail(text, FRONT_EPATH,
                           "cannot listen on ipc://%s: the directory %s does not exist; create it, "
                           "or choose another url",
                           path, directory);
    return FRONT_OK;
}

static long holder(int fd)
{
    char digits[24];
    ssize_t n = pread(fd, digits, sizeof digits - 1, 0);
    char *end;
    long pid;

    if (n <= 0)
        return 0;
    digits[n] = '\0';
    pid = strtol(digits, &end, 10);
    return end != digits && (*end == '\n' || *end == '\0') ? pid : 0;
}

static front_err locked(const front_path *p, int fd, char *text)
{
    long pid = holder(fd);

    if (pid > 0)
        return front__fail(
            text, FRONT_EINUSE,
            "cannot listen on ipc://%s: process %ld already does (it holds %s); stop "
            "it, or choose another url",
            p->path, pid, p->lock_path);
    return front__fail(text, FRONT_EINUSE,
                       "cannot listen on ipc://%s: another process already does (it holds %s)",
                       p->path, p->lock_path);
}

static bool write_pid(int fd)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

/* Open and lock the lock file. A holder removes the file when it goes, so the file that was locked
 * may no longer be the one at the path: then once more. */
static front_err take_lock(front_path *p, char *text)
{
    for (;;) {
        struct stat held;
        struct stat named;
        int fd = open(p->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

        if (fd < 0)
            return system_error(text, p->path, p->lock_path);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            front_err err = errno == EWOULDBLOCK ? locked(p, fd, text)
                                                 : system_error(text, p->path, p->lock_path);

            close(fd);
            return err;
        }
        if (fstat(fd, &held) == 0 && lstat(p->lock_path, &named) == 0 &&
            held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
            if (!S_ISREG(held.st_mode) || !write_pid(fd)) {
                front_err err = system_error(text, p->path, p->lock_path);

                close(fd);
                return err;
            }
            p->lock = fd;
            return FRONT_OK;
        }
        close(fd);
    }
}

/* 0: somebody listens there; else the reason why a connection fails. */
static int try_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc;

    if (fd < 0)
        return errno;
    memcpy(address.sun_path, path, strlen(path) + 1);
    rc = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    close(fd);
    return rc;
}

static front_err check_place(const char *path, bool *stale, char *text)
{
    struct stat info;

    *stale = false;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? FRONT_OK : system_error(text, path, path);
    if (!S_ISSOCK(info.st_mode))
        return front__fail(text, FRONT_EPATH,
                           "cannot listen on ipc://%s: there is a file of that name that is no "
                           "socket; move it away, or choose another url",
                           path);
    *stale = true;
    return FRONT_OK;
}

static front_err clear_place(const char *path, char *text)
{
    bool stale;
    front_err err = check_place(path, &stale, text);

    if (err != FRONT_OK || !stale)
        return err;
    if (try_connect(path) != ECONNREFUSED)
        return front__fail(text, FRONT_EINUSE,
                           "cannot listen on ipc://%s: another process already does; stop it, or "
                           "choose another url",
                           path);
    if (unlink(path) != 0 && errno != ENOENT)
        return system_error(text, path, "the stale socket can't be removed");
    return FRONT_OK;
}

front_err front__path_take(front_path *p, const char *path, char *text)
{
    bool stale;
    front_err err;

    *p = (front_path){.lock = -1};
    if (*path == '\0')
        return front__fail(text, FRONT_EINVAL, "cannot listen on ipc://: the path is missing");
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return front__fail(text, FRONT_EINVAL,
                           "cannot listen on ipc://%s: the path is longer than %zu bytes", path,
                           sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    err = check_directory(path, text);
    if (err == FRONT_OK)
        err = check_place(path, &stale, text);
    if (err != FRONT_OK)
        return err;
    p->path = strdup(path);
    if (p->path == NULL || asprintf(&p->lock_path, "%s.lock", path) < 0) {
        free(p->path);
        *p = (front_path){.lock = -1};
        return front__fail(text, FRONT_ENOMEM, "cannot listen on ipc://%s: out of memory", path);
    }
    err = take_lock(p, text);
    if (err == FRONT_OK)
        err = clear_place(path, text);
    if (err != FRONT_OK)
        front__path_release(p);
    return err;
}

static front_err find_group(const char *name, const char *path, gid_t *gid, char *text)
{
    struct group entry;
    struct group *found = NULL;
    size_t size = 1024;
    char *buffer = NULL;
    int rc;

    do {
        char *larger = realloc(buffer, size *= 2);

        if (larger == NULL) {
            free(buffer);
            return front__fail(text, FRONT_ENOMEM, "cannot listen on ipc://%s: out of memory",
                               path);
        }
        buffer = larger;
        rc = getgrnam_r(name, &entry, buffer, size, &found);
    } while (rc == ERANGE);
    if (found != NULL)
        *gid = entry.gr_gid;
    free(buffer);
    if (found == NULL)
        return front__fail(text, FRONT_EGROUP, "cannot listen on ipc://%s: there is no group '%s'",
                           path, name);
    return FRONT_OK;
}

front_err front__path_permit(const front_path *p, mode_t mode, const char *group, char *text)
{
    gid_t gid = (gid_t)-1;
    front_err err;

    if (group != NULL) {
        err = find_group(group, p->path, &gid, text);
        if (err != FRONT_OK)
            return err;
        if (lchown(p->path, (uid_t)-1, gid) != 0)
            return system_error(text, p->path, "its group can't be set");
    }
    if (chmod(p->path, mode) != 0)
        return system_error(text, p->path, "its mode can't be set");
    return FRONT_OK;
}

void front__path_release(front_path *p)
{
    if (p->path != NULL && p->lock >= 0) {
        if (p->bound)
            unlink(p->path);
        unlink(p->lock_path);
        close(p->lock);
    }
    free(p->path);
    free(p->lock_path);
    *p = (front_path){.lock = -1};
}
