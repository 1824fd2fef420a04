#include "daemon/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

enum { DEADLINE_MS = 30000, OUTPUT_MAX = 16384 };

static loop *l;
static process_table *table;
static loop_timer *deadline; /* fails a test that waits in vain */

/* A child and all that was told of it. Every event breaks the loop. */
typedef struct child {
    process *p;
    int started, failed, exited, readable[2], writable;
    bool drain; /* read at once what is readable */
    int error;
    char text[256];
    pid_t pid;
    process_exit how;
    char output[2][OUTPUT_MAX]; /* its beginning, with a NUL */
    size_t bytes[2];
    bool end[2];
} child;

#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        while (!(condition))                                                                       \
            ck_assert_int_eq(loop_run(l), 0);                                                      \
    } while (0)

static void too_late(void *arg)
{
    (void)arg;
    ck_abort_msg("the awaited event did not come");
}

static void break_it(void *arg)
{
    (void)arg;
    loop_break(l);
}

/* Let the loop look at its descriptors n times. */
static void turn_loop(int n)
{
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(loop_post(l, break_it, NULL), 0);
        ck_assert_int_eq(loop_run(l), 0);
    }
}

/* Read until there is nothing now, or the end. */
static void drain(child *c, process_stream which)
{
    char buf[4096];
    size_t got;
    int err;
    while ((err = process_read(c->p, which, buf, sizeof(buf), &got)) == 0 && got > 0) {
        size_t at = c->bytes[which];
        size_t room = at < OUTPUT_MAX - 1 ? OUTPUT_MAX - 1 - at : 0;
        memcpy(c->output[which] + at, buf, got < room ? got : room);
        c->bytes[which] += got;
    }
    ck_assert(err == 0 || err == EAGAIN);
    if (err == 0)
        c->end[which] = true;
}

static void on_started(process *p, pid_t pid, void *user)
{
    child *c = user;
    ck_assert_ptr_eq(p, c->p);
    c->started++;
    c->pid = pid;
    loop_break(l);
}

static void on_start_failed(process *p, int error, const char *text, void *user)
{
    child *c = user;
    (void)p;
    c->failed++;
    c->error = error;
    snprintf(c->text, sizeof(c->text), "%s", text);
    loop_break(l);
}

static void on_readable(process *p, process_stream which, void *user)
{
    child *c = user;
    (void)p;
    ck_assert_int_eq(c->started, 1);
    c->readable[which]++;
    if (c->drain)
        drain(c, which);
    loop_break(l);
}

static void on_writable(process *p, void *user)
{
    child *c = user;
    (void)p;
    c->writable++;
    loop_break(l);
}

static void on_exited(process *p, const process_exit *how, void *user)
{
    child *c = user;
    (void)p;
    ck_assert_int_eq(c->started, 1);
    c->exited++;
    c->how = *how;
    loop_break(l);
}

static const process_events events = {on_started, on_start_failed, on_readable, on_writable,
                                      on_exited};

static void start(child *c, const process_spec *spec)
{
    memset(c, 0, sizeof(*c));
    c->drain = true;
    ck_assert_int_eq(process_start(table, spec, &events, c, &c->p), 0);
}

static void start_shell(child *c, const char *script)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    start(c, &(process_spec){.argv = argv});
}

static void await_exit(child *c)
{
    WAIT_UNTIL(c->exited || c->failed);
    ck_assert_msg(c->exited, "did not start: %s", c->text);
    drain(c, PROCESS_STDOUT);
    drain(c, PROCESS_STDERR);
}

/* Run to the end; the output stays in c. */
static void run(child *c, const process_spec *spec)
{
    start(c, spec);
    await_exit(c);
    process_release(c->p);
}

static void run_shell(child *c, const char *script)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    run(c, &(process_spec){.argv = argv});
}

static void await_none(void)
{
    while (process_table_live(table) > 0)
        turn_loop(1);
}

/* Whether the process behind a pidfd has ended, waiting at most ms for it. */
static bool has_ended(int pid_fd, int ms)
{
    struct pollfd pfd = {.fd = pid_fd, .events = POLLIN};
    int n = poll(&pfd, 1, ms);
    ck_assert_int_ge(n, 0);
    return n == 1;
}

