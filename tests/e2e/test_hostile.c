/* Hostile input and hostile places: the daemon stays up, and others are served as before. What each
 * request is answered with is test_protocol.c's. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ECHO   "    - {name: echo, echo: {}}\n"
#define CAT    "    - {name: cat, exec: [cat]}\n"
#define WORKER "    - {name: w, worker: [\"${SELF}\", worker]}\n"
#define HARDY                                                                                      \
    "version: 1\n"                                                                                 \
    "supervisor:\n"                                                                                \
    "  max_restarts: unlimited\n"                                                                  \
    "  backoff: {initial: 10ms, max: 10ms, factor: 1, jitter: none, reset_after: 1m}\n"            \
    "  children:\n"

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A connection without a greeting; -1 when there is no room for one. */
static int connect_bare(server *s)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s/sock", server_directory(s));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    ck_assert_msg(errno == EAGAIN, "connect: %s", strerror(errno));
    close(fd);
    return -1;
}

static void expect_alive(server *s)
{
    expect_result(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":[1]}"), "[1]");
    expect_balanced(s);
}

/* ---- connections ---- */

START_TEST(thousands_of_connects_and_whatever_they_say_harm_nobody)
{
    static const struct {
        const char *bytes;
        size_t len;
    } words[] = {
        {"", 0},
        {"\0SP", 3},
        {"\0SP\0\0\x30\0\0", 8},
        {"\0SP\0\0\x10\0\0", 8},
        {"\0SP\0\0\x30\0\0\x01\0\0\0\0\0\0\0\x50half", 21},
        {"\0SP\0\0\x30\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff", 17},
        {"\0SP\0\0\x30\0\0\x01\0\0\0\0\0\0\0\0", 17},
        {"\0SP\0\0\x30\0\0\x01\0\0\0\0\0\0\0\x02xy", 19},
        {"GET / HTTP/1.0\r\n\r\n", 18},
    };
    enum { CONNECTS = 3000, WORDS = sizeof words / sizeof *words };
    server *s = server_start(HARDY ECHO);
    for (int i = 0; i < CONNECTS; i++) {
        int fd = connect_bare(s);
        if (fd < 0) { /* the backlog is full: somebody must be served before the next */
            expect_alive(s);
            continue;
        }
        send(fd, words[i % WORDS].bytes, words[i % WORDS].len, MSG_NOSIGNAL);
        close(fd);
    }
    expect_alive(s);
    wait_until(stat_of(s, "clients") == 1);
    server_stop(s);
}
END_TEST

