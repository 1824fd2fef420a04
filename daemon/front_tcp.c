/* A listening TCP socket for a URL. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/front_wire.h"

enum { BACKLOG = 128, HOST_MAX = 255 };

/* tcp://HOST:PORT; HOST may be *, or [an IPv6 address]. */
static bool split(const char *url, char host[HOST_MAX + 1], const char **port)
{
    const char *start = strstr(url, "://") + 3;
    const char *colon = strrchr(start, ':');
    size_t len = colon != NULL ? (size_t)(colon - start) : 0;
    char *end;
    long number;

    if (len == 0 || len > HOST_MAX || colon[1] < '0' || colon[1] > '9')
        return false;
    number = strtol(colon + 1, &end, 10);
    if (*end != '\0' || number > 65535)
        return false;
    if (start[0] == '[' && start[len - 1] == ']') {
        start++;
        len -= 2;
    }
    memcpy(host, start, len);
    host[len] = '\0';
    *port = colon + 1;
    return true;
}

static int listen_at(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    on = errno;
    close(fd);
    errno = on;
    return -1;
}

static char *bound_url(int fd, const char *url)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char port[8];
    char *bound;

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port,
                    NI_NUMERICSERV) != 0 ||
        asprintf(&bound, "%.*s:%s", (int)(strrchr(url, ':') - url), url, port) < 0)
        return NULL;
    return bound;
}

static front_err failed(const char *url, char *text)
{
    switch (errno) {
    case EADDRINUSE:
        return front__fail(text, FRONT_EINUSE,
                           "cannot listen on %s: another process already does; stop it, or choose "
                           "another port",
                           url);
    case EACCES:
    case EPERM:
        return front__fail(text, FRONT_EDENIED, "cannot listen on %s: %s", url, strerror(errno));
    case EADDRNOTAVAIL:
        return front__fail(text, FRONT_EINVAL,
                           "cannot listen on %s: the address is not this machine's", url);
    default:
        return front__fail(text, FRONT_ESYSTEM, "cannot listen on %s: %s", url, strerror(errno));
    }
}

front_err front__tcp_listen(const char *url, int *fd, char **bound, char *text)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *addresses;
    char host[HOST_MAX + 1];
    const char *port;
    int rc;

    if (!split(url, host, &port))
        return front__fail(text, FRONT_EINVAL, "cannot listen on %s: write tcp://host:port", url);
    rc = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hints, &addresses);
    if (rc != 0)
        return front__fail(text, FRONT_EINVAL, "cannot listen on %s: %s", url, gai_strerror(rc));
    *fd = -1;
    for (const struct addrinfo *at = addresses; at != NULL && *fd < 0; at = at->ai_next)
        *fd = listen_at(at);
    freeaddrinfo(addresses);
    if (*fd < 0)
        return failed(url, text);
    *bound = bound_url(*fd, url);
    if (*bound == NULL) {
        close(*fd);
        *fd = -1;
        return front__fail(text, FRONT_ENOMEM, "cannot listen on %s: out of memory", url);
    }
    return FRONT_OK;
}
