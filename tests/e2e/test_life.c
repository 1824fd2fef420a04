/* The daemon's life: command line, listeners, start, signals, service manager and end. */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ECHO CHILDREN "    - {name: echo, echo: {}}\n"

static server *s;

/* A daemon that must end with `status` before it is ready; what it said. */
static const char *refused(const char *yaml, int status)
{
    s = server_refused(&(server_options){.yaml = yaml}, status);
    return server_stderr(s);
}

/* ---- the command line ---- */

START_TEST(usage_errors_exit_2)
{
    static const char *const lines[][3] = {
        {"--no-such-option", NULL}, {"--config", NULL},     {"start", NULL},
        {"--log-level=loud", NULL}, {"demo", "more", NULL},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        s = server_refused(&(server_options){.args = lines[i], .own_listeners = true}, 2);
        expect_in(server_stderr(s), "--help");
        server_free(s);
    }
}
END_TEST

START_TEST(help_and_version_are_data)
{
    static const char *const help[] = {"--help", NULL};
    s = server_refused(&(server_options){.args = help}, 0);
    expect_in(server_stdout(s), "--config");
    ck_assert_str_eq(server_stderr(s), "");
    server_free(s);
    static const char *const version[] = {"--version", NULL};
    s = server_refused(&(server_options){.args = version}, 0);
    ck_assert_int_eq(strncmp(server_stdout(s), "actord ", 7), 0);
    server_free(s);
}
END_TEST

START_TEST(demo_runs_on_a_socket_of_its_own)
{
    static const char *const args[] = {"demo", NULL};
    s = server_start_with(&(server_options){.args = args});
    expect_ok(rpc(s, "ping", NULL));
    expect_ok(rpc(s, "tree", NULL));
    expect_in(server_stdout(s), "actorctl");
    server_stop(s);
}
END_TEST

START_TEST(check_can_be_interrupted)
{
    char fifo[64];
    snprintf(fifo, sizeof fifo, "/tmp/actord-test-%d.yaml", (int)getpid());
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    const char *const args[] = {"--check", "--config", fifo, NULL};
    s = server_launch(&(server_options){.args = args, .own_listeners = true});
    int fd = open(fifo, O_WRONLY | O_CLOEXEC); /* once it has begun to read */
    ck_assert_int_eq(unlink(fifo), 0);
    ck_assert_int_ge(fd, 0);
    server_signal(s, SIGTERM);
    server_expect_exit(s, 128 + SIGTERM);
    close(fd);
    server_free(s);
}
END_TEST

/* ---- listeners ---- */

START_TEST(second_daemon_on_the_socket_is_refused)
{
    s = server_start(ECHO);
    server *first = s;
    const char *const args[] = {"--socket", server_url(first), NULL};
    server *second =
        server_refused(&(server_options){.yaml = ECHO, .args = args, .own_listeners = true}, 71);
    char pid[32];
    snprintf(pid, sizeof pid, "%d", (int)server_pid(first));
    expect_in(server_stderr(second), pid); /* it names who listens */
    server_free(second);
    client *fresh = server_connect(first);
    expect_ok(client_text(first, fresh, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"));
    client_close(fresh);
    server_stop(first);
}
END_TEST

/* A daemon whose socket is `name` in another one's directory must end with 71. */
static void expect_no_listener(server *of, const char *name)
{
    char url[160];
    snprintf(url, sizeof url, "ipc://%s/%s", server_directory(of), name);
    const char *const args[] = {"--socket", url, NULL};
    server *second =
        server_refused(&(server_options){.yaml = ECHO, .args = args, .own_listeners = true}, 71);
    expect_in(server_stderr(second), name);
    server_free(second);
}

START_TEST(regular_file_at_the_socket_path_is_left_alone)
{
    s = server_start(ECHO);
    server_write(s, "precious", "data");
    expect_no_listener(s, "precious");
    ck_assert_str_eq(server_read(s, "precious"), "data");
    ck_assert_int_eq(symlink("precious", server_path(s, "link")), 0);
    expect_no_listener(s, "link");
    ck_assert_str_eq(server_read(s, "precious"), "data");
    expect_no_listener(s, "no/such/directory");
    server_stop(s);
}
END_TEST

START_TEST(socket_option_takes_no_address_that_other_machines_reach)
{
    static const char *const urls[] = {"tcp://0.0.0.0:0", "tcp://*:0", "tcp://[::]:0", "tcp://:0"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        const char *const args[] = {"--socket", urls[i], NULL};
        s = server_refused(&(server_options){.yaml = ECHO, .args = args, .own_listeners = true},
                           71);
        expect_in(server_stderr(s), urls[i]);
        server_free(s);
    }
}
END_TEST

START_TEST(socket_nobody_listens_on_is_replaced)
{
    s = server_start(ECHO);
    const char *path = server_path(s, "stale");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    char url[160];
    snprintf(url, sizeof url, "ipc://%s", path);
    const char *const args[] = {"--socket", url, NULL};
    server *second =
        server_start_with(&(server_options){.yaml = ECHO, .args = args, .own_listeners = true});
    client_close(client_open(url));
    server_stop(second);
    ck_assert_int_ne(access(path, F_OK), 0); /* it cleans up behind itself */
    server_stop(s);
}
END_TEST

START_TEST(listener_that_cannot_be_opened_exits_71)
{
    static const struct {
        const char *listener, *said;
    } rows[] = {
        {"{url: 'ipc://${DIR}/sock', group: no_such_group}", "no_such_group"},
        {"{url: 'ipc://${DIR}/sock', users: [no_such_user]}", "no_such_user"},
        {"{url: 'ipc://${DIR}/sock'}, {url: 'tcp://127.0.0.1:${TAKEN}', token: x}", "127.0.0.1"},
    };
    struct sockaddr_in taken = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof taken;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&taken, sizeof taken), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&taken, &size), 0);
    char port[32];
    snprintf(port, sizeof port, "TAKEN=%d", ntohs(taken.sin_port));
    const char *const env[] = {port, NULL};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml,
                 "version: 1\nlisten: [%s]\nsupervisor: {children: [{name: e, echo: {}}]}\n",
                 rows[i].listener);
        s = server_refused(&(server_options){.yaml = yaml, .env = env, .own_listeners = true}, 71);
        expect_in(server_stderr(s), rows[i].said);
        ck_assert_int_ne(access(server_path(s, "sock"), F_OK), 0);
        server_free(s);
    }
    close(fd);
}
END_TEST

