/* Methods about dead letters. */
#include "daemon/deadletter.h"
#include "daemon/directory.h"
#include "daemon/methods.h"
#include "daemon/rfc3339.h"
#include "daemon/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { P_ID, P_ACTOR, P_REASON, P_SINCE, P_LIMIT, P_AFTER, P_DRY_RUN };
static const rpc_param params[] = {
    [P_ID] = {.name = "id", .type = RPC_STRING, .min = 1, .max = 64},
    [P_ACTOR] = {.name = "actor", .type = RPC_STRING, .min = 1, .max = CONFIG_NAME_MAX},
    [P_REASON] = {.name = "reason", .type = RPC_STRING, .min = 1, .max = 64},
    [P_SINCE] = {.name = "since", .type = RPC_STRING, .min = 1, .max = 64},
    LIST_PARAMS,
    [P_DRY_RUN] = {.name = "dry_run", .type = RPC_BOOL},
};
enum { LIST_COUNT = P_DRY_RUN, ACT_COUNT = P_DRY_RUN + 1 };

/* "d-12" -> 12. False: it is no such id. */
static bool parse_id(const char *text, uint64_t *number)
{
    char *end;
    if (strncmp(text, "d-", 2) != 0 || text[2] < '1' || text[2] > '9')
        return false;
    errno = 0;
    *number = strtoull(text + 2, &end, 10);
    return errno == 0 && *end == '\0';
}

static rpc_code not_found(call *c, const char *id)
{
    char text[RPC_MESSAGE_MAX + 1];
    snprintf(text, sizeof text, "there is no dead letter '%s'; see: actorctl deadletters ls", id);
    call_error(c, RPC_NOT_FOUND, text, NULL);
    return RPC_NOT_FOUND;
}

/* `since`: a duration back from now, or an instant. False: neither. */
static bool parse_since(const rpc_value *v, clock_ms *since)
{
    int64_t us;
    if (config_parse_duration(v->text, &us) == UNITS_OK) {
        *since = clock_wall() - clock_from_us(us);
        return true;
    }
    return rfc3339_parse(v->text, since);
}

/* The filter of the params. False: the call is answered. */
static bool read_filter(call *c, const rpc_value *v, deadletter_filter *f)
{
    *f = (deadletter_filter){
        .actor = v[P_ACTOR].present ? v[P_ACTOR].text : NULL,
        .reason = v[P_REASON].present ? v[P_REASON].text : NULL,
    };
    if (v[P_ID].present && !parse_id(v[P_ID].text, &f->number)) {
        not_found(c, v[P_ID].text);
        return false;
    }
    if (v[P_AFTER].present && v[P_AFTER].text[0] && !parse_id(v[P_AFTER].text, &f->after)) {
        call_error(c, RPC_INVALID_PARAMS, "'after' is no cursor of this list", NULL);
        return false;
    }
    if (v[P_SINCE].present && !parse_since(&v[P_SINCE], &f->since)) {
        call_error(c, RPC_INVALID_PARAMS,
                   "'since' must be a duration (\"1h\") or a time (RFC 3339)", NULL);
        return false;
    }
    return true;
}

static void put_id(json_out *out, uint64_t number)
{
    json_out_key(out, "id");
    json_out_textf(out, "d-%" PRIu64, number);
}

/* The members of a row of the list. */
static void put_letter(json_out *out, const deadletter *l)
{
    const message *m = l->message; /* final: it doesn't change any more */
    char at[CLOCK_TEXT];
    put_id(out, l->number);
    json_out_key(out, "message");
    json_out_text(out, m->id);
    json_out_key(out, "actor");
    json_out_text(out, m->unit->name);
    json_out_key(out, "reason");
    json_out_text(out, deadletter_reason(m));
    json_out_key(out, "attempts");
    json_out_uint(out, message_attempt_count(m));
    json_out_key(out, "error");
    const char *last = message_last_error(m);
    json_out_text(out, last ? last : m->error);
    json_out_key(out, "at");
    json_out_text(out, clock_format(l->at, at));
    json_out_key(out, "accepted_at");
    json_out_text(out, clock_format(m->accepted_at, at));
    json_out_key(out, "bytes");
    json_out_uint(out, m->payload_len);
}

static void run_list(call *c, rpc_value *v)
{
    deadletter_filter f;
    deadletter l;
    if (!read_filter(c, v, &f))
        return;
    json_out out = {0};
    int64_t left = v[P_LIMIT].present ? v[P_LIMIT].number : LIST_LIMIT;
    char next[MESSAGE_ID_MAX] = "";
    list_begin(&out);
    while (deadletters_next(c->daemon->deadletters, &f, false, &l)) {
        if (left-- == 0) {
            snprintf(next, sizeof next, "d-%" PRIu64, f.after);
            deadletter_done(&l);
            break;
        }
        json_out_object(&out);
        put_letter(&out, &l);
        json_out_object_end(&out);
        f.after = l.number;
        deadletter_done(&l);
    }
    list_end(&out, next[0] ? next : NULL);
    call_result_out(c, &out);
}

