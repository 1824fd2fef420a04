/* handlers: what the verbs of the table do. Each reports its own errors and returns the exit
 * status; what it has to print is in c->out. */
#ifndef ACTORCTL_HANDLERS_H
#define ACTORCTL_HANDLERS_H

#include "actorctl/ctl.h"

/* verbs_message.c */
ctl_exit run_send(ctl *c);
ctl_exit run_ask(ctl *c);
ctl_exit run_result(ctl *c);
ctl_exit run_wait(ctl *c);
ctl_exit run_cancel(ctl *c);

/* verbs_actor.c */
ctl_exit run_spawn(ctl *c);
ctl_exit run_stop(ctl *c);
ctl_exit run_restart(ctl *c);
ctl_exit run_kill(ctl *c);
ctl_exit run_delete(ctl *c);
ctl_exit run_pause(ctl *c);
ctl_exit run_resume(ctl *c);
ctl_exit run_purge(ctl *c);
ctl_exit run_scale(ctl *c);
ctl_exit run_state(ctl *c);

/* view_*.c */
ctl_exit run_ls(ctl *c);
ctl_exit run_tree(ctl *c);
ctl_exit run_status(ctl *c);
ctl_exit run_inspect(ctl *c);

/* verbs_deadletter.c */
ctl_exit run_deadletters_ls(ctl *c);
ctl_exit run_deadletters_show(ctl *c);
ctl_exit run_deadletters_replay(ctl *c);
ctl_exit run_deadletters_drop(ctl *c);

/* verbs_breaker.c */
ctl_exit run_breaker_ls(ctl *c);
ctl_exit run_breaker_open(ctl *c);
ctl_exit run_breaker_close(ctl *c);
ctl_exit run_breaker_reset(ctl *c);

/* verbs_config.c */
ctl_exit run_check(ctl *c);
ctl_exit run_diff(ctl *c);
ctl_exit run_reload(ctl *c);

/* verbs_local.c, help.c, completion.c */
ctl_exit run_raw(ctl *c);
ctl_exit run_version(ctl *c);
ctl_exit run_help(ctl *c);
ctl_exit run_completion(ctl *c);

/* help.c: the help of one verb, or of all where `v` is NULL. */
void help_put(const verb *v, buf *out);

#endif
