/* Units with their delivery in virtual time: what happens at one and the same instant, and what
 * holds whatever happens. */
#include "daemon/kind.h"
#include "daemon/policy.h"
#include "tests/support/rig.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

enum { SEEDS = 60 };

static rig *r;

static const char *sleep_of(int64_t ms)
{
    static char text[32];
    snprintf(text, sizeof text, "{\"ms\":%d}", (int)ms);
    return text;
}

/* ---- at the same instant ---- */

/* An answer that is there when the timeout is looked at wins; a millisecond later it is too late.
 */
START_TEST(RT_42_a_value_at_the_instant_of_the_timeout_wins)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        r = rig_new("", "    - {name: s, sleep: {}, timeout: 50ms}\n", seed);
        message *just = rig_send(r, "s", "{\"ms\":49}");
        rig_run(r, 49);
        ck_assert_int_eq(just->state, MESSAGE_DONE);
        message *same = rig_send(r, "s", "{\"ms\":50}");
        rig_run(r, 50);
        ck_assert_int_eq(same->state, MESSAGE_DONE);
        message *late = rig_send(r, "s", "{\"ms\":52}");
        rig_run(r, 60);
        ck_assert_int_eq(late->state, MESSAGE_DEAD);
        ck_assert_ptr_nonnull(strstr(late->error, "timed out after 50ms"));
        rig_check(r);
        rig_free(r);
    }
}
END_TEST

START_TEST(RT_79_an_answer_at_the_instant_of_the_hedge_is_one_answer)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        r = rig_new("", "    - {name: s, sleep: {}, hedge: {after: 50ms}}\n", seed);
        message *m = rig_ask(r, "s", "{\"ms\":50}");
        rig_run(r, 50);
        ck_assert_int_eq(m->state, MESSAGE_DONE);
        rig_run(r, 200);
        ck_assert_uint_eq(rig_unit(r, "s")->counters.final[MESSAGE_DONE], 1);
        rig_check(r);
        rig_free(r);
    }
}
END_TEST

START_TEST(RT_83_hedges_never_exceed_their_slots)
{
    r = rig_new("", "    - {name: s, sleep: {}, hedge: {after: 10ms, max: 2}}\n", 1);
    unit *u = rig_unit(r, "s");
    for (int i = 0; i < 5; i++)
        rig_ask(r, "s", "{\"ms\":1000}");
    rig_run(r, 100);
    ck_assert_uint_eq(u->counters.running, 1);
    ck_assert_uint_eq(u->counters.hedges, 2);
    rig_run(r, 6000);
    ck_assert_uint_eq(u->counters.final[MESSAGE_DONE], 5);
    ck_assert_uint_eq(u->counters.hedges, 10);
    rig_check(r);
    rig_free(r);
}
END_TEST

/* ---- a full mailbox ---- */

static message *send_of(config_priority priority, clock_ms delay)
{
    unit_submission s = {
        .payload = "{\"ms\":10}", .len = 9, .delay = delay, .priority = (int)priority};
    return rig_submit(r, "s", &s);
}

START_TEST(full_mailbox_drops_the_new_message_if_it_matters_less_also_one_for_later)
{
    r = rig_new("", "    - {name: s, sleep: {}, mailbox: {capacity: 1, on_full: drop_oldest}}\n",
                1);
    send_of(CONFIG_PRIORITY_NORMAL, 0);
    rig_settle(r); /* in hand */
    message *high = send_of(CONFIG_PRIORITY_HIGH, 0);
    message *low = send_of(CONFIG_PRIORITY_LOW, 0);
    message *later = send_of(CONFIG_PRIORITY_LOW, 5);
    ck_assert_int_eq(low->state, MESSAGE_DROPPED);
    ck_assert_int_eq(later->state, MESSAGE_DROPPED);
    rig_run(r, 100);
    ck_assert_int_eq(high->state, MESSAGE_DONE);
    rig_check(r);
    rig_free(r);
}
END_TEST

/* ---- whatever happens ---- */

#define POLICIES                                                                                   \
    "breakers: {b: {consecutive_failures: 3, open_for: 40ms, probes: 2, probe_timeout: 100ms}}\n"  \
    "limiters: {l: {concurrency: 3}, k: {concurrency: 2, rate: 200/s, burst: 3}}\n"                \
    "retries: {q: {max_retries: 2, initial: 5ms, max: 40ms, budget: 50%}}\n"

#define WORLD                                                                                      \
    "    - {name: a, sleep: {}, timeout: 20ms, retry: q, breaker: b, limit: l, fallback: f, "      \
    "hedge: {after: 8ms, max: 2}}\n"                                                               \
    "    - {name: c, sleep: {}, timeout: 15ms, retry: q, breaker: b, limit: l, "                   \
    "hedge: {after: 5ms}}\n"                                                                       \
    "    - {name: f, sleep: {}, timeout: 30ms, limit: k, fallback: e, mailbox: {capacity: 5}}\n"   \
    "    - {name: e, echo: {}, limit: k}\n"

