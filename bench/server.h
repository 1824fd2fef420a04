/* A server under measurement: a child process, and what the kernel knows about it. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct server {
    pid_t pid; /* 0: not running */
} server;

/* Start argv[0], a path, and wait until it says READY=1 to $NOTIFY_SOCKET (sd_notify(3)), which is
 * made in `directory`. False, with a sentence on stderr: it didn't within ten seconds. */
bool server_start(server *s, char *const argv[], const char *directory);
void server_stop(server *s); /* one that isn't running is fine */

/* A server for comparison: NNG's raw REP socket, which sends back what it gets. Returns the exit
 * status; ends with SIGTERM. */
int server_raw_echo(const char *url);

double server_cpu_us(const server *s);  /* used so far, all threads */
long server_cpu_ticks(const server *s); /* the same in /proc/PID/stat; -1: unreadable */
long server_switches(const server *s);  /* voluntary context switches: times a thread slept */
long server_rss_kib(const server *s);   /* resident memory; -1: unreadable */

#endif
