/* Real threads. Whatever the interleaving, the counts add up: accepted = handled + dead letters,
 * every actor ends once, and messages of one sender stay in order. Sized for ThreadSanitizer. */
#include "tests/support/latch.h"
#include "tests/support/suite.h"

#include "libactor/actor.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { WORKERS = 3, THREADS = 4, SENDERS_MAX = 16 };

enum { ITEM = 1, GO, ASK };

typedef struct item {
    uint32_t sender;
    uint32_t seq; /* from 1 */
} item;

static actor_system *sys;
static atomic_ullong accepted, handled, dead, spawned, wrong;
static latch ended = LATCH_INIT; /* actors */
static latch done = LATCH_INIT;  /* whatever a test counts */

static void note_dead(void *user, actor_ref to, actor_msg **msg, actor_err why)
{
    (void)user;
    (void)to;
    (void)why;
    if (actor_msg_type(*msg) == ITEM)
        atomic_fetch_add(&dead, 1);
}

static void note_end(void *arg)
{
    (void)arg;
    latch_add(&ended, 1);
}

static void setup(void)
{
    actor_system_options options = {.workers = WORKERS, .dead_letter = note_dead};
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
}

/* Free the system and do the accounts. */
static void settle_accounts(void)
{
    actor_system_free(sys, 20000);
    ck_assert_uint_eq(atomic_load(&wrong), 0);
    ck_assert_uint_eq(atomic_load(&accepted), atomic_load(&handled) + atomic_load(&dead));
    ck_assert_uint_eq(latch_count(&ended), atomic_load(&spawned));
}

static actor_err spawn(const actor_behaviour *b, void *arg, actor_ref *out)
{
    actor_spec spec = {.behaviour = b, .arg = arg, .free_arg = note_end};
    actor_err err = actor_spawn(sys, &spec, out);
    if (err == ACTOR_OK)
        atomic_fetch_add(&spawned, 1);
    return err;
}

/* Send an item; a refused one is freed. */
static actor_err send_item(actor *self, actor_ref to, uint32_t sender, uint32_t seq)
{
    item it = {sender, seq};
    actor_msg *msg = actor_msg_new(ITEM, sizeof it);
    if (!msg)
        return ACTOR_ENOMEM;
    memcpy(actor_msg_data(msg), &it, sizeof it);
    actor_err err = self ? actor_tell(self, to, &msg) : actor_send(to, &msg);
    if (err == ACTOR_OK)
        atomic_fetch_add(&accepted, 1);
    else
        actor_msg_free(msg);
    return err;
}

static void send_go(actor_ref to)
{
    actor_msg *msg = actor_msg_new(GO, 0);
    ck_assert_ptr_nonnull(msg);
    if (actor_send(to, &msg) != ACTOR_OK)
        actor_msg_free(msg);
}

/* A sink: counts, and checks the order of every sender. */
typedef struct sink {
    uint32_t last[SENDERS_MAX];
    bool busy; /* two workers in one actor would see it */
} sink;

static void sink_note(sink *s, actor_msg *msg)
{
    item it;
    memcpy(&it, actor_msg_data(msg), sizeof it);
    if (s->busy || it.sender >= SENDERS_MAX || it.seq <= s->last[it.sender % SENDERS_MAX])
        atomic_fetch_add(&wrong, 1);
    s->busy = true;
    s->last[it.sender % SENDERS_MAX] = it.seq;
    atomic_fetch_add(&handled, 1);
    s->busy = false;
}

static actor_verdict sink_handle(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    if (actor_msg_type(msg) == ITEM)
        sink_note(state, msg);
    else
        latch_add(&done, 1);
    return ACTOR_CONTINUE;
}

static const actor_behaviour sink_behaviour = {
    .name = "sink", .state_size = sizeof(sink), .handle = sink_handle};

static void run_threads(void *(*body)(void *))
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, body, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* ---- Foreign threads to one actor ---- */

static actor_ref target;

