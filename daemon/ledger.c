#include "daemon/ledger.h"

#include "libactor/lock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Of the asks whose clients have their answers, enough to look at what was going on. */
    ANSWERED_KEPT = 1000,
};

TAILQ_HEAD(kept_list, message);

struct ledger {
    atomic_uint_fast64_t last_id;
    clock_alarm alarm; /* when the oldest finished message has been kept long enough */

    actor_lock keys_lock;
    table by_key LOCK_GUARDED_BY(keys_lock);

    actor_lock lock;
    table by_id LOCK_GUARDED_BY(lock);
    struct kept_list finished LOCK_GUARDED_BY(lock); /* the oldest first */
    struct kept_list answered LOCK_GUARDED_BY(lock); /* likewise, of asks; nobody comes for them */
    unsigned answered_count LOCK_GUARDED_BY(lock);
    int64_t bytes LOCK_GUARDED_BY(lock); /* of all messages */
    clock_ms keep_done LOCK_GUARDED_BY(lock);
    int64_t max_size LOCK_GUARDED_BY(lock);
};

static void expire(clock_alarm *a);

ledger *ledger_new(alarm_clock *alarms, clock_ms keep_done, int64_t max_size)
{
    ledger *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    actor_lock_init(&l->keys_lock);
    actor_lock_init(&l->lock);
    TAILQ_INIT(&l->finished);
    TAILQ_INIT(&l->answered);
    l->keep_done = keep_done;
    l->max_size = max_size;
    if (!table_init(&l->by_key) || !table_init(&l->by_id) ||
        !alarm_init(&l->alarm, alarms, expire)) {
        l->alarm.clock = NULL;
        ledger_free(l);
        return NULL;
    }
    return l;
}

void ledger_free(ledger *l)
{
    if (!l)
        return;
    if (l->alarm.clock) {
        alarm_cancel(&l->alarm);
        alarm_end(&l->alarm);
        ledger_clear(l);
    }
    table_fini(&l->by_key);
    table_fini(&l->by_id);
    actor_lock_destroy(&l->keys_lock);
    actor_lock_destroy(&l->lock);
    free(l);
}

/* The one that finished first, or NULL. */
static message *oldest(ledger *l) LOCK_REQUIRES(l->lock)
{
    message *f = TAILQ_FIRST(&l->finished), *a = TAILQ_FIRST(&l->answered);
    return a && (!f || a->finished < f->finished) ? a : f;
}

/* The one that is missed least, or NULL. */
static message *least_wanted(ledger *l) LOCK_REQUIRES(l->lock)
{
    message *a = TAILQ_FIRST(&l->answered);
    return a ? a : TAILQ_FIRST(&l->finished);
}

void ledger_configure(ledger *l, clock_ms keep_done, int64_t max_size)
{
    actor_lock_take(&l->lock);
    l->keep_done = keep_done;
    l->max_size = max_size;
    message *first = oldest(l);
    if (first)
        alarm_set(&l->alarm, first->finished + keep_done);
    actor_lock_give(&l->lock);
}

uint64_t ledger_next_id(ledger *l)
{
    return atomic_fetch_add_explicit(&l->last_id, 1, memory_order_relaxed) + 1;
}

/* Take one out of its list and the ids; the caller drops the ledger's reference when it
 * holds no lock. */
static void forget(ledger *l, message *m) LOCK_REQUIRES(l->lock)
{
    if (m->kept_as == KEPT_ANSWERED) {
        TAILQ_REMOVE(&l->answered, m, kept);
        l->answered_count--;
    } else {
        TAILQ_REMOVE(&l->finished, m, kept);
    }
    table_remove(&l->by_id, &m->by_id);
    l->bytes -= (int64_t)m->bytes;
    m->kept_as = KEPT_NOT;
}

static void drop(ledger *l, message *m)
{
    actor_lock_take(&l->keys_lock);
    if (m->in_keys) {
        table_remove(&l->by_key, &m->by_key);
        m->in_keys = false;
    }
    actor_lock_give(&l->keys_lock);
    message_release(m);
}

enum { EXPIRE_AT_ONCE = 1000 }; /* the control thread has other things to do */

