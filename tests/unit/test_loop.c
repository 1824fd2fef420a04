#include "daemon/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <check.h>

#include "daemon/clock.h"

static loop *l;
static loop_timer *deadline; /* fails a test that waits in vain */

static void too_late(void *arg)
{
    (void)arg;
    ck_abort_msg("the awaited event did not come");
}

static void setup(void)
{
    ck_assert_int_eq(loop_block_signals(), 0);
    ck_assert_int_eq(loop_create(&l), 0);
    ck_assert_int_eq(loop_timer_create(l, too_late, NULL, &deadline), 0);
    ck_assert_int_eq(loop_timer_start(deadline, 10000, 0), 0);
}

static void teardown(void)
{
    loop_timer_free(deadline);
    loop_destroy(l);
}

static void break_it(void *arg)
{
    (void)arg;
    loop_break(l);
}

/* ---- tasks ---- */

static int trail[16];
static int trail_len;

static void note(void *arg)
{
    trail[trail_len++] = *(const int *)arg;
}

START_TEST(tasks_run_in_the_order_of_posting)
{
    static const int numbers[] = {1, 2, 3};
    loop_task middle;
    loop_task_init(&middle, note, (void *)&numbers[1]);
    ck_assert_int_eq(loop_post(l, note, (void *)&numbers[0]), 0);
    loop_post_task(l, &middle);
    ck_assert_int_eq(loop_post(l, note, (void *)&numbers[2]), 0);
    ck_assert_int_eq(loop_post(l, break_it, NULL), 0);
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert_int_eq(trail_len, 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(trail[i], i + 1);
}
END_TEST

START_TEST(task_posted_twice_runs_once)
{
    static const int one = 1;
    loop_task t;
    loop_task_init(&t, note, (void *)&one);
    loop_post_task(l, &t);
    loop_post_task(l, &t);
    loop_break(l);
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert_int_eq(trail_len, 1);
}
END_TEST

START_TEST(cancelled_task_does_not_run)
{
    static const int numbers[] = {1, 2, 3};
    loop_task t[3];
    for (int i = 0; i < 3; i++) {
        loop_task_init(&t[i], note, (void *)&numbers[i]);
        loop_post_task(l, &t[i]);
    }
    ck_assert(loop_cancel_task(l, &t[2]));
    ck_assert(loop_cancel_task(l, &t[0]));
    ck_assert(!loop_cancel_task(l, &t[0]));
    loop_post_task(l, &t[2]);
    loop_break(l);
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert_int_eq(trail_len, 2);
    ck_assert_int_eq(trail[0], 2);
    ck_assert_int_eq(trail[1], 3);
}
END_TEST

START_TEST(posted_call_that_never_runs_is_freed_with_the_loop)
{
    static const int one = 1;
    ck_assert_int_eq(loop_post(l, note, (void *)&one), 0);
    /* teardown destroys the loop; AddressSanitizer sees a leak. */
}
END_TEST

static loop_task again;
static int runs;

static void post_again(void *arg)
{
    runs++;
    loop_post_task(l, arg);
}

START_TEST(task_that_posts_itself_does_not_starve_timers)
{
    loop_timer *t;
    loop_task_init(&again, post_again, &again);
    loop_post_task(l, &again);
    ck_assert_int_eq(loop_timer_create(l, break_it, NULL, &t), 0);
    ck_assert_int_eq(loop_timer_start(t, 5, 0), 0);
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert_int_gt(runs, 1);
    loop_timer_free(t);
}
END_TEST

enum { POSTERS = 4, POSTS = 5000, TOTAL = POSTERS * POSTS };
static int arrived;

static void count_to_the_end(void *arg)
{
    (void)arg;
    if (++arrived == TOTAL)
        loop_break(l);
}

static void *poster(void *arg)
{
    (void)arg;
    for (int i = 0; i < POSTS; i++)
        if (loop_post(l, count_to_the_end, NULL) != 0)
            abort();
    return NULL;
}

START_TEST(no_call_posted_by_many_threads_is_lost)
{
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, poster, NULL), 0);
    ck_assert_int_eq(loop_run(l), 0);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(arrived, TOTAL);
}
END_TEST

static bool current_inside;

