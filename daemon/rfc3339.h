/* rfc3339.h - points in time as text. Pure; any thread. */
#ifndef DAEMON_RFC3339_H
#define DAEMON_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

enum { RFC3339_TEXT = 64 };

/* "2026-01-01T00:00:00Z", "2026-01-01t02:00:00.25+02:00" -> milliseconds since 1970 UTC, what is
 * finer cut off. False, *ms untouched: not such a text, or no such day. A leap second counts as the
 * second after it. */
bool rfc3339_parse(const char *text, int64_t *ms);

/* "2026-01-01T00:00:00.000Z"; years 0 to 9999, times outside are written as the nearest inside. */
const char *rfc3339_format(int64_t ms, char out[RFC3339_TEXT]);

#endif