START_TEST(socket_has_the_mode_of_the_file)
{
    s = server_start_with(
        &(server_options){.yaml = "version: 1\nlisten:\n  - {url: 'ipc://${DIR}/sock'}\n"
                                  "  - {url: 'ipc://${DIR}/wide', mode: \"0666\"}\n"
                                  "supervisor: {children: [{name: e, echo: {}}]}\n",
                          .own_listeners = true});
    struct stat st;
    ck_assert_int_eq(stat(server_path(s, "sock"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(stat(server_path(s, "wide"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0666);
    server_stop(s);
}
END_TEST

/* ---- start and end ---- */

/* A daemon whose worker is ready once a line was written into the fifo `gate`; it fails to start
 * with any line but an empty one. */
static void launch_gated(void)
{
    s = server_launch(&(server_options){
        .yaml = CHILDREN "    - {name: w, start: ready, start_timeout: 1m, worker: [sh, -c, "
                         "'mkfifo ${DIR}/gate; read x <${DIR}/gate; test -z \"$x\" || exit 1; "
                         "echo \"{\\\"ready\\\":true}\"; exec cat >/dev/null']}\n"});
    wait_until(access(server_path(s, "gate"), F_OK) == 0);
}

static void open_gate(const char *line)
{
    int gate = open(server_path(s, "gate"), O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(write(gate, line, strlen(line)), (ssize_t)strlen(line));
    close(gate);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

START_TEST(no_request_is_answered_before_the_tree_has_started)
{
    launch_gated();
    uint32_t ping = rpc_send(s, "ping", NULL);
    ck_assert(!rpc_answered(s, ping));
    open_gate("\n");
    expect_result(rpc_receive(s, ping), "{\"pong\":true}");
    server_wait_ready(s);
    server_stop(s);
}
END_TEST

/* Answers are given a second to go out; these can't come. */
START_TEST(a_start_that_fails_does_not_wait_for_the_requests_that_wait_for_it)
{
    launch_gated();
    rpc_send(s, "ping", NULL);
    double begin = now_ms();
    open_gate("fail\n");
    server_expect_exit(s, 1);
    ck_assert(now_ms() - begin < 1000);
    server_free(s);
}
END_TEST

START_TEST(sigterm_during_the_start_ends_it)
{
    launch_gated();
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    server_free(s);
}
END_TEST

START_TEST(tree_that_cannot_start_exits_1_with_the_cause)
{
    refused(CHILDREN "    - {name: e, echo: {}}\n"
                     "    - name: inner\n"
                     "      supervisor: {children: [{name: w, start: ready, start_timeout: 5s, "
                     "worker: [sh, -c, 'exit 3']}]}\n",
            1);
    expect_in(server_stderr(s), "inner");
    expect_in(server_stderr(s), "'w'");
    server_free(s);
}
END_TEST

START_TEST(root_that_gives_up_exits_70)
{
    s = server_start("version: 1\nsupervisor:\n  max_restarts: 1 in 1m\n  backoff: none\n"
                     "  children:\n    - {name: f, on_failure: crash, exec: ['false']}\n"
                     "    - {name: e, echo: {}}\n");
    send_message(s, "f", "1");
    send_message(s, "f", "2");
    server_expect_exit(s, 70);
    expect_in(server_stderr(s), "gave up");
    server_free(s);
}
END_TEST

START_TEST(sigterm_drains)
{
    s = server_start(CHILDREN "    - {name: sleep, sleep: {}}\n");
    uint32_t running = rpc_send(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":80}}");
    uint32_t waiting = rpc_send(s, "ask", "{\"to\":\"sleep\",\"msg\":{\"ms\":1}}");
    wait_until(stat_of(s, "accepted") == 2);
    server_signal(s, SIGTERM);
    server_wait_notify(s, "STOPPING=1");
    answer late = rpc(s, "send", "{\"to\":\"sleep\",\"msg\":{\"ms\":1}}");
    expect_error(late, -32009, "draining");
    ck_assert(bool_at(late.error, "data.retry_safe"));
    ck_assert(bool_at(rpc(s, "system.info", NULL).result, "draining"));
    expect_result(rpc_receive(s, running), "{\"slept_ms\":80}");
    expect_result(rpc_receive(s, waiting), "{\"slept_ms\":1}");
    server_expect_exit(s, 0);
    server_free(s);
}
END_TEST

START_TEST(second_sigterm_stops_now)
{
    s = server_start(CHILDREN "    - {name: sleep, sleep: {}}\n"
                              "    - {name: x, exec: [sh, -c, 'trap \"\" TERM; touch ${DIR}/up; "
                              "sleep 600']}\n");
    send_message(s, "sleep", "{\"ms\":60000}");
    send_message(s, "x", "1");
    wait_until(access(server_path(s, "up"), F_OK) == 0);
    server_signal(s, SIGTERM);
    server_wait_notify(s, "STOPPING=1");
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    server_free(s);
}
END_TEST

START_TEST(drain_ends_at_shutdown_timeout)
{
    s = server_start("version: 1\nsystem: {shutdown_timeout: 30ms}\nsupervisor: {children: [{name: "
                     "sleep, sleep: {}, shutdown: infinity}]}\n");
    send_message(s, "sleep", "{\"ms\":60000}");
    wait_until(stat_of(s, "running") == 1);
    server_signal(s, SIGINT);
    server_expect_exit(s, 0);
    expect_in(server_stderr(s), "after system.shutdown_timeout 1 messages are left");
    server_free(s);
}
END_TEST

/* Two that don't care about SIGTERM and may take as long as they like. */
#define STUBBORN_TREE(timeout)                                                                     \
    "version: 1\nsystem: {shutdown_timeout: " timeout "}\nsupervisor:\n  children:\n"              \
    "    - name: in\n"                                                                             \
    "      supervisor:\n"                                                                          \
    "        children:\n"                                                                          \
    "          - {name: a, start: ready, shutdown: infinity, worker: " STUBBORN "}\n"              \
    "    - {name: b, start: ready, shutdown: infinity, worker: " STUBBORN "}\n"
#define STUBBORN                                                                                   \
    "[sh, -c, 'trap \"\" TERM; echo \"{\\\"ready\\\":true}\"; while :; do sleep 1000; done']"

START_TEST(what_still_runs_at_shutdown_timeout_is_killed_whatever_its_own_shutdown)
{
    s = server_start(STUBBORN_TREE("30ms"));
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    expect_in(server_stderr(s), "after system.shutdown_timeout 0 messages are left and 2 actors "
                                "still run: killing them");
    server_free(s);
}
END_TEST

START_TEST(a_second_sigint_kills_what_may_take_for_ever)
{
    s = server_start(STUBBORN_TREE("1h"));
    server_signal(s, SIGTERM);
    server_wait_notify(s, "STOPPING=1");
    wait_until(strcmp(actor_state(s, "b"), "stopping") == 0);
    server_signal(s, SIGINT);
    server_expect_exit(s, 0);
    expect_in(server_stderr(s), "asked again: stopping now");
    server_free(s);
}
END_TEST

START_TEST(ask_that_is_cut_off_by_the_end_is_answered)
{
    s = server_start("version: 1\nsystem: {shutdown_timeout: 30ms}\nsupervisor: {children: [{name: "
                     "echo, echo: {}}]}\n");
    expect_ok(rpc(s, "actor.pause", "{\"name\":\"echo\"}"));
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"echo\",\"msg\":1,\"timeout\":\"1m\"}");
    wait_until(stat_of(s, "waiting") == 1);
    server_signal(s, SIGTERM);
    expect_error(rpc_receive(s, ask), -32013, "stopped");
    server_expect_exit(s, 0);
    server_free(s);
}
END_TEST

/* A worker that writes its name into the file `bye` at its end. */
#define SAYS_BYE(name)                                                                             \
    "    - {name: " name ", start: ready, worker: [sh, -c, 'trap \"\" TERM; "                      \
    "echo \"{\\\"ready\\\":true}\"; cat >/dev/null; echo " name " >>${DIR}/bye']}\n"

START_TEST(children_stop_in_reverse)
{
    s = server_start(CHILDREN SAYS_BYE("a") SAYS_BYE("b") SAYS_BYE("c"));
    server_signal(s, SIGTERM);
    server_expect_exit(s, 0);
    ck_assert_str_eq(server_read(s, "bye"), "c\nb\na\n");
    server_free(s);
}
END_TEST

/* ---- signals and the service manager ---- */

START_TEST(sigusr1_writes_the_state_to_the_log)
{
    s = server_start(CHILDREN "    - name: inner\n"
                              "      supervisor: {children: [{name: echo, echo: {}}]}\n");
    expect_ok(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1}"));
    server_signal(s, SIGUSR1);
    wait_until(strstr(server_stderr(s), "/root/inner/echo: running, incarnation 1"));
    expect_in(server_stderr(s), "done 1");
    server_stop(s);
}
END_TEST

START_TEST(service_manager_hears_of_start_reload_and_end)
{
    s = server_launch(&(server_options){.yaml = ECHO});
    server_wait_notify(s, "READY=1");
    server_signal(s, SIGHUP);
    server_wait_notify(s, "RELOADING=1");
    server_wait_notify(s, "READY=1");
    server_signal(s, SIGTERM);
    server_wait_notify(s, "STOPPING=1");
    server_expect_exit(s, 0);
    server_free(s);
}
END_TEST

START_TEST(refused_reload_ends_with_ready_as_well)
{
    s = server_start(ECHO);
    server_configure(s, "version: 2\n");
    server_signal(s, SIGHUP);
    server_wait_notify(s, "RELOADING=1");
    server_wait_notify(s, "READY=1");
    wait_until(
        strstr(server_stderr(s), "Nothing changed; still running the configuration loaded at"));
    expect_in(server_stderr(s), "actord.yaml:1:10: ");
    expect_ok(rpc(s, "ask", "{\"to\":\"echo\",\"msg\":1}"));
    server_stop(s);
}
END_TEST

START_TEST(watchdog_is_fed_while_the_scheduler_runs)
{
    static const char *const env[] = {"WATCHDOG_USEC=40000", NULL};
    s = server_start_with(&(server_options){.yaml = ECHO, .env = env});
    server_wait_notify(s, "WATCHDOG=1");
    server_wait_notify(s, "WATCHDOG=1");
    server_stop(s);
}
END_TEST

START_TEST(programs_do_not_inherit_the_service_managers_variables)
{
    static const char *const env[] = {"WATCHDOG_USEC=40000000", "LISTEN_FDS=1", "KEPT=1", NULL};
    s = server_start_with(
        &(server_options){.yaml = CHILDREN "    - {name: env, exec: [env]}\n", .env = env});
    answer a = rpc(s, "ask", "{\"to\":\"env\",\"msg\":1}");
    expect_in(a.bytes, "KEPT=1");
    expect_not_in(a.bytes, "NOTIFY_SOCKET");
    expect_not_in(a.bytes, "WATCHDOG_USEC");
    expect_not_in(a.bytes, "LISTEN_FDS");
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        usage_errors_exit_2,
        help_and_version_are_data,
        demo_runs_on_a_socket_of_its_own,
        second_daemon_on_the_socket_is_refused,
        regular_file_at_the_socket_path_is_left_alone,
        check_can_be_interrupted,
        socket_option_takes_no_address_that_other_machines_reach,
        socket_nobody_listens_on_is_replaced,
        listener_that_cannot_be_opened_exits_71,
        socket_has_the_mode_of_the_file,
        no_request_is_answered_before_the_tree_has_started,
        a_start_that_fails_does_not_wait_for_the_requests_that_wait_for_it,
        sigterm_during_the_start_ends_it,
        tree_that_cannot_start_exits_1_with_the_cause,
        root_that_gives_up_exits_70,
        sigterm_drains,
        second_sigterm_stops_now,
        drain_ends_at_shutdown_timeout,
        what_still_runs_at_shutdown_timeout_is_killed_whatever_its_own_shutdown,
        a_second_sigint_kills_what_may_take_for_ever,
        ask_that_is_cut_off_by_the_end_is_answered,
        children_stop_in_reverse,
        sigusr1_writes_the_state_to_the_log,
        service_manager_hears_of_start_reload_and_end,
        refused_reload_ends_with_ready_as_well,
        watchdog_is_fed_while_the_scheduler_runs,
        programs_do_not_inherit_the_service_managers_variables,
        NULL,
    };
    return suite_run("life", tests, NULL, NULL);
}
