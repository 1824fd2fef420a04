/* A front with a service behind it, which echoes requests or holds them for the test. One at a
 * time, in a process of its own. */
#ifndef TESTS_SERVICE_H
#define TESTS_SERVICE_H

#include "daemon/front.h"
#include "tests/support/latch.h"

enum { SERVICE_LIMIT = 200000, SERVICE_HELD_MAX = 256 };

/* The ways to listen. */
enum { WIRE_IPC, WIRE_NNG_IPC, WIRE_TCP, WIRE_NNG_TCP, WIRES };

extern struct service {
    front *front;
    char dir[64];                          /* new, with the socket in it */
    char path[96];                         /* of the socket */
    char text[FRONT_TEXT_MAX + 1];         /* what front_listen() said */
    bool echoing;                          /* else requests are held */
    bool refusing;                         /* clients */
    front_request *held[SERVICE_HELD_MAX]; /* in the order in which they came */
    latch requests;
    latch came, gone, freed; /* clients */
    front_peer last_peer;
} service;

/* Requests of SERVICE_LIMIT bytes; the rest by default. */
extern const front_limits service_roomy;

extern const front_ops service_ops;

/* A checked fixture. The teardown fails where something is left in the directory. */
void service_setup(void);
void service_teardown(void);

/* Make the front, with one listener. Returns its URL. */
const char *service_open(int wire, const front_limits *limits);
bool service_over_tcp(int wire);

/* One more listener; the front is made where there is none yet. What it said is in service.text. */
front_err service_listen(const char *url, bool via_nng, mode_t mode, const char *group);
front_err service_listen_here(bool via_nng); /* on service.path */

/* A held request, which becomes the caller's. */
front_request *service_take(size_t index);

/* Answer a request with its own bytes, and release it. */
void service_echo(front_request *request);

#endif
