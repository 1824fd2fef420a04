/* Who got two messages at a time while others wait stays in the queue for one more turn. On one
 * worker the order in which actors are served tells: who stayed is before those woken later.
 *
 * a is the one that may stay; the driver d wakes f first, so that there is a list. */
#include "tests/support/latch.h"
#include "tests/support/suite.h"

#include "libactor/actor.h"

#include <stdlib.h>
#include <string.h>

enum { LETTERS = 26 };

static const char *plans[LETTERS]; /* to whom an actor sends when it is served */
static actor_ref refs[LETTERS];
static char served[32];
static latch turns = LATCH_INIT;

static actor_verdict serve(actor *self, void *state, actor_msg *msg)
{
    char letter = *(const char *)actor_self_arg(self);
    const char *to = plans[letter - 'a'];
    (void)state;
    (void)msg;
    if (letter != 'd')
        strncat(served, &letter, 1);
    for (; to && *to; to++) {
        actor_msg *m = actor_msg_new(1, 0);
        if (!m || actor_tell(self, refs[*to - 'a'], &m) != ACTOR_OK)
            abort();
    }
    latch_add(&turns, 1);
    return ACTOR_CONTINUE;
}

/* Let d send to each of `to`; `expected` is the order in which all are served then. */
static void check_order(const char *to, const char *expected)
{
    static const actor_behaviour behaviour = {.name = "letter", .handle = serve};
    static char names[LETTERS + 1] = "abcdefghijklmnopqrstuvwxyz";
    actor_system_options options = {.workers = 1};
    actor_system *sys;
    uint64_t before = latch_count(&turns);
    served[0] = '\0';
    plans['d' - 'a'] = to;
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    for (size_t i = 0; i < LETTERS; i++) {
        actor_spec spec = {.behaviour = &behaviour, .arg = &names[i]};
        ck_assert_int_eq(actor_spawn(sys, &spec, &refs[i]), ACTOR_OK);
    }
    actor_msg *go = actor_msg_new(1, 0);
    ck_assert_int_eq(actor_send(refs['d' - 'a'], &go), ACTOR_OK);
    ck_assert(latch_wait(&turns, before + 1 + strlen(expected)));
    actor_system_free(sys, 1000);
    ck_assert_str_eq(served, expected);
}

static void setup(void)
{
    memset(plans, 0, sizeof plans);
}

START_TEST(actor_that_got_two_messages_keeps_its_place)
{
    plans['b' - 'a'] = "ac";
    check_order("faab", "aafbac");
}
END_TEST

START_TEST(actor_that_got_one_message_leaves)
{
    plans['b' - 'a'] = "ac";
    check_order("fab", "afbca");
}
END_TEST

START_TEST(actor_that_got_nothing_more_leaves)
{
    plans['b' - 'a'] = "e";
    plans['e' - 'a'] = "ac";
    check_order("faab", "aafbeca");
}
END_TEST

START_TEST(actor_that_stayed_once_stays_again_for_one_message)
{
    plans['b' - 'a'] = "age";
    plans['g' - 'a'] = "h";
    plans['e' - 'a'] = "ac";
    check_order("faab", "aafbageahc");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        actor_that_got_two_messages_keeps_its_place,
        actor_that_got_one_message_leaves,
        actor_that_got_nothing_more_leaves,
        actor_that_stayed_once_stays_again_for_one_message,
        NULL,
    };
    return suite_run("actor_linger", tests, setup, NULL);
}
