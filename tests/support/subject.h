/* An actor that does what messages say, under a supervisor, in a simulated system.
 *
 * The tree: root, with x, the subject of a test, and w, another one, who watches. Both are
 * permanent. `subject_words` is what they did: start, stop, kill, crash for their callbacks; the
 * numbers they were told to say; the name of the exit they heard of, or `again` for a restart.
 *
 * Built on family.h: one system at a time; one thread.
 */
#ifndef TESTS_SUBJECT_H
#define TESTS_SUBJECT_H

#include "tests/support/family.h"

typedef enum subject_what {
    SUBJECT_NOTE,           /* say n */
    SUBJECT_COUNT,          /* say how many orders this incarnation got, as =3 */
    SUBJECT_FAIL,           /* fail with the verdict n */
    SUBJECT_KEEP,           /* stash until `opened`, then say n */
    SUBJECT_OPEN,           /* set `opened` and unstash */
    SUBJECT_REPLAY,         /* unstash */
    SUBJECT_BECOME,         /* say "other" from now on, whatever the message */
    SUBJECT_TIMER,          /* one in n ms, which says "timer" */
    SUBJECT_WATCH,          /* target */
    SUBJECT_RESTARTS,       /* watch target, its restarts too */
    SUBJECT_UNWATCH,        /* target */
    SUBJECT_STOP_AND_GO_ON, /* stop oneself, then say n */
    SUBJECT_STOP_AND_KILL,  /* oneself, both in one handler */
    SUBJECT_WATCH_AND_STOP, /* watch target, then stop oneself */
} subject_what;

typedef struct subject_order {
    subject_what what;
    int n;
    actor_ref target;
} subject_order;

#define SUBJECT_ORDER 1 /* the type of its message */

/* Of all subjects. */
extern struct subject_script {
    bool opened;        /* for SUBJECT_KEEP */
    bool hangs;         /* a stop stays pending */
    bool fails_at_stop; /* stop returns a failure */
    bool asks_at_stop;  /* it asks its supervisor something and stops when that is over */
    actor_verdict next_start;
} subject;
extern const actor_behaviour subject_behaviour;
extern trace subject_words;
extern actor_ref subject_root;

void subject_setup(void);
void subject_tree(supervisor_flags flags, uint32_t stash_capacity);
void subject_plainly(void);      /* one_for_one, no backoff */
void subject_with_backoff(void); /* 100 ms */

actor_msg *subject_message(subject_what what, int n, actor_ref target);
/* Queue an order; nothing runs yet. The target is x. */
void subject_queue(actor_ref to, subject_what what, int n);
void subject_to_x(subject_what what, int n);
void subject_notes(int from, int to); /* to x: say these numbers */
/* Order w something, which happens at once. */
void subject_to_w(subject_what what, actor_ref target);

/* Carry it out, for other behaviours; all but SUBJECT_COUNT. */
actor_verdict subject_obey(actor *self, const subject_order *order);

#endif
