/* What a reload would do now: how the files differ, and what the last one couldn't do. */
#include "daemon/directory.h"
#include "daemon/reload.h"
#include "daemon/runner.h"
#include "daemon/unit.h"

#include <stdlib.h>

/* What couldn't be restarted is stopped, unless the operator has seen to it. */
static bool is_due(actord *d, const config_undone *undone)
{
    if (undone->kind != CONFIG_CHANGE_RESTART)
        return true;
    unit *u = directory_find(d->directory, undone->name, NULL);
    bool stopped = false;
    if (u) {
        actor_lock_take(&u->lock);
        for (uint32_t i = 0; i < u->runner_count && !stopped; i++)
            stopped = u->runners[i]->there && u->runners[i]->state == UNIT_STOPPED;
        actor_lock_give(&u->lock);
    }
    unit_release(u);
    return stopped;
}

config_err reload_plan(actord *d, loaded *from, const config *to, config_plan **out)
{
    size_t count, due = 0;
    config_undone *undone = loaded_undone(from, &count);
    if (!undone)
        return CONFIG_ENOMEM;
    for (size_t i = 0; i < count; i++)
        if (is_due(d, &undone[i]))
            undone[due++] = undone[i];
    config_err e = config_plan_again(loaded_config(from), undone, due, to, out);
    free(undone);
    return e;
}
