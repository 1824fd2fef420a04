#include "daemon/quiet.h"

static bool silent(const quiet *q)
{
    return q->said >= QUIET_LINES;
}

bool quiet_admit(quiet *q, clock_ms now)
{
    if (silent(q) && q->left_out == 0 && now >= q->until)
        q->said = 0;
    if (silent(q)) {
        q->left_out++;
        return false;
    }
    if (++q->said == QUIET_LINES)
        q->until = now + QUIET_MS;
    return true;
}

clock_ms quiet_due(const quiet *q)
{
    return q->left_out ? q->until : INT64_MAX;
}

uint32_t quiet_over(quiet *q, clock_ms now)
{
    uint32_t n = q->left_out;
    if (n == 0 || now < q->until)
        return 0;
    q->said = q->left_out = 0;
    return n;
}
