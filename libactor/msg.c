#include "libactor/msg.h"

#include <stdlib.h>

#include "libactor/ask.h"
#include "libactor/notice.h"
#include "libactor/pool.h"
#include "libactor/self.h"
#include "libactor/send.h"

static HOT void init_block(actor_msg *m, unsigned block, actor__kind kind, uint16_t type,
                           uint8_t priority, size_t size)
{
    *m = (actor_msg){
        .size = (uint32_t)size,
        .type = type,
        .kind = (uint8_t)((unsigned)kind & 15u),
        .priority = (uint8_t)(priority & 7u),
        .block = (uint8_t)(block & 15u),
    };
}

static void init(actor_msg *m, actor__kind kind, uint16_t type, uint8_t priority, size_t size)
{
    init_block(m, m->block, kind, type, priority, size);
}

/* Out of line, and called last, so that the short way needs no stack. */
static COLD actor_msg *new_slow(uint16_t type, size_t size)
{
    actor_msg *m = size <= UINT32_MAX ? actor__pool_get_slow(size) : NULL;

    if (m != NULL)
        init(m, ACTOR__USER, type, ACTOR_NORMAL, size);
    return m;
}

ENTRY actor_msg *actor_msg_new(uint16_t type, size_t size)
{
    unsigned block = actor__pool_class(size + sizeof(actor_msg));
    actor_msg *m;

    if (UNLIKELY(ACTOR__ASAN || size > UINT32_MAX || block >= ACTOR__CLASSES) ||
        UNLIKELY((m = actor__pool_pop(block)) == NULL))
        return new_slow(type, size);
    init_block(m, block, ACTOR__USER, type, ACTOR_NORMAL, size);
    return m;
}

actor_msg *actor__msg_new(actor__kind kind, size_t size)
{
    actor_msg *m = actor__pool_get(size);

    if (m != NULL)
        init(m, kind, 0, ACTOR_SYSTEM, size);
    return m;
}

actor_msg *actor_msg_borrow(uint16_t type, void *data, size_t size, void (*release)(void *arg),
                            void *arg)
{
    actor_msg *m = size <= UINT32_MAX ? actor__pool_get(sizeof(actor__loan)) : NULL;

    if (m == NULL)
        return NULL;
    init(m, ACTOR__USER, type, ACTOR_NORMAL, size);
    m->borrowed = true;
    *(actor__loan *)actor__payload(m) = (actor__loan){data, release, arg};
    return m;
}

void actor__msg_release(actor_msg *m)
{
    ACTOR__UNPOISON(actor__payload(m), actor__msg_private(m));
    if (m->borrowed) {
        actor__loan loan = *(actor__loan *)actor__payload(m);

        m->borrowed = false;
        if (loan.release != NULL)
            loan.release(loan.arg);
    }
    if (m->kind == ACTOR__NOTICE)
        actor__notice_back(m);
    else if (m->ask)
        actor__ask_dropped(m);
    else
        actor__pool_put(m);
}

void actor_msg_free(actor_msg *msg)
{
    if (msg == NULL)
        return;
    if (msg->held)
        actor__panic("freed a message that is somebody else's");
    actor__msg_release(msg);
}

uint16_t actor_msg_type(const actor_msg *msg)
{
    return msg->type;
}

size_t actor_msg_size(const actor_msg *msg)
{
    return msg->size;
}

void *actor_msg_data(actor_msg *msg)
{
    return msg->borrowed ? ((actor__loan *)actor__payload(msg))->data : actor__payload(msg);
}

actor_ref actor_msg_sender(const actor_msg *msg)
{
    return msg->sender;
}

uint64_t actor_msg_tag(const actor_msg *msg)
{
    return msg->tag;
}

bool actor_msg_is_ask(const actor_msg *msg)
{
    return msg->ask;
}

void actor_msg_set_priority(actor_msg *msg, actor_priority priority)
{
    msg->priority = (uint8_t)((unsigned)priority & 7u);
}
