#include "daemon/listen.h"

#include "daemon/account.h"
#include "daemon/log.h"
#include "daemon/session.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN_DIRECTORY "/run/actord"

bool listen_default_url(char *out, size_t size)
{
    if (geteuid() == 0) {
        snprintf(out, size, "ipc://" RUN_DIRECTORY "/actord.sock");
        return true;
    }
    const char *directory = getenv("XDG_RUNTIME_DIR");
    if (!directory || directory[0] != '/')
        directory = getenv("RUNTIME_DIRECTORY"); /* a systemd service has this one instead */
    if (directory && directory[0] == '/') {
        snprintf(out, size, "ipc://%s/actord.sock", directory);
        return true;
    }
    snprintf(out, size,
             "there is no $XDG_RUNTIME_DIR for the default socket; give one with "
             "--socket ipc:///path/actord.sock, or `listen` in the configuration");
    return false;
}

/* The users of a listener as numbers. False: one doesn't exist. */
static bool resolve_users(const config_listener *l, uid_t *uids, char *why, size_t size)
{
    for (size_t i = 0; i < l->users.count; i++) {
        account a = {0};
        int err = account_find(&a, l->users.items[i]);
        uids[i] = a.uid;
        account_clear(&a);
        if (err) {
            snprintf(why, size, "%s: listen.users: no user '%s': %s", l->url, l->users.items[i],
                     err == ESRCH ? "the system knows none" : strerror(err));
            return false;
        }
    }
    return true;
}

static int open_one(actord *d, const config_listener *l, session_access *access, char *why,
                    size_t size)
{
    uid_t *uids = calloc(l->users.count + 1, sizeof *uids);
    access->role = l->role;
    access->token = l->token ? strdup(l->token) : NULL;
    if (!uids || (l->token && !access->token)) {
        free(uids);
        snprintf(why, size, "out of memory");
        return EXIT_INTERNAL;
    }
    bool ok = resolve_users(l, uids, why, size);
    front_listener fl = {
        .url = l->url,
        .mode = l->mode < 0 ? 0 : (mode_t)l->mode,
        .group = l->group,
        .users = l->users.count ? uids : NULL,
        .users_count = l->users.count,
        .via_nng = l->via == CONFIG_VIA_NNG,
        .tag = access,
    };
    char text[FRONT_TEXT_MAX + 1];
    if (ok && front_listen(d->front, &fl, text) != FRONT_OK) {
        snprintf(why, size, "%s", text);
        ok = false;
    }
    free(uids);
    return ok ? EXIT_OK : EXIT_LISTENER;
}

/* --socket, or the default: everything a root may do there is decided by the file's mode. On tcp://
 * nothing would decide, so that other machines must not reach it. */
static int open_only(actord *d, const char *url, char *why, size_t size)
{
    const config_listener only = {.url = url, .mode = -1, .role = CONFIG_ROLE_ADMIN};
    if (!config_url_is_local(url)) {
        snprintf(why, size,
                 "cannot listen on %s: other than loopback is not supported yet; valid hosts: "
                 "127.0.0.1, [::1], localhost",
                 url);
        return EXIT_LISTENER;
    }
    if (strncmp(url, "ipc://" RUN_DIRECTORY "/", strlen("ipc://" RUN_DIRECTORY "/")) == 0 &&
        mkdir(RUN_DIRECTORY, 0755) && errno != EEXIST) {
        snprintf(why, size, "%s: %s", RUN_DIRECTORY, strerror(errno));
        return EXIT_LISTENER;
    }
    return open_one(d, &only, &d->access[0], why, size);
}

/* limits.clients, but at most half of the descriptors that the daemon may have: clients that take
 * all of them would leave none for processes, and workers that can't start bring the tree down. */
static unsigned clients_that_fit(const config *c)
{
    struct rlimit files;
    unsigned wanted = (unsigned)c->limits.clients;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || wanted <= files.rlim_cur / 2)
        return wanted;
    unsigned fit = (unsigned)(files.rlim_cur / 2);
    log_warn("daemon", "limits.clients is %u, but with %ju open files allowed only %u are taken",
             wanted, (uintmax_t)files.rlim_cur, fit);
    return fit;
}

int listen_open(actord *d, const config *c, char *why, size_t size)
{
    front_limits limits = {.message = (size_t)c->limits.message_bytes,
                           .in_flight_per_client = (unsigned)c->limits.in_flight_per_client,
                           .clients = clients_that_fit(c)};
    bool only = d->options.socket || c->listener_count == 0;
    d->access_count = only ? 1 : c->listener_count;
    d->access = calloc(d->access_count, sizeof *d->access);
    if (!d->access || front_new(&limits, &session_front_ops, d->sessions, &d->front) != FRONT_OK) {
        snprintf(why, size, "out of memory");
        return EXIT_INTERNAL;
    }
    int status = EXIT_OK;
    char url[256];
    if (d->options.socket) {
        status = open_only(d, d->options.socket, why, size);
    } else if (only) {
        if (!listen_default_url(url, sizeof url)) {
            snprintf(why, size, "%s", url);
            return EXIT_LISTENER;
        }
        status = open_only(d, url, why, size);
    }
    for (size_t i = 0; !only && status == EXIT_OK && i < c->listener_count; i++)
        status = open_one(d, &c->listeners[i], &d->access[i], why, size);
    for (size_t i = 0; status == EXIT_OK && i < front_listeners(d->front); i++)
        log_info("daemon", "listening on %s", front_url(d->front, i));
    return status;
}

void listen_close(actord *d)
{
    front_free(d->front);
    for (size_t i = 0; d->access && i < d->access_count; i++)
        free(d->access[i].token);
    free(d->access);
}
