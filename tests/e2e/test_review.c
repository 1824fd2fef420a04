/* What is shared or changes hands: limiters, breakers, supervisors that go, reloads that restart.
 */
#include "tests/e2e/harness.h"
#include "tests/support/suite.h"

START_TEST(actor_that_is_down_does_not_hold_the_line_of_its_limiter)
{
    server *s = server_start("version: 1\n"
                             "limiters: {one: {concurrency: 1}}\n"
                             "supervisor:\n"
                             "  backoff: {initial: 1h, max: 1h, jitter: none}\n"
                             "  children:\n"
                             "    - {name: slow, sleep: {}, limit: one}\n"
                             "    - {name: down, sleep: {}, limit: one}\n"
                             "    - {name: next, sleep: {}, limit: one}\n");
    const char *first = send_message(s, "slow", "{\"ms\":300}");
    wait_until(strcmp(message_state(s, first), "running") == 0);
    send_message(s, "down", "{\"ms\":1}");
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"down\"}"));
    expect_ok(rpc(s, "ask", "{\"to\":\"next\",\"msg\":{\"ms\":1}}"));
    ck_assert_str_eq(actor_state(s, "down"), "backoff");
    expect_ok(rpc(s, "actor.purge", "{\"name\":\"down\"}")); /* a drain would wait for it */
    server_stop(s);
}
END_TEST

START_TEST(asks_fail_when_the_shared_breaker_is_opened_by_another)
{
    server *s = server_start("version: 1\n"
                             "breakers: {b: {consecutive_failures: 1, open_for: 1h}}\n"
                             "supervisor:\n"
                             "  children:\n"
                             "    - {name: bad, exec: [\"false\"], breaker: b}\n"
                             "    - {name: busy, sleep: {}, breaker: b}\n");
    const char *running = send_message(s, "busy", "{\"ms\":60000}");
    wait_until(strcmp(message_state(s, running), "running") == 0);
    uint32_t ask = rpc_send(s, "ask", "{\"to\":\"busy\",\"msg\":{\"ms\":1},\"timeout\":\"1h\"}");
    wait_until(stat_of(s, "waiting") == 1);
    send_message(s, "bad", "1");
    answer a = rpc_receive(s, ask);
    expect_error(a, -32004, "breaker_open");
    ck_assert_str_eq(text_at(a.error, "data.breaker"), "b");
    ck_assert(number_at(a.error, "data.retry_after_ms") > 0);
    expect_balanced(s);
    expect_ok(rpcf(s, "message.cancel", "{\"message\":\"%s\"}", running));
    server_stop(s);
}
END_TEST

START_TEST(actor_that_is_restarted_is_sent_to_at_any_moment)
{
    server *s = server_start(CHILDREN "    - {name: w, sleep: {}, shutdown: 1h}\n");
    const char *running = send_message(s, "w", "{\"ms\":300}");
    wait_until(strcmp(message_state(s, running), "running") == 0);
    uint32_t restart = rpc_send(s, "actor.restart", "{\"name\":\"w\"}");
    wait_until(strcmp(actor_state(s, "w"), "stopping") == 0);
    const char *queued = send_message(s, "w", "{\"ms\":1}");
    expect_ok(rpc_receive(s, restart));
    ck_assert_str_eq(text_at(wait_message(s, queued).result, "state"), "done");
    ck_assert_str_eq(message_state(s, running), "done");
    server_stop(s);
}
END_TEST

/* A supervisor with an actor that has a message in hand and one that waits. */
static server *start_box(const char **running, const char **queued)
{
    server *s = server_start(CHILDREN "    - name: box\n"
                                      "      supervisor:\n"
                                      "        max_restarts: 0 in 1m\n"
                                      "        children:\n"
                                      "          - {name: w, sleep: {}, shutdown: kill}\n"
                                      "          - {name: other, echo: {}}\n");
    *running = send_message(s, "w", "{\"ms\":500}");
    wait_until(strcmp(message_state(s, *running), "running") == 0);
    *queued = send_message(s, "w", "{\"ms\":1}");
    return s;
}

START_TEST(restart_of_a_supervisor_keeps_the_mailboxes_below_it)
{
    const char *running, *queued;
    server *s = start_box(&running, &queued);
    expect_ok(rpc(s, "actor.restart", "{\"name\":\"box\"}"));
    ck_assert_str_eq(text_at(wait_message(s, queued).result, "state"), "done");
    ck_assert_str_eq(text_at(wait_message(s, running).result, "state"), "done");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(supervisor_that_trips_and_comes_back_keeps_the_mailboxes_below_it)
{
    const char *running, *queued;
    server *s = start_box(&running, &queued);
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"other\"}"));
    ck_assert_str_eq(text_at(wait_message(s, queued).result, "state"), "done");
    ck_assert_str_eq(text_at(wait_message(s, running).result, "state"), "done");
    server_stop(s);
}
END_TEST

