/* What is wrong, said in the words that people read: one table row a rule of the format. */
#include "config/config.h"
#include "tests/support/configs.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define TREE(child) "version: 1\nsupervisor:\n  children:\n    - " child "\n"

typedef struct rule {
    const char *text;
    const char *error; /* behind "test.yaml:" */
} rule;

static void expect_all(const rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        configs_expect_error(rules[i].text, rules[i].error);
}

static const rule format_rules[] = {
    {"", "1:1: error: the file is empty; the least is 'version: 1'"},
    {"# only a comment\n", "1:1: error: the file is empty; the least is 'version: 1'"},
    {"---\n", "1:1: error: the file is empty; the least is 'version: 1'"},
    {"- a\n", "1:1: error: the configuration must be a map of keys and values, not a list"},
    {"version: 1\n---\nversion: 1\n",
     "2:1: error: a second document; a configuration is one document"},
    {"version: 1\nversion: 1\n", "2:1: error: 'version' is written twice; first at test.yaml:1:1"},
    {"version: 1\nx-a: {b: 1, b: 2}\n",
     "2:13: error: 'b' is written twice; first at test.yaml:2:7"},
    {"version: &v 1\n",
     "1:10: error: anchors and aliases are not supported; quote a value that begins with '&'"},
    {"version: 1\nlog: {level: *v}\n",
     "2:14: error: anchors and aliases are not supported; quote a value that begins with '*'"},
    {"version: !!int 1\n",
     "1:10: error: tags are not supported; quote a value that begins with '!'"},
    {"version: 1\nlog: {\n",
     "3:1: error: while parsing a flow node: did not find expected node content"},
    {"version: 1\n? [a]\n: b\n", "2:3: error: a key must be a name, not a list"},
    {"version: 1\nlog: {level: \"a\\0b\"}\n", "2:14: error: a value can't contain a NUL character"},
    {"version: 1\nsystm: {}\n",
     "2:1: error: unknown key 'systm' in the configuration; did you mean 'system'?"},
    {"version: 1\nlog: {colour: red}\n",
     "2:7: error: unknown key 'colour' in 'log'; valid keys: level, format"},
    {"system: {name: a}\n",
     "1:1: error: 'version' is missing in the configuration; add 'version: 1'"},
    {"version: 2\n", "1:10: error: version: '2' is not known to this actord; did you mean '1'?"},
    {"version: 1\nlog: {level: inf}\n", "2:14: error: level: 'inf' is not valid; did you mean "
                                        "'info'? valid values: error, warn, info, debug, warning"},
    {"version: 1\nlog: {level: loud}\n",
     "2:14: error: level: 'loud' is not valid; valid values: error, warn, info, debug, warning"},
    {"version: 1\nlog:\n", "2:5: error: 'log' needs a value; write 'log: {}'"},
    {"version: 1\nlog: {level: ~}\n", "2:14: error: 'level' needs a value"},
    {"version: 1\nlog: text\n", "2:6: error: 'log' must be a map of keys and values, not a value"},
    {"version: 1\nlog: {level: [a]}\n", "2:14: error: level: must be a single value, not a list"},
    {"version: 1\ninclude: a.yaml\n",
     "2:10: error: include: must be a list of paths or patterns; valid: include: [conf.d/*.yaml]"},
    {"version: 1\ninclude: [nowhere.yaml]\n",
     "2:11: error: can't include 'nowhere.yaml': No such file or directory"},
};

START_TEST(each_rule_of_the_format_has_its_error)
{
    expect_all(format_rules, COUNT(format_rules));
}
END_TEST

