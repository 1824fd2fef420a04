/* Broken input and no memory: an error or a configuration, never a crash, a leak or a hang. */
#include "config/config.h"
#include "tests/support/configs.h"
#include "tests/support/suite.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char good[] = "version: 1\n"
                           "x-note: {anything: [goes, here]}\n"
                           "system: {name: \"${NOPE:-demo}\", workers: auto}\n"
                           "listen:\n"
                           "  - {url: \"ipc:///run/a.sock\", mode: \"0660\", users: [root]}\n"
                           "limits: {message: 64KiB}\n"
                           "retries: {patient: {max_retries: 8, initial: 250ms, budget: 20%}}\n"
                           "breakers: {partner: {window: 20 calls, failure_rate: 50%}}\n"
                           "limiters: {gentle: {rate: 100/m, burst: 10}}\n"
                           "supervisor:\n"
                           "  max_restarts: 10 in 1m\n"
                           "  backoff: none\n"
                           "  children:\n"
                           "    - name: s\n"
                           "      supervisor:\n"
                           "        children:\n"
                           "          - name: w\n"
                           "            exec: [curl, \"${HOME_URL}\", 'a b']\n"
                           "            exits: {retry: [1, 2]}\n"
                           "            env: {KEY: \"v$$\"}\n"
                           "            retry: patient\n"
                           "            breaker: {consecutive_failures: 3}\n"
                           "            limit: gentle\n"
                           "    - {name: e, echo: {}, timeout: 1s}\n";

/* --- Memory that runs out -------------------------------------------------- */
/* This program's own malloc and its like stand before the C library's. Most sanitizers don't bear
 * that: with those, what follows isn't built. */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NO_REFUSING
#endif
#endif
#if !defined(NO_REFUSING) && !defined(__SANITIZE_THREAD__)
#define REFUSING
#endif

#ifdef REFUSING

static long allocations_left = -1; /* negative: as many as you like */

static bool refuse(void)
{
    if (allocations_left < 0)
        return false;
    if (allocations_left == 0)
        return true;
    allocations_left--;
    return false;
}

typedef void *(*malloc_fn)(size_t);
typedef void *(*calloc_fn)(size_t, size_t);
typedef void *(*realloc_fn)(void *, size_t);

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

void *malloc(size_t size)
{
    static malloc_fn real;
    if (!real)
        real = (malloc_fn)next("malloc");
    return refuse() ? NULL : real(size);
}

