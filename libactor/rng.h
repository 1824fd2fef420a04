/* splitmix64: one word of state, every seed is good. Not for secrets. */
#ifndef ACTOR_RNG_H
#define ACTOR_RNG_H

#include <stdint.h>

typedef struct actor__rng {
    uint64_t state;
} actor__rng;

static inline uint64_t actor__rng_next(actor__rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 .. below - 1; `below` at least 1. */
static inline uint32_t actor__rng_below(actor__rng *r, uint32_t below)
{
    return (uint32_t)(((actor__rng_next(r) >> 32) * below) >> 32);
}

#endif
