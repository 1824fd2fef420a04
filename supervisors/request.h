/* request: operator calls on their way. Inside this folder only.
 *
 * A request is the payload of its message, so whoever keeps one waiting needs no memory for it.
 *
 * One to several instances has a request for each, its parts, and is answered with the last of
 * them: sup_request_answer() of a part goes to the whole. One to a single instance has no parts. */
#ifndef SUPERVISORS_REQUEST_H
#define SUPERVISORS_REQUEST_H

#include "supervisors/spec.h"
#include "supervisors/supervisor.h"

#define REQUEST_MSG_TYPE 0xfe00u
#define REPLY_MSG_TYPE   0xfe01u

typedef enum verb {
    VERB_START,
    VERB_STOP,
    VERB_RESTART,
    VERB_KILL,
    VERB_REMOVE,
    VERB_DROP,
    VERB_ADD, /* the part of a scale that starts an instance */
    VERB_SCALE,
    VERB_UPDATE,
    VERB_ORDER,
    VERB_FLAGS,
    VERB_WHICH,
    VERB_COUNT,
    VERBS,
} verb;

typedef struct request request;
typedef struct request_list {
    request *first, *last;
} request_list;

struct request {
    verb verb;
    bool keep;
    size_t index;
    uint32_t instance;  /* it is to this one only; 0: to all */
    uint32_t instances; /* of scale and update: how many there shall be; 0: as many as there are */
    supervisor_flags flags;
    child_spec *child; /* start and update; NULL when `bad` is set */
    char **ids;        /* order: `count` of them, in one block */
    size_t count;
    char **path; /* to the stopped supervisor it is for: `depth` names, in one block */
    size_t depth;
    bool untouched;     /* by a supervisor that ends: told with the answer */
    supervisor_err bad; /* it can't be carried out: the answer, and why */
    char why[160];
    actor_msg *msg; /* the one it came with, owned, from sup_call_take() on */
    request *next;  /* in a request_list */
    /* of a whole */
    request *parts; /* NULL: it has none */
    uint32_t made;  /* so many of them are in use */
    uint32_t open;  /* so many of them are unanswered */
    uint32_t done;  /* so many went well */
    supervisor_err failed;
    actor_ref ref;
    request_list *again; /* where it goes to be undone */
    /* of a part */
    request *whole;
    const char *id; /* `text`, the child's, or NULL */
    char text[];
};

void sup_request_push(request_list *list, request *r);
request *sup_request_pop(request_list *list);

/* Answer and free it. A reply that memory is missing for becomes ACTOR_EENDED at the asker. */
void sup_request_answer(request *r, supervisor_err err, actor_ref ref, const char *reason);

/* It has failed, and is answered with that, whatever comes, when it is over. */
void sup_request_fail(request *r, supervisor_err err, const char *reason);

/* Make room for `count` parts; it can't be answered before sup_request_sent(). False: out of
 * memory.
 */
bool sup_request_split(request *r, uint32_t count);
/* The next part, to be carried out. */
request *sup_request_part(request *r, verb v, uint32_t instance);
/* There are no more. r may be gone. */
void sup_request_sent(request *r);
void sup_request_answer_counts(request *r, const supervisor_counts *counts);

/* A reply with room for `count` children and `text` bytes of strings, to be filled and sent.
 * Returns NULL when out of memory. */
typedef struct reply_block {
    supervisor_reply reply;
    char *text; /* where the next string goes */
    supervisor_child_info children[];
} reply_block;

reply_block *sup_reply_new(size_t count, size_t text);
const char *sup_reply_text(reply_block *b, const char *text);
/* Takes both. */
void sup_request_answer_block(request *r, reply_block *b);

#endif
