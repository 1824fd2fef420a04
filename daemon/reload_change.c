/* What a change of the plan asks of the supervisors.
 *
 * A supervisor that is stopped can't be asked: its spec is changed at the one above it, and its
 * next start follows the file. What supervisors tell of otherwise (units that are gone, how many
 * there are) is done here then. */
#include "daemon/reload_impl.h"

#include "daemon/directory.h"
#include "daemon/log.h"
#include "daemon/runner.h"
#include "daemon/tree.h"
#include "daemon/unit.h"

#include <stdlib.h>

/* Between a supervisor and anything else nothing can be kept: it goes, and another comes. */
static bool other_nature(const config_change *c)
{
    return c->kind == CONFIG_CHANGE_RESTART && !c->from->supervisor != !c->to->supervisor;
}

static bool is_start(const reload *r, const config_change *c)
{
    return c->kind == CONFIG_CHANGE_START || (other_nature(c) && r->step == 1);
}

static bool is_drop(const reload *r, const config_change *c)
{
    return c->kind == CONFIG_CHANGE_STOP || (other_nature(c) && r->step == 0);
}

static void note_undone(const reload *r, const config_change *c)
{
    const config_undone undone = {.name = c->name,
                                  .kind = is_start(r, c) ? CONFIG_CHANGE_START : c->kind};
    if (undone.kind == CONFIG_CHANGE_STOP || loaded_add_undone(r->to, &undone))
        return;
    log_error("config", "reload: %s '%s' will not be tried again: out of memory",
              config_change_name(c->kind), c->name);
}

/* Of a child that couldn't be started nothing stays. */
void reload_failed(reload *r, const config_change *c, const char *why)
{
    if (is_start(r, c))
        tree_forget(r->daemon, c->to);
    note_undone(r, c);
    log_error("config", "reload: %s '%s' failed: %s", config_change_name(c->kind), c->name, why);
    json_out_textf(&r->failed, "%s %s: %s", config_change_name(c->kind), c->name, why);
}

/* ---- whom to ask ---- */

/* One that isn't in the directory is a temporary one that has ended. */
static bool is_stopped(actord *d, const char *name)
{
    unit *u = directory_find(d->directory, name, NULL);
    bool stopped = true;
    if (u) {
        actor_lock_take(&u->lock);
        stopped = u->state == UNIT_STOPPED;
        actor_lock_give(&u->lock);
    }
    unit_release(u);
    return stopped;
}

static void find_life(actord *d, const char *name, reload_address *out)
{
    unit *u = directory_find(d->directory, name, NULL);
    if (!u)
        return;
    out->ref = unit_supervisor_ref(u);
    actor_lock_take(&u->lock);
    out->incarnation = u->incarnation;
    actor_lock_give(&u->lock);
    unit_release(u);
}

/* Who is to carry out this step; NULL: nobody, it was the last. */
static const config_child *supervisor_of(const reload *r, const config_change *c)
{
    switch (c->kind) {
    case CONFIG_CHANGE_STOP:
        return r->step == 0 ? c->from->parent : NULL;
    case CONFIG_CHANGE_START:
        return r->step == 0 ? c->to->parent : NULL;
    case CONFIG_CHANGE_RESTART:
        return r->step <= 1 ? c->to->parent : NULL;
    case CONFIG_CHANGE_UPDATE: /* of a supervisor: its own settings, then how it is supervised */
        if (c->to->supervisor && r->step == 0)
            return c->to;
        return r->step <= (c->to->supervisor ? 1 : 0) ? c->to->parent : NULL;
    case CONFIG_CHANGE_REORDER:
        return r->step == 0 ? c->to : NULL;
    default:
        return NULL; /* settings and policies are applied already */
    }
}

/* The supervisor itself, or the one above all that are stopped, with the path from there. */
static reload_address address(reload *r, const config_child *supervisor)
{
    reload_address to = {.ref = ACTOR_NONE};
    const config_child *asked = supervisor;
    for (const config_child *x = supervisor; x->parent; x = x->parent)
        if (is_stopped(r->daemon, x->name))
            asked = x->parent;
    for (const config_child *x = supervisor; x != asked; x = x->parent)
        to.depth++;
    size_t i = to.depth;
    for (const config_child *x = supervisor; x != asked; x = x->parent)
        r->path[--i] = x->name;
    find_life(r->daemon, asked->name, &to);
    return to;
}

/* ---- what to ask ---- */

/* The message that starts a new child; NULL: why not is noted. */
static actor_msg *start_request(reload *r, const config_change *c)
{
    rpc_failure failure;
    supervisor_child out;
    actord *d = r->daemon;
    unit *parent = directory_find(d->directory, c->to->parent->name, &failure);
    if (!parent) {
        reload_failed(r, c, failure.message);
        return NULL;
    }
    const tree_place at = {.parent = parent, .order = (uint32_t)c->to->index};
    rpc_code code = tree_build(d, r->to, c->to, &at, &out, &failure);
    unit_release(parent);
    if (code != RPC_OK) {
        reload_failed(r, c, failure.message);
        return NULL;
    }
    actor_msg *msg = supervisor_request_start(&out, true, c->to->index);
    if (!msg) {
        tree_discard(&out);
        reload_failed(r, c, "out of memory");
    }
    return msg;
}

/* Instances that couldn't be started are tried again. */
static bool is_short(unit *u, const config_change *c)
{
    actor_lock_take(&u->lock);
    bool less = unit_count_runners(u).there < (uint32_t)c->to->instances;
    actor_lock_give(&u->lock);
    return c->again && less;
}

