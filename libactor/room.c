/* Room in a bounded mailbox.
 *
 * A request is a system message to the target, which keeps it in a list and sends the same block
 * home as the notice: so only asking needs memory.
 *
 * No wake-up is lost. The count of waiting messages is raised by producers and lowered by nobody
 * but the consumer, and the list is the consumer's alone: there is nothing to race for. In full:
 *   - The count is exact: a place is taken by a compare-and-swap, and a refused sender is never
 *     counted, not even for a moment. So above the mark there are that many accepted messages, each
 *     of which will be taken out: handled, purged or dropped.
 *   - While somebody waits the actor is `slow`, and in each step the consumer looks at the count
 *     after it accepted what came and before it can find that there is nothing to do. Hence a look
 *     follows the acceptance of each request, and each lowering of the count.
 *   - "Refused, then drained before I asked" is the first of these looks: it finds the count at the
 *     mark or below, and the notice goes out at once.
 *   - If the last look found the count above the mark, some message is still in the mailbox or on
 *     its way there. It makes the actor run again, or it waits for a resume, a start or the end;
 *     each of them is followed by a look, and the end tells everybody.
 *
 * Who is told. The mark is half the capacity: a producer that fills the mailbox is woken once for
 * half of it, not once a message. At the mark the first of the list are told, one for each free
 * place; the next ones when as many messages have been handled as producers were told, and the
 * mailbox is at the mark again. So all get their turns in order, and a crowd does not fight for one
 * place. Those told need not send: when the mailbox is empty the next ones are told all the same,
 * after everybody else who is ready has run. It comes to an end, since each round shortens the
 * list.
 *
 * Producers that ended, or began another incarnation, are passed over. That the list does not fill
 * with them while the mailbox stays full, it is swept whenever it has doubled.
 */
#include "libactor/room.h"

#include "libactor/ext.h"
#include "libactor/pool.h"
#include "libactor/self.h"
#include "libactor/send.h"

#define SWEEP_MIN 16u /* requests; fewer are not worth a look */

static void answer(actor_msg *m, actor_ref target, bool ended)
{
    m->kind = ACTOR__ROOM;
    m->type = ACTOR_MSG_ROOM;
    *(actor_room *)actor__payload(m) = (actor_room){.ref = target, .ended = ended};
    actor__online();

    actor *producer = actor__resolve(m->sender);

    if (producer != NULL)
        actor__post(producer, m);
    else
        actor__pool_put(m);
    actor__offline();
}

void actor__room_refuse(actor_msg *m, actor_ref target)
{
    answer(m, target, true);
}

bool actor__room_current(const actor *a, const actor_msg *m)
{
    return m->tag == load_relaxed(&a->incarnation);
}

/* ---- The target's side --------------------------------------------------------------------- */

static actor_msg *pop(actor__crowd *crowd)
{
    actor_msg *m = actor__list_pop(&crowd->last);

    if (m != NULL)
        crowd->count--;
    return m;
}

static void push(actor__crowd *crowd, actor_msg *m)
{
    actor__list_push(&crowd->last, m);
    crowd->count++;
}

static bool waits(const actor_msg *m)
{
    actor__online();

    const actor *producer = actor__resolve(m->sender);
    bool current = producer != NULL && actor__room_current(producer, m);

    actor__offline();
    return current;
}

static void sweep(actor__crowd *crowd)
{
    for (uint32_t n = crowd->count; n > 0; n--) {
        actor_msg *m = pop(crowd);

        if (waits(m))
            push(crowd, m);
        else
            actor__pool_put(m);
    }
    crowd->living = crowd->count;
}

void actor__room_accept(actor *a, actor_msg *m)
{
    if (a->capacity == 0) {
        answer(m, actor__ref_of(a), false);
        return;
    }

    actor__crowd *crowd = &a->ext->crowd; /* since its spawn */

    if (crowd->count >= SWEEP_MIN && crowd->count / 2 >= crowd->living)
        sweep(crowd);
    push(crowd, m);
    a->slow = true;
}

bool actor__room_wanted(const actor *a)
{
    return a->capacity != 0 && a->ext->crowd.last != NULL;
}

bool actor__room_look(actor *a, bool idle)
{
    if (LIKELY(!actor__room_wanted(a)))
        return false;
    /* What is sent now is not handled any more: they are told of the end. */
    if (a->ending || (load_relaxed(&a->signals) & ACTOR__PILL) != 0)
        return false;

    actor__crowd *crowd = &a->ext->crowd;
    uint64_t handled = load_relaxed(&a->handled);
    uint32_t count = load_relaxed(&a->count);

    bool empty = idle && count == 0;

    if (count > a->capacity / 2 || (handled < crowd->turn && !empty))
        return false;
    if (handled < crowd->turn) {
        crowd->turn = handled; /* those told have had time to run when we come again */
        return true;
    }

    uint32_t told = 0;
    actor_msg *m;

    while (told < a->capacity - count && (m = pop(crowd)) != NULL) {
        if (waits(m)) {
            answer(m, actor__ref_of(a), false);
            told++;
        } else {
            actor__pool_put(m);
        }
    }
    crowd->turn = handled + told;
    return empty && crowd->last != NULL;
}

void actor__room_ended(actor *a, actor_ref was)
{
    actor_msg *m;

    while (actor__room_wanted(a) && (m = pop(&a->ext->crowd)) != NULL)
        answer(m, was, true);
}

void actor__crowd_free(actor__crowd *crowd)
{
    actor_msg *m;

    while ((m = pop(crowd)) != NULL)
        actor__pool_put(m);
}

/* ---- The producer's side ------------------------------------------------------------------- */

actor_err actor_want_room(actor *self, actor_ref target)
{
    ACTOR__CHECK_SELF(self);

    actor_msg *m = actor__msg_new(ACTOR__WANT_ROOM, sizeof(actor_room));

    if (m == NULL)
        return ACTOR_ENOMEM;
    m->sender = actor__ref_of(self);
    m->tag = load_relaxed(&self->incarnation);
    actor__online();

    actor *a = actor__resolve(target);

    if (a != NULL && !a->port)
        actor__post(a, m);
    else
        answer(m, target, true);
    actor__offline();
    return ACTOR_OK;
}
