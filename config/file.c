#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read until the end or until the buffer is full; -1 with errno. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t n = read(fd, buffer + used, size - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

file_err file_read(const char *path, size_t limit, char **bytes, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return (file_err){FILE_ESYSTEM, errno, limit};
    file_err err = {FILE_OK, 0, limit};
    /* One byte more tells a file of the size allowed from a larger one. */
    char *buffer = malloc(limit + 1);
    ssize_t n = buffer ? read_all(fd, buffer, limit + 1) : 0;
    if (!buffer)
        err.kind = FILE_ENOMEM;
    else if (n < 0)
        err = (file_err){FILE_ESYSTEM, errno, limit};
    else if ((size_t)n > limit)
        err.kind = FILE_ETOOLARGE;
    close(fd);
    if (err.kind != FILE_OK) {
        free(buffer);
        return err;
    }
    *bytes = buffer;
    *length = (size_t)n;
    return err;
}

const char *file_strerror(file_err err)
{
    switch (err.kind) {
    case FILE_OK:
        return "ok";
    case FILE_ESYSTEM:
        return strerror(err.system_error);
    case FILE_ETOOLARGE:
        return err.limit == 1048576 ? "larger than 1 MiB" : "larger than 64 KiB";
    case FILE_ENOMEM:
        return "out of memory";
    }
    return "unknown error";
}
