#include "daemon/session.h"

#include "daemon/log.h"
#include "daemon/unit.h"

#include <stdlib.h>
#include <string.h>

TAILQ_HEAD(calls, call);

struct frame {
    session *session;
    front_request *request; /* referenced */
    bool batch;
    size_t unanswered; /* calls, and one while the frame is read */
    size_t count;
    call calls[];
};

/* The client's side of it. One reference is the front's, from client_new to client_free, one its
 * actor's: the client may have gone before the actor starts. */
typedef struct session_client {
    atomic_uint refs;
    sessions *all;
    const session_access *access;
    actor_ref ref;
} session_client;

struct session {
    actord *daemon;
    const session_access *access;
    struct calls waiting;
    bool gone; /* the client */
};

/* A request that came before the tree had started. */
typedef struct early {
    STAILQ_ENTRY(early) link;
    actor_ref to;
    actor_msg *msg;
} early;

struct sessions {
    actord *daemon;
    atomic_bool open;
    actor_lock lock;
    STAILQ_HEAD(, early) early LOCK_GUARDED_BY(lock);
};

enum { SESSION_REQUEST = 1, SESSION_GONE, SESSION_OVER, SESSION_TIMER };

/* ---- answers ---- */

/* The answers of a batch as one array; nothing at all when there are none. */
static void join_batch(const frame *f, json_out *out)
{
    bool any = false;
    for (size_t i = 0; i < f->count; i++) {
        const call *c = &f->calls[i];
        if (c->notification)
            continue;
        if (!any)
            json_out_array(out);
        any = true;
        json_out_raw(out, c->answer.data, c->answer.len);
    }
    if (any)
        json_out_array_end(out);
}

static void frame_answer(frame *f)
{
    if (!f->batch) {
        const call *c = &f->calls[0];
        front_answer(f->request, c->answer.data, c->notification ? 0 : c->answer.len);
        return;
    }
    json_out out = {0};
    join_batch(f, &out);
    if (out.err) {
        log_error("session", "out of memory for an answer: the client is disconnected");
        front_client_close(front_request_client(f->request));
    }
    front_answer(f->request, out.data, out.err ? 0 : out.len);
    json_out_free(&out);
}

static void call_clear(call *c)
{
    json_out_free(&c->answer);
    actor_msg_free(c->notice);
    message_release(c->message);
    unit_release(c->unit);
    free(c->data);
}

static void frame_free(frame *f)
{
    for (size_t i = 0; i < f->count; i++)
        call_clear(&f->calls[i]);
    front_request_release(f->request);
    free(f);
}

static void frame_answered(frame *f)
{
    if (--f->unanswered > 0)
        return;
    frame_answer(f);
    frame_free(f);
}

/* The call's answer is complete. Nothing may touch the call after this. */
static void call_done(call *c)
{
    if (c->waiting)
        TAILQ_REMOVE(&c->session->waiting, c, link);
    c->waiting = false;
    c->answered = true;
    if (c->timer && c->self)
        actor_timer_cancel(c->self, &c->timer);
    if (c->answer.err) { /* say so with what little memory there is */
        json_out_free(&c->answer);
        rpc_put_error(&c->answer, c->id, RPC_INTERNAL_ERROR, "out of memory for the answer", NULL);
    }
    frame_answered(c->frame);
}

static void call_wait(call *c)
{
    c->waiting = true;
    TAILQ_INSERT_TAIL(&c->session->waiting, c, link);
}

void call_result(call *c, const char *result, size_t len)
{
    rpc_put_result(&c->answer, c->id, result, len);
    call_done(c);
}

void call_result_out(call *c, json_out *out)
{
    if (out->err)
        rpc_put_error(&c->answer, c->id, RPC_INTERNAL_ERROR, "out of memory for the answer", NULL);
    else
        rpc_put_result(&c->answer, c->id, out->data, out->len);
    json_out_free(out);
    call_done(c);
}

void call_error(call *c, rpc_code code, const char *text, json_out *members)
{
    rpc_put_error(&c->answer, c->id, code, text, members);
    if (members)
        json_out_free(members);
    call_done(c);
}

