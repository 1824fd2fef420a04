/* node: a neutral tree of maps, lists and scalars, with the position of each.
 *
 * libyaml's events fill one when a file is loaded; the daemon fills one from the JSON parameters
 * of `actor.spawn`. All nodes of a tree live in it and are freed with it. Texts are copied.
 * Not thread-safe; one thread owns a tree.
 *
 * The builders return NULL when out of memory, and accept NULL for a tree or node, so that a
 * caller may build on and look at the end: config_tree_oom() says whether anything is missing.
 */
#ifndef CONFIG_NODE_H
#define CONFIG_NODE_H

#include "errors.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum config_node_type {
    CONFIG_NODE_MAP,
    CONFIG_NODE_LIST,
    CONFIG_NODE_SCALAR
} config_node_type;

typedef struct config_tree config_tree;
typedef struct config_node config_node;

/* One member of a map, in the order of the text. */
typedef struct config_pair {
    config_node *key; /* always a scalar */
    config_node *value;
    struct config_pair *next;
} config_pair;

typedef struct config_item {
    config_node *value;
    struct config_item *next;
} config_item;

struct config_node {
    config_node_type type;
    bool quoted; /* scalar: written in quotes, so it is a string and never null */
    bool secret; /* scalar: came from ${file:...}; never print it */
    bool failed; /* an error about it was reported already; the reader says nothing more */
    config_tree *tree;
    config_mark at;
    const char *text; /* scalar: NUL-terminated */
    size_t length;    /* scalar: bytes of text; a text with a NUL inside is refused by the reader */
    size_t count;     /* map: members; list: items */
    config_pair *first, *last;
    config_item *head, *tail;
};

/* A new tree. `name` is what errors cite as the file ("params" for parameters). NULL when out of
 * memory. */
config_tree *config_tree_new(const char *name);
void config_tree_free(config_tree *tree);
bool config_tree_oom(const config_tree *tree);

/* New nodes without a position; set `at` where there is one. */
config_node *config_node_map(config_tree *tree);
config_node *config_node_list(config_tree *tree);
/* `quoted` for strings; plain for numbers, true, false and null. */
config_node *config_node_scalar(config_tree *tree, const char *text, size_t length, bool quoted);

/* Add a member to a map. Duplicates are kept here, and refused by the reader. */
void config_node_add(config_node *map, config_node *key, config_node *value);
/* The same with a key that has no position. */
void config_node_set(config_node *map, const char *key, config_node *value);
void config_node_append(config_node *list, config_node *value);

/* The first member called `key`, or NULL. */
config_node *config_node_get(const config_node *map, const char *key);

/* A scalar that means "nothing": plain and empty, `~` or `null`. */
bool config_node_is_null(const config_node *n);

/* "a map", "a list", "nothing" or "a value", for messages. */
const char *config_node_kind(const config_node *n);

/* Add an error at the node, with its line of the source where the tree has one. */
void config_node_error(const config_node *n, config_errors *errs, const char *suggestion,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
