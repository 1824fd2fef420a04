/* rig: the daemon's units, with their delivery, policies, fallbacks and alarms, on one thread and
 * without processes or clients; with supervisors only in a tree. In virtual time, where a seed
 * decides what of the things due at one instant happens first; or, for a benchmark, by the system's
 * clock.
 *
 *     rig *r = rig_new("- {name: s, sleep: {}, timeout: 50ms}\n", 7);
 *     message *m = rig_ask(r, "s", "{\"ms\":50}");
 *     rig_run(r, 100);
 *     ... m->state ...
 *     rig_free(r);
 *
 * Children as in a file, of the kinds for trying things out. One rig at a time; one thread. What
 * can't be fails the process with a word on stderr.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "daemon/daemon.h"
#include "daemon/unit.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct rig rig;

/* The root's children, and named policies before them ("" for none), as lines of a file. */
rig *rig_new(const char *named, const char *children, uint64_t seed);
/* The same, by the system's clock. */
rig *rig_new_real(const char *named, const char *children);
/* A whole file, in virtual time; its supervisors start and restart the units. */
rig *rig_new_tree(const char *file, uint64_t seed);
/* A tree is told to stop first, and has to be over within a minute. */
void rig_free(rig *r);

/* Load another file, as a signal does; nothing happens while the reload before goes on. `file` must
 * live as long as the rig. */
void rig_reload(rig *r, const char *file);

/* For what is not here. */
actord *rig_daemon(rig *r);
bool rig_over(const rig *r); /* the tree has ended */
unit *rig_unit(rig *r, const char *name);
clock_ms rig_now(const rig *r); /* from 0 */
uint64_t rig_random(rig *r);    /* the seed's */

/* Submit; the rig keeps a reference. NULL: it was refused. */
message *rig_submit(rig *r, const char *to, const unit_submission *s);
message *rig_send(rig *r, const char *to, const char *payload);
message *rig_ask(rig *r, const char *to, const char *payload);

/* Do what is to be done now. */
void rig_settle(rig *r);
/* Let so many milliseconds pass. */
void rig_run(rig *r, clock_ms ms);

/* The actor is killed and starts anew; what it has in hand is charged as by actor.kill, or not, as
 * when it falls with a sibling. */
void rig_restart(rig *r, const char *name, bool charged);

/* Of all units: every counter adds up and is what stands in the lists, nothing is left in any hand.
 */
void rig_check(rig *r);
/* After a reload: the tree is the file, in names, places and descriptions, but for what could not
 * be started; how many changes could not be carried out. */
size_t rig_check_tree(rig *r);

#endif
