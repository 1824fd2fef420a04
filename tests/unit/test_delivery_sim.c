/* The daemon's messages at random, in virtual time: units, policies and supervisors are the real
 * ones, over a kind of actor that fails, hangs and crashes as the seed says.
 *
 * SEEDS and SEED choose: tests/support/seeds.h.
 *
 * Whatever happens, at every millisecond:
 *   - accepted = done + dead + cancelled + expired + dropped + waiting + running + retrying, of
 * each actor, and what is counted is what stands in its lists
 *   - a message's final state stays, and whoever waits for it is told once
 *   - no attempt begins after its message's deadline, while the actor doesn't run or is paused, or
 *     beyond the retries, the credits and the hedges
 *   - an open breaker lets nothing begin, a half-open one never has more than its probes out
 *   - no more messages are between their first attempt and their end than the limiter allows
 *   - left alone, every message ends
 *
 * This program brings its own clock, alarms, log and kinds, so none of the daemon's are linked.
 */
#include "daemon/daemon.h"
#include "daemon/deadletter.h"
#include "daemon/directory.h"
#include "daemon/kind.h"
#include "daemon/ledger.h"
#include "daemon/log.h"
#include "daemon/policy.h"
#include "daemon/runner.h"
#include "daemon/tree.h"
#include "daemon/unit.h"
#include "supervisors/prng.h"
#include "tests/support/seeds.h"
#include "tests/support/suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SENT = 400, HANDS = 64, STEPS = 250, EPOCH = 1000000, CALM_MS = 60000 };
enum { PROBES = 2, CONCURRENCY = 2, MOST_RETRIES = 3, HEDGES = 1, CREDITS = 3 };
enum { TAG_STARTED = 1, TAG_SETTLED = 3 }; /* of timers; attempts are even */

static actord d;
static uint64_t seed;
static prng chance;
static bool calm;

static int64_t pick(int64_t low, int64_t high)
{
    return prng_between(&chance, low, high);
}

static bool one_in(int64_t n)
{
    return pick(1, n) == 1;
}

/* ---- Clock and alarms ------------------------------------------------------------------------ */

int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
    if (!d.system)
        return (int)syscall(SYS_clock_gettime, clock_id, tp);
    int64_t now = EPOCH + actor_now(d.system);
    *tp = (struct timespec){.tv_sec = now / 1000, .tv_nsec = now % 1000 * 1000000};
    return 0;
}

static heap alarms;
static size_t alarm_count;
static bool alarms_stopped;

bool alarm_init(clock_alarm *a, alarm_clock *c, void (*fire)(clock_alarm *))
{
    *a = (clock_alarm){.clock = c, .fire = fire};
    return heap_reserve(&alarms, ++alarm_count);
}

void alarm_end(clock_alarm *a)
{
    (void)a;
    alarm_count--;
}

bool alarm_set(clock_alarm *a, clock_ms due)
{
    bool fresh = !a->node.place;
    if (alarms_stopped)
        return false;
    if (fresh || due < a->node.key)
        heap_put(&alarms, &a->node, due);
    return fresh;
}

bool alarm_cancel(clock_alarm *a)
{
    bool was = a->node.place != 0;
    heap_remove(&alarms, &a->node);
    return was;
}

static void fire_until(clock_ms now)
{
    for (heap_node *n; (n = heap_first(&alarms)) && n->key <= now;) {
        clock_alarm *a = CONTAINER(n, clock_alarm, node);
        heap_remove(&alarms, n);
        a->fire(a);
    }
}

/* ---- Log: it tells when the breaker changes ---------------------------------------------------
 */

static char breaker_is[32];

void log_write(log_level level, const char *area, const log_field *fields, size_t n,
               const char *fmt, ...)
{
    char text[LOG_TEXT_MAX];
    va_list args;
    (void)level;
    (void)fields;
    (void)n;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (strcmp(area, "breaker") == 0)
        must(sscanf(text, "%*s -> %31[a-z_]", breaker_is) == 1);
}

void log_warn(const char *area, const char *fmt, ...)
{
    (void)area;
    (void)fmt;
}

/* ---- The rest of the daemon -------------------------------------------------------------------
 */

static bool root_over;

loaded *daemon_spec(actord *daemon)
{
    return loaded_hold(daemon->loaded);
}

uint64_t daemon_seed(void)
{
    return seed;
}

void daemon_message_ended(actord *daemon)
{
    must(atomic_fetch_sub(&daemon->live, 1) > 0);
}