/* The first number the child has printed, as a pidfd. */
static int printed_process(child *c)
{
    WAIT_UNTIL(strchr(c->output[PROCESS_STDOUT], '\n') != NULL);
    int pid_fd = pidfd_open((pid_t)strtol(c->output[PROCESS_STDOUT], NULL, 10), 0);
    ck_assert_int_ge(pid_fd, 0);
    return pid_fd;
}

static int open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(d);
    int n = 0;
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static void setup_loop(void)
{
    ck_assert_int_eq(loop_block_signals(), 0);
    ck_assert_int_eq(loop_create(&l), 0);
    ck_assert_int_eq(loop_timer_create(l, too_late, NULL, &deadline), 0);
    ck_assert_int_eq(loop_timer_start(deadline, DEADLINE_MS, 0), 0);
}

static void teardown_loop(void)
{
    loop_timer_free(deadline);
    loop_destroy(l);
}

static rlim_t soft_open_files; /* before the table raised it */

static void setup(void)
{
    struct rlimit files;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    soft_open_files = files.rlim_cur;
    setup_loop();
    ck_assert_int_eq(process_table_create(l, &table), 0);
}

static void teardown(void)
{
    process_table_destroy(table);
    teardown_loop();
}

/* ---- beginning and end ---- */

START_TEST(child_echoes_its_input)
{
    child c;
    size_t put;
    const char *argv[] = {"cat", NULL};
    start(&c, &(process_spec){.argv = argv});
    WAIT_UNTIL(c.started || c.failed);
    ck_assert_int_eq(process_pid(c.p), c.pid);
    ck_assert_int_eq(process_write(c.p, "hello", 5, &put), 0);
    ck_assert_uint_eq(put, 5);
    process_close_stdin(c.p);
    process_close_stdin(c.p);
    ck_assert_int_eq(process_write(c.p, "more", 4, &put), EPIPE);
    await_exit(&c);
    ck_assert_str_eq(c.output[PROCESS_STDOUT], "hello");
    ck_assert(c.end[PROCESS_STDOUT]);
    ck_assert_int_eq(c.how.status, 0);
    process_release(c.p);
}
END_TEST

static const struct {
    const char *script;
    process_exit how;
    const char *text;
} ends[] = {
    {"exit 0", {.status = 0}, "exit status 0"},
    {"exit 75", {.status = 75}, "exit status 75"},
    {"kill -TERM $$", {.status = -1, .signal = SIGTERM}, "killed by SIGTERM"},
    {"kill -KILL $$", {.status = -1, .signal = SIGKILL}, "killed by SIGKILL"},
};

START_TEST(exit_says_status_or_signal)
{
    child c;
    char text[64];
    run_shell(&c, ends[_i].script);
    ck_assert_int_eq(c.how.status, ends[_i].how.status);
    ck_assert_int_eq(c.how.signal, ends[_i].how.signal);
    ck_assert_str_eq(process_exit_text(&c.how, text, sizeof(text)), ends[_i].text);
}
END_TEST

START_TEST(exit_is_told_once_and_output_remains_readable)
{
    child c;
    start_shell(&c, "echo out; echo err >&2; exit 3");
    c.drain = false;
    WAIT_UNTIL(c.exited);
    turn_loop(20);
    ck_assert_int_eq(c.exited, 1);
    ck_assert_int_eq(c.started, 1);
    drain(&c, PROCESS_STDOUT);
    drain(&c, PROCESS_STDERR);
    ck_assert_str_eq(c.output[PROCESS_STDOUT], "out\n");
    ck_assert_str_eq(c.output[PROCESS_STDERR], "err\n");
    ck_assert(c.end[PROCESS_STDOUT] && c.end[PROCESS_STDERR]);
    process_release(c.p);
}
END_TEST

