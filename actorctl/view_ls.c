/* ls: the actors, one a line. */
#include "actorctl/handlers.h"
#include "actorctl/view.h"

ctl_exit run_ls(ctl *c)
{
    buf params = {0}, all = {0};
    params_open(&params);
    bool done = false;
    ctl_exit status = ctl_list(c, "actor.list", &params, &all);
    if (status == EXIT_OK)
        status = ctl_put_list(c, &all, "name", &done);
    if (status == EXIT_OK && !done) {
        cJSON *list = cJSON_ParseWithLength(all.at, all.len);
        const cJSON *items = tree_member(list, "items");
        if (cJSON_GetArraySize(items) == 0)
            ctl_say(c, "no actors");
        view_actors(c, items, 0);
        cJSON_Delete(list);
    }
    buf_free(&params);
    buf_free(&all);
    return status;
}
