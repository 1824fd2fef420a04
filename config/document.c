#include "document.h"

#include "tree.h"

#include <string.h>
#include <yaml.h>

typedef struct level {
    config_node *node;
    config_node *key; /* of a map: waits for its value */
} level;

typedef struct reading {
    config_tree *tree;
    config_errors *errs;
    const char *file;
    config_node *root;
    config_node *last; /* the last scalar: what a syntax error behind it may have cut */
    level levels[DOCUMENT_DEPTH_MAX];
    int depth;
    int documents;
    bool whole;
} reading;

static config_mark mark_of(const reading *r, yaml_mark_t mark)
{
    return (config_mark){r->file, (int)mark.line + 1, (int)mark.column + 1};
}

static void error_at(reading *r, config_mark at, const char *suggestion, const char *message)
{
    size_t length = 0;
    const char *line = tree_line(r->tree, at, &length);
    config_errors_add(r->errs, at, suggestion, line, length, "%s", message);
}

/* Hang a finished node, or one that just begins, into the innermost collection. */
static void attach(reading *r, config_node *n)
{
    if (r->depth == 0) {
        r->root = n;
        return;
    }
    level *top = &r->levels[r->depth - 1];
    if (top->node->type == CONFIG_NODE_LIST) {
        config_node_append(top->node, n);
    } else if (!top->key) {
        if (n->type != CONFIG_NODE_SCALAR) {
            config_node_error(n, r->errs, NULL, "a key must be a name, not %s",
                              config_node_kind(n));
            /* Something must stand for it, or every value that follows becomes a key. */
            config_mark at = n->at;
            n = config_node_scalar(r->tree, "x-", 2, true);
            if (!n)
                return;
            n->at = at;
        }
        top->key = n;
    } else {
        config_node_add(top->node, top->key, n);
        top->key = NULL;
    }
}

static void refuse_decorations(reading *r, const yaml_event_t *e, const yaml_char_t *anchor,
                               const yaml_char_t *tag)
{
    config_mark at = mark_of(r, e->start_mark);
    if (anchor)
        error_at(r, at, "quote a value that begins with '&'",
                 "anchors and aliases are not supported");
    if (tag && strcmp((const char *)tag, "!") != 0)
        error_at(r, at, "quote a value that begins with '!'", "tags are not supported");
}

static void scalar(reading *r, const yaml_event_t *e)
{
    refuse_decorations(r, e, e->data.scalar.anchor, e->data.scalar.tag);
    const char *text = (const char *)e->data.scalar.value;
    size_t length = e->data.scalar.length;
    bool nul = memchr(text, '\0', length) != NULL;
    if (nul)
        error_at(r, mark_of(r, e->start_mark), NULL, "a value can't contain a NUL character");
    config_node *n =
        config_node_scalar(r->tree, text, length, e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE);
    if (!n)
        return;
    n->at = mark_of(r, e->start_mark);
    n->failed = nul;
    r->last = n;
    attach(r, n);
}

static void alias(reading *r, const yaml_event_t *e)
{
    config_mark at = mark_of(r, e->start_mark);
    error_at(r, at, "quote a value that begins with '*'", "anchors and aliases are not supported");
    config_node *n = config_node_scalar(r->tree, "", 0, true);
    if (!n)
        return;
    n->at = at;
    n->failed = true;
    attach(r, n);
}

static void begin(reading *r, const yaml_event_t *e)
{
    bool map = e->type == YAML_MAPPING_START_EVENT;
    config_mark at = mark_of(r, e->start_mark);
    if (map)
        refuse_decorations(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
    else
        refuse_decorations(r, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
    if (r->depth == DOCUMENT_DEPTH_MAX) {
        error_at(r, at, NULL, "nesting is deeper than 32 levels");
        r->whole = false;
        return;
    }
    config_node *n = map ? config_node_map(r->tree) : config_node_list(r->tree);
    if (!n)
        return;
    n->at = at;
    attach(r, n);
    r->levels[r->depth++] = (level){n, NULL};
}

static void end(reading *r)
{
    const config_node *n = r->levels[--r->depth].node;
    if (n && n->type == CONFIG_NODE_MAP)
        node_refuse_duplicates(n, r->errs);
}

/* False when there is nothing more to read. */
static bool take(reading *r, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++r->documents > 1) {
            error_at(r, mark_of(r, e->start_mark), NULL,
                     "a second document; a configuration is one document");
            return false;
        }
        break;
    case YAML_SCALAR_EVENT:
        scalar(r, e);
        break;
    case YAML_ALIAS_EVENT:
        alias(r, e);
        break;
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        begin(r, e);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        end(r);
        break;
    case YAML_STREAM_END_EVENT:
        return false;
    default:
        break;
    }
    return r->whole && !config_tree_oom(r->tree);
}

static void syntax_error(reading *r, const yaml_parser_t *p)
{
    if (p->error == YAML_MEMORY_ERROR) {
        config_errors_set_oom(r->errs);
        return;
    }
    config_mark at = p->error == YAML_READER_ERROR
                         ? tree_mark_at(r->tree, r->file, p->problem_offset)
                         : mark_of(r, p->problem_mark);
    const char *hint = NULL;
    if (r->last) {
        /* In { } and [ ] a plain value ends before a brace. */
        if (strchr(r->last->text, '$') && r->last->at.line == at.line)
            hint = "inside { } and [ ], write ${...} in quotes";
        r->last->failed = true;
    }
    size_t length = 0;
    const char *line = tree_line(r->tree, at, &length);
    config_errors_add(r->errs, at, hint, line, length, "%s%s%s", p->context ? p->context : "",
                      p->context ? ": " : "", p->problem ? p->problem : "this is not YAML");
}

config_node *document_read(config_tree *tree, const char *name, const char *bytes, size_t length,
                           config_errors *errs, bool *whole)
{
    static const char bom[] = "\xEF\xBB\xBF";
    if (length >= 3 && memcmp(bytes, bom, 3) == 0) {
        bytes += 3;
        length -= 3;
    }
    reading r = {.tree = tree, .errs = errs, .whole = true};
    r.file = tree_add_source(tree, name, bytes, length);
    yaml_parser_t parser;
    if (!r.file || !yaml_parser_initialize(&parser)) {
        config_errors_set_oom(errs);
        *whole = false;
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, length);
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            syntax_error(&r, &parser);
            r.whole = false;
            break;
        }
        more = take(&r, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (r.whole && (!r.root || config_node_is_null(r.root))) {
        error_at(&r, (config_mark){r.file, 1, 1}, "the least is 'version: 1'", "the file is empty");
        r.root = NULL;
        r.whole = false;
    }
    *whole = r.whole && !config_tree_oom(tree);
    return r.root;
}
