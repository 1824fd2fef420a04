/* client: a plain socket that speaks NNG's wire protocol (docs/protocol.md), so that a test may
 * send what no NNG library would, and see every byte that comes back. Any failure, and 20 s without
 * an answer, fails the test.
 */
#ifndef TESTS_E2E_HARNESS_CLIENT_H
#define TESTS_E2E_HARNESS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct client client;

/* Connect to ipc://PATH or tcp://HOST:PORT and exchange greetings. */
client *client_open(const char *url);

/* Connect, and wait until the daemon hangs up. */
void client_refused(const char *url);

/* Hang up. NULL is allowed. */
void client_close(client *c);

/* Send one request; its number is for client_receive(). Doesn't wait for an answer. */
uint32_t client_send(client *c, const void *bytes, size_t len);

/* The answer to that request, NUL-ended besides; the caller frees it. Answers to other requests of
 * this client are kept. */
char *client_receive(client *c, uint32_t number, size_t *len);

/* Whether the answer has come, without waiting for it. */
bool client_answered(client *c, uint32_t number);

/* Bytes on the connection as they are, outside of any framing. */
void client_raw(client *c, const void *bytes, size_t len);

/* Wait until the daemon hangs up. */
void client_wait_closed(client *c);

#endif
