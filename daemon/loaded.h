/* A loaded configuration (or the tree of one spawned child) with a count of those who look at it.
 */
#ifndef DAEMON_LOADED_H
#define DAEMON_LOADED_H

#include "config/config.h"

typedef struct loaded loaded;

/* Takes over `c` or `tree` (one of them may be NULL). NULL when out of memory: nothing is taken. */
loaded *loaded_new(config *c, config_tree *tree);
loaded *loaded_hold(loaded *s);
void loaded_release(loaded *s); /* NULL is fine */
const config *loaded_config(const loaded *s);

/* A change that led to it has failed. False when out of memory. Threads: any. */
bool loaded_add_undone(loaded *s, const config_undone *undone);
/* Those there are now: a copy for free(), NULL when out of memory. Their names live as long as `s`.
 * Threads: any. */
config_undone *loaded_undone(loaded *s, size_t *count);

#endif