START_TEST(specification_without_sense_is_refused)
{
    process *p = NULL;
    const char *none[] = {NULL}, *empty[] = {"", NULL}, *good[] = {"true", NULL};
    const char *env[] = {"NOVALUE", NULL};
    ck_assert_int_eq(process_start(table, &(process_spec){.argv = none}, &events, NULL, &p),
                     EINVAL);
    ck_assert_int_eq(process_start(table, &(process_spec){.argv = empty}, &events, NULL, &p),
                     EINVAL);
    ck_assert_int_eq(
        process_start(table, &(process_spec){.argv = good, .env = env}, &events, NULL, &p), EINVAL);
    ck_assert_ptr_null(p);
    ck_assert_uint_eq(process_table_live(table), 0);
}
END_TEST

/* ---- why a start fails ---- */

static const struct {
    const char *program, *directory, *user;
    int error;
    const char *text;
} failures[] = {
    {"no-such-program", NULL, NULL, ENOENT,
     "cannot run 'no-such-program': No such file or directory"},
    {"/etc/passwd", NULL, NULL, EACCES, "cannot run '/etc/passwd': Permission denied"},
    {"true", "/no/such/place", NULL, ENOENT,
     "cannot enter directory '/no/such/place': No such file or directory"},
    {"true", "/etc/passwd", NULL, ENOTDIR, "cannot enter directory '/etc/passwd': Not a directory"},
    {"true", NULL, "no-such-user", ESRCH, "no such user 'no-such-user'"},
    {"true", NULL, "4000000001", ESRCH, "no such user '4000000001'"},
};

START_TEST(failed_start_names_what_is_wrong)
{
    child c;
    const char *argv[] = {failures[_i].program, NULL};
    start(&c, &(process_spec){
                  .argv = argv, .directory = failures[_i].directory, .user = failures[_i].user});
    WAIT_UNTIL(c.failed || c.started);
    ck_assert_str_eq(c.text, failures[_i].text);
    ck_assert_int_eq(c.error, failures[_i].error);
    ck_assert_int_eq(process_signal_group(c.p, SIGKILL), ESRCH);
    turn_loop(20);
    ck_assert_int_eq(c.started + c.exited, 0);
    ck_assert_int_eq(c.failed, 1);
    process_release(c.p);
    await_none();
}
END_TEST

START_TEST(script_without_its_interpreter_is_told_from_no_script)
{
    child c;
    char path[] = "/tmp/actord-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "#!/no/such/interpreter\n"), 0);
    ck_assert_int_eq(fchmod(fd, 0700), 0);
    close(fd);
    const char *argv[] = {path, NULL};
    start(&c, &(process_spec){.argv = argv});
    WAIT_UNTIL(c.failed || c.started);
    unlink(path);
    ck_assert_int_eq(strncmp(c.text, "cannot find the interpreter of '/tmp/", 37), 0);
    ck_assert_int_eq(c.error, ENOENT);
    process_release(c.p);
}
END_TEST

START_TEST(want_of_descriptors_is_an_ordinary_failure)
{
    child c;
    struct rlimit files, few;
    const char *argv[] = {"true", NULL};
    int before = open_descriptors();
    int free_fd = dup(STDIN_FILENO);
    close(free_fd);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    few = files;
    int failed = 0;
    for (int more = 0; more < 12; more++) {
        few.rlim_cur = (rlim_t)free_fd + (rlim_t)more;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        start(&c, &(process_spec){.argv = argv});
        WAIT_UNTIL(c.failed || c.exited);
        failed += c.failed;
        if (c.failed)
            ck_assert_int_eq(c.error, EMFILE);
        process_release(c.p);
        await_none();
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
        ck_assert_int_eq(open_descriptors(), before);
    }
    ck_assert_int_gt(failed, 0);
    ck_assert_int_lt(failed, 12);
}
END_TEST

/* ---- what a child finds ---- */

