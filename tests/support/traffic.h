/* The accounts of messages: each one accepted has exactly one end, and those of one sender, one
 * target and one priority are handled in the order they were sent.
 *
 * Also a hash of all that is entered, to compare two runs. One thread.
 */
#ifndef TESTS_TRAFFIC_H
#define TESTS_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TRAFFIC_MESSAGES = 4000,
    TRAFFIC_SENDERS = 100,
    TRAFFIC_TARGETS = 100,
    TRAFFIC_PRIORITIES = 5,
    TRAFFIC_LANES = TRAFFIC_SENDERS * TRAFFIC_TARGETS * TRAFFIC_PRIORITIES,
};

typedef struct traffic_entry {
    uint32_t lane; /* sender, target and priority */
    uint32_t seq;  /* in its lane */
    bool accepted;
    bool unordered; /* stashed once: may come later than its successors */
    uint8_t ends;
    uint8_t visits; /* times it was put back or stashed */
} traffic_entry;

typedef struct traffic {
    uint32_t count;
    traffic_entry entries[TRAFFIC_MESSAGES];
    uint32_t sent[TRAFFIC_LANES], seen[TRAFFIC_LANES]; /* seq */
    uint64_t hash;
} traffic;

void traffic_clear(traffic *l);
void traffic_hash(traffic *l, uint64_t event);

/* A new message. False: there is no room, send no more. */
bool traffic_new(traffic *l, uint32_t sender, uint32_t target, uint32_t priority, uint32_t *id);
void traffic_accepted(traffic *l, uint32_t id);

/* A handler sees it. False: it has ended before, or is out of order. */
bool traffic_seen(traffic *l, uint32_t id);

/* Handled for good, or a dead letter. */
void traffic_end(traffic *l, uint32_t id);

/* The first message whose account is wrong, or `count`. */
uint32_t traffic_check(const traffic *l);

#endif
