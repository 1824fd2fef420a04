/* The ledger: every message by its id, and by its idempotency key, for as long as it is kept.
 *
 * A final message stays for `keep_done`, or until the memory it may use (`max_size`) is needed:
 * then the ones that finished first go first. A message that isn't final never goes. Of asks that
 * were answered and have no key, nobody will come for the result: only the newest 1000 stay, and
 * they are the first to go.
 *
 * Threads  any. Locks of its own: `keys` is taken before a unit's lock, `ids` after it.
 */
#ifndef DAEMON_LEDGER_H
#define DAEMON_LEDGER_H

#include "daemon/alarm.h"
#include "daemon/message.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ledger ledger;

/* NULL when out of memory. */
ledger *ledger_new(alarm_clock *alarms, clock_ms keep_done, int64_t max_size);
void ledger_free(ledger *l); /* NULL is fine */

void ledger_configure(ledger *l, clock_ms keep_done, int64_t max_size);

uint64_t ledger_next_id(ledger *l);

/* Make room for `bytes` more by forgetting finished messages. False: what isn't finished fills all
 * of max_size. Call it without any lock. */
bool ledger_make_room(ledger *l, size_t bytes);

/* Enter an accepted message. Under its unit's lock. */
void ledger_enter(ledger *l, message *m);
/* It has got its final state; `answered`: and whoever asked is being told. Under its unit's lock.
 */
void ledger_finished(ledger *l, message *m, bool answered);

/* The message, referenced for the caller, or NULL. */
message *ledger_find(ledger *l, const char *id);

/* Keys. Between lock and unlock nobody else accepts a message with any key. find: referenced. */
void ledger_lock_keys(ledger *l);
void ledger_unlock_keys(ledger *l);
message *ledger_find_key(ledger *l, const char *key);
void ledger_enter_key(ledger *l, message *m);

/* Forget everything: messages refer to units, so this comes before the units go. */
void ledger_clear(ledger *l);

/* "ACTOR\nKEY"; a name has no line feed, so it is unambiguous. malloc'd; NULL when out of memory.
 */
char *ledger_key(const char *to, const char *key);

#endif