START_TEST(environment_is_the_daemons_less_the_managers_plus_the_given)
{
    child c;
    setenv("NOTIFY_SOCKET", "/run/x", 1);
    setenv("WATCHDOG_USEC", "1", 1);
    setenv("LISTEN_FDS", "1", 1);
    setenv("KEPT", "kept", 1);
    setenv("CHANGED", "old", 1);
    const char *argv[] = {"env", NULL};
    const char *env[] = {"CHANGED=middle", "NEW=a=b", "CHANGED=new", NULL};
    run(&c, &(process_spec){.argv = argv, .env = env});
    const char *all = c.output[PROCESS_STDOUT];
    ck_assert_ptr_null(strstr(all, "NOTIFY_SOCKET"));
    ck_assert_ptr_null(strstr(all, "WATCHDOG_"));
    ck_assert_ptr_null(strstr(all, "LISTEN_"));
    ck_assert_ptr_nonnull(strstr(all, "KEPT=kept\n"));
    ck_assert_ptr_nonnull(strstr(all, "NEW=a=b\n"));
    ck_assert_ptr_nonnull(strstr(all, "CHANGED=new\n"));
    ck_assert_ptr_null(strstr(all, "CHANGED=old"));
    ck_assert_ptr_null(strstr(all, "CHANGED=middle"));
}
END_TEST

START_TEST(program_is_looked_for_in_the_childs_own_path)
{
    child c;
    const char *argv[] = {"sh", NULL};
    const char *env[] = {"PATH=/no/such/place", NULL};
    start(&c, &(process_spec){.argv = argv, .env = env});
    WAIT_UNTIL(c.failed || c.started);
    ck_assert_int_eq(c.error, ENOENT);
    process_release(c.p);
}
END_TEST

START_TEST(no_descriptor_but_the_standard_three_is_open)
{
    child c;
    ck_assert_int_eq(dup2(STDIN_FILENO, 50), 50); /* without O_CLOEXEC */
    run_shell(&c, "ls /proc/$$/fd; true");
    ck_assert_str_eq(c.output[PROCESS_STDOUT], "0\n1\n2\n");
    close(50);
}
END_TEST

/* The hexadecimal number after `key`. */
static unsigned long long status_mask(const child *c, const char *key)
{
    const char *at = strstr(c->output[PROCESS_STDOUT], key);
    ck_assert_ptr_nonnull(at);
    return strtoull(at + strlen(key), NULL, 16);
}

START_TEST(signals_are_neither_blocked_nor_ignored)
{
    child c;
    const char *argv[] = {"cat", "/proc/self/status", NULL};
    run(&c, &(process_spec){.argv = argv});
    ck_assert_uint_eq(status_mask(&c, "\nSigBlk:"), 0);
    /* glibc's posix_spawn leaves its own two, 32 and 33, ignored. */
    ck_assert_uint_eq(status_mask(&c, "\nSigIgn:") & ~0x180000000ull, 0);
}
END_TEST

START_TEST(child_leads_its_own_group_and_session)
{
    child c;
    char expected[64];
    run_shell(&c, "cut -d' ' -f5,6 /proc/$$/stat; true");
    snprintf(expected, sizeof(expected), "%d %d\n", (int)c.pid, (int)c.pid);
    ck_assert_str_eq(c.output[PROCESS_STDOUT], expected);
}
END_TEST

START_TEST(child_runs_in_its_directory)
{
    child c;
    const char *argv[] = {"pwd", "-P", NULL};
    run(&c, &(process_spec){.argv = argv, .directory = "/usr"});
    ck_assert_str_eq(c.output[PROCESS_STDOUT], "/usr\n");
}
END_TEST

START_TEST(limits_are_set)
{
    child c;
    const char *argv[] = {"sh", "-c", "ulimit -v; ulimit -n; ulimit -St; ulimit -Ht", NULL};
    run(&c,
        &(process_spec){.argv = argv,
                        .limits = {.memory_bytes = 1u << 30, .open_files = 99, .cpu_seconds = 7}});
    ck_assert_str_eq(c.output[PROCESS_STDOUT], "1048576\n99\n7\n8\n");
}
END_TEST

START_TEST(soft_limit_of_open_files_is_the_one_the_daemon_began_with)
{
    child c;
    run_shell(&c, "ulimit -Sn");
    ck_assert_uint_eq(strtoul(c.output[PROCESS_STDOUT], NULL, 10), soft_open_files);
}
END_TEST

