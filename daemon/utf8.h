/* utf8.h - strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 * Pure; any thread. */
#ifndef DAEMON_UTF8_H
#define DAEMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the character at text[0], 1 to 4; 0 where the bytes are no character, or it is cut
 * off by `len`. */
size_t utf8_length(const char *text, size_t len);

/* Write a code point up to U+10FFFF, 1 to 4 bytes. Surrogates are written like any other. */
size_t utf8_put(uint32_t code, char out[4]);

bool utf8_valid(const char *text, size_t len);

#endif