static const rule unit_rules[] = {
    {"version: 1\nsystem: {shutdown_timeout: 30}\n",
     "2:28: error: shutdown_timeout: '30' needs a unit; did you mean '30s'?"},
    {"version: 1\nsystem: {shutdown_timeout: 30sec}\n",
     "2:28: error: shutdown_timeout: '30sec' has an unknown unit; valid: a duration such as 500us, "
     "250ms, 10s, 5m, 2h, 1d or 1m30s"},
    {"version: 1\nsystem: {shutdown_timeout: 0s}\n",
     "2:28: error: shutdown_timeout: 0s is out of range; valid values: 1us to 3650d"},
    {"version: 1\nsystem: {workers: many}\n",
     "2:19: error: workers: 'many' is not a whole number; valid: a whole number"},
    {"version: 1\nlimits: {message: 10M}\n",
     "2:19: error: message: '10M' has an unknown unit; did you mean '10MiB'?"},
    {"version: 1\nlimits: {message: 10}\n",
     "2:19: error: message: '10' needs a unit; did you mean '10MiB'?"},
    {"version: 1\nlimits: {clients: 0}\n",
     "2:19: error: clients: 0 is out of range; valid values: 1 to 1000000"},
    {"version: 1\nlimits: {clients: 99999999999999999999}\n",
     "2:19: error: clients: '99999999999999999999' is out of range; valid: a whole number"},
    {"version: 1\nretries: {a: {factor: 0.5}}\n",
     "2:23: error: factor: 0.5 is out of range; valid values: 1 to 1000"},
    {"version: 1\nretries: {a: {budget: 20}}\n",
     "2:23: error: budget: '20' needs a unit; did you mean '20%'?"},
    {"version: 1\nretries: {a: {budget: 120%}}\n",
     "2:23: error: budget: 120% is out of range; valid values: above 0% to 100%"},
    {"version: 1\nlimiters: {a: {rate: 50}}\n",
     "2:22: error: rate: '50' needs a unit; did you mean '50/s'?"},
    {"version: 1\nlimiters: {a: {rate: 50/ms}}\n",
     "2:22: error: rate: '50/ms' has an unknown unit; valid: a rate such as 50/s or 100/m"},
    {"version: 1\nsupervisor: {max_restarts: 5}\n",
     "2:28: error: max_restarts: '5' is not a count in a time; valid: a count in a time such as 10 "
     "in 1m, or unlimited"},
    {"version: 1\nsupervisor: {max_restarts: 5 in 30}\n",
     "2:28: error: max_restarts: '5 in 30' needs a unit; valid: a count in a time such as 10 in "
     "1m, or unlimited"},
    {"version: 1\nbreakers: {a: {window: 20, failure_rate: 50%}}\n",
     "2:24: error: window: '20' needs a unit; did you mean '20 calls'?"},
};

START_TEST(each_unit_has_its_error)
{
    expect_all(unit_rules, COUNT(unit_rules));
}
END_TEST

START_TEST(booleans_are_true_and_false_only)
{
    static const char *const words[][2] = {{"yes", "true"},  {"no", "false"},  {"on", "true"},
                                           {"off", "false"}, {"True", "true"}, {"FALSE", "false"},
                                           {"y", "true"},    {"n", "false"}};
    for (size_t i = 0; i < COUNT(words); i++) {
        char text[200], error[200];
        snprintf(text, sizeof text, TREE("{name: a, echo: {}, significant: %s}"), words[i][0]);
        snprintf(error, sizeof error,
                 "4:40: error: significant: '%s' is not a boolean; booleans are 'true' and "
                 "'false' only; did you mean '%s'?",
                 words[i][0], words[i][1]);
        configs_expect_error(text, error);
    }
    configs_expect_error(TREE("{name: a, echo: {}, significant: 1}"),
                         "4:40: error: significant: '1' is not a boolean; booleans are 'true' and "
                         "'false' only; valid values: true, false");
}
END_TEST

