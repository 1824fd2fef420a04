#include "node.h"

#include "names.h"
#include "text.h"
#include "tree.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 8192,
    SHOWN = 60, /* bytes of a value in a message */
    STRIDE = 64 /* every so many lines have their offset noted */
};

typedef struct block {
    struct block *next;
    size_t used, size;
    max_align_t bytes[];
} block;

typedef struct source {
    struct source *next;
    const char *name;
    const char *bytes;
    size_t length;
    size_t *offsets; /* of lines 1, 1 + STRIDE, ... */
    size_t line_count;
} source;

struct config_tree {
    block *blocks;
    source *sources;
    const char *name;
    bool oom;
};

void *tree_alloc(config_tree *tree, size_t size)
{
    if (!tree)
        return NULL;
    size_t unit = sizeof(max_align_t), need = (size + unit - 1) / unit * unit;
    block *b = tree->blocks;
    if (!b || b->size - b->used < need) {
        size_t room = need > BLOCK ? need : BLOCK;
        b = calloc(1, sizeof *b + room);
        if (!b) {
            tree->oom = true;
            return NULL;
        }
        b->size = room;
        /* A block for one large thing goes behind the one that still has room. */
        if (need > BLOCK && tree->blocks) {
            b->next = tree->blocks->next;
            tree->blocks->next = b;
        } else {
            b->next = tree->blocks;
            tree->blocks = b;
        }
    }
    void *p = (char *)b->bytes + b->used;
    b->used += need;
    return p;
}

char *tree_copy(config_tree *tree, const char *bytes, size_t length)
{
    char *s = tree_alloc(tree, length + 1);
    if (s && length)
        memcpy(s, bytes, length);
    return s;
}

const char *tree_take(config_tree *tree, textbuf *t)
{
    char *bytes = text_take(t);
    const char *s = bytes ? tree_copy(tree, bytes, strlen(bytes)) : NULL;
    free(bytes);
    if (!s)
        tree->oom = true;
    return s;
}

const char *tree_print(config_tree *tree, const char *format, ...)
{
    textbuf t = {0};
    va_list args;
    va_start(args, format);
    text_vaddf(&t, format, args);
    va_end(args);
    return tree_take(tree, &t);
}

config_tree *config_tree_new(const char *name)
{
    config_tree *tree = calloc(1, sizeof *tree);
    if (!tree)
        return NULL;
    tree->name = tree_copy(tree, name, strlen(name));
    if (!tree->name) {
        config_tree_free(tree);
        return NULL;
    }
    return tree;
}

