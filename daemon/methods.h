/* The rows of the method table, by noun; each list ends with an empty row. */
#ifndef DAEMON_METHODS_H
#define DAEMON_METHODS_H

#include "daemon/session.h"

extern const method methods_system[];
extern const method methods_message[];
extern const method methods_actor[];
extern const method methods_steer[];
extern const method methods_spawn[];
extern const method methods_breaker[];
extern const method methods_deadletter[];
extern const method methods_config[];

/* The params of every list: `limit` (default 100, at most 1000) and `after`. */
#define LIST_PARAMS                                                                                \
    {.name = "limit", .type = RPC_INT, .min = 1, .max = 1000},                                     \
    {                                                                                              \
        .name = "after", .type = RPC_STRING, .max = 256                                            \
    }
enum { LIST_LIMIT = 100 };

/* {"items":[ … has begun; … ],"next":CURSOR|null} ends it. */
void list_begin(json_out *out);
void list_end(json_out *out, const char *next);

#endif
