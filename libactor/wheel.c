#include "libactor/wheel.h"

#include <string.h>

#define BITS 6u
#define MASK 63u

void actor__wheel_init(actor__wheel *w, bool alone) LOCK_UNCHECKED
{
    memset(w, 0, sizeof(*w));
    w->alone = alone;
    actor_lock_init(&w->lock);
}

void actor__wheel_destroy(actor__wheel *w)
{
    actor_lock_destroy(&w->lock);
}

static inline void hold(actor__wheel *w) LOCK_ACQUIRE(w->lock) LOCK_UNCHECKED
{
    if (!w->alone)
        actor_lock_take(&w->lock);
}

static inline void release(actor__wheel *w) LOCK_RELEASE(w->lock) LOCK_UNCHECKED
{
    if (!w->alone)
        actor_lock_give(&w->lock);
}

static void put(actor__wheel *w, actor_timer *t) LOCK_REQUIRES(w->lock)
{
    uint64_t deadline = (uint64_t)actor__timer_deadline(t);
    uint64_t differs = (deadline ^ (uint64_t)w->now) | MASK;
    unsigned level = (63u - (unsigned)__builtin_clzll(differs)) / BITS;
    unsigned slot = (unsigned)(deadline >> (BITS * level)) & MASK;
    actor_timer **first = &w->slots[level][slot];

    t->msg.size = level << 8 | slot;
    actor__set_next(&t->msg, NULL);
    if (*first == NULL) {
        t->prev = t;
        *first = t;
        w->occupied[level] |= (uint64_t)1 << slot;
    } else {
        t->prev = (*first)->prev;
        actor__set_next(&t->prev->msg, &t->msg);
        (*first)->prev = t;
    }
}

void actor__wheel_add(actor__wheel *w, actor_timer *t, actor_ms now)
{
    hold(w);
    if (load_relaxed(&w->count) == 0 && w->now < now)
        w->now = now;
    if (actor__timer_deadline(t) <= w->now)
        t->when = (uint64_t)(w->now + 1) << 16 | (t->when & 0xffff);
    put(w, t);
    bump(&w->count, 1);
    release(w);
}

static void unlink_timer(actor__wheel *w, actor_timer *t) LOCK_REQUIRES(w->lock)
{
    unsigned level = t->msg.size >> 8;
    unsigned slot = t->msg.size & MASK;
    actor_timer **first = &w->slots[level][slot];
    actor_timer *next = (actor_timer *)actor__next(&t->msg);

    if (next != NULL)
        next->prev = t->prev;
    else
        (*first)->prev = t->prev;
    if (*first == t)
        *first = next;
    else
        actor__set_next(&t->prev->msg, next == NULL ? NULL : &next->msg);
    if (*first == NULL)
        w->occupied[level] &= ~((uint64_t)1 << slot);
}

bool actor__wheel_remove(actor__wheel *w, actor_timer *t)
{
    hold(w);

    bool armed = t->msg.size != ACTOR__TIMER_FIRED;

    if (armed) {
        unlink_timer(w, t);
        bump(&w->count, (uint32_t)-1);
    }
    release(w);
    return armed;
}

/* The next event: its level, and its time in *at. False: there is none. */
static bool next_event(actor__wheel *w, unsigned *level, unsigned *slot, actor_ms *at)
    LOCK_REQUIRES(w->lock)
{
    for (unsigned l = 0; l < ACTOR__WHEEL_LEVELS; l++) {
        if (w->occupied[l] == 0)
            continue;

        uint64_t upper = (uint64_t)w->now >> (BITS * (l + 1)) << (BITS * (l + 1));

        *level = l;
        *slot = (unsigned)__builtin_ctzll(w->occupied[l]);
        *at = (actor_ms)(upper | (uint64_t)*slot << (BITS * l));
        return true;
    }
    return false;
}

/* Empty a slot whose time has come: what is due goes to the list that ends at *last. */
static actor_timer **distribute(actor__wheel *w, unsigned level, unsigned slot, actor_timer **last)
    LOCK_REQUIRES(w->lock)
{
    actor_timer *t = w->slots[level][slot];

    w->slots[level][slot] = NULL;
    w->occupied[level] &= ~((uint64_t)1 << slot);
    while (t != NULL) {
        actor_timer *next = (actor_timer *)actor__next(&t->msg);

        if (actor__timer_deadline(t) <= w->now) {
            t->msg.size = ACTOR__TIMER_FIRED;
            bump(&w->count, (uint32_t)-1);
            t->prev = NULL;
            *last = t;
            last = &t->prev;
        } else {
            put(w, t);
        }
        t = next;
    }
    return last;
}

actor_timer *actor__wheel_advance(actor__wheel *w, actor_ms now)
{
    actor_timer *due = NULL;
    actor_timer **last = &due;
    unsigned level;
    unsigned slot;
    actor_ms at;

    hold(w);
    while (next_event(w, &level, &slot, &at) && at <= now) {
        w->now = at;
        last = distribute(w, level, slot, last);
    }
    if (w->now < now)
        w->now = now;
    release(w);
    return due;
}

actor_ms actor__wheel_next(actor__wheel *w)
{
    unsigned level;
    unsigned slot;
    actor_ms at = ACTOR__NEVER;

    if (load_relaxed(&w->count) == 0)
        return ACTOR__NEVER;
    hold(w);
    if (!next_event(w, &level, &slot, &at))
        at = ACTOR__NEVER;
    release(w);
    return at;
}

actor_ms actor__wheel_deadline(actor__wheel *w)
{
    unsigned level;
    unsigned slot;
    actor_ms at;
    actor_ms earliest = ACTOR__NEVER;

    if (load_relaxed(&w->count) == 0)
        return ACTOR__NEVER;
    hold(w);
    if (next_event(w, &level, &slot, &at)) {
        actor_msg *m = &w->slots[level][slot]->msg;

        for (; m != NULL; m = actor__next(m)) {
            actor_ms deadline = actor__timer_deadline((actor_timer *)m);

            if (deadline < earliest)
                earliest = deadline;
        }
    }
    release(w);
    return earliest;
}
