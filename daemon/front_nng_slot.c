/* Slots: contexts that receive requests, keep them and send their answers. */
#include <stdlib.h>
#include <string.h>

#include "daemon/front_nng.h"

typedef struct nng_request {
    front_request base;
    nng_msg *message;
    nng_slot *slot; /* NULL once it is answered */
} nng_request;

static void slot_done(void *arg);

static nng_slot *slot_new(nng_door *door)
{
    nng_slot *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->door = door;
    if (nng_ctx_open(&s->context, door->socket) != 0) {
        free(s);
        return NULL;
    }
    if (nng_aio_alloc(&s->aio, slot_done, s) != 0) {
        nng_ctx_close(s->context);
        free(s);
        return NULL;
    }
    return s;
}

static void stack(nng_door *door, nng_slot *s) LOCK_REQUIRES(door->lock)
{
    s->next_idle = door->idle;
    door->idle = s;
}

void nng__arm(nng_door *door)
{
    nng_slot *s;

    actor_lock_take(&door->lock);
    if (door->armed || door->quiet) {
        actor_lock_give(&door->lock);
        return;
    }
    s = door->idle;
    if (s != NULL) {
        door->idle = s->next_idle;
    } else {
        s = slot_new(door);
        if (s != NULL) {
            s->next = door->slots;
            door->slots = s;
        }
    }
    door->armed = s != NULL;
    actor_lock_give(&door->lock);
    if (s != NULL)
        nng_ctx_recv(s->context, s->aio);
}

static void put_back(nng_slot *s)
{
    nng_door *door = s->door;

    actor_lock_take(&door->lock);
    stack(door, s);
    actor_lock_give(&door->lock);
    nng__arm(door);
}

static void sent(nng_slot *s)
{
    nng_client *client = s->sending;
    nng_msg *message = nng_aio_result(s->aio) != 0 ? nng_aio_get_msg(s->aio) : NULL;

    s->sending = NULL;
    if (message != NULL) {
        nng_aio_set_msg(s->aio, NULL);
        nng_msg_free(message);
    }
    atomic_fetch_sub(&client->unread, 1);
    if (!s->refusal)
        front__sent(&client->base);
    front_client_release(&client->base);
    put_back(s);
}

static void received(nng_slot *s, nng_msg *message)
{
    nng_door *door = s->door;
    nng_client *client = nng__begin_call(door, message);
    nng_request *request = client != NULL ? malloc(sizeof *request) : NULL;

    if (request == NULL) {
        if (client != NULL)
            nng__hang_up(&client->base);
        nng_msg_free(message);
        actor_lock_take(&door->lock);
        stack(door, s);
        actor_lock_give(&door->lock);
    } else {
        request->message = message;
        request->slot = s;
        front__request(&request->base, &client->base, nng_msg_body(message), nng_msg_len(message));
    }
    if (client != NULL)
        nng__end_call(door, client);
    actor_lock_take(&door->lock);
    door->armed = false;
    actor_lock_give(&door->lock);
    nng__arm(door);
}

static void slot_done(void *arg)
{
    nng_slot *s = arg;
    nng_msg *message;

    if (s->sending != NULL) {
        sent(s);
    } else if (nng_aio_result(s->aio) != 0) {
        /* The socket is being closed; nothing else ends a receive. */
        actor_lock_take(&s->door->lock);
        stack(s->door, s);
        actor_lock_give(&s->door->lock);
    } else {
        message = nng_aio_get_msg(s->aio);
        nng_aio_set_msg(s->aio, NULL);
        received(s, message);
    }
}

void nng__slots_stop(nng_door *door)
{
    for (nng_slot *s = door->slots; s != NULL; s = s->next)
        nng_aio_stop(s->aio);
}

void nng__slots_free(nng_door *door)
{
    while (door->slots != NULL) {
        nng_slot *s = door->slots;

        door->slots = s->next;
        nng_aio_free(s->aio);
        free(s);
    }
}

/* ---- answers ---- */

static nng_msg *message_of(const struct iovec *parts, size_t count)
{
    nng_msg *message;
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += parts[i].iov_len;
    if (nng_msg_alloc(&message, len) != 0)
        return NULL;
    len = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len > 0)
            memcpy((char *)nng_msg_body(message) + len, parts[i].iov_base, parts[i].iov_len);
        len += parts[i].iov_len;
    }
    return message;
}

/* Begin to send; `sent` follows. False: the door is closed, nothing follows. */
static bool begin_send(nng_slot *s, nng_client *client, nng_msg *message)
{
    nng_door *door = s->door;
    bool open;

    pthread_rwlock_rdlock(&door->sending);
    open = !door->closed;
    if (open) {
        front_client_hold(&client->base);
        s->sending = client;
        nng_aio_set_msg(s->aio, message);
        nng_ctx_send(s->context, s->aio);
    }
    pthread_rwlock_unlock(&door->sending);
    return open;
}

void nng__answer(front_request *base, const struct iovec *parts, size_t count, bool refusal)
{
    nng_request *request = (nng_request *)base;
    nng_client *client = (nng_client *)base->client;
    front *f = client->base.door->front;
    unsigned most = front__in_flight_limit(f) + FRONT_REFUSALS_MAX;
    nng_slot *s = request->slot;
    nng_msg *message = message_of(parts, count);

    request->slot = NULL;
    if (message == NULL) {
        nng__hang_up(&client->base);
    } else if (atomic_fetch_add(&client->unread, 1) >= most) {
        /* Dropped, not hung up on: closing a pipe in the middle of a message can block NNG 1.5.2.
         */
        atomic_fetch_sub(&client->unread, 1);
        front__overrun(f);
        nng_msg_free(message);
        message = NULL;
    }
    s->refusal = refusal;
    if (message != NULL && begin_send(s, client, message))
        return;
    nng_msg_free(message);
    if (!refusal)
        front__sent(&client->base);
    put_back(s);
}

void nng__request_free(front_request *base)
{
    nng_request *request = (nng_request *)base;

    nng_msg_free(request->message);
    free(request);
}
