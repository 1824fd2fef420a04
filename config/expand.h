/* expand: ${VAR}, ${VAR:-default}, ${VAR:?message}, ${file:/path} and $$ in the scalars of a tree.
 * Internal to config/. */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include "config.h"

/* Larger secrets are refused. */
#define EXPAND_FILE_MAX 65536

/* What all expanded values of a file may take: a MiB of "${VAR}" could be gigabytes. */
#define EXPANDED_MAX 4194304

/* Expand every value below `n`, but not keys, nor what is below a key that starts with `x-`.
 * Values that can't be expanded are errors and stay as they are. */
void expand_tree(config_node *n, const config_options *options, config_errors *errs);

#endif
