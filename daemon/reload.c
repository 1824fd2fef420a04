#include "daemon/reload_impl.h"

#include "daemon/deadletter.h"
#include "daemon/directory.h"
#include "daemon/front.h"
#include "daemon/ledger.h"
#include "daemon/log.h"
#include "daemon/node_json.h"
#include "daemon/notify.h"
#include "daemon/plan_json.h"
#include "daemon/runner.h"
#include "daemon/tree.h"
#include "daemon/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RELOAD_MSG_LOADED = 1, RELOAD_MSG_LOOK };

/* ---- the end ---- */

static void tell_log(const reload *r)
{
    if (!r->ok) {
        char *errors = r->errors ? config_errors_text(r->errors, NULL) : NULL;
        log_error("config", "%s", r->said ? r->said : "reload failed: out of memory");
        for (char *rest = errors, *line; (line = strsep(&rest, "\n")) && *line;)
            log_error("config", "%s", line);
        free(errors);
        return;
    }
    char *plan = config_plan_text(r->plan);
    log_info("config", "reloaded %s", loaded_config(r->to)->file);
    for (char *rest = plan, *line; (line = strsep(&rest, "\n")) && *line;)
        log_info("config", "%s", line);
    free(plan);
}

static actor_verdict answer(reload *r)
{
    const char *text = r->said ? r->said : "out of memory";
    const char *members = r->said_more ? r->said_more : "";
    size_t n = strlen(text) + 1, m = strlen(members) + 1;
    actor_msg *reply = actor_msg_new(0, sizeof(reload_result) + n + m);
    if (reply) {
        reload_result *result = actor_msg_data(reply);
        char *at = (char *)(result + 1);
        *result = (reload_result){.ok = r->ok, .text = at, .members = at + n};
        memcpy(at, text, n);
        memcpy(at + n, members, m);
        actor_reply(r->question, &reply); /* refused: who asked has gone */
        actor_msg_free(reply);
    }
    actor_msg_free(r->question); /* unanswered for lack of memory: ACTOR_EENDED over there */
    r->question = NULL;
    return ACTOR_EXIT;
}

static actor_verdict finish(reload *r, bool ok)
{
    actord *d = r->daemon;
    r->ok = ok;
    r->over = true;
    if (ok) {
        json_out_object(&r->text);
        plan_json_put(&r->text, r->plan);
        json_out_key(&r->text, "failed");
        json_out_array(&r->text);
        if (r->failed.len)
            json_out_raw(&r->text, r->failed.data, r->failed.len);
        json_out_array_end(&r->text);
        json_out_object_end(&r->text);
    }
    r->said = json_out_take(&r->text, NULL);
    r->said_more = json_out_take(&r->members, NULL);
    if (r->mode != RELOAD_DIFF) {
        tell_log(r);
        notify_ready();
    }
    actor_lock_take(&d->lock);
    d->reloading = false;
    actor_lock_give(&d->lock);
    if (r->question)
        return answer(r);
    return r->mode == RELOAD_UNASKED ? ACTOR_EXIT : ACTOR_CONTINUE;
}

/* ---- loading: on the control thread ---- */

static void load(void *arg)
{
    reload *r = arg;
    actord *d = r->daemon;
    config *c = NULL;
    if (r->mode != RELOAD_DIFF)
        notify_reloading();
    r->errors = config_errors_new();
    if (r->errors && d->options.config_text)
        config_load_text("demo", d->options.config_text, strlen(d->options.config_text), NULL, &c,
                         r->errors);
    else if (r->errors)
        config_load(d->options.config_path, NULL, &c, r->errors);
    r->to = c ? loaded_new(c, NULL) : NULL;
    if (c && !r->to)
        config_free(c);
    actor_msg *msg = actor_msg_new(RELOAD_MSG_LOADED, 0);
    if (!msg || actor_send(r->self, &msg) != ACTOR_OK) {
        actor_msg_free(msg);
        log_error("config", "reload failed: out of memory; nothing changed");
        actor_stop(r->self);
    }
}

/* ---- applying ---- */

