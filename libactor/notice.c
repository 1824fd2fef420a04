#include "libactor/notice.h"

#include <stdlib.h>

#include "libactor/ext.h"
#include "libactor/pool.h"
#include "libactor/send.h"

static void keep(actor__ext *ext, actor_msg *m)
{
    actor__set_next(m, ext->notices);
    ext->notices = m;
    ext->notice_count++;
}

bool actor__notice_reserve(actor *a, uint32_t count)
{
    if (actor_ref_none(a->supervisor))
        return true;

    actor__ext *ext = a->ext; /* since its spawn */

    while (ext->notice_count < count) {
        actor_msg *m = actor__msg_new(ACTOR__NOTICE, sizeof(actor_notice));

        if (m == NULL)
            return false;
        m->type = ACTOR_MSG_NOTICE;
        keep(ext, m);
    }
    return true;
}

void actor__notice_send(actor *a, actor_ref child, actor_notice_kind kind)
{
    static const bool has_reason[] = {
        [ACTOR_NOTICE_START_FAILED] = true,
        [ACTOR_NOTICE_EXITED] = true,
        [ACTOR_NOTICE_ENDED] = false,
    };

    if (actor_ref_none(a->supervisor))
        return;

    actor__ext *ext = a->ext;
    actor_msg *m = ext->notices;

    if (m == NULL)
        actor__panic("more notices than were reserved");
    ext->notices = actor__next(m);
    ext->notice_count--;
    *(actor_notice *)actor__payload(m) = (actor_notice){
        .child = child,
        .incarnation = load_relaxed(&a->incarnation),
        .kind = kind,
        .exit = (actor_exit)a->exit,
        .reason = has_reason[kind] && ext->reason != NULL ? ext->reason : "",
    };
    m->tag = 0;
    if (has_reason[kind] && ext->reason != NULL) {
        ext->reason = NULL;
        m->tag = 1; /* it owns the text */
    }
    m->sender = child;
    actor__online();

    actor *supervisor = actor__resolve(a->supervisor);

    if (supervisor != NULL)
        actor__post(supervisor, m);
    else
        actor__msg_release(m);
    actor__offline();
}

void actor__notice_back(actor_msg *m)
{
    if (m->tag != 0)
        free((char *)((actor_notice *)actor__payload(m))->reason);
    m->kind = ACTOR__NOTICE_BACK;
    m->priority = ACTOR_SYSTEM;
    actor__online();

    actor *child = actor__resolve(m->sender);

    if (child != NULL)
        actor__post(child, m);
    else
        actor__pool_put(m);
    actor__offline();
}

void actor__notice_accept(actor *a, actor_msg *m)
{
    if (a->ext->notice_count < ACTOR__NOTICES_START) {
        m->kind = ACTOR__NOTICE;
        keep(a->ext, m);
        if ((a->flags & (ACTOR__F_START_WANTED | ACTOR__F_HALT_WANTED)) != 0)
            atomic_fetch_or(&a->signals, ACTOR__AGAIN);
    } else {
        actor__pool_put(m);
    }
}

void actor__notice_reason(actor *a, char *text)
{
    actor__ext *ext = text == NULL ? a->ext : actor__ext_of(a);

    if (ext == NULL) {
        free(text);
        return;
    }
    free(ext->reason);
    ext->reason = text;
}
