/* What the policies of policy.h have in common: tables by name, counting, wake-ups. For policy*.c.
 */
#ifndef DAEMON_POLICY_BASE_H
#define DAEMON_POLICY_BASE_H

#include "daemon/policy.h"
#include "daemon/table.h"
#include "libactor/lock.h"
#include "supervisors/prng.h"

#include <stdatomic.h>

TAILQ_HEAD(policy_uses, policy_use);

/* What every policy begins with. */
typedef struct policy_base {
    policies *all;
    table_node node;
    char *key;        /* "=NAME" when shared by name, "~UNIT" when inline */
    atomic_uint refs; /* the last one is dropped under policies.lock */
    actor_lock lock;
} policy_base;

struct policies {
    actor_lock lock;
    alarm_clock *alarms;
    prng random LOCK_GUARDED_BY(lock);
    table retries LOCK_GUARDED_BY(lock);
    table breakers LOCK_GUARDED_BY(lock);
    table limiters LOCK_GUARDED_BY(lock);
};

const char *policy_base_name(const policy_base *b);
/* "=NAME" or "~UNIT", for free(); NULL when out of memory. */
char *policy_key(const struct unit *u, const char *name, bool shared);

/* The policy of this key with one more reference, or NULL. */
policy_base *policy_base_find(policies *p, table *t, const char *key) LOCK_REQUIRES(p->lock);
/* A new one, with one reference; takes the key. */
void policy_base_enter(policies *p, table *t, policy_base *b, char *key) LOCK_REQUIRES(p->lock);
/* Drop a reference; true: it was the last, and the policy is out of its table. An `alarm` (or NULL)
 * that is set has one, but that alone keeps no policy: there is nobody left to wake. */
bool policy_base_leave(policy_base *b, table *t, clock_alarm *alarm);
void policy_base_end(policy_base *b);

/* Put `u` on a list of users, off the one before; list NULL: off only. Under policies.lock. */
void policy_base_use(policy_use *u, struct policy_uses *list);
/* Wake everybody who may be waiting for a policy. A unit leaves the list before it is freed. */
void policy_wake(policies *p, struct policy_uses *uses);

#endif