void *calloc(size_t nmemb, size_t size)
{
    static calloc_fn real;
    if (!real)
        real = (calloc_fn)next("calloc");
    return refuse() ? NULL : real(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    static realloc_fn real;
    if (!real)
        real = (realloc_fn)next("realloc");
    return refuse() ? NULL : real(ptr, size);
}

/* With the n-th allocation and all after it failing; false once there are enough. The outcome is
 * `expected`, or that there was no memory. */
static bool load_with(long n, const char *text, config_err expected)
{
    config_errors *errs = config_errors_new();
    config *c = NULL;
    ck_assert_ptr_nonnull(errs);
    allocations_left = n;
    config_err err = config_load_text("a.yaml", text, strlen(text), &configs_options, &c, errs);
    char *message = err ? config_errors_text(errs, "Nothing changed.") : NULL;
    bool enough = allocations_left > 0;
    allocations_left = -1;
    ck_assert_msg(err == expected || (!enough && err == CONFIG_ENOMEM), "%ld: %s", n,
                  config_strerror(err));
    ck_assert_int_eq(err == CONFIG_OK, c != NULL);
    free(message);
    config_free(c);
    config_errors_free(errs);
    return !enough;
}

START_TEST(every_allocation_of_a_load_may_fail)
{
    long n = 0;
    while (load_with(n, good, CONFIG_OK))
        n++;
    ck_assert_int_gt(n, 20);
}
END_TEST

START_TEST(every_allocation_of_a_load_with_errors_may_fail)
{
    static const char bad[] =
        "version: 2\nlgo: {}\nlimits: {message: 10M, clients: no}\n"
        "retries: {a: {}, a: {max: 5}}\nlog: {level: [*x]}\n"
        "supervisor: {children: [{name: w, retry: b, exec: [\"${NOPE}\"]}]}\n";
    long n = 0;
    while (load_with(n, bad, CONFIG_EINVALID))
        n++;
    ck_assert_int_gt(n, 20);
}
END_TEST

START_TEST(a_load_without_memory_says_so)
{
    config_errors *errs = config_errors_new();
    config *c = NULL;
    allocations_left = 0;
    config_err err = config_load_text("a.yaml", good, strlen(good), NULL, &c, errs);
    allocations_left = -1;
    ck_assert_int_eq(err, CONFIG_ENOMEM);
    ck_assert_ptr_null(c);
    config_errors_free(errs);
}
END_TEST

START_TEST(every_allocation_of_a_plan_may_fail)
{
    config *from = configs_load(good);
    config *to = configs_load("version: 1\nretries: {new: {}}\nsupervisor: {children: [{name: e, "
                              "sleep: {}}, {name: w, echo: {}, timeout: 3s}]}\n");
    bool enough = false;
    long n = 0;
    for (; !enough; n++) {
        config_plan *plan = NULL;
        allocations_left = n;
        config_err err = config_plan_new(from, to, &plan);
        char *text = err ? NULL : config_plan_text(plan);
        enough = allocations_left > 0;
        allocations_left = -1;
        ck_assert_int_eq(err == CONFIG_OK, plan != NULL);
        ck_assert(!enough || text);
        free(text);
        config_plan_free(plan);
    }
    ck_assert_int_gt(n, 10);
    config_free(from);
    config_free(to);
}
END_TEST

START_TEST(every_allocation_of_a_tree_may_fail)
{
    bool enough = false;
    for (long n = 0; !enough; n++) {
        allocations_left = n;
        config_tree *tree = config_tree_new("params");
        config_node *map = config_node_map(tree), *list = config_node_list(tree);
        for (int i = 0; i < 1000; i++)
            config_node_append(list, config_node_scalar(tree, "x", 1, true));
        config_node_set(map, "list", list);
        bool complete = !config_tree_oom(tree);
        enough = allocations_left > 0;
        allocations_left = -1;
        ck_assert_int_eq(complete, complete && map && list && list->count == 1000);
        ck_assert(!enough || complete);
        config_tree_free(tree);
    }
}
END_TEST

#endif

/* --- Texts that are broken ------------------------------------------------- */

static void load_anything(const char *bytes, size_t length)
{
    config_errors *errs = config_errors_new();
    config *c = NULL;
    config_err err = config_load_text("a.yaml", bytes, length, &configs_options, &c, errs);
    ck_assert_int_ne(err, CONFIG_ENOMEM);
    ck_assert_int_eq(err == CONFIG_OK, config_errors_count(errs) == 0);
    ck_assert_int_eq(err == CONFIG_OK, c != NULL);
    char *text = config_errors_text(errs, NULL);
    ck_assert_ptr_nonnull(text);
    free(text);
    config_free(c);
    config_errors_free(errs);
}

START_TEST(every_beginning_of_a_good_file_is_survived)
{
    for (size_t length = 0; length < sizeof good; length++) {
        /* In a block of its own, so that reading past its end is seen. */
        char *bytes = malloc(length + 1);
        memcpy(bytes + 1, good, length);
        load_anything(bytes + 1, length);
        free(bytes);
    }
}
END_TEST

static unsigned long long state;

static unsigned random_below(unsigned limit)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % limit;
}

