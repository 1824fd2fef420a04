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
    size_t file;  /* files in the order in which they were first cited */
    size_t order; /* of arrival: a stable sort */
    char *message, *suggestion, *source, *name;
} entry;

struct config_errors {
    entry *entries;
    size_t kept, room, total;
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
    free(e->name);
}

void config_errors_free(config_errors *errs)
{
    if (!errs)
        return;
    for (size_t i = 0; i < errs->kept; i++)
        entry_free(&errs->entries[i]);
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

static size_t file_rank(const config_errors *errs, const char *file)
{
    size_t next = 0;
    for (size_t i = 0; i < errs->kept; i++) {
        if (strcmp(errs->entries[i].name, file) == 0)
            return errs->entries[i].file;
        if (errs->entries[i].file >= next)
            next = errs->entries[i].file + 1;
    }
    return next;
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

void config_errors_add(config_errors *errs, config_mark at, const char *source, size_t source_len,
                       const char *suggestion, const char *format, ...)
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
    e.name = strdup(at.file ? at.file : "");
    e.suggestion = suggestion ? strdup(suggestion) : NULL;
    e.source = source ? excerpt(source, source_len, at.column, &e.error.caret) : NULL;
    if (!e.message || !e.name || (suggestion && !e.suggestion) || (source && !e.source) ||
        !grow(errs)) {
        entry_free(&e);
        errs->oom = true;
        return;
    }
    e.file = file_rank(errs, e.name);
    e.error.at.file = e.name;
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
