/* The run queue of a worker, without workers: what a thief brings home. */
#include "libactor/runq.h"
#include "tests/support/suite.h"

enum { ACTORS = 150 };

static actor actors[ACTORS];
static actor__runq mine, other;

static void setup(void)
{
    actor__runq_init(&mine);
    actor__runq_init(&other);
}

static void teardown(void)
{
    actor__runq_destroy(&mine);
    actor__runq_destroy(&other);
}

static void wake(actor__runq *q, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        actor__runq_woken(q, &actors[i]);
}

static void spawn(actor__runq *q, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        actor__runq_spawned(q, &actors[i]);
}

/* Take all; each must be there once. */
static unsigned take_all(actor__runq *q, bool seen[ACTORS])
{
    unsigned n = 0;

    for (const actor *a; (a = actor__runq_take(q)) != NULL; n++) {
        ck_assert(!seen[a - actors]);
        seen[a - actors] = true;
    }
    return n;
}

START_TEST(thief_takes_half_of_a_list)
{
    bool seen[ACTORS] = {false};

    wake(&other, 0, 11); /* one of them to the slot */
    ck_assert_uint_eq(actor__runq_steal(&mine, &other), 5);
    ck_assert_uint_eq(take_all(&mine, seen), 5);
    ck_assert_uint_eq(take_all(&other, seen), 6);
}
END_TEST

START_TEST(thief_keeps_what_it_had)
{
    bool seen[ACTORS] = {false};

    wake(&mine, 0, 4);
    wake(&other, 4, 15);
    ck_assert_uint_eq(actor__runq_steal(&mine, &other), 5);
    ck_assert_uint_eq(take_all(&mine, seen), 9);
    ck_assert_uint_eq(take_all(&other, seen), 6);
}
END_TEST

START_TEST(thief_of_a_stack_keeps_its_own)
{
    bool seen[ACTORS] = {false};

    spawn(&mine, 0, ACTOR__FRESH);
    spawn(&other, ACTOR__FRESH, ACTOR__FRESH + 20);
    ck_assert_uint_eq(actor__runq_steal(&mine, &other), 10);
    ck_assert_uint_eq(take_all(&mine, seen), ACTOR__FRESH + 10);
    ck_assert_uint_eq(take_all(&other, seen), 10);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        thief_takes_half_of_a_list,
        thief_keeps_what_it_had,
        thief_of_a_stack_keeps_its_own,
        NULL,
    };
    return suite_run("actor_runq", tests, setup, teardown);
}
