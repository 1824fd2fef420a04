#include "names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static size_t hash(const char *name)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const char *p = name; *p; p++)
        h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    return (size_t)(h ^ h >> 32);
}

/* Where the name is, or the free place for it. There is always a free place. */
static name_entry *place(const names *t, const char *name)
{
    size_t i = hash(name) & (t->room - 1);
    while (t->entries[i].name && strcmp(t->entries[i].name, name) != 0)
        i = (i + 1) & (t->room - 1);
    return &t->entries[i];
}

static bool grow(names *t)
{
    names bigger = {.room = t->room ? t->room * 2 : 16, .count = t->count};
    bigger.entries = calloc(bigger.room, sizeof *bigger.entries);
    if (!bigger.entries)
        return false;
    for (size_t i = 0; i < t->room; i++)
        if (t->entries[i].name)
            *place(&bigger, t->entries[i].name) = t->entries[i];
    free(t->entries);
    *t = bigger;
    return true;
}

bool names_add(names *t, const char *name, const void *value, const void **old)
{
    if ((t->count + 1) * 2 > t->room && !grow(t))
        return false;
    name_entry *e = place(t, name);
    *old = e->name ? e->value : NULL;
    if (!e->name) {
        *e = (name_entry){name, value};
        t->count++;
    }
    return true;
}

const void *names_find(const names *t, const char *name)
{
    return t->room ? place(t, name)->value : NULL;
}

void names_drop(names *t)
{
    free(t->entries);
    *t = (names){0};
}
