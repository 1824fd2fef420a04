/* actord: see cli.md for the options and exit statuses. */
#include "daemon/daemon.h"
#include "daemon/demo.h"
#include "daemon/log.h"
#include "daemon/loop.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/actord/actord.yaml"

static const char help[] =
    "Usage: actord [options]\n"
    "       actord demo\n"
    "\n"
    "Runs the tree of supervised actors that a configuration file describes, in the foreground.\n"
    "\n"
    "  -c, --config FILE     the configuration; else $ACTORD_CONFIG, else " DEFAULT_CONFIG "\n"
    "      --check           check the configuration, and exit: 0, or 8 with every error\n"
    "      --foreground      accepted: actord never goes to the background\n"
    "      --socket URL      listen here, in place of `listen` of the configuration\n"
    "      --log-level L     error, warn, info or debug, in place of `log.level`\n"
    "      --version         print the version\n"
    "  -h, --help            print this\n"
    "\n"
    "actord demo             run a small tree with flaky actors, and say what to try\n"
    "\n"
    "Signals: SIGTERM, SIGINT drain and stop (a second one stops now), SIGHUP reloads,\n"
    "SIGUSR1 writes the state of all actors to the log.\n"
    "Exit status: 0 stopped as asked, 1 internal error or the tree couldn't start, 2 usage,\n"
    "8 bad configuration, 70 the root supervisor gave up, 71 a listener could not be opened,\n"
    "74 the store failed.\n";

typedef struct arguments {
    daemon_options daemon;
    bool check;
    bool done; /* everything was said; `status` is the exit status */
    int status;
} arguments;

enum { OPT_CHECK = 256, OPT_FOREGROUND, OPT_SOCKET, OPT_LOG_LEVEL, OPT_VERSION };

static arguments finished(arguments a, int status)
{
    a.done = true;
    a.status = status;
    return a;
}

static arguments usage(arguments a, const char *what, const char *word)
{
    fprintf(stderr, "actord: %s%s; see: actord --help\n", what, word);
    return finished(a, EXIT_USAGE);
}

static arguments parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, OPT_CHECK},
        {"foreground", no_argument, NULL, OPT_FOREGROUND},
        {"socket", required_argument, NULL, OPT_SOCKET},
        {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
        {"version", no_argument, NULL, OPT_VERSION},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    arguments a = {0};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            a.daemon.config_path = optarg;
            break;
        case OPT_CHECK:
            a.check = true;
            break;
        case OPT_FOREGROUND:
            break;
        case OPT_SOCKET:
            a.daemon.socket = optarg;
            break;
        case OPT_LOG_LEVEL:
            a.daemon.log_level = optarg;
            break;
        case OPT_VERSION:
            puts("actord " ACTORD_VERSION);
            return finished(a, EXIT_OK);
        case 'h':
            fputs(help, stdout);
            return finished(a, EXIT_OK);
        default:
            fputs("see: actord --help\n", stderr);
            return finished(a, EXIT_USAGE);
        }
    }
    if (optind < argc && strcmp(argv[optind], "demo") == 0) {
        a.daemon.config_text = demo_config;
        a.daemon.on_ready = demo_ready;
        if (!a.daemon.socket)
            a.daemon.socket = demo_socket();
        optind++;
    }
    if (optind < argc)
        return usage(a, "unexpected argument: ", argv[optind]);
    return a;
}

static const char *config_path(const arguments *a)
{
    const char *path = a->daemon.config_path ? a->daemon.config_path : getenv("ACTORD_CONFIG");
    return path && path[0] ? path : DEFAULT_CONFIG;
}

/* Print every error. EXIT_CONFIG. */
static int refuse(config_errors *errs)
{
    char *text = config_errors_text(errs, NULL);
    fputs(text ? text : "actord: out of memory\n", stderr);
    free(text);
    return EXIT_CONFIG;
}

/* Load, and with --check look at the files as well. */
static int load(const arguments *a, config **c)
{
    config_errors *errs = config_errors_new();
    if (!errs) {
        fputs("actord: out of memory\n", stderr);
        return EXIT_INTERNAL;
    }
    config_err e = a->daemon.config_text
                       ? config_load_text("demo", a->daemon.config_text,
                                          strlen(a->daemon.config_text), NULL, c, errs)
                       : config_load(a->daemon.config_path, NULL, c, errs);
    if (e == CONFIG_OK && a->check) {
        e = config_check_files(*c, errs);
        if (e == CONFIG_OK && config_errors_count(errs) > 0)
            e = CONFIG_EINVALID;
    }
    int status = e == CONFIG_OK ? EXIT_OK : refuse(errs);
    config_errors_free(errs);
    return status;
}

static void set_log(const arguments *a, const config *c)
{
    static const log_level levels[] = {
        [CONFIG_LOG_ERROR] = LOG_LEVEL_ERROR,
        [CONFIG_LOG_WARN] = LOG_LEVEL_WARN,
        [CONFIG_LOG_INFO] = LOG_LEVEL_INFO,
        [CONFIG_LOG_DEBUG] = LOG_LEVEL_DEBUG,
    };
    static const log_format formats[] = {
        [CONFIG_LOG_AUTO] = LOG_FORMAT_AUTO,
        [CONFIG_LOG_TEXT] = LOG_FORMAT_TEXT,
        [CONFIG_LOG_JSON] = LOG_FORMAT_JSON,
        [CONFIG_LOG_JOURNAL] = LOG_FORMAT_JOURNAL,
    };
    log_level level = levels[c->log.level];
    if (a->daemon.log_level)
        log_level_parse(a->daemon.log_level, &level);
    log_set_level(level);
    log_set_format(formats[c->log.format]);
}

int main(int argc, char **argv)
{
    arguments a = parse(argc, argv);
    if (a.done)
        return a.status;
    /* a check that waits for its file has nothing to stop in order: the signals just end it */
    int e = a.check ? 0 : loop_block_signals();
    if (e) {
        fprintf(stderr, "actord: cannot block signals: %s\n", strerror(e));
        return EXIT_INTERNAL;
    }
    log_level level;
    if (a.daemon.log_level && !log_level_parse(a.daemon.log_level, &level)) {
        a = usage(a, "--log-level takes error, warn, info or debug, not ", a.daemon.log_level);
        return a.status;
    }
    a.daemon.config_path = config_path(&a);
    config *c = NULL;
    int status = load(&a, &c);
    if (status == EXIT_OK && a.check)
        printf("%s: ok\n", a.daemon.config_path);
    if (status != EXIT_OK || a.check) {
        config_free(c);
        return status;
    }
    set_log(&a, c);
    loaded *s = loaded_new(c, NULL);
    if (!s) {
        config_free(c);
        return EXIT_INTERNAL;
    }
    return daemon_run(&a.daemon, s);
}
