/* completion: scripts for shells, written from the tables of verbs and options. Names are asked
 * from the daemon at the time, and left out when it doesn't answer. */
#include "actorctl/handlers.h"

#include <string.h>

/* How the names that a verb takes are listed. */
static const char *names_command(verb_names names)
{
    static const char *const commands[] = {
        [NAMES_ACTOR] = "actorctl ls -o name --timeout 1s",
        [NAMES_BREAKER] = "actorctl breaker ls -o name --timeout 1s",
        [NAMES_DEADLETTER] = "actorctl deadletters ls -o name --timeout 1s",
    };
    return (size_t)names < sizeof commands / sizeof *commands ? commands[names] : NULL;
}

/* The options that `v` takes, each after a blank. */
static void put_flags(const verb *v, buf *out)
{
    for (size_t id = 0; id < OPT_COUNT; id++) {
        if (option_specs[id].global || (v->options & OPTION_BIT(id)))
            buf_printf(out, " --%s", option_specs[id].name);
    }
}

/* The first words, each once; nouns are grouped in the table. */
static void put_first_words(buf *out)
{
    const char *before = "";
    size_t before_len = 0;
    for (size_t i = 0; i < verb_count; i++) {
        size_t len = strcspn(verbs[i].name, " ");
        if (!verbs[i].summary || (len == before_len && memcmp(before, verbs[i].name, len) == 0))
            continue;
        buf_printf(out, " %.*s", (int)len, verbs[i].name);
        before = verbs[i].name;
        before_len = len;
    }
}

/* The second words of the noun `noun`. */
static void put_second_words(const char *noun, buf *out)
{
    size_t len = strlen(noun);
    for (size_t i = 0; i < verb_count; i++) {
        if (verbs[i].summary && strncmp(verbs[i].name, noun, len) == 0 && verbs[i].name[len] == ' ')
            buf_printf(out, " %s", verbs[i].name + len + 1);
    }
}

static const char *const nouns[] = {"deadletters", "breaker"};

/* bash; zsh runs the same function under bashcompinit. */
static void put_bash(buf *out)
{
    buf_puts(out, "_actorctl() {\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} first= second= word words= flags= ask=\n"
                  "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                  "        case $word in\n"
                  "        -*) ;;\n"
                  "        *) if [ -z \"$first\" ]; then first=$word\n"
                  "           elif [ -z \"$second\" ]; then second=$word; fi ;;\n"
                  "        esac\n"
                  "    done\n"
                  "    case $first in\n"
                  "    '') words='");
    put_first_words(out);
    buf_puts(out, "' ;;\n");
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++) {
        buf_printf(out, "    %s) if [ -z \"$second\" ]; then words='", nouns[i]);
        put_second_words(nouns[i], out);
        buf_puts(out, "'; else first=\"$first $second\"; fi ;;\n");
    }
    buf_puts(out, "    esac\n    case $first in\n");
    for (size_t i = 0; i < verb_count; i++) {
        const verb *v = &verbs[i];
        if (!v->summary)
            continue;
        const char *ask = names_command(v->names);
        buf_printf(out, "    '%s') flags='", v->name);
        put_flags(v, out);
        buf_printf(out, "' ask='%s' ;;\n", ask ? ask : v->names == NAMES_FILE ? "file" : "");
    }
    buf_puts(out, "    esac\n"
                  "    case $cur in\n"
                  "    -*) words=$flags ;;\n"
                  "    *) case $ask in\n"
                  "       '') ;;\n"
                  "       file) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
                  "       *) words=$($ask 2>/dev/null) ;;\n"
                  "       esac ;;\n"
                  "    esac\n"
                  "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                  "}\n"
                  "complete -F _actorctl actorctl\n");
}

static void put_zsh(buf *out)
{
    buf_puts(out, "#compdef actorctl\n"
                  "autoload -U +X bashcompinit && bashcompinit\n");
    put_bash(out);
}

/* A text in single quotes, as fish reads them. */
static void put_quoted(const char *text, buf *out)
{
    buf_puts(out, "'");
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_puts(out, "\\");
        buf_add(out, text, 1);
    }
    buf_puts(out, "'");
}

/* "the words so far name this verb", as a condition. */
static void put_fish_condition(const verb *v, buf *out)
{
    const char *blank = strchr(v->name, ' ');
    size_t len = blank ? (size_t)(blank - v->name) : strlen(v->name);
    buf_printf(out, " -n '__fish_seen_subcommand_from %.*s", (int)len, v->name);
    if (blank)
        buf_printf(out, "; and __fish_seen_subcommand_from %s", blank + 1);
    buf_puts(out, "'");
}

static void put_fish_verb(const verb *v, buf *out)
{
    const char *ask = names_command(v->names);
    if (ask) {
        buf_puts(out, "complete -c actorctl");
        put_fish_condition(v, out);
        buf_printf(out, " -a '(%s 2>/dev/null)'\n", ask);
    } else if (v->names == NAMES_FILE) {
        buf_puts(out, "complete -c actorctl");
        put_fish_condition(v, out);
        buf_puts(out, " -F\n");
    }
    for (size_t id = 0; id < OPT_COUNT; id++) {
        if (!(v->options & OPTION_BIT(id)))
            continue;
        buf_puts(out, "complete -c actorctl");
        put_fish_condition(v, out);
        buf_printf(out, " -l %s%s -d ", option_specs[id].name,
                   option_specs[id].argument == ARGUMENT_REQUIRED ? " -x" : "");
        put_quoted(option_specs[id].help, out);
        buf_puts(out, "\n");
    }
}

static void put_fish(buf *out)
{
    buf_puts(out, "complete -c actorctl -f\ncomplete -c actorctl -n __fish_use_subcommand -a '");
    put_first_words(out);
    buf_puts(out, "'\n");
    for (size_t i = 0; i < sizeof nouns / sizeof *nouns; i++) {
        buf_printf(out, "complete -c actorctl -n '__fish_seen_subcommand_from %s' -a '", nouns[i]);
        put_second_words(nouns[i], out);
        buf_puts(out, "'\n");
    }
    for (size_t id = 0; id < OPT_COUNT; id++) {
        if (!option_specs[id].global)
            continue;
        buf_printf(out, "complete -c actorctl -l %s%s -d ", option_specs[id].name,
                   option_specs[id].argument == ARGUMENT_REQUIRED ? " -r" : "");
        put_quoted(option_specs[id].help, out);
        buf_puts(out, "\n");
    }
    for (size_t i = 0; i < verb_count; i++) {
        if (verbs[i].summary)
            put_fish_verb(&verbs[i], out);
    }
}

ctl_exit run_completion(ctl *c)
{
    static const struct {
        const char *shell;
        void (*put)(buf *out);
    } shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].shell, c->args[0]) == 0) {
            shells[i].put(&c->out);
            return EXIT_OK;
        }
    }
    return ctl_fail(c, EXIT_USAGE, "actorctl help completion", "'%s': valid are bash, zsh and fish",
                    c->args[0]);
}
