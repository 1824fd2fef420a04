/* load: files and what they include, as one tree, then as a typed configuration. */
#include "config.h"

#include "document.h"
#include "expand.h"
#include "file.h"
#include "schema.h"
#include "tree.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, FILES_MAX = 1000 };

/* A file being read, inside those that include it. */
typedef struct opened {
    const char *name, *real;
    const struct opened *by;
} opened;

typedef struct loading {
    config_tree *tree;
    config_errors *errs;
    const config_options *options;
    config_node *top; /* of the first file; the others are merged into it */
    names files;      /* real paths that were read, with the node that asked for each */
    size_t file_count;
    bool incomplete;
} loading;

/* --- Merging --------------------------------------------------------------- */

static void append_all(config_node *to, const config_node *from)
{
    for (const config_item *i = from->head; i; i = i->next)
        config_node_append(to, i->value);
}

/* Add what `from` has to `to`: sections member by member, lists behind lists. What both have is an
 * error that cites both places. */
static void merge(loading *l, config_node *to, const config_node *from, bool top)
{
    names known = {0};
    const void *old;
    for (const config_pair *p = to->first; p; p = p->next)
        if (!names_add(&known, p->key->text, p, &old))
            config_errors_set_oom(l->errs);
    for (const config_pair *p = from->first; p; p = p->next) {
        const char *key = p->key->text;
        if (strncmp(key, "x-", 2) == 0 ||
            (top && (strcmp(key, "version") == 0 || strcmp(key, "include") == 0)))
            continue;
        const config_pair *there = names_find(&known, key);
        config_node_type type = p->value->type;
        if (!there)
            config_node_add(to, p->key, p->value);
        else if (top && type == CONFIG_NODE_MAP && there->value->type == type)
            merge(l, there->value, p->value, false);
        else if ((top || strcmp(key, "children") == 0) && type == CONFIG_NODE_LIST &&
                 there->value->type == type)
            append_all(there->value, p->value);
        else
            config_node_error(p->key, l->errs, NULL, "'%s' is defined twice; first at %s:%d:%d",
                              node_show(p->key), there->key->at.file, there->key->at.line,
                              there->key->at.column);
    }
    names_drop(&known);
}

/* An included file need not repeat the version, but may not contradict it. */
static void check_version(loading *l, const config_node *top)
{
    const config_node *n = config_node_get(top, "version");
    if (n && (n->type != CONFIG_NODE_SCALAR || strcmp(n->text, "1") != 0))
        config_node_error(n, l->errs, "did you mean '1'?",
                          "version: '%s' is not known to this actord", node_show(n));
}

/* --- Including ------------------------------------------------------------- */

static void read_text(loading *l, const opened *file, const char *bytes, size_t length);

static void read_included(loading *l, const config_node *asked, const char *path, const opened *by)
{
    char *real = realpath(path, NULL);
    opened file = {path, real ? real : path, by};
    for (const opened *o = by; o; o = o->by) {
        if (strcmp(o->real, file.real) == 0) {
            config_node_error(asked, l->errs, NULL, "'%s' includes itself", path);
            free(real);
            return;
        }
    }
    const char *key = tree_copy(l->tree, file.real, strlen(file.real));
    const void *old = NULL;
    if (!key || !names_add(&l->files, key, asked, &old)) {
        config_errors_set_oom(l->errs);
    } else if (old) {
        config_mark at = ((const config_node *)old)->at;
        config_node_error(asked, l->errs, NULL, "'%s' is included twice; first at %s:%d:%d", path,
                          at.file, at.line, at.column);
    } else if (++l->file_count > FILES_MAX) {
        if (l->file_count == FILES_MAX + 1)
            config_node_error(asked, l->errs, NULL, "more than %d files", (int)FILES_MAX);
    } else {
        char *bytes = NULL;
        size_t length = 0;
        file_err err = file_read(path, FILE_MAX, &bytes, &length);
        if (err.kind == FILE_ENOMEM)
            config_errors_set_oom(l->errs);
        else if (err.kind != FILE_OK)
            config_node_error(asked, l->errs, NULL, "can't include '%s': %s", path,
                              file_strerror(err));
        else
            read_text(l, &file, bytes, length);
        free(bytes);
    }
    free(real);
}