static const rule child_rules[] = {
    {TREE("{name: a, echo: {}, instances: 0}"),
     "4:38: error: instances: 0 is out of range; valid values: 1 to 10000"},
    {TREE("{name: a, counter: {}, instances: 8}"),
     "4:41: error: instances: a counter keeps one total, which several can't share; valid: 1"},
    {TREE("{echo: {}}"), "4:7: error: 'name' is missing in a child"},
    {TREE("{name: a b, echo: {}}"),
     "4:14: error: name: 'a b' is not a name; valid: 1 to 128 of A-Z a-z 0-9 _ . -"},
    {TREE("{name: root, echo: {}}"), "4:14: error: name: 'root' is the root supervisor's"},
    {TREE("{name: a, echo: {}}\n    - {name: a, echo: {}}"),
     "5:14: error: the name 'a' is used twice; first at test.yaml:4:14"},
    {TREE("{name: a, supervisor: {children: [{name: a, echo: {}}]}}"),
     "4:48: error: the name 'a' is used twice; first at test.yaml:4:14"},
    {TREE("{name: a}"), "4:7: error: a child needs a kind, and this one has none; valid kinds: "
                        "supervisor, exec, worker, echo, counter, sleep"},
    {TREE("{name: a, echo: {}, sleep: {}}"),
     "4:27: error: 'echo' and 'sleep' are both kinds of child; a child has exactly one kind"},
    {TREE("{name: a, exce: [cat]}"),
     "4:17: error: unknown key 'exce' in a child; did you mean 'exec'?"},
    {TREE("{nmae: a, echo: {}}"),
     "4:8: error: unknown key 'nmae' in a child; did you mean 'name'?"},
    {TREE("{name: a, echo: {size: 3}}"),
     "4:24: error: unknown key 'size' in a kind without settings"},
    {TREE("{name: a, echo: }"), "4:23: error: 'echo' needs a value; write 'echo: {}'"},
    {TREE("{name: a, exec: cat}"), "4:23: error: exec: must be a list that begins with a program; "
                                   "valid form: [program, argument, ...]"},
    {TREE("{name: a, exec: []}"), "4:23: error: exec: must be a list that begins with a program; "
                                  "valid form: [program, argument, ...]"},
    {TREE("{name: a, exec: [\"\"]}"), "4:24: error: exec: the program's name is empty"},
    {TREE("{name: a, exec: [cat, ~]}"),
     "4:29: error: exec: an item is empty; quote it, or leave it out"},
    {TREE("{name: a, exec: [cat, {b: c}]}"),
     "4:29: error: exec: must be a single value, not a map"},
    {TREE("{name: a, echo: {}, exits: {retry: [1]}}"),
     "4:27: error: 'exits' is only for exec; this child's kind is echo"},
    {TREE("{name: a, exec: [cat], credits: 3}"),
     "4:30: error: 'credits' is only for worker; this child's kind is exec"},
    {TREE("{name: a, supervisor: {}, timeout: 1s}"),
     "4:33: error: 'timeout' is only for exec, worker, echo, counter, sleep; this child's kind is "
     "supervisor"},
    {TREE("{name: a, exec: [cat], exits: {retry: [65]}}"),
     "4:37: error: exits: 65 means both retry and reject; list it once"},
    {TREE("{name: a, exec: [cat], exits: {retry: [0]}}"),
     "4:46: error: retry: 0 is out of range; valid values: 1 to 255"},
    {TREE("{name: a, exec: [cat], limits: {cpu: 1500ms}}"),
     "4:44: error: cpu: is counted in whole seconds; valid: whole seconds such as 60s"},
    {TREE("{name: a, exec: [cat], env: {A=B: c}}"),
     "4:36: error: env: 'A=B' can't be the name of a variable"},
    {TREE("{name: a, exec: [cat], env: {A: }}"),
     "4:39: error: env: 'A' needs a value; write 'A: \"\"'"},
    {TREE("{name: a, echo: {}, significant: true}"),
     "4:40: error: significant: a permanent child can't be, since it always comes back; add "
     "'restart: transient' or 'temporary'"},
    {TREE("{name: a, echo: {}, restart: transient, significant: true}"),
     "4:60: error: significant: not while the supervisor's auto_shutdown is never; add "
     "'auto_shutdown: any_significant' or 'all_significant' to its supervisor"},
    {TREE("{name: a, supervisor: {auto_shutdown: any}}"),
     "4:45: error: auto_shutdown: 'any' is not valid; valid values: never, any_significant, "
     "all_significant"},
    {TREE("{name: a, echo: {}, shutdown: kil}"),
     "4:37: error: shutdown: 'kil' is not valid; did you mean 'kill'?"},
    {TREE("{name: a, echo: {}, shutdown: 5}"),
     "4:37: error: shutdown: '5' is not valid; did you mean '5s'?"},
    {TREE("{name: a, echo: {}, retry: patient}"),
     "4:34: error: there is no retry policy 'patient'; none is defined"},
    {"version: 1\nsupervisor: {backoff: fast}\n",
     "2:23: error: backoff: 'fast' is not valid; valid: none, or {initial: 100ms, max: 30s}"},
    {"version: 1\nsupervisor:\n  children:\n",
     "3:12: error: 'children' needs a value; write 'children: []'"},
    {"version: 1\nsupervisor: {children: {}}\n",
     "2:24: error: children: must be a list of children, not a map; valid: a list: - name: first"},
    {"version: 1\nsupervisor: {strategy: one_for_al}\n",
     "2:24: error: strategy: 'one_for_al' is not valid; did you mean 'one_for_all'? valid values: "
     "one_for_one, one_for_all, rest_for_one"},
};

