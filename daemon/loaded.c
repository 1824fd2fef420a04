#include "daemon/loaded.h"

#include <stdatomic.h>
#include <stdlib.h>

struct loaded {
    atomic_uint refs;
    config *config;
    config_tree *tree;
};

loaded *loaded_new(config *c, config_tree *tree)
{
    loaded *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->config = c;
    s->tree = tree;
    return s;
}

loaded *loaded_hold(loaded *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void loaded_release(loaded *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    config_free(s->config);
    config_tree_free(s->tree);
    free(s);
}

const config *loaded_config(const loaded *s)
{
    return s->config;
}
