/* types: how numbers, words and strings are read, compared and printed. */
#include "types.h"

#include "tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- Reading: shared parts ------------------------------------------------- */

/* What a value without a unit was probably meant to be. */
static const char *with_unit(reader *r, units_form form, units_err err, const char *s)
{
    static const struct {
        units_form form;
        const char *unit;
    } usual[] = {
        {UNITS_DURATION, "s"}, {UNITS_SIZE, "MiB"}, {UNITS_RATE, "/s"}, {UNITS_PERCENT, "%"}};
    int64_t ignored;
    if (err != UNITS_ENOUNIT || config_parse_integer(s, &ignored) != UNITS_OK)
        return NULL;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (usual[i].form == form)
            return tree_print(r->tree, "did you mean '%s%s'?", s, usual[i].unit);
    return NULL;
}

void types_bad_value(reader *r, const config_row *row, const config_node *n, units_form form,
                     units_err err)
{
    const char *hint = n->secret ? NULL : with_unit(r, form, err, n->text);
    if (!hint && err == UNITS_EUNIT && form == UNITS_SIZE && !n->secret) {
        size_t length = strlen(n->text);
        char last = length ? n->text[length - 1] : '\0';
        if (last == 'K' || last == 'k' || last == 'M' || last == 'G')
            hint = tree_print(r->tree, "did you mean '%.*s%ciB'?", (int)(length - 1), n->text,
                              last == 'k' ? 'K' : last);
    }
    if (!hint)
        hint = tree_print(r->tree, "valid: %s", units_form_text(form));
    read_error(r, n, hint, "%s: '%s' %s", row->key, node_show(n), units_strerror(form, err));
}

bool types_in_bounds(reader *r, const config_row *row, const config_node *n, int64_t value,
                     const char *(*format)(int64_t, char[UNITS_TEXT]))
{
    char low[UNITS_TEXT], high[UNITS_TEXT];
    if ((row->min == 0 && row->max == 0) || (value >= row->min && value <= row->max))
        return true;
    read_error(r, n,
               tree_print(r->tree, "valid values: %s to %s", format(row->min, low),
                          format(row->max, high)),
               "%s: %s is out of range", row->key, node_show(n));
    return false;
}

const char *types_format_integer(int64_t value, char out[UNITS_TEXT])
{
    snprintf(out, UNITS_TEXT, "%" PRId64, value);
    return out;
}

/* Fields are written as bytes: the same code fills pointers to const and to mutable things. */
static void put_pointer(void *field, const void *value)
{
    memcpy(field, &value, sizeof value);
}

static const void *get_pointer(const void *field)
{
    const void *value;
    memcpy(&value, field, sizeof value);
    return value;
}

/* --- Numbers and units ----------------------------------------------------- */

bool types_get_int(reader *r, const config_row *row, const config_node *n, int64_t *value)
{
    const char *s = read_scalar(r, row, n);
    if (!s)
        return false;
    units_err err = config_parse_integer(s, value);
    if (err)
        types_bad_value(r, row, n, UNITS_INTEGER, err);
    return !err && types_in_bounds(r, row, n, *value, types_format_integer);
}

void types_read_int(reader *r, const config_row *row, const config_node *n, void *field)
{
    int64_t value;
    if (types_get_int(r, row, n, &value))
        *(int *)field = (int)value;
}

bool types_same_int(const config_row *row, const void *a, const void *b)
{
    (void)row;
    return *(const int *)a == *(const int *)b;
}

void types_print_int(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    text_addf(out, "%d", *(const int *)field);
}

bool types_same_int64(const config_row *row, const void *a, const void *b)
{
    (void)row;
    return *(const int64_t *)a == *(const int64_t *)b;
}

void types_read_duration(reader *r, const config_row *row, const config_node *n, void *field)
{
    int64_t us;
    const char *s = read_scalar(r, row, n);
    if (!s)
        return;
    units_err err = config_parse_duration(s, &us);
    if (err)
        types_bad_value(r, row, n, UNITS_DURATION, err);
    else if (types_in_bounds(r, row, n, us, config_format_duration))
        *(int64_t *)field = us;
}

void types_print_duration(const config_row *row, const void *field, textbuf *out)
{
    char buffer[UNITS_TEXT];
    int64_t us = *(const int64_t *)field;
    text_add(out, us == 0 && row->min > 0 ? "none" : config_format_duration(us, buffer));
}

static void read_size(reader *r, const config_row *row, const config_node *n, void *field)
{
    int64_t bytes;
    const char *s = read_scalar(r, row, n);
    if (!s)
        return;
    units_err err = config_parse_size(s, &bytes);
    if (err)
        types_bad_value(r, row, n, UNITS_SIZE, err);
    else if (types_in_bounds(r, row, n, bytes, config_format_size))
        *(int64_t *)field = bytes;
}

