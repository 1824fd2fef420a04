/* The message: a header of 32 bytes and the payload behind it, in one block. */
#ifndef ACTOR_MSG_H
#define ACTOR_MSG_H

#include "libactor/base.h"

/* A link of a mailbox: a message, or the stub that each mailbox has. */
typedef struct actor__node {
    struct actor__node *_Atomic next;
} actor__node;

/* What the runtime does with a message when its turn comes; see run.c's table. */
typedef enum actor__kind {
    ACTOR__USER = 0,    /* the handler's */
    ACTOR__TIMER,       /* payload timer.h */
    ACTOR__ASK_TIMEOUT, /* also a timer; tag: the ask */
    ACTOR__ASK_REPLY,   /* tag: the ask */
    ACTOR__ASK_ENDED,   /* the ask's own block on its way back, payload gone */
    ACTOR__NOTICE,      /* payload actor_notice, owns its reason; sender: the child */
    ACTOR__NOTICE_BACK, /* a notice's block on its way back to the child */
    ACTOR__WATCH,       /* payload watch.c; the target keeps it as its record */
    ACTOR__UNWATCH,
    ACTOR__DOWN,      /* a record that went home: payload actor_down; tag: the watch */
    ACTOR__WANT_ROOM, /* a request; the target sends it back as ROOM */
    ACTOR__ROOM,      /* payload actor_room; tag: the incarnation that asked */
    ACTOR__KINDS,
} actor__kind;

struct actor_msg {
    actor__node node; /* in a mailbox, a lane, a stash, a cache, or a slot of a timer wheel */
    uint32_t size;    /* of the payload; of an armed timer its place in the wheel */
    uint16_t type;
    union {
        struct {
            uint8_t kind : 4;
            uint8_t priority : 3;
            uint8_t returned : 1; /* put back to the front of its lane */
            uint8_t block : 4;    /* size class, or ACTOR__BLOCK_HEAP */
            uint8_t ask : 1;      /* `sender` waits for a reply with `tag` */
            uint8_t borrowed : 1; /* the payload is an actor__loan */
            uint8_t counted : 1;  /* against the capacity of the mailbox it is in */
            uint8_t held : 1;     /* the runtime's: sent, and not taken by a handler */
        };
        uint16_t flags; /* all of these */
    };
    actor_ref sender;
    uint64_t tag;
};
static_assert(sizeof(actor_msg) == 32, "the header is half a cache line");
static_assert(offsetof(actor_msg, node) == 0, "a node is its message");
static_assert(ACTOR__KINDS <= 16, "a kind has 4 bits");

#define ACTOR__BLOCK_HEAP    15u
#define ACTOR__PLAIN_CLASSES 8u

/* The payload of a borrowed message. */
typedef struct actor__loan {
    void *data;
    void (*release)(void *arg);
    void *arg;
} actor__loan;

static inline void *actor__payload(actor_msg *m)
{
    return m + 1;
}

static inline actor_msg *actor__node_msg(actor__node *n)
{
    return (actor_msg *)n;
}

/* The next message of a private list (lane, stash, cache). */
static inline actor_msg *actor__next(actor_msg *m)
{
    return (actor_msg *)load_relaxed(&m->node.next);
}

static inline void actor__set_next(actor_msg *m, actor_msg *next)
{
    store_relaxed(&m->node.next, (actor__node *)next);
}

/* Nothing is special about the message: a user's, normal priority, no ask, not borrowed, not
 * counted, of one of the first ACTOR__PLAIN_CLASSES size classes (under AddressSanitizer of any
 * block, so that it sees the short ways too). One comparison for all. */
static inline bool actor__msg_plain(const actor_msg *m, bool held)
{
    const actor_msg of_interest = {.kind = 15,
                                   .priority = 7,
                                   .returned = 1,
                                   .block = ACTOR__ASAN ? 0 : 15 & ~(ACTOR__PLAIN_CLASSES - 1),
                                   .ask = 1,
                                   .borrowed = 1,
                                   .counted = 1,
                                   .held = 1};
    const actor_msg plain = {.kind = ACTOR__USER, .priority = ACTOR_NORMAL, .held = held & 1u};

    return (m->flags & of_interest.flags) == plain.flags;
}

/* A message of the runtime itself: system priority. NULL when out of memory. */
actor_msg *actor__msg_new(actor__kind kind, size_t size);

/* Free a message that is in no queue; what it still owes (a release, an unanswered asker) is done
 * first. */
void actor__msg_release(actor_msg *m);

/* Bytes behind the header that nobody may touch while the message is queued. */
static inline size_t actor__msg_private(const actor_msg *m)
{
    if (m->kind != ACTOR__USER && m->kind != ACTOR__ASK_REPLY)
        return 0;
    return m->borrowed ? sizeof(actor__loan) : m->size;
}

#endif
