#include "daemon/clock.h"

#include <stdio.h>

const clock_ms *clock_virtual;

const char *clock_format(clock_ms wall, char out[CLOCK_TEXT])
{
    time_t seconds = (time_t)(wall / 1000);
    struct tm utc;
    if (wall < 0 || !gmtime_r(&seconds, &utc)) {
        out[0] = '\0';
        return out;
    }
    size_t n = strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + n, CLOCK_TEXT - n, ".%03dZ", (int)(wall % 1000));
    return out;
}
