#include "daemon/account.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

void account_clear(account *a)
{
    free(a->groups);
    free(a->home);
    free(a->name);
    free(a->logname);
    *a = (account){0};
}

/* *found is NULL where there is none. */
static int find_passwd(const char *user, struct passwd *pw, char *buf, size_t size,
                       struct passwd **found)
{
    int err = getpwnam_r(user, pw, buf, size, found);
    if (*found != NULL || err == ERANGE)
        return err;
    char *end;
    errno = 0;
    unsigned long uid = strtoul(user, &end, 10);
    if (errno != 0 || *user < '0' || *user > '9' || *end != '\0' || uid >= UINT_MAX)
        return 0;
    return getpwuid_r((uid_t)uid, pw, buf, size, found);
}

static int account_groups(account *a, const char *name)
{
    int room = 64;
    for (;;) {
        gid_t *groups = realloc(a->groups, (size_t)room * sizeof(*groups));
        if (groups == NULL)
            return ENOMEM;
        a->groups = groups;
        a->ngroups = room;
        if (getgrouplist(name, a->gid, a->groups, &a->ngroups) >= 0)
            return 0;
        room = a->ngroups > room ? a->ngroups : room * 2;
    }
}

int account_find(account *a, const char *user)
{
    char *buf = NULL;
    struct passwd pw, *found = NULL;
    int err = ERANGE;
    for (size_t size = 1024; err == ERANGE && size <= (1u << 20); size *= 4) {
        free(buf);
        buf = malloc(size);
        err = buf == NULL ? ENOMEM : find_passwd(user, &pw, buf, size, &found);
    }
    if (err == 0 && found == NULL)
        err = ESRCH;
    if (err == 0) {
        a->uid = pw.pw_uid;
        a->gid = pw.pw_gid;
        err = account_groups(a, pw.pw_name);
    }
    if (err == 0 && (asprintf(&a->home, "HOME=%s", pw.pw_dir) < 0 ||
                     asprintf(&a->name, "USER=%s", pw.pw_name) < 0 ||
                     asprintf(&a->logname, "LOGNAME=%s", pw.pw_name) < 0))
        err = ENOMEM;
    free(buf);
    return err;
}
