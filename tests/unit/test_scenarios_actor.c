/* Scenarios of the supervision catalogue about the actor itself: what a failure does to it, its
 * mailbox, stash and timers. In virtual time. */
#include "tests/support/subject.h"
#include "tests/support/suite.h"

/* ---- Starts that go wrong ---- */

static void start_fails_with(actor_verdict verdict)
{
    subject_plainly();
    supervisor_child y = {.id = "y", .behaviour = &subject_behaviour, .shutdown = 1000};
    subject.next_start = verdict;
    family_answers(subject_root, supervisor_request_start(&y, false, SUPERVISOR_LAST),
                   SUPERVISOR_EFAILED);
    trace_is(&subject_words, "start");
    family_answers(subject_root, supervisor_request_which(NULL), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, "x:running w:running");
}

START_TEST(SUP_08_a_start_that_returns_rubbish_has_failed)
{
    start_fails_with((actor_verdict)4711);
}
END_TEST

START_TEST(SUP_143_nothing_half_built_goes_on_by_a_resume)
{
    start_fails_with(ACTOR_FAIL_MESSAGE);
}
END_TEST

/* ---- Directives ---- */

START_TEST(SUP_129_resume_keeps_the_state_and_loses_the_message)
{
    subject_plainly();
    subject_notes(1, 1);
    subject_to_x(SUBJECT_FAIL, ACTOR_FAIL_MESSAGE);
    subject_notes(3, 3);
    subject_to_x(SUBJECT_COUNT, 0);
    family_settle();
    trace_is(&subject_words, "1 3 =4"); /* no hook ran */
    ck_assert_uint_eq(family_dead_letters, 1);
    ck_assert_uint_eq(kid_of("x")->seen.incarnation, 1);
}
END_TEST

START_TEST(SUP_130_restart_resets_the_state_and_goes_on_with_the_next_message)
{
    subject_plainly();
    actor_ref before = family_ref("x");
    subject_notes(1, 1);
    subject_to_x(SUBJECT_FAIL, ACTOR_FAIL_RESTART);
    subject_notes(3, 6);
    subject_to_x(SUBJECT_COUNT, 0);
    family_settle();
    trace_is(&subject_words, "1 crash start 3 4 5 6 =5");
    ck_assert_uint_eq(family_dead_letters, 1);
    ck_assert(actor_ref_eq(before, family_ref("x")));
}
END_TEST

START_TEST(SUP_131_stop_makes_dead_letters_and_tells_the_watchers)
{
    subject_plainly();
    subject_to_w(SUBJECT_WATCH, family_ref("x"));
    subject_to_x(SUBJECT_FAIL, ACTOR_FAIL_STOP);
    subject_notes(1, 3);
    family_settle();
    trace_is(&subject_words, "crash stop");
    ck_assert_uint_eq(family_dead_letters, 4);
}
END_TEST

/* ---- Between a failure and the restart ---- */

START_TEST(SUP_136_nothing_is_handled_between_the_failure_and_the_restart)
{
    subject_with_backoff();
    subject_to_x(SUBJECT_FAIL, ACTOR_FAIL_RESTART);
    subject_notes(1, 3);
    family_settle();
    subject_notes(4, 4);
    family_run(99);
    trace_is(&subject_words, "crash");
    family_run(1);
    trace_is(&subject_words, "start 1 2 3 4");
}
END_TEST

START_TEST(SUP_137_after_a_restart_one_resume_is_enough)
{
    subject_plainly();
    ck_assert_int_eq(actor_pause(family_ref("x")), ACTOR_OK);
    ck_assert_int_eq(actor_pause(family_ref("x")), ACTOR_OK);
    subject_notes(1, 2);
    family_answers(subject_root, supervisor_request_restart("x"), SUPERVISOR_OK);
    trace_is(&subject_words, "stop start");
    ck_assert_int_eq(actor_resume(family_ref("x")), ACTOR_OK);
    family_settle();
    trace_is(&subject_words, "1 2");
}
END_TEST

