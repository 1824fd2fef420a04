#include "libactor/table.h"

#include <sys/mman.h>

#include "libactor/trim.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define BYTES     (sizeof(actor) * ACTOR__CHUNK)
#define UNIT      256u /* slots; 48 kB, so whole pages of 4 or 16 kB */
#define UNITS     (ACTOR__CHUNK / UNIT)
#define SURPLUS   1024u /* free slots that are worth a wake-up to give them back */
#define SORT      1024u /* slots sorted in one step of giving back */

static_assert(BYTES % HUGE_PAGE == 0, "chunks are made of huge pages");

actor *_Atomic actor__chunks[ACTOR__CHUNKS];

typedef struct unit {
    actor *free;         /* sorted back */
    uint16_t count;      /* of these */
    uint16_t carved;     /* slots, from the first on */
    uint32_t generation; /* of a slot that is carved */
} unit;

static actor_lock lock = ACTOR_LOCK_INIT;
static unit units[ACTOR__CHUNKS * UNITS] LOCK_GUARDED_BY(lock);
static uint32_t mapped LOCK_GUARDED_BY(lock);   /* units that have addresses */
static uint32_t bare LOCK_GUARDED_BY(lock);     /* of these, without memory */
static uint32_t full LOCK_GUARDED_BY(lock);     /* so many from the first on are all carved */
static uint32_t sorted LOCK_GUARDED_BY(lock);   /* free slots in units */
static uint32_t lowest LOCK_GUARDED_BY(lock);   /* no unit before it has any of these */
static actor *free_slots LOCK_GUARDED_BY(lock); /* others */
static uint32_t free_count LOCK_GUARDED_BY(lock);
static uint32_t unused LOCK_GUARDED_BY(lock); /* of free_count, not needed since the last mark */
static uint32_t looked LOCK_GUARDED_BY(lock); /* units looked at since slots were sorted */

static uint32_t unit_index(const actor *a)
{
    return a->index / UNIT;
}

static actor *first_slot(uint32_t which)
{
    return &load_relaxed(&actor__chunks[which / UNITS])[(size_t)(which % UNITS) * UNIT];
}

/* ---- Taking -------------------------------------------------------------------------------- */

