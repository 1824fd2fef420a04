#include "tests/support/family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIDS = 256, NAMES = 64 };

enum { DO = 1, GO = 2 }; /* message types: to a kid, to the client */
enum { START_OVER = 1, STOP_OVER };

actor_system *family;
trace family_log, family_events, family_states;
char family_reason[512];
unsigned family_dead_letters;
uint32_t family_used;
family_call family_last;

static kid kids[KIDS];
static size_t kid_count;
static char names[NAMES][16]; /* of supervisors: tags of their observers */
static size_t name_count;
static actor_ref client;

/* ---- Kids -------------------------------------------------------------------------------------
 */

typedef struct life {
    unsigned counted;
} life;

kid *kid_of(const char *name)
{
    for (size_t i = 0; i < kid_count; i++)
        if (strcmp(kids[i].name, name) == 0)
            return &kids[i];
    ck_assert_uint_lt(kid_count, KIDS);
    kid *k = &kids[kid_count++];
    memset(k, 0, sizeof *k);
    snprintf(k->name, sizeof k->name, "%s", name);
    k->shutdown = 5000;
    return k;
}

static kid *instance_of(const kid *k, uint32_t instance)
{
    char name[sizeof k->name + 12];
    if (k->instances == 0)
        return kid_of(k->name);
    int length = snprintf(name, sizeof name, "%s%u", k->name, (unsigned)instance);
    ck_assert(length > 0 && (size_t)length < sizeof k->name);
    return kid_of(name);
}

static void *instance_arg(void *arg, uint32_t instance)
{
    return instance_of(arg, instance);
}

static void note(const kid *k, char what)
{
    trace_add(&family_log, "%c%s", what, k->name);
}

static void up(actor *self, kid *k)
{
    note(k, '+');
    k->alive = true;
    k->starts++;
    k->private = 0;
    k->ref = actor_self(self);
    k->started_at = family_now();
}

static void down(kid *k, char what)
{
    note(k, what);
    k->alive = false;
    k->ended_at = family_now();
}

static actor_verdict kid_start(actor *self, void *state, void *arg)
{
    kid *k = arg;
    actor_timer *timer;

    ck_assert_uint_eq(((life *)state)->counted, 0); /* SUP_27: nothing of the last life */
    ck_assert_msg(!k->alive, "%s lives twice", k->name);
    k->ref = actor_self(self);
    if (k->failing_starts > 0) {
        k->failing_starts--;
        note(k, '!');
        return actor_fail(self, ACTOR_FAIL_RESTART, "%s will not", k->name);
    }
    if (k->declines) {
        k->declines = false;
        note(k, '?');
        return ACTOR_DECLINE;
    }
    if (k->start_time == 0) {
        up(self, k);
        return ACTOR_CONTINUE;
    }
    note(k, '(');
    if (k->start_time > 0)
        ck_assert_int_eq(actor_after(self, k->start_time, ACTOR_MSG_TIMER, START_OVER, &timer),
                         ACTOR_OK);
    return ACTOR_PENDING;
}

static actor_verdict obey(actor *self, life *l, kid *k, unsigned order)
{
    switch (order) {
    case KID_COUNT:
        l->counted++;
        k->private = l->counted;
        k->handled++;
        return ACTOR_CONTINUE;
    case KID_EXIT:
        return ACTOR_EXIT;
    case KID_CRASH:
        return actor_fail(self, ACTOR_FAIL_RESTART, "boom");
    case KID_FAIL_MESSAGE:
        return ACTOR_FAIL_MESSAGE;
    case KID_FAIL_STOP:
        return ACTOR_FAIL_STOP;
    case KID_ESCALATE:
        return actor_fail(self, ACTOR_FAIL_ESCALATE, "worse");
    default:
        break;
    }
    k->value = order - KID_VALUE;
    return ACTOR_CONTINUE;
}

static actor_verdict kid_handle(actor *self, void *state, actor_msg *msg)
{
    kid *k = actor_self_arg(self);

    if (actor_msg_type(msg) == ACTOR_MSG_TIMER) {
        if (actor_msg_tag(msg) == START_OVER) {
            up(self, k);
            actor_started(self);
        } else {
            down(k, '-');
            actor_stopped(self);
        }
        return ACTOR_CONTINUE;
    }
    return obey(self, state, k, *(unsigned *)actor_msg_data(msg));
}

