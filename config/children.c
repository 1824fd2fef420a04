/* children: what there can be many of: listeners, policies, and the supervision tree. */
#include "schema.h"

#include "tree.h"

#include <string.h>

/* What all three policies begin with; schema.c proves it. */
typedef config_retry policy_head;

/* --- Listeners ------------------------------------------------------------- */

static void read_listen(reader *r, const config_row *row, const config_node *n, void *field)
{
    config *c = field;
    if (n->type != CONFIG_NODE_LIST || n->count == 0) {
        read_error(r, n, "valid: a list: - url: ipc:///run/actord/actord.sock",
                   "%s: must be a list with at least one listener", row->key);
        return;
    }
    config_listener *all = tree_alloc(r->tree, n->count * sizeof *all);
    names urls = {0};
    if (!all)
        return;
    for (const config_item *i = n->head; i; i = i->next) {
        config_listener *l = &all[c->listener_count];
        const void *old = NULL;
        read_table(r, row->table, i->value, l);
        l->node = i->value;
        if (!l->url)
            continue;
        c->listener_count++;
        if (!names_add(&urls, l->url, i->value, &old))
            config_errors_set_oom(r->errs);
        else if (old)
            read_error(r, read_blame(i->value, "url", NULL), NULL, "url: '%s' is listened on twice",
                       l->url);
    }
    names_drop(&urls);
    c->listeners = all;
}

/* --- Policies -------------------------------------------------------------- */

typedef struct section {
    const void *const **items;
    size_t *count;
} section;

static section section_of(config *c, config_policy_kind kind)
{
    switch (kind) {
    case CONFIG_POLICY_RETRY:
        return (section){(const void *const **)(void *)&c->retries, &c->retry_count};
    case CONFIG_POLICY_BREAKER:
        return (section){(const void *const **)(void *)&c->breakers, &c->breaker_count};
    default:
        return (section){(const void *const **)(void *)&c->limiters, &c->limiter_count};
    }
}

static const char *policy_word(config_policy_kind kind)
{
    return kind == CONFIG_POLICY_RETRY     ? "retry policy"
           : kind == CONFIG_POLICY_BREAKER ? "breaker"
                                           : "limiter";
}

static void *read_policy_map(reader *r, const config_table *table, const config_node *n,
                             const char *name, bool shared)
{
    policy_head *p = tree_alloc(r->tree, table->size);
    if (!p)
        return NULL;
    p->name = name;
    p->shared = shared;
    p->node = n;
    read_table(r, table, n, p);
    return p;
}

/* A section of named policies. */
static void read_policies(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_policy_kind kind = row->table->policy;
    section s = section_of(field, kind);
    if (n->type != CONFIG_NODE_MAP) {
        read_error(r, n, tree_print(r->tree, "valid: %s: {NAME: {...}}", row->key),
                   "'%s' must be a map of names and policies, not %s", row->key,
                   config_node_kind(n));
        return;
    }
    const void **items = tree_alloc(r->tree, (n->count + 1) * sizeof *items);
    if (!items)
        return;
    for (const config_pair *p = n->first; p; p = p->next) {
        const void *old = NULL;
        if (strncmp(p->key->text, "x-", 2) == 0)
            continue;
        if (!config_name_valid(p->key->text))
            read_error(r, p->key, "valid: 1 to 128 of A-Z a-z 0-9 _ . -", "'%s' is not a name",
                       node_show(p->key));
        void *policy = read_policy_map(r, row->table, p->value, p->key->text, true);
        /* The reader of the text has refused a second one already. */
        if (!policy || !names_add(&r->policies[kind], p->key->text, policy, &old))
            config_errors_set_oom(r->errs);
        else if (!old)
            items[(*s.count)++] = policy;
    }
    memcpy(s.items, &items, sizeof items);
}

static void undefined_policy(reader *r, const config_node *n, config_policy_kind kind)
{
    const names *known = &r->policies[kind];
    textbuf list = {0};
    suggest s;
    suggest_start(&s, n->text);
    for (size_t i = 0; i < known->room; i++) {
        if (!known->entries[i].name)
            continue;
        suggest_offer(&s, known->entries[i].name);
        if (known->count <= 8)
            text_addf(&list, "%s%s", list.length ? ", " : "", known->entries[i].name);
    }
    const char *hint = NULL;
    if (s.best)
        hint = read_did_you_mean(r, s.best);
    else if (known->count == 0)
        hint = "none is defined";
    else if (list.length)
        hint = tree_print(r->tree, "valid names: %s", list.bytes);
    text_drop(&list);
    read_error(r, n, hint, "there is no %s '%s'", policy_word(kind), node_show(n));
}

/* A child's policy: a name, or the mapping itself. */
static void read_policy(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_policy_kind kind = row->table->policy;
    const void *policy = NULL;
    if (n->type == CONFIG_NODE_MAP) {
        policy = read_policy_map(r, row->table, n, r->child->name ? r->child->name : "", false);
    } else {
        const char *name = read_scalar(r, row, n);
        if (!name)
            return;
        policy = names_find(&r->policies[kind], name);
        if (!policy && !r->incomplete)
            undefined_policy(r, n, kind);
    }
    if (policy && r->base && ((const policy_head *)policy)->shared) {
        void *copy = tree_alloc(r->tree, row->table->size);
        if (!copy)
            return;
        memcpy(copy, policy, row->table->size);
        ((policy_head *)copy)->name =
            tree_copy(r->tree, ((policy_head *)copy)->name, strlen(((policy_head *)copy)->name));
        ((policy_head *)copy)->node = n;
        policy = copy;
    }
    memcpy(field, &policy, sizeof policy);
}

