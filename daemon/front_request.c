/* Requests: taken in, refused, answered. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/front_core.h"
#include "daemon/rpc.h"

/* The id of a larger request isn't worth the time of the front's thread. */
enum { PEEK_MAX = 4096 };

static _Noreturn void panic(const char *what)
{
    fprintf(stderr, "front: %s\n", what);
    abort();
}

static void born(front_request *request, front_client *client, const char *bytes, size_t len)
{
    request->client = front_client_hold(client);
    request->bytes = bytes;
    request->len = len;
    atomic_store(&request->refs, 1);
    atomic_store(&request->answered, false);
}

static void refuse(front_request *request, rpc_code code, const char *message)
{
    json_out out = {.data = NULL};
    json_value id = {"null", 4, JSON_NULL};
    front_client *client = request->client;
    struct iovec part;

    if (request->len > 0 && request->len <= PEEK_MAX)
        id = rpc_peek_id(request->bytes, request->len);
    rpc_put_error(&out, id, code, message, NULL);
    atomic_store(&request->answered, true);
    if (out.err == JSON_OK) {
        part = (struct iovec){out.data, out.len};
        client->door->wire->answer(request, &part, 1, true);
    } else {
        client->door->wire->hang_up(client);
    }
    json_out_free(&out);
    front_request_release(request);
}

void front__too_large(front_request *request, front_client *client)
{
    front *f = client->door->front;
    char message[128];

    born(request, client, "", 0);
    atomic_fetch_add(&f->too_large, 1);
    snprintf(message, sizeof message,
             "Request too large: at most %zu bytes are taken, see limits.message",
             atomic_load(&f->message_limit));
    refuse(request, RPC_TOO_LARGE, message);
}

static void refuse_busy(front_request *request)
{
    front *f = request->client->door->front;
    char message[128];

    atomic_fetch_add(&f->busy, 1);
    snprintf(message, sizeof message,
             "Busy: %u requests of this client wait for their answers, see "
             "limits.in_flight_per_client",
             atomic_load(&f->in_flight_limit));
    refuse(request, RPC_BUSY, message);
}

void front__request(front_request *request, front_client *client, const char *bytes, size_t len)
{
    front *f = client->door->front;

    if (len > atomic_load(&f->message_limit)) {
        front__too_large(request, client);
        return;
    }
    born(request, client, bytes, len);
    if (atomic_load(&f->quiet)) {
        refuse(request, RPC_DRAINING, "The daemon is stopping");
        return;
    }
    if (atomic_fetch_add(&client->in_flight, 1) >= atomic_load(&f->in_flight_limit)) {
        atomic_fetch_sub(&client->in_flight, 1);
        refuse_busy(request);
        return;
    }
    atomic_fetch_add(&f->due, 1);
    atomic_fetch_add(&f->requests, 1);
    f->ops.request(f->context, client, client->user, request);
}

const char *front_request_bytes(const front_request *request, size_t *len)
{
    *len = request->len;
    return request->bytes;
}

front_client *front_request_client(const front_request *request)
{
    return request->client;
}

front_request *front_request_hold(front_request *request)
{
    atomic_fetch_add(&request->refs, 1);
    return request;
}

void front_request_release(front_request *request)
{
    front_client *client;

    if (request == NULL || atomic_fetch_sub(&request->refs, 1) != 1)
        return;
    client = request->client;
    if (!atomic_load(&request->answered)) {
        if (!atomic_load(&client->door->front->quiet))
            panic("a request was released without an answer");
        front_answer(request, NULL, 0);
    }
    client->door->wire->request_free(request);
    front_client_release(client);
}

void front_answer(front_request *request, const char *bytes, size_t len)
{
    struct iovec part = {(void *)(uintptr_t)bytes, len};

    front_answer_parts(request, &part, 1);
}

static void mark_answered(front_request *request)
{
    if (atomic_exchange(&request->answered, true))
        panic("a request was answered twice");
    atomic_fetch_add(&request->client->door->front->answered, 1);
    front__count_out(request->client);
}

void front_answer_parts(front_request *request, const struct iovec *parts, size_t count)
{
    if (count > FRONT_PARTS_MAX)
        panic("an answer has too many pieces");
    mark_answered(request);
    request->client->door->wire->answer(request, parts, count, false);
}

void front_answer_all(const front_reply *replies, size_t count)
{
    const front_wire *wire = replies[0].request->client->door->wire;

    if (count > FRONT_REPLIES_MAX)
        panic("too many answers at once");
    for (size_t i = 0; wire->answer_all == NULL && i < count; i++)
        front_answer(replies[i].request, replies[i].bytes, replies[i].len);
    if (wire->answer_all == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        mark_answered(replies[i].request);
    wire->answer_all(replies, count);
}
