#include "actorctl/verb.h"

#include "actorctl/handlers.h"
#include "config/suggest.h"

#include <stdio.h>
#include <string.h>

#define ANY_NUMBER SIZE_MAX

#define LIST_OPTIONS   (OPTION_BIT(OPT_OUTPUT) | OPTION_BIT(OPT_WATCH))
#define DANGER_OPTIONS (OPTION_BIT(OPT_YES) | OPTION_BIT(OPT_DRY_RUN))
#define MESSAGE_OPTIONS                                                                            \
    (OPTION_BIT(OPT_DELAY) | OPTION_BIT(OPT_AT) | OPTION_BIT(OPT_TTL) | OPTION_BIT(OPT_PRIORITY) | \
     OPTION_BIT(OPT_KEY))
#define FILTER_OPTIONS (OPTION_BIT(OPT_ACTOR) | OPTION_BIT(OPT_REASON) | OPTION_BIT(OPT_SINCE))
#define SPAWN_OPTIONS                                                                              \
    (OPTION_BIT(OPT_UNDER) | OPTION_BIT(OPT_RESTART) | OPTION_BIT(OPT_INSTANCES) |                 \
     OPTION_BIT(OPT_SET) | OPTION_BIT(OPT_EXEC))

#define PAYLOAD_NOTE                                                                               \
    "The JSON reaches the actor byte for byte. With -, or with no JSON where standard input\n"     \
    "is not a terminal, it is read from there.\n"

