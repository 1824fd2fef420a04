#include "tests/support/subject.h"

typedef struct life {
    int orders; /* handled */
} life;

struct subject_script subject;
trace subject_words;
actor_ref subject_root;

static actor_verdict begin(actor *self, void *state, void *arg)
{
    (void)self;
    (void)arg;
    ck_assert_int_eq(((life *)state)->orders, 0);
    trace_add(&subject_words, "start");
    return subject.next_start;
}

static void keep(actor *self, int n)
{
    if (subject.opened) {
        trace_add(&subject_words, "%d", n);
        return;
    }
    actor_err err = actor_stash(self);
    trace_add(&subject_words, err == ACTOR_OK ? "kept%d" : "full%d", n);
    if (err == ACTOR_OK)
        ck_assert_int_eq(actor_stash(self), ACTOR_EINVAL); /* once only */
}

static actor_verdict other(actor *self, void *state, actor_msg *msg)
{
    const subject_order *o = actor_msg_data(msg);
    (void)self;
    (void)state;
    trace_add(&subject_words, "other");
    return o->what == SUBJECT_FAIL ? (actor_verdict)o->n : ACTOR_CONTINUE;
}

actor_verdict subject_obey(actor *self, const subject_order *o)
{
    actor_timer *timer;

    switch (o->what) {
    case SUBJECT_NOTE:
        trace_add(&subject_words, "%d", o->n);
        break;
    case SUBJECT_FAIL:
        return actor_fail(self, (actor_verdict)o->n, "told to");
    case SUBJECT_KEEP:
        keep(self, o->n);
        break;
    case SUBJECT_OPEN:
        subject.opened = true;
        actor_unstash(self);
        break;
    case SUBJECT_COUNT:
        break;
    case SUBJECT_REPLAY:
        actor_unstash(self);
        break;
    case SUBJECT_BECOME:
        actor_become(self, other);
        break;
    case SUBJECT_TIMER:
        ck_assert_int_eq(actor_after(self, o->n, ACTOR_MSG_TIMER, 1, &timer), ACTOR_OK);
        break;
    case SUBJECT_WATCH:
    case SUBJECT_RESTARTS:
        ck_assert_int_eq(actor_watch(self, o->target, o->what == SUBJECT_RESTARTS), ACTOR_OK);
        break;
    case SUBJECT_UNWATCH:
        actor_unwatch(self, o->target);
        break;
    case SUBJECT_STOP_AND_GO_ON:
        ck_assert_int_eq(actor_stop(actor_self(self)), ACTOR_OK);
        trace_add(&subject_words, "%d", o->n);
        break;
    case SUBJECT_STOP_AND_KILL:
        ck_assert_int_eq(actor_stop(actor_self(self)), ACTOR_OK);
        ck_assert_int_eq(actor_kill(actor_self(self)), ACTOR_OK);
        break;
    case SUBJECT_WATCH_AND_STOP:
        ck_assert_int_eq(actor_watch(self, o->target, false), ACTOR_OK);
        ck_assert_int_eq(actor_stop(actor_self(self)), ACTOR_OK);
        break;
    }
    return ACTOR_CONTINUE;
}

static actor_verdict handle(actor *self, void *state, actor_msg *msg)
{
    const actor_down *down = actor_msg_data(msg);
    const subject_order *o = actor_msg_data(msg);
    life *l = state;

    switch (actor_msg_type(msg)) {
    case ACTOR_MSG_TIMER:
        trace_add(&subject_words, "timer");
        return ACTOR_CONTINUE;
    case ACTOR_MSG_DOWN:
        trace_add(&subject_words, "%s", down->restarted ? "again" : actor_exit_name(down->exit));
        return ACTOR_CONTINUE;
    default:
        l->orders++;
        if (o->what == SUBJECT_COUNT)
            trace_add(&subject_words, "=%d", l->orders);
        return subject_obey(self, o);
    }
}

static actor_verdict answered(actor *self, void *state, actor_err how, actor_msg *reply, void *arg)
{
    (void)state;
    (void)reply;
    (void)arg;
    trace_add(&subject_words, how == ACTOR_OK ? "answered" : "no_answer");
    actor_stopped(self);
    return ACTOR_CONTINUE;
}

static actor_verdict stop(actor *self, void *state, actor_how how)
{
    static const char *const names[] = {"stop", "kill", "crash"};
    (void)state;

    trace_add(&subject_words, "%s", names[how]);
    if (subject.fails_at_stop)
        return actor_fail(self, ACTOR_FAIL_RESTART, "while stopping");
    if (subject.asks_at_stop && how == ACTOR_HOW_STOP) {
        actor_msg *msg = supervisor_request_restart("x");
        actor_ask_id id;
        ck_assert_int_eq(actor_ask(self, subject_root, &msg, -1, answered, NULL, &id), ACTOR_OK);
        return ACTOR_PENDING;
    }
    return subject.hangs && how == ACTOR_HOW_STOP ? ACTOR_PENDING : ACTOR_CONTINUE;
}

const actor_behaviour subject_behaviour = {
    .name = "subject", .state_size = sizeof(life), .start = begin, .handle = handle, .stop = stop};

/* ---- The tree: x, the subject, then w, who watches ---- */

void subject_setup(void)
{
    family_setup(1);
    subject_words.text[0] = '\0';
    subject = (struct subject_script){.next_start = ACTOR_CONTINUE};
}

void subject_tree(supervisor_flags flags, uint32_t stash_capacity)
{
    supervisor_spec *spec = family_spec("root", flags, "");
    supervisor_child x = {.id = "x",
                          .behaviour = &subject_behaviour,
                          .shutdown = 1000,
                          .stash_capacity = stash_capacity};
    supervisor_child w = {.id = "w", .behaviour = &subject_behaviour, .shutdown = 1000};
    ck_assert_int_eq(supervisor_spec_add(spec, &x, NULL, 0), SUPERVISOR_OK);
    ck_assert_int_eq(supervisor_spec_add(spec, &w, NULL, 0), SUPERVISOR_OK);
    subject_root = family_spawn(spec);
    trace_is(&subject_words, "start start");
}

void subject_plainly(void)
{
    subject_tree(family_flags(SUPERVISOR_ONE_FOR_ONE, 10, 60000), 0);
}

void subject_with_backoff(void)
{
    supervisor_flags f = family_flags(SUPERVISOR_ONE_FOR_ONE, 10, 60000);
    f.backoff = (backoff_restart){.policy = {BACKOFF_FIXED, BACKOFF_JITTER_NONE, 100, 100, 1},
                                  .reset_after = 1000};
    subject_tree(f, 0);
}

actor_msg *subject_message(subject_what what, int n, actor_ref target)
{
    actor_msg *msg = actor_msg_new(SUBJECT_ORDER, sizeof(subject_order));
    ck_assert_ptr_nonnull(msg);
    *(subject_order *)actor_msg_data(msg) = (subject_order){what, n, target};
    return msg;
}

void subject_queue(actor_ref to, subject_what what, int n)
{
    actor_msg *msg = subject_message(what, n, family_ref("x"));
    ck_assert_int_eq(actor_send(to, &msg), ACTOR_OK);
}

void subject_to_x(subject_what what, int n)
{
    subject_queue(family_ref("x"), what, n);
}

void subject_to_w(subject_what what, actor_ref target)
{
    actor_msg *msg = subject_message(what, 0, target);
    ck_assert_int_eq(actor_send(family_ref("w"), &msg), ACTOR_OK);
    family_settle();
}

void subject_notes(int from, int to)
{
    for (int n = from; n <= to; n++)
        subject_to_x(SUBJECT_NOTE, n);
}
