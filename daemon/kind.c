#include "daemon/kind.h"

#include "daemon/kinds.h"

const kind *kind_find(config_kind which)
{
    static const kind *const kinds[] = {
        &kind_exec, &kind_worker, &kind_echo, &kind_counter, &kind_sleep,
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->kind == which)
            return kinds[i];
    return NULL;
}
