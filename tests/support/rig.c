#include "tests/support/rig.h"

#include "daemon/deadletter.h"
#include "daemon/directory.h"
#include "daemon/front.h"
#include "daemon/kind.h"
#include "daemon/ledger.h"
#include "daemon/log.h"
#include "daemon/policy.h"
#include "daemon/reload.h"
#include "daemon/runner.h"
#include "daemon/tree.h"
#include "supervisors/prng.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES_MAX = 4096, STORE_BYTES = 1 << 24, GRACE_MS = 60000 };

struct rig {
    actord d;
    clock_ms now; /* of the actors; the daemon's clock is BASE more */
    clock_ms shown;
    bool real;
    bool tree, over;
    prng random;
    message *kept[MESSAGES_MAX];
    size_t kept_count;
};

/* Instants of the daemon's clock are never near 0. */
#define BASE ((clock_ms)1000000)

static void check(bool fact, const char *what)
{
    if (fact)
        return;
    fprintf(stderr, "rig: %s\n", what);
    abort();
}

static loaded *parse(const char *file)
{
    char *errors = NULL;
    config *c = NULL;
    config_errors *errs = config_errors_new();
    if (config_load_text("rig.yaml", file, strlen(file), NULL, &c, errs) != CONFIG_OK)
        errors = config_errors_text(errs, NULL);
    check(c != NULL, errors ? errors : "no memory");
    config_errors_free(errs);
    loaded *s = loaded_new(c, NULL);
    check(s != NULL, "no memory");
    return s;
}

/* ---- what the daemon is for its parts; so its own file is not linked ---- */

static rig *the_rig(actord *d)
{
    return (rig *)(void *)((char *)d - offsetof(rig, d));
}

loaded *daemon_spec(actord *d)
{
    return loaded_hold(d->loaded);
}

static uint64_t seed_of_tree;

uint64_t daemon_seed(void)
{
    return seed_of_tree;
}

void daemon_message_ended(actord *d)
{
    check(atomic_fetch_sub(&d->live, 1) > 0, "more messages ended than there were");
}

void daemon_root_started(actord *d)
{
    (void)d;
}

void daemon_root_stopped(actord *d, int status, const char *reason)
{
    (void)status;
    (void)reason;
    the_rig(d)->over = true;
}

void front_set_limits(front *f, const front_limits *limits)
{
    (void)f;
    (void)limits;
}

/* ---- making ---- */

static void release(void *arg)
{
    unit_release(((runner *)arg)->unit);
}

static void start(rig *r, unit *u)
{
    runner *first = unit_runner(u, 1);
    actor_spec spec = {.behaviour = &delivery_behaviour, .arg = first, .free_arg = release};
    actor_ref ref;
    unit_hold(u);
    check(actor_spawn(r->d.system, &spec, &ref) == ACTOR_OK, "can't spawn");
    actor_lock_take(&u->lock);
    first->ref = ref;
    first->state = UNIT_RUNNING;
    first->there = true;
    unit_sum_up(u);
    actor_lock_give(&u->lock);
}

static void add_units(rig *r, loaded *s)
{
    const config_child *root = loaded_config(s)->root, *c = root;
    check((r->d.root = unit_new(&r->d, s, root, NULL)) != NULL, "no memory");
    while ((c = config_next_child(root, c))) {
        unit *u = unit_new(&r->d, s, c, r->d.root);
        check(u && directory_add(r->d.directory, u), "a unit can't be made");
        start(r, u);
        unit_release(u);
    }
}

static rig *make(const char *file, uint64_t seed, bool real)
{
    rig *r = calloc(1, sizeof *r);
    check(r != NULL, "no memory");
    r->random.state = seed;
    seed_of_tree = seed;
    r->real = real;
    r->shown = BASE;
    clock_virtual = real ? NULL : &r->shown;
    log_set_level(LOG_LEVEL_ERROR);
    actord *d = &r->d;
    actor_lock_init(&d->lock);
    atomic_init(&d->message_limit, 1 << 20);
    check(loop_create(&d->loop) == 0 && alarm_clock_create(d->loop, &d->alarms) == 0, "no loop");
    d->policies = policies_new(d->alarms, seed);
    d->ledger = ledger_new(d->alarms, 3600000, STORE_BYTES);
    d->deadletters = deadletters_new(STORE_BYTES);
    d->directory = directory_new();
    check(d->policies && d->ledger && d->deadletters && d->directory, "no memory");
    actor_system_options options = {.workers = 1, .simulate = true, .seed = seed};
    check(actor_system_new(&options, &d->system) == ACTOR_OK, "no actor system");
    d->loaded = parse(file);
    return r;
}