static void refuse_invalid(reload *r)
{
    char at[CLOCK_TEXT];
    actor_lock_take(&r->daemon->lock);
    clock_format(r->daemon->loaded_at, at);
    actor_lock_give(&r->daemon->lock);
    size_t n = r->errors ? config_errors_count(r->errors) : 0;
    const config_error *e = n ? config_errors_get(r->errors, 0) : NULL;
    char text[512];
    if (e && e->at.line > 0)
        snprintf(text, sizeof text,
                 "%s:%d:%d: %s (%zu error%s). Nothing changed; still running the configuration "
                 "loaded at %s",
                 e->at.file, e->at.line, e->at.column, e->message, n, n == 1 ? "" : "s", at);
    else
        snprintf(text, sizeof text,
                 "%s. Nothing changed; still running the configuration loaded at %s",
                 e ? e->message : "out of memory", at);
    json_out_raw(&r->text, text, strlen(text));
    if (n)
        node_json_put_errors(&r->members, r->errors, n);
}

static void apply_settings(actord *d, const config *c)
{
    static const log_level levels[] = {
        [CONFIG_LOG_ERROR] = LOG_LEVEL_ERROR,
        [CONFIG_LOG_WARN] = LOG_LEVEL_WARN,
        [CONFIG_LOG_INFO] = LOG_LEVEL_INFO,
        [CONFIG_LOG_DEBUG] = LOG_LEVEL_DEBUG,
    };
    if (!d->options.log_level)
        log_set_level(levels[c->log.level]);
    ledger_configure(d->ledger, clock_from_us(c->store.keep_done_us), c->store.max_size_bytes);
    deadletters_configure(d->deadletters, c->store.max_size_bytes / DEADLETTER_SHARE);
    front_limits limits = {.message = (size_t)atomic_load(&d->message_limit),
                           .in_flight_per_client = (unsigned)c->limits.in_flight_per_client,
                           .clients = (unsigned)c->limits.clients};
    front_set_limits(d->front, &limits);
}

/* By a call, with a description of its own: the file has no say in it. */
static bool was_spawned(unit *u)
{
    loaded *s;
    unit_child(u, &s);
    bool spawned = loaded_config(s) == NULL;
    loaded_release(s);
    return spawned;
}

/* Every unit that stays takes over its new description, policies included. */
static bool configure_units(reload *r)
{
    const config_child *root = loaded_config(r->to)->root;
    for (const config_child *c = root; c; c = config_next_child(root, c)) {
        unit *u = directory_find(r->daemon->directory, c->name, NULL);
        bool stays = u && !was_spawned(u) && u->supervises == (c->supervisor != NULL);
        bool ok = !stays || unit_configure(u, r->to, c);
        if (stays)
            unit_place(u, (uint32_t)c->index);
        if (stays)
            unit_nudge_all(u);
        unit_release(u);
        if (!ok)
            return false;
    }
    return true;
}

static actor_verdict next_change(actor *self, reload *r);

static void set_waits(reload *r, bool waits)
{
    actord *d = r->daemon;
    r->waits = waits;
    actor_lock_take(&d->lock);
    d->reload_waits = waits ? r->self : ACTOR_NONE;
    actor_lock_give(&d->lock);
}

static actor_verdict look(actor *self, reload *r)
{
    if (!r->waits || !reload_has_moved(r, &r->plan->changes[r->at]))
        return ACTOR_CONTINUE;
    set_waits(r, false);
    return next_change(self, r);
}

/* The supervisor that was asked ends: it is restarted, stays stopped, or is gone. Its state may be
 * published at any moment, so it is looked at after this. */
static actor_verdict wait_for_news(actor *self, reload *r)
{
    set_waits(r, true);
    return look(self, r);
}

void reload_look(actord *d)
{
    actor_lock_take(&d->lock);
    actor_ref waits = d->reload_waits;
    actor_lock_give(&d->lock);
    if (actor_ref_none(waits))
        return;
    actor_msg *msg = actor_msg_new(RELOAD_MSG_LOOK, 0);
    if (!msg || actor_send(waits, &msg) != ACTOR_OK)
        actor_msg_free(msg); /* it has ended; without memory the next news wakes it */
}

static actor_verdict answered(actor *self, reload *r, const supervisor_reply *reply)
{
    switch (reload_answered(r, &r->plan->changes[r->at], reply)) {
    case RELOAD_LATER:
        return wait_for_news(self, r);
    case RELOAD_DONE:
        r->step++;
        break;
    case RELOAD_AGAIN:
        break;
    }
    return next_change(self, r);
}

