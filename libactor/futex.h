/* Sleeping on a word, until it changes or an instant has come. */
#ifndef ACTOR_FUTEX_H
#define ACTOR_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

#define ACTOR__FOREVER INT64_MAX

/* Sleep while *word is `value`, at most until `deadline_ns` (actor__clock_ns(); ACTOR__FOREVER: no
 * limit). May return early without a cause: callers look at their condition again. */
void actor__futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline_ns);

/* Wake up to `count` threads that sleep on `word`. */
void actor__futex_wake(_Atomic uint32_t *word, int count);

#endif
