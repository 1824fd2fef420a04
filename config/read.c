/* read: a map of nodes against a table of rows. */
#include "schema.h"

#include "tree.h"

#include <string.h>

const char *read_did_you_mean(reader *r, const char *word)
{
    return word ? tree_print(r->tree, "did you mean '%s'?", word) : NULL;
}

const config_node *read_blame(const config_node *map, const char *key, const char *other)
{
    const config_node *n = config_node_get(map, key);
    if (!n && other)
        n = config_node_get(map, other);
    return n ? n : map;
}

const char *read_scalar(reader *r, const config_row *row, const config_node *n)
{
    if (n->failed)
        return NULL;
    if (n->type != CONFIG_NODE_SCALAR) {
        read_error(r, n, NULL, "%s: must be a single value, not %s", row->key, config_node_kind(n));
        return NULL;
    }
    if (strlen(n->text) != n->length) {
        read_error(r, n, NULL, "%s: a value can't contain a NUL character", row->key);
        return NULL;
    }
    return n->text;
}

static bool applies(const reader *r, const config_row *row)
{
    return !row->kinds || !r->kind_known || row->kinds & 1U << r->child->kind;
}

/* "valid keys: a, b, c", without those that would be refused. */
static const char *list_keys(reader *r, const config_table *table)
{
    textbuf t = {0};
    const char *separator = "valid keys: ";
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].flags & ROW_LATER || !applies(r, &table->rows[i]))
            continue;
        text_addf(&t, "%s%s", separator, table->rows[i].key);
        separator = ", ";
    }
    return t.length ? tree_take(r->tree, &t) : NULL;
}

/* The row a key that doesn't exist was meant to be, or NULL; reports it. */
static const config_row *unknown_key(reader *r, const config_table *table, const config_node *key)
{
    suggest s;
    suggest_start(&s, key->text);
    for (size_t i = 0; i < table->count; i++)
        suggest_offer(&s, table->rows[i].key);
    const config_row *meant = NULL;
    for (size_t i = 0; i < table->count && s.best; i++)
        if (table->rows[i].key == s.best)
            meant = &table->rows[i];
    read_error(r, key, meant ? read_did_you_mean(r, s.best) : list_keys(r, table),
               "unknown key '%s' in %s", node_show(key), table->title);
    return meant;
}

/* Sort the members of a map into the table's rows. A misspelt key stands for the one it was
 * probably meant to be, so that one mistake is one error. */
static void match_rows(reader *r, const config_table *table, const config_node *n,
                       const config_pair *found[])
{
    const config_pair *guesses[TABLE_ROWS_MAX] = {0};
    for (const config_pair *p = n->first; p; p = p->next) {
        if (strncmp(p->key->text, "x-", 2) == 0)
            continue;
        const config_row *row = NULL;
        for (size_t i = 0; i < table->count && !row; i++)
            if (strcmp(table->rows[i].key, p->key->text) == 0)
                row = &table->rows[i];
        const config_pair **to = found;
        if (!row) {
            row = unknown_key(r, table, p->key);
            to = guesses;
        }
        if (row && !to[row - table->rows])
            to[row - table->rows] = p;
    }
    for (size_t i = 0; i < table->count; i++)
        if (!found[i] && !(table->rows[i].flags & ROW_LATER))
            found[i] = guesses[i];
}

static const char *list_kinds(reader *r, unsigned kinds)
{
    textbuf t = {0};
    for (unsigned i = 0; i < CONFIG_KIND_COUNT; i++)
        if (kinds & 1U << i)
            text_addf(&t, "%s%s", t.length ? ", " : "", config_kind_name((config_kind)i));
    const char *s = tree_take(r->tree, &t);
    return s ? s : "";
}

/* Which kind of child this is: exactly one of the kind keys. */
static void find_kind(reader *r, const config_table *table, const config_node *n,
                      const config_pair *const found[])
{
    const config_row *kind = NULL;
    for (size_t i = 0; i < table->count; i++) {
        if (!found[i] || !(table->rows[i].flags & ROW_KIND))
            continue;
        if (kind)
            read_error(r, found[i]->key, "a child has exactly one kind",
                       "'%s' and '%s' are both kinds of child", kind->key, table->rows[i].key);
        kind = &table->rows[i];
    }
    r->kind_known = kind && !(kind->flags & ROW_LATER);
    if (r->kind_known)
        r->child->kind = kind->kind;
    if (!kind && !r->incomplete)
        read_error(
            r, n,
            tree_print(r->tree, "valid kinds: %s", list_kinds(r, (1U << CONFIG_KIND_COUNT) - 1)),
            "a child needs a kind, and this one has none");
}

static void read_default(reader *r, const config_row *row, const config_node *n, void *field)
{
    if (row->standard) {
        config_node value = {.type = CONFIG_NODE_SCALAR,
                             .tree = r->tree,
                             .text = row->standard,
                             .length = strlen(row->standard)};
        if (n)
            value.at = n->at;
        row->type->read(r, row, &value, field);
    } else if (row->table && (row->type == &type_map || row->type == &type_backoff)) {
        read_table(r, row->table, NULL, field);
    }
}

/* How to write that there is nothing, where that is allowed. */
static const char *empty_form(const config_row *row)
{
    static const config_type *const maps[] = {&type_map,     &type_root,     &type_supervisor,
                                              &type_nothing, &type_policies, &type_env};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        if (row->type == maps[i])
            return "{}";
    return row->type == &type_children ? "[]" : NULL;
}

static void read_row(reader *r, const config_row *row, const config_pair *p, void *field)
{
    if (row->flags & ROW_LATER) {
        read_error(r, p->key, NULL, "'%s' is not supported yet", row->key);
    } else if (!applies(r, row)) {
        read_error(r, p->key, NULL, "'%s' is only for %s; this child's kind is %s", row->key,
                   list_kinds(r, row->kinds), config_kind_name(r->child->kind));
    } else if (p->value->failed) {
        return;
    } else if (config_node_is_null(p->value)) {
        const char *empty = empty_form(row);
        read_error(r, p->value->at.line ? p->value : p->key,
                   empty ? tree_print(r->tree, "write '%s: %s'", row->key, empty) : NULL,
                   "'%s' needs a value", row->key);
    } else {
        row->type->read(r, row, p->value, field);
    }
}

void read_table(reader *r, const config_table *table, const config_node *n, void *base)
{
    const config_pair *found[TABLE_ROWS_MAX] = {0};
    size_t before = config_errors_count(r->errs);
    if (n && n->type != CONFIG_NODE_MAP) {
        if (!n->failed)
            read_error(r, n, NULL, "%s must be a map of keys and values, not %s", table->title,
                       config_node_kind(n));
        return;
    }
    if (n)
        match_rows(r, table, n, found);
    if (n && table == &schema_child)
        find_kind(r, table, n, found);
    for (size_t i = 0; i < table->count; i++) {
        const config_row *row = &table->rows[i];
        void *field = (char *)base + row->offset;
        if (found[i])
            read_row(r, row, found[i], field);
        else if (n && row->flags & ROW_REQUIRED && !r->incomplete)
            read_error(r, n, strcmp(row->key, "version") == 0 ? "add 'version: 1'" : NULL,
                       "'%s' is missing in %s", row->key, table->title);
        else if (applies(r, row))
            read_default(r, row, n, field);
    }
    if (table->check && config_errors_count(r->errs) == before && !r->incomplete)
        table->check(r, n, base);
}
