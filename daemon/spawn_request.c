#include "daemon/spawn_request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t list_count(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL)
        n++;
    return n;
}

static size_t list_bytes(const char *const *list)
{
    size_t bytes = 0;
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        bytes += strlen(list[i]) + 1;
    return bytes;
}

static char *copy_text(char **at, const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = *at;
    size_t n = strlen(text) + 1;
    memcpy(copy, text, n);
    *at += n;
    return copy;
}

static void copy_list(char **to, char **at, const char *const *list)
{
    size_t n = list_count(list);
    for (size_t i = 0; i < n; i++)
        to[i] = copy_text(at, list[i]);
    to[n] = NULL;
}

static bool spec_is_valid(const process_spec *spec)
{
    if (spec->argv == NULL || spec->argv[0] == NULL || spec->argv[0][0] == '\0')
        return false;
    for (size_t i = 0; spec->env != NULL && spec->env[i] != NULL; i++)
        if (spec->env[i][0] == '=' || strchr(spec->env[i], '=') == NULL)
            return false;
    return true;
}

int spawn_request_create(const process_spec *spec, spawn_done_fn done, void *arg,
                         spawn_request **out)
{
    if (!spec_is_valid(spec))
        return EINVAL;
    size_t argc = list_count(spec->argv), envc = list_count(spec->env);
    size_t pointers = (argc + envc + 2) * sizeof(char *);
    size_t texts = list_bytes(spec->argv) + list_bytes(spec->env) +
                   (spec->directory != NULL ? strlen(spec->directory) + 1 : 0) +
                   (spec->user != NULL ? strlen(spec->user) + 1 : 0);
    spawn_request *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return ENOMEM;
    r->block = malloc(pointers + texts);
    if (r->block == NULL) {
        free(r);
        return ENOMEM;
    }
    char *at = r->block + pointers;
    r->argv = (char **)(void *)r->block;
    r->env = r->argv + argc + 1;
    copy_list(r->argv, &at, spec->argv);
    copy_list(r->env, &at, spec->env);
    r->program = r->argv[0];
    r->directory = copy_text(&at, spec->directory);
    r->user = copy_text(&at, spec->user);
    r->limits = spec->limits;
    r->done = done;
    r->arg = arg;
    *out = r;
    return 0;
}

void spawn_request_free(spawn_request *r)
{
    if (r == NULL)
        return;
    free(r->block);
    free(r);
}

void spawn_request_cancel(spawn_request *r)
{
    atomic_store(&r->cancelled, true);
}

/* One setting as the next of argv; an argument of the helper is its own line. */
static __attribute__((format(printf, 3, 4))) void add(FILE *f, size_t *count, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vfprintf(f, fmt, args);
    va_end(args);
    fputc('\0', f);
    (*count)++;
}

static int write_settings(const spawn_request *r, const account *who, uint64_t open_files,
                          char **text, size_t *count)
{
    size_t size;
    FILE *f = open_memstream(text, &size);
    if (f == NULL)
        return ENOMEM;
    add(f, count, "actord-child");
    add(f, count, "parent=%ld", (long)getpid());
    if (who != NULL) {
        add(f, count, "uid=%lu", (unsigned long)who->uid);
        add(f, count, "gid=%lu", (unsigned long)who->gid);
        fputs("groups=", f);
        for (int i = 0; i < who->ngroups; i++)
            fprintf(f, "%s%lu", i > 0 ? "," : "", (unsigned long)who->groups[i]);
        add(f, count, "%s", "");
    }
    if (r->directory != NULL)
        add(f, count, "directory=%s", r->directory);
    add(f, count, "open_files=%" PRIu64, r->limits.open_files);
    add(f, count, "open_files_soft=%" PRIu64, open_files);
    add(f, count, "memory=%" PRIu64, r->limits.memory_bytes);
    add(f, count, "cpu=%" PRIu64, r->limits.cpu_seconds);
    add(f, count, "--");
    bool bad = ferror(f) != 0;
    return fclose(f) != 0 || bad ? ENOMEM : 0;
}

int spawn_command_build(spawn_command *c, const spawn_request *r, const account *who,
                        uint64_t open_files)
{
    size_t count = 0;
    int err = write_settings(r, who, open_files, &c->settings, &count);
    if (err != 0)
        return err;
    size_t argc = list_count((const char *const *)r->argv);
    c->argv = calloc(count + argc + 1, sizeof(*c->argv));
    if (c->argv == NULL)
        return ENOMEM;
    char *at = c->settings;
    for (size_t i = 0; i < count; i++) {
        c->argv[i] = at;
        at += strlen(at) + 1;
    }
    memcpy(c->argv + count, r->argv, argc * sizeof(*c->argv));
    return 0;
}

void spawn_command_clear(spawn_command *c)
{
    free(c->argv);
    free(c->settings);
    *c = (spawn_command){0};
}
