/* Messages by themselves: sizes, borrowed payloads, what freeing one means. */
#include "tests/support/probe.h"
#include "tests/support/suite.h"

#include <stdalign.h>
#include <string.h>

static actor_system *sys;
static trace dead;

static void setup(void)
{
    sys = probe_system(1, &dead);
}

static void teardown(void)
{
    actor_system_free(sys, 0);
}

static void count(void *counter)
{
    ++*(unsigned *)counter;
}

/* Each assertion of Check costs a write, so not one a byte. */
static bool filled_with(actor_msg *msg, unsigned char byte)
{
    const unsigned char *data = actor_msg_data(msg);
    for (size_t i = 0; i < actor_msg_size(msg); i++)
        if (data[i] != byte)
            return false;
    return true;
}

START_TEST(message_has_the_type_size_and_bytes_it_was_given)
{
    static const size_t sizes[] = {0, 1, 7, 8, 63, 64, 65, 1000, 4096, 65535, 65536, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        actor_msg *msg = actor_msg_new((uint16_t)(i + 1), sizes[i]);
        ck_assert_ptr_nonnull(msg);
        ck_assert_uint_eq(actor_msg_type(msg), i + 1);
        ck_assert_uint_eq(actor_msg_size(msg), sizes[i]);
        memset(actor_msg_data(msg), 0xa5, sizes[i]);
        ck_assert(filled_with(msg, 0xa5));
        actor_msg_free(msg);
    }
}
END_TEST

START_TEST(payload_is_aligned_for_any_type)
{
    for (size_t size = 1; size < 300; size++) {
        actor_msg *msg = actor_msg_new(1, size);
        ck_assert_uint_eq((uintptr_t)actor_msg_data(msg) % alignof(max_align_t), 0);
        actor_msg_free(msg);
    }
}
END_TEST

START_TEST(messages_do_not_overlap)
{
    enum { N = 200 };
    static actor_msg *msgs[N];
    for (size_t i = 0; i < N; i++) {
        msgs[i] = actor_msg_new(1, i * 3);
        memset(actor_msg_data(msgs[i]), (int)i, i * 3);
    }
    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_eq(actor_msg_size(msgs[i]), i * 3);
        ck_assert(filled_with(msgs[i], (unsigned char)i));
    }
    for (size_t i = 0; i < N; i++)
        actor_msg_free(msgs[i]);
}
END_TEST

START_TEST(absurd_size_is_out_of_memory)
{
    ck_assert_ptr_null(actor_msg_new(1, SIZE_MAX));
    ck_assert_ptr_null(actor_msg_new(1, SIZE_MAX - 64));
}
END_TEST

START_TEST(message_nobody_sent_has_no_sender_no_tag_and_no_asker)
{
    actor_msg *msg = actor_msg_new(1, 0);
    ck_assert(actor_ref_none(actor_msg_sender(msg)));
    ck_assert_uint_eq(actor_msg_tag(msg), 0);
    ck_assert(!actor_msg_is_ask(msg));
    actor_msg_free(msg);
}
END_TEST

START_TEST(free_accepts_null)
{
    actor_msg_free(NULL);
}
END_TEST

START_TEST(borrowed_payload_stays_where_it_is)
{
    char bytes[] = "here";
    unsigned released = 0;
    actor_msg *msg = actor_msg_borrow(7, bytes, sizeof bytes, count, &released);
    ck_assert_ptr_nonnull(msg);
    ck_assert_uint_eq(actor_msg_type(msg), 7);
    ck_assert_uint_eq(actor_msg_size(msg), sizeof bytes);
    ck_assert_ptr_eq(actor_msg_data(msg), bytes);
    ck_assert_uint_eq(released, 0);
    actor_msg_free(msg);
    ck_assert_uint_eq(released, 1);
}
END_TEST

static actor_verdict swallow(actor *self, void *state, actor_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return ACTOR_CONTINUE;
}

static const actor_behaviour swallower = {.name = "swallower", .handle = swallow};

