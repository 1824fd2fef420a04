/* tree: the memory behind nodes and the typed result, and the texts that errors cite.
 * Internal to config/. */
#ifndef CONFIG_TREE_H
#define CONFIG_TREE_H

#include "node.h"
#include "text.h"

/* Zeroed memory that lives as long as the tree; NULL (and config_tree_oom()) when there is none. */
void *tree_alloc(config_tree *tree, size_t size);
char *tree_copy(config_tree *tree, const char *bytes, size_t length);
const char *tree_print(config_tree *tree, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Move a text into the tree. */
const char *tree_take(config_tree *tree, textbuf *t);

/* Keep a copy of a file's text, so that errors can show its lines. Returns the copy of `name` that
 * marks must use as their file, or NULL when out of memory. */
const char *tree_add_source(config_tree *tree, const char *name, const char *bytes, size_t length);

/* The line that `at` points into, without its end; NULL where there is none. */
const char *tree_line(const config_tree *tree, config_mark at, size_t *length);

/* The position of a byte of a source. */
config_mark tree_mark_at(const config_tree *tree, const char *name, size_t offset);

/* Two members with one key, anywhere in `map` itself (not below). */
void node_refuse_duplicates(const config_node *map, config_errors *errs);

/* The scalar's text for a message: shortened, printable, and "(secret)" for a secret. */
const char *node_show(const config_node *n);

#endif
