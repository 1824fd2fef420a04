/* examples/thumbnails, as a reader would run it. */
#include <check.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEADLINE_S = 90 };

static char *output; /* what the script printed, stdout and stderr */

static char *read_all(FILE *f)
{
    char *text = NULL, block[4096];
    size_t size = 0, got;
    FILE *memory = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(memory);
    rewind(f);
    while ((got = fread(block, 1, sizeof block, f)) > 0)
        fwrite(block, 1, got, memory);
    fclose(memory);
    return text;
}

/* Run it to its end; returns its exit status. */
static int run(char *script)
{
    char *argv[] = {script, NULL};
    FILE *out = tmpfile();
    ck_assert_ptr_nonnull(out);
    posix_spawn_file_actions_t actions;
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(out), STDERR_FILENO);
    pid_t pid;
    int failed = posix_spawn(&pid, script, &actions, NULL, argv, environ);
    ck_assert_msg(failed == 0, "%s: %s", script, strerror(failed));
    posix_spawn_file_actions_destroy(&actions);
    int status;
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    output = read_all(out);
    fclose(out);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

START_TEST(thumbnails_example_does_what_it_says)
{
    static const char *const lines[] = {
        "  ok     messages accepted: 8\n",
        "  attempt 2 ",
        "closed -> open",
        "half_open -> closed",
        "  ok     now: closed\n",
        "  ok     rejected, not retried: 2\n",
        "  ok     replayed: done\n",
        "  ok     thumbnails: 8\n",
        "  ok     of them in the index: 8\n",
        "  ok     the daemon's exit status: 0\n",
        "\nAll was as expected.\n",
    };
    int status = run("examples/thumbnails/run.sh");
    ck_assert_msg(status == 0, "exit status %d:\n%s", status, output);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(output, lines[i]) != NULL, "'%s' is not in:\n%s", lines[i], output);
    ck_assert_ptr_null(strstr(output, "WRONG"));
    free(output);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("example_thumbnails");
    TCase *tests = tcase_create("example_thumbnails");
    tcase_set_timeout(tests, DEADLINE_S);
    tcase_add_test(tests, thumbnails_example_does_what_it_says);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
