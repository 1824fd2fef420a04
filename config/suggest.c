#include "suggest.h"

#include <ctype.h>
#include <string.h>

static int lower(char c)
{
    return tolower((unsigned char)c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
    size_t rows = strnlen(a, SUGGEST_MAX + 1), columns = strnlen(b, SUGGEST_MAX + 1);
    if (rows > SUGGEST_MAX || columns > SUGGEST_MAX)
        return SUGGEST_MAX + 1;
    /* Three rows of the table are enough: this one, the last, and the one before for swaps. */
    unsigned char table[3][SUGGEST_MAX + 1];
    for (size_t j = 0; j <= columns; j++)
        table[0][j] = (unsigned char)j;
    for (size_t i = 1; i <= rows; i++) {
        unsigned char *now = table[i % 3];
        const unsigned char *last = table[(i + 2) % 3], *before = table[(i + 1) % 3];
        now[0] = (unsigned char)i;
        for (size_t j = 1; j <= columns; j++) {
            int x = lower(a[i - 1]), y = lower(b[j - 1]);
            size_t d = least(least(last[j], now[j - 1]) + 1U, last[j - 1] + (x != y ? 1U : 0U));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
                d = least(d, before[j - 2] + 1U);
            now[j] = (unsigned char)d;
        }
    }
    return table[rows % 3][columns];
}

void suggest_start(suggest *s, const char *word)
{
    *s = (suggest){.word = word};
}

void suggest_offer(suggest *s, const char *candidate)
{
    size_t a = strnlen(s->word, SUGGEST_MAX + 1), b = strnlen(candidate, SUGGEST_MAX + 1);
    size_t longer = a > b ? a : b, apart = longer - least(a, b);
    size_t limit = longer < 6 ? (longer > 3 ? 2 : 1) : longer / 3;
    if (longer > SUGGEST_MAX || apart > limit || (s->best && apart >= s->distance))
        return;
    size_t d = suggest_distance(s->word, candidate);
    /* Of a short word something must be left, or anything is near anything. */
    if (d > limit || d >= least(a, b) || (s->best && d >= s->distance))
        return;
    s->best = candidate;
    s->distance = d;
}

const char *suggest_nearest(const char *word, const char *const *names, size_t count)
{
    suggest s;
    suggest_start(&s, word);
    for (size_t i = 0; i < count; i++)
        suggest_offer(&s, names[i]);
    return s.best;
}
