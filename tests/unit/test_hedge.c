/* Hedging against scripts of attempts, and its statistics: in virtual time, with fixed seeds. */
#include "supervisors/hedge.h"
#include "supervisors/prng.h"
#include "supervisors/retry.h"
#include "tests/support/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS_MAX = 8 };

/* An attempt as the script has it: S succeeds, F fails, R is rejected. */
typedef struct op {
    actor_ms takes;
    char end;
} op;

typedef struct run {
    uint32_t attempts;
    actor_ms begun[ATTEMPTS_MAX];
    actor_ms over;
    char end;          /* of the call: S, F, R */
    int by;            /* the attempt whose outcome it is, from 0 */
    uint32_t given_up; /* in hand when it was over */
} run;

typedef struct script {
    hedge_policy policy;
    op (*next)(void *arg, uint32_t attempt);
    void *arg;
    bool (*may)(void *arg, actor_ms now); /* budget and breaker; NULL: always */
} script;

static actor_ms ends[ATTEMPTS_MAX];
static char outcomes[ATTEMPTS_MAX];

static void begin(const script *s, run *r, actor_ms now)
{
    ck_assert_uint_lt(r->attempts, ATTEMPTS_MAX);
    op o = s->next(s->arg, r->attempts);
    r->begun[r->attempts] = now;
    ends[r->attempts] = now + o.takes;
    outcomes[r->attempts++] = o.end;
}

static int first_to_end(const run *r)
{
    int first = -1;
    for (uint32_t i = 0; i < r->attempts; i++)
        if (ends[i] >= 0 && (first < 0 || ends[i] < ends[first]))
            first = (int)i;
    return first;
}

static void begin_wanted(const script *s, hedge_call *c, run *r, actor_ms now)
{
    while (c->wanted) {
        if (s->may && !s->may(s->arg, now)) {
            hedge_refused(c);
            return;
        }
        hedge_begun(c, &s->policy, now);
        begin(s, r, now);
        hedge_tick(c, now); /* after: 0 */
    }
}

/* One call from its beginning at `now` to its end. */
static run play_at(const script *s, actor_ms now)
{
    hedge_call c;
    run r = {0};
    hedge_first(&c, &s->policy, now);
    begin(s, &r, now);
    for (;;) {
        hedge_tick(&c, now);
        begin_wanted(s, &c, &r, now);
        int i = first_to_end(&r);
        bool ends_first = i >= 0 && ends[i] <= c.next;
        now = ends_first ? ends[i] : c.next;
        if (!ends_first)
            continue;
        ends[i] = -1;
        r.over = now;
        r.end = outcomes[i];
        r.by = i;
        r.given_up = c.out - 1;
        if (outcomes[i] != 'F')
            return r;
        if (hedge_failed(&c)) {
            r.by = 0; /* the first attempt's failure counts */
            return r;
        }
        begin_wanted(s, &c, &r, now);
        if (c.out == 0) {
            r.by = 0;
            return r;
        }
    }
}

static op from_list(void *arg, uint32_t attempt)
{
    return ((const op *)arg)[attempt];
}

static run play(hedge_policy policy, const op *ops)
{
    script s = {policy, from_list, (void *)(uintptr_t)ops, NULL};
    return play_at(&s, 0);
}

/* ---- scenarios ---- */

START_TEST(RT_78_an_answer_before_the_delay_is_one_attempt)
{
    run r = play((hedge_policy){2000, 3}, (op[]){{1999, 'S'}});
    ck_assert_uint_eq(r.attempts, 1);
    ck_assert_int_eq(r.over, 1999);
    r = play((hedge_policy){2000, 3}, (op[]){{2000, 'S'}}); /* just in time */
    ck_assert_uint_eq(r.attempts, 1);
}
END_TEST

START_TEST(RT_79_a_slow_first_answer_is_overtaken_by_the_second)
{
    run r = play((hedge_policy){2000, 1}, (op[]){{5000, 'S'}, {1000, 'S'}});
    ck_assert_uint_eq(r.attempts, 2);
    ck_assert_int_eq(r.begun[1], 2000);
    ck_assert_int_eq(r.over, 3000);
    ck_assert_int_eq(r.by, 1);
    ck_assert_uint_eq(r.given_up, 1);
}
END_TEST

START_TEST(RT_80_after_a_failure_the_next_attempt_begins_at_once)
{
    run r = play((hedge_policy){2000, 2}, (op[]){{100, 'F'}, {50, 'F'}, {10, 'S'}});
    ck_assert_int_eq(r.begun[1], 100);
    ck_assert_int_eq(r.begun[2], 150);
    ck_assert_int_eq(r.over, 160);
    ck_assert_int_eq(r.end, 'S');
    /* a failure beside a hedge that runs calls for the next one, too */
    r = play((hedge_policy){2000, 2}, (op[]){{2500, 'F'}, {9000, 'S'}, {100, 'S'}});
    ck_assert_int_eq(r.begun[1], 2000);
    ck_assert_int_eq(r.begun[2], 2500);
    ck_assert_int_eq(r.over, 2600);
}
END_TEST

