#include "plan.h"

#include "names.h"
#include "schema.h"
#include "tree.h"

#include <stdlib.h>
#include <string.h>

typedef struct growing {
    void *items;
    size_t count, room, size;
} growing;

/* One that knows both configurations, and collects. */
typedef struct planner {
    config_tree *tree; /* for all texts, and at last for the plan */
    growing changes, differences;
    names from, to; /* children by name; those that aren't there are not in `from` */
    const config_undone *undone;
    size_t undone_count;
    bool restarts, at_start; /* what the differences found since clear() demand */
    bool oom;
} planner;

/* A change whose differences may still move: they begin at `first`. */
typedef struct pending {
    config_change change;
    size_t first;
} pending;

/* What config_plan_new() really makes. */
typedef struct plan_box {
    config_plan plan;
    config_tree *tree;
} plan_box;

static void *push(planner *p, growing *g, const void *item)
{
    if (g->count == g->room) {
        size_t room = g->room ? g->room * 2 : 16;
        void *items = realloc(g->items, room * g->size);
        if (!items) {
            p->oom = true;
            return NULL;
        }
        g->items = items;
        g->room = room;
    }
    return memcpy((char *)g->items + g->count++ * g->size, item, g->size);
}

/* --- Differences ----------------------------------------------------------- */

static const char *print_field(planner *p, const config_row *row, const void *field)
{
    textbuf t = {0};
    row->type->print(row, field, &t);
    return tree_take(p->tree, &t);
}

static void differ(planner *p, const config_row *row, const char *key, const char *before,
                   const char *after)
{
    config_difference d = {key, before, after};
    push(p, &p->differences, &d);
    p->restarts |= (row->flags & ROW_RESTARTS) != 0;
    p->at_start |= (row->flags & ROW_AT_START) != 0;
}

static const char *join(planner *p, const char *prefix, const char *key)
{
    return *prefix ? tree_print(p->tree, "%s.%s", prefix, key) : key;
}

static void compare(planner *p, const config_table *table, const char *prefix, const void *a,
                    const void *b);

/* The policy as it is referred to. */
static const char *policy_text(const config_retry *policy)
{
    return !policy ? "none" : policy->shared ? policy->name : "its own";
}

static void compare_policy(planner *p, const config_row *row, const char *key, const void *a,
                           const void *b)
{
    const config_retry *x, *y; /* whichever of the three it is */
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (x && y && !x->shared && !y->shared)
        compare(p, row->table, key, x, y);
    else if (x && y && x->shared && y->shared && strcmp(x->name, y->name) == 0)
        return;
    else if (x || y)
        differ(p, row, key, policy_text(x), policy_text(y));
}

static void compare_backoff(planner *p, const config_row *row, const char *key,
                            const config_backoff *a, const config_backoff *b)
{
    if (a->none != b->none)
        differ(p, row, key, a->none ? "none" : "on", b->none ? "none" : "on");
    else if (!a->none)
        compare(p, row->table, key, a, b);
}

static void compare_map(planner *p, const config_row *row, const char *key, const void *a,
                        const void *b)
{
    size_t first = p->differences.count;
    bool restarts = p->restarts;
    compare(p, row->table, key, a, b);
    /* What holds for a mapping holds for all that is in it. */
    p->restarts =
        restarts || p->restarts || (p->differences.count > first && row->flags & ROW_RESTARTS);
}

static void compare(planner *p, const config_table *table, const char *prefix, const void *a,
                    const void *b)
{
    for (size_t i = 0; i < table->count; i++) {
        const config_row *row = &table->rows[i];
        const void *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;
        const char *key = join(p, prefix, row->key);
        if (!key)
            return;
        if (row->flags & ROW_LATER ||
            (row->flags & ROW_KIND && row->kind != ((const config_child *)a)->kind))
            continue;
        if (row->type == &type_map)
            compare_map(p, row, key, x, y);
        else if (row->type == &type_policy)
            compare_policy(p, row, key, x, y);
        else if (row->type == &type_backoff)
            compare_backoff(p, row, key, x, y);
        else if (row->type->same && !row->type->same(row, x, y))
            differ(p, row, key, print_field(p, row, x), print_field(p, row, y));
    }
}

/* --- Settings and policies ------------------------------------------------- */

