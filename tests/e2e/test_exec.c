/* exec actors, as docs/worker.md has them: one process per message. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* An actor whose program is this shell script; no ' in it, and $$ for $. */
#define SH(name, script)            SH_WITH(name, script, "")
#define SH_WITH(name, script, more) "    - {name: " name ", exec: [sh, -c, '" script "']" more "}\n"
/* The same for any program. */
#define EXEC(name, argv, more) "    - {name: " name ", exec: " argv more "}\n"

static server *start(const char *children)
{
    char *yaml;
    ck_assert_int_gt(asprintf(&yaml, CHILDREN "%s", children), 0);
    server *s = server_start(yaml);
    free(yaml);
    return s;
}

static answer ask(server *s, const char *to, const char *msg)
{
    return rpcf(s, "ask", "{\"to\":\"%s\",\"msg\":%s,\"timeout\":\"15s\"}", to, msg);
}

static void expect_failed(answer a, const char *text)
{
    expect_error(a, -32006, "failed");
    expect_in(text_at(a.error, "data.last_error"), text);
}

static const char *text_of(answer a)
{
    expect_ok(a);
    ck_assert_msg(cJSON_IsString(a.result), "no string: %s", a.bytes);
    return a.result->valuestring;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A file of process ids, a line each: none of them lives (a zombie doesn't). */
static bool all_gone(server *s, const char *file)
{
    char *list = server_read(s, file);
    if (!list)
        return false;
    bool gone = true;
    for (char *save, *word = strtok_r(list, "\n", &save); word;
         word = strtok_r(NULL, "\n", &save)) {
        char path[64], stat[256] = "";
        snprintf(path, sizeof path, "/proc/%s/stat", word);
        int fd = open(path, O_RDONLY);
        if (fd >= 0 && read(fd, stat, sizeof stat - 1) > 0)
            gone &= strstr(stat, ") Z ") != NULL;
        if (fd >= 0)
            close(fd);
    }
    return gone;
}

static int lines_in(server *s, const char *file)
{
    int n = 0;
    for (const char *c = server_read(s, file); c && (c = strchr(c, '\n')); c++)
        n++;
    return n;
}

/* A JSON string of n letters. */
static char *long_string(size_t n)
{
    char *text = malloc(n + 3);
    memset(text, 'a', n + 2);
    text[0] = text[n + 1] = '"';
    text[n + 2] = '\0';
    return text;
}

/* ---- input and output ---- */

START_TEST(payload_and_reply_pass_byte_for_byte)
{
    const char *msg = "{ \"n\" :123456789012345678901234567890,\n\"a\":1.50,\"a\":\"\\u00e9\\/\" }";
    server *s = start(EXEC("cat", "[cat]", ""));
    expect_result(ask(s, "cat", msg), msg);
    server_stop(s);
}
END_TEST

START_TEST(payload_is_followed_by_the_end_of_input)
{
    server *s = start(EXEC("count", "[wc, -c]", ""));
    expect_result(ask(s, "count", "{\"a\": 1}"), "8");
    server_stop(s);
}
END_TEST

START_TEST(output_that_is_no_json_is_a_string)
{
    server *s = start(SH("text", "printf \"a\\\"b\\nc\\n\"") SH("nothing", ":")
                          SH("two", "echo 1; echo 2"));
    expect_result(ask(s, "text", "1"), "\"a\\\"b\\nc\\n\"");
    expect_result(ask(s, "nothing", "1"), "\"\"");
    expect_result(ask(s, "two", "1"), "\"1\\n2\\n\"");
    server_stop(s);
}
END_TEST

START_TEST(output_that_is_not_utf8_fails_the_attempt)
{
    server *s = start(SH("bytes", "printf \"ab\\377\"") SH("one", "printf \"\\377\""));
    expect_failed(ask(s, "bytes", "1"), "UTF-8");
    expect_failed(ask(s, "one", "1"), "UTF-8");
    server_stop(s);
}
END_TEST

START_TEST(output_over_the_limit_fails_the_attempt_and_ends_the_program)
{
    server *s = server_start("limits: {message: 10KiB}\n" CHILDREN EXEC("yes", "[yes]", "")
                                 SH("fits", "head -c 10238 /dev/zero | tr \"\\0\" x")
                                     SH("over", "head -c 10241 /dev/zero | tr \"\\0\" x"));
    expect_failed(ask(s, "yes", "1"), "limits.message");
    ck_assert_uint_eq(strlen(text_of(ask(s, "fits", "1"))), 10238);
    expect_failed(ask(s, "over", "1"), "limits.message");
    server_stop(s);
}
END_TEST

START_TEST(large_payload_comes_back_whole)
{
    char *msg = long_string(900000);
    server *s = start(EXEC("cat", "[cat]", ""));
    expect_result(ask(s, "cat", msg), msg);
    server_stop(s);
    free(msg);
}
END_TEST

START_TEST(program_may_ignore_input_larger_than_a_pipe)
{
    char *msg = long_string(900000);
    server *s = start(SH("closes", "exec <&-; echo 7") SH("ends", "echo 8"));
    expect_result(ask(s, "closes", msg), "7");
    expect_result(ask(s, "ends", msg), "8");
    server_stop(s);
    free(msg);
}
END_TEST

START_TEST(program_that_never_reads_times_out)
{
    char *msg = long_string(900000);
    server *s = start(EXEC("sleeps", "[sleep, 1000]", ", timeout: 100ms") EXEC("cat", "[cat]", ""));
    expect_failed(ask(s, "sleeps", msg), "timed out after 100ms");
    expect_result(ask(s, "cat", "1"), "1");
    server_stop(s);
    free(msg);
}
END_TEST

START_TEST(program_that_closes_its_output_is_waited_for)
{
    server *s = start(SH("quiet", "exec >&- 2>&-; cat; exit 3"));
    expect_failed(ask(s, "quiet", "1"), "exit status 3");
    server_stop(s);
}
END_TEST

START_TEST(grandchild_that_keeps_the_pipes_delays_no_reply_and_is_ended)
{
    server *s = start(
        SH_WITH("forks", "sleep 1000 & echo $$! >>$$DIR/pids; echo 5", ", env: {DIR: \"${DIR}\"}"));
    double begin = now_ms();
    expect_result(ask(s, "forks", "1"), "5");
    ck_assert(now_ms() - begin < 5000);
    wait_until(all_gone(s, "pids"));
    server_stop(s);
}
END_TEST

/* ---- exit statuses ---- */

START_TEST(exit_status_tells_done_failed_or_rejected)
{
    server *s = start(SH("temp", "exit 75") SH("data", "exit 65") SH("other", "exit 7")
                          SH("signal", "kill -USR1 $$$$"));
    expect_failed(ask(s, "temp", "1"), "exit status 75");
    answer a = ask(s, "data", "1");
    expect_error(a, -32007, "rejected");
    expect_in(text_at(a.error, "message"), "exit status 65");
    expect_failed(ask(s, "other", "1"), "exit status 7");
    expect_failed(ask(s, "signal", "1"), "killed by SIGUSR1");
    ck_assert(stat_of(s, "restarts") == 0);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

#define RETRY ", retry: {max_retries: 2, backoff: fixed, initial: 1ms, jitter: none}"

START_TEST(rejected_is_never_retried_all_else_is)
{
    server *s = start(SH_WITH("temp", "exit 75", RETRY) SH_WITH("data", "exit 65", RETRY) SH_WITH(
        "other", "exit 1", RETRY) SH_WITH("signal", "kill -9 $$$$", RETRY));
    ck_assert(number_at(ask(s, "temp", "1").error, "data.attempts") == 3);
    ck_assert(number_at(ask(s, "data", "1").error, "data.attempts") == 1);
    ck_assert(number_at(ask(s, "other", "1").error, "data.attempts") == 3);
    ck_assert(number_at(ask(s, "signal", "1").error, "data.attempts") == 3);
    server_stop(s);
}
END_TEST

START_TEST(exits_table_changes_what_a_status_means)
{
    server *s = start(SH_WITH("three", "exit 3", RETRY ", exits: {reject: [3]}")
                          SH_WITH("data", "exit 65", RETRY ", exits: {retry: [65], reject: [3]}"));
    expect_error(ask(s, "three", "1"), -32007, "rejected");
    expect_failed(ask(s, "data", "1"), "exit status 65");
    server_stop(s);
}
END_TEST

START_TEST(program_that_fails_first_and_works_later_is_done)
{
    server *s = start(SH_WITH("second", "[ $$ACTORD_ATTEMPT = 2 ] && cat || exit 75", RETRY));
    expect_result(ask(s, "second", "{\"x\": 1}"), "{\"x\": 1}");
    ck_assert(number_at(rpc(s, "message.get", "{\"message\":\"m-1\"}").result, "attempts") == 2);
    server_stop(s);
}
END_TEST

START_TEST(failed_message_takes_the_actor_down_where_it_is_told_to)
{
    server *s = start(SH_WITH("crash", "exit 1", ", on_failure: crash")
                          SH_WITH("drop", "exit 1", ", on_failure: drop"));
    expect_failed(ask(s, "crash", "1"), "exit status 1");
    wait_until(number_at(rpc(s, "actor.info", "{\"name\":\"crash\"}").result, "restarts") == 1);
    expect_error(ask(s, "drop", "1"), -32006, "failed");
    ck_assert(stat_of(s, "dropped") == 1);
    ck_assert(stat_of(s, "dead") == 1);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

/* ---- stderr ---- */

START_TEST(stderr_is_logged_and_its_end_stays_with_the_dead_letter)
{
    server *s = start(
        SH("loud",
           "echo first >&2; head -c 5000 /dev/zero | tr \"\\0\" y >&2; printf last >&2; exit 1"));
    expect_failed(ask(s, "loud", "1"), "exit status 1");
    answer a = rpc(s, "deadletter.show", "{\"id\":\"d-1\"}");
    expect_ok(a);
    const char *tail = text_at(a.result, "stderr");
    ck_assert_uint_eq(strlen(tail), 4096);
    ck_assert_str_eq(tail + 4092, "last");
    wait_until(strstr(server_stderr(s), "first") &&
               strstr(server_stderr(s), "actor=loud message=m-1"));
    server_stop(s);
}
END_TEST

START_TEST(flood_of_stderr_hurts_nobody)
{
    server *s = start(SH("loud", "head -c 20000000 /dev/zero | tr \"\\0\" y >&2; echo 1")
                          EXEC("cat", "[cat]", ""));
    uint32_t loud = rpc_send(s, "ask", "{\"to\":\"loud\",\"msg\":1,\"timeout\":\"30s\"}");
    expect_result(ask(s, "cat", "2"), "2");
    expect_result(rpc_receive(s, loud), "1");
    server_stop(s);
}
END_TEST

/* ---- what the program is given ---- */

START_TEST(environment_tells_the_actor_the_message_and_the_attempt)
{
    server *s =
        start(SH_WITH("env", "[ $$ACTORD_ATTEMPT = 2 ] && env || exit 75",
                      RETRY ", timeout: 20s, env: {EXTRA: \"a b\"}") EXEC("bare", "[env]", ""));
    const char *env = text_of(ask(s, "env", "1"));
    expect_in(env, "ACTORD_ACTOR=env\n");
    expect_in(env, "ACTORD_MESSAGE_ID=m-1\n");
    expect_in(env, "ACTORD_ATTEMPT=2\n");
    expect_in(env, "EXTRA=a b\n");
    long deadline = strtol(strstr(env, "ACTORD_DEADLINE_MS=") + 19, NULL, 10);
    ck_assert(deadline > 10000 && deadline <= 20000);
    env = text_of(ask(s, "bare", "1"));
    expect_in(env, "ACTORD_ATTEMPT=1\n");
    expect_not_in(env, "ACTORD_DEADLINE_MS");
    env = text_of(rpc(s, "ask", "{\"to\":\"bare\",\"msg\":1,\"ttl\":\"30s\"}"));
    expect_in(env, "ACTORD_DEADLINE_MS=");
    server_stop(s);
}
END_TEST

START_TEST(environment_is_the_daemons_without_what_is_the_service_managers)
{
    const char *const env[] = {"WATCHDOG_USEC=60000000", "LISTEN_FDS=1", "LISTEN_PID=1",
                               "LISTEN_FDNAMES=x",       "INHERITED=1",  NULL};
    server *s =
        server_start_with(&(server_options){.yaml = CHILDREN EXEC("env", "[env]", ""), .env = env});
    const char *seen = text_of(ask(s, "env", "1"));
    expect_in(seen, "INHERITED=1\n");
    expect_not_in(seen, "NOTIFY_SOCKET");
    expect_not_in(seen, "WATCHDOG_");
    expect_not_in(seen, "LISTEN_");
    server_stop(s);
}
END_TEST

START_TEST(only_the_three_standard_descriptors_are_open)
{
    /* The shell's own glob needs a fourth while it reads the directory. */
    server *s = start(SH("fds", "cd /proc/self/fd; echo *"));
    const char *fds = text_of(ask(s, "fds", "1"));
    ck_assert_msg(strcmp(fds, "0 1 2\n") == 0 || strcmp(fds, "0 1 2 3\n") == 0, "%s", fds);
    server_stop(s);
}
END_TEST

START_TEST(program_starts_with_default_signals_in_a_group_of_its_own)
{
    server *s = start(SH("status", "grep -E \"^Sig(Blk|Ign)\" /proc/self/status")
                          SH("group", "ps -o pid=,pgid= -p $$$$"));
    const char *status = text_of(ask(s, "status", "1"));
    expect_in(status, "SigBlk:\t0000000000000000");
    /* 32 and 33 are the C library's own; its posix_spawn() leaves them ignored. */
    unsigned long long ignored = strtoull(strstr(status, "SigIgn:\t") + 8, NULL, 16);
    ck_assert_uint_eq(ignored & ~0x180000000ULL, 0);
    char *end;
    long pid = strtol(text_of(ask(s, "group", "1")), &end, 10);
    ck_assert_int_eq(strtol(end, NULL, 10), pid);
    server_stop(s);
}
END_TEST

START_TEST(directory_user_and_limits_are_set)
{
    if (geteuid() != 0)
        return; /* only root may become somebody else */
    server *s = start(
        EXEC("pwd", "[pwd]", ", directory: /usr") EXEC("id", "[id, -u]", ", user: nobody")
            SH_WITH("files", "ulimit -n", ", limits: {open_files: 77, cpu: 60s, memory: 256MiB}"));
    ck_assert_str_eq(text_of(ask(s, "pwd", "1")), "/usr\n");
    expect_result(ask(s, "id", "1"), "65534");
    expect_result(ask(s, "files", "1"), "77");
    server_stop(s);
}
END_TEST

START_TEST(what_cannot_start_is_a_failed_attempt_that_says_why)
{
    server *s =
        start(EXEC("command", "[/no/such/program]", RETRY) EXEC("name", "[no-such-program]", "")
                  EXEC("directory", "[\"true\"]", ", directory: /no/such/place")
                      EXEC("user", "[\"true\"]", ", user: nobody-of-that-name")
                          EXEC("folder", "[/usr]", ""));
    answer a = ask(s, "command", "1");
    expect_failed(a, "'/no/such/program'");
    ck_assert(number_at(a.error, "data.attempts") == 3);
    expect_failed(ask(s, "name", "1"), "'no-such-program'");
    expect_failed(ask(s, "directory", "1"), "'/no/such/place'");
    expect_failed(ask(s, "user", "1"), "'nobody-of-that-name'");
    expect_failed(ask(s, "folder", "1"), "'/usr': Permission denied");
    ck_assert_str_eq(actor_state(s, "command"), "running");
    server_stop(s);
}
END_TEST

/* ---- ends from outside ---- */

#define PIDS ", env: {DIR: \"${DIR}\"}"
/* Two processes that only a signal ends. */
#define LINGER "sleep 1000 & echo $$! >>$$DIR/pids; echo $$$$ >>$$DIR/pids; wait"
/* The same, and they ignore SIGTERM. */
#define STUBBORN "trap \"\" TERM; " LINGER "; wait"

START_TEST(timeout_ends_the_whole_group)
{
    server *s = start(SH_WITH("slow", LINGER, PIDS ", timeout: 300ms"));
    expect_failed(ask(s, "slow", "1"), "timed out after 300ms");
    wait_until(all_gone(s, "pids"));
    ck_assert_int_eq(lines_in(s, "pids"), 2);
    server_stop(s);
}
END_TEST

START_TEST(who_ignores_sigterm_is_killed_after_shutdown)
{
    server *s = start(SH_WITH("slow", STUBBORN, PIDS ", timeout: 300ms, shutdown: 300ms"));
    expect_failed(ask(s, "slow", "1"), "timed out after 300ms");
    double begin = now_ms();
    ck_assert(!all_gone(s, "pids"));
    wait_until(all_gone(s, "pids"));
    ck_assert(now_ms() - begin > 150);
    server_stop(s);
}
END_TEST

START_TEST(process_of_a_timed_out_attempt_holds_the_slot_until_it_is_gone)
{
    server *s = start(SH_WITH("slow", STUBBORN, PIDS ", timeout: 300ms, shutdown: 300ms"));
    const char *first = send_message(s, "slow", "1");
    wait_until(lines_in(s, "pids") == 2);
    uint32_t second = rpc_send(s, "ask", "{\"to\":\"slow\",\"msg\":2,\"timeout\":\"20s\"}");
    ck_assert_str_eq(text_at(wait_message(s, first).result, "state"), "dead");
    ck_assert_int_eq(lines_in(s, "pids"), 2);
    expect_failed(rpc_receive(s, second), "timed out");
    server_stop(s);
}
END_TEST

START_TEST(cancel_ends_the_process_of_a_running_message)
{
    server *s = start(SH_WITH("slow", LINGER, PIDS));
    const char *id = send_message(s, "slow", "1");
    wait_until(lines_in(s, "pids") == 2);
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    ck_assert_str_eq(text_at(wait_message(s, id).result, "state"), "cancelled");
    wait_until(all_gone(s, "pids"));
    ck_assert(stat_of(s, "dead") == 0);
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(ttl_ends_the_process_of_a_running_message)
{
    server *s = start(SH_WITH("slow", LINGER, PIDS ", ttl: 400ms"));
    const char *id = send_message(s, "slow", "1");
    ck_assert_str_eq(text_at(wait_message(s, id).result, "state"), "expired");
    wait_until(all_gone(s, "pids"));
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(output_after_a_cancel_is_nobodys)
{
    server *s = start(SH_WITH(
        "slow", "trap \"echo late; exit 0\" TERM; echo $$$$ >>$$DIR/pids; sleep 1000 & wait",
        PIDS));
    const char *id = send_message(s, "slow", "1");
    wait_until(lines_in(s, "pids") == 1);
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", id));
    wait_until(all_gone(s, "pids"));
    ck_assert_str_eq(message_state(s, id), "cancelled");
    server_stop(s);
}
END_TEST

START_TEST(stopped_actor_ends_its_processes)
{
    server *s = start(SH_WITH("slow", LINGER, PIDS));
    const char *id = send_message(s, "slow", "1");
    wait_until(lines_in(s, "pids") == 2);
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"slow\"}"));
    wait_until(all_gone(s, "pids"));
    ck_assert_str_eq(message_state(s, id), "dead");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {
        payload_and_reply_pass_byte_for_byte,
        payload_is_followed_by_the_end_of_input,
        output_that_is_no_json_is_a_string,
        output_that_is_not_utf8_fails_the_attempt,
        output_over_the_limit_fails_the_attempt_and_ends_the_program,
        large_payload_comes_back_whole,
        program_may_ignore_input_larger_than_a_pipe,
        program_that_never_reads_times_out,
        program_that_closes_its_output_is_waited_for,
        grandchild_that_keeps_the_pipes_delays_no_reply_and_is_ended,
        exit_status_tells_done_failed_or_rejected,
        rejected_is_never_retried_all_else_is,
        exits_table_changes_what_a_status_means,
        program_that_fails_first_and_works_later_is_done,
        failed_message_takes_the_actor_down_where_it_is_told_to,
        stderr_is_logged_and_its_end_stays_with_the_dead_letter,
        flood_of_stderr_hurts_nobody,
        environment_tells_the_actor_the_message_and_the_attempt,
        environment_is_the_daemons_without_what_is_the_service_managers,
        only_the_three_standard_descriptors_are_open,
        program_starts_with_default_signals_in_a_group_of_its_own,
        directory_user_and_limits_are_set,
        what_cannot_start_is_a_failed_attempt_that_says_why,
        timeout_ends_the_whole_group,
        who_ignores_sigterm_is_killed_after_shutdown,
        process_of_a_timed_out_attempt_holds_the_slot_until_it_is_gone,
        cancel_ends_the_process_of_a_running_message,
        ttl_ends_the_process_of_a_running_message,
        output_after_a_cancel_is_nobodys,
        stopped_actor_ends_its_processes,
        NULL,
    };

    return worker_or_tests(argc, argv, "exec", tests);
}