START_TEST(RT_81_without_a_delay_all_begin_together)
{
    run r = play((hedge_policy){0, 3}, (op[]){{400, 'S'}, {300, 'S'}, {100, 'S'}, {200, 'S'}});
    ck_assert_uint_eq(r.attempts, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(r.begun[i], 0);
    ck_assert_int_eq(r.by, 2);
    ck_assert_uint_eq(r.given_up, 3);
}
END_TEST

START_TEST(RT_82_when_all_fail_the_first_one_s_failure_counts)
{
    run r = play((hedge_policy){1000, 1}, (op[]){{5000, 'F'}, {100, 'F'}});
    ck_assert_int_eq(r.end, 'F');
    ck_assert_int_eq(r.over, 5000);
    ck_assert_int_eq(r.by, 0);
    r = play((hedge_policy){1000, 1}, (op[]){{100, 'F'}, {5000, 'F'}});
    ck_assert_int_eq(r.over, 5100);
    ck_assert_int_eq(r.by, 0);
}
END_TEST

static op always_fails(void *arg, uint32_t attempt)
{
    (void)arg;
    (void)attempt;
    return (op){10, 'F'};
}

static op never_ends(void *arg, uint32_t attempt)
{
    (void)arg;
    return (op){attempt < 3 ? 1000000 : 500000, 'S'};
}

START_TEST(RT_83_at_most_max_attempts_beside_the_first)
{
    script s = {{100, 3}, always_fails, NULL, NULL};
    ck_assert_uint_eq(play_at(&s, 0).attempts, 4);
    s.next = never_ends;
    run r = play_at(&s, 0);
    ck_assert_uint_eq(r.attempts, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(r.begun[i], 100L * i);
    s.policy.max = 0;
    ck_assert_uint_eq(play_at(&s, 0).attempts, 1);
}
END_TEST

static bool refuses(void *arg, actor_ms now)
{
    (void)arg;
    (void)now;
    return false;
}

START_TEST(RT_83_what_the_budget_or_breaker_refuses_is_not_asked_for_again)
{
    op ops[] = {{5000, 'S'}};
    script s = {{100, 3}, from_list, ops, refuses};
    run r = play_at(&s, 0);
    ck_assert_uint_eq(r.attempts, 1);
    ck_assert_int_eq(r.over, 5000);
    ops[0] = (op){50, 'F'}; /* nothing is left to wait for */
    r = play_at(&s, 0);
    ck_assert_int_eq(r.end, 'F');
    ck_assert_int_eq(r.over, 50);
}
END_TEST

START_TEST(RT_84_an_unhandled_failure_ends_it_at_once)
{
    run r = play((hedge_policy){1000, 3}, (op[]){{100, 'R'}});
    ck_assert_uint_eq(r.attempts, 1);
    ck_assert_int_eq(r.end, 'R');
    r = play((hedge_policy){1000, 3}, (op[]){{5000, 'S'}, {100, 'R'}});
    ck_assert_int_eq(r.end, 'R');
    ck_assert_int_eq(r.over, 1100);
    ck_assert_uint_eq(r.given_up, 1);
}
END_TEST

START_TEST(what_is_returned_is_as_if_it_had_never_begun)
{
    hedge_policy p = {100, 2};
    hedge_call c;
    hedge_first(&c, &p, 0);
    ck_assert(hedge_tick(&c, 100));
    hedge_begun(&c, &p, 100);
    ck_assert(!hedge_returned(&c)); /* the other goes on */
    ck_assert(!hedge_tick(&c, 199));
    ck_assert(hedge_tick(&c, 200));
    ck_assert(hedge_returned(&c));
    ck_assert(!c.wanted);
    ck_assert(!hedge_tick(&c, INT64_MAX - 1));
}
END_TEST

/* ---- statistics ---- */

enum { CALLS = 20000 };

/* Nine in ten take 1 to 20 ms, the others 200 to 400 ms; `fails` of a thousand fail. */
typedef struct service {
    prng random;
    int fails;
    uint64_t attempts;
    retry_budget budget;
    double share; /* of the budget; 0: none */
} service;

static op serve(void *arg, uint32_t attempt)
{
    service *s = arg;
    (void)attempt;
    s->attempts++;
    bool slow = prng_between(&s->random, 0, 9) == 0;
    bool fails = prng_between(&s->random, 0, 999) < s->fails;
    return (op){slow ? prng_between(&s->random, 200, 400) : prng_between(&s->random, 1, 20),
                fails ? 'F' : 'S'};
}

static bool within_budget(void *arg, actor_ms now)
{
    service *s = arg;
    return s->share <= 0 || retry_budget_take(&s->budget, s->share, now);
}

typedef struct figures {
    double hedged; /* share of calls with more than one attempt */
    double extra;  /* attempts beside the first, a call */
    double failed;
    actor_ms p50, p99;
} figures;

static int by_size(const void *a, const void *b)
{
    actor_ms x = *(const actor_ms *)a, y = *(const actor_ms *)b;
    return (x > y) - (x < y);
}

static figures measure(hedge_policy policy, service *world)
{
    static actor_ms took[CALLS];
    script s = {policy, serve, world, within_budget};
    figures f = {0};
    world->random.state = 20240229;
    for (int i = 0; i < CALLS; i++) {
        actor_ms now = i; /* a thousand a second */
        retry_budget_call(&world->budget, now);
        run r = play_at(&s, now);
        took[i] = r.over - now;
        f.hedged += r.attempts > 1;
        f.failed += r.end != 'S';
    }
    qsort(took, CALLS, sizeof *took, by_size);
    f.hedged /= CALLS;
    f.failed /= CALLS;
    f.extra = (double)world->attempts / CALLS - 1;
    f.p50 = took[CALLS / 2];
    f.p99 = took[(size_t)CALLS / 100 * 99];
    return f;
}

/* A share strays by less than four standard deviations. */
static void share_is(double share, double expected)
{
    double deviation = sqrt(expected * (1 - expected) / CALLS);
    ck_assert_double_eq_tol(share, expected, 4 * deviation);
}

START_TEST(the_share_of_hedged_calls_is_that_of_the_slow_ones)
{
    service w = {0};
    figures f = measure((hedge_policy){50, 1}, &w);
    share_is(f.hedged, 0.1);
    share_is(f.extra, 0.1); /* one attempt more for each of them, and no more */
}
END_TEST

START_TEST(the_slowest_hundredth_is_much_faster_with_a_hedge)
{
    service w = {0};
    figures without = measure((hedge_policy){50, 0}, &w);
    w = (service){0};
    figures with = measure((hedge_policy){50, 1}, &w);
    ck_assert_int_ge(without.p99, 360); /* the slow tenth's own slowest tenth */
    /* one in a hundred is slow twice; the others are over within 50 + 20 ms */
    ck_assert_int_le(with.p99, 255);
    ck_assert_int_eq(with.p50, without.p50);
    w = (service){0};
    figures twice = measure((hedge_policy){50, 2}, &w);
    ck_assert_int_le(twice.p99, 120); /* one in a thousand is slow three times */
    share_is(twice.extra, 0.1 + 0.01);
}
END_TEST

START_TEST(failures_are_answered_by_hedges_and_the_load_stays_bounded)
{
    service w = {.fails = 200};
    figures f = measure((hedge_policy){50, 1}, &w);
    share_is(f.hedged, 0.1 + 0.9 * 0.2);
    share_is(f.failed, 0.2 * 0.2);
    w = (service){.fails = 1000}; /* nothing works: each call has its two attempts, no more */
    f = measure((hedge_policy){50, 1}, &w);
    ck_assert_double_eq(f.extra, 1);
    ck_assert_double_eq(f.failed, 1);
}
END_TEST

START_TEST(RT_83_a_budget_bounds_the_hedges_of_a_service_that_fails)
{
    service w = {.fails = 1000, .share = 0.2};
    figures f = measure((hedge_policy){50, 1}, &w);
    /* a fifth of the calls of any ten seconds, plus ten a second; calls come at 1000/s */
    ck_assert_double_le(f.extra, 0.2 + 0.01 + 0.005);
    ck_assert_double_ge(f.extra, 0.2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        RT_78_an_answer_before_the_delay_is_one_attempt,
        RT_79_a_slow_first_answer_is_overtaken_by_the_second,
        RT_80_after_a_failure_the_next_attempt_begins_at_once,
        RT_81_without_a_delay_all_begin_together,
        RT_82_when_all_fail_the_first_one_s_failure_counts,
        RT_83_at_most_max_attempts_beside_the_first,
        RT_83_what_the_budget_or_breaker_refuses_is_not_asked_for_again,
        RT_84_an_unhandled_failure_ends_it_at_once,
        what_is_returned_is_as_if_it_had_never_begun,
        the_share_of_hedged_calls_is_that_of_the_slow_ones,
        the_slowest_hundredth_is_much_faster_with_a_hedge,
        failures_are_answered_by_hedges_and_the_load_stays_bounded,
        RT_83_a_budget_bounds_the_hedges_of_a_service_that_fails,
        NULL,
    };
    return suite_run("hedge", tests, NULL, NULL);
}