static void add_change(planner *p, config_change c, size_t first_difference)
{
    c.difference_count = p->differences.count - first_difference;
    c.index = c.kind == CONFIG_CHANGE_START ? c.to->index : 0;
    push(p, &p->changes, &(pending){c, first_difference});
}

static void compare_settings(planner *p, const config *from, const config *to)
{
    for (size_t i = 0; i < schema_top.count; i++) {
        const config_row *section = &schema_top.rows[i];
        if (section->type != &type_map)
            continue;
        /* One section may hold both kinds of setting: a change for each key. */
        for (size_t j = 0; j < section->table->count; j++) {
            config_table one = {.rows = &section->table->rows[j], .count = 1};
            size_t first = p->differences.count;
            p->at_start = false;
            compare(p, &one, section->key, from, to);
            if (p->differences.count > first)
                add_change(p,
                           (config_change){.kind = p->at_start ? CONFIG_CHANGE_NEEDS_START
                                                               : CONFIG_CHANGE_SETTING,
                                           .name = section->key},
                           first);
        }
    }
}

static const config_listener *find_listener(const config *c, const char *url)
{
    for (size_t i = 0; i < c->listener_count; i++)
        if (strcmp(c->listeners[i].url, url) == 0)
            return &c->listeners[i];
    return NULL;
}

static void compare_listeners(planner *p, const config *from, const config *to)
{
    static const config_row row = {.key = "listen", .flags = ROW_AT_START};
    size_t first = p->differences.count;
    for (size_t i = 0; i < from->listener_count; i++) {
        const config_listener *l = &from->listeners[i], *other = find_listener(to, l->url);
        if (other)
            compare(p, &schema_listener, l->url, l, other);
        else
            differ(p, &row, "listen", l->url, "none");
    }
    for (size_t i = 0; i < to->listener_count; i++)
        if (!find_listener(from, to->listeners[i].url))
            differ(p, &row, "listen", "none", to->listeners[i].url);
    if (p->differences.count > first)
        add_change(p, (config_change){.kind = CONFIG_CHANGE_NEEDS_START, .name = "listen"}, first);
}

typedef struct policies {
    config_policy_kind kind;
    const config_table *table;
    const void *const *items;
    size_t count;
} policies;

static policies policies_of(const config *c, config_policy_kind kind)
{
    switch (kind) {
    case CONFIG_POLICY_RETRY:
        return (policies){kind, &schema_retry, (const void *const *)c->retries, c->retry_count};
    case CONFIG_POLICY_BREAKER:
        return (policies){kind, &schema_breaker, (const void *const *)c->breakers,
                          c->breaker_count};
    default:
        return (policies){kind, &schema_limiter, (const void *const *)c->limiters,
                          c->limiter_count};
    }
}

static const char *policy_name(const void *policy)
{
    return ((const config_retry *)policy)->name;
}

/* Which of `list` are new or changed (`gone` false), or missing in `others` (`gone` true). */
static void compare_policies(planner *p, policies list, policies others, bool gone)
{
    names known = {0};
    const void *old;
    for (size_t i = 0; i < others.count; i++)
        if (!names_add(&known, policy_name(others.items[i]), others.items[i], &old))
            p->oom = true;
    for (size_t i = 0; i < list.count; i++) {
        const void *policy = list.items[i], *other = names_find(&known, policy_name(policy));
        config_change c = {.policy = list.kind, .name = policy_name(policy)};
        size_t first = p->differences.count;
        if (other && !gone)
            compare(p, list.table, "", other, policy);
        c.kind = gone    ? CONFIG_CHANGE_POLICY_REMOVE
                 : other ? CONFIG_CHANGE_POLICY_UPDATE
                         : CONFIG_CHANGE_POLICY_ADD;
        if (gone ? !other : !other || p->differences.count > first)
            add_change(p, c, first);
    }
    names_drop(&known);
}

static void compare_all_policies(planner *p, const config *from, const config *to, bool gone)
{
    for (int k = CONFIG_POLICY_RETRY; k <= CONFIG_POLICY_LIMITER; k++) {
        policies a = policies_of(from, (config_policy_kind)k);
        policies b = policies_of(to, (config_policy_kind)k);
        compare_policies(p, gone ? a : b, gone ? b : a, gone);
    }
}

/* --- Children -------------------------------------------------------------- */

static bool is_undone(const planner *p, config_change_kind kind, const config_child *x)
{
    for (size_t i = 0; x && i < p->undone_count; i++)
        if (p->undone[i].kind == kind && strcmp(p->undone[i].name, x->name) == 0)
            return true;
    return false;
}