void daemon_root_started(actord *daemon)
{
    (void)daemon;
}

void daemon_root_stopped(actord *daemon, int status, const char *reason)
{
    (void)daemon;
    (void)status;
    (void)reason;
    root_over = true;
}

/* ---- A kind that does what chance says --------------------------------------------------------
 */

typedef struct hand {
    attempt base;
    actor_timer *timer;
} hand;

typedef struct fake {
    actor_timer *starts, *settles;
} fake;

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
    unit **all = directory_list(d.directory, NULL, false);
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

static void may_begin(const delivery *of, const attempt *a)
{
    const unit *u = of->unit;
    const message *m = a->message;
    must(m->state == MESSAGE_RUNNING);
    must(!m->deadline || clock_now() < m->deadline);
    must(of->ready && !of->stopping && !u->paused && u->state != UNIT_STOPPED);
    must(m->retry.attempts <= MOST_RETRIES + 1);
    must((!a->hedge || m->ask) && attempts_of(m) <= 1 + HEDGES);
    must(!a->hedge || of->attempt_count <= u->settings.credits + HEDGES);
    must(of->attempt_count - of->hedge_count <= u->settings.credits);
    must(!u->limiter || messages_placed() <= CONCURRENCY);
    if (!a->permit.generation)
        return;
    must(!strstr(breaker_is, "open") || strcmp(breaker_is, "half_open") == 0);
    must(breaker_is[0] != 'h' || permits_out(a) <= PROBES);
}

static void outcome(delivery *of, hand *h)
{
    attempt *a = &h->base;
    if (!a->message) {
        put_down(of, h); /* it was told to stop, and has */
        return;
    }
    if (one_in(8))
        a->retry_after = pick(0, 200);
    if (calm || one_in(2))
        attempt_done(of, a, strdup("1"), 1);
    else if (one_in(6))
        attempt_rejected(of, a, "not this one");
    else
        attempt_failed(of, a, "no luck");
    put_down(of, h);
}

static void fake_begin(actor *self, delivery *of, attempt *a)
{
    hand *h = (hand *)a;
    size_t i = 0;
    for (; hands[i]; i++)
        must(i + 1 < HANDS);
    hands[i] = h;
    may_begin(of, a);
    if (one_in(3))
        outcome(of, h);
    else if (calm || !one_in(6)) /* else for ever */
        must(actor_after(self, pick(0, 80), UNIT_MSG_TIMER, (uintptr_t)h, &h->timer) == ACTOR_OK);
}

static void fake_cancel(actor *self, delivery *of, attempt *a)
{
    hand *h = (hand *)a;
    if (h->timer && one_in(3))
        return; /* it takes its time */
    actor_timer_cancel(self, &h->timer);
    put_down(of, h);
}

static actor_verdict fake_event(actor *self, delivery *of, actor_msg *msg)
{
    static const actor_verdict ends[] = {ACTOR_FAIL_RESTART, ACTOR_FAIL_RESTART, ACTOR_EXIT};
    if (actor_msg_type(msg) == UNIT_MSG_KIND)
        return of->ready && !of->stopping ? actor_fail(self, ends[pick(0, 2)], "told to")
                                          : ACTOR_CONTINUE;
    uint64_t tag = actor_msg_tag(msg);
    if (tag == TAG_STARTED) {
        ((fake *)of->state)->starts = NULL;
        delivery_started(self, of);
    } else if (tag == TAG_SETTLED) {
        ((fake *)of->state)->settles = NULL;
        of->busy = false;
        delivery_settled(self, of);
    } else {
        hand *h = (hand *)(uintptr_t)tag;
        h->timer = NULL;
        outcome(of, h);
    }
    return ACTOR_CONTINUE;
}

static actor_verdict fake_start(actor *self, delivery *of)
{
    fake *f = of->state;
    if (!calm && one_in(10))
        return actor_fail(self, ACTOR_FAIL_RESTART, "no luck");
    if (!one_in(3))
        return ACTOR_CONTINUE;
    return actor_after(self, pick(0, 50), UNIT_MSG_TIMER, TAG_STARTED, &f->starts) == ACTOR_OK
               ? ACTOR_PENDING
               : ACTOR_FAIL_RESTART;
}