START_TEST(child_becomes_another_user)
{
    if (geteuid() != 0)
        return;
    child c;
    const char *argv[] = {"sh", "-c", "id -un; id -Gn; echo $USER $LOGNAME $HOME", NULL};
    const char *env[] = {"HOME=/given", NULL};
    run(&c, &(process_spec){.argv = argv, .user = "nobody", .env = env});
    ck_assert_str_eq(c.output[PROCESS_STDOUT], "nobody\nnogroup\nnobody nobody /given\n");
}
END_TEST

/* ---- streams ---- */

START_TEST(much_input_goes_through_in_parts)
{
    enum { TOTAL = 3 << 20 };
    child c;
    static char payload[65536];
    size_t sent = 0, put;
    const char *argv[] = {"cat", NULL};
    start(&c, &(process_spec){.argv = argv});
    c.drain = false;
    WAIT_UNTIL(c.started || c.failed);
    while (process_write(c.p, payload, sizeof(payload), &put) == 0)
        sent += put;
    WAIT_UNTIL(c.readable[PROCESS_STDOUT] > 0);
    c.drain = true;
    drain(&c, PROCESS_STDOUT);
    while (sent < TOTAL) {
        size_t n = TOTAL - sent < sizeof(payload) ? TOTAL - sent : sizeof(payload);
        int err = process_write(c.p, payload, n, &put);
        ck_assert(err == 0 || err == EAGAIN);
        if (err == 0) {
            sent += put;
        } else {
            int before = c.writable;
            WAIT_UNTIL(c.writable > before);
        }
    }
    ck_assert_int_gt(c.writable, 0);
    process_close_stdin(c.p); /* by way of the control thread: it was watched */
    await_exit(&c);
    ck_assert_uint_eq(c.bytes[PROCESS_STDOUT], TOTAL);
    ck_assert_int_eq(c.how.status, 0);
    process_release(c.p);
}
END_TEST

START_TEST(child_that_never_reads_fills_up_and_then_breaks)
{
    child c;
    static char payload[65536];
    size_t put;
    const char *argv[] = {"sleep", "1000", NULL};
    start(&c, &(process_spec){.argv = argv});
    WAIT_UNTIL(c.started || c.failed);
    int err;
    while ((err = process_write(c.p, payload, sizeof(payload), &put)) == 0)
        ;
    ck_assert_int_eq(err, EAGAIN);
    turn_loop(20);
    ck_assert_int_eq(c.writable, 0);
    ck_assert_int_eq(process_signal_group(c.p, SIGKILL), 0);
    WAIT_UNTIL(c.writable == 1);
    ck_assert_int_eq(process_write(c.p, payload, sizeof(payload), &put), EPIPE);
    await_exit(&c);
    process_release(c.p);
}
END_TEST

START_TEST(flood_is_told_once_until_it_was_read_empty)
{
    child c;
    char buf[1000];
    size_t got;
    start_shell(&c, "yes & wait");
    c.drain = false;
    WAIT_UNTIL(c.readable[PROCESS_STDOUT] > 0);
    turn_loop(200);
    ck_assert_int_eq(process_read(c.p, PROCESS_STDOUT, buf, sizeof(buf), &got), 0);
    turn_loop(200);
    ck_assert_int_eq(c.readable[PROCESS_STDOUT], 1);
    ck_assert_int_eq(process_signal_group(c.p, SIGSTOP), 0);
    drain(&c, PROCESS_STDOUT);
    ck_assert_int_eq(process_signal_group(c.p, SIGCONT), 0);
    WAIT_UNTIL(c.readable[PROCESS_STDOUT] > 1);
    process_release(c.p);
    await_none();
}
END_TEST

START_TEST(grandchild_may_hold_the_output_open_after_the_exit)
{
    child c;
    start_shell(&c, "sleep 1000 & echo done");
    await_exit(&c);
    ck_assert_str_eq(c.output[PROCESS_STDOUT], "done\n");
    ck_assert(!c.end[PROCESS_STDOUT]);
    process_release(c.p);
    await_none();
}
END_TEST

