#include "tests/support/ledger.h"

#include <string.h>

void ledger_clear(ledger *l)
{
    memset(l, 0, sizeof *l);
    l->hash = 0xcbf29ce484222325u;
}

void ledger_hash(ledger *l, uint64_t event)
{
    for (int i = 0; i < 8; i++) {
        l->hash ^= event >> (8 * i) & 0xff;
        l->hash *= 0x100000001b3u;
    }
}

bool ledger_new(ledger *l, uint32_t sender, uint32_t target, uint32_t priority, uint32_t *id)
{
    if (l->count == LEDGER_MESSAGES || sender >= LEDGER_SENDERS || target >= LEDGER_TARGETS ||
        priority >= LEDGER_PRIORITIES)
        return false;
    *id = l->count++;
    ledger_entry *e = &l->entries[*id];
    e->lane = (sender * LEDGER_TARGETS + target) * LEDGER_PRIORITIES + priority;
    e->seq = ++l->sent[e->lane];
    return true;
}

void ledger_accepted(ledger *l, uint32_t id)
{
    l->entries[id].accepted = true;
}

bool ledger_seen(ledger *l, uint32_t id)
{
    ledger_entry *e = &l->entries[id];
    ledger_hash(l, id);
    if (e->ends)
        return false;
    if (e->unordered)
        return true;
    bool ordered = e->seq >= l->seen[e->lane];
    l->seen[e->lane] = e->seq;
    return ordered;
}

void ledger_end(ledger *l, uint32_t id)
{
    ledger_hash(l, id + 0x80000000u);
    l->entries[id].ends++;
}

uint32_t ledger_check(const ledger *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->entries[i].ends != l->entries[i].accepted)
            return i;
    return l->count;
}
