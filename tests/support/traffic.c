#include "tests/support/traffic.h"

#include <string.h>

void traffic_clear(traffic *l)
{
    memset(l, 0, sizeof *l);
    l->hash = 0xcbf29ce484222325u;
}

void traffic_hash(traffic *l, uint64_t event)
{
    for (int i = 0; i < 8; i++) {
        l->hash ^= event >> (8 * i) & 0xff;
        l->hash *= 0x100000001b3u;
    }
}

bool traffic_new(traffic *l, uint32_t sender, uint32_t target, uint32_t priority, uint32_t *id)
{
    if (l->count == TRAFFIC_MESSAGES || sender >= TRAFFIC_SENDERS || target >= TRAFFIC_TARGETS ||
        priority >= TRAFFIC_PRIORITIES)
        return false;
    *id = l->count++;
    traffic_entry *e = &l->entries[*id];
    e->lane = (sender * TRAFFIC_TARGETS + target) * TRAFFIC_PRIORITIES + priority;
    e->seq = ++l->sent[e->lane];
    return true;
}

void traffic_accepted(traffic *l, uint32_t id)
{
    l->entries[id].accepted = true;
}

bool traffic_seen(traffic *l, uint32_t id)
{
    traffic_entry *e = &l->entries[id];
    traffic_hash(l, id);
    if (e->ends)
        return false;
    if (e->unordered)
        return true;
    bool ordered = e->seq >= l->seen[e->lane];
    l->seen[e->lane] = e->seq;
    return ordered;
}

void traffic_end(traffic *l, uint32_t id)
{
    traffic_hash(l, id + 0x80000000u);
    l->entries[id].ends++;
}

uint32_t traffic_check(const traffic *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->entries[i].ends != l->entries[i].accepted)
            return i;
    return l->count;
}