static void *produce(void *id)
{
    for (uint32_t i = 1; i <= 10000; i++)
        if (send_item(NULL, target, (uint32_t)(uintptr_t)id, i) != ACTOR_OK)
            atomic_fetch_add(&wrong, 1);
    return NULL;
}

START_TEST(messages_of_many_threads_all_arrive_in_the_order_of_each)
{
    ck_assert_int_eq(spawn(&sink_behaviour, NULL, &target), ACTOR_OK);
    run_threads(produce);
    send_go(target);
    ck_assert(latch_wait(&done, 1));
    ck_assert_uint_eq(atomic_load(&handled), (uint64_t)THREADS * 10000);
    settle_accounts();
    ck_assert_uint_eq(atomic_load(&dead), 0);
}
END_TEST

static void *produce_some(void *id)
{
    for (uint32_t i = 1; i <= 5000; i++) {
        actor_err err = send_item(NULL, target, (uint32_t)(uintptr_t)id, i);
        if (err != ACTOR_OK && err != ACTOR_EFULL)
            atomic_fetch_add(&wrong, 1);
        actor_info info;
        if (i % 64 == 0 && (actor_inspect(target, &info) != ACTOR_OK || info.waiting > 8))
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

static void bounded(actor_on_full on_full)
{
    actor_spec spec = {
        .behaviour = &sink_behaviour, .free_arg = note_end, .capacity = 8, .on_full = on_full};
    ck_assert_int_eq(actor_spawn(sys, &spec, &target), ACTOR_OK);
    atomic_fetch_add(&spawned, 1);
    run_threads(produce_some);
    settle_accounts();
    ck_assert_uint_gt(atomic_load(&handled), 0);
}

START_TEST(bounded_mailbox_of_many_senders_loses_nothing_it_accepted)
{
    bounded(ACTOR_REJECT);
}
END_TEST

START_TEST(drop_newest_of_many_senders_accounts_for_every_message)
{
    bounded(ACTOR_DROP_NEWEST);
    ck_assert_uint_eq(atomic_load(&accepted), (uint64_t)THREADS * 5000);
}
END_TEST

START_TEST(drop_oldest_of_many_senders_accounts_for_every_message)
{
    bounded(ACTOR_DROP_OLDEST);
    ck_assert_uint_eq(atomic_load(&accepted), (uint64_t)THREADS * 5000);
}
END_TEST

/* ---- Actors to actors ---- */

enum { PEERS = 12, BURSTS = 20, BURST = 12 };
static actor_ref peers[PEERS];

typedef struct peer {
    sink sink;
    uint32_t seq, bursts;
} peer;

static actor_verdict peer_handle(actor *self, void *state, actor_msg *msg)
{
    peer *p = state;
    if (actor_msg_type(msg) == ITEM) {
        sink_note(&p->sink, msg);
        latch_add(&done, 1);
        return ACTOR_CONTINUE;
    }
    uint32_t me = *(uint32_t *)actor_self_arg(self);
    for (int i = 0; i < BURST; i++) {
        p->seq++;
        for (int to = 0; to < PEERS; to++)
            if (send_item(self, peers[to], me, p->seq) != ACTOR_OK)
                atomic_fetch_add(&wrong, 1);
    }
    if (++p->bursts < BURSTS)
        send_go(actor_self(self));
    return ACTOR_CONTINUE;
}

static const actor_behaviour peer_behaviour = {
    .name = "peer", .state_size = sizeof(peer), .handle = peer_handle};

START_TEST(all_actors_to_all_actors)
{
    static uint32_t ids[PEERS];
    for (uint32_t i = 0; i < PEERS; i++) {
        ids[i] = i;
        ck_assert_int_eq(spawn(&peer_behaviour, &ids[i], &peers[i]), ACTOR_OK);
    }
    for (int i = 0; i < PEERS; i++)
        send_go(peers[i]);
    ck_assert(latch_wait(&done, (uint64_t)PEERS * PEERS * BURSTS * BURST));
    settle_accounts();
    ck_assert_uint_eq(atomic_load(&dead), 0);
}
END_TEST

/* ---- Births and ends ---- */

static void *spawn_and_stop(void *id)
{
    for (int i = 0; i < 1500; i++) {
        actor_ref ref;
        if (spawn(&sink_behaviour, NULL, &ref) != ACTOR_OK) {
            atomic_fetch_add(&wrong, 1);
            continue;
        }
        for (uint32_t k = 1; k <= 3; k++)
            send_item(NULL, ref, (uint32_t)(uintptr_t)id, k);
        actor_err err = i % 3 == 0   ? actor_stop(ref)
                        : i % 3 == 1 ? actor_kill(ref)
                                     : actor_drain(ref);
        if (err != ACTOR_OK)
            atomic_fetch_add(&wrong, 1);
        send_item(NULL, ref, (uint32_t)(uintptr_t)id, 4);
    }
    return NULL;
}

START_TEST(storm_of_births_and_ends)
{
    run_threads(spawn_and_stop);
    ck_assert(latch_wait(&ended, atomic_load(&spawned)));
    actor_system_stats stats;
    int tries = 0;
    do { /* an argument is freed a moment before its actor is no longer counted */
        ck_assert_int_lt(tries++, 5000);
        poll(NULL, 0, 1);
        actor_system_stats_get(sys, &stats);
    } while (stats.actors != 0);
    ck_assert_uint_eq(stats.spawned, atomic_load(&spawned));
    settle_accounts();
}
END_TEST

static actor_verdict breed(actor *self, void *state, actor_msg *msg);
static const actor_behaviour breeder = {.name = "breeder", .handle = breed};

/* Spawn two of the next generation and exit. */
static actor_verdict breed(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    uint32_t left;
    memcpy(&left, actor_msg_data(msg), sizeof left);
    for (int i = 0; left > 0 && i < 2; i++) {
        actor_ref ref;
        uint32_t next = left - 1;
        if (spawn(&breeder, NULL, &ref) != ACTOR_OK) {
            atomic_fetch_add(&wrong, 1);
            continue;
        }
        actor_msg *child = actor_msg_new(GO, sizeof next);
        memcpy(actor_msg_data(child), &next, sizeof next);
        if (actor_tell(self, ref, &child) != ACTOR_OK)
            atomic_fetch_add(&wrong, 1);
    }
    return ACTOR_EXIT;
}

START_TEST(actors_spawn_actors)
{
    enum { GENERATIONS = 11 };
    uint32_t left = GENERATIONS;
    actor_ref ref;
    ck_assert_int_eq(spawn(&breeder, NULL, &ref), ACTOR_OK);
    actor_msg *msg = actor_msg_new(GO, sizeof left);
    memcpy(actor_msg_data(msg), &left, sizeof left);
    ck_assert_int_eq(actor_send(ref, &msg), ACTOR_OK);
    ck_assert(latch_wait(&ended, (2u << GENERATIONS) - 1));
    settle_accounts();
}
END_TEST

/* Senders race with the end of their target, whose slot is used again at once. */
static _Atomic uint64_t current;
static atomic_bool over;

static void *send_to_current(void *id)
{
    if ((uintptr_t)id == 0) {
        for (int i = 0; i < 3000; i++) {
            actor_ref ref, old = {atomic_load(&current)};
            actor_kill(old);
            if (spawn(&sink_behaviour, NULL, &ref) == ACTOR_OK)
                atomic_store(&current, ref.bits);
        }
        atomic_store(&over, true);
        return NULL;
    }
    for (uint32_t i = 1; !atomic_load(&over); i++) {
        actor_ref ref = {atomic_load(&current)};
        actor_err err = send_item(NULL, ref, (uint32_t)(uintptr_t)id, i);
        if (err != ACTOR_OK && err != ACTOR_ENOTFOUND)
            atomic_fetch_add(&wrong, 1);
    }
    return NULL;
}

START_TEST(sends_from_threads_to_actors_that_end)
{
    actor_ref ref;
    ck_assert_int_eq(spawn(&sink_behaviour, NULL, &ref), ACTOR_OK);
    atomic_store(&current, ref.bits);
    run_threads(send_to_current);
    settle_accounts();
}
END_TEST

/* ---- Watching and asking while others end ---- */

enum { MORTALS = 300 };
static actor_ref mortals[MORTALS];
static atomic_uint told[MORTALS];

static actor_verdict watch_all(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    actor_down down;
    if (actor_msg_type(msg) == GO) {
        for (int i = 0; i < MORTALS; i++)
            if (actor_watch(self, mortals[i], false) != ACTOR_OK)
                atomic_fetch_add(&wrong, 1);
    } else {
        memcpy(&down, actor_msg_data(msg), sizeof down);
        for (int i = 0; i < MORTALS; i++)
            if (actor_ref_eq(down.ref, mortals[i]))
                atomic_fetch_add(&told[i], 1);
        latch_add(&done, 1);
    }
    return ACTOR_CONTINUE;
}

static void *kill_share(void *id)
{
    for (uintptr_t i = (uintptr_t)id; i < MORTALS; i += THREADS)
        actor_kill(mortals[i]);
    return NULL;
}

START_TEST(every_watcher_is_told_once_of_every_end)
{
    static const actor_behaviour watcher = {.name = "watcher", .handle = watch_all};
    enum { WATCHERS = 5 };
    for (int i = 0; i < MORTALS; i++)
        ck_assert_int_eq(spawn(&sink_behaviour, NULL, &mortals[i]), ACTOR_OK);
    for (int i = 0; i < WATCHERS; i++) {
        actor_ref ref;
        ck_assert_int_eq(spawn(&watcher, NULL, &ref), ACTOR_OK);
        send_go(ref);
    }
    run_threads(kill_share);
    ck_assert(latch_wait(&done, (uint64_t)WATCHERS * MORTALS));
    settle_accounts();
    for (int i = 0; i < MORTALS; i++)
        ck_assert_uint_eq(atomic_load(&told[i]), WATCHERS);
}
END_TEST

static actor_verdict count_outcome(actor *self, void *state, actor_err how, actor_msg *reply,
                                   void *arg)
{
    (void)self;
    (void)state;
    (void)arg;
    if ((how == ACTOR_OK) != (reply != NULL))
        atomic_fetch_add(&wrong, 1);
    latch_add(&done, 1);
    return ACTOR_CONTINUE;
}

/* Ask all mortals; those that refuse count as answered. */
static actor_verdict ask_all(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    (void)msg;
    for (int i = 0; i < MORTALS; i++) {
        actor_ask_id id;
        actor_msg *question = actor_msg_new(ASK, 0);
        actor_err err =
            actor_ask(self, mortals[i], &question, i % 3 ? -1 : 1, count_outcome, NULL, &id);
        if (err == ACTOR_OK)
            continue;
        if (err != ACTOR_ENOTFOUND && err != ACTOR_EFULL)
            atomic_fetch_add(&wrong, 1);
        actor_msg_free(question);
        latch_add(&done, 1);
    }
    return ACTOR_CONTINUE;
}

static actor_verdict answer(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    actor_msg *reply = actor_msg_new(ITEM, 0);
    if (actor_reply(msg, &reply) != ACTOR_OK)
        actor_msg_free(reply);
    return ACTOR_CONTINUE;
}

/* Some of each policy: with room for one to three, or for all. */
START_TEST(every_ask_has_one_outcome_while_mailboxes_are_full_and_targets_end)
{
    static const actor_behaviour asker = {.name = "asker", .handle = ask_all};
    static const actor_behaviour answerer = {.name = "answerer", .handle = answer};
    static const actor_on_full policies[] = {ACTOR_REJECT, ACTOR_DROP_NEWEST, ACTOR_DROP_OLDEST};
    enum { ASKERS = 6, ROUNDS = 4 };
    const uint64_t expected = (uint64_t)ASKERS * ROUNDS * MORTALS;
    for (unsigned i = 0; i < MORTALS; i++) {
        actor_spec spec = {
            .behaviour = &answerer, .capacity = i / 3 % 4, .on_full = policies[i % 3]};
        ck_assert_int_eq(actor_spawn(sys, &spec, &mortals[i]), ACTOR_OK);
    }
    for (int i = 0; i < ASKERS; i++) {
        actor_ref ref;
        ck_assert_int_eq(spawn(&asker, NULL, &ref), ACTOR_OK);
        for (int k = 0; k < ROUNDS; k++)
            send_go(ref);
    }
    run_threads(kill_share);
    ck_assert(latch_wait(&done, expected));
    ck_assert(!latch_wait_ms(&done, expected + 1, 5)); /* and not two */
    actor_system_free(sys, 20000);
    ck_assert_uint_eq(atomic_load(&wrong), 0);
}
END_TEST

/* ---- Timers and names ---- */

enum { TICKERS = 40, TICKS = 50 };

/* Fire fifty times, and arm and cancel another timer each time. */
static actor_verdict tick(actor *self, void *state, actor_msg *msg)
{
    uint32_t *left = state;
    actor_timer *timer, *unwanted = NULL;
    if (actor_msg_type(msg) == GO)
        *left = TICKS;
    else
        latch_add(&done, 1);
    if (*left == 0)
        return ACTOR_CONTINUE;
    --*left;
    if (actor_after(self, *left % 3, ACTOR_MSG_TIMER, 0, &timer) != ACTOR_OK ||
        actor_after(self, 1000, ACTOR_MSG_TIMER, 0, &unwanted) != ACTOR_OK)
        atomic_fetch_add(&wrong, 1);
    actor_timer_cancel(self, &unwanted);
    return ACTOR_CONTINUE;
}

START_TEST(timers_of_many_actors_fire)
{
    static const actor_behaviour ticker = {
        .name = "ticker", .state_size = sizeof(uint32_t), .handle = tick};
    for (int i = 0; i < TICKERS; i++) {
        actor_ref ref;
        ck_assert_int_eq(spawn(&ticker, NULL, &ref), ACTOR_OK);
        send_go(ref);
    }
    ck_assert(latch_wait(&done, (uint64_t)TICKERS * TICKS));
    settle_accounts();
}
END_TEST

static void *name_and_find(void *id)
{
    char name[32];
    for (int i = 0; i < 300; i++) {
        actor_ref ref, found;
        if (spawn(&sink_behaviour, NULL, &ref) != ACTOR_OK)
            continue;
        snprintf(name, sizeof name, "own-%d-%d", (int)(uintptr_t)id, i);
        if (actor_register(sys, name, ref) != ACTOR_OK ||
            actor_lookup(sys, name, &found) != ACTOR_OK || !actor_ref_eq(found, ref))
            atomic_fetch_add(&wrong, 1);
        snprintf(name, sizeof name, "shared-%d", i % 10);
        actor_err err = actor_register(sys, name, ref);
        if (err != ACTOR_OK && err != ACTOR_EEXIST)
            atomic_fetch_add(&wrong, 1);
        if (actor_lookup(sys, name, &found) == ACTOR_OK)
            send_go(found);
        actor_kill(ref);
    }
    return NULL;
}

START_TEST(names_are_given_and_found_by_many_threads)
{
    run_threads(name_and_find);
    settle_accounts();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        messages_of_many_threads_all_arrive_in_the_order_of_each,
        bounded_mailbox_of_many_senders_loses_nothing_it_accepted,
        drop_newest_of_many_senders_accounts_for_every_message,
        drop_oldest_of_many_senders_accounts_for_every_message,
        all_actors_to_all_actors,
        storm_of_births_and_ends,
        actors_spawn_actors,
        sends_from_threads_to_actors_that_end,
        every_watcher_is_told_once_of_every_end,
        every_ask_has_one_outcome_while_mailboxes_are_full_and_targets_end,
        timers_of_many_actors_fire,
        names_are_given_and_found_by_many_threads,
        NULL,
    };
    return suite_run("actor_threads", tests, setup, NULL);
}
