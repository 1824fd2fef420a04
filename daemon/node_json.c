#include "daemon/node_json.h"

#include <stdlib.h>

static config_node *read_text(config_tree *tree, json_value value)
{
    char *text;
    size_t len;
    if (json_text_dup(value, &text, &len) != JSON_OK)
        return NULL;
    config_node *n = config_node_scalar(tree, text, len, true);
    free(text);
    return n;
}

static config_node *read_members(config_tree *tree, json_value value, const char *skip)
{
    config_node *map = config_node_map(tree);
    json_iter iter = json_each(value);
    json_member m;
    while (map && json_next_member(&iter, &m)) {
        if (skip && json_text_is(m.key, skip))
            continue;
        config_node *key = read_text(tree, m.key);
        config_node *member = key ? node_json_read(tree, m.value, NULL) : NULL;
        if (!member)
            return NULL;
        config_node_add(map, key, member);
    }
    return map;
}

/* The depth is bounded by json_parse(). */
config_node *node_json_read(config_tree *tree, json_value value, const char *skip)
{
    if (value.type == JSON_OBJECT)
        return read_members(tree, value, skip);
    if (value.type == JSON_STRING)
        return read_text(tree, value);
    if (value.type != JSON_ARRAY)
        return config_node_scalar(tree, value.start, value.len, false);
    config_node *list = config_node_list(tree);
    json_iter iter = json_each(value);
    json_value element;
    while (list && json_next_element(&iter, &element)) {
        config_node *n = node_json_read(tree, element, NULL);
        if (!n)
            return NULL;
        config_node_append(list, n);
    }
    return list;
}

void node_json_put_errors(json_out *out, config_errors *errs, size_t most)
{
    json_out_key(out, "errors");
    json_out_array(out);
    for (size_t i = 0; i < config_errors_kept(errs) && i < most; i++) {
        const config_error *e = config_errors_get(errs, i);
        json_out_object(out);
        json_out_key(out, "file");
        json_out_text(out, e->at.file);
        json_out_key(out, "line");
        json_out_int(out, e->at.line);
        json_out_key(out, "column");
        json_out_int(out, e->at.column);
        json_out_key(out, "message");
        json_out_text(out, e->message);
        json_out_key(out, "suggestion");
        json_out_text(out, e->suggestion);
        json_out_key(out, "source");
        json_out_text(out, e->source);
        json_out_object_end(out);
    }
    json_out_array_end(out);
}
