/* The daemon's log: one per process, behind a bounded ring, so that whoever
 * logs is never held up by a slow terminal, pipe or journal.
 *
 * Lines that find the ring full are dropped, counted, and the log says how
 * many ("12 log lines dropped") as soon as there is room. Before log_start()
 * and after log_stop() lines are written straight away.
 *
 * Whatever the text holds, a line of output stays one line: control
 * characters are escaped, bytes that aren't UTF-8 too, and long texts are cut
 * with an ellipsis.
 *
 * Errors   0 or an errno value. A stderr that is closed or broken costs the
 *          lines, nothing else.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
} log_level;

typedef enum log_format {
    LOG_FORMAT_AUTO, /* journal when $JOURNAL_STREAM says stderr is one, else text */
    LOG_FORMAT_TEXT,
    LOG_FORMAT_JSON, /* one object a line: time, level, area, text, then the fields */
    LOG_FORMAT_JOURNAL,
} log_format;

enum {
    LOG_TEXT_MAX = 2048,      /* bytes of text kept of one line */
    LOG_FIELDS_MAX = 8,       /* fields kept of one line */
    LOG_FIELD_MAX = 256,      /* bytes kept of a field's value */
    LOG_RING_BYTES = 1 << 20, /* what may wait to be written */
};

/* One structured field. Keys are literals in [a-z_]; a value of NULL means
 * there is none. In the journal `actor` becomes ACTORD_ACTOR. */
typedef struct log_field {
    const char *key;
    const char *value;
} log_field;

/* For log_write(): LOG_FIELDS({"actor", name}, {"message", id}) */
#define LOG_FIELDS(...)                                                                            \
    (const log_field[]){__VA_ARGS__}, (sizeof((const log_field[]){__VA_ARGS__}) / sizeof(log_field))
#define LOG_NO_FIELDS NULL, 0

/* Writing. Format errors show as the bare format.
 * `area` is a literal: what part of the daemon speaks ("exec", "config").
 * errno is kept.
 * Threads  any; never blocks on output. */
void log_debug(const char *area, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *area, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *area, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_error(const char *area, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_write(log_level level, const char *area, const log_field *fields, size_t nfields,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same for n bytes of anything, as a child's line. */
void log_bytes(log_level level, const char *area, const log_field *fields, size_t nfields,
               const void *bytes, size_t n);

/* Whether a line of this level would be written: for those who would have to
 * compute something for it. Threads: any. */
bool log_enabled(log_level level);

/* Least level written; INFO at first. Threads: any. */
void log_set_level(log_level level);

/* TEXT at first; AUTO is decided here. Threads: any. */
void log_set_format(log_format format);

/* Find by the word of the configuration file.
 * Returns  true and *out; false: no such word. */
bool log_level_parse(const char *word, log_level *out);
bool log_format_parse(const char *word, log_format *out);
const char *log_level_name(log_level level);

/* Put the ring and its thread between writers and the output.
 * Returns  0; ENOMEM, EAGAIN no thread (then writing stays direct); EALREADY.
 * Threads  main. */
int log_start(void);

/* Wait until all that was logged before is written, at most timeout_ms.
 * Returns  0; ETIMEDOUT.
 * Threads  any that may block. */
int log_flush(unsigned timeout_ms);

/* Write what waits (for at most timeout_ms), end the thread, and be direct
 * from then on. Does nothing when not started.
 * Threads  main, others may go on logging. */
void log_stop(unsigned timeout_ms);

/* Lines dropped since the start of the program. Threads: any. */
uint64_t log_dropped(void);

#endif
