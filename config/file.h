/* file: a whole file in memory. Internal to config/. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <stddef.h>

typedef enum file_err_kind {
    FILE_OK = 0,
    FILE_ESYSTEM, /* system_error says why */
    FILE_ETOOLARGE,
    FILE_ENOMEM
} file_err_kind;

typedef struct file_err {
    file_err_kind kind;
    int system_error; /* an errno */
    size_t limit;
} file_err;

/* Read all of `path`, at most `limit` bytes, into *bytes for free(); untouched on failure. */
file_err file_read(const char *path, size_t limit, char **bytes, size_t *length);

const char *file_strerror(file_err err);

#endif