static void mutate(char *bytes, size_t *length, size_t room)
{
    static const char *const pieces[] = {
        "{",  "}",     "[", "]", ": ", "- ",   "\n",   "  ", "\"", "'",   "${", "$$", "&a ", "*a",
        "!!", "---\n", "~", "#", "\t", "\xff", "\xc3", "\0", "? ", "|\n", ">",  "%",  "x-",  "<<"};
    size_t at = random_below((unsigned)*length);
    size_t span = random_below(8) + 1;
    switch (random_below(4)) {
    case 0: /* another byte */
        bytes[at] = (char)random_below(256);
        break;
    case 1: /* some less */
        if (at + span < *length) {
            memmove(bytes + at, bytes + at + span, *length - at - span);
            *length -= span;
        }
        break;
    case 2: { /* a piece of syntax more */
        const char *piece = pieces[random_below(sizeof pieces / sizeof pieces[0])];
        size_t n = *piece ? strlen(piece) : 1;
        if (*length + n <= room) {
            memmove(bytes + at + n, bytes + at, *length - at);
            for (size_t i = 0; i < n; i++)
                bytes[at + i] = piece[i];
            *length += n;
        }
        break;
    }
    default: { /* a part somewhere else */
        size_t to = random_below((unsigned)*length);
        if (at + span < *length && to + span < *length)
            memmove(bytes + to, bytes + at, span);
        break;
    }
    }
}

START_TEST(mutants_of_a_good_file_are_survived)
{
    state = 20260101;
    for (int round = 0; round < 4000; round++) {
        size_t length = sizeof good - 1, room = length + 256;
        char *bytes = malloc(room);
        snprintf(bytes, room, "%s", good);
        for (unsigned n = random_below(6) + 1; n > 0; n--)
            mutate(bytes, &length, room);
        /* Again a block of exactly its size. */
        char *exact = malloc(length);
        memcpy(exact, bytes, length);
        load_anything(exact, length);
        free(exact);
        free(bytes);
    }
}
END_TEST

START_TEST(large_files_are_read_in_reasonable_time)
{
    size_t room = 1 << 20, used = 0;
    char *text = malloc(room);
    used += (size_t)snprintf(text, room, "version: 1\nsupervisor:\n  children:\n");
    for (int i = 0; used + 64 < room; i++)
        used += (size_t)snprintf(text + used, room - used, "    - {name: child-%d, echo: {}}\n", i);
    config *c = configs_load(text);
    ck_assert_uint_gt(c->root->supervisor->child_count, 25000);
    config_plan *plan = NULL;
    ck_assert_int_eq(config_plan_new(c, c, &plan), CONFIG_OK);
    ck_assert_uint_eq(plan->count, 0);
    config_plan_free(plan);
    config_free(c);
    free(text);
}
END_TEST

START_TEST(a_large_file_of_mistakes_is_read_in_reasonable_time)
{
    size_t room = 1 << 20, used = 0;
    char *text = malloc(room);
    used += (size_t)snprintf(text, room, "version: 1\n");
    for (int i = 0; used + 64 < room; i++)
        used += (size_t)snprintf(text + used, room - used, "mistake-%d: {a: b}\n", i);
    load_anything(text, used);
    memset(text, '[', used);
    load_anything(text, used);
    memset(text, '\n', used);
    load_anything(text, used);
    memset(text, '"', used);
    load_anything(text, used);
    used = (size_t)snprintf(text, room, "version: 1\nsystem: {name: \"");
    while (used + 8 < room)
        used += (size_t)snprintf(text + used, room - used, "${A:-");
    load_anything(text, used);
    used += (size_t)snprintf(text + used, room - used, "\"}");
    load_anything(text, used);
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
#ifdef REFUSING
        every_allocation_of_a_load_may_fail,
        every_allocation_of_a_load_with_errors_may_fail,
        a_load_without_memory_says_so,
        every_allocation_of_a_plan_may_fail,
        every_allocation_of_a_tree_may_fail,
#endif
        every_beginning_of_a_good_file_is_survived,
        mutants_of_a_good_file_are_survived,
        large_files_are_read_in_reasonable_time,
        a_large_file_of_mistakes_is_read_in_reasonable_time,
        NULL};
    return suite_run("config_robust", tests, NULL, NULL);
}
