/* types: what the kinds of value share. Internal to config/. */
#ifndef CONFIG_TYPES_H
#define CONFIG_TYPES_H

#include "schema.h"

/* Report a value that its parser refused, with what was probably meant. */
void types_bad_value(reader *r, const config_row *row, const config_node *n, units_form form,
                     units_err err);

/* Whether the value is within the row's bounds; reports it otherwise. */
bool types_in_bounds(reader *r, const config_row *row, const config_node *n, int64_t value,
                     const char *(*format)(int64_t, char[UNITS_TEXT]));
const char *types_format_integer(int64_t value, char out[UNITS_TEXT]);

/* A whole number within the bounds; false when it was reported. */
bool types_get_int(reader *r, const config_row *row, const config_node *n, int64_t *value);

/* The functions of the plain types, for those that add a word to one. */
void types_read_int(reader *r, const config_row *row, const config_node *n, void *field);
bool types_same_int(const config_row *row, const void *a, const void *b);
void types_print_int(const config_row *row, const void *field, textbuf *out);
bool types_same_int64(const config_row *row, const void *a, const void *b);
void types_read_duration(reader *r, const config_row *row, const config_node *n, void *field);
void types_print_duration(const config_row *row, const void *field, textbuf *out);
bool types_same_string(const config_row *row, const void *a, const void *b);
void types_print_string(const config_row *row, const void *field, textbuf *out);

#endif