void call_failure(call *c, const rpc_failure *f, json_out *members)
{
    call_error(c, f->code, f->message, members);
}

/* ---- waiting for a message ---- */

/* Under the unit's lock: hand it to the session's actor. */
static void waiter_finished(message_waiter *w, message *m)
{
    (void)m;
    call *c = CONTAINER(w, call, waiter);
    actor_ref to;
    memcpy(&to, c->data, sizeof to);
    /* Refused only when the session has ended, and it takes its waiters off before that. */
    actor_send(to, &c->notice);
}

bool call_prepare_waiter(call *c)
{
    actor_ref *to = malloc(sizeof *to);
    c->notice = actor_msg_new(SESSION_OVER, sizeof(call *));
    if (!to || !c->notice) {
        free(to);
        return false;
    }
    *to = actor_self(c->self);
    c->data = to;
    memcpy(actor_msg_data(c->notice), &c, sizeof c);
    c->waiter.finished = waiter_finished;
    return true;
}

void call_wait_message(call *c, clock_ms timeout, void (*finish)(call *c))
{
    c->finish = finish;
    call_wait(c);
    if (timeout >= 0 && actor_after(c->self, timeout, SESSION_TIMER, (uintptr_t)c, &c->timer))
        log_warn("session", "out of memory: a call waits without its timeout");
}

/* The timeout of a call. */
static void on_timer(call *c)
{
    c->timer = NULL;
    if (unit_unwait(c->message, &c->waiter))
        c->finish(c); /* not over: the method says what that means */
    /* else the notice is on its way, and is the answer */
}

/* ---- waiting for an actor of the daemon ---- */

static actor_verdict on_reply(actor *self, void *state, actor_err how, actor_msg *msg, void *arg)
{
    (void)state;
    call *c = arg;
    c->self = self;
    c->replied(c, how, msg);
    return ACTOR_CONTINUE;
}

void call_ask(call *c, actor_ref to, actor_msg *request,
              void (*replied)(call *c, actor_err how, actor_msg *reply))
{
    actor_err e = ACTOR_ENOMEM;
    c->replied = replied;
    if (request)
        e = actor_ask(c->self, to, &request, -1, on_reply, c, NULL);
    if (e == ACTOR_OK) {
        call_wait(c);
        return;
    }
    actor_msg_free(request);
    call_error(c, e == ACTOR_ENOMEM ? RPC_INTERNAL_ERROR : RPC_STOPPED,
               e == ACTOR_ENOMEM ? "out of memory" : "its supervisor has stopped", NULL);
}

/* ---- requests ---- */

static bool allowed(config_role has, config_role needs)
{
    static const int rank[] = {
        [CONFIG_ROLE_OBSERVE] = 0, [CONFIG_ROLE_SUBMIT] = 1, [CONFIG_ROLE_ADMIN] = 2};
    return rank[has] >= rank[needs];
}

/* Compare without telling by the time how much was right. */
static bool token_matches(const char *token, json_value auth)
{
    char given[512];
    size_t n = strlen(token), len = 0;
    if (auth.len == 0 || json_text(auth, given, sizeof given, &len))
        return false;
    unsigned char differs = (unsigned char)(len != n);
    for (size_t i = 0; i < len; i++)
        differs |= (unsigned char)(given[i] ^ token[n ? i % n : 0]);
    return differs == 0;
}

static const method *admit(call *c, const rpc_request *r, rpc_failure *f)
{
    const session_access *access = c->session->access;
    const char *nearest = NULL;
    if (r->failure.code != RPC_OK) {
        *f = r->failure;
        return NULL;
    }
    if (access->token && !token_matches(access->token, r->auth)) {
        rpc_fail(f, RPC_DENIED,
                 r->auth.len ? "the token is wrong"
                             : "this listener needs a token (member \"auth\"); "
                               "give actorctl one with --token-file");
        return NULL;
    }
    const method *m = method_find(r->method, &nearest);
    if (!m) {
        rpc_fail(f, RPC_METHOD_NOT_FOUND,
                 nearest ? "no method is called '%s'; did you mean '%s'?"
                         : "no method is called '%s'",
                 r->method, nearest);
        return NULL;
    }
    if (!allowed(access->role, m->role)) {
        rpc_fail(f, RPC_DENIED, "'%s' needs the role '%s'; this listener grants '%s'", m->name,
                 config_role_name(m->role), config_role_name(access->role));
        return NULL;
    }
    return m;
}

