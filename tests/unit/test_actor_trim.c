/* Memory goes back to the system: blocks to their chunks, and after a burst by idle workers. */
#include "tests/support/latch.h"
#include "tests/support/suite.h"

#include "libactor/blocks.h"
#include "libactor/pool.h"
#include "libactor/rng.h"
#include "libactor/table.h"
#include "libactor/trim.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { BYTES = 128, COUNT = 40000, UNIT = 32 << 10, CHUNK = 2 << 20, PAGE = 4096 };
enum { DEADLINE_MS = 10000 };

/* ---- Blocks -------------------------------------------------------------------------------- */

static actor__blocks blocks = {.bytes = BYTES};
static actor_msg *all[COUNT];

static uint32_t take_all(void)
{
    actor__extent extent = {0};
    uint32_t count = 0, got;
    while (count < COUNT) {
        actor_msg *m = actor__blocks_take(&blocks, COUNT - count < 64 ? COUNT - count : 64, &got);
        for (; m != NULL; m = actor__next(m))
            all[count++] = m;
        if (got != 0)
            continue;
        if ((m = actor__extent_next(&extent, BYTES)) != NULL)
            all[count++] = m;
        else if (!actor__blocks_extent(&blocks, &extent))
            break;
    }
    actor__blocks_extent_back(&blocks, &extent);
    return count;
}

static void put_all_but(uint32_t kept)
{
    for (uint32_t i = 0; i < COUNT; i++)
        if (i != kept)
            actor__blocks_put(&blocks, all[i]);
}

static void give_back_all(void)
{
    for (uint32_t i = actor__blocks_candidates(&blocks); i > 0; i--)
        actor__blocks_give_back(&blocks);
}

static uint32_t resident(const void *block)
{
    void *chunk = (void *)((uintptr_t)block & ~(uintptr_t)(CHUNK - 1));
    unsigned char pages[CHUNK / PAGE];
    uint32_t count = 0;
    ck_assert_int_eq(mincore(chunk, CHUNK, pages), 0);
    for (size_t i = 0; i < sizeof pages; i++)
        count += pages[i] & 1;
    return count;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (actor_msg *const *)a, y = (uintptr_t) * (actor_msg *const *)b;
    return (x > y) - (x < y);
}

static void check_apart(void)
{
    qsort(all, COUNT, sizeof(*all), by_address);
    for (uint32_t i = 1; i < COUNT; i++)
        if ((uintptr_t)all[i] - (uintptr_t)all[i - 1] < BYTES)
            ck_abort_msg("blocks overlap");
}

START_TEST(blocks_that_are_all_free_are_unmapped)
{
    ck_assert_uint_eq(take_all(), COUNT);
    check_apart();
    ck_assert_uint_eq(blocks.mapped, 3);
    put_all_but(COUNT);
    give_back_all();
    ck_assert_uint_eq(blocks.mapped, 0);
}
END_TEST

START_TEST(block_in_use_keeps_its_unit_and_no_more)
{
    ck_assert_uint_eq(take_all(), COUNT);
    actor_msg *kept = all[1000];
    memset(kept + 1, 7, BYTES - sizeof(*kept));
    put_all_but(1000);
    give_back_all();
    ck_assert_uint_eq(blocks.mapped, 1);
    ck_assert_uint_le(resident(kept), 2 * UNIT / PAGE); /* and the header's */
    for (size_t i = sizeof(*kept); i < BYTES; i++)
        ck_assert_int_eq(((char *)kept)[i], 7);
    actor__blocks_put(&blocks, kept);
    give_back_all();
    ck_assert_uint_eq(blocks.mapped, 0);
}
END_TEST

START_TEST(memory_that_went_is_used_again)
{
    for (unsigned round = 0; round < 4; round++) {
        actor__rng rng = {round};
        ck_assert_uint_eq(take_all(), COUNT);
        check_apart();
        ck_assert_uint_le(blocks.mapped, 4);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint32_t j = i + actor__rng_below(&rng, COUNT - i);
            actor_msg *m = all[j];
            all[j] = all[i];
            all[i] = m;
        }
        /* One in some thousands stays, so that units go but chunks do not. */
        for (uint32_t i = 13; i < COUNT; i++)
            actor__blocks_put(&blocks, all[i]);
        give_back_all();
        ck_assert_uint_ge(blocks.mapped, 1);
        for (uint32_t i = 0; i < 13; i++)
            actor__blocks_put(&blocks, all[i]);
    }
    give_back_all();
    ck_assert_uint_eq(blocks.mapped, 0);
}
END_TEST

#if !ACTOR__ASAN && !defined(__SANITIZE_THREAD__)
START_TEST(blocks_end_where_memory_ends)
{
    struct rlimit was, none = {0, RLIM_INFINITY};
    actor__extent extent;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &was), 0);
    none.rlim_max = was.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    bool more = actor__blocks_extent(&blocks, &extent);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &was), 0);
    ck_assert(!more);
    ck_assert_uint_eq(take_all(), COUNT);
}
END_TEST
#endif