/* --- The tree -------------------------------------------------------------- */

static void register_name(reader *r, const config_node *n, const char *name)
{
    const config_node *at = read_blame(n, "name", NULL);
    const void *old = NULL;
    if (strcmp(name, CONFIG_ROOT_NAME) == 0) {
        read_error(r, at, NULL, "name: '%s' is the root supervisor's", name);
    } else if (!names_add(&r->children, name, at, &old)) {
        config_errors_set_oom(r->errs);
    } else if (old) {
        const config_mark first = ((const config_node *)old)->at;
        if (first.line > 0)
            read_error(r, at, NULL, "the name '%s' is used twice; first at %s:%d:%d", name,
                       first.file, first.line, first.column);
        else
            read_error(r, at, NULL, "the name '%s' is used twice", name);
    }
}

void read_child(reader *r, const config_node *n, config_child *child)
{
    config_child *outer = r->child;
    bool outer_known = r->kind_known;
    r->child = child;
    r->kind_known = false;
    child->node = n;
    child->parent = r->parent;
    /* Its own children need its name before its rows are read. */
    const config_node *name = n->type == CONFIG_NODE_MAP ? config_node_get(n, "name") : NULL;
    if (name && name->type == CONFIG_NODE_SCALAR && !name->failed &&
        config_name_valid(name->text)) {
        child->name = name->text;
        register_name(r, n, name->text);
    }
    child->path = tree_print(r->tree, "%s/%s", r->parent ? r->parent->path : CONFIG_ROOT_NAME,
                             child->name ? child->name : "");
    read_table(r, &schema_child, n, child);
    r->child = outer;
    r->kind_known = outer_known;
}

static void read_children(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_supervisor *s = field;
    if (n->type != CONFIG_NODE_LIST) {
        read_error(r, n, "valid: a list: - name: first", "%s: must be a list of children, not %s",
                   row->key, config_node_kind(n));
        return;
    }
    config_child **children = tree_alloc(r->tree, (n->count + 1) * sizeof *children);
    if (!children)
        return;
    for (const config_item *i = n->head; i; i = i->next) {
        config_child *child = tree_alloc(r->tree, sizeof *child);
        if (!child)
            return;
        child->index = s->child_count;
        read_child(r, i->value, child);
        children[s->child_count++] = child;
    }
    s->children = children;
}

static void read_supervisor(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_child *child = field;
    const config_child *outer = r->parent;
    config_supervisor *s = tree_alloc(r->tree, sizeof *s);
    if (!s)
        return;
    r->parent = child;
    read_table(r, row->table, n, s);
    r->parent = outer;
    child->supervisor = s;
}

static void read_root(reader *r, const config_row *row, const config_node *n, void *field)
{
    config *c = field;
    config_child *root = tree_alloc(r->tree, sizeof *root);
    if (!root)
        return;
    root->name = root->path = CONFIG_ROOT_NAME;
    root->kind = CONFIG_KIND_SUPERVISOR;
    root->shutdown_us = CONFIG_INFINITY;
    root->node = n;
    read_supervisor(r, row, n, root);
    c->root = root;
}

static void read_argv(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_child *child = field;
    if (n->type != CONFIG_NODE_LIST || n->count == 0) {
        read_error(r, n, "valid form: [program, argument, ...]",
                   "%s: must be a list that begins with a program", row->key);
        return;
    }
    type_strings.read(r, row, n, &child->argv);
    const config_node *program = n->head->value;
    if (program->type == CONFIG_NODE_SCALAR && !program->failed && !config_node_is_null(program) &&
        program->length == 0)
        read_error(r, program, NULL, "%s: the program's name is empty", row->key);
}

static bool same_argv(const config_row *row, const void *a, const void *b)
{
    const config_child *x = a, *y = b;
    return type_strings.same(row, &x->argv, &y->argv);
}

static void print_argv(const config_row *row, const void *field, textbuf *out)
{
    const config_child *child = field;
    const config_node *n = child->node ? config_node_get(child->node, row->key) : NULL;
    text_add(out, "[");
    size_t index = 0;
    for (const config_item *i = n ? n->head : NULL; i; i = i->next, index++)
        text_addf(out, "%s%s", index ? ", " : "", node_show(i->value));
    text_add(out, "]");
}

static void read_nothing(reader *r, const config_row *row, const config_node *n, void *field)
{
    (void)row;
    read_table(r, &schema_nothing, n, field);
}

const config_type type_listen = {"list of listeners", read_listen, NULL, NULL};
const config_type type_policies = {"map of policies", read_policies, NULL, NULL};
const config_type type_policy = {"name or map", read_policy, NULL, NULL};
const config_type type_root = {"map", read_root, NULL, NULL};
const config_type type_supervisor = {"map", read_supervisor, NULL, NULL};
const config_type type_argv = {"list of strings", read_argv, same_argv, print_argv};
const config_type type_nothing = {"empty map", read_nothing, NULL, NULL};
const config_type type_children = {"list of children", read_children, NULL, NULL};
