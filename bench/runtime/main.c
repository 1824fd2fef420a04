/* bench PROGRAM WORKERS [SIZE]: run one program in this process, so that its peak memory is its
 * own. `bench warm MB` touches memory and gives it back, for the first touch of a page may cost a
 * virtual machine a hundred times the second. `bench list` prints the names. */
#include "bench/runtime/bench.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long number(const char *text, long max)
{
    char *end;

    errno = 0;

    long n = strtol(text, &end, 10);

    bench_check(errno == 0 && end != text && *end == '\0' && n > 0 && n <= max, "not a number");
    return n;
}

static int list(void)
{
    const bench_program *p;

    for (size_t i = 0; (p = bench_at(i)) != NULL; i++)
        puts(p->name);
    return 0;
}

static int warm(long mb)
{
    size_t size = (size_t)mb << 20;
    char *memory = malloc(size);

    if (memory == NULL) {
        fputs("bench: out of memory\n", stderr);
        return 1;
    }
    memset(memory, 1, size);

    bool touched = *(volatile char *)(memory + size - 1) == 1;

    free(memory);
    return touched ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return list();
    if (argc == 3 && strcmp(argv[1], "warm") == 0)
        return warm(number(argv[2], 1 << 20));

    const bench_program *p = argc == 3 || argc == 4 ? bench_find(argv[1]) : NULL;

    if (p == NULL) {
        fprintf(stderr, "usage: %s PROGRAM WORKERS [SIZE] | list | warm MB\n", argv[0]);
        return 2;
    }

    unsigned workers = (unsigned)number(argv[2], 1024);
    double value = p->run(workers, argc == 4 ? number(argv[3], LONG_MAX) : p->size);

    printf("RESULT libactor %s %u %.4f %s %ld\n", p->name, workers, value, p->unit,
           bench_status("VmHWM"));
    return 0;
}