/* `pattern` relative to the folder of `file`, where nothing is special. */
static const char *relative_to(loading *l, const char *file, const char *pattern)
{
    const char *slash = strrchr(file, '/');
    textbuf t = {0};
    if (pattern[0] != '/' && slash) {
        for (const char *p = file; p <= slash; p++) {
            if (strchr("*?[\\", *p))
                text_add(&t, "\\");
            text_add_bytes(&t, p, 1);
        }
    }
    text_add(&t, pattern);
    return tree_take(l->tree, &t);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void include(loading *l, const config_node *n, const opened *by)
{
    if (n->type != CONFIG_NODE_SCALAR || n->failed) {
        if (!n->failed)
            config_node_error(n, l->errs, NULL, "include: an item must be a path or a pattern");
        return;
    }
    const char *pattern = relative_to(l, by->name, n->text);
    if (!pattern)
        return;
    glob_t found;
    int status = glob(pattern, GLOB_NOSORT, NULL, &found);
    if (status == GLOB_NOMATCH) {
        if (!strpbrk(n->text, "*?["))
            config_node_error(n, l->errs, NULL, "can't include '%s': No such file or directory",
                              node_show(n));
        return;
    }
    if (status == GLOB_NOSPACE) {
        config_errors_set_oom(l->errs);
        return;
    }
    if (status != 0) {
        config_node_error(n, l->errs, NULL, "can't read the folder of '%s'", node_show(n));
        return;
    }
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_bytes);
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_included(l, n, found.gl_pathv[i], by);
    globfree(&found);
}

static void include_all(loading *l, const config_node *top, const opened *by)
{
    const config_node *n = config_node_get(top, "include");
    if (!n)
        return;
    if (n->type != CONFIG_NODE_LIST) {
        config_node_error(n, l->errs, "valid: include: [conf.d/*.yaml]",
                          "include: must be a list of paths or patterns");
        return;
    }
    for (const config_item *i = n->head; i; i = i->next)
        include(l, i->value, by);
}

static void read_text(loading *l, const opened *file, const char *bytes, size_t length)
{
    config_errors_order(l->errs, file->name);
    if (length > FILE_MAX) {
        config_errors_add(l->errs, (config_mark){file->name, 0, 0}, NULL, NULL, 0,
                          "the file is larger than 1 MiB");
        l->incomplete = true;
        return;
    }
    bool whole;
    config_node *top = document_read(l->tree, file->name, bytes, length, l->errs, &whole);
    l->incomplete |= !whole;
    if (!top)
        return;
    expand_tree(top, l->options, l->errs);
    if (top->type != CONFIG_NODE_MAP) {
        config_node_error(top, l->errs, NULL,
                          "the configuration must be a map of keys and values, not %s",
                          config_node_kind(top));
        l->incomplete = true;
        return;
    }
    if (!l->top) {
        l->top = top;
    } else {
        check_version(l, top);
        merge(l, l->top, top, true);
    }
    include_all(l, top, file);
}

/* --- Typing ---------------------------------------------------------------- */

static void drop_names(reader *r)
{
    for (size_t i = 0; i <= CONFIG_POLICY_LIMITER; i++)
        names_drop(&r->policies[i]);
    names_drop(&r->children);
}

/* `before`: how many errors there were when the work began. */
static config_err verdict(const config_tree *tree, const config_errors *errs, size_t before)
{
    if (config_tree_oom(tree) || config_errors_oom(errs))
        return CONFIG_ENOMEM;
    return config_errors_count(errs) > before ? CONFIG_EINVALID : CONFIG_OK;
}

static const char *host_name(config_tree *tree)
{
    char name[CONFIG_NAME_MAX + 1];
    if (gethostname(name, sizeof name) != 0)
        return "actord";
    name[CONFIG_NAME_MAX] = '\0';
    return config_name_valid(name) ? tree_copy(tree, name, strlen(name)) : "actord";
}