#define TWO(a, b) "version: 1\nsupervisor:\n  children:\n    - " a "\n    - " b "\n"

static const rule fallback_rules[] = {
    {TWO("{name: a, echo: {}, fallback: bb}", "{name: bbb, echo: {}}"),
     "4:37: error: fallback: there is no actor 'bb'; did you mean 'bbb'?"},
    {TWO("{name: a, echo: {}, fallback: b}", "{name: b, supervisor: {}}"),
     "4:37: error: fallback: 'b' is a supervisor, which takes no messages; name an actor that "
     "takes messages"},
    {TWO("{name: a, echo: {}, fallback: b}", "{name: b, echo: {}, fallback: a}"),
     "4:37: error: fallback: each would answer for the other for ever: a -> b -> a; one of them "
     "must do without"},
    {TWO("{name: a, echo: {}, fallback: b}", "{name: b, echo: {}, fallback: b}"),
     "5:37: error: fallback: each would answer for the other for ever: b -> b; one of them must "
     "do without"},
    {TREE("{name: a, echo: {}, fallback: root}"),
     "4:37: error: fallback: 'root' is a supervisor, which takes no messages; name an actor that "
     "takes messages"},
    {TWO("{name: a, echo: {}, fallback: b, on_failure: crash}", "{name: b, echo: {}}"),
     "4:52: error: on_failure: crash doesn't go together with a fallback; valid with a fallback: "
     "dead_letter, drop"},
    {TWO("{name: a, fallback: b, supervisor: {}}", "{name: b, echo: {}}"),
     "4:17: error: 'fallback' is only for exec, worker, echo, counter, sleep; this child's kind is "
     "supervisor"},
};

START_TEST(fallbacks_must_exist_take_messages_and_lead_somewhere)
{
    expect_all(fallback_rules, COUNT(fallback_rules));
}
END_TEST

START_TEST(each_rule_of_a_child_has_its_error)
{
    expect_all(child_rules, COUNT(child_rules));
}
END_TEST

static const rule policy_rules[] = {
    {"version: 1\nretries: {a: {max_retires: 8}}\n",
     "2:15: error: unknown key 'max_retires' in a retry policy; did you mean 'max_retries'?"},
    {"version: 1\nretries: {a: {initial: 10s, max: 1s}}\n",
     "2:34: error: max: 1s is less than initial (10s); valid values: 10s or more"},
    {"version: 1\nretries: {a b: {}}\n",
     "2:11: error: 'a b' is not a name; valid: 1 to 128 of A-Z a-z 0-9 _ . -"},
    {"version: 1\nbreakers: {a: {}}\n",
     "2:15: error: a breaker needs one of consecutive_failures, failure_rate and slow_rate; add "
     "'consecutive_failures: 5', for example"},
    {"version: 1\nbreakers: {a: {failure_rate: 50%}}\n",
     "2:30: error: a rate needs a window; add 'window: 20 calls' or 'window: 60s'"},
    {"version: 1\nbreakers: {a: {slow_rate: 50%, window: 1m}}\n",
     "2:27: error: slow_rate needs slow_call; add 'slow_call: 2s', for example"},
    {"version: 1\nbreakers: {a: {failure_rate: 0%, window: 1m}}\n",
     "2:30: error: failure_rate: 0% is out of range; valid values: above 0% to 100%"},
    {"version: 1\nbreakers: {a: {consecutive_failures: 5, open_for: 1m, open_max: 1s}}\n",
     "2:65: error: open_max: 1s is less than open_for (1m); valid values: 1m or more"},
    {"version: 1\nlimiters: {a: {burst: 5}}\n",
     "2:15: error: a limiter needs a rate or a concurrency; add 'rate: 50/s' or 'concurrency: 4', "
     "for example"},
    {"version: 1\nlimiters: {a: {burst: 5, concurrency: 1}}\n",
     "2:23: error: burst needs a rate; add 'rate: 50/s', for example"},
    {"version: 1\nretries: {patient: {}, slow: {}}\nsupervisor: {children: [{name: a, echo: {}, "
     "retry: patent}]}\n",
     "3:52: error: there is no retry policy 'patent'; did you mean 'patient'?"},
    {"version: 1\nbreakers: {b: {consecutive_failures: 1}}\nsupervisor: {children: [{name: a, "
     "echo: {}, breaker: partner}]}\n",
     "3:54: error: there is no breaker 'partner'; valid names: b"},
};

