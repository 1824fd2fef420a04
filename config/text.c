#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_drop(textbuf *t)
{
    free(t->bytes);
    t->bytes = NULL;
    t->length = t->room = 0;
}

static bool reserve(textbuf *t, size_t more)
{
    if (t->failed)
        return false;
    if (t->bytes && t->room - t->length > more)
        return true;
    size_t room = (t->length + more + 1) * 2;
    char *bytes = realloc(t->bytes, room);
    if (!bytes) {
        text_drop(t);
        t->failed = true;
        return false;
    }
    t->bytes = bytes;
    t->room = room;
    return true;
}

void text_add_bytes(textbuf *t, const char *bytes, size_t length)
{
    if (!reserve(t, length))
        return;
    memcpy(t->bytes + t->length, bytes, length);
    t->length += length;
    t->bytes[t->length] = '\0';
}

void text_add(textbuf *t, const char *s)
{
    text_add_bytes(t, s, strlen(s));
}

void text_vaddf(textbuf *t, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length < 0) {
        text_drop(t);
        t->failed = true;
    } else if (reserve(t, (size_t)length)) {
        vsnprintf(t->bytes + t->length, (size_t)length + 1, format, again);
        t->length += (size_t)length;
    }
    va_end(again);
}

void text_addf(textbuf *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_vaddf(t, format, args);
    va_end(args);
}

size_t text_char(const char *p, size_t length, bool *valid)
{
    static const struct {
        unsigned char mask, lead;
    } forms[] = {{0x80, 0x00}, {0xE0, 0xC0}, {0xF0, 0xE0}, {0xF8, 0xF0}};
    unsigned char first = (unsigned char)*p;
    for (size_t n = 0; n < 4; n++) {
        if ((first & forms[n].mask) != forms[n].lead)
            continue;
        if (n + 1 > length)
            break;
        for (size_t i = 1; i <= n; i++)
            if (((unsigned char)p[i] & 0xC0) != 0x80)
                goto invalid;
        if (valid)
            *valid = true;
        return n + 1;
    }
invalid:
    if (valid)
        *valid = false;
    return 1;
}

void text_add_printable(textbuf *t, const char *bytes, size_t length)
{
    const char *end = bytes + length;
    while (bytes < end) {
        bool valid;
        size_t n = text_char(bytes, (size_t)(end - bytes), &valid);
        unsigned char c = (unsigned char)*bytes;
        if (!valid || (c < 0x20 && c != '\t') || c == 0x7F)
            text_add(t, "?");
        else
            text_add_bytes(t, bytes, n);
        bytes += n;
    }
}

char *text_take(textbuf *t)
{
    if (!t->failed && !t->bytes)
        text_add(t, "");
    char *bytes = t->bytes;
    t->bytes = NULL;
    t->length = t->room = 0;
    return bytes;
}
