#include "daemon/rfc3339.h"

#include <stddef.h>
#include <stdio.h>

/* Days since 1970-01-01 of a day of the Gregorian calendar; years begin in March here, so that the
 * leap day is a year's last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t era;
    int64_t of_era;
    int64_t of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    of_era = year - era * 400;
    of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly `count` digits within low..high. */
static bool number(const char **at, int count, int low, int high, int *out)
{
    int value = 0;

    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = value * 10 + (**at - '0');
    }
    *out = value;
    return value >= low && value <= high;
}

static bool literal(const char **at, char lower)
{
    char c = **at;

    if (c != lower && !(lower >= 'a' && lower <= 'z' && c == lower - 'a' + 'A'))
        return false;
    (*at)++;
    return true;
}

static bool fraction(const char **at, int *ms)
{
    int unit = 100;

    *ms = 0;
    if (!literal(at, '.'))
        return true;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        *ms += unit * (**at - '0');
        unit /= 10;
    }
    return true;
}

static bool zone(const char **at, int *minutes)
{
    int sign = **at == '-' ? -1 : 1;
    int hour;
    int minute;

    *minutes = 0;
    if (literal(at, 'z'))
        return true;
    if (**at != '+' && **at != '-')
        return false;
    (*at)++;
    if (!number(at, 2, 0, 23, &hour) || !literal(at, ':') || !number(at, 2, 0, 59, &minute))
        return false;
    *minutes = sign * (hour * 60 + minute);
    return true;
}

bool rfc3339_parse(const char *text, int64_t *ms)
{
    const char *at = text;
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int milli;
    int offset;
    int64_t seconds;

    if (!number(&at, 4, 0, 9999, &year) || !literal(&at, '-') || !number(&at, 2, 1, 12, &month) ||
        !literal(&at, '-') || !number(&at, 2, 1, days_in(year, month), &day))
        return false;
    if (!literal(&at, 't') && !literal(&at, ' '))
        return false;
    if (!number(&at, 2, 0, 23, &hour) || !literal(&at, ':') || !number(&at, 2, 0, 59, &minute) ||
        !literal(&at, ':') || !number(&at, 2, 0, 60, &second))
        return false;
    if (!fraction(&at, &milli) || !zone(&at, &offset) || *at != '\0')
        return false;
    seconds = ((days_of(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second;
    *ms = seconds * 1000 + milli;
    return true;
}

const char *rfc3339_format(int64_t ms, char out[RFC3339_TEXT])
{
    static const int64_t EARLIEST = INT64_C(-62167219200000); /* 0000-01-01 */
    static const int64_t LATEST = INT64_C(253402300799999);   /* 9999-12-31 */
    int64_t day_ms = INT64_C(86400000);
    int64_t days;
    int64_t rest;
    int year;
    int month = 1;

    if (ms < EARLIEST)
        ms = EARLIEST;
    if (ms > LATEST)
        ms = LATEST;
    days = ms / day_ms - (ms % day_ms < 0);
    rest = ms - days * day_ms;
    /* A guess from the mean length of a year is off by one at most. */
    year = (int)(1970 + days * 400 / 146097);
    while (days_of(year, 1, 1) > days)
        year--;
    while (days_of(year + 1, 1, 1) <= days)
        year++;
    days -= days_of(year, 1, 1);
    for (; days >= days_in(year, month); month++)
        days -= days_in(year, month);
    snprintf(out, RFC3339_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, (int)days + 1,
             (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60),
             (int)(rest % 1000));
    return out;
}
