#include "daemon/plan_json.h"

#include <stdlib.h>

static void put_change(json_out *out, const config_change *c)
{
    json_out_object(out);
    json_out_key(out, "change");
    json_out_text(out, config_change_name(c->kind));
    json_out_key(out, "name");
    json_out_text(out, c->name);
    json_out_key(out, "keys");
    json_out_array(out);
    for (size_t i = 0; i < c->difference_count; i++) {
        json_out_object(out);
        json_out_key(out, "key");
        json_out_text(out, c->differences[i].key);
        json_out_key(out, "before");
        json_out_text(out, c->differences[i].before);
        json_out_key(out, "after");
        json_out_text(out, c->differences[i].after);
        json_out_object_end(out);
    }
    json_out_array_end(out);
    json_out_key(out, "again");
    json_out_bool(out, c->again);
    json_out_object_end(out);
}

void plan_json_put(json_out *out, const config_plan *plan)
{
    char *text = config_plan_text(plan);
    json_out_key(out, "plan");
    json_out_array(out);
    for (size_t i = 0; i < plan->count; i++)
        put_change(out, &plan->changes[i]);
    json_out_array_end(out);
    json_out_key(out, "text");
    json_out_text(out, text);
    json_out_key(out, "needs_start");
    json_out_bool(out, plan->needs_start);
    free(text);
}