START_TEST(each_rule_of_a_policy_has_its_error)
{
    expect_all(policy_rules, COUNT(policy_rules));
}
END_TEST

static const rule listener_rules[] = {
    {"version: 1\nlisten: []\n", "2:9: error: listen: must be a list with at least one listener; "
                                 "valid: a list: - url: ipc:///run/actord/actord.sock"},
    {"version: 1\nlisten: [{role: admin}]\n", "2:10: error: 'url' is missing in a listener"},
    {"version: 1\nlisten: [{url: \"http://a\"}]\n",
     "2:16: error: url: 'http://a' is not an address to listen on; valid forms: ipc:///path, "
     "tcp://127.0.0.1:7000"},
    {"version: 1\nlisten: [{url: \"ipc://a\"}]\n",
     "2:16: error: url: 'ipc://a' needs an absolute path; valid form: "
     "ipc:///run/actord/actord.sock"},
    {"version: 1\nlisten: [{url: \"tcp://127.0.0.1\"}]\n",
     "2:16: error: url: 'tcp://127.0.0.1' needs a host and a port; valid form: "
     "tcp://127.0.0.1:7000"},
    {"version: 1\nlisten: [{url: \"tcp://0.0.0.0:1\"}]\n",
     "2:16: error: url: 'tcp://0.0.0.0:1': other than loopback is not supported yet; valid hosts: "
     "127.0.0.1, [::1], localhost"},
    {"version: 1\nlisten: [{url: \"ipc:///a\", mode: \"0999\"}]\n",
     "2:34: error: mode: '0999' is not a mode; valid: permission bits in octal, such as \"0660\""},
    {"version: 1\nlisten: [{url: \"tcp://localhost:1\", mode: \"0600\"}]\n",
     "2:37: error: 'mode' is for ipc:// only"},
    {"version: 1\nlisten: [{url: \"ipc:///a\"}, {url: \"ipc:///a\"}]\n",
     "2:35: error: url: 'ipc:///a' is listened on twice"},
    {"version: 1\nlisten: [{url: \"ipc:///a\", role: amdin}]\n",
     "2:34: error: role: 'amdin' is not valid; did you mean 'admin'? valid values: admin, submit, "
     "observe"},
    {"version: 1\nstore: {url: \"sqlite:///a\"}\n",
     "2:14: error: url: 'sqlite:' is not supported yet"},
    {"version: 1\nstore: {url: \"memory\"}\n",
     "2:14: error: url: 'memory' is not a store; did you mean 'memory:'?"},
};

START_TEST(each_rule_of_a_listener_and_the_store_has_its_error)
{
    expect_all(listener_rules, COUNT(listener_rules));
}
END_TEST

