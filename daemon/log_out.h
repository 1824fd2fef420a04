/* One record of the log, and how it is written: a line of text, of JSON, or an
 * entry of the journal. No state, no lock: log.c calls it from one thread at a
 * time. */
#ifndef DAEMON_LOG_OUT_H
#define DAEMON_LOG_OUT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/log.h"

/* Borrowed strings of bounded length, see log.h. */
typedef struct log_record {
    log_level level;
    int64_t wall_ms;
    const char *area;
    const char *text;
    size_t text_len;
    bool cut; /* the text was longer */
    size_t nfields;
    log_field fields[LOG_FIELDS_MAX];
} log_record;

/* What a line can grow to when every byte is escaped as \u00XX. */
enum { LOG_LINE_MAX = 6 * (LOG_TEXT_MAX + LOG_FIELDS_MAX * (LOG_FIELD_MAX + 64)) + 512 };

/* AUTO becomes what fits stderr; the others stay. */
log_format log_out_resolve(log_format format);

/* How often a writer that waits for stderr looks whether to give up. */
enum { LOG_OUT_LOOK_UP_MS = 100 };

/* Write a record in a format that isn't AUTO. Waits for a stderr that is full
 * until *give_up is true (NULL: for ever). What can't be written is lost. */
void log_out_write(const log_record *r, log_format format, const atomic_bool *give_up);

#endif
