/* Alarms on a real loop: they fire once, in order, never early, and can be cancelled. */
#include "daemon/alarm.h"
#include "tests/support/suite.h"

typedef struct bell {
    clock_alarm alarm;
    clock_ms due;
    int rung;
} bell;

enum { BELLS = 5 };

static loop *the_loop;
static alarm_clock *the_clock;
static bell bells[BELLS];
static int order[BELLS], rung, awaited;

static void ring(clock_alarm *a)
{
    bell *b = (bell *)(void *)a;
    ck_assert_int_ge(clock_now(), b->due);
    b->rung++;
    order[rung++] = (int)(b - bells);
    if (rung == awaited)
        loop_break(the_loop);
}

static void setup(void)
{
    ck_assert_int_eq(loop_create(&the_loop), 0);
    ck_assert_int_eq(alarm_clock_create(the_loop, &the_clock), 0);
    rung = 0;
    for (int i = 0; i < BELLS; i++) {
        bells[i].rung = 0;
        ck_assert(alarm_init(&bells[i].alarm, the_clock, ring));
    }
}

static void teardown(void)
{
    for (int i = 0; i < BELLS; i++) {
        alarm_cancel(&bells[i].alarm);
        alarm_end(&bells[i].alarm);
    }
    alarm_clock_destroy(the_clock);
    loop_destroy(the_loop);
}

static bool set(int i, clock_ms in)
{
    bells[i].due = clock_now() + in;
    return alarm_set(&bells[i].alarm, bells[i].due);
}

static void run(int count)
{
    awaited = count;
    ck_assert_int_eq(loop_run(the_loop), 0);
}

START_TEST(alarms_fire_in_order_and_never_early)
{
    set(0, 20);
    set(1, 5);
    set(2, 10);
    run(3);
    ck_assert_int_eq(order[0], 1);
    ck_assert_int_eq(order[1], 2);
    ck_assert_int_eq(order[2], 0);
}
END_TEST

START_TEST(setting_again_moves_and_says_that_it_was_set)
{
    ck_assert(set(0, 30));
    ck_assert(!set(0, 2));
    set(1, 10);
    run(2);
    ck_assert_int_eq(order[0], 0);
    ck_assert_int_eq(bells[0].rung, 1);
}
END_TEST

START_TEST(setting_again_never_puts_off)
{
    set(0, 5);
    ck_assert(!alarm_set(&bells[0].alarm, clock_now() + 1000000));
    set(1, 20);
    run(2);
    ck_assert_int_eq(order[0], 0);
}
END_TEST

START_TEST(a_cancelled_alarm_stays_silent)
{
    set(0, 2);
    set(1, 5);
    ck_assert(alarm_cancel(&bells[0].alarm));
    ck_assert(!alarm_cancel(&bells[0].alarm));
    run(1);
    ck_assert_int_eq(bells[0].rung, 0);
}
END_TEST

START_TEST(a_past_instant_fires_at_once)
{
    bells[0].due = 1;
    alarm_set(&bells[0].alarm, 1);
    run(1);
    ck_assert_int_eq(bells[0].rung, 1);
}
END_TEST

START_TEST(a_stopped_clock_fires_all_that_is_set_and_takes_no_more)
{
    bells[0].due = bells[1].due = 0;
    alarm_set(&bells[0].alarm, clock_now() + 1000000);
    alarm_set(&bells[1].alarm, clock_now() + 2000000);
    awaited = BELLS;
    alarm_clock_stop(the_clock);
    ck_assert_int_eq(rung, 2);
    ck_assert(!alarm_set(&bells[2].alarm, 1));
    ck_assert(!alarm_cancel(&bells[2].alarm));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {alarms_fire_in_order_and_never_early,
                                  setting_again_moves_and_says_that_it_was_set,
                                  setting_again_never_puts_off,
                                  a_cancelled_alarm_stays_silent,
                                  a_past_instant_fires_at_once,
                                  a_stopped_clock_fires_all_that_is_set_and_takes_no_more,
                                  NULL};
    return suite_run("alarm", tests, setup, teardown);
}
