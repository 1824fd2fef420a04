#include "libactor/ext.h"

#include <stdlib.h>

#include "libactor/memory.h"
#include "libactor/pool.h"

actor__ext *actor__ext_of(actor *a)
{
    if (a->ext == NULL)
        a->ext = actor__alloc(sizeof(*a->ext));
    return a->ext;
}

void actor__ext_free(actor *a)
{
    actor__ext *ext = a->ext;

    if (ext == NULL)
        return;
    while (ext->notices != NULL) {
        actor_msg *m = ext->notices;

        ext->notices = actor__next(m);
        actor__pool_put(m);
    }
    actor__asks_free(&ext->asks);
    actor__watches_free(&ext->watches);
    actor__crowd_free(&ext->crowd);
    if (ext->locked != NULL) {
        actor_lock_destroy(&ext->locked->lock);
        free(ext->locked);
    }
    free(ext->reason);
    free(ext);
    a->ext = NULL;
}