START_TEST(half_a_greeting_keeps_nobody_waiting)
{
    server *s = server_start(HARDY ECHO);
    int half = connect_bare(s), silent = connect_bare(s);
    ck_assert_int_eq((int)send(half, "\0SP\0", 4, MSG_NOSIGNAL), 4);
    client *other = server_connect(s);
    expect_ok(client_text(s, other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"));
    client_close(other);
    expect_alive(s);
    close(half);
    close(silent);
    server_stop(s);
}
END_TEST

START_TEST(request_that_never_ends_keeps_nobody_waiting)
{
    server *s = server_start(HARDY ECHO);
    client *slow = server_connect(s);
    client_raw(slow, "\x01\0\0\0\0\0\0\0\x50\x80\0\0\x01{\"jsonrpc\"", 23);
    expect_alive(s);
    client_close(slow);
    wait_until(stat_of(s, "clients") == 1);
    expect_alive(s);
    server_stop(s);
}
END_TEST

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double typical_latency(server *s)
{
    enum { ASKS = 200 };
    double took[ASKS];
    for (int i = 0; i < ASKS; i++) {
        double begin = now_ms();
        expect_result(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1}"), "1");
        took[i] = now_ms() - begin;
    }
    qsort(took, ASKS, sizeof *took, by_size);
    return took[ASKS / 2];
}

/* Write requests of 50 kB until nothing more goes in: whoever never reads its answers is read no
 * further either. Returns how many went in whole. */
static int stuff(int fd)
{
    enum { TEXT = 50000, REQUESTS_MAX = 4000 };
    char *frame = malloc(TEXT + 200);
    int len = snprintf(
        frame + 13, TEXT + 187,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":{\"to\":\"echo\",\"msg\":\"");
    memset(frame + 13 + len, 'x', TEXT);
    len += TEXT;
    len += snprintf(frame + 13 + len, 10, "\"}}") + 4;
    memset(frame, 0, 13);
    frame[0] = 1;
    for (int i = 0; i < 4; i++)
        frame[5 + i] = (char)(len >> (24 - 8 * i));
    frame[9] = (char)0x80; /* a request's number has the highest bit */
    size_t size = (size_t)len + 9, sent = 0;
    int count = 0;
    while (count < REQUESTS_MAX) {
        ssize_t n = send(fd, frame + sent, size - sent, MSG_NOSIGNAL);
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        if (n < 0 && errno == EAGAIN && poll(&p, 1, 500) == 0)
            break; /* no room for half a second */
        ck_assert(n >= 0 || errno == EAGAIN);
        sent += n > 0 ? (size_t)n : 0;
        count += sent == size;
        sent %= size;
    }
    free(frame);
    ck_assert_int_lt(count, REQUESTS_MAX);
    return count;
}

START_TEST(client_that_never_reads_slows_nobody)
{
    server *s = server_start(HARDY ECHO);
    double before = typical_latency(s);
    int fd = connect_bare(s);
    ck_assert_int_eq((int)send(fd, "\0SP\0\0\x30\0\0", 8, MSG_NOSIGNAL), 8);
    ck_assert_int_gt(stuff(fd), 0);
    double during = typical_latency(s);
    ck_assert_msg(during < 4 * before + 1, "%.3f ms, before %.3f ms", during, before);
    close(fd);
    wait_until(stat_of(s, "clients") == 1);
    expect_alive(s);
    server_stop(s);
}
END_TEST

START_TEST(large_batch_is_answered_whole_and_a_larger_one_refused)
{
    enum { LARGEST = 4096 };
    static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
    char *text = malloc((LARGEST + 1) * sizeof ping + 3), *end = text;
    *end++ = '[';
    for (int i = 0; i < LARGEST; i++)
        end += sprintf(end, "%s%s", i ? "," : "", ping);
    sprintf(end, "]");
    server *s = server_start(HARDY ECHO);
    ck_assert_int_eq(cJSON_GetArraySize(rpc_text(s, text).json), LARGEST);
    sprintf(end, ",%s]", ping);
    expect_error(rpc_text(s, text), -32600, "invalid_request");
    expect_alive(s);
    server_stop(s);
    free(text);
}
END_TEST

/* ---- much of everything ---- */

START_TEST(thousand_actors_are_all_there)
{
    enum { ACTORS = 1000 };
    char *yaml = malloc((size_t)ACTORS * 64), *end = yaml;
    end += sprintf(end, "%s", HARDY ECHO);
    for (int i = 0; i < ACTORS; i++)
        end += sprintf(end, "    - {name: a%d, echo: {}}\n", i);
    server *s = server_start(yaml);
    ck_assert(stat_of(s, "actors") == ACTORS + 2);
    for (int i = 0; i < ACTORS; i += 37)
        expect_result(rpcf(s, "ask", "{\"to\":\"a%d\",\"msg\":1}", i), "1");
    answer a = rpc(s, "actor.list", "{\"limit\":1000}");
    ck_assert_int_eq(count_at(a.result, "items"), 1000);
    expect_ok(rpc(s, "tree", NULL));
    expect_alive(s);
    server_stop(s);
    free(yaml);
}
END_TEST

/* ---- odd places to run in ---- */

/* Have the daemon started by a script: `before` runs first, `how` is put before the program and
 * `after` behind it. The programs are in the server's directory, $dir. */
static server *start_by_script(const char *before, const char *how, const char *after,
                               const char *yaml)
{
    static char path[] = "/tmp/actord-script.XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    dprintf(fd,
            "#!/bin/sh\n"
            "for a; do case $a in */actord.yaml) dir=${a%%/actord.yaml};; esac; done\n"
            "cp '%s' \"$dir/actord\"; cp '%s' \"$dir/actord-child\"\n"
            "export ACTORD_CHILD=\"$dir/actord-child\"\n"
            "%s\nexec %s \"$dir/actord\" \"$@\" %s\n",
            getenv("ACTORD"), getenv("ACTORD_CHILD"), before, how, after);
    ck_assert_int_eq(fchmod(fd, 0755), 0);
    close(fd);
    ck_assert_int_eq(setenv("ACTORD", path, 1), 0);
    server *s = server_start(yaml);
    unlink(path);
    return s;
}

START_TEST(clients_leave_descriptors_for_everything_else)
{
    enum { CLIENTS = 200 };
    int fds[CLIENTS];
    server *s = start_by_script("ulimit -n 128", "", "", HARDY ECHO CAT WORKER);
    expect_alive(s);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = connect_bare(s);
        expect_alive(s);
    }
    expect_result(rpc(s, "ask", "{\"to\":\"cat\",\"msg\":2}"), "2");
    kill((pid_t)number_at(rpc(s, "actor.info", "{\"name\":\"w\"}").result, "pids[0]"), SIGKILL);
    wait_until(number_at(rpc(s, "actor.info", "{\"name\":\"w\"}").result, "incarnation") == 2);
    expect_result(rpc(s, "ask", "{\"to\":\"w\",\"msg\":3}"), "3");
    for (int i = 0; i < CLIENTS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    wait_until(stat_of(s, "clients") == 1);
    client_close(server_connect(s));
    server_stop(s);
}
END_TEST

START_TEST(want_of_descriptors_passes)
{
    enum { AT_ONCE = 60 };
    server *s = start_by_script("ulimit -n 64", "", "", HARDY ECHO CAT);
    for (int i = 0; i < AT_ONCE; i++) {
        expect_ok(
            rpcf(s, "actor.spawn",
                 "{\"name\":\"s%d\",\"exec\":[\"sleep\",\"0.3\"],\"retry\":{\"max_retries\":100,"
                 "\"backoff\":\"fixed\",\"initial\":\"50ms\",\"jitter\":\"none\"}}",
                 i));
    }
    for (int i = 0; i < AT_ONCE; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        send_message(s, name, "1");
    }
    expect_alive(s);
    for (int i = 0; i < AT_ONCE; i++) { /* some attempts found no descriptor, and were retried */
        char id[16];
        snprintf(id, sizeof id, "m-%d", i + 1);
        wait_until(strcmp(message_state(s, id), "done") == 0);
    }
    ck_assert(stat_of(s, "failed_attempts") > 0);
    expect_result(rpc(s, "ask", "{\"to\":\"cat\",\"msg\":2}"), "2");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(closed_standard_streams_are_no_matter)
{
    server *s = start_by_script("", "", "<&- >&- 2>&-", HARDY ECHO CAT WORKER);
    expect_result(rpc(s, "ask", "{\"to\":\"cat\",\"msg\":{\"a\":1}}"), "{\"a\":1}");
    expect_result(rpc(s, "ask", "{\"to\":\"w\",\"msg\":2}"), "2");
    expect_alive(s);
    server_stop(s);
}
END_TEST

START_TEST(nobody_may_run_it_as_well)
{
    if (geteuid() != 0)
        return; /* then it is somebody else already */
    server *s = start_by_script("chown -R 65534 \"$dir\"",
                                "setpriv --reuid 65534 --regid 65534 --clear-groups", "",
                                HARDY ECHO CAT "    - {name: self, exec: [id, -u], user: nobody}\n"
                                               "    - {name: other, exec: [id, -u], user: root}\n");
    expect_result(rpc(s, "ask", "{\"to\":\"cat\",\"msg\":1}"), "1");
    expect_result(rpc(s, "ask", "{\"to\":\"self\",\"msg\":1}"), "65534");
    answer a = rpc(s, "ask", "{\"to\":\"other\",\"msg\":1}");
    expect_error(a, -32006, "failed");
    expect_in(a.bytes, "cannot become user 'root'");
    expect_alive(s);
    server_stop(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        thousands_of_connects_and_whatever_they_say_harm_nobody,
        half_a_greeting_keeps_nobody_waiting,
        request_that_never_ends_keeps_nobody_waiting,
        client_that_never_reads_slows_nobody,
        large_batch_is_answered_whole_and_a_larger_one_refused,
        thousand_actors_are_all_there,
        clients_leave_descriptors_for_everything_else,
        want_of_descriptors_passes,
        closed_standard_streams_are_no_matter,
        nobody_may_run_it_as_well,
        NULL,
    };
    return worker_or_tests(argc, argv, "hostile", tests);
}