/* ---- The pool ------------------------------------------------------------------------------ */

enum { GO = 1, LAST, MESSAGES = 100000 };

static latch done = LATCH_INIT;
static uint32_t peak;
static actor_ref sink;

static actor_verdict swallow(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    if (actor_msg_type(msg) == LAST)
        latch_add(&done, 1);
    return ACTOR_CONTINUE;
}

static actor_verdict burst(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    for (unsigned i = 1; i <= MESSAGES; i++) {
        actor_msg *m = actor_msg_new(i < MESSAGES ? GO : LAST, 100);
        ck_assert_ptr_nonnull(m);
        ck_assert_int_eq(actor_send(sink, &m), ACTOR_OK);
    }
    peak = actor__pool_mapped();
    return ACTOR_CONTINUE;
}

static void run_burst(actor_system *sys)
{
    static const actor_behaviour sinks = {"sink", 0, NULL, swallow, NULL};
    static const actor_behaviour sources = {"source", 0, NULL, burst, NULL};
    actor_spec spec = {.behaviour = &sinks};
    ck_assert_int_eq(actor_spawn(sys, &spec, &sink), ACTOR_OK);
    spec.behaviour = &sources;
    actor_ref source;
    ck_assert_int_eq(actor_spawn(sys, &spec, &source), ACTOR_OK);
    actor_msg *m = actor_msg_new(GO, 0);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(actor_send(source, &m), ACTOR_OK);
    latch_wait(&done, 1);
}

/* One class for the burst, one or two for the rest. */
static void wait_until_mapped(uint32_t most)
{
    for (int ms = 0; actor__pool_mapped() > most && ms < DEADLINE_MS; ms += 5)
        poll(NULL, 0, 5);
    ck_assert_uint_le(actor__pool_mapped(), most);
}

START_TEST(messages_of_a_burst_go_back_to_the_system)
{
    actor_system_options options = {.workers = 1};
    actor_system *sys;
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    run_burst(sys);
    if (!ACTOR__ASAN)
        ck_assert_uint_ge(peak, 10);
    wait_until_mapped(2);
    /* What there was to do is done: nothing will wake the worker any more. */
    for (int ms = 0; load_relaxed(&actor__trim_at) != 0 && ms < DEADLINE_MS; ms += 5)
        poll(NULL, 0, 5);
    ck_assert_int_eq(load_relaxed(&actor__trim_at), 0);
    actor_system_free(sys, 1000);
}
END_TEST

START_TEST(end_of_a_system_gives_back_what_nobody_uses)
{
    actor_system_options options = {.workers = 2};
    actor_system *sys;
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    run_burst(sys);
    actor_system_free(sys, 1000);
    ck_assert_uint_eq(actor__pool_mapped(), 0);
}
END_TEST

START_TEST(messages_in_use_survive_the_giving_back_around_them)
{
    static actor_msg *kept[MESSAGES / 1000];
    static actor_msg *rest[MESSAGES];
    for (unsigned i = 0; i < MESSAGES; i++) {
        rest[i] = actor_msg_new(GO, 1000);
        ck_assert_ptr_nonnull(rest[i]);
        memset(actor_msg_data(rest[i]), (int)(i / 1000), 1000);
        if (i % 1000 == 0) {
            kept[i / 1000] = rest[i];
            rest[i] = NULL;
        }
    }
    for (unsigned i = 0; i < MESSAGES; i++)
        actor_msg_free(rest[i]);
    actor__trim_all();
    for (unsigned i = 0; i < MESSAGES / 1000; i++) {
        unsigned char want[1000];
        memset(want, (int)i, sizeof want);
        ck_assert_mem_eq(actor_msg_data(kept[i]), want, sizeof want);
        actor_msg_free(kept[i]);
    }
    actor__trim_all();
    ck_assert_uint_eq(actor__pool_mapped(), 0);
}
END_TEST

enum { VISITORS = 400, BATCH = 64, A_QUARTER = 128 - sizeof(actor_msg) }; /* of a unit */

static void *make_batch(void *of)
{
    actor_msg **batch = of;
    for (unsigned i = 0; i < BATCH; i++)
        batch[i] = actor_msg_new(GO, A_QUARTER);
    return NULL;
}

START_TEST(what_a_thread_had_to_carve_is_carved_on_by_others)
{
    static actor_msg *made[VISITORS][BATCH];
    for (unsigned i = 0; i < VISITORS; i++) {
        pthread_t visitor;
        ck_assert_int_eq(pthread_create(&visitor, NULL, make_batch, made[i]), 0);
        pthread_join(visitor, NULL);
    }
    ck_assert_uint_le(actor__pool_mapped(), VISITORS * UNIT / 4 / CHUNK + 1);
    for (unsigned i = 0; i < VISITORS; i++)
        for (unsigned k = 0; k < BATCH; k++) {
            ck_assert_ptr_nonnull(made[i][k]);
            actor_msg_free(made[i][k]);
        }
    actor__trim_all();
    ck_assert_uint_eq(actor__pool_mapped(), 0);
}
END_TEST

