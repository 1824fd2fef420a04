#include "supervisors/errors.h"

const char *supervisor_strerror(supervisor_err err)
{
    switch (err) {
    case SUPERVISOR_OK:
        return "success";
    case SUPERVISOR_EINVAL:
        return "a setting is out of range";
    case SUPERVISOR_ENOMEM:
        return "out of memory";
    case SUPERVISOR_ENOTFOUND:
        return "no such child";
    case SUPERVISOR_ESTARTED:
        return "the child is already started";
    case SUPERVISOR_EPRESENT:
        return "the child is already present";
    case SUPERVISOR_ERUNNING:
        return "the child is running";
    case SUPERVISOR_ERESTARTING:
        return "the child is being restarted";
    case SUPERVISOR_EFAILED:
        return "the child could not be started";
    case SUPERVISOR_ESTOPPED:
        return "the child was stopped meanwhile";
    case SUPERVISOR_ESYSTEM:
        return "the actor system refused";
    }
    return "unknown error";
}
