#include "daemon/log_out.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "daemon/clock.h"
#include "daemon/utf8.h"

static const struct {
    const char *name;
    int priority; /* syslog's */
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_WARN] = {"warn", LOG_WARNING},
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
};

/* ---- a line in the making ---- */

typedef struct line {
    char bytes[LOG_LINE_MAX];
    size_t len;
} line;

/* LOG_LINE_MAX has room for the worst; what were over it would be cut. */
static void put(line *l, const char *bytes, size_t n)
{
    size_t room = sizeof(l->bytes) - l->len;
    if (n > room)
        n = room;
    memcpy(l->bytes + l->len, bytes, n);
    l->len += n;
}

static void put_text(line *l, const char *text)
{
    put(l, text, strlen(text));
}

typedef enum escape_style { ESCAPE_TEXT, ESCAPE_JSON } escape_style;

/* C0, DEL and C1: what could move a terminal's cursor or end a line. */
static bool is_control(const char *at, size_t n)
{
    unsigned char c = (unsigned char)at[0];
    return (n == 1 && (c < 0x20 || c == 0x7f)) ||
           (n == 2 && c == 0xc2 && (unsigned char)at[1] < 0xa0);
}

static void put_escaped_byte(line *l, unsigned char c, escape_style style)
{
    static const char shorts[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
    char buf[8];
    if (c < sizeof(shorts) && shorts[c] != 0)
        snprintf(buf, sizeof(buf), "\\%c", shorts[c]);
    else
        snprintf(buf, sizeof(buf), style == ESCAPE_JSON ? "\\u%04x" : "\\x%02x", c);
    put_text(l, buf);
}

/* In text, `also` names further bytes to escape; in JSON it is the quote and the backslash. */
static void put_escaped(line *l, const char *text, size_t n, escape_style style, const char *also)
{
    while (n > 0) {
        size_t step = utf8_length(text, n);
        if (step == 0 && style == ESCAPE_JSON) {
            put_text(l, "\xef\xbf\xbd"); /* JSON has no way to say a byte */
            step = 1;
        } else if (step == 0 || is_control(text, step)) {
            step = step == 0 ? 1 : step;
            /* A C1 control is two bytes, whose second is its code. */
            put_escaped_byte(l, (unsigned char)text[step - 1], style);
        } else {
            if (step == 1 && strchr(also, text[0]) != NULL)
                put_text(l, "\\");
            put(l, text, step);
        }
        text += step;
        n -= step;
    }
}

/* ---- text ---- */

static bool needs_quotes(const char *value)
{
    return value[0] == '\0' || strpbrk(value, " \"=\\") != NULL;
}

static void format_text(line *l, const log_record *r)
{
    char time[CLOCK_TEXT];
    put_text(l, clock_format(r->wall_ms, time));
    char head[16];
    snprintf(head, sizeof(head), " %-5s ", levels[r->level].name);
    put_text(l, head);
    put_text(l, r->area);
    put_text(l, ": ");
    put_escaped(l, r->text, r->text_len, ESCAPE_TEXT, "");
    if (r->cut)
        put_text(l, "…");
    for (size_t i = 0; i < r->nfields; i++) {
        const char *value = r->fields[i].value;
        const char *quote = needs_quotes(value) ? "\"" : "";
        put_text(l, " ");
        put_text(l, r->fields[i].key);
        put_text(l, "=");
        put_text(l, quote);
        put_escaped(l, value, strlen(value), ESCAPE_TEXT, quote[0] != '\0' ? "\"\\" : "");
        put_text(l, quote);
    }
}

/* ---- JSON ---- */

static void put_member(line *l, const char *key, const char *value, size_t n, const char *tail)
{
    put_text(l, l->len > 1 ? ",\"" : "\"");
    put_text(l, key);
    put_text(l, "\":\"");
    put_escaped(l, value, n, ESCAPE_JSON, "\"\\");
    put_text(l, tail);
    put_text(l, "\"");
}

static void format_json(line *l, const log_record *r)
{
    char time[CLOCK_TEXT];
    const char *level = levels[r->level].name;
    clock_format(r->wall_ms, time);
    put_text(l, "{");
    put_member(l, "time", time, strlen(time), "");
    put_member(l, "level", level, strlen(level), "");
    put_member(l, "area", r->area, strlen(r->area), "");
    put_member(l, "text", r->text, r->text_len, r->cut ? "…" : "");
    for (size_t i = 0; i < r->nfields; i++)
        put_member(l, r->fields[i].key, r->fields[i].value, strlen(r->fields[i].value), "");
    put_text(l, "}");
}

/* ---- stderr ---- */

/* A pipe that polls as writable takes PIPE_BUF bytes without blocking, so this
 * thread can always be told to give up. */
static void write_stderr(const char *bytes, size_t n, const atomic_bool *give_up)
{
    while (n > 0) {
        struct pollfd pfd = {.fd = STDERR_FILENO, .events = POLLOUT};
        int ready = poll(&pfd, 1, give_up != NULL ? LOG_OUT_LOOK_UP_MS : -1);
        if (ready == 0 && atomic_load(give_up))
            return;
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        if (ready < 0 || (pfd.revents & POLLOUT) == 0)
            return;
        ssize_t put_bytes = write(STDERR_FILENO, bytes, n < PIPE_BUF ? n : PIPE_BUF);
        if (put_bytes < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (put_bytes <= 0)
            return;
        bytes += put_bytes;
        n -= (size_t)put_bytes;
    }
}

/* ---- journal ---- */

/* $JOURNAL_STREAM is "device:inode" of what the manager connected to stderr;
 * it is inherited by those whose stderr has become something else. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char here[64];
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
        return false;
    snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, here) == 0;
}

log_format log_out_resolve(log_format format)
{
    if (format != LOG_FORMAT_AUTO)
        return format;
    return stderr_is_journal() ? LOG_FORMAT_JOURNAL : LOG_FORMAT_TEXT;
}

enum { JOURNAL_FIXED = 4, JOURNAL_KEY_MAX = 64 };

/* "actor" becomes "ACTORD_ACTOR=". */
static size_t journal_key(char out[JOURNAL_KEY_MAX], const char *key)
{
    size_t n = (size_t)snprintf(out, JOURNAL_KEY_MAX - 1, "ACTORD_%s", key);
    if (n > JOURNAL_KEY_MAX - 2)
        n = JOURNAL_KEY_MAX - 2;
    for (size_t i = 0; i < n; i++)
        if (out[i] >= 'a' && out[i] <= 'z')
            out[i] = (char)(out[i] - 'a' + 'A');
    out[n] = '=';
    return n + 1;
}

/* Values are binary-safe there: nothing needs escaping, and a terminal is
 * journalctl's business. */
static bool write_journal(const log_record *r)
{
    static const char identifier[] = "SYSLOG_IDENTIFIER=actord";
    char message[8 + LOG_TEXT_MAX + 3], priority[16];
    char fields[LOG_FIELDS_MAX + 1][JOURNAL_KEY_MAX + LOG_FIELD_MAX];
    struct iovec iov[JOURNAL_FIXED + LOG_FIELDS_MAX];
    int message_len = snprintf(message, sizeof(message), "MESSAGE=");
    memcpy(message + message_len, r->text, r->text_len);
    message_len += (int)r->text_len;
    if (r->cut) {
        static const char ellipsis[] = "…";
        memcpy(message + message_len, ellipsis, sizeof(ellipsis) - 1);
        message_len += (int)sizeof(ellipsis) - 1;
    }
    int priority_len =
        snprintf(priority, sizeof(priority), "PRIORITY=%d", levels[r->level].priority);
    iov[0] = (struct iovec){message, (size_t)message_len};
    iov[1] = (struct iovec){priority, (size_t)priority_len};
    iov[2] = (struct iovec){(void *)identifier, sizeof(identifier) - 1};
    for (size_t i = 0; i <= r->nfields; i++) {
        const char *key = i == 0 ? "area" : r->fields[i - 1].key;
        const char *value = i == 0 ? r->area : r->fields[i - 1].value;
        size_t key_len = journal_key(fields[i], key);
        size_t value_len = strnlen(value, LOG_FIELD_MAX);
        memcpy(fields[i] + key_len, value, value_len);
        iov[3 + i] = (struct iovec){fields[i], key_len + value_len};
    }
    return sd_journal_sendv(iov, (int)(JOURNAL_FIXED + r->nfields)) == 0;
}

void log_out_write(const log_record *r, log_format format, const atomic_bool *give_up)
{
    if (format == LOG_FORMAT_JOURNAL && write_journal(r))
        return;
    line l;
    l.len = 0;
    if (format == LOG_FORMAT_JSON)
        format_json(&l, r);
    else
        format_text(&l, r);
    if (l.len == sizeof(l.bytes))
        l.len--;
    l.bytes[l.len++] = '\n';
    write_stderr(l.bytes, l.len, give_up);
}

const char *log_level_name(log_level level)
{
    return levels[level].name;
}

bool log_level_parse(const char *word, log_level *out)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(word, levels[i].name) == 0) {
            *out = (log_level)i;
            return true;
        }
    }
    return false;
}

bool log_format_parse(const char *word, log_format *out)
{
    static const char *const names[] = {
        [LOG_FORMAT_AUTO] = "auto",
        [LOG_FORMAT_TEXT] = "text",
        [LOG_FORMAT_JSON] = "json",
        [LOG_FORMAT_JOURNAL] = "journal",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(word, names[i]) == 0) {
            *out = (log_format)i;
            return true;
        }
    }
    return false;
}
