/* The benchmarks of the runtime in small sizes: each checks its own result, and a sanitizer sees
 * the ways they take. */
#include "tests/support/suite.h"

#include "bench/runtime/bench.h"
#include "libactor/base.h"

static void run_all(unsigned workers)
{
    const bench_program *p;

    for (size_t i = 0; (p = bench_at(i)) != NULL; i++)
        ck_assert_msg(p->run(workers, p->small) >= 0, "%s, %u workers", p->name, workers);
}

START_TEST(every_benchmark_runs_with_one_worker)
{
    run_all(1);
}
END_TEST

START_TEST(every_benchmark_runs_with_two_workers)
{
    run_all(2);
}
END_TEST

/* The sanitizers have memory of their own behind each block. */
#if !ACTOR__ASAN && !defined(__SANITIZE_THREAD__)
START_TEST(idle_actor_takes_at_most_256_bytes)
{
    ck_assert_double_le(bench_find("idle")->run(1, 200000), 256);
}
END_TEST

/* The least of some runs: while one of two workers has lost its processor more are alive at once,
 * and a leak would be in all of them. */
START_TEST(actors_that_come_and_go_leave_no_memory)
{
    double least = bench_find("churn")->run(2, 200000);

    for (int i = 0; i < 4 && least > 2000; i++)
        least = bench_find("churn")->run(2, 200000);
    ck_assert_double_le(least, 2000);
}
END_TEST

START_TEST(memory_of_a_burst_is_given_back_in_time)
{
    ck_assert_double_lt(bench_find("burst")->run(1, 300000), 10);
}
END_TEST
#endif

START_TEST(every_benchmark_has_a_name_of_its_own)
{
    const bench_program *p;

    for (size_t i = 0; (p = bench_at(i)) != NULL; i++)
        ck_assert_ptr_eq(bench_find(p->name), p);
    ck_assert_ptr_null(bench_find("nothing"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_benchmark_runs_with_one_worker,
        every_benchmark_runs_with_two_workers,
        every_benchmark_has_a_name_of_its_own,
#if !ACTOR__ASAN && !defined(__SANITIZE_THREAD__)
        idle_actor_takes_at_most_256_bytes,
        actors_that_come_and_go_leave_no_memory,
        memory_of_a_burst_is_given_back_in_time,
#endif
        NULL,
    };

    return suite_run("bench_runtime", tests, NULL, NULL);
}