/* What it runs is the unit's business, and stays. Without a unit (a temporary child that has ended)
 * only its supervisor is to know. */
static actor_msg *update_request(reload *r, const config_change *c)
{
    supervisor_child child;
    unit *u = directory_find(r->daemon->directory, c->name, NULL);
    tree_describe(c->to, &child);
    child.tag = u;
    /* Else the operator's number stays. */
    if (u && (c->from->instances != c->to->instances || is_short(u, c)))
        child.instances = (uint32_t)c->to->instances;
    bool ok = !u || unit_reserve(u, child.instances);
    actor_msg *msg = ok ? supervisor_request_update(&child) : NULL;
    if (!msg)
        reload_failed(r, c, "out of memory");
    unit_release(u);
    return msg;
}

static actor_msg *order_request(reload *r, const config_change *c)
{
    const config_supervisor *s = c->to->supervisor;
    const char **names = calloc(s->child_count, sizeof *names);
    for (size_t i = 0; names && i < s->child_count; i++)
        names[i] = s->children[i]->name;
    actor_msg *msg = names ? supervisor_request_order(names, s->child_count) : NULL;
    if (!msg)
        reload_failed(r, c, "out of memory");
    free(names);
    return msg;
}

/* Without a message the change has failed. */
static actor_msg *or_noted(reload *r, const config_change *c, actor_msg *msg)
{
    if (!msg)
        reload_failed(r, c, "out of memory");
    return msg;
}

static actor_msg *flags_request(reload *r, const config_change *c)
{
    supervisor_flags flags = tree_flags(c->to->supervisor);
    return or_noted(r, c, supervisor_request_flags(&flags));
}

/* What is stopped stays so, unless it is because it couldn't be restarted. */
static actor_msg *restart_request(reload *r, const config_change *c)
{
    bool stays = r->asked.depth > 0 || (is_stopped(r->daemon, c->name) && !c->again);
    return stays ? NULL : or_noted(r, c, supervisor_request_restart(c->name));
}

/* NULL: nothing, or why not is noted. */
static actor_msg *message_of(reload *r, const config_change *c)
{
    if (is_drop(r, c))
        return or_noted(r, c, supervisor_request_drop(c->name));
    if (is_start(r, c))
        return start_request(r, c);
    if (c->kind == CONFIG_CHANGE_REORDER)
        return order_request(r, c);
    if (c->kind == CONFIG_CHANGE_UPDATE && c->to->supervisor && r->step == 0)
        return flags_request(r, c);
    if (c->kind == CONFIG_CHANGE_RESTART && r->step == 1)
        return restart_request(r, c);
    return update_request(r, c);
}

actor_msg *reload_request(reload *r, const config_change *c, actor_ref *to)
{
    const config_child *supervisor = supervisor_of(r, c);
    if (!supervisor)
        return NULL;
    r->asked = address(r, supervisor);
    *to = r->asked.ref;
    actor_msg *msg = message_of(r, c);
    if (!msg || r->asked.depth == 0 || supervisor_request_within(msg, r->path, r->asked.depth))
        return msg;
    actor_msg_free(msg);
    reload_failed(r, c, "out of memory");
    return NULL;
}

/* ---- what was answered ---- */

/* It ends, or (asked as one that is stopped) runs again. */
static bool is_untouched(const reload *r, const supervisor_reply *reply)
{
    return !reply || reply->untouched || (r->asked.depth > 0 && reply->err == SUPERVISOR_ERUNNING);
}

bool reload_is_pointless(const reload *r)
{
    return is_stopped(r->daemon, loaded_config(r->to)->root->name);
}

bool reload_has_moved(reload *r, const config_change *c)
{
    const reload_address was = r->asked, now = address(r, supervisor_of(r, c));
    return now.depth != was.depth || now.incarnation != was.incarnation ||
           !actor_ref_eq(now.ref, was.ref) || reload_is_pointless(r);
}

/* What a supervisor that is stopped doesn't tell. */
static void done_within(reload *r, const config_change *c)
{
    unit *u = directory_find(r->daemon->directory, c->name, NULL);
    if (u && is_drop(r, c))
        tree_remove(r->daemon, u);
    else if (u && !is_start(r, c) && c->from->instances != c->to->instances)
        unit_expect_runners(u, (uint32_t)c->to->instances);
    unit_release(u);
}

/* As asked, or as good as that: what the operator has deleted stays so, and what was begun is in
 * the spec, also where the child was stopped meanwhile or goes down with its supervisor. */
static bool is_done(const reload *r, const config_change *c, supervisor_err err)
{
    bool updates = c->kind == CONFIG_CHANGE_UPDATE;
    return err == SUPERVISOR_OK || err == SUPERVISOR_ERESTARTING ||
           (err == SUPERVISOR_ENOTFOUND && !is_start(r, c)) ||
           (err == SUPERVISOR_ESTOPPED && !updates);
}

reload_outcome reload_answered(reload *r, const config_change *c, const supervisor_reply *reply)
{
    if (is_untouched(r, reply)) {
        if (is_start(r, c))
            tree_forget(r->daemon, c->to); /* it is built again */
        return reload_has_moved(r, c) ? RELOAD_AGAIN : RELOAD_LATER;
    }
    if (reply->err == SUPERVISOR_OK && r->asked.depth > 0)
        done_within(r, c);
    if (!is_done(r, c, reply->err))
        reload_failed(r, c, reply->reason[0] ? reply->reason : supervisor_strerror(reply->err));
    return RELOAD_DONE;
}
