/* What a reload would do, as the text that people read and as the changes the daemon applies. */
#include "config/config.h"
#include "tests/support/configs.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TREE "version: 1\nsupervisor:\n  children:\n"

static config *before, *after;
static config_plan *plan;

static void teardown(void)
{
    config_plan_free(plan);
    config_free(before);
    config_free(after);
}

static void compare(const char *from, const char *to)
{
    before = configs_load(from);
    after = configs_load(to);
    ck_assert_int_eq(config_plan_new(before, after, &plan), CONFIG_OK);
}

static void expect_plan(const char *from, const char *to, const char *expected)
{
    compare(from, to);
    char *text = config_plan_text(plan);
    ck_assert_str_eq(text, expected);
    free(text);
}

static const char small[] = TREE "    - {name: a, echo: {}}\n"
                                 "    - {name: b, exec: [cat]}\n"
                                 "    - {name: c, counter: {}}\n";

START_TEST(the_same_text_is_no_change)
{
    expect_plan(small, small, "nothing to change\n");
    ck_assert_uint_eq(plan->count, 0);
    ck_assert(!plan->needs_start);
}
END_TEST

START_TEST(missing_children_stop_in_reverse_and_new_ones_start_in_order)
{
    expect_plan(small,
                TREE "    - {name: n, echo: {}}\n    - {name: c, counter: {}}\n"
                     "    - {name: m, worker: [w]}\n",
                "stop root/b\n"
                "stop root/a\n"
                "start root/n (echo)\n"
                "start root/m (worker)\n");
    ck_assert_uint_eq(plan->changes[2].index, 0);
    ck_assert_uint_eq(plan->changes[3].index, 2);
    ck_assert_ptr_null(plan->changes[0].to);
    ck_assert_ptr_eq(plan->changes[0].from, config_find_child(before, "b"));
    ck_assert_ptr_null(plan->changes[3].from);
    ck_assert_ptr_eq(plan->changes[3].to, config_find_child(after, "m"));
}
END_TEST

START_TEST(a_subtree_is_one_change)
{
    expect_plan(TREE "    - name: s\n      supervisor: {children: [{name: x, echo: {}}]}\n",
                TREE "    - name: t\n      supervisor: {children: [{name: y, echo: {}}]}\n",
                "stop root/s\nstart root/t (supervisor)\n");
}
END_TEST

START_TEST(a_changed_command_restarts_that_child_alone)
{
    expect_plan(small,
                TREE "    - {name: a, echo: {}}\n    - {name: b, exec: [cat, -v]}\n"
                     "    - {name: c, counter: {}}\n",
                "restart root/b: exec: [cat] -> [cat, -v]\n");
    ck_assert_int_eq(plan->changes[0].kind, CONFIG_CHANGE_RESTART);
}
END_TEST

START_TEST(a_changed_kind_restarts_that_child_alone)
{
    expect_plan(small,
                TREE "    - {name: a, sleep: {}}\n    - {name: b, worker: [cat]}\n"
                     "    - {name: c, counter: {}}\n",
                "restart root/a: kind: echo -> sleep\n"
                "restart root/b: kind: exec -> worker\n");
}
END_TEST

START_TEST(what_a_process_gets_at_its_start_restarts_it)
{
    expect_plan(TREE "    - {name: a, worker: [w], timeout: 1s}\n",
                TREE "    - {name: a, worker: [w], timeout: 2s, env: {A: b}, directory: /srv, "
                     "user: nobody, limits: {memory: 1GiB}}\n",
                "restart root/a: timeout: 1s -> 2s, env: {} -> {A: b}, directory: none -> /srv, "
                "user: none -> nobody, limits.memory: none -> 1GiB\n");
}
END_TEST

START_TEST(other_keys_change_in_place)
{
    expect_plan(
        TREE "    - {name: a, echo: {}, mailbox: {capacity: 5}, retry: {max_retries: 1}}\n",
        TREE "    - {name: a, echo: {}, mailbox: {capacity: 6, on_full: drop_oldest}, timeout: 5s, "
             "shutdown: infinity, priority: high, retry: {max_retries: 2}, on_failure: drop}\n",
        "update root/a: shutdown: 5s -> infinity, mailbox.capacity: 5 -> 6, "
        "mailbox.on_full: reject -> drop_oldest, timeout: none -> 5s, "
        "priority: normal -> high, retry.max_retries: 1 -> 2, on_failure: dead_letter -> drop\n");
    ck_assert_int_eq(plan->changes[0].kind, CONFIG_CHANGE_UPDATE);
    ck_assert_uint_eq(plan->changes[0].difference_count, 7);
    ck_assert_str_eq(plan->changes[0].differences[1].key, "mailbox.capacity");
    ck_assert_str_eq(plan->changes[0].differences[1].before, "5");
    ck_assert_str_eq(plan->changes[0].differences[1].after, "6");
}
END_TEST

