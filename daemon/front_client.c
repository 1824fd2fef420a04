/* Clients: who may enter, and who still refers to them. */
#include "daemon/front_core.h"

static bool may_enter(const front_door *door, const front_peer *peer)
{
    if (door->users == NULL)
        return true;
    for (size_t i = 0; peer->local && i < door->users_count; i++) {
        if (door->users[i] == peer->uid)
            return true;
    }
    return false;
}

bool front__client_new(front_client *client, front_door *door, const front_peer *peer)
{
    front *f = door->front;
    bool room = atomic_fetch_add(&f->clients, 1) < atomic_load(&f->clients_limit);

    client->door = door;
    client->user = NULL;
    client->id = atomic_fetch_add(&f->next_client, 1) + 1;
    atomic_store(&client->in_flight, 0);
    atomic_store(&client->refs, 1);
    if (!room || atomic_load(&f->quiet) || !may_enter(door, peer) ||
        (f->ops.client_new != NULL &&
         !f->ops.client_new(f->context, client, peer, &client->user))) {
        atomic_fetch_sub(&f->clients, 1);
        atomic_fetch_add(&f->refused, 1);
        return false;
    }
    atomic_fetch_add(&door->refs, 1);
    atomic_fetch_add(&f->connected, 1);
    return true;
}

void front__client_gone(front_client *client)
{
    front *f = client->door->front;

    atomic_fetch_sub(&f->clients, 1);
    if (f->ops.client_gone != NULL)
        f->ops.client_gone(f->context, client, client->user);
    front_client_release(client);
}

void *front_client_user(const front_client *client)
{
    return client->user;
}

void *front_client_tag(const front_client *client)
{
    return client->door->tag;
}

uint64_t front_client_id(const front_client *client)
{
    return client->id;
}

front_client *front_client_hold(front_client *client)
{
    atomic_fetch_add(&client->refs, 1);
    return client;
}

void front_client_release(front_client *client)
{
    front_door *door;
    front *f;

    if (client == NULL || atomic_fetch_sub(&client->refs, 1) != 1)
        return;
    door = client->door;
    f = door->front;
    if (f->ops.client_free != NULL)
        f->ops.client_free(f->context, client->user);
    door->wire->client_free(client);
    front__door_release(door);
}

void front_client_close(front_client *client)
{
    client->door->wire->hang_up(client);
}

void front__count_in(front_client *client)
{
    atomic_fetch_add(&client->in_flight, 1);
}

void front__count_out(front_client *client)
{
    atomic_fetch_sub(&client->in_flight, 1);
}
