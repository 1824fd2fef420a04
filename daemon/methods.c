#include "daemon/methods.h"

#include <string.h>

static const method *const lists[] = {
    methods_system, methods_message, methods_actor,      methods_steer,
    methods_spawn,  methods_breaker, methods_deadletter, methods_config,
};

static const char *const planned[] = {
    "group",        "message.list",   "queue.reserve",   "queue.ack",   "queue.nack",
    "queue.extend", "config.show",    "topic.subscribe", "event.since", "trace.message",
    "system.drain", "system.undrain", "system.shutdown",
};

bool method_is_planned(const char *name)
{
    for (size_t i = 0; i < sizeof planned / sizeof *planned; i++)
        if (strcmp(planned[i], name) == 0)
            return true;
    return false;
}

const method *method_find(const char *name, const char **nearest)
{
    suggest s;
    suggest_start(&s, name);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const method *m = lists[i]; m->name; m++) {
            if (strcmp(m->name, name) == 0)
                return m;
        }
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const method *m = lists[i]; m->name; m++)
            suggest_offer(&s, m->name);
    *nearest = s.best;
    return NULL;
}

void list_begin(json_out *out)
{
    json_out_object(out);
    json_out_key(out, "items");
    json_out_array(out);
}

void list_end(json_out *out, const char *next)
{
    json_out_array_end(out);
    json_out_key(out, "next");
    json_out_text(out, next);
    json_out_object_end(out);
}
