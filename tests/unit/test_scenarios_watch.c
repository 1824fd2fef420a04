/* Scenarios of the supervision catalogue about who is told of an end, and what overtakes what. In
 * virtual time. */
#include "tests/support/subject.h"
#include "tests/support/suite.h"

#include <string.h>

/* ---- Watchers ---- */

START_TEST(SUP_122_a_kill_is_not_put_off_and_is_seen_as_killed)
{
    subject_plainly();
    subject.hangs = true;
    subject_to_w(SUBJECT_WATCH, family_ref("x"));
    ck_assert_int_eq(actor_stop(family_ref("x")), ACTOR_OK);
    family_settle();
    trace_is(&subject_words, "stop");
    ck_assert_int_eq(actor_kill(family_ref("x")), ACTOR_OK);
    family_settle();
    ck_assert_int_eq(strncmp(subject_words.text, "kill ", 5), 0);
    ck_assert_ptr_nonnull(strstr(subject_words.text, " killed"));
}
END_TEST

START_TEST(SUP_123_one_notice_a_watch_also_of_one_that_has_ended)
{
    subject_plainly();
    actor_ref gone = family_ref("x");
    subject_to_w(SUBJECT_WATCH, gone);
    subject_to_w(SUBJECT_WATCH, gone); /* watching twice is watching once */
    family_answers(subject_root, supervisor_request_stop("x"), SUPERVISOR_OK);
    trace_is(&subject_words, "stop requested");
    subject_to_w(SUBJECT_WATCH, gone);
    ck_assert_ptr_null(strchr(subject_words.text, ' '));
    ck_assert_str_ne(subject_words.text, ""); /* at once */
}
END_TEST

START_TEST(SUP_123_unwatch_takes_back_a_notice_that_is_queued)
{
    subject_plainly();
    actor_ref gone = family_ref("x");
    subject_to_w(SUBJECT_WATCH, gone);
    subject_to_w(SUBJECT_UNWATCH, gone);
    family_answers(subject_root, supervisor_request_stop("x"), SUPERVISOR_OK);
    trace_is(&subject_words, "stop");
}
END_TEST

START_TEST(SUP_124_a_restart_is_told_only_to_who_asks_for_it)
{
    subject_plainly();
    subject_to_w(SUBJECT_WATCH, family_ref("x"));
    subject_to_x(SUBJECT_FAIL, ACTOR_FAIL_RESTART);
    family_settle();
    trace_is(&subject_words, "crash start");
    subject_to_w(SUBJECT_RESTARTS, family_ref("x"));
    subject_to_x(SUBJECT_FAIL, ACTOR_FAIL_RESTART);
    family_settle();
    trace_is(&subject_words, "crash start again");
    family_answers(subject_root, supervisor_request_stop("x"), SUPERVISOR_OK);
    trace_is(&subject_words, "stop requested");
}
END_TEST

START_TEST(SUP_125_all_who_still_watch_are_told)
{
    static const char *const ids[] = {"w1", "w2", "w3"};
    subject_plainly();
    for (size_t i = 0; i < 3; i++) {
        supervisor_child w = {.id = ids[i], .behaviour = &subject_behaviour, .shutdown = 1000};
        family_answers(subject_root, supervisor_request_start(&w, false, SUPERVISOR_LAST),
                       SUPERVISOR_OK);
        subject_queue(family_ref(ids[i]), SUBJECT_WATCH, 0);
    }
    family_settle();
    subject_queue(family_ref("w2"), SUBJECT_UNWATCH, 0);
    family_settle();
    subject_words.text[0] = '\0';
    family_answers(subject_root, supervisor_request_stop("x"), SUPERVISOR_OK);
    trace_is(&subject_words, "stop requested requested");
}
END_TEST

static actor_verdict deaf(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    if (actor_msg_type(msg) == SUBJECT_ORDER)
        return subject_obey(self, actor_msg_data(msg));
    actor_unhandled(self);
    return ACTOR_CONTINUE;
}

START_TEST(SUP_126_a_notice_that_nobody_handles_harms_nobody)
{
    static const actor_behaviour deaf_one = {.name = "deaf", .handle = deaf};
    subject_plainly();
    supervisor_child d = {.id = "d", .behaviour = &deaf_one, .shutdown = 1000};
    family_answers(subject_root, supervisor_request_start(&d, false, SUPERVISOR_LAST),
                   SUPERVISOR_OK);
    subject_queue(family_ref("d"), SUBJECT_WATCH, 0);
    family_settle();
    family_answers(subject_root, supervisor_request_stop("x"), SUPERVISOR_OK);
    subject_queue(family_ref("d"), SUBJECT_NOTE, 7);
    family_settle();
    trace_is(&subject_words, "stop 7");
    ck_assert_uint_eq(kid_of("d")->seen.incarnation, 1);
    actor_system_stats stats;
    actor_system_stats_get(family, &stats);
    ck_assert_uint_eq(stats.unhandled, 1);
}
END_TEST

/* ---- What overtakes what ---- */