const verb verbs[] = {
    {.name = "status",
     .args = "",
     .summary = "health in one screen",
     .details = "Healthy means: not draining, every actor runs or was stopped or paused on "
                "purpose, and no\n"
                "breaker is open. --check exits 3 otherwise.\n",
     .options = OPTION_BIT(OPT_CHECK) | OPTION_BIT(OPT_WATCH),
     .run = run_status},
    {.name = "ls",
     .args = "",
     .summary = "the actors, one a line",
     .options = LIST_OPTIONS,
     .run = run_ls},
    {.name = "tree",
     .args = "[NAME]",
     .summary = "the supervision tree, or the part under NAME",
     .options = OPTION_BIT(OPT_WATCH),
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_tree},
    {.name = "inspect",
     .args = "NAME",
     .summary = "everything about one actor, and why it is as it is",
     .options = OPTION_BIT(OPT_WATCH),
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_inspect},
    {.name = "state",
     .args = "NAME",
     .summary = "the state that a worker shows",
     .details = "It is printed byte for byte; null when there is none.\n",
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_state},
    {.name = "send",
     .args = "ACTOR [JSON|-]",
     .summary = "queue a message; prints its id",
     .details = PAYLOAD_NOTE
     "With --jsonl every line is a message; they are sent in order, and the ids printed.\n",
     .options = MESSAGE_OPTIONS | OPTION_BIT(OPT_JSONL),
     .min_args = 1,
     .max_args = 2,
     .names = NAMES_ACTOR,
     .run = run_send},
    {.name = "ask",
     .args = "ACTOR [JSON|-]",
     .summary = "send a message and print the reply",
     .details = PAYLOAD_NOTE
     "After --timeout the message is withdrawn if it hasn't begun; if it has, it goes on.\n",
     .options = MESSAGE_OPTIONS,
     .min_args = 1,
     .max_args = 2,
     .names = NAMES_ACTOR,
     .run = run_ask},
    {.name = "result",
     .args = "ID",
     .summary = "what became of a message",
     .min_args = 1,
     .max_args = 1,
     .run = run_result},
    {.name = "wait",
     .args = "ID",
     .summary = "wait until a message has ended",
     .details = "Waits for ever unless --timeout is given. Exits 3 when the message ended in "
                "another state\n"
                "than done.\n",
     .min_args = 1,
     .max_args = 1,
     .run = run_wait},
    {.name = "cancel",
     .args = "ID",
     .summary = "cancel a message",
     .min_args = 1,
     .max_args = 1,
     .run = run_cancel},
    {.name = "spawn",
     .args = "NAME -- CMD...",
     .summary = "start a new actor",
     .details =
         "CMD is a worker (NDJSON on its stdin and stdout); with --exec one process is run a "
         "message.\n"
         "--set takes every key of a child in the configuration; dots go deeper:\n"
         "  actorctl spawn mail --exec --set mailbox.capacity=10 --set timeout=5s -- ./mail.sh\n"
         "A value that is JSON keeps its type, anything else is a string. Another kind of actor "
         "is\n"
         "made without CMD: actorctl spawn e --set 'echo={}'.\n",
     .options = SPAWN_OPTIONS,
     .min_args = 1,
     .max_args = 1,
     .takes_command = true,
     .run = run_spawn},
    {.name = "stop",
     .args = "NAME",
     .summary = "stop an actor or a supervisor; what waits becomes dead letters",
     .options = DANGER_OPTIONS,
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_stop},
    {.name = "restart",
     .args = "NAME",
     .summary = "restart an actor or a supervisor; what waits is kept",
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_restart},
    {.name = "kill",
     .args = "NAME",
     .summary = "end it at once; its supervisor decides what follows",
     .options = DANGER_OPTIONS,
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_kill},
    {.name = "delete",
     .args = "NAME",
     .summary = "remove a stopped actor from its supervisor",
     .options = DANGER_OPTIONS,
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_delete},
    {.name = "pause",
     .args = "NAME",
     .summary = "begin no further message; what is sent waits",
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_pause},
    {.name = "resume",
     .args = "NAME",
     .summary = "end a pause",
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_resume},
    {.name = "purge",
     .args = "NAME",
     .summary = "throw away the messages that wait",
     .options = DANGER_OPTIONS,
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_ACTOR,
     .run = run_purge},
    {.name = "scale",
     .args = "NAME N",
     .summary = "let N instances share the actor's mailbox",
     .details = "Answers when the new instances have started, or the surplus ones have finished "
                "what\nthey had in hand and are gone. A reload leaves the number alone unless "
                "`instances` in\nthe file has changed.\n",
     .min_args = 2,
     .max_args = 2,
     .names = NAMES_ACTOR,
     .run = run_scale},
    {.name = "deadletters ls",
     .args = "",
     .summary = "messages that failed for good",
     .options = FILTER_OPTIONS | LIST_OPTIONS,
     .run = run_deadletters_ls},
    {.name = "deadletters show",
     .args = "ID",
     .summary = "everything about one of them",
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_DEADLETTER,
     .run = run_deadletters_show},
    {.name = "deadletters replay",
     .args = "[ID...]",
     .summary = "send them again, by id or by filter",
     .details = "Without an ID and without a filter, all of them.\n",
     .options = FILTER_OPTIONS | OPTION_BIT(OPT_DRY_RUN),
     .max_args = ANY_NUMBER,
     .names = NAMES_DEADLETTER,
     .run = run_deadletters_replay},
    {.name = "deadletters drop",
     .args = "[ID...]",
     .summary = "forget them, by id or by filter",
     .details = "Without an ID and without a filter, all of them.\n",
     .options = FILTER_OPTIONS | DANGER_OPTIONS,
     .max_args = ANY_NUMBER,
     .names = NAMES_DEADLETTER,
     .run = run_deadletters_drop},
    {.name = "breaker ls",
     .args = "[NAME]",
     .summary = "the circuit breakers",
     .options = LIST_OPTIONS,
     .max_args = 1,
     .names = NAMES_BREAKER,
     .run = run_breaker_ls},
    {.name = "breaker open",
     .args = "NAME",
     .summary = "refuse every call until it is closed by hand",
     .options = DANGER_OPTIONS,
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_BREAKER,
     .run = run_breaker_open},
    {.name = "breaker close",
     .args = "NAME",
     .summary = "let calls through again",
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_BREAKER,
     .run = run_breaker_close},
    {.name = "breaker reset",
     .args = "NAME",
     .summary = "as new: closed, nothing counted",
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_BREAKER,
     .run = run_breaker_reset},
    {.name = "check",
     .args = "FILE|-",
     .summary = "would the daemon take this configuration?",
     .details = "The text is checked by the running daemon; what it includes is looked for beside "
                "the\n"
                "daemon's own. `actord --check --config FILE` needs no daemon, and looks for "
                "programs,\n"
                "folders, users and groups, too. Exits 8 when the configuration is wrong.\n",
     .min_args = 1,
     .max_args = 1,
     .names = NAMES_FILE,
     .run = run_check},
    {.name = "diff",
     .args = "",
     .summary = "what a reload would change",
     .details = "The daemon reads its configuration again and answers with the plan; nothing is\n"
                "changed. Exits 8 when the configuration is wrong.\n",
     .run = run_diff},
    {.name = "reload",
     .args = "",
     .summary = "read the configuration again and apply it",
     .run = run_reload},
    {.name = "raw",
     .args = "JSON|-",
     .summary = "send a request as it stands and print the answer",
     .details = "Nothing is added, the token neither: put it in as the member \"auth\".\n",
     .max_args = 1,
     .run = run_raw},
    {.name = "version",
     .args = "",
     .summary = "actorctl's version",
     .run = run_version,
     .local = true},
    {.name = "help",
     .args = "[VERB]",
     .summary = "what a verb does and takes",
     .max_args = 2,
     .run = run_help,
     .local = true},
    {.name = "completion",
     .args = "bash|zsh|fish",
     .summary = "a completion script for a shell",
     .min_args = 1,
     .max_args = 1,
     .run = run_completion,
     .local = true},

    /* Of the contract, not built yet. */
    {.name = "group"},
    {.name = "jobs"},
    {.name = "top"},
    {.name = "trace"},
    {.name = "events"},
    {.name = "logs"},
    {.name = "config show"},
    {.name = "drain"},
    {.name = "undrain"},
    {.name = "shutdown"},
    {.name = "metrics"},
    {.name = "bench"},
};
const size_t verb_count = sizeof verbs / sizeof *verbs;