static rig *make_units(const char *named, const char *children, uint64_t seed, bool real)
{
    char *file;
    check(asprintf(&file, "version: 1\n%ssupervisor:\n  children:\n%s", named, children) > 0,
          "no memory");
    rig *r = make(file, seed, real);
    free(file);
    add_units(r, r->d.loaded);
    rig_settle(r);
    return r;
}

rig *rig_new(const char *named, const char *children, uint64_t seed)
{
    return make_units(named, children, seed, false);
}

rig *rig_new_real(const char *named, const char *children)
{
    return make_units(named, children, 1, true);
}

rig *rig_new_tree(const char *file, uint64_t seed)
{
    char why[256];
    rig *r = make(file, seed, false);
    check(tree_start(&r->d, why, sizeof why), why);
    r->tree = true;
    log_set_level((log_level)(LOG_LEVEL_ERROR + 1)); /* failures are what it is for */
    rig_settle(r);
    return r;
}

/* ---- its end ---- */

static void stop_tree(rig *r)
{
    (void)actor_stop(unit_supervisor_ref(r->d.root)); /* it may have ended */
    for (clock_ms end = r->now + GRACE_MS; !r->over && r->now < end;)
        rig_run(r, 1);
    check(r->over, "the tree doesn't end");
}

static void stop_units(rig *r)
{
    unit **all = directory_list(r->d.directory, NULL, false);
    for (unit **u = all; *u; u++)
        unit_stopped(*u);
    directory_list_free(all);
}

void rig_free(rig *r)
{
    actord *d = &r->d;
    (r->tree ? stop_tree : stop_units)(r);
    rig_settle(r);
    actor_system_free(d->system, GRACE_MS);
    alarm_clock_stop(d->alarms);
    for (size_t i = 0; i < r->kept_count; i++)
        message_release(r->kept[i]);
    deadletters_free(d->deadletters);
    ledger_free(d->ledger);
    directory_free(d->directory);
    unit_release(d->root);
    policies_free(d->policies);
    alarm_clock_destroy(d->alarms);
    loop_destroy(d->loop);
    loaded_release(d->loaded);
    actor_lock_destroy(&d->lock);
    clock_virtual = NULL;
    free(r);
}

/* ---- using it ---- */

actord *rig_daemon(rig *r)
{
    return &r->d;
}

bool rig_over(const rig *r)
{
    return r->over;
}

static void leave(void *l)
{
    loop_break(l);
}

void rig_reload(rig *r, const char *file)
{
    actord *d = &r->d;
    actor_ref reloader;
    d->options.config_text = file;
    d->options.log_level = "none"; /* no file's */
    if (reload_begin(d, RELOAD_UNASKED, &reloader) != ACTOR_OK)
        return;
    rig_settle(r); /* it asks the control thread to load */
    check(loop_post(d->loop, leave, d->loop) == 0 && loop_run(d->loop) == 0, "no loop");
}

unit *rig_unit(rig *r, const char *name)
{
    unit *u = directory_find(r->d.directory, name, NULL);
    check(u != NULL, name);
    unit_release(u); /* the directory keeps it */
    return u;
}

clock_ms rig_now(const rig *r)
{
    return r->now;
}

uint64_t rig_random(rig *r)
{
    return prng_next(&r->random);
}

message *rig_submit(rig *r, const char *to, const unit_submission *s)
{
    message *m = NULL;
    bool duplicate;
    rpc_failure failure;
    json_out members = {0};
    rpc_code code = unit_submit(rig_unit(r, to), s, &m, &duplicate, &failure, &members);
    json_out_free(&members);
    if (code != RPC_OK)
        return NULL;
    if (r->real) { /* nobody looks at it */
        message_release(m);
        return m;
    }
    check(r->kept_count < MESSAGES_MAX, "too many messages");
    return r->kept[r->kept_count++] = m;
}

static message *submit(rig *r, const char *to, const char *payload, bool ask)
{
    unit_submission s = {.payload = payload, .len = strlen(payload), .priority = -1, .ask = ask};
    return rig_submit(r, to, &s);
}

message *rig_send(rig *r, const char *to, const char *payload)
{
    return submit(r, to, payload, false);
}

message *rig_ask(rig *r, const char *to, const char *payload)
{
    return submit(r, to, payload, true);
}

/* Alarms and actors of one instant take turns until both have nothing left; a coin decides who
 * begins. */
