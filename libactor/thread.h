/* What the runtime keeps for each thread that touches it, its own workers and others alike.
 *
 * It lives in the thread's TLS, so nothing can fail on the way to it, and is linked into a list of
 * all threads at its first use, for epoch.c. A pthread key gives back what is left when the thread
 * ends. Only `epoch` and `online` are read by others; the rest belongs to the thread.
 */
#ifndef ACTOR_THREAD_H
#define ACTOR_THREAD_H

#include "libactor/base.h"
#include "libactor/rng.h"

struct actor__worker;

/* A message cache: `cur` in use, `spare` a full batch or none (Bonwick's two magazines). */
typedef struct actor__cache {
    alignas(32) actor_msg *cur;
    actor_msg *spare;
    uint32_t room; /* in cur, for so many more; 0 also while there is none yet */
} actor__cache;

/* Memory for blocks that nobody has had yet. */
typedef struct actor__extent {
    char *at, *end;
} actor__extent;

#define ACTOR__CLASSES 9 /* message blocks of 32, 64, ... 8192 bytes */

typedef struct actor__thread {
    struct actor__worker *worker; /* that this thread is, or plays in a simulation; or NULL */
    actor__cache cache[ACTOR__CLASSES];

    struct {
        const actor *to;
        const void *newest; /* pushed there, for comparing only */
        uint32_t length;
    } stream; /* messages in a row to one actor that had others waiting; see send.c */

    _Atomic uint64_t epoch;  /* seen last while at rest; 0: offline, holds no reference */
    _Atomic uint32_t online; /* depth of actor__online(), and ACTOR__IN_BATCH */
    bool registered;
    bool stands_in;                    /* could not register: uses epoch.c's stand-in */
    struct actor__thread *next, *prev; /* all threads; guarded by epoch.c's lock */

    actor *free_slots; /* ready for reuse */
    uint32_t free_count;
    actor *limbo; /* ended here, not yet stamped */
    actor *limbo_last;
    uint32_t limbo_count;
    uint32_t limbo_total; /* stamped since the last look for threads at rest */

    actor__extent extents[ACTOR__CLASSES]; /* what it carves new blocks from */

    actor *port; /* actor_call()'s mailbox, or NULL */

    int64_t trim_at; /* when this thread gives memory back, if it has nothing to do; 0: never */

    struct {
        uint32_t ppm;    /* of allocations that fail; 0 but in simulations */
        actor__rng *rng; /* of the simulation */
    } deny;
} actor__thread;

extern _Thread_local actor__thread actor__me __attribute__((tls_model("initial-exec")));

/* Have the destructor called for this thread and make it visible to epoch.c.
 * False when the C library has no memory for that: the caller must take another way. */
bool actor__thread_register(void);

#endif
