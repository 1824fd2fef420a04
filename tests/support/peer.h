/* Clients of a front: NNG's, and ones made by hand, below NNG. Any failure fails the test. */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <nng/nng.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_DEADLINE_MS = 30000 };

/* ---- NNG's ---- */

/* A REQ socket, for nng_close(). Raw ones may have several requests at a time. */
nng_socket peer_dial(const char *url, bool raw);

/* `len` bytes without a short period, for free(). */
char *peer_pattern(size_t len);

/* Send and receive; the answer is the caller's, for free(), and has a NUL behind it. */
char *peer_call(nng_socket s, const char *bytes, size_t len, size_t *answer_len);

/* The answer must be the request. */
void peer_call_echo(nng_socket s, size_t len);

void peer_send_raw(nng_socket s, uint32_t id, const char *body);

/* Returns the id of the request that was answered. */
uint32_t peer_receive_raw(nng_socket s, char *body, size_t size);

/* ---- by hand ---- */

/* The eight bytes a REQ says first; the last is the string's own NUL. */
#define PEER_GREETING "\0SP\0\0\x30\0"

/* A connected socket, for close(). */
int peer_connect(const char *url);

/* Connected, and the greetings exchanged. */
int peer_greet(const char *url);

void peer_put(int fd, const void *bytes, size_t len);
void peer_get(int fd, void *bytes, size_t len);

/* True when the other end hangs up; what it sent before is thrown away. */
bool peer_hung_up(int fd);

/* One message of NNG's wire protocol with a backtrace of one word. Returns its length. */
size_t peer_frame(char *out, bool tcp, uint32_t id, const char *body, size_t len);

#endif
