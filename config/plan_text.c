/* plan_text: a plan as people read it. */
#include "plan.h"

#include "text.h"

const char *config_change_name(config_change_kind kind)
{
    static const char *const words[] = {
        [CONFIG_CHANGE_SETTING] = "set",
        [CONFIG_CHANGE_NEEDS_START] = "needs a daemon restart",
        [CONFIG_CHANGE_POLICY_ADD] = "add",
        [CONFIG_CHANGE_POLICY_UPDATE] = "update",
        [CONFIG_CHANGE_POLICY_REMOVE] = "remove",
        [CONFIG_CHANGE_STOP] = "stop",
        [CONFIG_CHANGE_RESTART] = "restart",
        [CONFIG_CHANGE_START] = "start",
        [CONFIG_CHANGE_UPDATE] = "update",
        [CONFIG_CHANGE_REORDER] = "reorder",
    };
    return words[kind];
}

static const char *path_of(const config_child *child)
{
    return child ? child->path : "";
}

static void add_differences(textbuf *t, const config_change *c)
{
    for (size_t i = 0; i < c->difference_count; i++) {
        const config_difference *d = &c->differences[i];
        text_addf(t, "%s%s: %s -> %s", i ? ", " : " ", d->key, d->before, d->after);
    }
}

static void add_line(textbuf *t, const config_change *c)
{
    static const char again[] = ", tried again";
    static const char *const nouns[] = {"", "retry policy ", "breaker ", "limiter "};
    bool moves =
        c->from && c->to && (c->kind == CONFIG_CHANGE_STOP || c->kind == CONFIG_CHANGE_START);
    if (moves && c->kind == CONFIG_CHANGE_STOP)
        return; /* one line a move, at its start */
    const char *what = moves ? "move" : config_change_name(c->kind);
    switch (c->kind) {
    case CONFIG_CHANGE_SETTING:
    case CONFIG_CHANGE_NEEDS_START:
        text_addf(t, "%s:", what);
        break;
    case CONFIG_CHANGE_STOP:
        text_addf(t, "%s %s", what, path_of(c->from));
        break;
    case CONFIG_CHANGE_START:
        if (moves)
            text_addf(t, "%s %s -> %s", what, path_of(c->from), path_of(c->to));
        else
            text_addf(t, "%s %s (%s)%s", what, path_of(c->to),
                      c->to ? config_kind_name(c->to->kind) : "", c->again ? again : "");
        break;
    case CONFIG_CHANGE_RESTART:
    case CONFIG_CHANGE_UPDATE:
    case CONFIG_CHANGE_REORDER:
        text_addf(t, "%s %s%s%s", what, path_of(c->to), c->again ? again : "",
                  c->difference_count ? ":" : "");
        break;
    default:
        text_addf(t, "%s %s%s%s", what, nouns[c->policy], c->name, c->difference_count ? ":" : "");
        break;
    }
    add_differences(t, c);
    text_add(t, "\n");
}

char *config_plan_text(const config_plan *plan)
{
    textbuf t = {0};
    if (plan->count == 0)
        text_add(&t, "nothing to change\n");
    for (size_t i = 0; i < plan->count; i++)
        add_line(&t, &plan->changes[i]);
    return text_take(&t);
}
