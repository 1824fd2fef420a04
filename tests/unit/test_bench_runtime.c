/* The benchmarks of the runtime in small sizes: each checks its own result, and a sanitizer sees
 * the ways they take. */
#include "tests/support/suite.h"

#include "bench/runtime/bench.h"

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
        NULL,
    };

    return suite_run("bench_runtime", tests, NULL, NULL);
}
