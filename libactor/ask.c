#include "libactor/ask.h"

#include <stdlib.h>

#include "libactor/ext.h"
#include "libactor/memory.h"
#include "libactor/pool.h"
#include "libactor/self.h"
#include "libactor/send.h"
#include "libactor/timer.h"

#define FIRST_SIZE 4u

/* ---- The table ----------------------------------------------------------------------------- */

static bool grow(actor__asks *asks)
{
    uint32_t size = asks->size == 0 ? FIRST_SIZE : 2 * asks->size;
    actor__ask *entries = actor__realloc(asks->entries, size * sizeof(*entries));

    if (entries == NULL)
        return false;
    for (uint32_t i = size; i-- > asks->size;) {
        entries[i] = (actor__ask){.generation = 1, .next = asks->free};
        asks->free = i + 1;
    }
    asks->entries = entries;
    asks->size = size;
    return true;
}

static uint64_t id_of(const actor__asks *asks, const actor__ask *e)
{
    return (uint64_t)e->generation << 32 | (uint32_t)(e - asks->entries + 1);
}

static actor__ask *find(actor *a, uint64_t id)
{
    uint32_t index = (uint32_t)id;

    if (a->ext == NULL || index == 0 || index > a->ext->asks.size)
        return NULL;

    actor__ask *e = &a->ext->asks.entries[index - 1];

    return e->then != NULL && e->generation == (uint32_t)(id >> 32) ? e : NULL;
}

static void drop(actor__asks *asks, actor__ask *e)
{
    e->then = NULL;
    e->timer = NULL;
    e->generation++;
    e->next = asks->free;
    asks->free = (uint32_t)(e - asks->entries) + 1;
}

void actor__asks_clear(actor *a)
{
    if (a->ext == NULL)
        return;

    actor__asks *asks = &a->ext->asks;

    for (uint32_t i = 0; i < asks->size; i++)
        if (asks->entries[i].then != NULL)
            drop(asks, &asks->entries[i]);
}

void actor__asks_free(actor__asks *asks)
{
    free(asks->entries);
}

/* ---- Asking -------------------------------------------------------------------------------- */

/* An entry, its timer armed. */
static actor_err open_ask(actor *a, actor_ms timeout, actor_continuation then, void *arg,
                          actor__ask **out)
{
    actor__ext *ext = actor__ext_of(a);

    if (ext == NULL || (ext->asks.free == 0 && !grow(&ext->asks)))
        return ACTOR_ENOMEM;

    actor__ask *e = &ext->asks.entries[ext->asks.free - 1];

    if (timeout >= 0 && actor__timer_arm(a, timeout, ACTOR__ASK_TIMEOUT, 0, id_of(&ext->asks, e),
                                         &e->timer) != ACTOR_OK)
        return ACTOR_ENOMEM;
    ext->asks.free = e->next;
    e->then = then;
    e->arg = arg;
    *out = e;
    return ACTOR_OK;
}

static void close_ask(actor *a, actor__ask *e)
{
    if (e->timer != NULL)
        actor__timer_cancel(a, e->timer);
    drop(&a->ext->asks, e);
}

static actor_verdict ignore(actor *self, void *state, actor_err how, actor_msg *reply, void *arg)
{
    (void)self;
    (void)state;
    (void)how;
    (void)reply;
    (void)arg;
    return ACTOR_CONTINUE;
}

actor_err actor_ask(actor *self, actor_ref to, actor_msg **msg, actor_ms timeout,
                    actor_continuation then, void *arg, actor_ask_id *id)
{
    actor_msg *m = *msg;
    actor__ask *e;

    ACTOR__CHECK_SELF(self);
    if (m->ask || m->kind == ACTOR__NOTICE)
        return ACTOR_EINVAL;
    if (then == NULL)
        then = ignore;

    actor_err err = open_ask(self, timeout, then, arg, &e);

    if (err != ACTOR_OK)
        return err;

    uint64_t given = id_of(&self->ext->asks, e);
    actor_ref sender = m->sender;
    uint64_t tag = m->tag;

    m->ask = true;
    m->tag = given;
    m->sender = actor__ref_of(self);
    err = actor__send(to, msg);
    if (err != ACTOR_OK) {
        m->ask = false;
        m->tag = tag;
        m->sender = sender;
        close_ask(self, e);
        return err;
    }
    if (id != NULL)
        *id = given;
    return ACTOR_OK;
}

bool actor_ask_cancel(actor *self, actor_ask_id id)
{
    ACTOR__CHECK_SELF(self);

    actor__ask *e = find(self, id);

    if (e == NULL)
        return false;
    close_ask(self, e);
    return true;
}

actor_verdict actor__ask_outcome(actor *a, uint64_t id, actor_err how, actor_msg *reply)
{
    actor__ask *e = find(a, id);

    if (e == NULL)
        return ACTOR_CONTINUE;

    actor_continuation then = e->then;
    void *arg = e->arg;

    if (how == ACTOR_ETIMEOUT)
        e->timer = NULL; /* it is the message at hand */
    close_ask(a, e);
    return then(a, a->state, how, reply, arg);
}

/* ---- Answering ----------------------------------------------------------------------------- */

actor_err actor_reply(actor_msg *request, actor_msg **reply)
{
    actor_msg *r = *reply;
    actor__worker *w = actor__me.worker;

    if (!request->ask || (r->ask && r != request) || r->kind == ACTOR__NOTICE)
        return ACTOR_EINVAL;
    actor__online();

    actor *asker = actor__resolve(request->sender);

    if (asker != NULL) {
        uint64_t tag = request->tag;

        if (r->held)
            actor__take_in_hand(r);
        request->ask = false;
        r->kind = ACTOR__ASK_REPLY;
        r->priority = ACTOR_SYSTEM;
        r->tag = tag;
        r->sender = w != NULL && w->current != NULL ? actor__ref_of(w->current) : ACTOR_NONE;
        actor__post(asker, r);
        *reply = NULL;
    }
    actor__offline();
    return asker != NULL ? ACTOR_OK : ACTOR_ENOTFOUND;
}

void actor__ask_dropped(actor_msg *request)
{
    actor__online();

    actor *asker = actor__resolve(request->sender);

    request->ask = false;
    if (asker != NULL) {
        request->kind = ACTOR__ASK_ENDED;
        request->priority = ACTOR_SYSTEM;
        request->size = 0;
        actor__post(asker, request);
    } else {
        actor__pool_put(request);
    }
    actor__offline();
}
