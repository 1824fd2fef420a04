/* plan: what has to be done to get from one configuration to another.
 *
 * A pure comparison; nothing is applied. Changes come in an order in which they can be applied
 * one after the other: settings, policies that are new or changed, stops (last to first),
 * updates of supervisors, restarts, starts (in start order), updates of other children, new
 * orders of children, policies that are gone.
 *
 * A child below a supervisor that is stopped or started isn't listed: it goes with its parent. A
 * child that has another parent now is a stop and a start, both with `from` and `to`.
 */
#ifndef CONFIG_PLAN_H
#define CONFIG_PLAN_H

#include "config.h"

typedef enum config_change_kind {
    CONFIG_CHANGE_SETTING,     /* a setting outside the tree that can change while running */
    CONFIG_CHANGE_NEEDS_START, /* a setting that takes effect at the daemon's next start only */
    CONFIG_CHANGE_POLICY_ADD,
    CONFIG_CHANGE_POLICY_UPDATE, /* in place: state and counters are kept */
    CONFIG_CHANGE_POLICY_REMOVE,
    CONFIG_CHANGE_STOP,    /* `from` with all below it; `to` is set when it only moves */
    CONFIG_CHANGE_RESTART, /* another command or kind: `from` alone ends, `to` begins, the mailbox
                              stays. Between a supervisor and any other kind: with all below it */
    CONFIG_CHANGE_START,   /* `to` with all below it; `from` is set when it only moves */
    CONFIG_CHANGE_UPDATE,  /* other keys changed: applies without a restart */
    CONFIG_CHANGE_REORDER  /* children of the supervisor `to` that stay have another order */
} config_change_kind;

typedef enum config_policy_kind {
    CONFIG_POLICY_NONE,
    CONFIG_POLICY_RETRY,
    CONFIG_POLICY_BREAKER,
    CONFIG_POLICY_LIMITER
} config_policy_kind;

/* One key that differs; texts as in the file, secrets as "(secret)". NULL: not written. */
typedef struct config_difference {
    const char *key; /* "mailbox.capacity" */
    const char *before;
    const char *after;
} config_difference;

typedef struct config_change {
    config_change_kind kind;
    config_policy_kind policy;     /* for the policy changes */
    const char *name;              /* of the child or policy; the section of a setting ("limits") */
    const config_child *from, *to; /* of a child; NULL where it doesn't exist */
    const config_difference *differences; /* of settings, policy updates, restarts, updates */
    size_t difference_count;
    size_t index; /* start: the place among the children of to->parent */
    bool again;   /* it was to be done before, and didn't succeed: see config_undone */
} config_change;

typedef struct config_plan {
    const config_change *changes;
    size_t count;
    bool needs_start; /* there is at least one CONFIG_CHANGE_NEEDS_START */
} config_plan;

/* A change of the plan that led to `from` and didn't succeed. */
typedef struct config_undone {
    const char *name;        /* of the child in `from` */
    config_change_kind kind; /* start: it isn't there, nor what is below it; restart, update and
                                reorder: done again also where nothing differs */
} config_undone;

/* Compare. The plan cites both configurations, which must outlive it.
 * Returns CONFIG_OK or CONFIG_ENOMEM; *out is untouched on failure. Any thread. */
config_err config_plan_new(const config *from, const config *to, config_plan **out);
config_err config_plan_again(const config *from, const config_undone *undone, size_t count,
                             const config *to, config_plan **out);
void config_plan_free(config_plan *plan);

/* The plan for people, a line a change; "nothing to change\n" when there is none.
 * A string for free(), or NULL when out of memory. */
char *config_plan_text(const config_plan *plan);

const char *config_change_name(config_change_kind kind); /* "start", "stop", "restart" ... */

#endif
