#include "supervisors/spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const supervisor_flags supervisor_default_flags = {
    .strategy = SUPERVISOR_ONE_FOR_ONE,
    .max_restarts = 10,
    .period = 60000,
    .backoff = {.policy = {.kind = BACKOFF_EXPONENTIAL,
                           .jitter = BACKOFF_JITTER_FULL,
                           .initial = 100,
                           .max = 30000,
                           .factor = 2},
                .reset_after = 60000},
};

/* ---- Checks -----------------------------------------------------------------------------------
 */

static supervisor_err refuse(char *why, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static supervisor_err refuse(char *why, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (why && size > 0)
        vsnprintf(why, size, format, args);
    va_end(args);
    return SUPERVISOR_EINVAL;
}

supervisor_err supervisor_flags_check(const supervisor_flags *f, char *why, size_t size)
{
    if (f->strategy < SUPERVISOR_ONE_FOR_ONE || f->strategy > SUPERVISOR_REST_FOR_ONE)
        return refuse(why, size, "strategy: %d is none", (int)f->strategy);
    if (f->auto_shutdown < SUPERVISOR_NEVER || f->auto_shutdown > SUPERVISOR_ALL_SIGNIFICANT)
        return refuse(why, size, "auto_shutdown: %d is none", (int)f->auto_shutdown);
    if (f->max_restarts < BUDGET_UNLIMITED || f->max_restarts > BUDGET_MAX)
        return refuse(why, size, "max_restarts: %ld is not in 0 to %d, nor unlimited",
                      (long)f->max_restarts, BUDGET_MAX);
    if (f->max_restarts != SUPERVISOR_UNLIMITED && f->period <= 0)
        return refuse(why, size, "period: %lld ms is not above 0", (long long)f->period);
    if (!f->backoff.none && !backoff_policy_valid(&f->backoff.policy))
        return refuse(why, size, "backoff: initial %lld ms, max %lld ms, factor %g do not fit",
                      (long long)f->backoff.policy.initial, (long long)f->backoff.policy.max,
                      f->backoff.policy.factor);
    if (!f->backoff.none && f->backoff.reset_after < 0)
        return refuse(why, size, "reset_after: %lld ms is negative",
                      (long long)f->backoff.reset_after);
    return SUPERVISOR_OK;
}

static supervisor_err check_settings(const supervisor_child *c, char *why, size_t size)
{
    if (!c->id || !*c->id)
        return refuse(why, size, "id: is missing");
    if (strlen(c->id) > SUPERVISOR_ID_MAX)
        return refuse(why, size, "id: '%.32s...' is longer than %d bytes", c->id,
                      SUPERVISOR_ID_MAX);
    if (c->restart < SUPERVISOR_PERMANENT || c->restart > SUPERVISOR_TEMPORARY)
        return refuse(why, size, "'%s': restart: %d is none", c->id, (int)c->restart);
    if (c->significant && c->restart == SUPERVISOR_PERMANENT)
        return refuse(why, size, "'%s': significant: a permanent child can't be", c->id);
    if (c->significant && c->instances > 1)
        return refuse(why, size, "'%s': significant: a pool can't be", c->id);
    if (c->instances > SUPERVISOR_INSTANCES_MAX)
        return refuse(why, size, "'%s': instances: %lu is more than %d", c->id,
                      (unsigned long)c->instances, SUPERVISOR_INSTANCES_MAX);
    if (c->nested && c->instances > 1)
        return refuse(why, size, "'%s': instances: a supervisor has one", c->id);
    if (c->shutdown < SUPERVISOR_INFINITY)
        return refuse(why, size, "'%s': shutdown: %lld ms is negative", c->id,
                      (long long)c->shutdown);
    if (c->start_timeout < 0)
        return refuse(why, size, "'%s': start_timeout: %lld ms is negative", c->id,
                      (long long)c->start_timeout);
    if (c->on_full < ACTOR_REJECT || c->on_full > ACTOR_DROP_OLDEST)
        return refuse(why, size, "'%s': on_full: %d is none", c->id, (int)c->on_full);
    return SUPERVISOR_OK;
}

static supervisor_err check_child(const supervisor_child *c, bool update, char *why, size_t size)
{
    supervisor_err err = check_settings(c, why, size);
    bool both = c->behaviour && c->nested, neither = !c->behaviour && !c->nested;

    if (err == SUPERVISOR_OK && (both || (neither && !update)))
        return refuse(why, size, "'%s': needs either a behaviour or a nested supervisor", c->id);
    return err;
}

supervisor_err child_check_mode(const supervisor_child *c, supervisor_auto_shutdown mode, char *why,
                                size_t size)
{
    if (c->significant && mode == SUPERVISOR_NEVER)
        return refuse(why, size, "'%s': significant: not while auto_shutdown is never", c->id);
    return SUPERVISOR_OK;
}

supervisor_err supervisor_child_check(const supervisor_child *c, supervisor_auto_shutdown mode,
                                      char *why, size_t size)
{
    supervisor_err err = check_child(c, false, why, size);
    return err != SUPERVISOR_OK ? err : child_check_mode(c, mode, why, size);
}

/* ---- Children ---------------------------------------------------------------------------------
 */

static void free_nested(void *arg)
{
    supervisor_spec_free(arg);
}

supervisor_err child_spec_new(const supervisor_child *child, bool update, char *why, size_t size,
                              child_spec **out)
{
    supervisor_err err = check_child(child, update, why, size);
    if (err != SUPERVISOR_OK)
        return err;
    size_t length = strlen(child->id) + 1;
    child_spec *s = malloc(sizeof *s + length);
    if (!s)
        return SUPERVISOR_ENOMEM;
    *s = (child_spec){.child = *child, .is_supervisor = child->nested != NULL, .refs = 1};
    memcpy(s->id, child->id, length);
    s->child.id = s->id;
    if (s->child.instances == 0)
        s->child.instances = 1;
    if (s->is_supervisor) {
        s->child.behaviour = &sup_behaviour;
        s->child.arg = child->nested;
        s->child.free_arg = free_nested;
    }
    *out = s;
    return SUPERVISOR_OK;
}

void child_spec_change(child_spec *s, const supervisor_child *to)
{
    supervisor_child changed = *to;

    changed.id = s->child.id;
    changed.instances = s->child.instances;
    changed.behaviour = s->child.behaviour;
    changed.arg = s->child.arg;
    changed.instance_arg = s->child.instance_arg;
    changed.free_arg = s->child.free_arg;
    changed.nested = s->child.nested;
    if (!changed.tag)
        changed.tag = s->child.tag;
    s->child = changed;
}

child_spec *child_spec_ref(child_spec *s)
{
    s->refs++;
    return s;
}

void child_spec_unref(child_spec *s)
{
    if (!s || --s->refs > 0)
        return;
    if (s->child.free_arg)
        s->child.free_arg(s->child.arg);
    free(s);
}

/* ---- Supervisors ------------------------------------------------------------------------------
 */

supervisor_err supervisor_spec_new(const supervisor_flags *flags,
                                   const supervisor_observer *observer, uint64_t seed, char *why,
                                   size_t size, supervisor_spec **out)
{
    supervisor_err err = supervisor_flags_check(flags, why, size);
    if (err != SUPERVISOR_OK)
        return err;
    supervisor_spec *spec = malloc(sizeof *spec);
    if (!spec)
        return SUPERVISOR_ENOMEM;
    *spec = (supervisor_spec){.flags = *flags, .seed = seed};
    if (observer)
        spec->observer = *observer;
    if (!sup_map_init(&spec->ids, 0)) {
        free(spec);
        return SUPERVISOR_ENOMEM;
    }
    *out = spec;
    return SUPERVISOR_OK;
}

supervisor_err supervisor_spec_add(supervisor_spec *spec, const supervisor_child *child, char *why,
                                   size_t size)
{
    child_spec *s;
    supervisor_err err = supervisor_child_check(child, spec->flags.auto_shutdown, why, size);

    if (err != SUPERVISOR_OK)
        return err;
    if (sup_spec_find(spec, child->id)) {
        (void)refuse(why, size, "id: '%s' is there already", child->id);
        return SUPERVISOR_EPRESENT;
    }
    err = child_spec_new(child, false, why, size, &s);
    if (err != SUPERVISOR_OK)
        return err;
    sup_spec_insert(spec, s, NULL);
    child_spec_unref(s);
    return SUPERVISOR_OK;
}

void supervisor_spec_free(supervisor_spec *spec)
{
    if (!spec)
        return;
    sup_map_fini(&spec->ids);
    while (spec->first)
        sup_spec_unlink(spec, spec->first);
    if (spec->observer.free_tag)
        spec->observer.free_tag(spec->observer.tag);
    free(spec);
}

child_spec *sup_spec_find(const supervisor_spec *spec, const char *id)
{
    for (map_link *l = sup_map_first(&spec->ids, sup_map_hash_text(id)); l; l = sup_map_next(l)) {
        child_spec *s = MAP_ENTRY(l, child_spec, by_id);
        if (strcmp(s->id, id) == 0)
            return s;
    }
    return NULL;
}

void sup_spec_insert(supervisor_spec *spec, child_spec *s, child_spec *before)
{
    s->next = before;
    s->prev = before ? before->prev : spec->last;
    *(s->prev ? &s->prev->next : &spec->first) = s;
    *(s->next ? &s->next->prev : &spec->last) = s;
    sup_map_add(&spec->ids, &s->by_id, sup_map_hash_text(s->id));
    child_spec_ref(s);
}

void sup_spec_replace(supervisor_spec *spec, child_spec *s, child_spec *fresh)
{
    fresh->child.instances = s->child.instances;
    sup_spec_insert(spec, fresh, s);
    sup_spec_unlink(spec, s);
}

void sup_spec_order(supervisor_spec *spec, char *const *ids, size_t count)
{
    while (count-- > 0) {
        child_spec *s = sup_spec_find(spec, ids[count]);
        if (!s)
            continue;
        child_spec_ref(s);
        sup_spec_unlink(spec, s);
        sup_spec_insert(spec, s, spec->first);
        child_spec_unref(s);
    }
}

void sup_spec_unlink(supervisor_spec *spec, child_spec *s)
{
    *(s->prev ? &s->prev->next : &spec->first) = s->next;
    *(s->next ? &s->next->prev : &spec->last) = s->prev;
    s->prev = s->next = NULL;
    sup_map_remove(&spec->ids, &s->by_id);
    child_spec_unref(s);
}

bool sup_spec_drop(supervisor_spec *spec, const char *id)
{
    child_spec *s = sup_spec_find(spec, id);
    if (s)
        sup_spec_unlink(spec, s);
    return s != NULL;
}