START_TEST(SUP_152_a_pill_lets_what_is_queued_be_handled_first)
{
    subject_plainly();
    actor_ref x = family_ref("x");
    subject_notes(1, 3);
    ck_assert_int_eq(actor_drain(x), ACTOR_OK);
    actor_msg *late = subject_message(SUBJECT_NOTE, 4, ACTOR_NONE);
    if (actor_send(x, &late) != ACTOR_OK)
        actor_msg_free(late);
    else
        late = NULL;
    family_settle();
    ck_assert_int_eq(strncmp(subject_words.text, "1 2 3 stop", 10), 0);
    ck_assert_ptr_null(strchr(subject_words.text, '4'));
    ck_assert_uint_eq(family_dead_letters, late ? 0 : 1);
}
END_TEST

START_TEST(SUP_154_a_stop_finishes_what_is_in_hand_and_nothing_else)
{
    subject_plainly();
    subject_to_x(SUBJECT_STOP_AND_GO_ON, 1);
    subject_notes(2, 5);
    family_settle();
    ck_assert_int_eq(strncmp(subject_words.text, "1 stop", 6), 0);
    ck_assert_ptr_null(strpbrk(subject_words.text, "2345"));
    ck_assert_uint_eq(family_dead_letters, 4);
}
END_TEST

START_TEST(SUP_155_kill_before_stop_before_supervision_before_users)
{
    subject_plainly();
    actor_ref gone = family_ref("x");
    family_answers(subject_root, supervisor_request_stop("x"), SUPERVISOR_OK);
    trace_is(&subject_words, "stop");
    /* A notice overtakes critical messages that were there before it. */
    actor_ref w = family_ref("w");
    actor_msg *msg = subject_message(SUBJECT_WATCH, 0, gone),
              *critical = subject_message(SUBJECT_NOTE, 1, ACTOR_NONE);
    actor_msg_set_priority(msg, ACTOR_CRITICAL);
    actor_msg_set_priority(critical, ACTOR_CRITICAL);
    ck_assert_int_eq(actor_send(w, &msg), ACTOR_OK);
    ck_assert_int_eq(actor_send(w, &critical), ACTOR_OK);
    family_settle();
    const char *note = strrchr(subject_words.text, ' ');
    ck_assert_ptr_nonnull(note);
    ck_assert_str_eq(note, " 1"); /* behind the notice */
    subject_words.text[0] = '\0';
    /* A stop overtakes a notice. */
    msg = subject_message(SUBJECT_WATCH_AND_STOP, 0, gone);
    ck_assert_int_eq(actor_send(w, &msg), ACTOR_OK);
    family_settle();
    trace_is(&subject_words, "stop start"); /* permanent: back as a new actor */
    /* A kill overtakes a stop. */
    msg = subject_message(SUBJECT_STOP_AND_KILL, 0, ACTOR_NONE);
    ck_assert_int_eq(actor_send(family_ref("w"), &msg), ACTOR_OK);
    family_settle();
    trace_is(&subject_words, "kill start");
}
END_TEST

START_TEST(SUP_156_an_ask_to_one_that_stops_ends_at_once)
{
    family_call call;
    subject_plainly();
    actor_ref x = family_ref("x");
    ck_assert_int_eq(actor_pause(x), ACTOR_OK);
    family_ask(&call, x, subject_message(SUBJECT_NOTE, 1, ACTOR_NONE));
    ck_assert(!call.done);
    family_answers(subject_root, supervisor_request_stop("x"), SUPERVISOR_OK);
    ck_assert(call.done);
    ck_assert_int_eq(call.how, ACTOR_EENDED);
    family_ask(&call, x, subject_message(SUBJECT_NOTE, 2, ACTOR_NONE));
    ck_assert(call.done);
    ck_assert_int_eq(call.how, ACTOR_ENOTFOUND);
}
END_TEST

START_TEST(SUP_156_a_child_may_ask_its_supervisor_while_both_stop)
{
    subject_plainly();
    subject.asks_at_stop = true;
    actor_ms begun = family_now();
    ck_assert_int_eq(actor_stop(subject_root), ACTOR_OK);
    family_settle();
    trace_is(&subject_words, "stop no_answer stop no_answer");
    ck_assert_ptr_nonnull(strstr(family_events.text, "down root"));
    ck_assert_int_eq(family_now(), begun);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {SUP_122_a_kill_is_not_put_off_and_is_seen_as_killed,
                                  SUP_123_one_notice_a_watch_also_of_one_that_has_ended,
                                  SUP_123_unwatch_takes_back_a_notice_that_is_queued,
                                  SUP_124_a_restart_is_told_only_to_who_asks_for_it,
                                  SUP_125_all_who_still_watch_are_told,
                                  SUP_126_a_notice_that_nobody_handles_harms_nobody,
                                  SUP_152_a_pill_lets_what_is_queued_be_handled_first,
                                  SUP_154_a_stop_finishes_what_is_in_hand_and_nothing_else,
                                  SUP_155_kill_before_stop_before_supervision_before_users,
                                  SUP_156_an_ask_to_one_that_stops_ends_at_once,
                                  SUP_156_a_child_may_ask_its_supervisor_while_both_stop,
                                  NULL};
    return suite_run("scenarios_watch", tests, subject_setup, family_teardown);
}
