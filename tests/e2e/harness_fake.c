#include "tests/e2e/harness_fake.h"

#include <check.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 64 /* answers and requests of one test */

typedef struct fake_row {
    char *method;
    char *answer; /* NULL: silence */
    bool used;
} fake_row;

static struct {
    nng_socket socket;
    pthread_t thread;
    char directory[64];
    char url[96];
    pthread_mutex_t lock;
    pthread_cond_t came;  /* a request */
    fake_row rows[MOST];  /* lock */
    size_t row_count;     /* lock */
    char *requests[MOST]; /* lock */
    size_t request_count; /* lock */
} fake;

/* The first unused answer to a request's method, or the last one used. The request is NUL-ended. */
static fake_row *fake_find(const char *request)
{
    fake_row *found = NULL;
    for (size_t i = 0; i < fake.row_count; i++) {
        char member[96];
        snprintf(member, sizeof member, "\"method\":\"%s\"", fake.rows[i].method);
        if (!strstr(request, member))
            continue;
        found = &fake.rows[i];
        if (!found->used)
            break;
    }
    return found;
}

/* What to answer, for free(); NULL for silence. */
static char *fake_reply(const char *request)
{
    static const char unknown[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,"
                                  "\"message\":\"no such method\",\"data\":{\"code\":"
                                  "\"method_not_found\",\"retry_safe\":false}}}";
    pthread_mutex_lock(&fake.lock);
    if (fake.request_count < MOST)
        fake.requests[fake.request_count++] = strdup(request);
    pthread_cond_broadcast(&fake.came);
    fake_row *row = fake_find(request);
    char *reply = NULL;
    if (!row)
        reply = strdup(unknown);
    else if (row->answer)
        reply = strdup(row->answer);
    if (row)
        row->used = true;
    pthread_mutex_unlock(&fake.lock);
    return reply;
}

static void *fake_run(void *arg)
{
    (void)arg;
    nng_msg *msg;
    while (nng_recvmsg(fake.socket, &msg, 0) == 0) {
        char *request = strndup(nng_msg_body(msg), nng_msg_len(msg));
        char *reply = fake_reply(request);
        free(request);
        nng_msg_clear(msg);
        if (reply && nng_msg_append(msg, reply, strlen(reply)) == 0 &&
            nng_sendmsg(fake.socket, msg, 0) == 0)
            msg = NULL;
        nng_msg_free(msg);
        free(reply);
    }
    return NULL;
}

void fake_start(void)
{
    memset(&fake, 0, sizeof fake);
    pthread_mutex_init(&fake.lock, NULL);
    pthread_cond_init(&fake.came, NULL);
    snprintf(fake.directory, sizeof fake.directory, "/tmp/actorctl-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fake.directory));
    snprintf(fake.url, sizeof fake.url, "ipc://%s/sock", fake.directory);
    ck_assert_int_eq(nng_rep0_open(&fake.socket), 0);
    ck_assert_int_eq(nng_listen(fake.socket, fake.url, NULL, 0), 0);
    ck_assert_int_eq(pthread_create(&fake.thread, NULL, fake_run, NULL), 0);
}

void fake_stop(void)
{
    nng_close(fake.socket);
    pthread_join(fake.thread, NULL);
    for (size_t i = 0; i < fake.row_count; i++) {
        free(fake.rows[i].method);
        free(fake.rows[i].answer);
    }
    for (size_t i = 0; i < fake.request_count; i++)
        free(fake.requests[i]);
    unlink(fake.url + strlen("ipc://"));
    rmdir(fake.directory);
    pthread_cond_destroy(&fake.came);
    pthread_mutex_destroy(&fake.lock);
}

const char *fake_url(void)
{
    return fake.url;
}

static void add(const char *method, char *answer)
{
    pthread_mutex_lock(&fake.lock);
    ck_assert_uint_lt(fake.row_count, MOST);
    fake_row *row = &fake.rows[fake.row_count++];
    row->method = strdup(method);
    row->answer = answer;
    pthread_mutex_unlock(&fake.lock);
}

void fake_answers(const char *method, const char *result)
{
    char *answer;
    ck_assert_int_ge(asprintf(&answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", result), 0);
    add(method, answer);
}

void fake_fails(const char *method, int code, const char *name, const char *message,
                const char *more)
{
    char *answer;
    ck_assert_int_ge(asprintf(&answer,
                              "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":%d,\"message\":"
                              "\"%s\",\"data\":{\"code\":\"%s\",\"retry_safe\":false%s}}}",
                              code, message, name, more),
                     0);
    add(method, answer);
}

void fake_says(const char *method, const char *bytes)
{
    add(method, strdup(bytes));
}

void fake_ignores(const char *method)
{
    add(method, NULL);
}

void fake_wait(size_t count)
{
    pthread_mutex_lock(&fake.lock);
    while (fake.request_count < count)
        pthread_cond_wait(&fake.came, &fake.lock);
    pthread_mutex_unlock(&fake.lock);
}

size_t fake_request_count(void)
{
    pthread_mutex_lock(&fake.lock);
    size_t count = fake.request_count;
    pthread_mutex_unlock(&fake.lock);
    return count;
}

const char *fake_request(size_t n)
{
    pthread_mutex_lock(&fake.lock);
    ck_assert_msg(n < fake.request_count, "there was no request number %zu", n);
    const char *request = fake.requests[n];
    pthread_mutex_unlock(&fake.lock);
    return request;
}