static actor_verdict on_reply(actor *self, void *state, actor_err how, actor_msg *msg, void *arg)
{
    (void)state;
    return answered(self, arg, how == ACTOR_OK && msg ? supervisor_reply_get(msg) : NULL);
}

static actor_verdict next_change(actor *self, reload *r)
{
    for (; r->at < r->plan->count; r->at++, r->step = 0) {
        const config_change *c = &r->plan->changes[r->at];
        actor_ref to = ACTOR_NONE;
        actor_msg *msg = reload_request(r, c, &to);
        if (!msg)
            continue;
        actor_err e = actor_ask(self, to, &msg, -1, on_reply, r, NULL);
        if (e == ACTOR_OK)
            return ACTOR_CONTINUE;
        actor_msg_free(msg);
        if (e == ACTOR_ENOTFOUND && !reload_is_pointless(r)) /* it has ended a moment ago */
            return answered(self, r, NULL);
        reload_failed(r, c, actor_strerror(e));
    }
    return finish(r, true);
}

static actor_verdict apply(actor *self, reload *r)
{
    actord *d = r->daemon;
    if (!r->to) {
        refuse_invalid(r);
        return finish(r, false);
    }
    r->from = daemon_spec(d);
    bool ok = reload_plan(d, r->from, loaded_config(r->to), &r->plan) == CONFIG_OK;
    if (ok && r->mode == RELOAD_DIFF)
        return finish(r, true);
    if (!ok || !configure_units(r)) {
        json_out_raw(&r->text, "out of memory: reload again", 27);
        return finish(r, false);
    }
    apply_settings(d, loaded_config(r->to));
    loaded *old;
    actor_lock_take(&d->lock);
    old = d->loaded;
    d->loaded = loaded_hold(r->to);
    d->loaded_at = clock_wall();
    actor_lock_give(&d->lock);
    loaded_release(old);
    return next_change(self, r);
}

/* ---- the actor ---- */

static actor_verdict reload_start(actor *self, void *state, void *arg)
{
    (void)state;
    reload *r = arg;
    r->self = actor_self(self);
    if (loop_post(r->daemon->loop, load, r))
        return actor_fail(self, ACTOR_FAIL_STOP, "out of memory");
    return ACTOR_CONTINUE;
}

static actor_verdict reload_handle(actor *self, void *state, actor_msg *msg)
{
    (void)state;
    reload *r = actor_self_arg(self);
    if (actor_msg_type(msg) == RELOAD_MSG_LOADED)
        return apply(self, r);
    if (actor_msg_type(msg) == RELOAD_MSG_LOOK)
        return look(self, r);
    if (actor_msg_type(msg) == RELOAD_MSG_ASK && !r->question) {
        r->question = actor_take(self);
        if (r->over)
            return answer(r);
    }
    return ACTOR_CONTINUE;
}

static void reload_free(void *arg)
{
    reload *r = arg;
    actord *d = r->daemon;
    if (!r->over) {
        actor_lock_take(&d->lock);
        d->reloading = false;
        d->reload_waits = ACTOR_NONE;
        actor_lock_give(&d->lock);
    }
    actor_msg_free(r->question);
    config_plan_free(r->plan);
    config_errors_free(r->errors);
    loaded_release(r->from);
    loaded_release(r->to);
    json_out_free(&r->failed);
    json_out_free(&r->text);
    json_out_free(&r->members);
    free(r->said);
    free(r->said_more);
    free(r);
}

static const actor_behaviour reload_behaviour = {
    .name = "reload",
    .start = reload_start,
    .handle = reload_handle,
};

actor_err reload_begin(actord *d, reload_mode mode, actor_ref *out)
{
    actor_lock_take(&d->lock);
    bool busy = d->reloading;
    d->reloading = true;
    actor_lock_give(&d->lock);
    if (busy)
        return ACTOR_EEXIST;
    reload *r = calloc(1, sizeof *r);
    actor_err e = ACTOR_ENOMEM;
    if (r) {
        r->daemon = d;
        r->mode = mode;
        actor_spec spec = {.behaviour = &reload_behaviour, .arg = r, .free_arg = reload_free};
        e = actor_spawn(d->system, &spec, out);
    }
    if (e != ACTOR_OK) {
        free(r);
        actor_lock_take(&d->lock);
        d->reloading = false;
        actor_lock_give(&d->lock);
    }
    return e;
}
