/* What a worker says: its lines, and what those do that don't answer a message (worker.md). */
#ifndef DAEMON_WORKER_LINE_H
#define DAEMON_WORKER_LINE_H

#include "daemon/json.h"
#include "daemon/message.h"
#include "daemon/unit.h"
#include "libactor/actor.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum worker_line_kind {
    WORKER_READY,    /* {"ready":true} */
    WORKER_ANSWER,   /* {"id":…,"reply":…} or {"id":…,"error":"…","retry":bool} */
    WORKER_PROGRESS, /* {"id":…,"progress":0.4,"note":"…"} */
    WORKER_SEND,     /* {"send":"other","msg":…} */
    WORKER_ASK,      /* {"ask":"other","msg":…,"ref":…,"timeout":"5s"} */
    WORKER_STATE,    /* {"state":…} */
    WORKER_LOG,      /* {"log":"info","text":"…"} */
    WORKER_BROKEN,   /* not a line of the protocol */
} worker_line_kind;

/* Members that are not there have len 0. */
typedef struct worker_line {
    json_value id, reply, error, progress, note, to, msg, ref, timeout, state, log, text;
    bool no_retry;
    clock_ms retry_after; /* "retry_after":"2s" beside an error; or RETRY_NOT_TOLD */
} worker_line;

/* Judge a line (without its end). WORKER_BROKEN: `why` says what is wrong. */
worker_line_kind worker_line_read(const char *bytes, size_t len, worker_line *line, char *why,
                                  size_t size);

/* A string of the worker's for people: decoded, or as it was written where it can't be (\u0000,
 * half a surrogate pair). NULL: no memory. The caller frees it. */
char *worker_text(json_value value, size_t *len);

void worker_send(unit *from, const worker_line *line);
void worker_state(unit *u, const worker_line *line);
void worker_log(unit *u, const worker_line *line);

/* Questions of one worker that wait for their answers. */
typedef struct worker_ask worker_ask;
TAILQ_HEAD(worker_ask_list, worker_ask);
typedef struct worker_asks {
    struct worker_ask_list list;
    uint64_t last;
} worker_asks;

void worker_asks_init(worker_asks *asks);
void worker_asks_free(worker_asks *asks);
/* Ask; a refusal is written to `out` at once, as an answer. */
void worker_ask_begin(actor *self, worker_asks *asks, unit *from, const worker_line *line,
                      json_out *out);
/* True: msg was about an ask, and the answer was written to `out`, as a line. */
bool worker_ask_event(actor *self, worker_asks *asks, actor_msg *msg, json_out *out);

#endif
