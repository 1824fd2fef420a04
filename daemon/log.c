/* Records travel through a ring of bytes, each as a header and its strings.
 * The lock is held to copy one in or out, never while something is formatted
 * or written. */
#include "daemon/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/clock.h"
#include "daemon/log_out.h"
#include "libactor/lock.h"

/* A record in the ring; `size` bytes with the strings that follow: the text
 * and then the values of the fields, each with its NUL. */
typedef struct packed {
    size_t size;
    log_level level;
    int64_t wall_ms;
    const char *area; /* a literal, so the pointer will do */
    size_t text_len;
    bool cut;
    size_t nfields;
    const char *keys[LOG_FIELDS_MAX];
} packed;

enum {
    PACKED_MAX = sizeof(packed) + LOG_TEXT_MAX + 1 + (size_t)LOG_FIELDS_MAX * (LOG_FIELD_MAX + 1)
};

typedef union slot { /* room and alignment for one */
    packed head;
    char bytes[PACKED_MAX];
} slot;

static struct {
    atomic_int level;
    atomic_int format;
    atomic_ullong dropped;

    actor_lock lock; /* of all that follows, up to the thread */
    pthread_cond_t filled;
    pthread_cond_t progress; /* written or alive has changed; exists with the thread */
    char *ring;              /* NULL: no thread, write straight */
    size_t start, used;
    uint64_t unsaid;          /* dropped and not told yet */
    uint64_t pushed, written; /* records since log_start() */
    bool alive;               /* the thread is in log_main() */
    bool ending;
    pthread_t thread;

    atomic_bool give_up;    /* the thread writes no more */
    actor_lock direct_lock; /* one writer at a time when straight */
} the = {
    .level = LOG_LEVEL_INFO,
    .format = LOG_FORMAT_TEXT,
    .lock = ACTOR_LOCK_INIT,
    .filled = PTHREAD_COND_INITIALIZER,
    .direct_lock = ACTOR_LOCK_INIT,
};

/* ---- records ---- */

/* At most max bytes, and no half of a character at the cut. */
static size_t cut_length(const char *text, size_t n, size_t max)
{
    if (n <= max)
        return n;
    n = max;
    for (size_t back = 0; back < 3 && n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; back++)
        n--;
    return n;
}

static void pack(slot *s, log_level level, const char *area, const log_field *fields,
                 size_t nfields, const char *text, size_t n)
{
    packed *p = &s->head;
    p->level = level;
    p->wall_ms = clock_wall();
    p->area = area;
    p->text_len = cut_length(text, n, LOG_TEXT_MAX);
    p->cut = p->text_len < n;
    p->nfields = 0;
    char *at = s->bytes + sizeof(packed);
    memcpy(at, text, p->text_len);
    at += p->text_len;
    *at++ = '\0';
    for (size_t i = 0; i < nfields && p->nfields < LOG_FIELDS_MAX; i++) {
        const char *value = fields[i].value;
        if (value == NULL)
            continue;
        size_t kept = cut_length(value, strlen(value), LOG_FIELD_MAX);
        memcpy(at, value, kept);
        at += kept;
        *at++ = '\0';
        p->keys[p->nfields++] = fields[i].key;
    }
    p->size = (size_t)(at - s->bytes);
}

static void pack_dropped(slot *s, uint64_t n)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%llu log line%s dropped", (unsigned long long)n,
                       n == 1 ? "" : "s");
    pack(s, LOG_LEVEL_WARN, "log", LOG_NO_FIELDS, text, (size_t)len);
}

static void write_slot(const slot *s, const atomic_bool *give_up)
{
    const packed *p = &s->head;
    const char *at = s->bytes + sizeof(packed);
    log_record r = {
        .level = p->level,
        .wall_ms = p->wall_ms,
        .area = p->area,
        .text = at,
        .text_len = p->text_len,
        .cut = p->cut,
        .nfields = p->nfields,
    };
    at += p->text_len + 1;
    for (size_t i = 0; i < p->nfields; i++) {
        r.fields[i] = (log_field){p->keys[i], at};
        at += strlen(at) + 1;
    }
    log_out_write(&r, (log_format)atomic_load(&the.format), give_up);
}

/* ---- the ring ---- */