void config_tree_free(config_tree *tree)
{
    if (!tree)
        return;
    for (block *b = tree->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(tree);
}

bool config_tree_oom(const config_tree *tree)
{
    return !tree || tree->oom;
}

const char *tree_add_source(config_tree *tree, const char *name, const char *bytes, size_t length)
{
    size_t lines = 1;
    for (size_t i = 0; i < length; i++)
        lines += bytes[i] == '\n';
    source *s = tree_alloc(tree, sizeof *s);
    size_t *offsets = tree_alloc(tree, (lines / STRIDE + 1) * sizeof *offsets);
    if (!s || !offsets || !(s->name = tree_copy(tree, name, strlen(name))) ||
        !(s->bytes = tree_copy(tree, bytes, length)))
        return NULL;
    s->length = length;
    s->offsets = offsets;
    s->line_count = lines;
    for (size_t i = 0, line = 1; i < length; i++)
        if (bytes[i] == '\n' && line++ % STRIDE == 0)
            offsets[(line - 1) / STRIDE] = i + 1;
    s->next = tree->sources;
    tree->sources = s;
    return s->name;
}

static const source *find_source(const config_tree *tree, const char *name)
{
    for (const source *s = tree->sources; s; s = s->next)
        if (s->name == name)
            return s;
    return NULL;
}

const char *tree_line(const config_tree *tree, config_mark at, size_t *length)
{
    const source *s = find_source(tree, at.file);
    if (!s || at.line < 1 || (size_t)at.line > s->line_count)
        return NULL;
    size_t line = (size_t)at.line - 1;
    const char *p = s->bytes + s->offsets[line / STRIDE], *end = s->bytes + s->length;
    for (size_t i = 0; i < line % STRIDE; i++)
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    if (!stop)
        stop = end;
    if (stop > p && stop[-1] == '\r')
        stop--;
    *length = (size_t)(stop - p);
    return p;
}

config_mark tree_mark_at(const config_tree *tree, const char *name, size_t offset)
{
    config_mark at = {name, 1, 1};
    const source *s = find_source(tree, name);
    if (!s)
        return at;
    const char *p = s->bytes, *end = p + (offset < s->length ? offset : s->length);
    while (p < end) {
        size_t n = text_char(p, (size_t)(end - p), NULL);
        at.column++;
        if (*p == '\n') {
            at.line++;
            at.column = 1;
        }
        p += n;
    }
    return at;
}

static config_node *new_node(config_tree *tree, config_node_type type)
{
    config_node *n = tree_alloc(tree, sizeof *n);
    if (!n)
        return NULL;
    n->type = type;
    n->tree = tree;
    n->at.file = tree->name;
    return n;
}

config_node *config_node_map(config_tree *tree)
{
    return new_node(tree, CONFIG_NODE_MAP);
}

config_node *config_node_list(config_tree *tree)
{
    return new_node(tree, CONFIG_NODE_LIST);
}

config_node *config_node_scalar(config_tree *tree, const char *text, size_t length, bool quoted)
{
    config_node *n = new_node(tree, CONFIG_NODE_SCALAR);
    char *copy = n ? tree_copy(tree, text, length) : NULL;
    if (!copy)
        return NULL;
    n->text = copy;
    n->length = length;
    n->quoted = quoted;
    return n;
}

void config_node_add(config_node *map, config_node *key, config_node *value)
{
    if (!map || !key || !value)
        return;
    config_pair *pair = tree_alloc(map->tree, sizeof *pair);
    if (!pair)
        return;
    pair->key = key;
    pair->value = value;
    if (map->last)
        map->last->next = pair;
    else
        map->first = pair;
    map->last = pair;
    map->count++;
}

void config_node_set(config_node *map, const char *key, config_node *value)
{
    if (map)
        config_node_add(map, config_node_scalar(map->tree, key, strlen(key), true), value);
}

void config_node_append(config_node *list, config_node *value)
{
    if (!list || !value)
        return;
    config_item *item = tree_alloc(list->tree, sizeof *item);
    if (!item)
        return;
    item->value = value;
    if (list->tail)
        list->tail->next = item;
    else
        list->head = item;
    list->tail = item;
    list->count++;
}

config_node *config_node_get(const config_node *map, const char *key)
{
    for (config_pair *p = map->first; p; p = p->next)
        if (strcmp(p->key->text, key) == 0)
            return p->value;
    return NULL;
}

bool config_node_is_null(const config_node *n)
{
    return n->type == CONFIG_NODE_SCALAR && !n->quoted &&
           (n->length == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

const char *config_node_kind(const config_node *n)
{
    switch (n->type) {
    case CONFIG_NODE_MAP:
        return "a map";
    case CONFIG_NODE_LIST:
        return "a list";
    case CONFIG_NODE_SCALAR:
        break;
    }
    return config_node_is_null(n) ? "nothing" : "a value";
}

void config_node_error(const config_node *n, config_errors *errs, const char *suggestion,
                       const char *format, ...)
{
    textbuf message = {0};
    va_list args;
    va_start(args, format);
    text_vaddf(&message, format, args);
    va_end(args);
    char *bytes = text_take(&message);
    if (!bytes) {
        config_errors_set_oom(errs);
        return;
    }
    size_t length = 0;
    const char *line = tree_line(n->tree, n->at, &length);
    config_errors_add(errs, n->at, suggestion, line, length, "%s", bytes);
    free(bytes);
}

void node_refuse_duplicates(const config_node *map, config_errors *errs)
{
    names seen = {0};
    for (const config_pair *p = map->first; p; p = p->next) {
        const config_node *first = NULL;
        if (!names_add(&seen, p->key->text, p->key, (const void **)&first))
            config_errors_set_oom(errs);
        else if (first && first->at.line > 0)
            config_node_error(p->key, errs, NULL, "'%s' is written twice; first at %s:%d:%d",
                              node_show(p->key), first->at.file, first->at.line, first->at.column);
        else if (first)
            config_node_error(p->key, errs, NULL, "'%s' is written twice", node_show(p->key));
    }
    names_drop(&seen);
}

const char *node_show(const config_node *n)
{
    if (n->secret)
        return "(secret)";
    if (n->type != CONFIG_NODE_SCALAR)
        return config_node_kind(n);
    size_t length = 0;
    while (length < n->length && length < SHOWN)
        length += text_char(n->text + length, n->length - length, NULL);
    textbuf t = {0};
    text_add_printable(&t, n->text, length);
    if (length < n->length)
        text_add(&t, "...");
    const char *s = tree_take(n->tree, &t);
    return s ? s : "";
}
