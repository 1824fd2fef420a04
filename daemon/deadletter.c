#include "daemon/deadletter.h"

#include "daemon/unit.h"
#include "libactor/lock.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    TAILQ_ENTRY(entry) link;
    uint64_t number;
    message *message; /* referenced */
    clock_ms at;
    size_t bytes;
} entry;

TAILQ_HEAD(entries, entry);

struct deadletters {
    actor_lock lock;
    struct entries list LOCK_GUARDED_BY(lock); /* by number */
    uint64_t last LOCK_GUARDED_BY(lock);
    uint64_t lost LOCK_GUARDED_BY(lock);
    size_t count LOCK_GUARDED_BY(lock);
    int64_t bytes LOCK_GUARDED_BY(lock);
    int64_t max_bytes LOCK_GUARDED_BY(lock);
};

deadletters *deadletters_new(int64_t max_bytes)
{
    deadletters *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    actor_lock_init(&d->lock);
    TAILQ_INIT(&d->list);
    d->max_bytes = max_bytes;
    return d;
}

static void unlink_entry(deadletters *d, entry *e) LOCK_REQUIRES(d->lock)
{
    TAILQ_REMOVE(&d->list, e, link);
    d->count--;
    d->bytes -= (int64_t)e->bytes;
}

/* Too many: move the oldest to `out`, so that they can be released without the lock. */
static void trim(deadletters *d, struct entries *out) LOCK_REQUIRES(d->lock)
{
    entry *e;
    while (d->bytes > d->max_bytes && (e = TAILQ_FIRST(&d->list)) && TAILQ_NEXT(e, link)) {
        unlink_entry(d, e);
        d->lost++;
        TAILQ_INSERT_TAIL(out, e, link);
    }
}

static void release_all(struct entries *list)
{
    entry *e;
    while ((e = TAILQ_FIRST(list))) {
        TAILQ_REMOVE(list, e, link);
        message_release(e->message);
        free(e);
    }
}

void deadletters_free(deadletters *d)
{
    if (!d)
        return;
    release_all(&d->list);
    actor_lock_destroy(&d->lock);
    free(d);
}

void deadletters_configure(deadletters *d, int64_t max_bytes)
{
    struct entries out = TAILQ_HEAD_INITIALIZER(out);
    actor_lock_take(&d->lock);
    d->max_bytes = max_bytes;
    trim(d, &out);
    actor_lock_give(&d->lock);
    release_all(&out);
}

uint64_t deadletters_add(deadletters *d, message *m)
{
    struct entries out = TAILQ_HEAD_INITIALIZER(out);
    entry *e = malloc(sizeof *e);
    actor_lock_take(&d->lock);
    uint64_t number = 0;
    if (e) {
        number = ++d->last;
        *e = (entry){.number = number,
                     .message = message_hold(m),
                     .at = clock_wall(),
                     .bytes = message_bytes(m)};
        TAILQ_INSERT_TAIL(&d->list, e, link);
        d->count++;
        d->bytes += (int64_t)e->bytes;
        trim(d, &out);
    } else {
        d->lost++;
    }
    actor_lock_give(&d->lock);
    release_all(&out);
    return number;
}

const char *deadletter_reason(const message *m)
{
    return rpc_name(m->outcome);
}

static bool matches(const entry *e, const deadletter_filter *f)
{
    return e->number > f->after && (!f->until || e->number <= f->until) &&
           (!f->number || e->number == f->number) &&
           (!f->actor || strcmp(e->message->unit->name, f->actor) == 0) &&
           (!f->reason || strcmp(deadletter_reason(e->message), f->reason) == 0) &&
           e->at >= f->since;
}

bool deadletters_next(deadletters *d, const deadletter_filter *filter, bool remove, deadletter *out)
{
    actor_lock_take(&d->lock);
    entry *e;
    TAILQ_FOREACH(e, &d->list, link)
    if (matches(e, filter))
        break;
    if (e) {
        *out = (deadletter){.number = e->number, .message = e->message, .at = e->at};
        if (remove)
            unlink_entry(d, e);
        else
            message_hold(e->message);
    }
    actor_lock_give(&d->lock);
    if (!e)
        return false;
    if (remove)
        free(e); /* its reference went to *out */
    return true;
}

void deadletter_done(deadletter *l)
{
    message_release(l->message);
    l->message = NULL;
}

void deadletters_restore(deadletters *d, const deadletter *l)
{
    entry *e = malloc(sizeof *e);
    actor_lock_take(&d->lock);
    if (e) {
        *e = (entry){.number = l->number,
                     .message = message_hold(l->message),
                     .at = l->at,
                     .bytes = message_bytes(l->message)};
        entry *after = TAILQ_FIRST(&d->list);
        while (after && after->number < e->number)
            after = TAILQ_NEXT(after, link);
        if (after)
            TAILQ_INSERT_BEFORE(after, e, link);
        else
            TAILQ_INSERT_TAIL(&d->list, e, link);
        d->count++;
        d->bytes += (int64_t)e->bytes;
    } else {
        d->lost++;
    }
    actor_lock_give(&d->lock);
}

uint64_t deadletters_last(deadletters *d)
{
    actor_lock_take(&d->lock);
    uint64_t n = d->last;
    actor_lock_give(&d->lock);
    return n;
}

size_t deadletters_count(deadletters *d)
{
    actor_lock_take(&d->lock);
    size_t n = d->count;
    actor_lock_give(&d->lock);
    return n;
}

uint64_t deadletters_lost(deadletters *d)
{
    actor_lock_take(&d->lock);
    uint64_t n = d->lost;
    actor_lock_give(&d->lock);
    return n;
}
