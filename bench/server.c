#include "bench/server.h"

#include <dirent.h>
#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

enum { READY_MS = 10000, PATH_ROOM = 200, LINE_ROOM = 512 };

static bool failed(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    return false;
}

/* ---- start, stop ---- */

static int notify_open(const char *directory, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "%s/notify", directory);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)address, sizeof *address) ||
                    setenv("NOTIFY_SOCKET", address->sun_path, 1))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Until it is ready, or has ended. */
static bool wait_ready(int fd, pid_t pid)
{
    int process = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd polls[] = {{.fd = fd, .events = POLLIN}, {.fd = process, .events = POLLIN}};
    bool ready = false;
    if (process < 0)
        return false;
    while (!ready && poll(polls, 2, READY_MS) > 0 && polls[1].revents == 0) {
        char text[LINE_ROOM];
        ssize_t n = recv(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        ready = strstr(text, "READY=1") != NULL;
    }
    close(process);
    return ready;
}

bool server_start(server *s, char *const argv[], const char *directory)
{
    struct sockaddr_un address;
    s->pid = 0;
    int fd = notify_open(directory, &address);
    if (fd < 0)
        return failed("notify socket");
    errno = posix_spawn(&s->pid, argv[0], NULL, NULL, argv, environ);
    unsetenv("NOTIFY_SOCKET");
    bool ready = errno == 0 && wait_ready(fd, s->pid);
    close(fd);
    unlink(address.sun_path);
    if (!ready) {
        fprintf(stderr, "bench: %s did not become ready\n", argv[0]);
        server_stop(s);
    }
    return ready;
}

void server_stop(server *s)
{
    if (s->pid == 0)
        return;
    kill(s->pid, SIGTERM);
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    s->pid = 0;
}

/* The one request in hand; its header holds who asked, and goes back with it. */
typedef struct echo {
    nng_socket socket;
    nng_aio *aio;
    bool sending;
} echo;

static void echo_step(void *arg)
{
    echo *e = arg;
    int rv = nng_aio_result(e->aio);
    if (rv) {
        fprintf(stderr, "bench: raw echo: %s\n", nng_strerror(rv));
        return;
    }
    e->sending = !e->sending;
    if (e->sending)
        nng_send_aio(e->socket, e->aio); /* the message that was received is still in it */
    else
        nng_recv_aio(e->socket, e->aio);
}

int server_raw_echo(const char *url)
{
    static echo e;
    int rv = nng_rep0_open_raw(&e.socket);
    if (rv == 0)
        rv = nng_aio_alloc(&e.aio, echo_step, &e);
    if (rv == 0)
        rv = nng_listen(e.socket, url, NULL, 0);
    if (rv) {
        fprintf(stderr, "bench: raw echo: %s\n", nng_strerror(rv));
        return 1;
    }
    nng_recv_aio(e.socket, e.aio);
    sd_notify(0, "READY=1");
    for (;;)
        pause(); /* until SIGTERM */
}

/* ---- what it uses ---- */

double server_cpu_us(const server *s)
{
    clockid_t clock;
    struct timespec t = {0};
    if (clock_getcpuclockid(s->pid, &clock) || clock_gettime(clock, &t))
        return 0;
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The number at the beginning of *at, which moves behind it; -1: there is none. */
static long take_number(const char **at)
{
    char *end;
    errno = 0;
    long value = strtol(*at, &end, 10);
    if (errno != 0 || end == *at)
        return -1;
    *at = end;
    return value;
}

long server_cpu_ticks(const server *s)
{
    enum { FIELDS_BEFORE = 12 }; /* spaces between the name and field 14 */
    char path[PATH_ROOM], line[LINE_ROOM];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)s->pid);
    FILE *f = fopen(path, "r");
    char *got = f ? fgets(line, sizeof line, f) : NULL;
    if (f)
        fclose(f);
    /* The name in brackets may hold anything; fields 14 and 15 are wanted. */
    const char *at = got ? strrchr(line, ')') : NULL;
    for (int i = 0; at && i < FIELDS_BEFORE; i++)
        at = strchr(at + 1, ' ');
    if (!at)
        return -1;
    long user = take_number(&at), system = take_number(&at);
    return user < 0 || system < 0 ? -1 : user + system;
}

/* The number after `name` in a file of lines "name: number". */
static long read_field(const char *path, const char *name)
{
    char line[LINE_ROOM];
    long value = -1;
    FILE *f = fopen(path, "r");
    while (f && value < 0 && fgets(line, sizeof line, f)) {
        const char *at = line + strlen(name);
        if (strncmp(line, name, strlen(name)) == 0)
            value = take_number(&at);
    }
    if (f)
        fclose(f);
    return value;
}

long server_rss_kib(const server *s)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof path, "/proc/%d/status", (int)s->pid);
    return read_field(path, "VmRSS:");
}

long server_switches(const server *s)
{
    char path[PATH_ROOM];
    long sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)s->pid);
    DIR *tasks = opendir(path);
    for (struct dirent *e; tasks && (e = readdir(tasks));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/status", (int)s->pid, e->d_name);
        long n = read_field(path, "voluntary_ctxt_switches:");
        sum += n > 0 ? n : 0;
    }
    if (tasks)
        closedir(tasks);
    return sum;
}
