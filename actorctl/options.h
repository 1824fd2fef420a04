/* options: the command line, taken apart. Options may stand before or after the verb.
 *
 * Nothing is copied: the strings stay argv's. Pure; one thread.
 */
#ifndef ACTORCTL_OPTIONS_H
#define ACTORCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum option_id {
    OPT_URL,
    OPT_TOKEN_FILE,
    OPT_JSON,
    OPT_TIMEOUT,
    OPT_HELP,
    OPT_OUTPUT,
    OPT_WATCH,
    OPT_YES,
    OPT_DRY_RUN,
    OPT_DELAY,
    OPT_AT,
    OPT_TTL,
    OPT_PRIORITY,
    OPT_KEY,
    OPT_JSONL,
    OPT_UNDER,
    OPT_RESTART,
    OPT_INSTANCES,
    OPT_SET,
    OPT_EXEC,
    OPT_ACTOR,
    OPT_REASON,
    OPT_SINCE,
    OPT_CHECK,
    OPT_VERSION,
    OPT_COUNT
} option_id;

#define OPTION_BIT(id) (UINT32_C(1) << (id))

typedef enum option_argument {
    ARGUMENT_NONE,
    ARGUMENT_REQUIRED,
    ARGUMENT_OPTIONAL
} option_argument;

typedef struct option_spec {
    const char *name; /* without the dashes */
    char letter;      /* '\0': no short form */
    option_argument argument;
    bool global; /* taken by every verb */
    const char *metavar;
    const char *help;
} option_spec;

extern const option_spec option_specs[OPT_COUNT];

typedef struct options {
    /* NULL: not given; "" where it was given without a value. The last one wins. */
    const char *value[OPT_COUNT];
    const char **words; /* the verb and its arguments, in order */
    size_t word_count;
    const char **sets; /* every --set, in order */
    size_t set_count;
    char **command; /* what stands after "--"; NULL without one */
    size_t command_count;
} options;

#define OPTIONS_WHY 256

/* Take argv apart; argv must outlive *out. On success true, and *out is to be given to
 * options_free. Otherwise false and a sentence in `why`. */
bool options_parse(int argc, char **argv, options *out, char why[OPTIONS_WHY]);
void options_free(options *o);

#endif
