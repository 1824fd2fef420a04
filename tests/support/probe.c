#include "tests/support/probe.h"

#include <stdlib.h>
#include <string.h>

#define PROBES_MAX 64

/* Whom notices are about. */
static struct {
    probe *list[PROBES_MAX];
    size_t count;
} probes;

static const char *name_of(actor_ref ref)
{
    for (size_t i = 0; i < probes.count; i++)
        if (actor_ref_eq(probes.list[i]->ref, ref))
            return probes.list[i]->name;
    return "nobody";
}

const char *probe_why(actor_exit why)
{
    static const char *const names[] = {
        [ACTOR_EXIT_NORMAL] = "normal", [ACTOR_EXIT_REQUESTED] = "requested",
        [ACTOR_EXIT_CRASH] = "crash",   [ACTOR_EXIT_KILLED] = "killed",
        [ACTOR_EXIT_STOP] = "stop",     [ACTOR_EXIT_ESCALATE] = "escalate",
    };
    return names[why];
}

static void note_notice(actor *self, probe *p, actor_msg *msg)
{
    actor_notice n;
    ck_assert_uint_eq(actor_msg_size(msg), sizeof n);
    memcpy(&n, actor_msg_data(msg), sizeof n);
    const char *name = name_of(n.child);
    const char *open = n.reason[0] ? "(" : "";
    const char *close = n.reason[0] ? ")" : "";
    switch (n.kind) {
    case ACTOR_NOTICE_STARTED:
        trace_add(&p->log, "%s:started%u", name, n.incarnation);
        break;
    case ACTOR_NOTICE_DECLINED:
        trace_add(&p->log, "%s:declined%u", name, n.incarnation);
        break;
    case ACTOR_NOTICE_START_FAILED:
        trace_add(&p->log, "%s:failed%u=%s%s%s%s", name, n.incarnation, probe_why(n.exit), open,
                  n.reason, close);
        break;
    case ACTOR_NOTICE_EXITED:
        trace_add(&p->log, "%s:exited%u=%s%s%s%s", name, n.incarnation, probe_why(n.exit), open,
                  n.reason, close);
        if (p->restarts && n.exit == ACTOR_EXIT_CRASH)
            ck_assert_int_eq(actor_start(n.child), ACTOR_OK);
        break;
    case ACTOR_NOTICE_ENDED:
        trace_add(&p->log, "%s:ended", name);
        break;
    }
    ck_assert_ptr_nonnull(self);
}

static actor_verdict handle_value(actor *self, probe *p, actor_msg *msg)
{
    uint64_t value;
    ck_assert_uint_eq(actor_msg_size(msg), sizeof value);
    memcpy(&value, actor_msg_data(msg), sizeof value);
    trace_add(&p->log, "%llu", (unsigned long long)value);
    return p->on_value ? p->on_value(self, p, value) : ACTOR_CONTINUE;
}

static actor_verdict probe_handle(actor *self, void *state, actor_msg *msg)
{
    probe *p = *(probe **)state;
    actor_down down;
    actor_room room;
    probe_action action;
    p->msg = msg;
    switch (actor_msg_type(msg)) {
    case PROBE_VALUE:
        return handle_value(self, p, msg);
    case PROBE_DO:
        memcpy(&action, actor_msg_data(msg), sizeof action);
        return action.act(self, p, action.arg);
    case ACTOR_MSG_TIMER:
        trace_add(&p->log, "@%llu", (unsigned long long)actor_msg_tag(msg));
        return ACTOR_CONTINUE;
    case ACTOR_MSG_DOWN:
        memcpy(&down, actor_msg_data(msg), sizeof down);
        trace_add(&p->log, "%s>%s", name_of(down.ref),
                  down.restarted ? "again" : probe_why(down.exit));
        return ACTOR_CONTINUE;
    case ACTOR_MSG_NOTICE:
        note_notice(self, p, msg);
        return ACTOR_CONTINUE;
    case ACTOR_MSG_ROOM:
        ck_assert_uint_eq(actor_msg_size(msg), sizeof room);
        memcpy(&room, actor_msg_data(msg), sizeof room);
        trace_add(&p->log, "%s!%s", name_of(room.ref), room.ended ? "ended" : "room");
        return p->on_room ? p->on_room(self, p, room.ref) : ACTOR_CONTINUE;
    default:
        ck_abort_msg("%s got a message of type %u", p->name, actor_msg_type(msg));
    }
    return ACTOR_CONTINUE;
}

static actor_verdict probe_start(actor *self, void *state, void *arg)
{
    probe *p = arg;
    ck_assert_ptr_null(*(probe **)state); /* zeroed */
    *(probe **)state = p;
    trace_add(&p->log, "+%u", actor_self_incarnation(self));
    return p->in_start ? p->in_start(self, p) : p->on_start;
}

static actor_verdict probe_stop(actor *self, void *state, actor_how how)
{
    static const char *const hows[] = {
        [ACTOR_HOW_STOP] = "-stop",
        [ACTOR_HOW_KILL] = "-kill",
        [ACTOR_HOW_CRASH] = "-crash",
    };
    probe *p = *(probe **)state;
    trace_add(&p->log, "%s", hows[how]);
    return p->in_stop ? p->in_stop(self, p, how) : p->on_stop;
}

static void probe_free(void *arg)
{
    probe *p = arg;
    p->freed++;
    trace_add(&p->log, "~");
}

