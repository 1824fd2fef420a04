/* json.h - strict JSON (RFC 8259) in, JSON out.
 *
 * Reading: json_parse() judges a whole text once. What it accepted is then walked as exact byte
 * ranges of that text; nothing is copied, and nothing but the functions that say so allocates. A
 * payload is such a range, which is how it travels byte for byte.
 *
 * Accepted is exactly RFC 8259 in strict UTF-8 without a byte order mark, nested at most
 * JSON_DEPTH_MAX deep. Numbers may be of any size and escapes may name lone surrogates: both are
 * grammatical, and only json_int64(), json_double() and json_text() have to refuse them.
 *
 * Writing: a json_out puts its own commas and remembers the first failure, so that a caller checks
 * once, at the end.
 *
 * Threads: no shared state. A json_value is valid as long as its text.
 */
#ifndef DAEMON_JSON_H
#define DAEMON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 128

typedef enum json_err {
    JSON_OK = 0,
    JSON_ESYNTAX,    /* not JSON */
    JSON_ETRUNCATED, /* the text ends too early */
    JSON_EUTF8,      /* a byte that is not UTF-8 */
    JSON_EDEPTH,     /* nested deeper than JSON_DEPTH_MAX */
    JSON_ETYPE,      /* a value of another type */
    JSON_ERANGE,     /* a number the C type can't hold */
    JSON_EINEXACT,   /* a number the C type holds only rounded */
    JSON_ENUL,       /* a string with \u0000 in it */
    JSON_ESURROGATE, /* a string with half a surrogate pair */
    JSON_ENOSPACE,   /* the caller's buffer is too small */
    JSON_ENOMEM,
} json_err;

const char *json_strerror(json_err err);

typedef enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} json_type;

/* "a string", "an object", …: for messages. */
const char *json_type_name(json_type type);

/* One value: its exact bytes, without the white space around it. A string has its quotes on. */
typedef struct json_value {
    const char *start;
    size_t len;
    json_type type;
} json_value;

typedef struct json_member {
    json_value key; /* JSON_STRING, as written */
    json_value value;
} json_member;

/* Judge text[0..len) and find its one value.
 *
 * Returns  JSON_OK; JSON_ESYNTAX, JSON_ETRUNCATED, JSON_EUTF8 or JSON_EDEPTH, and *where (may be
 *          NULL) is the offset of the first offending byte, len where the text ends too early.
 * Cost     one pass; constant stack, whatever the input.
 */
json_err json_parse(const char *text, size_t len, json_value *root, size_t *where);

/* ---- walking what json_parse() accepted ---- */

typedef struct json_iter {
    const char *at;
    const char *end;
} json_iter;

/* Start at the first member or element of an object or array; empty for any other type. */
json_iter json_each(json_value container);

/* The next member of an object, element of an array: false at the end. */
bool json_next_member(json_iter *iter, json_member *member);
bool json_next_element(json_iter *iter, json_value *element);

/* How many members or elements. One pass over the container. */
size_t json_count(json_value container);

/* The first member called `name`. False where there is none or `object` isn't one. */
bool json_find(json_value object, const char *name, json_value *value);

/* Find two members of the same name, however each is spelled ("a" and "\u0061" are the same).
 *
 * Returns  JSON_OK, and *found says whether *second is the later one of such a pair;
 *          JSON_ETYPE not an object; JSON_ENOMEM, only for objects of more than 32 members, which
 *          are sorted in allocated memory.
 */
json_err json_find_duplicate(json_value object, bool *found, json_member *second);

/* ---- scalars ---- */

/* True for `true`. */
bool json_is_true(json_value value);

/* The exact value of a number.
 *
 * Returns  JSON_OK; JSON_ETYPE not a number; JSON_ERANGE outside int64_t; JSON_EINEXACT not whole.
 *          1.0, 10e-1 and 1e2 are whole numbers.
 */
json_err json_int64(json_value number, int64_t *out);

/* The double nearest to a number.
 *
 * Returns  JSON_OK, exact; JSON_EINEXACT, *out is set all the same, to the nearest double, which
 *          isn't the number written (0.1 is such a number); JSON_ERANGE it would be infinite;
 *          JSON_ETYPE not a number; JSON_ENOMEM.
 */
json_err json_double(json_value number, double *out);

/* True where the string's decoded text is `literal`. Escapes count as what they mean. */
bool json_text_is(json_value string, const char *literal);

/* True where both strings decode to the same text. */
bool json_text_same(json_value a, json_value b);

/* Decode a string into buffer[0..size), with a NUL after it.
 *
 * Returns  JSON_OK, *len (may be NULL) is the decoded length; JSON_ETYPE not a string; JSON_ENUL it
 *          contains \u0000, never cut short there; JSON_ESURROGATE; JSON_ENOSPACE. Nothing useful
 *          is in the buffer after a failure.
 */
json_err json_text(json_value string, char *buffer, size_t size, size_t *len);

/* The same into memory of its own; the caller frees *out. Also JSON_ENOMEM. */
json_err json_text_dup(json_value string, char **out, size_t *len);

/* ---- writing ---- */

/* A text being built. Zeroed it is ready for use. After the first failure every put does nothing
 * and `err` stays; look at it before using `data`.
 */
typedef struct json_out {
    char *data;
    size_t len;
    size_t capacity;
    json_err err; /* JSON_OK or JSON_ENOMEM */
    bool comma;   /* the next key or value needs one before it */
} json_out;

/* Forget the text and the error, keep the memory. */
void json_out_clear(json_out *out);

/* Free the memory; ready for use again. NULL is allowed. */
void json_out_free(json_out *out);

/* Give the text away: malloc'd, NUL-terminated, *len bytes. NULL after a failure. `out` is empty
 * and ready for use afterwards. */
char *json_out_take(json_out *out, size_t *len);

void json_out_object(json_out *out);
void json_out_object_end(json_out *out);
void json_out_array(json_out *out);
void json_out_array_end(json_out *out);

/* The name of the next value. Members may also be written without an object around them, to be
 * put into one later with json_out_members(). */
void json_out_key(json_out *out, const char *name);

/* Text, escaped; each byte that is not UTF-8 becomes U+FFFD. `text` NULL is written as null. */
void json_out_text(json_out *out, const char *text);
void json_out_text_n(json_out *out, const char *text, size_t len);

void json_out_int(json_out *out, int64_t number);
void json_out_uint(json_out *out, uint64_t number);

/* The shortest text that reads back as the same double. What is not finite is written as null. */
void json_out_double(json_out *out, double number);

void json_out_bool(json_out *out, bool value);
void json_out_null(json_out *out);

/* One whole value, verbatim: the caller answers for its being JSON. */
void json_out_raw(json_out *out, const char *bytes, size_t len);
void json_out_value(json_out *out, json_value value);

/* Members written without an object around them ("a":1,"b":2), verbatim; none is fine. */
void json_out_members(json_out *out, const char *bytes, size_t len);

/* A line feed after a whole text; the next one begins. */
void json_out_end_line(json_out *out);

/* A printf into a text value. */
void json_out_textf(json_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