static void ring_copy_in(const char *from, size_t n) LOCK_REQUIRES(the.lock)
{
    size_t at = (the.start + the.used) % LOG_RING_BYTES;
    size_t first = LOG_RING_BYTES - at < n ? LOG_RING_BYTES - at : n;
    memcpy(the.ring + at, from, first);
    memcpy(the.ring, from + first, n - first);
    the.used += n;
}

static void ring_copy_out(char *to, size_t n) LOCK_REQUIRES(the.lock)
{
    size_t first = LOG_RING_BYTES - the.start < n ? LOG_RING_BYTES - the.start : n;
    memcpy(to, the.ring + the.start, first);
    memcpy(to + first, the.ring, n - first);
    the.start = (the.start + n) % LOG_RING_BYTES;
    the.used -= n;
}

static void ring_push(const slot *s) LOCK_REQUIRES(the.lock)
{
    ring_copy_in(s->bytes, s->head.size);
    the.pushed++;
}

static void ring_pop(slot *s) LOCK_REQUIRES(the.lock)
{
    ring_copy_out(s->bytes, sizeof(packed));
    ring_copy_out(s->bytes + sizeof(packed), s->head.size - sizeof(packed));
}

static void ring_say_dropped(void) LOCK_REQUIRES(the.lock)
{
    slot s;
    pack_dropped(&s, the.unsaid);
    the.unsaid = 0;
    ring_push(&s);
}

/* Once lines were dropped, more are, until half of the ring is free: or the
 * log would say "1 log line dropped" after every line. */
static bool ring_accept(const slot *s) LOCK_REQUIRES(the.lock)
{
    size_t room = LOG_RING_BYTES - the.used;
    if (room < s->head.size || (the.unsaid > 0 && room < LOG_RING_BYTES / 2)) {
        the.unsaid++;
        atomic_fetch_add(&the.dropped, 1);
        return false;
    }
    if (the.unsaid > 0)
        ring_say_dropped();
    ring_push(s);
    return true;
}

static void submit(const slot *s)
{
    actor_lock_take(&the.lock);
    bool direct = the.ring == NULL;
    if (!direct && ring_accept(s))
        pthread_cond_signal(&the.filled);
    actor_lock_give(&the.lock);
    if (direct) {
        actor_lock_take(&the.direct_lock);
        write_slot(s, NULL);
        actor_lock_give(&the.direct_lock);
    }
}

/* ---- the thread ---- */

static void *log_main(void *arg)
{
    (void)arg;
    slot s;
    actor_lock_take(&the.lock);
    for (;;) {
        while (the.used == 0 && the.unsaid == 0 && !the.ending)
            pthread_cond_wait(&the.filled, &the.lock.mutex);
        if (the.used == 0 && the.unsaid > 0)
            ring_say_dropped();
        if (the.used == 0 || atomic_load(&the.give_up))
            break;
        ring_pop(&s);
        actor_lock_give(&the.lock);
        write_slot(&s, &the.give_up);
        actor_lock_take(&the.lock);
        the.written++;
        pthread_cond_broadcast(&the.progress);
    }
    the.alive = false;
    pthread_cond_broadcast(&the.progress);
    actor_lock_give(&the.lock);
    return NULL;
}

