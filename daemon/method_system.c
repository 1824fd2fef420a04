/* Methods about the daemon itself: ping, system.*. */
#include "daemon/deadletter.h"
#include "daemon/directory.h"
#include "daemon/methods.h"
#include "daemon/unit_put.h"

#include <unistd.h>

static const rpc_param none[1] = {{0}};

static void run_ping(call *c, rpc_value *v)
{
    (void)v;
    static const char pong[] = "{\"pong\":true}";
    call_result(c, pong, sizeof pong - 1);
}

static void put_text(json_out *out, const char *key, const char *text)
{
    json_out_key(out, key);
    json_out_text(out, text);
}

static void put_uint(json_out *out, const char *key, uint64_t value)
{
    json_out_key(out, key);
    json_out_uint(out, value);
}

static void put_listeners(json_out *out, const actord *d)
{
    json_out_key(out, "listeners");
    json_out_array(out);
    for (size_t i = 0; i < front_listeners(d->front); i++)
        json_out_text(out, front_url(d->front, i));
    json_out_array_end(out);
}

static void run_info(call *c, rpc_value *v)
{
    (void)v;
    actord *d = c->daemon;
    char at[CLOCK_TEXT];
    actor_system_stats stats;
    actor_system_stats_get(d->system, &stats);
    actor_lock_take(&d->lock);
    loaded *s = loaded_hold(d->loaded);
    clock_ms loaded_at = d->loaded_at;
    actor_lock_give(&d->lock);
    json_out out = {0};
    json_out_object(&out);
    put_text(&out, "name", loaded_config(s)->system.name);
    put_text(&out, "version", ACTORD_VERSION);
    put_uint(&out, "pid", (uint64_t)getpid());
    put_text(&out, "started_at", clock_format(d->started_at, at));
    put_uint(&out, "uptime_ms", (uint64_t)(clock_now() - d->started));
    put_uint(&out, "workers", stats.workers);
    put_text(&out, "config", loaded_config(s)->file);
    put_text(&out, "config_loaded_at", clock_format(loaded_at, at));
    json_out_key(&out, "draining");
    json_out_bool(&out, atomic_load(&d->draining));
    put_listeners(&out, d);
    json_out_object_end(&out);
    loaded_release(s);
    call_result_out(c, &out);
}

static void run_stats(call *c, rpc_value *v)
{
    (void)v;
    actord *d = c->daemon;
    clock_ms now = clock_now();
    double per_second = 0;
    uint64_t actors = 0;
    unit_counters sum;
    unit **all = directory_all(d->directory, &sum);
    for (unit **at = all; at && *at; at++) {
        actor_lock_take(&(*at)->lock);
        unit_add_counters(&sum, &(*at)->counters);
        per_second += unit_per_second(*at, now);
        actor_lock_give(&(*at)->lock);
        actors++;
    }
    json_out out = {0};
    if (!all)
        out.err = JSON_ENOMEM;
    directory_list_free(all);
    front_stats f;
    front_get_stats(d->front, &f);
    json_out_object(&out);
    unit_put_counters(&out, &sum);
    put_uint(&out, "restarts", atomic_load(&d->restarts));
    put_uint(&out, "actors", actors);
    json_out_key(&out, "per_second");
    json_out_double(&out, per_second);
    put_uint(&out, "dead_letters", deadletters_count(d->deadletters));
    put_uint(&out, "dead_letters_lost", deadletters_lost(d->deadletters));
    put_uint(&out, "clients", f.clients);
    put_uint(&out, "requests", f.requests);
    put_uint(&out, "in_flight", f.in_flight);
    json_out_object_end(&out);
    call_result_out(c, &out);
}

const method methods_system[] = {
    {"ping", CONFIG_ROLE_OBSERVE, none, 0, run_ping},
    {"system.info", CONFIG_ROLE_OBSERVE, none, 0, run_info},
    {"system.stats", CONFIG_ROLE_OBSERVE, none, 0, run_stats},
    {0},
};
