/* schema: what may be written in a configuration, one row a key.
 *
 * A row says how the value is read, its default (in the words of the file), its bounds, where it
 * goes, and for whom it is. A feature that isn't built yet is a row with ROW_LATER: its key is
 * refused, never ignored. Internal to config/ and its tests.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config.h"
#include "names.h"
#include "text.h"

typedef struct config_row config_row;
typedef struct config_table config_table;
typedef struct reader reader;

/* A kind of value.
 * read   fills `field` from a node that is not null, or reports an error
 * same   compares two fields; NULL for what a plan doesn't look at
 * print  writes a field as in the file, for a plan */
typedef struct config_type {
    const char *name;
    void (*read)(reader *r, const config_row *row, const config_node *n, void *field);
    bool (*same)(const config_row *row, const void *a, const void *b);
    void (*print)(const config_row *row, const void *field, textbuf *out);
} config_type;

/* One word of a choice; a list of them ends with a NULL text. */
typedef struct config_word {
    const char *text;
    int value;
} config_word;

enum {
    ROW_REQUIRED = 1,
    ROW_LATER = 2,     /* not supported yet */
    ROW_KIND = 4,      /* one of these keys says what a child is */
    ROW_AT_START = 8,  /* a change takes effect at the daemon's next start only */
    ROW_RESTARTS = 16, /* a change restarts the child */
    ROW_SECRET = 32
};

struct config_row {
    const char *key;
    const config_type *type;
    size_t offset;
    const char *standard; /* the default, or NULL: the field stays zero */
    int64_t min, max;     /* in the unit of the field; both 0: no bounds */
    const config_word *words;
    const config_table *table; /* of a mapping, or of each mapping in it */
    unsigned flags;
    unsigned kinds; /* bits 1 << config_kind for which the key makes sense; 0: all */
    config_kind kind;
    const char *doc;
};

struct config_table {
    const char *title; /* "a child": where an unknown key was found */
    const config_row *rows;
    size_t count;
    size_t size; /* of the struct, where each mapping is one */
    config_policy_kind policy;
    /* Rules between keys; called when the mapping itself had no error. `n` is NULL when all of it
     * is the default. */
    void (*check)(reader *r, const config_node *n, void *base);
};

/* No table has more rows. */
#define TABLE_ROWS_MAX 48

struct reader {
    config_tree *tree;
    config_errors *errs;
    config *c; /* being filled; NULL when only a child is read */
    names policies[CONFIG_POLICY_LIMITER + 1];
    const config *base;         /* whose policies are copied, when only a child is read */
    names children;             /* by name, their nodes */
    const config_child *parent; /* of the children being read */
    config_child *child;        /* being read */
    bool kind_known;            /* child->kind means something */
    bool incomplete;            /* the text had to be given up: say nothing about what lacks */
};

extern const config_table schema_top, schema_child, schema_supervisor, schema_backoff,
    schema_mailbox, schema_hedge, schema_rlimits, schema_exits, schema_retry, schema_breaker,
    schema_limiter, schema_listener, schema_system, schema_limits, schema_log, schema_store,
    schema_nothing;

extern const config_word schema_log_levels[], schema_priorities[];

/* Call `each` for every key of the schema once, with its path ("supervisor.children[].name"). */
void schema_each(void (*each)(void *arg, const char *path, const config_row *row), void *arg);

/* read.c: fill `base` from the map `n` (NULL: the defaults). */
void read_table(reader *r, const config_table *table, const config_node *n, void *base);
/* An error at a node, and one about the value of a key. */
#define read_error(r, n, suggestion, ...) config_node_error(n, (r)->errs, suggestion, __VA_ARGS__)
/* The text of a scalar; NULL after an error when it isn't one. */
const char *read_scalar(reader *r, const config_row *row, const config_node *n);
/* "did you mean 'x'?" in the tree's memory, or NULL when `word` is NULL. */
const char *read_did_you_mean(reader *r, const char *word);
/* The node to blame: the value of the first of the keys that is written, or the map. */
const config_node *read_blame(const config_node *map, const char *key, const char *other);

/* types.c */
extern const config_type type_int, type_number, type_duration, type_size, type_percent, type_word,
    type_string, type_strings, type_name, type_map, type_bool, type_false, type_version,
    type_workers, type_mode, type_url, type_store_url, type_window, type_rate, type_max_restarts,
    type_backoff, type_shutdown, type_statuses, type_env, type_none;

/* tree of children and policies: children.c */
extern const config_type type_listen, type_policies, type_policy, type_root, type_supervisor,
    type_argv, type_nothing, type_children;
void read_child(reader *r, const config_node *n, config_child *child);

/* fallbacks.c: every `fallback` below root names an actor, and none leads back to itself */
void fallbacks_check(reader *r, const config_child *root);

/* rules.c: rules between keys */
void rules_retry(reader *r, const config_node *n, void *base);
void rules_breaker(reader *r, const config_node *n, void *base);
void rules_limiter(reader *r, const config_node *n, void *base);
void rules_backoff(reader *r, const config_node *n, void *base);
void rules_hedge(reader *r, const config_node *n, void *base);
void rules_exits(reader *r, const config_node *n, void *base);
void rules_listener(reader *r, const config_node *n, void *base);
void rules_rlimits(reader *r, const config_node *n, void *base);
void rules_supervisor(reader *r, const config_node *n, void *base);
void rules_child(reader *r, const config_node *n, void *base);

#endif
