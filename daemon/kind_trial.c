/* Kinds for trying things out, and for tests: echo, counter, sleep. */
#include "daemon/json.h"
#include "daemon/kinds.h"

#include <stdlib.h>
#include <string.h>

/* ---- echo: the payload is the reply ---- */

static void echo_begin(actor *self, delivery *d, attempt *a)
{
    (void)self;
    size_t len = a->message->payload_len;
    char *reply = malloc(len);
    if (reply)
        attempt_done(d, a, memcpy(reply, a->message->payload, len), len);
    else
        attempt_failed(d, a, "out of memory");
    attempt_release(d, a);
}

const kind kind_echo = {
    .kind = CONFIG_KIND_ECHO,
    .attempt_size = sizeof(attempt),
    .begin = echo_begin,
};

/* ---- counter: {"add": n} is added, the reply is the total ---- */

static void counter_answer(delivery *d, attempt *a, int64_t total)
{
    json_out out = {0};
    json_out_int(&out, total);
    size_t len;
    char *reply = json_out_take(&out, &len);
    if (reply)
        attempt_done(d, a, reply, len);
    else
        attempt_failed(d, a, "out of memory");
}

static void counter_begin(actor *self, delivery *d, attempt *a)
{
    (void)self;
    int64_t *total = d->state, add = 0, sum;
    json_value root, value;
    const message *m = a->message;
    json_err e = json_parse(m->payload, m->payload_len, &root, NULL);
    if (e || root.type != JSON_OBJECT)
        attempt_rejected(d, a, "a counter takes {\"add\": n}");
    else if (json_find(root, "add", &value) && (e = json_int64(value, &add)))
        attempt_rejected(d, a, "\"add\": %s; a counter takes a whole number", json_strerror(e));
    else if (__builtin_add_overflow(*total, add, &sum))
        attempt_rejected(d, a, "\"add\": the total would leave the range of 64 bits");
    else
        counter_answer(d, a, *total = sum);
    attempt_release(d, a);
}

const kind kind_counter = {
    .kind = CONFIG_KIND_COUNTER,
    .attempt_size = sizeof(attempt),
    .state_size = sizeof(int64_t),
    .begin = counter_begin,
};

/* ---- sleep: {"ms": n} waits so long ---- */

typedef struct sleep_attempt {
    attempt base;
    int64_t ms;
    actor_timer *timer;
} sleep_attempt;

enum { SLEEP_MOST_MS = 24 * 3600 * 1000 };

static void sleep_begin(actor *self, delivery *d, attempt *a)
{
    sleep_attempt *s = (sleep_attempt *)a;
    json_value root, value;
    const message *m = a->message;
    if (json_parse(m->payload, m->payload_len, &root, NULL) || !json_find(root, "ms", &value) ||
        json_int64(value, &s->ms) || s->ms < 0 || s->ms > SLEEP_MOST_MS)
        attempt_rejected(d, a, "a sleep takes {\"ms\": n}, n from 0 to %d", SLEEP_MOST_MS);
    else if (actor_after(self, s->ms, UNIT_MSG_TIMER, (uintptr_t)s, &s->timer) == ACTOR_OK)
        return;
    else
        attempt_failed(d, a, "out of memory");
    attempt_release(d, a);
}

static void sleep_cancel(actor *self, delivery *d, attempt *a)
{
    sleep_attempt *s = (sleep_attempt *)a;
    actor_timer_cancel(self, &s->timer);
    attempt_release(d, a);
}

static actor_verdict sleep_event(actor *self, delivery *d, actor_msg *msg)
{
    (void)self;
    if (actor_msg_type(msg) != UNIT_MSG_TIMER)
        return ACTOR_CONTINUE; /* of the kind it was before a reload */
    sleep_attempt *s = (sleep_attempt *)(uintptr_t)actor_msg_tag(msg);
    s->timer = NULL;
    json_out out = {0};
    json_out_object(&out);
    json_out_key(&out, "slept_ms");
    json_out_int(&out, s->ms);
    json_out_object_end(&out);
    size_t len;
    char *reply = json_out_take(&out, &len);
    if (reply)
        attempt_done(d, &s->base, reply, len);
    else
        attempt_failed(d, &s->base, "out of memory");
    attempt_release(d, &s->base);
    return ACTOR_CONTINUE;
}

/* A stop lets the sleeper finish; a kill and a crash wake it. */
static void sleep_stop(actor *self, delivery *d, actor_how how)
{
    attempt *a;
    if (how == ACTOR_HOW_STOP)
        return;
    TAILQ_FOREACH(a, &d->attempts, link)
    actor_timer_cancel(self, &((sleep_attempt *)a)->timer);
}

const kind kind_sleep = {
    .kind = CONFIG_KIND_SLEEP,
    .attempt_size = sizeof(sleep_attempt),
    .begin = sleep_begin,
    .cancel = sleep_cancel,
    .event = sleep_event,
    .stop = sleep_stop,
};
