/* Alarms: calls at an instant, for what must happen whether or not an actor runs (a message
 * expires while its actor is down). One heap, kept by the control thread's timer.
 *
 * Between alarm_set() and the call (or a successful alarm_cancel()) the object that embeds the
 * alarm must live; who sets it holds a reference for that time.
 */
#ifndef DAEMON_ALARM_H
#define DAEMON_ALARM_H

#include "daemon/clock.h"
#include "daemon/heap.h"
#include "daemon/loop.h"

#include <stdbool.h>

typedef struct alarm_clock alarm_clock;

typedef struct clock_alarm {
    heap_node node; /* guarded by the clock's lock */
    alarm_clock *clock;
    void (*fire)(struct clock_alarm *a); /* on the control thread; must be short */
} clock_alarm;

/* Returns 0 or ENOMEM. Threads: control. */
int alarm_clock_create(loop *l, alarm_clock **out);
/* Fire what is due by `now`: the timer's work, for virtual time. Threads: control. */
void alarm_clock_fire(alarm_clock *c, clock_ms now);
/* Fire everything that is set, due or not, so that references are given back; nothing can be set
 * after. Threads: control, when nobody else uses alarms. */
void alarm_clock_stop(alarm_clock *c);
/* NULL is fine. Threads: control. */
void alarm_clock_destroy(alarm_clock *c);

/* Prepare an alarm, and reserve its place. False: out of memory. Threads: any. */
bool alarm_init(clock_alarm *a, alarm_clock *c, void (*fire)(clock_alarm *));
/* Give the place back; it is not set. */
void alarm_end(clock_alarm *a);

/* Let it fire at `due`, once; one that is set for an earlier instant fires then. So a wake-up that
 * somebody needs is never put off by somebody else; who is woken too early sets it again.
 * True: it was not set before, and is now. Threads: any; never blocks. */
bool alarm_set(clock_alarm *a, clock_ms due);
/* True: it was set, and will not fire. Threads: any. */
bool alarm_cancel(clock_alarm *a);

#endif
