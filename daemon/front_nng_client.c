/* NNG's pipes as clients. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/front_nng.h"

static nng_client **bucket(nng_door *door, uint32_t pipe)
{
    return &door->clients[pipe % NNG_BUCKETS];
}

static nng_client *find(nng_door *door, uint32_t pipe) LOCK_REQUIRES(door->lock)
{
    nng_client *client = *bucket(door, pipe);

    while (client != NULL && client->pipe != pipe)
        client = client->next;
    return client;
}

static void read_peer(nng_pipe pipe, nng_client *client, front_peer *peer)
{
    nng_sockaddr remote;
    uint64_t uid;
    uint64_t gid;
    uint64_t pid;

    *peer = (front_peer){.address = client->address};
    snprintf(client->address, sizeof client->address, "ipc");
    if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) == 0) {
        peer->local = true;
        peer->uid = (uid_t)uid;
        if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_GID, &gid) == 0)
            peer->gid = (gid_t)gid;
        if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_PID, &pid) == 0)
            peer->pid = (pid_t)pid;
    } else if (nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &remote) == 0 &&
               remote.s_family == NNG_AF_INET) {
        const unsigned char *b = (const unsigned char *)&remote.s_in.sa_addr;

        snprintf(client->address, sizeof client->address, "%u.%u.%u.%u:%u", b[0], b[1], b[2], b[3],
                 (unsigned)ntohs(remote.s_in.sa_port));
    } else {
        snprintf(client->address, sizeof client->address, "tcp");
    }
}

void nng__pipe_added(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    nng_door *door = arg;
    nng_client *client = calloc(1, sizeof *client);
    nng_client **at;
    front_peer peer;

    (void)event;
    if (client == NULL) {
        nng_pipe_close(pipe);
        return;
    }
    client->pipe = (uint32_t)nng_pipe_id(pipe);
    read_peer(pipe, client, &peer);
    if (!front__client_new(&client->base, &door->base, &peer)) {
        free(client);
        nng_pipe_close(pipe);
        return;
    }
    actor_lock_take(&door->lock);
    at = bucket(door, client->pipe);
    client->next = *at;
    *at = client;
    actor_lock_give(&door->lock);
}

/* Also called for pipes that were refused. */
void nng__pipe_removed(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    nng_door *door = arg;
    nng_client **at = bucket(door, (uint32_t)nng_pipe_id(pipe));
    nng_client *client;
    bool tell = false;

    (void)event;
    actor_lock_take(&door->lock);
    while (*at != NULL && (*at)->pipe != (uint32_t)nng_pipe_id(pipe))
        at = &(*at)->next;
    client = *at;
    if (client != NULL) {
        *at = client->next;
        client->gone = true;
        tell = !client->calling; /* else the one who calls does it afterwards */
    }
    actor_lock_give(&door->lock);
    if (tell)
        front__client_gone(&client->base);
}

void nng__hang_up(front_client *client)
{
    nng_pipe pipe = {.id = ((nng_client *)client)->pipe};

    nng_pipe_close(pipe);
}

void nng__client_free(front_client *client)
{
    free(client);
}

nng_client *nng__begin_call(nng_door *door, nng_msg *message)
{
    nng_client *client;

    actor_lock_take(&door->lock);
    client = find(door, (uint32_t)nng_pipe_id(nng_msg_get_pipe(message)));
    if (client != NULL) {
        client->calling = true;
        front_client_hold(&client->base);
    }
    actor_lock_give(&door->lock);
    return client;
}

void nng__end_call(nng_door *door, nng_client *client)
{
    bool tell;

    actor_lock_take(&door->lock);
    client->calling = false;
    tell = client->gone;
    actor_lock_give(&door->lock);
    if (tell)
        front__client_gone(&client->base);
    front_client_release(&client->base);
}
