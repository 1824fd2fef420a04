/* Between JSON and config/: params as a node tree, errors of a configuration as JSON. */
#ifndef DAEMON_NODE_JSON_H
#define DAEMON_NODE_JSON_H

#include "config/config.h"
#include "daemon/json.h"

/* The node of a JSON value; of an object without its member `skip` (NULL: none). Strings are quoted
 * scalars. NULL when out of memory, or for a string with \u0000 or half a surrogate pair. */
config_node *node_json_read(config_tree *tree, json_value value, const char *skip);

/* "errors":[{"file","line","column","message","suggestion"}…], the first `most` of them. */
void node_json_put_errors(json_out *out, config_errors *errs, size_t most);

#endif