enum { ACTS = 300 };

/* Nothing begins after its deadline, and no unit has more in hand than its slots. */
static void expect_sane(void)
{
    static const char *const names[] = {"a", "c", "f", "e"};
    uint32_t places = 0;
    for (size_t i = 0; i < 4; i++) {
        const unit *u = rig_unit(r, names[i]);
        const message *m;
        /* hedges may outlive the attempt whose slot the next message has */
        ck_assert_uint_le(u->counters.running, 1 + u->settings.hedge.max);
        TAILQ_FOREACH(m, &u->in_hand, link)
        {
            const attempt *x;
            ck_assert(!m->deadline || m->began < m->deadline);
            ck_assert_uint_le(m->retry.attempts, 3);
            ck_assert_uint_le(m->hedges, 3ul * u->settings.hedge.max);
            TAILQ_FOREACH(x, &m->attempts, sibling)
            ck_assert(!x->deadline || x->deadline <= clock_now() + u->settings.timeout + 1);
        }
        places += i < 2 ? u->places : 0;
    }
    ck_assert_uint_le(places, 3);
    rig_check(r);
}

static void act(message **sent, size_t *count)
{
    static const char *const names[] = {"a", "a", "a", "c", "c", "f"};
    uint64_t x = rig_random(r);
    const char *name = names[x / 16 % 6];
    switch (x % 16) {
    case 0:
        if (*count)
            unit_cancel(sent[x / 256 % *count]);
        break;
    case 1:
        if (x / 256 % 8 == 0)
            unit_purge(rig_unit(r, name));
        break;
    case 2:
        if (x / 256 % 4 == 0)
            rig_restart(r, name, x / 1024 % 2);
        break;
    case 3: {
        unit *u = rig_unit(r, name);
        actor_lock_take(&u->lock);
        u->paused = !u->paused;
        actor_lock_give(&u->lock);
        unit_nudge(u);
        break;
    }
    default: {
        const char *payload = x / 256 % 20 == 0 ? "\"no\"" : sleep_of((int64_t)(x / 4096 % 40));
        unit_submission s = {.payload = payload,
                             .len = strlen(payload),
                             .priority = (int)(x / 65536 % 4),
                             .ask = x / 1048576 % 4 != 0,
                             .ttl = x / 4194304 % 4 == 0 ? (clock_ms)(x / 16777216 % 80) : 0};
        message *m = rig_submit(r, name, &s);
        if (m)
            sent[(*count)++] = m;
    }
    }
}

/* Random messages, cancels, purges, pauses and restarts: every message gets exactly one end, every
 * place and permit comes back. */
START_TEST(RT_58_83_random_lives_leave_nothing_behind)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        message *sent[ACTS];
        size_t count = 0;
        r = rig_new(POLICIES, WORLD, seed);
        for (int i = 0; i < ACTS; i++) {
            act(sent, &count);
            rig_run(r, (clock_ms)(rig_random(r) % 6));
            expect_sane();
        }
        static const char *const names[] = {"a", "c", "f", "e"};
        for (size_t i = 0; i < 4; i++) {
            unit *u = rig_unit(r, names[i]);
            actor_lock_take(&u->lock);
            u->paused = false;
            actor_lock_give(&u->lock);
            unit_nudge(u);
        }
        rig_run(r, 5000);
        for (size_t i = 0; i < count; i++)
            ck_assert_msg(message_state_final(sent[i]->state), "seed %d: %s to %s is %s", (int)seed,
                          sent[i]->id, sent[i]->unit->name, message_state_name(sent[i]->state));
        for (size_t i = 0; i < 4; i++) {
            ck_assert_uint_eq(rig_unit(r, names[i])->live, 0);
            ck_assert_uint_eq(rig_unit(r, names[i])->places, 0);
        }
        /* all permits are back: the breaker gets well again, and all three places are free */
        unit *a = rig_unit(r, "a");
        rig_run(r, 200);
        for (int i = 0; i < 3; i++) {
            rig_send(r, "a", "{\"ms\":0}");
            rig_run(r, 50);
        }
        ck_assert_uint_eq(a->live, 0);
        rig_check(r);
        rig_free(r);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        RT_42_a_value_at_the_instant_of_the_timeout_wins,
        RT_79_an_answer_at_the_instant_of_the_hedge_is_one_answer,
        RT_83_hedges_never_exceed_their_slots,
        full_mailbox_drops_the_new_message_if_it_matters_less_also_one_for_later,
        RT_58_83_random_lives_leave_nothing_behind,
        NULL,
    };
    return suite_run("units", tests, NULL, NULL);
}
