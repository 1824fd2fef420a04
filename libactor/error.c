/* The texts of the enums, and what a bug says before it ends the process. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libactor/base.h"

const char *actor_strerror(actor_err err)
{
    static const char *const text[] = {
        [ACTOR_OK] = "success",
        [ACTOR_ENOTFOUND] = "no such actor",
        [ACTOR_EFULL] = "mailbox full",
        [ACTOR_ENOMEM] = "out of memory",
        [ACTOR_EINVAL] = "invalid argument",
        [ACTOR_EEXIST] = "name already taken",
        [ACTOR_ETIMEOUT] = "timed out",
        [ACTOR_EENDED] = "actor ended before it replied",
        [ACTOR_ELIMIT] = "too many actors",
        [ACTOR_ESTOPPED] = "system is stopping",
        [ACTOR_ECANCELLED] = "cancelled",
        [ACTOR_EFAILED] = "handler failed",
        [ACTOR_ESYSTEM] = "operating system refused",
    };

    if ((size_t)err >= COUNTOF(text))
        return "unknown error";
    return text[err];
}

const char *actor_exit_name(actor_exit why)
{
    static const char *const text[] = {
        [ACTOR_EXIT_NORMAL] = "normal", [ACTOR_EXIT_REQUESTED] = "requested",
        [ACTOR_EXIT_CRASH] = "crash",   [ACTOR_EXIT_KILLED] = "killed",
        [ACTOR_EXIT_STOP] = "stop",     [ACTOR_EXIT_ESCALATE] = "escalate",
    };

    if ((size_t)why >= COUNTOF(text))
        return "unknown";
    return text[why];
}

static void say(const char *text)
{
    /* Nobody can be told when stderr refuses. */
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

    (void)ignored;
}

_Noreturn void actor__panic(const char *what)
{
    say("libactor: ");
    say(what);
    say("\n");
    abort();
}