/* The length of the first of a row's words. */
static size_t first_word(const verb *v)
{
    return strcspn(v->name, " ");
}

bool verb_is_noun(const char *word)
{
    for (size_t i = 0; i < verb_count; i++) {
        size_t len = first_word(&verbs[i]);
        if (verbs[i].name[len] && strlen(word) == len && memcmp(verbs[i].name, word, len) == 0)
            return true;
    }
    return false;
}

/* The nearest of the names that begin with `noun` and a blank, or of all first words. */
static const char *nearest(const char *noun, const char *word)
{
    suggest s;
    suggest_start(&s, word);
    size_t skip = noun ? strlen(noun) + 1 : 0;
    for (size_t i = 0; i < verb_count; i++) {
        const char *name = verbs[i].name;
        if (!verbs[i].summary || (noun && strncmp(name, noun, skip - 1) != 0))
            continue;
        if (noun && name[skip - 1] != ' ')
            continue;
        if (!noun && name[first_word(&verbs[i])])
            continue;
        suggest_offer(&s, name + skip);
    }
    if (!noun) {
        suggest_offer(&s, "deadletters");
        suggest_offer(&s, "breaker");
    }
    return s.best;
}

const verb *verb_find(const char *const *words, size_t count, size_t *used, const char **near)
{
    *near = NULL;
    *used = count ? 1 : 0;
    if (!count)
        return NULL;
    bool noun = verb_is_noun(words[0]);
    if (noun && count < 2)
        return NULL;
    for (size_t i = 0; i < verb_count; i++) {
        const char *name = verbs[i].name;
        size_t len = first_word(&verbs[i]);
        if (strlen(words[0]) != len || memcmp(name, words[0], len) != 0)
            continue;
        if (!noun)
            return &verbs[i];
        if (strcmp(name + len + 1, words[1]) == 0) {
            *used = 2;
            return &verbs[i];
        }
    }
    *near = noun ? nearest(words[0], words[1]) : nearest(NULL, words[0]);
    return NULL;
}
