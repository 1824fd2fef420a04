/* Load on one server: clients that send the same request again and again, and check the answers. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/series.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct load {
    const char *url; /* ipc:///path */
    const char *request;
    size_t request_len;
    const char *answer; /* every answer is exactly this */
    size_t answer_len;
    unsigned clients; /* connections */
    unsigned window;  /* requests of one client without an answer */
    double seconds;
} load;

typedef struct load_result {
    double jobs;
    double seconds;
    series times; /* µs, of each request; only with one client and window 1. The caller's to free */
} load_result;

/* Run the load. False, with a sentence on stderr: a connection failed, an answer was wrong or
 * didn't come within ten seconds. */
bool load_nng(const load *l, load_result *r);   /* NNG's REQ: what programs use */
bool load_plain(const load *l, load_result *r); /* sockets and the wire protocol, one thread */

#endif