static const rule later_rules[] = {
    {"version: 1\nsystem: {blocking_threads: 4}\n",
     "2:10: error: 'blocking_threads' is not supported yet"},
    {"version: 1\nlisten: [{url: \"ipc:///a\", tls: {ca: a}}]\n",
     "2:28: error: 'tls' is not supported yet"},
    {"version: 1\nlisten: [{url: \"tls+tcp://a:1\"}]\n",
     "2:16: error: url: 'tls+tcp://' is not supported yet"},
    {"version: 1\nevents: {url: a}\n", "2:1: error: 'events' is not supported yet"},
    {"version: 1\nhttp: {address: a}\n", "2:1: error: 'http' is not supported yet"},
    {"version: 1\nplugins: [a]\n", "2:1: error: 'plugins' is not supported yet"},
    {"version: 1\nschedules: {a: {}}\n", "2:1: error: 'schedules' is not supported yet"},
    {TREE("{name: a, native: {type: b}}"), "4:17: error: 'native' is not supported yet"},
    {TREE("{name: a, http: {url: b}}"), "4:17: error: 'http' is not supported yet"},
    {TREE("{name: a, route: {to: [b]}}"), "4:17: error: 'route' is not supported yet"},
    {TREE("{name: a, pipeline: [b]}"), "4:17: error: 'pipeline' is not supported yet"},
    {TREE("{name: a, queue: {lease: 1s}}"), "4:17: error: 'queue' is not supported yet"},
    {TREE("{name: a, topic: {}}"), "4:17: error: 'topic' is not supported yet"},
    {TREE("{name: a, echo: {}, idle_stop: 1m}"), "4:27: error: 'idle_stop' is not supported yet"},
    {TREE("{name: a, echo: {}, mailbox: {durable: true}}"),
     "4:46: error: 'durable: true' is not supported yet"},
};

START_TEST(what_is_not_built_yet_is_refused_with_its_place)
{
    expect_all(later_rules, COUNT(later_rules));
}
END_TEST

static const rule expansion_rules[] = {
    {"version: 1\nsystem: {name: \"${NOPE}\"}\n",
     "2:16: error: the environment variable 'NOPE' is not set; set it, or write ${NOPE:-default}"},
    {"version: 1\nsystem: {name: \"${NOPE:?name the system}\"}\n",
     "2:16: error: 'NOPE': name the system"},
    {"version: 1\nsystem: {name: \"${EMPTY:?}\"}\n",
     "2:16: error: the environment variable 'EMPTY' is not set; set it, or write "
     "${EMPTY:-default}"},
    {"version: 1\nsystem: {name: \"${NUMBER\"}\n",
     "2:16: error: this ${ has no closing }; $$ is a dollar sign"},
    {"version: 1\nsystem: {name: \"${1}\"}\n",
     "2:16: error: this ${...} is not understood; valid forms: ${VAR}, ${VAR:-default}, "
     "${VAR:?message}, ${file:/path}; $$ is a dollar sign"},
    {"version: 1\nsystem: {name: \"${NUMBER+x}\"}\n",
     "2:16: error: this ${...} is not understood; valid forms: ${VAR}, ${VAR:-default}, "
     "${VAR:?message}, ${file:/path}; $$ is a dollar sign"},
    {"version: 1\nsystem: {name: \"${file:token}\"}\n",
     "2:16: error: ${file:...} needs an absolute path, not 'token'; valid form: "
     "${file:/absolute/path}"},
    {"version: 1\nsystem: {name: \"${file:/nonexistent/token}\"}\n",
     "2:16: error: can't read '/nonexistent/token': No such file or directory"},
    {"version: 1\nsystem: {name: \"${YAML}\"}\n",
     "2:16: error: name: 'a: [b, *c]' is not a name; valid: 1 to 128 of A-Z a-z 0-9 _ . -"},
    {"version: 1\nsystem: {name: ${NUMBER}}\n",
     "2:17: error: while parsing a flow mapping: did not find expected ',' or '}'; inside { } and "
     "[ ], write ${...} in quotes"},
};

START_TEST(each_rule_of_expansion_has_its_error)
{
    expect_all(expansion_rules, COUNT(expansion_rules));
}
END_TEST