static void print_size(const config_row *row, const void *field, textbuf *out)
{
    char buffer[UNITS_TEXT];
    int64_t bytes = *(const int64_t *)field;
    text_add(out, bytes == 0 && row->min > 0 ? "none" : config_format_size(bytes, buffer));
}

static void read_percent(reader *r, const config_row *row, const config_node *n, void *field)
{
    double ratio = 0;
    const char *s = read_scalar(r, row, n);
    if (!s)
        return;
    units_err err = config_parse_percent(s, &ratio);
    if (err)
        types_bad_value(r, row, n, UNITS_PERCENT, err);
    else if (ratio <= 0 || ratio > 1)
        read_error(r, n, "valid values: above 0% to 100%", "%s: %s is out of range", row->key,
                   node_show(n));
    else
        *(double *)field = ratio;
}

static bool same_double(const config_row *row, const void *a, const void *b)
{
    (void)row;
    return !(*(const double *)a < *(const double *)b) && !(*(const double *)a > *(const double *)b);
}

static void print_percent(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    char buffer[UNITS_TEXT];
    double ratio = *(const double *)field;
    text_add(out, ratio > 0 ? config_format_percent(ratio, buffer) : "none");
}

static void read_number(reader *r, const config_row *row, const config_node *n, void *field)
{
    double value = 0;
    const char *s = read_scalar(r, row, n);
    if (!s)
        return;
    units_err err = config_parse_number(s, &value);
    if (err)
        types_bad_value(r, row, n, UNITS_NUMBER, err);
    else if (value < (double)row->min || value > (double)row->max)
        read_error(r, n,
                   tree_print(r->tree, "valid values: %" PRId64 " to %" PRId64, row->min, row->max),
                   "%s: %s is out of range", row->key, node_show(n));
    else
        *(double *)field = value;
}

static void print_number(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    char buffer[UNITS_TEXT];
    text_add(out, config_format_number(*(const double *)field, buffer));
}

/* --- Words and strings ----------------------------------------------------- */

static void bad_word(reader *r, const config_row *row, const config_node *n)
{
    textbuf list = {0};
    suggest s;
    suggest_start(&s, n->text);
    for (const config_word *w = row->words; w->text; w++) {
        suggest_offer(&s, w->text);
        text_addf(&list, "%s%s", list.length ? ", " : "", w->text);
    }
    const char *words = tree_take(r->tree, &list);
    const char *hint = s.best ? tree_print(r->tree, "did you mean '%s'? valid values: %s", s.best,
                                           words ? words : "")
                              : tree_print(r->tree, "valid values: %s", words ? words : "");
    read_error(r, n, hint, "%s: '%s' is not valid", row->key, node_show(n));
}

static void read_word(reader *r, const config_row *row, const config_node *n, void *field)
{
    const char *s = read_scalar(r, row, n);
    if (!s)
        return;
    for (const config_word *w = row->words; w->text; w++) {
        if (strcmp(w->text, s) != 0)
            continue;
        if (row->standard) /* without a default there is one word, and nothing to keep */
            *(int *)field = w->value;
        return;
    }
    bad_word(r, row, n);
}

static bool same_word(const config_row *row, const void *a, const void *b)
{
    return !row->standard || types_same_int(row, a, b);
}

static void print_word(const config_row *row, const void *field, textbuf *out)
{
    int value = *(const int *)field;
    for (const config_word *w = row->words; w->text; w++) {
        if (w->value == value) {
            text_add(out, w->text);
            return;
        }
    }
}

static void read_string(reader *r, const config_row *row, const config_node *n, void *field)
{
    const char *s = read_scalar(r, row, n);
    if (s && !*s)
        read_error(r, n, NULL, "%s: must not be empty", row->key);
    else if (s)
        put_pointer(field, s);
}

bool types_same_string(const config_row *row, const void *a, const void *b)
{
    (void)row;
    const char *x = get_pointer(a), *y = get_pointer(b);
    return x && y ? strcmp(x, y) == 0 : x == y;
}

void types_print_string(const config_row *row, const void *field, textbuf *out)
{
    const char *s = get_pointer(field);
    text_add(out, !s ? "none" : row->flags & ROW_SECRET ? "(secret)" : s);
}

static void read_name(reader *r, const config_row *row, const config_node *n, void *field)
{
    const char *s = read_scalar(r, row, n);
    if (s && !config_name_valid(s))
        read_error(r, n, "valid: 1 to 128 of A-Z a-z 0-9 _ . -", "%s: '%s' is not a name", row->key,
                   node_show(n));
    else if (s)
        put_pointer(field, s);
}

