/* What every file of libactor may use: panics, debug checks, the sanitizers, small macros. */
#ifndef ACTOR_BASE_H
#define ACTOR_BASE_H

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libactor/actor.h"
#include "libactor/lock.h"

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
/* The way of each message in one piece, what is seldom out of it. */
#define HOT  inline __attribute__((always_inline))
#define COLD __attribute__((noinline))
/* What each message goes through begins a line: its speed shall not depend on what is before. */
#define ENTRY      __attribute__((aligned(ACTOR__LINE)))
#define COUNTOF(a) (sizeof(a) / sizeof((a)[0]))

#define ACTOR__LINE 64 /* bytes of a cache line */

/* A bug of ours or of the caller: says so on stderr and aborts. Never for input or memory. */
_Noreturn void actor__panic(const char *what);

#if ACTOR_DEBUG
#define ACTOR__CHECK(condition, what)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            actor__panic(what);                                                                    \
    } while (0)
#else
#define ACTOR__CHECK(condition, what) ((void)0)
#endif

#if defined(__SANITIZE_ADDRESS__)
#define ACTOR__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ACTOR__ASAN 1
#endif
#endif
#ifndef ACTOR__ASAN
#define ACTOR__ASAN 0
#endif

#if ACTOR__ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#define ACTOR__POISON(at, size)   ASAN_POISON_MEMORY_REGION(at, size)
#define ACTOR__UNPOISON(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
/* LeakSanitizer does not look into mappings by itself. */
#define ACTOR__LEAK_ROOT(at, size) __lsan_register_root_region(at, size)
#else
#define ACTOR__POISON(at, size)    ((void)(at), (void)(size))
#define ACTOR__UNPOISON(at, size)  ((void)(at), (void)(size))
#define ACTOR__LEAK_ROOT(at, size) ((void)(at), (void)(size))
#endif

/* Shorthands: the order is part of every access. */
#define load_relaxed(p)     atomic_load_explicit(p, memory_order_relaxed)
#define load_acquire(p)     atomic_load_explicit(p, memory_order_acquire)
#define load_strong(p)      atomic_load_explicit(p, memory_order_seq_cst)
#define store_relaxed(p, v) atomic_store_explicit(p, v, memory_order_relaxed)
#define store_release(p, v) atomic_store_explicit(p, v, memory_order_release)
#define store_strong(p, v)  atomic_store_explicit(p, v, memory_order_seq_cst)

/* In a short loop that waits for another thread. */
static inline void actor__relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* The counter has one writer: no read-modify-write needed. */
#define bump(p, n) store_relaxed(p, load_relaxed(p) + (n))

#endif
