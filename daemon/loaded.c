#include "daemon/loaded.h"

#include "libactor/lock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct loaded {
    atomic_uint refs;
    config *config;
    config_tree *tree;
    actor_lock lock;
    config_undone *undone LOCK_GUARDED_BY(lock);
    size_t undone_count LOCK_GUARDED_BY(lock);
};

loaded *loaded_new(config *c, config_tree *tree)
{
    loaded *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->config = c;
    s->tree = tree;
    s->undone = NULL;
    s->undone_count = 0;
    actor_lock_init(&s->lock);
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
    actor_lock_destroy(&s->lock);
    free(s->undone);
    free(s);
}

const config *loaded_config(const loaded *s)
{
    return s->config;
}

bool loaded_add_undone(loaded *s, const config_undone *undone)
{
    actor_lock_take(&s->lock);
    config_undone *more = realloc(s->undone, (s->undone_count + 1) * sizeof *more);
    if (more) {
        s->undone = more;
        s->undone[s->undone_count++] = *undone;
    }
    actor_lock_give(&s->lock);
    return more != NULL;
}

config_undone *loaded_undone(loaded *s, size_t *count)
{
    actor_lock_take(&s->lock);
    config_undone *copy = malloc((s->undone_count + 1) * sizeof *copy);
    *count = s->undone_count;
    if (copy && s->undone_count)
        memcpy(copy, s->undone, s->undone_count * sizeof *copy);
    actor_lock_give(&s->lock);
    return copy;
}