static config *type_tree(loading *l, const char *name)
{
    config *c = tree_alloc(l->tree, sizeof *c);
    if (!c || !l->top)
        return NULL;
    reader r = {.tree = l->tree, .errs = l->errs, .c = c, .incomplete = l->incomplete};
    c->tree = l->tree;
    c->file = tree_copy(l->tree, name, strlen(name));
    c->system.name = host_name(l->tree);
    read_table(&r, &schema_top, l->top, c);
    if (!c->root)
        type_root.read(&r, &(config_row){.table = &schema_supervisor}, NULL, c);
    if (c->root && !l->incomplete)
        fallbacks_check(&r, c->root);
    drop_names(&r);
    return c;
}

config_err config_load_text(const char *name, const char *text, size_t length,
                            const config_options *options, config **out, config_errors *errs)
{
    loading l = {.errs = errs, .options = options, .tree = config_tree_new(name)};
    size_t before = config_errors_count(errs);
    if (!l.tree)
        return CONFIG_ENOMEM;
    char *real = realpath(name, NULL);
    read_text(&l, &(opened){name, real ? real : name, NULL}, text, length);
    free(real);
    names_drop(&l.files);
    config *c = type_tree(&l, name);
    config_err err = verdict(l.tree, errs, before);
    if (err == CONFIG_OK) {
        *out = c;
        return CONFIG_OK;
    }
    config_tree_free(l.tree);
    return err;
}

config_err config_load(const char *path, const config_options *options, config **out,
                       config_errors *errs)
{
    char *bytes = NULL;
    size_t length = 0;
    file_err err = file_read(path, FILE_MAX, &bytes, &length);
    if (err.kind == FILE_ENOMEM)
        return CONFIG_ENOMEM;
    if (err.kind != FILE_OK) {
        config_errors_add(errs, (config_mark){path, 0, 0}, NULL, NULL, 0, "can't read the file: %s",
                          file_strerror(err));
        return CONFIG_EINVALID;
    }
    config_err result = config_load_text(path, bytes, length, options, out, errs);
    free(bytes);
    return result;
}

void config_free(config *c)
{
    if (c)
        config_tree_free(c->tree);
}

/* --- One child from parameters --------------------------------------------- */

static void know_policies(reader *r, const config *c)
{
    const void *old;
    bool ok = true;
    for (size_t i = 0; i < c->retry_count; i++)
        ok &=
            names_add(&r->policies[CONFIG_POLICY_RETRY], c->retries[i]->name, c->retries[i], &old);
    for (size_t i = 0; i < c->breaker_count; i++)
        ok &= names_add(&r->policies[CONFIG_POLICY_BREAKER], c->breakers[i]->name, c->breakers[i],
                        &old);
    for (size_t i = 0; i < c->limiter_count; i++)
        ok &= names_add(&r->policies[CONFIG_POLICY_LIMITER], c->limiters[i]->name, c->limiters[i],
                        &old);
    if (!ok)
        config_errors_set_oom(r->errs);
}

/* What the reader of files does on the way: duplicates and depth. */
static void check_nodes(const config_node *n, int depth, config_errors *errs)
{
    if (n->type == CONFIG_NODE_SCALAR)
        return;
    if (depth > DOCUMENT_DEPTH_MAX) {
        config_node_error(n, errs, NULL, "nesting is deeper than 32 levels");
        return;
    }
    if (n->type == CONFIG_NODE_MAP)
        node_refuse_duplicates(n, errs);
    for (const config_pair *p = n->first; p; p = p->next)
        check_nodes(p->value, depth + 1, errs);
    for (const config_item *i = n->head; i; i = i->next)
        check_nodes(i->value, depth + 1, errs);
}

config_err config_child_from_node(const config *base, config_node *node, config_child **out,
                                  config_errors *errs)
{
    if (!node)
        return CONFIG_ENOMEM;
    size_t before = config_errors_count(errs);
    check_nodes(node, 1, errs);
    config_child *child = tree_alloc(node->tree, sizeof *child);
    if (!child)
        return CONFIG_ENOMEM;
    if (config_errors_count(errs) == before) {
        reader r = {.tree = node->tree, .errs = errs, .base = base};
        know_policies(&r, base);
        read_child(&r, node, child);
        drop_names(&r);
    }
    config_err err = verdict(node->tree, errs, before);
    if (err == CONFIG_OK)
        *out = child;
    return err;
}
