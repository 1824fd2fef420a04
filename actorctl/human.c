#include "actorctl/human.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

const char *human_count(double n, char out[HUMAN_TEXT])
{
    static const char units[] = "kMGTP";
    if (n < 10000) {
        snprintf(out, HUMAN_TEXT, "%.0f", n);
        return out;
    }
    size_t unit = 0;
    for (n /= 1000; n >= 999.95 && units[unit + 1]; unit++)
        n /= 1000;
    snprintf(out, HUMAN_TEXT, "%.1f%c", n, units[unit]);
    return out;
}

/* A minute and more: the two largest units. */
static void human_long(unsigned long long s, char out[HUMAN_TEXT])
{
    unsigned long long d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;
    s %= 60;
    if (d)
        snprintf(out, HUMAN_TEXT, "%llud%lluh", d, h);
    else if (h)
        snprintf(out, HUMAN_TEXT, "%lluh%02llum", h, m);
    else if (s)
        snprintf(out, HUMAN_TEXT, "%llum%02llus", m, s);
    else
        snprintf(out, HUMAN_TEXT, "%llum", m);
}

const char *human_ms(double ms, char out[HUMAN_TEXT])
{
    if (ms <= 0) {
        snprintf(out, HUMAN_TEXT, "0 ms");
    } else if (ms < 1) {
        snprintf(out, HUMAN_TEXT, "%.0f us", ms * 1000);
    } else if (ms < 99.95) {
        snprintf(out, HUMAN_TEXT, "%.1f ms", ms);
    } else if (ms < 999.5) {
        snprintf(out, HUMAN_TEXT, "%.0f ms", ms);
    } else if (ms < 59950) {
        bool whole = (uint64_t)ms % 1000 == 0;
        snprintf(out, HUMAN_TEXT, "%.*f s", whole ? 0 : 1, ms / 1000);
    } else {
        human_long(ms < 1e15 ? (uint64_t)((ms + 500) / 1000) : (uint64_t)1e12, out);
    }
    return out;
}

const char *human_bytes(double bytes, char out[HUMAN_TEXT])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        snprintf(out, HUMAN_TEXT, "%.0f B", bytes);
        return out;
    }
    size_t unit = 0;
    for (bytes /= 1024; bytes >= 1024 && unit < 3; unit++)
        bytes /= 1024;
    snprintf(out, HUMAN_TEXT, "%.1f %s", bytes, units[unit]);
    return out;
}

const char *human_age(const char *at, time_t now, char out[HUMAN_TEXT])
{
    struct tm tm = {0};
    const char *rest = strptime(at, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!rest || !(*rest == 'Z' || *rest == '.')) {
        snprintf(out, HUMAN_TEXT, "%.*s", HUMAN_TEXT - 1, at);
        return out;
    }
    double ms = difftime(now, timegm(&tm)) * 1000;
    char text[HUMAN_TEXT];
    if (ms < 1000)
        snprintf(out, HUMAN_TEXT, "just now");
    else
        snprintf(out, HUMAN_TEXT, "%.*s ago", HUMAN_TEXT - 5, human_ms(ms, text));
    return out;
}

/* One character: its bytes, and its columns by the C library's tables. main() sets a UTF-8 locale;
 * without one, and for bytes that aren't UTF-8, a byte is a column. */
static size_t character(const char *text, size_t left, size_t *columns)
{
    *columns = 1;
    unsigned char c = (unsigned char)*text;
    if (c < 0x80)
        return 1;
    mbstate_t state = {0};
    wchar_t wide;
    size_t bytes = mbrtowc(&wide, text, left, &state);
    if (bytes == 0 || bytes == (size_t)-1 || bytes == (size_t)-2)
        return 1;
    int width = wcwidth(wide);
    if (width >= 0)
        *columns = (size_t)width;
    return bytes;
}

/* Stops at `width`; gives the bytes, and in *total the columns they take. */
static size_t measure(const char *text, size_t width, size_t *total)
{
    size_t len = strlen(text), at = 0;
    *total = 0;
    while (at < len) {
        size_t columns;
        size_t bytes = character(text + at, len - at, &columns);
        if (*total + columns > width)
            break;
        *total += columns;
        at += bytes;
    }
    return at;
}

size_t human_width(const char *text)
{
    size_t total;
    measure(text, SIZE_MAX, &total);
    return total;
}

size_t human_clip(const char *text, size_t width)
{
    size_t total;
    return measure(text, width, &total);
}