/* ---- Slots --------------------------------------------------------------------------------- */

enum { SHORT_LIVED = 5000 };

static latch inside = LATCH_INIT, free_to_go = LATCH_INIT;

static actor_verdict wait_for_long(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    latch_add(&inside, 1);
    ck_assert(latch_wait(&free_to_go, 1));
    return ACTOR_CONTINUE;
}

static actor_verdict leave(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    latch_add(&done, 1);
    return ACTOR_EXIT;
}

static void send_go(actor_ref to)
{
    actor_msg *m = actor_msg_new(GO, 0);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(actor_send(to, &m), ACTOR_OK);
}

START_TEST(slots_are_reused_while_a_handler_runs_for_long)
{
    static const actor_behaviour waits = {"waits", 0, NULL, wait_for_long, NULL};
    static const actor_behaviour leaves = {"leaves", 0, NULL, leave, NULL};
    actor_system_options options = {.workers = 2};
    actor_spec spec = {.behaviour = &waits};
    actor_system *sys;
    actor_ref ref;
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    send_go(ref);
    ck_assert(latch_wait(&inside, 1));
    spec.behaviour = &leaves;
    for (unsigned i = 0; i < SHORT_LIVED; i++) {
        ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
        send_go(ref);
    }
    ck_assert(latch_wait(&done, SHORT_LIVED));
    for (int ms = 0; actor__slot_waiting() != 0 && ms < DEADLINE_MS; ms += 5)
        poll(NULL, 0, 5);
    ck_assert_uint_eq(actor__slot_waiting(), 0);
    latch_add(&free_to_go, 1);
    actor_system_free(sys, 1000);
}
END_TEST

enum { CROWD = 100000 };

/* Spawned, and ended. */
static void come_and_go(actor_system *sys, actor_ref *refs)
{
    static const actor_behaviour leaves = {"leaves", 0, NULL, leave, NULL};
    actor_spec spec = {.behaviour = &leaves};
    uint64_t before = latch_count(&done);
    for (unsigned i = 0; i < CROWD; i++)
        if (actor_spawn(sys, &spec, &refs[i]) != ACTOR_OK)
            ck_abort_msg("not spawned");
    peak = actor__table_size();
    for (unsigned i = 0; i < CROWD; i++) {
        actor_msg *m = actor_msg_new(GO, 0);
        if (m == NULL || actor_send(refs[i], &m) != ACTOR_OK)
            ck_abort_msg("not sent");
    }
    ck_assert(latch_wait(&done, before + CROWD));
    /* Threads that do not sleep keep some slots at hand, and so their chunks. */
    for (int ms = 0; actor__table_size() > 2048 && ms < DEADLINE_MS; ms += 5) {
        poll(NULL, 0, 5);
        actor__slot_give_free();
    }
    ck_assert_uint_le(actor__table_size(), 2048);
}

static void all_are_gone(const actor_ref *refs)
{
    actor_msg *m = actor_msg_new(GO, 0);
    ck_assert_ptr_nonnull(m);
    for (unsigned i = 0; i < CROWD; i++)
        if (actor_send(refs[i], &m) != ACTOR_ENOTFOUND)
            ck_abort_msg("a stale reference led to somebody");
    actor_msg_free(m);
}

START_TEST(slots_of_a_crowd_go_back_and_their_references_stay_stale)
{
    static actor_ref first[CROWD], second[CROWD];
    static const actor_behaviour stays = {"stays", 0, NULL, leave, NULL};
    actor_system_options options = {.workers = 1};
    actor_spec spec = {.behaviour = &stays};
    actor_system *sys;
    actor_ref ref;
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    come_and_go(sys, first);
    ck_assert_uint_ge(peak, CROWD);
    all_are_gone(first);
    come_and_go(sys, second);
    for (unsigned i = 0; i < CROWD; i++)
        ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    all_are_gone(first);
    all_are_gone(second);
    actor_system_free(sys, 10000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        blocks_that_are_all_free_are_unmapped,
        block_in_use_keeps_its_unit_and_no_more,
        memory_that_went_is_used_again,
#if !ACTOR__ASAN && !defined(__SANITIZE_THREAD__)
        blocks_end_where_memory_ends,
#endif
        messages_of_a_burst_go_back_to_the_system,
        end_of_a_system_gives_back_what_nobody_uses,
        messages_in_use_survive_the_giving_back_around_them,
        what_a_thread_had_to_carve_is_carved_on_by_others,
        slots_are_reused_while_a_handler_runs_for_long,
        slots_of_a_crowd_go_back_and_their_references_stay_stale,
        NULL,
    };
    return suite_run("actor_trim", tests, NULL, NULL);
}
