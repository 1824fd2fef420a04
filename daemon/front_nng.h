/* front_nng.h - NNG's own listeners behind the front. Private to front_nng*.c.
 *
 * Each request has an NNG context of its own, a slot, which keeps its backtrace and later carries
 * its answer. Slots are pooled. Exactly one waits for a request at any time, armed at the end of
 * the callback that took the last one, so that requests come one at a time and in order. Against a
 * raw REP socket this has one great advantage: a send that is complete has been taken by the
 * client's pipe, where the raw socket reports success and then drops what exceeds its queue of 64.
 * What a client leaves unread is therefore counted; beyond a bound its answers are dropped.
 */
#ifndef DAEMON_FRONT_NNG_H
#define DAEMON_FRONT_NNG_H

#include <nng/nng.h>
#include <pthread.h>

#include "daemon/front_wire.h"
#include "libactor/lock.h"

enum { NNG_BUCKETS = 256 };

typedef struct nng_door nng_door;

typedef struct nng_client {
    front_client base;
    uint32_t pipe;
    atomic_uint unread; /* sends that aren't complete */
    char address[64];
    struct nng_client *next LOCK_GUARDED_BY(door->lock); /* in its bucket */
    bool calling LOCK_GUARDED_BY(door->lock);            /* request() runs for it */
    bool gone LOCK_GUARDED_BY(door->lock);               /* its connection ended meanwhile */
} nng_client;

/* A context and what it is doing: idle, receiving, holding a request, or sending. */
typedef struct nng_slot {
    nng_door *door;
    nng_ctx context;
    nng_aio *aio;
    nng_client *sending; /* whose answer; NULL: receiving */
    bool refusal;
    struct nng_slot *next_idle LOCK_GUARDED_BY(door->lock);
    struct nng_slot *next LOCK_GUARDED_BY(door->lock); /* all of the door's */
} nng_slot;

struct nng_door {
    front_door base;
    front_path path; /* ipc only */
    nng_socket socket;
    nng_listener listener;

    actor_lock lock;
    bool quiet LOCK_GUARDED_BY(lock); /* no slot is armed any more */
    bool armed LOCK_GUARDED_BY(lock); /* a slot waits for a request, or its callback runs */
    nng_slot *slots LOCK_GUARDED_BY(lock);
    nng_slot *idle LOCK_GUARDED_BY(lock);
    nng_client *clients[NNG_BUCKETS] LOCK_GUARDED_BY(lock);

    /* Held for reading while a send begins: after nng_aio_stop() one would never complete. */
    pthread_rwlock_t sending;
    bool closed LOCK_GUARDED_BY(sending);
};

/* ---- front_nng_client.c ---- */

/* NNG's callbacks for a pipe that comes (and may be refused) and one that has gone. `arg` is the
 * door. */
void nng__pipe_added(nng_pipe pipe, nng_pipe_ev event, void *arg);
void nng__pipe_removed(nng_pipe pipe, nng_pipe_ev event, void *arg);

/* The sender of a message, held until nng__end_call(); NULL where it is gone. In between
 * client_gone waits. */
nng_client *nng__begin_call(nng_door *door, nng_msg *message);
void nng__end_call(nng_door *door, nng_client *client);

/* ---- front_nng_slot.c ---- */

/* Wait for the next request, if nobody does. Without memory for a slot the next one that comes back
 * is armed. */
void nng__arm(nng_door *door);

/* End what the slots do, once the socket is closed: afterwards no callback runs. */
void nng__slots_stop(nng_door *door);
void nng__slots_free(nng_door *door);

/* For the wire. */
void nng__hang_up(front_client *client);
void nng__client_free(front_client *client);
void nng__request_free(front_request *base);
void nng__answer(front_request *base, const struct iovec *parts, size_t count, bool refusal);

#endif
