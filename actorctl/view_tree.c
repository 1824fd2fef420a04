/* tree: the supervision tree, one line a node. */
#include "actorctl/handlers.h"
#include "actorctl/human.h"
#include "actorctl/view.h"

#include <stdio.h>
#include <string.h>

/* What is drawn before a node's name: three columns a level, kept while its children are walked. */
typedef struct branch {
    buf prefix;
    table *table;
} branch;

/* "2/10 in 1m00s" of a supervisor; empty for others. */
static void cell_budget(table *t, const cJSON *node)
{
    const cJSON *used = tree_member(node, "restarts_used");
    if (!cJSON_IsNumber(used)) {
        table_cell(t, PAINT_PLAIN, "%s", "");
        return;
    }
    const cJSON *most = tree_member(node, "max_restarts");
    double within = tree_number(node, "within_ms", 0);
    bool spent = cJSON_IsNumber(most) && used->valuedouble >= most->valuedouble;
    paint p = used->valuedouble <= 0 ? PAINT_PLAIN : spent ? PAINT_BAD : PAINT_WARN;
    char text[HUMAN_TEXT];
    if (cJSON_IsNumber(most))
        table_cell(t, p, "%.0f/%.0f in %s", used->valuedouble, most->valuedouble,
                   human_ms(within, text));
    else
        table_cell(t, p, "%.0f, unlimited", used->valuedouble);
}

/* "worker", of a pool "worker 3/4": so many of its instances run. */
static void cell_kind(table *t, const cJSON *node)
{
    const cJSON *pool = tree_member(node, "pool");
    double all = tree_number(pool, "instances", 0), up = tree_number(pool, "running", 0);
    const char *kind = tree_text(node, "kind", "-");
    if (all > 1)
        table_cell(t, up < all ? PAINT_WARN : PAINT_PLAIN, "%s %.0f/%.0f", kind, up, all);
    else
        table_cell(t, PAINT_PLAIN, "%s", kind);
}

static void add_node(branch *b, const cJSON *node, const char *line)
{
    const char *state = tree_text(node, "state", "-");
    table_cell(b->table, PAINT_PLAIN, "%.*s%s%s", (int)b->prefix.len,
               b->prefix.at ? b->prefix.at : "", line, tree_text(node, "name", "-"));
    table_cell(b->table, view_state_paint(state), "%s", state);
    cell_kind(b->table, node);
    table_cell(b->table, PAINT_PLAIN, "%s", tree_text(node, "strategy", ""));
    cell_budget(b->table, node);
    const cJSON *waiting = tree_member(node, "waiting");
    char text[HUMAN_TEXT];
    table_cell(b->table, PAINT_PLAIN, "%s",
               cJSON_IsNumber(waiting) ? human_count(waiting->valuedouble, text) : "");
}

/* As deep as a configuration may nest, and cJSON reads. */
static void add_children(branch *b, const cJSON *node)
{
    const cJSON *child;
    cJSON_ArrayForEach(child, tree_member(node, "children"))
    {
        bool last = child->next == NULL;
        size_t before = b->prefix.len;
        add_node(b, child, last ? "└─ " : "├─ ");
        buf_puts(&b->prefix, last ? "   " : "│  ");
        add_children(b, child);
        b->prefix.len = before;
    }
}

static void show(ctl *c, const cJSON *root)
{
    static const table_column columns[] = {
        {.title = "NAME", .flexible = true},
        {.title = "STATE"},
        {.title = "KIND"},
        {.title = "STRATEGY"},
        {.title = "RESTARTS"},
        {.title = "WAITING", .right = true},
    };
    branch b = {.table = table_new(columns, sizeof columns / sizeof *columns)};
    add_node(&b, root, "");
    add_children(&b, root);
    c->out.failed = c->out.failed || b.prefix.failed;
    table_print(b.table, &c->look, 0, &c->out);
    table_free(b.table);
    buf_free(&b.prefix);
}

ctl_exit run_tree(ctl *c)
{
    buf params = {0};
    params_open(&params);
    if (c->arg_count)
        params_string(&params, "under", c->args[0]);
    params_close(&params);
    answer a;
    ctl_exit status = ctl_call(c, "tree", &params, c->timeout_ms, &a);
    buf_free(&params);
    if (status != EXIT_OK)
        return status;
    if (ctl_has(c, OPT_JSON)) {
        ctl_put_json(c, a.result);
    } else {
        cJSON *root = cJSON_ParseWithLength(a.result.at, a.result.len);
        show(c, root);
        cJSON_Delete(root);
    }
    answer_free(&a);
    return EXIT_OK;
}