enum { PARAMS_MAX = 12 };

static void run(call *c, const rpc_request *r)
{
    rpc_failure f;
    rpc_value values[PARAMS_MAX] = {{0}}; /* what a method doesn't take is not present */
    const method *m = admit(c, r, &f);
    if (!m) {
        call_failure(c, &f, NULL);
        return;
    }
    if (!m->params) {
        m->run(c, NULL);
        return;
    }
    if (rpc_params_read(c->params, m->params, m->param_count, values, &f) == RPC_OK)
        m->run(c, values);
    else
        call_failure(c, &f, NULL);
    rpc_params_free(values, m->param_count);
}

static void carry_out(actor *self, session *s, front_request *request)
{
    size_t len;
    const char *bytes = front_request_bytes(request, &len);
    rpc_frame in;
    rpc_request r;
    rpc_open(&in, bytes, len);
    frame *f = calloc(1, sizeof *f + in.requests * sizeof(call));
    if (!f) {
        log_error("session", "out of memory for a request: the client is disconnected");
        front_client_close(front_request_client(request));
        front_answer(request, "", 0);
        front_request_release(request);
        return;
    }
    f->session = s;
    f->request = request;
    f->batch = in.batch;
    f->unanswered = in.requests + 1;
    f->count = in.requests;
    for (size_t i = 0; rpc_next(&in, &r); i++) {
        call *c = &f->calls[i];
        c->frame = f;
        c->session = s;
        c->daemon = s->daemon;
        c->self = self;
        c->id = r.id;
        c->params = r.params;
        c->notification = r.notification;
        run(c, &r);
    }
    frame_answered(f); /* the one that was held while reading */
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): calls that wait hold the frame */
}

/* ---- the actor ---- */

/* The client has gone: nobody waits for these any more; the messages themselves go on. */
static void abandon(actor *self, session *s, bool stopping)
{
    for (call *c = TAILQ_FIRST(&s->waiting), *next; c; c = next) {
        next = TAILQ_NEXT(c, link);
        c->self = self;
        if (c->finish && !unit_unwait(c->message, &c->waiter) && !stopping)
            continue; /* its notice is on the way, and ends it */
        if (!c->finish && !stopping)
            continue; /* the supervisor's answer is */
        call_error(c, RPC_STOPPED, "the client has gone", NULL);
    }
}

static actor_verdict session_start(actor *self, void *state, void *arg)
{
    (void)self;
    session *s = state;
    const session_client *client = arg;
    s->daemon = client->all->daemon;
    s->access = client->access;
    TAILQ_INIT(&s->waiting);
    return ACTOR_CONTINUE;
}

static actor_verdict session_stop(actor *self, void *state, actor_how how)
{
    (void)how;
    abandon(self, state, true);
    return ACTOR_CONTINUE;
}

static void *payload_pointer(actor_msg *msg)
{
    void *p;
    memcpy(&p, actor_msg_data(msg), sizeof p);
    return p;
}

static actor_verdict session_handle(actor *self, void *state, actor_msg *msg)
{
    session *s = state;
    call *c;
    switch (actor_msg_type(msg)) {
    case SESSION_REQUEST:
        carry_out(self, s, payload_pointer(msg));
        break;
    case SESSION_GONE:
        abandon(self, s, false);
        s->gone = true;
        break;
    case SESSION_OVER:
        c = payload_pointer(msg);
        c->self = self;
        c->finish(c);
        break;
    case SESSION_TIMER:
        c = (call *)(uintptr_t)actor_msg_tag(msg);
        c->self = self;
        on_timer(c);
        break;
    default:
        break;
    }
    return s->gone && TAILQ_EMPTY(&s->waiting) ? ACTOR_EXIT : ACTOR_CONTINUE;
}

static const actor_behaviour session_behaviour = {
    .name = "session",
    .state_size = sizeof(session),
    .start = session_start,
    .handle = session_handle,
    .stop = session_stop,
};

