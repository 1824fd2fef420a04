/* Units as JSON: actor.info and tree. */
#ifndef DAEMON_UNIT_PUT_H
#define DAEMON_UNIT_PUT_H

#include "daemon/json.h"
#include "daemon/unit.h"

/* Of a list: one object. */
void unit_put_info(json_out *out, unit *u);
/* The same, of a supervisor with what is right below it, which takes a look at every unit. */
void unit_put_full_info(json_out *out, unit *u);
/* With all that is below it. */
void unit_put_tree(json_out *out, unit *u);
/* The members of the counters, without an object around them. */
void unit_put_counters(json_out *out, const unit_counters *n);
/* Add up. */
void unit_add_counters(unit_counters *sum, const unit_counters *n);

#endif
