/* server: a real actord ($ACTORD, or build/actord) with a directory of its own, for one test.
 *
 * A test starts one, asks it things, and stops it:
 *
 *     server *s = server_start(CHILDREN "    - {name: echo, echo: {}}\n");
 *     answer a = rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1}");
 *     expect_result(a, "1");
 *     server_stop(s);
 *
 * Any failure fails the test. A failing test prints what its daemon wrote to stderr. All that is
 * returned belongs to the harness and lives until server_stop(), unless it says otherwise. To be
 * used inside a test or a checked fixture, never before Check's fork.
 */
#ifndef TESTS_E2E_HARNESS_H
#define TESTS_E2E_HARNESS_H

#include "tests/e2e/harness_client.h"
#include "tests/e2e/harness_ctl.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>

typedef struct server server;

typedef struct server_options {
    const char *yaml; /* the configuration; ${DIR} in it is the server's directory. NULL: none
                       * is written and no --config given */
    const char *const *args; /* further arguments, NULL-ended; may be NULL */
    const char *const *env;  /* further NAME=VALUE, NULL-ended; may be NULL */
    bool own_listeners;      /* no --socket: `listen` of the configuration decides. One of them must
                              * be ipc://${DIR}/sock for rpc() to work */
} server_options;

/* The beginning of a configuration whose root supervisor has the children that follow. */
#define CHILDREN                                                                                   \
    "version: 1\n"                                                                                 \
    "supervisor:\n"                                                                                \
    "  children:\n"

/* Start a daemon and wait for its READY=1. */
server *server_start(const char *yaml);
server *server_start_with(const server_options *options);

/* Start one without waiting for anything: for daemons that are to fail, or to be slow. */
server *server_launch(const server_options *options);
void server_wait_ready(server *s);

/* SIGTERM, and the daemon must end with 0, leave no process behind and no report of a sanitizer. */
void server_stop(server *s);

/* Wait until it ends by itself, or by what was done to it; check its exit status (128 + n for
 * signal n), that no process of it is left, and no report. The server stays valid for
 * server_stderr() and the like until server_free(). */
void server_expect_exit(server *s, int status);
void server_free(server *s);

/* Start, expect this exit status before it is ready, return its stderr. server_free() later. */
server *server_refused(const server_options *options, int status);

pid_t server_pid(const server *s);
const char *server_directory(const server *s);
const char *server_url(const server *s); /* ipc://DIRECTORY/sock */
void server_signal(server *s, int number);

/* A file in its directory; write replaces it atomically. */
const char *server_path(server *s, const char *name);
void server_write(server *s, const char *name, const char *text);
char *server_read(server *s, const char *name); /* NULL: there is none */

/* Replace the configuration file, for a reload. */
void server_configure(server *s, const char *yaml);

/* Run another program, which must succeed; what it wrote to its stdout. */
const char *server_run(server *s, const char *const *argv);

/* What it wrote so far. */
const char *server_stderr(server *s);
const char *server_stdout(server *s);

/* The connection rpc() uses. */
client *server_client(server *s);

/* Another one; the caller closes it. */
client *server_connect(server *s);

/* Free a malloc'd block, or a parse, with the server; returns it. */
void *server_keep(server *s, void *block);
const cJSON *server_keep_json(server *s, cJSON *json);

/* Wait for a datagram on NOTIFY_SOCKET that has this line, such as "RELOADING=1". Datagrams that
 * came before are looked at as well, each but once. */
void server_wait_notify(server *s, const char *line);

/* ---- requests ---- */

/* An answer: its bytes (NUL-ended besides) and their parse. An empty body has no parse. */
typedef struct answer {
    const char *bytes;
    size_t len;
    const cJSON *json;
    const cJSON *result; /* NULL: an error */
    const cJSON *error;  /* NULL: a result */
} answer;

/* Call a method on the server's own connection; `params` is a JSON text, NULL for none. */
answer rpc(server *s, const char *method, const char *params);

/* The same in printf's words. */
answer rpcf(server *s, const char *method, const char *params, ...)
    __attribute__((format(printf, 3, 4)));

/* The same in two halves, so that several may be on their way: rpc_send() doesn't wait. */
uint32_t rpc_send(server *s, const char *method, const char *params);
answer rpc_receive(server *s, uint32_t number);
bool rpc_answered(server *s, uint32_t number);

/* A whole request as written, on the server's connection. */
answer rpc_bytes(server *s, const void *bytes, size_t len);
answer rpc_text(server *s, const char *text);

/* The same on another client; the caller closes that one. */
answer client_text(server *s, client *c, const char *text);

/* send, and what it was called: "m-1". */
const char *send_message(server *s, const char *to, const char *msg);

/* Call `message.wait` until it has ended; its record, whatever became of it. */
answer wait_message(server *s, const char *id);

/* ---- looking at JSON ---- */

/* A member by path: "mailbox.waiting", "items[0].state". NULL: there is none. */
const cJSON *json_at(const cJSON *json, const char *path);

/* The same; the test fails where it is missing or of another type. */
double number_at(const cJSON *json, const char *path);
const char *text_at(const cJSON *json, const char *path);
bool bool_at(const cJSON *json, const char *path);
int count_at(const cJSON *json, const char *path); /* entries of an array */

/* "" where it is missing or no string: for conditions. */
const char *maybe_at(const cJSON *json, const char *path);

/* The state of an actor or a message now; "" where there is none. */
const char *actor_state(server *s, const char *name);
const char *message_state(server *s, const char *id);

/* One counter of system.stats. */
double stat_of(server *s, const char *counter);

/* system.stats: accepted must be the sum of the others. */
void expect_balanced(server *s);

/* Wait until the condition holds, by looking again and again: only where nothing tells. */
#define wait_until(condition)                                                                      \
    do {                                                                                           \
        for (int waited_ = 0; !(condition); waited_++)                                             \
            server_look_again(waited_, __FILE__, __LINE__, #condition);                            \
    } while (0)
void server_look_again(int round, const char *file, int line, const char *condition);

/* The result is exactly these bytes. */
#define expect_result(a, text) expect_result_at((a), (text), __FILE__, __LINE__)
void expect_result_at(answer a, const char *text, const char *file, int line);

/* An error with this code and data.code; its data must be complete. */
#define expect_error(a, code, name) expect_error_at((a), (code), (name), __FILE__, __LINE__)
void expect_error_at(answer a, int code, const char *name, const char *file, int line);

/* Some result. */
#define expect_ok(a) ck_assert_msg((a).result != NULL, "no result but: %s", (a).bytes)

#endif
