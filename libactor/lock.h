/* A mutex that clang's thread-safety analysis understands (-Wthread-safety in `make lint`).
 *
 * Fields say LOCK_GUARDED_BY(their lock), helpers LOCK_REQUIRES(it); calling one without the lock
 * is then an error of the build. Internal: not installed, but any folder may use it.
 * A pthread mutex that fails here is a bug of ours, so it panics.
 */
#ifndef ACTOR_LOCK_H
#define ACTOR_LOCK_H

#include <pthread.h>
#include <stdlib.h>

#if defined(__clang__)
#define LOCK_ATTRIBUTE(x) __attribute__((x))
#else
#define LOCK_ATTRIBUTE(x)
#endif

#define LOCK_CAPABILITY(name) LOCK_ATTRIBUTE(capability(name))
/* For readers: in C, clang can't see a struct's own lock from an attribute of its fields. What it
 * does check are the functions below that require, take and give. */
#define LOCK_GUARDED_BY(l)
#define LOCK_REQUIRES(...) LOCK_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define LOCK_EXCLUDES(...) LOCK_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define LOCK_ACQUIRE(...)  LOCK_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define LOCK_RELEASE(...)  LOCK_ATTRIBUTE(release_capability(__VA_ARGS__))
#define LOCK_UNCHECKED     LOCK_ATTRIBUTE(no_thread_safety_analysis)

typedef struct LOCK_CAPABILITY("mutex") actor_lock {
    pthread_mutex_t mutex;
} actor_lock;

#define ACTOR_LOCK_INIT                                                                            \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER                                                                  \
    }

static inline void actor_lock_init(actor_lock *l)
{
    if (pthread_mutex_init(&l->mutex, NULL) != 0)
        abort();
}

static inline void actor_lock_destroy(actor_lock *l)
{
    if (pthread_mutex_destroy(&l->mutex) != 0)
        abort();
}

static inline void actor_lock_take(actor_lock *l) LOCK_ACQUIRE(l) LOCK_UNCHECKED
{
    if (pthread_mutex_lock(&l->mutex) != 0)
        abort();
}

static inline void actor_lock_give(actor_lock *l) LOCK_RELEASE(l) LOCK_UNCHECKED
{
    if (pthread_mutex_unlock(&l->mutex) != 0)
        abort();
}

#endif
