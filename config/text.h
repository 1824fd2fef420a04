/* text: a string that grows. Once memory runs out it stays empty-handed: text_take() gives NULL,
 * so that only the end has to be checked. Internal to config/. */
#ifndef CONFIG_TEXT_H
#define CONFIG_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct textbuf {
    char *bytes;
    size_t length, room;
    bool failed;
} textbuf;

void text_add(textbuf *t, const char *s);
void text_add_bytes(textbuf *t, const char *bytes, size_t length);
void text_addf(textbuf *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vaddf(textbuf *t, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* With control characters (but tabs) and what isn't UTF-8 as '?', one for a character. */
void text_add_printable(textbuf *t, const char *bytes, size_t length);

/* The string, for free(), or NULL when something didn't fit into memory. The text is empty then. */
char *text_take(textbuf *t);
void text_drop(textbuf *t);

/* The bytes of the UTF-8 character at `p`, at least 1; *valid tells whether it is one. */
size_t text_char(const char *p, size_t length, bool *valid);

#endif
