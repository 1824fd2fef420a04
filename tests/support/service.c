#include "tests/support/service.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct service service = {
    .requests = LATCH_INIT,
    .came = LATCH_INIT,
    .gone = LATCH_INIT,
    .freed = LATCH_INIT,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t held_count;

void service_echo(front_request *request)
{
    size_t len;
    const char *bytes = front_request_bytes(request, &len);

    front_answer(request, bytes, len);
    front_request_release(request);
}

static bool on_client(void *context, front_client *client, const front_peer *peer, void **user)
{
    (void)context;
    (void)client;
    pthread_mutex_lock(&lock);
    service.last_peer = *peer;
    pthread_mutex_unlock(&lock);
    *user = &service.came;
    latch_add(&service.came, 1);
    return !service.refusing;
}

static void on_request(void *context, front_client *client, void *user, front_request *request)
{
    (void)context;
    if (user != &service.came || front_client_user(client) != user)
        abort();
    if (service.echoing) {
        service_echo(request);
    } else {
        pthread_mutex_lock(&lock);
        service.held[held_count++ % SERVICE_HELD_MAX] = request;
        pthread_mutex_unlock(&lock);
    }
    latch_add(&service.requests, 1);
}

static void on_gone(void *context, front_client *client, void *user)
{
    (void)context;
    (void)client;
    (void)user;
    latch_add(&service.gone, 1);
}

static void on_free(void *context, void *user)
{
    (void)context;
    (void)user;
    latch_add(&service.freed, 1);
}

const front_ops service_ops = {on_client, on_request, on_gone, on_free};

front_request *service_take(size_t index)
{
    front_request *request;

    pthread_mutex_lock(&lock);
    request = service.held[index];
    service.held[index] = NULL;
    pthread_mutex_unlock(&lock);
    return request;
}

bool service_over_tcp(int wire)
{
    return wire >= WIRE_TCP;
}

const char *service_open(int wire, const front_limits *limits)
{
    front_listener listener = {.via_nng = wire == WIRE_NNG_IPC || wire == WIRE_NNG_TCP};
    char url[128];

    ck_assert_int_eq(front_new(limits, &service_ops, NULL, &service.front), FRONT_OK);
    snprintf(url, sizeof url, "ipc://%s", service.path);
    listener.url = service_over_tcp(wire) ? "tcp://127.0.0.1:0" : url;
    ck_assert_msg(front_listen(service.front, &listener, service.text) == FRONT_OK, "%s",
                  service.text);
    ck_assert_uint_eq(front_listeners(service.front), 1);
    return front_url(service.front, 0);
}

const front_limits service_roomy = {.message = SERVICE_LIMIT};

void service_setup(void)
{
    snprintf(service.dir, sizeof service.dir, "/tmp/test_front.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(service.dir));
    snprintf(service.path, sizeof service.path, "%s/sock", service.dir);
    service.echoing = true;
}

void service_teardown(void)
{
    char lock_path[128];

    front_free(service.front);
    snprintf(lock_path, sizeof lock_path, "%s.lock", service.path);
    unlink(service.path);
    unlink(lock_path);
    ck_assert_msg(rmdir(service.dir) == 0, "%s: %s", service.dir, strerror(errno));
}

front_err service_listen(const char *url, bool via_nng, mode_t mode, const char *group)
{
    front_listener listener = {.url = url, .via_nng = via_nng, .mode = mode, .group = group};

    if (service.front == NULL)
        ck_assert_int_eq(front_new(&service_roomy, &service_ops, NULL, &service.front), FRONT_OK);
    service.text[0] = '\0';
    return front_listen(service.front, &listener, service.text);
}

front_err service_listen_here(bool via_nng)
{
    char url[128];

    snprintf(url, sizeof url, "ipc://%s", service.path);
    return service_listen(url, via_nng, 0, NULL);
}
