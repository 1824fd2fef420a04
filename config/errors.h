/* errors: what is wrong with a configuration, all of it, with positions.
 *
 * A list collects every error of one load. It never fails to take one: when memory runs out it
 * remembers that instead, and config_errors_oom() says so. Not thread-safe; one thread owns a list.
 */
#ifndef CONFIG_ERRORS_H
#define CONFIG_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum config_err {
    CONFIG_OK = 0,
    CONFIG_EINVALID, /* the input is wrong; the list of errors says where and why */
    CONFIG_ENOMEM
} config_err;

const char *config_strerror(config_err err);

/* A place in a file. Lines and columns count from 1, columns in characters; line 0 means that the
 * text has no lines worth citing (JSON parameters, a file that can't be opened). */
typedef struct config_mark {
    const char *file;
    int line;
    int column;
} config_mark;

/* One error as plain fields. All strings belong to the list. */
typedef struct config_error {
    config_mark at;
    const char *message;    /* one line, without the suggestion */
    const char *suggestion; /* "did you mean 'x'?" or "valid values: a, b, c", or NULL */
    const char *source;     /* the line it is about, or NULL; of a long line the part around it */
    int caret;              /* characters of `source` before the place */
} config_error;

typedef struct config_errors config_errors;

/* A new, empty list; NULL when out of memory. */
config_errors *config_errors_new(void);
void config_errors_free(config_errors *errs);

/* So many errors are kept; of the others only the count, which the text ends with. */
#define CONFIG_ERRORS_MAX 1000

/* Append an error. `suggestion` and `source` may be NULL; everything is copied. `source` is the
 * whole line that `at` points into, `source_len` bytes of it. */
void config_errors_add(config_errors *errs, config_mark at, const char *suggestion,
                       const char *source, size_t source_len, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/* Give `file` its place in the order of files, behind those that were named before. */
void config_errors_order(config_errors *errs, const char *file);

/* Note that memory ran out, so that the list can't be complete. */
void config_errors_set_oom(config_errors *errs);
bool config_errors_oom(const config_errors *errs);

/* How many were added, and how many of them are kept. */
size_t config_errors_count(const config_errors *errs);
size_t config_errors_kept(const config_errors *errs);

/* The i-th error, sorted by file (in the order in which they were first named), line and column.
 * NULL when there is no such error. Valid until the next add. */
const config_error *config_errors_get(config_errors *errs, size_t i);

/* All errors as text for people:
 *
 *     actord.yaml:12:5: error: unknown key 'max_retires'; did you mean 'max_retries'?
 *           max_retires: 8
 *           ^
 *
 * and, unless it is NULL, `consequence` as the last line ("Nothing changed; ...").
 * Returns a string for free(), or NULL when out of memory. */
char *config_errors_text(config_errors *errs, const char *consequence);

#endif