static void know_children(planner *p, names *known, const config *c)
{
    const void *old;
    for (const config_child *x = c->root; x; x = config_next_child(c->root, x)) {
        bool there = true;
        for (const config_child *up = x; known == &p->from && up && there; up = up->parent)
            there = !is_undone(p, CONFIG_CHANGE_START, up);
        if (there && !names_add(known, x->name, x, &old))
            p->oom = true;
    }
}

/* Whether `a` goes on as `b`: the same name and nature below parents that go on. Depth is bounded
 * by the nesting of the file. */
static bool goes_on(const config_child *a, const config_child *b)
{
    if (!a || !b || !a->supervisor != !b->supervisor)
        return false;
    if (!a->parent || !b->parent)
        return a->parent == b->parent;
    return strcmp(a->name, b->name) == 0 && strcmp(a->parent->name, b->parent->name) == 0 &&
           goes_on(a->parent, b->parent);
}

static const config_child *counterpart(const names *others, const config_child *x)
{
    return x ? names_find(others, x->name) : NULL;
}

/* The place stays although the nature changes: a restart. */
static bool same_place(const config_child *a, const config_child *b)
{
    return a && b && a->parent && b->parent && strcmp(a->parent->name, b->parent->name) == 0 &&
           goes_on(a->parent, b->parent);
}

/* Last to first. */
static void find_stops(planner *p, const config_child *top)
{
    const config_supervisor *s = top->supervisor;
    for (size_t i = s->child_count; i-- > 0;) {
        const config_child *x = s->children[i], *y = counterpart(&p->to, x);
        if (!counterpart(&p->from, x))
            continue;
        if (goes_on(x, y)) {
            if (x->supervisor)
                find_stops(p, x);
        } else if (!same_place(x, y)) {
            add_change(
                p, (config_change){.kind = CONFIG_CHANGE_STOP, .name = x->name, .from = x, .to = y},
                p->differences.count);
        }
    }
}

static void find_starts(planner *p, const config_child *top)
{
    const config_supervisor *s = top->supervisor;
    for (size_t i = 0; i < s->child_count; i++) {
        const config_child *y = s->children[i], *x = counterpart(&p->from, y);
        if (goes_on(x, y)) {
            if (y->supervisor)
                find_starts(p, y);
        } else if (!same_place(x, y)) {
            add_change(p,
                       (config_change){.kind = CONFIG_CHANGE_START,
                                       .name = y->name,
                                       .from = x,
                                       .to = y,
                                       .again = is_undone(p, CONFIG_CHANGE_START, y)},
                       p->differences.count);
        }
    }
}

static const char *list_names(planner *p, const config_supervisor *s, const names *own,
                              const names *others, const config_supervisor *there)
{
    textbuf t = {0};
    for (size_t i = 0; i < s->child_count; i++) {
        const config_child *other = names_find(others, s->children[i]->name);
        if (names_find(own, s->children[i]->name) && other && other->parent &&
            other->parent->supervisor == there)
            text_addf(&t, "%s%s", t.length ? ", " : "", s->children[i]->name);
    }
    return tree_take(p->tree, &t);
}

/* The order of the children that stay. */
static void compare_order(planner *p, const config_child *x, const config_child *y)
{
    static const config_row row = {.key = "children"};
    const char *before = list_names(p, x->supervisor, &p->from, &p->to, y->supervisor);
    const char *after = list_names(p, y->supervisor, &p->to, &p->from, x->supervisor);
    if (before && after && strcmp(before, after) != 0)
        differ(p, &row, "children", before, after);
}

/* What has changed about a child that keeps its place, as one change of the kind `wanted` and for
 * (or not for) supervisors. */
static void compare_child(planner *p, const config_child *x, const config_child *y,
                          config_change_kind wanted, bool supervisors)
{
    bool other_nature = !goes_on(x, y);
    size_t first = p->differences.count;
    p->restarts = other_nature || x->kind != y->kind || is_undone(p, CONFIG_CHANGE_RESTART, y);
    if (x->kind != y->kind) {
        static const config_row kind = {.key = "kind"};
        differ(p, &kind, "kind", config_kind_name(x->kind), config_kind_name(y->kind));
    } else {
        compare(p, &schema_child, "", x, y);
    }
    if (!other_nature && x->supervisor)
        compare(p, &schema_supervisor, "", x->supervisor, y->supervisor);
    config_change_kind kind = p->restarts ? CONFIG_CHANGE_RESTART : CONFIG_CHANGE_UPDATE;
    bool again = is_undone(p, kind, y), due = again || p->differences.count > first;
    if (kind == wanted && (y->supervisor != NULL) == supervisors && due)
        add_change(
            p, (config_change){.kind = kind, .name = y->name, .from = x, .to = y, .again = again},
            first);
    else
        p->differences.count = first;
}

