#include "daemon/demo.h"

#include <stdio.h>

#define SOCKET "ipc:///tmp/actord-demo.sock"

const char demo_config[] =
    "version: 1\n"
    "system: {name: demo, shutdown_timeout: 2s}\n"
    "log: {level: warn}\n"
    "breakers:\n"
    "  partner: {consecutive_failures: 3, open_for: 20s, probes: 1}\n"
    "supervisor:\n"
    "  strategy: one_for_one\n"
    "  max_restarts: 1000 in 1m\n"
    "  backoff: {initial: 200ms, max: 5s, factor: 2, jitter: none, reset_after: 10s}\n"
    "  children:\n"
    "    - name: echo\n"
    "      echo: {}\n"
    "    - name: counter\n"
    "      counter: {}\n"
    "    - name: sleeper\n"
    "      sleep: {}\n"
    "    - name: outbound\n"
    "      supervisor:\n"
    "        strategy: rest_for_one\n"
    "        children:\n"
    "          - name: flaky            # every first attempt fails, every second works\n"
    "            exec: [sh, -c, 'if [ $((ACTORD_ATTEMPT % 2)) -eq 1 ]; then"
    " echo \"the partner does not answer\" >&2; exit 75; fi; cat']\n"
    "            retry: {max_retries: 3, backoff: fixed, initial: 200ms, jitter: none}\n"
    "            timeout: 5s\n"
    "          - name: broken           # always fails: its breaker opens\n"
    "            exec: [sh, -c, 'echo \"connection refused\" >&2; exit 1']\n"
    "            breaker: partner\n"
    "    - name: crashing               # a worker that dies every five seconds\n"
    "      worker: [sh, -c, 'sleep 5; exit 3']\n";

const char *demo_socket(void)
{
    return SOCKET;
}

void demo_ready(void)
{
    fputs("The demo runs on " SOCKET ". In another shell:\n"
          "\n"
          "    export ACTORCTL_URL=" SOCKET "\n"
          "    actorctl tree                          # who is there, and how they are\n"
          "    actorctl ask echo '{\"hello\":1}'        # a payload comes back as it went\n"
          "    actorctl ask counter '{\"add\":2}'\n"
          "    actorctl ask flaky '\"hello\"'           # fails once, is retried, works\n"
          "    actorctl ask broken 1                  # fails, and is a dead letter\n"
          "    actorctl deadletters ls\n"
          "    actorctl breaker ls                    # after three failures it is open\n"
          "    actorctl inspect crashing              # a worker that dies every five seconds\n"
          "    actorctl status\n"
          "\n"
          "Ctrl-C ends it.\n",
          stdout);
    fflush(stdout);
}
