/* Fallback: an actor that answers for another when that has failed (`fallback: NAME`).
 *
 * It is the outermost layer. A message that failed for good, expired, or found its breaker open (an
 * ask) doesn't end: it becomes MESSAGE_RETRYING without a time, gives its place in the limiter
 * back, and a message with its payload is submitted to the fallback. The end of that second message
 * is its end: a reply is its reply; a failure makes it a dead letter with both errors. Rejected,
 * cancelled and stopped messages end as they are.
 *
 *     unit_finish() ── fallback_begin() ─> [alarm] submit ─> [waiter, alarm] end ── unit_finish()
 *
 * Everything but the beginning runs on the control thread, since the locks of two units are never
 * held at once. What answers for somebody is a message like any other, in its own actor's counters
 * and under its own actor's policies (also its fallback); but its failure is no dead letter of its
 * own: it is `dropped`.
 */
#ifndef DAEMON_FALLBACK_H
#define DAEMON_FALLBACK_H

#include "daemon/json.h"
#include "daemon/message.h"

#include <stdbool.h>

struct unit;

/* So many answer for each other in a chain; the file has no cycles, spawned actors may. */
enum { FALLBACK_HOPS_MAX = 16 };

/* m would end like this. True: its fallback is asked instead. False: there is none, it isn't for
 * this outcome, it was asked already, or memory is short. Under the unit's lock. */
bool fallback_begin(struct unit *u, message *m, message_state state, rpc_code outcome,
                    const char *error);
/* m has got its final state: if its fallback is still at it, it is told to stop. Under the unit's
 * lock. */
void fallback_end(message *m);
void fallback_free(fallback *f); /* NULL is fine; with its message */

/* The member "fallback":{"actor":…,"message":…}, where m has one. Under the unit's lock. */
void fallback_put(json_out *out, const message *m);

#endif
