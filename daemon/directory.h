/* The directory: every named actor of the daemon, by name.
 *
 * Threads  any. Its lock is never held while another is taken.
 */
#ifndef DAEMON_DIRECTORY_H
#define DAEMON_DIRECTORY_H

#include "daemon/unit.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct directory directory;

directory *directory_new(void);    /* NULL when out of memory */
void directory_free(directory *d); /* NULL is fine */

/* Enter a unit, which the directory references from now on. False: the name is taken. */
bool directory_add(directory *d, unit *u);
/* Take a unit out, and keep its counters; one that isn't in is fine. */
void directory_remove(directory *d, unit *u);
void directory_clear(directory *d);

/* The unit called `name`, referenced. NULL: *failure (if given) is RPC_NOT_FOUND with the nearest
 * name. */
unit *directory_find(directory *d, const char *name, rpc_failure *failure);

size_t directory_count(directory *d);

/* All units in order of name, or of those below the same parent in start order (`by_order`), each
 * referenced; NULL after the last. For free(). NULL when out of memory. `parent` NULL: all. */
unit **directory_list(directory *d, const unit *parent, bool by_order);
/* All units, and at the same instant the counters of those that are gone. */
unit **directory_all(directory *d, unit_counters *retired);
/* Release the units of a list, and the list. */
void directory_list_free(unit **list);

#endif
