/* out: tables and colours. A table is collected, then printed aligned by what it shows, cut to the
 * terminal's width on a terminal only. Colour never carries a meaning alone. One thread.
 */
#ifndef ACTORCTL_OUT_H
#define ACTORCTL_OUT_H

#include "actorctl/buf.h"

typedef enum paint { PAINT_PLAIN, PAINT_GOOD, PAINT_WARN, PAINT_BAD, PAINT_DIM, PAINT_BOLD } paint;

/* How a stream is looked at. */
typedef struct look {
    bool colour;
    size_t width; /* columns; 0: no limit */
} look;

/* A terminal's colour (unless NO_COLOR is set, or TERM=dumb) and width; plain for anything else. */
look look_at(int fd);

/* Append `text` to *b painted, without its control characters: what a program printed must not
 * steer the reader's terminal. A line feed or tab becomes a blank, another one '?'. */
void out_text(buf *b, const look *l, paint p, const char *text);

#define TABLE_COLUMNS 12

typedef struct table_column {
    const char *title;
    bool right;    /* numbers: aligned at their end */
    bool flexible; /* gives way first where the terminal is narrow */
} table_column;

typedef struct table table;

/* `columns` (at most TABLE_COLUMNS) stay the caller's and must outlive the table. NULL when out of
 * memory; every function below then does nothing. */
table *table_new(const table_column *columns, size_t count);

/* Fill the next cell, row by row. */
void table_cell(table *t, paint p, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Append the table to *b, `indent` columns from the left, with its titles. A table without rows
 * prints nothing. Cells that couldn't be kept for want of memory make *b fail. */
void table_print(const table *t, const look *l, size_t indent, buf *b);
void table_free(table *t);

#endif