static void put_details(json_out *out, const message *m)
{
    message_put_failures(out, m);
    json_out_key(out, "summary");
    json_out_text(out, m->error);
    json_out_key(out, "stderr");
    if (m->stderr_tail)
        json_out_text_n(out, m->stderr_tail, m->stderr_len);
    else
        json_out_null(out);
    json_out_key(out, "msg");
    json_out_raw(out, m->payload, m->payload_len);
}

static void run_show(call *c, rpc_value *v)
{
    deadletter_filter f;
    deadletter l;
    if (!v[P_ID].present) {
        call_error(c, RPC_INVALID_PARAMS, "'id' is missing", NULL);
        return;
    }
    if (!read_filter(c, v, &f))
        return;
    if (!deadletters_next(c->daemon->deadletters, &f, false, &l)) {
        not_found(c, v[P_ID].text);
        return;
    }
    json_out out = {0};
    json_out_object(&out);
    put_letter(&out, &l);
    put_details(&out, l.message);
    json_out_object_end(&out);
    deadletter_done(&l);
    call_result_out(c, &out);
}

/* Send a dead letter's payload again, as a new message, to the actor that has the name now. False:
 * it was refused. */
static bool replay(directory *all, const deadletter *l, message **m, rpc_failure *failure)
{
    const message *old = l->message;
    unit_submission s = {
        .payload = old->payload, .len = old->payload_len, .priority = (int)old->priority};
    bool duplicate;
    json_out data = {0};
    unit *to = directory_find(all, old->unit->name, failure);
    if (!to)
        return false;
    rpc_code code = unit_submit(to, &s, m, &duplicate, failure, &data);
    unit_release(to);
    json_out_free(&data);
    return code == RPC_OK;
}

/* What was done so far; the answer. */
typedef struct sweep {
    bool replays, dry;
    uint64_t done, refused;
    rpc_failure failure; /* the first refusal's */
    json_out out;
} sweep;

/* One letter, taken out unless it is a dry run. One whose replay is refused goes back. */
static void act_on(call *c, sweep *r, const deadletter *l)
{
    message *m = NULL;
    rpc_failure failure;
    if (r->replays && !r->dry && !replay(c->daemon->directory, l, &m, &failure)) {
        deadletters_restore(c->daemon->deadletters, l);
        if (r->refused++ == 0)
            r->failure = failure;
        return;
    }
    r->done++;
    json_out_object(&r->out);
    put_letter(&r->out, l);
    if (m) {
        json_out_key(&r->out, "replayed_as");
        json_out_text(&r->out, m->id);
    }
    json_out_object_end(&r->out);
    message_release(m);
}

static void answer_sweep(call *c, sweep *r, const char *id)
{
    if (r->done == 0 && (r->refused > 0 || id)) {
        json_out_free(&r->out);
        if (r->refused > 0)
            call_failure(c, &r->failure, NULL);
        else
            not_found(c, id);
        return;
    }
    json_out_array_end(&r->out);
    json_out_key(&r->out, r->replays ? "replayed" : "dropped");
    json_out_uint(&r->out, r->done);
    if (r->replays) {
        json_out_key(&r->out, "refused");
        json_out_uint(&r->out, r->refused);
        json_out_key(&r->out, "refusal");
        json_out_text(&r->out, r->refused ? r->failure.message : NULL);
    }
    json_out_key(&r->out, "dry_run");
    json_out_bool(&r->out, r->dry);
    json_out_object_end(&r->out);
    call_result_out(c, &r->out);
}

/* Do it for each letter that matches and was there at the beginning, so that a letter that fails
 * again at once isn't replayed for ever. */
static void act(call *c, rpc_value *v, bool replays)
{
    deadletters *all = c->daemon->deadletters;
    deadletter_filter f;
    deadletter l;
    sweep r = {.replays = replays, .dry = v[P_DRY_RUN].present && v[P_DRY_RUN].flag};
    if (!read_filter(c, v, &f))
        return;
    f.until = deadletters_last(all);
    int64_t left = v[P_LIMIT].present ? v[P_LIMIT].number : INT64_MAX;
    if (f.until == 0)
        left = 0;
    json_out_object(&r.out);
    json_out_key(&r.out, "items");
    json_out_array(&r.out);
    for (; left > 0 && deadletters_next(all, &f, !r.dry, &l); left--) {
        act_on(c, &r, &l);
        f.after = l.number;
        deadletter_done(&l);
    }
    answer_sweep(c, &r, v[P_ID].present ? v[P_ID].text : NULL);
}

static void run_replay(call *c, rpc_value *v)
{
    act(c, v, true);
}

static void run_drop(call *c, rpc_value *v)
{
    act(c, v, false);
}

const method methods_deadletter[] = {
    {"deadletter.list", CONFIG_ROLE_OBSERVE, params, LIST_COUNT, run_list},
    {"deadletter.show", CONFIG_ROLE_OBSERVE, params, 1, run_show},
    {"deadletter.replay", CONFIG_ROLE_ADMIN, params, ACT_COUNT, run_replay},
    {"deadletter.drop", CONFIG_ROLE_ADMIN, params, ACT_COUNT, run_drop},
    {0},
};