START_TEST(a_supervisor_changes_in_place)
{
    expect_plan("version: 1\nsupervisor: {children: [{name: a, echo: {}}, {name: b, echo: {}}]}\n",
                "version: 1\nsupervisor: {strategy: one_for_all, max_restarts: unlimited, backoff: "
                "{max: 1s}, children: [{name: b, echo: {}}, {name: a, echo: {}}]}\n",
                "update root: strategy: one_for_one -> one_for_all, max_restarts: 10 in 1m -> "
                "unlimited, backoff.max: 30s -> 1s\n"
                "reorder root: children: a, b -> b, a\n");
}
END_TEST

START_TEST(a_child_below_another_parent_moves)
{
    expect_plan(TREE "    - name: s\n      supervisor: {children: [{name: a, echo: {}}]}\n"
                     "    - {name: b, echo: {}}\n",
                TREE "    - name: s\n      supervisor: {children: [{name: b, echo: {}}]}\n"
                     "    - {name: a, echo: {}}\n",
                "move root/b -> root/s/b\n"
                "move root/s/a -> root/a\n");
    ck_assert_uint_eq(plan->count, 4);
    ck_assert_int_eq(plan->changes[0].kind, CONFIG_CHANGE_STOP);
    ck_assert_str_eq(plan->changes[0].name, "b");
    ck_assert_ptr_nonnull(plan->changes[0].to);
    ck_assert_str_eq(plan->changes[1].name, "a");
    ck_assert_int_eq(plan->changes[2].kind, CONFIG_CHANGE_START);
    ck_assert_ptr_nonnull(plan->changes[2].from);
}
END_TEST

START_TEST(a_child_leaves_a_supervisor_that_goes)
{
    expect_plan(TREE "    - name: s\n      supervisor: {children: [{name: a, echo: {}}]}\n",
                TREE "    - {name: a, echo: {}}\n",
                "stop root/s\n"
                "move root/s/a -> root/a\n");
}
END_TEST

START_TEST(supervisors_that_swap_places_end_in_a_plan)
{
    compare(TREE "    - name: s\n      supervisor: {children: [{name: t, supervisor: {children: "
                 "[{name: a, echo: {}}]}}]}\n",
            TREE "    - name: t\n      supervisor: {children: [{name: s, supervisor: {children: "
                 "[{name: a, echo: {}}]}}]}\n");
    ck_assert_uint_eq(plan->count, 2);
    ck_assert_int_eq(plan->changes[0].kind, CONFIG_CHANGE_STOP);
    ck_assert_str_eq(plan->changes[0].name, "s");
    ck_assert_int_eq(plan->changes[1].kind, CONFIG_CHANGE_START);
    ck_assert_str_eq(plan->changes[1].name, "t");
}
END_TEST

START_TEST(a_supervisor_that_becomes_an_actor_restarts_as_a_whole)
{
    expect_plan(TREE "    - name: s\n      supervisor: {children: [{name: a, echo: {}}]}\n",
                TREE "    - {name: s, echo: {}}\n", "restart root/s: kind: supervisor -> echo\n");
}
END_TEST

START_TEST(policies_change_around_the_children)
{
    expect_plan("version: 1\nretries: {old: {}, same: {}, kept: {max_retries: 1}}\n"
                "breakers: {b: {consecutive_failures: 5}}\n"
                "supervisor: {children: [{name: a, echo: {}, retry: old, breaker: b}]}\n",
                "version: 1\nretries: {same: {}, kept: {max_retries: 2, budget: 10%}, new: {}}\n"
                "breakers: {b: {window: 10 calls, failure_rate: 50%}}\n"
                "limiters: {l: {rate: 5/s}}\n"
                "supervisor: {children: [{name: a, echo: {}, retry: new, breaker: b, limit: "
                "{concurrency: 1}}]}\n",
                "update retry policy kept: max_retries: 1 -> 2, budget: none -> 10%\n"
                "add retry policy new\n"
                "update breaker b: window: none -> 10 calls, min_calls: 0 -> 10, "
                "failure_rate: none -> 50%, consecutive_failures: 5 -> 0\n"
                "add limiter l\n"
                "update root/a: retry: old -> new, limit: none -> its own\n"
                "remove retry policy old\n");
    ck_assert_int_eq(plan->changes[0].kind, CONFIG_CHANGE_POLICY_UPDATE);
    ck_assert_int_eq(plan->changes[0].policy, CONFIG_POLICY_RETRY);
    ck_assert_int_eq(plan->changes[plan->count - 1].kind, CONFIG_CHANGE_POLICY_REMOVE);
}
END_TEST

