/* jsontext: JSON as bytes. Checks a text strictly and finds the exact bytes of its parts, so that
 * payloads and replies pass through as they were written. Pure; any thread.
 */
#ifndef ACTORCTL_JSONTEXT_H
#define ACTORCTL_JSONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#define JSONTEXT_DEPTH 128 /* as the daemon's limit */

/* Borrowed bytes of a text; `at` is NULL for "none". */
typedef struct jslice {
    const char *at;
    size_t len;
} jslice;

/* Where a text stops being JSON. Line and column count from 1, the column in bytes. */
typedef struct json_fault {
    size_t offset;
    size_t line;
    size_t column;
    const char *what; /* static */
} json_fault;

/* Is the whole text one JSON value as of RFC 8259, in UTF-8? If not, *fault says where and why. */
bool jsontext_valid(const char *text, size_t len, json_fault *fault);

/* A valid text without the blanks around it. */
jslice jsontext_trim(const char *text, size_t len);

/* The value of the object's member `name`, as the bytes between its blanks; {NULL, 0} where
 * `object` isn't an object or has no such member. Names are compared as written, without undoing
 * escapes. `object` must be valid. */
jslice jsontext_member(jslice object, const char *name);

/* Walk over a valid array: with *position 0 at first, gives the next element until false. */
bool jsontext_next(jslice array, size_t *position, jslice *item);

#endif