static void look_where(void *arg)
{
    (void)arg;
    current_inside = loop_is_current(l);
    loop_break(l);
}

START_TEST(loop_knows_its_thread)
{
    ck_assert(!loop_is_current(l));
    ck_assert_int_eq(loop_post(l, look_where, NULL), 0);
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert(current_inside);
    ck_assert(!loop_is_current(l));
}
END_TEST

START_TEST(break_before_run_is_remembered_once)
{
    loop_timer *t;
    loop_break(l);
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert_int_eq(loop_timer_create(l, break_it, NULL, &t), 0);
    ck_assert_int_eq(loop_timer_start(t, 20, 0), 0);
    clock_ms before = clock_now();
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert_int_ge(clock_now() - before, 19);
    loop_timer_free(t);
}
END_TEST

/* ---- signals ---- */

static int seen_signal;

static void signal_seen(int signo, void *arg)
{
    (void)arg;
    seen_signal = signo;
    loop_break(l);
}

static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

START_TEST(signal_reaches_its_function)
{
    int signo = signals[_i];
    ck_assert_int_eq(loop_on_signal(l, signo, signal_seen, NULL), 0);
    ck_assert_int_eq(kill(getpid(), signo), 0);
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert_int_eq(seen_signal, signo);
}
END_TEST

START_TEST(signal_without_function_is_swallowed)
{
    ck_assert_int_eq(loop_on_signal(l, SIGHUP, signal_seen, NULL), 0);
    ck_assert_int_eq(loop_on_signal(l, SIGHUP, NULL, NULL), 0);
    ck_assert_int_eq(loop_on_signal(l, SIGUSR1, signal_seen, NULL), 0);
    ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert_int_eq(seen_signal, SIGUSR1);
}
END_TEST

START_TEST(signal_that_is_not_blocked_is_refused)
{
    ck_assert_int_eq(loop_on_signal(l, SIGUSR2, signal_seen, NULL), EINVAL);
}
END_TEST

static void *idle_thread(void *arg)
{
    sigset_t *mask = arg;
    pthread_sigmask(SIG_BLOCK, NULL, mask);
    return NULL;
}

START_TEST(threads_started_later_do_not_take_signals)
{
    pthread_t thread;
    sigset_t mask;
    ck_assert_int_eq(pthread_create(&thread, NULL, idle_thread, &mask), 0);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        ck_assert(sigismember(&mask, signals[i]));
}
END_TEST

/* ---- timers ---- */

static int ticks;

static void tick(void *arg)
{
    (void)arg;
    if (++ticks == 3)
        loop_break(l);
}

START_TEST(periodic_timer_fires_again_and_again)
{
    loop_timer *t;
    clock_ms before = clock_now();
    ck_assert_int_eq(loop_timer_create(l, tick, NULL, &t), 0);
    ck_assert_int_eq(loop_timer_start(t, 1, 10), 0);
    ck_assert_int_eq(loop_run(l), 0);
    ck_assert_int_eq(ticks, 3);
    ck_assert_int_ge(clock_now() - before, 20);
    loop_timer_free(t);
}
END_TEST

START_TEST(stopped_timer_does_not_fire)
{
    loop_timer *stopped, *t;
    ck_assert_int_eq(loop_timer_create(l, too_late, NULL, &stopped), 0);
    ck_assert_int_eq(loop_timer_start(stopped, 1, 1), 0);
    loop_timer_stop(stopped);
    loop_timer_stop(stopped);
    ck_assert_int_eq(loop_timer_create(l, break_it, NULL, &t), 0);
    ck_assert_int_eq(loop_timer_start(t, 20, 0), 0);
    ck_assert_int_eq(loop_run(l), 0);
    loop_timer_free(t);
    loop_timer_free(stopped);
}
END_TEST

static loop_timer *self_freeing;

static void free_itself(void *arg)
{
    (void)arg;
    loop_timer_free(self_freeing);
    loop_break(l);
}

START_TEST(periodic_timer_may_free_itself_when_it_fires)
{
    ck_assert_int_eq(loop_timer_create(l, free_itself, NULL, &self_freeing), 0);
    ck_assert_int_eq(loop_timer_start(self_freeing, 1, 1), 0);
    ck_assert_int_eq(loop_run(l), 0);
}
END_TEST