static actor_verdict kid_stop(actor *self, void *state, actor_how how)
{
    kid *k = actor_self_arg(self);
    actor_timer *timer;
    (void)state;

    if (how != ACTOR_HOW_STOP || k->stop_time == 0) {
        down(k, how == ACTOR_HOW_KILL ? 'x' : how == ACTOR_HOW_CRASH ? '*' : '-');
        return ACTOR_CONTINUE;
    }
    note(k, '<');
    if (k->stop_time > 0)
        ck_assert_int_eq(actor_after(self, k->stop_time, ACTOR_MSG_TIMER, STOP_OVER, &timer),
                         ACTOR_OK);
    return ACTOR_PENDING;
}

static const actor_behaviour kid_behaviour = {.name = "kid",
                                              .state_size = sizeof(life),
                                              .start = kid_start,
                                              .handle = kid_handle,
                                              .stop = kid_stop};

void kid_do(const char *name, kid_order order)
{
    actor_msg *msg = actor_msg_new(DO, sizeof(unsigned));
    ck_assert_ptr_nonnull(msg);
    *(unsigned *)actor_msg_data(msg) = (unsigned)order;
    if (actor_send(kid_of(name)->ref, &msg) != ACTOR_OK)
        actor_msg_free(msg);
}

/* ---- What is observed -------------------------------------------------------------------------
 */

static void on_child(void *user, const supervisor_child_event *e)
{
    (void)user;
    kid *k = instance_of(kid_of(e->id), e->instance);
    if (strlen(family_states.text) < sizeof family_states.text / 2)
        trace_add(&family_states, "%s:%s", k->name, supervisor_child_state_name(e->state));
    k->seen = *e;
    if (e->ended)
        k->expected = e->expected;
    if (e->ended)
        snprintf(k->why, sizeof k->why, "%s", e->reason);
    if (e->state == SUPERVISOR_CHILD_STARTING)
        ck_assert(!actor_ref_none(e->ref));
}

static void on_supervisor(void *user, const supervisor_event *e)
{
    static const char *const words[] = {
        [SUPERVISOR_STARTED] = "up",          [SUPERVISOR_START_FAILED] = "failed",
        [SUPERVISOR_TRIPPED] = "tripped",     [SUPERVISOR_STOPPED] = "down",
        [SUPERVISOR_ESCALATED] = "escalated",
    };
    (void)user;
    const char *name = e->tag;
    family_used = e->restarts_used;
    if (e->kind == SUPERVISOR_BUDGET || e->kind == SUPERVISOR_FLAGS || e->kind == SUPERVISOR_STRAY)
        return;
    if (*e->reason)
        snprintf(family_reason, sizeof family_reason, "%s", e->reason);
    if (strlen(family_events.text) > sizeof family_events.text / 2)
        return;
    if (e->kind == SUPERVISOR_TRIPPED || e->kind == SUPERVISOR_ESCALATED)
        trace_add(&family_events, "%s %s(%s)", words[e->kind], name, e->child);
    else if (e->kind == SUPERVISOR_STOPPED && e->auto_shutdown)
        trace_add(&family_events, "done %s(%s)", name, e->child);
    else
        trace_add(&family_events, "%s %s", words[e->kind], name);
}

/* ---- Trees ------------------------------------------------------------------------------------
 */

supervisor_flags family_flags(supervisor_strategy strategy, int32_t max, actor_ms period)
{
    return (supervisor_flags){
        .strategy = strategy, .max_restarts = max, .period = period, .backoff = {.none = true}};
}

supervisor_child family_child(const kid *k)
{
    return (supervisor_child){.id = k->name,
                              .behaviour = &kid_behaviour,
                              .arg = (void *)(uintptr_t)k,
                              .instance_arg = instance_arg,
                              .instances = k->instances,
                              .restart = k->restart,
                              .significant = k->significant,
                              .shutdown = k->shutdown,
                              .start_timeout = k->start_timeout};
}

supervisor_spec *family_spec(const char *name, supervisor_flags flags, const char *children)
{
    char why[160] = "";
    char words[256], *rest = words;
    supervisor_spec *spec;

    ck_assert_uint_lt(name_count, NAMES);
    int length = snprintf(words, sizeof words, "%s", children);
    ck_assert(length >= 0 && (size_t)length < sizeof words);
    char *tag = names[name_count++];
    snprintf(tag, sizeof names[0], "%s", name);
    supervisor_observer observer = {.child = on_child, .supervisor = on_supervisor, .tag = tag};
    ck_assert_int_eq(supervisor_spec_new(&flags, &observer, 1, why, sizeof why, &spec),
                     SUPERVISOR_OK);
    for (char *child; (child = strtok_r(rest, " ", &rest)) != NULL;) {
        supervisor_child c = family_child(kid_of(child));
        ck_assert_msg(supervisor_spec_add(spec, &c, why, sizeof why) == SUPERVISOR_OK, "%s", why);
    }
    return spec;
}

