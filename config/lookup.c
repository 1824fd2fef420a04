/* lookup: finding named things and naming values. */
#include "config.h"

#include "schema.h"

#include <string.h>

#define FIND(list, count, name)                                                                    \
    for (size_t i = 0; i < (count); i++)                                                           \
        if (strcmp((list)[i]->name, (name)) == 0)                                                  \
            return (list)[i];                                                                      \
    return NULL

const config_retry *config_find_retry(const config *c, const char *name)
{
    FIND(c->retries, c->retry_count, name);
}

const config_breaker *config_find_breaker(const config *c, const char *name)
{
    FIND(c->breakers, c->breaker_count, name);
}

const config_limiter *config_find_limiter(const config *c, const char *name)
{
    FIND(c->limiters, c->limiter_count, name);
}

/* The sibling after `at`, or NULL. */
static const config_child *next_sibling(const config_child *at)
{
    const config_supervisor *s = at->parent->supervisor;
    return at->index + 1 < s->child_count ? s->children[at->index + 1] : NULL;
}

const config_child *config_next_child(const config_child *top, const config_child *at)
{
    if (!at)
        return top;
    if (at->supervisor && at->supervisor->child_count)
        return at->supervisor->children[0];
    for (; at != top; at = at->parent) {
        const config_child *next = next_sibling(at);
        if (next)
            return next;
    }
    return NULL;
}

const config_child *config_find_child(const config *c, const char *name)
{
    for (const config_child *x = c->root; x; x = config_next_child(c->root, x))
        if (strcmp(x->name, name) == 0)
            return x;
    return NULL;
}

bool config_name_valid(const char *name)
{
    size_t length =
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
    return length >= 1 && length <= CONFIG_NAME_MAX && name[length] == '\0';
}

/* The word of a choice. */
static const char *word_of(const config_table *table, const char *key, int value)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->rows[i].key, key) != 0)
            continue;
        for (const config_word *w = table->rows[i].words; w->text; w++)
            if (w->value == value)
                return w->text;
    }
    return "unknown";
}

const char *config_kind_name(config_kind kind)
{
    for (size_t i = 0; i < schema_child.count; i++) {
        const config_row *row = &schema_child.rows[i];
        if ((row->flags & (ROW_KIND | ROW_LATER)) == ROW_KIND && row->kind == kind)
            return row->key;
    }
    return "unknown";
}

const char *config_strategy_name(config_strategy strategy)
{
    return word_of(&schema_supervisor, "strategy", (int)strategy);
}

const char *config_auto_shutdown_name(config_auto_shutdown mode)
{
    return word_of(&schema_supervisor, "auto_shutdown", (int)mode);
}

const char *config_restart_name(config_restart restart)
{
    return word_of(&schema_child, "restart", (int)restart);
}

const char *config_role_name(config_role role)
{
    return word_of(&schema_listener, "role", (int)role);
}

const char *config_priority_name(config_priority priority)
{
    return word_of(&schema_child, "priority", (int)priority);
}

static const config_word *find_word(const config_word *words, const char *word)
{
    for (const config_word *w = words; w->text; w++)
        if (strcmp(w->text, word) == 0)
            return w;
    return NULL;
}

bool config_priority_parse(const char *word, config_priority *out)
{
    const config_word *w = find_word(schema_priorities, word);
    if (w)
        *out = (config_priority)w->value;
    return w != NULL;
}

bool config_log_level_parse(const char *word, config_log_level *out)
{
    const config_word *w = find_word(schema_log_levels, word);
    if (w)
        *out = (config_log_level)w->value;
    return w != NULL;
}
