#include "errors.h"

#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a long line, so many characters are kept before the place and behind it. */
enum { BEFORE = 80, BEHIND = 40 };

typedef struct entry {
    config_error error;
    size_t file;  /* index into the list's files */
    size_t order; /* of arrival: a stable sort */
    char *message, *suggestion, *source;
} entry;

struct config_errors {
    entry *entries;
    size_t kept, room, total;
    char **files; /* in the order in which they were first named */
    size_t file_count;
    bool sorted, oom;
};

const char *config_strerror(config_err err)
{
    switch (err) {
    case CONFIG_OK:
        return "ok";
    case CONFIG_EINVALID:
        return "the configuration is not valid";
    case CONFIG_ENOMEM:
        return "out of memory";
    }
    return "unknown error";
}

config_errors *config_errors_new(void)
{
    return calloc(1, sizeof(config_errors));
}

static void entry_free(entry *e)
{
    free(e->message);
    free(e->suggestion);
    free(e->source);
}

void config_errors_free(config_errors *errs)
{
    if (!errs)
        return;
    for (size_t i = 0; i < errs->kept; i++)
        entry_free(&errs->entries[i]);
    for (size_t i = 0; i < errs->file_count; i++)
        free(errs->files[i]);
    free(errs->files);
    free(errs->entries);
    free(errs);
}

/* The part of the line around `column`, made printable; *caret is where `column` is in it. */
static char *excerpt(const char *line, size_t length, int column, int *caret)
{
    size_t before = column > 0 ? (size_t)column - 1 : 0;
    size_t skip = before > BEFORE ? before - BEFORE / 2 : 0;
    const char *p = line, *end = line + length;
    for (size_t i = 0; i < skip && p < end; i++)
        p += text_char(p, (size_t)(end - p), NULL);
    const char *stop = p;
    for (size_t i = 0; i < before - skip + BEHIND && stop < end; i++)
        stop += text_char(stop, (size_t)(end - stop), NULL);
    textbuf out = {0};
    if (skip)
        text_add(&out, "...");
    text_add_printable(&out, p, (size_t)(stop - p));
    if (stop < end)
        text_add(&out, "...");
    *caret = (int)(before - skip + (skip ? 3 : 0));
    return text_take(&out);
}

void config_errors_order(config_errors *errs, const char *file)
{
    for (size_t i = 0; i < errs->file_count; i++)
        if (strcmp(errs->files[i], file) == 0)
            return;
    char **files = realloc(errs->files, (errs->file_count + 1) * sizeof *files);
    char *name = strdup(file);
    if (files)
        errs->files = files;
    if (files && name) {
        files[errs->file_count++] = name;
        return;
    }
    free(name);
    errs->oom = true;
}

/* False when the file could not be noted for lack of memory. */
static bool find_file(config_errors *errs, const char *file, size_t *index)
{
    config_errors_order(errs, file);
    for (size_t i = 0; i < errs->file_count; i++) {
        if (strcmp(errs->files[i], file) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool grow(config_errors *errs)
{
    if (errs->kept < errs->room)
        return true;
    size_t room = errs->room ? errs->room * 2 : 8;
    entry *entries = realloc(errs->entries, room * sizeof *entries);
    if (!entries)
        return false;
    errs->entries = entries;
    errs->room = room;
    return true;
}

void config_errors_add(config_errors *errs, config_mark at, const char *suggestion,
                       const char *source, size_t source_len, const char *format, ...)
{
    errs->total++;
    if (errs->kept == CONFIG_ERRORS_MAX)
        return;
    entry e = {.error = {.at = at}, .order = errs->total};
    textbuf message = {0};
    va_list args;
    va_start(args, format);
    text_vaddf(&message, format, args);
    va_end(args);
    e.message = text_take(&message);
    e.suggestion = suggestion ? strdup(suggestion) : NULL;
    e.source = source ? excerpt(source, source_len, at.column, &e.error.caret) : NULL;
    if (!e.message || (suggestion && !e.suggestion) || (source && !e.source) ||
        !find_file(errs, at.file ? at.file : "", &e.file) || !grow(errs)) {
        entry_free(&e);
        errs->oom = true;
        return;
    }
    e.error.at.file = errs->files[e.file];
    e.error.message = e.message;
    e.error.suggestion = e.suggestion;
    e.error.source = e.source;
    errs->entries[errs->kept++] = e;
    errs->sorted = false;
}

void config_errors_set_oom(config_errors *errs)
{
    errs->oom = true;
}

bool config_errors_oom(const config_errors *errs)
{
    return errs->oom;
}

size_t config_errors_count(const config_errors *errs)
{
    return errs->total;
}

size_t config_errors_kept(const config_errors *errs)
{
    return errs->kept;
}

static int by_place(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->error.at.line != b->error.at.line)
        return a->error.at.line < b->error.at.line ? -1 : 1;
    if (a->error.at.column != b->error.at.column)
        return a->error.at.column < b->error.at.column ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

const config_error *config_errors_get(config_errors *errs, size_t i)
{
    if (i >= errs->kept)
        return NULL;
    if (!errs->sorted)
        qsort(errs->entries, errs->kept, sizeof *errs->entries, by_place);
    errs->sorted = true;
    return &errs->entries[i].error;
}

static void add_error(textbuf *out, const config_error *e)
{
    text_add(out, e->at.file);
    if (e->at.line > 0)
        text_addf(out, ":%d:%d", e->at.line, e->at.column);
    text_addf(out, ": error: %s%s%s\n", e->message, e->suggestion ? "; " : "",
              e->suggestion ? e->suggestion : "");
    if (!e->source)
        return;
    text_addf(out, "    %s\n    ", e->source);
    const char *p = e->source, *end = p + strlen(p);
    for (int i = 0; i < e->caret && p < end; i++) {
        text_add(out, *p == '\t' ? "\t" : " ");
        p += text_char(p, (size_t)(end - p), NULL);
    }
    text_add(out, "^\n");
}

char *config_errors_text(config_errors *errs, const char *consequence)
{
    textbuf out = {0};
    text_add(&out, "");
    for (size_t i = 0; i < errs->kept; i++)
        add_error(&out, config_errors_get(errs, i));
    if (errs->total > errs->kept)
        text_addf(&out, "... and %zu more errors\n", errs->total - errs->kept);
    if (errs->oom)
        text_add(&out, "error: out of memory; there may be more errors\n");
    if (consequence)
        text_addf(&out, "%s\n", consequence);
    return text_take(&out);
}
