/* ctl: the real actorctl ($ACTORCTL, or build/actorctl), run to its end. */
#ifndef TESTS_E2E_HARNESS_CTL_H
#define TESTS_E2E_HARNESS_CTL_H

#include <check.h>
#include <stddef.h>
#include <string.h>

/* What a run left behind; the strings belong to the harness until the next run. */
typedef struct ctl_run {
    int status; /* exit status; 128 + n for signal n */
    const char *out;
    const char *err; /* empty after a run on a terminal, which shows both as `out` */
} ctl_run;

/* Run it with the words of `line`, split at blanks; 'one word' in single quotes. `input` (NULL:
 * /dev/null) is its standard input. $ACTORCTL_URL is `url`. */
ctl_run ctl(const char *url, const char *input, const char *line);

/* The same with the descriptor `out` as its standard output. */
ctl_run ctl_into(int out, const char *url, const char *line);

/* The same in two halves: start it, then end it with a signal (0: let it end by itself). One at a
 * time. */
void ctl_start(const char *url, const char *input, const char *line);
ctl_run ctl_finish(int signal_number);

/* The same on a terminal of `columns`, where `typed` (may be "") is typed. */
ctl_run ctl_on_terminal(const char *url, unsigned short columns, const char *typed,
                        const char *line);

/* What a test may say about a run. */
#define expect_status(r, expected)                                                                 \
    ck_assert_msg((r).status == (expected), "exit status %d, not %d; stdout: %s stderr: %s",       \
                  (r).status, (expected), (r).out, (r).err)
#define expect_in(text, part)                                                                      \
    ck_assert_msg(strstr((text), (part)) != NULL, "'%s' is not in: %s", (part), (text))
#define expect_not_in(text, part)                                                                  \
    ck_assert_msg(strstr((text), (part)) == NULL, "'%s' is in: %s", (part), (text))

#endif
