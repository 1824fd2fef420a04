/* names: a table from names to whatever has them. Internal to config/. */
#ifndef CONFIG_NAMES_H
#define CONFIG_NAMES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct name_entry {
    const char *name;
    const void *value;
} name_entry;

/* Names and values are borrowed. All zero is the empty table. */
typedef struct names {
    name_entry *entries; /* open addressing; `room` is a power of two */
    size_t count, room;
} names;

/* Add a name. When it is there already nothing changes and *old is its value; otherwise *old is
 * NULL. False when out of memory. */
bool names_add(names *t, const char *name, const void *value, const void **old);

/* The value of a name, or NULL. */
const void *names_find(const names *t, const char *name);

void names_drop(names *t);

#endif