static struct timespec deadline_in(unsigned ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static int start_thread(void) LOCK_REQUIRES(the.lock)
{
    pthread_condattr_t monotonic;
    int err = pthread_condattr_init(&monotonic);
    if (err != 0)
        return err;
    err = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    if (err == 0)
        err = pthread_cond_init(&the.progress, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (err != 0)
        return err;
    the.alive = true;
    err = pthread_create(&the.thread, NULL, log_main, NULL);
    if (err != 0) {
        the.alive = false;
        pthread_cond_destroy(&the.progress);
        return err;
    }
    pthread_setname_np(the.thread, "log");
    return 0;
}

int log_start(void)
{
    char *ring = malloc(LOG_RING_BYTES);
    if (ring == NULL)
        return ENOMEM;
    actor_lock_take(&the.lock);
    int err = the.ring != NULL || the.alive ? EALREADY : 0;
    if (err == 0) {
        the.start = the.used = 0;
        the.pushed = the.written = 0;
        the.unsaid = 0;
        the.ending = false;
        atomic_store(&the.give_up, false);
        err = start_thread();
    }
    if (err == 0)
        the.ring = ring;
    actor_lock_give(&the.lock);
    if (err != 0)
        free(ring);
    return err;
}

/* Returns whether `target` records were written in time. */
static bool wait_written(uint64_t target, unsigned timeout_ms) LOCK_REQUIRES(the.lock)
{
    struct timespec deadline = deadline_in(timeout_ms);
    int err = 0;
    while (the.alive && the.written < target && err == 0)
        err = pthread_cond_timedwait(&the.progress, &the.lock.mutex, &deadline);
    return the.written >= target;
}

int log_flush(unsigned timeout_ms)
{
    actor_lock_take(&the.lock);
    bool done = the.ring == NULL || wait_written(the.pushed, timeout_ms);
    actor_lock_give(&the.lock);
    return done ? 0 : ETIMEDOUT;
}

void log_stop(unsigned timeout_ms)
{
    actor_lock_take(&the.lock);
    if (the.ring == NULL) {
        actor_lock_give(&the.lock);
        return;
    }
    the.ending = true;
    pthread_cond_signal(&the.filled);
    /* Lines keep going through the ring until it is empty, so that the order holds. */
    struct timespec deadline = deadline_in(timeout_ms);
    int err = 0;
    while (the.alive && err == 0)
        err = pthread_cond_timedwait(&the.progress, &the.lock.mutex, &deadline);
    atomic_store(&the.give_up, true);
    deadline = deadline_in(2 * LOG_OUT_LOOK_UP_MS);
    err = 0;
    while (the.alive && err == 0)
        err = pthread_cond_timedwait(&the.progress, &the.lock.mutex, &deadline);
    bool ended = !the.alive;
    char *ring = the.ring;
    the.ring = NULL;
    the.used = 0;
    pthread_t thread = the.thread;
    actor_lock_give(&the.lock);
    free(ring);
    /* One that hangs in the journal's socket is left there: the program ends. */
    if (ended) {
        pthread_join(thread, NULL);
        pthread_cond_destroy(&the.progress);
    } else {
        pthread_detach(thread);
    }
}

/* ---- writing ---- */

void log_bytes(log_level level, const char *area, const log_field *fields, size_t nfields,
               const void *bytes, size_t n)
{
    if (!log_enabled(level))
        return;
    int saved = errno;
    slot s;
    pack(&s, level, area, fields, nfields, bytes, n);
    submit(&s);
    errno = saved;
}

static __attribute__((format(printf, 5, 0))) void vwrite(log_level level, const char *area,
                                                         const log_field *fields, size_t nfields,
                                                         const char *fmt, va_list args)
{
    if (!log_enabled(level))
        return;
    int saved = errno;
    /* A byte more than is kept, so that pack() sees that there was more. */
    char text[LOG_TEXT_MAX + 2];
    int n = vsnprintf(text, sizeof(text), fmt, args);
    size_t len = strlen(n < 0 ? fmt : text);
    log_bytes(level, area, fields, nfields, n < 0 ? fmt : text, len);
    errno = saved;
}

void log_write(log_level level, const char *area, const log_field *fields, size_t nfields,
               const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vwrite(level, area, fields, nfields, fmt, args);
    va_end(args);
}

void log_debug(const char *area, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vwrite(LOG_LEVEL_DEBUG, area, LOG_NO_FIELDS, fmt, args);
    va_end(args);
}

void log_info(const char *area, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vwrite(LOG_LEVEL_INFO, area, LOG_NO_FIELDS, fmt, args);
    va_end(args);
}

void log_warn(const char *area, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vwrite(LOG_LEVEL_WARN, area, LOG_NO_FIELDS, fmt, args);
    va_end(args);
}

void log_error(const char *area, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vwrite(LOG_LEVEL_ERROR, area, LOG_NO_FIELDS, fmt, args);
    va_end(args);
}

bool log_enabled(log_level level)
{
    return (int)level >= atomic_load_explicit(&the.level, memory_order_relaxed);
}

void log_set_level(log_level level)
{
    atomic_store(&the.level, (int)level);
}

void log_set_format(log_format format)
{
    atomic_store(&the.format, (int)log_out_resolve(format));
}

uint64_t log_dropped(void)
{
    return atomic_load(&the.dropped);
}
