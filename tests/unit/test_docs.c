/* What the pages of docs/ show has to stay true: their YAML loads, their links lead somewhere.
 *
 * A ```yaml block is a whole configuration when it begins with `version:`, a list of children of
 * the root when it begins with `- `, and otherwise top-level keys. */
#include "config/config.h"
#include "tests/support/suite.h"

#include <ctype.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static glob_t pages;

static void setup(void)
{
    ck_assert_int_eq(glob("README.md", 0, NULL, &pages), 0);
    ck_assert_int_eq(glob("docs/*.md", GLOB_APPEND, NULL, &pages), 0);
    ck_assert_int_eq(glob("examples/*.md", GLOB_APPEND, NULL, &pages), 0);
    ck_assert_int_eq(glob("examples/*/*.md", GLOB_APPEND, NULL, &pages), 0);
}

static void teardown(void)
{
    globfree(&pages);
}

/* A file's text, for free(); NULL: there is none. */
static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = NULL, block[4096];
    size_t size = 0, got;
    if (!f)
        return NULL;
    FILE *memory = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(memory);
    while ((got = fread(block, 1, sizeof block, f)) > 0)
        fwrite(block, 1, got, memory);
    fclose(memory);
    fclose(f);
    return text;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* The block as a whole configuration, for free(). */
static char *whole(const char *block, size_t length)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    bool children = begins(block, "- ");
    if (!begins(block, "version:"))
        fputs(children ? "version: 1\nsupervisor:\n  children:\n" : "version: 1\n", out);
    for (const char *line = block, *end = block + length; line < end;) {
        size_t n = strcspn(line, "\n") + 1;
        fprintf(out, "%s%.*s", children ? "    " : "", (int)n, line);
        line += n;
    }
    fclose(out);
    return text;
}

static void load(const char *page, int line, const char *text)
{
    char name[256];
    config *c = NULL;
    config_errors *errs = config_errors_new();
    snprintf(name, sizeof name, "block-at-line-%d-of-%s", line, page);
    config_err e = config_load_text(name, text, strlen(text), NULL, &c, errs);
    char *why = config_errors_text(errs, NULL);
    ck_assert_msg(e == CONFIG_OK, "%s:%d: this block is no configuration:\n%s\n%s", page, line, why,
                  text);
    free(why);
    config_free(c);
    config_errors_free(errs);
}

/* Load every YAML block of a page; how many there were. */
static int load_blocks(const char *page)
{
    static const char fence[] = "```yaml\n";
    char *text = read_file(page);
    int count = 0, line = 1;
    ck_assert_ptr_nonnull(text);
    const char *at = text;
    for (const char *open; (open = strstr(at, fence)); count++) {
        const char *block = open + strlen(fence), *end = strstr(block, "\n```");
        ck_assert_msg(end != NULL, "%s: a block without an end", page);
        for (; at < block; at++)
            line += *at == '\n';
        char *yaml = whole(block, (size_t)(end + 1 - block));
        load(page, line, yaml);
        free(yaml);
    }
    free(text);
    return count;
}

START_TEST(every_yaml_block_is_a_configuration)
{
    for (size_t i = 0; i < pages.gl_pathc; i++)
        load_blocks(pages.gl_pathv[i]);
    ck_assert_int_gt(load_blocks("README.md"), 0);
    ck_assert_int_gt(load_blocks("docs/supervision.md"), 0);
    ck_assert_int_gt(load_blocks("docs/resilience.md"), 0);
}
END_TEST

/* "## What it is" has the anchor what-it-is. */
static bool has_anchor(const char *text, const char *anchor)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (*line != '#')
            continue;
        line += strspn(line, "# ");
        const char *want = anchor;
        for (; *line && *line != '\n'; line++) {
            char c = *line == ' ' ? '-' : (char)tolower((unsigned char)*line);
            if (c != '-' && !isalnum((unsigned char)c))
                continue;
            if (c != *want)
                break;
            want++;
        }
        if (*want == '\0' && (*line == '\0' || *line == '\n'))
            return true;
    }
    return false;
}

static void follow(const char *page, const char *link)
{
    char path[512];
    const char *slash = strrchr(page, '/'), *anchor = strchr(link, '#');
    int length = anchor ? (int)(anchor - link) : (int)strlen(link);
    if (length == 0)
        snprintf(path, sizeof path, "%s", page);
    else
        snprintf(path, sizeof path, "%.*s%.*s", slash ? (int)(slash + 1 - page) : 0, page, length,
                 link);
    char *there = read_file(path);
    ck_assert_msg(there != NULL, "%s: the link %s leads nowhere", page, link);
    ck_assert_msg(!anchor || has_anchor(there, anchor + 1), "%s: %s has no such heading", page,
                  link);
    free(there);
}

START_TEST(every_link_leads_somewhere)
{
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        char *text = read_file(pages.gl_pathv[i]);
        ck_assert_ptr_nonnull(text);
        for (char *at = text; (at = strstr(at, "]("));) {
            at += 2;
            char link[256];
            snprintf(link, sizeof link, "%.*s", (int)strcspn(at, ")\n"), at);
            if (!strstr(link, "://"))
                follow(pages.gl_pathv[i], link);
        }
        free(text);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_yaml_block_is_a_configuration,
        every_link_leads_somewhere,
        NULL,
    };
    return suite_run("docs", tests, setup, teardown);
}