START_TEST(five_different_mistakes_print_five_errors)
{
    configs_expect_errors(
        "version: 1\n"
        "retries:\n"
        "  patient: {max_retires: 8}\n"
        "supervisor:\n"
        "  strategy: one_for_al\n"
        "  children:\n"
        "    - name: webhook\n"
        "      exce: [cat]\n"
        "      retry: patent\n"
        "      timeout: 10\n",
        "test.yaml:3:13: error: unknown key 'max_retires' in a retry policy; did you mean "
        "'max_retries'?\n"
        "      patient: {max_retires: 8}\n"
        "                ^\n"
        "test.yaml:5:13: error: strategy: 'one_for_al' is not valid; did you mean 'one_for_all'? "
        "valid values: one_for_one, one_for_all, rest_for_one\n"
        "      strategy: one_for_al\n"
        "                ^\n"
        "test.yaml:8:7: error: unknown key 'exce' in a child; did you mean 'exec'?\n"
        "          exce: [cat]\n"
        "          ^\n"
        "test.yaml:9:14: error: there is no retry policy 'patent'; did you mean 'patient'?\n"
        "          retry: patent\n"
        "                 ^\n"
        "test.yaml:10:16: error: timeout: '10' needs a unit; did you mean '10s'?\n"
        "          timeout: 10\n"
        "                   ^\n");
}
END_TEST

START_TEST(a_syntax_error_does_not_hide_the_errors_before_it)
{
    configs_expect_errors(
        "version: 1\nlog: {levle: info}\nsystem: {name: 'a\n",
        "test.yaml:2:7: error: unknown key 'levle' in 'log'; did you mean 'level'?\n"
        "    log: {levle: info}\n"
        "          ^\n"
        "test.yaml:4:1: error: while scanning a quoted scalar: found unexpected end of stream\n"
        "    \n"
        "    ^\n");
}
END_TEST

START_TEST(the_caret_stands_below_tabs_and_wide_characters)
{
    configs_expect_errors(
        "version: 1\nsystem: {name: \"\xC3\xA4\xE2\x82\xAC\", nmae: b}\n",
        "test.yaml:2:16: error: name: '\xC3\xA4\xE2\x82\xAC' is not a name; valid: 1 to 128 of A-Z "
        "a-z 0-9 _ . -\n"
        "    system: {name: \"\xC3\xA4\xE2\x82\xAC\", nmae: b}\n"
        "                   ^\n"
        "test.yaml:2:22: error: unknown key 'nmae' in 'system'; did you mean 'name'?\n"
        "    system: {name: \"\xC3\xA4\xE2\x82\xAC\", nmae: b}\n"
        "                         ^\n");
}
END_TEST

START_TEST(of_a_long_line_the_part_around_the_error_is_shown)
{
    char text[1200], padding[1001];
    memset(padding, 'p', sizeof padding - 1);
    padding[sizeof padding - 1] = '\0';
    snprintf(text, sizeof text, "{version: 1, x-a: %s, nope: 1, x-b: %.100s}", padding, padding);
    char *all = configs_errors(text);
    ck_assert_ptr_nonnull(strstr(all, "test.yaml:1:1021: error: unknown key 'nope'"));
    char *line = strchr(all, '\n') + 1, *caret = strchr(line, '^');
    ck_assert_uint_lt((size_t)(strchr(line, '\n') - line), 200);
    ck_assert_ptr_nonnull(caret);
    char *source_end = strchr(line, '\n');
    ck_assert_int_eq(strncmp(line + (caret - source_end - 1), "nope", 4), 0);
    free(all);
}
END_TEST

START_TEST(nesting_is_bounded)
{
    static const char open[] = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
                      close[] = "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]";
    char text[200];
    snprintf(text, sizeof text, "version: 1\nx-deep: %.31s%.31s\n", open, close);
    config_free(configs_load(text));
    snprintf(text, sizeof text, "version: 1\nx-deep: %.32s%.32s\n", open, close);
    configs_expect_error(text, "2:40: error: nesting is deeper than 32 levels");
}
END_TEST

START_TEST(a_file_over_one_mebibyte_is_refused)
{
    size_t size = (1 << 20) + 1;
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, ' ', size);
    text[size] = '\0';
    memcpy(text, "version: 1\n#", 12);
    configs_expect_errors(text, "test.yaml: error: the file is larger than 1 MiB\n");
    text[size - 1] = '\0';
    config_free(configs_load(text));
    free(text);
}
END_TEST

