/* The world of the simulation: its actors, and the books of what they asked, armed and watched.
 *
 * Only tests/unit/test_actor_sim.c is built on it. One thread; `w` is the one world.
 */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "libactor/actor.h"
#include "tests/support/seeds.h"
#include "tests/support/traffic.h"

enum {
    NODES = 10,       /* places for actors; one that ends is filled again, until BIRTHS */
    BIRTHS = 90,      /* in all */
    ASKS = 4000,      /* at most */
    TIMERS = 4000,    /* at most */
    WATCHES = 4000,   /* at most */
    HELD = 4,         /* requests one actor keeps for later */
    OUTSIDE = BIRTHS, /* the sender that is no actor */
};

enum { ITEM = 1, CALM, REPLY };                   /* types of message */
enum { TAG_STARTED = 1, TAG_STOPPED, TAG_FIRST }; /* of timers; the rest are indices */

typedef struct item {
    uint32_t id; /* in the books */
} item;

/* One actor, for ever; its index is its identity. */
typedef struct life {
    uint32_t place;
    actor_ref ref;
    bool supervised, ended;
    bool live, stopping;             /* between start and the end of stop */
    bool known_running, known_ended; /* to the supervisor */
    uint32_t incarnation;
} life;

typedef struct state {
    actor_msg *held[HELD];
    uint32_t marker;
} state;

typedef struct ask {
    uint32_t life, incarnation, outcomes;
    actor_ask_id id;
    bool cancelled;
} ask;

typedef struct timer {
    uint32_t life, incarnation, fired;
    actor_ms due;
    actor_timer *handle;
    bool cancelled;
} timer;

typedef struct watch {
    uint32_t life, incarnation, target;
    bool restarts, over;
} watch;

typedef struct world {
    uint64_t seed;
    actor_system *sys;
    actor_ref supervisor;
    traffic traffic;
    life lives[BIRTHS];
    ask asks[ASKS];
    timer timers[TIMERS];
    watch watches[WATCHES];
    uint32_t births, ask_count, timer_count, watch_count, freed, borrowed, released;
    uint32_t places[NODES]; /* who lives there, or BIRTHS */
    bool calm;              /* only good manners from now on */
} world;

extern world w;

/* A number below `sides`, as the seed decides. */
uint32_t world_dice(uint32_t sides);

/* Enter an event into the hash. */
void world_note(uint32_t what, uint64_t who);

life *world_life_of(actor_ref ref);

/* Send something to somebody; from outside if `self` and `me` are NULL. */
void world_send(actor *self, life *me);

/* The behaviour of a life, and the hooks of its end and of the system's dead letters. */
extern const actor_behaviour world_node;
void world_free_life(void *arg);
void world_dead_letter(void *user, actor_ref to, actor_msg **msg, actor_err why);

#endif
