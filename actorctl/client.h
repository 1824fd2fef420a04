/* client: one connection to a daemon, one request at a time.
 *
 * A request is sent once. NNG would send it again when it hears nothing or reconnects; that is
 * turned off here, because a request that runs twice is worse than one whose outcome is unknown.
 * Used by one thread; SIGINT and SIGTERM must be handled outside, NNG's threads don't block them.
 */
#ifndef ACTORCTL_CLIENT_H
#define ACTORCTL_CLIENT_H

#include "actorctl/buf.h"

#include <stdint.h>

typedef enum client_err {
    CLIENT_OK = 0,
    CLIENT_EURL,     /* not a URL that can be dialled */
    CLIENT_ECONNECT, /* nobody there */
    CLIENT_EDENIED,  /* the socket's mode refuses this user */
    CLIENT_ECLOSED,  /* accepted, and closed at once: this peer isn't wanted; nothing was sent */
    CLIENT_ESILENT,  /* someone accepted, but doesn't speak in time; nothing was sent */
    CLIENT_ETIMEOUT, /* no answer in time: the outcome is unknown */
    CLIENT_ELOST,    /* the connection ended before the answer: the outcome is unknown */
    CLIENT_ENOMEM,
    CLIENT_EOTHER
} client_err;

const char *client_strerror(client_err err);

typedef struct client client;

/* Connect to `url`, in at most `timeout_ms`. On success *out is the caller's, for client_close.
 * `why` (static, never NULL) says what the system said on any failure. */
client_err client_open(const char *url, int timeout_ms, client **out, const char **why);

/* Send `request` and wait at most `timeout_ms` (-1: for ever) for the answer, whose bytes are
 * appended to *answer; nothing is appended on failure. */
client_err client_call(client *c, const char *request, size_t len, int timeout_ms, buf *answer);

void client_close(client *c);

#endif