static clock_ms started_late;

static void fires_after_ten(void *arg)
{
    (void)arg;
    ck_assert_int_ge(clock_now() - started_late, 10);
    loop_break(l);
}

static void start_late(void *arg)
{
    clock_ms begin = clock_now();
    while (clock_now() - begin < 30) /* a long callback is what is tested */
        ;
    started_late = clock_now();
    ck_assert_int_eq(loop_timer_start(arg, 10, 0), 0);
}

START_TEST(timer_started_in_a_long_callback_is_not_early)
{
    loop_timer *t;
    ck_assert_int_eq(loop_timer_create(l, fires_after_ten, NULL, &t), 0);
    ck_assert_int_eq(loop_post(l, start_late, t), 0);
    ck_assert_int_eq(loop_run(l), 0);
    loop_timer_free(t);
}
END_TEST

/* ---- descriptors ---- */

static int ready_count;
static unsigned ready_what;

static void ready(int fd, unsigned what, void *arg)
{
    (void)fd;
    (void)arg;
    ready_count++;
    ready_what = what;
}

static int turns_left;

static void turn(void *arg)
{
    if (turns_left-- == 0)
        loop_break(l);
    else
        loop_post_task(l, arg);
}

/* Each task posted by a task is run in a turn of its own. */
static void run_turns(int n)
{
    loop_task t;
    loop_task_init(&t, turn, &t);
    turns_left = n;
    loop_post_task(l, &t);
    ck_assert_int_eq(loop_run(l), 0);
}

START_TEST(edge_is_told_once_and_state_again_and_again)
{
    int fds[2];
    loop_watch *w;
    unsigned mode = _i == 0 ? LOOP_EDGE : 0;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(loop_watch_create(l, fds[0], LOOP_READ | mode, ready, NULL, &w), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    run_turns(20);
    if (_i == 0)
        ck_assert_int_eq(ready_count, 1);
    else
        ck_assert_int_gt(ready_count, 1);
    ck_assert_uint_eq(ready_what, LOOP_READ);
    loop_watch_free(w);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(freed_watch_says_nothing)
{
    int fds[2];
    loop_watch *w;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(loop_watch_create(l, fds[1], LOOP_WRITE, ready, NULL, &w), 0);
    loop_watch_free(w);
    run_turns(5);
    ck_assert_int_eq(ready_count, 0);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(regular_file_cannot_be_watched)
{
    loop_watch *w = NULL;
    char path[] = "/tmp/actord-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(loop_watch_create(l, fd, LOOP_READ, ready, NULL, &w), EPERM);
    ck_assert_ptr_null(w);
    close(fd);
}
END_TEST

static Suite *loop_suite(void)
{
    Suite *s = suite_create("loop");
    TCase *c = tcase_create("loop");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, tasks_run_in_the_order_of_posting);
    tcase_add_test(c, task_posted_twice_runs_once);
    tcase_add_test(c, cancelled_task_does_not_run);
    tcase_add_test(c, posted_call_that_never_runs_is_freed_with_the_loop);
    tcase_add_test(c, task_that_posts_itself_does_not_starve_timers);
    tcase_add_test(c, no_call_posted_by_many_threads_is_lost);
    tcase_add_test(c, loop_knows_its_thread);
    tcase_add_test(c, break_before_run_is_remembered_once);
    tcase_add_loop_test(c, signal_reaches_its_function, 0,
                        (int)(sizeof(signals) / sizeof(signals[0])));
    tcase_add_test(c, signal_without_function_is_swallowed);
    tcase_add_test(c, signal_that_is_not_blocked_is_refused);
    tcase_add_test(c, threads_started_later_do_not_take_signals);
    tcase_add_test(c, periodic_timer_fires_again_and_again);
    tcase_add_test(c, stopped_timer_does_not_fire);
    tcase_add_test(c, periodic_timer_may_free_itself_when_it_fires);
    tcase_add_test(c, timer_started_in_a_long_callback_is_not_early);
    tcase_add_loop_test(c, edge_is_told_once_and_state_again_and_again, 0, 2);
    tcase_add_test(c, freed_watch_says_nothing);
    tcase_add_test(c, regular_file_cannot_be_watched);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(loop_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0 ? 1 : 0;
}
