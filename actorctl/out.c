#include "actorctl/out.h"

#include "actorctl/human.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP              2 /* blanks between columns */
#define NARROWEST_COLUMN 8 /* a flexible column isn't cut below this */

look look_at(int fd)
{
    look l = {0};
    if (!isatty(fd))
        return l;
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    l.colour = !(no_color && *no_color) && !(terminal && strcmp(terminal, "dumb") == 0);
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0)
        l.width = size.ws_col;
    return l;
}

static void paint_on(buf *b, const look *l, paint p)
{
    static const char *const codes[] = {
        [PAINT_GOOD] = "\033[32m", [PAINT_WARN] = "\033[33m", [PAINT_BAD] = "\033[31m",
        [PAINT_DIM] = "\033[2m",   [PAINT_BOLD] = "\033[1m",
    };
    if (l->colour && p != PAINT_PLAIN)
        buf_puts(b, codes[p]);
}

static void paint_off(buf *b, const look *l, paint p)
{
    if (l->colour && p != PAINT_PLAIN)
        buf_puts(b, "\033[0m");
}

static void put_clean(buf *b, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        /* U+0080 to U+009F are control characters as well, in two bytes. */
        bool c1 = c == 0xC2 && i + 1 < len && (unsigned char)text[i + 1] < 0xA0;
        if (c == '\n' || c == '\t') {
            buf_puts(b, " ");
        } else if (c < 0x20 || c == 0x7F || c1) {
            buf_puts(b, "?");
            i += c1;
        } else {
            buf_add(b, text + i, 1);
        }
    }
}

void out_text(buf *b, const look *l, paint p, const char *text)
{
    paint_on(b, l, p);
    put_clean(b, text, strlen(text));
    paint_off(b, l, p);
}

typedef struct cell {
    char *text;
    paint paint;
} cell;

struct table {
    const table_column *columns;
    size_t count;
    cell *cells; /* row by row */
    size_t used;
    size_t capacity;
    bool failed;
};

table *table_new(const table_column *columns, size_t count)
{
    table *t = calloc(1, sizeof *t);
    if (t) {
        t->columns = columns;
        t->count = count;
    }
    return t;
}

void table_cell(table *t, paint p, const char *format, ...)
{
    if (!t || t->failed)
        return;
    if (t->used == t->capacity) {
        size_t capacity = t->capacity ? t->capacity * 2 : 64;
        cell *cells = realloc(t->cells, capacity * sizeof *cells);
        if (!cells) {
            t->failed = true;
            return;
        }
        t->cells = cells;
        t->capacity = capacity;
    }
    va_list args;
    va_start(args, format);
    char *text;
    if (vasprintf(&text, format, args) < 0)
        t->failed = true;
    else
        t->cells[t->used++] = (cell){text, p};
    va_end(args);
}

/* Natural widths, then the flexible columns give up what the terminal doesn't have. */
static void measure_columns(const table *t, const look *l, size_t indent, size_t *widths)
{
    size_t total = indent;
    for (size_t c = 0; c < t->count; c++) {
        widths[c] = human_width(t->columns[c].title);
        for (size_t i = c; i < t->used; i += t->count) {
            size_t width = human_width(t->cells[i].text);
            if (width > widths[c])
                widths[c] = width;
        }
        total += widths[c] + (c ? GAP : 0);
    }
    for (size_t c = t->count; l->width && total > l->width && c-- > 0;) {
        if (!t->columns[c].flexible || widths[c] <= NARROWEST_COLUMN)
            continue;
        size_t give = total - l->width;
        if (give > widths[c] - NARROWEST_COLUMN)
            give = widths[c] - NARROWEST_COLUMN;
        widths[c] -= give;
        total -= give;
    }
}

static void pad(buf *b, size_t blanks)
{
    buf_printf(b, "%*s", (int)blanks, "");
}

static void print_cell(const look *l, const cell *c, size_t width, bool right, bool last, buf *b)
{
    size_t natural = human_width(c->text);
    bool cut = natural > width;
    size_t keep = cut ? human_clip(c->text, width ? width - 1 : 0) : strlen(c->text);
    size_t blanks = cut ? 0 : width - natural;
    if (right)
        pad(b, blanks);
    paint_on(b, l, c->paint);
    put_clean(b, c->text, keep);
    if (cut && width)
        buf_puts(b, "…");
    paint_off(b, l, c->paint);
    if (!right && !last)
        pad(b, blanks);
}

static void print_row(const table *t, const look *l, size_t indent, const cell *row,
                      const size_t *widths, buf *b)
{
    pad(b, indent);
    size_t left = l->width > indent ? l->width - indent : 0;
    for (size_t c = 0; c < t->count; c++) {
        size_t gap = c ? GAP : 0;
        size_t width = widths[c];
        if (l->width) { /* what doesn't fit at all is cut at the edge */
            if (left <= gap)
                break;
            left -= gap;
            if (width > left)
                width = left;
            left -= width;
        }
        pad(b, gap);
        print_cell(l, &row[c], width, t->columns[c].right, c + 1 == t->count, b);
    }
    while (b->len && b->at[b->len - 1] == ' ') /* of empty cells at the row's end */
        b->at[--b->len] = '\0';
    buf_puts(b, "\n");
}

void table_print(const table *t, const look *l, size_t indent, buf *b)
{
    if (!t || t->failed) {
        b->failed = true;
        return;
    }
    if (t->used < t->count)
        return;
    size_t widths[TABLE_COLUMNS];
    measure_columns(t, l, indent, widths);
    cell titles[TABLE_COLUMNS];
    for (size_t c = 0; c < t->count; c++)
        titles[c] = (cell){(char *)t->columns[c].title, PAINT_DIM};
    print_row(t, l, indent, titles, widths, b);
    for (size_t i = 0; i + t->count <= t->used; i += t->count)
        print_row(t, l, indent, &t->cells[i], widths, b);
}

void table_free(table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->used; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t);
}
