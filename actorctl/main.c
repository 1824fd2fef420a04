/* actorctl: the control program of actord. */
#include "actorctl/ctl.h"
#include "actorctl/handlers.h"
#include "actorctl/watch.h"

#include "config/units.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fill c->url. */
static ctl_exit choose_url(ctl *c)
{
    const char *url = c->opt.value[OPT_URL];
    if (!url)
        url = getenv("ACTORCTL_URL");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int len = 0;
    if (url && *url)
        len = asprintf(&c->url, "%s", url);
    else if (geteuid() == 0)
        len = asprintf(&c->url, "ipc:///run/actord/actord.sock");
    else if (runtime && *runtime)
        len = asprintf(&c->url, "ipc://%s/actord.sock", runtime);
    else
        return ctl_fail(c, EXIT_USAGE, "actorctl --url ipc:///run/actord/actord.sock status",
                        "which daemon? XDG_RUNTIME_DIR isn't set: give --url or $ACTORCTL_URL");
    if (len < 0) {
        c->url = NULL;
        return ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
    }
    return EXIT_OK;
}

/* Fill c->token, without the line feed at the file's end. */
static ctl_exit read_token(ctl *c)
{
    const char *path = c->opt.value[OPT_TOKEN_FILE];
    if (!path)
        return EXIT_OK;
    buf b = {0};
    ctl_exit status = ctl_read(c, path, &b);
    if (status == EXIT_OK) {
        while (b.len && (b.at[b.len - 1] == '\n' || b.at[b.len - 1] == '\r'))
            b.at[--b.len] = '\0';
        c->token = b.len ? strdup(b.at) : NULL;
        if (!c->token)
            status = ctl_fail(c, EXIT_USAGE, NULL, "there is no token in %s", path);
    }
    buf_free(&b);
    return status;
}

static ctl_exit read_timeout(ctl *c)
{
    const char *text = c->opt.value[OPT_TIMEOUT];
    int64_t us;
    units_err err = config_parse_duration(text ? text : CTL_DEFAULT_TIMEOUT, &us);
    if (err != UNITS_OK || us <= 0 || us / 1000 > INT_MAX / 2)
        return ctl_fail(c, EXIT_USAGE, NULL, "--timeout '%s' %s", text,
                        units_strerror(UNITS_DURATION, err != UNITS_OK ? err : UNITS_ERANGE));
    c->timeout_ms = (int)((us + 999) / 1000);
    return EXIT_OK;
}

static ctl_exit prepare_connection(ctl *c)
{
    ctl_exit status = read_timeout(c);
    if (status == EXIT_OK)
        status = choose_url(c);
    return status == EXIT_OK ? read_token(c) : status;
}

static ctl_exit find_verb(ctl *c)
{
    const char *const *words = c->opt.words;
    size_t used;
    const char *near;
    c->verb = verb_find(words, c->opt.word_count, &used, &near);
    if (c->verb) {
        c->args = words + used;
        c->arg_count = c->opt.word_count - used;
        return EXIT_OK;
    }
    if (c->opt.word_count == 0)
        return ctl_fail(c, EXIT_USAGE, "actorctl help", "what shall be done? A verb is missing");
    bool noun = verb_is_noun(words[0]);
    char next[64];
    snprintf(next, sizeof next, "actorctl help%s%.40s", noun ? " " : "", noun ? words[0] : "");
    const char *unknown = noun ? (c->opt.word_count > 1 ? words[1] : NULL) : words[0];
    if (!unknown)
        return ctl_fail(c, EXIT_USAGE, next, "what shall be done with %s?", words[0]);
    return ctl_fail(c, EXIT_USAGE, next, "unknown verb '%s%s%s'%s%s%s%s%s", noun ? words[0] : "",
                    noun ? " " : "", unknown, near ? "; did you mean '" : "",
                    near && noun ? words[0] : "", near && noun ? " " : "", near ? near : "",
                    near ? "'?" : "");
}

/* Do the options and arguments fit the verb? */
static ctl_exit check_usage(ctl *c)
{
    const verb *v = c->verb;
    char next[64];
    snprintf(next, sizeof next, "actorctl help %s", v->name);
    for (size_t id = 0; id < OPT_COUNT; id++) {
        if (ctl_has(c, (option_id)id) && !option_specs[id].global && !(v->options & OPTION_BIT(id)))
            return ctl_fail(c, EXIT_USAGE, next, "'%s' takes no --%s", v->name,
                            option_specs[id].name);
    }
    /* After "--" there may be arguments that look like options. */
    if (c->opt.command && !v->takes_command) {
        for (size_t i = 0; i < c->opt.command_count; i++)
            c->opt.words[c->opt.word_count++] = c->opt.command[i];
        c->arg_count += c->opt.command_count;
    }
    if (c->arg_count < v->min_args)
        return ctl_fail(c, EXIT_USAGE, next, "something is missing: actorctl %s %s", v->name,
                        v->args);
    if (c->arg_count > v->max_args)
        return ctl_fail(c, EXIT_USAGE, next, "'%s' is too much: actorctl %s %s",
                        c->args[v->max_args], v->name, v->args);
    const char *form = c->opt.value[OPT_OUTPUT];
    if (form && strcmp(form, "jsonl") != 0 && strcmp(form, "name") != 0)
        return ctl_fail(c, EXIT_USAGE, next, "-o '%s': valid are jsonl and name", form);
    return EXIT_OK;
}

/* Write what was collected, and forget it. A reader that went away (| head) isn't an error. */
static ctl_exit flush(ctl *c, ctl_exit status)
{
    if (!buf_ok(&c->out))
        return ctl_fail(c, EXIT_FAILED, NULL, "out of memory");
    errno = 0;
    if (c->out.len && (fwrite(c->out.at, 1, c->out.len, stdout) != c->out.len || fflush(stdout)))
        status = errno == EPIPE ? EXIT_OK
                                : ctl_fail(c, EXIT_FAILED, NULL, "cannot write to stdout: %s",
                                           strerror(errno));
    buf_clear(&c->out);
    return status;
}

static ctl_exit run(ctl *c)
{
    if (ctl_has(c, OPT_VERSION))
        return run_version(c);
    if (ctl_has(c, OPT_HELP) && c->opt.word_count == 0) {
        help_put(NULL, &c->out);
        return EXIT_OK;
    }
    ctl_exit status = find_verb(c);
    if (status != EXIT_OK)
        return status;
    if (!c->verb->summary)
        return ctl_fail(c, EXIT_USAGE, "actorctl help", "'%s' is not supported yet", c->verb->name);
    if (ctl_has(c, OPT_HELP)) {
        help_put(c->verb, &c->out);
        return EXIT_OK;
    }
    status = check_usage(c);
    if (status == EXIT_OK && !c->verb->local)
        status = prepare_connection(c);
    if (status != EXIT_OK)
        return status;
    return ctl_has(c, OPT_WATCH) ? watch_run(c, flush) : c->verb->run(c);
}

int main(int argc, char **argv)
{
    ctl c = {0};
    char why[OPTIONS_WHY];
    /* For the widths of characters only; messages and numbers stay as they are. */
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        setlocale(LC_CTYPE, "");
    c.look = look_at(STDOUT_FILENO);
    ctl_exit status = options_parse(argc, argv, &c.opt, why)
                          ? run(&c)
                          : ctl_fail(&c, EXIT_USAGE, "actorctl help", "%s", why);
    status = flush(&c, status);
    client_close(c.client);
    free(c.url);
    free(c.token);
    buf_free(&c.out);
    options_free(&c.opt);
    return (int)status;
}
