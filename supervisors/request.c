#include "supervisors/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Making -----------------------------------------------------------------------------------
 */

static void request_free(void *arg)
{
    request *r = arg;
    child_spec_unref(r->child);
    free(r->ids);
    free(r->path);
    free(r->parts);
    free(r);
}

static request *request_new(verb v, const char *id)
{
    size_t length = id ? strlen(id) + 1 : 0;
    request *r = malloc(sizeof *r + length);

    if (!r)
        return NULL;
    *r = (request){.verb = v, .index = SUPERVISOR_LAST};
    if (id) {
        memcpy(r->text, id, length);
        r->id = r->text;
    }
    return r;
}

/* Takes r; NULL when out of memory. */
static actor_msg *message_of(request *r)
{
    actor_msg *msg = actor_msg_borrow(REQUEST_MSG_TYPE, r, sizeof *r, request_free, r);
    if (!msg)
        request_free(r);
    return msg;
}

static actor_msg *named(verb v, const char *id)
{
    request *r = request_new(v, id);
    return r ? message_of(r) : NULL;
}

/* A copy of the texts in one block; NULL when out of memory. */
static char **copy_ids(const char *const *ids, size_t count)
{
    size_t room = count * sizeof(char *) + 1;
    for (size_t i = 0; i < count; i++)
        room += strlen(ids[i]) + 1;
    char **copy = malloc(room);
    char *at = (char *)(copy + count);
    for (size_t i = 0; copy && i < count; i++) {
        copy[i] = at;
        at = stpcpy(at, ids[i]) + 1;
    }
    return copy;
}

actor_msg *supervisor_request_order(const char *const *ids, size_t count)
{
    request *r = request_new(VERB_ORDER, NULL);
    if (!r)
        return NULL;
    r->count = count;
    r->ids = copy_ids(ids, count);
    if (!r->ids) {
        request_free(r);
        return NULL;
    }
    return message_of(r);
}

/* As declared for start and update: the caller keeps arg and nested only where NULL is returned. */
static actor_msg *with_child(verb v, const supervisor_child *child, bool keep, size_t index)
{
    request *r = request_new(v, NULL);
    if (!r)
        return NULL;
    r->keep = keep;
    r->index = index;
    r->instances = child->instances;
    actor_msg *msg = actor_msg_borrow(REQUEST_MSG_TYPE, r, sizeof *r, request_free, r);
    if (!msg) {
        request_free(r);
        return NULL;
    }
    r->bad = child_spec_new(child, v == VERB_UPDATE, r->why, sizeof r->why, &r->child);
    if (r->bad == SUPERVISOR_ENOMEM) {
        actor_msg_free(msg);
        return NULL;
    }
    if (r->bad == SUPERVISOR_OK) {
        r->id = r->child->id;
    } else if (child->nested) {
        supervisor_spec_free(child->nested);
    } else if (child->free_arg) {
        child->free_arg(child->arg);
    }
    return msg;
}

actor_msg *supervisor_request_start(const supervisor_child *child, bool keep, size_t index)
{
    return with_child(VERB_START, child, keep, index);
}

actor_msg *supervisor_request_update(const supervisor_child *child)
{
    return with_child(VERB_UPDATE, child, true, SUPERVISOR_LAST);
}

actor_msg *supervisor_request_stop(const char *id)
{
    return named(VERB_STOP, id);
}

actor_msg *supervisor_request_restart(const char *id)
{
    return named(VERB_RESTART, id);
}

actor_msg *supervisor_request_kill(const char *id)
{
    return named(VERB_KILL, id);
}

actor_msg *supervisor_request_remove(const char *id)
{
    return named(VERB_REMOVE, id);
}

actor_msg *supervisor_request_drop(const char *id)
{
    return named(VERB_DROP, id);
}

actor_msg *supervisor_request_scale(const char *id, uint32_t instances)
{
    request *r = request_new(VERB_SCALE, id);
    if (!r)
        return NULL;
    r->instances = instances;
    if (instances == 0 || instances > SUPERVISOR_INSTANCES_MAX) {
        r->bad = SUPERVISOR_EINVAL;
        snprintf(r->why, sizeof r->why, "instances: %lu is not in 1 to %d",
                 (unsigned long)instances, SUPERVISOR_INSTANCES_MAX);
    }
    return message_of(r);
}

void supervisor_request_of(actor_msg *msg, uint32_t instance)
{
    request *r = actor_msg_data(msg);
    r->instance = instance;
}

bool supervisor_request_within(actor_msg *msg, const char *const *path, size_t count)
{
    request *r = actor_msg_data(msg);
    r->path = copy_ids(path, count);
    r->depth = count;
    return r->path != NULL;
}

actor_msg *supervisor_request_which(const char *id)
{
    return named(VERB_WHICH, id);
}

actor_msg *supervisor_request_count(void)
{
    return named(VERB_COUNT, NULL);
}

