/* Notices to the supervisor, from blocks reserved for them. The consumer's. */
#ifndef ACTOR_NOTICE_H
#define ACTOR_NOTICE_H

#include "libactor/slot.h"

/* Blocks needed to begin an incarnation and see it to its end; to say that a halted actor was down
 * already. One more than used: the last is for ENDED. */
#define ACTOR__NOTICES_START 3u
#define ACTOR__NOTICES_HALT  2u

/* See to it that at least so many blocks are there. Without a supervisor none are needed.
 * False: out of memory. */
bool actor__notice_reserve(actor *a, uint32_t count);

/* Tell the supervisor, if there is one. The reason goes along with an exit. */
void actor__notice_send(actor *a, actor_ref child, actor_notice_kind kind);

/* A notice was handled: its block goes back to the child, or is freed. */
void actor__notice_back(actor_msg *m);

/* The child gets one back. */
void actor__notice_accept(actor *a, actor_msg *m);

/* Replace the recorded reason; takes `text`, which is from malloc() or NULL. */
void actor__notice_reason(actor *a, char *text);

#endif
