/* help: written from the tables of verbs and options. */
#include "actorctl/handlers.h"

#include "actorctl/human.h"

#include <stdio.h>
#include <string.h>

#define LEFT 30 /* the width of what stands before an explanation */

static void put_row(buf *out, const char *left, const char *right)
{
    buf_printf(out, "  %-*s %s\n", LEFT, left, right);
}

static void put_option(buf *out, const option_spec *o)
{
    char left[128];
    const char *value = o->metavar ? o->metavar : "";
    const char *before = o->argument == ARGUMENT_OPTIONAL   ? "[="
                         : o->argument == ARGUMENT_REQUIRED ? " "
                                                            : "";
    const char *after = o->argument == ARGUMENT_OPTIONAL ? "]" : "";
    char letter[8] = "";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "%s--%s%s%s%s", letter, o->name, before, value, after);
    if (strlen(left) > LEFT) {
        buf_printf(out, "  %s\n", left);
        left[0] = '\0';
    }
    put_row(out, left, o->help);
}

static void put_options(buf *out, const verb *v)
{
    if (v && v->options) {
        buf_puts(out, "\nOptions\n");
        for (size_t id = 0; id < OPT_COUNT; id++) {
            if (v->options & OPTION_BIT(id))
                put_option(out, &option_specs[id]);
        }
    }
    buf_puts(out, v ? "\nOptions of every verb\n" : "\nOptions, before or after the verb\n");
    for (size_t id = 0; id < OPT_COUNT; id++) {
        if (option_specs[id].global)
            put_option(out, &option_specs[id]);
    }
}

static void put_overview(buf *out)
{
    buf_puts(out, "actorctl [OPTIONS] VERB ...   controls a running actord\n\n");
    for (size_t i = 0; i < verb_count; i++) {
        if (!verbs[i].summary)
            continue;
        char left[64];
        snprintf(left, sizeof left, "%s %s", verbs[i].name, verbs[i].args);
        put_row(out, left, verbs[i].summary);
    }
    put_options(out, NULL);
    buf_puts(out,
             "\nExit status: 0 ok, 1 failed, 2 usage, 3 not healthy, 4 not found, 5 refused,\n"
             "6 timed out (outcome unknown), 7 cannot connect, 8 bad configuration, 9 denied.\n"
             "`actorctl help VERB` tells more; examples are in actorctl(1).\n");
}

void help_put(const verb *v, buf *out)
{
    if (!v) {
        put_overview(out);
        return;
    }
    buf_printf(out, "actorctl %s%s%s   %s\n", v->name, *v->args ? " " : "", v->args, v->summary);
    if (v->details)
        buf_printf(out, "\n%s", v->details);
    put_options(out, v);
}

/* The verbs of one noun. */
static void put_noun(const char *noun, buf *out)
{
    size_t len = strlen(noun);
    for (size_t i = 0; i < verb_count; i++) {
        if (!verbs[i].summary || strncmp(verbs[i].name, noun, len) != 0 ||
            verbs[i].name[len] != ' ')
            continue;
        char left[64];
        snprintf(left, sizeof left, "%s %s", verbs[i].name, verbs[i].args);
        put_row(out, left, verbs[i].summary);
    }
}

ctl_exit run_help(ctl *c)
{
    if (c->arg_count == 0) {
        help_put(NULL, &c->out);
        return EXIT_OK;
    }
    if (c->arg_count == 1 && verb_is_noun(c->args[0])) {
        put_noun(c->args[0], &c->out);
        return EXIT_OK;
    }
    size_t used;
    const char *near;
    const verb *v = verb_find(c->args, c->arg_count, &used, &near);
    if (!v)
        return ctl_fail(c, EXIT_USAGE, "actorctl help", "there is no verb '%s'%s%s%s", c->args[0],
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    if (!v->summary)
        return ctl_fail(c, EXIT_USAGE, "actorctl help", "'%s' is not supported yet", v->name);
    help_put(v, &c->out);
    return EXIT_OK;
}