static void expire(clock_alarm *a)
{
    ledger *l = CONTAINER(a, ledger, alarm);
    clock_ms now = clock_now();
    for (int n = 0;; n++) {
        actor_lock_take(&l->lock);
        message *m = oldest(l);
        bool due = m && m->finished + l->keep_done <= now;
        if (due && n < EXPIRE_AT_ONCE)
            forget(l, m);
        else if (m)
            alarm_set(&l->alarm, due ? now : m->finished + l->keep_done);
        actor_lock_give(&l->lock);
        if (!due || n >= EXPIRE_AT_ONCE)
            return;
        drop(l, m);
    }
}

bool ledger_make_room(ledger *l, size_t bytes)
{
    for (;;) {
        actor_lock_take(&l->lock);
        bool fits = l->bytes + (int64_t)bytes <= l->max_size;
        message *m = fits ? NULL : least_wanted(l);
        if (m)
            forget(l, m);
        actor_lock_give(&l->lock);
        if (!m)
            return fits;
        drop(l, m);
    }
}

void ledger_enter(ledger *l, message *m)
{
    actor_lock_take(&l->lock);
    table_add(&l->by_id, &m->by_id, message_hold(m)->id);
    m->bytes = message_bytes(m);
    l->bytes += (int64_t)m->bytes;
    actor_lock_give(&l->lock);
}

void ledger_finished(ledger *l, message *m, bool answered)
{
    size_t bytes = message_bytes(m);
    message *too_many = NULL;
    actor_lock_take(&l->lock);
    l->bytes += (int64_t)bytes - (int64_t)m->bytes;
    m->bytes = bytes;
    if (!oldest(l))
        alarm_set(&l->alarm, m->finished + l->keep_done);
    if (answered && !m->key) {
        message *first = TAILQ_FIRST(&l->answered);
        if (first && l->answered_count == ANSWERED_KEPT)
            forget(l, too_many = first);
        TAILQ_INSERT_TAIL(&l->answered, m, kept);
        m->kept_as = KEPT_ANSWERED;
        l->answered_count++;
    } else {
        TAILQ_INSERT_TAIL(&l->finished, m, kept);
        m->kept_as = KEPT_FINISHED;
    }
    actor_lock_give(&l->lock);
    message_release(too_many); /* it has no key */
}

message *ledger_find(ledger *l, const char *id)
{
    actor_lock_take(&l->lock);
    table_node *n = table_find(&l->by_id, id);
    message *m = n ? message_hold(CONTAINER(n, message, by_id)) : NULL;
    actor_lock_give(&l->lock);
    return m;
}

void ledger_lock_keys(ledger *l) LOCK_ACQUIRE(l->keys_lock)
{
    actor_lock_take(&l->keys_lock);
}

void ledger_unlock_keys(ledger *l) LOCK_RELEASE(l->keys_lock)
{
    actor_lock_give(&l->keys_lock);
}

message *ledger_find_key(ledger *l, const char *key) LOCK_REQUIRES(l->keys_lock)
{
    table_node *n = table_find(&l->by_key, key);
    return n ? message_hold(CONTAINER(n, message, by_key)) : NULL;
}

void ledger_enter_key(ledger *l, message *m) LOCK_REQUIRES(l->keys_lock)
{
    table_add(&l->by_key, &m->by_key, m->key);
    m->in_keys = true;
}

void ledger_clear(ledger *l)
{
    for (;;) {
        actor_lock_take(&l->lock);
        message *m = least_wanted(l); /* the quick way, for nearly all */
        table_node *n = m ? NULL : table_next(&l->by_id, NULL);
        if (n)
            m = CONTAINER(n, message, by_id);
        if (m && m->kept_as != KEPT_NOT)
            forget(l, m);
        else if (m)
            table_remove(&l->by_id, &m->by_id);
        actor_lock_give(&l->lock);
        if (!m)
            return;
        drop(l, m);
    }
}

char *ledger_key(const char *to, const char *key)
{
    char *text;
    return asprintf(&text, "%s\n%s", to, key) < 0 ? NULL : text;
}