START_TEST(borrowed_payload_is_released_once_after_it_was_handled)
{
    actor_ref ref;
    ck_assert_int_eq(actor_spawn(sys, &(actor_spec){.behaviour = &swallower}, &ref), ACTOR_OK);
    char bytes[] = "bytes";
    unsigned released = 0;
    actor_msg *msg = actor_msg_borrow(1, bytes, sizeof bytes, count, &released);
    ck_assert_int_eq(actor_send(ref, &msg), ACTOR_OK);
    ck_assert_uint_eq(released, 0);
    probe_settle(sys);
    ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(borrowed_payload_of_a_refused_message_stays_the_senders)
{
    char bytes[] = "bytes";
    unsigned released = 0;
    actor_msg *msg = actor_msg_borrow(1, bytes, sizeof bytes, count, &released);
    ck_assert_int_eq(actor_send(ACTOR_NONE, &msg), ACTOR_ENOTFOUND);
    ck_assert_ptr_nonnull(msg);
    ck_assert_uint_eq(released, 0);
    actor_msg_free(msg);
    ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(borrowed_payload_left_in_a_mailbox_is_released_once)
{
    actor_ref ref;
    static probe boss = {.name = "boss"};
    probe_spawn(sys, &boss, NULL);
    actor_spec spec = {.behaviour = &swallower, .supervisor = boss.ref};
    ck_assert_int_eq(actor_spawn(sys, &spec, &ref), ACTOR_OK);
    char bytes[] = "bytes";
    unsigned released = 0;
    actor_msg *msg = actor_msg_borrow(PROBE_DO + 1, bytes, sizeof bytes, count, &released);
    ck_assert_int_eq(actor_send(ref, &msg), ACTOR_OK);
    probe_settle(sys);
    ck_assert_uint_eq(released, 0); /* never started: it waits */
    actor_system_free(sys, 0);
    sys = NULL;
    ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(taken_message_lives_until_its_owner_frees_it)
{
    static probe a = {.name = "a"};
    probe_spawn(sys, &a, NULL);
    probe_run(&a, probe_take, NULL);
    probe_settle(sys);
    ck_assert_ptr_nonnull(a.held);
    ck_assert_uint_eq(actor_msg_type(a.held), PROBE_DO);
    ck_assert_uint_eq(actor_msg_size(a.held), sizeof(probe_action));
    actor_msg_free(a.held);
}
END_TEST

static actor_verdict take_twice(actor *self, probe *p, void *unused)
{
    (void)unused;
    p->held = actor_take(self);
    ck_assert_ptr_nonnull(p->held);
    ck_assert_ptr_null(actor_take(self));
    return ACTOR_CONTINUE;
}

START_TEST(second_take_gives_nothing)
{
    static probe a = {.name = "a"};
    probe_spawn(sys, &a, NULL);
    probe_now(sys, &a, take_twice, NULL);
    actor_msg_free(a.held);
}
END_TEST

static const probe *successor;

static actor_verdict pass_on(actor *self, probe *p, uint64_t value)
{
    (void)value;
    actor_msg *msg = actor_take(self);
    ck_assert_ptr_eq(msg, p->msg);
    ck_assert_int_eq(actor_tell(self, successor->ref, &msg), ACTOR_OK);
    ck_assert_ptr_null(msg);
    return ACTOR_CONTINUE;
}

static actor_verdict fail_after_take(actor *self, probe *p, void *unused)
{
    (void)unused;
    p->held = actor_take(self);
    return ACTOR_FAIL_MESSAGE;
}

START_TEST(taken_message_that_fails_is_not_a_dead_letter)
{
    static probe a = {.name = "a"};
    probe_spawn(sys, &a, NULL);
    probe_now(sys, &a, fail_after_take, NULL);
    ck_assert_ptr_nonnull(a.held);
    trace_is(&dead, "");
    actor_msg_free(a.held);
}
END_TEST

static actor_ref last_sender;

static actor_verdict note_sender(actor *self, probe *p, uint64_t value)
{
    (void)self;
    (void)value;
    last_sender = actor_msg_sender(p->msg);
    return ACTOR_CONTINUE;
}

static actor_verdict tell(actor *self, probe *p, void *to)
{
    (void)p;
    actor_msg *msg = probe_value(2);
    ck_assert_int_eq(actor_tell(self, ((probe *)to)->ref, &msg), ACTOR_OK);
    ck_assert_ptr_null(msg);
    return ACTOR_CONTINUE;
}

START_TEST(tell_names_the_sender_and_send_does_not)
{
    static probe a = {.name = "a"}, b = {.name = "b", .on_value = note_sender};
    probe_spawn(sys, &a, NULL);
    probe_spawn(sys, &b, NULL);
    probe_now(sys, &a, tell, &b);
    trace_is(&b.log, "+1 2");
    ck_assert(actor_ref_eq(last_sender, a.ref));
    probe_send(&b, 3);
    probe_settle(sys);
    trace_is(&b.log, "3");
    ck_assert(actor_ref_none(last_sender));
}
END_TEST

START_TEST(forwarded_message_is_not_copied)
{
    static probe a = {.name = "a", .on_value = pass_on}, b = {.name = "b"};
    probe_spawn(sys, &a, NULL);
    probe_spawn(sys, &b, NULL);
    successor = &b;
    uint64_t value = 9;
    unsigned released = 0;
    actor_msg *msg = actor_msg_borrow(PROBE_VALUE, &value, sizeof value, count, &released);
    ck_assert_int_eq(actor_send(a.ref, &msg), ACTOR_OK);
    probe_settle(sys);
    trace_is(&b.log, "+1 9");
    ck_assert_uint_eq(released, 1);
}
END_TEST

static actor_verdict ask(actor *self, probe *p, void *to)
{
    probe_ask(self, p, to, probe_value(1), -1);
    return ACTOR_CONTINUE;
}

static actor_verdict keep(actor *self, probe *p, uint64_t value)
{
    (void)value;
    ck_assert(actor_msg_is_ask(p->msg));
    return probe_take(self, p, NULL);
}

START_TEST(free_of_an_unanswered_ask_ends_it_at_the_asker)
{
    static probe a = {.name = "a"}, b = {.name = "b", .on_value = keep};
    probe_spawn(sys, &a, NULL);
    probe_spawn(sys, &b, NULL);
    probe_now(sys, &a, ask, &b);
    trace_is(&a.log, "+1");
    actor_msg_free(b.held);
    probe_settle(sys);
    trace_is(&a.log, "?ended");
}
END_TEST

START_TEST(free_of_an_answered_ask_says_nothing_more)
{
    static probe a = {.name = "a"}, b = {.name = "b", .on_value = keep};
    probe_spawn(sys, &a, NULL);
    probe_spawn(sys, &b, NULL);
    probe_now(sys, &a, ask, &b);
    actor_msg *reply = probe_value(5);
    ck_assert_int_eq(actor_reply(b.held, &reply), ACTOR_OK);
    actor_msg_free(b.held);
    probe_settle(sys);
    trace_is(&a.log, "+1 ?ok=5");
}
END_TEST

START_TEST(every_error_and_exit_has_a_text_of_its_own)
{
    for (int i = ACTOR_OK; i <= ACTOR_ESYSTEM; i++) {
        const char *text = actor_strerror((actor_err)i);
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_gt(strlen(text), 0);
        for (int k = ACTOR_OK; k < i; k++)
            ck_assert_str_ne(text, actor_strerror((actor_err)k));
    }
    ck_assert_ptr_nonnull(actor_strerror((actor_err)9999));
    for (int i = ACTOR_EXIT_NORMAL; i <= ACTOR_EXIT_ESCALATE; i++)
        for (int k = ACTOR_EXIT_NORMAL; k < i; k++)
            ck_assert_str_ne(actor_exit_name((actor_exit)i), actor_exit_name((actor_exit)k));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        message_has_the_type_size_and_bytes_it_was_given,
        payload_is_aligned_for_any_type,
        messages_do_not_overlap,
        absurd_size_is_out_of_memory,
        message_nobody_sent_has_no_sender_no_tag_and_no_asker,
        free_accepts_null,
        borrowed_payload_stays_where_it_is,
        borrowed_payload_is_released_once_after_it_was_handled,
        borrowed_payload_of_a_refused_message_stays_the_senders,
        borrowed_payload_left_in_a_mailbox_is_released_once,
        taken_message_lives_until_its_owner_frees_it,
        second_take_gives_nothing,
        taken_message_that_fails_is_not_a_dead_letter,
        tell_names_the_sender_and_send_does_not,
        forwarded_message_is_not_copied,
        free_of_an_unanswered_ask_ends_it_at_the_asker,
        free_of_an_answered_ask_says_nothing_more,
        every_error_and_exit_has_a_text_of_its_own,
        NULL,
    };
    return suite_run("actor_msg", tests, setup, teardown);
}