static bool map_chunk(void) LOCK_REQUIRES(lock)
{
    if (mapped == COUNTOF(units))
        return false;

    char *at = mmap(NULL, BYTES + HUGE_PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        return false;

    /* Cut a whole number of huge pages out of it. */
    size_t before = -(uintptr_t)at & (HUGE_PAGE - 1);
    char *kept = at + before;

    munmap(kept + BYTES, HUGE_PAGE - before);
    if (mapped != 0)
        (void)madvise(kept, BYTES, MADV_HUGEPAGE); /* no matter if it can't */
    ACTOR__LEAK_ROOT(kept, BYTES);
    if (before != 0)
        munmap(at, before);
    store_release(&actor__chunks[mapped / UNITS], (actor *)(void *)kept);
    mapped += UNITS;
    bare += UNITS;
    return true;
}

static actor *take_sorted(uint32_t want, uint32_t *got) LOCK_REQUIRES(lock)
{
    actor *list = NULL;

    *got = 0;
    if (sorted == 0)
        return NULL;
    while (units[lowest].count == 0)
        lowest++;

    unit *u = &units[lowest];

    for (; *got < want && u->count != 0; ++*got) {
        actor *a = u->free;

        u->free = a->next;
        u->count--;
        sorted--;
        a->next = list;
        list = a;
    }
    return list;
}

/* Lowest index first. */
static actor *carve(uint32_t want, uint32_t *got) LOCK_REQUIRES(lock)
{
    *got = 0;
    while (full < mapped && units[full].carved == UNIT)
        full++;
    if (full == mapped && !map_chunk())
        return NULL;

    unit *u = &units[full];
    uint32_t n = UNIT - u->carved;
    actor *list = NULL;

    if (u->carved == 0)
        bare--;
    if (n > want)
        n = want;
    for (uint32_t i = u->carved + n; i-- > u->carved;) {
        actor *a = &first_slot(full)[i];

        a->index = full * UNIT + i;
        store_relaxed(&a->generation, u->generation);
        a->next = list;
        list = a;
    }
    u->carved = (uint16_t)(u->carved + n);
    *got = n;
    return list;
}

static actor *pop(uint32_t want, uint32_t *got) LOCK_REQUIRES(lock)
{
    actor *list = NULL;

    for (*got = 0; *got < want && free_slots != NULL; ++*got) {
        actor *a = free_slots;

        free_slots = a->next;
        a->next = list;
        list = a;
    }
    free_count -= *got;
    if (unused > free_count)
        unused = free_count;
    return list;
}

actor *actor__table_take(uint32_t want, uint32_t *got)
{
    actor_lock_take(&lock);

    actor *list = pop(want, got);

    if (list == NULL)
        list = take_sorted(want, got);
    if (list == NULL)
        list = carve(want, got);
    actor_lock_give(&lock);
    return list;
}

void actor__table_give(actor *list, bool at_rest)
{
    if (list == NULL)
        return;

    actor *last = list;
    uint32_t count = 1;

    for (; last->next != NULL; last = last->next)
        count++;
    actor_lock_take(&lock);
    last->next = free_slots;
    free_slots = list;
    free_count += count;
    if (at_rest)
        unused += count;
    if (free_count > SURPLUS)
        actor__trim_want();
    actor_lock_give(&lock);
}

/* ---- Giving back --------------------------------------------------------------------------- */

void actor__table_trim_mark(void)
{
    actor_lock_take(&lock);
    unused = free_count;
    actor_lock_give(&lock);
}

static bool sort_some(void) LOCK_REQUIRES(lock)
{
    uint32_t left = unused;
    uint32_t got;
    actor *a = left == 0 ? NULL : pop(left < SORT ? left : SORT, &got);

    if (a == NULL)
        return false;
    for (actor *next; a != NULL; a = next) {
        uint32_t which = unit_index(a);
        unit *u = &units[which];
        uint32_t generation = load_relaxed(&a->generation);

        next = a->next;
        if (u->generation < generation)
            u->generation = generation;
        if (lowest > which)
            lowest = which;
        a->next = u->free;
        u->free = a;
        u->count++;
    }
    sorted += got;
    left -= got;
    if (unused > left)
        unused = left;
    looked = 0;
    return true;
}

static bool whole(uint32_t which) LOCK_REQUIRES(lock)
{
    const unit *u = &units[which];

    /* Its slots will all be as old as the oldest; that must not use their numbers up. */
    return u->count != 0 && u->count == u->carved && u->generation < UINT32_MAX / 2;
}

/* Units from `first` to before `end`, of one chunk. Those that are bare may have memory all the
 * same, where others brought in a huge page. */
static void strip(uint32_t first, uint32_t end) LOCK_REQUIRES(lock)
{
    if (madvise(first_slot(first), (size_t)(end - first) * UNIT * sizeof(actor), MADV_DONTNEED) !=
        0)
        return; /* locked into memory: they stay as they are */
    for (uint32_t i = first; i < end; i++) {
        sorted -= units[i].count;
        bare += units[i].carved != 0;
        units[i] = (unit){.generation = units[i].generation};
    }
    if (full > first)
        full = first;
}

/* What is beside each other in a chunk. */
static bool strip_some(void) LOCK_REQUIRES(lock)
{
    while (sorted != 0 && looked < mapped && !whole(looked))
        looked++;
    if (sorted == 0 || looked == mapped)
        return false;

    uint32_t first = looked;

    do
        looked++;
    while (looked % UNITS != 0 && (whole(looked) || units[looked].carved == 0));
    strip(first, looked);
    return true;
}

bool actor__table_trim_step(void)
{
    actor_lock_take(&lock);

    bool more = sort_some() || strip_some();

    actor_lock_give(&lock);
    return more;
}

bool actor__table_swollen(bool at_all)
{
    actor_lock_take(&lock);

    bool much = free_count > (at_all ? 0 : SURPLUS);

    actor_lock_give(&lock);
    return much;
}

uint32_t actor__table_size(void)
{
    actor_lock_take(&lock);

    uint32_t size = (mapped - bare) * UNIT;

    actor_lock_give(&lock);
    return size;
}