/* ---- killing ---- */

START_TEST(signal_reaches_the_whole_group)
{
    child c;
    start_shell(&c, "sleep 1000 & echo $!; wait");
    int grandchild = printed_process(&c);
    ck_assert(!has_ended(grandchild, 0));
    ck_assert_int_eq(process_signal_group(c.p, 1000), EINVAL);
    ck_assert_int_eq(process_signal_group(c.p, SIGKILL), 0);
    await_exit(&c);
    ck_assert_int_eq(c.how.signal, SIGKILL);
    ck_assert(has_ended(grandchild, DEADLINE_MS));
    close(grandchild);
    process_release(c.p);
}
END_TEST

START_TEST(group_can_be_signalled_after_its_leader_has_ended)
{
    child c;
    start_shell(&c, "sleep 1000 & echo $!");
    int grandchild = printed_process(&c);
    await_exit(&c);
    ck_assert(!has_ended(grandchild, 0));
    ck_assert_int_eq(process_signal_group(c.p, SIGTERM), 0);
    ck_assert(has_ended(grandchild, DEADLINE_MS));
    close(grandchild);
    process_release(c.p);
}
END_TEST

START_TEST(release_leaves_nothing_of_the_group)
{
    static const char *const scripts[] = {"sleep 1000 & echo $!", "sleep 1000 & echo $!; wait"};
    child c;
    start_shell(&c, scripts[_i]);
    int grandchild = printed_process(&c);
    if (_i == 0)
        await_exit(&c);
    process_release(c.p);
    await_none();
    ck_assert(has_ended(grandchild, DEADLINE_MS));
    ck_assert_int_eq(kill(c.pid, 0), -1); /* reaped: not even a zombie */
    ck_assert_int_eq(errno, ESRCH);
    close(grandchild);
}
END_TEST

static const char *const pdeath_users[] = {NULL, "nobody"};

/* A process of its own that starts a child, says its pid and waits to be killed. */
static void be_a_daemon(int out, const char *user)
{
    child c;
    loop_timer_free(deadline);
    loop_destroy(l);
    setup();
    const char *argv[] = {"sleep", "1000", NULL};
    start(&c, &(process_spec){.argv = argv, .user = user});
    WAIT_UNTIL(c.started);
    if (write(out, &c.pid, sizeof(c.pid)) != (ssize_t)sizeof(c.pid))
        _exit(1);
    loop_run(l);
    _exit(1);
}

START_TEST(child_dies_with_the_daemon)
{
    if (pdeath_users[_i] != NULL && geteuid() != 0)
        return;
    int out[2];
    pid_t orphan;
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t parent = fork();
    ck_assert_int_ge(parent, 0);
    if (parent == 0)
        be_a_daemon(out[1], pdeath_users[_i]);
    close(out[1]);
    ck_assert_int_eq(read(out[0], &orphan, sizeof(orphan)), (int)sizeof(orphan));
    int pid_fd = pidfd_open(orphan, 0);
    ck_assert_int_ge(pid_fd, 0);
    ck_assert(!has_ended(pid_fd, 0));
    ck_assert_int_eq(kill(parent, SIGKILL), 0);
    ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
    ck_assert(has_ended(pid_fd, DEADLINE_MS));
    close(pid_fd);
    close(out[0]);
}
END_TEST

START_TEST(table_takes_its_children_with_it)
{
    child c;
    process_table *second;
    ck_assert_int_eq(process_table_create(l, &second), 0);
    memset(&c, 0, sizeof(c));
    const char *argv[] = {"sleep", "1000", NULL};
    ck_assert_int_eq(process_start(second, &(process_spec){.argv = argv}, &events, &c, &c.p), 0);
    WAIT_UNTIL(c.started);
    process_table_destroy(second);
    ck_assert_int_eq(kill(c.pid, 0), -1);
    ck_assert_int_eq(c.exited, 0);
}
END_TEST

