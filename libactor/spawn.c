/* Making actors, and looking at them. */
#include <string.h>

#include "libactor/ext.h"
#include "libactor/memory.h"
#include "libactor/notice.h"
#include "libactor/pool.h"
#include "libactor/probe.h"
#include "libactor/send.h"
#include "libactor/system.h"

/* Ended slots that may wait for reuse, of the whole process: beyond it one handler has held up
 * everything for so long that more spawns would only cost more memory. */
#define MAX_WAITING (1u << 20)

static bool valid(const actor_spec *spec)
{
    return spec->behaviour != NULL && spec->behaviour->handle != NULL &&
           (unsigned)spec->on_full <= ACTOR_DROP_OLDEST;
}

static void count_out(actor_system *sys)
{
    atomic_fetch_add(&sys->failed, 1);
    actor__system_left(sys);
}

static actor_err count_in(actor_system *sys, uint32_t *serial)
{
    if (load_strong(&sys->stopping))
        return ACTOR_ESTOPPED;
    if (actor__slot_waiting() > MAX_WAITING)
        return ACTOR_ELIMIT;
    return actor__system_came(sys, serial) ? ACTOR_OK : ACTOR_ELIMIT;
}

static bool set_locked(actor *a, actor__ext *ext)
{
    actor__locked *box = actor__alloc(sizeof(*box));

    if (box == NULL)
        return false;
    actor_lock_init(&box->lock);
    ext->locked = box;
    a->locked = true;
    return true;
}

/* What may need memory. On false the caller frees what there is. */
static bool furnish(actor *a, const actor_spec *spec)
{
    size_t size = spec->behaviour->state_size;
    bool supervised = !actor_ref_none(spec->supervisor);
    bool locked = spec->capacity != 0 && spec->on_full == ACTOR_DROP_OLDEST;

    a->state = size == 0 ? NULL : actor__pool_plain(size);
    if (a->state == NULL && size != 0)
        return false;
    a->supervisor = spec->supervisor;
    if (!supervised && spec->capacity == 0 && spec->stash_capacity == 0 && spec->free_arg == NULL)
        return true;

    actor__ext *ext = actor__ext_of(a);

    if (ext == NULL)
        return false;
    ext->stash_capacity = spec->stash_capacity;
    ext->free_arg = spec->free_arg;
    if (locked && !set_locked(a, ext))
        return false;
    return actor__notice_reserve(a, ACTOR__NOTICES_START);
}

static void fill(actor *a, actor_system *sys, const actor_spec *spec, uint32_t serial)
{
    a->sys = sys;
    a->capacity = spec->capacity;
    a->on_full = (uint8_t)spec->on_full;
    a->port = false;
    a->high = spec->high_priority;
    a->local = !spec->high_priority && !sys->options.simulate;
    a->behaviour = spec->behaviour;
    a->handle = spec->behaviour->handle;
    a->arg = spec->arg;
    a->intake = true;
    a->slow = true;
    a->serial = serial;
}

/* Whom nobody starts starts by itself; at once if there is nothing to call. */
static bool set_going(actor *a)
{
    if (!actor_ref_none(a->supervisor)) {
        store_relaxed(&a->head, (uintptr_t)&a->stub | ACTOR__EMPTY);
        return false;
    }
    if (a->behaviour->start != NULL) {
        store_relaxed(&a->signals, ACTOR__START);
        return true;
    }
    if (a->state != NULL)
        memset(a->state, 0, a->behaviour->state_size);
    store_relaxed(&a->phase, ACTOR_PHASE_RUNNING);
    store_relaxed(&a->incarnation, 1);
    a->slow = a->locked;
    store_relaxed(&a->head, (uintptr_t)&a->stub | ACTOR__EMPTY);
    return false;
}

static actor_err spawn(actor_system *sys, const actor_spec *spec, uint32_t serial, actor_ref *out)
{
    actor *a = actor__slot_get();

    if (a == NULL)
        return ACTOR_ENOMEM;
    a->locked = false;
    if (!furnish(a, spec)) {
        actor__ext_free(a);
        actor__pool_plain_free(a->state, spec->behaviour->state_size);
        actor__slot_put(a);
        return ACTOR_ENOMEM;
    }
    fill(a, sys, spec, serial);

    bool ready = set_going(a);

    *out = actor__slot_publish(a);
    ACTOR__PROBE_SPAWN(*out, spec);
    if (ready)
        actor__schedule_new(a);
    /* Strong both: whoever stops the system sees this actor, or we see that it stops. */
    if (load_strong(&sys->stopping))
        actor__signal(a, ACTOR__STOP, 0);
    return ACTOR_OK;
}

actor_err actor_spawn(actor_system *sys, const actor_spec *spec, actor_ref *out)
{
    if (!valid(spec))
        return ACTOR_EINVAL;

    uint32_t serial;
    actor_err err = count_in(sys, &serial);

    if (err != ACTOR_OK)
        return err;
    actor__online();
    err = spawn(sys, spec, serial, out);
    actor__offline();
    if (err != ACTOR_OK)
        count_out(sys);
    return err;
}

actor_err actor_inspect(actor_ref ref, actor_info *out)
{
    actor_err err = ACTOR_ENOTFOUND;

    actor__online();

    actor *a = actor__resolve(ref);

    if (a != NULL && !a->port) {
        *out = (actor_info){
            .phase = (actor_phase)load_relaxed(&a->phase),
            .incarnation = load_relaxed(&a->incarnation),
            .paused = load_relaxed(&a->paused),
            .waiting = load_relaxed(&a->count),
            .capacity = a->capacity,
            .handled = load_relaxed(&a->handled),
        };
        err = ACTOR_OK;
    }
    actor__offline();
    return err;
}