static const actor_behaviour probe_behaviour = {
    .name = "probe",
    .state_size = sizeof(probe *),
    .start = probe_start,
    .handle = probe_handle,
    .stop = probe_stop,
};

static void note_dead_letter(void *user, actor_ref to, actor_msg **msg, actor_err why)
{
    trace *dead = user;
    static const struct {
        actor_err why;
        const char *word;
    } words[] = {
        {ACTOR_ENOTFOUND, "gone"},    {ACTOR_EFULL, "full"},     {ACTOR_EENDED, "ended"},
        {ACTOR_ECANCELLED, "purged"}, {ACTOR_EFAILED, "failed"},
    };
    const char *word = "unknown";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].why == why)
            word = words[i].word;
    ck_assert(!actor_ref_none(to));
    if (actor_msg_type(*msg) == PROBE_VALUE) {
        uint64_t value;
        memcpy(&value, actor_msg_data(*msg), sizeof value);
        trace_add(dead, "%llu=%s", (unsigned long long)value, word);
    } else {
        trace_add(dead, "%s=%s", actor_msg_type(*msg) == PROBE_DO ? "do" : "other", word);
    }
}

actor_system *probe_system(uint64_t seed, trace *dead)
{
    probes.count = 0;
    dead->text[0] = '\0';
    actor_system_options options = {
        .simulate = true,
        .seed = seed,
        .dead_letter = note_dead_letter,
        .user = dead,
    };
    actor_system *sys = NULL;
    ck_assert_int_eq(actor_system_new(&options, &sys), ACTOR_OK);
    return sys;
}

void probe_settle(actor_system *sys)
{
    actor_sim_run(sys, actor_now(sys));
}

actor_spec probe_spec(probe *p, const probe *supervisor)
{
    return (actor_spec){
        .behaviour = &probe_behaviour,
        .arg = p,
        .free_arg = probe_free,
        .supervisor = supervisor ? supervisor->ref : ACTOR_NONE,
    };
}

void probe_create(actor_system *sys, probe *p, const actor_spec *spec)
{
    ck_assert_int_eq(actor_spawn(sys, spec, &p->ref), ACTOR_OK);
    ck_assert_uint_lt(probes.count, PROBES_MAX);
    probes.list[probes.count++] = p;
}

void probe_spawn(actor_system *sys, probe *p, const probe *supervisor)
{
    actor_spec spec = probe_spec(p, supervisor);
    probe_create(sys, p, &spec);
    if (supervisor)
        ck_assert_int_eq(actor_start(p->ref), ACTOR_OK);
    probe_settle(sys);
}

actor_msg *probe_value(uint64_t value)
{
    actor_msg *msg = actor_msg_new(PROBE_VALUE, sizeof value);
    ck_assert_ptr_nonnull(msg);
    memcpy(actor_msg_data(msg), &value, sizeof value);
    return msg;
}

actor_msg *probe_do(probe_act act, void *arg)
{
    probe_action action = {act, arg};
    actor_msg *msg = actor_msg_new(PROBE_DO, sizeof action);
    ck_assert_ptr_nonnull(msg);
    memcpy(actor_msg_data(msg), &action, sizeof action);
    return msg;
}

static void send_to(const probe *to, actor_msg *msg, actor_priority priority)
{
    actor_msg_set_priority(msg, priority);
    ck_assert_int_eq(actor_send(to->ref, &msg), ACTOR_OK);
    ck_assert_ptr_null(msg);
}

void probe_send(const probe *to, uint64_t value)
{
    send_to(to, probe_value(value), ACTOR_NORMAL);
}

void probe_send_as(const probe *to, uint64_t value, actor_priority priority)
{
    send_to(to, probe_value(value), priority);
}

void probe_run(const probe *to, probe_act act, void *arg)
{
    send_to(to, probe_do(act, arg), ACTOR_NORMAL);
}

void probe_run_system(const probe *to, probe_act act, void *arg)
{
    send_to(to, probe_do(act, arg), ACTOR_SYSTEM);
}

void probe_now(actor_system *sys, const probe *p, probe_act act, void *arg)
{
    probe_run_system(p, act, arg);
    probe_settle(sys);
}

static actor_verdict note_outcome(actor *self, void *state, actor_err how, actor_msg *reply,
                                  void *arg)
{
    probe *p = arg;
    ck_assert_ptr_eq(*(probe **)state, p);
    ck_assert_ptr_nonnull(self);
    ck_assert((how == ACTOR_OK) == (reply != NULL));
    switch (how) {
    case ACTOR_OK: {
        uint64_t value;
        ck_assert_uint_eq(actor_msg_size(reply), sizeof value);
        memcpy(&value, actor_msg_data(reply), sizeof value);
        trace_add(&p->log, "?ok=%llu", (unsigned long long)value);
        break;
    }
    case ACTOR_ETIMEOUT:
        trace_add(&p->log, "?timeout");
        break;
    case ACTOR_EENDED:
        trace_add(&p->log, "?ended");
        break;
    default:
        trace_add(&p->log, "?error%d", (int)how);
        break;
    }
    return ACTOR_CONTINUE;
}

void probe_ask(actor *self, probe *p, const probe *to, actor_msg *msg, actor_ms timeout)
{
    p->ask = 0;
    ck_assert_int_eq(actor_ask(self, to->ref, &msg, timeout, note_outcome, p, &p->ask), ACTOR_OK);
    ck_assert_ptr_null(msg);
    ck_assert_uint_ne(p->ask, 0);
}