static void find_changed(planner *p, const config *to, config_change_kind wanted, bool supervisors)
{
    for (const config_child *y = to->root; y; y = config_next_child(to->root, y)) {
        const config_child *x = counterpart(&p->from, y);
        if (same_place(x, y) || goes_on(x, y))
            compare_child(p, x, y, wanted, supervisors);
    }
}

/* At last, when all the children are there. */
static void find_reorders(planner *p, const config *to)
{
    for (const config_child *y = to->root; y; y = config_next_child(to->root, y)) {
        const config_child *x = counterpart(&p->from, y);
        if (!y->supervisor || !goes_on(x, y))
            continue;
        size_t first = p->differences.count;
        bool again = is_undone(p, CONFIG_CHANGE_REORDER, y);
        compare_order(p, x, y);
        if (again || p->differences.count > first)
            add_change(p,
                       (config_change){.kind = CONFIG_CHANGE_REORDER,
                                       .name = y->name,
                                       .from = x,
                                       .to = y,
                                       .again = again},
                       first);
    }
}

/* --- The plan -------------------------------------------------------------- */

/* Move everything into the tree's memory, where it stays. */
static config_plan *settle(planner *p)
{
    plan_box *box = tree_alloc(p->tree, sizeof *box);
    config_change *changes = tree_alloc(p->tree, (p->changes.count + 1) * sizeof *changes);
    config_difference *all = tree_alloc(p->tree, (p->differences.count + 1) * sizeof *all);
    if (!box || !changes || !all || p->oom || config_tree_oom(p->tree))
        return NULL;
    if (p->differences.count)
        memcpy(all, p->differences.items, p->differences.count * sizeof *all);
    const pending *from = p->changes.items;
    for (size_t i = 0; i < p->changes.count; i++) {
        changes[i] = from[i].change;
        changes[i].differences = all + from[i].first;
        box->plan.needs_start |= changes[i].kind == CONFIG_CHANGE_NEEDS_START;
    }
    box->plan.changes = changes;
    box->plan.count = p->changes.count;
    box->tree = p->tree;
    return &box->plan;
}

config_err config_plan_new(const config *from, const config *to, config_plan **out)
{
    return config_plan_again(from, NULL, 0, to, out);
}

config_err config_plan_again(const config *from, const config_undone *undone, size_t count,
                             const config *to, config_plan **out)
{
    planner p = {.tree = config_tree_new("plan"),
                 .undone = undone,
                 .undone_count = count,
                 .changes.size = sizeof(pending),
                 .differences.size = sizeof(config_difference)};
    if (!p.tree)
        return CONFIG_ENOMEM;
    know_children(&p, &p.from, from);
    know_children(&p, &p.to, to);
    compare_settings(&p, from, to);
    compare_listeners(&p, from, to);
    compare_all_policies(&p, from, to, false);
    find_stops(&p, from->root);
    /* A supervisor's new settings first: a child may need its new auto_shutdown. */
    find_changed(&p, to, CONFIG_CHANGE_UPDATE, true);
    find_changed(&p, to, CONFIG_CHANGE_RESTART, true);
    find_changed(&p, to, CONFIG_CHANGE_RESTART, false);
    find_starts(&p, to->root);
    find_changed(&p, to, CONFIG_CHANGE_UPDATE, false);
    find_reorders(&p, to);
    compare_all_policies(&p, from, to, true);
    config_plan *plan = settle(&p);
    free(p.changes.items);
    free(p.differences.items);
    names_drop(&p.from);
    names_drop(&p.to);
    if (!plan) {
        config_tree_free(p.tree);
        return CONFIG_ENOMEM;
    }
    *out = plan;
    return CONFIG_OK;
}

void config_plan_free(config_plan *plan)
{
    /* The plan is the first member of its box. */
    if (plan)
        config_tree_free(((plan_box *)plan)->tree);
}
