/* suggest: the nearest of some known names, for "did you mean 'x'?". Pure; any thread. */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include <stddef.h>

/* Longer words are never compared: no name, key or value is longer. */
#define SUGGEST_MAX 128

/* How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`, letters
 * compared without case; SUGGEST_MAX + 1 when either is longer than SUGGEST_MAX bytes. */
size_t suggest_distance(const char *a, const char *b);

/* Feed candidates one by one; `best` is the nearest so far, or NULL while none is near enough
 * (a third of the longer word's letters, two of a short word). The first of equals wins. */
typedef struct suggest {
    const char *word;
    const char *best;
    size_t distance;
} suggest;

void suggest_start(suggest *s, const char *word);
void suggest_offer(suggest *s, const char *candidate);

/* The nearest of `count` names, or NULL. */
const char *suggest_nearest(const char *word, const char *const *names, size_t count);

#endif
