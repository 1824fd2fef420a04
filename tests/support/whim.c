#include "tests/support/whim.h"

#include "daemon/directory.h"
#include "daemon/policy.h"
#include "daemon/unit.h"
#include "tests/support/seeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HANDS = 64 };
enum { TAG_STARTED = 1, TAG_SETTLED = 3 }; /* of timers; attempts are even */

struct whim whim;

int64_t whim_pick(int64_t low, int64_t high)
{
    return prng_between(&whim.chance, low, high);
}

bool whim_one_in(int64_t n)
{
    return whim_pick(1, n) == 1;
}

/* ---- Attempts ---------------------------------------------------------------------------------
 */

typedef struct hand {
    attempt base;
    actor_timer *timer;
} hand;

typedef struct whims {
    actor_timer *starts, *settles;
} whims;

static hand *hands[HANDS]; /* every attempt in hand, of all units */

static void put_down(delivery *of, hand *h)
{
    for (size_t i = 0; i < HANDS; i++)
        if (hands[i] == h)
            hands[i] = NULL;
    attempt_release(of, &h->base);
}

/* Permits of the breaker's present period that are out. */
static unsigned permits_out(const attempt *newest)
{
    unsigned n = 0;
    for (size_t i = 0; i < HANDS; i++)
        n += hands[i] && hands[i]->base.message &&
             hands[i]->base.message->unit->breaker == newest->message->unit->breaker &&
             hands[i]->base.permit.generation == newest->permit.generation;
    return n;
}

static unsigned attempts_of(const message *m)
{
    unsigned n = 0;
    for (size_t i = 0; i < HANDS; i++)
        n += hands[i] && hands[i]->base.message == m;
    return n;
}

static unsigned messages_placed(void)
{
    unsigned n = 0;
    unit **all = directory_list(whim.d->directory, NULL, false);
    for (unit **u = all; *u; u++) {
        message *m;
        if (!(*u)->limiter)
            continue;
        TAILQ_FOREACH(m, &(*u)->in_hand, link) n++;
        TAILQ_FOREACH(m, &(*u)->later, link) n += m->state == MESSAGE_RETRYING && !m->fallback;
    }
    directory_list_free(all);
    return n;
}

static bool is_in(policy_breaker *b, const char *state)
{
    char wanted[64];
    json_out row = {0};
    snprintf(wanted, sizeof wanted, "\"state\":\"%s\"", state);
    policy_breaker_put(&row, b);
    char *text = json_out_take(&row, NULL);
    bool known = text && strstr(text, "\"state\":"), is = text && strstr(text, wanted);
    must(known);
    free(text);
    return is;
}

static void may_begin(const delivery *of, const attempt *a)
{
    const unit *u = of->unit;
    const message *m = a->message;
    must(m->state == MESSAGE_RUNNING);
    must(!m->deadline || clock_now() < m->deadline);
    must(of->ready && !of->stopping && !u->paused && u->state != UNIT_STOPPED);
    must(m->retry.attempts <= WHIM_MOST_RETRIES + 1);
    must((!a->hedge || m->ask) && attempts_of(m) <= 1 + WHIM_HEDGES);
    must(!a->hedge || of->attempt_count <= u->settings.credits + WHIM_HEDGES);
    must(of->attempt_count - of->hedge_count <= u->settings.credits);
    must(!u->limiter || messages_placed() <= WHIM_CONCURRENCY);
    if (!a->permit.generation)
        return;
    must(!is_in(u->breaker, "open") && !is_in(u->breaker, "forced_open"));
    must(!is_in(u->breaker, "half_open") || permits_out(a) <= WHIM_PROBES);
}

static void outcome(delivery *of, hand *h)
{
    attempt *a = &h->base;
    if (!a->message) {
        put_down(of, h); /* it was told to stop, and has */
        return;
    }
    if (whim_one_in(8))
        a->retry_after = whim_pick(0, 200);
    if (whim.calm || whim_one_in(2))
        attempt_done(of, a, strdup("1"), 1);
    else if (whim_one_in(6))
        attempt_rejected(of, a, "not this one");
    else
        attempt_failed(of, a, "no luck");
    put_down(of, h);
}

