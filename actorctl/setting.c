#include "actorctl/setting.h"

#include "actorctl/jsontext.h"

#include <stdio.h>
#include <string.h>

#define KEY_MAX 128

/* The first `len` bytes of `path` as a key of its own. */
static bool copy_key(const char *path, size_t len, char key[KEY_MAX])
{
    if (len == 0 || len >= KEY_MAX)
        return false;
    memcpy(key, path, len);
    key[len] = '\0';
    return true;
}

static bool complain(char why[SETTING_WHY], const char *setting, const char *what)
{
    snprintf(why, SETTING_WHY, "--set '%.80s': %s", setting, what);
    return false;
}

/* The object one level deeper, made where it is missing; NULL when the key holds a value. */
static cJSON *descend(cJSON *object, const char *key)
{
    cJSON *child = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!child)
        return cJSON_AddObjectToObject(object, key);
    return cJSON_IsObject(child) ? child : NULL;
}

bool setting_put(cJSON *object, const char *setting, char why[SETTING_WHY])
{
    const char *equals = strchr(setting, '=');
    if (!equals)
        return complain(why, setting, "is not of the form key=value");
    char key[KEY_MAX];
    const char *at = setting;
    for (const char *dot; (dot = memchr(at, '.', (size_t)(equals - at))) != NULL; at = dot + 1) {
        if (!copy_key(at, (size_t)(dot - at), key))
            return complain(why, setting, "a part of the key is empty or too long");
        object = descend(object, key);
        if (!object)
            return complain(why, setting, "this key has a value of its own already");
    }
    if (!copy_key(at, (size_t)(equals - at), key))
        return complain(why, setting, "a part of the key is empty or too long");
    if (cJSON_GetObjectItemCaseSensitive(object, key))
        return complain(why, setting, "this key is given twice");

    const char *value = equals + 1;
    json_fault fault;
    /* Raw, so that numbers stay as they were written. */
    cJSON *item = jsontext_valid(value, strlen(value), &fault)
                      ? cJSON_AddRawToObject(object, key, value)
                      : cJSON_AddStringToObject(object, key, value);
    return item ? true : complain(why, setting, "out of memory");
}
