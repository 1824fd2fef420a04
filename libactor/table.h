/* The memory behind the table of slots, and the slots that nobody uses.
 *
 * Slots come from chunks of 6 MB, made of units of 256 slots. Free ones are a stack; when many of
 * them were not needed for a while they are sorted into their units (see trim.h), and the memory of
 * units that are free as a whole goes back to the system. Its addresses stay: whoever comes with a
 * stale reference reads a generation of zero there, which no reference has. What must survive is
 * that no generation comes twice: the highest of the unit is kept, and its slots begin there when
 * they are carved again.
 */
#ifndef ACTOR_TABLE_H
#define ACTOR_TABLE_H

#include "libactor/slot.h"

/* Up to `want` free slots, a list by `next`; index and generation are set. NULL when out of memory
 * or the table is full. */
actor *actor__table_take(uint32_t want, uint32_t *got);

/* Take back a list of slots. `at_rest`: by a thread that has nothing to do. */
void actor__table_give(actor *list, bool at_rest);

/* Giving back, as in pool.h. */
void actor__table_trim_mark(void);
bool actor__table_trim_step(void);
bool actor__table_swollen(bool at_all);
/* Slots whose memory is in use, by the unit. */
uint32_t actor__table_size(void);

#endif
