/* The probes for tracers: what `readelf -n` says of the library and the daemon. */
#include "libactor/probe.h"
#include "tests/support/suite.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int arguments;
} probes[] = {
    {"send", 3},  {"run", 2},  {"ran", 3},   {"steal", 3},
    {"sleep", 2}, {"wake", 2}, {"spawn", 3}, {"stop", 2},
};

enum { PROBES = sizeof probes / sizeof probes[0] };

static int words(const char *text)
{
    int n = 0;

    for (char before = ' '; *text && *text != '\n'; before = *text++)
        n += before == ' ' && *text != ' ';
    return n;
}

/* The index of the probe that the line names, or PROBES. */
static int named(const char *line)
{
    static const char key[] = "Name: ";
    const char *at = strstr(line, key);
    int i = PROBES;

    if (at)
        for (i = 0; i < PROBES; i++) {
            size_t length = strlen(probes[i].name);
            if (strncmp(at + strlen(key), probes[i].name, length) == 0 &&
                at[strlen(key) + length] == '\n')
                break;
        }
    return i;
}

/* Count the places of each probe of ours in an ELF file. */
static void places_in(const char *file, unsigned places[PROBES])
{
    char command[4096];
    char line[1024];
    int probe = PROBES;
    bool ours = false;

    snprintf(command, sizeof command, "readelf -n '%s'", file);
    FILE *notes = popen(command, "r"); // NOLINT(cert-env33-c): a path of ours
    ck_assert_ptr_nonnull(notes);
    while (fgets(line, sizeof line, notes)) {
        if (strstr(line, "Provider: ")) {
            ours = strstr(line, "Provider: actor\n") != NULL;
        } else if (ours && strstr(line, "Name: ")) {
            probe = named(line);
            ck_assert_msg(probe < PROBES, "%s has an unknown probe: %s", file, line);
        } else if (ours && strstr(line, "Arguments: ")) {
            ck_assert_msg(words(line) == probes[probe].arguments + 1, "%s, %s: %s", file,
                          probes[probe].name, line);
            places[probe]++;
            ours = false;
        }
    }
    ck_assert_int_eq(pclose(notes), 0);
}

static void all_are_in(const char *file)
{
    unsigned places[PROBES] = {0};

    places_in(file, places);
    for (int i = 0; i < PROBES; i++)
        ck_assert_msg((places[i] > 0) == (ACTOR_PROBES != 0), "%s: %u places of %s", file,
                      places[i], probes[i].name);
}

START_TEST(daemon_has_all_probes_or_was_built_without)
{
    const char *daemon = getenv("ACTORD");

    ck_assert_ptr_nonnull(daemon);
    all_are_in(daemon);
}
END_TEST

#ifndef ACTOR_DEBUG /* the shared library is built with no sanitizer */
START_TEST(library_has_all_probes_or_was_built_without)
{
    const char *daemon = getenv("ACTORD");
    char file[4096];

    ck_assert_ptr_nonnull(daemon);
    snprintf(file, sizeof file, "%.*s/libactor.so", (int)(strrchr(daemon, '/') - daemon), daemon);
    all_are_in(file);
}
END_TEST
#endif

int main(void)
{
    const TTest *const tests[] = {
        daemon_has_all_probes_or_was_built_without,
#ifndef ACTOR_DEBUG
        library_has_all_probes_or_was_built_without,
#endif
        NULL,
    };
    return suite_run("actor_probes", tests, NULL, NULL);
}
