/* front_core.h - the front itself, for the files that make it up: front.c, front_client.c and
 * front_request.c. Wires see front_wire.h. */
#ifndef DAEMON_FRONT_CORE_H
#define DAEMON_FRONT_CORE_H

#include <pthread.h>

#include "daemon/front_wire.h"
#include "libactor/lock.h"

struct front {
    front_ops ops;
    void *context;
    atomic_size_t message_limit;
    atomic_uint in_flight_limit;
    atomic_uint clients_limit;

    front_door **doors; /* of the thread that owns the front */
    size_t door_count;
    bool stopped;
    atomic_bool quiet;

    atomic_uint refs; /* the owner's and one per door */
    atomic_ullong next_client;
    atomic_uint clients;
    atomic_uint due; /* answers that haven't left */
    atomic_ullong connected, refused, requests, answered, too_large, busy, overrun;

    actor_lock lock;
    pthread_cond_t settled; /* with `lock`: `due` may have become 0 */
};

#endif
