/* buf: bytes that grow. One owner, one thread.
 *
 * An allocation that fails is remembered: later calls do nothing, and buf_ok() is false. So a
 * text is put together without a check a line, and checked once before it is used.
 */
#ifndef ACTORCTL_BUF_H
#define ACTORCTL_BUF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct buf {
    char *at; /* NULL while empty; otherwise followed by a NUL that isn't counted */
    size_t len;
    size_t capacity;
    bool failed;
} buf;

bool buf_ok(const buf *b);
void buf_add(buf *b, const void *bytes, size_t len);
void buf_puts(buf *b, const char *text);
void buf_printf(buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append `text` as a JSON string, quotes included. Bytes that aren't UTF-8 go in as they are: the
 * reader refuses them. */
void buf_json_string(buf *b, const char *text);

/* Empty, but keep the memory; forgets a failure. */
void buf_clear(buf *b);
void buf_free(buf *b);

#endif
