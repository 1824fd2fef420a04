/* The simulation: the scheduler's part in it. */
#ifndef ACTOR_SIM_H
#define ACTOR_SIM_H

#include "libactor/system.h"

void actor__sim_schedule(actor_system *sys, actor *a);

/* Timers with the same deadline, in an order of the seed. */
actor_timer *actor__sim_shuffle(actor_system *sys, actor_timer *due);

/* One event: a batch or a jump of the clock to the next timer, not past `until`.
 * False: nothing left until then. */
bool actor__sim_event(actor_system *sys, actor_ms until);

#endif
