/* document: libyaml's events as a tree of nodes. Internal to config/. */
#ifndef CONFIG_DOCUMENT_H
#define CONFIG_DOCUMENT_H

#include "node.h"

/* Deeper maps and lists are refused. */
#define DOCUMENT_DEPTH_MAX 32

/* Read one document into `tree`. Every error is added to `errs`; *whole is false when the text
 * had to be given up, and the tree holds what came before.
 * Returns the document's node, or NULL when there is nothing to look at. */
config_node *document_read(config_tree *tree, const char *name, const char *bytes, size_t length,
                           config_errors *errs, bool *whole);

#endif