static void read_strings(reader *r, const config_row *row, const config_node *n, void *field)
{
    if (n->type != CONFIG_NODE_LIST || n->count == 0) {
        read_error(r, n, tree_print(r->tree, "valid: %s: [a, b]", row->key),
                   "%s: must be a list with at least one item", row->key);
        return;
    }
    const char **items = tree_alloc(r->tree, (n->count + 1) * sizeof *items);
    if (!items)
        return;
    config_strings list = {items, 0};
    for (const config_item *i = n->head; i; i = i->next) {
        if (config_node_is_null(i->value))
            read_error(r, i->value, "quote it, or leave it out", "%s: an item is empty", row->key);
        else if ((items[list.count] = read_scalar(r, row, i->value)))
            list.count++;
    }
    *(config_strings *)field = list;
}

static bool same_strings(const config_row *row, const void *a, const void *b)
{
    (void)row;
    const config_strings *x = a, *y = b;
    if (x->count != y->count)
        return false;
    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->items[i], y->items[i]) != 0)
            return false;
    return true;
}

static void print_strings(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    const config_strings *list = field;
    text_add(out, "[");
    for (size_t i = 0; i < list->count; i++)
        text_addf(out, "%s%s", i ? ", " : "", list->items[i]);
    text_add(out, "]");
}

/* --- Values that only allow what is built ---------------------------------- */

/* `false` and `true` and nothing else. */
static bool get_bool(reader *r, const config_row *row, const config_node *n, bool *value)
{
    static const char *const other[][2] = {{"yes", "true"},  {"on", "true"},    {"y", "true"},
                                           {"true", "true"}, {"no", "false"},   {"off", "false"},
                                           {"n", "false"},   {"false", "false"}};
    const char *s = read_scalar(r, row, n);
    if (!s)
        return false;
    if (strcmp(s, "true") == 0 || strcmp(s, "false") == 0) {
        *value = s[0] == 't';
        return true;
    }
    const char *meant = NULL;
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (strcasecmp(s, other[i][0]) == 0)
            meant = other[i][1];
    read_error(r, n, meant ? read_did_you_mean(r, meant) : "valid values: true, false",
               "%s: '%s' is not a boolean; booleans are 'true' and 'false' only", row->key,
               node_show(n));
    return false;
}

static void read_bool(reader *r, const config_row *row, const config_node *n, void *field)
{
    bool value;
    if (get_bool(r, row, n, &value))
        *(bool *)field = value;
}

static bool same_bool(const config_row *row, const void *a, const void *b)
{
    (void)row;
    return *(const bool *)a == *(const bool *)b;
}

static void print_bool(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    text_add(out, *(const bool *)field ? "true" : "false");
}

static void read_false(reader *r, const config_row *row, const config_node *n, void *field)
{
    (void)field;
    bool value;
    if (get_bool(r, row, n, &value) && value)
        read_error(r, n, NULL, "'%s: true' is not supported yet", row->key);
}

static void read_version(reader *r, const config_row *row, const config_node *n, void *field)
{
    (void)field;
    const char *s = read_scalar(r, row, n);
    if (s && strcmp(s, "1") != 0)
        read_error(r, n, "did you mean '1'?", "version: '%s' is not known to this actord",
                   node_show(n));
}

static void read_store_url(reader *r, const config_row *row, const config_node *n, void *field)
{
    const char *s = read_scalar(r, row, n);
    if (s && strncmp(s, "sqlite:", 7) == 0)
        read_error(r, n, NULL, "url: 'sqlite:' is not supported yet");
    else if (s && strcmp(s, "memory:") != 0)
        read_error(r, n, "did you mean 'memory:'?", "url: '%s' is not a store", node_show(n));
    else if (s)
        put_pointer(field, s);
}

/* Rows that are always refused, and keys that others look at. */
static void read_none(reader *r, const config_row *row, const config_node *n, void *field)
{
    (void)r;
    (void)row;
    (void)n;
    (void)field;
}

static void read_map(reader *r, const config_row *row, const config_node *n, void *field)
{
    read_table(r, row->table, n, field);
}

/* --- The types ------------------------------------------------------------- */

const config_type type_int = {"whole number", types_read_int, types_same_int, types_print_int};
const config_type type_number = {"number", read_number, same_double, print_number};
const config_type type_duration = {"duration", types_read_duration, types_same_int64,
                                   types_print_duration};
const config_type type_size = {"size", read_size, types_same_int64, print_size};
const config_type type_percent = {"percentage", read_percent, same_double, print_percent};
const config_type type_word = {"word", read_word, same_word, print_word};
const config_type type_string = {"string", read_string, types_same_string, types_print_string};
const config_type type_strings = {"list of strings", read_strings, same_strings, print_strings};
const config_type type_name = {"name", read_name, types_same_string, types_print_string};
const config_type type_map = {"map", read_map, NULL, NULL};
const config_type type_bool = {"boolean", read_bool, same_bool, print_bool};
const config_type type_false = {"boolean", read_false, NULL, NULL};
const config_type type_version = {"whole number", read_version, NULL, NULL};
const config_type type_store_url = {"address", read_store_url, types_same_string,
                                    types_print_string};
const config_type type_none = {"", read_none, NULL, NULL};