START_TEST(supervisor_that_is_killed_keeps_the_mailboxes_below_it)
{
    const char *running, *queued;
    server *s = start_box(&running, &queued);
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"box\"}"));
    const char *meanwhile = send_message(s, "w", "{\"ms\":2}");
    ck_assert_str_eq(text_at(wait_message(s, queued).result, "state"), "done");
    ck_assert_str_eq(text_at(wait_message(s, running).result, "state"), "done");
    ck_assert_str_eq(text_at(wait_message(s, meanwhile).result, "state"), "done");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(stop_of_a_supervisor_makes_dead_letters_of_what_waits_below_it)
{
    const char *running, *queued;
    server *s = start_box(&running, &queued);
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"box\"}"));
    ck_assert_str_eq(message_state(s, queued), "dead");
    ck_assert_str_eq(message_state(s, running), "dead");
    ck_assert_str_eq(actor_state(s, "w"), "stopped");
    expect_error(rpc(s, "send", "{\"to\":\"w\",\"msg\":{\"ms\":1}}"), -32013, "stopped");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(name_is_free_again_after_a_spawn_under_a_stopped_supervisor)
{
    server *s = server_start(CHILDREN "    - {name: box, supervisor: {children: []}}\n");
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"box\"}"));
    expect_error(rpc(s, "actor.spawn", "{\"name\":\"x\",\"under\":\"box\",\"echo\":{}}"), -32013,
                 "stopped");
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"x\",\"echo\":{}}"));
    expect_result(rpc(s, "ask", "{\"to\":\"x\",\"msg\":7}"), "7");
    server_stop(s);
}
END_TEST

START_TEST(deleted_actor_leaves_its_breaker_behind)
{
    server *s = server_start(CHILDREN "    - {name: echo, echo: {}}\n");
    const char *spawn = "{\"name\":\"x\",\"exec\":[\"false\"],\"breaker\":"
                        "{\"consecutive_failures\":1,\"open_for\":\"1h\"}}";
    expect_ok(rpc(s, "actor.spawn", spawn));
    ck_assert_str_eq(text_at(wait_message(s, send_message(s, "x", "1")).result, "state"), "dead");
    ck_assert_str_eq(text_at(rpc(s, "breaker.list", NULL).result, "items[0].state"), "open");
    expect_ok(rpc(s, "actor.stop", "{\"name\":\"x\"}"));
    expect_ok(rpc(s, "actor.delete", "{\"name\":\"x\"}"));
    ck_assert_int_eq(count_at(rpc(s, "breaker.list", NULL).result, "items"), 0);
    expect_ok(rpc(s, "actor.spawn", spawn));
    ck_assert_str_eq(text_at(rpc(s, "breaker.list", NULL).result, "items[0].state"), "closed");
    expect_balanced(s);
    server_stop(s);
}
END_TEST

START_TEST(reload_leaves_a_spawned_actor_with_a_name_of_the_file_alone)
{
    server *s = server_start(CHILDREN "    - {name: echo, echo: {}}\n");
    expect_ok(rpc(s, "actor.spawn", "{\"name\":\"x\",\"echo\":{}}"));
    server_configure(s, CHILDREN "    - {name: echo, echo: {}}\n"
                                 "    - {name: x, counter: {}}\n");
    answer a = rpc(s, "config.reload", NULL);
    ck_assert_int_eq(count_at(a.result, "failed"), 1);
    ck_assert_str_eq(text_at(rpc(s, "actor.info", "{\"name\":\"x\"}").result, "kind"), "echo");
    expect_result(rpc(s, "ask", "{\"to\":\"x\",\"msg\":7}"), "7");
    server_stop(s);
}
END_TEST

START_TEST(reload_with_another_command_changes_the_restart_type_as_well)
{
    server *s = server_start(CHILDREN "    - {name: w, worker: [sleep, \"1001\"]}\n");
    server_configure(s, CHILDREN "    - {name: w, worker: [sleep, \"1002\"], "
                                 "restart: temporary}\n");
    answer a = rpc(s, "config.reload", NULL);
    ck_assert_int_eq(count_at(a.result, "failed"), 0);
    expect_ok(rpc(s, "actor.kill", "{\"name\":\"w\"}"));
    wait_until(actor_state(s, "w")[0] == '\0'); /* a temporary one is forgotten */
    server_stop(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        actor_that_is_down_does_not_hold_the_line_of_its_limiter,
        asks_fail_when_the_shared_breaker_is_opened_by_another,
        actor_that_is_restarted_is_sent_to_at_any_moment,
        restart_of_a_supervisor_keeps_the_mailboxes_below_it,
        supervisor_that_trips_and_comes_back_keeps_the_mailboxes_below_it,
        supervisor_that_is_killed_keeps_the_mailboxes_below_it,
        stop_of_a_supervisor_makes_dead_letters_of_what_waits_below_it,
        name_is_free_again_after_a_spawn_under_a_stopped_supervisor,
        deleted_actor_leaves_its_breaker_behind,
        reload_leaves_a_spawned_actor_with_a_name_of_the_file_alone,
        reload_with_another_command_changes_the_restart_type_as_well,
        NULL,
    };
    return suite_run("review", tests, NULL, NULL);
}
