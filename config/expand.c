#include "expand.h"

#include "file.h"
#include "text.h"
#include "tree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 8 /* of defaults inside defaults */
};

typedef struct expansion {
    const config_node *node;
    const config_options *options;
    config_errors *errs;
    textbuf out;
    size_t room; /* bytes that `out` may take; when it is over that, the rest is left out */
    int depth;
    bool secret, failed;
} expansion;

static void expand(expansion *x, const char *p, size_t length);

/* The message is the three parts one behind the other. */
static void fail(expansion *x, const char *suggestion, const char *before, const char *name,
                 const char *after)
{
    x->failed = true;
    textbuf message = {0};
    text_add(&message, before);
    text_add(&message, name);
    text_add(&message, after);
    char *s = text_take(&message);
    if (s)
        config_node_error(x->node, x->errs, suggestion, "%s", s);
    else
        config_errors_set_oom(x->errs);
    free(s);
}

/* The bytes up to the '}' that closes "${", with "${" inside counted; `length` when there is none.
 */
static size_t closing(const char *p, size_t length)
{
    size_t open = 1;
    for (size_t i = 0; i < length; i++) {
        if (p[i] == '$' && i + 1 < length && (p[i + 1] == '$' || p[i + 1] == '{'))
            open += p[++i] == '{';
        else if (p[i] == '}' && --open == 0)
            return i;
    }
    return length;
}

static void expand_file(expansion *x, const char *path)
{
    x->secret = true;
    if (path[0] != '/') {
        fail(x, "valid form: ${file:/absolute/path}", "${file:...} needs an absolute path, not '",
             path, "'");
        return;
    }
    char *bytes = NULL;
    size_t length = 0;
    file_err err = file_read(path, EXPAND_FILE_MAX, &bytes, &length);
    if (err.kind == FILE_ENOMEM) {
        config_errors_set_oom(x->errs);
        x->failed = true;
        return;
    }
    if (err.kind != FILE_OK) {
        textbuf reason = {0};
        text_addf(&reason, "': %s", file_strerror(err));
        char *s = text_take(&reason);
        fail(x, NULL, "can't read '", path, s ? s : "'");
        free(s);
        return;
    }
    /* Editors and echo end a file with a newline that is no part of the secret. */
    if (length && bytes[length - 1] == '\n')
        length--;
    if (length && bytes[length - 1] == '\r')
        length--;
    if (memchr(bytes, '\0', length))
        fail(x, NULL, "'", path, "' contains a NUL character");
    else
        text_add_bytes(&x->out, bytes, length);
    explicit_bzero(bytes, length);
    free(bytes);
}

static void not_understood(expansion *x)
{
    fail(
        x,
        "valid forms: ${VAR}, ${VAR:-default}, ${VAR:?message}, ${file:/path}; $$ is a dollar sign",
        "this ${...} is not understood", "", "");
}

static void not_set(expansion *x, const char *name, const char *message, size_t length)
{
    if (length) {
        textbuf more = {0};
        text_add(&more, "': ");
        text_add_bytes(&more, message, length);
        char *s = text_take(&more);
        fail(x, NULL, "'", name, s ? s : "' is not set");
        free(s);
        return;
    }
    textbuf hint = {0};
    text_addf(&hint, "set it, or write ${%s:-default}", name);
    char *s = text_take(&hint);
    fail(x, s, "the environment variable '", name, "' is not set");
    free(s);
}

/* `rest` is what stands behind the name: nothing, ":-default" or ":?message". */
static void expand_variable(expansion *x, const char *name, const char *rest, size_t length)
{
    const config_options *o = x->options;
    const char *value = o && o->getenv ? o->getenv(o->getenv_arg, name) : getenv(name);
    if (length == 0) {
        if (value)
            text_add(&x->out, value);
        else
            not_set(x, name, "", 0);
    } else if (length < 2 || rest[0] != ':' || (rest[1] != '-' && rest[1] != '?')) {
        not_understood(x);
    } else if (value && *value) {
        text_add(&x->out, value);
    } else if (rest[1] == '?') {
        not_set(x, name, rest + 2, length - 2);
    } else if (x->depth == DEPTH_MAX) {
        fail(x, NULL, "defaults are nested too deeply", "", "");
    } else {
        x->depth++;
        expand(x, rest + 2, length - 2);
        x->depth--;
    }
}

/* What stands between "${" and "}". */
static void expand_braces(expansion *x, const char *p, size_t length)
{
    if (length > 5 && strncmp(p, "file:", 5) == 0) {
        char *path = strndup(p + 5, length - 5);
        if (path)
            expand_file(x, path);
        else
            config_errors_set_oom(x->errs);
        free(path);
        return;
    }
    size_t n = 0;
    while (n < length && (isalnum((unsigned char)p[n]) || p[n] == '_'))
        n++;
    char *name = strndup(p, n);
    if (!name) {
        config_errors_set_oom(x->errs);
        return;
    }
    if (n == 0 || isdigit((unsigned char)*p))
        not_understood(x);
    else
        expand_variable(x, name, p + n, length - n);
    free(name);
}

static void expand(expansion *x, const char *p, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (x->out.length > x->room)
            return;
        if (p[i] != '$' || i + 1 == length || (p[i + 1] != '$' && p[i + 1] != '{')) {
            text_add_bytes(&x->out, p + i, 1);
            continue;
        }
        i++;
        if (p[i] == '$') {
            text_add(&x->out, "$");
            continue;
        }
        size_t inside = closing(p + i + 1, length - i - 1);
        if (inside == length - i - 1) {
            fail(x, "$$ is a dollar sign", "this ${ has no closing }", "", "");
            return;
        }
        expand_braces(x, p + i + 1, inside);
        i += 1 + inside;
    }
}

static void expand_scalar(config_node *n, const config_options *options, size_t *room,
                          config_errors *errs)
{
    if (!memchr(n->text, '$', n->length))
        return;
    expansion x = {.node = n, .options = options, .errs = errs, .room = *room};
    expand(&x, n->text, n->length);
    size_t length = x.out.length;
    if (length > *room && !x.failed)
        fail(&x, NULL, "the expanded values are larger than 4 MiB in all", "", "");
    *room -= length < *room ? length : *room;
    bool lost = x.out.failed;
    char *bytes = text_take(&x.out);
    const char *copy = bytes && !lost ? tree_copy(n->tree, bytes, length) : NULL;
    if (!copy) {
        config_errors_set_oom(errs);
    } else if (!x.failed) {
        n->text = copy;
        n->length = length;
        n->secret = x.secret;
        /* "${EMPTY}" is an empty string, and what a variable holds is never null. */
        n->quoted = true;
    } else {
        n->failed = true;
    }
    if (bytes)
        explicit_bzero(bytes, length);
    free(bytes);
}

static void expand_node(config_node *n, const config_options *options, size_t *room,
                        config_errors *errs)
{
    switch (n->type) {
    case CONFIG_NODE_SCALAR:
        expand_scalar(n, options, room, errs);
        break;
    case CONFIG_NODE_LIST:
        for (const config_item *i = n->head; i; i = i->next)
            expand_node(i->value, options, room, errs);
        break;
    case CONFIG_NODE_MAP:
        for (const config_pair *p = n->first; p; p = p->next)
            if (strncmp(p->key->text, "x-", 2) != 0)
                expand_node(p->value, options, room, errs);
        break;
    }
}

void expand_tree(config_node *n, const config_options *options, config_errors *errs)
{
    size_t room = EXPANDED_MAX;
    expand_node(n, options, &room, errs);
}