static void fake_stop(actor *self, delivery *of, actor_how how)
{
    fake *f = of->state;
    attempt *a, *next;
    actor_timer_cancel(self, &f->starts);
    if (how == ACTOR_HOW_STOP) {
        if (!of->busy && one_in(3))
            of->busy = actor_after(self, pick(0, 50), UNIT_MSG_TIMER, TAG_SETTLED, &f->settles) ==
                       ACTOR_OK;
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

static const kind fake_kind = {
    .kind = CONFIG_KIND_WORKER,
    .attempt_size = sizeof(hand),
    .state_size = sizeof(fake),
    .start = fake_start,
    .begin = fake_begin,
    .cancel = fake_cancel,
    .event = fake_event,
    .stop = fake_stop,
};

const kind *kind_find(config_kind which)
{
    return which == CONFIG_KIND_SUPERVISOR ? NULL : &fake_kind;
}

/* ---- The tree ---------------------------------------------------------------------------------
 */

#define TREE(strategy, limit, retries, timeout, breaker)                                           \
    "version: 1\n"                                                                                 \
    "retries: {r: {max_retries: " retries ", backoff: exponential, initial: 5ms, max: 50ms}, "     \
    "q: {max_retries: 2, initial: 1ms, max: 9ms, budget: 50%}}\n"                                  \
    "breakers: {b: {" breaker ", probes: 2, probe_timeout: 100ms}}\n"                              \
    "limiters: {l: {concurrency: 2, wait: 20}}\n"                                                  \
    "supervisor:\n"                                                                                \
    "  strategy: " strategy "\n"                                                                   \
    "  max_restarts: " limit "\n"                                                                  \
    "  backoff: {initial: 2ms, max: 40ms}\n"                                                       \
    "  children:\n"                                                                                \
    "  - {name: a, worker: [x], credits: 3, retry: r, breaker: b, limit: l, timeout: " timeout     \
    ", ttl: 800ms, mailbox: {capacity: 9, on_full: drop_oldest}}\n"                                \
    "  - {name: b, worker: [x], credits: 3, retry: q, breaker: b, shutdown: 30ms}\n"               \
    "  - {name: c, worker: [x], credits: 3, hedge: {after: 10ms, max: 1}, fallback: a, "           \
    "timeout: " timeout ", retry: q}\n"                                                            \
    "  - {name: d, restart: transient, worker: [x], timeout: 50ms, on_failure: drop, "             \
    "mailbox: {capacity: 5, on_full: drop_newest}}\n"                                              \
    "  - name: s\n"                                                                                \
    "    restart: transient\n"                                                                     \
    "    supervisor:\n"                                                                            \
    "      strategy: one_for_all\n"                                                                \
    "      max_restarts: 3 in 200ms\n"                                                             \
    "      backoff: none\n"                                                                        \
    "      children:\n"                                                                            \
    "      - {name: e, worker: [x], limit: l, retry: r, on_failure: crash, shutdown: kill, "       \
    "timeout: 90ms}\n"                                                                             \
    "      - {name: f, worker: [x], fallback: c, shutdown: 20ms, timeout: 90ms}\n"

static const char *const trees[] = {
    TREE("one_for_one", "unlimited", "3", "60ms", "consecutive_failures: 3, open_for: 40ms"),
    TREE("rest_for_one", "unlimited", "1", "20ms",
         "window: 10 calls, min_calls: 4, failure_rate: 40%, open_for: 20ms, open_factor: 2"),
    TREE("one_for_all", "6 in 300ms", "2", "200ms",
         "window: 200ms, min_calls: 5, slow_call: 30ms, slow_rate: 50%, open_for: 90ms"),
};
static const char *const names[] = {"a", "b", "c", "d", "e", "f", "s"};

static loaded *load(const char *text)
{
    config *c = NULL;
    config_errors *errs = config_errors_new();
    if (config_load_text("sim", text, strlen(text), NULL, &c, errs) != CONFIG_OK)
        ck_abort_msg("%s", config_errors_text(errs, NULL));
    config_errors_free(errs);
    return loaded_new(c, NULL);
}

static unit *some_unit(size_t among)
{
    unit *u = directory_find(d.directory, names[pick(0, (int64_t)among - 1)], NULL);
    must(u);
    return u;
}

/* ---- What is sent -----------------------------------------------------------------------------
 */

typedef struct sent {
    message_waiter waiter; /* first */
    message *m;
    unsigned told;
    bool over;
    message_state state;
} sent;

static sent all[SENT];
static size_t sent_count;

static void finished(message_waiter *w, message *m)
{
    sent *s = (sent *)w;
    s->told++;
    must(message_state_final(m->state));
}

static void submit(void)
{
    char key[8], payload[] = "{\"n\":1}";
    rpc_failure failure;
    json_out members = {0};
    bool duplicate = false;
    sent *s = &all[sent_count];
    if (sent_count == SENT)
        return;
    *s = (sent){.waiter.finished = finished};
    snprintf(key, sizeof key, "k%d", (int)pick(0, 9));
    unit_submission of = {
        .payload = payload,
        .len = sizeof payload - 1,
        .key = one_in(6) ? key : NULL,
        .delay = one_in(5) ? pick(1, 150) : 0,
        .ttl = one_in(4) ? pick(1, 200) : 0,
        .priority = one_in(3) ? (int)pick(0, 3) : -1,
        .ask = one_in(2),
        .waiter = &s->waiter,
    };
    unit *u = some_unit(6);
    rpc_code code = unit_submit(u, &of, &s->m, &duplicate, &failure, &members);
    must(code == RPC_OK || !s->waiter.attached);
    sent_count += code == RPC_OK;
    json_out_free(&members);
    unit_release(u);
}

static void check_sent(void)
{
    for (size_t i = 0; i < sent_count; i++) {
        sent *s = &all[i];
        bool over = message_state_final(s->m->state);
        must(!s->over || (over && s->m->state == s->state));
        must(s->told == (s->waiter.attached && over));
        s->over = over;
        s->state = s->m->state;
    }
}

/* ---- Books ------------------------------------------------------------------------------------
 */

static uint64_t check_unit(unit *u)
{
    const unit_counters *n = &u->counters;
    uint64_t ended = 0, waiting = 0, running = 0, retrying = 0;
    message *m;
    for (message_state s = MESSAGE_DONE; s < MESSAGE_STATES; s++)
        ended += n->final[s];
    must(n->accepted == ended + n->waiting + n->running + n->retrying);
    for (int i = 0; i < UNIT_PRIORITIES; i++)
        TAILQ_FOREACH(m, &u->mailbox[i], link)
        {
            must(m->state == MESSAGE_WAITING && m->queued);
            waiting++;
        }
    TAILQ_FOREACH(m, &u->later, link)
    {
        waiting += m->state == MESSAGE_WAITING;
        retrying += m->state == MESSAGE_RETRYING;
    }
    TAILQ_FOREACH(m, &u->in_hand, link) running += m->state == MESSAGE_RUNNING;
    must(waiting == n->waiting && running == n->running && retrying == n->retrying);
    must(u->live == waiting + running + retrying);
    return u->live;
}

static void check_books(void)
{
    uint64_t live = 0;
    unit **list = directory_list(d.directory, NULL, false);
    for (unit **u = list; *u; u++)
        live += check_unit(*u);
    directory_list_free(list);
    must(live == atomic_load(&d.live));
    check_sent();
}

static void pass(clock_ms ms)
{
    while (ms-- > 0) {
        actor_sim_run(d.system, actor_now(d.system) + 1);
        fire_until(clock_now());
        check_books();
    }
}

/* ---- What happens -----------------------------------------------------------------------------
 */

static void send(actor_ref to, actor_msg *msg)
{
    if (!msg || actor_send(to, &msg) != ACTOR_OK)
        actor_msg_free(msg);
}

static void steer(void)
{
    static actor_msg *(*const requests[])(const char *) = {
        supervisor_request_stop, supervisor_request_restart, supervisor_request_restart,
        supervisor_request_restart, supervisor_request_kill};
    unit *u = some_unit(7);
    size_t which = (size_t)pick(0, 4);
    if (requests[which] == supervisor_request_kill)
        atomic_store(&unit_runner(u, 1)->kill_asked, true);
    send(unit_runner(u->parent, 1)->ref, requests[which](u->name));
    unit_release(u);
}

static void crash(void)
{
    unit *u = some_unit(6);
    send(unit_runner(u, 1)->ref, actor_msg_new(UNIT_MSG_KIND, 0));
    unit_release(u);
}

static void operate(policy_action action)
{
    policy_breaker *b = policy_breaker_find(d.policies, "b", NULL);
    if (b)
        policy_breaker_operate(b, action);
    policy_breaker_release(b);
}

static void pause_one(bool paused)
{
    unit *u = some_unit(6);
    u->paused = paused;
    if (!paused)
        unit_nudge(u);
    unit_release(u);
}

static void reconfigure(void)
{
    loaded *s = load(trees[pick(0, 2)]);
    const config_child *root = loaded_config(s)->root;
    for (const config_child *c = root; c; c = config_next_child(root, c)) {
        unit *u = directory_find(d.directory, c->name, NULL);
        must(u && unit_configure(u, s, c));
        unit_nudge(u);
        unit_release(u);
    }
    loaded_release(d.loaded);
    d.loaded = s;
}

static void touch_one(void)
{
    if (sent_count == 0)
        return;
    message *m = all[pick(0, (int64_t)sent_count - 1)].m;
    if (one_in(2))
        unit_cancel(m);
    else
        unit_withdraw(m);
}

static void happen(void)
{
    int64_t what = pick(0, 99);
    unit *u;
    if (what < 70) {
        submit();
    } else if (what < 76) {
        touch_one();
    } else if (what < 80) {
        steer();
    } else if (what < 84) {
        crash();
    } else if (what < 86) {
        operate((policy_action)pick(POLICY_OPEN, POLICY_RESET));
    } else if (what < 94) {
        pause_one(one_in(3));
    } else if (what < 96) {
        reconfigure();
    } else if (what < 97) {
        u = some_unit(6);
        unit_purge(u);
        unit_release(u);
    } else {
        pass(pick(1, 100));
    }
    pass(pick(0, 6));
}

/* ---- One run ----------------------------------------------------------------------------------
 */

static void begin(void)
{
    char why[256];
    actor_system_options options = {.simulate = true, .seed = seed};
    d = (actord){0};
    calm = root_over = alarms_stopped = false;
    sent_count = 0;
    memset(hands, 0, sizeof hands);
    snprintf(breaker_is, sizeof breaker_is, "closed");
    chance.state = seed;
    actor_lock_init(&d.lock);
    must(actor_system_new(&options, &d.system) == ACTOR_OK);
    d.policies = policies_new(NULL, seed);
    d.ledger = ledger_new(NULL, 1000000, INT64_C(1) << 30);
    d.deadletters = deadletters_new(INT64_C(1) << 30);
    d.directory = directory_new();
    d.loaded = load(trees[pick(0, 2)]);
    must(tree_start(&d, why, sizeof why));
    pass(100);
}

/* Nothing more happens to the tree; all who can, go on. */
static void let_it_end(void)
{
    calm = true;
    unit **list = directory_list(d.directory, NULL, false);
    for (unit **u = list; *u; u++) {
        (*u)->paused = false;
        if ((*u)->state == UNIT_STOPPED && (*u)->parent)
            send(unit_runner((*u)->parent, 1)->ref, supervisor_request_restart((*u)->name));
        unit_nudge(*u);
    }
    directory_list_free(list);
    operate(POLICY_RESET);
    for (int i = 0; i < CALM_MS && atomic_load(&d.live) > 0; i++) {
        if (i % 1000 == 0) { /* what hangs for ever and has no timeout */
            operate(POLICY_RESET);
            for (size_t s = 0; s < sent_count; s++)
                if (i > 5000 && all[s].m->state == MESSAGE_RUNNING)
                    unit_cancel(all[s].m);
        }
        pass(1);
    }
    must(atomic_load(&d.live) == 0);
}

static void end(void)
{
    actor_stop(unit_runner(d.root, 1)->ref);
    for (int i = 0; i < 60000 && !root_over; i++)
        pass(1);
    must(root_over);
    pass(10);
    for (size_t i = 0; i < HANDS; i++)
        must(!hands[i]);
    for (size_t i = 0; i < sent_count; i++)
        message_release(all[i].m);
    actor_system *sys = d.system;
    actor_system_free(sys, 0);
    d.system = NULL;
    alarms_stopped = true;
    fire_until(INT64_MAX);
    deadletters_free(d.deadletters);
    ledger_free(d.ledger);
    directory_free(d.directory);
    unit_release(d.root);
    policies_free(d.policies);
    loaded_release(d.loaded);
    heap_free(&alarms);
    alarms = (heap){0};
    alarm_count = 0; /* the ledger keeps its place */
    actor_lock_destroy(&d.lock);
}

static void run(uint64_t with)
{
    seed = with;
    begin();
    for (int i = 0; i < STEPS && !root_over; i++)
        happen();
    if (!root_over)
        let_it_end();
    end();
}

START_TEST(every_message_ends_once)
{
    seeds_run(60, run);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_message_ends_once, NULL};
    return suite_run("delivery_sim", tests, NULL, NULL);
}
