#include "daemon/session_impl.h"

#include "daemon/log.h"
#include "daemon/unit.h"

#include <stdlib.h>
#include <string.h>

/* The client's side of it. One reference is the front's, from client_new to client_free, one its
 * actor's: the client may have gone before the actor starts. */
typedef struct session_client {
    atomic_uint refs;
    sessions *all;
    const session_access *access;
    atomic_uint coming; /* see struct session */
    actor_ref ref;
} session_client;

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
                 method_is_planned(r->method) ? "'%s' is not supported yet"
                 : nearest                    ? "no method is called '%s'; did you mean '%s'?"
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
    frame__answered(f); /* the one that was held while reading */
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
    session_client *client = arg;
    s->coming = &client->coming;
    STAILQ_INIT(&s->answered);
    s->daemon = client->all->daemon;
    s->access = client->access;
    TAILQ_INIT(&s->waiting);
    return ACTOR_CONTINUE;
}

static actor_verdict session_stop(actor *self, void *state, actor_how how)
{
    (void)how;
    abandon(self, state, true);
    session__send(state);
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
        atomic_fetch_sub(s->coming, 1);
        carry_out(self, s, payload_pointer(msg));
        break;
    case SESSION_GONE:
        abandon(self, s, false);
        s->gone = true;
        break;
    case SESSION_OVER:
        atomic_fetch_sub(s->coming, 1);
        c = payload_pointer(msg);
        c->self = self;
        c->finish(c);
        break;
    case SESSION_TIMER:
        c = (call *)(uintptr_t)actor_msg_tag(msg);
        c->self = self;
        call__timer(c);
        break;
    default:
        break;
    }
    session__settle(s);
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
    atomic_init(&c->coming, 0);
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
    session_client *c = user;
    actor_msg *msg = pointer_message(SESSION_REQUEST, request);
    if (msg)
        atomic_fetch_add(&c->coming, 1);
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
