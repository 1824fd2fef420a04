/* The accounts of messages: each one accepted has exactly one end, and those of one sender, one
 * target and one priority are handled in the order they were sent.
 *
 * Also a hash of all that is entered, to compare two runs. One thread.
 */
#ifndef TESTS_LEDGER_H
#define TESTS_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LEDGER_MESSAGES = 4000,
    LEDGER_SENDERS = 100,
    LEDGER_TARGETS = 100,
    LEDGER_PRIORITIES = 5,
    LEDGER_LANES = LEDGER_SENDERS * LEDGER_TARGETS * LEDGER_PRIORITIES,
};

typedef struct ledger_entry {
    uint32_t lane; /* sender, target and priority */
    uint32_t seq;  /* in its lane */
    bool accepted;
    bool unordered; /* stashed once: may come later than its successors */
    uint8_t ends;
    uint8_t visits; /* times it was put back or stashed */
} ledger_entry;

typedef struct ledger {
    uint32_t count;
    ledger_entry entries[LEDGER_MESSAGES];
    uint32_t sent[LEDGER_LANES], seen[LEDGER_LANES]; /* seq */
    uint64_t hash;
} ledger;

void ledger_clear(ledger *l);
void ledger_hash(ledger *l, uint64_t event);

/* A new message. False: the ledger is full, send no more. */
bool ledger_new(ledger *l, uint32_t sender, uint32_t target, uint32_t priority, uint32_t *id);
void ledger_accepted(ledger *l, uint32_t id);

/* A handler sees it. False: it has ended before, or is out of order. */
bool ledger_seen(ledger *l, uint32_t id);

/* Handled for good, or a dead letter. */
void ledger_end(ledger *l, uint32_t id);

/* The first message whose account is wrong, or `count`. */
uint32_t ledger_check(const ledger *l);

#endif
