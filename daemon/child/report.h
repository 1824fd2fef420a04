/* What actord-child tells the daemon on descriptor 3 when it can't run the
 * program. Nothing, and end of file, means that the program runs. */
#ifndef DAEMON_CHILD_REPORT_H
#define DAEMON_CHILD_REPORT_H

#include <stdint.h>

enum { CHILD_REPORT_FD = 3 };

/* Where it went wrong. */
typedef enum child_stage {
    CHILD_ARGUMENTS,
    CHILD_DESCRIPTORS,
    CHILD_DEATH_SIGNAL,
    CHILD_USER,
    CHILD_DIRECTORY,
    CHILD_MEMORY,
    CHILD_OPEN_FILES,
    CHILD_CPU,
    CHILD_EXEC,
    CHILD_INTERPRETER, /* the file is there, what its first line names is not */
    CHILD_STAGES,
} child_stage;

/* Written at once: less than PIPE_BUF, so never in parts. */
typedef struct child_report {
    uint32_t stage; /* child_stage */
    int32_t error;  /* errno */
} child_report;

#endif