START_TEST(settings_say_whether_they_need_a_start)
{
    expect_plan("version: 1\nsystem: {name: a}\n",
                "version: 1\nsystem: {name: a, workers: 2, shutdown_timeout: 5s}\n"
                "log: {level: debug}\nlimits: {clients: 5}\n",
                "needs a daemon restart: system.workers: auto -> 2\n"
                "set: system.shutdown_timeout: 30s -> 5s\n"
                "set: limits.clients: 1024 -> 5\n"
                "set: log.level: info -> debug\n");
    ck_assert(plan->needs_start);
    ck_assert_str_eq(plan->changes[1].name, "system");
    ck_assert_int_eq(plan->changes[1].kind, CONFIG_CHANGE_SETTING);
}
END_TEST

START_TEST(listeners_need_a_start_and_tokens_are_hidden)
{
    expect_plan("version: 1\nlisten: [{url: \"ipc:///a\"}, {url: \"tcp://127.0.0.1:1\", token: "
                "alpha}]\n",
                "version: 1\nlisten: [{url: \"ipc:///b\"}, {url: \"tcp://127.0.0.1:1\", token: "
                "beta}]\n",
                "needs a daemon restart: listen: ipc:///a -> none, tcp://127.0.0.1:1.token: "
                "(secret) -> (secret), listen: none -> ipc:///b\n");
}
END_TEST

START_TEST(what_was_not_done_is_done_again_and_nothing_below_it_is_touched)
{
    static const config_undone undone[] = {{"s", CONFIG_CHANGE_START},
                                           {"a", CONFIG_CHANGE_RESTART},
                                           {"c", CONFIG_CHANGE_UPDATE},
                                           {"root", CONFIG_CHANGE_REORDER}};
    before =
        configs_load(TREE "    - name: s\n      supervisor: {children: [{name: x, echo: {}}]}\n"
                          "    - {name: a, echo: {}}\n    - {name: c, echo: {}}\n");
    after =
        configs_load(TREE "    - {name: a, echo: {}}\n    - {name: c, echo: {}}\n"
                          "    - name: s\n      supervisor: {children: [{name: y, echo: {}}]}\n");
    ck_assert_int_eq(config_plan_again(before, undone, 4, after, &plan), CONFIG_OK);
    char *text = config_plan_text(plan);
    ck_assert_str_eq(text, "restart root/a, tried again\n"
                           "start root/s (supervisor), tried again\n"
                           "update root/c, tried again\n"
                           "reorder root, tried again\n");
    free(text);
}
END_TEST

START_TEST(a_plan_of_nothing_can_be_freed)
{
    config_plan_free(NULL);
    ck_assert_str_eq(config_change_name(CONFIG_CHANGE_RESTART), "restart");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_same_text_is_no_change,
                                  missing_children_stop_in_reverse_and_new_ones_start_in_order,
                                  a_subtree_is_one_change,
                                  a_changed_command_restarts_that_child_alone,
                                  a_changed_kind_restarts_that_child_alone,
                                  what_a_process_gets_at_its_start_restarts_it,
                                  other_keys_change_in_place,
                                  a_supervisor_changes_in_place,
                                  a_child_below_another_parent_moves,
                                  a_child_leaves_a_supervisor_that_goes,
                                  supervisors_that_swap_places_end_in_a_plan,
                                  a_supervisor_that_becomes_an_actor_restarts_as_a_whole,
                                  policies_change_around_the_children,
                                  settings_say_whether_they_need_a_start,
                                  listeners_need_a_start_and_tokens_are_hidden,
                                  what_was_not_done_is_done_again_and_nothing_below_it_is_touched,
                                  a_plan_of_nothing_can_be_freed,
                                  NULL};
    return suite_run("config_plan", tests, NULL, teardown);
}
