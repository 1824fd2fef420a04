/* human: counts, times and texts as people read them. Exact values are for --json. */
#ifndef ACTORCTL_HUMAN_H
#define ACTORCTL_HUMAN_H

#include <stddef.h>
#include <time.h>

#define HUMAN_TEXT 32 /* enough for every formatter here */

/* 9999 -> "9999", 12345 -> "12.3k", 4500000 -> "4.5M". */
const char *human_count(double n, char out[HUMAN_TEXT]);

/* 0.085 -> "85 us", 12.34 -> "12.3 ms", 1200 -> "1.2 s", 60000 -> "1m", 192000 -> "3m12s", then
 * "5h03m", "2d4h".
 */
const char *human_ms(double ms, char out[HUMAN_TEXT]);

/* 61 -> "61 B", 2048 -> "2.0 KiB". */
const char *human_bytes(double bytes, char out[HUMAN_TEXT]);

/* An RFC 3339 time in UTC -> how long before `now`, "3m12s ago"; the text itself where it isn't
 * one, cut to fit. */
const char *human_age(const char *at, time_t now, char out[HUMAN_TEXT]);

/* How many columns of a terminal `text` takes. Control characters count as the one '?' that
 * human_clip writes for them. */
size_t human_width(const char *text);

/* The longest start of `text` that takes at most `width` columns; the bytes of it. */
size_t human_clip(const char *text, size_t width);

#endif
