/* setting: `--set mailbox.capacity=10 --set timeout=5s` as the nested JSON of a child's keys. Pure;
 * any thread. */
#ifndef ACTORCTL_SETTING_H
#define ACTORCTL_SETTING_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#define SETTING_WHY 200

/* Put one KEY=VALUE into `object`. Dots in KEY go one object deeper each. VALUE keeps its bytes
 * where it is JSON (10, true, ["a"], {"x":1}, "10"), and is a string otherwise (5s, permanent).
 * False, and a sentence in `why`, when it isn't of that form, a key is given twice, or one key is
 * both a value and an object. `object` may then hold a part of the path. */
bool setting_put(cJSON *object, const char *setting, char why[SETTING_WHY]);

#endif
