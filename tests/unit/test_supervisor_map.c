/* Where the names and references of children go in their maps: how many have to be looked at to
 * find one. */
#include "supervisors/map.h"
#include "tests/support/suite.h"

#include <stdio.h>

enum { ENTRIES = 1000, BUCKETS = 1024 };

static unsigned buckets[BUCKETS];

static void enter(uint64_t hash)
{
    buckets[hash % BUCKETS]++;
}

/* The mean, if each is looked for once. */
static double looks(void)
{
    double sum = 0;
    for (int i = 0; i < BUCKETS; i++) {
        sum += buckets[i] * (buckets[i] + 1) / 2.0;
        buckets[i] = 0;
    }
    return sum / ENTRIES;
}

START_TEST(references_are_found_at_once_whatever_was_spawned_in_between)
{
    for (uint64_t distance = 1; distance <= 4096; distance++) {
        for (uint64_t i = 0; i < ENTRIES; i++)
            enter(sup_map_hash_ref((actor_ref){(uint64_t)3 << 32 | (7 + i * distance)}));
        double mean = looks();
        ck_assert_msg(mean < 2, "every %lu: %g looks", (unsigned long)distance, mean);
    }
}
END_TEST

START_TEST(names_are_found_at_once_however_they_count)
{
    static const char *const names[][2] = {{"c", ""}, {"shard-", "-worker"}, {"a", "0"}};
    for (size_t f = 0; f < sizeof names / sizeof names[0]; f++) {
        for (int i = 0; i < ENTRIES; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s%d%s", names[f][0], i, names[f][1]);
            enter(sup_map_hash_text(name));
        }
        double mean = looks();
        ck_assert_msg(mean < 2.5, "%s1%s: %g looks", names[f][0], names[f][1], mean);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {references_are_found_at_once_whatever_was_spawned_in_between,
                                  names_are_found_at_once_however_they_count, NULL};
    return suite_run("supervisor_map", tests, NULL, NULL);
}
