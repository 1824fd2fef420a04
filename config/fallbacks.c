/* fallbacks: who answers for whom, across the whole tree: that they exist, take messages, and lead
 * somewhere. */
#include "schema.h"

#include "tree.h"

#include <stdlib.h>
#include <string.h>

typedef struct link {
    const config_child *child;
    size_t mark; /* the walk that came by; 0: none yet */
} link;

typedef struct links {
    link *items;
    size_t count;
    names by_name;
} links;

static const config_node *node_of(const config_child *child)
{
    return read_blame(child->node, "fallback", NULL);
}

static bool collect(const config_child *root, links *all)
{
    size_t count = 1; /* the root */
    for (const config_child *c = root; (c = config_next_child(root, c));)
        count++;
    all->items = calloc(count, sizeof *all->items);
    if (!all->items)
        return false;
    for (const config_child *c = root; c; c = config_next_child(root, c)) {
        const void *old;
        link *l = &all->items[all->count++];
        l->child = c;
        if (c->name && !names_add(&all->by_name, c->name, l, &old))
            return false;
    }
    return true;
}

static link *next_of(const links *all, const link *l)
{
    const char *to = l->child->fallback;
    return to ? (link *)names_find(&all->by_name, to) : NULL;
}

static void check_target(reader *r, const links *all, const config_child *c)
{
    const link *to = names_find(&all->by_name, c->fallback);
    if (to && to->child->supervisor) {
        read_error(r, node_of(c), "name an actor that takes messages",
                   "fallback: '%s' is a supervisor, which takes no messages", c->fallback);
        return;
    }
    if (to)
        return;
    suggest s;
    suggest_start(&s, c->fallback);
    for (size_t i = 0; i < all->count; i++) {
        const config_child *other = all->items[i].child;
        if (other != c && other->name && !other->supervisor)
            suggest_offer(&s, other->name);
    }
    read_error(r, node_of(c), read_did_you_mean(r, s.best), "fallback: there is no actor '%s'",
               c->fallback);
}

/* "a -> b -> a" */
static const char *cycle_text(reader *r, const links *all, const link *first)
{
    textbuf t = {0};
    text_add(&t, first->child->name);
    for (const link *l = next_of(all, first);; l = next_of(all, l)) {
        text_addf(&t, " -> %s", l->child->name);
        if (l == first)
            break;
    }
    const char *text = tree_take(r->tree, &t);
    return text ? text : "";
}

/* Walk on from each child; a walk that meets itself has found a cycle. Every child is passed once.
 */
static void check_cycles(reader *r, const links *all)
{
    for (size_t i = 0; i < all->count; i++) {
        link *l = &all->items[i];
        for (; l && !l->mark; l = next_of(all, l))
            l->mark = i + 1;
        if (l && l->mark == i + 1 && l->child->fallback)
            read_error(r, node_of(l->child), "one of them must do without",
                       "fallback: each would answer for the other for ever: %s",
                       cycle_text(r, all, l));
    }
}

void fallbacks_check(reader *r, const config_child *root)
{
    links all = {0};
    if (collect(root, &all)) {
        for (size_t i = 0; i < all.count; i++)
            if (all.items[i].child->fallback)
                check_target(r, &all, all.items[i].child);
        check_cycles(r, &all);
    } else {
        config_errors_set_oom(r->errs);
    }
    names_drop(&all.by_name);
    free(all.items);
}
