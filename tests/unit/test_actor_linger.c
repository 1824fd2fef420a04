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
static bool stops; /* a's end is a part of what is served */
static latch turns = LATCH_INIT;

static void note(char what)
{
    size_t length = strlen(served);
    served[length] = what;
    served[length + 1] = '\0';
    latch_add(&turns, 1);
}

static void tell(actor *self, char letter, actor_priority priority)
{
    actor_msg *m = actor_msg_new((uint16_t)priority, 0);
    if (!m)
        abort();
    actor_msg_set_priority(m, priority);
    if (actor_tell(self, refs[letter - 'a'], &m) != ACTOR_OK)
        abort();
}

/* A letter is a message to that actor; the others are about a. */
static void act(actor *self, char what)
{
    actor_err err = ACTOR_OK;
    if (what == '+' || what == '-')
        tell(self, 'a', what == '+' ? ACTOR_HIGH : ACTOR_LOW);
    else if (what == 'S')
        err = actor_stop(refs[0]);
    else if (what == 'K')
        err = actor_kill(refs[0]);
    else if (what == 'D')
        err = actor_drain(refs[0]);
    else if (what == 'P')
        err = actor_pause(refs[0]);
    else if (what == 'R')
        err = actor_resume(refs[0]);
    else
        tell(self, what, ACTOR_NORMAL);
    if (err != ACTOR_OK)
        abort();
}

static actor_verdict serve(actor *self, void *state, actor_msg *msg)
{
    char letter = *(const char *)actor_self_arg(self);
    uint16_t priority = actor_msg_type(msg);
    (void)state;
    for (const char *to = plans[letter - 'a']; to && *to; to++)
        act(self, *to);
    if (letter != 'd')
        note(priority == ACTOR_HIGH ? '+' : priority == ACTOR_LOW ? '-' : letter);
    return ACTOR_CONTINUE;
}

static actor_verdict stop(actor *self, void *state, actor_how how)
{
    (void)state;
    if (*(const char *)actor_self_arg(self) == 'a' && stops)
        note(how == ACTOR_HOW_KILL ? '#' : '.');
    return ACTOR_CONTINUE;
}

/* Let d send to each of `to`; `expected` is the order in which all are served then. */
static void check_order(const char *to, const char *expected)
{
    static const actor_behaviour behaviour = {.name = "letter", .handle = serve, .stop = stop};
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
    actor_msg *go = actor_msg_new(ACTOR_NORMAL, 0);
    ck_assert_int_eq(actor_send(refs['d' - 'a'], &go), ACTOR_OK);
    ck_assert(latch_wait(&turns, before + strlen(expected)));
    actor_system_free(sys, 1000);
    ck_assert_str_eq(served, expected);
}

static void setup(void)
{
    memset(plans, 0, sizeof plans);
    stops = false;
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

START_TEST(actor_that_stays_is_stopped_in_its_place)
{
    stops = true;
    plans['b' - 'a'] = "aSc";
    check_order("faab", "aafb.c");
}
END_TEST

START_TEST(actor_that_stays_is_killed_in_its_place)
{
    stops = true;
    plans['b' - 'a'] = "aKc";
    check_order("faab", "aafb#c");
}
END_TEST

START_TEST(actor_that_stays_is_drained_in_its_place)
{
    stops = true;
    plans['b' - 'a'] = "aDac";
    check_order("faab", "aafba.c");
}
END_TEST

START_TEST(actor_that_stays_pauses_and_goes_on_later)
{
    plans['b' - 'a'] = "Pac";
    plans['c' - 'a'] = "eR";
    check_order("faab", "aafbcae");
}
END_TEST

START_TEST(actor_that_stays_serves_by_priority)
{
    plans['b' - 'a'] = "-a+c";
    check_order("faab", "aafb+a-c");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        actor_that_got_two_messages_keeps_its_place,
        actor_that_got_one_message_leaves,
        actor_that_got_nothing_more_leaves,
        actor_that_stayed_once_stays_again_for_one_message,
        actor_that_stays_is_stopped_in_its_place,
        actor_that_stays_is_killed_in_its_place,
        actor_that_stays_is_drained_in_its_place,
        actor_that_stays_pauses_and_goes_on_later,
        actor_that_stays_serves_by_priority,
        NULL,
    };
    return suite_run("actor_linger", tests, setup, NULL);
}