/* ---- the front's callbacks ---- */

static void session_client_release(void *p)
{
    session_client *c = p;
    if (atomic_fetch_sub(&c->refs, 1) == 1)
        free(c);
}

static bool client_new(void *context, front_client *client, const front_peer *peer, void **user)
{
    (void)peer;
    sessions *all = context;
    session_client *c = calloc(1, sizeof *c);
    if (!c)
        return false;
    atomic_init(&c->refs, 2);
    c->all = all;
    c->access = front_client_tag(client);
    actor_spec spec = {
        .behaviour = &session_behaviour, .arg = c, .free_arg = session_client_release};
    if (actor_spawn(all->daemon->system, &spec, &c->ref) != ACTOR_OK) {
        free(c);
        return false;
    }
    *user = c;
    return true;
}

static actor_msg *pointer_message(uint16_t type, const void *p)
{
    actor_msg *msg = actor_msg_new(type, sizeof p);
    if (msg)
        memcpy(actor_msg_data(msg), &p, sizeof p);
    return msg;
}

/* Keep a request until the tree has started. True: taken. */
static bool keep_early(sessions *all, actor_ref to, actor_msg *msg)
{
    early *e = malloc(sizeof *e);
    if (!e)
        return false;
    *e = (early){.to = to, .msg = msg};
    actor_lock_take(&all->lock);
    bool early_still = !atomic_load(&all->open);
    if (early_still)
        STAILQ_INSERT_TAIL(&all->early, e, link);
    actor_lock_give(&all->lock);
    if (!early_still)
        free(e);
    return early_still;
}

static void request_come(void *context, front_client *client, void *user, front_request *request)
{
    static const char refusal[] =
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,\"message\":\"out of memory\","
        "\"data\":{\"code\":\"internal_error\",\"retry_safe\":false}}}";
    (void)client;
    sessions *all = context;
    const session_client *c = user;
    actor_msg *msg = pointer_message(SESSION_REQUEST, request);
    if (msg && !atomic_load(&all->open) && keep_early(all, c->ref, msg))
        return;
    if (msg && actor_send(c->ref, &msg) == ACTOR_OK)
        return;
    actor_msg_free(msg);
    front_answer(request, refusal, sizeof refusal - 1);
    front_request_release(request);
}

static void client_gone(void *context, front_client *client, void *user)
{
    (void)context, (void)client;
    const session_client *c = user;
    actor_msg *msg = pointer_message(SESSION_GONE, NULL);
    if (!msg || actor_send(c->ref, &msg) != ACTOR_OK) {
        actor_msg_free(msg);
        actor_stop(c->ref); /* needs no memory */
    }
}

static void client_free(void *context, void *user)
{
    (void)context;
    session_client_release(user);
}

const front_ops session_front_ops = {
    .client_new = client_new,
    .request = request_come,
    .client_gone = client_gone,
    .client_free = client_free,
};

sessions *sessions_new(actord *d)
{
    sessions *all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    all->daemon = d;
    atomic_init(&all->open, false);
    actor_lock_init(&all->lock);
    STAILQ_INIT(&all->early);
    return all;
}

static void early_end(early *e)
{
    if (e->msg) {
        front_request *request = payload_pointer(e->msg);
        front_answer(request, "", 0);
        front_request_release(request);
    }
    actor_msg_free(e->msg);
    free(e);
}

void sessions_open(sessions *all)
{
    actor_lock_take(&all->lock);
    for (early *e; (e = STAILQ_FIRST(&all->early));) {
        STAILQ_REMOVE_HEAD(&all->early, link);
        actor_send(e->to, &e->msg); /* refused: its client has gone */
        early_end(e);
    }
    atomic_store(&all->open, true);
    actor_lock_give(&all->lock);
}

void sessions_free(sessions *all)
{
    if (!all)
        return;
    for (early *e; (e = STAILQ_FIRST(&all->early));) {
        STAILQ_REMOVE_HEAD(&all->early, link);
        early_end(e);
    }
    actor_lock_destroy(&all->lock);
    free(all);
}