void family_nest(supervisor_spec *spec, const char *name, supervisor_spec *nested,
                 supervisor_restart restart)
{
    supervisor_child c = {
        .id = name, .nested = nested, .restart = restart, .shutdown = SUPERVISOR_INFINITY};
    ck_assert_int_eq(supervisor_spec_add(spec, &c, NULL, 0), SUPERVISOR_OK);
}

actor_ref family_ref(const char *name)
{
    return kid_of(name)->seen.ref;
}

/* ---- The system -------------------------------------------------------------------------------
 */

static void dead_letter(void *user, actor_ref to, actor_msg **msg, actor_err why)
{
    (void)user;
    (void)to;
    (void)why;
    if (actor_msg_type(*msg) == DO)
        family_dead_letters++;
}

static actor_verdict answered(actor *self, void *state, actor_err how, actor_msg *msg, void *arg)
{
    family_call *c = arg;
    (void)self;
    (void)state;

    c->done = true;
    c->how = how;
    c->at = family_now();
    if (how != ACTOR_OK)
        return ACTOR_CONTINUE;
    const supervisor_reply *r = supervisor_reply_get(msg);
    ck_assert_ptr_nonnull(r);
    c->err = r->err;
    c->ref = r->ref;
    c->counts = r->counts;
    snprintf(c->reason, sizeof c->reason, "%s", r->reason);
    for (size_t i = 0; i < r->child_count && i < 30; i++)
        snprintf(c->list + strlen(c->list), sizeof c->list - strlen(c->list), "%s%s:%s",
                 i ? " " : "",
                 instance_of(kid_of(r->children[i].id), r->children[i].instance)->name,
                 supervisor_child_state_name(r->children[i].state));
    if (r->child_count > 0)
        c->first = r->children[0];
    c->first.id = NULL;
    return ACTOR_CONTINUE;
}

static actor_verdict client_handle(actor *self, void *state, actor_msg *msg)
{
    family_call *c = *(family_call **)actor_msg_data(msg);
    actor_ask_id id;
    (void)state;

    actor_err err = actor_ask(self, c->to, &c->request, -1, answered, c, &id);
    if (err != ACTOR_OK) {
        actor_msg_free(c->request);
        c->done = true;
        c->how = err;
    }
    return ACTOR_CONTINUE;
}

static const actor_behaviour client_behaviour = {.name = "client", .handle = client_handle};

void family_setup(uint64_t seed)
{
    actor_system_options options = {.simulate = true, .seed = seed, .dead_letter = dead_letter};
    ck_assert_int_eq(actor_system_new(&options, &family), ACTOR_OK);
    kid_count = name_count = 0;
    family_log.text[0] = family_events.text[0] = family_states.text[0] = '\0';
    family_reason[0] = '\0';
    family_dead_letters = 0;
    actor_spec spec = {.behaviour = &client_behaviour};
    ck_assert_int_eq(actor_spawn(family, &spec, &client), ACTOR_OK);
    family_settle();
}

void family_teardown(void)
{
    actor_system_free(family, 100);
    family = NULL;
}

actor_ms family_now(void)
{
    return actor_now(family);
}

void family_settle(void)
{
    while (actor_sim_step(family))
        ;
}

void family_run(actor_ms delay)
{
    (void)actor_sim_run(family, family_now() + delay);
}

actor_ref family_spawn(supervisor_spec *spec)
{
    actor_ref root;
    ck_assert_int_eq(supervisor_spawn(family, spec, &root), SUPERVISOR_OK);
    family_settle();
    return root;
}

void family_ask(family_call *c, actor_ref supervisor, actor_msg *request)
{
    actor_msg *msg = actor_msg_new(GO, sizeof c);

    ck_assert_ptr_nonnull(request);
    ck_assert_ptr_nonnull(msg);
    *c = (family_call){.request = request, .to = supervisor};
    *(family_call **)actor_msg_data(msg) = c;
    ck_assert_int_eq(actor_send(client, &msg), ACTOR_OK);
    family_settle();
}