START_TEST(table_can_go_while_starts_are_under_way)
{
    child c[5];
    process_table *second;
    ck_assert_int_eq(process_table_create(l, &second), 0);
    const char *argv[] = {"sleep", "1000", NULL};
    for (int i = 0; i < 5; i++) {
        memset(&c[i], 0, sizeof(c[i]));
        ck_assert_int_eq(
            process_start(second, &(process_spec){.argv = argv}, &events, &c[i], &c[i].p), 0);
    }
    process_release(c[1].p);
    process_table_destroy(second);
    turn_loop(5);
}
END_TEST

/* ---- release ---- */

static void release_on_start(process *p, pid_t pid, void *user)
{
    child *c = user;
    (void)pid;
    c->started++;
    process_release(p);
    loop_break(l);
}

START_TEST(process_may_be_released_in_its_own_event)
{
    child c;
    process_events releasing = events;
    releasing.started = release_on_start;
    memset(&c, 0, sizeof(c));
    const char *argv[] = {"sleep", "1000", NULL};
    ck_assert_int_eq(process_start(table, &(process_spec){.argv = argv}, &releasing, &c, &c.p), 0);
    await_none();
    ck_assert_int_eq(c.started, 1);
    ck_assert_int_eq(c.exited, 0);
}
END_TEST

START_TEST(process_released_at_once_says_nothing)
{
    child c;
    for (int i = 0; i < 20; i++) {
        start_shell(&c, "echo hello");
        if (i % 2 == 0)
            turn_loop(i);
        child seen = c;
        process_release(c.p);
        await_none();
        ck_assert_int_eq(c.exited, seen.exited);
        ck_assert_int_eq(c.started, seen.started);
    }
}
END_TEST

/* An owner on a thread of its own, as actors are. */
typedef struct owner {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, readable, exited, released;
    process *p;
} owner;

static void owner_told(owner *o, bool *what)
{
    pthread_mutex_lock(&o->lock);
    if (o->released)
        abort(); /* an event after the release */
    *what = true;
    pthread_cond_signal(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

static void owner_started(process *p, pid_t pid, void *user)
{
    (void)p;
    (void)pid;
    owner_told(user, &((owner *)user)->started);
}

static void owner_readable(process *p, process_stream which, void *user)
{
    (void)p;
    (void)which;
    owner_told(user, &((owner *)user)->readable);
}

static void owner_exited(process *p, const process_exit *how, void *user)
{
    (void)p;
    (void)how;
    owner_told(user, &((owner *)user)->exited);
}

static const process_events owner_events = {
    .started = owner_started, .readable = owner_readable, .exited = owner_exited};

static void owner_await(owner *o, const bool *what)
{
    pthread_mutex_lock(&o->lock);
    while (!*what)
        pthread_cond_wait(&o->changed, &o->lock);
    pthread_mutex_unlock(&o->lock);
}

static void owner_round(owner *o, int how_far)
{
    static const char *const argv[] = {"cat", NULL};
    char buf[16];
    size_t n;
    o->started = o->readable = o->exited = o->released = false;
    if (process_start(table, &(process_spec){.argv = argv}, &owner_events, o, &o->p) != 0)
        abort();
    if (how_far > 0) {
        owner_await(o, &o->started);
        if (process_write(o->p, "x", 1, &n) != 0)
            abort();
    }
    if (how_far > 1) {
        owner_await(o, &o->readable);
        if (process_read(o->p, PROCESS_STDOUT, buf, sizeof(buf), &n) != 0 || n != 1)
            abort();
    }
    if (how_far > 2) {
        process_close_stdin(o->p);
        owner_await(o, &o->exited);
    }
    process_release(o->p);
    pthread_mutex_lock(&o->lock);
    o->released = true;
    pthread_mutex_unlock(&o->lock);
}

static void *owner_main(void *arg)
{
    (void)arg;
    owner o = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    /* The objects of all rounds share one owner, so a late event of an earlier
     * round must not look like one of the next: wait for the table. */
    for (int i = 0; i < 32; i++)
        owner_round(&o, i % 4);
    pthread_mutex_destroy(&o.lock);
    pthread_cond_destroy(&o.changed);
    loop_break(l);
    return NULL;
}

START_TEST(owner_on_another_thread_hears_nothing_after_release)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, owner_main, NULL), 0);
    ck_assert_int_eq(loop_run(l), 0);
    pthread_join(thread, NULL);
    await_none();
}
END_TEST

