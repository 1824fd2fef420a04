#include "daemon/alarm.h"

#include "daemon/log.h"
#include "libactor/lock.h"

#include <errno.h>
#include <stdlib.h>

struct alarm_clock {
    actor_lock lock;
    heap set LOCK_GUARDED_BY(lock);
    size_t alarms LOCK_GUARDED_BY(lock);
    bool stopped LOCK_GUARDED_BY(lock);
    loop *loop;
    loop_timer *timer; /* control thread only */
    loop_task rearm;
};

/* Control thread: let the timer go off with the earliest alarm. */
static void rearm(void *arg)
{
    alarm_clock *c = arg;
    actor_lock_take(&c->lock);
    heap_node *first = heap_first(&c->set);
    clock_ms due = first ? first->key : -1;
    actor_lock_give(&c->lock);
    if (due < 0) {
        loop_timer_stop(c->timer);
        return;
    }
    clock_ms now = clock_now();
    int e = loop_timer_start(c->timer, due > now ? (loop_ms)(due - now) : 0, 0);
    if (e)
        log_error("alarm", "cannot arm the timer: out of memory");
}

void alarm_clock_fire(alarm_clock *c, clock_ms now)
{
    for (;;) {
        actor_lock_take(&c->lock);
        heap_node *first = heap_first(&c->set);
        bool due = first && first->key <= now;
        if (due)
            heap_remove(&c->set, first);
        actor_lock_give(&c->lock);
        if (!due)
            return;
        clock_alarm *a = (clock_alarm *)first; /* its first member */
        a->fire(a);
    }
}

static void fire_due(void *arg)
{
    alarm_clock_fire(arg, clock_now());
    rearm(arg);
}

int alarm_clock_create(loop *l, alarm_clock **out)
{
    alarm_clock *c = calloc(1, sizeof *c);
    if (!c)
        return ENOMEM;
    actor_lock_init(&c->lock);
    c->loop = l;
    loop_task_init(&c->rearm, rearm, c);
    int e = loop_timer_create(l, fire_due, c, &c->timer);
    if (e) {
        alarm_clock_destroy(c);
        return e;
    }
    *out = c;
    return 0;
}

void alarm_clock_stop(alarm_clock *c)
{
    actor_lock_take(&c->lock);
    c->stopped = true;
    actor_lock_give(&c->lock);
    alarm_clock_fire(c, INT64_MAX);
}

void alarm_clock_destroy(alarm_clock *c)
{
    if (!c)
        return;
    loop_cancel_task(c->loop, &c->rearm);
    loop_timer_free(c->timer);
    heap_free(&c->set);
    actor_lock_destroy(&c->lock);
    free(c);
}

bool alarm_init(clock_alarm *a, alarm_clock *c, void (*fire)(clock_alarm *))
{
    *a = (clock_alarm){.clock = c, .fire = fire};
    actor_lock_take(&c->lock);
    bool ok = heap_reserve(&c->set, c->alarms + 1);
    if (ok)
        c->alarms++;
    actor_lock_give(&c->lock);
    return ok;
}

void alarm_end(clock_alarm *a)
{
    actor_lock_take(&a->clock->lock);
    a->clock->alarms--;
    actor_lock_give(&a->clock->lock);
}

bool alarm_set(clock_alarm *a, clock_ms due)
{
    alarm_clock *c = a->clock;
    actor_lock_take(&c->lock);
    heap_node *before = heap_first(&c->set);
    clock_ms earliest = before ? before->key : INT64_MAX;
    bool fresh = !c->stopped && !a->node.place;
    bool set = fresh || (a->node.place && due < a->node.key);
    if (set)
        heap_put(&c->set, &a->node, due);
    actor_lock_give(&c->lock);
    /* Only an earlier one has to reach the timer; a later one is found when it goes off. */
    if (set && due < earliest)
        loop_post_task(c->loop, &c->rearm);
    return fresh;
}

bool alarm_cancel(clock_alarm *a)
{
    actor_lock_take(&a->clock->lock);
    bool was = a->node.place != 0;
    heap_remove(&a->clock->set, &a->node);
    actor_lock_give(&a->clock->lock);
    return was;
}