actor_msg *supervisor_request_flags(const supervisor_flags *flags)
{
    request *r = request_new(VERB_FLAGS, NULL);
    if (!r)
        return NULL;
    r->flags = *flags;
    r->bad = supervisor_flags_check(flags, r->why, sizeof r->why);
    return message_of(r);
}

/* ---- Lists ------------------------------------------------------------------------------------
 */

void sup_request_push(request_list *list, request *r)
{
    r->next = NULL;
    *(list->last ? &list->last->next : &list->first) = r;
    list->last = r;
}

request *sup_request_pop(request_list *list)
{
    request *r = list->first;
    if (r) {
        list->first = r->next;
        if (!r->next)
            list->last = NULL;
        r->next = NULL;
    }
    return r;
}

/* ---- Answers ----------------------------------------------------------------------------------
 */

reply_block *sup_reply_new(size_t count, size_t text)
{
    size_t fixed = sizeof(reply_block) + count * sizeof(supervisor_child_info);
    reply_block *b = calloc(1, fixed + text);

    if (!b)
        return NULL;
    b->text = (char *)b + fixed;
    b->reply.reason = "";
    b->reply.children = b->children;
    b->reply.child_count = count;
    return b;
}

const char *sup_reply_text(reply_block *b, const char *text)
{
    size_t length = strlen(text) + 1;
    char *copy = memcpy(b->text, text, length);

    b->text += length;
    return copy;
}

void sup_request_answer_block(request *r, reply_block *b)
{
    actor_msg *request_msg = r->msg;

    if (b) {
        actor_msg *msg = actor_msg_borrow(REPLY_MSG_TYPE, b, sizeof *b, free, b);
        if (!msg)
            free(b);
        else if (actor_reply(request_msg, &msg) != ACTOR_OK)
            actor_msg_free(msg); /* sent without asking, or the asker is gone */
    }
    actor_msg_free(request_msg);
}

/* ---- Parts ------------------------------------------------------------------------------------
 */

bool sup_request_split(request *r, uint32_t count)
{
    if (!r->parts && !(r->parts = calloc(count, sizeof *r->parts)))
        return false;
    r->open = 1; /* until it is sent */
    r->made = r->done = 0;
    return true;
}

request *sup_request_part(request *r, verb v, uint32_t instance)
{
    request *part = &r->parts[r->made++];

    *part = (request){.verb = v, .instance = instance, .id = r->id, .whole = r};
    r->open++;
    return part;
}

static void conclude(request *r)
{
    if (r->failed == SUPERVISOR_ERESTARTING && r->done > 0)
        r->failed = SUPERVISOR_OK; /* those come back without being asked to */
    if (r->verb == VERB_START && r->failed != SUPERVISOR_OK && r->failed != SUPERVISOR_ESTOPPED) {
        r->verb = VERB_DROP;
        sup_request_push(r->again, r);
        return;
    }
    sup_request_answer(r, r->failed, r->ref, r->why);
}

void sup_request_sent(request *r)
{
    if (--r->open == 0)
        conclude(r);
}

void sup_request_fail(request *r, supervisor_err err, const char *reason)
{
    request *w = r->whole ? r->whole : r;

    r->failed = err;
    if (r->whole && w->failed != SUPERVISOR_OK && w->failed != SUPERVISOR_ERESTARTING)
        return; /* the first failure is told */
    w->failed = err;
    if (r->whole && reason && *reason)
        snprintf(w->why, sizeof w->why, "instance %u: %s", (unsigned)r->instance, reason);
    else
        snprintf(w->why, sizeof w->why, "%s", reason ? reason : "");
}

static void answer_part(request *part, supervisor_err err, actor_ref ref, const char *reason)
{
    request *r = part->whole;

    if (err != SUPERVISOR_OK)
        sup_request_fail(part, err, reason);
    else if (part->failed == SUPERVISOR_OK)
        r->done++;
    if (actor_ref_none(r->ref))
        r->ref = ref;
    sup_request_sent(r);
}

void sup_request_answer(request *r, supervisor_err err, actor_ref ref, const char *reason)
{
    if (r->whole) {
        answer_part(r, err, ref, reason);
        return;
    }
    if (r->failed != SUPERVISOR_OK && err == SUPERVISOR_OK) {
        err = r->failed;
        reason = r->why;
    }
    if (!reason)
        reason = "";
    reply_block *b = sup_reply_new(0, strlen(reason) + 1);
    if (b) {
        b->reply.err = err;
        b->reply.untouched = r->untouched;
        b->reply.ref = ref;
        b->reply.reason = sup_reply_text(b, reason);
    }
    sup_request_answer_block(r, b);
}

void sup_request_answer_counts(request *r, const supervisor_counts *counts)
{
    reply_block *b = sup_reply_new(0, 0);
    if (b)
        b->reply.counts = *counts;
    sup_request_answer_block(r, b);
}

const supervisor_reply *supervisor_reply_get(actor_msg *reply)
{
    if (actor_msg_type(reply) != REPLY_MSG_TYPE)
        return NULL;
    const reply_block *b = actor_msg_data(reply);
    return &b->reply;
}