/* ---- many ---- */

START_TEST(two_hundred_at_once)
{
    enum { MANY = 200 };
    static child c[MANY];
    int before = open_descriptors();
    const char *argv[] = {"true", NULL};
    for (int i = 0; i < MANY; i++)
        start(&c[i], &(process_spec){.argv = argv});
    for (int i = 0; i < MANY; i++) {
        await_exit(&c[i]);
        ck_assert_int_eq(c[i].how.status, 0);
    }
    ck_assert_uint_eq(process_table_live(table), MANY);
    for (int i = 0; i < MANY; i++)
        process_release(c[i].p);
    await_none();
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(table_needs_the_helper)
{
    process_table *t = NULL;
    setenv("ACTORD_CHILD", "/no/such/actord-child", 1);
    ck_assert_int_eq(process_table_create(l, &t), ENOENT);
    ck_assert_ptr_null(t);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static TCase *new_case(Suite *s, const char *name)
{
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    return c;
}

static Suite *process_suite(void)
{
    Suite *s = suite_create("process");
    TCase *life = new_case(s, "life");
    tcase_add_test(life, child_echoes_its_input);
    tcase_add_loop_test(life, exit_says_status_or_signal, 0, ROWS(ends));
    tcase_add_test(life, exit_is_told_once_and_output_remains_readable);
    tcase_add_test(life, specification_without_sense_is_refused);
    tcase_add_loop_test(life, failed_start_names_what_is_wrong, 0, ROWS(failures));
    tcase_add_test(life, script_without_its_interpreter_is_told_from_no_script);
    tcase_add_test(life, want_of_descriptors_is_an_ordinary_failure);
    tcase_add_test(life, two_hundred_at_once);

    TCase *world = new_case(s, "world");
    tcase_add_test(world, environment_is_the_daemons_less_the_managers_plus_the_given);
    tcase_add_test(world, program_is_looked_for_in_the_childs_own_path);
    tcase_add_test(world, no_descriptor_but_the_standard_three_is_open);
    tcase_add_test(world, signals_are_neither_blocked_nor_ignored);
    tcase_add_test(world, child_leads_its_own_group_and_session);
    tcase_add_test(world, child_runs_in_its_directory);
    tcase_add_test(world, limits_are_set);
    tcase_add_test(world, soft_limit_of_open_files_is_the_one_the_daemon_began_with);
    tcase_add_test(world, child_becomes_another_user);

    TCase *streams = new_case(s, "streams");
    tcase_add_test(streams, much_input_goes_through_in_parts);
    tcase_add_test(streams, child_that_never_reads_fills_up_and_then_breaks);
    tcase_add_test(streams, flood_is_told_once_until_it_was_read_empty);
    tcase_add_test(streams, grandchild_may_hold_the_output_open_after_the_exit);

    TCase *end = new_case(s, "end");
    tcase_add_test(end, signal_reaches_the_whole_group);
    tcase_add_test(end, group_can_be_signalled_after_its_leader_has_ended);
    tcase_add_loop_test(end, release_leaves_nothing_of_the_group, 0, 2);
    tcase_add_test(end, table_takes_its_children_with_it);
    tcase_add_test(end, table_can_go_while_starts_are_under_way);
    tcase_add_test(end, process_may_be_released_in_its_own_event);
    tcase_add_test(end, process_released_at_once_says_nothing);
    tcase_add_test(end, owner_on_another_thread_hears_nothing_after_release);

    TCase *bare = tcase_create("without a table");
    tcase_add_checked_fixture(bare, setup_loop, teardown_loop);
    tcase_set_timeout(bare, 60);
    tcase_add_loop_test(bare, child_dies_with_the_daemon, 0, ROWS(pdeath_users));
    tcase_add_test(bare, table_needs_the_helper);
    suite_add_tcase(s, bare);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(process_suite());
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0 ? 1 : 0;
}
