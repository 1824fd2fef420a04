#include "supervisors/prng.h"

/* splitmix64 (Steele, Lea, Flood): every state is as good as another, so any seed will do. */
uint64_t prng_next(prng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t prng_between(prng *r, int64_t low, int64_t high)
{
    if (low >= high)
        return low;
    uint64_t span = (uint64_t)high - (uint64_t)low;
    if (span == UINT64_MAX)
        return (int64_t)prng_next(r);
    /* Draws from the incomplete last round would favour small numbers. */
    uint64_t sides = span + 1;
    uint64_t limit = UINT64_MAX - UINT64_MAX % sides;
    uint64_t drawn = prng_next(r);
    while (drawn >= limit)
        drawn = prng_next(r);
    return (int64_t)((uint64_t)low + drawn % sides);
}
