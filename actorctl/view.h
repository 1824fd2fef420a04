/* view: pieces that the verbs made for the eye share. */
#ifndef ACTORCTL_VIEW_H
#define ACTORCTL_VIEW_H

#include "actorctl/ctl.h"

/* The colour of a state, an actor's, a breaker's or a message's. */
paint view_state_paint(const char *state);

/* "label     text", one line; nothing where `text` is NULL. */
void view_pair(ctl *c, const char *label, const char *text);

/* The same, formatted. */
void view_pairf(ctl *c, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A title of a section, with an empty line before it. */
void view_title(ctl *c, const char *title);

/* How an actor ended last, as a sentence without a full stop: "exit 1, 3.2 s ago". NULL, or a
 * string for free(). `last_exit` may be a string or an object with reason and at. */
char *view_last_exit(const cJSON *last_exit);

/* Why an actor is in the state it is in, one sentence; NULL when it simply runs (or no memory),
 * otherwise for free(). `info` is an item of actor.list or an answer of actor.info. */
char *view_why(const cJSON *info);

/* Is this state of an actor a trouble, rather than somebody's wish? */
bool view_actor_in_trouble(const cJSON *info);

/* Tables; each appends to c->out, `indent` from the left. */
void view_actors(ctl *c, const cJSON *items, size_t indent);
void view_breakers(ctl *c, const cJSON *items, size_t indent);
void view_deadletters(ctl *c, const cJSON *items, size_t indent, size_t most);

#endif
