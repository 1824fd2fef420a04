#include "supervisors/hedge.h"

static void plan(hedge_call *c, const hedge_policy *p, actor_ms now)
{
    c->next = c->left > 0 ? now + p->after : HEDGE_NEVER;
}

static void want(hedge_call *c)
{
    c->wanted = true;
    c->left--;
    c->next = HEDGE_NEVER;
}

void hedge_first(hedge_call *c, const hedge_policy *p, actor_ms now)
{
    *c = (hedge_call){.out = 1, .left = p->max};
    plan(c, p, now);
}

bool hedge_tick(hedge_call *c, actor_ms now)
{
    if (now < c->next)
        return false;
    want(c);
    return true;
}

void hedge_begun(hedge_call *c, const hedge_policy *p, actor_ms now)
{
    c->wanted = false;
    c->out++;
    plan(c, p, now);
}

bool hedge_refused(hedge_call *c)
{
    c->wanted = false;
    c->left = 0;
    c->next = HEDGE_NEVER;
    return c->out == 0;
}

bool hedge_failed(hedge_call *c)
{
    c->out--;
    if (!c->wanted && c->left > 0)
        want(c);
    return c->out == 0 && !c->wanted;
}

bool hedge_returned(hedge_call *c)
{
    if (--c->out > 0)
        return false;
    hedge_refused(c);
    return true;
}