START_TEST(secrets_are_not_in_messages)
{
    char path[] = "/tmp/actord-secret-XXXXXX", text[200];
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *f = fdopen(fd, "w");
    ck_assert_ptr_nonnull(f);
    fputs("hunter2\n", f);
    fclose(f);
    snprintf(text, sizeof text, "version: 1\nlog: {level: \"${file:%s}\"}\n", path);
    char *all = configs_errors(text);
    remove(path);
    ck_assert_ptr_null(strstr(all, "hunter2"));
    ck_assert_ptr_nonnull(strstr(all, "level: '(secret)' is not valid"));
    free(all);
}
END_TEST

START_TEST(errors_are_sorted_and_have_plain_fields)
{
    config_errors *errs = config_errors_new();
    config_errors_add(errs, (config_mark){"b", 1, 1}, NULL, NULL, 0, "first file");
    config_errors_add(errs, (config_mark){"a", 9, 1}, "did you mean 'z'?", "\tx: y", 5, "%s %d",
                      "n", 3);
    config_errors_add(errs, (config_mark){"a", 2, 7}, NULL, NULL, 0, "earlier");
    config_errors_add(errs, (config_mark){"a", 2, 3}, NULL, NULL, 0, "earliest");
    ck_assert_uint_eq(config_errors_count(errs), 4);
    ck_assert_str_eq(config_errors_get(errs, 0)->message, "first file");
    ck_assert_str_eq(config_errors_get(errs, 1)->message, "earliest");
    ck_assert_str_eq(config_errors_get(errs, 2)->message, "earlier");
    const config_error *last = config_errors_get(errs, 3);
    ck_assert_str_eq(last->message, "n 3");
    ck_assert_str_eq(last->suggestion, "did you mean 'z'?");
    ck_assert_str_eq(last->at.file, "a");
    ck_assert_int_eq(last->at.line, 9);
    ck_assert_str_eq(last->source, "\tx: y");
    ck_assert_ptr_null(config_errors_get(errs, 4));
    char *text = config_errors_text(errs, "Nothing changed.");
    ck_assert_str_eq(text, "b:1:1: error: first file\n"
                           "a:2:3: error: earliest\n"
                           "a:2:7: error: earlier\n"
                           "a:9:1: error: n 3; did you mean 'z'?\n"
                           "    \tx: y\n"
                           "    ^\n"
                           "Nothing changed.\n");
    free(text);
    config_errors_free(errs);
    config_errors_free(NULL);
}
END_TEST

START_TEST(a_flood_of_errors_is_counted_and_cut)
{
    config_errors *errs = config_errors_new();
    for (int i = 0; i < CONFIG_ERRORS_MAX + 5; i++)
        config_errors_add(errs, (config_mark){"a", i + 1, 1}, NULL, NULL, 0, "bad");
    ck_assert_uint_eq(config_errors_count(errs), CONFIG_ERRORS_MAX + 5);
    ck_assert_uint_eq(config_errors_kept(errs), CONFIG_ERRORS_MAX);
    char *text = config_errors_text(errs, NULL);
    ck_assert_ptr_nonnull(strstr(text, "... and 5 more errors\n"));
    free(text);
    config_errors_free(errs);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_rule_of_the_format_has_its_error,
                                  each_unit_has_its_error,
                                  booleans_are_true_and_false_only,
                                  each_rule_of_a_child_has_its_error,
                                  fallbacks_must_exist_take_messages_and_lead_somewhere,
                                  each_rule_of_a_policy_has_its_error,
                                  each_rule_of_a_listener_and_the_store_has_its_error,
                                  what_is_not_built_yet_is_refused_with_its_place,
                                  each_rule_of_expansion_has_its_error,
                                  five_different_mistakes_print_five_errors,
                                  a_syntax_error_does_not_hide_the_errors_before_it,
                                  the_caret_stands_below_tabs_and_wide_characters,
                                  of_a_long_line_the_part_around_the_error_is_shown,
                                  nesting_is_bounded,
                                  a_file_over_one_mebibyte_is_refused,
                                  secrets_are_not_in_messages,
                                  errors_are_sorted_and_have_plain_fields,
                                  a_flood_of_errors_is_counted_and_cut,
                                  NULL};
    return suite_run("config_errors", tests, NULL, NULL);
}
