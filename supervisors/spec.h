/* spec: what a supervisor and its children shall be. Inside this folder only.
 *
 * A supervisor_spec is the `arg` of a supervisor's actor: it outlives incarnations, belongs to the
 * running supervisor while there is one, and to its parent while there is none. */
#ifndef SUPERVISORS_SPEC_H
#define SUPERVISORS_SPEC_H

#include "supervisors/map.h"
#include "supervisors/supervisor.h"

typedef struct child_spec child_spec;
struct child_spec {
    supervisor_child child; /* normalised: behaviour, arg, free_arg are set for a nested one too */
    bool is_supervisor;
    uint32_t refs;           /* the list below, a slot, a slot's actor */
    child_spec *prev, *next; /* in supervisor_spec */
    map_link by_id;          /* in supervisor_spec */
    char id[];
};

struct supervisor_spec {
    supervisor_flags flags;
    supervisor_observer observer;
    uint64_t seed;
    child_spec *first, *last; /* in start order */
    map ids;
    bool begun; /* its actor has run, and tells of its own end */
};

extern const actor_behaviour sup_behaviour;

/* May a child like this be under a supervisor with this mode? As supervisor_child_check(). */
supervisor_err child_check_mode(const supervisor_child *child, supervisor_auto_shutdown mode,
                                char *why, size_t size);

/* A checked copy with one reference; not against the mode of its supervisor. `update`: it may be
 * without a behaviour and a nested supervisor, see supervisor_request_update().
 * Ownership  of arg and nested is taken on SUPERVISOR_OK. */
supervisor_err child_spec_new(const supervisor_child *child, bool update, char *why, size_t size,
                              child_spec **out);
/* How it is supervised changes; what it runs, and how many, stays, and so does a tag where the new
 * one is NULL. */
void child_spec_change(child_spec *s, const supervisor_child *to);
child_spec *child_spec_ref(child_spec *s);
void child_spec_unref(child_spec *s); /* NULL is allowed */

child_spec *sup_spec_find(const supervisor_spec *spec, const char *id);
/* Put `s` before `before` (NULL: at the end). The list has a reference of its own. */
void sup_spec_insert(supervisor_spec *spec, child_spec *s, child_spec *before);
void sup_spec_unlink(supervisor_spec *spec, child_spec *s);
/* Unlink the one with this id; false: there is none. */
bool sup_spec_drop(supervisor_spec *spec, const char *id);
/* `fresh` in the place of `s`, with as many instances; s may be gone. */
void sup_spec_replace(supervisor_spec *spec, child_spec *s, child_spec *fresh);
/* As supervisor_request_order(). */
void sup_spec_order(supervisor_spec *spec, char *const *ids, size_t count);

#endif
