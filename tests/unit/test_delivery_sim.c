/* The daemon's messages at random, in virtual time: units, policies and supervisors are the real
 * ones (tests/support/rig.h), over a kind of actor that fails, hangs and crashes as the seed says
 * (tests/support/whim.h).
 *
 * SEEDS and SEED choose: tests/support/seeds.h.
 *
 * Whatever happens, at every millisecond:
 *   - accepted = done + dead + cancelled + expired + dropped + waiting + running + retrying, of
 * each actor, and what is counted is what stands in its lists
 *   - a message's final state stays, and whoever waits for it is told once
 *   - what whim.h says of each attempt
 *   - left alone, every message ends, and so does a reload, one of several files that have other
 *     actors, places, settings and policies
 *   - while none goes on the tree is the file, but for what could not be started; when nothing
 *     fails any more, one reload does it all, and all of it runs
 */
#include "daemon/directory.h"
#include "daemon/policy.h"
#include "daemon/runner.h"
#include "daemon/unit.h"
#include "supervisors/supervisor.h"
#include "tests/support/rig.h"
#include "tests/support/seeds.h"
#include "tests/support/suite.h"
#include "tests/support/whim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENT = 400, STEPS = 250, CALM_MS = 60000 };

static rig *r;
static actord *d;

#define pick   whim_pick
#define one_in whim_one_in

const kind *kind_find(config_kind which)
{
    return which == CONFIG_KIND_SUPERVISOR ? NULL : &whim_kind;
}

/* ---- The tree ---------------------------------------------------------------------------------
 */

#define TOP(strategy, limit, retries, breaker)                                                     \
    "version: 1\n"                                                                                 \
    "retries: {r: {max_retries: " retries ", backoff: exponential, initial: 5ms, max: 50ms}, "     \
    "q: {max_retries: 2, initial: 1ms, max: 9ms, budget: 50%}}\n"                                  \
    "breakers: {b: {" breaker ", probes: 2, probe_timeout: 100ms}}\n"                              \
    "limiters: {l: {concurrency: 2, wait: 20}}\n"                                                  \
    "supervisor:\n"                                                                                \
    "  strategy: " strategy "\n"                                                                   \
    "  max_restarts: " limit "\n"                                                                  \
    "  backoff: {initial: 2ms, max: 40ms}\n"                                                       \
    "  children:\n"

/* Of the root ... */
#define A(timeout)                                                                                 \
    "  - {name: a, worker: [x], credits: 3, retry: r, breaker: b, limit: l, timeout: " timeout     \
    ", ttl: 800ms, mailbox: {capacity: 9, on_full: drop_oldest}}\n"
#define B "  - {name: b, worker: [x], credits: 3, retry: q, breaker: b, shutdown: 30ms}\n"
#define C(timeout)                                                                                 \
    "  - {name: c, worker: [x], credits: 3, hedge: {after: 10ms, max: 1}, fallback: a, "           \
    "timeout: " timeout ", retry: q}\n"
#define D                                                                                          \
    "  - {name: d, restart: transient, worker: [x], timeout: 50ms, on_failure: drop, "             \
    "mailbox: {capacity: 5, on_full: drop_newest}}\n"
#define S(strategy, limit)                                                                         \
    "  - name: s\n"                                                                                \
    "    restart: transient\n"                                                                     \
    "    supervisor:\n"                                                                            \
    "      strategy: " strategy "\n"                                                               \
    "      max_restarts: " limit "\n"                                                              \
    "      backoff: none\n"                                                                        \
    "      children:\n"
/* ... and of s. */
#define E                                                                                          \
    "      - {name: e, worker: [x], limit: l, retry: r, on_failure: crash, shutdown: kill, "       \
    "timeout: 90ms}\n"
#define F "      - {name: f, worker: [x], fallback: c, shutdown: 20ms, timeout: 90ms}\n"
#define G "      - {name: g, worker: [x], credits: 2, retry: q, timeout: 70ms}\n"

static const char *const trees[] = {
    TOP("one_for_one", "unlimited", "3", "consecutive_failures: 3, open_for: 40ms") A("60ms")
        B C("60ms") D S("one_for_all", "3 in 200ms") E F,
    TOP("rest_for_one", "unlimited", "1",
        "window: 10 calls, min_calls: 4, failure_rate: 40%, open_for: 20ms, open_factor: 2")
        A("20ms") B C("20ms") D S("one_for_all", "3 in 200ms") E F,
    TOP("one_for_all", "6 in 300ms", "2",
        "window: 200ms, min_calls: 5, slow_call: 30ms, slow_rate: 50%, open_for: 90ms") A("200ms")
        B C("200ms") D S("one_for_all", "3 in 200ms") E F,
    /* Others come, go and change places. */
    TOP("rest_for_one", "unlimited", "2", "consecutive_failures: 2, open_for: 30ms")
        S("rest_for_one", "9 in 200ms") G F C("90ms") A("30ms"),
    TOP("one_for_one", "unlimited", "3", "consecutive_failures: 4, open_for: 20ms") D C("40ms")
        A("40ms"),
};
static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "s"};
enum { TREES = sizeof trees / sizeof trees[0], NAMES = sizeof names / sizeof names[0] };