static void whim_begin(actor *self, delivery *of, attempt *a)
{
    hand *h = (hand *)a;
    size_t i = 0;
    for (; hands[i]; i++)
        must(i + 1 < HANDS);
    hands[i] = h;
    may_begin(of, a);
    if (whim_one_in(3))
        outcome(of, h);
    else if (whim.calm || !whim_one_in(6)) /* else for ever */
        must(actor_after(self, whim_pick(0, 80), UNIT_MSG_TIMER, (uintptr_t)h, &h->timer) ==
             ACTOR_OK);
}

static void whim_cancel(actor *self, delivery *of, attempt *a)
{
    hand *h = (hand *)a;
    if (h->timer && whim_one_in(3))
        return; /* it takes its time */
    actor_timer_cancel(self, &h->timer);
    put_down(of, h);
}

static actor_verdict whim_event(actor *self, delivery *of, actor_msg *msg)
{
    static const actor_verdict ends[] = {ACTOR_FAIL_RESTART, ACTOR_FAIL_RESTART, ACTOR_EXIT};
    if (actor_msg_type(msg) == UNIT_MSG_KIND)
        return of->ready && !of->stopping ? actor_fail(self, ends[whim_pick(0, 2)], "told to")
                                          : ACTOR_CONTINUE;
    uint64_t tag = actor_msg_tag(msg);
    if (tag == TAG_STARTED) {
        ((whims *)of->state)->starts = NULL;
        delivery_started(self, of);
    } else if (tag == TAG_SETTLED) {
        ((whims *)of->state)->settles = NULL;
        of->busy = false;
        delivery_settled(self, of);
    } else {
        hand *h = (hand *)(uintptr_t)tag;
        h->timer = NULL;
        outcome(of, h);
    }
    return ACTOR_CONTINUE;
}

static actor_verdict whim_start(actor *self, delivery *of)
{
    whims *f = of->state;
    if (!whim.calm && whim_one_in(10))
        return actor_fail(self, ACTOR_FAIL_RESTART, "no luck");
    if (!whim_one_in(3))
        return ACTOR_CONTINUE;
    return actor_after(self, whim_pick(0, 50), UNIT_MSG_TIMER, TAG_STARTED, &f->starts) == ACTOR_OK
               ? ACTOR_PENDING
               : ACTOR_FAIL_RESTART;
}

static void whim_stop(actor *self, delivery *of, actor_how how)
{
    whims *f = of->state;
    attempt *a, *next;
    actor_timer_cancel(self, &f->starts);
    if (how == ACTOR_HOW_STOP) {
        if (!of->busy && whim_one_in(3))
            of->busy = actor_after(self, whim_pick(0, 50), UNIT_MSG_TIMER, TAG_SETTLED,
                                   &f->settles) == ACTOR_OK;
        return;
    }
    actor_timer_cancel(self, &f->settles);
    of->busy = false;
    for (a = TAILQ_FIRST(&of->attempts); a; a = next) {
        next = TAILQ_NEXT(a, link);
        actor_timer_cancel(self, &((hand *)a)->timer);
        for (size_t i = 0; i < HANDS; i++)
            if (hands[i] == (hand *)a)
                hands[i] = NULL; /* delivery_drop() releases it */
    }
}

const kind whim_kind = {
    .kind = CONFIG_KIND_WORKER,
    .attempt_size = sizeof(hand),
    .state_size = sizeof(whims),
    .start = whim_start,
    .begin = whim_begin,
    .cancel = whim_cancel,
    .event = whim_event,
    .stop = whim_stop,
};

/* ---- All --------------------------------------------------------------------------------------
 */

void whim_anew(uint64_t seed)
{
    whim = (struct whim){.chance.state = seed};
    memset(hands, 0, sizeof hands);
}

bool whim_idle(void)
{
    size_t i = 0;
    while (i < HANDS && !hands[i])
        i++;
    return i == HANDS;
}
