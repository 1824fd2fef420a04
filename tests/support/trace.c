#include "tests/support/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void trace_add(trace *t, const char *format, ...)
{
    size_t used = strlen(t->text);
    if (used && used + 1 < sizeof t->text)
        t->text[used++] = ' ';
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->text + used, sizeof t->text - used, format, args);
    va_end(args);
    ck_assert_msg(n >= 0 && (size_t)n < sizeof t->text - used, "the trace is full");
}