static unit *some_unit(int64_t among)
{
    unit *u = directory_find(d->directory, names[pick(0, among - 1)], NULL);
    if (!u) /* in another file; a is in all */
        u = directory_find(d->directory, "a", NULL);
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
    unit *u = some_unit(NAMES - 1);
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

static bool reloads(void)
{
    actor_lock_take(&d->lock);
    bool is = d->reloading;
    actor_lock_give(&d->lock);
    return is;
}

static void pass(clock_ms ms)
{
    while (ms-- > 0) {
        rig_run(r, 1);
        rig_check(r);
        if (!reloads() && !rig_over(r))
            rig_check_tree(r);
        check_sent();
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
    unit *u = some_unit(NAMES);
    size_t which = (size_t)pick(0, 4);
    if (requests[which] == supervisor_request_kill)
        atomic_store(&unit_runner(u, 1)->kill_asked, true);
    send(unit_runner(u->parent, 1)->ref, requests[which](u->name));
    unit_release(u);
}

static void crash(void)
{
    unit *u = some_unit(NAMES - 1);
    send(unit_runner(u, 1)->ref, actor_msg_new(UNIT_MSG_KIND, 0));
    unit_release(u);
}

static void operate(policy_action action)
{
    policy_breaker *b = policy_breaker_find(d->policies, "b", NULL);
    if (b)
        policy_breaker_operate(b, action);
    policy_breaker_release(b);
}

static void pause_one(bool paused)
{
    unit *u = some_unit(NAMES - 1);
    u->paused = paused;
    if (!paused)
        unit_nudge(u);
    unit_release(u);
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
        rig_reload(r, trees[pick(0, TREES - 1)]);
    } else if (what < 97) {
        u = some_unit(NAMES - 1);
        unit_purge(u);
        unit_release(u);
    } else {
        pass(pick(1, 100));
    }
    pass(pick(0, 6));
}

/* ---- One run ----------------------------------------------------------------------------------
 */

static void begin(uint64_t seed)
{
    whim_anew(seed);
    sent_count = 0;
    r = rig_new_tree(trees[pick(0, TREES - 1)], seed);
    whim.d = d = rig_daemon(r);
    pass(100);
}

static void let_all_run(void)
{
    unit **list = directory_list(d->directory, NULL, false);
    for (unit **u = list; *u; u++) {
        (*u)->paused = false;
        if ((*u)->state == UNIT_STOPPED && (*u)->parent)
            send(unit_runner((*u)->parent, 1)->ref, supervisor_request_restart((*u)->name));
        unit_nudge(*u);
    }
    directory_list_free(list);
}

static bool all_run(void)
{
    bool yes = true;
    unit **list = directory_list(d->directory, NULL, false);
    for (unit **u = list; *u; u++)
        yes = yes && (*u)->state == UNIT_RUNNING;
    directory_list_free(list);
    return yes;
}

/* What failed is tried again, and nothing fails. */
static void reload_for_good(void)
{
    rig_reload(r, trees[pick(0, TREES - 1)]);
    for (int i = 0; i < CALM_MS && !rig_over(r) && (reloads() || !all_run()); i++) {
        if (!reloads())
            let_all_run();
        pass(1);
    }
    must(rig_over(r) || (!reloads() && rig_check_tree(r) == 0 && all_run()));
}

/* Nothing more happens to the tree; all who can, go on. */
static void let_it_end(void)
{
    whim.calm = true;
    let_all_run();
    operate(POLICY_RESET);
    for (int i = 0; i < CALM_MS && (atomic_load(&d->live) > 0 || reloads()); i++) {
        if (i % 1000 == 0) { /* what hangs for ever and has no timeout */
            operate(POLICY_RESET);
            for (size_t s = 0; s < sent_count; s++)
                if (i > 5000 && all[s].m->state == MESSAGE_RUNNING)
                    unit_cancel(all[s].m);
        }
        pass(1);
    }
    must(atomic_load(&d->live) == 0 && !reloads());
}

static void end(void)
{
    for (size_t i = 0; i < sent_count; i++)
        message_release(all[i].m);
    rig_free(r);
    must(whim_idle());
}

static void run(uint64_t seed)
{
    begin(seed);
    for (int i = 0; i < STEPS && !rig_over(r); i++)
        happen();
    if (!rig_over(r))
        let_it_end();
    if (!rig_over(r))
        reload_for_good();
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
