/* types_own: values with words or a form of their own: addresses, windows, rates and the like. */
#include "types.h"

#include "tree.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static void read_workers(reader *r, const config_row *row, const config_node *n, void *field)
{
    if (n->type == CONFIG_NODE_SCALAR && strcmp(n->text, "auto") == 0)
        *(int *)field = 0;
    else
        types_read_int(r, row, n, field);
}

static void print_workers(const config_row *row, const void *field, textbuf *out)
{
    if (*(const int *)field == 0)
        text_add(out, "auto");
    else
        types_print_int(row, field, out);
}

static void read_mode(reader *r, const config_row *row, const config_node *n, void *field)
{
    const char *s = read_scalar(r, row, n);
    if (!s)
        return;
    size_t digits = strspn(s, "01234567");
    int mode = 0;
    for (size_t i = 0; i < digits && i < 4; i++)
        mode = mode * 8 + (s[i] - '0');
    if (digits < 3 || digits > 4 || s[digits] || mode > 0777)
        read_error(r, n, "valid: permission bits in octal, such as \"0660\"",
                   "%s: '%s' is not a mode", row->key, node_show(n));
    else
        *(int *)field = mode;
}

static void print_mode(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    text_addf(out, "%04o", (unsigned)*(const int *)field);
}

static bool loopback(const char *host, size_t length)
{
    char address[INET6_ADDRSTRLEN];
    struct in_addr four;
    if (length >= sizeof address)
        return false;
    memcpy(address, host, length);
    address[length] = '\0';
    if (strcmp(address, "localhost") == 0 || strcmp(address, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, address, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

bool config_url_is_local(const char *url)
{
    if (strncmp(url, "tcp://", 6) != 0)
        return true;
    const char *host = url + 6, *colon = strrchr(host, ':');
    return !colon || loopback(host, (size_t)(colon - host));
}

static void read_tcp(reader *r, const config_node *n, config_listener *l)
{
    const char *host = n->text + strlen("tcp://"), *colon = strrchr(host, ':');
    int64_t port = -1;
    if (!colon || colon == host || config_parse_integer(colon + 1, &port) != UNITS_OK || port < 0 ||
        port > 65535)
        read_error(r, n, "valid form: tcp://127.0.0.1:7000", "url: '%s' needs a host and a port",
                   node_show(n));
    else if (!config_url_is_local(n->text))
        read_error(r, n, "valid hosts: 127.0.0.1, [::1], localhost",
                   "url: '%s': other than loopback is not supported yet", node_show(n));
    else
        *l = (config_listener){.url = n->text, .scheme = CONFIG_SCHEME_TCP};
}

static void read_ipc(reader *r, const config_node *n, config_listener *l)
{
    const char *path = n->text + strlen("ipc://");
    size_t most = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    if (path[0] != '/' || !path[1])
        read_error(r, n, "valid form: ipc:///run/actord/actord.sock",
                   "url: '%s' needs an absolute path", node_show(n));
    else if (strlen(path) > most)
        read_error(r, n, NULL, "url: the path of a socket has at most %zu bytes, this one %zu",
                   most, strlen(path));
    else
        *l = (config_listener){.url = n->text, .scheme = CONFIG_SCHEME_IPC, .path = path};
}

static void read_url(reader *r, const config_row *row, const config_node *n, void *field)
{
    const char *s = read_scalar(r, row, n);
    if (!s)
        return;
    if (strncmp(s, "ipc://", 6) == 0)
        read_ipc(r, n, field);
    else if (strncmp(s, "tcp://", 6) == 0)
        read_tcp(r, n, field);
    else if (strncmp(s, "tls+tcp://", 10) == 0)
        read_error(r, n, NULL, "url: 'tls+tcp://' is not supported yet");
    else
        read_error(r, n, "valid forms: ipc:///path, tcp://127.0.0.1:7000",
                   "url: '%s' is not an address to listen on", node_show(n));
}

/* "20 calls", or a duration. */
static void read_window(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_breaker *b = field;
    const char *s = read_scalar(r, row, n);
    if (!s)
        return;
    size_t digits = strspn(s, "0123456789");
    int64_t value = 0;
    if (digits && (strcmp(s + digits, " calls") == 0 || strcmp(s + digits, " call") == 0)) {
        const char *count = tree_copy(r->tree, s, digits);
        if (count && (config_parse_integer(count, &value) != UNITS_OK || value < row->min ||
                      value > row->max))
            read_error(r, n, "valid values: 1 calls to 1000000 calls", "%s: %s is out of range",
                       row->key, node_show(n));
        else
            b->window_calls = (int)value;
        return;
    }
    units_err err = config_parse_duration(s, &value);
    if (err)
        read_error(r, n,
                   err == UNITS_ENOUNIT
                       ? tree_print(r->tree, "did you mean '%s calls'?", node_show(n))
                       : "valid: a number of calls such as 20 calls, or a duration such as 60s",
                   "%s: '%s' %s", row->key, node_show(n), units_strerror(UNITS_DURATION, err));
    else if (value < 1000 || value > INT64_C(86400000000))
        read_error(r, n, "valid values: 1ms to 1d", "%s: %s is out of range", row->key,
                   node_show(n));
    else
        b->window_us = value;
}

static bool same_window(const config_row *row, const void *a, const void *b)
{
    (void)row;
    const config_breaker *x = a, *y = b;
    return x->window_calls == y->window_calls && x->window_us == y->window_us;
}

static void print_window(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    const config_breaker *b = field;
    char buffer[UNITS_TEXT];
    if (b->window_calls)
        text_addf(out, "%d calls", b->window_calls);
    else
        text_add(out, b->window_us ? config_format_duration(b->window_us, buffer) : "none");
}

static void read_rate(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_limiter *l = field;
    int64_t count, per_us;
    const char *s = read_scalar(r, row, n);
    if (!s)
        return;
    units_err err = config_parse_rate(s, &count, &per_us);
    if (err) {
        types_bad_value(r, row, n, UNITS_RATE, err);
    } else if (types_in_bounds(r, row, n, count, types_format_integer)) {
        l->rate_count = count;
        l->rate_per_us = per_us;
    }
}

static bool same_rate(const config_row *row, const void *a, const void *b)
{
    (void)row;
    const config_limiter *x = a, *y = b;
    return x->rate_count == y->rate_count && x->rate_per_us == y->rate_per_us;
}

static void print_rate(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    const config_limiter *l = field;
    char buffer[UNITS_TEXT];
    text_add(out,
             l->rate_count ? config_format_rate(l->rate_count, l->rate_per_us, buffer) : "none");
}

static void read_max_restarts(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_supervisor *s = field;
    int64_t count, within_us;
    const char *text = read_scalar(r, row, n);
    if (!text)
        return;
    if (strcmp(text, "unlimited") == 0) {
        s->max_restarts = CONFIG_INFINITY;
        s->within_us = 0;
        return;
    }
    units_err err = config_parse_count_in(text, &count, &within_us);
    if (err)
        read_error(r, n, "valid: a count in a time such as 10 in 1m, or unlimited", "%s: '%s' %s",
                   row->key, node_show(n), units_strerror(UNITS_COUNT_IN, err));
    else if (within_us < 1000 || within_us > INT64_C(3650) * INT64_C(86400000000))
        read_error(r, n, "valid times: 1ms to 3650d", "%s: %s is out of range", row->key,
                   node_show(n));
    else if (types_in_bounds(r, row, n, count, types_format_integer)) {
        s->max_restarts = (int)count;
        s->within_us = within_us;
    }
}

static bool same_max_restarts(const config_row *row, const void *a, const void *b)
{
    (void)row;
    const config_supervisor *x = a, *y = b;
    return x->max_restarts == y->max_restarts && x->within_us == y->within_us;
}

static void print_max_restarts(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    const config_supervisor *s = field;
    char buffer[UNITS_TEXT];
    if (s->max_restarts == CONFIG_INFINITY)
        text_add(out, "unlimited");
    else
        text_addf(out, "%d in %s", s->max_restarts, config_format_duration(s->within_us, buffer));
}

static void read_backoff(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_backoff *b = field;
    if (n->type == CONFIG_NODE_SCALAR && !n->failed) {
        if (strcmp(n->text, "none") == 0)
            b->none = true;
        else
            read_error(r, n, "valid: none, or {initial: 100ms, max: 30s}", "%s: '%s' is not valid",
                       row->key, node_show(n));
        return;
    }
    read_table(r, row->table, n, field);
}

static void read_shutdown(reader *r, const config_row *row, const config_node *n, void *field)
{
    const char *s = read_scalar(r, row, n);
    int64_t us;
    if (!s)
        return;
    if (strcmp(s, "kill") == 0)
        *(int64_t *)field = 0;
    else if (strcmp(s, "infinity") == 0)
        *(int64_t *)field = CONFIG_INFINITY;
    else if (config_parse_duration(s, &us) == UNITS_OK)
        types_read_duration(r, row, n, field);
    else {
        const char *const words[] = {"kill", "infinity"};
        const char *near = suggest_nearest(s, words, 2);
        int64_t number;
        const char *hint = near ? read_did_you_mean(r, near)
                           : config_parse_integer(s, &number) == UNITS_OK
                               ? tree_print(r->tree, "did you mean '%ss'?", s)
                               : "valid: a duration such as 5s, kill, or infinity";
        read_error(r, n, hint, "%s: '%s' is not valid", row->key, node_show(n));
    }
}

static void print_shutdown(const config_row *row, const void *field, textbuf *out)
{
    if (*(const int64_t *)field == 0)
        text_add(out, "kill");
    else
        types_print_duration(row, field, out);
}

/* --- Exit statuses and environment ----------------------------------------- */

static void read_statuses(reader *r, const config_row *row, const config_node *n, void *field)
{
    bool single = n->type == CONFIG_NODE_SCALAR; /* a default */
    if (n->type == CONFIG_NODE_MAP) {
        read_error(r, n, tree_print(r->tree, "valid: %s: [75]", row->key),
                   "%s: must be a list of exit statuses", row->key);
        return;
    }
    int *items = tree_alloc(r->tree, ((single ? 1 : n->count) + 1) * sizeof *items);
    if (!items)
        return;
    config_statuses list = {items, 0};
    int64_t value;
    if (single) {
        if (types_get_int(r, row, n, &value))
            items[list.count++] = (int)value;
    } else {
        for (const config_item *i = n->head; i; i = i->next)
            if (types_get_int(r, row, i->value, &value))
                items[list.count++] = (int)value;
    }
    *(config_statuses *)field = list;
}

static bool same_statuses(const config_row *row, const void *a, const void *b)
{
    (void)row;
    const config_statuses *x = a, *y = b;
    return x->count == y->count &&
           (x->count == 0 || memcmp(x->items, y->items, x->count * sizeof *x->items) == 0);
}

static void print_statuses(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    const config_statuses *list = field;
    text_add(out, "[");
    for (size_t i = 0; i < list->count; i++)
        text_addf(out, "%s%d", i ? ", " : "", list->items[i]);
    text_add(out, "]");
}

static void read_env(reader *r, const config_row *row, const config_node *n, void *field)
{
    config_child *child = field;
    if (n->type != CONFIG_NODE_MAP) {
        read_error(r, n, "valid: env: {KEY: value}", "%s: must be a map of names and values",
                   row->key);
        return;
    }
    config_env *env = tree_alloc(r->tree, (n->count + 1) * sizeof *env);
    if (!env)
        return;
    size_t count = 0;
    for (const config_pair *p = n->first; p; p = p->next) {
        const char *name = p->key->text, *value = NULL;
        if (strncmp(name, "x-", 2) == 0)
            continue;
        if (!*name || strchr(name, '=') || strlen(name) != p->key->length)
            read_error(r, p->key, NULL, "%s: '%s' can't be the name of a variable", row->key,
                       node_show(p->key));
        else if (config_node_is_null(p->value))
            read_error(r, p->value, tree_print(r->tree, "write '%s: \"\"'", node_show(p->key)),
                       "%s: '%s' needs a value", row->key, node_show(p->key));
        else if ((value = read_scalar(r, row, p->value)))
            env[count++] = (config_env){name, value, p->value->secret};
    }
    child->env = env;
    child->env_count = count;
}

static bool same_env(const config_row *row, const void *a, const void *b)
{
    (void)row;
    const config_child *x = a, *y = b;
    if (x->env_count != y->env_count)
        return false;
    for (size_t i = 0; i < x->env_count; i++)
        if (strcmp(x->env[i].name, y->env[i].name) != 0 ||
            strcmp(x->env[i].value, y->env[i].value) != 0)
            return false;
    return true;
}

static void print_env(const config_row *row, const void *field, textbuf *out)
{
    (void)row;
    const config_child *child = field;
    text_add(out, "{");
    for (size_t i = 0; i < child->env_count; i++)
        text_addf(out, "%s%s: %s", i ? ", " : "", child->env[i].name,
                  child->env[i].secret ? "(secret)" : child->env[i].value);
    text_add(out, "}");
}

/* --- The types ------------------------------------------------------------- */

const config_type type_workers = {"whole number or auto", read_workers, types_same_int,
                                  print_workers};
const config_type type_mode = {"octal string", read_mode, types_same_int, print_mode};
const config_type type_url = {"address", read_url, types_same_string, types_print_string};
const config_type type_window = {"calls or duration", read_window, same_window, print_window};
const config_type type_rate = {"rate", read_rate, same_rate, print_rate};
const config_type type_max_restarts = {"count in time", read_max_restarts, same_max_restarts,
                                       print_max_restarts};
const config_type type_backoff = {"map or none", read_backoff, NULL, NULL};
const config_type type_shutdown = {"duration, kill or infinity", read_shutdown, types_same_int64,
                                   print_shutdown};
const config_type type_statuses = {"list of exit statuses", read_statuses, same_statuses,
                                   print_statuses};
const config_type type_env = {"map of strings", read_env, same_env, print_env};
