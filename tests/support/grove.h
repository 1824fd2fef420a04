/* grove: a random supervision tree, and the books of what happens in it, for one simulated system.
 *
 * The tree's own words (its observers) and its children's (their callbacks) are entered, and held
 * against the rules as they come in; grove.c says which. What the tree shall be, the books know
 * from the calls that changed it, not from the supervisors.
 *
 * A node is a child as its supervisor's file has it, a seat one instance of it, a ruler what a node
 * is besides when it is a supervisor. `grove` is the one there is; one thread.
 */
#ifndef TESTS_GROVE_H
#define TESTS_GROVE_H

#include "supervisors/prng.h"
#include "supervisors/supervisor.h"
#include "tests/support/seeds.h"

enum {
    GROVE_NODES = 440,
    GROVE_RULERS = 100,
    GROVE_SEATS = 4,
    GROVE_CHILDREN = 200, /* of a tree that is built; calls add more */
    GROVE_DEPTH = 5,
    GROVE_STAMPS = 64,
    GROVE_CALLS = 4000,
};

typedef struct node node;
typedef struct ruler ruler;

typedef struct seat {
    node *node;
    actor_ref ref;
    supervisor_child_state state; /* as the supervisor told last */
    uint32_t incarnation;
    bool there;     /* its supervisor has it */
    bool alive;     /* a kid: it is up, as it says itself; a supervisor: from STARTED to STOPPED */
    bool held;      /* its supervisor has begun an incarnation and has not seen its end */
    bool begun;     /* it was started, since its supervisor began ... */
    bool settled;   /* ... and has come up, or is over */
    bool crashed;   /* it is down, and its supervisor has not decided yet */
    bool awaited;   /* it is down with a group, and shall come up with it */
    bool forced;    /* it was told to end when the supervisor was killed */
    uint64_t since; /* the event that its incarnation began with */
    uint64_t decided; /* the event that brought its group down for it; 0: none */
} seat;

struct node {
    char id[16];
    ruler *parent; /* NULL: the root */
    ruler *rules;  /* NULL: a kid */
    supervisor_child child;
    size_t index;      /* of one that is started by call */
    bool kept;         /* comes back with its supervisor ... */
    bool unsure;       /* ... or may */
    bool temporary;    /* it is, or was once */
    bool unsure_child; /* its settings and instances are being changed ... */
    bool overtaken;    /* ... by two at once */
    unsigned calls;    /* that may stop it */
    unsigned changes;  /* of these: that may make it come back, or not */
    seat seats[GROVE_SEATS];
};

typedef struct node_list {
    node *at[GROVE_NODES];
    size_t count;
} node_list;

struct ruler {
    node *node;
    supervisor_flags flags;
    node_list order; /* the children there, in start order */
    node_list spec;  /* those that come back */
    bool starting;   /* its children start for the first time */
    bool announced;  /* they are known */
    bool killed;
    unsigned orders; /* calls that change the order, under way */
    bool lost;       /* the order is not known */
    bool group_all;
    node *group_from;              /* the group that is, or was last, restarted begins behind it */
    uint64_t changed;              /* the event of the newest change of flags or order */
    actor_ms stamps[GROVE_STAMPS]; /* of restarts */
    size_t stamp_count;
    bool uncounted; /* the newest was counted; what for comes next */
};

extern struct grove {
    actor_system *sys;
    uint64_t seed;
    prng chance;
    bool talks;    /* print every event of a child */
    int64_t fails; /* one start in so many */
    uint64_t event;
    node nodes[GROVE_NODES];
    size_t node_count;
    ruler rulers[GROVE_RULERS];
    size_t ruler_count;
    actor_ref client;
    unsigned asked, answered;
} grove;

int64_t grove_pick(int64_t low, int64_t high);
bool grove_one_in(int64_t n);

/* ---- grove.c: the books ---- */

extern const supervisor_observer grove_observer; /* `tag` is the ruler */

bool grove_rules(const ruler *r); /* it may have children */
/* A kid is up, a supervisor has started. */
void grove_up(seat *s);
void grove_begin(ruler *r); /* an incarnation of it */

size_t node_list_find(const node_list *l, const node *n); /* or count */
void node_list_insert(node_list *l, size_t at, node *n);
void node_list_remove(node_list *l, const node *n);

/* ---- grove_make.c: kids and trees ---- */

enum { GROVE_ORDER = 1 }; /* to a kid; the payload is one of these */
typedef enum grove_order { GROVE_EXIT, GROVE_CRASH, GROVE_STOP, GROVE_ESCALATE } grove_order;

supervisor_flags grove_flags(void);
node *grove_node(ruler *parent, bool is_supervisor); /* NULL: no room */
/* What shall be known of `n`, a kid; kept in its node. */
supervisor_child grove_kid(const node *n);
/* A supervisor with some children; `room` is for how many nodes, and less what it used. */
node *grove_tree(ruler *parent, int depth, int64_t *room);

/* ---- grove_calls.c: what operators ask for, and what the books make of the answers ---- */

typedef enum grove_verb { /* up to GROVE_UPDATE they are about one child */
                          GROVE_START,
                          GROVE_CALL_STOP,
                          GROVE_RESTART,
                          GROVE_KILL,
                          GROVE_REMOVE,
                          GROVE_DROP,
                          GROVE_SCALE,
                          GROVE_UPDATE,
                          GROVE_REORDER,
                          GROVE_FLAGS,
                          GROVE_WHICH,
                          GROVE_COMPARE, /* which, and hold it against the books; while nothing goes
                                            on */
                          GROVE_COUNT,
} grove_verb;

void grove_client(void); /* begin anew, with nobody asked */
/* About `of`, where the verb is about a child; to its supervisor. */
void grove_ask(grove_verb verb, ruler *to, node *of);
/* As a file that is loaded again: changes of the whole tree, one after the other. */
void grove_reload(void);
bool grove_reloading(void);

#endif
