#include "libactor/notice.h"

#include <stdlib.h>

#include "libactor/ext.h"
#include "libactor/send.h"

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
        actor__set_next(m, ext->notices);
        ext->notices = m;
        ext->notice_count++;
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

    actor *supervisor = actor__resolve(a->supervisor);

    if (supervisor != NULL)
        actor__post(supervisor, m);
    else
        actor__msg_release(m);
    if (kind != ACTOR_NOTICE_ENDED)
        (void)actor__notice_reserve(a, ACTOR__NOTICES_START); /* else a later start asks again */
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
