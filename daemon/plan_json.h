/* A plan of the configuration as JSON. */
#ifndef DAEMON_PLAN_JSON_H
#define DAEMON_PLAN_JSON_H

#include "config/config.h"
#include "daemon/json.h"

/* Members of the object at hand: "plan":[{"change","name","keys","again"}...], "text",
 * "needs_start". */
void plan_json_put(json_out *out, const config_plan *plan);

#endif