static void instant(rig *r)
{
    bool actors_first = prng_next(&r->random) & 1;
    for (int idle = 0; idle < 3;) {
        uint64_t done = 0;
        if (actors_first)
            done = actor_sim_run(r->d.system, r->now);
        actors_first = true;
        alarm_clock_fire(r->d.alarms, clock_now());
        idle = done ? 0 : idle + 1;
    }
}

void rig_settle(rig *r)
{
    if (r->real)
        while (actor_sim_step(r->d.system))
            ;
    else
        instant(r);
}

void rig_run(rig *r, clock_ms ms)
{
    for (clock_ms end = r->now + ms; r->now < end; r->now++, r->shown++)
        instant(r);
    instant(r);
}

void rig_restart(rig *r, const char *name, bool charged)
{
    unit *u = rig_unit(r, name);
    atomic_store(&unit_runner(u, 1)->kill_asked, charged);
    actor_kill(unit_runner(u, 1)->ref);
    instant(r);
    start(r, u);
    instant(r);
}

static void check_lists(const unit *u)
{
    uint64_t waiting = 0, running = 0, retrying = 0;
    message *m;
    for (int i = 0; i < UNIT_PRIORITIES; i++)
        TAILQ_FOREACH(m, &u->mailbox[i], link)
        {
            check(m->state == MESSAGE_WAITING && m->queued, "a message in a mailbox doesn't wait");
            waiting++;
        }
    TAILQ_FOREACH(m, &u->later, link)
    {
        waiting += m->state == MESSAGE_WAITING;
        retrying += m->state == MESSAGE_RETRYING;
    }
    TAILQ_FOREACH(m, &u->in_hand, link) running += m->state == MESSAGE_RUNNING;
    check(waiting == u->counters.waiting && running == u->counters.running &&
              retrying == u->counters.retrying,
          "what is counted is not in the lists");
}

static void check_unit(const unit *u)
{
    const unit_counters *n = &u->counters;
    uint64_t live = n->waiting + n->running + n->retrying, sum = live;
    for (message_state s = MESSAGE_DONE; s < MESSAGE_STATES; s++)
        sum += n->final[s];
    check(sum == n->accepted, "the counters don't add up");
    check(u->live == live, "live messages");
    check(u->places <= u->live, "more places than messages");
    check(u->live > 0 || (u->places == 0 && TAILQ_EMPTY(&u->in_hand) && TAILQ_EMPTY(&u->later) &&
                          TAILQ_EMPTY(&u->hedges)),
          "something is left of messages that have ended");
    check_lists(u);
}

void rig_check(rig *r)
{
    uint64_t live = 0;
    unit **all = directory_list(r->d.directory, NULL, false);
    for (unit **u = all; *u; u++) {
        actor_lock_take(&(*u)->lock);
        check_unit(*u);
        live += (*u)->live;
        actor_lock_give(&(*u)->lock);
    }
    directory_list_free(all);
    check(live == atomic_load(&r->d.live), "live messages of the daemon");
}

/* It, or what it is in. */
static bool is_missing(const config_child *c, const config_undone *undone, size_t count)
{
    for (; c; c = c->parent)
        for (size_t i = 0; i < count; i++)
            if (undone[i].kind == CONFIG_CHANGE_START && strcmp(undone[i].name, c->name) == 0)
                return true;
    return false;
}

static void check_child(rig *r, const config_child *c)
{
    unit *u = rig_unit(r, c->name);
    actor_lock_take(&u->lock);
    check(u->child == c, "another description than the file's");
    check(u->supervises == (c->supervisor != NULL), "another nature than in the file");
    check(!c->parent || u->order == c->index, "another order than in the file");
    check(!c->parent == !u->parent, "the root");
    check(!c->parent || u->parent == rig_unit(r, c->parent->name), "another parent");
    actor_lock_give(&u->lock);
}

size_t rig_check_tree(rig *r)
{
    size_t undone_count, there = 0;
    config_undone *undone = loaded_undone(r->d.loaded, &undone_count);
    const config_child *root = loaded_config(r->d.loaded)->root;
    check(undone != NULL, "no memory");
    for (const config_child *c = root; c; c = config_next_child(root, c)) {
        unit *u = directory_find(r->d.directory, c->name, NULL);
        bool missing = is_missing(c, undone, undone_count);
        check(!u == missing, missing ? "what could not be started is there" : c->name);
        unit_release(u);
        there += !missing;
        if (!missing)
            check_child(r, c);
    }
    check(directory_count(r->d.directory) == there, "actors that are not in the file");
    free(undone);
    return undone_count;
}
