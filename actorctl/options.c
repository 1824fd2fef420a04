#include "actorctl/options.h"

#include "config/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const option_spec option_specs[OPT_COUNT] = {
    [OPT_URL] = {"url", 0, ARGUMENT_REQUIRED, true, "URL", "the daemon's socket ($ACTORCTL_URL)"},
    [OPT_TOKEN_FILE] = {"token-file", 0, ARGUMENT_REQUIRED, true, "FILE",
                        "send the token in FILE with every request"},
    [OPT_JSON] = {"json", 0, ARGUMENT_NONE, true, NULL,
                  "print the daemon's result as JSON; errors too, on stderr"},
    [OPT_TIMEOUT] = {"timeout", 0, ARGUMENT_REQUIRED, true, "DURATION",
                     "wait at most this long for the answer (30s)"},
    [OPT_HELP] = {"help", 'h', ARGUMENT_NONE, true, NULL, "what the verb does and takes"},
    [OPT_OUTPUT] = {"output", 'o', ARGUMENT_REQUIRED, false, "jsonl|name",
                    "one JSON object, or one name, a line"},
    [OPT_WATCH] = {"watch", 0, ARGUMENT_OPTIONAL, false, "DURATION",
                   "repeat until interrupted (every 1s)"},
    [OPT_YES] = {"yes", 'y', ARGUMENT_NONE, false, NULL, "don't ask"},
    [OPT_DRY_RUN] = {"dry-run", 'n', ARGUMENT_NONE, false, NULL, "only show what would be done"},
    [OPT_DELAY] = {"delay", 0, ARGUMENT_REQUIRED, false, "DURATION", "not before this has passed"},
    [OPT_AT] = {"at", 0, ARGUMENT_REQUIRED, false, "TIME", "not before this time (RFC 3339)"},
    [OPT_TTL] = {"ttl", 0, ARGUMENT_REQUIRED, false, "DURATION",
                 "the message expires when it isn't done by then"},
    [OPT_PRIORITY] = {"priority", 0, ARGUMENT_REQUIRED, false, "low|normal|high|critical",
                      "before messages of a lower one"},
    [OPT_KEY] = {"key", 0, ARGUMENT_REQUIRED, false, "KEY",
                 "idempotency key: the same one is accepted once"},
    [OPT_JSONL] = {"jsonl", 0, ARGUMENT_NONE, false, NULL,
                   "every line of standard input is a message"},
    [OPT_UNDER] = {"under", 0, ARGUMENT_REQUIRED, false, "SUPERVISOR", "where (root)"},
    [OPT_RESTART] = {"restart", 0, ARGUMENT_REQUIRED, false, "permanent|transient|temporary",
                     "when it is started again"},
    [OPT_INSTANCES] = {"instances", 0, ARGUMENT_REQUIRED, false, "N",
                       "a pool of N that share one mailbox"},
    [OPT_SET] = {"set", 0, ARGUMENT_REQUIRED, false, "KEY=VALUE",
                 "any other key of the configuration, e.g. mailbox.capacity=10"},
    [OPT_EXEC] = {"exec", 0, ARGUMENT_NONE, false, NULL, "one process a message, not a worker"},
    [OPT_ACTOR] = {"actor", 0, ARGUMENT_REQUIRED, false, "NAME", "only those of this actor"},
    [OPT_REASON] = {"reason", 0, ARGUMENT_REQUIRED, false, "REASON", "only those with this reason"},
    [OPT_SINCE] = {"since", 0, ARGUMENT_REQUIRED, false, "DURATION", "only those not older"},
    [OPT_CHECK] = {"check", 0, ARGUMENT_NONE, false, NULL, "exit 3 when not healthy"},
    [OPT_VERSION] = {"version", 0, ARGUMENT_NONE, true, NULL, "actorctl's version"},
};

static bool complain_unknown(const char *word, size_t len, char why[OPTIONS_WHY])
{
    char name[SUGGEST_MAX] = "";
    if (len < sizeof name)
        memcpy(name, word, len);
    const char *names[OPT_COUNT];
    for (size_t i = 0; i < OPT_COUNT; i++)
        names[i] = option_specs[i].name;
    const char *near = suggest_nearest(name, names, OPT_COUNT);
    int shown = len < 60 ? (int)len : 60;
    snprintf(why, OPTIONS_WHY, "unknown option --%.*s%s%s%s", shown, word,
             near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
    return false;
}

/* Take the option `id`, whose value, if it was written in the same word, is `value`. */
static bool take(options *o, option_id id, const char *value, int argc, char **argv, int *i,
                 char why[OPTIONS_WHY])
{
    const option_spec *spec = &option_specs[id];
    if (spec->argument == ARGUMENT_NONE && value) {
        snprintf(why, OPTIONS_WHY, "--%s takes no value", spec->name);
        return false;
    }
    if (spec->argument == ARGUMENT_REQUIRED && !value) {
        if (*i + 1 >= argc) {
            snprintf(why, OPTIONS_WHY, "--%s needs a value: --%s %s", spec->name, spec->name,
                     spec->metavar);
            return false;
        }
        value = argv[++*i];
    }
    o->value[id] = value ? value : "";
    if (id == OPT_SET)
        o->sets[o->set_count++] = value;
    return true;
}

static bool take_long(options *o, int argc, char **argv, int *i, char why[OPTIONS_WHY])
{
    const char *word = argv[*i] + 2;
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    for (size_t id = 0; id < OPT_COUNT; id++) {
        if (strlen(option_specs[id].name) == len && memcmp(option_specs[id].name, word, len) == 0)
            return take(o, (option_id)id, equals ? equals + 1 : NULL, argc, argv, i, why);
    }
    return complain_unknown(word, len, why);
}

static bool take_short(options *o, int argc, char **argv, int *i, char why[OPTIONS_WHY])
{
    const char *word = argv[*i] + 1;
    for (size_t id = 0; id < OPT_COUNT; id++) {
        if (option_specs[id].letter && option_specs[id].letter == *word)
            return take(o, (option_id)id, word[1] ? word + 1 : NULL, argc, argv, i, why);
    }
    snprintf(why, OPTIONS_WHY, "unknown option -%.60s", word);
    return false;
}

/* "-" is standard input and "-5" a payload. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

bool options_parse(int argc, char **argv, options *out, char why[OPTIONS_WHY])
{
    options o = {0};
    size_t most = argc > 0 ? (size_t)argc : 1;
    o.words = calloc(most, sizeof *o.words);
    o.sets = calloc(most, sizeof *o.sets);
    bool good = o.words && o.sets;
    if (!good)
        snprintf(why, OPTIONS_WHY, "out of memory");
    for (int i = 1; good && i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            o.command = argv + i + 1;
            o.command_count = (size_t)(argc - i - 1);
            break;
        }
        if (!is_option(argv[i]))
            o.words[o.word_count++] = argv[i];
        else if (argv[i][1] == '-')
            good = take_long(&o, argc, argv, &i, why);
        else
            good = take_short(&o, argc, argv, &i, why);
    }
    if (good)
        *out = o;
    else
        options_free(&o);
    return good;
}

void options_free(options *o)
{
    free(o->words);
    free(o->sets);
    *o = (options){0};
}
