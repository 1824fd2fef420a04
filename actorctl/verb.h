/* verb: everything actorctl can do, one row each: help, completion and dispatch read this table. */
#ifndef ACTORCTL_VERB_H
#define ACTORCTL_VERB_H

#include "actorctl/exit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctl;

/* What an argument names; completion asks the daemon for these. */
typedef enum verb_names {
    NAMES_NONE,
    NAMES_ACTOR,
    NAMES_BREAKER,
    NAMES_DEADLETTER,
    NAMES_FILE
} verb_names;

typedef struct verb {
    const char *name;    /* one word, or a noun and its verb: "breaker open" */
    const char *args;    /* as help shows them */
    const char *summary; /* one line; NULL: of the contract, but not built yet */
    const char *details; /* more for `help VERB`, or NULL */
    uint32_t options;    /* OPTION_BIT of each one that isn't global */
    size_t min_args;
    size_t max_args;    /* SIZE_MAX: any number */
    bool takes_command; /* what stands after "--" is a command, not arguments */
    verb_names names;
    ctl_exit (*run)(struct ctl *c);
    bool local; /* needs no daemon */
} verb;

extern const verb verbs[];
extern const size_t verb_count;

/* The row for these words, and in *used how many of them name it (1 or 2). NULL where there is
 * none: then *near is the nearest name, or NULL. */
const verb *verb_find(const char *const *words, size_t count, size_t *used, const char **near);

/* Is `word` the noun of two-word verbs? */
bool verb_is_noun(const char *word);

#endif