START_TEST(SUP_138_hooks_run_in_order_and_only_those_that_are_due)
{
    subject_plainly();
    subject_to_x(SUBJECT_FAIL, ACTOR_FAIL_RESTART);
    family_settle();
    trace_is(&subject_words, "crash start");
    family_answers(subject_root, supervisor_request_stop("x"), SUPERVISOR_OK);
    trace_is(&subject_words, "stop");
    family_answers(subject_root, supervisor_request_stop("w"), SUPERVISOR_OK);
    trace_is(&subject_words, "stop"); /* never restarted */
}
END_TEST

START_TEST(SUP_138_a_failure_while_stopping_does_not_stop_the_stop)
{
    subject_plainly();
    subject.fails_at_stop = true;
    family_answers(subject_root, supervisor_request_stop("x"), SUPERVISOR_OK);
    family_answers(subject_root, supervisor_request_which("x"), SUPERVISOR_OK);
    ck_assert_str_eq(family_last.list, "x:stopped");
}
END_TEST

START_TEST(SUP_140_another_behaviour_and_timers_end_with_the_incarnation)
{
    subject_plainly();
    subject_to_x(SUBJECT_TIMER, 500);
    subject_to_x(SUBJECT_BECOME, 0);
    subject_notes(1, 1);
    subject_to_x(SUBJECT_FAIL, ACTOR_FAIL_RESTART);
    subject_notes(2, 2);
    family_run(1000);
    trace_is(&subject_words, "other other crash start 2");
}
END_TEST

/* ---- The stash ---- */

START_TEST(SUP_148_a_restart_puts_the_stash_back_in_front_in_order)
{
    subject_with_backoff();
    subject_to_x(SUBJECT_KEEP, 1);
    subject_to_x(SUBJECT_KEEP, 2);
    subject_to_x(SUBJECT_KEEP, 3);
    subject_to_x(SUBJECT_FAIL, ACTOR_FAIL_RESTART);
    subject_notes(9, 9);
    family_settle();
    trace_is(&subject_words, "kept1 kept2 kept3 crash");
    subject.opened = true;
    family_run(100);
    trace_is(&subject_words, "start 1 2 3 9");
}
END_TEST

START_TEST(SUP_149_a_full_stash_says_so)
{
    subject_tree(family_flags(SUPERVISOR_ONE_FOR_ONE, 10, 60000), 2);
    subject_to_x(SUBJECT_KEEP, 1);
    subject_to_x(SUBJECT_KEEP, 2);
    subject_to_x(SUBJECT_KEEP, 3);
    subject_to_x(SUBJECT_OPEN, 0);
    family_settle();
    trace_is(&subject_words, "kept1 kept2 full3 1 2");
}
END_TEST

START_TEST(SUP_150_stashing_again_while_it_is_replayed_ends)
{
    subject_plainly();
    subject_to_x(SUBJECT_KEEP, 1);
    subject_to_x(SUBJECT_KEEP, 2);
    subject_to_x(SUBJECT_REPLAY, 0);
    family_settle(); /* would not come back */
    trace_is(&subject_words, "kept1 kept2 kept1 kept2");
    subject_to_x(SUBJECT_OPEN, 0);
    family_settle();
    trace_is(&subject_words, "1 2");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        SUP_08_a_start_that_returns_rubbish_has_failed,
        SUP_143_nothing_half_built_goes_on_by_a_resume,
        SUP_129_resume_keeps_the_state_and_loses_the_message,
        SUP_130_restart_resets_the_state_and_goes_on_with_the_next_message,
        SUP_131_stop_makes_dead_letters_and_tells_the_watchers,
        SUP_136_nothing_is_handled_between_the_failure_and_the_restart,
        SUP_137_after_a_restart_one_resume_is_enough,
        SUP_138_hooks_run_in_order_and_only_those_that_are_due,
        SUP_138_a_failure_while_stopping_does_not_stop_the_stop,
        SUP_140_another_behaviour_and_timers_end_with_the_incarnation,
        SUP_148_a_restart_puts_the_stash_back_in_front_in_order,
        SUP_149_a_full_stash_says_so,
        SUP_150_stashing_again_while_it_is_replayed_ends,
        NULL};
    return suite_run("scenarios_actor", tests, subject_setup, family_teardown);
}
