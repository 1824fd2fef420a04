/* Names of actors. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

static actor_system *sys;
static trace dead;
static probe a, b;

static void setup(void)
{
    sys = probe_system(1, &dead);
    a = (probe){.name = "a"};
    b = (probe){.name = "b"};
    probe_spawn(sys, &a, NULL);
    probe_spawn(sys, &b, NULL);
}

static void teardown(void)
{
    actor_system_free(sys, 0);
}

static void name(const char *text, const probe *p)
{
    ck_assert_int_eq(actor_register(sys, text, p->ref), ACTOR_OK);
}

static bool named(const char *text, const probe *p)
{
    actor_ref found = ACTOR_NONE;
    actor_err err = actor_lookup(sys, text, &found);
    return err == ACTOR_OK && actor_ref_eq(found, p->ref);
}

static bool free_name(const char *text)
{
    actor_ref found = {77};
    return actor_lookup(sys, text, &found) == ACTOR_ENOTFOUND && found.bits == 77;
}

static void end(const probe *p)
{
    ck_assert_int_eq(actor_stop(p->ref), ACTOR_OK);
    probe_settle(sys);
}

START_TEST(registered_name_is_found)
{
    ck_assert(free_name("mailer"));
    name("mailer", &a);
    ck_assert(named("mailer", &a));
    ck_assert(free_name("mail"));
    ck_assert(free_name("mailers"));
    ck_assert(free_name(""));
}
END_TEST

START_TEST(name_is_copied)
{
    char text[] = "first";
    name(text, &a);
    memcpy(text, "other", sizeof text);
    ck_assert(named("first", &a));
    ck_assert(free_name("other"));
}
END_TEST

START_TEST(taken_name_is_refused)
{
    name("x", &a);
    ck_assert_int_eq(actor_register(sys, "x", b.ref), ACTOR_EEXIST);
    ck_assert(named("x", &a));
}
END_TEST

START_TEST(name_is_free_when_its_actor_has_ended)
{
    name("x", &a);
    end(&a);
    ck_assert(free_name("x"));
    name("x", &b);
    ck_assert(named("x", &b));
}
END_TEST

START_TEST(name_survives_a_restart)
{
    static probe c = {.name = "c"};
    a.restarts = true;
    probe_spawn(sys, &c, &a);
    name("c", &c);
    probe_now(sys, &c, probe_crash, NULL);
    trace_is(&c.log, "+1 -crash +2");
    ck_assert(named("c", &c));
}
END_TEST

START_TEST(reference_that_names_nobody_gets_no_name)
{
    ck_assert_int_eq(actor_register(sys, "x", ACTOR_NONE), ACTOR_ENOTFOUND);
    end(&a);
    ck_assert_int_eq(actor_register(sys, "x", a.ref), ACTOR_ENOTFOUND);
    ck_assert(free_name("x"));
}
END_TEST

START_TEST(many_names_are_kept_apart)
{
    enum { N = 500 };
    static probe many[N];
    char text[32];
    for (int i = 0; i < N; i++) {
        many[i] = (probe){.name = "m"};
        actor_spec spec = probe_spec(&many[i], NULL);
        ck_assert_int_eq(actor_spawn(sys, &spec, &many[i].ref), ACTOR_OK);
        snprintf(text, sizeof text, "n%d", i);
        name(text, &many[i]);
    }
    for (int i = 0; i < N; i += 3)
        ck_assert_int_eq(actor_stop(many[i].ref), ACTOR_OK);
    probe_settle(sys);
    for (int i = 0; i < N; i++) {
        snprintf(text, sizeof text, "n%d", i);
        ck_assert(i % 3 ? named(text, &many[i]) : free_name(text));
    }
}
END_TEST

START_TEST(names_of_two_systems_are_strangers)
{
    actor_system *other;
    actor_ref found;
    actor_system_options options = {.simulate = true};
    ck_assert_int_eq(actor_system_new(&options, &other), ACTOR_OK);
    name("x", &a);
    ck_assert_int_eq(actor_lookup(other, "x", &found), ACTOR_ENOTFOUND);
    actor_system_free(other, 0);
    ck_assert(named("x", &a));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        registered_name_is_found,
        name_is_copied,
        taken_name_is_refused,
        name_is_free_when_its_actor_has_ended,
        name_survives_a_restart,
        reference_that_names_nobody_gets_no_name,
        many_names_are_kept_apart,
        names_of_two_systems_are_strangers,
        NULL,
    };
    return suite_run("actor_names", tests, setup, teardown);
}
